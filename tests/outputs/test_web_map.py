"""The interactive map: complete, silent on the network, inert, the same twice, and true to its legend."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import html
import math
import re
from itertools import pairwise
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from browser import LOCAL, chromium
from map_page import page_texts, read_numbers

from sdaasp_geo import pipeline
from sdaasp_geo.analysis.deficits import NOT_MEASURED, classify
from sdaasp_geo.outputs.map_codec import encode_line
from sdaasp_geo.outputs.palette import class_colours, legend_entries
from sdaasp_geo.outputs.web_map import render_map
from sdaasp_geo.outputs.web_map_layers import BASE_MAP_HOST, display_shapes
from sdaasp_geo.scheme import read_scheme
from sdaasp_geo.study import Measures, Study
from sdaasp_geo.travel.engine import NOT_MEASURED as NO_TIME
from sdaasp_geo.travel.engine import REACHED

HOSTILE = "<img src=x onerror=alert(1)></script>`${alert(1)}`{{ 7*7 }}{% for %}{#'\"\\"
MARK = "src=x onerror"


@pytest.fixture(scope="module")
def case() -> tuple[Study, Measures]:
    study = pipeline.prepare(read_scheme("hautes-pyrenees"))
    return study, pipeline.measure(study)


@pytest.fixture(scope="module")
def page(case: tuple[Study, Measures]) -> str:
    return render_map(*case)


def _scripts(page: str) -> list[str]:
    return re.findall(r"<script>(.*?)</script>", page, flags=re.DOTALL)


def _decode(text: str) -> list[tuple[int, int]]:
    steps = np.array(read_numbers(text)).reshape(-1, 2)
    return [(int(x), int(y)) for x, y in steps.cumsum(axis=0)]


def test_the_page_is_french_titled_and_light(page: str) -> None:
    assert '<html lang="fr">' in page
    assert "<title>Accès aux espaces France services\u00a0: Hautes-Pyrénées</title>" in page
    assert "Édition du 22\u00a0novembre\u00a02026" in page
    assert len(page.encode("utf-8")) < 800_000


def test_nothing_is_loaded_from_elsewhere(page: str) -> None:
    markup = re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
    loaded = re.findall(r"""(?:src|href)\s*=\s*["']?([^"'\s>]+)""", markup) + re.findall(r"url\(([^)]*)\)", page)
    assert loaded
    assert all(target.startswith(("#", "data:image/png;base64,")) for target in loaded)
    addresses = set(re.findall(r"https?://[\w.]+", "".join(_scripts(page))))
    assert addresses <= {"http://www.w3.org", "https://leafletjs.com"}  # the SVG namespace and a link, never loaded
    assert "@import" not in page
    assert "sourceMappingURL" not in page
    assert "<link" not in page


def test_only_the_scripts_of_the_page_may_run(page: str) -> None:
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', page)
    assert policy is not None
    text = html.unescape(policy.group(1))
    digests = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in _scripts(page)]
    styles = re.findall(r"<style>(.*?)</style>", page, flags=re.DOTALL)
    worn = [base64.b64encode(hashlib.sha256(style.encode()).digest()).decode() for style in styles]
    listed = [" ".join(f"'sha256-{digest}'" for digest in found) for found in (digests, worn)]
    assert text == (
        f"default-src 'none'; script-src {listed[0]}; style-src {listed[1]}; img-src data:; base-uri 'none'; "
        "form-action 'none'"
    )
    assert len(digests) == len(worn) == 2
    assert not re.search(r"<[^>]* (?:style|on[a-z]+)=", re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL))


def test_a_base_map_is_asked_for_and_said(case: tuple[Study, Measures], page: str) -> None:
    asked = render_map(*case, base_map=True)
    assert f"img-src data: {BASE_MAP_HOST};" in html.unescape(asked)
    assert "data.geopf.fr à chaque affichage" in asked
    assert "TILEMATRIX={z}" in _scripts(asked)[1]
    assert "geopf" not in page


def test_the_same_study_gives_the_same_page(case: tuple[Study, Measures], page: str) -> None:
    assert render_map(*case) == page
    assert not re.search(r"_[0-9a-f]{32}\b", page)


def test_the_table_holds_every_studied_commune_with_its_class(case: tuple[Study, Measures], page: str) -> None:
    study, measures = case
    table = page[page.index('<table id="communes"') : page.index("</table>", page.index('<table id="communes"'))]
    assert table.count("<tr>") == study.communes["studied"].sum() + 1
    access = measures.access[measures.access["service"] == "france-services"].set_index("code")
    assert "Arbéost (65)" in table
    labels = {entry.code: entry.label for entry in legend_entries(study.rules)}
    for code, number in access["class"].value_counts().items():
        assert len(re.findall(rf"<td>[^<]* – {labels[str(code)]}\b", table)) == number


