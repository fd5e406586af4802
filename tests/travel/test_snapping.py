"""From points to the road: closed forms on hand-made networks, and the whole trip against the network cut at points."""

from __future__ import annotations

import heapq
import math
from itertools import pairwise
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from sdaasp_geo.errors import TravelError
from sdaasp_geo.travel.engine import NOT_MEASURED, OFF_NETWORK, REACHED
from sdaasp_geo.travel.paths import UNREACHED_MS, Arcs, Seeds, nearest_scipy
from sdaasp_geo.travel.road_graph import RoadGraph, build_road_graph
from sdaasp_geo.travel.snapping import (
    ISLAND,
    Access,
    entry_seeds,
    road_access,
    same_edge_ms,
    snap_index,
    through_exits,
)

CRS = "EPSG:2154"
NO = math.nan
Point = tuple[float, float]
Road = tuple[list[Point], str, float, float]


def network(*roads: Road) -> RoadGraph:
    """Make a graph of (vertices, name, km/h forward, km/h backward); a name "ferry" or "motorway" is also a class."""
    nodes: dict[Point, int] = {}
    rows = []
    for vertices, name, forward_kmh, backward_kmh in roads:
        ends = [nodes.setdefault(xy, len(nodes)) for xy in (vertices[0], vertices[-1])]
        line = shapely.LineString(vertices)
        road_class = name if name in {"ferry", "motorway"} else "tertiary"
        rows.append((*ends, road_class, name, forward_kmh, backward_kmh, NO, line.length, line))
    columns = ["from_node", "to_node", "road_class", "name", "forward_kmh", "backward_kmh", "duration_min", "length_m"]
    table = gpd.GeoDataFrame(rows, columns=[*columns, "geometry"], geometry="geometry", crs=CRS)
    return build_road_graph(table, crs=CRS)


def access(graph: RoadGraph, *points: Point, cap_m: float = 500, walking_kmh: float = 3.6) -> Access:
    """Walk at 1 m/s, unless said otherwise."""
    return road_access(graph, points, cap_m=cap_m, walking_kmh=walking_kmh)


def door_to_door(graph: RoadGraph, origin: Access, place: Access) -> np.ndarray:
    """Put everything together, as an engine does: time of every pair."""
    row, node, offset_ms = entry_seeds(place)
    lanes = len(place.edge)
    arcs = Arcs(graph.first_out, graph.head, graph.weight_ms)
    seeds = Seeds(node, offset_ms, row.astype(np.int32), row.astype(np.int32))
    found = nearest_scipy(arcs, seeds, lanes=lanes)
    times, which = through_exits(origin, found.time_ms, found.place)
    assert np.array_equal(which >= 0, times < UNREACHED_MS)
    one, other, direct = same_edge_ms(graph, origin, place)
    np.minimum.at(times, (one, other), direct)
    return times


STREET: Road = ([(0, 0), (1000, 0)], "Grande Rue", 36.0, 18.0)  # 100 s forward, 200 s back


def test_a_point_beside_a_two_way_road() -> None:
    at = access(network(STREET), (250, 40))
    assert (at.reason[0], at.edge[0], at.fraction[0], at.snap_m[0], at.walk_ms[0]) == (REACHED, 0, 0.25, 40, 40_000)
    assert (at.road_class[0], at.road_name[0]) == ("tertiary", "Grande Rue")
    assert at.exit_node.tolist() == [[1, 0]]
    assert at.exit_ms.tolist() == [[40_000 + 75_000, 40_000 + 50_000]]
    assert at.entry_node.tolist() == [[0, 1]]
    assert at.entry_ms.tolist() == [[40_000 + 25_000, 40_000 + 150_000]]


def test_a_one_way_road_is_left_and_reached_one_way() -> None:
    loop: Road = ([(1000, 0), (1000, 500), (0, 500), (0, 0)], "Retour", 36.0, NO)
    graph = network(([(0, 0), (1000, 0)], "Aller", 36.0, NO), loop)
    at = access(graph, (250, 40))
    assert at.reason[0] == REACHED
    assert at.exit_node.tolist() == [[1, -1]]
    assert at.exit_ms.tolist() == [[115_000, UNREACHED_MS]]
    assert at.entry_node.tolist() == [[0, -1]]
    assert at.entry_ms.tolist() == [[65_000, UNREACHED_MS]]


def test_trips_within_a_two_way_edge() -> None:
    graph = network(STREET)
    points = access(graph, (100, 0), (600, 10))
    one, other, time_ms = same_edge_ms(graph, points, points)
    assert list(zip(one.tolist(), other.tolist(), time_ms.tolist(), strict=True)) == [
        (0, 0, 0),
        (0, 1, 50_000 + 10_000),
        (1, 0, 100_000 + 10_000),
        (1, 1, 20_000),
    ]


