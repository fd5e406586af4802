"""Nearest places of many questions at once on a road network: one search for all, door to door, exact."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from sdaasp_geo.travel.engine import NOT_MEASURED, OFF_NETWORK, REACHED, UNREACHABLE
from sdaasp_geo.travel.lanes import LaneEngine, LaneTimes
from sdaasp_geo.travel.nearest import NO_PLACE as NO_PLACE_REASON
from sdaasp_geo.travel.paths import NO_PLACE, UNREACHED_MS, Arcs, Seeds, unpacked
from sdaasp_geo.travel.road_engine import MS_PER_MIN, describe_access, road_method
from sdaasp_geo.travel.road_graph import RoadGraph
from sdaasp_geo.travel.snapping import ISLAND, NO_EDGE, Access, entry_seeds, road_access, same_edge_ms, snap_index
from sdaasp_geo.travel.solvers import FewSolver, pick_few_solver

_PLACE_BITS = 31
_FAR = UNREACHED_MS << _PLACE_BITS
_BATCH = 256

Keys = npt.NDArray[np.int64]


def road_lane_engine(
    graph: RoadGraph,
    *,
    cap_m: float,
    walking_kmh: float,
    folder: Path | None = None,
    tell: Callable[[str], None] | None = None,
) -> LaneEngine:
    """Make a lane engine from a road graph; parameters are those of `road_engine.road_engine`."""
    index = snap_index(graph)
    arcs = Arcs(graph.first_out, graph.head, graph.weight_ms)
    method = road_method(graph, cap_m=cap_m, walking_kmh=walking_kmh)

    def lane_engine(
        origins: pd.DataFrame, places: pd.DataFrame, answers: npt.NDArray[np.bool_], ranks: int
    ) -> LaneTimes:
        by_id = np.argsort(places["id"].to_numpy(dtype=str), kind="stable")
        start = road_access(graph, origins[["ref_x", "ref_y"]], cap_m=cap_m, walking_kmh=walking_kmh, index=index)
        end = road_access(
            graph, places[["x", "y"]].to_numpy()[by_id], cap_m=cap_m, walking_kmh=walking_kmh, index=index
        )
        solver = pick_few_solver(
            arcs, lanes=answers.shape[1], k=ranks, folder=folder, fingerprint=graph.fingerprint, tell=tell
        )
        key = lane_keys(graph, start, end, answers[by_id], ranks=ranks, solver=solver)
        time_ms, number = unpacked(key)
        place = np.where(number == NO_PLACE, NO_PLACE, by_id[number]).astype(np.int32) if len(by_id) else number
        reason = _reasons(time_ms, start, end, answers[by_id])
        time_min = np.where(reason == REACHED, time_ms / MS_PER_MIN, np.nan)
        return LaneTimes(time_min, time_min, time_min, place, reason, method, describe_access(start, origins["code"]))

    return lane_engine


def lane_keys(
    graph: RoadGraph, start: Access, end: Access, answers: npt.NDArray[np.bool_], *, ranks: int, solver: FewSolver
) -> Keys:
    """Find the ``ranks`` nearest distinct places of every lane from every point.

    Parameters
    ----------
    graph : RoadGraph
        The network.
    start, end : Access
        Of the origins and of the places.
    answers : ndarray of bool (places, lanes)
        Which places answer which lane.
    ranks : int
        Places to find, distinct, by time then number.
    solver : FewSolver
        From `solvers.pick_few_solver`.

    Returns
    -------
    ndarray of int64 (starts, lanes, ranks)
        ``time_ms << 31 | place``, sorted (`paths.unpacked`); the time is ``UNREACHED_MS`` where there is none.
    """
    lanes = answers.shape[1]
    best = np.full((len(start.edge), lanes, ranks), _FAR, dtype=np.int64)
    nodes = np.unique(start.exit_node[start.exit_node != NO_EDGE]).astype(np.int32)
    position = np.searchsorted(nodes, start.exit_node)
    leaving = dataclasses.replace(start, exit_node=np.where(start.exit_node != NO_EDGE, position, NO_EDGE))
    point, node, offset = entry_seeds(end)
    for first in range(0, lanes, _BATCH):
        width = min(_BATCH, lanes - first)
        seed, lane = np.nonzero(answers[point, first : first + width])
        seeds = Seeds(node[seed], offset[seed], lane.astype(np.int32), point[seed].astype(np.int32))
        there = solver(seeds, width, nodes)
        best[:, first : first + width] = _through_exits(leaving, there.time_ms, there.place, ranks)
    return _with_same_edge(graph, start, end, answers, best)


def _through_exits(start: Access, time_ms: npt.NDArray[np.int32], place: npt.NDArray[np.int32], ranks: int) -> Keys:
    """Carry the keys of the exit nodes to the points that leave through them."""
    best = np.full((len(start.edge), time_ms.shape[1], ranks), _FAR, dtype=np.int64)
    for column in range(start.exit_node.shape[1]):
        rows = np.flatnonzero(start.exit_node[:, column] != NO_EDGE)
        node, walk = start.exit_node[rows, column], start.exit_ms[rows, column].astype(np.int64)[:, None, None]
        total = time_ms[node] + walk
        reached = (time_ms[node] < UNREACHED_MS) & (total < UNREACHED_MS)
        best[rows] = _merged(best[rows], np.where(reached, total << _PLACE_BITS | place[node], _FAR))
    return best


def _with_same_edge(graph: RoadGraph, start: Access, end: Access, answers: npt.NDArray[np.bool_], best: Keys) -> Keys:
    """Consider trips that never leave an edge, one place of each origin at a time."""
    best = best.copy()
    one, other, along = same_edge_ms(graph, start, end)
    turn = np.arange(len(one)) - np.searchsorted(one, one, side="left")
    for number in range(int(turn.max(initial=-1)) + 1):
        now = turn == number
        key = along[now].astype(np.int64) << _PLACE_BITS | other[now]
        offered = np.where(answers[other[now]], key[:, None], _FAR)[:, :, None]
        best[one[now]] = _merged(best[one[now]], offered)
    return best


def _merged(best: Keys, offered: Keys) -> Keys:
    """Keep the smallest keys of distinct places, as many as there were."""
    ranks = best.shape[2]
    if ranks == 1:
        return np.asarray(np.minimum(best, offered.min(axis=2, keepdims=True)))
    both = np.sort(np.concatenate([best, offered], axis=2), axis=2)
    place = both & (1 << _PLACE_BITS) - 1
    for column in range(1, both.shape[2]):
        seen = (place[:, :, :column] == place[:, :, column : column + 1]) & (both[:, :, :column] < _FAR)
        both[:, :, column] = np.where(seen.any(axis=2), _FAR, both[:, :, column])
    kept: Keys = np.sort(both, axis=2)[:, :, :ranks]
    return kept


def _reasons(
    time_ms: npt.NDArray[np.int32], start: Access, end: Access, answers: npt.NDArray[np.bool_]
) -> npt.NDArray[np.str_]:
    """Say of every origin, lane and rank why there is no time: the origin's own reason, else that of the places."""
    there = np.full(answers.shape[1], UNREACHABLE, dtype=object)
    for shared in (ISLAND, OFF_NETWORK):
        there[(answers <= (end.reason == shared)[:, None]).all(axis=0)] = shared
    there[(answers & (end.reason == NOT_MEASURED)[:, None]).any(axis=0)] = NOT_MEASURED
    own = start.reason.astype(object)[:, None]
    missing = np.where(own == REACHED, there, own)[:, :, None]
    too_few = (answers.sum(axis=0)[:, None] <= np.arange(time_ms.shape[2]))[None]
    lost = np.where(too_few, NO_PLACE_REASON, missing)
    return np.asarray(np.where(time_ms < UNREACHED_MS, REACHED, lost), dtype=np.str_)
