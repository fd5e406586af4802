"""The competent counter is not always the nearest: the administrative penalty, in minutes, and who bears it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from sdaasp_geo import french
from sdaasp_geo.analysis.access import weighted_figures
from sdaasp_geo.analysis.border import OUT_OF_REACH, in_part_order, with_parts
from sdaasp_geo.analysis.nearest_pairs import (
    MINUTE_DIGITS,
    Positions,
    described,
    in_id_order,
    known_gaps,
    known_pairs,
    nearest_of,
    place_identity,
    why_missing,
)
from sdaasp_geo.french import NBSP
from sdaasp_geo.travel.engine import REACHED
from sdaasp_geo.travel.nearest import NO_PLACE

FROM_AREA = "zone de l'opérateur"
FROM_RULE = f"hypothèse{NBSP}: guichet de l'opérateur le plus proche dans le département"
COUNTER_UNKNOWN = "guichet compétent absent des lieux mesurés"
COUNTER_NOT_REACHED = "guichet compétent hors de portée"
NO_COUNTER = "aucun guichet de l'opérateur dans le département"
COUNTERS_NOT_REACHED = "aucun guichet de l'opérateur dans le département à portée"
NOT_MEASURED_LABEL = "non mesurée"
_ORIGIN = ["code", "name", "epci", "departement", "inside", "population"]
_BY = ["level", "territory", "part", "service", "operator"]


def competent_access(
    origins: pd.DataFrame,
    places: pd.DataFrame,
    pairs: pd.DataFrame,
    areas: pd.DataFrame,
    *,
    service: str,
    operators: Sequence[str] | None = None,
    gaps: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Compare, for each commune and operator, the counter competent for it with the nearest one.

    The competent counter is that of the operator's area where there is one. Elsewhere it is *assumed* to be the nearest
    counter of the operator inside the commune's own département, and ``assignment`` says so: many operators answer for
    those who live in their district, most often the département (for health insurance: code de la sécurité sociale,
    art. R. 312-1). Penalty = time to the competent counter - time to the nearest counter of the same operator, in
    minutes, rounded to 1e-9; never negative. Ties go to the lowest identifier. Definition of this package.

    Parameters
    ----------
    origins : DataFrame
        One row per commune: ``code, name, epci, departement, inside, population``.
    places : DataFrame
        Permanent, located counters of one service: ``id, nom, commune, code_commune, epci, departement, operateur``.
    pairs : DataFrame
        ``code, place, time_min, low_min, high_min`` within the limit of the measure (`travel.pairs`).
    areas : DataFrame
        ``operateur, code_commune, guichet, area_reason`` of the areas that settle this service
        (`layers.areas.areas_of_service`); may be empty.
    service : str
        Code of the service: copied into the result.
    operators : sequence of str, optional
        Operators to compare; by default all those of the places (empty where it is not published).
    gaps : DataFrame, optional
        ``code, place, reason`` of the pairs that were never measured, as `border.border_access` takes them.

    Returns
    -------
    DataFrame
        One row per origin × operator, in the order of origins, then of operators: columns of ``origins``, ``service,
        operator, assignment`` (``zone de l'opérateur`` or ``hypothèse : …``); with the prefix ``competent_``: ``reason,
        time_min, low_min, high_min, place, place_name, place_commune, place_commune_code, place_epci,
        place_departement, place_operator`` (the place is told even where it is not reached); the same with the prefix
        ``nearest_``; ``penalty_min`` (NaN where one of the two times is not measured), ``penalty_reason``.

    Raises
    ------
    ValueError
        When an operator has two counters for one commune, or an identifier is repeated.
    """
    places = places.assign(operateur=places["operateur"].fillna(""))
    wanted = sorted(set(places["operateur"]) if operators is None else set(operators))
    places = in_id_order(places[places["operateur"].isin(wanted)])
    owner = pd.Index(wanted, dtype="object").get_indexer(places["operateur"].astype("object"))
    reached, lacking = (
        found.assign(case=found["origin"].to_numpy() * len(wanted) + owner[found["place"].to_numpy()])
        for found in (known_pairs(origins, places, pairs), known_gaps(origins, places, gaps))
    )
    table = origins[_ORIGIN].loc[origins.index.repeat(len(wanted))].reset_index(drop=True)
    table = table.assign(service=service, operator=pd.array(wanted * len(origins), dtype="str"))
    nearest_rows = nearest_of(reached, reached["case"], np.ones(len(reached), dtype=bool), len(table))
    none = np.where(table["operator"].isin(set(places["operateur"])), OUT_OF_REACH, NO_PLACE)
    none = why_missing(none, lacking, lacking["case"], np.ones(len(lacking), dtype=bool), len(table))
    nearest = described(reached, nearest_rows, places, prefix="nearest_", missing=none, brief=False)
    competent = _competent(table, places, reached, lacking, areas)
    table = pd.concat([table, competent, nearest], axis="columns")
    reason = table["competent_reason"].where(table["competent_reason"] != REACHED, table["nearest_reason"])
    return table.assign(
        penalty_min=(table["competent_time_min"] - table["nearest_time_min"]).round(MINUTE_DIGITS),
        penalty_reason=reason.where(reason != REACHED, ""),
    )


