"""Timing on a machine that others use too: the lesser of elapsed time and processor time, least of several runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

Found = TypeVar("Found")

ROUNDS = 5
LONG_S = 5.0


def once(task: Callable[[], Found]) -> tuple[float, Found]:
    """Run a task; return seconds and its answer. With one thread, time lost to other programs does not count."""
    start = time.perf_counter(), time.process_time()
    found = task()
    return min(time.perf_counter() - start[0], time.process_time() - start[1]), found


def least(task: Callable[[], Found], rounds: int = ROUNDS) -> tuple[float, Found]:
    """Return the least time of a few runs (of one, when it is long), and the last answer."""
    taken, found = once(task)
    times = [taken]
    while len(times) < rounds and max(times) < LONG_S:
        del found  # two answers at once would double the memory
        taken, found = once(task)
        times.append(taken)
    return min(times), found


def peak_mb() -> float:
    """Return the peak of the memory of this process in megabytes (Linux; ``getrusage`` would count its parent's)."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) * 1.024e-3
