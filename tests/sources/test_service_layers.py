"""Attributes of a layer of service points as text: every digit of a number is kept."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdaasp_geo.sources.service_layers import attribute_text


def test_whole_numbers_have_no_decimals_and_the_others_all_of_theirs() -> None:
    values = pd.Series([562123456.0, 1.5, 1234567.5, 0.1, -0.0, math.nan, 1e15])
    assert attribute_text(values).tolist() == ["562123456", "1.5", "1234567.5", "0.1", "0", "", "1000000000000000"]


@pytest.mark.parametrize("dtype", ["float32", "Float32", "Float64"])
def test_numbers_are_written_in_their_own_precision(dtype: str) -> None:
    assert attribute_text(pd.Series([0.1, 2.0, None], dtype=dtype)).tolist() == ["0.1", "2", ""]


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=5))
def test_a_number_comes_back_from_its_text(values: list[float]) -> None:
    text = attribute_text(pd.Series(values, dtype="float64"))
    assert np.array_equal(text.astype("float64").to_numpy(), np.array(values))
