"""Criteria of deficit on every commune: value, threshold, class, doubt, source, and one French sentence."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from sdaasp_geo import french
from sdaasp_geo.analysis.deficits import NOT_MEASURED, SERVED
from sdaasp_geo.analysis.nearest_pairs import MINUTE_DIGITS
from sdaasp_geo.criteria import (
    EVENING,
    MEAN_TIME,
    SATURDAY,
    SHARE,
    WEEK,
    YES_NO,
    Criterion,
    at_most,
    unit_of,
)
from sdaasp_geo.french import NBSP
from sdaasp_geo.travel.engine import REACHED, UNKNOWN_REASONS

IN_BAND = "la bande d'erreur contient le seuil"
UNKNOWN_HOURS = "les horaires de certains lieux sont inconnus"
_HOURS_COLUMNS = {WEEK: "open_hours", EVENING: "evening", SATURDAY: "saturday"}
_WITHIN = {"choix": "lieux non comptés", "presence": "heures d'ouverture non mesurées"}
_TIMES = ["time_min", "low_min", "high_min"]
COLUMNS = [
    *("code", "criterion", "theme", "kind", "services", "value", "low", "high", "unit", "comparator", "threshold"),
    *("limit_min", "class", "satisfied", "to_check", "reason", "valid_from", "valid_to", "reference", "reference_url"),
    "sentence",
]


def evaluate_criteria(
    criteria: Sequence[Criterion],
    communes: pd.DataFrame,
    *,
    access: pd.DataFrame,
    choice: pd.DataFrame | None = None,
    presence: pd.DataFrame | None = None,
    indicators: pd.DataFrame | None = None,
    labels: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Apply criteria to communes: one row per commune × criterion, measured or not.

    Parameters
    ----------
    criteria : sequence of Criterion
        In force on one date (`criteria.criteria_on`, `criteria.criteria_from_rules`).
    communes : DataFrame
        ``code, name``; the rows of the result follow its order, criterion by criterion.
    access : DataFrame
        Access to all the services measured: ``code, service, time_min, low_min, high_min, reason``.
    choice : DataFrame, optional
        `choice.count_within`, one or several services and limits.
    presence : DataFrame, optional
        `presence.reachable_hours` with ``service, limit_min``: ``code, service, limit_min, open_hours, evening,
        saturday, places_without_hours, reason``; and, for the error band, the four figures at both ends, with the
        suffixes ``_low`` (places surely within) and ``_high`` (places that may be): without them there is no band.
    indicators : DataFrame, optional
        ``code, indicator, value``: figures of third parties, under the name they publish (`sources.apl`).
    labels : mapping, optional
        French names of services by code (``Criteria.service_label``), for the services that are missing.

    Returns
    -------
    DataFrame
        ``code, criterion, theme, kind, services`` (codes, separated by spaces), ``value, low, high`` (with the error
        band, NaN where not measured), ``unit, comparator`` (``<=`` or ``>=``), ``threshold, limit_min, class``
        (``desservie``, the class of the criterion, ``non-mesure``), ``satisfied`` (boolean, missing where not
        measured), ``to_check`` (the answer changes within the error band, or with hours that are unknown), ``reason``
        (``atteint``, or why there is no value), ``valid_from, valid_to`` (ISO dates, empty: no end), ``reference,
        reference_url, sentence``.
    """
    index = pd.Index(communes["code"])
    sources = {"choix": choice, "presence": presence, "indicateur": indicators}
    frames = []
    for criterion in criteria:
        source = sources.get(criterion.kind)
        figures, absent = _FIGURES[criterion.kind](criterion, access, source if source is not None else pd.DataFrame())
        missing = _missing(criterion, absent, labels or {})
        frames.append(_judged(criterion, figures.reindex(index), names=communes["name"], missing=missing))
    if not frames:
        return pd.DataFrame(columns=COLUMNS)
    return pd.concat(frames, ignore_index=True)[COLUMNS]


