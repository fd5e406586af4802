"""Follow-up of a plan: every action once, both kinds of lateness, euros that add up, what is due before a day."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdaasp_geo.action_plan import ORIGIN, STATUSES, action_fields, governance_fields
from sdaasp_geo.analysis.followup import (
    AWAITED,
    CLOSED,
    DATED,
    DECLARED,
    MISSED,
    NO_DAY,
    NO_STATUS,
    OPEN_ENDED,
    OVERDUE,
    PAST,
    RECEIVED,
    SHOWN_STATUSES,
    UNDATED,
    UPCOMING,
    VAGUE,
    budget_totals,
    count_by_status,
    count_statuses,
    deadlines,
    due_reports,
    followed,
    groups_by_lead,
    groups_by_orientation,
    groups_by_territory,
    late_actions,
    next_deadline,
)
from sdaasp_geo.layers.actions import build_actions
from sdaasp_geo.layers.governance import build_governance

DAY = dt.date(2019, 6, 30)
EPCI = pd.DataFrame({"siren": ["111", "222"], "name": ["A", "B"]})
NAMED = ["table", "kind", "code", "rank", "words", "reason"]


def rows_of(names: list[str], *rows: dict[str, str]) -> pd.DataFrame:
    filled = [dict.fromkeys(names, "") | {"titre": "Titre", "nom": "Nom"} | row for row in rows]
    return pd.DataFrame(filled, columns=names, dtype="str").assign(**{ORIGIN: "plan.csv"})


def plan(*rows: dict[str, str]) -> pd.DataFrame:
    return build_actions(rows_of([field.name for field in action_fields()], *rows))[0]


def governance(*rows: dict[str, str]) -> pd.DataFrame:
    rows_with_type = [{"type": "echeance", "code": str(rank)} | row for rank, row in enumerate(rows)]
    return build_governance(rows_of([field.name for field in governance_fields()], *rows_with_type))[0]


@pytest.mark.parametrize(
    ("status", "end", "overdue", "days"),
    [
        ("en cours", "29/06/2019", True, 1),
        ("en cours", "30/06/2019", False, None),
        ("", "31/12/2018", True, 181),
        ("réalisée", "31/12/2018", False, None),
        ("abandonnée", "31/12/2018", False, None),
        ("en retard", "31/12/2020", False, None),
        ("en cours", "", False, None),
    ],
)
def test_overdue_is_the_day_before_the_reference(status: str, end: str, overdue: bool, days: int | None) -> None:  # noqa: FBT001
    stand = followed(plan({"code": "1", "statut": status, "fin": end}), day=DAY)
    assert stand["overdue"].tolist() == [overdue]
    assert stand["days_overdue"].tolist() == [days if overdue else pd.NA]
    assert stand["declared_late"].tolist() == [status == "en retard"]
    assert stand["status"].tolist() == [status or NO_STATUS]


def test_what_is_declared_late_and_what_is_overdue_stand_apart() -> None:
    rows = [
        {"code": "1", "statut": "en retard", "fin": "31/12/2018"},
        {"code": "2", "statut": "en retard", "fin": "31/12/2020"},
        {"code": "3", "statut": "en cours", "fin": "31/12/2017"},
    ]
    late = late_actions(followed(plan(*rows), day=DAY))
    assert late[["kind", "code", "both"]].to_numpy().tolist() == [
        [DECLARED, "1", True],
        [DECLARED, "2", False],
        [OVERDUE, "3", False],
        [OVERDUE, "1", True],
    ]


def test_dates_say_how_sure_they_are() -> None:
    written = [
        ("2018", "2019"),
        ("fin 2018", "fin 2019"),
        ("dès 2018", ""),
        ("", "30/06/2020"),
        ("à définir", ""),
        ("", ""),
    ]
    rows = [{"code": str(rank), "debut": start, "fin": end} for rank, (start, end) in enumerate(written)]
    stand = followed(plan(*rows), day=DAY)
    assert stand["dating"].tolist() == [DATED, VAGUE, OPEN_ENDED, OPEN_ENDED, UNDATED, UNDATED]
    assert stand["words"].tolist() == ["2018 – 2019", "fin 2018 – fin 2019", "dès 2018", "30/06/2020", "à définir", ""]


@given(
    st.lists(
        st.tuples(st.sampled_from(["", *STATUSES]), st.sampled_from(["", "A", "B", "A | B", "a ; C"])), max_size=30
    )
)
def test_every_action_is_counted_once_a_status(pairs: list[tuple[str, str]]) -> None:
    rows = [{"code": str(rank), "statut": status, "porteurs": who} for rank, (status, who) in enumerate(pairs)]
    actions = plan({"niveau": "orientation", "code": "1"}, *rows)
    stand = followed(actions, day=DAY)
    assert count_by_status(stand)["actions"].sum() == len(pairs)
    by_orientation = count_statuses(stand, groups_by_orientation(actions))
    assert by_orientation["group"].tolist() == (["1", ""] if pairs else ["1"])
    assert by_orientation["total"].sum() == len(pairs)
    leads = groups_by_lead(actions)
    by_lead = count_statuses(stand, leads)
    assert set(leads["code"]) == set(stand["code"])
    assert by_lead["total"].sum() == len(leads)
    assert set(leads["group"]) <= {"", "a", "b", "c"}
    assert (by_lead[list(SHOWN_STATUSES)].sum(axis=1) == by_lead["total"]).all()


def test_territories_hold_every_action_or_say_why_not() -> None:
    actions = plan(
        *({"code": code, "territoires": where} for code, where in (("1", "A"), ("2", "Ailleurs"), ("3", "")))
    )
    named = pd.DataFrame(
        [("actions", "action", "1", 1, "A", ""), ("actions", "action", "2", 1, "Ailleurs", "inconnu")], columns=NAMED
    )
    reach = pd.DataFrame({"code": ["1", "1"], "siren": ["111", "222"]})
    groups = groups_by_territory(actions, named, reach, EPCI)
    counts = count_statuses(followed(actions, day=DAY), groups).set_index("group")["total"]
    assert counts.to_dict() == {"111": 1, "222": 1, "non-reconnu": 1, "non-dit": 1}


def test_budgets_add_up_and_keep_what_is_not_read() -> None:
    rows = [
        {"code": "1", "budget_prevu_eur": "2018 : 1000 | 2019 : 500,50", "budget_depense_eur": "2018 : 900"},
        {"code": "2", "budget_prevu_eur": "2018 : 2000 | beaucoup"},
        {"code": "3", "budget_prevu_eur": "7 000"},
        {"code": "4"},
        {"code": "5", "budget_prevu_eur": "à voir"},
    ]
    totals, unread, silent = budget_totals(plan(*rows))
    assert totals["year"].tolist() == [2018, 2019, pd.NA]
    assert totals["planned_eur"].tolist() == [3000.0, 500.5, 7000.0]
    assert totals["planned_actions"].tolist() == [2, 1, 1]
    assert totals["spent_eur"].iloc[0] == 900.0
    assert totals["spent_eur"].iloc[1:].isna().all()
    assert unread.to_numpy().tolist() == [["2", "beaucoup"], ["5", "à voir"]]
    assert silent == 2


@pytest.mark.parametrize(
    ("words", "day", "found"),
    [
        ("Avant le 30 juin de chaque année", "2026-06-30", ("2026-06-30", True)),
        ("Avant le 30 juin de chaque année", "2026-07-01", ("2027-06-30", True)),
        ("Tous les ans, avant le 30 juin", "2026-11-22", ("2027-06-30", True)),
        ("avant le 30/06 de chaque année", "2026-01-01", ("2026-06-30", True)),
        ("le 29 février chaque année", "2026-01-01", ("2028-02-29", True)),
        ("30 juin 2019", "2026-01-01", ("2019-06-30", False)),
        ("En 2017", "2026-01-01", ("2017-12-31", False)),
        ("Chaque année", "2026-01-01", (None, True)),
        ("bientôt", "2026-01-01", (None, False)),
        ("", "2026-01-01", (None, False)),
    ],
)
def test_a_yearly_deadline_is_the_next_one(words: str, day: str, found: tuple[str | None, bool]) -> None:
    end, yearly = next_deadline(words, day=dt.date.fromisoformat(day))
    assert (end.isoformat() if end else None, yearly) == found


def test_deadlines_come_next_first_and_none_is_lost() -> None:
    bodies = governance(
        {"nom": "Sans date"},
        {"nom": "Passée", "date": "2017"},
        {"nom": "Ce jour", "date": "30/06/2019", "participants": "Préfet | Président"},
        {"nom": "Synthèse annuelle", "date": "Avant le 30 juin de chaque année"},
    )
    due = deadlines(bodies, day=DAY)
    assert due["what"].tolist() == ["Ce jour", "Synthèse annuelle", "Passée", "Sans date"]
    assert due["state"].tolist() == [UPCOMING, UPCOMING, PAST, NO_DAY]
    assert due["synthesis"].tolist() == [False, True, False, False]
    assert due["to_whom"].iloc[0] == "Préfet ; Président"


@pytest.mark.parametrize(
    ("report", "date", "state"),
    [
        ("30/06/2019", "30/06/2019", RECEIVED),
        ("01/07/2018", "30/06/2019", RECEIVED),
        ("30/06/2018", "30/06/2019", AWAITED),
        ("", "30/06/2019", AWAITED),
        ("", "30/06/2018", MISSED),
        ("01/09/2018", "30/06/2018", RECEIVED),
        ("30/06/2018", "chaque année", AWAITED),
    ],
)
def test_a_report_counts_for_the_year_that_ends_on_the_deadline(report: str, date: str, state: str) -> None:
    due = deadlines(governance({"nom": "Synthèse", "date": date, "participants": "Préfet"}), day=DAY)
    owed = due_reports(plan({"code": "1", "porteurs": "A | B", "dernier_bilan": report}, {"code": "2"}), due)
    assert owed[["code", "lead"]].to_numpy().tolist() == [["1", "A"], ["1", "B"], ["2", ""]]
    assert owed["state"].tolist()[:2] == [state, state]
    assert set(owed["to_whom"]) == {"Préfet"}


def test_nothing_is_due_where_nothing_says_so() -> None:
    assert due_reports(plan({"code": "1"}), deadlines(governance({"nom": "Autre"}), day=DAY)).empty


def test_the_tables_given_are_left_as_they_are() -> None:
    actions = plan({"code": "1", "statut": "en cours", "fin": "2018", "porteurs": "A", "budget_prevu_eur": "1"})
    before = actions.copy(deep=True)
    stand = followed(actions, day=DAY)
    kept = stand.copy(deep=True)
    count_statuses(stand, groups_by_lead(actions))
    late_actions(stand)
    budget_totals(actions)
    pd.testing.assert_frame_equal(actions, before)
    pd.testing.assert_frame_equal(stand, kept)


def test_closed_states_are_states() -> None:
    assert set(CLOSED) <= set(STATUSES)
