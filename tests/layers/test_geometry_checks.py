"""Contours of users: repaired and counted, or refused with row, place and remedy; sound ones are not touched."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from geometry_defects import DEFECTS, put
from hypothesis import given, settings
from hypothesis import strategies as st

from sdaasp_geo.errors import Fault, InputError
from sdaasp_geo.french import NBSP
from sdaasp_geo.layers.adjacency import shared_borders
from sdaasp_geo.layers.geometry_checks import (
    BITS,
    CRACK,
    DETACHED,
    DIFFERENT,
    FLAT,
    HOLE,
    IDENTICAL,
    JOINED,
    REPEATED_VERTICES,
    RINGS,
    UNITED,
    Contours,
    Limits,
    check_contours,
    repair_counts,
)
from sdaasp_geo.layers.geometry_coverage import mean_width_m
from sdaasp_geo.layers.geometry_place import place_text
from sdaasp_geo.sources import france

X, Y, KM = 460_000.0, 6_240_000.0, 1000.0
CAMPAIGN = Path(__file__).resolve().parent.parent / "campaigns" / "geometry.py"
LIMITS = Limits(area_share=0.01, join_m=1.0)
BOXES = {code: known.bounds for code, known in france.read_departements().items()}


def square(column: float, row: float) -> shapely.Polygon:
    west, south = X + column * KM, Y + row * KM
    return shapely.box(west, south, west + KM, south + KM)


def layer(shapes: list[shapely.Geometry | None], crs: str = "EPSG:2154", departement: str = "65") -> gpd.GeoDataFrame:
    codes = [f"{departement}{rank:0{5 - len(departement)}d}" for rank in range(1, len(shapes) + 1)]
    names = [f"Commune {chr(65 + rank % 26)}" for rank in range(len(shapes))]
    table = gpd.GeoDataFrame({"code": codes, "name": names}, geometry=shapes, crs=crs)
    return table.set_axis(pd.RangeIndex(2, len(shapes) + 2), axis="index")


def grid(columns: int = 3, rows: int = 3) -> gpd.GeoDataFrame:
    return layer([square(column, row) for row in range(rows) for column in range(columns)])


def checked(table: gpd.GeoDataFrame, crs: str = "EPSG:2154", limits: Limits = LIMITS, **options: object) -> Contours:
    return check_contours(table, crs=crs, boxes=BOXES, limits=limits, file="c.gpkg", **options)  # type: ignore[arg-type]


def faults_of(table: gpd.GeoDataFrame, crs: str = "EPSG:2154", **options: object) -> tuple[Fault, ...]:
    with pytest.raises(InputError) as caught:
        checked(table, crs, **options)  # type: ignore[arg-type]
    assert all(fault.file == "c.gpkg" and fault.expected and fault.remedy for fault in caught.value.faults)
    return caught.value.faults


def kinds(found: Contours) -> dict[str, list[str]]:
    return {str(kind): sorted(rows["code"]) for kind, rows in found.repairs.groupby("repair")}


def joins(found: Contours) -> bool:
    shapes = found.table.geometry.to_numpy()
    return bool(shapely.is_valid(shapes).all() and shapely.coverage_is_valid(shapes, gap_width=LIMITS.join_m))


def test_a_sound_coverage_comes_back_bit_for_bit() -> None:
    table = grid()
    found = checked(table)
    assert found.notes == ()
    assert found.repairs.empty
    assert all(one is other for one, other in zip(found.table.geometry, table.geometry, strict=True))


@pytest.mark.parametrize("departement", ["65", "974", "973", "2A"])
def test_real_contours_islands_and_enclaves_included_are_not_touched(departement: str) -> None:
    units = france.read_contours({departement})
    crs = france.find_departement(departement).crs
    table = units.rename(columns={"contour": "code"}).assign(name="x")[["code", "name", "geometry"]]
    found = checked(table, crs)
    assert found.notes == ()
    assert [shape.wkb for shape in found.table.geometry] == [shape.wkb for shape in table.geometry]
    degrees = checked(table.to_crs("EPSG:4326"), crs)
    assert degrees.notes == ()
    assert shapely.coverage_is_valid(degrees.table.geometry.to_numpy())


def test_a_loop_is_repaired_and_its_surface_said() -> None:
    corner = (X + KM, Y + KM)
    loop = [corner, (X + KM, Y + KM + 10), (X + KM + 10, Y + KM), corner]
    bow = shapely.Polygon([(X, Y), (X + KM, Y), *loop, (X, Y + KM)])
    found = checked(layer([bow]))
    assert kinds(found) == {RINGS: ["65001"]}
    assert found.table.geometry.iloc[0].area == pytest.approx(KM**2 + 50)
    (note,) = found.notes
    assert note.startswith(f"1{NBSP}contour réparé (anneaux non valides){NBSP}: 65001 Commune A")


def test_a_bow_tie_is_refused_with_both_surfaces_and_its_place() -> None:
    bow = shapely.Polygon([(X, Y), (X + KM, Y + KM), (X + KM, Y), (X, Y + KM)])
    (fault,) = faults_of(put(grid(), 4, bow))
    assert fault.row == 6
    assert fault.value.startswith("65005 Commune E")
    assert f"50,0{NBSP}ha après" in fault.value
    assert f"°{NBSP}N" in fault.value


def test_the_bound_on_surface_is_included_and_moves_with_the_parameter() -> None:
    parts = shapely.MultiPolygon([square(0, 0), shapely.box(X, Y, X + KM, Y + 10)])  # 1 % given twice
    table = layer([parts])
    before = parts.area
    share = 10 * KM / before
    assert kinds(checked(table, limits=Limits(area_share=share, join_m=1.0))) == {RINGS: ["65001"]}
    faults_of(table, limits=Limits(area_share=share * 0.999, join_m=1.0))


def test_spikes_repeated_vertices_altitudes_and_bits_are_repaired_together() -> None:
    spike = shapely.Polygon(
        [(X, Y), (X + KM, Y), (X + KM, Y + KM), (X + 500, Y + 9 * KM), (X + KM, Y + KM), (X, Y + KM)]
    )
    ring = shapely.get_coordinates(square(1, 0))
    shapes = [
        spike,
        shapely.Polygon(np.repeat(ring, 3, axis=0)),
        shapely.force_3d(square(2, 0), 812.0),
        shapely.GeometryCollection([square(3, 0), shapely.Point(X, Y)]),
    ]
    found = checked(layer(shapes))
    assert kinds(found) == {RINGS: ["65001"], REPEATED_VERTICES: ["65002"], FLAT: ["65003"], BITS: ["65004"]}
    assert [shape.equals(square(rank, 0)) for rank, shape in enumerate(found.table.geometry)] == [True] * 4
    assert not found.table.geometry.has_z.any()
    assert repair_counts(found.repairs) == {RINGS: 1, REPEATED_VERTICES: 1, FLAT: 1, BITS: 1}
    assert joins(found)


def test_every_first_fault_is_told_at_once() -> None:
    with np.errstate(invalid="ignore"):
        lost = [shapely.Polygon([(X, Y), (X + 1, value), (X, Y + 1)]) for value in (np.nan, np.inf, 1e308)]
    shapes = [None, shapely.Polygon(), shapely.Point(X, Y), square(0, 0).exterior, *lost, square(0, 0)]
    faults = faults_of(layer(shapes))
    assert [fault.row for fault in faults] == [2, 3, 4, 5, 6, 7, 8]
    assert [fault.expected for fault in faults] == ["un polygone non vide"] * 4 + ["des coordonnées finies"] * 3


def test_a_contour_without_surface_is_refused() -> None:
    flat = shapely.Polygon([(X, Y), (X + KM, Y), (X + 500, Y), (X, Y)])
    (fault,) = faults_of(put(grid(), 0, flat))
    assert "sans surface" in fault.value


def test_no_contour_at_all_is_refused() -> None:
    (fault,) = faults_of(grid().iloc[:0])
    assert "départements utiles" in fault.expected


@pytest.mark.parametrize("move_m", [1e-6, 0.01, 0.5, 0.99])
def test_narrow_gaps_and_overlaps_are_closed_and_borders_measured_whole(move_m: float) -> None:
    table = grid()
    for move in (move_m, -move_m):
        moved = put(
            table, 4, shapely.transform(table.geometry.iloc[4], lambda points, by=move: points + np.array([by, 0]))
        )
        found = checked(moved)
        assert joins(found)
        assert set(kinds(found)) == {JOINED}
        assert found.table.geometry.area.sum() == pytest.approx(9 * KM**2, rel=1e-9)
        borders = shared_borders(found.table)
        assert len(borders) == 12
        assert borders["border_km"].sum() == pytest.approx(12, abs=0.02)


def test_a_vertex_that_only_one_side_has_is_joined() -> None:
    table = grid(2, 1)
    ring = [(X, Y), (X + KM, Y), (X + KM + 0.3, Y + 400), (X + KM, Y + KM), (X, Y + KM)]
    found = checked(put(table, 0, shapely.Polygon(ring)))
    assert joins(found)
    assert shared_borders(found.table)["border_km"].tolist() == [pytest.approx(1, abs=1e-6)]


def test_a_wide_overlap_is_refused_with_both_communes_its_surface_and_its_place() -> None:
    (fault,) = faults_of(put(grid(2, 1), 0, shapely.box(X, Y, X + KM + 100, Y + KM)))
    assert fault.row == 3
    assert fault.value.startswith(f"65001 Commune A et 65002 Commune B{NBSP}: 10,0{NBSP}ha en commun, vers 43,")


def test_the_width_that_is_closed_is_included_and_moves_with_the_parameter() -> None:
    over = put(grid(2, 1), 0, shapely.box(X, Y, X + KM + 10, Y + KM))
    width = float(mean_width_m(np.array([shapely.box(0, 0, 10, KM)], dtype="object"))[0])
    assert width == pytest.approx(10 / 1.01)
    found = checked(over, limits=Limits(area_share=0.01, join_m=width))
    assert kinds(found)[JOINED]
    assert joins(found)
    faults_of(over, limits=Limits(area_share=0.01, join_m=5.0))


def test_a_hole_is_told_with_its_surface_and_its_place_and_left() -> None:
    found = checked(grid().drop(index=6))
    assert kinds(found) == {HOLE: ["65001"]}
    (note,) = found.notes
    assert note.startswith(
        f"1{NBSP}vide entre les contours des communes{NBSP}: 100,0{NBSP}ha près de Commune A, vers 43,"
    )
    assert found.repairs["area_change_m2"].tolist() == [KM**2]


def test_an_enclave_is_neither_a_hole_nor_an_overlap() -> None:
    around = shapely.box(X, Y, X + 3 * KM, Y + 3 * KM).difference(square(1, 1))
    island = shapely.MultiPolygon([square(5, 0), square(7, 0)])
    found = checked(layer([around, square(1, 1), island]))
    assert found.notes == ()
    assert shared_borders(found.table)["border_km"].tolist() == [4.0]


def test_a_gap_open_to_the_outside_is_told_under_three_tolerances() -> None:
    apart = layer([square(0, 0), shapely.box(X + KM + 2, Y, X + 2 * KM, Y + KM)])
    assert kinds(checked(apart)) == {CRACK: ["65001", "65002"]}


def test_parts_of_a_commune_are_united_and_repetitions_left_out() -> None:
    table = layer([square(0, 0), square(1, 0), square(2, 0), square(2, 0)])
    table["code"] = ["65001", "65001", "65003", "65003"]
    table["name"] = ["A", "A", "C", "C"]
    found = checked(table)
    assert kinds(found) == {UNITED: ["65001"], IDENTICAL: ["65003"]}
    assert found.table["code"].tolist() == ["65001", "65003"]
    assert found.table.geometry.area.tolist() == [2 * KM**2, KM**2]


def test_one_code_for_two_communes_or_two_contours_is_refused() -> None:
    table = layer([square(0, 0), square(1, 0), square(2, 0), square(2.5, 0)])
    table["code"] = ["65001", "65001", "65003", "65003"]
    table["name"] = ["A", "B", "C", "C"]
    faults = faults_of(table)
    assert [(fault.row, fault.column, fault.expected) for fault in faults] == [
        (3, "code", "un code unique"),
        (5, "code", "un code unique"),
    ]
    assert "A et B" in faults[0].value
    assert f"50,0{NBSP}ha en commun" in faults[1].value


@pytest.mark.parametrize(
    ("departement", "legal"), [("65", "EPSG:2154"), ("974", "EPSG:2975"), ("973", "EPSG:2972"), ("972", "EPSG:5490")]
)
@pytest.mark.parametrize(
    ("written", "declared", "words"),
    [
        ("EPSG:4326", "", "degrés"),
        ("", "EPSG:4326", "("),
        ("EPSG:3857", "", "Web Mercator"),
        ("", "EPSG:3857", "("),
        ("EPSG:4326 swapped", "EPSG:4326", "inversées"),
        (" swapped", "", "inversées"),
    ],
)
def test_a_wrong_crs_or_order_is_named(written: str, declared: str, words: str, departement: str, legal: str) -> None:
    units = france.read_contours({departement}).head(4)
    table = units.rename(columns={"contour": "code"}).assign(name="x")[["code", "name", "geometry"]]
    crs, _, swapped = written.partition(" ")
    moved = table.to_crs(crs or legal)
    if swapped:
        moved = moved.set_geometry(shapely.transform(moved.geometry.array, lambda points: points[:, ::-1]))
    (fault,) = faults_of(moved.set_crs(declared or legal, allow_override=True), legal)
    assert fault.row is None
    assert words in fault.remedy
    if not written:
        assert legal in fault.remedy


def test_one_row_elsewhere_is_refused_alone() -> None:
    table = grid()
    degrees = table.geometry.iloc[[4]].to_crs("EPSG:4326").iloc[0]
    for shape, words in (
        (degrees, "degrés"),
        (shapely.transform(table.geometry.iloc[4], lambda points: points[:, ::-1]), "inversées"),
        (shapely.box(0, 0, 1, 1), "Vérifiez le code"),
        (shapely.transform(table.geometry.iloc[4], lambda points: points - np.array([0, 3e6])), "Vérifiez le code"),
    ):
        (fault,) = faults_of(put(table, 4, shape))
        assert (fault.row, fault.value[:5]) == (6, "65005")
        assert words in fault.remedy


def test_a_vertex_at_the_origin_is_refused() -> None:
    ring = shapely.get_coordinates(square(0, 0))
    ring[2] = 0
    (fault,) = faults_of(put(grid(), 0, shapely.Polygon(ring)))
    assert fault.row == 2


def test_contours_of_another_commune_are_refused_and_large_differences_told() -> None:
    table = grid()
    exchanged = table.assign(code=[*table["code"][1::-1], *table["code"][2:]])
    first, second = faults_of(exchanged, reference=table)
    assert (first.row, second.row) == (2, 3)
    assert "recouvre surtout 65001" in first.value
    smaller = put(table, 2, shapely.box(X + 2 * KM, Y, X + 2.9 * KM, Y + KM))
    told = Limits(area_share=0.01, join_m=1.0, reference_share=0.05)
    assert kinds(checked(smaller, limits=told, reference=table))[DIFFERENT] == ["65003"]
    included = Limits(area_share=0.01, join_m=1.0, reference_share=0.1 + 1e-12)
    assert DIFFERENT not in kinds(checked(smaller, limits=included, reference=table))


def test_exchanged_contours_of_another_source_are_refused() -> None:
    table = grid(2, 1)
    line = [(X + KM - 5, Y), (X + KM + 5, Y + KM)]
    west = shapely.Polygon([(X, Y), *line, (X, Y + KM)])
    east = shapely.Polygon([line[0], (X + 2 * KM, Y), (X + 2 * KM, Y + KM), line[1]])
    drawn = table.set_geometry([west, east], crs=table.crs)
    assert checked(drawn, reference=table).notes == ()
    first, second = faults_of(drawn.assign(code=["65002", "65001"]), reference=table)
    assert "65001" in first.value.partition("recouvre")[2]
    assert "65002" in second.value.partition("recouvre")[2]


def test_the_shares_of_a_contour_of_another_commune_are_included_and_move_with_the_parameters() -> None:
    reference = grid(3, 1)
    slid = reference.iloc[[0]].set_geometry([shapely.box(X + 950, Y, X + 1950, Y + KM)], crs=reference.crs)
    assert kinds(checked(slid, reference=reference)) == {DIFFERENT: ["65001"]}
    more = Limits(area_share=0.01, join_m=1.0, own_share=0.05 + 1e-9)
    (fault,) = faults_of(slid, limits=more, reference=reference)
    assert "recouvre surtout 65002" in fault.value
    other = Limits(area_share=0.01, join_m=1.0, own_share=0.06, other_share=0.95)
    assert kinds(checked(slid, limits=other, reference=reference)) == {DIFFERENT: ["65001"]}
    less = Limits(area_share=0.01, join_m=1.0, own_share=0.06, other_share=0.95 - 1e-9)
    assert faults_of(slid, limits=less, reference=reference)


def test_a_commune_that_no_longer_touches_its_neighbours_is_told() -> None:
    table = grid(3, 1)
    apart = put(table, 2, shapely.box(X + 2 * KM + 20, Y, X + 3 * KM, Y + KM))
    assert checked(apart).notes == ()
    assert kinds(checked(apart, reference=table)) == {DETACHED: ["65003"]}


def test_places_are_written_as_the_french_do() -> None:
    assert place_text(-0.1234, 43.2) == f"43,200°{NBSP}N, 0,123°{NBSP}O"
    assert place_text(55.5, -21.1) == f"21,100°{NBSP}S, 55,500°{NBSP}E"


MOVES = st.lists(st.tuples(st.integers(0, 8), st.floats(-0.45, 0.45), st.floats(-0.45, 0.45)), max_size=4)


def jittered(moves: list[tuple[int, float, float]]) -> gpd.GeoDataFrame:
    table = grid()
    for at, dx, dy in moves:
        table = put(table, at, shapely.transform(table.geometry.iloc[at], lambda points, by=(dx, dy): points + by))
    return table


@settings(max_examples=15)
@given(MOVES)
def test_contours_moved_by_less_than_the_tolerance_join_and_keep_their_surface(
    moves: list[tuple[int, float, float]],
) -> None:
    found = checked(jittered([move for rank, move in enumerate(moves) if move[0] not in {m[0] for m in moves[:rank]}]))
    assert joins(found)
    assert found.table.geometry.area.sum() == pytest.approx(9 * KM**2, abs=12 * KM)
    assert (found.table.geometry.area - KM**2).abs().max() <= 4 * KM


@settings(max_examples=15)
@given(st.permutations(range(9)), MOVES)
def test_the_order_of_rows_changes_nothing(order: list[int], moves: list[tuple[int, float, float]]) -> None:
    table = jittered(moves[:1])
    first, second = checked(table), checked(table.iloc[list(order)].set_axis(table.index, axis="index"))
    assert first.notes == second.notes
    assert first.repairs.equals(second.repairs)
    ranked = second.table.sort_values("code")
    assert [shape.wkb for shape in first.table.geometry] == [shape.wkb for shape in ranked.geometry]


@settings(max_examples=15)
@given(MOVES)
def test_what_was_repaired_needs_no_more_repair(moves: list[tuple[int, float, float]]) -> None:
    found = checked(jittered(moves[:2]))
    again = checked(found.table)
    assert JOINED not in kinds(again)
    assert [shape.wkb for shape in again.table.geometry] == [shape.wkb for shape in found.table.geometry]


def test_a_sample_of_the_campaign_no_defect_is_silent() -> None:
    spec = importlib.util.spec_from_file_location("geometry_campaign", CAMPAIGN)
    assert spec is not None
    assert spec.loader is not None
    campaign = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(campaign)
    counts = campaign.campaign(size=len(DEFECTS), departement="65", seed=5)
    assert set(counts) == set(DEFECTS)
    assert all(set(found) <= {campaign.REPAIRED, campaign.REFUSED, campaign.TOLD} for found in counts.values())
