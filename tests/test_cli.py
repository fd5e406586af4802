"""The command line: French, honest exit codes, nothing but what was asked."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from shared_runs import SharedRun
from shared_runs import command_line as run

from sdaasp_geo.cli import app
from sdaasp_geo.french import NBSP

MORE = [["roads"], ["roads", "build"], ["roads", "fetch"], ["sites"], ["compare"]]


@pytest.mark.parametrize("command", [[], ["build"], ["check"], ["annex"], ["init"], ["schemes"], *MORE])
def test_help_is_in_french(command: list[str]) -> None:
    result = run(*command, "--help")
    assert result.returncode == 0
    assert f"Usage{NBSP}:" in result.stdout
    assert "Affiche cette aide." in result.stdout
    assert not re.search(r"\b(Show|exit|COMMAND|ARGS|required|default)\b", result.stdout)


@pytest.mark.parametrize("width", [56, 72, 90])
def test_no_line_of_help_begins_with_a_colon(width: int) -> None:
    commands: list[tuple[str, click.Command]] = [("sdaasp", app)]
    for name, command in commands:
        if isinstance(command, click.Group):
            commands += [(f"{name} {part}", command.commands[part]) for part in sorted(command.commands)]
        with command.make_context(name, [], resilient_parsing=True, terminal_width=width) as context:
            told = command.get_help(context)
        assert not re.search(r"^ *[:;?!»]|«$", told, re.MULTILINE), told
        assert not re.search(r" [:;?!»](\s|$)|« ", told), told
    assert len(commands) > 20


def test_schemes_lists_the_embedded_ones() -> None:
    result = run("schemes")
    assert [line.split()[0] for line in result.stdout.splitlines()] == ["alpes-de-haute-provence", "hautes-pyrenees"]


def test_check_says_valid_and_writes_nothing(tmp_path: Path) -> None:
    result = run("check", "hautes-pyrenees", cwd=tmp_path)
    assert result.returncode == 0
    assert "469 communes, 9 EPCI signataires" in result.stdout
    assert "Arbéost et Ferrières" in result.stdout
    assert list(tmp_path.iterdir()) == []


def test_check_fails_on_bad_input_with_every_fault(tmp_path: Path) -> None:
    assert run("init", str(tmp_path / "s"), "--departement", "48").returncode == 0
    grid = tmp_path / "s" / "services.csv"
    header = grid.read_text(encoding="utf-8").strip()
    row = "a,Lieu,,france-services,fixe,,4001,Digne,6.2,44.1,adresse,,,,,moi,2024-01-01,LO\n"
    grid.write_text(f"{header}\n{row}{row}", encoding="utf-8")
    result = run("check", str(tmp_path / "s"))
    assert result.returncode == 1
    assert "ligne 2" in result.stderr
    assert "ligne 3" in result.stderr
    assert "4001" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    "arguments", [["build", "nulle-part", "--out", "x"], ["annex", "hautes-pyrenees", "--epci", "Xyz"]]
)
def test_errors_are_in_french_without_traceback(arguments: list[str], tmp_path: Path) -> None:
    result = run(*arguments, cwd=tmp_path)
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1].startswith("Erreur") or "Erreur" in result.stderr
    assert "Traceback" not in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_usage_errors_are_in_french() -> None:
    result = run("annex")
    assert result.returncode == 2
    assert "Il manque l'argument" in result.stderr


def test_a_quiet_command_prints_nothing(tmp_path: Path) -> None:
    words = ("report", "exemple-fictif", "--year", "2019", "--out", str(tmp_path / "2019"), "--quiet")
    result = run(*words)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert (tmp_path / "2019" / "bilan.html").is_file()


def test_build_ends_with_three_figures(built: Callable[[str], SharedRun]) -> None:
    result = built("hautes-pyrenees")
    lines = result.stdout.splitlines()
    assert lines[-4].startswith("Trois chiffres (estimation)")
    assert "index.html" in result.stdout
    assert "Cartes" in result.stderr.splitlines()


def test_roads_are_built_once(tmp_path: Path, shared: Callable[[str], Path]) -> None:
    pytest.importorskip("osmium", reason="osmium is not installed (extra « roads »)")
    extract = str(shared("roads/andorra_worldkg.osm.pbf"))
    arguments = ["roads", "build", extract, "--departement", "09", "--cache", str(tmp_path)]
    first, second = run(*arguments), run(*arguments)
    assert (first.returncode, second.returncode) == (0, 0)
    assert "OpenStreetMap" in first.stdout
    assert "laissé de côté (footway)" in first.stdout
    assert second.stdout.startswith("Le réseau était déjà préparé.")
