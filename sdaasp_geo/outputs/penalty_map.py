"""The printed map of the administrative penalty: what living on this side of a border costs, commune by commune."""

from __future__ import annotations

from itertools import pairwise

import geopandas as gpd
import pandas as pd
import shapely
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection

from sdaasp_geo import french
from sdaasp_geo.french import NBSP
from sdaasp_geo.outputs import palette
from sdaasp_geo.outputs.sheet_map import close_sheet, draw_limit, fill_classes, open_sheet, sources_note
from sdaasp_geo.outputs.static_map import draw_furniture, padded_box
from sdaasp_geo.outputs.static_map_canvas import Box, lines, paths
from sdaasp_geo.parameters import service_names, words_setting
from sdaasp_geo.study import Diagnosis, Study

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
    colours = _colours(list(classes.cat.categories))
    figure, axes = open_sheet(box)
    _draw_classes(axes, study, classes, colours, box)
    draw_furniture(axes)
    return close_sheet(
        figure,
        title=f"Pénalité administrative{NBSP}: {service_names(study.parameters, service).label}",
        colours=colours,
        missing=_MISSING,
        note=_note(study, diagnosis, service),
    )


def penalty_classes(study: Study, diagnosis: Diagnosis, *, service: str) -> pd.Series:
    """Return the class of penalty of each commune, as ordered categories in French, indexed by code."""
    bounds = [float(bound) for bound in words_setting(study.parameters, "classes-penalite")]
    own = diagnosis.competence[diagnosis.competence["service"] == service]
    penalty = own.groupby("code", sort=True)["penalty_min"].max()
    names = [f"{french.number(low)} à {french.minutes(high)}" for low, high in pairwise(bounds)]
    labels = ["Aucune", *names, f"Plus de {french.minutes(bounds[-1])}"]
    cut = pd.cut(penalty, [-float("inf"), *bounds, float("inf")], labels=labels)
    return cut.cat.add_categories(_MISSING).fillna(_MISSING)


def _colours(labels: list[str]) -> dict[str, str]:
    return dict(zip(labels, (*palette.class_colours(len(labels) - 1), palette.NOT_MEASURED_COLOUR), strict=True))


def _draw_classes(axes: Axes, study: Study, classes: pd.Series, colours: dict[str, str], box: Box) -> None:
    communes = study.communes[study.communes.geometry.notna()]
    near = communes[communes.geometry.intersects(shapely.box(*box))]
    shown = near["inside"] | near["epci"].isin(set(study.epci["siren"]))
    around = paths(near[~shown].geometry)
    ground = PathCollection(around, facecolor=palette.NEIGHBOUR_COLOUR, edgecolor="#d9d9d4", linewidth=0.3)
    axes.add_collection(ground, autolim=False)
    own = near[shown]
    fill_classes(axes, own.geometry, own["code"].map(classes).fillna(_MISSING), colours, _MISSING)
    white = PathCollection(paths(own.geometry), facecolor="none", edgecolor="white", linewidth=0.5)
    axes.add_collection(white, autolim=False)
    outlines = [*study.epci.geometry, *study.neighbours.geometry]
    axes.add_collection(LineCollection(lines(outlines), colors="#77776f", linewidths=0.7), autolim=False)
    draw_limit(axes, study)


def _note(study: Study, diagnosis: Diagnosis, service: str) -> str:
    own = diagnosis.competence[diagnosis.competence["service"] == service]
    assumed = bool(own["assignment"].str.startswith("hypothèse").all())
    how = "supposé dans le département de la commune" if assumed else "selon les zones fournies, sinon supposé"
    return f"Minutes de plus pour aller au guichet compétent ({how}) qu'au plus proche. {sources_note(study)}"
