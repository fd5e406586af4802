"""One trip: its line holds together, and its time is that of the engine to the millisecond."""

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
from hypothesis import given
from hypothesis import strategies as st

from sdaasp_geo.road_speeds import read_road_parameters
from sdaasp_geo.sources.osm_roads import read_osm_roads
from sdaasp_geo.travel.engine import NOT_MEASURED, OFF_NETWORK, REACHED, UNREACHABLE
from sdaasp_geo.travel.paths import UNREACHED_MS
from sdaasp_geo.travel.road_engine import road_engine
from sdaasp_geo.travel.road_graph import RoadGraph, build_road_graph
from sdaasp_geo.travel.snapping import snap_index
from sdaasp_geo.travel.trips import Step, Trip, find_trip

CRS = "EPSG:2154"
X0, Y0 = 700_000.0, 6_500_000.0
Point = tuple[float, float]
Road = tuple[int, int, str, float, float]
"""Nodes at the ends, name, and speeds there and back (NaN: closed)."""


def network(points: list[Point], roads: list[Road]) -> RoadGraph:
    rows = []
    for tail, head, name, forward, backward in roads:
        ends = [(X0 + points[node][0], Y0 + points[node][1]) for node in (tail, head)]
        bend = (ends[0][0] + 40.0, ends[0][1] + 90.0)
        line = shapely.LineString([ends[0], bend, ends[1]] if ends[0] == ends[1] else ends)
        rows.append((tail, head, "tertiary", name, forward, backward, math.nan, line.length, line))
    columns = ["from_node", "to_node", "road_class", "name", "forward_kmh", "backward_kmh"]
    columns += ["duration_min", "length_m", "geometry"]
    return build_road_graph(gpd.GeoDataFrame(rows, columns=columns, geometry="geometry", crs=CRS), crs=CRS)


def trip(graph: RoadGraph, origin: Point, place: Point) -> Trip:
    start, end = (X0 + origin[0], Y0 + origin[1]), (X0 + place[0], Y0 + place[1])
    return find_trip(graph, start, end, cap_m=500, walking_kmh=3.6)


