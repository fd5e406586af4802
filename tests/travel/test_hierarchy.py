"""The contraction hierarchy and its sweep, against scipy; its file; what it refuses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial import Delaunay

from sdaasp_geo.travel import hierarchy, paths
from sdaasp_geo.travel.hierarchy import LONGEST_MS, Hierarchy, HierarchyRefusedError
from sdaasp_geo.travel.paths import UNREACHED_MS, Arcs, Nearest, Seeds, arcs_from, transpose

pytest.importorskip("routingkit_ch")
sweep = pytest.importorskip("sdaasp_geo.travel.sweep_numba")

LANES = 3
PRINT = "ab" * 32
WEIGHTS = st.one_of(st.just(0), st.integers(0, 5), st.integers(0, 100_000))


def assert_same(ours: object, theirs: object) -> None:
    for name, column in vars(theirs).items():
        np.testing.assert_array_equal(getattr(ours, name), column, err_msg=name)


def network(nodes: int, seed: int) -> Arcs:
    """Triangulated points, a third of the arcs one-way, a fifth of the edges missing."""
    rng = np.random.default_rng(seed)
    xy = rng.random((nodes, 2))
    corners = Delaunay(xy).simplices
    pairs = np.unique(np.sort(np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]]]), axis=1), axis=0)
    pairs = pairs[rng.random(len(pairs)) < 0.8]
    back = pairs[rng.random(len(pairs)) < 0.67][:, ::-1]
    ends = np.concatenate([pairs, back]).T
    length = np.hypot(*(xy[ends[0]] - xy[ends[1]]).T)
    return arcs_from(*ends, (length * rng.choice([300_000, 900_000], len(length))).astype(np.int32), nodes=nodes)


def some_seeds(arcs: Arcs, lanes: int, count: int, rng: np.random.Generator) -> Seeds:
    highs = (arcs.nodes, int(rng.choice([1, 60_000])), lanes, 50)
    return Seeds(*(rng.integers(0, high, count).astype(np.int32) for high in highs))


@st.composite
def questions(draw: st.DrawFn) -> tuple[Arcs, Seeds]:
    nodes = draw(st.integers(1, 12))
    node = st.integers(0, nodes - 1)
    columns = np.array(draw(st.lists(st.tuples(node, node, WEIGHTS), max_size=40)), dtype=np.int64).reshape(-1, 3).T
    seed = st.tuples(node, st.integers(0, 20), st.integers(0, LANES - 1), st.integers(0, 5))
    rows = np.array(draw(st.lists(seed, max_size=10)), dtype=np.int32).reshape(-1, 4).T
    return arcs_from(*columns, nodes=nodes), Seeds(*rows)


@given(questions())
def test_sweep_equals_scipy_on_any_graph(question: tuple[Arcs, Seeds]) -> None:
    arcs, seeds = question
    made = hierarchy.build(arcs)
    theirs = paths.nearest_scipy(arcs, seeds, lanes=LANES)
    assert_same(sweep.nearest_sweep(made, seeds, lanes=LANES), theirs)
    np.testing.assert_array_equal(sweep.times_sweep(made, seeds, lanes=LANES), theirs.time_ms)
    few = paths.few_scipy(arcs, seeds, lanes=LANES, k=2)
    assert_same(sweep.few_sweep(made, seeds, lanes=LANES, k=2), few)
    back = paths.nearest_scipy(transpose(arcs), seeds, lanes=LANES)
    assert_same(sweep.nearest_sweep(made.reversed(), seeds, lanes=LANES), back)
    everywhere = np.arange(arcs.nodes, dtype=np.int32)
    times = paths.matrix_scipy(arcs, everywhere, everywhere)
    np.testing.assert_array_equal(sweep.matrix_sweep(made, everywhere, everywhere), times)


@pytest.mark.parametrize("threads", [1, 2])
def test_sweep_equals_scipy_on_thousands_of_times(threads: int) -> None:
    arcs = network(3000, 5)
    made, rng = hierarchy.build(arcs), np.random.default_rng(threads)
    for lanes, count in ((1, 1), (40, 300), (5, 0), (33, 33)):
        seeds = some_seeds(arcs, lanes, count, rng)
        theirs = paths.nearest_scipy(arcs, seeds, lanes=lanes)
        assert_same(sweep.nearest_sweep(made, seeds, lanes=lanes, threads=threads), theirs)
        assert_same(Nearest(sweep.times_sweep(made, seeds, lanes=lanes, threads=threads), theirs.place), theirs)
        for wanted in (5, 2000):
            nodes = rng.integers(0, arcs.nodes, wanted).astype(np.int32)
            some = sweep.nearest_sweep(made, seeds, lanes=lanes, nodes=nodes, threads=threads)
            assert_same(some, Nearest(theirs.time_ms[nodes], theirs.place[nodes]))
    seeds = some_seeds(arcs, 4, 40, rng)
    few = paths.few_scipy(arcs, seeds, lanes=4, k=3)
    assert_same(sweep.few_sweep(made, seeds, lanes=4, k=3, threads=threads), few)
    one, other = (rng.integers(0, arcs.nodes, count).astype(np.int32) for count in (70, 20))
    for origins, targets in ((one, other), (other, one)):
        times = paths.matrix_scipy(arcs, origins, targets)
        np.testing.assert_array_equal(sweep.matrix_sweep(made, origins, targets, threads=threads), times)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("lanes", [1, 7, 8, 30, 33, 70])
def test_lanes_stay_apart_whatever_their_number(lanes: int, threads: int) -> None:
    """Blocks of lanes share one table: none may write in the columns of another, nor leave one unwritten."""
    arcs = network(600, 7)
    made, rng = hierarchy.build(arcs), np.random.default_rng(lanes)
    seeds = some_seeds(arcs, lanes, 4 * lanes, rng)
    theirs = paths.nearest_scipy(arcs, seeds, lanes=lanes)
    found = sweep.nearest_sweep(made, seeds, lanes=lanes, threads=threads)
    assert_same(found, theirs)
    assert found.time_ms.dtype == found.place.dtype == np.int32
    np.testing.assert_array_equal(sweep.times_sweep(made, seeds, lanes=lanes, threads=threads), theirs.time_ms)


def test_equal_times_go_to_the_lowest_place_far_or_near() -> None:
    """Places from 0 to the largest number, at the same time or one millisecond apart."""
    line = np.arange(4)
    made = hierarchy.build(arcs_from(line, line + 1, [5, 0, 5, 0], nodes=5))
    largest = 2**31 - 1
    columns = [4, 4, 2, 3], [0, 0, 5, 1], [0, 0, 0, 1], [largest, 3, 0, largest]
    seeds = Seeds(*(np.array(column, dtype=np.int32) for column in columns))
    found = sweep.nearest_sweep(made, seeds, lanes=2)
    np.testing.assert_array_equal(found.time_ms[:, 0], [10, 5, 5, 0, 0])
    np.testing.assert_array_equal(found.place[:, 0], [0, 0, 0, 3, 3])
    np.testing.assert_array_equal(found.place[:, 1], [largest, largest, largest, largest, paths.NO_PLACE])


@pytest.mark.parametrize("late", [-1, 0, 1])
def test_a_time_of_24_8_days_counts_as_unreached_and_has_no_place(late: int) -> None:
    """The last millisecond that counts, the first that does not, and the next."""
    made = hierarchy.build(arcs_from([0], [1], [7], nodes=2))
    offset = np.array([UNREACHED_MS - 7 + late], dtype=np.int32)
    zero = np.zeros(1, dtype=np.int32)
    seeds = Seeds(zero + 1, offset, zero, zero)
    found = sweep.nearest_sweep(made, seeds, lanes=1)
    assert found.time_ms[0, 0] == min(UNREACHED_MS + late, UNREACHED_MS)
    assert found.place[0, 0] == (0 if late < 0 else paths.NO_PLACE)
    assert sweep.times_sweep(made, seeds, lanes=1)[0, 0] == found.time_ms[0, 0]
    assert found.place[1, 0] == 0


def test_restricted_hierarchy_answers_for_its_nodes_only() -> None:
    arcs = network(2000, 6)
    made, rng = hierarchy.build(arcs), np.random.default_rng(1)
    seeds = some_seeds(arcs, LANES, 12, rng)
    origins = rng.choice(arcs.nodes, 30, replace=False).astype(np.int32)
    small = sweep.restrict(made, origins=origins, seeds=seeds.node)
    assert len(small.order) < arcs.nodes / 2
    theirs = paths.nearest_scipy(arcs, seeds, lanes=LANES, nodes=origins)
    assert_same(sweep.nearest_sweep(small, seeds, lanes=LANES, nodes=origins), theirs)
    with pytest.raises(ValueError, match="restricted to other nodes"):
        sweep.nearest_sweep(small, seeds, lanes=LANES)
    with pytest.raises(ValueError, match="does not exist"):
        sweep.nearest_sweep(made, seeds, lanes=LANES, nodes=np.array([arcs.nodes], dtype=np.int32))


def test_saved_hierarchy_is_the_same_and_its_bytes_too(tmp_path: Path) -> None:
    made = hierarchy.build(network(300, 1))
    hierarchy.save(made, tmp_path / "a.npy", fingerprint=PRINT)
    hierarchy.save(hierarchy.build(network(300, 1)), tmp_path / "b.npy", fingerprint=PRINT)
    assert (tmp_path / "a.npy").read_bytes() == (tmp_path / "b.npy").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.npy", "b.npy"]
    for verify in (True, False):
        back = hierarchy.load(tmp_path / "a.npy", fingerprint=PRINT, verify=verify)
        np.testing.assert_array_equal(back.order, made.order)
        assert_same(back.leaving, made.leaving)
        assert_same(back.arriving, made.arriving)


def test_damaged_or_stale_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "h.npy"
    hierarchy.save(hierarchy.build(network(300, 1)), path, fingerprint=PRINT)
    with pytest.raises(HierarchyRefusedError, match="autre réseau"):
        hierarchy.load(path, fingerprint="cd" * 32)
    whole = path.read_bytes()
    changed = bytearray(whole)
    changed[-5] ^= 1
    for damaged in (whole[:-40], whole[:50], b"", bytes(changed)):
        path.write_bytes(damaged)
        with pytest.raises(HierarchyRefusedError):
            hierarchy.load(path, fingerprint=PRINT)
    path.unlink()
    with pytest.raises(HierarchyRefusedError, match="illisible"):
        hierarchy.load(path, fingerprint=PRINT)


def test_a_killed_save_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = hierarchy.build(network(50, 1))

    def fail(*_args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "save", fail)
    with pytest.raises(KeyboardInterrupt):
        hierarchy.save(made, tmp_path / "h.npy", fingerprint=PRINT)
    assert not list(tmp_path.iterdir())


def test_files_that_are_not_routingkit_s_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "h"
    for words in (np.zeros(3), np.zeros(40), np.array([0x48696572, 0x436F6E74, 2, 1, 1, 0, 0])):
        words.astype("<u4").tofile(path)
        with pytest.raises(HierarchyRefusedError):
            hierarchy.read_routingkit(path, nodes=2)


def test_times_too_long_to_add_up_are_refused() -> None:
    with pytest.raises(HierarchyRefusedError, match="six jours"):
        hierarchy.build(arcs_from([0], [1], [LONGEST_MS + 1], nodes=2))
    line = np.arange(40)
    with pytest.raises(HierarchyRefusedError, match="ne serait pas exacte"):
        hierarchy.build(arcs_from(line, line + 1, np.full(40, LONGEST_MS), nodes=41))


def test_an_empty_network_has_a_hierarchy() -> None:
    made = hierarchy.build(arcs_from([], [], [], nodes=0))
    assert isinstance(made, Hierarchy)
    assert sweep.nearest_sweep(
        made, some_seeds(network(9, 1), 2, 0, np.random.default_rng(0)), lanes=2
    ).place.shape == (0, 2)
