"""The engine that looks minutes up in a matrix given by the user."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sdaasp_geo.travel.engine import NOT_MEASURED, REACHED, UNREACHABLE, Engine, Method, Minutes, TimeMatrix


def matrix_engine(minutes: pd.DataFrame, *, name: str) -> Engine:
    """Make an engine from a table of minutes.

    Parameters
    ----------
    minutes : DataFrame
        ``origin`` (code of commune), ``destination`` (identifier of a place, or code of its commune), ``minutes``
        (NaN: no path). A time to the place itself is preferred to a time to its commune.
    name : str
        Name of the file, printed in the method.

    Returns
    -------
    Engine
        A pair absent from the table is ``non mesuré``; a pair whose time is missing is ``inaccessible``.
    """
    method = Method(
        code="matrice",
        label="matrice de minutes fournie",
        estimate=False,
        description="Temps lus dans la matrice du département. Une paire absente est «\u00a0non mesurée\u00a0».",
        source=name,
    )
    known = minutes.assign(minutes=minutes["minutes"].fillna(np.inf))
    lookup = known.set_index(["origin", "destination"])["minutes"]

    def engine(origins: pd.DataFrame, places: pd.DataFrame) -> TimeMatrix:
        codes = origins["code"].to_numpy()
        by_place = _lookup(lookup, codes, places["id"].to_numpy())
        by_commune = _lookup(lookup, codes, places["code_commune"].to_numpy())
        found = np.where(np.isnan(by_place), by_commune, by_place)
        reason = np.select([np.isnan(found), np.isinf(found)], [NOT_MEASURED, UNREACHABLE], REACHED)
        time_min = np.where(np.isfinite(found), found, np.nan)
        return TimeMatrix(origins, places, time_min, time_min, time_min, reason, method)

    return engine


def _lookup(lookup: pd.Series, origins: np.ndarray, destinations: np.ndarray) -> np.ndarray:
    pairs = pd.MultiIndex.from_product([origins, destinations])
    found: Minutes = lookup.reindex(pairs).to_numpy(dtype="float64").reshape(len(origins), len(destinations))
    return found
