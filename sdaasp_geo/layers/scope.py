"""What a study covers: the communes it measures, and the départements it must load around them."""

from __future__ import annotations

from collections.abc import Mapping

import geopandas as gpd
import pandas as pd

from sdaasp_geo.french import NBSP, count, listing


def studied_codes(membership: pd.DataFrame, petr_members: pd.DataFrame, *, departement: str) -> set[str]:
    """Return the codes of the communes to measure.

    They are the communes of the département, those of every EPCI that has a commune in it, and those of every PETR
    that has a commune in it: a straddling territory is measured whole.
    """
    inside = membership["departement"] == departement
    reaching = membership.loc[inside, "epci"].dropna().unique()
    chosen = membership.loc[inside | membership["epci"].isin(reaching), "code"]
    return set(chosen) | set(petr_members["code"])


def departements_around(
    membership: pd.DataFrame, studied: set[str], neighbours: Mapping[str, tuple[str, ...]]
) -> set[str]:
    """Return the départements of the studied communes and their neighbours: supply has no border."""
    home = set(membership.loc[membership["code"].isin(studied), "departement"]) & set(neighbours)
    return home.union(*(neighbours[code] for code in home))


def keep_wanted(
    shapes: gpd.GeoDataFrame, wanted: set[str], *, straight_line: bool
) -> tuple[gpd.GeoDataFrame, list[str]]:
    """Keep the contours of some départements, and say how many others were passed over and which are missing.

    Parameters
    ----------
    shapes : GeoDataFrame
        ``code`` and polygons, from a file of the user.
    wanted : set of str
        Départements of the study and around it.
    straight_line : bool
        Whether the engine is the straight line, which does not measure from a commune without density.

    Returns
    -------
    GeoDataFrame
        The contours of those départements; the index is kept.
    list of str
        Notes in French.
    """
    owner = shapes["code"].map(departement_of)
    useful = owner.isin(wanted)
    notes = []
    if (~useful).any():
        others = count(int((~useful).sum()), "contour")
        notes.append(f"{others} du fichier hors des départements utiles, sans effet sur le calcul.")
    absent = sorted(wanted - set(owner))
    if absent:
        effect = "ni dessinées, ni mesurées, faute de densité" if straight_line else "pas dessinées"
        notes.append(
            f"Le fichier de contours ne couvre pas les départements {listing(absent)}{NBSP}: leurs communes ne sont "
            f"{effect}, et les longueurs de frontière y manquent."
        )
    return shapes[useful], notes


def departement_of(code: str) -> str:
    """Return the département of a commune code.

    Examples
    --------
    >>> departement_of("65440"), departement_of("2A004"), departement_of("97411")
    ('65', '2A', '974')
    """
    return code[:3] if code.startswith("97") else code[:2]
