"""Where next? New sites that cover most, shorten times most, or cover everyone, with a proof of how good they are.

Existing sites are locked open. The three questions take the same tables and give the same `Siting`; all counts are
whole numbers of inhabitants and milliseconds, so that the order of rows never changes a result. A weekly stop is a
candidate like another: ask with the minutes that suit a stop, and do not add its inhabitants to those of permanent
sites.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sdaasp_geo.analysis.siting_fewest import fewest
from sdaasp_geo.analysis.siting_gains import (
    MS_PER_MIN,
    FloatArray,
    IntArray,
    Reach,
    counted_ms,
    covering_gains,
    merge_demand,
    read_reach,
    saving_gains,
    undominated,
)
from sdaasp_geo.analysis.siting_maximum import Choice, Effort, maximise
from sdaasp_geo.analysis.siting_search import greedy, settle
from sdaasp_geo.french import percent

COVER_MOST, SHORTEN, COVER_ALL = "couverture maximale", "temps moyen minimal", "couverture complète"
CHOSEN, NOT_CHOSEN, USELESS, OPEN = "retenu", "non retenu", "n'apporte rien", "déjà ouvert"
NO_INHABITANT, NO_CANDIDATE, MISSED = "sans habitant", "aucun candidat à portée", "hors de portée des sites retenus"
OPTIMAL = "optimal"


@dataclass(frozen=True)
class Proof:
    """How good a choice is, at worst.

    Attributes
    ----------
    objective : float
        What was asked for, with the chosen sites: inhabitants within the threshold, mean minutes, or number of sites.
    bound : float
        Proven limit of it: no choice has more inhabitants, fewer minutes, or fewer sites.
    gap : float
        Share of the best possible gain (inhabitants won, minutes saved) that may be missing, existing sites left out;
        to cover everyone, share of the sites that may be too many.
    sentence : str
        ``optimal``, or ``à 0,12 % de l'optimum au plus`` (rounded up).
    """

    objective: float
    bound: float
    gap: float
    sentence: str


@dataclass(frozen=True)
class Siting:
    """Chosen sites and what they change.

    Attributes
    ----------
    problem : str
        ``couverture maximale``, ``temps moyen minimal`` or ``couverture complète``.
    threshold_min, cap_min : float
        Threshold (a time equal to it is within), and minutes at which times are cut off and unreached demand counts.
    sites : DataFrame
        ``rank, place``, the identity of the candidate, ``gain_population`` (inhabitants brought within the threshold,
        once the sites of lower rank are open), ``gain_min`` (minutes saved, mean of all inhabitants),
        ``cumulative_population`` (inhabitants within, existing sites included), ``cumulative_share``,
        ``mean_min`` (mean of the capped times). Rank 1 gains most alone; each next one most beside the former.
    demand : DataFrame
        ``code, population, before_min, before_place, after_min, after_place`` (missing: none reached),
        ``within_before, within_after, rank`` (of the new site that is nearest, or missing), ``reason`` (why it stays
        beyond the threshold: ``sans habitant``, ``aucun candidat à portée``, ``hors de portée des sites retenus``).
    steps : DataFrame
        One row per new site and demand that it changes: ``rank, place, code, population, before_min, after_min``
        (capped), ``gain_population`` (brought within the threshold).
    candidates : DataFrame
        ``place``, identity, ``alone_population, alone_min`` (gains if it opened alone), ``rank, reason``
        (``retenu``, ``non retenu``, ``n'apporte rien``, ``déjà ouvert``).
    proof : Proof
        Objective, bound, gap.
    """

    problem: str
    threshold_min: float
    cap_min: float
    sites: pd.DataFrame
    demand: pd.DataFrame
    steps: pd.DataFrame
    candidates: pd.DataFrame
    proof: Proof


_EFFORT = Effort()


def cover_most(
    demand: pd.DataFrame,
    pairs: pd.DataFrame,
    *,
    candidates: pd.DataFrame,
    existing: pd.DataFrame,
    count: int,
    threshold_min: float,
    cap_min: float,
    effort: Effort = _EFFORT,
) -> Siting:
    """Choose new sites that bring most inhabitants within a threshold: maximal covering (Church and ReVelle 1974).

    Parameters
    ----------
    demand : DataFrame
        ``code, population`` (whole inhabitants): communes or cells.
    pairs : DataFrame
        ``code, place, time_min`` (minutes), to candidates and to existing sites; no row: not reached.
    candidates, existing : DataFrame
        ``place``, and for candidates any columns of identity (name, commune, epci…), copied into the results.
    count : int
        New sites, at most; one that would bring nobody within is not proposed.
    threshold_min : float
        Minutes; a time equal to it is within.
    cap_min : float
        Minutes at which times are cut off, in means only, and which unreached demand counts for.
    effort : Effort
        Work spent on the proof.

    Returns
    -------
    Siting
        Of sites that cover as many, those that save most time; of equal ones, the first in text order.

    Raises
    ------
    InputError
        See `siting_gains.check_demand`.
    """
    reach = _reach(demand, pairs, candidates, existing)
    gains = merge_demand(covering_gains(reach, threshold_min=threshold_min))
    useful = undominated(gains)
    choice = maximise(gains.only(useful), count, effort=effort)
    chosen = settle(gains, useful[choice.chosen], saving=saving_gains(reach, cap_min=cap_min))
    before = float(reach.population[reach.existing_min <= threshold_min].sum())
    proof = _proof(choice, objective=before + choice.value, bound=before + choice.bound)
    ranked = chosen[greedy(gains.only(chosen), count)]
    return _siting(COVER_MOST, reach, candidates, ranked, proof, threshold_min=threshold_min, cap_min=cap_min)


def shorten_times(
    demand: pd.DataFrame,
    pairs: pd.DataFrame,
    *,
    candidates: pd.DataFrame,
    existing: pd.DataFrame,
    count: int,
    threshold_min: float,
    cap_min: float,
    effort: Effort = _EFFORT,
) -> Siting:
    """Choose new sites that make the mean time of inhabitants least: p-median (Hakimi 1964), existing sites open.

    The time of a demand is that of its nearest site, at most ``cap_min``; one that reaches none counts ``cap_min``.
    The threshold only counts inhabitants. Other parameters, results and errors as `cover_most`.
    """
    reach = _reach(demand, pairs, candidates, existing)
    gains = saving_gains(reach, cap_min=cap_min)
    choice = maximise(gains, count, effort=effort)
    total = float(counted_ms(reach.existing_min, cap_min=cap_min) @ reach.population)
    inhabited = float(reach.population.sum()) * MS_PER_MIN
    after, least = ((total - won) / inhabited if inhabited else np.nan for won in (choice.value, choice.bound))
    ranked = choice.chosen[greedy(gains.only(choice.chosen), count)]
    proof = _proof(choice, objective=after, bound=least)
    return _siting(SHORTEN, reach, candidates, ranked, proof, threshold_min=threshold_min, cap_min=cap_min)


def cover_all(
    demand: pd.DataFrame,
    pairs: pd.DataFrame,
    *,
    candidates: pd.DataFrame,
    existing: pd.DataFrame,
    threshold_min: float,
    cap_min: float,
    effort: Effort = _EFFORT,
) -> Siting:
    """Choose the fewest new sites that bring within the threshold all who can be: set covering (Toregas et al. 1971).

    Demand that no candidate reaches within the threshold stays beyond it, and says so (``reason``). Parameters,
    results and errors as `cover_most`.
    """
    reach = _reach(demand, pairs, candidates, existing)
    gains = covering_gains(reach, threshold_min=threshold_min)
    choice = fewest(gains, effort=effort)
    chosen = settle(gains, choice.chosen, saving=saving_gains(reach, cap_min=cap_min))
    ranked = chosen[greedy(gains.only(chosen), len(chosen))]
    proof = _proof(choice, objective=choice.value, bound=choice.bound)
    return _siting(COVER_ALL, reach, candidates, ranked, proof, threshold_min=threshold_min, cap_min=cap_min)


def _reach(demand: pd.DataFrame, pairs: pd.DataFrame, candidates: pd.DataFrame, existing: pd.DataFrame) -> Reach:
    return read_reach(demand, pairs, candidates=list(candidates["place"]), existing=list(existing["place"]))


def _proof(choice: Choice, *, objective: float, bound: float) -> Proof:
    most = max(choice.value, choice.bound)
    gap = abs(choice.bound - choice.value) / most if most else 0.0
    rounded_up = np.ceil(gap * 10_000 - 1e-9) / 10_000
    sentence = f"à {percent(rounded_up, digits=2)} de l'optimum au plus" if gap else OPTIMAL
    return Proof(objective, bound, gap, sentence)


def _siting(
    problem: str,
    reach: Reach,
    candidates: pd.DataFrame,
    ranked: IntArray,
    proof: Proof,
    *,
    threshold_min: float,
    cap_min: float,
) -> Siting:
    steps, after, holder = _open(reach, ranked, threshold_min=threshold_min, cap_min=cap_min)
    names = candidates.drop_duplicates("place")
    sites = pd.DataFrame({"rank": np.arange(1, len(ranked) + 1), "place": reach.places.to_numpy()[ranked]})
    sites = _summed(sites, steps, reach, threshold_min=threshold_min, cap_min=cap_min)
    sites = sites.merge(names, on="place", how="left", validate="1:1")
    identity = [column for column in names.columns if column != "place"]
    figures = [column for column in sites.columns if column not in {"rank", "place", *identity}]
    people = _demand(reach, ranked, after, holder, threshold_min=threshold_min)
    table = _candidates(reach, names, ranked, threshold_min=threshold_min, cap_min=cap_min)
    ordered = sites[["rank", "place", *identity, *figures]]
    return Siting(problem, threshold_min, cap_min, ordered, people, steps, table, proof)


def _open(
    reach: Reach, ranked: IntArray, *, threshold_min: float, cap_min: float
) -> tuple[pd.DataFrame, FloatArray, IntArray]:
    """Open sites one after the other; return what each changes, the times at last and the rank of the nearest one."""
    time, holder, frames = reach.existing_min.copy(), np.zeros(len(reach.codes), dtype=np.int64), []
    for rank, site in enumerate(ranked, start=1):
        own = reach.site == site
        row, reached = reach.demand[own], reach.time_min[own]
        row, reached = row[shorter := reached < time[row]], reached[shorter]
        population = reach.population[row]
        brought = (reached <= threshold_min) & ~(time[row] <= threshold_min)
        columns = {
            "rank": rank,
            "place": reach.places[site],
            "code": reach.codes.to_numpy()[row],
            "population": population,
            "before_min": counted_ms(time[row], cap_min=cap_min) / MS_PER_MIN,
            "after_min": counted_ms(reached, cap_min=cap_min) / MS_PER_MIN,
            "gain_population": np.where(brought, population, 0),
        }
        frames.append(pd.DataFrame(columns, columns=STEP_COLUMNS))
        time[row], holder[row] = reached, rank
    return pd.concat(frames, ignore_index=True) if frames else _no_steps(), time, holder


STEP_COLUMNS = ["rank", "place", "code", "population", "before_min", "after_min", "gain_population"]


def _no_steps() -> pd.DataFrame:
    kinds = dict.fromkeys(STEP_COLUMNS, "int64") | {"place": "str", "code": "str"}
    return pd.DataFrame(columns=STEP_COLUMNS).astype(kinds | {"before_min": "float64", "after_min": "float64"})


def _summed(
    sites: pd.DataFrame, steps: pd.DataFrame, reach: Reach, *, threshold_min: float, cap_min: float
) -> pd.DataFrame:
    inhabited = int(reach.population.sum())
    within = int(reach.population[reach.existing_min <= threshold_min].sum())
    before_ms = float(counted_ms(reach.existing_min, cap_min=cap_min) @ reach.population)
    saved = ((steps["before_min"] - steps["after_min"]) * MS_PER_MIN).round() * steps["population"]
    saved_ms = saved.groupby(steps["rank"]).sum().reindex(sites["rank"], fill_value=0.0).to_numpy()
    gained = steps.groupby("rank")["gain_population"].sum().reindex(sites["rank"], fill_value=0).to_numpy()
    unit = inhabited * MS_PER_MIN if inhabited else np.nan
    cumulated = within + gained.cumsum()
    return sites.assign(
        gain_population=gained.astype("int64"),
        gain_min=saved_ms / unit,
        cumulative_population=cumulated.astype("int64"),
        cumulative_share=cumulated / (inhabited or np.nan),
        mean_min=(before_ms - saved_ms.cumsum()) / unit,
    )


def _demand(
    reach: Reach, ranked: IntArray, after: FloatArray, holder: IntArray, *, threshold_min: float
) -> pd.DataFrame:
    nearest = reach.existing_place.copy()
    nearest[holder > 0] = reach.places.to_numpy()[ranked[holder[holder > 0] - 1]]
    reachable = np.zeros(len(reach.codes), dtype=bool)
    reachable[reach.demand[reach.time_min <= threshold_min]] = True
    within = after <= threshold_min
    reason = np.select([within, reach.population == 0, ~reachable], ["", NO_INHABITANT, NO_CANDIDATE], default=MISSED)
    return pd.DataFrame(
        {
            "code": reach.codes.to_numpy(),
            "population": reach.population,
            "before_min": np.where(np.isfinite(reach.existing_min), reach.existing_min, np.nan),
            "before_place": pd.array(reach.existing_place, dtype="str"),
            "after_min": np.where(np.isfinite(after), after, np.nan),
            "after_place": pd.array(nearest, dtype="str"),
            "within_before": reach.existing_min <= threshold_min,
            "within_after": within,
            "rank": pd.Series(holder, dtype="Int64").mask(holder == 0),
            "reason": pd.array(reason, dtype="str"),
        }
    )


def _candidates(
    reach: Reach, names: pd.DataFrame, ranked: IntArray, *, threshold_min: float, cap_min: float
) -> pd.DataFrame:
    covering, saving = covering_gains(reach, threshold_min=threshold_min), saving_gains(reach, cap_min=cap_min)
    inhabited = float(reach.population.sum()) * MS_PER_MIN or np.nan
    people = np.bincount(covering.site, covering.gain, covering.sites).astype("int64")
    saved = np.bincount(saving.site, saving.gain, saving.sites)
    rank = pd.Series(np.arange(1, len(ranked) + 1), index=reach.places[ranked], dtype="Int64")
    table = pd.DataFrame({"place": reach.places, "alone_population": people, "alone_min": saved / inhabited})
    table = names.merge(table, on="place", how="left").sort_values("place", ignore_index=True)
    table["place"] = table["place"].astype("str")
    table["alone_population"] = table["alone_population"].fillna(0).astype("int64")
    table["rank"] = table["place"].map(rank).astype("Int64")
    useless = (table["alone_population"] == 0) & ~(table["alone_min"] > 0)
    known = [table["rank"].notna(), table["alone_min"].isna(), useless]
    reason = np.select([mask.to_numpy(dtype=bool) for mask in known], [CHOSEN, OPEN, USELESS], default=NOT_CHOSEN)
    return table.assign(alone_min=table["alone_min"].fillna(0.0), reason=pd.array(reason, dtype="str"))
