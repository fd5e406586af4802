"""ISO 19115 record of each layer, as ISO 19139 XML, with the elements that INSPIRE requires.

The contact is left blank (``gco:nilReason``), with its role only: the département fills it in before publishing the
record in a catalogue. Conformity to the INSPIRE data specifications is said to be not evaluated.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

import geopandas as gpd

from sdaasp_geo.french import NBSP, date, listing
from sdaasp_geo.outputs.escape import plain_text
from sdaasp_geo.outputs.layer_model import MapLayer, catalogue_entry
from sdaasp_geo.outputs.manifest import sha256, warnings_of
from sdaasp_geo.study import Measures, Study

NAMESPACES = {
    "gmd": "http://www.isotc211.org/2005/gmd",
    "gco": "http://www.isotc211.org/2005/gco",
    "gmx": "http://www.isotc211.org/2005/gmx",
    "gml": "http://www.opengis.net/gml/3.2",
    "xlink": "http://www.w3.org/1999/xlink",
}
_CODES = "http://standards.iso.org/iso/19139/resources/gmxCodelists.xml"
_NO_LIMIT = "http://inspire.ec.europa.eu/metadata-codelist/LimitationsOnPublicAccess/noLimitations"
_LICENCE_URL = "https://www.etalab.gouv.fr/licence-ouverte-open-licence"
_REGULATION = "Règlement (UE) n° 1089/2010 (interopérabilité des séries et des services de données géographiques)"
_ORIGINS = "Sources\u00a0: IGN, INSEE, DGCL, ANCT, DILA."
_GRID_M = "1"
_WGS84 = 4326


@dataclass(frozen=True)
class Record:
    """What a run says of all its layers.

    Attributes
    ----------
    identifier : str
        Start of the identifiers: code of the scheme and edition.
    edition : date
        Date of publication and of the record.
    vintage : int
        Year (1 January) of the perimeters and populations.
    lineage, licence : str
        How the layers were made, and on what terms they are reused.
    box : tuple of float
        West, south, east, north of the département, in degrees: the extent of a table or of an empty layer.
    """

    identifier: str
    edition: dt.date
    vintage: int
    lineage: str
    licence: str
    box: tuple[float, float, float, float]


def describe_record(study: Study, measures: Measures) -> Record:
    """Gather what the records of a run share: scheme, edition, method, inputs with their hash, licences."""
    scheme, method = study.scheme, measures.method
    licences = sorted({plain_text(text) for text in study.points["licence"] if plain_text(text)})
    inputs = listing([f"{plain_text(name)} (SHA-256 {sha256(path)[:12]})" for name, path in study.inputs])
    sentences = [
        f"Produit par sdaasp_geo pour {scheme.nom}, édition du {date(scheme.edition)}.",
        f"Périmètres et populations au 1er janvier {scheme.millesimes.mesure}.",
        f"Temps d'accès{NBSP}: {method.label}. {method.description} Source{NBSP}: {method.source}.",
        f"Fichiers lus{NBSP}: {inputs}.",
        *warnings_of(study, measures),
    ]
    return Record(
        identifier=f"{scheme.code}-{scheme.edition.isoformat()}",
        edition=scheme.edition,
        vintage=scheme.millesimes.mesure,
        lineage=" ".join(plain_text(sentence) for sentence in sentences),
        licence=f"{listing(licences) if licences else 'Licence Ouverte 2.0'}. {_ORIGINS}",
        box=_degrees(study.departement),
    )


def render_metadata(layer: MapLayer, record: Record) -> str:
    """Write the ISO 19139 record of a layer; a table without geometry has no extent nor CRS.

    Returns
    -------
    str
        XML; the same layer gives the same text.
    """
    spaces = {f"xmlns:{prefix}": address for prefix, address in NAMESPACES.items()}
    root = ET.Element("gmd:MD_Metadata", spaces)
    _text(root, "gmd:fileIdentifier", f"{record.identifier}-{layer.name}")
    _language(root)
    _code(root, "gmd:characterSet", "MD_CharacterSetCode", "utf8")
    _code(root, "gmd:hierarchyLevel", "MD_ScopeCode", "dataset")
    _text(root, "gmd:hierarchyLevelName", "série de données")
    _contact(root, "gmd:contact", "pointOfContact")
    _wrapped(root, "gmd:dateStamp", "gco:Date", record.edition.isoformat())
    _text(root, "gmd:metadataStandardName", "ISO 19115:2003/19139")
    _text(root, "gmd:metadataStandardVersion", "1.0")
    if layer.epsg:
        _reference_system(root, layer.epsg)
    _identification(root, layer, record)
    _distribution(root)
    _quality(root, record)
    ET.indent(root, " ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def write_metadata(layers: Iterable[MapLayer], folder: Path) -> list[Path]:
    """Write the record of each layer beside it: ``metadata/<layer>.xml``; layers without record are passed over.

    Parameters
    ----------
    layers : iterable of MapLayer
        With their ``metadata``.
    folder : Path
        Made if it does not exist.
    """
    written = []
    for layer in layers:
        if layer.metadata:
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"{layer.name}.xml"
            path.write_text(layer.metadata, encoding="utf-8", newline="\n")
            written.append(path)
    return written


def _identification(root: ET.Element, layer: MapLayer, record: Record) -> None:
    entry = catalogue_entry(layer.name)
    found = _nested(root, "gmd:identificationInfo", "gmd:MD_DataIdentification")
    citation = _nested(found, "gmd:citation", "gmd:CI_Citation")
    _text(citation, "gmd:title", layer.title)
    _date(citation, record.edition, "publication")
    _text(_nested(citation, "gmd:identifier", "gmd:MD_Identifier"), "gmd:code", f"{record.identifier}-{layer.name}")
    _text(found, "gmd:abstract", layer.abstract)
    _contact(found, "gmd:pointOfContact", "owner")
    _keywords(found, [entry["theme"]], thesaurus="GEMET - INSPIRE themes, version 1.0", published=dt.date(2008, 6, 1))
    _keywords(found, ["accessibilité des services au public", "SDAASP", "France services"])
    _constraints(found, record)
    kind = "vector" if layer.geometry else "textTable"
    _code(found, "gmd:spatialRepresentationType", "MD_SpatialRepresentationTypeCode", kind)
    if layer.geometry:
        distance = _nested(found, "gmd:spatialResolution", "gmd:MD_Resolution", "gmd:distance")
        ET.SubElement(distance, "gco:Distance", uom="m").text = _GRID_M
    _language(found)
    _code(found, "gmd:characterSet", "MD_CharacterSetCode", "utf8")
    _wrapped(found, "gmd:topicCategory", "gmd:MD_TopicCategoryCode", entry["topic"])
    _extent(found, layer, record)


def _constraints(found: ET.Element, record: Record) -> None:
    """Say how the data may be reused, and that nothing limits the public's access to them."""
    use = _nested(found, "gmd:resourceConstraints", "gmd:MD_LegalConstraints")
    _code(use, "gmd:useConstraints", "MD_RestrictionCode", "otherRestrictions")
    _anchor(use, "gmd:otherConstraints", _LICENCE_URL, record.licence)
    access = _nested(found, "gmd:resourceConstraints", "gmd:MD_LegalConstraints")
    _code(access, "gmd:accessConstraints", "MD_RestrictionCode", "otherRestrictions")
    _anchor(access, "gmd:otherConstraints", _NO_LIMIT, "Pas de restriction d'accès public")


