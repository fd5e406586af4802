"""Printed maps (PNG) of an EPCI and of the département, for the annexes: same classes and colours as the web map.

Drawn with matplotlib's object interface on its own canvas: no global state, no display, and the same bytes every time.
"""

from __future__ import annotations

import textwrap

import geopandas as gpd
import pandas as pd
import shapely
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib_scalebar.scalebar import ScaleBar

from sdaasp_geo.french import NARROW_NBSP, NBSP, count, date, listing, number
from sdaasp_geo.outputs import palette
from sdaasp_geo.outputs.escape import plain_text
from sdaasp_geo.outputs.static_map_canvas import (
    DPI,
    FONT,
    HATCH_PT,
    WIDTH_CM,
    Box,
    Frame,
    filled,
    hatch_colour,
    lines,
    paths,
    png,
    printable,
    write,
)
from sdaasp_geo.outputs.static_map_labels import draw_labels
from sdaasp_geo.outputs.web_map_text import joined_access, legend_rows, main_rules
from sdaasp_geo.parameters import service_names
from sdaasp_geo.study import Measures, Study

_CM_PER_INCH = 2.54
_HEIGHT_CM = (9.0, 15.0)
_MARGIN = 0.06
_EPCI_LABELS, _DEPARTEMENT_LABELS = 30, 12
_TITLE_CHARACTERS, _CREDIT_CHARACTERS = 66, 138
_NAMED = 12
_DASH: tuple[float, tuple[float, float]] = (0, (5, 2.5))


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
    frame = Frame(
        title=f"Accès aux {label}{NBSP}: {row['name']}",
        codes=codes,
        box=padded_box(row["geometry"]),
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
    frame = Frame(
        title=f"Accès aux {label}{NBSP}: {study.departement_name}",
        codes=codes,
        box=padded_box(whole),
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
        found = int((own["class"] == entry.code).sum())
        if found:
            span = f" ({entry.span})" if entry.span else ""
            parts.append(f"{entry.label.lower()}{span}{NBSP}: {count(found, 'commune')}")
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
        f"Accueils permanents{NBSP}: {_few(permanent)}." if permanent else f"Aucun accueil permanent parmi les {label}."
    ]
    if partial:
        texts.append(f"Présences partielles{NBSP}: {_few(partial)}.")
    return " ".join(texts)


def _few(names: list[str]) -> str:
    """List names; beyond a dozen, count the others."""
    others = len(names) - _NAMED
    if others < 2:  # noqa: PLR2004 - « et 1 autre commune » would be longer than its name
        return listing(names)
    return listing([*names[:_NAMED], f"{number(others)}{NBSP}autres communes"])


def _epci(study: Study, siren: str) -> pd.Series:
    found = study.epci[study.epci["siren"] == siren]
    if found.empty:
        raise KeyError(siren)
    return found.iloc[0]


def _points_of(study: Study, codes: frozenset[str]) -> gpd.GeoDataFrame:
    service = study.scheme.mesure.services[0]
    return study.points[(study.points["service"] == service) & study.points["code_commune"].isin(codes)]


def padded_box(shape: shapely.Geometry) -> Box:
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


def _draw(study: Study, measures: Measures, frame: Frame) -> bytes:
    west, south, east, north = frame.box
    width = WIDTH_CM / _CM_PER_INCH
    map_height = 0.994 * width * (north - south) / (east - west)
    rows = _legend_handles(study, measures, frame)
    legend_height = 0.165 * -(-len(rows) // 2) + 0.1
    credit = _credits(study, measures)
    title = "\n".join(textwrap.wrap(frame.title, _TITLE_CHARACTERS))
    top, foot = 0.15 + 0.18 * len(title.split("\n")), 0.1 + 0.1 * len(credit.split("\n"))
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
    draw_furniture(axes)
    draw_labels(canvas, axes, study, measures, frame, points)
    write(figure, 0.0, 1 - 0.07 / height, title, size=10.5, weight="bold", va="top")
    legend = figure.legend(
        handles=rows,
        loc="upper left",
        bbox_to_anchor=(0.0, (foot + legend_height) / height),
        ncols=2,
        frameon=False,
        prop=FontProperties(family=FONT, size=7.2),
        borderaxespad=0.4,
        columnspacing=2.0,
        handlelength=2.2,
    )
    for handle in legend.get_patches():
        handle.set_hatch_linewidth(HATCH_PT)
    write(figure, 0.0, 0.05 / height, credit, size=5.8, colour=palette.MUTED, va="bottom")
    return png(canvas, [entry.colour for entry in palette.legend_entries(main_rules(study))])


def _draw_communes(axes: Axes, study: Study, measures: Measures, frame: Frame) -> None:
    communes = study.communes[study.communes.geometry.notna()]
    near = communes[communes.geometry.intersects(shapely.box(*frame.box))]
    others = near[~near["code"].isin(frame.codes)]
    axes.add_collection(
        PathCollection(paths(others.geometry), facecolor=palette.NEIGHBOUR_COLOUR, edgecolor="#d9d9d4", linewidth=0.3),
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
                axes.add_collection(filled(shapes, colour=entry.colour, hatch=hatch), autolim=False)
    axes.add_collection(
        PathCollection(paths(own.geometry), facecolor="none", edgecolor="white", linewidth=0.5), autolim=False
    )


def _draw_outlines(axes: Axes, study: Study, frame: Frame) -> None:
    axes.add_collection(LineCollection(lines(list(frame.others)), colors="#77776f", linewidths=0.7), autolim=False)
    axes.add_collection(LineCollection(lines([frame.outline]), colors=palette.INK, linewidths=1.5), autolim=False)
    style = _DASH if frame.departement_dashed else "solid"
    shape = study.departement.geometry.iloc[0]
    axes.add_collection(
        LineCollection(lines([shape]), colors=palette.DEPARTEMENT_COLOUR, linewidths=1.3, linestyles=[style]),
        autolim=False,
    )


def _draw_points(axes: Axes, study: Study, frame: Frame) -> gpd.GeoDataFrame:
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


def draw_furniture(axes: Axes) -> None:
    """Add the scale bar and the north arrow."""
    axes.add_artist(
        ScaleBar(
            1,
            location="lower left",
            box_alpha=0.8,
            color=palette.INK,
            width_fraction=0.006,
            border_pad=0.6,
            font_properties={"family": FONT, "size": 7},
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
        fontproperties=FontProperties(family=FONT, size=8, weight="bold"),
        zorder=7,
    )


def _legend_handles(study: Study, measures: Measures, frame: Frame) -> list[Patch | Line2D]:
    """Return the legend: the classes (the same as the map's), then the marks."""
    handles: list[Patch | Line2D] = []
    for row in legend_rows(study, measures):
        entry = row.entry
        label = f"{entry.label}{NBSP}: {entry.span}" if entry.span else entry.label
        handles.append(
            Patch(
                facecolor=entry.colour,
                edgecolor=hatch_colour(entry.colour),
                linewidth=0.0,
                hatch=entry.hatch or None,
                label=printable(label),
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
    border = Line2D([], [], color=palette.DEPARTEMENT_COLOUR, linewidth=1.3, label="Limite du département")
    if frame.departement_dashed:
        border.set_linestyle(_DASH)
    handles += [
        border,
        _symbol("o", "Accueil permanent"),
    ]
    points = study.points[study.points["service"] == service]
    if not points["permanent"].all():
        handles.append(_symbol("D", "Présence partielle (ne compte pas)"))
    return handles


def _symbol(marker: str, label: str) -> Line2D:
    return Line2D(
        [],
        [],
        linestyle="none",
        marker=marker,
        markerfacecolor="white",
        markeredgecolor=palette.INK,
        markersize=5,
        label=label,
    )


def _credits(study: Study, measures: Measures) -> str:
    own_file = study.scheme.fichiers.communes
    contours = "contours fournis" if own_file else "contours IGN"
    kind = "Temps estimés" if measures.method.estimate else "Temps"
    year = study.scheme.millesimes.mesure
    text = (
        f"{kind}{NBSP}: {measures.method.label}. Sources{NBSP}: {contours}, périmètres INSEE et DGCL au "
        f"1er{NBSP}janvier{NBSP}{year}, points de la grille commune de services. "
        f"Édition du {date(study.scheme.edition)}. {study.scheme.nom}."
    )
    return "\n".join(textwrap.wrap(text, _CREDIT_CHARACTERS))
