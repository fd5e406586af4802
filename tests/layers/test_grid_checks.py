"""What is suspicious in a grid: told with its row and what to do; what is right is left alone."""

from __future__ import annotations

import datetime as dt

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely import box

from sdaasp_geo.layers import grid_checks
from sdaasp_geo.layers.grid_checks import Known, distances_to_commune, gap_words, gaps, grid_warnings
from sdaasp_geo.sources.grid_schema import examples, grid_columns

KNOWN = Known(
    communes=pd.DataFrame({"code": ["04070", "04112", "65440"], "name": ["Digne-les-Bains", "Manosque", "Tarbes"]}),
    moves=pd.DataFrame({"code_before": ["04999"], "code_after": ["04112"], "vintage": [2019]}),
    services=["caf", "france-services", "mairie"],
)
GOOD = {field.name: examples()[field.name] for field in grid_columns()}


def warn(*rows: dict[str, str], edition: dt.date | None = None, distances: tuple[float, ...] = ()) -> pd.DataFrame:
    index = range(2, len(rows) + 2)
    table = pd.DataFrame([{**GOOD, **row} for row in rows], index=index, dtype="str")
    metres = pd.Series(distances or (0.0,) * len(rows), index=index)
    hours = {"lundi 9h-12h": "Mo 09:00-12:00"}
    return grid_warnings(table, known=KNOWN, proposed_hours=hours, distances_m=metres, edition=edition)


def test_a_right_row_raises_nothing() -> None:
    assert warn({}).empty


@pytest.mark.parametrize(
    ("row", "kind", "column", "words"),
    [
        ({"code_commune": "04999", "commune": "X"}, grid_checks.UNKNOWN_COMMUNE, "code_commune", "04112 (Manosque)"),
        ({"code_commune": "01999"}, grid_checks.UNKNOWN_COMMUNE, "code_commune", "04070 (Digne-les-Bains)"),
        ({"commune": "Tarbes"}, grid_checks.OTHER_NAME, "commune", "65440 (Tarbes)"),
        ({"lon": "", "lat": ""}, grid_checks.NO_POSITION, "lon", "carte"),
        ({"lat": ""}, grid_checks.NO_POSITION, "lat", "carte"),
        ({"horaires": "", "horaires_bruts": ""}, grid_checks.NO_HOURS, "horaires", "horaires"),
        ({"horaires": "", "horaires_bruts": "lundi 9h-12h"}, grid_checks.TEXT_HOURS, "horaires", "Mo 09:00-12:00"),
        ({"horaires": "", "horaires_bruts": "à voir"}, grid_checks.TEXT_HOURS, "horaires", "ne se lit pas"),
        ({"service": "france-service"}, grid_checks.NEW_SERVICE, "service", "france-services"),
        ({"service": "zzz"}, grid_checks.NEW_SERVICE, "service", "reste ouverte"),
        ({"nom": "=1+1"}, grid_checks.FORMULA_LIKE, "nom", "jamais calculé"),
        ({"contact": "@mairie"}, grid_checks.FORMULA_LIKE, "contact", "jamais calculé"),
    ],
)
def test_each_doubt_is_located_and_says_what_to_do(row: dict[str, str], kind: str, column: str, words: str) -> None:
    (found,) = warn({}, {"id": "b", "nom": "Autre", **row}).to_dict("records")
    assert (found["kind"], found["row"], found["column"]) == (kind, 3, column)
    assert words in found["remedy"]


@pytest.mark.parametrize("row", [{"contact": "+33 4 92 00 00 00"}, {"commune": "DIGNE LES BAINS"}, {"lon": "-0.5"}])
def test_what_only_looks_odd_is_left_alone(row: dict[str, str]) -> None:
    assert warn(row).empty


@pytest.mark.parametrize(
    ("metres", "kind"), [(0.0, None), (5000.0, None), (5001.0, grid_checks.FAR), (np.inf, grid_checks.ABROAD)]
)
def test_a_position_is_far_beyond_five_kilometres(metres: float, kind: str | None) -> None:
    assert warn({}, distances=(metres,))["kind"].tolist() == ([kind] if kind else [])


