"""The three formats of an annex read back: their texts, and their tables as rows of cells."""

from __future__ import annotations

import dataclasses
import io
import re
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import pandas as pd
from docx import Document
from docx.document import Document as DocumentType
from docx.oxml.ns import qn
from lxml import html as lxml_html  # type: ignore[import-untyped]
from pypdf import PdfReader
from pypdf.generic import DictionaryObject

from sdaasp_geo.outputs.annexe import annexe_facts
from sdaasp_geo.outputs.annexe_docx import render_docx
from sdaasp_geo.outputs.annexe_html import render_html
from sdaasp_geo.outputs.annexe_model import AnnexeFacts, texts_of
from sdaasp_geo.outputs.annexe_pdf import render_pdf
from sdaasp_geo.study import Diagnosis, Measures, Study

ALT = "Carte de l'EPCI & de ses <voisins>"


def facts_of(study: Study, measures: Measures, diagnosis: Diagnosis, siren: str, census: pd.DataFrame) -> AnnexeFacts:
    """Return the facts of an EPCI, diagnosis included."""
    whole = dataclasses.replace(measures, diagnosis=diagnosis)
    return annexe_facts(study, whole, siren=siren, census=census)


def picture() -> bytes:
    """Return a small grey PNG."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compress(b"".join(b"\x00" + b"\xcc" * 40 for _ in range(30)))
    header = struct.pack(">IIBBBBB", 40, 30, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def squeezed(text: str) -> str:
    """Return a text without any space: line breaks of a layout do not count."""
    return re.sub(r"\s", "", text)


def pdf_of(facts: AnnexeFacts) -> PdfReader:
    """Return the PDF of an annex, opened."""
    return PdfReader(io.BytesIO(render_pdf(facts, map_png=picture(), alt=ALT)))


def pdf_text(reader: PdfReader, *, running: str = "") -> str:
    """Return the text of a PDF in the order of its content, without spaces nor its footers."""
    pages = [squeezed(page.extract_text()) for page in reader.pages]
    feet = [squeezed(f"{running}Page{rank}sur{len(pages)}") for rank in range(1, len(pages) + 1)]
    return "".join(page.replace(foot, "") for page, foot in zip(pages, feet, strict=True))


def structure(reader: PdfReader) -> Iterator[DictionaryObject]:
    """Yield the structure elements of a tagged PDF, in reading order."""
    waiting: list[Any] = [reader.trailer["/Root"]["/StructTreeRoot"]]  # type: ignore[index]
    while waiting:
        node = waiting.pop(0)
        node = node.get_object() if hasattr(node, "get_object") else node
        if not isinstance(node, DictionaryObject):
            continue
        if "/S" in node:
            yield node
        children = node.get("/K", [])
        children = children.get_object() if hasattr(children, "get_object") else children
        waiting = [*(children if isinstance(children, list) else [children]), *waiting]


def docx_of(facts: AnnexeFacts) -> DocumentType:
    """Return the DOCX of an annex, opened."""
    return Document(io.BytesIO(render_docx(facts, map_png=picture(), alt=ALT)))


def docx_lines(document: DocumentType) -> list[str]:
    """Return the paragraphs of a document, cells and content controls included, without the empty ones."""
    found = ["".join(node.text or "" for node in p.iter(qn("w:t"))) for p in document.element.body.iter(qn("w:p"))]
    return [text for text in found if text]


def shown_by_each(facts: AnnexeFacts) -> dict[str, str]:
    """Return the whole text of an annex in each format, without spaces."""
    page = render_html(facts, map_png=picture(), alt=ALT)
    return {
        "html": squeezed(lxml_html.fromstring(page).text_content()),
        "docx": squeezed("".join(docx_lines(docx_of(facts)))),
        "pdf": pdf_text(pdf_of(facts), running=facts.running),
    }


def told(facts: AnnexeFacts) -> set[str]:
    """Return every text, cell, title and note of an annex, without spaces."""
    tables = [table for table in facts.tables.values() if table.rows]
    words = [*texts_of(facts), *(table.title for table in tables), *(table.note for table in tables)]
    return {squeezed(text) for text in words}
