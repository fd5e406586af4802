"""The printed map of local governance: interlocutors and local committee of each EPCI; « non renseigné » is hatched."""

from __future__ import annotations

import textwrap
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke

from sdaasp_geo import french
from sdaasp_geo.analysis.governance_indicators import COMMITTEE, INTERLOCUTORS, MEASURED
from sdaasp_geo.french import NBSP
from sdaasp_geo.outputs import palette
from sdaasp_geo.outputs.sheet_map import close_sheet, draw_limit, fill_classes, open_sheet, sources_note
from sdaasp_geo.outputs.static_map import draw_furniture, padded_box
from sdaasp_geo.outputs.static_map_canvas import FONT, Box, lines, paths, printable
from sdaasp_geo.study import Study

NOT_SAID = "Non renseigné"
CLASSES = ("2 interlocuteurs", "1 interlocuteur", "Aucun interlocuteur", NOT_SAID)
"""Classes of the map, from the best served; the first three are 2, 1 and 0 interlocutors."""

SET_UP, NONE_SET_UP = "Instance locale mise en place", "Pas d'instance locale"
_NAME_CHARACTERS = 17
_COLOURS = dict(zip(CLASSES, (*palette.class_colours(len(CLASSES) - 1), palette.NOT_MEASURED_COLOUR), strict=True))
_MARKS = {1.0: ("s", SET_UP), 0.0: ("x", NONE_SET_UP)}


def draw_governance_map(study: Study, indicators: pd.DataFrame) -> bytes | None:
    """Draw what each EPCI has: interlocutors named (fill), local committee (mark).

    Parameters
    ----------
    study : Study
        Layers, in the legal CRS (metres).
    indicators : DataFrame
        `analysis.governance_indicators`.

    Returns
    -------
    bytes or None
        PNG, 16 cm wide; None where no EPCI of the table is on the map.
    """
    classes, committees = governance_classes(indicators), _committees(indicators)
    shown = study.epci[study.epci["siren"].isin(set(classes.index)) & study.epci.geometry.notna()]
    if shown.empty:
        return None
    whole = gpd.GeoSeries([study.departement.geometry.iloc[0], *shown.geometry])
    box = padded_box(shapely.box(*whole.total_bounds))
    figure, axes = open_sheet(box)
    _draw_classes(axes, study, shown.assign(found=shown["siren"].map(classes)), box)
    _draw_names(axes, shown.assign(committee=shown["siren"].map(committees)))
    draw_furniture(axes)
    return close_sheet(
        figure,
        title=f"Gouvernance locale{NBSP}: interlocuteurs et instances des EPCI",
        colours=_COLOURS,
        missing=NOT_SAID,
        marks=_marks(),
        note=(
            f"Interlocuteurs{NBSP}: élu et technicien référents de l'EPCI. Sans carré ni croix{NBSP}: instance locale "
            f"non renseignée. {sources_note(study)}"
        ),
    )


def governance_classes(indicators: pd.DataFrame) -> pd.Series:
    """Return the class of each EPCI (`CLASSES`), indexed by SIREN."""
    own = indicators[(indicators["indicator"] == INTERLOCUTORS) & (indicators["siren"] != "")]
    rank = (len(CLASSES) - 2 - own["value"]).where(own["status"] == MEASURED, len(CLASSES) - 1)
    return pd.Series([CLASSES[int(place)] for place in rank], index=own["siren"].to_numpy(), dtype="str")


def governance_alt(study: Study, indicators: pd.DataFrame) -> str:
    """Describe the map in one French paragraph, for those who cannot see it."""
    classes, committees = governance_classes(indicators), _committees(indicators)
    names = dict(zip(study.epci["siren"], study.epci["name"], strict=True))
    told = []
    for label in CLASSES:
        own = [names.get(siren, siren) for siren in classes.index[classes == label]]
        if own:
            told.append(f"{label.lower()}{NBSP}: {french.listing(french.in_order(own))}")
    states = ((1.0, "mise en place"), (0.0, "absente"), (float("nan"), "non renseignée"))
    local = [
        f"{label}, {french.count(number, 'EPCI', 'EPCI')}"
        for value, label in states
        if (number := int((committees.isna() if pd.isna(value) else committees == value).sum()))
    ]
    if not told:
        return "Aucun EPCI sur la carte."
    return f"Carte des EPCI. {' ; '.join(told)}. Instance locale{NBSP}: {' ; '.join(local)}."


def _committees(indicators: pd.DataFrame) -> pd.Series:
    own = indicators[(indicators["indicator"] == COMMITTEE) & (indicators["siren"] != "")]
    return own.set_index("siren")["value"]


def _draw_classes(axes: Axes, study: Study, shown: gpd.GeoDataFrame, box: Box) -> None:
    others = study.epci[~study.epci["siren"].isin(set(shown["siren"]))]
    near = study.communes[study.communes.geometry.notna()]
    near = near[near.geometry.intersects(shapely.box(*box))]
    around = PathCollection(paths(near.geometry), facecolor=palette.NEIGHBOUR_COLOUR, edgecolor="none")
    axes.add_collection(around, autolim=False)
    fill_classes(axes, shown.geometry, shown["found"], _COLOURS, NOT_SAID)
    faint = LineCollection(lines([*others.geometry, *study.neighbours.geometry]), colors="#c4c4bd", linewidths=0.6)
    axes.add_collection(faint, autolim=False)
    axes.add_collection(LineCollection(lines(list(shown.geometry)), colors="#4c4c46", linewidths=0.8), autolim=False)
    draw_limit(axes, study)


def _draw_names(axes: Axes, shown: gpd.GeoDataFrame) -> None:
    """Write the name of each EPCI at a point inside it, and the mark of its committee above."""
    for row in shown.itertuples(index=False):
        place = shapely.maximum_inscribed_circle(shapely.simplify(row.geometry, 200)).coords[0]
        axes.annotate(
            "\n".join(textwrap.wrap(printable(row.name), _NAME_CHARACTERS)),
            place,
            xytext=(0, -4.5),
            textcoords="offset points",
            ha="center",
            va="top",
            fontproperties=FontProperties(family=FONT, size=5.6),
            color=palette.INK,
            parse_math=False,
            path_effects=[withStroke(linewidth=1.8, foreground="white")],
        )
        if row.committee in _MARKS:
            marker = _MARKS[row.committee][0]
            axes.plot(*place, zorder=6, **_style(marker))


def _style(marker: str) -> dict[str, Any]:
    fill = {"markerfacecolor": palette.INK, "markeredgecolor": "white"}
    cross = {"markerfacecolor": "none", "markeredgecolor": palette.INK, "markeredgewidth": 1.6}
    return {"marker": marker, "markersize": 5.5, "linestyle": "none", **(fill if marker == "s" else cross)}


def _marks() -> list[Artist]:
    """Return the legend of the marks of committees, and of the EPCI that do not sign."""
    marks = [Line2D([], [], label=label, **_style(marker)) for marker, label in _MARKS.values()]
    return [*marks, Patch(facecolor=palette.NEIGHBOUR_COLOUR, edgecolor="#c4c4bd", label="Sans convention ici")]
