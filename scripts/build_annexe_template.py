"""Build ``sdaasp_geo/outputs/templates/annexe.docx``: the word-processor template of the territorial annex.

The template holds real styles and docxtpl tags (``{{ … }}``, ``{%p … %}``, ``{%tr … %}``): a département may open it
in a word processor, change fonts, colours or wording, and give it back. Running the script again gives the same bytes.
"""

from __future__ import annotations

import copy
import datetime as dt
import io
import sys
import zlib
from collections.abc import Sequence
from pathlib import Path

from docx import Document
from docx.document import Document as DocumentType
from docx.enum.section import WD_ORIENT
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.shared import Cm
from docx.table import Table, _Row
from docx.text.paragraph import Paragraph
from docx.text.run import Run

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from _annexe_styles import (  # noqa: E402 - the checkout is not installed
    GREY,
    TABLE_STYLE,
    add_table_style,
    set_style,
    set_styles,
)

from sdaasp_geo.french import NBSP  # noqa: E402 - the checkout is not installed
from sdaasp_geo.outputs.annexe_docx import TEMPLATE, repack  # noqa: E402 - the checkout is not installed
from sdaasp_geo.outputs.annexe_layout import (  # noqa: E402 - idem
    HEAD,
    PARTS,
    WIDTH_CM,
    Block,
    Part,
    blocks,
)

TOC_LEVELS = 2
PAGES_HINT = (
    f"Pour afficher les pages{NBSP}: clic droit sur ce sommaire, puis «{NBSP}Mettre à jour les champs{NBSP}» (Word) "
    f"ou «{NBSP}Actualiser l'index{NBSP}» (LibreOffice). Cette ligne disparaît alors."
)
_TABLES = {block.key for block in blocks("table")}

Widths = Sequence[float]


def build() -> bytes:
    """Return the template as the bytes of a DOCX."""
    document = Document()
    _empty(document)
    _page(document)
    set_styles(document)
    add_table_style(document)
    _footer(document)
    _head(document)
    _contents(document)
    _parts(document)
    _settings(document)
    out = io.BytesIO()
    document.save(out)
    return repack(out.getvalue(), day=dt.date(2026, 1, 1))


def _empty(document: DocumentType) -> None:
    """Remove the sample thumbnail and body of the default document of python-docx."""
    package = document.part.package
    for key, rel in list(package.rels.items()):
        if "thumbnail" in rel.reltype:
            del package.rels[key]
    for child in list(document.element.body):
        if child.tag != qn("w:sectPr"):
            document.element.body.remove(child)


def _page(document: DocumentType) -> None:
    section = document.sections[0]
    section.orientation = WD_ORIENT.PORTRAIT
    section.page_width, section.page_height = Cm(21.0), Cm(29.7)
    section.left_margin = section.right_margin = Cm(1.8)
    section.top_margin, section.bottom_margin = Cm(1.8), Cm(2.0)
    section.header_distance = section.footer_distance = Cm(1.0)


def _footer(document: DocumentType) -> None:
    paragraph = document.sections[0].footer.paragraphs[0]
    set_style(document, "Footer", size=8, color=GREY)
    tabs = paragraph.style.paragraph_format.tab_stops
    for stop in list(tabs):
        tabs.clear_all() if stop is not None else None
    paragraph.style.paragraph_format.tab_stops.add_tab_stop(Cm(WIDTH_CM), alignment=2)
    paragraph.add_run("{{ facts.running }}\tPage ")
    _field(paragraph, "PAGE", "1")
    paragraph.add_run(" sur ")
    _field(paragraph, "NUMPAGES", "1")


def _field(paragraph: Paragraph, instruction: str, shown: str) -> None:
    """Add a field with the text shown before it is computed again."""
    _chars(paragraph, instruction, ("begin", "", "separate"))
    paragraph.add_run(shown)
    _chars(paragraph, "", ("end",))


