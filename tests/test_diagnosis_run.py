"""The diagnosis of a real département: figures that agree with each other, and files of the scheme that change them."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import msgspec
import pandas as pd
import pytest

from sdaasp_geo import diagnose, measure, prepare, read_scheme
from sdaasp_geo.analysis.access import service_places
from sdaasp_geo.analysis.coverage import PARTS
from sdaasp_geo.french import NBSP, number
from sdaasp_geo.layers.opening import AT_STOPS, STOP
from sdaasp_geo.parameters import rules_of
from sdaasp_geo.pipeline.borders import measure_borders
from sdaasp_geo.pipeline.diagnosis import catchments, place_counts, weekly_presence
from sdaasp_geo.pipeline.ground import lay_ground
from sdaasp_geo.pipeline.measurement import study_engine
from sdaasp_geo.study import Diagnosis, Measures, Study
from sdaasp_geo.travel.pairs import pairs_within

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
    silent = stop | {"id": "halte-2", "code_commune": "65440", "horaires": ""}
    pd.DataFrame([stop, silent]).to_csv(folder / "haltes.csv", index=False)
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


def test_every_inhabitant_within_the_basin_shares_a_place(study_65: Study, diagnosis_65: Diagnosis) -> None:
    """Inhabitants of all the communes loaded, whatever their EPCI: a place does not know who is studied."""
    engine = study_engine(study_65, report=lambda _: None, cache=None)
    communes = pd.DataFrame(study_65.communes[["code", "ref_x", "ref_y", "population", "area_km2"]])
    places = service_places(study_65.points, communes, service=FRANCE_SERVICES)
    pairs = pairs_within(engine, communes, places, limit_min=30)
    shared = pairs["code"].map(communes.set_index("code")["population"]).groupby(pairs["place"]).sum()
    own = diagnosis_65.catchment_places[diagnosis_65.catchment_places["service"] == FRANCE_SERVICES].set_index("place")
    assert own["demand"].to_dict() == shared.reindex(own.index, fill_value=0).to_dict()


def test_those_who_come_are_all_those_who_are_nearest(study_65: Study, diagnosis_65: Diagnosis) -> None:
    """Inhabitants of every commune loaded, out of the département, whose nearest place of all is in it."""
    engine = study_engine(study_65, report=lambda _: None, cache=None)
    communes = pd.DataFrame(study_65.communes[["code", "ref_x", "ref_y", "population", "area_km2", "inside"]])
    places = service_places(study_65.points, communes, service=FRANCE_SERVICES)
    pairs = pairs_within(engine, communes, places, limit_min=60).sort_values(["time_min", "place"])
    nearest = pairs.drop_duplicates("code").set_index("code")["place"].map(places.set_index("id")["inside"])
    come = communes[~communes["inside"] & communes["code"].map(nearest).eq(other=True)]
    found = _departement(diagnosis_65.balance)["population_served_from_outside"]
    assert found.tolist() == [come["population"].sum()]


def test_pairs_reach_the_basin_where_limits_are_shorter(study_65: Study, measures_65: Measures) -> None:
    """With a limit of 15 minutes for mairies, a basin of 30 minutes keeps all its pairs."""
    rules = rules_of(study_65.parameters, codes=["mairie-15"], services=["mairie"], date=study_65.scheme.edition)
    study = dataclasses.replace(study_65, rules=rules)
    short = lay_ground(study, measures_65, report=lambda _: None, cache=None)
    assert short.limits["mairie"] == [15]
    assert 14 < short.pairs["mairie"]["time_min"].max() <= 15
    whole = lay_ground(study_65, measures_65, report=lambda _: None, cache=None)
    assert whole.limits["mairie"][-1] >= 30
    hours = pd.DataFrame({"service": "mairie", "place": short.places["mairie"]["id"], "start_min": 0, "end_min": 60})
    tables = [catchments(ground, hours)[0]["catchment"] for ground in (short, whole)]
    own, same = (table[table["service"] == "mairie"].reset_index(drop=True) for table in tables)
    pd.testing.assert_frame_equal(own, same)
    counts = place_counts(short)
    counts = counts[counts["service"] == "mairie"].set_index("code")
    pairs = short.wide_pairs["mairie"]
    possible = pairs.loc[pairs["low_min"] <= 15, "code"].value_counts()
    assert counts["places_high"].to_dict() == possible.reindex(counts.index, fill_value=0).to_dict()
    assert (pairs.loc[pairs["low_min"] <= 15, "time_min"] > 15).any()


def test_a_commune_that_was_not_measured_is_told_everywhere(study_65: Study) -> None:
    """Take its point of reference from Tarbes: its inhabitants are unknown, neither unserved nor out of reach."""
    lost = study_65.communes["code"] == "65440"
    shifted = study_65.communes.assign(**{axis: study_65.communes[axis].mask(lost) for axis in ("ref_x", "ref_y")})
    study = dataclasses.replace(study_65, communes=shifted)
    measures = measure(study)
    ground = lay_ground(study, measures, report=lambda _: None, cache=None)
    weekly, _ = weekly_presence(ground)
    tables, _ = measure_borders(ground)
    shared, notes = catchments(ground, weekly["intervals"])
    people = int(study.communes.loc[lost, "population"].sum())
    known = weekly["reachable"].set_index(["code", "service"]).loc[("65440", FRANCE_SERVICES)]
    assert set(known["reason"]) == {"non mesuré"}
    assert known[["places", "open_hours", "evening"]].isna().all(axis=None)
    presence = _departement(weekly["presence"])
    assert (presence["population_evening_unknown"] >= people).all()
    curve = _departement(weekly["curve"])
    own = presence.drop_duplicates("service").set_index("service")
    assert (curve.groupby("service")["population"].max() == own["population"] - people).all()
    received = shared["catchment"].set_index("code").loc["65440"]
    assert received["hours_per_1000"].isna().all()
    missed = f"1{NBSP}commune ({number(people)}{NBSP}habitants) sans temps mesuré\u202f;"
    assert [note.split(f"{NBSP}: ")[0] for note in notes if missed in note] == ["France services", "Mairie"]
    border = tables["border"].set_index("code").loc["65440"]
    assert (border["reason"], border["own_departement_reason"]) == ("non mesuré", "non mesuré")
    competent = tables["competence"].set_index("code").loc["65440"]
    assert (competent["competent_reason"], competent["nearest_reason"]) == ("non mesuré", "non mesuré")


def test_stops_without_hours_are_not_permanent_places(with_stop: tuple[Study, Diagnosis]) -> None:
    own = [note for note in with_stop[1].notes if note.startswith("France services")]
    assert own == [
        f"France services{NBSP}: 1{NBSP}halte sans horaires exploitables\u202f; les heures d'accès sont un minimum."
    ]
