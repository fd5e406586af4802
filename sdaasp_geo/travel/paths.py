"""Shortest paths on plain arrays, with scipy: the exact reference, and what answers when nothing faster is installed.

Everything here counts in whole milliseconds and knows no geography: nodes, places and lanes are numbers. A *lane* is
one question asked together with others (a service, most often); a *place* is where it is offered, attached to the
network by one or several *seeds* (a node, and the time between that node and the place).

Unless stated, times go **from** every node **to** the nearest place: the search starts at the places and follows the
arcs backwards. Equal times go to the lowest place number, in every engine.

How the reference stays exact with floating point numbers: scipy measures in float64, whole numbers are exact up to
2**53, and a time takes 31 bits. The 22 bits that are left carry the number of the seed's place within its lane, so
that one search gives the time, the place and the rule for ties. A weight of zero stays an explicit zero of the sparse
matrix, which ``scipy.sparse.csgraph`` follows as an arc of no length; parallel arcs are reduced to the quickest
beforehand, because whether scipy would add them up is not documented.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

UNREACHED_MS = 2**31 - 1
"""The time of what is not reached. Times beyond it (24.8 days) count as unreached."""

NO_PLACE = -1
"""The place of a node that reaches none."""

_PLACE_SCALE = 2.0**22
_CELLS_PER_ROUND = 2**24

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Arcs:
    """Directed arcs, grouped by the node that they leave (CSR).

    Attributes
    ----------
    first_out : ndarray of int64, shape (n + 1,)
        Arcs of node ``v`` are ``first_out[v]:first_out[v + 1]``.
    head : ndarray of int32, shape (m,)
        Node that each arc enters. Self loops and parallel arcs are allowed.
    weight_ms : ndarray of int32, shape (m,)
        Time along each arc, in milliseconds, zero or more.
    """

    first_out: Int64
    head: Int32
    weight_ms: Int32

    def __post_init__(self) -> None:
        """Refuse arrays that would be read out of their bounds."""
        first_out = self.first_out
        counts_agree = (
            len(first_out) > 0 and first_out[0] == 0 and first_out[-1] == len(self.head) == len(self.weight_ms)
        )
        if not counts_agree or (np.diff(first_out) < 0).any():
            msg = "first_out must rise from 0 to the number of arcs"
            raise ValueError(msg)
        if len(self.head) and (self.head.min() < 0 or self.head.max() >= self.nodes):
            msg = "an arc enters a node that does not exist"
            raise ValueError(msg)
        if len(self.head) and self.weight_ms.min() < 0:
            msg = "an arc has a negative time"
            raise ValueError(msg)

    @property
    def nodes(self) -> int:
        """Number of nodes."""
        return len(self.first_out) - 1

    @property
    def tail(self) -> Int32:
        """Node that each arc leaves, shape (m,)."""
        return np.repeat(np.arange(self.nodes, dtype=np.int32), np.diff(self.first_out))


@dataclass(frozen=True)
class Seeds:
    """Where places touch the network.

    Attributes
    ----------
    node : ndarray of int32, shape (s,)
    offset_ms : ndarray of int32, shape (s,)
        Time between the node and the place, in milliseconds, zero or more.
    lane : ndarray of int32, shape (s,)
        Question (service) that the place answers.
    place : ndarray of int32, shape (s,)
        Number of the place, zero or more. A place may have several seeds and answer several lanes.
    """

    node: Int32
    offset_ms: Int32
    lane: Int32
    place: Int32

    def __post_init__(self) -> None:
        """Refuse arrays of different lengths and negative numbers."""
        columns = (self.node, self.offset_ms, self.lane, self.place)
        if len({len(column) for column in columns}) != 1:
            msg = "the columns of seeds have different lengths"
            raise ValueError(msg)
        if any(len(column) and column.min() < 0 for column in columns):
            msg = "a seed has a negative number"
            raise ValueError(msg)

    def __len__(self) -> int:
        """Return the number of seeds."""
        return len(self.node)

    def where(self, chosen: npt.NDArray[np.bool_] | Int64) -> Seeds:
        """Keep some seeds."""
        return Seeds(self.node[chosen], self.offset_ms[chosen], self.lane[chosen], self.place[chosen])


@dataclass(frozen=True)
class Nearest:
    """Nearest place of every lane.

    Attributes
    ----------
    time_ms : ndarray of int32, shape (rows, lanes)
        ``UNREACHED_MS`` where no place is reached. One row per node, or per node asked for.
    place : ndarray of int32, shape (rows, lanes)
        Number of the place, ``NO_PLACE`` where none.
    """

    time_ms: Int32
    place: Int32


@dataclass(frozen=True)
class NearestFew:
    """The nearest distinct places of every lane, nearest first; same fields as Nearest, of shape (rows, lanes, k)."""

    time_ms: Int32
    place: Int32


@dataclass(frozen=True)
class Within:
    """Pairs of a node and a place that are within a time, sorted by node, lane, time, then place.

    Attributes
    ----------
    node, lane, place, time_ms : ndarray of int32, shape (pairs,)
    """

    node: Int32
    lane: Int32
    place: Int32
    time_ms: Int32


def arcs_from(tail: npt.ArrayLike, head: npt.ArrayLike, weight_ms: npt.ArrayLike, *, nodes: int) -> Arcs:
    """Group a list of arcs by the node that they leave; arcs of one node keep the order of the list."""
    tails = np.asarray(tail, dtype=np.int64)
    if len(tails) and (tails.min() < 0 or tails.max() >= nodes):
        msg = "an arc leaves a node that does not exist"
        raise ValueError(msg)
    order = np.argsort(tails, kind="stable")
    first_out = np.zeros(nodes + 1, dtype=np.int64)
    np.cumsum(np.bincount(tails, minlength=nodes), out=first_out[1:])
    return Arcs(first_out, np.asarray(head, dtype=np.int32)[order], np.asarray(weight_ms, dtype=np.int32)[order])


def transpose(arcs: Arcs) -> Arcs:
    """Turn every arc around: times to a place become times from it."""
    return arcs_from(arcs.head, arcs.tail, arcs.weight_ms, nodes=arcs.nodes)


def check_seeds(seeds: Seeds, *, nodes: int, lanes: int) -> None:
    """Raise ValueError when a seed is on a node, or in a lane, that does not exist."""
    if len(seeds) and (seeds.node.max() >= nodes or seeds.lane.max() >= lanes):
        msg = "a seed is on a node, or in a lane, that does not exist"
        raise ValueError(msg)


def nearest_scipy(
    arcs: Arcs,
    seeds: Seeds,
    *,
    lanes: int,
    backward: Arcs | None = None,
    nodes: Int32 | None = None,
) -> Nearest:
    """Find the nearest place of every lane from every node, with scipy: the reference of every other engine.

    Parameters
    ----------
    arcs : Arcs
    seeds : Seeds
    lanes : int
        Number of lanes.
    backward : Arcs, optional
        ``transpose(arcs)``, to spare it when several questions are asked.
    nodes : ndarray of int32, optional
        Nodes to report, in order; every node by default.
    """
    check_seeds(seeds, nodes=arcs.nodes, lanes=lanes)
    quickest = _quickest(backward if backward is not None else transpose(arcs))
    shown = np.arange(arcs.nodes) if nodes is None else nodes
    time_ms = np.full((lanes, len(shown)), UNREACHED_MS, dtype=np.int32)
    place = np.full((lanes, len(shown)), NO_PLACE, dtype=np.int32)
    for lane in np.unique(seeds.lane):
        time_ms[lane], place[lane] = _one_lane(quickest, seeds.where(seeds.lane == lane), shown)
    return Nearest(time_ms.T, place.T)


def matrix_scipy(arcs: Arcs, origins: Int32, targets: Int32) -> Int32:
    """Measure times from every origin node to every target node, shape (origins, targets), with scipy."""
    if len(targets) < len(origins):
        return matrix_scipy(transpose(arcs), targets, origins).T
    graph = _matrix(_quickest(arcs))
    times = np.full((len(origins), len(targets)), UNREACHED_MS, dtype=np.int32)
    for part in _rounds(len(origins), arcs.nodes):
        times[part] = _milliseconds(dijkstra(graph, indices=origins[part])[:, targets])
    return times


def within_scipy(
    arcs: Arcs,
    seeds: Seeds,
    *,
    limit_ms: int,
    backward: Arcs | None = None,
    nodes: Int32 | None = None,
) -> Within:
    """List every place within a time (≤ ``limit_ms``) of every node, with scipy. Parameters: see ``nearest_scipy``."""
    check_seeds(seeds, nodes=arcs.nodes, lanes=2**31)
    quickest = _quickest(backward if backward is not None else transpose(arcs))
    shown = np.arange(arcs.nodes) if nodes is None else np.unique(nodes)
    parts: list[Int32] = []
    for lane, place, own in each_place(seeds):
        times = _milliseconds(_from_seeds(quickest, own.node, own.offset_ms.astype(np.float64), limit=limit_ms))[shown]
        near = np.flatnonzero(times <= min(limit_ms, UNREACHED_MS - 1))
        pair = np.full(len(near), lane, dtype=np.int32), np.full(len(near), place, dtype=np.int32)
        parts.append(np.stack([shown[near].astype(np.int32), *pair, times[near]]))
    return sorted_pairs(parts)


def few_scipy(
    arcs: Arcs,
    seeds: Seeds,
    *,
    lanes: int,
    k: int,
    backward: Arcs | None = None,
    nodes: Int32 | None = None,
) -> NearestFew:
    """Find the ``k`` nearest distinct places of every lane, with scipy (one search per place: slow)."""
    check_seeds(seeds, nodes=arcs.nodes, lanes=lanes)
    quickest = _quickest(backward if backward is not None else transpose(arcs))
    shown = np.arange(arcs.nodes) if nodes is None else nodes
    best = np.full((len(shown), lanes, k), UNREACHED_MS << 31, dtype=np.int64)
    for lane, place, own in each_place(seeds):
        times = _milliseconds(_from_seeds(quickest, own.node, own.offset_ms.astype(np.float64)))[shown]
        key = (times.astype(np.int64) << 31) + np.where(times < UNREACHED_MS, place, 0)
        best[:, lane] = np.sort(np.column_stack([best[:, lane], key]), axis=1)[:, :k]
    return NearestFew(*unpacked(best))


def unpacked(key: Int64) -> tuple[Int32, Int32]:
    """Split keys ``time_ms << 31 | place`` into times and places."""
    time_ms = (key >> 31).astype(np.int32)
    return time_ms, np.where(time_ms < UNREACHED_MS, key & (2**31 - 1), NO_PLACE).astype(np.int32)


def each_place(seeds: Seeds) -> Iterator[tuple[int, int, Seeds]]:
    """Give every place of every lane, with its seeds, in order of lane then place."""
    order = np.lexsort((seeds.offset_ms, seeds.node, seeds.place, seeds.lane))
    lane, place = seeds.lane[order], seeds.place[order]
    new = np.flatnonzero((np.diff(lane, prepend=-1) != 0) | (np.diff(place, prepend=-1) != 0))
    for first, last in pairwise([*new, len(order)]):
        yield int(lane[first]), int(place[first]), seeds.where(order[first:last])


def sorted_pairs(parts: list[Int32]) -> Within:
    """Join arrays of shape (4, pairs) that hold node, lane, place and time."""
    node, lane, place, time_ms = np.concatenate([np.empty((4, 0), dtype=np.int32), *parts], axis=1)
    order = np.lexsort((place, time_ms, lane, node))
    return Within(node[order], lane[order], place[order], time_ms[order])


def _quickest(arcs: Arcs) -> Arcs:
    """Keep the quickest of parallel arcs, and no self loop: neither changes a shortest time."""
    tail, head, weight = arcs.tail, arcs.head, arcs.weight_ms
    order = np.lexsort((weight, head, tail))
    tail, head, weight = tail[order], head[order], weight[order]
    first = (np.diff(tail, prepend=-1) != 0) | (np.diff(head, prepend=-1) != 0)
    kept = first & (tail != head)
    return arcs_from(tail[kept], head[kept], weight[kept], nodes=arcs.nodes)


def _matrix(arcs: Arcs, weight: Float64 | None = None) -> csr_array:
    """Hand arcs to scipy as they are: explicit zeros are kept, nothing is summed."""
    weight = arcs.weight_ms.astype(np.float64) if weight is None else weight
    return csr_array((weight, arcs.head, arcs.first_out), shape=(arcs.nodes, arcs.nodes))


def _from_seeds(
    arcs: Arcs,
    node: Int32,
    offset: Float64,
    *,
    scale: float = 1.0,
    limit: float = np.inf,
) -> Float64:
    """Measure from several nodes at once, each with its offset: a node is added, with one arc to each of them."""
    nodes = arcs.nodes
    order = np.lexsort((offset, node))
    order = order[np.diff(node[order], prepend=-1) != 0]
    first_out = np.append(arcs.first_out, len(arcs.head) + len(order))
    head = np.concatenate([arcs.head, node[order]])
    weight = np.concatenate([arcs.weight_ms * scale, offset[order]])
    graph = csr_array((weight, head, first_out), shape=(nodes + 1, nodes + 1))
    return np.asarray(dijkstra(graph, indices=nodes, limit=limit)[:nodes], dtype=np.float64)


def _one_lane(arcs: Arcs, seeds: Seeds, shown: npt.NDArray[np.integer]) -> tuple[Int32, Int32]:
    """Measure one lane; the number of the place rides in the low bits of the time."""
    places, number = np.unique(seeds.place, return_inverse=True)
    if len(places) >= _PLACE_SCALE:
        msg = "more than four million places in one lane"
        raise ValueError(msg)
    offset: Float64 = seeds.offset_ms.astype(np.float64) * _PLACE_SCALE + number
    key = _from_seeds(arcs, seeds.node, offset, scale=_PLACE_SCALE)[shown]
    time_ms = _milliseconds(key / _PLACE_SCALE)
    reached = time_ms < UNREACHED_MS
    rest = np.where(reached, key, 0.0) % _PLACE_SCALE
    return time_ms, np.where(reached, places[rest.astype(np.int64)], NO_PLACE).astype(np.int32)


def _milliseconds(time: Float64) -> Int32:
    """Turn scipy's float times into whole milliseconds."""
    return np.minimum(np.floor(time), UNREACHED_MS).astype(np.int32)


def _rounds(rows: int, columns: int) -> Iterator[slice]:
    """Cut rows so that one round holds a bounded table."""
    step = max(1, _CELLS_PER_ROUND // max(columns, 1))
    return (slice(start, start + step) for start in range(0, rows, step))
