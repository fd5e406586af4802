"""Places of médiation numérique, brought to the common grid: made-up rows of the standard."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdaasp_geo.french import NBSP
from sdaasp_geo.sources.grid_rows import NO_CODE, NO_COORDINATES, NO_DATE, NO_NAME, REPEATED, SWAPPED
from sdaasp_geo.sources.hours import weekly_hours
from sdaasp_geo.sources.interchange import convert_foreign, read_foreign
from sdaasp_geo.sources.mediation import (
    HOURS_KEPT,
    NO_PUBLIC,
    UNSAID_FORMAT,
    is_mediation_list,
    mediation_to_grid,
    read_osm_week,
)
from sdaasp_geo.sources.services import read_services

ROW = {
    "id": "Lieu_essai.1",
    "pivot": "00000000000000",
    "nom": "Espace  numérique d'essai",
    "commune": "TARBES",
    "code_postal": "65000",
    "code_insee": "65440",
    "adresse": "1 rue Haute",
    "complement_adresse": "rez-de-chaussée",
    "latitude": "43,2329",
    "longitude": "0,0741",
    "telephone": "+33500000000",
    "courriels": "personne@example.org",
    "horaires": "Mo-Fr 09:00-12:00,14:00-18:30; Sa 08:30-12:00",
    "presentation_resume": "Demandez Camille",
    "source": "Hub d'essai",
    "itinerance": "Fixe",
    "structure_parente": "Ville de Tarbes",
    "date_maj": "2024-05-03",
    "services": "Aide aux démarches administratives",
    "modalites_acces": "Se présenter|Téléphoner",
    "frais_a_charge": "Gratuit sous condition|Payant",
    "dispositif_programmes_nationaux": "Aidants Connect; France Services",
    "formations_labels": "",
    "autres_formations_labels": "Label d'essai",
}


def converted(**changes: str) -> dict[str, str]:
    done = mediation_to_grid(pd.DataFrame([{**ROW, **changes}], index=[2], dtype="str"))
    assert done.lines == 1
    row: dict[str, str] = done.table.loc[2].to_dict()
    return row


def test_a_row_of_the_standard_becomes_a_row_of_the_grid() -> None:
    assert converted() == {
        "id": "mediation-Lieu-essai-1",
        "nom": "Espace numérique d'essai",
        "operateur": "Ville de Tarbes",
        "service": "mediation-numerique",
        "format": "fixe",
        "adresse": "1 rue Haute, rez-de-chaussée, 65000 TARBES",
        "code_commune": "65440",
        "commune": "Tarbes",
        "lon": "0.0741",
        "lat": "43.2329",
        "precision_position": "adresse",
        "horaires": "Mo-Fr 09:00-12:00,14:00-18:30; Sa 08:30-12:00",
        "horaires_bruts": "",
        "accessibilite": "inconnue",
        "contact": "",
        "source": "Lieu de médiation numérique (id Lieu_essai.1), collecté par Hub d'essai",
        "date_maj": "2024-05-03",
        "licence": "Licence Ouverte 2.0",
        "cout": "Gratuit sous condition, Payant",
        "qualite": "Aidants Connect, France Services, Label d'essai",
    }


@pytest.mark.parametrize(
    ("declared", "name", "ways", "expected"),
    [
        ("Itinérant", "Espace", "", "itinerant"),
        ("Itinérant|Fixe", "Espace", "", "itinerant"),
        ("Fixe;Itinérant", "Espace", "", "itinerant"),
        ("Itinerant", "Espace", "", "itinerant"),
        ("Fixe", "Espace", "", "fixe"),
        ("", "Le bus numérique", "", "itinerant"),
        ("", "Médiation itinérante", "", "itinerant"),
        ("", "Réseau multisites", "", "multisite"),
        ("", "Espace Van Gogh", "", "fixe"),
        ("Fixe", "Espace", "Prendre un RDV en ligne", "rendez-vous"),
        ("Fixe", "Espace", "Prendre un RDV en ligne|Se présenter", "fixe"),
        ("Itinérant", "Espace", "Prendre un RDV en ligne", "itinerant"),
    ],
)
def test_formats(declared: str, name: str, ways: str, expected: str) -> None:
    assert converted(itinerance=declared, nom=name, modalites_acces=ways)["format"] == expected


def test_a_format_that_nothing_says_is_counted() -> None:
    table = pd.DataFrame([ROW, {**ROW, "id": "2", "itinerance": ""}], index=[2, 3], dtype="str")
    assert mediation_to_grid(table).remarks == {UNSAID_FORMAT: 1}


@pytest.mark.parametrize(
    ("published", "hours", "remark"),
    [
        (
            "Mo,We 9:00-12:00; Th-Fr 09:00-12:00, 14:00-18:30;",
            "Mo 09:00-12:00; We 09:00-12:00; Th-Fr 09:00-12:00,14:00-18:30",
            "",
        ),
        ("Mo-Fr 09:00-12:00; We off; PH off", "Mo-Tu 09:00-12:00; Th-Fr 09:00-12:00", "fermé les jours fériés"),
        ("Mo-Tu 09:00-12:00, Fr 14:00-16:00", "Mo-Tu 09:00-12:00; Fr 14:00-16:00", ""),
        ("Sa-Mo 10:00-12:00", "Mo 10:00-12:00; Sa-Su 10:00-12:00", ""),
        ("24/7", "Mo-Su 00:00-24:00", ""),
        ("Mo 09:00-12:00; Mo 14:00-17:00", "", ""),
        ("Mo 09:00-12:00,11:00-13:00", "", ""),
        ("Fr 18:00-02:00", "", ""),
        ("week 02-52/2 We 14:00-16:30", "", ""),
        ("Sep-Jun: Mo 09:00-12:00", "", ""),
        ('Mo 09:00-12:00 "sur rendez-vous"', "", ""),
        ("SH off", "", ""),
        ("PH off", "", ""),
    ],
)
def test_hours_of_openstreetmap(published: str, hours: str, remark: str) -> None:
    assert read_osm_week(published) == (hours, remark)


TIME = st.integers(0, 95).map(lambda quarter: f"{quarter // 4:02d}:{quarter % 4 * 15:02d}")
INTERVALS = st.lists(TIME, min_size=2, max_size=4, unique=True).map(
    lambda times: list(zip(sorted(times)[: len(times) // 2 * 2 : 2], sorted(times)[1::2], strict=True))
)


@given(st.dictionaries(st.integers(0, 6), INTERVALS, min_size=1))
def test_hours_of_the_grid_are_read_as_they_are(week: dict[int, list[tuple[str, str]]]) -> None:
    written = weekly_hours(week)
    assert written
    assert read_osm_week(written) == (written, "")


@pytest.mark.parametrize(
    ("published", "converted_hours", "kept"),
    [
        ("lundi et mardi 9h-12h", "Mo-Tu 09:00-12:00", ""),
        ("Mo 09:00-12:00; Mo 14:00-17:00", "", "Mo 09:00-12:00; Mo 14:00-17:00"),
        ("selon les ateliers", "", "selon les ateliers"),
        ("", "", ""),
    ],
)
def test_hours_are_converted_exactly_or_kept(published: str, converted_hours: str, kept: str) -> None:
    row = converted(horaires=published)
    assert (row["horaires"], row["horaires_bruts"]) == (converted_hours, kept)


def test_holidays_are_said_in_the_source() -> None:
    row = converted(horaires="Mo 09:00-12:00; PH off")
    assert (row["horaires"], row["horaires_bruts"]) == ("Mo 09:00-12:00", "")
    assert row["source"].endswith("fermé les jours fériés")


def test_nothing_personal_is_kept() -> None:
    text = " ".join(converted().values())
    for word in ("example.org", "Camille", "+335"):
        assert word not in text


@pytest.mark.parametrize("parent", ["21650440000013", "216 504 400 00013", "camille@example.org"])
def test_a_number_or_an_address_is_no_operator(parent: str) -> None:
    assert converted(structure_parente=parent)["operateur"] == ""


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"code_insee": ""}, NO_CODE),
        ({"code_insee": "Tarbes"}, NO_CODE),
        ({"nom": " "}, NO_NAME),
        ({"id": ""}, NO_NAME),
        ({"date_maj": "mai 2024"}, NO_DATE),
        ({"modalites_acces": "Téléphoner|Ce lieu n’accueille pas de public"}, NO_PUBLIC),
    ],
)
def test_what_is_not_converted_is_left_with_its_reason(changes: dict[str, str], reason: str) -> None:
    done = mediation_to_grid(pd.DataFrame([{**ROW, **changes}, {**ROW, "id": "2"}], index=[2, 3], dtype="str"))
    assert len(done.table) == 1
    assert done.left[["row", "id", "reason"]].to_numpy().tolist() == [[2, changes.get("id", "Lieu_essai.1"), reason]]


@pytest.mark.parametrize(
    ("lon", "lat", "remark"),
    [("", "", NO_COORDINATES), ("0.07", "", NO_COORDINATES), ("43.23", "0.07", SWAPPED)],
)
def test_positions_that_cannot_be_used_are_unknown_and_counted(lon: str, lat: str, remark: str) -> None:
    done = mediation_to_grid(pd.DataFrame([{**ROW, "longitude": lon, "latitude": lat}], index=[2], dtype="str"))
    row = done.table.loc[2]
    assert (row["lon"], row["lat"], row["precision_position"]) == ("", "", "inconnue")
    assert done.remarks == {remark: 1}


@pytest.mark.parametrize("pair", [("x", "1"), ("0", "0"), ("nan", "1"), ("inf", "1"), ("200", "1"), ("1", "91")])
def test_coordinates_that_are_none_are_unknown(pair: tuple[str, str]) -> None:
    assert converted(longitude=pair[0], latitude=pair[1])["precision_position"] == "inconnue"


def test_identifiers_are_unique_and_a_repeated_line_is_left() -> None:
    rows = [ROW, ROW, {**ROW, "nom": "Autre lieu"}, {**ROW, "id": "Lieu essai 1"}]
    done = mediation_to_grid(pd.DataFrame(rows, index=[2, 3, 4, 5], dtype="str"))
    assert done.table["id"].tolist() == [
        "mediation-Lieu-essai-1",
        "mediation-Lieu-essai-1-2",
        "mediation-Lieu-essai-1-3",
    ]
    assert done.table.index.tolist() == [2, 4, 5]
    assert done.left[["row", "reason"]].to_numpy().tolist() == [[3, REPEATED]]


def test_old_and_short_codes_keep_their_meaning() -> None:
    assert converted(code_insee="4001")["code_commune"] == "04001"
    old = converted(code_insee="65188", commune="Ancienne commune")
    assert (old["code_commune"], old["commune"]) == ("65188", "Ancienne commune")


def test_the_grid_is_not_taken_for_a_list_of_the_standard() -> None:
    assert is_mediation_list(pd.Index(list(ROW)))
    assert not is_mediation_list(pd.Index(["id", "nom", "service", "code_commune"]))
    assert not is_mediation_list(pd.Index([*ROW, "code_commune"]))


@pytest.mark.parametrize("separator", [",", ";"])
def test_csv_and_json_give_the_same_table_that_the_grid_accepts(tmp_path: Path, separator: str) -> None:
    rows = [
        ROW,
        {**ROW, "id": "2", "horaires": "selon les ateliers", "latitude": ""},
        {**ROW, "id": "3", "code_insee": ""},
    ]
    path, other = tmp_path / "lieux.csv", tmp_path / "lieux.json"
    pd.DataFrame(rows).to_csv(path, index=False, sep=separator)
    lists = [{**row, "modalites_acces": row["modalites_acces"].split("|"), "prise_rdv": None} for row in rows]
    other.write_text(json.dumps(lists), encoding="utf-8")
    read = read_foreign(path)
    assert read is not None
    table, notes = read
    done = convert_foreign(other)
    assert done is not None
    pd.testing.assert_frame_equal(table.reset_index(drop=True), done.table.reset_index(drop=True))
    assert [note.replace(NBSP, " ") for note in notes] == [
        (
            "lieux de médiation numérique (standard de La Mednum) : 3 lignes lues, 2 converties en 2 lignes de la "
            "grille commune."
        ),
        f"1 ligne non convertie : {NO_CODE} (1).",
        f"1 lieu {HOURS_KEPT}.",
        f"1 lieu {NO_COORDINATES}.",
    ]
    grid = tmp_path / "grille.csv"
    table.to_csv(grid, index=False)
    checked = read_services(grid)
    assert checked["id"].tolist() == ["mediation-Lieu-essai-1", "mediation-2"]
    assert checked["lat"].isna().tolist() == [False, True]
