"""The road graph on hand-made networks, and against searches on the network as it was before contraction."""

from __future__ import annotations

import heapq
import math
import random
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from sdaasp_geo.errors import TravelError
from sdaasp_geo.travel.road_graph import RoadGraph, build_road_graph, edge_lines, graph_summary

CRS = "EPSG:2154"
X0, Y0 = 700_000, 6_500_000
NO = math.nan


def place(node: int) -> tuple[float, float]:
    """Give each node of a hand-made network its own place, away from the others."""
    return X0 + 1000 * (node % 7), Y0 + 1000 * (node // 7)


def road(tail: int, head: int, **given_: object) -> dict[str, Any]:
    """Return a section of 1 km at 60 km/h (60 000 ms) in both directions, unless said otherwise."""
    section = {"road_class": "tertiary", "name": "", "forward_kmh": 60.0, "backward_kmh": 60.0}
    section |= {"duration_min": NO, "length_m": 1000.0, "from_node": tail, "to_node": head}
    middle = [(place(tail)[0] + 300.0, place(tail)[1] + 500.0)] if tail == head else []
    return section | {"geometry": shapely.LineString([place(tail), *middle, place(head)])} | given_


def oneway(tail: int, head: int, **given_: object) -> dict[str, Any]:
    return road(tail, head, backward_kmh=NO, **given_)


def table(*sections: dict[str, Any], crs: str | None = CRS) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(list(sections), geometry="geometry", crs=crs)


def build(*sections: dict[str, Any]) -> RoadGraph:
    return build_road_graph(table(*sections), crs=CRS, source="essai")


def node_at(graph: RoadGraph, node: int) -> int:
    (found,) = np.flatnonzero((graph.node_xy == place(node)).all(axis=1))
    return int(found)


def edges_of(graph: RoadGraph) -> list[tuple[int, int, int, int]]:
    """Return (tail, head, forward, backward) of every edge, with the numbers of the hand-made network."""
    back = {
        tuple(xy): number
        for xy, number in zip(
            graph.node_xy,
            ((graph.node_xy - [X0, Y0]) / 1000 @ [1, 7]).astype(int).tolist(),
            strict=True,
        )
    }
    name = [back[tuple(xy)] for xy in graph.node_xy]
    columns = (graph.edge_tail, graph.edge_head, graph.edge_forward_ms, graph.edge_backward_ms)
    return [(name[t], name[h], int(f), int(b)) for t, h, f, b in zip(*columns, strict=True)]


def heap_times(arcs: list[tuple[int, int, int]], start: int) -> dict[int, int]:
    """Search the naive way: the reference, with zero times and parallel arcs."""
    out: dict[int, list[tuple[int, int]]] = {}
    for tail, head, time in arcs:
        out.setdefault(tail, []).append((head, time))
    done: dict[int, int] = {}
    waiting = [(0, start)]
    while waiting:
        time, node = heapq.heappop(waiting)
        if node not in done:
            done[node] = time
            for head, more in out.get(node, []):
                heapq.heappush(waiting, (time + more, head))
    return done


def graph_arcs(graph: RoadGraph) -> list[tuple[int, int, int]]:
    tail = np.repeat(np.arange(len(graph.node_xy)), np.diff(graph.first_out))
    return list(zip(tail.tolist(), graph.head.tolist(), graph.weight_ms.tolist(), strict=True))


def test_a_road_without_a_choice_is_one_edge() -> None:
    graph = build(road(0, 1), road(2, 1), road(2, 3))
    assert edges_of(graph) == [(0, 3, 180_000, 180_000)]
    assert graph.edge_length_m.tolist() == [3000]
    assert edge_lines(graph)[0].coords[:] == [place(0), place(1), place(2), place(3)]
    assert graph.component.tolist() == [0, 0]


@pytest.mark.parametrize(
    "different",
    [{"road_class": "track"}, {"name": "Rue du Four"}, {"forward_kmh": 50.0}, {"backward_kmh": NO}],
)
def test_a_change_of_road_is_kept(different: dict[str, Any]) -> None:
    assert len(build(road(0, 1), road(1, 2, **different)).node_xy) == 3


def test_a_junction_is_kept() -> None:
    assert len(build(road(0, 1), road(1, 2), road(1, 8)).edge_tail) == 3


def test_one_way_roads_join_in_their_direction_only() -> None:
    graph = build(oneway(0, 1), oneway(1, 2))
    assert edges_of(graph) == [(0, 2, 120_000, -1)]
    assert graph_arcs(graph) == [(node_at(graph, 0), node_at(graph, 2), 120_000)]
    assert len(build(oneway(0, 1), oneway(2, 1)).node_xy) == 3
    drawn_backwards = build(road(1, 0, forward_kmh=NO), oneway(1, 2))
    assert edges_of(drawn_backwards) == [(0, 2, 120_000, -1)]
    assert edge_lines(drawn_backwards)[0].coords[:] == [place(0), place(1), place(2)]


def test_speeds_of_the_two_directions_stay_apart() -> None:
    graph = build(road(0, 1, forward_kmh=30.0), road(2, 1, backward_kmh=30.0))
    assert edges_of(graph) == [(0, 2, 240_000, 120_000)]


def test_a_roundabout_keeps_its_entries() -> None:
    ring = [oneway(0, 1), oneway(1, 8), oneway(8, 7), oneway(7, 0)]
    graph = build(*ring, road(0, 14), road(8, 9))
    assert sorted(edges_of(graph)) == [
        (0, 8, 120_000, -1),
        (0, 14, 60_000, 60_000),
        (8, 0, 120_000, -1),
        (8, 9, 60_000, 60_000),
    ]
    assert graph.component.max() == 0


def test_a_ring_alone_keeps_one_node() -> None:
    graph = build(oneway(0, 1), oneway(1, 8), oneway(8, 0))
    assert edges_of(graph) == [(0, 0, 180_000, -1)]
    assert len(graph.head) == 0
    (line,) = edge_lines(graph)
    assert line.is_ring
    assert line.coords[1] == place(1)


def test_a_loop_at_the_end_of_a_road_is_an_edge() -> None:
    graph = build(road(0, 1), road(1, 2), road(2, 9), road(9, 1))
    assert edges_of(graph) == [(0, 1, 60_000, 60_000), (1, 1, 180_000, 180_000)]
    assert len(graph.head) == 2
    assert edges_of(build(road(3, 3))) == [(3, 3, 60_000, 60_000)]


def test_parallel_roads_stay_two_edges() -> None:
    detour = shapely.LineString([place(0), (X0 + 500, Y0 + 900), place(1)])
    ends = [road(0, 7), road(1, 8)]
    graph = build(road(0, 1), road(0, 1, length_m=2000.0, geometry=detour), *ends)
    assert sorted(edges_of(graph))[:2] == [(0, 1, 60_000, 60_000), (0, 1, 120_000, 120_000)]
    same_figures = build(road(0, 1), road(0, 1, geometry=detour), *ends)
    assert len(same_figures.edge_tail) == 4
    assert same_figures.sections_repeated == 0


def test_exact_copies_are_left_out_and_counted() -> None:
    graph = build(road(0, 1), road(0, 1), road(0, 1), road(1, 2))
    assert edges_of(graph) == [(0, 2, 120_000, 120_000)]
    assert (graph.sections, graph.sections_repeated, graph.sections_closed) == (4, 2, 0)


def test_sections_closed_both_ways_are_left_out_and_counted() -> None:
    graph = build(road(0, 1), road(1, 2, forward_kmh=NO, backward_kmh=NO))
    assert edges_of(graph) == [(0, 1, 60_000, 60_000)]
    assert graph.sections_closed == 1


def test_a_stated_duration_replaces_the_speed_and_is_never_joined() -> None:
    ferry = {"duration_min": 12.5, "road_class": "ferry"}
    graph = build(road(0, 1, **ferry), road(1, 2, **ferry, backward_kmh=NO))
    assert edges_of(graph) == [(0, 1, 750_000, 750_000), (1, 2, 750_000, -1)]


def test_components_are_numbered_from_the_largest() -> None:
    main = [road(0, 1), road(1, 2), road(1, 8)]
    graph = build(*main, oneway(2, 3), road(20, 21))
    component = {node: graph.component[node_at(graph, node)] for node in (0, 1, 2, 3, 8, 20, 21)}
    assert [component[node] for node in (0, 1, 2, 8)] == [0, 0, 0, 0]
    assert component[20] == component[21] == 1
    assert component[3] == 2
    summary = graph_summary(graph)
    assert (summary["components"], summary["main_nodes"], summary["main_km"]) == (3, 4, 3)
    assert (summary["length_km"], summary["oneway_km"], summary["arcs"]) == (5, 1, 9)


def test_two_nodes_at_one_place_are_not_joined_but_counted() -> None:
    over = road(90, 15, geometry=shapely.LineString([place(1), place(15)]))
    graph = build(road(0, 1), road(1, 2, name="Pont"), over)
    assert graph_summary(graph)["duplicated_nodes"] == 1
    assert graph.component.max() == 1


def test_a_node_at_two_places_is_refused() -> None:
    with pytest.raises(TravelError, match="nœud à plusieurs endroits"):
        build(road(0, 1), road(1, 2, geometry=shapely.LineString([place(8), place(2)])))
    near = shapely.LineString([(place(1)[0] + 0.4, place(1)[1]), place(2)])
    assert len(build(road(0, 1), road(1, 2, geometry=near)).edge_xy) == 4


def test_times_are_rounded_once_per_section() -> None:
    graph = build(road(0, 1, length_m=1.0, forward_kmh=7.0), road(1, 2, length_m=1.0, forward_kmh=7.0))
    assert edges_of(graph) == [(0, 2, 2 * round(3600 / 7), 120)]


def test_degrees_become_metres() -> None:
    roads = table(road(0, 1), road(1, 2)).to_crs("EPSG:4326")
    graph = build_road_graph(roads, crs=CRS)
    assert graph.edge_xy == pytest.approx(np.array([place(0), place(1), place(2)]), abs=0.002)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"forward_kmh": 0.0}, "vitesse nulle"),
        ({"backward_kmh": -5.0}, "vitesse nulle"),
        ({"forward_kmh": math.inf}, "vitesse nulle"),
        ({"length_m": -1.0}, "longueur négative"),
        ({"length_m": NO}, "longueur négative"),
        ({"length_m": 1e12}, "plus de 24 jours"),
        ({"duration_min": -1.0}, "durée négative"),
        ({"geometry": None}, "sans ligne"),
        ({"geometry": shapely.Point(X0, Y0)}, "sans ligne"),
        ({"geometry": shapely.LineString()}, "sans ligne"),
        ({"geometry": shapely.LineString([(math.inf, 0), (1, 1)])}, "n'ont pas de coordonnées"),
        ({"forward_kmh": NO, "backward_kmh": NO}, "aucun tronçon ouvert"),
    ],
)
def test_sections_that_make_no_sense_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(TravelError, match=message):
        build(road(0, 1, **wrong))


