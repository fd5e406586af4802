"""Figures restated on another vintage: totals conserved to the unit, means weighted, estimates flagged."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdaasp_geo.analysis.lifecycle import epci_members, petr_communes
from sdaasp_geo.analysis.restatement import SHARED, restate, restate_territories
from sdaasp_geo.errors import InputError
from sdaasp_geo.layers.vintages import passage_table
from sdaasp_geo.sources import france

NBSP = "\N{NO-BREAK SPACE}"
CANTAL = ["15031", "15035", "15047", "15141", "15171"]
membership = cache(france.read_membership)


@cache
def passage(start: int, end: int) -> pd.DataFrame:
    return passage_table(membership(start), membership(end), france.read_moves())


@pytest.mark.parametrize(("start", "end"), [(2019, 2026), (2026, 2019), (2023, 2024), (2024, 2025)])
def test_the_population_of_france_is_conserved_to_the_inhabitant(start: int, end: int) -> None:
    before, after = membership(start), membership(end)
    values = before[["code", "population"]].assign(places=1, surface_km2=before["population"] / 7)
    table = restate(values, passage(start, end), sums=["population", "places", "surface_km2"])
    assert table["code"].tolist() == sorted(after["code"])
    assert table["population"].dtype == table["places"].dtype == "int64"
    assert table["population"].sum() == before["population"].sum()
    assert table["places"].sum() == len(before)
    assert table["surface_km2"].sum() == pytest.approx(values["surface_km2"].sum(), rel=1e-12)
    assert (table["estimated"] == (table["reason"] == SHARED)).all()


def test_merged_communes_are_added_and_kept_whole() -> None:
    values = membership(2019)[["code", "population"]]
    table = restate(values, passage(2019, 2026), sums=["population"]).set_index("code")
    old = values.set_index("code")["population"]
    for code, origins in {"21452": ["21213", "21452"], "01138": ["01039", "01138"], "12218": ["12076"]}.items():
        assert table.loc[code, "population"] == old[origins].sum()
        assert not table.loc[code, "estimated"]


def test_four_communes_of_cantal_share_what_their_commune_had() -> None:
    values = pd.DataFrame({"code": ["15141", "15001"], "places": [7, 3]})
    table = restate(values, passage(2024, 2025), sums=["places"]).set_index("code")
    shares = table.loc[CANTAL, "places"]
    people = membership(2025).set_index("code").loc[CANTAL, "population"]
    assert shares.sum() == 7
    assert (shares - 7 * people / people.sum()).abs().max() < 1
    assert table.loc[CANTAL, "estimated"].all()
    assert table.loc["15001"].to_dict() == {"places": 3, "estimated": False, "reason": ""}
    back = restate(table.reset_index()[["code", "places"]], passage(2025, 2024), sums=["places"])
    pd.testing.assert_frame_equal(back[["code", "places"]], values.sort_values("code", ignore_index=True))
    assert not back["estimated"].any()


def test_an_epci_is_exact_when_the_shared_commune_is_whole_in_it() -> None:
    values = membership(2024)[["code", "population"]]
    after = membership(2025)
    table = restate_territories(values, passage(2024, 2025), epci_members(after), sums=["population"])
    table = table.set_index("territory")
    home = after.set_index("code").loc["15141", "epci"]
    assert not table.loc[home, "estimated"]
    assert table["population"].sum() == values["population"].sum()
    assert table.loc["aucun", "communes"] == 4  # four islands


def test_an_epci_is_an_estimate_when_the_shared_commune_is_cut_by_it() -> None:
    members = pd.DataFrame({"territory": ["A", "A", "B"], "code": ["15141", "15031", "15035"]})
    values = pd.DataFrame({"code": ["15141", "15001"], "places": [100, 1]})
    table = restate_territories(values, passage(2024, 2025), members, sums=["places"])
    assert table["territory"].tolist() == ["A", "B", "aucun"]
    assert table["estimated"].tolist() == [True, True, True]
    assert table["places"].sum() == 101


def test_figures_of_2019_on_the_epci_of_2022() -> None:
    before, after = membership(2019), membership(2022)
    names = epci_members(after)
    table = restate_territories(before, passage(2019, 2022), names, sums=["population"]).set_index("territory")
    was = before[before["epci"].isin(["200035459", "200036572"])]
    assert table.loc["200096956", "population"] == was["population"].sum()  # Agen: two EPCI of 2019 in one
    assert table.loc[["200096634", "200096642"], "population"].sum() == (
        before.loc[before["epci"] == "200071157", "population"].sum()
    )  # Hautes Vosges: one EPCI of 2019 in two


def test_figures_of_2019_on_the_petr_of_2024() -> None:
    before, after = membership(2019), membership(2024)
    members = petr_communes(france.read_petr(), after, date="2024-01-01")
    own = before[before["departement"] == "65"]
    table = restate_territories(own, passage(2019, 2024), members, sums=["population"]).set_index("territory")
    bigorre = own[own["epci"].isin(["200069300", "200070811", "246500482"])]
    assert table.loc["plaines-et-vallees-de-bigorre", "population"] == bigorre["population"].sum()
    assert table.loc["plaines-et-vallees-de-bigorre", "communes"] == len(bigorre)
    assert table["population"].sum() == own["population"].sum()
    missing = (members["territory"] == "val-d-adour").sum() - table.loc["val-d-adour", "communes"]
    assert table.loc["val-d-adour", "reason"] == f"{missing}{NBSP}communes de départ sans valeur"
    assert "coeur-de-bigorre" not in table.index


def test_a_mean_is_weighted_again_and_a_lone_commune_keeps_its_own() -> None:
    values = pd.DataFrame({"code": ["21213", "21452", "65063"], "people": [300, 100, 0], "minutes": [10.0, 20.0, 12.3]})
    table = restate(values, passage(2019, 2020), sums=["people"], means={"minutes": "people"}).set_index("code")
    assert table.loc["21452", "minutes"] == pytest.approx(12.5)
    assert table.loc["65063", "minutes"] == 12.3
    home = pd.DataFrame({"territory": ["E", "E", "Z"], "code": ["21452", "15141", "65063"]})
    epci = restate_territories(values, passage(2019, 2020), home, means={"minutes": "people"}).set_index("territory")
    assert epci.loc["E", "minutes"] == pytest.approx(12.5)
    assert np.isnan(epci.loc["Z", "minutes"])  # nobody lives there
    assert epci.loc["E", "reason"] == f"1{NBSP}commune de départ sans valeur"


def test_a_missing_value_is_never_a_zero() -> None:
    values = pd.DataFrame({"code": ["21213", "21452"], "people": [300.0, np.nan], "minutes": [np.nan, 20.0], "w": 1})
    table = restate(values, passage(2019, 2020), sums=["people"], means={"minutes": "w"})
    assert table["people"].isna().all()
    assert table["minutes"].tolist() == [20.0]
    half = restate(values.iloc[:1], passage(2019, 2020), sums=["people"])
    assert half["people"].tolist() == [300.0]
    assert half["reason"].tolist() == [f"1{NBSP}commune de départ sans valeur"]


def test_values_of_another_vintage_are_refused() -> None:
    values = pd.DataFrame({"code": ["15031", "65063", "65063"], "places": 1})
    with pytest.raises(InputError) as caught:
        restate(values, passage(2019, 2024), sums=["places"])
    assert [(fault.row, fault.value) for fault in caught.value.faults] == [(2, "15031"), (4, "65063")]


@settings(max_examples=25)
@given(
    value=st.integers(-1000, 10_000_000),
    weights=st.lists(st.integers(0, 100_000), min_size=1, max_size=6).filter(any),
)
def test_any_whole_number_is_shared_to_the_unit(value: int, weights: list[int]) -> None:
    codes = [f"0100{rank}" for rank in range(len(weights))]
    one = pd.DataFrame(
        {
            "code_before": "01000",
            "code_after": codes,
            "weight": weights,
            "weight_total": sum(weights),
            "estimated": len(weights) > 1,
        }
    )
    table = restate(pd.DataFrame({"code": ["01000"], "places": [value]}), one, sums=["places"])
    assert table["places"].sum() == value
    assert ((table["places"] - value * np.array(weights) / sum(weights)).abs() < 1 + 1e-6).all()
    decimal = restate(pd.DataFrame({"code": ["01000"], "km": [value / 3]}), one, sums=["km"])
    assert decimal["km"].sum() == pytest.approx(value / 3, abs=1e-9, rel=1e-12)


def test_row_order_does_not_matter() -> None:
    values = membership(2024)[["code", "population"]].assign(minutes=lambda table: table["population"] % 60 + 0.5)
    figures = {"sums": ["population"], "means": {"minutes": "population"}}
    table = restate(values, passage(2024, 2025), **figures)  # type: ignore[arg-type]
    again = restate(values.sample(frac=1, random_state=3), passage(2024, 2025), **figures)  # type: ignore[arg-type]
    pd.testing.assert_frame_equal(table, again)
