"""The seven dimensions: each is measured, partly measured, or said not to be, with the reason."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sdaasp_geo.analysis import levels
from sdaasp_geo.analysis.dimensions import DIMENSIONS, MEASURED, NOT_MEASURED, PARTLY, dimension_coverage
from sdaasp_geo.study import Diagnosis, Measures, Study
from sdaasp_geo.travel.engine import NOT_MEASURED as NO_TIME
from sdaasp_geo.travel.engine import REACHED

MEMBERS = {
    "epci": pd.DataFrame({"territory": ["E", "E", "F"], "code": ["1", "2", "3"], "population": [100, 300, 50]}),
    "departement": pd.DataFrame({"territory": ["D"] * 3, "code": ["1", "2", "3"], "population": [100, 300, 50]}),
}
PLACE = {
    "service": "caf",
    "code_commune": "1",
    "horaires": "Mo 09:00-12:00",
    "horaires_bruts": "",
    "contact": "04",
    "lon": 6.0,
    "lat": 44.0,
    "date_maj": "2026-01-01",
}


def told(points: list[dict[str, object]], *, times: tuple[float, ...] = (10.0, 20.0, 5.0)) -> pd.DataFrame:
    access = pd.DataFrame({"code": ["1", "2", "3"], "service": "caf", "time_min": times})
    access["reason"] = np.where(access["time_min"].isna(), NO_TIME, REACHED)
    counts = pd.DataFrame({"code": ["1", "2", "3"], "service": "caf", "limit_min": 20.0, "places": [2.0, 1.0, np.nan]})
    table = pd.DataFrame([{**PLACE, **point} for point in points], columns=[*PLACE, "cout", "qualite", "image"])
    found = dimension_coverage(MEMBERS, table, access, counts, services=["caf"], limits_min={"caf": 20.0})
    return found.set_index(["territory", "dimension"])


def test_the_mean_time_is_weighted_by_inhabitants() -> None:
    found = told([{}])
    assert found.loc[("E", "temps"), ["status", "value"]].tolist() == [MEASURED, pytest.approx(17.5)]
    partly = told([{}], times=(10.0, np.nan, 5.0))
    assert partly.loc[("E", "temps"), ["status", "value"]].tolist() == [PARTLY, 10.0]
    assert "300" in partly.loc[("E", "temps"), "reason"]
    nothing = told([{}], times=(10.0, 20.0, np.nan))
    assert nothing.loc[("F", "temps"), "status"] == NOT_MEASURED


def test_choice_is_the_share_of_those_who_have_two_places() -> None:
    found = told([{}])
    assert found.loc[("E", "choix"), ["status", "value"]].tolist() == [MEASURED, 0.25]
    assert found.loc[("D", "choix"), ["status", "value"]].tolist() == [PARTLY, 0.25]
    assert found.loc[("F", "choix"), "status"] == NOT_MEASURED


@pytest.mark.parametrize(
    ("points", "status", "value"),
    [
        ([{}, {}], MEASURED, 1.0),
        ([{}, {"horaires": ""}], PARTLY, 0.5),
        ([{"horaires": "", "horaires_bruts": "9h-12h"}], PARTLY, 0.0),
        ([{"horaires": ""}], NOT_MEASURED, np.nan),
        ([{"code_commune": "3"}], NOT_MEASURED, np.nan),
    ],
)
def test_availability_is_the_share_of_places_whose_hours_are_read(
    points: list[dict[str, object]], status: str, value: float
) -> None:
    row = told(points).loc[("E", "disponibilité")]
    assert row["status"] == status
    assert row["value"] == pytest.approx(value, nan_ok=True)
    assert bool(row["reason"]) == (status != MEASURED)


def test_information_is_the_mean_of_four_shares() -> None:
    assert told([{}]).loc[("E", "information"), ["status", "value"]].tolist() == [MEASURED, 1.0]
    row = told([{"contact": ""}, {"lon": np.nan}]).loc[("E", "information")]
    assert (row["status"], row["value"]) == (PARTLY, (1 + 0.5 + 0.5 + 1) / 4)


@pytest.mark.parametrize(("dimension", "column"), [("coût", "cout"), ("qualité", "qualite"), ("image", "image")])
def test_what_nobody_says_is_not_measured_with_the_reason(dimension: str, column: str) -> None:
    row = told([{}]).loc[("E", dimension)]
    assert row["status"] == NOT_MEASURED
    assert np.isnan(row["value"])
    assert column in row["reason"]
    said = told([{column: "Gratuit"}, {}]).loc[("E", dimension)]
    assert (said["status"], said["value"]) == (PARTLY, 0.5)


def test_a_service_without_limit_says_that_choice_was_not_counted() -> None:
    access = pd.DataFrame({"code": ["1"], "service": ["caf"], "time_min": [1.0], "reason": [REACHED]})
    counts = pd.DataFrame(columns=["code", "service", "limit_min", "places"])
    found = dimension_coverage(MEMBERS, pd.DataFrame([PLACE]), access, counts, services=["caf"], limits_min={})
    row = found[(found["territory"] == "E") & (found["dimension"] == "choix")].iloc[0]
    assert (row["status"], row["reason"]) == (NOT_MEASURED, "lieux à portée non comptés pour ce service")


def test_a_real_departement_is_told_whole(study_65: Study, measures_65: Measures, diagnosis_65: Diagnosis) -> None:
    studied = study_65.communes[study_65.communes["studied"]]
    members = levels.territory_members(
        studied, study_65.petr_members, epci=set(study_65.epci["siren"]), departement="65"
    )
    found = dimension_coverage(
        members,
        study_65.points,
        measures_65.access,
        diagnosis_65.counts,
        services=["france-services"],
        limits_min={"france-services": 30.0},
    )
    told_of = found.groupby(["level", "territory", "service"])["dimension"].agg(tuple)
    assert set(told_of) == {DIMENSIONS}
    assert (found["value"].isna() == (found["status"] == NOT_MEASURED)).all()
    assert ((found["reason"] != "") | (found["status"] == MEASURED)).all()
    whole = found[found["level"] == "departement"].set_index("dimension")
    summary = measures_65.summary
    mean = summary[(summary["level"] == "departement") & (summary["service"] == "france-services")].iloc[0]["mean_min"]
    assert whole.loc["temps", "value"] == pytest.approx(mean)
    assert (whole["status"][["coût", "qualité", "image"]] == NOT_MEASURED).all()
