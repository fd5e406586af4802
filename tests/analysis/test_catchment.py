"""Floating catchments: closed forms, conservation of the supply, agreement with explicit loops."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdaasp_geo.analysis.catchment import Decay, floating_catchment, gaussian, reach_of, whole, zones

LUO_QI = zones((10.0, 20.0, 30.0), (1.0, 0.68, 0.22))
CODES = pd.Index([f"6500{number}" for number in range(5)])
PLACES = pd.Index(["p0", "p1", "p2"])
DECAYS = {"whole": whole(30.0), "zones": LUO_QI, "gaussian": gaussian(30.0)}


def table(times: dict[tuple[int, int], float]) -> pd.DataFrame:
    rows = [(CODES[origin], PLACES[place], time) for (origin, place), time in times.items()]
    return pd.DataFrame(rows, columns=["code", "place", "time_min"]).astype({"code": "str", "place": "str"})


PAIRS = st.dictionaries(st.tuples(st.integers(0, 4), st.integers(0, 2)), st.floats(0, 45), max_size=15)
DEMAND = st.lists(st.integers(0, 1000), min_size=5, max_size=5)
SUPPLY = st.lists(st.floats(0, 40), min_size=3, max_size=3)


@given(DEMAND, SUPPLY)
def test_an_infinite_catchment_gives_supply_over_demand_everywhere(demand: list[int], supply: list[float]) -> None:
    everyone = table({(origin, place): 7.0 * origin + place for origin in range(5) for place in range(3)})
    reach = reach_of(everyone, codes=CODES, places=PLACES)
    access, _ = floating_catchment(
        reach, demand=pd.Series(demand, index=CODES), supply=pd.Series(supply, index=PLACES), decay=whole(math.inf)
    )
    expected = sum(supply) / sum(demand) if sum(demand) else 0.0
    np.testing.assert_allclose(access["supply_per_head"], expected)
    assert access["places"].tolist() == [3] * 5


@given(PAIRS, DEMAND, SUPPLY, st.sampled_from(sorted(DECAYS)))
def test_products_agree_with_explicit_loops_and_conserve_the_supply(
    times: dict[tuple[int, int], float], demand: list[int], supply: list[float], name: str
) -> None:
    decay = DECAYS[name]
    access, shares = floating_catchment(
        reach_of(table(times), codes=CODES, places=PLACES),
        demand=pd.Series(demand, index=CODES),
        supply=pd.Series(supply, index=PLACES),
        decay=decay,
    )
    weight = {pair: float(decay(np.array([time]))[0]) for pair, time in times.items()}
    ratio = {}
    for place in range(3):
        reached = sum(demand[origin] * share for (origin, other), share in weight.items() if other == place)
        ratio[place] = supply[place] / reached if reached > 0 else math.nan
    np.testing.assert_allclose(shares["ratio"], list(ratio.values()))
    for origin in range(5):
        near = [place for other, place in times if other == origin and weight[other, place] > 0]
        got = sum(weight[origin, place] * ratio[place] for place in near if not math.isnan(ratio[place]))
        assert access["supply_per_head"][origin] == pytest.approx(got)
        assert access["places"][origin] == len(near)
    given_out = (access["supply_per_head"] * demand).sum()
    assert given_out == pytest.approx(shares.loc[shares["demand"] > 0, "supply"].sum())


@given(PAIRS, DEMAND, SUPPLY, st.randoms())
def test_row_order_does_not_matter(
    times: dict[tuple[int, int], float], demand: list[int], supply: list[float], random: object
) -> None:
    mixed = list(times.items())
    random.shuffle(mixed)  # type: ignore[attr-defined]
    people, offered = pd.Series(demand, index=CODES), pd.Series(supply, index=PLACES)
    first, second = (
        floating_catchment(
            reach_of(table(pairs), codes=CODES, places=PLACES), demand=people[::-1], supply=offered, decay=LUO_QI
        )
        for pairs in (times, dict(mixed))
    )
    pd.testing.assert_frame_equal(first[0], second[0])
    pd.testing.assert_frame_equal(first[1], second[1])


def test_a_place_nobody_reaches_keeps_its_supply_and_has_no_ratio() -> None:
    access, shares = floating_catchment(
        reach_of(table({(0, 0): 5.0, (1, 1): 31.0}), codes=CODES, places=PLACES),
        demand=pd.Series({CODES[0]: 100.0}),
        supply=pd.Series({"p0": 20.0, "p1": 8.0}),
        decay=whole(30.0),
    )
    assert access["supply_per_head"].tolist() == [0.2, 0, 0, 0, 0]
    assert shares["supply"].tolist() == [20.0, 8.0, 0.0]
    assert shares["ratio"].isna().tolist() == [False, True, True]


def test_pairs_of_others_are_left_out_and_a_time_of_zero_counts() -> None:
    pairs = pd.concat([table({(0, 0): 0.0}), pd.DataFrame({"code": ["99999"], "place": ["p0"], "time_min": [1.0]})])
    reach = reach_of(pairs, codes=CODES, places=PLACES)
    assert reach.time_min.nnz == 1
    people, offered = pd.Series({CODES[0]: 50.0, "99999": 1e6}), pd.Series({"p0": 10.0})
    for decay in DECAYS.values():
        access, _ = floating_catchment(reach, demand=people, supply=offered, decay=decay)
        assert access["supply_per_head"][0] == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("decay", "times", "weights"),
    [
        (whole(20.0), [0.0, 20.0, 20.001], [1.0, 1.0, 0.0]),
        (LUO_QI, [0.0, 10.0, 10.001, 20.0, 30.0, 30.001], [1.0, 1.0, 0.68, 0.68, 0.22, 0.0]),
        (gaussian(30.0), [0.0, 30.0, 31.0], [1.0, 0.0, 0.0]),
    ],
)
def test_weights_at_their_bounds(decay: Decay, times: list[float], weights: list[float]) -> None:
    np.testing.assert_array_equal(decay(np.array(times)), weights)


def test_the_gaussian_is_the_published_formula() -> None:
    half = gaussian(30.0)(np.array([15.0]))[0]
    assert half == pytest.approx((math.exp(-0.125) - math.exp(-0.5)) / (1 - math.exp(-0.5)))


@pytest.mark.parametrize(("bounds", "weights"), [((10.0, 20.0), (1.0,)), ((20.0, 10.0), (1.0, 0.5))])
def test_zones_that_make_no_sense_are_refused(bounds: tuple[float, ...], weights: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="rising bounds"):
        zones(bounds, weights)


def test_an_origin_that_was_not_measured_has_no_figure() -> None:
    """Nothing in reach is 0; nothing known is missing. The others share as if it were not there."""
    access, shares = floating_catchment(
        reach_of(table({(0, 0): 5.0}), codes=CODES, places=PLACES),
        demand=pd.Series([10.0, 20.0, 30.0, 40.0, 50.0], index=CODES),
        supply=pd.Series([40.0, 0.0, 0.0], index=PLACES),
        decay=whole(30),
        unmeasured={CODES[2]},
    )
    np.testing.assert_array_equal(access["supply_per_head"], [4.0, 0.0, math.nan, 0.0, 0.0])
    assert access["places"].isna().tolist() == [False, False, True, False, False]
    assert access["places"].dropna().tolist() == [1, 0, 0, 0]
    assert shares["demand"].tolist() == [10.0, 0.0, 0.0]
