"""QML, the style that QGIS reads (3.18 or later): rule renderer, labels, aliases of the fields, map tip."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from xml.etree import ElementTree as ET

from sdaasp_geo.outputs.escape import plain_text
from sdaasp_geo.outputs.layer_model import Column
from sdaasp_geo.outputs.style_model import DOTS, Condition, Fill, Labels, Marker, StyleRule, StyleSpec

_DOCTYPE = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
_VERSION = "3.22.16-Białowieża"
_KEYS = uuid.uuid5(uuid.NAMESPACE_URL, "http://mrcc.com/qgis.dtd")
_NO_PEN, _SOLID, _DASH = "no", "solid", "dash"
_HORIZONTAL = "4"
_GEOMETRY_TYPES = {Marker: "0", Fill: "2"}


def render_qml(spec: StyleSpec, columns: Iterable[Column]) -> str:
    """Write a style for QGIS.

    Parameters
    ----------
    spec : StyleSpec
        Rules and labels.
    columns : iterable of Column
        Their labels become the aliases of the fields.

    Returns
    -------
    str
        XML; the same style gives the same text.
    """
    root = ET.Element(
        "qgis", version=_VERSION, styleCategories="AllStyleCategories", labelsEnabled=str(int(spec.labels is not None))
    )
    renderer = ET.SubElement(
        root,
        "renderer-v2",
        {"type": "RuleRenderer", "forceraster": "0", "symbollevels": "0", "enableorderby": "0", "referencescale": "-1"},
    )
    rules = ET.SubElement(renderer, "rules", key=_key(spec.name, ""))
    symbols = ET.SubElement(renderer, "symbols")
    for number, rule in enumerate(spec.rules):
        _add_rule(rules, rule, number=number, style=spec.name)
        _add_symbol(symbols, rule, number=number)
    if spec.labels is not None:
        _add_labels(root, spec.labels)
    ET.SubElement(root, "blendMode").text = "0"
    ET.SubElement(root, "featureBlendMode").text = "0"
    _add_fields(root, columns)
    if spec.labels is not None or spec.tip:
        ET.SubElement(root, "previewExpression").text = _quoted(spec.labels.column if spec.labels else spec.tip)
    if spec.tip:
        ET.SubElement(root, "mapTip", enabled="1").text = _tip(spec.tip)
    ET.SubElement(root, "layerGeometryType").text = _GEOMETRY_TYPES[type(spec.rules[0].symbol)]
    ET.indent(root, " ")
    return _DOCTYPE + ET.tostring(root, encoding="unicode") + "\n"


def expression(tests: Iterable[Condition]) -> str:
    """Return the QGIS expression of a rule.

    Examples
    --------
    >>> print(expression([Condition("classe", "=", "eloigne"), Condition("temps_min", "<=", 20.0)]))
    "classe" = 'eloigne' AND "temps_min" <= 20
    """
    return " AND ".join(_condition(test) for test in tests)


def _condition(test: Condition) -> str:
    return f"{_quoted(test.column)} {test.operator} {_literal(test.value)}"


def _literal(value: str | float | bool) -> str:  # noqa: FBT001 - a value of the data
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return "'" + plain_text(value).replace("\\", "\\\\").replace("'", "''") + "'"
    return f"{value:g}"


def _quoted(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def _tip(column: str) -> str:
    """Return an HTML map tip whose text comes from the data, inert."""
    return f"[% replace(replace(coalesce({_quoted(column)}, ''), '&', '&amp;'), '<', '&lt;') %]"


def _key(style: str, rule: str) -> str:
    return "{" + str(uuid.uuid5(_KEYS, f"{style}/{rule}")) + "}"


def _add_rule(parent: ET.Element, rule: StyleRule, *, number: int, style: str) -> None:
    attributes = {"key": _key(style, str(number)), "symbol": str(number), "label": plain_text(rule.label)}
    attributes["filter"] = expression(rule.tests) if rule.tests else "ELSE"
    if rule.farthest:
        attributes |= {"scalemindenom": "1", "scalemaxdenom": str(rule.farthest)}
    ET.SubElement(parent, "rule", attributes)


def _add_symbol(parent: ET.Element, rule: StyleRule, *, number: int) -> None:
    symbol, kind = rule.symbol, "marker" if isinstance(rule.symbol, Marker) else "fill"
    opacity = symbol.opacity if isinstance(symbol, Fill) else 1.0
    element = _symbol(parent, str(number), kind, opacity=opacity)
    if isinstance(symbol, Marker):
        _add_layer(element, "SimpleMarker", _marker(symbol.shape, symbol.colour, symbol.outline, symbol.size_mm))
        return
    if symbol.colour or symbol.outline or not symbol.hatch:
        _add_layer(element, "SimpleFill", _simple_fill(symbol))
    if symbol.hatch:
        _add_hatch(element, symbol, name=f"@{number}@{len(element)}")


def _symbol(parent: ET.Element, name: str, kind: str, *, opacity: float = 1.0) -> ET.Element:
    attributes = {"type": kind, "name": name, "alpha": f"{opacity:g}", "clip_to_extent": "1", "force_rhr": "0"}
    return ET.SubElement(parent, "symbol", attributes)


def _add_layer(symbol: ET.Element, kind: str, properties: dict[str, str]) -> ET.Element:
    layer = ET.SubElement(symbol, "layer", {"class": kind, "enabled": "1", "locked": "0", "pass": "0"})
    options = ET.SubElement(layer, "Option", type="Map")
    for name, value in properties.items():
        ET.SubElement(options, "Option", name=name, type="QString", value=value)
    return layer


def _simple_fill(fill: Fill) -> dict[str, str]:
    pen = _DASH if fill.dashed else _SOLID
    return {
        "color": _colour(fill.colour or "#000000"),
        "style": _SOLID if fill.colour else _NO_PEN,
        "joinstyle": "round",
        "outline_color": _colour(fill.outline or "#000000"),
        "outline_style": pen if fill.outline else _NO_PEN,
        "outline_width": f"{fill.outline_mm:g}",
        "outline_width_unit": "MM",
    }


def _add_hatch(symbol: ET.Element, fill: Fill, *, name: str) -> None:
    """Add a pattern of lines or of dots, with the small symbol that it repeats."""
    if fill.hatch == DOTS:
        spacing = {"distance_x": "2.2", "distance_x_unit": "MM", "distance_y": "2.2", "distance_y_unit": "MM"}
        layer = _add_layer(
            symbol, "PointPatternFill", {**spacing, "displacement_x": "1.1", "displacement_x_unit": "MM"}
        )
        dot = _marker("circle", fill.hatch_colour, "", 0.7)
        _add_layer(_symbol(layer, name, "marker"), "SimpleMarker", dot)
        return
    pattern = {"angle": "45", "distance": "1.6", "distance_unit": "MM", "color": _colour(fill.hatch_colour)}
    layer = _add_layer(symbol, "LinePatternFill", {**pattern, "line_width": "0.2", "line_width_unit": "MM"})
    line = {"line_color": _colour(fill.hatch_colour), "line_style": _SOLID, "line_width": "0.2"}
    _add_layer(_symbol(layer, name, "line"), "SimpleLine", {**line, "line_width_unit": "MM"})


def _marker(shape: str, colour: str, outline: str, size_mm: float) -> dict[str, str]:
    return {
        "name": shape,
        "color": _colour(colour),
        "outline_color": _colour(outline or colour),
        "outline_style": _SOLID if outline else _NO_PEN,
        "outline_width": "0.2",
        "outline_width_unit": "MM",
        "size": f"{size_mm:g}",
        "size_unit": "MM",
    }


def _colour(colour: str) -> str:
    """Return ``red,green,blue,alpha`` as QGIS writes it."""
    return ",".join([*(str(int(colour[start : start + 2], 16)) for start in (1, 3, 5)), "255"])


def _add_labels(root: ET.Element, labels: Labels) -> None:
    labeling = ET.SubElement(root, "labeling", type="simple")
    settings = ET.SubElement(labeling, "settings", calloutType="simple")
    text = ET.SubElement(
        settings,
        "text-style",
        {
            "fieldName": labels.column,
            "isExpression": "0",
            "fontSize": f"{labels.size_pt:g}",
            "fontSizeUnit": "Point",
            "fontWeight": "75" if labels.bold else "50",
            "textColor": _colour(labels.colour),
            "textOpacity": "1",
            "multilineHeight": "1",
        },
    )
    buffer = {"bufferDraw": "1", "bufferSize": "0.9", "bufferSizeUnits": "MM", "bufferColor": "255,255,255,255"}
    ET.SubElement(
        text, "text-buffer", {**buffer, "bufferOpacity": "0.85", "bufferNoFill": "1", "bufferJoinStyle": "128"}
    )
    ET.SubElement(settings, "text-format", wrapChar="", autoWrapLength="22", multilineAlign="1")
    ET.SubElement(settings, "placement", placement=_HORIZONTAL, centroidInside="1", priority="6")
    shown = {"scaleVisibility": "1", "scaleMin": "1", "scaleMax": str(labels.farthest)} if labels.farthest else {}
    ET.SubElement(settings, "rendering", {"drawLabels": "1", "obstacle": "1", **shown})


def _add_fields(root: ET.Element, columns: Iterable[Column]) -> None:
    aliases = ET.SubElement(root, "aliases")
    for position, column in enumerate(columns, start=1):
        label = plain_text(f"{column.label} ({column.unit})" if column.unit else column.label)
        ET.SubElement(aliases, "alias", index=str(position), field=column.name, name=label)
