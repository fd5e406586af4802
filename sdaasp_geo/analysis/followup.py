"""Where the plan stands on a day: states of its actions, late ones, euros, what is due to whom; nothing is dropped."""

from __future__ import annotations

import datetime as dt
import re

import numpy as np
import pandas as pd

from sdaasp_geo.action_plan import ACTION, DEADLINE, OBJECTIVE, ORIENTATION, STATUSES, fold, items_of
from sdaasp_geo.analysis.reach import NOT_KNOWN, NOT_SAID, unreached
from sdaasp_geo.layers.action_items import budgets, items
from sdaasp_geo.layers.periods import ONLY_YEAR, read_period

NO_STATUS = "non renseigné"
"""Status of an action of which nobody said the state."""

SHOWN_STATUSES = (*STATUSES, NO_STATUS)
DONE, DROPPED, LATE = "réalisée", "abandonnée", "en retard"
CLOSED = (DONE, DROPPED)
"""States after which a date of end no longer matters."""

DATED, VAGUE, OPEN_ENDED, UNDATED = "datée", "approximative", "une seule borne", "sans date"
DATINGS = (DATED, VAGUE, OPEN_ENDED, UNDATED)
"""How sure the dates of an action are."""

DECLARED, OVERDUE = "statut «\u00a0en retard\u00a0»", "échéance dépassée"
"""Two kinds of late actions: what people say, and what the calendar says."""

RECEIVED, AWAITED, MISSED = "reçue", "attendue", "attendue, échéance passée"
UPCOMING, PAST, NO_DAY = "à venir", "passée", "date non renseignée"
SYNTHESIS = "synthese"
"""Word of the deadlines that every lead of an action owes (folded)."""

_YEARLY = re.compile(r"\s*,?\s*(?:de\s+|d')?(?:chaque\s+ann[ée]e|tous\s+les\s+ans|chaque\s+an)\s*,?\s*", re.IGNORECASE)
_MONTH_AND_DAY = re.compile(r"\b(\d{1,2}/\d{1,2})\s*$")
_FIRST_OF_LEAP = 8  # years from one 29 February to the next, at most


def followed(actions: pd.DataFrame, *, day: dt.date) -> pd.DataFrame:
    """Tell where each action stands on a day.

    Parameters
    ----------
    actions : DataFrame
        The layer (`layers.actions.build_actions`).
    day : date
        Day of reference.

    Returns
    -------
    DataFrame
        One row per action, in order: ``code, title, objective, orientation`` (codes, empty where nothing ties them),
        ``status`` (`SHOWN_STATUSES`), ``progress_pct`` (NaN where unsaid), ``start, end`` (datetime64[s]), ``words``
        (dates as written), ``dating`` (`DATINGS`), ``dates_reason``, ``declared_late``, ``overdue`` (the last day is
        before the day of reference, and the action is neither done nor dropped: an action that ends on the day is not
        overdue), ``days_overdue`` (Int64, missing unless overdue), ``last_report`` (datetime64[s]), ``merged_into``.
    """
    own = actions[actions["niveau"] == ACTION].reset_index(drop=True)
    status = own["statut"].where(own["statut"] != "", NO_STATUS)
    overdue = (own["end"] < np.datetime64(day, "s")) & ~status.isin(CLOSED)
    days = (np.datetime64(day, "s") - own["end"]).dt.days.astype("Int64").where(overdue)
    words = [" – ".join(part for part in pair if part) for pair in zip(own["debut"], own["fin"], strict=True)]
    table = own[["code", "titre", "objectif_code", "orientation_code", "progress_pct", "start", "end"]]
    return table.rename(
        columns={"titre": "title", "objectif_code": "objective", "orientation_code": "orientation"}
    ).assign(
        status=status,
        words=pd.array(words, dtype="str"),
        dating=_datings(own),
        dates_reason=own["dates_reason"],
        declared_late=status == LATE,
        overdue=overdue,
        days_overdue=days,
        last_report=own["last_report"],
        merged_into=own["merged_into"],
    )


