"""The notebooks: stored without outputs, as their scripts say, and they run where the data is at hand."""

from __future__ import annotations

import importlib.util
import json
import os
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl
import pytest
from matplotlib import pyplot as plt

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
EXTRACT = "roads/andorra_worldkg.osm.pbf"
RUN = """
import sys, nbclient, nbformat
book = nbformat.read(sys.argv[1], as_version=4)
nbformat.validate(book)
nbclient.NotebookClient(book, timeout=120).execute()
nbformat.write(book, sys.argv[2])
"""


def test_notebooks_are_those_of_their_scripts() -> None:
    command = [sys.executable, str(ROOT / "scripts" / "build_notebooks.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own script
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_hold_no_output(path: Path) -> None:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert code
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    assert len({cell["id"] for cell in cells}) == len(cells)


def test_andorra_as_a_script(
    shared: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SDAASP_ROADS_EXTRACT", str(shared(EXTRACT)))
    pytest.importorskip("osmium", reason="reading an extract needs osmium (extra: roads)")
    mpl.use("Agg")
    try:
        names = runpy.run_path(str(ROOT / "notebooks" / "andorra_roads.py"))
    finally:
        plt.close("all")
    assert names["comparison"]["whole grid"]["pairs"] > 1000
    assert 0.5 < names["comparison"]["whole grid"]["median of road / line"] < 3
    assert (names["summary"].to_numpy() < 60).all()
    assert "min" in capsys.readouterr().out


def test_andorra_without_extract_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SDAASP_ROADS_EXTRACT", str(tmp_path / "nothing.osm.pbf"))
    with pytest.raises(SystemExit, match="SDAASP_ROADS_EXTRACT"):
        runpy.run_path(str(ROOT / "notebooks" / "andorra_roads.py"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_run(shared: Callable[[str], Path], tmp_path: Path, path: Path) -> None:
    extract = shared(EXTRACT).resolve()
    for part in ("nbclient", "ipykernel", "osmium"):
        if importlib.util.find_spec(part) is None:
            pytest.skip(f"running a notebook in its kernel needs {part}, which is not installed")
    out = tmp_path / path.name
    command = [sys.executable, "-c", RUN, str(path), str(out)]
    environment = os.environ | {"SDAASP_ROADS_EXTRACT": str(extract), "IPYTHONDIR": str(tmp_path / "ipython")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - as above
    assert done.returncode == 0, done.stderr[-2000:]
    cells = json.loads(out.read_text(encoding="utf-8"))["cells"]
    images = [output for cell in cells for output in cell.get("outputs", []) if "image/png" in output.get("data", {})]
    assert len(images) == 2
