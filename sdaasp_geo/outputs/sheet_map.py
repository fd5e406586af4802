"""A printed map of classes: title, map, legend and credits, one sheet 16 cm wide."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

import geopandas as gpd
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from sdaasp_geo import french
from sdaasp_geo.french import NBSP
from sdaasp_geo.outputs import palette
from sdaasp_geo.outputs.static_map_canvas import (
    DPI,
    FONT,
    WIDTH_CM,
    Box,
    filled,
    hatch_colour,
    lines,
    png,
    printable,
    write,
)
from sdaasp_geo.study import Study

_CM_PER_INCH = 2.54
_CREDIT_CHARACTERS = 138
_CREDIT_IN, _LEGEND_IN, _TITLE_IN = 0.34, 0.62, 0.33
_BORDER = "Limite du département"


def open_sheet(box: Box) -> tuple[Figure, Axes]:
    """Return a figure with room for title, legend and credits, and axes that hold a box (metres) to scale."""
    west, south, east, north = box
    width = WIDTH_CM / _CM_PER_INCH
    map_height = 0.994 * width * (north - south) / (east - west)
    height = _TITLE_IN + map_height + _LEGEND_IN + _CREDIT_IN
    figure = Figure(figsize=(width, height), dpi=DPI, facecolor="white")
    axes = figure.add_axes((0.003, (_CREDIT_IN + _LEGEND_IN) / height, 0.994, map_height / height))
    axes.set_xlim(west, east)
    axes.set_ylim(south, north)
    axes.set_xticks([])
    axes.set_yticks([])
    return figure, axes


def fill_classes(axes: Axes, shapes: gpd.GeoSeries, found: pd.Series, colours: Mapping[str, str], missing: str) -> None:
    """Fill shapes by class; those of the class ``missing`` are hatched.

    Parameters
    ----------
    shapes, found : GeoSeries, Series
        Shapes and their class, on one index.
    colours : mapping
        Class → colour, in the order of the legend.
    """
    for label, colour in colours.items():
        own = shapes[found == label]
        if len(own):
            hatch = palette.NOT_MEASURED_HATCH if label == missing else ""
            axes.add_collection(filled(own, colour=colour, hatch=hatch), autolim=False)


def draw_limit(axes: Axes, study: Study) -> None:
    """Draw the limit of the département."""
    edge = lines([study.departement.geometry.iloc[0]])
    axes.add_collection(LineCollection(edge, colors=palette.DEPARTEMENT_COLOUR, linewidths=1.3), autolim=False)


def close_sheet(
    figure: Figure, *, title: str, colours: Mapping[str, str], missing: str, marks: Sequence[Artist] = (), note: str
) -> bytes:
    """Write title, legend (classes, then marks, then the limit) and credits; return the PNG."""
    height = figure.get_figheight()
    write(figure, 0.0, 1 - 0.07 / height, title, size=10.5, weight="bold", va="top")
    classes = [
        Patch(
            facecolor=colour,
            edgecolor=hatch_colour(colour),
            linewidth=0.0,
            hatch=palette.NOT_MEASURED_HATCH if label == missing else None,
            label=printable(label),
        )
        for label, colour in colours.items()
    ]
    limit = Line2D([], [], color=palette.DEPARTEMENT_COLOUR, linewidth=1.3, label=_BORDER)
    figure.legend(
        handles=[*classes, *marks, limit],
        loc="upper left",
        bbox_to_anchor=(0.0, (_CREDIT_IN + _LEGEND_IN) / height),
        ncols=3,
        frameon=False,
        prop=FontProperties(family=FONT, size=7.2),
        borderaxespad=0.4,
    )
    wrapped = "\n".join(textwrap.wrap(printable(note), _CREDIT_CHARACTERS))
    write(figure, 0.0, 0.05 / height, wrapped, size=5.8, colour=palette.MUTED, va="bottom")
    return png(FigureCanvasAgg(figure), list(colours.values()))


def sources_note(study: Study) -> str:
    """Say where contours and perimeters come from, at which vintage and edition, and for which scheme."""
    return (
        f"Contours{NBSP}: {'fournis' if study.scheme.fichiers.communes else 'IGN'} ; périmètres INSEE et DGCL au "
        f"1er{NBSP}janvier{NBSP}{study.scheme.millesimes.mesure}. Édition du {french.date(study.scheme.edition)}. "
        f"{study.scheme.nom}."
    )
