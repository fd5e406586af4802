"""What every part of the diagnosis starts from: origins, members of territories, pairs and places by service."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from sdaasp_geo.analysis import levels
from sdaasp_geo.analysis.access import service_places
from sdaasp_geo.criteria import Criteria, Criterion, criteria_from_rules, criteria_on, read_criteria
from sdaasp_geo.layers.stops import counted_stops
from sdaasp_geo.parameters import number_setting, words_setting
from sdaasp_geo.pipeline.measurement import study_engine
from sdaasp_geo.pipeline.reporting import Report
from sdaasp_geo.study import Measures, Study
from sdaasp_geo.travel.engine import Engine
from sdaasp_geo.travel.pairs import pairs_within

NETWORK = "réseau"
"""Operator of the places of a network that receives everyone."""

LEVELS = ("epci", "petr", "departement")
"""Levels of figures that mean nothing for one commune."""

_ORIGIN = ["code", "name", "epci", "departement", "inside", "population"]


@dataclass(frozen=True)
class Ground:
    """What every part of the diagnosis starts from: origins, members of territories, pairs and places by service."""

    study: Study
    measures: Measures
    origins: pd.DataFrame
    studied: pd.DataFrame
    members: Mapping[str, pd.DataFrame]
    pairs: Mapping[str, pd.DataFrame]
    stop_pairs: Mapping[str, pd.DataFrame]
    places: Mapping[str, pd.DataFrame]
    limits: Mapping[str, list[float]]
    rules: tuple[Criterion, ...]
    sheet: Criteria


def lay_ground(study: Study, measures: Measures, *, report: Report, cache: Path | None) -> Ground:
    """List the pairs of every service from both sides of each border, and gather what figures are made of."""
    communes, scheme = study.communes, study.scheme
    around = {*study.epci["siren"], *study.neighbours["siren"]}
    wanted = communes[communes["studied"] | communes["epci"].isin(around)].reset_index(drop=True)
    studied = pd.DataFrame(communes.loc[communes["studied"], [*_ORIGIN]]).reset_index(drop=True)
    engine = study_engine(study, report=report, cache=cache)
    sheet = read_criteria(scheme.path(scheme.fichiers.criteres) if scheme.fichiers.criteres else None)
    rules = (*criteria_from_rules(sheet, study.rules), *criteria_on(sheet, date=scheme.edition))
    limits = {service: _limits(rules, sheet, service) for service in scheme.mesure.services}
    found = {
        service: _service_pairs(study, wanted, engine, service, reach_min=_reach_min(study, service, limits[service]))
        for service in scheme.mesure.services
    }
    return Ground(
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
        pairs={service: pairs for service, (pairs, _, _) in found.items()},
        stop_pairs={service: pairs for service, (_, pairs, _) in found.items()},
        places={service: places for service, (_, _, places) in found.items()},
        limits=limits,
        rules=rules,
        sheet=sheet,
    )


def _service_pairs(
    study: Study, wanted: pd.DataFrame, engine: Engine, service: str, *, reach_min: float
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return the pairs of a service with its permanent places, those with its stops, and the places."""
    surroundings = pd.DataFrame(study.communes[["code", "population", "area_km2"]])
    starts = pd.DataFrame(wanted[["code", "ref_x", "ref_y", "population", "area_km2"]])
    places = service_places(study.points, surroundings, service=service)
    pairs = pairs_within(engine, starts, places, limit_min=reach_min)
    halts = _located_stops(study, surroundings, service)
    stop_pairs = pairs_within(engine, starts, halts, limit_min=reach_min) if len(halts) else pairs[:0]
    return pairs, stop_pairs, places.assign(operateur=_operators(study, places["id"], service))


def _reach_min(study: Study, service: str, limits: list[float]) -> float:
    """Return how far pairs are listed: to the reach of the study, or the farthest limit of a communal service."""
    communal = service in words_setting(study.parameters, "services-communaux")
    reach = number_setting(study.parameters, "portee-trajets-min")
    return max(limits) if communal else max(reach, *limits)


def _located_stops(study: Study, surroundings: pd.DataFrame, service: str) -> pd.DataFrame:
    """Return the stops that bring a service, as travel engines take places."""
    if study.stops is None:
        return pd.DataFrame()
    counted = counted_stops(study.stops, service=service).assign(permanent=True)
    return service_places(counted, surroundings, service=service)


def _operators(study: Study, ids: pd.Series, service: str) -> pd.Series:
    """Return the operator of each place; a network that receives everyone counts for one operator."""
    if service in words_setting(study.parameters, "services-en-reseau"):
        return pd.Series(NETWORK, index=ids.index, dtype="str")
    known = study.points[study.points["service"] == service].drop_duplicates("id").set_index("id")["operateur"]
    return ids.map(known).fillna("").astype("str")


def _limits(rules: Iterable[Criterion], sheet: Criteria, service: str) -> list[float]:
    """Return the limits of time that rules and criteria set for a service; without any, those of sensitivity."""
    limits = {
        criterion.threshold if criterion.kind == "temps" else criterion.limit_min
        for criterion in rules
        if service in criterion.services
    }
    return sorted(limit for limit in limits if limit is not None) or list(sheet.sensitivity_min)


def stacked(tables: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Put tables one under the other."""
    return pd.concat(list(tables), ignore_index=True)


def by_level(
    ground: Ground, make: Callable[[pd.DataFrame, str], pd.DataFrame], *, among: Collection[str] = LEVELS
) -> pd.DataFrame:
    """Make a table for each level, from its members and its name, and put them one under the other."""
    return stacked(make(table, level) for level, table in ground.members.items() if level in among)
