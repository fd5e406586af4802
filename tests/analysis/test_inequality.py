"""Theil and Gini: closed forms, exact additivity between and within groups, and what does not change them."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdaasp_geo.analysis.inequality import contributions, gini, inequality, theil
from sdaasp_geo.analysis.levels import territory_members
from sdaasp_geo.study import Measures, Study


def array(*values: float) -> np.ndarray:
    return np.array(values, dtype="float64")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.8])
def test_one_part_holds_all_equally(share: float) -> None:
    value, weight = array(0.0, 12.0), array(share, 1 - share)
    assert gini(value, weight) == pytest.approx(share)
    assert theil(value, weight) == pytest.approx(-math.log(1 - share))


@pytest.mark.parametrize(("share", "low", "high"), [(0.3, 5.0, 20.0), (0.5, 10.0, 11.0), (0.9, 1.0, 60.0)])
def test_two_groups(share: float, low: float, high: float) -> None:
    value, weight = array(high, low), array(1 - share, share) * 1000
    mean = share * low + (1 - share) * high
    assert gini(value, weight) == pytest.approx(share * (1 - share) * (high - low) / mean)
    expected = share * low / mean * math.log(low / mean) + (1 - share) * high / mean * math.log(high / mean)
    assert theil(value, weight) == pytest.approx(expected)


def test_equal_times_are_equal() -> None:
    assert theil(array(7.3, 7.3, 7.3), array(1.0, 4.0, 2.0)) == pytest.approx(0, abs=1e-15)
    assert gini(array(7.3, 7.3, 7.3), array(1.0, 4.0, 2.0)) == pytest.approx(0, abs=1e-15)


@pytest.mark.parametrize(
    ("value", "weight"), [(array(), array()), (array(0.0, 0.0), array(1.0, 2.0)), (array(3.0, 4.0), array(0.0, 0.0))]
)
def test_nothing_to_share_is_not_a_number(value: np.ndarray, weight: np.ndarray) -> None:
    assert math.isnan(theil(value, weight))
    assert math.isnan(gini(value, weight))


TIMES = st.floats(0, 120).map(lambda time: round(time, 3))
PEOPLE = st.lists(st.tuples(TIMES, st.integers(1, 40)), min_size=1, max_size=8)


@given(PEOPLE, st.floats(0.1, 10))
def test_scale_and_copies_do_not_matter_and_pairs_give_gini(people: list[tuple[float, int]], scale: float) -> None:
    value, weight = array(*(time for time, _ in people)), array(*(count for _, count in people))
    if value.sum() == 0:
        return
    one_by_one = np.repeat(value, weight.astype(int))
    half_mean_difference = np.abs(one_by_one[:, None] - one_by_one[None, :]).mean() / 2 / one_by_one.mean()
    assert gini(value, weight) == pytest.approx(half_mean_difference, abs=1e-9)
    for measure in (theil, gini):
        assert measure(one_by_one, np.ones(len(one_by_one))) == pytest.approx(measure(value, weight), abs=1e-9)
        assert measure(value * scale, weight * 3) == pytest.approx(measure(value, weight), abs=1e-9)
    assert 0 <= theil(value, weight) <= math.log(weight.sum() / weight.min()) + 1e-9
    assert 0 <= gini(value, weight) < 1


ROWS = st.lists(
    st.tuples(TIMES | st.just(math.nan), st.integers(0, 40), st.sampled_from(["a", "b", "c", None]), st.booleans()),
    min_size=1,
    max_size=12,
)


def tables(
    rows: list[tuple[float, int, str | None, bool]],
) -> tuple[pd.DataFrame, pd.DataFrame, pd.Series]:
    codes = [f"{65001 + number}" for number in range(len(rows))]
    times, people, groups, inside = zip(*rows, strict=True)
    members = pd.DataFrame({"territory": "t", "code": codes, "population": people, "inside": inside})
    access = pd.DataFrame({"code": codes, "service": "msap", "time_min": times})
    return members, access, pd.Series(groups, index=codes, dtype="str")


@given(ROWS)
def test_between_and_within_add_up_and_agree_with_the_plain_formulas(
    rows: list[tuple[float, int, str | None, bool]],
) -> None:
    members, access, groups = tables(rows)
    table = inequality(members, access, groups, level="departement").set_index("part")
    parts = contributions(members, access, groups, level="departement")
    for part, sides in (("entier", {True, False}), ("dans le département", {True})):
        own = [row for row in rows if row[3] in sides and not math.isnan(row[0]) and row[1]]
        if part not in table.index:
            continue
        value, weight = array(*(row[0] for row in own)), array(*(row[1] for row in own))
        found = table.loc[part]
        np.testing.assert_allclose(found["theil"], theil(value, weight), atol=1e-12)
        np.testing.assert_allclose(found["gini"], gini(value, weight), atol=1e-12)
        np.testing.assert_allclose(found["theil_between"] + found["theil_within"], found["theil"], atol=1e-12)
        assert found["population"] == weight.sum()
        assert found["groups"] == len({row[2] for row in own})
        pieces = parts[parts["part"] == part]
        assert pieces["population"].sum() == weight.sum()
        if not math.isnan(found["theil"]):
            np.testing.assert_allclose(pieces["within"].sum(), found["theil_within"], atol=1e-12)
            np.testing.assert_allclose(pieces["between"].sum(), found["theil_between"], atol=1e-12)
            np.testing.assert_allclose(pieces[["population_share", "time_share"]].sum(), 1)


def test_all_between_or_all_within() -> None:
    between = tables([(5.0, 3, "a", True), (5.0, 1, "a", True), (20.0, 2, "b", True)])
    row = inequality(*between, level="departement").iloc[0]
    assert row["share_between"] == pytest.approx(1)
    assert row["theil_within"] == pytest.approx(0, abs=1e-15)
    within = tables([(5.0, 1, "a", True), (20.0, 1, "a", True), (5.0, 1, "b", True), (20.0, 1, "b", True)])
    row = inequality(*within, level="departement").iloc[0]
    assert row["share_between"] == pytest.approx(0, abs=1e-15)
    assert row["theil_within"] == pytest.approx(row["theil"])


def test_zero_times_everywhere_and_a_group_of_zeros() -> None:
    row = inequality(*tables([(0.0, 3, "a", True), (0.0, 3, "b", True)]), level="departement").iloc[0]
    assert row[["theil", "theil_between", "theil_within", "gini", "share_between"]].isna().all()
    assert row["mean_min"] == 0
    mixed = tables([(0.0, 3, "a", True), (0.0, 1, "a", True), (10.0, 4, "b", True)])
    row = inequality(*mixed, level="departement").iloc[0]
    assert row["theil"] == pytest.approx(math.log(2))
    assert row["theil_between"] == pytest.approx(math.log(2))
    zero = contributions(*mixed, level="departement").iloc[0]
    assert zero[["group", "between", "within", "mean_min"]].tolist() == ["a", 0.0, 0.0, 0.0]
    assert math.isnan(zero["theil"])


def test_a_commune_of_no_group_counts_as_none() -> None:
    table = contributions(*tables([(1.0, 1, "a", True), (2.0, 1, None, True)]), level="departement")
    assert table[table["part"] == "entier"]["group"].tolist() == ["a", "aucun"]


@pytest.mark.parametrize("name", ["65", "04"])
def test_real_departements(name: str, request: pytest.FixtureRequest) -> None:
    study: Study = request.getfixturevalue(f"study_{name}")
    measures: Measures = request.getfixturevalue(f"measures_{name}")
    studied = study.communes[study.communes["studied"]]
    members = territory_members(studied, study.petr_members, epci=set(study.epci["siren"]), departement=name)
    epci = studied.set_index("code")["epci"]
    table = inequality(members["departement"], measures.access, epci, level="departement")
    np.testing.assert_allclose(table["theil_between"] + table["theil_within"], table["theil"], rtol=1e-12)
    assert table["share_between"].between(0, 1).all()
    assert table["gini"].between(0.05, 0.95).all()
    own = inequality(members["epci"], measures.access, epci, level="epci")
    np.testing.assert_allclose(own["theil_between"].dropna(), 0, atol=1e-12)
