"""Rows of the common grid made from a foreign format: what they share, and what is left out with its reason."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache
from types import MappingProxyType
from typing import NamedTuple

import pandas as pd

from sdaasp_geo.embedded import embedded_path
from sdaasp_geo.sources.france import MAIRIES, Departement, read_departements

COLUMNS = (
    *("id", "nom", "operateur", "service", "format", "adresse", "code_commune", "commune", "lon", "lat"),
    *("precision_position", "horaires", "horaires_bruts", "accessibilite", "contact", "source", "date_maj", "licence"),
)
LEFT_COLUMNS = ("row", "id", "nom", "type", "code_commune", "reason")

NO_CODE = "code INSEE de la commune absent ou mal formé"
NO_NAME = "nom ou identifiant absent"
NO_DATE = "date de mise à jour absente ou illisible"
REPEATED = "ligne répétée à l'identique"
NO_COORDINATES = "sans coordonnées"
BAD_COORDINATES = "aux coordonnées illisibles"
SWAPPED = "aux longitude et latitude inversées"

_CODE = re.compile(r"(?:\d{2}|2[AB])\d{3}")
_DATE_FORMATS = ("%Y-%m-%d", "%d/%m/%Y", "%Y%m%d")
_FILE_DATE = re.compile(r"(?<!\d)(20\d{2})-?(\d{2})-?(\d{2})(?!\d)")
_MOVING = re.compile(r"itin[ée]rante?s?\b|\bbus\b|\bcamion\b|\bmobile\b", re.IGNORECASE)
_SHARED = re.compile(r"\bmulti-?\s?sites?\b", re.IGNORECASE)


class Left(NamedTuple):
    """A row that was not converted: where it stands (as a spreadsheet numbers rows), what it is, and why."""

    row: int
    id: str
    nom: str
    type: str
    code_commune: str
    reason: str


class Conversion(NamedTuple):
    """A foreign file brought to the common grid.

    Attributes
    ----------
    title : str
        What the file is, in French.
    lines : int
        Number of lines read: each is converted (into one row of the grid, or several) or left.
    table : DataFrame
        Columns of the grid, all text.
    left : DataFrame
        ``row, id, nom, type, code_commune, reason``, one line per line left.
    remarks : dict
        What was lost in rows that are converted (``lieux sans coordonnées``…), and how many times.
    """

    title: str
    lines: int
    table: pd.DataFrame
    left: pd.DataFrame
    remarks: Mapping[str, int]


class Position(NamedTuple):
    """Longitude and latitude as text (WGS 84, degrees), how far they can be trusted, and why they are missing."""

    lon: str
    lat: str
    precision: str
    remark: str


def commune_code(text: str) -> str:
    """Return an INSEE code with its leading zeros, or an empty text when it is not one.

    Examples
    --------
    >>> commune_code("4001"), commune_code("2a004"), commune_code("Tarbes")
    ('04001', '2A004', '')
    """
    code = text.strip().upper().zfill(5) if text.strip() else ""
    return code if _CODE.fullmatch(code) else ""


def iso_date(text: str) -> str:
    """Return the day of a date or of a moment (ISO, or day/month/year), or an empty text.

    Examples
    --------
    >>> iso_date("09/08/2023 13:30:19"), iso_date("2024-05-03T00:00:00.000Z"), iso_date("mai 2024")
    ('2023-08-09', '2024-05-03', '')
    """
    day = re.split(r"[ T]", text.strip(), maxsplit=1)[0]
    for form in _DATE_FORMATS:
        try:
            return dt.datetime.strptime(day, form).date().isoformat()  # noqa: DTZ007 - a day, no moment
        except ValueError:
            continue
    return ""


def file_date(name: str) -> str:
    """Return the date that a file name bears (``annuaire-20240801.json``), or an empty text."""
    found = _FILE_DATE.search(name)
    return iso_date("-".join(found.groups())) if found else ""


def grid_id(prefix: str, text: str) -> str:
    """Write an identifier of the pattern of the grid: letters, digits and hyphens.

    Examples
    --------
    >>> grid_id("dila", "pole_emploi-65258-01")
    'dila-pole-emploi-65258-01'
    """
    return f"{prefix}-{re.sub(r'[^A-Za-z0-9]+', '-', text).strip('-')}"


def one_line(*parts: str) -> str:
    """Join the parts that say something with a comma and a space, on one line."""
    return ", ".join(" ".join(part.split()) for part in parts if part.strip())


def said_format(name: str) -> str:
    """Format that a name says (« itinérant », « multisite »), empty when it says none."""
    if _MOVING.search(name):
        return "itinerant"
    return "multisite" if _SHARED.search(name) else ""


def place(lon: str, lat: str, code: str, *, precision: str = "adresse") -> Position:
    """Read coordinates.

    Parameters
    ----------
    lon, lat : str
        Degrees, WGS 84; a decimal comma is read.
    code : str
        INSEE code of the commune.
    precision : str
        What the grid calls the precision of these coordinates.

    Returns
    -------
    Position
        Without coordinates (``inconnue``) when they are missing, not numbers, out of bounds, zero, or fall in the
        département of the commune only once exchanged.
    """
    if not (lon.strip() and lat.strip()):
        return Position("", "", "inconnue", NO_COORDINATES)
    try:
        x, y = (float(text.strip().replace(",", ".")) for text in (lon, lat))
    except ValueError:
        return Position("", "", "inconnue", BAD_COORDINATES)
    if not (math.isfinite(x) and math.isfinite(y) and abs(x) <= 180 and abs(y) <= 90) or x == y == 0:  # noqa: PLR2004 - degrees
        return Position("", "", "inconnue", BAD_COORDINATES)
    departement = _departements().get(code[:3] if code.startswith("97") else code[:2])
    if departement and not _inside(x, y, departement) and _inside(y, x, departement):
        return Position("", "", "inconnue", SWAPPED)
    return Position(f"{round(x, 7):.10g}", f"{round(y, 7):.10g}", precision, "")


@cache
def commune_names() -> Mapping[str, str]:
    """Return the official names of the communes by code, every code of the embedded vintages."""
    table = pd.read_parquet(embedded_path(MAIRIES), columns=["code_commune", "commune"])
    return MappingProxyType(dict(zip(table["code_commune"], table["commune"], strict=True)))


def convert(
    title: str,
    lines: int,
    rows: Iterable[tuple[int, dict[str, str]]],
    left: Iterable[Left],
    remarks: Counter[str],
    *,
    optional: tuple[str, ...] = (),
) -> Conversion:
    """Put converted rows together; a row repeated word for word is left, another place of the same id is renamed.

    Parameters
    ----------
    title, lines, remarks
        See `Conversion`.
    rows : iterable of (int, dict)
        Number of the line, and the row of the grid.
    left : iterable of Left
        The lines that are not converted.
    optional : tuple of str
        Optional columns of the grid that the rows have.

    Returns
    -------
    Conversion
        The index of the table is the number of the line, or, where a line gave several rows, that of the row once
        the table is saved (2, 3…).
    """
    kept: dict[tuple[str, str], dict[str, str]] = {}
    numbers: list[int] = []
    spurned = list(left)
    for number, row in rows:
        key, rank = (row["id"], row["service"]), 1
        while key in kept and {**kept[key], "id": row["id"]} != row:
            rank += 1
            key = (f"{row['id']}-{rank}", row["service"])
        if key in kept:
            spurned.append(Left(number, row["id"], row["nom"], row["service"], row["code_commune"], REPEATED))
        else:
            kept[key] = {**row, "id": key[0]}
            numbers.append(number)
    single = len(set(numbers)) == len(numbers)
    index = pd.Index(numbers if single else range(2, len(numbers) + 2), name="row", dtype="int64")
    table = pd.DataFrame(list(kept.values()), columns=[*COLUMNS, *optional], index=index, dtype="str")
    return Conversion(title, lines, table, left_table(spurned), dict(remarks))


def left_table(left: Iterable[Left]) -> pd.DataFrame:
    """Table of the lines that are not converted, in the order of the file."""
    table = pd.DataFrame(sorted(left), columns=list(LEFT_COLUMNS))
    return table.astype({name: "int64" if name == "row" else "str" for name in LEFT_COLUMNS})


def _inside(x: float, y: float, departement: Departement) -> bool:
    west, south, east, north = departement.bounds
    return west <= x <= east and south <= y <= north


@cache
def _departements() -> Mapping[str, Departement]:
    return MappingProxyType(read_departements())
