"""The documentation: built without a warning, loading nothing, with links that lead somewhere and code that runs."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from lxml import html

import sdaasp_geo
from sdaasp_geo import Diagnosis, Measures, Study
from sdaasp_geo.sources import france

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
OUTSIDE = re.compile(r"^(?:https?:)?//", re.IGNORECASE)
LOADS = re.compile(r"url\(\s*[\"']?(?:https?:)?//|@import\s+[\"'](?:https?:)?//", re.IGNORECASE)
HEAVIEST = 150_000
PAGES = sorted(path.name for path in DOCS.glob("*.md") if BLOCK.search(path.read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the documentation as its script does."""
    pytest.importorskip("sphinx", reason="building the documentation needs sphinx (extra: dev)")
    out = tmp_path_factory.mktemp("docs")
    command = [sys.executable, str(ROOT / "scripts" / "build_docs.py"), "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own script
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING" not in done.stdout + done.stderr
    return out / "html"


def pages(site: Path) -> Iterator[tuple[Path, html.HtmlElement]]:
    for path in sorted(site.rglob("*.html")):
        yield path, html.fromstring(path.read_text(encoding="utf-8"))


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    """Links lead outside; images, scripts, styles, frames and fonts do not."""
    for path, page in pages(site):
        asked = [
            str(found) for found in page.xpath("//@src | //@srcset | //link[@rel!='search']/@href | //object/@data")
        ]
        assert not [address for address in asked if OUTSIDE.match(address)], path.name
        assert not LOADS.search(path.read_text(encoding="utf-8")), path.name
    styles = sorted(site.rglob("*.css"))
    assert styles
    assert not [style.name for style in styles if LOADS.search(style.read_text(encoding="utf-8"))]


def test_inner_links_lead_somewhere(site: Path) -> None:
    known = {path: {str(name) for name in page.xpath("//@id")} for path, page in pages(site)}
    lost = []
    for path, page in pages(site):
        for link in map(str, page.xpath("//a/@href")):
            target, _, anchor = link.partition("#")
            if re.match(r"[a-z]+:", target) or not link.strip("#"):
                continue
            aim = (path.parent / target).resolve() if target else path
            if not aim.exists() or (anchor and aim in known and anchor not in known[aim]):
                lost.append((path.name, link))
    assert not lost


def test_every_page_is_there(site: Path) -> None:
    built = {path.stem for path in site.glob("*.html")}
    assert {path.stem for path in DOCS.glob("*.md")} <= built
    notebooks = {path.stem for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert notebooks == {path.stem for path in (site / "notebooks").glob("*.html")}


def test_the_reference_is_that_of_the_code(site: Path) -> None:
    names = html.fromstring((site / "api.html").read_text(encoding="utf-8")).text_content()
    assert not [name for name in sdaasp_geo.__all__ if name not in names]
    prepare = (site / "api_pipeline.html").read_text(encoding="utf-8")
    assert 'id="sdaasp_geo.pipeline.preparation.prepare"' in prepare
    commands = html.fromstring((site / "cli.html").read_text(encoding="utf-8")).text_content()
    for command in ("build", "check", "sites", "compare", "init", "roads", "grid", "report"):
        assert f"sdaasp {command}" in commands
    assert "--threshold" in commands


def test_the_dictionary_holds_every_column(site: Path) -> None:
    page = html.fromstring((site / "data_dictionary.html").read_text(encoding="utf-8"))
    cells = {cell.text_content() for cell in page.xpath("//td")}
    assert {"code_commune", "siren_epci", "temps_min", "Code commune", "Temps (min)", "string, required"} <= cells
    assert {"france-services-30", "30 min"} <= {
        cell.text_content()
        for cell in html.fromstring((site / "thresholds.html").read_text(encoding="utf-8")).xpath("//td")
    }


@pytest.fixture(scope="module")
def names(study_65: Study, measures_65: Measures, diagnosis_65: Diagnosis) -> dict[str, Any]:
    """Return what pages take for granted."""
    import dataclasses  # noqa: PLC0415

    whole = dataclasses.replace(measures_65, diagnosis=diagnosis_65)
    return {"study": study_65, "measures": whole, "diagnosis": diagnosis_65, "census": france.read_census()}


@pytest.mark.parametrize("page", PAGES)
def test_code_runs(page: str, names: dict[str, Any], tmp_path: Path) -> None:
    """The blocks of a page run one after the other."""
    space = {**names, "folder": tmp_path}
    text = (DOCS / page).read_text(encoding="utf-8")
    for block in BLOCK.finditer(text):
        before = text.count("\n", 0, block.start()) + 1
        exec(compile("\n" * before + block[1], page, "exec"), space)  # noqa: S102 - our own pages


def test_pages_have_code_to_run() -> None:
    assert {"tutorial.md", "howto_source.md", "howto_indicator.md", "howto_map.md"} <= set(PAGES)


def test_pictures_are_light_and_shown() -> None:
    pictures = sorted((DOCS / "gallery").glob("*.png"))
    shown = re.findall(r"\(gallery/(.*?)\)", (DOCS / "gallery.md").read_text(encoding="utf-8"))
    assert [picture.name for picture in pictures] == sorted(shown)
    assert {width for name in shown for width in re.findall(r"\d+", name)} == {"320", "768", "1440"}
    assert all(picture.stat().st_size <= HEAVIEST for picture in pictures)


@pytest.fixture(scope="module")
def made() -> ModuleType:
    """Return the module that makes pages."""
    path = ROOT / "scripts" / "_doc_pages.py"
    spec = importlib.util.spec_from_file_location("_doc_pages", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_an_executed_notebook_shows_what_it_gave(made: ModuleType) -> None:
    outputs = [
        {"output_type": "stream", "name": "stdout", "text": ["deux\n"]},
        {"output_type": "stream", "name": "stderr", "text": ["caché\n"]},
        {"output_type": "display_data", "data": {"text/html": "<b>gras</b>", "text/plain": "gras"}},
        {"output_type": "display_data", "data": {"image/png": "cG5n", "text/plain": "<Figure>"}},
    ]
    cells = [
        {"cell_type": "markdown", "source": ["# Titre"]},
        {"cell_type": "code", "id": "abc", "source": ["# ruff: noqa: T201\n", "print(2)"], "outputs": outputs},
    ]
    page, pictures = made.notebook_page({"cells": cells})
    assert page.split("\n\n")[:3] == ["# Titre", "```python\nprint(2)\n```", "````text\ndeux\n````"]
    assert "<b>gras</b>" in page
    assert "caché" not in page
    assert "noqa" not in page
    assert pictures == {"cell-abc-1.png": "cG5n"}


def test_text_of_a_cell_is_no_markup(made: ModuleType) -> None:
    assert made.text("a | b\n<script> *c* _d_ `e`") == r"a \| b \<script\> \*c\* \_d\_ \`e\`"
