"""The layer of inhabited cells: each in its commune, with whole inhabitants that add up to the legal population."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from sdaasp_geo.french import NBSP, count, listing, number, percent
from sdaasp_geo.layers.communes import communes_at

NO_CELL = "aucun carreau habité\u00a0: mairie"
NO_CELL_NO_POSITION = "aucun carreau habité, commune sans position"
NO_LEGAL_POPULATION = "population légale absente"
_COMMUNE_PREFIX = "commune:"
_HALF_SIDE_M = 100.0
"""Half the side of the square drawn for a commune without cell: that of the finest cells."""

_SHOWN = 10
_TIE_DIGITS = 9
"""Decimals of the remainders that are compared: below, a difference is that of floating point."""


def build_cells(
    cells: gpd.GeoDataFrame, communes: gpd.GeoDataFrame, *, plausible_ratio: tuple[float, float] = (0.5, 2.0)
) -> tuple[gpd.GeoDataFrame, list[str]]:
    """Attach cells to the studied communes and apportion the legal populations over them.

    A cell belongs to the commune that contains its centre (the studied one, then the lowest code, on a border). In
    each commune, whole inhabitants follow the population of the source by largest remainder: the floor of
    ``legal × source / sum of source``, then one more to the largest remainders, ties in the order of identifiers. So
    they add up to the legal population exactly.

    Parameters
    ----------
    cells : GeoDataFrame
        ``cell, population_source, x, y``, squares, in the legal CRS (`sources.cells.read_cells`).
    communes : GeoDataFrame
        Layer of communes in the same CRS: ``code, name, studied, population, ref_x, ref_y``, contours. A population is
        unknown where it is missing, or where ``population_reason``, if there is one, is not empty.
    plausible_ratio : tuple of float
        Least and greatest plausible ratio of the source to the legal population of a commune, both included.

    Returns
    -------
    GeoDataFrame
        ``cell, code, population`` (whole inhabitants, int64), ``population_source`` (float), ``cell_reason, x, y``
        (metres), squares; sorted by code then cell. A commune with inhabitants and no inhabited cell has one more row,
        ``commune:<code>``, at its point of reference; there ``cell_reason`` is not empty. Nor is it in the cells of a
        commune whose legal population is unknown: their ``population`` is 0.
    list of str
        Notes in French: what was kept, what was not and why, and communes whose two populations disagree.

    Raises
    ------
    ValueError
        When the two layers have different CRS.
    """
    if cells.crs != communes.crs:
        message = f"cells are in {cells.crs}, communes in {communes.crs}"
        raise ValueError(message)
    owner = _owners(cells, communes)
    studied = set(communes.loc[communes["studied"], "code"])
    own = owner.isin(studied)
    kept = cells.assign(code=owner)[own].sort_values(["code", "cell"], ignore_index=True)
    towns = communes[communes["studied"]].set_index("code").sort_index()
    towns = towns.assign(
        legal=_legal(towns), source=kept.groupby("code")["population_source"].sum().reindex(towns.index, fill_value=0.0)
    )
    kept["population"] = _apportioned(kept, towns["legal"].fillna(0))
    unknown = towns.index[towns["legal"].isna()]
    kept["cell_reason"] = np.where(kept["code"].isin(unknown), NO_LEGAL_POPULATION, "")
    alone = towns[(towns["legal"] > 0) & (towns["source"] <= 0)]
    columns = ["cell", "code", "population", "population_source", "cell_reason", "x", "y", "geometry"]
    parts = [part[columns] for part in (kept, _one_cell_each(alone, crs=communes.crs)) if len(part)]
    table = pd.concat(parts or [kept[columns]]).sort_values(["code", "cell"], ignore_index=True)
    layer = gpd.GeoDataFrame(table.astype({"population": "int64"}), geometry="geometry", crs=communes.crs)
    notes = [*_kept_notes(kept, towns), *_left_notes(cells, owner, own), *_commune_notes(towns, alone, plausible_ratio)]
    return layer, notes


def _owners(cells: gpd.GeoDataFrame, communes: gpd.GeoDataFrame) -> pd.Series:
    """Return the code of the commune that contains each centre; empty where there is none."""
    centres = gpd.GeoSeries(gpd.points_from_xy(cells["x"], cells["y"]), index=cells.index, crs=communes.crs)
    return communes_at(centres, communes)


def _legal(towns: pd.DataFrame) -> pd.Series:
    legal = towns["population"].astype("float64")
    return legal.where(towns["population_reason"] == "") if "population_reason" in towns else legal


def _apportioned(kept: pd.DataFrame, legal: pd.Series) -> npt.NDArray[np.int64]:
    """Return whole inhabitants by largest remainder; ``kept`` is sorted by code then cell."""
    total = kept.groupby("code")["population_source"].transform("sum")
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(total > 0, kept["population_source"] / total, 0.0)
    wanted = kept["code"].map(legal).astype("float64") * (total > 0)
    quota = wanted * share
    whole = np.floor(quota)
    missing = wanted - whole.groupby(kept["code"]).transform("sum")
    order = pd.DataFrame({"code": kept["code"], "remainder": -(quota - whole).round(_TIE_DIGITS)})
    rank = order.sort_values(["code", "remainder"], kind="stable").groupby("code").cumcount().reindex(kept.index)
    return np.asarray(whole + (rank < missing), dtype="int64")


def _one_cell_each(alone: gpd.GeoDataFrame, *, crs: object) -> gpd.GeoDataFrame:
    """Return a row for each commune that no inhabited cell represents: a square about its point of reference."""
    x, y = alone["ref_x"].to_numpy(dtype="float64"), alone["ref_y"].to_numpy(dtype="float64")
    placed = np.isfinite(x) & np.isfinite(y)
    squares = np.full(len(alone), shapely.Polygon(), dtype="object")
    side = _HALF_SIDE_M
    squares[placed] = shapely.box(x[placed] - side, y[placed] - side, x[placed] + side, y[placed] + side)
    columns = {
        "cell": [f"{_COMMUNE_PREFIX}{code}" for code in alone.index],
        "code": alone.index.to_numpy(),
        "population": alone["legal"].to_numpy(dtype="int64"),
        "population_source": 0.0,
        "cell_reason": np.where(placed, NO_CELL, NO_CELL_NO_POSITION),
        "x": x,
        "y": y,
    }
    return gpd.GeoDataFrame(columns, geometry=squares, crs=crs)


def _kept_notes(kept: gpd.GeoDataFrame, towns: pd.DataFrame) -> list[str]:
    held = count(len(kept), "carreau retenu", "carreaux retenus")
    notes = [f"{held}, dans {count(kept['code'].nunique(), 'commune étudiée', 'communes étudiées')}."]
    known = towns[towns["legal"].notna()]
    if known["legal"].sum() > 0:
        source, legal = float(known["source"].sum()), float(known["legal"].sum())
        notes.append(
            f"Population des carreaux{NBSP}: {number(source)}, soit {percent(source / legal)} de la population légale "
            f"({number(legal)}), sur laquelle les carreaux sont calés commune par commune."
        )
    return notes


def _left_notes(cells: gpd.GeoDataFrame, owner: pd.Series, own: pd.Series) -> list[str]:
    places = (
        ("dans des communes voisines, non étudiées", ~own & (owner != "")),
        ("hors de toute commune chargée (étranger, mer ou département non chargé)", ~own & (owner == "")),
    )
    return [
        f"{count(int(there.sum()), 'carreau non retenu', 'carreaux non retenus')} {place}{NBSP}: "
        f"{number(float(cells.loc[there, 'population_source'].sum()))}{NBSP}habitants dans la source."
        for place, there in places
        if there.any()
    ]


def _commune_notes(towns: pd.DataFrame, alone: pd.DataFrame, plausible: tuple[float, float]) -> list[str]:
    notes = []
    if len(alone):
        number_of = count(len(alone), "commune peuplée sans carreau habité", "communes peuplées sans carreau habité")
        said = "comptée à son seul point de référence" if len(alone) == 1 else "comptées à leur seul point de référence"
        notes.append(f"{number_of} ({_few(list(alone['name']))}){NBSP}: {said}.")
    unknown = towns[towns["legal"].isna() & (towns["source"] > 0)]
    if len(unknown):
        number_of = count(len(unknown), "commune sans population légale", "communes sans population légale")
        notes.append(f"{number_of} ({_few(list(unknown.index))}){NBSP}: carreaux gardés, sans habitant.")
    low, high = plausible
    least, greatest = low * towns["legal"], high * towns["legal"]
    odd = towns[(towns["source"] > 0) & towns["legal"].notna() & ~towns["source"].between(least, greatest)]
    if len(odd):
        number_of = count(len(odd), "commune", "communes")
        span = f"de {number(low, digits=1)} à {number(high, digits=1)} fois la population légale"
        codes = _few(list(odd.index))
        notes.append(
            f"{number_of} où la population des carreaux n'est pas {span} ({codes}){NBSP}: millésime ou lieu à vérifier."
        )
    return notes


def _few(words: list[str]) -> str:
    """List the first words, and count the others."""
    if len(words) <= _SHOWN:
        return listing(words)
    return listing([*words[:_SHOWN], count(len(words) - _SHOWN, "autre")])
