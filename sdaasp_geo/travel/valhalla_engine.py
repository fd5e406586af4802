"""The engine that asks Valhalla: turn costs, restrictions and speeds of its automobile costing, on the same extract.

``pyvalhalla`` (MIT) is an optional part that needs Python 3.12. Valhalla looks for the lowest *cost* (it avoids
driveways, gates, private ways) and tells the time of that path: it is not always the shortest time. Times are in whole
seconds.

Two settings are not its defaults. Left alone, Valhalla keeps several roads for a point and goes from the cheapest, so
that the distance to the road is not known: here each point is first put on one road. Its usual matrix
(``costmatrix``) depends on which points are asked together, by up to 20 s on Liechtenstein; ``timedistancematrix``
does not, and equals its one-to-one routes as long as a question has no more origins than places.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from sdaasp_geo.errors import TravelError
from sdaasp_geo.french import NBSP
from sdaasp_geo.travel import router_data
from sdaasp_geo.travel.engine import Engine
from sdaasp_geo.travel.router_data import Floats, Snapped

_NAME = "Valhalla"
_PACKAGE = "pyvalhalla"
_PROFILE = "auto"
_TILES = "tiles"
_PROGRAM = "valhalla_build_tiles"
_BLOCK = (500, 2000)
_LOCATED_AT_ONCE = 1000
_REACH = 50
_NO_LIMIT = 1_000_000_000
_FARTHEST_M = 1_000_000.0  # as the crow flies; each search reserves memory in proportion
_ABSENT_DATABASES = ("admin", "timezone", "landmarks", "traffic_extract", "transit_dir", "transit_feeds_dir")
_CLASSES = {"service_other": "service"}


def valhalla_engine(
    extracts: Sequence[Path],
    *,
    folder: Path,
    crs: str,
    cap_m: float,
    walking_kmh: float,
    describe: Callable[[], str] = str,
) -> Engine:
    """Make an engine of Valhalla, automobile costing, from OpenStreetMap extracts.

    Parameters
    ----------
    extracts : sequence of Path
        ``.osm.pbf``; several are joined.
    folder : Path
        Where prepared data is kept, keyed by extracts, version and profile.
    crs : str
        Of the layers, metric.
    cap_m : float
        Beyond this distance to a road, in metres, a point is off the network.
    walking_kmh : float
        Speed between a point and the road, counted at both ends.
    describe : callable
        See :func:`~sdaasp_geo.travel.router_data.prepared`.

    Returns
    -------
    Engine
        A pair is ``inaccessible`` (no path), ``îlot`` (an end lies on a network of fewer than 50 nodes), ``hors
        réseau`` or ``non mesuré``. A point near such a network goes to a larger one when there is one within the cap.

    Raises
    ------
    TravelError
        When the package is missing, or the extracts cannot be prepared.
    """
    valhalla = router_data.router_package("valhalla", router=_NAME)
    edition = version(_PACKAGE)
    home, source = router_data.prepared(
        folder,
        router=_NAME,
        extracts=extracts,
        keyed={"profile": _PROFILE, "version": edition},
        describe=describe,
        build=partial(_build, valhalla, extracts=extracts),
    )
    router = _open(valhalla, home)
    how = (
        f"Temps en voiture calculés par Valhalla ({_PACKAGE} {edition}), profil «{NBSP}{_PROFILE}{NBSP}»{NBSP}: ses "
        "vitesses, ses interdictions de tourner et ses coûts de virage, sans circulation."
    )
    method = router_data.router_method(
        "valhalla",
        label=f"réseau routier, moteur Valhalla {edition}",
        how=how,
        source=source,
        cap_m=cap_m,
        walking_kmh=walking_kmh,
    )
    return router_data.router_engine(
        partial(_locate, router, cap_m=cap_m),
        partial(_drive_min, router),
        method=method,
        crs=crs,
        cap_m=cap_m,
        walking_kmh=walking_kmh,
        block=_BLOCK,
    )


def _build(valhalla: Any, extract: Path, home: Path, *, extracts: Sequence[Path]) -> None:  # noqa: ANN401 - no types
    tiles = home / _TILES
    tiles.mkdir()
    program = router_data.router_program(valhalla, _PROGRAM, router=_NAME)
    with tempfile.TemporaryDirectory() as beside:
        path = _write_settings(valhalla, tiles, Path(beside))
        router_data.run_quietly([program, "--config", path, extract], router=_NAME, extracts=extracts)
    if not any(tiles.rglob("*.gph")):
        message = f"Valhalla n'a trouvé aucune route dans {', '.join(extract.name for extract in extracts)}."
        raise TravelError(message)


def _open(valhalla: Any, home: Path) -> Any:  # noqa: ANN401 - no types
    with tempfile.TemporaryDirectory() as beside:
        try:
            return valhalla.Actor(str(_write_settings(valhalla, home / _TILES, Path(beside))))
        except RuntimeError as error:
            message = (
                f"Valhalla ne relit pas ses données{NBSP}: {error}. Effacez le dossier {home.name}, puis relancez."
            )
            raise TravelError(message) from error


def _write_settings(valhalla: Any, tiles: Path, folder: Path) -> Path:  # noqa: ANN401 - no types
    """Write Valhalla's own settings, without the databases that are not at hand, nor limits, nor logs."""
    settings = json.loads(json.dumps(valhalla.get_config(tile_extract="", tile_dir=tiles), default=str))
    for name in _ABSENT_DATABASES:
        settings["mjolnir"].pop(name, None)
    settings["additional_data"].pop("elevation", None)
    settings["logging"] = {"type": "", "color": False}
    settings["loki"]["use_connectivity"] = False
    settings["thor"]["source_to_target_algorithm"] = "timedistancematrix"
    limits = {
        "max_locations": _NO_LIMIT,
        "max_matrix_location_pairs": _NO_LIMIT,
        "max_matrix_distance": _FARTHEST_M,
    }
    settings["service_limits"][_PROFILE] |= limits
    path = folder / "valhalla.json"
    path.write_text(json.dumps(settings), encoding="utf-8")
    return path


