"""What the layers show that a reader must know: in French, never silent, never an error."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import geopandas as gpd
import pandas as pd

from sdaasp_geo.french import NBSP, count, in_order, listing, number
from sdaasp_geo.layers.communes import coverage_faults
from sdaasp_geo.layers.services import covered
from sdaasp_geo.layers.territories import SIGNS

CHANGED_EPCI = "changement d'EPCI"
_SHOWN = 5


def closest_vintage(wanted: int, embedded: Sequence[int]) -> int:
    """Return the embedded vintage closest to the one wanted; the earlier of two equally close."""
    return min(embedded, key=lambda year: (abs(year - wanted), year))


def perimeter_changes(
    before: pd.DataFrame,
    after: pd.DataFrame,
    moves: pd.DataFrame,
    *,
    sirens: Collection[str],
    convention: int,
    measure: int,
) -> pd.DataFrame:
    """List what changed in the perimeter of some EPCI between the convention and the measure.

    Parameters
    ----------
    before, after : DataFrame
        Membership (``code, name, epci``) at the vintage closest to the convention, and at the measure's.
    moves : DataFrame
        Changes of communes: ``vintage, kind, code_before, name_before, code_after, name_after``.
    sirens : collection of str
        EPCI to look at.
    convention, measure : int
        Years.

    Returns
    -------
    DataFrame
        ``code, name, change, before, after`` (SIREN for a change of EPCI, commune codes otherwise).
    """
    old, new = before.set_index("code"), after.set_index("code")
    wanted = list(sirens)
    local = set(old.index[old["epci"].isin(wanted)]) | set(new.index[new["epci"].isin(wanted)])
    rows = [
        {
            "code": code,
            "name": new["name"][code],
            "change": CHANGED_EPCI,
            "before": old["epci"][code],
            "after": new["epci"][code],
        }
        for code in sorted(local & set(old.index) & set(new.index))
        if str(old["epci"][code]) != str(new["epci"][code])
    ]
    recent = moves[(moves["vintage"] > convention) & (moves["vintage"] <= measure)]
    recent = recent[recent["code_before"].isin(local) | recent["code_after"].isin(local)]
    rows += [
        {"code": m.code_before, "name": m.name_before, "change": m.kind, "before": m.code_before, "after": m.code_after}
        for m in recent.itertuples(index=False)
    ]
    return pd.DataFrame(rows, columns=["code", "name", "change", "before", "after"])


def vintage_notes(wanted: int, closest: int) -> list[str]:
    """Say that the convention's vintage is not embedded, and what stands for it."""
    if closest == wanted:
        return []
    note = (
        f"Les périmètres de {wanted} ne sont pas embarqués{NBSP}: ceux du 1er janvier {closest} en tiennent lieu "
        "pour les EPCI\u202f; les changements de communes intervenus entre les deux sont listés."
    )
    return [note]


def layer_notes(layer: gpd.GeoDataFrame, *, straight_line: bool) -> list[str]:
    """Say which studied communes have no contour or no population, and where contours do not join.

    Without a contour a commune has no density, which the straight line needs; the other engines start from its mairie,
    or look its code up.
    """
    notes = []
    studied = layer[layer["studied"]]
    missing = in_order(studied.loc[studied["contour_reason"] != "", "name"])
    if missing:
        effect = "ni dessinées ni mesurées, faute de densité" if straight_line else "non dessinées"
        notes.append(f"Communes sans contour, {effect}{NBSP}: {listing(missing)}.")
    unpopulated = in_order(studied.loc[studied["population_reason"] != "", "name"])
    if unpopulated:
        notes.append(f"Communes sans population légale, comptées pour zéro habitant{NBSP}: {listing(unpopulated)}.")
    torn = coverage_faults(layer)
    if torn:
        more = "…" if len(torn) > _SHOWN else ""
        notes.append(
            f"{count(len(torn), 'contour')} de communes ne se raccordent pas à leurs voisins "
            f"({', '.join(torn[:_SHOWN])}{more}){NBSP}: longueurs de frontière et zones contiguës y sont incomplètes."
        )
    return notes


