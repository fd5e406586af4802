"""Operator areas against communes and service points: what cannot serve is kept and said."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from sdaasp_geo.errors import InputError
from sdaasp_geo.french import NBSP
from sdaasp_geo.layers.areas import (
    COUNTER_WITHOUT_POSITION,
    NO_PERMANENT_COUNTER,
    OTHER_OPERATOR,
    UNKNOWN_COUNTER,
    areas_of_service,
    build_areas,
)
from sdaasp_geo.layers.services import BEYOND, UNKNOWN_COMMUNE
from sdaasp_geo.study import Study

COMMUNES = pd.DataFrame({"code": ["65001", "65002", "64001"], "departement": ["65", "65", "64"]})
POINTS = gpd.GeoDataFrame(
    {
        "id": ["caf-1", "caf-1", "caf-2", "caf-3", "msa-1", "x-1"],
        "operateur": ["CAF", "CAF", "CAF", "CAF", "MSA", ""],
        "service": ["caf", "caf", "caf", "pmi", "msa", "caf"],
        "permanent": [False, True, False, True, True, True],
    },
    geometry=[shapely.Point(0, 0), shapely.Point(0, 0), shapely.Point(1, 1), None, *[shapely.Point(2, 2)] * 2],
    crs="EPSG:2154",
)


def areas(*rows: tuple[str, str, str], first_row: int = 2) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["operateur", "code_commune", "guichet"], dtype="str")
    table = table.assign(source="essai", date_maj="2026-01-01")
    return table.set_axis(pd.RangeIndex(first_row, first_row + len(rows), name="row"), axis="index")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (("CAF", "65001", "caf-1"), ""),
        (("CAF", "65999", "caf-1"), UNKNOWN_COMMUNE),
        (("CAF", "31001", "caf-1"), BEYOND),
        (("CAF", "65001", "caf-9"), UNKNOWN_COUNTER),
        (("CAF", "65001", "msa-1"), OTHER_OPERATOR),
        (("CAF", "65001", "x-1"), OTHER_OPERATOR),
        (("CAF", "65001", "caf-2"), NO_PERMANENT_COUNTER),
        (("CAF", "65001", "caf-3"), COUNTER_WITHOUT_POSITION),
    ],
)
def test_each_row_is_kept_with_its_reason(row: tuple[str, str, str], reason: str) -> None:
    table, notes = build_areas(areas(row), COMMUNES, POINTS, file="zones.csv")
    assert table[["operateur", "code_commune", "guichet", "area_reason"]].to_numpy().tolist() == [[*row, reason]]
    assert len(notes) == (2 if reason else 1)
    assert all(reason in note for note in notes[1:])


def test_reasons_are_counted_in_french() -> None:
    rows = areas(("CAF", "65001", "a"), ("CAF", "65002", "b"), ("MSA", "65001", "msa-1"), ("MSA", "65999", "msa-1"))
    _, notes = build_areas(rows, COMMUNES, POINTS, file="zones.csv")
    assert [note.replace(NBSP, "_") for note in notes] == [
        "Zones des opérateurs_: 4_communes attribuées, 2_opérateurs.",
        "Zones des opérateurs_: 1_attribution à vérifier (commune inconnue du millésime).",
        "Zones des opérateurs_: 2_attributions à vérifier (guichet inconnu des points de service).",
    ]


def test_a_merger_that_repeats_a_row_is_counted_and_one_that_contradicts_is_refused() -> None:
    same = areas(("CAF", "65001", "caf-1"), ("CAF", "65002", "caf-1"), ("CAF", "65001", "caf-1"))
    table, notes = build_areas(same, COMMUNES, POINTS, file="zones.csv")
    assert len(table) == 2
    assert f"1{NBSP}ligne répétée" in notes[1]
    contrary = areas(("CAF", "65001", "caf-1"), ("MSA", "65001", "msa-1"), ("CAF", "65001", "caf-2"))
    with pytest.raises(InputError) as caught:
        build_areas(contrary, COMMUNES, POINTS, file="zones.csv")
    assert [(fault.file, fault.row, fault.value) for fault in caught.value.faults] == [("zones.csv", 4, "65001")]


def test_the_order_of_rows_never_matters_and_tables_are_unchanged() -> None:
    rows = areas(("MSA", "65002", "msa-1"), ("CAF", "65002", "caf-1"), ("CAF", "65001", "zz"))
    copy = rows.copy(deep=True)
    table, notes = build_areas(rows, COMMUNES, POINTS, file="zones.csv")
    turned, turned_notes = build_areas(rows.iloc[::-1], COMMUNES, POINTS, file="zones.csv")
    pd.testing.assert_frame_equal(table, turned)
    assert notes == turned_notes
    pd.testing.assert_frame_equal(rows, copy)


def test_a_row_that_two_networks_claim_twice_is_told_once_for_each() -> None:
    rows = areas(("A", "65001", "a"), ("B", "65001", "a"), ("A", "65001", "b"), ("B", "65001", "b"))
    rows.index = pd.Index([2, 2, 3, 3], name="row")
    with pytest.raises(InputError) as caught:
        build_areas(rows, COMMUNES, POINTS, file="zones.csv")
    assert [fault.row for fault in caught.value.faults] == [3, 3]


@pytest.mark.parametrize(
    ("counter", "services"),
    [("caf-1", {"caf"}), ("caf-3", {"pmi"}), ("caf-9", {"caf", "pmi"}), ("msa-1", {"caf", "pmi"})],
)
def test_an_area_settles_the_services_that_its_counter_gives(counter: str, services: set[str]) -> None:
    table, _ = build_areas(areas(("CAF", "65001", counter)), COMMUNES, POINTS, file="zones.csv")
    found = {service for service in ("caf", "pmi") if len(areas_of_service(table, POINTS, service=service))}
    assert found == services


def test_no_area_is_an_empty_layer() -> None:
    table, _ = build_areas(areas(), COMMUNES, POINTS, file="zones.csv")
    assert table.empty
    assert "area_reason" in table


def test_counters_of_la_poste_in_65(study_65: Study) -> None:
    points = study_65.points
    poste = points[(points["service"] == "france-services") & (points["operateur"] == "La Poste")]
    own = points[(points["service"] == "france-services") & (points["operateur"] == "")]
    rows = areas(
        ("La Poste", "65018", poste["id"].iloc[0]),
        ("La Poste", "65176", own["id"].iloc[0]),
        ("La Poste", "65122", poste["id"].iloc[0]),
    )
    table, _ = build_areas(rows, study_65.communes, points, file="zones.csv")
    reasons = dict(zip(table["code_commune"], table["area_reason"], strict=True))
    assert reasons == {"65018": "", "65176": OTHER_OPERATOR, "65122": UNKNOWN_COMMUNE}
