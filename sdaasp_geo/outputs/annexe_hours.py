"""Opening hours as a French reader reads them, from the OpenStreetMap syntax of the common grid."""

from __future__ import annotations

import re
from itertools import groupby

from sdaasp_geo.french import NARROW_NBSP, NBSP, listing

DAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
_NAMES = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")
_SATURDAY = 5
_RULE = re.compile(r"^(?P<days>[A-Z][a-z](?:[-,][A-Z][a-z])*) (?P<slots>\d\d:\d\d-\d\d:\d\d(?:,\d\d:\d\d-\d\d:\d\d)*)$")

Slots = tuple[tuple[int, int], ...]


def parse_hours(hours: str) -> dict[int, Slots] | None:
    """Read weekly hours (``Mo-Fr 09:00-12:00,14:00-17:00; Sa 09:00-12:00``).

    Returns
    -------
    dict or None
        Slots (minutes since midnight) by day, 0 = Monday; None when the text is empty or of another form.
    """
    week: dict[int, Slots] = {}
    for rule in hours.split(";"):
        match = _RULE.match(rule.strip())
        days = _days(match["days"]) if match else None
        if match is None or days is None:
            return None
        week.update(dict.fromkeys(days, _slots(match["slots"])))
    return dict(sorted(week.items()))


def weekly_hours(hours: str) -> float:
    """Return the hours open in a week; NaN when they are not known."""
    week = parse_hours(hours)
    if week is None:
        return float("nan")
    return sum(end - start for slots in week.values() for start, end in slots) / 60


def opens_on_saturday(hours: str) -> bool:
    """Tell whether a place opens on Saturday; False when its hours are not known."""
    return _SATURDAY in (parse_hours(hours) or {})


def french_hours(hours: str, published: str = "") -> str:
    """Write hours in French; what cannot be read is given as published.

    Examples
    --------
    >>> french_hours("Mo-Th 09:00-12:00; Sa 09:30-11:00").replace(NBSP, " ").replace(NARROW_NBSP, " ")
    'lundi à jeudi : 9 h à 12 h ; samedi : 9 h 30 à 11 h'
    """
    week = parse_hours(hours)
    if week is None:
        raw = published or hours
        return f"horaires publiés{NBSP}: «{NBSP}{raw}{NBSP}»" if raw else "horaires non publiés"
    by_slots: dict[Slots, list[int]] = {}
    for day, slots in week.items():
        by_slots.setdefault(slots, []).append(day)
    parts = [
        f"{_day_names(days)}{NBSP}: {', '.join(_slot(*slot) for slot in slots)}" for slots, days in by_slots.items()
    ]
    return f"{NARROW_NBSP}; ".join(parts)


def _days(text: str) -> list[int] | None:
    days: list[int] = []
    for part in text.split(","):
        ends = part.split("-")
        if any(end not in DAYS for end in ends) or len(ends) > 2:  # noqa: PLR2004 - a range has two ends
            return None
        first, last = DAYS.index(ends[0]), DAYS.index(ends[-1])
        days += range(first, last + 1) if first <= last else [*range(first, 7), *range(last + 1)]
    return days


def _slots(text: str) -> Slots:
    ends = [tuple(_minutes(end) for end in slot.split("-")) for slot in text.split(",")]
    return tuple((start, end) for start, end in ends)


def _minutes(clock: str) -> int:
    return 60 * int(clock[:2]) + int(clock[3:])


def _slot(start: int, end: int) -> str:
    return f"{_clock(start)}{NBSP}à{NBSP}{_clock(end)}"


def _clock(minutes: int) -> str:
    hour, rest = divmod(minutes, 60)
    return f"{hour}{NBSP}h{NBSP}{rest:02d}" if rest else f"{hour}{NBSP}h"


def _day_names(days: list[int]) -> str:
    runs = [[day for _, day in run] for _, run in groupby(enumerate(days), key=lambda pair: pair[1] - pair[0])]
    words: list[str] = []
    for run in runs:
        if len(run) > 2:  # noqa: PLR2004 - two days are written one by one
            words.append(f"{_NAMES[run[0]]} à {_NAMES[run[-1]]}")
        else:
            words += [_NAMES[day] for day in run]
    return listing(words)
