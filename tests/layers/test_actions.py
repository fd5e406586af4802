"""The layer of actions: contracts, ties between levels, dates, mergers."""

from __future__ import annotations

import pandas as pd
import pytest

from sdaasp_geo.action_plan import ORIGIN, STATUSES, TO_RESOLVE, TerritoryName, YearBudget, action_fields
from sdaasp_geo.errors import Fault, InputError
from sdaasp_geo.layers.action_items import (
    OUTSIDE,
    budget_of,
    budgets,
    calendar_of,
    calendars,
    items,
    mark_outside,
    territories,
    territories_of,
)
from sdaasp_geo.layers.actions import (
    NO_OBJECTIVE,
    NO_ORIENTATION,
    OTHER_ORIENTATION,
    OUT_OF_RANGE,
    UNKNOWN_OBJECTIVE,
    UNKNOWN_ORIENTATION,
    build_actions,
)
from sdaasp_geo.layers.periods import NO_DATE, NO_END, WHOLE_SCHEME
from sdaasp_geo.layers.plan_checks import NOT_A_NUMBER
from sdaasp_geo.layers.plans import plan_of

NAMES = [field.name for field in action_fields()]


def table(*rows: dict[str, str]) -> pd.DataFrame:
    filled = [dict.fromkeys(NAMES, "") | {"titre": "Titre"} | row for row in rows]
    index = pd.Index(range(2, len(rows) + 2), name="row", dtype="int64")
    return pd.DataFrame(filled, index=index, columns=NAMES, dtype="str").assign(**{ORIGIN: "plan.csv"})


def build(*rows: dict[str, str]) -> pd.DataFrame:
    return build_actions(table(*rows))[0]


def faults_of(*rows: dict[str, str]) -> list[tuple[int | None, str, str]]:
    with pytest.raises(InputError) as caught:
        build_actions(table(*rows))
    assert all(isinstance(fault, Fault) and fault.remedy and fault.file == "plan.csv" for fault in caught.value.faults)
    return [(fault.row, fault.column, fault.value) for fault in caught.value.faults]


def test_every_fault_is_told_together() -> None:
    assert faults_of(
        {"code": "1"},
        {"code": "", "titre": ""},
        {"code": "1"},
        {"code": "2", "statut": "fusée"},
        {"code": "3", "niveau": "chapitre"},
        {"code": "4", "debut": "2020", "fin": "2018"},
        {"code": "5", "territoires_codes": "4001"},
        {"code": "6", "fusionnee_dans": "99"},
    ) == [
        (3, "code", ""),
        (3, "titre", ""),
        (4, "code", "1"),
        (5, "statut", "fusée"),
        (6, "niveau", "chapitre"),
        (7, "fin", "2018"),
        (8, "territoires_codes", "4001"),
        (9, "fusionnee_dans", "99"),
    ]


def test_codes_are_the_same_whatever_capitals_and_signs() -> None:
    assert faults_of({"code": "1-B-2"}, {"code": "1.b.2"}) == [(3, "code", "1.b.2")]
    assert len(build({"niveau": "objectif", "code": "16"}, {"code": "16"})) == 2


def test_an_unknown_status_lists_the_eight_that_exist() -> None:
    with pytest.raises(InputError) as caught:
        build_actions(table({"code": "1", "statut": "en orbite"}))
    assert all(status in caught.value.faults[0].expected for status in STATUSES)


def test_statuses_are_brought_to_their_list() -> None:
    layer = build({"code": "1", "statut": "Terminé"}, {"code": "2", "statut": "EN COURS"}, {"code": "3"})
    assert layer["statut"].tolist() == ["réalisée", "en cours", ""]


PLAN = (
    {"niveau": "orientation", "code": "1", "titre": "Assurer une présence"},
    {"niveau": "orientation", "code": "5", "titre": "Organiser une gouvernance"},
    {"niveau": "objectif", "code": "16", "titre": "Développer une information", "orientation": "5"},
    {"niveau": "objectif", "code": "3", "titre": "Mutualiser", "orientation": "Assurer une PRESENCE"},
    {"niveau": "objectif", "code": "4", "titre": "Sans orientation"},
)


