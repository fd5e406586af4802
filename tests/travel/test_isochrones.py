"""Isochrones hold what is reached and nothing else: on hand-made, random and real networks."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from sdaasp_geo.errors import TravelError
from sdaasp_geo.road_speeds import read_road_parameters
from sdaasp_geo.sources.osm_roads import read_osm_roads
from sdaasp_geo.travel.engine import REACHED
from sdaasp_geo.travel.isochrones import (
    RoadTimes,
    isochrones,
    reached,
    reached_lines,
    road_times,
    times_at,
)
from sdaasp_geo.travel.paths import UNREACHED_MS
from sdaasp_geo.travel.road_engine import road_engine
from sdaasp_geo.travel.road_graph import RoadGraph, build_road_graph
from sdaasp_geo.travel.road_parts import part_lines, points_at
from sdaasp_geo.travel.snapping import Access, road_access

CRS = "EPSG:2154"
X0, Y0 = 700_000.0, 6_500_000.0
Point = tuple[float, float]
Road = tuple[int, int, float, float]
"""Nodes at the ends, and speeds there and back (NaN: closed)."""


def network(points: list[Point], roads: list[Road]) -> RoadGraph:
    rows = []
    for tail, head, forward, backward in roads:
        ends = [(X0 + points[node][0], Y0 + points[node][1]) for node in (tail, head)]
        bend = (ends[0][0] + 40.0, ends[0][1] + 90.0)
        line = shapely.LineString([ends[0], bend, ends[1]] if tail == head or ends[0] == ends[1] else ends)
        rows.append((tail, head, "tertiary", "", forward, backward, math.nan, line.length, line))
    columns = ["from_node", "to_node", "road_class", "name", "forward_kmh", "backward_kmh"]
    columns += ["duration_min", "length_m", "geometry"]
    table = gpd.GeoDataFrame(rows, columns=columns, geometry="geometry", crs=CRS)
    return build_road_graph(table, crs=CRS)


def access(graph: RoadGraph, *points: Point, cap_m: float = 500, walking_kmh: float = 3.6) -> Access:
    return road_access(graph, np.array(points) + np.array([X0, Y0]), cap_m=cap_m, walking_kmh=walking_kmh)


def check(graph: RoadGraph, times: RoadTimes, limits_min: list[float]) -> tuple[shapely.MultiPolygon, ...]:
    """Assert what is promised of polygons, and return them."""
    areas = isochrones(graph, times, limits_min)
    _, spot = np.unique(graph.node_xy, axis=0, return_inverse=True)
    quickest = np.full(len(graph.node_xy), UNREACHED_MS)
    np.minimum.at(quickest, spot, times.node_ms)  # nodes at one point share the time of the quicker
    wanted_ms = quickest[spot]
    for limit_min, area in zip(limits_min, areas, strict=True):
        assert area.is_valid
        found = shapely.contains_xy(area, *graph.node_xy.T)
        np.testing.assert_array_equal(found, wanted_ms <= limit_min * 60_000)
    rising = [area for _, area in sorted(zip(limits_min, areas, strict=True), key=lambda pair: pair[0])]
    for smaller, larger in pairwise(rising):
        assert smaller.difference(larger).area < 1e-6
    return areas


STREET = network([(0, 0), (6000, 0)], [(0, 1, 60, 60)])


def test_a_road_is_cut_where_the_time_runs_out() -> None:
    times = road_times(STREET, access(STREET, (0, 30)))
    found = reached(times, 90_000)
    assert found.nodes.tolist() == [int(np.argmin(STREET.node_xy[:, 0]))]
    (line,) = reached_lines(STREET, found)
    assert line.length == pytest.approx(1000)
    assert line.bounds == pytest.approx((X0, Y0, X0 + 1000, Y0))


def test_a_place_on_the_way_reaches_both_sides_before_any_node() -> None:
    times = road_times(STREET, access(STREET, (3000, 0)))
    found = reached(times, 60_000)
    assert not len(found.nodes)
    (line,) = reached_lines(STREET, found)
    assert line.bounds == pytest.approx((X0 + 2000, Y0, X0 + 4000, Y0))
    (area,) = check(STREET, times, [1])
    assert area.contains(shapely.Point(X0 + 3000, Y0))
    on_road = area.intersection(shapely.LineString(STREET.node_xy))
    assert on_road.bounds == pytest.approx((X0 + 2000, Y0, X0 + 4000, Y0), abs=6)


def test_one_way_towards_and_from() -> None:
    graph = network([(0, 0), (6000, 0)], [(0, 1, 60, math.nan)])
    place = access(graph, (3000, 0))
    (upstream,) = reached_lines(graph, reached(road_times(graph, place), 60_000))
    (downstream,) = reached_lines(graph, reached(road_times(graph, place, towards=False), 60_000))
    assert upstream.bounds == pytest.approx((X0 + 2000, Y0, X0 + 3000, Y0))
    assert downstream.bounds == pytest.approx((X0 + 3000, Y0, X0 + 4000, Y0))


def test_parts_reached_from_both_ends_meet_or_leave_a_gap() -> None:
    times = road_times(STREET, access(STREET, (0, 0), (6000, 0)))
    apart, joined = reached(times, 120_000), reached(times, 180_000)
    assert apart.end - apart.start == pytest.approx([1 / 3, 1 / 3])
    assert (joined.start.tolist(), joined.end.tolist()) == ([0.0], [1.0])
    (two, one) = check(STREET, times, [2, 3])
    assert [len(two.geoms), len(one.geoms)] == [2, 1]


def test_land_without_road_is_a_hole() -> None:
    corners = [(0.0, 0.0), (3000.0, 0.0), (3000.0, 3000.0), (0.0, 3000.0)]
    graph = network(corners, [(0, 1, 60, 60), (1, 2, 50, 50), (2, 3, 60, 60), (3, 0, 50, 50)])
    (area,) = check(graph, road_times(graph, access(graph, (0, 0))), [30])
    assert not area.contains(shapely.Point(X0 + 1500, Y0 + 1500))
    assert [len(part.interiors) for part in area.geoms] == [1]


def test_an_unreached_street_amid_reached_ones_is_left_out() -> None:
    nodes = [(0.0, 0.0), (1000.0, 0.0), (500.0, 30.0), (500.0, 60.0), (500.0, 0.0)]
    graph = network(nodes, [(0, 4, 60, 60), (4, 1, 50, 50), (2, 3, 60, 60)])
    (area,) = check(graph, road_times(graph, access(graph, (0, 0))), [10])
    assert not area.contains(shapely.Point(X0 + 500, Y0 + 45))


def test_nothing_reached_is_empty() -> None:
    nowhere = access(STREET, (0, 5000))
    times = road_times(STREET, nowhere)
    assert (times.node_ms == UNREACHED_MS).all()
    assert [area.is_empty for area in isochrones(STREET, times, [10, 20])] == [True, True]
    assert isochrones(STREET, times, []) == ()


@pytest.mark.parametrize(
    "wrong", [{"limits_min": [-1]}, {"limits_min": [math.nan]}, {"step_m": 0.0}, {"spread_m": -5.0}]
)
def test_what_makes_no_sense_is_refused(wrong: dict[str, object]) -> None:
    asked = {"limits_min": [10], "step_m": 50.0, "spread_m": 200.0} | wrong
    with pytest.raises(TravelError, match="Isochrones"):
        isochrones(STREET, road_times(STREET, access(STREET, (0, 0))), **asked)  # type: ignore[arg-type]


# Places are in decimetres or millimetres, so that some nodes nearly touch; some are at the very same place.
PLACE = st.one_of(
    st.tuples(st.integers(0, 40), st.integers(0, 40)).map(lambda at: (at[0] * 100.0, at[1] * 100.0)),
    st.tuples(st.integers(0, 3), st.integers(0, 3)).map(lambda at: (1000 + at[0] / 1000, 1000 + at[1] / 1000)),
)
KMH = st.sampled_from([math.nan, 5.0, 30.0, 90.0])


@st.composite
def networks(draw: st.DrawFn) -> RoadGraph:
    points = draw(st.lists(PLACE, min_size=2, max_size=14))
    node = st.integers(0, len(points) - 1)
    roads = draw(st.lists(st.tuples(node, node, KMH, KMH), min_size=1, max_size=25))
    return network(points, [*roads, (0, 1, 30.0, math.nan)])


@settings(max_examples=60)
@given(networks(), PLACE, st.booleans(), st.lists(st.sampled_from([0.0, 0.3, 1.0, 3.0, 8.0, 40.0]), max_size=4))
def test_on_random_networks(graph: RoadGraph, place: Point, towards: bool, limits_min: list[float]) -> None:  # noqa: FBT001
    times = road_times(graph, access(graph, place), towards=towards)
    check(graph, times, limits_min)
    edge = np.repeat(np.arange(len(graph.edge_tail)), 9)
    fraction = np.tile(np.linspace(0.06, 0.94, 9), len(graph.edge_tail))
    time_ms = times_at(times, edge, fraction)
    for limit_min in limits_min:
        found = reached(times, int(limit_min * 60_000))
        part = (found.edge[:, None] == edge) & (found.start[:, None] < fraction) & (found.end[:, None] > fraction)
        sure = np.abs(time_ms - limit_min * 60_000) > 1e-3
        np.testing.assert_array_equal(part.any(axis=0)[sure], (time_ms <= limit_min * 60_000)[sure])


def test_parts_of_lines() -> None:
    graph = network([(0, 0), (300, 0), (300, 400)], [(0, 1, 50, 50), (1, 2, 50, 50)])
    forward, backward, nothing = part_lines(graph, [0, 0, 0], [0.25, 1.0, 0.5], [1.0, 0.25, 0.5])
    assert forward.length == pytest.approx(525)
    assert backward.equals_exact(forward.reverse(), 1e-6)
    assert nothing.length == 0
    ends = points_at(graph, [0, 0], [0.0, 1.0])
    np.testing.assert_array_equal(ends, graph.node_xy[[graph.edge_tail[0], graph.edge_head[0]]])
    assert points_at(graph, [], []).shape == (0, 2)


@pytest.fixture(scope="module")
def andorra(shared: Callable[[str], Path]) -> RoadGraph:
    extract = shared("roads/andorra_worldkg.osm.pbf")
    pytest.importorskip("osmium", reason="reading an extract needs osmium (extra: roads)")
    table, _ = read_osm_roads(extract, speeds=read_road_parameters())
    return build_road_graph(table, crs=CRS, source="Andorre")


@pytest.mark.parametrize("towards", [True, False])
def test_andorra(andorra: RoadGraph, towards: bool) -> None:  # noqa: FBT001
    spots = andorra.node_xy[[200, 1500]] + 25.0
    places = road_access(andorra, spots, cap_m=1000, walking_kmh=5)
    times = road_times(andorra, places, towards=towards)
    areas = check(andorra, times, [10, 20, 30])
    assert sum(len(part.interiors) for part in areas[-1].geoms) > 5
    random = np.random.default_rng(3)
    edge, fraction = random.integers(0, len(andorra.edge_tail), 300), random.uniform(0, 1, 300)
    points = points_at(andorra, edge, fraction)
    on_road = road_access(andorra, points, cap_m=1, walking_kmh=5)
    same = np.flatnonzero((on_road.edge == edge) & (on_road.walk_ms == 0) & (on_road.reason == REACHED))
    assert len(same) > 200
    ends = (points[same], spots) if towards else (spots, points[same])
    wanted = engine_ms(andorra, *ends).min(axis=1 if towards else 0)
    np.testing.assert_allclose(times_at(times, edge, fraction)[same], wanted, rtol=0, atol=2)


def engine_ms(graph: RoadGraph, origins: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return what the engine measures, in milliseconds; infinite without a path."""
    start = pd.DataFrame({"code": map(str, range(len(origins))), "ref_x": origins[:, 0], "ref_y": origins[:, 1]})
    end = pd.DataFrame({"id": map(str, range(len(places))), "x": places[:, 0], "y": places[:, 1]})
    found = road_engine(graph, cap_m=1000, walking_kmh=5)(start, end)
    return np.nan_to_num(found.time_min * 60_000, nan=np.inf)


def test_two_roads_drawn_alike_to_the_millimetre_are_told_apart() -> None:
    """Points nearly at one place, with other times, once broke the triangles."""
    random = np.random.default_rng(11)
    points = [(float(x), float(y)) for x, y in random.integers(0, 9000, (150, 2))]
    pairs = random.integers(0, 150, (400, 2))
    roads = [(int(a), int(b), 60.0, math.nan) for a, b in pairs if a != b]
    roads += [(b, a, 7.0, math.nan) for a, b, *_ in roads]
    graph = network(points, roads)
    check(graph, road_times(graph, access(graph, points[0])), [1, 2, 5, 10])
