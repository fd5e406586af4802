"""The command that writes a yearly report: complete or absent, with what changed since an edition before."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from sdaasp_geo import read_scheme
from sdaasp_geo.cli_plan import report
from sdaasp_geo.errors import OutputError, SchemeError
from sdaasp_geo.outputs.manifest import sha256
from sdaasp_geo.pipeline.yearly import yearly_report
from sdaasp_geo.scheme import SCHEME_FILE, Scheme, find_scheme

SERVICES = ('["france-services", "mairie"]', '["france-services"]')


def edition(folder: Path, *changes: tuple[str, str]) -> Scheme:
    """Write a copy of the fictional scheme with some words of its description changed."""
    shutil.copytree(find_scheme("exemple-fictif"), folder)
    text = (folder / SCHEME_FILE).read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (folder / SCHEME_FILE).write_text(text, encoding="utf-8")
    return read_scheme(str(folder))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Write the report of 2019 beside an edition on the perimeters of 2023; return the folder and what is printed."""
    base = tmp_path_factory.mktemp("yearly")
    edition(base / "before", SERVICES, ("mesure = 2024", "mesure = 2023"))
    edition(base / "after", SERVICES)
    words = [str(base / "after"), "--year", "2019", "--out", str(base / "out"), "--before", str(base / "before")]
    result = CliRunner().invoke(report, words, catch_exceptions=False)
    assert result.exit_code == 0
    return base / "out", result.output


def test_the_folder_is_whole_and_its_manifest_true(run: tuple[Path, str]) -> None:
    folder, _ = run
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    petr = {"coteaux", "nestes", "plaines-et-vallees-de-bigorre", "val-d-adour", "hors-petr"}
    pages = {f"journees/{name}.html" for name in petr}
    assert names == {"bilan.html", "bilan.docx", "bilan.xlsx", "manifest.json", *pages}
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["question"] == {"kind": "yearly_report", "year": 2019}
    assert sum(manifest["counts"]["situations"].values()) == manifest["counts"]["actions"] == 33
    assert manifest["counts"]["contributions_missing"] == 4
    assert manifest["before"]["vintages"]["mesure"] == 2023
    assert {one["name"]: one["sha256"] for one in manifest["outputs"]} == {
        name: sha256(folder / name) for name in names - {"manifest.json"}
    }
    assert any("dates à préciser" in text for text in manifest["undecided"])


def test_what_changed_is_explained_in_the_report_and_on_the_pages(run: tuple[Path, str]) -> None:
    folder, _ = run
    page = (folder / "bilan.html").read_text(encoding="utf-8")
    assert "Habitants dans le seuil, dans le département" in page
    assert "France services, +" in page
    assert "--before SCHEMA" not in page
    day = (folder / "journees" / "val-d-adour.html").read_text(encoding="utf-8")
    assert "Périmètre changé" in day


def test_what_is_printed_gives_figures_and_decisions(run: tuple[Path, str]) -> None:
    _, printed = run
    assert "3 actions réalisées dans l'année" in printed
    assert "Décisions à prendre" in printed
    assert "Arrêter le programme 2020" in printed


def test_a_scheme_without_plan_is_refused_before_any_work(tmp_path: Path) -> None:
    bare = edition(tmp_path / "bare", *plan_lines())
    with pytest.raises(SchemeError, match="ni actions ni gouvernance"):
        yearly_report(bare, 2019, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def plan_lines() -> list[tuple[str, str]]:
    """Return the lines of the fictional scheme that name its plan, each to be left out."""
    text = (find_scheme("exemple-fictif") / SCHEME_FILE).read_text(encoding="utf-8")
    return [(f"{line}\n", "") for line in text.splitlines() if line.startswith(("actions", "gouvernance"))]


def test_an_edition_of_another_departement_leaves_nothing(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(SchemeError, match="même département"):
        yearly_report(read_scheme("exemple-fictif"), 2019, out, before=read_scheme("alpes-de-haute-provence"))
    assert not out.exists()


def test_a_folder_that_is_no_run_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("à garder", encoding="utf-8")
    with pytest.raises(OutputError, match="rien n'a été écrit"):
        yearly_report(read_scheme("exemple-fictif"), 2019, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("words", [["exemple-fictif", "--out", "x"], ["exemple-fictif", "--year", "19", "--out", "x"]])
def test_the_year_is_asked_and_checked(words: list[str]) -> None:
    result = CliRunner().invoke(report, words)
    assert result.exit_code == 2
    assert "--year" in result.output
