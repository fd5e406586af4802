"""Criteria: read from dated tables, chosen by date, replaced code by code, contradictions refused together."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from sdaasp_geo.criteria import (
    Criteria,
    at_most,
    criteria_from_rules,
    criteria_in_force,
    criteria_on,
    read_criteria,
    unit_of,
)
from sdaasp_geo.errors import SchemeError
from sdaasp_geo.parameters import read_parameters, rules_of

EDITION = dt.date(2026, 11, 22)

OWN = """
[[criterion]]
code = "{code}"
theme = "sante"
kind = "{kind}"
services = {services}
threshold = {threshold}
beyond = "loin"
beyond_label = "Loin"
label = "Critère du département"
valid_from = {start}
reference = "Délibération du 1er janvier 2020"
{more}
"""


def own_text(**changes: object) -> str:
    given = {"code": "a", "kind": "temps", "services": '["caf"]', "threshold": 20.0, "start": "2020-01-01", "more": ""}
    return OWN.format(**given | changes)


def own(tmp_path: Path, *texts: str) -> Path:
    path = tmp_path / "criteres.toml"
    path.write_text("\n".join(texts), encoding="utf-8")
    return path


def test_the_embedded_criteria_are_sourced_and_contradict_nothing(tmp_path: Path) -> None:
    criteria = read_criteria()
    assert read_criteria(own(tmp_path, "")).criterion == criteria.criterion
    assert criteria.sensitivity_min == (15.0, 20.0, 30.0)
    assert len(criteria.criterion) == len({criterion.code for criterion in criteria.criterion})
    for criterion in criteria.criterion:
        assert len(criterion.reference) > 40
        assert criterion.valid_from <= EDITION
        assert unit_of(criterion)
    named = {service for criterion in criteria.criterion for service in criterion.services}
    assert named <= set(criteria.service_label)


def test_the_baskets_are_those_of_insee() -> None:
    baskets = {criterion.code: criterion for criterion in read_criteria().criterion if criterion.kind == "panier"}
    everyday, youth = baskets["panier-vie-courante-7"], baskets["panier-jeunes-17"]
    assert (everyday.threshold, len(set(everyday.services)), at_most(everyday)) == (7.0, 21, True)
    assert (youth.threshold, youth.composition) == (17.0, "partielle")
    assert everyday.valid_from == dt.date(2016, 1, 6)


def test_comparators_and_units() -> None:
    criteria = {criterion.code: criterion for criterion in read_criteria().criterion}
    assert [code for code, criterion in criteria.items() if at_most(criterion)] == [
        "panier-vie-courante-7",
        "panier-jeunes-17",
    ]
    assert unit_of(criteria["france-services-choix-30"]) == "lieux"
    assert unit_of(criteria["france-services-heures-20"]) == "heures par semaine"
    assert unit_of(criteria["apl-medecins-2-5"]) == "consultations par an et par habitant"


def test_rules_are_criteria_of_time_with_the_theme_of_their_service() -> None:
    parameters, criteria = read_parameters(), read_criteria()
    rules = rules_of(
        parameters,
        codes=["france-services-20", "france-services-30"],
        services=["france-services"],
        date=EDITION,
    )
    made = criteria_from_rules(criteria, rules)
    assert [(criterion.code, criterion.threshold, criterion.beyond) for criterion in made] == [
        ("france-services-20", 20.0, "eloigne"),
        ("france-services-30", 30.0, "deficit"),
    ]
    assert {(criterion.kind, criterion.theme, unit_of(criterion)) for criterion in made} == {
        ("temps", "services-au-public", "min")
    }
    assert all(at_most(criterion) for criterion in made)
    assert criteria_from_rules(Criteria(), rules)[0].theme == "autres"


def test_a_criterion_in_force_may_not_have_the_code_of_a_rule_of_the_run(tmp_path: Path) -> None:
    rules = rules_of(read_parameters(), codes=["mairie-15"], services=["mairie"], date=EDITION)
    path = own(tmp_path, own_text(code="mairie-15", start="2026-01-01"))
    criteria = read_criteria(path)
    with pytest.raises(SchemeError, match=r"mairie-15.*fichiers\.parametres"):
        criteria_in_force(criteria, rules, date=EDITION)
    before = criteria_in_force(criteria, rules, date=dt.date(2025, 12, 31))
    codes = [criterion.code for criterion in before]
    assert codes == ["mairie-15", *(one.code for one in criteria_on(criteria, date=dt.date(2025, 12, 31)))]
    assert len(codes) == len(set(codes))


def test_the_version_in_force_is_chosen_by_date(tmp_path: Path) -> None:
    first = own_text(threshold=20.0, more="valid_to = 2023-12-31")
    second = own_text(threshold=15.0, start="2024-01-01")
    criteria = read_criteria(own(tmp_path, 'version = "65"', second, first))
    assert criteria.version == f"{read_criteria().version} + 65"
    for day, threshold in ((dt.date(2020, 1, 1), 20.0), (dt.date(2023, 12, 31), 20.0), (dt.date(2024, 1, 1), 15.0)):
        assert [criterion.threshold for criterion in criteria_on(criteria, date=day, codes=["a"])] == [threshold]
    with pytest.raises(SchemeError, match="2019-12-31"):
        criteria_on(criteria, date=dt.date(2019, 12, 31), codes=["a"])
    assert "a" not in {criterion.code for criterion in criteria_on(criteria, date=dt.date(2019, 12, 31))}
    with pytest.raises(SchemeError, match=r"inconnu.*panier-jeunes-17"):
        criteria_on(criteria, date=EDITION, codes=["inconnu"])


def test_the_file_of_the_departement_replaces_by_code_and_adds(tmp_path: Path) -> None:
    new = own_text(code="panier-jeunes-17", kind="panier", services='["gare"]', more='measure = "temps-moyen"')
    label = '[service_label]\ngare = "halte"\n[[theme]]\ncode = "neuf"\nlabel = "Neuf"\n'
    text = "sensitivity_min = [10.0]\n" + label + new + own_text(code="b").replace('"sante"', '"neuf"')
    criteria = read_criteria(own(tmp_path, text))
    assert criteria.sensitivity_min == (10.0,)
    assert criteria.service_label["gare"] == "halte"
    by_code = {criterion.code: criterion for criterion in criteria.criterion}
    assert by_code["panier-jeunes-17"].services == ("gare",)
    assert len(criteria.criterion) == len(read_criteria().criterion) + 1


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"kind": "choix"}, "limit_min"),
        ({"services": '["caf", "msa"]'}, "un seul service"),
        ({"kind": "panier", "services": "[]", "more": 'measure = "temps-moyen"'}, "panier sans service"),
        ({"kind": "panier", "more": 'measure = "nombre"'}, "limit_min"),
        ({"kind": "panier"}, "mesure"),
        ({"more": 'measure = "soir"'}, "mesure"),
        ({"kind": "indicateur", "services": "[]"}, "mesure"),
        ({"kind": "presence", "more": 'measure = "soir"\nlimit_min = 20.0', "threshold": 2.0}, "seuil de 1"),
        ({"more": "valid_to = 2019-12-31"}, "fin de validité"),
    ],
)
def test_contradictions_are_refused(tmp_path: Path, changes: dict[str, object], word: str) -> None:
    with pytest.raises(SchemeError, match=word):
        read_criteria(own(tmp_path, own_text(**changes)))


def test_contradictions_come_all_together(tmp_path: Path) -> None:
    twice = own_text(code="double") + own_text(code="double", start="2024-01-01")
    with pytest.raises(SchemeError, match=r"thème.*zéro.*double, deux versions"):
        read_criteria(own(tmp_path, own_text(code="zz").replace('"sante"', '"zéro"'), twice))


@pytest.mark.parametrize("text", ["[[critere]]\n", own_text(kind="distance"), own_text(threshold='"vingt"'), "[["])
def test_a_file_of_another_form_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(SchemeError, match=r"criteres\.toml"):
        read_criteria(own(tmp_path, text))


def test_a_file_that_is_absent_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SchemeError, match=r"absent\.toml"):
        read_criteria(tmp_path / "absent.toml")
