"""Defects of contours: each takes a sound coverage and one commune of it, and spoils it."""

from __future__ import annotations

from collections.abc import Callable

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

Defect = Callable[[gpd.GeoDataFrame, int, np.random.Generator], gpd.GeoDataFrame]
REPAIRED, REFUSED, TOLD = "repaired", "refused", "told"


def put(table: gpd.GeoDataFrame, at: int, shape: shapely.Geometry | None) -> gpd.GeoDataFrame:
    """Return the table with another geometry at a position."""
    shapes = table.geometry.to_numpy().copy()
    shapes[at] = shape
    return table.set_geometry(gpd.GeoSeries(shapes, index=table.index, crs=table.crs))


def largest(table: gpd.GeoDataFrame, at: int) -> shapely.Polygon:
    """Return the largest polygon of a contour."""
    return max(shapely.get_parts(table.geometry.iloc[at]), key=lambda part: part.area)


def with_ring(table: gpd.GeoDataFrame, at: int, points: np.ndarray) -> gpd.GeoDataFrame:
    """Return the table where the largest polygon of a contour has another outer ring."""
    own, *others = sorted(shapely.get_parts(table.geometry.iloc[at]), key=lambda part: -part.area)
    with np.errstate(invalid="ignore"):
        ring = shapely.Polygon(points, [hole.coords for hole in own.interiors])
    return put(table, at, shapely.MultiPolygon([ring, *others]) if others else ring)


def ring(table: gpd.GeoDataFrame, at: int) -> np.ndarray:
    """Return the outer ring of the largest polygon of a contour."""
    return np.asarray(shapely.get_coordinates(largest(table, at).exterior))


def _edited(change: Callable[[np.ndarray, int, np.random.Generator], np.ndarray]) -> Defect:
    def defect(table: gpd.GeoDataFrame, at: int, rng: np.random.Generator) -> gpd.GeoDataFrame:
        points = ring(table, at)
        return with_ring(table, at, change(points, int(rng.integers(1, len(points) - 2)), rng))

    return defect


def _loop(points: np.ndarray, where: int, rng: np.random.Generator) -> np.ndarray:
    """A loop of a metre or so, wound backwards, at a vertex."""
    x, y = points[where]
    size = rng.uniform(0.1, 2)
    before, after = [(x, y), (x + size, y), (x, y + size)], [(x, y), (x, y + size), (x + size, y)]
    signed = 0.5 * np.sum(points[:-1, 0] * points[1:, 1] - points[1:, 0] * points[:-1, 1])
    return np.vstack([points[:where], after if signed > 0 else before, points[where:]])


def _spike(points: np.ndarray, where: int, rng: np.random.Generator) -> np.ndarray:
    tip = points[where] + rng.uniform(-5000, 5000, 2)
    return np.vstack([points[: where + 1], [tip], points[where:]])


def _repeat(points: np.ndarray, where: int, rng: np.random.Generator) -> np.ndarray:
    return np.repeat(points, np.where(np.arange(len(points)) == where, rng.integers(2, 5), 1), axis=0)


def _one(value: float) -> Defect:
    def change(points: np.ndarray, where: int, rng: np.random.Generator) -> np.ndarray:
        found = points.copy()
        found[where, rng.integers(0, 2)] = value
        return found

    return _edited(change)


def _origin(points: np.ndarray, where: int, _rng: np.random.Generator) -> np.ndarray:
    found = points.copy()
    found[where] = 0
    return found


def _bow_tie(table: gpd.GeoDataFrame, at: int, _rng: np.random.Generator) -> gpd.GeoDataFrame:
    west, south, east, north = table.geometry.iloc[at].bounds
    return put(table, at, shapely.Polygon([(west, south), (east, north), (east, south), (west, north)]))


def _shift(table: gpd.GeoDataFrame, at: int, rng: np.random.Generator) -> gpd.GeoDataFrame:
    move = rng.uniform(0.05, 0.4, 2) * rng.choice([-1, 1], 2)
    return put(table, at, shapely.transform(table.geometry.iloc[at], lambda points: points + move))


def _buffered(low: float, high: float) -> Defect:
    def defect(table: gpd.GeoDataFrame, at: int, rng: np.random.Generator) -> gpd.GeoDataFrame:
        return put(table, at, table.geometry.iloc[at].buffer(rng.uniform(low, high)))

    return defect


