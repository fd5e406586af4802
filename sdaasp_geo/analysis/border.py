"""The border: who is nearest to a place of another EPCI or département, what it saves, and who comes from outside."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from sdaasp_geo.analysis.coverage import NO_TERRITORY, PARTS
from sdaasp_geo.analysis.nearest_pairs import (
    MINUTE_DIGITS,
    described,
    in_id_order,
    known_gaps,
    known_pairs,
    nearest_of,
    why_missing,
)
from sdaasp_geo.errors import ReconciliationError
from sdaasp_geo.french import NBSP
from sdaasp_geo.layers.communes import NO_EPCI
from sdaasp_geo.travel.nearest import NO_PLACE

OWN_EPCI, OTHER_EPCI, OTHER_DEPARTEMENT, NOT_REACHED = "propre EPCI", "autre EPCI", "autre département", "non atteint"
SIDES = (OWN_EPCI, OTHER_EPCI, OTHER_DEPARTEMENT, NOT_REACHED)
OUT_OF_REACH = "aucun lieu à portée"
NO_PLACE_IN_EPCI, EPCI_OUT_OF_REACH = "aucun lieu dans l'EPCI", "aucun lieu de l'EPCI à portée"
NO_PLACE_IN_DEPARTEMENT = "aucun lieu dans le département"
DEPARTEMENT_OUT_OF_REACH = "aucun lieu du département à portée"
ALL_OPERATORS = "tous"
SHARED = ("epci", "departement")
"""Levels that a border can separate: the column of the origin; that of the place is the same after ``place_``."""

_ORIGIN = ["code", "name", "epci", "departement", "inside", "population"]
_SUMS = [
    *("communes", "population"),
    *("population_own_epci", "population_other_epci", "population_other_departement", "population_not_reached"),
    *("population_own_epci_other_departement", "population_saved_epci", "population_only_outside_epci"),
    *("population_saved_departement", "population_only_outside_departement"),
]


def border_access(
    origins: pd.DataFrame,
    places: pd.DataFrame,
    pairs: pd.DataFrame,
    *,
    service: str,
    operator: str | None = None,
    gaps: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Find, from each origin, the nearest place anywhere, in its own EPCI and in its own département.

    "Own" is that of the origin, never that of the scheme: seen from the neighbour the figures are the same. Minutes
    won are ``time to the nearest inside - time to the nearest anywhere``, rounded to 1e-9, never negative. A commune in
    no EPCI stands for itself. Ties go to the lowest identifier. Definition of this package; the exchange between EPCI
    of neighbouring départements is asked for by action 1-B-2 of the Alpes-de-Haute-Provence scheme.

    Parameters
    ----------
    origins : DataFrame
        One row per commune: ``code, name, epci`` (SIREN, or missing), ``departement, inside, population``.
    places : DataFrame
        Permanent, located places of one service: ``id, nom, commune, code_commune, epci, departement, operateur``.
    pairs : DataFrame
        ``code, place, time_min, low_min, high_min`` within the limit of the measure (`travel.pairs`). Pairs of other
        origins or places are passed over.
    service : str
        Code of the service: copied into the result.
    operator : str, optional
        Consider the places of this operator only.
    gaps : DataFrame, optional
        ``code, place, reason`` of the pairs that were never measured (`travel.pairs.pairs_and_gaps`): an origin that
        reaches nothing and has one is ``non mesuré`` or ``hors réseau``, not out of reach.

    Returns
    -------
    DataFrame
        One row per origin, in order: columns of ``origins``, ``service, operator`` (``tous`` by default), ``side``
        (where the nearest is: ``propre EPCI``, in whatever département; ``autre EPCI`` of the own département; ``autre
        département``; ``non atteint``), ``other_departement`` (bool), ``reason, time_min, low_min, high_min`` (NaN
        where not reached), ``place, place_name, place_commune, place_commune_code, place_epci, place_departement,
        place_operator``; the nearest inside with the prefixes ``own_epci_`` and ``own_departement_`` (``reason``,
        times, ``place, place_name, place_commune``); ``saved_epci_min, saved_departement_min`` (NaN where there is none
        inside within reach: the reason of the prefix says why; 0 where the nearest is inside).

    Raises
    ------
    ValueError
        When a code of origin or an identifier of place is repeated.
    """
    places = places if operator is None else places[places["operateur"] == operator]
    places = in_id_order(places)
    reached = known_pairs(origins, places, pairs)
    table = origins[_ORIGIN].reset_index(drop=True)
    table = table.assign(service=service, operator=ALL_OPERATORS if operator is None else operator)
    found = _sides(origins, places, reached)
    rows = {prefix: nearest_of(reached, reached["origin"], among, len(table)) for prefix, among in found.items()}
    missing = _missing_reasons(origins, places, known_gaps(origins, places, gaps))
    parts = [
        described(reached, rows[prefix], places, prefix=prefix, missing=missing[prefix], brief=prefix != "")
        for prefix in found
    ]
    nearest = parts[0]
    other = ((rows[""] >= 0) & (table["departement"] != nearest["place_departement"])).to_numpy(dtype=bool)
    own = np.append(found["own_epci_"], np.False_)[rows[""]]
    side = np.select([rows[""] < 0, own, other], [NOT_REACHED, OWN_EPCI, OTHER_DEPARTEMENT], OTHER_EPCI)
    table = table.assign(side=pd.array(side, dtype="str"), other_departement=other)
    saved = {
        f"saved_{level}_min": (inner[f"own_{level}_time_min"] - nearest["time_min"]).round(MINUTE_DIGITS)
        for level, inner in zip(SHARED, parts[1:], strict=True)
    }
    return pd.concat([table, *parts], axis="columns").assign(**saved)


