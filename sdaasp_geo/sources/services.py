"""Service points in the common grid ("grille d'information commune"), CSV or Parquet, or in the ANCT list."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from sdaasp_geo.embedded import embedded_path
from sdaasp_geo.errors import Fault, InputError
from sdaasp_geo.sources.anct import anct_to_grid, is_anct_list
from sdaasp_geo.sources.delimited import read_delimited
from sdaasp_geo.sources.france import read_departements

GRID_SCHEMA = "services/grille-commune.schema.json"
_REMEDIES = {
    "required": "Complétez la cellule.",
    "pattern": "Reprenez la forme décrite par la grille commune (un code INSEE garde ses zéros de tête).",
    "enum": "Choisissez l'une des valeurs permises.",
    "number": "Donnez un nombre en degrés, sans unité.",
    "bounds": "Vérifiez que longitude et latitude ne sont pas inversées.",
    "date": "Écrivez la date AAAA-MM-JJ.",
}


@cache
def grid_fields() -> tuple[dict[str, Any], ...]:
    """Return the fields of the common grid (Frictionless Table Schema), in order."""
    schema = json.loads(embedded_path(GRID_SCHEMA).read_text(encoding="utf-8"))
    return tuple(schema["fields"])


def read_services(path: Path) -> pd.DataFrame:
    """Read service points and check them against the common grid.

    Returns
    -------
    DataFrame
        The columns of the grid, in order, all text except ``lon`` and ``lat`` (float, degrees, NaN where the
        point is not located); the index is the row number a spreadsheet shows.

    Raises
    ------
    InputError
        Every fault of every cell, together: missing column, empty required cell, value out of the list or of
        the pattern, coordinate that is not a number or out of bounds, longitude and latitude swapped, repeated
        identifier.
    """
    raw = _read(path)
    missing = [field["name"] for field in grid_fields() if field["name"] not in raw.columns]
    if missing:
        remedy = "Partez du modèle de la grille commune."
        raise InputError(
            [Fault(path.name, 1, name, "", "une colonne de la grille commune", remedy) for name in missing]
        )
    table = raw[[field["name"] for field in grid_fields()]]
    faults = [fault for field in grid_fields() for fault in _field_faults(table, field, file=path.name)]
    faults += [*_repeated(table, file=path.name), *_swapped(table, file=path.name)]
    if faults:
        raise InputError(sorted(faults, key=lambda fault: (fault.row or 0, fault.column)))
    return table.assign(lon=_numbers(table["lon"]), lat=_numbers(table["lat"]))


def _read(path: Path) -> pd.DataFrame:
    if path.suffix != ".parquet":
        table = read_delimited(path)
        return anct_to_grid(table, file=path.name) if is_anct_list(table.columns) else table
    table = pd.read_parquet(path)
    text = table.astype("str").where(table.notna(), "")
    return text.set_axis(pd.RangeIndex(2, len(text) + 2, name="row"), axis="index")


def _numbers(text: pd.Series) -> pd.Series:
    return pd.to_numeric(text.str.replace(",", ".", regex=False).replace("", None), errors="coerce").astype("float64")


def _field_faults(table: pd.DataFrame, field: dict[str, Any], *, file: str) -> list[Fault]:
    values = table[field["name"]]
    constraints = field.get("constraints", {})
    filled = values != ""
    checks: list[tuple[str, str, pd.Series]] = []
    if constraints.get("required"):
        checks.append(("required", "une valeur", ~filled))
    if "pattern" in constraints:
        pattern = constraints["pattern"]
        checks.append(("pattern", f"la forme {pattern}", filled & ~values.str.fullmatch(pattern)))
    if "enum" in constraints:
        allowed = ", ".join(constraints["enum"])
        checks.append(("enum", f"l'une des valeurs {allowed}", filled & ~values.isin(constraints["enum"])))
    if field["type"] == "number":
        numbers = _numbers(values)
        low, high = constraints.get("minimum", float("-inf")), constraints.get("maximum", float("inf"))
        checks.append(("number", "un nombre", filled & numbers.isna()))
        checks.append(("bounds", f"un nombre de {low} à {high}", numbers.notna() & ~numbers.between(low, high)))
    if field["type"] == "date":
        dates = pd.to_datetime(values, format="%Y-%m-%d", errors="coerce")
        checks.append(("date", "une date", filled & dates.isna()))
    return [
        Fault(file, int(row), field["name"], str(values[row]), expected, _REMEDIES[kind])
        for kind, expected, wrong in checks
        for row in table.index[wrong]
    ]


def _repeated(table: pd.DataFrame, *, file: str) -> list[Fault]:
    repeated = table.duplicated(["id", "service"]) & (table["id"] != "")
    remedy = "Donnez un identifiant par lieu, et une ligne par service de ce lieu."
    return [
        Fault(file, int(row), "id", str(table.loc[row, "id"]), "un couple lieu × service unique", remedy)
        for row in table.index[repeated]
    ]


def _swapped(table: pd.DataFrame, *, file: str) -> list[Fault]:
    """Find the points that fall in the département of their commune once longitude and latitude are exchanged."""
    lon, lat = _numbers(table["lon"]), _numbers(table["lat"])
    known = {code: departement.bounds for code, departement in read_departements().items()}
    code = table["code_commune"]
    departement = code.str[:2].where(~code.str.startswith("97"), code.str[:3])
    nowhere = (np.nan,) * 4
    box = np.array([known.get(name, nowhere) for name in departement]).reshape(-1, 4)
    swapped = _in_box(lat, lon, box) & ~_in_box(lon, lat, box)
    expected = "une longitude, puis une latitude, dans le département de la commune déclarée"
    return [
        Fault(file, int(row), "lon", str(table.loc[row, "lon"]), expected, _REMEDIES["bounds"])
        for row in table.index[swapped]
    ]


def _in_box(x: pd.Series, y: pd.Series, box: npt.NDArray[np.float64]) -> pd.Series:
    return (x >= box[:, 0]) & (x <= box[:, 2]) & (y >= box[:, 1]) & (y <= box[:, 3])
