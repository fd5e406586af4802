"""Extracts of OpenStreetMap changed inside: blobs are unpacked, their protobuf is changed, and they are packed again.

A changed bit breaks the zlib data of a blob, so that blind changes stop at the first gate. Format:
https://wiki.openstreetmap.org/wiki/PBF_Format.
"""

from __future__ import annotations

import random
import struct
import tempfile
import zlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import shapely
from hostile_mutations import BYTES, Change, cut, flip, splice

Field = tuple[int, int, int | bytes]
"""Number, kind of wire (0 varint, 1 eight bytes, 2 bytes, 5 four bytes) and value of a field of protobuf."""
Frame = tuple[bytes, bytes]
"""Type of a blob (``OSMHeader``, ``OSMData``) and its content, unpacked."""

WITHIN = {
    "OSMHeader": {1: "box"},
    "OSMData": {1: "strings", 2: "group"},
    "group": {1: "node", 2: "dense", 3: "way", 4: "relation"},
    **{name: {4: "info"} for name in ("node", "way", "relation")},
    "dense": {5: "info"},
}
"""Messages within messages, by the number of their field."""
PACKED = {
    "dense": {1, 8, 9, 10},
    "node": {2, 3},
    "way": {2, 3, 8, 9, 10},
    "relation": {2, 3, 8, 9, 10},
    "info": {1, 2, 3, 4, 5, 6},
}
"""Fields that are lists of varints."""
HUGE = [0, 1, 2, 3, 127, 128, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**53, 2**62, 2**63 - 1, 2**63, 2**64 - 2, 2**64 - 1]
WORDS = [
    *(b"", b" ", b"\0", b"\xff\xfe", b"highway", b"route", b"ferry", b"primary", b"motorway", b"service", b"track"),
    *(b"maxspeed", b"duration", b"oneway", b"access", b"motor_vehicle", b"barrier", b"bollard", b"junction", b"type"),
    *(b"yes", b"no", b"-1", b"0", b"0.0000001", b"9" * 400, b"9" * 400 + b":00", b"PT" + b"9" * 400 + b"H", b"inf"),
    *(b"nan", b"none", b"1e400", b"30 mph", b"FR:urban", b"roundabout", b"reversible", b"a" * 1_100, b";" * 900),
    *(text.encode() for text in ("é" * 200, "٣٠", "²", "\u202e<b>", "50;;30", "1:30", "PT1H")),
]
BOMB_MB = 30


def varint(value: int) -> bytes:
    """Write a whole number, negative ones in 64 bits."""
    value &= 2**64 - 1
    content = bytearray()
    while value > 0x7F:
        content.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*content, value])


def numbers_of(data: bytes) -> list[int]:
    """Read a list of varints; what is cut short at the end is left out."""
    found, value, shift = [], 0, 0
    for byte in data:
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            found.append(value)
            value = shift = 0
    return found


def fields_of(data: bytes) -> list[Field]:
    """Read the fields of a message.

    Raises
    ------
    ValueError
        Not a message.
    """
    found: list[Field] = []
    at = 0

    def number() -> int:
        nonlocal at
        end = at
        while data[end] > 0x7F:
            end += 1
        (value,) = numbers_of(data[at : end + 1])
        at = end + 1
        return value

    try:
        while at < len(data):
            key = number()
            kind = key & 7
            value: int | bytes
            if kind == 0:
                value = number()
            else:
                size = {1: 8, 5: 4}[kind] if kind != 2 else number()
                value, at = data[at : at + size], at + size
            found.append((key >> 3, kind, value))
    except (IndexError, KeyError) as error:
        raise ValueError(at) from error
    return found


def message(fields: Sequence[Field]) -> bytes:
    """Write fields."""
    parts = []
    for number, kind, value in fields:
        size = varint(len(value)) if kind == 2 and isinstance(value, bytes) else b""
        parts.append(varint(number << 3 | kind) + size + (varint(value) if isinstance(value, int) else value))
    return b"".join(parts)


