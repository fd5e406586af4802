"""The offer of a scheme: its service points, its stops, and what was left out of either."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd

from sdaasp_geo.layers import communes, contracts, findings, services
from sdaasp_geo.layers.stops import build_stops
from sdaasp_geo.parameters import Parameters, number_setting, words_setting
from sdaasp_geo.scheme import Scheme
from sdaasp_geo.sources import france
from sdaasp_geo.sources import services as service_files
from sdaasp_geo.sources import stops as stop_files

MAIRIE = "mairie"


def read_offer(
    scheme: Scheme, parameters: Parameters, layer: gpd.GeoDataFrame, *, departement: str
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame | None, list[str]]:
    """Read, locate and check the service points and the stops; keep those within reach, count the rest.

    Returns
    -------
    points : GeoDataFrame
        Service points within reach of the studied communes (`layers.services`), and the vehicles of the stops.
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
        mairies = mairies.assign(lon=mairies["lon"].where(trusted), lat=mairies["lat"].where(trusted))
        read.append(mairies[mairies["code_commune"].isin(set(layer["code"]))])
    fields = [field["name"] for field in service_files.grid_fields()]
    grid = pd.concat(read, ignore_index=True) if read else pd.DataFrame(columns=fields)
    points = services.build_service_points(
        grid.assign(code_commune=_current(scheme, grid["code_commune"], layer)),
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
    return build_stops(stops.assign(code_commune=_current(scheme, stops["code_commune"], layer)), layer, points)


def _current(scheme: Scheme, codes: pd.Series, layer: gpd.GeoDataFrame) -> pd.Series:
    """Bring commune codes to the vintage of the measure."""
    vintage = scheme.millesimes.mesure
    return services.current_codes(codes, france.read_moves(), set(layer["code"]), vintage=vintage)
