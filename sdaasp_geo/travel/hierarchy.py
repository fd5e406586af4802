"""Contraction hierarchy: the network prepared once, so that thousands of questions cost one sweep each.

The hierarchy itself is made by ``ch-router`` (MIT; RoutingKit inside, BSD), an optional part, imported only by
``build``. Its file is RoutingKit's: a header of 24 bytes (magic number, nodes, arcs of each side, padding), the rank
of every node, then for the arcs that leave upwards and for those that arrive from above: first arc of every node,
heads, weights, a bit per arc (padded to 64 bytes) that says "original", and the two halves of every shortcut. It is
read once, checked, and kept as the plain arrays of ``Hierarchy``.

Exactness is checked, not assumed. RoutingKit adds times in 32 bits without watching for overflow. Every shortcut must
equal the sum of its two halves, and every time must stay under 2**29 ms (6 days): then no sum met during the
contraction reaches 2**32, and none can have wrapped around. A network that does not pass is refused
(``HierarchyRefusedError``) and its questions go to the other engines.
"""

from __future__ import annotations

import importlib.util
import tempfile
import zlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sdaasp_geo import disk
from sdaasp_geo.errors import TravelError
from sdaasp_geo.french import NBSP
from sdaasp_geo.travel.paths import Arcs, Int32, Int64

LONGEST_MS = 2**29 - 1
"""The longest time that an arc or a shortcut of a hierarchy may have."""

_MAGIC = 0x436F6E7448696572
_FORMAT = 0x53444831
_HEADER = 8
_BITS_BLOCK = 512
_PIECE = 2**20


class HierarchyRefusedError(TravelError):
    """A hierarchy that is damaged, stale, or that cannot be exact."""


@dataclass(frozen=True)
class Hierarchy:
    """A contraction hierarchy. Positions are ranks: every arc goes from a position to a higher one.

    Attributes
    ----------
    order : ndarray of int32, shape (n,)
        Node at each position; a hierarchy restricted to part of a network holds only some nodes.
    leaving : Arcs
        From each position, arcs and shortcuts driven upwards.
    arriving : Arcs
        From each position, arcs and shortcuts that come down to it from their head.
    nodes : int
        Nodes of the network.
    """

    order: Int32
    leaving: Arcs
    arriving: Arcs
    nodes: int

    def reversed(self) -> Hierarchy:
        """Turn the network around, at no cost: times to a place become times from it."""
        return Hierarchy(self.order, self.arriving, self.leaving, self.nodes)

    @cached_property
    def position(self) -> Int32:
        """Position of every node of the network, -1 where the hierarchy does not hold it."""
        position = np.full(self.nodes, -1, dtype=np.int32)
        position[self.order] = np.arange(len(self.order), dtype=np.int32)
        return position


def available() -> bool:
    """Say whether a hierarchy can be built here."""
    return importlib.util.find_spec("routingkit_ch") is not None


def build(arcs: Arcs) -> Hierarchy:
    """Contract a network (one thread; about one minute for a million nodes).

    Raises
    ------
    HierarchyRefusedError
        When times are too long for the contraction to be exact.
    """
    from routingkit_ch import ContractionHierarchy  # noqa: PLC0415 - optional part

    if int(arcs.weight_ms.max(initial=0)) > LONGEST_MS:
        msg = f"Une route de plus de six jours{NBSP}: la hiérarchie ne serait pas exacte."
        raise HierarchyRefusedError(msg)
    if arcs.nodes == 0:
        return Hierarchy(np.empty(0, dtype=np.int32), arcs, arcs, 0)
    head, weight = (np.ascontiguousarray(array).view(np.uint32) for array in (arcs.head, arcs.weight_ms))
    made = ContractionHierarchy.build(arcs.nodes, arcs.tail.view(np.uint32), head, weight)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "hierarchy"
        made.save_file(str(path))
        del made
        return read_routingkit(path, nodes=arcs.nodes)


