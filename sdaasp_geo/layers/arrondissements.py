"""The municipal arrondissements of Paris, Lyon and Marseille: parts of one commune that sources code as communes.

Source: INSEE, Code officiel géographique, Licence Ouverte 2.0.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType

import pandas as pd

COMMUNE_OF: Mapping[str, str] = MappingProxyType(
    {
        **{str(code): "75056" for code in range(75101, 75121)},
        **{str(code): "69123" for code in range(69381, 69390)},
        **{str(code): "13055" for code in range(13201, 13217)},
    }
)
"""Commune of each of the 45 arrondissements: 20 of Paris, 9 of Lyon, 16 of Marseille."""


def whole_communes(codes: pd.Series, known: Collection[str]) -> pd.Series:
    """Replace the code of an arrondissement by that of its commune, where the commune is known.

    Parameters
    ----------
    codes : Series of str
        Codes as the source gives them.
    known : collection of str
        Codes of communes; an arrondissement among them is left as it is.

    Returns
    -------
    Series
        Same index; every other code as given.
    """
    existing = set(known)
    follow = {part: whole for part, whole in COMMUNE_OF.items() if whole in existing and part not in existing}
    return codes.map(lambda code: follow.get(code, code))
