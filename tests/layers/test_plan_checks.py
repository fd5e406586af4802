"""Numbers as people write them, and tables that tell of the same rows."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdaasp_geo.action_plan import ORIGIN, action_fields
from sdaasp_geo.layers.plan_checks import AMBIGUOUS_NUMBER, NOT_A_NUMBER, codes_of, french_number, merge_tables

NAMES = [field.name for field in action_fields()]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12000", 12000.0),
        ("12 000 €", 12000.0),
        ("12\u202f000,50\u00a0€", 12000.5),
        ("12.000,50", 12000.5),
        ("1.234.567", 1234567.0),
        ("0,5", 0.5),
        ("1234.5", 1234.5),
        ("50 %", 50.0),
        ("12 k€", 12000.0),
        ("1,5 M€ TTC", 1500000.0),
        ("2 ans", 2.0),
        ("-3", -3.0),
    ],
)
def test_numbers_as_people_write_them(text: str, value: float) -> None:
    assert french_number(text) == (value, "")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("12.000", AMBIGUOUS_NUMBER),
        ("12,000", AMBIGUOUS_NUMBER),
        ("à définir", NOT_A_NUMBER),
        ("€", NOT_A_NUMBER),
        ("", ""),
    ],
)
def test_what_is_no_number_has_a_reason(text: str, reason: str) -> None:
    value, why = french_number(text)
    assert math.isnan(value)
    assert why == reason


@given(st.integers(0, 10**9), st.integers(0, 99), st.sampled_from([" ", "\u00a0", "\u202f", ""]))
def test_a_grouped_amount_is_read_to_the_cent(euros: int, cents: int, space: str) -> None:
    value, reason = french_number(f"{euros:,}".replace(",", space) + f",{cents:02d} €")
    assert reason == ""
    assert value == pytest.approx(euros + cents / 100)


def test_codes_whatever_parts_them() -> None:
    assert codes_of("65440, 200070795|04 ;2A004\n65001") == ["65440", "200070795", "04", "2A004", "65001"]


def table(origin: str, *rows: dict[str, str]) -> pd.DataFrame:
    index = pd.Index(range(2, len(rows) + 2), name="row")
    return pd.DataFrame([dict.fromkeys(NAMES, "") | row for row in rows], index=index, dtype="str").assign(
        **{ORIGIN: origin}
    )


def merged(*tables: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    return merge_tables(tables, action_fields(), keys=("niveau", "code"), default="action")


def test_two_files_complete_each_other() -> None:
    first = table("a.csv", {"code": "1-B-2", "titre": "Un", "statut": "en cours"}, {"code": "2", "titre": "Deux"})
    second = table("b.csv", {"niveau": "Fiche action", "code": "1-b-2", "porteurs": "CAF", "statut": "En Cours"})
    rows, contradictions = merged(first, second)
    assert rows[["code", "titre", "statut", "porteurs"]].to_numpy().tolist() == [
        ["1-B-2", "Un", "en cours", "CAF"],
        ["2", "Deux", "", ""],
    ]
    assert contradictions.empty
    assert first["porteurs"].tolist() == ["", ""]


def test_two_files_that_contradict_each_other_are_told_cell_by_cell() -> None:
    first = table("a.csv", {"code": "1", "titre": "Un", "statut": "en cours"})
    second = table(
        "b.csv", {"code": "9", "titre": "Neuf"}, {"code": "1", "titre": "Un", "statut": "réalisée", "fin": "2020"}
    )
    rows, contradictions = merged(first, second)
    assert rows["statut"].tolist() == ["en cours", ""]
    assert rows["fin"].tolist() == ["2020", ""]
    assert contradictions.to_dict("records") == [
        {
            "niveau": "action",
            "code": "1",
            "column": "statut",
            "value": "en cours",
            "origin": "a.csv",
            "row": 2,
            "other_value": "réalisée",
            "other_origin": "b.csv",
            "other_row": 3,
        }
    ]


def test_what_one_file_repeats_is_left_for_the_contract() -> None:
    rows, _ = merged(
        table("a.csv", {"code": "1", "titre": "Un"}, {"code": "1", "titre": "Un"}), table("b.csv", {"code": ""})
    )
    assert rows["code"].tolist() == ["1", "1", ""]


def test_an_objective_and_an_action_may_bear_the_same_code() -> None:
    rows, contradictions = merged(
        table("a.csv", {"niveau": "objectif", "code": "16", "titre": "Informer"}),
        table("b.csv", {"code": "16", "titre": "Guide"}),
    )
    assert rows[["niveau", "titre"]].to_numpy().tolist() == [["objectif", "Informer"], ["action", "Guide"]]
    assert contradictions.empty
