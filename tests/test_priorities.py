"""Priorities: sourced, tied to what exists, compared whole; a scheme's own table completes or replaces them."""

from __future__ import annotations

from pathlib import Path

import pytest

from sdaasp_geo.criteria import read_criteria
from sdaasp_geo.errors import InputError
from sdaasp_geo.parameters import read_parameters
from sdaasp_geo.priorities import COLUMNS, Priority, priority_index, priority_key, read_priorities

CRITERIA = {criterion.code for criterion in read_criteria().criterion} | {rule.code for rule in read_parameters().rule}
THEMES = {theme.code: theme.label for theme in read_criteria().theme}
HEADER = ",".join(COLUMNS)


def table(tmp_path: Path, text: str, *, encoding: str = "utf-8") -> Path:
    path = tmp_path / "priorites.csv"
    path.write_bytes(text.encode(encoding))
    return path


def own(path: Path) -> dict[str, Priority]:
    return priority_index(read_priorities(path, criteria=CRITERIA, themes=THEMES))


def test_each_priority_is_sourced_and_tied_to_what_exists() -> None:
    sheet = read_priorities()
    themes = set(THEMES) | {theme.code for theme in sheet.theme}
    assert not set(THEMES) & {theme.code for theme in sheet.theme}
    for priority in sheet.priority:
        assert len(priority.reference) > 40
        assert priority.criteria or priority.themes
        assert set(priority.criteria) <= CRITERIA
        assert set(priority.themes) <= themes


def test_two_priorities_never_share_a_writing() -> None:
    keys = [
        {priority_key(words) for words in (priority.label, *priority.synonyms)}
        for priority in read_priorities().priority
    ]
    assert sum(len(own_keys) for own_keys in keys) == len(set().union(*keys))


@pytest.mark.parametrize(
    ("words", "label"),
    [
        ("Critère - Globalité / Accueil de premier niveau", "Critère - Globalité / Accueil de premier niveau"),
        ("critere : globalité - accueil de premier niveau", "Critère - Globalité / Accueil de premier niveau"),
        ("Critère – Information", "Critère - Information"),
        ("HORAIRE", "Horaires"),
        ("Temps d\u2019acces", "Temps d'accès"),
        ("Priorité : santé", "Santé"),
        ("Usage numérique", "Numérique"),
    ],
)
def test_writings_of_sheets_are_recognised(words: str, label: str) -> None:
    assert priority_index(read_priorities())[priority_key(words)].label == label


@pytest.mark.parametrize("words", ["", "Critère", "Horaires et santé", "Sant", "Accueil"])
def test_nothing_is_guessed(words: str) -> None:
    assert priority_key(words) not in priority_index(read_priorities())


@pytest.mark.parametrize(("separator", "encoding"), [(",", "utf-8-sig"), (";", "cp1252"), ("\t", "utf-8")])
def test_a_scheme_completes_and_replaces_word_for_word(tmp_path: Path, separator: str, encoding: str) -> None:
    rows = [
        COLUMNS,
        ("Santé", "apl-medecins-2-5 | panier-vie-courante-7", "", "Délibération"),
        ("Forêt", "", "Vie courante", ""),
        ("Forêt", "mairie-15", "numerique", "Atelier"),
    ]
    path = table(tmp_path, "\r\n".join(separator.join(row) for row in rows), encoding=encoding)
    index = own(path)
    health, forest = index[priority_key("sante")], index[priority_key("Forêts")]
    assert (health.criteria, health.themes) == (("apl-medecins-2-5", "panier-vie-courante-7"), ())
    assert (forest.criteria, forest.themes, forest.remark) == (("mairie-15",), ("vie-courante", "numerique"), "Atelier")
    assert "priorites.csv" in forest.reference
    assert index[priority_key("Accès aux soins")].themes == ("sante",)
    assert index[priority_key("Horaires")] == priority_index(read_priorities())[priority_key("Horaires")]


def test_all_faults_of_a_table_are_told_together(tmp_path: Path) -> None:
    text = f"{HEADER}\nA,inconnu,,\n,mairie-15,,\n\nB,,,\nC,,Nulle part,\n"
    with pytest.raises(InputError) as caught:
        own(table(tmp_path, text))
    assert [(fault.row, fault.column, fault.value) for fault in caught.value.faults] == [
        (2, "critere", "inconnu"),
        (3, "priorite", ""),
        (5, "critere", ""),
        (6, "theme", "Nulle part"),
    ]


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("", "priorite"),
        ("critere,theme\n", "priorite"),
        ("priorite,mesure\nA,b\n", "mesure"),
        ("priorite,theme,theme\nA,b,c\n", "theme"),
        (f"{HEADER}\nA,mairie-15,,,trop\n", ""),
    ],
)
def test_a_table_of_another_form_is_refused(tmp_path: Path, text: str, column: str) -> None:
    with pytest.raises(InputError) as caught:
        own(table(tmp_path, text))
    assert [fault.column for fault in caught.value.faults] == [column]


def test_a_formula_stays_words(tmp_path: Path) -> None:
    index = own(table(tmp_path, f"{HEADER}\n=1+1,mairie-15,,=A1\n"))
    assert index[priority_key("=1+1")].label == "=1+1"


def test_a_table_alone_changes_nothing(tmp_path: Path) -> None:
    assert own(table(tmp_path, f"{HEADER}\n")) == priority_index(read_priorities())
