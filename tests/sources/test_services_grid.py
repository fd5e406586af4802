"""The common grid: every fault of every cell is located, and what is right is read as it is."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sdaasp_geo.embedded import embedded_path
from sdaasp_geo.errors import Fault, InputError
from sdaasp_geo.sources.services import grid_fields, read_services

GOOD = {
    "id": "caf-1",
    "nom": "CAF de Digne",
    "operateur": "CAF",
    "service": "caf",
    "format": "fixe",
    "adresse": "1 rue Pied-de-Ville",
    "code_commune": "04070",
    "commune": "Digne-les-Bains",
    "lon": "6.2356",
    "lat": "44.0925",
    "precision_position": "adresse",
    "horaires": "Mo-Fr 09:00-12:00,14:00-17:00; Sa 09:00-12:00",
    "horaires_bruts": "",
    "accessibilite": "inconnue",
    "contact": "",
    "source": "Essai",
    "date_maj": "2026-11-22",
    "licence": "Licence Ouverte 2.0",
}


def write(
    tmp_path: Path, *rows: dict[str, str], separator: str = ",", encoding: str = "utf-8", drop: tuple[str, ...] = ()
) -> Path:
    path = tmp_path / "lieux.csv"
    with path.open("w", encoding=encoding, newline="") as stream:
        names = [name for name in GOOD if name not in drop]
        writer = csv.DictWriter(stream, names, delimiter=separator, extrasaction="ignore")
        writer.writeheader()
        writer.writerows([{**GOOD, **row} for row in rows])
    return path


def faults_of(path: Path) -> tuple[Fault, ...]:
    with pytest.raises(InputError) as caught:
        read_services(path)
    return caught.value.faults


def test_the_model_row_has_the_fields_of_the_grid_and_is_read(tmp_path: Path) -> None:
    assert [field["name"] for field in grid_fields()] == list(GOOD)
    table = read_services(write(tmp_path, {}))
    assert list(table.columns) == list(GOOD)
    assert list(table.index) == [2]
    assert table.loc[2, "code_commune"] == "04070"
    assert (table.loc[2, "lon"], table.loc[2, "lat"]) == (6.2356, 44.0925)
    assert table.dtypes[["lon", "lat"]].tolist() == [np.dtype("float64")] * 2


def test_excel_of_a_french_desk_is_read(tmp_path: Path) -> None:
    row = {"lon": "6,2356", "lat": "44,0925", "nom": "Château-Arnoux", "id": "b"}
    table = read_services(write(tmp_path, row, separator=";", encoding="cp1252"))
    assert (table.loc[2, "lon"], table.loc[2, "lat"]) == (6.2356, 44.0925)
    assert table.loc[2, "nom"] == "Château-Arnoux"


def test_a_point_without_coordinates_is_read(tmp_path: Path) -> None:
    table = read_services(write(tmp_path, {"lon": "", "lat": "", "precision_position": "inconnue"}))
    assert table[["lon", "lat"]].isna().all(axis=None)


def test_names_that_look_like_missing_values_stay_text(tmp_path: Path) -> None:
    assert read_services(write(tmp_path, {"nom": "NA", "commune": "nan"}))["nom"].tolist() == ["NA"]


REQUIRED = ("id", "nom", "service", "format", "code_commune", "commune", "precision_position", "accessibilite")


@pytest.mark.parametrize("column", [*REQUIRED, "source", "date_maj", "licence"])
def test_an_empty_required_cell_is_located(column: str, tmp_path: Path) -> None:
    faults = faults_of(write(tmp_path, {"id": "a"}, {"id": "b"}, {column: "", "id": "c"} | {column: ""}))
    assert [(fault.row, fault.column, fault.expected) for fault in faults] == [(4, column, "une valeur")]


@pytest.mark.parametrize(
    ("column", "value", "word"),
    [
        ("id", "caf 1", "la forme"),
        ("service", "CAF", "la forme"),
        ("code_commune", "4070", "la forme"),
        ("code_commune", "2C004", "la forme"),
        ("format", "permanent", "itinerant"),
        ("precision_position", "exacte", "adresse"),
        ("accessibilite", "oui", "partielle"),
        ("horaires", "lundi 9h-12h", "la forme"),
        ("horaires", "Mo 25:00-26:00", "la forme"),
        ("lon", "6.23°", "un nombre"),
        ("lon", "181", "-180"),
        ("lat", "-90.5", "-90"),
        ("lat", "inf", "un nombre de"),
        ("lat", "nan", "un nombre"),
        ("date_maj", "22/11/2026", "une date"),
        ("date_maj", "2026-02-30", "une date"),
    ],
)
def test_each_constraint_is_located_with_its_remedy(column: str, value: str, word: str, tmp_path: Path) -> None:
    (fault,) = faults_of(write(tmp_path, {"id": "a"}, {"id": "b", column: value}))
    assert (fault.file, fault.row, fault.column, fault.value) == ("lieux.csv", 3, column, value)
    assert word in fault.expected
    assert fault.remedy.endswith(".")


def test_the_remedy_of_a_lost_zero_says_so(tmp_path: Path) -> None:
    (fault,) = faults_of(write(tmp_path, {"code_commune": "4070"}))
    assert "zéros de tête" in fault.remedy


@pytest.mark.parametrize(
    ("code", "lon", "lat"),
    [
        ("04070", "44.0925", "6.2356"),
        ("97411", "-20.88", "55.45"),
        ("2A004", "41,92", "8,73"),
        ("97302", "4.93", "-52.3"),
    ],
)
def test_swapped_coordinates_are_refused(code: str, lon: str, lat: str, tmp_path: Path) -> None:
    faults = faults_of(write(tmp_path, {"code_commune": code, "lon": lon, "lat": lat}))
    (fault,) = [fault for fault in faults if fault.column == "lon"]
    assert "inversées" in fault.remedy
    assert fault.value == lon


def test_a_place_abroad_or_elsewhere_in_france_is_not_called_swapped(tmp_path: Path) -> None:
    rows = [
        {"id": "a", "lon": "2.35", "lat": "48.85"},
        {"id": "b", "lon": "-60", "lat": "14"},
        {"id": "c", "code_commune": "99999", "lon": "43", "lat": "1"},
        {"id": "d", "code_commune": "98818", "lon": "166.4", "lat": "-22.3"},
    ]
    assert len(read_services(write(tmp_path, *rows))) == 4


def test_a_place_gives_each_service_once(tmp_path: Path) -> None:
    rows = [{"id": "a"}, {"id": "a", "service": "msa"}, {"id": "b"}, {"id": "a"}]
    faults = faults_of(write(tmp_path, *rows))
    assert [(fault.row, fault.column, fault.value) for fault in faults] == [(5, "id", "a")]
    assert len(read_services(write(tmp_path, *rows[:3]))) == 3


def test_missing_columns_are_all_named(tmp_path: Path) -> None:
    faults = faults_of(write(tmp_path, {}, drop=("lat", "code_commune", "source")))
    assert [(fault.row, fault.column) for fault in faults] == [(1, "code_commune"), (1, "lat"), (1, "source")]


def test_faults_of_several_rows_come_in_reading_order(tmp_path: Path) -> None:
    rows = [{"id": "a", "lat": "x", "format": "?"}, {"id": "b"}, {"id": "c", "service": "", "date_maj": "hier"}]
    faults = faults_of(write(tmp_path, *rows))
    assert [(fault.row, fault.column) for fault in faults] == [
        (2, "format"),
        (2, "lat"),
        (4, "date_maj"),
        (4, "service"),
    ]


def test_columns_beside_the_grid_are_left_out_and_a_header_alone_is_read(tmp_path: Path) -> None:
    path = write(tmp_path, {})
    text = path.read_text(encoding="utf-8").splitlines()
    path.write_text(f"{text[0]},remarque\n{text[1]},à revoir\n", encoding="utf-8")
    assert list(read_services(path).columns) == list(GOOD)
    path.write_text(f"{text[0]}\n", encoding="utf-8")
    assert read_services(path).empty


def test_the_embedded_tables_are_read_in_both_formats(tmp_path: Path) -> None:
    table = read_services(embedded_path("services/france_services.csv"))
    assert len(table) == 148
    path = tmp_path / "lieux.parquet"
    table.to_parquet(path, index=False)
    pd.testing.assert_frame_equal(read_services(path), table, check_names=False, check_index_type=False)
