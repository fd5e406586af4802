"""The thirty-six elements of an annex: each one is there, or « non mesuré » with its reason, in every format."""

from __future__ import annotations

import dataclasses

import pandas as pd
import pytest
from annexe_formats import facts_of, shown_by_each, squeezed

from sdaasp_geo.french import number, percent
from sdaasp_geo.outputs.annexe import annexe_facts
from sdaasp_geo.outputs.annexe_items import ITEMS, KEY
from sdaasp_geo.outputs.annexe_layout import PARTS, blocks
from sdaasp_geo.outputs.annexe_model import AnnexeFacts
from sdaasp_geo.pipeline.needs import census_with_history
from sdaasp_geo.sources import france
from sdaasp_geo.study import Diagnosis, Measures, Study

ADOUR_MADIRAN = "200072106"
DASH = "–"


@pytest.fixture(scope="module")
def census() -> pd.DataFrame:
    return census_with_history(2024)


@pytest.fixture(scope="module")
def facts(study_65: Study, measures_65: Measures, diagnosis_65: Diagnosis, census: pd.DataFrame) -> AnnexeFacts:
    return facts_of(study_65, measures_65, diagnosis_65, ADOUR_MADIRAN, census)


def test_the_list_has_thirty_six_elements_that_name_what_exists() -> None:
    assert [item.number for item in ITEMS] == list(range(1, 37))
    tables, texts = ({block.key for block in blocks(kind)} for kind in ("table", "texts"))
    assert {key for item in ITEMS for key in item.tables} <= tables
    assert {key for item in ITEMS for key in item.texts} <= texts


def test_each_element_is_there_or_not_measured_with_its_reason(facts: AnnexeFacts) -> None:
    rows = facts.tables[KEY].rows
    assert [row[0] for row in rows] == [str(item.number) for item in ITEMS]
    for number_, label, where, reason in rows:
        assert label
        assert where != DASH or reason != DASH, number_
        assert reason == DASH or (reason.startswith("Non mesuré\u00a0: ") and len(reason) > 20), number_
    assert sum(where != DASH for _, _, where, _ in rows) >= 20


def test_each_element_is_in_every_format(facts: AnnexeFacts) -> None:
    for form, shown in shown_by_each(facts).items():
        for row in facts.tables[KEY].rows:
            assert squeezed("".join(row)) in shown, (form, row)


def test_tables_are_named_by_their_numbers(facts: AnnexeFacts) -> None:
    ranks = {table.number for table in facts.tables.values() if table.rows}
    assert ranks == set(range(1, len(ranks) + 1))
    rows = {int(row[0]): row[2] for row in facts.tables[KEY].rows}
    for item in ITEMS:
        shown = [facts.tables[key].number for key in item.tables if facts.tables[key].number]
        if rows[item.number] != DASH:
            assert all(str(rank) in rows[item.number] for rank in shown), item
    assert rows[24] == f"Partie\u00a03, tableau\u00a0{facts.tables['deciles'].number}"
    assert PARTS[-1].title in rows[9]


def test_the_change_of_population_is_that_of_the_legal_populations(
    facts: AnnexeFacts, study_65: Study, census: pd.DataFrame
) -> None:
    members = study_65.communes[study_65.communes["epci"] == ADOUR_MADIRAN]
    before = france.read_membership(2019).set_index("code")["population"].astype(int)
    assert set(members["code"]) <= set(before.index), "no commune of this EPCI merged"
    rate = members["population"].sum() / before[members["code"]].sum() - 1
    row = next(row for row in facts.tables["profil"].rows if row[0].startswith("Évolution"))
    assert row[0].endswith("2016\u00a0à\u00a02021")
    assert row[1] == percent(rate)
    assert facts.figures["profil.evolution"] == pytest.approx(rate)
    assert "évolution" not in facts.tables[KEY].rows[1][3]
    assert census["code"].is_unique
    assert len(census) == len(france.read_census())


def test_without_an_earlier_population_its_change_is_not_measured(
    study_65: Study, measures_65: Measures, diagnosis_65: Diagnosis
) -> None:
    bare = facts_of(study_65, measures_65, diagnosis_65, ADOUR_MADIRAN, france.read_census())
    assert not any(row[0].startswith("Évolution") for row in bare.tables["profil"].rows)
    assert "évolution sur cinq ans" in bare.tables[KEY].rows[1][3]
    assert "profil.evolution" not in bare.figures


def test_the_profile_is_relative_to_the_departement(facts: AnnexeFacts) -> None:
    for key in ("densite", "age_65_plus", "france-services.temps"):
        own, reference = facts.figures[f"profil.{key}"], facts.figures[f"profil.{key}.departement"]
        assert any(row[3] == number(100 * own / reference) for row in facts.tables["profil"].rows), key
    assert facts.figures["profil.france-services.temps"] == facts.figures["france-services.entier.mean_min"]


def test_formats_add_up_to_the_places(facts: AnnexeFacts, study_65: Study) -> None:
    points = study_65.points[study_65.points["service"] == "france-services"]
    rows = {row[0].split("– ")[1]: [int(cell) for cell in row[1:]] for row in facts.tables["formats"].rows}
    assert rows["EPCI entier"][-1] == int((points["epci"] == ADOUR_MADIRAN).sum())
    assert rows["Hautes-Pyrénées (65)"][-1] == int(points["inside"].sum())
    for sizes in rows.values():
        assert sum(sizes[:-1]) == sizes[-1]
    inside, outside = rows["Dans le département"], rows["Hors du département"]
    assert [a + b for a, b in zip(inside, outside, strict=True)] == rows["EPCI entier"]


def test_without_plan_nor_diagnosis_the_reasons_say_so(
    study_65: Study, measures_65: Measures, census: pd.DataFrame
) -> None:
    bare = annexe_facts(dataclasses.replace(study_65, programme=None), measures_65, siren=ADOUR_MADIRAN, census=census)
    reasons = {int(row[0]): row[3] for row in bare.tables[KEY].rows}
    assert "plan d'actions" in reasons[33]
    assert "plan d'actions" in reasons[34]
    assert "diagnostic détaillé" in reasons[24]
    assert all(row[2] != DASH or row[3] != DASH for row in bare.tables[KEY].rows)
