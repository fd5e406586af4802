"""Which engine answers a question about times by road, and why: said in every output.

Costs are those measured by ``benchmarks/shortest_paths.py`` on one ordinary core. They decide only how long the answer
takes: every engine gives the same one, to the millisecond.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass

SWEEP = "balayage"
QUEUE = "file"
SCIPY = "scipy"

LABELS = {
    SWEEP: "hiérarchie de contraction et balayage",
    QUEUE: "Dijkstra à file de seaux",
    SCIPY: "Dijkstra de scipy",
}
"""French name of each engine."""

SCIPY_S = 3e-7
QUEUE_S = 2e-7
"""Seconds for one node and one lane."""

BUILD_S = 6e-5
"""Seconds to contract one node: 16 to 63 millionths, the more the fewer main roads; the dearer is taken."""

SMALL_S = 1.0
"""Under this time with scipy, starting compiled code costs as much as it spares."""


@dataclass(frozen=True)
class Choice:
    """An engine (``SWEEP``, ``QUEUE`` or ``SCIPY``), and the French sentence that says why."""

    engine: str
    why: str


def installed(module: str) -> bool:
    """Say whether an optional part is installed."""
    return importlib.util.find_spec(module) is not None


def choose(
    *,
    nodes: int,
    lanes: int,
    prepared: bool = False,
    compiled: bool | None = None,
    contracting: bool | None = None,
) -> Choice:
    """Choose the engine.

    Parameters
    ----------
    nodes : int
        Nodes of the network.
    lanes : int
        Searches to make in all: services × times the question is asked, or the shorter side of a matrix.
    prepared : bool
        A hierarchy of this network is at hand.
    compiled, contracting : bool, optional
        Whether numba and ch-router are installed; looked up by default.
    """
    compiled = installed("numba") if compiled is None else compiled
    contracting = installed("routingkit_ch") if contracting is None else contracting
    if not compiled:
        return Choice(SCIPY, "numba n’est pas installé")
    if prepared:
        return Choice(SWEEP, "le réseau est déjà préparé")
    if nodes * lanes * SCIPY_S < SMALL_S:
        return Choice(SCIPY, "la question est petite")
    if lanes * QUEUE_S <= BUILD_S:
        return Choice(QUEUE, "préparer le réseau serait plus long que répondre")
    if not contracting:
        return Choice(QUEUE, "ch-router n’est pas installé")
    return Choice(SWEEP, "les questions sont assez nombreuses pour préparer le réseau")
