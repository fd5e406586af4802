"""Styles: the classes of the legend on every layer, QML as QGIS reads it, SLD that says the same."""

from __future__ import annotations

import dataclasses
import re

import pandas as pd
import pytest
from lxml import etree

from sdaasp_geo.analysis.deficits import NOT_MEASURED
from sdaasp_geo.outputs import palette
from sdaasp_geo.outputs.geopackage import build_layers
from sdaasp_geo.outputs.layer_model import Column, MapLayer, style_name
from sdaasp_geo.outputs.style_model import Condition, Labels, Marker, StyleRule, StyleSpec
from sdaasp_geo.outputs.style_qml import render_qml
from sdaasp_geo.outputs.style_sld import render_sld
from sdaasp_geo.study import Diagnosis, Measures, Study

SE = {"se": "http://www.opengis.net/se", "ogc": "http://www.opengis.net/ogc", "sld": "http://www.opengis.net/sld"}
SYMBOL_LAYERS = {"SimpleFill", "LinePatternFill", "PointPatternFill", "SimpleLine", "SimpleMarker"}
HOSTILE = """<b>'"&\x00\u202eé</b>"""


@pytest.fixture(scope="module")
def layers(study_65: Study, measures_65: Measures, diagnosis_65: Diagnosis) -> dict[str, MapLayer]:
    measures = dataclasses.replace(measures_65, diagnosis=diagnosis_65)
    return {layer.name: layer for layer in build_layers(study_65, measures)}


def qml(text: str) -> etree._Element:
    return etree.fromstring(text.encode(), etree.XMLParser(resolve_entities=False, no_network=True))


def colours(style: etree._Element) -> dict[str, str]:
    """Fill of each rule, by label, as ``#rrggbb``."""
    found = {}
    for rule in style.iterfind(".//rules/rule"):
        option = style.find(f".//symbols/symbol[@name='{rule.get('symbol')}']/layer/Option/Option[@name='color']")
        if option is None:  # a pattern over another class has no fill
            continue
        channels = [int(one) for one in option.get("value").split(",")[:3]]
        found[rule.get("label")] = "#" + "".join(f"{one:02x}" for one in channels)
    return found


def test_every_spatial_layer_opens_with_a_style_and_tables_have_none(layers: dict[str, MapLayer]) -> None:
    assert {name for name, layer in layers.items() if not layer.styles} == {
        name for name, layer in layers.items() if not layer.geometry
    }
    assert [style.name for style in layers["communes"].styles] == [
        *("Accès", "Frontière", "Pénalité administrative", "Présence hebdomadaire"),
        *("france-services-choix-30", "france-services-heures-20", "france-services-soir-20"),
        "france-services-samedi-30",
    ]
    for layer in layers.values():
        names = [style.name for style in layer.styles]
        assert len(set(names)) == len(names)
        assert all(len(name) <= 30 for name in names)


def test_a_class_of_the_layer_has_the_colour_of_the_legend(layers: dict[str, MapLayer], study_65: Study) -> None:
    rules = [rule for rule in study_65.rules if rule.service == "france-services"]
    style = qml(layers["communes"].styles[0].qml)
    shown = colours(style)
    for entry in palette.legend_entries(rules):
        label = f"{entry.label} ({entry.span})" if entry.span else entry.label
        assert shown[label] == entry.colour
        rule = style.find(f'.//rules/rule[@label="{label}"]')
        wanted = "ELSE" if entry.code == NOT_MEASURED else f'"etudiee" = true AND "classe" = \'{entry.code}\''
        assert rule.get("filter") == wanted
    assert set(layers["communes"].rows["classe"].dropna()) <= {entry.code for entry in palette.legend_entries(rules)}


def test_not_measured_is_hatched_in_both_formats(layers: dict[str, MapLayer]) -> None:
    for style in layers["communes"].styles:
        drawn = qml(style.qml)
        number = drawn.find(".//rules/rule[@filter='ELSE']").get("symbol")
        classes = [one.get("class") for one in drawn.iterfind(f".//symbols/symbol[@name='{number}']/layer")]
        assert classes == ["SimpleFill", "LinePatternFill"]
        root = etree.fromstring(style.sld.encode())
        assert root.find(".//se:ElseFilter", namespaces=SE) is None  # QGIS paints it over all other rules
        (otherwise,) = root.xpath("//se:Rule[se:Name = 'Non mesuré']", namespaces=SE)
        assert otherwise.findtext(".//se:WellKnownName", namespaces=SE) == "shape://slash"


def test_each_commune_falls_in_one_class_of_each_theme(layers: dict[str, MapLayer]) -> None:
    """Rules are read back from the QML and applied to the rows: never two classes, « à vérifier » apart."""
    communes = layers["communes"]
    for style in communes.styles:
        taken = sum(
            _holds(communes, rule.get("filter")).astype(int)
            for rule in qml(style.qml).iterfind(".//rules/rule")
            if rule.get("filter") != "ELSE" and not rule.get("label").startswith("À vérifier")
        )
        assert taken.max() == 1, style.name
        studied = communes.rows["etudiee"]
        assert (taken[~studied] == 1).all()
        assert taken[studied].mean() > 0.9, style.name


