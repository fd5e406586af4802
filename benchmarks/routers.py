"""Other engines that answer matrices, each prepared on the same network: OSRM, Valhalla, two bindings of RoutingKit.

Every function returns a ``Router``. Times are in milliseconds, NaN without a path. RoutingKit is given the very arcs
of our graph; OSRM and Valhalla read the extract, with their own speeds, turn costs and place on the road.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sdaasp_geo.travel.paths import UNREACHED_MS, Arcs, Int32

Table = Callable[[Int32, Int32], npt.ArrayLike]
"""``table(origins, targets)``, numbers of nodes: what the engine answers, in its own terms."""

NO_PATH = 2**31 - 1


@dataclass(frozen=True)
class Network:
    """The same roads in three forms: arcs, longitude and latitude of nodes (degrees, WGS 84), and an extract."""

    arcs: Arcs
    lonlat: npt.NDArray[np.float64]
    extract: Path


@dataclass(frozen=True)
class Router:
    """An engine ready to answer, the seconds that it took, and how to read its answers; no table: why there is none."""

    name: str
    prepared_s: float
    table: Table | None = None
    milliseconds: Callable[[npt.ArrayLike], npt.NDArray[np.float64]] = np.asarray
    why_not: str = ""


def osrm(network: Network, folder: Path, algorithm: str, *, limit_s: float) -> Router:
    """Prepare OSRM (``osrm-bindings``, car profile) in a folder of its own; its answers come in process."""
    import osrm as package  # noqa: PLC0415 - an engine that may be missing stops only its own row

    home = Path(package.__file__).parent
    name, base = f"OSRM {algorithm}", folder / algorithm / "roads.osrm"
    base.parent.mkdir()
    steps = {"MLD": ("osrm-partition", "osrm-customize"), "CH": ("osrm-contract",)}[algorithm]
    profile = home / "share" / "profiles" / "car.lua"
    commands = [["osrm-extract", "--profile", profile, "--output", base, network.extract], *([x, base] for x in steps)]
    start = time.perf_counter()
    for program, *words in commands:
        left = limit_s - (time.perf_counter() - start)
        try:
            run([home / "bin" / program, "--threads", os.cpu_count() or 1, *words], folder, limit_s=left)
        except subprocess.TimeoutExpired:
            return Router(name, limit_s, why_not=f"{program} not finished after {limit_s:.0f} s")
    taken = time.perf_counter() - start
    router = package.OSRM(
        storage_config=str(base),
        algorithm=algorithm,
        use_shared_memory=False,
        max_locations_distance_table=-1,
        verbosity="NONE",
    )

    def table(origins: Int32, targets: Int32) -> object:
        points = network.lonlat[np.concatenate([origins, targets])].tolist()
        asked = package.TableParameters(
            coordinates=[tuple(point) for point in points],
            sources=list(range(len(origins))),
            destinations=list(range(len(origins), len(points))),
            annotations=["duration"],
            generate_hints=False,
        )
        return router.Table(asked)

    return Router(name, taken, table, lambda found: _from_seconds(found["durations"]))


def valhalla(network: Network, folder: Path) -> Router:
    """Build Valhalla's tiles, without limits of size."""
    import valhalla as package  # noqa: PLC0415 - as above

    (folder / "tiles").mkdir()
    settings = json.loads(json.dumps(package.get_config(tile_extract="", tile_dir=folder / "tiles"), default=str))
    for absent in ("admin", "timezone", "landmarks"):
        settings["mjolnir"].pop(absent, None)
    settings["additional_data"].pop("elevation", None)
    settings["logging"] = {"type": "", "color": False}
    limits = {"max_locations": NO_PATH, "max_matrix_location_pairs": NO_PATH, "max_matrix_distance": float(NO_PATH)}
    settings["service_limits"]["auto"] |= limits
    (folder / "valhalla.json").write_text(json.dumps(settings))
    start = time.perf_counter()
    program = Path(shutil.which("valhalla_build_tiles") or Path(sys.executable).parent / "valhalla_build_tiles")
    run([program, "--config", folder / "valhalla.json", network.extract], folder, limit_s=None)
    taken = time.perf_counter() - start
    actor = package.Actor(str(folder / "valhalla.json"))

    def table(origins: Int32, targets: Int32) -> object:
        sources, ends = (
            [{"lon": lon, "lat": lat} for lon, lat in network.lonlat[side].tolist()] for side in (origins, targets)
        )
        return actor.matrix({"sources": sources, "targets": ends, "costing": "auto", "verbose": False})

    return Router("Valhalla", taken, table, lambda found: _from_seconds(found["sources_to_targets"]["durations"]))


def pyroutingkit(network: Network) -> Router:
    """Customize a hierarchy with pyroutingkit: nested dissection, then the times."""
    import pyroutingkit as package  # noqa: PLC0415 - as above

    arcs, (lon, lat) = network.arcs, network.lonlat.T.astype(np.float32)
    tail, head, weight = (array.astype(np.uint32) for array in (arcs.tail, arcs.head, arcs.weight_ms))
    start = time.perf_counter()
    topology = package.CCHTopology()
    topology.build(tail, head, lat, lon, arcs.nodes)
    metric = package.CCHMetric(topology)
    metric.customize(weight)
    taken = time.perf_counter() - start
    return Router(
        "pyroutingkit",
        taken,
        lambda origins, targets: metric.distances_many_to_many(origins.astype(np.uint32), targets.astype(np.uint32)),
        lambda found: np.where(np.asarray(found) >= NO_PATH, np.nan, found),
    )


def routingkit_cch(network: Network) -> Router:
    """Customize a hierarchy with routingkit-cch; the longer side is pinned, and the other asked one by one."""
    import routingkit_cch as package  # noqa: PLC0415 - as above

    arcs = network.arcs
    tail, head, weight = (array.tolist() for array in (arcs.tail, arcs.head, arcs.weight_ms))
    start = time.perf_counter()
    order = package.compute_order_inertial(arcs.nodes, tail, head, *network.lonlat[:, ::-1].T.tolist())
    metric = package.CCHMetric(package.CCH(order, tail, head, False), weight)  # noqa: FBT003 - positional only
    taken = time.perf_counter() - start

    def table(origins: Int32, targets: Int32) -> object:
        if len(origins) < len(targets):
            row = package.CCHOneToMany(metric, targets.tolist())
            return [row.distances_from(origin) for origin in origins.tolist()], False
        column = package.CCHManyToOne(metric, origins.tolist())
        return [column.distances_to(target) for target in targets.tolist()], True

    def milliseconds(found: tuple[list[list[int | None]], bool]) -> npt.NDArray[np.float64]:
        times = np.array(found[0], dtype=np.float64)
        return times.T if found[1] else times

    return Router("routingkit-cch", taken, table, milliseconds)


def ours(times: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Read the answers of our engines."""
    return np.where(np.asarray(times) == UNREACHED_MS, np.nan, times)


def run(words: list[object], folder: Path, *, limit_s: float | None) -> None:
    """Run a program, its messages in a file; one that lasts too long is stopped, alone."""
    with (folder / "messages.txt").open("a") as messages:
        subprocess.run(  # noqa: S603 - programs of the engines, with words made here
            [str(word) for word in words], cwd=folder, stdout=messages, stderr=messages, timeout=limit_s, check=True
        )


def _from_seconds(rows: object) -> npt.NDArray[np.float64]:
    numbers = [[float(value) if isinstance(value, int | float) else np.nan for value in row] for row in rows]
    return np.array(numbers) * 1000
