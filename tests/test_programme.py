"""The two embedded schemes and the fictional one: what is read, where actions apply, what is left to decide."""

from __future__ import annotations

import csv
import html
import json
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path

import docx
import openpyxl
import pytest
from shared_runs import SharedRun

from sdaasp_geo import pipeline
from sdaasp_geo.action_plan import governance_fields
from sdaasp_geo.errors import InputError
from sdaasp_geo.french import NBSP
from sdaasp_geo.scheme import examples, find_scheme, read_scheme
from sdaasp_geo.study import Programme, Study

EXAMPLE = "exemple-fictif"
SIGNING_04 = "200034700 200067437 200068625 200068765 200071025 200071033 200072304 240400440".split()  # noqa: SIM905
HEADER = ",".join(field.name for field in governance_fields())


@cache
def study(name: str) -> Study:
    return pipeline.prepare(read_scheme(name))


def programme(name: str) -> Programme:
    found = study(name).programme
    assert found is not None
    return found


def decisions(found: Programme) -> dict[str, tuple[str, ...]]:
    return {f"{item.document}, {item.what}": item.places for item in found.decisions}


def test_the_action_sheet_of_04_applies_in_the_eight_epci_that_it_names() -> None:
    found = programme("alpes-de-haute-provence")
    assert [action.code for action in found.plan.actions] == ["1-B-2"]
    assert list(found.reach["siren"]) == SIGNING_04
    assert {place.code for place in found.plan.actions[0].territoires} == {"04", *SIGNING_04}
    assert [own.territoire.code for own in found.governance.epci] == [
        *("200067437", "200034700", "200068625", "200072304"),
        *("200068765", "200071033", "240400440", "200071025"),
    ]


def test_the_notebook_of_65_applies_in_its_five_petr_and_nine_epci() -> None:
    found = programme("hautes-pyrenees")
    assert len(found.plan.orientations) == 5
    assert [goal.code for goal in found.plan.objectifs] == ["16"]
    assert {place.code for place in found.plan.actions[0].territoires} == {
        *("coeur-de-bigorre", "coteaux", "lourdes-vallees-des-gaves", "nestes", "val-d-adour")
    }
    signing = study("hautes-pyrenees").epci.query("role == 'signataire'")["siren"]
    assert set(found.reach["siren"]) >= set(signing)
    assert (found.territories["reason"] == "").all()


def test_what_the_two_documents_do_not_tell_is_left_to_decide() -> None:
    told = decisions(programme("hautes-pyrenees"))
    assert told["Plan d'actions, 17 objectifs opérationnels annoncés, 1 décrit"] == ()
    assert told["Plan d'actions, 33 actions annoncées, 1 décrite"] == ()
    assert len(told["Gouvernance, élu référent"]) == 9
    told = decisions(programme("alpes-de-haute-provence"))
    assert told["Plan d'actions, statut"] == ("1-B-2",)
    assert len(told["Gouvernance, représentant au Comité technique"]) == 8


def test_the_fictional_scheme_is_found_and_is_not_one_of_the_embedded_schemes() -> None:
    assert examples() == [EXAMPLE]
    assert find_scheme(EXAMPLE).parent.name == "examples"
    assert len(programme(EXAMPLE).plan.actions) == 33


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(find_scheme(EXAMPLE), tmp_path / "essai"))


def add(folder: Path, name: str, content: str, table: str) -> None:
    """Add a file to a table of the scheme."""
    (folder / name).write_text(content, encoding="utf-8")
    path = folder / "scheme.toml"
    first = "actions.csv" if table == "actions" else "governance.csv"
    changed = path.read_text(encoding="utf-8").replace(f'["{first}"]', f'["{first}", "{name}"]')
    path.write_text(changed, encoding="utf-8")


def prepared(folder: Path) -> Programme:
    found = pipeline.prepare(read_scheme(str(folder))).programme
    assert found is not None
    return found


def test_two_files_that_differ_are_both_told(folder: Path) -> None:
    add(
        folder,
        "suite.csv",
        "code;titre;statut;porteurs\nF05;Autre titre;abandonnée;\nG01;Action ajoutée;;\n",
        "actions",
    )
    found = prepared(folder)
    assert len(found.plan.actions) == 34
    assert list(found.contradictions["column"]) == ["titre", "statut"]
    told = [item.what for item in found.decisions if item.places == ("F05",)]
    assert f"statut{NBSP}: «{NBSP}réalisée{NBSP}» (actions.csv) ou «{NBSP}abandonnée{NBSP}» (suite.csv)" in told


def test_a_sheet_in_words_joins_a_table(folder: Path) -> None:
    sheet = "Fiche action n° 1-Z-9 : Essai\nPorteur de l'action : Préfecture\nTerritoire(s) : CC Aure Louron, Lyon\n"
    add(folder, "fiche.txt", sheet, "actions")
    found = prepared(folder)
    action = next(one for one in found.plan.actions if one.code == "1-Z-9")
    assert action.porteurs == ("Préfecture",)
    assert set(found.reach.loc[found.reach["code"] == "1-Z-9", "siren"]) == {"246500573"}
    outside = [item for item in found.decisions if "Lyon" in item.what]
    assert [item.places for item in outside] == [("1-Z-9",)]


