"""Many questions in one sweep down a contraction hierarchy (PHAST), compiled by numba.

A question about a place needs two passes over positions, in order of rank: from the seeds upwards, touching few
nodes; then from the top downwards, where every node takes the best of what its higher neighbours offer. The second
pass does not depend on the places, so 32 lanes go through it together, side by side in memory, and the processor
treats several at a time.

Times are unsigned 32-bit numbers: no hierarchy has an arc of 2**29 ms or more, so that ``UNREACHED_MS`` plus an arc
fits. Places go beside them, the lower number among equal times.

A hierarchy restricted to what some origins and places need (``restrict``) is a hierarchy like another, much smaller:
keep it when the same origins are asked again and again.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from sdaasp_geo.travel.hierarchy import Hierarchy
from sdaasp_geo.travel.paths import (
    NO_PLACE,
    UNREACHED_MS,
    Arcs,
    Int32,
    Int64,
    Nearest,
    NearestFew,
    Seeds,
    check_seeds,
)
from sdaasp_geo.travel.sweep_kernels_numba import (
    FAR,
    close,
    down_few,
    down_places,
    down_times,
    put_few,
    put_places,
    put_times,
    up_few,
    up_places,
    up_times,
    write,
    write_few,
)

LANES_AT_ONCE = 32
"""Lanes of one sweep: 256 bytes per node, four cache lines."""

_STEP = 8
_SMALL_SHARE = 0.1


@dataclass(frozen=True)
class _Rows:
    """Where positions are written: a row for each or -1, how many rows, and the row of each node asked for."""

    row: Int32
    count: int
    again: Int64 | None

    def spread(self, table: Int32) -> Int32:
        """Give one row per node asked for, in the order asked."""
        return table if self.again is None else table[self.again]


@dataclass(frozen=True)
class _Block:
    """Lanes ``first:last``, that go down together in rows of ``width`` labels."""

    first: int
    last: int
    width: int


def nearest_sweep(
    hierarchy: Hierarchy,
    seeds: Seeds,
    *,
    lanes: int,
    nodes: Int32 | None = None,
    threads: int = 1,
) -> Nearest:
    """Find the nearest place of every lane from every node.

    Parameters
    ----------
    hierarchy : Hierarchy
        ``hierarchy.reversed()`` gives times from the places instead.
    seeds : Seeds
    lanes : int
        Number of lanes.
    nodes : ndarray of int32, optional
        Nodes to report, in order; every node by default.
    threads : int
        Blocks of lanes swept at the same time.
    """
    check_seeds(seeds, nodes=hierarchy.nodes, lanes=lanes)
    hierarchy = _worth_restricting(hierarchy, nodes, seeds.node)
    at, rows = _positions(hierarchy, seeds.node), _rows(hierarchy, nodes)
    time_ms = np.empty((rows.count, lanes), dtype=np.int32)
    place = np.empty((rows.count, lanes), dtype=np.int32)

    def sweep(block: _Block) -> None:
        shape = len(hierarchy.order), block.width
        times, places = np.full(shape, UNREACHED_MS, dtype=np.uint32), np.full(shape, NO_PLACE, dtype=np.int32)
        own = (seeds.lane >= block.first) & (seeds.lane < block.last)
        where = at[own], seeds.offset_ms[own], seeds.lane[own] - block.first
        flag = np.zeros(len(times), dtype=np.uint8)
        put_places(*where, seeds.place[own], times, places, flag)
        up_places(*_arrays(hierarchy.arriving), times, places, flag)
        down_places(*_arrays(hierarchy.leaving), times, places)
        write(times.view(np.int32), rows.row, time_ms, block.first, block.last - block.first)
        write(places, rows.row, place, block.first, block.last - block.first)

    _each(sweep, _blocks(lanes, threads), threads)
    return Nearest(rows.spread(time_ms), rows.spread(place))


def times_sweep(
    hierarchy: Hierarchy,
    seeds: Seeds,
    *,
    lanes: int,
    nodes: Int32 | None = None,
    threads: int = 1,
) -> Int32:
    """Measure times to the nearest place of every lane, shape (rows, lanes), without saying which: half the work."""
    check_seeds(seeds, nodes=hierarchy.nodes, lanes=lanes)
    hierarchy = _worth_restricting(hierarchy, nodes, seeds.node)
    at, rows = _positions(hierarchy, seeds.node), _rows(hierarchy, nodes)
    time_ms = np.empty((rows.count, lanes), dtype=np.int32)

    def sweep(block: _Block) -> None:
        own = (seeds.lane >= block.first) & (seeds.lane < block.last)
        where = at[own], seeds.offset_ms[own], seeds.lane[own] - block.first
        write(_swept(hierarchy, block, *where), rows.row, time_ms, block.first, block.last - block.first)

    _each(sweep, _blocks(lanes, threads), threads)
    return rows.spread(time_ms)


def matrix_sweep(hierarchy: Hierarchy, origins: Int32, targets: Int32, *, threads: int = 1) -> Int32:
    """Measure times from every origin node to every target node, shape (origins, targets).

    The shorter side is swept, over what both sides need of the hierarchy.
    """
    if len(origins) < len(targets):
        return matrix_sweep(hierarchy.reversed(), targets, origins, threads=threads).T
    small = restrict(hierarchy, origins=origins, seeds=targets)
    at, rows = _positions(small, targets), _rows(small, origins)
    times = np.empty((rows.count, len(targets)), dtype=np.int32)

    def sweep(block: _Block) -> None:
        own = at[block.first : block.last]
        where = own, np.zeros(len(own), dtype=np.int32), np.arange(len(own), dtype=np.int32)
        write(_swept(small, block, *where), rows.row, times, block.first, len(own))

    _each(sweep, _blocks(len(targets), threads), threads)
    return rows.spread(times)


def few_sweep(
    hierarchy: Hierarchy,
    seeds: Seeds,
    *,
    lanes: int,
    k: int,
    nodes: Int32 | None = None,
    threads: int = 1,
) -> NearestFew:
    """Find the ``k`` nearest distinct places of every lane. Parameters: see ``nearest_sweep``."""
    check_seeds(seeds, nodes=hierarchy.nodes, lanes=lanes)
    hierarchy = _worth_restricting(hierarchy, nodes, seeds.node)
    at, rows = _positions(hierarchy, seeds.node), _rows(hierarchy, nodes)
    key = seeds.offset_ms.astype(np.int64) << 31 | seeds.place
    time_ms = np.empty((rows.count, lanes, k), dtype=np.int32)
    place = np.empty((rows.count, lanes, k), dtype=np.int32)

    def sweep(block: _Block) -> None:
        label = np.full((len(hierarchy.order), block.last - block.first, k), FAR, dtype=np.int64)
        flag = np.zeros(len(label), dtype=np.uint8)
        own = (seeds.lane >= block.first) & (seeds.lane < block.last)
        put_few(label, flag, at[own], key[own], seeds.lane[own] - block.first)
        up_few(*_arrays(hierarchy.arriving), label, flag)
        down_few(*_arrays(hierarchy.leaving), label)
        write_few(label, rows.row, time_ms, place, block.first)

    _each(sweep, _blocks(lanes, max(threads, -(-lanes * k // LANES_AT_ONCE))), threads)
    return NearestFew(rows.spread(time_ms), rows.spread(place))


def restrict(hierarchy: Hierarchy, *, origins: Int32, seeds: Int32) -> Hierarchy:
    """Keep what is needed to go from some origins to places at some nodes: the answers are the same.

    Parameters
    ----------
    hierarchy : Hierarchy
    origins : ndarray of int32
        Nodes that will be reported.
    seeds : ndarray of int32
        Nodes where places may be.
    """
    below, above = (np.zeros(len(hierarchy.order), dtype=np.uint8) for _ in range(2))
    below[_positions(hierarchy, origins)] = 1
    above[_positions(hierarchy, seeds)] = 1
    close(hierarchy.leaving.first_out, hierarchy.leaving.head, below)
    close(hierarchy.arriving.first_out, hierarchy.arriving.head, above)
    kept = (below | above).astype(np.bool_)
    new = (np.cumsum(kept) - 1).astype(np.int32)
    leaving = _cut(hierarchy.leaving, below.astype(np.bool_), kept, new)
    arriving = _cut(hierarchy.arriving, above.astype(np.bool_), kept, new)
    return Hierarchy(hierarchy.order[kept], leaving, arriving, hierarchy.nodes)


def _cut(side: Arcs, wanted: npt.NDArray[np.bool_], kept: npt.NDArray[np.bool_], new: Int32) -> Arcs:
    """Keep the arcs of wanted positions, numbered anew."""
    degree = np.diff(side.first_out)
    arcs = np.repeat(wanted, degree)
    first_out = np.append(0, np.cumsum(np.where(wanted, degree, 0)[kept]))
    return Arcs(first_out, new[side.head[arcs]], side.weight_ms[arcs])


def _worth_restricting(hierarchy: Hierarchy, nodes: Int32 | None, seeds: Int32) -> Hierarchy:
    """Restrict a hierarchy when few of its nodes are asked for."""
    if nodes is None or len(nodes) + len(seeds) > _SMALL_SHARE * len(hierarchy.order):
        return hierarchy
    return restrict(hierarchy, origins=nodes, seeds=seeds)


def _positions(hierarchy: Hierarchy, nodes: Int32) -> Int32:
    """Find nodes in a hierarchy."""
    if len(nodes) and (nodes.min() < 0 or nodes.max() >= hierarchy.nodes):
        msg = "a node does not exist"
        raise ValueError(msg)
    position = hierarchy.position()[nodes]
    if (position < 0).any():
        msg = "the hierarchy was restricted to other nodes"
        raise ValueError(msg)
    return position


def _rows(hierarchy: Hierarchy, nodes: Int32 | None) -> _Rows:
    """Say where each position is written."""
    if nodes is None and len(hierarchy.order) == hierarchy.nodes:
        return _Rows(np.ascontiguousarray(hierarchy.order), hierarchy.nodes, None)
    wanted = np.arange(hierarchy.nodes, dtype=np.int32) if nodes is None else nodes
    distinct, again = np.unique(wanted, return_inverse=True)
    row = np.full(len(hierarchy.order), -1, dtype=np.int32)
    row[_positions(hierarchy, distinct)] = np.arange(len(distinct), dtype=np.int32)
    return _Rows(row, len(distinct), again)


def _swept(hierarchy: Hierarchy, block: _Block, at: Int32, offset_ms: Int32, lane: Int32) -> Int32:
    """Sweep the times of one block."""
    times = np.full((len(hierarchy.order), block.width), UNREACHED_MS, dtype=np.uint32)
    flag = np.zeros(len(times), dtype=np.uint8)
    put_times(at, offset_ms, lane, times, flag)
    up_times(*_arrays(hierarchy.arriving), times, flag)
    down_times(*_arrays(hierarchy.leaving), times)
    return times.view(np.int32)


def _arrays(side: Arcs) -> tuple[Int64, Int32, Int32]:
    """Hand arcs to compiled code: plain, aligned arrays, so that mapped files compile nothing anew."""
    return (
        np.ascontiguousarray(side.first_out).view(np.ndarray),
        np.ascontiguousarray(side.head).view(np.ndarray),
        np.ascontiguousarray(side.weight_ms).view(np.ndarray),
    )


def _blocks(lanes: int, threads: int) -> list[_Block]:
    """Share lanes out in blocks of at most 32, at least one per thread."""
    count = max(-(-lanes // LANES_AT_ONCE), min(threads, lanes), 1)
    edges = np.linspace(0, lanes, count + 1).round().astype(int).tolist()
    return [_Block(first, last, -(-(last - first) // _STEP) * _STEP) for first, last in pairwise(edges)]


def _each(task: Callable[[_Block], None], blocks: list[_Block], threads: int) -> None:
    """Sweep blocks, several at a time when asked."""
    if threads <= 1 or len(blocks) == 1:
        for block in blocks:
            task(block)
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(task, blocks))