def difference_notes(differences: pd.DataFrame) -> list[str]:
    """Say which communes belong to different EPCI in two sources."""
    rows = differences.rename(columns={"name": "commune"}).itertuples(index=False)
    return [
        f"Différence de périmètre{NBSP}: {row.commune} ({row.code}) appartient à {_label(row.epci_name)} dans la "
        f"source retenue, et à {_label(row.epci_second_name)} dans la liste de {row.second_vintage} de la source "
        "des contours. "
        "La source retenue n'est pas modifiée."
        for row in rows
    ]


def _label(name: object) -> str:
    return name if isinstance(name, str) and name else "aucun EPCI connu"


def convention_notes(layer: gpd.GeoDataFrame, epci: gpd.GeoDataFrame) -> list[str]:
    """Say which communes of the département are in no convention of it."""
    notes = []
    inside = layer[layer["inside"]]
    for row in epci[epci["role"] != SIGNS].rename(columns={"name": "label"}).itertuples(index=False):
        own = in_order(inside.loc[inside["epci"] == row.siren, "name"])
        notes.append(
            f"{count(len(own), 'commune')} sans convention dans ce département{NBSP}: {listing(own)} "
            f"({row.label}{NBSP}; départements {listing(row.departements.split())})."
        )
    alone = in_order(inside.loc[inside["epci"].isna(), "name"])
    if alone:
        notes.append(f"{count(len(alone), 'commune')} hors de tout EPCI, sans convention{NBSP}: {listing(alone)}.")
    return notes


def point_notes(points: gpd.GeoDataFrame) -> list[str]:
    """Count the service points that are not where they should be, by reason."""
    counts = points.loc[points["position_reason"] != "", "position_reason"].value_counts().sort_index()
    return [
        f"{count(int(size), 'point de service', 'points de service')}{NBSP}: {reason}."
        for reason, size in counts.items()
    ]


def hours_notes(points: pd.DataFrame) -> list[str]:
    """Count, by service, the places whose published hours were not read; name the first ones."""
    unread = points[points["horaires_bruts"].fillna("") != ""]
    notes = []
    for service, places in unread.groupby("service"):
        shown = places.sort_values("id")["nom"].head(_SHOWN).tolist()
        more = "…" if len(places) > _SHOWN else ""
        notes.append(
            f"{count(len(places), 'lieu', 'lieux')} «{NBSP}{service}{NBSP}» aux horaires publiés mais non convertis, "
            f"gardés tels quels dans horaires_bruts{NBSP}: {', '.join(shown)}{more}."
        )
    return notes


def reach_notes(beyond: gpd.GeoDataFrame, *, reach_km: float) -> list[str]:
    """Count the places given by the scheme that are left out because they lie too far (`services.within_reach`)."""
    far = (
        f"à plus de {number(reach_km)}{NBSP}km du territoire étudié, hors du calcul{NBSP}: les deux lieux permanents "
        "les plus proches de chaque commune, à vol d'oiseau, sont gardés à toute distance"
    )
    abroad = "hors de la zone du territoire étudié (métropole, ou ensemble d'outre-mer), hors du calcul"
    same = covered(beyond)
    return [
        f"{count(int(size), 'lieu', 'lieux')} «{NBSP}{service}{NBSP}» {told}."
        for told, places in ((far, beyond[same]), (abroad, beyond[~same]))
        for service, size in places["service"].value_counts().sort_index().items()
    ]


def absent_services(points: gpd.GeoDataFrame, services: Sequence[str]) -> list[str]:
    """Say which measured services have no permanent, located place at all: their access stays unmeasured.

    The cut by distance leaves none of them without a place (`services.within_reach`).
    """
    present = set(points.loc[points["permanent"] & points.geometry.notna(), "service"])
    return [
        f"Aucun lieu permanent et localisé du service «{NBSP}{service}{NBSP}» pour ce territoire dans les fichiers du "
        f"schéma{NBSP}: accès non mesuré."
        for service in services
        if service not in present
    ]