def _datings(rows: pd.DataFrame) -> pd.Series:
    start, end = rows["start"].notna(), rows["end"].notna()
    kinds = [~start & ~end, start != end, rows["dates_reason"] == ONLY_YEAR]
    return pd.Series(np.select(kinds, [UNDATED, OPEN_ENDED, VAGUE], DATED), index=rows.index, dtype="str")


def late_actions(stand: pd.DataFrame) -> pd.DataFrame:
    """List the late actions, one row per action × kind, declared ones first, then the longest overdue.

    Parameters
    ----------
    stand : DataFrame
        `followed`.

    Returns
    -------
    DataFrame
        ``kind`` (`DECLARED` or `OVERDUE`), ``code, title, status, end, words, days_overdue``, ``both`` (the action is
        late in both ways).
    """
    both = stand["declared_late"] & stand["overdue"]
    kinds = {DECLARED: stand["declared_late"], OVERDUE: stand["overdue"]}
    parts = [stand.assign(kind=kind, both=both)[rows] for kind, rows in kinds.items()]
    parts[1] = parts[1].sort_values("days_overdue", ascending=False, kind="stable")
    columns = ["kind", "code", "title", "status", "end", "words", "days_overdue", "both"]
    return pd.concat(parts, ignore_index=True)[columns]


def groups_by_orientation(actions: pd.DataFrame) -> pd.DataFrame:
    """Put each action in one orientation; those of none are in the group without code.

    Returns
    -------
    DataFrame
        ``code`` (of the action), ``group, label``; every orientation has a row, with an empty code where it has no
        action.
    """
    names = actions[actions["niveau"] == ORIENTATION].set_index("code")["titre"]
    own = actions[actions["niveau"] == ACTION]
    tied = zip(own["code"], own["orientation_code"], strict=True)
    rows = [(code, group, names.get(group, NO_STATUS)) for code, group in tied]
    return _groups([*(("", code, title) for code, title in names.items()), *rows])


def groups_by_territory(
    actions: pd.DataFrame, named: pd.DataFrame, reach: pd.DataFrame, epci: pd.DataFrame
) -> pd.DataFrame:
    """Put each action in the EPCI where it applies, or, where there is none, in the reason why.

    Parameters
    ----------
    named, reach : DataFrame
        `Programme.territories` and `Programme.reach`.
    epci : DataFrame
        ``siren, name``: every one has a row.

    Returns
    -------
    DataFrame
        ``code, group`` (SIREN, or ``non-reconnu``, ``non-dit``), ``label``.
    """
    names = dict(zip(epci["siren"], epci["name"], strict=True))
    left = unreached(actions, named, reach)
    keys = {NOT_KNOWN: "non-reconnu", NOT_SAID: "non-dit"}
    rows = [("", siren, name) for siren, name in names.items()]
    rows += [(code, siren, names.get(siren, siren)) for code, siren in zip(reach["code"], reach["siren"], strict=True)]
    rows += [("", keys[reason], reason) for reason in keys]
    rows += [(code, keys[reason], reason) for code, reason in zip(left["code"], left["reason"], strict=True)]
    return _groups(rows)


def groups_by_lead(actions: pd.DataFrame) -> pd.DataFrame:
    """Put each action under its leads (porteurs), spellings aside; those of none are in the group without code.

    Returns
    -------
    DataFrame
        ``code, group`` (the folded name, dashes for spaces), ``label`` (its first spelling); an action with two
        leads has two rows.
    """
    named = items(actions[actions["niveau"] == ACTION], "porteurs")
    first: dict[str, str] = {}
    rows = []
    for code, name in zip(named["code"], named["item"], strict=True):
        key = fold(name).replace(" ", "-") or "autre"
        rows.append((code, key, first.setdefault(key, name)))
    own = actions.loc[actions["niveau"] == ACTION, "code"]
    rows.sort(key=lambda row: fold(row[2]))
    rows += [(code, "", NO_STATUS) for code in own[~own.isin(set(named["code"]))]]
    return _groups(rows)


