"""Build the wheel and the sdist twice, from copies of the committed files, and refuse them unless the bytes are equal.

The second copy lies elsewhere, its files have other dates and other rights: nothing of the place or of the moment may
show. The date inside the archives is that of the last commit (``SOURCE_DATE_EPOCH``).
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OTHER_DATE = 1_000_000_000


def main() -> None:
    """Build twice, compare, and copy to the folder given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args().out
    with tempfile.TemporaryDirectory() as place:
        first, second = Path(place) / "one", Path(place) / "a-longer-name" / "two"
        made, again = distributions(first, dated=False), distributions(second, dated=True)
        if hashes(made) != hashes(again):
            message = f"two builds differ: {hashes(made)} and {hashes(again)}"
            raise SystemExit(message)
        shutil.rmtree(out, ignore_errors=True)
        shutil.copytree(made, out)
    lines = [f"{digest}  {name}" for name, digest in hashes(out).items()]
    (out / "SHA256SUMS").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join([*lines, "built twice, the same bytes"]))


def distributions(copy: Path, *, dated: bool) -> Path:
    """Copy the committed files, build there, and return the folder of what was built."""
    copy.mkdir(parents=True)
    archive = copy.parent / f"{copy.name}.tar"
    _run(["git", "archive", "--output", str(archive), "HEAD"], ROOT)
    with tarfile.open(archive) as files:
        files.extractall(copy, filter="data")
    if dated:
        for path in copy.rglob("*"):
            os.utime(path, (OTHER_DATE, OTHER_DATE))
            path.chmod(0o700 if path.stat().st_mode & 0o100 else 0o600)
    for kind in ("sdist", "wheel"):
        _run([sys.executable, "-m", "hatchling", "build", "--target", kind, "--directory", "built"], copy)
    return copy / "built"


def hashes(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of the files of a folder, by name."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def _run(command: list[str], folder: Path) -> None:
    words = ["git", "log", "-1", "--format=%ct"]
    date = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    environment = {**os.environ, "SOURCE_DATE_EPOCH": date}
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)


if __name__ == "__main__":
    main()
