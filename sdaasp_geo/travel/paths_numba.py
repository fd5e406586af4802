"""Shortest paths with a bucket queue (Dial), compiled by numba: for one question asked of a network for the first time.

Same questions, same answers as ``paths``. A label is one whole number, ``time_ms << 31 | place``: the smaller label
is the nearer place, and the lower number among equals, so that ties need no code. Buckets are 2**shift milliseconds
wide, and a node that improves within the current bucket is treated again, which keeps the answer exact whatever the
width, with arcs of no length too. Nodes wait in linked lists threaded through two arrays: memory does not grow during
a search.

Lanes are searched one after the other; ``threads`` searches several at a time (numba releases the interpreter's
lock).
"""
# ruff: noqa: PLR0913, PLR0917 - compiled functions take arrays, not objects

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numba import njit

from sdaasp_geo.travel.paths import (
    NO_PLACE,
    UNREACHED_MS,
    Arcs,
    Int32,
    Int64,
    Nearest,
    NearestFew,
    Seeds,
    Within,
    check_seeds,
    each_place,
    sorted_pairs,
    transpose,
    unpacked,
)

_FAR = UNREACHED_MS << 31
_RING_BITS = 14
_ALONE = -2
_END = -1


def nearest_queue(
    arcs: Arcs,
    seeds: Seeds,
    *,
    lanes: int,
    backward: Arcs | None = None,
    nodes: Int32 | None = None,
    threads: int = 1,
) -> Nearest:
    """Find the nearest place of every lane from every node. Parameters: see ``paths.nearest_scipy``."""
    check_seeds(seeds, nodes=arcs.nodes, lanes=lanes)
    backward = backward if backward is not None else transpose(arcs)
    rows = arcs.nodes if nodes is None else len(nodes)
    time_ms = np.full((lanes, rows), UNREACHED_MS, dtype=np.int32)
    place = np.full((lanes, rows), NO_PLACE, dtype=np.int32)

    def search(lane: int) -> None:
        own = seeds.where(seeds.lane == lane)
        label = np.full(backward.nodes, _FAR, dtype=np.int64)
        _search(backward, own, label, UNREACHED_MS - 1)
        _report(label if nodes is None else label[nodes], time_ms[lane], place[lane])

    _each(search, [int(lane) for lane in np.unique(seeds.lane)], threads)
    return Nearest(time_ms.T, place.T)


def within_queue(
    arcs: Arcs,
    seeds: Seeds,
    *,
    limit_ms: int,
    backward: Arcs | None = None,
    nodes: Int32 | None = None,
) -> Within:
    """List every place within a time (≤ ``limit_ms``) of every node. Parameters: see ``paths.nearest_scipy``."""
    check_seeds(seeds, nodes=arcs.nodes, lanes=2**31)
    backward = backward if backward is not None else transpose(arcs)
    shown = np.ones(arcs.nodes, dtype=np.bool_)
    if nodes is not None:
        shown[:] = False
        shown[nodes] = True
    label = np.full(arcs.nodes, _FAR, dtype=np.int64)
    scratch = _scratch(arcs.nodes)
    parts: list[Int32] = []
    for lane, place, own in each_place(seeds):
        touched = _search(backward, own, label, min(limit_ms, UNREACHED_MS - 1), scratch)
        times = (label[touched] >> 31).astype(np.int32)
        label[touched] = _FAR
        kept = shown[touched]
        pair = np.full((2, int(kept.sum())), [[lane], [place]], dtype=np.int32)
        parts.append(np.stack([touched[kept], pair[0], pair[1], times[kept]]))
    return sorted_pairs(parts)


def few_queue(
    arcs: Arcs,
    seeds: Seeds,
    *,
    lanes: int,
    k: int,
    backward: Arcs | None = None,
    nodes: Int32 | None = None,
    threads: int = 1,
) -> NearestFew:
    """Find the ``k`` nearest distinct places of every lane from every node."""
    check_seeds(seeds, nodes=arcs.nodes, lanes=lanes)
    backward = backward if backward is not None else transpose(arcs)
    rows = arcs.nodes if nodes is None else len(nodes)
    best = np.full((lanes, rows, k), _FAR, dtype=np.int64)

    def search(lane: int) -> None:
        own = seeds.where(seeds.lane == lane)
        label = np.full((backward.nodes, k), _FAR, dtype=np.int64)
        key = own.offset_ms.astype(np.int64) << 31 | own.place
        _few(backward.first_out, backward.head, backward.weight_ms, own.node, key, label)
        best[lane] = label if nodes is None else label[nodes]

    _each(search, [int(lane) for lane in np.unique(seeds.lane)], threads)
    return NearestFew(*unpacked(best.transpose(1, 0, 2)))


