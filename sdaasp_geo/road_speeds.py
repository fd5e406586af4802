"""Speeds of cars by class of road, and the other conventions of road times: dated tables, never written in code."""

from __future__ import annotations

import datetime as dt
import math
from pathlib import Path

import msgspec

from sdaasp_geo.errors import SchemeError
from sdaasp_geo.french import NBSP
from sdaasp_geo.toml_files import read_toml


class Speed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Mean speed of a car on a class of road, in kilometres per hour.

    Attributes
    ----------
    road_class : str
        Value of the OpenStreetMap key ``highway``, or ``ferry``; road layers are mapped to the same classes.
    label : str
        The class in French.
    kmh : float
        Kilometres per hour.
    explicit : bool
        True where a road of this class is for cars only when it says so.
    unit, valid_from, reference : str, dt.date, str
        Unit, first day of validity, and where the figure comes from.
    """

    road_class: str
    label: str
    kmh: float
    unit: str
    valid_from: dt.date
    reference: str
    explicit: bool = False


class Cap(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Highest mean speed on a road that carries one of ``values`` under ``key`` (surface, junction…)."""

    key: str
    values: tuple[str, ...]
    kmh: float
    unit: str
    valid_from: dt.date
    reference: str


class Limit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Legal speed limit behind a name (``urban`` of ``maxspeed=FR:urban``); a country's own is ``fr:rural``."""

    name: str
    kmh: float
    unit: str
    valid_from: dt.date
    reference: str


class RoadSetting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Another convention of road times: a value, its unit, the date it holds from and its source."""

    code: str
    value: float
    unit: str
    valid_from: dt.date
    reference: str


class RoadParameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All conventions of road times of a run."""

    speed: tuple[Speed, ...] = ()
    cap: tuple[Cap, ...] = ()
    limit: tuple[Limit, ...] = ()
    setting: tuple[RoadSetting, ...] = ()


def read_road_parameters(path: Path | None = None) -> RoadParameters:
    """Read the road conventions of the package, completed or replaced by those of a file.

    Parameters
    ----------
    path : Path, optional
        A TOML file of the same form as ``roads.toml``: a speed replaces the one of its class, a cap those of its
        values, a limit or a setting the one of its name.

    Raises
    ------
    SchemeError
        When the file cannot be read, or a speed is not above zero; the message names it.
    """
    embedded = _decode(Path(__file__).with_name("roads.toml"))
    if path is None:
        return embedded
    own = _decode(path)
    return RoadParameters(
        speed=tuple({entry.road_class: entry for entry in (*embedded.speed, *own.speed)}.values()),
        cap=(*embedded.cap, *own.cap),
        limit=tuple({entry.name: entry for entry in (*embedded.limit, *own.limit)}.values()),
        setting=tuple({entry.code: entry for entry in (*embedded.setting, *own.setting)}.values()),
    )


def _decode(path: Path) -> RoadParameters:
    fault = f"Vitesses illisibles dans {path.name}"
    found = read_toml(path, kind=RoadParameters, fault=fault, remedy="Reprenez la forme de roads.toml.")
    figures = [(f"vitesse de «{NBSP}{entry.road_class}{NBSP}»", entry.kmh) for entry in found.speed]
    figures += [(f"vitesse de «{NBSP}{entry.key}={entry.values[0]}{NBSP}»", entry.kmh) for entry in found.cap]
    figures += [(f"vitesse de «{NBSP}{entry.name}{NBSP}»", entry.kmh) for entry in found.limit]
    wrong = [f"{name} = {value:g}" for name, value in figures if not (value > 0 and math.isfinite(value))]
    wrong += [
        f"«{NBSP}{entry.code}{NBSP}» = {entry.value:g}"
        for entry in found.setting
        if not (entry.value >= 0 and math.isfinite(entry.value))
    ]
    if wrong:
        message = f"Valeurs impossibles dans {path.name}{NBSP}: {', '.join(wrong)}. Donnez un nombre supérieur à zéro."
        raise SchemeError(message)
    return found


def speeds_kmh(parameters: RoadParameters) -> dict[str, float]:
    """Return the speed of every class of road, in kilometres per hour."""
    return {entry.road_class: entry.kmh for entry in parameters.speed}


def caps_kmh(parameters: RoadParameters, key: str) -> dict[str, float]:
    """Return the caps of one key (``surface``, ``tracktype``, ``smoothness``, ``junction``), by value, in km/h."""
    return {value: entry.kmh for entry in parameters.cap if entry.key == key for value in entry.values}


def cap_keys(parameters: RoadParameters) -> tuple[str, ...]:
    """Return the keys that cap speeds, each once."""
    return tuple(dict.fromkeys(entry.key for entry in parameters.cap))


def limits_kmh(parameters: RoadParameters) -> dict[str, float]:
    """Return the legal limits behind names, in kilometres per hour."""
    return {entry.name: entry.kmh for entry in parameters.limit}


def road_setting(parameters: RoadParameters, code: str) -> float:
    """Return one setting by its code, in its unit.

    Raises
    ------
    SchemeError
        When it does not exist.
    """
    for entry in parameters.setting:
        if entry.code == code:
            return entry.value
    message = f"Paramètre «{NBSP}{code}{NBSP}» absent. Ajoutez-le au fichier des vitesses."
    raise SchemeError(message)
