"""Names of territories as people write them: spelling, accents, articles and legal forms vary; nothing is guessed.

`resolve_name` finds one EPCI in a short table. The rest are the rules of spelling on which the gazetteer and
`territory_names.resolve_territories` stand: `fold`, `read_form`, `name_keys`, and the cutting of lists.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd
from rapidfuzz import distance, fuzz

from sdaasp_geo.errors import NameNotResolvedError

_FORMS = (
    r"\bcommunautes? de communes\b",
    r"\bcommunautes? d agglomerations?\b",
    r"\bcommunautes? urbaines?\b",
    r"\bcommunautes?\b",
    r"\bagglomerations?\b",
    r"\bagglo\b",
    r"\bmetropoles?\b",
    r"\bpole d equilibre territorial et rural\b",
    r"\bpetr\b",
    r"\b(?:cc|ca|cu|epci|interco(?:mmunalite)?)\b",
)
_LINKS = {"de", "du", "des", "d", "la", "le", "les", "l", "et", "en", "a", "au", "aux"}
_MIN_MISSPELT = 5
_CLOSEST = 3
_PERFECT = 100.0

EPCI, PETR, DEPARTEMENT, COMMUNE = "epci", "petr", "departement", "commune"
KINDS = (EPCI, PETR, DEPARTEMENT, COMMUNE)
"""Kinds of territories that a name can stand for."""

NUMBERS = dict(
    zip(
        ("1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "1000"),
        ("un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf", "dix", "mille"),
        strict=True,
    )
)
"""Numbers that names write in digits or in words: ``7 Vallées``, ``Sept Vallées``."""

_WORDS = {**NUMBERS, "st": "saint", "ste": "sainte", "sts": "saints", "stes": "saintes"}
_ACRONYM = re.compile(r"\b(?:[a-z]\. ?){2,}(?:[a-z]\b)?")
_INNER_FORM = re.compile(
    r"\bcommunautes? (?:de communes|d agglomerations?|urbaines?)\b"
    r"|\b(?:communautes?|agglomerations?|agglo|metropoles?|interco(?:mmunalites?)?|cc)\b"
)
_LEAD = r"^(?:(?:sur|dans|pour|la|le|les|l|du|de|des|d|au|aux|a) )*"
_LEADING_FORMS = tuple(
    (kind, legal, re.compile(rf"{_LEAD}(?P<form>{pattern})(?= |$) ?"))
    for kind, legal, pattern in (
        (EPCI, "cc", r"communautes? de communes|com ?com|c ?c"),
        (EPCI, "ca", r"communautes? d agglomerations?|c ?a"),
        (EPCI, "cu", r"communautes? urbaines?|c ?u"),
        (EPCI, "", r"epci|intercommunalites?|communautes?|agglomerations?|agglo|(?:euro)?metropoles?"),
        (PETR, "", r"petr|poles? d equilibre territori(?:al|aux) et rura(?:l|ux)"),
        (DEPARTEMENT, "", r"departements?|dept|dpt"),
        (COMMUNE, "", r"(?:communes?|villes?)(?= (?:de|du|des|d) )"),
    )
)
_CONTRACTED = (("du ", "le "), ("des ", "les "), ("de ", ""), ("d ", ""))
_SIGNS = " \u00a0\u202f.,:*-–—"
_BREAKS = re.compile(r"[\n\r\t\f\v;•·▪◦‣●○■|]+|(?m:^\s*(?:[-–—*]|\d{1,2}[.)])\s+)")
_JOINTS = re.compile(
    r"\([^)]*\)|\[[^\]]*\]"
    r"|(?P<joint>\s*,\s*|\s+(?:et|ainsi que)\s+|\s*[&+]\s*|\s*(?<!\bs)/\s*|(?<=\d{5})\s+(?=\d{5})"
    r"|(?P<dash>(?<![\d\s])\s+[-–—]\s+(?![\s\d])))",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class NameMatch:
    """A name resolved: the code, the official name, and a score (100: same words; less: one letter apart)."""

    name: str
    code: str
    official_name: str
    score: float


def words_of(name: str) -> tuple[str, ...]:
    """Return the words that carry a name, without accents, legal form or links, sorted.

    Examples
    --------
    >>> words_of("CC du Pays de Trie et du Magnoac") == words_of("Communauté de Communes Pays de Trie et du Magnoac")
    True
    """
    plain = unicodedata.normalize("NFKD", name.replace("œ", "oe").replace("Œ", "Oe").casefold())
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    plain = re.sub(r"[^a-z0-9]+", " ", plain).strip()
    stripped = plain
    for form in _FORMS:
        stripped = re.sub(form, " ", stripped)
    words = [word for word in stripped.split() if word not in _LINKS]
    return tuple(sorted(words or plain.split()))


class Form(NamedTuple):
    """What a folded name says of its kind: kind (or empty), legal form of EPCI (cc, ca, cu or empty), other words."""

    kind: str
    legal: str
    rest: str
    several: bool


class Part(NamedTuple):
    """A part of a list: its bounds in the text, and the joint before it (empty for the first)."""

    start: int
    end: int
    joint: str


def fold(text: str) -> str:
    """Write a text in small letters without accents nor signs, ``Saint`` in full, one space between words.

    Examples
    --------
    >>> fold("CC du Pays de St-Gildas (C.C.P.)"), fold("Cœur de Bigorre")
    ('cc du pays de saint gildas ccp', 'coeur de bigorre')
    """
    plain = unicodedata.normalize("NFKD", text.casefold().replace("œ", "oe").replace("æ", "ae"))
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    plain = _ACRONYM.sub(lambda match: re.sub(r"[. ]", "", match.group()) + " ", plain)
    plain = re.sub(r"\bs/", "sur ", plain).replace("&", " et ")
    return " ".join(_WORDS.get(word, word) for word in re.findall(r"[a-z0-9]+", plain))


def read_form(folded: str) -> Form:
    """Read the kind that a folded name states, first or inside (``vitre communaute``).

    Examples
    --------
    >>> read_form("la communaute de communes du pays de nay")
    Form(kind='epci', legal='cc', rest='du pays de nay', several=False)
    """
    kind, legal, rest, several = "", "", folded, False
    while True:
        found = (
            (form, match) for form in _LEADING_FORMS if form[0] == (kind or form[0]) for match in [form[2].match(rest)]
        )
        form, match = next(((form, match) for form, match in found if match), (None, None))
        if form is None or match is None or (kind and kind != EPCI):
            break
        several = several or match["form"].split()[0].endswith("s")
        kind, legal, rest = form[0], legal or form[1], rest[match.end() :]
    return Form(kind or (EPCI if _INNER_FORM.search(rest) else ""), legal, rest, several)


def name_keys(name: str, kind: str) -> tuple[tuple[str, ...], ...]:
    """Return the keys of a name read as one kind, strictest first: two names of one key are spelt the same.

    EPCI: legal form and words; words; words in any order with single letters for double ones. PETR: the last two,
    without « Pays ». Départements and communes: every word; words without links.
    """
    folded = fold(name)
    form = read_form(folded)
    if kind in {EPCI, PETR}:
        inner = _INNER_FORM.sub(" ", form.rest) if kind == EPCI else re.sub(r"\bpays\b", " ", form.rest)
        words = [word for word in inner.split() if word not in _LINKS] or form.rest.split()
        if not words:
            return ()
        told = (f"{form.legal} {' '.join(words)}",) if form.legal else ()
        return told, (" ".join(words),), (re.sub(r"(.)\1", r"\1", " ".join(sorted(words))),)
    texts = [folded] if kind == COMMUNE or form.kind != kind else []
    if form.kind == kind:
        texts += [form.rest, *(new + form.rest[len(old) :] for old, new in _CONTRACTED if form.rest.startswith(old))]
    bare = (" ".join(word for word in text.split() if word not in _LINKS) for text in texts)
    return tuple(text for text in texts if text), tuple(text for text in bare if text)


def cut_lines(text: str) -> list[str]:
    """Cut a text at line breaks, semicolons and bullets; what is blank or only signs is left out."""
    lines = (re.sub(r"^\d{1,2}[.)]\s+", "", line.strip(_SIGNS)).strip(_SIGNS) for line in _BREAKS.split(text))
    return [line for line in lines if fold(line)]


def cut_parts(line: str, *, dashes: bool = True) -> list[Part]:
    """Cut a line at commas, « et » and like joints, between codes, and at dashes; never inside parentheses."""
    parts, start, joint = [], 0, ""
    for match in _JOINTS.finditer(line):
        if match["joint"] is not None and (dashes or match["dash"] is None):
            parts.append(Part(start, match.start(), joint))
            start, joint = match.end(), match["joint"]
    parts.append(Part(start, len(line), joint))
    return [part for part in parts if fold(line[part.start : part.end])]


def resolve_name(name: str, territories: pd.DataFrame, *, code_column: str = "siren") -> NameMatch:
    """Find the one territory that a name, or a code, stands for.

    A name is accepted when its words are those of exactly one territory, or when they are with at most one
    letter of difference in each word of five letters or more. Otherwise nothing is chosen.

    Parameters
    ----------
    name : str
        The name as written, or the code itself.
    territories : DataFrame
        ``name`` and ``code_column``.

    Raises
    ------
    NameNotResolvedError
        No territory, or several: the closest ones are given.
    """
    codes, names = list(territories[code_column]), list(territories["name"])
    if name.strip() in codes:
        position = codes.index(name.strip())
        return NameMatch(name, codes[position], names[position], _PERFECT)
    wanted = words_of(name)
    known = [words_of(official) for official in names]
    same = [i for i, words in enumerate(known) if words == wanted]
    near = same or [i for i, words in enumerate(known) if _misspelt(wanted, words)]
    if len(near) == 1:
        score = _PERFECT if same else fuzz.ratio(" ".join(wanted), " ".join(known[near[0]]))
        return NameMatch(name, codes[near[0]], names[near[0]], score)
    scores = [fuzz.token_set_ratio(" ".join(wanted), " ".join(words)) for words in known]
    order = near or sorted(range(len(names)), key=lambda i: (-scores[i], names[i]))[:_CLOSEST]
    raise NameNotResolvedError(name, [f"{names[i]} ({codes[i]})" for i in order])


def resolve_names(
    names: Sequence[str], territories: pd.DataFrame, *, code_column: str = "siren"
) -> tuple[list[NameMatch], list[NameNotResolvedError]]:
    """Resolve several names; those that stand for no single territory are returned apart, all together."""
    matches: list[NameMatch] = []
    failures: list[NameNotResolvedError] = []
    for name in names:
        try:
            matches.append(resolve_name(name, territories, code_column=code_column))
        except NameNotResolvedError as error:
            failures.append(error)
    return matches, failures


def _misspelt(wanted: tuple[str, ...], known: tuple[str, ...]) -> bool:
    if len(wanted) != len(known):
        return False
    remaining = list(known)
    for word in wanted:
        match = next((other for other in remaining if other == word), None) or next(
            (
                other
                for other in remaining
                if len(word) >= _MIN_MISSPELT and distance.Levenshtein.distance(word, other) <= 1
            ),
            None,
        )
        if match is None:
            return False
        remaining.remove(match)
    return True
