"""Zones déficitaires: contiguous communes beyond a threshold, with their population and the EPCI they touch."""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd
import pandas as pd
import shapely

from sdaasp_geo.layers.adjacency import contiguous_groups
from sdaasp_geo.parameters import Rule
from sdaasp_geo.travel.engine import REACHED


def deficit_zones(
    communes: gpd.GeoDataFrame, access: pd.DataFrame, borders: pd.DataFrame, rules: Sequence[Rule]
) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """Group the communes beyond each threshold into contiguous zones.

    Parameters
    ----------
    communes : GeoDataFrame
        Communes to consider: ``code, name, epci, departement, inside, population``, polygons.
    access : DataFrame
        Access to one service: ``code, time_min, reason``.
    borders : DataFrame
        Shared borders of communes.
    rules : sequence of Rule
        Rules of that service; each gives its own zones.

    Returns
    -------
    GeoDataFrame
        ``zone`` (identifier), ``service, rule, threshold_min, communes, population, population_inside, epci``
        (SIREN separated by spaces), ``departements, max_min, names``, geometry.
    DataFrame
        ``zone, rule, code``: members.
    """
    joined = communes.merge(access[["code", "time_min", "reason"]], on="code")
    zones, members = [], []
    for rule in rules:
        beyond = joined[(joined["reason"] == REACHED) & (joined["time_min"] > rule.threshold_min)]
        groups = contiguous_groups(beyond["code"], borders)
        for number, group in beyond.groupby(beyond["code"].map(groups)):
            zone = f"{rule.code}-z{int(number):02d}"
            zones.append(_zone(zone, rule, group))
            members += [{"zone": zone, "rule": rule.code, "code": code} for code in group["code"]]
    layer = gpd.GeoDataFrame(zones, columns=_COLUMNS, geometry="geometry", crs=communes.crs)
    return layer, pd.DataFrame(members, columns=["zone", "rule", "code"])


_COLUMNS = [
    *("zone", "service", "rule", "threshold_min", "communes", "population", "population_inside"),
    *("epci", "departements", "max_min", "names", "geometry"),
]


def _zone(zone: str, rule: Rule, group: gpd.GeoDataFrame) -> dict[str, object]:
    shapes = group.geometry.dropna().to_numpy()
    return {
        "zone": zone,
        "service": rule.service,
        "rule": rule.code,
        "threshold_min": rule.threshold_min,
        "communes": len(group),
        "population": int(group["population"].sum()),
        "population_inside": int(group["population"].where(group["inside"], 0).sum()),
        "epci": " ".join(sorted(set(group["epci"].dropna()))),
        "departements": " ".join(sorted(set(group["departement"]))),
        "max_min": float(group["time_min"].max()),
        "names": ", ".join(group.sort_values("code")["name"]),
        "geometry": shapely.coverage_union_all(shapes) if len(shapes) else None,
    }
