"""What the diagnosis adds to the annex of each convention: hours, choice, border, criteria; absent without it."""

from __future__ import annotations

import dataclasses
import io
import re

import msgspec
import pandas as pd
import pytest
from docx import Document
from docx.oxml.ns import qn

from sdaasp_geo.french import number, percent
from sdaasp_geo.outputs.annexe import annexe_facts
from sdaasp_geo.outputs.annexe_docx import render_docx
from sdaasp_geo.outputs.annexe_html import render_html
from sdaasp_geo.outputs.annexe_model import AnnexeFacts
from sdaasp_geo.outputs.static_map import draw_epci_map
from sdaasp_geo.pipeline import diagnose
from sdaasp_geo.sources import france
from sdaasp_geo.study import Diagnosis, Measures, Study

ADOUR_MADIRAN, BIGORRE, VERDON, BANON = "200072106", "246500482", "200068625", "200071025"
WHOLE, INSIDE, OUTSIDE = "entier", "dans le département", "hors du département"
MAIRIE = ("mairie",)
ADDED = {"deciles", "choix", "heures", "frontieres", "echanges", "guichets", "criteres", "sensibilite"}


@pytest.fixture(scope="module")
def census() -> pd.DataFrame:
    return france.read_census()


@pytest.fixture(scope="module")
def facts(study_65: Study, measures_65: Measures, diagnosis_65: Diagnosis, census: pd.DataFrame) -> AnnexeFacts:
    """Facts of Adour Madiran, which straddles the limit of the département."""
    measures = dataclasses.replace(measures_65, diagnosis=diagnosis_65)
    return annexe_facts(study_65, measures, siren=ADOUR_MADIRAN, census=census)


@pytest.fixture(scope="module")
def measures_04_full(study_04: Study, measures_04: Measures) -> Measures:
    return dataclasses.replace(measures_04, diagnosis=diagnose(study_04, measures_04))


def test_without_a_diagnosis_its_parts_are_absent_and_said_not_measured(
    study_65: Study, measures_65: Measures, facts: AnnexeFacts, census: pd.DataFrame
) -> None:
    bare = annexe_facts(study_65, measures_65, siren=ADOUR_MADIRAN, census=census)
    picture = draw_epci_map(study_65, measures_65, siren=ADOUR_MADIRAN)
    page = render_html(bare, map_png=picture, alt="Carte")
    document = Document(io.BytesIO(render_docx(bare, map_png=picture, alt="Carte")))
    written = "".join(node.text or "" for node in document.element.body.iter(qn("w:t")))
    assert all(not bare.tables[key].rows and not bare.tables[key].empty for key in ADDED)
    assert not any(bare.texts[key] for key in ("inegalites", "offre", "negociation", "criteres"))
    assert "Heures d'accès" not in page
    assert "Heures d'accès" not in written
    absent, present = ({row[0] for row in each.tables["elements"].rows if row[2] == "–"} for each in (bare, facts))
    assert absent - present == {"24", "29"}
    told = {row[0]: row[3] for row in bare.tables["elements"].rows}
    assert all("diagnostic détaillé" in told[number] for number in ("24", "27", "29"))
    assert all(facts.tables[key].rows for key in ADDED)
    assert set(bare.figures) < set(facts.figures)


def test_the_border_balance_adds_up_and_agrees_with_the_exchanges(facts: AnnexeFacts, diagnosis_65: Diagnosis) -> None:
    figures = facts.figures
    sides = ("own_epci", "other_epci", "other_departement", "not_reached")
    for side in (*sides, "served_from_outside"):
        whole, inside, outside = (
            figures[f"france-services.{part}.border.population_{side}"] for part in (WHOLE, INSIDE, OUTSIDE)
        )
        assert whole == inside + outside, side
    away = [figures[f"france-services.{WHOLE}.border.population_{side}"] for side in sides]
    assert sum(away) == figures["population"]
    pairs = diagnosis_65.exchanges
    pairs = pairs[(pairs["level"] == "epci") & (pairs["operator"] == "tous")]
    assert pairs.loc[pairs["home"] == ADOUR_MADIRAN, "population"].sum() == away[1] + away[2]
    rows = facts.tables["echanges"].rows
    gone = pairs[pairs["home"] == ADOUR_MADIRAN].sort_values("population", ascending=False)
    assert [row[1] for row in rows if row[1] != "0"] == [number(size) for size in gone["population"]]
    come = pairs.loc[pairs["host"] == ADOUR_MADIRAN, "population"]
    assert sorted(row[3] for row in rows if row[3] != "0") == sorted(number(size) for size in come)
    assert figures[f"france-services.{WHOLE}.border.population_served_from_outside"] == come.sum()


def test_what_is_to_negotiate_is_recomputed_from_the_competent_counters(
    facts: AnnexeFacts, diagnosis_65: Diagnosis
) -> None:
    table = diagnosis_65.competence
    worth = table[(table["penalty_min"] >= 5) & (table["service"] == "france-services")]
    leaving = worth[(worth["epci"] == ADOUR_MADIRAN) & (worth["nearest_place_epci"] != ADOUR_MADIRAN)]
    mean = (leaving["penalty_min"] * leaving["population"]).sum() / leaving["population"].sum()
    said = f"{len(leaving)} communes de l'EPCI ({leaving['population'].sum()} habitants, {number(mean, digits=1)} min"
    texts = [re.sub("[\u00a0\u202f]", " ", text) for text in facts.texts["negociation"]]
    assert len(leaving) == 2
    assert texts[0].startswith(said)
    assert sum("commune" in row[5] for row in facts.tables["echanges"].rows) == leaving["nearest_place_epci"].nunique()
    penalised = facts.figures[f"france-services.réseau.{WHOLE}.penalty.population_penalised"]
    own = table[(table["epci"] == ADOUR_MADIRAN) & (table["service"] == "france-services")]
    assert penalised == own.loc[own["penalty_min"] > 0, "population"].sum()
    assert "hypothèse" in facts.tables["guichets"].note


