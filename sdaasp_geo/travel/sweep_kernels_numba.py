"""The loops of ``sweep_numba``, compiled: positions in order of rank, lanes side by side.

The number of lanes of a row is read from its shape, never written as a constant: with a constant the compiler unrolls
the loop instead of treating several lanes per instruction, and the sweep is five times slower. The keys of ``few``
are those of ``paths_numba``, ``time_ms << 31 | place``.

``put``, ``up`` and ``down`` serve two kinds of labels, told apart by ``unit``, the label of one millisecond: times
(uint32, unit 1), or times with places (uint64, unit 2**32, the place in the low half), so that one comparison finds
the least time and, among equal times, the lowest place. They work on some ``columns`` (first, width) of ``table``,
where the position ``p`` of a hierarchy has row ``row[p]``. "Not reached" is ``2**31 * unit - 1``: ``UNREACHED_MS``,
with ``NO_PLACE`` beside it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from sdaasp_geo.travel.paths import NO_PLACE, UNREACHED_MS, Int32, Int64
from sdaasp_geo.travel.sweep_prefetch_numba import LINE, fetch

FAR = UNREACHED_MS << 31

Flags = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.uint32] | npt.NDArray[np.uint64]
Packed = tuple[Int64, Int32, Int32]

BEYOND_MS = UNREACHED_MS + 1

_AHEAD = 16


@njit(cache=True, nogil=True)
def close(first_out: Int64, head: Int32, flag: Flags) -> None:
    """Mark everything above what is marked."""
    for node in range(len(flag)):
        if flag[node]:
            for arc in range(first_out[node], first_out[node + 1]):
                flag[head[arc]] = 1


@njit(cache=True, nogil=True)
def clear(table: Labels, to: int, columns: tuple[int, int], unit: np.uint64) -> None:
    """Write "not reached" in the columns of a row."""
    kind = table.dtype.type
    first, width = np.uint64(columns[0]), columns[1]
    far = kind(kind(unit * kind(BEYOND_MS)) - kind(1))
    for lane in range(width):
        table[to, np.uint64(lane) + first] = far


@njit(cache=True, nogil=True)
def put(
    at: Int32,
    lane: Int32,
    label: Labels,
    row: Int32,
    table: Labels,
    flag: Flags,
    columns: tuple[int, int],
    unit: np.uint64,
) -> None:
    """Mark the positions of seeds, with the least of their labels."""
    for seed in range(len(at)):
        to, column = row[at[seed]], lane[seed]
        if not flag[at[seed]]:
            flag[at[seed]] = 1
            clear(table, to, columns, unit)
        table[to, column] = min(table[to, column], label[seed])


@njit(cache=True, nogil=True)
def up(arcs: Packed, row: Int32, table: Labels, flag: Flags, columns: tuple[int, int], unit: np.uint64) -> None:
    """Carry labels upwards from the marked positions."""
    first_out, head, weight = arcs
    kind = table.dtype.type
    first, width = np.uint64(columns[0]), columns[1]
    for node in range(len(flag)):
        if flag[node]:
            own = row[node]
            for arc in range(first_out[node], first_out[node + 1]):
                to, along = row[head[arc]], kind(kind(weight[arc]) * unit)
                if not flag[head[arc]]:
                    flag[head[arc]] = 1
                    clear(table, to, columns, unit)
                for lane in range(width):
                    column = np.uint64(lane) + first
                    table[to, column] = min(table[to, column], kind(table[own, column] + along))


@njit(cache=True, nogil=True)
def down(arcs: Packed, row: Int32, table: Labels, flag: Flags, columns: tuple[int, int], unit: np.uint64) -> None:
    """Give every position the best of what is above it; what is not marked yet holds nothing before.

    The best is gathered apart, where it stays in cache, and its row is written once. A time that reaches
    ``UNREACHED_MS`` has no place. The width is no literal: the compiler vectorises only then.
    """
    first_out, head, weight = arcs
    kind = table.dtype.type
    first, width = np.uint64(columns[0]), columns[1]
    limit = kind(kind(UNREACHED_MS) * unit)
    far = kind(kind(unit * kind(BEYOND_MS)) - kind(1))
    best = np.empty(width, dtype=table.dtype)
    for node in range(len(row) - 1, -1, -1):
        soon = row[max(node - _AHEAD, 0)]
        for lane in range(0, width, LINE // table.itemsize):
            fetch(table, soon, lane + columns[0])
        own = row[node]
        if flag[node]:
            for lane in range(width):
                best[lane] = table[own, np.uint64(lane) + first]
        else:
            for lane in range(width):
                best[lane] = far
        for arc in range(first_out[node], first_out[node + 1]):
            other, along = row[head[arc]], kind(kind(weight[arc]) * unit)
            for lane in range(width):
                best[lane] = min(best[lane], kind(table[other, np.uint64(lane) + first] + along))
        for lane in range(width):
            table[own, np.uint64(lane) + first] = best[lane] if best[lane] < limit else far


@njit(cache=True, nogil=True)
def write(label: Labels, row: Int32, table: Labels, first: int, count: int) -> None:
    """Copy labels to the rows of a table, columns ``first`` and after; read in order, which is what costs."""
    shift = np.uint64(first)
    for node in range(len(row)):
        to = row[node]
        if to >= 0:
            for lane in range(count):
                table[to, np.uint64(lane) + shift] = label[node, lane]


@njit(cache=True, nogil=True)
def take(row: Int64, key: int) -> None:
    """Put a key in a sorted row of the best keys of distinct places."""
    k = len(row)
    if key >= row[k - 1]:
        return
    last = k - 1
    for slot in range(k):
        if row[slot] < FAR and row[slot] & UNREACHED_MS == key & UNREACHED_MS:
            if row[slot] <= key:
                return
            last = slot
            break
    while last > 0 and row[last - 1] > key:
        row[last] = row[last - 1]
        last -= 1
    row[last] = key


@njit(cache=True, nogil=True)
def put_few(label: Int64, flag: Flags, at: Int32, key: Int64, lane: Int32) -> None:
    """Mark the positions of seeds, with the best of their keys."""
    for seed in range(len(at)):
        flag[at[seed]] = 1
        take(label[at[seed], lane[seed]], key[seed])


@njit(cache=True, nogil=True)
def merge(into: Int64, other: Int64, time: np.int64) -> None:
    """Take from a neighbour what it offers, lane by lane."""
    lanes, k = into.shape
    for lane in range(lanes):
        for slot in range(k):
            key = other[lane, slot] + time
            if key >= into[lane, k - 1]:
                break
            take(into[lane], key)


@njit(cache=True, nogil=True)
def up_few(first_out: Int64, head: Int32, weight: Int32, label: Int64, flag: Flags) -> None:
    """Carry rows of keys upwards from the marked positions."""
    for node in range(len(flag)):
        if flag[node]:
            for arc in range(first_out[node], first_out[node + 1]):
                flag[head[arc]] = 1
                merge(label[head[arc]], label[node], np.int64(weight[arc]) << 31)


@njit(cache=True, nogil=True)
def down_few(first_out: Int64, head: Int32, weight: Int32, label: Int64) -> None:
    """Give every position the best keys of what is above it."""
    for node in range(len(label) - 1, -1, -1):
        for arc in range(first_out[node], first_out[node + 1]):
            merge(label[node], label[head[arc]], np.int64(weight[arc]) << 31)


@njit(cache=True, nogil=True)
def write_few(label: Int64, row: Int32, time_ms: Int32, place: Int32, first: int) -> None:
    """Split keys into the rows of two tables, lanes ``first`` and after."""
    lanes, k = label.shape[1:]
    for node in range(len(row)):
        to = row[node]
        if to >= 0:
            for lane in range(lanes):
                for slot in range(k):
                    key = label[node, lane, slot]
                    time_ms[to, first + lane, slot] = key >> 31
                    place[to, first + lane, slot] = key & UNREACHED_MS if key < FAR else NO_PLACE
