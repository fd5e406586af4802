"""What the yearly report and the pages of the Journées des services say, before any layout: one for all formats."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from sdaasp_geo import french
from sdaasp_geo.action_plan import items_of
from sdaasp_geo.analysis.yearly import HARD
from sdaasp_geo.french import NBSP
from sdaasp_geo.outputs.annexe_model import blank
from sdaasp_geo.outputs.escape import plain_text
from sdaasp_geo.outputs.headline import Figure
from sdaasp_geo.study import Comparison, Measures, Programme, Study

Cell = str | float | None
Row = Mapping[Hashable, Any]

INTEGER, EUROS, MINUTES, SHARE, TEXT = "int", "eur", "min", "share", "text"
CHANGE, CHANGE_MIN = "change", "change-min"
"""Kinds of columns; a number of a column is kept as a number until a format writes it; changes show their sign."""

UNSAID = "–"
"""What a cell without a value shows."""

_DIGITS = {INTEGER: 0, EUROS: 2, MINUTES: 1, CHANGE: 0, CHANGE_MIN: 2}
_MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True)
class Year:
    """What a yearly report starts from.

    Attributes
    ----------
    study, measures, programme : Study, Measures, Programme
        The scheme, what was measured on it, and what it plans.
    year : int
        The civil year of the report.
    actions, budget, leads : DataFrame
        `analysis.yearly`: ``actions_of_year``, ``budget_of_year``, ``contributions_by_lead``.
    meetings : DataFrame
        `analysis.yearly.meetings_of_year`.
    comparison : Comparison, optional
        What changed since an earlier edition, explained.
    governance : DataFrame, optional
        `analysis.yearly.governance_of_year`.
    deficits : DataFrame, optional
        Deficits that no action answers, or only actions that are stopped: ``territory_name, theme, criterion, state``
        and ``population`` (inhabitants).
    """

    study: Study
    measures: Measures
    programme: Programme
    year: int
    actions: pd.DataFrame
    budget: pd.DataFrame
    leads: pd.DataFrame
    meetings: pd.DataFrame
    comparison: Comparison | None = None
    governance: pd.DataFrame | None = None
    deficits: pd.DataFrame | None = None


@dataclass(frozen=True)
class Column:
    """A column: its label, its kind, and its share of the width of a page."""

    label: str
    kind: str = TEXT
    width: float = 1.0


@dataclass(frozen=True)
class Shown:
    """A table: numbers as numbers, texts as texts.

    Attributes
    ----------
    key : str
        Identifier: anchor of the page, tab of the workbook.
    empty : str
        What is said instead when there is no row.
    total : bool
        Whether the last row is a total.
    """

    key: str
    title: str
    header: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    empty: str = ""
    total: bool = False


@dataclass(frozen=True)
class Part:
    """A part: paragraphs, then a list, then tables."""

    key: str
    title: str
    texts: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    tables: tuple[Shown, ...] = ()


@dataclass(frozen=True)
class Document:
    """A whole document.

    Attributes
    ----------
    label : str
        What must be seen at once, such as « Exemple fictif »; empty for a real scheme.
    edition : str
        ISO date of the edition of the scheme.
    figures : tuple of Figure
        Figures that matter, first.
    """

    title: str
    subtitle: str
    label: str
    edition: str
    figures: tuple[Figure, ...]
    parts: tuple[Part, ...]
    notes: tuple[str, ...]
    sources: str


def shown(value: Cell, kind: str) -> str:
    """Write a cell in French.

    Examples
    --------
    >>> shown(None, "int"), shown(3.0, "int"), shown("Tarbes", "text")
    ('–', '3', 'Tarbes')
    """
    if value is None or (isinstance(value, float) and pd.isna(value)):
        return UNSAID
    if isinstance(value, str):
        return value
    if kind == SHARE:
        return french.percent(value, digits=0 if round(value * 100, 6).is_integer() else 1)
    digits = _DIGITS.get(kind, 0)
    if kind in (CHANGE, CHANGE_MIN) and round(value, digits):
        return f"{'+' if value > 0 else _MINUS}{french.number(abs(value), digits=digits)}"
    return french.number(value, digits=digits)


def is_number(kind: str) -> bool:
    """Tell whether a kind of column holds numbers, which are aligned on the right."""
    return kind != TEXT


def tidied(document: Document) -> Document:
    """Return a document whose texts are safe in every format: one line, no control characters."""
    return replace(
        document,
        title=plain_text(document.title),
        subtitle=plain_text(document.subtitle),
        label=plain_text(document.label),
        figures=tuple(Figure(plain_text(one.value), plain_text(one.label)) for one in document.figures),
        parts=tuple(_tidied_part(part) for part in document.parts),
        notes=_tidied(document.notes),
        sources=plain_text(document.sources),
    )


def _tidied(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(plain_text(text) for text in texts)


def _tidied_part(part: Part) -> Part:
    tables = tuple(_tidied_table(table) for table in part.tables)
    return Part(part.key, plain_text(part.title), _tidied(part.texts), _tidied(part.items), tables)


def _tidied_table(table: Shown) -> Shown:
    rows = tuple(tuple(plain_text(cell) if isinstance(cell, str) else cell for cell in row) for row in table.rows)
    header = tuple(replace(column, label=plain_text(column.label)) for column in table.header)
    title, note, empty = (plain_text(text) for text in (table.title, table.note, table.empty))
    return replace(table, title=title, header=header, rows=rows, note=note, empty=empty)


def label_of(study: Study) -> str:
    """Return what a page of a fictional scheme must show; empty for a real one."""
    return "Exemple fictif" if study.scheme.nom.casefold().startswith("exemple fictif") else ""


def known(value: float) -> float | None:
    """Return a number, None where it is missing."""
    return None if pd.isna(value) else float(value)


def names_of(programme: Programme, level: str) -> Mapping[str, str]:
    """Return the titles of the rows of a level of the plan, by code."""
    own = programme.actions[programme.actions["niveau"] == level]
    return dict(zip(own["code"], own["titre"], strict=True))


def euros(amount: float) -> str:
    """Write euros, cents included."""
    return f"{french.number(amount, digits=2)}{NBSP}€"


def action_name(row: Row) -> str:
    """Write the code and the title of an action."""
    return f"{row['code']}. {row['titre']}"


def lead_name(row: Row) -> str:
    """Write who leads an action, or a blank."""
    return ", ".join(items_of(row["porteurs"], commas=True)) or blank("porteur")


def action_dates(row: Row) -> str:
    """Write the dates of an action as the plan words them."""
    words = [text for text in (row["debut"], row["fin"]) if text.strip()]
    return f"{NBSP}– ".join(dict.fromkeys(words)) or UNSAID


def written_reason(row: Row) -> str:
    """Return what the plan says of an action: its obstacle, its report, who takes it over; a blank if it should say."""
    said = [row["blocage"], row["bilan"], f"Reprise par l'action {row['merged_into']}." if row["merged_into"] else ""]
    words = " ".join(f"{text.strip().rstrip('.')}." for text in said if text.strip())
    return words or (blank("raison") if row["group"] == HARD else UNSAID)