def _groups(rows: list[tuple[str, str, str]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["code", "group", "label"], dtype="str").drop_duplicates(ignore_index=True)


def count_statuses(stand: pd.DataFrame, groups: pd.DataFrame) -> pd.DataFrame:
    """Count the actions of each group by status.

    Parameters
    ----------
    stand : DataFrame
        `followed`: every action is counted once per status in a group.
    groups : DataFrame
        ``code, group, label``; a row with an empty code makes sure that its group is shown.

    Returns
    -------
    DataFrame
        One row per group, in the order of ``groups``: ``group, label``, a column per status of `SHOWN_STATUSES`, then
        ``total, late, overdue`` (int64). Groups that share no action add up to the number of actions.
    """
    order = groups.drop_duplicates("group")[["group", "label"]].reset_index(drop=True)
    own = groups[groups["code"] != ""].drop_duplicates(["code", "group"]).merge(stand, on="code", validate="m:1")
    counts = pd.crosstab(own["group"], own["status"]).reindex(
        index=order["group"], columns=list(SHOWN_STATUSES), fill_value=0
    )
    flags = own.groupby("group")[["declared_late", "overdue"]].sum().reindex(order["group"], fill_value=0)
    table = order.assign(**{status: counts[status].to_numpy() for status in SHOWN_STATUSES})
    return table.assign(
        total=counts.sum(axis=1).to_numpy(),
        late=flags["declared_late"].to_numpy(),
        overdue=flags["overdue"].to_numpy(),
    ).astype(dict.fromkeys([*SHOWN_STATUSES, "total", "late", "overdue"], "int64"))


def count_by_status(stand: pd.DataFrame) -> pd.DataFrame:
    """Count every action once, by status: ``status, actions`` (int64), in the order of `SHOWN_STATUSES`."""
    counts = stand["status"].value_counts().reindex(list(SHOWN_STATUSES), fill_value=0)
    return pd.DataFrame({"status": list(SHOWN_STATUSES), "actions": counts.to_numpy(dtype="int64")})


def budget_totals(actions: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, int]:
    """Add up the euros of the actions by year.

    Returns
    -------
    DataFrame
        ``year`` (Int64, missing: amounts without year), ``planned_eur, spent_eur`` (NaN where no action says any),
        ``planned_actions, spent_actions`` (int64: how many say one); sorted by year, the one without year last.
    DataFrame
        ``code, unread``: words of the cells that are no amount.
    int
        Number of actions that give no amount.
    """
    listed = budgets(actions)
    unread = listed.loc[listed["unread"] != "", ["code", "unread"]].reset_index(drop=True)
    amounts = listed[listed["unread"] == ""]
    known = amounts.dropna(subset=["planned_eur", "spent_eur"], how="all")
    grouped = amounts.groupby("year", dropna=False, sort=True)[["planned_eur", "spent_eur"]]
    sums, numbers = grouped.sum(min_count=1), grouped.count()
    table = sums.assign(planned_actions=numbers["planned_eur"], spent_actions=numbers["spent_eur"]).reset_index()
    silent = int((actions["niveau"] == ACTION).sum()) - known["code"].nunique()
    return table.astype({"year": "Int64", "planned_actions": "int64", "spent_actions": "int64"}), unread, silent


def next_deadline(words: str, *, day: dt.date) -> tuple[dt.date | None, bool]:
    """Read the day of a deadline, and whether it comes back each year.

    A deadline « de chaque année » is the first one on the day of reference or after it.

    Parameters
    ----------
    words : str
        Such as « 30 juin 2019 », « Avant le 30 juin de chaque année », « En 2017 » (its last day).
    day : date
        Day of reference.

    Returns
    -------
    date or None
        None where the words give no day.
    bool
        Whether it comes back each year.
    """
    point = _YEARLY.sub(" ", words).strip()
    if point == words.strip():
        return read_period(words).end, False
    if not point:
        return None, True
    slashed = _MONTH_AND_DAY.search(point) is not None
    for year in range(day.year, day.year + _FIRST_OF_LEAP + 1):
        end = read_period(f"{point}/{year}" if slashed else f"{point} {year}").end
        if end is not None and end >= day:
            return end, True
    return None, True


def deadlines(bodies: pd.DataFrame, *, day: dt.date) -> pd.DataFrame:
    """List the deadlines of the governance, the next first; those without a day come last.

    Parameters
    ----------
    bodies : DataFrame
        The layer (`layers.governance.build_governance`).
    day : date
        Day of reference.

    Returns
    -------
    DataFrame
        ``code, what, to_whom`` (« ; » between), ``concerned`` (territories as written), ``words`` (as written),
        ``deadline`` (datetime64[s]), ``yearly``, ``state`` (`UPCOMING`, the day of reference included, `PAST` or
        `NO_DAY`), ``synthesis`` (every lead of an action owes it), ``remarks, source``.
    """
    own = bodies[bodies["type"] == DEADLINE].reset_index(drop=True)
    read = [next_deadline(words, day=day) for words in own["date"]]
    names = [fold(f"{code} {name}") for code, name in zip(own["code"], own["nom"], strict=True)]
    table = pd.DataFrame(
        {
            "code": own["code"],
            "what": own["nom"],
            "to_whom": [" ; ".join(items_of(text, commas=True)) for text in own["participants"]],
            "concerned": [" ; ".join(items_of(text, commas=True)) for text in own["territoires"]],
            "words": own["date"],
            "deadline": pd.array([end for end, _ in read], dtype="datetime64[s]"),
            "yearly": pd.array([yearly for _, yearly in read], dtype="bool"),
            "state": pd.array([_state(end, day) for end, _ in read], dtype="str"),
            "synthesis": pd.array([SYNTHESIS in name.split() for name in names], dtype="bool"),
            "remarks": own["remarques"],
            "source": own["source"],
        }
    )
    rank = table["state"].map({UPCOMING: 0, PAST: 1, NO_DAY: 2})
    return (
        table.assign(_rank=rank)
        .sort_values(["_rank", "deadline"], kind="stable", ignore_index=True)
        .drop(columns="_rank")
    )


def _state(end: dt.date | None, day: dt.date) -> str:
    if end is None:
        return NO_DAY
    return UPCOMING if end >= day else PAST


def due_reports(actions: pd.DataFrame, due: pd.DataFrame) -> pd.DataFrame:
    """List what each lead of an action owes: one row per yearly synthesis × action × lead.

    A report counts when it was given in the year that ends on the deadline, or later.

    Parameters
    ----------
    actions : DataFrame
        The layer of actions.
    due : DataFrame
        `deadlines`; where none is a synthesis, nothing is due.

    Returns
    -------
    DataFrame
        ``deadline_code, what, code, title, status, lead, lead_key`` (empty: no lead is named, so nobody knows who owes
        it), ``referents, to_whom, words, deadline, last_report, state`` (`RECEIVED`, `AWAITED`, `MISSED`).
    """
    own = actions[actions["niveau"] == ACTION]
    leads = groups_by_lead(actions).rename(columns={"group": "lead_key", "label": "lead"})
    told = pd.DataFrame(
        {
            "code": own["code"],
            "title": own["titre"],
            "status": own["statut"].where(own["statut"] != "", NO_STATUS),
            "referents": [" ; ".join(items_of(text)) for text in own["referents"]],
            "last_report": own["last_report"],
        }
    )
    owed = told.merge(leads, on="code").merge(
        due.loc[due["synthesis"], ["code", "what", "to_whom", "words", "deadline", "state"]].rename(
            columns={"code": "deadline_code", "state": "when"}
        ),
        how="cross",
    )
    opened = owed["deadline"] - pd.DateOffset(years=1) if len(owed) else owed["deadline"]
    received = (owed["last_report"] > opened).fillna(value=False).astype("bool")
    owed["lead"] = owed["lead"].where(owed["lead_key"] != "", "")
    owed["state"] = np.select([received, owed["when"] == PAST], [RECEIVED, MISSED], AWAITED)
    columns = ["deadline_code", "what", "code", "title", "status", "lead", "lead_key", "referents", "to_whom", "words"]
    return owed[[*columns, "deadline", "last_report", "state"]].astype({"state": "str"})


def objective_names(actions: pd.DataFrame) -> dict[str, str]:
    """Return the titles of the objectives by code."""
    own = actions[actions["niveau"] == OBJECTIVE]
    return dict(zip(own["code"], own["titre"], strict=True))
