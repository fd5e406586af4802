"""Inhabitants within each threshold: equality counts as within, and everything adds up."""

from __future__ import annotations

import datetime as dt
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdaasp_geo.analysis.coverage import PARTS, cover, reconcile, summarise
from sdaasp_geo.analysis.levels import LEVELS, cover_levels, territory_members
from sdaasp_geo.errors import ReconciliationError
from sdaasp_geo.parameters import Rule
from sdaasp_geo.study import Measures, Study

SUMS = ["population_within", "population_beyond", "population_not_measured"]


def rule(threshold: float, *, code: str = "") -> Rule:
    return Rule(
        code=code or f"caf-{threshold:g}",
        service="caf",
        threshold_min=threshold,
        beyond=f"plus-{threshold:g}",
        beyond_label=f"À plus de {threshold:g}",
        label="",
        valid_from=dt.date(2020, 1, 1),
        reference="",
    )


def access(times: list[float], *, band: float = 1.0) -> pd.DataFrame:
    time_min = np.array(times, dtype="float64")
    return pd.DataFrame(
        {
            "code": [f"c{i}" for i in range(len(times))],
            "service": "caf",
            "time_min": time_min,
            "low_min": time_min - band,
            "high_min": time_min + band,
            "reason": np.where(np.isfinite(time_min), "atteint", "non mesuré"),
            "place_departement": "65",
        }
    )


def members(
    populations: list[int], *, territories: list[str] | None = None, inside: list[bool] | None = None
) -> pd.DataFrame:
    size = len(populations)
    return pd.DataFrame(
        {
            "territory": territories or ["t"] * size,
            "code": [f"c{i}" for i in range(size)],
            "population": populations,
            "inside": inside or [True] * size,
            "departement": ["65" if here else "64" for here in (inside or [True] * size)],
        }
    )


@pytest.mark.parametrize(
    ("time", "within"), [(19.999, 10), (20.0, 10), (math.nextafter(20.0, 21.0), 0), (20.001, 0), (0.0, 10)]
)
def test_a_time_equal_to_the_threshold_is_within(time: float, within: int) -> None:
    table = cover(members([10]), access([time]), [rule(20.0)], level="commune")
    assert table.loc[table["part"] == "entier", "population_within"].tolist() == [within]
    assert table.loc[table["part"] == "entier", "population_beyond"].tolist() == [10 - within]


@pytest.mark.parametrize(("time", "check"), [(18.9, 0), (19.0, 0), (19.1, 10), (20.0, 10), (21.0, 10), (21.1, 0)])
def test_inhabitants_to_check_are_those_whose_band_holds_the_threshold(time: float, check: int) -> None:
    table = cover(members([10]), access([time]), [rule(20.0)], level="commune")
    assert table["population_to_check"].tolist()[0] == check


def test_parts_are_whole_inside_and_outside() -> None:
    table = cover(
        members([1, 2, 4, 8], territories=["a", "a", "b", "b"], inside=[True, False, True, True]),
        access([10, 30, 20, math.nan]),
        [rule(20.0)],
        level="epci",
    )
    rows = table.set_index(["territory", "part"])
    assert rows.index.tolist() == [("a", PARTS[0]), ("a", PARTS[1]), ("a", PARTS[2]), ("b", PARTS[0]), ("b", PARTS[1])]
    assert rows["population"].tolist() == [3, 1, 2, 12, 12]
    assert rows["population_within"].tolist() == [1, 1, 0, 4, 4]
    assert rows["population_not_measured"].tolist() == [0, 0, 0, 8, 8]
    assert rows["share_within"].tolist() == [1 / 3, 1.0, 0.0, 1.0, 1.0]


def test_nobody_measured_has_no_share() -> None:
    table = cover(members([5, 0]), access([math.nan, 3.0]), [rule(20.0)], level="epci")
    assert table["share_within"].isna().all()


def test_without_rules_the_table_is_empty_with_its_columns() -> None:
    assert list(cover(members([1]), access([1.0]), [], level="epci").columns) == list(
        cover(members([1]), access([1.0]), [rule(20.0)], level="epci").columns
    )


TIMES = st.one_of(st.just(math.nan), st.sampled_from([0.0, 19.9, 20.0, 20.1, 30.0]), st.floats(0, 60))
ROWS = st.lists(st.tuples(TIMES, st.integers(0, 50), st.booleans(), st.sampled_from("xyz")), min_size=1, max_size=8)
THRESHOLDS = st.lists(st.sampled_from([0.0, 10.0, 20.0, 20.1, 30.0, 45.0]), min_size=1, max_size=4, unique=True)


