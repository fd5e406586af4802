"""The negotiation sheet of one neighbouring EPCI as a workbook: summary, both directions, method."""

from __future__ import annotations

import datetime as dt
import io
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import xlsxwriter

from sdaasp_geo.french import NBSP
from sdaasp_geo.outputs.negotiation_model import Case, Sheet, Total

_A4 = 9
_CELL_LIMIT = 32_767  # characters that a cell may hold
_LINE = 15.0  # points
_TAB_LENGTH = 31


@dataclass(frozen=True)
class _Column:
    label: str
    width: int
    style: str = "text"


_CASES = (
    *(_Column("Commune", 20), _Column("Code commune", 9), _Column("Département", 13)),
    *(_Column("Intercommunalité de la commune", 22), _Column("Habitants", 10, "int")),
    *(_Column("Limite partagée (km)", 9, "decimal"), _Column("Service (opérateur)", 19)),
    *(_Column("Guichet compétent aujourd'hui", 26), _Column("Commune du guichet compétent", 19)),
    *(_Column("Attribution", 12), _Column("Temps actuel (min)", 8, "decimal")),
    *(_Column("Guichet le plus proche", 26), _Column("Commune du plus proche", 19)),
    *(_Column("Temps possible (min)", 9, "decimal"), _Column("Minutes gagnées", 9, "decimal")),
    *(_Column("À négocier", 9), _Column("Remarque", 26)),
)
_TOTALS = (
    *(_Column("Sens", 39), _Column("Service (opérateur)", 26)),
    *(_Column("Communes qui touchent l'autre partie", 17, "int"), _Column("Leurs habitants", 12, "int")),
    *(_Column("Communes concernées", 14, "int"), _Column("Leurs habitants", 12, "int")),
    _Column("Dont sans temps connu (communes)", 14, "int"),
    *(_Column("Gain moyen (min)", 11, "decimal"), _Column("Gain le plus fort (min)", 11, "decimal")),
)
_METHOD = (_Column("Rubrique", 30), _Column("Texte", 120))


def render_workbook(sheet: Sheet, *, edition: dt.date) -> bytes:
    """Write a negotiation sheet as a workbook of four tabs; texts are texts, figures are numbers, nothing is a formula.

    Parameters
    ----------
    sheet : Sheet
        What it says (`negotiation_model.make_sheet`).
    edition : date
        Date of the file: the scheme's, so that two runs give the same bytes.

    Returns
    -------
    bytes
        XLSX: ``Synthèse``, one tab of communes by direction (the listed cases first), ``Méthode``.
    """
    content = io.BytesIO()
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "in_memory": True}
    with xlsxwriter.Workbook(content, options) as book:
        book.set_properties(
            {"title": f"{sheet.title}{NBSP}– {sheet.epci}"[:255], "created": dt.datetime.combine(edition, dt.time())}
        )
        styles = _styles(book)
        _write_summary(book, styles, sheet)
        for direction, tab in zip(sheet.directions, ("Vos habitants", "Nos habitants"), strict=True):
            target = _tab(book, tab, _CASES, styles, header=0)
            _write_rows(target, styles, _CASES, (_case_row(case) for case in direction.cases), first=1)
            if direction.cases:
                target.autofilter(0, 0, len(direction.cases), len(_CASES) - 1)
            else:
                target.write_string(1, 0, direction.nothing)
        _write_method(book, styles, sheet)
    return content.getvalue()


def _styles(book: Any) -> dict[str, Any]:  # noqa: ANN401 - xlsxwriter has no types
    header = {"bold": True, "text_wrap": True, "valign": "top", "bg_color": "#1B3A6B", "font_color": "#FFFFFF"}
    top = {"valign": "top", "bottom": 1, "bottom_color": "#B9C2D0"}
    return {
        "header": book.add_format({**header, "border": 1, "border_color": "#B9C2D0"}),
        "title": book.add_format({"bold": True, "font_size": 15, "font_color": "#1B3A6B"}),
        "subtitle": book.add_format({"bold": True, "font_size": 12}),
        "paragraph": book.add_format({"text_wrap": True, "valign": "top"}),
        "text": book.add_format({"text_wrap": True, "align": "left", "indent": 1, **top}),
        "int": book.add_format({"num_format": "#,##0", **top}),
        "decimal": book.add_format({"num_format": "#,##0.0####", **top}),
    }


