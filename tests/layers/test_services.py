"""Service points: brought to the vintage, located, attached; none is lost."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from sdaasp_geo.layers.services import (
    BEYOND,
    FAR_FROM_COMMUNE,
    LOST,
    NOT_LOCATED,
    UNKNOWN_COMMUNE,
    build_service_points,
    covered,
    current_codes,
    split_grid,
    within_reach,
)
from sdaasp_geo.sources import france
from sdaasp_geo.study import Study

X0, Y0 = 460_000.0, 6_240_000.0
MOVES = pd.DataFrame(
    {
        "vintage": [2019, 2019, 2021, 2023, 2024],
        "code_before": ["65092", "65122", "27676", "27058", "65001"],
        "code_after": ["65092", "65092", "27058", "27676", "65002"],
    }
)


def lonlat(x: float, y: float) -> tuple[float, float]:
    point = gpd.GeoSeries([shapely.Point(x, y)], crs="EPSG:2154").to_crs("EPSG:4326").iloc[0]
    return point.x, point.y


def communes() -> gpd.GeoDataFrame:
    table = {
        "code": ["65001", "65002"],
        "departement": ["65", "65"],
        "epci": ["200000001", "200000002"],
        "ref_x": [X0 + 500, np.nan],
        "ref_y": [Y0 + 500, np.nan],
    }
    shapes = [shapely.box(X0, Y0, X0 + 1000, Y0 + 1000), None]
    return gpd.GeoDataFrame(table, geometry=shapes, crs="EPSG:2154")


def grid(rows: list[tuple[str, str, float, float]]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["id", "code_commune", "lon", "lat"])
    return table.assign(service="caf", format="fixe", nom=table["id"])


def built(rows: list[tuple[str, str, float, float]]) -> gpd.GeoDataFrame:
    return build_service_points(grid(rows), communes(), permanent_formats=("fixe",), departement="65")


@pytest.mark.parametrize(
    ("code", "vintage", "known", "expected"),
    [
        ("65122", 2024, {"65092"}, "65092"),
        ("65092", 2024, {"65092"}, "65092"),
        ("65122", 2018, {"65122", "65092"}, "65122"),
        ("27676", 2022, {"27058"}, "27058"),
        ("27058", 2024, {"27676"}, "27676"),
        ("27676", 2024, {"27676"}, "27676"),
        ("99999", 2024, {"65092"}, "99999"),
        ("65001", 2024, {"65003"}, "65001"),
        ("13201", 2024, {"13055"}, "13055"),
        ("69389", 2019, {"69123"}, "69123"),
        ("75120", 2024, {"75056", "75120"}, "75120"),
        ("75101", 2024, {"65092"}, "75101"),
    ],
)
def test_codes_follow_the_mergers(code: str, vintage: int, known: set[str], expected: str) -> None:
    assert current_codes(pd.Series([code]), MOVES, known, vintage=vintage).tolist() == [expected]


def test_every_code_of_2019_leads_to_a_commune_of_2024() -> None:
    old, new = france.read_membership(2019), france.read_membership(2024)
    found = current_codes(old["code"], france.read_moves(), set(new["code"]), vintage=2024)
    assert set(found) <= set(new["code"])
    kept = old["code"].isin(set(new["code"]))
    assert found[kept].equals(old["code"][kept])
    assert (~kept).sum() > 20


def test_the_real_merger_of_65() -> None:
    known = set(france.read_membership(2024)["code"])
    codes = pd.Series(["65122", "65092", "65440"])
    assert current_codes(codes, france.read_moves(), known, vintage=2024).tolist() == ["65092", "65092", "65440"]


def test_each_row_is_kept_with_its_reason() -> None:
    lon, lat = lonlat(X0 + 100, Y0 + 100)
    far_lon, far_lat = lonlat(X0 + 30_000, Y0)
    layer = built(
        [
            ("a-placed", "65001", lon, lat),
            ("b-mairie", "65001", np.nan, np.nan),
            ("c-far", "65001", far_lon, far_lat),
            ("d-unknown", "65999", lon, lat),
            ("e-beyond", "31555", lon, lat),
            ("f-lost", "65999", np.nan, np.nan),
            ("g-no-reference", "65002", np.nan, np.nan),
            ("h-half", "65001", lon, np.nan),
        ]
    ).set_index("id")
    assert layer["position_reason"].to_dict() == {
        "a-placed": "",
        "b-mairie": NOT_LOCATED,
        "c-far": FAR_FROM_COMMUNE,
        "d-unknown": UNKNOWN_COMMUNE,
        "e-beyond": BEYOND,
        "f-lost": LOST,
        "g-no-reference": LOST,
        "h-half": NOT_LOCATED,
    }
    placed = layer.geometry["a-placed"]
    assert (placed.x, placed.y) == pytest.approx((X0 + 100, Y0 + 100), abs=0.01)
    assert layer.geometry["b-mairie"].equals(shapely.Point(X0 + 500, Y0 + 500))
    assert layer.geometry["h-half"].equals(shapely.Point(X0 + 500, Y0 + 500))
    assert layer.geometry[["f-lost", "g-no-reference"]].isna().all()
    assert layer.loc["e-beyond", "departement"] == "31"
    assert not layer.loc["e-beyond", "inside"]
    assert layer.loc["a-placed", "epci"] == "200000001"
    assert pd.isna(layer.loc["d-unknown", "epci"])


ROWS = st.tuples(
    st.sampled_from(["65001", "65002", "65999", "2A004", "97105", "31555"]),
    st.sampled_from([np.nan, 0.1, 48.0]),
    st.sampled_from([np.nan, 43.2, -20.0]),
)


@given(st.lists(ROWS, max_size=8))
def test_as_many_points_come_out_as_rows_go_in(rows: list[tuple[str, float, float]]) -> None:
    given_rows = [(f"p{number}", *row) for number, row in enumerate(rows)]
    layer = built(given_rows)
    assert sorted(layer["id"]) == sorted(row[0] for row in given_rows)
    assert (layer.geometry.notna() | (layer["position_reason"] == LOST)).all()
    assert layer["departement"].notna().all()


def test_formats_that_are_not_permanent_are_kept_apart() -> None:
    table = grid([("a", "65001", np.nan, np.nan), ("b", "65001", np.nan, np.nan)]).assign(format=["fixe", "itinerant"])
    layer = build_service_points(table, communes(), permanent_formats=("fixe",), departement="65")
    assert layer["permanent"].tolist() == [True, False]


def test_reach_drops_only_what_is_away_and_declared_away() -> None:
    near, far = lonlat(X0 + 20_000, Y0), lonlat(X0 + 200_000, Y0)
    layer = built(
        [
            ("near", "31001", *near),
            ("also", "31001", *near),
            ("far", "31001", *far),
            ("wild", "65001", *far),
            ("lost", "65999", np.nan, np.nan),
        ]
    ).set_index("id")
    kept = within_reach(layer, communes(), reach_km=60.0)
    assert kept.to_dict() == {"near": True, "also": True, "far": False, "wild": True, "lost": True}
    assert within_reach(layer, communes(), reach_km=250.0).all()


def test_the_two_nearest_places_are_kept_however_far() -> None:
    away_km = {"a": 400, "b": 200, "c": 300, "bus": 100, "tie": 300}
    layer = built([(name, "31001", *lonlat(X0 - 1000 * km, Y0 + 500)) for name, km in away_km.items()])
    layer["permanent"] = layer["id"] != "bus"
    kept = within_reach(layer, communes(), reach_km=60.0)
    assert sorted(layer.loc[kept, "id"]) == ["b", "c", "tie"]
    both = pd.concat([layer, layer.assign(service="msa")], ignore_index=True)
    assert within_reach(both, communes(), reach_km=60.0).tolist() == [*kept, *kept]
    assert within_reach(layer[:1], communes(), reach_km=60.0).all()
    nowhere = communes().assign(ref_x=np.nan, ref_y=np.nan)
    assert not within_reach(layer, nowhere, reach_km=60.0).any()


def test_a_place_of_another_shore_is_never_the_nearest() -> None:
    layer = built(
        [("reunion", "97411", 55.45, -20.88), ("corse", "2A004", 8.74, 41.92), ("mairie", "65001", *[np.nan] * 2)]
    )
    layer = layer.set_index("id")
    assert covered(layer).to_dict() == {"corse": True, "mairie": True, "reunion": False}
    kept = within_reach(layer, communes(), reach_km=60.0)
    assert kept.to_dict() == {"corse": True, "mairie": True, "reunion": False}


AWAY = st.tuples(st.integers(-300, 300), st.integers(-300, 300))


@given(st.lists(AWAY, min_size=1, max_size=12), st.integers(0, 300))
def test_what_is_left_out_is_never_one_of_the_two_nearest(away: list[tuple[int, int]], reach_km: int) -> None:
    places = gpd.GeoDataFrame(
        {"service": "caf", "permanent": True, "code_commune": "31001", "lon": 1.0, "lat": 43.0},
        index=range(len(away)),
        geometry=[shapely.Point(X0 + 1000 * x, Y0 + 1000 * y) for x, y in away],
        crs="EPSG:2154",
    )
    kept = within_reach(places, communes(), reach_km=float(reach_km))
    distance = places.distance(shapely.Point(X0 + 500, Y0 + 500))
    nearer = distance.map(lambda metres: int((distance < metres - 1e-3).sum()))
    assert kept[nearer < 2].all()
    assert not kept[(nearer >= 2) & (distance > (reach_km + 1) * 1000 * 2**0.5)].any()


def test_the_grid_splits_into_places_and_services() -> None:
    path = france.embedded_path("services/france_services.csv")
    table = pd.read_csv(path, dtype="str", keep_default_na=False)
    both = pd.concat([table.head(3), table.head(2).assign(service="caf")], ignore_index=True)
    places, services = split_grid(both)
    assert len(places) == 3
    assert len(services) == 5
    assert (
        places.merge(services, on="id")[list(table.columns)]
        .sort_values(["id", "service"])
        .reset_index(drop=True)
        .equals(both.sort_values(["id", "service"]).reset_index(drop=True))
    )


def test_every_point_of_65_has_a_commune_or_a_reason(study_65: Study) -> None:
    points = study_65.points
    known = points["code_commune"].isin(set(study_65.communes["code"]))
    assert (known | (points["position_reason"] != "")).all()
    assert points.loc[points["service"] == "france-services", "id"].is_unique
    sites = points[(points["service"] == "france-services") & points["inside"]]
    assert len(sites) == 25
    mairies = points[(points["service"] == "mairie") & points["inside"]]
    assert sorted(mairies["code_commune"]) == sorted(study_65.communes.loc[study_65.communes["inside"], "code"])
