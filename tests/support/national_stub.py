"""Stub of the work on one département, importable by the processes that workers start: it builds nothing."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from sdaasp_geo.pipeline.national_task import BUILT, Outcome, Task

DOOMED, SLOW = "doomed", "slow"
POLL_S = 0.02


def stub_work(task: Task) -> Outcome:
    """Leave a mark of who works in ``task.out``, then do what ``task.scheme`` says.

    ``doomed``: die at every attempt. ``slow``: wait for the file ``task.out/go``, so that a test can kill in between.
    """
    out = Path(task.out)
    out.mkdir(parents=True, exist_ok=True)
    (out / f"{task.code}.{os.getpid()}").touch()
    if task.scheme == DOOMED:
        os.kill(os.getpid(), signal.SIGKILL)
    while task.scheme == SLOW and not (out / "go").exists():
        time.sleep(POLL_S)
    return Outcome(task.code, BUILT)


def marks(out: Path, code: str) -> list[int]:
    """Return the processes that began the task of a département."""
    return sorted(int(path.suffix[1:]) for path in out.glob(f"{code}.*"))
