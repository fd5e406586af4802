"""Choice: how many places, and how many operators, are within reach of each commune."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from sdaasp_geo.analysis.distribution import in_order, with_parts
from sdaasp_geo.travel.engine import UNKNOWN_REASONS


def count_within(
    pairs: pd.DataFrame, access: pd.DataFrame, places: pd.DataFrame, *, limits: Sequence[float]
) -> pd.DataFrame:
    """Count the distinct places and operators within each limit of time.

    Being able to choose is one of the seven dimensions of accessibility of the CGET's guide to the schemes (2016).

    Parameters
    ----------
    pairs : DataFrame
        Pairs of one service (`travel.pairs`): ``code, place, time_min, low_min, high_min``, listed at least up to the
        longest limit on ``low_min``; a shorter list only loses places of ``places_high``.
    access : DataFrame
        Access to that service: ``code, service, reason``; one row per commune to count for.
    places : DataFrame
        ``id, operateur`` (empty or missing: not published).
    limits : sequence of float
        Minutes; a time equal to the limit is within.

    Returns
    -------
    DataFrame
        One row per commune of ``access`` × limit: ``code, service, limit_min, places, places_low`` (sure: the whole
        error band is within), ``places_high`` (possible: the band begins within), ``operators`` (distinct and known).
        Float columns, NaN where the commune could not be measured; 0 where nothing is within.
    """
    origins = pd.Index(access["code"])
    pairs = pairs.drop_duplicates(["code", "place"])
    row = origins.get_indexer(pairs["code"])
    pairs, row = pairs[row >= 0], row[row >= 0]
    named = places.drop_duplicates("id").set_index("id")["operateur"]
    operator, known = pd.factorize(pairs["place"].map(named.where(named != "")))
    unknown = access["reason"].isin(UNKNOWN_REASONS).to_numpy()
    frames = []
    for limit in limits:
        counts = {
            name: np.bincount(row[(pairs[time] <= limit).to_numpy()], minlength=len(origins))
            for name, time in (("places", "time_min"), ("places_low", "high_min"), ("places_high", "low_min"))
        }
        seen = (pairs["time_min"] <= limit).to_numpy() & (operator >= 0)
        couples = np.unique(row[seen] * max(1, len(known)) + operator[seen])
        counts["operators"] = np.bincount(couples // max(1, len(known)), minlength=len(origins))
        figures = {name: np.where(unknown, np.nan, count) for name, count in counts.items()}
        frames.append(
            pd.DataFrame({"code": origins, "service": access["service"].to_numpy(), "limit_min": limit} | figures)
        )
    return pd.concat(frames, ignore_index=True)


def choice_coverage(
    members: pd.DataFrame, counts: pd.DataFrame, *, level: str, at_least: Sequence[int] = (1, 2, 3)
) -> pd.DataFrame:
    """Give the share of inhabitants who have at least 1, 2, 3 places within each limit.

    Parameters
    ----------
    members : DataFrame
        Members of a level: ``territory, code, population, inside``.
    counts : DataFrame
        From `count_within`, one or several services.
    level : str
        Copied into the result.
    at_least : sequence of int
        Numbers of places.

    Returns
    -------
    DataFrame
        ``level, territory, part, service, limit_min, at_least, population, population_with,
        population_not_measured, share`` (of the measured population, NaN where nobody is measured).
    """
    keys = ["service", "limit_min", "territory", "part"]
    stacked = with_parts(members.merge(counts, on="code"))
    measured = stacked["places"].notna()
    frames = []
    for number in at_least:
        enough = measured & (stacked["places"] >= number)
        people = pd.DataFrame(
            {
                "population": stacked["population"],
                "population_with": stacked["population"].where(enough, 0),
                "population_not_measured": stacked["population"].where(~measured, 0),
            }
        )
        frames.append(people.groupby([stacked[key] for key in keys]).sum().reset_index().assign(at_least=number))
    table = pd.concat(frames, ignore_index=True).assign(level=level)
    known = table["population"] - table["population_not_measured"]
    table["share"] = (table["population_with"] / known).where(known > 0)
    return in_order(table, then=["limit_min", "at_least"])[_COLUMNS]


_COLUMNS = [
    *("level", "territory", "part", "service", "limit_min", "at_least"),
    *("population", "population_with", "population_not_measured", "share"),
]
