"""Vintages of communes: recognised, required, never mixed; and the passage from one to another."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdaasp_geo.errors import InputError
from sdaasp_geo.layers.vintages import (
    detect_vintage,
    join_checked,
    passage_table,
    require_vintage,
    single_vintage,
)
from sdaasp_geo.sources import france

NBSP = "\N{NO-BREAK SPACE}"
YEARS = tuple(range(2019, 2027))


@pytest.fixture(scope="module")
def reference() -> pd.DataFrame:
    tables = [france.read_membership(year) for year in france.vintages()]
    return pd.concat([table[["code", "departement", "population", "vintage"]] for table in tables], ignore_index=True)


@pytest.fixture(scope="module")
def moves() -> pd.DataFrame:
    return france.read_moves()


def of_year(reference: pd.DataFrame, year: int) -> pd.DataFrame:
    return reference[reference["vintage"] == year].reset_index(drop=True)


def test_the_whole_list_of_a_year_is_recognised(reference: pd.DataFrame) -> None:
    for year in (2019, 2022, 2024):
        assert detect_vintage(of_year(reference, year)["code"], reference, complete=True) == (year,)
    same = detect_vintage(of_year(reference, 2026)["code"], reference, complete=True)
    assert same == (2025, 2026)


def test_codes_alone_are_compatible_with_every_list_that_holds_them(reference: pd.DataFrame) -> None:
    assert detect_vintage(["65063", "65092"], reference) == YEARS
    assert detect_vintage([], reference) == YEARS
    assert detect_vintage(["65122"], reference) == ()
    assert detect_vintage(["27058"], reference) == (2021, 2022)
    assert detect_vintage(["15031", "15141"], reference) == (2025, 2026)
    assert detect_vintage(["27676"], reference) == (2019, 2020, 2023, 2024, 2025, 2026)
    assert detect_vintage(["27058", "27676"], reference) == ()


def test_a_list_of_2022_fits_2021_too_until_it_is_said_complete(reference: pd.DataFrame) -> None:
    codes = of_year(reference, 2022)["code"]
    assert set(detect_vintage(codes, reference)) >= {2021, 2022}
    assert detect_vintage(codes, reference, complete=True) == (2022,)


@given(year=st.sampled_from(YEARS), seed=st.integers(0, 1000))
def test_any_part_of_a_list_fits_its_year(reference: pd.DataFrame, year: int, seed: int) -> None:
    sample = of_year(reference, year)["code"].sample(50, random_state=seed)
    assert year in detect_vintage(sample, reference)


def test_a_table_of_another_vintage_is_refused_with_every_commune(reference: pd.DataFrame, moves: pd.DataFrame) -> None:
    table = pd.DataFrame({"insee": ["65063", "27058", "65122", "15031"]})
    with pytest.raises(InputError) as caught:
        require_vintage(table, reference, vintage=2024, code="insee", name="population.csv", moves=moves)
    faults = caught.value.faults
    assert [(fault.file, fault.row, fault.column, fault.value) for fault in faults] == [
        ("population.csv", 3, "insee", "27058"),
        ("population.csv", 4, "insee", "65122"),
        ("population.csv", 5, "insee", "15031"),
    ]
    assert all(fault.expected == "une commune du millésime 2024" for fault in faults)
    first, second, third = (fault.remedy for fault in faults)
    assert first.startswith("Ce code est des millésimes 2021 à 2022 (devenu 27676 Les Trois Lacs au millésime 2023)")
    assert second.startswith("Ce code n'est dans aucun millésime connu (devenu 65092 Beyrède-Jumet-Camous au millésime")
    assert third == f"Ce code est des millésimes 2025 à 2026{NBSP}: ramenez la table au millésime 2024, puis relancez."
    require_vintage(table.iloc[:1], reference, vintage=2024, code="insee")


def test_a_declared_vintage_is_believed(reference: pd.DataFrame) -> None:
    table = of_year(reference, 2024)
    require_vintage(table, reference, vintage=2024)
    same_codes = table[table["departement"] == "65"]
    with pytest.raises(InputError) as caught:
        require_vintage(same_codes, reference, vintage=2025)
    assert [(fault.row, fault.column, fault.value) for fault in caught.value.faults] == [(None, "vintage", "2024")]


def test_a_join_of_two_vintages_is_refused_with_the_communes_at_fault(reference: pd.DataFrame) -> None:
    old, new = of_year(reference, 2024).drop(columns="vintage"), of_year(reference, 2025).drop(columns="vintage")
    with pytest.raises(InputError) as caught:
        join_checked(old, new, reference, names=("temps.csv", "epci.csv"))
    born = set(new["code"]) - set(old["code"])
    assert {"15031", "15035", "15047", "15171"} <= born
    assert {(fault.file, fault.value) for fault in caught.value.faults} == {("epci.csv", code) for code in born}
    assert all("des millésimes 2025 à 2026" in fault.remedy for fault in caught.value.faults)


def test_a_mixture_inside_one_table_is_refused(reference: pd.DataFrame) -> None:
    mixed = pd.DataFrame({"code": ["27058", "15031", "65001", "65002"], "minutes": 1.0})
    with pytest.raises(InputError) as caught:
        join_checked(mixed, of_year(reference, 2026), reference)
    assert [fault.value for fault in caught.value.faults] == ["27058"]
    with pytest.raises(InputError) as caught:
        join_checked(mixed, mixed, reference)
    assert {fault.value for fault in caught.value.faults} == {"27058"}
    assert {fault.file for fault in caught.value.faults} == {"première table", "seconde table"}


def test_two_declared_vintages_are_not_joined_even_with_the_same_codes(reference: pd.DataFrame) -> None:
    tables = [part[part["departement"] == "65"] for part in (of_year(reference, 2023), of_year(reference, 2024))]
    with pytest.raises(InputError) as caught:
        join_checked(tables[0], tables[1], reference)
    assert [(fault.file, fault.value) for fault in caught.value.faults] == [("seconde table", "2024")]
    joined = join_checked(tables[0], tables[1].drop(columns="vintage"), reference, names=("a", "b"))
    assert len(joined) == 469


def test_a_join_keeps_every_row_and_one_vintage(reference: pd.DataFrame) -> None:
    lists = of_year(reference, 2024)
    left = pd.DataFrame({"code": ["65440", "65063", None, "65440"], "minutes": [1.0, 2.0, 3.0, 4.0]})
    joined = join_checked(left, lists, reference)
    assert joined["minutes"].tolist() == [1.0, 2.0, 3.0, 4.0]
    assert joined["vintage"].tolist()[:2] == [2024, 2024]
    assert joined["population"].isna().tolist() == [False, False, True, False]
    assert list(join_checked(lists, lists[["code", "vintage"]], reference).columns) == list(lists.columns)


def test_a_commune_twice_on_the_right_is_refused(reference: pd.DataFrame) -> None:
    right = pd.DataFrame({"code": ["65440", "65063", "65440", None]})
    with pytest.raises(InputError) as caught:
        join_checked(of_year(reference, 2024), right, reference, names=("a", "services.csv"))
    assert [(fault.file, fault.row, fault.value) for fault in caught.value.faults] == [
        ("services.csv", 4, "65440"),
        ("services.csv", 5, ""),
    ]


def test_several_vintages_in_one_table_of_communes_are_refused(reference: pd.DataFrame) -> None:
    assert single_vintage(of_year(reference, 2021)) == 2021
    with pytest.raises(InputError, match="un seul millésime"):
        single_vintage(reference)


@pytest.mark.parametrize(("start", "end"), [(2019, 2026), (2026, 2019), (2020, 2023), (2024, 2025), (2021, 2021)])
def test_the_passage_explains_every_commune_of_both_vintages(
    reference: pd.DataFrame, moves: pd.DataFrame, start: int, end: int
) -> None:
    before, after = of_year(reference, start), of_year(reference, end)
    passage = passage_table(before, after, moves)
    assert set(passage["code_before"]) == set(before["code"])
    assert set(passage["code_after"]) == set(after["code"])
    assert not passage.duplicated(["code_before", "code_after"]).any()
    sums = passage.groupby("code_before")["weight"].sum()
    assert sums.equals(passage.groupby("code_before")["weight_total"].first())
    several = passage.groupby("code_before")["code_after"].transform("size") > 1
    assert passage["estimated"].equals(several)
    assert (passage["weight"] > 0).sum() >= len(after) - 12  # nobody lives in a few communes


def test_a_code_that_went_and_came_back_has_a_plain_passage(reference: pd.DataFrame, moves: pd.DataFrame) -> None:
    def successors(code: str, start: int, end: int) -> list[str]:
        passage = passage_table(of_year(reference, start), of_year(reference, end), moves)
        return passage.loc[passage["code_before"] == code, "code_after"].tolist()

    assert successors("27676", 2020, 2022) == ["27058"]
    assert successors("27676", 2020, 2026) == ["27676"]
    assert successors("15141", 2024, 2025) == ["15031", "15035", "15047", "15141", "15171"]
    assert successors("15031", 2025, 2024) == ["15141"]


def test_row_order_and_the_caller_s_tables_do_not_matter(reference: pd.DataFrame, moves: pd.DataFrame) -> None:
    before, after = of_year(reference, 2023), of_year(reference, 2025)
    copies = before.copy(), after.copy(), moves.copy()
    passage = passage_table(before, after, moves)
    shuffled = [table.sample(frac=1, random_state=7) for table in (before, after, moves)]
    pd.testing.assert_frame_equal(passage_table(*shuffled), passage)
    for table, copy in zip((before, after, moves), copies, strict=True):
        pd.testing.assert_frame_equal(table, copy)


def test_nobody_in_the_successors_means_equal_shares() -> None:
    before = pd.DataFrame({"code": ["01001"], "population": [0], "vintage": 2020})
    after = pd.DataFrame({"code": ["01001", "01002"], "population": [0, 0], "vintage": 2021})
    moves = pd.DataFrame(
        [(2021, "retablissement", "01001", "01002")], columns=["vintage", "kind", "code_before", "code_after"]
    )
    passage = passage_table(before, after, moves)
    assert passage["weight"].tolist() == [1, 1]
    assert passage["weight_total"].tolist() == [2, 2]
