"""What a convention says, before any layout: headings, paragraphs, tables and signature boxes, in order."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from sdaasp_geo.french import NBSP, count
from sdaasp_geo.outputs.annexe_model import Table, Texts, clean, segments
from sdaasp_geo.outputs.escape import plain_text

TERRITORIAL, FRAMEWORK = "territoriale", "cadre"
"""Kinds of conventions, as the table of governance writes them."""

WIDTH_CM = 17.4
"""Width of the text, the one of the annex."""


@dataclass(frozen=True)
class Heading:
    """A heading, from level 1 (an article) to 3."""

    text: str
    level: int = 1
    new_page: bool = False


@dataclass(frozen=True)
class Paragraph:
    """A paragraph: of the text, of a list (``bullet``), or a note in small letters (``note``)."""

    text: str
    kind: str = "text"


@dataclass(frozen=True)
class Grid:
    """A table and the widths of its columns, in centimetres; ``right`` are the ranks of columns of numbers."""

    table: Table
    widths: tuple[float, ...]
    right: tuple[int, ...] = ()


@dataclass(frozen=True)
class Signatures:
    """Boxes to sign in, one per party: the lines of each."""

    boxes: tuple[Texts, ...]
    columns: int


Block = Heading | Paragraph | Grid | Signatures


@dataclass(frozen=True)
class Document:
    """A convention ready for layout.

    Attributes
    ----------
    kind : str
        ``territoriale`` or ``cadre``.
    siren : str
        The EPCI of a territorial convention; empty otherwise.
    party : str
        Official name of the EPCI, or of the département.
    stem : str
        Name of its file, without extension.
    title, subtitle : str
        At its head.
    running, footing : str
        Short texts repeated at the top and at the bottom of each page.
    edition : str
        ISO date of the edition (the scheme's).
    identification : tuple of (str, str)
        Labels and values under the title.
    blocks : tuple of Block
        The text, in order; ``[à compléter : …]`` is a blank.
    """

    kind: str
    siren: str
    party: str
    stem: str
    title: str
    subtitle: str
    running: str
    footing: str
    edition: str
    identification: tuple[tuple[str, str], ...]
    blocks: tuple[Block, ...]


def finished(document: Document) -> Document:
    """Return the document with safe texts, tables numbered in order, and how many blanks remain in its head."""
    rank = 0
    blocks: list[Block] = []
    for block in document.blocks:
        if isinstance(block, Grid):
            rank += bool(block.table.rows)
            numbered = replace(block.table, number=rank if block.table.rows else 0)
            blocks.append(replace(block, table=_safe_table(numbered)))
        else:
            blocks.append(_safe_block(block))
    head = {name: _safe(getattr(document, name)) for name in ("party", "title", "subtitle", "running", "footing")}
    pairs = tuple((_safe(label), _safe(value)) for label, value in document.identification)
    safe = replace(document, **head, identification=pairs, blocks=tuple(blocks))
    left = len(blanks(safe))
    state = count(left, "passage surligné à compléter", "passages surlignés à compléter") if left else "complet"
    return replace(safe, identification=(*pairs, ("État", f"projet, {state}")))


def visible_texts(document: Document) -> Iterator[str]:
    """Yield every text of the body of a document, in the order of the page."""
    yield from (document.title, document.subtitle)
    for pair in document.identification:
        yield from pair
    for block in document.blocks:
        if isinstance(block, Grid):
            yield from table_texts(block.table)
        elif isinstance(block, Signatures):
            yield from (text for box in block.boxes for text in box)
        else:
            yield block.text


def table_texts(table: Table) -> Iterator[str]:
    """Yield the texts of a table in the order of the page: what is said instead when it has no row."""
    if not table.rows:
        yield table.empty
        return
    yield table.title
    yield from table.header
    for row in table.rows:
        yield from row
    yield table.note


def blanks(document: Document) -> tuple[str, ...]:
    """Return every blank of a document, in order, as often as it stands there.

    Returns
    -------
    tuple of str
        What each blank asks for, without its brackets.
    """
    found = (piece.text for text in visible_texts(document) for piece in segments(text) if piece.blank)
    return tuple(re.sub(r"^\[à\scompléter\s?:\s*|\]$", "", text) for text in found)


def bullets(texts: Sequence[str]) -> list[Block]:
    """Return the items of a list."""
    return [Paragraph(text, kind="bullet") for text in texts]


def paragraphs(texts: Sequence[str]) -> list[Block]:
    """Return paragraphs of the text."""
    return [Paragraph(text) for text in texts]


def note(text: str) -> Paragraph:
    """Return a note in small letters."""
    return Paragraph(text, kind="note")


def source_note(source: str) -> list[Block]:
    """Return where a figure comes from, when it is known."""
    return [note(f"Source{NBSP}: {source}.")] if source else []


def _safe(text: str) -> str:
    return plain_text(clean(text))


def _safe_all(texts: Sequence[str]) -> Texts:
    return tuple(_safe(text) for text in texts)


def _safe_block(block: Heading | Paragraph | Signatures) -> Block:
    if isinstance(block, Signatures):
        return replace(block, boxes=tuple(_safe_all(box) for box in block.boxes))
    return replace(block, text=_safe(block.text))


def _safe_table(table: Table) -> Table:
    return replace(
        table,
        title=_safe(table.title),
        header=_safe_all(table.header),
        rows=tuple(_safe_all(row) for row in table.rows),
        note=_safe(table.note),
        empty=_safe(table.empty),
    )
