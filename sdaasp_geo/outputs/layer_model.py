"""A layer as it is published: title, typed rows under their published names, columns in French, styles, metadata."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely

from sdaasp_geo.embedded import embedded_path
from sdaasp_geo.french import NBSP, spaced

GEOMETRY = "geom"
"""Name of the geometry column in a GeoPackage and in PostGIS, the one that QGIS writes."""

_OBJECT_TYPES = {
    "boolean": "boolean",
    "integer": "Int64",
    "floating": "float64",
    "mixed-integer-float": "float64",
    "date": "datetime64[ms]",
    "datetime": "datetime64[ms]",
}
"""Types of mixed objects, as pandas names what it finds; all else is text."""

_GRID_SCHEMA = "services/grille-commune.schema.json"

POLYGON, POINT, NONE = "MultiPolygon", "Point", ""


@dataclass(frozen=True)
class Column:
    """A published column: name, French label, unit, meaning."""

    name: str
    label: str
    unit: str = ""
    meaning: str = ""

    @property
    def comment(self) -> str:
        """The column in one French sentence: label, unit, meaning."""
        unit = f" ({self.unit})" if self.unit else ""
        meaning = f"{NBSP}: {self.meaning}" if self.meaning else ""
        return f"{self.label}{unit}{meaning}"


@dataclass(frozen=True)
class LayerStyle:
    """A style of a layer: name (30 characters at most), what it shows, QML for QGIS, SLD for map servers."""

    name: str
    description: str
    qml: str
    sld: str


@dataclass(frozen=True)
class MapLayer:
    """A layer or a table to publish.

    Attributes
    ----------
    name, title, abstract : str
        Table name, and what a reader sees.
    geometry : str
        ``MultiPolygon``, ``Point``, or empty for a table.
    key : tuple of str
        Published columns that identify a row; empty: rows are numbered.
    rows : GeoDataFrame or DataFrame
        Under published names, typed (`typed_rows`); geometry in the legal CRS, in a column named ``geom``.
    columns : tuple of Column
        The columns of ``rows``, geometry apart, in their order.
    styles : tuple of LayerStyle
        The first is the one that opens.
    metadata : str
        ISO 19139 record; empty for none.
    """

    name: str
    title: str
    abstract: str
    geometry: str
    key: tuple[str, ...]
    rows: pd.DataFrame
    columns: tuple[Column, ...]
    styles: tuple[LayerStyle, ...] = ()
    metadata: str = ""

    @property
    def epsg(self) -> int:
        """EPSG code of the CRS; 0 for a table."""
        return int(self.rows.crs.to_epsg()) if isinstance(self.rows, gpd.GeoDataFrame) else 0


@cache
def _catalogue() -> dict[str, dict[str, Any]]:
    return tomllib.loads(spaced(Path(__file__).with_name("layers.toml").read_text(encoding="utf-8")))


def catalogue_entry(name: str) -> dict[str, Any]:
    """Return what `layers.toml` says of a layer: ``title, abstract, key, theme, topic``."""
    return _catalogue()[name]


@cache
def grid_columns() -> dict[str, Column]:
    """Return the columns of the common grid of service points, by name, as its published Table Schema words them."""
    schema = json.loads((embedded_path(_GRID_SCHEMA)).read_text(encoding="utf-8"))
    return {
        field["name"]: Column(field["name"], field["title"], "", spaced(field["description"]))
        for field in schema["fields"]
    }


def typed_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows whose every column has one type: text, whole number, decimal, yes or no, date.

    Columns of mixed objects (what a join leaves) find their type; numbers and yes/no take a nullable type only where
    something is missing, so that the same rows have the same types wherever they come from.
    """
    return rows.assign(**{str(name): _typed(rows[name]) for name in rows.columns if rows[name].dtype != "geometry"})


def _typed(values: pd.Series) -> pd.Series:
    if values.dtype == object:
        values = values.astype(_OBJECT_TYPES.get(pd.api.types.infer_dtype(values, skipna=True), "str"))
    missing = bool(values.isna().any())
    if pd.api.types.is_bool_dtype(values):
        return values.astype("boolean" if missing else "bool")
    if pd.api.types.is_integer_dtype(values):
        return values.astype("Int64" if missing else "int64")
    if pd.api.types.is_datetime64_any_dtype(values):
        return values.astype("datetime64[ms]")
    return values.astype("float64") if pd.api.types.is_numeric_dtype(values) else values.astype("str")


def with_geometry(rows: gpd.GeoDataFrame, *, kind: str) -> gpd.GeoDataFrame:
    """Return a layer whose geometry is its last column, named ``geom``, of one kind: polygons become multipolygons."""
    renamed = rows.rename_geometry(GEOMETRY) if rows.geometry.name != GEOMETRY else rows
    ordered = renamed[[*(name for name in renamed.columns if name != GEOMETRY), GEOMETRY]]
    if kind != POLYGON:
        return ordered
    shapes = ordered.geometry.to_numpy()
    single = shapely.get_type_id(shapes) == shapely.GeometryType.POLYGON
    many = shapes.copy()
    many[single] = shapely.multipolygons(shapes[single], indices=range(int(single.sum())))
    return ordered.set_geometry(gpd.GeoSeries(many, index=ordered.index, crs=ordered.crs, name=GEOMETRY))


def style_name(words: str, taken: Sequence[str] = ()) -> str:
    """Return a style name of at most 30 characters, the width of the column that QGIS keeps it in, and not taken."""
    limit = 30
    name = words if len(words) <= limit else f"{words[: limit - 1].rstrip()}…"
    rank = 2
    while name in taken:
        tail = f" {rank}"
        name = f"{words[: limit - len(tail)].rstrip()}{tail}"
        rank += 1
    return name
