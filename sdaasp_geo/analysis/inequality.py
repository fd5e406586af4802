"""Inequality of access times between inhabitants: Theil T, between and within groups (EPCI), and Gini."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import xlogy

from sdaasp_geo.analysis.coverage import NO_TERRITORY
from sdaasp_geo.analysis.distribution import KEYS, in_order, with_parts

Values = npt.NDArray[np.float64]
_GROUP = "group"


def theil(value: Values, weight: Values) -> float:
    """Return Theil's index T.

    ``T = sum(p · r · ln r)`` with ``p`` the share of the weight and ``r`` the value divided by the weighted mean;
    ``0 · ln 0`` counts zero, its limit (Theil, *Economics and Information Theory*, 1967). 0 when all are equal,
    ``ln(total weight / weight of one)`` when one holds all.

    Parameters
    ----------
    value : ndarray of float
        Positive or zero (minutes); every one is measured.
    weight : ndarray of float
        Positive or zero (inhabitants).

    Returns
    -------
    float
        NaN when the weights, or the weighted values, add up to zero.
    """
    ratio, share = _relative(value, weight)
    return max(0.0, float(np.sum(share * xlogy(ratio, ratio)))) if len(ratio) else float("nan")


def gini(value: Values, weight: Values) -> float:
    """Return the Gini index: half the mean absolute difference between two inhabitants, divided by the mean.

    Computed as one less twice the area under the Lorenz curve, by trapezoids: ``1 - sum(p · (L + L before))``, values
    in rising order. 0 when all are equal; ``1 - p`` when a share ``p`` holds all equally and the others nothing.

    Parameters
    ----------
    value, weight : ndarray of float
        As in `theil`.

    Returns
    -------
    float
        NaN when the weights, or the weighted values, add up to zero.
    """
    ratio, share = _relative(value, weight)
    if not len(ratio):
        return float("nan")
    order = np.argsort(ratio, kind="stable")
    held = (ratio * share)[order]
    lorenz = np.cumsum(held)
    return max(0.0, float(1 - np.sum(share[order] * (2 * lorenz - held))))


def _relative(value: Values, weight: Values) -> tuple[Values, Values]:
    """Return values divided by their mean, and shares of weight; both empty where they are undefined."""
    total = weight.sum()
    mean = (value * weight).sum() / total if total > 0 else 0.0
    if mean <= 0:
        return np.empty(0), np.empty(0)
    return value / mean, weight / total


def inequality(members: pd.DataFrame, access: pd.DataFrame, groups: pd.Series, *, level: str) -> pd.DataFrame:
    """Measure inequality of times in every territory, and split Theil's index between and within groups.

    ``T = between + within`` exactly, with ``between = sum(s · ln(m / mean))`` and ``within = sum(s · T of the
    group)``, ``s`` the share of the group in the total of minutes and ``m`` its mean (Shorrocks, *The Class of
    Additively Decomposable Inequality Measures*, Econometrica 48, 1980). Gini has no such split: it is given whole.

    Parameters
    ----------
    members : DataFrame
        Members of a level: ``territory, code, population, inside``.
    access : DataFrame
        ``code, service, time_min`` (minutes, NaN where not measured: left out).
    groups : Series of str
        Group of each commune (its EPCI), indexed by code; a missing one counts as ``aucun``.
    level : str
        Copied into the result.

    Returns
    -------
    DataFrame
        ``level, territory, part, service, population`` (measured), ``groups`` (their number), ``mean_min, gini,
        theil, theil_between, theil_within, share_between`` (of Theil, NaN where it is zero). NaN where nobody is
        measured or every time is zero.
    """
    rows = _rows(members, access, groups)
    by_group = _by_group(rows)
    figures = pd.DataFrame(
        {
            "population": rows.groupby(KEYS)["population"].sum(),
            "mean_min": rows.groupby(KEYS)["mean_min"].first(),
            "gini": _gini(rows),
            "theil": rows.groupby(KEYS)["theil"].sum(min_count=1).clip(lower=0),
            "groups": by_group.groupby(level=KEYS).size(),
            "theil_between": by_group["between"].groupby(level=KEYS).sum(min_count=1).clip(lower=0),
            "theil_within": by_group["within"].groupby(level=KEYS).sum(min_count=1),
        }
    )
    everywhere = with_parts(members.merge(access[["code", "service"]], on="code"))
    figures = figures.reindex(everywhere[KEYS].drop_duplicates().set_index(KEYS).index)
    counts = figures[["population", "groups"]].fillna(0).astype("int64")
    figures = figures.assign(population=counts["population"], groups=counts["groups"], level=level)
    figures["share_between"] = (figures["theil_between"] / figures["theil"]).where(figures["theil"] > 0)
    return in_order(figures.reset_index())[_COLUMNS]


_COLUMNS = [
    *("level", "territory", "part", "service", "population", "groups", "mean_min", "gini"),
    *("theil", "theil_between", "theil_within", "share_between"),
]


def contributions(members: pd.DataFrame, access: pd.DataFrame, groups: pd.Series, *, level: str) -> pd.DataFrame:
    """Say what each group brings to Theil's index of its territory.

    Parameters
    ----------
    members, access, groups, level
        As in `inequality`.

    Returns
    -------
    DataFrame
        ``level, territory, part, service, group, population, population_share, time_share, mean_min, theil`` (inside
        the group), ``between`` (negative where the group is nearer than the mean), ``within``: all ``between`` and
        ``within`` of a territory add up to its index. NaN where every time of the territory is zero.
    """
    table = _by_group(_rows(members, access, groups)).reset_index().assign(level=level)
    return in_order(table, then=[_GROUP])[_CONTRIBUTIONS]


def _by_group(rows: pd.DataFrame) -> pd.DataFrame:
    keys = [*KEYS, _GROUP]
    sums = rows.groupby(keys)[["population", "share", "held"]].sum()
    mean = rows.groupby(keys)["mean_min"].first()
    relative = sums["held"] / sums["share"]
    own_mean = relative * mean
    ratio = rows["time_min"] / rows.join(own_mean.rename("own_mean"), on=keys)["own_mean"]
    inside = rows["held"] * np.log(ratio.where(ratio > 0, 1.0))
    within = inside.groupby([rows[key] for key in keys]).sum(min_count=1).clip(lower=0)
    some = mean > 0
    return pd.DataFrame(
        {
            "population": sums["population"],
            "population_share": sums["share"],
            "time_share": sums["held"].where(some),
            "mean_min": own_mean.where(some, 0.0),
            "theil": (within / sums["held"]).where(sums["held"] > 0),
            "between": (sums["share"] * xlogy(relative, relative)).where(some),
            "within": within.where(some),
        }
    )


_CONTRIBUTIONS = [
    *("level", "territory", "part", "service", "group", "population", "population_share", "time_share", "mean_min"),
    *("theil", "between", "within"),
]


def _rows(members: pd.DataFrame, access: pd.DataFrame, groups: pd.Series) -> pd.DataFrame:
    """Return one row per territory × part × measured commune, with shares of inhabitants and of minutes."""
    joined = members.merge(access[["code", "service", "time_min"]], on="code")
    rows = with_parts(joined[joined["time_min"].notna() & (joined["population"] > 0)])
    rows[_GROUP] = rows["code"].map(groups).astype("object").fillna(NO_TERRITORY).astype("str")
    keys = [rows[key] for key in KEYS]
    rows["share"] = rows["population"] / rows["population"].groupby(keys).transform("sum")
    rows["mean_min"] = (rows["share"] * rows["time_min"]).groupby(keys).transform("sum")
    ratio = (rows["time_min"] / rows["mean_min"]).where(rows["mean_min"] > 0)
    rows["held"] = rows["share"] * ratio
    rows["theil"] = rows["held"] * np.log(ratio.where((ratio > 0) | ratio.isna(), 1.0))
    return rows


def _gini(rows: pd.DataFrame) -> pd.Series:
    ordered = rows.sort_values([*KEYS, "time_min"], kind="stable")
    keys = [ordered[key] for key in KEYS]
    lorenz = ordered["held"].groupby(keys).cumsum()
    area = (ordered["share"] * (2 * lorenz - ordered["held"])).groupby(keys).sum(min_count=1)
    return (1 - area).clip(lower=0)
