"""Classes and sentences: below, at and above each threshold, doubtful, not measured."""

from __future__ import annotations

import datetime as dt
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdaasp_geo.analysis.deficits import classes_of, classify, explain
from sdaasp_geo.french import NBSP
from sdaasp_geo.parameters import Rule, Service, read_parameters, rules_of
from sdaasp_geo.study import Measures
from sdaasp_geo.travel.engine import Method

RULES = rules_of(
    read_parameters(),
    codes=["france-services-20", "france-services-30"],
    services=["france-services"],
    date=dt.date(2026, 11, 22),
)
SERVICE = Service(code="france-services", label="France services", nearest="l'espace le plus proche", plural="espaces")
ESTIMATE = Method(code="e", label="estimation", estimate=True, description="", source="")
EXACT = Method(code="m", label="matrice", estimate=False, description="", source="")


def access(
    time: float, *, low: float | None = None, high: float | None = None, reason: str = "atteint"
) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "code": ["65001"],
            "service": ["france-services"],
            "time_min": [time],
            "low_min": [time if low is None else low],
            "high_min": [time if high is None else high],
            "reason": [reason],
            "place_name": ["France services d'Arreau"],
            "place_commune": ["Arreau"],
            "place_departement": ["65"],
        }
    )


def sentence(table: pd.DataFrame, *, method: Method = EXACT, rules: tuple[Rule, ...] = RULES) -> str:
    names = pd.Series({"65001": "Adast"})
    text = explain(table, classify(table, rules), names, rules=rules, service=SERVICE, method=method)
    return str(text.iloc[0]).replace(NBSP, "_")


@pytest.mark.parametrize(
    ("time", "expected", "rule", "threshold"),
    [
        (0.0, "desservie", "", 20.0),
        (20.0, "desservie", "", 20.0),
        (math.nextafter(20.0, 21.0), "eloigne", "france-services-20", 20.0),
        (30.0, "eloigne", "france-services-20", 20.0),
        (30.01, "deficit", "france-services-30", 30.0),
        (300.0, "deficit", "france-services-30", 30.0),
    ],
)
def test_the_class_is_that_of_the_highest_threshold_exceeded(
    time: float, expected: str, rule: str, threshold: float
) -> None:
    row = classify(access(time), RULES).iloc[0]
    assert row[["class", "rule", "threshold_min"]].tolist() == [expected, rule, threshold]
    assert not row["to_check"]


@pytest.mark.parametrize(
    ("low", "time", "high", "check"),
    [
        (10.0, 15.0, 19.9, ""),
        (10.0, 15.0, 20.0, ""),
        (10.0, 15.0, 20.1, "france-services-20"),
        (20.0, 22.0, 25.0, "france-services-20"),
        (20.1, 22.0, 25.0, ""),
        (19.0, 24.0, 31.0, "france-services-20 france-services-30"),
        (29.0, 32.0, 40.0, "france-services-30"),
        (30.1, 32.0, 40.0, ""),
    ],
)
def test_a_threshold_in_the_band_is_to_check(low: float, time: float, high: float, check: str) -> None:
    row = classify(access(time, low=low, high=high), RULES).iloc[0]
    assert row["check_rules"] == check
    assert row["to_check"] == bool(check)


def test_what_is_not_measured_has_its_class_and_no_doubt() -> None:
    row = classify(access(math.nan, reason="inaccessible"), RULES).iloc[0]
    assert row[["class", "rule", "to_check", "check_rules"]].tolist() == ["non-mesure", "", False, ""]


def test_without_rules_a_commune_is_served_or_not_measured() -> None:
    assert classify(access(99.0), ()).iloc[0]["class"] == "desservie"
    assert math.isnan(classify(access(99.0), ()).iloc[0]["threshold_min"])
    assert sentence(access(12.4), rules=()) == (
        "Adast_: l'espace le plus proche (France services d'Arreau, à Arreau (65)) est à 12_min."
    )


def test_classes_come_best_first() -> None:
    assert list(classes_of(RULES).items()) == [
        ("desservie", "Desservie"),
        ("eloigne", "Éloignée"),
        ("deficit", "En déficit"),
        ("non-mesure", "Non mesuré"),
    ]


