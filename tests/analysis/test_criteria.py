"""Criteria on communes: values, bounds, doubts, sentences, and what is missing said by name."""

from __future__ import annotations

import datetime as dt
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdaasp_geo.analysis.choice import count_within
from sdaasp_geo.analysis.criteria import COLUMNS, evaluate_criteria
from sdaasp_geo.analysis.deficits import classes_of
from sdaasp_geo.criteria import Criterion, criteria_from_rules, criteria_on, read_criteria
from sdaasp_geo.french import NBSP
from sdaasp_geo.parameters import read_parameters, rules_of
from sdaasp_geo.study import Diagnosis, Measures, Study

EDITION = dt.date(2026, 11, 22)
CRITERIA = read_criteria()
RULES = rules_of(
    read_parameters(),
    codes=["france-services-20", "france-services-30"],
    services=["france-services"],
    date=EDITION,
)
TWENTY, THIRTY = criteria_from_rules(CRITERIA, RULES)
COMMUNES = pd.DataFrame({"code": ["65001"], "name": ["Adast"]})


def embedded(code: str) -> Criterion:
    return criteria_on(CRITERIA, date=EDITION, codes=[code])[0]


def asked(kind: str, threshold: float, services: str, **more: object) -> Criterion:
    given = {"code": "c", "theme": "sante", "label": "Ce qui est demandé", "beyond": "loin", "beyond_label": "Loin"}
    return Criterion(
        kind=kind,
        threshold=threshold,
        services=tuple(services.split()),
        valid_from=EDITION,
        reference="x",
        **given,
        **more,
    )  # type: ignore[arg-type]


def access(
    times: dict[str, float], *, spread: float = 0.0, reason: str = "inaccessible", code: str = "65001"
) -> pd.DataFrame:
    table = pd.DataFrame({"code": code, "service": list(times), "time_min": list(times.values())})
    reached = table["time_min"].notna()
    return table.assign(
        low_min=table["time_min"] * (1 - spread),
        high_min=table["time_min"] * (1 + spread),
        reason=np.where(reached, "atteint", reason),
    )


def presence(**more: object) -> pd.DataFrame:
    given = {
        "code": "65001",
        "service": "france-services",
        "limit_min": 20.0,
        "open_hours": 24.0,
        "evening": True,
        "saturday": False,
        "places_without_hours": 0,
        "reason": "",
    }
    return pd.DataFrame([given | more]).astype({"evening": "boolean", "saturday": "boolean"})


def judged(criterion: Criterion, **tables: pd.DataFrame) -> pd.Series:
    given = {"access": access({"france-services": 10.0}), "labels": CRITERIA.service_label} | tables
    return evaluate_criteria([criterion], COMMUNES, **given).iloc[0]


def sentence(row: pd.Series) -> str:
    return str(row["sentence"]).replace(NBSP, "_")


@pytest.mark.parametrize(
    ("time", "spread", "given", "check"),
    [
        (20.0, 0.0, "desservie", False),
        (math.nextafter(20.0, 21.0), 0.0, "eloigne", False),
        (19.0, 0.1, "desservie", True),
        (22.0, 0.1, "eloigne", True),
        (30.0, 0.1, "eloigne", False),
    ],
)
def test_a_time_equal_to_the_threshold_satisfies(time: float, spread: float, given: str, *, check: bool) -> None:
    row = judged(TWENTY, access=access({"france-services": time}, spread=spread))
    assert row[["class", "to_check", "value", "reason"]].tolist() == [given, check, time, "atteint"]
    assert row["satisfied"] == (given == "desservie")


def test_a_row_carries_its_rule_and_its_source() -> None:
    row = judged(TWENTY)
    assert row[["code", "criterion", "theme", "kind", "services"]].tolist() == [
        *("65001", "france-services-20", "services-au-public", "temps", "france-services")
    ]
    assert row[["unit", "comparator", "threshold", "valid_from", "valid_to"]].tolist() == [
        *("min", "<=", 20.0, "2019-07-01", "")
    ]
    assert row["reference"] == RULES[0].reference


