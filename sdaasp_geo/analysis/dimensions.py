"""The seven dimensions of accessibility: what a run measures of each, and what nobody has said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from sdaasp_geo.french import NBSP, count, minutes, number, percent
from sdaasp_geo.travel.engine import UNKNOWN_REASONS

TIME, OPENING, COST, QUALITY = "temps", "disponibilité", "coût", "qualité"
CHOICE, INFORMATION, IMAGE = "choix", "information", "image"
DIMENSIONS = (TIME, OPENING, COST, QUALITY, CHOICE, INFORMATION, IMAGE)
"""In the order of the CGET's guide to the schemes (2016)."""

MEASURED, PARTLY, NOT_MEASURED = "mesuré", "partiel", "non mesuré"
COLUMNS = ["level", "territory", "service", "dimension", "status", "value", "unit", "sentence", "reason"]
NO_PLACE = "aucun lieu de ce service dans le territoire"
NOBODY = "aucun habitant mesuré"
_SHARE_PLACES, _SHARE_PEOPLE, _MINUTES = "part des lieux", "part des habitants", "min"
_OPTIONAL = {COST: "cout", QUALITY: "qualite", IMAGE: "image"}
_ITEMS = (("horaires", "hours"), ("contact", "contact"), ("position", "position"), ("date", "date"))


class _Finding(NamedTuple):
    status: str
    value: float
    unit: str
    sentence: str
    reason: str


def dimension_coverage(
    members: Mapping[str, pd.DataFrame],
    points: pd.DataFrame,
    access: pd.DataFrame,
    counts: pd.DataFrame,
    *,
    services: Sequence[str],
    limits_min: Mapping[str, float],
    at_least: int = 2,
    levels: Sequence[str] = ("epci", "departement"),
) -> pd.DataFrame:
    """Say, by territory and service, which of the seven dimensions of accessibility are measured.

    The dimensions are those of the CGET's guide to the schemes (2016): time, availability, cost, quality, choice,
    information, image. What is computed from an incomplete source is *partiel*; what nobody has said is *non mesuré*,
    with the reason, and has no value.

    Parameters
    ----------
    members : mapping
        By level, ``territory, code, population`` (`analysis.levels.territory_members`): territories are whole.
    points : DataFrame
        Service points: ``service, code_commune, horaires, horaires_bruts, contact, lon, lat, date_maj``; the optional
        columns of the grid ``cout, qualite, image`` where some file has them.
    access : DataFrame
        ``code, service, time_min, reason`` (`analysis.access`).
    counts : DataFrame
        ``code, service, limit_min, places`` (`analysis.choice.count_within`); may be empty.
    services : sequence of str
        Services to tell of.
    limits_min : mapping
        Service to the minutes within which its places are counted: one of the limits of ``counts``. Choice is not
        measured for a service that has none.
    at_least : int
        Places from which an inhabitant can choose; exactly as many is enough.
    levels : sequence of str
        Levels to tell of.

    Returns
    -------
    DataFrame
        One row per level × territory × service × dimension, in that order: ``level, territory, service, dimension,
        status`` (``mesuré``, ``partiel``, ``non mesuré``), ``value`` (float, NaN where not measured), ``unit``
        (``min``, ``part des habitants``, ``part des lieux``: 0 to 1), ``sentence`` and ``reason`` in French.
    """
    facts = _place_facts(points)
    rows = []
    for level in levels:
        for territory, group in members[level].groupby("territory", sort=True):
            for service in services:
                own = facts[(facts["service"] == service) & facts["code_commune"].isin(group["code"])]
                timed = group.merge(access[access["service"] == service], on="code", how="left")
                limit_min = limits_min.get(service, float("nan"))
                chosen = counts[(counts["service"] == service) & (counts["limit_min"] == limit_min)]
                found = {
                    TIME: _time(timed),
                    OPENING: _opening(own),
                    CHOICE: _choice(group.merge(chosen, on="code", how="left"), limit_min, at_least),
                    INFORMATION: _information(own),
                    **{dimension: _said(own, dimension) for dimension in _OPTIONAL},
                }
                rows += [(level, territory, service, dimension, *found[dimension]) for dimension in DIMENSIONS]
    return pd.DataFrame(rows, columns=COLUMNS).astype({"value": "float64"})


def _place_facts(points: pd.DataFrame) -> pd.DataFrame:
    """Say what is published of each place (bool): hours that are read, any hours, contact, position, date, optional."""
    facts = pd.DataFrame({"service": points["service"], "code_commune": points["code_commune"]})
    facts["read_hours"] = _filled(points, "horaires")
    facts["hours"] = facts["read_hours"] | _filled(points, "horaires_bruts")
    facts["contact"] = _filled(points, "contact")
    facts["position"] = points["lon"].notna() & points["lat"].notna()
    facts["date"] = _filled(points, "date_maj")
    for dimension, column in _OPTIONAL.items():
        facts[dimension] = _filled(points, column)
    return facts


def _filled(points: pd.DataFrame, column: str) -> pd.Series:
    if column not in points:
        return pd.Series(data=False, index=points.index)
    return points[column].notna() & (points[column] != "")


