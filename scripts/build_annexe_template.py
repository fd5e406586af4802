"""Build ``sdaasp_geo/outputs/templates/annexe.docx``: the word-processor template of the territorial annex.

The template holds real styles and docxtpl tags (``{{ … }}``, ``{%p … %}``, ``{%tr … %}``): a département may open it
in a word processor, change fonts, colours or wording, and give it back. Running the script again gives the same bytes.
"""

from __future__ import annotations

import copy
import datetime as dt
import io
import sys
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

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from _annexe_styles import (  # noqa: E402 - the checkout is not installed
    GREY,
    TABLE_STYLE,
    add_table_style,
    set_style,
    set_styles,
)

from sdaasp_geo.outputs.annexe_docx import TEMPLATE, repack  # noqa: E402 - the checkout is not installed

NBSP = "\u00a0"
WIDTH_CM = 17.4
"""Width of the text: A4 less margins of 1.8 cm."""

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
    _parts_1_to_5(document)
    _part_6(document)
    _parts_7_to_9(document)
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
    for kind, text in (("begin", ""), ("", instruction), ("separate", ""), ("text", shown), ("end", "")):
        run = paragraph.add_run()
        if kind == "text":
            run.text = text
        elif kind:
            char = OxmlElement("w:fldChar")
            char.set(qn("w:fldCharType"), kind)
            run._r.append(char)  # noqa: SLF001 - python-docx has no fields
        else:
            code = OxmlElement("w:instrText")
            code.set(qn("xml:space"), "preserve")
            code.text = f" {text} "
            run._r.append(code)  # noqa: SLF001 - python-docx has no fields


def _head(document: DocumentType) -> None:
    document.add_paragraph("{{ facts.title }}", style="Title")
    document.add_paragraph("{{ facts.subtitle }}", style="Subtitle")
    table = _grid(document, 2, (3.0, WIDTH_CM - 3.0), header=False)
    row = _row(table, ("{{ pair[0] }}", "{{ pair[1] }}"), style="Texte de tableau")
    row.cells[0].paragraphs[0].runs[0].bold = True
    _looped(row, "pair in facts.identification")
    _spacer(document)
    _paragraphs(document, "chapeau")


def _parts_1_to_5(document: DocumentType) -> None:
    _heading(document, "1. Carte d'identité")
    _table(document, "identite", (4.6, 12.8))
    _table(document, "perimetre", (4.2, 3.3, 3.3, 3.3, 3.3), right=(1, 2, 3, 4))
    _table(document, "recensement", (6.6, 3.2, 3.2, 4.4), right=(1, 2, 3))
    _table(document, "limitrophes", (5.0, 2.3, 2.5, 2.9, 4.7), right=(2, 3))
    _heading(document, f"Périmètre{NBSP}: différences et évolution", level=2)
    _paragraphs(document, "perimetre")
    _heading(document, "2. Les services présents")
    widths = (4.2, 2.3, 1.9, 1.6, 4.8, 2.6)
    _table(document, "services", widths)
    _heading(document, "Présence partielle", level=2)
    _table(document, "partiel", widths)
    _paragraphs(document, "services")
    _part_3(document)
    _part_4(document)
    _heading(document, "5. Carte")
    document.add_paragraph("{{ carte }}", style="Figure").alignment = WD_ALIGN_PARAGRAPH.CENTER
    caption = document.add_paragraph("Figure ", style="Caption")
    _field(caption, "SEQ Figure \\* ARABIC", "1")
    caption.add_run(" – {{ facts.texts.carte[0] }}")
    caption.paragraph_format.keep_with_next = False


def _part_3(document: DocumentType) -> None:
    _heading(document, "3. Accès aux services")
    _table(document, "temps", (5.4, 1.7, 1.7, 2.0, 1.9, 2.6, 2.1), right=(1, 2, 3, 4, 5, 6))
    _table(document, "deciles", (7.4, 2.3, 2.9, 2.3, 2.5), right=(1, 2, 3, 4))
    _paragraphs(document, "inegalites")
    _table(document, "seuils", (7.6, 2.1, 1.7, 2.1, 1.9, 2.0), right=(1, 2, 3, 4, 5))
    _table(document, "choix", (7.6, 2.5, 2.5, 2.5, 2.3), right=(1, 2, 3, 4))
    _heading(document, "Heures d'accès", level=2, given="heures")
    _table(document, "heures", (7.4, 1.9, 1.9, 2.3, 2.0, 1.9), right=(1, 2, 3, 4, 5))
    _paragraphs(document, "offre")
    _heading(document, "De part et d'autre des limites", level=2, given="frontieres")
    _paragraphs(document, "acces")
    _table(document, "frontieres", (5.7, 2.3, 2.1, 2.1, 1.5, 1.8, 1.9), right=(1, 2, 3, 4, 5, 6))
    _table(document, "echanges", (5.0, 1.9, 1.7, 1.9, 1.7, 5.2), right=(1, 2, 3, 4))
    _table(document, "guichets", (5.7, 1.9, 1.4, 1.6, 1.8, 1.7, 1.6, 1.7), right=(1, 2, 3, 4, 5, 6, 7))
    _paragraphs(document, "negociation")
    _table(document, "lieux", (6.0, 3.8, 3.7, 2.1, 1.8), right=(3, 4))


