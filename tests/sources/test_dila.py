"""The DILA directory, in its published shapes, brought to the common grid; and that of 2016 where it is at hand."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from sdaasp_geo.sources.dila import BAD_RECORD, HOURS_KEPT, NO_TYPE, dila_to_grid
from sdaasp_geo.sources.dila_records import dila_record, is_dila_record
from sdaasp_geo.sources.grid_rows import NO_CODE, NO_COORDINATES, NO_DATE, NO_NAME, Conversion
from sdaasp_geo.sources.interchange import convert_foreign, read_foreign
from sdaasp_geo.sources.service_types import UNKNOWN_TYPE
from sdaasp_geo.sources.services import read_services

OLD: dict[str, Any] = {
    "id": "pole_emploi-65258-01",
    "type": "pole_emploi",
    "nom": "Pôle emploi d'essai",
    "codeinsee": "65258",
    "latitude": "43.1249",
    "longitude": "0.3849",
    "geocode_pr": "8",
    "update": "2016-02-08",
    "accessibilite_type": "DEM",
    "contact_email": "essai@example.org",
    "editeursource": "La Direction de l'information légale et administrative (Premier ministre)",
    "writeAddress": {
        "addressLocality": "LANNEMEZAN CEDEX",
        "postalCode": "65300",
        "streetAddress": ["1 rue Haute", "BP  12"],
    },
}
FEATURE: dict[str, Any] = {
    "type": "Feature",
    "geometry": {"type": "Point", "coordinates": [0.3849, 43.1249]},
    "properties": {
        "id": "mairie-65258-01",
        "codeInsee": "65258",
        "pivotLocal": "mairie",
        "nom": "Mairie - Lannemezan",
        "adresses": [
            {"type": "postale", "lignes": ["BP 12"], "codePostal": "65301", "commune": "Lannemezan Cedex"},
            {"type": "géopostale", "lignes": ["1 rue Haute"], "codePostal": "65300", "commune": "Lannemezan"},
        ],
        "horaires": [{"du": "lundi", "au": "mardi", "heures": [{"de": "09:00:00", "a": "12:00:00"}]}],
        "email": "essai@example.org",
        "telephone": "05 00 00 00 00",
    },
}
RANGE = {
    "nom_jour_debut": "Lundi",
    "nom_jour_fin": "Mardi",
    "valeur_heure_debut_1": "09:00:00",
    "valeur_heure_fin_1": "12:00:00",
    "valeur_heure_debut_2": "14:00:00",
    "valeur_heure_fin_2": "17:00:00",
    "commentaire": "",
}
CURRENT: dict[str, Any] = {
    "id": "00007e4d-264c-43a0-b0b7-7f3b7dd995ab",
    "nom": "Mairie - Lannemezan",
    "code_insee_commune": "65258",
    "pivot": [{"type_service_local": "mairie", "code_insee_commune": ["65258"]}],
    "adresse": [
        {
            "type_adresse": "Adresse postale",
            "numero_voie": "BP 12",
            "code_postal": "65301",
            "nom_commune": "Lannemezan",
        },
        {"type_adresse": "Adresse", "complement1": "Bât. A", "numero_voie": "1 rue Haute", "code_postal": "65300"}
        | {"nom_commune": "Lannemezan", "longitude": "0.3849", "latitude": "43.1249", "accessibilite": "ACC"},
    ],
    "plage_ouverture": [RANGE],
    "commentaire_plage_ouverture": "",
    "date_modification": "09/08/2023 13:30:19",
    "affectation_personne": [{"personne": {"nom": "ESSAI", "prenom": "Camille"}}],
    "telephone": [{"valeur": "05 00 00 00 00"}],
}


def done(*records: dict[str, Any], file: str = "annuaire.json") -> Conversion:
    return dila_to_grid(enumerate(records, start=1), file=file)


def row(record: dict[str, Any], file: str = "annuaire.json") -> dict[str, str]:
    found: dict[str, str] = done(record, file=file).table.iloc[0].to_dict()
    return found


def test_a_record_of_2016_becomes_a_row_of_the_grid() -> None:
    assert row(OLD) == {
        "id": "dila-pole-emploi-65258-01",
        "nom": "Pôle emploi d'essai",
        "operateur": "Pôle emploi",
        "service": "france-travail",
        "format": "fixe",
        "adresse": "1 rue Haute, BP 12, 65300 LANNEMEZAN CEDEX",
        "code_commune": "65258",
        "commune": "Lannemezan",
        "lon": "0.3849",
        "lat": "43.1249",
        "precision_position": "adresse",
        "horaires": "",
        "horaires_bruts": "",
        "accessibilite": "partielle",
        "contact": "",
        "source": "DILA, annuaire des services publics locaux (id pole_emploi-65258-01)",
        "date_maj": "2016-02-08",
        "licence": "Licence Ouverte",
    }


def test_a_feature_of_the_former_interface_takes_its_date_from_the_file() -> None:
    found = row(FEATURE, file="annuaire-20200101.json")
    assert (found["service"], found["horaires"], found["date_maj"]) == ("mairie", "Mo-Tu 09:00-12:00", "2020-01-01")
    assert found["adresse"] == "1 rue Haute, 65300 Lannemezan"
    assert (found["lon"], found["lat"]) == ("0.3849", "43.1249")
    assert done(FEATURE).left["reason"].tolist() == [NO_DATE]


@pytest.mark.parametrize("as_text", [False, True])
def test_a_record_of_the_current_directory(as_text: bool) -> None:  # noqa: FBT001 - a parametrised case
    cells = {
        name: json.dumps(value) if as_text and isinstance(value, list) else value for name, value in CURRENT.items()
    }
    found = row(cells)
    assert found["id"] == "dila-00007e4d-264c-43a0-b0b7-7f3b7dd995ab"
    assert found["horaires"] == "Mo-Tu 09:00-12:00,14:00-17:00"
    assert found["adresse"] == "Bât. A, 1 rue Haute, 65300 Lannemezan"
    assert (found["accessibilite"], found["date_maj"]) == ("accessible", "2023-08-09")
    assert found["licence"] == "Licence Ouverte 2.0"


def test_nothing_personal_is_kept() -> None:
    text = " ".join(" ".join(row(record, file="a-20200101.json").values()) for record in (OLD, FEATURE, CURRENT))
    for word in ("example.org", "05 00", "Camille", "ESSAI"):
        assert word not in text


@pytest.mark.parametrize(
    ("changes", "raw", "shape"),
    [
        (
            {"plage_ouverture": [{**RANGE, "commentaire": "Fermé en août"}]},
            "lundi au mardi 09:00-12:00 et 14:00-17:00 (Fermé en août)",
            "fixe",
        ),
        (
            {"plage_ouverture": [{**RANGE, "commentaire": "Sur rendez-vous"}]},
            "lundi au mardi 09:00-12:00 et 14:00-17:00 (Sur rendez-vous)",
            "rendez-vous",
        ),
        (
            {"commentaire_plage_ouverture": "Fermé en août"},
            "lundi au mardi 09:00-12:00 et 14:00-17:00 ; Fermé en août",
            "fixe",
        ),
        (
            {"plage_ouverture": [], "commentaire_plage_ouverture": "Uniquement sur rendez-vous"},
            "Uniquement sur rendez-vous",
            "rendez-vous",
        ),
    ],
)
def test_hours_that_something_restricts_are_kept_as_published(changes: dict[str, Any], raw: str, shape: str) -> None:
    conversion = done({**CURRENT, **changes})
    found = conversion.table.iloc[0]
    assert (found["horaires"], found["horaires_bruts"], found["format"]) == ("", raw, shape)
    assert conversion.remarks == {HOURS_KEPT: 1}


def test_a_record_of_several_types_is_one_place_of_several_services() -> None:
    pivots = [{"type_service_local": code} for code in ("sip", "sie", "prefecture", "inconnu")]
    conversion = done({**CURRENT, "pivot": pivots})
    assert conversion.table["service"].tolist() == ["dgfip", "prefecture"]
    assert set(conversion.table["id"]) == {"dila-00007e4d-264c-43a0-b0b7-7f3b7dd995ab"}
    assert conversion.table.index.tolist() == [2, 3]
    assert conversion.left.empty


@pytest.mark.parametrize(
    ("code", "name", "service"),
    [
        ("msap", "France services - Grenoble", "france-services"),
        ("msap", "France Services - Grenoble (Itinérant)", "france-services"),
        ("msap", "Maison de services au public - Grenoble", "msap"),
    ],
)
def test_france_services_and_msap_share_a_type(code: str, name: str, service: str) -> None:
    assert row({**CURRENT, "nom": name, "pivot": [{"type_service_local": code}]})["service"] == service


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "fixe"),
        ({"nom": "France Services - Grenoble (Itinérant)"}, "itinerant"),
        ({"nom": "Bus France services"}, "itinerant"),
        ({"nom": "Mairie déléguée - Essai"}, "antenne"),
        ({"nom": "Mission locale - Permanence"}, "antenne"),
        ({"type": "mairie_mobile"}, "itinerant"),
        ({"type": "permanence_juridique"}, "antenne"),
        ({"commentaire": "Uniquement sur rendez-vous."}, "rendez-vous"),
    ],
)
def test_formats(changes: dict[str, str], expected: str) -> None:
    assert row({**OLD, **changes})["format"] == expected


@pytest.mark.parametrize(
    ("class_", "expected"), [("4", "commune"), ("6", "adresse"), ("8", "adresse"), ("", "adresse")]
)
def test_the_middle_of_the_town_is_no_address(class_: str, expected: str) -> None:
    assert row({**OLD, "geocode_pr": class_})["precision_position"] == expected


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"codeinsee": None}, NO_CODE),
        ({"nom": ""}, NO_NAME),
        ({"id": ""}, NO_NAME),
        ({"update": "?"}, NO_DATE),
        ({"type": "centre_de_rien"}, UNKNOWN_TYPE),
        ({"type": "maison_arret"}, "établissement pénitentiaire"),
        ({"writeAddress": "1 rue Haute"}, BAD_RECORD),
    ],
)
def test_what_is_not_converted_is_left_with_its_reason(changes: dict[str, Any], reason: str) -> None:
    conversion = done({**OLD, **changes}, {**OLD, "id": "autre"})
    assert (conversion.lines, len(conversion.table)) == (2, 1)
    assert conversion.left[["row", "reason"]].to_numpy().tolist() == [[1, reason]]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [({"pivot": []}, NO_TYPE), ({"pivot": "mairie"}, BAD_RECORD), ({"adresse": '["rue"]'}, BAD_RECORD)],
)
def test_broken_records_of_the_current_directory(changes: dict[str, Any], reason: str) -> None:
    assert done({**CURRENT, **changes}).left["reason"].tolist() == [reason]


def test_a_place_without_coordinates_is_kept_and_counted() -> None:
    conversion = done({**OLD, "latitude": None, "longitude": None})
    assert conversion.table["precision_position"].tolist() == ["inconnue"]
    assert conversion.remarks == {NO_COORDINATES: 1}


def test_the_shapes_are_recognised() -> None:
    assert all(is_dila_record(record) for record in (OLD, FEATURE, CURRENT))
    assert not is_dila_record({"nom": "", "service": "", "code_commune": ""})
    assert not is_dila_record({"type": "Feature", "properties": {"nom": "Tarbes"}})
    assert dila_record(FEATURE).edition == "2017-2022"


@pytest.mark.parametrize(
    ("name", "content", "rows"),
    [
        ("a.sjson", "\n".join([json.dumps(OLD), "{pas du JSON", "", json.dumps({**OLD, "id": "b"})]), 2),
        ("a.json", json.dumps({"service": [CURRENT, {**CURRENT, "id": "b"}]}), 2),
        ("a.json", json.dumps([CURRENT]), 1),
        ("a.json", json.dumps({"total_count": 1, "results": [CURRENT]}), 1),
        ("a-20200101.geojson", json.dumps({"type": "FeatureCollection", "features": [FEATURE]}), 1),
    ],
)
def test_files_are_read_and_accepted_by_the_grid(tmp_path: Path, name: str, content: str, rows: int) -> None:
    path, grid = tmp_path / name, tmp_path / "grille.csv"
    path.write_text(content, encoding="utf-8")
    read = read_foreign(path)
    assert read is not None
    read[0].to_csv(grid, index=False)
    assert len(read_services(grid)) == rows
    assert ("structure" in read[1][-1]) == (name == "a.sjson")


def test_the_export_in_csv_is_read(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    cells = {name: json.dumps(value) if isinstance(value, list) else value for name, value in CURRENT.items()}
    pd.DataFrame([cells]).to_csv(path, index=False, sep=";")
    conversion = convert_foreign(path, departements=["65"])
    assert conversion is not None
    assert conversion.table["horaires"].tolist() == ["Mo-Tu 09:00-12:00,14:00-17:00"]


LEFT_2016 = {
    "cdg",
    "cnfpt",
    "civi",
    "commission_conciliation",
    "fdapp",
    "fdc",
    "spip",
    "conciliateur_fiscal",
    "maison_arret",
}


@pytest.mark.parametrize(
    ("departement", "read", "kept", "rows", "facts"),
    [
        (
            "65",
            647,
            637,
            661,
            {"mairie": 474, "caf": 4, "cpam": 5, "france-travail": 4, "gendarmerie": 21, "dgfip": 22},
        ),
        (
            "04",
            346,
            337,
            368,
            {"mairie": 199, "caf": 2, "cpam": 2, "france-travail": 2, "gendarmerie": 29, "dgfip": 22},
        ),
    ],
)
def test_every_record_of_2016_is_converted_or_left(
    shared: Callable[[str], Path],
    tmp_path: Path,
    departement: str,
    read: int,
    kept: int,
    rows: int,
    facts: dict[str, int],
) -> None:
    path = shared(f"annuaire_dila_2016/annuaire-{departement}.sjson")
    conversion = convert_foreign(path)
    assert conversion is not None
    assert (conversion.lines, conversion.lines - len(conversion.left), len(conversion.table)) == (read, kept, rows)
    assert set(conversion.left["type"]) - {"centre_penitentiaire"} == LEFT_2016
    assert conversion.remarks == {}
    grid = tmp_path / "grille.csv"
    conversion.table.to_csv(grid, index=False)
    table = read_services(grid)
    assert {service: int((table["service"] == service).sum()) for service in facts} == facts
    assert table[["lon", "lat"]].notna().all(axis=None)
    published = Counter(json.loads(line)["type"] for line in path.read_text(encoding="utf-8").splitlines())
    assert facts["dgfip"] == published["sip"] + published["sie"] + published["tresorerie"]


def test_the_caf_of_tarbes(shared: Callable[[str], Path]) -> None:
    read = read_foreign(shared("annuaire_dila_2016/annuaire-65.sjson"))
    assert read is not None
    found = read[0].set_index("id").loc["dila-caf-65440-01"]
    assert found["nom"] == "Caisse d'allocations familiales (Caf) des Hautes-Pyrénées - siège de Tarbes"
    assert (found["service"], found["operateur"], found["commune"]) == ("caf", "CAF", "Tarbes")
    assert found["adresse"] == "6 ter place au Bois, 65018 Tarbes Cedex 9"
    assert (found["accessibilite"], found["date_maj"]) == ("accessible", "2016-02-08")
    assert (found["lon"], found["lat"], found["precision_position"]) == ("0.074121", "43.2328644", "commune")


def test_the_layer_made_from_the_directory_gives_the_same_places(shared: Callable[[str], Path]) -> None:
    name = "annuaire_dila_2016/annuaire_services_locaux_2016_65_04_voisins.gpkg"
    layer = convert_foreign(shared(name), departements=["65"])
    lines = convert_foreign(shared("annuaire_dila_2016/annuaire-65.sjson"))
    assert layer is not None
    assert lines is not None
    assert layer.lines == lines.lines
    columns = ["id", "service", "code_commune", "commune", "precision_position", "date_maj"]
    both = [done.table[columns].sort_values(["id", "service"], ignore_index=True) for done in (layer, lines)]
    pd.testing.assert_frame_equal(*both)


def test_the_gendarmeries_of_2016_are_those_of_the_bpe_of_2013(shared: Callable[[str], Path]) -> None:
    counts = convert_foreign(shared("bpe_2013/bpe2013_communes_long.parquet"), departements=["04"])
    places = convert_foreign(shared("annuaire_dila_2016/annuaire-04.sjson"))
    assert counts is not None
    assert places is not None
    numbers = [int((done.table["service"] == "gendarmerie").sum()) for done in (counts, places)]
    assert numbers == [29, 29]
