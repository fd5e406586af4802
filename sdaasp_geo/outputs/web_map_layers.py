"""Layers of the interactive map: generalised shapes that keep their common edges, and folium objects that draw them.

folium reads its own output again as a Jinja template: a name that holds two braces would be run. So no text of the
data goes through folium but the names of layers and of EPCI, escaped by `escape.html_text`; features carry numbers
only, and the page holds the texts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import folium
import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
from branca.element import Element, Figure

from sdaasp_geo.analysis.deficits import NOT_MEASURED
from sdaasp_geo.french import NBSP, threshold
from sdaasp_geo.outputs import palette
from sdaasp_geo.outputs.escape import html_text
from sdaasp_geo.outputs.web_map_text import joined_access
from sdaasp_geo.parameters import service_names
from sdaasp_geo.study import Measures, Study

TOLERANCE_M = 80.0
"""Generalisation of the contours, metres: below one pixel at the scale of a département."""

GeoJson = dict[str, Any]
_DIGITS = 5
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_PADDING_PX = 12


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
    """

    communes: gpd.GeoDataFrame
    epci: gpd.GeoDataFrame
    neighbours: gpd.GeoDataFrame
    petr: gpd.GeoDataFrame
    departement: gpd.GeoDataFrame
    zones: gpd.GeoDataFrame


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
    )


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
        gpd.GeoSeries(shapely.transform(degrees.geometry.to_numpy(), lambda xy: xy.round(_DIGITS)), crs="EPSG:4326")
    )


def encode_line(coordinates: npt.NDArray[np.float64]) -> str:
    """Encode a line of degrees as text: signed differences of 1e-5 degree, five bits a character.

    The characters are those of URL-safe Base64: none has a meaning in HTML, JavaScript or Jinja.

    Parameters
    ----------
    coordinates : ndarray of shape (n, 2)
        Longitudes and latitudes.
    """
    whole = np.rint(coordinates * 10**_DIGITS).astype(np.int64)
    steps = np.diff(whole, axis=0, prepend=np.zeros((1, 2), dtype=np.int64)).ravel()
    characters = []
    for step in np.where(steps < 0, ~(steps << 1), steps << 1).tolist():
        rest = step
        while rest >= 32:  # noqa: PLR2004 - five bits a character, the sixth says that more follow
            characters.append(_ALPHABET[32 | (rest & 31)])
            rest >>= 5
        characters.append(_ALPHABET[rest])
    return "".join(characters)


def encode_geometry(shape: shapely.Geometry) -> GeoJson:
    """Return a GeoJSON MultiPolygon whose rings are encoded lines; the page decodes them (`templates/map.js`)."""
    polygons = [
        [encode_line(shapely.get_coordinates(ring)) for ring in (polygon.exterior, *polygon.interiors)]
        for polygon in shapely.get_parts(shape)
        if polygon.geom_type == "Polygon"
    ]
    return {"type": "MultiPolygon", "coordinates": polygons}


