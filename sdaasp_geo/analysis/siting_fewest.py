"""The fewest sites that reach every demand which can be: reduce, search, bound, and prove what is left."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import csr_array

from sdaasp_geo.analysis.siting_bounds import on_grid
from sdaasp_geo.analysis.siting_gains import BoolArray, FloatArray, Gains, IntArray, redundant
from sdaasp_geo.analysis.siting_maximum import Choice, Effort
from sdaasp_geo.analysis.siting_search import improve

_COMPARED = 6000
"""Demands compared two by two, at most."""
_HALF, _INFEASIBLE = 0.5, 2


def fewest(gains: Gains, *, effort: Effort) -> Choice:
    """Choose the fewest sites so that each demand that has a site within reach gets one (Toregas et al. 1971).

    Parameters
    ----------
    gains : Gains
        Covering gains; a demand without pair asks for nothing.
    effort : Effort
        Limits of the proof.

    Returns
    -------
    Choice
        ``value`` and ``bound`` are numbers of sites: no choice has fewer than ``bound``.
    """
    table = np.zeros((gains.demands, gains.sites), dtype=bool)
    table[gains.demand, gains.site] = True
    rest = _reduced(table[table.any(axis=1)])
    needed = len(rest.needed)
    if not rest.table.size:
        return Choice(np.sort(rest.needed), float(needed), float(needed))
    relaxed = _relaxed(rest.table, effort)
    starts = [_cover(rest.table, weight) for weight in (relaxed.opening, np.ones(rest.table.shape[1]))]
    bound = max(float(np.ceil(relaxed.bound)), 1.0)
    best = _fewer(rest.table, min(starts, key=len), bound, effort)
    if len(best) > bound:
        useful = np.flatnonzero(relaxed.bound + relaxed.excess <= len(best) - 1)
        found, bound = _search_tree(rest.table[:, useful], len(best), bound, effort)
        best = best if found is None else useful[found]
    chosen = np.sort(np.concatenate([rest.needed, rest.origin[best]]))
    return Choice(chosen, float(len(chosen)), needed + bound)


@dataclass(frozen=True)
class _Rest:
    """What is left of a table (demand × site) once the needed sites are set aside; ``origin`` numbers its sites."""

    table: BoolArray
    origin: IntArray
    needed: IntArray


def _reduced(table: BoolArray) -> _Rest:
    """Drop demands that another one implies and sites that another one replaces; open the only site of a demand."""
    origin, needed = np.arange(table.shape[1]), np.array([], dtype=np.int64)
    table = _distinct(table)
    while True:
        shape = table.shape
        if len(table) <= _COMPARED:
            table = table[~redundant(_within(table).T)]
        kept = table.any(axis=0)
        table, origin = table[:, kept], origin[kept]
        kept = ~redundant(_within(table.T))
        table, origin = table[:, kept], origin[kept]
        only = np.zeros(len(origin), dtype=bool)
        only[np.nonzero(table[table.sum(axis=1) == 1])[1]] = True
        needed = np.concatenate([needed, origin[only]])
        table, origin = table[~table[:, only].any(axis=1)][:, ~only], origin[~only]
        if table.shape == shape or not table.size:
            return _Rest(table, origin, needed)


def _distinct(table: BoolArray) -> BoolArray:
    """Keep the first of equal rows."""
    first = np.unique(np.packbits(table, axis=1), axis=0, return_index=True)[1]
    return table[np.sort(first)]


def _within(table: BoolArray) -> BoolArray:
    """Say which row lies in which other (row i in row k)."""
    counted = table.astype("float32")  # whole numbers below 2²⁴: exact
    shared = counted @ counted.T
    return np.asarray(shared == np.diagonal(shared)[:, None])


def _cover(table: BoolArray, weight: FloatArray) -> IntArray:
    """Open the site that reaches most demands left, weighted, until none is left; then close the useless ones."""
    left = np.ones(len(table), dtype=bool)
    chosen: list[int] = []
    while left.any():
        reached = table[left].sum(axis=0) * (weight + 1e-6)
        chosen.append(int(reached.argmax()))
        left &= ~table[:, chosen[-1]]
    for site in reversed(chosen.copy()):
        others = [other for other in chosen if other != site]
        if table[:, others].any(axis=1).all():
            chosen = others
    return np.array(chosen, dtype=np.int64)


def _fewer(table: BoolArray, best: IntArray, bound: float, effort: Effort) -> IntArray:
    """Close a site and swap the others until every demand is reached again, as long as that succeeds.

    Where no swap helps, the demands left out weigh one more, so that the search moves on (weighting local search).
    """
    site, demand = np.nonzero(table.T)
    (demands, sites), weight = table.shape, np.ones(len(table))
    chosen, tries = best[:-1], 0
    while len(best) > bound and tries < effort.tries:
        tries += 1
        chosen = improve(Gains(demands, sites, demand, site, weight[demand]), chosen)
        missed = ~table[:, chosen].any(axis=1)
        if missed.any():
            weight[missed] += 1
        else:
            best, chosen, tries = chosen, chosen[:-1], 0
    return best


@dataclass(frozen=True)
class _Relaxed:
    """A lower bound, by how much opening each site raises it, and how far the relaxation opens each."""

    bound: float
    excess: FloatArray
    opening: FloatArray


def _relaxed(table: BoolArray, effort: Effort) -> _Relaxed:
    """Compute a lower bound from the prices of the relaxation, anew and without rounding.

    For any prices u ≥ 0 of the demands, ``Σ u + Σ_j min(0, 1 - Σ_{i reached by j} u_i)`` is one.
    """
    demands, sites = table.shape
    unknown = _Relaxed(1.0, np.zeros(sites), np.ones(sites))
    if table.sum() > effort.relaxed_pairs:
        return unknown
    matrix = csr_array(table.astype("float64"))
    limit = {"maxiter": effort.iterations}
    answer = linprog(np.ones(sites), A_ub=-matrix, b_ub=-np.ones(demands), bounds=(0, 1), options=limit)
    if not answer.success:
        return unknown
    prices = on_grid(np.maximum(-answer.ineqlin.marginals, 0), float(demands * sites))
    reduced = 1 - matrix.T @ prices
    bound = float(prices.sum() + np.minimum(0, reduced).sum())
    return _Relaxed(bound, np.maximum(0, reduced), np.round(answer.x, 9))


def _search_tree(table: BoolArray, known: int, bound: float, effort: Effort) -> tuple[IntArray | None, float]:
    """Look by branch and bound for a cover with fewer sites than the best one; return it, or None, and a bound."""
    if not table.any(axis=1).all():
        return None, float(known)
    if table.sum() > effort.whole_pairs:
        return None, bound
    sites, found = table.shape[1], None
    answer = milp(
        np.ones(sites),
        integrality=np.ones(sites),
        bounds=Bounds(0, 1),
        constraints=[
            LinearConstraint(csr_array(table.astype("float64")), 1, np.inf),
            LinearConstraint(np.ones((1, sites)), -np.inf, known - 1),
        ],
        options={"node_limit": effort.nodes, "mip_rel_gap": 0},
    )
    if answer.status == _INFEASIBLE:
        return None, float(known)
    if answer.x is not None and table[:, opened := answer.x > _HALF].any(axis=1).all():
        found = np.flatnonzero(opened)
        known = len(found)
    if answer.mip_dual_bound is not None and np.isfinite(answer.mip_dual_bound):
        bound = max(bound, float(np.ceil(answer.mip_dual_bound - 1e-6)))
    return found, min(bound, float(known))
