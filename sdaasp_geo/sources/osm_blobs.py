"""Blobs of an OpenStreetMap extract (``.osm.pbf``), looked at before a library written in C++ reads them.

An extract is a list of blobs: a head (type, size), then data, packed or not, which is protobuf. libosmium trusts some
of it: a NUL in a text makes it read memory that is not its own, and a few kilobytes may stand for a road of thirty
million nodes. Source: https://wiki.openstreetmap.org/wiki/PBF_Format.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

_HEAD_BYTES, _BLOB_BYTES = 64 * 1024, 32 * 1024 * 1024
"""The most that the format allows for a head, and for a blob once unpacked."""

_SMALL, _RATIO = 1_000_000, 20
"""Bytes that may be unpacked whatever they come from, and times the packed size beyond: real extracts reach 4."""

_MOST_FIELDS = 1_000_000
_VARINT, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5
_RAW, _SIZE, _ZLIB, _LZ4 = 1, 2, 3, 6


class BlobError(ValueError):
    """An extract that is damaged, or that no program writes."""


def check_blobs(path: Path) -> None:
    """Refuse an extract whose blobs are damaged, swell, or hold texts with a NUL.

    Parameters
    ----------
    path : Path
        An extract.

    Raises
    ------
    BlobError
        At the first of them.
    """
    packed = unpacked = 0
    with path.open("rb") as stream:
        for kind, blob in _frames(stream):
            content = _unpacked(blob)
            packed, unpacked = packed + len(blob), unpacked + len(content)
            if unpacked > _SMALL and unpacked > _RATIO * packed:
                raise BlobError
            if kind == b"OSMData":
                _check_texts(content)


def _frames(stream: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """Yield the type and the bytes of each blob."""
    while start := stream.read(4):
        size = struct.unpack(">I", start)[0] if len(start) == struct.calcsize(">I") else _HEAD_BYTES + 1
        if size > _HEAD_BYTES:
            raise BlobError
        head = dict(_fields(stream.read(size)))
        kind, length = head.get(1), head.get(3)
        if not isinstance(kind, bytes) or not isinstance(length, int) or length > _BLOB_BYTES:
            raise BlobError
        blob = stream.read(length)
        if len(blob) < length:
            raise BlobError
        yield kind, blob


def _unpacked(blob: bytes) -> bytes:
    """Unpack a blob, never more than its size."""
    fields = list(_fields(blob))
    if len(fields) != len(dict(fields)):
        raise BlobError
    data = dict(fields)
    size = data.pop(_SIZE, 0)
    number, content = data.popitem() if len(data) == 1 else (0, 0)
    if not isinstance(content, bytes) or not isinstance(size, int) or size > _BLOB_BYTES:
        raise BlobError
    try:
        if number == _ZLIB:
            content = zlib.decompressobj().decompress(content, size + 1)
        elif number == _LZ4:
            content = pa.decompress(content, decompressed_size=size, codec="lz4_raw", asbytes=True)
        elif number != _RAW:
            raise BlobError
    except (zlib.error, pa.ArrowException, OSError) as error:
        raise BlobError from error
    if number != _RAW and len(content) != size:
        raise BlobError
    return content


def _check_texts(block: bytes) -> None:
    for number, table in _fields(block):
        if number != 1 or not isinstance(table, bytes) or b"\0" not in table.removeprefix(b"\n\0"):
            continue  # the first text is empty, and no other
        if any(isinstance(text, bytes) and b"\0" in text for _, text in _fields(table)):
            raise BlobError


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield the number and the value of each field of a message of protobuf."""
    at = 0
    for _ in range(_MOST_FIELDS):
        if at == len(data):
            return
        key, at = _varint(data, at)
        number, kind = key >> 3, key & 7
        if kind == _VARINT:
            value, at = _varint(data, at)
            yield number, value
            continue
        size = {_EIGHT: 8, _FOUR: 4}.get(kind, len(data) + 1)
        if kind == _BYTES:
            size, at = _varint(data, at)
        if key >= 1 << 32 or at + size > len(data):
            raise BlobError
        yield number, data[at : at + size]
        at += size
    raise BlobError


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Return a number of at most ten bytes, and where it ends."""
    value = 0
    for shift, byte in enumerate(data[at : at + 10]):
        value |= (byte & 0x7F) << 7 * shift
        if not byte & 0x80:
            return value & (1 << 64) - 1, at + shift + 1
    raise BlobError
