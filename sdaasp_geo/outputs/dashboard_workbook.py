"""The dashboard as a workbook: one tab a table, texts as texts, dates as dates, nothing is a formula."""

from __future__ import annotations

import datetime as dt
import io
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import xlsxwriter

from sdaasp_geo import french
from sdaasp_geo.analysis.followup import DATED, NO_STATUS, SHOWN_STATUSES
from sdaasp_geo.french import NBSP
from sdaasp_geo.outputs.dashboard_model import Dashboard
from sdaasp_geo.outputs.escape import plain_text

_A4 = 9
_CELL_LIMIT = 32_767  # characters that a cell may hold
_LINE = 15.0  # points
_MOST_QUARTERS = 80
_QUARTER_WIDTH = 5.0
_COLOURS = ("#9FC1DE", "#2C6EA6", "#1B6B4A", "#CDBB7A", "#8C8C8C", "#7A3E9D", "#B3261E", "#E3A13B", "#D8D8D8")
"""Colours of the bars, by status: those of the page."""


@dataclass(frozen=True)
class Column:
    """A column of a tab: name in the table, label, width (characters), style (text, int, decimal, euros, date)."""

    name: str
    label: str
    width: int
    style: str = "text"


@dataclass(frozen=True)
class Tab:
    """A tab: its name, its columns, its rows, and what is said where there are none."""

    name: str
    columns: tuple[Column, ...]
    rows: pd.DataFrame
    empty: str = "Aucune ligne."


_ACTIONS = (
    *(Column("code", "Code", 9), Column("title", "Action", 46), Column("status", "Statut", 14)),
    *(Column("orientation_label", "Orientation", 34), Column("objective_label", "Objectif", 34)),
    *(Column("territories", "Territoires", 34), Column("leads", "Porteurs", 26)),
    *(Column("progress_pct", "Avancement (%)", 12, "int"), Column("words", "Dates écrites", 24)),
    *(Column("start", "Début", 11, "date"), Column("end", "Fin", 11, "date"), Column("dating", "Dates", 15)),
    *(
        Column("dates_reason", "Remarque sur les dates", 26),
        Column("declared_late", f"Statut «{NBSP}en retard{NBSP}»", 11),
    ),
    *(Column("overdue", "Échéance dépassée", 11), Column("days_overdue", "Jours de dépassement", 13, "int")),
    *(Column("last_report", "Dernier bilan", 11, "date"), Column("merged_into", "Reprise par", 10)),
)
_CALENDAR = (
    *(Column("code", "Code", 9), Column("title", "Action", 40), Column("status", "Statut", 13)),
    *(Column("start", "Début", 11, "date"), Column("end", "Fin", 11, "date"), Column("words", "Dates écrites", 22)),
    Column("dates_reason", "Remarque", 22),
)
_LATE = (
    *(Column("kind", "Retard", 20), Column("code", "Code", 9), Column("title", "Action", 46)),
    *(Column("status", "Statut", 14), Column("end", "Fin prévue", 11, "date"), Column("words", "Dates écrites", 24)),
    *(Column("days_overdue", "Jours de dépassement", 13, "int"), Column("both", "Dans les deux listes", 11)),
)
_BUDGETS = (
    *(Column("year", "Année", 9, "year"), Column("planned_eur", "Prévu (€)", 14, "euros")),
    Column("planned_actions", "Actions qui le disent", 13, "int"),
    *(Column("spent_eur", "Dépensé (€)", 14, "euros"), Column("spent_actions", "Actions qui le disent", 13, "int")),
)
_DUE = (
    *(Column("what", "Quoi", 46), Column("words", "Échéance écrite", 30), Column("deadline", "Date", 11, "date")),
    *(Column("yearly", "Chaque année", 9), Column("state", "État", 20), Column("to_whom", "À qui", 40)),
    *(Column("concerned", "Territoires concernés", 30), Column("remarks", "Remarques", 40)),
    Column("source", "Source", 50),
)
_REPORTS = (
    *(Column("lead", "Porteur", 28), Column("referents", "Référents", 24), Column("code", "Code", 9)),
    *(Column("title", "Action", 46), Column("status", "Statut", 14), Column("what", "Quoi", 34)),
    *(Column("to_whom", "À qui", 34), Column("words", "Échéance écrite", 26)),
    *(Column("deadline", "Avant le", 11, "date"), Column("last_report", "Dernier bilan", 11, "date")),
    Column("state", "Synthèse", 24),
)
_ASKED = (
    *(Column("code", "Code", 9), Column("title", "Action", 46), Column("rank", "Rang", 6, "int")),
    *(Column("item", "Indicateur", 60), Column("value", "Valeur", 40)),
)
_INDICATORS = (
    *(Column("level", "Niveau", 13), Column("siren", "SIREN", 11), Column("epci", "EPCI", 40)),
    *(Column("label", "Indicateur", 46), Column("year", "Année", 8, "year"), Column("value", "Valeur", 9, "int")),
    *(Column("unit", "Unité", 11), Column("minimum", "Minimum demandé", 11, "int")),
    *(Column("status", "État", 14), Column("reason", "Remarque", 50)),
)
_BODIES = (
    *(Column("body", "Instance", 50), Column("category", "Catégorie", 16), Column("year", "Année", 8, "year")),
    *(Column("held", "Réunions tenues", 10, "int"), Column("minimum", "Minimum par an", 10, "int")),
    *(Column("maximum", "Maximum par an", 10, "int"), Column("status", "État", 14), Column("reason", "Remarque", 34)),
)


