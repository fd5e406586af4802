"""Sheets of an OpenDocument spreadsheet (ODS), as rows of text."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree as ET

from sdaasp_geo.sources.office_files import attribute, local_name, parse_part

_MOST_ROWS, _MOST_COLUMNS, _MOST_CELLS = 1_048_576, 16_384, 20_000_000
_CELLS = ("table-cell", "covered-table-cell")
_Rows = list[list[str]]


def ods_sheets(parts: dict[str, bytes]) -> list[tuple[str, _Rows]]:
    """Read the sheets of an ODS.

    Parameters
    ----------
    parts : dict
        The unpacked file (`office_files.read_archive`).

    Returns
    -------
    list of (name, rows)
        Cells as shown on the screen, dates as AAAA-MM-JJ; the value of cells merged
        downwards is that of each row.

    Raises
    ------
    KeyError, ET.ParseError
        When the content is missing or is not XML.
    ValueError
        When repetitions make a sheet larger than a spreadsheet can be.
    """
    root = parse_part(parts["content.xml"])
    tables = [element for element in root.iter() if local_name(element) == "table"]
    return [(attribute(table, "name"), _rows(table)) for table in tables]


def _rows(table: ET.Element) -> _Rows:
    rows: _Rows = []
    merged: list[tuple[int, int, int]] = []
    held = 0
    for line in _lines(table):
        cells, spans = _cells(line)
        times = int(attribute(line, "number-rows-repeated") or 1)
        held += times * (len(cells) + 1)
        if held > _MOST_CELLS:
            message = "too many repeated cells"
            raise ValueError(message)
        merged += [(len(rows), at, height) for at, height in spans]
        rows += [list(cells) for _ in range(times)]
    for top, at, height in merged:
        value = rows[top][at]
        for row in rows[top + 1 : top + height]:
            row.extend([""] * (at + 1 - len(row)))
            row[at] = row[at] or value
    return rows


def _lines(element: ET.Element) -> Iterator[ET.Element]:
    """Yield the rows of a table, those of its groups and of its repeated headings included, in order."""
    for child in element:
        if local_name(child) == "table-row":
            yield child
        elif local_name(child) in ("table-rows", "table-header-rows", "table-row-group"):
            yield from _lines(child)


def _cells(line: ET.Element) -> tuple[list[str], list[tuple[int, int]]]:
    """Return the texts of a row without its empty end, and its cells merged downwards (column, height)."""
    cells: list[str] = []
    spans: list[tuple[int, int]] = []
    pending = 0
    for cell in line:
        if local_name(cell) not in _CELLS:
            continue
        times = int(attribute(cell, "number-columns-repeated") or 1)
        text = _shown(cell)
        if not text:
            pending += times
            continue
        if len(cells) + pending + times > _MOST_COLUMNS:
            message = "too many repeated columns"
            raise ValueError(message)
        cells += [""] * pending + [text] * times
        pending = 0
        height = min(int(attribute(cell, "number-rows-spanned") or 1), _MOST_ROWS)
        if height > 1:
            spans.append((len(cells) - 1, height))
    return cells, spans


def _shown(cell: ET.Element) -> str:
    kind = attribute(cell, "value-type")
    if kind == "date":
        return attribute(cell, "date-value").removesuffix("T00:00:00")
    paragraphs = [flat_text(child) for child in cell if local_name(child) == "p"]
    return "\n".join(paragraphs).strip() or attribute(cell, "value")


def flat_text(element: ET.Element) -> str:
    """Return the text of a paragraph of OpenDocument: spaces, tabs and line ends are elements; notes are left out."""
    pieces = [element.text or ""]
    for child in element:
        name = local_name(child)
        if name == "s":
            pieces.append(" " * min(int(attribute(child, "c") or 1), 100))
        elif name == "tab":
            pieces.append("\t")
        elif name == "line-break":
            pieces.append("\n")
        elif name not in ("annotation", "note", "frame", "tracked-changes"):
            pieces.append(flat_text(child))
        pieces.append(child.tail or "")
    return "".join(pieces)
