"""EPCI, PETR, département and neighbours: each whole, inside the département and outside it."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import geopandas as gpd
import pandas as pd
import shapely

SIGNS, NO_CONVENTION = "signataire", "sans convention dans ce département"


def majority_epci(membership: pd.DataFrame, *, departement: str) -> list[str]:
    """Return the EPCI that have most of their population in the département, sorted by SIREN."""
    members = membership.dropna(subset=["epci"])
    inside = members["population"].fillna(0).where(members["departement"] == departement, 0)
    totals = pd.DataFrame(
        {"inside": inside.groupby(members["epci"]).sum(), "whole": members.groupby("epci")["population"].sum()}
    )
    chosen = totals.index[(totals["inside"] > 0) & (2 * totals["inside"] >= totals["whole"])]
    return sorted(str(siren) for siren in chosen)


def whole_and_inside(members: pd.DataFrame, by: str) -> pd.DataFrame:
    """Count communes and inhabitants of territories: whole, inside the département, outside it.

    Parameters
    ----------
    members : DataFrame
        One row per commune: ``by`` (territory), ``code, departement, inside, population``.

    Returns
    -------
    DataFrame
        Indexed by territory: ``departements`` (codes separated by spaces), ``communes, communes_inside,
        communes_outside, population, population_inside, population_outside``; whole = inside + outside.
    """
    population = members["population"].fillna(0).astype("int64")
    inside = members["inside"].astype("int64")
    parts = pd.DataFrame(
        {
            "communes": 1,
            "communes_inside": inside,
            "communes_outside": 1 - inside,
            "population": population,
            "population_inside": population * inside,
            "population_outside": population * (1 - inside),
        },
        index=members.index,
    )
    sums = parts.groupby(members[by]).sum()
    departements = members.groupby(by)["departement"].agg(lambda codes: " ".join(sorted(set(codes))))
    return pd.concat([departements.rename("departements"), sums], axis="columns")


def dissolve(communes: gpd.GeoDataFrame, members: pd.DataFrame, by: str) -> gpd.GeoSeries:
    """Unite the contours of the communes of each territory, along shared edges (valid coverage)."""
    shapes = communes.set_index("code").geometry
    present = members[members["code"].isin(shapes.index[shapes.notna()])]
    united = {
        territory: shapely.coverage_union_all(shapes[codes.to_numpy()].to_numpy())
        for territory, codes in present.groupby(by)["code"]
    }
    return gpd.GeoSeries(united, index=pd.Index(list(united), dtype="str"), crs=communes.crs)


def _with_shapes(table: pd.DataFrame, key: str, shapes: gpd.GeoSeries) -> gpd.GeoDataFrame:
    """Give each row the dissolved contour of its territory (missing where no contour is loaded)."""
    return gpd.GeoDataFrame(table, geometry=shapes.reindex(table[key]).to_numpy(), crs=shapes.crs)


def build_epci(
    communes: gpd.GeoDataFrame,
    membership: pd.DataFrame,
    names: pd.DataFrame,
    *,
    departement: str,
    signatories: Collection[str],
) -> gpd.GeoDataFrame:
    """Build the EPCI that have at least one commune in the département, dissolved over every département.

    Parameters
    ----------
    communes : GeoDataFrame
        Layer of communes (holds all the members).
    membership : DataFrame
        Communes of France of the same vintage.
    names : DataFrame
        ``siren, name, kind``.
    signatories : collection of str
        SIREN of the EPCI that sign a convention.

    Returns
    -------
    GeoDataFrame
        ``siren, name, kind, role, departements, communes…, population…``, geometry; sorted by SIREN.
    """
    sirens = set(membership.loc[membership["departement"] == departement, "epci"].dropna())
    members = membership[membership["epci"].isin(sirens)]
    members = members.assign(inside=members["departement"] == departement)
    table = whole_and_inside(members, "epci").rename_axis("siren").reset_index()
    table = table.merge(names[["siren", "name", "kind"]], on="siren", how="left")
    table["role"] = [SIGNS if siren in signatories else NO_CONVENTION for siren in table["siren"]]
    front = ["siren", "name", "kind", "role"]
    ordered = [*front, *(column for column in table.columns if column not in front)]
    return _with_shapes(table[ordered], "siren", dissolve(communes, members, "epci"))


def petr_members(petr: pd.DataFrame, membership: pd.DataFrame, *, date: str, departement: str) -> pd.DataFrame:
    """Return the communes of each PETR with a commune in the département, on a date.

    Parameters
    ----------
    petr : DataFrame
        ``petr, siren, name, valid_from, valid_to, member_kind`` (epci or commune), ``member``.
    date : str
        ISO date; a member counts from ``valid_from`` to ``valid_to`` included (empty: no bound).

    Returns
    -------
    DataFrame
        ``petr, petr_siren, petr_name`` and the columns of ``membership``, with ``inside``.
    """
    started = (petr["valid_from"] == "") | (petr["valid_from"] <= date)
    current = petr[started & ((petr["valid_to"] == "") | (petr["valid_to"] >= date))]
    keys = current.rename(columns={"siren": "petr_siren", "name": "petr_name"})
    keys = keys[["petr", "petr_siren", "petr_name", "member_kind", "member"]]
    by_epci = keys[keys["member_kind"] == "epci"].merge(membership, left_on="member", right_on="epci")
    by_commune = keys[keys["member_kind"] == "commune"].merge(membership, left_on="member", right_on="code")
    members = pd.concat([by_epci, by_commune], ignore_index=True).drop(columns=["member_kind", "member"])
    members = members.drop_duplicates(["petr", "code"]).assign(inside=lambda t: t["departement"] == departement)
    concerned = set(members.loc[members["inside"], "petr"])
    return members[members["petr"].isin(concerned)].sort_values(["petr", "code"], ignore_index=True)


def build_petr(communes: gpd.GeoDataFrame, members: pd.DataFrame) -> gpd.GeoDataFrame:
    """Build the PETR of `petr_members`: counts whole, inside and outside, and dissolved contours."""
    names = members.drop_duplicates("petr").set_index("petr")[["petr_siren", "petr_name"]]
    names = names.set_axis(["siren", "name"], axis="columns")
    table = names.join(whole_and_inside(members, "petr")).reset_index()
    return _with_shapes(table, "petr", dissolve(communes, members, "petr"))


def build_departement(communes: gpd.GeoDataFrame, *, name: str) -> gpd.GeoDataFrame:
    """Build the one-row layer of the département: code, name, counts and contour."""
    inside = communes[communes["inside"]]
    shape = shapely.coverage_union_all(inside.geometry.dropna().to_numpy())
    table = {
        "code": [inside["departement"].iloc[0]],
        "name": [name],
        "communes": [len(inside)],
        "population": [int(inside["population"].sum())],
    }
    return gpd.GeoDataFrame(table, geometry=[shape], crs=communes.crs)


def build_neighbours(
    communes: gpd.GeoDataFrame,
    membership: pd.DataFrame,
    names: pd.DataFrame,
    borders: pd.DataFrame,
    *,
    signatories: Iterable[str],
) -> gpd.GeoDataFrame:
    """Build the EPCI of neighbouring départements: those that share a border with this one, or own communes in it.

    Parameters
    ----------
    borders : DataFrame
        Shared borders of the communes (`adjacency.shared_borders`).
    signatories : iterable of str
        EPCI of the scheme: never their own neighbours.

    Returns
    -------
    GeoDataFrame
        ``siren, name, kind, departements, communes, population`` (whole EPCI), ``border_km`` (shared with the
        département), ``border_communes`` (its communes that touch the département), ``shared_communes``
        (its communes inside the département), geometry (its loaded communes).
    """
    known = communes.set_index("code")
    edge = borders.assign(left_in=borders["left"].map(known["inside"]), right_in=borders["right"].map(known["inside"]))
    edge = edge[edge["left_in"] != edge["right_in"]]
    outer = edge["left"].where(~edge["left_in"].astype(bool), edge["right"])
    edge = edge.assign(outer=outer, epci=outer.map(known["epci"]))
    length = edge.groupby("epci")["border_km"].sum()
    touching = edge.groupby("epci")["outer"].nunique()
    shared = communes[communes["inside"]].groupby("epci")["code"].nunique()
    owners = set(communes.loc[communes["inside"], "epci"].dropna())
    sirens = sorted((set(length.index) | owners) - set(signatories))
    members = membership[membership["epci"].isin(sirens)].assign(inside=False)
    table = whole_and_inside(members, "epci")[["departements", "communes", "population"]]
    table = table.rename_axis("siren").reset_index().merge(names[["siren", "name", "kind"]], on="siren", how="left")
    for column, values in (("border_km", length), ("border_communes", touching), ("shared_communes", shared)):
        table[column] = table["siren"].map(values).fillna(0)
    table = table.astype({"border_communes": "int64", "shared_communes": "int64"})
    return _with_shapes(table, "siren", dissolve(communes, members, "epci"))


def membership_differences(membership: pd.DataFrame, second: pd.DataFrame, names: pd.DataFrame) -> pd.DataFrame:
    """Compare the EPCI of each commune in two sources: a difference is said, never merged silently.

    Returns
    -------
    DataFrame
        ``code, name, epci, epci_name, epci_second, epci_second_name, second_vintage``: communes known to both
        sources whose EPCI differ.
    """
    both = membership.merge(second, on="code", suffixes=("", "_second"))
    first, other = both["epci"].fillna(""), both["epci_second"].fillna("")
    different = both[(first != other).to_numpy()]
    labels = names.set_index("siren")["name"]
    return pd.DataFrame(
        {
            "code": different["code"],
            "name": different["name"],
            "epci": different["epci"],
            "epci_name": different["epci"].map(labels),
            "epci_second": different["epci_second"],
            "epci_second_name": different["epci_second"].map(labels),
            "second_vintage": different["vintage_second"] if "vintage_second" in different else different["vintage"],
        }
    ).reset_index(drop=True)
