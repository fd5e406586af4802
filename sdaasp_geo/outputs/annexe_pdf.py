"""The annex of one EPCI as a tagged PDF (PDF/UA-1), to read, print and sign."""

from __future__ import annotations

import datetime as dt
import functools
import itertools
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import typst
from matplotlib import ft2font

from sdaasp_geo.outputs.annexe_layout import HEAD, PARTS, WIDTH_CM, Block, picture_cm, stands, words_of
from sdaasp_geo.outputs.annexe_model import SIGNATORIES, AnnexeFacts, Table, clean, cleaned, segments
from sdaasp_geo.outputs.static_map_canvas import printable

TEMPLATE = Path(__file__).parent / "templates" / "annexe.typ"

_POINTS_CM = 72 / 2.54
_FOOTER_PT = 2.5 * (WIDTH_CM - 3.0) * _POINTS_CM
"""Length of the longest footer: three lines beside the number of the page."""

_LINE_PT = WIDTH_CM * _POINTS_CM - 24
"""Narrowest line outside tables: that of a list or of a box."""

_TITLE_PT, _HEADING_PT, _CELL_PT, _CELL_INSET_PT = 20.0, 11.5, 8.0, 3.5
_LABEL_LINES, _ROW_LINES, _WHOLE_LINES, _WHOLE_ROWS = 12, 35, 40, 9
"""Lines of the highest label of a column (the note says a longer one whole), of the highest row that stays on one page,
and lines and rows of the highest table that does."""

_NARROWER = 0.8
"""Width of the Latin letters of Libertinus Serif, as a share of those of DejaVu Sans Bold: about, and rather more."""

_LATIN_END = 0x250
_WORDS = re.compile("[ ]+|(?<=[-\u2010\u2013\u2014/])(?=[A-Za-zÀ-ÿ])")
"""Where every line of text may end."""


def render_pdf(facts: AnnexeFacts, *, map_png: bytes, alt: str) -> bytes:
    """Write an annex as a tagged PDF: outline, headings, tables with header cells, alternative text, French.

    Texts are data, never markup: they reach the typst template as JSON. Fonts are embedded, and none of the system is
    used; what they cannot draw is shown by a replacement sign. A word wider than its line is cut without a mark, and
    a row higher than about half a page goes on to the next one: no text leaves its page.

    Parameters
    ----------
    facts : AnnexeFacts
        What the annex says (`annexe.annexe_facts`).
    map_png : bytes
        Map of the EPCI, PNG.
    alt : str
        What the map shows, for those who do not see it.

    Returns
    -------
    bytes
        The PDF; the same facts and map give the same bytes.
    """
    facts = cleaned(facts)
    files = {
        "main.typ": TEMPLATE.read_bytes(),
        "annexe.json": json.dumps(_content(facts, alt=clean(alt), size=picture_cm(map_png)), ensure_ascii=False).encode(
            "utf-8"
        ),
        "carte.json": json.dumps(list(map_png)).encode("ascii"),  # files given in memory must be texts
    }
    day = dt.datetime.combine(dt.date.fromisoformat(facts.edition), dt.time(), tzinfo=dt.UTC)
    pages: bytes = typst.compile(  # type: ignore[call-overload]
        input=files,  # several files, unlike what it declares
        font_paths=_fonts(),
        ignore_system_fonts=True,
        format="pdf",
        pdf_standards=["ua-1"],
        timestamp=int(day.timestamp()),
    )
    return pages


@functools.cache
def _fonts() -> typst.Fonts:
    """Return the fonts of typst, and DejaVu Sans (of matplotlib) for what they lack."""
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=True, font_paths=[_font_folder()])


def _font_folder() -> Path:
    return Path(mpl.get_data_path()) / "fonts" / "ttf"


def _content(facts: AnnexeFacts, *, alt: str, size: tuple[float, float]) -> dict[str, Any]:
    """Return what the template lays out: texts cut into plain pieces and blanks, parts in order."""
    return {
        "title": printable(facts.title),
        "subtitle": printable(facts.subtitle),
        "epci": printable(facts.epci),
        "running": printable(_shortened(facts.running, _FOOTER_PT)),
        "date": [int(piece) for piece in facts.edition.split("-")],
        "identification": [[printable(label), printable(value)] for label, value in facts.identification],
        "alt": printable(alt),
        "width": WIDTH_CM,
        "picture": list(size),
        "cut": _has_wide_word(facts),
        "signatories": [printable(text) for text in SIGNATORIES],
        "head": [_block(facts, block) for block in HEAD],
        "parts": [
            {
                "title": part.title,
                "page": part.new_page,
                "blocks": [_block(facts, block) for block in part.blocks if stands(facts, block)],
            }
            for part in PARTS
        ],
    }


