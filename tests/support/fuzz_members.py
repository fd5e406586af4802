"""Files changed inside what packs them, whole otherwise: XML of office files, cells of SQLite, columns of Parquet."""

from __future__ import annotations

import copy
import datetime as dt
import io
import random
import sqlite3
import struct
import zipfile
import zlib
from collections.abc import Sequence
from contextlib import closing, suppress
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from hostile_mutations import ARCHIVE, BYTES, Change, flip
from lxml import etree

TEXTS = [
    *("", " ", "\t\n", "nan", "inf", "-1", "0", "1", "1.5", "1e308", "1e400", "9" * 40, "9" * 5_000, "65440", "2A004"),
    *("true", "#REF!", "=1+1", "A1", "XFD1048576", "AAAA9", "1:1", "A0", "s", "b", "e", "d", "n", "str", "inlineStr"),
    *("2024-02-30", "0000-00-00", "44927", "-44927", "1E5", "2958466", "٣", "²", "\u202e<b>", "é" * 300, "a;b|c,d"),
    *("float", "date", "percentage", "boolean", "time", "PT99999999H", "1000000", "100000000", "4294967296"),
    *("../../x", "http://127.0.0.1:9/", "file:///etc/passwd", "xl/worksheets/sheet1.xml", "\ud7ff\ue000"),
]
NUMBERS = [0.0, -0.0, 1e-320, 1e308, -1e308, float("nan"), float("inf"), float("-inf"), 180.5, 91.0, 6_240_500.0]
_REPEATS = (1, 1, 2, 50, 3_000)


def parts(rng: random.Random, data: bytes, seeds: Sequence[bytes]) -> bytes:
    """Change elements of one XML part of an archive, which stays well formed."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            contents = {entry.filename: archive.read(entry) for entry in archive.infolist()}
        names = sorted(name for name in contents if name.lower().endswith((".xml", ".rels")))
        if not names:
            return rng.choice(ARCHIVE)(rng, data, seeds)
        longest = max(names, key=lambda name: (("sheet1" in name) - ("theme" in name), len(contents[name])))
        name = longest if rng.random() < 0.6 else rng.choice(names)
        root = etree.fromstring(contents[name], etree.XMLParser(resolve_entities=False, no_network=True))
    except (zipfile.BadZipFile, zlib.error, ValueError, RuntimeError, OSError, EOFError, etree.XMLSyntaxError):
        return flip(rng, data, seeds)
    for _ in range(rng.choice((1, 1, 2, 5))):
        _element_change(rng, root)
    contents[name] = etree.tostring(root, encoding="UTF-8", xml_declaration=True)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as archive:
        for part, content in contents.items():
            archive.writestr(zipfile.ZipInfo(part), content, compress_type=archive.compression)
    return packed.getvalue()


def _element_change(rng: random.Random, root: etree._Element) -> None:
    elements = [element for element in root.iter() if isinstance(element.tag, str)][:5_000]
    element, other = rng.choice(elements), rng.choice(elements)
    parent = element.getparent()
    deed = rng.randrange(9)
    if deed < 3 and element.attrib:  # attributes say the most
        element.set(rng.choice(sorted(map(str, element.attrib))), rng.choice(TEXTS))
    elif deed == 3 and element.attrib:
        del element.attrib[rng.choice(sorted(map(str, element.attrib)))]
    elif deed == 4 and other.attrib:
        element.set(rng.choice(sorted(map(str, other.attrib))), rng.choice(TEXTS))
    elif deed == 5 and parent is not None:
        parent.remove(element)
    elif deed == 6 and parent is not None and len(element) < 20:
        for _ in range(rng.choice(_REPEATS)):
            parent.insert(parent.index(element), copy.deepcopy(element))
    elif deed == 7 and len(element) < 50:
        other.append(copy.deepcopy(element))
    elif deed == 8:
        element.tag = other.tag
    else:
        element.text = rng.choice(TEXTS)


def cells(rng: random.Random, data: bytes, seeds: Sequence[bytes]) -> bytes:
    """Change rows and columns of a SQLite base, which stays a base; geometries keep their heads."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as base:
        try:
            base.deserialize(data)
            listed = base.execute("SELECT type, name FROM sqlite_master ORDER BY name").fetchall()
        except (sqlite3.Error, OverflowError, UnicodeError):
            return flip(rng, data, seeds)
        for name in [name for kind, name in listed if kind == "trigger"]:  # they call functions of geometry
            with suppress(sqlite3.Error):
                base.execute(f'DROP TRIGGER "{name}"')
        tables = [name for kind, name in listed if kind == "table" and not name.startswith(("rtree", "sqlite"))]
        for _ in range(rng.choice((1, 1, 2, 3))):
            with suppress(sqlite3.Error, UnicodeError, OverflowError):
                _row_change(rng, base, rng.choice(tables))
        return base.serialize()


