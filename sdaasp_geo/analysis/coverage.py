"""Inhabitants within each threshold, by commune, EPCI, PETR and département: totals that add up."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from sdaasp_geo.analysis.access import weighted_figures
from sdaasp_geo.errors import ReconciliationError
from sdaasp_geo.french import NBSP
from sdaasp_geo.parameters import Rule
from sdaasp_geo.travel.engine import REACHED

PARTS = ("entier", "dans le département", "hors du département")
NO_TERRITORY = "aucun"
_SUMS = (
    "communes",
    "population",
    "population_within",
    "population_beyond",
    "population_not_measured",
    "population_to_check",
)


def cover(members: pd.DataFrame, access: pd.DataFrame, rules: Sequence[Rule], *, level: str) -> pd.DataFrame:
    """Count the inhabitants within each threshold, for every territory of a level, whole and by side of the border.

    Parameters
    ----------
    members : DataFrame
        One row per territory × commune: ``territory, code, population, inside``. A commune of no territory has
        ``aucun``.
    access : DataFrame
        Access to one service: ``code, service, time_min, low_min, high_min, reason``.
    rules : sequence of Rule
        Rules of that service.
    level : str
        ``commune``, ``epci``, ``petr`` or ``departement``: copied into the result.

    Returns
    -------
    DataFrame
        One row per territory × part × rule: ``level, territory, part`` (``entier``, ``dans le département``, ``hors
        du département``), ``service, rule, threshold_min, communes, population, population_within``
        (time ``<=`` threshold), ``population_beyond, population_not_measured, population_to_check`` (the threshold
        is in the error band), ``share_within`` (of the measured population).
    """
    joined = members.merge(access[["code", "service", "time_min", "low_min", "high_min", "reason"]], on="code")
    frames = [_rule_rows(joined, rule, level=level) for rule in rules]
    columns = ["level", "territory", "part", "service", "rule", "threshold_min", *_SUMS, "share_within"]
    if not frames:
        return pd.DataFrame(columns=columns)
    table = pd.concat(frames, ignore_index=True)
    measured = table["population"] - table["population_not_measured"]
    table["share_within"] = (table["population_within"] / measured).where(measured > 0)
    part_order = table["part"].map(PARTS.index)
    order = table.assign(part_order=part_order).sort_values(["territory", "part_order", "threshold_min"])
    return order[columns].reset_index(drop=True)


def _rule_rows(joined: pd.DataFrame, rule: Rule, *, level: str) -> pd.DataFrame:
    reached = joined["reason"] == REACHED
    within = reached & (joined["time_min"] <= rule.threshold_min)
    check = reached & (joined["low_min"] <= rule.threshold_min) & (rule.threshold_min < joined["high_min"])
    population = joined["population"]
    counts = pd.DataFrame(
        {
            "territory": joined["territory"],
            "inside": joined["inside"],
            "communes": 1,
            "population": population,
            "population_within": population.where(within, 0),
            "population_beyond": population.where(reached & ~within, 0),
            "population_not_measured": population.where(~reached, 0),
            "population_to_check": population.where(check, 0),
        }
    )
    whole = counts.drop(columns="inside").groupby("territory").sum().assign(part=PARTS[0])
    sides = counts.groupby(["territory", "inside"]).sum().reset_index("inside")
    sides["part"] = sides.pop("inside").map({True: PARTS[1], False: PARTS[2]})
    table = pd.concat([whole, sides]).rename_axis("territory").reset_index()
    return table.assign(
        level=level, service=joined["service"].iloc[0], rule=rule.code, threshold_min=rule.threshold_min
    )


def summarise(members: pd.DataFrame, access: pd.DataFrame, *, level: str) -> pd.DataFrame:
    """Summarise times by territory and part, weighted by inhabitants.

    Returns
    -------
    DataFrame
        ``level, territory, part, service, mean_min, median_min, p90_min, max_min, nearest_elsewhere_share`` (share of
        inhabitants whose nearest place is in another département than their own).
    """
    joined = members.merge(access[["code", "service", "time_min", "place_departement"]], on="code")
    sides = joined["inside"].map({True: PARTS[1], False: PARTS[2]})
    stacked = pd.concat([joined.assign(part=PARTS[0]), joined.assign(part=sides)], ignore_index=True)
    keys = ["territory", "part"]
    away = stacked["place_departement"].notna() & (stacked["place_departement"] != stacked["departement"])
    people = stacked.assign(away=stacked["population"].where(away, 0)).groupby(keys)[["away", "population"]].sum()
    table = weighted_figures(stacked, keys)
    table["nearest_elsewhere_share"] = (people["away"] / people["population"]).where(people["population"] > 0)
    table = table.reset_index().assign(level=level, service=access["service"].iloc[0])
    part_order = table["part"].map(PARTS.index)
    ordered = table.assign(part_order=part_order).sort_values(["territory", "part_order"], ignore_index=True)
    return ordered[_SUMMARY]


_SUMMARY = [
    *("level", "territory", "part", "service", "mean_min", "median_min", "p90_min", "max_min"),
    "nearest_elsewhere_share",
]


def reconcile(fine: pd.DataFrame, coarse: pd.DataFrame) -> None:
    """Check that the inside parts of a finer level add up to the département, rule by rule.

    Parameters
    ----------
    fine : DataFrame
        Coverage of a level that partitions the département (communes, or EPCI with ``aucun``).
    coarse : DataFrame
        Coverage of the département.

    Raises
    ------
    ReconciliationError
        When a sum differs by one inhabitant; or whole differs from inside plus outside.
    """
    columns = list(_SUMS)
    inside = fine[fine["part"] == PARTS[1]].groupby("rule")[columns].sum()
    total = coarse[coarse["part"] == PARTS[1]].set_index("rule")[columns].reindex(inside.index)
    pieces = fine[fine["part"] != PARTS[0]].groupby(["territory", "rule"])[columns].sum()
    whole = fine[fine["part"] == PARTS[0]].set_index(["territory", "rule"])[columns].reindex(pieces.index)
    if not inside.equals(total.astype(inside.dtypes)) or not pieces.equals(whole.astype(pieces.dtypes)):
        level = fine["level"].iloc[0]
        message = f"Les totaux du niveau «{NBSP}{level}{NBSP}» ne s'ajoutent pas à ceux du département."
        raise ReconciliationError(message)