def test_a_joined_road_cannot_take_weeks() -> None:
    long = {"length_m": 3e7}
    with pytest.raises(TravelError, match="plus de 24 jours"):
        build(road(0, 1, **long), road(1, 2, **long))


def test_tables_without_columns_crs_or_rows_are_refused() -> None:
    with pytest.raises(TravelError, match="colonnes manquantes, name, length_m"):
        build_road_graph(table(road(0, 1)).drop(columns=["name", "length_m"]), crs=CRS)
    with pytest.raises(TravelError, match="système de coordonnées n'est pas indiqué"):
        build_road_graph(table(road(0, 1), crs=None), crs=CRS)
    with pytest.raises(TravelError, match="pas un système de coordonnées projeté en mètres"):
        build_road_graph(table(road(0, 1)), crs="EPSG:4326")
    with pytest.raises(TravelError, match="aucun tronçon"):
        build_road_graph(table(road(0, 1)).iloc[:0], crs=CRS)


def test_the_fingerprint_is_given_or_that_of_the_content() -> None:
    roads = table(road(0, 1))
    assert build_road_graph(roads, crs=CRS, fingerprint="abc").fingerprint == "abc"
    one = build_road_graph(roads, crs=CRS).fingerprint
    assert len(one) == 64
    assert build_road_graph(table(road(0, 1, length_m=999.0)), crs=CRS).fingerprint != one


