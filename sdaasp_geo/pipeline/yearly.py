"""The yearly report of a scheme: its plan seen from one year, its figures, and what changed since."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd

from sdaasp_geo import __version__
from sdaasp_geo.action_plan import BODY, fold
from sdaasp_geo.analysis import yearly
from sdaasp_geo.analysis.answers import SUSPENDED, WITHOUT
from sdaasp_geo.analysis.governance_indicators import LOCAL_CATEGORY, governance_indicators
from sdaasp_geo.errors import SchemeError
from sdaasp_geo.french import NBSP
from sdaasp_geo.layers import names
from sdaasp_geo.layers.territories import SIGNS
from sdaasp_geo.outputs import publish
from sdaasp_geo.outputs.answers_model import face
from sdaasp_geo.outputs.yearly import write_yearly
from sdaasp_geo.outputs.yearly_model import Document, Year
from sdaasp_geo.pipeline.comparison import COMPARISON_STEPS, compare_editions
from sdaasp_geo.pipeline.diagnosis import diagnose
from sdaasp_geo.pipeline.measurement import measure
from sdaasp_geo.pipeline.preparation import prepare
from sdaasp_geo.pipeline.reporting import Report, quiet
from sdaasp_geo.scheme import Scheme
from sdaasp_geo.study import Comparison, Measures, Programme, Study

_NO_PLAN = (
    f"Bilan annuel impossible{NBSP}: le schéma ne donne ni actions ni gouvernance. Ajoutez «{NBSP}actions{NBSP}» et "
    f"«{NBSP}gouvernance{NBSP}» à la partie [fichiers] de scheme.toml."
)

REPORT_STEPS = 13
"""Steps that `yearly_report` reports for two services, without an edition before."""

REPORT_STEPS_BEFORE = 9 + COMPARISON_STEPS
"""Steps that it reports with one."""


def yearly_report(
    scheme: Scheme,
    year: int,
    folder: Path,
    *,
    before: Scheme | None = None,
    report: Report = quiet,
    cache: Path | None = None,
) -> Document:
    """Write the yearly report and the page of each Journée des services in a folder, complete or not at all.

    Parameters
    ----------
    scheme : Scheme
        The scheme; it must give its plan of actions or its governance.
    year : int
        The civil year.
    folder : Path
        Absent, empty, or an earlier run, which is replaced.
    before : Scheme, optional
        An earlier edition: what changed since is then explained.
    report, cache
        See `measure`.

    Returns
    -------
    Document
        What the report says.

    Raises
    ------
    SdaaspError
        Any error of the inputs, of the scheme (no plan at all), or of the folder; nothing is left behind.
    """
    publish.check_replaceable(folder)
    if not (scheme.fichiers.actions or scheme.fichiers.gouvernance):
        raise SchemeError(_NO_PLAN)
    compared = compare_editions(before, scheme, report=report, cache=cache) if before else None
    study = compared.after if compared else prepare(scheme, report=report)
    measures = measure(study, report=report, cache=cache)
    measures = replace(measures, diagnosis=diagnose(study, measures, report=report, cache=cache))
    report("Bilan annuel")
    facts = facts_of_year(study, measures, programme_of(study), year=year, comparison=compared)
    report("Pages des Journées des services")
    with publish.published(folder) as beside:
        return write_yearly(facts, beside, version=__version__)


def facts_of_year(
    study: Study,
    measures: Measures,
    programme: Programme,
    *,
    year: int,
    comparison: Comparison | None = None,
) -> Year:
    """Gather the tables of a year.

    Parameters
    ----------
    study, measures, programme
        From `prepare`; from `measure`, with what `diagnose` adds, or times alone give deficits; `programme_of`.
    year : int
        The civil year.
    comparison : Comparison, optional
        From `compare_editions`.
    """
    actions = yearly.actions_of_year(programme.actions, year=year)
    indicators = governance_indicators(programme.bodies, programme.territories, study.epci)
    return Year(
        study=study,
        measures=measures,
        programme=programme,
        year=year,
        actions=actions,
        budget=yearly.budget_of_year(programme.actions, year=year),
        leads=yearly.contributions_by_lead(actions),
        meetings=yearly.meetings_of_year(
            programme.bodies, programme.territories, year=year, places=_places(study, programme)
        ),
        comparison=comparison,
        governance=yearly.governance_of_year(indicators, year=year),
        deficits=_unanswered(study, measures),
    )


def _unanswered(study: Study, measures: Measures) -> pd.DataFrame:
    """Return the deficits of each EPCI that no action answers, or only actions that are stopped."""
    facing = face(study, measures)
    gaps = facing.answers.gaps
    own = gaps[(gaps["level"] == "epci") & gaps["state"].isin([WITHOUT, SUSPENDED])]
    unsigned = set(facing.unsigned)
    return pd.DataFrame(
        {
            "territory_name": [
                facing.territories.get(siren, siren)
                + (" (sans convention dans ce département)" if siren in unsigned else "")
                for siren in own["territory"]
            ],
            "theme": [facing.theme(code) for code in own["theme"]],
            "criterion": [facing.criterion(code) for code in own["criterion"]],
            "state": own["state"].array,
            "population": own["population_deficit"].array,
        }
    )


def programme_of(study: Study) -> Programme:
    """Return the programme of a study.

    Raises
    ------
    SchemeError
        When the scheme gives neither its actions nor its governance.
    """
    if study.programme is None:
        raise SchemeError(_NO_PLAN)
    return study.programme


def _places(study: Study, programme: Programme) -> dict[str, int]:
    """Tell in how many places each local body meets: those that its row names, or that its words say (each PETR)."""
    bodies, named = programme.bodies, programme.territories
    local = bodies[(bodies["type"] == BODY) & (bodies["categorie"].map(fold) == LOCAL_CATEGORY)]
    own = named[(named["table"] == "gouvernance") & (named["kind"] == BODY) & (named["reason"] == "")]
    own = own[own["territory_kind"].isin([names.EPCI, names.PETR])]
    counted = own.groupby("code")["territory_code"].nunique()
    every = {"petr": len(study.petr), "epci": int((study.epci["role"] == SIGNS).sum())}
    places = {}
    for code, words in zip(local["code"], local["frequence"], strict=True):
        said = next((size for word, size in every.items() if word in fold(words).split()), 1)
        places[str(code)] = max(1, int(counted.get(code, said)))
    return places
