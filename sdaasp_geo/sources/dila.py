"""The DILA directory of local public services, brought to the common grid.

Telephone numbers, fax numbers, e-mail addresses, addresses of sites, and the persons of the directory are not kept.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from sdaasp_geo.sources.dila_records import DilaRecord, dila_record
from sdaasp_geo.sources.grid_rows import (
    NO_CODE,
    NO_DATE,
    NO_NAME,
    Conversion,
    Left,
    commune_code,
    commune_names,
    convert,
    file_date,
    grid_id,
    iso_date,
    place,
    said_format,
)
from sdaasp_geo.sources.hours import CONVERTED, Week
from sdaasp_geo.sources.json_hours import read_json_hours
from sdaasp_geo.sources.service_types import DilaType, dila_type

TITLE = "DILA, annuaire des services publics locaux"
BAD_RECORD = "fiche dont la structure n'est pas celle de l'annuaire"
NO_TYPE = "fiche sans type de service local"
HOURS_KEPT = "aux horaires non convertis, gardés tels que publiés"
_ACCESS = {"ACC": "accessible", "DEM": "partielle", "NAC": "non"}
_LICENCES = {"2016": "Licence Ouverte"}
_APPOINTMENT = re.compile(r"uniquement sur rendez-vous|convenir d'un rendez-vous", re.IGNORECASE)
_ANTENNA = re.compile(r"\b(?:annexe|antenne|d[ée]l[ée]gu[ée]e|permanences?|point d'accueil)\b", re.IGNORECASE)
_CEDEX = re.compile(r"\s+cedex.*", re.IGNORECASE)


def dila_to_grid(records: Iterable[tuple[int, Mapping[str, Any]]], *, file: str) -> Conversion:
    """Bring the directory to the common grid: one row per place and service.

    Parameters
    ----------
    records : iterable of (int, mapping)
        Number of the line, and the record in one of the shapes of `dila_records`.
    file : str
        Name of the file; where a record has no date, that of the name (``annuaire-20200101.json``).

    Returns
    -------
    Conversion
        A record of several types gives a row per service, and is left only when none of its types is one. Hours that a
        comment restricts are kept as published.
    """
    remarks: Counter[str] = Counter()
    rows: list[tuple[int, dict[str, str]]] = []
    left: list[Left] = []
    lines = 0
    for lines, (number, published) in enumerate(records, start=1):  # noqa: B007 - the last is the count
        try:
            record = dila_record(published)
        except (AttributeError, TypeError, KeyError, ValueError):
            left.append(Left(number, "", "", "", "", BAD_RECORD))
            continue
        date = iso_date(record.date) or file_date(file)
        kinds = [dila_type(code, record.name) for code in record.types]
        reason = _refusal(record, kinds, date)
        if reason:
            left.append(Left(number, record.id, record.name, " ".join(record.types), record.code, reason))
        else:
            rows += [(number, row) for row in _rows(record, kinds, date, remarks)]
    return convert(TITLE, lines, rows, left, remarks)


def _refusal(record: DilaRecord, kinds: list[DilaType], date: str) -> str:
    if not commune_code(record.code):
        return NO_CODE
    if not (record.name and record.id):
        return NO_NAME
    if not kinds:
        return NO_TYPE
    if all(kind.left for kind in kinds):
        return kinds[0].left
    return "" if date else NO_DATE


def _rows(record: DilaRecord, kinds: list[DilaType], date: str, remarks: Counter[str]) -> list[dict[str, str]]:
    code = commune_code(record.code)
    position = place(record.lon, record.lat, code, precision=record.precision)
    week = read_json_hours(record.hours)
    exact = week.status == CONVERTED and not (record.note and week.hours)
    raw = "" if exact else _published(record)
    for remark in (position.remark, HOURS_KEPT if raw else ""):
        remarks.update([remark] if remark else [])
    editor = f", {record.editor}" if record.editor and "information légale" not in record.editor else ""
    shared = {
        "id": grid_id("dila", record.id),
        "nom": record.name,
        "adresse": record.address,
        "code_commune": code,
        "commune": commune_names().get(code) or _CEDEX.sub("", record.town) or f"commune {code}",
        "lon": position.lon,
        "lat": position.lat,
        "precision_position": position.precision,
        "horaires": week.hours if exact else "",
        "horaires_bruts": raw,
        "accessibilite": _ACCESS.get(record.access, "inconnue"),
        "contact": "",
        "source": f"DILA, annuaire des services publics locaux (id {record.id}){editor}",
        "date_maj": date,
        "licence": _LICENCES.get(record.edition, "Licence Ouverte 2.0"),
    }
    given: dict[str, dict[str, str]] = {}
    for kind in kinds:
        shape = _format(record, kind, week)
        for service in kind.services:
            given.setdefault(service, {**shared, "operateur": kind.operator, "service": service, "format": shape})
    return list(given.values())


def _format(record: DilaRecord, kind: DilaType, week: Week) -> str:
    said = said_format(record.name)
    if said:
        return said
    if kind.format != "fixe":
        return kind.format
    rules = week.full.split(", ") if week.full else []
    if _APPOINTMENT.search(record.note) or (rules and all("unknown" in rule for rule in rules)):
        return "rendez-vous"
    return "antenne" if _ANTENNA.search(record.name) else "fixe"


def _published(record: DilaRecord) -> str:
    """Hours as published, in words: ranges of days, times, comments."""
    ranges = [_range(entry) for entry in json.loads(record.hours)] if record.hours.strip() else []
    note = record.note if ranges or record.edition == "2022" else ""
    return " ; ".join(part for part in (*ranges, note) if part)


def _range(entry: Mapping[str, Any]) -> str:
    first, last = entry.get("nom_jour_debut") or entry.get("du"), entry.get("nom_jour_fin") or entry.get("au")
    pairs = [(entry.get(f"valeur_heure_debut_{n}"), entry.get(f"valeur_heure_fin_{n}")) for n in (1, 2)]
    pairs += [(hours.get("de"), hours.get("a")) for hours in entry.get("heures") or []]
    days = f"{first} au {last}" if last and last != first else str(first or "")
    times = " et ".join(f"{str(start)[:5]}-{str(end)[:5]}" for start, end in pairs if start and end)
    comment = f"({entry['commentaire'].strip()})" if entry.get("commentaire") else ""
    return " ".join(part for part in (days.lower(), times, comment) if part)