KMH = st.sampled_from([(60.0, 60.0), (60.0, NO), (NO, 60.0), (60.0, 30.0)])
SECTION = st.builds(
    lambda tail, head, kmh, length_m, name: road(
        tail, head, forward_kmh=kmh[0], backward_kmh=kmh[1], length_m=length_m, name=name
    ),
    st.integers(0, 11),
    st.integers(0, 11),
    KMH,
    st.sampled_from([0.0, 10.0, 250.0, 1000.0]),
    st.sampled_from(["", "", "", "Grande Rue"]),
)
PATH = st.tuples(st.lists(st.integers(0, 11), min_size=2, max_size=8), KMH).map(
    lambda drawn: [
        road(tail, head, forward_kmh=drawn[1][0], backward_kmh=drawn[1][1])
        for tail, head in zip(drawn[0], drawn[0][1:], strict=False)
    ]
)
NETWORK = st.tuples(st.lists(PATH, max_size=3), st.lists(SECTION, min_size=1, max_size=12)).map(
    lambda drawn: [section for path in drawn[0] for section in path] + drawn[1]
)


def table_arcs(sections: list[dict[str, Any]]) -> list[tuple[int, int, int]]:
    arcs = []
    for row in sections:
        for tail, head, kmh in (
            (row["from_node"], row["to_node"], row["forward_kmh"]),
            (row["to_node"], row["from_node"], row["backward_kmh"]),
        ):
            if not math.isnan(kmh):
                arcs.append((tail, head, round(row["length_m"] * 3600 / kmh)))
    return arcs


