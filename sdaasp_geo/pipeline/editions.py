"""Two editions of a scheme and every mixture of them: places, populations, perimeters, engines."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache as remembered
from pathlib import Path

import geopandas as gpd
import msgspec
import numpy as np
import pandas as pd

from sdaasp_geo.analysis import levels
from sdaasp_geo.analysis.access import service_places
from sdaasp_geo.analysis.restatement import restate
from sdaasp_geo.errors import InputError
from sdaasp_geo.layers.vintages import passage_table, require_vintage
from sdaasp_geo.outputs.manifest import sha256
from sdaasp_geo.pipeline.measurement import study_engine
from sdaasp_geo.pipeline.offer import read_offer, surroundings
from sdaasp_geo.pipeline.preparation import prepare
from sdaasp_geo.pipeline.reporting import Report
from sdaasp_geo.scheme import ROAD_ENGINES, Scheme
from sdaasp_geo.sources import france, minutes
from sdaasp_geo.study import Study
from sdaasp_geo.travel.engine import NOT_MEASURED, Engine, Method
from sdaasp_geo.travel.nearest import nearest_places

SUPPLY, SOURCE = "offre", "source"
"""What a place that changed counts for, in French."""

OPENED, CLOSED, ELSEWHERE, CORRECTED = "ouvert", "fermé", "autre commune", "autre position"
PERMANENT, NO_LONGER = "devient permanent", "n'est plus permanent"

_PLACE = ["service", "id", "code_commune"]


@dataclass(frozen=True)
class Editions:
    """Both editions and their mixtures; 0 is the edition before, 1 the edition after.

    ``populations`` and ``offers`` are indexed by (edition they come from, edition whose communes they are on).
    """

    studies: tuple[Study, Study]
    engines: tuple[Engine, Engine]
    members: tuple[Mapping[str, pd.DataFrame], Mapping[str, pd.DataFrame]]
    populations: Mapping[tuple[int, int], pd.DataFrame]
    offers: Mapping[tuple[int, int], gpd.GeoDataFrame]


@dataclass(frozen=True)
class Reach:
    """Minutes of each commune to its nearest place; places to which nothing was measured; how times were obtained."""

    minutes: pd.DataFrame
    unmeasured: tuple[str, ...]
    method: Method


Measured = Callable[[int, int, int, int], Reach]
"""``measured(supply, population, perimeter, source)``: each mixture of two editions is measured once."""


def prepare_editions(before: Scheme, after: Scheme, *, report: Report, cache: Path | None) -> Editions:
    """Prepare both editions of one département, and put the populations and places of each on the other's communes.

    Raises
    ------
    InputError
        Faults of the inputs; communes of a matrix of minutes that are not of the vintage of its edition.
    """
    _refuse_mixed_vintages(before, after)
    studies = (prepare(before, report=report), prepare(after, report=report))
    report("Moteurs de calcul")
    first = study_engine(studies[0], report=report, cache=cache)
    same = _engine_key(before) == _engine_key(after)
    return Editions(
        studies=studies,
        engines=(first, first if same else study_engine(studies[1], report=report, cache=cache)),
        members=(_members(studies[0]), _members(studies[1])),
        populations=_populations(studies),
        offers={
            (own, other): studies[own].points if own == other else _offer_on(studies[own], studies[other])
            for own, other in itertools.product((0, 1), repeat=2)
        },
    )


def _refuse_mixed_vintages(*schemes: Scheme) -> None:
    """Refuse a matrix of minutes whose communes are not of the vintage of its edition."""
    reference = None
    for scheme in schemes:
        if scheme.mesure.moteur != "matrice":
            continue
        if reference is None:
            reference = pd.concat([france.read_membership(year) for year in france.vintages()], ignore_index=True)
        path = scheme.path(scheme.fichiers.minutes)
        origins = minutes.read_minutes(path)[["origin"]].drop_duplicates()
        try:
            require_vintage(
                origins,
                reference,
                vintage=scheme.millesimes.mesure,
                code="origin",
                name=path.name,
                moves=france.read_moves(),
            )
        except InputError as error:  # one fault for each commune: rows are those of the list, not of the file
            raise InputError([dataclasses.replace(fault, row=None) for fault in error.faults]) from error


def _engine_key(scheme: Scheme) -> tuple[str, ...]:
    """Return what tells two engines apart: their name and their files."""
    files = scheme.fichiers
    names = {"matrice": (files.minutes,), **dict.fromkeys(ROAD_ENGINES, (*files.routes, files.vitesses))}
    used = names.get(scheme.mesure.moteur, ())
    return (scheme.mesure.moteur, *(sha256(scheme.path(name)) if name else "" for name in used))


def _members(study: Study) -> dict[str, pd.DataFrame]:
    return levels.territory_members(
        study.communes[study.communes["studied"]],
        study.petr_members,
        epci=set(study.epci["siren"]),
        departement=study.scheme.departement,
    )


def _offer_on(own: Study, other: Study) -> gpd.GeoDataFrame:
    """Read the places of one edition on the communes of the other."""
    files = msgspec.structs.replace(own.scheme.fichiers, haltes="")
    scheme = msgspec.structs.replace(own.scheme, fichiers=files, millesimes=other.scheme.millesimes)
    return read_offer(scheme, own.parameters, other.communes, departement=scheme.departement)[0]


def _populations(studies: tuple[Study, Study]) -> dict[tuple[int, int], pd.DataFrame]:
    """Return the population of each edition on the communes of each: ``code, population, estimated``."""
    years = [study.scheme.millesimes.mesure for study in studies]
    tables = {}
    for own, other in itertools.product((0, 1), repeat=2):
        layer = pd.DataFrame(studies[other].communes[["code", "population"]]).assign(estimated=False)
        tables[own, other] = layer if years[own] == years[other] else _restated(layer["code"], years[own], years[other])
    return tables


def _restated(codes: pd.Series, departure: int, arrival: int) -> pd.DataFrame:
    """Restate the population of one vintage on some communes of another."""
    start = france.read_membership(departure).astype({"population": "int64"})
    passage = passage_table(start, france.read_membership(arrival), france.read_moves())
    concerned = passage[passage["code_before"].isin(passage.loc[passage["code_after"].isin(codes), "code_before"])]
    values = start.loc[start["code"].isin(concerned["code_before"]), ["code", "population"]]
    found = restate(values, concerned, sums=["population"]).set_index("code")
    return found.loc[codes, ["population", "estimated"]].reset_index()


def measured_once(editions: Editions, service: str) -> Measured:
    """Make the function that measures a mixture of the two editions, once.

    The population of a mixture counts in its times too, where the engine estimates them from density.
    """

    @remembered
    def measured(supply: int, population: int, perimeter: int, source: int) -> Reach:
        people = editions.populations[population, perimeter].set_index("code")["population"]
        layer = editions.studies[perimeter].communes
        layer = layer.assign(population=layer["code"].map(people))
        points = editions.offers[supply, perimeter]
        if source != supply:
            points = _located_as(points, editions.offers[source, perimeter])
        places = service_places(points, surroundings(layer, points), service=service)
        studied = layer.loc[layer["studied"], ["code", "ref_x", "ref_y", "population", "area_km2"]]
        matrix = editions.engines[source](pd.DataFrame(studied).reset_index(drop=True), places)
        blind = (matrix.reason == NOT_MEASURED).all(axis=0)
        unmeasured = tuple(sorted(places.loc[np.asarray(blind, dtype=bool), "id"]))
        return Reach(nearest_places(matrix)[["code", "time_min"]], unmeasured, matrix.method)

    return measured


def _located_as(points: gpd.GeoDataFrame, other: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Put the places that both lists have in the same commune where the other list puts them."""
    found = other[other.geometry.notna()].set_index(_PLACE).geometry
    moved = gpd.GeoSeries(
        found.reindex(pd.MultiIndex.from_frame(points[_PLACE])).to_numpy(), index=points.index, crs=points.crs
    )
    return points.set_geometry(moved.where(moved.notna(), points.geometry))