def test_faults_of_a_file_stop_the_run_with_their_place(folder: Path) -> None:
    add(folder, "faux.csv", "code;titre;statut\nF40;Une action;peut-être\nF41;;en cours\n", "actions")
    with pytest.raises(InputError) as caught:
        prepared(folder)
    assert [(fault.file, fault.row, fault.column) for fault in caught.value.faults] == [
        ("faux.csv", 2, "statut"),
        ("faux.csv", 3, "titre"),
    ]


def test_a_territory_of_another_departement_is_kept_and_counts_nowhere(folder: Path) -> None:
    add(folder, "loin.csv", "code;titre;territoires\nG02;Loin;Communauté d'agglomération du Grand Auch\n", "actions")
    found = prepared(folder)
    row = found.territories[found.territories["code"] == "G02"].iloc[0]
    assert row["reason"]
    assert "G02" not in set(found.reach["code"])
    assert any(item.places == ("G02",) and "Grand Auch" in item.what for item in found.decisions)


def test_other_names_of_the_scheme_are_names(folder: Path) -> None:
    (folder / "noms.csv").write_text("type,code,nom\nepci,246500573,Vallées d'en haut\n", encoding="utf-8")
    path = folder / "scheme.toml"
    text = path.read_text(encoding="utf-8").replace("[fichiers]\n", '[fichiers]\nnoms = "noms.csv"\n')
    path.write_text(text, encoding="utf-8")
    add(folder, "plus.csv", "code;titre;territoires\nG03;Ici;Vallées d'en haut\n", "actions")
    found = prepared(folder)
    assert list(found.reach.loc[found.reach["code"] == "G03", "siren"]) == ["246500573"]


def test_an_empty_table_says_so(folder: Path) -> None:
    add(folder, "vide.csv", f"{HEADER}\n", "gouvernance")
    assert len(prepared(folder).governance.epci) == 9


def test_decisions_are_the_same_printed_in_the_manifest_and_in_the_table(built: Callable[[str], SharedRun]) -> None:
    run = built("alpes-de-haute-provence")
    listed = json.loads((run.folder / "manifest.json").read_text(encoding="utf-8"))["decisions"]
    printed = run.stdout[run.stdout.index("Reste à décider") : run.stdout.index("Trois chiffres")]
    for decision in listed:
        assert decision["what"] in printed
    with (run.folder / "tables" / "a_decider.csv").open(encoding="utf-8-sig", newline="") as stream:
        rows = [(row["document"], row["decision"], row["concerne"]) for row in csv.DictReader(stream)]
    assert rows == [(one["document"], one["what"], place) for one in listed for place in (one["places"] or [""])]
    own = {one["what"]: len(one["places"]) for one in listed if one["document"].startswith("Annexes")}
    assert own["date de l'arrêté préfectoral"] == 8
    assert own["nom et fonction"] == 8


def test_the_annexes_of_both_schemes_carry_what_the_documents_tell(tmp_path: Path) -> None:
    for name, epci, words in (
        (
            "hautes-pyrenees",
            "Aure Louron",
            ("Journée annuelle des services au public", "30 mars 2018", "PETR du Pays des Nestes"),
        ),
        (
            "alpes-de-haute-provence",
            "200071025",
            ("Adapter une gouvernance locale", "Etat", "deux fois par an au minimum"),
        ),
    ):
        files = pipeline.annexe(read_scheme(name), epci, tmp_path / name)
        text = html.unescape(files[0].read_text(encoding="utf-8")).replace(NBSP, " ")
        for word in words:
            assert word in text, (name, word)
        document = docx.Document(str(files[1]))
        cells = " ".join(cell.text for table in document.tables for row in table.rows for cell in row.cells)
        assert words[0] in cells.replace(NBSP, " ")


HOSTILE = ("=cmd|' /C calc'!A0", "<script>alert(1)</script>", "{{7*7}} {% raw %}", "../../x\u202e\u0007 @SUM(1)")


def test_hostile_words_of_the_plan_are_inert_in_the_whole_run(folder: Path, tmp_path: Path) -> None:
    rows = "".join(f'H{rank},"{words}","{words}","{words}",Tout le département\n' for rank, words in enumerate(HOSTILE))
    add(folder, "hostile.csv", f"code,titre,porteurs,bilan,territoires\n{rows}", "actions")
    names = "".join(f'instance,h{rank},"{words}"\n' for rank, words in enumerate(HOSTILE))
    add(folder, "hostile-gouvernance.csv", f"type,code,nom\n{names}", "gouvernance")
    run = tmp_path / "run"
    pipeline.build(read_scheme(str(folder)), run)
    pages = [page.read_text(encoding="utf-8") for page in run.rglob("*.html")]
    assert pages
    for page in pages:
        assert "<script>alert" not in page
        assert "49 {%" not in page
    for path in run.rglob("*.xlsx"):
        book = openpyxl.load_workbook(path)
        formulas = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]
        assert formulas == [], path
    for path in (run / "tables").glob("*.csv"):
        with path.open(encoding="utf-8-sig", newline="") as stream:
            cells = [cell for row in csv.reader(stream) for cell in row]
        assert not [cell for cell in cells if cell.startswith(("=", "+", "@", "\t", "\r"))], path
    for path in run.rglob("*.docx"):
        assert "<script>" not in path.name
        docx.Document(str(path))
