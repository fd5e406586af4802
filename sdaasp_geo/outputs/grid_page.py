"""The page of a common grid (checked, joined or prefilled): figures, a verdict, tables; it loads nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sdaasp_geo.french import NBSP, count, number
from sdaasp_geo.outputs.escape import plain_text
from sdaasp_geo.outputs.page_templates import page_template

MOST_ROWS = 500
"""Rows that a table of the page shows; the workbook has them all."""


@dataclass(frozen=True)
class Section:
    """A table of the page, formatted; ``values`` are the headers of columns that hold text of the data as it is."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str
    empty: str = ""
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Page:
    """What the page says; ``bad`` when the verdict asks for corrections."""

    title: str
    subtitle: str
    figures: tuple[tuple[str, str], ...]
    footer: str
    verdict: str = ""
    bad: bool = False
    intro: tuple[str, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    sections: tuple[Section, ...] = ()


def section(
    title: str,
    header: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    note: str,
    empty: str = "",
    values: Sequence[str] = (),
) -> Section:
    """Make a table of the page: texts on one line, the first `MOST_ROWS` rows, and how many others there are."""
    shown = tuple(tuple(plain_text(cell) for cell in row) for row in rows[:MOST_ROWS])
    more = len(rows) - len(shown)
    if more:
        note = f"{note} {count(more, 'autre ligne', 'autres lignes')} dans le classeur."
    return Section(f"{title} ({number(len(rows))})", tuple(header), shown, note, empty, tuple(values))


def figure(quantity: int, singular: str, plural: str) -> tuple[str, str]:
    """Return a count as the page heads with it: the number, and its noun in agreement."""
    return number(quantity), singular if quantity < 2 else plural  # noqa: PLR2004 - the French plural starts at 2


def render_page(page: Page) -> str:
    """Render the page; every text from the data is escaped."""
    return page_template("grille.html.j2").render(page=page)


FOOTER = f"Grille d'information commune des services au public. Page autonome{NBSP}: elle ne charge rien."
