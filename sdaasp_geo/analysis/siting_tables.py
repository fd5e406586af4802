"""New sites and closures by territory, and what is lost where an existing site closes."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sdaasp_geo.analysis.coverage import NO_TERRITORY
from sdaasp_geo.analysis.siting import Siting
from sdaasp_geo.analysis.siting_gains import MS_PER_MIN, check_demand, counted_ms, nearest_two

_LOSS = ["place", "code", "population", "before_min", "after_min", "gain_population"]


def gains_by_territory(steps: pd.DataFrame, demand: pd.DataFrame, territories: pd.DataFrame) -> pd.DataFrame:
    """Share the gain (or loss) of each site among territories: EPCI, conventions and so on.

    Parameters
    ----------
    steps : DataFrame
        What each site changes: `Siting.steps`, or the losses of `closures`.
    demand : DataFrame
        ``code, population``.
    territories : DataFrame
        ``level, territory, code``: one row per demand and level; a missing territory counts for ``aucun``.

    Returns
    -------
    DataFrame
        One row per level × territory × site that changes something there: ``level, territory``, ``rank`` (of new
        sites), ``place, gain_population`` (inhabitants of the territory brought within the threshold; negative when
        lost), ``changed_population`` (whose time changes), ``gain_min`` (minutes saved, mean of all the inhabitants of
        the territory; NaN where nobody lives). Within a level that partitions the demand, inhabitants add up to those
        of the site.
    """
    known = _known(territories)
    inhabited = (
        known.merge(demand[["code", "population"]], on="code").groupby(["level", "territory"])["population"].sum()
    )
    joined = known.merge(steps, on="code")
    saved = ((joined["before_min"] - joined["after_min"]) * MS_PER_MIN).round() * joined["population"]
    keys = ["level", "territory", *(column for column in ("rank", "place") if column in steps)]
    table = (
        joined.assign(saved=saved)
        .groupby(keys, as_index=False)
        .agg(
            gain_population=("gain_population", "sum"),
            changed_population=("population", "sum"),
            saved=("saved", "sum"),
        )
    )
    people = inhabited.reindex(pd.MultiIndex.from_frame(table[["level", "territory"]])).to_numpy(dtype="float64")
    mean = table.pop("saved").to_numpy() / np.where(people > 0, people * MS_PER_MIN, np.nan)
    return table.assign(gain_min=mean)


def coverage_by_territory(siting: Siting, territories: pd.DataFrame) -> pd.DataFrame:
    """Compare each territory before and after the new sites.

    Returns
    -------
    DataFrame
        One row per level × territory: ``level, territory, population, before_population, after_population``
        (within the threshold), ``before_share, after_share, before_mean_min, after_mean_min`` (capped times; NaN where
        nobody lives), ``before_unreached, after_unreached`` (inhabitants who reach no site, counted at the cap).
    """
    demand, cap = siting.demand, siting.cap_min
    people = demand["population"]
    counts = {"code": demand["code"], "population": people}
    for state in ("before", "after"):
        time = demand[f"{state}_min"]
        counts[f"{state}_population"] = people.where(demand[f"within_{state}"], 0)
        counts[f"{state}_ms"] = counted_ms(time.fillna(np.inf).to_numpy(), cap_min=cap) * people
        counts[f"{state}_unreached"] = people.where(time.isna(), 0)
    table = _known(territories).merge(pd.DataFrame(counts), on="code").drop(columns="code")
    table = table.groupby(["level", "territory"], as_index=False).sum()
    inhabited = table["population"].where(table["population"] > 0)
    for state in ("before", "after"):
        table[f"{state}_share"] = table[f"{state}_population"] / inhabited
        table[f"{state}_mean_min"] = table[f"{state}_ms"] / (inhabited * MS_PER_MIN)
    order = [
        f"{state}_{figure}"
        for figure in ("population", "share", "mean_min", "unreached")
        for state in ("before", "after")
    ]
    return table[["level", "territory", "population", *order]]


def _known(territories: pd.DataFrame) -> pd.DataFrame:
    named = territories["territory"].astype("object").where(territories["territory"].notna(), NO_TERRITORY)
    return territories[["level", "code"]].assign(territory=named)[["level", "territory", "code"]]


def closures(
    demand: pd.DataFrame, pairs: pd.DataFrame, *, existing: pd.DataFrame, threshold_min: float, cap_min: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Say what is lost if each existing site closes, alone, the others staying open.

    Parameters
    ----------
    demand, pairs : DataFrame
        As `siting.cover_most`.
    existing : DataFrame
        ``place`` and columns of identity, copied. Add the new sites to ask what each is worth once they are open.
    threshold_min, cap_min : float
        Minutes.

    Returns
    -------
    table : DataFrame
        One row per existing site, the greatest loss first: ``place``, identity, ``nearest_population`` (whose nearest
        it is; the lowest identifier among equals), ``residual_population`` (for whom it is the only one within the
        threshold), ``unreached_population`` (who reach no other), ``lost_min`` (minutes lost, mean of all
        inhabitants), ``nearest_lost_min`` (mean of those whose nearest it is; NaN when there is none).
    losses : DataFrame
        Details, as `Siting.steps` without rank: ``place, code, population, before_min, after_min`` (capped),
        ``gain_population`` (minus the residual population).

    Raises
    ------
    InputError
        See `siting_gains.check_demand`.
    """
    check_demand(demand)
    names = existing.drop_duplicates("place").sort_values("place", ignore_index=True)
    rows = _left_alone(demand, pairs, list(names["place"]), threshold_min=threshold_min, cap_min=cap_min)
    summed = ["population", "gain_population", "unreached_population", "lost_ms"]
    sums = rows.groupby("place")[summed].sum().reindex(names["place"], fill_value=0)
    nearest, total = sums["population"].where(sums["population"] > 0), int(demand["population"].sum()) or np.nan
    figures = {
        "nearest_population": sums["population"],
        "residual_population": -sums["gain_population"],
        "unreached_population": sums["unreached_population"],
        "lost_min": sums["lost_ms"] / (total * MS_PER_MIN),
        "nearest_lost_min": sums["lost_ms"] / (nearest * MS_PER_MIN),
    }
    table = names.assign(**{name: figure.to_numpy() for name, figure in figures.items()})
    table = table[["place", *(column for column in table.columns if column != "place")]]
    order = ["residual_population", "lost_min", "place"]
    changed = rows[(rows["gain_population"] < 0) | (rows["before_min"] < rows["after_min"])]
    table = table.sort_values(order, ascending=[False, False, True], ignore_index=True)
    return table, changed[_LOSS].reset_index(drop=True)


def _left_alone(
    demand: pd.DataFrame, pairs: pd.DataFrame, existing: list[str], *, threshold_min: float, cap_min: float
) -> pd.DataFrame:
    """Return, for each demand that reaches a site, the nearest one and what its closing changes."""
    people = demand[["code", "population"]].sort_values("code", ignore_index=True)
    population = people["population"].astype("int64")
    first, place, second = nearest_two(pairs, people["code"], existing)
    alone = (first <= threshold_min) & ~(second <= threshold_min)
    before, after = counted_ms(first, cap_min=cap_min), counted_ms(second, cap_min=cap_min)
    columns = {
        "place": place,
        "code": people["code"],
        "population": population,
        "before_min": before / MS_PER_MIN,
        "after_min": after / MS_PER_MIN,
        "gain_population": -population.where(alone, 0),
        "unreached_population": population.where(~np.isfinite(second), 0),
        "lost_ms": (after - before) * population,
    }
    return pd.DataFrame(columns)[np.isfinite(first)]
