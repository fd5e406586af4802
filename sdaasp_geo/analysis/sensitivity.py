"""How much a deficit depends on its threshold: communes and inhabitants beyond each of several."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from sdaasp_geo.analysis.distribution import in_order, with_parts
from sdaasp_geo.travel.engine import REACHED

_KEYS = ["service", "territory", "part"]
_COUNTS = [
    f"{what}{which}" for what in ("communes", "population") for which in ("", "_beyond", "_to_check", "_not_measured")
]


def sensitivity(
    members: pd.DataFrame, access: pd.DataFrame, *, thresholds: Sequence[float], level: str
) -> pd.DataFrame:
    """Count the communes and inhabitants beyond each threshold, and those whose error band contains it.

    A longer threshold never counts more beyond.

    Parameters
    ----------
    members : DataFrame
        Members of a level: ``territory, code, population, inside``.
    access : DataFrame
        Access to one or several services: ``code, service, time_min, low_min, high_min, reason``.
    thresholds : sequence of float
        Minutes (``criteria.Criteria.sensitivity_min``); a time equal to a threshold is not beyond.
    level : str
        Copied into the result.

    Returns
    -------
    DataFrame
        ``level, territory, part, service, threshold_min, communes, communes_beyond, communes_to_check`` (à vérifier:
        ``low_min <= threshold < high_min``), ``communes_not_measured``, the same four for ``population``, and
        ``share_beyond`` (of the measured population, NaN where nobody is measured).
    """
    columns = ["code", "service", "time_min", "low_min", "high_min", "reason"]
    stacked = with_parts(members.merge(access[columns], on="code"))
    reached = stacked["reason"] == REACHED
    frames = []
    for threshold in sorted(set(thresholds)):
        chosen = {
            "": pd.Series(data=True, index=stacked.index),
            "_beyond": reached & ~(stacked["time_min"] <= threshold),
            "_to_check": reached & (stacked["low_min"] <= threshold) & (threshold < stacked["high_min"]),
            "_not_measured": ~reached,
        }
        counted = pd.DataFrame({f"communes{which}": here.astype("int64") for which, here in chosen.items()})
        for which, here in chosen.items():
            counted[f"population{which}"] = stacked["population"].where(here, 0)
        sums = counted.groupby([stacked[key] for key in _KEYS]).sum().reset_index()
        frames.append(sums.assign(threshold_min=float(threshold)))
    table = in_order(pd.concat(frames, ignore_index=True).assign(level=level), then=["threshold_min"])
    measured = table["population"] - table["population_not_measured"]
    table["share_beyond"] = (table["population_beyond"] / measured).where(measured > 0)
    return table[["level", "territory", "part", "service", "threshold_min", *_COUNTS, "share_beyond"]]
