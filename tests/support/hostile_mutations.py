"""Small changes that turn a good file into a broken or hostile one, drawn with a seed."""

from __future__ import annotations

import copy
import io
import json
import random
import re
import zipfile
import zlib
from collections.abc import Callable, Sequence
from typing import Any

Change = Callable[[random.Random, bytes, Sequence[bytes]], bytes]

TOKENS = [
    *(b"", b" ", b"\0", b"\xff", b"\xef\xbb\xbf", b"\r", b"\n\n", b"\t", b'"', b"'", b";", b",", b"|", b"=1+1", b"\\"),
    *(b"nan", b"NaN", b"inf", b"-inf", b"1e999", b"-1", b"0", b"-0", b"9" * 40, b"1e308", b"0x10", b"1_000", b"None"),
    *(b"65440", b"6544", b"2A004", b"97101", b"65440.0", "١٢٣٤٥".encode(), "²³".encode(), "①".encode()),
    *(b"2024-02-30", b"0000-00-00", b"9999-99-99", b"2024-01-01", b"31/12/2024", b"99999-01-01"),
    *(b"Mo-Fr 09:00-12:00", b"24/7", b"99:99-00:00", b"lundi 9h-12h", b"week 0-99/0", b"PH off"),
    *(b"<a>", b"</a>", b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"&b;", b"<?xml version='1.0' encoding='utf-16'?>", b"]]>"),
    *(b"{", b"}", b"[", b"]", b"[[[]]]", b"{}", b"null", b"true", b'"\\ud800"', b'{"a":1,"a":2}', b"1e400"),
    *("é€’\u202e\u200f".encode(), "😀".encode(), "é".encode("cp1252"), b"\x81\x8d", "a\u0301".encode()),
    *(b"/vsicurl/http://127.0.0.1:9/a", b"../../x", b"urn:ogc:def:crs:EPSG::9999999", b"EPSG:4326", b"CRS3035RES200mN"),
]
ODD: list[Any] = [
    *(
        None,
        True,
        0,
        -1,
        1e308,
        10**40,
        float("nan"),
        "",
        " ",
        "x",
        "65440",
        [],
        {},
        [[]],
        [None],
        {"a": None},
        "\ud800",
    ),
    *("2024-13-45", "[", "[1]", '[{"a":1}]', [1, 2], [[1, 2], [3, 4]], {"type": "Point"}, "\x00", "lundi", "25:61:00"),
]
_LONG, _DEEP = 20_000, 3_000


def flip(rng: random.Random, data: bytes, _seeds: Sequence[bytes]) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8))):
        if changed:
            changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def cut(rng: random.Random, data: bytes, _seeds: Sequence[bytes]) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def drop(rng: random.Random, data: bytes, _seeds: Sequence[bytes]) -> bytes:
    start = rng.randrange(len(data) + 1)
    return data[:start] + data[start + rng.randrange(1, 40) :]


def repeat(rng: random.Random, data: bytes, _seeds: Sequence[bytes]) -> bytes:
    start = rng.randrange(len(data) + 1)
    piece = data[start : start + rng.randrange(1, 60)]
    return data[:start] + piece * rng.choice((2, 3, 50)) + data[start:]


def splice(rng: random.Random, data: bytes, seeds: Sequence[bytes]) -> bytes:
    other = rng.choice(seeds)
    return data[: rng.randrange(len(data) + 1)] + other[rng.randrange(len(other) + 1) :]


def insert(rng: random.Random, data: bytes, _seeds: Sequence[bytes]) -> bytes:
    start = rng.randrange(len(data) + 1)
    return data[:start] + rng.choice(TOKENS) + data[start + rng.choice((0, 0, 3)) :]


def numbers(rng: random.Random, data: bytes, _seeds: Sequence[bytes]) -> bytes:
    found = list(re.finditer(rb"-?\d[\d.]*", data[:50_000]))
    if not found:
        return insert(rng, data, ())
    spot = rng.choice(found)
    odd = rng.choice(
        (b"9" * 30, b"-9" * 3, b"1e400", b"0", b"-1", b"", b"1.5.5", b"1" * 5_000, b"65536", b"4294967296")
    )
    return data[: spot.start()] + odd + data[spot.end() :]


def long_run(rng: random.Random, data: bytes, _seeds: Sequence[bytes]) -> bytes:
    start = rng.randrange(len(data) + 1)
    unit = rng.choice((b"a", b" ", b"\n", b"9", b",", b";", b'"', b"(", b"\n \n", "é".encode(), b"0:", b"- "))
    times = _LONG // len(unit) * (10 if rng.random() < 0.1 else 1)
    return data[:start] + unit * times + data[start:]


def deep(rng: random.Random, data: bytes, _seeds: Sequence[bytes]) -> bytes:
    start = rng.randrange(len(data) + 1)
    opening, closing = rng.choice(((b"[", b"]"), (b'{"a":', b"}"), (b"<a>", b"</a>"), (b"(", b")"), (b"a=[", b"]")))
    return data[:start] + opening * _DEEP + (closing * _DEEP if rng.random() < 0.5 else b"") + data[start:]