@pytest.mark.parametrize(
    ("time", "spread", "end"),
    [
        (12.4, 0.0, "12_min, dans le seuil de 20_min."),
        (24.6, 0.0, "25_min, au-delà du seuil de 20_min_: éloignée."),
        (20.3, 0.0, "un peu plus de 20_min, au-delà du seuil de 20_min_: éloignée."),
        (
            24.0,
            0.25,
            (
                "24_min (bande d'erreur_: de 18_min à 30_min), au-delà du seuil de 20_min_: éloignée. "
                "À vérifier_: la bande d'erreur contient le seuil."
            ),
        ),
    ],
)
def test_sentences_of_times(time: float, spread: float, end: str) -> None:
    row = judged(TWENTY, access=access({"france-services": time}, spread=spread))
    assert sentence(row) == "Adast_: «_France services à 20 minutes au plus_»_: " + end


def test_what_is_not_measured_says_why() -> None:
    row = judged(TWENTY, access=access({"france-services": math.nan}))
    assert row[["class", "reason", "to_check"]].tolist() == ["non-mesure", "inaccessible", False]
    assert row["satisfied"] is pd.NA
    assert sentence(row) == "Adast_: «_France services à 20 minutes au plus_»_: non mesuré (inaccessible)."
    row = judged(asked("temps", 20.0, "maternite"), access=access({"mairie": 3.0}))
    assert row["reason"].replace(NBSP, "_") == "service non mesuré_: maternité"
    assert judged(TWENTY, access=access({"france-services": 3.0}, code="64001"))["class"] == "non-mesure"


def test_what_was_not_counted_within_the_limit_is_said() -> None:
    row = judged(embedded("france-services-choix-30"))
    assert row["reason"].replace(NBSP, "_") == "lieux non comptés à 30_min"
    row = judged(embedded("france-services-soir-20"), presence=presence(limit_min=30.0))
    assert row["reason"].replace(NBSP, "_") == "heures d'ouverture non mesurées à 20_min"


def count(times: list[float], *, spread: float = 0.0, reason: str = "atteint") -> pd.DataFrame:
    ids = [f"p{number}" for number in range(len(times))]
    pairs = pd.DataFrame({"code": pd.Series(["65001"] * len(times), dtype="str"), "place": pd.Series(ids, dtype="str")})
    pairs = pairs.assign(time_min=times).astype({"time_min": "float64"})
    pairs = pairs.assign(low_min=pairs["time_min"] * (1 - spread), high_min=pairs["time_min"] * (1 + spread))
    own = access({"france-services": 1.0}).assign(reason=reason)
    return count_within(pairs, own, pd.DataFrame({"id": ids, "operateur": ""}), limits=[30.0])


@pytest.mark.parametrize(
    ("times", "spread", "given", "check", "end"),
    [
        ([5.0, 30.0, 31.0], 0.0, "desservie", False, "2_lieux, seuil de 2_lieux atteint."),
        ([5.0], 0.0, "sans-choix", False, "1_lieu, en deçà du seuil de 2_lieux_: sans choix."),
        ([], 0.0, "sans-choix", False, "0_lieu, en deçà du seuil de 2_lieux_: sans choix."),
        (
            [5.0, 28.0],
            0.1,
            "desservie",
            True,
            (
                "2_lieux (bande d'erreur_: de 1_lieu à 2_lieux), seuil de 2_lieux atteint. "
                "À vérifier_: la bande d'erreur contient le seuil."
            ),
        ),
    ],
)
def test_choice(times: list[float], spread: float, given: str, end: str, *, check: bool) -> None:
    row = judged(embedded("france-services-choix-30"), choice=count(times, spread=spread))
    assert row[["class", "to_check", "comparator", "limit_min"]].tolist() == [given, check, ">=", 30.0]
    assert sentence(row).endswith(f"au plus_»_: {end}")


def test_choice_that_was_not_counted() -> None:
    criterion = embedded("france-services-choix-30")
    reasons = {
        judged(criterion)["class"],
        judged(criterion, choice=count([5.0]).assign(limit_min=20.0))["class"],
        judged(criterion, choice=count([5.0], reason="hors réseau"))["class"],
    }
    assert reasons == {"non-mesure"}


