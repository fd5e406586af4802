"""Corrections of service points and of competent counters: what changed, whether it may, and what it makes.

Service points and counters are compared as texts, one row per object (`point_texts`, `counter_texts`), so that a change
is told as « before, after » and refused where the value before is no longer the present one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import geopandas as gpd
import pandas as pd

from sdaasp_geo.errors import Fault
from sdaasp_geo.french import NBSP
from sdaasp_geo.layers import communes as commune_layer

POINT, COMMUNE = "point", "commune"
POSITION = "position_lon_lat_deg"
"""Field of a position: longitude then latitude, degrees WGS 84, 7 decimals (about 1 cm); empty for none."""

SHOWN = "position_affichee_lon_lat_deg"
"""Where a point is drawn: its position, or the point of reference of its commune where it has none."""

EXISTENCE, PRESENT, ABSENT = "existence", "présent", "absent"
COUNTER = "guichet"
CHANGE_COLUMNS = ("objet", "identifiant", "champ", "ancien", "nouveau", "motif", "date")
KEY = ("id", "service")
_PRECISION, _UNKNOWN = "precision_position", "inconnue"
_ADDED_DEFAULTS = {_PRECISION: "adresse", "accessibilite": "inconnue", "licence": "non précisée"}
CONFLICT = "Le schéma a changé depuis cet export{}: exportez de nouveau, puis reprenez cette correction."
_ADD = "Reprenez l'identifiant de l'export, ou videz-le si le point est ajouté."
_OPERATOR = "operateur"
DEGREES = r"-?\d+\.\d+ -?\d+\.\d+"


@dataclass(frozen=True)
class Edited:
    """What a person gives back: rows by identifier, the row of each in the file, why each was changed, and new rows.

    Attributes
    ----------
    texts : DataFrame
        Rows whose identifier was exported, as `point_texts` or `counter_texts` gives them.
    added : DataFrame
        New rows (no identifier), same columns.
    row, motive : dict
        By identifier: row in the file, and reason given.
    """

    texts: pd.DataFrame
    added: pd.DataFrame
    row: dict[str, int]
    motive: dict[str, str]


def text_of(values: pd.Series) -> pd.Series:
    """Return values as texts that compare: nothing for what is missing, no space around, one kind of line break."""
    text = values.astype("object").where(values.notna(), "").astype("str")
    return text.str.replace("\r\n?", "\n", regex=True).str.strip()


def degrees(points: gpd.GeoSeries) -> pd.Series:
    """Return positions as texts, « longitude latitude » in degrees (WGS 84); empty where there is none."""
    placed = points.notna() & ~points.is_empty
    found = points[placed].to_crs("EPSG:4326")
    text = pd.Series("", index=points.index, dtype="str")
    if placed.any():
        text.loc[found.index] = [f"{x + 0.0:.7f} {y + 0.0:.7f}" for x, y in zip(found.x, found.y, strict=True)]
    return text


def point_texts(points: gpd.GeoDataFrame, fields: Sequence[str]) -> pd.DataFrame:
    """Return service points as texts.

    Parameters
    ----------
    points : GeoDataFrame
        Layer of service points (`services.build_service_points`).
    fields : sequence of str
        Columns of the grid, position apart.

    Returns
    -------
    DataFrame
        ``fields``, `POSITION` and `SHOWN`; the index is the identifier of the row, « id/service ».
    """
    table = pd.DataFrame({name: text_of(points[name]) for name in fields})
    shown = degrees(points.geometry)
    located = points["lon"].notna() & points["lat"].notna()
    table = table.assign(**{POSITION: shown.where(located, ""), SHOWN: shown})
    return table.set_axis(pd.Index(table["id"] + "/" + table["service"], name="identifiant"), axis="index")


def counter_texts(communes: pd.DataFrame, areas: pd.DataFrame, operators: Iterable[str]) -> pd.DataFrame:
    """Return the competent counter of each studied commune, by operator; empty where none is declared.

    Parameters
    ----------
    communes : DataFrame
        Layer of communes: ``code, name, epci, studied``.
    areas : DataFrame
        ``operateur, code_commune, guichet``.
    operators : iterable of str
        Operators whose counters are measured.

    Returns
    -------
    DataFrame
        ``operateur, code_commune, commune, epci, guichet``; the index is « operateur/code_commune ».
    """
    studied = communes[communes["studied"]]
    names = sorted({*operators, *areas[_OPERATOR]} - {""})
    rows = pd.concat(
        [pd.DataFrame({_OPERATOR: name, "code_commune": studied["code"]}) for name in names] or [pd.DataFrame()]
    )
    if rows.empty:
        return pd.DataFrame(columns=[_OPERATOR, "code_commune", "commune", "epci", COUNTER], dtype="str")
    known = communes.set_index("code")
    declared = areas.set_index([_OPERATOR, "code_commune"])[COUNTER]
    found = declared.reindex(pd.MultiIndex.from_frame(rows[[_OPERATOR, "code_commune"]]))
    rows = rows.assign(
        commune=text_of(rows["code_commune"].map(known["name"])),
        epci=text_of(rows["code_commune"].map(known["epci"])),
        **{COUNTER: text_of(found).to_numpy()},
    )
    index = pd.Index(rows[_OPERATOR] + "/" + rows["code_commune"], name="identifiant")
    return rows.set_axis(index, axis="index").sort_index()


def compare(
    thing: str, *, base: pd.DataFrame, edited: Edited, current: pd.DataFrame, file: str, date: str, motive: str
) -> tuple[pd.DataFrame, list[Fault]]:
    """List what a person changed, and refuse what no longer holds.

    Parameters
    ----------
    thing : str
        `POINT` or `COMMUNE`.
    base, current : DataFrame
        What was exported, and what the scheme holds today (`point_texts`, `counter_texts`).
    edited : Edited
        What came back.
    file, date, motive : str
        Name of the file (for faults), day of the correction (AAAA-MM-JJ), reason where a row gives none.

    Returns
    -------
    changes : DataFrame
        `CHANGE_COLUMNS`, in the order of identifiers; the index is the row in the file (0: the row is gone).
    faults : list of Fault
        Conflicts: the value before is neither that of today nor already the one wanted.
    """
    changes: list[tuple[int, str, str, str, str]] = []
    faults: list[Fault] = []
    fields = [name for name in base.columns if name != SHOWN]
    both = base.index.intersection(edited.texts.index).sort_values()
    before, after = base.loc[both], _kept_positions(base.loc[both], edited.texts.loc[both])
    differs = (before[fields] != after[fields]).to_numpy()
    for row, column in zip(*differs.nonzero(), strict=True):
        key, name = str(both[row]), fields[column]
        old, new = str(before.loc[key, name]), str(after.loc[key, name])
        present = str(current.loc[key, name]) if key in current.index else None
        if present is not None and present == old:
            changes.append((edited.row[key], key, name, old, new))
        elif present != new:
            faults.append(_conflict(file, edited.row[key], name, new, old, present))
    faults += [
        Fault(file, edited.row[str(key)], "identifiant", str(key), "un identifiant connu du schéma", _ADD)
        for key in edited.texts.index.difference(base.index).sort_values()
    ]
    gone = base.index.difference(edited.texts.index).intersection(current.index).sort_values()
    changes += [(0, str(key), EXISTENCE, PRESENT, ABSENT) for key in gone]
    for key, added in edited.added.sort_index().iterrows():
        changes.append((edited.row[str(key)], str(key), EXISTENCE, ABSENT, PRESENT))
        filled = [(name, str(added[name])) for name in fields if name not in KEY and added[name]]
        changes += [(edited.row[str(key)], str(key), name, "", value) for name, value in filled]
    rows = [(thing, key, name, old, new, edited.motive.get(key) or motive, date) for _, key, name, old, new in changes]
    table = pd.DataFrame(rows, columns=list(CHANGE_COLUMNS), dtype="str")
    return table.set_axis(pd.Index([row for row, *_ in changes], dtype="int64"), axis="index"), faults


def _kept_positions(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Give back its position to a point drawn where it was: it has not moved, even if it has none of its own.

    A point that loses its position is then of unknown precision, unless the person said another one.
    """
    if SHOWN not in before.columns:
        return after
    still = after[SHOWN] == before[SHOWN]
    kept = after.assign(**{POSITION: after[SHOWN].mask(still, before[POSITION])})
    if _PRECISION in kept.columns:
        lost = (kept[POSITION] == "") & (before[POSITION] != "") & (kept[_PRECISION] == before[_PRECISION])
        kept[_PRECISION] = kept[_PRECISION].mask(lost, _UNKNOWN)
    return kept


