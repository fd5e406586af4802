"""Where next: new sites for a service, with a proof, and what each existing site is worth."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from sdaasp_geo import __version__
from sdaasp_geo.analysis import levels, siting, siting_tables
from sdaasp_geo.analysis.access import service_places
from sdaasp_geo.errors import SchemeError
from sdaasp_geo.french import NBSP
from sdaasp_geo.layers.territories import SIGNS
from sdaasp_geo.outputs import publish
from sdaasp_geo.outputs.siting import write_siting
from sdaasp_geo.parameters import number_setting
from sdaasp_geo.pipeline.measurement import study_engine
from sdaasp_geo.pipeline.offer import surroundings
from sdaasp_geo.pipeline.preparation import prepare
from sdaasp_geo.pipeline.reporting import Report, quiet
from sdaasp_geo.scheme import Scheme
from sdaasp_geo.study import NewSites, Study
from sdaasp_geo.travel.pairs import pairs_within

SITING_STEPS = 6
"""Steps that `sites` reports."""

COVER_MOST, SHORTEN, COVER_ALL = "couvrir", "rapprocher", "tout-couvrir"
_IDENTITY = {"id": "place", "nom": "place_name", "commune": "place_commune", "epci": "place_epci"}


@dataclass(frozen=True)
class Question:
    """What is asked: how many new sites of a service, at most, for which threshold, with which aim.

    Attributes
    ----------
    service : str
        Code of a measured service.
    count : int
        New sites; not used to cover everyone.
    threshold_min : float
        Minutes; a time equal to it is within.
    aim : str
        ``couvrir`` (bring most inhabitants within the threshold), ``rapprocher`` (shorten the mean time) or
        ``tout-couvrir`` (fewest sites that bring everyone who can be within the threshold).
    """

    service: str
    count: int
    threshold_min: float
    aim: str = COVER_MOST


def sites(
    scheme: Scheme, folder: Path, question: Question, *, report: Report = quiet, cache: Path | None = None
) -> NewSites:
    """Choose new sites and write their tables in a folder, complete or not at all.

    Raises
    ------
    SdaaspError
        Any error of the inputs, of the question or of the folder; nothing is left behind.
    """
    publish.check_replaceable(folder)
    study = prepare(scheme, report=report)
    found = choose_sites(study, question, report=report, cache=cache)
    report("Tableaux")
    with publish.published(folder) as beside:
        write_siting(study, found, beside, version=__version__)
    return found


def choose_sites(study: Study, question: Question, *, report: Report = quiet, cache: Path | None = None) -> NewSites:
    """Choose new sites of a service among the communes of the département.

    Demand is that of the communes of the département and of the EPCI that sign, whole; the permanent places within
    reach stay open, whatever their département; a candidate stands at the point of reference of a commune of the
    département.

    Raises
    ------
    SchemeError
        When the service is not measured, or the count or the threshold is not positive.
    """
    _check(study, question)
    engine = study_engine(study, report=report, cache=cache)
    report("Trajets vers les lieux et les candidats")
    communes = study.communes
    studied = communes[_concerned(study)].reset_index(drop=True)
    existing = service_places(study.points, surroundings(communes, study.points), service=question.service)
    candidates = _candidates(communes[communes["inside"]])
    cap_min = max(number_setting(study.parameters, "portee-trajets-min"), question.threshold_min)
    places = pd.concat([existing, candidates], ignore_index=True)
    starts = pd.DataFrame(studied[["code", "ref_x", "ref_y", "population", "area_km2"]])
    pairs = pairs_within(engine, starts, places, limit_min=cap_min)
    report("Choix des lieux")
    demand = pd.DataFrame(studied[["code", "population"]])
    kept, proposed = (table.rename(columns=_IDENTITY)[list(_IDENTITY.values())] for table in (existing, candidates))
    chosen = _solved(demand, pairs, question, candidates=proposed, existing=kept, cap_min=cap_min)
    lost, losses = siting_tables.closures(
        demand, pairs, existing=kept, threshold_min=question.threshold_min, cap_min=cap_min
    )
    territories = _territories(study)
    return NewSites(
        service=question.service,
        aim=question.aim,
        count=question.count,
        siting=chosen,
        gains=siting_tables.gains_by_territory(chosen.steps, demand, territories),
        coverage=siting_tables.coverage_by_territory(chosen, territories),
        closures=lost,
        closure_losses=siting_tables.gains_by_territory(losses, demand, territories),
        method=engine(starts.head(1), existing.head(1)).method,
    )


def _solved(
    demand: pd.DataFrame,
    pairs: pd.DataFrame,
    question: Question,
    *,
    candidates: pd.DataFrame,
    existing: pd.DataFrame,
    cap_min: float,
) -> siting.Siting:
    threshold_min = question.threshold_min
    if question.aim == COVER_ALL:
        return siting.cover_all(
            demand, pairs, candidates=candidates, existing=existing, threshold_min=threshold_min, cap_min=cap_min
        )
    solve = siting.cover_most if question.aim == COVER_MOST else siting.shorten_times
    return solve(
        demand,
        pairs,
        candidates=candidates,
        existing=existing,
        count=question.count,
        threshold_min=threshold_min,
        cap_min=cap_min,
    )


def _check(study: Study, question: Question) -> None:
    faults = []
    if question.service not in study.scheme.mesure.services:
        known = ", ".join(study.scheme.mesure.services)
        faults.append(f"service «{NBSP}{question.service}{NBSP}» non mesuré par le schéma (mesurés{NBSP}: {known})")
    if question.aim not in {COVER_MOST, SHORTEN, COVER_ALL}:
        faults.append(f"but «{NBSP}{question.aim}{NBSP}» inconnu ({COVER_MOST}, {SHORTEN} ou {COVER_ALL})")
    if question.count < 1:
        faults.append("le nombre de lieux doit être d'au moins 1")
    if not question.threshold_min > 0:
        faults.append("le seuil doit être un nombre de minutes positif")
    if faults:
        message = f"Implantation{NBSP}: {' ; '.join(faults)}."
        raise SchemeError(message)


def _candidates(communes: pd.DataFrame) -> pd.DataFrame:
    """Return one candidate in each commune that has a point of reference, as travel engines take places."""
    located = communes[communes["ref_x"].notna()]
    return pd.DataFrame(
        {
            "id": "commune:" + located["code"],
            "nom": located["name"],
            "commune": located["name"],
            "code_commune": located["code"],
            "epci": located["epci"],
            "departement": located["departement"],
            "x": located["ref_x"],
            "y": located["ref_y"],
            "commune_population": located["population"],
            "commune_area_km2": located["area_km2"],
        }
    ).reset_index(drop=True)


def _concerned(study: Study) -> pd.Series:
    """Tell the communes whose inhabitants count: of the département, and of the EPCI that sign."""
    signing = study.epci.loc[study.epci["role"] == SIGNS, "siren"]
    communes = study.communes
    return communes["inside"] | (communes["studied"] & communes["epci"].isin(signing))


def _territories(study: Study) -> pd.DataFrame:
    members = levels.territory_members(
        study.communes[_concerned(study)],
        study.petr_members[study.petr_members["code"].isin(study.communes.loc[_concerned(study), "code"])],
        epci=set(study.epci["siren"]),
        departement=study.scheme.departement,
    )
    kept = {level: table for level, table in members.items() if level != "commune"}
    return pd.concat([table.assign(level=level) for level, table in kept.items()], ignore_index=True)
