"""Shapes of many communes as shared arcs: each edge is written once, whatever the number of shapes that it bounds.

A reader (`templates/map.country.js`) draws the shapes from the arcs, so that two neighbours never part. Display only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import shapely

from sdaasp_geo.outputs.map_codec import encode_numbers

Whole = npt.NDArray[np.int64]
_SMALLEST_RING = 3
_PLAIN_VERTEX = 2
_WIDE = 1 << 32


@dataclass(frozen=True)
class Arcs:
    """Shared arcs of a coverage.

    Attributes
    ----------
    lines : list of ndarray of int64 (n, 2)
        Vertices of each arc, in steps of the grid; arcs are numbered in order of first use.
    rings : list of list of list of int
        For each shape, its rings: arcs end to end; ``~number`` is the arc travelled backwards.
    """

    lines: list[Whole]
    rings: list[list[list[int]]]


def share_arcs(shapes: Sequence[shapely.Geometry | None], *, step: float) -> Arcs:
    """Cut the rings of a coverage at the vertices where more than two edges meet, and number each piece once.

    Parameters
    ----------
    shapes : sequence of geometry or None
        Polygons whose common edges have the same vertices; None has no ring.
    step : float
        Coordinates are rounded to its multiples; a ring that becomes a line or a point is left out, unless it is the
        last of its shape.
    """
    owners, rings = _whole_rings(shapes, step=step)
    every = np.concatenate([*rings, np.empty((0, 2), np.int64)])
    _, first, numbers = np.unique(every[:, 0] * _WIDE + every[:, 1], return_index=True, return_inverse=True)
    points = every[first]
    ends = np.cumsum([len(ring) for ring in rings], dtype=np.int64)
    vertices = np.split(numbers, ends[:-1]) if len(rings) else []
    junctions = _junctions(vertices, size=len(points))
    known: dict[bytes, int] = {}
    lines: list[Whole] = []
    found: list[list[list[int]]] = [[] for _ in shapes]
    for owner, ring in zip(owners, vertices, strict=True):
        refs = []
        for piece in _pieces(ring, junctions):
            backwards = known.get(piece[::-1].tobytes())
            number = known.get(piece.tobytes())
            if backwards is None and number is None:
                number = len(lines)
                known[piece.tobytes()] = number
                lines.append(points[piece])
            refs.append(~backwards if backwards is not None else number)
        found[owner].append([ref for ref in refs if ref is not None])
    return Arcs(lines, found)


def _whole_rings(shapes: Sequence[shapely.Geometry | None], *, step: float) -> tuple[list[int], list[Whole]]:
    """Return the rings in steps of the grid, without repeated vertices, and the shape of each."""
    owners: list[int] = []
    rings: list[Whole] = []
    for owner, shape in enumerate(shapes):
        own = [_rounded(ring, step=step) for part in shapely.get_parts(shape) for ring in _rings_of(part)]
        full = [ring for ring in own if len(ring) >= _SMALLEST_RING]
        kept = full or own[:1]
        owners += [owner] * len(kept)
        rings += kept
    return owners, rings


def _rings_of(part: shapely.Geometry) -> Iterator[shapely.Geometry]:
    if part.geom_type == "Polygon":
        yield part.exterior
        yield from part.interiors


def _rounded(ring: shapely.Geometry, *, step: float) -> Whole:
    whole: Whole = np.rint(shapely.get_coordinates(ring)[:-1] / step).astype(np.int64)
    kept: Whole = whole[(whole != np.roll(whole, 1, axis=0)).any(axis=1)]
    return kept if len(kept) else whole[:1]


def _junctions(rings: Sequence[Whole], *, size: int) -> npt.NDArray[np.bool_]:
    """Tell the vertices where other than two edges meet."""
    if not rings:
        return np.zeros(size, dtype=bool)
    starts = np.concatenate(rings)
    nexts = np.concatenate([np.roll(ring, -1) for ring in rings])
    edges = np.unique(np.minimum(starts, nexts) * _WIDE + np.maximum(starts, nexts))
    met = np.bincount(np.concatenate([edges // _WIDE, edges % _WIDE]), minlength=size)
    return np.asarray(met != _PLAIN_VERTEX)


def _pieces(ring: Whole, junctions: npt.NDArray[np.bool_]) -> Iterator[Whole]:
    """Cut a ring at its junctions; without any it is one piece, that begins at its lowest vertex."""
    cuts = np.flatnonzero(junctions[ring])
    if len(cuts) == 0:
        cuts = np.array([int(ring.argmin())])
    turned = np.roll(ring, -int(cuts[0]))
    closed = np.append(turned, turned[0])
    marks = [*(cuts - cuts[0]).tolist(), len(ring)]
    for first, last in pairwise(marks):
        yield closed[first : last + 1]


def encode_arcs(arcs: Arcs) -> tuple[str, str]:
    """Write arcs and rings as letters (`map_codec.encode_numbers`).

    Returns
    -------
    str
        For each arc: its number of vertices, then steps from the last vertex written to each of its own.
    str
        For each shape: its number of rings; for each ring its number of arcs; for each arc 0 if it is a new one, else
        how far back it was numbered, negative if it is travelled forwards again.
    """
    numbers: list[int] = []
    before = np.zeros((1, 2), dtype=np.int64)
    for line in arcs.lines:
        numbers.append(len(line))
        numbers += np.diff(line, axis=0, prepend=before).ravel().tolist()
        before = line[-1:]
    refs: list[int] = []
    known = 0
    for rings in arcs.rings:
        refs.append(len(rings))
        for ring in rings:
            refs.append(len(ring))
            for ref in ring:
                if ref == known:
                    refs.append(0)
                    known += 1
                else:
                    refs.append(known - ~ref if ref < 0 else ref - known)
    return encode_numbers(numbers), encode_numbers(refs)


def arc_levels(arcs: Arcs, groups: Sequence[Sequence[object]]) -> str:
    """Say what each arc parts: 0 two shapes of the same groups, n groups of the n-th rank, the most outer edges.

    Parameters
    ----------
    groups : sequence of sequences
        For each rank, finest first, the group of each shape.
    """
    owners: list[list[int]] = [[] for _ in arcs.lines]
    for owner, rings in enumerate(arcs.rings):
        for ring in rings:
            for ref in ring:
                owners[ref if ref >= 0 else ~ref].append(owner)
    levels = []
    for own in owners:
        level = len(groups) + 1
        if len(own) > 1:
            parted = [rank for rank, group in enumerate(groups, 1) if group[own[0]] != group[own[-1]]]
            level = max(parted, default=0)
        levels.append(str(level))
    return "".join(levels)
