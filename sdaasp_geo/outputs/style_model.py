"""What a style shows, before any file format: rules, symbols, labels. `style_qml` and `style_sld` write it."""

from __future__ import annotations

from dataclasses import dataclass

SLASH, DOTS = "slash", "dots"


@dataclass(frozen=True)
class Condition:
    """A condition on one column: ``=`` text or truth; ``<``, ``<=``, ``>``, ``>=`` numbers.

    A missing value satisfies no condition.
    """

    column: str
    operator: str
    value: str | float | bool


@dataclass(frozen=True)
class Fill:
    """A polygon: fill (``#rrggbb``, empty for none), hatch (``slash``, ``dots``) and outline in millimetres."""

    colour: str = ""
    hatch: str = ""
    hatch_colour: str = ""
    outline: str = ""
    outline_mm: float = 0.0
    dashed: bool = False
    opacity: float = 1.0


@dataclass(frozen=True)
class Marker:
    """A point: shape (``circle, square, triangle, diamond, star``), fill, outline, size in millimetres."""

    shape: str
    colour: str
    size_mm: float
    outline: str = "#ffffff"


@dataclass(frozen=True)
class StyleRule:
    """A class of the legend: all its tests hold; without test, what no other rule took.

    ``over`` is drawn on top of another rule (« à vérifier ») and takes nothing from the rest. ``farthest`` is the
    denominator of the scale beyond which the rule is not drawn; 0 for always.
    """

    label: str
    symbol: Fill | Marker
    tests: tuple[Condition, ...] = ()
    over: bool = False
    farthest: int = 0


@dataclass(frozen=True)
class Labels:
    """Names on the map: column, size in points, colour; drawn below the scale ``1:farthest`` (0: always)."""

    column: str
    size_pt: float
    colour: str
    bold: bool = False
    farthest: int = 0


@dataclass(frozen=True)
class StyleSpec:
    """A whole style: name, what it shows, rules in the order of the legend, labels, column of the map tip."""

    name: str
    description: str
    rules: tuple[StyleRule, ...]
    labels: Labels | None = None
    tip: str = ""
