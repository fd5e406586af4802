"""Zones déficitaires on a grid drawn by hand, and on the two départements."""

from __future__ import annotations

import datetime as dt

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from sdaasp_geo.analysis.zones import deficit_zones
from sdaasp_geo.layers.adjacency import contiguous_groups, shared_borders
from sdaasp_geo.parameters import Rule, read_parameters, rules_of
from sdaasp_geo.study import Measures, Study

RULES = rules_of(
    read_parameters(),
    codes=["france-services-20", "france-services-30"],
    services=["france-services"],
    date=dt.date(2026, 11, 22),
)

# Minutes on a grid of 4 × 3 squares of one kilometre, drawn from the north; NaN: not measured.
MINUTES = [
    [25.0, 31.0, 10.0, 22.0],
    [20.0, 35.0, 10.0, 20.1],
    [33.0, 10.0, 21.0, np.nan],
]


def grid() -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    rows = [
        {
            "code": f"r{row}c{column}",
            "name": f"R{row}C{column}",
            "epci": None if (row, column) == (2, 0) else f"epci{column // 2}",
            "departement": "64" if column == 3 else "65",
            "inside": column != 3,
            "population": 10**row,
            "time_min": MINUTES[row][column],
            "reason": "non mesuré" if np.isnan(MINUTES[row][column]) else "atteint",
            "geometry": shapely.box(1000 * column, -1000 * row, 1000 * (column + 1), -1000 * row + 1000),
        }
        for row in range(3)
        for column in range(4)
    ]
    layer = gpd.GeoDataFrame(rows, geometry="geometry", crs="EPSG:2154")
    return layer.drop(columns=["time_min", "reason"]), pd.DataFrame(layer[["code", "time_min", "reason"]])


def zones_of(rule: Rule) -> tuple[gpd.GeoDataFrame, dict[str, list[str]]]:
    communes, access = grid()
    layer, members = deficit_zones(communes, access, shared_borders(communes), [rule])
    return layer.set_index("zone"), {zone: codes.tolist() for zone, codes in members.groupby("zone")["code"]}


def test_contiguous_communes_beyond_20_minutes() -> None:
    layer, members = zones_of(RULES[0])
    assert members == {
        "france-services-20-z01": ["r0c0", "r0c1", "r1c1"],
        "france-services-20-z02": ["r0c3", "r1c3"],
        "france-services-20-z03": ["r2c0"],
        "france-services-20-z04": ["r2c2"],
    }
    assert layer["communes"].tolist() == [3, 2, 1, 1]
    assert layer["population"].tolist() == [12, 11, 100, 100]
    assert layer["population_inside"].tolist() == [12, 0, 100, 100]
    assert layer["epci"].tolist() == ["epci0", "epci1", "", "epci1"]
    assert layer["departements"].tolist() == ["65", "64", "65", "65"]
    assert layer["max_min"].tolist() == [35.0, 22.0, 33.0, 21.0]
    assert layer["names"].iloc[0] == "R0C0, R0C1, R1C1"
    assert layer.geometry.area.tolist() == [3e6, 2e6, 1e6, 1e6]
    assert (layer["threshold_min"] == 20.0).all()


def test_a_corner_does_not_join_and_a_higher_threshold_gives_smaller_zones() -> None:
    layer, members = zones_of(RULES[1])
    assert members == {"france-services-30-z01": ["r0c1", "r1c1"], "france-services-30-z02": ["r2c0"]}
    assert layer["population"].tolist() == [11, 100]


def test_zones_of_two_rules_stand_side_by_side() -> None:
    communes, access = grid()
    layer, members = deficit_zones(communes, access, shared_borders(communes), RULES)
    assert layer["zone"].is_unique
    assert layer.groupby("rule").size().to_dict() == {"france-services-20": 4, "france-services-30": 2}
    assert set(members["zone"]) == set(layer["zone"])


def test_the_order_of_communes_never_matters() -> None:
    communes, access = grid()
    borders = shared_borders(communes)
    one, members = deficit_zones(communes, access, borders, RULES)
    other, same = deficit_zones(communes.iloc[::-1], access.sample(frac=1, random_state=1), borders, RULES)
    columns = [name for name in one.columns if name != "geometry"]
    pd.testing.assert_frame_equal(pd.DataFrame(one[columns]), pd.DataFrame(other[columns]))
    assert one.geometry.geom_equals(other.geometry).all()
    pairs = [set(table.itertuples(index=False, name=None)) for table in (members, same)]
    assert pairs[0] == pairs[1]


def test_a_commune_without_contour_is_its_own_zone() -> None:
    communes, access = grid()
    communes.loc[communes["code"] == "r2c0", "geometry"] = None
    layer, _ = deficit_zones(communes, access, shared_borders(communes), [RULES[1]])
    assert layer["communes"].tolist() == [2, 1]
    assert layer.geometry.isna().tolist() == [False, True]


def test_nobody_beyond_gives_an_empty_layer_with_its_columns() -> None:
    communes, access = grid()
    layer, members = deficit_zones(communes, access.assign(time_min=1.0), shared_borders(communes), RULES)
    assert layer.empty
    assert layer.crs == communes.crs
    assert "population_inside" in layer.columns
    assert list(members.columns) == ["zone", "rule", "code"]


@pytest.mark.parametrize("name", ["65", "04"])
def test_real_zones_hold_exactly_the_communes_beyond(name: str, request: pytest.FixtureRequest) -> None:
    study: Study = request.getfixturevalue(f"study_{name}")
    measures: Measures = request.getfixturevalue(f"measures_{name}")
    own = measures.access[measures.access["service"] == "france-services"]
    population = study.communes.set_index("code")["population"]
    assert len(measures.zones) > 0
    for rule in study.rules:
        beyond = set(own.loc[own["time_min"] > rule.threshold_min, "code"])
        members = measures.zone_members[measures.zone_members["rule"] == rule.code]
        assert set(members["code"]) == beyond
        assert members["code"].is_unique
        zones = measures.zones[measures.zones["rule"] == rule.code]
        assert zones["population"].sum() == population.reindex(sorted(beyond)).sum()
        groups = contiguous_groups(beyond, study.borders)
        assert members.groupby("zone").size().tolist() == [
            size for _, size in sorted(pd.Series(groups, dtype="int64").value_counts().items())
        ]
    assert all(shape.geom_type == "Polygon" for shape in measures.zones.geometry)
