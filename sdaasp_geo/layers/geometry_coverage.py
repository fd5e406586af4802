"""Contours that should join: slivers closed, overlaps refused, holes told, each with its place and its surface.

Where every contour already joins its neighbours, nothing is touched. Elsewhere, and only there, contours are snapped to
the vertices of their neighbours within a tolerance, their lines are cut where they cross, and each narrow face that
belongs to none or to several communes goes to one: the one with which it shares the longest edge, then the lowest code.
"""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from sdaasp_geo.errors import Fault
from sdaasp_geo.french import NBSP, number
from sdaasp_geo.layers.geometry_place import place_of

_PASSES = 3
"""Cutting lines rounds coordinates: what is left after a few passes is refused."""

_M2_PER_HA = 1e4
_ROUNDED_M = 1e-3
"""Edges that differ by less are equally long: the code decides."""

_TINY_M2 = 1e-4
"""One square centimetre: below, an overlap is the rounding of coordinates."""


@dataclass(frozen=True)
class Joined:
    """Contours after joining.

    Attributes
    ----------
    table : GeoDataFrame
        The contours, rows in the order given.
    changed : DataFrame
        ``code, area_m2``: contours that moved, and the surface given or taken (symmetric difference).
    faults : tuple of Fault
        Overlaps too wide to be closed, and contours that still do not join.
    """

    table: gpd.GeoDataFrame
    changed: pd.DataFrame
    faults: tuple[Fault, ...]


def mean_width_m(shapes: npt.NDArray[np.object_]) -> npt.NDArray[np.float64]:
    """Return the mean width of polygons: twice the surface over the perimeter (a long strip of width w has w)."""
    perimeter = shapely.length(shapes)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(perimeter > 0, 2 * shapely.area(shapes) / perimeter, 0.0)


def join_coverage(table: gpd.GeoDataFrame, *, tolerance_m: float, file: str) -> Joined:
    """Make contours join where they miss each other by less than a tolerance.

    Parameters
    ----------
    table : GeoDataFrame
        ``code, name`` and valid polygons in a metric CRS, one row per code; the index is the row of the file.
    tolerance_m : float
        Greatest mean width, included, of the gaps and overlaps that are closed; and greatest move of a vertex.
    file : str
        Name of the file, for the faults.

    Returns
    -------
    Joined
        A coverage that was valid is returned bit for bit.
    """
    ranked = table.sort_values("code")
    before = ranked.geometry.to_numpy()
    shapes, faults = before.copy(), []
    for _ in range(_PASSES):
        torn = torn_contours(shapes, width_m=tolerance_m)
        if not torn.any():
            break
        given = shapes
        shapes = _snapped(shapes, torn, tolerance_m=tolerance_m)
        shapes, wide = _settled(shapes, torn, tolerance_m=tolerance_m)
        if wide:
            shapes, faults = given, [_overlap_fault(ranked, face, owners, file=file) for face, owners in wide]
            break
        if all(one is other or one.equals_exact(other, 0) for one, other in zip(shapes, given, strict=True)):
            break
    shapes = _filled(shapes, tolerance_m=tolerance_m)
    left = torn_contours(shapes, width_m=0.0)
    if not faults:
        faults = [_torn_fault(ranked.iloc[[at]], file=file) for at in np.flatnonzero(left)]
    moved = np.array([not one.equals_exact(other, 0) for one, other in zip(shapes, before, strict=True)], dtype="bool")
    area = shapely.area(shapely.symmetric_difference(shapes[moved], before[moved]))
    changed = pd.DataFrame({"code": ranked["code"].to_numpy()[moved], "area_m2": area})
    joined = ranked.set_geometry(gpd.GeoSeries(shapes, index=ranked.index, crs=table.crs)).loc[table.index]
    return Joined(joined, changed, tuple(faults))


def torn_contours(shapes: npt.NDArray[np.object_], *, width_m: float) -> npt.NDArray[np.bool_]:
    """Tell the polygons whose edges do not match their neighbours', or leave a gap narrower than ``width_m``."""
    return np.asarray(~shapely.is_empty(shapely.coverage_invalid_edges(shapes, gap_width=width_m)))


def coverage_holes(table: gpd.GeoDataFrame) -> list[tuple[shapely.Polygon, list[str]]]:
    """Return the holes that communes enclose, largest first, each with the codes that touch it.

    A hole is no fault of the contours: a commune that the file lacks, a foreign enclave, a lake.
    """
    shapes = table.geometry.to_numpy()
    holes = _holes(shapes)
    if not holes:
        return []
    rows, which = shapely.STRtree(shapes).query(holes, predicate="intersects")
    codes = table["code"].to_numpy(dtype="object")
    told = [(hole, sorted(codes[which[rows == at]])) for at, hole in enumerate(holes)]
    return sorted(told, key=lambda one: (-one[0].area, one[1]))


def _holes(shapes: npt.NDArray[np.object_]) -> list[shapely.Polygon]:
    whole = shapely.union_all(shapes)
    rings = [shapely.Polygon(ring) for part in shapely.get_parts(whole) for ring in part.interiors]
    return [part for ring in rings for part in shapely.get_parts(shapely.difference(ring, whole))]


