"""New sites in a GeoPackage: communes before and after, what each closure would cost, the sites proposed."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from itertools import pairwise

import geopandas as gpd

from sdaasp_geo.french import NBSP, threshold
from sdaasp_geo.outputs import geopackage, palette
from sdaasp_geo.outputs.layer_metadata import describe_record, render_metadata
from sdaasp_geo.outputs.layer_model import POINT, POLYGON, LayerStyle, MapLayer
from sdaasp_geo.outputs.map_siting import CHANGES, no_measures, time_bounds
from sdaasp_geo.outputs.style_model import SLASH, Condition, Fill, Labels, Marker, StyleRule, StyleSpec
from sdaasp_geo.outputs.style_qml import render_qml
from sdaasp_geo.outputs.style_sld import render_sld
from sdaasp_geo.study import NewSites, Study

_CANDIDATE = "commune:"
_NAMES_FARTHEST = 250_000
_EDGE, _EDGE_MM = "#ffffff", 0.1
_SITE, _PLACE, _LOSS = "#d55e00", "#ffffff", "#1b1b1b"


def siting_layers(study: Study, found: NewSites) -> list[MapLayer]:
    """Gather the layers of new sites, from the widest territories to the points, with styles and ISO 19139 records.

    Parameters
    ----------
    study : Study
        Contours of the communes, their points of reference, positions of the existing places.
    found : NewSites
        What was chosen.

    Returns
    -------
    list of MapLayer
        ``departement, epci``, then ``communes_avant_apres, fermetures, lieux_proposes``, with the columns of the tables
        of the same names; geometry in the legal CRS (metres).
    """
    nothing = no_measures(study, found)
    record = describe_record(study, nothing)
    around = geopackage.build_layers(study, nothing, only=("departement", "epci"))
    own = [
        (
            geopackage.titled_layer("communes_avant_apres", _communes(study, found), study, kind=POLYGON),
            _changes(found),
        ),
        (geopackage.titled_layer("fermetures", _closures(study, found), study, kind=POINT), _losses()),
        (geopackage.titled_layer("lieux_proposes", _sites(study, found), study, kind=POINT), _proposed()),
    ]
    return [
        *around,
        *(
            dataclasses.replace(layer, styles=_rendered(layer, specs), metadata=render_metadata(layer, record))
            for layer, specs in own
        ),
    ]


def _rendered(layer: MapLayer, specs: Sequence[StyleSpec]) -> tuple[LayerStyle, ...]:
    return tuple(
        LayerStyle(spec.name, spec.description, render_qml(spec, layer.columns), render_sld(layer.name, spec))
        for spec in specs
    )


def _communes(study: Study, found: NewSites) -> gpd.GeoDataFrame:
    communes = study.communes.set_index("code")
    demand = found.siting.demand.assign(commune_name=found.siting.demand["code"].map(communes["name"]))
    contours = gpd.GeoSeries(demand["code"].map(communes.geometry), crs=study.communes.crs)
    return gpd.GeoDataFrame(demand, geometry=contours)


def _closures(study: Study, found: NewSites) -> gpd.GeoDataFrame:
    """Return the existing places with their position and what is lost if each one closes."""
    own = study.points[study.points["service"] == found.service].drop_duplicates("id").set_index("id")
    positions = gpd.GeoSeries(found.closures["place"].map(own.geometry), crs=study.points.crs)
    return gpd.GeoDataFrame(found.closures, geometry=positions)


def _sites(study: Study, found: NewSites) -> gpd.GeoDataFrame:
    """Return the proposed sites at the point of reference of their commune."""
    communes = study.communes.set_index("code")
    codes = found.siting.sites["place"].str.removeprefix(_CANDIDATE)
    x, y = (codes.map(communes[name]) for name in ("ref_x", "ref_y"))
    return gpd.GeoDataFrame(found.siting.sites, geometry=gpd.points_from_xy(x, y, crs=study.communes.crs))


def _changes(found: NewSites) -> list[StyleSpec]:
    limit = threshold(found.siting.threshold_min)
    before, after = "dans_le_seuil_avant", "dans_le_seuil_apres"
    tests = [
        (Condition(before, "=", value=True),),
        (Condition(before, "=", value=False), Condition(after, "=", value=True)),
        (Condition(before, "=", value=False), Condition(after, "=", value=False)),
    ]
    effect = _ranked(CHANGES, tests)
    bounds = time_bounds(found)
    return [
        _communes_style("Effet", f"Effet des lieux proposés sur le seuil de {limit}", effect),
        _communes_style("Temps avant", "Temps vers le lieu le plus proche, avant", _times("avant_min", bounds)),
        _communes_style("Temps après", "Temps vers le lieu le plus proche, après", _times("apres_min", bounds)),
    ]


def _communes_style(name: str, description: str, rules: Sequence[StyleRule]) -> StyleSpec:
    hatched = Fill(palette.NOT_MEASURED_COLOUR, SLASH, palette.MUTED, outline=_EDGE, outline_mm=_EDGE_MM)
    names = Labels("commune", 8, palette.INK, farthest=_NAMES_FARTHEST)
    return StyleSpec(name, description, (*rules, StyleRule("Non atteint", hatched)), labels=names)


def _times(column: str, bounds: Sequence[float]) -> list[StyleRule]:
    spans = list(pairwise([-math.inf, *bounds, math.inf]))
    tests = [
        tuple(Condition(column, sign, bound) for sign, bound in ((">", low), ("<=", high)) if not math.isinf(bound))
        for low, high in spans
    ]
    return _ranked([palette.minutes_span(low, high) for low, high in spans], tests)


def _ranked(labels: Sequence[str], tests: Sequence[tuple[Condition, ...]]) -> list[StyleRule]:
    colours = palette.class_colours(len(labels))
    return [
        StyleRule(label, Fill(colour, outline=_EDGE, outline_mm=_EDGE_MM), conditions)
        for label, colour, conditions in zip(labels, colours, tests, strict=True)
    ]


def _losses() -> list[StyleSpec]:
    column = "habitants_sans_autre"
    rules = (
        StyleRule(
            "Sa fermeture éloignerait au-delà du seuil", Marker("circle", _LOSS, 2.8), (Condition(column, ">", 0),)
        ),
        StyleRule("Un autre lieu resterait dans le seuil", Marker("circle", _PLACE, 2.2, _LOSS)),
    )
    names = Labels("lieu_nom", 8, palette.MUTED, farthest=_NAMES_FARTHEST)
    return [StyleSpec("Fermetures", f"Lieux existants{NBSP}: ce que coûterait leur fermeture", rules, labels=names)]


def _proposed() -> list[StyleSpec]:
    rules = (StyleRule("Lieu proposé", Marker("star", _SITE, 5.0)),)
    names = Labels("lieu_commune", 10, palette.INK, bold=True)
    return [StyleSpec("Lieux proposés", "Lieux proposés, à leur commune", rules, labels=names)]
