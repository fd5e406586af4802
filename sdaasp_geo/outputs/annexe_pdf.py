"""The annex of one EPCI as a tagged PDF (PDF/UA-1), to read, print and sign."""

from __future__ import annotations

import datetime as dt
import functools
import json
from pathlib import Path
from typing import Any

import matplotlib as mpl
import typst

from sdaasp_geo.outputs.annexe_layout import HEAD, PARTS, WIDTH_CM, Block, picture_cm, stands, words_of
from sdaasp_geo.outputs.annexe_model import SIGNATORIES, AnnexeFacts, clean, cleaned, segments
from sdaasp_geo.outputs.static_map_canvas import printable

TEMPLATE = Path(__file__).parent / "templates" / "annexe.typ"


def render_pdf(facts: AnnexeFacts, *, map_png: bytes, alt: str) -> bytes:
    """Write an annex as a tagged PDF: outline, headings, tables with header cells, alternative text, French.

    Texts are data, never markup: they reach the typst template as JSON. Fonts are embedded, and none of the system is
    used; what they cannot draw is shown by a replacement sign.

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
    folder = Path(mpl.get_data_path()) / "fonts" / "ttf"
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=True, font_paths=[folder])


def _content(facts: AnnexeFacts, *, alt: str, size: tuple[float, float]) -> dict[str, Any]:
    """Return what the template lays out: texts cut into plain pieces and blanks, parts in order."""
    return {
        "title": printable(facts.title),
        "subtitle": printable(facts.subtitle),
        "epci": printable(facts.epci),
        "running": printable(facts.running),
        "date": [int(piece) for piece in facts.edition.split("-")],
        "identification": [[printable(label), printable(value)] for label, value in facts.identification],
        "alt": printable(alt),
        "width": WIDTH_CM,
        "picture": list(size),
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


def _block(facts: AnnexeFacts, block: Block) -> dict[str, Any]:
    if block.kind == "heading":
        return {"kind": block.kind, "level": block.level, "words": _pieces(words_of(facts, block))}
    if block.kind == "texts":
        return {"kind": block.kind, "look": block.look, "texts": [_pieces(text) for text in facts.texts[block.key]]}
    if block.kind == "table":
        return _table(facts, block)
    if block.kind == "picture":
        return {"kind": block.kind, "caption": _pieces(facts.texts[block.key][0])}
    return {"kind": block.kind}


def _table(facts: AnnexeFacts, block: Block) -> dict[str, Any]:
    table = facts.tables[block.key]
    return {
        "kind": block.kind,
        "title": printable(table.title),
        "number": table.number,
        "header": [printable(label) for label in table.header],
        "rows": [[_pieces(cell) for cell in row] for row in table.rows],
        "note": printable(table.note),
        "empty": printable(table.empty),
        "widths": list(block.widths),
        "right": list(block.right),
    }


def _pieces(text: str) -> list[list[str | bool]]:
    """Cut a text into pieces that the template writes as they are: text, and whether it is a blank to fill in."""
    return [[printable(piece.text), piece.blank] for piece in segments(text)]