def render_dashboard_workbook(board: Dashboard) -> bytes:
    """Write the dashboard as a workbook.

    Parameters
    ----------
    board : Dashboard
        What it says (`dashboard_model.build_dashboard`).

    Returns
    -------
    bytes
        XLSX; the same board gives the same bytes. Tabs: ``Synthèse``, ``Actions``, ``Calendrier`` (a bar by quarter),
        counts, late actions, budgets, what is due, indicators, ``À savoir``.
    """
    content = io.BytesIO()
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "in_memory": True}
    with xlsxwriter.Workbook(content, options) as book:
        created = dt.datetime.combine(board.edition, dt.time())
        book.set_properties({"title": board.title[:255], "created": created})
        styles = _styles(book)
        _write_summary(book, styles, board)
        first, *others = _tabs(board)
        _write_tab(book, styles, first)
        _write_calendar(book, styles, board)
        for tab in others:
            _write_tab(book, styles, tab)
        _write_notes(book, styles, board)
    return content.getvalue()


def _tabs(board: Dashboard) -> list[Tab]:
    unread = Tab("Montants non lus", (Column("code", "Code", 9), Column("unread", "Écrit", 60)), board.unread)
    return [
        Tab("Actions", _ACTIONS, board.stand, "Le plan n'a aucune action."),
        Tab("Par orientation", _counts("Orientation"), board.by_orientation),
        Tab("Par EPCI", _counts("EPCI"), board.by_territory),
        Tab("Par porteur", _counts("Porteur"), board.by_lead),
        Tab("En retard", _LATE, board.late, f"Aucune action en retard au {french.date(board.day)}."),
        Tab("Échéances", _DUE, board.due, "La gouvernance n'inscrit aucune échéance."),
        Tab("Synthèses dues", _REPORTS, board.reports, "Aucune synthèse annuelle n'est inscrite dans la gouvernance."),
        Tab("Indicateurs des actions", _ASKED, board.asked, "Aucune action n'écrit d'indicateur."),
        Tab("Gouvernance par EPCI", _INDICATORS, board.indicators),
        Tab("Réunions des instances", _BODIES, board.bodies),
        Tab("Budgets", _BUDGETS, board.budgets, "Aucune action ne donne de montant."),
        *([unread] if len(board.unread) else []),
    ]


def _counts(first: str) -> tuple[Column, ...]:
    statuses = (Column(status, status.capitalize(), 11, "int") for status in SHOWN_STATUSES)
    return (
        Column("label", first, 50),
        *statuses,
        Column("total", "Total", 9, "int"),
        Column("overdue", "Échéance dépassée", 11, "int"),
    )


