"""The pages of maps, in a real Chromium: silent, quick, true to their legend, fit for keyboard, paper and phone."""

from __future__ import annotations

import base64
import dataclasses
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import LOCAL, Browser, chromium

from sdaasp_geo.french import NBSP
from sdaasp_geo.outputs.map_atlas import map_themes, write_maps
from sdaasp_geo.outputs.map_data import legend_lines
from sdaasp_geo.outputs.map_model import Theme
from sdaasp_geo.outputs.web_map_text import studied_communes
from sdaasp_geo.study import Diagnosis, Measures, Study

PAGES = ("carte", "deficits", "presence", "frontiere", "penalite", "gouvernance", "actions")
WEIGHT = 800_000
DRAWN_MS = 3000
"""Ceiling on a busy machine; two shared cores draw a page of this département in 0.3 to 1.0 s."""

LEGEND = """Array.from(document.querySelectorAll('#classes li'), (line) =>
  [line.querySelector('span').firstChild.textContent, line.querySelector('small').textContent,
   line.querySelector('rect').getAttribute('fill'), line.querySelector('.hachures') !== null])"""


@pytest.fixture(scope="module")
def measured(measures_65: Measures, diagnosis_65: Diagnosis) -> Measures:
    return dataclasses.replace(measures_65, diagnosis=diagnosis_65)


@pytest.fixture(scope="module")
def folder(study_65: Study, measured: Measures, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run") / "maps"
    folder.mkdir()
    links = write_maps(study_65, measured, folder)
    assert [link["href"] for link in links] == ["maps/atlas.html", *(f"maps/{page}.html" for page in PAGES)]
    return folder


@pytest.fixture(scope="module")
def themes(study_65: Study, measured: Measures) -> dict[str, Theme]:
    return {theme.code: theme for theme in map_themes(study_65, measured)}


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("profile")) as found:
        yield found


def _open(browser: Browser, folder: Path, page: str, fragment: str = "", *, width: int = 1280) -> None:
    browser.resize(width, 900)
    browser.open(f"{(folder / f'{page}.html').as_uri()}{fragment}")
    for _ in range(100):
        if browser.value("document.documentElement.dataset.carte") == "prete":
            return
        time.sleep(0.05)
    pytest.fail("the map was never drawn")


def _choose(browser: Browser, name: str, value: object) -> None:
    browser.value(f"{name}.value = '{value}'; {name}.dispatchEvent(new Event('change', {{bubbles: true}}))")


def test_pages_are_light_and_the_atlas_leads_to_them(folder: Path) -> None:
    atlas = (folder / "atlas.html").read_text(encoding="utf-8")
    assert re.findall(r'<h2><a href="([^"]+)"', atlas) == [f"{page}.html" for page in PAGES]
    assert "<script" not in atlas
    for path in folder.iterdir():
        assert path.stat().st_size <= WEIGHT, path.name
        assert "https://www." not in re.sub(
            r"<(script|footer).*?</\1>", "", path.read_text(encoding="utf-8"), flags=re.DOTALL
        )


@pytest.mark.parametrize("page", PAGES)
def test_map_and_legend_say_the_class_of_the_package(
    browser: Browser, folder: Path, themes: dict[str, Theme], study_65: Study, page: str
) -> None:
    theme, codes = themes[page], studied_communes(study_65)["code"]
    rows = dict(zip(codes, theme.rows, strict=True))
    _open(browser, folder, page)
    for view in theme.views:
        _choose(browser, "vue", view.code)
        expected = {}
        for code, row in rows.items():
            entry = view.classes[view.ranks[row]] if row >= 0 else None
            kind = "hachures" if entry and entry.hatched else "points" if entry and view.checks[row] else ""
            expected[code] = [entry.name, kind + entry.colour] if entry else ["", "#f1f1ee"]
        drawn = {code: said for code, *said in browser.value("sdaasp.drawn()")}
        assert drawn == expected
        lines = [
            [
                f"{line.entry.label}{NBSP}: {line.entry.span}"
                if line.entry.label and line.entry.span
                else line.entry.name,
                line.counts,
                line.entry.colour,
                line.entry.hatched,
            ]
            for line in legend_lines(theme, view)
        ]
        assert browser.value(LEGEND) == lines
        assert browser.value("document.getElementById('a-verifier').hidden") == (not view.checks.any())
    assert browser.complaints() == []
    assert [url for url in browser.asked() if not url.startswith(LOCAL)] == []
    assert browser.value("performance.getEntriesByName('carte')[0].startTime") < DRAWN_MS


def test_a_threshold_is_chosen_in_the_page(
    browser: Browser, folder: Path, themes: dict[str, Theme], measured: Measures
) -> None:
    _open(browser, folder, "carte")
    for view in themes["carte"].views:
        _choose(browser, "vue", view.code)
        own = measured.access[measured.access["service"] == view.code].set_index("code")
        assert view.times is not None
        for limit in view.times.thresholds:
            _choose(browser, "seuil", f"{limit:g}")
            drawn = browser.value("sdaasp.drawn()")
            for code, name, fill in drawn:
                within = bool(own["time_min"][code] <= limit)
                assert name == f"{'' if within else 'plus de '}{limit:g}{NBSP}min{' au plus' if within else ''}"
                doubt = bool(own["low_min"][code] <= limit < own["high_min"][code])
                assert fill.startswith("points") == doubt
    assert browser.value("location.hash") == "#vue=mairie&seuil=60"


