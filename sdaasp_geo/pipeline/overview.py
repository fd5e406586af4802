"""Access to services of every commune of a region, or of France, by the straight line: measured, drawn, written."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import pandas as pd

from sdaasp_geo import __version__
from sdaasp_geo.analysis.access import IDENTITY, service_places
from sdaasp_geo.analysis.deficits import classify, explain
from sdaasp_geo.embedded import embedded_path
from sdaasp_geo.errors import Fault, InputError, SchemeError
from sdaasp_geo.french import NBSP, count, listing
from sdaasp_geo.layers import communes as commune_layer
from sdaasp_geo.layers.scope import departement_of
from sdaasp_geo.layers.services import build_service_points, current_codes
from sdaasp_geo.outputs import publish
from sdaasp_geo.outputs.overview_files import PAGE, write_overview
from sdaasp_geo.outputs.overview_model import FRANCE, MAINLAND, Overview
from sdaasp_geo.outputs.web_map_text import place_sources
from sdaasp_geo.parameters import (
    Parameters,
    Rule,
    number_setting,
    read_parameters,
    rules_of,
    service_names,
    words_setting,
)
from sdaasp_geo.pipeline.grid import check_untouched, describe_files
from sdaasp_geo.pipeline.measurement import STRAIGHT_LINE
from sdaasp_geo.pipeline.offer import MAIRIE
from sdaasp_geo.pipeline.reporting import Report, quiet
from sdaasp_geo.sources import france
from sdaasp_geo.sources.services import read_offer
from sdaasp_geo.travel.engine import Method
from sdaasp_geo.travel.nearest_wide import nearest_of_many, straight_line_farther
from sdaasp_geo.travel.straight_line import straight_line_engine

__all__ = ["PAGE", "STEPS", "measure_overview", "overview"]

STEPS = 3
"""Steps that `overview` reports."""

_ORIGIN = ["code", "ref_x", "ref_y", "population", "area_km2"]
_PLACE = ["id", "x", "y", "commune_population", "commune_area_km2"]
_EMBEDDED = ("boundaries/communes.parquet", "boundaries/epci.parquet", "boundaries/departements.csv")
_MEASURED = ("boundaries/contour_commune.csv", "boundaries/mouvements.csv", "services/mairies.parquet", STRAIGHT_LINE)


def overview(
    folder: Path,
    *,
    services: Sequence[str],
    region: str | None = None,
    files: Sequence[Path] = (),
    edition: dt.date | None = None,
    report: Report = quiet,
) -> Overview:
    """Measure access in a region, or in France, and write its map, its tables and its manifest.

    Parameters
    ----------
    folder : Path
        Where to write, complete or not at all: ``carte.html, communes.csv, departements.csv, manifest.json``.
    services : sequence of str
        Codes of services, the first one shown at first. Mairies are embedded; the others come from the files.
    region : str, optional
        Code of a region (COG), by default the whole of France.
    files : sequence of Path
        Places: common grid, list of the ANCT, or a foreign format.
    edition : date, optional
        Date of the edition; by default the latest update of the places.
    report : callable
        Called with the French name of each step.

    Raises
    ------
    SchemeError
        An unknown region, or a service given twice.
    InputError
        Faults of the files; a service without any place in them.
    OutputError
        When the folder cannot be written.
    """
    check_untouched(folder, inputs=files)
    measured = measure_overview(services=services, region=region, files=files, edition=edition, report=report)
    report("Carte et tableaux")
    with publish.published(folder) as beside:
        write_overview(measured, beside, version=__version__)
    return measured


def measure_overview(
    *,
    services: Sequence[str],
    region: str | None = None,
    files: Sequence[Path] = (),
    edition: dt.date | None = None,
    report: Report = quiet,
) -> Overview:
    """Measure access in a region, or in France: see `overview`, which also writes it."""
    report("Lieux et périmètres")
    chosen = _chosen(region)
    services = tuple(dict.fromkeys(services))
    parameters, vintage = read_parameters(None), france.vintages()[-1]
    grid, notes = _grid(services, files)
    edition = edition or _latest(grid)
    rules = _rules(parameters, services, edition)
    report("Temps d'accès")
    parts = [
        _measure(territory, departements, grid, services=services, parameters=parameters, vintage=vintage)
        for territory, departements in _territories(chosen).items()
    ]
    communes = _described(pd.concat([part.communes for part in parts], ignore_index=True), vintage)
    method = parts[0].method
    raw = pd.concat([part.access for part in parts], ignore_index=True)
    access = _classed(raw, communes, services=services, parameters=parameters, rules=rules, method=method)
    return Overview(
        code=region or FRANCE,
        name=chosen[next(iter(chosen))].region_name if region else "France",
        edition=edition,
        vintage=vintage,
        communes=communes,
        shapes={part.territory: part.shapes for part in parts},
        access=access,
        places={
            service: pd.concat([part.places[service] for part in parts], ignore_index=True) for service in services
        },
        services=services,
        parameters=parameters,
        rules=rules,
        method=method,
        notes=(*notes, *_left_out(grid, whole=region is None), *_gaps(communes)),
        sources=_sources(grid, services, parameters),
        inputs=(*describe_files(list(files)), *_embedded_inputs(chosen)),
    )


def _rules(parameters: Parameters, services: Sequence[str], date: dt.date) -> tuple[Rule, ...]:
    """Return every rule of the services that holds on a day."""
    own = [rule for rule in parameters.rule if rule.service in services and rule.valid_from <= date]
    codes = [rule.code for rule in own if rule.valid_to is None or rule.valid_to >= date]
    return rules_of(parameters, codes=codes, services=services, date=date)


@dataclass(frozen=True)
class _Part:
    """One territory: its communes and shapes, access to each service, places by service."""

    territory: str
    communes: pd.DataFrame
    shapes: gpd.GeoDataFrame
    access: pd.DataFrame
    places: dict[str, pd.DataFrame]
    method: Method


def _chosen(region: str | None) -> dict[str, france.Departement]:
    """Return the départements of a region, or all.

    Raises
    ------
    SchemeError
        When no département has that region.
    """
    known = france.read_departements()
    if region is None:
        return known
    regions = france.read_table("boundaries/departements.csv").set_index("code")
    own = set(regions.index[regions["region"] == region])
    if not own:
        pairs = regions.drop_duplicates("region").sort_values("region")
        listed = listing([f"{row.region} ({row.region_name})" for row in pairs.itertuples(index=False)])
        message = f"Région «{NBSP}{region}{NBSP}» inconnue. Codes des régions{NBSP}: {listed}."
        raise SchemeError(message)
    return {code: one for code, one in known.items() if code in own}


def _territories(chosen: dict[str, france.Departement]) -> dict[str, list[str]]:
    """Group départements by territory: no car goes from one island to another."""
    groups: dict[str, list[str]] = {}
    for code, one in chosen.items():
        groups.setdefault(MAINLAND if one.zone == MAINLAND else code, []).append(code)
    return groups


def _grid(services: Sequence[str], files: Sequence[Path]) -> tuple[pd.DataFrame, list[str]]:
    """Read the places of the services; mairies are embedded unless the files give some."""
    found = [read_offer(path) for path in files]
    read, notes = [table for table, _ in found], [note for _, told in found for note in told]
    if MAIRIE in services and not any((table["service"] == MAIRIE).any() for table in read):
        mairies = france.read_mairies(france.read_departements())
        trusted = mairies["precision_position"] == commune_layer.TRUSTED
        read.append(mairies.assign(lon=mairies["lon"].where(trusted), lat=mairies["lat"].where(trusted)))
    grid = pd.concat(read, ignore_index=True) if read else pd.DataFrame(columns=["service"])
    names = ", ".join(path.name for path in files) or "aucun fichier"
    remedy = "Donnez un fichier de ses lieux avec --services. Seules les mairies sont embarquées."
    faults = [
        Fault(names, None, "service", service, "au moins un lieu de ce service", remedy)
        for service in services
        if not (grid["service"] == service).any()
    ]
    if faults:
        raise InputError(faults)
    wanted = grid[grid["service"].isin(services)]
    kept = wanted.drop_duplicates(["service", "id"]).reset_index(drop=True)
    again = len(wanted) - len(kept)
    if again:
        rows = count(again, "lieu a le même identifiant", "lieux ont le même identifiant")
        notes.append(f"{rows} qu'un autre du même service{NBSP}: le premier, dans l'ordre des fichiers, est mesuré.")
    return kept, notes


def _latest(grid: pd.DataFrame) -> dt.date:
    """Return the latest update of the places."""
    return dt.date.fromisoformat(max(grid["date_maj"]))


def _measure(
    territory: str,
    departements: list[str],
    grid: pd.DataFrame,
    *,
    services: Sequence[str],
    parameters: Parameters,
    vintage: int,
) -> _Part:
    """Measure one territory; places of the neighbouring départements count: supply has no border."""
    layer = _layer(territory, departements, vintage)
    moved = current_codes(grid["code_commune"], france.read_moves(), set(layer["code"]), vintage=vintage)
    here = moved.isin(set(layer["code"]))
    points = build_service_points(
        grid[here].assign(code_commune=moved[here]),
        layer,
        permanent_formats=words_setting(parameters, "formats-permanents"),
        departement="",
    )
    own = layer["departement"].isin(departements)
    studied = layer[own].reset_index(drop=True)
    surroundings = pd.DataFrame(layer[["code", "population", "area_km2"]])
    calibration = embedded_path(STRAIGHT_LINE).read_text(encoding="utf-8")
    engine = straight_line_engine(calibration, coverage=number_setting(parameters, "bande-erreur"))
    starts, farther = pd.DataFrame(studied[_ORIGIN]), straight_line_farther(calibration)
    tables, located = [], {}
    for service in services:
        places = service_places(points, surroundings, service=service)
        found = nearest_of_many(engine, farther, starts, places[_PLACE])
        named = places.set_index("id")
        for column in ("nom", "commune", "departement"):
            found[f"place_{IDENTITY[column]}"] = found["place"].map(named[column])
        tables.append(found.assign(service=service))
        inside = points[points["permanent"] & (points["service"] == service) & points["departement"].isin(departements)]
        degrees = inside.geometry.dropna().to_crs("EPSG:4326")
        located[service] = pd.DataFrame({"lon": degrees.x.to_numpy(), "lat": degrees.y.to_numpy()})
    return _Part(
        territory=territory,
        communes=pd.DataFrame(studied.drop(columns="geometry")).assign(territory=territory),
        shapes=studied[["code", "geometry"]],
        access=pd.concat(tables, ignore_index=True),
        places=located,
        method=engine(starts[:0], places[_PLACE][:0]).method,
    )


def _layer(territory: str, departements: list[str], vintage: int) -> gpd.GeoDataFrame:
    """Build the communes of a territory and, on the mainland, of the départements around it."""
    known = france.read_departements()
    around = {near for code in departements for near in known[code].neighbours} if territory == MAINLAND else set()
    loaded = {*departements, *around}
    membership = france.read_membership(vintage)
    shapes = commune_layer.apply_vintage(france.read_contours(loaded), france.read_contour_links(), vintage=vintage)
    local = membership[membership["departement"].isin(loaded)]
    return commune_layer.build_communes(shapes, local, france.read_mairies(loaded), departement="", vintage=vintage)


def _described(communes: pd.DataFrame, vintage: int) -> pd.DataFrame:
    """Name the département, the region and the EPCI of each commune; départements in order, mainland first."""
    known, names = france.read_departements(), france.read_epci_names(vintage).set_index("siren")["name"]
    table = communes.assign(
        departement_name=communes["departement"].map({code: one.name for code, one in known.items()}),
        region_name=communes["departement"].map({code: one.region_name for code, one in known.items()}),
        epci_name=communes["epci"].map(names).fillna(communes["epci"]).fillna(communes["epci_reason"]),
    )
    return table.sort_values(["departement", "code"], ignore_index=True)


def _classed(
    access: pd.DataFrame,
    communes: pd.DataFrame,
    *,
    services: Sequence[str],
    parameters: Parameters,
    rules: Sequence[Rule],
    method: Method,
) -> pd.DataFrame:
    """Class and explain every commune, service by service, in the order of the communes."""
    tables, names = [], communes.set_index("code")["name"]
    for service in services:
        own = access[access["service"] == service].set_index("code").loc[communes["code"]].reset_index()
        limits = [rule for rule in rules if rule.service == service]
        classes = classify(own, limits)
        said = service_names(parameters, service)
        sentences = explain(own, classes, names, rules=limits, service=said, method=method)
        tables.append(own.assign(**{key: classes[key] for key in ("class", "to_check")}, sentence=sentences))
    return pd.concat(tables, ignore_index=True)


def _left_out(grid: pd.DataFrame, *, whole: bool) -> list[str]:
    """Count the places of no département of France that has a contour: they are not lost, only not drawn."""
    known = set(france.read_departements())
    beyond = ~grid["code_commune"].map(departement_of).isin(known)
    notes = []
    if whole and beyond.any():
        notes.append(
            f"{count(int(beyond.sum()), 'lieu', 'lieux')} hors des départements mesurés "
            f"({listing(sorted(set(grid.loc[beyond, 'code_commune'].str[:3])))}), ni dessinés ni comptés."
        )
    return notes


def _gaps(communes: pd.DataFrame) -> list[str]:
    """Say which communes have no contour, and how many have no population."""
    lost = communes.loc[communes["contour_reason"] != ""]
    notes = []
    if len(lost):
        names = listing(
            [f"{row.name} ({row.departement})" for row in lost[["name", "departement"]].itertuples(index=False)]
        )
        notes.append(f"{count(len(lost), 'commune')} sans contour, au tableau mais non dessinées{NBSP}: {names}.")
    empty = int((communes["population_reason"] != "").sum())
    if empty:
        notes.append(f"{count(empty, 'commune')} sans population légale, à zéro habitant.")
    return notes


def _sources(grid: pd.DataFrame, services: Sequence[str], parameters: Parameters) -> tuple[str, ...]:
    """Name the sources of the places."""
    return tuple(
        line
        for service in services
        for line in place_sources(grid[grid["service"] == service], label=service_names(parameters, service).label)
    )


def _embedded_inputs(chosen: dict[str, france.Departement]) -> list[dict[str, object]]:
    zones = sorted({f"boundaries/contours_{one.zone}.parquet" for one in chosen.values()})
    names = [*_EMBEDDED, *zones, *_MEASURED]
    described = describe_files([embedded_path(name) for name in names])
    return [{**one, "name": f"embarque:{name}"} for one, name in zip(described, names, strict=True)]
