"""Contours brought to a vintage, and the layer of communes that comes of it."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from sdaasp_geo.layers.communes import (
    NO_CONTOUR,
    NO_EPCI,
    NO_POPULATION,
    REF_CONTOUR,
    REF_MAIRIE,
    REF_NONE,
    apply_vintage,
    build_communes,
    coverage_faults,
    unmatched_shapes,
)
from sdaasp_geo.sources import france
from sdaasp_geo.study import Study

VINTAGES = range(2019, 2027)


def squares(*codes: str) -> gpd.GeoDataFrame:
    shapes = [shapely.box(1000 * i, 0, 1000 * (i + 1), 1000) for i in range(len(codes))]
    return gpd.GeoDataFrame({"contour": list(codes)}, geometry=shapes, crs="EPSG:2154")


LINKS = pd.DataFrame({"contour": ["b"], "commune": ["a"], "vintage_from": [2022], "vintage_to": [2024]})


@pytest.mark.parametrize(("vintage", "codes"), [(2021, "abc"), (2022, "ac"), (2024, "ac"), (2025, "abc")])
def test_a_merger_holds_for_its_vintages(vintage: int, codes: str) -> None:
    units = squares("a", "b", "c")
    layer = apply_vintage(units, LINKS, vintage=vintage)
    assert layer["code"].tolist() == list(codes)
    assert layer.geometry.area.sum() == units.geometry.area.sum()
    assert layer.crs == units.crs


def test_a_merged_commune_is_the_union_of_its_units() -> None:
    units = squares("a", "b", "c")
    merged = apply_vintage(units, LINKS, vintage=2023).set_index("code").geometry["a"]
    assert merged.equals(shapely.union_all(units.geometry.array[:2]))
    assert merged.geom_type == "Polygon"


@pytest.mark.parametrize("departement", ["65", "85"])
@pytest.mark.parametrize("vintage", VINTAGES)
def test_every_vintage_is_a_valid_coverage_of_its_communes(departement: str, vintage: int) -> None:
    units = france.read_contours({departement})
    layer = apply_vintage(units, france.read_contour_links(), vintage=vintage)
    membership = france.read_membership(vintage)
    own = membership[membership["departement"] == departement]
    assert layer["code"].tolist() == sorted(own["code"])
    assert unmatched_shapes(layer, own) == []
    assert shapely.coverage_is_valid(layer.geometry.array)
    assert layer.is_valid.all()
    assert layer.geometry.area.sum() == pytest.approx(units.geometry.area.sum(), rel=1e-12)


def test_the_split_of_les_essarts_gives_three_communes_from_2024() -> None:
    units = france.read_contours({"85"})
    links = france.read_contour_links()
    before = apply_vintage(units, links, vintage=2023).set_index("code").geometry
    after = apply_vintage(units, links, vintage=2024).set_index("code").geometry
    assert set(after.index) - set(before.index) == {"85165", "85212"}
    parts = after[["85084", "85165", "85212"]]
    assert before["85084"].area == pytest.approx(parts.area.sum())
    assert before["85084"].symmetric_difference(shapely.union_all(parts.array)).area == pytest.approx(0, abs=1e-6)


MEMBERSHIP = pd.DataFrame(
    {
        "code": ["65003", "65001", "64002", "65002"],
        "name": ["C", "A", "D", "B"],
        "departement": ["65", "65", "64", "65"],
        "epci": [None, "200000001", "200000001", "200000001"],
        "population": [30, 10, 40, None],
        "population_year": [2021] * 4,
    }
).astype({"epci": "str"})


def built(mairies: list[tuple[str, float, float, str]] = []) -> gpd.GeoDataFrame:  # noqa: B006 - never changed
    shapes = squares("64002", "65001", "65002").rename(columns={"contour": "code"}).set_crs("EPSG:2154")
    shapes.geometry = shapes.geometry.translate(460_000, 6_240_000)
    table = pd.DataFrame(mairies, columns=["code_commune", "lon", "lat", "precision_position"])
    return build_communes(shapes, MEMBERSHIP, table, departement="65", vintage=2024)


def test_every_commune_of_the_list_is_kept_with_its_reasons() -> None:
    layer = built().set_index("code")
    assert list(layer.index) == ["64002", "65001", "65002", "65003"]
    assert layer["inside"].tolist() == [False, True, True, True]
    assert layer["epci_reason"].tolist() == ["", "", "", NO_EPCI]
    assert layer["contour_reason"].tolist() == ["", "", "", NO_CONTOUR]
    assert layer["population_reason"].tolist() == ["", "", NO_POPULATION, ""]
    assert layer["population"].tolist() == [40, 10, 0, 30]
    assert layer["ref_source"].tolist() == [REF_CONTOUR, REF_CONTOUR, REF_CONTOUR, REF_NONE]
    assert np.isnan(layer.loc["65003", "ref_x"])
    assert layer["area_km2"].tolist()[:3] == [1.0, 1.0, 1.0]


def test_only_a_mairie_placed_at_its_address_is_a_point_of_reference() -> None:
    centre = gpd.GeoSeries([shapely.Point(461_300, 6_240_400)], crs="EPSG:2154").to_crs("EPSG:4326").iloc[0]
    layer = built([("65001", centre.x, centre.y, "adresse"), ("65002", centre.x, centre.y, "rue")]).set_index("code")
    assert layer["ref_source"].tolist() == [REF_CONTOUR, REF_MAIRIE, REF_CONTOUR, REF_NONE]
    assert (layer.loc["65001", "ref_x"], layer.loc["65001", "ref_y"]) == pytest.approx((461_300, 6_240_400), abs=0.01)
    inner = shapely.points(layer["ref_x"].iloc[[0, 2]], layer["ref_y"].iloc[[0, 2]])
    assert shapely.contains(layer.geometry.iloc[[0, 2]].array, inner).all()


def test_a_mairie_without_a_commune_contour_still_gives_a_reference() -> None:
    layer = built([("65003", 0.0, 43.2, "adresse")]).set_index("code")
    assert layer.loc["65003", "ref_source"] == REF_MAIRIE
    assert np.isfinite(layer.loc["65003", "ref_x"])
    assert layer.loc["65003", "contour_reason"] == NO_CONTOUR


def test_gaps_and_overlaps_are_found() -> None:
    layer = built()
    assert coverage_faults(layer) == []
    torn = layer.copy()
    torn.loc[torn["code"] == "65001", "geometry"] = shapely.box(461_010, 6_240_000, 462_100, 6_241_000)
    assert coverage_faults(torn) == ["65001", "65002"]


def test_every_commune_of_65_stands_at_a_point_of_its_own(study_65: Study) -> None:
    layer = study_65.communes[study_65.communes["studied"]]
    points = gpd.GeoSeries(gpd.points_from_xy(layer["ref_x"], layer["ref_y"]), crs=layer.crs, index=layer.index)
    assert layer["ref_source"].isin([REF_MAIRIE, REF_CONTOUR]).all()
    away_m = points.distance(layer.geometry)
    assert (away_m[layer["ref_source"] == REF_CONTOUR] == 0).all()
    assert (away_m > 500).sum() <= 1  # 500 m of one of several contours: the embedded one differs for one commune
    assert (away_m == 0).mean() > 0.95
