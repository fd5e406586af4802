"""What each candidate site would bring to each demand: tables become arrays of whole numbers, then shrink."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from sdaasp_geo.errors import Fault, InputError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

MS_PER_MIN = 60_000
_DOMINANCE_SITES = 3000
"""Sites compared two by two, at most (a square of so many sides is held in memory)."""


@dataclass(frozen=True)
class Reach:
    """Demand, candidate sites and the times between them, in the order of their codes.

    Attributes
    ----------
    codes, places : Index
        Demand (m) and candidate sites that are not open yet (n), in text order.
    population : array of int (m)
        Inhabitants.
    existing_min : array of float (m)
        Minutes to the nearest existing site, infinite where none is reached.
    existing_place : array of object (m)
        That site (the lowest identifier among equals), None where none is reached.
    demand, site, time_min : arrays (pairs)
        Positions in ``codes`` and ``places`` and minutes, by site then demand, once each.
    """

    codes: pd.Index
    places: pd.Index
    population: IntArray
    existing_min: FloatArray
    existing_place: NDArray[np.object_]
    demand: IntArray
    site: IntArray
    time_min: FloatArray


@dataclass(frozen=True)
class Gains:
    """What a site brings to a demand when it is the best one open: a sparse table of positive whole numbers.

    Attributes
    ----------
    demands, sites : int
        Sizes.
    demand, site : arrays of int
        Positions, by site then demand.
    gain : array of float
        Whole numbers: inhabitants (covering), or inhabitants × milliseconds (minutes).
    """

    demands: int
    sites: int
    demand: IntArray
    site: IntArray
    gain: FloatArray

    def where(self, kept: BoolArray) -> Gains:
        """Keep some pairs."""
        return Gains(self.demands, self.sites, self.demand[kept], self.site[kept], self.gain[kept])

    def only(self, sites: IntArray) -> Gains:
        """Keep some sites (rising positions), numbered anew from 0."""
        number = np.full(self.sites, -1, dtype=np.int64)
        number[sites] = np.arange(len(sites))
        kept = number[self.site] >= 0
        return Gains(self.demands, len(sites), self.demand[kept], number[self.site[kept]], self.gain[kept])

    def most(self) -> FloatArray:
        """Return what each demand gains when every site is open."""
        best = np.zeros(self.demands)
        np.maximum.at(best, self.demand, self.gain)
        return best


def read_reach(
    demand: pd.DataFrame, pairs: pd.DataFrame, *, candidates: Sequence[str], existing: Sequence[str]
) -> Reach:
    """Turn tables into arrays whose order does not depend on the order of rows.

    Parameters
    ----------
    demand : DataFrame
        ``code, population`` (whole inhabitants): communes or cells, one row each.
    pairs : DataFrame
        ``code, place, time_min``; a time that is missing or infinite is no pair, and the shortest of several counts.
        Rows of unknown codes or places are left aside.
    candidates, existing : sequence of str
        Places. A candidate that exists is not one.

    Raises
    ------
    InputError
        A code twice in ``demand``, or a population that is not a whole number of inhabitants.
    """
    check_demand(demand)
    ordered = demand[["code", "population"]].sort_values("code", ignore_index=True)
    codes = pd.Index(ordered["code"])
    places = pd.Index(sorted(set(candidates) - set(existing)), dtype="object")
    row, place, time = _shortest(pairs, codes, places)
    existing_min, existing_place, _ = nearest_two(pairs, ordered["code"], existing)
    population = ordered["population"].to_numpy(dtype=np.int64)
    return Reach(codes, places, population, existing_min, existing_place, row, place, time)


def nearest_two(
    pairs: pd.DataFrame, codes: pd.Series, among: Sequence[str]
) -> tuple[FloatArray, NDArray[np.object_], FloatArray]:
    """Return, for each code, the minutes to the nearest place, that place (the lowest of equals), and to the second.

    Infinite, and None, where there is none.
    """
    places = pd.Index(sorted(set(among)), dtype="object")
    row, place, time = _shortest(pairs, pd.Index(codes), places)
    order = np.lexsort((place, time, row))
    row, place, time = row[order], place[order], time[order]
    first = _starts(row)
    second = np.zeros(len(row), dtype=bool)
    second[1:] = first[:-1] & ~first[1:]
    nearest, next_min, name = np.full(len(codes), np.inf), np.full(len(codes), np.inf), np.full(len(codes), None)
    nearest[row[first]], name[row[first]] = time[first], places.to_numpy()[place[first]]
    next_min[row[second]] = time[second]
    return nearest, name, next_min


def check_demand(demand: pd.DataFrame) -> None:
    """Refuse a demand whose codes repeat, or whose populations are not whole numbers of inhabitants.

    Raises
    ------
    InputError
        All faults together.
    """
    people = pd.to_numeric(demand["population"], errors="coerce").to_numpy(dtype="float64", na_value=np.nan)
    wrong = demand[~((people >= 0) & (people == np.floor(people)))]
    whole, once = "nombre entier d'habitants", "code présent une seule fois"
    faults = [
        Fault("demande", None, "population", f"{code} {value}", whole, "Arrondissez, ou écartez la ligne et dites-le.")
        for code, value in zip(wrong["code"], wrong["population"], strict=True)
    ]
    repeated = sorted(set(demand.loc[demand["code"].duplicated(), "code"]))
    faults += [Fault("demande", None, "code", str(code), once, "Réunissez les lignes de ce code.") for code in repeated]
    if faults:
        raise InputError(faults)


def _starts(ordered: IntArray) -> BoolArray:
    """Mark the first of each run of equal values."""
    first = np.ones(len(ordered), dtype=bool)
    first[1:] = ordered[1:] != ordered[:-1]
    return first


def _shortest(pairs: pd.DataFrame, codes: pd.Index, places: pd.Index) -> tuple[IntArray, IntArray, FloatArray]:
    """Return each known pair once, with its shortest time, by place then code."""
    row, column = codes.get_indexer(pairs["code"]), places.get_indexer(pairs["place"])
    time = pairs["time_min"].to_numpy(dtype="float64", na_value=np.nan)
    known = np.flatnonzero((row >= 0) & (column >= 0) & np.isfinite(time))
    known = known[np.lexsort((time[known], row[known], column[known]))]
    known = known[_starts(column[known].astype(np.int64) * max(len(codes), 1) + row[known])]
    return row[known].astype(np.int64), column[known].astype(np.int64), time[known]


def counted_ms(time_min: FloatArray, *, cap_min: float) -> FloatArray:
    """Return times as whole milliseconds, at most the cap (what a demand that reaches nothing counts for)."""
    return np.asarray(np.rint(np.minimum(time_min, cap_min) * MS_PER_MIN), dtype=np.float64)


def covering_gains(reach: Reach, *, threshold_min: float) -> Gains:
    """Say which inhabitants, beyond the threshold today, each site brings within it (a time equal to it is within)."""
    missing = ~(reach.existing_min <= threshold_min) & (reach.population > 0)
    kept = (reach.time_min <= threshold_min) & missing[reach.demand]
    people = reach.population[reach.demand].astype("float64")
    return Gains(len(reach.codes), len(reach.places), reach.demand, reach.site, people).where(kept)


def saving_gains(reach: Reach, *, cap_min: float) -> Gains:
    """Say how many inhabitants × milliseconds each site saves to each demand (times count up to the cap)."""
    today = counted_ms(reach.existing_min, cap_min=cap_min)
    saved = today[reach.demand] - counted_ms(reach.time_min, cap_min=cap_min)
    saved *= reach.population[reach.demand]
    return Gains(len(reach.codes), len(reach.places), reach.demand, reach.site, saved).where(saved > 0)


def merge_demand(gains: Gains) -> Gains:
    """Add up the demands that the same sites cover (covering only: a demand gains the same from all of them)."""
    used = np.unique(gains.demand)
    if not len(used):
        return Gains(0, gains.sites, gains.demand, gains.site, gains.gain)
    table = np.zeros((len(used), gains.sites), dtype=bool)
    row = np.searchsorted(used, gains.demand)
    table[row, gains.site] = True
    packed = np.ascontiguousarray(np.packbits(table, axis=1))
    _, first, group = np.unique(packed, axis=0, return_index=True, return_inverse=True)
    weight = np.bincount(group.ravel(), gains.most()[used], len(first)).astype("float64")
    site, demand = np.nonzero(table[first].T)
    return Gains(len(first), gains.sites, demand, site, weight[demand])


def undominated(gains: Gains) -> IntArray:
    """Return the sites that cover someone, less those whose inhabitants another covers (equals: the first stays).

    Covering only: whatever such a site covers in a solution, the other one covers.
    """
    helpful = np.unique(gains.site)
    if len(helpful) > _DOMINANCE_SITES:
        return helpful
    ones = np.ones(len(gains.site))
    table = csr_array((ones, (np.searchsorted(helpful, gains.site), gains.demand)), (len(helpful), gains.demands))
    shared = (table @ table.T).toarray()
    return helpful[~redundant(shared == np.diagonal(shared)[:, None])]


def redundant(implied: BoolArray) -> BoolArray:
    """Say which elements (rows) another one makes useless, given « this one needs no more than that one ».

    Of elements that make one another useless, the first stays.
    """
    earlier = np.tri(len(implied), k=-1, dtype=bool)
    return np.asarray((implied & (~implied.T | earlier)).any(axis=1))
