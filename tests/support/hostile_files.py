"""Files of a hostile study: workbooks and documents read as raw XML, CSV, PDF, GeoPackages, names of files."""

from __future__ import annotations

import csv
import html
import io
import re
import shutil
import sqlite3
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pypdf
import pytest
from lxml import etree
from PIL import Image

LIVE_PARTS = (
    "externalLink",
    "vbaProject",
    "activeX",
    "oleObject",
    "embeddings/",
    "ddeLink",
    "connections.xml",
    "altChunk",
    "afchunk",
)
LIVE_ELEMENTS = {
    "f", "hyperlink", "ddeLink", "oleLink", "oleObject", "altChunk", "fldSimple", "webPublishItem", "dataBinding",
}  # fmt: skip
"""Elements of Office files that compute, fetch or point elsewhere."""
FIELDS = {"TOC", "PAGE", "NUMPAGES", "PAGEREF", "SEQ", "REF", "HYPERLINK", "STYLEREF"}
"""Instructions that our own templates write in a document."""
FORMULA = re.compile("^[\\s\u00a0\u200b\ufeff\x00]*[=+\\-@\uff1d\uff0b\uff0d\uff20]|^[\t\r\n]")
NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?")
INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f\ufff9-\ufffb\U000e0000-\U000e007f]"
)
"""Characters that hide, end or reorder text."""
NAME = re.compile(r"[A-Za-z0-9_.-]+")
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
SAFE_LINKS = ("https://", "http://", "mailto:", "#", "../", "./")
_BYTES_MOST = 255
_PICTURE_INFO = {"dpi"}
_SIDES = re.compile(r'(?:width|height)="([0-9.]+)"')
_BOXES = re.compile(r'xMin="([-0-9.]+)" yMin="([-0-9.]+)" xMax="([-0-9.]+)" yMax="([-0-9.]+)">([^<]*)</word>')
_COPIES = ("grille.xlsx", "-a-corriger.xlsx")
"""Workbooks that give people their own cells back, to correct: nothing is taken off."""


def local(tag: object) -> str:
    """Return the name of an element without its namespace."""
    return etree.QName(tag).localname if isinstance(tag, str) else ""


def _parsed(content: bytes) -> etree._Element:
    return etree.fromstring(content, etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True))


def office_faults(path: Path) -> Iterator[str]:
    """Yield what is live in a workbook or a document (XLSX, DOCX), from its raw XML."""
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if any(part.lower() in name.lower() for part in LIVE_PARTS) or name.startswith(("/", "..")):
                yield f"{name} in the archive"
            if not name.endswith((".xml", ".rels")):
                continue
            content = archive.read(name)
            if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
                yield f"{name}: a document type"
            copied = path.name.endswith(_COPIES)
            yield from (f"{name}: {fault}" for fault in _part_faults(_parsed(content), copied=copied))


def _part_faults(root: etree._Element, *, copied: bool) -> Iterator[str]:
    for node in root.iter():
        kind = local(node.tag)
        if kind in LIVE_ELEMENTS and not _own_link(node):
            yield f"<{kind}> {etree.tostring(node)[:200]!r}"
        if kind == "Relationship" and node.get("TargetMode") == "External":
            yield f"external relationship to {node.get('Target')}"
        if kind == "instrText" and (node.text or "").split()[:1] and (node.text or "").split()[0] not in FIELDS:
            yield f"field {node.text!r}"
        if kind == "definedName" and "hostile" in (node.text or ""):
            yield f"defined name {node.text!r}"
        if kind == "t" and not copied and (found := INVISIBLE.search(node.text or "")):
            yield f"the character {found.group()!r} in {(node.text or '')[:80]!r}"


def _own_link(node: etree._Element) -> bool:
    """Tell a field of our own templates, or a link inside the file, to a bookmark or a sheet of its own."""
    if local(node.tag) == "fldSimple":
        return any(value.split()[0] in FIELDS for value in node.attrib.values() if value.strip())
    return local(node.tag) == "hyperlink" and not any(local(name) == "id" for name in node.attrib)


def csv_cells(path: Path) -> list[str]:
    """Return the cells of a CSV below its header."""
    with path.open(encoding="utf-8-sig", newline="") as stream:
        header = stream.readline()
        stream.seek(0)
        separator = ";" if header.count(";") > header.count(",") else ","
        return [cell for row in list(csv.reader(stream, delimiter=separator))[1:] for cell in row]


def csv_faults(path: Path) -> Iterator[str]:
    """Yield the cells of a CSV that a spreadsheet would compute; a number is no formula."""
    yield from (cell for cell in csv_cells(path) if FORMULA.search(cell) and not NUMBER.fullmatch(cell))


