"""The engine that asks OSRM: turn restrictions and turn penalties of its car profile, on the same extract.

``osrm-bindings`` (BSD) is an optional part that needs Python 3.12. OSRM looks for the lowest *weight* (its car profile
adds a cost to roads with restricted access), and tells the duration of that path: it is not always the shortest time.
Durations are in tenths of a second.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np

from sdaasp_geo.errors import TravelError
from sdaasp_geo.french import NBSP
from sdaasp_geo.travel import router_data
from sdaasp_geo.travel.engine import Engine
from sdaasp_geo.travel.router_data import Floats, Snapped

Algorithm = Literal["mld", "ch"]

_NAME = "OSRM"
_PACKAGE = "osrm-bindings"
_PROFILE = "car"
_BASE = "roads.osrm"
_BLOCK = (1000, 1000)
_STEPS = {"mld": ("osrm-partition", "osrm-customize"), "ch": ("osrm-contract",)}
_SLACK = 1.01  # OSRM's own search by radius measures distances on a plane


def osrm_engine(
    extracts: Sequence[Path],
    *,
    folder: Path,
    crs: str,
    cap_m: float,
    walking_kmh: float,
    algorithm: Algorithm = "mld",
    describe: Callable[[], str] = str,
) -> Engine:
    """Make an engine of OSRM, car profile, from OpenStreetMap extracts.

    Parameters
    ----------
    extracts : sequence of Path
        ``.osm.pbf``; several are joined.
    folder : Path
        Where prepared data is kept, keyed by extracts, version, profile and algorithm.
    crs : str
        Of the layers, metric.
    cap_m : float
        Beyond this distance to a road, in metres, a point is off the network.
    walking_kmh : float
        Speed between a point and the road, counted at both ends.
    algorithm : {"mld", "ch"}
        Multi-level Dijkstra (quick to prepare) or contraction hierarchy (quick to answer).
    describe : callable
        See :func:`~sdaasp_geo.travel.router_data.prepared`.

    Returns
    -------
    Engine
        A pair is ``inaccessible`` (no path), ``hors réseau`` or ``non mesuré``. A point near a network of fewer than
        1,000 directed sections goes to a larger one when there is one within the cap. Classes of road are not told.

    Raises
    ------
    TravelError
        When the package is missing, or the extracts cannot be prepared.
    """
    osrm = router_data.router_package("osrm", router=_NAME)
    if algorithm not in _STEPS:
        message = f"Algorithme d'OSRM inconnu{NBSP}: {algorithm}. Prenez mld ou ch."
        raise TravelError(message)
    edition = version(_PACKAGE)
    home, source = router_data.prepared(
        folder,
        router=_NAME,
        extracts=extracts,
        keyed={"algorithm": algorithm, "profile": _PROFILE, "version": edition},
        describe=describe,
        build=partial(_build, osrm, algorithm=algorithm, extracts=extracts),
    )
    router = _open(osrm, home, algorithm)
    how = (
        f"Temps en voiture calculés par OSRM ({_PACKAGE} {edition}, algorithme {algorithm.upper()}), profil "
        f"«{NBSP}{_PROFILE}{NBSP}» fourni avec lui{NBSP}: ses vitesses, ses interdictions de tourner et ses pénalités "
        "de virage, sans circulation."
    )
    method = router_data.router_method(
        "osrm",
        label=f"réseau routier, moteur OSRM {edition}",
        how=how,
        source=source,
        cap_m=cap_m,
        walking_kmh=walking_kmh,
    )
    return router_data.router_engine(
        partial(_locate, osrm, router, cap_m=cap_m),
        partial(_drive_min, osrm, router),
        method=method,
        crs=crs,
        cap_m=cap_m,
        walking_kmh=walking_kmh,
        block=_BLOCK,
    )


def _build(osrm: Any, extract: Path, home: Path, *, algorithm: Algorithm, extracts: Sequence[Path]) -> None:  # noqa: ANN401 - no types
    profile = Path(osrm.__file__).parent / "share" / "profiles" / f"{_PROFILE}.lua"
    base = home / _BASE
    commands: list[list[str | Path]] = [["osrm-extract", "--profile", profile, "--output", base, extract]]
    commands += [[step, base] for step in _STEPS[algorithm]]
    for name, *words in commands:
        program = router_data.router_program(osrm, str(name), router=_NAME)
        router_data.run_quietly([program, "--verbosity", "ERROR", *words], router=_NAME, extracts=extracts)


def _open(osrm: Any, home: Path, algorithm: Algorithm) -> Any:  # noqa: ANN401 - no types
    try:
        return osrm.OSRM(
            storage_config=str(home / _BASE),
            algorithm=algorithm.upper(),
            use_shared_memory=False,
            max_locations_distance_table=-1,
            verbosity="NONE",
        )
    except RuntimeError as error:
        message = f"OSRM ne relit pas ses données{NBSP}: {error}. Effacez le dossier {home.name}, puis relancez."
        raise TravelError(message) from error


def _locate(osrm: Any, router: Any, lonlat: Floats, *, cap_m: float) -> Snapped:  # noqa: ANN401 - no types
    """Put points on the road; all at once, so that a hint pins each for every later table."""
    points = [(lon, lat) for lon, lat in lonlat.tolist()]
    nearest = [router.Nearest(osrm.NearestParameters(coordinates=[point]))["waypoints"][0] for point in points]
    snap_m = np.array([float(waypoint["distance"]) for waypoint in nearest])
    names = np.array([str(waypoint["name"]) for waypoint in nearest], dtype=object)
    stops: list[Any] = [None] * len(points)
    rows = np.flatnonzero(snap_m <= cap_m).tolist()
    if rows:
        asked = osrm.TableParameters(  # a table has two points at least: the first comes again
            coordinates=[points[row] for row in [*rows, rows[0]]],
            sources=list(range(len(rows))),
            destinations=[len(rows)],
            radiuses=[_SLACK * cap_m + 1] * (len(rows) + 1),
        )
        for row, waypoint in zip(rows, router.Table(asked)["sources"], strict=True):
            snap_m[row], names[row] = float(waypoint["distance"]), str(waypoint["name"])
            stops[row] = (points[row], str(waypoint["hint"]))
    nothing = np.full(len(points), "", dtype=object)
    return Snapped(snap_m, np.zeros(len(points), dtype=np.bool_), nothing, names, stops)


def _drive_min(osrm: Any, router: Any, starts: list[Any], ends: list[Any]) -> Floats:  # noqa: ANN401 - no types
    stops = [*starts, *ends]
    asked = osrm.TableParameters(
        coordinates=[point for point, _ in stops],
        hints=[hint for _, hint in stops],
        sources=list(range(len(starts))),
        destinations=list(range(len(starts), len(stops))),
        annotations=["duration"],
        generate_hints=False,
    )
    rows = router.Table(asked)["durations"]
    seconds = [[value if isinstance(value, float) else np.nan for value in row] for row in rows]
    return np.array(seconds, dtype=np.float64) / 60