def _styles(book: Any) -> dict[str, Any]:  # noqa: ANN401 - xlsxwriter has no types
    header = {"bold": True, "text_wrap": True, "valign": "top", "bg_color": "#1B3A6B", "font_color": "#FFFFFF"}
    top = {"valign": "top", "bottom": 1, "bottom_color": "#B9C2D0"}
    edges = {"top": 5, "top_color": "#FFFFFF", "bottom": 5, "bottom_color": "#FFFFFF"}
    bars = {f"bar{rank}": book.add_format({"bg_color": colour, **edges}) for rank, colour in enumerate(_COLOURS)}
    faint = {
        f"vague{rank}": book.add_format({"bg_color": colour, "pattern": 14, "fg_color": "#FFFFFF", **edges})
        for rank, colour in enumerate(_COLOURS)
    }
    return {
        "header": book.add_format({**header, "border": 1, "border_color": "#B9C2D0"}),
        "title": book.add_format({"bold": True, "font_size": 15, "font_color": "#1B3A6B"}),
        "paragraph": book.add_format({"text_wrap": True, "valign": "top"}),
        "text": book.add_format({"text_wrap": True, "align": "left", **top}),
        "int": book.add_format({"num_format": "#,##0", **top}),
        "year": book.add_format({"num_format": "0", "align": "left", **top}),
        "euros": book.add_format({"num_format": "#,##0.00", **top}),
        "date": book.add_format({"num_format": "dd/mm/yyyy", "align": "left", **top}),
        **bars,
        **faint,
    }


def _add(book: Any, name: str, columns: Sequence[Column], styles: dict[str, Any], *, frozen: int = 0) -> Any:  # noqa: ANN401
    """Add a tab with its header row, high enough for its labels, frozen, and repeated when printed."""
    tab = book.add_worksheet(name)
    for position, column in enumerate(columns):
        tab.set_column(position, position, column.width)
        tab.write_string(0, position, column.label, styles["header"])
    tab.set_row(0, _LINE * max(_lines(column.label, column.width) for column in columns) + 3)
    tab.freeze_panes(1, frozen)
    tab.repeat_rows(0)
    tab.set_landscape()
    tab.set_paper(_A4)
    tab.fit_to_pages(1, 0)
    tab.set_footer("&L&A&RPage &P sur &N")
    return tab


def _lines(text: str, width: int) -> int:
    """Bound the lines that a text takes in a column of that many characters."""
    if len(text) < width:
        return 1
    return max(1, len(textwrap.wrap(text, max(width - 1, 1))))


def _write_tab(book: Any, styles: dict[str, Any], tab: Tab) -> None:  # noqa: ANN401
    names = [column.name for column in tab.columns]
    sheet = _add(book, tab.name, tab.columns, styles, frozen=2 if names[:2] == ["code", "title"] else 1)
    for line, row in enumerate(tab.rows[names].itertuples(index=False, name=None), start=1):
        _write_row(sheet, styles, tab.columns, line, row)
    if len(tab.rows):
        sheet.autofilter(0, 0, len(tab.rows), len(tab.columns) - 1)
    else:
        sheet.write_string(1, 0, tab.empty)


def _write_row(sheet: Any, styles: dict[str, Any], columns: Sequence[Column], line: int, row: Iterable[object]) -> None:  # noqa: ANN401
    high = 1
    for position, (column, value) in enumerate(zip(columns, row, strict=True)):
        style = styles[column.style]
        if value is None or value is pd.NaT or value is pd.NA or value != value:  # noqa: PLR0124 - NaN differs from itself
            sheet.write_blank(line, position, None, style)
        elif column.style == "date":
            sheet.write_datetime(line, position, value, style)
        elif column.style != "text":
            sheet.write_number(line, position, value, style)
        else:
            text = ("oui" if value else "non") if isinstance(value, bool) else plain_text(value)[:_CELL_LIMIT]
            sheet.write_string(line, position, text, style)
            high = max(high, _lines(text, column.width))
    sheet.set_row(line, min(_LINE * high, 400))


