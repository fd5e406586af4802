"""The layer of operator areas: the counter that each operator declares competent for each commune, checked."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sdaasp_geo.errors import Fault, InputError
from sdaasp_geo.french import NBSP, count
from sdaasp_geo.layers.scope import departement_of
from sdaasp_geo.layers.services import BEYOND, UNKNOWN_COMMUNE

UNKNOWN_COUNTER = "guichet inconnu des points de service"
OTHER_OPERATOR = "guichet d'un autre opérateur, ou sans opérateur publié"
NO_PERMANENT_COUNTER = "guichet sans accueil permanent"
COUNTER_WITHOUT_POSITION = "guichet sans position"
_KEY = ["operateur", "code_commune"]


def build_areas(
    areas: pd.DataFrame, communes: pd.DataFrame, points: pd.DataFrame, *, file: str
) -> tuple[pd.DataFrame, list[str]]:
    """Check operator areas against the communes and the service points.

    Parameters
    ----------
    areas : DataFrame
        ``operateur, code_commune, guichet, source, date_maj`` (`sources.areas.read_areas`), communes already brought to
        the vintage (`services.current_codes`); the index is the row in the file.
    communes : DataFrame
        Layer of communes: ``code, departement``.
    points : GeoDataFrame
        Service points (`build_service_points`): ``id, operateur, permanent``, points.
    file : str
        Name of the file, for faults.

    Returns
    -------
    DataFrame
        The same columns and ``area_reason``, one row per operator × commune, sorted by them. Nothing is dropped but
        the exact repetitions that a merger of communes or a network makes: a row that cannot serve has a reason
        (unknown commune or counter, counter of another operator, without permanent reception or without position).
    list of str
        Notes in French: how many rows, and how many of each reason.

    Raises
    ------
    InputError
        A commune that two counters of one operator claim, after mergers and in each network: every case, together.
    """
    distinct = areas.drop_duplicates([*_KEY, "guichet"])
    twice = distinct[distinct.duplicated(_KEY)]
    if len(twice):
        expected = "un seul guichet compétent par opérateur et commune"
        remedy = (
            "Des communes fusionnées, ou deux lieux d'un même réseau, font deux guichets pour une commune"
            f"{NBSP}: gardez le guichet compétent."
        )
        cases = zip(twice.index, twice["code_commune"], strict=True)
        raise InputError([Fault(file, int(row), "code_commune", code, expected, remedy) for row, code in cases])
    table = distinct.assign(area_reason=_reasons(distinct, communes, points))
    table = table.sort_values(_KEY, ignore_index=True)
    return table, _notes(table, repeated=len(areas) - len(distinct))


def areas_of_service(areas: pd.DataFrame, points: pd.DataFrame, *, service: str) -> pd.DataFrame:
    """Return the areas that settle a service: all but those of a counter that its operator has for others only.

    Parameters
    ----------
    areas : DataFrame
        ``operateur, code_commune, guichet, area_reason`` (`build_areas`).
    points : DataFrame
        The service points of `build_areas`: ``id, operateur, service``.
    service : str
        Code of the service.

    Returns
    -------
    DataFrame
        Rows of ``areas``. An area whose counter is unknown, or of another operator, is there for every service: its
        reason says that it cannot serve.
    """
    pairs = pd.MultiIndex.from_arrays([areas["operateur"], areas["guichet"]])
    own = pd.MultiIndex.from_frame(points[["operateur", "id"]])
    here = own[(points["service"] == service).to_numpy()]
    return areas[pairs.isin(here) | ~pairs.isin(own)]


def _reasons(areas: pd.DataFrame, communes: pd.DataFrame, points: pd.DataFrame) -> pd.Series:
    code, counter = areas["code_commune"], areas["guichet"]
    unknown = ~code.isin(communes["code"])
    beyond = unknown & ~code.map(departement_of).isin(set(communes["departement"]))
    owners = pd.MultiIndex.from_arrays([points["operateur"], points["id"]])
    owned = pd.MultiIndex.from_arrays([areas["operateur"], counter]).isin(owners)
    checks = {
        BEYOND: beyond,
        UNKNOWN_COMMUNE: unknown,
        UNKNOWN_COUNTER: ~counter.isin(points["id"]),
        OTHER_OPERATOR: ~owned,
        NO_PERMANENT_COUNTER: ~counter.isin(points.loc[points["permanent"], "id"]),
        COUNTER_WITHOUT_POSITION: ~counter.isin(points.loc[points.geometry.notna(), "id"]),
    }
    found = np.select(list(checks.values()), list(checks), "")
    return pd.Series(found, index=areas.index, dtype="str")


def _notes(table: pd.DataFrame, *, repeated: int) -> list[str]:
    operators = count(table["operateur"].nunique(), "opérateur")
    notes = [
        f"Zones des opérateurs{NBSP}: {count(len(table), 'commune attribuée', 'communes attribuées')}, {operators}."
    ]
    if repeated:
        lines = count(repeated, "ligne répétée", "lignes répétées")
        notes.append(f"Zones des opérateurs{NBSP}: {lines} après fusion de communes ou dans un réseau, sans effet.")
    reasons = table.loc[table["area_reason"] != "", "area_reason"].value_counts().sort_index()
    for reason, size in reasons.items():
        doubtful = count(int(size), "attribution à vérifier", "attributions à vérifier")
        notes.append(f"Zones des opérateurs{NBSP}: {doubtful} ({reason}).")
    return notes
