"""Layers of users: GeoPackage, Shapefile (zipped or not), GeoJSON, GeoParquet, through gates.

GDAL recognises a format by content: a file named ``communes.geojson`` may be a virtual dataset that reads other
files or calls a server. So a file passes three gates before it is loaded: its first bytes are those of the
format its name announces; a zip is neither a bomb nor holds paths that climb; and fiona, where installed, opens
it with that one driver enabled. pyogrio then loads it whole.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import pyarrow as pa
import pyogrio

from sdaasp_geo.errors import Fault, InputError
from sdaasp_geo.french import NBSP

_DRIVERS = {
    ".gpkg": ("GPKG", (b"SQLite format 3\x00",)),
    ".shp": ("ESRI Shapefile", (b"\x00\x00\x27\x0a",)),
    ".zip": ("ESRI Shapefile", (b"PK\x03\x04",)),
    ".geojson": ("GeoJSON", (b"{", b"\xef\xbb\xbf{")),
    ".json": ("GeoJSON", (b"{", b"\xef\xbb\xbf{")),
    ".parquet": ("Parquet", (b"PAR1",)),
    ".geoparquet": ("Parquet", (b"PAR1",)),
}
_ZIP_TOTAL, _ZIP_RATIO = 2_000_000_000, 200
_GEOJSON_TYPES = {"FeatureCollection", "Feature"}
_COMMAND = b"gdal_streamed_alg"
"""Mark of a file of commands for GDAL; a key given twice could hide it from a JSON reader."""


def optional_fiona() -> Any:  # noqa: ANN401 - fiona carries no type information
    """Return fiona, or None where it is not installed."""
    try:
        import fiona  # noqa: PLC0415 - optional: no wheel for Python 3.14
    except ImportError:
        return None
    return fiona


def gate(path: Path, *, fiona: Any) -> str:  # noqa: ANN401 - fiona carries no type information
    """Pass a file through the gates, and return its GDAL driver (or ``Parquet``).

    Parameters
    ----------
    path : Path
        The file.
    fiona : module or None
        ``optional_fiona()``; without it, the last gate is left out.

    Raises
    ------
    InputError
        When the file is not of the format its name announces.
    """
    expected = f"l'un des formats {', '.join(sorted(_DRIVERS))}"
    if path.suffix.lower() not in _DRIVERS:
        raise InputError([Fault(path.name, None, "", path.suffix, expected, "Enregistrez la couche en GeoPackage.")])
    if not path.is_file():
        raise InputError([Fault(path.name, None, "", "", "un fichier existant", "Vérifiez le chemin.")])
    driver, magics = _DRIVERS[path.suffix.lower()]
    with path.open("rb") as stream:
        head = stream.read(64).lstrip(b" \t\r\n")
    remedy = "Le contenu n'est pas celui que le nom annonce. Enregistrez la couche en GeoPackage."
    fault = Fault(path.name, None, "", "", f"un fichier {driver}", remedy)
    if not head.startswith(magics):
        raise InputError([fault])
    if driver == "GeoJSON":
        _check_geojson(path, fault)
    if path.suffix.lower() == ".zip":
        _check_zip(path, fault)
    if fiona is not None and driver != "Parquet":
        try:
            with fiona.open(gdal_path(path), enabled_drivers=[driver]):
                pass
        except (fiona.errors.FionaError, ValueError) as error:
            raise InputError([fault]) from error
    return driver


def _check_geojson(path: Path, fault: Fault) -> None:
    raw = path.read_bytes()
    try:
        content = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise InputError([fault]) from error
    if _COMMAND in raw or not isinstance(content, dict) or content.get("type") not in _GEOJSON_TYPES:
        raise InputError([fault])


def _check_zip(path: Path, fault: Fault) -> None:
    remedy = "Déposez dans l'archive les seuls fichiers .shp, .shx, .dbf, .prj et .cpg d'une couche."
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except zipfile.BadZipFile as error:
        raise InputError([fault]) from error
    total = sum(entry.file_size for entry in entries)
    packed = max(1, sum(entry.compress_size for entry in entries))
    faults = [
        Fault(path.name, None, "", entry.filename, "un nom de fichier simple", remedy)
        for entry in entries
        if entry.filename.startswith(("/", "\\")) or ".." in entry.filename.replace("\\", "/").split("/")
    ]
    if total > _ZIP_TOTAL or total / packed > _ZIP_RATIO:
        faults.append(Fault(path.name, None, "", f"{total} octets décompressés", "une archive raisonnable", remedy))
    if sum(entry.filename.lower().endswith(".shp") for entry in entries) != 1:
        faults.append(Fault(path.name, None, "", "", "un seul fichier .shp", remedy))
    if faults:
        raise InputError(faults)


def gdal_path(path: Path) -> str:
    """Return what GDAL opens: of an archive, its one .shp (whatever else lies there, and in any folder)."""
    if path.suffix.lower() != ".zip":
        return str(path)
    with zipfile.ZipFile(path) as archive:
        (inner,) = (name for name in archive.namelist() if name.lower().endswith(".shp"))
    return f"/vsizip/{{{path.resolve()}}}/{inner}"


def layer_names(path: Path) -> list[str]:
    """Return the layers of a file that passed the gates; a GeoParquet holds one, of the file's name."""
    if _DRIVERS[path.suffix.lower()][0] == "Parquet":
        return [path.stem]
    return [str(name) for name, _ in pyogrio.list_layers(gdal_path(path))]


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
        A disguised file, an unknown layer, or several layers and none named.
    """
    driver = gate(path, fiona=fiona)
    if driver == "Parquet":
        return read_parquet(path)
    layers = layer_names(path)
    if (layer and layer not in layers) or (not layer and len(layers) != 1):
        remedy = f"Précisez {setting} dans scheme.toml{NBSP}: {', '.join(layers)}."
        raise InputError([Fault(path.name, None, "", layer, "une seule couche", remedy)])
    chosen = layer or layers[0]
    options = {"encoding": _undeclared_encoding(path)} if driver == "ESRI Shapefile" else {}
    return gpd.read_file(gdal_path(path), layer=chosen, engine="pyogrio", columns=columns, **options)


def read_parquet(path: Path) -> gpd.GeoDataFrame:
    """Load a GeoParquet.

    Raises
    ------
    InputError
        When it is not one.
    """
    try:
        return gpd.read_parquet(path)
    except (pa.ArrowException, ValueError) as error:
        remedy = "Enregistrez la couche en GeoParquet ou en GeoPackage."
        raise InputError([Fault(path.name, None, "", "", "un fichier GeoParquet", remedy)]) from error


def _undeclared_encoding(path: Path) -> str | None:
    """Return the encoding of a Shapefile that names none: UTF-8 if its attributes are, else cp1252."""
    if path.suffix.lower() == ".zip":
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            declared = any(name.lower().endswith(".cpg") for name in names)
            content = b"".join(archive.read(name) for name in names if name.lower().endswith(".dbf"))
    else:
        declared = any(path.with_suffix(suffix).is_file() for suffix in (".cpg", ".CPG"))
        content = next(
            (path.with_suffix(s).read_bytes() for s in (".dbf", ".DBF") if path.with_suffix(s).is_file()), b""
        )
    if declared:
        return None
    header_size = int.from_bytes(content[8:10], "little")
    try:
        content[header_size:].decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"
    return "UTF-8"
