"""Access measured from inhabited cells: where people live, beside the mairie that stands for the whole commune."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import geopandas as gpd
import numpy as np
import pandas as pd

from sdaasp_geo.analysis.access import IDENTITY, service_places
from sdaasp_geo.analysis.levels import cover_levels
from sdaasp_geo.parameters import Rule
from sdaasp_geo.travel.lanes import LaneEngine, LaneTimes

_PREFIXES = ("", "second_")
_TIMES = ("time_min", "low_min", "high_min", "reason")


def measure_cells(
    cells: gpd.GeoDataFrame,
    points: gpd.GeoDataFrame,
    *,
    services: Sequence[str],
    lane_engine: LaneEngine,
    surroundings: pd.DataFrame,
) -> pd.DataFrame:
    """Measure the time from each inhabited cell to the nearest permanent places of every service, in one search.

    Parameters
    ----------
    cells : GeoDataFrame
        Inhabited cells (`layers.cells.build_cells`): ``cell, code, population, x, y`` and the commune's
        ``commune_population, area_km2``; the origin is the centre.
    points : GeoDataFrame
        Service points (`build_service_points`).
    services : sequence of str
        Codes of services.
    lane_engine : LaneEngine
        From `travel.lanes` or `travel.road_lanes`.
    surroundings : DataFrame
        ``code, population, area_km2`` of every commune that holds a place.

    Returns
    -------
    DataFrame
        One row per service × cell, in the order given: ``cell, code, population, service, time_min, low_min,
        high_min, reason, place, place_name, place_commune, place_commune_code, place_epci, place_departement``, the
        same with the prefix ``second_`` (second nearest) and ``inside_`` (nearest inside the département), and
        ``saved_min`` (minutes that crossing the border saves).
    """
    known = surroundings.set_index("code")
    origins = pd.DataFrame(
        {
            "code": cells["cell"],
            "ref_x": cells["x"],
            "ref_y": cells["y"],
            "population": cells["code"].map(known["population"]),
            "area_km2": cells["code"].map(known["area_km2"]),
        }
    ).reset_index(drop=True)
    places = pd.concat(
        [service_places(points, surroundings, service=service).assign(service=service) for service in services],
        ignore_index=True,
    )
    everywhere = np.column_stack([places["service"] == service for service in services])
    inside = everywhere & places["inside"].to_numpy(dtype=bool)[:, None]
    anywhere = lane_engine(origins, places, everywhere, len(_PREFIXES))
    within = lane_engine(origins, places, inside, 1)
    return pd.concat(
        [
            _service_rows(cells, places, service, _ranked(anywhere, within, number))
            for number, service in enumerate(services)
        ],
        ignore_index=True,
    )


def _ranked(anywhere: LaneTimes, within: LaneTimes, lane: int) -> dict[str, dict[str, np.ndarray]]:
    """Return the arrays of one lane by prefix."""
    found = {prefix: (anywhere, lane, rank) for rank, prefix in enumerate(_PREFIXES)} | {"inside_": (within, lane, 0)}
    return {
        prefix: {name: getattr(times, name)[:, lane_, rank] for name in (*_TIMES, "place")}
        for prefix, (times, lane_, rank) in found.items()
    }


def _service_rows(
    cells: gpd.GeoDataFrame, places: pd.DataFrame, service: str, found: Mapping[str, Mapping[str, np.ndarray]]
) -> pd.DataFrame:
    table = pd.DataFrame(cells[["cell", "code", "population"]]).reset_index(drop=True).assign(service=service)
    for prefix, arrays in found.items():
        for name in _TIMES:
            table[f"{prefix}{name}"] = arrays[name]
        named = places[["id", *IDENTITY]].reindex(np.where(arrays["place"] < 0, len(places), arrays["place"]))
        table[f"{prefix}place"] = named["id"].to_numpy()
        for column, suffix in IDENTITY.items():
            table[f"{prefix}place_{suffix}"] = named[column].to_numpy()
    return table.assign(saved_min=table["inside_time_min"] - table["time_min"])


def cover_cells(
    members: Mapping[str, pd.DataFrame], cell_access: pd.DataFrame, rules: Sequence[Rule]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Count the inhabitants within each threshold from the cells where they live, at every level.

    Parameters
    ----------
    members : mapping
        Communes by level (`levels.territory_members`).
    cell_access : DataFrame
        Access of cells to one service (`measure_cells`).
    rules : sequence of Rule
        Rules of that service.

    Returns
    -------
    coverage, summary : DataFrame
        As `levels.cover_levels`, with ``cells`` (their number) instead of ``communes``. The populations of cells add
        up to the legal population of each commune, so that both counts have the same totals.

    Raises
    ------
    ReconciliationError
        When totals do not add up.
    """
    people = cell_access[["cell", "code", "population"]]
    by_cell = {
        level: table.drop(columns="population")
        .merge(people, on="code")
        .drop(columns="code")
        .rename(columns={"cell": "code"})
        for level, table in members.items()
    }
    access = cell_access.drop(columns="code").rename(columns={"cell": "code"})
    coverage, summary = cover_levels(by_cell, access, rules)
    return coverage.rename(columns={"communes": "cells"}), summary
