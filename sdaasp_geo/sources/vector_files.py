"""Layers of users: GeoPackage, Shapefile (zipped or not), GeoJSON, GeoParquet, through gates.

A file is copied and checked by its bytes (`vector_gates`); fiona, where installed, then opens the copy with the one
driver of its format enabled; pyogrio loads that same copy whole, in a coordinate system that names no other file
(`vector_crs`). Where fiona is not installed (no wheel for Python 3.14) the checks of bytes stand alone.
"""

from __future__ import annotations

import json
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import pyogrio
import pyproj
import shapely

from sdaasp_geo.errors import Fault, InputError
from sdaasp_geo.french import NBSP
from sdaasp_geo.sources.limits import UNREADABLE, check_parquet, read_parquet_table, text_columns
from sdaasp_geo.sources.vector_crs import check_declared, check_usable, stay_local, unusable
from sdaasp_geo.sources.vector_gates import DRIVERS, disguised, private_copy

_BROKEN = (*UNREADABLE, shapely.errors.ShapelyError, NameError)
"""What GDAL and its wrappers let out of a damaged layer; a bad CRS leaves a variable of pyogrio undefined."""


@dataclass(frozen=True)
class CheckedLayer:
    """A file that passed the gates.

    Attributes
    ----------
    name : str
        Name of the user's file.
    driver : str
        Driver of GDAL, or ``Parquet``.
    path : Path
        The private copy.
    """

    name: str
    driver: str
    path: Path

    @property
    def target(self) -> str:
        """What GDAL opens: of the many drivers that claim a JSON, the prefix names one."""
        return f"GeoJSON:{self.path}" if self.driver == "GeoJSON" else str(self.path)


def optional_fiona() -> Any:  # noqa: ANN401 - fiona carries no type information
    """Return fiona, or None where it is not installed."""
    try:
        import fiona  # noqa: PLC0415 - optional: no wheel for Python 3.14
    except ImportError:
        return None
    return fiona


@contextmanager
def checked(path: Path, *, fiona: Any) -> Iterator[CheckedLayer]:  # noqa: ANN401 - fiona carries no type information
    """Pass a file through the gates, and yield what may be read, for as long as the context lasts.

    PROJ may no longer use the network from then on (`vector_crs.stay_local`), in the whole program.

    Parameters
    ----------
    path : Path
        The file.
    fiona : module or None
        ``optional_fiona()``; without it, the last gate is left out.

    Raises
    ------
    InputError
        When the file is not of the format its name announces, is too large, names another source, or cannot be read
        (also by the code of the context).
    """
    stay_local()
    with tempfile.TemporaryDirectory(prefix="sdaasp-", ignore_cleanup_errors=True) as folder:
        copy = private_copy(path, Path(folder))
        driver = DRIVERS[path.suffix.lower()][0]
        fault = disguised(path.name, driver)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # GDAL tells what it mends: order of rings, dropped measures
                if fiona is not None and driver != "Parquet":
                    _open_alone(copy, driver, fault, fiona=fiona)
                yield CheckedLayer(path.name, driver, copy)
        except pyproj.exceptions.ProjError as error:
            raise InputError([unusable(path.name)]) from error
        except _BROKEN as error:
            raise InputError([fault]) from error


def _open_alone(copy: Path, driver: str, fault: Fault, *, fiona: Any) -> None:  # noqa: ANN401 - see checked
    try:
        with fiona.open(copy, enabled_drivers=[driver]):
            pass
    except fiona.errors.FionaError as error:
        raise InputError([fault]) from error


def layer_names(source: CheckedLayer) -> list[str]:
    """Return the layers of a file; a GeoParquet holds one, of the file's name."""
    if source.driver == "Parquet":
        return [source.path.stem]
    return [str(name) for name, _ in pyogrio.list_layers(source.target)]


def one_layer(source: CheckedLayer, *, layer: str, setting: str) -> str:
    """Return the layer wanted, or the only one.

    Raises
    ------
    InputError
        An unknown layer, or several layers and none named.
    """
    layers = layer_names(source)
    if (layer and layer not in layers) or (not layer and len(layers) != 1):
        remedy = f"Précisez {setting} dans scheme.toml{NBSP}: {', '.join(layers)}."
        raise InputError([Fault(source.name, None, "", layer, "une seule couche", remedy)])
    return layer or layers[0]