def _extent(found: ET.Element, layer: MapLayer, record: Record) -> None:
    extent = _nested(found, "gmd:extent", "gmd:EX_Extent")
    bounds = _nested(extent, "gmd:geographicElement", "gmd:EX_GeographicBoundingBox")
    names = ("westBoundLongitude", "eastBoundLongitude", "southBoundLatitude", "northBoundLatitude")
    rows = layer.rows
    placed = isinstance(rows, gpd.GeoDataFrame) and bool(rows.geometry.notna().any())
    west, south, east, north = _degrees(rows) if placed else record.box
    for name, value in zip(names, (west, east, south, north), strict=True):
        _wrapped(bounds, f"gmd:{name}", "gco:Decimal", f"{value:.3f}")
    period = _nested(extent, "gmd:temporalElement", "gmd:EX_TemporalExtent", "gmd:extent")
    instant = ET.SubElement(period, "gml:TimeInstant", {"gml:id": f"millesime-{layer.name.replace('_', '-')}"})
    ET.SubElement(instant, "gml:timePosition").text = f"{record.vintage}-01-01"


def _degrees(rows: gpd.GeoDataFrame) -> tuple[float, float, float, float]:
    """Return west, south, east, north of a layer, in degrees (WGS 84), rounded outwards to the thousandth."""
    degrees = rows.geometry.to_crs(_WGS84).total_bounds
    west, south = (math.floor(value * 1000) / 1000 for value in degrees[:2])
    east, north = (math.ceil(value * 1000) / 1000 for value in degrees[2:])
    return west, south, east, north