def matrix_queue(arcs: Arcs, origins: Int32, targets: Int32, *, threads: int = 1) -> Int32:
    """Measure times from every origin node to every target node, shape (origins, targets)."""
    if len(targets) < len(origins):
        return matrix_queue(transpose(arcs), targets, origins, threads=threads).T
    times = np.full((len(origins), len(targets)), UNREACHED_MS, dtype=np.int32)
    zero = np.zeros(1, dtype=np.int32)

    def search(row: int) -> None:
        label = np.full(arcs.nodes, _FAR, dtype=np.int64)
        _search(arcs, Seeds(origins[row : row + 1], zero, zero, zero), label, UNREACHED_MS - 1)
        times[row] = label[targets] >> 31

    _each(search, range(len(origins)), threads)
    return times


def _each(task: Callable[[int], None], numbers: Iterable[int], threads: int) -> None:
    """Do a task for every number, on several threads when asked."""
    if threads <= 1:
        for number in numbers:
            task(number)
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(task, numbers))


def _scratch(nodes: int) -> tuple[Int32, Int32, Int32]:
    """Make the arrays of the queue: next, previous, touched."""
    return np.full(nodes, _ALONE, dtype=np.int32), np.empty(nodes, dtype=np.int32), np.empty(nodes, dtype=np.int32)


def _search(
    arcs: Arcs,
    seeds: Seeds,
    label: Int64,
    limit_ms: int,
    scratch: tuple[Int32, Int32, Int32] | None = None,
) -> Int32:
    """Search one lane into ``label`` (all ``_FAR`` before); return the nodes reached."""
    key = seeds.offset_ms.astype(np.int64) << 31 | seeds.place
    widest = int(max(arcs.weight_ms.max(initial=0), seeds.offset_ms.max(initial=0)))
    shift = max(0, widest.bit_length() - _RING_BITS)
    size = 1 << ((widest >> shift) + 1).bit_length()
    following, previous, touched = _scratch(arcs.nodes) if scratch is None else scratch
    ring = np.full((2, size), _END, dtype=np.int32)
    args = (arcs.first_out, arcs.head, arcs.weight_ms, seeds.node, key)
    return touched[: _dial(*args, limit_ms, shift, label, following, previous, ring, touched)]


@njit(cache=True, nogil=True)
def _unlink(node: int, slot: int, ring: Int32, following: Int32, previous: Int32) -> None:
    """Take a node out of its bucket."""
    before, after = previous[node], following[node]
    if before == _END:
        ring[0, slot] = after
    else:
        following[before] = after
    if after == _END:
        ring[1, slot] = before
    else:
        previous[after] = before
    following[node] = _ALONE


@njit(cache=True, nogil=True)
def _append(node: int, slot: int, ring: Int32, following: Int32, previous: Int32) -> None:
    """Put a node at the end of a bucket."""
    last = ring[1, slot]
    previous[node] = last
    following[node] = _END
    ring[1, slot] = node
    if last == _END:
        ring[0, slot] = node
    else:
        following[last] = node


@njit(cache=True, nogil=True)
def _improve(
    node: int,
    key: int,
    shift: int,
    label: Int64,
    following: Int32,
    previous: Int32,
    ring: Int32,
) -> int:
    """Give a node a better label and its place in the queue; return 1 when it was not waiting."""
    mask = ring.shape[1] - 1
    waiting = following[node] != _ALONE
    if waiting:
        _unlink(node, (label[node] >> 31 >> shift) & mask, ring, following, previous)
    label[node] = key
    _append(node, (key >> 31 >> shift) & mask, ring, following, previous)
    return 0 if waiting else 1


