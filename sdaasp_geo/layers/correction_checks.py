"""Whether corrections may be applied: every change is checked against what it changes, all faults together."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import geopandas as gpd
import pandas as pd

from sdaasp_geo.errors import Fault
from sdaasp_geo.french import NARROW_NBSP, NBSP
from sdaasp_geo.layers.corrections import (
    ABSENT,
    COMMUNE,
    CONFLICT,
    COUNTER,
    EXISTENCE,
    KEY,
    POINT,
    POSITION,
    PRESENT,
    SHOWN,
    communes_at,
)


@dataclass(frozen=True)
class Known:
    """What a change may name: communes (layer), services, counters by operator, points that stops depend on."""

    communes: gpd.GeoDataFrame
    services: Collection[str]
    counters: Collection[tuple[str, str]]
    vehicles: Collection[str]


def change_faults(
    changes: pd.DataFrame, *, points: pd.DataFrame, counters: pd.DataFrame, known: Known, file: str
) -> list[Fault]:
    """Find every reason to refuse changes: unknown object, value before that is no longer there, value after.

    Parameters
    ----------
    changes : DataFrame
        `CHANGE_COLUMNS`; the index is the row in the file.
    points, counters : DataFrame
        What the scheme holds (`point_texts`, `counter_texts`).
    known : Known
        What a change may name.
    file : str
        Name of the file.
    """
    faults: list[Fault] = []
    present = {POINT: points, COMMUNE: counters}
    added = set(changes.loc[(changes["champ"] == EXISTENCE) & (changes["nouveau"] == PRESENT), "identifiant"])
    gone = set(changes.loc[(changes["champ"] == EXISTENCE) & (changes["nouveau"] == ABSENT), "identifiant"])
    twice = changes.duplicated(["objet", "identifiant", "champ"])
    for (row, change), repeated in zip(changes.iterrows(), twice, strict=True):
        told = _object_fault(change, present[change["objet"]], added=added, gone=gone, repeated=bool(repeated))
        told = told or _value_fault(change, known)
        if told:
            faults.append(Fault(file, int(str(row)) or None, *told))
    return [*faults, *_place_faults(changes, known, file=file)]


_Told = tuple[str, str, str, str]
"""Column, value, what was expected, remedy."""


def _object_fault(
    change: pd.Series, present: pd.DataFrame, *, added: set[str], gone: set[str], repeated: bool
) -> _Told | None:
    key, field, old = change["identifiant"], change["champ"], change["ancien"]
    fields = _fields(change["objet"], present)
    if repeated:
        return "champ", field, "un seul changement par champ", "Ôtez la ligne de trop."
    if field not in fields:
        remedy = (
            "Ce champ ne se corrige pas ici. L'identifiant et le service d'un point restent, le périmètre est officiel."
        )
        return "champ", field, "un champ corrigeable", remedy
    if key in present.index:
        now = PRESENT if field == EXISTENCE else str(present.loc[key, field])
        if key in gone and field != EXISTENCE:
            return "identifiant", key, "un point qui reste", "Ôtez les autres changements d'un point supprimé."
    elif key in added:
        now = ABSENT if field == EXISTENCE else ""
    else:
        return "identifiant", key, "un identifiant connu du schéma", "Reprenez l'identifiant de l'export."
    if now == old:
        return None
    return "ancien", old, f"la valeur présente, «{NBSP}{now}{NBSP}»,", CONFLICT.format(NBSP)


def _fields(thing: str, present: pd.DataFrame) -> set[str]:
    """Return the fields of an object that may change."""
    return {EXISTENCE, *present.columns} - {SHOWN, *KEY} if thing == POINT else {COUNTER}


def applicable(changes: pd.DataFrame, points: pd.DataFrame) -> pd.DataFrame:
    """Return the changes of points that can be tried, right or wrong: those of a known field of a known point."""
    own = changes[changes["objet"] == POINT]
    added = own.loc[(own["champ"] == EXISTENCE) & (own["nouveau"] == PRESENT), "identifiant"]
    gone = own.loc[(own["champ"] == EXISTENCE) & (own["nouveau"] == ABSENT), "identifiant"]
    known = own["identifiant"].isin({*points.index, *added}) & own["champ"].isin(_fields(POINT, points))
    left = ~own["identifiant"].isin(gone) | ((own["champ"] == EXISTENCE) & own["identifiant"].isin(points.index))
    new = ~(own["identifiant"].isin(points.index) & (own["champ"] == EXISTENCE) & (own["nouveau"] != ABSENT))
    return own[known & left & new & ~own.duplicated(["identifiant", "champ"])]


def _value_fault(change: pd.Series, known: Known) -> _Told | None:
    key, field, new = change["identifiant"], change["champ"], change["nouveau"]
    if field == EXISTENCE:
        identifier, _, service = key.rpartition("/")
        if new == ABSENT and identifier in known.vehicles:
            return "identifiant", key, "un point dont aucune halte ne dépend", "Corrigez d'abord le fichier des haltes."
        if new == PRESENT and service not in known.services:
            expected = f"un service connu ({', '.join(sorted(known.services))})"
            return "identifiant", service, expected, "Choisissez l'un des services connus."
        return (
            None
            if new in (PRESENT, ABSENT)
            else ("nouveau", new, f"{PRESENT} ou {ABSENT}", "Choisissez l'un des deux.")
        )
    if field == "code_commune" and new not in set(known.communes["code"]):
        return "nouveau", new, "une commune du territoire étudié ou voisine", "Donnez le code INSEE de la commune."
    if field == COUNTER and new and (key.rpartition("/")[0], new) not in known.counters:
        remedy = "Donnez l'identifiant d'un lieu d'accueil permanent, placé, de cet opérateur."
        return "nouveau", new, "un guichet connu de l'opérateur", remedy
    return None


def _place_faults(changes: pd.DataFrame, known: Known, *, file: str) -> list[Fault]:
    """Refuse a position that no commune of the layer holds: in the sea, abroad, longitude and latitude swapped.

    An empty one is no position: the point is then at the point of reference of its commune.
    """
    moved = changes.loc[(changes["champ"] == POSITION) & (changes["nouveau"] != ""), "nouveau"].reset_index()
    codes = communes_at(moved["nouveau"], known.communes)
    remedy = (
        f"Replacez le point à terre, longitude d'abord, latitude ensuite{NARROW_NBSP}; videz la valeur s'il n'en a pas."
    )
    expected = "une position dans une commune du territoire étudié ou voisine"
    return [
        Fault(file, int(row) or None, "nouveau", value, expected, remedy)
        for row, value, code in zip(moved.iloc[:, 0], moved["nouveau"], codes, strict=True)
        if not code
    ]
