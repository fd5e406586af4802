"""Printed maps (PNG) of an EPCI and of the département, for the annexes: same classes and colours as the web map.

Drawn with matplotlib's object interface on its own canvas: no global state, no display, and the same bytes every time.
"""

from __future__ import annotations

import functools
import io
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from matplotlib import ft2font
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.path import Path
from matplotlib.patheffects import withStroke
from matplotlib.text import Text
from matplotlib_scalebar.scalebar import ScaleBar
from PIL import Image, ImageColor

from sdaasp_geo.analysis.deficits import NOT_MEASURED, SERVED
from sdaasp_geo.french import NARROW_NBSP, NBSP, count, date, listing
from sdaasp_geo.outputs import palette
from sdaasp_geo.outputs.escape import plain_text
from sdaasp_geo.outputs.web_map_text import joined_access, legend_rows, main_rules
from sdaasp_geo.parameters import service_names
from sdaasp_geo.study import Measures, Study

DPI = 180
WIDTH_CM = 16.0
_CM_PER_INCH = 2.54
_HEIGHT_CM = (9.0, 15.0)
_MARGIN = 0.06
_FONT = "DejaVu Sans"
_EPCI_LABELS, _DEPARTEMENT_LABELS = 30, 12
_LABEL_PT = 6.5
_CREDIT_CHARACTERS = 145
_HATCH_PT = 0.35
_COLOURS = 128
_EXACT = ("#ffffff", palette.INK, palette.NEIGHBOUR_COLOUR, palette.DEPARTEMENT_COLOUR, palette.MUTED)


@dataclass(frozen=True)
class _Frame:
    """What a map shows: its title, the communes that it colours, its box in metres, and the outlines."""

    title: str
    codes: frozenset[str]
    box: tuple[float, float, float, float]
    outline: shapely.Geometry
    others: gpd.GeoSeries
    departement_dashed: bool
    labels: int


@dataclass(frozen=True)
class _Label:
    """A name to place: where, whether beside a symbol, and whether it belongs to what the map colours."""

    x: float
    y: float
    name: str
    place: bool
    own: bool


def draw_epci_map(study: Study, measures: Measures, *, siren: str) -> bytes:
    """Draw the access map of one EPCI, whole, on both sides of the département's border.

    Parameters
    ----------
    study : Study
        Layers, in the legal CRS (metres).
    measures : Measures
        Access of the main service.
    siren : str
        An EPCI of ``study.epci``.

    Returns
    -------
    bytes
        PNG, 16 cm wide at 180 dpi.

    Raises
    ------
    KeyError
        When the EPCI is not one of the study's.
    """
    row = _epci(study, siren)
    codes = frozenset(study.communes.loc[study.communes["epci"] == siren, "code"])
    around = pd.concat([study.epci.loc[study.epci["siren"] != siren, "geometry"], study.neighbours.geometry])
    label = service_names(study.parameters, study.scheme.mesure.services[0]).plural
    frame = _Frame(
        title=f"Accès aux {label}{NBSP}: {row['name']}",
        codes=codes,
        box=_box(row["geometry"]),
        outline=row["geometry"],
        others=gpd.GeoSeries(around, crs=study.communes.crs),
        departement_dashed=bool(row["communes_outside"]),
        labels=_EPCI_LABELS,
    )
    return _draw(study, measures, frame)


def draw_departement_map(study: Study, measures: Measures) -> bytes:
    """Draw the access map of the département with the whole of the EPCI that straddle its border.

    Returns
    -------
    bytes
        PNG, 16 cm wide at 180 dpi.
    """
    communes = study.communes
    own = set(study.epci["siren"])
    codes = frozenset(communes.loc[communes["inside"] | communes["epci"].isin(own), "code"])
    label = service_names(study.parameters, study.scheme.mesure.services[0]).plural
    shape = study.departement.geometry.iloc[0]
    whole = shapely.box(*gpd.GeoSeries([shape, *study.epci.geometry.dropna()]).total_bounds)
    frame = _Frame(
        title=f"Accès aux {label}{NBSP}: {study.departement_name}",
        codes=codes,
        box=_box(whole),
        outline=shape,
        others=gpd.GeoSeries(pd.concat([study.epci.geometry, study.neighbours.geometry]), crs=communes.crs),
        departement_dashed=False,
        labels=_DEPARTEMENT_LABELS,
    )
    return _draw(study, measures, frame)


