"""The areas of operators of a scheme, at the vintage of the measure, corrections included."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pandas as pd

from sdaasp_geo.layers import areas
from sdaasp_geo.layers.corrections import apply_to_areas
from sdaasp_geo.layers.services import current_codes
from sdaasp_geo.parameters import Parameters, words_setting
from sdaasp_geo.pipeline.ground import NETWORK
from sdaasp_geo.scheme import Scheme
from sdaasp_geo.sources import areas as area_files
from sdaasp_geo.sources import france
from sdaasp_geo.study import Study


def network_of(service: str) -> str:
    """Return the name, among the operators of areas, of the network of a service."""
    return f"{NETWORK} {service}"


def competent_areas(study: Study) -> tuple[pd.DataFrame, list[str]]:
    """Read the areas of operators, where the scheme gives some, and check them; each network is one operator."""
    name = study.scheme.fichiers.secteurs
    points = by_network(study.points, study.parameters)
    declared = declared_areas(study.scheme, study.communes, points, study.parameters)
    given = apply_to_areas(declared, study.corrections)
    if not name and given.empty:
        return pd.DataFrame(columns=["operateur", "code_commune", "guichet", "area_reason"], dtype="str"), []
    return areas.build_areas(given, study.communes, points, file=Path(name).name or "corrections")


def declared_areas(
    scheme: Scheme, communes: pd.DataFrame, points: pd.DataFrame, parameters: Parameters
) -> pd.DataFrame:
    """Return what the file of areas declares, codes at the vintage of the measure; empty where there is no file.

    An area of a counter that belongs to networks is that of each of them (`network_of`), and that of its operator only
    where the operator has the counter for another service too.
    """
    name = scheme.fichiers.secteurs
    if not name:
        return pd.DataFrame(columns=list(area_files.AREA_COLUMNS), dtype="str")
    raw = area_files.read_areas(scheme.path(name))
    codes = current_codes(
        raw["code_commune"], france.read_moves(), set(communes["code"]), vintage=scheme.millesimes.mesure
    )
    shared = points["service"].isin(words_setting(parameters, "services-en-reseau"))
    networks = points[shared].drop_duplicates(["id", "operateur"]).set_index("id")["operateur"].rename("network")
    others = pd.MultiIndex.from_frame(points.loc[~shared, ["operateur", "id"]])
    own = ~raw["guichet"].isin(networks.index) | pd.MultiIndex.from_frame(raw[["operateur", "guichet"]]).isin(others)
    raw = raw.assign(code_commune=codes)
    given = raw.join(networks, on="guichet", how="inner")
    given = given.assign(operateur=given["network"]).drop(columns="network")
    return pd.concat([raw[own], given]).sort_index(kind="stable")


def by_network(points: gpd.GeoDataFrame, parameters: Parameters) -> gpd.GeoDataFrame:
    """Return the service points, those of a network that receives everyone under one operator for each service."""
    shared = points["service"].isin(words_setting(parameters, "services-en-reseau"))
    return points.assign(operateur=points["operateur"].mask(shared, points["service"].map(network_of)))


def areas_for(given: pd.DataFrame, study: Study, service: str) -> pd.DataFrame:
    """Return the areas that settle a service, under the operators that its places have (`ground.NETWORK`)."""
    own = areas.areas_of_service(given, by_network(study.points, study.parameters), service=service)
    own = own[own["operateur"] != NETWORK]  # no place is declared under that name: `network_of`
    return own.assign(operateur=own["operateur"].replace(network_of(service), NETWORK))