def _missing(unit: str, reason: str) -> _Finding:
    return _Finding(NOT_MEASURED, float("nan"), unit, f"Non mesuré{NBSP}: {reason}.", reason)


def _time(timed: pd.DataFrame) -> _Finding:
    """Mean time to the nearest place, weighted by inhabitants who reach one."""
    people = timed["population"].to_numpy(dtype="float64")
    known = (timed["reason"].notna() & ~timed["reason"].isin(UNKNOWN_REASONS)).to_numpy()
    reached = known & timed["time_min"].notna().to_numpy()
    if people[reached].sum() == 0:
        return _missing(_MINUTES, NOBODY if people[known].sum() == 0 else "aucun lieu atteignable")
    mean = float(np.average(timed["time_min"].to_numpy(dtype="float64")[reached], weights=people[reached]))
    unknown, stranded = int(people[~known].sum()), int(people[known & ~reached].sum())
    words = [f"{count(unknown, 'habitant')} sans temps mesuré"] if unknown else []
    words += [f"{count(stranded, 'habitant')} sans lieu atteignable"] if stranded else []
    sentence = f"{minutes(mean, digits=1)} en moyenne jusqu'au lieu le plus proche"
    reason = ", ".join(words)
    status = PARTLY if unknown else MEASURED
    return _Finding(status, mean, _MINUTES, f"{sentence} ({reason})." if reason else f"{sentence}.", reason)


def _choice(counted: pd.DataFrame, limit_min: float, at_least: int) -> _Finding:
    """Share of inhabitants with enough places within the limit."""
    people = counted["population"].to_numpy(dtype="float64")
    known = counted["places"].notna().to_numpy()
    if people[known].sum() == 0:
        return _missing(_SHARE_PEOPLE, NOBODY if limit_min > 0 else "lieux à portée non comptés pour ce service")
    enough = known & (counted["places"] >= at_least).to_numpy()
    share = float(people[enough].sum() / people[known].sum())
    unknown = int(people[~known].sum())
    reason = f"{count(unknown, 'habitant')} sans mesure" if unknown else ""
    within = f"au moins {count(at_least, 'lieu', 'lieux')} à {minutes(limit_min)} au plus"
    sentence = f"{percent(share)} des habitants ont {within}."
    return _Finding(PARTLY if unknown else MEASURED, share, _SHARE_PEOPLE, sentence, reason)


def _opening(own: pd.DataFrame) -> _Finding:
    """Share of places whose weekly hours are read."""
    if own.empty:
        return _missing(_SHARE_PLACES, NO_PLACE)
    read, text = int(own["read_hours"].sum()), int((own["hours"] & ~own["read_hours"]).sum())
    if not read and not text:
        return _missing(_SHARE_PLACES, "aucun lieu ne publie ses horaires")
    absent = len(own) - read - text
    words = [f"{count(text, 'lieu', 'lieux')} en texte seulement"] if text else []
    words += [f"{count(absent, 'lieu', 'lieux')} sans horaires publiés"] if absent else []
    sentence = f"Horaires connus pour {number(read)} {'lieu' if read < 2 else 'lieux'} sur {number(len(own))}."  # noqa: PLR2004 - plural
    return _Finding(PARTLY if words else MEASURED, read / len(own), _SHARE_PLACES, sentence, ", ".join(words))


def _information(own: pd.DataFrame) -> _Finding:
    """Mean, over hours, contact, position and date, of the share of places that publish it."""
    if own.empty:
        return _missing(_SHARE_PLACES, NO_PLACE)
    shares = {label: float(own[column].mean()) for label, column in _ITEMS}
    value = sum(shares.values()) / len(shares)
    lacking = [label for label, share in shares.items() if share < 1]
    if value == 0:
        return _missing(_SHARE_PLACES, "ni horaires, ni contact, ni position, ni date publiés")
    sentence = f"Publiés{NBSP}: {_listed(f'{label} {percent(share, digits=0)}' for label, share in shares.items())}."
    reason = f"incomplet{NBSP}: {_listed(lacking)}" if lacking else ""
    return _Finding(PARTLY if lacking else MEASURED, value, _SHARE_PLACES, sentence, reason)


def _said(own: pd.DataFrame, dimension: str) -> _Finding:
    """Share of places for which the optional column of the grid says something."""
    if own.empty:
        return _missing(_SHARE_PLACES, NO_PLACE)
    said, column = int(own[dimension].sum()), _OPTIONAL[dimension]
    if not said:
        return _missing(
            _SHARE_PLACES,
            f"la grille commune n'en dit rien (colonne facultative «{NBSP}{column}{NBSP}» vide ou absente)",
        )
    lacking = len(own) - said
    reason = f"{count(lacking, 'lieu', 'lieux')} sans indication" if lacking else ""
    sentence = f"Renseigné pour {number(said)} {'lieu' if said < 2 else 'lieux'} sur {number(len(own))}."  # noqa: PLR2004 - plural
    return _Finding(PARTLY if lacking else MEASURED, said / len(own), _SHARE_PLACES, sentence, reason)


def _listed(words: Iterable[str]) -> str:
    return ", ".join(words)
