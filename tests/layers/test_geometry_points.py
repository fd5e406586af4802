"""Points on borders, at sea, abroad, nowhere: each has one commune or a reason, and is named with its distance."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from sdaasp_geo.french import NBSP
from sdaasp_geo.layers.communes import communes_at
from sdaasp_geo.layers.services import (
    FAR_FROM_COMMUNE,
    NOT_LOCATED,
    OUTSIDE,
    build_service_points,
    place_notes,
)
from sdaasp_geo.sources import france

KM = 1000.0
CORNERS = {"EPSG:2154": (460_000.0, 6_240_000.0), "EPSG:2975": (340_000.0, 7_650_000.0), "EPSG:2972": (300_000.0, 5e5)}


def communes(crs: str = "EPSG:2154") -> gpd.GeoDataFrame:
    """Four squares of a kilometre; only the south-eastern one is studied."""
    x, y = CORNERS[crs]
    spots = {"65001": (0, 0), "65002": (1, 0), "65003": (0, 1), "65004": (1, 1)}
    shapes = [shapely.box(x + i * KM, y + j * KM, x + (i + 1) * KM, y + (j + 1) * KM) for i, j in spots.values()]
    table = {"code": list(spots), "departement": "65", "epci": "1", "studied": [code == "65002" for code in spots]}
    points = {"ref_x": [x + 500.0] * 4, "ref_y": [y + 500.0] * 4}
    return gpd.GeoDataFrame({**table, **points}, geometry=shapes, crs=crs)


def at(places: list[tuple[float, float]], crs: str = "EPSG:2154") -> gpd.GeoSeries:
    x, y = CORNERS[crs]
    return gpd.GeoSeries([shapely.Point(x + a * KM, y + b * KM) for a, b in places], crs=crs)


@pytest.mark.parametrize("crs", CORNERS)
def test_a_point_on_a_border_is_in_the_studied_commune_then_in_the_lowest_code(crs: str) -> None:
    places = [(0.5, 0.5), (1, 0.5), (0.5, 1), (1.5, 1), (1, 1), (1, 1.5), (0, 0), (2.001, 0.5)]
    found = communes_at(at(places, crs), communes(crs))
    assert found.tolist() == ["65001", "65002", "65001", "65002", "65002", "65003", "65001", ""]


def test_without_studied_communes_the_lowest_code_has_the_border() -> None:
    assert communes_at(at([(1, 0.5), (1, 1)]), communes().drop(columns="studied")).tolist() == ["65001", "65001"]


def test_a_missing_point_is_in_no_commune() -> None:
    assert communes_at(gpd.GeoSeries([None, shapely.Point()], crs="EPSG:2154"), communes()).tolist() == ["", ""]


@settings(max_examples=20)
@given(
    st.permutations(range(4)),
    st.lists(st.tuples(st.sampled_from([-1, 0, 0.5, 1, 1.5, 2]), st.sampled_from([0, 0.5, 1, 2])), min_size=1),
)
def test_the_order_of_communes_changes_nothing(order: list[int], places: list[tuple[float, float]]) -> None:
    layer = communes()
    assert communes_at(at(places), layer).equals(communes_at(at(places), layer.iloc[list(order)]))


def test_every_vertex_of_real_contours_has_one_commune() -> None:
    units = france.read_contours({"974"}).rename(columns={"contour": "code"})
    vertices = gpd.GeoSeries(shapely.points(shapely.get_coordinates(units.geometry.array)), crs=units.crs)
    found = communes_at(vertices, units)
    assert (found != "").all()
    owners = np.repeat(units["code"].to_numpy(), shapely.get_num_coordinates(units.geometry.array))
    assert (found.to_numpy() <= owners).all()


def built(places: list[tuple[float, float]], crs: str = "EPSG:2154") -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Service points of the first commune, at places in degrees."""
    table = pd.DataFrame(places, columns=["lon", "lat"]).assign(service="caf", format="fixe", code_commune="65001")
    table["id"] = [f"p{rank}" for rank in range(len(places))]
    layer = communes(crs)
    named = table.assign(nom="Accueil " + table["id"])
    return build_service_points(named, layer, permanent_formats=("fixe",), departement="65"), layer


def degrees(a: float, b: float, crs: str = "EPSG:2154") -> tuple[float, float]:
    x, y = CORNERS[crs]
    lon, lat = pyproj.Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(x + a * KM, y + b * KM)
    return lon, lat


@pytest.mark.parametrize("crs", CORNERS)
def test_a_point_at_sea_is_kept_with_its_reason_and_its_distance(crs: str) -> None:
    places = [degrees(-0.4, 0.5, crs), degrees(-0.009, 0.5, crs), degrees(-0.011, 0.5, crs), degrees(1.5, 0.5, crs)]
    points, layer = built(places, crs)
    assert points["position_reason"].tolist() == [OUTSIDE, "", OUTSIDE, ""]
    assert points.geometry.notna().all()
    (note,) = place_notes(points, layer)
    assert note.startswith(
        f"Position hors de toute commune (mer, lac ou étranger), à vérifier{NBSP}: Accueil p0 (p0), "
    )
    assert f"à 0,4{NBSP}km de 65001" in note


def test_a_point_far_away_is_named_with_the_mistake_that_explains_it() -> None:
    lon, lat = degrees(0.5, 0.5)
    x, y = CORNERS["EPSG:2154"]
    as_metres = pyproj.Transformer.from_crs("EPSG:2154", "EPSG:4326", always_xy=True).transform(lon, lat)
    as_mercator = pyproj.Transformer.from_crs("EPSG:3857", "EPSG:4326", always_xy=True).transform(x, y)
    points, layer = built([(lat, lon), as_metres, as_mercator, (2.35, 48.85)])
    assert points["position_reason"].tolist() == [FAR_FROM_COMMUNE] * 4
    (note,) = place_notes(points, layer)
    swapped, metres, mercator, paris = note.split(" ; ")
    assert "longitude et latitude sont inversées" in swapped
    assert "en degrés (EPSG:4326)" in metres
    assert "Lambert-93 (EPSG:2154)" in mercator
    assert "sans doute" not in paris


@pytest.mark.parametrize("place", [(0.0, 0.0), (0.0, -90.0), (np.nan, 43.2)])
def test_coordinates_that_are_no_place_give_the_point_of_reference(place: tuple[float, float]) -> None:
    points, layer = built([place])
    assert points["position_reason"].tolist() == [NOT_LOCATED]
    assert points.geometry.iloc[0].equals(shapely.Point(layer["ref_x"].iloc[0], layer["ref_y"].iloc[0]))
    assert place_notes(points, layer) == []


@pytest.mark.parametrize("place", [(180.0, 43.0), (-180.0, -45.0), (179.999, 0.0), (0.0, 90.0)])
def test_the_antimeridian_and_the_pole_are_far_or_no_place(place: tuple[float, float]) -> None:
    points, layer = built([place])
    assert points["position_reason"].iloc[0] in {FAR_FROM_COMMUNE, NOT_LOCATED}
    assert np.isfinite([points.geometry.x.iloc[0], points.geometry.y.iloc[0]]).all()
    assert len(place_notes(points, layer)) == int(points["position_reason"].iloc[0] == FAR_FROM_COMMUNE)


def test_two_places_at_one_point_are_both_kept() -> None:
    points, layer = built([degrees(0.5, 0.5)] * 2)
    assert len(points) == 2
    assert place_notes(points, layer) == []
