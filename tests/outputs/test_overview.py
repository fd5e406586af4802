"""Maps of a region and of France: arcs that draw the same shapes, figures of the package, one light silent page."""

from __future__ import annotations

import base64
import gzip
import html
import json
import re
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shapely
from browser import LOCAL, Browser, chromium
from hypothesis import given
from hypothesis import strategies as st
from map_page import read_numbers

from sdaasp_geo.errors import InputError, SchemeError
from sdaasp_geo.outputs.manifest import sha256
from sdaasp_geo.outputs.map_data import legend_lines
from sdaasp_geo.outputs.map_model import Theme
from sdaasp_geo.outputs.overview_arcs import Arcs, arc_levels, encode_arcs, share_arcs
from sdaasp_geo.outputs.overview_model import Overview
from sdaasp_geo.outputs.overview_page import render_overview
from sdaasp_geo.outputs.overview_shapes import display_arcs, generalise
from sdaasp_geo.outputs.overview_theme import departement_table, overview_theme, share_text
from sdaasp_geo.pipeline.overview import measure_overview, overview

REGION, REGION_MOST = "94", 1_500_000
DRAWN_MS = 6000
AXE = Path(__file__).resolve().parent.parent / "vendor" / "axe.min.js"
TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "RGAAv4")
HEADER = (
    "id,nom,operateur,service,format,adresse,code_commune,commune,lon,lat,precision_position,horaires,horaires_bruts,"
    "accessibilite,contact,source,date_maj,licence"
)
ROWS = (
    "a,<b>Maison</b> & Cie,X,france-services,fixe,,2A004,Ajaccio,8.7369,41.9267,adresse",
    "b,Maison,X,france-services,fixe,,2B033,Bastia,9.4509,42.6971,adresse",
    "c,Bus,X,france-services,itinerant,,2A247,Porto-Vecchio,9.2795,41.5910,adresse",
    "d,Ailleurs,X,france-services,fixe,,97502,Saint-Pierre,,,inconnue",
)
AGAIN = "le premier, dans l'ordre des fichiers, est mesuré."
PLACES = "\n".join([HEADER, *(f"{row},,,inconnue,,Essai,2026-01-05,Licence Ouverte 2.0" for row in ROWS), ""])


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Overview, Path]:
    folder = tmp_path_factory.mktemp("overview")
    (folder / "lieux.csv").write_text(PLACES, encoding="utf-8")
    services = ("france-services", "mairie")
    return overview(folder / "run", services=services, region=REGION, files=[folder / "lieux.csv"]), folder / "run"


@pytest.fixture(scope="module")
def theme(run: tuple[Overview, Path]) -> Theme:
    return overview_theme(run[0])


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("profile")) as found:
        yield found


def _open(browser: Browser, folder: Path, fragment: str = "", *, width: int = 1280) -> None:
    browser.resize(width, 900)
    browser.open(f"{(folder / 'carte.html').as_uri()}{fragment}")
    for _ in range(200):
        if browser.value("document.documentElement.dataset.carte") == "prete":
            return
        time.sleep(0.05)
    pytest.fail("the map was never drawn")


def _choose(browser: Browser, name: str, value: object) -> None:
    browser.value(f"{name}.value = '{value}'; {name}.dispatchEvent(new Event('change', {{bubbles: true}}))")


def _ring(arcs: Arcs, refs: list[int]) -> np.ndarray:
    lines = [arcs.lines[ref] if ref >= 0 else arcs.lines[~ref][::-1] for ref in refs]
    for before, after in zip(lines, lines[1:] + lines[:1], strict=True):
        assert (before[-1] == after[0]).all()
    return np.concatenate([line[:-1] for line in lines])


def _unpacked(page: str) -> dict[str, object]:
    (text,) = re.findall(r'id="donnees">([A-Za-z0-9+/=]+)</script>', page)
    return json.loads(gzip.decompress(base64.b64decode(text)))


@given(st.lists(st.lists(st.booleans(), min_size=4, max_size=4), min_size=2, max_size=4))
def test_arcs_draw_the_same_shapes(cells: list[list[bool]]) -> None:
    """Squares of a grid, in two shapes: each edge is written once, and the rings give the shapes back."""
    squares = {True: [], False: []}
    for y, row in enumerate(cells):
        for x, side in enumerate(row):
            squares[side].append(shapely.box(x, y, x + 1, y + 1))
    shapes = [shapely.coverage_union_all(own) if own else None for own in squares.values()]
    arcs = share_arcs(shapes, step=1.0)
    edges = [tuple(sorted(map(tuple, pair))) for line in arcs.lines for pair in pairwise(line)]
    assert len(edges) == len(set(edges))
    for shape, rings in zip(shapes, arcs.rings, strict=True):
        area = shapely.Polygon()
        for refs in rings:
            area = area.symmetric_difference(shapely.Polygon(_ring(arcs, refs)).buffer(0))
        assert area.equals(shape if shape is not None else shapely.Polygon())


