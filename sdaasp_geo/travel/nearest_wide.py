"""Nearest places of a whole country by the straight line: no table of all origins and all places is held.

The plane is cut in tiles. A tile asks the engine for the places around it only; an answer counts when no place farther
than those can be nearer in time, which the model proves: minutes grow with distance and, at a given distance, are
monotone in the density of the place. Where the proof fails the surroundings double. The answer is that of
`nearest.nearest_places` on the whole table.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd

from sdaasp_geo.travel.engine import Engine
from sdaasp_geo.travel.nearest import nearest_places
from sdaasp_geo.travel.straight_line_model import density_km2, from_mapping, predict_min

Floats = npt.NDArray[np.float64]
Farther = Callable[[pd.DataFrame, pd.DataFrame, float], Floats]
"""Origins, places and a distance (km): fewest minutes from each origin to any place at least so far."""

_TILE_M = 20_000.0
_FIRST_M = 15_000.0
_METRES_PER_KM = 1000.0


def straight_line_farther(calibration: str) -> Farther:
    """Return the proof that the calibrated straight line gives: see the module.

    Parameters
    ----------
    calibration : str
        Text of ``data/travel/straight_line.toml``.
    """
    model = from_mapping(tomllib.loads(calibration))

    def farther(origins: pd.DataFrame, places: pd.DataFrame, distance_km: float) -> Floats:
        own = density_km2(origins["population"], origins["area_km2"])
        theirs = density_km2(places["commune_population"], places["commune_area_km2"])
        known = theirs[~np.isnan(theirs)]
        if not len(known):
            return np.full(len(origins), np.inf)
        both = [
            predict_min(model, distance_km=distance_km, origin_density_km2=own, place_density_km2=density)
            for density in (known.min(), known.max())
        ]
        return np.minimum(*both)

    return farther


def nearest_of_many(
    engine: Engine, farther: Farther, origins: pd.DataFrame, places: pd.DataFrame, *, tile_m: float = _TILE_M
) -> pd.DataFrame:
    """Find the nearest place of each origin.

    Parameters
    ----------
    engine : Engine
        Straight-line engine (`straight_line.straight_line_engine`).
    farther : callable
        `straight_line_farther` of the same calibration.
    origins, places : DataFrame
        As the engine takes them; ``code`` and ``id`` are unique.
    tile_m : float
        Side of a tile, metres; the answer does not depend on it.

    Returns
    -------
    DataFrame
        See `nearest.nearest_places`; in the order of ``origins``.
    """
    found: list[pd.DataFrame] = []
    margin_m, waiting = _FIRST_M, origins
    extent = _extent_m(origins, places)
    while len(waiting):
        everything = margin_m >= extent
        left = []
        for tile, near in _tiles(waiting, places, tile_m=tile_m, margin_m=margin_m):
            chosen = places if everything else near
            answer = nearest_places(engine(tile, chosen))
            sure = np.full(len(tile), everything)
            if not everything:
                sure = answer["time_min"].to_numpy() < farther(tile, places, margin_m / _METRES_PER_KM)
            found.append(answer[sure])
            left.append(tile[~sure])
        waiting = pd.concat(left, ignore_index=True) if left else waiting[:0]
        margin_m *= 2
    if not found:
        return nearest_places(engine(origins, places))
    table = pd.concat(found, ignore_index=True).set_index("code")
    return table.loc[origins["code"]].reset_index()


def _extent_m(origins: pd.DataFrame, places: pd.DataFrame) -> float:
    """Return a distance that no two points exceed."""
    x = pd.concat([origins["ref_x"], places["x"]])
    y = pd.concat([origins["ref_y"], places["y"]])
    return float(np.nan_to_num(max(x.max() - x.min(), y.max() - y.min())))


def _tiles(
    origins: pd.DataFrame, places: pd.DataFrame, *, tile_m: float, margin_m: float
) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    """Give the origins of each tile, and the places at most a margin away; origins without a place come together."""
    across = np.floor(origins["ref_x"] / tile_m)
    down = np.floor(origins["ref_y"] / tile_m)
    ordered = places.sort_values("y", kind="stable")
    y, x = ordered["y"].to_numpy(), ordered["x"].to_numpy()
    for _, rows in origins.groupby([across, down], dropna=False):
        west, east = rows["ref_x"].min() - margin_m, rows["ref_x"].max() + margin_m
        south, north = rows["ref_y"].min() - margin_m, rows["ref_y"].max() + margin_m
        band = slice(int(np.searchsorted(y, south, side="left")), int(np.searchsorted(y, north, side="right")))
        inside = (x[band] >= west) & (x[band] <= east)
        yield rows.reset_index(drop=True), ordered.iloc[band][inside].reset_index(drop=True)
