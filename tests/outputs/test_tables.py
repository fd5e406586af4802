"""Tables: guarded texts, one dictionary, the same figures in CSV, Parquet and workbook, the same bytes twice."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from sdaasp_geo.analysis.lifecycle import EVENTS
from sdaasp_geo.outputs.layer_model import grid_columns
from sdaasp_geo.outputs.tables import Table, build_tables, describe_column, published_rows, write_tables
from sdaasp_geo.study import Measures, Study


@pytest.fixture(scope="module")
def tables(study_65: Study, measures_65: Measures) -> list[Table]:
    return build_tables(study_65, measures_65)


@pytest.fixture(scope="module")
def folder(tables: list[Table], study_65: Study, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("tables")
    write_tables(tables, target, edition=study_65.scheme.edition)
    return target


def test_every_column_is_described(tables: list[Table]) -> None:
    undescribed = {
        (table.name, column)
        for table in tables
        for column in table.rows.columns
        if not describe_column(table.name, column)["meaning"] or describe_column(table.name, column)["label"] == column
    }
    assert undescribed == set()


def test_places_have_the_labels_of_the_published_grid() -> None:
    given = describe_column("points_services", "date_maj")
    assert given["name"] == "date_maj"
    assert given["label"] == grid_columns()["date_maj"].label
    assert given["meaning"] == grid_columns()["date_maj"].meaning
    assert describe_column("points_services", "epci")["name"] == "siren_epci"


def test_changes_of_perimeter_are_in_words(tables: list[Table], study_65: Study) -> None:
    (evolution,) = (table for table in tables if table.name == "evolution_perimetre")
    assert set(evolution.rows["change"]) <= {*EVENTS, "changement d'EPCI"}
    assert {"changement de nom", "fusion"} <= set(evolution.rows["change"])
    assert "changement_de_nom" in set(study_65.evolution["change"])


def test_published_names_are_unique(tables: list[Table]) -> None:
    for table in tables:
        names = [describe_column(table.name, column)["name"] for column in table.rows.columns]
        assert len(names) == len(set(names)), table.name


def test_same_figures_in_three_formats(folder: Path) -> None:
    parquet = pd.read_parquet(folder / "couverture.parquet")
    text = pd.read_csv(folder / "couverture.csv", encoding="utf-8-sig", dtype={"territoire": "str", "niveau": "str"})
    assert text["population"].tolist() == parquet["population"].tolist()
    assert text["territoire"].tolist() == parquet["territoire"].tolist()
    book = openpyxl.load_workbook(folder / "sdaasp.xlsx", read_only=True)
    rows = list(book["couverture"].iter_rows(min_row=2, values_only=True))
    position = list(parquet.columns).index("population_dans_seuil")
    assert [row[position] for row in rows] == parquet["population_dans_seuil"].tolist()
    book.close()


def test_codes_stay_text(folder: Path) -> None:
    access = pd.read_parquet(folder / "acces.parquet")
    assert access["code_commune"].str.len().eq(5).all()
    book = openpyxl.load_workbook(folder / "sdaasp.xlsx", read_only=True)
    codes = {row[0] for row in book["acces"].iter_rows(min_row=2, max_row=20, max_col=1, values_only=True)}
    assert all(isinstance(code, str) for code in codes)
    book.close()


@pytest.mark.parametrize("hostile", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(1)", "\t=1", "\r=1"])
def test_a_name_is_never_a_formula(hostile: str, study_65: Study, tmp_path: Path) -> None:
    rows = pd.DataFrame({"name": pd.array([hostile], dtype="str")})
    write_tables([Table("essai", "Essai", rows)], tmp_path, edition=study_65.scheme.edition)
    with (tmp_path / "essai.csv").open(encoding="utf-8-sig", newline="") as stream:
        cell = list(csv.reader(stream))[1][0]
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    sheet = openpyxl.load_workbook(tmp_path / "sdaasp.xlsx")["essai"]
    assert sheet["A2"].data_type == "s"


def test_same_bytes_twice(tables: list[Table], folder: Path, study_65: Study, tmp_path: Path) -> None:
    write_tables(tables, tmp_path, edition=study_65.scheme.edition)

    def hashes(root: Path) -> dict[str, str]:
        return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(root.iterdir())}

    assert hashes(tmp_path) == hashes(folder)


def test_tables_leave_the_study_untouched(study_65: Study, measures_65: Measures) -> None:
    before = {field.name: getattr(study_65, field.name) for field in dataclasses.fields(study_65)}
    columns = list(study_65.communes.columns)
    published_rows(build_tables(study_65, measures_65)[0])
    assert list(study_65.communes.columns) == columns
    assert all(getattr(study_65, name) is value for name, value in before.items())
