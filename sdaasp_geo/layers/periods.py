"""Dates and periods in French words: kept as written, and read where they leave no doubt.

Seasons are those of meteorologists (spring: March to May); a school year runs from 1 September to 31 August. Words that
blur a bound (« fin 2018 », « dès 2017 », « tout au long du schéma ») leave it out, or say so: nothing is guessed.
"""

from __future__ import annotations

import calendar
import datetime as dt
import re
from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise

from sdaasp_geo.action_plan import Period, fold
from sdaasp_geo.french import MONTHS

NO_DATE = "aucune date reconnue"
NO_END = "fin non précisée"
NO_START = "début non précisé"
WHOLE_SCHEME = "durée du schéma ou action récurrente, sans date"
ONLY_YEAR = "bornes approximatives"
NO_SUCH_DAY = "jour ou mois qui n'existe pas"
WINTER = "hiver à cheval sur deux années"
REVERSED = "fin avant le début"
APART = "périodes qui ne se suivent pas"

_Days = tuple[dt.date | None, dt.date | None, str]
_YEAR = r"(?:19|20)\d{2}"
_MONTH_NAMES = {fold(month): rank for rank, month in enumerate(MONTHS, start=1)}
_MONTH_NAMES |= {"janv": 1, "fevr": 2, "fev": 2, "avr": 4, "juil": 7, "sept": 9, "oct": 10, "nov": 11, "dec": 12}
_MONTH = "|".join(sorted(_MONTH_NAMES, key=len, reverse=True))
_SEASONS = {"printemps": (3, 5), "ete": (6, 8), "automne": (9, 11), "rentree": (9, 9)}
_RANKS = {"premier": 1, "deuxieme": 2, "second": 2, "seconde": 2, "troisieme": 3, "quatrieme": 4}
_PARTS = {"semestre": 2, "s": 2, "trimestre": 4, "t": 4}
_FILLER = re.compile(
    r"(?:en|au|aux|a|le|la|l|courant|pendant|durant|dans|cours|du|de|d|des|mois|annees?|periode|saison)\s+"
)
_BOUND = re.compile(
    r"(?P<from>des|a partir|a compter|depuis|apres|avant|jusqu|jusque|d ici|au plus tard|echeance)\s+(?P<point>.+)"
)
_STARTS = ("des", "a partir", "a compter", "depuis", "apres")
_BLURRED = re.compile(r"(?:(?:tout )?debut|(?:toute )?fin|mi -|mi|milieu|vers|environ|horizon|l horizon)\s+(.+)")
_SCHEME = re.compile(r"\b(?:schema|permanent\w*|continu|annuel\w*|chaque annee|tous les ans|recurrent\w*)\b")
_RANGE = re.compile(r"\s+(?:jusqu a|jusqu au|jusqu en|a|au)\s+|\s*-\s*")
_AND = re.compile(r"\s+et\s+|\s*,\s*")


@lru_cache(maxsize=65536)
def read_period(words: str) -> Period:
    """Read a date or a period.

    Parameters
    ----------
    words : str
        Such as « 2018 », « printemps 2018 », « 2e semestre 2019 », « 2018-2020 », « de mars à juin 2018 »,
        « 30/06/2018 », « avant le 30 juin 2018 ».

    Returns
    -------
    Period
        ``start`` and ``end`` are the first and the last day, None where the words do not give them; ``reason`` says
        why, in French, and is empty when both are sure (or when there are no words).
    """
    text = _plain(words)
    if not text:
        return Period(words=words, reason=NO_DATE if words.strip() else "")
    start, end, reason = _days(text)
    if start and end and start > end:
        start, end, reason = None, None, REVERSED
    return Period(words=words, start=start, end=end, reason=reason)


def span_of(first: Period, last: Period) -> Period:
    """Return the period from the first day of one to the last day of the other.

    Where the second has no words, the end of the first is the end only when its words name one (« 2018-2020 », « de
    mars à juin 2018 »): a start alone (« printemps 2018 ») does not say when the action ends.
    """
    words = " – ".join(dict.fromkeys(part for part in (first.words.strip(), last.words.strip()) if part))
    if not last.words.strip():
        if first.start is None or first.end is None or _names_both(first.words):
            return Period(words=words, start=first.start, end=first.end, reason=first.reason)
        return Period(words=words, start=first.start, reason=first.reason or NO_END)
    if not first.words.strip():
        return Period(words=words, end=last.end, reason=NO_START if last.end else last.reason)
    if first.start and last.end and first.start > last.end:
        return Period(words=words, reason=REVERSED)
    reasons = (
        (first.reason or NO_START) if first.start is None or first.reason == ONLY_YEAR else "",
        (last.reason or NO_END) if last.end is None or last.reason == ONLY_YEAR else "",
    )
    return Period(words=words, start=first.start, end=last.end, reason=next((text for text in reasons if text), ""))


