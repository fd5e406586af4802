"""The layer of stops: where buses and shared receptions receive, attached to the service they bring."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd

from sdaasp_geo.french import NBSP, count
from sdaasp_geo.layers.opening import REPEATED, UNKNOWN_VEHICLE
from sdaasp_geo.layers.services import build_service_points

STOP_FORMAT = "halte"


def build_stops(
    stops: pd.DataFrame, communes: gpd.GeoDataFrame, points: pd.DataFrame
) -> tuple[gpd.GeoDataFrame, list[str]]:
    """Locate stops as service points are, and give them the services and the operator of their vehicle.

    Parameters
    ----------
    stops : DataFrame
        ``id, vehicule, nom, code_commune, lon, lat, horaires, source, date_maj`` (`sources.stops.read_stops`), communes
        already brought to the vintage (`services.current_codes`).
    communes : GeoDataFrame
        Layer of communes, in its legal CRS.
    points : DataFrame
        Service points (`build_service_points`), those beyond reach included: ``id, service, operateur``.

    Returns
    -------
    GeoDataFrame
        Columns of the layer of service points, where ``format`` is `STOP_FORMAT` and ``permanent`` is False, and
        ``vehicle, stop_reason``; points in the CRS of the communes; sorted by service and id. One row per stop ×
        service of its vehicle. Nothing is dropped: a stop whose vehicle is unknown has no service, and
        ``stop_reason`` says why a row does not count (unknown vehicle, identifier already used in the service).
    list of str
        Notes in French: how many stops, how many without hours, and how many of each reason.
    """
    vehicles = points[["id", "service", "operateur"]].rename(columns={"id": "vehicle"})
    table = stops.rename(columns={"vehicule": "vehicle"}).merge(vehicles, on="vehicle", how="left")
    unknown = table["service"].isna()
    table = table.assign(
        service=table["service"].fillna("").astype("str"),
        operateur=table["operateur"].fillna("").astype("str"),
        format=STOP_FORMAT,
        adresse="",
        commune=table["code_commune"].map(communes.set_index("code")["name"]).fillna("").astype("str"),
        precision_position=np.where(table["lon"].notna() & table["lat"].notna(), "adresse", "inconnue"),
        horaires=table["horaires"].fillna("").astype("str"),
        horaires_bruts="",
        accessibilite="inconnue",
        contact="",
        licence="",
    )
    key = ["service", "id"]
    taken = pd.MultiIndex.from_frame(table[key]).isin(pd.MultiIndex.from_frame(points[key]))
    repeated = table.duplicated(key, keep=False) | taken
    table["stop_reason"] = pd.array(np.select([repeated, unknown], [REPEATED, UNKNOWN_VEHICLE], ""), dtype="str")
    departement = communes.loc[communes["inside"], "departement"].iloc[0]
    layer = build_service_points(table, communes, permanent_formats=(), departement=departement)
    return layer, _notes(layer)


def counted_stops(stops: pd.DataFrame, *, service: str) -> pd.DataFrame:
    """Return the stops that bring a service, without those that do not count.

    They are what `opening.weekly_presence` takes as ``stops`` and, located, what travel engines take as places.
    """
    return stops[(stops["service"] == service) & (stops["stop_reason"] == "")].reset_index(drop=True)


def _notes(stops: gpd.GeoDataFrame) -> list[str]:
    """Count stops, not rows: a stop that brings two services is one stop."""
    if stops.empty:
        return []
    known = stops.loc[stops["service"] != "", "vehicle"].nunique()
    moving = count(known, "lieu de la grille", "lieux de la grille")
    notes = [f"Haltes{NBSP}: {count(stops['id'].nunique(), 'halte')}, rattachées à {moving}."]
    silent = stops.loc[stops["horaires"] == "", "id"].nunique()
    if silent:
        notes.append(f"Haltes{NBSP}: {count(silent, 'halte')} sans horaires publiés.")
    for column, what in (
        ("stop_reason", ("halte non comptée", "haltes non comptées")),
        ("position_reason", ("position à vérifier", "positions à vérifier")),
    ):
        sizes = stops[stops[column] != ""].groupby(column)["id"].nunique()
        notes += [f"Haltes{NBSP}: {count(int(size), *what)} ({reason})." for reason, size in sizes.items()]
    return notes
