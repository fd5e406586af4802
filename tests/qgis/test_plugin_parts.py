"""Parts of the plugin that need no QGIS: words of the commands, JSON lines, versions, processes, wheels, texts."""

from __future__ import annotations

import ast
import doctest
import json
import os
import sys
import time
import zipfile
from configparser import ConfigParser
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from qgis_host import PLUGIN, ROOT, plugin_module
from wheels import write_wheel

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
    expected = f"g.csv, ligne 3, colonne «{NBSP}lon{NBSP}»{NBSP}: «{NBSP}x{NBSP}» trouvé, un nombre attendu. Corrigez."
    assert result.faults == (expected,)
    assert result.values["conforme"] is False


def test_filled_layers_are_drawn_under_contours_and_these_under_points() -> None:
    protocol = plugin_module("protocol")
    names = ["departement", "points_services", "epci", "nouveau", "communes", "actions"]
    layers = [protocol.Layer("f", name, name, "" if name == "actions" else "Point") for name in names]
    ordered = [layer.name for layer in protocol.drawing_order(layers)]
    assert ordered == ["actions", "communes", "epci", "departement", "points_services", "nouveau"]


def test_a_failure_tells_every_fault_once() -> None:
    faults = [{"file": "g.csv", "row": None, "remedy": f"Remède {n}."} for n in (1, 2)]
    said = json.dumps({"error": {"message": "1 défaut\nRemède 1.", "faults": faults}})
    message = plugin_module("protocol").read_line(said).message
    assert message.count("Remède 1.") == 1
    assert message.count("Remède 2.") == 1


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


def test_the_environment_of_the_package_is_not_that_of_qgis() -> None:
    foreign = {"PYTHONHOME": "/q", "PYTHONPATH": "/q", "QGIS_PREFIX_PATH": "/q", "GDAL_DATA": "/q", "PROJ_LIB": "/q"}
    kept = {"PATH": "/bin", "HOME": "/h", "HTTPS_PROXY": "x"}
    clean = plugin_module("runner").clean_environment(
        {**foreign, **kept, "LD_LIBRARY_PATH": "/q", "QT_PLUGIN_PATH": "/q"}
    )
    assert clean == {**kept, "PYTHONUTF8": "1", "PYTHONIOENCODING": "utf-8", "LANGUAGE": "fr"}


def test_a_run_gives_its_lines_as_they_come_and_its_code() -> None:
    runner = plugin_module("runner")
    lines: list[str] = []
    notes: list[str] = []
    program = "import sys; print('é'); print('note', file=sys.stderr); print('fin'); sys.exit(3)"
    words = [sys.executable, "-X", "utf8", "-c", program]
    code = runner.run(words, on_line=lines.append, on_note=notes.append, stopped=lambda: False)
    assert (code, lines, notes) == (3, ["é", "fin"], ["note"])


def test_a_program_that_is_not_there_is_an_error_of_the_system() -> None:
    runner = plugin_module("runner")
    with pytest.raises(OSError, match="nulle-part"):
        runner.run(["/nulle-part/python"], on_line=print, on_note=print, stopped=lambda: False)
    assert runner.ask(["/nulle-part/python"]) == ""


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("obeys", [True, False], ids=["obeys", "ignores"])
def test_stopping_ends_the_process_and_its_children(obeys: bool, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001
    runner = plugin_module("runner")
    monkeypatch.setattr(runner, "PATIENCE_S", 0.5)
    deaf = "" if obeys else "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    child = f"{deaf}import time; time.sleep(600)"
    program = f"""{deaf}import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", {child!r}])
time.sleep(0.3)
print(os.getpid(), child.pid, flush=True)
time.sleep(600)"""
    seen: list[str] = []
    words = [sys.executable, "-c", program]
    with pytest.raises(runner.Stopped):
        runner.run(words, on_line=seen.append, on_note=print, stopped=lambda: bool(seen))
    for number in seen[0].split():
        assert gone(int(number))


def gone(pid: int) -> bool:
    """Whether a process is dead (a zombie that nobody waits for is dead too), within two seconds."""
    for _ in range(40):
        status = Path(f"/proc/{pid}/status")
        if not status.exists() or "State:\tZ" in status.read_text(encoding="utf-8"):
            return True
        time.sleep(0.05)
    return False


def test_what_pip_would_fetch_is_said_before(tmp_path: Path) -> None:
    installation = plugin_module("installation")
    nothing = installation.read_wheels(tmp_path)
    assert nothing.package is None
    assert "Il n'y a pas de paquet sdaasp_geo" in installation.refusal(nothing, sys.executable, fetch=True)
    needs = ("click>=8.2", "python-docx>=1.1", 'fiona>=1.10; python_version < "3.14"', 'numba; extra == "roads"')
    own = write_wheel(tmp_path, "sdaasp_geo", needs)
    write_wheel(tmp_path, "python_docx")
    wheels = installation.read_wheels(tmp_path)
    assert wheels.package == own
    assert wheels.needs == ("click", "fiona", "python-docx")
    assert wheels.missing == ("click", "fiona")
    told = installation.refusal(wheels, sys.executable, fetch=False)
    assert "pip téléchargerait\u00a0: click, fiona." in told
    assert installation.refusal(wheels, sys.executable, fetch=True) == ""
    assert "Aucun Python 3.11" in installation.refusal(wheels, "", fetch=True)
    assert "--no-index" in installation.pip_command("p", wheels, fetch=False)
    assert "--no-index" not in installation.pip_command("p", wheels, fetch=True)


def test_only_a_recent_python_makes_the_environment(tmp_path: Path) -> None:
    installation = plugin_module("installation")
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\necho 3.9\n", encoding="utf-8")
    old.chmod(0o755)
    assert installation.find_python(str(old)) == ""
    assert installation.find_python(which={"python3": str(old), "python": sys.executable}.get) == sys.executable
    assert not installation.is_recent("/bin/sh")


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