def _locate(router: Any, lonlat: Floats, *, cap_m: float) -> Snapped:  # noqa: ANN401 - no types
    """Put each point on one road: the nearest of a large enough network within the cap, or else the nearest."""
    chosen: list[dict[str, Any] | None] = []
    for first in range(0, len(lonlat), _LOCATED_AT_ONCE):
        points = [{"lon": lon, "lat": lat} for lon, lat in lonlat[first : first + _LOCATED_AT_ONCE].tolist()]
        found = router.locate({"locations": points, "costing": _PROFILE, "verbose": True})
        chosen += [_chosen_edge(located["edges"] or [], cap_m) for located in found]
    return Snapped(
        np.array([np.nan if edge is None else edge["distance"] for edge in chosen], dtype=np.float64),
        np.array([edge is not None and not _large(edge) for edge in chosen], dtype=np.bool_),
        np.array([_road_class(edge) for edge in chosen], dtype=object),
        np.array(["" if edge is None else " / ".join(edge["edge_info"]["names"]) for edge in chosen], dtype=object),
        [None if edge is None else _stop(edge) for edge in chosen],
    )


def _chosen_edge(edges: list[dict[str, Any]], cap_m: float) -> dict[str, Any] | None:
    by_distance = sorted(edges, key=lambda edge: float(edge["distance"]))
    large = (edge for edge in by_distance if _large(edge) and edge["distance"] <= cap_m)
    return next(large, by_distance[0] if by_distance else None)


def _large(edge: dict[str, Any]) -> bool:
    return bool(edge["inbound_reach"] >= _REACH and edge["outbound_reach"] >= _REACH)


def _road_class(edge: dict[str, Any] | None) -> str:
    told = "" if edge is None else str(edge["edge"]["classification"]["classification"])
    return _CLASSES.get(told, told)


def _stop(edge: dict[str, Any]) -> dict[str, float]:
    """Stand on the road itself: nothing else is as near, and no road is preferred to it."""
    return {"lon": edge["correlated_lon"], "lat": edge["correlated_lat"], "minimum_reachability": 0}


def _drive_min(router: Any, starts: list[Any], ends: list[Any]) -> Floats:  # noqa: ANN401 - no types
    """Ask for tables with no more starts than ends: with more, Valhalla 3.9.1 searches backwards, and errs."""
    seconds: list[list[float]] = []
    for first in range(0, len(starts), len(ends)):
        some = starts[first : first + len(ends)]
        asked = {"sources": some, "targets": ends, "costing": _PROFILE, "verbose": False}
        try:
            found = router.matrix(asked)["sources_to_targets"]["durations"]
        except RuntimeError as error:
            message = (
                f"Valhalla n'a pas répondu{NBSP}: {error}. Les points sont-ils à plus de 1{NBSP}000{NBSP}km{NBSP}?"
            )
            raise TravelError(message) from error
        seconds += [[np.nan if value is None else value for value in row] for row in found]
    return np.array(seconds, dtype=np.float64) / 60
