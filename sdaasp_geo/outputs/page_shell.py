"""What the pages of the site share: head, style, security policy, card for those who share the address."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from markupsafe import Markup

from sdaasp_geo.outputs.escape import plain_text
from sdaasp_geo.outputs.page_templates import page_template

SHARE_PICTURE = "partage.png"
"""Picture shown with a shared address, at the root of the run."""

_TEMPLATES = Path(__file__).resolve().parent / "templates"


def render_page(template: str, *, title: str, description: str, root: str = "", **content: object) -> str:
    """Render a page of the site; it loads nothing, runs nothing, and only its own style applies.

    Parameters
    ----------
    template : str
        A template that extends ``site.html.j2``.
    title, description : str
        Title of the page, and one sentence about it, for search engines and shared addresses.
    root : str
        Relative address of the root of the run, empty or ending in ``/``.
    **content
        What the template shows; every text is escaped.
    """
    css = (_TEMPLATES / "page.css").read_text(encoding="utf-8")
    return page_template(template).render(
        title=plain_text(title),
        description=plain_text(description),
        root=root,
        picture=f"{root}{SHARE_PICTURE}",
        css=Markup(css),  # noqa: S704 - our own file
        policy=policy(css),
        **content,
    )


def policy(css: str) -> str:
    """Return the content security policy of a page without scripts: its own style, by its hash, and nothing else."""
    digest = base64.b64encode(hashlib.sha256(css.encode("utf-8")).digest()).decode("ascii")
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
