"""Every algorithm of the plugin through ``qgis_process`` on a département: the files are those of the command line.

``python tests/campaigns/qgis_runs.py [--scheme hautes-pyrenees] [--only acces,…] [--python INTERPRETER]``: for each
algorithm the command line writes a folder, QGIS another one, and every file must have the same bytes; tables of the
four themes are those of ``sdaasp build`` too. Then the round trip of edits: layers exported by QGIS, a point moved in
an edit session, the change file, and a run that takes it. About ten minutes on two free cores. It prints a line for
each algorithm and ends with an error when one differs. Needs QGIS.
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from qgis_host import PROGRAM, ROOT, Qgis

DESKTOP = ROOT / "tests" / "qgis" / "desktop.py"
THEMES = ("perimetres", "acces", "deficits", "frontiere")
MOVED_M = 500.0
DAY = "2026-01-15"


class Case(NamedTuple):
    """An algorithm: what QGIS is given, and the words of the command line (the output apart)."""

    code: str
    given: dict[str, object]
    words: tuple[str, ...]


def cases(scheme: str, grid: Path) -> list[Case]:
    """Return the algorithms that write a folder."""
    themes = [Case(code, {"SCHEMA": scheme}, ("theme", scheme, f"--theme={code}")) for code in THEMES]
    service = "--service=france-services"
    return [
        *themes,
        Case("implantation", {"SCHEMA": scheme, "NOMBRE": 2}, ("sites", scheme, service, "--count=2")),
        Case("annexe", {"SCHEMA": scheme, "EPCI": "200069300"}, ("annex", scheme, "--epci=200069300")),
        Case("controle_grille", {"GRILLE": grid, "EDITION": DAY}, ("grid", "check", str(grid), f"--edition={DAY}")),
        Case("carte", {"SCHEMA": scheme}, ("build", scheme)),
    ]


def files_of(folder: Path) -> dict[str, bytes]:
    """Return the files of a folder, by their relative path."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def differing(ours: Path, theirs: Path) -> list[str]:
    """Return the files that are not the same."""
    a, b = files_of(ours), files_of(theirs)
    return sorted(name for name in a.keys() | b.keys() if a.get(name) != b.get(name))


@contextmanager
def timed(label: str) -> Iterator[list[str]]:
    """Print how long a check took and what it says."""
    begun, told = time.monotonic(), list[str]()
    yield told
    print(f"{label:20} {time.monotonic() - begun:6.1f} s  {' ; '.join(told)}", flush=True)


def round_trip(host: Qgis, scheme: str, folder: Path) -> str:
    """Export, move a point as a user does, compare, and run with the change; return what went wrong."""
    exported = folder / "corrections.gpkg"
    host.run("corrections_export", SCHEMA=scheme, FICHIER=exported)
    listed = host.script(DESKTOP, "first", str(exported))
    key, x, y = json.loads(listed.stdout.splitlines()[-1])
    moved = host.script(DESKTOP, "move", str(exported), key, str(x + MOVED_M), str(y))
    if not json.loads(moved.stdout.splitlines()[-1])["saved"]:
        return f"the edit was not saved: {moved.stdout}"
    given = {"SCHEMA": scheme, "COUCHES": exported, "DATE": DAY, "MOTIF": "relevé", "FICHIER": folder / "c.csv"}
    if host.run("corrections_diff", **given)["CHANGEMENTS"] != 1:
        return "one point was moved, one change was expected"
    with (folder / "c.csv").open(encoding="utf-8-sig", newline="") as file:
        (row,) = csv.DictReader(file)
    if (row["identifiant"], row["champ"], row["date"]) != (key, "position_lon_lat_deg", DAY):
        return f"unexpected change: {row}"
    host.run("acces", SCHEMA=scheme, CORRECTIONS=folder / "c.csv", DOSSIER=folder / "corrected")
    return "" if (folder / "corrected" / "tables" / "corrections.csv").is_file() else "no table of corrections"


def main(arguments: list[str]) -> int:
    """Run the campaign."""
    parser = argparse.ArgumentParser(description="Every algorithm of the plugin against the command line")
    parser.add_argument("--scheme", default="hautes-pyrenees")
    parser.add_argument("--only", default="", help="codes of algorithms, with commas; round-trip is one")
    parser.add_argument("--python", default=sys.executable, help="interpreter that has the package")
    asked = parser.parse_args(arguments)
    if shutil.which(PROGRAM) is None:
        print(f"QGIS is not installed ({PROGRAM} is not on the PATH)")
        return 1
    wanted = set(filter(None, asked.only.split(",")))
    wrong = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        grid = folder / "grille.csv"
        grid.write_text("id,nom,service,code_commune\na,Lieu,france-services,4001\n", encoding="utf-8")
        host = Qgis(folder / "qgis", python=asked.python)
        for case in cases(asked.scheme, grid):
            if not wanted or case.code in wanted:
                wrong += check(case, host, folder, lambda *words: command_line(asked.python, *words))
        if not wanted or "round-trip" in wanted:
            with timed("round-trip") as told:
                told.append(round_trip(host, asked.scheme, folder) or "one point moved, one change, taken by a run")
                wrong += "one change" not in told[0]
    return int(wrong > 0)


def command_line(python: str, *words: str) -> None:
    """Run the command line; a grid with faults ends with 1."""
    command = [python, "-I", "-X", "utf8", "-m", "sdaasp_geo", *words, "--quiet"]
    subprocess.run(command, check=False, capture_output=True)  # noqa: S603 - the interpreter of the campaign


def check(case: Case, host: Qgis, folder: Path, command: Callable[..., None]) -> bool:
    """Run an algorithm both ways and say whether anything differs."""
    ours, theirs = folder / "qgis-runs" / case.code, folder / "runs" / case.code
    for path in (ours, theirs):
        path.parent.mkdir(exist_ok=True)
    with timed(case.code) as told:
        host.run(case.code, **case.given, DOSSIER=ours)
        command(*case.words, f"--out={theirs}")
        found = differing(ours, theirs)
        told.extend(found or [f"{len(files_of(ours))} files, same bytes"])
        if case.code == "carte":
            found = [*found, *against_themes(ours, folder, told)]
    return bool(found)


def against_themes(build: Path, folder: Path, told: list[str]) -> list[str]:
    """Compare the tables of the themes, from QGIS, with those of the whole run."""
    wrong, same = [], 0
    for theme in THEMES:
        for path in sorted((folder / "qgis-runs" / theme / "tables").glob("*.csv")):
            if path.read_bytes() == (build / "tables" / path.name).read_bytes():
                same += 1
            else:
                wrong.append(f"{theme}/{path.name}")
    told += [*wrong, f"{same} tables of the themes, same bytes"]
    return wrong


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