def _names_both(words: str) -> bool:
    text = _stripped(_plain(words))
    return _point(text) is None and _pair(text) is not None


def _plain(words: str) -> str:
    """Fold words, keep the commas, dashes and slashes that part dates, and write ISO dates with slashes."""
    text = re.sub(r"\b(\d{4})-(\d{1,2})-(\d{1,2})(?:[ T]\d{2}:\d{2}(?::\d{2})?)?(?!\d)", r"\3/\2/\1", words)
    text = re.sub(r"\b(\d{4})-(0[1-9]|1[0-2])\b(?![-/])", r"\2/\1", text)
    text = re.sub(r"\b(\d{1,2})[.-](\d{1,2})[.-](\d{4})\b", r"\1/\2/\3", text)
    text = re.sub(r"(?<![-/.\w])(\d{1,2})-(\d{4})\b(?![-/])", r"\1/\2", text)
    parts = re.split(r"([-–—\u2212/,])", text)
    marks = {",": " , ", "/": "/"}
    folded = "".join(marks.get(part, " - ") if at % 2 else fold(part) for at, part in enumerate(parts))
    return " ".join(folded.split()).strip(" -/,")


def _stripped(text: str) -> str:
    found = _FILLER.match(text)
    return _stripped(text[found.end() :]) if found else text


def _days(text: str) -> _Days:
    """Read bounds, then blurs, then one point of the calendar, then two."""
    bound = _BOUND.fullmatch(text)
    if bound:
        return _one_sided(bound["from"], _days(bound["point"]))
    plain = _stripped(text)
    blurred = _BLURRED.fullmatch(plain)
    if blurred:
        start, end, reason = _days(blurred[1])
        return start, end, reason or ONLY_YEAR
    nothing = (None, None, WHOLE_SCHEME if _SCHEME.search(plain) else NO_DATE)
    return _point(plain) or _pair(plain) or nothing


def _one_sided(word: str, days: _Days) -> _Days:
    """Read « dès 2018 », « avant 2020 » (it ends the day before), « avant le 30 juin » (that day is the last one)."""
    start, end, reason = days
    if start is None or end is None:
        return None, None, reason or NO_DATE
    day = dt.timedelta(days=1)
    if word in _STARTS:
        return end + day if word == "apres" else start, None, reason or NO_END
    if word == "avant" and start != end and not reason:
        return None, start - day, NO_START
    return None, end, reason or (ONLY_YEAR if word == "d ici" and start != end else NO_START)


def _pair(text: str) -> _Days | None:
    """Read « de mars à juin 2018 », « 2018-2020 », « entre le 2 et le 20 juin 2018 »: see :func:`_completed`."""
    joined = _AND.split(text.removeprefix("entre "))
    if text.startswith("entre ") and len(joined) == 2:  # noqa: PLR2004 - two bounds
        return _bounds(joined[0], joined[1])
    if len(joined) > 1:
        return _following(joined)
    parts = _RANGE.split(text, maxsplit=1)
    if len(parts) == 1 and text.count("/") == 1:
        parts = text.split("/")
    return _bounds(parts[0], parts[1]) if len(parts) > 1 else None


def _bounds(first: str, last: str) -> _Days | None:
    end = _point(_stripped(last))
    start = _point(_stripped(first)) or _completed(_stripped(first), _stripped(last))
    if start is None or end is None:
        return None
    return start[0], end[1], start[2] or end[2]