def frames_of(data: bytes) -> list[Frame]:
    """Cut an extract in its frames, and unpack them.

    Raises
    ------
    ValueError
        Not an extract that we can unpack.
    """
    found, at = [], 0
    try:
        while at < len(data):
            (size,) = struct.unpack_from(">I", data, at)
            head = {number: value for number, _, value in fields_of(data[at + 4 : at + 4 + size])}
            at += 4 + size
            blob = {number: value for number, _, value in fields_of(data[at : at + head[3]])}  # type: ignore[operator]
            at += head[3]  # type: ignore[operator]
            found.append((head[1], blob[1] if 1 in blob else zlib.decompress(blob[3])))  # type: ignore[arg-type]
    except (struct.error, KeyError, TypeError, zlib.error) as error:
        raise ValueError(at) from error
    return found  # type: ignore[return-value]


def framed(kind: bytes, blob: Sequence[Field], *, size: int | None = None) -> bytes:
    """Put a blob behind its head."""
    content = message(blob)
    head = message([(1, 2, kind), (3, 0, len(content) if size is None else size)])
    return struct.pack(">I", len(head)) + head + content


def packed(frame: Frame) -> bytes:
    """Pack a frame as programs do."""
    kind, content = frame
    return framed(kind, [(2, 0, len(content)), (3, 2, zlib.compress(content, 1))])


def _message_change(rng: random.Random, data: bytes, name: str) -> bytes:
    """Change something in a message, or in one of those that it holds."""
    try:
        fields = fields_of(data)
    except ValueError:
        return flip(rng, data, ())
    inner = [at for at, (number, kind, _) in enumerate(fields) if kind == 2 and number in WITHIN.get(name, {})]
    if inner and rng.random() < 0.85:
        at = rng.choice(inner)
        number, _, value = fields[at]
        assert isinstance(value, bytes)
        fields[at] = (number, 2, _message_change(rng, value, WITHIN[name][number]))
    elif not fields or rng.random() < 0.3:
        _field_list_change(rng, fields)
    else:
        at = rng.randrange(len(fields))
        number, kind, value = fields[at]
        if isinstance(value, int):
            fields[at] = (number, kind, _odd_number(rng, value))
        elif number in PACKED.get(name, ()):
            fields[at] = (number, kind, _list_change(rng, value))
        else:
            fields[at] = (number, kind, _bytes_change(rng, value))
    return message(fields)


def _field_list_change(rng: random.Random, fields: list[Field]) -> None:
    """Drop, repeat, move, add a field, or change its number or its kind."""
    at = rng.randrange(len(fields)) if fields else 0
    deed = rng.randrange(6) if fields else 5
    if deed == 0:
        fields.pop(at)
    elif deed == 1:
        fields.insert(rng.randrange(len(fields)), fields[at])
    elif deed == 2:
        rng.shuffle(fields)
    elif deed == 3:
        number, kind, value = fields[at]
        fields[at] = (rng.randrange(1, 20), kind, value)
    elif deed == 4:
        number, kind, value = fields[at]
        fields[at] = (number, 0, rng.choice(HUGE)) if kind else (number, 2, varint(int(value)))
    else:
        fields.insert(at, (rng.choice((1, 2, 4, 9, 17, 18, 19, 20, 34)), 0, rng.choice(HUGE)))


def _odd_number(rng: random.Random, value: int) -> int:
    return rng.choice((rng.choice(HUGE), value ^ 1 << rng.randrange(64), value + 1, value - 1, value * 2, -value))


