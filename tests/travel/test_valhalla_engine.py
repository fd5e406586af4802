"""Valhalla behind the interface of the engines: one road for each point, every pair with a time or a reason."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyproj
import pytest

from sdaasp_geo.errors import TravelError
from sdaasp_geo.travel import valhalla_engine as module
from sdaasp_geo.travel.engine import Engine
from sdaasp_geo.travel.valhalla_engine import valhalla_engine

CRS = "EPSG:2154"
WALKING_KMH = 5.0
HERE = importlib.util.find_spec("valhalla") is not None
needs_valhalla = pytest.mark.skipif(not HERE, reason="pyvalhalla is not installed (extra « routers », Python ≥ 3.12)")
osmium = pytest.importorskip("osmium", reason="osmium is not installed (extra « roads »)")

STEP = 0.01
WEST, SOUTH, SIDE = 2.0, 45.0, 12
TO_METRES = pyproj.Transformer.from_crs("EPSG:4326", CRS, always_xy=True)


def write_roads(path: Path) -> Path:
    """Write a grid of secondary roads about a kilometre apart, and a short road joined to nothing, north of it."""
    node, way = osmium.osm.mutable.Node, osmium.osm.mutable.Way
    number = {(x, y): 1 + x * SIDE + y for x in range(SIDE) for y in range(SIDE)}
    tags = {"highway": "secondary", "name": "D 1"}
    with osmium.SimpleWriter(str(path)) as writer:
        for (x, y), key in number.items():
            writer.add(node(id=key, location=(WEST + x * STEP, SOUTH + y * STEP)))
        for i in range(2):
            writer.add(node(id=9001 + i, location=(WEST + i * STEP, SOUTH + 0.14)))
        for (x, y), key in number.items():
            for i, other in enumerate(((x + 1, y), (x, y + 1))):
                if other in number:
                    writer.add(way(id=2 * key + i, nodes=[key, number[other]], tags=tags))
        writer.add(way(id=9000, nodes=[9001, 9002], tags={"highway": "residential"}))
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


def make(extract: Path, folder: Path, **changes: object) -> Engine:
    options = {"folder": folder, "crs": CRS, "cap_m": 1000.0, "walking_kmh": WALKING_KMH} | changes
    return valhalla_engine([extract], **options)


@pytest.fixture(scope="module")
def engine(extract: Path, folder: Path) -> Engine:
    return make(extract, folder)


@pytest.mark.skipif(HERE, reason="pyvalhalla is installed: its absence cannot be tried")
def test_a_missing_package_says_what_to_do(extract: Path, tmp_path: Path) -> None:
    with pytest.raises(TravelError, match=r"Python\u00a03\.12 .*routers"):
        make(extract, tmp_path)
    assert list(tmp_path.iterdir()) == []


@needs_valhalla
def test_time_grows_as_length_on_a_straight_road(engine: Engine) -> None:
    start = np.array([[WEST + 0.1 * STEP, SOUTH]])
    places = np.array([[WEST + (0.1 + 0.2 * i) * STEP, SOUTH] for i in range(5)])
    matrix = engine(*tables(start, places))
    assert matrix.time_min[0, 0] == pytest.approx(0, abs=0.02)
    assert np.diff(matrix.time_min[0]) == pytest.approx(matrix.time_min[0, 4] / 4, abs=1.5 / 60)
    length_m = pyproj.Geod(ellps="WGS84").inv(*start[0], *places[4])[2]
    assert 40 < length_m / 1000 / (matrix.time_min[0, 4] / 60) < 100
    assert matrix.origin_road is not None
    assert matrix.origin_road["snap_m"].max() < 1
    assert matrix.origin_road[["road_class", "road_name"]].to_numpy().tolist() == [["secondary", "D 1"]]


@needs_valhalla
def test_walking_to_the_road_counts_at_both_ends(engine: Engine) -> None:
    origins, places = np.array([[WEST + 0.2 * STEP, SOUTH]]), np.array([[WEST + 0.8 * STEP, SOUTH]])
    on_road = engine(*tables(origins, places))
    off_road = engine(*tables(origins - [0, 0.003], places - [0, 0.003]))
    assert off_road.origin_road is not None
    assert off_road.place_road is not None
    snap_m = off_road.origin_road["snap_m"][0] + off_road.place_road["snap_m"][0]
    assert snap_m == pytest.approx(2 * 333.6, rel=0.01)
    walk_min = snap_m / 1000 / WALKING_KMH * 60
    assert off_road.time_min[0, 0] == pytest.approx(on_road.time_min[0, 0] + walk_min, abs=1.5 / 60)


@needs_valhalla
def test_every_pair_without_time_has_its_reason(engine: Engine) -> None:
    origins = np.array([[WEST, SOUTH], [WEST - 1, SOUTH], [np.nan, np.nan], [WEST + 0.5 * STEP, SOUTH + 0.14]])
    matrix = engine(*tables(origins, np.array([[WEST + 3 * STEP, SOUTH]])))
    assert matrix.reason[:, 0].tolist() == ["atteint", "hors réseau", "non mesuré", "îlot"]
    assert np.isnan(matrix.time_min[1:, 0]).all()
    assert matrix.time_min[0, 0] > 0
    assert matrix.origin_road is not None
    assert matrix.origin_road["road_reason"].tolist() == matrix.reason[:, 0].tolist()
    assert np.isnan(matrix.origin_road["snap_m"][2])


@needs_valhalla
def test_near_a_small_network_a_point_goes_to_the_large_one_within_the_cap(extract: Path, folder: Path) -> None:
    points = tables(np.array([[WEST, SOUTH + 0.135]]), np.array([[WEST, SOUTH]]))
    near, far = (make(extract, folder, cap_m=cap)(*points) for cap in (1000.0, 5000.0))
    assert near.origin_road is not None
    assert far.origin_road is not None
    assert near.reason.tolist() == [["îlot"]]
    assert near.origin_road["road_class"].tolist() == ["residential"]
    assert far.reason.tolist() == [["atteint"]]
    assert far.origin_road["road_class"].tolist() == ["secondary"]
    assert far.origin_road["snap_m"][0] == pytest.approx(2778, rel=0.01)


@needs_valhalla
def test_within_a_small_network_trips_are_made(engine: Engine) -> None:
    ends = np.array([[WEST, SOUTH + 0.14], [WEST + STEP, SOUTH + 0.14]])
    matrix = engine(*tables(ends[:1], ends[1:]))
    assert matrix.reason.tolist() == [["atteint"]]
    assert matrix.time_min[0, 0] > 0.5


@needs_valhalla
def test_order_and_company_do_not_matter(engine: Engine) -> None:
    origins, places = tables(scattered(25, 5), scattered(12, 6))
    whole = engine(origins, places).time_min
    turned = engine(origins.iloc[::-1], places.iloc[::-1]).time_min[::-1, ::-1]
    assert np.array_equal(whole, turned)
    assert np.array_equal(whole[:3, :2], engine(origins.iloc[:3], places.iloc[:2]).time_min)


@needs_valhalla
def test_more_points_than_a_block(extract: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    points = tables(scattered(25, 5), scattered(12, 6))
    whole = make(extract, folder)(*points).time_min
    monkeypatch.setattr(module, "_BLOCK", (4, 5))
    monkeypatch.setattr(module, "_LOCATED_AT_ONCE", 7)
    assert np.array_equal(make(extract, folder)(*points).time_min, whole)


@needs_valhalla
def test_no_point_and_no_place(engine: Engine) -> None:
    origins, places = tables(scattered(2, 5), scattered(3, 6))
    assert engine(origins, places.iloc[:0]).time_min.shape == (2, 0)
    assert engine(origins.iloc[:0], places).time_min.shape == (0, 3)


@needs_valhalla
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
    tile = max(home.rglob("*.gph"), key=lambda path: path.stat().st_size)
    tile.write_bytes(tile.read_bytes()[:-1])
    again = make(extract, tmp_path, describe=describe)(*points)
    assert built == ["lu", "lu"]
    assert np.array_equal(again.time_min, first.time_min)
    assert [path.name for path in tmp_path.iterdir()] == [home.name]


@needs_valhalla
def test_damaged_extracts_are_refused_and_leave_nothing(extract: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.osm.pbf"
    broken.write_bytes(extract.read_bytes()[:-40])
    houses = tmp_path / "houses.osm.pbf"
    with osmium.SimpleWriter(str(houses)) as writer:
        for i in (1, 2):
            writer.add(osmium.osm.mutable.Node(id=i, location=(2.0 + i / 100, 45.0)))
        writer.add(osmium.osm.mutable.Way(id=1, nodes=[1, 2], tags={"building": "yes"}))
    for extract_, said in ((broken, "PBF"), (houses, "Valhalla n'a pas pu")):
        with pytest.raises(TravelError, match=said):
            make(extract_, tmp_path / "cache")
        assert list((tmp_path / "cache").iterdir()) == []


@needs_valhalla
def test_options_without_meaning_are_refused(extract: Path, folder: Path) -> None:
    for change in ({"cap_m": -1.0}, {"walking_kmh": 0.0}):
        with pytest.raises(TravelError):
            make(extract, folder, **change)


@needs_valhalla
def test_nothing_is_printed(extract: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    make(extract, tmp_path)(*tables(scattered(3, 1), np.array([[WEST - 1, SOUTH], [WEST, SOUTH]])))
    assert capfd.readouterr() == ("", "")


@needs_valhalla
def test_the_router_is_named(engine: Engine) -> None:
    method = engine(*tables(scattered(1, 1), scattered(1, 2))).method
    assert method.code == "valhalla"
    assert method.estimate is False
    assert "Valhalla" in method.label
    for word in ("pyvalhalla 3", "«\u00a0auto\u00a0»", "1\u202f000\u00a0m"):
        assert word in method.description


@needs_valhalla
def test_a_table_equals_one_to_one_routes(shared: Callable[[str], Path], folder: Path) -> None:
    towns = np.array([[1.5218, 42.5063], [1.5989, 42.5666], [1.4913, 42.4637], [1.5148, 42.5450]])
    andorra = make(shared("roads/andorra_worldkg.osm.pbf"), folder)
    matrix = andorra(*tables(towns, towns))
    assert (matrix.reason == "atteint").all()
    alone = [[andorra(*tables(one[None], other[None])).time_min[0, 0] for other in towns] for one in towns]
    assert np.array_equal(matrix.time_min, alone)
    assert np.array_equal(andorra(*tables(towns, towns[:2])).time_min, matrix.time_min[:, :2])
    assert matrix.time_min[0, 1] == pytest.approx(17, abs=5)
