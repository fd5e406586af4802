"""The layers of a run in one GeoPackage, in the legal CRS of the territory."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import geopandas as gpd
import pandas as pd

from sdaasp_geo.outputs.tables import describe_column
from sdaasp_geo.study import Measures, Study

_WEEKLY = ["limit_min", "open_hours", "evening", "saturday"]
_BORDER = ["side", "saved_epci_min", "saved_departement_min"]
_COMPETENT = ["competent_place_name", "assignment", "penalty_min"]
_DATE = "1970-01-01T00:00:00Z"


def build_layers(study: Study, measures: Measures) -> dict[str, gpd.GeoDataFrame]:
    """Gather the layers to publish, by name, from the widest territories to the points."""
    main = study.scheme.mesure.services[0]
    columns = [
        "code",
        "time_min",
        "low_min",
        "high_min",
        "place_name",
        "place_commune",
        "class",
        "to_check",
        "sentence",
    ]
    access = measures.access.loc[measures.access["service"] == main, columns]
    cells = {"carreaux": _cells(study.cells, measures, main)} if study.cells is not None else {}
    return {
        "departement": study.departement,
        "epci_voisins": study.neighbours,
        "petr": study.petr,
        "epci": study.epci,
        "communes": study.communes.merge(_with_diagnosis(access, measures, main), on="code", how="left"),
        "zones": measures.zones,
        **cells,
        "points_services": study.points,
    }


def _with_diagnosis(access: pd.DataFrame, measures: Measures, service: str) -> pd.DataFrame:
    """Add where the nearest place is, the competent counter and the weekly presence, where they were measured."""
    diagnosis = measures.diagnosis
    if diagnosis is None or service not in set(diagnosis.reachable["service"]):
        return access
    weekly = diagnosis.reachable[diagnosis.reachable["service"] == service]
    weekly = weekly.loc[weekly["limit_min"] == weekly["limit_min"].min(), ["code", *_WEEKLY]]
    joined = access.merge(weekly, on="code", how="left")
    if len(diagnosis.border):
        whole = diagnosis.border[(diagnosis.border["service"] == service) & (diagnosis.border["operator"] == "tous")]
        joined = joined.merge(whole[["code", *_BORDER]], on="code", how="left")
        own = diagnosis.competence[diagnosis.competence["service"] == service]
        worst = own.sort_values("penalty_min", ascending=False, kind="stable").drop_duplicates("code")
        joined = joined.merge(worst[["code", *_COMPETENT]], on="code", how="left")
    return joined


def _cells(cells: gpd.GeoDataFrame, measures: Measures, service: str) -> gpd.GeoDataFrame:
    """Return the inhabited cells with their access to one service."""
    if measures.cells is None:
        return cells
    columns = ["cell", "time_min", "low_min", "high_min", "reason", "place_name", "place_commune"]
    access = measures.cells.loc[measures.cells["service"] == service, columns]
    return cells.merge(access, on="cell", how="left")


def write_geopackage(layers: dict[str, gpd.GeoDataFrame], path: Path) -> Path:
    """Write layers in one GeoPackage; the same layers give the same bytes.

    Parameters
    ----------
    layers : dict
        GeoDataFrames by layer name; columns take their published names.
    path : Path
        The file, replaced if it exists.
    """
    path.unlink(missing_ok=True)
    for name, layer in layers.items():
        renamed = layer.rename(columns={c: describe_column(name, c)["name"] for c in layer.columns if c != "geometry"})
        renamed.to_file(path, layer=name, driver="GPKG", engine="pyogrio", mode="a" if path.exists() else "w")
    _settle(path)
    return path


def _settle(path: Path) -> None:
    """Give the file's own records a fixed date, then rewrite it whole: no trace of when or how it grew."""
    with sqlite3.connect(path) as base:
        base.execute("UPDATE gpkg_contents SET last_change = ?", (_DATE,))
        base.commit()
        base.execute("VACUUM")
    base.close()
