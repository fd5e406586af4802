"""Workbooks of the common grid: the copy of a checked file, with what to mend, and plain sheets of text."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import xlsxwriter

from sdaasp_geo.french import NBSP

OPTIONS = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "in_memory": True}
CREATED = dt.datetime(2000, 1, 1)  # noqa: DTZ001 - a workbook knows no time zone; a fixed date keeps its bytes
CELL_LIMIT = 32_767
MOST_LINKS = 60_000
"""A sheet holds at most 65,530 links."""

_TAB_LENGTH = 31
_FORBIDDEN = str.maketrans(dict.fromkeys("[]:*?/\\'", " "))
_SUMMARY = (
    ("Cellule", 10),
    ("Gravité", 12),
    ("Colonne", 26),
    ("Valeur trouvée", 30),
    ("Attendu", 38),
    ("Que faire", 70),
)
_COLOURS = {"à corriger": "#F4B6B6", "à vérifier": "#FFE9A8"}
_WIDEST, _NARROWEST = 40, 10
_NOTE = {"author": "sdaasp", "x_scale": 2.6, "y_scale": 1.4, "font_size": 9}
_A4 = 9
_LINE = 15.0  # points


def styles_of(book: Any) -> dict[str, Any]:  # noqa: ANN401 - xlsxwriter has no types
    """Return the formats that the workbooks of the grid share."""
    header = {"bold": True, "text_wrap": True, "valign": "top", "border": 1, "border_color": "#B9C2D0"}
    body = {"valign": "top", "num_format": "@"}
    return {
        "header": book.add_format({**header, "bg_color": "#1B3A6B", "font_color": "#FFFFFF"}),
        "optional": book.add_format({**header, "bg_color": "#E8ECF2"}),
        "title": book.add_format({"bold": True, "font_size": 15, "font_color": "#1B3A6B"}),
        "text": book.add_format(body),
        "wrapped": book.add_format({**body, "text_wrap": True}),
        "bold": book.add_format({**body, "bold": True}),
        "link": book.add_format({"valign": "top", "font_color": "#0B4F8A", "underline": 1}),
        **{
            level: book.add_format({**body, "bg_color": colour, "border": 1, "border_color": "#B9C2D0"})
            for level, colour in _COLOURS.items()
        },
    }


def row_height(texts: Sequence[object], widths: Sequence[int]) -> float:
    """Return the height of a row of wrapped texts, in points: some readers do not fit rows by themselves.

    Examples
    --------
    >>> row_height(["x" * 40, "y"], [20, 10])
    30.0
    """
    lines = (-(-len(str(text)) // max(1, int(1.1 * width))) for text, width in zip(texts, widths, strict=True))
    return _LINE * max(1, *lines)


def write_text(sheet: Any, row: int, column: int, value: object, style: Any) -> None:  # noqa: ANN401
    """Write a text as a text, whatever it begins with; what no cell can hold is cut and says so."""
    text = "" if value is None or value != value else str(value)  # noqa: PLR0124 - NaN differs from itself
    if len(text) > CELL_LIMIT:
        text = f"{text[: CELL_LIMIT - 12]}… (coupé)"
    if text:
        sheet.write_string(row, column, text, style)
    else:
        sheet.write_blank(row, column, None, style)


def render_marked_copy(
    rows: Sequence[Sequence[str]],
    findings: pd.DataFrame,
    *,
    positions: Mapping[str, int],
    header_row: int,
    sheet: str = "",
) -> bytes:
    """Copy a file as a workbook whose faulty cells are coloured and commented.

    Parameters
    ----------
    rows : sequence of sequence of str
        Every row of the sheet, at the same place in the copy; nothing is a formula.
    findings : DataFrame
        ``level, row, column, value, expected, remedy``, ``cell`` (address or words), ``title`` (of the column).
    positions : mapping
        Field to column, from 0.
    header_row : int
        Row of the headers, from 1.
    sheet : str
        Name of the sheet.

    Returns
    -------
    bytes
        XLSX: ``À corriger`` (one line per finding, with a link to its cell), then the copy.
    """
    content = io.BytesIO()
    name = tab_name(sheet)
    with xlsxwriter.Workbook(content, OPTIONS) as book:
        book.set_properties({"title": f"Grille commune{NBSP}: à corriger", "created": CREATED})
        styles = styles_of(book)
        summary, copy = book.add_worksheet("À corriger"), book.add_worksheet(name)
        _write_summary(summary, styles, findings, positions, target=name)
        marks = _marks(findings, positions)
        for at, row in enumerate(rows):
            for column, value in enumerate(row):
                level = marks.get((at, column), ("", ""))[0]
                style = styles[level] if level else styles["header" if at == header_row - 1 else "text"]
                if value or level or at == header_row - 1:
                    write_text(copy, at, column, value, style)
        for (at, column), (_, note) in marks.items():
            copy.write_comment(at, column, note[:CELL_LIMIT], _NOTE)
        _set_widths(copy, rows[header_row - 1 :])
        copy.freeze_panes(header_row, min(2, max((len(row) for row in rows), default=0)))
        copy.ignore_errors({"number_stored_as_text": "A1:XFD1048576"})
    return content.getvalue()


def tab_name(name: str, *, default: str = "Lieux") -> str:
    """Return a name that a tab may bear, other than that of the summary."""
    plain = " ".join(name.translate(_FORBIDDEN).split())[:_TAB_LENGTH]
    return default if not plain or plain.casefold() in ("à corriger", "history") else plain


def _write_summary(
    sheet: Any,  # noqa: ANN401 - xlsxwriter has no types
    styles: Mapping[str, Any],
    findings: pd.DataFrame,
    positions: Mapping[str, int],
    *,
    target: str,
) -> None:
    for column, (label, width) in enumerate(_SUMMARY):
        sheet.write_string(0, column, label, styles["header"])
        sheet.set_column(column, column, width)
    for line, row in enumerate(findings.to_dict("records"), start=1):
        linked = not pd.isna(row["row"]) and line <= MOST_LINKS
        if linked:
            anchor = row["cell"] if row["column"] in positions else f"A{int(row['row'])}"
            sheet.write_url(line, 0, f"internal:'{target}'!{anchor}", styles["link"], row["cell"])
        else:
            sheet.write_string(line, 0, row["cell"], styles["text"])
        sheet.write_string(line, 1, row["level"], styles[row["level"]])
        texts = [row[name] for name in ("title", "value", "expected", "remedy")]
        sheet.set_row(line, row_height(texts, [width for _, width in _SUMMARY[2:]]))
        for column, text in enumerate(texts, start=2):
            write_text(sheet, line, column, text, styles["wrapped"])
    if findings.empty:
        sheet.write_string(1, 0, "Rien à corriger.", styles["text"])
    else:
        sheet.autofilter(0, 0, len(findings), len(_SUMMARY) - 1)
    sheet.freeze_panes(1, 0)
    sheet.set_landscape()
    sheet.set_paper(_A4)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)


def _marks(findings: pd.DataFrame, positions: Mapping[str, int]) -> dict[tuple[int, int], tuple[str, str]]:
    """Return the level and the comment of each cell that has findings; a fault outweighs a doubt."""
    marks: dict[tuple[int, int], tuple[str, str]] = {}
    for row in findings.to_dict("records"):
        if pd.isna(row["row"]) or row["column"] not in positions:
            continue
        cell = int(row["row"]) - 1, positions[row["column"]]
        level, note = marks.get(cell, ("à vérifier", ""))
        told = f"{row['level'].capitalize()}{NBSP}: attendu, {row['expected']}. {row['remedy']}"
        worst = "à corriger" if "à corriger" in (level, row["level"]) else "à vérifier"
        marks[cell] = worst, f"{note}\n{told}" if note else told
    return marks


def _set_widths(sheet: Any, rows: Sequence[Sequence[str]]) -> None:  # noqa: ANN401 - xlsxwriter has no types
    for column in range(max((len(row) for row in rows), default=0)):
        longest = max((len(row[column]) for row in rows[:200] if column < len(row)), default=0)
        sheet.set_column(column, column, min(_WIDEST, max(_NARROWEST, longest + 2)))


def render_text_sheets(sheets: Mapping[str, pd.DataFrame], *, titles: Mapping[str, str]) -> bytes:
    """Write tables of text as the sheets of a workbook: titles frozen, filters, no formula.

    Parameters
    ----------
    sheets : mapping
        Name of the tab to its table; numbers stay numbers, all else is text.
    titles : mapping
        Column to its French title; a column without one bears its name.
    """
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, OPTIONS) as book:
        book.set_properties({"title": "Grille commune", "created": CREATED})
        styles = styles_of(book)
        for name, table in sheets.items():
            sheet = book.add_worksheet(tab_name(name))
            _write_table(sheet, styles, table, titles)
    return content.getvalue()


def _write_table(sheet: Any, styles: Mapping[str, Any], table: pd.DataFrame, titles: Mapping[str, str]) -> None:  # noqa: ANN401
    for column, name in enumerate(table.columns):
        sheet.write_string(0, column, titles.get(name, str(name)), styles["header"])
        for line, value in enumerate(table[name].tolist(), start=1):
            if isinstance(value, int | float) and value == value:  # noqa: PLR0124 - NaN differs from itself
                sheet.write_number(line, column, value)
            else:
                write_text(sheet, line, column, value, styles["text"])
    _set_widths(sheet, [list(map(str, row)) for row in table.head(200).to_numpy()])
    sheet.freeze_panes(1, 0)
    sheet.ignore_errors({"number_stored_as_text": "A1:XFD1048576"})
    if len(table):
        sheet.autofilter(0, 0, len(table), len(table.columns) - 1)
