"""The layer of communes: contours of one vintage, EPCI, legal population and point of reference."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

NO_EPCI = "hors EPCI"
NO_CONTOUR = "contour absent de la source"
NO_POPULATION = "population légale absente"
REF_MAIRIE, REF_NONE = "mairie", "sans position"
REF_CONTOUR = "point intérieur du contour (mairie absente ou mal placée)"
TRUSTED = "adresse"
"""Precision of a mairie whose position can be trusted: in its commune, or at most 500 m away."""
_M2_PER_KM2 = 1e6


def apply_vintage(contours: gpd.GeoDataFrame, links: pd.DataFrame, *, vintage: int) -> gpd.GeoDataFrame:
    """Bring contour units to the communes of a vintage, by the official mergers and splits.

    Parameters
    ----------
    contours : GeoDataFrame
        ``contour`` and polygons.
    links : DataFrame
        ``contour, commune, vintage_from, vintage_to``: the commune of a unit when it is not its own.
    vintage : int
        Year (1 January).

    Returns
    -------
    GeoDataFrame
        ``code``, polygons: units of one commune are united along their shared edges, so the coverage stays valid.
    """
    current = links[(links["vintage_from"] <= vintage) & (links["vintage_to"] >= vintage)]
    moved = dict(zip(current["contour"], current["commune"], strict=True))
    codes = contours["contour"].map(lambda code: moved.get(code, code))
    shapes = {
        code: shapely.coverage_union_all(group.to_numpy()) if len(group) > 1 else group.iloc[0]
        for code, group in contours.geometry.groupby(codes.to_numpy())
    }
    return gpd.GeoDataFrame(
        {"code": pd.array(list(shapes), dtype="str")}, geometry=list(shapes.values()), crs=contours.crs
    )


def build_communes(
    shapes: gpd.GeoDataFrame, membership: pd.DataFrame, mairies: pd.DataFrame, *, departement: str, vintage: int
) -> gpd.GeoDataFrame:
    """Join contours, membership and mairies into the layer of communes.

    Parameters
    ----------
    shapes : GeoDataFrame
        ``code`` and polygons, in the legal CRS (metres).
    membership : DataFrame
        ``code, name, departement, epci, population, population_year`` of the same vintage and départements.
    mairies : DataFrame
        ``code_commune, lon, lat`` (degrees), ``precision_position``; only a mairie placed at its address (in its
        commune or at most 500 m away) is a point of reference: a wrong village would falsify every time.
    departement : str
        The scheme's département; its communes are ``inside``.

    Returns
    -------
    GeoDataFrame
        One row per commune of ``membership``, sorted by code: ``code, name, departement, inside, epci,
        epci_reason, population, population_year, population_reason, vintage, area_km2, ref_x, ref_y`` (CRS of
        the layer), ``ref_source, contour_reason``, geometry (missing where there is no contour).
    """
    table = membership.sort_values("code", ignore_index=True).merge(shapes, on="code", how="left")
    layer = gpd.GeoDataFrame(table, geometry="geometry", crs=shapes.crs)
    layer["inside"] = layer["departement"] == departement
    layer["vintage"] = vintage
    layer["epci_reason"] = np.where(layer["epci"].isna(), NO_EPCI, "")
    layer["population_reason"] = np.where(layer["population"].isna(), NO_POPULATION, "")
    layer["population"] = layer["population"].fillna(0).astype("int64")
    layer["contour_reason"] = np.where(layer.geometry.isna(), NO_CONTOUR, "")
    layer["area_km2"] = layer.geometry.area / _M2_PER_KM2
    layer = _with_reference(layer, mairies)
    columns = [
        *("code", "name", "departement", "inside", "epci", "epci_reason", "population", "population_year"),
        *("population_reason", "vintage", "area_km2", "ref_x", "ref_y", "ref_source", "contour_reason", "geometry"),
    ]
    return layer[columns]


def _with_reference(layer: gpd.GeoDataFrame, mairies: pd.DataFrame) -> gpd.GeoDataFrame:
    placed = mairies[mairies["precision_position"] == TRUSTED].dropna(subset=["lon", "lat"])
    located = placed.drop_duplicates("code_commune").set_index("code_commune")
    lon, lat = layer["code"].map(located["lon"]), layer["code"].map(located["lat"])
    points = gpd.GeoSeries(gpd.points_from_xy(lon, lat), crs="EPSG:4326", index=layer.index)
    known = (lon.notna() & lat.notna()).to_numpy()
    inner = layer.geometry.representative_point()
    if known.any():
        projected = points[known].to_crs(layer.crs)
        inner = inner.copy()
        inner.loc[projected.index] = projected
    has_point = ~(inner.isna() | inner.is_empty)
    return layer.assign(
        ref_x=inner.x.where(has_point),
        ref_y=inner.y.where(has_point),
        ref_source=np.select([known, has_point], [REF_MAIRIE, REF_CONTOUR], REF_NONE),
    )


def communes_at(points: gpd.GeoSeries, communes: gpd.GeoDataFrame) -> pd.Series:
    """Return the code of the commune that holds each point.

    Parameters
    ----------
    points : GeoSeries
        Points in the CRS of the communes, missing ones allowed.
    communes : GeoDataFrame
        ``code``, contours and, if there is one, ``studied``; in any order.

    Returns
    -------
    Series of str
        Same index; empty where no commune holds the point. A point on a border, or a corner, belongs to the studied
        commune, then to the lowest code.
    """
    ranked = communes.sort_values("code", ignore_index=True)
    if "studied" in ranked:
        ranked = ranked.sort_values("studied", ascending=False, kind="stable", ignore_index=True)
    rank, place = shapely.STRtree(points.to_numpy()).query(ranked.geometry.to_numpy(), predicate="intersects")
    first = np.full(len(points), len(ranked), dtype="int64")
    np.minimum.at(first, place, rank)
    codes = np.append(ranked["code"].to_numpy(dtype="object"), "")
    return pd.Series(codes[first], index=points.index, dtype="str")


def unmatched_shapes(shapes: gpd.GeoDataFrame, membership: pd.DataFrame) -> list[str]:
    """Return the codes of contours that are no commune of the vintage: a mixed-vintage layer."""
    return sorted(set(shapes["code"]) - set(membership["code"]))


def coverage_faults(communes: gpd.GeoDataFrame) -> list[str]:
    """Return the codes of communes whose edges do not match their neighbours' (gaps or overlaps)."""
    with_shape = communes[communes["contour_reason"] == ""]
    wrong = shapely.coverage_invalid_edges(with_shape.geometry.to_numpy())
    return sorted(with_shape["code"][~shapely.is_empty(wrong)])
