"""Calibrated straight line: car minutes between two points, from their distance and the density at both ends.

::

    e       = (log(1 + density of origin) + log(1 + density of place)) / 2      inhabitants per km²
    L       = log(distance + floor)                                             km
    minutes = exp(intercept + distance · L + density · e + interaction · e · L)

Pure functions, without reading or writing. The coefficients and their error are fitted by
``scripts/fit_straight_line.py`` and kept in ``data/travel/straight_line.toml``; see ``docs/straight_line.md``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sdaasp_geo.errors import TravelError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Floats = npt.NDArray[np.float64]

DENSEST_KM2 = 60_000.0
"""No commune of France is denser (inhabitants per km²): times must increase with distance up to there."""

_METRES_PER_KM = 1000.0


@dataclass(frozen=True)
class StraightLine:
    """Coefficients of the calibrated straight line, and its 90 % error band.

    Attributes
    ----------
    intercept, distance, density, interaction : float
        Coefficients on the logarithm of minutes (see the module).
    distance_floor_km : float
        Added to every distance, so that the time within one place is small but not zero.
    band_time_min : tuple of float
        Increasing predicted minutes at which the band is given; constant outside, linear in the logarithm between.
    band_low, band_high : tuple of float
        5 % and 95 % quantiles of log(measured / predicted) there, out of fold.
    """

    intercept: float
    distance: float
    density: float
    interaction: float
    distance_floor_km: float
    band_time_min: tuple[float, ...]
    band_low: tuple[float, ...]
    band_high: tuple[float, ...]


def from_mapping(mapping: Mapping[str, Any]) -> StraightLine:
    """Make the model from the content of ``straight_line.toml``, as ``tomllib`` or ``msgspec`` reads it.

    Parameters
    ----------
    mapping : Mapping
        Holds the tables ``coefficients`` and ``band``; the rest is documentation.

    Raises
    ------
    TravelError
        When a coefficient is missing, or would make a time decrease with distance.
    """
    try:
        fitted, band = mapping["coefficients"], mapping["band"]
        model = StraightLine(
            intercept=float(fitted["intercept"]),
            distance=float(fitted["distance"]),
            density=float(fitted["density"]),
            interaction=float(fitted["interaction"]),
            distance_floor_km=float(fitted["distance_floor_km"]),
            band_time_min=_floats(band["time_min"]),
            band_low=_floats(band["low"]),
            band_high=_floats(band["high"]),
        )
    except KeyError as missing:
        message = f"Calage de la ligne droite\N{NO-BREAK SPACE}: la clé {missing} manque."
        raise TravelError(message) from missing
    _check(model)
    return model


def density_km2(population: npt.ArrayLike, area_km2: npt.ArrayLike) -> Floats:
    """Return inhabitants per km² of communes; NaN where population or area is unknown, or the area not positive."""
    people, area = np.broadcast_arrays(np.asarray(population, dtype=float), np.asarray(area_km2, dtype=float))
    density = np.full(people.shape, np.nan)
    np.divide(people, area, out=density, where=(area > 0) & (people >= 0))
    return density


def distance_matrix_km(origins_xy: npt.ArrayLike, places_xy: npt.ArrayLike) -> Floats:
    """Return straight-line distances from every origin (rows) to every place (columns).

    Parameters
    ----------
    origins_xy, places_xy : array_like of shape (n, 2), (m, 2)
        Coordinates in metres, in the same legal CRS (EPSG:2154 in mainland France); NaN where unknown.

    Returns
    -------
    ndarray of shape (n, m)
        Kilometres; NaN where a point is unknown.
    """
    origins = np.asarray(origins_xy, dtype=float).reshape(-1, 2)
    places = np.asarray(places_xy, dtype=float).reshape(-1, 2)
    dx = origins[:, :1] - places[:, 0]
    dy = origins[:, 1:] - places[:, 1]
    return np.asarray(np.hypot(dx, dy) / _METRES_PER_KM)


def predict_min(
    model: StraightLine,
    *,
    distance_km: npt.ArrayLike,
    origin_density_km2: npt.ArrayLike,
    place_density_km2: npt.ArrayLike,
) -> Floats:
    """Estimate car minutes (median) between two points.

    Parameters
    ----------
    model : StraightLine
        Fitted model.
    distance_km : array_like
        Straight-line distance, not negative.
    origin_density_km2, place_density_km2 : array_like
        Inhabitants per km² of the communes at both ends. For a matrix give shapes (n, m), (n, 1) and (m,).

    Returns
    -------
    ndarray
        Minutes, of the broadcast shape; positive, increasing with distance; NaN where an input is NaN.
    """
    log_distance = np.log(np.asarray(distance_km, dtype=float) + model.distance_floor_km)
    log_density = (_log1p(origin_density_km2) + _log1p(place_density_km2)) / 2
    slope = model.distance + model.interaction * log_density
    return np.asarray(np.exp(model.intercept + model.density * log_density + slope * log_distance))


def band_min(model: StraightLine, time_min: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Return bounds between which the true minutes lie nine times out of ten, around predicted minutes.

    Parameters
    ----------
    model : StraightLine
        Fitted model.
    time_min : array_like
        Predicted minutes, from :func:`predict_min`.

    Returns
    -------
    low, high : ndarray
        Minutes, of the same shape, both increasing with ``time_min``; NaN where the prediction is NaN.
    """
    time = np.asarray(time_min, dtype=float)
    with np.errstate(divide="ignore"):
        at = np.log(time)
    knots = np.log(model.band_time_min)
    low = time * np.exp(np.interp(at, knots, model.band_low))
    high = time * np.exp(np.interp(at, knots, model.band_high))
    return np.asarray(low), np.asarray(high)


def _log1p(density: npt.ArrayLike) -> Floats:
    return np.asarray(np.log1p(np.asarray(density, dtype=float)))


def _floats(values: Sequence[float]) -> tuple[float, ...]:
    return tuple(float(value) for value in values)


def _check(model: StraightLine) -> None:
    """Refuse a model that would behave against sense: times and both bounds must increase with distance."""
    knots = np.log(model.band_time_min)
    low, high = np.array(model.band_low), np.array(model.band_high)
    steepest = model.distance + model.interaction * np.log1p([0.0, DENSEST_KM2])
    sound = (
        model.distance_floor_km > 0
        and len(knots) == len(low) == len(high) > 0
        and bool(np.all(np.diff(knots) > 0))
        and bool(np.all(steepest > 0))
        and bool(np.all(low <= 0))
        and bool(np.all(high >= 0))
        and bool(np.all(np.diff(knots + low) > 0))
        and bool(np.all(np.diff(knots + high) > 0))
    )
    if not sound:
        message = "Calage de la ligne droite\N{NO-BREAK SPACE}: les durées doivent croître avec la distance."
        raise TravelError(message)
