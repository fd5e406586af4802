"""The map as an inline picture (SVG): what remains where no script runs, and the thumbnails of the atlas."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from sdaasp_geo.french import NBSP, number
from sdaasp_geo.outputs import palette
from sdaasp_geo.outputs.escape import plain_text
from sdaasp_geo.outputs.map_model import COMMUNE, Theme, View

WIDTH = 1000
SMALL_WIDTH = 300
"""Units across the picture, and across a thumbnail: a coordinate is one of them."""

_MARGIN = 8
_NICE_KM = (1, 2, 5, 10, 20, 50, 100, 200)
_SCALE_SHARE = 0.22
_METRES_PER_KM = 1000.0


@dataclass(frozen=True)
class Sketch:
    """Coarse shapes in the legal CRS (metres), of one coverage.

    Attributes
    ----------
    communes : GeoDataFrame
        ``code`` and shape of the studied communes.
    lines, edge : geometry
        Outlines of the EPCI, and of the département.
    labels : tuple of (float, float, str)
        Words to write, centred on a place (metres).
    """

    communes: gpd.GeoDataFrame
    lines: shapely.Geometry
    edge: shapely.Geometry
    labels: tuple[tuple[float, float, str], ...] = ()


def draw_svg(sketch: Sketch, theme: Theme, view: View, *, codes: list[str], alt: str, small: bool = False) -> str:
    """Draw a view as an SVG element.

    Parameters
    ----------
    codes : list of str
        Code of each studied commune, in the order of ``theme.rows``.
    alt : str
        What a screen reader says.
    small : bool
        A thumbnail: no scale nor north.
    """
    bounds = np.array([sketch.communes.total_bounds, shapely.bounds(sketch.lines)])
    west, south = np.nanmin(bounds[:, :2], axis=0)
    east, north = np.nanmax(bounds[:, 2:], axis=0)
    width = SMALL_WIDTH if small else WIDTH
    unit = (east - west) / (width - 2 * _MARGIN)
    height = round((north - south) / unit) + 2 * _MARGIN
    pen = width / WIDTH
    place = _Placed(west - _MARGIN * unit, north + _MARGIN * unit, unit)
    thin = f' stroke="#fff" stroke-width="{pen:.1f}"' if theme.level == COMMUNE else ""
    parts = [_PATTERN] if not small else [_PATTERN.replace('id="h"', f'id="h-{theme.code}"')]
    hatch = "url(#h)" if not small else f"url(#h-{theme.code})"
    shapes = dict(zip(sketch.communes["code"], sketch.communes.geometry, strict=True))
    placed = [(code, row) for code, row in zip(codes, theme.rows, strict=True) if code in shapes and row >= 0]
    ranked = [(code, view.ranks[row]) for code, row in placed]
    for rank, entry in enumerate(view.classes):
        own = [shapes[code] for code, of in ranked if of == rank]
        if own:
            path = "".join(place.path(shape) for shape in own)
            parts.append(f'<path d="{path}" fill="{entry.colour}"{thin}/>')
            parts += [f'<path d="{path}" fill="{hatch}"/>'] if entry.hatched else []
    parts.append(
        f'<path d="{place.path(sketch.lines)}" fill="none" stroke="{palette.INK}" stroke-width="{2 * pen:.1f}"/>'
    )
    dashes = f'stroke-width="{4 * pen:.1f}" stroke-dasharray="{12 * pen:.1f} {6 * pen:.1f}"'
    parts.append(f'<path d="{place.path(sketch.edge)}" fill="none" stroke="{palette.DEPARTEMENT_COLOUR}" {dashes}/>')
    parts += [place.text(x, y, said) for x, y, said in sketch.labels]
    if not small:
        parts.append(_furniture(unit, height))
    words = escape(plain_text(alt))
    return (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{words}" xmlns="http://www.w3.org/2000/svg">'
        f"{''.join(parts)}</svg>"
    )


_PATTERN = (
    '<defs><pattern id="h" width="10" height="10" patternUnits="userSpaceOnUse">'
    '<path d="M-1 11 11-1" stroke="#6b6b6b" stroke-width="1.5"/></pattern></defs>'
)


@dataclass(frozen=True)
class _Placed:
    """Where the picture lies: its corner, and metres by unit."""

    west: float
    north: float
    unit: float

    def path(self, shape: shapely.Geometry) -> str:
        """Write polygons and lines as a path of relative whole coordinates."""
        lines = shapely.get_parts(shape)
        rings = [
            ring
            for part in lines
            for ring in ((part.exterior, *part.interiors) if part.geom_type == "Polygon" else (part,))
        ]
        return "".join(self._ring(shapely.get_coordinates(ring)) for ring in rings)

    def text(self, x: float, y: float, said: str) -> str:
        """Write a word centred on a place."""
        across, down = round((x - self.west) / self.unit), round((self.north - y) / self.unit)
        return f'<text x="{across}" y="{down}" font-size="17" text-anchor="middle">{escape(plain_text(said))}</text>'

    def _ring(self, coordinates: npt.NDArray[np.float64]) -> str:
        across = np.rint((coordinates[:, 0] - self.west) / self.unit)
        down = np.rint((self.north - coordinates[:, 1]) / self.unit)
        whole = np.column_stack([across, down]).astype(np.int64)
        steps = np.diff(whole, axis=0)
        steps = steps[(steps != 0).any(axis=1)]
        if len(steps) == 0:
            return ""
        moves = " ".join(f"{x} {y}" for x, y in steps.tolist()).replace(" -", "-")
        return f"M{whole[0, 0]} {whole[0, 1]}l{moves}"


def _furniture(unit: float, height: int) -> str:
    """Draw the scale bar and the north arrow."""
    most = _SCALE_SHARE * WIDTH * unit / _METRES_PER_KM
    km = max((value for value in _NICE_KM if value <= most), default=_NICE_KM[0])
    length = round(km * _METRES_PER_KM / unit)
    y = height - 14
    return (
        f'<path d="M14 {y - 8}v8h{length}v-8" fill="none" stroke="#1b1b1b" stroke-width="2"/>'
        f'<text x="{14 + length // 2}" y="{y - 12}" font-size="22" text-anchor="middle">{number(km)}{NBSP}km</text>'
        f'<path d="M{WIDTH - 30} 70V20m-10 14 10-16 10 16" fill="none" stroke="#1b1b1b" stroke-width="3"/>'
        f'<text x="{WIDTH - 30}" y="94" font-size="22" text-anchor="middle">N</text>'
    )
