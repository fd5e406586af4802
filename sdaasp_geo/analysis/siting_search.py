"""Local search for p sites: the greedy choice, then swaps of one site for another while one helps."""

from __future__ import annotations

import numpy as np

from sdaasp_geo.analysis.siting_gains import FloatArray, Gains, IntArray

_SWAPS = 1000


def held(gains: Gains, chosen: IntArray) -> tuple[FloatArray, IntArray, FloatArray]:
    """Return what each demand gains from its best chosen site, that site (-1: none), and from its second best."""
    is_chosen = np.zeros(gains.sites, dtype=bool)
    is_chosen[chosen] = True
    few = gains.where(is_chosen[gains.site])
    order = np.lexsort((few.site, -few.gain, few.demand))
    demand, site, gain = few.demand[order], few.site[order], few.gain[order]
    first = np.ones(len(demand), dtype=bool)
    first[1:] = demand[1:] != demand[:-1]
    second = np.zeros(len(demand), dtype=bool)
    second[1:] = first[:-1] & ~first[1:]
    best, next_best, holder = np.zeros(gains.demands), np.zeros(gains.demands), np.full(gains.demands, -1)
    best[demand[first]], holder[demand[first]] = gain[first], site[first]
    next_best[demand[second]] = gain[second]
    return best, holder, next_best


def value(gains: Gains, chosen: IntArray) -> float:
    """Return what some sites bring together."""
    return float(held(gains, chosen)[0].sum())


def added(gains: Gains, has: FloatArray) -> FloatArray:
    """Return what each site adds to what the demands have."""
    return np.bincount(gains.site, np.maximum(gains.gain - has[gains.demand], 0), gains.sites).astype("float64")


def greedy(gains: Gains, count: int) -> IntArray:
    """Open, one after the other, the site that adds most (the first among equals), while one adds something."""
    has = np.zeros(gains.demands)
    chosen: list[int] = []
    while len(chosen) < count and gains.sites:
        more = added(gains, has)
        site = int(more.argmax())
        if more[site] <= 0:
            break
        chosen.append(site)
        own = gains.site == site
        has[gains.demand[own]] = np.maximum(has[gains.demand[own]], gains.gain[own])
    return np.array(chosen, dtype=np.int64)


def improve(gains: Gains, chosen: IntArray) -> IntArray:
    """Swap one chosen site for another while the best swap helps (Teitz and Bart 1968).

    Every swap is valued at once, as Resende and Werneck (2007): what the entrant adds, less what the leaver was alone
    to bring, plus what the entrant gives back to those whom the leaver held.

    Returns
    -------
    array of int
        As many sites, in rising order; no single swap betters them.
    """
    chosen = np.sort(chosen)
    for _ in range(_SWAPS if len(chosen) else 0):
        change = _swap_values(gains, chosen)
        leaver, entrant = divmod(int(change.argmax()), gains.sites)
        if change[leaver, entrant] <= 0:
            break
        chosen[leaver] = entrant
        chosen = np.sort(chosen)
    return chosen


def _swap_values(gains: Gains, chosen: IntArray) -> FloatArray:
    """Return the change of value when a chosen site (row) leaves for another site (column)."""
    best, holder, second = held(gains, chosen)
    has = best[gains.demand]
    entering = added(gains, best)
    served = holder >= 0
    alone = np.bincount(holder[served], (best - second)[served], gains.sites)[chosen]
    row = np.full(gains.sites + 1, -1)
    row[chosen] = np.arange(len(chosen))
    leaver, given_back = row[holder[gains.demand]], np.minimum(gains.gain, has) - second[gains.demand]
    kept = (leaver >= 0) & (given_back > 0)
    cell = leaver[kept] * gains.sites + gains.site[kept]
    back = np.bincount(cell, given_back[kept], len(chosen) * gains.sites).reshape(len(chosen), gains.sites)
    change = entering[None, :] - alone[:, None] + back
    change[:, chosen] = -1
    return np.asarray(change)


def settle(gains: Gains, chosen: IntArray, *, saving: Gains) -> IntArray:
    """Replace sites by others with which all bring as much, while that saves more time: what decides between equals."""
    chosen, settled = chosen.copy(), not len(chosen)
    while not settled:
        settled = True
        for position, site in enumerate(chosen.tolist()):
            others = np.delete(chosen, position)
            brought, saved = (added(kind, held(kind, others)[0]) for kind in (gains, saving))
            saved[brought != brought[site]] = -1
            saved[others] = -1
            best = int(saved.argmax())
            if saved[best] > saved[site]:
                chosen[position], settled = best, False
    return np.sort(chosen)
