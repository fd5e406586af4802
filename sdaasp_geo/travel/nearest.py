"""Nearest and second nearest places, with identity, from a matrix of times."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from sdaasp_geo.travel.engine import NOT_MEASURED, REACHED, TimeMatrix

NO_PLACE = "aucun lieu de ce service"


def nearest_places(matrix: TimeMatrix, *, among: npt.NDArray[np.bool_] | None = None, rank: int = 1) -> pd.DataFrame:
    """Find the place of a rank, from every origin.

    Parameters
    ----------
    matrix : TimeMatrix
        Times from origins to places.
    among : ndarray of bool, optional
        Places to consider; all by default.
    rank : int
        1 for the nearest, 2 for the second nearest. Ties go to the lowest identifier.

    Returns
    -------
    DataFrame
        One row per origin, in order: ``code, place`` (identifier, missing where none), ``time_min, low_min,
        high_min`` (NaN where none), ``reason``.
    """
    chosen = np.flatnonzero(among) if among is not None else np.arange(len(matrix.places))
    ids = matrix.places["id"].to_numpy(dtype="object")[chosen]
    by_id = np.argsort(ids.astype(str), kind="stable")
    chosen, ids = chosen[by_id], ids[by_id]
    rows = np.arange(len(matrix.origins))
    if len(chosen) < rank:
        return _none(matrix, NO_PLACE)
    times = np.where(np.isfinite(matrix.time_min[:, chosen]), matrix.time_min[:, chosen], np.inf)
    column = np.argsort(times, axis=1, kind="stable")[:, rank - 1]
    reached = np.isfinite(times[rows, column])
    position = chosen[column]
    return pd.DataFrame(
        {
            "code": matrix.origins["code"].to_numpy(),
            "place": pd.array(np.where(reached, ids[column], None), dtype="str"),
            "time_min": np.where(reached, matrix.time_min[rows, position], np.nan),
            "low_min": np.where(reached, matrix.low_min[rows, position], np.nan),
            "high_min": np.where(reached, matrix.high_min[rows, position], np.nan),
            "reason": _reasons(matrix, chosen, reached),
        }
    )


def _reasons(matrix: TimeMatrix, chosen: npt.NDArray[np.int64], reached: npt.NDArray[np.bool_]) -> pd.Series:
    """Say why an origin reaches nothing: ``non mesuré`` as soon as one pair was not measured, else the first reason."""
    reason = matrix.reason[np.ix_(~reached, chosen)]
    first = (reason != REACHED).argmax(axis=1)
    found = np.full(len(reached), REACHED, dtype="object")
    found[~reached] = np.where(
        (reason == NOT_MEASURED).any(axis=1), NOT_MEASURED, reason[np.arange(len(reason)), first]
    )
    return pd.Series(found, dtype="str")


def _none(matrix: TimeMatrix, reason: str) -> pd.DataFrame:
    size = len(matrix.origins)
    empty = np.full(size, np.nan)
    return pd.DataFrame(
        {
            "code": matrix.origins["code"].to_numpy(),
            "place": pd.array([None] * size, dtype="str"),
            "time_min": empty,
            "low_min": empty,
            "high_min": empty,
            "reason": reason,
        }
    )
