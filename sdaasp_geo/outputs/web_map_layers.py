"""Layers of the interactive map: generalised shapes that keep their common edges, and folium objects that draw them.

folium reads its own output again as a Jinja template: a name that holds two braces would be run. So no text of the
data goes through folium but the names of layers and of EPCI, escaped by `escape.html_text`; features carry numbers
only, and the page holds the texts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import folium
import geopandas as gpd
import numpy as np
import shapely
from branca.element import Element, Figure

from sdaasp_geo.french import NBSP, threshold
from sdaasp_geo.outputs import palette
from sdaasp_geo.outputs.escape import html_text
from sdaasp_geo.outputs.map_codec import DIGITS, encode_line
from sdaasp_geo.outputs.map_svg import Sketch
from sdaasp_geo.outputs.web_map_text import studied_communes
from sdaasp_geo.parameters import service_names
from sdaasp_geo.study import Measures, Study

TOLERANCE_M = 80.0
"""Generalisation of the contours, metres: below one pixel at the scale of a département."""

BASE_MAP_HOST = "https://data.geopf.fr"
BASE_MAP_NAME = "Plan IGN (Géoplateforme)"
BASE_MAP_TILES = (
    f"{BASE_MAP_HOST}/wmts?SERVICE=WMTS&REQUEST=GetTile&VERSION=1.0.0&LAYER=GEOGRAPHICALGRIDSYSTEMS.PLANIGNV2"
    "&STYLE=normal&FORMAT=image/png&TILEMATRIXSET=PM&TILEMATRIX={z}&TILEROW={y}&TILECOL={x}"
)
"""Optional base map, without key (Géoplateforme of the IGN, Licence Ouverte 2.0)."""

TRANSLUCENT = 0.65
"""Opacity of the communes over a base map."""

GeoJson = dict[str, Any]
_PADDING_PX = 12
_SKETCH_UNITS = 200.0


@dataclass(frozen=True)
class Shapes:
    """Generalised shapes, EPSG:4326: edges of every layer coincide.

    Attributes
    ----------
    communes : GeoDataFrame
        Studied communes that have a contour: ``code, name``.
    epci, neighbours, petr, departement : GeoDataFrame
        ``name`` and outlines, dissolved from the same generalised communes.
    zones : GeoDataFrame
        Zones déficitaires of the main service: ``name``.
    sketch : Sketch
        Coarser shapes of the studied communes, for pictures.
    """

    communes: gpd.GeoDataFrame
    epci: gpd.GeoDataFrame
    neighbours: gpd.GeoDataFrame
    petr: gpd.GeoDataFrame
    departement: gpd.GeoDataFrame
    zones: gpd.GeoDataFrame
    sketch: Sketch


def display_shapes(study: Study, measures: Measures) -> Shapes:
    """Generalise the communes as one coverage, dissolve the outlines from them, and go to EPSG:4326.

    Parameters
    ----------
    study : Study
        Layers in the legal CRS (metres).
    measures : Measures
        ``zones`` and ``zone_members``.

    Returns
    -------
    Shapes
        Coordinates rounded to 5 decimals (about one metre). Only the studied communes are drawn one by one.
    """
    communes = study.communes
    around = set(study.neighbours["siren"])
    kept = communes[(communes["studied"] | communes["epci"].isin(around)) & communes.geometry.notna()]
    kept = kept.set_geometry(shapely.coverage_simplify(kept.geometry.to_numpy(), TOLERANCE_M))
    by_epci = kept.groupby("epci")["code"].agg(list)
    own = set(study.epci["siren"])
    around_only = study.neighbours[~study.neighbours["siren"].isin(own)]
    code = study.scheme.departement
    zones, zone_members = _main_zones(study, measures)
    return Shapes(
        communes=_display(kept.loc[kept["studied"], ["code", "name", "geometry"]]),
        epci=_dissolved(kept, by_epci, _names(study.epci, "siren")),
        neighbours=_dissolved(kept, by_epci, _names(around_only, "siren")),
        petr=_dissolved(kept, study.petr_members.groupby("petr")["code"].agg(list), _names(study.petr, "petr")),
        departement=_dissolved(kept, {code: kept.loc[kept["inside"], "code"]}, {code: study.departement_name}),
        zones=_dissolved(kept, zone_members, zones),
        sketch=_sketch(kept, own),
    )


def _sketch(kept: gpd.GeoDataFrame, own: set[str]) -> Sketch:
    """Simplify the studied communes again for a picture of a thousand units, and unite them."""
    studied = kept[kept["studied"]]
    west, _, east, _ = studied.total_bounds
    shapes = shapely.coverage_simplify(studied.geometry.to_numpy(), (east - west) / _SKETCH_UNITS)
    studied = studied.set_geometry(shapes)[["code", "epci", "inside", "geometry"]]
    united = [
        shapely.coverage_union_all(rows.geometry.to_numpy()) for siren, rows in studied.groupby("epci") if siren in own
    ]
    lines = shapely.get_parts(shapely.union_all([shapely.boundary(shape) for shape in united]))
    edge = shapely.boundary(shapely.coverage_union_all(studied.geometry[studied["inside"]].to_numpy()))
    return Sketch(studied[["code", "geometry"]], shapely.multilinestrings(list(lines)), edge)


def _names(layer: gpd.GeoDataFrame, key: str) -> dict[str, str]:
    return dict(zip(layer[key], layer["name"], strict=True))


def _main_zones(study: Study, measures: Measures) -> tuple[dict[str, str], Mapping[str, Iterable[str]]]:
    """Return the names and the members of the zones déficitaires of the main service."""
    zones, members = measures.zones, measures.zone_members
    if zones.empty or members.empty:
        return {}, {}
    own = zones[zones["service"] == study.scheme.mesure.services[0]]
    names = {row.zone: f"Plus de {threshold(row.threshold_min)}" for row in own.itertuples(index=False)}
    return names, members.groupby("zone")["code"].agg(list)


def _dissolved(
    communes: gpd.GeoDataFrame, members: Mapping[str, Iterable[str]], names: Mapping[str, str]
) -> gpd.GeoDataFrame:
    """Unite the shapes of each territory that has a name and at least one shape."""
    shapes = communes.set_index("code").geometry
    rows = []
    for key in sorted(names):
        codes = [code for code in members.get(key, ()) if code in shapes.index] if len(members) else []
        if codes:
            rows.append({"name": names[key], "geometry": shapely.coverage_union_all(shapes[codes].to_numpy())})
    return _display(gpd.GeoDataFrame(rows, columns=["name", "geometry"], geometry="geometry", crs=communes.crs))


def _display(layer: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    degrees = layer.to_crs("EPSG:4326").reset_index(drop=True)
    return degrees.set_geometry(
        gpd.GeoSeries(shapely.transform(degrees.geometry.to_numpy(), lambda xy: xy.round(DIGITS)), crs="EPSG:4326")
    )


def encode_geometry(shape: shapely.Geometry | None) -> str:
    """Return the polygons of a shape, parted by ``;``, their rings by spaces; empty for no shape."""
    polygons = [polygon for polygon in shapely.get_parts(shape) if polygon.geom_type == "Polygon"]
    rings = [
        [encode_line(shapely.get_coordinates(ring)) for ring in (part.exterior, *part.interiors)] for part in polygons
    ]
    return ";".join(" ".join(lines) for lines in rings)


def build_folium_map(
    study: Study, measures: Measures, shapes: Shapes, *, services: Sequence[str], base_map: bool = False
) -> tuple[folium.Map, dict[str, str]]:
    """Build the folium map of a study, without base map nor outside resource unless asked.

    Communes are drawn without class: the page colours them (`templates/map.js`), by the view that its reader chooses.

    Parameters
    ----------
    services : sequence of str
        Services whose places are drawn, the first one at first.
    base_map : bool
        Put the Plan IGN under the communes: the page then asks `BASE_MAP_HOST` for pictures.

    Returns
    -------
    Map
        Layers and their control; identifiers are numbered in order, so that the same study gives the same text.
    dict
        JavaScript names of the objects that the page needs: ``map``, ``communes``, the drawn layers in ``order``, and
        the layers of places of each service as the object ``places``.
    """
    west, south, east, north = shapes.communes.total_bounds
    canvas = folium.Map(
        location=[(south + north) / 2, (west + east) / 2],
        tiles=None,
        prefer_canvas=True,
        control_scale=True,
        attribution_control=False,
        zoom_snap=0.25,
        min_zoom=6,
        max_zoom=15,
    )
    if base_map:
        folium.TileLayer(tiles=BASE_MAP_TILES, attr=BASE_MAP_NAME, name=BASE_MAP_NAME, max_zoom=15).add_to(canvas)
    communes = _communes(study, shapes, translucent=base_map)
    points = _point_layers(study, measures, services)
    under = [] if base_map else _under(shapes)
    drawn = [*under, communes, *_over(shapes), *(layer for _, layer in points)]
    for layer in [*drawn, _labels(shapes)]:
        layer.add_to(canvas)
    folium.LayerControl(collapsed=True).add_to(canvas)
    canvas.fit_bounds([[south, west], [north, east]], padding=(_PADDING_PX, _PADDING_PX))
    _number_identifiers(canvas)
    return canvas, {
        "map": canvas.get_name(),
        "communes": communes.get_name(),
        "order": ",".join(layer.get_name() for layer in drawn),
        "places": _places_object(points),
    }


def _places_object(points: Sequence[tuple[str, folium.GeoJson]]) -> str:
    """Write a JavaScript object: layers of places by service."""
    by_service: dict[str, list[str]] = {}
    for service, layer in points:
        by_service.setdefault(service, []).append(layer.get_name())
    return "{" + ",".join(f'"{html_text(service)}":[{",".join(names)}]' for service, names in by_service.items()) + "}"


def _under(shapes: Shapes) -> list[folium.GeoJson]:
    """Return the layers under the communes."""
    style = {"color": "#8a8a85", "weight": 1, "fillColor": palette.NEIGHBOUR_COLOUR, "fillOpacity": 1}
    return _outlines(shapes.neighbours, f"EPCI voisins{NBSP}: contours", style)


def _over(shapes: Shapes) -> list[folium.GeoJson]:
    """Return the outlines over the communes; those of one département and of its EPCI are shown at first."""
    zones = {"color": palette.ZONE_COLOUR, "weight": 4, "fill": False}
    petr = {"color": palette.PETR_COLOUR, "weight": 3, "dashArray": "2 6", "fill": False}
    epci = {"color": palette.INK, "weight": 1.8, "fill": False}
    departement = {"color": palette.DEPARTEMENT_COLOUR, "weight": 3, "dashArray": "10 5", "fill": False}
    return [
        *_outlines(shapes.zones, "Zones déficitaires", zones, show=False),
        *_outlines(shapes.petr, "PETR", petr, show=False),
        *_outlines(shapes.epci, f"EPCI{NBSP}: contours", epci),
        *_outlines(shapes.departement, "Département", departement),
    ]


def folium_script(canvas: folium.Map) -> str:
    """Return the JavaScript of a folium map, without the page that folium would put around it."""
    canvas.render()  # type: ignore[no-untyped-call]
    figure = canvas.get_root()
    if not isinstance(figure, Figure):
        message = "a folium map draws itself in a figure"
        raise TypeError(message)
    return str(figure.script.render())


def _number_identifiers(root: folium.Map) -> None:
    """Replace folium's random identifiers by numbers, in the order of the tree."""
    waiting: list[Element] = [root]
    number = 0
    while waiting:
        element = waiting.pop(0)
        number += 1
        element._id = str(number)  # noqa: SLF001 - branca offers no other way to choose an identifier
        waiting.extend(element._children.values())  # noqa: SLF001 - nor to walk its tree