def _chars(paragraph: Paragraph, instruction: str, kinds: Sequence[str]) -> None:
    """Add the marks of a field, and its instruction where a kind is empty."""
    for kind in kinds:
        run = paragraph.add_run()._r  # noqa: SLF001 - python-docx has no fields
        if kind:
            char = OxmlElement("w:fldChar")
            char.set(qn("w:fldCharType"), kind)
            run.append(char)
        else:
            code = OxmlElement("w:instrText")
            code.set(qn("xml:space"), "preserve")
            code.text = f" {instruction} "
            run.append(code)


def _head(document: DocumentType) -> None:
    document.add_paragraph("{{ facts.title }}", style="Title")
    document.add_paragraph("{{ facts.subtitle }}", style="Subtitle")
    table = _grid(document, 2, (3.0, WIDTH_CM - 3.0), header=False)
    row = _row(table, ("{{ pair[0] }}", "{{ pair[1] }}"), style="Texte de tableau")
    row.cells[0].paragraphs[0].runs[0].bold = True
    _looped(row, "pair in facts.identification")
    _spacer(document)
    for block in HEAD:
        _block(document, block)


def _parts(document: DocumentType) -> None:
    """Add the parts in the order of the layout; the headings bear the bookmarks of the table of contents."""
    for part in PARTS:
        _heading(document, part.title, new_page=part.new_page, mark=_mark(part.title))
        for block in part.blocks:
            _block(document, block)


def _block(document: DocumentType, block: Block) -> None:
    if block.kind == "heading":
        words = f"{{{{r runs(facts.texts.{block.key}[0]) }}}}" if block.key else block.words
        mark = _mark(words) if block.level == TOC_LEVELS else ""
        _heading(document, words, level=block.level, given=_given(block), mark=mark)
    elif block.kind == "texts":
        styles = {"box": "Encadré", "list": "List Bullet"}
        _paragraphs(document, block.key, style=styles.get(block.look, "Normal"), keep=block.look == "keep")
    elif block.kind == "table":
        _table(document, block.key, block.widths, right=block.right)
    elif block.kind == "picture":
        _picture(document, block.key)
    else:
        _signatures(document)


def _given(block: Block) -> str:
    """Return the condition under which a heading stands."""
    if not block.given:
        return ""
    return f"facts.tables.{block.given}.rows" if block.given in _TABLES else f"facts.texts.{block.given}"


def _picture(document: DocumentType, key: str) -> None:
    document.add_paragraph("{{ carte }}", style="Figure").alignment = WD_ALIGN_PARAGRAPH.CENTER
    caption = document.add_paragraph("Figure ", style="Caption")
    _field(caption, "SEQ Figure \\* ARABIC", "1")
    caption.add_run(f" – {{{{ facts.texts.{key}[0] }}}}")
    caption.paragraph_format.keep_with_next = False


def _signatures(document: DocumentType) -> None:
    table = _grid(document, 3, (5.8, 5.8, 5.8), header=False)
    row = _row(table, [f"{{{{ signatories[{rank}] }}}}" for rank in range(3)], style="Texte de tableau")
    row.height = Cm(3.2)
    _spacer(document)


def _contents(document: DocumentType) -> None:
    """Add the table of contents: a field with its entries, and a line that goes when pages are asked for.

    Only a word processor knows the pages. The field is not marked to be made again when opened (``w:dirty``,
    ``updateFields``): Word then stops everyone with a question about other files.
    """
    document.add_paragraph("Sommaire", style="TOC Heading")
    entries = [entry for part in PARTS for entry in _entries(part)]
    for rank, (words, level, given) in enumerate(entries):
        if given:
            _tag(document, f"if {given}")
        paragraph = document.add_paragraph(style=f"toc {level}")
        if rank == 0:
            _chars(paragraph, 'TOC \\o "1-2" \\h \\z \\u', ("begin", "", "separate"))
        _entry(paragraph, words)
        if given:
            _tag(document, "endif")
    paragraph = document.add_paragraph(style="toc 2")
    paragraph.add_run(PAGES_HINT).italic = True
    _chars(paragraph, "", ("end",))


