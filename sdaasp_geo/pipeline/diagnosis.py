"""Third part of the pipeline: borders, competent counters, weekly presence, choice, criteria and access figures."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd

from sdaasp_geo.analysis import (
    catchment,
    choice,
    criteria,
    dimensions,
    distribution,
    inequality,
    lifecycle,
    presence,
    sensitivity,
)
from sdaasp_geo.french import NBSP, count, listing, number
from sdaasp_geo.layers import findings, opening
from sdaasp_geo.parameters import number_setting, service_names, words_setting
from sdaasp_geo.pipeline.borders import Tables, epci_names, measure_borders
from sdaasp_geo.pipeline.ground import LEVELS, Ground, by_level, lay_ground, stacked
from sdaasp_geo.pipeline.presence_band import with_band
from sdaasp_geo.pipeline.reporting import Report, quiet
from sdaasp_geo.sources import apl, france
from sdaasp_geo.study import Diagnosis, Measures, Study

_PER_HEAD = 1000.0


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
        each border are measured, and those farther away that come to a studied commune for a service; hours are shared
        among the inhabitants of every commune loaded. Figures by territory are those of the studied communes.

    Raises
    ------
    InputError
        Faults of the files of areas, criteria or APL that the scheme names, together by file.
    """
    report("Trajets à portée")
    ground = lay_ground(study, measures, report=report, cache=cache)
    report("Frontières et guichets compétents")
    borders, border_notes = measure_borders(ground)
    report("Présence hebdomadaire")
    weekly, unread = weekly_presence(ground)
    report("Choix, critères et inégalités")
    counts = place_counts(ground)
    figures = _figures(ground)
    found, told = criteria_classes(ground, counts, weekly)
    shared, missed = catchments(ground, weekly["intervals"])
    return Diagnosis(
        pairs=stacked(
            table.assign(service=service)
            for kind in (ground.pairs, ground.stop_pairs)
            for service, table in kind.items()
        ),
        **borders,
        **weekly,
        counts=counts,
        choice=by_level(ground, lambda table, level: choice.choice_coverage(table, counts, level=level)),
        criteria=found,
        **figures,
        **shared,
        dimensions=_dimensions(ground, counts),
        lifecycle=perimeter_life(study),
        epci_names=epci_names(study),
        notes=(*border_notes, *unread, *told, *missed),
    )


def weekly_presence(ground: Ground) -> tuple[Tables, list[str]]:
    """Measure when a place of each service is open within reach, for every limit that a rule or a criterion sets."""
    study, parameters = ground.study, ground.study.parameters
    monday = dt.date.fromisoformat(words_setting(parameters, "semaine-reference")[0])
    formats = words_setting(parameters, "formats-permanents")
    evening_h = number_setting(parameters, "soir-min")
    places, intervals, reachable, shares, curves, notes = [], [], [], [], [], []
    for service in ground.pairs:
        pairs = pd.concat([ground.pairs[service], ground.stop_pairs[service]], ignore_index=True)
        measured = ground.studied[~ground.studied["code"].isin(ground.unmeasured[service].index)]
        own = study.points[study.points["service"] == service]
        stops = study.stops[study.stops["service"].isin([service, ""])] if study.stops is not None else None
        opened = opening.weekly_presence(pd.DataFrame(own), permanent_formats=formats, monday=monday, stops=stops)
        places.append(opened.places.assign(service=service))
        intervals.append(opened.intervals.assign(service=service))
        notes += _hours_notes(ground, service, opened.places)
        for limit_min in ground.limits[service]:
            marked = {"service": service, "limit_min": limit_min}
            found = presence.reachable_hours(
                ground.studied,
                pairs,
                opened.places,
                opened.intervals,
                limit_min=limit_min,
                evening_h=evening_h,
                unmeasured=ground.unmeasured[service],
            )
            profile = presence.week_profile(measured, pairs, opened.intervals, limit_min=limit_min)
            reachable.append(found.assign(**marked))
            for level in LEVELS:
                table = ground.members[level]
                shares.append(presence.presence_shares(table, found, level=level).assign(**marked))
                if limit_min == ground.limits[service][0]:
                    curve = presence.presence_curve(table, measured, profile, level=level)
                    curves.append(curve.assign(**marked))
    return {
        "opening": stacked(places),
        "intervals": stacked(intervals),
        "reachable": stacked(reachable),
        "presence": stacked(shares),
        "curve": stacked(curves),
    }, notes


def _hours_notes(ground: Ground, service: str, places: pd.DataFrame) -> list[str]:
    """Say how many permanent places, and how many stops, have hours that are missing or were not read."""
    unread = places.loc[~places["hours_known"], "presence"]
    kinds = {opening.PERMANENT: ("lieu permanent", "lieux permanents"), opening.STOP: ("halte", "haltes")}
    counted = [(int((unread == kind).sum()), *nouns) for kind, nouns in kinds.items()]
    many = [count(*found) for found in counted if found[0]]
    if not many:
        return []
    label = service_names(ground.study.parameters, service).label
    return [f"{label}{NBSP}: {listing(many)} sans horaires exploitables\u202f; les heures d'accès sont un minimum."]


