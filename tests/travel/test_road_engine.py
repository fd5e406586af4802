"""The road engine: door to door, exact, the same with every solver, a reason where there is no time."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import LineString

from sdaasp_geo.travel import hierarchy
from sdaasp_geo.travel.paths import UNREACHED_MS, Arcs, Nearest, Seeds, nearest_scipy
from sdaasp_geo.travel.paths_choice import QUEUE, SCIPY, SWEEP, Choice
from sdaasp_geo.travel.road_engine import access_times_ms, road_engine
from sdaasp_geo.travel.road_graph import RoadGraph, build_road_graph
from sdaasp_geo.travel.snapping import road_access
from sdaasp_geo.travel.solvers import pick_solver

SIDE, STEP_M = 9, 1000.0
X0, Y0 = 460_000.0, 6_240_000.0


def _network(seed: int = 3) -> RoadGraph:
    """Make a grid of roads of known speeds, some one-way, and a road apart from it."""
    rng = np.random.default_rng(seed)
    rows = []
    for x in range(SIDE):
        for y in range(SIDE):
            for dx, dy in ((1, 0), (0, 1)):
                if x + dx < SIDE and y + dy < SIDE:
                    ends = (x * SIDE + y, (x + dx) * SIDE + y + dy)
                    line = [(X0 + x * STEP_M, Y0 + y * STEP_M), (X0 + (x + dx) * STEP_M, Y0 + (y + dy) * STEP_M)]
                    forward = float(rng.choice([30, 50, 80, 110]))
                    backward = forward if rng.random() > 0.2 else np.nan
                    rows.append((*ends, forward, backward, LineString(line)))
    apart = LineString([(X0 + 50_000, Y0), (X0 + 51_000, Y0)])
    rows.append((9_000, 9_001, 50.0, 50.0, apart))
    table = pd.DataFrame(rows, columns=["from_node", "to_node", "forward_kmh", "backward_kmh", "geometry"])
    table["road_class"], table["name"], table["duration_min"] = "secondary", "", np.nan
    roads = gpd.GeoDataFrame(table, geometry="geometry", crs="EPSG:2154")
    return build_road_graph(roads.assign(length_m=roads.length), crs="EPSG:2154")


@pytest.fixture(scope="module")
def graph() -> RoadGraph:
    return _network()


def _points(count: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.column_stack([X0 + rng.uniform(0, 8000, count), Y0 + rng.uniform(0, 8000, count)])


def _tables(origins: np.ndarray, places: np.ndarray) -> tuple[pd.DataFrame, pd.DataFrame]:
    return (
        pd.DataFrame(
            {"code": [f"{i:05d}" for i in range(len(origins))], "ref_x": origins[:, 0], "ref_y": origins[:, 1]}
        ),
        pd.DataFrame({"id": [f"p{i}" for i in range(len(places))], "x": places[:, 0], "y": places[:, 1]}),
    )


@pytest.mark.parametrize("name", [SCIPY, QUEUE, SWEEP])
def test_every_solver_gives_the_same_milliseconds(name: str, graph: RoadGraph, monkeypatch: pytest.MonkeyPatch) -> None:
    if name != SCIPY:
        pytest.importorskip("numba", reason="numba is not installed (extra « roads »)")
    if name == SWEEP and not hierarchy.available():
        pytest.skip("ch-router is not installed (extra « roads »)")
    monkeypatch.setattr("sdaasp_geo.travel.solvers.choose", lambda **_: Choice(name, "essai"))
    arcs = Arcs(graph.first_out, graph.head, graph.weight_ms)
    start = road_access(graph, _points(40, 1), cap_m=2000, walking_kmh=5)
    end = road_access(graph, _points(30, 2), cap_m=2000, walking_kmh=5)

    def reference(seeds: Seeds, lanes: int, nodes: np.ndarray) -> Nearest:
        return nearest_scipy(arcs, seeds, lanes=lanes, nodes=nodes)

    expected = access_times_ms(graph, start, end, solver=reference)
    told: list[str] = []
    found = access_times_ms(graph, start, end, solver=pick_solver(arcs, lanes=30, tell=told.append))
    assert np.array_equal(found, expected)
    assert (expected < UNREACHED_MS).all()
    assert len(told) == 1


def test_a_straight_road_has_its_closed_form() -> None:
    line = LineString([(X0, Y0), (X0 + 10_000, Y0)])
    row = {"from_node": [1], "to_node": [2], "road_class": ["primary"], "name": ["D 1"], "duration_min": [np.nan]}
    table = gpd.GeoDataFrame(
        {**row, "forward_kmh": [60.0], "backward_kmh": [60.0], "length_m": [10_000.0]}, geometry=[line], crs="EPSG:2154"
    )
    engine = road_engine(build_road_graph(table, crs="EPSG:2154"), cap_m=1000, walking_kmh=5.0)
    matrix = engine(*_tables(np.array([[X0 + 1000, Y0 + 50]]), np.array([[X0 + 7000, Y0 + 100], [X0 + 1000, Y0]])))
    walking_min = 150 / 5000 * 60
    assert matrix.time_min[0, 0] == pytest.approx(6 + walking_min, abs=1e-3)
    assert matrix.time_min[0, 1] == pytest.approx(50 / 5000 * 60, abs=1e-3)
    assert matrix.origin_road is not None
    assert matrix.origin_road["snap_m"].tolist() == pytest.approx([50.0])
    assert matrix.origin_road["road_name"].tolist() == ["D 1"]


def test_every_pair_without_time_has_its_reason(graph: RoadGraph) -> None:
    engine = road_engine(graph, cap_m=1000, walking_kmh=5)
    origins = np.array([[X0, Y0], [X0 + 20_000, Y0], [np.nan, np.nan], [X0 + 50_500, Y0]])
    matrix = engine(*_tables(origins, np.array([[X0 + 3000, Y0 + 10]])))
    assert matrix.reason[:, 0].tolist() == ["atteint", "hors réseau", "non mesuré", "îlot"]
    assert np.isnan(matrix.time_min[1:, 0]).all()
    assert (matrix.time_min[0] > 0).all()
    assert matrix.method.estimate is False


def test_adding_a_place_never_lengthens_a_time(graph: RoadGraph) -> None:
    engine = road_engine(graph, cap_m=2000, walking_kmh=5)
    origins, places = _tables(_points(25, 5), _points(12, 6))
    fewer = engine(origins, places.iloc[:6]).time_min.min(axis=1)
    more = engine(origins, places).time_min.min(axis=1)
    assert (more <= fewer).all()


def test_order_of_origins_and_places_does_not_matter(graph: RoadGraph) -> None:
    engine = road_engine(graph, cap_m=2000, walking_kmh=5)
    origins, places = _tables(_points(10, 7), _points(9, 8))
    straight = engine(origins, places).time_min
    turned = engine(origins.iloc[::-1], places.iloc[::-1]).time_min
    assert np.array_equal(straight, turned[::-1, ::-1])
