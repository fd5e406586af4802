"""What an annex says, before any layout: French texts, tables of texts, and the raw figures behind them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sdaasp_geo.french import NBSP
from sdaasp_geo.outputs.escape import visible_text

_BLANK = re.compile(r"(\[à\scompléter[^\]]*\])")
_ASKED = re.compile(r"^\[à\scompléter\s*:?\s*")
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]+")

Texts = tuple[str, ...]

SIGNATORIES: Texts = (
    "Pour l'État, le préfet ou la préfète",
    "Pour le Département, le président ou la présidente du conseil départemental",
    "Pour l'EPCI, le président ou la présidente",
)
"""The three parties of a territorial convention."""


@dataclass(frozen=True)
class Table:
    """A table of formatted French texts.

    Attributes
    ----------
    title : str
        What it shows; its number is put before it.
    header : tuple of str
        One label per column.
    rows : tuple of tuple of str
        Cells; the first one of each row is its heading.
    note : str
        Source, vintage and reading, printed below.
    empty : str
        What is said instead when there is no row.
    number : int
        Rank among the tables that have rows; 0 when there is none.
    """

    title: str
    header: Texts
    rows: tuple[Texts, ...]
    note: str = ""
    empty: str = ""
    number: int = 0


@dataclass(frozen=True)
class AnnexeFacts:
    """The facts of one annex, the same whatever the format.

    Attributes
    ----------
    siren, epci : str
        Code and official name of the EPCI.
    title, subtitle : str
        Title of the document.
    running : str
        Short title repeated in the footer.
    edition : str
        ISO date of the edition (the scheme's).
    identification : tuple of (str, str)
        Labels and values under the title.
    texts : mapping of str to tuple of str
        Paragraphs by part; ``[à compléter : …]`` is a blank that the signatories fill in.
    tables : mapping of str to Table
        Tables by part.
    figures : mapping of str to float
        Raw figures behind the texts: minutes, inhabitants, shares (0 to 1).
    """

    siren: str
    epci: str
    title: str
    subtitle: str
    running: str
    edition: str
    identification: tuple[tuple[str, str], ...]
    texts: Mapping[str, Texts]
    tables: Mapping[str, Table]
    figures: Mapping[str, float]


@dataclass(frozen=True)
class Segment:
    """A piece of a text: plain, or a blank to fill in."""

    text: str
    blank: bool


def blank(what: str) -> str:
    """Write a blank that the signatories fill in, such as « [à compléter : date] »."""
    return f"[à{NBSP}compléter{NBSP}: {what}]"


def segments(text: str) -> list[Segment]:
    """Cut a text into plain pieces and blanks.

    Examples
    --------
    >>> [piece.blank for piece in segments("Fait le [à compléter : date].")]
    [False, True, False]
    """
    return [Segment(piece, _BLANK.fullmatch(piece) is not None) for piece in _BLANK.split(text) if piece]


def blanks_in(texts: Iterable[str]) -> Texts:
    """Return what the blanks of some texts ask for, in order, each once.

    Examples
    --------
    >>> blanks_in([f"Fait à {blank('lieu')}, le {blank('date')}.", f"Signé le {blank('date')}."])
    ('lieu', 'date')
    """
    found = (piece for text in texts for piece in _BLANK.findall(text))
    return tuple(dict.fromkeys(_ASKED.sub("", piece).removesuffix("]") for piece in found))


def texts_of(facts: AnnexeFacts) -> Texts:
    """Return every text and every cell of an annex, in order."""
    cells = [cell for table in facts.tables.values() for row in table.rows for cell in row]
    return (*(text for texts in facts.texts.values() for text in texts), *cells)


def clean(text: str) -> str:
    """Replace what no document may hold (control characters, line breaks, lone surrogates) by one space."""
    return visible_text(_UNSAFE.sub(" ", text))


def numbered(tables: Mapping[str, Table]) -> dict[str, Table]:
    """Give their number, in order, to the tables that have rows."""
    result, rank = {}, 0
    for key, table in tables.items():
        rank += bool(table.rows)
        result[key] = replace(table, number=rank if table.rows else 0)
    return result


def cleaned(facts: AnnexeFacts) -> AnnexeFacts:
    """Return the facts with every text made safe for a document."""
    return replace(
        facts,
        epci=clean(facts.epci),
        title=clean(facts.title),
        subtitle=clean(facts.subtitle),
        running=clean(facts.running),
        identification=tuple((clean(label), clean(value)) for label, value in facts.identification),
        texts={key: _cleaned(values) for key, values in facts.texts.items()},
        tables={key: _cleaned_table(table) for key, table in facts.tables.items()},
    )


def _cleaned(texts: Sequence[str]) -> Texts:
    return tuple(clean(text) for text in texts)


def _cleaned_table(table: Table) -> Table:
    return replace(
        table,
        title=clean(table.title),
        header=_cleaned(table.header),
        rows=tuple(_cleaned(row) for row in table.rows),
        note=clean(table.note),
        empty=clean(table.empty),
    )
