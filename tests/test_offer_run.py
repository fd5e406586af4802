"""The offer of a scheme on real layers: former communes, arrondissements, places that are far away."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import msgspec
import pandas as pd
import pytest

from sdaasp_geo import measure, prepare, read_scheme
from sdaasp_geo.layers import communes, findings
from sdaasp_geo.layers.services import BEYOND
from sdaasp_geo.parameters import read_parameters
from sdaasp_geo.pipeline.offer import read_offer, surroundings
from sdaasp_geo.scheme import Scheme
from sdaasp_geo.sources import france
from sdaasp_geo.study import Study
from sdaasp_geo.travel.engine import NOT_MEASURED, REACHED
from sdaasp_geo.travel.straight_line import straight_line_engine

NBSP = "\N{NO-BREAK SPACE}"
PLACES = pd.read_csv(france.embedded_path("services/france_services.csv"), dtype="str", keep_default_na=False)


def scheme_of(departement: str, *, vintage: int = 2026, services: tuple[str, ...] = ("mairie",), file: Path) -> Scheme:
    """Scheme of another département, whose only file is a grid."""
    base = read_scheme("hautes-pyrenees")
    changed = msgspec.structs.replace
    return changed(
        base,
        departement=departement,
        mesure=changed(base.mesure, services=services),
        fichiers=changed(base.fichiers, services=(str(file),), actions=(), gouvernance=()),
        millesimes=changed(base.millesimes, mesure=vintage),
        convention=changed(base.convention, signataires=()),
    )


def layer_of(departement: str, vintage: int) -> gpd.GeoDataFrame:
    membership = france.read_membership(vintage)
    layer = communes.build_communes(
        communes.apply_vintage(france.read_contours({departement}), france.read_contour_links(), vintage=vintage),
        membership[membership["departement"] == departement],
        france.read_mairies({departement}),
        departement=departement,
        vintage=vintage,
    )
    return layer.assign(studied=True)


def written(table: pd.DataFrame, folder: Path) -> Path:
    path = folder / "lieux.csv"
    table.to_csv(path, index=False)
    return path


@pytest.mark.parametrize("vintage", [2019, 2026])
def test_every_embedded_mairie_is_kept_or_told(tmp_path: Path, vintage: int) -> None:
    scheme = scheme_of("01", vintage=vintage, file=written(PLACES.head(1), tmp_path))
    points, _, _ = read_offer(scheme, read_parameters(), layer_of("01", vintage), departement="01")
    mairies = points[points["service"] == "mairie"].set_index("id")
    assert sorted(mairies.index) == sorted(france.read_mairies({"01"})["id"])
    known = mairies["code_commune"].isin(set(france.read_membership(vintage)["code"]))
    assert (known | (mairies["position_reason"] != "")).all()
    expected = {2019: "01039", 2026: "01138"}
    assert mairies.loc["mairie-01039", "code_commune"] == expected[vintage]


def test_a_place_of_an_arrondissement_is_a_place_of_its_commune(tmp_path: Path) -> None:
    place = PLACES.head(1).assign(
        id="fs-panier", code_commune="13202", commune="Marseille", lon="5.3690", lat="43.2990"
    )
    scheme = scheme_of("13", services=("france-services",), file=written(place, tmp_path))
    layer = layer_of("13", 2026)
    points, _, _ = read_offer(scheme, read_parameters(), layer, departement="13")
    assert points["code_commune"].tolist() == ["13055"]
    assert points["position_reason"].tolist() == [""]
    assert points["epci"].tolist() == layer.loc[layer["code"] == "13055", "epci"].tolist()


@pytest.fixture(scope="module")
def corsica(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Layers of Corse-du-Sud with a list of places of the continent and one of La Réunion."""
    reunion = PLACES.head(1).assign(id="fs-974", code_commune="97411", commune="Saint-Denis", lon="55.45", lat="-20.88")
    file = written(pd.concat([PLACES, reunion]), tmp_path_factory.mktemp("corse"))
    return prepare(scheme_of("2A", services=("france-services",), file=file))


def test_where_nothing_is_near_the_nearest_places_are_measured(corsica: Study) -> None:
    assert set(corsica.points["position_reason"]) == {BEYOND}
    assert 2 <= len(corsica.points) < 10
    access = measure(corsica).access
    assert set(access["reason"]) == {REACHED}
    assert access["time_min"].between(60, 1000).all()
    assert access["second_time_min"].notna().all()


def test_what_is_left_out_is_counted_and_no_service_is_said_absent(corsica: Study) -> None:
    left = len(PLACES) - len(corsica.points)
    told = [note for note in corsica.warnings if "hors du calcul" in note]
    assert told[0].startswith(f"{left}{NBSP}lieux «{NBSP}france-services{NBSP}» à plus de 60{NBSP}km")
    assert told[1].startswith(f"1{NBSP}lieu «{NBSP}france-services{NBSP}» hors de la zone")
    assert not any(note.startswith("Aucun lieu permanent") for note in corsica.warnings)


def test_places_beyond_the_loaded_departements_have_a_density(corsica: Study) -> None:
    around = surroundings(corsica.communes, corsica.points).set_index("code")
    assert around.index.is_unique
    assert around["area_km2"][corsica.points["code_commune"]].gt(0).all()
    own = corsica.communes.set_index("code")[["population", "area_km2"]]
    assert around.loc[own.index, ["population", "area_km2"]].astype("float64").equals(own.astype("float64"))
    assert surroundings(corsica.communes, corsica.points[:0])["code"].tolist() == corsica.communes["code"].tolist()


def test_a_list_of_another_shore_is_not_measured_and_told(tmp_path: Path) -> None:
    study = prepare(scheme_of("974", services=("france-services",), file=written(PLACES, tmp_path)))
    assert study.points.empty
    told = [note for note in study.warnings if "france-services" in note]
    assert told[0].startswith(f"{len(PLACES)}{NBSP}lieux")
    assert "hors de la zone du territoire étudié" in told[0]
    assert told[1].startswith("Aucun lieu permanent et localisé du service")


def test_communes_without_contour_are_said_not_measured_and_are_not() -> None:
    layer = layer_of("15", 2026)
    lost = layer[layer["contour_reason"] != ""]
    assert lost["code"].tolist() == ["15031", "15035", "15047", "15171"]
    (note,) = [note for note in findings.layer_notes(layer, straight_line=True) if "sans contour" in note]
    assert "ni mesurées" in note
    assert note.endswith("Celles, Chalinargues, Chavagnac et Sainte-Anastasie.")
    calibration = france.embedded_path("travel/straight_line.toml").read_text(encoding="utf-8")
    host = layer[layer["code"] == "15141"]
    place = {"id": "a", "x": host["ref_x"], "y": host["ref_y"], "commune_population": 100, "commune_area_km2": 10.0}
    matrix = straight_line_engine(calibration, coverage=0.9)(lost.reset_index(drop=True), pd.DataFrame(place))
    assert set(matrix.reason[:, 0]) == {NOT_MEASURED}
