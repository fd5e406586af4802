"""Layers to a PostGIS base, and back from it to a GeoPackage."""

from __future__ import annotations

from pathlib import Path

from sdaasp_geo.errors import OutputError
from sdaasp_geo.french import NBSP
from sdaasp_geo.outputs.geopackage import build_layers, write_geopackage
from sdaasp_geo.outputs.postgis import Written, check_base, read_postgis, write_postgis
from sdaasp_geo.outputs.postgis_base import schema_name
from sdaasp_geo.scheme import Scheme
from sdaasp_geo.study import Measures, Study


def check_destination(scheme: Scheme, url: str) -> str:
    """Check, before measuring, that the base will take the layers of a scheme.

    Parameters
    ----------
    scheme : Scheme
        Its code and its edition name the schema.
    url : str
        ``postgresql://user@host:port/base``.

    Returns
    -------
    str
        The address, without user nor password.

    Raises
    ------
    OutputError
        The base does not answer, has no PostGIS, refuses the schema; or the extra ``postgis`` is not installed.
    """
    return check_base(url, schema=schema_name(scheme))


def send_layers(study: Study, measures: Measures, url: str) -> Written:
    """Write the layers of a run in a base: all of them in one transaction, in the schema of the edition.

    Raises
    ------
    OutputError
        As `check_destination`; nothing was changed in the base.
    """
    return write_postgis(build_layers(study, measures), url, schema=schema_name(study.scheme))


def fetch_layers(url: str, schema: str, path: Path) -> Path:
    """Write in a GeoPackage the layers that a base holds, with their styles and records.

    Parameters
    ----------
    url, schema : str
        Where `send_layers` wrote.
    path : Path
        A file that does not exist yet.

    Raises
    ------
    OutputError
        The base does not answer or holds no such schema; the file exists, or its folder does not.
    """
    if path.exists() or not path.parent.is_dir():
        message = f"{path} existe, ou son dossier n'existe pas{NBSP}: rien n'a été écrit. Donnez un autre nom."
        raise OutputError(message)
    return write_geopackage(read_postgis(url, schema), path)
