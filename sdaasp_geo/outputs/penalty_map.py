"""The printed map of the administrative penalty: what living on this side of a border costs, commune by commune."""

from __future__ import annotations

import textwrap
from itertools import pairwise

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

from sdaasp_geo import french
from sdaasp_geo.french import NBSP
from sdaasp_geo.outputs import palette
from sdaasp_geo.outputs.static_map import draw_furniture, padded_box
from sdaasp_geo.outputs.static_map_canvas import (
    DPI,
    FONT,
    WIDTH_CM,
    Box,
    filled,
    hatch_colour,
    lines,
    paths,
    png,
    printable,
    write,
)
from sdaasp_geo.parameters import service_names, words_setting
from sdaasp_geo.study import Diagnosis, Study

_CM_PER_INCH = 2.54
_CREDIT_CHARACTERS = 138
_CREDIT_IN, _LEGEND_IN, _TITLE_IN = 0.34, 0.6, 0.33
_MISSING = "Non mesurée"


def draw_penalty_map(study: Study, diagnosis: Diagnosis) -> bytes | None:
    """Draw the administrative penalty of the main service that has one, by commune of the département and its EPCI.

    Parameters
    ----------
    study : Study
        Layers, in the legal CRS (metres).
    diagnosis : Diagnosis
        ``competence``: of several operators the greatest penalty is drawn.

    Returns
    -------
    bytes or None
        PNG, 16 cm wide; None where no service has competent counters.
    """
    if not len(diagnosis.competence):
        return None
    service = next(name for name in study.scheme.mesure.services if name in set(diagnosis.competence["service"]))
    classes = penalty_classes(study, diagnosis, service=service)
    whole = gpd.GeoSeries([study.departement.geometry.iloc[0], *study.epci.geometry.dropna()])
    box = padded_box(shapely.box(*whole.total_bounds))
    figure, axes, height = _sheet(box)
    _draw_classes(axes, study, classes, box)
    draw_furniture(axes)
    title = f"Pénalité administrative{NBSP}: {service_names(study.parameters, service).label}"
    write(figure, 0.0, 1 - 0.07 / height, title, size=10.5, weight="bold", va="top")
    figure.legend(
        handles=_legend(list(classes.cat.categories)),
        loc="upper left",
        bbox_to_anchor=(0.0, (_CREDIT_IN + _LEGEND_IN) / height),
        ncols=3,
        frameon=False,
        prop=FontProperties(family=FONT, size=7.2),
        borderaxespad=0.4,
    )
    write(figure, 0.0, 0.05 / height, _credits(study, diagnosis, service), size=5.8, colour=palette.MUTED, va="bottom")
    return png(FigureCanvasAgg(figure), _colours(list(classes.cat.categories)))


def penalty_classes(study: Study, diagnosis: Diagnosis, *, service: str) -> pd.Series:
    """Return the class of penalty of each commune, as ordered categories in French, indexed by code."""
    bounds = [float(bound) for bound in words_setting(study.parameters, "classes-penalite")]
    own = diagnosis.competence[diagnosis.competence["service"] == service]
    penalty = own.groupby("code", sort=True)["penalty_min"].max()
    names = [f"{french.number(low)} à {french.minutes(high)}" for low, high in pairwise(bounds)]
    labels = ["Aucune", *names, f"Plus de {french.minutes(bounds[-1])}"]
    cut = pd.cut(penalty, [-float("inf"), *bounds, float("inf")], labels=labels)
    return cut.cat.add_categories(_MISSING).fillna(_MISSING)


def _colours(labels: list[str]) -> list[str]:
    return [*palette.class_colours(len(labels) - 1), palette.NOT_MEASURED_COLOUR]


def _sheet(box: Box) -> tuple[Figure, Axes, float]:
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
    return figure, axes, height


def _draw_classes(axes: Axes, study: Study, classes: pd.Series, box: Box) -> None:
    communes = study.communes[study.communes.geometry.notna()]
    near = communes[communes.geometry.intersects(shapely.box(*box))]
    shown = near["inside"] | near["epci"].isin(set(study.epci["siren"]))
    around = paths(near[~shown].geometry)
    ground = PathCollection(around, facecolor=palette.NEIGHBOUR_COLOUR, edgecolor="#d9d9d4", linewidth=0.3)
    axes.add_collection(ground, autolim=False)
    own = near[shown]
    found = own["code"].map(classes).fillna(_MISSING)
    labels = list(classes.cat.categories)
    for label, colour in zip(labels, _colours(labels), strict=True):
        shapes = own.geometry[found == label]
        if len(shapes):
            hatch = palette.NOT_MEASURED_HATCH if label == _MISSING else ""
            axes.add_collection(filled(shapes, colour=colour, hatch=hatch), autolim=False)
    white = PathCollection(paths(own.geometry), facecolor="none", edgecolor="white", linewidth=0.5)
    axes.add_collection(white, autolim=False)
    outlines = [*study.epci.geometry, *study.neighbours.geometry]
    axes.add_collection(LineCollection(lines(outlines), colors="#77776f", linewidths=0.7), autolim=False)
    edge = LineCollection(
        lines([study.departement.geometry.iloc[0]]), colors=palette.DEPARTEMENT_COLOUR, linewidths=1.3
    )
    axes.add_collection(edge, autolim=False)


def _legend(labels: list[str]) -> list[Patch | Line2D]:
    handles: list[Patch | Line2D] = [
        Patch(
            facecolor=colour,
            edgecolor=hatch_colour(colour),
            linewidth=0.0,
            hatch=palette.NOT_MEASURED_HATCH if label == _MISSING else None,
            label=printable(label),
        )
        for label, colour in zip(labels, _colours(labels), strict=True)
    ]
    border = Line2D([], [], color=palette.DEPARTEMENT_COLOUR, linewidth=1.3, label="Limite du département")
    return [*handles, border]


def _credits(study: Study, diagnosis: Diagnosis, service: str) -> str:
    own = diagnosis.competence[diagnosis.competence["service"] == service]
    assumed = bool(own["assignment"].str.startswith("hypothèse").all())
    how = "supposé dans le département de la commune" if assumed else "selon les zones fournies, sinon supposé"
    text = (
        f"Minutes de plus pour aller au guichet compétent ({how}) qu'au plus proche. Contours"
        f"{NBSP}: {'fournis' if study.scheme.fichiers.communes else 'IGN'} ; périmètres INSEE et DGCL au "
        f"1er{NBSP}janvier{NBSP}{study.scheme.millesimes.mesure}. Édition du {french.date(study.scheme.edition)}. "
        f"{study.scheme.nom}."
    )
    return "\n".join(textwrap.wrap(printable(text), _CREDIT_CHARACTERS))
