"""The border part of the pipeline: balance, competent counters, and what there is to negotiate."""

from __future__ import annotations

import pandas as pd

from sdaasp_geo.analysis import border, competence, levels, negotiation
from sdaasp_geo.parameters import number_setting, service_names, words_setting
from sdaasp_geo.pipeline.areas import areas_for, competent_areas
from sdaasp_geo.pipeline.ground import Ground, by_level, stacked
from sdaasp_geo.sources import france
from sdaasp_geo.study import Study

Tables = dict[str, pd.DataFrame]


def measure_borders(ground: Ground) -> tuple[Tables, list[str]]:
    """Measure the border balance, the competent counters and what there is to negotiate, service by service."""
    study = ground.study
    communal = set(words_setting(study.parameters, "services-communaux"))
    services = [service for service in ground.pairs if service not in communal]
    given, notes = competent_areas(study)
    access = [
        _border_access(ground, service, operator=who)
        for service in services
        for who in (None, *_several(ground.places[service]["operateur"]))
    ]
    counters = [
        competence.competent_access(
            ground.origins,
            ground.places[service],
            ground.pairs[service],
            areas_for(given, study, service),
            service=service,
            gaps=ground.gaps[service],
        )
        for service in services
    ]
    if not services:
        return _no_border(), notes
    competent = stacked(counters)
    bounds = [float(bound) for bound in words_setting(study.parameters, "classes-penalite")]
    balance = by_level(
        ground,
        lambda table, level: stacked(border.border_balance(one, table, level=level) for one in access),
        among=levels.LEVELS,
    )
    together = stacked(access)
    return {
        "border": together,
        "balance": balance,
        "exchanges": stacked(border.border_pairs(together, level=level) for level in border.SHARED),
        "competence": competent,
        "penalty": by_level(ground, lambda table, level: competence.penalty_summary(competent, table, level=level)),
        "penalty_classes": by_level(
            ground,
            lambda table, level: competence.penalty_distribution(competent, table, bounds=bounds, level=level),
        ),
        **_negotiation(ground, competent),
    }, notes


def _border_access(ground: Ground, service: str, *, operator: str | None) -> pd.DataFrame:
    """Find the nearest places of both sides, and of those who come from farther away to a studied commune."""
    table = border.border_access(
        stacked([ground.origins, ground.comers]),
        ground.places[service],
        ground.pairs[service],
        service=service,
        operator=operator,
        gaps=ground.gaps[service],
    )
    comes = table["place_commune_code"].isin(set(ground.studied["code"]))
    return table[table["code"].isin(set(ground.origins["code"])) | comes].reset_index(drop=True)


def _several(operators: pd.Series) -> list[str]:
    """Return the operators to look at one by one: none where there is one only."""
    names = sorted(set(operators) - {""})
    return names if len(names) > 1 else []


def _no_border() -> Tables:
    names = ("border", "balance", "exchanges", "competence", "penalty", "penalty_classes")
    more = ("negotiation", "negotiation_totals", "negotiation_sentences")
    return {name: pd.DataFrame() for name in (*names, *more)}


def epci_names(study: Study) -> dict[str, str]:
    """Return the names of the EPCI of France at the vintage of the measure, by SIREN."""
    table = france.read_epci_names(study.scheme.millesimes.mesure)
    return dict(zip(table["siren"], table["name"], strict=True))


def _negotiation(ground: Ground, competent: pd.DataFrame) -> Tables:
    study = ground.study
    least = number_setting(study.parameters, "gain-negociation-min")
    inside = set(study.communes.loc[study.communes["inside"], "code"])
    rows = negotiation.negotiation_rows(competent, study.communes, study.borders, ours=inside, least_gain_min=least)
    totals = negotiation.negotiation_totals(rows)
    names = epci_names(study)
    labels = {service: service_names(study.parameters, service).label for service in ground.pairs}
    sentences = negotiation.negotiation_sentences(totals, names=names, labels=labels, least_gain_min=least)
    return {"negotiation": rows, "negotiation_totals": totals, "negotiation_sentences": sentences}
