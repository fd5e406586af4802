"""The tables of the diagnosis: described, unique names, and figures that reconcile with those of the measures."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pandas as pd
import pytest

from sdaasp_geo.outputs.diagnosis_tables import diagnosis_tables
from sdaasp_geo.outputs.tables import Table, describe_column, published_rows, write_tables
from sdaasp_geo.study import Diagnosis, Measures, Study


@pytest.fixture(scope="module")
def tables(study_65: Study, measures_65: Measures, diagnosis_65: Diagnosis) -> list[Table]:
    return diagnosis_tables(study_65, dataclasses.replace(measures_65, diagnosis=diagnosis_65))


def test_every_column_is_described(tables: list[Table]) -> None:
    undescribed = {
        (table.name, column)
        for table in tables
        for column in table.rows.columns
        if not describe_column(table.name, column)["meaning"]
    }
    assert undescribed == set()


def test_published_names_are_unique(tables: list[Table]) -> None:
    assert len({table.name for table in tables}) == len(tables)
    for table in tables:
        names = [describe_column(table.name, column)["name"] for column in table.rows.columns]
        assert len(names) == len(set(names)), table.name


def test_without_diagnosis_there_is_no_table(study_65: Study, measures_65: Measures) -> None:
    assert diagnosis_tables(study_65, measures_65) == []


def test_the_nearest_place_is_the_first_of_the_pairs(tables: list[Table], measures_65: Measures) -> None:
    """Recompute the published times to the nearest France services from the published pairs."""
    published = {table.name: published_rows(table) for table in tables}
    pairs = published["trajets"]
    nearest = pairs[pairs["service"] == "france-services"].groupby("code_commune")["temps_min"].min()
    own = measures_65.access[measures_65.access["service"] == "france-services"].set_index("code")["time_min"]
    assert nearest.reindex(own.index).tolist() == own.tolist()
    border = published["frontiere_acces"].set_index("code_commune")["temps_min"]
    assert border.reindex(own.index).tolist() == own.tolist()


def test_the_longest_table_is_in_parquet_only(tables: list[Table], study_65: Study, tmp_path: Path) -> None:
    chosen = [table for table in tables if table.name in {"trajets", "frontiere_bilan"}]
    write_tables(chosen, tmp_path, edition=study_65.scheme.edition)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "dictionnaire.csv",
        "dictionnaire.parquet",
        "frontiere_bilan.csv",
        "frontiere_bilan.parquet",
        "sdaasp.xlsx",
        "trajets.parquet",
    ]
    balance = pd.read_parquet(tmp_path / "frontiere_bilan.parquet")
    sides = [
        "population_propre_epci",
        "population_autre_epci",
        "population_autre_departement",
        "population_non_atteinte",
    ]
    assert balance[sides].sum(axis="columns").tolist() == balance["population"].tolist()
