"""Cells in their communes: whole inhabitants add up to the legal population; what is not kept is said."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from sdaasp_geo.errors import InputError
from sdaasp_geo.french import NBSP, count
from sdaasp_geo.layers.cells import NO_CELL, NO_CELL_NO_POSITION, NO_LEGAL_POPULATION, build_cells
from sdaasp_geo.layers.contracts import CELLS, check_layer
from sdaasp_geo.sources.cells import read_cells
from sdaasp_geo.study import Study

CRS = "EPSG:2154"
SIDE = 200.0
COLUMNS = ["cell", "code", "population", "population_source", "cell_reason", "x", "y", "geometry"]


def communes(*populations: float, studied: tuple[bool, ...] = ()) -> gpd.GeoDataFrame:
    """Communes 65001, 65002… side by side, each of 1 km, from x = 0."""
    places = range(len(populations))
    return gpd.GeoDataFrame(
        {
            "code": [f"65{place + 1:03}" for place in places],
            "name": [f"Village {place + 1}" for place in places],
            "studied": list(studied) or [True] * len(populations),
            "population": list(populations),
            "ref_x": [place * 1000.0 + 500 for place in places],
            "ref_y": 500.0,
        },
        geometry=[shapely.box(place * 1000, 0, place * 1000 + 1000, 1000) for place in places],
        crs=CRS,
    )


def grid(*cells: tuple[float, float, float]) -> gpd.GeoDataFrame:
    """Cells from the x and y of their centre and their inhabitants; identifiers follow the order given."""
    x, y, people = np.array(cells, dtype="float64").reshape(-1, 3).T
    return gpd.GeoDataFrame(
        {
            "cell": pd.array(
                [f"CRS3035RES200mN{1000000 + 200 * place}E3000000" for place in range(len(x))], dtype="str"
            ),
            "population_source": people,
            "x": x,
            "y": y,
        },
        geometry=shapely.box(x - SIDE / 2, y - SIDE / 2, x + SIDE / 2, y + SIDE / 2),
        crs=CRS,
    )


def test_two_communes_on_one_grid() -> None:
    cells = grid((100, 100, 30), (900, 100, 10), (1100, 100, 7.5), (1300, 100, 2.5))
    layer, notes = build_cells(cells, communes(41, 11))
    assert layer.columns.tolist() == COLUMNS
    assert layer["code"].tolist() == ["65001", "65001", "65002", "65002"]
    # 41 × 3/4 = 30.75 and 10.25; 11 × 3/4 = 8.25 and 2.75
    assert layer["population"].tolist() == [31, 10, 8, 3]
    assert layer["population"].dtype == "int64"
    assert layer["cell_reason"].tolist() == [""] * 4
    assert layer.crs == CRS
    assert notes[0] == f"4{NBSP}carreaux retenus, dans 2{NBSP}communes étudiées."
    assert "96,2\u202f%" in notes[1]  # 50 of 52
    assert len(notes) == 2
    check_layer(layer, CELLS)


def test_ties_go_to_the_first_identifiers() -> None:
    cells = grid(*[(100 + 200 * place, 100, 1.1) for place in range(3)])
    layer, _ = build_cells(cells.iloc[::-1], communes(5))
    assert layer["cell"].is_monotonic_increasing
    assert layer["population"].tolist() == [2, 2, 1]


def test_the_centre_decides_and_a_border_goes_to_the_studied_commune_then_the_lowest_code() -> None:
    cells = grid((999, 500, 1), (1000, 500, 1), (2000, 500, 1))
    layer, _ = build_cells(cells, communes(10, 10, 10, studied=(True, True, False)))
    assert dict(zip(layer["cell"], layer["code"], strict=True)) == dict(
        zip(cells["cell"], ["65001", "65001", "65002"], strict=True)
    )


def test_cells_that_are_not_kept_are_counted_by_place_with_their_people() -> None:
    cells = grid((500, 500, 10), (1500, 500, 12), (1600, 500, 1000), (5000, 500, 3))
    layer, notes = build_cells(cells, communes(10, 900, studied=(True, False)))
    assert layer["code"].tolist() == ["65001"]
    assert any(
        note.startswith(f"2{NBSP}carreaux non retenus dans des communes voisines") and f"1\u202f012{NBSP}hab" in note
        for note in notes
    )
    assert any(
        note.startswith(f"1{NBSP}carreau non retenu hors de toute commune") and f"3{NBSP}hab" in note for note in notes
    )


def test_a_commune_without_inhabited_cell_is_its_mairie() -> None:
    towns = communes(10, 20, 0)
    layer, notes = build_cells(grid((500, 500, 9), (1500, 500, 0)), towns)
    row = layer[layer["cell"] == "commune:65002"].iloc[0]
    assert (row["population"], row["population_source"], row["x"], row["y"]) == (20, 0.0, 1500.0, 500.0)
    assert row["cell_reason"] == NO_CELL
    assert row["geometry"].equals(shapely.box(1400, 400, 1600, 600))
    assert layer["code"].tolist() == ["65001", "65002", "65002"]
    assert layer.groupby("code")["population"].sum().tolist() == [10, 20]
    assert any(f"1{NBSP}commune peuplée sans carreau habité (Village 2)" in note for note in notes)
    check_layer(layer, CELLS)


def test_a_commune_without_position_keeps_its_people_and_says_why() -> None:
    towns = communes(10, 20)
    towns.loc[1, ["ref_x", "ref_y"]] = np.nan
    layer, _ = build_cells(grid((500, 500, 9)), towns)
    assert layer["cell_reason"].tolist() == ["", NO_CELL_NO_POSITION]
    assert layer["population"].tolist() == [10, 20]
    assert layer.geometry.is_empty.tolist() == [False, True]
    check_layer(layer, CELLS)
    layer["cell_reason"] = ""
    with pytest.raises(InputError, match="position ou motif"):
        check_layer(layer, CELLS)


@pytest.mark.parametrize("by_reason", [True, False])
def test_an_unknown_legal_population_is_not_invented(*, by_reason: bool) -> None:
    towns = communes(10, 0 if by_reason else np.nan)
    if by_reason:
        towns["population_reason"] = ["", "population légale absente"]
    layer, notes = build_cells(grid((500, 500, 9), (1500, 500, 80)), towns)
    assert layer["population"].tolist() == [10, 0]
    assert layer["cell_reason"].tolist() == ["", NO_LEGAL_POPULATION]
    assert any(f"1{NBSP}commune sans population légale (65002)" in note for note in notes)
    assert "90,0\u202f%" in notes[1]


def test_a_ratio_on_the_bound_is_plausible_and_beyond_is_said() -> None:
    towns = communes(100, 100, 100, 100, 0)
    cells = grid((500, 500, 50), (1500, 500, 200), (2500, 500, 49.5), (3500, 500, 200.5), (4500, 500, 1))
    _, notes = build_cells(cells, towns)
    (odd,) = [note for note in notes if "à vérifier" in note]
    assert odd.startswith(f"3{NBSP}communes où")
    assert "(65003, 65004 et 65005)" in odd
    _, notes = build_cells(cells, towns.head(4), plausible_ratio=(0.1, 3.0))
    assert not [note for note in notes if "à vérifier" in note]


def test_long_lists_are_shortened_and_counted() -> None:
    _, notes = build_cells(grid((500, 500, 10)), communes(*[10] * 15))
    (alone,) = [note for note in notes if "sans carreau habité" in note]
    assert f"Village 11 et {count(4, 'autre')})" in alone


def test_nothing_at_all_gives_an_empty_layer_that_holds() -> None:
    layer, notes = build_cells(grid((5000, 500, 3)), communes(0))
    assert layer.columns.tolist() == COLUMNS
    assert len(layer) == 0
    assert notes[0] == f"0{NBSP}carreau retenu, dans 0{NBSP}commune étudiée."
    check_layer(layer, CELLS)


def test_layers_of_two_crs_are_refused_and_tables_are_left_as_they_were() -> None:
    cells, towns = grid((500, 500, 10)), communes(10)
    before = cells.copy(), towns.copy()
    build_cells(cells, towns)
    pd.testing.assert_frame_equal(cells, before[0])
    pd.testing.assert_frame_equal(towns, before[1])
    with pytest.raises(ValueError, match="EPSG:3035"):
        build_cells(cells.to_crs("EPSG:3035"), towns)


@given(
    legal=st.lists(st.integers(0, 3_000_000), min_size=1, max_size=4),
    people=st.lists(
        st.tuples(st.integers(0, 3), st.floats(0, 1e8, allow_subnormal=True) | st.just(1.5)), min_size=1, max_size=40
    ),
)
def test_inhabitants_add_up_to_the_legal_population_and_follow_the_source(
    legal: list[int], people: list[tuple[int, float]]
) -> None:
    cells = grid(*[(town * 1000 + 500, 500, source) for town, source in people])
    layer, notes = build_cells(cells, communes(*legal))
    inside = layer[layer["code"].isin([f"65{place + 1:03}" for place in range(len(legal))])]
    sums = inside.groupby("code")["population"].sum()
    for place, population in enumerate(legal):
        assert sums.get(f"65{place + 1:03}", 0) == population
    kept = layer[~layer["cell"].str.startswith("commune:")]
    assert len(kept) == sum(town < len(legal) for town, _ in people)
    assert (len(kept) == len(cells)) == (not [note for note in notes if "non retenu" in note])
    for _, town in kept.groupby("code"):
        ordered = town.sort_values(["population_source", "cell"], ascending=[True, False])
        assert ordered["population"].is_monotonic_increasing
        if town["population_source"].sum() > 0:
            quota = town["population"].sum() * (town["population_source"] / town["population_source"].sum())
            assert (abs(town["population"] - quota) < 1 + 1e-6).all()


def test_a_real_cell_of_tarbes_is_in_tarbes(study_65: Study, tmp_path_factory: pytest.TempPathFactory) -> None:
    towns = study_65.communes
    path = tmp_path_factory.mktemp("cells") / "c.csv"
    path.write_text("idcar_200m,ind\nCRS3035RES200mN2289400E3515400,120\nCRS3035RES200mN2289400E3515600,80\n")
    cells, notes = read_cells(path, bounds=tuple(towns.total_bounds), crs=str(towns.crs))
    assert notes == []
    layer, notes = build_cells(cells, towns)
    there = layer[layer["code"] == "65440"]
    legal = towns.set_index("code")["population"]
    assert there["population"].sum() == legal["65440"]
    assert abs(there["population"].iloc[0] - 0.6 * legal["65440"]) <= 0.5
    alone = layer[layer["cell"].str.startswith("commune:")]
    inhabited = towns[towns["studied"] & (towns["population"] > 0)]
    assert len(alone) == len(inhabited) - 1
    assert layer["population"].sum() == inhabited["population"].sum()
    check_layer(layer, CELLS)