def _filled(shapes: npt.NDArray[np.object_], *, tolerance_m: float) -> npt.NDArray[np.object_]:
    """Close the narrow holes that a single contour surrounds: they are gaps between no two contours."""
    holes = np.array(_holes(shapes), dtype="object")
    found, tree = shapes.copy(), shapely.STRtree(shapes)
    for hole in holes[mean_width_m(holes) <= tolerance_m] if len(holes) else []:
        heir = _heir(hole, [], found, tree)
        if heir is not None:
            found[heir] = only_polygons(shapely.union(found[heir], hole))
    return found


def _snapped(
    shapes: npt.NDArray[np.object_], torn: npt.NDArray[np.bool_], *, tolerance_m: float
) -> npt.NDArray[np.object_]:
    """Bring each torn contour to the vertices of the sound ones and of the torn ones before it."""
    found = shapes.copy()
    tree = shapely.STRtree(shapes)
    done = ~torn
    for at in np.flatnonzero(torn):
        near = tree.query(shapes[at], predicate="dwithin", distance=tolerance_m)
        others = [found[other] for other in near if other != at and done[other]]
        vertices = shapely.points(shapely.get_coordinates(others))
        close = vertices[shapely.dwithin(vertices, shapely.boundary(found[at]), tolerance_m)]
        if len(close):
            found[at] = only_polygons(shapely.snap(found[at], shapely.union_all(close), tolerance_m))
        done[at] = True
    return found


def _settled(
    shapes: npt.NDArray[np.object_], torn: npt.NDArray[np.bool_], *, tolerance_m: float
) -> tuple[npt.NDArray[np.object_], list[tuple[shapely.Polygon, list[int]]]]:
    """Cut the lines of the torn contours where they cross and give each face to one; return the wide overlaps too."""
    faces = shapely.get_parts(shapely.polygonize([shapely.union_all(shapely.boundary(shapes[torn]))]))
    inner = shapely.point_on_surface(faces)
    who, where = shapely.STRtree(inner).query(shapes, predicate="intersects")
    owners = pd.Series(who).groupby(where).agg(lambda group: sorted(int(one) for one in group))
    tree = shapely.STRtree(shapes)
    thin = mean_width_m(faces) <= tolerance_m
    pieces: dict[int, list[shapely.Polygon]] = {}
    wide = []
    for at, face in enumerate(faces):
        own = owners.get(at, [])
        if len(own) != 1 and not thin[at]:
            wide += [(face, own)] if own and face.area > _TINY_M2 else []
            if not own:
                continue
        chosen = own[0] if len(own) == 1 else _heir(face, own, shapes, tree)
        if chosen is not None:
            pieces.setdefault(chosen, []).append(face)
    found = shapes.copy()
    for place in np.flatnonzero(torn):
        found[place] = only_polygons(shapely.union_all(pieces.get(int(place), [shapes[place]])))
    return found, wide


def _heir(
    face: shapely.Polygon, owners: list[int], shapes: npt.NDArray[np.object_], tree: shapely.STRtree
) -> int | None:
    """Return the contour that gets a narrow face: the longest common edge, then the lowest code (positions follow)."""
    candidates = np.array(owners or sorted(tree.query(face, predicate="intersects")), dtype="int64")
    if len(candidates) == 0:
        return None
    edges = shapely.intersection(face.boundary, shapely.boundary(shapes[candidates]))
    return int(candidates[np.argmax(np.round(shapely.length(edges) / _ROUNDED_M))])


def only_polygons(shape: shapely.Geometry) -> shapely.Geometry:
    """Return the polygons of a shape, made valid where it is not: outlines kept, lines and points left out."""
    if not shape.is_valid:
        shape = shapely.make_valid(shape, method="structure", keep_collapsed=False)
    if shape.geom_type in {"Polygon", "MultiPolygon"}:
        return shape
    parts = [part for part in shapely.get_parts(shape) if part.geom_type in {"Polygon", "MultiPolygon"}]
    return shapely.union_all(parts) if parts else shapely.Polygon()


def area_text(area_m2: float) -> str:
    """Write a surface in hectares, or in square metres below one."""
    if area_m2 >= _M2_PER_HA:
        return f"{number(area_m2 / _M2_PER_HA, digits=1)}{NBSP}ha"
    return f"{number(area_m2, digits=0 if area_m2 >= 1 else 2)}{NBSP}m²"


def _overlap_fault(ranked: gpd.GeoDataFrame, face: shapely.Polygon, owners: list[int], *, file: str) -> Fault:
    rows = ranked.iloc[owners]
    names = " et ".join(f"{code} {name}" for code, name in rows[["code", "name"]].itertuples(index=False))
    value = f"{names}{NBSP}: {area_text(face.area)} en commun, vers {place_of(face, ranked.crs)}"
    remedy = (
        "Corrigez la limite, ou reprenez ces contours d'une même source et d'un même millésime. Un recouvrement plus "
        "étroit que contour-raccord-m est réparé."
    )
    return Fault(file, int(rows.index.max()), "geometry", value, "un lieu dans une seule commune", remedy)


def _torn_fault(row: gpd.GeoDataFrame, *, file: str) -> Fault:
    value = f"{row['code'].iloc[0]} {row['name'].iloc[0]}, vers {place_of(row.geometry.iloc[0], row.crs)}"
    remedy = "Reprenez ce contour et ceux de ses voisins d'une même source."
    return Fault(file, int(row.index[0]), "geometry", value, "un contour qui se raccorde à ses voisins", remedy)
