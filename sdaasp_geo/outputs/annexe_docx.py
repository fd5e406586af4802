"""The annex of one EPCI as an editable word-processor document (DOCX)."""

from __future__ import annotations

import datetime as dt
import functools
import io
import zipfile
from collections.abc import MutableMapping
from pathlib import Path
from types import CodeType
from typing import Any

from docx.oxml.ns import qn
from docx.shared import Cm
from docxtpl import DocxTemplate, InlineImage
from jinja2 import StrictUndefined, Template, nodes
from jinja2.sandbox import SandboxedEnvironment
from markupsafe import Markup

from sdaasp_geo.outputs.annexe_layout import picture_cm
from sdaasp_geo.outputs.annexe_model import SIGNATORIES, AnnexeFacts, blanks_in, clean, cleaned, segments

TEMPLATE = Path(__file__).parent / "templates" / "annexe.docx"
_CONTENT_TYPES = "[Content_Types].xml"
_FIRST_YEAR = 1980
_SHORT = 10
"""Rows, header included, of a table that stays on one page."""

_ALIAS_LENGTH = 64
_RUN = Markup('<w:r><w:t xml:space="preserve">%s</w:t></w:r>')
_RUN_WITH = Markup('<w:r>%s<w:t xml:space="preserve">%s</w:t></w:r>')
_CONTROL = Markup(
    '<w:sdt><w:sdtPr><w:alias w:val="%s"/><w:tag w:val="a-completer"/><w:showingPlcHdr/></w:sdtPr>'
    "<w:sdtContent>%s</w:sdtContent></w:sdt>"
)
"""Title shown by the word processor, then the run that a click replaces; rich text: LibreOffice drops the style of
plain text."""


def render_docx(facts: AnnexeFacts, *, map_png: bytes, alt: str, template: Path = TEMPLATE) -> bytes:
    """Write an annex as a DOCX that a word processor edits, from a template with docxtpl tags.

    What people must fill in is a content control (a field that a click replaces), highlighted, whose title says what
    is asked. The table of contents has its entries; a word processor computes their pages.

    Parameters
    ----------
    facts : AnnexeFacts
        What the annex says (`annexe.annexe_facts`).
    map_png : bytes
        Map of the EPCI, PNG.
    alt : str
        What the map shows, for those who do not see it.
    template : Path, optional
        A template of the département, with the same tags; it is rendered in a sandbox.

    Returns
    -------
    bytes
        The document; the same facts and map give the same bytes.
    """
    facts = cleaned(facts)
    document = DocxTemplate(template)
    document.init_docx()
    style = _blank_style(document)
    context = {
        "facts": facts,
        "carte": InlineImage(document, io.BytesIO(map_png), width=Cm(picture_cm(map_png)[0])),
        "runs": lambda text: _runs(text, style=style),
        "signatories": SIGNATORIES,
    }
    document.render(context, jinja_env=_Environment(autoescape=True, undefined=StrictUndefined), autoescape=True)
    _keep_short_tables(document)
    _describe(document, alt=clean(alt), title=f"Carte de {facts.epci}")
    day = dt.date.fromisoformat(facts.edition)
    _set_properties(document, facts, day=day)
    out = io.BytesIO()
    document.save(out)
    return repack(out.getvalue(), day=day)


class _Environment(SandboxedEnvironment):
    """A sandbox that compiles a template once, however many documents are made of it."""

    def from_string(
        self,
        source: str | nodes.Template,
        globals: MutableMapping[str, Any] | None = None,  # noqa: A002 - jinja's own name
        template_class: type[Template] | None = None,
    ) -> Template:
        """Return a template from its source."""
        code = _compiled(str(source))
        return (template_class or self.template_class).from_code(self, code, self.make_globals(globals))


@functools.lru_cache(maxsize=64)
def _compiled(source: str) -> CodeType:
    """Compile the source of a template, in a sandbox."""
    return SandboxedEnvironment(autoescape=True, undefined=StrictUndefined).compile(source)


def repack(content: bytes, *, day: dt.date) -> bytes:
    """Write a DOCX again with fixed dates and order, so that the same content has the same bytes."""
    stamp = (max(day.year, _FIRST_YEAR), day.month, day.day, 0, 0, 0)
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
        for name in sorted(old.namelist(), key=lambda entry: (entry != _CONTENT_TYPES, entry)):
            info = zipfile.ZipInfo(name, date_time=stamp)
            info.compress_type, info.create_system, info.external_attr = zipfile.ZIP_DEFLATED, 3, 0o600 << 16
            new.writestr(info, old.read(name), compresslevel=6)
    return out.getvalue()


def _blank_style(document: DocxTemplate) -> str | None:
    """Return the identifier of the character style of blanks; none in a template that removed it."""
    for style in document.docx.styles:
        if style.name == "À compléter":
            return str(style.style_id)
    return None


def _runs(text: str, *, style: str | None) -> Markup:
    """Cut a text into runs, escaped: a blank is a content control in its own style."""
    return Markup("").join(
        _blank_run(piece.text, style) if piece.blank else _RUN % piece.text for piece in segments(text)
    )


def _blank_run(text: str, style: str | None) -> Markup:
    properties = Markup('<w:rPr><w:rStyle w:val="%s"/></w:rPr>') % style if style else Markup("")
    asked = next(iter(blanks_in([text])), "")[:_ALIAS_LENGTH]
    return _CONTROL % (asked, _RUN_WITH % (properties, text))


def _keep_short_tables(document: DocxTemplate) -> None:
    """Keep the rows of a short table on one page: each paragraph stays with the next, but in the last row."""
    for table in document.docx.element.body.iter(qn("w:tbl")):
        rows = table.findall(qn("w:tr"))
        if len(rows) > _SHORT:
            continue
        for row in rows[:-1]:
            for paragraph in row.iter(qn("w:p")):
                paragraph.get_or_add_pPr().get_or_add_keepNext()


def _describe(document: DocxTemplate, *, alt: str, title: str) -> None:
    """Give each picture its alternative text and a fixed identifier."""
    for rank, properties in enumerate(document.docx.element.body.iter(qn("wp:docPr")), start=1):
        properties.set("id", str(rank))
        properties.set("name", f"Carte {rank}")
        properties.set("title", title)
        properties.set("descr", alt)


def _set_properties(document: DocxTemplate, facts: AnnexeFacts, *, day: dt.date) -> None:
    properties = document.docx.core_properties
    stamp = dt.datetime.combine(day, dt.time())
    properties.title, properties.subject = f"{facts.title} – {facts.epci}"[:255], facts.subtitle[:255]
    properties.author = properties.last_modified_by = "sdaasp_geo"
    properties.created = properties.modified = stamp
    properties.language, properties.revision = "fr-FR", 1
