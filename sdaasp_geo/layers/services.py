"""The layer of service points: the common grid, located, and attached to communes of the measured vintage."""

from __future__ import annotations

from collections.abc import Collection

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.spatial import KDTree

from sdaasp_geo.french import NBSP, number
from sdaasp_geo.layers.arrondissements import COMMUNE_OF
from sdaasp_geo.layers.geometry_place import place_text, swapped_or_other
from sdaasp_geo.layers.scope import departement_of

UNKNOWN_COMMUNE = "commune inconnue du millésime"
BEYOND = "commune d'un département non chargé"
NOT_LOCATED = "position au point de référence de la commune, faute de coordonnées fiables"
FAR_FROM_COMMUNE = "position éloignée de la commune déclarée, à vérifier"
OUTSIDE = "position hors de toute commune (mer, lac ou étranger), à vérifier"
LOST = "aucune position\u00a0: ni coordonnées, ni commune connue"
_FAR_M = 5000.0
_EDGE_M = 10.0
"""Contours are generalised: a quay that is this near a commune is in it."""

_ROUNDING = 1e-9
_BOX_MARGIN_DEG = 0.05
_LISTED = 5
_PLACE_COLUMNS = (
    "id",
    "nom",
    "operateur",
    "adresse",
    "code_commune",
    "commune",
    "lon",
    "lat",
    "precision_position",
    "accessibilite",
)
_SERVICE_COLUMNS = ("id", "service", "format", "horaires", "horaires_bruts", "contact", "source", "date_maj", "licence")


