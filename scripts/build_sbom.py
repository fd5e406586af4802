"""Write the list of the parts (CycloneDX) of a release: each locked dependency with its version, hashes and licence.

Read in `requirements.txt` (what the package needs to run). The addresses of the index that served a file are left out:
a part is known by its name, version and hashes.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import build_licences

ROOT = Path(__file__).resolve().parent.parent
VENDORED = (("leaflet", "1.9.4", "BSD-2-Clause", "npm"),)
"""What lies in `sdaasp_geo/outputs/vendor/`."""


def main() -> None:
    """Write the list."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(parts(), ensure_ascii=False, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    print(f"{out}: {len(parts()['components'])} parts")


def parts() -> dict[str, Any]:
    """Return the list, ordered by name; the same bytes twice."""
    command = [sys.executable, "-m", "cyclonedx_py", "requirements", "requirements.txt", "--output-reproducible"]
    made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    listed: dict[str, Any] = json.loads(made.stdout)
    licences = {row["name"]: row["licence"] for row in build_licences.rows()}
    for part in listed["components"]:
        part["bom-ref"] = part["purl"]
        del part["description"]
        part["hashes"] = [one for reference in part.pop("externalReferences") for one in reference["hashes"]]
        part["licenses"] = [{"license": {"name": licences[build_licences.plain(part["name"])]}}]
    listed["components"] += [_vendored(*row) for row in VENDORED]
    listed["dependencies"] = [{"ref": part["bom-ref"]} for part in listed["components"]]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    listed["metadata"]["component"] = {
        "type": "library",
        "bom-ref": f"pkg:pypi/{project['name']}@{project['version']}",
        "purl": f"pkg:pypi/{project['name']}@{project['version']}",
        "name": project["name"],
        "version": project["version"],
        "licenses": [{"expression": project["license"]}],
    }
    return listed


def _vendored(name: str, version: str, licence: str, kind: str) -> dict[str, Any]:
    purl = f"pkg:{kind}/{name}@{version}"
    licences = [{"license": {"id": licence}}]
    return {"type": "library", "bom-ref": purl, "purl": purl, "name": name, "version": version, "licenses": licences}


if __name__ == "__main__":
    main()
