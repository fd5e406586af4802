"""The common grid from end to end: template, prefilled files, check, merge; by the pipeline and by the command line."""

from __future__ import annotations

import csv
import datetime as dt
import json
import shutil
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from click.testing import CliRunner

from sdaasp_geo.cli_grid import grid as commands
from sdaasp_geo.embedded import embedded_path
from sdaasp_geo.errors import InputError, OutputError
from sdaasp_geo.pipeline.grid import check_grid, merge_grid_files
from sdaasp_geo.pipeline.grid_handout import Handout, prefill_grids, write_grid_template
from sdaasp_geo.scheme import read_scheme
from sdaasp_geo.sources.grid_files import read_grid_file
from sdaasp_geo.sources.grid_schema import examples, grid_columns
from sdaasp_geo.sources.services import read_services

NAMES = [field.name for field in grid_columns()]
GOOD = {name: examples()[name] for name in NAMES}


def write(path: Path, *rows: dict[str, str]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, NAMES)
        writer.writeheader()
        writer.writerows([{**GOOD, **row} for row in rows])
    return path


def names_of(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_right_file_passes_and_leaves_a_report(tmp_path: Path) -> None:
    checked = check_grid(write(tmp_path / "caf.csv", {}), report_folder=tmp_path / "r", edition=dt.date(2026, 6, 1))
    assert (checked.faults, checked.doubts, checked.places) == (0, 0, 1)
    assert names_of(tmp_path / "r") == {"rapport.html", "caf-a-corriger.xlsx", "manifest.json"}


def test_faults_and_doubts_of_all_cells_come_together(tmp_path: Path) -> None:
    rows = (
        {"code_commune": "4070", "date_maj": "22/11/2025"},
        {"id": "b", "nom": "=cmd", "lon": "44.0925", "lat": "6.2356"},
        {"id": "c", "nom": "C", "lon": "5.78", "lat": "43.83"},
        {"id": "d", "nom": "D", "lon": "12.5", "lat": "41.9"},
        {"id": "e", "nom": "E", "code_commune": "04999"},
    )
    checked = check_grid(write(tmp_path / "a.csv", *rows), report_folder=tmp_path / "r")
    found = set(checked.findings[["level", "row", "column"]].itertuples(index=False, name=None))
    assert {("à corriger", 2, "code_commune"), ("à corriger", 2, "date_maj"), ("à corriger", 3, "lon")} <= found
    doubts = {("à vérifier", 3, "nom"), ("à vérifier", 4, "lon"), ("à vérifier", 5, "lon")}
    assert doubts | {("à vérifier", 6, "code_commune")} <= found
    assert checked.faults == 3


def test_the_marked_copy_can_be_checked_again(tmp_path: Path) -> None:
    checked = check_grid(write(tmp_path / "a.csv", {"format": "Fixe"}), report_folder=tmp_path / "r")
    copy = tmp_path / "r" / "a-a-corriger.xlsx"
    again = check_grid(copy, report_folder=tmp_path / "s")
    pd.testing.assert_frame_equal(again.findings, checked.findings)
    book = openpyxl.load_workbook(copy)
    book[book.sheetnames[1]]["E2"].value = "fixe"
    book.save(tmp_path / "mended.xlsx")
    assert check_grid(tmp_path / "mended.xlsx", report_folder=tmp_path / "t").faults == 0


def test_a_workbook_that_someone_filled_is_never_replaced(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", {"format": "Fixe"})
    check_grid(path, report_folder=tmp_path / "r")
    check_grid(path, report_folder=tmp_path / "r")
    copy = tmp_path / "r" / "a-a-corriger.xlsx"
    with pytest.raises(OutputError):
        check_grid(copy, report_folder=tmp_path / "r")
    book = openpyxl.load_workbook(copy)
    book[book.sheetnames[1]]["E2"].value = "fixe"
    book.save(copy)
    with pytest.raises(OutputError):
        check_grid(path, report_folder=tmp_path / "r")
    assert check_grid(copy, report_folder=tmp_path / "s").faults == 0


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"a,b\n1,2\n", b"\x81\x8d"])
def test_a_file_that_cannot_be_read_has_a_report_too(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / ("a.xlsx" if content.startswith(b"PK") else "a.csv")
    path.write_bytes(content)
    assert check_grid(path, report_folder=tmp_path / "r").faults == 1
    assert "rapport.html" in names_of(tmp_path / "r")


def test_reports_are_the_same_bytes_and_never_replace_a_stranger(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", {"format": "Fixe"})
    for name in ("r", "s"):
        check_grid(path, report_folder=tmp_path / name)
    for made in (tmp_path / "r").iterdir():
        assert made.read_bytes() == (tmp_path / "s" / made.name).read_bytes()
    with pytest.raises(OutputError):
        check_grid(path, report_folder=tmp_path)


def test_ten_thousand_rows_are_checked_whole(tmp_path: Path) -> None:
    rows = [{"id": f"p-{at}", "nom": f"Lieu {at}", "format": "?"} for at in range(10_000)]
    checked = check_grid(write(tmp_path / "a.csv", *rows), report_folder=tmp_path / "r")
    assert (checked.places, checked.faults) == (10_000, 10_000)
    assert (tmp_path / "r" / "rapport.html").stat().st_size < 2_000_000


def test_a_merge_leaves_the_grid_and_its_trail(tmp_path: Path) -> None:
    old = write(tmp_path / "old.csv", {"adresse": "1 rue", "date_maj": "2025-01-01"}, {"id": "b", "nom": "Autre"})
    new = write(tmp_path / "new.csv", {"adresse": "=2 rue", "lon": "6,23560"})
    merged = merge_grid_files([old, new], tmp_path / "m")
    assert names_of(tmp_path / "m") == {
        *("grille.csv", "grille.xlsx", "historique.csv", "conflits.csv", "doublons-probables.csv"),
        *("index.html", "manifest.json"),
    }
    joined = read_grid_file(tmp_path / "m" / "grille.csv")
    assert set(joined.table["adresse"]) == {"=2 rue", GOOD["adresse"]}
    history = pd.read_csv(tmp_path / "m" / "historique.csv", dtype="str", keep_default_na=False)
    assert history.loc[history["colonne"] == "adresse", ["avant", "apres"]].to_numpy().tolist() == [
        ["1 rue", "'=2 rue"]
    ]
    assert "lon" not in set(history["colonne"])
    manifest = json.loads((tmp_path / "m" / "manifest.json").read_text(encoding="utf-8"))
    assert [given["name"] for given in manifest["inputs"]] == ["old.csv", "new.csv"]
    assert manifest["counts"]["grid"] == len(merged.grid) == 2
    pd.testing.assert_frame_equal(read_grid_file(tmp_path / "m" / "grille.xlsx").table, joined.table)


def test_a_merge_of_one_real_file_is_itself(tmp_path: Path) -> None:
    source = embedded_path("services/france_services.csv")
    merge_grid_files([source], tmp_path / "m")
    given, made = read_services(source), read_services(tmp_path / "m" / "grille.csv")
    order = ["service", "id"]
    pd.testing.assert_frame_equal(
        made.sort_values(order).reset_index(drop=True), given.sort_values(order).reset_index(drop=True)
    )


def test_faults_of_all_files_come_together_and_nothing_is_written(tmp_path: Path) -> None:
    one = write(tmp_path / "one.csv", {}, {})
    two = write(tmp_path / "two.csv", {"date_maj": "hier"})
    with pytest.raises(InputError) as caught:
        merge_grid_files([one, two], tmp_path / "m")
    assert [(fault.file, fault.column) for fault in caught.value.faults] == [("one.csv", "id"), ("two.csv", "date_maj")]
    assert not (tmp_path / "m").exists()


def test_circular_merges_are_refused(tmp_path: Path) -> None:
    one, two = write(tmp_path / "one.csv", {}), write(tmp_path / "two.csv", {"id": "b"})
    merge_grid_files([one, two], tmp_path / "m")
    joined = tmp_path / "m" / "grille.csv"
    for paths, folder in (([one, one], "n"), ([joined], "m"), ([joined, two], "n")):
        with pytest.raises(InputError) as caught:
            merge_grid_files(paths, tmp_path / folder)
        assert len(caught.value.faults) == 1
    three = write(tmp_path / "three.csv", {"id": "c"})
    assert len(merge_grid_files([joined, three], tmp_path / "n").grid) == 3


def test_files_of_one_name_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    one, two = write(tmp_path / "g.csv", {"adresse": "1"}), write(tmp_path / "x" / "g.csv", {"adresse": "2"})
    merged = merge_grid_files([one, two], tmp_path / "m")
    assert merged.conflicts["fichier"].tolist() == [str(one)]


@pytest.fixture(scope="module")
def prefilled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Handout]]:
    folder = tmp_path_factory.mktemp("prefill") / "p"
    return folder, prefill_grids(read_scheme("hautes-pyrenees"), folder)