def _row_change(rng: random.Random, base: sqlite3.Connection, table: str) -> None:
    columns = [row[1] for row in base.execute(f'PRAGMA table_info("{table}")')]
    rows = [row for (row,) in base.execute(f'SELECT rowid FROM "{table}"')]  # noqa: S608 - a base of our own
    column = rng.choice(columns)
    deed = rng.randrange(14)
    if deed == 0:
        base.execute(f'DROP TABLE "{table}"')
    elif deed == 1:
        base.execute(f'ALTER TABLE "{table}" DROP COLUMN "{column}"')
    elif deed == 2:
        base.execute(f'ALTER TABLE "{table}" RENAME COLUMN "{column}" TO "{rng.choice(("code", "x y", "é", "geom"))}"')
    elif deed == 3:
        base.execute(f'DELETE FROM "{table}"')  # noqa: S608
    elif deed == 4 and rows:
        others = ", ".join(f'"{name}"' for name in columns[1:])
        source = f'SELECT {others} FROM "{table}" WHERE rowid = ?'  # noqa: S608
        base.execute(f'INSERT INTO "{table}" ({others}) {source}', (rng.choice(rows),))
    elif rows:
        row = rng.choice(rows)
        (old,) = base.execute(f'SELECT "{column}" FROM "{table}" WHERE rowid = ?', (row,)).fetchone()  # noqa: S608
        base.execute(f'UPDATE "{table}" SET "{column}" = ? WHERE rowid = ?', (_odd_cell(rng, old), row))  # noqa: S608


def _odd_cell(rng: random.Random, old: Any) -> Any:  # noqa: ANN401 - any value of SQLite
    if isinstance(old, bytes) and old and rng.random() < 0.9:
        return _odd_geometry(rng, old)
    numbers = (0, -1, 1, 2**31, 2**63 - 1, 4326, 2154, 3857, 999_999, *NUMBERS)
    return rng.choice((*TEXTS[:30], None, b"", b"\0", "4326", "MULTIPOINT", *numbers))


def _odd_geometry(rng: random.Random, old: bytes) -> bytes:
    changed = bytearray(old)
    deed = rng.randrange(5)
    at = rng.randrange(max(len(old) - 8, 1))
    if deed == 0:
        return rng.choice(BYTES[:5])(rng, old, [old])
    if deed == 1 and len(old) > 8 + at:
        struct.pack_into("<d", changed, at, rng.choice(NUMBERS))
    elif deed == 2 and len(old) > 8 + at:
        struct.pack_into("<I", changed, at, rng.choice((0, 1, 2, 3, 7, 10, 17, 1001, 2**31, 2**32 - 1)))
    else:  # a vertex: the last coordinates are pairs of eight bytes
        spot = len(old) - 8 * rng.randrange(1, 10)
        if spot > 0:
            struct.pack_into("<d", changed, spot, rng.choice(NUMBERS))
    return bytes(changed)


def columns(rng: random.Random, data: bytes, seeds: Sequence[bytes]) -> bytes:
    """Change values and types of a column of a Parquet table, and write it again."""
    try:
        table = pq.read_table(pa.BufferReader(data))
        rows = table.num_rows
        if not table.num_columns or rows > 100_000:  # what an earlier change made long
            return flip(rng, data, seeds)
        for _ in range(rng.choice((1, 1, 2))):
            table = _column_change(rng, table)
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, compression=rng.choice(("snappy", "gzip", "zstd", "none")))
        return sink.getvalue().to_pybytes()
    except (pa.ArrowException, OSError, ValueError, TypeError, KeyError, OverflowError):
        return flip(rng, data, seeds)


def _column_change(rng: random.Random, table: pa.Table) -> pa.Table:
    at, rows = rng.randrange(table.num_columns), table.num_rows
    name, old = table.column_names[at], table.column(at)
    deed = rng.randrange(8)
    if deed == 0:
        return table.remove_column(at)
    if deed == 1:
        return table.append_column(name, old)
    if deed == 2:
        return pa.concat_tables([table] * rng.choice((0, 2, 300))) if rows else table
    if deed == 3:
        return table.replace_schema_metadata({b"geo": rng.choice((b"{}", b"[]", b"\xff", b'{"columns": {}}'))})
    return table.set_column(at, name, _odd_column(rng, old))


def _odd_column(rng: random.Random, old: pa.ChunkedArray) -> pa.Array:
    values = old.to_pylist()
    if any(isinstance(value, bytes) for value in values) and rng.random() < 0.8:
        return pa.array([value and _odd_geometry(rng, value) for value in values])
    odd = rng.choice((*TEXTS[:20], None, True, 0, -1, 2**62, b"\xff", *NUMBERS, *_TYPED))
    if values and rng.random() < 0.4:  # one value, of the type of the others
        values[rng.randrange(len(values))] = odd
        return pa.array(values, old.type)
    new = pa.array([odd] * len(values))
    return new.dictionary_encode() if rng.random() < 0.3 else new


_TYPED = [
    dt.date(2024, 2, 29),
    dt.datetime(1, 1, 1),  # noqa: DTZ001 - what files hold
    dt.timedelta(days=10**6),
    dt.time(1),
    Decimal("1.50"),
    [1, None],
    ["a"],
    {"a": None, "b": "c"},
    [],
]
OFFICE: list[Change] = [*ARCHIVE, *[parts] * 36]
GEOPACKAGE: list[Change] = [*BYTES, *[cells] * 36]
PARQUET: list[Change] = [*BYTES, *[columns] * 36]
