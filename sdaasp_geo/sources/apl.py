"""The official APL (accessibilité potentielle localisée) of the DREES, from its published file, under its own name.

The published workbook has one sheet per vintage (« APL 2023 »): some lines of title, « Millésime », « Sources »; a line
of headers (« Code commune INSEE », « Commune », « APL aux médecins généralistes », the same restricted to practitioners
of 65 years or less, « Population standardisée 2021 pour la médecine générale »…); a line of units; one line per
commune, the arrondissements of Paris, Lyon and Marseille apart; sometimes notes. A CSV of one sheet is read alike.
"""

from __future__ import annotations

import csv
import io
import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from sdaasp_geo.errors import Fault, InputError
from sdaasp_geo.french import NBSP
from sdaasp_geo.sources.delimited import decode
from sdaasp_geo.sources.limits import MOST_COLUMNS, read_content
from sdaasp_geo.sources.office_files import BROKEN_WORKBOOK, read_archive, repacked

NO_VALUE = "valeur non publiée"
NOT_IN_FILE = "commune absente du fichier de l'APL"
PRODUCER = "DREES"
_CODE = r"(?:\d{2}|2[AB])\d{3}"
_LOST_ZERO = r"\d{4}(?:\.0)?"
_YEAR = re.compile(r"\b20[0-9]{2}\b")
_SEPARATORS = ";,\t|"
_REMEDY = "Reprenez le fichier tel que la DREES le publie, en XLSX ou en CSV UTF-8."

_HEAD = 50
"""Lines among which the headers are sought."""

_Rows = list[list[str]]
_Sheet = Callable[[int | None], _Rows]
"""Lines of a sheet, all or the first ones."""


@dataclass(frozen=True)
class Apl:
    """What a file of the APL holds.

    Attributes
    ----------
    table : DataFrame
        One row per commune × indicator: ``code, commune, indicator`` (as published: « APL aux médecins généralistes »),
        ``value`` (float, NaN where none is published), ``unit`` (as published), ``population`` (standardised, the
        weight of a mean according to the DREES; NaN where not given), ``reason`` (empty, or why there is no value).
    vintage : int
        Year of the indicator.
    source : str
        Producer, name of the file, sheet, and the sources it states.
    notes : tuple of str
        Lines of the sheet that are neither headers nor communes, kept as they are.
    """

    table: pd.DataFrame
    vintage: int
    source: str
    notes: tuple[str, ...]


def read_apl(path: Path, *, vintage: int | None = None) -> Apl:
    """Read the APL from the file that the DREES publishes.

    Parameters
    ----------
    path : Path
        XLSX workbook, or CSV of one of its sheets.
    vintage : int, optional
        Year wanted; by default the latest one.

    Raises
    ------
    InputError
        Another format, no sheet of that vintage, no line of headers, codes that lost their leading zero, values that
        are negative, repeated communes: the faults of cells all together.
    """
    sheets = _workbook(path) if path.suffix.lower() == ".xlsx" else _text(path)
    heads = {name: rows(_HEAD) for name, rows in sheets.items()}
    found = {_vintage(name, head): name for name, head in heads.items() if _header(head) is not None}
    if not found:
        expected = f"une ligne d'en-têtes avec «{NBSP}Code commune{NBSP}» et «{NBSP}APL…{NBSP}»"
        raise InputError([Fault(path.name, None, "", "", expected, _REMEDY)])
    year = max(found) if vintage is None else vintage
    if year not in found:
        present = ", ".join(str(known) for known in sorted(found))
        raise InputError([Fault(path.name, None, "", present, f"le millésime {year}", _REMEDY)])
    if year == 0:
        remedy = "Nommez le fichier avec son année, comme apl-2023.csv."
        raise InputError([Fault(path.name, None, "", "", "un millésime", remedy)])
    return _read_sheet(sheets[found[year]](None), file=path.name, sheet=found[year], vintage=year)