def _part_4(document: DocumentType) -> None:
    _heading(document, "4. Communes au-delà d'un seuil ou à vérifier")
    _paragraphs(document, "deficits")
    _table(document, "deficits", (2.4, 1.6, 1.7, 2.4, 1.7, 7.6), right=(1,))
    _heading(document, "Zones déficitaires", level=2)
    _table(document, "zones", (2.9, 5.2, 2.2, 2.2, 1.7, 3.2), right=(2, 3, 4))
    _heading(document, "Autres critères et autres seuils", level=2, given="criteres")
    _table(document, "criteres", (5.0, 1.8, 1.8, 1.6, 1.6, 1.3, 1.4, 1.4, 1.5), right=(5, 6, 7, 8))
    _paragraphs(document, "criteres")
    _table(document, "sensibilite", (4.9, 1.9, 1.7, 1.3, 1.6, 1.5, 1.4, 1.4, 1.7), right=(1, 2, 3, 4, 5, 6, 7, 8))
    _heading(document, "Écarts et actions du schéma", level=2)
    _paragraphs(document, "ecarts")
    _table(document, "ecarts", (4.4, 2.2, 1.9, 3.6, 2.6, 2.7))


def _part_6(document: DocumentType) -> None:
    _heading(document, "6. Projet de rédaction des articles de la convention territoriale", new_page=True)
    _heading(document, "Article 2 – Engagements spécifiques au territoire", level=2)
    _paragraphs(document, "article_2")
    _heading(document, "3.1. Des réalités spécifiques au territoire", level=3)
    _paragraphs(document, "article_2_1")
    _heading(document, "3.2. Des orientations adaptées à ces spécificités et aux projets du territoire", level=3)
    _paragraphs(document, "article_2_2")
    _table(document, "orientations", (5.6, 6.6, 5.2))
    _heading(document, "{{r runs(facts.texts.titre_2_3[0]) }}", level=3)
    _paragraphs(document, "article_2_3")
    _table(document, "plan", (1.4, 5.6, 3.0, 4.0, 3.4))
    _paragraphs(document, "article_2_3_propositions")
    _table(document, "actions", (0.8, 4.9, 4.2, 3.7, 3.8))
    _paragraphs(document, "article_2_3_fin")
    _heading(document, "Article 3 – Représentants de l'EPCI dans la gouvernance du schéma", level=2)
    _paragraphs(document, "article_3")
    _table(document, "representants", (5.4, 3.8, 4.5, 3.7))
    _heading(document, "Article 4 – Durée de la convention", level=2)
    _paragraphs(document, "article_4")
    _heading(document, "Signatures", level=2)
    _paragraphs(document, "signature", keep=True)
    table = _grid(document, 3, (5.8, 5.8, 5.8), header=False)
    row = _row(table, [f"{{{{ signatories[{rank}] }}}}" for rank in range(3)], style="Texte de tableau")
    row.height = Cm(3.2)
    _spacer(document)


def _parts_7_to_9(document: DocumentType) -> None:
    _heading(document, "7. Éléments non mesurés")
    _table(document, "non_mesure", (1.6, 7.4, 8.4))
    _heading(document, "8. Encadré méthode")
    _paragraphs(document, "methode", style="Encadré")
    _table(document, "regles", (4.1, 1.7, 2.1, 1.8, 7.7))
    _table(document, "sources", (4.0, 6.9, 3.2, 3.3))
    _tag(document, "if facts.texts.avertissements")
    _heading(document, "Avertissements", level=2)
    _tag(document, "endif")
    _paragraphs(document, "avertissements", style="List Bullet")
    _heading(document, "Relevé par commune", new_page=True)
    _table(document, "communes", (4.3, 1.8, 1.6, 3.9, 5.8), right=(1, 2))


def _heading(
    document: DocumentType, text: str, *, level: int = 1, new_page: bool = False, given: str | None = None
) -> None:
    """Add a heading; where a table is given, only when it has rows."""
    if given:
        _tag(document, f"if facts.tables.{given}.rows")
    paragraph = document.add_paragraph(text, style=f"Heading {level}")
    paragraph.paragraph_format.keep_with_next = True
    paragraph.paragraph_format.page_break_before = True if new_page else None
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
