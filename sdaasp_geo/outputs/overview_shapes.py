"""Shapes of an overview, generalised for the screen: shared arcs for the script, a sketch for the picture."""

from __future__ import annotations

from collections.abc import Mapping

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely import affinity

from sdaasp_geo.outputs.map_model import Ranks
from sdaasp_geo.outputs.map_svg import Sketch
from sdaasp_geo.outputs.overview_arcs import Arcs, share_arcs
from sdaasp_geo.outputs.overview_model import FRANCE, MAINLAND, Overview

TOLERANCES_M = {True: 400.0, False: 150.0}
"""Generalisation of the contours, metres: France, a region."""

STEPS_DEGREES = {True: 0.0005, False: 0.0002}
"""Grid of the coordinates, degrees: France, a region."""

Layers = Mapping[str, gpd.GeoDataFrame]
"""By territory: ``code`` and shapes."""

_SKETCH_UNITS = 600.0
_GAP, _LABEL = 0.12, 0.16


def generalise(overview: Overview) -> Layers:
    """Generalise the communes of each territory as one coverage, in the legal CRS."""
    tolerance = TOLERANCES_M[overview.code == FRANCE]
    return {
        territory: layer.set_geometry(_simplified(layer.geometry, tolerance))
        for territory, layer in overview.shapes.items()
    }


def display_arcs(overview: Overview, layers: Layers) -> tuple[Arcs, float]:
    """Cut the generalised communes in shared arcs.

    Returns
    -------
    Arcs
        Shapes in the order of ``overview.communes``, in steps of the grid, EPSG:4326.
    float
        The step, degrees.
    """
    shapes = pd.concat([layer.to_crs("EPSG:4326") for layer in layers.values()]).set_index("code").geometry
    step = STEPS_DEGREES[overview.code == FRANCE]
    return share_arcs([shapes.get(code) for code in overview.communes["code"]], step=step), step


def _simplified(shapes: gpd.GeoSeries, tolerance: float) -> gpd.GeoSeries:
    """Simplify a coverage; a missing shape stays missing."""
    known = shapes.notna()
    simple = shapes.copy()
    simple.loc[known] = shapely.coverage_simplify(shapes[known].to_numpy(), tolerance)
    return simple


def draw_sketch(overview: Overview, generalised: Layers, ranks: Ranks) -> Sketch:
    """Unite the communes of each class, coarsely, with the outlines of the départements; islands stand at the side.

    Returns
    -------
    Sketch
        ``communes`` has one row by class, whose ``code`` is its rank.
    """
    of = dict(zip(overview.communes["code"], ranks, strict=True))
    departement = dict(zip(overview.communes["code"], overview.communes["departement"], strict=True))
    pieces: dict[int, list[shapely.Geometry]] = {}
    lines: list[shapely.Geometry] = []
    labels: list[tuple[float, float, str]] = []
    drawn = _sketch_layers(generalised)
    first = next(iter(drawn.values()))
    boxes = _boxes(first.total_bounds, len(drawn) - 1)
    for number, (territory, layer) in enumerate(drawn.items()):
        moved = layer if number == 0 else layer.set_geometry(_fitted(layer.geometry, boxes[number - 1]))
        for rank, own in moved.geometry.groupby(moved["code"].map(of)):
            pieces.setdefault(int(rank), []).append(shapely.coverage_union_all(own.to_numpy()))
        outlines = [
            shapely.boundary(shapely.coverage_union_all(own.to_numpy()))
            for _, own in moved.geometry.groupby(moved["code"].map(departement))
        ]
        lines += shapely.get_parts(outlines).tolist()
        if number:
            west, south, east, _ = boxes[number - 1]
            lines.append(shapely.boundary(shapely.box(*boxes[number - 1])))
            labels.append(((west + east) / 2, south + (east - west) * 0.05, _label(overview, territory)))
    united = gpd.GeoDataFrame(
        {"code": [str(rank) for rank in sorted(pieces)]},
        geometry=[_joined(pieces[rank]) for rank in sorted(pieces)],
        crs=first.crs,
    )
    return Sketch(united, shapely.multilinestrings(lines), shapely.MultiLineString(), tuple(labels))


def _sketch_layers(generalised: Layers) -> Layers:
    layers = {}
    for territory, layer in generalised.items():
        known = layer[layer.geometry.notna()]
        west, _, east, _ = known.total_bounds
        layers[territory] = known.set_geometry(_simplified(known.geometry, (east - west) / _SKETCH_UNITS))
    return layers


def _boxes(bounds: np.ndarray, size: int) -> list[tuple[float, float, float, float]]:
    """Return the boxes of the islands, in a column at the left of the mainland."""
    west, south, _, north = bounds
    side = (north - south) / max(size, 1) / (1 + _GAP)
    right = west - side * _GAP
    return [
        (right - side, north - (rank + 1) * side * (1 + _GAP), right, north - (rank + 1) * side * (1 + _GAP) + side)
        for rank in range(size)
    ]


def _fitted(shapes: gpd.GeoSeries, box: tuple[float, float, float, float]) -> list[shapely.Geometry]:
    """Move and scale shapes into a box, above its label."""
    west, south, east, north = shapes.total_bounds
    room = (box[2] - box[0]) * (1 - _LABEL - 0.06)
    scale = room / max(east - west, north - south)
    centre = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2 + (box[2] - box[0]) * _LABEL / 2)
    matrix = [scale, 0, 0, scale, centre[0] - scale * (west + east) / 2, centre[1] - scale * (south + north) / 2]
    return [affinity.affine_transform(shape, matrix) for shape in shapes]


def _joined(shapes: list[shapely.Geometry]) -> shapely.Geometry:
    """Put the polygons of several shapes in one."""
    return shapely.multipolygons([part for part in shapely.get_parts(shapes) if part.geom_type == "Polygon"])


def territory_label(overview: Overview, territory: str) -> str:
    """Name a territory: the mainland, the département overseas."""
    return "France métropolitaine" if territory == MAINLAND else _label(overview, territory)


def _label(overview: Overview, territory: str) -> str:
    communes = overview.communes
    return str(communes.loc[communes["territory"] == territory, "departement_name"].iloc[0])