def test_trips_within_a_one_way_edge_go_round_when_they_must() -> None:
    loop: Road = ([(1000, 0), (1000, 500), (0, 500), (0, 0)], "Retour", 36.0, NO)
    graph = network(([(0, 0), (1000, 0)], "Aller", 36.0, NO), loop)
    points = access(graph, (100, 0), (600, 0))
    pairs = same_edge_ms(graph, points, points)
    assert list(zip(*(part.tolist() for part in pairs), strict=True)) == [(0, 0, 0), (0, 1, 50_000), (1, 1, 0)]
    round_trip = 300_000  # 3 km at 36 km/h
    assert door_to_door(graph, points, points).tolist() == [[0, 50_000], [round_trip - 50_000, 0]]


def test_a_loop_can_be_driven_both_ways_through_its_node() -> None:
    ring: Road = ([(0, 0), (1000, 0), (1000, 1000), (0, 1000), (0, 0)], "Boucle", 36.0, 36.0)
    graph = network(ring, ([(0, 0), (-500, 0)], "Accès", 36.0, 36.0))
    points = access(graph, (100, 0), (0, 200))
    assert door_to_door(graph, points, points).tolist() == [[0, 30_000], [30_000, 0]]


def test_between_parallel_roads_the_nearest_is_taken() -> None:
    detour: Road = ([(0, 0), (500, 300), (1000, 0)], "Rocade", 36.0, 36.0)
    graph = network(STREET, detour)
    at = access(graph, (500, 100), (500, 250))
    assert at.road_name.tolist() == ["Grande Rue", "Rocade"]
    times = door_to_door(graph, at, at)
    assert times[0, 1] == min(at.exit_ms[0] + at.entry_ms[1, ::-1])  # out by a node, in by the same
    assert len(same_edge_ms(graph, at, at)[0]) == 2


def test_at_a_junction_the_lowest_edge_is_taken() -> None:
    graph = network(STREET, ([(1000, 0), (1000, 900)], "B", 36.0, 36.0), ([(1000, 0), (1900, 0)], "C", 36.0, 36.0))
    at = access(graph, (1000, -20), (1000, 0))
    assert at.edge.tolist() == [0, 0]
    assert at.fraction.tolist() == [1, 1]
    assert at.exit_ms.tolist() == [[20_000, 220_000], [0, 200_000]]


def test_the_cap_and_the_missing_coordinates_are_reasons() -> None:
    graph = network(STREET)
    at = access(graph, (500, 500), (500, 500.1), (NO, 3), (3, math.inf))
    assert at.reason.tolist() == [REACHED, OFF_NETWORK, NOT_MEASURED, NOT_MEASURED]
    assert at.edge.tolist() == [0, -1, -1, -1]
    assert at.snap_m[:2] == pytest.approx([500, 500.1])
    assert np.isnan(at.snap_m[2:]).all()
    assert at.road_name.tolist() == ["Grande Rue", "Grande Rue", "", ""]
    assert (at.exit_node[1:] == -1).all()
    assert (at.entry_ms[1:] == UNREACHED_MS).all()
    assert at.walk_ms.tolist() == [500_000, 0, 0, 0]
    assert same_edge_ms(graph, at, at)[0].tolist() == [0]
    times = door_to_door(graph, at, at)
    assert (times[1:] == UNREACHED_MS).all()
    assert (times[:, 1:] == UNREACHED_MS).all()


def test_walking_may_be_left_out_and_must_make_sense() -> None:
    graph = network(STREET)
    assert access(graph, (250, 40), walking_kmh=math.inf).exit_ms.tolist() == [[75_000, 50_000]]
    for wrong in ({"walking_kmh": 0.0}, {"walking_kmh": -1.0}, {"walking_kmh": NO}, {"cap_m": -1.0}, {"cap_m": NO}):
        with pytest.raises(TravelError, match="Accès à la route"):
            access(graph, (250, 40), **wrong)
    with pytest.raises(TravelError, match="24 jours"):
        access(graph, (250, 400), walking_kmh=1e-6)
    empty = access(graph)
    assert len(empty.reason) == 0
    assert len(same_edge_ms(graph, empty, access(graph, (1, 1)))[0]) == 0


MAIN: list[Road] = [STREET, ([(1000, 0), (1000, 900)], "B", 36.0, 36.0), ([(1000, 0), (1900, 0)], "C", 36.0, 36.0)]
TRACK: Road = ([(0, 300), (900, 300)], "Chemin isolé", 36.0, 36.0)