def test_every_place_is_in_one_file_by_epci_and_one_by_operator(prefilled: tuple[Path, list[Handout]]) -> None:
    folder, handouts = prefilled
    for part in ("epci", "operateurs"):
        paths = [folder / handout.path for handout in handouts if handout.path.startswith(part)]
        keys = [key for path in paths for key in read_grid_file(path).table[["id", "service"]].itertuples(index=False)]
        assert len(keys) == len(set(keys)) == sum(h.rows for h in handouts if h.path.startswith(part))
    assert "operateurs/operateur-non-publie.xlsx" in {handout.path for handout in handouts}
    assert sum(handout.path.startswith("epci/") for handout in handouts) == 10


def test_a_correction_comes_back_through_check_and_merge(prefilled: tuple[Path, list[Handout]], tmp_path: Path) -> None:
    folder, handouts = prefilled
    source = folder / next(handout.path for handout in handouts if "neste-barousse" in handout.path)
    corrected = tmp_path / "retour.xlsx"
    shutil.copy(source, corrected)
    book = openpyxl.load_workbook(corrected)
    sheet = book["Lieux"]
    column = {cell.value: cell.column for cell in sheet[1]}
    sheet.cell(2, column["Contact"]).value = "05 62 00 00 00"
    sheet.cell(2, column["Date de mise à jour"]).value = "2026-11-01"
    book.save(corrected)
    assert check_grid(corrected, report_folder=tmp_path / "r").faults == 0
    merged = merge_grid_files([source, corrected], tmp_path / "m")
    changed = merged.history[["colonne", "apres", "fichier"]].to_numpy().tolist()
    assert changed == [["contact", "05 62 00 00 00", "retour.xlsx"], ["date_maj", "2026-11-01", "retour.xlsx"]]
    assert merged.conflicts.empty