def alt_text(study: Study, measures: Measures, *, siren: str) -> str:
    """Describe the map of an EPCI in one French paragraph, for those who cannot see it.

    Raises
    ------
    KeyError
        When the EPCI is not one of the study's.
    """
    row = _epci(study, siren)
    service = study.scheme.mesure.services[0]
    access = joined_access(study, measures, service)
    own = access[access["epci"] == siren]
    outside = f", dont {int(row['communes_outside'])} hors du département" if row["communes_outside"] else ""
    parts = []
    for entry in palette.legend_entries(main_rules(study)):
        number = int((own["class"] == entry.code).sum())
        if number:
            span = f" ({entry.span})" if entry.span else ""
            parts.append(f"{entry.label.lower()}{span}{NBSP}: {count(number, 'commune')}")
    doubtful = int(own["to_check"].sum())
    check = f" {count(doubtful, 'commune')} à vérifier." if doubtful else ""
    points = _points_of(study, frozenset(own["code"]))
    places = _places_text(points, label=service_names(study.parameters, service).plural)
    text = (
        f"Carte de l'accès aux {service_names(study.parameters, service).plural} dans l'EPCI {row['name']}{NBSP}: "
        f"{count(len(own), 'commune')}{outside}. {_sentence(parts)}{check} {places}"
    )
    return plain_text(text)


def _sentence(parts: list[str]) -> str:
    text = f"{NARROW_NBSP}; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _places_text(points: gpd.GeoDataFrame, *, label: str) -> str:
    permanent = sorted(set(points.loc[points["permanent"], "commune"]))
    partial = sorted(set(points.loc[~points["permanent"], "commune"]))
    texts = [
        f"Accueils permanents{NBSP}: {listing(permanent)}."
        if permanent
        else f"Aucun accueil permanent parmi les {label}."
    ]
    if partial:
        texts.append(f"Présences partielles{NBSP}: {listing(partial)}.")
    return " ".join(texts)


def _epci(study: Study, siren: str) -> pd.Series:
    found = study.epci[study.epci["siren"] == siren]
    if found.empty:
        raise KeyError(siren)
    return found.iloc[0]


def _points_of(study: Study, codes: frozenset[str]) -> gpd.GeoDataFrame:
    service = study.scheme.mesure.services[0]
    return study.points[(study.points["service"] == service) & study.points["code_commune"].isin(codes)]


def _box(shape: shapely.Geometry) -> tuple[float, float, float, float]:
    """Return the box of a shape, widened, and kept between two proportions of a page."""
    west, south, east, north = shape.bounds
    margin = _MARGIN * max(east - west, north - south)
    west, south, east, north = west - margin, south - margin, east + margin, north + margin
    lowest, highest = (height / WIDTH_CM for height in _HEIGHT_CM)
    ratio = (north - south) / (east - west)
    if ratio < lowest:
        missing = (lowest * (east - west) - (north - south)) / 2
        south, north = south - missing, north + missing
    elif ratio > highest:
        missing = ((north - south) / highest - (east - west)) / 2
        west, east = west - missing, east + missing
    return west, south, east, north


