"""Names on the printed maps: placed one after the other, where they cover neither a symbol nor another name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.font_manager import FontProperties
from matplotlib.patheffects import withStroke
from matplotlib.text import Text

from sdaasp_geo.analysis.deficits import NOT_MEASURED, SERVED
from sdaasp_geo.outputs import palette
from sdaasp_geo.outputs.static_map_canvas import DPI, FONT, Box, Frame, printable
from sdaasp_geo.study import Measures, Study

_LABEL_PT = 6.5
_PIXELS_PER_PT = DPI / 72
_SYMBOL_PT = 4.5
_AROUND_PT = 1.6
_GAP_PT = 6.0
_SCALE_BAR_PT = (95.0, 26.0)
_ARROW_PT = (26.0, 45.0)


@dataclass(frozen=True)
class _Label:
    """A name to place: where, whether beside a symbol, and whether it belongs to what the map colours."""

    x: float
    y: float
    name: str
    place: bool
    own: bool


def _wanted_labels(study: Study, measures: Measures, frame: Frame, points: gpd.GeoDataFrame) -> list[_Label]:
    """Return the names to place, most useful first: service places, communes beyond a threshold, larger communes."""
    people = points["code_commune"].map(study.communes.set_index("code")["population"]).fillna(0)
    ordered = points.assign(own=points["code_commune"].isin(frame.codes), people=people)
    ordered = ordered.sort_values(["own", "people", "permanent", "id"], ascending=[False, False, False, True])
    ordered = ordered.drop_duplicates("code_commune")
    wanted = [
        _Label(row.geometry.x, row.geometry.y, str(row.commune), place=True, own=row.own)
        for row in ordered.itertuples(index=False)
    ]
    service = study.scheme.mesure.services[0]
    access = measures.access[measures.access["service"] == service].set_index("code")
    own = study.communes[study.communes["code"].isin(frame.codes & set(access.index)) & study.communes["ref_x"].notna()]
    beyond = ~own["code"].map(access["class"]).isin([SERVED, NOT_MEASURED])
    ranked = own.assign(beyond=beyond).sort_values(["beyond", "population", "code"], ascending=[False, False, True])
    placed = set(points["code_commune"])
    rest = ranked[~ranked["code"].isin(placed)].itertuples(index=False)
    return [*wanted, *(_Label(row.ref_x, row.ref_y, str(row.name), place=False, own=True) for row in rest)]


def draw_labels(
    canvas: FigureCanvasAgg, axes: Axes, study: Study, measures: Measures, frame: Frame, points: gpd.GeoDataFrame
) -> None:
    """Place names around their point, each where it covers neither a symbol nor another name; others are left out.

    Parameters
    ----------
    points : GeoDataFrame
        Service points drawn on the map, CRS of the study.
    """
    renderer = canvas.get_renderer()  # type: ignore[no-untyped-call]
    to_pixels = axes.transData.transform
    extent = axes.get_window_extent()
    limits = (extent.x0, extent.y0, extent.x1, extent.y1)
    taken = [_symbol_box(*to_pixels((point.x, point.y))) for point in points.geometry]
    taken += _furniture_boxes(limits)
    number = 0
    for label in _wanted_labels(study, measures, frame, points):
        if number >= frame.labels:
            break
        text = axes.text(
            label.x,
            label.y,
            printable(label.name),
            fontproperties=_label_font(label),
            color=palette.INK if label.own else palette.MUTED,
            parse_math=False,
            zorder=6,
            path_effects=[withStroke(linewidth=1.8, foreground="white")],
        )
        size = text.get_window_extent(renderer)
        anchor = to_pixels((label.x, label.y))
        gap = _GAP_PT * _PIXELS_PER_PT if label.place else 0.0
        spot = _free_spot((anchor[0], anchor[1]), (size.width, size.height), taken, limits, gap=gap)
        if spot is None:
            text.remove()
            continue
        taken.append(_around(spot))
        _move(axes, text, spot)
        number += not label.place


def _label_font(label: _Label) -> FontProperties:
    return FontProperties(family=FONT, size=_LABEL_PT, weight="bold" if label.place and label.own else "normal")


def _furniture_boxes(limits: Box) -> list[Box]:
    """Return the boxes of the scale bar and of the north arrow (pixels)."""
    west, south, east, north = limits
    bar, arrow = ((width * _PIXELS_PER_PT, height * _PIXELS_PER_PT) for width, height in (_SCALE_BAR_PT, _ARROW_PT))
    return [(west, south, west + bar[0], south + bar[1]), (east - arrow[0], north - arrow[1], east, north)]


def _around(box: Box) -> Box:
    """Return a box with room at its sides, so that two names do not read as one (pixels)."""
    room = _AROUND_PT * _PIXELS_PER_PT
    return box[0] - room, box[1], box[2] + room, box[3]


def _symbol_box(x: float, y: float) -> Box:
    half = _SYMBOL_PT * _PIXELS_PER_PT
    return x - half, y - half, x + half, y + half


def _free_spot(
    anchor: tuple[float, float],
    extent: tuple[float, float],
    taken: Sequence[Box],
    limits: Box,
    *,
    gap: float,
) -> Box | None:
    """Return the first box around an anchor that lies within the limits and meets no box that is taken (pixels)."""
    x, y = anchor
    width, height = extent
    starts = [
        (x + gap, y - height / 2),
        (x - gap - width, y - height / 2),
        (x - width / 2, y + gap),
        (x - width / 2, y - gap - height),
    ]
    if gap == 0:
        starts = [(x - width / 2, y - height / 2)]
    for left, low in starts:
        box = (left, low, left + width, low + height)
        inside = box[0] > limits[0] and box[1] > limits[1] and box[2] < limits[2] and box[3] < limits[3]
        free = all(box[2] < other[0] or other[2] < box[0] or box[3] < other[1] or other[3] < box[1] for other in taken)
        if inside and free:
            return box
    return None


def _move(axes: Axes, text: Text, spot: Box) -> None:
    left, low = axes.transData.inverted().transform((spot[0], spot[1]))
    text.set_position((left, low))
    text.set_horizontalalignment("left")
    text.set_verticalalignment("bottom")
