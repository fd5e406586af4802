"""Roads of a national layer (GeoPackage, Shapefile…): BD TOPO or ROUTE 500, read through a mapping of their columns.

Sections of these layers end at junctions, so their ends are the nodes: two ends at the same decimetre are one node.
"""

from __future__ import annotations

import datetime as dt
import unicodedata
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import geopandas as gpd
import msgspec
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyproj
import shapely

from sdaasp_geo.errors import Fault, InputError, SchemeError
from sdaasp_geo.french import NBSP
from sdaasp_geo.road_speeds import RoadParameters, caps_kmh, road_setting, speeds_kmh
from sdaasp_geo.sources.roads import RoadReport, check_place, lengths_m, road_table, sorted_counts
from sdaasp_geo.sources.vector_files import (
    CheckedLayer,
    checked,
    field_names,
    layer_names,
    optional_fiona,
    read_checked,
)
from sdaasp_geo.toml_files import read_toml

_NODE_METRES, _NODE_DEGREES = 0.1, 1e-6
"""Ends closer than this grid's step are one node."""

_SHAPEFILE_NAME = 10
"""A Shapefile cuts names of columns at this length."""

_ROLES = frozenset(
    {"kind", "importance", "direction", "speed", "access", "state", "surface", "closure", "name", "date"}
)
_DIRECTIONS = frozenset({"forward", "backward", "both", "closed"})
_UNKNOWN_KIND = "nature inconnue"
_NO_LINE = "géométrie vide ou qui n'est pas une ligne"
_NOWHERE = "coordonnées hors de la Terre"
_EARTH_M = 40_075_017.0  # length of the equator (WGS 84): no coordinate, metres or degrees, is larger
_NO_LENGTH = "section sans longueur"
_CLOSURE = "fermeture saisonnière non appliquée"
_NO_SPEED = "vitesse moyenne absente ou nulle, celle de la classe à la place"
_NO_DIRECTION = "sens de circulation inconnu, double sens gardé"


class ClassRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The class of the sections of some natures (and importances; none given = any)."""

    kinds: tuple[str, ...]
    road_class: str
    importance: tuple[str, ...] = ()


class LayerMapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the columns and values of a layer read as roads; ``road_layers.toml`` documents each field."""

    code: str
    label: str
    valid_from: dt.date
    reference: str
    layers: tuple[str, ...]
    columns: dict[str, tuple[str, ...]]
    classes: tuple[ClassRule, ...]
    direction: dict[str, str]
    left_out: tuple[str, ...] = ()
    closed: dict[str, tuple[str, ...]] = {}
    surface: dict[str, str] = {}
    junction: dict[str, str] = {}


class _Mappings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    layer: tuple[LayerMapping, ...]


def read_mappings(path: Path | None = None) -> dict[str, LayerMapping]:
    """Read the mappings of the package, completed or replaced, code by code, by those of a file.

    Raises
    ------
    SchemeError
        When the file cannot be read as mappings, or names a role or direction that does not exist.
    """
    embedded = _decode(Path(__file__).with_suffix(".toml"))
    return embedded if path is None else embedded | _decode(path)


def find_mapping(path: Path, *, mappings: dict[str, LayerMapping], layer: str = "") -> LayerMapping:
    """Recognise the layer of a file: the first mapping whose column of nature is there.

    Raises
    ------
    InputError
        A disguised file, or a layer that no mapping knows.
    """
    with checked(path, fiona=optional_fiona()) as source:
        for mapping in mappings.values():
            name = _layer_of(source, mapping, layer)
            if name and _columns(field_names(source, layer=name), mapping).get("kind"):
                return mapping
    known = ", ".join(mapping.label for mapping in mappings.values())
    remedy = "Donnez l'une de ces couches, ou décrivez la vôtre dans un fichier de correspondance."
    raise InputError([Fault(path.name, None, "", layer, f"une couche de routes connue ({known})", remedy)])


