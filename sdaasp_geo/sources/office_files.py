"""Office files (DOCX, ODT, XLSX, ODS) opened safely: they are archives of XML, and come from anyone.

An archive passes two gates before anything is read: its size once unpacked is reasonable, and no part of it declares a
document type. Without such a declaration XML has no entities, so neither expansion nor reference to other files: the
parser of the standard library is enough then, and no further dependency is needed.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import Path
from xml.etree import ElementTree as ET

from sdaasp_geo.errors import Fault, InputError

_TOTAL, _SMALL, _RATIO = 500_000_000, 50_000_000, 200
_DOCTYPE = tuple("<!DOCTYPE".encode(encoding) for encoding in ("utf-8", "utf-16-le", "utf-16-be"))
_XML = (".xml", ".rels")
UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    ET.ParseError,
    KeyError,
    ValueError,
    OSError,
    EOFError,
    RuntimeError,
    NotImplementedError,
)
"""What a damaged, encrypted or disguised archive raises."""


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
        with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
            entries = archive.infolist()
            total, packed = sum(entry.file_size for entry in entries), sum(entry.compress_size for entry in entries)
            if total > _TOTAL or (total > _SMALL and total > _RATIO * packed):
                raise InputError([fault])
            parts = {entry.filename: archive.read(entry) for entry in entries}
    except UNREADABLE as error:
        raise InputError([fault]) from error
    if any(mark in content for name, content in parts.items() if name.endswith(_XML) for mark in _DOCTYPE):
        raise InputError([fault])
    return parts


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
