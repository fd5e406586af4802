"""Places of « médiation numérique » (standard of La Mednum, CSV or JSON), brought to the common grid.

Telephone numbers, e-mail addresses and presentations are not kept.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

import pandas as pd

from sdaasp_geo.french import NBSP
from sdaasp_geo.sources.french_hours import read_week_text
from sdaasp_geo.sources.grid_rows import (
    NO_CODE,
    NO_DATE,
    NO_NAME,
    Conversion,
    Left,
    commune_code,
    commune_names,
    convert,
    grid_id,
    iso_date,
    one_line,
    place,
    said_format,
)
from sdaasp_geo.sources.hours import CONVERTED, DAYS, weekly_hours

TITLE = "lieux de médiation numérique (standard de La Mednum)"
LICENCE = "Licence Ouverte 2.0"
SERVICE = "mediation-numerique"
NO_PUBLIC = "le lieu n'accueille pas de public"
HOURS_KEPT = "aux horaires non convertis, gardés tels que publiés"
UNSAID_FORMAT = "dont l'itinérance n'est pas renseignée, tenus pour fixes"
_MARKS = {"id", "nom", "commune", "code_postal", "adresse", "services", "date_maj"}
_LABELS = ("dispositif_programmes_nationaux", "formations_labels", "autres_formations_labels")
_OPTIONAL = (
    *("code_insee", "complement_adresse", "latitude", "longitude", "horaires", "itinerance", "modalites_acces"),
    *("structure_parente", "source", "frais_a_charge"),
    *_LABELS,
)
_NOT_THE_GRID = {"service", "code_commune"}
_LIST = re.compile(r"\s*[|;]\s*")
_RULE = re.compile(r"\s*;\s*|(?<=\d)\s*,\s*(?=[A-Z][a-z])")
_DAY = "|".join(DAYS)
_DAYS = re.compile(rf"(?:{_DAY})(?:-(?:{_DAY}))?(?:,(?:{_DAY})(?:-(?:{_DAY}))?)*")
_TIMES = re.compile(r"\d{1,2}:\d{2}-\d{1,2}:\d{2}(?:\s*,\s*\d{1,2}:\d{2}-\d{1,2}:\d{2})*")
_CLOSED = {"off", "closed"}
_HOLIDAYS = re.compile(r"PH\s+(?:off|closed)")


def is_mediation_list(columns: pd.Index) -> bool:
    """Tell whether a table has the columns of the standard."""
    return set(columns) >= _MARKS and not set(columns) & _NOT_THE_GRID


def mediation_to_grid(table: pd.DataFrame) -> Conversion:
    """Bring a list of places of médiation numérique to the common grid: one row per place.

    Parameters
    ----------
    table : DataFrame
        The list, all text (`delimited.read_delimited`); columns of the standard, of which ``latitude``, ``longitude``,
        ``horaires``, ``itinerance``, ``modalites_acces``, ``source``… may be missing.

    Returns
    -------
    Conversion
        A place that declares « Itinérant », even beside « Fixe », is ``itinerant``; one that can be reached only by
        booking online is ``rendez-vous``. Charges and labels fill the optional columns ``cout`` and ``qualite``.
        Left: no INSEE code, no name or identifier, no date, no reception of the public.
    """
    remarks: Counter[str] = Counter()
    rows: list[tuple[int, dict[str, str]]] = []
    left: list[Left] = []
    named = table.rename(columns={"Itinerance": "itinerance", "modalite_acces": "modalites_acces"})
    filled = named.reindex(columns=[*sorted(_MARKS), *_OPTIONAL], fill_value="")
    for number, record in zip(filled.index, filled.to_dict("records"), strict=True):
        reason = _refusal(record)
        if reason:
            code = record["code_insee"]
            left.append(Left(int(number), record["id"], record["nom"], SERVICE, code, reason))
        else:
            rows.append((int(number), _row(record, remarks)))
    return convert(TITLE, len(table), rows, left, remarks, optional=("cout", "qualite"))


def read_osm_week(text: str) -> tuple[str, str]:
    """Read hours in the OpenStreetMap syntax, when they say the days of every week and nothing else.

    Returns
    -------
    hours : str
        Hours in the strict form of the grid; empty when something else is said (seasons, weeks, comments), or when
        two rules name the same day: the second may complete or replace the first.
    remark : str
        « fermé les jours fériés » when the hours say so (the grid has no place for it).

    Examples
    --------
    >>> read_osm_week("Mo,We 9:00-12:00; Th-Fr 09:00-12:00,14:00-18:30; We off; PH off")
    ('Mo 09:00-12:00; Th-Fr 09:00-12:00,14:00-18:30', 'fermé les jours fériés')
    """
    rules = [rule for rule in _RULE.split(" ".join(text.split())) if rule]
    if rules == ["24/7"]:
        return "Mo-Su 00:00-24:00", ""
    opened: dict[int, list[tuple[str, str]]] = {}
    remark = ""
    for rule in rules:
        days, _, said = rule.partition(" ")
        if _HOLIDAYS.fullmatch(rule):
            remark = "fermé les jours fériés"
        elif not _DAYS.fullmatch(days):
            return "", ""
        elif said.strip().lower() in _CLOSED:
            opened |= {day: [] for day in _numbers(days)}
        elif not _TIMES.fullmatch(said.strip()) or any(opened.get(day) for day in _numbers(days)):
            return "", ""
        else:
            opened |= {day: _intervals(said) for day in _numbers(days)}
    hours = weekly_hours(opened) or ""
    return (hours, remark) if hours else ("", "")


def _refusal(record: dict[str, str]) -> str:
    ways = {way.lower().replace("’", "'") for way in _LIST.split(" ".join(record["modalites_acces"].split()))}
    if not commune_code(record["code_insee"]):
        return NO_CODE
    if not (record["nom"].strip() and record["id"].strip()):
        return NO_NAME
    if not iso_date(record["date_maj"]):
        return NO_DATE
    return NO_PUBLIC if "ce lieu n'accueille pas de public" in ways else ""


def _row(record: dict[str, str], remarks: Counter[str]) -> dict[str, str]:
    code = commune_code(record["code_insee"])
    position = place(record["longitude"], record["latitude"], code)
    hours, raw, closed = _hours(record["horaires"])
    shape, unsaid = _format(record)
    for remark in (position.remark, HOURS_KEPT if raw else "", UNSAID_FORMAT if unsaid else ""):
        remarks.update([remark] if remark else [])
    source = f"Lieu de médiation numérique (id {record['id']})"
    producer = f"collecté par {record['source']}" if record["source"] else ""
    return {
        "id": grid_id("mediation", record["id"]),
        "nom": " ".join(record["nom"].split()),
        "operateur": _operator(record["structure_parente"]),
        "service": SERVICE,
        "format": shape,
        "adresse": one_line(
            record["adresse"], record["complement_adresse"], f"{record['code_postal']} {record['commune']}"
        ),
        "code_commune": code,
        "commune": commune_names().get(code, record["commune"] or f"commune {code}"),
        "lon": position.lon,
        "lat": position.lat,
        "precision_position": position.precision,
        "horaires": hours,
        "horaires_bruts": raw,
        "accessibilite": "inconnue",
        "contact": "",
        "source": one_line(source, producer, closed),
        "date_maj": iso_date(record["date_maj"]),
        "licence": LICENCE,
        "cout": _listed(record["frais_a_charge"]),
        "qualite": _listed("|".join(record[name] for name in _LABELS)),
    }


def _format(record: dict[str, str]) -> tuple[str, bool]:
    """Format of the grid, and whether nothing says it."""
    declared = record["itinerance"].lower()
    if "itin" in declared:
        return "itinerant", False
    said = "" if declared else said_format(record["nom"])
    if said:
        return said, False
    if record["modalites_acces"].strip().lower() == "prendre un rdv en ligne":
        return "rendez-vous", False
    return "fixe", not declared


def _operator(parent: str) -> str:
    """Name of the parent structure; a number (SIRET) or an address is not one."""
    return "" if "@" in parent or re.fullmatch(r"[\d\s]*", parent) else " ".join(parent.split())


def _listed(text: str) -> str:
    return ", ".join(" ".join(part.split()) for part in _LIST.split(" ".join(text.split())) if part.strip())


def _hours(text: str) -> tuple[str, str, str]:
    """Hours of the grid, the published text where it does not say exactly that, and what is said of holidays."""
    if not text.strip():
        return "", "", ""
    hours, remark = read_osm_week(text)
    if hours:
        return hours, "", remark
    week = read_week_text(text)
    if week.status == CONVERTED and week.hours:
        return week.hours, "", ""
    return "", " ".join(text.replace(NBSP, " ").split()), ""


def _numbers(days: str) -> Iterator[int]:
    """Numbers of days such as ``Mo-We,Fr``; ``Sa-Mo`` goes round the week."""
    for part in days.split(","):
        first, last = DAYS.index(part[:2]), DAYS.index(part[-2:])
        yield from ((first + step) % 7 for step in range((last - first) % 7 + 1))


def _intervals(text: str) -> list[tuple[str, str]]:
    times = [part.strip().split("-") for part in text.split(",")]
    return [(start.zfill(5), end.zfill(5)) for start, end in times]