def _draw(study: Study, measures: Measures, frame: _Frame) -> bytes:
    west, south, east, north = frame.box
    width = WIDTH_CM / _CM_PER_INCH
    map_height = 0.994 * width * (north - south) / (east - west)
    rows = _legend_handles(study, measures, frame)
    legend_height = 0.165 * -(-len(rows) // 2) + 0.1
    credit = _credits(study, measures)
    top, foot = 0.34, 0.1 + 0.1 * len(credit.split("\n"))
    height = top + map_height + legend_height + foot
    figure = Figure(figsize=(width, height), dpi=DPI, facecolor="white")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes((0.003, (foot + legend_height) / height, 0.994, map_height / height))
    axes.set_xlim(west, east)
    axes.set_ylim(south, north)
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_color("#9a9a96")
    _draw_communes(axes, study, measures, frame)
    _draw_outlines(axes, study, frame)
    points = _draw_points(axes, study, frame)
    _draw_furniture(axes, study, frame)
    _draw_labels(canvas, axes, study, measures, frame, points)
    _write(figure, 0.0, 1 - 0.07 / height, frame.title, size=10.5, weight="bold", va="top")
    legend = figure.legend(
        handles=rows,
        loc="upper left",
        bbox_to_anchor=(0.0, (foot + legend_height) / height),
        ncols=2,
        frameon=False,
        prop=FontProperties(family=_FONT, size=7.2),
        borderaxespad=0.4,
        columnspacing=2.0,
        handlelength=2.2,
    )
    for handle in legend.get_patches():
        handle.set_hatch_linewidth(_HATCH_PT)
    _write(figure, 0.0, 0.05 / height, credit, size=5.8, colour=palette.MUTED, va="bottom")
    classes = [entry.colour for entry in palette.legend_entries(main_rules(study))]
    return _png(canvas, [*dict.fromkeys([*classes, *_EXACT])])


def _png(canvas: FigureCanvasAgg, exact: Sequence[str]) -> bytes:
    """Return what was drawn as a PNG of few colours, without metadata but its resolution; some colours stay exact."""
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())[:, :, :3]
    image = Image.fromarray(pixels)
    mixed = (
        image.quantize(_COLOURS - len(exact), method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).getpalette()
        or []
    )
    colours = Image.new("P", (1, 1))
    colours.putpalette([*(channel for colour in exact for channel in ImageColor.getrgb(colour)), *mixed])
    ranks = np.array(image.quantize(palette=colours, dither=Image.Dither.NONE))
    packed = pixels[:, :, 0].astype(np.uint32) << 16 | pixels[:, :, 1].astype(np.uint32) << 8 | pixels[:, :, 2]
    for rank, colour in enumerate(exact):  # Pillow's nearest colour is approximate
        ranks[packed == int(colour[1:], 16)] = rank
    reduced = Image.fromarray(ranks, mode="P")
    reduced.putpalette(colours.getpalette() or [])
    stream = io.BytesIO()
    reduced.save(stream, format="PNG", dpi=(DPI, DPI), compress_level=6)
    return stream.getvalue()


def _paths(shapes: Sequence[shapely.Geometry]) -> list[Path]:
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


def _draw_communes(axes: Axes, study: Study, measures: Measures, frame: _Frame) -> None:
    communes = study.communes[study.communes.geometry.notna()]
    near = communes[communes.geometry.intersects(shapely.box(*frame.box))]
    others = near[~near["code"].isin(frame.codes)]
    axes.add_collection(
        PathCollection(_paths(others.geometry), facecolor=palette.NEIGHBOUR_COLOUR, edgecolor="#d9d9d4", linewidth=0.3),
        autolim=False,
    )
    service = study.scheme.mesure.services[0]
    access = measures.access[measures.access["service"] == service].set_index("code")
    own = near[near["code"].isin(frame.codes & set(access.index))]
    classes, doubtful = own["code"].map(access["class"]), own["code"].map(access["to_check"]).astype(bool)
    for entry in palette.legend_entries(main_rules(study)):
        for check in (False, True):
            shapes = own.geometry[(classes == entry.code) & (doubtful == check)]
            if len(shapes):
                hatch = palette.CHECK_HATCH if check else entry.hatch
                axes.add_collection(_filled(shapes, colour=entry.colour, hatch=hatch), autolim=False)
    axes.add_collection(
        PathCollection(_paths(own.geometry), facecolor="none", edgecolor="white", linewidth=0.5), autolim=False
    )


def _filled(shapes: gpd.GeoSeries, *, colour: str, hatch: str) -> PathCollection:
    layer = PathCollection(_paths(shapes), facecolor=colour, edgecolor=_hatch_colour(colour), linewidth=0.0)
    layer.set_hatch(hatch or None)
    layer.set_hatch_linewidth(_HATCH_PT)
    return layer


def _hatch_colour(colour: str) -> str:
    """Choose white or ink, whichever shows on a colour."""
    red, green, blue = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
    dark = 0.299 * red + 0.587 * green + 0.114 * blue < 128  # noqa: PLR2004 - half of the luma scale (Rec. 601)
    return "#ffffff" if dark else "#555555"


