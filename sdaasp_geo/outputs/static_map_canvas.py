"""Drawing tools of the printed maps: shapes as paths, texts that the font can draw, PNG of few colours."""

from __future__ import annotations

import functools
import io
from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
from matplotlib import ft2font
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont
from matplotlib.path import Path
from PIL import Image, ImageColor

from sdaasp_geo.outputs import palette
from sdaasp_geo.outputs.escape import plain_text

DPI = 180
WIDTH_CM = 16.0
FONT = "DejaVu Sans"
HATCH_PT = 0.35
Box = tuple[float, float, float, float]
"""West, south, east, north."""

_COLOURS = 128
_EXACT = ("#ffffff", palette.INK, palette.NEIGHBOUR_COLOUR, palette.DEPARTEMENT_COLOUR, palette.MUTED)


@dataclass(frozen=True)
class Frame:
    """What a map shows.

    Attributes
    ----------
    title : str
        Title, in French.
    codes : frozenset of str
        Communes that it colours.
    box : tuple of float
        West, south, east and north, metres, CRS of the study.
    outline : Geometry
        Outline of the territory.
    others : GeoSeries
        Outlines around it.
    departement_dashed : bool
        The border of the département crosses the territory.
    labels : int
        How many names of communes without a place are written at most.
    """

    title: str
    codes: frozenset[str]
    box: Box
    outline: shapely.Geometry
    others: gpd.GeoSeries
    departement_dashed: bool
    labels: int


def png(canvas: FigureCanvasAgg, colours: Sequence[str]) -> bytes:
    """Return what was drawn as a PNG of few colours, without metadata but its resolution.

    Parameters
    ----------
    canvas : FigureCanvasAgg
        The finished drawing.
    colours : sequence of str
        Colours (``#rrggbb``) that must come out as they are: those of the classes.
    """
    canvas.draw()  # type: ignore[no-untyped-call]
    pixels = np.asarray(canvas.buffer_rgba())[:, :, :3]  # type: ignore[no-untyped-call]
    exact = [*dict.fromkeys([*colours, *_EXACT])]
    kept = _COLOURS - len(exact)
    mixed = Image.fromarray(pixels).quantize(kept, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    ranks = np.array(mixed)
    packed = pixels[:, :, 0].astype(np.uint32) << 16 | pixels[:, :, 1].astype(np.uint32) << 8 | pixels[:, :, 2]
    for rank, colour in enumerate(exact, start=kept):  # a median cut mixes rare colours with their neighbours
        ranks[packed == int(colour[1:], 16)] = rank
    channels = [*(mixed.getpalette() or []), *([0] * 3 * kept)][: 3 * kept]
    reduced = Image.fromarray(ranks)
    reduced.putpalette([*channels, *(channel for colour in exact for channel in ImageColor.getrgb(colour))])
    stream = io.BytesIO()
    reduced.save(stream, format="PNG", dpi=(DPI, DPI), compress_level=6)
    return stream.getvalue()


def paths(shapes: Sequence[shapely.Geometry]) -> list[Path]:
    """Turn polygons into paths, holes included."""
    paths = []
    for shape in shapes:
        rings = [
            ring
            for polygon in shapely.get_parts(shape)
            if polygon.geom_type == "Polygon"
            for ring in (polygon.exterior, *polygon.interiors)
        ]
        paths.append(Path.make_compound_path(*(Path(shapely.get_coordinates(ring), closed=True) for ring in rings)))
    return paths


def filled(shapes: gpd.GeoSeries, *, colour: str, hatch: str) -> PathCollection:
    """Return polygons of one colour, with a hatch that shows on it."""
    layer = PathCollection(paths(shapes), facecolor=colour, edgecolor=hatch_colour(colour), linewidth=0.0)
    if hatch:
        layer.set_hatch(hatch)
    layer.set_hatch_linewidth(HATCH_PT)
    return layer


def hatch_colour(colour: str) -> str:
    """Choose white or ink, whichever shows on a colour."""
    red, green, blue = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
    dark = 0.299 * red + 0.587 * green + 0.114 * blue < 128  # noqa: PLR2004 - half of the luma scale (Rec. 601)
    return "#ffffff" if dark else "#555555"


def lines(shapes: Sequence[shapely.Geometry]) -> list[npt.NDArray[np.float64]]:
    """Return the boundaries of polygons as lines."""
    boundaries = shapely.get_parts(shapely.boundary([shape for shape in shapes if shape is not None]))
    return [shapely.get_coordinates(line) for line in boundaries]


def write(
    figure: Figure,
    x: float,
    y: float,
    text: str,
    *,
    size: float,
    va: str,
    weight: str = "normal",
    colour: str = palette.INK,
) -> None:
    """Write a text on the page, in fractions of the figure; several lines are allowed, mathematics are not."""
    lines = "\n".join(printable(line) for line in text.split("\n"))
    figure.text(
        x + 0.005,
        y,
        lines,
        fontproperties=FontProperties(family=FONT, size=size, weight=weight),
        color=colour,
        va=va,
        parse_math=False,
    )


@functools.cache
def _known_characters() -> frozenset[int]:
    return frozenset(ft2font.FT2Font(findfont(FontProperties(family=FONT))).get_charmap())


def printable(text: str) -> str:
    """Return a text that the font can draw; other characters become a replacement sign."""
    return "".join(character if ord(character) in _known_characters() else "\ufffd" for character in plain_text(text))
