"""What an overview of a region or of France holds, before any drawing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import geopandas as gpd
import pandas as pd

from sdaasp_geo.parameters import Parameters, Rule
from sdaasp_geo.travel.engine import Method

FRANCE = "FR"
MAINLAND = "metropole"
"""Code of the territory that one drawing holds with Corsica; each overseas département is a territory of its own."""


@dataclass(frozen=True)
class Overview:
    """Access of every commune of a region, or of France, to the nearest place of some services.

    Attributes
    ----------
    code, name : str
        Code of the region (COG) and its name; `FRANCE` and « France ».
    edition : date
        Date of the edition.
    vintage : int
        Year of perimeters and populations.
    communes : DataFrame
        In reading order: ``code, name, departement, departement_name, region_name, territory, epci, epci_name``
        (the reason where there is none), ``population, population_reason, contour_reason, ref_source``.
    shapes : dict of GeoDataFrame
        By territory, mainland first: ``code`` and contours in the legal CRS (metres).
    access : DataFrame
        One row per service and commune, communes in order: ``code, service, time_min, low_min, high_min, reason,
        place, place_name, place_commune, place_departement, class, to_check, sentence``.
    places : dict of DataFrame
        By service: ``lon, lat`` (degrees) of the permanent places of the territory.
    services : tuple of str
        In the order that was asked for.
    parameters, rules, method, notes, inputs
        As in a run: thresholds, engine, what the reader must know, files with their names.
    sources : tuple of str
        Sources of the places, in French.
    """

    code: str
    name: str
    edition: dt.date
    vintage: int
    communes: pd.DataFrame
    shapes: Mapping[str, gpd.GeoDataFrame]
    access: pd.DataFrame
    places: Mapping[str, pd.DataFrame]
    services: tuple[str, ...]
    parameters: Parameters
    rules: tuple[Rule, ...]
    method: Method
    notes: tuple[str, ...]
    sources: tuple[str, ...]
    inputs: tuple[dict[str, object], ...]
