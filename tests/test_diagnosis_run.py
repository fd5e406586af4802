"""The diagnosis of a real département: figures that agree with each other, and files of the scheme that change them."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pandas as pd
import pytest

from sdaasp_geo import diagnose, measure, prepare, read_scheme
from sdaasp_geo.analysis.coverage import PARTS
from sdaasp_geo.layers.opening import AT_STOPS, STOP
from sdaasp_geo.study import Diagnosis, Measures, Study

FRANCE_SERVICES = "france-services"


def _departement(table: pd.DataFrame) -> pd.DataFrame:
    return table[(table["level"] == "departement") & (table["part"] == PARTS[0])]


def test_totals_are_those_of_the_departement(study_65: Study, diagnosis_65: Diagnosis) -> None:
    population = int(study_65.communes.loc[study_65.communes["inside"], "population"].sum())
    for name in ("balance", "penalty", "presence", "choice", "sensitivity"):
        own = _departement(getattr(diagnosis_65, name))
        assert len(own) > 0, name
        assert set(own["population"]) == {population}, name
    classes = _departement(diagnosis_65.penalty_classes)
    assert classes["population"].sum() == population


def test_sensitivity_agrees_with_coverage(measures_65: Measures, diagnosis_65: Diagnosis) -> None:
    own = _departement(measures_65.coverage).set_index(["service", "threshold_min"])["population_beyond"]
    table = _departement(diagnosis_65.sensitivity).set_index(["service", "threshold_min"])["population_beyond"]
    shared = own.index.intersection(table.index)
    assert len(shared) == 2
    assert table[shared].tolist() == own[shared].tolist()


def test_time_criteria_agree_with_the_classes(measures_65: Measures, diagnosis_65: Diagnosis) -> None:
    wanted = diagnosis_65.criteria[diagnosis_65.criteria["criterion"] == "france-services-20"].set_index("code")
    access = measures_65.access[measures_65.access["service"] == FRANCE_SERVICES].set_index("code")
    assert (wanted["satisfied"] == (access["time_min"] <= 20).reindex(wanted.index)).all()
    checked = access["check_rules"].str.split().map(lambda rules: "france-services-20" in rules)
    assert (wanted["to_check"] == checked.reindex(wanted.index)).all()


def test_a_place_in_choice_is_a_place_in_access(measures_65: Measures, diagnosis_65: Diagnosis) -> None:
    counts = diagnosis_65.counts[diagnosis_65.counts["service"] == FRANCE_SERVICES]
    access = measures_65.access[measures_65.access["service"] == FRANCE_SERVICES].set_index("code")
    for limit_min, group in counts.groupby("limit_min"):
        near = access["time_min"].reindex(group["code"]).to_numpy() <= limit_min
        second = access["second_time_min"].reindex(group["code"]).to_numpy() <= limit_min
        assert ((group["places"] >= 1).to_numpy() == near).all()
        assert ((group["places"] >= 2).to_numpy() == second).all()


def test_supply_shared_is_the_supply_that_has_demand(study_65: Study, diagnosis_65: Diagnosis) -> None:
    """Hours received inside never exceed the hours offered by the places within reach."""
    places = diagnosis_65.catchment_places
    offered = places.loc[places["demand"] > 0].groupby("service")["supply"].sum()
    population = study_65.communes.set_index("code")["population"]
    received = diagnosis_65.catchment.assign(
        hours=diagnosis_65.catchment["hours_per_1000"] / 1000 * diagnosis_65.catchment["code"].map(population)
    )
    by_service = received.groupby("service")["hours"].sum()
    assert (by_service > 0).all()
    assert (by_service <= offered[by_service.index] * (1 + 1e-9)).all()


def test_communal_services_have_no_border(diagnosis_65: Diagnosis) -> None:
    assert set(diagnosis_65.border["service"]) == {FRANCE_SERVICES}
    assert set(diagnosis_65.pairs["service"]) == {FRANCE_SERVICES, "mairie"}


@pytest.fixture(scope="module")
def with_stop(study_65: Study, tmp_path_factory: pytest.TempPathFactory) -> tuple[Study, Diagnosis]:
    """Give an itinerant France services a stop in the commune that has the fewest hours within reach."""
    folder = tmp_path_factory.mktemp("stops")
    bus = study_65.points[study_65.points["format"].isin(["itinerant", "multisite"])]
    assert len(bus) > 0
    gavarnie = study_65.communes.set_index("code").loc["65192"]
    stop = {
        "id": "halte-1",
        "vehicule": str(bus["id"].iloc[0]),
        "nom": "Place de la mairie",
        "code_commune": "65192",
        "lon": "",
        "lat": "",
        "horaires": "Sa 16:00-19:00",
        "source": "essai",
        "date_maj": "2024-09-01",
    }
    assert gavarnie["studied"]
    pd.DataFrame([stop]).to_csv(folder / "haltes.csv", index=False)
    base = read_scheme("hautes-pyrenees")
    files = msgspec.structs.replace(base.fichiers, haltes=str(folder / "haltes.csv"))
    study = prepare(msgspec.structs.replace(base, fichiers=files))
    return study, diagnose(study, measure(study))


def test_a_stop_adds_hours_where_it_stops(
    with_stop: tuple[Study, Diagnosis], measures_65: Measures, diagnosis_65: Diagnosis
) -> None:
    study, diagnosis = with_stop
    keys = ["code", "service", "limit_min"]
    before = diagnosis_65.reachable.set_index(keys)
    after = diagnosis.reachable.set_index(keys)
    assert (after["open_hours"] >= before["open_hours"].reindex(after.index)).all()
    here = after.loc[("65192", FRANCE_SERVICES, 20.0)]
    assert here["stops"] == 1
    assert here["saturday"]
    assert here["evening"]
    assert here["open_hours"] == before.loc[("65192", FRANCE_SERVICES, 20.0), "open_hours"] + 3
    found = diagnosis.opening.set_index("place")["presence"]
    assert found["halte-1"] == STOP
    assert AT_STOPS in set(diagnosis.opening["reason"])
    pd.testing.assert_frame_equal(measure(study).access, measures_65.access)


def test_areas_change_the_competent_counter(study_65: Study, diagnosis_65: Diagnosis, tmp_path: Path) -> None:
    """Assign one commune to the farthest counter of its département: its penalty is what the pairs say."""
    pairs = diagnosis_65.pairs
    own = pairs[(pairs["service"] == FRANCE_SERVICES) & (pairs["code"] == "65440")]
    inside = set(study_65.points.loc[study_65.points["inside"] & study_65.points["permanent"], "id"])
    farthest = own[own["place"].isin(inside)].sort_values("time_min").iloc[-1]
    operator = study_65.points.set_index("id").loc[farthest["place"], "operateur"]
    row = {
        "operateur": operator or "inconnu",
        "code_commune": "65440",
        "guichet": farthest["place"],
        "source": "essai",
        "date_maj": "2026-01-01",
    }
    pd.DataFrame([row]).to_csv(tmp_path / "secteurs.csv", index=False)
    base = read_scheme("hautes-pyrenees")
    files = msgspec.structs.replace(base.fichiers, secteurs=str(tmp_path / "secteurs.csv"))
    study = prepare(msgspec.structs.replace(base, fichiers=files))
    found = diagnose(study, measure(study)).competence.set_index("code").loc["65440"]
    assert found["competent_place"] == farthest["place"]
    assert found["penalty_min"] == pytest.approx(farthest["time_min"] - own["time_min"].min())


def test_the_seven_dimensions_are_told_for_every_epci(
    study_65: Study, measures_65: Measures, diagnosis_65: Diagnosis
) -> None:
    table = diagnosis_65.dimensions
    own = table[(table["level"] == "epci") & (table["service"] == FRANCE_SERVICES)]
    assert (own.groupby("territory")["dimension"].nunique() == 7).all()
    assert set(own["territory"]) == set(study_65.epci["siren"])
    said = table[(table["level"] == "departement") & (table["service"] == FRANCE_SERVICES)].set_index("dimension")
    assert said.loc["temps", "status"] == "mesuré"
    summary = _departement(measures_65.summary)
    mean_min = summary.loc[summary["service"] == FRANCE_SERVICES, "mean_min"].iloc[0]
    assert said.loc["temps", "value"] == pytest.approx(mean_min, abs=0.05)
    for silent in ("coût", "qualité", "image"):
        assert said.loc[silent, "status"] == "non mesuré"
        assert said.loc[silent, "reason"]
    mairies = table[(table["service"] == "mairie") & (table["dimension"] == "choix")]
    assert set(mairies["status"]) == {"non mesuré"}
