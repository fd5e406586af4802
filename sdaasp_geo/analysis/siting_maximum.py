"""The p sites that bring most: search, bound, fix, and prove what is left."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from sdaasp_geo.analysis.siting_bounds import Core, bound_at, core_of, descend, drop_unused, on_grid, shrink
from sdaasp_geo.analysis.siting_gains import FloatArray, Gains, IntArray
from sdaasp_geo.analysis.siting_highs import better, levels, relax
from sdaasp_geo.analysis.siting_search import greedy, held, improve, value

_ROUNDING = 2e-9


@dataclass(frozen=True)
class Effort:
    """How much work is spent on a proof: in steps, never in seconds, so that the same inputs give the same result.

    Attributes
    ----------
    rounds, steps : int
        Rounds of the Lagrangian descent, and steps of each; sites are fixed between rounds.
    relaxed_pairs, relaxed_levels, whole_pairs : int
        Pairs (demand × site) and levels of gain left, at most, for HiGHS to solve the relaxation; pairs left, at most,
        for the whole problem.
    iterations, nodes : int
        Simplex iterations and nodes of HiGHS.
    tries : int
        Local searches that may fail in a row, to cover everyone with fewer sites.
    """

    rounds: int = 6
    steps: int = 50
    relaxed_pairs: int = 150_000
    relaxed_levels: int = 15_000
    whole_pairs: int = 6_000
    iterations: int = 50_000
    nodes: int = 100
    tries: int = 600


@dataclass(frozen=True)
class Choice:
    """Chosen sites (rising numbers), what they bring, and a bound that no choice exceeds (both whole)."""

    chosen: IntArray
    value: float
    bound: float


def maximise(gains: Gains, count: int, *, effort: Effort) -> Choice:
    """Choose at most ``count`` sites that bring most: ``max Σ_i max_{j in S} c_ij``, |S| ≤ count.

    Both the maximal covering (Church and ReVelle 1974: c is the population within reach) and the p-median (Hakimi
    1964: c is the time saved) have this form.

    Returns
    -------
    Choice
        The value is the optimum when it equals the bound.
    """
    best = improve(gains, greedy(gains, count))
    state = _State(core_of(gains, count), best, value(gains, best), float(gains.most().sum()) if count else 0.0)
    for stage in (_descent, _relaxation, _search_tree):
        if state.bound < state.known + 1:
            break
        state = stage(state, effort)
    reached = value(gains, state.chosen)
    settled = state.bound - reached < max(1.0, _ROUNDING * reached)
    return Choice(np.sort(state.chosen), reached, reached if settled else float(np.floor(state.bound)))


@dataclass(frozen=True)
class _State:
    core: Core
    chosen: IntArray
    known: float
    bound: float

    def found(self, chosen: IntArray) -> _State:
        """Keep a choice of the core when it is better."""
        reached = self.core.constant + value(self.core.gains, chosen)
        if reached <= self.known:
            return self
        return _State(self.core, self.core.whole(chosen), reached, self.bound)

    def bounded(self, bound: float, worth: FloatArray) -> _State:
        """Take a bound of the core into account: it holds for whatever is better than the best known choice."""
        core = shrink(self.core, bound=bound, worth=worth, known=self.known)
        if core.count and len(core.gains.gain):
            return _State(core, self.chosen, self.known, max(self.known, min(self.bound, bound)))
        if core.constant > self.known:  # nothing is left to decide, and the sites that had to be in are better
            return _State(core, core.whole(np.array([], dtype=np.int64)), core.constant, core.constant)
        return _State(core, self.chosen, self.known, self.known)


def _descent(state: _State, effort: Effort) -> _State:
    best, _, second = held(state.core.gains, state.chosen)
    multipliers, step = (best + second) / 2, 1.0
    for _ in range(effort.rounds):
        core = state.core
        descent = descend(core, multipliers, known=state.known, step=step, iterations=effort.steps)
        state = state.found(improve(core.gains, descent.opened))
        multipliers, step = on_grid(descent.multipliers, _size(core)), descent.step
        bound, worth = bound_at(core, multipliers)
        state = replace(state, core=drop_unused(core, multipliers, bound=bound, known=state.known))
        state = state.bounded(bound, worth)
        if state.bound < state.known + 1:
            break
        given = held(core.gains, np.flatnonzero(np.isin(core.origin, state.core.fixed)))[0]
        multipliers = np.maximum(multipliers - given, 0)
    return state


def _size(core: Core) -> float:
    """Return the order of the largest sums met on a core."""
    return float(core.gains.most().sum()) * (core.count + 1)


def _relaxation(state: _State, effort: Effort) -> _State:
    core = state.core
    if len(core.gains.gain) > effort.relaxed_pairs or levels(core)[1].sum() > effort.relaxed_levels:
        return state
    relaxed = relax(core, iterations=effort.iterations)
    if relaxed is None:
        return state
    bound, worth, opened = relaxed
    return state.found(improve(core.gains, opened)).bounded(bound, worth)


def _search_tree(state: _State, effort: Effort) -> _State:
    if len(state.core.gains.gain) > effort.whole_pairs:
        return state
    chosen, bound = better(state.core, known=state.known, nodes=effort.nodes)
    if chosen is not None:
        state = state.found(chosen)
    return _State(state.core, state.chosen, state.known, max(state.known, min(state.bound, bound)))