def test_the_address_shares_the_view(browser: Browser, folder: Path) -> None:
    _open(browser, folder, "carte", "#vue=mairie&seuil=10&commune=65440&carte=10.5/43.2/0.1")
    assert browser.value("[vue.value, seuil.value]") == ["mairie", "10"]
    assert browser.value("document.querySelector('#resultat h2').textContent") == "Tarbes (65)"
    assert "dans le" not in browser.value("document.querySelector('#resultat dl').textContent")
    assert browser.value("location.hash") == "#vue=mairie&seuil=10&commune=65440&carte=10.5/43.2000/0.1000"
    _open(browser, folder, "carte", "#vue=inconnue&seuil=-3&commune=99999&carte=x/y/z")
    assert browser.value("[vue.value, seuil.value]") == ["france-services", "0"]
    assert browser.complaints() == []


def test_the_keyboard_does_everything(browser: Browser, folder: Path) -> None:
    _open(browser, folder, "carte")
    stops = []
    while "vue" not in stops:
        browser.press("Tab")
        stops.append(browser.value("document.activeElement.id || document.activeElement.className"))
        assert len(stops) <= 12
    browser.press("ArrowDown")
    assert browser.value("vue.value") == "mairie"
    assert browser.value("location.hash") == "#vue=mairie"
    while "recherche" not in stops[-1] and stops[-1] != "commune":
        browser.press("Tab")
        stops.append(browser.value("document.activeElement.id || document.activeElement.className"))
        assert len(stops) <= 20
        if "folium-map" in stops[-1]:
            browser.press("Enter", text="\r")
            first = browser.value("document.querySelector('#resultat h2').textContent")
            assert re.fullmatch(r".+ \(\d\d\)", first)
    browser.call("Input.insertText", text="ARBEOST")
    browser.press("Enter", text="\r")
    assert browser.value("document.querySelector('#resultat h2').textContent") == "Arbéost (65)"
    assert "commune=65018" in browser.value("location.hash")


def test_a_click_on_a_commune_opens_its_card(browser: Browser, folder: Path) -> None:
    _open(browser, folder, "frontiere")
    box = browser.value(
        "(({x, y, width, height}) => [x + width / 2, y + height / 2])"
        "(document.querySelector('.folium-map').getBoundingClientRect())"
    )
    for kind in ("mousePressed", "mouseReleased"):
        browser.call("Input.dispatchMouseEvent", type=kind, x=box[0], y=box[1], button="left", clickCount=1)
    name = browser.value("document.querySelector('#resultat h2').textContent")
    assert browser.value("document.querySelector('.leaflet-popup h3').textContent") == name
    assert "EPCI de ce lieu" in browser.value("document.querySelector('#resultat').textContent")


@pytest.mark.parametrize("page", PAGES)
def test_the_table_is_the_map(browser: Browser, folder: Path, themes: dict[str, Theme], page: str) -> None:
    theme = themes[page]
    view = theme.views[-1]
    _open(browser, folder, page)
    _choose(browser, "vue", view.code)
    browser.value("document.getElementById('tableau-vue').open = true")
    time.sleep(0.2)
    cells = "Array.from(row.cells, (cell) => cell.textContent)"
    table = browser.value(f"Array.from(document.querySelectorAll('#communes tr'), (row) => {cells})")
    assert table[0][-len(view.terms) - 1 :] == [*view.terms, "Explication"]
    columns = [theme.names, *(column for _, column in theme.identity), *view.cells, view.sentences]
    assert table[1:] == [list(row) for row in zip(*columns, strict=True)]


@pytest.mark.parametrize("page", [*PAGES, "atlas"])
@pytest.mark.parametrize("width", [320, 768, 1440])
def test_no_page_is_wider_than_its_screen(browser: Browser, folder: Path, page: str, width: int) -> None:
    browser.resize(width, 900)
    browser.open((folder / f"{page}.html").as_uri())
    assert browser.value("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("page", PAGES)
def test_it_prints_on_one_a4_page(browser: Browser, folder: Path, page: str) -> None:
    _open(browser, folder, page)
    printed = browser.call("Page.printToPDF", preferCSSPageSize=True, printBackground=True)
    content = base64.b64decode(printed["data"])
    assert len(re.findall(rb"/Type\s*/Page\b", content)) == 1
    assert re.search(rb"/MediaBox \[0 0 84\d\.\d+ 59\d\.\d+\]", content)


def test_without_script_a_picture_and_the_table_remain(
    browser: Browser, folder: Path, themes: dict[str, Theme]
) -> None:
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open((folder / "deficits.html").as_uri())
        assert browser.value("document.documentElement.dataset.carte") is None
        shown = "((node) => node && node.getBoundingClientRect().width)"
        assert browser.value(f"{shown}(document.querySelector('noscript svg[role=img]'))") > 300
        assert browser.value(f"{shown}(document.querySelector('.folium-map'))") == 0
        assert browser.value("document.querySelectorAll('form:not([hidden])').length") == 0
        header = browser.value("document.querySelectorAll('#communes th[scope=col]').length")
        assert header == 3 + len(themes["deficits"].views)
        assert browser.value("document.querySelectorAll('#communes tbody tr').length") == 634
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)
