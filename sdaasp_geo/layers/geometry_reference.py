"""Contours of users beside those of a reference: another commune's contour is refused, a large difference is told."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from sdaasp_geo.errors import Fault
from sdaasp_geo.french import NBSP
from sdaasp_geo.layers.adjacency import shared_borders
from sdaasp_geo.layers.geometry_place import place_of

_DETACHED = 0.5
"""Another source draws a border shorter or longer by a fifth; below half of its length it is not the same border."""


def detached(table: gpd.GeoDataFrame, reference: gpd.GeoDataFrame) -> list[str]:
    """Return the codes whose borders with the others of the table are under half of those of the reference.

    Both are valid coverages, ``code`` and polygons in a metric CRS; codes that only one of them has are passed over.
    """
    common = set(table["code"]) & set(reference["code"])
    own, true = (
        _border_lengths(layer[layer["code"].isin(common)].reset_index(drop=True)) for layer in (table, reference)
    )
    return sorted(true.index[own.reindex(true.index, fill_value=0.0) < _DETACHED * true])


def _border_lengths(layer: gpd.GeoDataFrame) -> pd.Series:
    borders = shared_borders(layer)
    sides = [borders.set_index(side)["border_km"] for side in ("left", "right")]
    return pd.concat(sides).groupby(level=0).sum()


def differences(table: gpd.GeoDataFrame, reference: gpd.GeoDataFrame) -> pd.Series:
    """Return how far each contour is from the reference of its code.

    Parameters
    ----------
    table, reference : GeoDataFrame
        ``code`` and valid polygons in the same metric CRS, one row per code.

    Returns
    -------
    Series of float
        Index of ``table``: the surface that only one of the two covers, over the surface that either covers (0: the
        same, 1: nothing in common); missing where the reference has no such code.
    """
    areas = _areas(table, reference)
    own, other, common = (areas[name] for name in ("own_m2", "other_m2", "common_m2"))
    return 1 - common / (own + other - common)


def _areas(table: gpd.GeoDataFrame, reference: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return the surface of each contour, of the reference of its code, and of what both cover; missing without it."""
    known = reference.set_index("code").geometry
    there = table["code"].isin(known.index)
    own = table.geometry[there].to_numpy()
    other = known.loc[table.loc[there, "code"]].to_numpy()
    figures = {
        "own_m2": shapely.area(own),
        "other_m2": shapely.area(other),
        "common_m2": shapely.area(shapely.intersection(own, other)),
    }
    return pd.DataFrame(figures, index=table.index[there], dtype="float64").reindex(table.index)


def stranger_faults(
    table: gpd.GeoDataFrame, reference: gpd.GeoDataFrame, *, other_share: float, own_share: float, file: str
) -> list[Fault]:
    """Find the contours that are those of other communes, and name these.

    Parameters
    ----------
    table, reference : GeoDataFrame
        See `differences`; ``table`` also has ``name``, and the row of the file as its index.
    other_share : float
        Greatest share of a contour that another commune of the reference may cover, included (0 to 1).
    own_share : float
        Least share of a contour that the commune of its code covers, included (0 to 1).
    file : str
        Name of the file, for the faults.

    Returns
    -------
    list of Fault
        One for each contour that shares nothing with the reference of its code, or that is under ``own_share`` where
        another commune is over ``other_share``.
    """
    areas = _areas(table, reference)
    owned = areas["common_m2"] / areas["own_m2"]
    little = table.index[(owned == 0) | (owned < own_share)]
    tree = shapely.STRtree(reference.geometry.to_numpy())
    codes = reference["code"].to_numpy(dtype="object")
    faults = []
    for row in little:
        shape = table.geometry[row]
        near = np.sort(tree.query(shape, predicate="intersects"))
        common = shapely.area(shapely.intersection(reference.geometry.to_numpy()[near], shape))
        if owned[row] > 0 and not (common / shape.area > other_share).any():
            continue
        found = f"{NBSP}; il recouvre surtout {codes[near[int(np.argmax(common))]]}" if len(near) else ""
        value = f"{table.loc[row, 'code']} {table.loc[row, 'name']}, vers {place_of(shape, table.crs)}{found}"
        remedy = "Corrigez le code ou le contour."
        faults.append(Fault(file, int(row), "code", value, "le contour de la commune de ce code", remedy))
    return faults