def read_road_layer(
    path: Path,
    *,
    mapping: LayerMapping,
    speeds: RoadParameters,
    layer: str = "",
    bounds: tuple[float, float, float, float] | None = None,
) -> tuple[gpd.GeoDataFrame, RoadReport]:
    """Read the roads that cars may use.

    Parameters
    ----------
    path : Path
        GeoPackage, Shapefile (zipped or not), GeoJSON or GeoParquet, in any declared CRS.
    mapping : LayerMapping
        How its columns read.
    speeds : RoadParameters
        Speeds by class, caps and conventions.
    layer : str
        The layer; empty: the one the mapping names, or the only one.
    bounds : tuple of float, optional
        West, south, east, north in degrees of the territory that the roads must touch.

    Returns
    -------
    GeoDataFrame
        The road table (``sources.roads.road_table``) in the CRS of the layer; nodes are numbered from coordinates
        rounded to 0.1 m (or 1e-6 degree); lengths in metres on the ellipsoid.
    RoadReport
        What was left out, by reason, and what was seen and not applied.

    Raises
    ------
    InputError
        Disguised file, missing column or CRS, no line, negative or unreadable speeds, wrong place: together where
        they can be.
    """
    frame = _load(path, mapping, layer)
    names = _columns(frame.columns, mapping)
    _check(frame, names, mapping, file=path.name)
    left_out: Counter[str] = Counter()
    noticed: Counter[str] = Counter()
    records = len(frame)
    frame = _open_sections(frame, names, mapping, left_out)
    if frame.empty:
        remedy = f"Toutes les sections sont écartées{NBSP}: {', '.join(sorted_counts(left_out)) or 'couche vide'}."
        raise InputError([Fault(path.name, None, "", "", "au moins une route ouverte aux voitures", remedy)])
    check_place(_degrees(frame, file=path.name), bounds or _area(frame.crs), file=path.name)
    data_date = _data_date(frame, names)
    rows, lines = _lines(frame)
    length_m = lengths_m(lines, frame.crs)
    columns = _attributes(frame, names, mapping, speeds, noticed)
    table = _table(columns, rows, lines, length_m, crs=frame.crs, wait_min=road_setting(speeds, "bac-attente-min"))
    kept = len(np.unique(rows[length_m > 0]))
    left_out[_NO_LENGTH] += len(frame) - kept
    report = RoadReport(path.name, data_date, records, kept, sorted_counts(left_out), sorted_counts(noticed))
    return table, report


def _decode(path: Path) -> dict[str, LayerMapping]:
    fault, remedy = f"Correspondance illisible dans {path.name}", "Reprenez la forme de road_layers.toml."
    found = read_toml(path, kind=_Mappings, fault=fault, remedy=remedy).layer
    for mapping in found:
        wrong = sorted((set(mapping.columns) | set(mapping.closed)) - _ROLES)
        wrong += sorted(set(mapping.direction.values()) - _DIRECTIONS)
        if wrong or "kind" not in mapping.columns:
            message = f"Correspondance «{NBSP}{mapping.code}{NBSP}»{NBSP}: {', '.join(wrong) or 'kind absent'}. "
            raise SchemeError(message + "Reprenez les rôles et les sens de road_layers.toml.")
    return {mapping.code: mapping for mapping in found}


def _plain(value: object) -> str:
    """Return a value without case, accents or outer spaces; empty where it is missing."""
    text = "" if value is None or value is pd.NA or value != value else str(value)  # noqa: PLR0124 - NaN differs from itself
    return unicodedata.normalize("NFKD", text.strip().lower()).encode("ascii", "ignore").decode()


def _columns(fields: Iterable[object], mapping: LayerMapping) -> dict[str, list[str]]:
    """Return the layer's columns by role: all that are present, in the mapping's order, cut by a Shapefile or not."""
    present = {_plain(field): str(field) for field in fields}
    found = {}
    for role, names in mapping.columns.items():
        usual = [written for name in names for written in (_plain(name), _plain(name)[:_SHAPEFILE_NAME])]
        found[role] = list(dict.fromkeys(present[name] for name in usual if name in present))
    return found


def _layer_of(source: CheckedLayer, mapping: LayerMapping, layer: str) -> str:
    """Return the layer to read: the one asked for, the mapping's own, or the only one; empty where none fits."""
    names = layer_names(source)
    if layer or len(names) == 1:
        return layer or names[0]
    usual = {_plain(name) for name in mapping.layers}
    return next((name for name in names if _plain(name) in usual), "")


def _load(path: Path, mapping: LayerMapping, layer: str) -> gpd.GeoDataFrame:
    with checked(path, fiona=optional_fiona()) as source:
        chosen = _layer_of(source, mapping, layer)
        wanted = None
        if chosen in layer_names(source):
            fields = field_names(source, layer=chosen)
            wanted = sorted({name for names in _columns(fields, mapping).values() for name in names})
        return read_checked(source, layer=chosen, setting="routes_couche", columns=wanted)


