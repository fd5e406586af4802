"""What every part of the diagnosis starts from: origins, members of territories, pairs and places by service."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from sdaasp_geo.analysis import levels
from sdaasp_geo.analysis.access import service_places
from sdaasp_geo.criteria import Criteria, Criterion, criteria_in_force, read_criteria
from sdaasp_geo.layers.stops import counted_stops
from sdaasp_geo.parameters import number_setting, words_setting
from sdaasp_geo.pipeline.measurement import study_engine
from sdaasp_geo.pipeline.offer import surroundings
from sdaasp_geo.pipeline.reporting import Report
from sdaasp_geo.study import Measures, Study
from sdaasp_geo.travel.engine import UNKNOWN_REASONS, Engine
from sdaasp_geo.travel.pairs import pairs_and_gaps

NETWORK = "réseau"
"""Operator of the places of a network that receives everyone."""

LEVELS = ("epci", "petr", "departement")
"""Levels of figures that mean nothing for one commune."""

_ORIGIN = ["code", "name", "epci", "departement", "inside", "population"]
_START = ["code", "ref_x", "ref_y", "population", "area_km2"]


@dataclass(frozen=True)
class Ground:
    """What every part of the diagnosis starts from; mappings are by service.

    Attributes
    ----------
    origins : DataFrame
        Communes of both sides of each border: those that are studied, and those of the EPCI that touch them.
    comers : DataFrame
        Communes farther away whose nearest place of a service is in a studied commune.
    demand : DataFrame
        Every commune that was loaded: its inhabitants may share a place with the studied ones.
    studied : DataFrame
        Studied communes.
    members : mapping of str to DataFrame
        Members of the territories, by level.
    pairs, stop_pairs : mapping of str to DataFrame
        Pairs within reach of the origins and the comers, with permanent places and with stops.
    wide_pairs : mapping of str to DataFrame
        Pairs of all the demand with permanent places: within reach or within the basin, and those whose error band
        begins within a limit.
    gaps : mapping of str to DataFrame
        Pairs of all the demand that were not measured, with the reason (`travel.pairs.pairs_and_gaps`).
    unmeasured : mapping of str to Series
        Reason of each studied commune that was not measured, by code.
    places, limits
        Permanent places, and limits of time in minutes.
    rules, sheet
        Criteria in force, and the sheet they come from.
    """

    study: Study
    measures: Measures
    origins: pd.DataFrame
    comers: pd.DataFrame
    demand: pd.DataFrame
    studied: pd.DataFrame
    members: Mapping[str, pd.DataFrame]
    pairs: Mapping[str, pd.DataFrame]
    stop_pairs: Mapping[str, pd.DataFrame]
    wide_pairs: Mapping[str, pd.DataFrame]
    gaps: Mapping[str, pd.DataFrame]
    unmeasured: Mapping[str, pd.Series]
    places: Mapping[str, pd.DataFrame]
    limits: Mapping[str, list[float]]
    rules: tuple[Criterion, ...]
    sheet: Criteria


class _Pairs(NamedTuple):
    """Pairs of one service, as `Ground` holds them."""

    places: pd.DataFrame
    wide: pd.DataFrame
    gaps: pd.DataFrame
    stops: pd.DataFrame
    unmeasured: pd.Series


def lay_ground(study: Study, measures: Measures, *, report: Report, cache: Path | None) -> Ground:
    """List the pairs of every service from both sides of each border, and gather what figures are made of."""
    communes, scheme = study.communes, study.scheme
    sides = (communes["studied"] | communes["epci"].isin({*study.epci["siren"], *study.neighbours["siren"]})).to_numpy()
    demand = pd.DataFrame(communes[_ORIGIN])
    engine = study_engine(study, report=report, cache=cache)
    sheet = read_criteria(scheme.path(scheme.fichiers.criteres) if scheme.fichiers.criteres else None)
    rules = criteria_in_force(sheet, study.rules, date=scheme.edition)
    limits = {service: _limits(rules, sheet, service) for service in scheme.mesure.services}
    found = {service: _service_pairs(study, measures, engine, service, limits=limits[service]) for service in limits}
    come = demand["code"].isin(_comers(study, found)).to_numpy() & ~sides
    near = set(demand.loc[sides | come, "code"])
    return Ground(
        study=study,
        measures=measures,
        origins=demand[sides].reset_index(drop=True),
        comers=demand[come].reset_index(drop=True),
        demand=demand.reset_index(drop=True),
        studied=demand[communes["studied"].to_numpy()].reset_index(drop=True),
        members=levels.territory_members(
            communes[communes["studied"]],
            study.petr_members,
            epci=set(study.epci["siren"]),
            departement=scheme.departement,
        ),
        pairs={
            service: _cut(listed.wide, near, reach_min=_reach_min(study, service, limits[service]))
            for service, listed in found.items()
        },
        stop_pairs={
            service: listed.stops[listed.stops["code"].isin(near)].reset_index(drop=True)
            for service, listed in found.items()
        },
        wide_pairs={service: listed.wide for service, listed in found.items()},
        gaps={service: listed.gaps for service, listed in found.items()},
        unmeasured={service: listed.unmeasured for service, listed in found.items()},
        places={service: listed.places for service, listed in found.items()},
        limits=limits,
        rules=rules,
        sheet=sheet,
    )


def _service_pairs(study: Study, measures: Measures, engine: Engine, service: str, *, limits: list[float]) -> _Pairs:
    """List the pairs of a service from every commune loaded, those of its stops, and what was not measured."""
    around = surroundings(study.communes, study.points)
    starts = pd.DataFrame(study.communes[_START])
    places = service_places(study.points, around, service=service)
    reach_min = _reach_min(study, service, limits)
    basin_min = number_setting(study.parameters, "bassin-min")
    wide, gaps = pairs_and_gaps(engine, starts, places, limit_min=max(reach_min, basin_min), possible_min=max(limits))
    access = measures.access[measures.access["service"] == service].set_index("code")["reason"]
    halts = _located_stops(study, around, service)
    stops = wide[:0]
    if len(halts):
        stops, stop_gaps = pairs_and_gaps(engine, starts, halts, limit_min=reach_min)
        access = access if len(places) else _wholly_missing(stop_gaps, halts)
    places = places.assign(operateur=_operators(study, places["id"], service))
    return _Pairs(places, wide, gaps, stops, access[access.isin(UNKNOWN_REASONS)])


def _wholly_missing(gaps: pd.DataFrame, places: pd.DataFrame) -> pd.Series:
    """Return the reason of the origins none of whose pairs was measured."""
    origins = gaps.astype("str").groupby("code")["reason"].agg(["size", "max"])
    reasons: pd.Series = origins.loc[origins["size"] == len(places), "max"]
    return reasons


def _cut(pairs: pd.DataFrame, codes: set[str], *, reach_min: float) -> pd.DataFrame:
    """Return the pairs of some origins within reach."""
    return pairs[(pairs["time_min"] <= reach_min) & pairs["code"].isin(codes)].reset_index(drop=True)


def _comers(study: Study, found: Mapping[str, _Pairs]) -> set[str]:
    """Return the communes around that go to a studied commune for their nearest place of a service.

    Places are known within the reach of the offer around the studied communes; a commune within half of it knows
    every place within that half: farther away, the nearest place of all may be unknown.
    """
    communes = study.communes
    west, south, east, north = communes[communes["studied"]].total_bounds
    margin = number_setting(study.parameters, "portee-offre-km") * 1000 / 2
    close = communes["ref_x"].between(west - margin, east + margin)
    close &= communes["ref_y"].between(south - margin, north + margin)
    around, studied = set(communes.loc[close, "code"]), set(communes.loc[communes["studied"], "code"])
    codes: set[str] = set()
    for service in set(found) - set(words_setting(study.parameters, "services-communaux")):
        pairs, places = found[service].wide, found[service].places.set_index("id")["code_commune"]
        pairs = pairs[pairs["code"].isin(around)]
        nearest = pairs.sort_values(["time_min", "place"]).drop_duplicates("code")
        codes |= set(nearest.loc[nearest["place"].map(places).isin(studied), "code"])
    return codes


def _reach_min(study: Study, service: str, limits: list[float]) -> float:
    """Return how far pairs are listed: to the reach of the study, or the farthest limit of a communal service."""
    communal = service in words_setting(study.parameters, "services-communaux")
    reach = number_setting(study.parameters, "portee-trajets-min")
    return max(limits) if communal else max(reach, *limits)


def _located_stops(study: Study, around: pd.DataFrame, service: str) -> pd.DataFrame:
    """Return the stops that bring a service, as travel engines take places."""
    if study.stops is None:
        return pd.DataFrame()
    counted = counted_stops(study.stops, service=service).assign(permanent=True)
    return service_places(counted, around, service=service)


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
