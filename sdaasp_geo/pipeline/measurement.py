"""Second part of the pipeline: minutes, access, coverage and deficits."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pandas as pd

from sdaasp_geo.analysis import access as access_figures
from sdaasp_geo.analysis import cells, deficits, levels, zones
from sdaasp_geo.embedded import embedded_path
from sdaasp_geo.french import NBSP
from sdaasp_geo.parameters import Rule, number_setting, service_names
from sdaasp_geo.pipeline.offer import surroundings
from sdaasp_geo.pipeline.reporting import Report, quiet
from sdaasp_geo.pipeline.roads import study_lane_engine, study_road_engine
from sdaasp_geo.scheme import ROAD_ENGINES
from sdaasp_geo.sources import minutes
from sdaasp_geo.study import Measures, Study
from sdaasp_geo.travel import matrix_file, straight_line
from sdaasp_geo.travel.engine import Engine, Method
from sdaasp_geo.travel.lanes import lanes_by_matrix

STRAIGHT_LINE = "travel/straight_line.toml"
ROADS = "routes"


def measure(study: Study, *, report: Report = quiet, cache: Path | None = None) -> Measures:
    """Measure access, coverage and deficits on a study.

    Parameters
    ----------
    study : Study
        From `prepare`.
    report : callable
        Called with the French name of each step as it begins.
    cache : Path, optional
        Where road graphs are kept; by default the user's cache folder. Used by the engine ``routes`` only.

    Returns
    -------
    Measures
        Every studied commune × service has a row, reached or not; totals were reconciled.
    """
    engine = study_engine(study, report=report, cache=cache)
    studied = study.communes[study.communes["studied"]].reset_index(drop=True)
    access, method = _from_communes(study, studied, engine, report=report)
    report("Couverture et déficits")
    members = levels.territory_members(
        studied, study.petr_members, epci=set(study.epci["siren"]), departement=study.scheme.departement
    )
    covered, found = [], []
    for service in study.scheme.mesure.services:
        own = access[access["service"] == service]
        covered.append(levels.cover_levels(members, own, _rules(study, service)))
        found.append(zones.deficit_zones(studied, own, study.borders, _rules(study, service)))
    by_cell, cell_coverage, cell_summary = _from_cells(study, members, engine, report=report, cache=cache)
    return Measures(
        access=access,
        coverage=pd.concat([table for table, _ in covered], ignore_index=True),
        summary=pd.concat([table for _, table in covered], ignore_index=True),
        zones=gpd.GeoDataFrame(pd.concat([layer for layer, _ in found], ignore_index=True), crs=studied.crs),
        zone_members=pd.concat([codes for _, codes in found], ignore_index=True),
        method=method,
        cells=by_cell,
        cell_coverage=cell_coverage,
        cell_summary=cell_summary,
    )


def _rules(study: Study, service: str) -> list[Rule]:
    return [rule for rule in study.rules if rule.service == service]


def _from_communes(
    study: Study, studied: gpd.GeoDataFrame, engine: Engine, *, report: Report
) -> tuple[pd.DataFrame, Method]:
    """Measure access from the point of reference of each commune, class it and explain it."""
    around = surroundings(study.communes, study.points)
    parts = []
    for service in study.scheme.mesure.services:
        report(f"Temps d'accès{NBSP}: {service_names(study.parameters, service).plural}")
        table, method = access_figures.measure_access(
            studied, study.points, service=service, engine=engine, surroundings=around
        )
        parts.append(_explained(study, studied, table, method, _rules(study, service)))
    return pd.concat(parts, ignore_index=True), method


def _from_cells(
    study: Study, members: dict[str, pd.DataFrame], engine: Engine, *, report: Report, cache: Path | None
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame] | tuple[None, None, None]:
    """Measure access and coverage from inhabited cells, where the scheme gives some."""
    if study.cells is None:
        return None, None, None
    report("Temps d'accès des carreaux habités")
    on_roads = study.scheme.mesure.moteur == ROADS
    lane_engine = study_lane_engine(study, report=report, cache=cache) if on_roads else lanes_by_matrix(engine)
    around = surroundings(study.communes, study.points)
    services = study.scheme.mesure.services
    access = cells.measure_cells(
        study.cells, study.points, services=services, lane_engine=lane_engine, surroundings=around
    )
    covered = [
        cells.cover_cells(members, access[access["service"] == service], _rules(study, service)) for service in services
    ]
    coverage, summary = (pd.concat(tables, ignore_index=True) for tables in zip(*covered, strict=True))
    return access, coverage, summary


def study_engine(study: Study, *, report: Report, cache: Path | None) -> Engine:
    """Make the travel engine that a scheme asks for."""
    scheme = study.scheme
    if scheme.mesure.moteur in ROAD_ENGINES:
        return study_road_engine(study, report=report, cache=cache)
    if scheme.mesure.moteur == "matrice":
        path = scheme.path(scheme.fichiers.minutes)
        return matrix_file.matrix_engine(minutes.read_minutes(path), name=path.name)
    calibration = embedded_path(STRAIGHT_LINE).read_text(encoding="utf-8")
    return straight_line.straight_line_engine(calibration, coverage=number_setting(study.parameters, "bande-erreur"))


def _explained(
    study: Study, studied: gpd.GeoDataFrame, table: pd.DataFrame, method: Method, rules: list[Rule]
) -> pd.DataFrame:
    classes = deficits.classify(table, rules)
    service = service_names(study.parameters, str(table["service"].iloc[0]))
    sentences = deficits.explain(
        table, classes, studied.set_index("code")["name"], rules=rules, service=service, method=method
    )
    return pd.concat([table, classes.drop(columns=["code", "service"]), sentences.rename("sentence")], axis="columns")