def _check(frame: gpd.GeoDataFrame, names: dict[str, list[str]], mapping: LayerMapping, *, file: str) -> None:
    faults = []
    if not names.get("kind"):
        expected = f"un champ {', '.join(mapping.columns['kind'])} ({mapping.label})"
        remedy = f"Vérifiez la couche. Champs présents{NBSP}: {', '.join(map(str, frame.columns))}."
        faults.append(Fault(file, None, "", "", expected, remedy))
    lines = (
        isinstance(frame, gpd.GeoDataFrame) and frame.geometry.geom_type.isin(["LineString", "MultiLineString"]).any()
    )
    if not lines:
        faults.append(Fault(file, None, "geometry", "", "des lignes", "Donnez la couche des tronçons de route."))
    elif frame.crs is None:
        remedy = "Ajoutez le fichier .prj, ou enregistrez la couche avec son système de coordonnées."
        faults.append(Fault(file, None, "", "", "un système de coordonnées (CRS) déclaré", remedy))
    for column in names.get("speed", [])[:1]:
        values = pd.to_numeric(frame[column], errors="coerce")
        wrong = (values < 0) | np.isinf(values) | (values.isna() & frame[column].notna())
        remedy = "Corrigez la vitesse moyenne, ou videz-la pour prendre celle de la classe."
        faults += [
            Fault(file, int(row) + 2, column, str(frame[column].iloc[row]), "une vitesse en km/h, zéro ou plus", remedy)
            for row in np.flatnonzero(wrong)
        ]
    if faults:
        raise InputError(faults)


def _open_sections(
    frame: gpd.GeoDataFrame, names: dict[str, list[str]], mapping: LayerMapping, left_out: Counter[str]
) -> gpd.GeoDataFrame:
    """Keep the sections that cars may use, with their class in ``_class``; count the others by reason."""
    kinds = frame[names["kind"][0]].map(_plain)
    frame = frame.assign(_class=_classes(frame, kinds, names, mapping))
    reason = pd.Series("", index=frame.index, dtype="object")
    line = frame.geometry.geom_type.isin(["LineString", "MultiLineString"]) & ~frame.geometry.is_empty
    column = names["kind"][0]
    stated = frame[column].astype("object").where(frame[column].notna(), "")
    no_cars = kinds.isin([_plain(kind) for kind in mapping.left_out])
    reason[no_cars] = [f"{column}={value}" for value in stated[no_cars]]
    unknown = (frame["_class"] == "") & ~no_cars
    reason[unknown] = [f"{_UNKNOWN_KIND}{NBSP}: {value or 'vide'}" for value in stated[unknown]]
    for role, values in mapping.closed.items():
        for column in names.get(role, [])[:1]:
            shut = (reason == "") & frame[column].map(_plain).isin([_plain(value) for value in values])
            reason[shut] = [f"{column}={value}" for value in frame.loc[shut, column]]
    for column in names.get("direction", [])[:1]:
        shut = (reason == "") & (_direction(frame[column], mapping) == "closed")
        reason[shut] = [f"{column}={value}" for value in frame.loc[shut, column]]
    reason[(reason == "") & ~line] = _NO_LINE
    reason[(reason == "") & ~(frame.geometry.bounds.abs() <= _EARTH_M).all(axis="columns")] = _NOWHERE
    left_out.update(reason[reason != ""])
    return frame[reason == ""].reset_index(drop=True)


def _classes(
    frame: gpd.GeoDataFrame, kinds: pd.Series, names: dict[str, list[str]], mapping: LayerMapping
) -> npt.NDArray[np.object_]:
    levels = frame[names["importance"][0]].map(_plain) if names.get("importance") else pd.Series("", index=frame.index)
    found = np.full(len(frame), "", dtype="object")
    for rule in reversed(mapping.classes):  # the first rule has the last word
        fits = kinds.isin([_plain(kind) for kind in rule.kinds])
        if rule.importance:
            fits &= levels.isin(rule.importance)
        found[fits.to_numpy()] = rule.road_class
    return found


def _direction(values: pd.Series, mapping: LayerMapping) -> pd.Series:
    known = {_plain(value): way for value, way in mapping.direction.items()}
    return values.map(_plain).map(lambda value: known.get(value, ""))