def _packed(kind: str, coordinates: object, *, first: int = 0) -> GeoJson:
    """Return a collection of one feature, which the page parts into one per shape or point, numbered from ``first``.

    Features carry no text: what the data say stands in the data of the page.
    """
    geometry = {"type": kind, "coordinates": coordinates}
    return {
        "type": "FeatureCollection",
        "features": [{"type": "Feature", "id": first, "properties": {}, "geometry": geometry}],
    }


def _outlines(
    layer: gpd.GeoDataFrame, name: str, style: Mapping[str, object], *, show: bool = True
) -> list[folium.GeoJson]:
    """Return a layer of outlines that do not answer the pointer; nothing when there is none."""
    if layer.empty:
        return []
    outlines = folium.GeoJson(
        _packed("MultiPolygon", [encode_geometry(shape) for shape in layer.geometry]),
        name=html_text(name),
        show=show,
        style_function=lambda _feature: dict(style),
        interactive=False,
        smooth_factor=0.5,
    )
    return [outlines]


def _communes(study: Study, shapes: Shapes, *, translucent: bool) -> folium.GeoJson:
    """Return the studied communes; a feature's number is that of its commune in `studied_communes`."""
    contours = shapes.communes.set_index("code").geometry
    shapes_in_order = [contours.get(code) for code in studied_communes(study)["code"]]
    style = {
        "color": "#ffffff",
        "weight": 0.6,
        "fillColor": palette.NOT_MEASURED_COLOUR,
        "fillOpacity": TRANSLUCENT if translucent else 1,
    }
    return folium.GeoJson(
        _packed("MultiPolygon", [encode_geometry(shape) for shape in shapes_in_order]),
        name="Communes",
        style_function=lambda _feature: style,
        on_each_feature=folium.JsCode("function (feature, layer) { sdaasp.commune(feature, layer); }"),
        smooth_factor=0.5,
    )


