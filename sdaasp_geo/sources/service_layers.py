"""Service points as a layer of points in the columns of the common grid: the position is the geometry."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from sdaasp_geo.errors import Fault, InputError
from sdaasp_geo.sources.vector_files import load_layer, optional_fiona

LAYER_SUFFIXES = (".gpkg", ".geojson")
_OWN = ("lon", "lat")
_SINGLE_BYTES = 4


def read_service_layer(path: Path) -> pd.DataFrame:
    """Read a layer of points as rows of the common grid, not yet checked.

    Parameters
    ----------
    path : Path
        GeoPackage or GeoJSON of one layer, in any CRS; a feature without geometry is a place without position.

    Returns
    -------
    DataFrame
        The attributes as text, ``lon, lat`` from the geometry (degrees WGS 84, 7 decimals, empty for none); the index
        is the row number (first feature = 2).

    Raises
    ------
    InputError
        Disguised file, several layers, CRS that is not declared or not usable, geometry that is no point: all together.
    """
    frame = load_layer(path, layer="", setting="services", fiona=optional_fiona())
    if not isinstance(frame, gpd.GeoDataFrame):
        remedy = "Donnez une couche de points, ou la grille en CSV."
        raise InputError([Fault(path.name, None, "geometry", "", "une couche de points", remedy)])
    points = single_points(frame)
    faults = layer_faults(frame, points, file=path.name)
    if faults:
        raise InputError(faults)
    placed = points.to_crs("EPSG:4326")
    attributes = pd.DataFrame(frame.drop(columns=frame.geometry.name)).drop(columns=list(_OWN), errors="ignore")
    table = pd.DataFrame({str(name): attribute_text(attributes[name]) for name in attributes.columns})
    coordinates = {"lon": placed.x, "lat": placed.y}
    texts = {
        name: values.map("{:.7f}".format).where(values.notna(), "").astype("str")
        for name, values in coordinates.items()
    }
    return table.assign(**texts).set_axis(pd.RangeIndex(2, len(table) + 2, name="row"), axis="index")


def single_points(frame: gpd.GeoDataFrame) -> gpd.GeoSeries:
    """Return the geometries of a layer, a multipoint of one part as that point, an empty one as missing."""
    shapes = frame.geometry.to_numpy()
    many = (shapely.get_type_id(shapes) == shapely.GeometryType.MULTIPOINT) & (shapely.get_num_geometries(shapes) == 1)
    found = shapes.copy()
    found[many] = shapely.get_geometry(shapes[many], 0)
    found[shapely.is_empty(found)] = None
    return gpd.GeoSeries(shapely.force_2d(found), index=frame.index, crs=frame.crs)


def layer_faults(frame: gpd.GeoDataFrame, points: gpd.GeoSeries, *, file: str) -> list[Fault]:
    """Return what keeps a layer from being points on the ground: no declared CRS, other geometries."""
    faults = []
    if frame.crs is None:
        remedy = "Enregistrez la couche avec son système de coordonnées."
        faults.append(Fault(file, None, "geometry", "", "un système de coordonnées (CRS) déclaré", remedy))
    wrong = points.notna() & (points.geom_type != "Point")
    finite = points.isna() | wrong | (points.x.abs().lt(float("inf")) & points.y.abs().lt(float("inf")))
    return faults + [
        Fault(file, rank + 2, "geometry", "", "un point", "Remplacez la géométrie par un point.")
        for rank, bad in enumerate(wrong | ~finite)
        if bad
    ]


def attribute_text(values: pd.Series) -> pd.Series:
    """Return attributes as text: whole numbers without decimals, dates as AAAA-MM-JJ, nothing for what is missing."""
    if pd.api.types.is_datetime64_any_dtype(values):
        text = values.dt.strftime("%Y-%m-%d")
    elif pd.api.types.is_float_dtype(values):
        own = "float32" if values.dtype.itemsize == _SINGLE_BYTES else "float64"
        numbers = values.to_numpy(dtype=own, na_value=np.nan)
        text = pd.Series([_number_text(number) for number in numbers], index=values.index, dtype="object")
    else:
        text = values.astype("object")
    return text.where(values.notna(), "").astype("str").str.strip()


def _number_text(value: np.floating[Any]) -> str:
    """Return a number with every digit that it has, in its own precision."""
    return f"{value + 0.0:.0f}" if value.is_integer() else str(value)
