"""Roads of an OpenStreetMap extract (``.osm.pbf``), cut at their junctions.

The file is read twice: ways first (tags are read by ``osm_tags``), then the nodes of the ways that are kept. A node
where a barrier stops cars keeps its place but joins nothing: each side of it has a key of its own, below zero.
"""

from __future__ import annotations

import datetime as dt
from array import array
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from sdaasp_geo.errors import Fault, InputError
from sdaasp_geo.french import NBSP
from sdaasp_geo.road_speeds import RoadParameters, road_setting
from sdaasp_geo.sources.limits import EXTRACT_MB, check_file
from sdaasp_geo.sources.osm_blobs import BlobError, check_blobs
from sdaasp_geo.sources.osm_tags import CarWay, Rules, blocks_cars, car_way, rules_of
from sdaasp_geo.sources.roads import GEODESY, RoadReport, check_place, road_table, sorted_counts

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.floating[Any]]

_DEGREE = 1e-7
"""OpenStreetMap keeps coordinates as whole numbers of this part of a degree."""

_HEAD = b"OSMHeader"
_DAMAGED = (RuntimeError, UnicodeDecodeError, BlobError)
"""What a damaged extract raises; texts that are not UTF-8, those of pyosmium's own messages too, are the second."""

_MOST_ID = 1 << 35
"""Greater than any id of OpenStreetMap (14 thousand million nodes in 2026): the memory of a tracker grows with ids."""

_TURNS = "interdiction de tourner non appliquée"
_BLOCKED = f"obstacle sur la chaussée (borne, bloc){NBSP}: voie coupée"
_ABSENT = f"nœud absent de l'extrait{NBSP}: voie coupée"
_STACKED = f"nœud superposé à l'extrémité d'une voie{NBSP}: réuni"
_REPEATED = f"objet répété dans le fichier{NBSP}: le premier est gardé"
_SHORT = "voie sans longueur"


@dataclass
class _Ways:
    """Ways open to cars, as the file gives them; ``ends`` closes each way in ``refs``."""

    found: list[CarWay] = field(default_factory=list)
    refs: array[int] = field(default_factory=lambda: array("q"))
    ends: list[int] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    noticed: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class _Nodes:
    """Nodes of these ways, by rising id; places in whole 1e-7 degrees."""

    ids: Ints
    lon: Ints
    lat: Ints
    blocked: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class _Points:
    """Vertices of ways in order: node (position in ``_Nodes``), way, and unbroken piece of way."""

    node: Ints
    way: Ints
    piece: Ints


def read_osm_roads(
    path: Path, *, speeds: RoadParameters, bounds: tuple[float, float, float, float] | None = None
) -> tuple[gpd.GeoDataFrame, RoadReport]:
    """Read the roads that cars may use.

    Parameters
    ----------
    path : Path
        An OpenStreetMap extract, ``.osm.pbf``.
    speeds : RoadParameters
        Speeds by class, caps and conventions.
    bounds : tuple of float, optional
        West, south, east, north in degrees of the territory that the roads must touch.

    Returns
    -------
    GeoDataFrame
        The road table (``sources.roads.road_table``) in EPSG:4326; ``from_node`` and ``to_node`` are ids of
        OpenStreetMap, negative at a barrier; lengths in metres on the ellipsoid.
    RoadReport
        What was left out, and what was seen and not applied (turn restrictions, seasonal closures).

    Raises
    ------
    InputError
        Not a PBF, a truncated PBF, an extract without road, or away from the territory.
    """
    osmium = _osmium(path)
    _check_head(path)
    try:
        check_blobs(path)
        data_date = _data_date(osmium, path)
        tracker = osmium.IdTracker()
        ways = _read_ways(osmium, path, rules_of(speeds), tracker)
        nodes = _read_nodes(osmium, path, ways, tracker.id_filter())
    except _DAMAGED as error:
        remedy = "Le fichier est tronqué ou abîmé. Téléchargez l'extrait de nouveau."
        raise InputError([Fault(path.name, None, "", "", "un extrait OpenStreetMap complet", remedy)]) from error
    points = _points(nodes, ways)
    if not len(points.node):
        remedy = "Prenez un extrait qui contient le réseau routier (.osm.pbf d'un département ou d'une région)."
        raise InputError([Fault(path.name, None, "", "", "au moins une route ouverte aux voitures", remedy)])
    box = [float(f(axis) * _DEGREE) for f in (np.min, np.max) for axis in (nodes.lon, nodes.lat)]
    check_place(box, bounds, file=path.name)
    table = _sections(points, nodes, ways, wait_min=road_setting(speeds, "bac-attente-min"))
    kept = len(np.unique(points.way))
    ways.left_out[_SHORT] += len(ways.found) - kept
    report = RoadReport(
        file=path.name,
        data_date=data_date,
        records=len(ways.found) + sum(ways.left_out.values()) - ways.left_out[_SHORT],
        kept=kept,
        left_out=sorted_counts(ways.left_out),
        noticed=sorted_counts(ways.noticed),
    )
    return table, report


