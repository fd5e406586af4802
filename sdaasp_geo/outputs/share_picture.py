"""The picture shown with a shared address (Open Graph): the map of the département and its figures, 1200 × 630."""

from __future__ import annotations

import bisect
import textwrap

import shapely
from matplotlib import ft2font
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont
from matplotlib.patches import Patch

from sdaasp_geo.outputs import palette
from sdaasp_geo.outputs.escape import NO_NAME
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
_TITLE_PT, _TITLE_LEAST_PT, _TITLE_LETTERS = 30.0, 15.0, 16
_CLASS_PT = 10.0
_TEXT_PX = 525.0
_LABEL_PX = 490.0
"""Room for a line of text, and for a class of the legend."""

_LETTERS_MOST = 400
_FT_UNITS = 64


def draw_share_picture(study: Study, measures: Measures) -> bytes:
    """Draw the access map of the département beside the figures that matter; the same bytes every time.

    Returns
    -------
    bytes
        PNG, 1200 × 630 pixels.
    """
    figure = share_figure(study, measures)
    return png(FigureCanvasAgg(figure), [entry.colour for entry in palette.legend_entries(headline_rules(study))])


def share_figure(study: Study, measures: Measures) -> Figure:
    """Lay out the picture; a text that is too long for it ends with an ellipsis, and none is mathematics.

    Returns
    -------
    Figure
        1200 × 630 pixels.
    """
    figure = Figure(figsize=(WIDTH_PX / _DPI, HEIGHT_PX / _DPI), dpi=_DPI, facecolor="white")
    axes = figure.add_axes((0.01, 0.02, _MAP_PART, 0.96))
    axes.set_axis_off()
    _draw_map(axes, study, measures)
    _write_texts(figure, study, measures)
    return figure


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
    name = printable(study.departement_name) or NO_NAME
    size = max(_TITLE_LEAST_PT, min(_TITLE_PT, _TITLE_PT * _TITLE_LETTERS / len(name)))
    name = _fitted(name, _TEXT_PX, size=size, weight="bold")
    write(figure, _TEXT_X, 0.94, name, size=size, weight="bold", va="top")
    write(figure, _TEXT_X, 0.855, "Accès aux services au public", size=16, colour=palette.MUTED, va="top")
    y = 0.77
    for found in headline_figures(study, measures):
        lines = textwrap.wrap(printable(found.label), 50, max_lines=2, placeholder="…")
        label = [_fitted(line, _TEXT_PX, size=12) for line in lines]
        write(figure, _TEXT_X, y, found.value, size=22, weight="bold", va="top")
        write(figure, _TEXT_X, y - 0.065, "\n".join(label), size=12, colour=palette.MUTED, va="top")
        y -= 0.085 + 0.035 * len(label)
    if headline_rules(study):
        _draw_legend(figure, study, measures)


def _fitted(text: str, width_px: float, *, size: float, weight: str = "normal") -> str:
    """Cut off what a text, in points, has beyond a width; what is cut off is replaced by an ellipsis."""
    if len(text) <= _LETTERS_MOST and _width_px(text, size=size, weight=weight) <= width_px:
        return text
    kept = bisect.bisect_right(
        range(1, min(len(text), _LETTERS_MOST)),
        width_px,
        key=lambda end: _width_px(f"{text[:end]}…", size=size, weight=weight),
    )
    return f"{text[:kept].rstrip()}…"


def _width_px(text: str, *, size: float, weight: str = "normal") -> float:
    font = ft2font.FT2Font(findfont(FontProperties(family=FONT, weight=weight)))
    font.set_size(size, _DPI)
    font.set_text(text)
    return float(font.get_width_height()[0]) / _FT_UNITS


def _draw_legend(figure: Figure, study: Study, measures: Measures) -> None:
    rules = headline_rules(study)
    inside = study.communes.loc[study.communes["inside"], "code"]
    own = measures.access[(measures.access["service"] == rules[0].service) & measures.access["code"].isin(inside)]
    handles = [
        Patch(facecolor=entry.colour, hatch=entry.hatch or None, edgecolor="#888888", linewidth=0.5, label=label)
        for entry in palette.legend_entries(rules)
        for label in [_class_label(entry)]
        if (own["class"] == entry.code).any()
    ]
    if own["to_check"].any():
        check = Patch(facecolor="white", hatch=palette.CHECK_HATCH, edgecolor="#555555", linewidth=0.5)
        check.set_label("À vérifier (le seuil est dans la bande d'erreur)")
        handles.append(check)
    title = printable(service_names(study.parameters, rules[0].service).label)
    legend = figure.legend(
        handles=handles,
        title=_fitted(title, _TEXT_PX, size=11, weight="bold"),
        title_fontproperties=FontProperties(family=FONT, size=11, weight="bold"),
        alignment="left",
        loc="lower left",
        bbox_to_anchor=(_TEXT_X, 0.02),
        frameon=False,
        prop=FontProperties(family=FONT, size=_CLASS_PT),
        borderaxespad=0.0,
    )
    for text in (legend.get_title(), *legend.get_texts()):
        text.set_parse_math(False)


def _class_label(entry: palette.LegendEntry) -> str:
    """Write a class and its span; what is too long is cut off the class."""
    span = printable(f" ({entry.span})") if entry.span else ""
    return _fitted(printable(entry.label), _LABEL_PX - _width_px(span, size=_CLASS_PT), size=_CLASS_PT) + span