def field_names(source: CheckedLayer, *, layer: str) -> list[str]:
    """Return the attributes of a layer."""
    if source.driver == "Parquet":
        return [str(name) for name in check_parquet(source.path).names]
    return [str(field) for field in pyogrio.read_info(source.target, layer=layer)["fields"]]


def load_layer(
    path: Path,
    *,
    layer: str,
    setting: str,
    fiona: Any,  # noqa: ANN401 - fiona carries no type information
    columns: Sequence[str] | None = None,
) -> gpd.GeoDataFrame:
    """Load one layer, attributes in UTF-8 or cp1252.

    Parameters
    ----------
    path : Path
        The file; it passes the gates first.
    layer : str
        The layer; empty: the only one.
    setting : str
        Key of ``scheme.toml`` that names the layer, for the error's remedy.
    fiona : module or None
        ``optional_fiona()``.
    columns : sequence of str, optional
        The only attributes to load.

    Raises
    ------
    InputError
        A disguised or damaged file, an unknown layer, or several layers and none named.
    """
    with checked(path, fiona=fiona) as source:
        return read_checked(source, layer=layer, setting=setting, columns=columns)


def read_checked(
    source: CheckedLayer, *, layer: str, setting: str, columns: Sequence[str] | None = None
) -> gpd.GeoDataFrame:
    """Load one layer of a file that passed the gates, in a usable coordinate system or none; see `load_layer`."""
    if source.driver == "Parquet":
        return read_parquet(source.path)
    chosen = one_layer(source, layer=layer, setting=setting)
    check_declared(pyogrio.read_info(source.target, layer=chosen)["crs"], file=source.name)
    options = {"encoding": _undeclared_encoding(source.path)} if source.driver == "ESRI Shapefile" else {}
    frame = gpd.read_file(source.target, layer=chosen, engine="pyogrio", columns=columns, **options)
    check_usable(getattr(frame, "crs", None), file=source.name)
    return frame


def read_parquet(path: Path) -> gpd.GeoDataFrame:
    """Load the private copy of a GeoParquet.

    Raises
    ------
    InputError
        When it is not one, or its coordinate system is not usable.
    """
    table = read_parquet_table(path)
    try:
        systems = _declared(path)
        for declared in systems.values():
            check_declared(declared, file=path.name)
        text = text_columns(table, file=path.name, but=systems)
        frame = gpd.read_parquet(path)
    except pyproj.exceptions.ProjError as error:
        raise InputError([unusable(path.name)]) from error
    except _BROKEN as error:
        remedy = "Enregistrez la couche en GeoParquet ou en GeoPackage."
        raise InputError([Fault(path.name, None, "", "", "un fichier GeoParquet", remedy)]) from error
    for name in frame.columns[frame.dtypes == "geometry"]:
        check_usable(frame[name].crs, file=path.name)
    spoken = [new.name for new, old in zip(text.schema, table.schema, strict=True) if new.type != old.type]
    return frame.assign(**{name: text.column(name).to_pandas().to_numpy() for name in spoken})


def _declared(path: Path) -> dict[str, Any]:
    """Return the coordinate systems that a GeoParquet declares, as written, by column of geometry."""
    notes = (check_parquet(path).metadata or {}).get(b"geo", b'{"columns": {}}')
    columns = json.loads(notes)["columns"]
    return {str(name): dict(column).get("crs") for name, column in dict(columns).items()}


def _undeclared_encoding(shapefile: Path) -> str | None:
    """Return the encoding of a Shapefile that names none: UTF-8 if its attributes are, else cp1252."""
    table = shapefile.with_suffix(".dbf")
    if shapefile.with_suffix(".cpg").is_file() or not table.is_file():
        return None
    content = table.read_bytes()
    header_size = int.from_bytes(content[8:10], "little")
    try:
        content[header_size:].decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"
    return "UTF-8"