def _entries(part: Part) -> list[tuple[str, int, str]]:
    """Return the entries of a part: words, level, condition."""
    titles = [block for block in part.blocks if block.kind == "heading" and block.level == TOC_LEVELS]
    return [(part.title, 1, ""), *((block.words, block.level, _given(block)) for block in titles)]


def _entry(paragraph: Paragraph, words: str) -> None:
    """Write an entry: a link to its heading."""
    link = OxmlElement("w:hyperlink")
    link.set(qn("w:anchor"), _mark(words))
    link.set(qn("w:history"), "1")
    run = OxmlElement("w:r")
    link.append(run)
    Run(run, Paragraph(link, paragraph)).text = words  # type: ignore[arg-type] - a link holds runs as a paragraph does
    paragraph._p.append(link)  # noqa: SLF001 - python-docx has no links


def _mark(words: str) -> str:
    """Return the bookmark of a heading, from its words."""
    return f"_Toc{zlib.crc32(words.encode()):010d}"


def _heading(
    document: DocumentType, text: str, *, level: int = 1, new_page: bool = False, given: str = "", mark: str = ""
) -> None:
    """Add a heading, under a condition; a bookmark lets the table of contents find it."""
    if given:
        _tag(document, f"if {given}")
    paragraph = document.add_paragraph(text, style=f"Heading {level}")
    paragraph.paragraph_format.keep_with_next = True
    paragraph.paragraph_format.page_break_before = True if new_page else None
    if mark:
        number = str(zlib.crc32(mark.encode()) % 2**31)
        run = paragraph.runs[0]._r  # noqa: SLF001 - python-docx has no bookmarks
        run.addprevious(parse_xml(f'<w:bookmarkStart {nsdecls("w")} w:id="{number}" w:name="{mark}"/>'))
        run.addnext(parse_xml(f'<w:bookmarkEnd {nsdecls("w")} w:id="{number}"/>'))
    if given:
        _tag(document, "endif")


def _tag(document: DocumentType, tag: str) -> None:
    document.add_paragraph(f"{{%p {tag} %}}")


def _spacer(document: DocumentType) -> None:
    """Add the small paragraph that must follow a table."""
    document.add_paragraph("", style="Texte de tableau")


def _paragraphs(document: DocumentType, key: str, *, style: str = "Normal", keep: bool = False) -> None:
    """Add the loop that writes the paragraphs of a part."""
    _tag(document, f"for text in facts.texts.{key}")
    paragraph = document.add_paragraph("{{r runs(text) }}", style=style)
    if keep:
        paragraph.paragraph_format.keep_with_next = True
    _tag(document, "endfor")


def _table(document: DocumentType, key: str, widths: Widths, *, right: Sequence[int] = ()) -> None:
    """Add a captioned table of the facts, or what is said when it has no row."""
    data = f"facts.tables.{key}"
    _tag(document, f"if {data}.rows")
    caption = document.add_paragraph("Tableau ", style="Caption")
    _field(caption, "SEQ Tableau \\* ARABIC", f"{{{{ {data}.number }}}}")
    caption.add_run(f" – {{{{ {data}.title }}}}")
    table = _grid(document, len(widths), widths)
    caption_of = OxmlElement("w:tblCaption")
    caption_of.set(qn("w:val"), f"{{{{ {data}.title }}}}")
    table._tbl.tblPr.append(caption_of)  # noqa: SLF001 - python-docx has no such property
    head = _row(
        table,
        [f"{{{{ {data}.header[{rank}] }}}}" for rank in range(len(widths))],
        style="En-tête de tableau",
        right=right,
    )
    properties = head._tr.get_or_add_trPr()  # noqa: SLF001 - python-docx has no repeated header
    properties.append(OxmlElement("w:tblHeader"))
    row = _row(
        table, [f"{{{{r runs(row[{rank}]) }}}}" for rank in range(len(widths))], style="Texte de tableau", right=right
    )
    _looped(row, f"row in {data}.rows")
    document.add_paragraph(f"{{{{ {data}.note }}}}", style="Note de tableau")
    _tag(document, f"elif {data}.empty")
    document.add_paragraph(f"{{{{ {data}.empty }}}}", style="Constat")
    _tag(document, "endif")