def test_arcs_are_read_back_and_levelled() -> None:
    shapes = [shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1), None, shapely.box(2, 0, 3, 1)]
    arcs = share_arcs(shapes, step=0.5)
    levels = arc_levels(arcs, [["e", "e", "", "f"], ["d", "d", "", "d"]])
    assert sorted(levels) == ["0", "1", "3", "3", "3", "3"]
    lines, rings = encode_arcs(arcs)
    numbers, points, position = read_numbers(lines), [], np.zeros(2, dtype=np.int64)
    while numbers:
        size, numbers = numbers[0], numbers[1:]
        steps, numbers = np.array(numbers[: 2 * size]).reshape(-1, 2), numbers[2 * size :]
        points.append(position + np.cumsum(steps, axis=0))
        position = points[-1][-1]
    assert all((ours == theirs).all() for ours, theirs in zip(points, arcs.lines, strict=True))
    assert read_numbers(rings).count(0) == len(arcs.lines) + 1, "each new arc, and the shape without ring"


def test_every_commune_is_kept_drawn_and_counted(run: tuple[Overview, Path], theme: Theme) -> None:
    measured, folder = run
    assert (len(measured.communes), measured.name) == (360, "Corse")
    arcs, _ = display_arcs(measured, generalise(measured))
    drawn = [bool(rings) and len(rings[0]) > 0 for rings in arcs.rings]
    assert drawn == (measured.communes["contour_reason"] == "").tolist()
    assert {code for code in measured.access["place"].dropna() if len(code) == 1} == {"a", "b"}, "no bus, no islander"
    table = pd.read_csv(folder / "communes.csv", dtype={"code_commune": "str"}, encoding="utf-8-sig")
    assert len(table) == 720
    assert table["code_commune"].iloc[0] == "2A001"
    for view in theme.views:
        own = table[table["service"] == view.code].reset_index(drop=True)
        assert (own["temps_min"] <= 1e3).all()
        assert view.times is not None
        np.testing.assert_allclose(own["temps_min"], view.times.time_min, atol=1e-4)
    _, rows = departement_table(measured)
    assert [row[0] for row in rows] == ["Corse-du-Sud (2A)", "Haute-Corse (2B)", "Ensemble\u00a0: Corse"]
    assert [int(row[1]) for row in rows] == [124, 236, 360]


def test_the_manifest_says_how_it_was_made(run: tuple[Overview, Path]) -> None:
    measured, folder = run
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["overview"] == {"code": REGION, "name": "Corse", "edition": measured.edition.isoformat()}
    assert manifest["counts"]["places"]["france-services"] == 2
    assert {made["name"]: made["sha256"] for made in manifest["outputs"]} == {
        name: sha256(folder / name) for name in ("carte.html", "communes.csv", "departements.csv")
    }
    assert manifest["inputs"][0]["name"] == "lieux.csv"


def test_the_page_is_light_strict_and_the_same_twice(run: tuple[Overview, Path]) -> None:
    measured, folder = run
    page = (folder / "carte.html").read_text(encoding="utf-8")
    downloads = re.findall(r'<a href="([^"#]+)">([^<]+)</a>', page)
    assert render_overview(measured, downloads=downloads) == page
    assert (folder / "carte.html").stat().st_size <= REGION_MOST
    (policy,) = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]+)"', page)
    assert html.unescape(policy).startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy
    assert not re.search(r"https?:|eval", policy)
    assert "<b>Maison" not in page
    data = _unpacked(page)
    assert [label for label, *_ in data["territories"]] == ["France métropolitaine"]
    assert [area[0::3] for area in data["areas"]] == [["2A", 124], ["2B", 236]]


def test_the_map_is_silent_quick_and_true_to_the_package(
    browser: Browser, run: tuple[Overview, Path], theme: Theme
) -> None:
    measured, folder = run
    _open(browser, folder)
    assert browser.value("performance.getEntriesByName('carte')[0].startTime") < DRAWN_MS
    for view in theme.views:
        _choose(browser, "vue", view.code)
        _choose(browser, "seuil", 0)
        expected = {}
        for code, rank, check in zip(measured.communes["code"], view.ranks, view.checks, strict=True):
            entry = view.classes[rank]
            kind = "hachures" if entry.hatched else "points" if check else ""
            expected[code] = [entry.name, kind + entry.colour]
        assert {code: said for code, *said in browser.value("sdaasp.drawn()")} == expected
        small = "Array.from(document.querySelectorAll('#classes small'), (node) => node.textContent)"
        assert browser.value(small) == [line.counts for line in legend_lines(theme, view)]
        assert view.times is not None
        for limit in view.times.thresholds[:3]:
            _choose(browser, "seuil", f"{limit:g}")
            within = {code: not name.startswith("plus") for code, name, _ in browser.value("sdaasp.drawn()")}
            assert list(within.values()) == (view.times.time_min <= limit).tolist()
    assert browser.complaints() == []
    assert [url for url in browser.asked()[1:] if not url.startswith(("data:", "about:"))] == []
    assert LOCAL[0] == "file:"


