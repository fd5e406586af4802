"""Contraction: sections that follow one another without a choice become one edge. Plain arrays, no geography.

A section has two darts: ``2 s`` from its tail to its head, ``2 s + 1`` back. A node is passed through when exactly two
sections meet there, are not the same section, and have the same pattern; times then add, and no shortest time between
two kept nodes changes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

Longs = npt.NDArray[np.int64]

_TWO = 2


@dataclass(frozen=True, eq=False)
class Chains:
    """Edges made of sections.

    Attributes
    ----------
    kept : ndarray of int64
        Nodes that remain, in order.
    first : ndarray of int64 (e + 1,)
        Where the darts of each edge start in ``dart``.
    dart : ndarray of int64
        Darts from the tail of the edge to its head; every section stands in exactly one edge.
    tail, head : ndarray of int64 (e,)
        Positions in ``kept``. Edges are sorted by tail, then head.
    """

    kept: Longs
    first: Longs
    dart: Longs
    tail: Longs
    head: Longs


def contract(
    tail: Longs,
    head: Longs,
    *,
    nodes: int,
    pattern: Longs,
    reverse_pattern: Longs,
    fixed: npt.NDArray[np.bool_],
    oneway: Longs,
) -> Chains:
    """Join sections end to end.

    Parameters
    ----------
    tail, head : ndarray of int64
        Nodes at the ends of each section.
    nodes : int
        Number of nodes; each ends at least one section.
    pattern, reverse_pattern : ndarray of int64
        What must be equal for two sections to be one road, read from tail to head and from head to tail.
    fixed : ndarray of bool
        Sections that are never joined.
    oneway : ndarray of int64
        1 where a section is open from tail to head only, -1 from head to tail only, otherwise 0; ``pattern`` tells
        these apart. One-way edges go from their tail to their head.

    Returns
    -------
    Chains
        An isolated ring keeps its lowest node.
    """
    origin = np.column_stack([tail, head]).ravel()
    patterns = np.column_stack([pattern, reverse_pattern]).ravel()
    before, passed = _links(origin, patterns, nodes=nodes, fixed=fixed)
    ring = _lone_rings(tail, head, passed)
    starts = passed[origin] & np.isin(origin, ring)
    before[starts] = np.flatnonzero(starts)
    passed[ring] = False
    root, rank = _rank(before)
    way = np.column_stack([oneway, -oneway]).ravel()
    dart = np.flatnonzero((way > 0) | ((way == 0) & (root < root[np.arange(len(root)) ^ 1])))
    dart = dart[np.lexsort((rank[dart], root[dart]))]
    return _edges(origin, dart, root, np.flatnonzero(~passed))


def _edges(origin: Longs, dart: Longs, root: Longs, kept: Longs) -> Chains:
    """Sort the edges by their ends."""
    first = np.flatnonzero(np.diff(root[dart], prepend=-1))
    last = np.append(first[1:], len(dart)) - 1
    tail, head = np.searchsorted(kept, origin[dart[first]]), np.searchsorted(kept, origin[dart[last] ^ 1])
    order = np.lexsort((root[dart[first]], head, tail))
    sizes = (last - first + 1)[order]
    starts = np.concatenate([[0], np.cumsum(sizes)])
    within = np.arange(len(dart)) - np.repeat(starts[:-1], sizes)
    return Chains(kept, starts, dart[np.repeat(first[order], sizes) + within], tail[order], head[order])


def _links(
    origin: Longs, patterns: Longs, *, nodes: int, fixed: npt.NDArray[np.bool_]
) -> tuple[Longs, npt.NDArray[np.bool_]]:
    """Return the dart before each dart (itself at the start of an edge), and which nodes are passed through."""
    degree = np.bincount(origin, minlength=nodes)
    leaving = np.argsort(origin, kind="stable")
    at = np.cumsum(degree) - degree
    node = np.flatnonzero(degree == _TWO)
    one, other = leaving[at[node]], leaving[at[node] + 1]
    through = (one >> 1 != other >> 1) & (patterns[one ^ 1] == patterns[other])
    through &= ~(fixed[one >> 1] | fixed[other >> 1])
    node, one, other = node[through], one[through], other[through]
    before = np.arange(len(origin))
    before[other], before[one] = one ^ 1, other ^ 1
    passed = np.zeros(nodes, dtype=bool)
    passed[node] = True
    return before, passed


def _lone_rings(tail: Longs, head: Longs, passed: npt.NDArray[np.bool_]) -> Longs:
    """Return the lowest node of each part of the network where every node would be passed through."""
    size = len(passed)
    graph = csr_array((np.ones(len(tail), dtype=np.int8), (tail, head)), shape=(size, size))
    parts, part = connected_components(graph, directed=False)
    whole = np.ones(parts, dtype=bool)
    whole[part[~passed]] = False
    _, lowest = np.unique(part, return_index=True)
    return np.asarray(lowest[whole], dtype=np.int64)


def _rank(before: Longs) -> tuple[Longs, Longs]:
    """Return the first dart of each dart's edge, and how many darts stand before it (pointer jumping)."""
    root, rank = before.copy(), (before != np.arange(len(before))).astype(np.int64)
    while True:
        further = root[root]
        if np.array_equal(further, root):
            return root, rank
        rank += rank[root]
        root = further
