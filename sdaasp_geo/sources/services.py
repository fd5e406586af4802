"""Service points in the common grid ("grille d'information commune"): text, Parquet or workbook, or the ANCT list."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import pandas as pd

from sdaasp_geo.errors import InputError
from sdaasp_geo.sources.anct import anct_to_grid, is_anct_list
from sdaasp_geo.sources.delimited import read_delimited
from sdaasp_geo.sources.grid_files import read_grid_file
from sdaasp_geo.sources.grid_schema import (
    GRID_SCHEMA,
    grid_faults,
    grid_fields,
    missing_columns,
    numbers,
    optional_columns,
)
from sdaasp_geo.sources.interchange import read_foreign
from sdaasp_geo.sources.limits import read_text_table
from sdaasp_geo.sources.service_layers import LAYER_SUFFIXES, read_service_layer

__all__ = ["GRID_SCHEMA", "grid_fields", "read_offer", "read_services"]
_WORKBOOKS = (".xlsx", ".xlsm", ".ods")


def read_services(path: Path) -> pd.DataFrame:
    """Read service points and check them against the common grid; see `read_offer`, without its notes."""
    return read_offer(path)[0]


def read_offer(path: Path, *, departements: Collection[str] = ()) -> tuple[pd.DataFrame, list[str]]:
    """Read service points and check them against the common grid.

    Parameters
    ----------
    path : Path
        Delimited text, Parquet, a workbook (XLSX, ODS: `grid_files.read_grid_file`), a layer of points (GeoPackage,
        GeoJSON: `service_layers`), the list that the ANCT publishes, or a foreign format (`interchange`).
    departements : collection of str
        Of a foreign format, only these; empty: all.

    Returns
    -------
    DataFrame
        The columns of the grid, in order, then those of the optional ones that the file has, all text except ``lon``
        and ``lat`` (float, degrees, NaN where the point is not located); the index is the row number a spreadsheet
        shows.
    list of str
        In French: what a conversion read, left and lost.

    Raises
    ------
    InputError
        Every fault of every cell, together: missing column, empty required cell, value out of the list or of
        the pattern, coordinate that is not a number or out of bounds, longitude and latitude swapped, repeated
        identifier.
    """
    foreign = read_foreign(path, departements=departements)
    raw, notes = foreign or (_read(path), [])
    missing = missing_columns(raw.columns, file=path.name)
    if missing:
        raise InputError(missing)
    optional = [field.name for field in optional_columns() if field.name in raw.columns]
    table = raw[[*(field["name"] for field in grid_fields()), *optional]]
    faults = grid_faults(table, file=path.name)
    if faults:
        raise InputError(faults)
    return table.assign(lon=numbers(table["lon"]), lat=numbers(table["lat"])), notes


def _read(path: Path) -> pd.DataFrame:
    if path.suffix.lower() in _WORKBOOKS:
        grid = read_grid_file(path)
        if grid.faults:
            raise InputError(grid.faults)
        return grid.table
    if path.suffix.lower() in LAYER_SUFFIXES:
        return read_service_layer(path)
    if path.suffix != ".parquet":
        table = read_delimited(path)
        return anct_to_grid(table, file=path.name) if is_anct_list(table.columns) else table
    return read_text_table(path)
