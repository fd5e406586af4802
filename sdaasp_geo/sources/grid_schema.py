"""The published Table Schema of the common grid, and every fault of a table against it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pandas as pd
from rapidfuzz import process

from sdaasp_geo.action_plan import Field, fold, value_of
from sdaasp_geo.embedded import embedded_path
from sdaasp_geo.errors import Fault
from sdaasp_geo.french import NBSP
from sdaasp_geo.sources.france import read_departements
from sdaasp_geo.sources.french_hours import read_week_text
from sdaasp_geo.sources.hours import CONVERTED

GRID_SCHEMA = "services/grille-commune.schema.json"
_REMEDIES = {
    "required": "Complétez la cellule.",
    "pattern": "Reprenez la forme décrite par la grille commune.",
    "enum": "Choisissez l'une des valeurs permises.",
    "number": "Donnez un nombre en degrés, sans unité.",
    "bounds": "Vérifiez que longitude et latitude ne sont pas inversées.",
    "date": "Écrivez la date AAAA-MM-JJ.",
}
_FORMS = {
    "id": "Gardez lettres sans accent, chiffres et tirets, sans espace.",
    "service": "Écrivez le code en minuscules sans accent, chiffres et tirets, sans espace.",
    "code_commune": "Écrivez le code INSEE à cinq caractères (il garde ses zéros de tête), pas le code postal.",
    "horaires": f"Écrivez les horaires ainsi, ou dans «{NBSP}Horaires tels que publiés{NBSP}».",
}
_NEAR = 75.0
_FRENCH_DATE = re.compile(r"(\d{1,2})[/.\- ](\d{1,2})[/.\- ](\d{4})")
_LOST_ZERO = 4


@cache
def grid_fields() -> tuple[dict[str, Any], ...]:
    """Return the fields of the common grid (Frictionless Table Schema), in order."""
    return tuple(_schema()["fields"])


@cache
def grid_columns() -> tuple[Field, ...]:
    """Return the columns of the common grid, in order, with the other words that headers use for them."""
    return msgspec.convert(_schema()["fields"], type=tuple[Field, ...])


@cache
def optional_columns() -> tuple[Field, ...]:
    """Return the columns that a file may have or not: ``cout``, ``qualite``, ``image``, ``reste``."""
    return msgspec.convert(_schema()["optionalFields"], type=tuple[Field, ...])


def examples() -> dict[str, str]:
    """Return the example of each column, optional ones included."""
    schema = _schema()
    return {field["name"]: field["example"] for field in (*schema["fields"], *schema["optionalFields"])}


def known_services() -> dict[str, str]:
    """Return the codes of services that the schema names, with their names; the list stays open."""
    field = next(field for field in grid_fields() if field["name"] == "service")
    names: dict[str, str] = dict(field["valeurs_connues"])
    return names


def _schema() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(embedded_path(GRID_SCHEMA).read_text(encoding="utf-8"))
    return content


def numbers(text: pd.Series) -> pd.Series:
    """Read numbers, decimal comma or point; NaN where there is none."""
    return pd.to_numeric(text.str.replace(",", ".", regex=False).replace("", None), errors="coerce").astype("float64")


def missing_columns(columns: pd.Index, *, file: str, row: int = 1) -> list[Fault]:
    """Return one fault for each column of the grid that a table lacks."""
    remedy = "Partez du modèle de la grille commune."
    missing = [field["name"] for field in grid_fields() if field["name"] not in columns]
    return [Fault(file, row, name, "", "une colonne de la grille commune", remedy) for name in missing]


def grid_faults(table: pd.DataFrame, *, file: str) -> list[Fault]:
    """Find every fault of every cell of a table of text against the common grid.

    Parameters
    ----------
    table : DataFrame
        Columns of the grid, all text, indexed by the row that a spreadsheet shows; a column that is not there is not
        checked (`missing_columns`).
    file : str
        Name of the file, for the faults.

    Returns
    -------
    list of Fault
        In reading order: empty required cell, value out of the list or of the pattern, coordinate that is not a number
        or out of bounds, longitude and latitude swapped, date that is none, repeated place × service.
    """
    faults = [fault for field in grid_fields() if field["name"] in table for fault in _field_faults(table, field, file)]
    if {"id", "service"} <= set(table.columns):
        faults += _repeated(table, file=file)
    if {"lon", "lat", "code_commune"} <= set(table.columns):
        faults += _swapped(table, file=file)
    return sorted(faults, key=lambda fault: (fault.row or 0, fault.column))


def _field_faults(table: pd.DataFrame, field: dict[str, Any], file: str) -> list[Fault]:
    values = table[field["name"]]
    constraints = field.get("constraints", {})
    filled = values != ""
    checks: list[tuple[str, str, pd.Series]] = []
    if constraints.get("required"):
        checks.append(("required", "une valeur", ~filled))
    if "pattern" in constraints:
        expected = f"la forme «{NBSP}{field['example']}{NBSP}»"
        checks.append(("pattern", expected, filled & ~values.str.fullmatch(constraints["pattern"])))
    if "enum" in constraints:
        allowed = ", ".join(constraints["enum"])
        checks.append(("enum", f"l'une des valeurs {allowed}", filled & ~values.isin(constraints["enum"])))
    if field["type"] == "number":
        read = numbers(values)
        low, high = constraints.get("minimum", float("-inf")), constraints.get("maximum", float("inf"))
        checks.append(("number", "un nombre", filled & read.isna()))
        checks.append(("bounds", f"un nombre de {low} à {high}", read.notna() & ~read.between(low, high)))
    if field["type"] == "date":
        dates = pd.to_datetime(values, format="%Y-%m-%d", errors="coerce")
        checks.append(("date", "une date AAAA-MM-JJ", filled & dates.isna()))
    return [
        Fault(file, int(row), field["name"], str(values[row]), expected, _remedy(kind, field["name"], str(values[row])))
        for kind, expected, wrong in checks
        for row in table.index[wrong]
    ]


def _remedy(kind: str, column: str, value: str) -> str:
    """Return the general remedy of a kind of fault, and what to write when the value lets it be told."""
    proposal = _PROPOSALS.get(kind, _nothing)(column, value)
    told = _FORMS.get(column, _REMEDIES[kind]) if kind == "pattern" else _REMEDIES[kind]
    if not proposal:
        return told
    return f"{told} Sans doute{NBSP}: «{NBSP}{proposal}{NBSP}»."


def _nothing(_column: str, _value: str) -> str:
    return ""


def _pattern_proposal(column: str, value: str) -> str:
    if column == "code_commune":
        code = value.upper().replace(" ", "")
        code = code.zfill(_LOST_ZERO + 1) if code.isdigit() and len(code) == _LOST_ZERO else code
        return code if code != value and re.fullmatch(r"(?:\d{2}|2[AB])\d{3}", code) else ""
    if column == "horaires":
        week = read_week_text(value)
        return week.hours if week.status == CONVERTED else ""
    return fold(value).replace(" ", "-")


def _enum_proposal(column: str, value: str) -> str:
    field = next(field for field in grid_columns() if field.name == column)
    found = value_of(value, field)
    if found is None:
        near = process.extractOne(fold(value), field.constraints["enum"], score_cutoff=_NEAR)
        found = near[0] if near else ""
    return found


def _date_proposal(_column: str, value: str) -> str:
    found = _FRENCH_DATE.fullmatch(value.strip())
    if found is None:
        return ""
    day, month, year = (int(part) for part in found.groups())
    text = f"{year:04d}-{month:02d}-{day:02d}"
    return "" if pd.isna(pd.to_datetime(text, format="%Y-%m-%d", errors="coerce")) else text


def _number_proposal(_column: str, value: str) -> str:
    bare = re.sub(r"[°\sNSEOW]+", "", value).replace(",", ".")
    return bare if re.fullmatch(r"-?\d{1,3}(?:\.\d+)?", bare) and not re.search(r"[SWO]", value) else ""


_PROPOSALS: dict[str, Callable[[str, str], str]] = {
    "pattern": _pattern_proposal,
    "enum": _enum_proposal,
    "date": _date_proposal,
    "number": _number_proposal,
}


def _repeated(table: pd.DataFrame, *, file: str) -> list[Fault]:
    repeated = table.duplicated(["id", "service"]) & (table["id"] != "")
    remedy = "Donnez un identifiant par lieu, et une ligne par service de ce lieu."
    return [
        Fault(file, int(row), "id", str(table.loc[row, "id"]), "un couple lieu × service unique", remedy)
        for row in table.index[repeated]
    ]


def _swapped(table: pd.DataFrame, *, file: str) -> list[Fault]:
    """Find the points that fall in the département of their commune once longitude and latitude are exchanged."""
    lon, lat = numbers(table["lon"]), numbers(table["lat"])
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
