"""The offer of a scheme: its service points, its stops, and what was left out of either."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd

from sdaasp_geo.layers import communes, contracts, findings, services
from sdaasp_geo.layers.scope import departement_of
from sdaasp_geo.layers.stops import build_stops
from sdaasp_geo.parameters import Parameters, number_setting, words_setting
from sdaasp_geo.scheme import Scheme
from sdaasp_geo.sources import france
from sdaasp_geo.sources import services as service_files
from sdaasp_geo.sources import stops as stop_files

MAIRIE = "mairie"
_M2_PER_KM2 = 1e6


def read_offer(
    scheme: Scheme, parameters: Parameters, layer: gpd.GeoDataFrame, *, departement: str
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame | None, list[str]]:
    """Read, locate and check the service points and the stops; keep those that may serve, count the rest.

    Returns
    -------
    points : GeoDataFrame
        Service points that may serve the studied communes (`services.within_reach`), and the vehicles of the stops.
    stops : GeoDataFrame or None
        Stops (`layers.stops`), where the scheme gives some.
    list of str
        Notes in French.
    """
    points, given, converted = _points(scheme, parameters, layer, departement)
    stops, told = _stops(scheme, layer, points)
    reach_km = number_setting(parameters, "portee-offre-km")
    near = services.within_reach(points, layer[layer["studied"]], reach_km=reach_km)
    if stops is not None:
        near |= points["id"].isin(stops["vehicle"])
    kept = points[near].reset_index(drop=True)
    beyond = points[~near & points["service"].isin(given)]
    notes = [*converted, *findings.reach_notes(beyond, reach_km=reach_km), *findings.hours_notes(kept), *told]
    return kept, stops, notes


def _points(
    scheme: Scheme, parameters: Parameters, layer: gpd.GeoDataFrame, departement: str
) -> tuple[gpd.GeoDataFrame, set[str], list[str]]:
    """Return the points of the scheme, the embedded mairies included, the services of its files, and their notes."""
    around = sorted(set(layer["departement"]))
    found = [service_files.read_offer(scheme.path(name), departements=around) for name in scheme.fichiers.services]
    read, notes = [table for table, _ in found], [note for _, told in found for note in told]
    given = {service for table in read for service in table["service"]}
    if MAIRIE in scheme.mesure.services and MAIRIE not in given:
        mairies = france.read_mairies(set(layer["departement"]))
        trusted = mairies["precision_position"] == communes.TRUSTED
        read.append(mairies.assign(lon=mairies["lon"].where(trusted), lat=mairies["lat"].where(trusted)))
    fields = [field["name"] for field in service_files.grid_fields()]
    grid = pd.concat(read, ignore_index=True) if read else pd.DataFrame(columns=fields)
    points = services.build_service_points(
        grid.assign(code_commune=_current(scheme, grid["code_commune"])),
        layer,
        permanent_formats=words_setting(parameters, "formats-permanents"),
        departement=departement,
    )
    contracts.check_layer(points, contracts.SERVICE_POINTS)
    return points, given, notes


def _stops(
    scheme: Scheme, layer: gpd.GeoDataFrame, points: gpd.GeoDataFrame
) -> tuple[gpd.GeoDataFrame | None, list[str]]:
    if not scheme.fichiers.haltes:
        return None, []
    stops = stop_files.read_stops(scheme.path(scheme.fichiers.haltes))
    return build_stops(stops.assign(code_commune=_current(scheme, stops["code_commune"])), layer, points)


def _current(scheme: Scheme, codes: pd.Series) -> pd.Series:
    """Bring commune codes to the vintage of the measure, in all of France: a place may lie beyond what is loaded."""
    vintage = scheme.millesimes.mesure
    known = set(france.read_membership(vintage)["code"])
    return services.current_codes(codes, france.read_moves(), known, vintage=vintage)


def surroundings(layer: gpd.GeoDataFrame, points: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return what gives communes and places a density: ``code, population`` (inhabitants), ``area_km2``.

    Parameters
    ----------
    layer : GeoDataFrame
        Layer of communes, of one vintage.
    points : GeoDataFrame
        Service points; the communes of those that lie beyond the loaded départements, or whose contour the layer
        lacks, are taken from the embedded layers, where they are of the zone of the layer.
    """
    own = pd.DataFrame(layer[["code", "population", "area_km2"]])
    known, vintage = france.read_departements(), int(layer["vintage"].iloc[0])
    zones = {known[code].zone for code in set(layer["departement"]) & set(known)}
    lacking = set(points["code_commune"]) - set(own.loc[own["area_km2"].notna(), "code"])
    around = {departement_of(code) for code in lacking} & {code for code, one in known.items() if one.zone in zones}
    if not around:
        return own
    shapes = communes.apply_vintage(france.read_contours(around), france.read_contour_links(), vintage=vintage)
    areas = shapes.assign(area_km2=shapes.geometry.area / _M2_PER_KM2)[["code", "area_km2"]]
    people = france.read_membership(vintage)[["code", "population"]]
    more = people[people["code"].isin(lacking)].merge(areas, on="code")
    return pd.concat([own[~own["code"].isin(more["code"])], pd.DataFrame(more)], ignore_index=True)
