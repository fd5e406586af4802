"""Bounds hold whatever the effort, and every stage of the proof agrees with the enumeration of all choices."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdaasp_geo.analysis.siting_bounds import bound_at, core_of, drop_unused, on_grid, shrink
from sdaasp_geo.analysis.siting_fewest import fewest
from sdaasp_geo.analysis.siting_gains import Gains, merge_demand, undominated
from sdaasp_geo.analysis.siting_highs import better, relax
from sdaasp_geo.analysis.siting_maximum import Effort, maximise
from sdaasp_geo.analysis.siting_search import greedy, improve, value

SEARCH_ONLY = Effort(rounds=0, relaxed_pairs=0, whole_pairs=0, tries=0)
RELAXED_ONLY = Effort(rounds=0, whole_pairs=0, tries=0)
TREE_ONLY = Effort(rounds=0, relaxed_pairs=0)
EFFORTS = [Effort(), Effort(rounds=1, steps=3), SEARCH_ONLY, RELAXED_ONLY, TREE_ONLY]


def gains_of(table: np.ndarray) -> Gains:
    site, demand = np.nonzero(table.T)
    return Gains(*table.shape, demand, site, table[demand, site].astype("float64"))


def optimum(table: np.ndarray, count: int) -> float:
    size = min(count, table.shape[1])
    return max(float(table[:, list(some)].max(axis=1, initial=0).sum()) for some in _subsets(table.shape[1], size))


def _subsets(sites: int, size: int) -> list[tuple[int, ...]]:
    return [some for n in range(size + 1) for some in itertools.combinations(range(sites), n)]


@st.composite
def tables(draw: st.DrawFn, *, covering: bool = False, greatest: int = 10**9) -> np.ndarray:
    demands, sites = draw(st.integers(1, 12)), draw(st.integers(1, 8))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    there = rng.random((demands, sites)) < draw(st.sampled_from([0.15, 0.4, 0.9]))
    scale = draw(st.sampled_from([1, 3, 50, greatest]))
    if covering:
        return there * rng.integers(1, scale + 1, demands)[:, None]
    return there * rng.integers(1, scale + 1, (demands, sites))


def hard(seed: int, *, demands: int = 60, sites: int = 13, covering: bool) -> np.ndarray:
    """Return a table in the plane, where covering areas overlap."""
    rng = np.random.default_rng(seed)
    homes, places = rng.random((demands, 2)), rng.random((sites, 2))
    apart = np.hypot(*(homes[:, None] - places[None, :]).transpose(2, 0, 1))
    people = rng.integers(1, 2000, demands)[:, None]
    if covering:
        return (apart <= 0.25) * people
    return np.rint(np.maximum(0.6 - apart, 0) * 3_600_000).astype("int64") * people


@pytest.mark.parametrize("effort", EFFORTS)
@given(table=tables() | tables(covering=True), count=st.integers(0, 9))
def test_the_bound_holds_whatever_the_effort(effort: Effort, table: np.ndarray, count: int) -> None:
    best = optimum(table, count)
    found = maximise(gains_of(table), count, effort=effort)
    assert found.value == table[:, found.chosen].max(axis=1, initial=0).sum() <= best <= found.bound
    assert len(found.chosen) <= count
    if effort in {Effort(), TREE_ONLY}:
        assert found.value == best == found.bound


@pytest.mark.parametrize("effort", EFFORTS)
@pytest.mark.parametrize("covering", [True, False])
@pytest.mark.parametrize("seed", [1, 2])
def test_the_bound_holds_on_harder_tables(effort: Effort, seed: int, *, covering: bool) -> None:
    table = hard(seed, covering=covering)
    best = optimum(table, 4)
    found = maximise(gains_of(table), 4, effort=effort)
    assert found.value <= best <= found.bound
    assert found.value == best == found.bound or effort not in (Effort(), TREE_ONLY)


@given(table=tables() | tables(covering=True), count=st.integers(1, 6), seed=st.integers(0, 99))
def test_any_multipliers_give_a_bound(table: np.ndarray, count: int, seed: int) -> None:
    core, best = core_of(gains_of(table), count), optimum(table, count)
    total = float(table.max(axis=1).sum()) * (count + 1)
    multipliers = on_grid(np.random.default_rng(seed).random(len(table)) * table.max(axis=1), total)
    bound, worth = bound_at(core, multipliers)
    assert bound >= best
    known = value(core.gains, greedy(core.gains, count))
    trimmed = drop_unused(core, multipliers, bound=bound, known=known)
    left = shrink(trimmed, bound=bound, worth=worth, known=known)
    if best > known:  # fixing keeps every better choice
        rest = np.zeros((len(table), left.gains.sites))
        rest[left.gains.demand, left.gains.site] = left.gains.gain
        assert left.constant + optimum(rest, left.count) == best


@given(table=tables() | tables(covering=True), count=st.integers(1, 6))
def test_the_relaxation_and_the_tree_bound_the_optimum(table: np.ndarray, count: int) -> None:
    gains, best = gains_of(table), optimum(table, count)
    if not len(gains.gain):
        return
    core = core_of(gains, count)
    relaxed = relax(core, iterations=10_000)
    assert relaxed is not None
    assert relaxed[0] >= best
    chosen, bound = better(core, known=best - 1, nodes=1000)
    assert chosen is not None
    assert value(gains, chosen) == best <= bound
    assert relax(core_of(gains_of(hard(1, covering=False)), 4), iterations=1) is None


@given(table=tables(covering=True), count=st.integers(1, 6))
def test_reductions_keep_the_optimum(table: np.ndarray, count: int) -> None:
    merged = merge_demand(gains_of(table))
    kept = merged.only(undominated(merged))
    smaller = np.zeros((kept.demands, kept.sites))
    smaller[kept.demand, kept.site] = kept.gain
    assert kept.demands == len({tuple(row) for row in table > 0 if row.any()})
    assert optimum(smaller, count) == optimum(table, count) if kept.sites else not table.any()


@given(table=tables(), count=st.integers(1, 5))
def test_no_swap_betters_a_local_search(table: np.ndarray, count: int) -> None:
    gains = gains_of(table)
    start = greedy(gains, count)
    chosen = improve(gains, start)
    assert len(set(chosen.tolist())) == len(start)
    reached = value(gains, chosen)
    assert reached >= value(gains, start)
    for leaver in chosen:
        for entrant in range(gains.sites):
            swapped = np.append(chosen[chosen != leaver], entrant)
            assert value(gains, swapped) <= reached


@pytest.mark.parametrize("effort", [Effort(), SEARCH_ONLY, RELAXED_ONLY, TREE_ONLY])
@given(table=tables(covering=True))
def test_the_fewest_sites(effort: Effort, table: np.ndarray) -> None:
    asked = table[table.any(axis=1)] > 0
    every = _subsets(table.shape[1], table.shape[1])
    fewest_needed = min(len(some) for some in every if asked[:, list(some)].any(axis=1).all())
    found = fewest(gains_of(table), effort=effort)
    assert asked[:, found.chosen].any(axis=1).all()
    assert len(found.chosen) == found.value
    assert found.bound <= fewest_needed <= found.value
    assert found.bound == found.value or effort is not Effort()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_fewest_sites_of_a_harder_table(seed: int) -> None:
    asked = hard(seed, demands=90, sites=14, covering=True) > 0
    asked = asked[asked.any(axis=1)]
    sizes = [len(some) for some in _subsets(14, 14) if asked[:, list(some)].any(axis=1).all()]
    for effort in (Effort(), TREE_ONLY, SEARCH_ONLY):
        found = fewest(gains_of(asked.astype("int64")), effort=effort)
        assert found.bound <= min(sizes) <= found.value
        assert found.value == found.bound or effort == SEARCH_ONLY
