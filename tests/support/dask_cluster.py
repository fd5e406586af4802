"""A real Dask scheduler and its workers, as processes of their own, on the loopback only."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

POLL_S = 0.05
PATIENCE_S = 120.0
PROGRAM = "import sys; from dask.__main__ import main; main()"


@dataclass(frozen=True)
class Cluster:
    """Address of the scheduler, and the processes of the workers."""

    address: str
    workers: Sequence[subprocess.Popen[bytes]]


@contextmanager
def cluster(folder: Path, *, workers: int, path: Sequence[Path] = ()) -> Iterator[Cluster]:
    """Start a scheduler and workers of one thread without nanny (a killed worker stays dead); end them all.

    ``path`` is what workers can import besides what is installed. Logs are in ``folder``.
    """
    said = folder / "scheduler.json"
    found = [*map(str, path), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(found), "OMP_NUM_THREADS": "1"}

    def start(name: str, *words: str) -> subprocess.Popen[bytes]:
        with (folder / f"{name}.log").open("wb") as log:
            return subprocess.Popen(  # noqa: S603 - the interpreter of the tests, fixed words
                [sys.executable, "-c", PROGRAM, *words], stdout=log, stderr=log, env=environment, cwd=folder
            )

    local = ("--no-dashboard", "--host", "127.0.0.1")
    started = [start("scheduler", "scheduler", *local, "--port", "0", "--scheduler-file", str(said))]
    try:
        address = _address(said)
        words = ("worker", address, *local, "--nthreads", "1", "--no-nanny", "--local-directory", str(folder))
        started += [start(f"worker-{number}", *words) for number in range(workers)]
        yield Cluster(address, started[1:])
    finally:
        for process in reversed(started):
            process.kill()
            process.wait()


def _address(said: Path) -> str:
    """Wait for the scheduler to say where it is."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        with suppress(OSError, ValueError, KeyError):
            return str(json.loads(said.read_text())["address"])
        time.sleep(POLL_S)
    message = "the Dask scheduler did not start"
    raise TimeoutError(message)