def _conflict(file: str, row: int, field: str, wanted: str, old: str, present: str | None) -> Fault:
    now = "un objet encore présent" if present is None else f"la valeur d'avant, «{NBSP}{old}{NBSP}»"
    told = wanted if present is None else present
    return Fault(file, row or None, field, told, now, CONFLICT.format(NBSP))


def completed(added: pd.DataFrame, communes: gpd.GeoDataFrame, *, date: str) -> pd.DataFrame:
    """Fill what a new point lets be told: its commune from its position, and what nobody said of it."""
    codes = communes_at(added[POSITION], communes)
    names = communes.set_index("code")["name"]
    code = added["code_commune"].where(added["code_commune"] != "", codes)
    filled = added.assign(code_commune=code)
    defaults = {
        "commune": text_of(code.map(names)),
        "source": f"Correction du {date}",
        "date_maj": date,
        **_ADDED_DEFAULTS,
    }
    for name, value in defaults.items():
        filled[name] = filled[name].where(filled[name] != "", value)
    return filled


def communes_at(positions: pd.Series, communes: gpd.GeoDataFrame) -> pd.Series:
    """Return the code of the commune that holds each position; empty where none does, or there is no position."""
    placed = positions[positions.str.fullmatch(DEGREES)]
    lon, lat = (placed.str.split(" ").str[rank].astype("float64") for rank in (0, 1))
    points = gpd.GeoSeries(gpd.points_from_xy(lon, lat), index=placed.index, crs="EPSG:4326").to_crs(communes.crs)
    return commune_layer.communes_at(points, communes).reindex(positions.index, fill_value="").astype("str")


