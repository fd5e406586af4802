"""Deficits and actions face to face: nothing is lost, totals add up, and each state is what a plain count says."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdaasp_geo.action_plan import STATUSES, Action, ActionPlan
from sdaasp_geo.analysis.answers import (
    ACTION_STATES,
    GAP_STATES,
    IDLE_STATUSES,
    NO_CRITERION,
    NO_DEFICIT,
    NO_PLACE,
    NO_PRIORITY,
    NOT_MEASURED,
    NOT_TIED,
    NOTHING_MEASURED,
    SATISFIED,
    SEPARATOR,
    SUSPENDED,
    WITH,
    WITH_DEFICIT,
    WITHOUT,
    Answers,
    action_states,
    confront,
)
from sdaasp_geo.analysis.coverage import NO_TERRITORY
from sdaasp_geo.analysis.involved import HOLDER, LEAD, NOT_GIVEN, PARTNER, involved_operators
from sdaasp_geo.analysis.reach import NOT_KNOWN, NOT_SAID
from sdaasp_geo.priorities import Priorities, Priority

THEMES = {"c1": "proche", "c2": "proche", "c3": "soins"}
TABLE = Priorities(
    priority=(
        Priority("Temps", "r", criteria=("c1",)),
        Priority("Proximité", "r", themes=("proche",)),
        Priority("Soins", "r", criteria=("c3",)),
        Priority("Numérique", "r", themes=("numerique",)),
        Priority("Ancien", "r", criteria=("c9",)),
    )
)
TIED = {"Temps": {"c1"}, "Proximité": {"c1", "c2"}, "Soins": {"c3"}, "Numérique": set(), "Ancien": set()}
KNOWN = {**THEMES, "c9": "ailleurs"}
DEPARTEMENT = "65"


def communes_of(*rows: tuple[str, str | None, bool, int]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["code", "epci", "inside", "population"])


def found_of(classes: dict[tuple[str, str], str]) -> pd.DataFrame:
    rows = [(code, name, THEMES[name], given, False, "sans valeur") for (code, name), given in classes.items()]
    return pd.DataFrame(rows, columns=["code", "criterion", "theme", "class", "to_check", "reason"])


def reach_of(*rows: tuple[str, str]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["code", "siren"], dtype="str")
    return table.assign(via="EPCI nommé", level="epci")


def places_of(*rows: tuple[str, str, str, str]) -> pd.DataFrame:
    """Territories as written: action, words, kind, reason."""
    table = pd.DataFrame(rows, columns=["code", "words", "territory_kind", "reason"], dtype="str")
    return table.assign(kind="action", table="actions", territory_code="")


def run(
    actions: list[Action], reach: pd.DataFrame, found: pd.DataFrame, communes: pd.DataFrame, places: pd.DataFrame
) -> Answers:
    plan = ActionPlan(actions=tuple(actions))
    return confront(
        plan,
        reach,
        places,
        priorities=TABLE,
        found=found,
        communes=communes,
        known=KNOWN,
        departement=DEPARTEMENT,
    )


def state_of(answers: Answers, territory: str, criterion: str) -> str:
    gaps = answers.gaps.set_index(["territory", "criterion"])
    return str(gaps.loc[(territory, criterion), "state"])


TWO = communes_of(("1", "A", True, 100), ("2", "A", False, 10), ("3", "B", True, 1))
LACKING = {("1", "c1"): "loin", ("2", "c1"): "loin", ("3", "c1"): "desservie", ("1", "c2"): "desservie"}


@pytest.mark.parametrize("status", ["", *STATUSES])
def test_an_action_answers_unless_it_is_abandoned_blocked_or_paused(status: str) -> None:
    actions = [Action("1", "t", priorites=("critère : TEMPS",), statut=status)]
    answers = run(actions, reach_of(("1", "A")), found_of(LACKING), TWO, places_of())
    assert state_of(answers, "A", "c1") == (SUSPENDED if status in IDLE_STATUSES else WITH)
    row = answers.gaps.set_index(["territory", "criterion"]).loc[("A", "c1")]
    assert (row["communes_deficit"], row["population_deficit"]) == (2, 110)
    assert (row["communes_deficit_inside"], row["population_deficit_inside"]) == (1, 100)
    assert (row["actions"], row["actions_suspended"]) == (("", "1") if status in IDLE_STATUSES else ("1", ""))


def test_one_action_that_goes_on_is_enough() -> None:
    actions = [Action("1", "t", priorites=("Temps",), statut="bloquée"), Action("2", "t", priorites=("Proximité",))]
    answers = run(actions, reach_of(("1", "A"), ("2", "A")), found_of(LACKING), TWO, places_of())
    assert state_of(answers, "A", "c1") == WITH
    assert list(action_states(answers)["state"]) == [WITH_DEFICIT, WITH_DEFICIT]


def test_without_reach_or_tie_a_deficit_has_no_answer() -> None:
    actions = [
        Action("1", "ailleurs", priorites=("Temps",)),
        Action("2", "non reliée", priorites=("Divers",)),
        Action("3", "sans priorité"),
        Action("4", "nulle part", priorites=("Temps",)),
        Action("5", "non dite", priorites=("Temps",)),
        Action("6", "numérique", priorites=("Numérique", "Divers")),
        Action("7", "ancien", priorites=("Ancien",)),
    ]
    reach = reach_of(("1", "B"), ("2", "A"), ("3", "A"), ("6", "A"), ("7", "A"))
    answers = run(actions, reach, found_of(LACKING), TWO, places_of(("4", "Pays perdu", "", "inconnu")))
    assert state_of(answers, "A", "c1") == WITHOUT
    assert state_of(answers, "A", "c2") == NO_DEFICIT
    assert state_of(answers, "B", "c2") == NOT_MEASURED
    rows = answers.actions.set_index("action")
    assert dict(rows["state"]) == {
        "1": NO_DEFICIT,
        "2": NOT_TIED,
        "3": NO_PRIORITY,
        "4": NO_PLACE,
        "5": NO_PLACE,
        "6": NO_DEFICIT,
        "7": NO_DEFICIT,
    }
    reasons = [rows.loc[code, "reason"] for code in ("1", "6", "7", "5")]
    assert reasons == [SATISFIED, NOTHING_MEASURED, NOTHING_MEASURED, NOT_SAID]
    assert rows.loc["4", "reason"].startswith(NOT_KNOWN)
    assert rows.loc["4", "reason"].endswith("Pays perdu")
    assert rows.loc["6", "not_tied"] == "Divers"
    bare = answers.gaps[answers.gaps["criterion"] == ""].set_index(["territory", "theme"])
    assert set(bare["state"]) == {NOT_MEASURED}
    assert set(bare["reason"]) == {NO_CRITERION}
    assert bare.loc[("A", "numerique"), "actions"] == "6"
    assert bare.loc[("A", "ailleurs"), "actions"] == "7"
    table = answers.priorities.set_index("priority")
    assert not table.loc["Divers", "tied"]
    assert table.loc["Divers", "actions"] == SEPARATOR.join(["2", "6"])


def test_a_name_not_known_is_said_even_where_another_is() -> None:
    actions = [Action("1", "t", priorites=("Temps",))]
    places = places_of(("1", "EPCI A", "epci", ""), ("1", "Pays perdu", "", "inconnu"))
    answers = run(actions, reach_of(("1", "A")), found_of(LACKING), TWO, places)
    assert list(answers.actions["state"]) == [WITH_DEFICIT, NO_PLACE]
    assert list(action_states(answers)["state"]) == [WITH_DEFICIT]


def test_an_action_on_the_departement_reaches_communes_without_epci() -> None:
    island = communes_of(("1", None, True, 5))
    actions = [Action("1", "t", priorites=("Temps",))]
    for kind, state in (("departement", WITH), ("epci", WITHOUT)):
        places = places_of(("1", "ici", kind, ""))
        answers = run(actions, reach_of(), found_of({("1", "c1"): "loin"}), island, places)
        assert state_of(answers, NO_TERRITORY, "c1") == state
        assert state_of(answers, DEPARTEMENT, "c1") == state


def test_the_departement_is_as_pressing_as_its_worst_part() -> None:
    communes = communes_of(("1", "A", True, 1), ("2", "B", True, 2), ("3", "C", False, 4))
    found = found_of({(code, "c1"): "loin" for code in "123"})
    actions = [Action("1", "t", priorites=("Temps",)), Action("2", "t", priorites=("Temps",), statut="en pause")]
    answers = run(actions, reach_of(("1", "A"), ("2", "B")), found, communes, places_of())
    assert [state_of(answers, territory, "c1") for territory in "ABC"] == [WITH, SUSPENDED, WITHOUT]
    assert state_of(answers, DEPARTEMENT, "c1") == SUSPENDED
    row = answers.gaps.set_index(["territory", "criterion"]).loc[(DEPARTEMENT, "c1")]
    assert [row[f"population_{name}"] for name in ("answered", "suspended", "unanswered")] == [1, 2, 0]


def test_operators_are_those_of_the_plan_and_of_the_places() -> None:
    actions = [
        Action("1", "t", priorites=("Temps",), porteurs=("Département",), partenaires=("EPCI",)),
        Action("2", "t"),
    ]
    answers = run(actions, reach_of(("1", "A")), found_of(LACKING), TWO, places_of())
    points = pd.DataFrame(
        {
            "service": ["mairie", "mairie", "gare"],
            "operateur": ["commune", "", "train"],
            "epci": ["A", "A", "Z"],
            "inside": [True, False, False],
        }
    )
    plan = ActionPlan(actions=tuple(actions))
    table = involved_operators(plan, answers, points, themes={"mairie": "proche"}, departement=DEPARTEMENT)
    rows = set(
        table[["territory", "theme", "role", "operator", "actions", "places"]].itertuples(index=False, name=None)
    )
    assert rows == {
        ("", "", LEAD, NOT_GIVEN, "2", 0),
        ("A", "proche", LEAD, "Département", "1", 0),
        ("A", "proche", PARTNER, "EPCI", "1", 0),
        ("A", "proche", HOLDER, "commune", "", 1),
        ("A", "proche", HOLDER, NOT_GIVEN, "", 1),
        (DEPARTEMENT, "", LEAD, NOT_GIVEN, "2", 0),
        (DEPARTEMENT, "proche", LEAD, "Département", "1", 0),
        (DEPARTEMENT, "proche", PARTNER, "EPCI", "1", 0),
        (DEPARTEMENT, "proche", HOLDER, "commune", "", 1),
    }


EPCI = ["A", "B", None]
CLASSES = ["desservie", "loin", "non-mesure", None]


@st.composite
def schemes(draw: st.DrawFn) -> tuple[list[Action], pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    size = draw(st.integers(1, 5))
    communes = communes_of(
        *(
            (str(code), draw(st.sampled_from(EPCI)), draw(st.booleans()), draw(st.integers(0, 50)))
            for code in range(size)
        )
    )
    drawn = {(code, name): draw(st.sampled_from(CLASSES)) for code in communes["code"] for name in THEMES}
    drawn |= {("0", name): drawn[("0", name)] or "non-mesure" for name in THEMES}
    words = st.lists(st.sampled_from([*TIED, "Divers"]), max_size=3, unique=True)
    actions = [
        Action(f"a{rank}", "titre", priorites=tuple(draw(words)), statut=draw(st.sampled_from(["", *STATUSES])))
        for rank in range(draw(st.integers(0, 4)))
    ]
    pairs = st.lists(st.sampled_from([(action.code, siren) for action in actions for siren in "AB"]), unique=True)
    reach = reach_of(*draw(pairs)) if actions else reach_of()
    present = set(communes["epci"].dropna())
    return actions, reach[reach["siren"].isin(present)], found_of({k: v for k, v in drawn.items() if v}), communes


@given(schemes())
def test_totals_add_up_and_nothing_disappears(
    drawn: tuple[list[Action], pd.DataFrame, pd.DataFrame, pd.DataFrame],
) -> None:
    actions, reach, found, communes = drawn
    answers = run(actions, reach, found, communes, places_of())
    gaps = answers.gaps
    territories = set(communes["epci"].fillna(NO_TERRITORY)) | ({DEPARTEMENT} if communes["inside"].any() else set())
    assert sorted(gaps.loc[gaps["criterion"] != "", ["territory", "criterion"]].itertuples(index=False, name=None)) == [
        (territory, name) for territory in sorted(territories) for name in THEMES
    ]
    assert set(gaps["state"]) <= set(GAP_STATES)
    for what in ("communes", "population"):
        parts = gaps[[f"{what}_answered", f"{what}_suspended", f"{what}_unanswered"]].sum(axis="columns")
        assert parts.tolist() == gaps[f"{what}_deficit"].tolist()
        by_level = gaps.groupby(["level", "criterion"])[f"{what}_deficit_inside"].sum()
        for name in THEMES if communes["inside"].any() else ():
            assert by_level["epci", name] == by_level["departement", name]
    own = gaps[gaps["level"] == "epci"]
    lacking = own[own["communes_deficit"] > 0]
    assert set(lacking["state"]) <= {WITH, SUSPENDED, WITHOUT}
    assert not set(own.loc[own["communes_deficit"] == 0, "state"]) & {WITH, SUSPENDED, WITHOUT}
    numbers = [f"criteria_{name}" for name in ("without", "suspended", "with", "satisfied", "not_measured")]
    assert answers.cells[numbers].sum(axis="columns").tolist() == answers.cells["criteria"].tolist()
    assert list(action_states(answers)["action"]) == [action.code for action in actions]
    assert set(answers.actions["state"]) <= set(ACTION_STATES)
    assert answers.links["deficit"].sum() <= len(answers.links)


@given(schemes())
def test_each_state_is_what_a_plain_count_says(
    drawn: tuple[list[Action], pd.DataFrame, pd.DataFrame, pd.DataFrame],
) -> None:
    actions, reach, found, communes = drawn
    answers = run(actions, reach, found, communes, places_of())
    given_class = dict(zip(zip(found["code"], found["criterion"], strict=True), found["class"], strict=True))
    pairs = set(zip(reach["code"], reach["siren"], strict=True))
    for siren in set(communes["epci"].dropna()):
        members = communes.loc[communes["epci"] == siren, "code"]
        for name in THEMES:
            classes = [given_class.get((code, name), "non-mesure") for code in members]
            aiming = [
                action.statut not in IDLE_STATUSES
                for action in actions
                if (action.code, siren) in pairs and any(name in TIED.get(words, ()) for words in action.priorites)
            ]
            if "loin" in classes:
                expected = WITH if any(aiming) else SUSPENDED if aiming else WITHOUT
            else:
                expected = NOT_MEASURED if set(classes) == {"non-mesure"} else NO_DEFICIT
            assert state_of(answers, siren, name) == expected
    rows = answers.actions.set_index(["action", "territory"])["state"]
    for action in actions:
        for siren in {place for code, place in pairs if code == action.code}:
            tied = [words for words in action.priorites if words in TIED]
            criteria = {name for words in tied for name in TIED[words]}
            lacking = [name for name in criteria if state_of(answers, siren, name) in {WITH, SUSPENDED, WITHOUT}]
            expected = (
                NO_PRIORITY
                if not action.priorites
                else NOT_TIED
                if not tied
                else WITH_DEFICIT
                if lacking
                else NO_DEFICIT
            )
            assert rows[action.code, siren] == expected
