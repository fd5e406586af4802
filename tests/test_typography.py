"""Texts have the no-break spaces of French: no line begins with a colon, nor ends with an opening quote."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent / "sdaasp_geo"
PLAIN_SPACE = re.compile(r"\w [;:?!»]|« ")
EXEMPT = {
    "french.py": "the module that puts the spaces",
    "layers/names.py": "regular expressions",
    "sources/french_words.py": "regular expressions",
    "outputs/layer_list.py": "SQL",
    "outputs/scheme_folder.py": "a TOML file that a person edits with a keyboard",
}
"""Modules whose texts nobody reads as they are; the help of commands is spaced when it is shown."""


def texts(tree: ast.Module) -> Iterator[ast.Constant]:
    """Yield the texts of a module, docstrings apart."""
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in alone:
            yield node


def test_no_text_has_a_plain_space_where_french_has_a_no_break_one() -> None:
    found = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}: {node.value}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.relative_to(PACKAGE).as_posix() not in EXEMPT and not path.name.startswith("cli")
        for node in texts(ast.parse(path.read_text(encoding="utf-8")))
        if PLAIN_SPACE.search(str(node.value))
    ]
    assert found == []


def test_exempt_modules_exist() -> None:
    assert [name for name in EXEMPT if not (PACKAGE / name).is_file()] == []
