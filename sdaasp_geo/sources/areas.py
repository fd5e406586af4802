"""Operator areas as operators give them: which counter is competent for which commune (CSV)."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from sdaasp_geo.errors import Fault, InputError
from sdaasp_geo.french import NBSP
from sdaasp_geo.sources.delimited import read_delimited

AREA_COLUMNS = ("operateur", "code_commune", "guichet", "source", "date_maj")
_CODE = r"(?:\d{2}|2[AB])\d{3}"
_DATE = r"\d{4}-\d{2}-\d{2}"
_CODE_REMEDY = f"Donnez le code de la commune en texte{NBSP}: un nombre perd son zéro de tête."


def read_areas(path: Path) -> pd.DataFrame:
    """Read operator areas.

    Parameters
    ----------
    path : Path
        CSV (any usual separator) with the columns ``operateur, code_commune, guichet`` (identifier of the place in the
        common grid), ``source`` and ``date_maj`` (AAAA-MM-JJ); others are passed over.

    Returns
    -------
    DataFrame
        Those columns, in order, all text; the index is the row number a spreadsheet shows.

    Raises
    ------
    InputError
        Every fault, together: missing column, empty cell, code that is no commune code (lost leading zero), date that
        does not exist, commune given twice to one operator.
    """
    raw = read_delimited(path)
    missing = [name for name in AREA_COLUMNS if name not in raw.columns]
    if missing:
        present = ", ".join(raw.columns)
        remedy = f"Donnez les colonnes {', '.join(AREA_COLUMNS)}."
        expected = [(name, f"une colonne «{NBSP}{name}{NBSP}»") for name in missing]
        raise InputError([Fault(path.name, 1, name, present, what, remedy) for name, what in expected])
    table = raw[list(AREA_COLUMNS)]
    faults = [
        fault
        for column, wrong, expected, remedy in _checks(table)
        for fault in _faults(table, wrong, column, expected, remedy, file=path.name)
    ]
    if faults:
        raise InputError(sorted(faults, key=lambda fault: (fault.row or 0, fault.column)))
    return table


def _checks(table: pd.DataFrame) -> list[tuple[str, pd.Series, str, str]]:
    """Return the column, the rows at fault, what was expected and the remedy of each check."""
    filled = table != ""
    code, day = table["code_commune"], table["date_maj"]
    dates = pd.to_datetime(day.where(day.str.fullmatch(_DATE)), format="%Y-%m-%d", errors="coerce")
    twice = table.duplicated(["operateur", "code_commune"]) & filled["operateur"] & filled["code_commune"]
    return [
        *((column, ~filled[column], "une valeur", "Complétez la cellule.") for column in AREA_COLUMNS),
        (
            "code_commune",
            filled["code_commune"] & ~code.str.fullmatch(_CODE),
            "un code INSEE de 5 caractères",
            _CODE_REMEDY,
        ),
        ("date_maj", filled["date_maj"] & dates.isna(), "une date", "Écrivez la date AAAA-MM-JJ."),
        (
            "code_commune",
            twice,
            "un seul guichet compétent par opérateur et commune",
            "Ne gardez que le guichet compétent aujourd'hui.",
        ),
    ]


def _faults(
    table: pd.DataFrame, wrong: pd.Series, column: str, expected: str, remedy: str, *, file: str
) -> list[Fault]:
    return [Fault(file, int(row), column, str(table.loc[row, column]), expected, remedy) for row in table.index[wrong]]
