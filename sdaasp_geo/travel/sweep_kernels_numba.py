"""The loops of ``sweep_numba``, compiled: positions in order of rank, lanes side by side.

The number of lanes of a row is read from its shape, never written as a constant: with a constant the compiler unrolls
the loop instead of treating several lanes per instruction, and the sweep is five times slower. The keys of ``few``
are those of ``paths_numba``, ``time_ms << 31 | place``.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from sdaasp_geo.travel.paths import NO_PLACE, UNREACHED_MS, Int32, Int64

FAR = UNREACHED_MS << 31

Flags = npt.NDArray[np.uint8]
Times = npt.NDArray[np.uint32]


@njit(cache=True, nogil=True)
def close(first_out: Int64, head: Int32, flag: Flags) -> None:
    """Mark everything above what is marked."""
    for node in range(len(flag)):
        if flag[node]:
            for arc in range(first_out[node], first_out[node + 1]):
                flag[head[arc]] = 1


@njit(cache=True, nogil=True)
def put_times(at: Int32, offset_ms: Int32, lane: Int32, times: Times, flag: Flags) -> None:
    """Mark the positions of seeds, with the least of their times."""
    for seed in range(len(at)):
        flag[at[seed]] = 1
        times[at[seed], lane[seed]] = min(times[at[seed], lane[seed]], np.uint32(offset_ms[seed]))


@njit(cache=True, nogil=True)
def up_times(first_out: Int64, head: Int32, weight: Int32, times: Times, flag: Flags) -> None:
    """Carry times upwards from the marked positions."""
    width = times.shape[1]
    for node in range(len(flag)):
        if flag[node]:
            for arc in range(first_out[node], first_out[node + 1]):
                other, along = head[arc], np.uint32(weight[arc])
                flag[other] = 1
                for lane in range(width):
                    times[other, lane] = min(times[other, lane], np.uint32(times[node, lane] + along))


@njit(cache=True, nogil=True)
def down_times(first_out: Int64, head: Int32, weight: Int32, times: Times) -> None:
    """Give every position the best of what is above it. The width is no literal: the compiler vectorises only then."""
    width = times.shape[1]
    for node in range(len(times) - 1, -1, -1):
        for arc in range(first_out[node], first_out[node + 1]):
            other, along = head[arc], np.uint32(weight[arc])
            for lane in range(width):
                times[node, lane] = min(times[node, lane], np.uint32(times[other, lane] + along))


@njit(cache=True, nogil=True)
def put_places(
    at: Int32,
    offset_ms: Int32,
    lane: Int32,
    place: Int32,
    times: Times,
    places: Int32,
    flag: Flags,
) -> None:
    """Mark the positions of seeds, with the least of their times and its place."""
    for seed in range(len(at)):
        node, column, time = at[seed], lane[seed], np.uint32(offset_ms[seed])
        flag[node] = 1
        was = times[node, column]
        if time < was or (time == was and time < UNREACHED_MS and place[seed] < places[node, column]):
            times[node, column], places[node, column] = time, place[seed]


@njit(cache=True, nogil=True)
def up_places(
    first_out: Int64,
    head: Int32,
    weight: Int32,
    times: Times,
    places: Int32,
    flag: Flags,
) -> None:
    """Carry times and places upwards from the marked positions."""
    width = times.shape[1]
    for node in range(len(flag)):
        if flag[node]:
            for arc in range(first_out[node], first_out[node + 1]):
                other, along = head[arc], np.uint32(weight[arc])
                flag[other] = 1
                for lane in range(width):
                    time, was = np.uint32(times[node, lane] + along), times[other, lane]
                    place, own = places[node, lane], places[other, lane]
                    better = (time < was) | ((time == was) & (place < own))
                    times[other, lane] = time if better else was
                    places[other, lane] = place if better else own


@njit(cache=True, nogil=True)
def down_places(first_out: Int64, head: Int32, weight: Int32, times: Times, places: Int32) -> None:
    """Give every position the best of what is above it, time and place; no branch, so that it is vectorised."""
    width = times.shape[1]
    for node in range(len(times) - 1, -1, -1):
        for arc in range(first_out[node], first_out[node + 1]):
            other, along = head[arc], np.uint32(weight[arc])
            for lane in range(width):
                time, was = np.uint32(times[other, lane] + along), times[node, lane]
                place, own = places[other, lane], places[node, lane]
                better = (time < was) | ((time == was) & (place < own))
                times[node, lane] = time if better else was
                places[node, lane] = place if better else own


@njit(cache=True, nogil=True)
def write(label: Int32, row: Int32, table: Int32, first: int, count: int) -> None:
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
