"""The picture shown with a shared address (Open Graph): the map of the département and its figures, 1200 × 630."""

from __future__ import annotations

import textwrap

import shapely
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Patch

from sdaasp_geo.outputs import palette
from sdaasp_geo.outputs.headline import headline_figures, headline_rules
from sdaasp_geo.outputs.static_map_canvas import FONT, filled, lines, paths, png, printable, write
from sdaasp_geo.parameters import service_names
from sdaasp_geo.study import Measures, Study

WIDTH_PX, HEIGHT_PX = 1200, 630
"""Size that social networks and messaging ask for."""

_DPI = 100
_MAP_PART = 0.52
_MARGIN = 0.03
_TEXT_X = 0.55
_TITLE_PT, _TITLE_LETTERS = 30, 16


def draw_share_picture(study: Study, measures: Measures) -> bytes:
    """Draw the access map of the département beside the figures that matter; the same bytes every time.

    Returns
    -------
    bytes
        PNG, 1200 × 630 pixels.
    """
    figure = Figure(figsize=(WIDTH_PX / _DPI, HEIGHT_PX / _DPI), dpi=_DPI, facecolor="white")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes((0.01, 0.02, _MAP_PART, 0.96))
    axes.set_axis_off()
    _draw_map(axes, study, measures)
    _write_texts(figure, study, measures)
    return png(canvas, [entry.colour for entry in palette.legend_entries(headline_rules(study))])


def _draw_map(axes: Axes, study: Study, measures: Measures) -> None:
    """Colour the communes of the département by class of the main service that has rules."""
    rules = headline_rules(study)
    communes = study.communes[study.communes["inside"] & study.communes.geometry.notna()]
    shape = study.departement.geometry.iloc[0]
    if rules:
        own = measures.access[measures.access["service"] == rules[0].service].set_index("code")
        classes, doubtful = communes["code"].map(own["class"]), communes["code"].map(own["to_check"]).astype(bool)
        for entry in palette.legend_entries(rules):
            for check in (False, True):
                shapes = communes.geometry[(classes == entry.code) & (doubtful == check)]
                if len(shapes):
                    hatch = palette.CHECK_HATCH if check else entry.hatch
                    axes.add_collection(filled(shapes, colour=entry.colour, hatch=hatch), autolim=False)
    borders = PathCollection(paths(communes.geometry), facecolor="none", edgecolor="white", linewidth=0.4)
    axes.add_collection(borders, autolim=False)
    inside = [shapely.intersection(border, shape) for border in study.epci.geometry.dropna()]
    inside = [border for border in inside if not border.is_empty]
    axes.add_collection(LineCollection(lines(inside), colors="#555555", linewidths=0.9), autolim=False)
    axes.add_collection(LineCollection(lines([shape]), colors=palette.INK, linewidths=1.8), autolim=False)
    west, south, east, north = shape.bounds
    margin = _MARGIN * max(east - west, north - south)
    axes.set_xlim(west - margin, east + margin)
    axes.set_ylim(south - margin, north + margin)
    axes.set_aspect("equal")


def _write_texts(figure: Figure, study: Study, measures: Measures) -> None:
    name = study.departement_name
    write(
        figure,
        _TEXT_X,
        0.94,
        name,
        size=min(_TITLE_PT, _TITLE_PT * _TITLE_LETTERS / len(name)),
        weight="bold",
        va="top",
    )
    write(figure, _TEXT_X, 0.855, "Accès aux services au public", size=16, colour=palette.MUTED, va="top")
    y = 0.77
    for found in headline_figures(study, measures):
        label = textwrap.wrap(found.label, 50)[:2]
        write(figure, _TEXT_X, y, found.value, size=22, weight="bold", va="top")
        write(figure, _TEXT_X, y - 0.065, "\n".join(label), size=12, colour=palette.MUTED, va="top")
        y -= 0.085 + 0.035 * len(label)
    if headline_rules(study):
        _draw_legend(figure, study, measures)


def _draw_legend(figure: Figure, study: Study, measures: Measures) -> None:
    rules = headline_rules(study)
    inside = study.communes.loc[study.communes["inside"], "code"]
    own = measures.access[(measures.access["service"] == rules[0].service) & measures.access["code"].isin(inside)]
    handles = [
        Patch(facecolor=entry.colour, hatch=entry.hatch or None, edgecolor="#888888", linewidth=0.5, label=label)
        for entry in palette.legend_entries(rules)
        for label in [printable(f"{entry.label} ({entry.span})" if entry.span else entry.label)]
        if (own["class"] == entry.code).any()
    ]
    if own["to_check"].any():
        check = Patch(facecolor="white", hatch=palette.CHECK_HATCH, edgecolor="#555555", linewidth=0.5)
        check.set_label("À vérifier (le seuil est dans la bande d'erreur)")
        handles.append(check)
    figure.legend(
        handles=handles,
        title=printable(service_names(study.parameters, rules[0].service).label),
        title_fontproperties=FontProperties(family=FONT, size=11, weight="bold"),
        alignment="left",
        loc="lower left",
        bbox_to_anchor=(_TEXT_X, 0.02),
        frameon=False,
        prop=FontProperties(family=FONT, size=10),
        borderaxespad=0.0,
    )
