"""Weekly hours to the OpenStreetMap ``opening_hours`` syntax."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping

DAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
_TIME = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d|24:00")


def weekly_hours(week: Mapping[int, Iterable[tuple[str, str]]]) -> str | None:
    """Write weekly hours in the OpenStreetMap ``opening_hours`` syntax.

    Parameters
    ----------
    week : mapping
        Day (0 is Monday) to intervals ``("HH:MM", "HH:MM")``; the same interval given twice counts once.

    Returns
    -------
    str or None
        Consecutive identical days are merged; an empty text when nothing is open; None when an interval is
        empty, reversed or overlaps another.

    Examples
    --------
    >>> day = [("09:00", "12:00"), ("14:00", "17:00")]
    >>> weekly_hours({0: day, 1: day, 4: day[:1]})
    'Mo-Tu 09:00-12:00,14:00-17:00; Fr 09:00-12:00'
    """
    rules: list[tuple[int, int, str]] = []
    for day in sorted(week):
        rule = _day_rule(week[day])
        if rule is None:
            return None
        if rule and rules and rules[-1][1] == day - 1 and rules[-1][2] == rule:
            rules[-1] = (rules[-1][0], day, rule)
        elif rule:
            rules.append((day, day, rule))
    return "; ".join(
        f"{DAYS[first]} {rule}" if first == last else f"{DAYS[first]}-{DAYS[last]} {rule}"
        for first, last, rule in rules
    )


def _day_rule(intervals: Iterable[tuple[str, str]]) -> str | None:
    """Comma-separated intervals of a day; None when one is empty, reversed or overlaps another."""
    ordered = sorted(set(intervals))
    for start, end in ordered:
        if not (_TIME.fullmatch(start) and _TIME.fullmatch(end) and start < end):
            return None
    if any(following[0] < previous[1] for previous, following in itertools.pairwise(ordered)):
        return None
    return ",".join(f"{start}-{end}" for start, end in ordered)
