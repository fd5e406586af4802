"""The road graph as one file: mapped into memory, keyed by the hash of what it was made from, checked when opened.

::

    magic (8 bytes) | format version, length and CRC-32 of the header (3 × uint32, little-endian)
    header (JSON: fingerprint, CRS, source, classes, names, counts; dtype, shape, offset and CRC-32 of each array)
    arrays, each aligned on 64 bytes from the start of the file

A file is written beside its place, then renamed: a killed build leaves no half graph under the final name. Of two
processes that want one graph, one builds it and the other waits for it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from sdaasp_geo import disk
from sdaasp_geo.errors import TravelError
from sdaasp_geo.french import NBSP
from sdaasp_geo.travel.road_graph import BUILD_VERSION, RoadGraph

FORMAT_VERSION = 1
"""Version of the layout of the file."""

SUFFIX = ".routes"

_MAGIC = b"SDAASPRG"
_PREFIX = struct.Struct("<8s3I")
_ALIGNMENT = 64
_CHUNK = 1 << 24

_DTYPES = {
    "node_xy": "<f8",
    "component": "<i4",
    "first_out": "<i8",
    "head": "<i4",
    "weight_ms": "<i4",
    "arc_edge": "<i4",
    "edge_first": "<i8",
    "edge_xy": "<f8",
    "edge_tail": "<i4",
    "edge_head": "<i4",
    "edge_forward_ms": "<i4",
    "edge_backward_ms": "<i4",
    "edge_length_m": "<f8",
    "edge_class": "<i2",
    "edge_name": "<i4",
}
_PLAIN = tuple(field.name for field in dataclasses.fields(RoadGraph) if field.name not in _DTYPES)


def road_fingerprint(extract: Path, parameters: Mapping[str, Any]) -> str:
    """Hash what a graph is made from, before making it.

    Parameters
    ----------
    extract : Path
        The file of roads; its content counts, not its name nor its date.
    parameters : Mapping
        All else that changes the graph (speed table, CRS, mappings, version of the readers), as JSON can write it.

    Returns
    -------
    str
        SHA-256 in hexadecimal; the versions of the builder and of the file are part of it.
    """
    with extract.open("rb") as file:
        content = hashlib.file_digest(file, "sha256").hexdigest()
    key = {"build": BUILD_VERSION, "content": content, "format": FORMAT_VERSION, "parameters": dict(parameters)}
    return hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()


def with_names(source: str, extracts: Sequence[Path]) -> str:
    """Put the names of extracts into the words kept with what was made of them.

    Parameters
    ----------
    source : str
        ``{0}``, ``{1}``… stand for the names: files of one content share what is kept, under whatever name they come.
    extracts : sequence of Path
        In the same order.

    Examples
    --------
    >>> with_names("OpenStreetMap, extrait {0}", [Path("monaco.osm.pbf")])
    'OpenStreetMap, extrait monaco.osm.pbf'
    """
    return source.format(*(extract.name for extract in extracts))


def cached_road_graph(folder: Path, *, fingerprint: str, build: Callable[[], RoadGraph]) -> tuple[RoadGraph, str]:
    """Open the graph of a fingerprint, or build and save it.

    Parameters
    ----------
    folder : Path
        Where graphs are kept, one file each, named by fingerprint.
    fingerprint : str
        Hash of the inputs and parameters (:func:`road_fingerprint`).
    build : callable
        Makes the graph when there is no good file.

    Returns
    -------
    graph : RoadGraph
        Mapped from the file.
    why_built : str
        In French, why the graph was built; "" when it was read.

    Raises
    ------
    TravelError
        When the file cannot be written, or the building fails.
    """
    path = folder / f"{fingerprint}{SUFFIX}"
    graph, why_built = _kept(path, fingerprint)
    if graph is not None:
        return graph, ""
    with ExitStack() as held:
        with _errors_said(path):
            beside = held.enter_context(disk.staging(path, wait_s=disk.FOREVER_S))
        graph, _ = _kept(path, fingerprint)
        if graph is not None:  # another process built it while this one waited
            return graph, why_built
        built = dataclasses.replace(build(), fingerprint=fingerprint)
        with _errors_said(path):
            _write(built, beside / path.name)
            disk.put(beside / path.name, path)
    return load_road_graph(path, fingerprint=fingerprint), why_built


def _kept(path: Path, fingerprint: str) -> tuple[RoadGraph | None, str]:
    """Return the graph of a good file, or why there is none."""
    if not path.exists():
        return None, "Le réseau routier n'avait pas encore été préparé."
    try:
        return load_road_graph(path, fingerprint=fingerprint), ""
    except TravelError as error:
        return None, str(error)


def save_road_graph(graph: RoadGraph, path: Path) -> None:
    """Write a graph to a file: beside it, then renamed. The same graph always gives the same bytes.

    Raises
    ------
    TravelError
        When the file cannot be written; nothing is left behind.
    """
    with _errors_said(path), disk.staging(path, wait_s=disk.FOREVER_S) as beside:
        _write(graph, beside / path.name)
        disk.put(beside / path.name, path)


@contextmanager
def _errors_said(path: Path) -> Iterator[None]:
    """Turn the errors of the system into ours, in French."""
    try:
        yield
    except OSError as error:
        message = f"Le réseau routier n'a pas pu être enregistré dans {path}{NBSP}: {disk.cause_of(error)}"
        raise TravelError(message) from error


def _write(graph: RoadGraph, path: Path) -> None:
    arrays = {name: np.ascontiguousarray(getattr(graph, name), dtype=dtype) for name, dtype in _DTYPES.items()}
    with path.open("wb") as file:
        file.write(_header(graph, arrays))
        for array in arrays.values():
            file.write(b"\0" * (-file.tell() % _ALIGNMENT))
            file.write(array.data)


def load_road_graph(path: Path, *, fingerprint: str | None = None, verify: bool = True) -> RoadGraph:
    """Open a graph: its arrays are mapped from the file, read-only, and read when used.

    Parameters
    ----------
    path : Path
        File written by :func:`save_road_graph`.
    fingerprint : str, optional
        The one expected; a file with another is stale.
    verify : bool
        Read the arrays once to check their CRC-32 (about a second per gigabyte). The header and the size of the file
        are always checked.

    Raises
    ------
    TravelError
        When the file cannot be read, is not a road graph, is truncated, corrupt, stale or of another version.
    """
    try:
        content = np.asarray(np.memmap(path, dtype=np.uint8, mode="r"))
    except (OSError, ValueError) as error:
        raise _bad(path, "illisible ou vide") from error
    header, size = _read_header(path, content)
    if fingerprint is not None and header["fingerprint"] != fingerprint:
        raise _bad(path, "périmé (il vient d'un autre extrait ou d'autres paramètres)")
    if len(content) != size + header["size"]:
        raise _bad(path, "tronqué ou allongé")
    fields: dict[str, Any] = {name: header[name] for name in _PLAIN}
    fields |= {"classes": tuple(fields["classes"]), "names": tuple(fields["names"])}
    for name, entry in header["arrays"].items():
        raw = content[size + entry["offset"] : size + entry["offset"] + entry["size"]]
        if verify and _crc(raw) != entry["crc32"]:
            raise _bad(path, "altéré")
        fields[name] = raw.view(_DTYPES[name]).reshape(entry["shape"])
    return RoadGraph(**fields)


def _header(graph: RoadGraph, arrays: Mapping[str, np.ndarray]) -> bytes:
    """Return the start of the file, up to the first array; offsets count from there."""
    entries: dict[str, Any] = {}
    end = 0
    for name, array in arrays.items():
        offset = end + -end % _ALIGNMENT
        end = offset + array.nbytes
        entries[name] = {
            "crc32": _crc(array.reshape(-1).view(np.uint8)),
            "dtype": _DTYPES[name],
            "offset": offset,
            "shape": array.shape,
            "size": array.nbytes,
        }
    header = {name: getattr(graph, name) for name in _PLAIN} | {"arrays": entries, "build": BUILD_VERSION, "size": end}
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-(_PREFIX.size + len(text)) % _ALIGNMENT)
    return _PREFIX.pack(_MAGIC, FORMAT_VERSION, len(text), zlib.crc32(text)) + text


def _read_header(path: Path, content: np.ndarray) -> tuple[dict[str, Any], int]:
    """Return the header and where the arrays start."""
    if len(content) < _PREFIX.size:
        raise _bad(path, "tronqué")
    magic, version, length, crc = _PREFIX.unpack(content[: _PREFIX.size].tobytes())
    if magic != _MAGIC:
        raise _bad(path, "d'une autre nature")
    if version != FORMAT_VERSION:
        raise _bad(path, "d'une autre version")
    text = content[_PREFIX.size : _PREFIX.size + length].tobytes()
    if len(text) != length or zlib.crc32(text) != crc:
        raise _bad(path, "tronqué ou altéré")
    header: dict[str, Any] = json.loads(text)
    dtypes = {name: entry["dtype"] for name, entry in header["arrays"].items()}
    if header["build"] != BUILD_VERSION or dtypes != _DTYPES or not header.keys() >= set(_PLAIN):
        raise _bad(path, "d'une autre version")
    return header, _PREFIX.size + length


def _crc(raw: np.ndarray) -> int:
    """Checksum bytes by pieces, so that a mapped file is not held in memory at once."""
    crc = 0
    for start in range(0, len(raw), _CHUNK):
        crc = zlib.crc32(raw[start : start + _CHUNK].data, crc)
    return crc


def _bad(path: Path, what: str) -> TravelError:
    return TravelError(f"Le fichier du réseau routier {path.name} est {what}. Préparez de nouveau le réseau.")
