"""Sensitivity to the threshold: a laxer one never adds a deficit, and sums agree with the published coverage."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdaasp_geo.analysis.levels import territory_members
from sdaasp_geo.analysis.sensitivity import sensitivity
from sdaasp_geo.study import Measures, Study

ROWS = st.lists(
    st.tuples(st.floats(0, 60) | st.just(math.nan), st.integers(0, 500), st.booleans()), min_size=1, max_size=10
)


def tables(rows: list[tuple[float, int, bool]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    codes = [f"{65001 + number}" for number in range(len(rows))]
    times, people, inside = zip(*rows, strict=True)
    members = pd.DataFrame({"territory": "t", "code": codes, "population": people, "inside": inside})
    access = pd.DataFrame({"code": codes, "service": "msap", "time_min": times})
    reason = access["time_min"].map(lambda time: "non mesuré" if math.isnan(time) else "atteint")
    return members, access.assign(low_min=access["time_min"] * 0.8, high_min=access["time_min"] * 1.2, reason=reason)


def test_counts_at_and_around_a_threshold() -> None:
    members, access = tables([(20.0, 10, True), (20.001, 5, True), (30.0, 3, False), (math.nan, 7, True)])
    table = sensitivity(members, access, thresholds=[30.0, 15.0, 20.0, 20.0], level="epci")
    whole = table[table["part"] == "entier"].set_index("threshold_min")
    assert whole.index.tolist() == [15.0, 20.0, 30.0]
    assert whole["communes"].tolist() == [4, 4, 4]
    assert whole["communes_beyond"].tolist() == [3, 2, 0]
    assert whole["population_beyond"].tolist() == [18, 8, 0]
    assert whole["communes_to_check"].tolist() == [0, 2, 1]
    assert whole["population_to_check"].tolist() == [0, 15, 3]
    assert whole["population_not_measured"].tolist() == [7, 7, 7]
    assert whole["share_beyond"].tolist() == [1.0, 8 / 18, 0.0]


@given(ROWS, st.lists(st.floats(0, 60), min_size=2, max_size=5, unique=True))
def test_a_laxer_threshold_never_adds_a_deficit(rows: list[tuple[float, int, bool]], thresholds: list[float]) -> None:
    table = sensitivity(*tables(rows), thresholds=thresholds, level="epci")
    for _, part in table.groupby("part"):
        assert part["communes_beyond"].is_monotonic_decreasing
        assert part["population_beyond"].is_monotonic_decreasing
        assert (part["communes"] == part["communes"].iloc[0]).all()
    whole, pieces = table[table["part"] == "entier"], table[table["part"] != "entier"]
    columns = [name for name in table.columns if name.startswith(("communes", "population"))]
    sums = pieces.groupby("threshold_min")[columns].sum()
    pd.testing.assert_frame_equal(whole.set_index("threshold_min")[columns], sums)


@pytest.mark.parametrize("name", ["65", "04"])
def test_it_agrees_with_the_published_coverage(name: str, request: pytest.FixtureRequest) -> None:
    study: Study = request.getfixturevalue(f"study_{name}")
    measures: Measures = request.getfixturevalue(f"measures_{name}")
    studied = study.communes[study.communes["studied"]]
    members = territory_members(studied, study.petr_members, epci=set(study.epci["siren"]), departement=name)
    table = sensitivity(members["epci"], measures.access, thresholds=(15.0, 20.0, 30.0), level="epci")
    keys = ["level", "territory", "part", "service", "threshold_min"]
    both = table.merge(measures.coverage, on=keys, suffixes=("", "_published"))
    assert len(both) > 20
    for column in ("communes", "population", "population_beyond", "population_to_check", "population_not_measured"):
        assert both[column].tolist() == both[f"{column}_published"].tolist()
