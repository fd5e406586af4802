"""Which communes touch, and along how many kilometres: exact on a valid coverage."""

from __future__ import annotations

from collections.abc import Iterable

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

_METRES_PER_KM = 1000.0


def shared_borders(communes: gpd.GeoDataFrame) -> pd.DataFrame:
    """Measure the border shared by each pair of touching communes.

    In a valid coverage an inner edge is written by exactly two polygons, vertex for vertex: segments are
    matched by their ends, so that the length is exact and a mere corner does not count as a border.

    Parameters
    ----------
    communes : GeoDataFrame
        ``code`` and polygons of a valid coverage, in a metric CRS. Empty geometries are passed over.

    Returns
    -------
    DataFrame
        ``left, right`` (codes, ``left < right``), ``border_km``; sorted by codes.
    """
    segments, owners = _segments(communes.geometry.to_numpy())
    _, group, counts = np.unique(segments, axis=0, return_inverse=True, return_counts=True)
    group = group.reshape(-1)
    paired = counts[group] == 2  # noqa: PLR2004 - an inner edge has two owners
    order = np.argsort(group[paired], kind="stable")
    pairs = owners[paired][order].reshape(-1, 2)
    ends = segments[paired][order][::2]
    length_km = np.hypot(ends[:, 2] - ends[:, 0], ends[:, 3] - ends[:, 1]) / _METRES_PER_KM
    codes = communes["code"].to_numpy(dtype="object")
    first, second = codes[pairs[:, 0]], codes[pairs[:, 1]]
    swap = first > second
    table = pd.DataFrame(
        {
            "left": pd.array(np.where(swap, second, first), dtype="str"),
            "right": pd.array(np.where(swap, first, second), dtype="str"),
            "border_km": length_km,
        }
    )
    table = table[table["left"] != table["right"]]
    return table.groupby(["left", "right"], as_index=False, sort=True)["border_km"].sum()


def _segments(geometries: npt.NDArray[np.object_]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Return every segment as ``x0 y0 x1 y1`` with its ends in order, and the position of its polygon."""
    parts, part_owner = shapely.get_parts(geometries, return_index=True)
    rings, ring_part = shapely.get_rings(parts, return_index=True)
    points, point_ring = shapely.get_coordinates(rings, return_index=True)
    same_ring = point_ring[1:] == point_ring[:-1]
    start, end = points[:-1][same_ring], points[1:][same_ring]
    later = (start[:, 0] > end[:, 0]) | ((start[:, 0] == end[:, 0]) & (start[:, 1] > end[:, 1]))
    segments = np.where(later[:, None], np.hstack([end, start]), np.hstack([start, end]))
    return segments, part_owner[ring_part[point_ring[:-1][same_ring]]]


def contiguous_groups(codes: Iterable[str], borders: pd.DataFrame) -> dict[str, int]:
    """Give a number to the groups of contiguous communes among some codes.

    Parameters
    ----------
    codes : iterable of str
        The communes to group.
    borders : DataFrame
        Pairs of touching communes (`shared_borders`).

    Returns
    -------
    dict
        Group of each code; groups are numbered from 1 in the order of their lowest code.
    """
    wanted = sorted(set(codes))
    parent = {code: code for code in wanted}

    def root(code: str) -> str:
        while parent[code] != code:
            parent[code] = parent[parent[code]]
            code = parent[code]
        return code

    for left, right in borders[["left", "right"]].itertuples(index=False):
        if left in parent and right in parent:
            low, high = sorted((root(left), root(right)))
            parent[high] = low
    roots = list(dict.fromkeys(root(code) for code in wanted))
    return {code: roots.index(root(code)) + 1 for code in wanted}
