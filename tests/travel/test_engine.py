"""The interface of the engines: times where reached, a reason elsewhere."""

from __future__ import annotations

import numpy as np

from sdaasp_geo.travel.engine import NOT_MEASURED, REACHED, UNREACHABLE, reasons


def test_a_finite_time_is_reached_and_the_rest_has_its_reason() -> None:
    times = np.array([[0.0, 12.5], [np.nan, np.inf]])
    assert reasons(times, missing=UNREACHABLE).tolist() == [[REACHED, REACHED], [UNREACHABLE, UNREACHABLE]]
    assert reasons(times, missing=NOT_MEASURED)[1].tolist() == [NOT_MEASURED, NOT_MEASURED]
