"""What tests of maps share: the compact texts of a page, read back without its script."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from sdaasp_geo.outputs.map_codec import ALPHABET


def read_numbers(text: str) -> list[int]:
    """Read numbers as `templates/map.js` does: five bits a letter, the sixth says that more follow."""
    values, value, shift = [], 0, 0
    for letter in text:
        bits = ALPHABET.index(letter)
        value |= (bits & 31) << shift
        shift += 5
        if bits < 32:
            values.append(~(value >> 1) if value & 1 else value >> 1)
            value, shift = 0, 0
    assert shift == 0, "the text ends in the middle of a number"
    return values


def read_phrases(words: Sequence[str], phrases: str) -> list[str]:
    """Read the phrases of a page."""
    return [" ".join(words[rank] for rank in read_numbers(line)) for line in phrases.split(".")]


def page_texts(page: str) -> dict[str, object]:
    """Return the data of a page, its columns read back: lists of texts."""
    found = re.search(r'<script type="application/json" id="donnees">(.*?)</script>', page, flags=re.DOTALL)
    assert found is not None
    data = json.loads(found.group(1))
    phrases = read_phrases(data["words"], data["phrases"])
    data["columns"] = [[phrases[rank] for rank in read_numbers(column)] for column in data["columns"]]
    for name in ("communes", "names"):
        data[name] = [phrases[rank] for rank in read_numbers(data[name])]
    data["places"] = [[phrases[rank] for rank in read_numbers(card)] for card in data["places"]]
    return data
