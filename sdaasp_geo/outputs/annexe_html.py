"""The annex of one EPCI as a self-contained HTML page."""

from __future__ import annotations

import base64
import functools
from pathlib import Path

from jinja2 import FileSystemLoader, StrictUndefined, Template
from jinja2.sandbox import SandboxedEnvironment

from sdaasp_geo.outputs.annexe_layout import HEAD, PARTS, stands, words_of
from sdaasp_geo.outputs.annexe_model import SIGNATORIES, AnnexeFacts, clean, cleaned, segments

TEMPLATES = Path(__file__).parent / "templates"
TEMPLATE = "annexe.html.j2"


def render_html(facts: AnnexeFacts, *, map_png: bytes, alt: str) -> str:
    """Write an annex as an HTML page that requests nothing: styles and map are inside.

    Parameters
    ----------
    facts : AnnexeFacts
        What the annex says (`annexe.annexe_facts`).
    map_png : bytes
        Map of the EPCI, PNG.
    alt : str
        What the map shows, for those who do not see it.

    Returns
    -------
    str
        The page; every text from the data is escaped.
    """
    return _template().render(
        facts=cleaned(facts),
        image=base64.b64encode(map_png).decode("ascii"),
        alt=clean(alt),
        segments=segments,
        signatories=SIGNATORIES,
        head=HEAD,
        parts=PARTS,
        stands=stands,
        words_of=words_of,
    )


@functools.cache
def _template() -> Template:
    environment = SandboxedEnvironment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True
    )
    return environment.get_template(TEMPLATE)
