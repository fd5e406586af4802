"""The road part of the pipeline: read an extract, keep its graph, make the engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import geopandas as gpd
import msgspec
import pandas as pd
import platformdirs

from sdaasp_geo.french import NBSP, number, percent
from sdaasp_geo.pipeline.reporting import Report, quiet
from sdaasp_geo.road_speeds import RoadParameters, read_road_parameters, road_setting
from sdaasp_geo.sources import extracts as extracts_table
from sdaasp_geo.sources import france, osm_roads, road_layers
from sdaasp_geo.sources.roads import READER_VERSION, RoadReport
from sdaasp_geo.study import Study
from sdaasp_geo.travel.engine import Engine
from sdaasp_geo.travel.lanes import LaneEngine
from sdaasp_geo.travel.osrm_engine import osrm_engine
from sdaasp_geo.travel.road_engine import road_engine
from sdaasp_geo.travel.road_file import cached_road_graph, road_fingerprint, with_names
from sdaasp_geo.travel.road_graph import RoadGraph, build_road_graph, graph_summary
from sdaasp_geo.travel.road_lanes import road_lane_engine
from sdaasp_geo.travel.valhalla_engine import valhalla_engine

ROAD_STEPS = 2
"""Steps that `build_roads` reports when it builds."""

OSM_SUFFIX = ".pbf"
_KEYS_APART = 1 << 48
_ROUTERS: Mapping[str, Callable[..., Engine]] = {"osrm": osrm_engine, "valhalla": valhalla_engine}
ATTRIBUTION = "© les contributeurs d'OpenStreetMap, licence ODbL"


@dataclass(frozen=True)
class RoadBuild:
    """A graph, why it was built (empty: it was read from its file), and what each extract left out when it was read."""

    graph: RoadGraph
    why_built: str
    reports: tuple[RoadReport, ...]
    summary: dict[str, float]


def build_roads(
    extracts: Sequence[Path],
    *,
    departement: str,
    cache: Path | None = None,
    speeds: Path | None = None,
    report: Report = quiet,
) -> RoadBuild:
    """Build the graph of road extracts, or open it when it was built before from the same inputs.

    Parameters
    ----------
    extracts : sequence of Path
        OpenStreetMap extracts (``.osm.pbf``), or one road layer (BD TOPO, ROUTE 500) in GeoPackage or Shapefile.
        Several extracts are joined by the identifiers of their nodes; the first must touch the département.
    departement : str
        Département whose legal CRS the graph takes, and that the first extract must touch.
    cache : Path, optional
        Where graphs are kept; by default the user's cache folder.
    speeds : Path, optional
        Speeds that replace those of the package.
    report : callable
        Called with the French name of each step.

    Raises
    ------
    InputError
        An extract that cannot be read, without road, or of another place.
    """
    known = france.find_departement(departement)
    parameters = read_road_parameters(speeds)
    first, *others = extracts
    keyed = _keyed(parameters, crs=known.crs, departement=known.code)
    keyed["others"] = [road_fingerprint(extract, {}) for extract in others]
    found: list[RoadReport] = []

    def build() -> RoadGraph:
        tables, sources = [], []
        for number_, extract in enumerate(extracts):
            report("Lecture du réseau routier")
            table, told = _read(extract, parameters, bounds=None if number_ else known.bounds)
            found.append(told)
            tables.append(_apart(table, number_))
            sources.append(_source(extract, told, rank=number_))
        report("Graphe des routes")
        roads = gpd.GeoDataFrame(pd.concat(tables, ignore_index=True), crs=tables[0].crs)
        return build_road_graph(roads, crs=known.crs, source=" ; ".join(sources))

    fingerprint = road_fingerprint(first, keyed)
    graph, why_built = cached_road_graph(road_cache(cache), fingerprint=fingerprint, build=build)
    named = replace(graph, source=with_names(graph.source, extracts))
    return RoadBuild(named, why_built, tuple(found), graph_summary(named))


def road_cache(cache: Path | None) -> Path:
    """Return the folder of road graphs: the one given, or the user's cache folder."""
    return cache or platformdirs.user_cache_path("sdaasp_geo", appauthor=False) / "roads"


def _apart(table: gpd.GeoDataFrame, number_: int) -> gpd.GeoDataFrame:
    """Keep apart the negative keys that each reading makes (both sides of a barrier); identifiers of nodes stay."""
    shift = number_ * _KEYS_APART
    ends = {
        column: table[column].where(table[column] >= 0, table[column] - shift) for column in ("from_node", "to_node")
    }
    return table.assign(**ends)


def fetch_roads(
    departements: Sequence[str], *, cache: Path | None = None, report: Callable[[str, int, int], None]
) -> list[Path]:
    """Fetch the public extracts that hold some départements; nothing is fetched unless this is called.

    Parameters
    ----------
    departements : sequence of str
        Codes.
    cache : Path, optional
        Where to keep them; by default the user's cache folder.
    report : callable
        Called with the name of the extract, bytes received and bytes in all.

    Raises
    ------
    InputError
        No network, or a file that is not what the server announces.
    """
    table = extracts_table.read_extracts()
    return [
        extracts_table.fetch_extract(region, road_cache(cache), root=table.root, report=partial(report, region))
        for region in extracts_table.regions_of([france.find_departement(code).code for code in departements], table)
    ]


