"""Weekly hours to the OpenStreetMap syntax."""

from __future__ import annotations

import datetime as dt

import opening_hours
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdaasp_geo.sources.hours import (
    CONDITIONAL,
    CONVERTED,
    DAYS,
    OVERLAP,
    UNREAD,
    Condition,
    Slot,
    read_slots,
    weekly_hours,
)

DAY = [("09:00", "12:00"), ("14:00", "17:30")]


@pytest.mark.parametrize(
    ("week", "text"),
    [
        ({}, ""),
        ({0: []}, ""),
        ({0: DAY}, "Mo 09:00-12:00,14:00-17:30"),
        ({0: DAY, 1: DAY, 2: DAY}, "Mo-We 09:00-12:00,14:00-17:30"),
        ({0: DAY, 2: DAY}, "Mo 09:00-12:00,14:00-17:30; We 09:00-12:00,14:00-17:30"),
        ({6: DAY[:1], 0: DAY[:1]}, "Mo 09:00-12:00; Su 09:00-12:00"),
        ({3: [DAY[1], DAY[0]]}, "Th 09:00-12:00,14:00-17:30"),
        ({3: [DAY[0], DAY[0]]}, "Th 09:00-12:00"),
        ({0: [("09:00", "12:00"), ("12:00", "24:00")]}, "Mo 09:00-12:00,12:00-24:00"),
    ],
)
def test_weeks(week: dict[int, list[tuple[str, str]]], text: str) -> None:
    assert weekly_hours(week) == text


@pytest.mark.parametrize(
    "slots",
    [
        [("12:00", "09:00")],
        [("09:00", "09:00")],
        [("9:00", "12:00")],
        [("09:00", "25:00")],
        [("09:60", "12:00")],
        [("09:00", "12:00"), ("11:59", "14:00")],
    ],
)
def test_what_is_not_a_sound_day_is_not_converted(slots: list[tuple[str, str]]) -> None:
    assert weekly_hours({0: DAY, 1: slots}) is None


def clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


SLOTS = st.sets(st.integers(0, 1439), max_size=6).map(
    lambda minutes: [(clock(a), clock(b)) for a, b in zip(*[iter(sorted(minutes))] * 2, strict=False)]
)


@given(st.dictionaries(st.integers(0, 6), SLOTS))
def test_a_parser_of_the_syntax_finds_the_same_days(week: dict[int, list[tuple[str, str]]]) -> None:
    text = weekly_hours(week)
    assert text is not None
    open_days = {DAYS[day] for day, slots in week.items() if slots}
    found = set()
    for rule in filter(None, text.split("; ")):
        days = rule.split(" ")[0].split("-")
        found |= set(DAYS[DAYS.index(days[0]) : DAYS.index(days[-1]) + 1])
    assert found == open_days
    if text:
        opening_hours.OpeningHours(text)  # raises on a text that is not of the syntax


EVEN, APPOINTMENT = Condition(period="week 02-52/2"), Condition(appointment=True)


def test_slots_without_condition_are_the_strict_form() -> None:
    week = read_slots([Slot(1, 540, 720), Slot(0, 540, 720), Slot(0, 540, 720)])
    assert (week.hours, week.full, week.status) == ("Mo-Tu 09:00-12:00", "Mo-Tu 09:00-12:00", CONVERTED)
    assert read_slots([]).full == ""


def test_conditions_come_before_what_is_always_open() -> None:
    week = read_slots(
        [
            Slot(0, 540, 720),
            Slot(2, 540, 720),
            Slot(0, 600, 660, APPOINTMENT),
            Slot(2, 840, 990, EVEN),
            Slot(5, 540, 720, Condition(nth="1,3")),
            Slot(6, 540, 720, Condition(nth="1,3")),
        ]
    )
    assert week.hours == "Mo 09:00-12:00; We 09:00-12:00"
    assert week.full == (
        'Mo 10:00-11:00 unknown "sur rendez-vous", Sa[1,3] 09:00-12:00, Su[1,3] 09:00-12:00, '
        "week 02-52/2 We 14:00-16:30, Mo 09:00-12:00, We 09:00-12:00"
    )
    assert week.status == CONDITIONAL
    always = dt.datetime(2024, 1, 1, 10, 30)  # noqa: DTZ001 - hours of a place have no zone
    assert opening_hours.OpeningHours(week.full).is_open(always)


def test_slots_that_overlap_under_one_condition_are_a_fault() -> None:
    assert read_slots([Slot(0, 540, 720), Slot(0, 700, 800)], value="x").faults == (("x", OVERLAP),)
    assert read_slots([Slot(0, 540, 720), Slot(0, 700, 800)]).status == UNREAD
    assert read_slots([Slot(0, 540, 720), Slot(0, 700, 800, EVEN)]).status == CONDITIONAL
