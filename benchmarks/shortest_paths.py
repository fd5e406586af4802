"""Shortest paths: the sweep and the bucket queue against scipy, on synthetic roads; ratios from one process.

Run with ``python benchmarks/shortest_paths.py [NODES …]`` (200000 and 1000000 by default; 4000000 needs about 8 GB).
Prints one Markdown table. Every answer is compared with scipy's, to the millisecond, before it is timed. How time
is measured: ``clocks.py``.
"""

from __future__ import annotations

import multiprocessing
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from clocks import ROUNDS, least, once, peak_mb
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra
from synthetic_roads import synthetic_roads

from sdaasp_geo.travel import hierarchy
from sdaasp_geo.travel.paths import UNREACHED_MS, Arcs, Int32, Seeds, transpose
from sdaasp_geo.travel.paths_numba import nearest_queue
from sdaasp_geo.travel.sweep_numba import few_sweep, matrix_sweep, nearest_sweep, restrict, times_sweep

SIZES = (200_000, 1_000_000)
SERVICES = 30
PLACES = 60
SIDE = 1000
SCIPY_ROWS = 20
SLOTS = 168
MAIRIES = 35_000
PRINT = "00" * 32


def seconds(task: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Return the least time of a few runs."""
    return least(task, rounds)[0]


def prepare(arcs_file: str, hierarchy_file: str) -> tuple[float, float]:
    """Contract a network in a process of its own; return seconds, and the peak of its memory in megabytes."""
    with np.load(arcs_file) as saved:
        arcs = Arcs(saved["first_out"], saved["head"], saved["weight_ms"])
    taken, made = once(lambda: hierarchy.build(arcs))
    hierarchy.save(made, Path(hierarchy_file), fingerprint=PRINT)
    return taken, peak_mb()


def line(nodes: int, question: str, engine: str, taken: float, reference: float | None = None) -> None:
    """Print one row of the table; the ratio is how many times faster than scipy."""
    ratio = "" if reference is None else f"{reference / taken:.0f} ×"
    print(f"| {nodes:,} | {question} | {engine} | {taken:.3f} | {ratio} |", flush=True)


def measure(nodes: int, folder: Path) -> None:
    """Measure one size."""
    arcs = synthetic_roads(nodes).arcs
    np.savez(folder / "arcs.npz", **vars(arcs))
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        taken, peak = pool.submit(prepare, str(folder / "arcs.npz"), str(folder / "hierarchy.npy")).result()
    line(nodes, f"preparing once (peak {peak:,.0f} MB)", "ch-router, 1 thread", taken)
    made = hierarchy.load(folder / "hierarchy.npy", fingerprint=PRINT)
    line(nodes, "loading it", "memory map", seconds(lambda: load(folder)))
    to_every_node(arcs, made)
    to_mairies(arcs.nodes, made)
    matrix(arcs, made)


def load(folder: Path) -> hierarchy.Hierarchy:
    """Load without reading everything."""
    return hierarchy.load(folder / "hierarchy.npy", fingerprint=PRINT, verify=False)


def services(nodes: int) -> Seeds:
    """Put the places of every service at random nodes."""
    rng = np.random.default_rng(7)
    lane, place = np.divmod(np.arange(SERVICES * PLACES), PLACES)
    node = rng.integers(0, nodes, SERVICES * PLACES)
    return Seeds(*(column.astype(np.int32) for column in (node, np.zeros(len(node)), lane, place)))


def scipy_graph(arcs: Arcs) -> csr_array:
    """Give scipy arcs in its own terms (the synthetic ones have neither zeros nor doubles)."""
    return csr_array((arcs.weight_ms.astype(np.float64), arcs.head, arcs.first_out), shape=(arcs.nodes, arcs.nodes))


def whole(times: np.ndarray) -> Int32:
    """Turn scipy's times into milliseconds."""
    return np.where(np.isfinite(times), times, UNREACHED_MS).astype(np.int32)


def to_every_node(arcs: Arcs, made: hierarchy.Hierarchy) -> None:
    """Compare engines on services to every node."""
    seeds, backward, question = services(arcs.nodes), transpose(arcs), f"{SERVICES} services → every node"
    graph = scipy_graph(backward)
    found = nearest_sweep(made, seeds, lanes=SERVICES)
    taken = 0.0
    for lane in range(SERVICES):
        own = seeds.node[seeds.lane == lane]
        one, times = once(lambda own=own: dijkstra(graph, indices=own, min_only=True))
        taken += one
        if not np.array_equal(whole(times), found.time_ms[:, lane]):
            sys.exit("the sweep differs from scipy")
    line(arcs.nodes, question, "scipy, times", taken, taken)

    def sweeps(engine: Callable[..., object], threads: int) -> float:
        return seconds(lambda: engine(made, seeds, lanes=SERVICES, threads=threads))

    for threads in (1, 2):
        line(arcs.nodes, question, f"sweep, times, {threads} thread(s)", sweeps(times_sweep, threads), taken)
        line(
            arcs.nodes, question, f"sweep, times and places, {threads} thread(s)", sweeps(nearest_sweep, threads), taken
        )
    three = seconds(lambda: few_sweep(made, seeds, lanes=SERVICES, k=3), 2)
    line(arcs.nodes, question, "sweep, 3 nearest places, 1 thread", three, taken)
    for threads in (1, 2):
        again = seconds(lambda t=threads: nearest_queue(arcs, seeds, lanes=SERVICES, backward=backward, threads=t), 2)
        line(arcs.nodes, question, f"bucket queue, times and places, {threads} thread(s)", again, taken)


def to_mairies(nodes: int, made: hierarchy.Hierarchy) -> None:
    """Time the week of opening hours: every slot is another set of open places."""
    seeds, origins = services(nodes), np.random.default_rng(8).choice(nodes, MAIRIES, replace=False).astype(np.int32)
    small = restrict(made, origins=origins, seeds=seeds.node)
    rng = np.random.default_rng(9)
    open_now = [rng.random(len(seeds)) < 0.5 for _ in range(SLOTS)]  # noqa: PLR2004 - half of the places are open

    def week() -> None:
        for slot in open_now:
            nearest_sweep(small, seeds.where(slot), lanes=SERVICES, nodes=origins)

    question = f"{SERVICES} services → {MAIRIES:,} origins"
    line(
        nodes,
        question,
        "sweep, restricting included",
        seconds(lambda: nearest_sweep(made, seeds, lanes=SERVICES, nodes=origins)),
    )
    line(nodes, f"{question}, {SLOTS} slots", "sweep, restricted once", seconds(week, 1))

    def everywhere() -> None:
        for slot in open_now:
            times_sweep(made, seeds.where(slot), lanes=SERVICES)

    line(nodes, f"{SERVICES} services → every node, {SLOTS} slots", "sweep, times", seconds(everywhere, 1))


def matrix(arcs: Arcs, made: hierarchy.Hierarchy) -> None:
    """Compare engines on a matrix; scipy does some rows, and the rest is extrapolated."""
    roads_side = np.random.default_rng(10).choice(arcs.nodes, 2 * SIDE, replace=False).astype(np.int32)
    origins, targets = roads_side[:SIDE], roads_side[SIDE:]
    graph, question = scipy_graph(arcs), f"{SIDE:,} × {SIDE:,} matrix"
    taken, some = once(lambda: dijkstra(graph, indices=origins[:SCIPY_ROWS]))
    taken *= SIDE / SCIPY_ROWS
    if not np.array_equal(whole(some[:, targets]), matrix_sweep(made, origins, targets)[:SCIPY_ROWS]):
        sys.exit("the matrix differs from scipy")
    line(arcs.nodes, question, f"scipy (from {SCIPY_ROWS} rows)", taken, taken)
    for threads in (1, 2):
        again = seconds(lambda t=threads: matrix_sweep(made, origins, targets, threads=t))
        line(arcs.nodes, question, f"sweep, {threads} thread(s)", again, taken)


def main() -> None:
    """Measure every size asked for."""
    print("| nodes | question | engine | seconds | × scipy |\n|---:|---|---|---:|---:|")
    for nodes in [int(word) for word in sys.argv[1:]] or SIZES:
        with tempfile.TemporaryDirectory() as folder:
            measure(nodes, Path(folder))


if __name__ == "__main__":
    main()
