"""Many questions at once: the same answers as a table of pairs, whatever the solver and the parts."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString

from sdaasp_geo.travel import hierarchy
from sdaasp_geo.travel.engine import NOT_MEASURED, OFF_NETWORK, REACHED, UNREACHABLE
from sdaasp_geo.travel.lanes import LaneTimes, lanes_by_matrix
from sdaasp_geo.travel.nearest import NO_PLACE
from sdaasp_geo.travel.paths_choice import QUEUE, SCIPY, SWEEP, Choice
from sdaasp_geo.travel.road_engine import road_engine
from sdaasp_geo.travel.road_graph import RoadGraph, build_road_graph
from sdaasp_geo.travel.road_lanes import road_lane_engine
from sdaasp_geo.travel.snapping import ISLAND

SIDE, STEP_M = 6, 1000.0
X0, Y0 = 460_000.0, 6_240_000.0
CAP_M, WALKING_KMH = 600.0, 5.0


def _road(one: int, other: int, ends: list[tuple[float, float]], speeds: tuple[float, float]) -> dict[str, object]:
    return {
        "from_node": one,
        "to_node": other,
        "forward_kmh": speeds[0],
        "backward_kmh": speeds[1],
        "geometry": LineString(ends),
    }


@pytest.fixture(scope="module")
def graph() -> RoadGraph:
    """Make a grid of roads, some one-way, and a small road apart, which is an islet."""
    rng = np.random.default_rng(11)
    rows = []
    for x in range(SIDE):
        for y in range(SIDE):
            for dx, dy in ((1, 0), (0, 1)):
                if x + dx < SIDE and y + dy < SIDE:
                    ends = [(X0 + (x + a * dx) * STEP_M, Y0 + (y + a * dy) * STEP_M) for a in (0, 1)]
                    forward = float(rng.choice([30, 50, 80]))
                    backward = forward if rng.random() > 0.3 else np.nan
                    rows.append(_road(x * SIDE + y, (x + dx) * SIDE + y + dy, ends, (forward, backward)))
    rows.append(_road(900, 901, [(X0 + 50_000, Y0), (X0 + 51_000, Y0)], (50.0, 50.0)))
    table = pd.DataFrame(rows).assign(road_class="secondary", name="", duration_min=np.nan)
    roads = gpd.GeoDataFrame(table, geometry="geometry", crs="EPSG:2154")
    return build_road_graph(roads.assign(length_m=roads.length), crs="EPSG:2154")


def _points(seed: int, count: int) -> np.ndarray:
    """Draw points, several on one road, one far away, one unknown, two on the road apart."""
    rng = np.random.default_rng(seed)
    spread = np.column_stack([X0 + rng.uniform(0, 5000, count), Y0 + rng.uniform(0, 5000, count)])
    together = np.column_stack([X0 + rng.uniform(0, 1000, 4), np.full(4, Y0 + 10)])
    odd = [(X0 - 90_000, Y0), (np.nan, np.nan), (X0 + 50_200, Y0), (X0 + 50_900, Y0)]
    return np.vstack([spread, together, odd])


def _tables(seed: int) -> tuple[pd.DataFrame, pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(seed)
    starts, ends = _points(seed + 1, 20), _points(seed + 2, 12)
    origins = pd.DataFrame(
        {"code": [f"{i:05d}" for i in range(len(starts))], "ref_x": starts[:, 0], "ref_y": starts[:, 1]}
    )
    ids = rng.permutation([f"p{i}" for i in range(len(ends))])
    places = pd.DataFrame({"id": ids, "x": ends[:, 0], "y": ends[:, 1]})
    answers = rng.random((len(places), 5)) < 0.4
    answers[:, 4] = False
    return origins, places, answers


def _same(one: LaneTimes, other: LaneTimes) -> None:
    assert np.array_equal(one.time_min, other.time_min, equal_nan=True)
    assert np.array_equal(one.place, other.place)
    assert np.array_equal(one.reason == REACHED, other.reason == REACHED)


@pytest.mark.parametrize("name", [SCIPY, QUEUE, SWEEP])
@pytest.mark.parametrize("ranks", [1, 2, 4])
def test_lanes_on_roads_are_the_nearest_of_the_table_of_pairs(
    name: str, ranks: int, graph: RoadGraph, monkeypatch: pytest.MonkeyPatch
) -> None:
    if name != SCIPY:
        pytest.importorskip("numba", reason="numba is not installed (extra « roads »)")
    if name == SWEEP and not hierarchy.available():
        pytest.skip("ch-router is not installed (extra « roads »)")
    monkeypatch.setattr("sdaasp_geo.travel.solvers.choose", lambda **_: Choice(name, "essai"))
    by_pair = lanes_by_matrix(road_engine(graph, cap_m=CAP_M, walking_kmh=WALKING_KMH))
    at_once = road_lane_engine(graph, cap_m=CAP_M, walking_kmh=WALKING_KMH)
    for seed in range(0, 40, 10):
        origins, places, answers = _tables(seed)
        _same(at_once(origins, places, answers, ranks), by_pair(origins, places, answers, ranks))


@settings(max_examples=20, deadline=None)
@given(step=st.integers(1, 40), ranks=st.integers(1, 3))
def test_the_answer_does_not_depend_on_the_parts(graph: RoadGraph, step: int, ranks: int) -> None:
    engine = road_engine(graph, cap_m=CAP_M, walking_kmh=WALKING_KMH)
    origins, places, answers = _tables(3)
    cut = lanes_by_matrix(engine, origins_at_once=step)(origins, places, answers, ranks)
    whole = lanes_by_matrix(engine, origins_at_once=10_000)(origins, places, answers, ranks)
    _same(cut, whole)
    assert np.array_equal(cut.reason, whole.reason)
    assert cut.origin_road is not None
    assert cut.origin_road["code"].tolist() == origins["code"].tolist()


def test_a_place_that_answers_two_lanes_has_a_row_in_each(graph: RoadGraph) -> None:
    origins, places, _ = _tables(7)
    twice = pd.concat([places, places], ignore_index=True)
    second = np.arange(len(twice)) >= len(places)
    by_pair = lanes_by_matrix(road_engine(graph, cap_m=CAP_M, walking_kmh=WALKING_KMH))
    found = by_pair(origins, twice, np.column_stack([~second, second]), 2)
    at_once = road_lane_engine(graph, cap_m=CAP_M, walking_kmh=WALKING_KMH)
    _same(found, at_once(origins, twice, np.column_stack([~second, second]), 2))
    none = found.place[:, 0] == -1
    assert not none.all()
    assert np.array_equal(found.place[:, 1], np.where(none, -1, found.place[:, 0] + len(places)))


def test_every_absence_has_its_reason(graph: RoadGraph) -> None:
    origins, places, _ = _tables(0)
    far, unknown, islet = len(origins) - 4, len(origins) - 3, len(origins) - 2
    located = places["x"].notna().to_numpy()
    on_grid = (places["x"] > X0 - 1).to_numpy() & (places["x"] < X0 + 6000).to_numpy()
    apart = (places["x"] > X0 + 40_000).to_numpy()
    answers = np.column_stack([on_grid, apart, ~located, np.zeros(len(places), dtype=bool)])
    found = road_lane_engine(graph, cap_m=CAP_M, walking_kmh=WALKING_KMH)(origins, places, answers, 1)
    reason = found.reason[:, :, 0]
    assert reason[0].tolist() == [REACHED, ISLAND, NOT_MEASURED, NO_PLACE]
    assert reason[far].tolist() == [OFF_NETWORK, OFF_NETWORK, OFF_NETWORK, NO_PLACE]
    assert reason[unknown].tolist() == [NOT_MEASURED, NOT_MEASURED, NOT_MEASURED, NO_PLACE]
    assert reason[islet].tolist() == [ISLAND, REACHED, ISLAND, NO_PLACE]
    assert np.array_equal(np.isnan(found.time_min), found.reason != REACHED)
    assert UNREACHABLE not in reason[:islet]


def test_a_second_nearest_is_another_place(graph: RoadGraph) -> None:
    origins, places, answers = _tables(5)
    found = road_lane_engine(graph, cap_m=CAP_M, walking_kmh=WALKING_KMH)(origins, places, answers, 3)
    for row in found.place.reshape(-1, 3):
        named = row[row >= 0]
        assert len(set(named.tolist())) == len(named)
    shown = np.where(np.isnan(found.time_min), np.inf, found.time_min)
    assert (np.diff(np.nan_to_num(shown, posinf=1e9), axis=2) >= 0).all()
