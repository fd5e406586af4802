"""One trip on the road network: its line, its minutes, the roads it takes. For display, not for tables of times.

The time is that of the engine, to the millisecond: walking from the origin to the road, along the edge to its end,
through nodes by the shortest path, along the last edge, walking to the place; or straight along the edge when both
stand on one.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

import numpy as np
import numpy.typing as npt
import shapely
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from sdaasp_geo.travel.engine import NOT_MEASURED, OFF_NETWORK, REACHED, UNREACHABLE
from sdaasp_geo.travel.paths import UNREACHED_MS
from sdaasp_geo.travel.road_graph import RoadGraph
from sdaasp_geo.travel.road_parts import part_lines, points_at
from sdaasp_geo.travel.road_sections import LONGEST_MS
from sdaasp_geo.travel.snapping import ISLAND, NO_EDGE, Access, SnapIndex, road_access, same_edge_ms

Longs = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_MS_PER_MIN = 60_000.0
_TELLING = (NOT_MEASURED, OFF_NETWORK, ISLAND)


@dataclass(frozen=True)
class Step:
    """A stretch of one road: its name ("" unknown), its class, its length in metres."""

    road_name: str
    road_class: str
    length_m: float


@dataclass(frozen=True, eq=False)
class Trip:
    """One trip by car, door to door.

    Attributes
    ----------
    reason : str
        ``atteint``, or why there is no trip: ``inaccessible``, ``îlot``, ``hors réseau``, ``non mesuré``.
    time_ms : int
        Whole time; ``UNREACHED_MS`` without a trip.
    walk_start_ms, drive_ms, walk_end_ms : int
        Its parts; they add up to the whole, and are 0 without a trip.
    length_m : float
        Length driven.
    walk_start, drive, walk_end : LineString
        In the CRS of the graph, from origin to place; empty where nothing is walked or driven.
    steps : tuple of Step
        The roads taken, in order; stretches of one road are joined.
    """

    reason: str
    time_ms: int
    walk_start_ms: int
    drive_ms: int
    walk_end_ms: int
    length_m: float
    walk_start: shapely.LineString
    drive: shapely.LineString
    walk_end: shapely.LineString
    steps: tuple[Step, ...]

    @property
    def time_min(self) -> float:
        """Minutes; NaN without a trip."""
        return self.time_ms / _MS_PER_MIN if self.reason == REACHED else float("nan")


@dataclass(frozen=True)
class _Drive:
    """Parts of edges in order, each from a fraction to another, and the time driven."""

    time_ms: int
    edge: Longs
    start: Floats
    end: Floats


def find_trip(
    graph: RoadGraph,
    origin_xy: tuple[float, float],
    place_xy: tuple[float, float],
    *,
    cap_m: float,
    walking_kmh: float,
    index: SnapIndex | None = None,
) -> Trip:
    """Find the quickest trip between two points.

    Parameters
    ----------
    graph : RoadGraph
        The network.
    origin_xy, place_xy : tuple of float
        Metric coordinates in the CRS of the graph; NaN where unknown.
    cap_m, walking_kmh : float
        As in :func:`~sdaasp_geo.travel.snapping.road_access`: metres, kilometres per hour.
    index : SnapIndex, optional
        From :func:`~sdaasp_geo.travel.snapping.snap_index`; give it when several trips are asked for.
    """
    points = np.array([origin_xy, place_xy], dtype=np.float64)
    start, end = (
        road_access(graph, points[row : row + 1], cap_m=cap_m, walking_kmh=walking_kmh, index=index) for row in (0, 1)
    )
    drive = _shortest(graph, start, end)
    if drive is None:
        return _no_trip(start, end)
    ends = points_at(graph, [start.edge[0], end.edge[0]], [start.fraction[0], end.fraction[0]])
    before, after = int(start.walk_ms[0]), int(end.walk_ms[0])
    steps = _steps(graph, drive)
    return Trip(
        reason=REACHED,
        time_ms=before + drive.time_ms + after,
        walk_start_ms=before,
        drive_ms=drive.time_ms,
        walk_end_ms=after,
        length_m=sum(step.length_m for step in steps),
        walk_start=_line(np.stack([points[0], ends[0]])),
        drive=_drive_line(graph, drive),
        walk_end=_line(np.stack([ends[1], points[1]])),
        steps=steps,
    )


def _shortest(graph: RoadGraph, start: Access, end: Access) -> _Drive | None:
    """Find the quickest way from road to road; along one edge first, when times are equal."""
    direct, through = _along_one_edge(graph, start, end), _through_nodes(graph, start, end)
    found = [drive for drive in (direct, through) if drive is not None]
    return min(found, key=lambda drive: drive.time_ms, default=None)


def _along_one_edge(graph: RoadGraph, start: Access, end: Access) -> _Drive | None:
    _, _, time_ms = same_edge_ms(graph, start, end)
    if not len(time_ms):
        return None
    driven = int(time_ms[0]) - int(start.walk_ms[0]) - int(end.walk_ms[0])
    return _Drive(driven, start.edge.astype(np.int64), start.fraction, end.fraction)


def _through_nodes(graph: RoadGraph, start: Access, end: Access) -> _Drive | None:
    """Find the quickest way that leaves the first edge by one of its ends and enters the last by one of its own."""
    leaving, entering = np.flatnonzero(start.exit_node[0] != NO_EDGE), np.flatnonzero(end.entry_node[0] != NO_EDGE)
    first = min(leaving, key=lambda column: start.exit_ms[0, column], default=None)
    if first is None or not len(entering):
        return None
    arc, tail = _quickest_arcs(graph)
    exits = np.unique(start.exit_node[0, leaving])
    offset = np.array([start.exit_ms[0, leaving][start.exit_node[0, leaving] == node].min() for node in exits])
    nodes = len(graph.node_xy)
    out = np.concatenate([[0], np.cumsum(np.bincount(tail, minlength=nodes))])
    matrix = csr_array(
        (
            np.concatenate([graph.weight_ms[arc], offset]).astype(np.float64),
            np.concatenate([graph.head[arc], exits]),
            np.append(out, len(arc) + len(exits)),
        ),
        shape=(nodes + 1, nodes + 1),
    )
    time, before = dijkstra(matrix, indices=nodes, return_predecessors=True)
    total = time[end.entry_node[0, entering]] + end.entry_ms[0, entering]
    last = entering[np.argmin(total)]
    if not total.min() <= LONGEST_MS:
        return None
    path = _path(before, int(end.entry_node[0, last]), nodes)
    column = min((way for way in leaving if start.exit_node[0, way] == path[0]), key=lambda way: start.exit_ms[0, way])
    walked = int(start.walk_ms[0]) + int(end.walk_ms[0])
    edge, forward = _edges(graph, path, arc, tail)
    return _Drive(
        int(total.min()) - walked,
        np.concatenate([start.edge, edge, end.edge]).astype(np.int64),
        np.concatenate([start.fraction, np.where(forward, 0.0, 1.0), [float(last == 1)]]),
        np.concatenate([[float(column == 0)], np.where(forward, 1.0, 0.0), end.fraction]),
    )


def _quickest_arcs(graph: RoadGraph) -> tuple[Longs, Longs]:
    """Return the quickest of parallel arcs, and the nodes they leave: arcs are sorted by node, head, then time."""
    tail = np.repeat(np.arange(len(graph.node_xy)), np.diff(graph.first_out))
    new = np.ones(len(tail), dtype=np.bool_)
    new[1:] = (tail[1:] != tail[:-1]) | (graph.head[1:] != graph.head[:-1])
    arc = np.flatnonzero(new)
    return arc, tail[arc]


def _path(before: npt.NDArray[np.integer], node: int, root: int) -> Longs:
    """Walk back from a node to the root; the root itself is left out."""
    path = []
    while node != root:
        path.append(node)
        node = int(before[node])
    return np.array(path[::-1], dtype=np.int64)


def _edges(graph: RoadGraph, path: Longs, arc: Longs, tail: Longs) -> tuple[Longs, npt.NDArray[np.bool_]]:
    """Return the edges between the nodes of a path, and whether each is taken from its tail to its head."""
    nodes = len(graph.node_xy)
    rank = np.searchsorted(tail * nodes + graph.head[arc], path[:-1] * nodes + path[1:])
    edge = graph.arc_edge[arc[rank]].astype(np.int64)
    return edge, graph.edge_tail[edge] == path[:-1]


def _drive_line(graph: RoadGraph, drive: _Drive) -> shapely.LineString:
    return _line(shapely.get_coordinates(part_lines(graph, drive.edge, drive.start, drive.end)))


def _line(xy: Floats) -> shapely.LineString:
    """Make a line, without the vertices that repeat the one before; empty when nothing is left."""
    kept = xy[np.concatenate([[True], (np.diff(xy, axis=0) != 0).any(axis=1)])]
    return shapely.LineString(kept) if len(kept) > 1 else shapely.LineString()


def _steps(graph: RoadGraph, drive: _Drive) -> tuple[Step, ...]:
    length_m = graph.edge_length_m[drive.edge] * np.abs(drive.end - drive.start)
    names = [graph.names[number] for number in graph.edge_name[drive.edge]]
    classes = [graph.classes[number] for number in graph.edge_class[drive.edge]]
    driven = [row for row in zip(names, classes, length_m.tolist(), strict=True) if row[2] > 0]
    return tuple(
        Step(name, road_class, sum(row[2] for row in rows))
        for (name, road_class), rows in groupby(driven, key=lambda row: row[:2])
    )


def _no_trip(start: Access, end: Access) -> Trip:
    """Say why: the most telling reason of the two ends, as the engine does."""
    reason = next((reason for reason in _TELLING if reason in (start.reason[0], end.reason[0])), UNREACHABLE)
    nothing = shapely.LineString()
    return Trip(reason, UNREACHED_MS, 0, 0, 0, 0.0, nothing, nothing, nothing, ())
