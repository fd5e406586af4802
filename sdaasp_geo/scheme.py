"""A scheme: the département, its vintages, its files and its thresholds (``scheme.toml``)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import msgspec

from sdaasp_geo.embedded import data_folder
from sdaasp_geo.errors import SchemeError
from sdaasp_geo.french import NBSP
from sdaasp_geo.local_paths import REMEDY, companions, not_local
from sdaasp_geo.toml_files import read_toml

SCHEME_FILE = "scheme.toml"
EMBEDDED_PREFIX = "embarque:"
"""A file named ``embarque:services/mairies.parquet`` is one that the package ships."""

_SHOWN = 120
"""Characters of a name that a message repeats."""

ROAD_ENGINES = ("routes", "osrm", "valhalla")
"""Engines that measure on road extracts."""

STRAIGHT_LINE = "ligne-droite"
"""Engine without a file: it needs the density of communes."""

ENGINES = (STRAIGHT_LINE, "matrice", *ROAD_ENGINES)


class Vintages(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Years (1 January) of the perimeters.

    Attributes
    ----------
    convention : int
        Perimeter under which the conventions were signed.
    mesure : int
        Perimeter and legal populations of the measure.
    """

    convention: int
    mesure: int


class Convention(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the territorial convention says of itself.

    Attributes
    ----------
    signataires : tuple of str
        EPCI that sign, by SIREN or by name as the document writes it; empty: every EPCI with most of its
        population in the département.
    duree_ans : int
        Duration in years.
    periode : str
        Period of the first actions, such as « 2018 - 2020 ».
    orientations, engagements : tuple of str
        Orientations of the scheme and commitments of the framework convention.
    """

    signataires: tuple[str, ...] = ()
    duree_ans: int = 2
    periode: str = ""
    orientations: tuple[str, ...] = ()
    engagements: tuple[str, ...] = ()


class Files(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Files of the scheme, relative to its folder, or embedded ones.

    Attributes
    ----------
    services : tuple of str
        Service points in the common grid (CSV or Parquet).
    communes : str
        Contours of the user (GeoPackage, Shapefile, GeoJSON, GeoParquet); empty: the embedded ones.
    communes_couche, communes_code, communes_nom : str
        Layer, code field and name field of that file; empty: the only layer, and the usual field names.
    minutes : str
        Matrix of minutes for the engine ``matrice``.
    routes : tuple of str
        Road extracts (``.osm.pbf``), or one road layer, for the engine ``routes``; extracts only for the routers.
    vitesses : str
        Road speeds that replace those of the package.
    parametres : str
        Parameters of the département.
    carreaux : str
        Inhabited cells (INSEE grid of 200 m or 1 km): access is measured from them too.
    secteurs : str
        Areas of operators: which counter is competent for which commune; without it, assumed by département.
    haltes : str
        Stops of buses and sessions, each with its hours.
    criteres : str
        Criteria of deficit that complete or replace those of the package.
    apl : str
        Official APL figures, as the ministry publishes them.
    actions, gouvernance : tuple of str
        Plan of actions and governance: tables (CSV, XLSX, ODS); sheets in words too for actions (DOCX, ODT, text).
        Where two files tell of the same row, the first prevails and the difference is listed.
    noms : str
        Other names of territories (``type, code, nom``), as the people of the scheme write them.
    priorites : str
        Priorities of the diagnosis and the criteria they stand for; completes or replaces those of the package.
    corrections : tuple of str
        Changes of the service points and of the areas of operators (``docs/corrections.md``), applied in this order.
    """

    services: tuple[str, ...] = ()
    communes: str = ""
    communes_couche: str = ""
    communes_code: str = ""
    communes_nom: str = ""
    minutes: str = ""
    routes: tuple[str, ...] = ()
    vitesses: str = ""
    parametres: str = ""
    carreaux: str = ""
    secteurs: str = ""
    haltes: str = ""
    criteres: str = ""
    apl: str = ""
    actions: tuple[str, ...] = ()
    gouvernance: tuple[str, ...] = ()
    noms: str = ""
    priorites: str = ""
    corrections: tuple[str, ...] = ()


class Measure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is measured and how.

    Attributes
    ----------
    services : tuple of str
        Service codes, the main one first.
    regles : tuple of str
        Codes of the deficit rules.
    moteur : str
        ``ligne-droite`` (calibrated straight line), ``matrice`` (file of minutes), ``routes`` (road network), or a
        router that has its own speeds and turn costs: ``osrm``, ``valhalla`` (extra « routers »).
    """

    services: tuple[str, ...]
    regles: tuple[str, ...]
    moteur: str = STRAIGHT_LINE


class Scheme(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A scheme as ``scheme.toml`` describes it.

    Attributes
    ----------
    nom : str
        Name of the scheme.
    departement : str
        Code of the département.
    edition : dt.date
        Date printed on every output.
    reference : str
        The document the scheme comes from.
    folder : str
        Folder of ``scheme.toml``; set by `read_scheme`.
    """

    nom: str
    departement: str
    edition: dt.date
    millesimes: Vintages
    mesure: Measure
    fichiers: Files = Files()
    convention: Convention = Convention()
    reference: str = ""
    folder: str = ""

    @property
    def code(self) -> str:
        """Name of the scheme's folder."""
        return Path(self.folder).name

    def path(self, name: str) -> Path:
        """Return the path of a file of the scheme, embedded or in its own folder."""
        if name.startswith(EMBEDDED_PREFIX):
            return data_folder() / name.removeprefix(EMBEDDED_PREFIX)
        return Path(self.folder) / name


def embedded_schemes() -> list[str]:
    """Return the names of the schemes that the package ships, sorted."""
    return sorted(path.parent.name for path in (data_folder() / "schemes").glob(f"*/{SCHEME_FILE}"))


def examples() -> list[str]:
    """Return the names of the fictional schemes that serve tests and tutorials, sorted."""
    return sorted(path.parent.name for path in (data_folder() / "examples").glob(f"*/{SCHEME_FILE}"))


def find_scheme(name: str) -> Path:
    """Return the folder of a scheme given by an embedded name or by a path.

    Raises
    ------
    SchemeError
        When neither exists.
    """
    if name in embedded_schemes():
        return data_folder() / "schemes" / name
    if name in examples():
        return data_folder() / "examples" / name
    folder = Path(name)
    if folder.name == SCHEME_FILE:
        folder = folder.parent
    if _is_file(folder / SCHEME_FILE):
        return folder.resolve()
    message = (
        f"Schéma «{NBSP}{name[:_SHOWN]}{NBSP}» introuvable. Schémas embarqués{NBSP}: {', '.join(embedded_schemes())}. "
        "Donnez l'un d'eux, ou un dossier qui contient scheme.toml (sdaasp init en crée un)."
    )
    raise SchemeError(message)


def read_scheme(name: str) -> Scheme:
    """Read a scheme by its embedded name or its folder.

    Raises
    ------
    SchemeError
        When the scheme is unknown, its file is not valid (the key is named), or a file it names is missing.
    """
    folder = find_scheme(name)
    fault = f"{folder.name}/{SCHEME_FILE} n'est pas valide"
    scheme = read_toml(folder / SCHEME_FILE, kind=Scheme, fault=fault, remedy="Comparez avec un schéma embarqué.")
    scheme = msgspec.structs.replace(scheme, folder=str(folder))
    _validate(scheme)
    return scheme


def with_roads(scheme: Scheme, *extracts: Path, engine: str = "routes") -> Scheme:
    """Return the scheme measured on road extracts instead of its own engine; without extract, on its own ones.

    Raises
    ------
    SchemeError
        When an extract does not exist, there is none, or the engine is unknown.
    """
    routes = tuple(str(extract.resolve()) for extract in extracts) or scheme.fichiers.routes
    files = msgspec.structs.replace(scheme.fichiers, routes=routes)
    measured = msgspec.structs.replace(scheme.mesure, moteur=engine)
    changed = msgspec.structs.replace(scheme, fichiers=files, mesure=measured)
    _validate(changed)
    return changed


def with_files(
    scheme: Scheme, *, services: Sequence[Path] = (), communes: Path | None = None, corrections: Sequence[Path] = ()
) -> Scheme:
    """Return the scheme with other service points or contours in place of its own, and with more corrections.

    Raises
    ------
    SchemeError
        When a file does not exist.
    """
    files = scheme.fichiers
    if services:
        files = msgspec.structs.replace(files, services=tuple(str(path.resolve()) for path in services))
    if communes is not None:
        named = {"communes": str(communes.resolve()), "communes_couche": "", "communes_code": "", "communes_nom": ""}
        files = msgspec.structs.replace(files, **named)
    more = tuple(str(path.resolve()) for path in corrections)
    changed = msgspec.structs.replace(
        scheme, fichiers=msgspec.structs.replace(files, corrections=(*files.corrections, *more))
    )
    _validate(changed)
    return changed


def input_files(scheme: Scheme) -> list[tuple[str, Path]]:
    """Return the files that the scheme names, as written and as a path, its own description first.

    Files that are read with another one (parts of a Shapefile, log of a GeoPackage) come last.
    """
    files = scheme.fichiers
    single = (files.communes, files.minutes, files.vitesses, files.parametres, files.carreaux, files.secteurs)
    written = (*files.actions, *files.gouvernance, files.noms, files.priorites, *files.corrections)
    names = [*files.services, *files.routes, *single, files.haltes, files.criteres, files.apl, *written]
    named = [(Path(name).name if Path(name).is_absolute() else name, scheme.path(name)) for name in names if name]
    whole = [(Path(name).with_name(other.name).as_posix(), other) for name, path in named for other in companions(path)]
    return [(SCHEME_FILE, Path(scheme.folder) / SCHEME_FILE), *named, *whole]


def _file_fault(name: str, path: Path) -> str:
    """Tell what is wrong with a file that the scheme names; empty where it can be read."""
    reason = "" if name.startswith(EMBEDDED_PREFIX) else not_local(name)
    if reason:
        return f"fichier «{NBSP}{name[:_SHOWN]}{NBSP}» refusé ({reason}). {REMEDY}"
    return "" if _is_file(path) else f"fichier «{NBSP}{name[:_SHOWN]}{NBSP}» introuvable"


def _is_file(path: Path) -> bool:
    """Tell whether a file exists; a name that the system refuses (too long, a null character) is no file."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _validate(scheme: Scheme) -> None:
    faults = [fault for name, path in input_files(scheme) if (fault := _file_fault(name, path))]
    engine = scheme.mesure.moteur
    if engine not in ENGINES:
        faults.append(f"moteur «{NBSP}{engine}{NBSP}» inconnu ({', '.join(ENGINES[:-1])} ou {ENGINES[-1]})")
    if engine in ROAD_ENGINES and not scheme.fichiers.routes:
        faults.append(f"le moteur «{NBSP}{engine}{NBSP}» demande fichiers.routes")
    if scheme.mesure.moteur == "matrice" and not scheme.fichiers.minutes:
        faults.append("le moteur «\u00a0matrice\u00a0» demande fichiers.minutes")
    if not scheme.mesure.services:
        faults.append("mesure.services est vide")
    if faults:
        message = f"{scheme.code}/{SCHEME_FILE}{NBSP}: {' ; '.join(faults)}. Corrigez le fichier puis relancez."
        raise SchemeError(message)