def _completed(text: str, last: str) -> _Days | None:
    """Read a point that leaves its year, or its month, to the last one: « mars » or « 3 » of « 3 au 5 avril 2019 »."""
    year = re.search(rf"{_YEAR}$", last)
    if year is None:
        return None
    number = re.fullmatch(r"(\d{1,2})(?P<day> ?er)?", text)
    if number is None:
        gap = "/" if re.fullmatch(r"\d{1,2}/\d{1,2}", text) else " "
        return _point(f"{text}{gap}{year.group()}")
    # a number alone is what the number of the last one is: a day, or a month (« 3-6/2018 »)
    leading = re.match(r"\d{1,2}(?: ?er)?(?=[/ ])", last)
    found = _point(f"{number[1]}{last[leading.end() :]}") if leading else None
    return None if found and number["day"] and found[0] != found[1] else found


def _following(parts: list[str]) -> _Days | None:
    """Read « 2018, 2019 et 2020 » or « juin et juillet 2018 »: one period where each follows the one before."""
    plain = [_stripped(part) for part in parts]
    points = [_point(part) or _completed(part, plain[-1]) for part in plain]
    known = [(point[0], point[1]) for point in points if point is not None and point[0] and point[1]]
    if len(known) < len(points):
        return None
    day = dt.timedelta(days=1)
    if any(before[1] + day != after[0] for before, after in pairwise(known)):
        return None, None, APART
    return known[0][0], known[-1][1], ""


def _point(text: str) -> _Days | None:
    """Read one point of the calendar: a day, a month, a part of a year, a season, a year; None where it is not one."""
    for pattern, read in _POINTS:
        found = pattern.fullmatch(text)
        if found:
            return read(found)
    return None


def _day(found: re.Match[str]) -> _Days:
    name = found["month"]
    try:
        day = dt.date(int(found["year"]), _MONTH_NAMES.get(name) or int(name), int(found["day"]))
    except ValueError:
        return None, None, NO_SUCH_DAY
    return day, day, ""


def _months(year: int, first: int, last: int) -> _Days:
    return dt.date(year, first, 1), dt.date(year, last, calendar.monthrange(year, last)[1]), ""


def _month(found: re.Match[str]) -> _Days:
    month = _MONTH_NAMES.get(found["month"]) or int(found["month"])
    exists = 1 <= month <= len(MONTHS)
    return _months(int(found["year"]), month, month) if exists else (None, None, NO_SUCH_DAY)


def _part(found: re.Match[str]) -> _Days:
    """Read a semester or a quarter."""
    parts = _PARTS[found["unit"]]
    rank = _RANKS.get(found["rank"]) or int(found["rank"])
    if not 1 <= rank <= parts:
        return None, None, NO_DATE
    length = len(MONTHS) // parts
    return _months(int(found["year"]), length * (rank - 1) + 1, length * rank)


def _two_years(found: re.Match[str]) -> _Days:
    """Read a winter or a school year, which two years name."""
    first, last = int(found["year"]), int(found["next"])
    if last != first + 1:
        return None, None, NO_DATE
    if found["kind"] == "hiver":
        return dt.date(first, 12, 1), _months(last, 2, 2)[1], ""
    return dt.date(first, 9, 1), dt.date(last, 8, 31), ""


_Y = rf"(?P<year>{_YEAR})"
_RANK = rf"(?P<rank>\d|{'|'.join(_RANKS)})(?:er|ere|e|eme|nd|nde|ieme)?"
_READERS: tuple[tuple[str, Callable[[re.Match[str]], _Days]], ...] = (
    (_Y, lambda found: _months(int(found["year"]), 1, 12)),
    (rf"(?P<day>\d{{1,2}})/(?P<month>\d{{1,2}})/{_Y}", _day),
    (rf"(?P<day>\d{{1,2}})(?: ?er)? (?P<month>{_MONTH}) {_Y}", _day),
    (rf"(?P<month>{_MONTH}) {_Y}", _month),
    (rf"(?P<month>\d{{1,2}})/{_Y}", _month),
    (rf"{_RANK} (?P<unit>semestre|trimestre) {_Y}", _part),
    (rf"(?P<unit>semestre|trimestre|[st]) ?(?P<rank>\d) {_Y}", _part),
    (rf"(?P<season>{'|'.join(_SEASONS)}) {_Y}", lambda found: _months(int(found["year"]), *_SEASONS[found["season"]])),
    (rf"(?P<kind>hiver|scolaire) {_Y} ?[-/] ?(?P<next>{_YEAR})", _two_years),
    (rf"hiver {_Y}", lambda _found: (None, None, WINTER)),
)
_POINTS = tuple((re.compile(pattern), read) for pattern, read in _READERS)
