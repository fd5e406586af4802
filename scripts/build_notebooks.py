"""Build the notebooks of ``notebooks/`` from their scripts in the percent format, without outputs.

``python scripts/build_notebooks.py`` writes them; with ``--check`` it only says whether they are up to date. The same
script gives the same bytes: a cell is named by its content and its number.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
MARKER = re.compile(r"^# %%(?: \[(markdown)\])?$", re.MULTILINE)


def notebook(script: str) -> str:
    """Return the notebook of a script; what stands before the first cell is for the script alone.

    Parameters
    ----------
    script : str
        Cells are introduced by ``# %%`` or ``# %% [markdown]``.
    """
    _, *parts = MARKER.split(script)
    cells = [_cell(kind, text, number) for number, (kind, text) in enumerate(zip(parts[::2], parts[1::2], strict=True))]
    content = {
        "cells": cells,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def _cell(kind: str | None, text: str, number: int) -> dict[str, Any]:
    source = text.strip("\n")
    if kind == "markdown":
        source = re.sub(r"^# ?", "", source, flags=re.MULTILINE)
    digest = hashlib.sha256(f"{number}\n{source}".encode()).hexdigest()
    cell: dict[str, Any] = {"cell_type": kind or "code", "id": digest[:8], "metadata": {}}
    if kind is None:
        cell |= {"execution_count": None, "outputs": []}
    return cell | {"source": source.splitlines(keepends=True)}


def main(arguments: list[str]) -> int:
    """Write the notebooks, or check them; return the exit code."""
    stale = []
    for script in sorted((ROOT / "notebooks").glob("*.py")):
        target = script.with_suffix(".ipynb")
        content = notebook(script.read_text(encoding="utf-8"))
        if target.is_file() and target.read_text(encoding="utf-8") == content:
            continue
        stale.append(target.name)
        if "--check" not in arguments:
            target.write_text(content, encoding="utf-8", newline="\n")
    print("not up to date:" if "--check" in arguments else "written:", ", ".join(stale) or "none")
    return int("--check" in arguments and bool(stale))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
