"""Parts of the plugin that need no QGIS: words of the commands, JSON lines, versions, texts, the zip."""

from __future__ import annotations

import ast
import doctest
import json
import zipfile
from configparser import ConfigParser
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from qgis_host import PLUGIN, ROOT, plugin_module
from wheels import write_wheel

from sdaasp_geo.cli_options import fault_objects
from sdaasp_geo.errors import Fault, InputError

import build_plugin  # isort: skip - found once qgis_host is imported

SOURCES = sorted(PLUGIN.rglob("*.py"))
FORBIDDEN = {"geopandas", "shapely", "pandas", "numpy", "fiona", "pyogrio", "sdaasp_geo"}
NBSP = "\u00a0"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_modules_read_in_python_39_and_import_no_geographic_library(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 9))
    names = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level == 0]
    assert not FORBIDDEN & {name.split(".")[0] for name in names}


def test_words_of_a_command() -> None:
    command = plugin_module("command")
    assert doctest.testmod(command).failed == 0
    assert command.scheme_word(" hautes-pyrenees ", "") == "hautes-pyrenees"
    assert command.scheme_word("x", "/data/s") == "/data/s"
    assert command.scheme_word("./x", "") == str(Path("x").absolute())
    words = command.command_words("theme", "--quiet", options={"--out": "-x", "--count": 2.0, "--threshold": 7.5})
    assert words == ["theme", "./--quiet", "--out=-x", "--count=2", "--threshold=7.5", "--progress", "json"]


def test_steps_give_a_progress_that_never_passes_the_end() -> None:
    protocol = plugin_module("protocol")
    steps = [protocol.read_line(json.dumps({"step": n, "steps": 4, "label": "x"})) for n in (1, 3, 4, 5, 9)]
    assert [round(step.percent) for step in steps] == [0, 50, 75, 80, 89]


def test_lines_that_are_not_ours_are_left_alone() -> None:
    protocol = plugin_module("protocol")
    assert [protocol.read_line(line) for line in ("", "bonjour", "3", "[1]", "{}", '{"result": 1}', "{")] == [None] * 7


def test_a_result_is_read_whole() -> None:
    layer = {"file": "layers.gpkg", "name": "communes", "title": "Communes", "geometry": "MultiPolygon"}
    fault = {"file": "g.csv", "row": 3, "column": "lon", "value": "x", "expected": "un nombre", "remedy": "Corrigez."}
    said = {
        "folder": "/o",
        "files": ["a.csv"],
        "layers": [layer],
        "warnings": ["w"],
        "faults": [fault],
        "conforme": False,
    }
    result = plugin_module("protocol").read_line(json.dumps({"result": said}))
    assert (result.folder, result.files, result.warnings) == ("/o", ("a.csv",), ("w",))
    assert result.layers[0].title == "Communes"
    assert result.faults == (str(Fault(**fault)),)
    assert result.values["conforme"] is False


def test_filled_layers_are_drawn_under_contours_and_these_under_points() -> None:
    protocol = plugin_module("protocol")
    names = ["departement", "points_services", "epci", "nouveau", "communes", "actions"]
    layers = [protocol.Layer("f", name, name, "" if name == "actions" else "Point") for name in names]
    ordered = [layer.name for layer in protocol.drawing_order(layers)]
    assert ordered == ["actions", "communes", "epci", "departement", "points_services", "nouveau"]


@pytest.mark.parametrize("count", [1, 50, 51, 200])
def test_a_failure_tells_every_fault_once_as_the_package_does(count: int) -> None:
    values = ["", "x : y", "a\u2028b", "\u202e\tz"]
    faults = [Fault("g.csv", row, "nom", values[row % 4], "une valeur", "Complétez.") for row in range(2, count + 2)]
    error = InputError(faults)
    said = json.dumps({"error": {"message": str(error), "faults": fault_objects(error)}})
    lines = plugin_module("protocol").read_line(said).message.split("\n")
    assert lines == [str(error).split("\n")[0], *(f"- {fault}" for fault in faults)]


