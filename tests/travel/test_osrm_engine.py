"""OSRM behind the interface of the engines: real profile, prepared once, every pair with a time or a reason."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyproj
import pytest

from sdaasp_geo.errors import TravelError
from sdaasp_geo.travel import osrm_engine as module
from sdaasp_geo.travel.engine import Engine
from sdaasp_geo.travel.osrm_engine import osrm_engine
from sdaasp_geo.travel.router_data import join_extracts

CRS = "EPSG:2154"
WALKING_KMH = 5.0
HERE = importlib.util.find_spec("osrm") is not None
needs_osrm = pytest.mark.skipif(not HERE, reason="osrm-bindings is not installed (extra « routers », Python ≥ 3.12)")
osmium = pytest.importorskip("osmium", reason="osmium is not installed (extra « roads »)")

STEP = 0.01
WEST, SOUTH, SIDE = 2.0, 45.0, 12
TO_METRES = pyproj.Transformer.from_crs("EPSG:4326", CRS, always_xy=True)


def write_roads(path: Path, *, columns: range = range(SIDE), apart: bool = True) -> Path:
    """Write a grid of secondary roads about a kilometre apart, and a road joined to nothing, 100 km to the east."""
    node = osmium.osm.mutable.Node
    way = osmium.osm.mutable.Way
    number = {(x, y): 1 + x * SIDE + y for x in range(SIDE) for y in range(SIDE)}
    held = [(x, y) for x in columns for y in range(SIDE)]
    ends = [(a, (a[0] + dx, a[1] + dy)) for a in held for dx, dy in ((1, 0), (0, 1))]
    with osmium.SimpleWriter(str(path), overwrite=True) as writer:
        for x, y in held:
            writer.add(node(id=number[x, y], location=(WEST + x * STEP, SOUTH + y * STEP), version=1))
        for i in range(2 * apart):
            writer.add(node(id=9001 + i, location=(3.5 + i * STEP, 45.0), version=1))
        for a, b in ends:
            if b in number and b[0] in columns:
                tags = {"highway": "secondary", "name": "D 1"}
                writer.add(way(id=2 * number[a] + (a[0] == b[0]), nodes=[number[a], number[b]], tags=tags, version=1))
        if apart:
            writer.add(way(id=9000, nodes=[9001, 9002], tags={"highway": "secondary"}, version=1))
    return path


def tables(origins: np.ndarray, places: np.ndarray) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Make the tables of an engine from degrees."""
    one, other = (np.column_stack(TO_METRES.transform(*points.T)) for points in (origins, places))
    return (
        pd.DataFrame({"code": [f"{i:05d}" for i in range(len(one))], "ref_x": one[:, 0], "ref_y": one[:, 1]}),
        pd.DataFrame({"id": [f"p{i}" for i in range(len(other))], "x": other[:, 0], "y": other[:, 1]}),
    )


def scattered(count: int, seed: int) -> np.ndarray:
    """Return points amid the grid, in degrees."""
    rng = np.random.default_rng(seed)
    return np.column_stack([WEST + rng.uniform(0, 0.1, count), SOUTH + rng.uniform(0, 0.1, count)])