@pytest.mark.parametrize(
    ("changes", "given", "check", "end"),
    [
        ({}, "desservie", False, "24,0_heures par semaine, seuil de 24,0_heures par semaine atteint."),
        (
            {"open_hours": 23.98},
            "peu-ouvert",
            False,
            (
                "un peu moins de 24,0_heures par semaine, en deçà du seuil de 24,0_heures par semaine_: "
                "peu d'heures d'ouverture."
            ),
        ),
        (
            {"open_hours": 9.5, "places_without_hours": 1},
            "peu-ouvert",
            True,
            (
                "9,5_heures par semaine, en deçà du seuil de 24,0_heures par semaine_: peu d'heures d'ouverture. "
                "À vérifier_: les horaires de certains lieux sont inconnus."
            ),
        ),
        (
            {"open_hours": 30.0, "places_without_hours": 1},
            "desservie",
            False,
            "30,0_heures par semaine, seuil de 24,0_heures par semaine atteint.",
        ),
        (
            {"open_hours": math.nan, "places_without_hours": 1, "reason": "horaires inconnus"},
            "non-mesure",
            False,
            "non mesuré (horaires inconnus).",
        ),
    ],
)
def test_hours(changes: dict[str, object], given: str, end: str, *, check: bool) -> None:
    row = judged(embedded("france-services-heures-20"), presence=presence(**changes))
    assert row[["class", "to_check"]].tolist() == [given, check]
    assert not np.isinf(row["value":"high"].to_numpy(dtype="float64")).any()
    assert sentence(row).endswith(f"_»_: {end}")


@pytest.mark.parametrize(
    ("hours", "ends", "given", "bounds", "check", "end"),
    [
        (30.0, (30.0, 30.0, 0), "desservie", (30.0, 30.0), False, "24,0_heures par semaine atteint."),
        (30.0, (24.0, 40.0, 0), "desservie", (24.0, 40.0), False, "24,0_heures par semaine atteint."),
        (30.0, (23.9, 40.0, 0), "desservie", (23.9, 40.0), True, "À vérifier_: la bande d'erreur contient le seuil."),
        (30.0, (math.nan, 40.0, 1), "desservie", (0.0, math.nan), True, "la bande d'erreur contient le seuil."),
        (20.0, (0.0, 24.0, 0), "peu-ouvert", (0.0, 24.0), True, "À vérifier_: la bande d'erreur contient le seuil."),
        (20.0, (0.0, 23.9, 0), "peu-ouvert", (0.0, 23.9), False, "peu d'heures d'ouverture."),
        (20.0, (0.0, 20.0, 1), "peu-ouvert", (0.0, math.nan), True, "les horaires de certains lieux sont inconnus."),
    ],
)
def test_the_band_of_hours(
    hours: float,
    ends: tuple[float, float, int],
    given: str,
    bounds: tuple[float, float],
    end: str,
    *,
    check: bool,
) -> None:
    low, high, without = ends
    band = {"open_hours_low": low, "open_hours_high": high, "places_without_hours_high": without}
    row = judged(
        embedded("france-services-heures-20"),
        presence=presence(open_hours=hours, places_without_hours_low=0, **band),
    )
    assert row[["class", "to_check", "value"]].tolist() == [given, check, hours]
    np.testing.assert_array_equal(row[["low", "high"]].to_numpy(dtype="float64"), bounds)
    assert sentence(row).endswith(end)


@pytest.mark.parametrize(
    ("value", "low", "high", "given", "check"),
    [
        (True, True, True, "desservie", False),
        (True, False, True, "desservie", True),
        (True, pd.NA, True, "desservie", True),
        (False, False, True, "sans-soir", True),
        (False, False, pd.NA, "sans-soir", True),
        (False, False, False, "sans-soir", False),
    ],
)
def test_the_band_of_evenings(value: object, low: object, high: object, given: str, *, check: bool) -> None:
    hours = presence(evening=value).assign(
        evening_low=pd.array([low], dtype="boolean"),
        evening_high=pd.array([high], dtype="boolean"),
        places_without_hours_low=0,
        places_without_hours_high=0,
    )
    row = judged(embedded("france-services-soir-20"), presence=hours)
    assert row[["class", "to_check"]].tolist() == [given, check]
    assert "bande d'erreur_" not in sentence(row)


def test_evenings_and_saturdays() -> None:
    evening, saturday = embedded("france-services-soir-20"), embedded("france-services-samedi-30")
    row = judged(evening, presence=presence())
    assert row[["class", "value", "unit"]].tolist() == ["desservie", 1.0, "oui ou non"]
    assert sentence(row).endswith("au plus_»_: oui.")
    row = judged(saturday, presence=presence(limit_min=30.0))
    assert row["class"] == "sans-samedi"
    assert sentence(row).endswith("au plus_»_: non, sans ouverture le samedi.")
    row = judged(evening, presence=presence(evening=pd.NA, places_without_hours=1, reason="horaires inconnus"))
    assert row[["class", "reason"]].tolist() == ["non-mesure", "horaires inconnus"]
    off = access({"france-services": math.nan}, reason="hors réseau")
    row = judged(evening, presence=presence(evening=False, reason="aucun lieu dans le délai"), access=off)
    assert row[["class", "reason"]].tolist() == ["non-mesure", "hors réseau"]