@pytest.mark.parametrize(
    ("objective", "orientation", "expected"),
    [
        ("16", "", ("16", "5", "")),
        ("Développer une information", "", ("16", "5", "")),
        ("Objectif 16", "", ("16", "5", "")),
        ("Objectif n° 16 : Développer une information", "", ("16", "5", "")),
        ("16 - Développer une information\n- détail", "", ("16", "5", "")),
        ("3", "Axe 1", ("3", "1", "")),
        ("3", "5", ("3", "5", OTHER_ORIENTATION)),
        ("", "1", ("", "1", NO_OBJECTIVE)),
        ("Inconnu", "1", ("", "1", UNKNOWN_OBJECTIVE)),
        ("16", "9", ("16", "5", UNKNOWN_ORIENTATION)),
        ("4", "", ("4", "", "")),
    ],
)
def test_an_action_is_tied_by_code_or_by_title(
    objective: str, orientation: str, expected: tuple[str, str, str]
) -> None:
    layer = build(*PLAN, {"code": "29", "objectif": objective, "orientation": orientation})
    row = layer.iloc[-1]
    assert (row["objectif_code"], row["orientation_code"], row["parent_reason"]) == expected
    reasons = layer[layer["niveau"] == "objectif"].set_index("code")["parent_reason"]
    assert reasons.to_dict() == {"16": "", "3": "", "4": NO_ORIENTATION}


def test_a_title_that_names_two_rows_ties_nothing() -> None:
    twins = ({"niveau": "objectif", "code": "a", "titre": "Même"}, {"niveau": "objectif", "code": "b", "titre": "Même"})
    assert build(*twins, {"code": "1", "objectif": "Même"}).iloc[-1]["parent_reason"] == UNKNOWN_OBJECTIVE


def test_rows_are_ordered_by_level_then_as_in_the_file() -> None:
    layer = build({"code": "b"}, {"niveau": "objectif", "code": "z"}, {"code": "a"}, {"niveau": "Axe", "code": "x"})
    assert layer["code"].tolist() == ["x", "z", "b", "a"]
    assert layer.index.tolist() == [5, 3, 2, 4]


def test_dates_and_progress_are_read_beside_the_words() -> None:
    layer = build(
        {
            "code": "1",
            "debut": "printemps 2018",
            "fin": "2020",
            "avancement_pct": "62,5 %",
            "dernier_bilan": "juin 2019",
        },
        {"code": "2", "debut": "à définir", "avancement_pct": "presque fini"},
        {"code": "3", "debut": "2018", "avancement_pct": "150"},
    )
    assert layer["debut"].tolist() == ["printemps 2018", "à définir", "2018"]
    assert layer["start"].dt.strftime("%Y-%m-%d").tolist()[::2] == ["2018-03-01", "2018-01-01"]
    assert layer["end"].isna().tolist() == [False, True, True]
    assert layer["dates_reason"].tolist() == ["", NO_DATE, NO_END]
    assert layer["last_report"].iloc[0] == pd.Timestamp("2019-06-30")
    assert layer["progress_pct"].iloc[0] == 62.5
    assert layer["progress_reason"].tolist() == ["", NOT_A_NUMBER, OUT_OF_RANGE]
    assert layer["avancement_pct"].tolist() == ["62,5 %", "presque fini", "150"]


def test_mergers_are_followed_to_their_end() -> None:
    layer = build(
        {"code": "A", "fusionnee_dans": "b"}, {"code": "B", "fusionnee_dans": "C"}, {"code": "C"}, {"code": "D"}
    )
    assert layer["merged_into"].tolist() == ["C", "C", "", ""]


