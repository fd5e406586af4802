"""What a thematic map says, before any drawing: its views, their classes, and the rank of each row in them.

One structure feeds the drawing, the legend, the table and the cards, so that the class of the map is always the class
of the legend.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sdaasp_geo.analysis.deficits import NOT_MEASURED_LABEL
from sdaasp_geo.french import number
from sdaasp_geo.outputs import palette

COMMUNE, EPCI = "commune", "epci"
"""Levels of a theme: what a row of its table is."""

NOT_COUNTED = -1
"""Population of a row that the legend does not count, and row of a commune that has none."""

Ranks = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class MapClass:
    """A class: its label, its interval in words (may be empty), its fill (``#rrggbb``), hatched or not."""

    label: str
    span: str
    colour: str
    hatched: bool = False

    @property
    def name(self) -> str:
        """The label, or the interval where there is no label."""
        return self.label or self.span


@dataclass(frozen=True)
class Times:
    """Times of each row, minutes (NaN: none), and the thresholds among which the reader of the page may choose."""

    time_min: Values
    low_min: Values
    high_min: Values
    thresholds: tuple[float, ...]


@dataclass(frozen=True)
class View:
    """One map of a theme.

    Attributes
    ----------
    code, label, group : str
        Identifier (it stands in addresses), label of the list where the reader chooses, and heading of that list.
    title : str
        Title of the legend.
    classes : tuple of MapClass
        Best first; hatched ones last.
    ranks : ndarray of int64 (rows)
        Class of each row.
    checks : ndarray of bool (rows)
        Rows to check: dotted.
    terms, cells : tuple
        Headers, and for each one its texts by row: the columns of the table and the lines of the cards.
    brief : tuple of str
        Text of each row in the table of all views.
    sentences : tuple of str
        Explanation of each row.
    note : str
        Reference of the view, said under the legend.
    services : tuple of str
        Services whose places are drawn.
    times : Times, optional
        Where a threshold may be chosen.
    scheme_thresholds : str
        What the classes are when no threshold is chosen.
    """

    code: str
    label: str
    title: str
    classes: tuple[MapClass, ...]
    ranks: Ranks
    checks: npt.NDArray[np.bool_]
    terms: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]
    brief: tuple[str, ...]
    sentences: tuple[str, ...]
    group: str = ""
    note: str = ""
    services: tuple[str, ...] = ()
    times: Times | None = None
    scheme_thresholds: str = ""


@dataclass(frozen=True)
class Theme:
    """A page of maps.

    Attributes
    ----------
    code : str
        Stem of its file.
    title, label, note : str
        Title of the page; name and one line for the atlas.
    choice : str
        Label of the list of views.
    level : str
        `COMMUNE` or `EPCI`: what a row is.
    names : tuple of str
        Name of each row.
    identity : tuple of (header, texts)
        Columns of the table that do not depend on the view.
    counted : tuple of int
        Inhabitants that the legend counts for each row; `NOT_COUNTED` leaves the row out.
    rows : tuple of int
        Row of each studied commune, in the order of `web_map_text.studied_communes`; `NOT_COUNTED` for none.
    views : tuple of View
        At least one; the first is shown at first.
    method : tuple of str
        Paragraphs of the method.
    main_services : tuple of str
        Services whose places the map holds.
    counted_where : str
        What the legend says after the inhabitants that it counts, where rows are communes.
    """

    code: str
    title: str
    label: str
    note: str
    choice: str
    level: str
    names: tuple[str, ...]
    identity: tuple[tuple[str, tuple[str, ...]], ...]
    counted: tuple[int, ...]
    rows: tuple[int, ...]
    views: tuple[View, ...]
    method: tuple[str, ...] = ()
    main_services: tuple[str, ...] = ()
    counted_where: str = " dans le département"


def missing_class(label: str = NOT_MEASURED_LABEL) -> MapClass:
    """Return the hatched class of what was not measured."""
    return MapClass(label, "", palette.NOT_MEASURED_COLOUR, hatched=True)


