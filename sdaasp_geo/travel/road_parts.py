"""Parts of the edges of a road graph, between two points of each: what trips and isochrones draw."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import shapely

from sdaasp_geo.travel.road_graph import RoadGraph

Floats = npt.NDArray[np.float64]
Longs = npt.NDArray[np.int64]


def part_lines(
    graph: RoadGraph, edge: npt.ArrayLike, start: npt.ArrayLike, end: npt.ArrayLike
) -> npt.NDArray[np.object_]:
    """Cut edges at two points.

    Parameters
    ----------
    graph : RoadGraph
        The network.
    edge : array_like of int
        Edges; one may come several times.
    start, end : array_like of float
        Fractions of the length of the line, 0 at the tail and 1 at the head; the line runs from ``start`` to ``end``,
        backwards when ``end`` is the smaller.

    Returns
    -------
    ndarray of LineString
        In the CRS of the graph; a line without length where ``start`` equals ``end``.
    """
    chosen = np.asarray(edge, dtype=np.int64)
    first, second = np.asarray(start, dtype=np.float64), np.asarray(end, dtype=np.float64)
    part, number, vertex, first_vertex = _vertices(graph, chosen)
    xy = graph.edge_xy[vertex]
    metres = _run(xy, part)
    begin, finish = metres[first_vertex[:-1]], metres[first_vertex[1:] - 1]
    low, high = np.minimum(first, second), np.maximum(first, second)
    from_m, to_m = _position(begin, finish, low), _position(begin, finish, high)
    inside = (metres > from_m[part]) & (metres < to_m[part])
    where_m = np.concatenate([from_m, metres[inside], to_m])
    owner = np.concatenate([number, part[inside], number])
    ends = np.column_stack([np.interp(np.concatenate([from_m, to_m]), metres, xy[:, axis]) for axis in (0, 1)])
    points = np.concatenate([ends[: len(number)], xy[inside], ends[len(number) :]])
    along = np.where((second < first)[owner], -where_m, where_m)
    order = np.lexsort((along, owner))
    lines: npt.NDArray[np.object_] = shapely.linestrings(points[order], indices=owner[order])
    return lines


def points_at(graph: RoadGraph, edge: npt.ArrayLike, fraction: npt.ArrayLike) -> Floats:
    """Return the coordinates (k, 2) of points of edges, given by fractions of the length of their lines."""
    chosen, share = np.asarray(edge, dtype=np.int64), np.asarray(fraction, dtype=np.float64)
    edges, row = np.unique(chosen, return_inverse=True)
    if not len(edges):
        return np.empty((0, 2))
    part, _, vertex, first_vertex = _vertices(graph, edges)
    xy = graph.edge_xy[vertex]
    metres = _run(xy, part)
    position = _position(metres[first_vertex[:-1]][row], metres[first_vertex[1:] - 1][row], share)
    return np.column_stack([np.interp(position, metres, xy[:, axis]) for axis in (0, 1)])


def _vertices(graph: RoadGraph, edge: Longs) -> tuple[Longs, Longs, Longs, Longs]:
    """Return the edge of every vertex, the numbers of edges, the vertices, and where those of each edge begin."""
    sizes = graph.edge_first[edge + 1] - graph.edge_first[edge]
    first = np.concatenate([[0], np.cumsum(sizes)])
    number = np.arange(len(edge))
    vertex = np.arange(first[-1]) + np.repeat(graph.edge_first[edge] - first[:-1], sizes)
    return np.repeat(number, sizes), number, vertex, first


def _run(xy: Floats, part: Longs) -> Floats:
    """Return metres along all lines laid end to end, one metre apart."""
    step = np.hypot(*np.diff(xy, axis=0).T)
    metres: Floats = np.concatenate([[0.0], np.cumsum(np.where(np.diff(part) == 0, step, 1.0))])[: len(xy)]
    return metres


def _position(begin: Floats, finish: Floats, fraction: Floats) -> Floats:
    return np.where(fraction >= 1, finish, begin + np.clip(fraction, 0, 1) * (finish - begin))
