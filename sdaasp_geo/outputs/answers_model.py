"""Deficits and actions of a study face to face, with the names that its outputs need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from sdaasp_geo.action_plan import Action, ActionPlan
from sdaasp_geo.analysis.answers import Answers, confront
from sdaasp_geo.analysis.coverage import NO_TERRITORY
from sdaasp_geo.analysis.criteria import evaluate_criteria
from sdaasp_geo.analysis.involved import involved_operators
from sdaasp_geo.criteria import Criteria, criteria_from_rules, criteria_in_force, read_criteria
from sdaasp_geo.layers.territories import SIGNS
from sdaasp_geo.outputs.escape import plain_text
from sdaasp_geo.priorities import Priorities, read_priorities
from sdaasp_geo.study import Measures, Programme, Study

NO_EPCI = "Communes sans EPCI"
NO_STATUS = "statut non renseigné"
NO_THEME = "Sans thème"
_ANNOUNCED = "actions"
"""Code of the governance row that says how many actions the scheme has."""


@dataclass(frozen=True)
class Facing:
    """What the outputs on deficits and actions share.

    Attributes
    ----------
    answers, operators : Answers, DataFrame
        `analysis.answers.confront` and `analysis.involved.involved_operators`.
    actions : dict
        The actions of the plan by code.
    criteria, themes : dict
        French labels by code, criteria in the order of the deficits.
    territories : dict
        Names of the EPCI by SIREN: those that sign first, then by name; the département last.
    unsigned : tuple of str
        SIREN of the EPCI without convention here.
    departement : str
        Code of the département.
    announced : int or None
        Number of actions that a document announces, where it is not the number of those read.
    """

    answers: Answers
    operators: pd.DataFrame
    actions: dict[str, Action]
    criteria: dict[str, str]
    themes: dict[str, str]
    territories: dict[str, str]
    unsigned: tuple[str, ...]
    departement: str
    announced: int | None

    def theme(self, code: str) -> str:
        """Return the label of a theme."""
        return self.themes.get(code, code) if code else NO_THEME

    def criterion(self, code: str) -> str:
        """Return the label of a criterion, empty where there is none."""
        return self.criteria.get(code, code)

    def action(self, code: str) -> str:
        """Write an action: code, title and status."""
        action = self.actions[code]
        status = plain_text(action.statut) or NO_STATUS
        return f"{plain_text(action.code)} – {plain_text(action.titre)} ({status})"


def face(study: Study, measures: Measures) -> Facing:
    """Set the deficits of a study against the actions of its scheme; without a plan there is no action.

    Raises
    ------
    InputError
        Faults of the scheme's own table of priorities (`priorities.read_priorities`).
    """
    sheet, table = _tables(study)
    programme = study.programme
    plan = programme.plan if programme else ActionPlan()
    communes = _communes(study)
    found = _found(study, measures, sheet, communes)
    answers = confront(
        plan,
        programme.reach if programme else pd.DataFrame(columns=["code", "siren", "via", "level"], dtype="str"),
        programme.territories if programme else _no_territories(),
        priorities=table,
        found=found,
        communes=communes,
        known=_known(study, sheet),
        departement=study.scheme.departement,
    )
    themes = {service: theme.code for theme in sheet.theme for service in theme.services}
    points = pd.DataFrame(study.points[study.points["service"].isin(study.scheme.mesure.services)])
    operators = involved_operators(plan, answers, points, themes=themes, departement=study.scheme.departement)
    labels = {rule.code: rule.label for rule in study.rules} | {one.code: one.label for one in sheet.criterion}
    return Facing(
        answers=answers,
        operators=operators,
        actions={action.code: action for action in plan.actions},
        criteria={code: labels.get(code, code) for code in dict.fromkeys(found["criterion"])},
        themes={one.code: one.label for one in table.theme} | {one.code: one.label for one in sheet.theme},
        territories=_territories(study, answers),
        unsigned=tuple(study.epci.loc[study.epci["role"] != SIGNS, "siren"]),
        departement=study.scheme.departement,
        announced=_announced(programme, len(plan.actions)),
    )


def _communes(study: Study) -> pd.DataFrame:
    """Return the communes of the EPCI that have one in the département, and those of the département without EPCI."""
    known = study.communes["studied"] & (study.communes["inside"] | study.communes["epci"].isin(study.epci["siren"]))
    columns = ["code", "name", "epci", "inside", "population"]
    return pd.DataFrame(study.communes.loc[known, columns]).reset_index(drop=True)


def _tables(study: Study) -> tuple[Criteria, Priorities]:
    """Return the criteria and the priorities that the scheme goes by."""
    scheme = study.scheme
    sheet = read_criteria(scheme.path(scheme.fichiers.criteres) if scheme.fichiers.criteres else None)
    return sheet, read_priorities(
        scheme.path(scheme.fichiers.priorites) if scheme.fichiers.priorites else None,
        criteria=set(_known(study, sheet)),
        themes={theme.code: theme.label for theme in sheet.theme},
    )


def _known(study: Study, sheet: Criteria) -> Mapping[str, str]:
    """Return the theme of every criterion and rule that exists, in force or not."""
    rules = criteria_from_rules(sheet, study.parameters.rule)
    return {one.code: one.theme for one in (*rules, *sheet.criterion)}


def _found(study: Study, measures: Measures, sheet: Criteria, communes: pd.DataFrame) -> pd.DataFrame:
    """Return the criteria on communes; without a diagnosis, times alone are measured."""
    if measures.diagnosis is not None:
        return measures.diagnosis.criteria
    criteria = criteria_in_force(sheet, study.rules, date=study.scheme.edition)
    return evaluate_criteria(criteria, communes, access=measures.access, labels=sheet.service_label)


def _no_territories() -> pd.DataFrame:
    columns = ["kind", "code", "words", "territory_kind", "territory_code", "reason"]
    return pd.DataFrame(columns=columns, dtype="str")


def _territories(study: Study, answers: Answers) -> dict[str, str]:
    epci = study.epci[["siren", "name", "role"]].to_dict("records")
    ordered = sorted(epci, key=lambda row: (row["role"] != "signataire", row["name"], row["siren"]))
    names = {str(row["siren"]): plain_text(row["name"]) for row in ordered}
    if (answers.gaps["territory"] == NO_TERRITORY).any():
        names[NO_TERRITORY] = NO_EPCI
    return {**names, study.scheme.departement: plain_text(study.departement_name)}


def _announced(programme: Programme | None, read: int) -> int | None:
    number = programme.governance.effectifs.get(_ANNOUNCED) if programme else None
    return int(number) if number is not None and int(number) != read else None
