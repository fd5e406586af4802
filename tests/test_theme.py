"""One theme of a scheme: its tables are those of the whole run, its layers open with their styles."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
from click.testing import CliRunner
from shared_runs import SharedRun

from sdaasp_geo.cli_about import about
from sdaasp_geo.cli_grid import grid
from sdaasp_geo.cli_options import PROTOCOL, THEMES
from sdaasp_geo.cli_theme import theme as command
from sdaasp_geo.errors import OutputError, SchemeError
from sdaasp_geo.french import NBSP
from sdaasp_geo.outputs.layer_list import list_layers
from sdaasp_geo.outputs.theme_folder import LAYERS, TABLES
from sdaasp_geo.pipeline import theme
from sdaasp_geo.scheme import read_scheme, with_files
from sdaasp_geo.sources.services import read_services
from sdaasp_geo.study import Measures, Study

CODE = "hautes-pyrenees"
FIRST_STYLE = {"perimetres": "Contours", "acces": "Accès", "deficits": "Accès", "frontiere": "Frontière"}
ABSENT = {"carreaux", "acces_carreaux", "couverture_carreaux", "synthese_carreaux"}


@pytest.fixture
def prepared(monkeypatch: pytest.MonkeyPatch, study_65: Study, measures_65: Measures) -> None:
    """Take the layers and the times that the session has already."""
    monkeypatch.setattr(theme, "prepare", lambda _scheme, **_: study_65)
    monkeypatch.setattr(theme, "measure", lambda _study, **_: measures_65)


@pytest.mark.usefixtures("prepared")
@pytest.mark.parametrize("name", THEMES)
def test_tables_of_a_theme_are_those_of_a_whole_run(
    name: str, tmp_path: Path, built: Callable[[str], SharedRun]
) -> None:
    folder = tmp_path / name
    done = theme.write_theme(read_scheme(CODE), name, folder)
    tables = {path.stem for path in (folder / "tables").iterdir()}
    assert tables == set(TABLES[name]) - ABSENT
    whole = built(CODE).folder / "tables"
    assert [stem for stem in sorted(tables) if read(folder / "tables", stem) != read(whole, stem)] == []
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["theme"] == name
    assert {entry["name"] for entry in manifest["outputs"]} == set(done.files) - {"manifest.json"}
    layers = list_layers(folder / "layers.gpkg", name="layers.gpkg")
    assert [layer["name"] for layer in layers] == [layer for layer in LAYERS[name] if layer != "carreaux"]
    assert {layer["geometry"] for layer in layers} <= {"MultiPolygon", "Point"}
    assert all("Hautes-Pyrénées" in layer["title"] for layer in layers)
    assert opening_styles(folder / "layers.gpkg")["communes"] == FIRST_STYLE[name]
    assert set(opening_styles(folder / "layers.gpkg")) == {layer["name"] for layer in layers}


def read(folder: Path, stem: str) -> bytes:
    return (folder / f"{stem}.csv").read_bytes()


def opening_styles(path: Path) -> dict[str, str]:
    with closing(sqlite3.connect(path)) as base:
        return dict(base.execute("SELECT f_table_name, styleName FROM layer_styles WHERE useAsDefault").fetchall())


@pytest.mark.usefixtures("prepared")
def test_a_theme_replaces_a_run_only_and_gives_the_same_bytes(tmp_path: Path) -> None:
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        theme.write_theme(read_scheme(CODE), "acces", folder)
    theme.write_theme(read_scheme(CODE), "acces", folders[0])
    names = [sorted(p.relative_to(folder) for p in folder.rglob("*") if p.is_file()) for folder in folders]
    assert names[0] == names[1]
    assert all((folders[0] / name).read_bytes() == (folders[1] / name).read_bytes() for name in names[0])
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "notes.txt").write_text("à garder", encoding="utf-8")
    with pytest.raises(OutputError):
        theme.write_theme(read_scheme(CODE), "acces", tmp_path / "c")


@pytest.mark.parametrize(("name", "useless"), [("perimetres", "measure"), ("acces", "lay_ground")])
def test_a_theme_measures_no_more_than_it_needs(
    name: str, useless: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, study_65: Study
) -> None:
    def never(*_: object, **__: object) -> None:
        pytest.fail(f"{name} does not need {useless}")

    monkeypatch.setattr(theme, "prepare", lambda _scheme, **_: study_65)
    monkeypatch.setattr(theme, useless, never)
    monkeypatch.setattr(theme, "write_theme_folder", lambda *_, **__: None)
    theme.write_theme(read_scheme(CODE), name, tmp_path / "x")


@pytest.mark.usefixtures("prepared")
def test_progress_and_result_are_json_lines(tmp_path: Path) -> None:
    out = tmp_path / "acces"
    done = CliRunner().invoke(command, [CODE, "--theme", "acces", "--out", str(out), "--progress", "json"])
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.exit_code == 0
    assert lines[0] == {"step": 1, "steps": 8, "label": "Couches et tableaux"}
    result = lines[-1]["result"]
    assert (result["folder"], len(lines)) == (str(out.resolve()), 2)
    assert sorted(result["files"]) == sorted(p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file())
    assert result["layers"][-1]["name"] == "points_services"
    assert result["warnings"]


def test_an_error_is_a_json_line_with_its_faults(tmp_path: Path) -> None:
    bad = tmp_path / "lieux.csv"
    bad.write_text("id,nom\na,b\n", encoding="utf-8")
    words = [CODE, "--theme", "acces", "--out", str(tmp_path / "x"), "--services", str(bad), "--progress", "json"]
    done = CliRunner().invoke(command, words)
    last = json.loads(done.stdout.splitlines()[-1])["error"]
    assert done.exit_code == 1
    assert last["message"].startswith(f"16{NBSP}défauts")
    assert last["faults"][0] == {
        "file": "lieux.csv",
        "row": 1,
        "column": "operateur",
        "value": "",
        "expected": "une colonne de la grille commune",
        "remedy": "Partez du modèle de la grille commune.",
    }
    done = CliRunner().invoke(command, ["nulle-part", *words[1:]])
    assert done.exit_code == 1
    assert json.loads(done.stdout)["error"]["faults"] == []
    assert not (tmp_path / "x").exists()


def test_about_tells_what_a_plugin_must_know() -> None:
    done = CliRunner().invoke(about, ["--json"])
    told = json.loads(done.stdout)
    assert told["protocol"] == PROTOCOL == 1
    assert [scheme["code"] for scheme in told["schemes"]] == ["alpes-de-haute-provence", "hautes-pyrenees"]
    assert {"code": "france-services", "name": "France services"} in told["services"]
    assert [one["code"] for one in told["themes"]] == list(THEMES) == list(LAYERS) == list(TABLES)
    assert "hautes-pyrenees" in CliRunner().invoke(about).stdout


def test_a_layer_of_points_is_read_as_the_grid(tmp_path: Path) -> None:
    grid = read_services(read_scheme(CODE).path("embarque:services/france_services.csv")).head(20)
    places = gpd.GeoDataFrame(
        grid.drop(columns=["lon", "lat"]), geometry=gpd.points_from_xy(grid["lon"], grid["lat"]), crs="EPSG:4326"
    )
    places.to_crs("EPSG:2154").to_file(tmp_path / "lieux.gpkg", layer="lieux")
    places.to_file(tmp_path / "lieux.geojson")
    for name in ("lieux.gpkg", "lieux.geojson"):
        found = read_services(tmp_path / name)
        pd.testing.assert_frame_equal(
            found, grid, check_exact=False, atol=1e-7, check_index_type=False, check_names=False
        )


def test_files_given_take_the_place_of_those_of_the_scheme(tmp_path: Path) -> None:
    scheme = read_scheme(CODE)
    (tmp_path / "a.csv").touch()
    changed = with_files(scheme, services=[tmp_path / "a.csv"], corrections=[tmp_path / "a.csv"])
    assert changed.fichiers.services == (str(tmp_path / "a.csv"),)
    assert changed.fichiers.corrections == (str(tmp_path / "a.csv"),)
    assert with_files(scheme) == scheme
    with pytest.raises(SchemeError, match="introuvable"):
        with_files(scheme, communes=tmp_path / "absent.gpkg")


def test_a_grid_that_is_checked_tells_its_faults_as_objects(tmp_path: Path) -> None:
    bad = tmp_path / "lieux.csv"
    bad.write_text("id,nom\na,b\n", encoding="utf-8")
    done = CliRunner().invoke(grid, ["check", str(bad), "--out", str(tmp_path / "r"), "--progress", "json"])
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.exit_code == 1
    assert [line["step"] for line in told[:-1]] == list(range(1, len(told)))
    result = told[-1]["result"]
    assert result["conforme"] is False
    assert {fault["file"] for fault in result["faults"]} == {"lieux.csv"}
    assert {"row", "column", "value", "expected", "remedy"} <= set(result["faults"][0])
    assert "rapport.html" in result["files"]
