"""Which names may stand for a local file, and which files are read with one.

Those that GDAL or the system would take for something else may not.

A path may leave the folder of its scheme (``../partage/lieux.csv``): several schemes of one person often share a
folder, and a reader opens it as plain data. What is refused is what would leave the disk, or is not a file but an
instruction.
"""

from __future__ import annotations

import re
from pathlib import Path

from sdaasp_geo.french import NBSP

REMEDY = f"Copiez le fichier sur ce poste et donnez son chemin{NBSP}: rien n'est lu sur le réseau."
_VIRTUAL = re.compile(r"(?:^|[/\\])vsi[a-z0-9_]*(?:$|[/\\?])", re.IGNORECASE)
_NETWORK = re.compile(r"^(?:\\\\|//)")
_INSTRUCTION = re.compile(r"^[A-Za-z][A-Za-z0-9_+.-]+:")
_MARKUP = re.compile(r"^\s*[<{]")
_SHAPEFILE_PARTS = frozenset({".shx", ".dbf", ".prj", ".cpg"})


def not_local(name: str) -> str:
    r"""Tell why a name does not stand for a local file; empty where it may.

    Parameters
    ----------
    name : str
        A path as a person writes it, relative or absolute; one letter and a colon is a Windows drive.

    Examples
    --------
    >>> not_local("../partage/lieux.csv"), not_local("C:\\sig\\communes.gpkg"), not_local("/srv/sig/communes.shp")
    ('', '', '')
    >>> not_local("/vsicurl/http://exemple.fr/a.gpkg"), not_local("PG:dbname=x")
    ('un chemin virtuel de GDAL', 'une adresse ou une connexion')
    """
    if "\0" in name:
        return "un nom qui contient un caractère nul"
    if _VIRTUAL.search(name):
        return "un chemin virtuel de GDAL"
    if _NETWORK.match(name):
        return "un partage réseau"
    if _INSTRUCTION.match(name):
        return "une adresse ou une connexion"
    return "un texte d'instructions" if _MARKUP.match(name) else ""


def companions(path: Path) -> list[Path]:
    """Return the files that are read with one: the parts of a Shapefile, what SQLite has not yet put in a GeoPackage.

    A file that cannot be looked at has none. They change what is read, so that they are inputs as the file is.
    """
    try:
        if path.suffix.lower() == ".shp":
            beside = (other for other in path.parent.iterdir() if other.stem == path.stem)
            return sorted(other for other in beside if other.suffix.lower() in _SHAPEFILE_PARTS)
        log = path.resolve().with_name(f"{path.resolve().name}-wal")
        return [log] if path.suffix.lower() == ".gpkg" and log.is_file() and log.stat().st_size else []
    except (OSError, ValueError, RuntimeError):  # RuntimeError: a link that leads to itself
        return []
