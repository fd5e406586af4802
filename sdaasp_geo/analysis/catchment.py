"""Floating catchments: supply shared among the inhabitants within reach, by sparse products.

The two-step method: each place shares its supply among the demand within reach, then each commune adds up the shares
of the places within its reach. It is not the APL, the official indicator of the DREES, which counts the activity of
practitioners and needs by age, and is only ever imported (`sources.apl`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import coo_array, csr_array

Decay = Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]
"""Weight (0 to 1) of a time in minutes; zero beyond the catchment."""


def whole(limit_min: float) -> Decay:
    """Weigh 1 within the limit, 0 beyond: the first two-step method (Luo and Wang, 2003).

    Source: W. Luo, F. Wang, *Measures of spatial accessibility to health care in a GIS environment*, Environment and
    Planning B 30, 2003.
    """
    return lambda time_min: (time_min <= limit_min).astype("float64")


def zones(bounds_min: Sequence[float], weights: Sequence[float]) -> Decay:
    """Weigh by zones of time: the enhanced method (Luo and Qi, 2009).

    Source: W. Luo, Y. Qi, *An enhanced two-step floating catchment area (E2SFCA) method for measuring spatial
    accessibility to primary care physicians*, Health & Place 15, 2009, who take bounds of 10, 20 and 30 minutes.

    Parameters
    ----------
    bounds_min : sequence of float
        Upper bounds of the zones, rising; a time equal to a bound is in the nearer zone.
    weights : sequence of float
        Weight of each zone.

    Raises
    ------
    ValueError
        When there are not as many weights as bounds, or bounds do not rise.
    """
    if len(bounds_min) != len(weights) or list(bounds_min) != sorted(set(bounds_min)):
        message = "zones need rising bounds and as many weights"
        raise ValueError(message)
    levels = np.array([*weights, 0.0])
    return lambda time_min: levels[np.searchsorted(np.asarray(bounds_min, dtype="float64"), time_min, side="left")]


def gaussian(limit_min: float) -> Decay:
    """Weigh continuously, 1 at no distance and 0 from the limit on (Dai, 2010).

    ``(exp(-½ · (t / limit)²) - exp(-½)) / (1 - exp(-½))``. Source: D. Dai, *Black residential segregation, disparities
    in spatial access to health care facilities, and late-stage breast cancer diagnosis in metropolitan Detroit*,
    Health & Place 16, 2010.
    """
    floor = np.exp(-0.5)

    def weigh(time_min: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        near = (np.exp(-0.5 * (time_min / limit_min) ** 2) - floor) / (1 - floor)
        return np.where(time_min < limit_min, near, 0.0)

    return weigh


@dataclass(frozen=True)
class Reach:
    """Times of pairs, set out once as a sparse table that serves several catchments.

    Attributes
    ----------
    codes, places : Index of str
        Origins (rows) and places (columns).
    time_min : csr_array
        Minutes of the pairs within reach; a time of zero is kept as a pair.
    """

    codes: pd.Index
    places: pd.Index
    time_min: csr_array


def reach_of(pairs: pd.DataFrame, *, codes: pd.Index, places: pd.Index) -> Reach:
    """Set pairs out as a sparse table.

    Parameters
    ----------
    pairs : DataFrame
        ``code, place, time_min`` (`travel.pairs`), in any order, one row per pair.
    codes, places : Index of str
        Origins and places to consider, each once; pairs of others are left out.
    """
    row, column = _position(pairs["code"], codes), _position(pairs["place"], places)
    known = (row >= 0) & (column >= 0)
    times = pairs["time_min"].to_numpy(dtype="float64")[known]
    table = coo_array((times, (row[known], column[known])), shape=(len(codes), len(places))).tocsr()
    table.sort_indices()
    return Reach(codes, places, table)


def _position(labels: pd.Series, index: pd.Index) -> npt.NDArray[np.int64]:
    """Return the position of each label in an index, -1 where it is not there; each distinct label is sought once."""
    number, distinct = pd.factorize(labels)
    position: npt.NDArray[np.int64] = np.append(index.get_indexer(distinct), -1)[number]
    return position


def floating_catchment(
    reach: Reach, *, demand: pd.Series, supply: pd.Series, decay: Decay, unmeasured: Collection[str] = ()
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Share the supply of each place among the inhabitants within reach, and add up what each commune receives.

    ``ratio of j = supply of j / sum over k of (demand of k · f(time from k to j))``, then ``access of i = sum over j
    of (ratio of j · f(time from i to j))``, with ``f`` the decay: `whole`, `zones` or `gaussian`. Nothing is lost: the
    sum of access weighted by demand is the supply of the places that have demand in reach. Where every place is
    within reach of all with the weight 1, access is supply ÷ demand everywhere.

    Parameters
    ----------
    reach : Reach
        From `reach_of`.
    demand : Series of float
        Inhabitants by code; 0 where missing.
    supply : Series of float
        Hours a week, staff, or 1 per place, by identifier; 0 where missing.
    decay : callable
        Weight of a time.
    unmeasured : collection of str
        Origins whose times are not known: they have no figure, and their demand is in no ratio.

    Returns
    -------
    access : DataFrame
        One row per origin: ``code, supply_per_head`` (unit of the supply per inhabitant; 0 where nothing is within
        reach), ``places`` (number with a positive weight); both missing, never 0, for an origin that was not measured.
    shares : DataFrame
        One row per place: ``place, supply, demand`` (weighted demand in reach), ``ratio`` (NaN where no demand is in
        reach: that supply is in no access figure).
    """
    people = demand.reindex(reach.codes).fillna(0.0).to_numpy(dtype="float64")
    offered = supply.reindex(reach.places).fillna(0.0).to_numpy(dtype="float64")
    weight = decay(reach.time_min.data)
    table = csr_array((weight, reach.time_min.indices, reach.time_min.indptr), shape=reach.time_min.shape)
    reached = table.T @ people
    ratio = np.divide(offered, reached, out=np.full(len(offered), np.nan), where=reached > 0)
    received = table @ np.nan_to_num(ratio)
    near = np.concatenate([[0], np.cumsum(weight > 0)])
    count = near[table.indptr[1:]] - near[table.indptr[:-1]]
    unknown = reach.codes.isin(list(unmeasured))
    access = pd.DataFrame(
        {
            "code": reach.codes,
            "supply_per_head": np.where(unknown, np.nan, received),
            "places": pd.arrays.IntegerArray(count.astype("int64"), unknown),
        }
    )
    shares = pd.DataFrame({"place": reach.places, "supply": offered, "demand": reached, "ratio": ratio})
    return access, shares
