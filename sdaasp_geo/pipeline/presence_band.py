"""What the error band of times does to the hours within reach, where a criterion of presence asks for them."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from sdaasp_geo.analysis import presence
from sdaasp_geo.parameters import number_setting
from sdaasp_geo.pipeline.ground import Ground, stacked

_KEYS = ["code", "service", "limit_min"]
_HOURS = ["open_hours", "evening", "saturday", "places_without_hours"]
_ENDS = {"low": "high_min", "high": "low_min"}
"""The fewest hours are those of the places that are surely within the limit; the most, those that may be."""


def with_band(ground: Ground, weekly: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the hours within reach with those of both ends of the error band, at the limits that criteria set.

    Parameters
    ----------
    ground : Ground
        Pairs, and criteria in force.
    weekly : mapping of str to DataFrame
        ``opening, intervals, reachable`` (`diagnosis.weekly_presence`).

    Returns
    -------
    DataFrame
        ``reachable``, with ``open_hours, evening, saturday, places_without_hours`` repeated with the suffixes ``_low``
        and ``_high``; missing at the limits that no criterion of presence sets.
    """
    asked = {
        (rule.services[0], rule.limit_min)
        for rule in ground.rules
        if rule.kind == "presence" and rule.services[0] in ground.pairs and rule.limit_min is not None
    }
    if not asked:
        return weekly["reachable"]
    ends = stacked(_ends(ground, weekly, service, limit_min) for service, limit_min in sorted(asked))
    return weekly["reachable"].merge(ends, on=_KEYS, how="left", validate="many_to_one")


def _ends(ground: Ground, weekly: Mapping[str, pd.DataFrame], service: str, limit_min: float) -> pd.DataFrame:
    """Return the hours of both ends, one row per studied commune."""
    pairs = pd.concat([ground.wide_pairs[service], ground.stop_pairs[service]], ignore_index=True)
    places, intervals = (weekly[name][weekly[name]["service"] == service] for name in ("opening", "intervals"))
    tables = [pd.DataFrame({"code": ground.studied["code"], "service": service, "limit_min": limit_min})]
    for end, time in _ENDS.items():
        found = presence.reachable_hours(
            ground.studied,
            pairs.assign(time_min=pairs[time]),
            places,
            intervals,
            limit_min=limit_min,
            evening_h=number_setting(ground.study.parameters, "soir-min"),
        )
        tables.append(found[_HOURS].add_suffix(f"_{end}"))
    return pd.concat(tables, axis="columns")
