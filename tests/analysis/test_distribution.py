"""Deciles: the same quantile as the published median and P90, whole and by side of the border."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdaasp_geo.analysis.access import weighted_figures
from sdaasp_geo.analysis.distribution import DECILES, distribution, in_order, with_parts
from sdaasp_geo.analysis.levels import territory_members
from sdaasp_geo.study import Measures, Study


def tables(rows: list[tuple[float, int, bool]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Members of one territory « t », and their times."""
    codes = [f"{65001 + number}" for number in range(len(rows))]
    members = pd.DataFrame(
        {
            "territory": "t",
            "code": codes,
            "population": [population for _, population, _ in rows],
            "inside": [inside for _, _, inside in rows],
        }
    )
    access = pd.DataFrame({"code": codes, "service": "msap", "time_min": [time for time, _, _ in rows]})
    return members, access


ROWS = st.lists(
    st.tuples(st.floats(0, 90) | st.just(math.nan), st.integers(0, 50), st.booleans()), min_size=1, max_size=12
)


def smallest_time_that_covers(times: list[float], people: list[int], tenths: int) -> float:
    """Compute the definition, in whole numbers: the smallest time within which tenths / 10 of the people live."""
    for time in sorted(times):
        within = sum(count for other, count in zip(times, people, strict=True) if other <= time)
        if 10 * within >= tenths * sum(people):
            return time
    raise AssertionError


def test_ten_equal_communes_give_their_own_times() -> None:
    members, access = tables([(float(time), 7, True) for time in range(1, 11)])
    row = distribution(members, access, level="epci").iloc[0]
    assert row[list(DECILES)].tolist() == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]
    assert row[["mean_min", "max_min", "d9_d1", "population"]].tolist() == [5.5, 10.0, 9.0, 70]


@given(ROWS)
def test_deciles_follow_their_definition(rows: list[tuple[float, int, bool]]) -> None:
    members, access = tables(rows)
    row = distribution(members, access, level="epci").iloc[0]
    known = [(time, count) for time, count, _ in rows if not math.isnan(time) and count]
    assert row["population"] == sum(count for _, count in known)
    if not known:
        assert row[[*DECILES, "mean_min", "max_min"]].isna().all()
        return
    times, people = [time for time, _ in known], [count for _, count in known]
    assert [row[name] for name in DECILES] == [smallest_time_that_covers(times, people, rank) for rank in range(1, 10)]


@given(ROWS)
def test_the_fifth_and_the_ninth_are_the_published_median_and_p90(rows: list[tuple[float, int, bool]]) -> None:
    members, access = tables(rows)
    table = distribution(members, access, level="epci")
    stacked = with_parts(members.merge(access, on="code"))
    published = in_order(weighted_figures(stacked, ["service", "territory", "part"]).reset_index())
    for ours, theirs in (("mean_min", "mean_min"), ("d5_min", "median_min"), ("d9_min", "p90_min")):
        np.testing.assert_array_equal(table[ours], published[theirs])


@given(ROWS, st.randoms())
def test_row_order_does_not_matter(rows: list[tuple[float, int, bool]], random: object) -> None:
    members, access = tables(rows)
    order = list(range(len(rows)))
    random.shuffle(order)  # type: ignore[attr-defined]
    again = distribution(members.iloc[order], access.iloc[order[::-1]], level="epci")
    pd.testing.assert_frame_equal(distribution(members, access, level="epci"), again)


def test_parts_come_whole_inside_outside_and_nobody_gives_nothing() -> None:
    members, access = tables([(10.0, 5, True), (20.0, 0, False)])
    table = distribution(members, access, level="petr")
    assert table["part"].tolist() == ["entier", "dans le département", "hors du département"]
    assert table["level"].unique().tolist() == ["petr"]
    assert table["d5_min"].tolist()[:2] == [10.0, 10.0]
    assert table[[*DECILES, "d9_d1"]].iloc[2].isna().all()
    assert table["population"].tolist() == [5, 5, 0]


def test_no_ratio_over_a_zero_first_decile() -> None:
    members, access = tables([(0.0, 5, True), (20.0, 5, True)])
    assert math.isnan(distribution(members, access, level="epci").iloc[0]["d9_d1"])


@pytest.mark.parametrize("name", ["65", "04"])
def test_real_deciles_agree_with_the_summary(name: str, request: pytest.FixtureRequest) -> None:
    study: Study = request.getfixturevalue(f"study_{name}")
    measures: Measures = request.getfixturevalue(f"measures_{name}")
    studied = study.communes[study.communes["studied"]]
    members = territory_members(studied, study.petr_members, epci=set(study.epci["siren"]), departement=name)["epci"]
    table = distribution(members, measures.access, level="epci")
    both = table.merge(measures.summary[measures.summary["level"] == "epci"], on=["territory", "part", "service"])
    assert len(both) == len(table) > 20
    np.testing.assert_array_equal(both["d5_min"], both["median_min"])
    np.testing.assert_array_equal(both["d9_min"], both["p90_min"])
    rising = table.dropna()[list(DECILES)].to_numpy()
    assert (np.diff(rising, axis=1) >= 0).all()
