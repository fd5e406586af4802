"""EPCI, PETR and neighbours on a hand-made country, and the PETR of 65 on two dates."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from sdaasp_geo.layers.adjacency import shared_borders
from sdaasp_geo.layers.territories import (
    NO_CONVENTION,
    SIGNS,
    build_departement,
    build_epci,
    build_neighbours,
    build_petr,
    dissolve,
    majority_epci,
    membership_differences,
    petr_members,
    whole_and_inside,
)
from sdaasp_geo.sources import france

ONE, TWO, THREE = "100000001", "100000002", "100000003"
MEMBERSHIP = pd.DataFrame(
    {
        "code": ["65001", "65002", "65003", "64001", "64002"],
        "name": ["A", "B", "C", "D", "E"],
        "departement": ["65", "65", "65", "64", "64"],
        "epci": [ONE, ONE, TWO, TWO, THREE],
        "population": [100, 200, 30, 40, 500],
    }
)
NAMES = pd.DataFrame({"siren": [ONE, TWO, THREE], "name": ["CC Un", "CC Deux", "CC Trois"], "kind": "CC"})


def country() -> gpd.GeoDataFrame:
    """Five squares of one kilometre in a row: A B C | D E, the département ends after C."""
    shapes = [shapely.box(1000 * i, 0, 1000 * (i + 1), 1000) for i in range(5)]
    table = MEMBERSHIP.assign(inside=MEMBERSHIP["departement"] == "65")
    return gpd.GeoDataFrame(table, geometry=shapes, crs="EPSG:2154")


def test_an_epci_is_whole_inside_and_outside() -> None:
    layer = build_epci(country(), MEMBERSHIP, NAMES, departement="65", signatories=[ONE]).set_index("siren")
    assert list(layer.index) == [ONE, TWO]
    assert layer["role"].tolist() == [SIGNS, NO_CONVENTION]
    assert layer.loc[TWO, ["population", "population_inside", "population_outside"]].tolist() == [70, 30, 40]
    assert layer.loc[TWO, ["communes", "communes_inside", "communes_outside"]].tolist() == [2, 1, 1]
    assert layer["departements"].tolist() == ["65", "64 65"]
    assert layer.geometry[TWO].equals(shapely.box(2000, 0, 4000, 1000))


def test_an_epci_whose_members_are_not_loaded_counts_whole() -> None:
    loaded = country()
    loaded = loaded[loaded["code"] != "64001"]
    layer = build_epci(loaded, MEMBERSHIP, NAMES, departement="65", signatories=[]).set_index("siren")
    assert layer.loc[TWO, "population"] == 70
    assert layer.geometry[TWO].equals(shapely.box(2000, 0, 3000, 1000))


def test_neighbours_touch_the_departement_or_own_communes_in_it() -> None:
    communes = country()
    layer = build_neighbours(communes, MEMBERSHIP, NAMES, shared_borders(communes), signatories=[ONE])
    assert layer["siren"].tolist() == [TWO]
    assert layer[["border_km", "border_communes", "shared_communes"]].to_numpy().tolist() == [[1.0, 1, 1]]
    assert layer["population"].tolist() == [70]
    other = communes.assign(epci=[ONE, ONE, ONE, THREE, THREE])
    members = MEMBERSHIP.assign(epci=other["epci"])
    layer = build_neighbours(other, members, NAMES, shared_borders(other), signatories=[ONE])
    assert layer["siren"].tolist() == [THREE]
    assert layer["shared_communes"].tolist() == [0]


def test_the_departement_is_the_union_of_its_communes() -> None:
    layer = build_departement(country(), name="Hautes-Pyrénées")
    assert layer[["code", "name", "communes", "population"]].to_numpy().tolist() == [["65", "Hautes-Pyrénées", 3, 330]]
    assert layer.geometry.iloc[0].equals(shapely.box(0, 0, 3000, 1000))


def test_majority_by_population_and_not_by_communes() -> None:
    assert majority_epci(MEMBERSHIP, departement="65") == [ONE]
    assert majority_epci(MEMBERSHIP, departement="64") == [TWO, THREE]
    assert majority_epci(MEMBERSHIP.assign(population=[1, 1, 40, 40, 1]), departement="65") == [ONE, TWO]


def test_sides_add_up_with_unknown_populations() -> None:
    members = MEMBERSHIP.assign(inside=MEMBERSHIP["departement"] == "65", population=[100, None, 30, 40, None])
    table = whole_and_inside(members, "epci")
    assert (table["population"] == table["population_inside"] + table["population_outside"]).all()
    assert (table["communes"] == table["communes_inside"] + table["communes_outside"]).all()
    assert table["population"].sum() == 170


def test_dissolve_keeps_the_area_and_skips_missing_contours() -> None:
    communes = country()
    communes.loc[0, "geometry"] = None
    shapes = dissolve(communes, MEMBERSHIP, "epci")
    assert shapes.area.to_dict() == {ONE: 1e6, TWO: 2e6, THREE: 1e6}


PETR = pd.DataFrame(
    {
        "petr": ["p", "p", "q", "r"],
        "siren": "",
        "name": ["P", "P", "Q", "R"],
        "valid_from": ["2018-01-01", "2020-01-01", "", "2018-01-01"],
        "valid_to": ["2023-12-31", "", "2019-06-30", ""],
        "member_kind": ["epci", "commune", "commune", "epci"],
        "member": [ONE, "64001", "65003", THREE],
    }
)


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ("2017-12-31", {"q": ["65003"]}),
        ("2018-01-01", {"p": ["65001", "65002"], "q": ["65003"]}),
        ("2019-06-30", {"p": ["65001", "65002"], "q": ["65003"]}),
        ("2019-07-01", {"p": ["65001", "65002"]}),
        ("2020-01-01", {"p": ["64001", "65001", "65002"]}),
        ("2023-12-31", {"p": ["64001", "65001", "65002"]}),
        ("2024-01-01", {}),
    ],
)
def test_members_of_petr_are_dated(date: str, expected: dict[str, list[str]]) -> None:
    members = petr_members(PETR, MEMBERSHIP, date=date, departement="65")
    assert {petr: codes.tolist() for petr, codes in members.groupby("petr")["code"]} == expected
    layer = build_petr(country(), members)
    assert layer["petr"].tolist() == sorted(expected)
    assert layer["communes"].tolist() == [len(expected[petr]) for petr in sorted(expected)]


def test_a_commune_given_twice_counts_once() -> None:
    twice = pd.concat([PETR.head(1), PETR.head(1).assign(member_kind="commune", member="65001")])
    members = petr_members(twice, MEMBERSHIP, date="2019-01-01", departement="65")
    assert members["code"].tolist() == ["65001", "65002"]


def names_of_petr(date: str, vintage: int) -> dict[str, int]:
    members = petr_members(france.read_petr(), france.read_membership(vintage), date=date, departement="65")
    return members.groupby("petr").size().to_dict()


def test_five_petr_in_2018_and_four_in_2024() -> None:
    then, now = names_of_petr("2018-06-01", 2019), names_of_petr("2024-01-01", 2024)
    assert set(then) == {"coeur-de-bigorre", "coteaux", "lourdes-vallees-des-gaves", "nestes", "val-d-adour"}
    assert set(now) == {"plaines-et-vallees-de-bigorre", "coteaux", "nestes", "val-d-adour"}
    assert now["plaines-et-vallees-de-bigorre"] == then["coeur-de-bigorre"] + then["lourdes-vallees-des-gaves"]
    assert then["nestes"] == 147 - 1  # 147 communes in the contract of 2018, before the merger of Beyrède-Jumet-Camous
    assert then["coteaux"] == now["coteaux"] == 103


def test_the_new_petr_has_the_members_of_the_two_former() -> None:
    table = france.read_petr()
    members = {petr: set(rows["member"]) for petr, rows in table.groupby("petr")}
    merged = members["coeur-de-bigorre"] | members["lourdes-vallees-des-gaves"]
    assert members["plaines-et-vallees-de-bigorre"] == merged == {"200069300", "246500482", "200070811"}


def test_differences_of_membership_are_listed_and_nothing_else() -> None:
    second = pd.DataFrame(
        {"code": ["65001", "65002", "65003", "65999"], "epci": [ONE, TWO, None, ONE], "vintage": 2026}
    )
    found = membership_differences(MEMBERSHIP.assign(vintage=2024), second, NAMES)
    assert found[["code", "epci", "epci_name", "epci_second_name", "second_vintage"]].fillna(
        ""
    ).to_numpy().tolist() == [
        ["65002", ONE, "CC Un", "CC Deux", 2026],
        ["65003", TWO, "CC Deux", "", 2026],
    ]
