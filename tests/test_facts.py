"""Facts that must come out of the two schemes, known from documents and not from this package."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from sdaasp_geo.sources import france
from sdaasp_geo.study import Measures, Study

CA_TARBES = "200069300"
ADOUR_MADIRAN = "200072106"
PAYS_DE_NAY = "246401756"
NO_CONVENTION = "sans convention dans ce département"


def row(table: pd.DataFrame, key: str, value: str) -> pd.Series:
    """The one row of a table that has a value."""
    found = table[table[key] == value]
    assert len(found) == 1
    return found.iloc[0]


def test_65_has_469_communes_and_nine_epci_sign(study_65: Study) -> None:
    inside = study_65.communes[study_65.communes["inside"]]
    assert len(inside) == 469
    assert study_65.departement["communes"].tolist() == [469]
    assert (study_65.epci["role"] == "signataire").sum() == 9
    assert len(study_65.epci) == 10


def test_population_of_65_is_that_of_the_census(study_65: Study) -> None:
    assert study_65.departement["population"].tolist() == [230_956]
    census = france.read_census()
    census = census[census["code"].isin(study_65.communes.loc[study_65.communes["inside"], "code"])]
    assert len(census) == 469


def test_the_merger_of_beyrede_is_in_the_evolution(study_65: Study) -> None:
    moves = study_65.evolution[study_65.evolution["change"] == "fusion"]
    assert set(zip(moves["before"], moves["after"], strict=True)) == {("65092", "65092"), ("65122", "65092")}
    codes = set(study_65.communes["code"])
    assert "65092" in codes
    assert "65122" not in codes
    assert row(study_65.communes, "code", "65092")["name"] == "Beyrède-Jumet-Camous"


def test_the_contours_of_2018_had_470_communes_and_match(study_65: Study, shared: Callable[[str], Path]) -> None:
    past = gpd.read_file(shared("boundaries_2018/communes_2018_65_04_et_voisins.gpkg"), where="dep = '65'")
    now = set(study_65.communes.loc[study_65.communes["inside"], "code"])
    assert len(past) == 470
    assert set(past["code"]) - now == {"65122"}
    assert now <= set(past["code"])
    outline = shapely.union_all(past.to_crs("EPSG:2154").geometry.array)
    embedded = study_65.departement.geometry.iloc[0]
    assert outline.symmetric_difference(embedded).area < 0.02 * embedded.area


def test_two_communes_of_65_are_without_convention(study_65: Study) -> None:
    nay = row(study_65.epci, "siren", PAYS_DE_NAY)
    assert nay["role"] == NO_CONVENTION
    assert (nay["communes_inside"], nay["communes_outside"]) == (2, 27)
    inside = study_65.communes[study_65.communes["inside"]]
    own = inside[inside["epci"] == PAYS_DE_NAY]
    assert dict(zip(own["code"], own["name"], strict=True)) == {"65018": "Arbéost", "65176": "Ferrières"}
    (warning,) = [text for text in study_65.warnings if "sans convention" in text]
    assert warning.startswith("2\N{NO-BREAK SPACE}communes sans convention dans ce département")
    assert "Arbéost et Ferrières (CC Pays de Nay" in warning


def test_adour_madiran_is_61_communes_here_and_11_in_the_64(study_65: Study) -> None:
    epci = row(study_65.epci, "siren", ADOUR_MADIRAN)
    assert (epci["communes"], epci["communes_inside"], epci["communes_outside"]) == (72, 61, 11)
    assert epci["departements"] == "64 65"
    assert epci["population"] == epci["population_inside"] + epci["population_outside"]
    members = study_65.communes[study_65.communes["epci"] == ADOUR_MADIRAN]
    assert members.groupby("departement").size().to_dict() == {"64": 11, "65": 61}
    assert members["studied"].all()
    assert epci.geometry.equals(shapely.union_all(members.geometry.array)) or (
        epci.geometry.symmetric_difference(shapely.union_all(members.geometry.array)).area < 1
    )


def test_adour_madiran_adds_up_in_coverage(study_65: Study, measures_65: Measures) -> None:
    table = measures_65.coverage
    own = table[(table["level"] == "epci") & (table["territory"] == ADOUR_MADIRAN)]
    columns = ["communes", "population", "population_within", "population_beyond", "population_to_check"]
    for _, rule in own.groupby("rule"):
        parts = rule.set_index("part")[columns]
        assert (parts.loc["entier"] == parts.loc["dans le département"] + parts.loc["hors du département"]).all()
        assert parts.loc["entier", "communes"] == 72
        epci = row(study_65.epci, "siren", ADOUR_MADIRAN)
        assert parts.loc["dans le département", "population"] == epci["population_inside"]
        assert parts.loc["hors du département", "population"] == epci["population_outside"]


def test_petr_val_d_adour_straddles_three_departements(study_65: Study) -> None:
    petr = row(study_65.petr, "petr", "val-d-adour")
    assert petr["departements"] == "32 64 65"
    assert petr["communes"] == petr["communes_inside"] + petr["communes_outside"]
    assert petr["communes_inside"] == 61
    members = study_65.petr_members[study_65.petr_members["petr"] == "val-d-adour"]
    studied = set(study_65.communes.loc[study_65.communes["studied"], "code"])
    assert set(members["code"]) <= studied


def test_petr_of_65_in_2018_matches_the_contracts(shared: Callable[[str], Path]) -> None:
    contract = pd.read_csv(shared("petr_2018/petr65_2018_composition_par_epci.csv"), dtype="str")
    table = france.read_petr()
    then = table[(table["valid_from"] <= "2018-06-01") & (table["valid_to"].isin([""]) | (table["valid_to"] >= "2018"))]
    labels = {
        "Cœur de Bigorre": "coeur-de-bigorre",
        "Coteaux": "coteaux",
        "Lourdes et Vallées des Gaves": "lourdes-vallees-des-gaves",
        "Nestes": "nestes",
        "Val d'Adour": "val-d-adour",
    }
    assert set(contract["petr"]) == set(labels)
    for name, sirens in contract.groupby("petr")["EPCI"]:
        assert set(sirens) == set(then.loc[then["petr"] == labels[name], "member"])


def test_tarbes_has_86_communes_in_every_vintage_and_87_in_the_second_source(study_65: Study) -> None:
    counts = {
        vintage: int((france.read_membership(vintage)["epci"] == CA_TARBES).sum()) for vintage in france.vintages()
    }
    assert counts == dict.fromkeys(range(2019, 2027), 86)
    second = france.read_second_membership()
    assert int((second["epci"] == CA_TARBES).sum()) == 87
    assert row(study_65.epci, "siren", CA_TARBES)["communes"] == 86


def test_the_difference_of_perimeter_is_said_and_not_merged(study_65: Study) -> None:
    assert study_65.differences["code"].tolist() == ["65063"]
    difference = study_65.differences.iloc[0]
    assert difference["name"] == "Barbazan-Dessus"
    assert difference["epci_second"] == CA_TARBES
    assert difference["epci"] == row(study_65.communes, "code", "65063")["epci"] == "200070803"
    (warning,) = [text for text in study_65.warnings if text.startswith("Différence de périmètre")]
    assert "Barbazan-Dessus (65063)" in warning
    assert "CA Tarbes-Lourdes-Pyrénées" in warning


def test_04_has_198_communes_in_twelve_epci_and_eight_sign(study_04: Study) -> None:
    assert study_04.departement["communes"].tolist() == [198]
    assert study_04.departement["population"].tolist() == [166_077]
    assert len(study_04.epci) == 12
    assert (study_04.epci["role"] == "signataire").sum() == 8
    assert study_04.petr.empty


def test_communes_of_04_without_convention_are_all_named(study_04: Study) -> None:
    signing = set(study_04.epci.loc[study_04.epci["role"] == "signataire", "siren"])
    inside = study_04.communes[study_04.communes["inside"]]
    left = inside[~inside["epci"].isin(signing)]
    said = [text for text in study_04.warnings if "sans convention" in text]
    assert len(said) == 4
    assert set(left["name"]) == {"Céreste-en-Luberon", "Claret", "Curbans", "Piégut", "Pontis", "Venterol"}
    assert all(any(name in text for text in said) for name in left["name"])


@pytest.mark.parametrize("name", ["65", "04"])
def test_every_layer_adds_up(name: str, request: pytest.FixtureRequest) -> None:
    study: Study = request.getfixturevalue(f"study_{name}")
    inside = study.communes[study.communes["inside"]]
    assert study.epci["communes_inside"].sum() == len(inside)
    assert study.epci["population_inside"].sum() == inside["population"].sum()
    for layer in (study.epci, study.petr):
        assert (layer["communes"] == layer["communes_inside"] + layer["communes_outside"]).all()
        assert (layer["population"] == layer["population_inside"] + layer["population_outside"]).all()
        assert layer.crs == study.communes.crs
    whole = study.departement.geometry.iloc[0].area
    assert inside.geometry.area.sum() == pytest.approx(whole, rel=1e-9)
    official_km2 = {"65": 4464, "04": 6925}[name]  # cadastre, without lakes
    assert whole / 1e6 == pytest.approx(official_km2, rel=0.02)


@pytest.mark.parametrize("name", ["65", "04"])
def test_every_studied_commune_has_one_row_for_each_service(name: str, request: pytest.FixtureRequest) -> None:
    study: Study = request.getfixturevalue(f"study_{name}")
    measures: Measures = request.getfixturevalue(f"measures_{name}")
    studied = study.communes.loc[study.communes["studied"], "code"]
    for service in study.scheme.mesure.services:
        own = measures.access[measures.access["service"] == service]
        assert sorted(own["code"]) == sorted(studied)
        assert (own["reason"] == "atteint").equals(own["time_min"].notna())
        assert (own["place"].isna()).equals(own["time_min"].isna())
        assert (own["second_time_min"] >= own["time_min"]).all()
        assert (own["inside_time_min"] >= own["time_min"]).all()
        assert (own["saved_min"] >= 0).all()
        assert (own.loc[own["place"] == own["inside_place"], "saved_min"] == 0).all()
        assert (own["place"] != own["second_place"]).all()
        assert own["sentence"].str.len().gt(20).all()


@pytest.mark.parametrize("name", ["65", "04"])
def test_nearest_places_are_of_their_departement_when_asked(name: str, request: pytest.FixtureRequest) -> None:
    study: Study = request.getfixturevalue(f"study_{name}")
    measures: Measures = request.getfixturevalue(f"measures_{name}")
    assert set(measures.access["inside_place_departement"]) == {name}
    assert len(set(measures.access["place_departement"])) > 1
    points = study.points[["id", "service", "commune", "departement", "epci"]]
    joined = measures.access.merge(points, left_on=["place", "service"], right_on=["id", "service"], how="left")
    assert (joined["commune"] == joined["place_commune"]).all()
    assert (joined["departement"] == joined["place_departement"]).all()
    assert (joined["epci"] == joined["place_epci"]).all()


def test_a_chief_town_with_its_own_mairie_is_minutes_away_from_it(measures_65: Measures) -> None:
    mairies = measures_65.access[measures_65.access["service"] == "mairie"]
    own = mairies[mairies["place_commune_code"] == mairies["code"]]
    assert len(own) > 0.95 * len(mairies)
    assert (own["time_min"] < 5).all()


def test_a_commune_with_a_permanent_france_services_is_served(study_65: Study, measures_65: Measures) -> None:
    points = study_65.points[(study_65.points["service"] == "france-services") & study_65.points["permanent"]]
    access = measures_65.access[measures_65.access["service"] == "france-services"].set_index("code")
    own = access.loc[access.index.intersection(points["code_commune"])]
    assert len(own) > 20
    assert set(own["class"]) == {"desservie"}


def test_measuring_twice_gives_the_same_tables(study_04: Study, measures_04: Measures) -> None:
    from sdaasp_geo.pipeline import measure  # noqa: PLC0415 - the fixture already loaded it

    again = measure(study_04)
    pd.testing.assert_frame_equal(again.access, measures_04.access)
    pd.testing.assert_frame_equal(again.coverage, measures_04.coverage)
    pd.testing.assert_frame_equal(again.summary, measures_04.summary)
    pd.testing.assert_frame_equal(again.zone_members, measures_04.zone_members)
