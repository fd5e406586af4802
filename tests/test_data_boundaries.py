"""The embedded boundaries: coverage, vintages, populations, size and how fast a part is read."""

from __future__ import annotations

import csv
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import shapely

DATA = Path(__file__).resolve().parent.parent / "data"
BOUNDARIES = DATA / "boundaries"
VINTAGES = range(2019, 2027)
ZONES = {"metropole": 2154, "antilles": 5490, "guyane": 2972, "reunion": 2975, "mayotte": 4471}
MAX_BYTES = 12_000_000
RESTORED_2025 = {"15031", "15035", "15047", "15171"}
ABSORBED_2020 = {"21213", "21507", "45287"}
ISLANDS = {"22016", "29083", "29155", "85113"}


def rows(name: str) -> list[dict[str, str]]:
    """Rows of a CSV of the folder, as text."""
    with (BOUNDARIES / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def contours(zone: str, *departements: str) -> gpd.GeoDataFrame:
    """Contours of some départements of a zone."""
    wanted = [("departement", "in", list(departements))]
    return gpd.read_parquet(BOUNDARIES / f"contours_{zone}.parquet", filters=wanted)


@pytest.fixture(scope="module")
def communes() -> pd.DataFrame:
    """Communes of every vintage."""
    return pd.read_parquet(BOUNDARIES / "communes.parquet")


@pytest.fixture(scope="module")
def units() -> set[str]:
    """Codes of every contour."""
    tables = [pq.read_table(BOUNDARIES / f"contours_{zone}.parquet", columns=["contour"]) for zone in ZONES]
    codes = [code for table in tables for code in table["contour"].to_pylist()]
    assert len(codes) == len(set(codes)) == 34_971
    return set(codes)


def held(units: set[str], vintage: int) -> set[str]:
    """Communes that have a contour in a vintage, their own or by ``contour_commune.csv``."""
    linked = {
        row["contour"]: row["commune"]
        for row in rows("contour_commune.csv")
        if int(row["vintage_from"]) <= vintage <= int(row["vintage_to"])
    }
    return {linked.get(code, code) for code in units}


@pytest.mark.parametrize(
    ("zone", "departements"),
    [("metropole", ["31", "32", "64", "65"]), ("metropole", ["2A", "2B"]), ("reunion", ["974"])],
)
def test_contours_are_a_valid_coverage_in_metres(zone: str, departements: list[str]) -> None:
    found = contours(zone, *departements)
    assert set(found["departement"]) == set(departements)
    assert found.crs.to_epsg() == ZONES[zone]
    assert bool(found.is_valid.all())
    assert shapely.coverage_is_valid(found.geometry.array)
    xy = shapely.get_coordinates(found.geometry.array)
    assert np.array_equal(xy, np.rint(xy))


@pytest.mark.parametrize("zone", ZONES)
def test_every_zone_is_a_valid_coverage(zone: str) -> None:
    found = gpd.read_parquet(BOUNDARIES / f"contours_{zone}.parquet")
    assert list(found.columns) == ["contour", "departement", "geometry"]
    assert found.crs.to_epsg() == ZONES[zone]
    assert bool(found.is_valid.all())
    assert shapely.coverage_is_valid(found.geometry.array)
    assert found[["departement", "contour"]].apply(tuple, axis=1).is_monotonic_increasing


@pytest.mark.parametrize("zone", ZONES)
def test_one_row_group_for_each_departement(zone: str) -> None:
    file = pq.ParquetFile(BOUNDARIES / f"contours_{zone}.parquet")
    bounds = []
    for rank in range(file.metadata.num_row_groups):
        statistics = file.metadata.row_group(rank).column(1).statistics
        assert statistics.min == statistics.max
        bounds.append(statistics.min)
    assert bounds == sorted(row["code"] for row in rows("departements.csv") if row["zone"] == zone)


def test_row_groups_are_pruned() -> None:
    dataset = pq.ParquetDataset(
        BOUNDARIES / "contours_metropole.parquet", filters=[("departement", "in", ["64", "65"])]
    )
    (fragment,) = dataset.fragments
    assert len(fragment.subset(filter=dataset._filter_expression).row_groups) == 2  # noqa: SLF001
    file = pq.ParquetFile(BOUNDARIES / "communes.parquet")
    spans = [file.metadata.row_group(rank).column(0).statistics for rank in range(file.metadata.num_row_groups)]
    assert [(span.min, span.max) for span in spans] == [(vintage, vintage) for vintage in VINTAGES]


@pytest.mark.parametrize("vintage", VINTAGES)
def test_every_commune_has_a_contour_or_a_reason(vintage: int, communes: pd.DataFrame, units: set[str]) -> None:
    listed = {
        row["code"] for row in rows("sans_contour.csv") if int(row["vintage_from"]) <= vintage <= int(row["vintage_to"])
    }
    expected = ABSORBED_2020 if vintage == 2019 else RESTORED_2025 if vintage >= 2025 else set()
    assert listed == expected
    present = set(communes.loc[communes["vintage"] == vintage, "code"])
    assert present - held(units, vintage) == listed
    assert held(units, vintage) <= present


def test_reasons_are_complete(communes: pd.DataFrame) -> None:
    for row in rows("sans_contour.csv"):
        assert row["reason"]
        same = communes[communes["vintage"] == int(row["vintage_from"])]
        assert row["contour_of"] in set(same["code"])


def test_communes_of_each_vintage(communes: pd.DataFrame) -> None:
    count = communes.groupby("vintage")["code"].agg(["size", "nunique"])
    assert count["size"].tolist() == [34_970, 34_968, 34_965, 34_955, 34_945, 34_935, 34_875, 34_875]
    assert count["size"].tolist() == count["nunique"].tolist()
    assert (communes.loc[communes["departement"] == "65"].groupby("vintage").size() == 469).all()
    assert set(communes.loc[communes["epci"].isna(), "code"]) == ISLANDS
    assert communes[["name", "population", "population_year"]].notna().to_numpy().all()
    assert communes["departement"].nunique() == 101


def test_members_and_populations_of_the_epci_add_up(communes: pd.DataFrame) -> None:
    epci = pd.read_parquet(BOUNDARIES / "epci.parquet").set_index(["vintage", "siren"])
    found = communes.groupby(["vintage", "epci"])["population"].agg(["size", "sum"])
    found.index = found.index.set_names(["vintage", "siren"])
    found, epci = found.sort_index(), epci.sort_index()
    assert found.index.equals(epci.index)
    assert (found["size"] == epci["members"]).all()
    exact = (found["sum"] == epci["population"]).groupby("vintage").sum()
    assert exact.loc[2021:2025].tolist() == [1254, 1255, 1255, 1255, 1255]
    assert exact.loc[2020] == 1251
    assert exact.loc[2019] == 1077
    gap = ((found["sum"] - epci["population"]).abs() / epci["population"]).groupby("vintage").max()
    assert gap.loc[2019] < 0.016
    assert gap.loc[2020] < 0.005


def test_reference_years(communes: pd.DataFrame) -> None:
    usual = communes["population_year"] == communes["vintage"] - 3
    others = communes[~usual]
    mayotte = others["departement"] == "976"
    assert (others.loc[mayotte, "population_year"] == 2017).all()
    assert others[~mayotte].groupby("vintage").size().to_dict() == {2019: 239, 2020: 3, 2021: 4, 2024: 4}


def test_the_two_sources_of_epci_differ_where_known(communes: pd.DataFrame) -> None:
    second = pd.read_parquet(BOUNDARIES / "epci_second_source.parquet").set_index("code")["epci"]
    last = communes[communes["vintage"] == 2026].set_index("code")["epci"]
    assert second.index.equals(last.index)
    both = second.notna() & last.notna()
    differ = both & (second != last)
    assert int(differ.sum()) == 45
    assert second["65063"] == "200069300"
    assert last["65063"] == "200070803"
    assert int((second == "200069300").sum()) == 87
    assert communes[communes["epci"] == "200069300"].groupby("vintage").size().tolist() == [86] * 8


def test_moves() -> None:
    moves = rows("mouvements.csv")
    found = {(row["code_before"], row["code_after"]) for row in moves if row["vintage"] == "2019"}
    assert {("65092", "65092"), ("65122", "65092")} <= found
    assert not [row for row in moves if row["vintage"] != "2019" and row["code_before"].startswith("65")]
    recoded = {(r["vintage"], r["code_before"], r["code_after"]) for r in moves if r["kind"] == "changement_de_code"}
    assert ("2021", "27676", "27058") in recoded
    assert ("2023", "27058", "27676") in recoded
    assert {row["kind"] for row in moves} == {"fusion", "retablissement", "changement_de_code", "changement_de_nom"}


def test_moves_explain_every_change_of_the_list(communes: pd.DataFrame) -> None:
    lists = {vintage: set(part["code"]) for vintage, part in communes.groupby("vintage")}
    for vintage in VINTAGES[1:]:
        moves = [row for row in rows("mouvements.csv") if row["vintage"] == str(vintage)]
        gone = {row["code_before"] for row in moves if row["kind"] in {"fusion", "changement_de_code"}}
        born = {row["code_after"] for row in moves if row["kind"] in {"retablissement", "changement_de_code"}}
        assert lists[vintage - 1] - lists[vintage] <= gone
        assert lists[vintage] - lists[vintage - 1] == born


def test_departements() -> None:
    found = {row["code"]: row for row in rows("departements.csv")}
    assert len(found) == 101
    assert found["65"]["neighbours"] == "31 32 64"
    assert found["04"]["neighbours"] == "05 06 26 83 84"
    assert found["2A"]["neighbours"] == "2B"
    assert found["974"]["neighbours"] == ""
    assert found["974"]["crs"] == "EPSG:2975"
    for code, row in found.items():
        for other in row["neighbours"].split():
            assert code in found[other]["neighbours"].split()
        assert float(row["lon_min"]) < float(row["lon_max"])
        assert float(row["lat_min"]) < float(row["lat_max"])


def test_census_of_2021_is_the_legal_population_of_2021(communes: pd.DataFrame) -> None:
    # The legal populations of 2021 come from another file, the DGCL list of 2024: 230,956 and 166,077.
    census = pd.read_parquet(DATA / "population" / "recensement_2021.parquet")
    legal = communes[communes["vintage"] == 2024].groupby("departement")["population"].sum()
    for departement, total in (("65", 230_956), ("04", 166_077)):
        part = census[census["code"].str.startswith(departement)]
        assert int(legal[departement]) == total
        assert abs(int(part["pop_2021"].sum()) - total) <= 1
        ages = int(part[["age_0_19", "age_20_64", "age_65_plus"]].sum().sum())
        assert abs(ages - total) <= len(part)
    assert {"75056", "13055", "69123"} <= set(census["code"])
    assert not census["code"].str.match(r"751|132\d\d|6938").any()
    assert census["code"].is_monotonic_increasing
    listed = communes[(communes["vintage"] == 2023) & (communes["departement"] != "976")]
    assert set(census["code"]) == set(listed["code"])


def test_size() -> None:
    assert sum(path.stat().st_size for path in BOUNDARIES.rglob("*") if path.is_file()) <= MAX_BYTES
