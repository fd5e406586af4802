"""Contours that users give: each is sound, repaired and counted, or refused with its row, its place and the remedy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from sdaasp_geo.errors import Fault, InputError
from sdaasp_geo.french import NBSP, count, percent
from sdaasp_geo.layers.geometry_coverage import area_text, coverage_holes, join_coverage, only_polygons, torn_contours
from sdaasp_geo.layers.geometry_place import Box, place_faults, place_of, shown, unusable_coordinates
from sdaasp_geo.layers.geometry_reference import detached, differences, stranger_faults

RINGS = "anneaux non valides"
FLAT = "altitudes ou mesures ôtées"
REPEATED_VERTICES = "sommets répétés ôtés"
BITS = "points et lignes ôtés, polygones gardés"
UNITED = "parties d'une même commune réunies"
IDENTICAL = "doublon identique ôté"
JOINED = "raccordé à ses voisins"
CRACK = "étroit interstice avec un voisin, à vérifier"
DIFFERENT = "éloigné du contour de référence, à vérifier"
DETACHED = "détaché de ses voisins de la référence, à vérifier"
HOLE = "vide entre les communes, laissé tel quel"
REPAIR_COLUMNS = ["code", "name", "repair", "area_change_m2", "place"]
_SHOWN_NAME = 60
_CRACK_WIDTHS = 3.0
"""A gap that is open to the outside cannot be closed; under three times the tolerance it is told."""


@dataclass(frozen=True)
class Limits:
    """How far a repair may go.

    Attributes
    ----------
    area_share : float
        Greatest change of surface of a contour, included, as a share of the larger of the two (0 to 1).
    join_m : float
        Greatest mean width of the gaps and overlaps that are closed, included (metres).
    reference_share : float
        Greatest difference from the reference that is not told, included (`geometry_reference.differences`).
    other_share, own_share : float
        Beyond both, a contour is that of another commune (`geometry_reference.stranger_faults`).
    """

    area_share: float
    join_m: float
    reference_share: float = 0.3
    other_share: float = 0.5
    own_share: float = 0.05


@dataclass(frozen=True)
class Contours:
    """Contours fit for use.

    Attributes
    ----------
    table : GeoDataFrame
        ``code, name``, geometry: valid polygons in the legal CRS, one row per code.
    repairs : DataFrame
        One row per repair, and per gap left as it is: ``code, name, repair, area_change_m2, place``; sorted.
    notes : tuple of str
        In French: what was repaired, counted and named.
    """

    table: gpd.GeoDataFrame
    repairs: pd.DataFrame
    notes: tuple[str, ...]


def check_contours(
    raw: gpd.GeoDataFrame,
    *,
    crs: str,
    boxes: Mapping[str, Box],
    limits: Limits,
    file: str,
    reference: gpd.GeoDataFrame | None = None,
) -> Contours:
    """Check and repair the contours of communes.

    Parameters
    ----------
    raw : GeoDataFrame
        ``code, name``, geometry in the declared CRS of the file (`sources.boundaries.read_boundaries`), any defect;
        the index is the row of the file.
    crs : str
        Legal CRS of the territory (metres).
    boxes : mapping
        Bounds of each département in degrees.
    limits : Limits
        How far a repair may go.
    file : str
        Name of the file, for faults and notes.
    reference : GeoDataFrame, optional
        ``code`` and valid contours of the same vintage in the legal CRS, to compare with.

    Returns
    -------
    Contours
        Rings are repaired by ``shapely.make_valid(method="structure")``: what the outer rings enclose is kept, spikes
        and lines are not. Contours that are sound and join are returned bit for bit, but for the change of CRS.

    Raises
    ------
    InputError
        Contours without surface, with unusable coordinates, away from their département, changed too much by a
        repair, given twice and different, or of another commune; then overlaps: all of one kind of check together.
    """
    faults = _first_faults(raw, boxes=boxes, file=file)
    if faults:
        raise InputError(faults)
    brought = _brought(raw, crs, file=file)
    repairs: list[dict[str, object]] = []
    table, found = _mended(brought, repairs, share=limits.area_share, file=file)
    table, twice = _one_each(table, repairs, limits=limits, file=file)
    shares = {"other_share": limits.other_share, "own_share": limits.own_share}
    strangers = [] if reference is None else stranger_faults(table, reference, **shares, file=file)
    found = [*found, *twice, *strangers]
    if found:
        raise InputError(sorted(found, key=lambda fault: (fault.row or 0, fault.value)))
    joined = join_coverage(table, tolerance_m=limits.join_m, file=file)
    if joined.faults:
        raise InputError(joined.faults)
    _tell_joined(joined.table, joined.changed, repairs)
    _tell_cracks(joined.table, repairs, width_m=limits.join_m * _CRACK_WIDTHS)
    _tell_holes(joined.table, repairs)
    if reference is not None:
        _tell_differences(joined.table, reference, repairs, share=limits.reference_share)
    rows = pd.DataFrame(repairs, columns=REPAIR_COLUMNS).sort_values(REPAIR_COLUMNS, ignore_index=True)
    return Contours(joined.table, rows, tuple(repair_notes(rows)))


def _first_faults(raw: gpd.GeoDataFrame, *, boxes: Mapping[str, Box], file: str) -> list[Fault]:
    if raw.empty:
        remedy = "Donnez les contours du département du schéma et de ses voisins."
        return [Fault(file, None, "geometry", "", "au moins un contour des départements utiles", remedy)]
    shapes = raw.geometry
    areal = shapely.get_dimensions(shapes.to_numpy()) == 2  # noqa: PLR2004 - a surface
    void = pd.Series(shapes.isna() | shapes.is_empty | ~areal, index=raw.index)
    lost = unusable_coordinates(shapes) & ~void
    redraw = "Redessinez le contour, ou ôtez la ligne."
    digits = "Une coordonnée n'est pas un nombre, ou dépasse toute carte. Redessinez le contour."
    faults = [
        Fault(file, int(row), "geometry", _label(raw.loc[row]), expected, remedy)
        for wrong, expected, remedy in (
            (void, "un polygone non vide", redraw),
            (lost, "des coordonnées finies", digits),
        )
        for row in raw.index[wrong]
    ]
    return sorted([*faults, *place_faults(raw[~void & ~lost], boxes=boxes, file=file)], key=lambda one: one.row or 0)


def _brought(raw: gpd.GeoDataFrame, crs: str, *, file: str) -> gpd.GeoDataFrame:
    """Bring contours to the legal CRS; those that it does not reach are faults."""
    same = pyproj.CRS.from_user_input(raw.crs) == pyproj.CRS.from_user_input(crs)
    table = raw if same else raw.to_crs(crs)
    lost = unusable_coordinates(table.geometry)
    remedy = "Vérifiez le système de coordonnées déclaré et la géométrie."
    expected = "un contour que le système de coordonnées du territoire représente"
    faults = [Fault(file, int(row), "geometry", _label(raw.loc[row]), expected, remedy) for row in raw.index[lost]]
    if faults:
        raise InputError(faults)
    return table


def _label(record: pd.Series) -> str:
    name = "" if pd.isna(record["name"]) else str(record["name"])
    return f"{record['code']} {name[:_SHOWN_NAME]}".strip()


def _mended(
    table: gpd.GeoDataFrame, repairs: list[dict[str, object]], *, share: float, file: str
) -> tuple[gpd.GeoDataFrame, list[Fault]]:
    """Make each contour a valid polygon in two dimensions; those that would change too much are faults, left out."""
    shapes = table.geometry.to_numpy().copy()
    kinds = shapely.get_type_id(shapes)
    wanted = {
        FLAT: shapely.has_z(shapes) | _has_measures(shapes),
        BITS: ~np.isin(kinds, [shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON]),
        REPEATED_VERTICES: _repeats(shapes),
        RINGS: ~shapely.is_valid(shapely.force_2d(shapes)),
    }
    faults = []
    for at in np.flatnonzero(np.any(list(wanted.values()), axis=0)):
        before = shapely.force_2d(shapes[at])
        shape = only_polygons(shapely.remove_repeated_points(before, 0.0))
        change = shape.area - before.area
        record = table.iloc[at]
        larger = max(shape.area, before.area)
        if shape.is_empty or abs(change) > share * larger:
            faults.append(_changed_fault(record, int(table.index[at]), before.area, shape, share, file, table.crs))
            continue
        shapes[at] = shape
        repairs += [
            _repair(record, kind, shape, change if kind == RINGS else 0.0, table.crs)
            for kind, which in wanted.items()
            if which[at]
        ]
    mended = table.set_geometry(gpd.GeoSeries(shapes, index=table.index, crs=table.crs))
    return mended.drop(index=[fault.row for fault in faults]), faults


def _has_measures(shapes: np.ndarray) -> np.ndarray:
    return shapely.has_m(shapes) if hasattr(shapely, "has_m") else np.zeros(len(shapes), dtype="bool")


def _repeats(shapes: np.ndarray) -> np.ndarray:
    less = shapely.get_num_coordinates(shapely.remove_repeated_points(shapes, 0.0))
    return np.asarray(less < shapely.get_num_coordinates(shapes))


def _changed_fault(
    record: pd.Series, row: int, before_m2: float, shape: shapely.Geometry, share: float, file: str, crs: object
) -> Fault:
    value = _label(record)
    if shape.is_empty:
        remedy = "Redessinez le contour, ou ôtez la ligne."
        return Fault(file, row, "geometry", f"{value}, contour sans surface", "un polygone non vide", remedy)
    value += f", {area_text(before_m2)} avant réparation, {area_text(shape.area)} après, vers {place_of(shape, crs)}"
    expected = f"un contour qui ne se croise pas, ou dont la réparation change {percent(share)} de la surface au plus"
    remedy = "Redessinez le contour là où il se croise, ou reprenez-le de sa source (contour-ecart-surface)."
    return Fault(file, row, "geometry", value, expected, remedy)


def _repair(record: pd.Series, kind: str, shape: shapely.Geometry, change_m2: float, crs: object) -> dict[str, object]:
    place = place_of(shape, crs)
    values = (record["code"], record["name"], kind, round(float(change_m2), 2) + 0.0, place)
    return dict(zip(REPAIR_COLUMNS, values, strict=True))


def _one_each(
    table: gpd.GeoDataFrame, repairs: list[dict[str, object]], *, limits: Limits, file: str
) -> tuple[gpd.GeoDataFrame, list[Fault]]:
    """Unite the parts of a commune given on several rows, leave out exact repetitions, refuse the rest."""
    again = table["code"].duplicated(keep=False)
    if not again.any():
        return table, []
    shapes = table.geometry.copy()
    left_out: list[int] = []
    faults = []
    for _, group in table[again].groupby("code"):
        first, record = group.index[0], group.iloc[0]
        normal = shapely.normalize(group.geometry.to_numpy())
        _, kept = np.unique(shapely.to_wkb(normal), return_index=True)
        parts = normal[kept]
        whole = shapely.union_all(parts)
        common_m2 = float(shapely.area(parts).sum()) - whole.area
        if (group["name"] != record["name"]).any() or common_m2 > limits.join_m * whole.length:
            faults += _twice_faults(group, common_m2, file=file)
            continue
        left_out += list(group.index[1:])
        shapes.loc[first] = whole if len(parts) > 1 else shapes.loc[first]
        kinds = [UNITED] * (len(parts) > 1) + [IDENTICAL] * (len(group) > len(parts))
        repairs += [_repair(record, kind, whole, 0.0, table.crs) for kind in kinds]
    return table.set_geometry(shapes).drop(index=left_out), faults


def _twice_faults(group: gpd.GeoDataFrame, common_m2: float, *, file: str) -> list[Fault]:
    remedy = "Donnez à chaque commune son code, et gardez un seul contour de chacune."
    names = " et ".join(sorted(set(group["name"])))
    common = f"{area_text(common_m2)} en commun" if common_m2 > 0 else "sans partie commune"
    places = {row: place_of(shape, group.crs) for row, shape in group.geometry.items()}
    told = {row: f"{code} ({names}{NBSP}; {common}, vers {places[row]})" for row, code in group["code"].items()}
    return [Fault(file, int(row), "code", told[row], "un code unique", remedy) for row in group.index[1:]]


def _tell_joined(table: gpd.GeoDataFrame, changed: pd.DataFrame, repairs: list[dict[str, object]]) -> None:
    known = table.set_index("code", drop=False)
    repairs += [
        _repair(known.loc[code], JOINED, known.loc[code, "geometry"], area, table.crs)
        for code, area in changed.itertuples(index=False)
    ]


def _tell_cracks(table: gpd.GeoDataFrame, repairs: list[dict[str, object]], *, width_m: float) -> None:
    near = table[torn_contours(table.geometry.to_numpy(), width_m=width_m)]
    repairs += [_repair(near.iloc[at], CRACK, near.geometry.iloc[at], 0.0, table.crs) for at in range(len(near))]


def _tell_differences(
    table: gpd.GeoDataFrame, reference: gpd.GeoDataFrame, repairs: list[dict[str, object]], *, share: float
) -> None:
    known = reference.set_index("code").geometry.area
    far = table[differences(table, reference) > share]
    changes = far.geometry.area.to_numpy() - known.loc[far["code"]].to_numpy()
    repairs += [
        _repair(far.iloc[at], DIFFERENT, far.geometry.iloc[at], float(changes[at]), table.crs) for at in range(len(far))
    ]
    alone = table[table["code"].isin(detached(table, reference))]
    repairs += [_repair(alone.iloc[at], DETACHED, alone.geometry.iloc[at], 0.0, table.crs) for at in range(len(alone))]


def _tell_holes(table: gpd.GeoDataFrame, repairs: list[dict[str, object]]) -> None:
    known = table.set_index("code", drop=False)
    repairs += [_repair(known.loc[codes[0]], HOLE, hole, hole.area, table.crs) for hole, codes in coverage_holes(table)]


def repair_notes(repairs: pd.DataFrame) -> list[str]:
    """Count repairs in French, by kind, with the communes; surfaces where they change, places of holes."""
    notes = []
    for kind, rows in repairs.groupby("repair"):
        if kind == HOLE:
            notes.append(_hole_note(rows))
            continue
        communes = shown([f"{code} {name}" for code, name in rows[["code", "name"]].itertuples(index=False)])
        area = rows["area_change_m2"].abs()
        most = f"{NBSP}; {area_text(float(area.max()))} d'écart au plus" if (area > 0).any() else ""
        what = count(
            len(rows),
            *(("contour",) if kind in {CRACK, DETACHED, DIFFERENT} else ("contour réparé", "contours réparés")),
        )
        notes.append(f"{what} ({kind}){NBSP}: {communes}{most}.")
    return notes


def _hole_note(rows: pd.DataFrame) -> str:
    largest = rows.sort_values(["area_change_m2", "code"], ascending=[False, True])
    places = [
        f"{area_text(area)} près de {name}, vers {place}"
        for area, name, place in largest[["area_change_m2", "name", "place"]].itertuples(index=False)
    ]
    voids = count(len(rows), "vide", "vides")
    return (
        f"{voids} entre les contours des communes{NBSP}: {' ; '.join(places[:3])}{'…' if len(places) > 3 else ''}. "  # noqa: PLR2004
        "Si ce n'est ni un lac, ni une enclave étrangère, il manque une commune au fichier."
    )


def repair_counts(repairs: pd.DataFrame) -> dict[str, int]:
    """Count repairs by kind, for the manifest."""
    return {str(kind): int(size) for kind, size in repairs["repair"].value_counts().sort_index().items()}
