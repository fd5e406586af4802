"""The yearly report, and the page of a Journée des services, as self-contained HTML."""

from __future__ import annotations

from sdaasp_geo.outputs.annexe_model import segments
from sdaasp_geo.outputs.page_templates import page_template
from sdaasp_geo.outputs.yearly_model import Document, is_number, shown

REPORT_TEMPLATE, DAY_TEMPLATE = "bilan.html.j2", "bilan_journee.html.j2"


def render_report(document: Document, *, files: tuple[tuple[str, str], ...] = ()) -> str:
    """Render the yearly report; the page loads nothing from elsewhere.

    Parameters
    ----------
    document : Document
        From `yearly_report.report_document`.
    files : tuple of (str, str)
        Address and label of what goes with it.
    """
    return _render(REPORT_TEMPLATE, document, files=files)


def render_day(document: Document) -> str:
    """Render the page of a Journée des services, which prints on A4.

    Parameters
    ----------
    document : Document
        From `yearly_petr.day_document`.
    """
    return _render(DAY_TEMPLATE, document, files=())


def _render(template: str, document: Document, *, files: tuple[tuple[str, str], ...]) -> str:
    return page_template(template).render(
        document=document, files=files, shown=shown, is_number=is_number, segments=segments
    )
