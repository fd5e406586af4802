"""Stops against communes and service points: located as points are, counted as presence, never permanent."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from sdaasp_geo.analysis.access import service_places
from sdaasp_geo.french import NBSP
from sdaasp_geo.layers.contracts import SERVICE_POINTS, check_layer
from sdaasp_geo.layers.opening import REPEATED, STOP, UNKNOWN_VEHICLE, weekly_presence
from sdaasp_geo.layers.services import BEYOND, FAR_FROM_COMMUNE, LOST, NOT_LOCATED, UNKNOWN_COMMUNE
from sdaasp_geo.layers.stops import STOP_FORMAT, build_stops, counted_stops
from sdaasp_geo.sources.stops import STOP_COLUMNS, read_stops
from sdaasp_geo.study import Study

X0, Y0 = 460_000.0, 6_240_000.0
COMMUNES = gpd.GeoDataFrame(
    {
        "code": ["65001", "65002", "64001"],
        "name": ["Aast", "Bize", "Coarraze"],
        "departement": ["65", "65", "64"],
        "inside": [True, True, False],
        "epci": ["200000001", "200000001", "200000002"],
        "population": [100, 200, 300],
        "area_km2": [1.0, 1.0, 1.0],
        "ref_x": [X0 + 500 + 1000 * place for place in range(3)],
        "ref_y": Y0 + 500,
    },
    geometry=[shapely.box(X0 + 1000 * place, Y0, X0 + 1000 * place + 1000, Y0 + 1000) for place in range(3)],
    crs="EPSG:2154",
)
POINTS = pd.DataFrame(
    [
        ("bus", "france-services", "itinerant", "La Poste", "Mo-Fr 09:00-17:00"),
        ("bus", "msa", "itinerant", "", ""),
        ("site", "france-services", "fixe", "MSA", "Mo 09:00-12:00"),
        ("partage", "france-services", "multisite", "", "Mo-Fr 09:00-17:00"),
    ],
    columns=["id", "service", "format", "operateur", "horaires"],
    dtype="str",
).assign(horaires_bruts="")


def degrees(x: float, y: float) -> tuple[float, float]:
    point = gpd.GeoSeries([shapely.Point(x, y)], crs="EPSG:2154").to_crs("EPSG:4326").iloc[0]
    return point.x, point.y


HERE, AWAY, NOWHERE = degrees(X0 + 100, Y0 + 100), degrees(X0, Y0 + 20_000), (float("nan"), float("nan"))


def stops(*rows: tuple[str, str, str, tuple[float, float], str]) -> pd.DataFrame:
    table = pd.DataFrame(
        [
            (name, vehicle, name, code, *place, hours, "essai", "2026-01-31")
            for name, vehicle, code, place, hours in rows
        ],
        columns=list(STOP_COLUMNS),
    )
    texts = [column for column in STOP_COLUMNS if column not in {"lon", "lat"}]
    return table.astype({**dict.fromkeys(texts, "str"), "lon": "float64", "lat": "float64"})


ROUND = stops(
    ("s-1", "bus", "65001", HERE, "Tu 09:00-12:00"),
    ("s-2", "partage", "65002", NOWHERE, "week 02-52/2 We 14:00-16:30"),
    ("s-3", "partage", "64001", NOWHERE, ""),
    ("s-4", "absent", "65001", HERE, "Fr 09:00-12:00"),
    ("site", "partage", "65001", HERE, "Fr 09:00-12:00"),
)


def built(table: pd.DataFrame) -> gpd.GeoDataFrame:
    return build_stops(table, COMMUNES, POINTS)[0]


@pytest.mark.parametrize(
    ("code", "place", "reason"),
    [
        ("65001", HERE, ""),
        ("65001", AWAY, FAR_FROM_COMMUNE),
        ("65001", NOWHERE, NOT_LOCATED),
        ("65999", HERE, UNKNOWN_COMMUNE),
        ("65999", NOWHERE, LOST),
        ("31001", HERE, BEYOND),
    ],
)
def test_stops_are_located_as_service_points_are(code: str, place: tuple[float, float], reason: str) -> None:
    layer, notes = build_stops(stops(("s", "partage", code, place, "Mo 09:00-12:00")), COMMUNES, POINTS)
    assert layer["position_reason"].tolist() == [reason]
    assert layer.crs == COMMUNES.crs
    assert (layer.geometry.isna().iloc[0], layer["stop_reason"].iloc[0]) == (reason == LOST, "")
    assert len(notes) == (2 if reason else 1)
    if place is HERE:
        assert (layer.geometry.x[0], layer.geometry.y[0]) == pytest.approx((X0 + 100, Y0 + 100), abs=0.01)
    elif reason == NOT_LOCATED:
        assert layer.geometry[0].equals(shapely.Point(X0 + 500, Y0 + 500))


def test_a_stop_has_the_services_and_the_operator_of_its_vehicle() -> None:
    layer = built(ROUND)
    found = layer[["service", "id", "vehicle", "operateur", "stop_reason"]]
    assert list(found.itertuples(index=False, name=None)) == [
        ("", "s-4", "absent", "", UNKNOWN_VEHICLE),
        ("france-services", "s-1", "bus", "La Poste", ""),
        ("france-services", "s-2", "partage", "", ""),
        ("france-services", "s-3", "partage", "", ""),
        ("france-services", "site", "partage", "", REPEATED),
        ("msa", "s-1", "bus", "", ""),
    ]
    assert set(layer["format"]) == {STOP_FORMAT}
    assert not layer["permanent"].any()
    assert layer.set_index("id")["inside"].to_dict()["s-3"] is False
    assert layer["commune"].tolist() == ["Aast", "Aast", "Bize", "Coarraze", "Aast", "Aast"]


def test_reasons_are_counted_in_french_by_stop() -> None:
    _, notes = build_stops(ROUND, COMMUNES, POINTS)
    assert [note.replace(NBSP, "_") for note in notes] == [
        "Haltes_: 5_haltes, rattachées à 2_lieux de la grille.",
        "Haltes_: 1_halte sans horaires publiés.",
        f"Haltes_: 1_halte non comptée ({UNKNOWN_VEHICLE}).",
        f"Haltes_: 1_halte non comptée ({REPEATED}).",
        f"Haltes_: 2_positions à vérifier ({NOT_LOCATED}).",
    ]


def test_stops_count_as_weekly_presence_where_they_stand() -> None:
    own = POINTS[POINTS["service"] == "france-services"]
    layer = built(ROUND)
    monday = dt.date(2024, 1, 1)
    every = layer[layer["service"].isin(["france-services", ""])]
    opening = weekly_presence(own, permanent_formats=("fixe", "antenne"), monday=monday, stops=every)
    counted = counted_stops(layer, service="france-services")
    assert set(opening.places.loc[opening.places["presence"] == STOP, "place"]) == set(counted["id"])
    reasons = dict(every[["id", "stop_reason"]].itertuples(index=False, name=None))
    left_out = opening.places[(opening.places["presence"] == "") & ~opening.places["place"].isin(["bus", "partage"])]
    assert dict(left_out[["place", "reason"]].itertuples(index=False, name=None)) == {
        name: reason for name, reason in reasons.items() if reason
    }
    assert list(opening.intervals.itertuples(index=False, name=None)) == [("s-1", 1, 540, 720), ("site", 0, 540, 720)]
    assert opening.occasional[["place", "share"]].to_numpy().tolist() == [["s-2", 0.5]]
    only = weekly_presence(own, permanent_formats=("fixe", "antenne"), monday=monday, stops=counted)
    pd.testing.assert_frame_equal(only.intervals, opening.intervals)


def test_stops_are_places_for_travel_engines() -> None:
    counted = counted_stops(built(ROUND), service="france-services").assign(permanent=True)
    places = service_places(counted, pd.DataFrame(COMMUNES.drop(columns="geometry")), service="france-services")
    assert places["id"].tolist() == ["s-1", "s-2", "s-3"]
    assert places["commune_population"].tolist() == [100, 200, 300]
    assert places[["x", "y"]].notna().all(axis=None)


def test_counted_rows_satisfy_the_contract_of_service_points() -> None:
    layer = built(ROUND)
    check_layer(layer[layer["stop_reason"] == ""], SERVICE_POINTS)


@settings(max_examples=10)
@given(st.permutations(range(len(ROUND))), st.permutations(range(len(POINTS))))
def test_row_order_does_not_matter(rows: list[int], places: list[int]) -> None:
    first, notes = build_stops(ROUND, COMMUNES, POINTS)
    second, again = build_stops(ROUND.iloc[rows], COMMUNES, POINTS.iloc[places])
    pd.testing.assert_frame_equal(pd.DataFrame(first), pd.DataFrame(second))
    assert notes == again


def test_tables_given_are_not_changed_and_no_stop_gives_no_note() -> None:
    table, places = ROUND.copy(), POINTS.copy()
    build_stops(table, COMMUNES, places)
    pd.testing.assert_frame_equal(table, ROUND)
    pd.testing.assert_frame_equal(places, POINTS)
    layer, notes = build_stops(ROUND.iloc[:0], COMMUNES, POINTS)
    assert layer.empty
    assert notes == []
    assert list(layer.columns) == list(built(ROUND).columns)


def test_an_identifier_given_to_two_stops_counts_for_neither() -> None:
    twice = stops(("s", "bus", "65001", HERE, ""), ("s", "bus", "65002", NOWHERE, ""))
    assert set(built(twice)["stop_reason"]) == {REPEATED}


def test_a_fictional_round_of_a_real_bus(study_65: Study, tmp_path: Path) -> None:
    points = study_65.points
    bus = points.loc[points["format"] == "itinerant", "id"].iloc[0]
    path = tmp_path / "haltes.csv"
    path.write_text(
        "id,vehicule,nom,code_commune,lon,lat,horaires,source,date_maj\n"
        f"halte-1,{bus},Essai à Arreau,65031,,,Tu 09:00-12:00,essai,2026-01-31\n"
        f"halte-2,{bus},Essai à Tarbes,65440,0.0781,43.2329,We 14:00-18:00,essai,2026-01-31\n",
        encoding="utf-8",
    )
    layer, notes = build_stops(read_stops(path), study_65.communes, points)
    assert layer["commune"].tolist() == ["Arreau", "Tarbes"]
    assert layer["position_reason"].tolist() == [NOT_LOCATED, ""]
    assert layer["stop_reason"].tolist() == ["", ""]
    assert layer["inside"].all()
    assert layer["epci"].notna().all()
    assert set(points.columns) <= set(layer.columns)
    assert len(notes) == 2
