"""Where contours and points say they are: those far from their département, and the mistake that explains it.

Longitude and latitude exchanged, metres declared as degrees or degrees as metres, another projection: none of these
raises an error. Each is tried on what lies in the wrong place, and the first that brings it into its département is
named, with the remedy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyproj
import shapely

from sdaasp_geo.errors import Fault
from sdaasp_geo.french import NBSP, count, number
from sdaasp_geo.layers.scope import departement_of

Box = tuple[float, float, float, float]
"""West, south, east, north, in degrees."""

_DEGREES = "EPSG:4326"
_MARGIN_DEG = 0.1
"""A commune may have changed département, and boxes are those of generalised contours: about ten kilometres."""

_NAMED_CRS = {
    "EPSG:4326": "longitude et latitude en degrés (EPSG:4326)",
    "EPSG:2154": "Lambert-93 (EPSG:2154)",
    "EPSG:3857": "Web Mercator (EPSG:3857)",
    "EPSG:27572": "Lambert II étendu (EPSG:27572)",
    **{f"EPSG:{3900 + zone}": f"Lambert CC{zone} (EPSG:{3900 + zone})" for zone in range(42, 51)},
    "EPSG:5490": "RGAF09 UTM 20 N (EPSG:5490)",
    "EPSG:2972": "RGFG95 UTM 22 N (EPSG:2972)",
    "EPSG:2975": "RGR92 UTM 40 S (EPSG:2975)",
    "EPSG:4471": "RGM04 UTM 38 S (EPSG:4471)",
    **{f"EPSG:{32600 + zone}": f"UTM {zone} N (EPSG:{32600 + zone})" for zone in (30, 31, 32)},
}
_LARGEST = 1e9
"""No coordinate on the ground is that large, in degrees or metres."""


def place_text(lon: float, lat: float) -> str:
    """Write a place in degrees.

    Examples
    --------
    >>> place_text(-0.1234, 43.2).replace(NBSP, " ")
    '43,200° N, 0,123° O'
    """
    north, east = ("N" if lat >= 0 else "S"), ("E" if lon >= 0 else "O")
    return f"{number(abs(lat), digits=3)}°{NBSP}{north}, {number(abs(lon), digits=3)}°{NBSP}{east}"


def place_of(shape: shapely.Geometry, crs: object) -> str:
    """Write the place of a shape: a point of it, in degrees."""
    point = shape.representative_point()
    lon, lat = _transformer(pyproj.CRS.from_user_input(crs).to_wkt(), _DEGREES).transform(point.x, point.y)
    return place_text(lon, lat)


@cache
def _transformer(before: str, after: str) -> pyproj.Transformer:
    """Return a transformation: making one takes longer than using it."""
    return pyproj.Transformer.from_crs(before, after, always_xy=True)


def unusable_coordinates(geometry: gpd.GeoSeries) -> pd.Series:
    """Tell the geometries with a coordinate that is not a number, infinite or beyond any map (bool, same index)."""
    points, owner = shapely.get_coordinates(geometry.to_numpy(), return_index=True)
    wrong = np.zeros(len(geometry), dtype="bool")
    wrong[owner[~(np.abs(points) <= _LARGEST).all(axis=1)]] = True
    return pd.Series(wrong, index=geometry.index)


def place_faults(table: gpd.GeoDataFrame, *, boxes: Mapping[str, Box], file: str) -> list[Fault]:
    """Find the contours that are not in the département of their code.

    Parameters
    ----------
    table : GeoDataFrame
        ``code``, ``name`` and geometry with usable coordinates (`unusable_coordinates`) in the declared CRS; the index
        is the row of the file.
    boxes : mapping
        Bounds of each département in degrees; a commune of another is not looked at.
    file : str
        Name of the file, for the faults.

    Returns
    -------
    list of Fault
        One for each contour whose box leaves that of its département, a tenth of a degree apart; only one where every
        contour of the file suffers from the same mistake. The remedy names the mistake where one explains the place.
    """
    box = np.array([boxes.get(departement_of(str(code)), (np.nan,) * 4) for code in table["code"]]).reshape(-1, 4)
    bounds = table.bounds.to_numpy()
    found = _boxes_in_degrees(bounds, table.crs)
    with np.errstate(invalid="ignore"):
        apart = ~((found[:, :2] >= box[:, :2] - _MARGIN_DEG) & (found[:, 2:] <= box[:, 2:] + _MARGIN_DEG)).all(axis=1)
    wrong = apart & ~np.isnan(box).any(axis=1)
    if not wrong.any():
        return []
    centre = (bounds[wrong, :2] + bounds[wrong, 2:]) / 2
    causes = _causes(centre, box[wrong], table.crs)
    degrees = (found[wrong, :2] + found[wrong, 2:]) / 2
    if wrong.all() and len(wrong) > 1 and causes[0] and len(set(causes)) == 1:
        return [_common_fault(table, degrees[0], causes[0], file=file)]
    rows = table.index[wrong]
    return [
        _fault(file, int(row), table.loc[row], place, cause)
        for row, place, cause in zip(rows, degrees, causes, strict=True)
    ]


def swapped_or_other(lon: float, lat: float, box: Box) -> str:
    """Return the mistake that explains a position in degrees away from a box; empty where none does."""
    point = np.array([[lon, lat]])
    expected = np.array([box])
    for crs in [_DEGREES, *_NAMED_CRS]:
        raw = _transformed(point, _DEGREES, crs)
        found = _causes(raw, expected, crs)[0]
        if found:
            return found
    return ""


def _causes(points: npt.NDArray[np.float64], boxes: npt.NDArray[np.float64], declared: object) -> list[str]:
    """Return, for each point as the file gives it, the first mistake that puts it back into its box."""
    causes = [""] * len(points)
    for cause, crs, exchanged in _mistakes(declared):
        moved = _transformed(points[:, ::-1] if exchanged else points, crs, _DEGREES)
        inside = np.asarray(((moved >= boxes[:, :2]) & (moved <= boxes[:, 2:])).all(axis=1))
        causes = [known or (cause if good else "") for known, good in zip(causes, inside, strict=True)]
    return causes


def _mistakes(declared: object) -> list[tuple[str, str | object, bool]]:
    own = pyproj.CRS.from_user_input(declared)
    others = [(label, crs) for crs, label in _NAMED_CRS.items() if pyproj.CRS.from_user_input(crs) != own]
    swap = "longitude et latitude sont inversées" if own.is_geographic else "les deux coordonnées sont inversées"
    return [
        (swap, declared, True),
        *((f"ces coordonnées sont en {label}, non dans le CRS déclaré", crs, False) for label, crs in others),
        (f"ces coordonnées sont en degrés, latitude d'abord, non dans le CRS déclaré{NBSP}; inversées", _DEGREES, True),
    ]


def _boxes_in_degrees(bounds: npt.NDArray[np.float64], crs: object) -> npt.NDArray[np.float64]:
    """Return boxes in degrees, by their corners and the middles of their sides."""
    west, south, east, north = bounds.T
    x, y = (west + east) / 2, (south + north) / 2
    corners = [(a, b) for a in (west, x, east) for b in (south, y, north)]
    moved = np.stack([_transformed(np.column_stack(corner), crs, _DEGREES) for corner in corners])
    return np.hstack([moved.min(axis=0), moved.max(axis=0)])


def _transformed(points: npt.NDArray[np.float64], before: object, after: object) -> npt.NDArray[np.float64]:
    """Return points in another CRS; infinite where it does not reach them."""
    both = [pyproj.CRS.from_user_input(crs).to_wkt() for crs in (before, after)]
    return np.column_stack(_transformer(*both).transform(points[:, 0], points[:, 1]))


def _remedy(cause: str) -> str:
    if not cause:
        return "Vérifiez le code de la commune et sa géométrie."
    return f"Sans doute {cause}. Enregistrez la couche dans le bon système de coordonnées, dans le bon ordre."


def _fault(file: str, row: int, record: pd.Series, place: npt.NDArray[np.float64], cause: str) -> Fault:
    departement = departement_of(str(record["code"]))
    where = place_text(*place) if np.isfinite(place).all() else "position hors de toute carte"
    value = f"{record['code']} {record['name']} ({where})"
    return Fault(
        file, row, "geometry", value, f"un contour dans l'emprise du département {departement}", _remedy(cause)
    )


def _common_fault(table: gpd.GeoDataFrame, place: npt.NDArray[np.float64], cause: str, *, file: str) -> Fault:
    first = table.iloc[0]
    where = place_text(*place) if np.isfinite(place).all() else "position hors de toute carte"
    value = f"{count(len(table), 'contour')}, dont {first['code']} {first['name']} ({where})"
    return Fault(file, None, "geometry", value, "une emprise qui touche celle du département de chacun", _remedy(cause))


def shown(words: Sequence[str], *, most: int = 5) -> str:
    """Write the first words of a list, and whether there are more."""
    return ", ".join(words[:most]) + ("…" if len(words) > most else "")
