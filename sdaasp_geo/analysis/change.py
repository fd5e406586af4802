"""Change of an indicator between two dated states, split into effects that add up.

A state is a mapping of factors. In a notebook, what changed for each EPCI between 2020 and 2024::

    from functools import partial
    from sdaasp_geo.analysis.change import MEAN, explain_change, indicator, measured_once

    times = {("places 2020", "straight line"): access_2020, ("places 2024", "straight line"): access_2024}
    before = {"supply": "places 2020", "population": census_2020, "perimeter": epci_2020, "source": "straight line"}
    after = {"supply": "places 2024", "population": census_2024, "perimeter": epci_2024, "source": "straight line"}
    measure = measured_once(lambda supply, source: times[supply, source])
    table = explain_change(before, after, partial(indicator, measure=measure, figure=MEAN))

Every table is on the communes of one vintage: restate the others first (`sdaasp_geo.analysis.restatement`).

What each effect means: *supply*, places opened, closed or moved; *population*, inhabitants who came, left or were
counted again; *perimeter*, communes that entered or left the territory; *source*, another engine, list or geocoding,
which is a change of the measure and not of the world. A source that changes needs the four tables of minutes (each
supply measured by each source); where one cannot be made, keep one source for both states.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from sdaasp_geo.errors import Fault, InputError

State = Mapping[str, Any]
"""Factors of a state by name; an indicator is a function of them."""

Measure = Callable[[Any, Any], pd.DataFrame]
"""``measure(supply, source)`` returns the minutes to the nearest place: ``code, time_min`` (NaN where not measured)."""

FACTORS = ("supply", "population", "perimeter", "source")
WITHIN, SHARE, MEAN = "population_within", "share_within", "mean_min"
FIGURES = (WITHIN, SHARE, MEAN)


def explain_change(
    before: State, after: State, evaluate: Callable[[State], float | pd.Series], *, absent: float = math.nan
) -> pd.DataFrame:
    """Split the change of an indicator into the effects of its factors; they add up to it, without remainder.

    The effect of a factor is its Shapley value: the change it makes when it passes from its former to its later value,
    averaged over every order in which the factors may change. With ``n`` factors and ``S`` those already changed,
    ``effect(i) = sum over S not holding i of |S|! (n - |S| - 1)! / n! * (v(S and i) - v(S))``. No order is preferred,
    the sum is exact, a factor that did not change has no effect, and exchanging the states changes every sign.

    Source: A. F. Shorrocks, "Decomposition procedures for distributional analysis: a unified framework based on the
    Shapley value", *Journal of Economic Inequality* 11(1), 2013, pp. 99-126, doi:10.1007/s10888-011-9214-z.

    Parameters
    ----------
    before, after : mapping
        The same factors by name, of any type; their number is free (``2 ** n`` evaluations at most, 16 for four).
    evaluate : callable
        ``evaluate(state)`` returns the indicator of any mixture of the two states: a number, or a Series by territory.
        It must depend on the state alone.
    absent : float
        Value of a territory that a mixture does not have: 0 for a count, NaN (default) for a mean.

    Returns
    -------
    DataFrame
        One row per factor, in the order of ``before``: ``effect`` (its name), ``value`` (unit of the indicator),
        ``before, after`` (the indicator, repeated): ``value`` adds up to ``after - before``. Preceded by ``territory``
        where the indicator is by territory (sorted). NaN where a mixture is not measured.

    Raises
    ------
    InputError
        When the two states do not have the same factors.
    """
    _same_factors(before, after)
    factors = list(before)
    bits = {factor: 1 << rank for rank, factor in enumerate(_moving(before, after))}
    mixtures = [
        {factor: (after if mask & bits.get(factor, 0) else before)[factor] for factor in factors}
        for mask in range(1 << len(bits))
    ]
    results = [evaluate(state) for state in mixtures]
    scalar = not isinstance(results[0], pd.Series)
    series = [pd.Series({"": value}) if scalar else value for value in results]
    values = pd.concat(series, axis="columns", keys=range(len(series))).sort_index().fillna(absent).astype("float64")
    effects = {factor: _effect(values, bits.get(factor, 0)).to_numpy() for factor in factors}
    table = pd.DataFrame(
        {
            "territory": np.repeat(values.index.to_numpy(), len(factors)),
            "effect": factors * len(values),
            "value": np.column_stack(list(effects.values())).ravel(),
            "before": np.repeat(values[0].to_numpy(), len(factors)),
            "after": np.repeat(values[len(series) - 1].to_numpy(), len(factors)),
        }
    )
    return table.drop(columns="territory") if scalar else table


def _moving(before: State, after: State) -> list[str]:
    """Return the factors that changed: neither the same object, nor the same word or number."""
    return [factor for factor in before if not _same(before[factor], after[factor])]


def _same(one: object, other: object) -> bool:
    return one is other or (isinstance(one, str | int | float) and one == other)


def _same_factors(before: State, after: State) -> None:
    if set(before) != set(after):
        found, expected = (
            ", ".join(sorted(after)),
            f"les mêmes facteurs que le premier état ({', '.join(sorted(before))})",
        )
        raise InputError([Fault("second état", None, "", found, expected, "Donnez les mêmes facteurs aux deux états.")])


def _effect(values: pd.DataFrame, bit: int) -> pd.Series:
    """Shapley value of one factor (its bit; 0 when it did not change), from the indicator of every mixture."""
    if not bit:
        return pd.Series(0.0, index=values.index).where(values.notna().all(axis="columns"))
    size = len(values.columns).bit_length() - 1
    effect = pd.Series(0.0, index=values.index)
    for mask in values.columns:
        if not mask & bit:
            changed = int(mask).bit_count()
            weight = math.factorial(changed) * math.factorial(size - changed - 1)
            effect = effect + weight * (values[mask | bit] - values[mask])
    return effect / math.factorial(size)


def round_effects(table: pd.DataFrame, *, digits: int = 0) -> pd.DataFrame:
    """Round the effects of `explain_change` so that they still add up: to the rounded change (largest remainder).

    Parameters
    ----------
    table : DataFrame
        From `explain_change`.
    digits : int
        Decimals kept.

    Returns
    -------
    DataFrame
        The same rows; ``value`` differs by less than one unit of the last decimal, and a null effect stays null.
    """
    keys = table["territory"] if "territory" in table else pd.Series("", index=table.index)
    scaled = table["value"] * 10**digits
    floor = np.floor(scaled)
    wanted = scaled.groupby(keys).transform("sum").round()
    rank = (floor - scaled).groupby(keys).rank(method="first")
    whole = floor + (rank <= wanted - floor.groupby(keys).transform("sum"))
    return table.assign(value=(whole / 10**digits).where(table["value"].notna()))


def indicator(state: State, *, measure: Measure, figure: str = WITHIN, threshold_min: float | None = None) -> pd.Series:
    """Compute an access indicator by territory from a state: give it to `explain_change` with `functools.partial`.

    Parameters
    ----------
    state : mapping
        ``supply`` and ``source`` (whatever ``measure`` takes: labels, tables, engines), ``population`` (DataFrame
        ``code, population``, inhabitants) and ``perimeter`` (DataFrame ``territory, code``).
    measure : callable
        Minutes by commune for a supply and a source; wrap it in `measured_once`.
    figure : str
        ``population_within`` (inhabitants with ``time_min <= threshold_min``), ``share_within`` (their share of the
        measured population) or ``mean_min`` (minutes, mean weighted by inhabitants).
    threshold_min : float, optional
        Needed by the first two.

    Returns
    -------
    Series
        The figure, indexed by territory, named ``figure``; NaN where a share or a mean has nobody measured.

    Raises
    ------
    InputError
        When a commune of the perimeter has no population or no row of minutes: the tables are of two vintages. When the
        figure is unknown, or has no threshold.
    """
    if figure not in FIGURES or (threshold_min is None and figure != MEAN):
        expected = f"un indicateur parmi {', '.join(FIGURES)}, avec un seuil en minutes sauf pour {MEAN}"
        raise InputError([Fault("indicateur", None, "", figure, expected, "Corrigez l'appel.")])
    perimeter = state["perimeter"]
    tables = {"population": state["population"], "minutes": measure(state["supply"], state["source"])}
    _refuse_gaps(perimeter["code"], tables)
    rows = perimeter[["territory", "code"]].merge(tables["population"][["code", "population"]], on="code")
    rows = rows.merge(tables["minutes"][["code", "time_min"]], on="code")
    weight = rows["population"].astype("float64").where(rows["time_min"].notna(), 0.0)
    time_min = rows["time_min"]
    counted = weight * time_min.fillna(0.0) if figure == MEAN else weight.where(time_min <= threshold_min, 0.0)
    sums = pd.DataFrame({"counted": counted, "weight": weight}).groupby(rows["territory"]).sum()
    result = sums["counted"] if figure == WITHIN else sums["counted"] / sums["weight"].where(sums["weight"] > 0)
    return result.rename(figure)


def _refuse_gaps(codes: pd.Series, tables: Mapping[str, pd.DataFrame]) -> None:
    """Refuse communes of the perimeter that a table does not have, or has twice."""
    expected, remedy = "une ligne par commune du périmètre", "Ramenez toutes les tables au même millésime (restate)."
    faults = []
    for name, table in tables.items():
        wrong = set(codes) - set(table["code"]) | set(table.loc[table["code"].duplicated(), "code"]) & set(codes)
        faults += [Fault(name, None, "code", str(code), expected, remedy) for code in sorted(wrong)]
    if faults:
        raise InputError(faults)


def measured_once(measure: Measure) -> Measure:
    """Remember the minutes of each supply and source: `explain_change` asks four times for each pair."""
    known: list[tuple[object, object, pd.DataFrame]] = []

    def remembered(supply: object, source: object) -> pd.DataFrame:
        for own_supply, own_source, table in known:
            if _same(own_supply, supply) and _same(own_source, source):
                return table
        known.append((supply, source, measure(supply, source)))
        return known[-1][2]

    return remembered