TWO = {"ecole-maternelle": 5.0, "pharmacie": 9.0}


@pytest.mark.parametrize(
    ("measure", "threshold", "value", "given", "text"),
    [
        ("temps-moyen", 7.0, 7.0, "desservie", "7,0_min, dans le seuil de 7_min."),
        ("temps-moyen", 6.5, 7.0, "loin", "7,0_min, au-delà du seuil de 6,5_min_: loin."),
        ("nombre", 1.0, 1.0, "desservie", "1_service, seuil de 1_service atteint."),
        ("nombre", 2.0, 1.0, "loin", "1_service, en deçà du seuil de 2_services_: loin."),
        ("part", 0.5, 0.5, "desservie", "50,0\u202f%, seuil de 50,0\u202f% atteint."),
    ],
)
def test_baskets(measure: str, threshold: float, value: float, given: str, text: str) -> None:
    criterion = asked("panier", threshold, "ecole-maternelle pharmacie", measure=measure, limit_min=8.0)
    row = judged(criterion, access=access(TWO | {"mairie": 60.0}))
    assert row[["value", "class", "services"]].tolist() == [value, given, "ecole-maternelle pharmacie"]
    assert sentence(row) == f"Adast_: «_Ce qui est demandé_»_: {text}"


def test_the_band_of_a_basket() -> None:
    criterion = asked("panier", 1.0, "ecole-maternelle pharmacie", measure="nombre", limit_min=5.2)
    row = judged(criterion, access=access(TWO, spread=0.1))
    assert row[["low", "value", "high", "to_check"]].tolist() == [0.0, 1.0, 1.0, True]
    mean = asked("panier", 6.5, "ecole-maternelle pharmacie", measure="temps-moyen")
    row = judged(mean, access=access(TWO, spread=0.1))
    np.testing.assert_allclose(row[["low", "value", "high"]].to_numpy(dtype="float64"), [6.3, 7.0, 7.7])
    assert row["to_check"]


def test_a_mean_of_exactly_the_threshold_satisfies() -> None:
    times = {"ecole-maternelle": 2.1, "pharmacie": 2.1, "college": 16.8}
    assert pd.Series(times).groupby([0, 0, 0]).mean().iloc[0] > 7.0, "the mean of floats is beyond"
    mean = asked("panier", 7.0, " ".join(times), measure="temps-moyen")
    row = judged(mean, access=access(times))
    assert row[["value", "low", "high", "class", "to_check"]].tolist() == [7.0, 7.0, 7.0, "desservie", False]


def test_a_basket_with_a_service_missing_is_not_measured_and_names_it() -> None:
    criterion = asked("panier", 7.0, "ecole-maternelle pharmacie college", measure="temps-moyen")
    row = judged(criterion, access=access(TWO))
    assert row["class"] == "non-mesure"
    assert sentence(row).endswith("non mesuré (service non mesuré_: collège).")
    row = judged(criterion, access=access({"pharmacie": 3.0}))
    assert sentence(row).endswith("(services non mesurés_: école maternelle et collège).")
    row = judged(criterion, access=access(TWO | {"college": math.nan}))
    assert row["reason"] == "un service du panier n'est pas atteint"
    youth = embedded("panier-jeunes-17")
    row = judged(youth, access=access(dict.fromkeys(youth.services, 5.0)))
    assert row["reason"] == "composition du panier publiée en partie seulement"


@pytest.mark.parametrize(
    ("value", "given", "end"),
    [
        (2.5, "desservie", "2,5_consultations par an et par habitant, seuil de 2,5_consultations"),
        (2.49, "sous-dense", "un peu moins de 2,5_consultations par an et par habitant, en deçà"),
        (math.nan, "non-mesure", "non mesuré («_APL aux médecins généralistes_» sans valeur pour cette commune)."),
    ],
)
def test_the_official_indicator(value: float, given: str, end: str) -> None:
    published = pd.DataFrame({"code": ["65001"], "indicator": "APL aux médecins généralistes", "value": [value]})
    row = judged(embedded("apl-medecins-2-5"), indicators=published)
    assert row["class"] == given
    assert f"_»_: {end}" in sentence(row)


