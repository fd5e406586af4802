"""Labels of sheets and headers of tables: which field they name, whatever accents, plurals, links or a letter say."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein

from sdaasp_geo.action_plan import Field, fold

_LINKS = {"de", "du", "des", "d", "la", "le", "les", "l"}
_ASKED = "s|x|es|i|e|nt|aux|quoi|qui|pour qui|avec qui|où|ou|quand|comment|combien|€|%|euros|en euros|en €"
_QUESTION = re.compile(rf"\(\s*(?:{_ASKED})\s*\??\s*\)", re.IGNORECASE)
_NUMBER = re.compile(r"\b[nN](?:°|\u00ba|o\.)")
_BRACKET = re.compile(r"\(([^()]*)\)\s*$")
_NUMBERING = re.compile(r"^\s*(?:\d{1,2}|[A-Za-z])\s*[.)]\s+")
_YEAR = re.compile(r"\b(20\d{2})\b")
_MIN_MISSPELT = 8
DATED = ("calendrier", "budget_prevu_eur", "budget_depense_eur")
"""Fields that a table may spread over one column per year."""


@dataclass(frozen=True)
class Label:
    """What a label names: a field, a year where it holds one, and the words it adds in brackets."""

    field: str
    year: str = ""
    aside: str = ""


class Labels:
    """The labels of a Table Schema: names, titles and synonyms of its fields."""

    def __init__(self, fields: Sequence[Field]) -> None:
        self._known: dict[tuple[str, ...], str] = {}
        for field in fields:
            for words in (field.name, field.title, *field.synonymes):
                self._known.setdefault(_key(words), field.name)
        self._read: dict[tuple[str, bool], Label | None] = {}

    def exact(self, words: str) -> Label | None:
        """Return what a label names, letter for letter but for accents, plurals, links, numbering and « (quoi ?) »."""
        return self._find(words, misspelt=False)

    def match(self, words: str) -> Label | None:
        """Return what a label names, one letter of difference allowed in each long word."""
        return self._find(words, misspelt=True)

    def _find(self, words: str, *, misspelt: bool) -> Label | None:
        if (words, misspelt) not in self._read:
            self._read[words, misspelt] = self._search(words, misspelt=misspelt)
        return self._read[words, misspelt]

    def _search(self, words: str, *, misspelt: bool) -> Label | None:
        field = self._named(words, misspelt=misspelt)
        if field:
            return Label(field)
        year = _YEAR.search(words)
        if year:
            field = self._named(words.replace(year.group(), " "), misspelt=misspelt)
            if field in DATED:
                return Label(field, year=year.group())
        aside = _BRACKET.search(words)
        if aside and aside.group(1).strip():
            field = self._named(words[: aside.start()], misspelt=misspelt)
            if field:
                return Label(field, aside=aside.group(1).strip())
        return None

    def _named(self, words: str, *, misspelt: bool) -> str:
        key = _key(words)
        found = self._known.get(key, "")
        if found or not misspelt or not any(len(word) >= _MIN_MISSPELT for word in key):
            return found
        near = {field for known, field in self._known.items() if _misspelt(key, known)}
        return near.pop() if len(near) == 1 else ""


def _key(words: str) -> tuple[str, ...]:
    plain = _QUESTION.sub("", _NUMBERING.sub("", _NUMBER.sub(" numero ", words)))
    folded = [word for word in fold(plain).split() if word not in _LINKS]
    return tuple(word if word.isdigit() else word.rstrip("sx") for word in folded)


def _misspelt(words: tuple[str, ...], known: tuple[str, ...]) -> bool:
    return len(words) == len(known) and all(
        word == other or (len(word) >= _MIN_MISSPELT and Levenshtein.distance(word, other, score_cutoff=1) <= 1)
        for word, other in zip(words, known, strict=True)
    )
