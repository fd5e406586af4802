"""What the tags of an OpenStreetMap way say of cars: class, direction, access, speed. It knows no file and no place."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from sdaasp_geo import road_speeds
from sdaasp_geo.road_speeds import RoadParameters

Tags = Mapping[str, str]

_ACCESS = ("motorcar", "motor_vehicle", "vehicle", "access")
_CLOSED = frozenset(
    {"no", "private", "agricultural", "forestry", "emergency", "psv", "bus", "taxi", "military", "delivery", "permit"}
    | {"residents", "employees", "official", "restricted", "disused", "impassable"}
)
_OPEN = frozenset({"yes", "permissive", "designated", "destination", "customers", "hov", "public", "unknown"})
_ONEWAY = ("oneway:motorcar", "oneway:motor_vehicle", "oneway:vehicle", "oneway")
_DIRECTIONS = {
    **dict.fromkeys(("yes", "1", "true"), (True, False)),
    **dict.fromkeys(("-1", "reverse"), (False, True)),
    **dict.fromkeys(("no", "0", "false", "alternating"), (True, True)),
    "reversible": (False, False),
}
_NO_ROAD = {
    "area": "yes",
    "impassable": "yes",
    "status": "impassable",
    "smoothness": "impassable",
    "service": "emergency_access",
}
_BARRIERS = frozenset(
    {"bollard", "block", "jersey_barrier", "chain", "cycle_barrier", "log", "debris", "planter", "turnstile", "stile"}
    | {"kissing_gate", "full-height_turnstile", "motorcycle_barrier", "tank_trap", "hampshire_gate", "horse_stile"}
)
_MPH_KMH = 1.609344
_NUMBER = re.compile(r"(\d+(?:\.\d+)?)\s*(mph|km/h|kmh|kph)?")
_CLOCK = re.compile(r"(\d{1,6}):([0-5]\d)(?::([0-5]\d))?")
_ISO = re.compile(r"PT(?=\d)(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,6})S)?")
_MINUTES = re.compile(r"\d{1,6}")

NO_DECLARED_CARS = "bac sans accès automobile déclaré"
CONDITIONAL = "fermeture conditionnelle (saison, heures) non appliquée"
UNREADABLE_LIMIT = "vitesse limite illisible, celle de la classe est gardée"
UNREADABLE_DURATION = "durée de bac illisible, longueur / vitesse à la place"
UNKNOWN_ACCESS = "valeur d'accès inconnue, voie gardée"
UNKNOWN_ONEWAY = "sens unique illisible, double sens gardé"
ALTERNATING = "sens unique alterné, double sens gardé"


@dataclass(frozen=True)
class Rules:
    """Speed tables made ready for reading many ways: km/h by class, by tag and by name of limit."""

    speeds: Mapping[str, float]
    explicit: frozenset[str]
    caps: Mapping[str, Mapping[str, float]]
    limits: Mapping[str, float]
    limit_share: float


@dataclass(frozen=True)
class CarWay:
    """A way open to cars: NaN speed = closed in that direction, NaN duration = length / speed."""

    road_class: str
    name: str
    forward_kmh: float
    backward_kmh: float
    duration_min: float


def rules_of(parameters: RoadParameters) -> Rules:
    """Make the tables ready."""
    return Rules(
        speeds=road_speeds.speeds_kmh(parameters),
        explicit=frozenset(entry.road_class for entry in parameters.speed if entry.explicit),
        caps={key: road_speeds.caps_kmh(parameters, key) for key in road_speeds.cap_keys(parameters)},
        limits=road_speeds.limits_kmh(parameters),
        limit_share=road_speeds.road_setting(parameters, "part-vitesse-limite"),
    )


def car_way(tags: Tags, rules: Rules, noticed: Counter[str]) -> CarWay | str:
    """Read one way.

    Parameters
    ----------
    tags : mapping
        With ``highway`` or ``route``.
    rules : Rules
        The speed tables.
    noticed : Counter
        Receives what was seen and not applied.

    Returns
    -------
    CarWay or str
        The way, or the reason why cars may not use it.
    """
    road_class = tags.get("highway", "ferry")
    doors = [_access(tags, direction) for direction in ("forward", "backward")]
    refusal = _no_road(tags, road_class, rules) or _no_access(doors, road_class, rules)
    if refusal:
        return refusal
    ways = _oneway(tags, road_class, noticed)
    kmh = [
        _kmh(tags, direction, rules, road_class) if way and value not in _CLOSED else math.nan
        for direction, way, (_, value) in zip(("forward", "backward"), ways, doors, strict=True)
    ]
    if all(math.isnan(speed) for speed in kmh):
        return "oneway=reversible" if not any(ways) else "aucun sens ouvert"
    _notice(tags, doors, rules, noticed)
    name = tags.get("name") or tags.get("ref", "")
    return CarWay(road_class, name, kmh[0], kmh[1], _duration(tags, road_class, noticed))


def blocks_cars(tags: Tags) -> bool:
    """Return whether a node (a bollard, a locked gate) stops cars."""
    _, access = _access(tags, "forward")
    if access:
        return access in _CLOSED
    return tags.get("barrier") in _BARRIERS and tags.get("bollard") != "rising"


def _access(tags: Tags, direction: str) -> tuple[str, str]:
    """Return the tag that rules the access of cars in a direction, and its value; empty where nothing is said."""
    for key in _ACCESS:
        for name in (f"{key}:{direction}", key):
            if name in tags:
                values = [value.strip() for value in tags[name].split(";")]
                return name, next((value for value in values if value not in _CLOSED), values[0])
    return "", ""


def _no_road(tags: Tags, road_class: str, rules: Rules) -> str:
    """Return why a way is no road at all, empty where it is one."""
    if road_class == "ferry" and tags.get("route") != "ferry":
        return f"route={tags.get('route', '')}"
    if road_class not in rules.speeds:
        return road_class or "highway="
    return next((f"{key}={value}" for key, value in _NO_ROAD.items() if tags.get(key) == value), "")


def _no_access(doors: list[tuple[str, str]], road_class: str, rules: Rules) -> str:
    """Return why cars may not use a road in any direction, empty where they may."""
    if all(value in _CLOSED for _, value in doors):
        key, value = doors[0]
        return f"{key.removesuffix(':forward')}={value}"
    if road_class in rules.explicit and not any(value in _OPEN for _, value in doors):
        return NO_DECLARED_CARS if road_class == "ferry" else road_class
    return ""


def _oneway(tags: Tags, road_class: str, noticed: Counter[str]) -> tuple[bool, bool]:
    for key in _ONEWAY:
        value = tags.get(key)
        if value is None:
            continue
        if value in _DIRECTIONS:
            noticed[ALTERNATING] += value == "alternating"
            return _DIRECTIONS[value]
        noticed[UNKNOWN_ONEWAY] += 1
    implied = road_class == "motorway" or tags.get("junction") in {"roundabout", "circular"}
    return True, not implied


def _kmh(tags: Tags, direction: str, rules: Rules, road_class: str) -> float:
    speed = rules.speeds[road_class]
    for key, caps in rules.caps.items():
        if key in tags:
            speed = min(speed, caps.get(tags[key], math.inf))
    for key in (f"maxspeed:{direction}", "maxspeed", "maxspeed:type", "source:maxspeed", "zone:maxspeed"):
        limit = limit_kmh(tags[key], rules) if key in tags else None
        if limit is not None:
            return min(speed, limit * rules.limit_share)
    return speed


def limit_kmh(value: str, rules: Rules) -> float | None:
    """Return a legal limit in km/h: ``50``, ``30 mph``, ``FR:urban``, ``FR:zone30``; None where it cannot be read.

    ``none`` is infinite; of several values (``50;30``) the lowest is kept; zero or less is no limit.
    """
    found = [_one_limit(part.strip().lower(), rules) for part in value.split(";")]
    read = [limit for limit in found if limit is not None]
    return min(read) if read else None


def _one_limit(value: str, rules: Rules) -> float | None:
    if value == "none":
        return math.inf
    if value in rules.limits:
        return rules.limits[value]
    country, _, name = value.rpartition(":")
    if country and name in rules.limits:
        return rules.limits[name]
    match = _NUMBER.fullmatch(name.removeprefix("zone").strip())
    if match is None:
        return None
    limit = float(match[1]) * (_MPH_KMH if match[2] == "mph" else 1.0)
    return limit if limit > 0 else None


def _duration(tags: Tags, road_class: str, noticed: Counter[str]) -> float:
    """Return the stated duration of a ferry in minutes; NaN where there is none."""
    if road_class != "ferry" or "duration" not in tags:
        return math.nan
    minutes = duration_min(tags["duration"])
    noticed[UNREADABLE_DURATION] += math.isnan(minutes)
    return minutes


def duration_min(value: str) -> float:
    """Return minutes of ``HH:MM``, ``HH:MM:SS``, ``MM`` or ``PT1H30M``; NaN where unreadable or zero."""
    text = value.strip()
    match = _CLOCK.fullmatch(text) or _ISO.fullmatch(text.upper())
    if match is not None:
        hours, minutes, seconds = (int(part or 0) for part in match.groups())
        total = 60 * hours + minutes + seconds / 60
    else:
        total = float(text) if _MINUTES.fullmatch(text) else math.nan
    return total if total > 0 else math.nan


def _notice(tags: Tags, doors: list[tuple[str, str]], rules: Rules, noticed: Counter[str]) -> None:
    noticed[UNKNOWN_ACCESS] += any(value and value not in _OPEN and value not in _CLOSED for _, value in doors)
    noticed[CONDITIONAL] += any(f"{key}:conditional" in tags for key in (*_ACCESS, "oneway"))
    limit = tags.get("maxspeed")
    noticed[UNREADABLE_LIMIT] += limit is not None and limit_kmh(limit, rules) is None