def _write_summary(book: Any, styles: dict[str, Any], board: Dashboard) -> None:  # noqa: ANN401
    sheet = book.add_worksheet("Synthèse")
    sheet.set_column(0, 0, 46)
    sheet.set_column(1, 1, 14)
    sheet.write_string(0, 0, board.title, styles["title"])
    for line, text in enumerate((board.scheme, board.reference, f"Au {french.date(board.day)}."), start=1):
        sheet.write_string(line, 0, text[:_CELL_LIMIT])
    first = 5
    for position, label in enumerate(("Statut", "Actions")):
        sheet.write_string(first, position, label, styles["header"])
    known, unknown, unsaid = board.distinct
    rows = [
        *(
            (str(status).capitalize(), int(number))
            for status, number in board.statuses.itertuples(index=False, name=None)
        ),
        ("Total", len(board.stand)),
        ("Échéance dépassée", int(board.stand["overdue"].sum())),
        ("Dans au moins un EPCI", known),
        ("Territoire non reconnu", unknown),
        ("Territoire non dit", unsaid),
        ("Sans aucun montant", board.silent),
    ]
    for line, (label, number) in enumerate(rows, start=first + 1):
        sheet.write_string(line, 0, label, styles["text"])
        sheet.write_number(line, 1, number, styles["int"])
    sheet.set_landscape()
    sheet.set_paper(_A4)


def _write_calendar(book: Any, styles: dict[str, Any], board: Dashboard) -> None:  # noqa: ANN401
    """Write the actions that have a date by quarter, filled from the first to the last; undated ones come last."""
    stand = board.stand.assign(_anchor=board.stand["start"].fillna(board.stand["end"]))
    rows = stand.sort_values(["_anchor", "end"], kind="stable", na_position="last")
    quarters = _quarters(stand)
    heads = tuple(Column("", f"T{at % 4 + 1} {at // 4}", 4) for at in quarters)
    sheet = _add(book, "Calendrier", (*_CALENDAR, *heads), styles, frozen=2)
    if quarters:
        sheet.set_column(len(_CALENDAR), len(_CALENDAR) + len(quarters) - 1, _QUARTER_WIDTH)
        sheet.set_row(0, 3 * _LINE)
    ranks = {status: rank for rank, status in enumerate(SHOWN_STATUSES)}
    names = [column.name for column in _CALENDAR]
    for line, (*row, dating) in enumerate(rows[[*names, "dating"]].itertuples(index=False, name=None), start=1):
        _write_row(sheet, styles, _CALENDAR, line, row)
        style = styles[f"{'bar' if dating == DATED else 'vague'}{ranks[row[2]]}"]
        for at in _covered(row[3], row[4], quarters):
            sheet.write_blank(line, len(_CALENDAR) + at - quarters[0], None, style)
    if not len(rows):
        sheet.write_string(1, 0, "Le plan n'a aucune action.")


def _quarters(stand: pd.DataFrame) -> range:
    """Return the quarters (4 × year + rank) from the first to the last date; none beyond what a sheet can show."""
    known = pd.concat([stand["start"], stand["end"]]).dropna()
    if known.empty:
        return range(0)
    first, last = _quarter(known.min()), _quarter(known.max())
    return range(first, last + 1) if last - first < _MOST_QUARTERS else range(0)


def _quarter(day: pd.Timestamp) -> int:
    return int(4 * day.year + day.quarter - 1)


def _covered(start: pd.Timestamp, end: pd.Timestamp, quarters: range) -> range:
    """Return the quarters of a bar; from or to one day only, the quarter of that day."""
    if not len(quarters) or (pd.isna(start) and pd.isna(end)):
        return range(0)
    first = end if pd.isna(start) else start
    last = start if pd.isna(end) else end
    return range(_quarter(first), _quarter(last) + 1)


def _write_notes(book: Any, styles: dict[str, Any], board: Dashboard) -> None:  # noqa: ANN401
    sheet = book.add_worksheet("À savoir")
    sheet.set_column(0, 0, 120)
    method = (
        f"Jour de référence{NBSP}: {french.date(board.day)}.",
        (
            "Une échéance est dépassée quand le dernier jour de l'action est avant, et que l'action n'est ni réalisée "
            f"ni abandonnée. Une cellule vide est «{NBSP}{NO_STATUS}{NBSP}», jamais zéro. Calendrier{NBSP}: hachures, "
            "dates approximatives ou une seule date connue."
        ),
    )
    for line, text in enumerate((*method, *board.notes, board.sources)):
        sheet.write_string(line, 0, text[:_CELL_LIMIT], styles["paragraph"])
        sheet.set_row(line, min(_LINE * _lines(text, 120), 400))
