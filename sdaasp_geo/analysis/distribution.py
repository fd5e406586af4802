"""Distribution of access times, weighted by inhabitants: mean, deciles and maximum, by territory and part."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from sdaasp_geo.analysis.access import weighted_figures
from sdaasp_geo.analysis.coverage import PARTS

DECILES = tuple(f"d{rank}_min" for rank in range(1, 10))
KEYS = ["service", "territory", "part"]
_ROUNDING = 1 - 1e-12
"""As `access.weighted_figures`: a group of equal weights reaches its exact fraction."""


def distribution(members: pd.DataFrame, access: pd.DataFrame, *, level: str) -> pd.DataFrame:
    """Describe times by territory and part, weighted by inhabitants.

    The decile q is the smallest time within which at least q tenths of the measured inhabitants live (the inverse of
    the weighted distribution function, without interpolation): the definition of `access.weighted_figures`, so that
    D5 is its median and D9 its P90. The ratio D9/D1 is the one INSEE publishes for access times.

    Parameters
    ----------
    members : DataFrame
        Members of a level (`levels.territory_members`): ``territory, code, population, inside``.
    access : DataFrame
        Access to one or several services: ``code, service, time_min`` (minutes, NaN where not measured).
    level : str
        Copied into the result.

    Returns
    -------
    DataFrame
        ``level, territory, part, service, population`` (inhabitants measured: the weight), ``mean_min, d1_min`` …
        ``d9_min, max_min, d9_d1`` (ratio, NaN where D1 is zero); NaN where nothing was measured or nobody lives.
        Sorted by service, territory, part.
    """
    stacked = with_parts(members.merge(access[["code", "service", "time_min"]], on="code"))
    figures = weighted_figures(stacked, KEYS)[["mean_min", "max_min"]]
    measured = stacked[stacked["time_min"].notna() & (stacked["population"] > 0)]
    figures.insert(0, "population", measured.groupby(KEYS)["population"].sum())
    figures["population"] = figures["population"].fillna(0).astype("int64")
    figures = figures.join(_deciles(measured))
    figures["d9_d1"] = (figures["d9_min"] / figures["d1_min"]).where(figures["d1_min"] > 0)
    table = in_order(figures.reset_index().assign(level=level))
    return table[["level", "territory", "part", "service", "population", "mean_min", *DECILES, "max_min", "d9_d1"]]


def _deciles(measured: pd.DataFrame) -> pd.DataFrame:
    ordered = measured.sort_values([*KEYS, "time_min"], kind="stable")
    keys = [ordered[column] for column in KEYS]
    weight = ordered["population"].astype("float64")
    share = weight.groupby(keys).cumsum() / weight.groupby(keys).transform("sum")
    return pd.DataFrame(
        {
            name: ordered["time_min"].where(share >= rank / 10 * _ROUNDING).groupby(keys).min()
            for rank, name in enumerate(DECILES, start=1)
        }
    )


def with_parts(joined: pd.DataFrame) -> pd.DataFrame:
    """Repeat each row for the whole of its territory and for its side of the border (column ``part``)."""
    sides = joined["inside"].map({True: PARTS[1], False: PARTS[2]})
    return pd.concat([joined.assign(part=PARTS[0]), joined.assign(part=sides)], ignore_index=True)


def in_order(table: pd.DataFrame, *, then: Sequence[str] = ()) -> pd.DataFrame:
    """Sort by service, territory, part (whole, inside, outside), then by other columns."""
    rank = table["part"].map(PARTS.index)
    ordered = table.assign(_part=rank).sort_values(["service", "territory", "_part", *then], ignore_index=True)
    return ordered.drop(columns="_part")
