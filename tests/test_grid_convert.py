"""Foreign files to the common grid, from the command line: every line is converted or listed with its reason."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

from click.testing import CliRunner

from sdaasp_geo.cli import app
from sdaasp_geo.sources.services import read_services

Shared = Callable[[str], Path]


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def test_the_directory_of_a_departement_becomes_a_valid_grid(shared: Shared, tmp_path: Path) -> None:
    source = shared("annuaire_dila_2016/annuaire-65.sjson")
    result = CliRunner().invoke(app, ["grid", "convert", str(source), "--out", str(tmp_path / "dila")])
    assert result.exit_code == 0, result.output
    grid = read_services(tmp_path / "dila" / "grille.csv")
    assert len(grid) == 661
    assert "caf" in set(grid["service"])
    left = rows(tmp_path / "dila" / "non-converties.csv")
    assert len(left) == 10
    assert all(row["reason"] for row in left)
    counts = json.loads((tmp_path / "dila" / "manifest.json").read_text(encoding="utf-8"))["counts"]
    assert counts == {"rows": 661, "left": 10}


def test_the_list_of_france_services_is_converted_for_a_departement(shared: Shared, tmp_path: Path) -> None:
    source = shared("france_services/liste-fs-20240801.csv")
    words = ["grid", "convert", str(source), "--departement", "65", "--out", str(tmp_path / "fs")]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    grid = read_services(tmp_path / "fs" / "grille.csv")
    assert len(grid) == 25
    assert grid["code_commune"].str.startswith("65").all()
    left = rows(tmp_path / "fs" / "non-converties.csv")
    assert len(left) + len(grid) == 2845
    assert {row["reason"] for row in left} == {"hors des départements demandés"}


def test_another_file_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    other = tmp_path / "autre.csv"
    other.write_text("a;b\n1;2\n", encoding="utf-8")
    result = CliRunner().invoke(app, ["grid", "convert", str(other), "--out", str(tmp_path / "rien")])
    assert "un format connu" in str(result.exception)
    assert not (tmp_path / "rien").exists()
