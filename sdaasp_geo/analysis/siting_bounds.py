"""How good p sites can be at best: a Lagrangian bound, and the sites that it forces in or out."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from sdaasp_geo.analysis.siting_gains import BoolArray, FloatArray, Gains, IntArray
from sdaasp_geo.analysis.siting_search import held

_DIGITS = 50
_PATIENCE, _SHORTEN, _MEMORY, _PROGRESS = 8, 0.7, 0.85, 1e-6


@dataclass(frozen=True)
class Core:
    """What is left to decide once some sites are known to be in, or out, of anything better than the best known.

    Attributes
    ----------
    gains : Gains
        Of the sites still open to question, above what the fixed ones give.
    origin : array of int
        Number of each of them in the whole problem.
    fixed : array of int
        Sites that are in (numbers in the whole problem).
    constant : float
        What these bring.
    count : int
        Sites still to choose.
    """

    gains: Gains
    origin: IntArray
    fixed: IntArray
    constant: float
    count: int

    def whole(self, chosen: IntArray) -> IntArray:
        """Return sites chosen in the core and the fixed ones, by their number in the whole problem."""
        return np.sort(np.concatenate([self.fixed, self.origin[chosen]]))


def core_of(gains: Gains, count: int) -> Core:
    """Start with nothing decided."""
    return Core(gains, np.arange(gains.sites), np.array([], dtype=np.int64), 0.0, count)


def on_grid(multipliers: FloatArray, total: float) -> FloatArray:
    """Round multipliers to a binary fraction so coarse that sums of them and of whole numbers carry no rounding."""
    digits = _DIGITS - int(np.ceil(np.log2(max(total, 1.0))))
    return np.asarray(np.ldexp(np.rint(np.ldexp(multipliers, digits)), -digits))


def bound_at(core: Core, multipliers: FloatArray) -> tuple[float, FloatArray]:
    """Return a bound that no choice of the core exceeds, and what each site is worth in it.

    For any multipliers u ≥ 0, ``Σ_i max_{j in S} c_ij ≤ Σ_i u_i + Σ_{j in S} Σ_i (c_ij - u_i)⁺``: the p sites that
    are worth most give the bound (Lagrangian relaxation of the assignment; Cornuejols, Fisher and Nemhauser 1977).
    """
    gains = core.gains
    above = np.maximum(gains.gain - multipliers[gains.demand], 0)
    worth = np.bincount(gains.site, above, gains.sites).astype("float64")
    return core.constant + float(multipliers.sum() + largest(worth, core.count).sum()), worth


def largest(worth: FloatArray, count: int) -> FloatArray:
    """Return the largest values, in no order."""
    if count >= len(worth):
        return worth
    return np.partition(worth, len(worth) - count)[len(worth) - count :]


def shrink(core: Core, *, bound: float, worth: FloatArray, known: float) -> Core:
    """Fix the sites without which, and drop those with which, the bound falls below a better whole value.

    Parameters
    ----------
    core : Core
        The core.
    bound, worth : float, array
        A bound and what the sites are worth in it.
    known : float
        Value of the best choice known; better means ``known + 1`` at least, values being whole.
    """
    descending = np.append(np.sort(worth)[::-1], [0.0] * (core.count + 1))
    last, following = descending[core.count - 1] if core.count else np.inf, descending[core.count]
    out = bound - np.maximum(last - worth, 0) < known + 1
    into = (bound - np.maximum(worth - following, 0) < known + 1) & ~out
    if not out.any() and not into.any():
        return core
    return _decide(core, into=into, out=out)


def drop_unused(core: Core, multipliers: FloatArray, *, bound: float, known: float) -> Core:
    """Drop the pairs too poor to be the best of a demand in any choice better than the best known.

    A choice in which demand i gains ``g < u_i`` is worth ``bound - (u_i - g)`` at most: a better one gains
    ``u_i - (bound - known - 1)`` at least, and a pair that gives less is never its best.
    """
    slack = max(bound - known - 1, 0)
    gains = core.gains
    return replace(core, gains=gains.where(gains.gain >= multipliers[gains.demand] - slack))


def _decide(core: Core, *, into: BoolArray, out: BoolArray) -> Core:
    fixed = np.flatnonzero(into)
    given = held(core.gains, fixed)[0]
    left = np.flatnonzero(~into & ~out)
    gains = core.gains.only(left)
    above = gains.gain - given[gains.demand]
    gains = Gains(gains.demands, gains.sites, gains.demand, gains.site, above).where(above > 0)
    known = np.concatenate([core.fixed, core.origin[fixed]])
    return Core(gains, core.origin[left], known, core.constant + float(given.sum()), core.count - len(fixed))


@dataclass(frozen=True)
class Descent:
    """Result of a descent: the best multipliers, the length of the next step, and the sites that the bound opens."""

    multipliers: FloatArray
    step: float
    opened: IntArray


def descend(core: Core, start: FloatArray, *, known: float, step: float, iterations: int) -> Descent:
    """Lower the bound by subgradient steps (Held, Wolfe and Crowder 1974), deflected by the former ones.

    A step of length 1 aims at the best known value; steps shorten when the bound does not fall for a while.

    Parameters
    ----------
    core : Core
        The core.
    start : array (demands)
        Multipliers to start from.
    known : float
        Best value known.
    step : float
        Length of the first step.
    iterations : int
        Steps at most: the work is counted in steps, not in seconds, so that a run can be repeated.
    """
    current, best, best_bound, opened = start, start, np.inf, np.array([], dtype=np.int64)
    stalled, direction = 0, np.zeros(len(start))
    for _ in range(iterations):
        bound, worth = bound_at(core, current)
        stalled = 0 if bound < best_bound * (1 - _PROGRESS) else stalled + 1
        around = np.argsort(-worth, kind="stable")[: core.count]
        if bound < best_bound:
            best, best_bound, opened = current, bound, around
        if best_bound < known + 1:
            break
        if stalled > _PATIENCE:
            step, stalled, current, direction = step * _SHORTEN, 0, best, np.zeros(len(start))
        else:
            direction, current = _step(core, current, around, direction, step * (bound - known))
    return Descent(best, step, opened)


def _step(
    core: Core, current: FloatArray, opened: IntArray, direction: FloatArray, aim: float
) -> tuple[FloatArray, FloatArray]:
    gains, is_open = core.gains, np.zeros(core.gains.sites, dtype=bool)
    is_open[opened] = True
    counted = is_open[gains.site] & (gains.gain > current[gains.demand])
    slope = 1.0 - np.bincount(gains.demand[counted], minlength=gains.demands)
    direction = _MEMORY * direction + slope
    direction[(current <= 0) & (direction > 0)] = 0
    length = float(direction @ direction)
    if length <= 0:
        return direction, current
    return direction, np.maximum(0, current - aim / length * direction)
