"""The annex of one EPCI as an editable word-processor document (DOCX)."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from pathlib import Path

from docx.oxml.ns import qn
from docx.shared import Mm
from docxtpl import DocxTemplate, InlineImage, RichText
from jinja2 import StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

from sdaasp_geo.outputs.annexe_model import SIGNATORIES, AnnexeFacts, clean, cleaned, segments

TEMPLATE = Path(__file__).parent / "templates" / "annexe.docx"
_IMAGE_WIDTH_MM = 172
_CONTENT_TYPES = "[Content_Types].xml"
_FIRST_YEAR = 1980


def render_docx(facts: AnnexeFacts, *, map_png: bytes, alt: str, template: Path = TEMPLATE) -> bytes:
    """Write an annex as a DOCX that a word processor edits, from a template with docxtpl tags.

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
        "carte": InlineImage(document, io.BytesIO(map_png), width=Mm(_IMAGE_WIDTH_MM)),
        "runs": lambda text: _runs(text, style=style),
        "signatories": SIGNATORIES,
    }
    environment = SandboxedEnvironment(autoescape=True, undefined=StrictUndefined)
    document.render(context, jinja_env=environment, autoescape=True)
    _describe(document, alt=clean(alt), title=f"Carte de {facts.epci}")
    day = dt.date.fromisoformat(facts.edition)
    _set_properties(document, facts, day=day)
    out = io.BytesIO()
    document.save(out)
    return repack(out.getvalue(), day=day)


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


def _runs(text: str, *, style: str | None) -> RichText:
    """Cut a text into runs: the blanks have their own style; the text itself is escaped."""
    rich = RichText()
    for piece in segments(text):
        rich.add(piece.text, style=style if piece.blank else None)
    return rich


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
