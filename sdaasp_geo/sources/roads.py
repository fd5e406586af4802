"""What every reader of roads returns: a table of road sections, and a report of what was left out and why."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyproj
import shapely

from sdaasp_geo.errors import Fault, InputError
from sdaasp_geo.french import NBSP

GEODESY = pyproj.Geod(ellps="GRS80")
"""Lengths are measured on the ellipsoid, whatever the CRS of the source."""

READER_VERSION = 1
"""Changes whenever a reader would give another table of the same file and speeds: kept graphs are then rebuilt."""

COLUMNS = (
    "from_node",
    "to_node",
    "road_class",
    "name",
    "forward_kmh",
    "backward_kmh",
    "duration_min",
    "length_m",
)


@dataclass(frozen=True)
class RoadReport:
    """What a reader of roads met.

    Attributes
    ----------
    file : str
        Name of the file.
    data_date : dt.date or None
        Date of the data, where the file states it.
    records : int
        Lines of the source that are roads, ferries or paths of some kind.
    kept : int
        Those that cars may use.
    left_out : mapping of str to int
        Count of the others by reason (``footway``, ``access=private``…), sorted; ``records`` = ``kept`` + their sum.
    noticed : mapping of str to int
        What was seen and not applied, or mended: French label → count, sorted.
    """

    file: str
    data_date: dt.date | None
    records: int
    kept: int
    left_out: Mapping[str, int]
    noticed: Mapping[str, int]


def sorted_counts(counts: Mapping[str, int]) -> dict[str, int]:
    """Return counts by falling number, then by name, zeros apart."""
    return dict(sorted(((k, n) for k, n in counts.items() if n), key=lambda item: (-item[1], item[0])))


def lengths_m(lines: npt.NDArray[np.object_], crs: Any) -> npt.NDArray[np.float64]:  # noqa: ANN401 - any CRS of pyproj
    """Return the length of lines on the ellipsoid, in metres, whatever the CRS they are drawn in."""
    places, line = shapely.get_coordinates(lines, return_index=True)
    to_degrees = pyproj.Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
    lon, lat = to_degrees.transform(places[:, 0], places[:, 1])
    same = line[1:] == line[:-1]
    _, _, steps = GEODESY.inv(lon[:-1][same], lat[:-1][same], lon[1:][same], lat[1:][same])
    lengths = np.zeros(len(lines), dtype="float64")
    np.add.at(lengths, line[1:][same], steps)
    return lengths


def road_table(
    columns: Mapping[str, npt.ArrayLike], lines: npt.NDArray[np.object_], *, crs: object
) -> gpd.GeoDataFrame:
    """Put sections in the contract's order of columns and rows.

    Parameters
    ----------
    columns : mapping
        ``from_node, to_node`` (keys), ``road_class``, ``name``, ``forward_kmh``, ``backward_kmh`` (NaN: closed to
        cars), ``duration_min`` (NaN except where it replaces length / speed), ``length_m``.
    lines : ndarray of LineString
        From the first node to the second, in ``crs``.

    Returns
    -------
    GeoDataFrame
        One row per section, sorted by ``from_node, to_node, length_m``.
    """
    order = np.lexsort([np.asarray(columns[name]) for name in ("length_m", "to_node", "from_node")])
    types = {"from_node": "int64", "to_node": "int64", "road_class": "str", "name": "str"}
    table = pd.DataFrame(
        {
            name: pd.Series(np.asarray(columns[name])[order], dtype=types.get(name, "float64"))  # order is stable
            for name in COLUMNS
        }
    )
    return gpd.GeoDataFrame(table, geometry=lines[order], crs=crs)


def check_place(bounds: Sequence[float], territory: tuple[float, float, float, float] | None, *, file: str) -> None:
    """Refuse roads that do not touch the territory; both boxes are west, south, east, north in degrees.

    Raises
    ------
    InputError
        When the boxes do not meet, or the roads' box is not finite or leaves the Earth.
    """
    west, south, east, north = bounds
    finite = bool(np.isfinite(np.asarray(bounds, dtype="float64")).all())
    meets = west >= -180 and south >= -90 and east <= 180 and north <= 90  # noqa: PLR2004 - degrees of the Earth
    if meets and territory is not None:
        meets = west <= territory[2] and east >= territory[0] and south <= territory[3] and north >= territory[1]
    if finite and meets:
        return
    box = ", ".join(f"{value:.2f}" for value in bounds)
    wanted = "des longitudes et latitudes possibles"
    if territory is not None:
        wanted = f"une emprise qui touche {[round(value, 2) for value in territory]} (degrés)"
    remedy = f"Prenez l'extrait du département étudié, ou vérifiez le CRS déclaré{NBSP}: les routes sont ailleurs."
    raise InputError([Fault(file, None, "geometry", box, wanted, remedy)])
