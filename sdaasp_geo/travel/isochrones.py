"""Isochrones: what is reached within a time, as nodes, as parts of roads, and as polygons.

Parts of roads are cut where the time runs out, in each open direction. Polygons are the places where a *time field* is
within the limit. The field is known at nodes, at points every few metres along the roads, and is infinite at a lattice
of points away from roads; it is linear on the Delaunay triangles of all these. Hence, by construction and not by
correction afterwards:

- a node within the limit is inside, a node beyond it is outside: each is a corner of triangles whose sides are cut
  between the two, never at their ends;
- polygons of rising limits are nested: every cut moves one way;
- a mountain that no road crosses is a hole, and so is an unreached street amid reached ones.

Two nodes at the very same point cannot be told apart by a polygon: the quicker one decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from scipy.spatial import cKDTree

from sdaasp_geo.errors import TravelError
from sdaasp_geo.french import NBSP
from sdaasp_geo.travel.paths import UNREACHED_MS, Arcs, Seeds, nearest_scipy, transpose
from sdaasp_geo.travel.road_graph import RoadGraph
from sdaasp_geo.travel.road_parts import part_lines, points_at
from sdaasp_geo.travel.road_sections import CLOSED
from sdaasp_geo.travel.snapping import NO_EDGE, Access, entry_seeds

Floats = npt.NDArray[np.float64]
Longs = npt.NDArray[np.int64]
Ints = npt.NDArray[np.int32]
Bools = npt.NDArray[np.bool_]

STEP_M = 100.0
"""Times are taken along the roads at least this often."""

SPREAD_M = 200.0
"""The lattice of points out of reach keeps this far from roads; outlines pass about halfway."""

_MS_PER_MIN = 60_000
_MARGIN = 3
_NEVER_AT_ENDS = 0.05
_XY_DIGITS = 3  # like nodes: two points of the field are the same or a millimetre apart, never nearly the same


@dataclass(frozen=True, eq=False)
class RoadTimes:
    """Times between every point of the network and the nearest of some places.

    Attributes
    ----------
    towards : bool
        True: from the network to the places; False: from the places to the network.
    node_ms : ndarray of int32 (n,)
        At nodes; ``UNREACHED_MS`` where there is no path.
    edge : ndarray of int64 (w,)
        Edge of each *way in*, sorted: an end of an edge, or a place that stands on it, whence time grows along the
        edge in one direction.
    fraction, sign, start_ms, whole_ms : ndarray of float64 (w,)
        Where it is along the edge, towards which end time grows (1: head, -1: tail), the time there, and the time of
        the whole edge.
    """

    towards: bool
    node_ms: Ints
    edge: Longs
    fraction: Floats
    sign: Floats
    start_ms: Floats
    whole_ms: Floats


@dataclass(frozen=True, eq=False)
class Reached:
    """What is within a time.

    Attributes
    ----------
    nodes : ndarray of int64
        Nodes, sorted.
    edge : ndarray of int64 (r,)
        Edge of each part, sorted; an edge reached from both ends has two parts, or one when they meet.
    start, end : ndarray of float64 (r,)
        Fractions of the edge, from its tail; ``start < end``.
    """

    nodes: Longs
    edge: Longs
    start: Floats
    end: Floats


def road_times(graph: RoadGraph, places: Access, *, towards: bool = True) -> RoadTimes:
    """Measure times between the whole network and the nearest of some places, walking at the place included.

    Parameters
    ----------
    graph : RoadGraph
        The network.
    places : Access
        How the places reach the road; those that do not are left aside.
    towards : bool
        True: to the places (who reaches them?); False: from them (where can one go?).

    Notes
    -----
    The search is scipy's: one question over the whole network, quicker than the outlines that follow.
    """
    arcs = Arcs(graph.first_out, graph.head, graph.weight_ms)
    if towards:
        row, node, offset = entry_seeds(places)
    else:
        row, column = np.nonzero(places.exit_node != NO_EDGE)
        node, offset = places.exit_node[row, column], places.exit_ms[row, column]
        arcs = transpose(arcs)
    lane = np.zeros(len(row), dtype=np.int32)
    seeds = Seeds(node.astype(np.int32), offset.astype(np.int32), lane, row.astype(np.int32))
    return _with_ways_in(graph, nearest_scipy(arcs, seeds, lanes=1).time_ms[:, 0], places, towards=towards)


def times_at(times: RoadTimes, edge: npt.ArrayLike, fraction: npt.ArrayLike) -> Floats:
    """Return the times at points of edges, in milliseconds (a fraction of one is kept); infinite where unreached."""
    asked, share = np.asarray(edge, dtype=np.int64), np.asarray(fraction, dtype=np.float64)
    best = np.full(len(asked), np.inf)
    low, high = np.searchsorted(times.edge, asked, side="left"), np.searchsorted(times.edge, asked, side="right")
    for turn in range(int((high - low).max(initial=0))):
        rows = np.flatnonzero(low + turn < high)
        way = low[rows] + turn
        ahead = times.sign[way] * (share[rows] - times.fraction[way])
        total = np.where(ahead >= 0, times.start_ms[way] + ahead * times.whole_ms[way], np.inf)
        best[rows] = np.minimum(best[rows], total)
    return best


def reached(times: RoadTimes, limit_ms: int) -> Reached:
    """Find the nodes and the parts of edges within a time (≤), cut where it runs out."""
    way = np.flatnonzero(times.start_ms <= limit_ms)
    left, whole = limit_ms - times.start_ms[way], times.whole_ms[way]
    reach = np.divide(left, whole, out=np.full(len(way), np.inf), where=whole > 0)
    far = np.clip(times.fraction[way] + times.sign[way] * reach, 0, 1)
    edge, low, high = _merged(
        times.edge[way], np.minimum(far, times.fraction[way]), np.maximum(far, times.fraction[way])
    )
    nodes = np.flatnonzero(times.node_ms <= min(limit_ms, UNREACHED_MS - 1))
    return Reached(nodes, edge, low, high)


def reached_lines(graph: RoadGraph, found: Reached) -> npt.NDArray[np.object_]:
    """Return the lines of the parts of edges, in the CRS of the graph."""
    return part_lines(graph, found.edge, found.start, found.end)


def isochrones(
    graph: RoadGraph,
    times: RoadTimes,
    limits_min: Sequence[float],
    *,
    step_m: float = STEP_M,
    spread_m: float = SPREAD_M,
) -> tuple[shapely.MultiPolygon, ...]:
    """Draw what is within each limit.

    Parameters
    ----------
    graph : RoadGraph
        The network.
    times : RoadTimes
        From :func:`road_times` on the same network.
    limits_min : sequence of float
        Limits in minutes (≤), in any order.
    step_m : float
        Greatest distance in metres between two points of a road where the time is taken.
    spread_m : float
        How far from roads land is out of reach, in metres; the outline passes about halfway.

    Returns
    -------
    tuple of MultiPolygon
        One for each limit, in the CRS of the graph; empty where nothing is reached. Every node within the limit is
        inside, every other one outside, and the polygon of a limit lies within those of greater ones.

    Raises
    ------
    TravelError
        When a limit is negative or not a number, or a distance not positive; or when an outline does not hold exactly
        the points that are reached (it is checked on every point of the field).
    """
    limits_ms = [round(limit * _MS_PER_MIN, 3) for limit in limits_min]
    if not all(0 <= limit < UNREACHED_MS for limit in limits_ms) or not (step_m > 0 and spread_m > 0):
        message = f"Isochrones{NBSP}: limite négative ou trop grande, ou distance nulle ou négative."
        raise TravelError(message)
    if not limits_ms:
        return ()
    points = _field(graph, times, max(limits_ms), step_m=step_m, spread_m=spread_m)
    if points is None:
        return tuple(shapely.MultiPolygon() for _ in limits_ms)
    xy, time_ms = points
    side, triangle_side = _mesh(xy)
    return tuple(_within(xy, time_ms, side, triangle_side, limit) for limit in limits_ms)


def _with_ways_in(graph: RoadGraph, node_ms: Ints, places: Access, *, towards: bool) -> RoadTimes:
    """Add to the times at nodes what they, and the places on the way, say of the inside of edges."""
    every = np.arange(len(graph.edge_tail))
    rows = np.flatnonzero(places.edge != NO_EDGE)
    own, at, walk = places.edge[rows].astype(np.int64), places.fraction[rows], places.walk_ms[rows]
    to_head, to_tail = graph.edge_forward_ms, graph.edge_backward_ms
    if towards:  # time grows against the direction of travel
        to_head, to_tail = to_tail, to_head
    zero, one = np.zeros(len(every)), np.ones(len(every))
    edge = np.concatenate([every, every, own, own])
    fraction = np.concatenate([zero, one, at, at])
    start_ms = np.concatenate([node_ms[graph.edge_tail], node_ms[graph.edge_head], walk, walk]).astype(np.float64)
    sign = np.concatenate([one, -one, np.ones(len(own)), -np.ones(len(own))])
    whole_ms = np.where(sign > 0, to_head[edge], to_tail[edge])
    kept = np.flatnonzero((whole_ms != CLOSED) & (start_ms < UNREACHED_MS))
    order = kept[np.argsort(edge[kept], kind="stable")]
    whole = whole_ms[order].astype(np.float64)
    return RoadTimes(towards, node_ms, edge[order], fraction[order], sign[order], start_ms[order], whole)


def _merged(edge: Longs, low: Floats, high: Floats) -> tuple[Longs, Floats, Floats]:
    """Join the intervals of each edge that touch; those without length go."""
    kept = np.flatnonzero(high > low)
    order = kept[np.lexsort((low[kept], edge[kept]))]
    edge, low, high = edge[order], low[order], high[order]
    if not len(order):
        return edge, low, high
    furthest = np.maximum.accumulate(high + 2.0 * edge) - 2.0 * edge  # an edge starts beyond the end of the one before
    new = np.ones(len(edge), dtype=np.bool_)
    new[1:] = (edge[1:] != edge[:-1]) | (low[1:] > furthest[:-1])
    first = np.flatnonzero(new)
    return edge[first], low[first], np.maximum.reduceat(high, first)


def _field(
    graph: RoadGraph, times: RoadTimes, limit_ms: float, *, step_m: float, spread_m: float
) -> tuple[Floats, Floats] | None:
    """Return the points of the field around what is reached, and their times; None when nothing is."""
    found = reached(times, int(limit_ms))
    if not len(found.nodes) and not len(found.edge):
        return None
    low, high = _edge_boxes(graph)
    ends = graph.node_xy[found.nodes]
    corner = np.concatenate([low[found.edge], ends]).min(axis=0) - _MARGIN * spread_m
    opposite = np.concatenate([high[found.edge], ends]).max(axis=0) + _MARGIN * spread_m
    near = np.flatnonzero((low <= opposite).all(axis=1) & (high >= corner).all(axis=1))
    edge, fraction = _along(graph, near, step_m)
    on_way = np.flatnonzero((times.fraction > 0) & (times.fraction < 1))
    edge = np.concatenate([edge, times.edge[on_way]])
    fraction = np.concatenate([fraction, times.fraction[on_way]])
    node_ms = np.where(times.node_ms < UNREACHED_MS, times.node_ms, np.inf)
    xy = np.concatenate([graph.node_xy, points_at(graph, edge, fraction).round(_XY_DIGITS)])
    time_ms = np.concatenate([node_ms, times_at(times, edge, fraction)])
    sampled = np.arange(len(xy)) >= len(node_ms)
    inside = np.flatnonzero((xy >= corner).all(axis=1) & (xy <= opposite).all(axis=1))
    order = inside[np.lexsort((time_ms[inside], sampled[inside], xy[inside, 1], xy[inside, 0]))]
    xy, time_ms = xy[order], time_ms[order]
    first = np.concatenate([[True], (np.diff(xy, axis=0) != 0).any(axis=1)])
    away = _lattice(xy[first], corner, opposite, spread_m)
    return np.concatenate([xy[first], away]), np.concatenate([time_ms[first], np.full(len(away), np.inf)])


def _edge_boxes(graph: RoadGraph) -> tuple[Floats, Floats]:
    first = graph.edge_first[:-1]
    return np.minimum.reduceat(graph.edge_xy, first, axis=0), np.maximum.reduceat(graph.edge_xy, first, axis=0)


def _along(graph: RoadGraph, edge: Longs, step_m: float) -> tuple[Longs, Floats]:
    """Return points strictly inside edges, evenly, at most ``step_m`` apart; at least one."""
    pieces = np.maximum(np.ceil(graph.edge_length_m[edge] / step_m).astype(np.int64), 2)
    row = np.repeat(np.arange(len(edge)), pieces - 1)
    within = np.arange(len(row)) - np.repeat(np.cumsum(pieces - 1) - (pieces - 1), pieces - 1)
    return edge[row], (within + 1) / pieces[row]


def _lattice(xy: Floats, corner: Floats, opposite: Floats, spread_m: float) -> Floats:
    """Return points of a triangular lattice over a box, at least ``spread_m`` away from points of roads."""
    columns, rows = np.ceil((opposite - corner) / (spread_m * np.array([1.0, np.sqrt(0.75)]))).astype(np.int64) + 1
    column, row = (grid.ravel() for grid in np.meshgrid(np.arange(columns), np.arange(rows)))
    points = (corner + spread_m * np.column_stack([column + 0.5 * (row % 2), row * np.sqrt(0.75)])).round(_XY_DIGITS)
    apart, _ = cKDTree(xy).query(points, distance_upper_bound=spread_m)
    return np.asarray(points[~np.isfinite(apart)])


def _mesh(xy: Floats) -> tuple[Longs, Longs]:
    """Return the sides (s, 2) of the Delaunay triangles of points, and the three sides of each triangle (t, 3)."""
    triangles = shapely.get_parts(shapely.delaunay_triangles(shapely.multipoints(xy)))
    corners = shapely.get_coordinates(triangles).reshape(-1, 4, 2)[:, :3]
    flat = corners[..., 0] + 1j * corners[..., 1]
    keys = xy[:, 0] + 1j * xy[:, 1]
    order = np.argsort(keys)
    corner = order[np.searchsorted(keys[order], flat)]
    ends = np.sort(np.stack([corner, np.roll(corner, -1, axis=1)], axis=-1), axis=-1)
    code, place = np.unique(ends[..., 0] * len(xy) + ends[..., 1], return_inverse=True)
    return np.column_stack(np.divmod(code, len(xy))), place.reshape(-1, 3)


def _within(xy: Floats, time_ms: Floats, side: Longs, triangle_side: Longs, limit_ms: float) -> shapely.MultiPolygon:
    """Return where the field is within a limit: what the cuts of the triangles enclose."""
    inside = time_ms <= limit_ms
    cut = inside[side[:, 0]] != inside[side[:, 1]]
    number = np.flatnonzero(cut)
    first = inside[side[number, 0]]
    near, far = np.where(first[:, None], side[number], side[number, ::-1]).T
    span = time_ms[far] - time_ms[near]
    share = np.divide(limit_ms - time_ms[near], span, out=np.full(len(number), 0.5), where=np.isfinite(span))
    share = np.clip(share, _NEVER_AT_ENDS, 1 - _NEVER_AT_ENDS)
    at = np.full((len(side), 2), np.nan)
    at[number] = xy[near] + share[:, None] * (xy[far] - xy[near])
    crossed = cut[triangle_side]
    mixed = crossed.any(axis=1)
    segments = shapely.linestrings(at[triangle_side[mixed][crossed[mixed]]].reshape(-1, 2, 2))
    area = shapely.build_area(shapely.multilinestrings(segments))
    shapely.prepare(area)
    if (shapely.contains_xy(area, xy[:, 0], xy[:, 1]) != inside).any():
        message = f"Isochrones{NBSP}: contour inexact à {limit_ms / _MS_PER_MIN:g}{NBSP}minutes. Changez step_m."
        raise TravelError(message)
    return shapely.MultiPolygon(list(shapely.get_parts(area)))
