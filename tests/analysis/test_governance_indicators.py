"""Indicators of governance: what is not said is never zero, totals are sums, nothing is lost."""

from __future__ import annotations

import pandas as pd
import pytest

from sdaasp_geo.action_plan import ORIGIN, governance_fields
from sdaasp_geo.analysis.governance_indicators import (
    COMMITTEE,
    DEPARTEMENT,
    ELECTED,
    INDICATORS,
    INTERLOCUTORS,
    MEASURED,
    MEETINGS,
    NOT_SAID,
    PARTICIPATION,
    REPRESENTATIVES,
    TECHNICAL,
    body_meetings,
    governance_indicators,
    indicator_of,
    meetings,
)
from sdaasp_geo.layers.governance import build_governance
from sdaasp_geo.study import Study

EPCI = pd.DataFrame(
    {
        "siren": ["111", "222", "333"],
        "name": ["CC de la Haute-Vallée", "CC du Bas Pays", "CC d'à Côté"],
        "role": ["signataire", "signataire", "sans convention dans ce département"],
    }
)
NAMED = ["table", "kind", "code", "words", "territory_kind", "territory_code", "reason"]
BODIES = (
    {"type": "instance", "code": "local", "categorie": "locale", "reunions_min": "2", "territoires": "Chaque EPCI"},
    {"type": "instance", "code": "conf", "categorie": "départementale", "reunions_min": "1"},
)


def governance(*rows: dict[str, str]) -> pd.DataFrame:
    names = [field.name for field in governance_fields()]
    filled = [dict.fromkeys(names, "") | {"nom": "Nom"} | row for row in (*BODIES, *rows)]
    return build_governance(pd.DataFrame(filled, columns=names, dtype="str").assign(**{ORIGIN: "g.csv"}))[0]


def named(*rows: tuple[str, str, str]) -> pd.DataFrame:
    every = [("instance", "local", "111"), ("instance", "local", "222"), *rows]
    told = [("gouvernance", kind, code, f"mot {siren}", "epci", siren, "") for kind, code, siren in every]
    return pd.DataFrame(told, columns=NAMED, dtype="str")


def measured(table: pd.DataFrame, indicator: str, *, level: str = "epci") -> dict[tuple[str, object], object]:
    own = table[(table["indicator"] == indicator) & (table["level"] == level)]
    values = own["value"].where(own["status"] == MEASURED, None).astype("object")
    years = [None if pd.isna(year) else int(year) for year in own["year"]]
    return {
        (siren, year): None if pd.isna(value) else value
        for siren, year, value in zip(own["siren"], years, values, strict=True)
    }


def test_an_empty_table_says_nothing_of_each_signatory() -> None:
    table = governance_indicators(governance(), named(), EPCI)
    own = table[table["level"] == "epci"]
    assert set(own["siren"]) == {"111", "222"}
    assert set(own["indicator"]) == set(INDICATORS)
    assert set(table["status"]) == {NOT_SAID}
    assert table["value"].isna().all()
    assert (table["reason"] != "").all()
    assert own.loc[own["indicator"] == MEETINGS, "minimum"].tolist() == [2.0, 2.0]


@pytest.mark.parametrize(
    ("elected", "technical", "value", "reason"),
    [
        ("Vice-présidente", "Chargé de mission", 2.0, ""),
        ("Vice-présidente", "", 1.0, "technicien référent\u00a0: non renseigné"),
        ("Vice-présidente", "à désigner", 1.0, ""),
        ("Aucun", "Néant", 0.0, ""),
        ("", "aucun", 0.0, "élu référent\u00a0: non renseigné"),
        ("", "", None, "cellules vides"),
    ],
)
def test_interlocutors_are_counted_as_said(elected: str, technical: str, value: float | None, reason: str) -> None:
    row = {"type": "epci", "code": "a", "elu_referent": elected, "technicien_referent": technical}
    table = governance_indicators(governance(row), named(("epci", "a", "111")), EPCI)
    assert measured(table, INTERLOCUTORS)["111", None] == value
    own = table[(table["indicator"] == INTERLOCUTORS) & (table["siren"] == "111")]
    assert own["reason"].tolist() == [reason]


def test_a_row_without_known_territory_is_kept() -> None:
    rows = [
        {"type": "epci", "code": "a", "nom": "Ailleurs", "comite": "Commission"},
        {"type": "epci", "code": "b", "comite": "aucun"},
    ]
    table = governance_indicators(governance(*rows), named(("epci", "b", "333")), EPCI)
    own = table[(table["indicator"] == COMMITTEE) & (table["level"] == "epci")].set_index("epci")
    assert own["value"].fillna(-1).to_dict() == {
        "CC de la Haute-Vallée": -1.0,
        "CC du Bas Pays": -1.0,
        "Ailleurs": 1.0,
        "CC d'à Côté": 0.0,
    }
    assert own.loc["Ailleurs", "reason"] == "territoire non reconnu"
    total = table[(table["indicator"] == COMMITTEE) & (table["level"] == DEPARTEMENT)]
    assert total[["value", "reason"]].to_numpy().tolist() == [[1.0, "2\u00a0EPCI renseignés sur 4"]]