def _sides(origins: pd.DataFrame, places: pd.DataFrame, pairs: pd.DataFrame) -> dict[str, npt.NDArray[np.bool_]]:
    """Tell, by prefix, which pairs count: all, those with both ends in one EPCI, and in one département."""
    homes = (origins["epci"].fillna(origins["code"]), origins["departement"])
    hosts = (places["epci"].fillna(places["code_commune"]), places["departement"])
    same = {"": np.ones(len(pairs), dtype=bool)}
    for prefix, home, host in zip(("own_epci_", "own_departement_"), homes, hosts, strict=True):
        number, _ = pd.factorize(pd.concat([home.astype("object"), host.astype("object")], ignore_index=True))
        first, second = number[: len(home)], number[len(home) :]
        same[prefix] = first[pairs["origin"].to_numpy()] == second[pairs["place"].to_numpy()]
    return same


def _missing_reasons(
    origins: pd.DataFrame, places: pd.DataFrame, gaps: pd.DataFrame
) -> dict[str, npt.NDArray[np.object_]]:
    """Say, by prefix, why an origin has no nearest place, where it has none."""
    in_epci = origins["epci"].isin(set(places["epci"].dropna()))
    in_departement = origins["departement"].isin(set(places["departement"]))
    missing: dict[str, npt.ArrayLike] = {
        "": NO_PLACE if places.empty else OUT_OF_REACH,
        "own_epci_": np.select([origins["epci"].isna(), in_epci], [NO_EPCI, EPCI_OUT_OF_REACH], NO_PLACE_IN_EPCI),
        "own_departement_": np.where(in_departement, DEPARTEMENT_OUT_OF_REACH, NO_PLACE_IN_DEPARTEMENT),
    }
    among = _sides(origins, places, gaps)
    return {
        prefix: why_missing(missing[prefix], gaps, gaps["origin"], among[prefix], len(origins)) for prefix in missing
    }


def border_balance(access: pd.DataFrame, members: pd.DataFrame, *, level: str) -> pd.DataFrame:
    """Count, by territory, the inhabitants served inside and outside, what it saves them, and those who come.

    Parameters
    ----------
    access : DataFrame
        `border_access`, of the members and of all who may come from outside (one service, one operator).
    members : DataFrame
        One row per territory × commune: ``territory, code, population, inside`` (`levels.territory_members`).
    level : str
        Copied into the result.

    Returns
    -------
    DataFrame
        One row per territory × part (``entier``, ``dans le département``, ``hors du département``): ``level,
        territory, part, service, operator, communes, population``, which is the sum of ``population_own_epci,
        population_other_epci, population_other_departement, population_not_reached`` (a member without access is
        there); ``population_own_epci_other_departement`` (already in the first). For inhabitants whose nearest place is
        in another EPCI: ``population_saved_epci`` (they have one inside), ``saved_epci_min`` (mean minutes that they
        win, weighted by inhabitants), ``population_only_outside_epci`` (they have none inside within reach, or none
        whose time is known); the same with ``departement`` for those whose nearest place is in another département.
        Last, ``population_served_from_outside``: inhabitants of other territories whose nearest place is here.
    """
    columns = ["code", "side", "other_departement", "saved_epci_min", "saved_departement_min"]
    keys = ["territory", "code", "population", "inside"]
    people = members[keys].merge(access[columns], on="code", how="left").sort_values(["territory", "code"])
    sums = with_parts(_balance_rows(people)).groupby(["territory", "part"]).sum()
    come = with_parts(_come(access, members)).groupby(["territory", "part"])["population"].sum()
    table = sums.assign(population_served_from_outside=come.reindex(sums.index, fill_value=0))
    for name in SHARED:
        table[f"saved_{name}_min"] = weighted_mean(table[f"gain_{name}"], table[f"population_saved_{name}"])
    service, operator = _one_label(access)
    table = table.reset_index().assign(level=level, service=service, operator=operator)
    return in_part_order(table, ["territory"])[_BALANCE]