def changed_places(editions: Editions, service: str, *, perimeter: int = 1) -> pd.DataFrame:
    """List the places that differ between the two editions, on the communes of one of them.

    Only what counts in times is looked at: permanent places that have a position. A place is known by its identifier.

    Returns
    -------
    DataFrame
        ``service, place, place_name, place_commune, place_commune_code, place_departement, place_change, factor``
        (``offre``, or ``source`` where only the position changed, in the same commune), sorted by place.
    """
    tables = [_usable(editions.offers[own, perimeter], service) for own in (0, 1)]
    known = [
        set(offer.loc[offer["service"] == service, "id"]) for offer in (editions.offers[o, perimeter] for o in (0, 1))
    ]
    both = tables[0].add_suffix("_before").join(tables[1].add_suffix("_after"), how="outer")
    was, now = both["x_before"].notna(), both["x_after"].notna()
    there = [pd.Series(both.index.isin(list(ids)), index=both.index) for ids in known]
    same_commune = both["code_commune_before"] == both["code_commune_after"]
    same_point = (both["x_before"] == both["x_after"]) & (both["y_before"] == both["y_after"])
    cases = {
        PERMANENT: ~was & there[0],
        OPENED: ~was & ~there[0],
        NO_LONGER: ~now & there[1],
        CLOSED: ~now & ~there[1],
        ELSEWHERE: was & now & ~same_commune,
        CORRECTED: was & now & same_commune & ~same_point,
    }
    change = np.select([case.to_numpy(dtype=bool) for case in cases.values()], list(cases), "")
    told = {column: both[f"{own}_after"].where(now, both[f"{own}_before"]) for column, own in _TOLD.items()}
    table = pd.DataFrame({"service": service, "place": both.index, **told, "place_change": change}, index=both.index)
    table["factor"] = np.where(change == CORRECTED, SOURCE, SUPPLY)
    return table[change != ""].sort_values("place", ignore_index=True)


_TOLD = {
    "place_name": "nom",
    "place_commune": "commune",
    "place_commune_code": "code_commune",
    "place_departement": "departement",
}


def _usable(points: gpd.GeoDataFrame, service: str) -> pd.DataFrame:
    """Return the permanent, located places of a service, by identifier."""
    kept = points[(points["service"] == service) & points["permanent"] & points.geometry.notna()]
    table = pd.DataFrame(kept[["id", *_TOLD.values()]]).assign(x=kept.geometry.x, y=kept.geometry.y)
    return table.set_index("id")


def changed_factors(editions: Editions, service: str) -> dict[str, int]:
    """Say which factors differ between the editions for a service: 1 where they do, 0 where they are the same."""
    one, other = (study.scheme for study in editions.studies)
    places = {factor for own in (0, 1) for factor in changed_places(editions, service, perimeter=own)["factor"]}
    vintages = one.millesimes.mesure != other.millesimes.mesure
    contours = [scheme.fichiers.communes and sha256(scheme.path(scheme.fichiers.communes)) for scheme in (one, other)]
    return {
        "supply": int(SUPPLY in places),
        "population": int(vintages),
        "perimeter": int(vintages or contours[0] != contours[1]),
        "source": int(editions.engines[0] is not editions.engines[1] or SOURCE in places),
    }