def test_circular_mergers_are_refused_with_their_circle() -> None:
    rows = [{"code": a, "fusionnee_dans": b} for a, b in (("A", "B"), ("B", "C"), ("C", "B"), ("D", "D"), ("E", "A"))]
    assert faults_of(*rows) == [
        (3, "fusionnee_dans", "B → C → B"),
        (4, "fusionnee_dans", "C → B → C"),
        (5, "fusionnee_dans", "D → D"),
    ]


def test_a_long_chain_of_mergers_is_followed() -> None:
    rows = [{"code": f"A{n}", "fusionnee_dans": f"A{n + 1}"} for n in range(3000)]
    assert set(build(*rows, {"code": "A3000"})["merged_into"]) == {"A3000", ""}


def test_notes_count_what_is_missing() -> None:
    _, notes = build_actions(table(*PLAN, {"code": "1", "reste": "texte", "objectif": "3"}))
    plain = [note.replace("\u00a0", " ") for note in notes]
    assert plain[0] == "Plan d'actions : 2 orientations, 3 objectifs, 1 action."
    assert "Plan d'actions : 1 action sans statut." in plain
    assert "Plan d'actions : 1 action avec du texte non rangé." in plain
    assert f"Plan d'actions : 1 ligne, {NO_ORIENTATION}." in plain


def test_rows_of_several_sheets_may_share_their_numbers() -> None:
    two = pd.concat([table(*PLAN), table({"code": "1", "objectif": "16", "statut": "en cours"})])
    layer, _ = build_actions(two)
    assert layer.iloc[-1]["orientation_code"] == "5"


def test_an_empty_table_is_an_empty_plan() -> None:
    layer, notes = build_actions(table())
    assert layer.empty
    assert {"start", "progress_pct", "merged_into"} <= set(layer.columns)
    assert notes == ["Plan d'actions\u00a0: 0\u00a0orientation, 0\u00a0objectif, 0\u00a0action."]
    assert [
        len(listed) for listed in (territories(layer), budgets(layer), calendars(layer), items(layer, "public"))
    ] == [0] * 4


def test_the_table_given_is_not_changed() -> None:
    given = table(*PLAN, {"code": "1", "statut": "Terminé"})
    before = given.copy()
    build_actions(given)
    pd.testing.assert_frame_equal(given, before)


def test_territories_stay_in_words_until_resolved() -> None:
    layer = build(
        {"code": "1", "territoires": "CC Adour Madiran, Chaque EPCI"},
        {"code": "2", "territoires": "CC A | CC B", "territoires_codes": "200070795 | 246500482"},
        {"code": "3", "territoires": "Chaque EPCI", "territoires_codes": "200070795 246500482"},
        {"code": "4", "territoires": "CC A | CC B", "territoires_codes": "200070795"},
    )
    listed = territories(layer)
    assert listed[["code", "words", "territory_code"]].to_numpy().tolist() == [
        ["1", "CC Adour Madiran", ""],
        ["1", "Chaque EPCI", ""],
        ["2", "CC A", "200070795"],
        ["2", "CC B", "246500482"],
        ["3", "Chaque EPCI", "200070795"],
        ["3", "Chaque EPCI", "246500482"],
        ["4", "CC A", ""],
        ["4", "CC B", ""],
        ["4", "", "200070795"],
    ]
    assert (listed["reason"] == TO_RESOLVE).tolist() == [code == "" for code in listed["territory_code"]]
    assert territories_of("", "") == ()
    assert territories_of("CC A", "200070795") == (TerritoryName("CC A", "200070795", ""),)


def test_a_territory_outside_the_departement_is_kept_with_its_reason() -> None:
    layer = build({"code": "1", "territoires": "Tarbes | Pau | CC A", "territoires_codes": "65440 | 64445 | 200070795"})
    marked = mark_outside(territories(layer), known={"65", "65440", "200070795"})
    assert marked["reason"].tolist() == ["", OUTSIDE, ""]


