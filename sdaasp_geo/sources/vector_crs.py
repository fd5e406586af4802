"""The coordinate system that a layer declares: one that PROJ knows or computes alone, without a file or an address.

PROJ opens what a system names: grids, tables of parameters, also over the network where it is enabled. So the text of a
file is judged before PROJ reads it, and what PROJ made of it before anything is transformed. Of the 9,451 systems that
PROJ knows (EPSG, IGNF, ESRI), none is taken for one that names a file.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pyproj
import pyproj.network

from sdaasp_geo.errors import Fault, InputError

_ELSEWHERE = re.compile(r"grids|PROJ4|://|@|PARAMETERFILE|\b(?:init|file|model|catalog)\s*=", re.IGNORECASE)
"""What names a file or an address in WKT, in PROJJSON or in a text of PROJ (``+nadgrids=``, ``+init=``, ``+file=``)."""

_WEB_MERCATOR = re.compile(
    r'EXTENSION\["PROJ4","\+proj=merc'
    r'(?: \+(?:nadgrids=@null|wktext|no_defs|(?:a|b|R|lat_ts|lon_0|x_0|y_0|k|units)=[\w.-]{1,20}))*"\]'
)
"""What GDAL writes in WKT for EPSG:3857: a grid that says there is none."""

_FORM = re.compile(r"[A-Za-z]{1,20}:[\w.-]{1,60}|[A-Z_]{3,30}\s*\[.*", re.DOTALL)
"""An identifier, or WKT; a text of PROJ is neither."""

_PROJ_KEYS = {"proj", "init"}
"""With one of these, pyproj takes an object for a text of PROJ."""

_BOUND = "BOUNDCRS["
_SCHEMA = re.compile(r'"\$schema": "https://proj\.org/schemas/[\w./-]{1,60}"')
_FILE_VALUE = re.compile(r'"value": "')
"""In PROJJSON the value of a parameter is a number, or the name of a file."""

_REMEDY = "Enregistrez la couche dans un système de coordonnées publié (EPSG)."


def stay_local() -> None:
    """Forbid PROJ to fetch grids, whatever ``PROJ_NETWORK`` says: nothing is read over the network."""
    pyproj.network.set_network_enabled(active=False)  # type: ignore[attr-defined]


def names_elsewhere(text: str) -> bool:
    """Tell whether the text of a coordinate system names a file or an address."""
    return bool(_ELSEWHERE.search(_WEB_MERCATOR.sub("", text)))


def check_declared(declared: Any, *, file: str) -> None:  # noqa: ANN401 - text, or PROJJSON as given
    """Refuse the declaration of a coordinate system that PROJ must not read.

    Parameters
    ----------
    declared : str, dict or None
        Identifier, WKT or PROJJSON; None where there is none.
    file : str
        Name of the file, for the fault.

    Raises
    ------
    InputError
        Another form than these, a file or an address.
    """
    if declared is None:
        return
    if isinstance(declared, dict):
        text = _SCHEMA.sub("", json.dumps(declared))
        good = not (_PROJ_KEYS & declared.keys() or names_elsewhere(text) or _FILE_VALUE.search(text))
    else:
        good = isinstance(declared, str) and bool(_FORM.fullmatch(declared)) and not names_elsewhere(declared)
    if not good:
        raise InputError([elsewhere(file)])


def check_usable(crs: pyproj.CRS | None, *, file: str) -> None:
    """Refuse a coordinate system from which no position can be computed, or only with another file.

    Parameters
    ----------
    crs : CRS or None
        As read; None passes, readers tell it with their other faults. One bound to WGS 84 by seven figures
        (``TOWGS84``) passes.
    file : str
        Name of the file, for the fault.

    Raises
    ------
    InputError
        One fault.
    """
    if crs is None:
        return
    try:
        text = crs.to_wkt()
        if not text or names_elsewhere(text) or text.count(_BOUND) > _seven_figures(crs):
            raise InputError([elsewhere(file)])
        pyproj.Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
    except pyproj.exceptions.ProjError as error:
        raise InputError([unusable(file)]) from error


def unusable(file: str) -> Fault:
    """Return the fault of a layer whose coordinate system PROJ cannot use."""
    return Fault(file, None, "", "", "un système de coordonnées utilisable", _REMEDY)


def _seven_figures(crs: pyproj.CRS) -> bool:
    """Tell whether a system is bound to WGS 84 by figures alone; asked of another kind, PROJ would open its file."""
    operation = crs.coordinate_operation if crs.is_bound else None
    return operation is not None and bool(operation.towgs84)


def elsewhere(file: str) -> Fault:
    """Return the fault of a layer whose coordinate system names a file or an address."""
    return Fault(file, None, "", "", "un système de coordonnées sans fichier ni adresse", _REMEDY)
