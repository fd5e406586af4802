"""The tables of a yearly report as a workbook: one tab for each, typed cells, no formula."""

from __future__ import annotations

import datetime as dt
import io
import textwrap
from typing import Any

import xlsxwriter

from sdaasp_geo.outputs.yearly_model import CHANGE, CHANGE_MIN, EUROS, INTEGER, MINUTES, SHARE, Document, Shown

_A4, _TAB_LENGTH, _CELL_LIMIT, _LINE = 9, 31, 32_767, 15.0
_WIDTH = 110
_FORMATS = {
    INTEGER: "#,##0",
    EUROS: "#,##0.00",
    MINUTES: "0.0",
    SHARE: "0.0%",
    CHANGE: "+#,##0;-#,##0;0",
    CHANGE_MIN: "+0.00;-0.00;0.00",
}


def render_workbook(document: Document) -> bytes:
    """Write the tables of a document as a workbook; texts are texts, figures are numbers, nothing is a formula.

    Parameters
    ----------
    document : Document
        From `yearly_report.report_document`.

    Returns
    -------
    bytes
        XLSX: one tab for each table that has rows, in order; the first row is the header, frozen, with a filter.
    """
    content = io.BytesIO()
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "in_memory": True}
    day = dt.date.fromisoformat(document.edition)
    title = f"{document.title} – {document.label}" if document.label else document.title
    with xlsxwriter.Workbook(content, options) as book:
        book.set_properties({"title": title[:255], "created": dt.datetime.combine(day, dt.time())})
        styles = _styles(book)
        _read_me(book, styles, document)
        for table in (table for part in document.parts for table in part.tables if table.rows):
            _tab(book, styles, table)
    return content.getvalue()


def _styles(book: Any) -> dict[str, Any]:  # noqa: ANN401 - xlsxwriter has no types
    top = {"valign": "top", "bottom": 1, "bottom_color": "#B9C2D0"}
    header = {"bold": True, "text_wrap": True, "valign": "top", "bg_color": "#1B3A6B", "font_color": "#FFFFFF"}
    return {
        "header": book.add_format(header),
        "text": book.add_format({"text_wrap": True, **top}),
        "title": book.add_format({"bold": True, "font_size": 15, "font_color": "#1B3A6B"}),
        **{kind: book.add_format({"num_format": number, **top}) for kind, number in _FORMATS.items()},
    }


def _read_me(book: Any, styles: dict[str, Any], document: Document) -> None:  # noqa: ANN401
    """Write the first tab: what the workbook is, and the title of each tab."""
    tab = book.add_worksheet("Lire")
    tab.set_column(0, 0, 30)
    tab.set_column(1, 1, 90)
    tab.write_string(0, 0, document.title, styles["title"])
    lines = [("", document.label), ("", document.subtitle), ("Sources", document.sources)]
    tables = [table for part in document.parts for table in part.tables if table.rows]
    lines += [
        (table.key[:_TAB_LENGTH], " – ".join(text for text in (table.title, table.note) if text)) for table in tables
    ]
    for rank, (name, text) in enumerate(((name, text) for name, text in lines if text), start=1):
        tab.write_string(rank, 0, name, styles["text"])
        tab.write_string(rank, 1, text[:_CELL_LIMIT], styles["text"])
        tab.set_row(rank, _LINE * len(textwrap.wrap(text, 88)))
    _paged(tab)


def _paged(tab: Any) -> None:  # noqa: ANN401
    tab.set_landscape()
    tab.set_paper(_A4)
    tab.fit_to_pages(1, 0)
    tab.set_footer("&L&A&RPage &P sur &N")


def _tab(book: Any, styles: dict[str, Any], table: Shown) -> None:  # noqa: ANN401
    tab = book.add_worksheet(table.key[:_TAB_LENGTH])
    whole = sum(column.width for column in table.header)
    widths = [max(11, round(_WIDTH * column.width / whole)) for column in table.header]
    for position, (column, width) in enumerate(zip(table.header, widths, strict=True)):
        tab.set_column(position, position, width)
        tab.write_string(0, position, column.label, styles["header"])
    tab.set_row(0, 2 * _LINE + 3)
    for line, row in enumerate(table.rows, start=1):
        high = 1
        for position, (cell, column) in enumerate(zip(row, table.header, strict=True)):
            if isinstance(cell, str):
                tab.write_string(line, position, cell[:_CELL_LIMIT], styles["text"])
                high = max(high, len(textwrap.wrap(cell, widths[position] - 1)))
            elif cell is None:
                tab.write_blank(line, position, None, styles[column.kind])
            else:
                tab.write_number(line, position, cell, styles[column.kind])
        tab.set_row(line, min(_LINE * high, 400))
    tab.freeze_panes(1, 1)
    tab.repeat_rows(0)
    _paged(tab)
    filtered = len(table.rows) - (1 if table.total else 0)
    tab.autofilter(0, 0, max(1, filtered), len(table.header) - 1)