def test_every_criterion_of_the_package_gives_a_row_whatever_was_measured() -> None:
    table = evaluate_criteria(
        CRITERIA.criterion, COMMUNES, access=access({"mairie": 3.0}), labels=CRITERIA.service_label
    )
    assert list(table.columns) == COLUMNS
    assert table["criterion"].tolist() == [criterion.code for criterion in CRITERIA.criterion]
    assert (table["class"] == "non-mesure").all()
    assert (table["reason"] != "").all()
    assert evaluate_criteria([], COMMUNES, access=access({})).columns.tolist() == COLUMNS


@given(
    st.lists(st.floats(0, 60), min_size=1, max_size=5),
    st.floats(0, 0.5),
    st.floats(1, 40),
    st.floats(0, 20),
)
def test_a_laxer_threshold_never_adds_a_deficit(
    times: list[float], spread: float, threshold: float, more: float
) -> None:
    services = [f"s{number}" for number in range(len(times))]
    given = access(dict(zip(services, times, strict=True)), spread=spread)
    names = " ".join(services)
    for strict, lax in (
        (asked("temps", threshold, services[0]), asked("temps", threshold + more, services[0])),
        *(
            (
                asked("panier", bound, names, measure=measure, limit_min=limit),
                asked("panier", bound + step, names, measure=measure, limit_min=limit + wider),
            )
            for measure, bound, step, limit, wider in (
                ("temps-moyen", threshold, more, 0.0, 0.0),
                ("nombre", 1.0, 0.0, threshold, more),
                ("part", 0.5, 0.0, threshold, more),
            )
        ),
    ):
        table = evaluate_criteria([strict, lax], COMMUNES, access=given)
        first, second = table.iloc[0], table.iloc[1]
        assert second["satisfied"] >= first["satisfied"]
        assert first["low"] <= first["value"] <= first["high"]
        assert first["satisfied"] == (first["class"] == "desservie")


@pytest.mark.parametrize("name", ["65", "04"])
def test_rules_as_criteria_agree_with_the_published_classes(name: str, request: pytest.FixtureRequest) -> None:
    study: Study = request.getfixturevalue(f"study_{name}")
    measures: Measures = request.getfixturevalue(f"measures_{name}")
    studied = study.communes[study.communes["studied"]]
    table = evaluate_criteria(criteria_from_rules(CRITERIA, study.rules), studied, access=measures.access)
    assert len(table) == len(study.rules) * len(studied)
    own = measures.access[measures.access["service"] == "france-services"].set_index("code")
    order = list(classes_of(RULES))
    worst = table["class"].map(order.index).groupby(table["code"]).max().map(lambda rank: order[rank])
    assert worst.reindex(own.index).tolist() == own["class"].tolist()
    assert table.groupby("code")["to_check"].any().reindex(own.index).tolist() == own["to_check"].tolist()
    assert not table["sentence"].str.contains(r"\bnan\b|\bNone\b|  ", regex=True).any()
    assert not table["sentence"].str.contains(r"(?:[ ][:;!?»])|(?:«[ ])", regex=True).any()


def test_hours_of_65_have_the_band_of_their_times(diagnosis_65: Diagnosis) -> None:
    table = diagnosis_65.criteria[diagnosis_65.criteria["kind"] == "presence"]
    measured = table[table["value"].notna()]
    assert len(measured)
    assert (measured["low"] <= measured["value"]).all()
    assert ((measured["high"] >= measured["value"]) | measured["high"].isna()).all()
    pairs = diagnosis_65.pairs[diagnosis_65.pairs["service"] == "france-services"]
    settled = 0
    for limit, own in measured.groupby("limit_min"):
        unsure = pairs[(pairs["low_min"] <= limit) & (pairs["high_min"] > limit)]
        sure = own[~own["code"].isin(unsure["code"])]
        settled += len(sure)
        assert (sure["low"] == sure["value"]).all()
        assert ((sure["high"] == sure["value"]) | sure["high"].isna()).all()
    assert settled > 0, "some communes have no place in doubt"
    assert measured.loc[measured["low"] < measured["value"], "to_check"].any()
