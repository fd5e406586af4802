"""The solver that fits a question on a road network, chosen each time, all of them exact to the millisecond."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import ModuleType

import numpy as np
import numpy.typing as npt

from sdaasp_geo.errors import TravelError
from sdaasp_geo.french import NBSP
from sdaasp_geo.travel import hierarchy
from sdaasp_geo.travel.paths import Arcs, Nearest, NearestFew, Seeds, few_scipy, nearest_scipy, transpose
from sdaasp_geo.travel.paths_choice import LABELS, QUEUE, SWEEP, choose

Solver = Callable[[Seeds, int, npt.NDArray[np.int32]], Nearest]
"""``solver(seeds, lanes, nodes)``: nearest place of every lane from some nodes."""

FewSolver = Callable[[Seeds, int, npt.NDArray[np.int32]], NearestFew]
"""``solver(seeds, lanes, nodes)``: nearest distinct places of every lane from some nodes."""

SUFFIX = ".hierarchie"


def pick_solver(
    arcs: Arcs,
    *,
    lanes: int,
    folder: Path | None = None,
    fingerprint: str = "",
    tell: Callable[[str], None] | None = None,
) -> Solver:
    """Choose and prepare the solver of a question.

    Parameters
    ----------
    arcs : Arcs
        The network.
    lanes : int
        Searches to make in all.
    folder : Path, optional
        Where prepared hierarchies are kept, by fingerprint; without it none is kept.
    fingerprint : str
        Of the graph.
    tell : callable, optional
        Told, in French, which solver answers and why. The answer does not depend on it.

    Returns
    -------
    Solver
        Exact, whichever it is.
    """
    choice, prepared = _chosen(arcs, lanes=lanes, folder=folder, fingerprint=fingerprint, tell=tell)
    if prepared is not None:
        return lambda seeds, lanes, nodes: _sweeps().nearest_sweep(prepared, seeds, lanes=lanes, nodes=nodes)
    backward = transpose(arcs)
    if choice == QUEUE:
        from sdaasp_geo.travel.paths_numba import nearest_queue  # noqa: PLC0415 - optional part

        return lambda seeds, lanes, nodes: nearest_queue(arcs, seeds, lanes=lanes, backward=backward, nodes=nodes)
    return lambda seeds, lanes, nodes: nearest_scipy(arcs, seeds, lanes=lanes, backward=backward, nodes=nodes)


def pick_few_solver(
    arcs: Arcs,
    *,
    lanes: int,
    k: int,
    folder: Path | None = None,
    fingerprint: str = "",
    tell: Callable[[str], None] | None = None,
) -> FewSolver:
    """Choose and prepare the solver of a question about the ``k`` nearest places; see `pick_solver`."""
    if k == 1:
        nearest = pick_solver(arcs, lanes=lanes, folder=folder, fingerprint=fingerprint, tell=tell)
        return lambda seeds, lanes, nodes: _as_few(nearest(seeds, lanes, nodes))
    choice, prepared = _chosen(arcs, lanes=lanes * k, folder=folder, fingerprint=fingerprint, tell=tell)
    if prepared is not None:
        return lambda seeds, lanes, nodes: _sweeps().few_sweep(prepared, seeds, lanes=lanes, k=k, nodes=nodes)
    backward = transpose(arcs)
    if choice == QUEUE:
        from sdaasp_geo.travel.paths_numba import few_queue  # noqa: PLC0415 - optional part

        return lambda seeds, lanes, nodes: few_queue(arcs, seeds, lanes=lanes, k=k, backward=backward, nodes=nodes)
    return lambda seeds, lanes, nodes: few_scipy(arcs, seeds, lanes=lanes, k=k, backward=backward, nodes=nodes)


def _as_few(nearest: Nearest) -> NearestFew:
    return NearestFew(nearest.time_ms[:, :, None], nearest.place[:, :, None])


def _chosen(
    arcs: Arcs, *, lanes: int, folder: Path | None, fingerprint: str, tell: Callable[[str], None] | None
) -> tuple[str, hierarchy.Hierarchy | None]:
    """Choose a solver, say so, and prepare the hierarchy when it is the sweep."""
    path = folder / f"{fingerprint}{SUFFIX}" if folder and fingerprint else None
    ready = _loaded(path, fingerprint)
    choice = choose(nodes=arcs.nodes, lanes=lanes, prepared=ready is not None)
    if tell is not None:
        tell(f"Plus courts chemins{NBSP}: {LABELS[choice.engine]} ({choice.why})")
    if choice.engine == SWEEP:
        return SWEEP, ready or _prepared(arcs, path, fingerprint)
    return choice.engine, None


def _sweeps() -> ModuleType:
    """Return the module of sweeps, compiled when first used."""
    from sdaasp_geo.travel import sweep_numba  # noqa: PLC0415 - optional part

    return sweep_numba


def _loaded(path: Path | None, fingerprint: str) -> hierarchy.Hierarchy | None:
    """Return the hierarchy kept for this graph, if there is a good one."""
    if path is None or not path.is_file():
        return None
    try:
        return hierarchy.load(path, fingerprint=fingerprint)
    except TravelError:
        return None


def _prepared(arcs: Arcs, path: Path | None, fingerprint: str) -> hierarchy.Hierarchy:
    made = hierarchy.build(arcs)
    if path is not None:
        with suppress(OSError):  # a cache that cannot be kept costs time at the next run, and nothing else
            hierarchy.save(made, path, fingerprint=fingerprint)
    return made
