"""Nearest places of many questions at once: a *lane* is a question, and says which places answer it.

A service is a lane; so is a service inside the département, or a service open on Monday at nine. Asked together, on
roads, they share one search: no table of pairs is made, so that 35,000 origins and 168 hours of the week stay small.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from sdaasp_geo.travel.engine import REACHED, Engine, Method, Minutes
from sdaasp_geo.travel.nearest import nearest_places

NO_PLACE = -1
_ORIGINS_AT_ONCE = 2_000


@dataclass(frozen=True, eq=False)
class LaneTimes:
    """The nearest distinct places of every lane, from every origin, by rank.

    Attributes
    ----------
    time_min, low_min, high_min : ndarray of float (origins, lanes, ranks)
        Minutes and their error band; NaN exactly where ``reason`` is not ``atteint``.
    place : ndarray of int32 (origins, lanes, ranks)
        Row of the place, -1 where none. Equal times go to the lowest identifier.
    reason : ndarray of str (origins, lanes, ranks)
        As in `engine.TimeMatrix`, or ``aucun lieu de ce service``.
    method : Method
        How times were obtained.
    origin_road : DataFrame, optional
        How origins reach the road (`engine.TimeMatrix`).
    """

    time_min: Minutes
    low_min: Minutes
    high_min: Minutes
    place: npt.NDArray[np.int32]
    reason: npt.NDArray[np.str_]
    method: Method
    origin_road: pd.DataFrame | None = None


LaneEngine = Callable[[pd.DataFrame, pd.DataFrame, npt.NDArray[np.bool_], int], LaneTimes]
"""``lane_engine(origins, places, answers, ranks)``: tables of `engine.Engine`, ``answers`` of shape (places, lanes)."""


def lanes_by_matrix(engine: Engine, *, origins_at_once: int = _ORIGINS_AT_ONCE) -> LaneEngine:
    """Make a lane engine of an engine that measures every pair, a part of the origins at a time.

    Parameters
    ----------
    engine : Engine
        Any engine.
    origins_at_once : int
        Origins of one table of pairs; the answer does not depend on it.
    """

    def lane_engine(
        origins: pd.DataFrame, places: pd.DataFrame, answers: npt.NDArray[np.bool_], ranks: int
    ) -> LaneTimes:
        parts = [
            _from_matrix(engine, origins.iloc[part].reset_index(drop=True), places, answers, ranks)
            for part in _parts(len(origins), origins_at_once)
        ]
        return _joined(parts)

    return lane_engine


def _joined(parts: list[LaneTimes]) -> LaneTimes:
    roads = [part.origin_road for part in parts if part.origin_road is not None]
    return LaneTimes(
        time_min=np.concatenate([part.time_min for part in parts]),
        low_min=np.concatenate([part.low_min for part in parts]),
        high_min=np.concatenate([part.high_min for part in parts]),
        place=np.concatenate([part.place for part in parts]),
        reason=np.concatenate([part.reason for part in parts]),
        method=parts[0].method,
        origin_road=pd.concat(roads, ignore_index=True) if roads else None,
    )


def _parts(size: int, step: int) -> Iterator[slice]:
    return (slice(first, first + step) for first in range(0, max(size, 1), step))


def _from_matrix(
    engine: Engine, origins: pd.DataFrame, places: pd.DataFrame, answers: npt.NDArray[np.bool_], ranks: int
) -> LaneTimes:
    matrix = engine(origins, places)
    shape = (len(origins), answers.shape[1], ranks)
    time_min, low_min, high_min = (np.full(shape, np.nan) for _ in range(3))
    place, reason = np.full(shape, NO_PLACE, dtype=np.int32), np.full(shape, "", dtype=object)
    for lane in range(answers.shape[1]):
        rows = np.flatnonzero(answers[:, lane])
        row_of = pd.Series(rows, index=places["id"].iloc[rows])  # an identifier may answer several lanes, by other rows
        for rank in range(ranks):
            found = nearest_places(matrix, among=answers[:, lane], rank=rank + 1)
            for name, array in (("time_min", time_min), ("low_min", low_min), ("high_min", high_min)):
                array[:, lane, rank] = found[name]
            reached = (found["reason"] == REACHED).to_numpy()
            place[reached, lane, rank] = found.loc[reached, "place"].map(row_of)
            reason[:, lane, rank] = found["reason"]
    return LaneTimes(time_min, low_min, high_min, place, reason.astype(np.str_), matrix.method, matrix.origin_road)
