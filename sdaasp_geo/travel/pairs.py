"""Pairs of an origin and a place within reach: the long table that presence, choice, borders and siting are made of."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd

from sdaasp_geo.travel.engine import UNKNOWN_REASONS, Engine, TimeMatrix

PAIR_COLUMNS = ("code", "place", "time_min", "low_min", "high_min")
_ORIGINS_AT_ONCE = 500


def pairs_of(matrix: TimeMatrix, *, limit_min: float = np.inf, possible_min: float = -np.inf) -> pd.DataFrame:
    """List the pairs of a table of times that are reached within a limit.

    Parameters
    ----------
    matrix : TimeMatrix
        Times from origins to places.
    limit_min : float
        Minutes; a time equal to it is within.
    possible_min : float
        Minutes; a pair whose error band begins within it (equality included) is listed too, even beyond the limit.

    Returns
    -------
    DataFrame
        ``code`` (of the origin), ``place`` (identifier), ``time_min, low_min, high_min``; sorted by code, place. An
        origin that reaches nothing has no row: its reasons are in the matrix.
    """
    near = matrix.time_min <= limit_min  # a time is NaN where it is not reached
    if possible_min > -np.inf:
        near |= matrix.low_min <= possible_min
    row, column = np.nonzero(near)
    table = pd.DataFrame(
        {
            "code": matrix.origins["code"].to_numpy()[row],
            "place": matrix.places["id"].to_numpy()[column],
            "time_min": matrix.time_min[row, column],
            "low_min": matrix.low_min[row, column],
            "high_min": matrix.high_min[row, column],
        }
    )
    return table.astype({"code": "str", "place": "str"}).sort_values(["code", "place"], ignore_index=True)


def pairs_within(
    engine: Engine,
    origins: pd.DataFrame,
    places: pd.DataFrame,
    *,
    limit_min: float,
    origins_at_once: int = _ORIGINS_AT_ONCE,
) -> pd.DataFrame:
    """List the pairs within a limit, a part of the origins at a time: no whole table of times is held.

    Parameters
    ----------
    engine : Engine
        Travel engine.
    origins, places : DataFrame
        As the engine takes them.
    limit_min : float
        Minutes; a time equal to it is within.
    origins_at_once : int
        Origins of one table; the answer does not depend on it.

    Returns
    -------
    DataFrame
        See `pairs_of`.
    """
    parts = [pairs_of(one, limit_min=limit_min) for one in _matrices(engine, origins, places, origins_at_once)]
    return pd.concat(parts, ignore_index=True).sort_values(["code", "place"], ignore_index=True)


def pairs_and_gaps(
    engine: Engine,
    origins: pd.DataFrame,
    places: pd.DataFrame,
    *,
    limit_min: float,
    possible_min: float = -np.inf,
    origins_at_once: int = _ORIGINS_AT_ONCE,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """List the pairs within a limit, and those that were never measured: "no place" is not "not known".

    Parameters
    ----------
    engine, origins, places, limit_min, origins_at_once
        As `pairs_within`; codes and identifiers are unique.
    possible_min : float
        As `pairs_of`.

    Returns
    -------
    pairs : DataFrame
        See `pairs_of`.
    gaps : DataFrame
        ``code, place, reason`` (``non mesuré`` or ``hors réseau``), three categories: pairs whose time is not known.
    """
    parts, unknown = [], []
    for number, matrix in enumerate(_matrices(engine, origins, places, origins_at_once)):
        parts.append(pairs_of(matrix, limit_min=limit_min, possible_min=possible_min))
        unknown.append(_gaps(matrix, first=number * origins_at_once))
    row, column, reason = np.concatenate(unknown, axis=1)
    gaps = {
        "code": pd.Categorical.from_codes(row, origins["code"]),
        "place": pd.Categorical.from_codes(column, places["id"]),
        "reason": pd.Categorical.from_codes(reason, list(UNKNOWN_REASONS)),
    }
    return pd.concat(parts, ignore_index=True).sort_values(["code", "place"], ignore_index=True), pd.DataFrame(gaps)


def _gaps(matrix: TimeMatrix, *, first: int) -> npt.NDArray[np.intp]:
    """Return the row of the origin, that of the place and that of the reason of each pair that was not measured."""
    row, column = np.nonzero(np.isnan(matrix.time_min))
    reason = np.select([matrix.reason[row, column] == why for why in UNKNOWN_REASONS], range(len(UNKNOWN_REASONS)), -1)
    return np.stack([row + first, column, reason])[:, reason >= 0]


def _matrices(engine: Engine, origins: pd.DataFrame, places: pd.DataFrame, at_once: int) -> Iterator[TimeMatrix]:
    for first in range(0, max(len(origins), 1), at_once):
        yield engine(origins.iloc[first : first + at_once].reset_index(drop=True), places)