_BALANCE = [
    *("level", "territory", "part", "service", "operator"),
    *_SUMS,
    *("saved_epci_min", "saved_departement_min", "population_served_from_outside"),
]


def _one_label(access: pd.DataFrame) -> tuple[str, str]:
    labels = access[["service", "operator"]].drop_duplicates()
    if len(labels) > 1:
        message = f"one service and one operator at a time, not {len(labels)}"
        raise ValueError(message)
    return ("", "") if labels.empty else (str(labels["service"].iloc[0]), str(labels["operator"].iloc[0]))


def _balance_rows(people: pd.DataFrame) -> pd.DataFrame:
    """Return the countable columns of each commune: inhabitants by side, and their person-minutes."""
    population, side = people["population"], people["side"].fillna(NOT_REACHED)
    crosses = people["other_departement"].fillna(value=False).astype(bool)
    columns = {"territory": people["territory"], "inside": people["inside"], "communes": 1, "population": population}
    names = ("own_epci", "other_epci", "other_departement", "not_reached")
    for name, label in zip(names, SIDES, strict=True):
        columns[f"population_{name}"] = population.where(side == label, 0)
    columns["population_own_epci_other_departement"] = population.where((side == OWN_EPCI) & crosses, 0)
    for name, away in (("epci", side.isin([OTHER_EPCI, OTHER_DEPARTEMENT])), ("departement", crosses)):
        saved = people[f"saved_{name}_min"]
        columns[f"population_saved_{name}"] = population.where(away & saved.notna(), 0)
        columns[f"population_only_outside_{name}"] = population.where(away & saved.isna(), 0)
        columns[f"gain_{name}"] = (population * saved).where(away & saved.notna(), 0.0)
    return pd.DataFrame(columns)


def _come(access: pd.DataFrame, members: pd.DataFrame) -> pd.DataFrame:
    """Return the inhabitants of other territories, by territory and side of the place where they are served."""
    hosts = members[["territory", "code", "inside"]].rename(columns={"code": "place_commune_code"})
    served = access.loc[access["side"] != NOT_REACHED, ["code", "population", "place_commune_code"]]
    served = served.merge(hosts, on="place_commune_code")
    own = members[["territory", "code"]].assign(at_home=True)
    served = served.merge(own, on=["territory", "code"], how="left")
    return served.loc[served["at_home"].isna(), ["territory", "inside", "population"]]


def with_parts(table: pd.DataFrame) -> pd.DataFrame:
    """Repeat each row for the whole and for its side of the border: ``inside`` becomes ``part``."""
    sides = table["inside"].map({True: PARTS[1], False: PARTS[2]})
    rest = table.drop(columns="inside")
    return pd.concat([rest.assign(part=PARTS[0]), rest.assign(part=sides)], ignore_index=True)


