"""Every file has one licence, and the two lists that say it agree."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
REUSE = tomllib.loads((ROOT / "REUSE.toml").read_text(encoding="utf-8"))
RESOURCES = json.loads((ROOT / "data" / "datapackage.json").read_text(encoding="utf-8"))["resources"]
SAME = {"etalab-2.0": "etalab-2.0", "MIT": "MIT", "facts": "LicenseRef-facts", "cited-facts": "LicenseRef-facts"}


def licence_of(path: str) -> str:
    """Return the licence of a file by the last annotation that names it, as the specification of REUSE says."""
    found = ""
    for annotation in REUSE["annotations"]:
        patterns = annotation["path"] if isinstance(annotation["path"], list) else [annotation["path"]]
        for pattern in patterns:
            parts = (".*" if part == "**" else re.escape(part).replace(r"\*", "[^/]*") for part in pattern.split("/"))
            if re.fullmatch("/".join(parts), path):
                found = annotation["SPDX-License-Identifier"]
    return found


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource["path"])
def test_data_have_the_licence_that_their_package_says(resource: dict[str, object]) -> None:
    (licence,) = (one["name"] for one in resource["licenses"])
    assert licence_of(f"data/{resource['path']}") == SAME[licence]


def test_every_licence_used_has_its_text_and_no_text_is_unused() -> None:
    used = {part for one in REUSE["annotations"] for part in one["SPDX-License-Identifier"].split(" AND ")}
    assert used == {path.stem for path in (ROOT / "LICENSES").iterdir()}


def test_code_is_under_the_licence_of_the_project() -> None:
    assert licence_of("sdaasp_geo/pipeline/production.py") == "MIT"
    assert licence_of("sdaasp_geo/outputs/vendor/leaflet.js") == "BSD-2-Clause"


@pytest.mark.parametrize("lock", sorted(path.name for path in ROOT.glob("requirements*.txt")))
def test_locked_parts_have_hashes_and_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    parts = re.findall(r"(?m)^[a-z0-9].*?(?=^[a-z0-9]|\Z)", text, flags=re.DOTALL | re.MULTILINE)
    assert len(parts) > 20
    assert [part.split("==")[0] for part in parts if "--hash=sha256:" not in part] == []
    assert "://" not in text
    assert "index-url" not in text
