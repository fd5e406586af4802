"""Weekly presence: closed forms, bounds, and a count minute by minute."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdaasp_geo.analysis.coverage import PARTS
from sdaasp_geo.analysis.presence import (
    ALL_CLOSED,
    HOURS_PARTLY_UNKNOWN,
    HOURS_UNKNOWN,
    NO_PLACE,
    nearest_open,
    presence_curve,
    presence_shares,
    reachable_hours,
    slot_answers,
    week_profile,
)
from sdaasp_geo.layers.opening import NOT_COUNTED, PERMANENT, STOP, weekly_presence
from sdaasp_geo.sources.services import read_services

ORIGINS = pd.DataFrame({"code": ["65001", "65002", "65003"]})
PLACES = pd.DataFrame(
    {
        "place": ["a", "b", "bus", "halt", "mute"],
        "presence": [PERMANENT, PERMANENT, NOT_COUNTED, STOP, PERMANENT],
        "hours_known": [True, True, False, True, False],
    }
)
INTERVALS = pd.DataFrame(
    [
        ("a", 0, 540, 720),
        ("a", 0, 840, 1050),
        ("b", 0, 600, 780),
        ("b", 5, 540, 601),
        ("halt", 2, 1020, 1051),
    ],
    columns=["place", "day", "start_min", "end_min"],
)


def pairs(*rows: tuple[str, str, float]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=["code", "place", "time_min"]).astype({"code": "str", "place": "str"})


def reach(near: pd.DataFrame, *, limit: float = 20.0, intervals: pd.DataFrame = INTERVALS) -> pd.DataFrame:
    return reachable_hours(ORIGINS, near, PLACES, intervals, limit_min=limit, evening_h=17.5).set_index("code")


NEAR = pairs(("65001", "a", 10.0), ("65001", "b", 20.0), ("65002", "a", 5.0), ("65002", "halt", 7.0))


def test_union_and_sum_in_closed_form() -> None:
    found = reach(NEAR)
    # a: 9-12 and 14-17:30, b: 10-13 and Saturday 9-10:01, together 9-13, 14-17:30 and 1:01
    assert found.loc["65001", "open_hours"] == pytest.approx(4 + 3.5 + 61 / 60)
    assert found.loc["65001", "offer_hours"] == pytest.approx(6.5 + 3 + 61 / 60)
    assert found.loc["65002", "open_hours"] == pytest.approx(6.5 + 31 / 60)
    assert found["places"].tolist() == [2, 2, 0]
    assert found["stops"].tolist() == [0, 1, 0]
    assert found["reason"].tolist() == ["", "", NO_PLACE]
    assert found.loc["65003", ["open_hours", "offer_hours"]].tolist() == [0.0, 0.0]


def test_moments_of_the_week() -> None:
    found = reach(NEAR)
    assert found["evening"].tolist() == [False, True, False]  # a closes at 17:30 sharp, the stop at 17:31
    assert found["saturday"].tolist() == [True, False, False]
    assert found["sunday"].tolist() == [False, False, False]


@pytest.mark.parametrize(("limit", "count"), [(20.0, 2), (np.nextafter(20.0, 0.0), 1), (9.9, 0)])
def test_a_time_equal_to_the_limit_counts(limit: float, count: int) -> None:
    assert reach(NEAR, limit=limit).loc["65001", "places"] == count


def test_unknown_hours_are_never_taken_as_closed() -> None:
    found = reach(pairs(("65001", "mute", 1.0), ("65002", "mute", 1.0), ("65002", "a", 2.0), ("65003", "halt", 1.0)))
    assert found["reason"].tolist() == [HOURS_UNKNOWN, HOURS_PARTLY_UNKNOWN, ""]
    assert np.isnan(found.loc["65001", "open_hours"])
    assert np.isnan(found.loc["65001", "offer_hours"])
    assert found.loc["65002", "open_hours"] == 6.5
    assert found["evening"].isna().tolist() == [True, True, False]
    assert found.loc["65003", "evening"]
    assert found["places_without_hours"].tolist() == [1, 1, 0]


def test_a_bus_at_its_base_and_an_unknown_place_are_not_counted() -> None:
    hours_of_the_round = pd.DataFrame([("bus", 1, 0, 1440)], columns=INTERVALS.columns)
    more = pd.concat([INTERVALS, hours_of_the_round], ignore_index=True)
    found = reach(pairs(("65001", "bus", 1.0), ("65001", "stranger", 1.0)), intervals=more)
    assert found.loc["65001", ["places", "open_hours", "reason"]].tolist() == [0, 0.0, NO_PLACE]


TEXT_PLACES = ("a", "b", "c", "d")
SLOTS = st.lists(
    st.tuples(st.sampled_from(TEXT_PLACES), st.integers(0, 6), st.integers(0, 1439), st.integers(1, 300)), max_size=10
).map(lambda rows: [(place, day, start, min(start + length, 1440)) for place, day, start, length in rows])
TIMES = st.dictionaries(
    st.tuples(st.sampled_from(ORIGINS["code"].tolist()), st.sampled_from(TEXT_PLACES)), st.integers(0, 40), max_size=12
)


def table(rows: list[tuple[str, int, int, int]]) -> pd.DataFrame:
    """Merge intervals of one place: those of a layer do not overlap."""
    week = {place: np.zeros(10080, dtype=bool) for place, *_ in rows}
    for place, day, start, end in rows:
        week[place][day * 1440 + start : day * 1440 + end] = True
    merged = []
    for place, minutes in sorted(week.items()):
        for day in range(7):
            edges = np.flatnonzero(np.diff(minutes[day * 1440 : (day + 1) * 1440].astype(int), prepend=0, append=0))
            merged += [(place, day, int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
    kinds = {"place": "str", "day": "int64", "start_min": "int64", "end_min": "int64"}
    return pd.DataFrame(merged, columns=list(kinds)).astype(kinds)


def near(times: dict[tuple[str, str], int]) -> pd.DataFrame:
    return pairs(*[(code, place, float(time)) for (code, place), time in times.items()])


KNOWN = pd.DataFrame({"place": TEXT_PLACES, "presence": PERMANENT, "hours_known": True})


def measured(times: dict[tuple[str, str], int], intervals: pd.DataFrame, places: pd.DataFrame = KNOWN) -> pd.DataFrame:
    return reachable_hours(ORIGINS, near(times), places, intervals, limit_min=20.0, evening_h=17.5)


@given(TIMES, SLOTS)
def test_the_profile_is_the_count_minute_by_minute(
    times: dict[tuple[str, str], int], rows: list[tuple[str, int, int, int]]
) -> None:
    intervals = table(rows)
    profile = week_profile(ORIGINS, near(times), intervals, limit_min=20.0)
    for number, code in enumerate(ORIGINS["code"]):
        minutes = np.zeros(10080, dtype=bool)
        for place, day, start, end in rows:
            if times.get((code, place), 99) <= 20:
                minutes[day * 1440 + start : day * 1440 + end] = True
        assert profile[number].tolist() == minutes.reshape(168, 60).sum(axis=1).tolist()
    found = measured(times, intervals)
    assert found["open_hours"].to_numpy() == pytest.approx(profile.sum(axis=1) / 60)
    assert (found["open_hours"] <= found["offer_hours"] + 1e-9).all()


@settings(max_examples=15)
@given(TIMES, SLOTS, st.randoms(use_true_random=False))
def test_row_order_never_matters(
    times: dict[tuple[str, str], int], rows: list[tuple[str, int, int, int]], random: st.randoms
) -> None:
    shuffled = list(times.items())
    random.shuffle(shuffled)
    intervals = table(rows)
    mixed = intervals.sample(frac=1.0, random_state=random.randint(0, 99))
    pd.testing.assert_frame_equal(measured(times, intervals), measured(dict(shuffled), mixed, KNOWN.iloc[::-1]))


@settings(max_examples=15)
@given(TIMES, SLOTS, st.sampled_from(TEXT_PLACES))
def test_closing_a_site_never_adds_and_reopening_restores(
    times: dict[tuple[str, str], int], rows: list[tuple[str, int, int, int]], closed: str
) -> None:
    intervals = table(rows)
    before = measured(times, intervals)
    without = {pair: time for pair, time in times.items() if pair[1] != closed}
    after = measured(without, intervals)
    for column in ("places", "open_hours", "offer_hours"):
        assert (after[column] <= before[column]).all()
    for moment in ("evening", "saturday", "sunday"):
        assert (before[moment] | ~after[moment]).all()
    reopened = without | {pair: time for pair, time in times.items() if pair[1] == closed}
    pd.testing.assert_frame_equal(measured(reopened, intervals), before)


MEMBERS = pd.DataFrame(
    {
        "territory": ["e1", "e1", "e2"],
        "code": ["65001", "65002", "65003"],
        "population": [100, 300, 50],
        "inside": [True, False, True],
    }
)


def test_shares_of_population_in_closed_form() -> None:
    reachable = reach(NEAR).reset_index()
    found = presence_shares(MEMBERS, reachable, level="epci").set_index(["territory", "part"])
    whole = found.loc["e1", PARTS[0]]
    assert (whole["population"], whole["population_evening"], whole["population_saturday"]) == (400, 300, 100)
    assert (whole["share_evening"], whole["share_saturday"], whole["share_sunday"]) == (0.75, 0.25, 0.0)
    hours = reachable.set_index("code")["open_hours"]
    assert whole["mean_hours"] == pytest.approx((hours["65001"] + 3 * hours["65002"]) / 4)
    assert whole["median_hours"] == hours["65002"]
    assert found.loc[("e1", PARTS[2]), "share_evening"] == 1.0
    assert found.loc[("e2", PARTS[0]), "mean_hours"] == 0.0
    sums = [column for column in found.columns if column.startswith("population")] + ["communes"]
    pieces = found.drop(PARTS[0], level="part").groupby("territory")[sums].sum()
    pd.testing.assert_frame_equal(pieces, found.xs(PARTS[0], level="part")[sums])


def test_unknown_moments_are_left_out_of_shares_and_counted() -> None:
    reachable = reach(pairs(("65001", "mute", 1.0), ("65002", "halt", 1.0))).reset_index()
    found = presence_shares(MEMBERS, reachable, level="epci").set_index(["territory", "part"])
    whole = found.loc["e1", PARTS[0]]
    assert (whole["population_evening"], whole["population_evening_unknown"], whole["share_evening"]) == (300, 100, 1.0)
    assert np.isnan(found.loc[("e1", PARTS[1]), "share_evening"])
    assert np.isnan(found.loc[("e1", PARTS[1]), "mean_hours"])
    assert whole["mean_hours"] == pytest.approx(31 / 60)


def test_the_curve_in_closed_form() -> None:
    profile = week_profile(ORIGINS, NEAR, INTERVALS, limit_min=20.0)
    curve = (
        presence_curve(MEMBERS, ORIGINS, profile, level="epci")
        .set_index(["territory", "part", "day", "hour"])
        .sort_index()
    )
    assert len(curve) == 5 * 168  # e1 on both sides of the border, e2 on one
    monday = curve.loc[("e1", PARTS[0], 0)]
    assert monday.loc[9, ["share_whole", "share_mean", "share_any"]].tolist() == [1.0, 1.0, 1.0]
    assert monday.loc[12, "share_whole"] == 0.25  # b only, until 13:00
    assert monday.loc[17, ["share_whole", "share_mean", "share_any"]].tolist() == [0.0, 0.5, 1.0]
    assert curve.loc[("e1", PARTS[0], 2, 17), "share_mean"] == pytest.approx(0.75 * 31 / 60)
    assert (curve.loc["e2"][["share_whole", "share_mean", "share_any"]] == 0.0).all(axis=None)


@settings(max_examples=15)
@given(TIMES, SLOTS, st.lists(st.integers(0, 500), min_size=3, max_size=3))
def test_the_curve_adds_up_to_the_mean_hours(
    times: dict[tuple[str, str], int], rows: list[tuple[str, int, int, int]], populations: list[int]
) -> None:
    members = MEMBERS.assign(population=populations)
    intervals = table(rows)
    profile = week_profile(ORIGINS, near(times), intervals, limit_min=20.0)
    curve = presence_curve(members, ORIGINS, profile, level="epci")
    keys = ["territory", "part"]
    added = curve.groupby(keys)["share_mean"].sum(min_count=168)
    shares = presence_shares(members, measured(times, intervals), level="epci").set_index(keys)
    assert added.to_numpy() == pytest.approx(shares["mean_hours"].reindex(added.index).to_numpy(), nan_ok=True)
    lived = curve.dropna()
    assert (lived["share_whole"] <= lived["share_mean"] + 1e-12).all()
    assert (lived["share_mean"] <= lived["share_any"] + 1e-12).all()


def test_a_place_is_open_at_its_first_minute_and_closed_at_its_last() -> None:
    slots = [(0, 539), (0, 540), (0, 719), (0, 720), (5, 600), (5, 601)]
    answers = slot_answers(["b", "a", "none"], INTERVALS, slots)
    assert answers[1].tolist() == [False, True, True, False, False, False]
    assert answers[0].tolist() == [False, False, True, True, True, False]
    assert not answers[2].any()


def test_the_nearest_open_place_moves_with_the_hour() -> None:
    given_pairs = pairs(
        ("65001", "b", 12.0), ("65001", "a", 12.0), ("65002", "mute", 1.0), ("65002", "b", 30.0), ("65001", "bus", 1.0)
    )
    slots = [(0, 560), (0, 630), (0, 760), (1, 600)]
    found = nearest_open(ORIGINS, given_pairs, PLACES, INTERVALS, slots=slots, limit_min=20.0)
    own = found[found["code"] == "65001"]
    assert own["place"].tolist()[:3] == ["a", "a", "b"]  # both open at 10:30, equal times: the lowest identifier
    assert own["reason"].tolist() == ["atteint", "atteint", "atteint", ALL_CLOSED]
    assert own["time_min"].tolist()[:3] == [12.0, 12.0, 12.0]
    assert set(found.loc[found["code"] == "65002", "reason"]) == {HOURS_UNKNOWN}
    assert set(found.loc[found["code"] == "65003", "reason"]) == {NO_PLACE}
    assert len(found) == 12
    assert found.loc[found["reason"] != "atteint", "place"].isna().all()


@given(TIMES, SLOTS, st.integers(0, 6), st.integers(0, 1439))
def test_the_nearest_open_place_is_the_least_of_those_open(
    times: dict[tuple[str, str], int], rows: list[tuple[str, int, int, int]], day: int, minute: int
) -> None:
    found = nearest_open(ORIGINS, near(times), KNOWN, table(rows), slots=[(day, minute)], limit_min=20.0)
    is_open = {place for place, on, start, end in rows if on == day and start <= minute < end}
    for row in found.itertuples():
        options = sorted(
            (time, place) for (code, place), time in times.items() if code == row.code and place in is_open
        )
        options = [option for option in options if option[0] <= 20]
        assert (None if pd.isna(row.place) else row.place) == (options[0][1] if options else None)
        if options:
            assert row.time_min == options[0][0]


def test_nothing_at_all() -> None:
    found = reach(pairs())
    assert set(found["reason"]) == {NO_PLACE}
    assert week_profile(ORIGINS, pairs(), INTERVALS.iloc[:0], limit_min=20.0).sum() == 0
    assert nearest_open(ORIGINS, pairs(), PLACES, INTERVALS, slots=[(0, 600)])["time_min"].isna().all()


def test_the_list_of_2024(shared: Callable[[str], Path]) -> None:
    """Every site as seen from its own door: what it publishes, and no more."""
    grid = read_services(shared("france_services/liste-fs-20240801.csv"))
    opening = weekly_presence(grid, permanent_formats=("fixe", "antenne"), monday=dt.date(2024, 1, 1))
    own = pd.DataFrame({"code": grid["id"], "place": grid["id"], "time_min": 0.0})
    origins = own[["code"]]
    found = reachable_hours(origins, own, opening.places, opening.intervals, limit_min=0.0, evening_h=17.5)
    found = found.set_index("code")
    moving = grid.loc[grid["format"].isin(["itinerant", "multisite"]), "id"]
    assert set(found.loc[moving, "reason"]) == {NO_PLACE}
    assert (found.loc[moving, "open_hours"] == 0).all()
    known = found[found["reason"] == ""]
    assert len(known) + (found["reason"] == HOURS_UNKNOWN).sum() + len(moving) == 2845
    assert known["open_hours"].to_numpy() == pytest.approx(known["offer_hours"].to_numpy())
    assert 0.05 < known["evening"].mean() < 0.5
    assert not known["sunday"].any()


def test_a_commune_that_was_not_measured_has_no_hours() -> None:
    """Not known is not closed: its figures are missing, and its inhabitants are counted apart."""
    unmeasured = pd.Series({"65003": "hors réseau"})
    table = reachable_hours(
        ORIGINS, NEAR, PLACES, INTERVALS, limit_min=20.0, evening_h=17.5, unmeasured=unmeasured
    ).set_index("code")
    assert table.loc["65003", "reason"] == "hors réseau"
    assert table.loc["65003"].drop("reason").isna().all()
    pd.testing.assert_frame_equal(table.loc[["65001", "65002"]], reach(NEAR).loc[["65001", "65002"]])
    members = pd.DataFrame({"territory": "65", "code": ORIGINS["code"], "population": [100, 300, 1000], "inside": True})
    shares = presence_shares(members, table.reset_index(), level="departement").iloc[0]
    assert shares["population"] == 1400
    assert shares["population_saturday_unknown"] == 1000
    assert shares["share_saturday"] == 0.25
    hours = reach(NEAR)["open_hours"]
    assert shares["mean_hours"] == pytest.approx((100 * hours["65001"] + 300 * hours["65002"]) / 400)