def _punched(table: gpd.GeoDataFrame, at: int, rng: np.random.Generator) -> gpd.GeoDataFrame:
    own = table.geometry.iloc[at]
    point = own.representative_point()
    room = 0.9 * shapely.distance(point, own.boundary)
    return put(table, at, own.difference(point.buffer(rng.uniform(0.3, 1) * room)))


def _in_three_dimensions(table: gpd.GeoDataFrame, at: int, rng: np.random.Generator) -> gpd.GeoDataFrame:
    return put(table, at, shapely.force_3d(table.geometry.iloc[at], rng.uniform(0, 3000)))


def _collection(table: gpd.GeoDataFrame, at: int, _rng: np.random.Generator) -> gpd.GeoDataFrame:
    own = table.geometry.iloc[at]
    return put(table, at, shapely.GeometryCollection([own, own.centroid, shapely.LineString(ring(table, at)[:3])]))


def _point(table: gpd.GeoDataFrame, at: int, _rng: np.random.Generator) -> gpd.GeoDataFrame:
    return put(table, at, table.geometry.iloc[at].centroid)


def _line(table: gpd.GeoDataFrame, at: int, _rng: np.random.Generator) -> gpd.GeoDataFrame:
    return put(table, at, largest(table, at).exterior)


def _flat(table: gpd.GeoDataFrame, at: int, _rng: np.random.Generator) -> gpd.GeoDataFrame:
    a, b = ring(table, at)[:2]
    return put(table, at, shapely.Polygon([a, b, (a + b) / 2, a]))


def _other_crs(crs: str, *, swapped: bool = False) -> Defect:
    def defect(table: gpd.GeoDataFrame, at: int, _rng: np.random.Generator) -> gpd.GeoDataFrame:
        shape = table.geometry.iloc[[at]].to_crs(crs).iloc[0]
        return put(table, at, shapely.transform(shape, lambda points: points[:, ::-1]) if swapped else shape)

    return defect


def _whole_file(crs: str, declared: str, *, swapped: bool = False) -> Defect:
    def defect(table: gpd.GeoDataFrame, _at: int, _rng: np.random.Generator) -> gpd.GeoDataFrame:
        moved = table.to_crs(crs)
        if swapped:
            moved = moved.set_geometry(shapely.transform(moved.geometry.array, lambda points: points[:, ::-1]))
        return moved.set_crs(declared, allow_override=True)

    return defect


def _moved(dx: float, dy: float) -> Defect:
    def defect(table: gpd.GeoDataFrame, at: int, _rng: np.random.Generator) -> gpd.GeoDataFrame:
        return put(table, at, shapely.transform(table.geometry.iloc[at], lambda points: points + np.array([dx, dy])))

    return defect


def _again(table: gpd.GeoDataFrame, at: int, *, code: str, shape: shapely.Geometry) -> gpd.GeoDataFrame:
    row = (
        table.iloc[[at]].assign(code=code).set_geometry(gpd.GeoSeries([shape], index=[table.index[at]], crs=table.crs))
    )
    joined = pd.concat([table, row])
    return joined.set_axis(pd.RangeIndex(2, len(joined) + 2), axis="index")


def _twice_the_same(table: gpd.GeoDataFrame, at: int, _rng: np.random.Generator) -> gpd.GeoDataFrame:
    return _again(table, at, code=table["code"].iloc[at], shape=table.geometry.iloc[at])


def _twice_different(table: gpd.GeoDataFrame, at: int, rng: np.random.Generator) -> gpd.GeoDataFrame:
    return _again(table, at, code=table["code"].iloc[at], shape=table.geometry.iloc[at].buffer(rng.uniform(20, 200)))


def _in_two_parts(table: gpd.GeoDataFrame, at: int, rng: np.random.Generator) -> gpd.GeoDataFrame:
    own = table.geometry.iloc[at]
    west, south, east, north = own.bounds
    line = west + rng.uniform(0.3, 0.7) * (east - west)
    left, right = (own.intersection(shapely.box(a, south, b, north)) for a, b in ((west, line), (line, east)))
    return _again(put(table, at, left), at, code=table["code"].iloc[at], shape=right)


def _code_of_another(table: gpd.GeoDataFrame, at: int, _rng: np.random.Generator) -> gpd.GeoDataFrame:
    other = (at + 1) % len(table)
    return table.assign(code=table["code"].where(np.arange(len(table)) != at, table["code"].iloc[other]))


def _exchanged(table: gpd.GeoDataFrame, at: int, _rng: np.random.Generator) -> gpd.GeoDataFrame:
    other = (at + 1) % len(table)
    codes = table["code"].to_numpy(dtype="object").copy()
    codes[[at, other]] = codes[[other, at]]
    return table.assign(code=codes)