def recode(rng: random.Random, data: bytes, _seeds: Sequence[bytes]) -> bytes:
    text = data.decode("utf-8", "replace")
    encoding = rng.choice(("utf-16", "utf-8-sig", "cp1252", "utf-32", "utf-7", "mac_roman"))
    half = rng.randrange(len(text) + 1)
    changed = text.encode(encoding, "replace")
    return changed if rng.random() < 0.5 else text[:half].encode() + text[half:].encode(encoding, "replace")


def lines(rng: random.Random, data: bytes, _seeds: Sequence[bytes]) -> bytes:
    rows = data.split(b"\n")
    at = rng.randrange(len(rows))
    kind = rng.randrange(4)
    if kind == 0:
        rows.insert(at, rows[0])
    elif kind == 1:
        rows.insert(at, rows[at])
    elif kind == 2:
        rows.pop(at)
    else:
        rng.shuffle(rows)
    return b"\n".join(rows)


def cells(rng: random.Random, data: bytes, _seeds: Sequence[bytes]) -> bytes:
    """Change cells of a delimited text, and leave the rest well formed."""
    rows = [row.split(b";") for row in data.split(b"\n")]
    for _ in range(rng.choice((1, 1, 1, 3))):
        row = rng.choice(rows)
        at = rng.randrange(len(row))
        kind = rng.randrange(6)
        if kind == 0 and len(row) > 1:
            row.pop(at)
        elif kind == 1:
            row.insert(at, rng.choice(TOKENS))
        elif kind == 2:
            row[at] = rng.choice(rng.choice(rows))
        else:
            row[at] = rng.choice(TOKENS)
    return b"\n".join(b";".join(row) for row in rows)


def columns(rng: random.Random, data: bytes, _seeds: Sequence[bytes]) -> bytes:
    """Repeat, drop or empty a whole column."""
    rows = [row.split(b";") for row in data.split(b"\n") if row]
    if not rows:
        return data
    at, other, token = rng.randrange(len(rows[0])), rng.randrange(len(rows[0])), rng.choice(TOKENS)
    kind = rng.randrange(4)
    for number, row in enumerate(rows):
        if at >= len(row) or other >= len(row):
            continue
        if kind == 0:
            row.pop(at)
        elif kind == 1:
            row.insert(other, row[at])
        elif kind == 2 and number:
            row[at] = token
        elif kind == 3:
            row[at], row[other] = row[other], row[at]
    return b"\n".join(b";".join(row) for row in rows)


def json_nodes(rng: random.Random, data: bytes, _seeds: Sequence[bytes]) -> bytes:
    """Change nodes of a JSON text, and leave the rest well formed."""
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        return flip(rng, data, ())
    for _ in range(rng.choice((1, 1, 2, 5))):
        node, parent, key = content, None, None
        while isinstance(node, dict | list) and node and (parent is None or rng.random() < 0.85):
            parent = node
            key = rng.choice(list(node)) if isinstance(node, dict) else rng.randrange(len(node))
            node = parent[key]
        if parent is None:
            break
        kind = rng.randrange(5)
        if kind == 0:
            del parent[key]
        elif kind == 1 and isinstance(parent, list):
            parent.append(copy.deepcopy(rng.choice(ODD)))
        else:
            parent[key] = copy.deepcopy(rng.choice(ODD))
    try:
        return json.dumps(content).encode()
    except RecursionError:
        return data


def archive(rng: random.Random, data: bytes, seeds: Sequence[bytes]) -> bytes:
    """Change one part of an archive, and pack it again; or change the packed bytes."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            parts = {entry.filename: packed.read(entry) for entry in packed.infolist()}
    except (zipfile.BadZipFile, zlib.error, ValueError, RuntimeError, OSError, EOFError, NotImplementedError):
        return flip(rng, data, seeds)
    if not parts:
        return data
    name = rng.choice(sorted(parts))
    kind = rng.randrange(12)
    if kind == 0:
        parts.pop(name)
    elif kind == 1:
        parts[rng.choice(("../x", "/x", "a\0b", name.upper(), "x.shp"))] = parts.pop(name)
    else:
        parts[name] = rng.choice(BYTES)(rng, parts[name], [parts[name]])
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as packed:
        for part, body in parts.items():
            packed.writestr(zipfile.ZipInfo(part), body)
    return content.getvalue()


BYTES: list[Change] = [flip, flip, cut, drop, repeat, splice, insert, insert, numbers, numbers, long_run, deep]
TEXT: list[Change] = [*BYTES, recode, lines]
TABLE: list[Change] = [*TEXT, *[cells] * 10, *[columns] * 5]
JSON: list[Change] = [*TEXT, *[json_nodes] * 14]
ARCHIVE: list[Change] = [flip, cut, drop, splice, *[archive] * 14]


def mutate(rng: random.Random, seeds: Sequence[bytes], changes: Sequence[Change]) -> bytes:
    """Return one seed after one to three changes."""
    data = rng.choice(seeds)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        data = rng.choice(changes)(rng, data, seeds)
    return data
