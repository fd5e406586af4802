"""Nearest and second nearest, against a naive search."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from sdaasp_geo.travel.engine import NOT_MEASURED, OFF_NETWORK, REACHED, UNREACHABLE, Method, TimeMatrix
from sdaasp_geo.travel.nearest import NO_PLACE, nearest_places

METHOD = Method(code="essai", label="essai", estimate=False, description="", source="")


def matrix(
    times: npt.ArrayLike, *, ids: list[str] | None = None, reason: npt.NDArray[np.str_] | None = None
) -> TimeMatrix:
    values = np.asarray(times, dtype="float64")
    origins = pd.DataFrame({"code": [f"o{i}" for i in range(values.shape[0])]})
    places = pd.DataFrame({"id": ids or [f"p{i}" for i in range(values.shape[1])]})
    found = np.where(np.isfinite(values), REACHED, UNREACHABLE) if reason is None else reason
    return TimeMatrix(origins, places, values, values - 1, values + 1, found, METHOD)


MINUTES = arrays(
    "float64", array_shapes(min_dims=2, max_dims=2, max_side=6), elements=st.sampled_from([0, 1, 2.5, 9, math.nan])
)


@given(MINUTES, st.integers(1, 3))
def test_against_a_naive_search(times: npt.NDArray[np.float64], rank: int) -> None:
    found = nearest_places(matrix(times), rank=rank)
    assert found["code"].tolist() == [f"o{i}" for i in range(len(times))]
    for row, values in enumerate(times):
        ranked = sorted((value, f"p{i}") for i, value in enumerate(values) if not math.isnan(value))
        if len(ranked) >= rank:
            time, place = ranked[rank - 1]
            assert found.loc[row, ["place", "time_min", "low_min", "high_min", "reason"]].tolist() == [
                place,
                time,
                time - 1,
                time + 1,
                REACHED,
            ]
        else:
            assert pd.isna(found.loc[row, "place"])
            assert math.isnan(found.loc[row, "time_min"])
            assert found.loc[row, "reason"] == (
                UNREACHABLE if times.shape[1] >= rank and len(ranked) < times.shape[1] else NO_PLACE
            )


@given(MINUTES, st.data())
def test_the_order_of_places_never_matters(times: npt.NDArray[np.float64], data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(times.shape[1])))
    one = nearest_places(matrix(times))
    other = nearest_places(matrix(times[:, order], ids=[f"p{i}" for i in order]))
    pd.testing.assert_frame_equal(one, other)


@given(MINUTES)
def test_one_more_place_never_lengthens_a_time(times: npt.NDArray[np.float64]) -> None:
    with_all = nearest_places(matrix(times))["time_min"]
    fewer = nearest_places(matrix(times[:, 1:], ids=[f"p{i}" for i in range(1, times.shape[1])]))["time_min"]
    assert (with_all.fillna(np.inf) <= fewer.fillna(np.inf)).all()


def test_ties_go_to_the_lowest_identifier() -> None:
    found = nearest_places(matrix([[5, 5, 5]], ids=["c", "a", "b"]))
    assert found["place"].tolist() == ["a"]
    assert nearest_places(matrix([[5, 5, 5]], ids=["c", "a", "b"]), rank=2)["place"].tolist() == ["b"]


def test_only_the_places_asked_for_are_considered() -> None:
    found = nearest_places(matrix([[1, 2, 3], [3, 2, 1]]), among=np.array([True, False, True]), rank=2)
    assert found["place"].tolist() == ["p2", "p0"]
    none = nearest_places(matrix([[1, 2]]), among=np.array([False, False]))
    assert none["reason"].tolist() == [NO_PLACE]
    assert none["place"].isna().all()


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ([UNREACHABLE, UNREACHABLE], UNREACHABLE),
        ([UNREACHABLE, NOT_MEASURED], NOT_MEASURED),
        ([OFF_NETWORK, OFF_NETWORK], OFF_NETWORK),
    ],
)
def test_an_origin_that_reaches_nothing_says_why(reason: list[str], expected: str) -> None:
    found = nearest_places(matrix([[math.nan, math.nan]], reason=np.array([reason])))
    assert found["reason"].tolist() == [expected]


def test_without_places_or_origins() -> None:
    assert nearest_places(matrix(np.empty((2, 0))))["reason"].tolist() == [NO_PLACE, NO_PLACE]
    assert nearest_places(matrix(np.empty((0, 2)))).empty