def build_folium_map(study: Study, measures: Measures, shapes: Shapes) -> tuple[folium.Map, dict[str, str]]:
    """Build the folium map of a study, without base map nor outside resource.

    Returns
    -------
    Map
        Layers and their control; identifiers are numbered in order, so that the same study gives the same text.
    dict
        JavaScript names of the objects that the page needs: ``map``, ``communes`` and the drawn layers in ``order``.
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
    service = service_names(study.parameters, study.scheme.mesure.services[0])
    communes = _communes(study, measures, shapes, name=f"Communes{NBSP}: accès ({service.label})")
    drawn = [*_under(shapes), communes, *_over(shapes), *_point_layers(study, measures)]
    for layer in [*drawn, _labels(shapes)]:
        layer.add_to(canvas)
    folium.LayerControl(collapsed=True).add_to(canvas)
    canvas.fit_bounds([[south, west], [north, east]], padding=(_PADDING_PX, _PADDING_PX))
    _number_identifiers(canvas)
    order = ",".join(layer.get_name() for layer in drawn)
    return canvas, {"map": canvas.get_name(), "communes": communes.get_name(), "order": order}


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


def _features(geometries: Iterable[tuple[int, dict[str, int], GeoJson]]) -> GeoJson:
    """Return a collection whose features carry numbers only."""
    features = [
        {"type": "Feature", "id": key, "properties": properties, "geometry": geometry}
        for key, properties, geometry in geometries
    ]
    return {"type": "FeatureCollection", "features": features}


def _outlines(
    layer: gpd.GeoDataFrame, name: str, style: Mapping[str, object], *, show: bool = True
) -> list[folium.GeoJson]:
    """Return a layer of outlines that do not answer the pointer; nothing when there is none."""
    if layer.empty:
        return []
    rows: list[tuple[int, dict[str, int], GeoJson]] = [
        (number, {}, encode_geometry(shape)) for number, shape in enumerate(layer.geometry)
    ]
    outlines = folium.GeoJson(
        _features(rows),
        name=html_text(name),
        show=show,
        style_function=lambda _feature: dict(style),
        interactive=False,
        smooth_factor=0.5,
    )
    return [outlines]


def _communes(study: Study, measures: Measures, shapes: Shapes, *, name: str) -> folium.GeoJson:
    """Return the communes by class; a feature's number is the row of its commune in the table of the page."""
    service = study.scheme.mesure.services[0]
    entries = palette.legend_entries([rule for rule in study.rules if rule.service == service])
    ranks = {entry.code: rank for rank, entry in enumerate(entries)}
    table = joined_access(study, measures, service)
    contours = shapes.communes.set_index("code").geometry
    rows = [
        (number, {"c": ranks[row["class"]], "m": _mark(row)}, encode_geometry(contours[row["code"]]))
        for number, row in enumerate(table.to_dict("records"))
        if row["code"] in contours.index
    ]
    return folium.GeoJson(
        _features(rows),
        name=html_text(name),
        style_function=lambda feature: {
            "color": "#ffffff",
            "weight": 0.6,
            "fillColor": entries[feature["properties"]["c"]].colour,
            "fillOpacity": 1,
        },
        on_each_feature=folium.JsCode("function (feature, layer) { sdaasp.commune(feature, layer); }"),
        smooth_factor=0.5,
    )


def _mark(row: Mapping[str, object]) -> int:
    """Tell how a commune is marked over its colour: 2 hatched (not measured), 1 dotted (to check), 0 plain."""
    if row["class"] == NOT_MEASURED:
        return 2
    return int(bool(row["to_check"]))


def drawn_points(study: Study, measures: Measures, service: str) -> gpd.GeoDataFrame:
    """Return the points of a service that the map shows: those of the studied communes, and those cited elsewhere.

    A point outside is cited when it is the nearest or the second nearest place of a studied commune.
    """
    access = measures.access[measures.access["service"] == service]
    cited = set(access["place"].dropna()) | set(access["second_place"].dropna())
    studied = set(study.communes.loc[study.communes["studied"], "code"])
    points = study.points[(study.points["service"] == service) & study.points.geometry.notna()]
    return points[points["code_commune"].isin(studied) | points["id"].isin(cited)]


def shown_points(study: Study, measures: Measures) -> list[tuple[str, bool, gpd.GeoDataFrame]]:
    """Return the points that the map shows by service and kind (permanent, then partial), in EPSG:4326."""
    kinds = []
    for service in study.scheme.mesure.services:
        points = drawn_points(study, measures, service).to_crs("EPSG:4326")
        chosen = [(service, permanent, points[points["permanent"] == permanent]) for permanent in (True, False)]
        kinds += [kind for kind in chosen if len(kind[2])]
    return kinds


def _point_layers(study: Study, measures: Measures) -> list[folium.GeoJson]:
    """Return one layer by service and kind.

    The page makes one feature of each point, numbered from ``first``: its rank in the texts of the page.
    """
    layers, first = [], 0
    main = study.scheme.mesure.services[0]
    for service, permanent, points in shown_points(study, measures):
        label = service_names(study.parameters, service).plural
        kind = "accueil permanent" if permanent else "présence partielle"
        name = f"{label[:1].upper()}{label[1:]}{NBSP}: {kind}"
        layers.append(_points(points, name, first=first, main=service == main, permanent=permanent))
        first += len(points)
    return layers


def _points(points: gpd.GeoDataFrame, name: str, *, first: int, main: bool, permanent: bool) -> folium.GeoJson:
    coordinates = np.column_stack([points.geometry.x, points.geometry.y])
    together: GeoJson = {"type": "MultiPoint", "coordinates": encode_line(coordinates)}
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
        _features([(first, {}, together)]),
        name=html_text(name),
        show=main,
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
            location = [round(spot[1], _DIGITS), round(spot[0], _DIGITS)]
            folium.Marker(location=location, icon=icon, interactive=False, keyboard=False).add_to(group)
    return group
