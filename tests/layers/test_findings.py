"""What is told to the reader: evolution of perimeters, absences, differences."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from sdaasp_geo.layers import findings
from sdaasp_geo.layers.findings import CHANGED_EPCI, closest_vintage, perimeter_changes

NBSP = "\N{NO-BREAK SPACE}"
MOVES = pd.DataFrame(
    [
        (2019, "fusion", "65122", "Camous", "65092", "Beyrède-Jumet-Camous"),
        (2025, "fusion", "65001", "A", "65092", "B"),
    ],
    columns=["vintage", "kind", "code_before", "name_before", "code_after", "name_after"],
)


@pytest.mark.parametrize(("wanted", "found"), [(2018, 2019), (2019, 2019), (2023, 2023), (2030, 2026)])
def test_the_closest_vintage(wanted: int, found: int) -> None:
    assert closest_vintage(wanted, range(2019, 2027)) == found


def test_the_earlier_of_two_equally_close() -> None:
    assert closest_vintage(2020, [2019, 2021]) == 2019


@given(st.integers(1990, 2050), st.sets(st.integers(2000, 2040), min_size=1))
def test_no_vintage_is_closer(wanted: int, embedded: set[int]) -> None:
    found = closest_vintage(wanted, sorted(embedded))
    assert found in embedded
    assert all(abs(year - wanted) >= abs(found - wanted) for year in embedded)


def changes(convention: int, measure: int) -> list[tuple[str, str]]:
    before = pd.DataFrame({"code": ["65092", "65001", "31001"], "name": "x", "epci": ["1", "1", "9"]})
    after = pd.DataFrame({"code": ["65092", "65001", "31001"], "name": "x", "epci": ["1", "2", "8"]})
    table = perimeter_changes(before, after, MOVES, sirens={"1"}, convention=convention, measure=measure)
    return list(zip(table["code"], table["change"], strict=True))


def test_changes_of_epci_and_mergers_between_two_years() -> None:
    assert changes(2018, 2024) == [("65001", CHANGED_EPCI), ("65122", "fusion")]
    assert changes(2019, 2024) == [("65001", CHANGED_EPCI)]
    assert changes(2019, 2025) == [("65001", CHANGED_EPCI), ("65001", "fusion")]


def test_a_vintage_that_is_not_embedded_is_said() -> None:
    assert findings.vintage_notes(2019, 2019) == []
    (note,) = findings.vintage_notes(2018, 2019)
    assert "2018" in note
    assert "1er janvier 2019" in note


def layer() -> gpd.GeoDataFrame:
    shapes = [shapely.box(0, 0, 1, 1), shapely.box(1.5, 0, 2, 1), shapely.box(0.5, 0, 1.8, 1), None]
    table = {
        "code": ["65001", "65002", "65003", "65004"],
        "name": ["Évran", "Bize", "Cadéac", "Azet"],
        "studied": True,
        "inside": True,
        "epci": ["1", None, "2", None],
        "contour_reason": ["", "", "", "absent"],
        "population_reason": ["absente", "", "", "absente"],
    }
    return gpd.GeoDataFrame(table, geometry=shapes, crs="EPSG:2154")


def test_missing_contours_populations_and_torn_edges_are_named_in_french_order() -> None:
    missing, unpopulated, torn = findings.layer_notes(layer(), straight_line=False)
    assert missing == f"Communes sans contour, non dessinées{NBSP}: Azet."
    assert unpopulated.endswith(f"zéro habitant{NBSP}: Azet et Évran.")
    assert torn.startswith(f"3{NBSP}contours de communes ne se raccordent pas")
    sound = layer().iloc[:1].assign(population_reason="")
    assert findings.layer_notes(sound, straight_line=False) == []


def test_a_commune_without_contour_is_not_measured_by_the_straight_line() -> None:
    note = findings.layer_notes(layer(), straight_line=True)[0]
    assert note == f"Communes sans contour, ni dessinées ni mesurées, faute de densité{NBSP}: Azet."


def test_communes_of_no_convention_are_named() -> None:
    epci = pd.DataFrame(
        {
            "siren": ["1", "2"],
            "name": ["CC Un", "CC Deux"],
            "role": ["signataire", "x"],
            "departements": ["65", "64 65"],
        }
    )
    other, alone = findings.convention_notes(layer(), epci)
    assert "Cadéac (CC Deux" in other
    assert "départements 64 et 65" in other
    assert alone.startswith(f"2{NBSP}communes hors de tout EPCI")
    assert alone.endswith("Azet et Bize.")


def test_points_are_counted_by_reason_and_absent_services_said() -> None:
    table = {
        "service": ["caf", "caf", "msa", "cpam"],
        "permanent": [True, False, False, True],
        "position_reason": ["", "loin", "loin", "perdu"],
    }
    points = gpd.GeoDataFrame(table, geometry=[shapely.Point(0, 0)] * 3 + [None], crs="EPSG:2154")
    assert findings.point_notes(points) == [
        f"2{NBSP}points de service{NBSP}: loin.",
        f"1{NBSP}point de service{NBSP}: perdu.",
    ]
    notes = findings.absent_services(points, ["caf", "msa", "cpam", "dgfip"])
    assert [word for note in notes for word in ("msa", "cpam", "dgfip", "caf") if word in note] == [
        "msa",
        "cpam",
        "dgfip",
    ]


def test_places_left_out_are_counted_by_shore() -> None:
    lon, lat = [0.1, 0.2, 55.5, np.nan], [43.1, 43.2, -21.0, np.nan]
    table = pd.DataFrame({"service": ["caf", "msa", "caf", "caf"], "lon": lon, "lat": lat})
    far, other, across = findings.reach_notes(
        gpd.GeoDataFrame(table, geometry=[shapely.Point(0, 0)] * 4, crs="EPSG:2154"), reach_km=60.0
    )
    assert far.startswith(f"2{NBSP}lieux «{NBSP}caf{NBSP}» à plus de 60{NBSP}km du territoire étudié, hors du calcul")
    assert other.startswith(f"1{NBSP}lieu «{NBSP}msa{NBSP}» à plus de 60{NBSP}km")
    assert across.startswith(f"1{NBSP}lieu «{NBSP}caf{NBSP}» hors de la zone du territoire étudié")
    assert not any("sans effet" in note for note in (far, other, across))


def test_a_difference_of_perimeter_names_both_sources() -> None:
    table = pd.DataFrame(
        {"code": ["65063"], "name": ["B"], "epci_name": ["CC Un"], "epci_second_name": [None], "second_vintage": [2026]}
    )
    (note,) = findings.difference_notes(table)
    assert "B (65063) appartient à CC Un" in note
    assert "à aucun EPCI connu dans la liste de 2026" in note
