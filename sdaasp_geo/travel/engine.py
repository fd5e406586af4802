"""The interface of the travel engines: origins and places in, minutes out, with method and reason codes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

REACHED = "atteint"
UNREACHABLE = "inaccessible"
OFF_NETWORK = "hors réseau"
NOT_MEASURED = "non mesuré"
UNKNOWN_REASONS = (OFF_NETWORK, NOT_MEASURED)
"""Reasons of a time that is not known: there may be a path. The last one wins where both are found."""

Minutes = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Method:
    """How times were obtained; printed in every output.

    Attributes
    ----------
    code, label : str
        Identifier, and French label.
    estimate : bool
        True when times are estimated, not computed on a road network.
    description : str
        One or two French sentences: what it is, its error, its limits.
    source : str
        Data and vintage behind it.
    """

    code: str
    label: str
    estimate: bool
    description: str
    source: str


@dataclass(frozen=True)
class TimeMatrix:
    """Times from every origin to every place.

    Attributes
    ----------
    origins : DataFrame
        ``code`` and point of reference, one row per line of the matrix.
    places : DataFrame
        ``id`` and what describes it, one row per column.
    time_min, low_min, high_min : ndarray of float
        Minutes and their error band (equal to the time where the method is not an estimate);
        NaN exactly where ``reason`` is not ``atteint``.
    reason : ndarray of str
        ``atteint``, ``inaccessible`` (no path), ``hors réseau`` or ``non mesuré``.
    method : Method
        How times were obtained.
    origin_road, place_road : DataFrame, optional
        How points reach the road, where the engine has a network: ``code, road_reason, snap_m`` (metres),
        ``road_class, road_name``.
    """

    origins: pd.DataFrame
    places: pd.DataFrame
    time_min: Minutes
    low_min: Minutes
    high_min: Minutes
    reason: npt.NDArray[np.str_]
    method: Method
    origin_road: pd.DataFrame | None = None
    place_road: pd.DataFrame | None = None


Engine = Callable[[pd.DataFrame, pd.DataFrame], TimeMatrix]
"""A travel engine: ``engine(origins, places)``.

``origins`` holds ``code, ref_x, ref_y, population, area_km2`` and ``places`` holds ``id, code_commune, x, y,
commune_population, commune_area_km2``, both in the same metric CRS; coordinates are NaN where unknown.
"""


def reasons(time_min: Minutes, *, missing: str) -> npt.NDArray[np.str_]:
    """Return ``atteint`` where a time is finite and ``missing`` elsewhere."""
    return np.where(np.isfinite(time_min), REACHED, missing)
