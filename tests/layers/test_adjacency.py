"""Shared borders and contiguity, on squares whose lengths are known and on the real border of 65."""

from __future__ import annotations

import itertools

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from sdaasp_geo.layers.adjacency import contiguous_groups, shared_borders
from sdaasp_geo.study import Study

KM = 1000.0


def layer(shapes: dict[str, shapely.Geometry | None]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame({"code": list(shapes)}, geometry=list(shapes.values()), crs="EPSG:2154")


def square(column: int, row: int) -> shapely.Polygon:
    return shapely.box(column * KM, row * KM, (column + 1) * KM, (row + 1) * KM)


def lengths(table: pd.DataFrame) -> dict[tuple[str, str], float]:
    return {(left, right): km for left, right, km in table.itertuples(index=False)}


def test_a_grid_of_four_squares_has_four_borders_of_one_kilometre() -> None:
    grid = layer({"a": square(0, 0), "b": square(1, 0), "c": square(0, 1), "d": square(1, 1)})
    assert lengths(shared_borders(grid)) == {("a", "b"): 1.0, ("a", "c"): 1.0, ("b", "d"): 1.0, ("c", "d"): 1.0}


def test_a_corner_is_not_a_border() -> None:
    assert shared_borders(layer({"a": square(0, 0), "b": square(1, 1)})).empty


def test_separate_squares_have_no_border() -> None:
    found = shared_borders(layer({"a": square(0, 0), "b": square(5, 5)}))
    assert found.empty
    assert list(found.columns) == ["left", "right", "border_km"]


def test_lengths_of_slanted_and_broken_edges() -> None:
    edge = [(3.0 * KM, 0.0), (0.0, 4.0 * KM), (1.0 * KM, 5.0 * KM)]
    left = shapely.Polygon([(-9.0 * KM, 0.0), *edge, (-9.0 * KM, 5.0 * KM)])
    right = shapely.Polygon([*edge, (9.0 * KM, 5.0 * KM), (9.0 * KM, 0.0)])
    table = shared_borders(layer({"z": right, "b": left}))
    assert lengths(table) == {("b", "z"): pytest.approx(5.0 + 2.0**0.5)}


def test_an_enclave_and_a_multipolygon_are_measured_whole() -> None:
    hole = square(1, 1)
    around = shapely.box(0, 0, 3 * KM, 3 * KM).difference(hole)
    assert lengths(shared_borders(layer({"a": around, "b": hole}))) == {("a", "b"): 4.0}
    parts = shapely.MultiPolygon([square(0, 0), square(2, 0)])
    assert lengths(shared_borders(layer({"a": parts, "b": square(1, 0)}))) == {("a", "b"): 2.0}


def test_empty_and_missing_contours_are_passed_over() -> None:
    grid = layer({"a": square(0, 0), "b": square(1, 0), "c": None, "d": shapely.Polygon()})
    assert lengths(shared_borders(grid)) == {("a", "b"): 1.0}


def test_a_commune_has_no_border_with_itself() -> None:
    parts = shapely.MultiPolygon([square(0, 0), square(1, 0)])
    assert lengths(shared_borders(layer({"a": parts, "b": square(2, 0)}))) == {("a", "b"): 1.0}


@given(st.permutations(list(itertools.product(range(3), range(3)))))
def test_borders_do_not_depend_on_the_order_of_rows(cells: list[tuple[int, int]]) -> None:
    table = shared_borders(layer({f"{column}{row}": square(column, row) for column, row in cells}))
    assert len(table) == 12
    assert (table["border_km"] == 1.0).all()
    assert (table["left"] < table["right"]).all()
    assert table[["left", "right"]].apply(tuple, axis=1).is_monotonic_increasing


def test_groups_of_contiguous_codes() -> None:
    borders = pd.DataFrame({"left": ["a", "b", "d"], "right": ["b", "c", "e"]})
    assert contiguous_groups(["e", "a", "c", "d", "f"], borders) == {"a": 1, "c": 2, "d": 3, "e": 3, "f": 4}
    assert contiguous_groups(["a", "b", "c"], borders) == {"a": 1, "b": 1, "c": 1}
    assert contiguous_groups([], borders) == {}


EDGES = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=15)


@given(EDGES, st.sets(st.integers(0, 9), min_size=1))
def test_groups_are_those_of_a_naive_walk_in_any_order(edges: list[tuple[int, int]], some: set[int]) -> None:
    codes = [str(code) for code in some]
    pairs = [(str(a), str(b)) for a, b in edges]
    found = contiguous_groups(codes, pd.DataFrame(pairs, columns=["left", "right"]))
    flipped = [(b, a) for a, b in reversed(pairs)]
    assert contiguous_groups(reversed(codes), pd.DataFrame(flipped, columns=["left", "right"])) == found
    for start in codes:
        seen, reach = {start}, [start]
        while reach:
            here = reach.pop()
            near = {b if a == here else a for a, b in pairs if here in (a, b)} & set(codes)
            reach += near - seen
            seen |= near
        assert {code for code in codes if found[code] == found[start]} == seen
    firsts = [min(code for code in codes if found[code] == number) for number in sorted(set(found.values()))]
    assert firsts == sorted(firsts)
    assert sorted(set(found.values())) == list(range(1, len(set(found.values())) + 1))


def test_the_border_of_65_is_the_sum_over_its_neighbours(study_65: Study) -> None:
    inside = study_65.communes.set_index("code")["inside"]
    borders = study_65.borders
    crossing = borders[borders["left"].map(inside).to_numpy() != borders["right"].map(inside).to_numpy()]
    outer = crossing["left"].where(~crossing["left"].map(inside), crossing["right"])
    epci = outer.map(study_65.communes.set_index("code")["epci"])
    signing = set(study_65.epci.loc[study_65.epci["role"] == "signataire", "siren"])
    own = crossing.loc[epci.isin(signing), "border_km"].sum()
    assert own > 0  # the 11 communes of CC Adour Madiran in the 64
    total = crossing["border_km"].sum()
    assert study_65.neighbours["border_km"].sum() + own == pytest.approx(total)
    by_shape = study_65.communes[study_65.communes["inside"]]
    away = study_65.communes[~study_65.communes["inside"]]
    edge = shapely.union_all(by_shape.geometry.array).boundary.intersection(
        shapely.union_all(away.geometry.array).boundary
    )
    assert total == pytest.approx(edge.length / KM, rel=1e-6)


def test_neighbours_of_65(study_65: Study) -> None:
    table = study_65.neighbours.set_index("siren")
    assert set(" ".join(table["departements"]).split()) == {"31", "32", "64", "65"}
    assert table.loc["246401756", "shared_communes"] == 2
    assert (table["shared_communes"].drop("246401756") == 0).all()
    assert (table["border_km"] > 0).all()
    assert (table["border_communes"] > 0).all()
    assert (table["border_communes"] <= table["communes"]).all()
    signing = set(study_65.epci.loc[study_65.epci["role"] == "signataire", "siren"])
    assert not signing & set(table.index)
    assert {"CC de la Vallée d'Ossau", "CC Pyrénées Haut Garonnaises", "CC Bastides et Vallons du Gers"} <= set(
        table["name"]
    )
