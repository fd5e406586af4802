"""The engine on a road network: exact times by car over the graph, walking to the road included."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from sdaasp_geo import french
from sdaasp_geo.french import NBSP
from sdaasp_geo.travel.engine import NOT_MEASURED, OFF_NETWORK, REACHED, UNREACHABLE, Engine, Method, TimeMatrix
from sdaasp_geo.travel.paths import UNREACHED_MS, Arcs, Seeds
from sdaasp_geo.travel.road_graph import RoadGraph
from sdaasp_geo.travel.snapping import ISLAND, Access, entry_seeds, road_access, same_edge_ms, snap_index, through_exits
from sdaasp_geo.travel.solvers import Solver, pick_solver

MS_PER_MIN = 60_000.0
_BATCH = 256


def road_engine(
    graph: RoadGraph,
    *,
    cap_m: float,
    walking_kmh: float,
    folder: Path | None = None,
    tell: Callable[[str], None] | None = None,
) -> Engine:
    """Make an engine from a road graph.

    Parameters
    ----------
    graph : RoadGraph
        The network, in the CRS of the layers.
    cap_m : float
        Beyond this distance to a road, in metres, a point is off the network.
    walking_kmh : float
        Speed between a point and the road.
    folder : Path, optional
        Where prepared hierarchies are kept (`solvers.pick_solver`).
    tell : callable, optional
        Told, in French, which solver answers and why; every solver gives the same times.

    Returns
    -------
    Engine
        Times are exact on the graph: door to road on foot at both ends, then by car. A pair is ``inaccessible`` (no
        path), ``îlot`` (an end lies on a road apart from the main network), ``hors réseau`` or ``non mesuré``.
    """
    index = snap_index(graph)
    arcs = Arcs(graph.first_out, graph.head, graph.weight_ms)
    method = road_method(graph, cap_m=cap_m, walking_kmh=walking_kmh)

    def engine(origins: pd.DataFrame, places: pd.DataFrame) -> TimeMatrix:
        start = road_access(graph, origins[["ref_x", "ref_y"]], cap_m=cap_m, walking_kmh=walking_kmh, index=index)
        end = road_access(graph, places[["x", "y"]], cap_m=cap_m, walking_kmh=walking_kmh, index=index)
        solver = pick_solver(arcs, lanes=len(places), folder=folder, fingerprint=graph.fingerprint, tell=tell)
        times_ms = access_times_ms(graph, start, end, solver=solver)
        reason = _reasons(times_ms, start, end)
        time_min = np.where(reason == REACHED, times_ms / MS_PER_MIN, np.nan)
        return TimeMatrix(
            origins,
            places,
            time_min,
            time_min,
            time_min,
            reason,
            method,
            describe_access(start, origins["code"]),
            describe_access(end, places["id"]),
        )

    return engine


def access_times_ms(graph: RoadGraph, start: Access, end: Access, *, solver: Solver) -> npt.NDArray[np.int64]:
    """Measure the time from every point of ``start`` to every point of ``end``.

    Returns
    -------
    ndarray of int64 (starts, ends)
        Milliseconds, walking included; ``UNREACHED_MS`` where there is no path.
    """
    shape = (len(start.edge), len(end.edge))
    best = np.full(shape, UNREACHED_MS, dtype=np.int64)
    nodes = np.unique(start.exit_node[start.exit_node >= 0]).astype(np.int32)
    position = np.searchsorted(nodes, start.exit_node).astype(np.int32)
    leaving = dataclasses.replace(start, exit_node=np.where(start.exit_node >= 0, position, start.exit_node))
    point, node, offset = entry_seeds(end)
    for first in range(0, shape[1], _BATCH):
        own = (point >= first) & (point < first + _BATCH)
        lane = (point[own] - first).astype(np.int32)
        width = min(_BATCH, shape[1] - first)
        seeds = Seeds(node[own].astype(np.int32), offset[own].astype(np.int32), lane, lane)
        there = solver(seeds, width, nodes)
        best[:, first : first + width], _ = through_exits(leaving, there.time_ms, there.place)
    one, other, along = same_edge_ms(graph, start, end)
    np.minimum.at(best, (one, other), along.astype(np.int64))
    return best


def _reasons(times_ms: npt.NDArray[np.int64], start: Access, end: Access) -> npt.NDArray[np.str_]:
    """Say of every pair whether it is reached, and otherwise the most telling reason of its two ends."""
    unknown = (start.reason == NOT_MEASURED)[:, None] | (end.reason == NOT_MEASURED)
    away = (start.reason == OFF_NETWORK)[:, None] | (end.reason == OFF_NETWORK)
    island = (start.reason == ISLAND)[:, None] | (end.reason == ISLAND)
    chosen = np.select(
        [times_ms < UNREACHED_MS, unknown, away, island], [REACHED, NOT_MEASURED, OFF_NETWORK, ISLAND], UNREACHABLE
    )
    return np.asarray(chosen)


def describe_access(access: Access, codes: pd.Series) -> pd.DataFrame:
    """Describe how points reach the road: ``code, road_reason, snap_m, road_class, road_name``."""
    return pd.DataFrame(
        {
            "code": codes.to_numpy(),
            "road_reason": access.reason,
            "snap_m": access.snap_m,
            "road_class": access.road_class,
            "road_name": access.road_name,
        }
    )


def road_method(graph: RoadGraph, *, cap_m: float, walking_kmh: float) -> Method:
    """Describe how times on a graph are obtained, as every output prints it."""
    description = (
        f"Temps en voiture sur le réseau routier ({french.number(len(graph.node_xy))} carrefours, "
        f"{french.number(graph.edge_length_m.sum() / 1000)}{NBSP}km), par le plus court chemin exact, à vitesse "
        f"moyenne par classe de route, sans circulation ni coût de virage. S'y ajoute la marche jusqu'à la route, à "
        f"{french.number(walking_kmh, digits=1)}{NBSP}km/h\u202f; un point à plus de {french.number(cap_m)}{NBSP}m "
        "d'une route est «\u00a0hors réseau\u00a0»."
    )
    return Method(
        code="routes",
        label="réseau routier",
        estimate=False,
        description=description,
        source=graph.source or "réseau routier fourni",
    )
