"""Change of an indicator split into effects: they add up, are symmetric, and are nil where nothing changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdaasp_geo.analysis.change import (
    FACTORS,
    MEAN,
    SHARE,
    WITHIN,
    State,
    explain_change,
    indicator,
    measured_once,
    round_effects,
)
from sdaasp_geo.analysis.lifecycle import epci_members
from sdaasp_geo.errors import InputError
from sdaasp_geo.sources import france

CA_TARBES, VAL_D_ARROS = "200069300", "200070803"
SNAPSHOTS = {
    "2020-01-02": "france_services/france_services_2020-01-02_b88c14a.geojson",
    "2020-10-12": "france_services/france_services_2020-10-12_0584fe1.geojson",
}

values = st.lists(st.integers(-1000, 1000), min_size=16, max_size=16)


def tabulated(figures: list[int]) -> Callable[[State], float]:
    """An indicator of any shape: one figure for each of the 16 mixtures."""
    return lambda state: float(figures[sum(int(state[factor]) << rank for rank, factor in enumerate(FACTORS))])


BEFORE: dict[str, Any] = dict.fromkeys(FACTORS, 0)
AFTER: dict[str, Any] = dict.fromkeys(FACTORS, 1)


@given(values)
def test_effects_add_up(figures: list[int]) -> None:
    table = explain_change(BEFORE, AFTER, tabulated(figures))
    assert table["effect"].tolist() == list(FACTORS)
    assert table["value"].sum() == pytest.approx(figures[15] - figures[0], abs=1e-9)
    assert (table["before"] == figures[0]).all()
    assert (table["after"] == figures[15]).all()


@given(values)
def test_exchanging_the_states_changes_every_sign(figures: list[int]) -> None:
    there, back = (explain_change(*pair, tabulated(figures)) for pair in ((BEFORE, AFTER), (AFTER, BEFORE)))
    assert there["value"].tolist() == pytest.approx((-back["value"]).tolist(), abs=1e-9)


@given(values, st.permutations(FACTORS))
def test_the_order_of_the_factors_does_not_matter(figures: list[int], order: list[str]) -> None:
    known = explain_change(BEFORE, AFTER, tabulated(figures)).set_index("effect")["value"]
    table = explain_change(dict.fromkeys(order, 0), dict.fromkeys(order, 1), tabulated(figures))
    assert table["effect"].tolist() == order
    assert table["value"].tolist() == pytest.approx(known[order].tolist(), abs=1e-9)


@given(values, st.sets(st.sampled_from(FACTORS)))
def test_a_factor_that_did_not_change_has_no_effect(figures: list[int], changed: set[str]) -> None:
    after = {factor: int(factor in changed) for factor in FACTORS}
    table = explain_change(BEFORE, after, tabulated(figures)).set_index("effect")
    assert (table.loc[[factor for factor in FACTORS if factor not in changed], "value"] == 0).all()
    assert table["value"].sum() == pytest.approx(table["after"].iloc[0] - table["before"].iloc[0], abs=1e-9)


@given(values)
def test_a_factor_that_the_indicator_ignores_has_no_effect(figures: list[int]) -> None:
    blind = tabulated(figures)
    table = explain_change(BEFORE, AFTER, lambda state: blind({**state, "source": 0})).set_index("effect")
    assert table.loc["source", "value"] == 0


@given(st.lists(st.integers(-100, 100), min_size=4, max_size=4), st.integers(-100, 100))
def test_each_effect_is_its_own_where_the_indicator_is_a_sum(weights: list[int], base: int) -> None:
    terms = dict(zip(FACTORS, weights, strict=True))
    table = explain_change(BEFORE, AFTER, lambda state: base + sum(terms[name] * state[name] for name in FACTORS))
    assert table["value"].tolist() == pytest.approx(weights, abs=1e-9)


def test_a_product_is_shared_equally_between_its_two_factors() -> None:
    table = explain_change({"a": 2, "b": 3}, {"a": 4, "b": 5}, lambda state: state["a"] * state["b"])
    # a first: (4-2)*3 = 6, then b: 4*2 = 8; b first: 2*2 = 4, then a: 2*5 = 10
    assert table["value"].tolist() == [8.0, 6.0]


@given(values, st.integers(0, 2))
def test_rounded_effects_add_up_to_the_rounded_change(figures: list[int], digits: int) -> None:
    exact = explain_change(BEFORE, AFTER, tabulated([figure / 7 for figure in figures]))  # type: ignore[misc]
    table = round_effects(exact, digits=digits)
    unit = 10.0**-digits
    assert table["value"].sum() == pytest.approx(round(exact["value"].sum(), digits), abs=1e-6)
    assert ((table["value"] - exact["value"]).abs() < unit + 1e-9).all()
    assert (table["value"] * 10**digits).tolist() == pytest.approx((table["value"] * 10**digits).round().tolist())


def test_states_of_other_factors_are_refused() -> None:
    with pytest.raises(InputError, match="les mêmes facteurs"):
        explain_change({"a": 1}, {"b": 1}, lambda _: 0.0)


PEOPLE = pd.DataFrame({"code": ["1", "2", "3"], "population": [100, 200, 300]})
HOMES = pd.DataFrame({"territory": ["E", "E", "F"], "code": ["1", "2", "3"]})
TIMES = pd.DataFrame({"code": ["1", "2", "3"], "time_min": [10.0, 20.0, np.nan]})


def state(**changes: object) -> dict[str, Any]:
    return {"supply": "s", "population": PEOPLE, "perimeter": HOMES, "source": "m", **changes}


def test_indicators_of_a_state() -> None:
    compute = partial(indicator, state(), measure=lambda *_: TIMES)
    assert compute(figure=WITHIN, threshold_min=10).to_dict() == {"E": 100.0, "F": 0.0}
    assert compute(figure=SHARE, threshold_min=9.99)["E"] == 0
    assert compute(figure=SHARE, threshold_min=10)["E"] == pytest.approx(1 / 3)
    assert compute(figure=MEAN)["E"] == pytest.approx(50 / 3)
    assert np.isnan(compute(figure=MEAN)["F"])
    assert np.isnan(compute(figure=SHARE, threshold_min=30)["F"])


def test_an_indicator_without_threshold_or_unknown_is_refused() -> None:
    for figure in (WITHIN, SHARE, "median_min"):
        with pytest.raises(InputError, match="un indicateur parmi"):
            indicator(state(), measure=lambda *_: TIMES, figure=figure)


def test_tables_of_two_vintages_are_refused_with_the_communes() -> None:
    moved = HOMES.assign(code=["1", "2", "9"])
    with pytest.raises(InputError) as caught:
        indicator(state(perimeter=moved), measure=lambda *_: TIMES, figure=MEAN)
    assert [(fault.file, fault.value) for fault in caught.value.faults] == [("population", "9"), ("minutes", "9")]
    twice = pd.concat([TIMES, TIMES.iloc[:1]])
    with pytest.raises(InputError) as caught:
        indicator(state(), measure=lambda *_: twice, figure=MEAN)
    assert [(fault.file, fault.value) for fault in caught.value.faults] == [("minutes", "1")]


def test_minutes_are_measured_once_for_each_supply_and_source() -> None:
    asked = []

    def measure(supply: object, source: object) -> pd.DataFrame:
        asked.append((supply, source))
        return TIMES.fillna(30.0)

    after = state(supply="t", source="n", population=PEOPLE.copy(), perimeter=HOMES.copy())
    table = explain_change(state(), after, partial(indicator, measure=measured_once(measure), figure=MEAN))
    assert sorted(asked) == [("s", "m"), ("s", "n"), ("t", "m"), ("t", "n")]  # type: ignore[type-var]
    assert (table["value"] == 0).all()
    assert table["territory"].tolist() == ["E"] * 4 + ["F"] * 4


def test_a_territory_that_only_one_state_has_counts_from_zero_or_is_not_measured() -> None:
    after = state(perimeter=HOMES.assign(territory=["E", "G", "G"]))
    compute = partial(indicator, measure=lambda *_: TIMES.fillna(30.0), threshold_min=30)
    table = explain_change(state(), after, partial(compute, figure=WITHIN), absent=0.0).set_index("territory")
    assert table["value"].groupby("territory").sum().to_dict() == {"E": -200.0, "F": -300.0, "G": 500.0}
    assert (table.loc[table["effect"] != "perimeter", "value"] == 0).all()
    mean = explain_change(state(), after, partial(compute, figure=MEAN)).set_index("territory")
    assert mean.loc[["F", "G"], "value"].isna().all()
    assert mean.loc["E", "value"].sum() == pytest.approx(10 - 50 / 3)


def places_of(path: Path) -> pd.DataFrame:
    """France services of a snapshot, with the mairie of their commune where it is known."""
    features = json.loads(path.read_text(encoding="utf-8"))["features"]
    rows = [
        (feature["properties"].get("insee_com") or feature["properties"].get("result_citycode"), *point[:2])
        for feature in features
        if (point := (feature["geometry"] or {}).get("coordinates"))
    ]
    return pd.DataFrame(rows, columns=["code", "lon", "lat"]).astype({"code": "str"})


def minutes(origins: pd.DataFrame, places: pd.DataFrame) -> pd.DataFrame:
    """Minutes to the nearest place at 60 km/h on a straight line: a measure for the test only."""
    lon, lat = (np.radians(origins[axis].to_numpy()[:, None]) for axis in ("lon", "lat"))
    to_lon, to_lat = (np.radians(places[axis].to_numpy()) for axis in ("lon", "lat"))
    half = np.sin((to_lat - lat) / 2) ** 2 + np.cos(lat) * np.cos(to_lat) * np.sin((to_lon - lon) / 2) ** 2
    return pd.DataFrame({"code": origins["code"], "time_min": (2 * 6371 * np.arcsin(np.sqrt(half))).min(axis=1)})


def snapshot_states(
    departement: str, shared: Callable[[str], Path]
) -> tuple[dict[str, Any], dict[str, Any], Callable[[Any, Any], pd.DataFrame]]:
    """Two states of 2020: the list of France services, the inhabitants, the EPCI, where the places are put."""
    mairies = france.read_mairies([departement, *france.find_departement(departement).neighbours])
    points = mairies.rename(columns={"code_commune": "code"}).drop_duplicates("code")[["code", "lon", "lat"]]
    lists = {date: places_of(shared(name)) for date, name in SNAPSHOTS.items()}
    people = {year: france.read_membership(year) for year in (2020, 2021)}
    codes = set(people[2020].loc[people[2020]["departement"] == departement, "code"])
    assert codes == set(people[2021].loc[people[2021]["departement"] == departement, "code"]) <= set(points["code"])
    second = people[2021].merge(france.read_second_membership()[["code", "epci"]], on="code", suffixes=("_dgcl", ""))
    homes = [epci_members(table[table["code"].isin(codes)]) for table in (people[2020], second)]

    def measure(date: str, source: str) -> pd.DataFrame:
        known = lists[date]
        if source == "mairie":
            known = points[points["code"].isin(known["code"])]
        return minutes(points[points["code"].isin(codes)], known)

    before = {"supply": "2020-01-02", "population": people[2020], "perimeter": homes[0], "source": "mairie"}
    after = {"supply": "2020-10-12", "population": people[2021], "perimeter": homes[1], "source": "adresse"}
    return before, after, measured_once(measure)


@pytest.mark.parametrize("departement", ["65", "04"])
@pytest.mark.parametrize("figure", [WITHIN, MEAN])
def test_the_france_services_of_2020(departement: str, figure: str, shared: Callable[[str], Path]) -> None:
    before, after, measure = snapshot_states(departement, shared)
    evaluate = partial(indicator, measure=measure, figure=figure, threshold_min=20)
    table = explain_change(before, after, evaluate, absent=0.0 if figure == WITHIN else np.nan)
    sums = table.groupby("territory")["value"].sum()
    expected = table.drop_duplicates("territory").set_index("territory")
    assert sums.tolist() == pytest.approx((expected["after"] - expected["before"]).tolist(), rel=1e-9, abs=1e-6)
    effects = table.set_index(["effect", "territory"])["value"]
    perimeter = effects["perimeter"]
    changed = {CA_TARBES, VAL_D_ARROS} if departement == "65" else set()
    assert (perimeter[~perimeter.index.isin(changed)] == 0).all()
    assert figure != MEAN or (perimeter[perimeter.index.isin(changed)] != 0).all()  # Barbazan-Dessus changed hands
    still = explain_change(before, {**after, "supply": before["supply"]}, evaluate)
    assert (still.loc[still["effect"] == "supply", "value"] == 0).all()
    back = explain_change(after, before, evaluate, absent=0.0 if figure == WITHIN else np.nan)
    assert back["value"].tolist() == pytest.approx((-table["value"]).tolist(), rel=1e-9, abs=1e-6)


def test_opening_places_brings_inhabitants_closer_in_04(shared: Callable[[str], Path]) -> None:
    before, after, measure = snapshot_states("04", shared)
    lists = {date: set(places_of(shared(name))["code"]) for date, name in SNAPSHOTS.items()}
    own = {date: {code for code in codes if code.startswith("04")} for date, codes in lists.items()}
    assert len(own["2020-10-12"]) > len(own["2020-01-02"])
    evaluate = partial(indicator, measure=measure, figure=MEAN)
    table = explain_change(before, {**after, "source": "mairie"}, evaluate).set_index("effect")
    assert table.loc["supply", "value"].min() < -5
    assert (table.loc["source", "value"] == 0).all()
    assert table.loc["population", "value"].abs().max() < 1