@njit(cache=True, nogil=True)
def _dial(
    first_out: Int64,
    head: Int32,
    weight: Int32,
    seed_node: Int32,
    seed_key: Int64,
    limit_ms: int,
    shift: int,
    label: Int64,
    following: Int32,
    previous: Int32,
    ring: Int32,
    touched: Int32,
) -> int:
    """Bucket-queue search from seeds, up to a time; return how many nodes are reached."""
    far, last = _FAR, (limit_ms + 1) << 31
    mask = ring.shape[1] - 1
    count = waiting = 0
    for seed in range(len(seed_node)):
        node, key = seed_node[seed], seed_key[seed]
        if key < last and key < label[node]:
            if label[node] == far:
                touched[count] = node
                count += 1
            waiting += _improve(node, key, shift, label, following, previous, ring)
    bucket = 0
    while waiting > 0:
        node = ring[0, bucket & mask]
        if node == _END:
            bucket += 1
            continue
        _unlink(node, bucket & mask, ring, following, previous)
        waiting -= 1
        for arc in range(first_out[node], first_out[node + 1]):
            other = head[arc]
            key = label[node] + (np.int64(weight[arc]) << 31)
            if key < last and key < label[other]:
                if label[other] == far:
                    touched[count] = other
                    count += 1
                waiting += _improve(other, key, shift, label, following, previous, ring)
    return count


@njit(cache=True, nogil=True)
def _report(label: Int64, time_ms: Int32, place: Int32) -> None:
    """Split labels into times and places."""
    for row in range(len(label)):
        key = label[row]
        time_ms[row] = key >> 31
        place[row] = key & UNREACHED_MS if key < _FAR else NO_PLACE


@njit(cache=True, nogil=True)
def _sift_up(keys: Int64, nodes: Int32, size: int, key: int, node: int) -> None:
    """Add an entry to a heap of ``size`` entries."""
    hole = size
    while hole > 0:
        parent = (hole - 1) >> 1
        if keys[parent] <= key:
            break
        keys[hole], nodes[hole] = keys[parent], nodes[parent]
        hole = parent
    keys[hole], nodes[hole] = key, node


@njit(cache=True, nogil=True)
def _sift_down(keys: Int64, nodes: Int32, size: int) -> None:
    """Put the entry at ``size`` (just past the end) in the place of the first, taken out."""
    key, node, hole = keys[size], nodes[size], 0
    while True:
        child = 2 * hole + 1
        if child >= size:
            break
        if child + 1 < size and keys[child + 1] < keys[child]:
            child += 1
        if keys[child] >= key:
            break
        keys[hole], nodes[hole] = keys[child], nodes[child]
        hole = child
    keys[hole], nodes[hole] = key, node


@njit(cache=True, nogil=True)
def _few(
    first_out: Int64,
    head: Int32,
    weight: Int32,
    seed_node: Int32,
    seed_key: Int64,
    label: Int64,
) -> None:
    """Settle every node up to k times, each with a place not yet there; label is (n, k), ``_FAR`` before."""
    k = label.shape[1]
    keys, nodes = np.empty(1024 + len(seed_node), np.int64), np.empty(1024 + len(seed_node), np.int32)
    size = 0
    for seed in range(len(seed_node)):
        _sift_up(keys, nodes, size, seed_key[seed], seed_node[seed])
        size += 1
    while size > 0:
        key, node = keys[0], nodes[0]
        size -= 1
        if size > 0:
            _sift_down(keys, nodes, size)
        if not _settle(label[node], key):
            continue
        for arc in range(first_out[node], first_out[node + 1]):
            onward = key + (np.int64(weight[arc]) << 31)
            if onward < _FAR and onward < label[head[arc], k - 1]:
                if size == len(keys):
                    keys, nodes = np.append(keys, np.empty_like(keys)), np.append(nodes, np.empty_like(nodes))
                _sift_up(keys, nodes, size, onward, head[arc])
                size += 1


@njit(cache=True, nogil=True)
def _settle(row: Int64, key: int) -> bool:
    """Write a key in the first free slot, unless its place is there already or there is none free."""
    for slot in range(len(row)):
        if row[slot] == _FAR:
            row[slot] = key
            return True
        if row[slot] & UNREACHED_MS == key & UNREACHED_MS:
            return False
    return False
