"""Weekly presence: when, and how much, a service is open within reach.

Intervals of a week are the half-open minutes [start, end[. Everything is counted in whole minutes: the bounds of all
intervals cut the week into elementary slots, in which no place opens or closes, so that no step of time is chosen.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from sdaasp_geo.analysis.access import weighted_figures
from sdaasp_geo.analysis.coverage import PARTS
from sdaasp_geo.layers.opening import NOT_COUNTED, STOP
from sdaasp_geo.travel.engine import REACHED

WEEK_HOURS = 168
NO_PLACE = "aucun lieu dans le délai"
HOURS_UNKNOWN = "horaires inconnus"
HOURS_PARTLY_UNKNOWN = "horaires inconnus pour une partie des lieux"
ALL_CLOSED = "aucun lieu ouvert à cette heure dans le délai"

_DAY_MIN, _HOUR_MIN = 1440, 60
_SATURDAY, _SUNDAY = 5, 6
_MOMENTS = ("evening", "saturday", "sunday")
_ORIGINS_AT_ONCE = 4096
_BITS = 64

Profile = npt.NDArray[np.uint8]
_Index = npt.NDArray[np.int64]


class _Near(NamedTuple):
    """Pairs within the limit: row of the origin, row of the place among the sorted names, minutes."""

    origin: _Index
    place: _Index
    time_min: npt.NDArray[np.float64]
    names: pd.Index

    def take(self, order: _Index) -> _Near:
        return self._replace(origin=self.origin[order], place=self.place[order], time_min=self.time_min[order])


def week_profile(origins: pd.DataFrame, pairs: pd.DataFrame, intervals: pd.DataFrame, *, limit_min: float) -> Profile:
    """Count, for each hour of the week, the minutes during which a place within reach is open.

    Union over the places p with t(i, p) ≤ T of their intervals, exact to the minute. Places open at the same time count
    once: this is the number of minutes at which someone of i finds a door open within T.

    Parameters
    ----------
    origins : DataFrame
        ``code``.
    pairs : DataFrame
        ``code, place, time_min`` (`travel.pairs`), in any order.
    intervals : DataFrame
        ``place, day, start_min, end_min`` (`layers.opening`).
    limit_min : float
        T; a time equal to it is within.

    Returns
    -------
    ndarray of uint8 (origins, 168)
        Minutes, 0 to 60; the first hour is Monday from 0:00 to 1:00.
    """
    names = pd.Index(intervals["place"].unique()).sort_values()
    return _profile(_within(origins, pairs, names, limit_min=limit_min), intervals, size=len(origins))


def _profile(near: _Near, intervals: pd.DataFrame, *, size: int) -> Profile:
    bits, lengths, hours = _open_slots(near.names, intervals)
    words = _any_by_origin(bits, near, size=size)
    profile = np.zeros((size, WEEK_HOURS), dtype=np.uint8)
    for first in range(0, size, _ORIGINS_AT_ONCE):
        part = slice(first, first + _ORIGINS_AT_ONCE)
        is_open = np.unpackbits(words[part].view(np.uint8), axis=1, count=len(lengths), bitorder="little")
        profile[part] = np.add.reduceat(is_open * lengths, hours, axis=1, dtype=np.uint8)
    return profile


def reachable_hours(
    origins: pd.DataFrame,
    pairs: pd.DataFrame,
    places: pd.DataFrame,
    intervals: pd.DataFrame,
    *,
    limit_min: float,
    evening_h: float,
    unmeasured: pd.Series | None = None,
) -> pd.DataFrame:
    """Sum up the week that each origin finds within a limit of time.

    Parameters
    ----------
    origins, pairs, intervals, limit_min
        As `week_profile` takes them.
    places : DataFrame
        ``place, presence, hours_known`` (`layers.opening.Opening.places`); a place that is not counted there, or is
        absent, is ignored: a bus at its base, a row of a shared reception.
    evening_h : float
        Hour after which it is evening (17.5 is 17:30): a place that closes at that very minute is not open after it.
    unmeasured : Series of str, optional
        Reason of the origins whose times are not known (``non mesuré``, ``hors réseau``), by code.

    Returns
    -------
    DataFrame
        One row per origin, in order: ``code``; ``places`` (counted places within the limit), ``stops`` (those that are
        stops), ``places_without_hours``; ``open_hours`` (hours a week with at least one place open: union);
        ``offer_hours`` (the hours of all places, added); ``evening`` (a place is open after ``evening_h`` at least
        once a week, any day), ``saturday, sunday``; ``reason``. Hours are NaN, and moments missing, where no place
        has known hours (`HOURS_UNKNOWN`). Where some are unknown (`HOURS_PARTLY_UNKNOWN`), hours are a lower bound
        and a moment is True or missing. With `NO_PLACE`, hours are 0 and moments False. For an origin of
        ``unmeasured`` every figure is missing, never 0, with its reason.
    """
    counted = _counted(places)
    near, size = _within(origins, pairs, counted.index, limit_min=limit_min), len(origins)
    lengths = (intervals["end_min"] - intervals["start_min"]).groupby(intervals["place"]).sum()
    offer = lengths.reindex(near.names, fill_value=0).to_numpy(dtype=np.float64)[near.place]
    total = np.bincount(near.origin, minlength=size)
    unknown = _count(near, ~counted["hours_known"].to_numpy(dtype=bool), size=size)
    none = (unknown == total) & (total > 0)
    open_min = _profile(near, intervals, size=size).sum(axis=1, dtype=np.int64)
    offer_min = np.bincount(near.origin, weights=offer, minlength=size)
    table = pd.DataFrame(
        {
            "code": origins["code"].to_numpy(),
            "places": total,
            "stops": _count(near, (counted["presence"] == STOP).to_numpy(), size=size),
            "places_without_hours": unknown,
            "open_hours": np.where(none, np.nan, open_min / _HOUR_MIN),
            "offer_hours": np.where(none, np.nan, offer_min / _HOUR_MIN),
        }
    )
    flags = _any_by_origin(_moments(near.names, intervals, evening_h=evening_h), near, size=size)[:, 0]
    for bit, moment in enumerate(_MOMENTS):
        yes = (flags >> np.uint64(bit)) & np.uint64(1) == 1
        table[moment] = pd.arrays.BooleanArray(yes, ~yes & (unknown > 0))
    reason = np.select([total == 0, none, unknown > 0], [NO_PLACE, HOURS_UNKNOWN, HOURS_PARTLY_UNKNOWN], "")
    return _without(table.assign(reason=pd.array(reason, dtype="str")), unmeasured)


def _without(table: pd.DataFrame, unmeasured: pd.Series | None) -> pd.DataFrame:
    """Put the reason of the origins that were not measured in place of their figures."""
    counts = table.astype(dict.fromkeys(("places", "stops", "places_without_hours"), "Int64"))
    why = counts["code"].map({} if unmeasured is None else unmeasured.to_dict()).astype("str")
    figures = counts.drop(columns=["code", "reason"]).where(why.isna())
    return counts[["code"]].join(figures).assign(reason=counts["reason"].where(why.isna(), why))


def presence_shares(members: pd.DataFrame, reachable: pd.DataFrame, *, level: str) -> pd.DataFrame:
    """Count the inhabitants who find a service open in the evening, on Saturday, on Sunday, and their hours a week.

    Parameters
    ----------
    members : DataFrame
        ``territory, code, population, inside`` (`levels.territory_members`).
    reachable : DataFrame
        `reachable_hours`.
    level : str
        Copied into the result.

    Returns
    -------
    DataFrame
        One row per territory × part (``entier``, ``dans le département``, ``hors du département``): ``level,
        territory, part, communes, population``; for each moment (evening, saturday, sunday) ``population_<moment>``,
        ``population_<moment>_unknown`` and ``share_<moment>`` (of the inhabitants for whom it is known, NaN when
        there is none); ``mean_hours, median_hours`` (reachable hours weighted by inhabitants, as
        `access.weighted_figures`; inhabitants whose hours are unknown are left out, partly known ones count with
        their lower bound).
    """
    columns = ["code", "open_hours", *_MOMENTS]
    joined = members.merge(reachable[columns], on="code", validate="many_to_one")
    sides = joined["inside"].map({True: PARTS[1], False: PARTS[2]})
    stacked = pd.concat([joined.assign(part=PARTS[0]), joined.assign(part=sides)], ignore_index=True)
    keys = ["territory", "part"]
    people = stacked["population"]
    counts = {"communes": 1, "population": people}
    for moment in _MOMENTS:
        counts[f"population_{moment}"] = people.where(stacked[moment].fillna(value=False), 0)
        counts[f"population_{moment}_unknown"] = people.where(stacked[moment].isna(), 0)
    sums = stacked[keys].assign(**counts).groupby(keys).sum()
    for moment in _MOMENTS:
        known = sums["population"] - sums[f"population_{moment}_unknown"]
        sums[f"share_{moment}"] = (sums[f"population_{moment}"] / known).where(known > 0)
    figures = weighted_figures(stacked.rename(columns={"open_hours": "time_min"}), keys)
    sums["mean_hours"], sums["median_hours"] = figures["mean_min"], figures["median_min"]
    table = sums.reset_index().assign(level=level)
    order = table.assign(part_order=table["part"].map(PARTS.index)).sort_values(["territory", "part_order"])
    return order[["level", *keys, *sums.columns]].reset_index(drop=True)


def presence_curve(members: pd.DataFrame, origins: pd.DataFrame, profile: Profile, *, level: str) -> pd.DataFrame:
    """Follow, over the 168 hours of a week, the share of inhabitants who have a place open within reach.

    ``share_whole`` ≤ ``share_mean`` ≤ ``share_any``: open during the whole hour, on average over the hour, at some
    minute of it. ``share_mean`` is the population-weighted mean of minutes / 60: over a week, it adds up to the mean
    reachable hours. Places whose hours are unknown are closed here: shares are lower bounds.

    Parameters
    ----------
    members : DataFrame
        ``territory, code, population, inside``; communes that are not origins are left out.
    origins : DataFrame
        ``code``: the rows of ``profile``.
    profile : ndarray of uint8 (origins, 168)
        `week_profile`.
    level : str
        Copied into the result.

    Returns
    -------
    DataFrame
        One row per territory × part × hour: ``level, territory, part, day`` (0 is Monday), ``hour`` (0 to 23),
        ``population, share_whole, share_mean, share_any`` (NaN where nobody lives).
    """
    row = pd.Index(origins["code"]).get_indexer(members["code"])
    own = members[row >= 0].assign(row=row[row >= 0])
    sides = own["inside"].map({True: PARTS[1], False: PARTS[2]})
    stacked = pd.concat([own.assign(part=PARTS[0]), own.assign(part=sides)], ignore_index=True)
    stacked["part"] = pd.Categorical(stacked["part"], PARTS)
    groups = stacked.groupby(["territory", "part"], observed=True)["population"].sum()
    number = groups.index.get_indexer(pd.MultiIndex.from_frame(stacked[["territory", "part"]]))
    weights = sparse.csr_array(
        (stacked["population"].to_numpy(dtype=np.float64), (number, stacked["row"])), shape=(len(groups), len(origins))
    )
    people = groups.to_numpy(dtype=np.float64)
    inhabited = np.where(people > 0, people, np.nan)[:, None]
    table = groups.index.repeat(WEEK_HOURS).to_frame(index=False).astype({"part": "str"})
    hour = np.tile(np.arange(WEEK_HOURS), len(groups))
    shares = {
        "share_whole": weights @ (profile == _HOUR_MIN).astype(np.float64),
        "share_mean": weights @ profile.astype(np.float64) / _HOUR_MIN,
        "share_any": weights @ (profile > 0).astype(np.float64),
    }
    table = table.assign(level=level, day=hour // 24, hour=hour % 24, population=groups.repeat(WEEK_HOURS).to_numpy())
    table = table.assign(**{name: (share / inhabited).ravel() for name, share in shares.items()})
    return table[["level", "territory", "part", "day", "hour", "population", *shares]]


def slot_answers(
    places: Sequence[str] | pd.Series, intervals: pd.DataFrame, slots: Sequence[tuple[int, int]]
) -> npt.NDArray[np.bool_]:
    """Tell which places are open at some moments of the week: the lanes of `travel.lanes`.

    Parameters
    ----------
    places : sequence of str
        Identifiers.
    intervals : DataFrame
        ``place, day, start_min, end_min``.
    slots : sequence of (int, int)
        Day (0 is Monday) and minute of the day; a place is open at its first minute, closed at its last.

    Returns
    -------
    ndarray of bool (places, slots)
    """
    index = pd.Index(places)
    own = intervals[intervals["place"].isin(index)]
    row = index.get_indexer(own["place"])
    day, start, end = (own[name].to_numpy() for name in ("day", "start_min", "end_min"))
    answers = np.zeros((len(index), len(slots)), dtype=bool)
    for number, (slot_day, minute) in enumerate(slots):
        answers[row[(day == slot_day) & (start <= minute) & (minute < end)], number] = True
    return answers


def nearest_open(
    origins: pd.DataFrame,
    pairs: pd.DataFrame,
    places: pd.DataFrame,
    intervals: pd.DataFrame,
    *,
    slots: Sequence[tuple[int, int]],
    limit_min: float = np.inf,
) -> pd.DataFrame:
    """Find the nearest place that is open at some moments of the week.

    Parameters
    ----------
    origins, pairs, places, intervals
        As `reachable_hours` takes them.
    slots : sequence of (int, int)
        Day (0 is Monday) and minute of the day.
    limit_min : float
        A time equal to it is within.

    Returns
    -------
    DataFrame
        One row per slot × origin, in order: ``code, day, minute, place`` (missing where none), ``time_min`` (NaN
        where none), ``reason``: ``atteint``, `NO_PLACE`, `HOURS_UNKNOWN` (no place within the limit has known hours)
        or `ALL_CLOSED`. Equal times go to the lowest identifier. Places of unknown hours are taken as closed.
    """
    counted = _counted(places)
    near = _within(origins, pairs, counted.index, limit_min=limit_min)
    near = near.take(np.lexsort((near.place, near.time_min, near.origin)))
    size = len(origins)
    reached = np.bincount(near.origin, minlength=size) > 0
    informed = _count(near, counted["hours_known"].to_numpy(dtype=bool), size=size) > 0
    missing = np.select([~reached, ~informed], [NO_PLACE, HOURS_UNKNOWN], ALL_CLOSED)
    is_open = slot_answers(near.names, intervals, slots)
    tables = []
    for number, (day, minute) in enumerate(slots):
        rows = np.flatnonzero(is_open[near.place, number])
        first = rows[np.flatnonzero(np.diff(near.origin[rows], prepend=-1))]
        nearest, time_min = np.full(size, None, dtype=object), np.full(size, np.nan)
        nearest[near.origin[first]] = near.names[near.place[first]]
        time_min[near.origin[first]] = near.time_min[first]
        table = pd.DataFrame({"code": origins["code"].to_numpy(), "day": day, "minute": minute})
        reason = np.where(np.isnan(time_min), missing, REACHED)
        tables.append(table.assign(place=pd.array(nearest, dtype="str"), time_min=time_min, reason=reason))
    return pd.concat(tables, ignore_index=True).astype({"reason": "str"})


def _counted(places: pd.DataFrame) -> pd.DataFrame:
    """Places that count as presence, by identifier, sorted."""
    return places[places["presence"] != NOT_COUNTED].drop_duplicates("place").set_index("place").sort_index()


def _within(origins: pd.DataFrame, pairs: pd.DataFrame, names: pd.Index, *, limit_min: float) -> _Near:
    """Pairs within the limit, of these origins and of these places; the names must be unique."""
    time_min = pairs["time_min"].to_numpy(dtype=np.float64)
    origin, place = _rows(pairs["code"], pd.Index(origins["code"])), _rows(pairs["place"], names)
    kept = np.flatnonzero((time_min <= limit_min) & (origin >= 0) & (place >= 0))
    return _Near(origin[kept], place[kept], time_min[kept], names)


def _rows(values: pd.Series, index: pd.Index) -> _Index:
    """Row of each value in an index, -1 where absent; each distinct text is looked up once."""
    codes, distinct = pd.factorize(values)
    row = np.append(index.get_indexer(distinct), -1).astype(np.int64)  # a missing text has the code -1
    rows: _Index = row[codes]
    return rows


def _count(near: _Near, which: npt.NDArray[np.bool_], *, size: int) -> _Index:
    """Count, by origin, the places of a kind."""
    return np.bincount(near.origin[which[near.place]], minlength=size)


def _open_slots(names: pd.Index, intervals: pd.DataFrame) -> tuple[npt.NDArray[np.uint64], Profile, _Index]:
    """Elementary slots of the week: which places are open (bits), their length, and where each hour begins."""
    own = intervals[names.get_indexer(intervals["place"]) >= 0]
    start = (own["day"] * _DAY_MIN + own["start_min"]).to_numpy(dtype=np.int64)
    end = (own["day"] * _DAY_MIN + own["end_min"]).to_numpy(dtype=np.int64)
    hours = np.arange(WEEK_HOURS + 1) * _HOUR_MIN
    bounds = np.unique(np.concatenate([start, end, hours]))
    change = np.zeros((len(names), len(bounds)), dtype=np.int16)
    row = names.get_indexer(own["place"])
    np.add.at(change, (row, np.searchsorted(bounds, start)), 1)
    np.add.at(change, (row, np.searchsorted(bounds, end)), -1)
    is_open = change.cumsum(axis=1, dtype=np.int16)[:, :-1] > 0
    return _packed(is_open), np.diff(bounds).astype(np.uint8), np.searchsorted(bounds, hours[:-1])


def _moments(names: pd.Index, intervals: pd.DataFrame, *, evening_h: float) -> npt.NDArray[np.uint64]:
    chosen = (
        intervals["end_min"] > evening_h * _HOUR_MIN,
        intervals["day"] == _SATURDAY,
        intervals["day"] == _SUNDAY,
    )
    return _packed(np.column_stack([names.isin(intervals.loc[rows, "place"]) for rows in chosen]))


def _packed(table: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint64]:
    """Pack the columns of a table of bool into words of 64 bits."""
    padded = np.zeros((len(table), -(-table.shape[1] // _BITS) * _BITS), dtype=bool)
    padded[:, : table.shape[1]] = table
    return np.packbits(padded, axis=1, bitorder="little").view(np.uint64)


def _any_by_origin(bits: npt.NDArray[np.uint64], near: _Near, *, size: int) -> npt.NDArray[np.uint64]:
    """Bitwise union, by origin, of the bits of its places."""
    union = np.zeros((size, bits.shape[1]), dtype=np.uint64)
    if not len(near.origin):
        return union
    order = np.argsort(near.origin, kind="stable")
    origin, place = near.origin[order], near.place[order]
    first = np.flatnonzero(np.diff(origin, prepend=-1))
    for word in range(bits.shape[1]):
        union[origin[first], word] = np.bitwise_or.reduceat(bits[place, word], first)
    return union