def tables(rows: list[tuple[float, int, bool, str]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    table = members([row[1] for row in rows], territories=[row[3] for row in rows], inside=[row[2] for row in rows])
    return table, access([row[0] for row in rows])


@given(ROWS, THRESHOLDS)
def test_within_beyond_and_not_measured_add_up_everywhere(
    rows: list[tuple[float, int, bool, str]], thresholds: list[float]
) -> None:
    own, times = tables(rows)
    table = cover(own, times, [rule(threshold) for threshold in thresholds], level="epci")
    assert (table[SUMS].sum(axis=1) == table["population"]).all()
    whole = table[table["part"] == PARTS[0]].groupby("rule")[["communes", "population", *SUMS]].sum()
    assert (whole["population"] == sum(row[1] for row in rows)).all()
    assert (whole["communes"] == len(rows)).all()
    sides = table[table["part"] != PARTS[0]].groupby("rule")[["communes", "population", *SUMS]].sum()
    pd.testing.assert_frame_equal(whole, sides)
    assert table["share_within"].dropna().between(0, 1).all()


@given(ROWS, THRESHOLDS)
def test_a_laxer_threshold_never_lowers_the_population_within(
    rows: list[tuple[float, int, bool, str]], thresholds: list[float]
) -> None:
    own, times = tables(rows)
    table = cover(own, times, [rule(threshold) for threshold in thresholds], level="epci")
    for _, group in table.groupby(["territory", "part"]):
        assert group["threshold_min"].is_monotonic_increasing
        assert group["population_within"].is_monotonic_increasing


@given(ROWS, st.data())
def test_the_order_of_rows_never_matters(rows: list[tuple[float, int, bool, str]], data: st.DataObject) -> None:
    own, times = tables(rows)
    order = data.draw(st.permutations(range(len(rows))))
    rules = [rule(20.0), rule(30.0)]
    pd.testing.assert_frame_equal(
        cover(own, times, rules, level="epci"),
        cover(own.iloc[order], times.iloc[order[::-1]], rules[::-1], level="epci"),
    )
    pd.testing.assert_frame_equal(
        summarise(own, times, level="epci"), summarise(own.iloc[order], times.iloc[order[::-1]], level="epci")
    )


@given(ROWS)
def test_levels_made_of_the_same_communes_reconcile(rows: list[tuple[float, int, bool, str]]) -> None:
    own, times = tables(rows)
    rules = [rule(20.0)]
    departement = own[own["inside"]].assign(territory="65")
    if departement.empty:
        return
    fine = cover(own, times, rules, level="epci")
    coarse = cover(departement, times, rules, level="departement")
    reconcile(fine, coarse)
    reconcile(cover(own.assign(territory=own["code"]), times, rules, level="commune"), coarse)


@pytest.mark.parametrize(
    "column", ["communes", "population", "population_within", "population_not_measured", "population_to_check"]
)
@pytest.mark.parametrize("row", [0, 1])
def test_a_total_that_was_tampered_with_is_refused(column: str, row: int) -> None:
    own, times = members([10, 20], territories=["a", "b"]), access([10.0, 40.0])
    fine = cover(own, times, [rule(20.0)], level="epci")
    coarse = cover(own.assign(territory="65"), times, [rule(20.0)], level="departement")
    reconcile(fine, coarse)
    wrong = fine.copy()
    wrong.loc[row, column] += 1
    with pytest.raises(ReconciliationError, match="epci"):
        reconcile(wrong, coarse)
    wrong = coarse.copy()
    wrong.loc[1, column] += 1
    with pytest.raises(ReconciliationError):
        reconcile(fine, wrong)


def test_a_commune_that_is_forgotten_is_refused() -> None:
    own, times = members([10, 20], territories=["a", "b"]), access([10.0, 40.0])
    coarse = cover(own.assign(territory="65"), times, [rule(20.0)], level="departement")
    with pytest.raises(ReconciliationError):
        reconcile(cover(own.head(1), times, [rule(20.0)], level="epci"), coarse)


def test_the_share_whose_nearest_place_is_elsewhere() -> None:
    times = access([10.0, 10.0, math.nan]).assign(place_departement=["64", "65", None])
    table = summarise(members([30, 10, 60]), times, level="epci").set_index("part")
    assert table.loc["entier", "nearest_elsewhere_share"] == 0.3


def test_levels_count_every_commune_of_the_departement_once(study_65: Study) -> None:
    studied = study_65.communes[study_65.communes["studied"]].reset_index(drop=True)
    found = territory_members(studied, study_65.petr_members, epci=set(study_65.epci["siren"]), departement="65")
    assert tuple(found) == LEVELS
    for level, table in found.items():
        assert table["inside"].sum() == 469, level
        assert not table["code"].duplicated().any()
    nobody = found["petr"][found["petr"]["territory"] == "aucun"]
    assert nobody["code"].tolist() == ["65018", "65176"]


def test_overlapping_petr_are_measured_and_not_reconciled(study_65: Study, measures_65: Measures) -> None:
    studied = study_65.communes[study_65.communes["studied"]].reset_index(drop=True)
    twice = study_65.petr_members[study_65.petr_members["petr"] == "coteaux"].assign(petr="autre")
    both = pd.concat([study_65.petr_members, twice], ignore_index=True)
    found = territory_members(studied, both, epci=set(study_65.epci["siren"]), departement="65")
    own = measures_65.access[measures_65.access["service"] == "france-services"]
    table, _ = cover_levels(found, own, study_65.rules)
    petr = table[(table["level"] == "petr") & (table["part"] == "entier")].set_index(["territory", "rule"])
    assert petr.loc["autre", "population"].tolist() == petr.loc["coteaux", "population"].tolist()


@pytest.mark.parametrize("name", ["65", "04"])
def test_real_coverage_reconciles_at_every_level(name: str, request: pytest.FixtureRequest) -> None:
    study: Study = request.getfixturevalue(f"study_{name}")
    measures: Measures = request.getfixturevalue(f"measures_{name}")
    table = measures.coverage
    total = int(study.departement["population"].iloc[0])
    inside = table[table["part"] == "dans le département"]
    assert set(table["level"]) == set(LEVELS)
    sums = inside.groupby(["level", "rule"])[["population", *SUMS, "population_to_check", "communes"]].sum()
    assert (sums["population"] == total).all()
    first = sums.xs("departement", level="level")
    assert all(sums.xs(level, level="level").equals(first) for level in LEVELS)
    access_20 = measures.access[measures.access["service"] == "france-services"].set_index("code")["time_min"]
    communes = study.communes[study.communes["inside"]].set_index("code")
    within = int(communes.loc[access_20.reindex(communes.index) <= 20, "population"].sum())
    assert set(inside.loc[inside["rule"] == "france-services-20"].groupby("level")["population_within"].sum()) == {
        within
    }