def read_routingkit(path: Path, *, nodes: int) -> Hierarchy:
    """Read and check a file in RoutingKit's format.

    Raises
    ------
    HierarchyRefusedError
        When the file is damaged, is about another number of nodes, or holds times that may have overflowed.
    """
    words = np.fromfile(path, dtype="<u4")
    counts = [int(count) for count in words[2:5]]
    if len(words) < 6 or words[:2].view("<u8")[0] != _MAGIC or counts[0] != nodes:  # noqa: PLR2004 - six words of header
        msg = "Fichier de hiérarchie illisible."
        raise HierarchyRefusedError(msg)
    sizes = [nodes]
    for count in counts[1:]:
        sizes += [nodes + 1, count, count, -(-count // _BITS_BLOCK) * _BITS_BLOCK // 32, count, count]
    if len(words) != 6 + sum(sizes):
        msg = "Fichier de hiérarchie tronqué."
        raise HierarchyRefusedError(msg)
    rank, *sides = np.split(words[6:], np.cumsum(sizes)[:-1])
    leaving, arriving = _side(sides[:6]), _side(sides[6:])
    _check_halves(sides[:6], sides[6:])
    order = np.empty(nodes, dtype=np.int32)
    order[rank] = np.arange(nodes, dtype=np.int32)
    return _checked(Hierarchy(order, leaving, arriving, nodes))


def save(hierarchy: Hierarchy, path: Path, *, fingerprint: str) -> None:
    """Write a hierarchy as one ``.npy`` array of 32-bit words; the file appears whole or not at all.

    Parameters
    ----------
    hierarchy : Hierarchy
    path : Path
    fingerprint : str
        SHA-256, in hexadecimal, of what the network was made of; ``load`` asks for the same.
    """
    stamp = np.frombuffer(bytes.fromhex(fingerprint), dtype="<u4")
    start = _HEADER + len(stamp)
    words = _words(hierarchy, start)
    words[_HEADER:start] = stamp
    words[:5] = [
        _FORMAT,
        zlib.crc32(words[start:].data),
        hierarchy.nodes,
        len(hierarchy.leaving.head),
        len(hierarchy.arriving.head),
    ]
    with disk.staging(path, wait_s=disk.FOREVER_S) as beside:
        made = beside / "hierarchy.npy"
        np.save(made, words)
        disk.put(made, path)


def load(path: Path, *, fingerprint: str, verify: bool = True) -> Hierarchy:
    """Map a saved hierarchy into memory (private pages: compiled code wants arrays that it could write to).

    Parameters
    ----------
    path : Path
    fingerprint : str
        As given to ``save``.
    verify : bool
        Read everything once to compare the checksum and the order of arcs.

    Raises
    ------
    HierarchyRefusedError
        When the file is damaged, of another format, or of another network.
    """
    try:
        words = np.load(path, mmap_mode="c", allow_pickle=False)
    except (OSError, EOFError, ValueError) as error:
        msg = f"Fichier de hiérarchie illisible{NBSP}: {path.name}."
        raise HierarchyRefusedError(msg) from error
    stamp = np.frombuffer(bytes.fromhex(fingerprint), dtype="<u4")
    start = _HEADER + len(stamp)
    known = words.ndim == 1 and words.dtype == np.dtype("<u4") and len(words) >= start and words[0] == _FORMAT
    if not known or not np.array_equal(words[_HEADER:start], stamp):
        msg = f"Hiérarchie d’un autre réseau ou d’un autre format{NBSP}: {path.name}."
        raise HierarchyRefusedError(msg)
    nodes, leaving, arriving = (int(count) for count in words[2:5])
    body = words[start:]
    sizes = [2 * (nodes + 1), 2 * (nodes + 1), nodes, leaving, leaving, arriving, arriving]
    if len(body) != sum(sizes) or (verify and zlib.crc32(body.data) != words[1]):
        msg = f"Fichier de hiérarchie abîmé{NBSP}: {path.name}."
        raise HierarchyRefusedError(msg)
    parts = [np.asarray(part) for part in np.split(body, np.cumsum(sizes)[:-1])]
    first, order, arcs = [part.view("<i8") for part in parts[:2]], parts[2], [part.view("<i4") for part in parts[3:]]
    hierarchy = Hierarchy(order.view("<i4"), Arcs(first[0], *arcs[:2]), Arcs(first[1], *arcs[2:]), nodes)
    return _checked(hierarchy) if verify else hierarchy


def _words(hierarchy: Hierarchy, start: int) -> npt.NDArray[np.uint32]:
    """Lay the arrays of a hierarchy end to end after ``start`` empty words, the 64-bit ones first."""
    leaving, arriving = hierarchy.leaving, hierarchy.arriving
    first = [np.ascontiguousarray(side.first_out, dtype="<i8").view("<u4") for side in (leaving, arriving)]
    arcs = [hierarchy.order, leaving.head, leaving.weight_ms, arriving.head, arriving.weight_ms]
    parts = [*first, *(np.ascontiguousarray(array, dtype="<i4").view("<u4") for array in arcs)]
    words = np.zeros(start + sum(map(len, parts)), dtype="<u4")
    np.concatenate(parts, out=words[start:])
    return words


def _side(words: list[npt.NDArray[np.uint32]]) -> Arcs:
    """Make the arcs of one side: first arcs, heads, weights."""
    if len(words[2]) and words[2].max() > LONGEST_MS:
        msg = f"Un trajet de plus de six jours{NBSP}: la hiérarchie ne serait pas exacte."
        raise HierarchyRefusedError(msg)
    return Arcs(words[0].astype(np.int64), words[1].astype(np.int32), words[2].astype(np.int32))


def _check_halves(leaving: list[npt.NDArray[np.uint32]], arriving: list[npt.NDArray[np.uint32]]) -> None:
    """Compare every shortcut with the sum of its halves: one comes down to the middle, the other goes up from it.

    Sums are made in 32 bits, and in pieces: times of ``LONGEST_MS`` at most, checked before, cannot overflow them.
    """
    down, up = arriving[2], leaving[2]
    for side in (leaving, arriving):
        count = len(side[1])
        shortcut = np.unpackbits(side[3].view(np.uint8), bitorder="little")[:count] == 0
        for start in range(0, count, _PIECE):
            some = np.flatnonzero(shortcut[start : start + _PIECE]) + start
            first, second = side[4][some], side[5][some]
            inside = not len(some) or (first.max() < len(down) and second.max() < len(up))
            if not inside or (side[2][some] != down[first] + up[second]).any():
                msg = f"Un raccourci n’est pas la somme de ses moitiés{NBSP}: la hiérarchie ne serait pas exacte."
                raise HierarchyRefusedError(msg)


def _checked(hierarchy: Hierarchy) -> Hierarchy:
    """Refuse a hierarchy whose order is no permutation, or with an arc that does not climb."""
    order: Int64 = np.bincount(hierarchy.order, minlength=hierarchy.nodes)
    climbs = all((side.head > side.tail).all() for side in (hierarchy.leaving, hierarchy.arriving))
    if len(order) != hierarchy.nodes or (order != 1).any() or not climbs:
        msg = "Les nœuds de la hiérarchie ne sont pas en ordre."
        raise HierarchyRefusedError(msg)
    return hierarchy