@pytest.mark.parametrize(
    ("day", "kind"),
    [
        ("2026-06-01", None),
        ("2026-06-02", grid_checks.FUTURE),
        ("2023-06-01", None),
        ("2023-05-31", grid_checks.OLD),
    ],
)
def test_dates_are_judged_from_the_edition(day: str, kind: str | None) -> None:
    found = warn({"date_maj": day}, edition=dt.date(2026, 6, 1))
    assert found["kind"].tolist() == ([kind] if kind else [])


def test_without_an_edition_the_latest_date_of_the_file_judges() -> None:
    assert warn({"date_maj": "2099-01-01"}).empty
    rows = {"date_maj": "2099-01-01"}, {"id": "b", "nom": "B", "date_maj": "2020-01-01"}
    assert warn(*rows)["kind"].tolist() == [grid_checks.OLD]


def test_a_place_under_two_identifiers_is_told_at_the_second() -> None:
    found = warn({}, {"id": "b", "nom": GOOD["nom"].upper()}, {"id": "c", "nom": "Autre"})
    assert found[["kind", "row"]].to_numpy().tolist() == [[grid_checks.TWICE, 3]]
    assert "ligne 2" in found["remedy"].iloc[0]


def test_columns_that_are_not_there_are_not_looked_at() -> None:
    table = pd.DataFrame({"id": ["a"], "nom": ["b"]}, index=[2], dtype="str")
    found = grid_warnings(table, known=KNOWN, proposed_hours={}, distances_m=pd.Series(dtype="float64"))
    assert found.empty


def test_distances_are_measured_in_the_legal_projection() -> None:
    square = gpd.GeoDataFrame({"code": ["04070"]}, geometry=[box(900_000, 6_300_000, 901_000, 6_301_000)], crs=2154)
    ends = gpd.GeoSeries(gpd.points_from_xy([900_500, 903_000], [6_300_500, 6_300_500]), crs=2154).to_crs(4326)
    lon, lat = pd.Series([*ends.x, np.nan, 12.0]), pd.Series([*ends.y, np.nan, 45.0])
    codes = pd.Series(["04070", "04070", "04070", "04112"])
    metres = distances_to_commune(lon, lat, codes, [square], boxes=[(5.0, 43.0, 7.0, 45.0)])
    assert metres.iloc[0] == 0
    assert metres.iloc[1] == pytest.approx(2000, abs=0.01)
    assert np.isnan(metres.iloc[2])
    assert np.isposinf(metres.iloc[3])


def test_an_arrondissement_is_a_known_commune() -> None:
    known = Known(
        communes=pd.DataFrame({"code": ["13055", "04112"], "name": ["Marseille", "Manosque"]}),
        moves=KNOWN.moves,
        services=KNOWN.services,
    )
    rows = [("13201", "Marseille 1er Arrondissement"), ("13201", "Manosque"), ("75101", "Paris")]
    table = pd.DataFrame(rows, columns=["code_commune", "commune"], index=[2, 3, 4], dtype="str")
    found = grid_warnings(table, known=known, proposed_hours={}, distances_m=pd.Series(dtype="float64"))
    kinds = [(3, grid_checks.OTHER_NAME), (4, grid_checks.UNKNOWN_COMMUNE)]
    assert list(zip(found["row"], found["kind"], strict=True)) == kinds
    assert "13201 est celui de" in found["remedy"].iloc[0]


def test_an_arrondissement_is_measured_to_its_commune() -> None:
    city = gpd.GeoDataFrame({"code": ["13055"]}, geometry=[box(890_000, 6_240_000, 900_000, 6_250_000)], crs=2154)
    end = gpd.GeoSeries(gpd.points_from_xy([903_000], [6_245_000]), crs=2154).to_crs(4326)
    metres = distances_to_commune(
        pd.Series(end.x), pd.Series(end.y), pd.Series(["13216"]), [city], boxes=[(5.0, 43.0, 7.0, 45.0)]
    )
    assert metres.iloc[0] == pytest.approx(3000, abs=0.01)


def test_gaps_are_what_an_operator_should_fill() -> None:
    table = pd.DataFrame(
        [{**GOOD, "accessibilite": "inconnue", "lon": "", "lat": "", "contact": ""}, GOOD], dtype="str"
    )
    marks = gaps(table)
    assert marks.columns[marks.iloc[0]].tolist() == ["lon", "lat", "accessibilite", "contact"]
    assert gap_words(marks).tolist() == ["Position, accessibilité, contact", ""]
