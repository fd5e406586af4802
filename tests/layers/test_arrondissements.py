"""The arrondissements of Paris, Lyon and Marseille: 45 codes that are no commune, three communes that are."""

from __future__ import annotations

import pandas as pd

from sdaasp_geo.layers.arrondissements import COMMUNE_OF, whole_communes
from sdaasp_geo.sources import france


def test_there_are_twenty_nine_and_sixteen() -> None:
    sizes = pd.Series(dict(COMMUNE_OF)).value_counts()
    assert sizes.to_dict() == {"75056": 20, "13055": 16, "69123": 9}
    ends = [min(COMMUNE_OF), "75120", "69381", "69389", "13216", max(COMMUNE_OF)]
    assert [COMMUNE_OF[code] for code in ends] == ["13055", "75056", "69123", "69123", "13055", "75056"]
    assert not {"75121", "69380", "69390", "13200", "13217"} & set(COMMUNE_OF)


def test_no_arrondissement_is_a_commune_of_any_vintage() -> None:
    for vintage in france.vintages():
        codes = set(france.read_membership(vintage)["code"])
        assert not codes & set(COMMUNE_OF)
        assert set(COMMUNE_OF.values()) <= codes


def test_the_code_becomes_that_of_a_known_commune_only() -> None:
    codes = pd.Series(["75101", "13216", "65440", "99999"], index=[7, 3, 5, 1])
    found = whole_communes(codes, {"75056", "65440"})
    assert found.to_dict() == {7: "75056", 3: "13216", 5: "65440", 1: "99999"}
    assert whole_communes(codes, {"75056", "75101"})[7] == "75101"
