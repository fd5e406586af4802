"""Tables as people hold them: CSV, XLSX or ODS, read as rows of text; nothing is computed, nothing is guessed.

A cell that begins with ``=`` stays text: of a formula, the value that the workbook shows is read, or the formula itself
where none was computed. The value of cells merged downwards is that of each row.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sdaasp_geo.errors import Fault, InputError
from sdaasp_geo.sources.delimited import decode
from sdaasp_geo.sources.limits import read_content
from sdaasp_geo.sources.ods import ods_sheets
from sdaasp_geo.sources.office_files import BROKEN_WORKBOOK, read_archive, repacked

_SEPARATORS = ";,\t|"
_SAMPLE = 50
_REMEDY = "Enregistrez le tableau en XLSX, ODS ou CSV UTF-8."
_FORMATS = {".xlsx": "un classeur XLSX", ".xlsm": "un classeur XLSX", ".ods": "un classeur ODS"}
_TEXTS = (".csv", ".tsv", ".txt")
_WHOLE = 1e15


@dataclass(frozen=True)
class Sheet:
    """A sheet: its name (empty for a CSV) and its rows of text, the first one being row 1 of the spreadsheet."""

    name: str
    rows: list[list[str]]


def read_workbook(path: Path) -> list[Sheet]:
    """Read every sheet of a CSV, XLSX or ODS file as text.

    Returns
    -------
    list of Sheet
        Sheets that hold something, in order; cells without outer spaces, rows of one length per sheet.

    Raises
    ------
    InputError
        Another format, a damaged or hostile file, or nothing in it.
    """
    suffix = path.suffix.lower()
    if suffix in _TEXTS:
        sheets = [Sheet("", _delimited(path))]
    elif suffix in _FORMATS:
        parts = read_archive(path, expected=_FORMATS[suffix], remedy=_REMEDY)
        fault = Fault(path.name, None, "", "", _FORMATS[suffix], _REMEDY)
        try:
            found = ods_sheets(parts) if suffix == ".ods" else _xlsx(parts)
        except BROKEN_WORKBOOK as error:
            raise InputError([fault]) from error
        sheets = [Sheet(name, rows) for name, rows in found]
    else:
        raise InputError([Fault(path.name, None, "", suffix, "un fichier CSV, XLSX ou ODS", _REMEDY)])
    sheets = [Sheet(sheet.name, rows) for sheet in sheets if (rows := _trimmed(sheet.rows))]
    if not sheets:
        remedy = "Donnez un tableau avec une ligne d'en-têtes."
        raise InputError([Fault(path.name, None, "", "", "un tableau qui n'est pas vide", remedy)])
    return sheets


def _trimmed(rows: list[list[str]]) -> list[list[str]]:
    """Strip cells, drop the empty rows and columns that end a sheet, give every row one length."""
    bare = [[cell.replace("\r\n", "\n").replace("\r", "\n").strip() for cell in row] for row in rows]
    width = max((at + 1 for row in bare for at, cell in enumerate(row) if cell), default=0)
    last = max((number + 1 for number, row in enumerate(bare) if any(row)), default=0)
    return [(row + [""] * width)[:width] for row in bare[:last]]


def _delimited(path: Path) -> list[list[str]]:
    text = decode(read_content(path), file=path.name)
    try:
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=_separator(text), strict=True))
    except csv.Error as error:
        remedy = "Un guillemet ouvert n'est sans doute pas refermé."
        raise InputError([Fault(path.name, None, "", "", "un fichier CSV lisible", remedy)]) from error


def _separator(text: str) -> str:
    """Return the separator that cuts the largest share of the first rows alike, then most often.

    Commas also live in sentences; and a wrong separator, which does not see quotes, makes more rows.
    """

    def regularity(separator: str) -> tuple[float, int]:
        sample: list[int] = []
        try:
            for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator):
                sample.append(len(row))
                if len(sample) == _SAMPLE:
                    break
        except csv.Error:
            return 0.0, 0
        usual = max(set(sample), key=lambda size: (sample.count(size), size), default=1)
        return (sample.count(usual) / len(sample), usual) if usual > 1 else (0.0, 0)

    return max(_SEPARATORS, key=regularity)


def _xlsx(parts: dict[str, bytes]) -> list[tuple[str, list[list[str]]]]:
    from openpyxl import load_workbook  # noqa: PLC0415 - only where a workbook is given

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # openpyxl tells what it does not keep: styles, lists of values, drawings
        content = repacked(parts)
        written = load_workbook(content, data_only=False)
        cells = (cell for sheet in written.worksheets for row in sheet.iter_rows() for cell in row)
        formulas = any(cell.data_type == "f" for cell in cells)
        shown = load_workbook(content, data_only=True) if formulas else written
    return [(sheet.title, _xlsx_rows(sheet, shown[sheet.title])) for sheet in written.worksheets]


def _xlsx_rows(sheet: Any, shown: Any) -> list[list[str]]:  # noqa: ANN401 - openpyxl carries no type information
    rows = [
        [_written(other) or _written(cell) for cell, other in zip(row, others, strict=True)]
        for row, others in zip(sheet.iter_rows(), shown.iter_rows(), strict=True)
    ]
    for merged in sheet.merged_cells.ranges:
        at, value = merged.min_col - 1, rows[merged.min_row - 1][merged.min_col - 1]
        for row in rows[merged.min_row : merged.max_row]:
            row[at] = row[at] or value
    return rows


def _written(cell: Any) -> str:  # noqa: ANN401 - openpyxl carries no type information
    """Return a cell as it is read on the screen: whole numbers without decimals, shares as percentages, ISO dates."""
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "oui" if value else "non"
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat(sep=" ")
    if isinstance(value, int | float):
        percent = "%" in str(cell.number_format)
        scaled = round(100 * value, 9) if percent else value
        return plain_number(float(scaled)) + (" %" if percent else "")
    text = getattr(value, "text", value)
    return str(text)


def plain_number(value: float) -> str:
    """Write a number of a cell: ``2018.0`` is 2018, and no digit is lost.

    Examples
    --------
    >>> plain_number(2018.0), plain_number(0.1), plain_number(200070795.0)
    ('2018', '0.1', '200070795')
    """
    return str(int(value)) if value.is_integer() and abs(value) < _WHOLE else repr(value)
