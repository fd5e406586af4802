"""SLD 1.1 with Symbology Encoding: the same styles for map servers; patterns are GeoServer's ``shape://``.

What no other rule took is written as a filter, not as ``ElseFilter``: QGIS 3.22 ignores that one, and paints such a
rule over all others.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from sdaasp_geo.outputs.escape import plain_text
from sdaasp_geo.outputs.style_model import DOTS, Condition, Fill, Labels, Marker, StyleRule, StyleSpec

_NAMESPACES = {
    "xmlns": "http://www.opengis.net/sld",
    "xmlns:se": "http://www.opengis.net/se",
    "xmlns:ogc": "http://www.opengis.net/ogc",
    "xmlns:xlink": "http://www.w3.org/1999/xlink",
    "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
    "xsi:schemaLocation": ("http://www.opengis.net/sld http://schemas.opengis.net/sld/1.1.0/StyledLayerDescriptor.xsd"),
}
_OPERATORS = {
    "=": "ogc:PropertyIsEqualTo",
    "<": "ogc:PropertyIsLessThan",
    "<=": "ogc:PropertyIsLessThanOrEqualTo",
    ">": "ogc:PropertyIsGreaterThan",
    ">=": "ogc:PropertyIsGreaterThanOrEqualTo",
}
_SHAPES = {"diamond": ("square", 45)}
_PIXELS_BY_MM = 1 / 0.28
"""A pixel is 0.28 mm in OGC styles."""


def render_sld(layer: str, spec: StyleSpec) -> str:
    """Write a style as Styled Layer Descriptor.

    Parameters
    ----------
    layer : str
        Name of the layer.
    spec : StyleSpec
        Rules and labels.

    Returns
    -------
    str
        XML; the same style gives the same text.
    """
    root = ET.Element("StyledLayerDescriptor", {"version": "1.1.0", **_NAMESPACES})
    named = ET.SubElement(root, "NamedLayer")
    ET.SubElement(named, "se:Name").text = layer
    style = ET.SubElement(named, "UserStyle")
    ET.SubElement(style, "se:Name").text = plain_text(spec.name)
    described = ET.SubElement(style, "se:Description")
    ET.SubElement(described, "se:Title").text = plain_text(spec.name)
    ET.SubElement(described, "se:Abstract").text = plain_text(spec.description)
    plain, over = [[rule for rule in spec.rules if rule.over == drawn] for drawn in (False, True)]
    for rules in (plain, over):
        if rules:
            _add_rules(style, rules)
    if spec.labels is not None:
        _add_labels(ET.SubElement(style, "se:FeatureTypeStyle"), spec.labels)
    ET.indent(root, " ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _add_rules(style: ET.Element, rules: Sequence[StyleRule]) -> None:
    """Add rules drawn together; what is drawn over the rest has its own."""
    group = ET.SubElement(style, "se:FeatureTypeStyle")
    others = [rule.tests for rule in rules if rule.tests]
    for rule in rules:
        element = ET.SubElement(group, "se:Rule")
        ET.SubElement(element, "se:Name").text = plain_text(rule.label)
        described = ET.SubElement(element, "se:Description")
        ET.SubElement(described, "se:Title").text = plain_text(rule.label)
        if rule.tests:
            _add_filter(element, rule.tests)
        elif others:
            _add_rest(element, others)
        if rule.farthest:
            ET.SubElement(element, "se:MaxScaleDenominator").text = str(rule.farthest)
        if isinstance(rule.symbol, Marker):
            _add_marker(element, rule.symbol)
        else:
            _add_fill(element, rule.symbol)


def _add_filter(rule: ET.Element, tests: tuple[Condition, ...]) -> None:
    parent = ET.SubElement(rule, "ogc:Filter")
    if len(tests) > 1:
        parent = ET.SubElement(parent, "ogc:And")
    for test in tests:
        _add_condition(parent, test)


def _add_rest(rule: ET.Element, others: Sequence[tuple[Condition, ...]]) -> None:
    """Add the filter of what no other rule took: one test at least of each fails, or has nothing to test."""
    parent = ET.SubElement(rule, "ogc:Filter")
    if len(others) > 1:
        parent = ET.SubElement(parent, "ogc:And")
    for tests in others:
        either = ET.SubElement(parent, "ogc:Or")
        for column in dict.fromkeys(test.column for test in tests):
            ET.SubElement(ET.SubElement(either, "ogc:PropertyIsNull"), "ogc:PropertyName").text = column
        for test in tests:
            _add_condition(ET.SubElement(either, "ogc:Not"), test)


def _add_condition(parent: ET.Element, test: Condition) -> None:
    condition = ET.SubElement(parent, _OPERATORS[test.operator])
    ET.SubElement(condition, "ogc:PropertyName").text = test.column
    ET.SubElement(condition, "ogc:Literal").text = _literal(test.value)


def _literal(value: str | float | bool) -> str:  # noqa: FBT001 - a value of the data
    if isinstance(value, bool):
        return "true" if value else "false"
    return plain_text(value) if isinstance(value, str) else f"{value:g}"


def _add_fill(rule: ET.Element, fill: Fill) -> None:
    if fill.colour or fill.outline:
        symbol = ET.SubElement(rule, "se:PolygonSymbolizer")
        if fill.colour:
            _parameters(ET.SubElement(symbol, "se:Fill"), {"fill": fill.colour, "fill-opacity": f"{fill.opacity:g}"})
        if fill.outline:
            dashes = {"stroke-dasharray": "6 4"} if fill.dashed else {}
            width = {"stroke-width": _pixels(fill.outline_mm), "stroke-linejoin": "round"}
            _parameters(ET.SubElement(symbol, "se:Stroke"), {"stroke": fill.outline, **width, **dashes})
    if fill.hatch:
        symbol = ET.SubElement(rule, "se:PolygonSymbolizer")
        graphic = ET.SubElement(
            ET.SubElement(ET.SubElement(symbol, "se:Fill"), "se:GraphicFill"),
            "se:Graphic",
        )
        mark = ET.SubElement(graphic, "se:Mark")
        ET.SubElement(mark, "se:WellKnownName").text = "shape://dot" if fill.hatch == DOTS else "shape://slash"
        _parameters(ET.SubElement(mark, "se:Stroke"), {"stroke": fill.hatch_colour, "stroke-width": "1"})
        ET.SubElement(graphic, "se:Size").text = "8"


def _add_marker(rule: ET.Element, marker: Marker) -> None:
    shape, turn = _SHAPES.get(marker.shape, (marker.shape, 0))
    graphic = ET.SubElement(ET.SubElement(rule, "se:PointSymbolizer"), "se:Graphic")
    mark = ET.SubElement(graphic, "se:Mark")
    ET.SubElement(mark, "se:WellKnownName").text = shape
    _parameters(ET.SubElement(mark, "se:Fill"), {"fill": marker.colour})
    _parameters(ET.SubElement(mark, "se:Stroke"), {"stroke": marker.outline, "stroke-width": "0.7"})
    ET.SubElement(graphic, "se:Size").text = _pixels(marker.size_mm)
    if turn:
        ET.SubElement(graphic, "se:Rotation").text = str(turn)


def _add_labels(group: ET.Element, labels: Labels) -> None:
    rule = ET.SubElement(group, "se:Rule")
    if labels.farthest:
        ET.SubElement(rule, "se:MaxScaleDenominator").text = str(labels.farthest)
    symbol = ET.SubElement(rule, "se:TextSymbolizer")
    ET.SubElement(ET.SubElement(symbol, "se:Label"), "ogc:PropertyName").text = labels.column
    weight = {"font-weight": "bold"} if labels.bold else {}
    font = {"font-family": "SansSerif", "font-size": f"{round(labels.size_pt * 0.3528 * _PIXELS_BY_MM)}", **weight}
    _parameters(ET.SubElement(symbol, "se:Font"), font)
    placement = ET.SubElement(ET.SubElement(symbol, "se:LabelPlacement"), "se:PointPlacement")
    anchor = ET.SubElement(placement, "se:AnchorPoint")
    ET.SubElement(anchor, "se:AnchorPointX").text = "0.5"
    ET.SubElement(anchor, "se:AnchorPointY").text = "0.5"
    halo = ET.SubElement(symbol, "se:Halo")
    ET.SubElement(halo, "se:Radius").text = "2"
    _parameters(ET.SubElement(halo, "se:Fill"), {"fill": "#ffffff", "fill-opacity": "0.85"})
    _parameters(ET.SubElement(symbol, "se:Fill"), {"fill": labels.colour})


def _parameters(parent: ET.Element, values: dict[str, str]) -> None:
    for name, value in values.items():
        ET.SubElement(parent, "se:SvgParameter", name=name).text = value


def _pixels(millimetres: float) -> str:
    return f"{millimetres * _PIXELS_BY_MM:.2g}"
