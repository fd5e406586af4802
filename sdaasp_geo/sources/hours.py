"""Weekly hours, and hours under a condition, to the OpenStreetMap ``opening_hours`` syntax."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

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


class Condition(NamedTuple):
    """When a slot holds: every week by default.

    Attributes
    ----------
    period : str
        Selector of the OpenStreetMap syntax, empty for the whole year: ``week 02-52/2`` (even weeks of the year),
        ``week 01-53/2`` (odd weeks), ``Sep-Jun`` (months, both included).
    nth : str
        Ranks of the day in its month (``1,3``; ``-1`` is the last), empty for all.
    appointment : bool
        Open on appointment only.
    """

    period: str = ""
    nth: str = ""
    appointment: bool = False


EVERY_WEEK = Condition()


class Slot(NamedTuple):
    """An interval of a day (0 is Monday), in minutes since midnight, and the condition under which it holds."""

    day: int
    start_min: int
    end_min: int
    condition: Condition = EVERY_WEEK


class Week(NamedTuple):
    """Published hours once read.

    Attributes
    ----------
    hours : str
        What is open every week without appointment, in the strict form of the common grid; empty when nothing is.
    full : str
        Everything that was read, in the OpenStreetMap syntax: alternate weeks, ranks in the month, months, and
        appointments (``unknown "sur rendez-vous"``). Equal to ``hours`` when nothing is conditional.
    status : str
        ``CONVERTED``, ``CONDITIONAL``, ``NOT_PUBLISHED`` or ``UNREAD``. When unread, both texts are empty: half a
        week read is not hours.
    remarks : tuple of str
        What was understood but says no time (`BLANK_SLOT`, `APPOINTMENT_WITHOUT_TIME`).
    faults : tuple of (str, str)
        Each value that was not read, and why.
    """

    hours: str = ""
    full: str = ""
    status: str = ""
    remarks: tuple[str, ...] = ()
    faults: tuple[tuple[str, str], ...] = ()


CONVERTED = "converti"
CONDITIONAL = "converti avec conditions"
NOT_PUBLISHED = "non publié"
UNREAD = "non lu"

BLANK_SLOT = "créneau vide"
APPOINTMENT_WITHOUT_TIME = "rendez-vous sans heures"

OVERLAP = "plages vides, inversées ou qui se recouvrent"


def read_slots(slots: Iterable[Slot], *, remarks: Iterable[str] = (), value: str = "") -> Week:
    """Write slots in the OpenStreetMap syntax.

    Slots of one condition must not overlap; those of different conditions may (a reception on appointment during
    free hours): where they do, what is open without condition prevails.

    Parameters
    ----------
    slots : iterable of Slot
        Any order; a slot given twice counts once.
    remarks : iterable of str
        Kept, once each, sorted.
    value : str
        The published text, which the fault names.

    Returns
    -------
    Week
        ``UNREAD`` (`OVERLAP`) when an interval is empty, reversed or overlaps another of the same condition.

    Examples
    --------
    >>> biweekly = Condition(period="week 02-52/2")
    >>> read_slots([Slot(0, 540, 720), Slot(2, 840, 990, biweekly)]).full
    'week 02-52/2 We 14:00-16:30, Mo 09:00-12:00'
    """
    by_condition: dict[Condition, dict[int, list[tuple[str, str]]]] = {EVERY_WEEK: {}}
    for slot in slots:
        week = by_condition.setdefault(slot.condition, {})
        week.setdefault(slot.day, []).append((_clock(slot.start_min), _clock(slot.end_min)))
    written = {condition: weekly_hours(week) for condition, week in by_condition.items()}
    if None in written.values():
        return Week(status=UNREAD, faults=((value, OVERLAP),))
    hours = written.pop(EVERY_WEEK) or ""
    # an additional rule takes the place of those before it: appointments first, what is always open last
    order = sorted(written, key=lambda condition: (not condition.appointment, condition.period, condition.nth))
    extra = [rule for condition in order for rule in _conditional_rules(written[condition] or "", condition)]
    full = ", ".join([*extra, *hours.split("; ")] if hours else extra) if extra else hours
    kept = tuple(sorted(set(remarks)))
    conditional = extra or APPOINTMENT_WITHOUT_TIME in kept
    return Week(hours=hours, full=full, status=CONDITIONAL if conditional else CONVERTED, remarks=kept)


def _conditional_rules(hours: str, condition: Condition) -> list[str]:
    """Rules of a condition; ranks in the month are written day by day."""
    rules = [rule.split(" ") for rule in hours.split("; ")]
    if condition.nth:
        rules = [[f"{day}[{condition.nth}]", times] for days, times in rules for day in _days_of(days)]
    before = f"{condition.period} " if condition.period else ""
    after = ' unknown "sur rendez-vous"' if condition.appointment else ""
    return [f"{before}{days} {times}{after}" for days, times in rules]


def _days_of(days: str) -> tuple[str, ...]:
    first, last = DAYS.index(days[:2]), DAYS.index(days[-2:])
    return DAYS[first : last + 1]


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"