def test_a_commune_is_found_clicked_shared_and_tabled(
    browser: Browser, run: tuple[Overview, Path], theme: Theme
) -> None:
    _, folder = run
    _open(browser, folder, "#vue=mairie&seuil=10&commune=2A004")
    title = "document.querySelector('#resultat h2').textContent"
    assert browser.value("[vue.value, seuil.value]") == ["mairie", "10"]
    assert browser.value(title) == "Ajaccio (2A)"
    browser.value("document.getElementById('commune').value = 'bastia'; recherche.requestSubmit()")
    assert browser.value(title) == "Bastia (2B)"
    assert "commune=2B033" in browser.value("location.hash")
    frame = "document.querySelector('.folium-map').getBoundingClientRect()"
    box = browser.value(f"(({{x, y, width, height}}) => [x + width / 2, y + height / 2])({frame})")
    for kind in ("mousePressed", "mouseReleased"):
        browser.call("Input.dispatchMouseEvent", type=kind, x=box[0], y=box[1], button="left", clickCount=1)
    name = browser.value(title)
    assert browser.value("document.querySelector('.leaflet-popup h3').textContent") == name
    browser.value("document.getElementById('tableau-vue').open = true")
    time.sleep(0.2)
    cells = "Array.from(row.cells, (cell) => cell.textContent)"
    table = browser.value(f"Array.from(document.querySelectorAll('#communes tbody tr'), (row) => {cells})")
    assert len(table) == 236, "the département of the commune"
    view = theme.views[1]
    for row, cells_of in zip(range(124, 360), table, strict=True):
        assert cells_of[0] == theme.names[row]
        assert cells_of[-1] == view.sentences[row]
        assert cells_of[1:3] == [column[row] for _, column in theme.identity]
        assert cells_of[4:-1] == [column[row] for column in view.cells]


@pytest.mark.parametrize("width", [320, 768, 1440])
def test_it_fits_screens_keyboards_and_paper(browser: Browser, run: tuple[Overview, Path], width: int) -> None:
    _, folder = run
    _open(browser, folder, width=width)
    assert browser.value("document.documentElement.scrollWidth") <= width
    browser.value(f"{AXE.read_text(encoding='utf-8')};0")
    rule = f"axe.run(document, {{runOnly: {{type: 'tag', values: {json.dumps(TAGS)}}}, resultTypes: ['violations']}})"
    assert browser.value(f"{rule}.then((found) => found.violations.map((rule) => rule.id))") == []
    stops = []
    while "vue" not in stops:
        browser.press("Tab")
        stops.append(browser.value("document.activeElement.id || document.activeElement.className"))
        assert len(stops) <= 12
    while stops[-1] != "commune":
        browser.press("Tab")
        stops.append(browser.value("document.activeElement.id || document.activeElement.className"))
        assert len(stops) <= 20
        if stops[-1].startswith("carte"):
            browser.press("Enter", text="\r")
    printed = browser.call("Page.printToPDF", preferCSSPageSize=True, printBackground=True)
    assert len(re.findall(rb"/Type\s*/Page\b", base64.b64decode(printed["data"]))) == 1


def test_without_script_a_picture_and_the_table_by_departement_remain(
    browser: Browser, run: tuple[Overview, Path]
) -> None:
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open((run[1] / "carte.html").as_uri())
        assert browser.value("document.querySelector('#image svg[role=img]').getBoundingClientRect().width") > 300
        assert browser.value("document.getElementById('cadre').getBoundingClientRect().width") == 0
        assert browser.value("document.getElementById('tableau-vue').getBoundingClientRect().width") == 0
        assert browser.value("document.querySelectorAll('#departements tbody tr').length") == 3
        assert browser.value("document.querySelectorAll('form:not([hidden])').length") == 0
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)


def test_overseas_islands_are_measured_apart(tmp_path: Path) -> None:
    path = tmp_path / "lieux.csv"
    path.write_text(PLACES.replace("2A004,Ajaccio,8.7369,41.9267", "97105,Basse-Terre,,"), encoding="utf-8")
    guadeloupe = measure_overview(services=["france-services"], region="01", files=[path])
    assert set(guadeloupe.access["place"]) == {"a"}
    twice = tmp_path / "encore.csv"
    twice.write_text(PLACES, encoding="utf-8")
    martinique = measure_overview(services=["france-services"], region="02", files=[path, twice])
    again = [note for note in martinique.notes if "même identifiant" in note]
    assert again == ["4\u00a0lieux ont le même identifiant qu'un autre du même service\u00a0: " + AGAIN]
    assert martinique.access["place"].isna().all()
    assert set(martinique.access["class"]) == {"non-mesure"}
    assert "Non mesuré" in render_overview(martinique)


def test_what_cannot_be_drawn_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SchemeError, match="76 \\(Occitanie\\)"):
        overview(tmp_path / "run", services=["mairie"], region="7")
    with pytest.raises(InputError, match="Seules les mairies sont embarquées"):
        overview(tmp_path / "run", services=["msap"], region=REGION)
    assert not (tmp_path / "run").exists()


def test_a_part_is_never_the_whole() -> None:
    assert share_text(1.0).startswith("100,0")
    assert share_text(0.99996).startswith("plus de 99,9")
    assert share_text(0.9994).startswith("99,9")
