"""Contours of communes as users hold them: GeoPackage, Shapefile (zipped or not), GeoJSON, GeoParquet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pyproj
import shapely

from sdaasp_geo.errors import Fault, InputError
from sdaasp_geo.french import NBSP, count
from sdaasp_geo.sources.vector_files import CheckedLayer, checked, load_layer, read_parquet
from sdaasp_geo.sources.vector_files import optional_fiona as _fiona

_CODE_NAMES = ("code", "code_insee", "insee_com", "codgeo", "code_commune", "insee", "depcom", "codecommune")
_NAME_NAMES = ("nom", "name", "nom_com", "libgeo", "nom_commune", "libelle", "nom_officiel")
_CODE_PATTERN = r"(?:\d{2}|2[AB])\d{3}"


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
    frame = load_layer(path, layer=layer, setting="communes_couche", fiona=_fiona())
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
    return _brought(repaired, crs, file=file), warnings


def layer_schemas(path: Path) -> dict[str, dict[str, Any]]:
    """Return the layers of a file and their schema (fields, geometry type); only a GeoParquet is loaded for it.

    Raises
    ------
    InputError
        When the file is not of the format its name announces.
    """
    fiona = _fiona()
    with checked(path, fiona=fiona) as source:
        if source.driver == "Parquet":
            frame = read_parquet(path)
            kind = " ou ".join(sorted(set(frame.geometry.geom_type.dropna())))
            fields = {str(name): str(dtype) for name, dtype in frame.drop(columns=frame.geometry.name).dtypes.items()}
            return {path.stem: {"geometry": kind, "properties": fields}}
        layers = {str(name): {"geometry": str(kind)} for name, kind in pyogrio.list_layers(source.target)}
        return layers if fiona is None else {name: _schema(source, name, fiona=fiona) for name in layers}


def _schema(source: CheckedLayer, layer: str, *, fiona: Any) -> dict[str, Any]:  # noqa: ANN401 - fiona has no types
    with fiona.open(source.path, layer=layer, enabled_drivers=[source.driver]) as records:
        return {"geometry": records.schema["geometry"], "properties": dict(records.schema["properties"])}


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
    fiona = _fiona()
    with checked(path, fiona=fiona) as source:
        if fiona is None or source.driver == "Parquet":
            remedy = "Installez fiona (pip install fiona), ou donnez un GeoPackage."
            raise InputError([Fault(path.name, None, "", "", "un fichier lisible par enregistrement", remedy)])
        with fiona.open(source.path, layer=layer or None, enabled_drivers=[source.driver]) as records:
            return [dict(record["properties"]) for record in records.filter(bbox=bbox)]


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
    found = _brought(table, "EPSG:4326", file=file).total_bounds
    west, south, east, north = bounds
    overlaps = found[0] <= east and found[2] >= west and found[1] <= north and found[3] >= south
    if np.isfinite(found).all() and overlaps:
        return []
    box = f"{found.round(2).tolist()}"
    expected = f"une emprise qui touche {[round(value, 2) for value in bounds]} (degrés)"
    remedy = "Longitude et latitude sont peut-être inversées, ou le CRS déclaré n'est pas celui des coordonnées."
    return [Fault(file, None, "geometry", box, expected, remedy)]


def _brought(table: gpd.GeoDataFrame, crs: str, *, file: str) -> gpd.GeoDataFrame:
    """Bring contours to a CRS, if theirs can be computed."""
    try:
        return table.to_crs(crs)
    except pyproj.exceptions.ProjError as error:
        remedy = "Enregistrez la couche dans un système de coordonnées publié (EPSG)."
        raise InputError([Fault(file, None, "", "", "un système de coordonnées utilisable", remedy)]) from error


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