def _lines(shapes: Sequence[shapely.Geometry]) -> list[np.ndarray]:
    boundaries = shapely.get_parts(shapely.boundary([shape for shape in shapes if shape is not None]))
    return [shapely.get_coordinates(line) for line in boundaries]


def _draw_outlines(axes: Axes, study: Study, frame: _Frame) -> None:
    axes.add_collection(LineCollection(_lines(list(frame.others)), colors="#77776f", linewidths=0.7), autolim=False)
    axes.add_collection(LineCollection(_lines([frame.outline]), colors=palette.INK, linewidths=1.5), autolim=False)
    style = (0, (5, 2.5)) if frame.departement_dashed else "solid"
    shape = study.departement.geometry.iloc[0]
    axes.add_collection(
        LineCollection(_lines([shape]), colors=palette.DEPARTEMENT_COLOUR, linewidths=1.3, linestyles=[style]),
        autolim=False,
    )


def _draw_points(axes: Axes, study: Study, frame: _Frame) -> gpd.GeoDataFrame:
    """Draw the points of the main service that lie in the box; return them."""
    west, south, east, north = frame.box
    service = study.scheme.mesure.services[0]
    points = study.points[(study.points["service"] == service) & study.points.geometry.notna()]
    points = points[points.geometry.x.between(west, east) & points.geometry.y.between(south, north)]
    for permanent, marker, size in ((True, "o", 26), (False, "D", 24)):
        own = points[points["permanent"] == permanent]
        axes.scatter(
            own.geometry.x,
            own.geometry.y,
            marker=marker,
            s=size,
            c="white",
            edgecolors=palette.INK,
            linewidths=1.1,
            zorder=5,
        )
    return points


def _draw_furniture(axes: Axes, study: Study, frame: _Frame) -> None:
    axes.add_artist(
        ScaleBar(
            1,
            location="lower left",
            box_alpha=0.8,
            color=palette.INK,
            width_fraction=0.006,
            border_pad=0.6,
            font_properties={"family": _FONT, "size": 7},
            length_fraction=0.2,
            rotation="horizontal-only",
        )
    )
    arrow = {"arrowstyle": "-|>", "color": palette.INK, "linewidth": 1.2}
    axes.annotate(
        "N",
        xy=(0.965, 0.975),
        xytext=(0.965, 0.885),
        xycoords="axes fraction",
        arrowprops=arrow,
        ha="center",
        va="top",
        fontproperties=FontProperties(family=_FONT, size=8, weight="bold"),
        zorder=7,
    )
    del study, frame


def _wanted_labels(study: Study, measures: Measures, frame: _Frame, points: gpd.GeoDataFrame) -> list[_Label]:
    """Return the names to place, most useful first: places of the service, communes beyond a threshold, larger communes."""
    ordered = points.assign(own=points["code_commune"].isin(frame.codes)).drop_duplicates("code_commune")
    ordered = ordered.sort_values(["own", "permanent", "commune", "id"], ascending=[False, False, True, True])
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


def _draw_labels(
    canvas: FigureCanvasAgg, axes: Axes, study: Study, measures: Measures, frame: _Frame, points: gpd.GeoDataFrame
) -> None:
    """Place names around their point, each where it covers neither a symbol nor another name; the others are left out."""
    renderer = canvas.get_renderer()
    to_pixels = axes.transData.transform
    size = DPI / 72
    limits = axes.get_window_extent()
    taken = [_square(*to_pixels((point.x, point.y)), half=4.5 * size) for point in points.geometry]
    taken += [
        (limits.x0, limits.y0, limits.x0 + 95 * size, limits.y0 + 26 * size),
        (limits.x1 - 26 * size, limits.y1 - 45 * size, limits.x1, limits.y1),
    ]
    number = 0
    for label in _wanted_labels(study, measures, frame, points):
        if number >= frame.labels:
            break
        text = axes.text(
            label.x,
            label.y,
            _printable(label.name),
            fontproperties=_label_font(label),
            color=palette.INK if label.own else palette.MUTED,
            parse_math=False,
            zorder=6,
            path_effects=[withStroke(linewidth=1.8, foreground="white")],
        )
        extent = text.get_window_extent(renderer)
        spot = _free_spot(
            to_pixels((label.x, label.y)),
            (extent.width, extent.height),
            taken,
            (limits.x0, limits.y0, limits.x1, limits.y1),
            gap=(6 if label.place else 0) * size,
        )
        if spot is None:
            text.remove()
            continue
        taken.append(spot)
        _move(axes, text, spot)
        number += not label.place


