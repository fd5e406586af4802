"""What the adapters of routers share: data prepared once, points on the road, tables asked by blocks, reasons.

The data that a router makes of an extract is a folder named by the hash of all that changes it. It is written beside
its place, then renamed: a killed build leaves no half folder under the final name. A list of sizes and hashes is
written last and checked at each opening; what is stale or damaged is built again.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyproj

from sdaasp_geo import disk, french
from sdaasp_geo.errors import TravelError
from sdaasp_geo.french import NBSP
from sdaasp_geo.travel.engine import NOT_MEASURED, OFF_NETWORK, REACHED, UNREACHABLE, Engine, Method, TimeMatrix
from sdaasp_geo.travel.road_file import with_names
from sdaasp_geo.travel.snapping import ISLAND

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

FORMAT_VERSION = 2
"""Version of the layout of the folder, and of how routers are asked to fill it."""

_LIST = "contenu.json"
_EXTRACT_SUFFIX = ".pbf"
_KINDS = {"n": 0, "w": 1, "r": 2}


@dataclass(frozen=True, eq=False)
class Snapped:
    """Where a router puts points on the road. One row per point.

    Attributes
    ----------
    snap_m : ndarray of float64
        Metres to the road; NaN where the router finds none.
    apart : ndarray of bool
        True on a small network apart from the others, where the router tells.
    road_class, road_name : ndarray of str
        Of that road; "" where the router does not tell.
    stop : list
        What the tables of the router need to start or end there; None beyond the cap.
    """

    snap_m: Floats
    apart: Bools
    road_class: npt.NDArray[np.object_]
    road_name: npt.NDArray[np.object_]
    stop: list[Any]


Locate = Callable[[Floats], Snapped]
"""Put points (longitude, latitude in degrees, WGS 84; all known) on the road."""

DriveMinutes = Callable[[list[Any], list[Any]], Floats]
"""Minutes by car from each of some stops to each of others; NaN without a path."""


def router_package(module: str, *, router: str) -> Any:  # noqa: ANN401 - a package without types, absent from most
    """Import the Python package of a router.

    Raises
    ------
    TravelError
        When it is not installed; the message says what to do.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        here = ".".join(str(part) for part in sys.version_info[:2])
        message = (
            f"Le moteur {router} n'est pas installé. Il demande Python{NBSP}3.12 ou plus récent (ici{NBSP}: {here}) et "
            f"l'option «{NBSP}routers{NBSP}»{NBSP}: pip install 'sdaasp_geo[routers]'. Sinon, prenez moteur = "
            f"«{NBSP}routes{NBSP}»."
        )
        raise TravelError(message) from error


def router_program(package: Any, name: str, *, router: str) -> str:  # noqa: ANN401 - see router_package
    """Find a program that the package of a router installs.

    Raises
    ------
    TravelError
        When it is nowhere.
    """
    own = [Path(package.__file__).parent / "bin", Path(sys.executable).parent]
    found = next((hit for folder in own if (hit := shutil.which(name, path=str(folder)))), None) or shutil.which(name)
    if found is None:
        message = f"Le programme {name} du moteur {router} est introuvable. Réinstallez l'option «{NBSP}routers{NBSP}»."
        raise TravelError(message)
    return found