def _competent(
    table: pd.DataFrame, places: pd.DataFrame, reached: pd.DataFrame, lacking: pd.DataFrame, areas: pd.DataFrame
) -> pd.DataFrame:
    """Return the competent counter of each case: that of the area, or the nearest of the commune's département."""
    rows, own, why = _by_rule(table, places, reached, lacking)
    assigned, counter, trouble = _by_area(table, places, areas)
    by_pair, gap_of_pair = (
        pd.Series(np.arange(len(pairs)), index=pairs["case"].to_numpy() * max(len(places), 1) + pairs["place"])
        for pairs in (reached, lacking)
    )
    wanted = np.where(counter >= 0, np.arange(len(table)) * max(len(places), 1) + counter, -1)
    found, gap = (known.reindex(wanted).fillna(-1).to_numpy(dtype="int64") for known in (by_pair, gap_of_pair))
    rows = np.where(assigned, found, rows)
    trouble = np.where(counter >= 0, COUNTER_NOT_REACHED, trouble)
    trouble = np.where(gap >= 0, np.append(lacking["reason"].to_numpy(dtype="object"), "")[gap], trouble)
    missing = np.where(assigned, trouble, why)
    answer = described(reached, rows, places, prefix="competent_", missing=missing, brief=False)
    answer = answer.assign(**place_identity(places, np.where(assigned, counter, own), prefix="competent_"))
    answer.insert(0, "assignment", pd.array(np.where(assigned, FROM_AREA, FROM_RULE), dtype="str"))
    return answer


def _by_rule(
    table: pd.DataFrame, places: pd.DataFrame, reached: pd.DataFrame, lacking: pd.DataFrame
) -> tuple[Positions, Positions, npt.NDArray[np.object_]]:
    """Return the pair and the place that the default rule gives each case, and why where it gives none."""
    home, host = (owner["departement"].to_numpy(dtype="object") for owner in (table, places))
    here, gap_here = (home[pairs["case"]] == host[pairs["place"]] for pairs in (reached, lacking))
    rows = nearest_of(reached, reached["case"], here, len(table))
    place = np.append(reached["place"].to_numpy(), -1)[rows]
    present = pd.MultiIndex.from_frame(places[["operateur", "departement"]])
    known = pd.MultiIndex.from_frame(table[["operator", "departement"]]).isin(present)
    missing = np.where(known, COUNTERS_NOT_REACHED, NO_COUNTER)
    return rows, place, why_missing(missing, lacking, lacking["case"], gap_here, len(table))


def _by_area(
    table: pd.DataFrame, places: pd.DataFrame, areas: pd.DataFrame
) -> tuple[npt.NDArray[np.bool_], Positions, npt.NDArray[np.object_]]:
    """Tell which cases an area settles, by which place (-1 where it is not among the places), and why not."""
    given = areas[["operateur", "code_commune", "guichet", "area_reason"]].astype("object")
    given = given.set_axis(["operator", "code", "guichet", "area_reason"], axis="columns")
    keys = table[["operator", "code"]].astype("object")
    joined = keys.merge(given, on=["operator", "code"], how="left", validate="many_to_one")
    assigned = joined["guichet"].notna().to_numpy()
    owner = pd.MultiIndex.from_arrays([places["operateur"].astype("object"), places["id"].astype("object")])
    counter = owner.get_indexer(pd.MultiIndex.from_frame(joined[["operator", "guichet"]]))
    said = joined["area_reason"].fillna("").to_numpy(dtype="object")
    return assigned, np.where(assigned, counter, -1), np.where(said == "", COUNTER_UNKNOWN, said)


