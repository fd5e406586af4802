"""The engine that looks minutes up in the file of the user."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from sdaasp_geo.pipeline import measure, prepare
from sdaasp_geo.scheme import read_scheme
from sdaasp_geo.study import Study
from sdaasp_geo.travel.engine import NOT_MEASURED, REACHED, UNREACHABLE, TimeMatrix
from sdaasp_geo.travel.matrix_file import matrix_engine

ORIGINS = pd.DataFrame({"code": ["65001", "65002", "65003"]})
PLACES = pd.DataFrame({"id": ["fs-1", "fs-2"], "code_commune": ["65440", "65286"]})


def answer(rows: list[tuple[str, str, float]]) -> TimeMatrix:
    table = pd.DataFrame(rows, columns=["origin", "destination", "minutes"])
    return matrix_engine(table, name="minutes.csv")(ORIGINS, PLACES)


def test_times_by_place_or_by_commune_missing_pairs_and_missing_paths() -> None:
    found = answer(
        [
            ("65001", "fs-1", 12.5),
            ("65001", "65440", 99.0),
            ("65001", "65286", 30.0),
            ("65002", "fs-1", np.nan),
            ("65002", "65440", 7.0),
            ("65003", "65001", 1.0),
        ]
    )
    np.testing.assert_array_equal(found.time_min, [[12.5, 30.0], [np.nan, np.nan], [np.nan, np.nan]])
    assert found.reason.tolist() == [[REACHED, REACHED], [UNREACHABLE, NOT_MEASURED], [NOT_MEASURED, NOT_MEASURED]]
    np.testing.assert_array_equal(found.low_min, found.time_min)
    np.testing.assert_array_equal(found.high_min, found.time_min)


def test_the_method_is_no_estimate_and_names_the_file() -> None:
    method = answer([("65001", "fs-1", 1.0)]).method
    assert (method.code, method.estimate, method.source) == ("matrice", False, "minutes.csv")


def test_infinite_minutes_are_unreachable() -> None:
    found = answer([("65001", "fs-1", np.inf)])
    assert found.reason[0, 0] == UNREACHABLE
    assert np.isnan(found.time_min[0, 0])


def test_an_empty_matrix_measures_nothing() -> None:
    assert (answer([]).reason == NOT_MEASURED).all()


def test_a_scheme_measured_with_a_matrix(study_65: Study, tmp_path: Path) -> None:
    folder = tmp_path
    studied = study_65.communes[study_65.communes["studied"]]
    sites = study_65.points[(study_65.points["service"] == "france-services") & study_65.points["permanent"]]
    first, second = sites["id"].iloc[0], sites["id"].iloc[1]
    rows = [(code, place, time) for code in studied["code"] for place, time in ((first, 20.0), (second, 50.0))]
    table = pd.DataFrame(rows, columns=["origin", "destination", "minutes"])
    table.loc[table["origin"] == "65440", "minutes"] = np.nan
    table = table[table["origin"] != "65286"]
    table.to_csv(folder / "minutes.csv", sep=";", decimal=",", index=False)
    (folder / "scheme.toml").write_text(
        'nom = "Essai"\ndepartement = "65"\nedition = 2026-11-22\n[millesimes]\nconvention = 2018\nmesure = 2024\n'
        '[mesure]\nservices = ["france-services"]\nregles = ["france-services-20", "france-services-30"]\n'
        'moteur = "matrice"\n'
        '[fichiers]\nservices = ["embarque:services/france_services.csv"]\nminutes = "minutes.csv"\n',
        encoding="utf-8",
    )
    measures = measure(prepare(read_scheme(str(folder))))
    access = measures.access.set_index("code")
    others = access.drop(index=["65440", "65286"])
    assert set(others["place"]) == {first}
    assert set(others["class"]) == {"desservie"}
    assert not access["to_check"].any()
    assert set(access.loc[["65440", "65286"], "class"]) == {"non-mesure"}
    assert access.loc[["65440", "65286"], "reason"].tolist() == [NOT_MEASURED] * 2
    assert access.loc["65440", "sentence"].endswith("accès non mesuré.")
    assert "environ" not in " ".join(others["sentence"])
    whole = measures.coverage.query("level == 'departement' and part == 'entier'").set_index("rule")
    people = studied.set_index("code")["population"]
    expected = people["65440"] + people["65286"]
    assert (whole["population_not_measured"] == expected).all()
    assert (whole["population_beyond"] == 0).all()
    assert measures.zones.empty
