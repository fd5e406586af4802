"""Corrections: the change file (CSV), and the GeoPackage that a person edited."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from sdaasp_geo.embedded import embedded_path
from sdaasp_geo.errors import Fault, InputError
from sdaasp_geo.sources.delimited import read_delimited
from sdaasp_geo.sources.service_layers import attribute_text, layer_faults, single_points
from sdaasp_geo.sources.vector_files import checked, layer_names, optional_fiona, read_checked

SCHEMA = "schemes/corrections.schema.json"
POINTS, COUNTERS = "points_services", "communes_guichets"
ORIGIN = "origine_{}"
"""Table of an export that keeps what a layer held."""

_GUARD = re.compile(r"^'(?=\W)|[;\t\n\r]\s*'(?=[^\w\s;])")
_SUFFIX = ".gpkg"


@cache
def _fields() -> tuple[dict[str, Any], ...]:
    content = json.loads(embedded_path(SCHEMA).read_text(encoding="utf-8"))
    return tuple(content["fields"])


def read_changes(path: Path) -> pd.DataFrame:
    """Read a change file (``data/schemes/corrections.schema.json``).

    Returns
    -------
    DataFrame
        ``objet, identifiant, champ, ancien, nouveau, motif, date``, all text; the index is the row number a spreadsheet
        shows.

    Raises
    ------
    InputError
        Every fault, together: missing column, empty cell, value out of the list, date that does not exist.
    """
    raw = read_delimited(path)
    names = [field["name"] for field in _fields()]
    missing = [name for name in names if name not in raw.columns]
    if missing:
        remedy = f"Donnez les colonnes {', '.join(names)}."
        raise InputError([Fault(path.name, 1, name, "", "une colonne des corrections", remedy) for name in missing])
    table = raw[names].map(_unguarded)
    faults = [fault for field in _fields() for fault in _cell_faults(table, field, file=path.name)]
    if faults:
        raise InputError(sorted(faults, key=lambda fault: (fault.row or 0, fault.column)))
    return table


def _cell_faults(table: pd.DataFrame, field: dict[str, Any], *, file: str) -> list[Fault]:
    values, constraints = table[field["name"]], field.get("constraints", {})
    wrong = pd.Series(data=False, index=values.index)
    expected = "une valeur"
    if constraints.get("required"):
        wrong = values == ""
    if "enum" in constraints:
        expected, wrong = " ou ".join(constraints["enum"]), ~values.isin(constraints["enum"])
    if field["type"] == "date":
        days = pd.to_datetime(
            values.where(values.str.fullmatch(r"\d{4}-\d{2}-\d{2}")), format="%Y-%m-%d", errors="coerce"
        )
        expected, wrong = "une date AAAA-MM-JJ", days.isna()
    remedy = "Reprenez le fichier tel que sdaasp corrections diff l'a écrit."
    return [Fault(file, int(row), field["name"], str(values[row]), expected, remedy) for row in table.index[wrong]]


def _unguarded(value: str) -> str:
    """Take off the apostrophes that keep a text from being a formula (`outputs.corrections.guarded`)."""
    return _GUARD.sub(lambda found: found[0][:-1], value)


def read_edited(path: Path) -> dict[str, gpd.GeoDataFrame | pd.DataFrame]:
    """Read an export of corrections that a person edited.

    Returns
    -------
    dict
        The layers `POINTS` and `COUNTERS`, and the tables ``origine_…`` of each: attributes as text; points in the CRS
        of the file. The index is the row number (first feature = 2).

    Raises
    ------
    InputError
        Not a GeoPackage, not an export (a layer or a column is missing), geometry that is no point.
    """
    fiona = optional_fiona()
    if path.suffix.lower() != _SUFFIX:
        remedy = "Donnez le GeoPackage écrit par sdaasp corrections export, corrigé dans QGIS."
        raise InputError([Fault(path.name, None, "", path.suffix, "un GeoPackage", remedy)])
    wanted = [name for layer in (POINTS, COUNTERS) for name in (layer, ORIGIN.format(layer))]
    remedy = "Repartez de sdaasp corrections export, sans ôter ni renommer de couche."
    with checked(path, fiona=fiona) as source:
        present = set(layer_names(source))
        missing = [
            Fault(path.name, None, "", "", f"une couche {name}", remedy) for name in wanted if name not in present
        ]
        if missing:
            raise InputError(missing)
        read = {name: read_checked(source, layer=name, setting="--edited") for name in wanted}
    faults: list[Fault] = []
    tables: dict[str, gpd.GeoDataFrame | pd.DataFrame] = {}
    for name in wanted:
        tables[name], told = _texts(read[name], spatial=name == POINTS, file=path.name)
        faults += told
    for layer in (POINTS, COUNTERS):
        lost = [column for column in tables[ORIGIN.format(layer)].columns if not _is_there(column, tables[layer])]
        faults += [Fault(path.name, 1, column, "", f"un champ de {layer}", remedy) for column in lost]
    if faults:
        raise InputError(faults)
    return tables


def _texts(frame: pd.DataFrame, *, spatial: bool, file: str) -> tuple[gpd.GeoDataFrame | pd.DataFrame, list[Fault]]:
    """Return attributes as text, with points where the layer is one of points, and the faults of these."""
    names = [name for name in frame.columns if name not in ("geometry", "fid")]
    rows = pd.RangeIndex(2, len(frame) + 2, name="row")
    table = pd.DataFrame({str(name): attribute_text(frame[name]) for name in names}).set_axis(rows, axis="index")
    if not spatial or not isinstance(frame, gpd.GeoDataFrame):
        return table, []
    points = single_points(frame)
    return gpd.GeoDataFrame(table, geometry=points.set_axis(rows)), layer_faults(frame, points, file=file)


def _is_there(column: str, layer: pd.DataFrame) -> bool:
    return column in layer.columns or column.startswith("position_")