def _grid(document: DocumentType, columns: int, widths: Widths, *, header: bool = True) -> Table:
    table: Table = document.add_table(rows=0, cols=columns)
    table.style = document.styles[TABLE_STYLE]
    table.alignment = WD_TABLE_ALIGNMENT.LEFT
    table.autofit = False
    look = table._tbl.tblPr.find(qn("w:tblLook"))  # noqa: SLF001 - python-docx has no such property
    for key in list(look.attrib):
        del look.attrib[key]
    look.set(qn("w:val"), "0420" if header else "0400")
    for key in ("firstRow", "lastRow", "firstColumn", "lastColumn", "noHBand", "noVBand"):
        look.set(qn(f"w:{key}"), "1" if key == "noVBand" or (key == "firstRow" and header) else "0")
    for column, width in zip(table.columns, widths, strict=True):
        column.width = Cm(width)
    return table


def _row(table: Table, texts: Sequence[str], *, style: str, right: Sequence[int] = ()) -> _Row:
    row: _Row = table.add_row()  # type: ignore[no-untyped-call]
    row._tr.get_or_add_trPr().append(OxmlElement("w:cantSplit"))  # noqa: SLF001 - python-docx has no such property
    for rank, (cell, text) in enumerate(zip(row.cells, texts, strict=True)):
        cell.width = table.columns[rank].width
        paragraph = cell.paragraphs[0]
        paragraph.style = style
        paragraph.add_run(text)
        if rank in right:
            paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
    return row


def _looped(row: _Row, loop: str) -> None:
    """Put a row between the tags that repeat it."""
    for tag, place in ((f"{{%tr for {loop} %}}", "addprevious"), ("{%tr endfor %}", "addnext")):
        other = copy.deepcopy(row._tr)  # noqa: SLF001 - the row as XML
        for rank, cell in enumerate(other.findall(qn("w:tc"))):
            texts = list(cell.iter(qn("w:t")))
            texts[0].text = tag if rank == 0 else ""
        getattr(row._tr, place)(other)  # noqa: SLF001 - the row as XML


def _settings(document: DocumentType) -> None:
    """Set the language of the document and its properties; dates are fixed when the annex is written."""
    compat = document.settings.element.find(qn("w:compat"))
    if compat is None:
        compat = OxmlElement("w:compat")
        document.settings.element.append(compat)
    for old in list(compat):
        compat.remove(old)
    compat.append(
        parse_xml(
            f'<w:compatSetting {nsdecls("w")} w:name="compatibilityMode" '
            'w:uri="http://schemas.microsoft.com/office/word" w:val="15"/>'
        )
    )
    properties = document.core_properties
    fixed = dt.datetime(2026, 1, 1)  # noqa: DTZ001 - core properties hold naive UTC times
    properties.author, properties.title, properties.language = "sdaasp_geo", "Annexe territoriale (modèle)", "fr-FR"
    properties.comments, properties.created, properties.modified = "", fixed, fixed
    properties.last_modified_by, properties.revision = "sdaasp_geo", 1


def main() -> None:
    """Write the template where the package reads it."""
    TEMPLATE.write_bytes(build())
    print(TEMPLATE.relative_to(ROOT), TEMPLATE.stat().st_size)


if __name__ == "__main__":
    main()