def engine_times(
    graph: RoadGraph, origins: np.ndarray, places: np.ndarray, cap_m: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return milliseconds and reasons of every pair."""
    engine = road_engine(graph, cap_m=cap_m, walking_kmh=3.6)
    start = pd.DataFrame({"code": map(str, range(len(origins))), "ref_x": origins[:, 0], "ref_y": origins[:, 1]})
    end = pd.DataFrame({"id": map(str, range(len(places))), "x": places[:, 0], "y": places[:, 1]})
    found = engine(start, end)
    return np.nan_to_num(found.time_min * 60_000, nan=UNREACHED_MS).round().astype(int), found.reason


def holds_together(found: Trip) -> None:
    parts = [line for line in (found.walk_start, found.drive, found.walk_end) if not line.is_empty]
    for before, after in pairwise(parts):
        assert before.coords[-1] == pytest.approx(after.coords[0], abs=1e-6)
    walked = found.walk_start_ms + found.walk_end_ms
    assert walked + found.drive_ms == (found.time_ms if found.reason == REACHED else 0)
    assert sum(step.length_m for step in found.steps) == pytest.approx(found.length_m)


# A square of two-way streets, 1 km a side, and a lane across it that is open one way.
SQUARE = network(
    [(0, 0), (1000, 0), (1000, 1000), (0, 1000)],
    [
        (0, 1, "Rue du Sud", 36, 36),
        (1, 2, "Rue de l'Est", 36, 36),
        (2, 3, "Rue du Nord", 36, 36),
        (3, 0, "Rue de l'Ouest", 36, 36),
        (0, 2, "Passage", 36, math.nan),
    ],
)


def test_a_trip_through_nodes() -> None:
    found = trip(SQUARE, (500, -30), (1040, 400))
    assert (found.reason, found.time_ms, found.time_min) == (REACHED, 160_000, pytest.approx(160 / 60))
    assert (found.walk_start_ms, found.drive_ms, found.walk_end_ms) == (30_000, 90_000, 40_000)
    assert found.drive.coords[:] == [(X0 + 500, Y0), (X0 + 1000, Y0), (X0 + 1000, Y0 + 400)]
    assert found.walk_start.coords[:] == [(X0 + 500, Y0 - 30), (X0 + 500, Y0)]
    assert found.walk_end.coords[:] == [(X0 + 1000, Y0 + 400), (X0 + 1040, Y0 + 400)]
    assert found.steps == (Step("Rue du Sud", "tertiary", 500.0), Step("Rue de l'Est", "tertiary", 400.0))
    holds_together(found)


def test_a_trip_along_one_street() -> None:
    found = trip(SQUARE, (700, 0), (200, 0))
    assert found.drive.coords[:] == [(X0 + 700, Y0), (X0 + 200, Y0)]
    assert (found.time_ms, found.length_m) == (50_000, pytest.approx(500))
    assert found.walk_start.is_empty
    assert found.walk_end.is_empty


def test_a_one_way_lane_is_taken_in_its_direction_only() -> None:
    there, back = trip(SQUARE, (400, 400), (600, 600)), trip(SQUARE, (600, 600), (400, 400))
    assert there.length_m == pytest.approx(math.hypot(200, 200))
    assert back.length_m == pytest.approx(2000 + 2 * math.hypot(400, 400))
    assert back.steps[0].road_name == back.steps[-1].road_name == "Passage"
    holds_together(back)


def test_going_nowhere() -> None:
    found = trip(SQUARE, (500, 0), (500, 0))
    assert (found.reason, found.time_ms, found.length_m, found.steps) == (REACHED, 0, 0.0, ())
    assert found.drive.is_empty


def test_why_there_is_no_trip() -> None:
    one_way = network([(0, 0), (1000, 0), (5000, 0), (6000, 0)], [(0, 1, "", 36, math.nan), (2, 3, "", 36, 36)])
    assert trip(SQUARE, (500, 0), (9000, 0)).reason == OFF_NETWORK
    assert trip(SQUARE, (math.nan, 0), (9000, 0)).reason == NOT_MEASURED
    assert trip(one_way, (900, 0), (100, 0)).reason in {UNREACHABLE, "îlot"}
    none = trip(one_way, (100, 0), (5500, 0))
    assert (none.time_ms, none.length_m, none.drive.is_empty) == (UNREACHED_MS, 0.0, True)
    assert math.isnan(none.time_min)


PLACE = st.tuples(st.integers(0, 12), st.integers(0, 12)).map(lambda at: (at[0] * 100.0, at[1] * 100.0))
KMH = st.sampled_from([math.nan, 5.0, 36.0, 90.0])


@st.composite
def networks(draw: st.DrawFn) -> RoadGraph:
    points = draw(st.lists(PLACE, min_size=2, max_size=10))
    node = st.integers(0, len(points) - 1)
    roads = draw(st.lists(st.tuples(node, node, st.sampled_from(["", "A"]), KMH, KMH), min_size=1, max_size=20))
    return network(points, [*roads, (0, 1, "", 30.0, math.nan)])


@given(networks(), st.lists(PLACE, min_size=2, max_size=4))
def test_times_of_the_engine_on_random_networks(graph: RoadGraph, points: list[Point]) -> None:
    xy = np.array(points) + np.array([X0, Y0])
    time_ms, reason = engine_times(graph, xy, xy, 500)
    for row, origin in enumerate(points):
        for column, place in enumerate(points):
            found = trip(graph, origin, place)
            assert (found.time_ms, found.reason) == (time_ms[row, column], reason[row, column])
            holds_together(found)


def test_andorra(shared: Callable[[str], Path]) -> None:
    extract = shared("roads/andorra_worldkg.osm.pbf")
    pytest.importorskip("osmium", reason="reading an extract needs osmium (extra: roads)")
    table, _ = read_osm_roads(extract, speeds=read_road_parameters())
    graph = build_road_graph(table, crs=CRS)
    random = np.random.default_rng(5)
    spots = graph.node_xy[random.integers(0, len(graph.node_xy), 24)] + random.uniform(-150, 150, (24, 2))
    origins, places = spots[:16], spots[16:]
    time_ms, reason = engine_times(graph, origins, places, 1000)
    index = snap_index(graph)
    for row, column in np.ndindex(16, 8):
        found = find_trip(graph, origins[row], places[column], cap_m=1000, walking_kmh=3.6, index=index)
        assert (found.time_ms, found.reason) == (time_ms[row, column], reason[row, column])
        holds_together(found)
        if found.reason == REACHED and not found.drive.is_empty:
            assert found.drive.length == pytest.approx(found.length_m, rel=0.01)
