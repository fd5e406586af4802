"""The calibrated straight line as an engine: estimates, with their band, and never a zero or a silence."""

from __future__ import annotations

import tomllib

import numpy as np
import pandas as pd
import pytest

from sdaasp_geo import french
from sdaasp_geo.embedded import embedded_path
from sdaasp_geo.errors import TravelError
from sdaasp_geo.travel.engine import NOT_MEASURED, REACHED
from sdaasp_geo.travel.straight_line import straight_line_engine

CALIBRATION = embedded_path("travel/straight_line.toml").read_text(encoding="utf-8")
ENGINE = straight_line_engine(CALIBRATION, coverage=0.9)

ORIGINS = pd.DataFrame(
    {
        "code": ["a", "b", "c", "d"],
        "ref_x": [0.0, 10_000.0, np.nan, 0.0],
        "ref_y": [0.0, 0.0, 0.0, 0.0],
        "population": [1000, 1000, 1000, 1000],
        "area_km2": [10.0, 10.0, 10.0, np.nan],
    }
)
PLACES = pd.DataFrame(
    {
        "id": ["p", "q", "r"],
        "code_commune": ["a", "b", "x"],
        "x": [0.0, 20_000.0, 0.0],
        "y": [0.0, 0.0, 0.0],
        "commune_population": [1000, 1000, np.nan],
        "commune_area_km2": [10.0, 10.0, np.nan],
    }
)


def test_times_grow_with_distance_and_lie_in_their_band() -> None:
    found = ENGINE(ORIGINS, PLACES)
    here, near, far = found.time_min[0, 0], found.time_min[1, 0], found.time_min[0, 1]
    assert 0 < here < 3
    assert here < near < far
    assert found.time_min[1, 0] == pytest.approx(found.time_min[1, 1])
    measured = found.reason == REACHED
    assert (found.low_min[measured] <= found.time_min[measured]).all()
    assert (found.time_min[measured] <= found.high_min[measured]).all()


def test_an_unknown_position_or_density_is_not_measured() -> None:
    found = ENGINE(ORIGINS, PLACES)
    assert found.reason.tolist() == [
        [REACHED, REACHED, NOT_MEASURED],
        [REACHED, REACHED, NOT_MEASURED],
        [NOT_MEASURED] * 3,
        [NOT_MEASURED] * 3,
    ]
    assert np.isnan(found.time_min[found.reason == NOT_MEASURED]).all()


def test_every_output_can_say_that_it_is_an_estimate_and_its_error() -> None:
    method = ENGINE(ORIGINS, PLACES).method
    assert method.estimate
    assert method.description.startswith("Estimation")
    error = tomllib.loads(CALIBRATION)["validation"]["all"]["mean_absolute_error_min"]
    assert f"{french.number(error, digits=1)}{french.NBSP}min" in method.description
    assert "bande d'erreur" in method.description
    assert "Hackaviz 2019" in method.source


def test_a_band_of_another_share_is_refused() -> None:
    with pytest.raises(TravelError, match=r"90.*80"):
        straight_line_engine(CALIBRATION, coverage=0.8)
