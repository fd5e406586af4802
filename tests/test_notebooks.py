"""The notebooks: stored without outputs, as their scripts say, and they run where the data is at hand."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import os
import re
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pytest
from matplotlib import pyplot as plt

from sdaasp_geo.sources import grid_rows

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
EXTRACT = "roads/andorra_worldkg.osm.pbf"
BORDER, ANDORRA = "border_65_64", "andorra_roads"
IMAGES = {ANDORRA: 2, BORDER: 1}
BUDGET_S = 60
TOLD = {  # what the pages must show once they ran: official facts, and what the text promises
    "first_departement": ("<svg", "Adour Madiran", "Arbéost et Ferrières", "Lozère", "services.csv"),
    "perimeters_to_deficits": ("<svg", "Céreste", "eloigne", "à vérifier", "France services à 30 minutes"),
    "next_bus_stop": ("<svg", "Choix optimal", "3 heures par semaine", "un arrêt du bus dans le seuil"),
    "own_source": ("<svg", grid_rows.NO_CODE, "04070", grid_rows.SWAPPED, "1 défaut"),
}
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


@pytest.fixture(scope="module")
def border() -> tuple[dict[str, Any], str]:
    """Run the story of the border as a script: its names, and what it prints."""
    mpl.use("Agg")
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            names = runpy.run_path(str(ROOT / "notebooks" / f"{BORDER}.py"))
    finally:
        plt.close("all")
    return names, printed.getvalue()


def test_border_recomputes_what_it_says(border: tuple[dict[str, Any], str]) -> None:
    names, printed = border
    assert set(names["recomputed"]) == set(names["cited"])
    assert len(names["cited"]) >= 60
    assert {"frontiere_paires", "penalite", "negociation", "sensibilite"} <= {table for table, _ in names["shown"]}
    assert not names["same"](names["cited"]["65>64 gain"], names["cited"]["65>64 gain"] + 1e-6)
    assert not names["same"](["Arbéost"], ["Arbéost", "Ferrières"])
    assert "://" not in printed


def test_border_tells_the_facts(border: tuple[dict[str, Any], str]) -> None:
    """Official lists: members of Adour Madiran, the two communes of Pays de Nay, and the commune that was renamed."""
    cited = border[0]["cited"]
    assert (cited["AM communes"], cited["AM communes 64"]) == (72, 11)
    assert cited["Nay communes 65"] == ["Arbéost", "Ferrières"]
    assert (cited["ancien nom"], cited["nouveau nom"]) == ("Labatut", "Labatut-Figuières")
    assert cited["sans le col"] == ["Nay"]
    assert cited["sans col 65>64"] == cited["65>64 habitants"] + cited["Nay habitants 65"]
    assert "ne voient pas les cols" in (ROOT / "notebooks" / f"{BORDER}.py").read_text(encoding="utf-8")


def test_border_types_no_figure() -> None:
    """The text that is not computed names the two départements and no other figure."""
    cells = json.loads((ROOT / "notebooks" / f"{BORDER}.ipynb").read_text(encoding="utf-8"))["cells"]
    written = "".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    assert set(re.findall(r"\d+", written)) == {"64", "65"}
    assert len(cells) <= 25


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_run(
    shared: Callable[[str], Path], request: pytest.FixtureRequest, tmp_path: Path, path: Path
) -> None:
    for part in ("nbclient", "ipykernel", *(["osmium"] if path.stem == ANDORRA else [])):
        if importlib.util.find_spec(part) is None:
            pytest.skip(f"running a notebook in its kernel needs {part}, which is not installed")
    environment = os.environ | {"IPYTHONDIR": str(tmp_path / "ipython")}
    if path.stem == ANDORRA:
        environment["SDAASP_ROADS_EXTRACT"] = str(shared(EXTRACT).resolve())
    out = tmp_path / path.name
    command = [sys.executable, "-c", RUN, str(path), str(out)]
    done = subprocess.run(  # noqa: S603 - as above
        command, env=environment, capture_output=True, text=True, check=False, timeout=BUDGET_S
    )
    assert done.returncode == 0, done.stderr[-2000:]
    cells = json.loads(out.read_text(encoding="utf-8"))["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    assert sum("image/png" in output.get("data", {}) for output in outputs) == IMAGES.get(path.stem, 0)
    shown = "".join("".join(output.get("data", {}).get("text/html", "")) for output in outputs)
    assert not re.search(r"(src|href|url)\s*[=(]|<script", shown), "what a notebook shows loads nothing"
    assert ("<progress" in shown) == (path.stem != ANDORRA)
    printed = "".join("".join(output.get("text", "")) for output in outputs).replace("\u00a0", " ")
    plain = "".join("".join(output.get("data", {}).get("text/plain", "")) for output in outputs)
    assert not [told for told in TOLD.get(path.stem, ()) if told not in printed + shown + plain]
    if path.stem == BORDER:  # another process, another day: the same text
        _, printed = request.getfixturevalue("border")
        assert "".join("".join(output.get("text", "")) for output in outputs) == printed