def apply_to_grid(points: pd.DataFrame, changes: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the grid after changes, positions in ``lon, lat`` (degrees); the caller's table stays.

    Parameters
    ----------
    points : DataFrame
        Rows of the grid: ``id, service, lon, lat`` and other columns.
    changes : DataFrame
        `CHANGE_COLUMNS`, checked (`change_faults`); those of other objects are passed over.
    """
    own = changes[changes["objet"] == POINT]
    existence = own[own["champ"] == EXISTENCE].set_index("identifiant")["nouveau"]
    table = pd.DataFrame(points).set_axis(pd.Index(points["id"] + "/" + points["service"]), axis="index")
    table = table.drop(index=existence.index[existence == ABSENT])
    new = existence.index[existence == PRESENT]
    if len(new):
        keys = [key.rpartition("/")[::2] for key in new]
        rows = pd.DataFrame(keys, columns=list(KEY), index=new, dtype="str")
        table = pd.concat([table, rows.reindex(columns=table.columns).assign(**_blank(table, rows))])
    for change in own[own["champ"] != EXISTENCE].itertuples():
        if change.champ == POSITION:
            found = re.fullmatch(DEGREES, str(change.nouveau))
            place = [float(part) for part in found[0].split()] if found else [float("nan")] * 2
            table.loc[change.identifiant, ["lon", "lat"]] = place
        else:
            table.loc[change.identifiant, str(change.champ)] = change.nouveau
    return table.reset_index(drop=True)


def _blank(table: pd.DataFrame, rows: pd.DataFrame) -> dict[str, object]:
    """Return empty texts for the columns that new rows do not have; coordinates stay missing."""
    return {name: "" for name in table.columns if name not in (*rows.columns, "lon", "lat")}


def counter_changes(changes: pd.DataFrame | None) -> pd.DataFrame:
    """Return the changes of competent counters: ``operateur, code_commune, guichet, date_maj, source``."""
    columns = [_OPERATOR, "code_commune", COUNTER, "source", "date_maj"]
    if changes is None:
        return pd.DataFrame(columns=columns, dtype="str")
    own = changes[changes["objet"] == COMMUNE]
    parts = [key.rpartition("/")[::2] for key in own["identifiant"]]
    told = zip(own["nouveau"], own["motif"], own["date"], strict=True)
    rows = [(*part, *more) for part, more in zip(parts, told, strict=True)]
    return pd.DataFrame(rows, columns=columns, dtype="str")


def apply_to_areas(areas: pd.DataFrame, changes: pd.DataFrame | None) -> pd.DataFrame:
    """Return the areas of operators after changes; an emptied counter goes back to the rule."""
    own = counter_changes(changes)
    if own.empty:
        return areas
    key = [_OPERATOR, "code_commune"]
    kept = areas[~pd.MultiIndex.from_frame(areas[key]).isin(pd.MultiIndex.from_frame(own[key]))]
    latest = own.drop_duplicates(key, keep="last")
    added = latest[latest[COUNTER] != ""]
    after = int(areas.index.max()) + 1 if len(areas) else 1
    return pd.concat([kept, added.set_axis(pd.RangeIndex(after, after + len(added)), axis="index")])
