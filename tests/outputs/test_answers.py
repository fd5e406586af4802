"""Deficits and actions face to face, as people read them: page, tables, annex; of fictional and real schemes."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from pathlib import Path

import msgspec
import openpyxl
import pandas as pd
import pytest
from lxml import html

from sdaasp_geo.action_plan import Action, ActionPlan
from sdaasp_geo.analysis.answers import SUSPENDED, WITH, WITHOUT, action_states
from sdaasp_geo.outputs.annexe_answers import answers_figures, answers_sentences
from sdaasp_geo.outputs.annexe_answers import answers_tables as annexe_tables
from sdaasp_geo.outputs.annexe_model import segments
from sdaasp_geo.outputs.annexe_scope import Scope, make_scope
from sdaasp_geo.outputs.answers import LEGEND, answers_tables, render_answers, write_answers
from sdaasp_geo.outputs.answers_model import Facing, face
from sdaasp_geo.outputs.answers_texts import deficits_by_state
from sdaasp_geo.outputs.tables import describe_column, write_tables
from sdaasp_geo.pipeline import prepare
from sdaasp_geo.scheme import read_scheme
from sdaasp_geo.sources import france
from sdaasp_geo.study import Diagnosis, Measures, Programme, Study

TARBES, AURE, BANON = "200069300", "246500573", "200071025"
HOSTILE = '<img src=x onerror="alert(1)">'


@pytest.fixture(scope="module")
def example() -> Study:
    """The fictional scheme: 33 actions on the perimeters of the Hautes-Pyrénées."""
    return prepare(read_scheme("exemple-fictif"))


@pytest.fixture(scope="module")
def measures(example: Study, measures_65: Measures, diagnosis_65: Diagnosis, study_65: Study) -> Measures:
    """Those of the Hautes-Pyrénées: same perimeters, services, rules and edition."""
    one, other = example.scheme, study_65.scheme
    assert (one.mesure, one.millesimes, one.edition) == (other.mesure, other.millesimes, other.edition)
    return dataclasses.replace(measures_65, diagnosis=diagnosis_65)


@pytest.fixture(scope="module")
def facing(example: Study, measures: Measures) -> Facing:
    return face(example, measures)


@pytest.fixture(scope="module")
def page(example: Study, measures: Measures) -> str:
    return render_answers(example, measures)


def with_plan(study: Study, *actions: Action) -> Study:
    assert study.programme is not None
    reach = pd.DataFrame(
        [(action.code, siren, "EPCI nommé", "epci") for action in actions for siren in action.lieux],
        columns=["code", "siren", "via", "level"],
        dtype="str",
    )
    programme = dataclasses.replace(study.programme, plan=ActionPlan(actions=actions), reach=reach)
    return dataclasses.replace(study, programme=programme)


def scope_of(study: Study, measures: Measures, siren: str) -> Scope:
    return make_scope(study, measures, siren=siren, census=france.read_census())


def test_the_fictional_scheme_is_read_action_by_action(facing: Facing) -> None:
    states = action_states(facing.answers).set_index("action")["state"]
    assert len(states) == 33
    assert (states["F02"], states["F03"], states["F06"]) == ("avec déficit", "avec déficit", "sans priorité")
    assert facing.answers.priorities["tied"].all()
    gaps = facing.answers.gaps.set_index(["territory", "criterion"])
    evening = gaps.loc[(AURE, "france-services-soir-20")]
    assert (evening["state"], evening["actions"]) == (WITH, "F02 | F15")
    far = gaps.loc[(TARBES, "france-services-20")]
    assert (far["state"], far["communes_deficit"], far["actions"]) == (WITHOUT, 1, "")


def test_the_departement_adds_up_with_the_classes_of_its_communes(facing: Facing, measures: Measures) -> None:
    """Recount the inhabitants of the département beyond 20 minutes from the access rows themselves."""
    whole = facing.answers.gaps.set_index(["territory", "criterion"]).loc[("65", "france-services-20")]
    covered = measures.coverage
    covered = covered[(covered["level"] == "departement") & (covered["rule"] == "france-services-20")]
    assert whole["population_deficit"] == covered[covered["part"] == "entier"]["population_beyond"].item()


def test_the_page_shows_every_epci_action_and_list(page: str, facing: Facing, example: Study) -> None:
    tree = html.fromstring(page)
    for siren in example.epci["siren"]:
        assert len(tree.xpath(f"//section[@id='epci-{siren}']")) == 1
        assert tree.xpath(f"//table[@class='matrice']//a[@href='#epci-{siren}']")
    shown = "".join(
        tree.xpath("//section[@id='actions-sans' or @id='actions-avec']")[at].text_content() for at in (0, 1)
    )
    assert all(f"{code} – " in shown for code in facing.actions)
    rows = len(tree.xpath("//section[@id='sans']//tbody/tr"))
    assert rows == deficits_by_state(facing)[WITHOUT]
    assert not tree.xpath("//section[@id='relier']//table")
    ids = tree.xpath("//@id")
    assert len(ids) == len(set(ids))
    assert {link[1:] for link in tree.xpath("//a/@href") if link.startswith("#")} <= set(ids)


def test_a_state_is_told_in_words_and_nothing_is_loaded(page: str) -> None:
    tree = html.fromstring(page)
    cells = tree.xpath("//table[@class='matrice']/tbody/tr/td")
    assert {cell.xpath("string(./span[1])").strip(" ✗‖✓○?") for cell in cells} <= {
        given[2] for given in LEGEND.values()
    }
    assert "default-src 'none'" in page
    assert not re.findall(r"<script|<link|@import|url\(|\son\w+=|https?://", page)
    assert all(table.xpath("./caption") for table in tree.xpath("//table"))
    assert not tree.xpath("//th[not(@scope)]")


def test_the_page_is_the_same_twice(page: str, example: Study, measures: Measures) -> None:
    assert render_answers(example, measures) == page


def test_a_suspended_answer_and_a_priority_to_tie_are_listed(example: Study, measures: Measures) -> None:
    study = with_plan(
        example,
        Action("A=1", HOSTILE, priorites=("Horaires", HOSTILE), statut="bloquée", lieux=(AURE,), porteurs=("=1+1",)),
        Action("B", "Sans lieu", priorites=("Santé",)),
    )
    text = render_answers(study, measures)
    tree = html.fromstring(text)
    assert HOSTILE not in text
    assert not tree.xpath("//img")
    suspended = tree.xpath("//section[@id='suspendue']//tbody/tr")
    assert [row.xpath("./th")[0].text_content() for row in suspended] == ["CC Aure Louron"]
    assert "(bloquée)" in suspended[0].text_content()
    assert HOSTILE in tree.xpath("//section[@id='relier']//tbody")[0].text_content()
    assert "B – Sans lieu" in tree.xpath("//section[@id='territoires']")[0].text_content()


def test_the_tables_are_described_and_typed(example: Study, measures: Measures, tmp_path: Path) -> None:
    study = with_plan(example, Action("=1", "+t", priorites=("Horaires",), statut="en pause", lieux=(AURE,)))
    tables = answers_tables(study, measures)
    assert len({table.name for table in tables}) == len(tables)
    for table in tables:
        described = [describe_column(table.name, column) for column in table.rows.columns]
        assert [given["name"] for given in described if not given["meaning"]] == []
        assert len({given["name"] for given in described}) == len(described)
    write_tables(tables, tmp_path, edition=dt.date(2026, 11, 22))
    book = openpyxl.load_workbook(tmp_path / "sdaasp.xlsx")
    assert not [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]
    rows = pd.read_parquet(tmp_path / "ecarts.parquet")
    assert (rows["etat"] == SUSPENDED).sum() > 0
    parts = rows["population_avec_action"] + rows["population_reponse_suspendue"] + rows["population_sans_action"]
    assert parts.tolist() == rows["population_deficit"].tolist()


def test_without_a_plan_there_is_nothing_to_publish_and_the_page_says_so(
    study_65: Study, measures_65: Measures, tmp_path: Path
) -> None:
    bare = dataclasses.replace(study_65, programme=None)
    assert answers_tables(bare, measures_65) == []
    assert write_answers(bare, measures_65, tmp_path / "plan") == []
    assert not (tmp_path / "plan").exists()
    assert "ne donne pas de plan d'actions" in html.fromstring(render_answers(bare, measures_65)).text_content()
    scope = scope_of(bare, measures_65, TARBES)
    tables = annexe_tables(scope, face(bare, measures_65))
    assert all(not table.rows and "ne donnent pas" in table.empty for table in tables.values())
    assert answers_sentences(scope, face(bare, measures_65)) == ()


def test_what_the_seed_of_the_hautes_pyrenees_does_not_tell_is_said(
    study_65: Study, measures_65: Measures, tmp_path: Path
) -> None:
    """Without a diagnosis, thresholds of time alone are measured; other criteria keep a row."""
    links = write_answers(study_65, measures_65, tmp_path / "plan")
    text = (tmp_path / links[0]["href"]).read_text(encoding="utf-8")
    assert "annonce 33\u00a0actions" in text
    assert "29 – Journée annuelle" in text
    facing = face(study_65, measures_65)
    states = facing.answers.gaps.groupby("criterion")["state"].agg(set)
    assert states["apl-medecins-2-5"] == {"non mesuré"}
    assert WITHOUT in states["france-services-20"]
    assert list(action_states(facing.answers)["state"]) == ["sans priorité"]


def test_the_sheet_of_the_alpes_answers_the_first_reception(study_04: Study, measures_04: Measures) -> None:
    facing = face(study_04, measures_04)
    gap = facing.answers.gaps.set_index(["territory", "criterion"]).loc[(BANON, "france-services-20")]
    assert (gap["state"], gap["actions"]) == (WITH, "1-B-2")
    tables = annexe_tables(scope_of(study_04, measures_04, BANON), facing)
    row = next(row for row in tables["ecarts"].rows if "20 minutes" in row[0])
    assert row[2:4] == (
        "Avec action",
        "1-B-2 – Adapter une gouvernance locale sur les services au sein de chaque EPCI (statut non renseigné)",
    )
    assert "Conseil Départemental" in row[4]


def test_the_annex_has_every_deficit_and_every_action_of_the_epci(
    example: Study, measures: Measures, facing: Facing
) -> None:
    scope = scope_of(example, measures, TARBES)
    tables, figures = annexe_tables(scope, facing), answers_figures(scope, facing)
    shown = [row[2] for row in tables["ecarts"].rows]
    for state in (WITH, WITHOUT, SUSPENDED):
        assert shown.count(state.capitalize()) == figures[f"ecarts.{state}"]
    programme = example.programme
    assert isinstance(programme, Programme)
    codes = set(programme.reach.loc[programme.reach["siren"] == TARBES, "code"])
    assert {row[0].split(" – ")[0] for row in tables["ecarts_actions"].rows} == codes
    unanswered = next(row for row in tables["ecarts"].rows if row[2] == "Sans action")
    assert any(piece.blank for piece in segments(unanswered[4]))
    assert all(len(row) == len(table.header) for table in tables.values() for row in table.rows)
    said = "".join(answers_sentences(scope, facing)).replace("\u00a0", " ")
    assert "4 critères en déficit dans l'EPCI : 3 avec action et 1 sans action" in said


def test_a_table_of_the_scheme_changes_what_is_tied(example: Study, measures: Measures, tmp_path: Path) -> None:
    path = tmp_path / "priorites.csv"
    path.write_text("priorite;critere;theme;remarque\nNumérique;france-services-20;;Atelier\n", encoding="cp1252")
    files = msgspec.structs.replace(example.scheme.fichiers, priorites=str(path))
    study = dataclasses.replace(example, scheme=msgspec.structs.replace(example.scheme, fichiers=files))
    gap = face(study, measures).answers.gaps.set_index(["territory", "criterion"]).loc[(TARBES, "france-services-20")]
    assert (gap["state"], gap["actions"], gap["actions_suspended"]) == (WITH, "F11 | F13", "F12")
    assert "Atelier" in render_answers(study, measures)