def drawn_points(study: Study, measures: Measures, service: str) -> gpd.GeoDataFrame:
    """Return the points of a service that the map shows: those of the studied communes, and those cited elsewhere.

    A point outside is cited when it is the nearest or the second nearest place of a studied commune.
    """
    access = measures.access[measures.access["service"] == service]
    cited = set(access["place"].dropna()) | set(access["second_place"].dropna())
    studied = set(study.communes.loc[study.communes["studied"], "code"])
    points = study.points[(study.points["service"] == service) & study.points.geometry.notna()]
    return points[points["code_commune"].isin(studied) | points["id"].isin(cited)]


def shown_points(study: Study, measures: Measures, services: Sequence[str]) -> list[tuple[str, bool, gpd.GeoDataFrame]]:
    """Return the points that the map shows by service and kind (permanent, then partial), in EPSG:4326."""
    kinds = []
    for service in services:
        points = drawn_points(study, measures, service).to_crs("EPSG:4326")
        chosen = [(service, permanent, points[points["permanent"] == permanent]) for permanent in (True, False)]
        kinds += [kind for kind in chosen if len(kind[2])]
    return kinds


def _point_layers(study: Study, measures: Measures, services: Sequence[str]) -> list[tuple[str, folium.GeoJson]]:
    """Return one layer by service and kind, with its service.

    The page makes one feature of each point, numbered from ``first``: its rank in the texts of the page.
    """
    layers, first = [], 0
    for service, permanent, points in shown_points(study, measures, services):
        label = service_names(study.parameters, service).plural
        kind = "accueil permanent" if permanent else "présence partielle"
        name = f"{label[:1].upper()}{label[1:]}{NBSP}: {kind}"
        main = service == study.scheme.mesure.services[0]
        layer = _points(points, name, first=first, main=main, show=service == services[0], permanent=permanent)
        layers.append((service, layer))
        first += len(points)
    return layers


