"""Styles of the annex template: fonts, headings, tables, boxes."""

from __future__ import annotations

from collections.abc import Sequence

from docx.document import Document as DocumentType
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.text import WD_TAB_ALIGNMENT, WD_TAB_LEADER
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.shared import Cm, Pt, RGBColor
from docx.styles.style import ParagraphStyle

BLUE, GREY, INK = RGBColor(0x1B, 0x3A, 0x6B), RGBColor(0x4A, 0x4F, 0x57), RGBColor(0x1C, 0x1C, 0x1C)
FONT = "Arial"
TABLE_STYLE = "Tableau annexe"
WIDTH_CM = 17.4


def set_styles(document: DocumentType) -> None:
    """Set the fonts, sizes, colours and language of every style that the annex uses."""
    defaults = document.styles.element.find(qn("w:docDefaults")).find(qn("w:rPrDefault")).find(qn("w:rPr"))
    language = defaults.find(qn("w:lang"))
    for key in ("w:val", "w:eastAsia"):
        language.set(qn(key), "fr-FR")
    set_style(document, "Normal", size=9.5, after=4)
    set_style(document, "Title", size=20, color=BLUE, bold=True, after=2)
    set_style(document, "Subtitle", size=14, color=INK, bold=True, after=10)
    set_style(document, "Heading 1", size=14, color=BLUE, bold=True, before=13, after=5)
    set_style(document, "Heading 2", size=11.5, color=BLUE, bold=True, before=11, after=4)
    set_style(document, "Heading 3", size=10, color=INK, bold=True, before=9, after=3)
    set_style(document, "Caption", size=9, color=BLUE, bold=True, before=7, after=2)
    document.styles["Caption"].paragraph_format.keep_with_next = True
    _new_style(document, "Texte de tableau", size=7.5, after=0)
    _new_style(document, "En-tête de tableau", size=7.5, color=RGBColor(255, 255, 255), bold=True, after=0)
    _new_style(document, "Note de tableau", size=7, color=GREY, before=2, after=5)
    _new_style(document, "Constat", size=9.5, before=3, after=6)
    _new_style(document, "Encadré", size=8.5, after=3)
    _new_style(document, "Figure", size=9, before=4, after=4)
    document.styles["Figure"].paragraph_format.keep_with_next = True
    _contents_styles(document)
    _boxed(document.styles["Encadré"], sides=("top", "left", "bottom", "right"))
    _boxed(document.styles["Constat"], sides=("left",))
    blank = document.styles.add_style("À compléter", WD_STYLE_TYPE.CHARACTER)
    blank.quick_style = True
    blank.element.get_or_add_rPr().append(
        parse_xml(f'<w:shd {nsdecls("w")} w:val="clear" w:color="auto" w:fill="FFF2A8"/>')
    )
    _rule_below(document.styles["Heading 1"])
    _rule_below(document.styles["Title"], none=True)


def _new_style(document: DocumentType, name: str, **options: object) -> None:
    style = document.styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
    style.base_style = document.styles["Normal"]
    style.quick_style = True
    set_style(document, name, **options)  # type: ignore[arg-type]


def _contents_styles(document: DocumentType) -> None:
    """Add the styles of the table of contents: its title, and two levels with the page at the right."""
    set_style(document, "TOC Heading", size=12, color=BLUE, bold=True, before=8, after=4)
    _rule_below(document.styles["TOC Heading"], none=True)
    for level, indent in ((1, 0.0), (2, 0.6)):
        _new_style(document, f"toc {level}", size=9.5 if level == 1 else 9, after=1)
        layout = document.styles[f"toc {level}"].paragraph_format
        layout.left_indent = Cm(indent)
        layout.tab_stops.add_tab_stop(Cm(WIDTH_CM), WD_TAB_ALIGNMENT.RIGHT, WD_TAB_LEADER.DOTS)


def set_style(
    document: DocumentType,
    name: str,
    *,
    size: float,
    color: RGBColor = INK,
    bold: bool = False,
    before: float = 0,
    after: float = 0,
) -> None:
    """Set one style: size and spaces in points."""
    style: ParagraphStyle = document.styles[name]
    fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
    for key in list(fonts.attrib):
        del fonts.attrib[key]
    for key in ("w:ascii", "w:hAnsi", "w:cs", "w:eastAsia"):
        fonts.set(qn(key), FONT)
    style.font.size, style.font.bold, style.font.italic = Pt(size), bold, False
    style.font.color.rgb = color
    style.paragraph_format.space_before, style.paragraph_format.space_after = Pt(before), Pt(after)
    style.paragraph_format.line_spacing = 1.08 if name == "Normal" else None
    for tag in ("w:spacing", "w:kern"):
        odd = style.element.rPr.find(qn(tag))
        if odd is not None:
            style.element.rPr.remove(odd)


def _boxed(style: ParagraphStyle, *, sides: Sequence[str]) -> None:
    """Frame a paragraph style and shade it."""
    edges = "".join(
        f'<w:{side} w:val="single" w:sz="{18 if len(sides) == 1 else 6}" w:space="5" w:color="1B3A6B"/>'
        for side in sides
    )
    properties = style.element.get_or_add_pPr()
    borders = parse_xml(f"<w:pBdr {nsdecls('w')}>{edges}</w:pBdr>")
    shade = parse_xml(f'<w:shd {nsdecls("w")} w:val="clear" w:color="auto" w:fill="EEF2F8"/>')
    properties.insert_element_before(borders, "w:shd", "w:tabs", "w:spacing", "w:ind", "w:jc", "w:outlineLvl")
    properties.insert_element_before(shade, "w:tabs", "w:spacing", "w:ind", "w:jc", "w:outlineLvl")
    style.paragraph_format.left_indent = style.paragraph_format.right_indent = Cm(0.25)


def _rule_below(style: ParagraphStyle, *, none: bool = False) -> None:
    properties = style.element.get_or_add_pPr()
    old = properties.find(qn("w:pBdr"))
    if old is not None:
        properties.remove(old)
    if none:
        return
    rule = parse_xml(
        f'<w:pBdr {nsdecls("w")}><w:bottom w:val="single" w:sz="6" w:space="2" w:color="B9C2D0"/></w:pBdr>'
    )
    properties.insert_element_before(rule, "w:shd", "w:tabs", "w:spacing", "w:ind", "w:jc", "w:outlineLvl")


def add_table_style(document: DocumentType) -> None:
    """Add the table style: dark header, thin lines, no vertical rule."""
    lines = "".join(
        f'<w:{side} w:val="single" w:sz="4" w:space="0" w:color="B9C2D0"/>' for side in ("top", "bottom", "insideH")
    )
    document.styles.element.append(
        parse_xml(
            f'<w:style {nsdecls("w")} w:type="table" w:customStyle="1" w:styleId="Tableauannexe"><w:name '
            f'w:val="{TABLE_STYLE}"/>'
            '<w:basedOn w:val="TableNormal"/><w:uiPriority w:val="59"/><w:qFormat/>'
            f"<w:tblPr><w:tblBorders>{lines}</w:tblBorders><w:tblCellMar>"
            '<w:top w:w="20" w:type="dxa"/><w:left w:w="60" w:type="dxa"/><w:bottom w:w="20" w:type="dxa"/>'
            '<w:right w:w="60" w:type="dxa"/></w:tblCellMar></w:tblPr>'
            '<w:tblStylePr w:type="firstRow"><w:tblPr/><w:tcPr><w:shd w:val="clear" w:color="auto" w:fill="1B3A6B"/>'
            '<w:vAlign w:val="bottom"/></w:tcPr></w:tblStylePr></w:style>'
        )
    )
