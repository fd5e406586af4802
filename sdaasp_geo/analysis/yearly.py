"""The plan seen from one year: what was done, is under way, starts next; contributions, budgets and meetings.

Dates come from the layers, never from a clock. Each action has one situation of a closed list, whatever its status and
its dates, so that situations add up to the plan.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
import pandas as pd

from sdaasp_geo.action_plan import ACTION, BODY, items_of
from sdaasp_geo.analysis.governance_indicators import INDICATORS, meetings
from sdaasp_geo.layers.action_items import COMMA_COLUMNS, budgets

DONE, DONE_BEFORE, DONE_UNDATED = "réalisée dans l'année", "réalisée avant l'année", "réalisée, date non dite"
DONE_SINCE, DONE_AFTER = "en cours dans l'année, réalisée depuis", "réalisée après l'année, début non dit"
UNDERWAY, ENDING = "en cours", "en cours, fin prévue dans l'année"
OVERDUE, LATE, BLOCKED, PAUSED = "en cours, fin prévue avant l'année", "en retard", "bloquée", "en pause"
NOT_STARTED = "à venir, début prévu dans l'année ou avant"
LATER, UPCOMING_UNDATED = "prévue après l'année", "à venir, début non dit"
DROPPED, MERGED = "abandonnée", "reprise par une autre action"
TO_DISCUSS, UNSAID = "à discuter", "statut non renseigné"

HARD = "En difficulté"

GROUPS = {
    "Réalisées": (DONE, DONE_UNDATED, DONE_BEFORE),
    "En cours": (UNDERWAY, ENDING, DONE_SINCE),
    HARD: (LATE, BLOCKED, PAUSED, OVERDUE, NOT_STARTED),
    "À venir": (LATER, UPCOMING_UNDATED),
    "À préciser": (TO_DISCUSS, UNSAID, DONE_AFTER),
    "Arrêtées": (DROPPED, MERGED),
}
"""Situations of an action in a year, by group, in reading order; the list is closed."""

SITUATIONS = tuple(situation for group in GROUPS.values() for situation in group)

LAUNCH, CONTINUE, DECIDE, COMPLETE = "lancer", "poursuivre", "décider", "compléter"
LATER_ON, NOTHING = "programmer plus tard", "aucune suite"
PROPOSALS = (LAUNCH, CONTINUE, DECIDE, COMPLETE, LATER_ON, NOTHING)
"""What the programme of the next year may say of an action; the list is closed."""

RECEIVED, MISSING, NOT_DUE = "reçue", "manquante", "sans objet"
"""Contribution of an action to the report of a year."""

NO_REPORT, UNREAD_REPORT, OLD_REPORT = "aucun bilan", "date du bilan non reconnue", "bilan antérieur à l'année"
"""Why a contribution is missing."""

ENOUGH, SHORT = "atteint", "moins que prévu"
NO_MEETING, NO_TARGET = "aucune réunion consignée", "nombre attendu non dit"
"""Meetings of a body against the number that the scheme announces."""

_GROUP_OF = {situation: group for group, situations in GROUPS.items() for situation in situations}
_NOT_EXPECTED = (DONE_BEFORE, LATER, UPCOMING_UNDATED, TO_DISCUSS, DROPPED, MERGED)
_FOLLOWING = {
    CONTINUE: (UNDERWAY, DONE_SINCE),
    DECIDE: (LATE, BLOCKED, PAUSED, OVERDUE, ENDING, NOT_STARTED, TO_DISCUSS),
    COMPLETE: (UPCOMING_UNDATED, UNSAID, DONE_UNDATED, DONE_AFTER),
    NOTHING: (DONE, DONE_BEFORE, DROPPED, MERGED),
}
_KEPT = (
    *("code", "titre", "orientation_code", "objectif_code", "porteurs", "statut", "start", "end", "dates_reason"),
    *("debut", "fin", "last_report", "dernier_bilan", "progress_pct", "bilan", "blocage", "merged_into"),
)


def actions_of_year(layer: pd.DataFrame, *, year: int) -> pd.DataFrame:
    """Give every action its situation in a year, its contribution to the report, and what the next year does with it.

    Parameters
    ----------
    layer : DataFrame
        From `layers.actions.build_actions`.
    year : int
        The civil year of the report.

    Returns
    -------
    DataFrame
        One row per action, in the order of the layer: ``code, titre, orientation_code, objectif_code, porteurs,
        statut, start, end, dates_reason, debut, fin, last_report, dernier_bilan, progress_pct, bilan, blocage,
        merged_into`` as in the layer, and

        - ``situation`` (one of `SITUATIONS`) and ``group`` (one of `GROUPS`). An action whose status is *réalisée*
          counts in the year of its end, or of its last report where no end is read;
        - ``contribution`` (`RECEIVED`, `MISSING`, `NOT_DUE`): a last report dated on 1 January of the year or after is
          one; ``contribution_reason`` says why one is missing;
        - ``proposal`` (one of `PROPOSALS`) for the year after;
        - ``lacks`` : tuple of what is still to be written (``porteur, début, fin, statut, territoire``), empty for
          the actions that need no follow-up.
    """
    actions = layer[layer["niveau"] == ACTION]
    situation = _situations(actions, year)
    contribution, reason = _contributions(actions, situation, year)
    proposal = _proposals(actions, situation, year)
    return (
        actions[list(_KEPT)]
        .assign(
            situation=situation,
            group=situation.map(_GROUP_OF),
            contribution=contribution,
            contribution_reason=reason,
            proposal=proposal,
            lacks=_lacks(actions, proposal),
        )
        .reset_index(drop=True)
    )


def _bounds(year: int) -> tuple[pd.Timestamp, pd.Timestamp]:
    return pd.Timestamp(year, 1, 1), pd.Timestamp(year, 12, 31)


def _situations(actions: pd.DataFrame, year: int) -> pd.Series:
    """Choose the first case that holds; a date that is not known satisfies no comparison."""
    first, last = _bounds(year)
    status, start, end = actions["statut"], actions["start"], actions["end"]
    done, underway, upcoming = status == "réalisée", status == "en cours", status == "à venir"
    day = end.fillna(actions["last_report"])
    cases = {
        MERGED: actions["merged_into"] != "",
        DONE: done & (day >= first) & (day <= last),
        DONE_BEFORE: done & (day < first),
        LATER: (done | underway | upcoming) & (start > last),
        DONE_SINCE: done & (day > last) & (start <= last),
        DONE_AFTER: done & (day > last),
        DONE_UNDATED: done,
        OVERDUE: underway & (end < first),
        ENDING: underway & (end <= last),
        UNDERWAY: underway,
        NOT_STARTED: upcoming & (start <= last),
        UPCOMING_UNDATED: upcoming,
        UNSAID: status == "",
        **{same: status == same for same in (LATE, BLOCKED, PAUSED, DROPPED, TO_DISCUSS)},
    }
    return _chosen(cases, actions.index)


def _chosen(cases: dict[str, pd.Series], index: pd.Index, default: str = UNSAID) -> pd.Series:
    chosen = np.select(list(cases.values()), list(cases), default)
    return pd.Series(chosen, index=index, dtype="str")


def _contributions(actions: pd.DataFrame, situation: pd.Series, year: int) -> tuple[pd.Series, pd.Series]:
    first, _ = _bounds(year)
    received = actions["last_report"] >= first
    cases = {RECEIVED: received, NOT_DUE: situation.isin(_NOT_EXPECTED)}
    contribution = _chosen(cases, actions.index, MISSING)
    unread = actions["last_report"].isna()
    reasons = {
        "": contribution != MISSING,
        NO_REPORT: unread & (actions["dernier_bilan"].str.strip() == ""),
        UNREAD_REPORT: unread,
    }
    return contribution, _chosen(reasons, actions.index, OLD_REPORT)


def _proposals(actions: pd.DataFrame, situation: pd.Series, year: int) -> pd.Series:
    cases = {proposal: situation.isin(situations) for proposal, situations in _FOLLOWING.items()}
    return _chosen(
        {LAUNCH: (situation == LATER) & (actions["start"].dt.year == year + 1), **cases}, actions.index, LATER_ON
    )


def _lacks(actions: pd.DataFrame, proposal: pd.Series) -> list[tuple[str, ...]]:
    places = (actions["territoires"] == "") & (actions["territoires_codes"] == "")
    missing = {
        "porteur": actions["porteurs"] == "",
        "début": actions["start"].isna(),
        "fin": actions["end"].isna(),
        "statut": actions["statut"] == "",
        "territoire": places,
    }
    rows = zip(*missing.values(), strict=True)
    return [
        () if closed else tuple(word for word, absent in zip(missing, row, strict=True) if absent)
        for closed, row in zip(proposal == NOTHING, rows, strict=True)
    ]


def count_situations(table: pd.DataFrame) -> pd.DataFrame:
    """Count the actions of each situation, those without any included.

    Returns
    -------
    DataFrame
        ``group, situation, actions``: one row per situation of `SITUATIONS`; they add up to the rows of ``table``.
    """
    sizes = table["situation"].value_counts()
    rows = [(_GROUP_OF[name], name, int(sizes.get(name, 0))) for name in SITUATIONS]
    return pd.DataFrame(rows, columns=["group", "situation", "actions"])


def count_by_orientation(table: pd.DataFrame, orientations: Sequence[str]) -> pd.DataFrame:
    """Count the actions of each orientation by group.

    Parameters
    ----------
    orientations : sequence of str
        Codes of the orientations of the plan.

    Returns
    -------
    DataFrame
        ``orientation`` (empty: tied to none), one column per group of `GROUPS`, ``actions`` (their sum).
    """
    codes = [*orientations, *([""] if (table["orientation_code"] == "").any() else [])]
    counted = pd.crosstab(table["orientation_code"], table["group"]).reindex(index=codes, columns=list(GROUPS))
    whole = counted.fillna(0).astype("int64")
    return whole.assign(actions=whole.sum(axis="columns")).rename_axis("orientation").reset_index()


def contributions_by_lead(table: pd.DataFrame) -> pd.DataFrame:
    """Count the contributions of each lead: an action with two leads counts for both.

    Parameters
    ----------
    table : DataFrame
        From `actions_of_year`.

    Returns
    -------
    DataFrame
        ``lead`` (as written; empty: no lead is written), ``actions, received, missing, not_due`` (they add up),
        ``missing_codes`` and ``reasons`` (tuples, one for each missing contribution); leads that owe most first.
    """
    found: dict[str, list[tuple[str, str, str]]] = {}
    columns = (table[name] for name in ("porteurs", "code", "contribution", "contribution_reason"))
    for leads, code, contribution, reason in zip(*columns, strict=True):
        for lead in dict.fromkeys(items_of(leads, commas="porteurs" in COMMA_COLUMNS)) or ("",):
            found.setdefault(lead, []).append((code, contribution, reason))
    rows = [
        (
            lead,
            len(own),
            *(sum(1 for _, state, _ in own if state == wanted) for wanted in (RECEIVED, MISSING, NOT_DUE)),
            tuple(code for code, state, _ in own if state == MISSING),
            tuple(reason for _, state, reason in own if state == MISSING),
        )
        for lead, own in found.items()
    ]
    names = ["lead", "actions", "received", "missing", "not_due", "missing_codes", "reasons"]
    return pd.DataFrame(rows, columns=names).sort_values(
        ["missing", "lead"], ascending=[False, True], kind="stable", ignore_index=True
    )


def budget_of_year(layer: pd.DataFrame, *, year: int) -> pd.DataFrame:
    """Return the euros planned and spent in a year by action, and the words that are no amount.

    Returns
    -------
    DataFrame
        ``code, planned_eur, spent_eur`` (NaN: not said for that year), ``undated_planned_eur, undated_spent_eur``
        (amounts without a year, counted in none), ``unread`` (words of the cells that are no amount, joined). One row
        per action that says one of them, in the order of the layer.
    """
    entries = budgets(layer)
    own, undated = entries[entries["year"] == year], entries[entries["year"].isna() & (entries["unread"] == "")]
    unread = entries[entries["unread"] != ""].groupby("code")["unread"].agg(" | ".join)
    order = layer.loc[layer["niveau"] == ACTION, "code"]
    said = order[order.isin({*own["code"], *undated["code"], *unread.index})]
    table = pd.DataFrame({"code": said.to_numpy()}, dtype="str")
    for prefix, rows in (("", own), ("undated_", undated)):
        for column in ("planned_eur", "spent_eur"):
            table[prefix + column] = table["code"].map(rows.set_index("code")[column]).astype("float64")
    return table.assign(unread=pd.array([unread.get(code, "") for code in table["code"]], dtype="str"))


def meetings_of_year(
    bodies: pd.DataFrame, named: pd.DataFrame, *, year: int, places: Mapping[str, int] = MappingProxyType({})
) -> pd.DataFrame:
    """Count the meetings of each body in a year against the number that the scheme announces.

    Parameters
    ----------
    bodies : DataFrame
        From `layers.governance.build_governance`.
    named : DataFrame
        Territories of its rows (`study.Programme.territories`).
    places : mapping of str to int
        Codes of the bodies that meet in several places, as those of each PETR, and how many; one for the others.

    Returns
    -------
    DataFrame
        ``code, nom, expected`` (meetings at least, in all places; NaN: unsaid), ``held`` (int: recorded meetings),
        ``dates`` (tuple, as written, in order), ``undated`` (meetings whose year is not sure: they count in none),
        ``state`` (`ENOUGH`, `SHORT`, `NO_MEETING`, `NO_TARGET`).
    """
    listed = meetings(bodies, named)
    own = listed[(listed["year"] == year).fillna(value=False)].sort_values("day", kind="stable")
    rows = []
    for row in bodies[bodies["type"] == BODY].to_dict("records"):
        dates = tuple(own.loc[own["body"] == row["code"], "words"])
        undated = int(((listed["body"] == row["code"]) & listed["year"].isna()).sum())
        expected = row["meetings_min"] * places.get(row["code"], 1)
        rows.append((row["code"], row["nom"], expected, len(dates), dates, undated, _state(len(dates), expected)))
    return pd.DataFrame(rows, columns=["code", "nom", "expected", "held", "dates", "undated", "state"])


def _state(held: int, expected: float) -> str:
    if pd.isna(expected):
        return NO_TARGET
    if held >= expected:
        return ENOUGH
    return SHORT if held else NO_MEETING


def governance_of_year(indicators: pd.DataFrame, *, year: int) -> pd.DataFrame:
    """Set the indicators of governance of a year side by side.

    Parameters
    ----------
    indicators : DataFrame
        From `analysis.governance_indicators.governance_indicators`.

    Returns
    -------
    DataFrame
        ``territory_name``, then one column per indicator, under its code: float, NaN where nothing is said for that
        year. One row per EPCI, then the département; indicators without date are those of the table.
    """
    names = list(dict.fromkeys(indicators["epci"]))
    dated = set(indicators.loc[indicators["year"].notna(), "indicator"])
    of_year = (indicators["year"] == year).fillna(value=False).astype("bool")
    own = indicators[of_year | ~indicators["indicator"].isin(dated)]
    values = {(row.epci, row.indicator): row.value for row in own.itertuples(index=False)}
    columns = {code: [values.get((name, code), np.nan) for name in names] for code in INDICATORS}
    return pd.DataFrame({"territory_name": names, **columns})
