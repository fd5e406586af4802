"""Many questions in one sweep down a contraction hierarchy (PHAST), compiled by numba.

A question about a place needs two passes over positions, in order of rank: from the seeds upwards, touching few
nodes; then from the top downwards, where every node takes the best of what its higher neighbours offer. The second
pass does not depend on the places, so 32 lanes go through it together, side by side in memory, and the processor
treats several at a time.

Labels are times (unsigned, 32 bits: no hierarchy has an arc of 2**29 ms or more, so that ``UNREACHED_MS`` plus an arc
fits) or times and places in one number of 64 bits, whose minimum is the least time and, among equal times, the lowest
place. A sweep to every node works in the very table that it returns, one row per node.

A hierarchy restricted to what some origins and places need (``restrict``) is a hierarchy like another, much smaller:
keep it when the same origins are asked again and again.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from sdaasp_geo.travel.hierarchy import Hierarchy
from sdaasp_geo.travel.paths import (
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
    Labels,
    close,
    down,
    down_few,
    put,
    put_few,
    up,
    up_few,
    write,
    write_few,
)
from sdaasp_geo.travel.sweep_prefetch_numba import LINE

LANES_AT_ONCE = 32
"""Lanes of one sweep: 256 bytes per node with places, four cache lines."""

_STEP = 8
_SMALL_SHARE = 0.1

Number = TypeVar("Number", bound=np.generic)


@dataclass(frozen=True)
class _Rows:
    """Where positions are written: a row for each or -1, how many rows, and the row of each node asked for."""

    row: Int32
    count: int
    again: Int64 | None

    def spread(self, table: npt.NDArray[Number]) -> npt.NDArray[Number]:
        """Give one row per node asked for, in the order asked."""
        return table if self.again is None else table[self.again]


@dataclass(frozen=True)
class _Block:
    """Lanes ``first:last``, that go down together in ``width`` columns."""

    first: int
    last: int
    width: int


@dataclass(frozen=True)
class _Labels:
    """Where labels start: position, lane and label of every seed."""

    at: Int32
    lane: Int32
    label: Labels

    @property
    def unit(self) -> np.unsignedinteger:
        """The label of one millisecond: 1 for times, 2**32 for times and places."""
        return self.label.dtype.type(2 ** (8 * self.label.dtype.itemsize - 32))


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

    Returns
    -------
    Nearest
        Its two tables are views of one, times beside places in memory: copying them to pull them apart would cost
        as much as the sweep. Copy one to keep it without the other.
    """
    label = seeds.offset_ms.astype(np.uint64) << np.uint64(32) | seeds.place.astype(np.uint64)
    table = _nearest(hierarchy, seeds, label, lanes=lanes, nodes=nodes, threads=threads)
    halves = table.view(np.int32).reshape(*table.shape, 2)
    low, high = (0, 1) if sys.byteorder == "little" else (1, 0)
    return Nearest(halves[..., high], halves[..., low])


def times_sweep(
    hierarchy: Hierarchy,
    seeds: Seeds,
    *,
    lanes: int,
    nodes: Int32 | None = None,
    threads: int = 1,
) -> Int32:
    """Measure times to the nearest place of every lane, shape (rows, lanes), without saying which: half the work."""
    label = seeds.offset_ms.astype(np.uint32)
    return _nearest(hierarchy, seeds, label, lanes=lanes, nodes=nodes, threads=threads).view(np.int32)


def matrix_sweep(hierarchy: Hierarchy, origins: Int32, targets: Int32, *, threads: int = 1) -> Int32:
    """Measure times from every origin node to every target node, shape (origins, targets).

    The shorter side is swept, over what both sides need of the hierarchy.
    """
    if len(origins) < len(targets):
        return matrix_sweep(hierarchy.reversed(), targets, origins, threads=threads).T
    small = restrict(hierarchy, origins=origins, seeds=targets)
    lanes = np.arange(len(targets), dtype=np.int32)
    start = _Labels(_positions(small, targets), lanes, np.zeros(len(targets), dtype=np.uint32))
    return _some(small, start, _rows(small, origins), _blocks(len(targets), threads), threads).view(np.int32)


def _nearest(
    hierarchy: Hierarchy, seeds: Seeds, label: Labels, *, lanes: int, nodes: Int32 | None, threads: int
) -> Labels:
    """Sweep labels to every node, or to some, shape (rows, lanes)."""
    check_seeds(seeds, nodes=hierarchy.nodes, lanes=lanes)
    hierarchy = _worth_restricting(hierarchy, nodes, seeds.node)
    start = _Labels(_positions(hierarchy, seeds.node), seeds.lane, label)
    blocks = _blocks(lanes, threads)
    if _is_whole(hierarchy, nodes):
        return _every(hierarchy, start, blocks, threads)
    return _some(hierarchy, start, _rows(hierarchy, nodes), blocks, threads)