def _points(
    points: gpd.GeoDataFrame, name: str, *, first: int, main: bool, show: bool, permanent: bool
) -> folium.GeoJson:
    coordinates = np.column_stack([points.geometry.x, points.geometry.y])
    radius = (6 if permanent else 8) if main else 3
    style: dict[str, object] = {
        "color": palette.INK,
        "weight": 2 if main else 1,
        "fillColor": "#ffffff",
        "fillOpacity": 1,
    }
    if not permanent:
        style["forme"] = "losange"
    return folium.GeoJson(
        _packed("MultiPoint", encode_line(coordinates), first=first),
        name=html_text(name),
        show=show,
        marker=folium.CircleMarker(radius=radius, fill=True),
        style_function=lambda _feature: style,
        on_each_feature=folium.JsCode("function (feature, layer) { sdaasp.lieu(feature, layer); }"),
    )


def _labels(shapes: Shapes) -> folium.FeatureGroup:
    """Return the names of the EPCI and of their neighbours, at an inner point of each."""
    group = folium.FeatureGroup(name=html_text("Noms des EPCI"))
    for layer, css_class in ((shapes.neighbours, "nom-voisin"), (shapes.epci, "nom-epci")):
        for row in layer.itertuples(index=False):
            spot = max(shapely.get_parts(row.geometry), key=lambda part: part.area)
            spot = shapely.maximum_inscribed_circle(spot, tolerance=0.005).coords[0]
            icon = folium.DivIcon(html=f"<span>{html_text(row.name)}</span>", icon_size=(0, 0), class_name=css_class)
            location = [round(spot[1], DIGITS), round(spot[0], DIGITS)]
            folium.Marker(location=location, icon=icon, interactive=False, keyboard=False).add_to(group)
    return group
