"""French typography: numbers, minutes, plurals, lists and dates as a French reader expects them."""

from __future__ import annotations

import datetime as dt
import math
import re
import unicodedata
from collections.abc import Iterable, Sequence

NBSP = "\u00a0"
"""No-break space: before a colon, inside « guillemets », between a number and its unit."""

NARROW_NBSP = "\u202f"
"""Narrow no-break space: thousands, and before ``;``, ``!``, ``?`` and ``%``."""

MONTHS = (
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
)


_MOST_DIGITS = 6


def decimals(value: float, *, digits: int = 0, beside: Iterable[float] = ()) -> int:
    """Return how many decimals show on which side of thresholds a figure lies: ``digits``, or more where it takes more.

    Examples
    --------
    >>> [decimals(value, digits=1, beside=(5.0,)) for value in (4.9, 4.98, 5.0, 5.001)]
    [1, 2, 1, 3]
    """
    limits = list(beside)
    while digits < _MOST_DIGITS and any(_side(round(value, digits), one) != _side(value, one) for one in limits):
        digits += 1
    return digits


def _side(value: float, limit: float) -> int:
    return int(value > limit) - int(value < limit)


def number(value: float, *, digits: int = 0, beside: Iterable[float] = ()) -> str:
    """Write a number with a decimal comma and thousands apart.

    Beside thresholds it takes the decimals that show on which side it lies (`decimals`).

    Examples
    --------
    >>> number(231756.4).replace(NARROW_NBSP, "_")
    '231_756'
    >>> number(-0.04, digits=1)
    '0,0'
    >>> number(4.98, digits=1), number(4.98, digits=1, beside=(5.0,))
    ('5,0', '4,98')
    """
    if math.isnan(value):
        return "non mesuré"
    digits = decimals(value, digits=digits, beside=beside)
    text = f"{round(value, digits) + 0.0:,.{digits}f}"
    return text.replace(",", NARROW_NBSP).replace(".", ",")


def percent(share: float, *, digits: int = 1) -> str:
    """Write a share (0 to 1) as a percentage; what is not all, or not nothing, never reads 100 or 0.

    Examples
    --------
    >>> [percent(share).replace(NARROW_NBSP, "_") for share in (0.9764, 0.99996, 1.0, 0.0002)]
    ['97,6_%', '99,996_%', '100,0_%', '0,02_%']
    """
    if math.isnan(share):
        return "non mesuré"
    whole = round(100 * share, 7)  # a sum of shares may miss 1 by the last bit
    return f"{number(whole, digits=digits, beside=(0.0, 100.0))}{NARROW_NBSP}%"


def minutes(time_min: float, *, digits: int = 0, beside: Iterable[float] = ()) -> str:
    """Write minutes with their unit, beside thresholds as `number` does; a time that was not measured is said so."""
    if math.isnan(time_min):
        return "non mesuré"
    return f"{number(time_min, digits=digits, beside=beside)}{NBSP}min"


def threshold(time_min: float) -> str:
    """Write a threshold in minutes, exactly: its decimals are shown where it has some.

    Examples
    --------
    >>> [threshold(value).replace(NBSP, " ") for value in (20.0, 7.5)]
    ['20 min', '7,5 min']
    """
    return minutes(time_min, digits=0 if float(time_min).is_integer() else 1)


def count(quantity: int, singular: str, plural: str | None = None) -> str:
    """Write a quantity and its noun; zero and one take the singular, as French does.

    Examples
    --------
    >>> count(1, "commune").replace(NBSP, "_"), count(3, "commune").replace(NBSP, "_")
    ('1_commune', '3_communes')
    """
    noun = singular if abs(quantity) < 2 else (plural or f"{singular}s")  # noqa: PLR2004 - the French plural starts at 2
    return f"{number(quantity)}{NBSP}{noun}"


_BEFORE = re.compile(r"(?<=\S) (?=([:;?!»])(?:[\s).,]|$))")


def spaced(text: str) -> str:
    """Return a text whose double signs never begin a line, nor leave their guillemets: plain spaces become no-break.

    Examples
    --------
    >>> spaced("Avant : « oui » ; après ? rien").replace(NBSP, "_").replace(NARROW_NBSP, "^")
    'Avant_: «_oui_»^; après^? rien'
    """
    return _BEFORE.sub(lambda sign: NBSP if sign[1] in ":»" else NARROW_NBSP, text).replace("« ", f"«{NBSP}")


def listing(words: Sequence[str]) -> str:
    """Join words with commas and « et »."""
    if len(words) < 2:  # noqa: PLR2004 - one word needs no conjunction
        return "".join(words)
    return f"{', '.join(words[:-1])} et {words[-1]}"


def date(day: dt.date) -> str:
    """Write a date in words.

    Examples
    --------
    >>> date(dt.date(2024, 8, 1)).replace(NBSP, " ")
    '1er août 2024'
    """
    ordinal = "1er" if day.day == 1 else str(day.day)
    return f"{ordinal}{NBSP}{MONTHS[day.month - 1]}{NBSP}{day.year}"


def of(name: str) -> str:
    """Put « de » before a name, elided or contracted with its article.

    Examples
    --------
    >>> [of(name) for name in ("Tarbes", "Arreau", "Le Mans", "Les Angles", "L'Isle")]
    ['de Tarbes', "d'Arreau", 'du Mans', 'des Angles', "de L'Isle"]
    """
    for article, contracted in (("Le ", "du "), ("Les ", "des ")):
        if name.startswith(article):
            return contracted + name.removeprefix(article)
    elided = name[:1].lower() in "aeiouyàâäéèêëîïôöùûüœæ" and not name.lower().startswith(("y ", "you"))
    return f"d'{name}" if elided else f"de {name}"


def in_order(names: Iterable[str]) -> list[str]:
    """Sort names as a French index does: accents and case do not count.

    Examples
    --------
    >>> in_order(["Trèves", "Échalas", "Ampuis"])
    ['Ampuis', 'Échalas', 'Trèves']
    """
    return sorted(names, key=lambda name: (unicodedata.normalize("NFKD", name).encode("ascii", "ignore").lower(), name))
