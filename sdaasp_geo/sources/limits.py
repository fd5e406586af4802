"""What every reader asks of a file before it opens it: a local path, a regular file, a reasonable size.

Sizes have one override, for those who hold larger files than expected: the environment variable
``SDAASP_TAILLE_MAX_MO`` (megabytes) replaces every limit of this module.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from sdaasp_geo.errors import Fault, InputError
from sdaasp_geo.french import NBSP, number
from sdaasp_geo.local_paths import REMEDY, not_local

OVERRIDE = "SDAASP_TAILLE_MAX_MO"
"""Environment variable: megabytes that replace each limit."""

DOCUMENT_MB = 100
"""Office files and texts."""

TABLE_MB = 2_000
"""Delimited texts, JSON, Parquet: the equipments of France take 700."""

LAYER_MB = 4_000
"""Layers: the roads of a large région take 2,000."""

EXTRACT_MB = 10_000
"""Road extracts: that of France takes 5,000."""

MOST_VALUES = 2_000_000_000
"""Rows × columns of a Parquet file: a few bytes may stand for any number of rows."""

MOST_COLUMNS = 16_384
"""Columns that a table may have: those of a spreadsheet (A to XFD)."""

_BYTES = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary, pa.types.is_binary_view)
_MEGABYTE = 1_000_000


def limit_bytes(megabytes: int) -> int:
    """Return a limit in bytes, that of the environment variable if it is set.

    Raises
    ------
    InputError
        When the variable is not a whole number of megabytes.
    """
    stated = os.environ.get(OVERRIDE, "").strip()
    if not stated:
        return megabytes * _MEGABYTE
    if not (stated.isascii() and stated.isdecimal() and int(stated[:9]) > 0):
        remedy = f"Donnez un nombre entier de mégaoctets, ou retirez la variable {OVERRIDE}."
        raise InputError([Fault(OVERRIDE, None, "", stated, "un nombre de mégaoctets", remedy)])
    return int(stated[:9]) * _MEGABYTE


def check_file(path: Path, *, megabytes: int) -> None:
    """Refuse a path that is not local, a file that is absent or not a regular one, and a file too large.

    Parameters
    ----------
    path : Path
        As the user gave it.
    megabytes : int
        The limit, replaced by `OVERRIDE`.

    Raises
    ------
    InputError
        One fault, with its remedy.
    """
    reason = _not_local(path)
    if reason:
        raise InputError([Fault(path.name, None, "", str(path), f"un fichier de ce poste, et non {reason}", REMEDY)])
    if not _is_file(path):
        raise InputError([Fault(path.name, None, "", "", "un fichier existant", "Vérifiez le chemin.")])
    size, most = path.stat().st_size, limit_bytes(megabytes)
    if size > most:
        raise InputError([too_large(path.name, size, most)])


def _not_local(path: Path) -> str:
    """Tell why a path is not local, also where an address was joined to a folder (``/schemes/x/http:/…``)."""
    whole = not_local(str(path))
    inner = (not_local(part) for part in path.parts[1:-1] if part.endswith(":"))
    return whole or next((reason for reason in inner if reason), "")


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def too_large(file: str, size: int, most: int) -> Fault:
    """Return the fault of a file, or of its content once unpacked, of more bytes than the limit."""
    shown = f"{number(size / _MEGABYTE)}{NBSP}Mo"
    expected = f"au plus {number(most / _MEGABYTE)}{NBSP}Mo"
    remedy = f"Vérifiez que c'est le bon fichier. S'il l'est, augmentez {OVERRIDE} (en mégaoctets) et relancez."
    return Fault(file, None, "", shown, expected, remedy)


def read_content(path: Path, *, megabytes: int = TABLE_MB) -> bytes:
    """Return the bytes of a file that `check_file` accepts, never more than its limit.

    Raises
    ------
    InputError
        See `check_file`; also when the file cannot be read, or grows while it is.
    """
    check_file(path, megabytes=megabytes)
    most = limit_bytes(megabytes)
    try:
        with path.open("rb") as stream:
            content = stream.read(most + 1)
    except OSError as error:
        remedy = "Vérifiez les droits d'accès et le disque."
        raise InputError([Fault(path.name, None, "", "", "un fichier lisible", remedy)]) from error
    if len(content) > most:
        raise InputError([too_large(path.name, len(content), most)])
    return content


def check_parquet(path: Path) -> pa.Schema:
    """Refuse a Parquet file that is too large, once unpacked too; return its schema.

    Raises
    ------
    InputError
        See `check_file`; also when it is not a Parquet file.
    """
    check_file(path, megabytes=TABLE_MB)
    try:
        with pq.ParquetFile(path) as file:
            held, schema = file.metadata, file.schema_arrow
        packed = [held.row_group(position).total_byte_size for position in range(held.num_row_groups)]
        values = held.num_rows * held.num_columns
    except UNREADABLE as error:
        remedy = "Donnez un fichier Parquet complet, ou un CSV UTF-8."
        raise InputError([Fault(path.name, None, "", "", "un fichier Parquet lisible", remedy)]) from error
    most = limit_bytes(TABLE_MB)
    if sum(packed) > most or values > MOST_VALUES:
        raise InputError([too_large(path.name, max(sum(packed), values), min(most, MOST_VALUES))])
    return schema


def read_parquet_table(path: Path, *, columns: Sequence[str] | None = None) -> pa.Table:
    """Read a Parquet table whose values are all sound: a damaged file may hold texts that are not UTF-8.

    What the file says of itself for one program or another (its metadata) is left out: only columns are data.

    Raises
    ------
    InputError
        See `check_parquet`.
    """
    check_parquet(path)
    try:
        table = pq.read_table(path, columns=None if columns is None else list(columns))
        table.validate(full=True)
    except UNREADABLE as error:
        remedy = "Donnez un fichier Parquet complet, ou un CSV UTF-8."
        raise InputError([Fault(path.name, None, "", "", "un fichier Parquet lisible", remedy)]) from error
    return table.replace_schema_metadata(None)


def text_columns(table: pa.Table, *, file: str, but: Collection[str] = ()) -> pa.Table:
    """Return a table whose columns of bytes are text, as some programs write them, but those named (geometry).

    Raises
    ------
    InputError
        A column whose bytes are not UTF-8: all together.
    """
    faults = []
    for position, field in enumerate(table.schema):
        held = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        if field.name in but or not any(is_bytes(held) for is_bytes in _BYTES):
            continue
        try:
            plain = table.column(position).cast(held).cast(pa.large_binary())
            table = table.set_column(position, field.name, plain.cast(pa.large_string()))
        except pa.ArrowException:
            remedy = "Enregistrez cette colonne comme du texte en UTF-8, ou retirez-la."
            faults.append(Fault(file, None, field.name, "", "du texte en UTF-8", remedy))
    if faults:
        raise InputError(faults)
    return table


def read_text_table(path: Path) -> pd.DataFrame:
    """Read a Parquet table as text, empty where missing; the index is the row that a spreadsheet would show.

    Raises
    ------
    InputError
        See `check_parquet`.
    """
    table = text_columns(read_parquet_table(path), file=path.name).to_pandas()
    text = table.astype("str").where(table.notna(), "")
    return text.set_axis(pd.RangeIndex(2, len(text) + 2, name="row"), axis="index")


UNREADABLE = (pa.ArrowException, OSError, ValueError, TypeError, KeyError, OverflowError, RuntimeError, MemoryError)
"""What a damaged Parquet file raises."""
