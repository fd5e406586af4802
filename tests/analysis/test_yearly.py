"""The plan seen from one year: one situation for each action whatever its dates, and totals that add up."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdaasp_geo.action_plan import STATUSES, action_fields, governance_fields
from sdaasp_geo.analysis import yearly
from sdaasp_geo.analysis.governance_indicators import INDICATORS, governance_indicators
from sdaasp_geo.embedded import embedded_path
from sdaasp_geo.layers.actions import build_actions
from sdaasp_geo.layers.governance import build_governance
from sdaasp_geo.sources.action_tables import read_action_table

YEAR = 2019


def _filled(table: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    return table.assign(**{name: "" for name in columns if name not in table}).fillna("").astype("str")


def layer(*rows: dict[str, str]) -> pd.DataFrame:
    """Build the layer of a plan from its cells; those that are not given are empty."""
    columns = [field.name for field in action_fields()] + ["origine"]
    table = pd.DataFrame([{"code": f"A{rank}", "titre": "Une action", **row} for rank, row in enumerate(rows)])
    return build_actions(_filled(table, columns))[0]


def bodies(*rows: dict[str, str]) -> pd.DataFrame:
    """Build the layer of a governance from its cells."""
    columns = [field.name for field in governance_fields()] + ["origine"]
    table = pd.DataFrame([{"code": f"G{rank}", "nom": "Un nom", **row} for rank, row in enumerate(rows)])
    return build_governance(_filled(table, columns))[0]


def named() -> pd.DataFrame:
    """Return a table of territories that names none."""
    columns = ["table", "kind", "code", "words", "territory_kind", "territory_code", "reason"]
    return pd.DataFrame(columns=columns, dtype="str")


@pytest.fixture(scope="module")
def fictional() -> pd.DataFrame:
    """Layer of the fictional plan: 33 actions, every status."""
    return build_actions(read_action_table(embedded_path("examples/exemple-fictif/actions.csv"))[0])[0]


CASES = [
    # status, start, end, last report, situation, proposal
    ("réalisée", "2018", "31/12/2019", "", yearly.DONE, yearly.NOTHING),
    ("réalisée", "2018", "01/01/2019", "", yearly.DONE, yearly.NOTHING),
    ("réalisée", "2018", "", "15/06/2019", yearly.DONE, yearly.NOTHING),
    ("réalisée", "2018", "31/12/2018", "15/06/2019", yearly.DONE_BEFORE, yearly.NOTHING),
    ("réalisée", "2018", "", "", yearly.DONE_UNDATED, yearly.COMPLETE),
    ("réalisée", "2018", "01/01/2020", "", yearly.DONE_SINCE, yearly.CONTINUE),
    ("réalisée", "", "01/01/2020", "", yearly.DONE_AFTER, yearly.COMPLETE),
    ("réalisée", "mars 2020", "mai 2020", "", yearly.LATER, yearly.LAUNCH),
    ("en cours", "2018", "2020", "", yearly.UNDERWAY, yearly.CONTINUE),
    ("en cours", "", "", "", yearly.UNDERWAY, yearly.CONTINUE),
    ("en cours", "2018", "31/12/2019", "", yearly.ENDING, yearly.DECIDE),
    ("en cours", "2018", "01/01/2019", "", yearly.ENDING, yearly.DECIDE),
    ("en cours", "2017", "31/12/2018", "", yearly.OVERDUE, yearly.DECIDE),
    ("en cours", "01/01/2020", "2021", "", yearly.LATER, yearly.LAUNCH),
    ("à venir", "31/12/2019", "2020", "", yearly.NOT_STARTED, yearly.DECIDE),
    ("à venir", "01/01/2020", "", "", yearly.LATER, yearly.LAUNCH),
    ("à venir", "01/01/2021", "", "", yearly.LATER, yearly.LATER_ON),
    ("à venir", "à définir", "", "", yearly.UPCOMING_UNDATED, yearly.COMPLETE),
    ("en retard", "2025", "2026", "", yearly.LATE, yearly.DECIDE),
    ("bloquée", "", "", "", yearly.BLOCKED, yearly.DECIDE),
    ("en pause", "2018", "2020", "", yearly.PAUSED, yearly.DECIDE),
    ("abandonnée", "2018", "2020", "", yearly.DROPPED, yearly.NOTHING),
    ("à discuter", "2018", "2020", "", yearly.TO_DISCUSS, yearly.DECIDE),
    ("", "2018", "2020", "", yearly.UNSAID, yearly.COMPLETE),
]


@pytest.mark.parametrize(("status", "start", "end", "last", "situation", "proposal"), CASES)
def test_situation_of_each_status_and_date(
    status: str, start: str, end: str, last: str, situation: str, proposal: str
) -> None:
    table = yearly.actions_of_year(
        layer({"statut": status, "debut": start, "fin": end, "dernier_bilan": last}), year=YEAR
    )
    assert table[["situation", "proposal"]].to_numpy().tolist() == [[situation, proposal]]


def test_an_action_taken_over_is_so_whatever_its_status() -> None:
    table = yearly.actions_of_year(
        layer({"statut": "en cours", "fusionnee_dans": "A1"}, {"statut": "en cours"}), year=YEAR
    )
    assert table["situation"].tolist() == [yearly.MERGED, yearly.UNDERWAY]


DATES = st.sampled_from(["", "à définir", "2017", "31/12/2018", "01/01/2019", "été 2019", "31/12/2019", "2020", "2022"])
ACTIONS = st.lists(
    st.fixed_dictionaries(
        {
            "statut": st.sampled_from(["", *STATUSES]),
            "debut": DATES,
            "dernier_bilan": DATES,
            "porteurs": st.sampled_from(["", "État", "Département", "Département | État", "CAF"]),
            "territoires": st.sampled_from(["", "Tout le département"]),
            "fusionnee_dans": st.sampled_from(["", "", "A0"]),
        }
    ),
    min_size=1,
    max_size=30,
)


@given(ACTIONS, st.integers(2016, 2023))
def test_every_action_is_counted_once(rows: list[dict[str, str]], year: int) -> None:
    rows[0] |= {"fusionnee_dans": ""}
    plan = layer(*rows)
    kept = plan.copy(deep=True)
    table = yearly.actions_of_year(plan, year=year)
    pd.testing.assert_frame_equal(plan, kept)
    assert table["code"].tolist() == [f"A{rank}" for rank in range(len(rows))]
    assert set(table["situation"]) <= set(yearly.SITUATIONS)
    assert set(table["group"]) <= set(yearly.GROUPS)
    assert set(table["proposal"]) <= set(yearly.PROPOSALS)
    counted = yearly.count_situations(table)
    assert counted["situation"].tolist() == list(yearly.SITUATIONS)
    assert counted["actions"].sum() == len(rows)
    crossed = yearly.count_by_orientation(table, [])
    assert crossed["actions"].sum() == crossed[list(yearly.GROUPS)].to_numpy().sum() == len(rows)
    leads = yearly.contributions_by_lead(table)
    assert (leads["received"] + leads["missing"] + leads["not_due"] == leads["actions"]).all()
    assert {code for codes in leads["missing_codes"] for code in codes} == set(
        table.loc[table["contribution"] == yearly.MISSING, "code"]
    )
    assert ((table["contribution_reason"] != "") == (table["contribution"] == yearly.MISSING)).all()


@given(st.permutations(range(len(CASES))))
def test_the_order_of_the_plan_changes_no_count(order: list[int]) -> None:
    rows = [dict(zip(("statut", "debut", "fin", "dernier_bilan"), case, strict=False)) for case in CASES]
    counts = [
        yearly.count_situations(yearly.actions_of_year(layer(*plan), year=YEAR))["actions"].tolist()
        for plan in (rows, [rows[rank] for rank in order])
    ]
    assert counts[0] == counts[1]


def test_a_contribution_is_a_report_of_the_year_or_after() -> None:
    reports = ["01/01/2019", "2020", "31/12/2018", "", "bientôt"]
    plan = layer(*({"statut": "en cours", "dernier_bilan": words} for words in reports))
    table = yearly.actions_of_year(plan, year=YEAR)
    assert table["contribution"].tolist() == [yearly.RECEIVED] * 2 + [yearly.MISSING] * 3
    reasons = ["", "", yearly.OLD_REPORT, yearly.NO_REPORT, yearly.UNREAD_REPORT]
    assert table["contribution_reason"].tolist() == reasons


def test_an_action_with_two_leads_counts_for_both_and_one_without_lead_is_said() -> None:
    plan = layer({"statut": "en cours", "porteurs": "CAF | MSA"}, {"statut": "en cours", "porteurs": ""})
    leads = yearly.contributions_by_lead(yearly.actions_of_year(plan, year=YEAR)).set_index("lead")
    assert leads["missing_codes"].to_dict() == {"CAF": ("A0",), "MSA": ("A0",), "": ("A1",)}


def test_what_an_action_lacks_is_listed_while_it_needs_follow_up() -> None:
    bare = {"debut": "", "fin": ""}
    led = {"porteurs": "CAF", "debut": "dès 2019", "territoires": "Tout le département"}
    plan = layer({**bare, "statut": "en cours"}, {**bare, "statut": "abandonnée"}, led)
    lacks = yearly.actions_of_year(plan, year=YEAR)["lacks"].tolist()
    assert lacks == [("porteur", "début", "fin", "territoire"), (), ("fin", "statut")]


def test_budget_of_a_year_keeps_apart_what_has_no_year() -> None:
    plan = layer(
        {"budget_prevu_eur": "2018 : 10 | 2019 : 1 200,50", "budget_depense_eur": "2019 : 0"},
        {"budget_prevu_eur": "900"},
        {"budget_prevu_eur": "2019 : beaucoup"},
        {"budget_prevu_eur": "2018 : 7"},
    )
    table = yearly.budget_of_year(plan, year=YEAR)
    assert table["code"].tolist() == ["A0", "A1", "A2"]
    assert table.loc[0, ["planned_eur", "spent_eur"]].tolist() == [1200.5, 0.0]
    assert table.loc[1, "undated_planned_eur"] == 900.0
    assert table.loc[2, "unread"] == "2019 : beaucoup"
    assert table["planned_eur"].sum() == 1200.5


def test_meetings_are_counted_against_what_is_announced() -> None:
    table = bodies(
        {"type": "instance", "code": "C", "reunions_min": "1"},
        {"type": "instance", "code": "T", "reunions_min": "2"},
        {"type": "instance", "code": "J", "reunions_min": "1"},
        {"type": "instance", "code": "G"},
        {"type": "instance", "code": "E", "reunions_min": "12"},
        {"type": "reunion", "instance": "C", "date": "20 juin 2019"},
        {"type": "reunion", "instance": "C", "date": "20 juin 2018"},
        {"type": "reunion", "instance": "T", "date": "mars 2019"},
        {"type": "reunion", "instance": "T", "date": "un jour"},
        {"type": "reunion", "instance": "J", "date": "avril 2019"},
    )
    found = yearly.meetings_of_year(table, named(), year=YEAR, places={"J": 4}).set_index("code")
    assert found["held"].to_dict() == {"C": 1, "T": 1, "J": 1, "G": 0, "E": 0}
    assert found["expected"].fillna(-1).to_dict() == {"C": 1, "T": 2, "J": 4, "G": -1, "E": 12}
    assert found["state"].to_dict() == {
        "C": yearly.ENOUGH,
        "T": yearly.SHORT,
        "J": yearly.SHORT,
        "G": yearly.NO_TARGET,
        "E": yearly.NO_MEETING,
    }
    assert found.loc["T", "undated"] == 1
    assert found.loc["T", "dates"] == ("mars 2019",)


def test_governance_of_a_year_takes_its_meetings_only() -> None:
    epci = pd.DataFrame({"siren": ["1"], "name": ["CC Une"], "role": ["signataire"]})
    table = bodies(
        {"type": "epci", "code": "une", "elu_referent": "Une élue", "comite": "aucun"},
        {"type": "instance", "code": "C"},
        {"type": "reunion", "instance": "C", "date": "20 juin 2019", "participants": "CC Une"},
    )
    one = {"table": "gouvernance", "kind": "epci", "code": "une", "territory_kind": "epci", "territory_code": "1"}
    listed = pd.DataFrame([{**one, "words": "CC Une", "reason": ""}])
    indicators = governance_indicators(table, listed, epci)
    found = {
        year: yearly.governance_of_year(indicators, year=year).set_index("territory_name") for year in (YEAR, YEAR + 1)
    }
    assert found[YEAR].columns.tolist() == list(INDICATORS)
    assert found[YEAR].loc["CC Une", ["elu_referent", "comite", "participation"]].tolist() == [1.0, 0.0, 1.0]
    assert found[YEAR + 1].loc["CC Une", "elu_referent"] == 1.0
    assert pd.isna(found[YEAR + 1].loc["CC Une", "participation"])


def test_facts_of_the_fictional_plan(fictional: pd.DataFrame) -> None:
    table = yearly.actions_of_year(fictional, year=YEAR).set_index("code")
    assert table.index[table["situation"] == yearly.DONE].tolist() == ["F05", "F27", "F31"]
    assert table.index[table["contribution"] == yearly.MISSING].tolist() == ["F10", "F16", "F24", "F25"]
    assert table.index[table["proposal"] == yearly.LAUNCH].tolist() == ["F08", "F17", "F19", "F23", "F26", "F33"]
    assert table.loc["F32", "situation"] == yearly.MERGED
    earlier = yearly.actions_of_year(fictional, year=2018).set_index("code")
    assert earlier.index[earlier["situation"] == yearly.DONE].tolist() == ["F01", "F06", "F13"]
    assert earlier.loc["F05", "situation"] == yearly.DONE_SINCE
    assert earlier.loc["F31", "situation"] == yearly.LATER
    budget = yearly.budget_of_year(fictional, year=YEAR)
    assert budget[["planned_eur", "spent_eur"]].sum().round(2).tolist() == [553000.0, 63190.95]
