"""Names of territories to codes: spelling, accents, articles and legal forms vary; nothing is guessed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

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
