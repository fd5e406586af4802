"""Third part of the pipeline: borders, competent counters, weekly presence, choice, criteria and access figures."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from sdaasp_geo.analysis import (
    border,
    catchment,
    choice,
    competence,
    criteria,
    distribution,
    inequality,
    levels,
    lifecycle,
    negotiation,
    presence,
    sensitivity,
)
from sdaasp_geo.analysis.access import service_places
from sdaasp_geo.criteria import Criteria, Criterion, criteria_from_rules, criteria_on, read_criteria
from sdaasp_geo.french import NBSP, count
from sdaasp_geo.layers import areas, findings, opening
from sdaasp_geo.layers.services import current_codes
from sdaasp_geo.parameters import number_setting, service_names, words_setting
from sdaasp_geo.pipeline.measurement import study_engine
from sdaasp_geo.pipeline.reporting import Report, quiet
from sdaasp_geo.sources import apl, france
from sdaasp_geo.sources import areas as area_files
from sdaasp_geo.study import Diagnosis, Measures, Study
from sdaasp_geo.travel.pairs import pairs_within

NETWORK = "réseau"
_ORIGIN = ["code", "name", "epci", "departement", "inside", "population"]
_LEVELS = ("epci", "petr", "departement")
"""Levels of figures that mean nothing for one commune."""

_PER_HEAD = 1000.0

Tables = dict[str, pd.DataFrame]


@dataclass(frozen=True)
class _Ground:
    """What every part of the diagnosis starts from: origins, members of territories, pairs and places by service."""

    study: Study
    measures: Measures
    origins: pd.DataFrame
    studied: pd.DataFrame
    members: Mapping[str, pd.DataFrame]
    pairs: Mapping[str, pd.DataFrame]
    places: Mapping[str, pd.DataFrame]
    limits: Mapping[str, list[float]]
    rules: tuple[Criterion, ...]
    sheet: Criteria


def diagnose(study: Study, measures: Measures, *, report: Report = quiet, cache: Path | None = None) -> Diagnosis:
    """Measure what the nearest place alone does not say.

    Parameters
    ----------
    study, measures : Study, Measures
        From `prepare` and `measure`.
    report, cache
        See `measure`.

    Returns
    -------
    Diagnosis
        Origins are the communes of the EPCI of the département and of the EPCI that touch it, so that both sides of
        each border are measured; figures by territory are those of the studied communes.

    Raises
    ------
    InputError
        Faults of the files of areas, criteria or APL that the scheme names, together by file.
    """
    report("Trajets à portée")
    ground = _ground(study, measures, report=report, cache=cache)
    report("Frontières et guichets compétents")
    borders, border_notes = _borders(ground)
    report("Présence hebdomadaire")
    weekly, unread = _presence(ground)
    report("Choix, critères et inégalités")
    counts = _counts(ground)
    figures = _figures(ground)
    found, told = _criteria(ground, counts, weekly["reachable"])
    return Diagnosis(
        pairs=_stacked((pairs.assign(service=service) for service, pairs in ground.pairs.items())),
        **borders,
        **weekly,
        counts=counts,
        choice=_by_level(ground, lambda table, level: choice.choice_coverage(table, counts, level=level)),
        criteria=found,
        **figures,
        **_catchments(ground, weekly["intervals"]),
        lifecycle=_lifecycle(study),
        notes=(*border_notes, *unread, *told),
    )


def _ground(study: Study, measures: Measures, *, report: Report, cache: Path | None) -> _Ground:
    communes, scheme = study.communes, study.scheme
    around = {*study.epci["siren"], *study.neighbours["siren"]}
    wanted = communes[communes["studied"] | communes["epci"].isin(around)].reset_index(drop=True)
    studied = pd.DataFrame(communes.loc[communes["studied"], [*_ORIGIN]]).reset_index(drop=True)
    engine = study_engine(study, report=report, cache=cache)
    sheet = read_criteria(scheme.path(scheme.fichiers.criteres) if scheme.fichiers.criteres else None)
    rules = (*criteria_from_rules(sheet, study.rules), *criteria_on(sheet, date=scheme.edition))
    limits = {service: _limits(rules, sheet, service) for service in scheme.mesure.services}
    surroundings = pd.DataFrame(communes[["code", "population", "area_km2"]])
    pairs, places = {}, {}
    for service in scheme.mesure.services:
        own = service_places(study.points, surroundings, service=service)
        pairs[service] = pairs_within(
            engine,
            wanted[["code", "ref_x", "ref_y", "population", "area_km2"]],
            own,
            limit_min=_reach_min(study, service, limits[service]),
        )
        places[service] = own.assign(operateur=_operators(study, own["id"], service))
    return _Ground(
        study=study,
        measures=measures,
        origins=pd.DataFrame(wanted[_ORIGIN]),
        studied=studied,
        members=levels.territory_members(
            communes[communes["studied"]],
            study.petr_members,
            epci=set(study.epci["siren"]),
            departement=scheme.departement,
        ),
        pairs=pairs,
        places=places,
        limits=limits,
        rules=rules,
        sheet=sheet,
    )


def _reach_min(study: Study, service: str, limits: list[float]) -> float:
    """Return how far pairs are listed: to the reach of the study, or the farthest limit of a communal service."""
    communal = service in words_setting(study.parameters, "services-communaux")
    reach = number_setting(study.parameters, "portee-trajets-min")
    return max(limits) if communal else max(reach, *limits)


def _operators(study: Study, ids: pd.Series, service: str) -> pd.Series:
    """Return the operator of each place; a network that receives everyone counts for one operator."""
    if service in words_setting(study.parameters, "services-en-reseau"):
        return pd.Series(NETWORK, index=ids.index, dtype="str")
    known = study.points[study.points["service"] == service].drop_duplicates("id").set_index("id")["operateur"]
    return ids.map(known).fillna("").astype("str")


def _stacked(tables: Iterable[pd.DataFrame]) -> pd.DataFrame:
    return pd.concat(list(tables), ignore_index=True)


def _by_level(
    ground: _Ground, make: Callable[[pd.DataFrame, str], pd.DataFrame], *, among: Collection[str] = _LEVELS
) -> pd.DataFrame:
    return _stacked(make(table, level) for level, table in ground.members.items() if level in among)


def _borders(ground: _Ground) -> tuple[Tables, list[str]]:
    """Measure the border balance, the competent counters and what there is to negotiate, service by service."""
    study = ground.study
    communal = set(words_setting(study.parameters, "services-communaux"))
    services = [service for service in ground.pairs if service not in communal]
    given, notes = _areas(study)
    access = [
        border.border_access(
            ground.origins, ground.places[service], ground.pairs[service], service=service, operator=who
        )
        for service in services
        for who in (None, *_several(ground.places[service]["operateur"]))
    ]
    counters = [
        competence.competent_access(
            ground.origins, ground.places[service], ground.pairs[service], given, service=service
        )
        for service in services
    ]
    if not services:
        return _no_border(), notes
    competent = _stacked(counters)
    bounds = [float(bound) for bound in words_setting(study.parameters, "classes-penalite")]
    balance = _by_level(
        ground,
        lambda table, level: _stacked(border.border_balance(one, table, level=level) for one in access),
        among=levels.LEVELS,
    )
    together = _stacked(access)
    return {
        "border": together,
        "balance": balance,
        "exchanges": _stacked(border.border_pairs(together, level=level) for level in border.SHARED),
        "competence": competent,
        "penalty": _by_level(ground, lambda table, level: competence.penalty_summary(competent, table, level=level)),
        "penalty_classes": _by_level(
            ground,
            lambda table, level: competence.penalty_distribution(competent, table, bounds=bounds, level=level),
        ),
        **_negotiation(ground, competent),
    }, notes


def _several(operators: pd.Series) -> list[str]:
    """Return the operators to look at one by one: none where there is one only."""
    names = sorted(set(operators) - {""})
    return names if len(names) > 1 else []


def _no_border() -> Tables:
    names = ("border", "balance", "exchanges", "competence", "penalty", "penalty_classes")
    more = ("negotiation", "negotiation_totals", "negotiation_sentences")
    return {name: pd.DataFrame() for name in (*names, *more)}


def _areas(study: Study) -> tuple[pd.DataFrame, list[str]]:
    """Read the areas of operators, where the scheme gives some."""
    name, vintage = study.scheme.fichiers.secteurs, study.scheme.millesimes.mesure
    if not name:
        return pd.DataFrame(columns=["operateur", "code_commune", "guichet", "area_reason"], dtype="str"), []
    raw = area_files.read_areas(study.scheme.path(name))
    known = set(study.communes["code"])
    codes = current_codes(raw["code_commune"], france.read_moves(), known, vintage=vintage)
    return areas.build_areas(raw.assign(code_commune=codes), study.communes, study.points, file=Path(name).name)


def _negotiation(ground: _Ground, competent: pd.DataFrame) -> Tables:
    study = ground.study
    least = number_setting(study.parameters, "gain-negociation-min")
    inside = set(study.communes.loc[study.communes["inside"], "code"])
    rows = negotiation.negotiation_rows(competent, study.communes, study.borders, ours=inside, least_gain_min=least)
    totals = negotiation.negotiation_totals(rows)
    names = france.read_epci_names(study.scheme.millesimes.mesure).set_index("siren")["name"].to_dict()
    labels = {service: service_names(study.parameters, service).label for service in ground.pairs}
    sentences = negotiation.negotiation_sentences(totals, names=names, labels=labels, least_gain_min=least)
    return {"negotiation": rows, "negotiation_totals": totals, "negotiation_sentences": sentences}


def _limits(rules: Iterable[Criterion], sheet: Criteria, service: str) -> list[float]:
    """Return the limits of time that rules and criteria set for a service; without any, those of sensitivity."""
    limits = {
        criterion.threshold if criterion.kind == "temps" else criterion.limit_min
        for criterion in rules
        if service in criterion.services
    }
    return sorted(limit for limit in limits if limit is not None) or list(sheet.sensitivity_min)


def _presence(ground: _Ground) -> tuple[Tables, list[str]]:
    """Measure when a place of each service is open within reach, for every limit that a rule or a criterion sets."""
    parameters = ground.study.parameters
    monday = dt.date.fromisoformat(words_setting(parameters, "semaine-reference")[0])
    formats = words_setting(parameters, "formats-permanents")
    evening_h = number_setting(parameters, "soir-min")
    places, intervals, reachable, shares, curves, notes = [], [], [], [], [], []
    for service, pairs in ground.pairs.items():
        own = ground.study.points[ground.study.points["service"] == service]
        opened = opening.weekly_presence(pd.DataFrame(own), permanent_formats=formats, monday=monday)
        places.append(opened.places.assign(service=service))
        intervals.append(opened.intervals.assign(service=service))
        notes += _hours_notes(ground, service, opened.places)
        for limit_min in ground.limits[service]:
            marked = {"service": service, "limit_min": limit_min}
            found = presence.reachable_hours(
                ground.studied, pairs, opened.places, opened.intervals, limit_min=limit_min, evening_h=evening_h
            )
            profile = presence.week_profile(ground.studied, pairs, opened.intervals, limit_min=limit_min)
            reachable.append(found.assign(**marked))
            for level in _LEVELS:
                table = ground.members[level]
                shares.append(presence.presence_shares(table, found, level=level).assign(**marked))
                if limit_min == ground.limits[service][0]:
                    curve = presence.presence_curve(table, ground.studied, profile, level=level)
                    curves.append(curve.assign(**marked))
    return {
        "opening": _stacked(places),
        "intervals": _stacked(intervals),
        "reachable": _stacked(reachable),
        "presence": _stacked(shares),
        "curve": _stacked(curves),
    }, notes


def _hours_notes(ground: _Ground, service: str, places: pd.DataFrame) -> list[str]:
    """Say how many permanent places have hours that are missing or were not read."""
    unknown = int((~places["hours_known"] & (places["presence"] != opening.NOT_COUNTED)).sum())
    if not unknown:
        return []
    label = service_names(ground.study.parameters, service).label
    many = count(unknown, "lieu permanent", "lieux permanents")
    return [f"{label}{NBSP}: {many} sans horaires exploitables ; les heures d'accès sont alors un minimum."]


def _counts(ground: _Ground) -> pd.DataFrame:
    access = ground.measures.access
    return _stacked(
        choice.count_within(
            pairs, access[access["service"] == service], ground.places[service], limits=ground.limits[service]
        )
        for service, pairs in ground.pairs.items()
    )


def _figures(ground: _Ground) -> Tables:
    """Measure deciles, inequality and sensitivity to the threshold, at every level."""
    access = ground.measures.access
    groups = ground.studied.set_index("code")["epci"]
    services = [access[access["service"] == service] for service in ground.pairs]
    return {
        "sensitivity": _by_level(
            ground,
            lambda table, level: sensitivity.sensitivity(
                table, access, thresholds=ground.sheet.sensitivity_min, level=level
            ),
        ),
        "distribution": _by_level(
            ground,
            lambda table, level: _stacked(distribution.distribution(table, one, level=level) for one in services),
        ),
        "inequality": _by_level(
            ground,
            lambda table, level: _stacked(inequality.inequality(table, one, groups, level=level) for one in services),
        ),
        "contributions": _stacked(
            inequality.contributions(ground.members[level], one, groups, level=level)
            for level in ("petr", "departement")
            for one in services
        ),
    }


def _criteria(ground: _Ground, counts: pd.DataFrame, reachable: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    study = ground.study
    indicators, notes = None, []
    if study.scheme.fichiers.apl:
        figures = apl.read_apl(study.scheme.path(study.scheme.fichiers.apl))
        indicators, _ = apl.match_apl(figures, pd.Index(ground.studied["code"]))
        notes = list(figures.notes)
    found = criteria.evaluate_criteria(
        ground.rules,
        ground.studied,
        access=ground.measures.access,
        choice=counts,
        presence=reachable,
        indicators=indicators,
        labels=ground.sheet.service_label,
    )
    return found, notes


def _catchments(ground: _Ground, intervals: pd.DataFrame) -> Tables:
    """Share the hours of every place among the inhabitants of both sides of the border that it can reach."""
    decay = catchment.whole(number_setting(ground.study.parameters, "bassin-min"))
    hours = (intervals["end_min"] - intervals["start_min"]).groupby(
        [intervals["service"], intervals["place"]]
    ).sum() / 60
    demand = ground.origins.set_index("code")["population"].astype("float64")
    received, shared = [], []
    for service, pairs in ground.pairs.items():
        ids = pd.Index(ground.places[service]["id"])
        supply = hours.xs(service) if service in hours.index.get_level_values(0) else pd.Series(dtype="float64")
        reach = catchment.reach_of(pairs, codes=pd.Index(ground.origins["code"]), places=ids)
        access, places = catchment.floating_catchment(reach, demand=demand, supply=supply, decay=decay)
        access = access.assign(service=service, hours_per_1000=access["supply_per_head"] * _PER_HEAD)
        received.append(access[access["code"].isin(set(ground.studied["code"]))].drop(columns="supply_per_head"))
        shared.append(places.assign(service=service))
    return {"catchment": _stacked(received), "catchment_places": _stacked(shared)}


def _lifecycle(study: Study) -> pd.DataFrame:
    """List what happened to the perimeters of the département between the convention and the measure."""
    years = study.scheme.millesimes
    before = findings.closest_vintage(years.convention, france.vintages())
    if before >= years.mesure:
        return pd.DataFrame()
    return lifecycle.lifecycle(
        france.read_membership(before),
        france.read_membership(years.mesure),
        france.read_moves(),
        epci_names=(france.read_epci_names(before), france.read_epci_names(years.mesure)),
        petr=france.read_petr(),
        departements=[study.scheme.departement],
    )
