"""Write ``data/datapackage.json``: every embedded file with its producer, licence, vintage, fields, size and hash.

``--check`` compares instead of writing, and has frictionless validate the package, tables included.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import tomllib
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "data"
TARGET = DATA / "datapackage.json"
EDITION = "2026-11-22"
"""Date of this edition of the data."""

LISTED: dict[str, Any] = tomllib.loads(Path(__file__).with_name("datapackage.toml").read_text(encoding="utf-8"))

_TYPES = {
    "string": "string",
    "large_string": "string",
    "int16": "integer",
    "int32": "integer",
    "int64": "integer",
    "double": "number",
}


def main() -> None:
    """Write the descriptor, or check it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare and validate; write nothing")
    check = parser.parse_args().check
    descriptor = json.dumps(describe(), ensure_ascii=False, indent=1) + "\n"
    if not check:
        TARGET.write_text(descriptor, encoding="utf-8")
    elif not TARGET.is_file() or TARGET.read_text(encoding="utf-8") != descriptor:
        message = "data/datapackage.json does not describe data/: run scripts/build_datapackage.py"
        raise SystemExit(message)
    validate()
    size = sum(path.stat().st_size for path in _files())
    print(f"data/datapackage.json: {len(LISTED['resource'])} resources, {size} bytes, valid")


def describe() -> dict[str, Any]:
    """Describe the package."""
    listed = {entry["path"] for entry in LISTED["resource"]}
    present = {path.relative_to(DATA).as_posix() for path in _files()}
    if listed != present:
        message = (
            f"not listed in datapackage.toml: {sorted(present - listed)}; listed and absent: {sorted(listed - present)}"
        )
        raise SystemExit(message)
    return {
        "name": "sdaasp-geo-data",
        "title": "Data embedded in sdaasp_geo",
        "created": f"{EDITION}T00:00:00Z",
        "licenses": [LISTED["licences"]["etalab-2.0"]],
        "resources": [_resource(**entry) for entry in LISTED["resource"]],
    }


def _files() -> list[Path]:
    kept = {".parquet", ".csv", ".json", ".toml"}
    return sorted(path for path in DATA.rglob("*") if path.suffix in kept and path != TARGET)


def _resource(*, path: str, title: str, vintage: str, sources: list[str], licence: str) -> dict[str, Any]:
    content = (DATA / path).read_bytes()
    form = Path(path).suffix.removeprefix(".")
    resource: dict[str, Any] = {
        "name": path.rsplit(".", 1)[0].replace("/", "-").replace("_", "-").replace(".", "-"),
        "type": "table" if form == "csv" else "file",
        "title": title,
        "path": path,
        "format": form,
        "encoding": "utf-8",
        "vintage": vintage,
        "sources": [{"title": source} for source in sources],
        "licenses": [LISTED["licences"][licence]],
        "bytes": len(content),
        "hash": f"sha256:{hashlib.sha256(content).hexdigest()}",
    }
    if form == "csv":
        resource["schema"] = _schema(path) or {"fields": _csv_fields(content)}
    elif form == "parquet":
        resource["columns"] = _parquet_fields(path)
    return resource


def _schema(path: str) -> str | None:
    """Return the Table Schema of a CSV, where one is published."""
    if path.startswith("services/"):
        return "services/grille-commune.schema.json"
    name = Path(path).stem
    return f"schemes/{name}.schema.json" if name in {"actions", "governance"} else None


def _csv_fields(content: bytes) -> list[dict[str, str]]:
    header = content.decode("utf-8").split("\n", 1)[0].split(",")
    integers = {"vintage", "vintage_from", "vintage_to"}
    numbers = {"lon_min", "lat_min", "lon_max", "lat_max"}
    kinds = {**dict.fromkeys(integers, "integer"), **dict.fromkeys(numbers, "number")}
    return [{"name": name, "type": kinds.get(name, "string")} for name in header]


def _parquet_fields(path: str) -> list[dict[str, str]]:
    schema: pa.Schema = pq.read_schema(DATA / path)
    return [{"name": field.name, "type": _TYPES.get(str(field.type), "geometry")} for field in schema]


def validate() -> None:
    """Have frictionless validate the descriptor, and the rows of every CSV."""
    import frictionless  # noqa: PLC0415 - a development tool

    report = frictionless.validate(str(TARGET))
    if not report.valid:
        raise SystemExit(str(report.flatten(["name", "rowNumber", "fieldName", "type", "note"])))


if __name__ == "__main__":
    main()