@pytest.mark.parametrize(
    ("planned", "spent", "years", "unread"),
    [
        ("", "", (), ()),
        ("12 000,50 €", "", (YearBudget(None, 12000.5),), ()),
        (
            "2018 : 12000 | 2019 = 8 000",
            "2019\u00a0: 100,75",
            (YearBudget(2018, 12000.0), YearBudget(2019, 8000.0, 100.75)),
            (),
        ),
        ("En 2018 : 5 k€\n30", "", (YearBudget(2018, 5000.0), YearBudget(None, 30.0)), ()),
        ("2018 : à définir", "beaucoup", (), ("2018 : à définir", "beaucoup")),
        ("2018 : 1 | 2018 : 2", "", (YearBudget(2018, 1.0),), ("2018 : 2",)),
        ("=1+1", "", (), ("=1+1",)),
    ],
)
def test_budgets_by_year(planned: str, spent: str, years: tuple[YearBudget, ...], unread: tuple[str, ...]) -> None:
    assert budget_of(planned, spent) == (years, unread)
    listed = budgets(build({"code": "1", "budget_prevu_eur": planned, "budget_depense_eur": spent}))
    assert listed["unread"].tolist() == [*[""] * len(years), *unread]
    assert listed["planned_eur"].sum() == sum(year.planned_eur or 0 for year in years)


def test_calendars_are_periods_and_steps() -> None:
    text = "Réunion préalable\nEn 2017\n• Un\n• Deux\nqui continue\n2018 : étude\nde mars à juin 2019\n"
    text += "Tout au long du schéma :\n- Trois"
    found = [(step.period.words, step.steps) for step in calendar_of(text)]
    assert found == [
        ("", ("Réunion préalable",)),
        ("En 2017", ("Un", "Deux qui continue")),
        ("2018", ("étude",)),
        ("de mars à juin 2019", ()),
        ("Tout au long du schéma", ("Trois",)),
    ]
    listed = calendars(build({"code": "1", "calendrier": text}))
    assert listed["step"].tolist() == ["Réunion préalable", "Un", "Deux qui continue", "étude", "", "Trois"]
    assert listed["start"].dt.year.fillna(0).tolist() == [0, 2017, 2017, 2018, 2019, 0]
    assert listed["dates_reason"].tolist()[-1] == WHOLE_SCHEME


def test_items_keep_their_rank() -> None:
    listed = items(
        build({"code": "1", "indicateurs": "Un\nDeux"}, {"code": "2"}, {"code": "3", "priorites": "a, b"}),
        "indicateurs",
    )
    assert listed.to_numpy().tolist() == [["action", "1", 1, "Un"], ["action", "1", 2, "Deux"]]


def test_a_plan_holds_everything_the_layer_does() -> None:
    layer = build(
        *PLAN, {"code": "29", "objectif": "16", "porteurs": "CAF, MSA", "statut": "en cours", "avancement_pct": "40"}
    )
    plan = plan_of(layer)
    assert [item.code for item in plan.orientations] == ["1", "5"]
    assert [(item.code, item.orientation) for item in plan.objectifs] == [("16", "5"), ("3", "1"), ("4", "")]
    (action,) = plan.actions
    assert (action.orientation, action.objectif, action.porteurs) == ("5", "16", ("CAF", "MSA"))
    assert (action.statut, action.avancement_pct, action.debut_fin.start) == ("en cours", 40.0, None)


def test_ten_thousand_actions() -> None:
    row = {
        "titre": "Un",
        "debut": "2018",
        "fin": "2020",
        "budget_prevu_eur": "2018 : 1 | 2019 : 2",
        "territoires": "CC A | CC B",
    }
    layer = build(*PLAN, *(row | {"code": f"A{rank}", "objectif": "16"} for rank in range(10_000)))
    assert len(plan_of(layer).actions) == 10_000
    assert len(territories(layer)) == len(budgets(layer)) == 20_000
