"""Contours of communes as users hold them: GeoPackage, Shapefile (zipped or not), GeoJSON, GeoParquet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyogrio
import shapely

from sdaasp_geo.errors import Fault, InputError
from sdaasp_geo.french import NBSP
from sdaasp_geo.sources.vector_files import CheckedLayer, checked, load_layer, read_parquet
from sdaasp_geo.sources.vector_files import optional_fiona as _fiona

_CODE_NAMES = ("code", "code_insee", "insee_com", "codgeo", "code_commune", "insee", "depcom", "codecommune")
_NAME_NAMES = ("nom", "name", "nom_com", "libgeo", "nom_commune", "libelle", "nom_officiel")
_CODE_PATTERN = r"(?:\d{2}|2[AB])\d{3}"
_SURFACE = 2
"""Dimension of polygons, and of a collection that holds one."""

_SHOWN_NAME = 60


def read_boundaries(path: Path, *, layer: str = "", code_field: str = "", name_field: str = "") -> gpd.GeoDataFrame:
    """Read contours of communes from a file of the user; `layers.geometry_checks` judges their geometry.

    Parameters
    ----------
    path : Path
        The file, in any declared CRS, attributes in UTF-8 or cp1252. Curves are read as chords of four degrees of arc
        at most (the step of GDAL), which leave less than 0.07 % of the radius.
    layer, code_field, name_field : str
        Layer and fields; empty: the only layer, and the usual names of fields.

    Returns
    -------
    GeoDataFrame
        ``code, name``, geometry as the file gives it, in its CRS; the index is the row number (first record = 2).

    Raises
    ------
    InputError
        Unreadable or disguised file, missing or unusable CRS, missing field, codes that lost their leading zero,
        contours without surface: all together.
    """
    frame = load_layer(path, layer=layer, setting="communes_couche", fiona=_fiona())
    file = path.name
    if not isinstance(frame, gpd.GeoDataFrame) or frame.empty:
        remedy = "Donnez la couche des contours des communes."
        raise InputError([Fault(file, None, "", layer, "une couche de contours qui n'est pas vide", remedy)])
    code_field = _field(frame, code_field, _CODE_NAMES, role="code", file=file)
    name_field = _field(frame, name_field, _NAME_NAMES, role="nom", file=file)
    codes = _codes(frame[code_field])
    table = gpd.GeoDataFrame(
        {"code": codes, "name": frame[name_field].astype("str")}, geometry=frame.geometry.to_numpy(), crs=frame.crs
    )
    table.index = pd.RangeIndex(2, len(table) + 2)
    faults = [*_code_faults(table, code_field, file=file), *_geometry_faults(table, file=file)]
    faults += _crs_faults(table, file=file)
    if faults:
        raise InputError(faults)
    return table


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
            frame = read_parquet(source.path)
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
    lost = "Le zéro de tête est perdu (nombre au lieu de texte). Enregistrez le champ en texte sur 5 caractères."
    other = "Donnez le code INSEE de la commune."
    expected = "un code INSEE de 5 caractères"
    return [
        Fault(file, int(row), field, str(table.loc[row, "code"]), expected, lost if short[row] else other)
        for row in table.index[~good]
    ]


def _geometry_faults(table: gpd.GeoDataFrame, *, file: str) -> list[Fault]:
    shapes = table.geometry.to_numpy()
    areal = ~shapely.is_empty(shapes) & (shapely.get_dimensions(shapes) == _SURFACE)
    remedy = "Redessinez le contour, ou ôtez la ligne."
    return [
        Fault(file, int(row), "geometry", _shown(table.loc[row]), "un polygone non vide", remedy)
        for row in table.index[~areal]
    ]


def _shown(record: pd.Series) -> str:
    name = "" if pd.isna(record["name"]) else str(record["name"])
    return f"{record['code']} {name[:_SHOWN_NAME]}".strip()


def _crs_faults(table: gpd.GeoDataFrame, *, file: str) -> list[Fault]:
    if table.crs is not None:
        return []
    remedy = "Ajoutez le fichier .prj, ou enregistrez la couche avec son système de coordonnées."
    return [Fault(file, None, "", "", "un système de coordonnées (CRS) déclaré", remedy)]
