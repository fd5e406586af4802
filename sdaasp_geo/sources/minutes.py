"""Matrix of minutes from a file (CSV or Parquet): ``origin, destination, minutes``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from sdaasp_geo.errors import Fault, InputError
from sdaasp_geo.french import NBSP
from sdaasp_geo.sources.delimited import read_delimited
from sdaasp_geo.sources.limits import read_parquet_table, text_columns

_NAMES = {
    "origin": ("origin", "origine", "from", "from_id", "code_origine"),
    "destination": ("destination", "to", "to_id", "lieu", "code_destination"),
    "minutes": ("minutes", "time_min", "duree_min", "travel_time"),
}
_CODE = r"(?:\d{2}|2[AB])\d{3}"
_EXPECTED = {
    "origin": (
        "un code INSEE de 5 caractères",
        f"Donnez le code de la commune en texte{NBSP}: un nombre perd son zéro de tête.",
    ),
    "destination": ("un couple unique", "Ôtez le doublon."),
    "minutes": (
        "un nombre de minutes",
        "Donnez un nombre de minutes positif ou nul, ou laissez vide s'il n'y a pas de trajet.",
    ),
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
        Missing columns, origins that are no commune code (lost leading zero), times that are not positive numbers,
        repeated pairs: all together.
    """
    raw = _read_parquet(path) if path.suffix == ".parquet" else read_delimited(path)
    table = raw[_columns(raw, file=path.name)].set_axis(list(_NAMES), axis="columns")
    text = table["minutes"].astype("str").str.strip().str.replace(",", ".", regex=False)
    blank = table["minutes"].isna() | text.isin(["", "nan", "None", "<NA>"])
    values = pd.to_numeric(text.mask(blank), errors="coerce")
    table = table.astype({"origin": "str", "destination": "str"})
    faults = [
        *_faults(table, ~table["origin"].str.fullmatch(_CODE).fillna(value=False), "origin", file=path.name),
        *_faults(table, ~blank & ~(np.isfinite(values) & (values >= 0)), "minutes", file=path.name),
        *_faults(table, table.duplicated(["origin", "destination"]), "destination", file=path.name),
    ]
    if faults:
        raise InputError(sorted(faults, key=lambda fault: (fault.row or 0, fault.column)))
    return table.assign(minutes=values.astype("float64"))


def _read_parquet(path: Path) -> pd.DataFrame:
    table = text_columns(read_parquet_table(path), file=path.name).to_pandas()
    return table.set_axis(pd.RangeIndex(2, len(table) + 2), axis="index")


def _faults(table: pd.DataFrame, wrong: pd.Series, column: str, *, file: str) -> list[Fault]:
    expected, remedy = _EXPECTED[column]
    return [Fault(file, int(row), column, str(table.loc[row, column]), expected, remedy) for row in table.index[wrong]]


def _columns(table: pd.DataFrame, *, file: str) -> list[str]:
    """Return the columns of the file that play each role."""
    found = {role: next((name for name in names if name in table.columns), "") for role, names in _NAMES.items()}
    present = ", ".join(map(str, table.columns))
    remedy = "Renommez la colonne (origin, destination, minutes)."
    faults = [
        Fault(file, 1, role, present, f"une colonne «{NBSP}{role}{NBSP}»", remedy)
        for role, name in found.items()
        if not name
    ]
    if faults:
        raise InputError(faults)
    return list(found.values())