def _holds(layer: MapLayer, expression: str) -> object:
    held = layer.rows["etudiee"].notna()
    for column, operator, value in re.findall(r'"(\w+)" (<=|>=|=|<|>) (\'[^\']*\'|[\w.]+)', expression):
        values = layer.rows[column]
        wanted = value.strip("'") if value.startswith("'") else {"true": True, "false": False}.get(value)
        if wanted is None:
            wanted = float(value)
        test = {"=": values.eq, "<=": values.le, ">=": values.ge, "<": values.lt, ">": values.gt}[operator](wanted)
        held &= test.fillna(value=False).astype(bool)
    return held


def test_each_feature_falls_in_one_rule_of_the_sld(layers: dict[str, MapLayer]) -> None:
    """What no other rule took is a filter too: exactly one rule for each row, « à vérifier » apart."""
    for layer in layers.values():
        for style in layer.styles:
            rules = etree.fromstring(style.sld.encode()).xpath("//se:Rule[se:Name]", namespaces=SE)
            plain = [one for one in rules if not one.findtext("se:Name", namespaces=SE).startswith("À vérifier")]
            taken = sum(_taken(layer.rows, one.find("ogc:Filter", namespaces=SE)).astype(int) for one in plain)
            assert (taken == 1).all(), (layer.name, style.name)


def _taken(rows: pd.DataFrame, element: etree._Element | None) -> pd.Series:
    """Apply a filter of OGC to rows."""
    if element is None:
        return pd.Series(True, index=rows.index)  # noqa: FBT003 - the value of the rows
    kind, parts = etree.QName(element).localname, list(element)
    if kind in {"And", "Or", "Not", "Filter"}:
        held = [_taken(rows, part) for part in parts]
        whole = pd.concat(held, axis=1)
        return ~held[0] if kind == "Not" else whole.any(axis=1) if kind == "Or" else whole.all(axis=1)
    values = rows[parts[0].text]
    if kind == "PropertyIsNull":
        return values.isna()
    text = parts[1].text
    if pd.api.types.is_bool_dtype(values):
        wanted: object = text == "true"
    else:
        wanted = float(text) if pd.api.types.is_numeric_dtype(values) else text
    tests = {"EqualTo": values.eq, "LessThan": values.lt, "LessThanOrEqualTo": values.le}
    tests |= {"GreaterThan": values.gt, "GreaterThanOrEqualTo": values.ge}
    return tests[kind.removeprefix("PropertyIs")](wanted).fillna(value=False).astype(bool)


def test_qml_uses_what_qgis_knows(layers: dict[str, MapLayer]) -> None:
    for layer in layers.values():
        fields = {column.name for column in layer.columns}
        for style in layer.styles:
            assert style.qml.startswith(
                "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n<qgis version=\"3."
            )
            root = qml(style.qml)
            assert root.find("renderer-v2").get("type") == "RuleRenderer"
            assert {one.get("class") for one in root.iterfind(".//symbol/layer")} <= SYMBOL_LAYERS
            symbols = [one.get("name") for one in root.iterfind("renderer-v2/symbols/symbol")]
            assert [one.get("symbol") for one in root.iterfind(".//rules/rule")] == symbols
            keys = [one.get("key") for one in root.iter("rule", "rules")]
            assert len(set(keys)) == len(keys)
            assert root.findtext("layerGeometryType") == ("0" if layer.geometry == "Point" else "2")
            assert {one.get("field") for one in root.iterfind("aliases/alias")} == fields
            label = root.find("labeling/settings/text-style")
            assert root.get("labelsEnabled") == str(int(label is not None))
            assert label is None or label.get("fieldName") in fields
            named = set(re.findall(r'"(\w+)"', " ".join(one.get("filter") for one in root.iterfind(".//rules/rule"))))
            assert named <= fields


def test_sld_has_the_rules_of_the_qml_in_the_same_words(layers: dict[str, MapLayer]) -> None:
    for layer in layers.values():
        for style in layer.styles:
            root = etree.fromstring(style.sld.encode())
            assert root.get("version") == "1.1.0"
            assert root.findtext("sld:NamedLayer/se:Name", namespaces=SE) == layer.name
            names = [one.text for one in root.iterfind(".//se:Rule/se:Name", namespaces=SE)]
            labels = [one.get("label") for one in qml(style.qml).iterfind(".//rules/rule")]
            assert names == labels


def test_text_of_the_data_stays_text() -> None:
    rule = StyleRule(HOSTILE, Marker("circle", "#000000", 2), (Condition("nom", "=", HOSTILE),))
    spec = StyleSpec("Essai", HOSTILE, (rule,), labels=Labels("nom", 8, "#000000"), tip="nom")
    drawn = qml(render_qml(spec, [Column("nom", HOSTILE)]))
    seen = "<b>'\"&é</b>"
    assert drawn.find(".//rules/rule").get("label") == seen
    assert drawn.find(".//rules/rule").get("filter") == "\"nom\" = '<b>''\"&é</b>'"
    assert drawn.find("aliases/alias").get("name") == seen
    assert "'<', '&lt;'" in drawn.findtext("mapTip")
    assert etree.fromstring(render_sld("essai", spec).encode()).findtext(".//ogc:Literal", namespaces=SE) == seen


def test_style_names_fit_and_differ() -> None:
    long = "Une France services ouverte en soirée"
    first = style_name(long)
    second = style_name(long, [first])
    assert first == "Une France services ouverte e…"
    assert len(second) <= 30
    assert second != first
    assert style_name("Accès") == "Accès"
