"""The plans and the governance that the package ships: what the documents say, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from sdaasp_geo.action_plan import STATUSES, ActionPlan, Governance
from sdaasp_geo.embedded import data_folder
from sdaasp_geo.layers.action_items import budgets, territories
from sdaasp_geo.layers.actions import build_actions
from sdaasp_geo.layers.governance import build_governance
from sdaasp_geo.layers.plans import governance_of, plan_of
from sdaasp_geo.scheme import read_scheme
from sdaasp_geo.sources.action_tables import read_action_table
from sdaasp_geo.sources.governance_tables import read_governance_table

SCHEMES = data_folder() / "schemes"
EXAMPLE = data_folder() / "examples" / "exemple-fictif"
FOLDERS = (SCHEMES / "hautes-pyrenees", SCHEMES / "alpes-de-haute-provence", EXAMPLE)


def actions_of(folder: Path) -> pd.DataFrame:
    table, notes = read_action_table(folder / "actions.csv")
    assert notes == []
    return build_actions(table)[0]


def plan(folder: Path) -> ActionPlan:
    return plan_of(actions_of(folder))


def governance(folder: Path) -> Governance:
    table, notes = read_governance_table(folder / "governance.csv")
    assert notes == []
    return governance_of(build_governance(table)[0])


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_row_has_its_source_and_no_cell_is_code(folder: Path) -> None:
    for name, read in (("actions.csv", read_action_table), ("governance.csv", read_governance_table)):
        table, _ = read(folder / name)
        assert (table["source"] != "").all()
        assert (table["reste"] == "").all()
        cells = table.drop(columns="origine").to_numpy().ravel()
        assert [
            cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t")) and not cell.startswith("- ")
        ] == []


def test_the_plan_of_the_hautes_pyrenees_is_as_far_as_the_seed_tells() -> None:
    known = plan(SCHEMES / "hautes-pyrenees")
    scheme = read_scheme("hautes-pyrenees")
    assert tuple(item.titre for item in known.orientations) == scheme.convention.orientations
    assert [(item.code, item.orientation) for item in known.objectifs] == [("16", "")]
    (action,) = known.actions
    assert (action.code, action.statut, action.objectif, action.orientation) == ("29", "", "", "")
    assert [name.words for name in action.territoires] == ["Chaque PETR"]


def test_the_governance_of_the_hautes_pyrenees() -> None:
    found = governance(SCHEMES / "hautes-pyrenees")
    scheme = read_scheme("hautes-pyrenees")
    assert [body.code for body in found.instances] == [
        "conference",
        "journees",
        "comite-technique",
        "groupes-thematiques",
        "equipe",
    ]
    meetings = {body.code: (body.reunions_min, body.reunions_max) for body in found.instances}
    assert meetings["conference"] == (1.0, None)
    assert meetings["comite-technique"] == (2.0, 3.0)
    assert tuple(own.territoire.words for own in found.epci) == scheme.convention.signataires
    assert not any(own.elu_referent or own.technicien_referent or own.comite for own in found.epci)
    frame, *local = found.conventions
    assert (frame.duree_ans, len(frame.signataires), frame.date.start, frame.validite.end) == (6.0, 34, None, None)
    assert {convention.duree_ans for convention in local} == {2.0}
    assert [len(convention.signataires) for convention in local] == [3] * 9
    titles = [title for code, title in frame.engagements if code != "2.7"]
    assert tuple(titles) == scheme.convention.engagements
    counts = {code: int(number) for code, number in found.effectifs.items()}
    assert counts == {
        "orientations": 5,
        "objectifs": 17,
        "actions": 33,
        "actions-2018": 13,
        "engagements": 6,
        "epci": 9,
        "petr": 5,
        "agents": 2,
    }
    due = {event.code: event.date for event in found.evenements}
    assert "30 juin" in due["synthese-annuelle"].words
    assert str(due["deliberation"].start) == "2018-03-30"
    assert due["arrete-prefectoral"].words == ""


def test_the_sheet_and_the_governance_of_the_alpes_de_haute_provence() -> None:
    (action,) = plan(SCHEMES / "alpes-de-haute-provence").actions
    assert (action.code, action.statut, action.orientation, action.budget) == ("1-B-2", "", "", ())
    assert [len(step.steps) for step in action.calendrier] == [3, 1, 2]
    assert (len(action.indicateurs), len(action.priorites), len(action.porteurs)) == (4, 2, 2)
    scheme = read_scheme("alpes-de-haute-provence")
    names = [name.words for name in action.territoires]
    assert names == ["Département 04", *scheme.convention.signataires]
    found = governance(SCHEMES / "alpes-de-haute-provence")
    assert [own.territoire.words for own in found.epci] == names[1:]
    assert {own.reunions_min for own in found.epci} == {2.0}
    (convention,) = found.conventions
    assert [party.nom for party in convention.signataires] == ["EPCI", "Préfecture", "Département"]


def test_the_fictional_scheme_says_so_on_every_row() -> None:
    assert read_scheme(str(EXAMPLE)).nom.startswith("Exemple fictif")
    for name, title in (("actions.csv", "titre"), ("governance.csv", "nom")):
        read = read_action_table if title == "titre" else read_governance_table
        table, _ = read(EXAMPLE / name)
        assert table["source"].str.startswith("Exemple fictif").all()
        if title == "titre":
            assert table[title].str.startswith("Exemple fictif").all()


def test_the_fictional_scheme_has_the_size_of_a_real_one() -> None:
    layer = actions_of(EXAMPLE)
    known = plan_of(layer)
    assert (len(known.orientations), len(known.objectifs), len(known.actions)) == (5, 17, 33)
    assert {action.statut for action in known.actions} == set(STATUSES)
    assert (
        sum(action.debut_fin.start is not None and action.debut_fin.start.year == 2018 for action in known.actions)
        == 13
    )
    assert {action.objectif for action in known.actions} == {item.code for item in known.objectifs}
    assert (layer["parent_reason"] == "").all()
    assert [action.code for action in known.actions if action.fusionnee_dans] == ["F32"]
    assert (budgets(layer)["unread"] == "").all()
    assert budgets(layer)["spent_eur"].sum() > 0
    assert (territories(layer)["territory_code"] == "").all()
    found = governance(EXAMPLE)
    assert (len(found.instances), len(found.epci), len(found.conventions)) == (5, 9, 10)
    assert found.effectifs["actions"] == 33
