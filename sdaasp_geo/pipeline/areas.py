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


def competent_areas(study: Study) -> tuple[pd.DataFrame, list[str]]:
    """Read the areas of operators, where the scheme gives some, and check them; a network counts for one operator."""
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
    """Return what the file of areas declares, codes at the vintage of the measure; empty where there is no file."""
    name = scheme.fichiers.secteurs
    if not name:
        return pd.DataFrame(columns=list(area_files.AREA_COLUMNS), dtype="str")
    raw = area_files.read_areas(scheme.path(name))
    codes = current_codes(
        raw["code_commune"], france.read_moves(), set(communes["code"]), vintage=scheme.millesimes.mesure
    )
    shared = points["service"].isin(words_setting(parameters, "services-en-reseau"))
    operators = raw["operateur"].mask(raw["guichet"].isin(points.loc[shared, "id"]), NETWORK)
    return raw.assign(code_commune=codes, operateur=operators)


def by_network(points: gpd.GeoDataFrame, parameters: Parameters) -> gpd.GeoDataFrame:
    """Return the service points, those of a network that receives everyone under one operator."""
    shared = points["service"].isin(words_setting(parameters, "services-en-reseau"))
    return points.assign(operateur=points["operateur"].mask(shared, NETWORK))
