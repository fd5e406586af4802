"""Stops of buses and sessions held away from a site, each with its own hours (CSV)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from opening_hours import OpeningHours, ParserError  # type: ignore[attr-defined]  # not in its stub

from sdaasp_geo.errors import Fault, InputError
from sdaasp_geo.french import NBSP
from sdaasp_geo.sources.delimited import read_delimited
from sdaasp_geo.sources.france import read_departements

STOP_COLUMNS = ("id", "vehicule", "nom", "code_commune", "lon", "lat", "horaires", "source", "date_maj")
_REQUIRED = ("id", "vehicule", "nom", "code_commune", "source", "date_maj")
_BOUNDS = {"lon": 180.0, "lat": 90.0}
_ID = r"[A-Za-z0-9][A-Za-z0-9-]*"
_CODE = r"(?:\d{2}|2[AB])\d{3}"
_DATE = r"\d{4}-\d{2}-\d{2}"

_COMPLETE = "Complétez la cellule."
_ID_REMEDY = "Écrivez des lettres sans accent, des chiffres et des tirets."
_ONE_ROW = "Donnez un identifiant par halte, et écrivez tous ses créneaux dans la même cellule."
_CODE_REMEDY = f"Donnez le code de la commune en texte{NBSP}: un nombre perd son zéro de tête."
_BOTH = "Donnez longitude et latitude, ou laissez les deux vides."
_SWAP = "Vérifiez que longitude et latitude ne sont pas inversées."
_HOURS_REMEDY = f"Écrivez par exemple Tu 09:00-12:00, ou week 02-52/2 Tu 09:00-12:00{NBSP}; videz la cellule sinon."


def read_stops(path: Path) -> pd.DataFrame:
    """Read the stops of buses and the sessions held away from a site.

    Parameters
    ----------
    path : Path
        CSV (any usual separator) with the columns ``id`` (of the stop), ``vehicule`` (identifier, in the common grid,
        of the place that moves), ``nom, code_commune, lon, lat`` (degrees, both empty where not located), ``horaires``
        (``opening_hours`` syntax of OpenStreetMap, empty where not published), ``source`` and ``date_maj``
        (AAAA-MM-JJ); others are passed over.

    Returns
    -------
    DataFrame
        Those columns, in order, all text except ``lon`` and ``lat`` (float, degrees, NaN where not located); the index
        is the row number a spreadsheet shows.

    Raises
    ------
    InputError
        Every fault, together: missing column, empty cell, identifier given twice, code that is no commune code,
        coordinate that is not a number, alone, out of bounds or swapped, hours out of the syntax, date that does not
        exist.
    """
    raw = read_delimited(path)
    missing = [name for name in STOP_COLUMNS if name not in raw.columns]
    if missing:
        present = ", ".join(raw.columns)
        remedy = f"Donnez les colonnes {', '.join(STOP_COLUMNS)}."
        expected = [(name, f"une colonne «{NBSP}{name}{NBSP}»") for name in missing]
        raise InputError([Fault(path.name, 1, name, present, what, remedy) for name, what in expected])
    table = raw[list(STOP_COLUMNS)]
    faults = [
        Fault(path.name, int(row), column, str(table.loc[row, column]), expected, remedy)
        for column, wrong, expected, remedy in [*_text_checks(table), *_position_checks(table)]
        for row in table.index[wrong]
    ]
    if faults:
        raise InputError(sorted(faults, key=lambda fault: (fault.row or 0, fault.column)))
    return table.assign(lon=_degrees(table["lon"]), lat=_degrees(table["lat"]))


def _text_checks(table: pd.DataFrame) -> list[tuple[str, pd.Series, str, str]]:
    """Return the column, the rows at fault, what was expected and the remedy of each check."""
    filled = table != ""
    day = table["date_maj"]
    dates = pd.to_datetime(day.where(day.str.fullmatch(_DATE)), format="%Y-%m-%d", errors="coerce")
    named = {column: filled[column] & ~table[column].str.fullmatch(_ID) for column in ("id", "vehicule")}
    code = filled["code_commune"] & ~table["code_commune"].str.fullmatch(_CODE)
    unread = filled["horaires"] & ~table["horaires"].map(_is_read).astype("bool")
    twice = table.duplicated("id") & filled["id"]
    return [
        *((column, ~filled[column], "une valeur", _COMPLETE) for column in _REQUIRED),
        *((column, wrong, "un identifiant de la grille commune", _ID_REMEDY) for column, wrong in named.items()),
        ("id", twice, "une seule ligne par halte", _ONE_ROW),
        ("code_commune", code, "un code INSEE de 5 caractères", _CODE_REMEDY),
        ("horaires", unread, "des horaires dans la syntaxe opening_hours d'OpenStreetMap", _HOURS_REMEDY),
        ("date_maj", filled["date_maj"] & dates.isna(), "une date", "Écrivez la date AAAA-MM-JJ."),
    ]


def _position_checks(table: pd.DataFrame) -> list[tuple[str, pd.Series, str, str]]:
    filled = table != ""
    lon, lat = _degrees(table["lon"]), _degrees(table["lat"])
    checks: list[tuple[str, pd.Series, str, str]] = []
    for column, other, degrees in (("lon", "lat", lon), ("lat", "lon", lat)):
        bound = _BOUNDS[column]
        beyond = degrees.notna() & ~degrees.between(-bound, bound)
        checks += [
            (column, filled[column] & degrees.isna(), "un nombre", "Donnez un nombre en degrés, sans unité."),
            (column, beyond, f"un nombre de -{bound:.0f} à {bound:.0f}", _SWAP),
            (column, filled[other] & ~filled[column], "les deux coordonnées", _BOTH),
        ]
    known = {code: departement.bounds for code, departement in read_departements().items()}
    code = table["code_commune"]
    departement = code.str[:2].where(~code.str.startswith("97"), code.str[:3])
    west, south, east, north = np.array([known.get(name, (np.nan,) * 4) for name in departement]).reshape(-1, 4).T
    swapped = lat.between(west, east) & lon.between(south, north)
    here = lon.between(west, east) & lat.between(south, north)
    expected = "une longitude, puis une latitude, dans le département de la commune déclarée"
    return [*checks, ("lon", swapped & ~here, expected, _SWAP)]


def _degrees(text: pd.Series) -> pd.Series:
    numbers = pd.to_numeric(text.str.replace(",", ".", regex=False).replace("", None), errors="coerce")
    return numbers.astype("float64").where(np.isfinite)


def _is_read(hours: str) -> bool:
    try:
        OpeningHours(hours)
    except ParserError:
        return False
    return True
