"""Files of settings that people write (TOML): of a bounded size, decoded into frozen structures, refused in French."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import msgspec

from sdaasp_geo.errors import SchemeError
from sdaasp_geo.french import NBSP

MOST_BYTES = 10_000_000
"""A file of settings is written by hand: the largest one shipped has 30 kB."""

Kind = TypeVar("Kind")


def read_toml(path: Path, *, kind: type[Kind], fault: str, remedy: str) -> Kind:
    """Decode a file.

    Parameters
    ----------
    path : Path
        The file.
    kind : type
        The structure (msgspec) that it must have.
    fault, remedy : str
        Sentences in French, before and after the cause.

    Raises
    ------
    SchemeError
        When it cannot be read, is too large, nests too deeply, or has another structure.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            message = f"{fault}{NBSP}: plus de {MOST_BYTES // 1_000_000} Mo. {remedy}"
            raise SchemeError(message)
        return msgspec.toml.decode(path.read_bytes(), type=kind)
    except (msgspec.MsgspecError, OSError, UnicodeDecodeError, ValueError, RecursionError) as error:
        message = f"{fault}{NBSP}: {error}. {remedy}"
        raise SchemeError(message) from error
