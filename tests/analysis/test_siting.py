"""New sites: the optimum on small cases, against every choice; a bound that holds; closures that mirror openings."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdaasp_geo.analysis.siting import (
    CHOSEN,
    MISSED,
    NO_CANDIDATE,
    NO_INHABITANT,
    NOT_CHOSEN,
    OPEN,
    OPTIMAL,
    USELESS,
    Siting,
    cover_all,
    cover_most,
    shorten_times,
)
from sdaasp_geo.analysis.siting_gains import MS_PER_MIN
from sdaasp_geo.analysis.siting_tables import closures, coverage_by_territory, gains_by_territory
from sdaasp_geo.errors import InputError

THRESHOLD, CAP = 20.0, 45.0
LOOSE = {"threshold_min": THRESHOLD, "cap_min": CAP}


@dataclass(frozen=True)
class Case:
    """A small problem: times by demand × place (NaN: not reached); the first places exist."""

    population: list[int]
    times: np.ndarray
    existing: int

    @property
    def demand(self) -> pd.DataFrame:
        return pd.DataFrame({"code": [f"c{i:02}" for i in range(len(self.population))], "population": self.population})

    @property
    def pairs(self) -> pd.DataFrame:
        row, column = np.nonzero(~np.isnan(self.times))
        return pd.DataFrame(
            {
                "code": [f"c{i:02}" for i in row],
                "place": [f"p{j:02}" for j in column],
                "time_min": self.times[row, column],
            }
        )

    @property
    def open_sites(self) -> pd.DataFrame:
        return pd.DataFrame({"place": [f"p{j:02}" for j in range(self.existing)]}, dtype="str")

    @property
    def candidates(self) -> pd.DataFrame:
        places = [f"p{j:02}" for j in range(self.existing, self.times.shape[1])]
        return pd.DataFrame({"place": places, "epci": [f"e{i % 2}" for i in range(len(places))]}, dtype="str")

    @property
    def numbers(self) -> range:
        return range(self.existing, self.times.shape[1])

    def nearest(self, chosen: Sequence[int]) -> np.ndarray:
        """Minutes to the nearest of the existing sites and of some candidates; infinite where none is reached."""
        sites = [*range(self.existing), *chosen]
        times = np.where(np.isnan(self.times), np.inf, self.times)[:, sites]
        return times.min(axis=1, initial=np.inf)

    def within(self, chosen: Sequence[int]) -> int:
        return int(np.array(self.population)[self.nearest(chosen) <= THRESHOLD].sum())

    def person_ms(self, chosen: Sequence[int]) -> int:
        counted = np.rint(np.minimum(self.nearest(chosen), CAP) * MS_PER_MIN)
        return int(counted @ np.array(self.population))

    def subsets(self, count: int) -> list[tuple[int, ...]]:
        size = min(count, len(self.numbers))
        return [chosen for n in range(size + 1) for chosen in itertools.combinations(self.numbers, n)]

    def solve(self, problem: Callable[..., Siting], **options: object) -> Siting:
        shared = {"candidates": self.candidates, "existing": self.open_sites, **LOOSE}
        return problem(self.demand, self.pairs, **{**shared, **options})


@st.composite
def cases(draw: st.DrawFn) -> Case:
    demands, places = draw(st.integers(1, 9)), draw(st.integers(0, 7))
    minutes = st.sampled_from([np.nan, np.nan, 5.0, 12.5, 19.999, 20.0, 20.001, 30.0, 50.0])
    cells = draw(st.lists(minutes, min_size=demands * places, max_size=demands * places))
    population = draw(st.lists(st.integers(0, 4) | st.just(100), min_size=demands, max_size=demands))
    return Case(population, np.array(cells).reshape(demands, places), draw(st.integers(0, min(2, places))))


@given(case=cases(), count=st.integers(0, 8))
def test_most_are_covered(case: Case, count: int) -> None:
    optimum = max(case.within(chosen) for chosen in case.subsets(count))
    found = case.solve(cover_most, count=count)
    assert found.proof.objective == optimum == found.demand.loc[found.demand["within_after"], "population"].sum()
    assert found.proof.bound == optimum
    assert (found.proof.gap, found.proof.sentence) == (0.0, OPTIMAL)
    assert len(found.sites) <= min(count, len(case.numbers))
    assert (found.sites["gain_population"] > 0).all()


@given(case=cases(), count=st.integers(0, 8))
def test_times_are_shortest(case: Case, count: int) -> None:
    optimum = min(case.person_ms(chosen) for chosen in case.subsets(count))
    inhabited = sum(case.population)
    found = case.solve(shorten_times, count=count)
    if inhabited:
        assert found.proof.objective == pytest.approx(optimum / inhabited / MS_PER_MIN, rel=1e-12)
        assert found.proof.bound == pytest.approx(found.proof.objective, rel=1e-12)
    assert (found.proof.gap, found.proof.sentence) == (0.0, OPTIMAL)
    assert (found.sites["gain_min"] > 0).all()


@given(case=cases())
def test_everyone_is_covered_with_the_fewest(case: Case) -> None:
    most = case.within(list(case.numbers))
    optimum = min(len(chosen) for chosen in case.subsets(len(case.numbers)) if case.within(chosen) == most)
    found = case.solve(cover_all)
    assert (found.proof.objective, found.proof.bound, len(found.sites)) == (optimum, optimum, optimum)
    assert found.demand.loc[found.demand["within_after"], "population"].sum() == most
    left = found.demand[~found.demand["within_after"]]
    assert set(left["reason"]) <= {NO_CANDIDATE, NO_INHABITANT}
    assert (found.demand.loc[found.demand["within_after"], "reason"] == "").all()


@given(case=cases(), count=st.integers(0, 4), seed=st.integers(0, 99))
def test_the_order_of_rows_never_matters(case: Case, count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    mixed = [table.sample(frac=1, random_state=rng) for table in (case.demand, case.pairs)]
    sites = {"candidates": case.candidates, "existing": case.open_sites}
    mixed_sites = {name: table.sample(frac=1, random_state=rng) for name, table in sites.items()}
    for problem, options in ((cover_most, {"count": count}), (shorten_times, {"count": count}), (cover_all, {})):
        first = case.solve(problem, **options)
        again = problem(*mixed, **mixed_sites, **LOOSE, **options)
        for name in ("sites", "demand", "steps", "candidates"):
            pd.testing.assert_frame_equal(getattr(first, name), getattr(again, name))
        assert repr(first.proof) == repr(again.proof)
    lost, lost_again = (
        closures(demand, pairs, existing=existing, **LOOSE)
        for demand, pairs, existing in (
            (case.demand, case.pairs, case.open_sites),
            (*mixed, mixed_sites["existing"]),
        )
    )
    for one, other in zip(lost, lost_again, strict=True):
        pd.testing.assert_frame_equal(one, other)


@given(case=cases(), count=st.integers(0, 3))
def test_a_candidate_more_never_makes_it_worse(case: Case, count: int) -> None:
    fewer = case.candidates.iloc[:-1]
    for problem, better in ((cover_most, np.greater_equal), (shorten_times, np.less_equal)):
        without = case.solve(problem, count=count, candidates=fewer).proof.objective
        with_it = case.solve(problem, count=count).proof.objective
        assert better(with_it, without) or np.isnan(without)
    reached = case.solve(cover_all, candidates=fewer).demand["within_after"]
    assert (case.solve(cover_all).demand["within_after"] | ~reached).all()


@given(case=cases(), count=st.integers(0, 4))
def test_figures_add_up(case: Case, count: int) -> None:
    territories = pd.DataFrame(
        {
            "level": "epci",
            "territory": [None if i % 3 == 2 else f"e{i % 3}" for i in range(len(case.population))],
            "code": case.demand["code"],
        }
    )
    for problem, options in ((cover_most, {"count": count}), (shorten_times, {"count": count}), (cover_all, {})):
        found = case.solve(problem, **options)
        sites, parts = found.sites, coverage_by_territory(found, territories)
        before = found.demand.loc[found.demand["within_before"], "population"].sum()
        after = found.demand.loc[found.demand["within_after"], "population"].sum()
        assert before + sites["gain_population"].sum() == after == parts["after_population"].sum()
        assert before == parts["before_population"].sum() == case.within([])
        assert parts["population"].sum() == sum(case.population)
        if len(sites):
            assert sites["cumulative_population"].iloc[-1] == after
        shares = gains_by_territory(found.steps, found.demand, territories)
        by_site = shares.groupby("place")["gain_population"].sum().reindex(sites["place"], fill_value=0)
        assert list(by_site) == list(sites["gain_population"])
        saved = (parts["before_mean_min"] - parts["after_mean_min"]) * parts["population"]
        if sum(case.population):
            assert saved.sum() / sum(case.population) == pytest.approx(sites["gain_min"].sum(), abs=1e-9)
            chosen = [int(place[1:]) for place in sites["place"]]
            mean = case.person_ms(chosen) / sum(case.population) / MS_PER_MIN
            assert sites["mean_min"].iloc[-1] == pytest.approx(mean) if chosen else True


@given(case=cases())
def test_closing_a_site_and_opening_it_again_restores_the_figures(case: Case) -> None:
    table, losses = closures(case.demand, case.pairs, existing=case.open_sites, **LOOSE)
    assert set(table["place"]) == set(case.open_sites["place"])
    for row in table.itertuples():
        others = case.open_sites[case.open_sites["place"] != row.place]
        again = case.solve(
            cover_most, count=1, existing=others, candidates=case.open_sites[case.open_sites["place"] == row.place]
        )
        alone = again.candidates.iloc[0]
        assert row.residual_population == alone["alone_population"] == case.within([]) - _within(again, "before")
        assert row.lost_min == pytest.approx(alone["alone_min"], abs=1e-12) or not sum(case.population)
        assert _within(again, "after") == case.within([])
        mine = losses[losses["place"] == row.place]
        assert -mine["gain_population"].sum() == row.residual_population
        assert row.unreached_population <= row.nearest_population


def _within(siting: Siting, state: str) -> int:
    return int(siting.demand.loc[siting.demand[f"within_{state}"], "population"].sum())


def case_of(rows: list[list[float]], population: list[int], *, existing: int = 0) -> Case:
    return Case(population, np.array(rows, dtype="float64"), existing)


NONE = np.nan


def test_a_time_equal_to_the_threshold_is_covered() -> None:
    case = case_of([[20.0], [20.000001]], [7, 9])
    found = case.solve(cover_most, count=1)
    assert list(found.demand["within_after"]) == [True, False]
    assert found.sites["gain_population"].tolist() == [7]
    assert list(found.demand["reason"]) == ["", NO_CANDIDATE]


def test_existing_sites_are_locked_open_and_never_chosen() -> None:
    case = case_of([[5.0, 5.0], [NONE, 8.0]], [100, 3], existing=1)
    everything = pd.DataFrame({"place": ["p00", "p01"], "commune": ["Aux", "Bun"]})
    found = case.solve(cover_most, count=2, candidates=everything)
    assert found.sites[["place", "commune", "gain_population"]].to_numpy().tolist() == [["p01", "Bun", 3]]
    assert list(found.candidates["reason"]) == [OPEN, CHOSEN]
    assert list(found.demand["after_place"]) == ["p00", "p01"]
    assert found.demand["rank"].isna().tolist() == [True, False]


def test_sites_are_ranked_by_what_each_adds() -> None:
    # p00 and p02 together reach all; p01 alone reaches most, but half of it is also theirs
    case = case_of(
        [[5.0, NONE, NONE, NONE], [5.0, 5.0, NONE, NONE], [NONE, 5.0, 5.0, NONE], [NONE, NONE, 5.0, NONE]],
        [5, 4, 3, 5],
    )
    found = case.solve(cover_most, count=2)
    assert found.sites["place"].tolist() == ["p00", "p02"]
    assert found.sites["rank"].tolist() == [1, 2]
    assert found.sites["gain_population"].tolist() == [9, 8]
    assert found.sites["cumulative_share"].tolist() == [9 / 17, 1.0]
    assert list(found.candidates["reason"]) == [CHOSEN, NOT_CHOSEN, CHOSEN, USELESS]
    assert list(found.candidates["alone_population"]) == [9, 7, 8, 0]
    assert list(case.solve(cover_most, count=1).demand["reason"]) == ["", "", MISSED, MISSED]


def test_of_equal_sites_the_first_is_chosen() -> None:
    case = case_of([[5.0, 5.0, 5.0]] * 2, [4, 4])
    assert case.solve(cover_most, count=1).sites["place"].tolist() == ["p00"]
    assert case.solve(shorten_times, count=1).sites["place"].tolist() == ["p00"]
    assert case.solve(cover_all).sites["place"].tolist() == ["p00"]


def test_of_sites_that_cover_the_same_the_quickest_is_chosen() -> None:
    case = case_of([[15.0, 12.0, 19.0], [15.0, 14.0, 19.0]], [4, 4])
    assert case.solve(cover_most, count=1).sites["place"].tolist() == ["p01"]
    assert case.solve(cover_all).sites["place"].tolist() == ["p01"]


def test_unreached_demand_counts_the_cap() -> None:
    case = case_of([[10.0], [NONE], [60.0]], [1, 1, 1])
    found = case.solve(shorten_times, count=1)
    assert found.proof.objective == pytest.approx((10 + CAP + CAP) / 3)
    assert found.demand["after_min"].tolist()[::2] == [10.0, 60.0]
    assert found.demand["after_min"].isna().tolist() == [False, True, False]
    whole = pd.DataFrame({"level": "x", "territory": "t", "code": case.demand["code"]})
    figures = coverage_by_territory(found, whole).iloc[0]
    assert (figures["before_unreached"], figures["after_unreached"]) == (3, 1)


def test_nothing_to_choose_from_is_said() -> None:
    case = Case([3, 0], np.full((2, 2), np.nan), 0)
    for found in (case.solve(cover_most, count=2), case.solve(shorten_times, count=2), case.solve(cover_all)):
        assert len(found.sites) == 0
        assert found.sites.columns.tolist()[:4] == ["rank", "place", "epci", "gain_population"]
        assert list(found.demand["reason"]) == [NO_CANDIDATE, NO_INHABITANT]
        assert set(found.candidates["reason"]) == {USELESS}
        assert found.proof.sentence == OPTIMAL


def test_faults_of_the_demand_come_together() -> None:
    demand = pd.DataFrame({"code": ["a", "a", "b"], "population": [1.0, 2.5, np.nan]})
    pairs = pd.DataFrame({"code": ["a"], "place": ["p"], "time_min": [3.0]})
    sites = pd.DataFrame({"place": ["p"]})
    with pytest.raises(InputError) as caught:
        cover_most(demand, pairs, candidates=sites, existing=sites.iloc[:0], count=1, **LOOSE)
    assert [fault.value for fault in caught.value.faults] == ["a 2.5", "b nan", "a"]
    with pytest.raises(InputError):
        closures(demand, pairs, existing=sites, **LOOSE)


def test_tables_given_are_left_alone() -> None:
    case = case_of([[5.0, 9.0], [25.0, 8.0]], [10, 3], existing=1)
    given_tables = [case.demand, case.pairs, case.candidates, case.open_sites]
    copies = [table.copy() for table in given_tables]
    cover_most(*given_tables[:2], candidates=given_tables[2], existing=given_tables[3], count=1, **LOOSE)
    closures(*given_tables[:2], existing=given_tables[3], **LOOSE)
    for table, copy in zip(given_tables, copies, strict=True):
        pd.testing.assert_frame_equal(table, copy)
