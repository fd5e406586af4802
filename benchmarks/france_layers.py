"""The communes of metropolitan France and its France services, real or drawn: what ``france.py`` measures."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from sdaasp_geo.analysis.access import service_places
from sdaasp_geo.embedded import embedded_path
from sdaasp_geo.layers import communes as commune_layer
from sdaasp_geo.layers.services import build_service_points, current_codes
from sdaasp_geo.layers.territories import petr_members
from sdaasp_geo.parameters import Parameters, Rule, number_setting, read_parameters, rules_of, words_setting
from sdaasp_geo.pipeline.ground import NETWORK
from sdaasp_geo.pipeline.measurement import STRAIGHT_LINE
from sdaasp_geo.sources import france
from sdaasp_geo.sources.services import read_services
from sdaasp_geo.travel.engine import Engine
from sdaasp_geo.travel.straight_line import straight_line_engine

SERVICE = "france-services"
RULES = ("france-services-20", "france-services-30")
ZONE = "metropole"
DRAWN, SEED = 2_800, 65


@dataclass(frozen=True)
class Country:
    """What is read before: communes, places, points, parameters, rules and the engine."""

    communes: pd.DataFrame
    petr: Mapping[str, pd.DataFrame]
    places: pd.DataFrame
    points: pd.DataFrame
    parameters: Parameters
    rules: tuple[Rule, ...]
    engine: Engine

    @property
    def limits(self) -> list[float]:
        """Thresholds of the rules, in minutes."""
        return sorted({rule.threshold_min for rule in self.rules})


def drawn_grid(layer: pd.DataFrame) -> pd.DataFrame:
    """Draw communes where a France services would be, by population, and its hours."""
    random = np.random.default_rng(SEED)
    weight = np.sqrt(layer["population"].to_numpy(dtype="float64"))
    chosen = layer.iloc[np.sort(random.choice(len(layer), DRAWN, replace=False, p=weight / weight.sum()))]
    opens, closes = random.choice(["08:30", "09:00"], DRAWN), random.choice(["17:00", "17:30", "18:00"], DRAWN)
    days = random.choice(["Mo-Fr", "Mo-Sa", "Tu-Sa", "Mo,We,Fr"], DRAWN)
    hours = [f"{d} {o}-12:00,13:30-{c}" for d, o, c in zip(days, opens, closes, strict=True)]
    return pd.DataFrame(
        {
            "id": [f"fs-{number:04d}" for number in range(DRAWN)],
            "nom": chosen["name"].to_numpy(),
            "operateur": "",
            "service": SERVICE,
            "format": "fixe",
            "code_commune": chosen["code"].to_numpy(),
            "commune": chosen["name"].to_numpy(),
            "lon": np.nan,
            "lat": np.nan,
            "horaires": hours,
            "horaires_bruts": "",
        }
    )


def read_country(listed: Path | None) -> Country:
    """Read communes, as the layer of a study holds them, and places."""
    vintage = france.vintages()[-1]
    codes = {code for code, one in france.read_departements().items() if one.zone == ZONE}
    membership = france.read_membership(vintage)
    shapes = commune_layer.apply_vintage(france.read_contours(codes), france.read_contour_links(), vintage=vintage)
    layer = commune_layer.build_communes(
        shapes,
        membership[membership["departement"].isin(codes)],
        france.read_mairies(codes),
        departement="",
        vintage=vintage,
    )
    parameters = read_parameters(None)
    grid = read_services(listed) if listed else drawn_grid(layer)
    grid = grid[grid["service"] == SERVICE]
    moved = current_codes(grid["code_commune"], france.read_moves(), set(layer["code"]), vintage=vintage)
    formats = words_setting(parameters, "formats-permanents")
    points = build_service_points(grid.assign(code_commune=moved), layer, permanent_formats=formats, departement="")
    points = points[points["code_commune"].isin(set(layer["code"]))].reset_index(drop=True)
    places = service_places(points, pd.DataFrame(layer[["code", "population", "area_km2"]]), service=SERVICE)
    petr = {
        code: petr_members(france.read_petr(), membership, date=f"{vintage}-01-01", departement=code)
        for code in sorted(codes)
    }
    calibration = embedded_path(STRAIGHT_LINE).read_text(encoding="utf-8")
    return Country(
        communes=pd.DataFrame(layer.drop(columns="geometry")),
        petr=petr,
        places=places.assign(operateur=NETWORK),
        points=pd.DataFrame(points.drop(columns="geometry")),
        parameters=parameters,
        rules=rules_of(parameters, codes=RULES, services=(SERVICE,), date=dt.date(vintage, 1, 1)),
        engine=straight_line_engine(calibration, coverage=number_setting(parameters, "bande-erreur")),
    )