def test_the_script_has_the_class_the_colour_and_the_sentence_of_each_commune(
    case: tuple[Study, Measures], page: str
) -> None:
    study, measures = case
    entries = legend_entries([rule for rule in study.rules if rule.service == "france-services"])
    data = page_texts(page)
    view = data["views"][0]
    access = measures.access[measures.access["service"] == "france-services"].set_index("code")
    codes = data["codes"].split(" ")
    assert [entries[int(rank)].code for rank in view["ranks"]] == access["class"].reindex(codes).tolist()
    assert [mark == "1" for mark in view["checks"]] == access["to_check"].reindex(codes).tolist()
    assert [colour for _, _, colour, _ in view["classes"]] == [entry.colour for entry in entries]
    shown = re.findall(r'class="pastille"[^>]*><rect width="35" height="20" fill="(#[0-9a-f]{6})"', page)
    assert shown == [entry.colour for entry in entries[:-1]]
    for code, name, sentence in zip(codes, data["communes"], data["columns"][view["sentences"]], strict=True):
        assert access["sentence"][code].lower() == f"{name[:-5]}\u00a0: {sentence}".lower()


def test_map_class_is_legend_class_on_every_break(case: tuple[Study, Measures]) -> None:
    rules = [rule for rule in case[0].rules if rule.service == "france-services"]
    breaks = [rule.threshold_min for rule in rules]
    times = sorted(
        {0.0, *breaks, *(math.nextafter(limit, side) for limit in breaks for side in (0.0, math.inf)), 500.0}
    )
    table = pd.DataFrame({"code": [str(rank) for rank in range(len(times))], "service": "france-services"})
    table = table.assign(time_min=times, low_min=times, high_min=times, reason=REACHED)
    classes = classify(table, rules)["class"]
    for time, code in zip(times, classes, strict=True):
        holding = [entry.code for entry in legend_entries(rules) if entry.above_min < time <= entry.up_to_min]
        assert holding == [code]


def test_no_rule_gives_one_class_and_not_measured() -> None:
    entries = legend_entries([])
    assert [entry.span for entry in entries] == ["", ""]
    assert entries[-1].code == NOT_MEASURED


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5])
def test_colours_darken_from_class_to_class(number: int) -> None:
    luma = [
        sum(part * int(colour[start : start + 2], 16) for part, start in ((0.299, 1), (0.587, 3), (0.114, 5)))
        for colour in class_colours(number)
    ]
    assert len(luma) == number
    assert all(light - dark > 15 for light, dark in pairwise(luma))


def test_lines_are_read_back_exactly() -> None:
    line = np.array([[-0.35478, 43.5], [0.0, 43.50001], [0.64603, 42.67394], [179.99999, -89.99999]])
    assert _decode(encode_line(line)) == [(-35478, 4350000), (0, 4350001), (64603, 4267394), (17999999, -8999999)]


def test_display_shapes_keep_their_common_edges(case: tuple[Study, Measures]) -> None:
    shapes = display_shapes(*case)
    vertices = {tuple(xy) for xy in shapely.get_coordinates(shapes.communes.geometry.to_numpy())}
    for layer in (shapes.epci, shapes.departement, shapes.petr, shapes.zones):
        assert {tuple(xy) for xy in shapely.get_coordinates(layer.geometry.to_numpy())} <= vertices
    assert len(shapes.communes) == case[0].communes["studied"].sum()
    assert set(shapes.petr["name"]) == set(case[0].petr["name"])
    assert shapes.communes.crs == "EPSG:4326"


def _hostile(case: tuple[Study, Measures]) -> tuple[Study, Measures]:
    study, measures = case
    points = study.points.head(400).assign(
        nom=HOSTILE, commune=HOSTILE, adresse=HOSTILE, format=HOSTILE, source=HOSTILE
    )
    points = gpd.GeoDataFrame(points.assign(licence=HOSTILE, horaires=HOSTILE, position_reason=HOSTILE))
    parameters = study.parameters
    services = tuple(type(service)(service.code, HOSTILE, HOSTILE, HOSTILE) for service in parameters.service)
    import msgspec  # noqa: PLC0415 - only here

    hostile = dataclasses.replace(
        study,
        scheme=msgspec.structs.replace(study.scheme, nom=HOSTILE, reference=HOSTILE),
        parameters=msgspec.structs.replace(parameters, service=services),
        rules=tuple(
            msgspec.structs.replace(rule, beyond_label=HOSTILE, label=HOSTILE, reference=HOSTILE)
            for rule in study.rules
        ),
        departement_name=HOSTILE,
        communes=study.communes.assign(name=HOSTILE, epci_reason=HOSTILE),
        epci=study.epci.assign(name=HOSTILE),
        petr=study.petr.assign(name=HOSTILE),
        neighbours=study.neighbours.assign(name=HOSTILE),
        points=points,
        warnings=(HOSTILE,),
    )
    columns = ["sentence", "place_name", "place_commune", "second_place_commune", "place_departement"]
    access = measures.access.assign(**dict.fromkeys(columns, HOSTILE))
    method = dataclasses.replace(measures.method, label=HOSTILE, description=HOSTILE, source=HOSTILE)
    zones = measures.zones.assign(names=HOSTILE)
    return hostile, dataclasses.replace(measures, access=access, method=method, zones=zones)


