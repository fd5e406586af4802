"""The yearly report as an editable word-processor document, with the styles of the annexes."""

from __future__ import annotations

import datetime as dt
import io
from typing import Any

import docx
from docx.document import Document as DocumentType
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm

from sdaasp_geo.outputs.annexe_docx import TEMPLATE, repack
from sdaasp_geo.outputs.annexe_model import segments
from sdaasp_geo.outputs.yearly_model import Document, Part, Shown, is_number, shown

_WIDTH_CM = 17.4
_TABLE_STYLE, _CELL_STYLE, _HEADER_STYLE = "Tableau annexe", "Texte de tableau", "En-tête de tableau"
_BLANK_STYLE, _NOTE_STYLE = "À compléter", "Note de tableau"


def render_docx(document: Document) -> bytes:
    """Write a yearly report as a DOCX that a word processor edits.

    Parameters
    ----------
    document : Document
        From `yearly_report.report_document`.

    Returns
    -------
    bytes
        The same facts give the same bytes; texts of the data are texts, never markup.
    """
    target = docx.Document(str(TEMPLATE))
    _empty(target)
    _footer(target, f"{document.title} – {document.label}" if document.label else document.title)
    if document.label:
        _paragraph(target, document.label, "Constat")
    _paragraph(target, document.title, "Title")
    _paragraph(target, document.subtitle, "Subtitle")
    for figure in document.figures:
        line = target.add_paragraph(style="Constat")
        line.add_run(figure.value).bold = True
        line.add_run(f" {figure.label}")
    for part in document.parts:
        _part(target, part)
    if document.notes:
        target.add_heading("À savoir", level=1)
        for note in document.notes:
            _bullet(target, note)
    _paragraph(target, document.sources, _NOTE_STYLE)
    day = dt.date.fromisoformat(document.edition)
    _set_properties(target, document, day=day)
    out = io.BytesIO()
    target.save(out)
    return repack(out.getvalue(), day=day)


def _empty(target: DocumentType) -> None:
    """Keep the page, the styles and the footer of the template only."""
    body = target.element.body
    for child in list(body):
        if child.tag != qn("w:sectPr"):
            body.remove(child)


def _footer(target: DocumentType, running: str) -> None:
    """Put the running title in the place of the tag of the template."""
    for run in target.sections[0].footer.paragraphs[0].runs:
        if "facts.running" in run.text:
            run.text = f"{running}\tPage "


def _paragraph(target: DocumentType, text: str, style: str = "Normal") -> None:
    _write(target.add_paragraph(style=style), text)


def _bullet(target: DocumentType, text: str) -> None:
    line = target.add_paragraph()
    line.paragraph_format.left_indent, line.paragraph_format.first_line_indent = Cm(0.5), Cm(-0.4)
    _write(line, f"•\u2002{text}")


def _write(paragraph: Any, text: str) -> None:  # noqa: ANN401 - python-docx has no public type for it
    for piece in segments(text):
        paragraph.add_run(piece.text, style=_BLANK_STYLE if piece.blank else None)


def _part(target: DocumentType, part: Part) -> None:
    target.add_heading(part.title, level=1)
    for text in part.texts:
        _paragraph(target, text)
    for item in part.items:
        _bullet(target, item)
    for table in part.tables:
        _table(target, table)


def _table(target: DocumentType, table: Shown) -> None:
    target.add_heading(table.title, level=2)
    if not table.rows:
        _paragraph(target, table.empty)
        return
    grid = target.add_table(rows=0, cols=len(table.header), style=_TABLE_STYLE)
    grid.autofit = False
    whole = sum(column.width for column in table.header)
    for column, shape in zip(grid.columns, table.header, strict=True):
        column.width = Cm(_WIDTH_CM * shape.width / whole)
    widths = [int(column.width.twips) for column in grid.columns if column.width is not None]
    ids = {name: str(target.styles[name].style_id) for name in (_CELL_STYLE, _HEADER_STYLE, _BLANK_STYLE)}
    body = grid._tbl  # noqa: SLF001 - rows are written as XML: python-docx takes milliseconds a cell
    head = [column.label for column in table.header]
    body.append(_row(head, table, widths, ids | {"cell": ids[_HEADER_STYLE]}, marks=("w:cantSplit", "w:tblHeader")))
    for rank, row in enumerate(table.rows, start=1):
        texts = [shown(cell, column.kind) for cell, column in zip(row, table.header, strict=True)]
        bold = table.total and rank == len(table.rows)
        body.append(_row(texts, table, widths, ids | {"cell": ids[_CELL_STYLE]}, marks=("w:cantSplit",), bold=bold))
    if table.note:
        _paragraph(target, table.note, _NOTE_STYLE)


def _row(
    texts: list[str],
    table: Shown,
    widths: list[int],
    ids: dict[str, str],
    *,
    marks: tuple[str, ...],
    bold: bool = False,
) -> Any:  # noqa: ANN401 - lxml has no types
    """Make a row: not cut between two pages, and repeated on each where it is the header."""
    row = OxmlElement("w:tr")
    properties = _child(row, "w:trPr")
    for mark in marks:
        _child(properties, mark)
    for text, column, width in zip(texts, table.header, widths, strict=True):
        cell = _child(row, "w:tc")
        _child(_child(cell, "w:tcPr"), "w:tcW", w=str(width), type="dxa")
        paragraph = _child(cell, "w:p")
        layout = _child(paragraph, "w:pPr")
        _child(layout, "w:pStyle", val=ids["cell"])
        if is_number(column.kind):
            _child(layout, "w:jc", val="right")
        for piece in segments(text):
            _run(paragraph, piece.text, style=ids[_BLANK_STYLE] if piece.blank else "", bold=bold)
    return row


def _run(paragraph: Any, text: str, *, style: str, bold: bool) -> None:  # noqa: ANN401
    run = _child(paragraph, "w:r")
    if style or bold:
        properties = _child(run, "w:rPr")
        if style:
            _child(properties, "w:rStyle", val=style)
        if bold:
            _child(properties, "w:b")
    content = _child(run, "w:t")
    content.text = text
    content.set(qn("xml:space"), "preserve")


def _child(parent: Any, tag: str, **attributes: str) -> Any:  # noqa: ANN401
    child = OxmlElement(tag)
    for name, value in attributes.items():
        child.set(qn(f"w:{name}"), value)
    parent.append(child)
    return child


def _set_properties(target: DocumentType, document: Document, *, day: dt.date) -> None:
    properties = target.core_properties
    stamp = dt.datetime.combine(day, dt.time())
    properties.title, properties.subject = document.title[:255], document.subtitle[:255]
    properties.author = properties.last_modified_by = "sdaasp_geo"
    properties.created = properties.modified = stamp
    properties.language, properties.revision = "fr-FR", 1
