"""Compact texts and numbers for the page: letters that mean nothing in HTML, JavaScript or Jinja.

Numbers are written five bits a letter, the sixth says that more follow; texts are numbers of words, then numbers of
phrases: what the cards of 600 communes say is mostly the same words. `templates/map.js` reads them back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
"""Those of URL-safe Base64."""

DIGITS = 5
"""Decimals of a degree: about one metre."""


def encode_numbers(values: Iterable[int]) -> str:
    """Encode signed whole numbers; small ones take one letter.

    Examples
    --------
    >>> encode_numbers([0, -1, 1, 16])
    'ABCgB'
    """
    letters = []
    for value in values:
        rest = ~(value << 1) if value < 0 else value << 1
        while rest >= 32:  # noqa: PLR2004 - five bits a letter, the sixth says that more follow
            letters.append(ALPHABET[32 | (rest & 31)])
            rest >>= 5
        letters.append(ALPHABET[rest])
    return "".join(letters)


def encode_line(coordinates: npt.NDArray[np.float64]) -> str:
    """Encode a line of degrees as text: differences of 1e-5 degree.

    Parameters
    ----------
    coordinates : ndarray of shape (n, 2)
        Longitudes and latitudes.
    """
    whole = np.rint(coordinates * 10**DIGITS).astype(np.int64)
    steps = np.diff(whole, axis=0, prepend=np.zeros((1, 2), dtype=np.int64)).ravel()
    return encode_numbers(steps.tolist())


class Phrases:
    """Texts said once, and numbered in order of first use.

    A class because columns are encoded one after the other while the list of phrases grows.
    """

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._columns: dict[str, int] = {}

    def column(self, texts: Sequence[str]) -> str:
        """Encode a column of texts as numbers of phrases."""
        return encode_numbers([self._numbers.setdefault(text, len(self._numbers)) for text in texts])

    def shared(self, texts: Sequence[str]) -> int:
        """Encode a column that several views may have, and return its number in `columns`."""
        return self._columns.setdefault(self.column(texts), len(self._columns))

    def columns(self) -> list[str]:
        """Return the columns that were shared, in order."""
        return list(self._columns)

    def dictionary(self) -> tuple[list[str], str]:
        """Return the words, most used first, and every phrase as numbers of words, parted by dots."""
        split = [text.split(" ") for text in self._numbers]
        used = Counter(word for words in split for word in words)
        words = sorted(used, key=lambda word: (-used[word], word))
        ranks = {word: rank for rank, word in enumerate(words)}
        return words, ".".join(encode_numbers([ranks[word] for word in phrase]) for phrase in split)


def ceil_tenths(minutes: npt.NDArray[np.float64]) -> list[int]:
    """Round minutes up to tenths, as whole numbers; -1 for NaN.

    For a threshold T that is a multiple of 0.1, ``time <= T`` exactly when ``ceil(10 time) <= 10 T``: what the page
    compares is what the package compares.
    """
    return [-1 if np.isnan(value) else int(np.ceil(value * 10)) for value in minutes]