def _judged(criterion: Criterion, figures: pd.DataFrame, *, names: pd.Series, missing: str) -> pd.DataFrame:
    """Compare values with the threshold; a commune without figures was not measured."""
    low, value, high = (figures[name].to_numpy(dtype="float64") for name in ("low", "value", "high"))
    measured = ~np.isnan(value)
    good = (value <= criterion.threshold) if at_most(criterion) else (value >= criterion.threshold)
    at_low = (low <= criterion.threshold) if at_most(criterion) else (low >= criterion.threshold)
    at_high = (high <= criterion.threshold) if at_most(criterion) else (high >= criterion.threshold)
    reason = figures["reason"].astype("object").where(figures["reason"].notna(), missing)
    table = pd.DataFrame(
        {
            "code": figures.index,
            "value": value,
            "low": low,
            "high": np.where(np.isinf(high), np.nan, high),
            "class": pd.array(np.where(measured, np.where(good, SERVED, criterion.beyond), NOT_MEASURED), dtype="str"),
            "satisfied": pd.array(good, dtype="boolean"),
            "to_check": measured & (at_low != at_high),
            "reason": pd.array(np.where(measured, REACHED, reason), dtype="str"),
        }
    )
    table["satisfied"] = table["satisfied"].where(measured)
    doubt = np.where(np.isinf(high) & ~good, UNKNOWN_HOURS, IN_BAND)
    table["sentence"] = _sentences(criterion, table, names=names, doubt=doubt)
    return table.assign(
        criterion=criterion.code,
        theme=criterion.theme,
        kind=criterion.kind,
        services=" ".join(criterion.services),
        unit=unit_of(criterion),
        comparator="<=" if at_most(criterion) else ">=",
        threshold=criterion.threshold,
        limit_min=np.nan if criterion.limit_min is None else criterion.limit_min,
        valid_from=criterion.valid_from.isoformat(),
        valid_to="" if criterion.valid_to is None else criterion.valid_to.isoformat(),
        reference=criterion.reference,
        reference_url=criterion.reference_url,
    )


def _missing(criterion: Criterion, services: Sequence[str], labels: Mapping[str, str]) -> str:
    """Say what would be needed to measure a criterion."""
    if criterion.composition == "partielle":
        return "composition du panier publiée en partie seulement"
    if services and criterion.kind in _WITHIN:
        return f"{_WITHIN[criterion.kind]} à {french.threshold(criterion.limit_min or 0.0)}"
    if services:
        noun = "service non mesuré" if len(services) == 1 else "services non mesurés"
        return f"{noun}{NBSP}: {french.listing([labels.get(code, code) for code in services])}"
    if criterion.kind == "indicateur":
        return f"«{NBSP}{criterion.measure}{NBSP}» sans valeur pour cette commune"
    return "non mesuré"


_Found = tuple[pd.DataFrame, Sequence[str]]
"""Figures by commune, and the codes of the services that would be needed and were not measured."""


def _figures(value: pd.Series, low: pd.Series, high: pd.Series, reason: pd.Series | None = None) -> _Found:
    table = pd.DataFrame({"value": value, "low": low, "high": high}, dtype="float64")
    table["reason"] = pd.Series(None, index=table.index, dtype="object") if reason is None else reason
    return table, ()


def _nothing(services: Sequence[str] = ()) -> _Found:
    empty = pd.Series(index=pd.Index([], dtype="str"), dtype="float64")
    return _figures(empty, empty, empty)[0], services


def _time(criterion: Criterion, access: pd.DataFrame, _: pd.DataFrame) -> _Found:
    own = access[access["service"] == criterion.services[0]].set_index("code")
    if own.empty:
        return _nothing(criterion.services)
    measured = own["reason"] == REACHED
    value, low, high = (own[name].where(measured) for name in _TIMES)
    return _figures(value, low, high, own["reason"])


def _choice(criterion: Criterion, _: pd.DataFrame, counts: pd.DataFrame) -> _Found:
    own = _within(criterion, counts)
    if own.empty:
        return _nothing(criterion.services)
    return _figures(own["places"], own["places_low"], own["places_high"])


def _presence(criterion: Criterion, access: pd.DataFrame, hours: pd.DataFrame) -> _Found:
    own = _within(criterion, hours)
    if own.empty:
        return _nothing(criterion.services)
    reasons = access[access["service"] == criterion.services[0]].set_index("code")["reason"].reindex(own.index)
    unknown = reasons.isin(UNKNOWN_REASONS)
    value = _end(criterion, own, "")[0].where(~unknown)
    low, _ = _end(criterion, own, "_low")
    high, partly = _end(criterion, own, "_high")
    low, high = low.fillna(0.0), high.where(~partly | (criterion.measure != WEEK)).fillna(np.inf)
    known = value.notna()
    return _figures(value, low.where(known), high.where(known), reasons.where(unknown, own["reason"]))


def _end(criterion: Criterion, hours: pd.DataFrame, suffix: str) -> tuple[pd.Series, pd.Series]:
    """Return the hours at one end of the error band, NaN where unknown, and whether those of some places are."""
    name, without = f"{_HOURS_COLUMNS[criterion.measure]}{suffix}", f"places_without_hours{suffix}"
    if name not in hours:
        name, without = _HOURS_COLUMNS[criterion.measure], "places_without_hours"
    return hours[name].astype("Float64").astype("float64"), hours[without] > 0


