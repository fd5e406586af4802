"""The road graph: what a table of road sections becomes, so that shortest paths are fast and exact.

Times are whole milliseconds. Sections that follow one another without a choice (same class, name and speeds) are one
edge, whose times are the sums of theirs; so the time to a point of an edge is in proportion to its length.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import shapely
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from sdaasp_geo.travel.road_contraction import Chains, contract
from sdaasp_geo.travel.road_sections import CLOSED, LONGEST_MS, Sections, read_sections, refuse

if TYPE_CHECKING:
    import geopandas as gpd

Floats = npt.NDArray[np.float64]
Longs = npt.NDArray[np.int64]
Ints = npt.NDArray[np.int32]

BUILD_VERSION = 1
"""Changes whenever the same table would give another graph: files of another version are rebuilt."""

_METRES_PER_KM = 1000.0


@dataclass(frozen=True, eq=False)
class RoadGraph:
    """A directed graph of roads with travel times.

    Attributes
    ----------
    crs : str
        Projected CRS, in metres.
    source : str
        Data behind it, and their date, as printed in the outputs.
    fingerprint : str
        SHA-256, in hexadecimal, of the inputs and parameters.
    classes, names : tuple of str
        Road classes and names that edges point to; "" is an unknown name.
    node_xy : ndarray of float64 (n, 2)
        Metric coordinates of nodes.
    component : ndarray of int32 (n,)
        Number of the strongly connected component; 0 is the largest one.
    first_out : ndarray of int64 (n + 1,)
        Where the arcs that leave each node start.
    head, weight_ms, arc_edge : ndarray of int32 (m,)
        End of each arc, its time, and its edge. An edge gives one arc for each open direction; none when it is a loop,
        which no shortest path takes.
    edge_first : ndarray of int64 (e + 1,)
        Where the line of each edge starts in ``edge_xy``.
    edge_xy : ndarray of float64 (k, 2)
        Vertices of the lines, from tail to head.
    edge_tail, edge_head : ndarray of int32 (e,)
        Nodes at the ends.
    edge_forward_ms, edge_backward_ms : ndarray of int32 (e,)
        Milliseconds from tail to head and back; -1 closed, which only the way back may be.
    edge_length_m : ndarray of float64 (e,)
        Length along the road.
    edge_class : ndarray of int16 (e,)
        Position in ``classes``.
    edge_name : ndarray of int32 (e,)
        Position in ``names``.
    sections, sections_closed, sections_repeated : int
        Rows of the table; among them, those left out: closed in both directions, exact copies of another.
    """

    crs: str
    source: str
    fingerprint: str
    classes: tuple[str, ...]
    names: tuple[str, ...]
    node_xy: Floats
    component: Ints
    first_out: Longs
    head: Ints
    weight_ms: Ints
    arc_edge: Ints
    edge_first: Longs
    edge_xy: Floats
    edge_tail: Ints
    edge_head: Ints
    edge_forward_ms: Ints
    edge_backward_ms: Ints
    edge_length_m: Floats
    edge_class: npt.NDArray[np.int16]
    edge_name: Ints
    sections: int
    sections_closed: int
    sections_repeated: int


def build_road_graph(
    roads: gpd.GeoDataFrame, *, crs: str, source: str = "", fingerprint: str | None = None
) -> RoadGraph:
    """Make the graph of a table of road sections.

    Parameters
    ----------
    roads : GeoDataFrame
        ``from_node, to_node`` (keys of nodes), ``road_class, name``, ``forward_kmh, backward_kmh`` (NaN: closed),
        ``duration_min`` (stated, otherwise NaN), ``length_m`` and lines from node to node, in any CRS. The order of
        the rows changes nothing.
    crs : str
        Projected CRS of the graph, in metres, e.g. ``EPSG:2154``.
    source : str
        Data behind it, as printed in the outputs.
    fingerprint : str, optional
        SHA-256 of the inputs and parameters; by default, that of the graph itself.

    Raises
    ------
    TravelError
        When the table makes no sense: see :func:`~sdaasp_geo.travel.road_sections.read_sections`.
    """
    sections = read_sections(roads, crs=crs)
    chains = contract(
        sections.tail,
        sections.head,
        nodes=len(sections.node_xy),
        pattern=sections.pattern,
        reverse_pattern=sections.reverse_pattern,
        fixed=sections.stated,
        oneway=(sections.backward_ms == CLOSED).astype(np.int64) - (sections.forward_ms == CLOSED),
    )
    graph = _assemble(sections, chains, crs=crs, source=source)
    return replace(graph, fingerprint=fingerprint or _content_hash(graph))


def edge_lines(graph: RoadGraph, edges: npt.ArrayLike | None = None) -> npt.NDArray[np.object_]:
    """Return the lines of edges (all by default), from tail to head, in the CRS of the graph."""
    if edges is None:
        return np.asarray(_lines(graph.edge_xy, graph.edge_first))
    chosen = np.asarray(edges, dtype=np.int64)
    sizes = graph.edge_first[chosen + 1] - graph.edge_first[chosen]
    first = np.concatenate([[0], np.cumsum(sizes)])
    vertex = np.arange(first[-1]) + np.repeat(graph.edge_first[chosen] - first[:-1], sizes)
    return np.asarray(_lines(graph.edge_xy[vertex], first))


def graph_summary(graph: RoadGraph) -> dict[str, float]:
    """Count what a graph holds: a report of its making.

    Returns
    -------
    dict
        ``sections`` read, ``sections_closed`` and ``sections_repeated`` left out, ``nodes``, ``edges``, ``arcs``,
        ``length_km``, ``oneway_km``, ``components``, ``main_nodes`` and ``main_km`` (edges with both ends in component
        0), ``duplicated_nodes`` (at the exact place of another node, and not joined to it).
    """
    km = graph.edge_length_m / _METRES_PER_KM
    oneway = graph.edge_backward_ms == CLOSED
    main = (graph.component[graph.edge_tail] == 0) & (graph.component[graph.edge_head] == 0)
    return {
        "sections": graph.sections,
        "sections_closed": graph.sections_closed,
        "sections_repeated": graph.sections_repeated,
        "nodes": len(graph.node_xy),
        "edges": len(graph.edge_tail),
        "arcs": len(graph.head),
        "length_km": float(km.sum()),
        "oneway_km": float(km[oneway].sum()),
        "components": int(graph.component.max()) + 1,
        "main_nodes": int((graph.component == 0).sum()),
        "main_km": float(km[main].sum()),
        "duplicated_nodes": len(graph.node_xy) - len(np.unique(graph.node_xy, axis=0)),
    }


def _lines(xy: Floats, first: Longs) -> npt.NDArray[np.object_]:
    lines: npt.NDArray[np.object_] = shapely.from_ragged_array(shapely.GeometryType.LINESTRING, xy, (first,))
    return lines


def _assemble(sections: Sections, chains: Chains, *, crs: str, source: str) -> RoadGraph:
    section, backwards = chains.dart >> 1, (chains.dart & 1).astype(bool)
    one = section[chains.first[:-1]]
    there = np.where(backwards, sections.backward_ms[section], sections.forward_ms[section])
    back = np.where(backwards, sections.forward_ms[section], sections.backward_ms[section])
    forward_ms, backward_ms = _sums(there, chains.first), _sums(back, chains.first)
    edge_first, edge_xy = _joined_lines(sections, chains)
    nodes = len(chains.kept)
    first_out, head, weight_ms, arc_edge = _arcs(chains, forward_ms, backward_ms)
    return RoadGraph(
        crs=crs,
        source=source,
        fingerprint="",
        classes=sections.classes,
        names=sections.names,
        node_xy=sections.node_xy[chains.kept],
        component=_components(first_out, head, nodes),
        first_out=first_out,
        head=head,
        weight_ms=weight_ms,
        arc_edge=arc_edge,
        edge_first=edge_first,
        edge_xy=edge_xy,
        edge_tail=chains.tail.astype(np.int32),
        edge_head=chains.head.astype(np.int32),
        edge_forward_ms=forward_ms,
        edge_backward_ms=backward_ms,
        edge_length_m=np.add.reduceat(sections.length_m[section], chains.first[:-1]),
        edge_class=sections.class_[one].astype(np.int16),
        edge_name=sections.name[one].astype(np.int32),
        sections=sections.read,
        sections_closed=sections.closed,
        sections_repeated=sections.repeated,
    )


def _sums(section_ms: Longs, first: Longs) -> Ints:
    """Add the times of each edge; an edge is closed as its sections are."""
    total = np.add.reduceat(section_ms, first[:-1])
    refuse(total > LONGEST_MS, "de plus de 24 jours")
    return np.where(section_ms[first[:-1]] == CLOSED, CLOSED, total).astype(np.int32)


def _arcs(chains: Chains, forward_ms: Ints, backward_ms: Ints) -> tuple[Longs, Ints, Ints, Ints]:
    edge = np.arange(len(chains.tail))
    proper = chains.tail != chains.head
    forward, backward = edge[proper & (forward_ms != CLOSED)], edge[proper & (backward_ms != CLOSED)]
    tail = np.concatenate([chains.tail[forward], chains.head[backward]])
    head = np.concatenate([chains.head[forward], chains.tail[backward]])
    weight_ms = np.concatenate([forward_ms[forward], backward_ms[backward]])
    arc_edge = np.concatenate([forward, backward])
    order = np.lexsort((arc_edge, weight_ms, head, tail))
    first_out = np.concatenate([[0], np.cumsum(np.bincount(tail, minlength=len(chains.kept)))])
    return first_out, head[order].astype(np.int32), weight_ms[order], arc_edge[order].astype(np.int32)


def _components(first_out: Longs, head: Ints, nodes: int) -> Ints:
    """Give 0 to the largest strongly connected component; of equal sizes, to the one with the lowest node."""
    graph = csr_array((np.ones(len(head), dtype=np.int8), head, first_out), shape=(nodes, nodes))
    _, label = connected_components(graph, directed=True, connection="strong")
    _, lowest, size = np.unique(label, return_index=True, return_counts=True)
    number = np.empty(len(size), dtype=np.int32)
    number[np.lexsort((lowest, -size))] = np.arange(len(size))
    return np.asarray(number[label])


def _joined_lines(sections: Sections, chains: Chains) -> tuple[Longs, Floats]:
    """Join the lines of each edge, from its tail to its head; the vertex where two lines meet is kept once."""
    section, backwards = chains.dart >> 1, (chains.dart & 1).astype(bool)
    sizes = sections.first[section + 1] - sections.first[section]
    starts = np.concatenate([[0], np.cumsum(sizes)])
    within = np.arange(starts[-1]) - np.repeat(starts[:-1], sizes)
    begin = np.where(backwards, sections.first[section + 1] - 1, sections.first[section])
    xy = sections.xy[np.repeat(begin, sizes) + np.where(np.repeat(backwards, sizes), -within, within)]
    joint = starts[:-1][~np.isin(np.arange(len(section)), chains.first[:-1])]
    kept = np.ones(len(xy), dtype=bool)
    kept[joint] = (xy[joint] != xy[joint - 1]).any(axis=1)
    edge_starts = starts[chains.first]
    edge_first = np.concatenate([[0], np.cumsum(np.add.reduceat(kept.astype(np.int64), edge_starts[:-1]))])
    return edge_first, xy[kept]


def _content_hash(graph: RoadGraph) -> str:
    digest = hashlib.sha256(repr((BUILD_VERSION, graph.crs, graph.source, graph.classes, graph.names)).encode())
    for field in graph.__dataclass_fields__:
        value = getattr(graph, field)
        if isinstance(value, np.ndarray):
            digest.update(repr((field, value.dtype.str, value.shape)).encode())
            digest.update(np.ascontiguousarray(value).data)
    return digest.hexdigest()
