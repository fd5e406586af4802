"""Embedded layers of France: contours, communes, EPCI, PETR, départements, mairies and census.

Sources: IGN (contours), INSEE (codes, legal populations, census), DGCL (EPCI), DILA (mairies), gathered by the
builders of ``scripts/``; Licence Ouverte 2.0. ``data/datapackage.json`` gives the vintage of each table.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import geopandas as gpd
import pandas as pd
import pyarrow.parquet as pq

from sdaasp_geo.embedded import embedded_path
from sdaasp_geo.errors import SchemeError
from sdaasp_geo.french import NBSP

COMMUNES = "boundaries/communes.parquet"
MAIRIES = "services/mairies.parquet"


@dataclass(frozen=True)
class Departement:
    """One département: code, name, region, zone of contours, legal CRS, neighbours, bounds in degrees."""

    code: str
    name: str
    region_name: str
    zone: str
    crs: str
    neighbours: tuple[str, ...]
    bounds: tuple[float, float, float, float]


def read_table(name: str) -> pd.DataFrame:
    """Read an embedded CSV as text; an empty cell is an empty string."""
    return pd.read_csv(embedded_path(name), dtype="str", keep_default_na=False)


def read_departements() -> dict[str, Departement]:
    """Read the départements of France that have a SDAASP, by code."""
    table = read_table("boundaries/departements.csv")
    return {
        row.code: Departement(
            code=row.code,
            name=row.name_,
            region_name=row.region_name,
            zone=row.zone,
            crs=row.crs,
            neighbours=tuple(row.neighbours.split()),
            bounds=(float(row.lon_min), float(row.lat_min), float(row.lon_max), float(row.lat_max)),
        )
        for row in table.rename(columns={"name": "name_"}).itertuples(index=False)
    }


def find_departement(code: str) -> Departement:
    """Return one département.

    Raises
    ------
    SchemeError
        When the code is not that of a département; the message names the likely mistake.
    """
    departements = read_departements()
    if code not in departements:
        padded = code.zfill(2).upper()
        hint = f" Vouliez-vous dire «{NBSP}{padded}{NBSP}»{NBSP}?" if padded in departements else ""
        message = f"Département «{NBSP}{code}{NBSP}» inconnu{NBSP}: un code comme 04, 2A ou 974 est attendu.{hint}"
        raise SchemeError(message)
    return departements[code]


def vintages() -> tuple[int, ...]:
    """Return the vintages of communes and EPCI, oldest first."""
    metadata = pq.ParquetFile(embedded_path(COMMUNES)).metadata
    column = metadata.schema.names.index("vintage")
    groups = (metadata.row_group(i).column(column).statistics for i in range(metadata.num_row_groups))
    return tuple(sorted({int(group.min) for group in groups}))


def read_membership(vintage: int) -> pd.DataFrame:
    """Read the communes of one vintage, France entière.

    Returns
    -------
    DataFrame
        ``code, name, departement, epci`` (SIREN, missing where the commune belongs to none), ``population``
        (legal municipal population, inhabitants), ``population_year``, ``vintage``; sorted by code.

    Raises
    ------
    SchemeError
        When the vintage is not embedded.
    """
    if vintage not in vintages():
        known = ", ".join(str(year) for year in vintages())
        message = f"Millésime {vintage} absent des données embarquées. Millésimes disponibles{NBSP}: {known}."
        raise SchemeError(message)
    table = pd.read_parquet(embedded_path(COMMUNES), filters=[("vintage", "==", vintage)])
    return table.reset_index(drop=True)


def read_epci_names(vintage: int) -> pd.DataFrame:
    """Read the EPCI of one vintage: ``siren, name, kind, members, population``."""
    table = pd.read_parquet(embedded_path("boundaries/epci.parquet"), filters=[("vintage", "==", vintage)])
    return table.drop(columns="vintage").reset_index(drop=True)


def read_former_epci_names() -> pd.DataFrame:
    """Read the names that EPCI had before the first vintage: renamed, or of another legal form since.

    Returns
    -------
    DataFrame
        ``siren, name, until`` (text: last day of use ``AAAA-MM-JJ``, or last year; empty where the page read gives
        no date: the first vintage has another name). ``boundaries/anciens_noms_epci.csv`` gives the page of each.
    """
    table = read_table("boundaries/anciens_noms_epci.csv")
    return table.rename(columns={"nom": "name", "jusqu_au": "until"})[["siren", "name", "until"]]


def read_epci_name_history() -> pd.DataFrame:
    """Read every name of the EPCI: those of every vintage, and the former ones at the last year of their use.

    Returns
    -------
    DataFrame
        ``vintage, siren, name``. A former name without date is put in the year before the first vintage.
    """
    years, former = vintages(), read_former_epci_names()
    last = former["until"].str[:4].replace("", str(years[0] - 1)).astype("int64")
    names = [former.assign(vintage=last), *(read_epci_names(year).assign(vintage=year) for year in years)]
    return pd.concat(names, ignore_index=True)[["vintage", "siren", "name"]]


def read_contours(departements: Collection[str]) -> gpd.GeoDataFrame:
    """Read the contours of some départements, without reading the rest of France.

    Parameters
    ----------
    departements : collection of str
        Codes of one zone (a zone has one legal CRS).

    Returns
    -------
    GeoDataFrame
        ``contour`` (code of the unit, COG 2020 and later splits), ``departement``, geometry in the legal CRS.
    """
    known = read_departements()
    zones = {known[code].zone for code in departements}
    if len(zones) != 1:
        message = f"Les départements {', '.join(sorted(departements))} n'ont pas le même système de coordonnées."
        raise SchemeError(message)
    path = embedded_path(f"boundaries/contours_{zones.pop()}.parquet")
    filters = [("departement", "in", sorted(departements))]
    return gpd.read_parquet(path, filters=filters).reset_index(drop=True)


def read_contour_links() -> pd.DataFrame:
    """Read the contours whose commune changed: ``contour, commune, vintage_from, vintage_to, kind``."""
    table = read_table("boundaries/contour_commune.csv")
    return table.astype({"vintage_from": "int64", "vintage_to": "int64"})


def read_moves() -> pd.DataFrame:
    """Read the changes of communes between vintages (mergers, splits, changes of code or of name)."""
    return read_table("boundaries/mouvements.csv").astype({"vintage": "int64"})


def read_second_membership() -> pd.DataFrame:
    """Read the EPCI of each commune in the second source (``code, epci, vintage``), to tell differences."""
    return pd.read_parquet(embedded_path("boundaries/epci_second_source.parquet"))


def read_petr() -> pd.DataFrame:
    """Read the dated members of the PETR (text; empty where unknown)."""
    return read_table("boundaries/petr.csv")


def read_mairies(departements: Collection[str]) -> pd.DataFrame:
    """Read the mairies of some départements, in the common grid."""
    prefixes = sorted(departements)
    bounds = [[("code_commune", ">=", prefix), ("code_commune", "<", f"{prefix}~")] for prefix in prefixes]
    return pd.read_parquet(embedded_path(MAIRIES), filters=bounds).reset_index(drop=True)


def read_census() -> pd.DataFrame:
    """Read the census of 2021 by commune (geography of 2024): ages and dwellings."""
    return pd.read_parquet(embedded_path("population/recensement_2021.parquet"))
