"""From a table of road sections to plain arrays: checked, in a metric CRS, in an order that never depends on rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from sdaasp_geo.errors import TravelError
from sdaasp_geo.french import NBSP, count

if TYPE_CHECKING:
    import geopandas as gpd

Floats = npt.NDArray[np.float64]
Longs = npt.NDArray[np.int64]

COLUMNS = (
    "from_node",
    "to_node",
    "road_class",
    "name",
    "forward_kmh",
    "backward_kmh",
    "duration_min",
    "length_m",
    "geometry",
)

CLOSED = -1
"""Time of a direction that cars may not take."""

NODE_TOLERANCE_M = 1.0
"""Sections that name the same node must end within this distance of each other."""

LONGEST_MS = 2**31 - 2
"""No road takes longer than this (24 days): times are 32-bit integers."""

_MS_PER_MIN = 60_000
_MS_PER_M_AT_1_KMH = 3_600
_XY_DIGITS = 3  # coordinates are kept to the millimetre: the same bytes whatever the library of projections


@dataclass(frozen=True, eq=False)
class Sections:
    """Sections of road as arrays, sorted; nodes are numbered along a space-filling curve.

    Attributes
    ----------
    node_xy : ndarray of float64 (n, 2)
        Metric coordinates of nodes.
    tail, head : ndarray of int64 (s,)
        Nodes at the ends.
    forward_ms, backward_ms : ndarray of int64 (s,)
        Milliseconds from tail to head and back; -1 closed.
    pattern, reverse_pattern : ndarray of int64 (s,)
        Equal numbers: same class, name and speeds in both directions, read from tail to head, or from head to tail.
    stated : ndarray of bool (s,)
        The duration was stated, not computed from a speed.
    length_m : ndarray of float64 (s,)
        Length of each section.
    class_, name : ndarray of int64 (s,)
        Positions in ``classes`` and ``names``.
    first : ndarray of int64 (s + 1,)
        Where the line of each section starts in ``xy``.
    xy : ndarray of float64 (k, 2)
        Vertices of the lines, from tail to head.
    classes, names : tuple of str
        Sorted.
    read, closed, repeated : int
        Rows of the table; among them, rows closed in both directions, and exact copies of another row, left out.
    """

    node_xy: Floats
    tail: Longs
    head: Longs
    forward_ms: Longs
    backward_ms: Longs
    pattern: Longs
    reverse_pattern: Longs
    stated: npt.NDArray[np.bool_]
    length_m: Floats
    class_: Longs
    name: Longs
    first: Longs
    xy: Floats
    classes: tuple[str, ...]
    names: tuple[str, ...]
    read: int
    closed: int
    repeated: int


def read_sections(roads: gpd.GeoDataFrame, *, crs: str) -> Sections:
    """Check a table of road sections, and turn it into arrays.

    Parameters
    ----------
    roads : GeoDataFrame
        ``from_node, to_node, road_class, name, forward_kmh, backward_kmh, duration_min, length_m, geometry``.
    crs : str
        Projected CRS in metres, e.g. ``EPSG:2154``.

    Raises
    ------
    TravelError
        When a column, the CRS or a line is missing, when a length, speed or duration makes no sense, when the CRS is
        not metric or does not suit the place, when ends that bear the same node lie apart, or nothing is left.
    """
    _check_columns(roads)
    drivable = roads[(roads["forward_kmh"].notna() | roads["backward_kmh"].notna()).to_numpy()]
    if not len(drivable):
        message = (
            f"Réseau routier{NBSP}: aucun tronçon ouvert aux voitures. Vérifiez l'extrait et la table de vitesses."
        )
        raise TravelError(message)
    _check_figures(drivable)
    metric = _in_metres(drivable, crs)
    classes, class_ = _codes(metric["road_class"])
    names, name = _codes(metric["name"])
    order = _canonical(metric, class_, name)
    metric, class_, name = metric.iloc[order], class_[order], name[order]
    return _arrays(metric, (classes, class_), (names, name), (len(roads), len(roads) - len(drivable)))


def _arrays(
    roads: gpd.GeoDataFrame,
    classes: tuple[tuple[str, ...], Longs],
    names: tuple[tuple[str, ...], Longs],
    counts: tuple[int, int],
) -> Sections:
    _, xy, (first,) = shapely.to_ragged_array(roads.geometry.to_numpy(), include_z=False)
    xy, first = np.round(xy, _XY_DIGITS) + 0.0, first.astype(np.int64)
    node_xy, tail, head = _nodes(roads["from_node"].to_numpy(), roads["to_node"].to_numpy(), xy, first)
    pattern, reverse_pattern = _patterns(roads, classes[1], names[1])
    return Sections(
        node_xy=node_xy,
        tail=tail,
        head=head,
        forward_ms=_milliseconds(roads, "forward_kmh"),
        backward_ms=_milliseconds(roads, "backward_kmh"),
        pattern=pattern,
        reverse_pattern=reverse_pattern,
        stated=roads["duration_min"].notna().to_numpy(),
        length_m=roads["length_m"].to_numpy(dtype="float64"),
        class_=classes[1],
        name=names[1],
        first=first,
        xy=xy,
        classes=classes[0],
        names=names[0],
        read=counts[0],
        closed=counts[1],
        repeated=counts[0] - counts[1] - len(roads),
    )


def _check_columns(roads: gpd.GeoDataFrame) -> None:
    missing = [column for column in COLUMNS if column not in roads.columns]
    if missing:
        message = f"Réseau routier{NBSP}: colonnes manquantes, {', '.join(missing)}."
        raise TravelError(message)
    if roads.crs is None:
        message = f"Réseau routier{NBSP}: le système de coordonnées n'est pas indiqué. Indiquez-le dans la source."
        raise TravelError(message)
    lines = roads.geometry.to_numpy()
    wrong = (shapely.get_type_id(lines) != shapely.GeometryType.LINESTRING) | shapely.is_empty(lines)
    refuse(wrong, "sans ligne (une ligne simple est attendue)")


def _check_figures(roads: gpd.GeoDataFrame) -> None:
    length_m = roads["length_m"].to_numpy(dtype="float64")
    refuse(~np.isfinite(length_m) | (length_m < 0), "de longueur négative ou inconnue")
    for column in ("forward_kmh", "backward_kmh"):
        kmh = roads[column].to_numpy(dtype="float64")
        refuse((kmh <= 0) | np.isinf(kmh), "de vitesse nulle, négative ou infinie")
    minutes = roads["duration_min"].to_numpy(dtype="float64")
    refuse((minutes < 0) | np.isinf(minutes), "de durée négative ou infinie")


def refuse(wrong: npt.NDArray[np.bool_], what: str) -> None:
    """Raise a :class:`~sdaasp_geo.errors.TravelError` that counts the sections at fault, if any."""
    if wrong.any():
        message = f"Réseau routier{NBSP}: {count(int(wrong.sum()), 'tronçon')} {what}. Corrigez la source."
        raise TravelError(message)


def _in_metres(roads: gpd.GeoDataFrame, crs: str) -> gpd.GeoDataFrame:
    metric = roads.to_crs(crs)
    if not metric.crs.is_projected or {axis.unit_name for axis in metric.crs.axis_info} != {"metre"}:
        message = f"Réseau routier{NBSP}: {crs} n'est pas un système de coordonnées projeté en mètres."
        raise TravelError(message)
    if not np.isfinite(metric.total_bounds).all():
        message = f"Réseau routier{NBSP}: les routes n'ont pas de coordonnées en {crs}. Est-ce le bon territoire{NBSP}?"
        raise TravelError(message)
    return metric


def _codes(values: pd.Series) -> tuple[tuple[str, ...], Longs]:
    codes, found = pd.factorize(values.fillna("").astype(str), sort=True)
    return tuple(str(value) for value in found), codes.astype(np.int64)


def _canonical(roads: gpd.GeoDataFrame, class_: Longs, name: Longs) -> Longs:
    """Return the positions of distinct rows, in an order that depends on their content only."""
    figures = ("duration_min", "backward_kmh", "forward_kmh", "length_m")
    keys = [name, class_, *(roads[column].to_numpy(dtype="float64") for column in figures)]
    keys += [roads["to_node"].to_numpy(), roads["from_node"].to_numpy()]
    order: Longs = np.lexsort(keys).astype(np.int64)
    same = np.ones(len(order) - 1, dtype=bool)
    for key in keys:
        ahead, behind = key[order[1:]], key[order[:-1]]
        same &= (ahead == behind) | ((ahead != ahead) & (behind != behind))  # noqa: PLR0124 (NaN is itself here)
    if not same.any():
        return order
    return _distinct_lines(order, same, roads.geometry.to_numpy())


def _distinct_lines(order: Longs, same: npt.NDArray[np.bool_], lines: npt.NDArray[np.object_]) -> Longs:
    """Sort, by their lines, the runs of rows that are the same in all else; keep one of exact copies."""
    run = np.concatenate([[0], np.cumsum(~same)])
    alone = np.bincount(run)[run] == 1
    tied = np.flatnonzero(~alone)
    drawn = shapely.to_wkb(shapely.force_2d(lines[order[tied]]), byte_order=1)
    once = {(int(run[at]), line): int(order[at]) for at, line in zip(tied[::-1], drawn[::-1], strict=True)}
    kept = sorted(once)
    position = np.concatenate([order[alone], np.array([once[key] for key in kept], dtype=np.int64)])
    place = np.concatenate([run[alone], np.array([key[0] for key in kept], dtype=np.int64)])
    return position[np.argsort(place, kind="stable")]


def _milliseconds(roads: gpd.GeoDataFrame, column: str) -> Longs:
    """Return whole milliseconds of one direction: the stated duration, otherwise length over speed; -1 closed."""
    kmh = roads[column].to_numpy(dtype="float64")
    stated = roads["duration_min"].to_numpy(dtype="float64") * _MS_PER_MIN
    driven = roads["length_m"].to_numpy(dtype="float64") * _MS_PER_M_AT_1_KMH / kmh
    exact = np.where(np.isnan(stated), driven, stated)
    refuse(exact > LONGEST_MS, "de plus de 24 jours")
    return np.where(np.isnan(kmh), CLOSED, np.rint(np.nan_to_num(exact))).astype(np.int64)


def _patterns(roads: gpd.GeoDataFrame, class_: Longs, name: Longs) -> tuple[Longs, Longs]:
    speeds = roads[["forward_kmh", "backward_kmh"]].to_numpy(dtype="float64")
    found, codes = np.unique(speeds, return_inverse=True)
    forward, backward = codes.reshape(speeds.shape).astype(np.int64).T
    road = (class_ * (int(name.max()) + 1) + name) * len(found)
    return (road + forward) * len(found) + backward, (road + backward) * len(found) + forward


def _nodes(from_node: npt.ArrayLike, to_node: npt.ArrayLike, xy: Floats, first: Longs) -> tuple[Floats, Longs, Longs]:
    """Give numbers to nodes along a curve that fills the plane, so that neighbours are close in memory."""
    keys, node = np.unique(np.concatenate([np.asarray(from_node), np.asarray(to_node)]), return_inverse=True)
    ends = np.concatenate([xy[first[:-1]], xy[first[1:] - 1]])
    order = np.lexsort((ends[:, 1], ends[:, 0], node))
    starts = np.searchsorted(node[order], np.arange(len(keys)))
    position = ends[order[starts]]
    spread = np.hypot(*(ends - position[node]).T)
    if spread.max() > NODE_TOLERANCE_M:
        apart = len(np.unique(node[spread > NODE_TOLERANCE_M]))
        message = f"Réseau routier{NBSP}: {count(apart, 'nœud')} à plusieurs endroits à la fois. Corrigez la source."
        raise TravelError(message)
    by_place = np.lexsort((np.arange(len(keys)), _curve(position)))
    number = np.empty(len(keys), dtype=np.int64)
    number[by_place] = np.arange(len(keys))
    tail, head = number[node].reshape(2, -1)
    return position[by_place], tail, head


def _curve(xy: Floats) -> npt.NDArray[np.uint64]:
    """Return the Z-order (Morton) number of points on a grid of 65,536 × 65,536 cells."""
    extent = max(float(np.ptp(xy, axis=0).max()), 1.0)
    cells = ((xy - xy.min(axis=0)) * (65_535 / extent)).astype(np.uint64)
    for shift, mask in ((8, 0x00FF00FF), (4, 0x0F0F0F0F), (2, 0x33333333), (1, 0x55555555)):
        cells = (cells | (cells << np.uint64(shift))) & np.uint64(mask)
    return np.asarray(cells[:, 0] | (cells[:, 1] << np.uint64(1)))