def pdf_faults(path: Path) -> Iterator[str]:
    """Yield what a PDF runs or links to."""
    reader = pypdf.PdfReader(io.BytesIO(path.read_bytes()))
    root = reader.trailer["/Root"]
    yield from (f"the catalogue has {key}" for key in ("/OpenAction", "/AA", "/AcroForm") if key in root)
    if "/Names" in root and any(key in root["/Names"] for key in ("/JavaScript", "/EmbeddedFiles")):
        yield "scripts or files in the catalogue"
    for page in reader.pages:
        for reference in page.get("/Annots") or ():
            note = reference.get_object()
            action = note.get("/A", {})
            if action.get("/S") in {"/JavaScript", "/Launch", "/URI", "/SubmitForm"}:
                yield f"a link: {action}"


def pdf_text(path: Path) -> str:
    """Return the text of a PDF."""
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(path.read_bytes())).pages)


def words_beyond(path: Path) -> tuple[list[str], str]:
    """Return the words of a PDF that leave their page, and the text that is on the pages, by poppler's ``pdftotext``.

    What lies wholly beyond a page is not in the text at all: count its letters as well.
    """
    program = shutil.which("pdftotext")
    if program is None:
        pytest.skip("pdftotext (poppler-utils) is not installed: where the words of a PDF stand was not looked at")
    said = subprocess.run([program, "-bbox", str(path), "-"], check=True, capture_output=True, timeout=300)  # noqa: S603
    beyond, shown = [], []
    for number, page in enumerate(said.stdout.decode("utf-8").split("<page ")[1:], start=1):
        wide, high = (float(value) for value in _SIDES.findall(page)[:2])
        for west, north, east, south, word in _BOXES.findall(page):
            shown.append(html.unescape(word))
            if min(float(west), float(north)) < 0 or float(east) > wide or float(south) > high:
                beyond.append(f"page {number}: {shown[-1][:60]}")
    return beyond, "".join(shown)


def xml_faults(path: Path) -> Iterator[str]:
    """Yield why an XML file (metadata, style) is not plain well-formed text."""
    content = path.read_bytes()
    if b"<!ENTITY" in content:
        yield "entities"
    try:
        _parsed(content)
    except etree.XMLSyntaxError as error:
        yield str(error)


def geopackage_faults(path: Path) -> Iterator[str]:
    """Yield the names of a GeoPackage that are not plain, the styles that are not XML, the base when it is broken."""
    with sqlite3.connect(path) as base:
        tables = [name for (name,) in base.execute("SELECT table_name FROM gpkg_contents")]
        yield from (f"layer {name!r}" for name in tables if not NAME.fullmatch(name))
        if base.execute("PRAGMA integrity_check").fetchone() != ("ok",):
            yield "the base is broken"
        own = [name for (name,) in base.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        if "layer_styles" in own:
            for name, qml, sld in base.execute("SELECT f_table_name, styleQML, styleSLD FROM layer_styles"):
                for style in filter(None, (qml, sld)):
                    try:
                        _parsed(style.encode("utf-8"))
                    except etree.XMLSyntaxError as error:
                        yield f"style of {name}: {error}"


def name_faults(folder: Path) -> Iterator[str]:
    """Yield the names of files that some system refuses, or takes for another."""
    seen: set[str] = set()
    for path in sorted(folder.rglob("*")):
        name = path.name
        if not NAME.fullmatch(name) or len(name.encode()) > _BYTES_MOST or name.endswith((".", " ")):
            yield name
        if RESERVED.fullmatch(name) or path.is_symlink():
            yield name
        whole = path.relative_to(folder).as_posix().lower()
        if whole in seen:
            yield f"{whole} twice"
        seen.add(whole)


def picture_faults(path: Path) -> Iterator[str]:
    """Yield what a picture holds beside its pixels, which only a text could have put there."""
    with Image.open(path) as image:
        image.load()
        yield from (f"{key} in the picture" for key in image.info if key not in _PICTURE_INFO)


CHECKS = {
    ".xlsx": office_faults,
    ".docx": office_faults,
    ".csv": csv_faults,
    ".pdf": pdf_faults,
    ".gpkg": geopackage_faults,
    ".xml": xml_faults,
    ".png": picture_faults,
}
"""What each kind of file is checked for; pages are opened in a browser."""


def faults_of(folder: Path) -> list[str]:
    """Return what is live in the files of a folder, and the names that no file should have."""
    found = [
        f"{path.relative_to(folder)}: {fault}"
        for path in sorted(folder.rglob("*"))
        if path.suffix in CHECKS
        for fault in CHECKS[path.suffix](path)
    ]
    return [*found, *(f"name: {name}" for name in name_faults(folder))]
