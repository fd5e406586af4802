"""The embedded layers of France: reading a part, and what is refused."""

from __future__ import annotations

import time

import pytest

from sdaasp_geo.errors import SchemeError
from sdaasp_geo.sources import france


def test_the_vintages() -> None:
    assert france.vintages() == tuple(range(2019, 2027))


@pytest.mark.parametrize("vintage", [2018, 2027])
def test_a_vintage_that_is_not_embedded_is_refused_with_those_that_are(vintage: int) -> None:
    with pytest.raises(SchemeError, match=f"{vintage} absent.*2019.*2026"):
        france.read_membership(vintage)


@pytest.mark.parametrize(("code", "hint"), [("4", "04"), ("2a", "2A"), ("2b", "2B")])
def test_a_code_of_departement_badly_written_gets_a_hint(code: str, hint: str) -> None:
    with pytest.raises(SchemeError, match=f"Vouliez-vous dire.*{hint}"):
        france.find_departement(code)


@pytest.mark.parametrize("code", ["99", "", "20", "975", "Tarn"])
def test_an_unknown_departement_is_refused_without_a_guess(code: str) -> None:
    with pytest.raises(SchemeError) as caught:
        france.find_departement(code)
    assert "Vouliez-vous" not in str(caught.value)


@pytest.mark.parametrize(("code", "crs"), [("65", 2154), ("2A", 2154), ("972", 5490), ("973", 2972), ("976", 4471)])
def test_contours_come_in_the_legal_crs_and_within_the_bounds_declared(code: str, crs: int) -> None:
    departement = france.find_departement(code)
    layer = france.read_contours({code})
    assert layer.crs.to_epsg() == crs
    assert set(layer["departement"]) == {code}
    west, south, east, north = layer.to_crs("EPSG:4326").total_bounds
    assert departement.bounds == pytest.approx((west, south, east, north), abs=0.01)


def test_zones_are_not_mixed() -> None:
    with pytest.raises(SchemeError, match="65, 974"):
        france.read_contours({"974", "65"})


def test_neighbours_are_neighbours_both_ways() -> None:
    known = france.read_departements()
    for code, departement in known.items():
        assert all(code in known[other].neighbours for other in departement.neighbours)
        assert code not in departement.neighbours


def test_a_departement_and_its_neighbours_load_quickly() -> None:
    wanted = {"65", *france.find_departement("65").neighbours}
    times = []
    for _ in range(3):
        start = time.perf_counter()
        france.read_contours(wanted)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.3


@pytest.mark.parametrize("departements", [{"65"}, {"2A", "2B"}, {"974"}])
def test_mairies_are_those_of_the_departements_asked(departements: set[str]) -> None:
    mairies = france.read_mairies(departements)
    prefixes = tuple(departements)
    assert mairies["code_commune"].str.startswith(prefixes).all()
    membership = france.read_membership(2024)
    own = membership[membership["departement"].isin(departements)]
    assert set(own["code"]) <= set(mairies["code_commune"])


def test_an_empty_cell_is_an_empty_text() -> None:
    petr = france.read_petr()
    assert (petr["valid_to"] == "").any()
    assert not petr.isna().any(axis=None)
