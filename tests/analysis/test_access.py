"""Access of each commune, and times weighted by inhabitants."""

from __future__ import annotations

import math

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from sdaasp_geo.analysis.access import measure_access, weighted_figures
from sdaasp_geo.travel.engine import NOT_MEASURED, REACHED, Method, TimeMatrix
from sdaasp_geo.travel.nearest import NO_PLACE

METHOD = Method(code="essai", label="essai", estimate=True, description="", source="")


def crow(origins: pd.DataFrame, places: pd.DataFrame) -> TimeMatrix:
    """An engine for the tests: one minute per kilometre, as the crow flies."""
    apart = np.hypot(
        origins["ref_x"].to_numpy()[:, None] - places["x"].to_numpy(),
        origins["ref_y"].to_numpy()[:, None] - places["y"].to_numpy(),
    )
    time_min = apart / 1000
    reason = np.where(np.isfinite(time_min), REACHED, NOT_MEASURED)
    return TimeMatrix(origins, places, time_min, 0.9 * time_min, 1.1 * time_min, reason, METHOD)


COMMUNES = gpd.GeoDataFrame(
    {
        "code": ["65001", "65002", "65003"],
        "ref_x": [0.0, 10_000.0, np.nan],
        "ref_y": 0.0,
        "population": [100, 200, 300],
        "area_km2": 1.0,
    },
    geometry=[shapely.box(0, 0, 1, 1)] * 3,
    crs="EPSG:2154",
)
SURROUNDINGS = pd.DataFrame(COMMUNES[["code", "population", "area_km2"]])


def point(
    name: str, x: float, *, service: str = "caf", departement: str = "65", permanent: bool = True
) -> dict[str, object]:
    return {
        "id": name,
        "nom": f"Lieu {name}",
        "service": service,
        "commune": f"Ville {name}",
        "code_commune": f"{departement}001",
        "epci": "200000001",
        "departement": departement,
        "inside": departement == "65",
        "permanent": permanent,
        "geometry": None if math.isnan(x) else shapely.Point(x, 0),
    }


def points(*rows: dict[str, object]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(list(rows), geometry="geometry", crs="EPSG:2154")


def access(*rows: dict[str, object]) -> pd.DataFrame:
    table, method = measure_access(COMMUNES, points(*rows), service="caf", engine=crow, surroundings=SURROUNDINGS)
    assert method == METHOD
    assert table["code"].tolist() == COMMUNES["code"].tolist()
    return table.set_index("code")


def test_nearest_second_and_nearest_inside_with_their_identity() -> None:
    table = access(point("a", 12_000, departement="64"), point("b", 30_000), point("c", 40_000))
    first = table.loc["65002"]
    assert first[["place", "second_place", "inside_place"]].tolist() == ["a", "b", "b"]
    assert first[["time_min", "second_time_min", "inside_time_min", "saved_min"]].tolist() == [2.0, 20.0, 20.0, 18.0]
    assert first[["place_name", "place_commune", "place_departement"]].tolist() == ["Lieu a", "Ville a", "64"]
    assert first[["inside_place_departement", "inside_place_epci"]].tolist() == ["65", "200000001"]
    assert first[["low_min", "high_min"]].tolist() == pytest.approx([1.8, 2.2])


def test_nothing_is_saved_where_the_nearest_is_inside() -> None:
    assert access(point("a", 12_000), point("b", 0, departement="64"))["saved_min"].tolist()[:2] == [12.0, 0.0]


def test_only_permanent_located_places_of_the_service_count() -> None:
    table = access(
        point("a", 10_000, permanent=False), point("b", 10_000, service="msa"), point("c", math.nan), point("d", 50_000)
    )
    assert table.loc["65002", "place"] == "d"
    assert table.loc["65002", "second_reason"] == NO_PLACE


def test_a_commune_without_reference_is_kept_and_not_measured() -> None:
    table = access(point("a", 0))
    assert table.loc["65003", "reason"] == NOT_MEASURED
    assert pd.isna(table.loc["65003", "place"])
    assert pd.isna(table.loc["65003", "place_name"])
    assert math.isnan(table.loc["65003", "time_min"])


def test_a_service_without_any_place_is_said_for_every_commune() -> None:
    table = access(point("a", 0, service="msa"))
    assert table["reason"].tolist() == [NO_PLACE] * 3
    assert table["time_min"].isna().all()


def test_a_place_outside_the_departement_alone() -> None:
    table = access(point("a", 0, departement="64"))
    assert table.loc["65001", ["reason", "inside_reason"]].tolist() == [REACHED, NO_PLACE]
    assert math.isnan(table.loc["65001", "saved_min"])


@given(st.lists(st.integers(-50, 50), min_size=1, max_size=5, unique=True), st.integers(-50, 50))
def test_adding_a_place_never_lengthens_a_time(xs: list[int], more: int) -> None:
    rows = [point(f"p{x}", 1000.0 * x) for x in xs]
    before, after = access(*rows), access(*rows, point("zz", 1000.0 * more))
    for column in ("time_min", "second_time_min", "inside_time_min"):
        assert (after[column].fillna(np.inf) <= before[column].fillna(np.inf)).all()


@given(st.permutations(range(5)))
def test_the_order_of_points_never_matters(order: list[int]) -> None:
    rows = [point(f"p{i}", 4000.0 * i, departement="64" if i % 2 else "65") for i in range(5)]
    pd.testing.assert_frame_equal(access(*rows), access(*(rows[i] for i in order)))


PEOPLE = st.lists(
    st.tuples(st.sampled_from("ab"), st.one_of(st.just(math.nan), st.integers(0, 60)), st.integers(0, 9)), min_size=1
)


@given(PEOPLE)
def test_weighted_figures_are_those_of_every_inhabitant_counted_one_by_one(rows: list[tuple[str, float, int]]) -> None:
    table = pd.DataFrame(rows, columns=["group", "time_min", "population"]).astype({"time_min": "float64"})
    found = weighted_figures(table, ["group"])
    assert list(found.index) == sorted(set(table["group"]))
    for group, own in table.groupby("group"):
        times = sorted(
            time
            for time, people in zip(own["time_min"], own["population"], strict=True)
            for _ in range(people)
            if not math.isnan(time)
        )
        row = found.loc[group]
        if not times:
            assert row.isna().all()
            continue
        assert row["mean_min"] == pytest.approx(np.mean(times))
        assert row["median_min"] == times[math.ceil(len(times) / 2) - 1]
        assert row["p90_min"] == times[-(-9 * len(times) // 10) - 1]
        assert row["max_min"] == times[-1]


def test_a_large_group_of_equal_weights_reaches_its_exact_fraction() -> None:
    table = pd.DataFrame({"group": "a", "time_min": np.arange(1, 1001, dtype="float64"), "population": 7})
    row = weighted_figures(table, ["group"]).loc["a"]
    assert row[["median_min", "p90_min"]].tolist() == [500.0, 900.0]


@pytest.mark.parametrize("weight", [0.1, 0.3, 0.7, 1 / 3])
@pytest.mark.parametrize("size", [6, 10, 20, 30, 50])
def test_weights_with_decimals_do_not_move_a_quantile(weight: float, size: int) -> None:
    table = pd.DataFrame({"group": "a", "time_min": np.arange(1.0, size + 1), "population": weight})
    assert weighted_figures(table, ["group"]).loc["a", "median_min"] == size / 2
