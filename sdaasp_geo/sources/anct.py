"""The list of France services that ANCT publishes (``liste-fs-AAAAMMJJ.csv``), brought to the common grid.

Telephone numbers, e-mail addresses and commentaries are not kept.
"""

from __future__ import annotations

import datetime as dt
import re

import pandas as pd

from sdaasp_geo.errors import Fault, InputError
from sdaasp_geo.french import NBSP
from sdaasp_geo.sources.french_hours import read_week
from sdaasp_geo.sources.hours import CONVERTED, NOT_PUBLISHED

LICENCE = "Licence Ouverte 2.0"
_MARKS = {"id_fs", "lib_fs", "insee_com", "format_fs", "type_fs"}
_NEEDED = (
    *("id_fs", "lib_fs", "adresse", "complement_adresse", "insee_com", "code_postal", "lib_com"),
    *("latitude", "longitude", "type_fs", "format_fs"),
)
_DAYS = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi")
_FORMATS = {"Multisites": "multisite", "Bus_équivalent": "itinerant", "Itinérante": "itinerant"}
_OPERATORS = {"La Poste": "La Poste", "MSA": "MSA", "Maison du département": "Département"}
_DATE = re.compile(r"(20\d{2})-?(\d{2})-?(\d{2})")


def is_anct_list(columns: pd.Index) -> bool:
    """Tell whether a table has the columns of the ANCT list."""
    return set(columns) >= _MARKS


def anct_to_grid(table: pd.DataFrame, *, file: str) -> pd.DataFrame:
    """Bring the ANCT list to the common grid.

    Parameters
    ----------
    table : DataFrame
        The list, all text (`delimited.read_delimited`).
    file : str
        Name of the file; its date (``liste-fs-20240801.csv``) becomes the date of the rows.

    Returns
    -------
    DataFrame
        Columns of the common grid, text, same index. Hours that do not convert exactly, or that hold under a condition
        (appointment, alternate weeks), stay as published, in ``horaires_bruts``. A multi-site or itinerant row keeps
        that format even where it is also an antenna.

    Raises
    ------
    InputError
        A missing column, or no date in the name of the file.
    """
    absent = [name for name in (*_NEEDED, *(f"h_{day}" for day in _DAYS)) if name not in table.columns]
    remedy = "Reprenez la liste telle que l'ANCT la publie."
    if absent:
        raise InputError([Fault(file, 1, name, "", "une colonne de la liste ANCT", remedy) for name in absent])
    rows = [_row(record, date=_date(file)) for record in table.to_dict("records")]
    return pd.DataFrame(rows, index=table.index, dtype="str")


def _date(file: str) -> str:
    found = _DATE.search(file)
    remedy = "Gardez le nom publié, qui porte la date de la liste."
    try:
        return dt.date(*(int(part) for part in found.groups())).isoformat() if found else _no_date(file, remedy)
    except ValueError:
        return _no_date(file, remedy)


def _no_date(file: str, remedy: str) -> str:
    raise InputError([Fault(file, None, "", "", "un nom comme liste-fs-20240801.csv", remedy)])


def _row(row: dict[str, str], *, date: str) -> dict[str, str]:
    code = row["insee_com"].zfill(5)
    town = f"{row['code_postal'].zfill(5)} {row['lib_com']}"
    address = [" ".join(part.split()) for part in (row["adresse"], row["complement_adresse"], town)]
    converted, raw = _hours(row)
    located = bool(row["longitude"] and row["latitude"])
    return {
        "id": f"fs-{row['id_fs'].zfill(4)}",
        "nom": " ".join(row["lib_fs"].split()),
        "operateur": next((o for text, o in _OPERATORS.items() if re.search(rf"\b{text}\b", row["lib_fs"])), ""),
        "service": "france-services",
        "format": _format(row),
        "adresse": ", ".join(part for part in address if part),
        "code_commune": code,
        "commune": row["lib_com"],
        "lon": row["longitude"],
        "lat": row["latitude"],
        "precision_position": "adresse" if located else "inconnue",
        "horaires": converted,
        "horaires_bruts": raw,
        "accessibilite": "inconnue",
        "contact": "",
        "source": f"ANCT, liste des France services (id_fs {row['id_fs']})",
        "date_maj": date,
        "licence": LICENCE,
    }


def _format(row: dict[str, str]) -> str:
    """Format of the grid: what moves or is shared stays so, even where the list calls it an antenna."""
    return _FORMATS.get(row["format_fs"]) or ("antenne" if row["type_fs"] == "Antenne" else "fixe")


def _hours(row: dict[str, str]) -> tuple[str, str]:
    """Hours of every week in the OpenStreetMap syntax, or the published text where that does not say all of it."""
    published = {number: row[f"h_{day}"] for number, day in enumerate(_DAYS)}
    week = read_week(published)
    if week.status == NOT_PUBLISHED or (week.status == CONVERTED and week.hours):
        return week.hours, ""
    return "", f"{NBSP}; ".join(f"{_DAYS[number]} {text}" for number, text in published.items() if text)
