"""Hostile texts in every field of a study: no page runs one, no workbook computes one, no file is named by one."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from browser import Browser, chromium
from hostile_files import faults_of
from hostile_pages import looked_at, unescaped_runs, watched
from hostile_runs import (
    measured,
    pages_of,
    texts_beyond,
    write_grids,
    write_main,
    write_national,
    write_sites,
    write_year,
)
from hostile_text import ENCODABLE, FORMULAS, LONG, SCRIPTS, TEXTS, Pairs, hostile_study, plain_study
from PIL import Image

from sdaasp_geo.outputs.national_figures import Line
from sdaasp_geo.outputs.national_report import DATA, PAGE, TABLE, Report, write_report
from sdaasp_geo.outputs.share_picture import draw_share_picture
from sdaasp_geo.study import Measures, Study

FIELDS_LEAST, VECTORS_LEAST, FORMULAS_LEAST = 140, 17, 10
WITH_CARDS = ("carte.html", "deficits.html", "presence.html")
SAMPLE = 4
"""One vector of how many runs here in a page that escapes nothing; the campaign runs all."""
ALIKE = {"negociations": 1, "epci": 1}
"""Folders whose pages come from one template: how many of them Chromium opens here; the campaign opens all."""


@pytest.fixture(scope="module")
def pairs() -> Pairs:
    return Pairs()


@pytest.fixture(scope="module")
def study(pairs: Pairs, tmp_path_factory: pytest.TempPathFactory) -> Study:
    return hostile_study(plain_study(tmp_path_factory.mktemp("plain") / "schema"), pairs)


@pytest.fixture(scope="module")
def measures(study: Study, pairs: Pairs) -> Measures:
    return measured(study, pairs)


@pytest.fixture(scope="module")
def folders(study: Study, measures: Measures, pairs: Pairs, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    base = tmp_path_factory.mktemp("hostile")
    run = write_main(study, measures, base / "run")
    return [
        run,
        write_national(run, base / "france", pairs),
        write_year(study, measures, base / "bilan"),
        write_sites(study, base / "implantation"),
        write_grids(base / "grille", pairs),
    ]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("chromium")) as found:
        watched(found)
        yield found


def opened(folders: list[Path]) -> list[Path]:
    """Pages that Chromium opens: all, but the repeated ones."""
    chosen: list[Path] = []
    for page in pages_of(folders):
        most = next((ALIKE[part] for part in page.parts if part in ALIKE), None)
        alike = [other for other in chosen if other.parent.name in ALIKE or other.parent.parent.name in ALIKE]
        same = [other for other in alike if set(other.parts) & set(page.parts) & set(ALIKE)]
        if most is None or len(same) < most:
            chosen.append(page)
    return chosen


def test_every_field_receives_every_text(pairs: Pairs, folders: list[Path]) -> None:
    assert folders
    assert len(SCRIPTS) >= VECTORS_LEAST
    assert len(FORMULAS) >= FORMULAS_LEAST
    assert len(pairs.given) >= FIELDS_LEAST
    assert all(texts == set(TEXTS) for texts in pairs.given.values())


def test_vectors_run_where_nothing_is_escaped(tmp_path: Path) -> None:
    with chromium(tmp_path) as own:  # what its pages ask for must not be counted in others
        watched(own)
        ran = unescaped_runs(own, tmp_path, every=SAMPLE)
    assert ran == set(range(1, len(SCRIPTS) + 1, SAMPLE))


def test_no_page_runs_a_text_nor_asks_for_one(folders: list[Path], browser: Browser) -> None:
    found = {}
    for page in opened(folders):
        seen = looked_at(browser, page, limit=12)
        cards = seen.pop("cards")
        assert cards or page.parent.name != "maps" or page.name not in WITH_CARDS, page
        wrong = {what: value for what, value in seen.items() if what != "wider_px" and value}
        if wrong or seen["wider_px"] > 0:
            found[page.name] = seen
    assert found == {}


def test_no_file_computes_nor_fetches_a_text(folders: list[Path]) -> None:
    assert [fault for folder in folders for fault in faults_of(folder)] == []


@pytest.mark.parametrize("text", [None, LONG, "W" * 10_000, "\x00" + ENCODABLE, "$\\frac{$ $x^2$", "l1\nl2\r\nl3"])
def test_the_picture_of_shared_links_holds_its_texts(study: Study, measures: Measures, text: str | None) -> None:
    if text is not None:
        services = tuple(msgspec.structs.replace(own, label=text) for own in study.parameters.service)
        parameters = msgspec.structs.replace(study.parameters, service=services)
        study = dataclasses.replace(study, departement_name=text, parameters=parameters)
    assert texts_beyond(study, measures) == []
    with Image.open(io.BytesIO(draw_share_picture(study, measures))) as image:
        assert (image.size, set(image.info)) == ((1200, 630), {"dpi"})


def test_a_national_report_holds_what_no_file_can(tmp_path: Path) -> None:
    text = f"nul \x00 marque \u202e moitié {ENCODABLE}"
    write_report(Report("1.0", [Line("90", text, text, 2025)], {"90": (1, 1)}), tmp_path)
    written = [(tmp_path / name).read_text(encoding="utf-8") for name in (PAGE, TABLE, DATA)]
    assert all("nul  marque  moitié " in content for content in written)
