"""A seeded road network that looks like one, for benchmarks: as large as asked, the same at every run.

Random points (one for 250 m × 250 m) are joined by their Delaunay edges; a spanning tree of the shortest and some of
the other edges are kept (1.45 edges per node: many dead ends, as on real networks). Main roads are then laid along
quickest paths between neighbouring towns, at three scales, and get the speeds of their class; a part of the small
streets is one-way.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra, minimum_spanning_tree
from scipy.spatial import Delaunay

from sdaasp_geo.travel.paths import Arcs, arcs_from

SPACING_M = 250.0
EDGES_PER_NODE = 1.45
NODES_PER_TOWN = (15_000, 1_500, 150)
SPEEDS_KMH = (110.0, 80.0, 65.0, 45.0, 25.0)
STREET = 3
LANE = 4
LANE_SHARE = 0.3
ONE_WAY_SHARE = 0.12

Edges = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Roads:
    """A network: coordinates of its nodes in metres, its arcs, and the roads they come from.

    A road is a pair of nodes, a class (position in ``SPEEDS_KMH``), and whether it is driven from the first only.
    """

    node_xy: npt.NDArray[np.float64]
    arcs: Arcs
    edges: Edges
    road_class: Edges
    one_way: npt.NDArray[np.bool_]


def synthetic_roads(nodes: int, *, seed: int = 1) -> Roads:
    """Make a network of ``nodes`` nodes."""
    rng = np.random.default_rng(seed)
    xy = rng.random((nodes, 2)) * SPACING_M * np.sqrt(nodes)
    xy = xy[np.argsort(_along_curve(xy), kind="stable")]
    edges, length_m = _pruned(xy, rng)
    road_class = np.where(rng.random(len(edges)) < LANE_SHARE, LANE, STREET)
    for rank, per_town in reversed(list(enumerate(NODES_PER_TOWN))):
        road_class = _main_roads(
            edges, length_m, road_class, rank, rng.choice(nodes, max(nodes // per_town, 2), replace=False)
        )
    weight = np.round(length_m * 3600.0 / np.asarray(SPEEDS_KMH)[road_class]).astype(np.int32)
    one_way = (road_class >= STREET) & (rng.random(len(edges)) < ONE_WAY_SHARE)
    back = edges[~one_way]
    tail, head = np.concatenate([edges[:, 0], back[:, 1]]), np.concatenate([edges[:, 1], back[:, 0]])
    arcs = arcs_from(tail, head, np.concatenate([weight, weight[~one_way]]), nodes=nodes)
    return Roads(xy, arcs, edges, road_class, one_way)


def _along_curve(xy: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Place points along a Z curve, so that neighbours are stored near each other, as in a real file."""
    cell = (xy / xy.max() * 0xFFFF).astype(np.int64)
    for shift, mask in ((8, 0x00FF00FF), (4, 0x0F0F0F0F), (2, 0x33333333), (1, 0x55555555)):
        cell = (cell | cell << shift) & mask
    return np.asarray(cell[:, 0] | cell[:, 1] << 1, dtype=np.int64)


def _pruned(xy: npt.NDArray[np.float64], rng: np.random.Generator) -> tuple[Edges, npt.NDArray[np.float64]]:
    """Keep a shortest spanning tree of the Delaunay edges, and a random part of the others, short ones first."""
    triangles = Delaunay(xy).simplices.astype(np.int64)
    pairs = np.sort(np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [0, 2]]]), axis=1)
    code = np.unique(pairs[:, 0] * len(xy) + pairs[:, 1])
    edges = np.column_stack([code // len(xy), code % len(xy)])
    length = np.hypot(*(xy[edges[:, 0]] - xy[edges[:, 1]]).T) + 1.0
    tree = minimum_spanning_tree(csr_array((length, edges.T), shape=(len(xy), len(xy)))).tocoo()
    in_tree = np.isin(code, tree.row.astype(np.int64) * len(xy) + tree.col)
    wish = np.where(in_tree, -1.0, length * rng.random(len(edges)))
    kept = np.sort(np.argsort(wish, kind="stable")[: int(EDGES_PER_NODE * len(xy))])
    return edges[kept], length[kept]


def _main_roads(edges: Edges, length: npt.NDArray[np.float64], road_class: Edges, rank: int, towns: Edges) -> Edges:
    """Give a better class to the edges of the quickest paths between towns whose areas touch."""
    nodes = int(edges.max()) + 1
    time = length / np.asarray(SPEEDS_KMH)[road_class]
    graph = csr_array((time, edges.T), shape=(nodes, nodes))
    far, before, town = dijkstra(graph, directed=False, indices=towns, min_only=True, return_predecessors=True)
    ends = town[edges]
    border = np.flatnonzero(ends[:, 0] != ends[:, 1])
    couple = np.sort(ends[border], axis=1)
    cost = far[edges[border]].sum(axis=1) + time[border]
    order = np.lexsort((cost, couple[:, 1], couple[:, 0]))
    new = np.any(np.diff(couple[order], axis=0, prepend=-1) != 0, axis=1)
    crossing = border[order[new]]
    on_road = np.zeros(nodes, dtype=np.bool_)
    walkers = np.unique(edges[crossing])
    while len(walkers):
        on_road[walkers] = True
        walkers = np.unique(before[walkers])
        walkers = walkers[walkers >= 0]
        walkers = walkers[~on_road[walkers]]
    follows = (before[edges[:, 0]] == edges[:, 1]) & on_road[edges[:, 0]]
    follows |= (before[edges[:, 1]] == edges[:, 0]) & on_road[edges[:, 1]]
    follows[crossing] = True
    return np.where(follows, rank, road_class)