def split_grid(grid: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split the common grid into its two tables: places (one row per ``id``) and the services given there."""
    places = grid[list(_PLACE_COLUMNS)].drop_duplicates("id")
    return places.reset_index(drop=True), grid[list(_SERVICE_COLUMNS)].reset_index(drop=True)


def current_codes(codes: pd.Series, moves: pd.DataFrame, known: Collection[str], *, vintage: int) -> pd.Series:
    """Bring commune codes of earlier vintages to a later one, by the official mergers.

    The arrondissements of Paris, Lyon and Marseille lead to their commune (`arrondissements`).

    Parameters
    ----------
    codes : Series of str
        Codes as the source gives them.
    moves : DataFrame
        ``vintage, code_before, code_after``.
    known : collection of str
        Codes of the wanted vintage.
    vintage : int
        The wanted vintage.

    Returns
    -------
    Series
        Codes of the vintage where they lead to one; the code as given elsewhere.
    """
    past = moves[(moves["vintage"] <= vintage) & (moves["code_before"] != moves["code_after"])]
    follow = {**COMMUNE_OF, **dict(zip(past["code_before"], past["code_after"], strict=True))}
    existing = set(known)

    def current(code: str) -> str:
        seen: set[str] = set()
        found = code
        while found not in existing and found in follow and found not in seen:
            seen.add(found)
            found = follow[found]
        return found if found in existing else code

    return codes.map(current)


def build_service_points(
    grid: pd.DataFrame, communes: gpd.GeoDataFrame, *, permanent_formats: Collection[str], departement: str
) -> gpd.GeoDataFrame:
    """Locate the rows of the common grid and attach them to their commune, EPCI and département.

    A row without coordinates is placed at the point of reference of its commune; a row whose commune is unknown
    is kept without a place. Coordinates 0, 0, or that the CRS does not reach, are none. Nothing is dropped:
    ``position_reason`` says what happened.

    Parameters
    ----------
    grid : DataFrame
        Common grid, ``code_commune`` already brought to the vintage (`current_codes`).
    communes : GeoDataFrame
        Layer of communes, in its legal CRS.
    permanent_formats : collection of str
        Formats that count as a permanent site.
    departement : str
        The scheme's département.

    Returns
    -------
    GeoDataFrame
        Columns of the grid and ``epci, departement, inside, permanent, position_reason``, points in the CRS of
        the communes (missing where there is none); sorted by service and id.
    """
    table = grid.sort_values(["service", "id"], ignore_index=True)
    known = communes.set_index("code")
    code = table["code_commune"]
    points = _points(table, known, crs=str(communes.crs))
    away_m = _distance_to_commune(points, code, known)
    far = away_m > _FAR_M
    outside = (away_m > _EDGE_M) & ~_near_any(points, communes)
    located = _located(table, crs=str(communes.crs))
    unknown = ~code.isin(known.index)
    beyond = unknown & ~code.map(departement_of).isin(set(communes["departement"]))
    reason = np.select(
        [points.isna(), beyond, unknown, ~located, far, outside],
        [LOST, BEYOND, UNKNOWN_COMMUNE, NOT_LOCATED, FAR_FROM_COMMUNE, OUTSIDE],
        "",
    )
    layer = gpd.GeoDataFrame(table, geometry=points)
    layer["epci"] = code.map(known["epci"])
    layer["departement"] = code.map(known["departement"]).fillna(code.map(departement_of))
    layer["inside"] = layer["departement"] == departement
    layer["permanent"] = layer["format"].isin(list(permanent_formats))
    layer["position_reason"] = reason
    return layer


def within_reach(points: gpd.GeoDataFrame, communes: gpd.GeoDataFrame, *, reach_km: float) -> pd.Series:
    """Tell which points may serve some communes (bool, same index).

    They are those within a distance of the box of the communes and, however far, the two permanent places of each
    service that are nearest to each commune as the crow flies, so that distance alone never leaves a service without a
    place; those that the CRS does not cover (`covered`) are of another shore, and left out. A point without a place is
    kept, and so is one that is declared in these communes but lies elsewhere: they must be counted.

    Parameters
    ----------
    points : GeoDataFrame
        Layer of service points (`build_service_points`), ``lon, lat`` in degrees.
    communes : GeoDataFrame
        Studied communes: ``code, ref_x, ref_y`` (metres), contours.
    reach_km : float
        Kilometres around the box.
    """
    west, south, east, north = communes.total_bounds
    margin = reach_km * 1000
    x, y = points.geometry.x, points.geometry.y
    near = x.between(west - margin, east + margin) & y.between(south - margin, north + margin)
    near |= points.geometry.isna() | points["code_commune"].isin(communes["code"])
    starts = communes[["ref_x", "ref_y"]].dropna().to_numpy(dtype="float64")
    usable = points["permanent"] & points.geometry.notna() & covered(points)
    for _, places in points[usable].groupby("service"):
        if len(starts) and not near[places.index].all():
            near |= points.index.isin(places.index[_nearest_two(starts, shapely.get_coordinates(places.geometry))])
    return near


def covered(points: gpd.GeoDataFrame) -> pd.Series:
    """Tell which points lie in the area that their CRS is made for (bool); those without coordinates of their own do.

    Metropolitan France with Corsica, the Antilles, Guyane, La Réunion and Mayotte have each their legal CRS.
    """
    area = points.crs.area_of_use
    within = points["lon"].between(area.west, area.east) & points["lat"].between(area.south, area.north)
    return within | points["lon"].isna() | points["lat"].isna()


def _nearest_two(starts: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return the positions of the places that are no farther from a start than its second nearest (x, y in metres)."""
    tree = KDTree(places)
    away_m, _ = tree.query(starts, k=[min(2, len(places))])
    return np.unique(np.concatenate(tree.query_ball_point(starts, away_m[:, 0] * (1 + _ROUNDING))))


def place_notes(points: gpd.GeoDataFrame, communes: gpd.GeoDataFrame) -> list[str]:
    """Name the places that lie away from their commune, in French: where, how far, and the mistake that explains it.

    Parameters
    ----------
    points : GeoDataFrame
        Layer of service points (`build_service_points`), ``lon, lat`` in degrees.
    communes : GeoDataFrame
        Layer of communes.

    Returns
    -------
    list of str
        One for each reason, with its first places in the order of their identifiers.
    """
    known = communes.set_index("code")
    notes = []
    for reason in (FAR_FROM_COMMUNE, OUTSIDE):
        places = points[points["position_reason"] == reason].sort_values("id").drop_duplicates("id")
        told = [_told_place(points.loc[row], known) for row in places.index[:_LISTED]]
        if told:
            more = " ; …" if len(places) > _LISTED else ""
            notes.append(f"{reason.capitalize()}{NBSP}: {' ; '.join(told)}{more}.")
    return notes


def _told_place(place: pd.Series, known: gpd.GeoDataFrame) -> str:
    code, lon, lat = str(place["code_commune"]), float(place["lon"]), float(place["lat"])
    contour = known.geometry[[code]]
    away_km = float(contour.distance(place.geometry).iloc[0]) / 1000
    west, south, east, north = (float(bound) for bound in contour.to_crs("EPSG:4326").total_bounds)
    margin = _BOX_MARGIN_DEG
    cause = swapped_or_other(lon, lat, (west - margin, south - margin, east + margin, north + margin))
    told = (
        f"{place['nom']} ({place['id']}), vers {place_text(lon, lat)}, à {number(away_km, digits=1)}{NBSP}km de {code}"
    )
    return f"{told} (sans doute {cause})" if cause else told


def _located(table: pd.DataFrame, *, crs: str) -> pd.Series:
    """Tell the rows whose coordinates are a place that the CRS reaches; 0, 0 stands for no place."""
    points = gpd.GeoSeries(gpd.points_from_xy(table["lon"], table["lat"]), crs="EPSG:4326", index=table.index)
    somewhere = table["lon"].notna() & table["lat"].notna() & ((table["lon"] != 0) | (table["lat"] != 0))
    found = points[somewhere].to_crs(crs)
    return somewhere & (np.isfinite(found.x) & np.isfinite(found.y)).reindex(table.index, fill_value=False)


def _near_any(points: gpd.GeoSeries, communes: gpd.GeoDataFrame) -> pd.Series:
    """Tell the points that are in a commune, or on its edge (bool, same index)."""
    tree = shapely.STRtree(communes.geometry.to_numpy())
    near, _ = tree.query(points.to_numpy(), predicate="dwithin", distance=_EDGE_M)
    return pd.Series(np.isin(np.arange(len(points)), near), index=points.index)


def _points(table: pd.DataFrame, known: gpd.GeoDataFrame, *, crs: str) -> gpd.GeoSeries:
    own = gpd.GeoSeries(gpd.points_from_xy(table["lon"], table["lat"]), crs="EPSG:4326", index=table.index)
    located = _located(table, crs=crs).to_numpy()
    x, y = table["code_commune"].map(known["ref_x"]), table["code_commune"].map(known["ref_y"])
    fallback = gpd.GeoSeries(gpd.points_from_xy(x, y), crs=crs, index=table.index)
    points = fallback.where(x.notna() & y.notna(), None)
    if located.any():
        points = points.copy()
        projected = own[located].to_crs(crs)
        points.loc[projected.index] = projected
    return points


def _distance_to_commune(points: gpd.GeoSeries, code: pd.Series, known: gpd.GeoDataFrame) -> pd.Series:
    contours = gpd.GeoSeries(code.map(known.geometry).to_numpy(), index=points.index, crs=points.crs)
    return points.distance(contours, align=False).fillna(0.0)
