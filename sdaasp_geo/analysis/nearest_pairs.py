"""The nearest place of each group of pairs (origin, operator, side of a border), from the long table of pairs."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from sdaasp_geo.travel.engine import REACHED, UNKNOWN_REASONS

Positions = npt.NDArray[np.int64]
TIMES = ("time_min", "low_min", "high_min")
IDENTITY = {
    "nom": "name",
    "commune": "commune",
    "code_commune": "commune_code",
    "epci": "epci",
    "departement": "departement",
    "operateur": "operator",
}
"""Columns of a place that an answer carries, and what they are called there, after ``place_``."""
MINUTE_DIGITS = 9
"""Decimals of a difference of times: what is below is noise of floating point, and would move a threshold."""


def in_id_order(places: pd.DataFrame) -> pd.DataFrame:
    """Sort places by identifier, as text: the position of a place is then its rank in a tie."""
    return places.sort_values("id", key=lambda ids: ids.astype("object").astype(str), ignore_index=True)


def known_pairs(origins: pd.DataFrame, places: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """Replace the codes of pairs by positions: ``origin, place`` (int), ``time_min, low_min, high_min``.

    Raises
    ------
    ValueError
        When a code of origin or an identifier of place is repeated.
    """
    origin = _positions(pairs["code"], origins["code"])
    place = _positions(pairs["place"], places["id"])
    known = (origin >= 0) & (place >= 0) & np.isfinite(pairs["time_min"].to_numpy(dtype="float64"))
    times = {column: pairs[column].to_numpy(dtype="float64")[known] for column in TIMES}
    return pd.DataFrame({"origin": origin[known], "place": place[known], **times})


def known_gaps(origins: pd.DataFrame, places: pd.DataFrame, gaps: pd.DataFrame | None) -> pd.DataFrame:
    """Replace the codes of the pairs that were not measured by positions: ``origin, place`` (int), ``reason``."""
    if gaps is None:
        gaps = pd.DataFrame(columns=["code", "place", "reason"], dtype="str")
    origin, place = _positions(gaps["code"], origins["code"]), _positions(gaps["place"], places["id"])
    known = (origin >= 0) & (place >= 0)
    reason = gaps["reason"].to_numpy(dtype="object")[known]
    return pd.DataFrame({"origin": origin[known], "place": place[known], "reason": reason})


def why_missing(
    missing: npt.ArrayLike, gaps: pd.DataFrame, group: pd.Series | Positions, among: npt.NDArray[np.bool_], groups: int
) -> npt.NDArray[np.object_]:
    """Say why each group has no nearest place: ``missing``, or that one of its pairs was never measured.

    Parameters
    ----------
    missing : array of str
        Reason of each group, or of all, when every pair was measured.
    gaps : DataFrame
        Pairs that were not measured (`known_gaps`).
    group, among, groups
        As `nearest_of`, for the rows of ``gaps``.
    """
    reasons = np.broadcast_to(np.asarray(missing, dtype="object"), groups).copy()
    for reason in UNKNOWN_REASONS:
        reasons[np.asarray(group)[among & (gaps["reason"] == reason).to_numpy(dtype=bool)]] = reason
    return reasons


def _positions(values: pd.Series, keys: pd.Series) -> Positions:
    """Return the position of each value among keys, -1 where there is none; each distinct value is looked up once."""
    if keys.duplicated().any():
        message = f"repeated identifiers: {sorted(set(keys[keys.duplicated()]))[:5]}"
        raise ValueError(message)
    number, distinct = pd.factorize(values)
    where = pd.Index(keys.astype("object")).get_indexer(pd.Index(distinct).astype("object"))
    return np.asarray(np.append(where, -1)[number], dtype="int64")


def nearest_of(
    reached: pd.DataFrame, group: pd.Series | Positions, among: npt.NDArray[np.bool_], groups: int
) -> Positions:
    """Return the row of the nearest pair of each group (-1 where there is none); ties go to the lowest place.

    Parameters
    ----------
    reached : DataFrame
        Pairs by position (`known_pairs`).
    group : array of int
        Group of each pair, below ``groups``.
    among : ndarray of bool
        Pairs to consider.
    groups : int
        Number of groups.
    """
    rows = np.flatnonzero(among)
    own = np.asarray(group)[rows]
    time = reached["time_min"].to_numpy()[rows]
    best = np.full(groups, np.inf)
    np.minimum.at(best, own, time)
    ties = time == best[own]
    rows, own = rows[ties], own[ties]
    place = reached["place"].to_numpy()[rows]
    lowest = np.full(groups, np.iinfo("int64").max)
    np.minimum.at(lowest, own, place)
    first = place == lowest[own]
    found = np.full(groups, -1, dtype="int64")
    found[own[first]] = rows[first]
    return found


def described(
    reached: pd.DataFrame, rows: Positions, places: pd.DataFrame, *, prefix: str, missing: npt.ArrayLike, brief: bool
) -> pd.DataFrame:
    """Describe the pairs found: reason, times, and the identity of the place (``brief``: its name and commune only).

    Parameters
    ----------
    rows : ndarray of int
        Rows of ``reached``; -1 where nothing was found, and then the reason is that of ``missing``.
    """
    hit = rows >= 0
    table: dict[str, object] = {f"{prefix}reason": pd.array(np.where(hit, REACHED, missing), dtype="str")}
    for column in TIMES:
        table[f"{prefix}{column}"] = np.append(reached[column].to_numpy(), np.nan)[rows]
    place = np.append(reached["place"].to_numpy(), -1)[rows]
    wanted = ("nom", "commune") if brief else tuple(IDENTITY)
    return pd.DataFrame({**table, **place_identity(places, place, prefix=prefix, columns=wanted)})


def place_identity(
    places: pd.DataFrame, place: Positions, *, prefix: str = "", columns: tuple[str, ...] = tuple(IDENTITY)
) -> dict[str, pd.api.extensions.ExtensionArray]:
    """Return the identifier and the columns of places by position (missing where the position is -1)."""
    named = {"id": f"{prefix}place"} | {column: f"{prefix}place_{IDENTITY[column]}" for column in columns}
    return {
        name: places[column].astype("str").array.take(place, allow_fill=True, fill_value=None)
        for column, name in named.items()
    }