def test_hours_and_choice_are_those_of_the_communes(
    facts: AnnexeFacts, study_65: Study, diagnosis_65: Diagnosis
) -> None:
    people = study_65.communes.set_index("code")["population"]
    members = set(study_65.communes.loc[study_65.communes["epci"] == ADOUR_MADIRAN, "code"])
    reach = diagnosis_65.reachable[diagnosis_65.reachable["code"].isin(members)]
    mairie = reach[(reach["service"] == "mairie") & (reach["limit_min"] == 15)].set_index("code")
    unknown = people[mairie.index[mairie["saturday"].isna()]].sum()
    row = {row[0]: row[1:] for row in facts.tables["heures"].rows}["Mairie, 15\u00a0min au plus\u00a0– EPCI entier"]
    known = people[mairie.index[mairie["saturday"].notna()]].sum()
    opened = people[mairie.index[mairie["saturday"].fillna(value=False).astype(bool)]].sum()
    assert unknown > 0
    assert row[3] == percent(opened / known)
    assert row[4] == f"0\u202f; {number(unknown)}"
    counts = diagnosis_65.counts[diagnosis_65.counts["code"].isin(members) & (diagnosis_65.counts["limit_min"] == 20)]
    places = counts[counts["service"] == "france-services"].set_index("code")["places"]
    for least in (1, 2, 3):
        found = facts.figures[f"france-services.20.{WHOLE}.choice_{least}.population_with"]
        assert found == people[places.index[places >= least]].sum()


def test_deciles_agree_with_the_times_and_criteria_with_the_thresholds(
    facts: AnnexeFacts, study_04: Study, measures_04_full: Measures, census: pd.DataFrame
) -> None:
    verdon = annexe_facts(study_04, measures_04_full, siren=VERDON, census=census)
    for figures in (facts.figures, verdon.figures):
        assert figures[f"france-services.{WHOLE}.d5_min"] == figures[f"france-services.{WHOLE}.median_min"]
        assert figures[f"france-services.{WHOLE}.d9_min"] == figures[f"france-services.{WHOLE}.p90_min"]
        for limit in (20, 30):
            rule = f"france-services-{limit}"
            assert figures[f"{rule}.share_met"] == pytest.approx(figures[f"{rule}.{WHOLE}.share_within"])
            beyond = figures[f"france-services.beyond_{limit}.{WHOLE}.population_beyond"]
            assert beyond == figures[f"{rule}.{WHOLE}.population_beyond"]


def test_communes_that_fail_most_criteria_are_named(
    facts: AnnexeFacts, study_65: Study, diagnosis_65: Diagnosis
) -> None:
    criteria = diagnosis_65.criteria
    members = study_65.communes[study_65.communes["epci"] == ADOUR_MADIRAN].set_index("code")["name"]
    failed = criteria[criteria["code"].isin(set(members.index)) & (criteria["satisfied"] == False)]  # noqa: E712 - nullable
    size = failed.groupby("code").size()
    worst = members[size.index[size == size.max()]]
    assert all(name in facts.texts["criteres"][0] for name in worst)
    for row in facts.tables["criteres"].rows:
        sizes = [int(cell.split(" ")[0]) for cell in row[1:5]]
        assert sizes[0] + sizes[1] + sizes[3] == len(members)
    unmeasured = facts.tables["criteres"].note
    assert "APL de la DREES" in unmeasured
    assert "28" in {row[0] for row in facts.tables["elements"].rows if row[2] == "–"}


def test_events_of_the_perimeter_are_told(
    study_65: Study,
    measures_65: Measures,
    diagnosis_65: Diagnosis,
    study_04: Study,
    measures_04_full: Measures,
    census: pd.DataFrame,
) -> None:
    measures = dataclasses.replace(measures_65, diagnosis=diagnosis_65)
    bigorre = " ".join(annexe_facts(study_65, measures, siren=BIGORRE, census=census).texts["perimetre"])
    assert "25\u00a0communes de l'EPCI relèvent désormais du PETR Plaines et Vallées de Bigorre" in bigorre
    assert "PETR Cœur de Bigorre" in bigorre
    banon = " ".join(annexe_facts(study_04, measures_04_full, siren=BANON, census=census).texts["perimetre"])
    assert "changement de nom entre 2019 et 2024" in banon
    assert "CC Haute-Provence-Pays de Banon" in banon


def test_a_scheme_of_communal_services_only_has_no_border(
    study_65: Study, measures_65: Measures, diagnosis_65: Diagnosis, census: pd.DataFrame
) -> None:
    """A mairie receives its own inhabitants: no exchange, no choice, no competent counter to negotiate."""
    scheme = study_65.scheme
    only = dataclasses.replace(
        study_65, scheme=msgspec.structs.replace(scheme, mesure=msgspec.structs.replace(scheme.mesure, services=MAIRIE))
    )
    nothing = dict.fromkeys(("border", "balance", "exchanges", "competence", "penalty"), pd.DataFrame())
    measures = dataclasses.replace(measures_65, diagnosis=dataclasses.replace(diagnosis_65, **nothing))
    found = annexe_facts(only, measures, siren=ADOUR_MADIRAN, census=census)
    assert not any(found.tables[key].rows for key in ("choix", "frontieres", "echanges", "guichets", "sensibilite"))
    assert not found.tables["echanges"].empty
    assert not found.texts["negociation"]
    assert {row[0].split(",")[0] for row in found.tables["heures"].rows} == {"Mairie"}