def penalty_summary(competence: pd.DataFrame, members: pd.DataFrame, *, level: str) -> pd.DataFrame:
    """Summarise the penalty by territory, weighted by inhabitants.

    Parameters
    ----------
    competence : DataFrame
        `competent_access`; several services may be together.
    members : DataFrame
        One row per territory × commune: ``territory, code, population, inside`` (`levels.territory_members`).
    level : str
        Copied into the result.

    Returns
    -------
    DataFrame
        One row per territory × part (``entier``, ``dans le département``, ``hors du département``) × service ×
        operator: ``level, territory, part, service, operator, communes, population, population_not_measured,
        population_assumed`` (the competent counter is an assumption), ``population_penalised`` (penalty above 0),
        ``mean_min, median_min, p90_min, max_min`` of the penalty (`access.weighted_figures`), over the measured
        inhabitants; NaN where there are none.
    """
    rows = _people(competence, members, level=level)
    population, penalty = rows["population"], rows["time_min"]
    counted = rows.assign(
        communes=1,
        population_not_measured=population.where(penalty.isna(), 0),
        population_assumed=population.where(rows["assignment"] == FROM_RULE, 0),
        population_penalised=population.where(penalty > 0, 0),
    )
    sums = counted.groupby(_BY)[["communes", "population", *_COUNTED]].sum()
    table = sums.join(weighted_figures(rows, _BY)).reset_index()
    return in_part_order(table, ["territory", "service", "operator"])


_COUNTED = ["population_not_measured", "population_assumed", "population_penalised"]


def penalty_distribution(
    competence: pd.DataFrame, members: pd.DataFrame, *, bounds: Sequence[float], level: str
) -> pd.DataFrame:
    """Distribute the inhabitants of each territory over classes of penalty.

    Parameters
    ----------
    competence, members, level
        As `penalty_summary`.
    bounds : sequence of float
        Upper bounds of the classes, in minutes, rising; a penalty equal to a bound is in the class that it closes. The
        first class begins at 0, included.

    Returns
    -------
    DataFrame
        One row per territory × part × service × operator × class, classes in order: ``level, territory, part, service,
        operator, class_above_min`` (excluded; NaN for the first), ``class_up_to_min`` (included; NaN for the last, and
        both NaN where not measured), ``penalty_class`` (French), ``communes, population, share`` (of the inhabitants
        of the part; NaN where there are none). Classes that nobody is in are there, with 0: they add up.
    """
    edges = np.asarray(sorted(bounds), dtype="float64")
    rows = _people(competence, members, level=level)
    number = np.where(rows["time_min"].isna(), len(edges) + 1, np.searchsorted(edges, rows["time_min"], side="left"))
    counted = rows.assign(communes=1, number=number).groupby([*_BY, "number"])[["communes", "population"]].sum()
    groups = counted.reset_index()[_BY].drop_duplicates()
    classes = pd.DataFrame(
        {
            "number": np.arange(len(edges) + 2),
            "class_above_min": [np.nan, *edges, np.nan],
            "class_up_to_min": [*edges, np.nan, np.nan],
            "penalty_class": pd.array(_class_labels(edges), dtype="str"),
        }
    )
    table = groups.merge(classes, how="cross").merge(counted.reset_index(), on=[*_BY, "number"], how="left")
    table = table.fillna({"communes": 0, "population": 0}).astype({"communes": "int64", "population": "int64"})
    total = table.groupby(_BY)["population"].transform("sum")
    table["share"] = (table["population"] / total).where(total > 0)
    return in_part_order(table.sort_values("number"), ["territory", "service", "operator"])[_DISTRIBUTION]


_DISTRIBUTION = [
    *(*_BY, "class_above_min", "class_up_to_min", "penalty_class"),
    *("communes", "population", "share"),
]


def _class_labels(edges: npt.NDArray[np.float64]) -> list[str]:
    texts = [french.threshold(float(edge)) for edge in edges]
    first = "aucune" if len(edges) and edges[0] == 0 else f"{texts[0]} au plus" if texts else "toutes"
    middle = [
        f"plus de {low}, {high} au plus" if float(edge) > 0 else f"jusqu'à {high}"
        for edge, low, high in zip(edges[:-1], texts[:-1], texts[1:], strict=True)
    ]
    last = [f"plus de {texts[-1]}"] if texts else []
    return [first, *middle, *last, NOT_MEASURED_LABEL]


def _people(competence: pd.DataFrame, members: pd.DataFrame, *, level: str) -> pd.DataFrame:
    """Join members to their penalty (``time_min``), once per service × operator; none is lost."""
    kinds = competence[["service", "operator"]].drop_duplicates()
    people = members[["territory", "code", "population", "inside"]].merge(kinds, how="cross")
    columns = ["code", "service", "operator", "assignment", "penalty_min"]
    rows = people.merge(competence[columns], on=["code", "service", "operator"], how="left")
    return with_parts(rows.rename(columns={"penalty_min": "time_min"}).assign(level=level))