def run_quietly(command: Sequence[str | Path], *, router: str, extracts: Sequence[Path]) -> None:
    """Run a program of a router; nothing of what it writes is shown, its last words are quoted when it fails.

    Raises
    ------
    TravelError
        When the program fails.
    """
    done = subprocess.run(  # noqa: S603 - a program of the router's own package, on files that the user names
        [str(word) for word in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if done.returncode:
        said = [line.strip() for line in done.stdout.decode("utf-8", "replace").splitlines() if line.strip()]
        message = (
            f"{router} n'a pas pu préparer {_names(extracts)}{NBSP}: {said[-1] if said else 'arrêt sans message'} "
            f"(code {done.returncode}). Donnez un extrait OpenStreetMap complet (.osm.pbf) avec des routes."
        )
        raise TravelError(message)


def prepared(
    folder: Path,
    *,
    router: str,
    extracts: Sequence[Path],
    keyed: Mapping[str, str],
    describe: Callable[[], str],
    build: Callable[[Path, Path], None],
) -> tuple[Path, str]:
    """Open the data that a router made of extracts, or make it.

    Parameters
    ----------
    folder : Path
        Where prepared data is kept, one folder for each.
    router : str
        Name of the router, printed in errors.
    extracts : sequence of Path
        OpenStreetMap extracts (``.osm.pbf``); their content counts, not their names. Several are joined.
    keyed : mapping of str to str
        All else that changes the data: version, profile, algorithm.
    describe : callable
        Called before building only: checks the extracts and says what they are, ``{0}``, ``{1}``… standing for their
        names (see :func:`~sdaasp_geo.travel.road_file.with_names`); kept with the data.
    build : callable
        ``build(extract, home)`` fills ``home``.

    Returns
    -------
    home : Path
        The folder of the data.
    source : str
        What ``describe`` said when it was built, with the names of these extracts.

    Raises
    ------
    TravelError
        When an extract is not one, the building fails, or the folder cannot be written.
    """
    wrong = [extract for extract in extracts if extract.suffix != _EXTRACT_SUFFIX or not extract.is_file()]
    if wrong or not extracts:
        message = f"{router} demande un extrait OpenStreetMap existant, au format .osm.pbf{NBSP}: {_names(wrong)}."
        raise TravelError(message)
    contents = [_sha256(extract) for extract in extracts]
    key = {"contents": contents, "format": FORMAT_VERSION, "keyed": dict(keyed), "router": router}
    fingerprint = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
    # the hidden folder beside must not begin with ".osrm": OSRM takes that for the ending of a file
    home = folder / f"donnees-{router.lower()}-{fingerprint[:32]}"
    source = _kept_source(home, fingerprint)
    if source is not None:
        return home, with_names(source, extracts)
    source = describe()
    try:
        with disk.staging(home, wait_s=disk.FOREVER_S) as beside:
            kept = _kept_source(home, fingerprint)  # another process may have built it meanwhile
            if kept is not None:
                return home, with_names(kept, extracts)
            _build(home, beside, extracts, build, about={"fingerprint": fingerprint, "source": source})
    except OSError as error:
        why = disk.cause_of(error)
        message = f"Les données du moteur {router} n'ont pas pu être enregistrées dans {home.name}{NBSP}: {why}"
        raise TravelError(message) from error
    return home, with_names(source, extracts)


def join_extracts(extracts: Sequence[Path], path: Path) -> None:
    """Write several extracts as one: an object that several hold is written once, in its highest version.

    Raises
    ------
    TravelError
        When osmium is not installed, or an extract is not sorted or is damaged.
    """
    osmium = router_package("osmium", router="osmium")
    header = osmium.io.Header()
    header.set("sorting", "Type_then_ID")
    before = (-1, 0)
    try:
        with ExitStack() as stack:
            writer = stack.enter_context(osmium.SimpleWriter(str(path), header=header))
            for found in osmium.zip_processors(*(osmium.FileProcessor(str(extract)) for extract in extracts)):
                chosen = max((item for item in found if item is not None), key=lambda item: item.version)
                rank = (_KINDS[chosen.type_str()], chosen.id)
                if rank <= before:
                    message = f"Les objets de ces extraits ne sont pas triés{NBSP}: {_names(extracts)}. Triez-les."
                    raise TravelError(message)
                before = rank
                writer.add(chosen)
    except RuntimeError as error:
        message = f"Un de ces extraits est abîmé{NBSP}: {_names(extracts)}. Téléchargez-les de nouveau."
        raise TravelError(message) from error


def router_engine(
    locate: Locate,
    drive_min: DriveMinutes,
    *,
    method: Method,
    crs: str,
    cap_m: float,
    walking_kmh: float,
    block: tuple[int, int],
) -> Engine:
    """Make an engine of what a router answers.

    Parameters
    ----------
    locate, drive_min : callable
        The router's own.
    method : Method
        How its times are obtained.
    crs : str
        Of the layers: metric coordinates, turned into degrees for the router.
    cap_m : float
        Beyond this distance to a road, in metres, a point is off the network.
    walking_kmh : float
        Speed between a point and the road, counted at both ends.
    block : tuple of int
        Most origins, and most places, of one question.

    Raises
    ------
    TravelError
        When the cap is negative or the speed not positive.
    """
    if not (cap_m >= 0 and walking_kmh > 0):
        message = f"Accès à la route{NBSP}: distance maximale négative, ou vitesse de marche nulle ou négative."
        raise TravelError(message)
    to_degrees = pyproj.Transformer.from_crs(crs, "EPSG:4326", always_xy=True)

    def engine(origins: pd.DataFrame, places: pd.DataFrame) -> TimeMatrix:
        xy = np.concatenate([origins[["ref_x", "ref_y"]].to_numpy("float64"), places[["x", "y"]].to_numpy("float64")])
        road, stops = _road_access(locate, np.column_stack(to_degrees.transform(xy[:, 0], xy[:, 1])), cap_m=cap_m)
        reason, snap_m = road["road_reason"].to_numpy(), road["snap_m"].to_numpy()
        half = len(origins)
        driven = _by_blocks(drive_min, stops[:half], stops[half:], block)
        walk_min = snap_m / 1000 / walking_kmh * 60
        total = driven + walk_min[:half, None] + walk_min[half:]
        told = _reasons(total, reason[:half], reason[half:])
        time_min = np.where(told == REACHED, total, np.nan)
        return TimeMatrix(
            origins,
            places,
            time_min,
            time_min,
            time_min,
            told,
            method,
            _road_table(road.iloc[:half], origins["code"]),
            _road_table(road.iloc[half:], places["id"]),
        )

    return engine


def router_method(code: str, *, label: str, how: str, source: str, cap_m: float, walking_kmh: float) -> Method:
    """Describe the times of a router, its version and its profile; ``how`` is a French sentence."""
    description = (
        f"{how} D'un moteur à l'autre les temps changent d'un cinquième environ{NBSP}: ne comparez que des résultats "
        f"du même moteur. S'y ajoute la marche jusqu'à la route, à {french.number(walking_kmh, digits=1)}{NBSP}km/h"
        f"{NBSP}; un point à plus de {french.number(cap_m)}{NBSP}m d'une route est «{NBSP}hors réseau{NBSP}»."
    )
    return Method(code, label, estimate=False, description=description, source=source or "réseau routier fourni")


def _build(
    home: Path, beside: Path, extracts: Sequence[Path], build: Callable[[Path, Path], None], *, about: Mapping[str, str]
) -> None:
    part = beside / "data"
    part.mkdir()
    extract = extracts[0]
    if len(extracts) > 1:
        extract = beside / "roads.osm.pbf"
        join_extracts(extracts, extract)
    build(extract, part)
    content = {**about, "files": _content(part)}
    (part / _LIST).write_text(json.dumps(content, ensure_ascii=False, sort_keys=True, indent=1), encoding="utf-8")
    disk.sync_tree(part)
    disk.remove(home)
    part.rename(home)


def _kept_source(home: Path, fingerprint: str) -> str | None:
    """Return the source of good data; None where there is none, or where it is stale or damaged."""
    try:
        content = json.loads((home / _LIST).read_text(encoding="utf-8"))
        if content["fingerprint"] == fingerprint and content["files"] == _content(home):
            return str(content["source"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return None


def _content(home: Path) -> dict[str, list[int | str]]:
    files = sorted(path for path in home.rglob("*") if path.is_file() and path != home / _LIST)
    return {path.relative_to(home).as_posix(): [path.stat().st_size, _sha256(path)] for path in files}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _names(paths: Sequence[Path]) -> str:
    return ", ".join(path.name for path in paths) or "aucun"


def _road_access(locate: Locate, lonlat: Floats, *, cap_m: float) -> tuple[pd.DataFrame, list[Any]]:
    """Put all points on the road at once: ``road_reason, snap_m, road_class, road_name``, and their stops."""
    known = np.flatnonzero(np.isfinite(lonlat).all(axis=1))
    road = pd.DataFrame(
        {"road_reason": NOT_MEASURED, "snap_m": np.nan, "road_class": "", "road_name": ""}, index=range(len(lonlat))
    )
    stops: list[Any] = [None] * len(lonlat)
    if not len(known):
        return road, stops
    found = locate(lonlat[known])
    within = found.snap_m <= cap_m
    reason = np.select([~within, found.apart], [OFF_NETWORK, ISLAND], REACHED)
    columns = (reason, found.snap_m, found.road_class, found.road_name)
    for name, values in zip(road.columns, columns, strict=True):
        road[name] = _spread(road[name].to_numpy(), known, values)
    for row, stop, near in zip(known.tolist(), found.stop, within.tolist(), strict=True):
        stops[row] = stop if near else None
    return road, stops


def _spread(column: npt.NDArray[Any], rows: npt.NDArray[np.intp], values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    whole = np.array(column, dtype=np.float64 if column.dtype.kind == "f" else object)
    whole[rows] = values
    return whole


def _by_blocks(drive_min: DriveMinutes, starts: list[Any], ends: list[Any], block: tuple[int, int]) -> Floats:
    """Ask for a table, several origins and places at a time."""
    driven = np.full((len(starts), len(ends)), np.nan)
    rows, columns = ([i for i, stop in enumerate(stops) if stop is not None] for stops in (starts, ends))
    for first in range(0, len(rows), block[0]):
        some = rows[first : first + block[0]]
        for other in range(0, len(columns), block[1]):
            few = columns[other : other + block[1]]
            driven[np.ix_(some, few)] = drive_min([starts[i] for i in some], [ends[i] for i in few])
    return driven


def _reasons(total: Floats, start: npt.NDArray[Any], end: npt.NDArray[Any]) -> npt.NDArray[np.str_]:
    """Say of every pair whether it is reached, and otherwise the most telling reason of its two ends."""
    either = [(start == reason)[:, None] | (end == reason) for reason in (NOT_MEASURED, OFF_NETWORK, ISLAND)]
    chosen = np.select([np.isfinite(total), *either], [REACHED, NOT_MEASURED, OFF_NETWORK, ISLAND], UNREACHABLE)
    return np.asarray(chosen)


def _road_table(road: pd.DataFrame, codes: pd.Series) -> pd.DataFrame:
    table = road.reset_index(drop=True)
    table.insert(0, "code", codes.to_numpy())
    return table
