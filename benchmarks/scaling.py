"""How the sweep grows: time and memory against nodes, services and cores, and how far it is from the memory's limit.

Run with ``python benchmarks/scaling.py [NODES …]`` (50000, 200000 and 1000000 by default; 4000000 needs 8 GB). Prints
Markdown. Every line is measured in a process of its own, that maps the prepared hierarchy; how time is
measured: ``clocks.py``.

The limit. A sweep to every node writes its table once, after the system has cleared its pages, and reads the arcs
once: these bytes, at the speed of a copy measured in the same run (bytes read and bytes written both count), are the
least that it can take. Reading the rows of higher neighbours costs as much again where they have left the cache; the
second limit counts all of them.
"""

from __future__ import annotations

import multiprocessing
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from clocks import least, peak_mb
from shortest_paths import PRINT, prepare
from synthetic_roads import synthetic_roads

from sdaasp_geo.travel import hierarchy
from sdaasp_geo.travel.paths import Seeds
from sdaasp_geo.travel.sweep_numba import nearest_sweep, times_sweep

SIZES = (50_000, 200_000, 1_000_000)
SERVICES = (1, 8, 32, 96)
PLACES = 60
ROUNDS = 7
COPIED = 2**28
SWEEPS = {"times": times_sweep, "times and places": nearest_sweep}


def copy_speed() -> float:
    """Measure bytes read and written per second by a plain copy of 256 MB, pages already there."""
    source = np.ones(COPIED, dtype=np.uint8)
    target = source.copy()
    return 2 * COPIED / least(lambda: np.copyto(target, source), ROUNDS)[0]


def clearing_speed() -> float:
    """Measure bytes per second of new pages: what a table that is returned costs before anything is computed."""
    return COPIED / least(lambda: np.empty(COPIED, dtype=np.uint8)[::4096].fill(0), ROUNDS)[0]


def ask(path: str, kind: str, services: int, threads: int) -> tuple[float, float]:
    """Time one sweep in this process; return seconds, and by how many MB its peak of memory grew."""
    made = hierarchy.load(Path(path), fingerprint=PRINT)
    rng = np.random.default_rng(7)
    lane, place = np.divmod(np.arange(services * PLACES), PLACES)
    node = rng.integers(0, made.nodes, len(lane))
    seeds = Seeds(*(column.astype(np.int32) for column in (node, np.zeros(len(node)), lane, place)))
    some = seeds.node[:1]
    SWEEPS[kind](made, seeds, lanes=services, nodes=some)
    before = peak_mb()
    taken = least(lambda: SWEEPS[kind](made, seeds, lanes=services, threads=threads), ROUNDS)[0]
    return taken, peak_mb() - before


def alone(task: Callable[..., object], *words: object) -> object:
    """Run a task in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(task, *words).result()


def together(path: str, kind: str, services: int) -> float:
    """Time the same sweep in two processes at once; return the longer."""
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        waiting = [pool.submit(ask, path, kind, services, 1) for _ in range(2)]
        return max(future.result()[0] for future in waiting)


def limits(made: hierarchy.Hierarchy, services: int, label: int) -> tuple[float, float]:
    """Count bytes that a sweep must move, without the rows of higher neighbours and with all of them."""
    width = -(-services // 8) * 8 * label
    blocks = -(-services // 32)
    arcs = (8 * len(made.leaving.head) + 13 * made.nodes) * blocks
    return 2.0 * made.nodes * width + arcs, 2.0 * made.nodes * width + arcs + len(made.leaving.head) * width


def row(*cells: object) -> None:
    """Print one row."""
    print("|", " | ".join(str(cell) for cell in cells), "|", flush=True)


def measure(nodes: int, folder: Path, speed: float) -> None:
    """Measure one size."""
    np.savez(folder / "arcs.npz", **vars(synthetic_roads(nodes).arcs))
    path = str(folder / "hierarchy.npy")
    taken, peak = alone(prepare, str(folder / "arcs.npz"), path)
    row(f"{nodes:,}", "preparation", "", "1 core", f"{taken:.2f}", f"{peak:,.0f}", "", "")
    made = hierarchy.load(Path(path), fingerprint=PRINT, verify=False)
    for kind, label in (("times", 4), ("times and places", 8)):
        for services in SERVICES:
            low, high = (moved / speed for moved in limits(made, services, label))
            for threads in (1, 2):
                taken, grown = alone(ask, path, kind, services, threads)
                far = f"{taken / low:.1f} × {low:.4f}", f"{taken / high:.1f} × {high:.4f}"
                row(f"{nodes:,}", kind, services, f"{threads} thread(s)", f"{taken:.4f}", f"{grown:,.0f}", *far)
        taken = together(path, kind, SERVICES[2])
        row(f"{nodes:,}", kind, SERVICES[2], "2 processes, each", f"{taken:.4f}", "", "", "")


def main() -> None:
    """Measure every size asked for."""
    speed = copy_speed()
    print(f"Copy: {speed / 1e9:.1f} GB/s read and written; new pages: {clearing_speed() / 1e9:.1f} GB/s.\n")
    row("nodes", "sweep", "services", "cores", "seconds", "memory (MB)", "× least bytes", "× all rows read from memory")
    row("---:", "---", "---:", "---", "---:", "---:", "---:", "---:")
    for nodes in [int(word) for word in sys.argv[1:]] or SIZES:
        with tempfile.TemporaryDirectory() as folder:
            measure(nodes, Path(folder), speed)


if __name__ == "__main__":
    main()