def test_a_template_is_never_written_over(tmp_path: Path) -> None:
    path = write_grid_template(tmp_path / "m.xlsx", scheme=read_scheme("alpes-de-haute-provence"))
    lists = openpyxl.load_workbook(path)["Listes"]
    assert sum(1 for row in lists.iter_rows(values_only=True) for cell in row if cell == "04070") == 1
    with pytest.raises(OutputError):
        write_grid_template(path)


def test_the_commands_speak_french_and_say_faults_by_their_code(tmp_path: Path) -> None:
    runner = CliRunner()
    wrong, right = write(tmp_path / "w.csv", {"format": "Fixe"}), write(tmp_path / "r.csv", {"id": "b"})
    refused = runner.invoke(commands, ["check", str(wrong), "--out", str(tmp_path / "a")])
    assert refused.exit_code == 1
    assert "fixe" in refused.output
    passed = runner.invoke(commands, ["check", str(right), "--out", str(tmp_path / "b"), "--edition", "2026-06-01"])
    assert passed.exit_code == 0
    assert "conforme" in passed.output
    made = runner.invoke(commands, ["template", "--out", str(tmp_path / "m.xlsx")])
    assert (made.exit_code, (tmp_path / "m.xlsx").is_file()) == (0, True)
    joined = runner.invoke(commands, ["merge", str(right), "--out", str(tmp_path / "c"), "-q"])
    assert (joined.exit_code, joined.output) == (0, "")