def _every(hierarchy: Hierarchy, start: _Labels, blocks: list[_Block], threads: int) -> Labels:
    """Sweep right in the table to return, a row per node: no memory is touched that is not returned."""
    table = _empty(hierarchy.nodes, sum(block.width for block in blocks), start)
    row = np.ascontiguousarray(hierarchy.order).view(np.ndarray)
    _each(lambda block: _sweep(hierarchy, start, block, row, table, block.first), blocks, threads)
    lanes = blocks[-1].last
    return table[:, :lanes] if 2 * lanes >= table.shape[1] else table[:, :lanes].copy()


def _some(hierarchy: Hierarchy, start: _Labels, rows: _Rows, blocks: list[_Block], threads: int) -> Labels:
    """Sweep blocks apart, by position, and write the rows that are asked for."""
    table = np.empty((rows.count, blocks[-1].last), dtype=start.label.dtype)
    row = np.arange(len(hierarchy.order), dtype=np.int32)

    def task(block: _Block) -> None:
        labels = _empty(len(row), block.width, start)
        _sweep(hierarchy, start, block, row, labels, 0)
        write(labels, rows.row, table, block.first, block.last - block.first)

    _each(task, blocks, threads)
    return rows.spread(table)


def _sweep(hierarchy: Hierarchy, start: _Labels, block: _Block, row: Int32, table: Labels, first: int) -> None:
    """Sweep one block in columns ``first`` and after of a table."""
    own = (start.lane >= block.first) & (start.lane < block.last)
    flag = np.zeros(len(row), dtype=np.uint8)
    where = row, table, flag, (first, block.width), start.unit
    put(start.at[own], start.lane[own] - np.int32(block.first - first), start.label[own], *where)
    up(_arrays(hierarchy.arriving), *where)
    down(_arrays(hierarchy.leaving), *where)


def _empty(rows: int, width: int, start: _Labels) -> Labels:
    """Reserve a table whose rows begin with a line of cache; nothing is written, the sweep does it."""
    size = start.label.dtype.itemsize
    memory = np.empty(rows * width + LINE // size, dtype=start.label.dtype)
    skip = -memory.ctypes.data % LINE // size
    return memory[skip : skip + rows * width].reshape(rows, width)


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

    _each(sweep, _blocks(lanes, max(threads, -(-lanes * k // LANES_AT_ONCE)), step=1), threads)
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
    position = hierarchy.position[nodes]
    if (position < 0).any():
        msg = "the hierarchy was restricted to other nodes"
        raise ValueError(msg)
    return position


def _is_whole(hierarchy: Hierarchy, nodes: Int32 | None) -> bool:
    """Say whether every node of the network is held and asked for."""
    return nodes is None and len(hierarchy.order) == hierarchy.nodes


def _rows(hierarchy: Hierarchy, nodes: Int32 | None) -> _Rows:
    """Say where each position is written."""
    if _is_whole(hierarchy, nodes):
        return _Rows(np.ascontiguousarray(hierarchy.order), hierarchy.nodes, None)
    wanted = np.arange(hierarchy.nodes, dtype=np.int32) if nodes is None else nodes
    distinct, again = np.unique(wanted, return_inverse=True)
    row = np.full(len(hierarchy.order), -1, dtype=np.int32)
    row[_positions(hierarchy, distinct)] = np.arange(len(distinct), dtype=np.int32)
    return _Rows(row, len(distinct), again)


def _arrays(side: Arcs) -> tuple[Int64, Int32, Int32]:
    """Hand arcs to compiled code: plain, aligned arrays, so that mapped files compile nothing anew."""
    return (
        np.ascontiguousarray(side.first_out).view(np.ndarray),
        np.ascontiguousarray(side.head).view(np.ndarray),
        np.ascontiguousarray(side.weight_ms).view(np.ndarray),
    )


def _blocks(lanes: int, count: int, *, step: int = _STEP) -> list[_Block]:
    """Share lanes out in blocks of at most 32, about ``count`` or more, that begin at multiples of ``step``."""
    groups = max(-(-lanes // step), 1)
    count = max(-(-lanes // LANES_AT_ONCE), min(count, groups))
    edges = (np.linspace(0, groups, count + 1).round().astype(int) * step).tolist()
    return [_Block(first, min(last, lanes), last - first) for first, last in pairwise(edges)]


def _each(task: Callable[[_Block], None], blocks: list[_Block], threads: int) -> None:
    """Sweep blocks, several at a time when asked."""
    if threads <= 1 or len(blocks) == 1:
        for block in blocks:
            task(block)
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(task, blocks))