def _reference_system(root: ET.Element, epsg: int) -> None:
    system = _nested(
        root,
        *("gmd:referenceSystemInfo", "gmd:MD_ReferenceSystem", "gmd:referenceSystemIdentifier", "gmd:RS_Identifier"),
    )
    _anchor(system, "gmd:code", f"http://www.opengis.net/def/crs/EPSG/0/{epsg}", f"EPSG:{epsg}")
    _text(system, "gmd:codeSpace", "EPSG")


def _distribution(root: ET.Element) -> None:
    found = _nested(root, "gmd:distributionInfo", "gmd:MD_Distribution")
    given = _nested(found, "gmd:distributionFormat", "gmd:MD_Format")
    _text(given, "gmd:name", "GeoPackage")
    _text(given, "gmd:version", "1.4")
    resource = _nested(
        found, "gmd:transferOptions", "gmd:MD_DigitalTransferOptions", "gmd:onLine", "gmd:CI_OnlineResource"
    )
    linkage = ET.SubElement(resource, "gmd:linkage")
    ET.SubElement(linkage, "gmd:URL").text = "layers.gpkg"


def _quality(root: ET.Element, record: Record) -> None:
    found = _nested(root, "gmd:dataQualityInfo", "gmd:DQ_DataQuality")
    _code(_nested(found, "gmd:scope", "gmd:DQ_Scope"), "gmd:level", "MD_ScopeCode", "dataset")
    report = _nested(found, "gmd:report", "gmd:DQ_DomainConsistency")
    result = _nested(report, "gmd:result", "gmd:DQ_ConformanceResult")
    specification = _nested(result, "gmd:specification", "gmd:CI_Citation")
    _text(specification, "gmd:title", _REGULATION)
    _date(specification, dt.date(2010, 12, 8), "publication")
    _text(result, "gmd:explanation", "Conformité non évaluée")
    ET.SubElement(result, "gmd:pass", {"gco:nilReason": "unknown"})
    _text(_nested(found, "gmd:lineage", "gmd:LI_Lineage"), "gmd:statement", record.lineage)


def _contact(parent: ET.Element, name: str, role: str) -> None:
    """Add a contact to be filled in: its role alone is known."""
    party = _nested(parent, name, "gmd:CI_ResponsibleParty")
    ET.SubElement(party, "gmd:organisationName", {"gco:nilReason": "missing"})
    address = _nested(party, "gmd:contactInfo", "gmd:CI_Contact", "gmd:address", "gmd:CI_Address")
    ET.SubElement(address, "gmd:electronicMailAddress", {"gco:nilReason": "missing"})
    _code(party, "gmd:role", "CI_RoleCode", role)


def _keywords(
    parent: ET.Element, words: Sequence[str], *, thesaurus: str = "", published: dt.date | None = None
) -> None:
    found = _nested(parent, "gmd:descriptiveKeywords", "gmd:MD_Keywords")
    for word in words:
        _text(found, "gmd:keyword", word)
    _code(found, "gmd:type", "MD_KeywordTypeCode", "theme")
    if thesaurus and published:
        citation = _nested(found, "gmd:thesaurusName", "gmd:CI_Citation")
        _text(citation, "gmd:title", thesaurus)
        _date(citation, published, "publication")


def _date(parent: ET.Element, day: dt.date, kind: str) -> None:
    found = _nested(parent, "gmd:date", "gmd:CI_Date")
    _wrapped(found, "gmd:date", "gco:Date", day.isoformat())
    _code(found, "gmd:dateType", "CI_DateTypeCode", kind)


def _language(parent: ET.Element) -> None:
    attributes = {"codeList": "http://www.loc.gov/standards/iso639-2/", "codeListValue": "fre"}
    ET.SubElement(ET.SubElement(parent, "gmd:language"), "gmd:LanguageCode", attributes).text = "français"


def _code(parent: ET.Element, name: str, codelist: str, value: str) -> None:
    attributes = {"codeList": f"{_CODES}#{codelist}", "codeListValue": value}
    ET.SubElement(ET.SubElement(parent, name), f"gmd:{codelist}", attributes).text = value


def _anchor(parent: ET.Element, name: str, address: str, words: str) -> None:
    ET.SubElement(ET.SubElement(parent, name), "gmx:Anchor", {"xlink:href": address}).text = words


def _text(parent: ET.Element, name: str, words: str) -> None:
    _wrapped(parent, name, "gco:CharacterString", plain_text(words))


def _wrapped(parent: ET.Element, name: str, kind: str, value: str) -> None:
    ET.SubElement(ET.SubElement(parent, name), kind).text = value


def _nested(parent: ET.Element, *names: str) -> ET.Element:
    for name in names:
        parent = ET.SubElement(parent, name)
    return parent
