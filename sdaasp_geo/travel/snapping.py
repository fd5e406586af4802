"""From points to the road: nearest edge, distance walked, and times to both ends of the edge, with reason codes.

The time from a point to another is the smallest of the times *exit of the origin + path between nodes + entry of the
place*, over two exits and two entries, and of the direct time when both stand on the same edge
(:func:`same_edge_ms`). Walking to and from the road is part of exits and entries.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from shapely import STRtree

from sdaasp_geo.errors import TravelError
from sdaasp_geo.french import NBSP
from sdaasp_geo.travel.engine import NOT_MEASURED, OFF_NETWORK, REACHED
from sdaasp_geo.travel.paths import NO_PLACE, UNREACHED_MS
from sdaasp_geo.travel.road_graph import RoadGraph, edge_lines
from sdaasp_geo.travel.road_sections import CLOSED, LONGEST_MS

Floats = npt.NDArray[np.float64]
Longs = npt.NDArray[np.int64]
Ints = npt.NDArray[np.int32]
Bools = npt.NDArray[np.bool_]

ISLAND = "îlot"
"""Reason: the road found is not connected, both ways, to the main network."""

NO_STOP = frozenset({"motorway", "motorway_link", "ferry"})
"""Classes of road where nobody gets in or out of a car."""

NO_EDGE = -1
"""Edge, or node, of a point that reaches no road, or by a direction that is closed."""

ISLAND_NODES = 100
"""Points stay on a separate network of at least this many nodes (a sea island); a smaller one is a gap in the data."""

_MS_PER_M_AT_1_KMH = 3_600


@dataclass(frozen=True, eq=False)
class SnapIndex:
    """Search trees over the edges of a graph where a car may stop.

    Attributes
    ----------
    edges, main_edges : ndarray of int64
        Edges of each tree, in order: all, and those with both ends in the main component.
    rank : ndarray of int8 (e,)
        Of every edge of the graph: 0 in the main component, 1 in another network of some size, 2 elsewhere.
    tree, main_tree : STRtree
        Over the lines of ``edges`` and ``main_edges``.
    """

    edges: Longs
    main_edges: Longs
    rank: npt.NDArray[np.int8]
    tree: STRtree
    main_tree: STRtree


@dataclass(frozen=True, eq=False)
class Access:
    """How points reach the road. One row per point.

    Attributes
    ----------
    reason : ndarray of str
        ``atteint``; ``hors réseau`` (no road within the cap); ``îlot`` (the road is not connected both ways to the main
        network; the rest is filled all the same, so that trips within the island can be computed); ``non mesuré`` (no
        coordinates).
    edge : ndarray of int32
        Edge of the graph; -1 when ``hors réseau`` or ``non mesuré``.
    fraction : ndarray of float64
        Place along the edge, 0 at its tail, 1 at its head; NaN without an edge.
    snap_m : ndarray of float64
        Distance to the road, known even beyond the cap; NaN when ``non mesuré`` or the graph has no road to stop on.
    walk_ms : ndarray of int32
        Walking time over that distance; 0 without an edge.
    road_class, road_name : ndarray of str
        Of the road at that distance, even beyond the cap; "" where unknown.
    exit_node, exit_ms : ndarray of int32 (p, 2)
        Leaving: forward through the head of the edge (column 0), backward through its tail (column 1): node, and time
        from the point to it, walking included. -1 and ``UNREACHED_MS`` where closed or without an edge.
    entry_node, entry_ms : ndarray of int32 (p, 2)
        Arriving: from the tail of the edge forward (column 0), from its head backward (column 1): node, and time from
        it to the point, walking included.
    """

    reason: npt.NDArray[np.str_]
    edge: Ints
    fraction: Floats
    snap_m: Floats
    walk_ms: Ints
    road_class: npt.NDArray[np.object_]
    road_name: npt.NDArray[np.object_]
    exit_node: Ints
    exit_ms: Ints
    entry_node: Ints
    entry_ms: Ints


def snap_index(graph: RoadGraph, *, no_stop: Collection[str] = NO_STOP, island_nodes: int = ISLAND_NODES) -> SnapIndex:
    """Prepare the search of the nearest road.

    Parameters
    ----------
    graph : RoadGraph
        The network.
    no_stop : collection of str
        Classes on which no point is placed.
    island_nodes : int
        Points stay on a separate network of at least this many nodes; on a smaller one, they move to the main network
        when it is within the cap.
    """
    component = graph.component
    tail, head = component[graph.edge_tail], component[graph.edge_head]
    large = np.bincount(component)[tail] >= island_nodes
    rank = np.select([tail != head, tail == 0, large], [2, 0, 1], 2).astype(np.int8)
    stop = ~np.isin(graph.edge_class, [i for i, name in enumerate(graph.classes) if name in no_stop])
    lines = edge_lines(graph)
    edges, main = np.flatnonzero(stop), np.flatnonzero(stop & (rank == 0))
    return SnapIndex(edges, main, rank, STRtree(lines[edges]), STRtree(lines[main]))


def road_access(
    graph: RoadGraph, points_xy: npt.ArrayLike, *, cap_m: float, walking_kmh: float, index: SnapIndex | None = None
) -> Access:
    """Bring points to the road.

    Parameters
    ----------
    graph : RoadGraph
        The network.
    points_xy : array_like of shape (p, 2)
        Metric coordinates in the CRS of the graph; NaN where unknown.
    cap_m : float
        Beyond this distance in metres, a point is off the network.
    walking_kmh : float
        Speed between the point and the road; infinite: walking is not counted.
    index : SnapIndex, optional
        From :func:`snap_index`; made here by default. Give it when points come several times.

    Raises
    ------
    TravelError
        When the cap is negative or the speed not positive.

    Notes
    -----
    Of roads at the same distance, the main network comes first, then the lowest edge. A point whose nearest road is a
    small network apart moves to the nearest road of the main network within the cap.
    """
    if not (cap_m >= 0 and walking_kmh > 0):
        message = f"Accès à la route{NBSP}: distance maximale négative, ou vitesse de marche nulle ou négative."
        raise TravelError(message)
    index = index or snap_index(graph)
    points = np.asarray(points_xy, dtype=np.float64).reshape(-1, 2)
    known: Bools = np.isfinite(points[:, 0]) & np.isfinite(points[:, 1])
    edge, snap_m = _nearest_edges(index, points, known, cap_m)
    found, within = edge != NO_EDGE, snap_m <= cap_m
    on_main = found & (index.rank[edge] == 0)
    reason = np.select([~known, ~within, ~on_main], [NOT_MEASURED, OFF_NETWORK, ISLAND], REACHED)
    walk = np.rint(np.where(within, snap_m, 0) * _MS_PER_M_AT_1_KMH / walking_kmh)
    if walk.max(initial=0) > LONGEST_MS:
        message = f"Accès à la route{NBSP}: plus de 24 jours de marche."
        raise TravelError(message)
    road_class = np.where(found, np.array([*graph.classes, ""], dtype=object)[graph.edge_class[edge]], "")
    road_name = np.where(found, np.array([*graph.names, ""], dtype=object)[graph.edge_name[edge]], "")
    edge = np.where(within, edge, NO_EDGE)
    fraction = _fractions(graph, points, edge)
    return Access(
        reason,
        edge.astype(np.int32),
        fraction,
        snap_m,
        walk.astype(np.int32),
        road_class,
        road_name,
        *_ends(graph, edge, fraction, walk.astype(np.int64)),
    )


def entry_seeds(access: Access) -> tuple[Longs, Ints, Ints]:
    """Return every open entry: row of the point, node, and milliseconds from that node to the point."""
    row, column = np.nonzero(access.entry_node != NO_EDGE)
    return row, access.entry_node[row, column], access.entry_ms[row, column]


def through_exits(access: Access, time_ms: npt.NDArray[np.integer], place: Ints) -> tuple[Ints, Ints]:
    """Carry times from nodes to the points that leave through them.

    Parameters
    ----------
    access : Access
        Of the origins.
    time_ms, place : ndarray of int (n, lanes)
        Of every node: time to the nearest place (``UNREACHED_MS``: none), and which (-1: none).

    Returns
    -------
    time_ms, place : ndarray of int32 (p, lanes)
        The same from the points, by the better exit; of equal times, the lowest place. Trips within one edge are not
        there: take the smaller with :func:`same_edge_ms`.
    """
    best = np.full((len(access.edge), time_ms.shape[1]), UNREACHED_MS, dtype=np.int64)
    which = np.full(best.shape, NO_PLACE, dtype=np.int64)
    for column in range(access.exit_node.shape[1] if len(time_ms) else 0):
        node, start = access.exit_node[:, column], access.exit_ms[:, column].astype(np.int64)[:, None]
        there = time_ms[node].astype(np.int64)
        total = np.where((node == NO_EDGE)[:, None] | (there >= UNREACHED_MS), UNREACHED_MS, start + there)
        better = (total < best) | ((total == best) & (total < UNREACHED_MS) & (place[node] < which))
        best, which = np.where(better, total, best), np.where(better, place[node], which)
    return best.astype(np.int32), which.astype(np.int32)


def same_edge_ms(graph: RoadGraph, origin: Access, place: Access) -> tuple[Longs, Longs, Ints]:
    """Find the pairs that stand on one edge, and can be driven along it without leaving it.

    Parameters
    ----------
    graph : RoadGraph
        The network.
    origin, place : Access
        Of the origins and of the places.

    Returns
    -------
    origin_row, place_row : ndarray of int64
        The pairs, sorted.
    time_ms : ndarray of int32
        Driving along the edge, in a direction that is open, and walking at both ends.
    """
    by_edge = np.argsort(place.edge, kind="stable")
    low = np.searchsorted(place.edge[by_edge], origin.edge, side="left")
    high = np.searchsorted(place.edge[by_edge], origin.edge, side="right")
    sizes = np.where(origin.edge == NO_EDGE, 0, high - low)
    one = np.repeat(np.arange(len(sizes)), sizes)
    within = np.arange(len(one)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    other = by_edge[low[one] + within]
    edge = origin.edge[one]
    driven = np.full(len(edge), UNREACHED_MS, dtype=np.int64)
    for whole, sign in ((graph.edge_forward_ms[edge], 1), (graph.edge_backward_ms[edge], -1)):
        ahead = sign * (place.fraction[other] - origin.fraction[one]) >= 0
        start, end = _along(whole, origin.fraction[one]), _along(whole, place.fraction[other])
        driven = np.where(ahead & (whole != CLOSED), np.minimum(driven, np.abs(end - start)), driven)
    kept = driven < UNREACHED_MS
    total = driven + origin.walk_ms[one] + place.walk_ms[other]
    return one[kept], other[kept], np.minimum(total, LONGEST_MS)[kept].astype(np.int32)


def _nearest_edges(index: SnapIndex, points: Floats, known: Bools, cap_m: float) -> tuple[Longs, Floats]:
    edge, snap_m = _query(index.tree, index.edges, index.rank, points, known)
    astray = (edge != NO_EDGE) & (index.rank[edge] > 1)
    main_edge, main_m = _query(index.main_tree, index.main_edges, index.rank, points, astray)
    moved = astray & (main_m <= cap_m)
    return np.where(moved, main_edge, edge), np.where(moved, main_m, snap_m)


def _query(
    tree: STRtree, edges: Longs, rank: npt.NDArray[np.int8], points: Floats, wanted: Bools
) -> tuple[Longs, Floats]:
    edge, distance_m = np.full(len(points), NO_EDGE, dtype=np.int64), np.full(len(points), np.nan)
    rows = np.flatnonzero(wanted)
    (asked, hit), apart = tree.query_nearest(shapely.points(points[rows]), return_distance=True, all_matches=True)
    order = np.lexsort((edges[hit], rank[edges[hit]], asked))
    row, first = np.unique(asked[order], return_index=True)
    edge[rows[row]] = edges[hit[order[first]]]
    distance_m[rows[row]] = apart[order[first]]
    return edge, distance_m


def _fractions(graph: RoadGraph, points: Floats, edge: Longs) -> Floats:
    fraction = np.full(len(edge), np.nan)
    rows = np.flatnonzero(edge != NO_EDGE)
    lines = edge_lines(graph, edge[rows])
    along = shapely.line_locate_point(lines, shapely.points(points[rows]))
    length = shapely.length(lines)
    fraction[rows] = np.clip(np.divide(along, length, out=np.zeros(len(rows)), where=length > 0), 0, 1)
    return fraction


def _ends(graph: RoadGraph, edge: Longs, fraction: Floats, walk: Longs) -> tuple[Ints, Ints, Ints, Ints]:
    """Return exit nodes and times, entry nodes and times: forward in column 0, backward in column 1."""
    on = edge != NO_EDGE
    forward, backward = graph.edge_forward_ms[edge], graph.edge_backward_ms[edge]
    tail, head = graph.edge_tail[edge], graph.edge_head[edge]
    opened = np.column_stack([on & (forward != CLOSED), on & (backward != CLOSED)])
    from_tail, to_tail = _along(forward, fraction), _along(backward, fraction)
    exit_ms = np.column_stack([forward - from_tail, to_tail]) + walk[:, None]
    entry_ms = np.column_stack([from_tail, backward - to_tail]) + walk[:, None]
    return (
        np.where(opened, np.column_stack([head, tail]), NO_EDGE).astype(np.int32),
        np.where(opened, np.minimum(exit_ms, LONGEST_MS), UNREACHED_MS).astype(np.int32),
        np.where(opened, np.column_stack([tail, head]), NO_EDGE).astype(np.int32),
        np.where(opened, np.minimum(entry_ms, LONGEST_MS), UNREACHED_MS).astype(np.int32),
    )


def _along(whole_ms: Ints, fraction: Floats) -> Longs:
    """Return the milliseconds between the tail and a point, in one direction; what remains is the rest of the whole."""
    return np.rint(np.nan_to_num(fraction) * whole_ms).astype(np.int64)
