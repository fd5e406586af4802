"""Words of the commands that the algorithms run (``sdaasp …``). Without QGIS."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Union

Value = Union[str, int, float, Sequence[str], None]
JSON = ("--progress", "json")


def scheme_word(code: str, folder: str) -> str:
    """Return the scheme as the package takes it: the folder where one is given, otherwise the name.

    A name that holds a separator is a path too. Paths are absolute: the package does not run in the same folder.
    """
    if folder:
        return str(Path(folder).absolute())
    code = code.strip()
    return str(Path(code).absolute()) if {os.sep, "/"} & set(code) else code


def command_words(*words: str, options: Mapping[str, Value]) -> list[str]:
    """Return the words of a command: its arguments, then its options; those without value are left out.

    An option with several values is repeated. Values are joined to their option, so that none that begins with a dash
    is taken for an option; arguments that do are refused by `checked_argument`.

    Examples
    --------
    >>> command_words("theme", "x", options={"--theme": "acces", "--count": 2, "--services": ["a", "b"], "--epci": ""})
    ['theme', 'x', '--theme=acces', '--count=2', '--services=a', '--services=b', '--progress', 'json']
    """
    made = [checked_argument(word) for word in words]
    for name, value in options.items():
        values = value if isinstance(value, (list, tuple)) else [value]
        made += [f"{name}={_written(each)}" for each in values if each not in (None, "")]
    return [*made, *JSON]


def checked_argument(word: str) -> str:
    """Return an argument of a command; one that would be read as an option becomes a path that is none."""
    return f"./{word}" if word.startswith("-") else word


def _written(value: object) -> str:
    """Write a value: whole numbers without decimals, others as Python does."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