def _shortened(text: str, most: float) -> str:
    """Cut off what is longer than some points, in the size of tables and footers."""
    ends = itertools.accumulate(_width_pt(letter, _CELL_PT) for letter in text)
    kept = sum(end <= most for end in ends)
    return text if kept == len(text) else f"{text[:kept]}…"


def _has_wide_word(facts: AnnexeFacts) -> bool:
    """Whether some text outside tables has a word that its line may not hold."""
    tables = facts.tables.values()
    texts = [text for values in facts.texts.values() for text in values]
    texts += [text for pair in facts.identification for text in pair]
    texts += [text for table in tables for text in (table.title, table.note, table.empty, *table.header)]
    titles = (facts.title, facts.subtitle)
    return any(_overflows(text, _LINE_PT, size=_TITLE_PT) for text in titles) or any(
        _overflows(text, _LINE_PT, size=_HEADING_PT) for text in texts
    )


def _block(facts: AnnexeFacts, block: Block) -> dict[str, Any]:
    if block.kind == "heading":
        return {"kind": block.kind, "level": block.level, "words": _pieces(words_of(facts, block))}
    if block.kind == "texts":
        return {"kind": block.kind, "look": block.look, "texts": [_pieces(text) for text in facts.texts[block.key]]}
    if block.kind == "table":
        return _table(facts.tables[block.key], block)
    if block.kind == "picture":
        return {"kind": block.kind, "caption": _pieces(facts.texts[block.key][0])}
    return {"kind": block.kind}


def _table(table: Table, block: Block) -> dict[str, Any]:
    widths = [width * _POINTS_CM - 2 * _CELL_INSET_PT for width in block.widths]
    header = [_shortened(label, width * _LABEL_LINES) for label, width in zip(table.header, widths, strict=True)]
    note = " ".join([table.note, *(label for label, own in zip(table.header, header, strict=True) if label != own)])
    rows = [_row(row, widths) for row in table.rows]
    lines = [_lines(row, widths) for row in (header, *table.rows)]
    lines += [_lines((text,), [WIDTH_CM * _POINTS_CM]) for text in (table.title, note)]
    return {
        "kind": block.kind,
        "title": printable(table.title),
        "number": table.number,
        "header": [printable(label) for label in header],
        "cut": any(_overflows(label, width) for label, width in zip(header, widths, strict=True)),
        "rows": rows,
        "whole": len(rows) <= _WHOLE_ROWS and sum(lines) <= _WHOLE_LINES,
        "note": printable(note),
        "empty": printable(table.empty),
        "widths": list(block.widths),
        "right": list(block.right),
    }


def _row(row: Sequence[str], widths: Sequence[float]) -> dict[str, Any]:
    cells = [{"pieces": _pieces(cell), "cut": _overflows(cell, width)} for cell, width in zip(row, widths, strict=True)]
    return {"cells": cells, "tall": _lines(row, widths) > _ROW_LINES}


def _lines(row: Sequence[str], widths: Sequence[float]) -> float:
    """Return how many lines a row of a table fills, about and rather more; widths in points."""
    return max(1.0, *(_width_pt(cell, _CELL_PT) / width for cell, width in zip(row, widths, strict=True)))


def _overflows(text: str, width: float, *, size: float = _CELL_PT) -> bool:
    """Whether a text may have a word that is wider than its line, in points; no-break spaces belong to words."""
    return any(_width_pt(word, size) > width for word in _WORDS.split(printable(text)))


def _width_pt(text: str, size: float) -> float:
    """Return the width of a text in points, about and rather more."""
    advances = _advances()
    return size * sum(advances.get(ord(letter), 1.0) for letter in text)


@functools.cache
def _advances() -> dict[int, float]:
    """Return the width of each letter that the fonts can draw, as a share of their size: about, and rather more."""
    font = ft2font.FT2Font(_font_folder() / "DejaVuSans-Bold.ttf")
    whole = font.units_per_EM
    wide = {
        code: font.load_glyph(glyph, ft2font.LoadFlags.NO_SCALE).horiAdvance / whole
        for code, glyph in font.get_charmap().items()
    }
    return {code: width * (_NARROWER if code < _LATIN_END else 1.0) for code, width in wide.items()}


def _pieces(text: str) -> list[list[str | bool]]:
    """Cut a text into pieces that the template writes as they are: text, and whether it is a blank to fill in."""
    return [[printable(piece.text), piece.blank] for piece in segments(text)]