def _list_change(rng: random.Random, data: bytes) -> bytes:
    """Change a packed list of varints: an entry, its length, its end."""
    values = numbers_of(data)
    at = rng.randrange(len(values) + 1)
    deed = rng.randrange(8)
    if deed == 0:
        return data[: rng.randrange(len(data) + 1)] + rng.choice((b"", b"\xff", b"\x80" * 12))
    if deed == 1:
        values = values[:at] + values[at + rng.choice((1, 2, 50)) :]
    elif deed == 2:
        values[at:at] = values[at : at + 5] * rng.choice((1, 3, 2_000))
    elif deed == 3:
        rng.shuffle(values)
    elif deed == 4:
        values[at:at] = [rng.choice(HUGE)] * rng.choice((1, 2, 3_000))
    else:
        for place in rng.sample(range(len(values)), min(len(values), rng.choice((1, 1, 2, 4)))):
            small = values[place] + rng.choice((1, 2, 4, 8, 200, -1))
            values[place] = max(small, 0) if rng.random() < 0.5 else _odd_number(rng, values[place])
    return b"".join(map(varint, values))


def _bytes_change(rng: random.Random, value: bytes) -> bytes:
    if rng.random() < 0.7:
        return rng.choice(WORDS)
    return rng.choice(BYTES[:-2])(rng, value, [value])


def inside(rng: random.Random, data: bytes, seeds: Sequence[bytes]) -> bytes:
    """Change the protobuf of one blob, one to three times, and pack it again."""
    try:
        frames = frames_of(data)
    except ValueError:
        return flip(rng, data, seeds)
    places = [at for at in range(len(frames)) if at or rng.random() < 0.1]
    if not places:
        return data
    for _ in range(rng.choice((1, 1, 2, 3))):
        at = rng.choice(places)
        kind, content = frames[at]
        frames[at] = (kind, _message_change(rng, content, kind.decode("latin-1")))
    return b"".join(map(packed, frames))


def frames(rng: random.Random, data: bytes, seeds: Sequence[bytes]) -> bytes:
    """Change how blobs follow one another and how one of them is packed; what it holds is as it was, or a bomb."""
    try:
        found = frames_of(data)
    except ValueError:
        return flip(rng, data, seeds)
    order = list(range(len(found)))
    deed = rng.randrange(6)
    if deed == 0 and order:
        order.pop(rng.randrange(len(order)))
    elif deed == 1 and order:
        order.insert(rng.randrange(len(order)), rng.choice(order))
    elif deed == 2:
        rng.shuffle(order)
    odd = rng.choice(order) if order and deed > 2 else -1
    return b"".join(_oddly_packed(rng, found[at]) if at == odd else packed(found[at]) for at in order)


def _oddly_packed(rng: random.Random, frame: Frame) -> bytes:
    """Pack a frame as no program does; one time in a hundred a bomb stands behind it."""
    kind, content = frame
    size, whole = (2, 0, len(content)), zlib.compress(content, 1)
    if rng.random() < 0.01:
        return packed(frame) + packed((b"OSMData", rng.choice(BOMBS)())) * rng.choice((1, 1, 12))
    if rng.random() < 0.2:
        return packed((rng.choice((b"OSMHeader", b"OSMData", b"", b"x" * 300, b"OSMDat\xff")), content))
    if rng.random() < 0.2:
        return framed(kind, [size, (3, 2, whole)], size=rng.choice([*HUGE, len(whole)]))
    choices: list[list[Field]] = [
        [],
        [size],
        [(1, 2, content)],
        [(3, 2, whole)],
        [size, (3, 2, b"")],
        [size, (3, 2, whole[: rng.randrange(len(whole))])],
        [(2, 0, rng.choice([*HUGE, len(content) + 1, len(content) - 1])), (3, 2, whole)],
        [size, (rng.choice((4, 5, 6, 7)), 2, content)],
        [(1, 2, content), size, (3, 2, whole)],
        [size, (3, 2, whole), (3, 2, whole)],
        [size, (3, 2, zlib.compress(content, 9) + b"more")],
        [size, (3, 2, zlib.compress(whole))],
    ]
    return framed(kind, rng.choice(choices))


def _block(*groups: bytes, words: Sequence[bytes] = (b"", b"highway", b"primary")) -> bytes:
    strings = message([(1, 2, word) for word in words])
    return message([(1, 2, strings), *((2, 2, group) for group in groups)])


