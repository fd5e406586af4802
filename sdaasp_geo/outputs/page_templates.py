"""The templates of pages, found and compiled in one place: in a sandbox, every text escaped, nothing missing."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import jinja2
from jinja2.sandbox import SandboxedEnvironment

TEMPLATES = Path(__file__).resolve().parent / "templates"


@cache
def page_template(name: str) -> jinja2.Template:
    """Return a template of the package, compiled once; a name that it is not given is an error when it renders."""
    loader = jinja2.FileSystemLoader(TEMPLATES)
    environment = SandboxedEnvironment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)
    return environment.get_template(name)