def named_classes(labels: Sequence[str], *, missing: str = NOT_MEASURED_LABEL) -> tuple[MapClass, ...]:
    """Return classes by name, best first, then the hatched one."""
    colours = palette.class_colours(len(labels))
    plain = [MapClass(label, "", colour) for label, colour in zip(labels, colours, strict=True)]
    return (*plain, missing_class(missing))


def at_most_classes(bounds: Sequence[float], *, none: str, missing: str = NOT_MEASURED_LABEL) -> tuple[MapClass, ...]:
    r"""Return the classes of minutes that rising bounds part: best first, each one holds its upper bound.

    Parameters
    ----------
    bounds : sequence of float
        Minutes, two at least; a first bound of 0 makes a class of its own.
    none : str
        Label of that class (« Aucune »).

    Examples
    --------
    >>> [found.name.replace("\u00a0", " ") for found in at_most_classes([0, 5], none="Aucune")]
    ['Aucune', '5 min au plus', 'plus de 5 min', 'Non mesuré']
    """
    zero = bounds[0] == 0
    lows = [-math.inf, -math.inf if zero else bounds[0], *bounds[1:]]
    spans = [palette.minutes_span(low, high) for low, high in zip(lows, [*bounds, math.inf], strict=True)]
    colours = palette.class_colours(len(spans))
    classes = [MapClass("", span, colour) for span, colour in zip(spans, colours, strict=True)]
    if zero:
        classes[0] = MapClass(none, "", colours[0])
    return (*classes, missing_class(missing))


def at_most_ranks(values: Values, bounds: Sequence[float]) -> Ranks:
    """Return the rank of each value among `at_most_classes`: a value equal to a bound is within it; NaN is missing."""
    ranks = np.searchsorted(np.asarray(bounds, dtype=np.float64), values, side="left").astype(np.int64)
    return np.where(np.isnan(values), len(bounds) + 1, ranks)


def at_least_classes(
    bounds: Sequence[float],
    *,
    unit: Callable[[float], str],
    none: str,
    missing: str = NOT_MEASURED_LABEL,
    whole: bool = False,
) -> tuple[MapClass, ...]:
    """Return the classes that falling bounds part: best first, each one holds its lower bound; zero stands apart.

    Parameters
    ----------
    bounds : sequence of float
        Falling, positive.
    unit : callable
        Writes a bound with its unit.
    none : str
        Label of zero.
    whole : bool
        Values are whole numbers: « de 2 à 4 » instead of « de 2 à moins de 5 ».
    """
    pairs = zip(bounds[1:], bounds[:-1], strict=True)
    middle = [
        f"de {number(low)} à {unit(high - 1)}" if whole else f"de {number(low)} à moins de {unit(high)}"
        for low, high in pairs
    ]
    last = f"moins de {unit(bounds[-1])}"
    if whole:
        last = unit(1) if bounds[-1] == 2 else f"de 1 à {unit(bounds[-1] - 1)}"  # noqa: PLR2004 - only 1 is left
    spans = [f"{unit(bounds[0])} et plus", *middle, last]
    colours = palette.class_colours(len(spans) + 1)
    classes = [MapClass("", span, colour) for span, colour in zip(spans, colours[:-1], strict=True)]
    return (*classes, MapClass(none, "", colours[-1]), missing_class(missing))


def at_least_ranks(values: Values, bounds: Sequence[float]) -> Ranks:
    """Return the rank of each value among `at_least_classes`: a value equal to a bound reaches it; NaN is missing."""
    rising = np.asarray(bounds[::-1], dtype=np.float64)
    ranks = len(bounds) - np.searchsorted(rising, values, side="right").astype(np.int64)
    ranks = np.where(values <= 0, len(bounds) + 1, ranks)
    return np.where(np.isnan(values), len(bounds) + 2, ranks)


def no_checks(size: int) -> npt.NDArray[np.bool_]:
    """Return marks of a view in which nothing is to check."""
    return np.zeros(size, dtype=bool)
