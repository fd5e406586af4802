"""The list that ANCT publishes, brought to the common grid: made-up rows, and the real list where it is at hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from sdaasp_geo.embedded import embedded_path
from sdaasp_geo.errors import InputError
from sdaasp_geo.french import NBSP
from sdaasp_geo.layers.findings import hours_notes
from sdaasp_geo.parameters import read_parameters, words_setting
from sdaasp_geo.sources.anct import anct_to_grid, is_anct_list
from sdaasp_geo.sources.delimited import read_delimited
from sdaasp_geo.sources.services import read_services

FILE = "liste-fs-20240801.csv"
ROW = {
    "id_fs": "12",
    "insee_dep": "4",
    "lib_fs": "France services  La Poste d'Essai",
    "adresse": "1 rue  Haute",
    "complement_adresse": "",
    "insee_com": "4001",
    "code_postal": "4510",
    "lib_com": "Aiglun",
    "latitude": "44.05",
    "longitude": "6.13",
    "mail": "essai@example.org",
    "telephone": "00",
    "h_lundi": "09:00 - 12:00 / 14:00 - 17:00",
    "h_mardi": "09:00 - 12:00 / 14:00 - 17:00",
    "h_mercredi": "",
    "h_jeudi": "",
    "h_vendredi": "09:00 - 12:00",
    "h_samedi": "",
    "commentaire": "Personne à joindre",
    "type_fs": "Principal",
    "format_fs": "Fixe",
}


def grid(**changes: str) -> dict[str, str]:
    table = pd.DataFrame([{**ROW, **changes}], index=[2], dtype="str")
    assert is_anct_list(table.columns)
    row: dict[str, str] = anct_to_grid(table, file=FILE).loc[2].to_dict()
    return row


def test_a_row_of_the_list_becomes_a_row_of_the_grid() -> None:
    row = grid()
    assert row["id"] == "fs-0012"
    assert row["code_commune"] == "04001"
    assert row["nom"] == "France services La Poste d'Essai"
    assert row["adresse"] == "1 rue Haute, 04510 Aiglun"
    assert row["operateur"] == "La Poste"
    assert row["horaires"] == "Mo-Tu 09:00-12:00,14:00-17:00; Fr 09:00-12:00"
    assert row["horaires_bruts"] == ""
    assert row["date_maj"] == "2024-08-01"
    assert row["precision_position"] == "adresse"


def test_nothing_personal_is_kept() -> None:
    text = " ".join(grid().values())
    for word in ("example.org", "Personne", "telephone"):
        assert word not in text
    assert grid()["contact"] == ""


@pytest.mark.parametrize(
    ("kind", "form", "expected"),
    [
        ("Principal", "Fixe", "fixe"),
        ("Antenne", "Fixe", "antenne"),
        ("Antenne", "Fixe_antenne(s)", "antenne"),
        ("Principal", "Fixe_antenne(s)", "fixe"),
        ("Antenne", "Itinérante", "itinerant"),
        ("Antenne", "Bus_équivalent", "itinerant"),
        ("Antenne", "Multisites", "multisite"),
        ("Principal", "Multisites", "multisite"),
        ("Principal", "Bus_équivalent", "itinerant"),
        ("Principal", "Itinérante", "itinerant"),
    ],
)
def test_formats(kind: str, form: str, expected: str) -> None:
    assert grid(type_fs=kind, format_fs=form)["format"] == expected


@pytest.mark.parametrize(
    ("published", "converted"),
    [
        ("9h - 12h", "We 09:00-12:00"),
        ("de 9h à midi et de 14h à 17h30", "We 09:00-12:00,14:00-17:30"),
        ("09:00 - 12:00 / 09:00 - 12:00", "We 09:00-12:00"),
        ("00:00 - 00:00 / 09:00 - 12:00", "We 09:00-12:00"),
        ("fermé", ""),
        ("", ""),
    ],
)
def test_hours_that_convert_exactly(published: str, converted: str) -> None:
    row = grid(h_mercredi=published)
    wednesday = f"{converted}; " if converted else ""
    assert row["horaires"] == f"Mo-Tu 09:00-12:00,14:00-17:00; {wednesday}Fr 09:00-12:00"
    assert row["horaires_bruts"] == ""


@pytest.mark.parametrize(
    "published",
    [
        "09:00 - 12:00 / sur rendez-vous",
        "sur rendez-vous",
        "semaines paires : 9h - 12h",
        "1er mercredi du mois : 9h - 12h",
        "12:00 - 09:00",
        "09:00 - 12:00 / 11:00 - 13:00",
        "9h - 12h sauf vacances scolaires",
    ],
)
def test_hours_that_do_not_hold_every_week_or_are_not_read_stay_as_published(published: str) -> None:
    row = grid(h_mercredi=published)
    assert row["horaires"] == ""
    assert row["horaires_bruts"].replace(NBSP, " ") == (
        f"lundi {ROW['h_lundi']} ; mardi {ROW['h_mardi']} ; mercredi {published} ; vendredi {ROW['h_vendredi']}"
    )


@pytest.mark.parametrize(
    ("published", "kept"),
    [("", ""), ("Non communiqué", ""), ("Fermé", "mercredi Fermé"), ("00:00 - 00:00", "mercredi 00:00 - 00:00")],
)
def test_a_week_that_says_no_hours_keeps_what_it_says(published: str, kept: str) -> None:
    row = grid(h_lundi="", h_mardi="", h_vendredi="", h_mercredi=published)
    assert (row["horaires"], row["horaires_bruts"]) == ("", kept)


def test_a_site_without_coordinates_is_said() -> None:
    row = grid(latitude="", longitude="")
    assert (row["lon"], row["lat"], row["precision_position"]) == ("", "", "inconnue")


@pytest.mark.parametrize("file", ["liste-fs.csv", "liste-fs-20241399.csv", "fs.csv"])
def test_a_file_without_a_date_is_refused(file: str) -> None:
    with pytest.raises(InputError, match="liste-fs-20240801"):
        anct_to_grid(pd.DataFrame([ROW], dtype="str"), file=file)


def test_missing_columns_are_all_named() -> None:
    table = pd.DataFrame([ROW], dtype="str").drop(columns=["h_samedi", "latitude"])
    with pytest.raises(InputError) as caught:
        anct_to_grid(table, file=FILE)
    assert [fault.column for fault in caught.value.faults] == ["latitude", "h_samedi"]


def test_a_list_with_faults_is_told_as_the_grid_is(tmp_path: Path) -> None:
    path = tmp_path / FILE
    pd.DataFrame([ROW, {**ROW, "insee_com": "4X01"}]).to_csv(path, index=False)
    with pytest.raises(InputError) as caught:
        read_services(path)
    assert {(fault.row, fault.column) for fault in caught.value.faults} == {(3, "id"), (3, "code_commune")}


def test_the_published_list_gives_the_embedded_facts(shared: Callable[[str], Path]) -> None:
    path = shared("france_services/liste-fs-20240801.csv")
    published = read_delimited(path)
    found = anct_to_grid(published, file=path.name).set_index("id")
    assert len(found) == 2845
    assert (found["code_commune"].str.startswith("65")).sum() == 25
    embedded = pd.read_csv(embedded_path("services/france_services.csv"), dtype="str", keep_default_na=False)
    embedded = embedded.set_index("id")
    own = found.loc[embedded.index]
    for column in ("format", "code_commune", "horaires", "horaires_bruts", "service", "date_maj"):
        pd.testing.assert_series_equal(own[column], embedded[column], check_names=False)
    for column in ("lon", "lat"):
        apart = own[column].astype("float64") - embedded[column].astype("float64")
        assert apart.abs().max() < 1e-5


def test_the_whole_published_list_satisfies_the_grid(shared: Callable[[str], Path]) -> None:
    table = read_services(shared("france_services/liste-fs-20240801.csv"))
    assert len(table) == 2845
    assert table["id"].is_unique
    assert table[["lon", "lat"]].notna().all(axis=None)


def test_formats_and_hours_of_the_published_list(shared: Callable[[str], Path]) -> None:
    path = shared("france_services/liste-fs-20240801.csv")
    published = read_delimited(path)
    moving = published["format_fs"].isin(["Multisites", "Bus_équivalent", "Itinérante"])
    antenna = published["type_fs"] == "Antenne"
    assert (moving.sum(), (moving & antenna).sum(), (moving | antenna).sum()) == (337, 13, 448)
    found = anct_to_grid(published, file=path.name)
    assert found["format"].value_counts().to_dict() == {
        "fixe": 2397,
        "multisite": 174,
        "itinerant": 163,
        "antenne": 111,
    }
    assert set(found.loc[moving, "format"]) == {"multisite", "itinerant"}
    assert not set(found.loc[moving, "format"]) & set(words_setting(read_parameters(), "formats-permanents"))
    silent = (published[[name for name in published.columns if name.startswith("h_")]] == "").all(axis="columns")
    converted, raw = found["horaires"] != "", found["horaires_bruts"] != ""
    assert (converted.sum(), raw.sum(), silent.sum()) == (2777, 20, 48)
    assert (converted.astype(int) + raw + silent == 1).all()
    assert (silent & moving).sum() == 19


def test_names_that_say_a_round_but_are_declared_fixed_are_kept_as_declared(shared: Callable[[str], Path]) -> None:
    path = shared("france_services/liste-fs-20240801.csv")
    found = anct_to_grid(read_delimited(path), file=path.name)
    said = found["nom"].str.contains(r"itinérante|\bmultisites\b", case=False)
    assert found.loc[said, "format"].value_counts().reindex(["antenne", "fixe"]).to_dict() == {"antenne": 11, "fixe": 2}


def test_the_number_of_sites_whose_hours_are_not_read_is_told(shared: Callable[[str], Path]) -> None:
    table = read_services(shared("france_services/liste-fs-20240801.csv"))
    (note,) = hours_notes(table)
    assert note.startswith(f"20{NBSP}lieux «{NBSP}france-services{NBSP}» aux horaires publiés mais non convertis")
    assert note.endswith("….")
    first = table[table["horaires_bruts"] != ""].sort_values("id")["nom"].tolist()
    assert all(name in note for name in first[:5])
    assert first[5] not in note
    assert hours_notes(table[table["horaires"] != ""]) == []
