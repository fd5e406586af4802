"""The vocabulary of a plan: published fields, lists of values, and cells cut into items."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdaasp_geo.action_plan import (
    KINDS,
    LEVELS,
    STATUSES,
    Action,
    action_fields,
    fold,
    governance_fields,
    items_of,
    unmarked,
    value_of,
)

STATUS = next(field for field in action_fields() if field.name == "statut")
SHEET = (
    *("code", "titre", "objectif", "description", "public", "porteurs", "partenaires", "calendrier", "lieux"),
    *("financements", "liens_schemas", "indicateurs", "scenarios", "territoires", "priorites"),
)
FOLLOWED = ("statut", "avancement_pct", "budget_prevu_eur", "budget_depense_eur", "referents", "dernier_bilan")


def test_the_published_lists_are_those_of_the_code() -> None:
    lists = {
        field.name: field.constraints["enum"]
        for field in (*action_fields(), *governance_fields())
        if "enum" in field.constraints
    }
    assert {name: tuple(values) for name, values in lists.items()} == {
        "niveau": LEVELS,
        "statut": STATUSES,
        "type": KINDS,
    }
    assert len(STATUSES) == 8


def test_every_field_of_the_sheet_and_of_the_follow_up_is_published() -> None:
    names = [field.name for field in action_fields()]
    assert set(SHEET) | set(FOLLOWED) <= set(names)
    assert len(names) == len(set(names))
    assert set(SHEET) <= set(Action.__struct_fields__)
    fields = (*action_fields(), *governance_fields())
    assert [field.name for field in fields if field.type != "string" or not field.title or not field.description] == []


@pytest.mark.parametrize(
    ("words", "status"),
    [
        *((status, status) for status in STATUSES),
        *((status.upper(), status) for status in STATUSES),
        ("Réalisé", "réalisée"),
        ("terminées", "réalisée"),
        ("A VENIR", "à venir"),
        ("non démarré", "à venir"),
        ("annulée", "abandonnée"),
        ("suspendu", "en pause"),
        ("fusée", None),
        ("en", None),
    ],
)
def test_statuses_are_known_whatever_gender_accents_and_capitals(words: str, status: str | None) -> None:
    assert value_of(words, STATUS) == status


def test_a_synonym_stands_for_one_value() -> None:
    for field in (*action_fields(), *governance_fields()):
        for value, others in field.synonymes_valeurs.items():
            assert value in field.constraints["enum"]
            assert [value_of(other, field) for other in others] == [value] * len(others)


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("", ()),
        (" \n - \n", ()),
        ("CAF", ("CAF",)),
        ("CAF | MSA|CPAM ; CARSAT", ("CAF", "MSA|CPAM", "CARSAT")),
        ("CAF\nMSA", ("CAF", "MSA")),
        ("- CAF\n- MSA de\n  Tarbes", ("CAF", "MSA de Tarbes")),
        ("Une phrase\nqui continue", ("Une phrase qui continue",)),
        ("• un\n\nDeux", ("un", "Deux")),
        ("A, B (c, d)", ("A, B (c, d)",)),
        ("=SOMME(A1) | +33", ("=SOMME(A1)", "+33")),
    ],
)
def test_items(text: str, items: tuple[str, ...]) -> None:
    assert items_of(text) == items


def test_commas_part_names_and_the_page_does_not() -> None:
    text = "Département 04, CC Vallée de\nl'Ubaye, CA X (a, b)"
    assert items_of(text, commas=True) == ("Département 04", "CC Vallée de l'Ubaye", "CA X (a, b)")
    assert items_of("Tarbes\nLourdes", commas=True) == ("Tarbes", "Lourdes")


@given(st.text("abcé -•|;,\n()", max_size=60), st.booleans())
def test_items_hold_every_word(text: str, commas: bool) -> None:  # noqa: FBT001 - drawn
    found = " ".join(items_of(text, commas=commas))
    assert re.findall(r"\w+", found) == re.findall(r"\w+", text)


@given(st.text(max_size=40))
def test_a_line_without_its_bullet_keeps_its_words(line: str) -> None:
    mark, text = unmarked(line)
    kept = fold(text)
    assert fold(line) in (kept, f"{fold(mark)} {kept}".strip())
