"""Shortest paths: scipy against a plain Dijkstra, then the bucket queue against scipy."""

from __future__ import annotations

import heapq

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdaasp_geo.travel import paths
from sdaasp_geo.travel.paths import NO_PLACE, UNREACHED_MS, Arcs, Nearest, Seeds, arcs_from, transpose
from sdaasp_geo.travel.paths_choice import LABELS, QUEUE, SCIPY, SWEEP, choose

LANES = 3
FEW = 3


def int32(*columns: object) -> list[paths.Int32]:
    return [np.asarray(column, dtype=np.int32) for column in columns]


def seeds_of(rows: list[tuple[int, int, int, int]]) -> Seeds:
    return Seeds(*int32(*(np.array(rows, dtype=np.int64).reshape(-1, 4).T)))


def plain_nearest(arcs: Arcs, seeds: Seeds, lanes: int) -> Nearest:
    """Dijkstra as in textbooks, with Python integers."""
    back = transpose(arcs)
    time_ms = np.full((arcs.nodes, lanes), UNREACHED_MS, dtype=np.int32)
    place = np.full((arcs.nodes, lanes), NO_PLACE, dtype=np.int32)
    for lane in range(lanes):
        own = seeds.where(seeds.lane == lane)
        heap = [(int(o), int(p), int(v)) for v, o, p in zip(own.node, own.offset_ms, own.place, strict=True)]
        heapq.heapify(heap)
        done = set()
        while heap:
            time, number, node = heapq.heappop(heap)
            if node in done or time >= UNREACHED_MS:
                continue
            done.add(node)
            time_ms[node, lane], place[node, lane] = time, number
            for arc in range(back.first_out[node], back.first_out[node + 1]):
                heapq.heappush(heap, (time + int(back.weight_ms[arc]), number, int(back.head[arc])))
    return Nearest(time_ms, place)


def assert_same(ours: object, theirs: object) -> None:
    for name, column in vars(theirs).items():
        np.testing.assert_array_equal(getattr(ours, name), column, err_msg=name)


WEIGHTS = st.one_of(st.just(0), st.integers(0, 5), st.integers(0, 100_000), st.integers(0, UNREACHED_MS))
OFFSETS = st.one_of(st.just(0), st.integers(0, 20), st.integers(0, UNREACHED_MS))


@st.composite
def questions(draw: st.DrawFn, weights: st.SearchStrategy[int] = WEIGHTS) -> tuple[Arcs, Seeds]:
    """Draw a graph (one-way, parallel arcs, self loops, zero times, islands) and places on it."""
    nodes = draw(st.integers(1, 12))
    node = st.integers(0, nodes - 1)
    arcs = draw(st.lists(st.tuples(node, node, weights), max_size=40))
    rows = draw(st.lists(st.tuples(node, OFFSETS, st.integers(0, LANES - 1), st.integers(0, 5)), max_size=10))
    columns = np.array(arcs, dtype=np.int64).reshape(-1, 3).T
    return arcs_from(*columns, nodes=nodes), seeds_of(rows)


def random_question(rng: np.random.Generator) -> tuple[Arcs, Seeds]:
    nodes, count, places = (int(rng.integers(low, high)) for low, high in ((1, 60), (0, 200), (0, 15)))
    most = int(rng.choice([1, 3, 1000, 100_000, UNREACHED_MS]))
    ends = rng.integers(0, nodes, (2, count))
    rows = [rng.integers(0, high, places) for high in (nodes, int(rng.choice([1, 9, 2**31])), LANES, 6)]
    return arcs_from(*ends, rng.integers(0, most + 1, count), nodes=nodes), Seeds(*int32(*rows))


@given(questions())
def test_scipy_equals_a_plain_dijkstra(question: tuple[Arcs, Seeds]) -> None:
    arcs, seeds = question
    assert_same(paths.nearest_scipy(arcs, seeds, lanes=LANES), plain_nearest(arcs, seeds, LANES))


@given(questions())
def test_queue_equals_a_plain_dijkstra(question: tuple[Arcs, Seeds]) -> None:
    queue = pytest.importorskip("sdaasp_geo.travel.paths_numba")
    arcs, seeds = question
    assert_same(queue.nearest_queue(arcs, seeds, lanes=LANES), plain_nearest(arcs, seeds, LANES))


def test_queue_equals_scipy_on_thousands_of_questions() -> None:
    queue = pytest.importorskip("sdaasp_geo.travel.paths_numba")
    rng = np.random.default_rng(3)
    for number in range(500):
        arcs, seeds = random_question(rng)
        threads = 1 + number % 2
        nodes = rng.integers(0, arcs.nodes, 7).astype(np.int32)
        theirs = paths.nearest_scipy(arcs, seeds, lanes=LANES)
        assert_same(theirs, plain_nearest(arcs, seeds, LANES))
        assert_same(queue.nearest_queue(arcs, seeds, lanes=LANES, threads=threads), theirs)
        some = queue.nearest_queue(arcs, seeds, lanes=LANES, nodes=nodes, backward=transpose(arcs))
        assert_same(some, Nearest(theirs.time_ms[nodes], theirs.place[nodes]))
        few = paths.few_scipy(arcs, seeds, lanes=LANES, k=FEW)
        assert_same(queue.few_queue(arcs, seeds, lanes=LANES, k=FEW, threads=threads), few)
        assert_same(Nearest(few.time_ms[..., 0], few.place[..., 0]), theirs)
        limit = int(rng.choice([0, 5, 10_000, UNREACHED_MS]))
        within = paths.within_scipy(arcs, seeds, limit_ms=limit, nodes=nodes)
        assert_same(queue.within_queue(arcs, seeds, limit_ms=limit, nodes=nodes), within)
        for origins, targets in ((nodes[:2], nodes), (nodes, nodes[:3])):
            times = paths.matrix_scipy(arcs, origins, targets)
            np.testing.assert_array_equal(queue.matrix_queue(arcs, origins, targets, threads=threads), times)