def test_hostile_texts_stay_texts(case: tuple[Study, Measures]) -> None:
    page = render_map(*_hostile(case), title=HOSTILE)
    assert f"<img {MARK}" not in page
    assert page.count("</script>") == 3
    assert len(re.findall(r"<script\b", page)) == 3
    for script in _scripts(page):
        assert MARK not in script or f"&lt;img {MARK}" in script or "\\u0026lt;img" in script
        assert "7*7" not in script.replace("&#123;&#123; 7*7", "").replace("\\u0026#123;\\u0026#123; 7*7", "")
    data = page_texts(page)
    assert all(card[0] == HOSTILE for card in data["places"])
    assert set(data["communes"]) == {f"{HOSTILE} ({code})" for code in ("32", "64", "65")}
    text = html.unescape(re.sub(r"<[^>]*>", "", re.sub(r"<(script|style)\b.*?</\1>", "", page, flags=re.DOTALL)))
    assert text.count(HOSTILE) > 1000


def test_a_commune_without_time_is_hatched_and_said(case: tuple[Study, Measures]) -> None:
    study, measures = case
    access = measures.access.copy()
    rows = access["code"] == "65440"
    access.loc[rows, ["reason", "class"]] = [NO_TIME, NOT_MEASURED]
    access.loc[rows, ["time_min", "low_min", "high_min"]] = np.nan
    access.loc[rows, "to_check"] = False
    page = render_map(study, dataclasses.replace(measures, access=access))
    assert page_texts(page)["views"][0]["ranks"].count("3") == 1
    legend = page[page.index('<ul id="classes">') : page.index("</ul>", page.index('<ul id="classes">'))]
    assert "Non mesuré" in legend
    assert 'class="hachures"' in legend
    assert "nan" not in re.findall(r"<td>([^<]*)", page)


def test_measured_times_are_not_called_estimates(case: tuple[Study, Measures]) -> None:
    study, measures = case
    method = dataclasses.replace(
        measures.method, estimate=False, label="matrice de temps", description="Temps fournis."
    )
    access = measures.access.assign(sentence="")
    markup = re.sub(
        r"<(script|style)>.*?</\1>", "", render_map(study, dataclasses.replace(measures, method=method, access=access))
    )
    assert "Estimation" not in markup
    assert "environ" not in markup
    assert "matrice de temps" in markup


def test_a_study_without_points_zones_nor_petr_is_drawn(case: tuple[Study, Measures]) -> None:
    study, measures = case
    empty = dataclasses.replace(
        study,
        points=study.points.head(0),
        petr=study.petr.head(0),
        petr_members=study.petr_members.head(0),
        neighbours=study.neighbours.head(0),
    )
    page = render_map(empty, dataclasses.replace(measures, zones=measures.zones.head(0), zone_members=pd.DataFrame()))
    assert "EPCI voisins" not in page
    assert "Zones déficitaires" not in page


def test_a_hostile_page_runs_nothing_and_asks_nothing(case: tuple[Study, Measures], tmp_path: Path) -> None:
    path = tmp_path / "carte.html"
    path.write_text(render_map(*_hostile(case)), encoding="utf-8")
    with chromium(tmp_path) as browser:
        browser.open(path.as_uri())
        assert browser.value("document.documentElement.dataset.carte") == "prete"
        browser.value("document.querySelectorAll('details').forEach((part) => (part.open = true))")
        browser.value("document.getElementById('commune').value = document.querySelector('#noms option').value")
        browser.value("document.getElementById('recherche').requestSubmit()")
        assert browser.value("document.querySelector('#resultat h2').textContent").startswith(HOSTILE)
        assert browser.value("document.querySelectorAll('img[src=x]').length") == 0
        assert browser.complaints() == []
        assert [url for url in browser.asked() if not url.startswith(LOCAL)] == []
