"""Nearest places of a country by tiles: the answer of the whole table, whatever the tiles."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sdaasp_geo.embedded import embedded_path
from sdaasp_geo.travel.nearest import nearest_places
from sdaasp_geo.travel.nearest_wide import nearest_of_many, straight_line_farther
from sdaasp_geo.travel.straight_line import straight_line_engine

CALIBRATION = embedded_path("travel/straight_line.toml").read_text(encoding="utf-8")


def _country(origins: int, places: int, *, side_m: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw origins and places, some without position or area, of very different densities."""
    random = np.random.default_rng(65)
    starts = pd.DataFrame(
        {
            "code": [f"{number:05d}" for number in range(origins)],
            "ref_x": random.uniform(0, side_m, origins),
            "ref_y": random.uniform(0, side_m, origins),
            "population": random.integers(0, 5_000, origins),
            "area_km2": random.uniform(0.3, 60, origins),
        }
    )
    starts.loc[starts.index % 97 == 5, "ref_x"] = np.nan
    stops = pd.DataFrame(
        {
            "id": [f"p{number:05d}" for number in range(places)],
            "x": random.uniform(0, side_m, places).round(-3),
            "y": random.uniform(0, side_m, places).round(-3),
            "commune_population": random.integers(0, 50_000, places),
            "commune_area_km2": random.uniform(0.3, 60, places),
        }
    )
    stops.loc[stops.index % 31 == 7, "commune_area_km2"] = np.nan
    return starts, stops


@pytest.mark.parametrize(("origins", "places", "side_m"), [(600, 60, 4e5), (400, 400, 2e5), (5, 0, 1e5), (0, 3, 1e5)])
@pytest.mark.parametrize("tile_m", [7_000.0, 50_000.0])
def test_tiles_do_not_change_the_answer(origins: int, places: int, side_m: float, tile_m: float) -> None:
    starts, stops = _country(origins, places, side_m=side_m)
    engine = straight_line_engine(CALIBRATION, coverage=0.9)
    found = nearest_of_many(engine, straight_line_farther(CALIBRATION), starts, stops, tile_m=tile_m)
    pd.testing.assert_frame_equal(found, nearest_places(engine(starts, stops)), check_exact=True)
