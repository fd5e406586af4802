"""Office files (DOCX, ODT, XLSX, ODS) opened safely: they are archives of XML, and come from anyone.

An archive passes two gates before anything is read: its size once unpacked is reasonable, and no part of it declares a
document type. Without such a declaration XML has no entities, so neither expansion nor reference to other files: the
parser of the standard library is enough then, and no further dependency is needed. Nothing follows the addresses that
relations between parts name. A library that opens archives itself (openpyxl) is given a new one, made of the parts that
passed, without pictures or programs.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import Path
from xml.etree import ElementTree as ET

from sdaasp_geo.errors import Fault, InputError
from sdaasp_geo.sources.limits import DOCUMENT_MB, limit_bytes, read_content

_UNPACKED, _SMALL, _RATIO, _MOST_PARTS = 5, 50_000_000, 200, 10_000
_DOCTYPE = tuple("<!DOCTYPE".encode(encoding) for encoding in ("utf-8", "utf-16-le", "utf-16-be"))
_XML = (".xml", ".rels", ".vml")
UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    SyntaxError,
    LookupError,
    ValueError,
    OSError,
    EOFError,
    RuntimeError,
    NotImplementedError,
)
"""What a damaged, encrypted or disguised archive raises; faults of XML are syntax errors, whichever parser says so."""

BROKEN_WORKBOOK = (*UNREADABLE, RecursionError, TypeError, AttributeError, IndexError, AssertionError)
"""What openpyxl lets out of a workbook whose parts contradict each other."""


def read_archive(path: Path, *, expected: str, remedy: str) -> dict[str, bytes]:
    """Unpack an office file.

    Parameters
    ----------
    path : Path
        The file.
    expected, remedy : str
        For the fault, in French: what was expected, and what to do.

    Returns
    -------
    dict
        Content of each part by its name.

    Raises
    ------
    InputError
        A file that is no archive, is damaged or encrypted, unpacks into too much, or declares a document type.
    """
    fault = Fault(path.name, None, "", "", expected, remedy)
    try:
        with zipfile.ZipFile(io.BytesIO(read_content(path, megabytes=DOCUMENT_MB))) as archive:
            entries = archive.infolist()
            total, packed = sum(entry.file_size for entry in entries), sum(entry.compress_size for entry in entries)
            bomb = total > _UNPACKED * limit_bytes(DOCUMENT_MB) or (total > _SMALL and total > _RATIO * packed)
            if bomb or len({entry.filename for entry in entries}) < len(entries) or len(entries) > _MOST_PARTS:
                raise InputError([fault])
            parts = {entry.filename: archive.read(entry) for entry in entries}
    except UNREADABLE as error:
        raise InputError([fault]) from error
    if any(mark in content for name, content in parts.items() if name.lower().endswith(_XML) for mark in _DOCTYPE):
        raise InputError([fault])
    return parts


def repacked(parts: dict[str, bytes]) -> io.BytesIO:
    """Return an archive of the parts that passed the gates; those that are not XML (pictures, macros) are empty."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, part in parts.items():
            archive.writestr(zipfile.ZipInfo(name), part if name.lower().endswith(_XML) else b"")
    content.seek(0)
    return content


def parse_part(content: bytes) -> ET.Element:
    """Parse a part that passed the gate.

    Raises
    ------
    ET.ParseError
        When it is not XML.
    """
    return ET.fromstring(content)  # noqa: S314 - see the gate


def local_name(element: ET.Element) -> str:
    """Return the name of an element or of an attribute without its namespace."""
    return element.tag.rpartition("}")[2]


def attribute(element: ET.Element, name: str) -> str:
    """Return an attribute by its name without namespace; empty where absent."""
    return next((value for key, value in element.items() if key.rpartition("}")[2] == name), "")
