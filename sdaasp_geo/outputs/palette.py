"""Colours, hatches and legend of the access classes: one table for the interactive map and the printed ones.

Colours are those of viridis (Smith and van der Walt, CC0), from light (served) to dark (in deficit): they keep their
order in grey and under colour-blindness; the lightest is softened with white, as it covers most of a map. A commune to
check is dotted, a commune not measured is hatched.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from sdaasp_geo.analysis.deficits import NOT_MEASURED, NOT_MEASURED_LABEL, SERVED, classes_of
from sdaasp_geo.french import threshold
from sdaasp_geo.parameters import Rule

_VIRIDIS = ("#440154", "#472d7b", "#3b528b", "#2c728e", "#21918c", "#28ae80", "#5ec962", "#addc30", "#fde725")
_LIGHTEST, _DARKEST = 0.90, 0.0
_WHITE_PART = 0.55

NOT_MEASURED_COLOUR = "#e8e8e8"
NEIGHBOUR_COLOUR = "#f1f1ee"
INK = "#1b1b1b"
MUTED = "#5f6368"
DEPARTEMENT_COLOUR = "#b3261e"
PETR_COLOUR = "#7a3e9d"
ZONE_COLOUR = "#d6006c"

CLASS_HATCHES = ("", "////", "xxxx", "\\\\\\\\", "++++")
CHECK_HATCH = "..."
NOT_MEASURED_HATCH = "//"


@dataclass(frozen=True)
class LegendEntry:
    """One class of the map, as its legend shows it.

    Attributes
    ----------
    code, label : str
        Class (`analysis.deficits`).
    span : str
        French text of its interval of minutes.
    above_min, up_to_min : float
        The class holds the times ``above_min < time_min <= up_to_min``; NaN for « Non mesuré ».
    colour, hatch : str
        Fill (``#rrggbb``) and matplotlib hatch, readable in grey.
    """

    code: str
    label: str
    span: str
    above_min: float
    up_to_min: float
    colour: str
    hatch: str


def legend_entries(rules: Sequence[Rule]) -> list[LegendEntry]:
    """Return the classes that the rules of one service give, best first, « Non mesuré » last.

    The map takes its colours from these entries, so that a class of the map is always a class of the legend.
    """
    labels = classes_of(rules)
    ordered = sorted(rules, key=lambda rule: rule.threshold_min)
    lower = {SERVED: -math.inf}
    upper: dict[str, float] = {}
    current = SERVED
    for rule in ordered:
        if rule.beyond != current:
            upper[current] = rule.threshold_min
            lower.setdefault(rule.beyond, rule.threshold_min)
            current = rule.beyond
    upper[current] = math.inf
    measured = [code for code in labels if code in upper]
    colours = class_colours(len(measured))
    entries = [
        LegendEntry(
            code=code,
            label=labels[code],
            span=minutes_span(lower[code], upper[code]),
            above_min=lower[code],
            up_to_min=upper[code],
            colour=colours[rank],
            hatch=CLASS_HATCHES[min(rank, len(CLASS_HATCHES) - 1)],
        )
        for rank, code in enumerate(measured)
    ]
    missing = LegendEntry(
        NOT_MEASURED, NOT_MEASURED_LABEL, "", math.nan, math.nan, NOT_MEASURED_COLOUR, NOT_MEASURED_HATCH
    )
    return [*entries, missing]


def class_colours(number: int) -> list[str]:
    """Return that many colours of viridis, from light (softened with white) to dark."""
    step = (_LIGHTEST - _DARKEST) / max(number - 1, 1)
    channels = [_sample(_LIGHTEST - rank * step) for rank in range(number)]
    if channels:
        channels[0] = [channel + _WHITE_PART * (255 - channel) for channel in channels[0]]
    return ["#" + "".join(f"{round(channel):02x}" for channel in colour) for colour in channels]


def _sample(position: float) -> list[float]:
    """Interpolate viridis between its anchors (0 dark, 1 light): red, green and blue, 0 to 255."""
    exact = position * (len(_VIRIDIS) - 1)
    index = min(int(exact), len(_VIRIDIS) - 2)
    part = exact - index
    low, high = _channels(_VIRIDIS[index]), _channels(_VIRIDIS[index + 1])
    return [start + part * (end - start) for start, end in zip(low, high, strict=True)]


def _channels(colour: str) -> tuple[int, ...]:
    return tuple(int(colour[start : start + 2], 16) for start in (1, 3, 5))


def minutes_span(above_min: float, up_to_min: float) -> str:
    """Write an interval of minutes, open below and closed above; one without bounds has nothing to say."""
    if math.isinf(above_min):
        return "" if math.isinf(up_to_min) else f"{threshold(up_to_min)} au plus"
    if math.isinf(up_to_min):
        return f"plus de {threshold(above_min)}"
    return f"plus de {threshold(above_min)}, jusqu'à {threshold(up_to_min)}"
