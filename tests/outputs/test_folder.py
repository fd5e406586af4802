"""The whole run: complete or absent, the same bytes twice, and what it says of itself."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path

import fiona
import geopandas as gpd
import pytest
from shared_runs import SharedRun

from sdaasp_geo import build, pipeline, read_scheme
from sdaasp_geo.errors import NameNotResolvedError, OutputError, SchemeError
from sdaasp_geo.outputs.publish import published


@pytest.fixture(scope="module")
def run_65(built: Callable[[str], SharedRun]) -> Path:
    return built("hautes-pyrenees").folder


def _hashes(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_run_holds_what_it_promises(run_65: Path) -> None:
    names = set(_hashes(run_65))
    assert {"index.html", "manifest.json", "layers.gpkg", "maps/carte.html", "tables/sdaasp.xlsx"} <= names
    annexes = sorted(name for name in names if name.startswith("annexes/"))
    assert len([name for name in annexes if name.endswith(".docx")]) == 9
    assert len([name for name in annexes if name.endswith(".html")]) == 9
    assert "annexes/annexe-200072106-cc-adour-madiran.docx" in annexes


def test_two_runs_give_the_same_bytes(run_65: Path, tmp_path: Path) -> None:
    build(read_scheme("hautes-pyrenees"), tmp_path / "again")
    assert _hashes(tmp_path / "again") == _hashes(run_65)


def test_manifest_lists_every_file_with_its_hash(run_65: Path) -> None:
    manifest = json.loads((run_65 / "manifest.json").read_text(encoding="utf-8"))
    hashes = _hashes(run_65)
    del hashes["manifest.json"]
    assert {entry["name"]: entry["sha256"] for entry in manifest["outputs"]} == hashes
    assert manifest["counts"]["communes"] == 469
    assert manifest["counts"]["epci_signing"] == 9
    assert manifest["method"]["estimate"] is True
    assert any("Barbazan-Dessus" in warning for warning in manifest["warnings"])
    assert all(re.fullmatch(r"[0-9a-f]{64}", entry["sha256"]) for entry in manifest["inputs"])


def test_layers_open_in_the_legal_crs(run_65: Path) -> None:
    assert set(fiona.listlayers(run_65 / "layers.gpkg")) == {
        *("departement", "epci_voisins", "petr", "epci", "communes", "zones", "points_services"),
        *("actions", "actions_epci", "layer_styles"),
    }
    epci = gpd.read_file(run_65 / "layers.gpkg", layer="epci", engine="pyogrio")
    assert epci.crs == "EPSG:2154"
    assert len(epci) == 10
    assert epci.geometry.is_valid.all()


def test_pages_load_nothing_from_elsewhere(run_65: Path) -> None:
    loads = re.compile(r"""(?:src|href)\s*=\s*["']?(?:https?:)?//|url\(\s*["']?(?:https?:)?//|@import""", re.IGNORECASE)
    for page in [run_65 / "index.html", *sorted((run_65 / "annexes").glob("*.html"))]:
        assert not loads.search(page.read_text(encoding="utf-8")), page.name


def test_links_of_the_index_lead_somewhere(run_65: Path) -> None:
    hrefs = re.findall(r'href="([^"#]+)"', (run_65 / "index.html").read_text(encoding="utf-8"))
    assert len(hrefs) > 20
    assert [href for href in hrefs if not (run_65 / href).is_file()] == []


def test_a_run_replaces_an_earlier_run(run_65: Path, tmp_path: Path) -> None:
    with published(tmp_path / "out") as beside:
        (beside / "manifest.json").write_bytes((run_65 / "manifest.json").read_bytes())
        (beside / "old.txt").write_text("old")
    with published(tmp_path / "out") as beside:
        (beside / "new.txt").write_text("new")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["new.txt"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]


def test_a_failed_run_leaves_the_earlier_one(run_65: Path, tmp_path: Path) -> None:
    with published(tmp_path / "out") as beside:
        (beside / "manifest.json").write_bytes((run_65 / "manifest.json").read_bytes())

    def fail() -> None:
        with published(tmp_path / "out") as beside:
            (beside / "half.txt").write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["manifest.json"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]


def test_what_is_not_a_run_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(OutputError, match="n'est pas un résultat"):
        build(read_scheme("hautes-pyrenees"), tmp_path / "mine")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.txt"]


def test_one_annexe_by_name(tmp_path: Path) -> None:
    files = pipeline.annexe(read_scheme("hautes-pyrenees"), "Adour Madiran", tmp_path)
    assert [path.suffix for path in files] == [".html", ".docx", ".pdf"]
    assert all(path.is_file() for path in files)


def test_an_epci_that_does_not_sign_has_no_annexe(tmp_path: Path) -> None:
    with pytest.raises(NameNotResolvedError):
        pipeline.annexe(read_scheme("hautes-pyrenees"), "Pays de Nay", tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("code", "communes"), [("48", 152), ("2A", 124), ("974", 24), ("75", 1)])
def test_init_then_build_elsewhere(code: str, communes: int, tmp_path: Path) -> None:
    pipeline.init(tmp_path / "scheme", code)
    run = build(read_scheme(str(tmp_path / "scheme")), tmp_path / "out")
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["counts"]["communes"] == communes
    assert len(run.figures) == 3
    assert any("France services" in warning or "france-services" in warning for warning in run.warnings)


@pytest.mark.parametrize("code", ["99", "4", "2C", "", "975"])
def test_init_refuses_what_is_no_departement(code: str, tmp_path: Path) -> None:
    with pytest.raises(SchemeError, match="inconnu"):
        pipeline.init(tmp_path / "scheme", code)
    assert not (tmp_path / "scheme").exists()
