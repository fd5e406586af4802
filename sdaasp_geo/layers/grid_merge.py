"""Common grids of several operators or dates, joined: the latest says, everything else is told."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from rapidfuzz import fuzz

from sdaasp_geo.action_plan import fold
from sdaasp_geo.french import NBSP, number

KEYS = ["id", "service"]
DATE = "date_maj"
FILE, ROW = "fichier", "ligne"

CHANGED, COMPLETED, KEPT = "modifiée", "complétée", "conservée (plus récent vide)"
OPEN, PAST = "à trancher", "dépassé par une version plus récente"

HISTORY = [*KEYS, "colonne", "avant", "apres", "nature", "retenu", FILE, "operateur", DATE, ROW]
CONFLICTS = [*KEYS, "colonne", DATE, "valeur_1", FILE, "operateur", ROW, "valeur_2"]
CONFLICTS += ["fichier_2", "operateur_2", "ligne_2", "retenu", "etat"]
DOUBLES = ["service", "code_commune", "id_1", "nom_1", "fichier_1", "id_2", "nom_2", "fichier_2"]
DOUBLES += ["ressemblance", "distance_m", "raison"]

_UNITS = (("lon", "lat", "precision_position"), ("horaires", "horaires_bruts"), ("code_commune", "commune"))
"""Columns that say one thing together: they come from the same version."""

_PRECISE = ("adresse", "rue")
_EARTH_M = 6_371_008.8


@dataclass(frozen=True)
class Merge:
    """Grids joined.

    Attributes
    ----------
    grid : DataFrame
        One row per place × service, text, sorted by service and id.
    history : DataFrame
        One row per cell that a later version changes, completes or leaves empty: ``id, service, colonne, avant, apres,
        nature, retenu`` (what the joined grid holds), then who and when: ``fichier, operateur, date_maj, ligne``.
    conflicts : DataFrame
        One row per cell to which two versions of one date give different values: the one of the file given first
        (``valeur_1``), the other, what the grid holds (``retenu``) and ``etat``.
    doubles : DataFrame
        Pairs of places that are probably one; both are in the grid.
    origins : DataFrame
        Per file: ``fichier, lignes, seules`` (rows that no other file has).
    """

    grid: pd.DataFrame
    history: pd.DataFrame
    conflicts: pd.DataFrame
    doubles: pd.DataFrame
    origins: pd.DataFrame

    @property
    def open_conflicts(self) -> int:
        """How many conflicts no later version has settled."""
        return int((self.conflicts["etat"] == OPEN).sum())


@dataclass(frozen=True)
class _Version:
    """One row of one file."""

    cells: Mapping[str, str]
    file: str
    order: int
    row: int

    @property
    def date(self) -> str:
        return self.cells[DATE]

    def value(self, unit: Sequence[str]) -> tuple[str, ...]:
        """Return the cells of a unit; blank when the first two say nothing."""
        cells = tuple(self.cells.get(column, "") for column in unit)
        return cells if any(cells[:2]) else ("",) * len(cells)


def merge_grids(grids: Mapping[str, pd.DataFrame], *, like_score: float = 92.0, near_m: float = 100.0) -> Merge:
    """Join common grids, cell by cell: of the versions of a place × service, the latest that says something prevails.

    An empty cell says nothing and erases nothing. Position, hours and commune are each taken whole from one version. Of
    two versions of one date, that of the file given first prevails and the difference is a conflict. But for conflicts,
    the joined grid does not depend on the order of the files.

    Parameters
    ----------
    grids : mapping
        Name of the file to its table: valid columns of the grid, all text, indexed by row; no place × service twice.
    like_score : float
        Likeness of names (0 to 100, rapidfuzz token sort ratio) from which two places are probably one.
    near_m : float
        Metres below which two precise positions are probably one place.
    """
    columns = list(dict.fromkeys(column for table in grids.values() for column in table.columns))
    versions = _versions(grids)
    merged: list[dict[str, str]] = []
    history: list[dict[str, object]] = []
    conflicts: list[dict[str, object]] = []
    for key in sorted(versions, key=lambda pair: (pair[1], pair[0])):
        found = versions[key]
        kept = dict(found[0].cells)
        if len(found) > 1:
            kept, changes, clashes = _joined(found, columns)
            history += changes
            conflicts += clashes
        merged.append({column: kept.get(column, "") for column in columns})
    grid = pd.DataFrame(merged, columns=columns, dtype="str")
    names = {key: found[0].file for key, found in versions.items()}
    return Merge(
        grid=grid,
        history=pd.DataFrame(history, columns=HISTORY),
        conflicts=pd.DataFrame(conflicts, columns=CONFLICTS),
        doubles=probable_doubles(grid, names, like_score=like_score, near_m=near_m),
        origins=_origins(grids, versions),
    )


def _versions(grids: Mapping[str, pd.DataFrame]) -> dict[tuple[str, str], list[_Version]]:
    """Return the versions of each place × service, the prevailing one first."""
    versions: dict[tuple[str, str], list[_Version]] = {}
    for order, (file, table) in enumerate(grids.items()):
        for row, cells in zip(table.index, table.to_dict("records"), strict=True):
            version = _Version({str(name): str(cell) for name, cell in cells.items()}, file, order, int(row))
            versions.setdefault((version.cells["id"], version.cells["service"]), []).append(version)
    for found in versions.values():
        found.sort(key=lambda version: version.order)
        found.sort(key=lambda version: version.date, reverse=True)
    return versions


def _units(columns: Sequence[str]) -> Iterator[tuple[str, ...]]:
    together = {column for unit in _UNITS for column in unit}
    yield from _UNITS
    yield from ((column,) for column in columns if column not in together and column not in KEYS)


def _joined(
    found: list[_Version], columns: Sequence[str]
) -> tuple[dict[str, str], list[dict[str, object]], list[dict[str, object]]]:
    """Join the versions of one place × service, the prevailing one first."""
    kept = {name: found[0].cells[name] for name in KEYS}
    history: list[dict[str, object]] = []
    conflicts: list[dict[str, object]] = []
    for unit in _units(columns):
        holder = next((version for version in found if any(version.value(unit))), found[0])
        kept |= {column: holder.cells.get(column, "") for column in unit}
        for later, earlier in itertools.pairwise(found):
            history += _changes(later, earlier, unit, kept)
        conflicts += _clashes(found, unit, kept, holder)
    return kept, history, conflicts


def _changes(
    later: _Version, earlier: _Version, unit: Sequence[str], kept: Mapping[str, str]
) -> Iterator[dict[str, object]]:
    """Tell what a version changes in the one before it; two versions of one date clash instead of changing."""
    blank, was_blank = not any(later.value(unit)), not any(earlier.value(unit))
    if later.date == earlier.date and not blank and not was_blank:
        return
    for column in unit:
        before, after = earlier.cells.get(column, ""), later.cells.get(column, "")
        if before == after:
            continue
        nature = CHANGED if blank == was_blank else (KEPT if blank else COMPLETED)
        yield {
            **{key: later.cells[key] for key in KEYS},
            "colonne": column,
            "avant": before,
            "apres": after,
            "nature": nature,
            "retenu": kept[column],
            **_who(later),
            DATE: later.date,
        }


def _who(version: _Version, suffix: str = "") -> dict[str, object]:
    return {
        f"{FILE}{suffix}": version.file,
        f"operateur{suffix}": version.cells.get("operateur", ""),
        f"{ROW}{suffix}": version.row,
    }


def _clashes(
    found: list[_Version], unit: Sequence[str], kept: Mapping[str, str], holder: _Version
) -> Iterator[dict[str, object]]:
    """Tell the different values that versions of one date give to a cell."""
    for day, same in itertools.groupby(found, key=lambda version: version.date):
        speaking = [version for version in same if any(version.value(unit))]
        for other in speaking[1:]:
            first = speaking[0]
            for column in unit:
                values = first.cells.get(column, ""), other.cells.get(column, "")
                if values[0] != values[1]:
                    yield {
                        **{key: first.cells[key] for key in KEYS},
                        "colonne": column,
                        DATE: day,
                        "valeur_1": values[0],
                        **_who(first),
                        "valeur_2": values[1],
                        **_who(other, "_2"),
                        "retenu": kept[column],
                        "etat": OPEN if holder.date == day else PAST,
                    }


def _origins(grids: Mapping[str, pd.DataFrame], versions: Mapping[tuple[str, str], list[_Version]]) -> pd.DataFrame:
    alone = pd.Series([found[0].file for found in versions.values() if len(found) == 1], dtype="str").value_counts()
    rows = [(name, len(table), int(alone.get(name, 0))) for name, table in grids.items()]
    return pd.DataFrame(rows, columns=[FILE, "lignes", "seules"])


def probable_doubles(
    grid: pd.DataFrame, files: Mapping[tuple[str, str], str], *, like_score: float, near_m: float
) -> pd.DataFrame:
    """List the pairs of places of one service and one commune that are probably one under two identifiers.

    Parameters
    ----------
    grid : DataFrame
        The joined grid.
    files : mapping
        ``(id, service)`` to the file that holds it.
    like_score, near_m : float
        See `merge_grids`; a score equal to the least counts, a distance equal to the most does not.

    Returns
    -------
    DataFrame
        ``service, code_commune, id_1, nom_1, fichier_1, id_2, nom_2, fichier_2, ressemblance`` (0 to 100),
        ``distance_m`` (metres, great circle; NaN where a position is missing or not precise), ``raison``.
    """
    plain = grid.assign(plain=grid["nom"].map(fold), x=_degrees(grid["lon"]), y=_degrees(grid["lat"]))
    plain.loc[~plain["precision_position"].isin(_PRECISE), ["x", "y"]] = np.nan
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for place in plain.to_dict("records"):
        groups.setdefault((place["service"], place["code_commune"]), []).append(place)
    rows = []
    for key in sorted(groups):
        for one, two in itertools.combinations(groups[key], 2):
            score = float(fuzz.token_sort_ratio(one["plain"], two["plain"]))
            distance = great_circle_m(one["x"], one["y"], two["x"], two["y"])
            reasons = [f"noms semblables à {number(score)} sur 100"] if score >= like_score else []
            reasons += [f"à {number(distance)}{NBSP}m l'un de l'autre"] if distance < near_m else []
            if reasons:
                sides = [
                    (place["id"], place["nom"], files.get((place["id"], place["service"]), "")) for place in (one, two)
                ]
                rows.append(
                    (one["service"], one["code_commune"], *sides[0], *sides[1], score, distance, " ; ".join(reasons))
                )
    return pd.DataFrame(rows, columns=DOUBLES).astype({"ressemblance": "float64", "distance_m": "float64"})


def _degrees(text: pd.Series) -> pd.Series:
    return pd.to_numeric(text.str.replace(",", ".", regex=False), errors="coerce").astype("float64")


def great_circle_m(lon_1: float, lat_1: float, lon_2: float, lat_2: float) -> float:
    """Return the distance between two points in degrees, in metres, on the sphere of mean radius (haversine).

    Examples
    --------
    >>> round(great_circle_m(0, 0, 0, 90) / 1000)
    10008
    """
    a, b, c, d = np.radians([lon_1, lat_1, lon_2, lat_2])
    half = np.sin((d - b) / 2) ** 2 + np.cos(b) * np.cos(d) * np.sin((c - a) / 2) ** 2
    return float(2 * _EARTH_M * np.arcsin(np.sqrt(min(1.0, half)) if half == half else np.nan))  # noqa: PLR0124 - NaN
