"""The templates of pages, found and compiled in one place: every text is escaped, and nothing may be missing."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import jinja2

TEMPLATES = Path(__file__).resolve().parent / "templates"


@cache
def page_template(name: str) -> jinja2.Template:
    """Return a template of the package, compiled once; a name that it is not given is an error when it renders."""
    loader = jinja2.FileSystemLoader(TEMPLATES)
    environment = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)
    return environment.get_template(name)
