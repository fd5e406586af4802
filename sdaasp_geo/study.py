"""A study: the checked layers of one scheme, and what is measured on them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import pandas as pd

from sdaasp_geo.parameters import Parameters, Rule
from sdaasp_geo.scheme import Scheme
from sdaasp_geo.travel.engine import Method


@dataclass(frozen=True)
class Study:
    """The layers of a scheme, after every contract was checked.

    Attributes
    ----------
    scheme, parameters, rules : Scheme, Parameters, tuple of Rule
        What is studied, and the rules that apply.
    departement_name, region_name : str
        Names of the département and of its region.
    communes : GeoDataFrame
        Communes of the département and around it; ``studied`` tells those that are measured: inside the
        département, or in an EPCI or a PETR that reaches into it.
    departement, epci, petr, neighbours, points : GeoDataFrame
        Other layers (`layers.territories`, `layers.services`); ``points`` are the service points within reach.
    petr_members : DataFrame
        Communes of each PETR.
    borders : DataFrame
        Shared borders of communes.
    differences : DataFrame
        Communes whose EPCI differs between two sources.
    evolution : DataFrame
        Communes whose EPCI, code or name changed between the convention's vintage and the measure's.
    warnings : tuple of str
        What the reader must know, in French.
    inputs : tuple of (str, Path)
        Files read, by name.
    """

    scheme: Scheme
    parameters: Parameters
    rules: tuple[Rule, ...]
    departement_name: str
    region_name: str
    communes: gpd.GeoDataFrame
    departement: gpd.GeoDataFrame
    epci: gpd.GeoDataFrame
    petr: gpd.GeoDataFrame
    petr_members: pd.DataFrame
    neighbours: gpd.GeoDataFrame
    points: gpd.GeoDataFrame
    borders: pd.DataFrame
    differences: pd.DataFrame
    evolution: pd.DataFrame
    warnings: tuple[str, ...]
    inputs: tuple[tuple[str, Path], ...]


@dataclass(frozen=True)
class Measures:
    """What was measured on a study.

    Attributes
    ----------
    access : DataFrame
        One row per studied commune × service (`analysis.access`), with its class, whether it is to check and its
        sentence (`analysis.deficits`).
    coverage : DataFrame
        Inhabitants within each threshold, by level and territory (`analysis.coverage`).
    summary : DataFrame
        Times by level and territory, weighted by inhabitants.
    zones : GeoDataFrame
        Zones déficitaires; ``zone_members`` lists their communes.
    method : Method
        How times were obtained.
    """

    access: pd.DataFrame
    coverage: pd.DataFrame
    summary: pd.DataFrame
    zones: gpd.GeoDataFrame
    zone_members: pd.DataFrame
    method: Method
