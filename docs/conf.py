"""Sphinx configuration: pages in Markdown, the API from docstrings, the command line from its code.

``python scripts/build_docs.py`` stages these pages with those it makes, and builds; it is the only way to build them.
"""
# ruff: noqa: INP001 - sphinx runs this file

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from sdaasp_geo import __version__

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "sdaasp_geo"
author = "sdaasp_geo"
version = release = __version__
language = "en"

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_click"]
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence"]

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstrings say the types in the words of the domain
napoleon_google_docstring = False
napoleon_use_ivar = True
suppress_warnings = ["ref.python"]  # a type named in a docstring may exist in two modules: it stays a plain word

html_theme = "furo"  # one theme, its fonts are the reader's: it loads nothing from elsewhere
html_title = f"sdaasp_geo {version}"
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False
html_static_path: list[str] = []

_BARS = re.compile(r"\|(\w+)\|")
_LITERAL = re.compile(r"``(.+?) *``")


def plain(_app: Sphinx, what: str, _name: str, _object: Any, _options: Any, lines: list[str]) -> None:  # noqa: ANN401
    """Keep habits of prose out of the markup: |S|, a literal that ends with a space, a colon that is no type."""
    if what in {"data", "attribute"}:
        lines[:] = [line.replace(": ", " – ") for line in lines]
    lines[:] = [_LITERAL.sub(r"``\1``", _BARS.sub(r"\\|\1\\|", line)) for line in lines]


def setup(app: Sphinx) -> None:
    """Join Sphinx."""
    app.connect("autodoc-process-docstring", plain, priority=400)  # before napoleon
