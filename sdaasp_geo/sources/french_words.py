"""The words of French opening hours: days, times, dashes, and what conditions them."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

from sdaasp_geo.sources.hours import EVERY_WEEK, NOT_PUBLISHED, Condition

FRENCH_DAYS = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")
EVEN_WEEKS, ODD_WEEKS = Condition(period="week 02-52/2"), Condition(period="week 01-53/2")
APPOINTMENT = Condition(appointment=True)

UNKNOWN_TEXT = "texte non compris"
TOO_LONG = "texte trop long pour des horaires"
_LONGEST = 10_000  # characters: the longest of the published lists has about 300
UNPAIRED_TIMES = "heures qui ne vont pas par paires"
UNCLEAR_SCOPE = "portée du rendez-vous ou de la semaine incertaine"
UNCLEAR_DAYS = "suite de jours qui peut être une liste ou une période"
SILENT_DAY = "jour dont rien n'est dit"
UNSTATED_WEEKS = "semaines ou jours du mois non précisés"
SCHOOL_HOLIDAYS = "vacances scolaires sans calendrier"
UNSTATED_SEASON = "saison sans dates"
NO_STOPS = "tournée ou permanences sans planning"

_HINTS = (
    (r"vacances", SCHOOL_HOLIDAYS),
    (r"planning|tournee|itineran", NO_STOPS),
    (r"\d (?:lundi|mardi|mercredi|jeudi|vendredi|samedi)s? (?:sur|par)|mois|sauf|except", UNSTATED_WEEKS),
    (r"\b(?:ete|hiver)\b", UNSTATED_SEASON),
)
_MONTHS = ("janv", "fevr", "mars", "avr", "mai", "juin", "juil", "aout", "sept", "oct", "nov", "dec")
_OSM_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_RANKS = {"premier": "1", "deuxieme": "2", "second": "2", "troisieme": "3", "quatrieme": "4", "dernier": "-1"}

_DAY = r"(?:lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche)s?\b|(?:lun|mar|mer|jeu|ven|sam|dim)\b\.?"
_RANK = rf"(?:[1-5] ?(?:ers?|emes?|e|nds?|ndes?)|{'|'.join(_RANKS)})\b"
_MONTH = rf"(?:{'|'.join(_MONTHS)})[a-z]*\.?"
_APPOINTMENT = r"(?:rdv|rendez[- ]?vous)"
_BARE_HOUR = r"\d{1,2}(?= ?(?:-|a\b) ?\d{1,2}(?: ?h|:))"
_WORDS = re.compile(
    "|".join(
        (
            rf"(?P<nth>{_RANK}(?: ?(?:,|et) ?{_RANK})* (?:{_DAY}) (?:du|de chaque) mois)",
            rf"(?P<months>{_MONTH} ?(?:-|a\b) ?{_MONTH})",
            r"(?P<summer>(?:l')?ete\b)",
            r"(?P<even>semaines? paires?\b)",
            r"(?P<odd>semaines? impaires?\b)",
            rf"(?P<free>sans {_APPOINTMENT}\b)",
            rf"(?P<appointment>(?:(?:uniquement|seulement) )?(?:(?:sur|avec) )?{_APPOINTMENT}\b(?: uniquement)?)",
            rf"(?P<day>(?:{_DAY}))",
            r"(?P<everyday>tous les jours\b|7 ?j ?/ ?7)",
            r"(?P<closed>(?:espace )?ferme(?:e|ture)?\b(?: ce jour\b)?)",
            r"(?P<vague>(?:l')?(?:matin|apres-midi|journee)s?\b)",
            r"(?P<unpublished>(?:horaires )?non (?:communique|renseigne|publie)e?s?\b|\bnc\b)",
            r"(?P<tight>(?<!\d)\d{1,2}:\d{2}(?!\d))",
            r"(?P<french>(?<!\d)\d{1,2} ?h ?\d{2}(?! ?[:h]|\d))",
            r"(?P<spaced>(?<!\d)\d{1,2} ?: ?\d{2}(?! ?:| ?\d))",
            r"(?P<hour>(?<!\d)\d{1,2} ?(?:h(?:eures?)?\b|:)(?! ?:|\d))",
            rf"(?P<bare>(?<!\d){_BARE_HOUR})",
            r"(?P<noon>midi\b)",
            r"(?P<midnight>minuit\b)",
            r"(?P<regimes>//)",
            r"(?P<separator>[/,;+&.]|(?:et|puis)\b)",
            r"(?P<dash>-|(?:a|au|jusqu'a)\b)",
            r"(?P<open>\()",
            r"(?P<close>\))",
            r"(?P<filler>:|(?:de|du|des|le|la|les|ouvert(?:e|ure)?)\b|d'|l')",
            r"(?P<space> +)",
        )
    )
)
_CONDITIONS = {"appointment": APPOINTMENT, "even": EVEN_WEEKS, "odd": ODD_WEEKS, "free": EVERY_WEEK}
_TIMES = frozenset({"tight", "french", "spaced", "hour", "bare", "noon", "midnight"})
LINKS = frozenset({"separator", "regimes"})
_DAY_MIN = 1440


class Word(NamedTuple):
    """A word: its kind, its text, and the minute or the condition it stands for."""

    kind: str
    text: str
    minute: int = -1
    condition: Condition = EVERY_WEEK


class NotReadError(Exception):
    """A text is not read; the argument is the reason."""


def _plain(text: str) -> str:
    """Lower case, without accents, with plain spaces, dashes and apostrophes."""
    letters = unicodedata.normalize("NFKD", text.lower())
    bare = "".join(letter for letter in letters if not unicodedata.combining(letter))
    bare = re.sub(r"r\.d\.v\.?", "rdv", re.sub(r"[‐‑‒–—−]", "-", bare.replace("’", "'")))  # noqa: RUF001 - dashes as typed
    return " ".join(bare.split())


def cut_words(text: str) -> list[Word]:
    """Cut a text into words of the vocabulary; fillers and spaces are left out, but a day keeps its colon.

    Raises
    ------
    NotReadError
        A word out of the vocabulary, an impossible time, a text that says that nothing is published, or one longer
        than hours can be.
    """
    if len(text) > _LONGEST:
        raise NotReadError(TOO_LONG)
    plain = _plain(text)
    words: list[Word] = []
    position = 0
    while position < len(plain):
        match = _WORDS.match(plain, position)
        if match is None:
            raise NotReadError(next((why for hint, why in _HINTS if re.search(hint, plain)), UNKNOWN_TEXT))
        kind = str(match.lastgroup)
        if kind not in {"filler", "space"}:
            words.append(_word(kind, match.group(), plain))
        elif match.group() == ":" and words and words[-1].kind == "day":
            words[-1] = words[-1]._replace(text=f"{words[-1].text}:")
        position = match.end()
    return words


def _word(kind: str, text: str, whole: str) -> Word:
    if kind in _TIMES:
        return Word("time", text, minute=_minute(kind, text))
    if kind in _CONDITIONS:
        return Word("condition", text, condition=_CONDITIONS[kind])
    if kind == "nth":
        ranks = [_RANKS.get(rank, rank[0]) for rank in re.findall(_RANK, text)]
        return Word("condition", text, condition=Condition(nth=",".join(ranks)))
    if kind == "months":
        first, last = (_OSM_MONTHS[_month(name)] for name in re.findall(_MONTH, text))
        return Word("condition", text, condition=Condition(period=f"{first}-{last}"))
    if kind == "summer":
        if not re.search(r"sept[a-z]*\.? ?(?:-|a\b) ?juin", whole):
            raise NotReadError(UNSTATED_SEASON)
        return Word("condition", text, condition=Condition(period="Jul-Aug"))  # the rest of the year is stated
    if kind == "unpublished":
        raise NotReadError(NOT_PUBLISHED)
    return Word(kind, text)


def _month(name: str) -> int:
    return next(number for number, start in enumerate(_MONTHS) if name.startswith(start))


def _minute(kind: str, text: str) -> int:
    if kind in {"noon", "midnight"}:
        return 12 * 60 if kind == "noon" else _DAY_MIN
    hour, *rest = (int(digits) for digits in re.findall(r"\d+", text))
    minute = 60 * hour + (rest[0] if rest else 0)
    if minute > _DAY_MIN or (rest and rest[0] > 59):  # noqa: PLR2004 - an hour has 60 minutes
        raise NotReadError(UNPAIRED_TIMES)
    return minute


def days_named(text: str) -> list[int]:
    """Return the days that a text names, 0 = Monday, in its order."""
    names = [name.rstrip("s.")[:3] for name in re.findall(_DAY, text)]
    return [next(number for number, day in enumerate(FRENCH_DAYS) if day.startswith(name)) for name in names]