@cache
def bomb_nodes() -> bytes:
    """Return a blob of ten million nodes that packs into 30 KB."""
    zeros = bytes(BOMB_MB * 1_000_000 // 3)
    return _block(message([(2, 2, message([(1, 2, zeros), (8, 2, zeros), (9, 2, zeros)]))]))


@cache
def bomb_refs() -> bytes:
    """Return a blob of one road of thirty million nodes."""
    zeros = bytes(BOMB_MB * 1_000_000)
    return _block(message([(3, 2, message([(1, 0, 1), (2, 2, b"\1"), (3, 2, b"\2"), (8, 2, b"\2" + zeros)]))]))


@cache
def bomb_ways() -> bytes:
    """Return a blob of two million roads without nodes."""
    way = message([(3, 2, message([(1, 0, 1), (2, 2, b"\1"), (3, 2, b"\2")]))])
    return _block(way * (BOMB_MB * 1_000_000 // len(way)))


BOMBS = [bomb_nodes, bomb_refs, bomb_ways]
EXTRACT: list[Change] = [flip, cut, splice, *[frames] * 4, *[inside] * 23]


PLACES = [(0.0, 43.0), (0.01, 43.0), (0.01, 43.01), (0.02, 43.01), (0.03, 43.02), (0.02, 43.01)]
WAYS = [
    ([1, 2, 3], {"highway": "primary", "maxspeed": "80", "name": "Rue d'essai"}),
    ([2, 4, 5], {"highway": "residential", "oneway": "yes", "maxspeed:forward": "30 mph"}),
    ([5, 6, 1], {"route": "ferry", "motor_vehicle": "yes", "duration": "1:30"}),
    ([3, 4], {"highway": "footway", "access": "private"}),
]


def extracts() -> list[bytes]:
    """Write small extracts: nodes packed together, nodes apart, blobs that are not packed."""
    return [_extract(options) for options in ("pbf", "pbf,pbf_dense_nodes=false", "pbf,pbf_compression=none")]


def _extract(options: str) -> bytes:
    import osmium  # noqa: PLC0415 - optional

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.osm.pbf"
        with osmium.SimpleWriter(osmium.io.File(str(path), options)) as writer:
            for number, place in enumerate(PLACES, start=1):
                tags = {"barrier": "bollard"} if number == 4 else {}
                writer.add_node(SimpleNamespace(id=number, location=place, tags=tags, version=1))
            for number, (nodes, tags) in enumerate(WAYS, start=1):
                writer.add_way(SimpleNamespace(id=number, nodes=nodes, tags=tags, version=1))
            turn = {"type": "restriction", "restriction": "no_left_turn"}
            writer.add_relation(SimpleNamespace(id=1, members=[("w", 1, "from")], tags=turn, version=1))
        return path.read_bytes()


def sound_roads(roads: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return roads that are possible: on the Earth, of a length, open, and crossed in a time.

    Raises
    ------
    AssertionError
        What a reader should not have accepted.
    """
    west, south, east, north = shapely.bounds(roads.geometry.to_numpy()).T
    assert np.isfinite([west, south, east, north]).all(), "not a place"
    assert (np.abs([west, east, 2 * south, 2 * north]) <= 180).all(), "off the Earth"
    assert (np.isfinite(roads["length_m"]) & (roads["length_m"] >= 0)).all(), "length"
    kmh = roads[["forward_kmh", "backward_kmh"]].to_numpy()
    assert (np.isnan(kmh) | (np.isfinite(kmh) & (kmh > 0))).all(), "speed"
    assert np.isfinite(np.nanmax(roads[["length_m"]].to_numpy() / kmh, initial=0)), "time"
    assert (~np.isnan(kmh)).any(axis=1).all(), "closed both ways"
    minutes = roads["duration_min"]
    assert (minutes.isna() | (np.isfinite(minutes) & (minutes >= 0))).all(), "duration"
    return roads
