"""What a study covers: straddling territories whole, supply around them, user contours sorted and counted."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
from shapely.geometry import box

from sdaasp_geo.layers.scope import departements_around, keep_wanted, studied_codes
from sdaasp_geo.study import Study

MEMBERSHIP = pd.DataFrame(
    {
        "code": ["65001", "65002", "64001", "64002", "32001"],
        "departement": ["65", "65", "64", "64", "32"],
        "epci": ["1", None, "1", "2", "3"],
    }
)


def test_straddling_territories_are_studied_whole() -> None:
    petr = pd.DataFrame({"code": ["32001"]})
    assert studied_codes(MEMBERSHIP, petr, departement="65") == {"65001", "65002", "64001", "32001"}


def test_supply_is_loaded_around_every_studied_commune() -> None:
    neighbours = {"65": ("64",), "64": ("65", "40"), "32": ("40",), "40": ()}
    assert departements_around(MEMBERSHIP, {"65001", "64001"}, neighbours) == {"65", "64", "40"}


def test_useless_and_missing_contours_are_said() -> None:
    shapes = gpd.GeoDataFrame({"code": ["65001", "75056"]}, geometry=[box(0, 0, 1, 1)] * 2, crs="EPSG:2154")
    kept, notes = keep_wanted(shapes, {"65", "64"}, straight_line=True)
    assert kept["code"].tolist() == ["65001"]
    assert notes[0].replace("\u00a0", " ").startswith("1 contour du fichier")
    assert "64" in notes[1]
    assert "ni dessinées, ni mesurées, faute de densité" in notes[1]
    _, notes = keep_wanted(shapes, {"65", "64"}, straight_line=False)
    assert "pas dessinées" in notes[1]
    assert "mesurées" not in notes[1]


def test_the_landes_are_loaded_for_the_petr_that_reaches_them(study_65: Study) -> None:
    assert {"40", "47", "82"} <= set(study_65.communes["departement"])
    assert study_65.points["position_reason"].str.contains("non chargé").sum() == 0