def test_matrix_goes_from_origins_to_targets() -> None:
    one_way = arcs_from([0, 1], [1, 2], [7, 5], nodes=3)
    far = UNREACHED_MS
    expected = [[0, 7, 12], [far, 0, 5], [far, far, 0]]
    for part in (slice(0, 1), slice(0, 3)):
        everywhere, some = np.arange(3, dtype=np.int32), np.arange(3, dtype=np.int32)[part]
        np.testing.assert_array_equal(paths.matrix_scipy(one_way, some, everywhere), expected[part])
        columns = [row[part] for row in expected]
        np.testing.assert_array_equal(paths.matrix_scipy(one_way, everywhere, some), columns)


def test_times_go_towards_the_places_and_ties_to_the_lowest() -> None:
    one_way = arcs_from([0, 1, 0], [1, 2, 2], [7, 5, 12], nodes=4)
    at_both_ends = seeds_of([(2, 0, 0, 9), (2, 0, 0, 4), (1, 5, 0, 4)])
    found = paths.nearest_scipy(one_way, at_both_ends, lanes=1)
    assert found.time_ms[:, 0].tolist() == [12, 5, 0, UNREACHED_MS]
    assert found.place[:, 0].tolist() == [4, 4, 4, NO_PLACE]


def test_within_includes_the_limit_and_is_sorted() -> None:
    line = arcs_from([0, 1, 2], [1, 2, 3], [10, 10, 10], nodes=4)
    found = paths.within_scipy(line, seeds_of([(3, 0, 1, 0), (2, 5, 0, 8)]), limit_ms=20)
    rows = list(zip(*(column.tolist() for column in vars(found).values()), strict=True))
    assert rows == [(1, 0, 8, 15), (1, 1, 0, 20), (2, 0, 8, 5), (2, 1, 0, 10), (3, 1, 0, 0)]


def test_few_counts_a_place_once() -> None:
    line = arcs_from([0, 1], [1, 2], [10, 10], nodes=3)
    found = paths.few_scipy(line, seeds_of([(1, 0, 0, 0), (2, 0, 0, 0), (2, 3, 0, 1)]), lanes=1, k=3)
    assert found.place[0, 0].tolist() == [0, 1, NO_PLACE]
    assert found.time_ms[0, 0].tolist() == [10, 23, UNREACHED_MS]


@pytest.mark.parametrize(
    ("first_out", "head", "weight", "message"),
    [
        ([0, 2], [0], [1], "first_out must rise"),
        ([0, 2, 1], [0], [1], "first_out must rise"),
        ([0, 1], [1], [1], "does not exist"),
        ([0, 1], [-1], [1], "does not exist"),
        ([0, 1], [0], [-1], "negative time"),
    ],
)
def test_arcs_out_of_bounds_are_refused(first_out: list[int], head: list[int], weight: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Arcs(np.array(first_out, dtype=np.int64), *int32(head, weight))


def test_seeds_out_of_bounds_are_refused() -> None:
    arcs = arcs_from([0], [1], [1], nodes=2)
    with pytest.raises(ValueError, match="leaves a node"):
        arcs_from([2], [1], [1], nodes=2)
    with pytest.raises(ValueError, match="different lengths"):
        Seeds(*int32([0], [0], [0], []))
    with pytest.raises(ValueError, match="negative number"):
        seeds_of([(0, -1, 0, 0)])
    for wrong in ((2, 0, 0, 0), (0, 0, 1, 0)):
        with pytest.raises(ValueError, match="does not exist"):
            paths.nearest_scipy(arcs, seeds_of([wrong]), lanes=1)


def test_the_engine_is_chosen_and_says_why() -> None:
    million = 1_000_000
    assert choose(nodes=million, lanes=30, compiled=False).engine == SCIPY
    assert choose(nodes=million, lanes=1, prepared=True, compiled=True).engine == SWEEP
    assert choose(nodes=1000, lanes=30, compiled=True, contracting=True).engine == SCIPY
    assert choose(nodes=million, lanes=30, compiled=True, contracting=True).engine == QUEUE
    assert choose(nodes=million, lanes=5000, compiled=True, contracting=False).engine == QUEUE
    many = choose(nodes=million, lanes=5000, compiled=True, contracting=True)
    assert many.engine == SWEEP
    assert many.why
    assert choose(nodes=10, lanes=1).engine in LABELS
