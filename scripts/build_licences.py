"""Write ``docs/licences.md``: the licence of each part that the package needs to run; ``--check`` compares instead.

Licences are those that the installed parts declare (pip-licenses). One that is not accepted below is an error: it is
for people to read it and to add it here.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "licences.md"

ACCEPTED = (
    "0BSD", "Apache", "Artistic", "BSD", "CC0", "HPND", "ISC", "MIT", "MPL", "Mozilla", "PSF", "Python Software",
    "Unlicense", "Zlib",
)  # fmt: skip
"""Beginnings of the names of licences that allow any use; of a choice (`OR`, `;`), one is enough."""

LIBRARIES = {
    "docxtpl": "LGPL-2.1-only: imported as it is published, not copied nor changed; it may be replaced",
}
"""Parts under a licence that asks for something of those who distribute a changed part, and why that is met."""

HEAD = """# Licences

The code of `sdaasp_geo` is under the MIT licence. The data that it ships are under the Licence Ouverte 2.0 of their
producers, or are tables of facts: the licence of each file is in `data/datapackage.json` and in `REUSE.toml`, the
texts in `LICENSES/`. Leaflet, inlined in the maps, is under BSD-2-Clause. `scripts/release` checks all this and writes
the list of the parts (CycloneDX) beside the wheel.

Parts that the package needs to run, with the licence that each one declares (written by `scripts/build_licences.py`):

| part | licence | remark |
|---|---|---|
"""


def main() -> None:
    """Write the page, or compare it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    found = rows()
    refused = [f"{row['name']}: {row['licence']}" for row in found if not accepted(row)]
    if refused:
        message = f"licences to read, then to accept in {Path(__file__).name}: {'; '.join(refused)}"
        raise SystemExit(message)
    lines = [f"| {row['name']} | {row['licence']} | {LIBRARIES.get(row['name'], '')} |\n" for row in found]
    page = HEAD + "".join(line.replace("|  |", "| |") for line in lines)
    if not check:
        TARGET.write_text(page, encoding="utf-8")
    elif not TARGET.is_file() or TARGET.read_text(encoding="utf-8") != page:
        message = "docs/licences.md is not up to date: run scripts/build_licences.py"
        raise SystemExit(message)
    print(f"docs/licences.md: {len(found)} parts, every licence accepted")


def rows() -> list[dict[str, str]]:
    """Return the locked parts that are installed here, by name, each with the licence that it declares."""
    locked = re.findall(r"(?m)^([A-Za-z0-9_.-]+)==", (ROOT / "requirements.txt").read_text(encoding="utf-8"))
    command = [sys.executable, "-m", "piplicenses", "--from=mixed", "--format=json", "--packages", *locked]
    made = subprocess.run(command, capture_output=True, text=True, check=True)
    found = [{"name": plain(row["Name"]), "licence": row["License"]} for row in json.loads(made.stdout)]
    absent = {plain(name) for name in locked} - {row["name"] for row in found}
    if absent:
        message = f"not installed here, so that their licence is not known: {', '.join(sorted(absent))}"
        raise SystemExit(message)
    return sorted(found, key=lambda row: row["name"])


def accepted(row: dict[str, str]) -> bool:
    """Say whether a part may be shipped with: every licence of a sum, one of a choice."""
    if row["name"] in LIBRARIES:
        return True
    choices = re.split(r"\bOR\b|;", row["licence"])
    return any(all(part.strip(" ()").startswith(ACCEPTED) for part in re.split(r"\bAND\b", one)) for one in choices)


def plain(name: str) -> str:
    """Return the name of a part as indexes compare them."""
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    main()