def test_a_small_island_gives_way_to_the_main_network_within_the_cap() -> None:
    graph = network(*MAIN, TRACK)
    at = access(graph, (200, 290), cap_m=500)
    assert (at.reason[0], at.road_name[0], at.snap_m[0]) == (REACHED, "Grande Rue", 290)
    far = access(graph, (200, 290), cap_m=200)
    assert (far.reason[0], far.road_name[0], far.snap_m[0]) == (ISLAND, "Chemin isolé", 10)
    assert (far.exit_node >= 0).all()
    beyond = access(graph, (-900, 300), cap_m=200)
    assert (beyond.reason[0], beyond.road_name[0], beyond.edge[0]) == (OFF_NETWORK, "Chemin isolé", -1)


def test_points_stay_on_an_island_of_some_size() -> None:
    graph = network(*MAIN, TRACK)
    index = snap_index(graph, island_nodes=2)
    at = road_access(graph, [(200, 290), (500, 300)], cap_m=500, walking_kmh=3.6, index=index)
    assert at.reason.tolist() == [ISLAND, ISLAND]
    assert at.road_name.tolist() == ["Chemin isolé", "Chemin isolé"]
    pairs = same_edge_ms(graph, at, at)
    assert [part.tolist()[1] for part in pairs] == [0, 1, 10_000 + 30_000]


def test_a_one_way_dead_end_is_not_the_main_network() -> None:
    dead_end: Road = ([(1000, 900), (1000, 1800)], "Impasse à sens unique", 36.0, NO)
    graph = network(*MAIN, dead_end)
    at = access(graph, (1010, 1000), (1010, 1700), cap_m=500)
    assert at.reason.tolist() == [REACHED, ISLAND]
    assert at.road_name.tolist() == ["B", "Impasse à sens unique"]
    times = door_to_door(graph, at, at)
    assert times[0, 1] < UNREACHED_MS
    assert times[1, 0] == UNREACHED_MS
    tie = access(graph, (1000, 900))
    assert tie.road_name[0] == "B"


def test_nobody_stops_on_a_motorway_or_a_ferry() -> None:
    motorway: Road = ([(0, 100), (1900, 100)], "motorway", 108.0, NO)
    crossing: Road = ([(1900, 0), (1900, 900)], "ferry", 18.0, 18.0)
    graph = network(*MAIN, motorway, crossing)
    at = access(graph, (300, 110), (1890, 400), (1890, 600))
    assert at.road_name.tolist() == ["Grande Rue", "C", "C"]
    assert at.reason.tolist() == [REACHED, REACHED, OFF_NETWORK]
    only = network((motorway[0], "motorway", 108.0, 108.0))
    lost = access(only, (300, 110))
    assert lost.reason[0] == OFF_NETWORK
    assert np.isnan(lost.snap_m[0])
    assert lost.road_class[0] == ""


def test_a_road_of_no_length() -> None:
    graph = network(STREET, ([(0, 0), (0, 0)], "Point", 36.0, 36.0))
    at = road_access(graph, [(0, -30)], cap_m=100, walking_kmh=3.6)
    assert at.reason[0] == REACHED
    assert at.fraction[0] == 0


def test_of_equal_times_the_lowest_place() -> None:
    at = access(network(STREET), (500, 0))  # 50 s to its head, 100 s to its tail
    times = np.array([[0, UNREACHED_MS], [50_000, UNREACHED_MS]])
    best, which = through_exits(at, times, np.array([[3, -1], [7, -1]], dtype=np.int32))
    assert (best.tolist(), which.tolist()) == ([[100_000, UNREACHED_MS]], [[3, -1]])
    best, which = through_exits(at, times, np.array([[9, -1], [7, -1]], dtype=np.int32))
    assert (best.tolist(), which.tolist()) == ([[100_000, UNREACHED_MS]], [[7, -1]])


GRID = st.tuples(st.integers(0, 3), st.integers(0, 3))
ROADS = st.lists(
    st.tuples(GRID, GRID, st.sampled_from([(36.0, 36.0), (36.0, NO), (NO, 36.0), (36.0, 18.0)])),
    min_size=1,
    max_size=14,
).map(
    lambda drawn: [
        ([(a[0] * 1000.0, a[1] * 1000.0), (b[0] * 1000.0, b[1] * 1000.0)], "", *kmh) for a, b, kmh in drawn if a != b
    ]
)
SPOTS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 10)), min_size=1, max_size=5)


