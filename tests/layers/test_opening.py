"""Weekly opening: exact intervals, and a reason for every place that has none."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdaasp_geo.layers.opening import (
    APPOINTMENT_ONLY,
    AT_STOPS,
    BAD_SYNTAX,
    NO_HOURS,
    NO_REGULAR_HOURS,
    NOT_A_WEEK,
    NOT_CONVERTED,
    OTHER_FORMAT,
    PERMANENT,
    REPEATED,
    STOP,
    UNKNOWN_VEHICLE,
    Opening,
    evaluate_hours,
    stops_at_once,
    weekly_presence,
)
from sdaasp_geo.sources.services import read_services

MONDAY = dt.date(2024, 1, 1)
DAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")


def intervals_of(text: str) -> list[tuple[int, int, int]]:
    found, _, _ = evaluate_hours([text], monday=MONDAY)
    return list(found[["day", "start_min", "end_min"]].itertuples(index=False, name=None))


def occasional_of(text: str) -> list[tuple[int, int, int, float, bool]]:
    _, found, _ = evaluate_hours([text], monday=MONDAY)
    return list(found.drop(columns="hours").itertuples(index=False, name=None))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Mo 09:00-12:00,14:00-17:30", [(0, 540, 720), (0, 840, 1050)]),
        ("Sa-Su 09:00-12:00", [(5, 540, 720), (6, 540, 720)]),
        ("Mo 09:00-12:00,12:00-24:00", [(0, 540, 1440)]),
        ("Fr 22:00-02:00", [(4, 1320, 1440), (5, 0, 120)]),
        ("Su 22:00-02:00", [(0, 0, 120), (6, 1320, 1440)]),
        ("24/7", [(day, 0, 1440) for day in range(7)]),
        ("Mo-Fr 09:00-12:00; We off; PH off", [(day, 540, 720) for day in (0, 1, 3, 4)]),
        ("Mo 09:00-12:00; Mo 14:00-16:00", [(0, 840, 960)]),
        ("Jul-Aug Mo 10:00-17:00, Sep-Jun Mo 14:00-18:00", [(0, 840, 1020)]),
        ("week 02-52/2 Th 09:00-12:00,13:30-17:00, week 01-53/2 Th 09:00-18:00", [(3, 540, 720), (3, 810, 1020)]),
    ],
)
def test_what_is_open_every_week(text: str, expected: list[tuple[int, int, int]]) -> None:
    assert intervals_of(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Mo-Fr 09:00-12:00", []),
        ("week 02-52/2 We 14:00-16:30", [(2, 840, 990, 0.5, False)]),
        ("Sa[1] 09:00-12:00", [(5, 540, 720, 12 / 52, False)]),
        ('Mo 14:00-17:00 unknown "sur rendez-vous", Mo 09:00-12:00', [(0, 840, 1020, 1.0, True)]),
        ('Mo 14:00-17:00 "sur rendez-vous"', [(0, 840, 1020, 1.0, True)]),
        ("week 01-53/2 Th 09:00-18:00, week 02-52/2 Th 09:00-12:00", [(3, 720, 1080, 0.5, False)]),
    ],
)
def test_what_is_not_of_every_week_is_kept_apart(text: str, expected: list[tuple[int, int, int, float, bool]]) -> None:
    assert occasional_of(text) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Mo 09:00-12:00", ""),
        ("", NO_HOURS),
        (" ", NO_HOURS),
        ("lundi 9h-12h", BAD_SYNTAX),
        ("Mo 09:00-12:61", BAD_SYNTAX),
        ("SH Mo 09:00-12:00", NOT_A_WEEK),
        ("Mo-Fr sunrise-sunset", NOT_A_WEEK),
        ("2024 Jan 01 09:00-10:00", NOT_A_WEEK),
        ("Mo 09:00+", NOT_A_WEEK),
        ("Mo 09:00-09:00", NOT_A_WEEK),
        ("off", NO_REGULAR_HOURS),
        ("Sa[1] 09:00-12:00", NO_REGULAR_HOURS),
        ('Mo 09:00-12:00 unknown "sur rendez-vous"', NO_REGULAR_HOURS),
    ],
)
def test_every_text_has_intervals_or_a_reason(text: str, reason: str) -> None:
    found, _, reasons = evaluate_hours([text, text], monday=MONDAY)
    assert reasons == {text: reason}
    assert found.empty == (reason != "")


def test_a_period_begins_on_a_monday() -> None:
    with pytest.raises(ValueError, match="not a Monday"):
        evaluate_hours(["24/7"], monday=dt.date(2024, 1, 2))


WEEK = st.dictionaries(
    st.integers(0, 6),
    st.sets(st.integers(0, 1439), min_size=2, max_size=6).map(lambda found: sorted(found)[: len(found) // 2 * 2]),
    min_size=1,
)


@given(WEEK, st.integers(0, 500))
def test_the_library_gives_back_the_minutes_written(week: dict[int, list[int]], weeks_later: int) -> None:
    pairs = {day: list(zip(minutes[::2], minutes[1::2], strict=True)) for day, minutes in week.items()}
    rules = [
        f"{DAYS[day]} "
        + ",".join("{:02d}:{:02d}-{:02d}:{:02d}".format(*divmod(a, 60), *divmod(b, 60)) for a, b in slots)
        for day, slots in pairs.items()
    ]
    monday = MONDAY + dt.timedelta(weeks=weeks_later)
    found, occasional, _ = evaluate_hours(["; ".join(rules)], monday=monday)
    expected = [(day, a, b) for day, slots in sorted(pairs.items()) for a, b in slots]
    assert list(found[["day", "start_min", "end_min"]].itertuples(index=False, name=None)) == expected
    assert occasional.empty


ROWS = [
    ("a", "fixe", "Mo 09:00-12:00", ""),
    ("b", "antenne", "Sa 09:00-12:00", ""),
    ("c", "fixe", "", "lundi sur demande"),
    ("d", "fixe", "", ""),
    ("e", "itinerant", "Mo-Fr 09:00-17:00", ""),
    ("f", "multisite", "Mo-Fr 09:00-17:00", ""),
    ("g", "rendez-vous", "Mo-Fr 09:00-17:00", ""),
    ("h", "autre", "Mo-Fr 09:00-17:00", ""),
    ("i", "fixe", "Sa[1] 09:00-12:00", ""),
    ("j", "fixe", "9h-12h", ""),
]
STOPS = pd.DataFrame(
    [
        ("e-1", "e", "Mo 09:00-11:00"),
        ("e-2", "e", "Mo 10:00-12:00"),
        ("e-3", "e", ""),
        ("f-1", "f", "We 09:00-12:00"),
        ("x-1", "x", "We 09:00-12:00"),
        ("a", "e", "We 09:00-12:00"),
    ],
    columns=["id", "vehicle", "horaires"],
)


def points() -> pd.DataFrame:
    return pd.DataFrame(ROWS, columns=["id", "format", "horaires", "horaires_bruts"])


def presence(rows: pd.DataFrame, stops: pd.DataFrame | None = None) -> Opening:
    return weekly_presence(rows, permanent_formats=("fixe", "antenne"), monday=MONDAY, stops=stops)


def test_every_row_is_counted_or_says_why_not() -> None:
    opening = presence(points(), STOPS)
    found = opening.places.set_index(["place", "presence"])
    assert len(found) == len(ROWS) + len(STOPS)
    assert found["reason"].to_dict() == {
        ("a", PERMANENT): "",
        ("a", ""): REPEATED,
        ("b", PERMANENT): "",
        ("c", PERMANENT): NOT_CONVERTED,
        ("d", PERMANENT): NO_HOURS,
        ("e", ""): AT_STOPS,
        ("e-1", STOP): "",
        ("e-2", STOP): "",
        ("e-3", STOP): NO_HOURS,
        ("f", ""): AT_STOPS,
        ("f-1", STOP): "",
        ("g", ""): APPOINTMENT_ONLY,
        ("h", ""): OTHER_FORMAT,
        ("i", PERMANENT): NO_REGULAR_HOURS,
        ("j", PERMANENT): BAD_SYNTAX,
        ("x-1", ""): UNKNOWN_VEHICLE,
    }
    known = opening.places[opening.places["hours_known"]]
    assert set(known["place"]) == {"a", "b", "e-1", "e-2", "f-1", "i"}


def test_buses_and_shared_receptions_count_at_their_stops_only() -> None:
    opening = presence(points(), STOPS)
    assert list(opening.intervals.itertuples(index=False, name=None)) == [
        ("a", 0, 540, 720),
        ("b", 5, 540, 720),
        ("e-1", 0, 540, 660),
        ("e-2", 0, 600, 720),
        ("f-1", 2, 540, 720),
    ]
    assert set(presence(points()).intervals["place"]) == {"a", "b"}
    assert set(opening.occasional["place"]) == {"i"}


def test_a_bus_at_two_stops_at_once_is_listed() -> None:
    listed = stops_at_once(presence(points(), STOPS), STOPS)
    assert list(listed.itertuples(index=False, name=None)) == [("e", 0, 600, 660, "e-1", "e-2")]
    later = STOPS.assign(horaires=STOPS["horaires"].replace("Mo 10:00-12:00", "Mo 11:00-12:00"))
    assert stops_at_once(presence(points(), later), later).empty


@settings(max_examples=10)
@given(st.permutations(range(len(ROWS))), st.permutations(range(len(STOPS))))
def test_row_order_does_not_matter(rows: list[int], stops: list[int]) -> None:
    first = presence(points(), STOPS)
    second = presence(points().iloc[rows].reset_index(drop=True), STOPS.iloc[stops].reset_index(drop=True))
    pd.testing.assert_frame_equal(first.intervals, second.intervals)
    pd.testing.assert_frame_equal(first.occasional, second.occasional)
    order = ["place", "presence"]
    pd.testing.assert_frame_equal(
        first.places.sort_values(order, ignore_index=True), second.places.sort_values(order, ignore_index=True)
    )


def test_an_identifier_given_to_two_stops_counts_for_neither() -> None:
    twice = pd.DataFrame([("s", "e", "Mo 09:00-11:00"), ("s", "e", "We 09:00-11:00")], columns=STOPS.columns)
    opening = presence(points(), twice)
    assert opening.places.set_index("place").loc["s", "reason"].tolist() == [REPEATED, REPEATED]
    assert "s" not in set(opening.intervals["place"])


def test_tables_given_are_not_changed() -> None:
    rows, stops = points(), STOPS.copy()
    presence(rows, stops)
    pd.testing.assert_frame_equal(rows, points())
    pd.testing.assert_frame_equal(stops, STOPS)


def test_the_list_of_2024(shared: Callable[[str], Path]) -> None:
    table = read_services(shared("france_services/liste-fs-20240801.csv"))
    opening = presence(table)
    places = opening.places.set_index("place")
    assert len(places) == len(table) == 2845
    moving = table.loc[table["format"].isin(["itinerant", "multisite"]), "id"]
    assert not places.loc[moving, "hours_known"].any()
    assert set(opening.intervals["place"]).isdisjoint(moving)
    counted = places[places["presence"] == PERMANENT]
    assert set(counted["reason"]) <= {"", NO_HOURS, NOT_CONVERTED}
    assert set(opening.intervals["place"]) == set(counted.index[counted["reason"] == ""])
    minutes = opening.intervals["end_min"] - opening.intervals["start_min"]
    weekly = minutes.groupby(opening.intervals["place"]).sum() / 60
    assert 20 < weekly.median() < 40
    assert opening.intervals["day"].max() == 5
