"""The plugin in a real QGIS without window: it lists, runs, loads, stops, and says what is wrong.

The package is run for real on the Hautes-Pyrénées for two algorithms; all of them are in ``tests/campaigns/qgis.py``.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from qgis_host import PLUGIN, Qgis
from shared_runs import SharedRun
from wheels import write_wheel

import build_plugin  # isort: skip - found once qgis_host is imported

DESKTOP = Path(__file__).with_name("desktop.py")
FAKE = Path(__file__).with_name("fake_engine.py")
CODES = sorted(path.stem for path in (PLUGIN / "algorithms").glob("*.py"))
NOT_ALGORITHMS = {"__init__", "base", "parameters", "theme"}
NBSP = "\u00a0"
CLEARS_AND_FAILS = """#!/bin/sh
for last; do :; done
case "$*" in *"venv --clear"*) rm -rf "$last"; exit 3;; esac
echo '3.12 /nulle-part'
"""


@pytest.fixture(scope="module")
def qgis(tmp_path_factory: pytest.TempPathFactory) -> Qgis:
    """A QGIS that runs the package of the tests."""
    return Qgis(tmp_path_factory.mktemp("qgis"))


@pytest.fixture
def fake(qgis: Qgis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Qgis]:
    """The same QGIS, that runs an interpreter which behaves as told."""

    def behave(**behaviour: object) -> Qgis:
        engine = tmp_path / "python3"
        engine.write_text(f"#!{sys.executable}\n{FAKE.read_text(encoding='utf-8')}", encoding="utf-8")
        engine.chmod(0o755)
        (tmp_path / "behaviour.json").write_text(json.dumps(behaviour), encoding="utf-8")
        monkeypatch.setitem(qgis.environment, "SDAASP_PYTHON", str(engine))
        return qgis

    return behave


def test_the_zip_installs_in_a_fresh_profile_and_lists_every_algorithm(tmp_path: Path) -> None:
    packed = tmp_path / "plugin.zip"
    build_plugin.write_zip(packed, [])
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(tmp_path / "plugins")
    host = Qgis(tmp_path / "host", plugins=tmp_path / "plugins")
    listed = host.call("list").stdout
    assert set(re.findall(r"sdaasp:(\w+)", listed)) == set(CODES) - NOT_ALGORITHMS
    assert "Accès aux services" in listed


def test_texts_are_french_and_english_where_qgis_is(
    qgis: Qgis, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert "part et d'autre des limites" in qgis.call("help", "sdaasp:acces").stdout
    if not build_plugin.compiled_texts():
        pytest.skip("lrelease (qttools5-dev-tools) is not installed: the translation cannot be compiled")
    packed = tmp_path / "plugin.zip"
    build_plugin.write_zip(packed, [])
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(tmp_path)
    for name, value in {"QGIS_PLUGINPATH": str(tmp_path), "LC_ALL": "en_GB.UTF-8"}.items():
        monkeypatch.setitem(qgis.environment, name, value)
    assert "on both sides of the borders" in qgis.call("help", "sdaasp:acces").stdout


@pytest.mark.parametrize("theme", ["perimetres", "deficits"])
def test_tables_are_those_of_the_command_line_to_the_byte(
    theme: str, qgis: Qgis, built: Callable[[str], SharedRun], tmp_path: Path
) -> None:
    given = qgis.run(theme, SCHEMA="hautes-pyrenees", DOSSIER=tmp_path / "o")
    assert given["DOSSIER"] == str(tmp_path / "o")
    assert given["COMMUNES"] == f"{tmp_path / 'o' / 'layers.gpkg'}|layername=communes"
    tables = sorted((tmp_path / "o" / "tables").glob("*.csv"))
    assert len(tables) >= 4
    for table in tables:
        expected = built("hautes-pyrenees").folder / "tables" / table.name
        assert table.read_bytes() == expected.read_bytes(), table.name


def test_a_grid_with_faults_is_a_result_and_its_remedies_are_told(qgis: Qgis, tmp_path: Path) -> None:
    grid = tmp_path / "grille.csv"
    grid.write_text("id,nom,service,code_commune\na,Lieu,france-services,4001\n", encoding="utf-8")
    done = qgis.attempt("controle_grille", GRILLE=grid, DOSSIER=tmp_path / "o")
    assert done.returncode == 0, done.stderr
    given = json.loads(done.stdout[done.stdout.index("{") :])
    assert given["results"]["CONFORME"] is False
    assert given["results"]["DEFAUTS"] > 0
    assert Path(given["results"]["PAGE"]).is_file()
    assert "04001" in done.stdout + done.stderr


def answer(folder: Path, names: dict[str, str]) -> dict[str, Any]:
    """Return the last line of a run that left those layers."""
    layers = [
        {"file": "layers.gpkg", "name": name, "title": f"{name.capitalize()} (Hautes-Pyrénées)", "geometry": geometry}
        for name, geometry in names.items()
    ]
    return {"result": {"folder": str(folder), "files": ["layers.gpkg"], "layers": layers, "warnings": ["Une chose."]}}


def said(qgis: Qgis, *words: str) -> dict[str, Any]:
    """Run the script that stands for a window, and return its answer."""
    done = qgis.script(DESKTOP, *words)
    assert done.returncode == 0, done.stderr
    answered: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answered


def test_layers_come_in_one_group_in_order_with_their_styles(
    fake: Callable[..., Qgis], built: Callable[[str], SharedRun], tmp_path: Path
) -> None:
    names = {"departement": "MultiPolygon", "epci": "MultiPolygon", "communes": "MultiPolygon", "actions": ""}
    host = fake(answer=answer(built("hautes-pyrenees").folder, {**names, "points_services": "Point"}))
    shown = said(host, "load", "frontiere", "SCHEMA=hautes-pyrenees", f"DOSSIER={tmp_path / 'o'}", "TIMES=2")
    assert shown["loaded"] is True
    (group,) = shown["tree"]
    title, layers = group
    assert title == "Bilan de frontière – hautes-pyrenees"
    assert [layer["name"] for layer in layers] == ["Points_services", "Departement", "Epci", "Communes", "Actions"]
    assert all(layer["valid"] and layer["rows"] > 0 for layer in layers)
    communes = layers[3]
    assert communes["style"] == "Frontière"
    assert {"Accès", "Pénalité administrative", "Présence hebdomadaire"} <= set(communes["styles"])
    assert communes["renderer"] == "RuleRenderer"
    assert shown["steps"][:2] == ["Première étape", "Deuxième étape"]
    assert shown["progress"][:2] == [25.0, 100.0]
    assert f"À savoir{NBSP}: Une chose." in shown["said"]


def test_a_layer_is_copied_whole_whatever_qgis_does_with_invalid_geometries(qgis: Qgis) -> None:
    copied = said(qgis, "copy", "perimetres")
    assert copied == {"rows": {"none": 2, "skip": 2, "abort": 2}, "stopped": f"Arrêté{NBSP}: rien n'a été écrit."}


def test_it_runs_in_a_model(fake: Callable[..., Qgis], built: Callable[[str], SharedRun], tmp_path: Path) -> None:
    host = fake(answer=answer(built("hautes-pyrenees").folder, {"epci": "MultiPolygon"}))
    words = ("model", "perimetres", "EPCI", "SCHEMA=hautes-pyrenees", f"DOSSIER={tmp_path / 'o'}")
    assert said(host, *words) == {"success": True, "rows": 10}


def test_stopping_ends_the_package_and_its_children(fake: Callable[..., Qgis], tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    shown = said(fake(pids=str(pids)), "cancel", "acces", f"DOSSIER={tmp_path / 'o'}")
    assert shown["success"] is False
    assert shown["seconds"] < 10
    assert f"Arrêté{NBSP}: rien n'a été écrit." in shown["said"]
    for pid in pids.read_text(encoding="utf-8").split():
        status = Path(f"/proc/{pid}/status")
        assert not status.exists() or "State:\tZ" in status.read_text(encoding="utf-8")


def test_edits_that_are_not_saved_are_refused_by_name(
    fake: Callable[..., Qgis], built: Callable[[str], SharedRun], tmp_path: Path
) -> None:
    layers = tmp_path / "corrections.gpkg"
    shutil.copy(built("hautes-pyrenees").folder / "layers.gpkg", layers)
    shown = said(fake(), "unsaved", str(layers))
    assert shown["success"] is False
    assert any(f"ne sont pas enregistrées dans{NBSP}: points" in line for line in shown["said"])
    assert not list(tmp_path.glob("*.csv"))


def test_what_is_wrong_is_said_with_the_remedy(fake: Callable[..., Qgis], tmp_path: Path) -> None:
    fault = {
        "file": "g.csv",
        "row": 2,
        "column": "lon",
        "value": "x",
        "expected": "un nombre",
        "remedy": "Écrivez 6.2.",
    }
    cases: list[tuple[dict[str, object], str]] = [
        ({"protocol": 7}, "Mettez l'extension à jour"),
        ({"protocol": 0}, "Installer le moteur de calcul"),
        ({"answer": {"error": {"message": "1 défaut", "faults": [fault]}}, "code": 1}, "Écrivez 6.2."),
        ({"code": 3}, "une bibliothèque qui bavarde"),
    ]
    for behaviour, expected in cases:
        done = fake(**behaviour).attempt("acces", SCHEMA="hautes-pyrenees", DOSSIER=tmp_path / "o")
        assert done.returncode != 0
        assert expected in done.stdout + done.stderr


def test_without_interpreter_it_says_where_to_get_one(
    qgis: Qgis, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delitem(qgis.environment, "SDAASP_PYTHON")
    done = qgis.attempt("acces", SCHEMA="hautes-pyrenees", DOSSIER=tmp_path / "o")
    assert done.returncode != 0
    assert "Installer le moteur de calcul" in done.stdout + done.stderr


def test_the_engine_is_installed_from_the_wheel_beside(
    qgis: Qgis, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delitem(qgis.environment, "SDAASP_PYTHON")
    program = FAKE.read_text(encoding="utf-8")
    modules = {"sdaasp_geo/__init__.py": "", "sdaasp_geo/__main__.py": program, "sdaasp_geo/behaviour.json": "{}"}
    write_wheel(tmp_path, "sdaasp_geo", modules=modules)
    given = qgis.run("moteur", PAQUETS=tmp_path, PYTHON_BASE=os.path.realpath(sys.executable))
    assert given["VERSION"] == "9.9.9"
    assert Path(given["PYTHON"]).is_relative_to(qgis.profile)
    installed = sorted(Path(given["PYTHON"]).parents[1].rglob("*"))
    base = tmp_path / "python3"
    base.write_text(CLEARS_AND_FAILS, encoding="utf-8")
    base.chmod(0o755)
    failed = qgis.attempt("moteur", PAQUETS=tmp_path, PYTHON_BASE=base)
    assert "échec (code 3)" in failed.stdout + failed.stderr
    assert sorted(Path(given["PYTHON"]).parents[1].rglob("*")) == installed
    done = qgis.attempt("acces", SCHEMA="hautes-pyrenees", DOSSIER=tmp_path / "o")
    assert "s'est arrêté sans réponse (code 0)" in done.stdout + done.stderr
