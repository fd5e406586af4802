"""Hostile texts in every field of a study: no page runs one, no workbook computes one, no file is named by one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import Browser, chromium
from hostile_files import faults_of
from hostile_pages import looked_at, unescaped_runs, watched
from hostile_runs import measured, pages_of, write_grids, write_main, write_sites, write_year
from hostile_text import FORMULAS, SCRIPTS, TEXTS, Pairs, hostile_study, plain_study

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
def folders(pairs: Pairs, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    base = tmp_path_factory.mktemp("hostile")
    study = hostile_study(plain_study(base / "schema"), pairs)
    measures = measured(study, pairs)
    return [
        write_main(study, measures, base / "run"),
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
