"""Errors of the package. All have one root, and say what to do.

::

    SdaaspError
    ├── InputError           faults found in files, all together (``faults``)
    ├── SchemeError          a scheme that is unknown, incomplete or contradictory
    ├── NameNotResolvedError a territory's name that stands for none, or for several, codes (``candidates``)
    ├── TravelError          an engine that cannot answer
    ├── ReconciliationError  totals that do not add up: a defect of the package, never of the data
    └── OutputError          a folder that cannot be written
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from sdaasp_geo.french import NBSP, count

_SHOWN = 50
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co"})
"""Categories of letters that a terminal obeys or that reorder what follows: a message shows none."""


@dataclass(frozen=True, order=True)
class Fault:
    """One fault of one input, located, with what was expected and what to do.

    Attributes
    ----------
    file : str
        Name of the file (without its folders) or of the embedded table.
    row : int or None
        Row as a spreadsheet numbers it (the header is row 1); None when the whole file is at fault.
    column : str
        Column name, empty when not about a column.
    value : str
        The value found.
    expected, remedy : str
        In French: what was expected, and what to do.
    """

    file: str
    row: int | None
    column: str
    value: str
    expected: str
    remedy: str

    def __str__(self) -> str:
        """Return the fault as one French line."""
        line = self.file
        if self.row is not None:
            line += f", ligne {self.row}"
        if self.column:
            line += f", colonne «{NBSP}{self.column}{NBSP}»"
        if self.value:
            line += f"{NBSP}: «{NBSP}{self.value}{NBSP}» trouvé"
        line += f", attendu{NBSP}: {self.expected}. {self.remedy}"
        return "".join(letter for letter in line if unicodedata.category(letter) not in _UNSEEN)


class SdaaspError(Exception):
    """Root of every error of the package."""


class InputError(SdaaspError):
    """Faults of the inputs, reported together.

    Parameters
    ----------
    faults : sequence of Fault
        At least one.
    """

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        shown = [f"- {fault}" for fault in self.faults[:_SHOWN]]
        if len(self.faults) > _SHOWN:
            shown.append(f"- … et {count(len(self.faults) - _SHOWN, 'autre défaut', 'autres défauts')}")
        heading = f"{count(len(self.faults), 'défaut')} dans les données{NBSP}:"
        super().__init__("\n".join([heading, *shown]))


class SchemeError(SdaaspError):
    """A scheme that is unknown, incomplete or contradictory."""


class NameNotResolvedError(SdaaspError):
    """A name that stands for no code, or for several.

    Parameters
    ----------
    name : str
        The name as written.
    candidates : sequence of str
        The closest territories, best first, written for a reader.
    """

    def __init__(self, name: str, candidates: Sequence[str]) -> None:
        self.name = name
        self.candidates = tuple(candidates)
        closest = " ; ".join(candidates) or "aucun nom proche"
        super().__init__(
            f"«{NBSP}{name}{NBSP}» ne désigne pas un territoire unique. Les plus proches{NBSP}: {closest}. "
            "Reprenez l'un de ces noms, ou donnez le code."
        )


class TravelError(SdaaspError):
    """A travel engine that cannot answer."""


class ReconciliationError(SdaaspError):
    """Totals that do not add up."""


class OutputError(SdaaspError):
    """A folder or file that cannot be written."""
