"""Second part of the pipeline: minutes, access, coverage and deficits."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pandas as pd

from sdaasp_geo.analysis import access as access_figures
from sdaasp_geo.analysis import deficits, levels, zones
from sdaasp_geo.embedded import embedded_path
from sdaasp_geo.french import NBSP
from sdaasp_geo.parameters import Rule, number_setting, service_names
from sdaasp_geo.pipeline.reporting import Report, quiet
from sdaasp_geo.pipeline.roads import study_road_engine
from sdaasp_geo.sources import minutes
from sdaasp_geo.study import Measures, Study
from sdaasp_geo.travel import matrix_file, straight_line
from sdaasp_geo.travel.engine import Engine, Method

STRAIGHT_LINE = "travel/straight_line.toml"


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
    engine = _engine(study, report=report, cache=cache)
    studied = study.communes[study.communes["studied"]].reset_index(drop=True)
    surroundings = pd.DataFrame(study.communes[["code", "population", "area_km2"]])
    parts = []
    for service in study.scheme.mesure.services:
        label = service_names(study.parameters, service).plural
        report(f"Temps d'accès{NBSP}: {label}")
        table, method = access_figures.measure_access(
            studied, study.points, service=service, engine=engine, surroundings=surroundings
        )
        rules = [rule for rule in study.rules if rule.service == service]
        parts.append(_explained(study, studied, table, method, rules))
    report("Couverture et déficits")
    access = pd.concat(parts, ignore_index=True)
    members = levels.territory_members(
        studied, study.petr_members, epci=set(study.epci["siren"]), departement=study.scheme.departement
    )
    covered, found = [], []
    for service in study.scheme.mesure.services:
        own = access[access["service"] == service]
        rules = [rule for rule in study.rules if rule.service == service]
        covered.append(levels.cover_levels(members, own, rules))
        found.append(zones.deficit_zones(studied, own, study.borders, rules))
    return Measures(
        access=access,
        coverage=pd.concat([table for table, _ in covered], ignore_index=True),
        summary=pd.concat([table for _, table in covered], ignore_index=True),
        zones=gpd.GeoDataFrame(pd.concat([layer for layer, _ in found], ignore_index=True), crs=studied.crs),
        zone_members=pd.concat([codes for _, codes in found], ignore_index=True),
        method=method,
    )


def _engine(study: Study, *, report: Report, cache: Path | None) -> Engine:
    scheme = study.scheme
    if scheme.mesure.moteur == "routes":
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