def cut_arcs(graph: RoadGraph, at: Access) -> dict[int, list[tuple[int, float]]]:
    """Cut every edge at its points; points are nodes after those of the graph."""
    nodes = len(graph.node_xy)
    arcs: dict[int, list[tuple[int, float]]] = {}
    for edge in range(len(graph.edge_tail)):
        on = sorted((float(at.fraction[row]), nodes + int(row)) for row in np.flatnonzero(at.edge == edge))
        stops = [(0.0, int(graph.edge_tail[edge])), *on, (1.0, int(graph.edge_head[edge]))]
        for (start, a), (end, b) in pairwise(stops):
            arcs.setdefault(a, []).append((b, (end - start) * graph.edge_forward_ms[edge]))
            one_spot = start == end and nodes <= min(a, b)
            if graph.edge_backward_ms[edge] >= 0 or one_spot:
                arcs.setdefault(b, []).append((a, (end - start) * graph.edge_backward_ms[edge]))
    return arcs


def cut_times(graph: RoadGraph, at: Access) -> np.ndarray:
    """Search the naive way between points that are nodes: the reference."""
    arcs, nodes = cut_arcs(graph, at), len(graph.node_xy)
    times = np.full((len(at.edge), len(at.edge)), float(UNREACHED_MS))
    for row in range(len(at.edge)):
        done: dict[int, float] = {}
        waiting = [(0.0, nodes + row)]
        while waiting:
            time, node = heapq.heappop(waiting)
            if node not in done:
                done[node] = time
                for head, more in arcs.get(node, []):
                    heapq.heappush(waiting, (time + more, head))
        for other in range(len(at.edge)):
            if nodes + other in done:
                times[row, other] = done[nodes + other] + at.walk_ms[row] + at.walk_ms[other]
    return times


@given(ROADS.filter(bool), SPOTS)
def test_door_to_door_against_the_network_cut_at_points(roads: list[Road], spots: list[tuple[int, int]]) -> None:
    graph = network(*roads)
    points = [
        (
            graph.edge_xy[graph.edge_first[spot % len(graph.edge_tail)]] * (1 - part / 10)
            + graph.edge_xy[graph.edge_first[spot % len(graph.edge_tail)] + 1] * part / 10
            + (0, spot % 3)
        )
        for spot, part in spots
    ]
    at = road_access(graph, points, cap_m=500, walking_kmh=3.6)
    assert (at.edge >= 0).all()
    assert door_to_door(graph, at, at) == pytest.approx(cut_times(graph, at), abs=2)


@given(st.lists(st.tuples(st.integers(-900, 2800), st.integers(-900, 1800)), min_size=1, max_size=8))
def test_snapping_against_every_edge(points: list[tuple[int, int]]) -> None:
    graph = network(*MAIN, TRACK)
    at = access(graph, *points)
    lines = [(shapely.LineString(vertices), name) for vertices, name, _, _ in [*MAIN, TRACK]]
    for row, xy in enumerate(points):
        spot = shapely.Point(xy)
        main = min(line.distance(spot) for line, _ in lines[:-1])
        track = lines[-1][0].distance(spot)
        expected = REACHED if main <= 500 else ISLAND if track <= 500 else OFF_NETWORK
        assert at.reason[row] == expected
        assert at.snap_m[row] == pytest.approx(main if main <= 500 else min(main, track))


def test_andorra() -> None:
    pytest.importorskip("osmium")
    extract = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "roads" / "andorra_graphhopper.osm.pbf"
    if not extract.exists():
        pytest.skip("the extract is in the workshop only")
    from sdaasp_geo.road_speeds import read_road_parameters  # noqa: PLC0415 - with an optional part
    from sdaasp_geo.sources.osm_roads import read_osm_roads  # noqa: PLC0415

    roads, _ = read_osm_roads(extract, speeds=read_road_parameters())
    graph = build_road_graph(roads, crs=CRS)
    towns = gpd.GeoSeries(gpd.points_from_xy([1.5218, 1.5339, 1.4895], [42.5063, 42.5090, 42.4636]), crs="EPSG:4326")
    at = road_access(graph, shapely.get_coordinates(towns.to_crs(CRS)), cap_m=1000, walking_kmh=5)
    assert at.reason.tolist() == [REACHED] * 3
    assert (at.snap_m < 200).all()
    minutes = door_to_door(graph, at, at) / 60_000
    # Andorra la Vella to Escaldes is next door, Sant Julià is 6 km down the valley.
    assert 0 < minutes[0, 1] < 8
    assert 6 < minutes[0, 2] < 20
    assert graph.edge_length_m.sum() == pytest.approx(roads["length_m"].sum())
