"""Pairs of an origin and a place within reach: the long table that presence, choice, borders and siting are made of."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sdaasp_geo.travel.engine import Engine, TimeMatrix

PAIR_COLUMNS = ("code", "place", "time_min", "low_min", "high_min")
_ORIGINS_AT_ONCE = 500


def pairs_of(matrix: TimeMatrix, *, limit_min: float = np.inf) -> pd.DataFrame:
    """List the pairs of a table of times that are reached within a limit.

    Parameters
    ----------
    matrix : TimeMatrix
        Times from origins to places.
    limit_min : float
        Minutes; a time equal to it is within.

    Returns
    -------
    DataFrame
        ``code`` (of the origin), ``place`` (identifier), ``time_min, low_min, high_min``; sorted by code, place. An
        origin that reaches nothing has no row: its reasons are in the matrix.
    """
    row, column = np.nonzero(matrix.time_min <= limit_min)  # a time is NaN where it is not reached
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
    parts = [
        pairs_of(
            engine(origins.iloc[first : first + origins_at_once].reset_index(drop=True), places), limit_min=limit_min
        )
        for first in range(0, max(len(origins), 1), origins_at_once)
    ]
    return pd.concat(parts, ignore_index=True).sort_values(["code", "place"], ignore_index=True)