def _osmium(path: Path) -> Any:  # noqa: ANN401 - an optional part: the name is only known when it is installed
    try:
        import osmium  # noqa: PLC0415 - optional: only extracts of OpenStreetMap need it
    except ImportError as error:
        remedy = f"Installez la lecture des extraits OpenStreetMap{NBSP}: pip install osmium."
        raise InputError([Fault(path.name, None, "", "", "pyosmium installé", remedy)]) from error
    return osmium


def _check_head(path: Path) -> None:
    check_file(path, megabytes=EXTRACT_MB)
    with path.open("rb") as stream:
        head = stream.read(64)
    if _HEAD not in head or not path.name.lower().endswith(".pbf"):
        remedy = "Donnez un extrait OpenStreetMap au format .osm.pbf."
        raise InputError([Fault(path.name, None, "", "", "un fichier .osm.pbf", remedy)])


def _data_date(osmium: Any, path: Path) -> dt.date | None:  # noqa: ANN401 - see _osmium
    header = osmium.io.Reader(str(path), osmium.osm.NOTHING).header()
    if header.has_multiple_object_versions:
        remedy = "C'est un fichier d'historique. Donnez un extrait courant."
        raise InputError([Fault(path.name, None, "", "", "une seule version de chaque objet", remedy)])
    stated = header.get("osmosis_replication_timestamp") or header.get("timestamp")
    try:
        return dt.date.fromisoformat(stated[:10])
    except ValueError:
        return None


def _read_ways(osmium: Any, path: Path, rules: Rules, tracker: Any) -> _Ways:  # noqa: ANN401 - see _osmium
    ways = _Ways()
    kinds = osmium.osm.WAY | osmium.osm.RELATION
    keys = osmium.filter.KeyFilter("highway", "route", "restriction")
    previous = None
    for item in osmium.FileProcessor(str(path), kinds).with_filter(keys):
        if item.is_relation():
            ways.noticed[_TURNS] += item.tags.get("type") == "restriction"
            continue
        tags = dict(item.tags)
        if "highway" not in tags and "route" not in tags:
            continue
        if item.id == previous:  # files are sorted: a repeated way follows the first
            ways.noticed[_REPEATED] += 1
            continue
        previous = item.id
        found = car_way(tags, rules, ways.noticed)
        if isinstance(found, str):
            ways.left_out[found] += 1
            continue
        refs = [node.ref for node in item.nodes]
        if refs and (min(refs) < 0 or max(refs) > _MOST_ID):
            raise BlobError
        tracker.add_references(item)
        ways.found.append(found)
        ways.refs.extend(refs)
        ways.ends.append(len(ways.refs))
    return ways


def _read_nodes(osmium: Any, path: Path, ways: _Ways, only: Any) -> _Nodes:  # noqa: ANN401 - see _osmium
    ids, places, blocked = array("q"), array("q"), bytearray()
    for node in osmium.FileProcessor(str(path), osmium.osm.NODE).with_filter(only):
        place = node.location
        ids.append(node.id)
        places.append(place.x)
        places.append(place.y)
        tags = node.tags
        blocked.append(bool(len(tags)) and "barrier" in tags and blocks_cars(dict(tags)))
    keys = np.array(ids, dtype="int64")
    lon, lat = np.array(places, dtype="int64").reshape(-1, 2).T
    _, order = np.unique(keys, return_index=True)
    ways.noticed[_REPEATED] += len(keys) - len(order)
    return _Nodes(keys[order], lon[order], lat[order], np.frombuffer(bytes(blocked), dtype="bool")[order])


def _points(nodes: _Nodes, ways: _Ways) -> _Points:
    """Line up the vertices of all ways; a way breaks where a node is absent, and repeated vertices count once."""
    refs = np.frombuffer(ways.refs, dtype="int64") if ways.refs else np.empty(0, dtype="int64")
    sizes = np.diff(np.array([0, *ways.ends], dtype="int64"))
    way = np.repeat(np.arange(len(sizes), dtype="int64"), sizes)
    if not len(nodes.ids):
        empty = np.empty(0, dtype="int64")
        return _Points(empty, empty, empty)
    node = np.minimum(np.searchsorted(nodes.ids, refs), len(nodes.ids) - 1)
    present = nodes.ids[node] == refs
    ways.noticed[_ABSENT] += int((~present).sum())
    new = np.ones(len(refs), dtype="bool")
    new[1:] = (way[1:] != way[:-1]) | ~present[:-1]
    piece = np.cumsum(new)[present]
    way = way[present]
    node = _joined(node[present], piece, nodes, ways.noticed)
    fresh = np.ones(len(node), dtype="bool")
    fresh[1:] = (node[1:] != node[:-1]) | (piece[1:] != piece[:-1])
    node, way, piece = node[fresh], way[fresh], piece[fresh]
    long_enough = (np.bincount(piece) > 1)[piece] if len(piece) else np.empty(0, dtype="bool")
    return _Points(node[long_enough], way[long_enough], piece[long_enough])


