"""Matrices of times: the sweep beside OSRM, Valhalla, RoutingKit, scipy and the bucket queue, on one graph in one run.

Run with ``python benchmarks/matrices.py [NODES | EXTRACT.osm.pbf …]`` (200000 synthetic nodes by default), under
Python 3.12 with ``osrm-bindings pyvalhalla pyroutingkit routingkit-cch`` installed. Prints Markdown. Times of
RoutingKit, scipy and the bucket queue must equal ours to the millisecond; those of OSRM and Valhalla, whose speeds and
turns differ, are compared by their ratio. How time is measured: ``clocks.py``.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import routers
from clocks import least, once
from routers import Network, Router
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, dijkstra
from synthetic_extract import real_network, synthetic_network

from sdaasp_geo.travel import hierarchy
from sdaasp_geo.travel.paths import Int32, transpose
from sdaasp_geo.travel.paths_numba import matrix_queue
from sdaasp_geo.travel.sweep_numba import matrix_sweep

SHAPES = ((1_000, 1_000), (10_000, 300))
SCIPY_ROWS = 20
VALHALLA_SIDE = 50
CONTRACTION_LIMIT_S = 600.0


def engines(network: Network, folder: Path) -> Iterator[Router]:
    """Prepare engines one after the other, ours first; those that fail say why."""
    prepared, made = once(lambda: hierarchy.build(network.arcs))
    yield Router("sweep", prepared, partial(matrix_sweep, made), routers.ours)
    yield Router("bucket queue", 0.0, partial(matrix_queue, network.arcs), routers.ours)
    makers: tuple[tuple[str, Callable[[], Router]], ...] = (
        ("pyroutingkit", partial(routers.pyroutingkit, network)),
        ("routingkit-cch", partial(routers.routingkit_cch, network)),
        ("OSRM MLD", partial(routers.osrm, network, folder, "MLD", limit_s=CONTRACTION_LIMIT_S)),
        ("OSRM CH", partial(routers.osrm, network, folder, "CH", limit_s=CONTRACTION_LIMIT_S)),
        ("Valhalla", partial(routers.valhalla, network, folder)),
    )
    for name, make in makers:
        try:
            yield make()
        except (ImportError, OSError, RuntimeError, subprocess.CalledProcessError) as error:
            yield Router(name, 0.0, why_not=f"{type(error).__name__}: {error}")


def questions(network: Network) -> list[tuple[Int32, Int32]]:
    """Draw the ends of every matrix among nodes that reach one another; a small network has fewer."""
    arcs, rng = network.arcs, np.random.default_rng(10)
    graph = csr_array((np.ones(len(arcs.head)), arcs.head, arcs.first_out), shape=(arcs.nodes, arcs.nodes))
    _, component = connected_components(graph, connection="strong")
    inside = np.flatnonzero(component == np.bincount(component).argmax()).astype(np.int32)
    return [tuple(rng.choice(inside, min(side, len(inside)), replace=False) for side in shape) for shape in SHAPES]


def scipy_row(network: Network, origins: Int32, targets: Int32, reference: np.ndarray) -> float:
    """Time scipy on some rows of the shorter side; return seconds for all of them."""
    turned = len(targets) < len(origins)
    arcs = transpose(network.arcs) if turned else network.arcs
    rows, columns = (targets, origins) if turned else (origins, targets)
    graph = csr_array((arcs.weight_ms.astype(np.float64), arcs.head, arcs.first_out), shape=(arcs.nodes, arcs.nodes))
    taken, some = once(lambda: dijkstra(graph, indices=rows[:SCIPY_ROWS]))
    expected = (reference.T if turned else reference)[:SCIPY_ROWS]
    if not np.array_equal(some[:, columns], expected):
        sys.exit("the sweep differs from scipy")
    return taken * len(rows) / SCIPY_ROWS


def agreement(found: np.ndarray, reference: np.ndarray) -> str:
    """Compare times with ours: the same, or quantiles of the ratio where both are a minute or more."""
    if np.array_equal(found, reference, equal_nan=True):
        return "equal"
    with np.errstate(invalid="ignore"):
        both = (reference >= 60_000) & (found >= 60_000)  # noqa: PLR2004 - one minute
    low, middle, high = np.quantile(found[both] / reference[both], [0.05, 0.5, 0.95])
    return f"{low:.2f} – {middle:.2f} – {high:.2f}"


def row(*cells: object) -> None:
    """Print one row."""
    print("|", " | ".join(str(cell) for cell in cells), "|", flush=True)


def measure(network: Network, folder: Path) -> None:
    """Ask every engine every matrix."""
    asked = questions(network)
    references: list[np.ndarray] = []
    seconds: list[float] = []
    for router in engines(network, folder):
        if router.table is None:
            row(router.name, "–", f"{router.prepared_s:.1f}", router.why_not, "", "")
            continue
        for number, (origins, targets) in enumerate(asked):
            ends, pairs = (origins, targets), len(origins) * len(targets)
            if router.name == "Valhalla":
                ends = origins[:VALHALLA_SIDE], targets[:VALHALLA_SIDE]
            if router.name == "sweep":
                router.table(*ends)
            taken, answer = least(partial(router.table, *ends))
            found = router.milliseconds(answer)
            if router.name == "sweep":
                references.append(found)
                seconds.append(taken)
            part = found.size / pairs
            same = agreement(found, references[number][: found.shape[0], : found.shape[1]])
            shape = f"{len(origins):,} × {len(targets):,}"
            said = f"{taken:.3f}" + ("" if part == 1 else f" for {found.size:,} pairs")
            ratio = f"{taken / part / seconds[number]:.1f}" + ("" if part == 1 else " (by pairs)")
            row(router.name, shape, f"{router.prepared_s:.1f}", said, ratio, same)
            if router.name == "sweep":
                all_rows = scipy_row(network, origins, targets, found)
                said = f"{all_rows:.1f} (from {SCIPY_ROWS} rows)"
                row("scipy", shape, "0.0", said, f"{all_rows / taken:.0f}", "equal")


def main() -> None:
    """Measure every network asked for."""
    for word in sys.argv[1:] or ["200000"]:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            network = synthetic_network(int(word), folder) if word.isdigit() else real_network(Path(word))
            print(f"\n{Path(word).name}: {network.arcs.nodes:,} nodes, {len(network.arcs.head):,} arcs\n")
            row("engine", "matrix", "preparation (s)", "seconds", "÷ sweep", "times ÷ ours, 5 – 50 – 95 %")
            row("---", "---", "---:", "---:", "---:", "---")
            measure(network, folder)


if __name__ == "__main__":
    main()