def place_counts(ground: Ground) -> pd.DataFrame:
    """Count the places of each service within each limit, by studied commune."""
    access = ground.measures.access
    return stacked(
        choice.count_within(
            pairs, access[access["service"] == service], ground.places[service], limits=ground.limits[service]
        )
        for service, pairs in ground.wide_pairs.items()
    )


def _figures(ground: Ground) -> Tables:
    """Measure deciles, inequality and sensitivity to the threshold, at every level."""
    access = ground.measures.access
    groups = ground.studied.set_index("code")["epci"]
    services = [access[access["service"] == service] for service in ground.pairs]
    return {
        "sensitivity": by_level(
            ground,
            lambda table, level: sensitivity.sensitivity(
                table, access, thresholds=ground.sheet.sensitivity_min, level=level
            ),
        ),
        "distribution": by_level(
            ground,
            lambda table, level: stacked(distribution.distribution(table, one, level=level) for one in services),
        ),
        "inequality": by_level(
            ground,
            lambda table, level: stacked(inequality.inequality(table, one, groups, level=level) for one in services),
        ),
        "contributions": stacked(
            inequality.contributions(ground.members[level], one, groups, level=level)
            for level in ("petr", "departement")
            for one in services
        ),
    }


def criteria_classes(ground: Ground, counts: pd.DataFrame, weekly: Tables) -> tuple[pd.DataFrame, list[str]]:
    """Class the studied communes by every criterion in force, and tell what the APL file says."""
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
        presence=with_band(ground, weekly),
        indicators=indicators,
        labels=ground.sheet.service_label,
    )
    return found, notes


def catchments(ground: Ground, intervals: pd.DataFrame) -> tuple[Tables, list[str]]:
    """Share the hours of every place among all the inhabitants that can reach it, those of unstudied communes too."""
    decay = catchment.whole(number_setting(ground.study.parameters, "bassin-min"))
    hours = (intervals["end_min"] - intervals["start_min"]).groupby(
        [intervals["service"], intervals["place"]]
    ).sum() / 60
    demand = ground.demand.set_index("code")["population"].astype("float64")
    received, shared, notes = [], [], []
    for service, pairs in ground.wide_pairs.items():
        ids = pd.Index(ground.places[service]["id"])
        supply = hours.xs(service) if service in hours.index.get_level_values(0) else pd.Series(dtype="float64")
        unmeasured = set(ground.unmeasured[service].index)
        reach = catchment.reach_of(pairs, codes=demand.index, places=ids)
        access, places = catchment.floating_catchment(
            reach, demand=demand, supply=supply, decay=decay, unmeasured=unmeasured
        )
        access = access.assign(service=service, hours_per_1000=access["supply_per_head"] * _PER_HEAD)
        received.append(access[access["code"].isin(set(ground.studied["code"]))].drop(columns="supply_per_head"))
        shared.append(places.assign(service=service))
        notes += _demand_notes(ground, service)
    return {"catchment": stacked(received), "catchment_places": stacked(shared)}, notes


def _demand_notes(ground: Ground, service: str) -> list[str]:
    """Say how many communes are missing from the shares, for want of any time to the places of a service."""
    gaps = ground.gaps[service].groupby("code", observed=True).size()
    lost = ground.demand[ground.demand["code"].isin(gaps.index[gaps == len(ground.places[service])].astype("str"))]
    if lost.empty:
        return []
    label = service_names(ground.study.parameters, service).label
    people = number(float(lost["population"].sum()))
    said = f"{label}{NBSP}: {count(len(lost), 'commune')} ({people}{NBSP}habitants) sans temps mesuré"
    return [f"{said}\u202f; leurs habitants manquent au partage des heures d'ouverture."]


def _dimensions(ground: Ground, counts: pd.DataFrame) -> pd.DataFrame:
    """Say which of the seven dimensions of accessibility are measured; choice is that of the criteria in force."""
    choices = {service: rule for rule in ground.rules if rule.kind == "choix" for service in rule.services}
    found = []
    for service in ground.pairs:
        rule = choices.get(service)
        found.append(
            dimensions.dimension_coverage(
                ground.members,
                pd.DataFrame(ground.study.points),
                ground.measures.access,
                counts,
                services=[service],
                limits_min={service: rule.limit_min} if rule and rule.limit_min else {},
                at_least=int(rule.threshold) if rule else 1,
            )
        )
    return stacked(found)


def perimeter_life(study: Study) -> pd.DataFrame:
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