def _repeated_part(table: gpd.GeoDataFrame, at: int, _rng: np.random.Generator) -> gpd.GeoDataFrame:
    return put(table, at, shapely.MultiPolygon([largest(table, at)] * 2))


def _vertex_moved(low: float, high: float) -> Defect:
    """Move a vertex that others surround, for this commune alone; on the outer edge another outline is no defect."""

    def defect(table: gpd.GeoDataFrame, at: int, rng: np.random.Generator) -> gpd.GeoDataFrame:
        points = ring(table, at)
        inner = shapely.contains_properly(shapely.union_all(table.geometry.to_numpy()), shapely.points(points))
        found = points.copy()
        chosen = int(rng.choice(np.flatnonzero(inner[1:-1]) + 1))
        angle, far = rng.uniform(0, 2 * np.pi), rng.uniform(low, high)
        found[chosen] += far * np.array([np.cos(angle), np.sin(angle)])
        return with_ring(table, at, found)

    return defect


DEFECTS: dict[str, tuple[Defect, frozenset[str]]] = {
    "loop of a metre": (_edited(_loop), frozenset({REPAIRED, REFUSED})),
    "spike without width": (_edited(_spike), frozenset({REPAIRED, REFUSED})),
    "repeated vertex": (_edited(_repeat), frozenset({REPAIRED})),
    "third dimension": (_in_three_dimensions, frozenset({REPAIRED})),
    "collection with a point and a line": (_collection, frozenset({REPAIRED})),
    "shifted by less than the tolerance": (_shift, frozenset({REPAIRED})),
    "vertex moved by less than the tolerance": (_vertex_moved(0.01, 0.9), frozenset({REPAIRED})),
    "same row twice": (_twice_the_same, frozenset({REPAIRED})),
    "commune in two rows": (_in_two_parts, frozenset({REPAIRED})),
    "bow-tie": (_bow_tie, frozenset({REFUSED})),
    "grown over its neighbours": (_buffered(5, 500), frozenset({REFUSED})),
    "missing geometry": (lambda table, at, _rng: put(table, at, None), frozenset({REFUSED})),
    "empty geometry": (lambda table, at, _rng: put(table, at, shapely.Polygon()), frozenset({REFUSED})),
    "point for a polygon": (_point, frozenset({REFUSED})),
    "line for a polygon": (_line, frozenset({REFUSED})),
    "no surface": (_flat, frozenset({REFUSED})),
    "coordinate NaN": (_one(np.nan), frozenset({REFUSED})),
    "coordinate infinite": (_one(np.inf), frozenset({REFUSED})),
    "coordinate 1e308": (_one(1e308), frozenset({REFUSED})),
    "vertex at 0, 0": (_edited(_origin), frozenset({REFUSED})),
    "one row in degrees": (_other_crs("EPSG:4326"), frozenset({REFUSED})),
    "one row in degrees, latitude first": (_other_crs("EPSG:4326", swapped=True), frozenset({REFUSED})),
    "one row in Web Mercator": (_other_crs("EPSG:3857"), frozenset({REFUSED})),
    "one row abroad": (_moved(0, -900_000), frozenset({REFUSED})),
    "one row at the antimeridian": (_moved(11_000_000, 0), frozenset({REFUSED})),
    "file in degrees declared as Lambert-93": (_whole_file("EPSG:4326", "EPSG:2154"), frozenset({REFUSED})),
    "file in Lambert-93 declared as degrees": (_whole_file("EPSG:2154", "EPSG:4326"), frozenset({REFUSED})),
    "file in Web Mercator declared as Lambert-93": (_whole_file("EPSG:3857", "EPSG:2154"), frozenset({REFUSED})),
    "file in latitude, longitude": (_whole_file("EPSG:4326", "EPSG:4326", swapped=True), frozenset({REFUSED})),
    "two different contours of one code": (_twice_different, frozenset({REFUSED})),
    "code of another commune": (_code_of_another, frozenset({REFUSED})),
    "codes exchanged": (_exchanged, frozenset({REFUSED})),
    "part given twice": (_repeated_part, frozenset({REFUSED})),
    "shrunk": (_buffered(-400, -60), frozenset({TOLD, REFUSED})),
    "hole punched": (_punched, frozenset({TOLD})),
    "vertex moved by more than the tolerance": (_vertex_moved(30, 300), frozenset({TOLD, REFUSED})),
}
"""Each defect, and what may become of it."""