def match_apl(apl: Apl, codes: pd.Index) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give each commune of a perimeter its published values, and say what does not match.

    Parameters
    ----------
    apl : Apl
        From `read_apl`.
    codes : Index of str
        Codes of the communes of the perimeter.

    Returns
    -------
    matched : DataFrame
        One row per commune × indicator, in the order of ``codes``: ``code, indicator, value, unit, vintage, source,
        reason`` (empty; `NO_VALUE`; `NOT_IN_FILE`, as after a merger of communes).
    unmatched : DataFrame
        ``code, commune``: communes of the file that are in no perimeter given; all of France but the département in
        ordinary use, and the arrondissements of Paris, Lyon and Marseille.
    """
    parts = []
    for indicator, own in apl.table.groupby("indicator", sort=False):
        part = own.set_index("code").reindex(codes)[["value", "reason"]].rename_axis("code").reset_index()
        part["reason"] = part["reason"].fillna(NOT_IN_FILE)
        parts.append(part.assign(indicator=indicator, unit=own["unit"].iloc[0]))
    matched = pd.concat(parts, ignore_index=True).assign(vintage=apl.vintage, source=apl.source)
    communes = apl.table.drop_duplicates("code")
    unmatched = communes.loc[~communes["code"].isin(codes), ["code", "commune"]].reset_index(drop=True)
    return matched[["code", "indicator", "value", "unit", "vintage", "source", "reason"]], unmatched


def _workbook(path: Path) -> dict[str, _Sheet]:
    from openpyxl import load_workbook  # noqa: PLC0415 - only where a workbook is given

    fault = Fault(path.name, None, "", "", "un classeur XLSX", _REMEDY)
    content = repacked(read_archive(path, expected=fault.expected, remedy=_REMEDY))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl tells what it does not keep
            book = load_workbook(content, read_only=True, data_only=True)
    except BROKEN_WORKBOOK as error:
        raise InputError([fault]) from error
    return {sheet.title: _lines_of(sheet, fault) for sheet in book.worksheets}


def _lines_of(sheet: Any, fault: Fault) -> _Sheet:  # noqa: ANN401 - openpyxl carries no type information
    def lines(last: int | None) -> _Rows:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return [[_written(cell) for cell in row] for row in sheet.iter_rows(values_only=True, max_row=last)]
        except BROKEN_WORKBOOK as error:  # sheets are parsed as they are read
            raise InputError([fault]) from error

    return lines


def _written(cell: object) -> str:
    return "" if cell is None else str(cell).strip()


def _text(path: Path) -> dict[str, _Sheet]:
    if path.suffix.lower() not in {".csv", ".txt"}:
        raise InputError([Fault(path.name, None, "", path.suffix, "un fichier XLSX ou CSV", _REMEDY)])
    text = decode(read_content(path), file=path.name)
    header = next((line for line in text.splitlines() if "code commune" in line.casefold()), "")
    separator = max(_SEPARATORS, key=header.count)
    try:
        rows = [
            [cell.strip() for cell in row] for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator)
        ]
    except csv.Error as error:
        raise InputError([Fault(path.name, None, "", "", "un fichier CSV lisible", _REMEDY)]) from error
    return {path.stem: lambda last: rows[:last]}


def _header(rows: _Rows) -> int | None:
    """Return the position of the line of headers."""
    for number, row in enumerate(rows):
        names = [cell.casefold() for cell in row]
        if any(name.startswith("code commune") for name in names) and any(name.startswith("apl ") for name in names):
            return number
    return None


def _vintage(name: str, rows: _Rows) -> int:
    """Return the year that the sheet states (« Millésime : 2023 »), or that its name holds; 0 where none does."""
    header = _header(rows)
    stated = [cell for row in rows[:header] for cell in row if cell.casefold().startswith("millésime")]
    years = [int(found) for text in (*stated, name.replace("_", " ")) for found in _YEAR.findall(text)]
    return years[0] if years else 0


def _read_sheet(rows: _Rows, *, file: str, sheet: str, vintage: int) -> Apl:
    header = _header(rows[:_HEAD]) or 0
    names = rows[header]
    width = len(names)
    if width > MOST_COLUMNS:
        raise InputError([Fault(file, header + 1, "", str(width), f"{MOST_COLUMNS} colonnes au plus", _REMEDY)])
    even = [(row + [""] * width)[:width] for row in rows[header + 1 :]]
    body = pd.DataFrame(even, index=range(header + 2, len(rows) + 1), columns=range(width), dtype="str")
    code_at = next(at for at, name in enumerate(names) if name.casefold().startswith("code commune"))
    is_commune = body[code_at].str.fullmatch(_CODE)
    communes, others = body[is_commune], body[~is_commune]
    columns = [at for at, name in enumerate(names) if name.casefold().startswith("apl ")]
    faults = [
        *_lost_zeros(others[code_at], file=file),
        *_repeated(communes[code_at], file=file),
        *(fault for at in columns for fault in _negative(communes[at], names[at], file=file)),
    ]
    if not faults and communes.empty:
        faults.append(Fault(file, header + 2, "code commune", "", "au moins une commune", _REMEDY))
    if faults:
        raise InputError(sorted(faults, key=lambda fault: (fault.row or 0, fault.column)))
    lines = [*rows[:header], *others.to_numpy().tolist()]
    notes = tuple(text for text in (" ".join(cell for cell in row if cell) for row in lines) if text)
    units = others[others.index < communes.index.min()]
    stated = next((note for note in notes if note.casefold().startswith("source")), "")
    source = ", ".join(text for text in (PRODUCER, file, f"feuille «{NBSP}{sheet}{NBSP}»", stated) if text)
    table = pd.concat(
        [
            _indicator(communes, names, code_at, at).assign(unit=units[at].iloc[0] if len(units) else "")
            for at in columns
        ],
        ignore_index=True,
    )
    return Apl(table[_COLUMNS], vintage, source, notes)


_COLUMNS = ["code", "commune", "indicator", "value", "unit", "population", "reason"]


def _indicator(communes: pd.DataFrame, names: list[str], code_at: int, at: int) -> pd.DataFrame:
    lower = [name.casefold() for name in names]
    weights = [where for where, name in enumerate(lower) if name.startswith("population") and "standardis" in name]
    value, published = _numbers(communes[at]), communes[at]
    reason = (f"{NO_VALUE}{NBSP}: " + published).where(published != "", NO_VALUE)
    return pd.DataFrame(
        {
            "code": communes[code_at],
            "commune": communes[lower.index("commune")] if "commune" in lower else "",
            "indicator": names[at],
            "value": value,
            "population": _numbers(communes[weights[0]]) if weights else float("nan"),
            "reason": reason.where(value.isna(), ""),
        }
    )


def _numbers(text: pd.Series) -> pd.Series:
    plain = text.str.replace(r"[\s\u00a0\u202f]", "", regex=True).str.replace(",", ".", regex=False)
    return pd.to_numeric(plain, errors="coerce").astype("float64")


def _lost_zeros(codes: pd.Series, *, file: str) -> Iterator[Fault]:
    remedy = f"Gardez les codes en texte{NBSP}: un nombre perd son zéro de tête."
    for row, code in codes[codes.str.fullmatch(_LOST_ZERO)].items():
        yield Fault(file, int(row), "code commune", code, "un code INSEE de 5 caractères", remedy)


def _repeated(codes: pd.Series, *, file: str) -> Iterator[Fault]:
    for row, code in codes[codes.duplicated()].items():
        yield Fault(file, int(row), "code commune", code, "une ligne par commune", "Ôtez le doublon.")


def _negative(values: pd.Series, name: str, *, file: str) -> Iterator[Fault]:
    for row, value in values[_numbers(values) < 0].items():
        yield Fault(file, int(row), name, value, "un nombre positif ou nul", _REMEDY)