def test_meetings_are_those_of_the_local_body_that_name_the_epci() -> None:
    rows = [
        {"type": "reunion", "code": "1", "instance": "local", "date": "mars 2018"},
        {"type": "reunion", "code": "2", "instance": "local", "date": "10/10/2018"},
        {"type": "reunion", "code": "3", "instance": "local", "date": "2019"},
        {"type": "reunion", "code": "4", "instance": "local", "date": "2018-2019"},
        {"type": "reunion", "code": "5", "instance": "conf", "date": "2019"},
        {"type": "epci", "code": "a", "reunions_min": "4"},
    ]
    told = named(*(("reunion", code, "111") for code in "1245"), ("reunion", "3", "222"), ("epci", "a", "222"))
    table = governance_indicators(governance(*rows), told, EPCI)
    assert measured(table, MEETINGS) == {
        ("111", 2018): 2.0,
        ("111", 2019): None,
        ("111", None): 1.0,
        ("222", 2018): None,
        ("222", 2019): 1.0,
    }
    own = table[(table["indicator"] == MEETINGS) & (table["level"] == "epci")]
    assert own.groupby("siren")["minimum"].first().to_dict() == {"111": 2.0, "222": 4.0}
    assert measured(table, MEETINGS, level=DEPARTEMENT) == {("", 2018): 2.0, ("", 2019): 1.0, ("", None): 1.0}


def test_participation_counts_only_lists_that_name_epci() -> None:
    rows = [
        {
            "type": "reunion",
            "code": "1",
            "instance": "conf",
            "date": "2018",
            "participants": "CC Haute Vallée | Préfet",
        },
        {"type": "reunion", "code": "2", "instance": "conf", "date": "2018", "participants": "Chaque EPCI"},
        {"type": "reunion", "code": "3", "instance": "conf", "date": "2019", "participants": "Préfet | Habitants"},
        {"type": "reunion", "code": "4", "instance": "conf", "date": "2020"},
    ]
    table = governance_indicators(governance(*rows), named(), EPCI)
    found = measured(table, PARTICIPATION)
    assert {key: value for key, value in found.items() if value is not None} == {("111", 2018): 2.0, ("222", 2018): 1.0}
    assert found["222", 2019] is None
    assert found["222", 2020] is None
    reasons = table.loc[(table["indicator"] == PARTICIPATION) & (table["year"] == 2018), "reason"]
    assert reasons.iloc[0] == "sur 2\u00a0réunions à participants consignés"


def test_absence_from_a_list_that_names_epci_is_a_measured_zero() -> None:
    row = {"type": "reunion", "code": "1", "instance": "conf", "date": "2018", "participants": "CC Haute Vallée"}
    found = measured(governance_indicators(governance(row), named(), EPCI), PARTICIPATION)
    assert found == {("111", 2018): 1.0, ("222", 2018): 0.0}


def test_bodies_have_a_row_for_each_year_and_for_meetings_without_one() -> None:
    rows = [
        {"type": "reunion", "code": "1", "instance": "conf", "date": "2018"},
        {"type": "reunion", "code": "2", "instance": "local", "date": "un jour"},
    ]
    bodies = governance(*rows)
    table = body_meetings(bodies, named())
    assert table[["code", "year", "held", "status"]].to_numpy().tolist() == [
        ["local", 2018, pd.NA, NOT_SAID],
        ["local", pd.NA, 1, MEASURED],
        ["conf", 2018, 1, MEASURED],
    ]
    assert table["held"].sum() == len(meetings(bodies, named()))


def test_words_of_the_sheet_find_their_indicator(study_04: Study) -> None:
    assert study_04.programme is not None
    asked = study_04.programme.plan.actions[0].indicateurs
    assert [indicator_of(words) for words in asked] == [INTERLOCUTORS, COMMITTEE, MEETINGS, PARTICIPATION]
    assert indicator_of("Nombre de personnes reçues") == ""


@pytest.mark.parametrize("number", ["04", "65"])
def test_the_real_schemes_say_nothing_yet(number: str, request: pytest.FixtureRequest) -> None:
    study: Study = request.getfixturevalue(f"study_{number}")
    assert study.programme is not None
    table = governance_indicators(study.programme.bodies, study.programme.territories, study.epci)
    assert set(table["status"]) == {NOT_SAID}
    assert table.loc[table["level"] == "epci", "siren"].nunique() == {"04": 8, "65": 9}[number]


def test_totals_are_the_sums_of_the_epci() -> None:
    rows = [
        {"type": "epci", "code": "a", "elu_referent": "x", "representant_conference": "y", "comite": "z"},
        {"type": "epci", "code": "b", "elu_referent": "x", "technicien_referent": "x"},
    ]
    table = governance_indicators(governance(*rows), named(("epci", "a", "111"), ("epci", "b", "222")), EPCI)
    for indicator in (ELECTED, TECHNICAL, INTERLOCUTORS, COMMITTEE, REPRESENTATIVES):
        parts = [value for value in measured(table, indicator).values() if value is not None]
        assert measured(table, indicator, level=DEPARTEMENT) == {("", None): sum(parts)}
