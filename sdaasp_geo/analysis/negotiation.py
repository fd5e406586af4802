"""What to negotiate with each neighbouring EPCI: the communes that would win minutes if an operator's area moved."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd

from sdaasp_geo import french
from sdaasp_geo.analysis.border import weighted_mean
from sdaasp_geo.analysis.coverage import NO_TERRITORY
from sdaasp_geo.french import NARROW_NBSP, NBSP
from sdaasp_geo.travel.engine import NOT_MEASURED, REACHED

TO_NEIGHBOUR, FROM_NEIGHBOUR = "vers le voisin", "depuis le voisin"
ELSEWHERE = "le guichet le plus proche n'est pas de l'autre côté"
_CASE = ["code", "service", "operator"]
_FOUND = [
    *("assignment", "competent_reason", "competent_place", "competent_place_name", "competent_place_commune"),
    *("competent_place_epci", "competent_place_departement", "competent_time_min"),
    *("nearest_reason", "nearest_place", "nearest_place_name", "nearest_place_commune", "nearest_place_epci"),
    *("nearest_place_departement", "nearest_time_min"),
]
_GROUP = ["neighbour", "direction", "service", "operator"]


def negotiation_rows(
    competence: pd.DataFrame,
    communes: pd.DataFrame,
    borders: pd.DataFrame,
    *,
    ours: Collection[str],
    least_gain_min: float,
) -> pd.DataFrame:
    """List, for each neighbouring EPCI, what moving the areas of operators across the border would win, both ways.

    For a commune whose nearest counter of an operator is on the other side, the gain is its administrative penalty:
    time to the competent counter - time to the nearest one (`competence.competent_access`). Each commune × operator
    has one nearest counter, so that the gains of the neighbours add up. With the communes of the neighbour as ``ours``,
    the rows of a pair of EPCI are the same, the two directions changing names. A commune that an area already assigns
    across the border, and that has a nearer counter at home, has a penalty but is not here. Definition of this package;
    asked for by action 1-B-2 of the Alpes-de-Haute-Provence scheme.

    Parameters
    ----------
    competence : DataFrame
        `competence.competent_access` of the communes of both sides; several services may be together.
    communes : DataFrame
        Communes of both sides: ``code, name, epci, departement, population``.
    borders : DataFrame
        Shared borders of communes: ``left, right, border_km`` (`adjacency.shared_borders`).
    ours : collection of str
        Codes of the communes of the side that negotiates: a département, or an EPCI.
    least_gain_min : float
        Least gain worth listing, in minutes; a gain equal to it is listed.

    Returns
    -------
    DataFrame
        One row per neighbour × direction × service × operator × commune: communes that touch the other side, and those
        whose nearest counter is there. ``neighbour`` (SIREN, ``aucun`` where there is none), ``direction`` (``vers le
        voisin``: our commune, their counter; ``depuis le voisin``), ``service, operator, code, name, epci, departement,
        population, border_km`` (shared with the other party, 0 where they do not touch), ``assignment``, the competent
        and the nearest counters as `competent_access` gives them, ``nearest_there`` (bool: on the other side, at this
        neighbour), ``gain_min`` (NaN where it is not there or not measured), ``gain_reason`` (why), ``listed`` (bool:
        there, and the gain is worth it or the time to the competent counter is not known).
    """
    home = set(ours)
    people = communes[["code", "name", "epci", "departement", "population"]]
    epci = people.set_index("code")["epci"].fillna(NO_TERRITORY)
    touching = _touching(borders, epci, home)
    kinds = competence[["service", "operator"]].drop_duplicates()
    keys = pd.concat([_crossing(competence, epci, home), touching.drop(columns="border_km").merge(kinds, how="cross")])
    table = keys.drop_duplicates(ignore_index=True).merge(people, on="code", how="left")
    table = table.merge(touching, on=["neighbour", "code"], how="left").fillna({"border_km": 0.0})
    columns = [*_CASE, *_FOUND, "nearest_place_commune_code", "penalty_min", "penalty_reason"]
    table = table.merge(competence[columns], on=_CASE, how="left")
    own = table["code"].isin(home)
    table = table.assign(direction=pd.array(np.where(own, TO_NEIGHBOUR, FROM_NEIGHBOUR), dtype="str"))
    table = _with_gain(table, there=_there(table, own, home), least_gain_min=least_gain_min)
    order = table.assign(turn=table["direction"] == FROM_NEIGHBOUR)
    order = order.sort_values(["neighbour", "service", "operator", "turn", "code"], ignore_index=True)
    return order[_COLUMNS]


_COLUMNS = [
    *(*_GROUP, "code", "name", "epci", "departement", "population", "border_km", *_FOUND),
    *("nearest_there", "gain_min", "gain_reason", "listed"),
]


def _touching(borders: pd.DataFrame, epci: pd.Series, home: set[str]) -> pd.DataFrame:
    """Return ``neighbour, code, border_km``: communes of both sides that touch the other party, and how much."""
    both = borders.rename(columns={"left": "code", "right": "other"})
    both = pd.concat([both, borders.rename(columns={"right": "code", "left": "other"})], ignore_index=True)
    own = both["code"].isin(home)
    across = both[own != both["other"].isin(home)]
    outer = across["other"].where(own, across["code"])
    across = across.assign(neighbour=outer.map(epci).fillna(NO_TERRITORY))
    across = across.sort_values(["neighbour", "code", "other"])
    return across.groupby(["neighbour", "code"], as_index=False)["border_km"].sum()


def _crossing(competence: pd.DataFrame, epci: pd.Series, home: set[str]) -> pd.DataFrame:
    """Return ``neighbour, code, service, operator`` of the communes whose nearest counter is on the other side."""
    reached = competence[competence["nearest_reason"] == REACHED]
    own = reached["code"].isin(home)
    across = reached[own != reached["nearest_place_commune_code"].isin(home)]
    party = across["nearest_place_epci"].where(own, across["code"].map(epci)).fillna(NO_TERRITORY)
    return across[_CASE].assign(neighbour=party)[["neighbour", *_CASE]]


def _there(table: pd.DataFrame, own: pd.Series, home: set[str]) -> pd.Series:
    """Tell which rows have their nearest counter on the other side, at this neighbour."""
    reached = table["nearest_reason"] == REACHED
    with_us = table["nearest_place_commune_code"].isin(home)
    with_neighbour = ~with_us & (table["nearest_place_epci"].fillna(NO_TERRITORY) == table["neighbour"])
    return reached & with_neighbour.where(own, with_us)


def _with_gain(table: pd.DataFrame, *, there: pd.Series, least_gain_min: float) -> pd.DataFrame:
    gain = table["penalty_min"].where(there)
    reason = table["penalty_reason"].where(there, ELSEWHERE)
    reason = reason.where(there | (table["nearest_reason"] == REACHED), table["nearest_reason"].fillna(NOT_MEASURED))
    listed = there & (gain.isna() | (gain >= least_gain_min))
    return table.assign(nearest_there=there, gain_min=gain, gain_reason=reason, listed=listed)


def negotiation_totals(rows: pd.DataFrame) -> pd.DataFrame:
    """Add up the rows of each neighbour, direction, service and operator.

    Parameters
    ----------
    rows : DataFrame
        `negotiation_rows`.

    Returns
    -------
    DataFrame
        ``neighbour, direction, service, operator``; communes and inhabitants (``communes_…``, ``population_…``) that
        touch the other party (``border``), whose nearest counter is there (``there``), that are listed (``listed``)
        and, among these, whose gain is not known (``not_measured``); over the listed ones ``gain_person_min``
        (inhabitants × minutes), ``gain_mean_min`` (weighted by inhabitants; NaN where there are none) and
        ``gain_max_min``.
    """
    rows = rows.sort_values([*_GROUP, "code"])
    kinds = {
        "border": rows["border_km"] > 0,
        "there": rows["nearest_there"],
        "listed": rows["listed"],
        "not_measured": rows["listed"] & rows["gain_min"].isna(),
    }
    population = rows["population"].fillna(0).astype("int64")
    counted = {f"communes_{kind}": chosen.astype("int64") for kind, chosen in kinds.items()}
    counted |= {f"population_{kind}": population.where(chosen, 0) for kind, chosen in kinds.items()}
    gain = rows["gain_min"].where(rows["listed"])
    counted |= {"gain_person_min": (gain * population).fillna(0.0), "weight": population.where(gain.notna(), 0)}
    sums = pd.DataFrame({**rows[_GROUP], **counted}).groupby(_GROUP).sum()
    sums["gain_mean_min"] = weighted_mean(sums["gain_person_min"], sums["weight"])
    sums["gain_max_min"] = gain.groupby([rows[column] for column in _GROUP]).max()
    table = sums.drop(columns="weight").reset_index()
    table = table.assign(turn=table["direction"] == FROM_NEIGHBOUR)
    return table.sort_values(["neighbour", "service", "operator", "turn"], ignore_index=True).drop(columns="turn")


def negotiation_sentences(
    totals: pd.DataFrame, *, names: Mapping[str, str], labels: Mapping[str, str], least_gain_min: float
) -> pd.DataFrame:
    """Say in one French sentence what there is to negotiate with each neighbour, for each service and operator.

    Parameters
    ----------
    totals : DataFrame
        `negotiation_totals`.
    names : mapping
        Names of EPCI by SIREN; a SIREN without name stands for itself.
    labels : mapping
        Labels of services by code; a code without label stands for itself.
    least_gain_min : float
        The least gain that was listed, in minutes.

    Returns
    -------
    DataFrame
        ``neighbour, service, operator, sentence``, sorted.
    """
    rows = []
    for (neighbour, service, operator), group in totals.groupby(["neighbour", "service", "operator"]):
        ways = {str(row["direction"]): row for row in group.to_dict("records")}
        out = _clause(ways.get(TO_NEIGHBOUR), "d'ici", "du voisin", least_gain_min=least_gain_min)
        come = _clause(ways.get(FROM_NEIGHBOUR), "du voisin", "d'ici", least_gain_min=least_gain_min)
        label = labels.get(service, service)
        what = label if operator.casefold() in ("", label.casefold()) else f"{label} ({operator})"
        said = f"{out}{NARROW_NBSP}; {come}"
        if not group["communes_listed"].any():
            least = french.threshold(least_gain_min)
            said = f"aucune commune, d'ici ou du voisin, ne gagnerait au moins {least} avec un guichet de l'autre côté"
        sentence = f"{names.get(neighbour, neighbour)}, {what}{NBSP}: {said}."
        rows.append({"neighbour": neighbour, "service": service, "operator": operator, "sentence": sentence})
    return pd.DataFrame(rows, columns=["neighbour", "service", "operator", "sentence"])


def _clause(row: dict[str, object] | None, whose: str, host: str, *, least_gain_min: float) -> str:
    """Write one direction: how many communes, how many inhabitants, how many minutes."""
    size = 0 if row is None else int(str(row["communes_listed"]))
    if row is None or size == 0:
        return f"aucune commune {whose} ne gagnerait au moins {french.threshold(least_gain_min)} avec un guichet {host}"
    people = french.count(int(str(row["population_listed"])), "habitant")
    who = f"{french.count(size, f'commune {whose}', f'communes {whose}')} ({people})"
    unknown = int(str(row["communes_not_measured"]))
    if unknown == size:
        verb = "a" if size == 1 else "ont"
        return f"{who} {verb} pour guichet le plus proche un guichet {host}, sans temps connu vers le guichet compétent"
    mean, most = float(str(row["gain_mean_min"])), float(str(row["gain_max_min"]))
    minutes = f"{french.minutes(mean)} en moyenne" if np.isfinite(mean) else f"jusqu'à {french.minutes(most)}"
    verb = "gagnerait" if size == 1 else "gagneraient"
    text = f"{who} {verb} {minutes} à relever d'un guichet {host}"
    return f"{text}, dont {unknown} sans temps connu vers le guichet compétent" if unknown else text