def describe_roads(built: RoadBuild) -> list[tuple[str, str]]:
    """Describe a graph and what the extract left out, as (name, value) in French."""
    summary = built.summary
    lines = [
        ("source", built.graph.source),
        ("carrefours", number(summary["nodes"])),
        ("longueur", f"{number(summary['length_km'])}{NBSP}km, dont {number(summary['oneway_km'])} à sens unique"),
        ("réseau principal", f"{percent(summary['main_km'] / summary['length_km'])} de la longueur"),
    ]
    for told in built.reports:
        lines += [(f"{told.file}, laissé de côté ({reason})", number(size)) for reason, size in told.left_out.items()]
        lines += [(f"{told.file}, à savoir ({reason})", number(size)) for reason, size in told.noticed.items()]
    return lines


def study_road_engine(study: Study, *, report: Report, cache: Path | None) -> Engine:
    """Make the road engine of a study, or its router: its extracts, the CRS of its layers."""
    if study.scheme.mesure.moteur in _ROUTERS:
        return _study_router(study, report=report, cache=cache)
    graph, options = _study_graph(study, report=report, cache=cache)
    return road_engine(graph, **options)


def study_lane_engine(study: Study, *, report: Report, cache: Path | None) -> LaneEngine:
    """Make the engine that answers many questions at once on the roads of a study."""
    graph, options = _study_graph(study, report=report, cache=cache)
    return road_lane_engine(graph, **options)


def _study_graph(study: Study, *, report: Report, cache: Path | None) -> tuple[RoadGraph, dict[str, Any]]:
    """Return the graph of a study, and the options of its engines."""
    files = study.scheme.fichiers
    speeds = study.scheme.path(files.vitesses) if files.vitesses else None
    built = build_roads(
        [study.scheme.path(name) for name in files.routes],
        departement=study.scheme.departement,
        cache=cache,
        speeds=speeds,
        report=report,
    )
    parameters = read_road_parameters(speeds)
    return built.graph, {
        "cap_m": road_setting(parameters, "rattachement-max-m"),
        "walking_kmh": road_setting(parameters, "marche-kmh"),
        "folder": road_cache(cache),
        "tell": report,
    }


def _study_router(study: Study, *, report: Report, cache: Path | None) -> Engine:
    """Make the router of a study; extracts are read and checked only when the router prepares its data."""
    files, known = study.scheme.fichiers, france.find_departement(study.scheme.departement)
    parameters = read_road_parameters(study.scheme.path(files.vitesses) if files.vitesses else None)
    extracts = [study.scheme.path(name) for name in files.routes]

    def describe() -> str:
        sources = []
        for number_, extract in enumerate(extracts):
            report("Lecture du réseau routier")
            _, told = _read(extract, parameters, bounds=None if number_ else known.bounds)
            sources.append(_source(extract, told, rank=number_))
        report("Données du moteur de calcul d'itinéraires")
        return " ; ".join(sources)

    return _ROUTERS[study.scheme.mesure.moteur](
        extracts,
        folder=road_cache(cache) / known.code,  # data checked against this département
        crs=known.crs,
        cap_m=road_setting(parameters, "rattachement-max-m"),
        walking_kmh=road_setting(parameters, "marche-kmh"),
        describe=describe,
    )


def _read(
    extract: Path, parameters: RoadParameters, *, bounds: tuple[float, float, float, float] | None
) -> tuple[gpd.GeoDataFrame, RoadReport]:
    """Read roads by the reader of their format."""
    if extract.suffix == OSM_SUFFIX:
        return osm_roads.read_osm_roads(extract, speeds=parameters, bounds=bounds)
    mapping = road_layers.find_mapping(extract, mappings=road_layers.read_mappings())
    return road_layers.read_road_layer(extract, mapping=mapping, speeds=parameters, bounds=bounds)


def _source(extract: Path, told: RoadReport, *, rank: int) -> str:
    """Cite an extract; ``{rank}`` stands for its name (see :func:`~sdaasp_geo.travel.road_file.with_names`)."""
    day = f" du {told.data_date.isoformat()}" if told.data_date else ""
    if extract.suffix == OSM_SUFFIX:
        return f"OpenStreetMap, extrait {{{rank}}}{day}, {ATTRIBUTION}"
    return f"Couche routière {{{rank}}}{day}"


def _keyed(parameters: RoadParameters, *, crs: str, departement: str) -> dict[str, Any]:
    """Return all that changes the graph, or whether it may serve, besides the extract."""
    return {
        "crs": crs,
        "departement": departement,
        "mappings": msgspec.to_builtins(road_layers.read_mappings()),
        "reader": READER_VERSION,
        "speeds": msgspec.to_builtins(parameters),
    }