@pytest.fixture(scope="module")
def extract(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_roads(tmp_path_factory.mktemp("extract") / "grid.osm.pbf")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def make(extract: Path, folder: Path, *, algorithm: str = "mld", **changes: object) -> Engine:
    options = {"folder": folder, "crs": CRS, "cap_m": 1000.0, "walking_kmh": WALKING_KMH} | changes
    return osrm_engine([extract], algorithm=algorithm, **options)


@pytest.fixture(scope="module")
def engine(extract: Path, folder: Path) -> Engine:
    return make(extract, folder)


@pytest.mark.skipif(HERE, reason="osrm-bindings is installed: its absence cannot be tried")
def test_a_missing_package_says_what_to_do(extract: Path, tmp_path: Path) -> None:
    with pytest.raises(TravelError, match=r"Python\u00a03\.12 .*routers"):
        make(extract, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_extract_in_two_halves_is_joined_without_repetition(tmp_path: Path) -> None:
    whole = write_roads(tmp_path / "whole.osm.pbf")
    west = write_roads(tmp_path / "west.osm.pbf", columns=range(7), apart=False)
    east = write_roads(tmp_path / "east.osm.pbf", columns=range(6, SIDE))
    join_extracts([west, east], tmp_path / "joined.osm.pbf")

    def objects(path: Path) -> list[tuple[str, int]]:
        return [(item.type_str(), item.id) for item in osmium.FileProcessor(str(path))]

    assert objects(tmp_path / "joined.osm.pbf") == objects(whole)


def test_of_two_versions_the_higher_is_kept(tmp_path: Path) -> None:
    node = osmium.osm.mutable.Node
    for version, longitude in ((1, 2.0), (3, 2.5)):
        with osmium.SimpleWriter(str(tmp_path / f"{version}.osm.pbf")) as writer:
            writer.add(node(id=7, location=(longitude, 45.0), version=version))
    join_extracts([tmp_path / "3.osm.pbf", tmp_path / "1.osm.pbf"], tmp_path / "joined.osm.pbf")
    found = [(item.id, item.location.lon) for item in osmium.FileProcessor(str(tmp_path / "joined.osm.pbf"))]
    assert found == [(7, 2.5)]


@needs_osrm
def test_a_straight_road_has_its_closed_form(engine: Engine) -> None:
    origins = np.array([[WEST + 0.2 * STEP, SOUTH]])
    places = np.array([[WEST + 0.8 * STEP, SOUTH], [WEST + 0.2 * STEP, SOUTH]])
    matrix = engine(*tables(origins, places))
    length_m = pyproj.Geod(ellps="WGS84").inv(*origins[0], *places[0])[2]
    assert matrix.time_min[0, 0] == pytest.approx(length_m / 1000 / 55 * 60, rel=0.02)
    assert matrix.time_min[0, 1] == pytest.approx(0, abs=0.02)
    assert matrix.origin_road is not None
    assert matrix.origin_road["snap_m"].max() < 1
    assert matrix.origin_road["road_name"].tolist() == ["D 1"]
    assert matrix.origin_road["road_class"].tolist() == [""]


@needs_osrm
def test_walking_to_the_road_counts_at_both_ends(engine: Engine) -> None:
    origins, places = np.array([[WEST + 0.2 * STEP, SOUTH]]), np.array([[WEST + 0.8 * STEP, SOUTH]])
    on_road = engine(*tables(origins, places))
    off_road = engine(*tables(origins - [0, 0.003], places - [0, 0.003]))
    assert off_road.origin_road is not None
    assert off_road.place_road is not None
    snap_m = off_road.origin_road["snap_m"][0] + off_road.place_road["snap_m"][0]
    assert snap_m == pytest.approx(2 * 333.6, rel=0.01)
    walk_min = snap_m / 1000 / WALKING_KMH * 60
    assert off_road.time_min[0, 0] == pytest.approx(on_road.time_min[0, 0] + walk_min, abs=0.05)


@needs_osrm
def test_every_pair_without_time_has_its_reason(engine: Engine) -> None:
    origins = np.array([[WEST, SOUTH], [WEST - 1, SOUTH], [np.nan, np.nan], [3.505, 45.0]])
    matrix = engine(*tables(origins, np.array([[WEST + 3 * STEP, SOUTH]])))
    assert matrix.reason[:, 0].tolist() == ["atteint", "hors réseau", "non mesuré", "inaccessible"]
    assert np.isnan(matrix.time_min[1:, 0]).all()
    assert matrix.time_min[0, 0] > 0
    assert matrix.origin_road is not None
    assert matrix.origin_road["road_reason"].tolist() == ["atteint", "hors réseau", "non mesuré", "atteint"]
    assert matrix.origin_road["snap_m"][1] > 50_000
    assert np.isnan(matrix.origin_road["snap_m"][2])


@needs_osrm
def test_the_cap_is_reached_at_equality_and_not_beyond(engine: Engine, extract: Path, folder: Path) -> None:
    points = tables(np.array([[WEST + 0.5 * STEP, SOUTH - 0.004]]), np.array([[WEST, SOUTH]]))
    first = engine(*points)
    assert first.origin_road is not None
    snap_m = float(first.origin_road["snap_m"][0])
    at, beyond = (make(extract, folder, cap_m=cap)(*points) for cap in (snap_m, snap_m - 0.001))
    assert at.reason.tolist() == [["atteint"]]
    assert beyond.reason.tolist() == [["hors réseau"]]


@needs_osrm
def test_both_algorithms_agree(engine: Engine, extract: Path, folder: Path) -> None:
    points = tables(scattered(40, 1), scattered(30, 2))
    other = make(extract, folder, algorithm="ch")(*points)
    assert np.allclose(engine(*points).time_min, other.time_min, atol=0.2 / 60)
    assert "CH" in other.method.description


@needs_osrm
def test_order_and_company_do_not_matter(engine: Engine) -> None:
    origins, places = tables(scattered(25, 5), scattered(12, 6))
    whole = engine(origins, places).time_min
    turned = engine(origins.iloc[::-1], places.iloc[::-1]).time_min[::-1, ::-1]
    assert np.array_equal(whole, turned)
    few = engine(origins.iloc[:3], places.iloc[:2]).time_min
    assert np.array_equal(whole[:3, :2], few)


@needs_osrm
def test_more_points_than_a_block(extract: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    points = tables(scattered(25, 5), scattered(12, 6))
    whole = make(extract, folder)(*points).time_min
    monkeypatch.setattr(module, "_BLOCK", (4, 5))
    assert np.array_equal(make(extract, folder)(*points).time_min, whole)


@needs_osrm
def test_no_point_and_no_place(engine: Engine) -> None:
    origins, places = tables(scattered(2, 5), scattered(3, 6))
    assert engine(origins, places.iloc[:0]).time_min.shape == (2, 0)
    assert engine(origins.iloc[:0], places).time_min.shape == (0, 3)


@needs_osrm
def test_data_is_kept_and_mended(extract: Path, tmp_path: Path) -> None:
    built: list[str] = []

    def describe() -> str:
        built.append("lu")
        return "extrait d'essai"

    points = tables(scattered(5, 1), scattered(4, 2))
    first = make(extract, tmp_path, describe=describe)(*points)
    assert make(extract, tmp_path, describe=describe)(*points).method == first.method
    assert built == ["lu"]
    assert first.method.source == "extrait d'essai"
    (home,) = tmp_path.iterdir()
    largest = max(
        (path for path in home.iterdir() if path.name != "contenu.json"), key=lambda path: path.stat().st_size
    )
    content = bytearray(largest.read_bytes())
    content[len(content) // 2] ^= 0xFF
    largest.write_bytes(content)
    again = make(extract, tmp_path, describe=describe)(*points)
    assert built == ["lu", "lu"]
    assert np.array_equal(again.time_min, first.time_min)
    assert [path.name for path in tmp_path.iterdir()] == [home.name]


@needs_osrm
def test_a_stale_folder_is_built_again(extract: Path, tmp_path: Path) -> None:
    make(extract, tmp_path)
    (home,) = tmp_path.iterdir()
    listed = home / "contenu.json"
    listed.write_text(
        json.dumps(json.loads(listed.read_text(encoding="utf-8")) | {"fingerprint": "0"}), encoding="utf-8"
    )
    built: list[str] = []
    make(extract, tmp_path, describe=lambda: str(built.append("lu") or "extrait"))
    assert built == ["lu"]


@needs_osrm
def test_what_a_killed_build_left_is_cleared(extract: Path, tmp_path: Path) -> None:
    make(extract, tmp_path)
    (home,) = tmp_path.iterdir()
    home.rename(home.with_name(f".{home.name}.partiel"))
    make(extract, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [home.name]


@needs_osrm
def test_damaged_extracts_are_refused_and_leave_nothing(extract: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.osm.pbf"
    broken.write_bytes(extract.read_bytes()[:-40])
    paths = tmp_path / "paths.osm.pbf"
    with osmium.SimpleWriter(str(paths)) as writer:
        for i in (1, 2):
            writer.add(osmium.osm.mutable.Node(id=i, location=(2.0 + i / 100, 45.0)))
        writer.add(osmium.osm.mutable.Way(id=1, nodes=[1, 2], tags={"highway": "footway"}))
    for extract_, said in ((broken, "PBF"), (paths, "no edges")):
        with pytest.raises(TravelError, match=said):
            make(extract_, tmp_path / "cache")
        assert list((tmp_path / "cache").iterdir()) == []


@needs_osrm
@pytest.mark.parametrize("name", ["roads.gpkg", "absent.osm.pbf"])
def test_what_is_no_extract_is_refused(name: str, tmp_path: Path) -> None:
    if name == "roads.gpkg":
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(TravelError, match=name):
        make(tmp_path / name, tmp_path / "cache")


@needs_osrm
def test_options_without_meaning_are_refused(extract: Path, folder: Path) -> None:
    for change in ({"cap_m": -1.0}, {"walking_kmh": 0.0}, {"algorithm": "dijkstra"}):
        with pytest.raises(TravelError):
            make(extract, folder, **change)


@needs_osrm
def test_nothing_is_printed(extract: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    make(extract, tmp_path)(*tables(scattered(3, 1), np.array([[WEST - 1, SOUTH], [WEST, SOUTH]])))
    assert capfd.readouterr() == ("", "")


@needs_osrm
def test_the_router_is_named(engine: Engine) -> None:
    method = engine(*tables(scattered(1, 1), scattered(1, 2))).method
    assert method.code == "osrm"
    assert method.estimate is False
    assert "OSRM" in method.label
    for word in ("osrm-bindings 2", "MLD", "«\u00a0car\u00a0»", "1\u202f000\u00a0m"):
        assert word in method.description


@needs_osrm
def test_andorra_is_reached(shared: Callable[[str], Path], folder: Path) -> None:
    towns = np.array([[1.5218, 42.5063], [1.5989, 42.5666], [1.4913, 42.4637]])
    matrix = make(shared("roads/andorra_worldkg.osm.pbf"), folder)(*tables(towns, towns))
    assert (matrix.reason == "atteint").all()
    assert matrix.time_min[0, 1] == pytest.approx(17.5, abs=4)
    assert matrix.time_min[0, 2] == pytest.approx(10.5, abs=4)
