"""Matrix of minutes from a file (CSV or Parquet): ``origin, destination, minutes``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from sdaasp_geo.errors import Fault, InputError
from sdaasp_geo.sources.delimited import read_delimited

_NAMES = {
    "origin": ("origin", "origine", "from", "from_id", "code_origine"),
    "destination": ("destination", "to", "to_id", "lieu", "code_destination"),
    "minutes": ("minutes", "time_min", "duree_min", "travel_time"),
}


def read_minutes(path: Path) -> pd.DataFrame:
    """Read a matrix of minutes.

    Parameters
    ----------
    path : Path
        CSV (any usual separator, decimal point or comma) or Parquet. Origins are codes of communes,
        destinations codes of communes or identifiers of places. An empty time means "no path".

    Returns
    -------
    DataFrame
        ``origin, destination`` (text), ``minutes`` (float, NaN where no path), one row per pair.

    Raises
    ------
    InputError
        Missing columns, times that are not positive numbers, repeated pairs: all together.
    """
    raw = pd.read_parquet(path) if path.suffix == ".parquet" else read_delimited(path)
    table = pd.DataFrame({role: raw[_column(raw, role, file=path.name)] for role in _NAMES})
    if path.suffix == ".parquet":
        table.index = pd.RangeIndex(2, len(table) + 2)
    text = table["minutes"].astype("str").str.strip().str.replace(",", ".", regex=False)
    blank = text.isin(["", "nan", "None", "<NA>"])
    values = pd.to_numeric(text.mask(blank), errors="coerce")
    bad = (~blank & ~(np.isfinite(values) & (values >= 0))).fillna(value=True)
    repeated = table.duplicated(["origin", "destination"])
    remedy = "Donnez un nombre de minutes positif ou nul, ou laissez vide s'il n'y a pas de trajet."
    faults = [
        Fault(path.name, int(row), "minutes", str(table.loc[row, "minutes"]), "un nombre de minutes", remedy)
        for row in table.index[bad]
    ]
    faults += [
        Fault(
            path.name,
            int(row),
            "destination",
            str(table.loc[row, "destination"]),
            "un couple unique",
            "Ôtez le doublon.",
        )
        for row in table.index[repeated]
    ]
    if faults:
        raise InputError(faults)
    return table.assign(minutes=values.astype("float64")).astype({"origin": "str", "destination": "str"})


def _column(table: pd.DataFrame, role: str, *, file: str) -> str:
    for name in _NAMES[role]:
        if name in table.columns:
            return name
    expected = f"une colonne «\u00a0{role}\u00a0»"
    found = ", ".join(map(str, table.columns))
    raise InputError([Fault(file, 1, role, found, expected, "Renommez la colonne (origin, destination, minutes).")])