def _attributes(
    frame: gpd.GeoDataFrame,
    names: dict[str, list[str]],
    mapping: LayerMapping,
    speeds: RoadParameters,
    noticed: Counter[str],
) -> dict[str, npt.NDArray[Any]]:
    """Return class, name and speed in each direction of every section."""
    kmh = _table_kmh(frame, names, mapping, speeds)
    for column in names.get("speed", [])[:1]:
        own = pd.to_numeric(frame[column], errors="coerce").to_numpy(dtype="float64", na_value=np.nan)
        noticed[_NO_SPEED] += int((~(own > 0)).sum())
        kmh = np.where(own > 0, own, kmh)
    ways = pd.Series("both", index=frame.index)
    for column in names.get("direction", [])[:1]:
        ways = _direction(frame[column], mapping)
        noticed[_NO_DIRECTION] += int((ways == "").sum())
    for column in names.get("closure", [])[:1]:
        noticed[_CLOSURE] += int((frame[column].map(_plain) != "").sum())
    name = pd.Series("", index=frame.index, dtype="object")
    for column in names.get("name", []):
        name = name.where(name != "", frame[column].astype("object").where(frame[column].notna(), "").map(str))
    return {
        "road_class": frame["_class"].to_numpy(dtype="object"),
        "name": name.to_numpy(dtype="object"),
        "forward_kmh": np.where(ways == "backward", np.nan, kmh),
        "backward_kmh": np.where(ways == "forward", np.nan, kmh),
    }


def _table_kmh(
    frame: gpd.GeoDataFrame, names: dict[str, list[str]], mapping: LayerMapping, speeds: RoadParameters
) -> npt.NDArray[np.float64]:
    """Return the speed of the class, capped by junction and surface."""
    by_class = speeds_kmh(speeds)
    missing = sorted(set(frame["_class"]) - set(by_class))
    if missing:
        message = f"Classes sans vitesse{NBSP}: {', '.join(missing)}. Ajoutez-les au fichier des vitesses."
        raise SchemeError(message)
    kmh: npt.NDArray[np.float64] = frame["_class"].map(by_class).to_numpy(dtype="float64")
    for key, role, values in (("junction", "kind", mapping.junction), ("surface", "surface", mapping.surface)):
        caps = caps_kmh(speeds, key)
        known = {_plain(value): caps[tag] for value, tag in values.items() if tag in caps}
        for column in names.get(role, [])[:1]:
            cap = frame[column].map(_plain).map(known).to_numpy(dtype="float64", na_value=np.nan)
            kmh = np.fmin(kmh, cap)
    return kmh


def _lines(frame: gpd.GeoDataFrame) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.object_]]:
    """Return single lines in two dimensions, and the row of each."""
    lines, rows = shapely.get_parts(shapely.force_2d(frame.geometry.to_numpy()), return_index=True)
    return rows.astype("int64"), lines


def _table(
    columns: dict[str, npt.NDArray[Any]],
    rows: npt.NDArray[np.int64],
    lines: npt.NDArray[np.object_],
    length_m: npt.NDArray[np.float64],
    *,
    crs: Any,  # noqa: ANN401 - pyproj's CRS, as geopandas holds it
    wait_min: float,
) -> gpd.GeoDataFrame:
    real = length_m > 0
    rows, lines, length_m = rows[real], lines[real], length_m[real]
    step = _NODE_DEGREES if pyproj.CRS(crs).is_geographic else _NODE_METRES
    kmh = np.fmax(columns["forward_kmh"], columns["backward_kmh"])[rows]
    ferry = columns["road_class"][rows] == "ferry"
    sections = {name: values[rows] for name, values in columns.items()}
    sections["duration_min"] = np.where(ferry, length_m / 1000 / kmh * 60 + wait_min, np.nan)
    sections["length_m"] = length_m
    for name, position in (("from_node", 0), ("to_node", -1)):
        places = shapely.get_coordinates(shapely.get_point(lines, position))
        cells = np.round(places / step).astype("int64") + 2**30
        sections[name] = (cells[:, 0] << 32) + cells[:, 1]
    return road_table(sections, lines, crs=crs)


def _degrees(frame: gpd.GeoDataFrame, *, file: str) -> list[float]:
    try:
        return [float(value) for value in frame.geometry.to_crs("EPSG:4326").total_bounds]
    except pyproj.exceptions.ProjError as error:
        remedy = "Enregistrez la couche dans un système de coordonnées publié (EPSG)."
        raise InputError([Fault(file, None, "", "", "un système de coordonnées utilisable", remedy)]) from error


def _area(crs: Any) -> tuple[float, float, float, float] | None:  # noqa: ANN401 - pyproj's CRS, as geopandas holds it
    area = pyproj.CRS(crs).area_of_use
    return None if area is None else (float(area.west), float(area.south), float(area.east), float(area.north))


def _data_date(frame: gpd.GeoDataFrame, names: dict[str, list[str]]) -> dt.date | None:
    for column in names.get("date", [])[:1]:
        dates = pd.to_datetime(frame[column], errors="coerce", format="ISO8601")
        if dates.notna().any():
            latest: dt.date = dates.max().date()
            return latest
    return None
