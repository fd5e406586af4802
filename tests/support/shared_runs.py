"""Runs of the embedded schemes that several tests read: built once by the command line, whatever the workers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

PROGRAM = "import sys; from sdaasp_geo.cli import main; main()"


@dataclass(frozen=True)
class SharedRun:
    """A run, to be read only: its folder, and what the command line printed while it was made."""

    folder: Path
    stdout: str
    stderr: str


def command_line(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command line as a user does, in a fresh interpreter where warnings are errors."""
    return subprocess.run(  # noqa: S603 - the interpreter of the tests, fixed words
        [sys.executable, "-W", "error", "-c", PROGRAM, *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        cwd=cwd,
        env={**os.environ, "PYTHONIOENCODING": "utf-8", "COLUMNS": "100"},
    )


def shared_run(scheme: str, base: Path) -> SharedRun:
    """Return the run of an embedded scheme, built by the first that asks; the others wait for it."""
    folder, said = base / "shared-runs" / scheme, base / "shared-runs" / f"{scheme}.json"
    folder.parent.mkdir(exist_ok=True)
    with FileLock(base / "shared-runs" / f"{scheme}.lock"):
        if not said.exists():
            done = command_line("build", scheme, "--out", str(folder))
            assert done.returncode == 0, done.stderr
            said.write_text(json.dumps([done.stdout, done.stderr]), encoding="utf-8")
    return SharedRun(folder, *json.loads(said.read_text(encoding="utf-8")))