def _label_font(label: _Label) -> FontProperties:
    return FontProperties(family=_FONT, size=_LABEL_PT, weight="bold" if label.place and label.own else "normal")


def _square(x: float, y: float, *, half: float) -> tuple[float, float, float, float]:
    return x - half, y - half, x + half, y + half


def _free_spot(
    anchor: Sequence[float],
    extent: tuple[float, float],
    taken: Sequence[tuple[float, float, float, float]],
    limits: tuple[float, float, float, float],
    *,
    gap: float,
) -> tuple[float, float, float, float] | None:
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


def _move(axes: Axes, text: Text, spot: tuple[float, float, float, float]) -> None:
    left, low = axes.transData.inverted().transform((spot[0], spot[1]))
    text.set_position((left, low))
    text.set_horizontalalignment("left")
    text.set_verticalalignment("bottom")


def _legend_handles(study: Study, measures: Measures, frame: _Frame) -> list[Patch | Line2D]:
    """Return the legend: the classes (the same as the map's), then the marks."""
    handles: list[Patch | Line2D] = []
    for row in legend_rows(study, measures):
        entry = row.entry
        label = f"{entry.label}{NBSP}: {entry.span}" if entry.span else entry.label
        handles.append(
            Patch(
                facecolor=entry.colour,
                edgecolor=_hatch_colour(entry.colour),
                linewidth=0.0,
                hatch=entry.hatch or None,
                label=_printable(label),
            )
        )
    service = study.scheme.mesure.services[0]
    own = measures.access[(measures.access["service"] == service) & measures.access["code"].isin(frame.codes)]
    if own["to_check"].any():
        handles.append(
            Patch(
                facecolor="white",
                edgecolor="#555555",
                linewidth=0.4,
                hatch=palette.CHECK_HATCH,
                label="À vérifier (le seuil est dans la bande d'erreur)",
            )
        )
    dash = (0, (5, 2.5)) if frame.departement_dashed else "solid"
    symbol = {"linestyle": "none", "markerfacecolor": "white", "markeredgecolor": palette.INK, "markersize": 5}
    handles += [
        Line2D([], [], color=palette.DEPARTEMENT_COLOUR, linewidth=1.3, linestyle=dash, label="Limite du département"),
        Line2D([], [], marker="o", label="Accueil permanent", **symbol),
        Line2D([], [], marker="D", label="Présence partielle (ne compte pas)", **symbol),
    ]
    return handles


def _credits(study: Study, measures: Measures) -> str:
    own_file = study.scheme.fichiers.communes
    contours = "contours fournis" if own_file else "contours IGN"
    kind = "Temps estimés" if measures.method.estimate else "Temps"
    year = study.scheme.millesimes.mesure
    text = (
        f"{kind}{NBSP}: {measures.method.label}. Sources{NBSP}: {contours}, périmètres INSEE et DGCL au 1er{NBSP}janvier{NBSP}{year}, "
        f"points de la grille commune de services. Édition du {date(study.scheme.edition)}. {study.scheme.nom}."
    )
    return "\n".join(textwrap.wrap(text, _CREDIT_CHARACTERS))


def _write(
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
    lines = "\n".join(_printable(line) for line in text.split("\n"))
    figure.text(
        x + 0.005,
        y,
        lines,
        fontproperties=FontProperties(family=_FONT, size=size, weight=weight),
        color=colour,
        va=va,
        parse_math=False,
    )


@functools.cache
def _known_characters() -> frozenset[int]:
    return frozenset(ft2font.FT2Font(findfont(FontProperties(family=_FONT))).get_charmap())


def _printable(text: str) -> str:
    """Return a text that the font can draw; other characters become a replacement sign."""
    return "".join(character if ord(character) in _known_characters() else "\ufffd" for character in plain_text(text))
