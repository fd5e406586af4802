"""Documents (text, DOCX, ODT) as lines: paragraphs, list items and cells of tables, in reading order, nothing left out.

A word-processor file is read from its XML rather than through python-docx, whose paragraphs leave out content controls,
tracked insertions and text boxes. What stands beside the text (headers, footers, notes, comments) comes apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from sdaasp_geo.errors import Fault, InputError
from sdaasp_geo.sources.delimited import decode
from sdaasp_geo.sources.limits import DOCUMENT_MB, read_content
from sdaasp_geo.sources.office_files import UNREADABLE, attribute, local_name, parse_part, read_archive

PAGE_BREAK = "\f"
"""A line that is only this is the end of a page."""

_TEXTS = (".txt", ".md")
_FORMATS = {".docx": "un document DOCX", ".odt": "un document ODT"}
_REMEDY = "Enregistrez la fiche en DOCX, ODT ou texte."
_ASIDE = re.compile(r"word/(?:header|footer|footnotes|endnotes|comments)\d*\.xml")
_BULLET = "• "
_WORD_BREAKS = {"tab": "\t", "cr": "\n", "noBreakHyphen": "-", "softHyphen": ""}
_WORD_SKIPPED = {"del", "moveFrom", "delText", "instrText", "Fallback", "pPr", "rPr", "footnoteReference"}
_ODT_SKIPPED = {"tracked-changes", "sequence-decls", "forms"}
_ODT_BREAKS = {"tab": "\t", "line-break": "\n", "soft-page-break": ""}


@dataclass(frozen=True)
class DocumentText:
    """Lines of a document, page breaks among them, and the distinct lines that stand beside its text."""

    lines: list[str]
    aside: list[str]


def read_document(path: Path) -> DocumentText:
    """Read a document as lines.

    Raises
    ------
    InputError
        Another format, a damaged or hostile file, or nothing in it.
    """
    suffix = path.suffix.lower()
    if suffix in _TEXTS:
        text = decode(read_content(path, megabytes=DOCUMENT_MB), file=path.name)
        lines, aside = text_lines(text), list[str]()
    elif suffix in _FORMATS:
        fault = Fault(path.name, None, "", "", _FORMATS[suffix], _REMEDY)
        parts = read_archive(path, expected=_FORMATS[suffix], remedy=_REMEDY)
        try:
            lines, aside = _docx(parts) if suffix == ".docx" else _odt(parts)
        except (*UNREADABLE, RecursionError) as error:
            raise InputError([fault]) from error
    else:
        raise InputError([Fault(path.name, None, "", suffix, "une fiche en DOCX, ODT ou texte", _REMEDY)])
    if not any(line.strip() for line in (*lines, *aside)):
        remedy = "Donnez une fiche qui contient au moins un code et un titre."
        raise InputError([Fault(path.name, None, "", "", "une fiche qui n'est pas vide", remedy)])
    return DocumentText(lines, aside)


def _paragraphs(pieces: Iterator[str]) -> str:
    """Join the pieces of a file that closes its paragraphs: no empty line between two, no bullet alone on its line."""
    text = re.sub(r"\n[ \n]*\n", "\n", "".join(pieces))
    return re.sub(rf"(?:{_BULLET}\n?)+", _BULLET, text)


def text_lines(text: str) -> list[str]:
    """Cut a text into lines; a page break is a line of its own, wherever it stands."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n").replace("\v", "\n").replace(PAGE_BREAK, f"\n{PAGE_BREAK}\n")
    return plain.split("\n")


def _docx(parts: dict[str, bytes]) -> tuple[list[str], list[str]]:
    body = _paragraphs(_word(parse_part(parts["word/document.xml"])))
    beside = [
        line.strip()
        for name in sorted(parts)
        if _ASIDE.fullmatch(name)
        for line in _paragraphs(_word(parse_part(parts[name]))).split("\n")
    ]
    return text_lines(body), list(dict.fromkeys(line for line in beside if line))


def _word(element: ET.Element) -> Iterator[str]:
    """Yield the text of an element of WordprocessingML, each paragraph on its line."""
    name = local_name(element)
    if name in _WORD_SKIPPED:
        return
    if name == "t":
        yield (element.text or "").replace("\n", " ")
    elif name in _WORD_BREAKS:
        yield _WORD_BREAKS[name]
    elif name == "br":
        yield PAGE_BREAK if attribute(element, "type") == "page" else "\n"
    elif name == "p":
        yield "\n" + _word_mark(element)
    for child in element:
        yield from _word(child)
    if name == "p":
        yield "\n"


def _word_mark(paragraph: ET.Element) -> str:
    """Return the page break and the bullet that a paragraph's properties put before it."""
    properties = next((child for child in paragraph if local_name(child) == "pPr"), None)
    if properties is None:
        return ""
    mark = ""
    for child in properties:
        name, value = local_name(child), attribute(child, "val")
        if name == "pageBreakBefore" and value not in ("0", "false"):
            mark = PAGE_BREAK + mark
        listed = name == "pStyle" and value.lower().startswith(("list", "puce", "paragraphedeliste"))
        if (name == "numPr" or (listed and "paragraph" not in value.lower())) and _BULLET not in mark:
            mark += _BULLET
    return mark


def _odt(parts: dict[str, bytes]) -> tuple[list[str], list[str]]:
    root = parse_part(parts["content.xml"])
    breaking = _odt_breaking(root)
    body = next((element for element in root.iter() if local_name(element) == "text" and len(element)), root)
    beside: list[str] = []
    lines = _paragraphs(_odt_text(body, breaking, beside, 0))
    if "styles.xml" in parts:
        masters = [e for e in parse_part(parts["styles.xml"]).iter() if local_name(e) in ("header", "footer")]
        beside += [text for master in masters for text in "".join(_odt_text(master, set(), beside, 0)).split("\n")]
    return text_lines(lines), list(dict.fromkeys(text.strip() for text in beside if text.strip()))


def _odt_breaking(root: ET.Element) -> set[str]:
    """Return the styles of paragraph that begin a page."""
    return {
        attribute(style, "name")
        for style in root.iter()
        if local_name(style) == "style" and any(attribute(child, "break-before") == "page" for child in style)
    }


def _odt_text(element: ET.Element, breaking: set[str], beside: list[str], depth: int) -> Iterator[str]:
    """Yield the text of an element of OpenDocument, each paragraph on its line; notes and comments go beside."""
    name = local_name(element)
    if name in _ODT_SKIPPED:
        return
    if name in ("note-body", "annotation") and depth:
        inner = "".join(text for child in element for text in _odt_text(child, breaking, beside, 0))
        beside += inner.split("\n")
        return
    if name in ("p", "h"):
        yield "\n" + (PAGE_BREAK if attribute(element, "style-name") in breaking else "")
    elif name == "list-item":
        yield "\n" + _BULLET
    elif name == "s":
        yield " " * min(int(attribute(element, "c") or 1), 100)
    yield _ODT_BREAKS.get(name, "")
    if name != "note-citation":
        yield _own(element.text, name)
        for child in element:
            yield from _odt_text(child, breaking, beside, depth + 1)
            yield _own(child.tail, name)
    if name in ("p", "h"):
        yield "\n"


_ODT_INLINE = {"p", "h", "span", "a", "meta", "meta-field", "ruby-base", "bookmark-ref", "date", "title", "page-number"}


def _own(text: str | None, name: str) -> str:
    """Return the characters that stand directly in an element that may hold some, blanks between others left out."""
    kept = text or ""
    return re.sub(r"\s+", " ", kept) if name in _ODT_INLINE or kept.strip() else ""