def test_a_failure_without_a_list_keeps_its_message() -> None:
    read_line = plugin_module("protocol").read_line
    assert read_line(json.dumps({"error": {"message": "Non.\nRien.", "faults": []}})).message == "Non.\nRien."
    faults = [{"file": "g.csv", "expected": "un nombre", "remedy": "Corrigez."}]
    said = read_line(json.dumps({"error": {"message": "1 défaut. Corrigez.", "faults": faults}})).message
    assert said == f"1 défaut. Corrigez.\n- g.csv, attendu{NBSP}: un nombre. Corrigez."


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ('{"version": "0.1.0", "protocol": 1}', ""),
        ('bruit\n{"version": "7.0", "protocol": 1}', ""),
        ('{"version": "0.0.1", "protocol": 0}', "plus ancien que l'extension 0.1.0"),
        ('{"version": "3.0", "protocol": 2}', "Mettez l'extension à jour"),
        ("", "n'a pas le paquet sdaasp_geo"),
        ('{"version": "0.0.1"}', "n'a pas le paquet sdaasp_geo"),
    ],
)
def test_versions_that_do_not_go_together_are_said(answer: str, told: str) -> None:
    protocol = plugin_module("protocol")
    fault = protocol.version_fault(protocol.read_about(answer), plugin_version="0.1.0")
    assert told in fault
    assert bool(fault) == bool(told)


def translated_texts() -> set[str]:
    """Return the texts that the code passes to ``tr``."""
    texts = set()
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "tr":
                assert isinstance(node.args[0], ast.Constant), f"{path.name}:{node.lineno}: tr takes a literal"
                texts.add(node.args[0].value)
    return texts


def test_every_text_has_its_translation() -> None:
    tree = ET.parse(PLUGIN / "i18n" / "sdaasp_geo_en.ts")  # noqa: S314 - our own file
    found = {message.findtext("source"): message.find("translation") for message in tree.iter("message")}
    assert set(found) == translated_texts()
    for source, translation in found.items():
        assert translation is not None
        assert translation.get("type") is None, source
        text = translation.text or ""
        assert text, source
        assert fields(text) == fields(source or ""), source


def fields(text: str) -> set[str]:
    """Return the names between braces."""
    return {part.split("}")[0] for part in text.split("{")[1:]}


def test_french_typography() -> None:
    tr = plugin_module("texts").tr
    assert tr("À savoir : « x » ?") == f"À savoir{NBSP}: «{NBSP}x{NBSP}»{NBSP}?"


def test_metadata_holds_what_qgis_asks() -> None:
    metadata = ConfigParser(interpolation=None)
    metadata.read(PLUGIN / "metadata.txt", encoding="utf-8")
    general = metadata["general"]
    assert general["qgisMinimumVersion"] == "3.22"
    assert general["hasProcessingProvider"] == "yes"
    assert (PLUGIN / general["icon"]).is_file()
    assert {"name", "description", "about", "version", "author", "email", "tags"} <= set(general)


def test_the_zip_is_the_same_twice_and_holds_the_wheel(tmp_path: Path) -> None:
    wheel = write_wheel(tmp_path, "sdaasp_geo")
    for name in ("a.zip", "b.zip"):
        build_plugin.write_zip(tmp_path / name, [wheel])
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        names = archive.namelist()
        assert archive.read(f"sdaasp_geo/wheels/{wheel.name}") == wheel.read_bytes()
        assert archive.read("sdaasp_geo/LICENSE") == (ROOT / "LICENSE").read_bytes()
    assert {name.split("/")[0] for name in names} == {"sdaasp_geo"}
    assert {"sdaasp_geo/metadata.txt", "sdaasp_geo/LICENSE", "sdaasp_geo/icon.svg"} <= set(names)
    assert not [name for name in names if "__pycache__" in name]
