"""A convention as an editable word-processor document (DOCX), in the styles of the annex."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import docx
from docx.document import Document as DocumentType
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.oxml.xmlchemy import BaseOxmlElement

from sdaasp_geo import french
from sdaasp_geo.outputs.annexe_docx import TEMPLATE, repack
from sdaasp_geo.outputs.annexe_model import Texts, segments
from sdaasp_geo.outputs.convention_model import WIDTH_CM, Block, Document, Grid, Heading, Paragraph, Signatures

_BLANK, _GRID = "À compléter", "Tableau annexe"
_CELL, _HEAD, _NOTE, _SAID = "Texte de tableau", "En-tête de tableau", "Note de tableau", "Constat"
_STYLES = {"text": "Normal", "bullet": "List Bullet", "note": _NOTE}
_TWIPS_PER_CM, _BOX_CM = 567, 3.0
_LINE, _LONGEST_PROPERTY = 112, 255
_BOX_LINES = (
    f"<w:tblBorders {nsdecls('w')}>"
    + "".join(
        f'<w:{side} w:val="single" w:sz="4" w:space="0" w:color="B9C2D0"/>'
        for side in ("top", "left", "bottom", "right", "insideH", "insideV")
    )
    + "</w:tblBorders>"
)

Styles = Mapping[str, str]
"""Identifier of each style of the document, by its name."""


def render_convention(document: Document, *, template: Path = TEMPLATE) -> bytes:
    """Write a convention as a DOCX that a word processor edits.

    Parameters
    ----------
    document : Document
        What the convention says.
    template : Path, optional
        The DOCX whose styles, page and settings are taken: by default that of the annexes, so that a convention and
        its annex look alike. Its text is left out.

    Returns
    -------
    bytes
        The document; the same convention gives the same bytes.
    """
    out = docx.Document(str(template))
    styles = {str(style.name): str(style.style_id) for style in out.styles}
    body = out.element.body
    for child in list(body):
        if child.tag != qn("w:sectPr"):
            body.remove(child)
    written = [_paragraph(styles, "Title", document.title), _paragraph(styles, "Subtitle", document.subtitle)]
    written += _table(styles, document.identification, (3.0, WIDTH_CM - 3.0), bold_first=True)
    following = (*document.blocks[1:], None)
    for block, after in zip(document.blocks, following, strict=True):
        written += _block(styles, block, kept=isinstance(after, Grid | Signatures))
    for rank, element in enumerate(written):
        body.insert(rank, element)
    _frame(out, document, styles)
    day = dt.date.fromisoformat(document.edition)
    _set_properties(out, document, day=day)
    content = io.BytesIO()
    out.save(content)
    return repack(content.getvalue(), day=day)


def _block(styles: Styles, block: Block, *, kept: bool) -> list[BaseOxmlElement]:
    """Write a block; a paragraph that announces a table or boxes is kept on their page."""
    if isinstance(block, Heading):
        return [_paragraph(styles, f"Heading {block.level}", block.text, new_page=block.new_page)]
    if isinstance(block, Paragraph):
        return [_paragraph(styles, _STYLES[block.kind], block.text, kept=kept)]
    if isinstance(block, Grid):
        return _captioned(styles, block)
    return _signatures(styles, block)


def _captioned(styles: Styles, block: Grid) -> list[BaseOxmlElement]:
    """Write a table with its number and title above and its note below, or what is said when it has no row."""
    table = block.table
    if not table.rows:
        return [_paragraph(styles, _SAID, table.empty)]
    caption = _paragraph(styles, "Caption", "Tableau ")
    caption.append(_field("SEQ Tableau \\* ARABIC", str(table.number)))
    _add_runs(caption, styles, f" – {table.title}")
    grid, _ = _table(styles, table.rows, block.widths, header=table.header, right=block.right)
    return [caption, grid, _paragraph(styles, _NOTE, table.note)]


def _signatures(styles: Styles, block: Signatures) -> list[BaseOxmlElement]:
    """Write the boxes to sign in, side by side; a box is never cut by the end of a page."""
    boxes = list(block.boxes) + [("",)] * (-len(block.boxes) % block.columns)
    widths = (WIDTH_CM / block.columns,) * block.columns
    grid = _grid(styles, widths, header=False)
    grid.tblPr.insert_element_before(parse_xml(_BOX_LINES), "w:tblLayout", "w:tblLook")
    for start in range(0, len(boxes), block.columns):
        row = _row(height_cm=_BOX_CM)
        for box in boxes[start : start + block.columns]:
            row.append(_cell([_paragraph(styles, _CELL, text, bold=rank == 0) for rank, text in enumerate(box)]))
        grid.append(row)
    return [grid, _paragraph(styles, _CELL, "")]


def _table(
    styles: Styles,
    rows: Sequence[Sequence[str]],
    widths: Sequence[float],
    *,
    header: Texts = (),
    right: Sequence[int] = (),
    bold_first: bool = False,
) -> list[BaseOxmlElement]:
    """Write a table whose header repeats on each page and whose rows are not cut, and the paragraph that follows it."""
    grid = _grid(styles, widths, header=bool(header))
    for rank, texts in enumerate((header, *rows) if header else rows):
        heading = bool(header) and rank == 0
        row = _row(repeated=heading)
        for place, text in enumerate(texts):
            style, bold = _HEAD if heading else _CELL, bold_first and place == 0
            row.append(_cell([_paragraph(styles, style, text, right=place in right, bold=bold)]))
        grid.append(row)
    return [grid, _paragraph(styles, _CELL, "")]


def _grid(styles: Styles, widths: Sequence[float], *, header: bool) -> BaseOxmlElement:
    """Return an empty table, as XML: python-docx reads the whole table again for each row."""
    columns = "".join(f'<w:gridCol w:w="{round(width * _TWIPS_PER_CM)}"/>' for width in widths)
    grid = parse_xml(
        f'<w:tbl {nsdecls("w")}><w:tblPr><w:tblStyle/><w:tblW w:w="{round(sum(widths) * _TWIPS_PER_CM)}" '
        f'w:type="dxa"/><w:tblLayout w:type="fixed"/><w:tblLook w:val="{"0420" if header else "0400"}" '
        f'w:firstRow="{int(header)}" w:lastRow="0" w:firstColumn="0" w:lastColumn="0" w:noHBand="0" w:noVBand="1"/>'
        f"</w:tblPr><w:tblGrid>{columns}</w:tblGrid></w:tbl>"
    )
    style = grid.find(f".//{qn('w:tblStyle')}")
    if _GRID in styles and style is not None:
        style.set(qn("w:val"), styles[_GRID])
    elif style is not None:
        style.getparent().remove(style)
    return grid


def _row(*, repeated: bool = False, height_cm: float = 0) -> BaseOxmlElement:
    height = f'<w:trHeight w:val="{round(height_cm * _TWIPS_PER_CM)}" w:hRule="atLeast"/>' if height_cm else ""
    inside = f"<w:cantSplit/>{height}{'<w:tblHeader/>' if repeated else ''}"
    return parse_xml(f"<w:tr {nsdecls('w')}><w:trPr>{inside}</w:trPr></w:tr>")


def _cell(paragraphs: Sequence[BaseOxmlElement]) -> BaseOxmlElement:
    cell = OxmlElement("w:tc")
    for paragraph in paragraphs:
        cell.append(paragraph)
    return cell


def _paragraph(
    styles: Styles,
    style: str,
    text: str,
    *,
    right: bool = False,
    bold: bool = False,
    new_page: bool = False,
    kept: bool = False,
) -> BaseOxmlElement:
    """Return a paragraph of a style; one that the template lost is written in the default style."""
    paragraph = OxmlElement("w:p")
    properties = OxmlElement("w:pPr")
    if style in styles:
        properties.append(_valued("w:pStyle", styles[style]))
    if kept or style.startswith("Heading"):
        properties.append(OxmlElement("w:keepNext"))
    if new_page:
        properties.append(OxmlElement("w:pageBreakBefore"))
    if right:
        properties.append(_valued("w:jc", "right"))
    paragraph.append(properties)
    _add_runs(paragraph, styles, text, bold=bold)
    return paragraph


def _add_runs(paragraph: BaseOxmlElement, styles: Styles, text: str, *, bold: bool = False) -> None:
    """Add a text as runs: the blanks have their own style, so that they are seen and found."""
    for piece in segments(text):
        run = OxmlElement("w:r")
        properties = OxmlElement("w:rPr")
        if piece.blank and _BLANK in styles:
            properties.append(_valued("w:rStyle", styles[_BLANK]))
        if bold:
            properties.append(OxmlElement("w:b"))
        run.append(properties)
        run.append(_text(piece.text))
        paragraph.append(run)


def _valued(tag: str, value: str) -> BaseOxmlElement:
    element = OxmlElement(tag)
    element.set(qn("w:val"), value)
    return element


def _text(text: str) -> BaseOxmlElement:
    element = OxmlElement("w:t")
    element.set("{http://www.w3.org/XML/1998/namespace}space", "preserve")
    element.text = text
    return element


def _field(instruction: str, shown: str) -> BaseOxmlElement:
    """Return a field of the word processor, with the text shown before it is computed."""
    field, run = OxmlElement("w:fldSimple"), OxmlElement("w:r")
    field.set(qn("w:instr"), f" {instruction} ")
    run.append(_text(shown))
    field.append(run)
    return field


def _frame(out: DocumentType, document: Document, styles: Styles) -> None:
    """Write the header (title, edition) and the footer (scheme, page x of y)."""
    edition = f"Édition du {french.date(dt.date.fromisoformat(document.edition))}"
    section = out.sections[0]
    for part, left in ((section.header, document.running), (section.footer, document.footing)):
        part.is_linked_to_previous = False
        element = part._element  # noqa: SLF001 - the part as XML
        for child in list(element):
            element.remove(child)
        element.append(_margin_line(styles, left))
    _add_runs(section.header._element[0], styles, edition)  # noqa: SLF001 - idem
    page = section.footer._element[0]  # noqa: SLF001 - idem
    _add_runs(page, styles, "Page ")
    page.append(_field("PAGE", "1"))
    _add_runs(page, styles, " sur ")
    page.append(_field("NUMPAGES", "1"))


def _margin_line(styles: Styles, text: str) -> BaseOxmlElement:
    """Return a line of the header or footer: a text, cut where it would not hold on one line, then a tab."""
    line = _paragraph(styles, "Footer", text if len(text) <= _LINE else f"{text[: _LINE - 1].rstrip()}…")
    stop = round(WIDTH_CM * _TWIPS_PER_CM)
    tabs = "".join(f'<w:tab w:val="{kind}" w:pos="{stop}"/>' for kind in ("clear", "right"))
    line[0].append(parse_xml(f"<w:tabs {nsdecls('w')}>{tabs}</w:tabs>"))
    run = OxmlElement("w:r")
    run.append(OxmlElement("w:tab"))
    line.append(run)
    return line


def _set_properties(out: DocumentType, document: Document, *, day: dt.date) -> None:
    properties = out.core_properties
    stamp = dt.datetime.combine(day, dt.time())
    properties.title = f"{document.title} – {document.party}"[:_LONGEST_PROPERTY]
    properties.subject = document.footing[:_LONGEST_PROPERTY]
    properties.author = properties.last_modified_by = "sdaasp_geo"
    properties.created = properties.modified = stamp
    properties.language, properties.revision = "fr-FR", 1