@given(NETWORK)
def test_contraction_never_changes_a_shortest_time(sections: list[dict[str, Any]]) -> None:
    graph, before = build(*sections), table_arcs(sections)
    after = graph_arcs(graph)
    kept = {node: node_at(graph, node) for node in range(12) if (graph.node_xy == place(node)).all(axis=1).any()}
    assert len(kept) == len(graph.node_xy)
    for start, number in kept.items():
        expected = heap_times(before, start)
        found = heap_times(after, number)
        assert found == {kept[node]: time for node, time in expected.items() if node in kept}


@given(NETWORK)
def test_contraction_against_scipy(sections: list[dict[str, Any]]) -> None:
    sections = [row | {"length_m": row["length_m"] or 5.0} for row in sections]
    graph = build(*sections)
    quickest: dict[tuple[int, int], int] = {}
    for tail, head, time in table_arcs(sections):
        quickest[tail, head] = min(time, quickest.get((tail, head), time))
    rows, columns = zip(*quickest, strict=True)
    whole = dijkstra(csr_array((list(quickest.values()), (rows, columns)), shape=(12, 12), dtype=float))
    kept = [node for node in range(12) if (graph.node_xy == place(node)).all(axis=1).any()]
    arcs: dict[tuple[int, int], int] = {}
    for tail, head, time in graph_arcs(graph):
        arcs[tail, head] = min(time, arcs.get((tail, head), time))
    size = len(graph.node_xy)
    matrix = csr_array((size, size), dtype=float)
    if arcs:
        rows, columns = zip(*arcs, strict=True)
        matrix = csr_array((list(arcs.values()), (rows, columns)), shape=(size, size), dtype=float)
    order = [node_at(graph, node) for node in kept]
    assert np.array_equal(dijkstra(matrix)[np.ix_(order, order)], whole[np.ix_(kept, kept)])


@given(NETWORK, st.randoms(use_true_random=False))
def test_the_order_of_rows_never_matters(sections: list[dict[str, Any]], shuffle: random.Random) -> None:
    detour = shapely.LineString([place(0), (X0 + 500, Y0 + 900), place(1)])
    rows = [*sections, road(0, 1), road(0, 1, geometry=detour), road(0, 1), road(1, 0)]
    one = build(*rows)
    shuffle.shuffle(rows)
    other = build(*rows)
    for field in one.__dataclass_fields__:
        a, b = getattr(one, field), getattr(other, field)
        assert a.tobytes() == b.tobytes() if isinstance(a, np.ndarray) else a == b


@given(NETWORK)
def test_edges_and_arcs_agree(sections: list[dict[str, Any]]) -> None:
    graph = build(*sections)
    length_m = sum(row["length_m"] for row in sections)
    repeated = graph.sections_repeated
    assert repeated or graph.edge_length_m.sum() == pytest.approx(length_m)
    starts, ends = graph.edge_xy[graph.edge_first[:-1]], graph.edge_xy[graph.edge_first[1:] - 1]
    assert np.array_equal(starts, graph.node_xy[graph.edge_tail])
    assert np.array_equal(ends, graph.node_xy[graph.edge_head])
    tail = np.repeat(np.arange(len(graph.node_xy)), np.diff(graph.first_out))
    forward = graph.edge_tail[graph.arc_edge] == tail
    weight = np.where(forward, graph.edge_forward_ms[graph.arc_edge], graph.edge_backward_ms[graph.arc_edge])
    assert np.array_equal(weight, graph.weight_ms)
    proper = graph.edge_tail != graph.edge_head
    opened = (graph.edge_forward_ms[proper] >= 0).sum() + (graph.edge_backward_ms[proper] >= 0).sum()
    assert len(graph.head) == opened


@given(NETWORK)
def test_lines_keep_every_vertex_in_order(sections: list[dict[str, Any]]) -> None:
    graph = build(*sections)
    lines = edge_lines(graph)
    some = np.arange(len(lines))[::-2]
    assert [line.wkb for line in edge_lines(graph, some)] == [line.wkb for line in lines[some]]
    drawn = sum(row["geometry"].length for row in sections)
    assert graph.sections_repeated or sum(line.length for line in lines) == pytest.approx(drawn)