START = "Adast_: l'espace le plus proche (France services d'Arreau, à Arreau (65)) est à "


@pytest.mark.parametrize(
    ("time", "end"),
    [
        (12.4, "12_min, dans le seuil de 20_min."),
        (20.0, "20_min, dans le seuil de 20_min."),
        (24.6, "25_min, au-delà du seuil de 20_min_: éloignée."),
        (33.0, "33_min, au-delà du seuil de 30_min_: en déficit."),
        (20.3, "un peu plus de 20_min, au-delà du seuil de 20_min_: éloignée."),
        (30.4, "un peu plus de 30_min, au-delà du seuil de 30_min_: en déficit."),
    ],
)
def test_the_sentence_of_a_measured_time(time: float, end: str) -> None:
    assert sentence(access(time)) == START + end


def test_the_sentence_of_an_estimate_gives_its_band_and_its_doubt() -> None:
    assert sentence(access(24.0, low=18.2, high=31.4), method=ESTIMATE) == (
        START + "environ 24_min (estimation_: de 18 à 31_min), au-delà du seuil de 20_min_: éloignée. "
        "À vérifier_: la bande d'erreur contient les seuils de 20_min et 30_min."
    )
    assert sentence(access(15.0, low=11.0, high=19.0), method=ESTIMATE) == (
        START + "environ 15_min (estimation_: de 11 à 19_min), dans le seuil de 20_min."
    )
    assert sentence(access(20.2, low=15.0, high=26.0), method=ESTIMATE) == (
        START + "un peu plus de 20_min (estimation_: de 15 à 26_min), au-delà du seuil de 20_min_: éloignée. "
        "À vérifier_: la bande d'erreur contient le seuil de 20_min."
    )


def test_the_sentence_of_what_is_not_measured_gives_the_reason() -> None:
    assert sentence(access(math.nan, reason="inaccessible")) == "Adast_: accès non mesuré (inaccessible)."


@given(st.lists(st.floats(0, 60), min_size=1, max_size=6), st.floats(0, 10))
def test_a_longer_time_never_gives_a_better_class(times: list[float], more: float) -> None:
    order = list(classes_of(RULES))
    before = pd.concat([access(time) for time in times], ignore_index=True)
    after = pd.concat([access(time + more) for time in times], ignore_index=True)
    worse = classify(after, RULES)["class"].map(order.index)
    assert (worse >= classify(before, RULES)["class"].map(order.index)).all()


@given(st.floats(0, 60), st.floats(0, 1))
def test_a_class_that_no_threshold_of_the_band_can_change_is_not_to_check(time: float, share: float) -> None:
    low, high = time * (1 - share), time * (1 + share)
    row = classify(access(time, low=low, high=high), RULES).iloc[0]
    ends = {classify(access(end), RULES).iloc[0]["class"] for end in (low, time, high)}
    if not row["to_check"]:
        assert len(ends) == 1
    assert len(ends) == 1 or row["to_check"]


@pytest.mark.parametrize("name", ["65", "04"])
def test_real_sentences_agree_with_their_class(name: str, request: pytest.FixtureRequest) -> None:
    measures: Measures = request.getfixturevalue(f"measures_{name}")
    table = measures.access
    own = table[table["service"] == "france-services"]
    assert own["sentence"].str.contains("estimation").all()
    beyond = own["sentence"].str.contains("au-delà du seuil")
    assert beyond.equals(own["class"].isin(["eloigne", "deficit"]))
    assert own["sentence"].str.contains("À vérifier").equals(own["to_check"])
    assert (own.loc[own["class"] == "eloigne", "time_min"] > 20).all()
    assert (own.loc[own["class"] == "eloigne", "time_min"] <= 30).all()
    assert (own.loc[own["class"] == "desservie", "time_min"] <= 20).all()
    assert not table["sentence"].str.contains(r"\bnan\b|\bNone\b|  ", regex=True).any()
    assert not table["sentence"].str.contains(r"(?:[ ][:;!?»])|(?:«[ ])", regex=True).any()
    assert np.isin(
        own["check_rules"], ["", "france-services-20", "france-services-30", "france-services-20 france-services-30"]
    ).all()
