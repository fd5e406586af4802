"""Types of the BPE and of the DILA directory, and the service codes of the common grid that each one is."""

from __future__ import annotations

import tomllib
import unicodedata
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

UNKNOWN_TYPE = "type sans service dans la grille"
OTHER_VINTAGE = "code absent de la nomenclature de ce millésime"
Format = Literal["fixe", "antenne", "multisite", "itinerant", "rendez-vous"]


class Catalogue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A published list of the types of the BPE, and its vintage."""

    vintage: int
    source: str


class BpeType(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A type of the BPE: its code, its label, the services it is, the catalogues that have it."""

    code: str
    services: tuple[str, ...]
    label: str
    seen: tuple[int, ...]
    other_labels: tuple[str, ...] = ()
    institution: bool = False
    operator: str = ""
    format: Format = "fixe"


class DilaType(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A type of the DILA directory: the services it is, or why it is left out."""

    code: str
    services: tuple[str, ...] = ()
    name: str = ""
    operator: str = ""
    format: Format = "fixe"
    left: str = ""


class _Bpe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    catalogue: tuple[Catalogue, ...]
    type: tuple[BpeType, ...]


class _Dila(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    source: str
    type: tuple[DilaType, ...]


class ServiceTypes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole table (``service_types.toml``)."""

    bpe: _Bpe
    dila: _Dila


@cache
def read_service_types() -> ServiceTypes:
    """Read the table of types."""
    path = Path(__file__).parent.parent / "service_types.toml"
    return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), ServiceTypes)


def in_vintage(kind: BpeType, vintage: int, catalogues: tuple[Catalogue, ...]) -> bool:
    """Tell whether a vintage of the BPE may have a code.

    It may unless a catalogue without the code stands between it (that vintage included) and those that have it.

    Examples
    --------
    >>> old = BpeType("A116", ("x",), "", seen=(2013,))
    >>> lists = tuple(Catalogue(year, "") for year in (2013, 2019, 2024))
    >>> [in_vintage(old, year, lists) for year in (2009, 2018, 2019, 2024)]
    [True, True, False, False]
    """
    lacking = [catalogue.vintage for catalogue in catalogues if catalogue.vintage not in kind.seen]
    before = max((year for year in lacking if year < min(kind.seen)), default=-1)
    after = min((year for year in lacking if year > max(kind.seen)), default=9999)
    return before < vintage < after


def bpe_types(vintage: int) -> tuple[dict[str, BpeType], dict[str, str]]:
    """Return the types of a vintage by code, and why the other listed codes are left out.

    The keys of the first are the codes, and the labels as `label_key` reduces them, for the tables that give labels.
    """
    table = read_service_types().bpe
    kept: dict[str, BpeType] = {}
    for kind in table.type:
        if in_vintage(kind, vintage, table.catalogue):
            kept |= dict.fromkeys((kind.code, *map(label_key, (kind.label, *kind.other_labels))), kind)
    return kept, dict.fromkeys((kind.code for kind in table.type if kind.code not in kept), OTHER_VINTAGE)


def dila_type(code: str, name: str) -> DilaType:
    """Return what a type of the DILA directory is; a type that is not listed is left out."""
    for kind in read_service_types().dila.type:
        if kind.code == code and label_key(name).startswith(label_key(kind.name)):
            return kind
    return DilaType(code=code, left=UNKNOWN_TYPE)


def label_key(label: str) -> str:
    """Reduce a label to its letters and digits, without accents nor case.

    Examples
    --------
    >>> label_key("Banque, Caisse d’Épargne") == label_key("BANQUE, CAISSE D'ÉPARGNE")
    True
    """
    plain = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode().lower()
    return "".join(character for character in plain if character.isalnum())
