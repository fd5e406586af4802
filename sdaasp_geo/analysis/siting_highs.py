"""The core of a siting problem as a linear programme, solved by HiGHS (through scipy), whole or relaxed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import csr_array, vstack

from sdaasp_geo.analysis.siting_bounds import Core, largest, on_grid
from sdaasp_geo.analysis.siting_gains import BoolArray, FloatArray, IntArray

_HALF, _TOLERANCE = 0.5, 1e-9
_WEIGHT_DIGITS = 20
_INFEASIBLE = 2


@dataclass(frozen=True)
class Programme:
    """Maximise ``weight · z`` where ``matrix · (y, z) ≤ 0``, 0 ≤ y, z ≤ 1, Σ y ≤ count; y tells the open sites.

    A demand climbs levels of gain, from what it has to its best site: the variable z of a level is 1 when a site that
    gives so much, or the level above, is there. A covering demand has one level. This form (Cornuejols, Nemhauser and
    Wolsey 1980) has as many entries as pairs, and its relaxation is as tight as assigning demands to sites.
    """

    matrix: csr_array
    weight: FloatArray


def levels(core: Core) -> tuple[IntArray, BoolArray]:
    """Order pairs by demand then from the best gain down, and mark where a level (a row of the programme) starts."""
    gains = core.gains
    order = np.lexsort((gains.site, -gains.gain, gains.demand))
    demand, gain = gains.demand[order], gains.gain[order]
    starts = np.ones(len(order), dtype=bool)
    starts[1:] = (demand[1:] != demand[:-1]) | (gain[1:] != gain[:-1])
    return order, starts


def programme(core: Core) -> Programme:
    """Write the core as levels."""
    gains = core.gains
    order, starts = levels(core)
    number, rows = np.cumsum(starts) - 1, int(starts.sum())
    demand, reached = gains.demand[order][starts], gains.gain[order][starts]
    upper = np.flatnonzero(demand[1:] == demand[:-1])  # levels with another of the same demand just below
    weight = reached.copy()
    weight[upper] -= reached[upper + 1]
    row = np.concatenate([np.arange(rows), number, upper + 1])
    column = np.concatenate([gains.sites + np.arange(rows), gains.site[order], gains.sites + upper])
    sign = np.concatenate([np.ones(rows), -np.ones(len(order) + len(upper))])
    return Programme(csr_array((sign, (row, column)), (rows, gains.sites + rows)), weight)


def _limits(core: Core, model: Programme) -> tuple[csr_array, FloatArray]:
    total = np.zeros((1, model.matrix.shape[1]))
    total[0, : core.gains.sites] = 1
    return csr_array(vstack([model.matrix, csr_array(total)])), np.append(np.zeros(len(model.weight)), core.count)


def relax(core: Core, *, iterations: int) -> tuple[float, FloatArray, IntArray] | None:
    """Solve the relaxation; return a bound, what the sites are worth in it, and the sites it opens most.

    The bound is computed anew from the prices HiGHS gives, rounded so that no sum carries a rounding error: it holds
    whatever the tolerances of the solver. None when it stops before the end.
    """
    model = programme(core)
    sites = core.gains.sites
    matrix, most = _limits(core, model)
    cost = np.concatenate([np.zeros(sites), -model.weight])
    answer = linprog(cost, A_ub=matrix, b_ub=most, bounds=(0, 1), method="highs", options={"maxiter": iterations})
    if not answer.success:
        return None
    prices = np.maximum(-answer.ineqlin.marginals[:-1], 0)
    prices = on_grid(prices, float(model.weight.sum()) * (core.count + 1))
    reduced = model.matrix.T @ prices
    worth = -reduced[:sites]
    bound = core.constant + float(
        np.maximum(model.weight - reduced[sites:], 0).sum() + largest(worth, core.count).sum()
    )
    return bound, worth, np.argsort(-np.round(answer.x[:sites], 9), kind="stable")[: core.count]


def better(core: Core, *, known: float, nodes: int) -> tuple[IntArray | None, float]:
    """Look by branch and bound for a choice of the core better than the best known; return it, or None, and a bound.

    The bound holds for every choice: it is ``known`` when HiGHS proves that there is none better. The search is
    limited in nodes, not in seconds, so that a run can be repeated.
    """
    model = programme(core)
    sites, rows = core.gains.sites, len(model.weight)
    matrix, most = _limits(core, model)
    scale = 2.0 ** max(0, np.ceil(np.log2(model.weight.max())) - _WEIGHT_DIGITS)
    cost = np.concatenate([np.zeros(sites), -model.weight / scale])
    rows_kept = [LinearConstraint(matrix, -np.inf, most)]
    if scale == 1:  # with larger weights the row would be too ill-conditioned to help
        rows_kept.append(LinearConstraint(csr_array(-cost[None, :]), known + 1 - core.constant, np.inf))
    answer = milp(
        cost,
        integrality=np.concatenate([np.ones(sites), np.zeros(rows)]),
        bounds=Bounds(0, 1),
        constraints=rows_kept,
        options={"node_limit": nodes, "mip_rel_gap": 0},
    )
    if answer.status == _INFEASIBLE:
        return None, known
    proven = answer.mip_dual_bound
    bound = np.inf
    if proven is not None and np.isfinite(proven):
        bound = core.constant - proven * scale
        bound += _TOLERANCE * max(1.0, abs(bound))
    return None if answer.x is None else np.flatnonzero(answer.x[:sites] > _HALF), max(known, bound)