def _edges_of(piece: Ints) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Return where pieces begin and where they end."""
    change = piece[1:] != piece[:-1]
    return np.concatenate([[True], change])[: len(piece)], np.concatenate([change, [True]])[: len(piece)]


def _joined(node: Ints, piece: Ints, nodes: _Nodes, noticed: Counter[str]) -> Ints:
    """Make one of the nodes at one place, where one of them ends a way: two ways drawn to meet, meet."""
    first, last = _edges_of(piece)
    used = np.unique(node)
    ends = np.isin(used, node[first | last])
    place = (nodes.lon[used] << 32) + nodes.lat[used]
    _, group, size = np.unique(place, return_inverse=True, return_counts=True)
    open_ended = np.bincount(group, weights=ends & ~nodes.blocked[used]) > 0
    merged = (size > 1)[group] & open_ended[group] & ~nodes.blocked[used]
    if not merged.any():
        return node
    lowest = np.full(len(size), len(nodes.ids), dtype="int64")
    np.minimum.at(lowest, group[merged], used[merged])
    target = np.arange(len(nodes.ids), dtype="int64")
    target[used[merged]] = lowest[group[merged]]
    noticed[_STACKED] += int((target[used] != used).sum())
    return target[node]


def _sections(points: _Points, nodes: _Nodes, ways: _Ways, *, wait_min: float) -> gpd.GeoDataFrame:
    """Cut ways at junctions and barriers, and measure the sections."""
    node, piece = points.node, points.piece
    first, last = _edges_of(piece)
    blocked = nodes.blocked[node]
    ways.noticed[_BLOCKED] += len(np.unique(node[blocked]))
    cut = np.flatnonzero(first | last | blocked | (np.bincount(node)[node] > 1))
    inside = piece[cut[:-1]] == piece[cut[1:]]
    start, end = cut[:-1][inside], cut[1:][inside]
    lon, lat = nodes.lon[node] * _DEGREE, nodes.lat[node] * _DEGREE
    _, _, steps = GEODESY.inv(lon[:-1], lat[:-1], lon[1:], lat[1:])
    run = np.concatenate([[0.0], np.cumsum(steps)])
    length_m = run[end] - run[start]
    way = points.way[start]
    attributes = _attributes(ways)
    columns = {name: values[way] for name, values in attributes.items()}
    whole_m = np.bincount(way, weights=length_m, minlength=len(ways.found))[way]
    columns["duration_min"] = _durations(columns, length_m, whole_m, wait_min=wait_min)
    columns["from_node"] = np.where(blocked[start], -2 * start - 1, nodes.ids[node[start]])
    columns["to_node"] = np.where(blocked[end], -2 * end - 2, nodes.ids[node[end]])
    columns["length_m"] = length_m
    return road_table(columns, _lines(lon, lat, start, end), crs="EPSG:4326")


def _attributes(ways: _Ways) -> dict[str, npt.NDArray[Any]]:
    return {
        "road_class": np.array([way.road_class for way in ways.found], dtype="object"),
        "name": np.array([way.name for way in ways.found], dtype="object"),
        "forward_kmh": np.array([way.forward_kmh for way in ways.found], dtype="float64"),
        "backward_kmh": np.array([way.backward_kmh for way in ways.found], dtype="float64"),
        "duration_min": np.array([way.duration_min for way in ways.found], dtype="float64"),
    }


def _durations(
    columns: dict[str, npt.NDArray[Any]],
    length_m: Floats,
    whole_m: Floats,
    *,
    wait_min: float,
) -> Floats:
    """Return minutes of ferry sections: the crossing and its wait, shared by length; NaN on roads."""
    kmh = np.fmax(columns["forward_kmh"], columns["backward_kmh"])
    stated = columns["duration_min"]
    crossing = np.where(np.isnan(stated), whole_m / 1000 / kmh * 60, stated) + wait_min
    share = np.divide(length_m, whole_m, out=np.zeros_like(length_m), where=whole_m > 0)
    return np.where(columns["road_class"] == "ferry", crossing * share, np.nan)


def _lines(lon: Floats, lat: Floats, start: Ints, end: Ints) -> npt.NDArray[np.object_]:
    sizes = end - start + 1
    line = np.repeat(np.arange(len(sizes), dtype="int64"), sizes)
    vertex = np.arange(len(line), dtype="int64") - np.repeat(np.cumsum(sizes) - sizes, sizes) + np.repeat(start, sizes)
    found: npt.NDArray[np.object_] = shapely.linestrings(np.column_stack([lon[vertex], lat[vertex]]), indices=line)
    return found
