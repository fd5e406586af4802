"""Pairs within reach: what the table of times says, no more and no less."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from sdaasp_geo.travel.engine import NOT_MEASURED, REACHED, UNREACHABLE, Engine, Method, TimeMatrix
from sdaasp_geo.travel.pairs import PAIR_COLUMNS, pairs_and_gaps, pairs_of, pairs_within

METHOD = Method(code="essai", label="essai", estimate=False, description="", source="")


def _engine(limit_x: float = 50.0) -> Engine:
    """Make an engine on a line: a minute for a metre; beyond ``limit_x`` nothing is measured."""

    def engine(origins: pd.DataFrame, places: pd.DataFrame) -> TimeMatrix:
        apart = np.abs(origins["ref_x"].to_numpy()[:, None] - places["x"].to_numpy())
        unknown = (origins["ref_x"].to_numpy() > limit_x)[:, None] | np.zeros(apart.shape, dtype=bool)
        reason = np.select([unknown, apart > 40], [NOT_MEASURED, UNREACHABLE], REACHED)
        time_min = np.where(reason == REACHED, apart, np.nan)
        return TimeMatrix(origins, places, time_min, time_min - 1, time_min + 1, reason, METHOD)

    return engine


POSITIONS = st.lists(st.integers(0, 60), min_size=1, max_size=12)


@given(POSITIONS, POSITIONS, st.integers(0, 45), st.integers(1, 7))
def test_pairs_are_the_reached_times_within_the_limit(
    starts: list[int], ends: list[int], limit: int, step: int
) -> None:
    origins = pd.DataFrame({"code": [f"{i:05d}" for i in range(len(starts))], "ref_x": np.array(starts, dtype=float)})
    places = pd.DataFrame({"id": [f"p{i:02d}" for i in range(len(ends))], "x": np.array(ends, dtype=float)})
    expected = {
        (f"{i:05d}", f"p{j:02d}"): abs(x - y)
        for i, x in enumerate(starts)
        for j, y in enumerate(ends)
        if x <= 50 and abs(x - y) <= min(limit, 40)
    }
    whole = pairs_of(_engine()(origins, places), limit_min=limit)
    assert tuple(whole.columns) == PAIR_COLUMNS
    assert dict(zip(zip(whole["code"], whole["place"], strict=True), whole["time_min"], strict=True)) == expected
    assert whole[["code", "place"]].apply(tuple, axis=1).is_monotonic_increasing
    cut = pairs_within(_engine(), origins, places, limit_min=limit, origins_at_once=step)
    pd.testing.assert_frame_equal(cut, whole)


def test_a_time_equal_to_the_limit_is_within() -> None:
    origins = pd.DataFrame({"code": ["65001"], "ref_x": [0.0]})
    places = pd.DataFrame({"id": ["a", "b"], "x": [20.0, 20.5]})
    assert pairs_of(_engine()(origins, places), limit_min=20)["place"].tolist() == ["a"]


@given(POSITIONS, POSITIONS, st.integers(0, 45), st.integers(1, 7))
def test_gaps_are_the_pairs_that_were_not_measured(starts: list[int], ends: list[int], limit: int, step: int) -> None:
    """Beyond 50 nothing is measured; beyond 40 minutes there is no path, and that is known."""
    origins = pd.DataFrame({"code": [f"{i:05d}" for i in range(len(starts))], "ref_x": np.array(starts, dtype=float)})
    places = pd.DataFrame({"id": [f"p{i:02d}" for i in range(len(ends))], "x": np.array(ends, dtype=float)})
    pairs, gaps = pairs_and_gaps(_engine(), origins, places, limit_min=limit, origins_at_once=step)
    pd.testing.assert_frame_equal(pairs, pairs_within(_engine(), origins, places, limit_min=limit))
    expected = {(f"{i:05d}", f"p{j:02d}") for i, x in enumerate(starts) for j in range(len(ends)) if x > 50}
    assert set(zip(gaps["code"], gaps["place"], strict=True)) == expected
    assert set(gaps["reason"]) <= {NOT_MEASURED}


def test_a_pair_that_may_be_within_is_listed_where_it_is_asked_for() -> None:
    """The band is a minute on each side: 21 minutes may be 20, 21.5 may not."""
    origins = pd.DataFrame({"code": ["65001"], "ref_x": [0.0]})
    places = pd.DataFrame({"id": ["a", "b", "c"], "x": [20.0, 21.0, 21.5]})
    pairs, _ = pairs_and_gaps(_engine(), origins, places, limit_min=20, possible_min=20)
    assert pairs["place"].tolist() == ["a", "b"]
    pairs, _ = pairs_and_gaps(_engine(), origins, places, limit_min=20)
    assert pairs["place"].tolist() == ["a"]
