"""The BPE of INSEE, points and counts, brought to the common grid: made-up lines, and the counts of 2013."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sdaasp_geo.errors import InputError
from sdaasp_geo.sources.bpe import (
    BREAKDOWN,
    NO_NUMBER,
    NONE,
    OLDER,
    UNNAMED,
    WIDER,
    bpe_to_grid,
    is_bpe,
)
from sdaasp_geo.sources.grid_rows import BAD_COORDINATES, NO_CODE, NO_COORDINATES
from sdaasp_geo.sources.interchange import convert_foreign
from sdaasp_geo.sources.service_types import OTHER_VINTAGE, UNKNOWN_TYPE
from sdaasp_geo.sources.services import read_services

POINT = {
    "AN": "2024",
    "NOMRS": "BUREAU D'ESSAI",
    "DEPCOM": "03001",
    "TYPEQU": "A206",
    "LAMBERT_X": "700000",
    "LAMBERT_Y": "6600000",
    "QUALITE_XY": "B",
}


def lines(*rows: dict[str, str]) -> pd.DataFrame:
    index = pd.RangeIndex(2, len(rows) + 2, name="row")
    return pd.DataFrame(list(rows), index=index, dtype="str").fillna("")


def point(**changes: str) -> dict[str, str]:
    row: dict[str, str] = bpe_to_grid(lines({**POINT, **changes}), file="bpe.csv").table.iloc[0].to_dict()
    return row


def test_a_point_becomes_a_row_of_the_grid() -> None:
    """The origin of Lambert 93 (700 km, 6,600 km) is at 3° E, 46.5° N, by definition."""
    assert point() == {
        "id": "bpe-2024-03001-A206-1",
        "nom": "BUREAU D'ESSAI",
        "operateur": "La Poste",
        "service": "poste",
        "format": "fixe",
        "adresse": "",
        "code_commune": "03001",
        "commune": "Abrest",
        "lon": "3",
        "lat": "46.5",
        "precision_position": "adresse",
        "horaires": "",
        "horaires_bruts": "",
        "accessibilite": "inconnue",
        "contact": "",
        "source": "Insee, BPE 2024 (A206)",
        "date_maj": "2024-01-01",
        "licence": "Licence Ouverte 2.0",
    }


@pytest.mark.parametrize(
    ("code", "epsg", "meridian"),
    [
        ("97411", "", "57"),
        ("97105", "", "-63"),
        ("97209", "", "-63"),
        ("97302", "", "-51"),
        ("97608", "", "45"),
        ("03001", "2975", "57"),
    ],
)
def test_overseas_points_are_in_the_utm_zone_of_their_departement(code: str, epsg: str, meridian: str) -> None:
    row = point(DEPCOM=code, EPSG=epsg, LAMBERT_X="500000", LAMBERT_Y="7600000")
    assert row["lon"] == meridian


def test_degrees_are_taken_where_they_are_published() -> None:
    row = point(LONGITUDE="0.0741", LATITUDE="43,2329", DEPCOM="65440")
    assert (row["lon"], row["lat"]) == ("0.0741", "43.2329")


@pytest.mark.parametrize(
    ("quality", "found", "expected"),
    [
        ("B", "11", "adresse"),
        ("Bonne", "", "adresse"),
        ("Acceptable", "", "adresse"),
        ("A", "33", "commune"),
        ("M", "", "commune"),
        ("Mauvaise", "", "commune"),
        ("_U", "", "commune"),
        ("", "", "commune"),
    ],
)
def test_precision(quality: str, found: str, expected: str) -> None:
    assert point(QUALITE_XY=quality, QUALITE_GEOLOC=found)["precision_position"] == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "fixe"),
        ({"TYPE": "LF"}, "fixe"),
        ({"TYPE": "ANT"}, "antenne"),
        ({"TYPE": "MS"}, "multisite"),
        ({"TYPE": "MO"}, "itinerant"),
        ({"ITINERANCE": "1"}, "itinerant"),
        ({"TYPE": "LF", "ITINERANCE": "1"}, "itinerant"),
        ({"TYPE": "_Z", "NOMRS": "BUS D'ESSAI"}, "itinerant"),
    ],
)
def test_formats(changes: dict[str, str], expected: str) -> None:
    assert point(TYPEQU="A128", **changes)["format"] == expected


def test_the_name_of_a_person_is_not_kept() -> None:
    for code in ("D201", "D244", "A501", "A304"):
        assert point(TYPEQU=code, NOMRS="CAMILLE ESSAI")["nom"].endswith(", Abrest")


def test_addresses() -> None:
    published = {"NUMVOIE": "3", "INDREP": "B", "TYPVOIE": "RUE", "LIBVOIE": "HAUTE", "CADR": "_Z", "CODPOS": "03200"}
    assert point(**published, LIBCOM="ABREST")["adresse"] == "3 B RUE HAUTE, 03200 Abrest"


def test_a_type_that_answers_two_services_gives_two_rows_of_one_place() -> None:
    done = bpe_to_grid(lines({**POINT, "TYPEQU": "C108"}, POINT), file="bpe.csv")
    assert done.table[["id", "service"]].to_numpy().tolist() == [
        ["bpe-2024-03001-C108-1", "ecole-maternelle"],
        ["bpe-2024-03001-C108-1", "ecole-elementaire"],
        ["bpe-2024-03001-A206-1", "poste"],
    ]
    assert done.table.index.tolist() == [2, 3, 4]


def test_ranks_do_not_depend_on_the_order_of_the_lines() -> None:
    rows = [{**POINT, "LAMBERT_X": str(700000 + 10 * rank)} for rank in (3, 1, 2)]
    first = bpe_to_grid(lines(*rows), file="bpe.csv").table
    second = bpe_to_grid(lines(*rows[::-1]), file="bpe.csv").table
    assert first["id"].str[-1].tolist() == ["3", "1", "2"]
    pd.testing.assert_frame_equal(
        first.sort_values("id", ignore_index=True), second.sort_values("id", ignore_index=True)
    )


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"TYPEQU": "A401"}, UNKNOWN_TYPE),
        ({"TYPEQU": "A116"}, OTHER_VINTAGE),
        ({"DEPCOM": "Abrest"}, NO_CODE),
        ({"AN": "2019"}, OLDER),
    ],
)
def test_what_is_not_converted_is_left_with_its_reason(changes: dict[str, str], reason: str) -> None:
    done = bpe_to_grid(lines(POINT, {**POINT, **changes}), file="bpe.csv")
    assert (done.lines, len(done.table)) == (2, 1)
    assert done.left[["row", "type", "reason"]].to_numpy().tolist() == [[3, changes.get("TYPEQU", "A206"), reason]]


def test_points_without_position_are_unknown_and_counted() -> None:
    rows = [{**POINT, "LAMBERT_X": ""}, {**POINT, "LAMBERT_X": "", "LAMBERT_Y": ""}, POINT]
    done = bpe_to_grid(lines(*rows), file="bpe.csv")
    assert done.table["precision_position"].tolist() == ["inconnue", "inconnue", "adresse"]
    assert done.table["lon"].tolist() == ["", "", "3"]
    assert done.remarks == {BAD_COORDINATES: 1, NO_COORDINATES: 1}


@pytest.mark.parametrize(
    ("name", "year"),
    [
        ("bpe21_ensemble_xy.csv", "2021"),
        ("BPE24.csv", "2024"),
        ("bpe_ensemble_xy_2019.csv", "2019"),
        ("bpe2013.csv", "2013"),
    ],
)
def test_the_vintage_of_the_name_serves_where_no_column_gives_it(name: str, year: str) -> None:
    row = {key: value for key, value in POINT.items() if key != "AN"}
    assert bpe_to_grid(lines(row), file=name).table["date_maj"].tolist() == [f"{year}-01-01"]


def test_a_file_without_vintage_is_refused() -> None:
    with pytest.raises(InputError, match="millésime"):
        bpe_to_grid(lines({**POINT, "AN": ""}), file="equipements.csv")


COUNTS = [
    ({"codgeo": "03001", "equipement": "Bureau de poste", "nb": "2"}, "codgeo, equipement, nb"),
    ({"DEPCOM": "03001", "DCIRIS": "03001", "TYPEQU": "A206", "NB_EQUIP": "2"}, "par Iris"),
    (
        {"GEO": "03001", "GEO_OBJECT": "COM", "FACILITY_DOM": "A", "FACILITY_SDOM": "A2", "FACILITY_TYPE": "A206"}
        | {"BPE_MEASURE": "FACILITIES", "TIME_PERIOD": "2024", "OBS_VALUE": "2"},
        "DS_BPE",
    ),
    ({"CODGEO": "03001", "NB_A206": "2", "NB_A101": "0", "NB_A401": ""}, "une colonne par type"),
]


@pytest.mark.parametrize("row", [row for row, _ in COUNTS], ids=[name for _, name in COUNTS])
def test_counts_give_one_row_per_equipment_without_position(row: dict[str, str]) -> None:
    assert is_bpe(pd.Index(list(row)))
    done = bpe_to_grid(lines(row), file="bpe24.csv")
    assert done.table["id"].tolist() == ["bpe-2024-03001-A206-1", "bpe-2024-03001-A206-2"]
    assert done.table["nom"].tolist() == ["Bureau de poste, Abrest"] * 2
    assert set(done.table["precision_position"]) == {"inconnue"}
    assert done.left.empty
    assert done.remarks == {}


def test_ranks_go_on_from_one_iris_to_the_next() -> None:
    row = {"DEPCOM": "03001", "TYPEQU": "A206", "NB_EQUIP": "1"}
    done = bpe_to_grid(lines({**row, "DCIRIS": "0101"}, {**row, "DCIRIS": "0102"}), file="bpe24.csv")
    assert done.table["id"].str[-1].tolist() == ["1", "2"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"GEO_OBJECT": "DEP", "GEO": "03"}, WIDER),
        ({"FACILITY_TYPE": "_T"}, BREAKDOWN),
        ({"BPE_MEASURE": "PLACES"}, BREAKDOWN),
        ({"INDOOR": "1"}, BREAKDOWN),
        ({"OBS_VALUE": "0"}, NONE),
        ({"OBS_VALUE": "-1"}, NO_NUMBER),
        ({"OBS_VALUE": "1.5"}, NO_NUMBER),
        ({"OBS_VALUE": "s"}, NO_NUMBER),
    ],
)
def test_counts_that_are_not_those_of_a_commune_are_left(changes: dict[str, str], reason: str) -> None:
    row = {**COUNTS[2][0], "INDOOR": "_T"}
    done = bpe_to_grid(lines(row, {**row, **changes}), file="bpe24.csv")
    assert len(done.table) == 2
    assert done.left["reason"].tolist() == [reason]


@pytest.mark.parametrize("columns", [["DEPCOM", "TYPEQU"], ["id", "nom", "service"], ["GEO", "OBS_VALUE"]])
def test_other_tables_are_not_taken_for_the_bpe(columns: list[str]) -> None:
    assert not is_bpe(pd.Index(columns))


def test_the_columns_of_two_spellings_are_not_confused() -> None:
    row = {**POINT, "EQUIPEMENT": "autre chose", "GEO": "autre"}
    assert bpe_to_grid(lines(row), file="bpe.csv").table["service"].tolist() == ["poste"]


def test_a_file_of_points_is_read_by_pieces_and_limited_to_departements(tmp_path: Path) -> None:
    path = tmp_path / "bpe24.csv"
    rows = [POINT, {**POINT, "DEPCOM": "65440", "LAMBERT_X": "462000", "LAMBERT_Y": "6241000", "SIRET": "_Z"}]
    pd.DataFrame(rows).to_csv(path, index=False, sep=";")
    done = convert_foreign(path, departements=["65"])
    assert done is not None
    assert (done.lines, done.table.index.tolist(), done.table["commune"].tolist()) == (1, [3], ["Tarbes"])
    nowhere = convert_foreign(path, departements=["2A"])
    assert nowhere is not None
    assert (nowhere.lines, len(nowhere.table), len(nowhere.left)) == (0, 0, 0)
    grid = tmp_path / "grille.csv"
    done.table.to_csv(grid, index=False)
    assert read_services(grid)["lat"].round(1).tolist() == [43.2]


FACTS_65 = {"poste": 102, "gendarmerie": 21, "police": 3, "maternite": 3, "urgences": 5, "college": 27, "gare": 9}
FACTS_04 = {"poste": 96, "gendarmerie": 29, "police": 1, "maternite": 2, "urgences": 3, "college": 21, "gare": 4}


@pytest.mark.parametrize(
    ("departement", "read", "kept", "facts"),
    [("65", 3835, 1174, FACTS_65), ("04", 3118, 1060, FACTS_04)],
)
def test_the_counts_of_2013(
    shared: Callable[[str], Path], tmp_path: Path, departement: str, read: int, kept: int, facts: dict[str, int]
) -> None:
    path = shared("bpe_2013/bpe2013_communes_long.parquet")
    done = convert_foreign(path, departements=[departement])
    assert done is not None
    assert (done.lines, done.lines - len(done.left)) == (read, kept)
    assert set(done.left["reason"]) == {UNKNOWN_TYPE}
    grid = tmp_path / "grille.csv"
    done.table.to_csv(grid, index=False)
    services = read_services(grid)["service"].value_counts()
    assert services[list(facts)].to_dict() == facts
    assert services["police-gendarmerie"] == facts["police"] + facts["gendarmerie"]
    assert done.remarks[UNNAMED] == {"65": 16, "04": 11}[departement]


def test_every_equipment_of_2013_is_a_row_or_is_left(shared: Callable[[str], Path]) -> None:
    path = shared("bpe_2013/bpe2013_communes_long.parquet")
    published = pd.read_parquet(path).reset_index(drop=True)
    mine = published[published["codgeo"].str.startswith("65")]
    done = convert_foreign(path, departements=["65"])
    assert done is not None
    numbers = pd.Series(mine["nb"].to_numpy(), index=mine.index + 2)
    left = numbers.loc[done.left["row"]].sum()
    assert done.table["id"].nunique() + left == numbers.sum() == 9891
    assert np.unique(done.table["precision_position"]).tolist() == ["inconnue"]
    offices = mine.loc[mine["equipement"] == "Bureau de poste", "nb"].sum()
    assert done.table["id"].str.contains("-A206-").sum() == offices == 65
