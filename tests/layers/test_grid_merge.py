"""Joined grids: one file is itself, order matters only for ties, nothing disappears."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdaasp_geo.layers.grid_merge import (
    COMPLETED,
    KEPT,
    OPEN,
    PAST,
    Merge,
    great_circle_m,
    merge_grids,
    probable_doubles,
)

COLUMNS = [
    *("id", "nom", "operateur", "service", "format", "adresse", "code_commune", "commune", "lon", "lat"),
    *("precision_position", "horaires", "horaires_bruts", "accessibilite", "contact", "source", "date_maj", "licence"),
]
GOOD = dict.fromkeys(COLUMNS, "") | {
    "id": "a",
    "nom": "CAF",
    "service": "caf",
    "code_commune": "04070",
    "commune": "Digne-les-Bains",
    "date_maj": "2026-01-01",
}


def table(*rows: dict[str, str]) -> pd.DataFrame:
    return pd.DataFrame([{**GOOD, **row} for row in rows], index=range(2, len(rows) + 2), dtype="str")


def only(merged: Merge, column: str) -> str:
    assert len(merged.grid) == 1
    return str(merged.grid.loc[0, column])


CELLS = st.sampled_from(["", "x", "y"])
RECORDS = st.fixed_dictionaries(
    {
        "id": st.sampled_from(["a", "b"]),
        "service": st.sampled_from(["caf", "msa"]),
        "adresse": CELLS,
        "contact": CELLS,
        "horaires": CELLS,
        "horaires_bruts": CELLS,
        "lon": st.sampled_from(["", "6.1"]),
        "lat": st.sampled_from(["", "44.1"]),
        "precision_position": st.sampled_from(["adresse", "inconnue"]),
        "date_maj": st.sampled_from(["2024-01-01", "2025-01-01", "2026-01-01"]),
    }
)
GRIDS = st.lists(
    st.lists(RECORDS, min_size=1, max_size=4, unique_by=lambda row: (row["id"], row["service"])).map(
        lambda rows: table(*rows)
    ),
    min_size=1,
    max_size=3,
)


def named(grids: list[pd.DataFrame]) -> dict[str, pd.DataFrame]:
    return {f"f{at}.csv": grid for at, grid in enumerate(grids)}


@given(GRIDS)
def test_one_file_is_itself(grids: list[pd.DataFrame]) -> None:
    merged = merge_grids({"f.csv": grids[0]})
    expected = grids[0].sort_values(["service", "id"]).reset_index(drop=True)
    pd.testing.assert_frame_equal(merged.grid, expected, check_index_type=False)
    assert merged.history.empty
    assert merged.conflicts.empty


@given(GRIDS)
def test_every_place_and_every_differing_cell_stays(grids: list[pd.DataFrame]) -> None:
    files = named(grids)
    merged = merge_grids(files)
    final = merged.grid.set_index(["id", "service"], drop=False)
    assert set(final.index) == {key for grid in grids for key in zip(grid["id"], grid["service"], strict=True)}
    told = {
        (*row[:3], value)
        for row in merged.history[["id", "service", "colonne", "avant", "apres"]].itertuples(index=False, name=None)
        for value in row[3:]
    } | {
        (*row[:3], value)
        for row in merged.conflicts[["id", "service", "colonne", "valeur_1", "valeur_2"]].itertuples(
            index=False, name=None
        )
        for value in row[3:]
    }
    for grid in grids:
        for row in grid.to_dict("records"):
            for column, value in row.items():
                kept = final.loc[(row["id"], row["service"]), column]
                assert value == kept or (row["id"], row["service"], column, value) in told


@given(GRIDS)
def test_order_matters_only_for_conflicts(grids: list[pd.DataFrame]) -> None:
    files = named(grids)
    first = merge_grids(files)
    disputed = set(first.conflicts[["id", "service", "colonne"]].itertuples(index=False, name=None))
    whole = {"horaires", "horaires_bruts", "lon", "lat", "precision_position"}
    for order in itertools.permutations(files):
        other = merge_grids({name: files[name] for name in order})
        assert other.conflicts.empty == first.conflicts.empty
        for row, again in zip(first.grid.to_dict("records"), other.grid.to_dict("records"), strict=True):
            clashes = {column for place, service, column in disputed if (place, service) == (row["id"], row["service"])}
            # two positions that say nothing may still differ in why: that is told in the history, not as a conflict
            free = set(row) - clashes - (whole if clashes & whole else set()) - {"precision_position"}
            assert {column: row[column] for column in free} == {column: again[column] for column in free}


def test_the_latest_prevails_cell_by_cell_and_blank_erases_nothing() -> None:
    old = table({"adresse": "1 rue", "contact": "04", "date_maj": "2024-01-01", "operateur": "CAF"})
    new = table({"adresse": "2 rue", "contact": "", "horaires": "Mo 09:00-12:00", "date_maj": "2025-01-01"})
    for files in ({"old": old, "new": new}, {"new": new, "old": old}):
        merged = merge_grids(files)
        assert [only(merged, name) for name in ("adresse", "contact", "horaires")] == ["2 rue", "04", "Mo 09:00-12:00"]
        assert only(merged, "date_maj") == "2025-01-01"
        rows = merged.history.set_index("colonne")
        assert rows.loc["adresse", ["avant", "apres", "retenu", "fichier", "date_maj"]].tolist() == [
            *("1 rue", "2 rue", "2 rue", "new", "2025-01-01")
        ]
        assert rows["nature"][["contact", "horaires"]].tolist() == [KEPT, COMPLETED]
        assert merged.conflicts.empty


def test_a_position_is_taken_whole() -> None:
    old = table({"lon": "6.1", "lat": "44.1", "precision_position": "adresse", "date_maj": "2024-01-01"})
    new = table({"precision_position": "inconnue", "date_maj": "2025-01-01"})
    merged = merge_grids({"old": old, "new": new})
    assert [only(merged, name) for name in ("lon", "lat", "precision_position")] == ["6.1", "44.1", "adresse"]


def test_a_tie_goes_to_the_first_file_and_is_a_conflict() -> None:
    one, two = table({"adresse": "1 rue", "operateur": "CAF"}), table({"adresse": "2 rue", "operateur": "MSA"})
    merged = merge_grids({"one": one, "two": two})
    assert only(merged, "adresse") == "1 rue"
    assert set(merged.conflicts["colonne"]) == {"adresse", "operateur"}
    clash = merged.conflicts.set_index("colonne").loc["adresse"]
    assert clash[["valeur_1", "fichier", "valeur_2", "fichier_2", "operateur_2", "retenu", "etat"]].tolist() == [
        *("1 rue", "one", "2 rue", "two", "MSA", "1 rue", OPEN)
    ]
    assert merged.open_conflicts == 2
    assert only(merge_grids({"two": two, "one": one}), "adresse") == "2 rue"


def test_a_later_version_settles_a_conflict() -> None:
    files = {"one": table({"adresse": "1"}), "two": table({"adresse": "2"})}
    merged = merge_grids({**files, "three": table({"adresse": "3", "date_maj": "2026-02-01"})})
    assert merged.conflicts[["etat", "retenu"]].to_numpy().tolist() == [[PAST, "3"]]
    assert merged.open_conflicts == 0
    assert merged.history.loc[merged.history["colonne"] == "adresse", "apres"].tolist() == ["3"]


def test_origins_count_the_rows_that_one_file_gives_alone() -> None:
    merged = merge_grids({"one": table({}, {"id": "b"}), "two": table({})})
    assert merged.origins.to_numpy().tolist() == [["one", 2, 1], ["two", 1, 0]]


def doubles(*rows: dict[str, str]) -> pd.DataFrame:
    return probable_doubles(table(*rows), {}, like_score=92.0, near_m=100.0)


PLACED = {"lat": "44.1", "precision_position": "adresse"}


@pytest.mark.parametrize(
    ("two", "found"),
    [
        ({"id": "b", "nom": "C.A.F."}, 0),
        ({"id": "b", "nom": "caf"}, 1),
        ({"id": "b", "service": "msa"}, 0),
        ({"id": "b", "code_commune": "04112"}, 0),
        ({"id": "b", "nom": "Autre", **PLACED, "lon": "6.1005"}, 1),
        ({"id": "b", "nom": "Autre", **PLACED, "lon": "6.11"}, 0),
        ({"id": "b", "nom": "Autre", "lat": "44.1", "lon": "6.1", "precision_position": "commune"}, 0),
    ],
)
def test_probable_doubles(two: dict[str, str], found: int) -> None:
    assert len(doubles({**PLACED, "lon": "6.1"}, two)) == found


def test_doubles_are_never_joined() -> None:
    merged = merge_grids({"one": table({}), "two": table({"id": "b"})})
    assert merged.grid["id"].tolist() == ["a", "b"]
    assert merged.doubles[["id_1", "fichier_1", "id_2", "fichier_2"]].to_numpy().tolist() == [["a", "one", "b", "two"]]


def test_the_great_circle_is_that_of_the_mean_sphere() -> None:
    assert great_circle_m(0, 0, 1, 0) == pytest.approx(np.pi * 6_371_008.8 / 180)
    assert np.isnan(great_circle_m(0, 0, np.nan, 0))
