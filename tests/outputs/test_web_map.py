"""The interactive map: complete, silent on the network, inert, the same twice, and true to its legend."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import html
import json
import math
import re
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from sdaasp_geo import pipeline
from sdaasp_geo.analysis.deficits import NOT_MEASURED, classify
from sdaasp_geo.outputs.palette import class_colours, legend_entries
from sdaasp_geo.outputs.web_map import render_map
from sdaasp_geo.outputs.web_map_layers import display_shapes, encode_line
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
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    values, value, shift = [], 0, 0
    for character in text:
        rank = alphabet.index(character)
        value |= (rank & 31) << shift
        shift += 5
        if rank < 32:
            values.append(~(value >> 1) if value & 1 else value >> 1)
            value, shift = 0, 0
    steps = np.array(values).reshape(-1, 2)
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
    assert text.startswith("default-src 'none'; script-src " + " ".join(f"'sha256-{digest}'" for digest in digests))
    assert "unsafe-eval" not in text
    assert len(digests) == 2


def test_the_same_study_gives_the_same_page(case: tuple[Study, Measures], page: str) -> None:
    assert render_map(*case) == page
    assert not re.search(r"_[0-9a-f]{32}\b", page)


def test_the_table_holds_every_studied_commune_with_its_class(case: tuple[Study, Measures], page: str) -> None:
    study, measures = case
    table = page[page.index('<table id="communes"') : page.index("</table>", page.index('<table id="communes"'))]
    assert table.count("<tr>") == study.communes["studied"].sum() + 1
    access = measures.access[measures.access["service"] == "france-services"].set_index("code")
    assert "Arbéost (65)" in table
    assert html.escape(access.loc["65018", "sentence"], quote=False).replace("'", "&#39;") in table
    labels = {entry.code: entry.label for entry in legend_entries(study.rules)}
    for code, number in access["class"].value_counts().items():
        assert table.count(f"<td>{labels[str(code)]}</td>") == number


def test_the_map_draws_the_colour_of_the_legend(case: tuple[Study, Measures], page: str) -> None:
    study, measures = case
    entries = legend_entries([rule for rule in study.rules if rule.service == "france-services"])
    script = _scripts(page)[1]
    features = re.findall(r'"properties": \{"c": (\d), "m": (\d)\}', script)
    access = measures.access[measures.access["service"] == "france-services"]
    drawn = pd.Series([entries[int(rank)].code for rank, _ in features]).value_counts()
    assert drawn.to_dict() == access["class"].value_counts().to_dict()
    assert sum(mark == "1" for _, mark in features) == access["to_check"].sum()
    present = {entries[int(rank)].colour for rank, _ in features}
    shown = set(re.findall(r'class="pastille[^"]*" style="background-color:(#[0-9a-f]{6})', page))
    assert present <= shown
    assert (
        set(re.findall(r'"color": "#ffffff", "fillColor": "(#[0-9a-f]{6})", "fillOpacity": 1, "weight": 0.6', script))
        == present
    )


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
    data = re.search(r'<script type="application/json" id="lieux">(.*?)</script>', page, flags=re.DOTALL)
    assert data is not None
    assert all(card[0] == HOSTILE for card in json.loads(data.group(1)))
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
    assert '"m": 2}' in _scripts(page)[1]
    assert "Non mesuré" in page[page.index('class="legende"') : page.index("</ul>", page.index('class="legende"'))]
    assert "nan" not in re.findall(r"<td>([^<]*)</td>", page)


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


@pytest.mark.parametrize("hostile", [False, True])
def test_chromium_draws_it_and_asks_nothing_of_the_network(
    case: tuple[Study, Measures], tmp_path: Path, *, hostile: bool
) -> None:
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        pytest.skip("Chromium is not installed: the page was checked as text only")
    path, log = tmp_path / "carte.html", tmp_path / "net.json"
    path.write_text(render_map(*(_hostile(case) if hostile else case)), encoding="utf-8")
    flags = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-component-update",
    ]
    flags += [
        "--no-first-run",
        "--virtual-time-budget=8000",
        f"--user-data-dir={tmp_path / 'profile'}",
        f"--log-net-log={log}",
    ]
    command = [browser, *flags, "--dump-dom", path.as_uri()]
    found = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)  # noqa: S603 - fixed words
    assert 'data-carte="prete"' in found.stdout
    assert f"<img {MARK}" not in found.stdout
    events = log.read_text(encoding="utf-8")
    asked = set(re.findall(r'"url":"((?:https?|wss?|ftp)://[^"]+)"', events))
    own = re.compile(
        r"https?://[\w.-]*\b(?:google|googleapis|gstatic|gvt1|chromium)\.\w+/"
    )  # the browser's own services
    assert [url for url in sorted(asked) if not own.match(url)] == []
