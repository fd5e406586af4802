"""ISO 19139 records: every element that INSPIRE requires, for every layer, well-formed and the same each time."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree

from sdaasp_geo.outputs.geopackage import build_layers
from sdaasp_geo.outputs.layer_metadata import NAMESPACES, write_metadata
from sdaasp_geo.outputs.layer_model import MapLayer
from sdaasp_geo.study import Measures, Study

DATA = "gmd:identificationInfo/gmd:MD_DataIdentification"
CITATION = f"{DATA}/gmd:citation/gmd:CI_Citation"
LEGAL = f"{DATA}/gmd:resourceConstraints/gmd:MD_LegalConstraints"
KEYWORDS = f"{DATA}/gmd:descriptiveKeywords/gmd:MD_Keywords"
LINEAGE = "gmd:dataQualityInfo/gmd:DQ_DataQuality/gmd:lineage/gmd:LI_Lineage"
PARTY = "gmd:CI_ResponsibleParty"
REQUIRED = {
    "identifier of the record": "gmd:fileIdentifier/gco:CharacterString[text()]",
    "language of the record": "gmd:language/gmd:LanguageCode[@codeListValue='fre']",
    "date of the record": "gmd:dateStamp/gco:Date[text()='2026-11-22']",
    "contact of the record": f"gmd:contact/{PARTY}/gmd:role/gmd:CI_RoleCode[@codeListValue='pointOfContact']",
    "type": "gmd:hierarchyLevel/gmd:MD_ScopeCode[@codeListValue='dataset']",
    "title": f"{CITATION}/gmd:title/gco:CharacterString[text()]",
    "date": f"{CITATION}/gmd:date/gmd:CI_Date[gmd:dateType/gmd:CI_DateTypeCode]/gmd:date/gco:Date[text()]",
    "unique identifier": f"{CITATION}/gmd:identifier/gmd:MD_Identifier/gmd:code/gco:CharacterString[text()]",
    "abstract": f"{DATA}/gmd:abstract/gco:CharacterString[text()]",
    "responsible party": f"{DATA}/gmd:pointOfContact/{PARTY}/gmd:role/gmd:CI_RoleCode[@codeListValue='owner']",
    "keyword": f"{KEYWORDS}[contains(gmd:thesaurusName, 'INSPIRE themes')]/gmd:keyword",
    "use": f"{LEGAL}[gmd:useConstraints]/gmd:otherConstraints/gmx:Anchor[text()]",
    "access": f"{LEGAL}[gmd:accessConstraints]/gmd:otherConstraints/gmx:Anchor",
    "language": f"{DATA}/gmd:language/gmd:LanguageCode[@codeListValue='fre']",
    "topic": f"{DATA}/gmd:topicCategory/gmd:MD_TopicCategoryCode[text()='boundaries' or text()='society']",
    "box": f"{DATA}/gmd:extent/gmd:EX_Extent/gmd:geographicElement/gmd:EX_GeographicBoundingBox",
    "vintage": f"{DATA}/gmd:extent/gmd:EX_Extent/gmd:temporalElement//gml:timePosition[text()='2024-01-01']",
    "format": "gmd:distributionInfo/gmd:MD_Distribution/gmd:distributionFormat/gmd:MD_Format/gmd:name",
    "address": "gmd:distributionInfo//gmd:CI_OnlineResource/gmd:linkage/gmd:URL[text()='layers.gpkg']",
    "lineage": f"{LINEAGE}/gmd:statement/gco:CharacterString[text()]",
    "conformity": "gmd:dataQualityInfo//gmd:DQ_ConformanceResult[gmd:specification and gmd:explanation]/gmd:pass",
}


@pytest.fixture(scope="module")
def layers(study_65: Study, measures_65: Measures) -> list[MapLayer]:
    return build_layers(study_65, measures_65)


def test_every_record_has_what_inspire_requires(layers: list[MapLayer]) -> None:
    for layer in layers:
        root = etree.fromstring(layer.metadata.encode())
        missing = [name for name, path in REQUIRED.items() if not root.xpath(path, namespaces=NAMESPACES)]
        assert missing == [], layer.name
        code = root.xpath("gmd:referenceSystemInfo//gmd:code/gmx:Anchor/text()", namespaces=NAMESPACES)
        assert code == (["EPSG:2154"] if layer.geometry else [])


def test_the_contact_is_left_blank_and_conformity_is_not_claimed(layers: list[MapLayer]) -> None:
    root = etree.fromstring(layers[0].metadata.encode())
    names = root.xpath("//gmd:CI_ResponsibleParty/gmd:organisationName", namespaces=NAMESPACES)
    reason = f"{{{NAMESPACES['gco']}}}nilReason"
    assert [(name.text, name.get(reason)) for name in names] == [(None, "missing")] * 2
    assert [one.get(reason) for one in root.xpath("//gmd:pass", namespaces=NAMESPACES)] == ["unknown"]


def test_the_box_of_the_departement_is_where_it_is(layers: list[MapLayer]) -> None:
    """The Hautes-Pyrénées lie from 0.33° W to 0.65° E, and from 42.67° to 43.61° N."""
    root = etree.fromstring(next(one for one in layers if one.name == "departement").metadata.encode())
    box = root.find(".//gmd:EX_GeographicBoundingBox", namespaces=NAMESPACES)
    west, east, south, north = (float(one.findtext("gco:Decimal", namespaces=NAMESPACES)) for one in box)
    assert (west, east) == pytest.approx((-0.33, 0.65), abs=0.02)
    assert (south, north) == pytest.approx((42.67, 43.61), abs=0.02)


def test_lineage_says_the_method_and_the_files_read(layers: list[MapLayer], study_65: Study) -> None:
    root = etree.fromstring(layers[0].metadata.encode())
    said = root.findtext(".//gmd:lineage//gmd:statement/gco:CharacterString", namespaces=NAMESPACES)
    assert "ligne droite calibrée" in said
    assert all(name in said for name, _ in study_65.inputs)


def test_records_are_written_beside_and_always_the_same(
    layers: list[MapLayer], study_65: Study, measures_65: Measures, tmp_path: Path
) -> None:
    again = build_layers(study_65, measures_65)
    assert [one.metadata for one in again] == [one.metadata for one in layers]
    files = write_metadata(layers, tmp_path / "metadata")
    assert [path.name for path in files] == [f"{one.name}.xml" for one in layers]
    assert files[0].read_bytes().startswith(b'<?xml version="1.0" encoding="UTF-8"?>\n<gmd:MD_Metadata ')
    identifiers = {etree.parse(path).findtext("gmd:fileIdentifier/*", namespaces=NAMESPACES) for path in files}
    assert len(identifiers) == len(files)