def in_part_order(table: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Sort by some columns, then by part: whole, inside, outside."""
    ranked = table.assign(part_order=table["part"].map(PARTS.index))
    return ranked.sort_values([*by, "part_order"], ignore_index=True).drop(columns="part_order")


def weighted_mean(total: pd.Series, weight: pd.Series) -> pd.Series:
    """Divide a weighted sum by its weight; NaN, never 0, where nobody was counted."""
    return (total / weight.where(weight > 0)).astype("float64")


def reconcile_balance(fine: pd.DataFrame, coarse: pd.DataFrame) -> None:
    """Check that a level that partitions the département adds up to it, and that whole is inside plus outside.

    Parameters
    ----------
    fine, coarse : DataFrame
        `border_balance` of a finer level, and of the département.

    Raises
    ------
    ReconciliationError
        When a sum differs by one inhabitant.
    """
    parts = fine.groupby("part")[_SUMS].sum().reindex(PARTS, fill_value=0)
    total = coarse.groupby("part")[_SUMS].sum().reindex(PARTS, fill_value=0)
    held = [*_SUMS, "population_served_from_outside"]
    whole = fine[fine["part"] == PARTS[0]].groupby("territory")[held].sum()
    pieces = fine[fine["part"] != PARTS[0]].groupby("territory")[held].sum()
    inside_differs = (parts.loc[PARTS[1]] != total.loc[PARTS[1]]).any()
    if inside_differs or not whole.equals(pieces.astype(whole.dtypes)):
        level = "" if fine.empty else fine["level"].iloc[0]
        message = f"Le bilan de frontière du niveau «{NBSP}{level}{NBSP}» ne s'ajoute pas à celui du département."
        raise ReconciliationError(message)


def border_pairs(access: pd.DataFrame, *, level: str) -> pd.DataFrame:
    """Count the inhabitants of one territory who are nearest to a place of another, for every ordered pair.

    Parameters
    ----------
    access : DataFrame
        `border_access`; several services and operators may be together.
    level : str
        ``epci`` or ``departement``: the border that is crossed.

    Returns
    -------
    DataFrame
        One row per service × operator × home × host: ``level, service, operator, home`` (territory of the
        inhabitants), ``host`` (of their nearest place; ``aucun`` where it has none, or where it is not known),
        ``communes, communes_inside, communes_outside, population, population_inside, population_outside`` (whole =
        inside + outside of the scheme's département), ``population_saved`` (who have a place at home within reach),
        ``saved_min`` (mean minutes that these win, weighted by inhabitants; NaN where there are none).
    """
    away = access["other_departement"]
    if level == "epci":
        away = access["side"].isin([OTHER_EPCI, OTHER_DEPARTEMENT])
    crossing = access[away.astype(bool)].sort_values("code")
    inside, population = crossing["inside"].astype("int64"), crossing["population"].astype("int64")
    saved = crossing[f"saved_{level}_min"]
    rows = {column: crossing[column] for column in ("service", "operator")}
    rows |= {"home": crossing[level].fillna(NO_TERRITORY), "host": crossing[f"place_{level}"].fillna(NO_TERRITORY)}
    for name, counted in (("communes", 1 + 0 * inside), ("population", population)):
        rows |= {name: counted, f"{name}_inside": counted * inside, f"{name}_outside": counted * (1 - inside)}
    rows["population_saved"] = population.where(saved.notna(), 0)
    rows["saved_min"] = (population * saved).fillna(0.0)
    table = pd.DataFrame(rows).groupby(_PAIR_KEYS).sum().reset_index()
    table["saved_min"] = weighted_mean(table["saved_min"], table["population_saved"])
    table.insert(0, "level", level)
    return table


_PAIR_KEYS = ["service", "operator", "home", "host"]


def border_exchanges(pairs: pd.DataFrame, *, territory: str) -> pd.DataFrame:
    """Read the pairs from the side of one territory: who leaves and who comes, for each other one.

    Seen from the other side, ``out`` and ``in`` change places and nothing else.

    Parameters
    ----------
    pairs : DataFrame
        `border_pairs`, of one level.
    territory : str
        The one whose side is taken.

    Returns
    -------
    DataFrame
        One row per service × operator × neighbour: ``level, service, operator, territory, neighbour``, and both for
        ``out`` (inhabitants of the territory nearest to a place of the neighbour) and ``in`` (the opposite):
        ``communes_out, population_out, population_saved_out, saved_out_min``; ``population_net`` (in - out).
    """
    figures = ["communes", "population", "population_saved", "saved_min"]
    keys = ["level", "service", "operator", "neighbour"]
    out = pairs[(pairs["home"] == territory) & (pairs["host"] != territory)].rename(columns={"host": "neighbour"})
    come = pairs[(pairs["host"] == territory) & (pairs["home"] != territory)].rename(columns={"home": "neighbour"})
    table = out[[*keys, *figures]].merge(come[[*keys, *figures]], on=keys, how="outer", suffixes=("_out", "_in"))
    counts = {f"{name}_{way}": "int64" for name in figures[:-1] for way in ("out", "in")}
    table = table.fillna(dict.fromkeys(counts, 0)).astype(counts)
    table = table.rename(columns={f"saved_min_{way}": f"saved_{way}_min" for way in ("out", "in")})
    table.insert(3, "territory", territory)
    table["population_net"] = table["population_in"] - table["population_out"]
    return table.sort_values(keys, ignore_index=True)
