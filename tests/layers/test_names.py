"""Names of EPCI, as documents spell them, to their SIREN; never a guess."""

from __future__ import annotations

import unicodedata

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdaasp_geo.errors import NameNotResolvedError
from sdaasp_geo.layers.names import resolve_name, resolve_names, words_of
from sdaasp_geo.scheme import read_scheme
from sdaasp_geo.sources import france

NAMES_65 = {
    "Communauté d'Agglomération Tarbes Lourdes Pyrénées": "200069300",
    "Communauté de Communes Haute-Bigorre": "246500482",
    "Communauté de Communes Plateau de Lannemezan": "200070787",
    "Communauté de Communes Neste Barousse": "200070829",
    "Communauté de Communes Aure Louron": "246500573",
    "Communauté de Communes Pyrénées Vallées des Gaves": "200070811",
    "Communauté de Communes Coteaux du Val d'Arros": "200070803",
    "Communauté de Communes Pays de Trie et du Magnoac": "200070795",
    "Communauté de Communes Adour Madiran": "200072106",
}
NAMES_04 = {
    "Communauté d'agglomération Provence Alpes Agglomération": "200067437",
    "Communauté d'agglomération Durance Luberon Verdon Agglomération": "200034700",
    "Communauté de communes Alpes Provence Verdon Sources de Lumière": "200068625",
    "Communauté de communes Vallée de l'Ubaye Serre Ponçon": "200072304",
    "Communauté de communes Sisteronnais Buëch": "200068765",
    "Communauté de communes Jabron Lure Vançon Durance": "200071033",
    "Communauté de communes Pays de Forcalquier Montagne de Lure": "240400440",
    "Communauté de communes Haute Provence Pays de Banon": "200071025",
}
FORMS = ["CC ", "CA ", "Communauté de communes ", "COMMUNAUTÉ D'AGGLOMÉRATION ", "communauté de communes du ", ""]


def candidates(departement: str) -> pd.DataFrame:
    """EPCI with communes in a département."""
    membership, names = france.read_membership(2024), france.read_epci_names(2024)
    present = membership.loc[membership["departement"] == departement, "epci"]
    return names[names["siren"].isin(present)].reset_index(drop=True)


EPCI_65, EPCI_04 = candidates("65"), candidates("04")
ALL = [
    (siren, name, table)
    for table in (EPCI_65, EPCI_04)
    for siren, name in zip(table["siren"], table["name"], strict=True)
]


@pytest.mark.parametrize(("name", "siren"), NAMES_65.items())
def test_the_nine_names_of_the_hautes_pyrenees(name: str, siren: str) -> None:
    assert resolve_name(name, EPCI_65).code == siren


@pytest.mark.parametrize(("name", "siren"), NAMES_04.items())
def test_the_eight_names_of_the_alpes_de_haute_provence(name: str, siren: str) -> None:
    assert resolve_name(name, EPCI_04).code == siren


def test_the_names_tested_are_those_of_the_schemes() -> None:
    assert set(read_scheme("hautes-pyrenees").convention.signataires) == set(NAMES_65)
    assert set(read_scheme("alpes-de-haute-provence").convention.signataires) == set(NAMES_04)
    assert (len(EPCI_65), len(EPCI_04)) == (10, 12)


def test_one_letter_apart_is_said_by_the_score() -> None:
    spelt = resolve_name("Communauté de communes Sisteronnais Buëch", EPCI_04)
    assert spelt.official_name == "CC du Sisteronais-Buëch"
    assert 90 < spelt.score < 100
    assert resolve_name("CC du Sisteronais-Buëch", EPCI_04).score == 100


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("Communauté de communes du Pays", "CC Pays de Nay (246401756)"),
        ("Val d'Adour", "CC Adour Madiran (200072106)"),
        ("Tarbes", "CA Tarbes-Lourdes-Pyrénées (200069300)"),
        ("Vallées", "CC Pyrénées Vallées des Gaves (200070811)"),
    ],
)
def test_part_of_a_name_gives_candidates_and_chooses_none(name: str, first: str) -> None:
    with pytest.raises(NameNotResolvedError) as caught:
        resolve_name(name, EPCI_65)
    assert caught.value.candidates[0] == first
    assert len(caught.value.candidates) == 3


@pytest.mark.parametrize("name", ["", "CC", "Communauté de communes", "xyz", "99"])
def test_a_name_of_nothing_is_not_resolved(name: str) -> None:
    with pytest.raises(NameNotResolvedError):
        resolve_name(name, EPCI_04)


def test_two_territories_of_one_name_are_both_given() -> None:
    with pytest.raises(NameNotResolvedError) as caught:
        resolve_name("Communauté de communes des Quatre Rivières", france.read_epci_names(2024))
    assert set(caught.value.candidates) == {
        "CC des Quatre Rivières (247000623)",
        "CC des Quatre Rivières (247400666)",
    }


def test_a_missing_word_is_never_filled_in() -> None:
    for _, official, table in ALL:
        words = official.replace("-", " ").split()
        for position in range(len(words)):
            shorter = " ".join(words[:position] + words[position + 1 :])
            if words_of(shorter) != words_of(official):
                with pytest.raises(NameNotResolvedError):
                    resolve_name(shorter, table)


@given(st.data())
def test_order_accents_case_and_legal_form_change_nothing(data: st.DataObject) -> None:
    siren, official, table = data.draw(st.sampled_from(ALL))
    words = official.removeprefix("CC ").removeprefix("CA ").replace('"', "").replace(" - ", " ").split()
    shuffled = " ".join(data.draw(st.permutations(words)))
    if data.draw(st.booleans()):
        plain = unicodedata.normalize("NFD", shuffled)
        shuffled = "".join(letter for letter in plain if not unicodedata.combining(letter))
    shuffled = data.draw(st.sampled_from([str.upper, str.lower, str.title, str]))(shuffled)
    separator = data.draw(st.sampled_from([" ", "-", "  "]))
    assert resolve_name(data.draw(st.sampled_from(FORMS)) + shuffled.replace(" ", separator), table).code == siren


def test_a_code_stands_for_itself() -> None:
    assert resolve_name(" 200072106 ", EPCI_65).official_name == "CC Adour Madiran"
    with pytest.raises(NameNotResolvedError):
        resolve_name("200072107", EPCI_65)


def test_failures_are_returned_together() -> None:
    matches, failures = resolve_names(["CC Adour Madiran", "CC du Pays", "rien"], EPCI_65)
    assert [match.code for match in matches] == ["200072106"]
    assert [failure.name for failure in failures] == ["CC du Pays", "rien"]
