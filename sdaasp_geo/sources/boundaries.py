"""Contours of communes as users hold them: GeoPackage, Shapefile (zipped or not), GeoJSON, GeoParquet.

GDAL recognises a format by content: a file named ``communes.geojson`` may be a virtual dataset that reads other
files or calls a server. So a file passes three gates before it is loaded: its first bytes are those of the
format its name announces; a zip is neither a bomb nor holds paths that climb; and fiona, where installed, opens
it with that one driver enabled. pyogrio then loads it whole.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyogrio
import shapely

from sdaasp_geo.errors import Fault, InputError
from sdaasp_geo.french import NBSP, count

_DRIVERS = {
    ".gpkg": ("GPKG", (b"SQLite format 3\x00",)),
    ".shp": ("ESRI Shapefile", (b"\x00\x00\x27\x0a",)),
    ".zip": ("ESRI Shapefile", (b"PK\x03\x04",)),
    ".geojson": ("GeoJSON", (b"{", b"\xef\xbb\xbf{")),
    ".json": ("GeoJSON", (b"{", b"\xef\xbb\xbf{")),
    ".parquet": ("Parquet", (b"PAR1",)),
    ".geoparquet": ("Parquet", (b"PAR1",)),
}
_CODE_NAMES = ("code", "code_insee", "insee_com", "codgeo", "code_commune", "insee", "depcom", "codecommune")
_NAME_NAMES = ("nom", "name", "nom_com", "libgeo", "nom_commune", "libelle", "nom_officiel")
_CODE_PATTERN = r"(?:\d{2}|2[AB])\d{3}"
_ZIP_TOTAL, _ZIP_RATIO = 2_000_000_000, 200
_GEOJSON_TYPES = {"FeatureCollection", "Feature"}
_COMMAND = b"gdal_streamed_alg"
"""Mark of a file of commands for GDAL; a key given twice could hide it from a JSON reader."""


def read_boundaries(
    path: Path,
    *,
    crs: str,
    bounds: tuple[float, float, float, float],
    layer: str = "",
    code_field: str = "",
    name_field: str = "",
) -> tuple[gpd.GeoDataFrame, list[str]]:
    """Read contours of communes from a file of the user.

    Parameters
    ----------
    path : Path
        The file, in any CRS, attributes in UTF-8 or cp1252.
    crs : str
        Legal CRS of the territory, to which contours are brought.
    bounds : tuple of float
        Longitude and latitude bounds (degrees) that the layer must touch: the declared territory.
    layer, code_field, name_field : str
        Layer and fields; empty: the only layer, and the usual names of fields.

    Returns
    -------
    GeoDataFrame
        ``code, name``, geometry (polygons, valid) in ``crs``; the index is the row number (first record = 2).
    list of str
        Warnings, in French: rings repaired, with their count.

    Raises
    ------
    InputError
        Unreadable or disguised file, missing CRS or field, codes that lost their leading zero, repeated codes,
        empty contours, contours away from the declared territory: all together.
    """
    frame = _load(path, layer=layer)
    file = path.name
    code_field = _field(frame, code_field, _CODE_NAMES, role="code", file=file)
    name_field = _field(frame, name_field, _NAME_NAMES, role="nom", file=file)
    codes = _codes(frame[code_field])
    table = gpd.GeoDataFrame(
        {"code": codes, "name": frame[name_field].astype("str")}, geometry=frame.geometry.to_numpy(), crs=frame.crs
    )
    table.index = pd.RangeIndex(2, len(table) + 2)
    faults = [*_code_faults(table, code_field, file=file), *_geometry_faults(table, file=file)]
    if frame.crs is None:
        remedy = "Ajoutez le fichier .prj, ou enregistrez la couche avec son système de coordonnées."
        faults.append(Fault(file, None, "", "", "un système de coordonnées (CRS) déclaré", remedy))
    elif not faults:
        faults += _place_faults(table, bounds, file=file)
    if faults:
        raise InputError(faults)
    repaired, warnings = _repair(table)
    return repaired.to_crs(crs), warnings


def layer_schemas(path: Path) -> dict[str, dict[str, Any]]:
    """Return the layers of a file and their schema (fields, geometry type); only a GeoParquet is loaded for it.

    Raises
    ------
    InputError
        When the file is not of the format its name announces.
    """
    driver = _gate(path)
    if driver == "Parquet":
        frame = _read_parquet(path)
        kind = " ou ".join(sorted(set(frame.geometry.geom_type.dropna())))
        fields = {str(name): str(dtype) for name, dtype in frame.drop(columns=frame.geometry.name).dtypes.items()}
        return {path.stem: {"geometry": kind, "properties": fields}}
    fiona = _fiona()
    if fiona is None:
        return {str(name): {"geometry": str(kind)} for name, kind in pyogrio.list_layers(_gdal_path(path))}
    schemas = {}
    for name in fiona.listlayers(_gdal_path(path)):
        with fiona.open(_gdal_path(path), layer=name, enabled_drivers=[driver]) as source:
            schemas[name] = {"geometry": source.schema["geometry"], "properties": dict(source.schema["properties"])}
    return schemas


def filtered_records(path: Path, *, bbox: tuple[float, float, float, float], layer: str = "") -> list[dict[str, Any]]:
    """Return the attributes of the records of a large file that meet a box, read one by one.

    Parameters
    ----------
    bbox : tuple of float
        In the CRS of the file.

    Raises
    ------
    InputError
        When the file is not of the format its name announces, or fiona is not installed.
    """
    driver = _gate(path)
    fiona = _fiona()
    if fiona is None or driver == "Parquet":
        remedy = "Installez fiona (pip install fiona), ou donnez un GeoPackage."
        raise InputError([Fault(path.name, None, "", "", "un fichier lisible par enregistrement", remedy)])
    with fiona.open(_gdal_path(path), layer=layer or None, enabled_drivers=[driver]) as source:
        return [dict(record["properties"]) for record in source.filter(bbox=bbox)]


def _fiona() -> Any:  # noqa: ANN401 - fiona carries no type information
    try:
        import fiona  # noqa: PLC0415 - optional: no wheel for Python 3.14
    except ImportError:
        return None
    return fiona


def _gate(path: Path) -> str:
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
    fiona = _fiona()
    if fiona is not None and driver != "Parquet":
        try:
            with fiona.open(_gdal_path(path), enabled_drivers=[driver]):
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


def _gdal_path(path: Path) -> str:
    """Return what GDAL opens: of an archive, its one .shp (whatever else lies there, and in any folder)."""
    if path.suffix.lower() != ".zip":
        return str(path)
    with zipfile.ZipFile(path) as archive:
        (inner,) = (name for name in archive.namelist() if name.lower().endswith(".shp"))
    return f"/vsizip/{{{path.resolve()}}}/{inner}"


def _load(path: Path, *, layer: str) -> gpd.GeoDataFrame:
    driver = _gate(path)
    if driver == "Parquet":
        return _read_parquet(path)
    layers = [str(name) for name, _ in pyogrio.list_layers(_gdal_path(path))]
    if (layer and layer not in layers) or (not layer and len(layers) != 1):
        remedy = f"Précisez communes_couche dans scheme.toml{NBSP}: {', '.join(layers)}."
        raise InputError([Fault(path.name, None, "", layer, "une seule couche", remedy)])
    chosen = layer or layers[0]
    options = {"encoding": _undeclared_encoding(path)} if driver == "ESRI Shapefile" else {}
    return gpd.read_file(_gdal_path(path), layer=chosen, engine="pyogrio", **options)


def _read_parquet(path: Path) -> gpd.GeoDataFrame:
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


def _field(frame: gpd.GeoDataFrame, wanted: str, usual: tuple[str, ...], *, role: str, file: str) -> str:
    names = {str(name).lower(): str(name) for name in frame.columns}
    for name in (wanted.lower(),) if wanted else usual:
        if name in names:
            return names[name]
    expected = f"un champ «{NBSP}{wanted}{NBSP}»" if wanted else f"un champ de {role} ({', '.join(usual)})"
    remedy = f"Précisez communes_{role} dans scheme.toml. Champs présents{NBSP}: {', '.join(names.values())}."
    raise InputError([Fault(file, None, "", "", expected, remedy)])


def _codes(values: pd.Series) -> list[str]:
    if pd.api.types.is_numeric_dtype(values):
        return ["" if pd.isna(value) else f"{value:.0f}" for value in values]
    return ["" if pd.isna(value) else str(value).strip() for value in values]


def _code_faults(table: gpd.GeoDataFrame, field: str, *, file: str) -> list[Fault]:
    good = table["code"].str.fullmatch(_CODE_PATTERN)
    short = table["code"].str.fullmatch(r"\d{4}")
    repeated = table["code"].duplicated() & good
    lost = "Le zéro de tête est perdu (nombre au lieu de texte). Enregistrez le champ en texte sur 5 caractères."
    other = "Donnez le code INSEE de la commune."
    faults = [
        Fault(
            file,
            int(row),
            field,
            str(table.loc[row, "code"]),
            "un code INSEE de 5 caractères",
            lost if short[row] else other,
        )
        for row in table.index[~good]
    ]
    return faults + [
        Fault(file, int(row), field, str(table.loc[row, "code"]), "un code unique", "Fusionnez ou ôtez le doublon.")
        for row in table.index[repeated]
    ]


def _geometry_faults(table: gpd.GeoDataFrame, *, file: str) -> list[Fault]:
    empty = table.geometry.isna() | table.geometry.is_empty
    area = table.geometry.geom_type.isin(["Polygon", "MultiPolygon"])
    remedy = "Redessinez le contour, ou ôtez la ligne."
    return [
        Fault(file, int(row), "geometry", str(table.loc[row, "code"]), "un polygone non vide", remedy)
        for row in table.index[empty | ~area]
    ]


def _place_faults(table: gpd.GeoDataFrame, bounds: tuple[float, float, float, float], *, file: str) -> list[Fault]:
    found = table.geometry.to_crs("EPSG:4326").total_bounds
    west, south, east, north = bounds
    overlaps = found[0] <= east and found[2] >= west and found[1] <= north and found[3] >= south
    if np.isfinite(found).all() and overlaps:
        return []
    box = f"{found.round(2).tolist()}"
    expected = f"une emprise qui touche {[round(value, 2) for value in bounds]} (degrés)"
    remedy = "Longitude et latitude sont peut-être inversées, ou le CRS déclaré n'est pas celui des coordonnées."
    return [Fault(file, None, "geometry", box, expected, remedy)]


def _repair(table: gpd.GeoDataFrame) -> tuple[gpd.GeoDataFrame, list[str]]:
    invalid = ~table.geometry.is_valid
    if not invalid.any():
        return table, []
    mended = shapely.make_valid(table.geometry[invalid].to_numpy(), method="structure", keep_collapsed=False)
    polygons = [_polygons(geometry) for geometry in mended]
    geometry = table.geometry.copy()
    geometry[invalid] = polygons
    lost = [code for code, shape in zip(table["code"][invalid], polygons, strict=True) if shape.is_empty]
    number = count(len(polygons), "contour réparé", "contours réparés")
    warnings = [f"{number} (anneaux non valides){NBSP}: {', '.join(sorted(table['code'][invalid]))}."]
    if lost:
        warnings.append(f"Contours sans surface après réparation{NBSP}: {', '.join(sorted(lost))}.")
    return table.set_geometry(geometry), warnings


def _polygons(geometry: shapely.Geometry) -> shapely.Geometry:
    parts = [part for part in shapely.get_parts(geometry) if part.geom_type in {"Polygon", "MultiPolygon"}]
    return shapely.union_all(parts) if parts else shapely.Polygon()