def _within(criterion: Criterion, table: pd.DataFrame) -> pd.DataFrame:
    if table.empty:
        return table
    here = (table["service"] == criterion.services[0]) & (table["limit_min"] == criterion.limit_min)
    return table[here].set_index("code")


def _basket(criterion: Criterion, access: pd.DataFrame, _: pd.DataFrame) -> _Found:
    """Measure a basket where every one of its services is: a mean over some of them would not be that basket."""
    absent = [service for service in criterion.services if service not in set(access["service"])]
    if absent or criterion.composition == "partielle":
        return _nothing(absent)
    own = access[access["service"].isin(criterion.services)]
    reached = (own["reason"] == REACHED).groupby(own["code"]).sum() == len(set(criterion.services))
    if criterion.measure == MEAN_TIME:
        value, low, high = (own.groupby("code")[name].mean().round(MINUTE_DIGITS).where(reached) for name in _TIMES)
    else:
        value, high, low = (
            (own[name] <= criterion.limit_min).groupby(own["code"]).sum().where(reached).astype("float64")
            for name in _TIMES
        )
    if criterion.measure == SHARE:
        size = len(set(criterion.services))
        value, low, high = value / size, low / size, high / size
    reason = pd.Series("un service du panier n'est pas atteint", index=value.index, dtype="object")
    return _figures(value, low, high, reason)


def _indicator(criterion: Criterion, _: pd.DataFrame, indicators: pd.DataFrame) -> _Found:
    if indicators.empty:
        return _nothing()
    value = indicators[indicators["indicator"] == criterion.measure].set_index("code")["value"]
    return _figures(value, value, value)


_FIGURES: Mapping[str, Callable[[Criterion, pd.DataFrame, pd.DataFrame], _Found]] = {
    "temps": _time,
    "choix": _choice,
    "presence": _presence,
    "panier": _basket,
    "indicateur": _indicator,
}


def _sentences(criterion: Criterion, table: pd.DataFrame, *, names: pd.Series, doubt: np.ndarray) -> list[str]:
    write, limit = _writer(criterion), _threshold(criterion)
    at_limit = write(criterion.threshold)
    start = f"{NBSP}: «{NBSP}{criterion.label}{NBSP}»{NBSP}: "
    sentences = []
    columns = (table[name] for name in ("value", "low", "high", "class", "to_check", "reason"))
    for name, value, low, high, given, check, reason, why in zip(names, *columns, doubt, strict=True):
        if given == NOT_MEASURED:
            sentences.append(f"{name}{start}non mesuré ({reason}).")
            continue
        text = write(value)
        if given != SERVED and text == at_limit:
            text = f"un peu {'plus' if at_most(criterion) else 'moins'} de {text}"
        if low != high and not np.isnan(high) and unit_of(criterion) != YES_NO:
            text += f" (bande d'erreur{NBSP}: de {write(min(low, high))} à {write(max(low, high))})"
        text += _verdict(criterion, satisfied=given == SERVED, limit=limit)
        sentences.append(f"{name}{start}{text}." + (f" À vérifier{NBSP}: {why}." if check else ""))
    return sentences


def _verdict(criterion: Criterion, *, satisfied: bool, limit: str) -> str:
    fault = criterion.beyond_label.lower()
    if unit_of(criterion) == YES_NO:
        return "" if satisfied else f", {fault}"
    if at_most(criterion):
        return f", dans le seuil de {limit}" if satisfied else f", au-delà du seuil de {limit}{NBSP}: {fault}"
    return f", seuil de {limit} atteint" if satisfied else f", en deçà du seuil de {limit}{NBSP}: {fault}"


def _writer(criterion: Criterion) -> Callable[[float], str]:
    """Return how values of a criterion are written in French."""
    unit = unit_of(criterion)
    writers: Mapping[str, Callable[[float], str]] = {
        YES_NO: lambda value: "oui" if value else "non",
        "min": lambda value: french.minutes(value, digits=0 if criterion.kind == "temps" else 1),
        "lieux": lambda value: french.count(int(value), "lieu", "lieux"),
        "services": lambda value: french.count(int(value), "service"),
        "part": french.percent,
    }
    return writers.get(unit, lambda value: f"{french.number(value, digits=1)}{NBSP}{unit}")


def _threshold(criterion: Criterion) -> str:
    if unit_of(criterion) == "min":
        return french.threshold(criterion.threshold)
    return _writer(criterion)(criterion.threshold)
