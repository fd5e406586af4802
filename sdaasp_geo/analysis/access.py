"""Access of each commune to one service: nearest and second nearest, anywhere and inside the département."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd

from sdaasp_geo.travel.engine import Engine, Method
from sdaasp_geo.travel.nearest import nearest_places

_ORIGIN_COLUMNS = ["code", "ref_x", "ref_y", "population", "area_km2"]
IDENTITY = {
    "nom": "name",
    "commune": "commune",
    "code_commune": "commune_code",
    "epci": "epci",
    "departement": "departement",
}


def measure_access(
    communes: gpd.GeoDataFrame, points: gpd.GeoDataFrame, *, service: str, engine: Engine, surroundings: pd.DataFrame
) -> tuple[pd.DataFrame, Method]:
    """Measure the time from each commune to the nearest permanent places of a service.

    Parameters
    ----------
    communes : GeoDataFrame
        Communes to measure from (`build_communes`); the origin is the point of reference (mairie).
    points : GeoDataFrame
        Service points (`build_service_points`); only the permanent ones that have a place are considered.
    service : str
        Code of the service.
    engine : Engine
        Travel engine.
    surroundings : DataFrame
        ``code, population, area_km2`` of every commune that holds a place.

    Returns
    -------
    DataFrame
        One row per commune, in the order of ``communes``: ``code, service, time_min, low_min, high_min, reason,
        place, place_name, place_commune, place_commune_code, place_epci, place_departement``, the same with the
        prefix ``second_`` (second nearest) and ``inside_`` (nearest inside the département), and
        ``saved_min`` (minutes that crossing the border saves; 0 where the nearest is inside). With a road engine,
        ``road_reason, snap_m, road_class, road_name``: how the origin reaches the road.
    Method
        How the times were obtained.
    """
    places = service_places(points, surroundings, service=service)
    matrix = engine(pd.DataFrame(communes[_ORIGIN_COLUMNS]).reset_index(drop=True), places)
    inside = places["inside"].to_numpy(dtype=bool)
    identity = places.set_index("id")[list(IDENTITY)]
    first = _named(nearest_places(matrix), identity, prefix="")
    second = _named(nearest_places(matrix, rank=2), identity, prefix="second_")
    within = _named(nearest_places(matrix, among=inside), identity, prefix="inside_")
    table = pd.concat([first, second.drop(columns="code"), within.drop(columns="code")], axis="columns")
    table.insert(1, "service", service)
    table = table.assign(saved_min=table["inside_time_min"] - table["time_min"])
    if matrix.origin_road is not None:
        table = pd.concat([table, matrix.origin_road.drop(columns="code")], axis="columns")
    return table, matrix.method


def service_places(points: gpd.GeoDataFrame, surroundings: pd.DataFrame, *, service: str) -> pd.DataFrame:
    """Return the permanent, located places of a service, as travel engines take them."""
    usable = (points["service"] == service) & points["permanent"] & points.geometry.notna()
    points = points[usable]
    known = surroundings.set_index("code")
    return pd.DataFrame(
        {
            "id": points["id"],
            **{column: points[column] for column in IDENTITY},
            "inside": points["inside"],
            "x": points.geometry.x,
            "y": points.geometry.y,
            "commune_population": points["code_commune"].map(known["population"]),
            "commune_area_km2": points["code_commune"].map(known["area_km2"]),
        }
    ).reset_index(drop=True)


def _named(nearest: pd.DataFrame, identity: pd.DataFrame, *, prefix: str) -> pd.DataFrame:
    table = nearest.copy()
    for column, suffix in IDENTITY.items():
        table[f"place_{suffix}"] = table["place"].map(identity[column])
    return table.rename(columns={column: f"{prefix}{column}" for column in table.columns if column != "code"})


def weighted_figures(times: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Summarise times by group, weighted by inhabitants.

    The weighted quantile q is the smallest time whose cumulated weight reaches q of the group's total (the inverse of
    the weighted distribution function, without interpolation).

    Parameters
    ----------
    times : DataFrame
        ``by`` columns, ``time_min`` (NaN where not measured) and ``population`` (weight).
    by : list of str
        Columns that make the groups.

    Returns
    -------
    DataFrame
        Indexed by group: ``mean_min, median_min, p90_min, max_min``; NaN where nothing was measured or nobody lives.
    """
    groups = times[by].drop_duplicates().set_index(by).sort_index().index
    measured = times[times["time_min"].notna() & (times["population"] > 0)]
    ordered = measured.sort_values([*by, "time_min"], kind="stable")
    keys = [ordered[column] for column in by]
    weight = ordered["population"].astype("float64")
    total = weight.groupby(keys).transform("sum")
    share = weight.groupby(keys).cumsum() / total
    figures = {
        "mean_min": (ordered["time_min"] * weight / total).groupby(keys).sum(),
        "median_min": ordered["time_min"].where(share >= _reach(_MEDIAN)).groupby(keys).min(),
        "p90_min": ordered["time_min"].where(share >= _reach(_P90)).groupby(keys).min(),
        "max_min": ordered["time_min"].groupby(keys).max(),
    }
    return pd.DataFrame(figures).reindex(groups)


_MEDIAN, _P90 = 0.5, 0.9


def _reach(share: float) -> float:
    """Allow for rounding in a cumulated share: a group of equal weights must reach its exact fraction."""
    return share * (1 - 1e-12)