def _tab(book: Any, name: str, columns: Sequence[_Column], styles: dict[str, Any], *, header: int) -> Any:  # noqa: ANN401
    """Add a tab with its header row, high enough for its labels, frozen, and repeated when printed."""
    tab = book.add_worksheet(name[:_TAB_LENGTH])
    for position, column in enumerate(columns):
        tab.set_column(position, position, column.width)
        tab.write_string(header, position, column.label, styles["header"])
    tab.set_row(header, _LINE * max(_lines(column.label, column.width) for column in columns) + 3)
    tab.freeze_panes(header + 1, 1 if columns is _CASES else 0)
    tab.repeat_rows(header)
    tab.set_landscape()
    tab.set_paper(_A4)
    tab.fit_to_pages(1, 0)
    tab.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
    tab.set_footer("&L&A&RPage &P sur &N")
    return tab


def _lines(text: str, width: int) -> int:
    """Count the lines that a text takes, wrapped between words, in a column of that many characters."""
    return max(1, len(textwrap.wrap(text, width - 1)))


def _write_rows(
    tab: Any,  # noqa: ANN401
    styles: dict[str, Any],
    columns: Sequence[_Column],
    rows: Iterable[Sequence[str | float | None]],
    *,
    first: int,
) -> int:
    """Write rows of typed cells; return the row after the last one."""
    line = first
    for line, row in enumerate(rows, start=first + 1):
        high = 1
        for position, (column, value) in enumerate(zip(columns, row, strict=True)):
            if isinstance(value, str):
                tab.write_string(line - 1, position, value[:_CELL_LIMIT], styles["text"])
                high = max(high, _lines(value, column.width))
            elif value is None:
                tab.write_blank(line - 1, position, None, styles[column.style])
            else:
                tab.write_number(line - 1, position, value, styles[column.style])
        tab.set_row(line - 1, min(_LINE * high, 400))
    return line


def _case_row(case: Case) -> tuple[str | float | None, ...]:
    return (
        *(case.commune, case.code, case.departement, case.epci, case.population, case.border_km, case.service),
        *(case.competent.name, case.competent.commune, case.assignment, case.competent.time_min),
        *(case.nearest.name, case.nearest.commune, case.nearest.time_min, case.gain_min),
        *("oui" if case.listed else "non", case.remark or None),
    )


def _total_row(total: Total) -> tuple[str | float | None, ...]:
    return (
        *(total.direction, total.service, total.communes_border, total.population_border),
        *(total.communes_listed, total.population_listed, total.communes_not_measured),
        *(total.gain_mean_min, total.gain_max_min),
    )


def _write_summary(book: Any, styles: dict[str, Any], sheet: Sheet) -> None:  # noqa: ANN401
    header = 3
    tab = _tab(book, "Synthèse", _TOTALS, styles, header=header)
    tab.write_string(0, 0, sheet.title, styles["title"])
    tab.write_string(1, 0, sheet.subtitle[:_CELL_LIMIT], styles["subtitle"])
    line = _write_rows(tab, styles, _TOTALS, (_total_row(total) for total in sheet.totals), first=header + 1)
    nothing = [direction.nothing for direction in sheet.directions if not direction.listed]
    borders = [direction.border for direction in sheet.directions]
    width = sum(column.width for column in _TOTALS)
    for text in (*sheet.sentences, *nothing, *sheet.introduction, *borders):
        line += 1
        tab.merge_range(line, 0, line, len(_TOTALS) - 1, "", styles["paragraph"])
        tab.write_string(line, 0, text[:_CELL_LIMIT], styles["paragraph"])
        tab.set_row(line, min(_LINE * _lines(text, width), 400))


def _write_method(book: Any, styles: dict[str, Any], sheet: Sheet) -> None:  # noqa: ANN401
    tab = _tab(book, "Méthode", _METHOD, styles, header=0)
    sources = [f"{NBSP}– ".join(row) for row in sheet.sources]
    rows = [
        *sheet.identification,
        *(("Méthode", text) for text in sheet.method),
        *(("Ce que la fiche ne dit pas", text) for text in sheet.missing),
        *(("Source, millésime et licence", text) for text in sources),
    ]
    _write_rows(tab, styles, _METHOD, rows, first=1)
