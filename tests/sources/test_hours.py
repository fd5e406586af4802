"""Weekly hours to the OpenStreetMap syntax."""

from __future__ import annotations

import opening_hours
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdaasp_geo.sources.hours import DAYS, weekly_hours

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
