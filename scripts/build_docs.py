"""Build the documentation: ``python scripts/build_docs.py [--out build/docs] [--execute]``.

The pages of ``docs/`` and those that are made (`_doc_pages`) are put together in ``source`` under the output folder,
then Sphinx builds ``html`` beside it. Warnings are errors. With ``--execute`` notebooks are run first, and their pages
show what they give; those that need data that is not at hand stay without outputs.
"""

from __future__ import annotations

import argparse
import base64
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from _doc_pages import NOTEBOOKS, api_pages, data_dictionary, notebook_page, public_names, thresholds, toctree
from sphinx.cmd.build import main as sphinx

ROOT = Path(__file__).resolve().parent.parent
ELSEWHERE = {  # pages that another list of contents names: all the others tell of the method
    *("index", "tutorial", "notebooks", "gallery", "method", "thresholds", "data_dictionary", "cli", "api"),
    *("decisions", "contributing", "changelog"),
}
TIMEOUT_S = 120


def stage(source: Path, *, execute: bool) -> None:
    """Put in a folder all that Sphinx reads.

    Parameters
    ----------
    source : Path
        Replaced.
    execute : bool
        Run the notebooks.
    """
    shutil.rmtree(source, ignore_errors=True)
    shutil.copytree(ROOT / "docs", source)
    for name in ("ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"):
        shutil.copy(ROOT / name, source.parent / name)
    pages = api_pages()
    for name, content in pages.items():
        (source / f"{name}.md").write_text(content, encoding="utf-8")
    for name in NOTEBOOKS:
        _stage_notebook(source / "notebooks", name, execute=execute)
    method = sorted(path.stem for path in (ROOT / "docs").glob("*.md") if path.stem not in ELSEWHERE)
    made: dict[str, tuple[str, Callable[[], str]]] = {
        "method pages": ("method", lambda: toctree(name for name in method if not name.startswith("howto_"))),
        "notebook pages": ("notebooks", lambda: toctree(f"notebooks/{name}" for name in NOTEBOOKS)),
        "public names": ("api", public_names),
        "api pages": ("api", lambda: toctree(pages)),
        "data dictionary": ("data_dictionary", data_dictionary),
        "thresholds": ("thresholds", thresholds),
    }
    for mark, (page, make) in made.items():
        _fill(source / f"{page}.md", mark, make())


def _fill(path: Path, mark: str, content: str) -> None:
    before, found, after = path.read_text(encoding="utf-8").partition(f"<!-- {mark} -->")
    if not found:
        message = f"{path.name} has no place for: {mark}"
        raise SystemExit(message)
    path.write_text(before + content + after, encoding="utf-8")


def _stage_notebook(folder: Path, name: str, *, execute: bool) -> None:
    folder.mkdir(exist_ok=True)
    book = json.loads((ROOT / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8"))
    content, pictures = notebook_page(executed(name, book) if execute else book)
    (folder / f"{name}.md").write_text(content, encoding="utf-8")
    for file, picture in pictures.items():
        (folder / file).write_bytes(base64.b64decode(picture))


def executed(name: str, book: dict[str, Any]) -> dict[str, Any]:
    """Run a notebook in its kernel; return it as it was where its data is not at hand."""
    import nbclient  # noqa: PLC0415 - only when asked
    import nbformat  # noqa: PLC0415

    running = nbformat.reads(json.dumps(book), as_version=4)
    client = nbclient.NotebookClient(running, timeout=TIMEOUT_S, resources={"metadata": {"path": ROOT / "notebooks"}})
    try:
        client.execute()
    except nbclient.exceptions.CellExecutionError as error:
        if error.ename != "SystemExit":
            raise
        print(f"{name}: {error.evalue}")
        return book
    return dict(running)


def main(arguments: list[str]) -> int:
    """Build, and return the exit code of Sphinx."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "docs")
    parser.add_argument("--execute", action="store_true", help="run the notebooks and show what they give")
    asked = parser.parse_args(arguments)
    source = asked.out / "source"
    stage(source, execute=asked.execute)
    options = ["-W", "--keep-going", "-q", "-E", "-b", "html", "-d", str(asked.out / "doctrees")]
    return sphinx([*options, str(source), str(asked.out / "html")])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
