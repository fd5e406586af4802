"""Part 6 of an annex: what the scheme itself plans for an EPCI, who represents it, and the dates that bind it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from sdaasp_geo.action_plan import DECISION, Action, Body, Convention, LocalGovernance, Step, TerritoryName, fold
from sdaasp_geo.french import NARROW_NBSP, NBSP, count, date, listing
from sdaasp_geo.outputs.annexe_model import Table, Texts, blank
from sdaasp_geo.outputs.annexe_scope import Scope, semicolons
from sdaasp_geo.study import Programme

PLAN_HEADER: Texts = (
    "N°",
    "Action du schéma",
    "Application au territoire",
    "Pilote et partenaires",
    "Calendrier, état",
)
_TERRITORIAL = "territoriale"
_SEATS = (
    ("départementale", "Conférence ou comité de pilotage du schéma", "representant_conference"),
    ("technique", "Comité technique du schéma", "representant_comite_technique"),
)
"""Category of the body, its name where the scheme does not give it, and who sits there."""


def plan_rows(scope: Scope) -> tuple[Texts, ...]:
    """Return the actions of the scheme that apply in the EPCI, one row each (`PLAN_HEADER`), in the order of the plan.

    A cell that the scheme leaves empty is a blank to fill in.
    """
    programme = scope.study.programme
    return () if programme is None else tuple(_row(programme, scope, action) for action in own_actions(scope))


def own_actions(scope: Scope) -> tuple[Action, ...]:
    """Return the actions of the scheme that apply in the EPCI, in the order of the plan; those taken over apart."""
    programme = scope.study.programme
    if programme is None:
        return ()
    reached = set(programme.reach.loc[programme.reach["siren"] == scope.siren, "code"])
    return tuple(action for action in programme.plan.actions if action.code in reached and not action.fusionnee_dans)


def _row(programme: Programme, scope: Scope, action: Action) -> Texts:
    reach = programme.reach
    via = reach.loc[(reach["code"] == action.code) & (reach["siren"] == scope.siren), "via"].iloc[0]
    objective = _objective(programme, action)
    return (
        action.code,
        action.titre + (f". Objectif{NBSP}: {objective}" if objective else ""),
        str(via),
        _who(action),
        _when(action),
    )


def _objective(programme: Programme, action: Action) -> str:
    titles = {objective.code: objective.titre for objective in programme.plan.objectifs}
    return titles.get(action.objectif, "") or " ".join(action.objectif_texte.split("\n", 1)[0].split())


def _who(action: Action) -> str:
    leads = listing(list(action.porteurs)) if action.porteurs else blank("pilote")
    partners = listing(list(action.partenaires)) if action.partenaires else blank("partenaires")
    return f"{leads}{NARROW_NBSP}; avec {partners}"


def _when(action: Action) -> str:
    written = action.debut_fin.words or " ".join(_planned(step) for step in action.calendrier)
    state = f"état{NBSP}: {action.statut}" if action.statut else blank("état de l'action")
    return f"{written.rstrip('.')}{NARROW_NBSP}; {state}" if written else f"{blank('calendrier')}{NARROW_NBSP}; {state}"


def _planned(step: Step) -> str:
    words, steps = step.period.words.strip(" :"), semicolons(list(step.steps))
    return f"{words}{NBSP}: {steps}." if words and steps else f"{words or steps}."


def plan_table(scope: Scope) -> Table:
    """Return the table of the actions of the scheme that apply in the EPCI."""
    return Table(
        title="Actions du schéma qui s'appliquent au territoire",
        header=PLAN_HEADER,
        rows=plan_rows(scope),
        note=_source(scope),
        empty="Aucune action du schéma n'est rattachée à ce territoire dans les documents fournis.",
    )


def _source(scope: Scope) -> str:
    sources = dict.fromkeys(action.source for action in own_actions(scope) if action.source)
    return f"Source{NBSP}: {semicolons(list(sources))}." if sources else ""


def plan_sentences(scope: Scope) -> Texts:
    """Say how many actions of the scheme apply here, and what the plan announces that it does not describe."""
    programme = scope.study.programme
    if programme is None:
        return ()
    own, every = len(own_actions(scope)), len(programme.plan.actions)
    described, verb = count(every, "action"), "concerne" if own == 1 else "concernent"
    if own == every:
        text = f"Le plan d'actions fourni décrit {described}, qui {verb} ce territoire."
    elif own:
        text = f"Le plan d'actions fourni décrit {described}, dont {own} {verb} ce territoire."
    else:
        text = f"Le plan d'actions fourni décrit {described}{NARROW_NBSP}: aucune n'est rattachée à ce territoire."
    told = programme.governance.effectifs.get("actions")
    if told is not None and told != every:
        text += f" Le schéma en annonce {told:.0f}{NARROW_NBSP}: les autres sont à rattacher au territoire."
    return (text,)


def planned_orientations(scope: Scope) -> Texts:
    """Return the titles of the orientations: those of the plan, else those of the scheme's own description."""
    programme = scope.study.programme
    planned = tuple(one.titre for one in programme.plan.orientations) if programme else ()
    return planned or scope.study.scheme.convention.orientations


def answering(scope: Scope, orientation: str) -> str:
    """Name the actions that apply in the EPCI under an orientation of the plan; empty where there is none."""
    programme = scope.study.programme
    if programme is None:
        return ""
    codes = {one.code for one in programme.plan.orientations if one.titre == orientation}
    found = [action.code for action in own_actions(scope) if action.orientation in codes]
    return f"Actions du schéma{NBSP}: {listing(found)}." if found else ""


def representatives_rows(scope: Scope) -> tuple[Texts, ...]:
    """Return the seats of article 3, with the names that the scheme gives and blanks for the others."""
    own = local_governance(scope)
    rows = []
    for category, default, column in _SEATS:
        body = _body(scope, category)
        seat = body.nom if body else default
        rows.append((seat, "Représentant de l'EPCI", getattr(own, column, ""), blank("suppléant")))
    rows += [
        ("Gouvernance locale de l'EPCI", "Élu référent", own.elu_referent if own else "", blank("suppléant")),
        ("Gouvernance locale de l'EPCI", "Référent technique", own.technicien_referent if own else "", "–"),
    ]
    return tuple((seat, role, name or blank("nom et fonction"), spare) for seat, role, name, spare in rows)


def _body(scope: Scope, category: str) -> Body | None:
    programme = scope.study.programme
    bodies = programme.governance.instances if programme else ()
    return next((body for body in bodies if body.categorie == category), None)


def local_governance(scope: Scope) -> LocalGovernance | None:
    """Return what the scheme says of the governance of the EPCI."""
    programme = scope.study.programme
    rows = programme.governance.epci if programme else ()
    return next((row for row in rows if row.territoire.code == scope.siren), None)


def own_convention(scope: Scope) -> Convention | None:
    """Return the territorial convention of the EPCI: its own, else the only one that stands for all."""
    programme = scope.study.programme
    rows = [row for row in programme.governance.conventions if row.categorie == _TERRITORIAL] if programme else []
    own = [row for row in rows if _codes(row.territoires) == {scope.siren}]
    shared = [row for row in rows if scope.siren in _codes(row.territoires)]
    return next(iter([*own, *shared]), None)


def _codes(names: Iterable[TerritoryName]) -> set[str]:
    return {name.code for name in names}


def governance_sentences(scope: Scope) -> Texts:
    """Say which bodies follow the scheme, how often they meet, and what the local one is asked."""
    programme = scope.study.programme
    bodies = programme.governance.instances if programme else ()
    texts = [_meeting(body) for body in bodies]
    own = local_governance(scope)
    if own and own.comite:
        texts.append(f"comité local{NBSP}: {own.comite}")
    elif own:
        texts.append(f"comité local{NBSP}: {blank('instance locale et dates des réunions')}")
    return (f"Instances du schéma{NBSP}: {semicolons(texts)}.",) if texts else ()


def _meeting(body: Body) -> str:
    often = body.frequence[:1].lower() + body.frequence[1:] if body.frequence else blank("fréquence des réunions")
    return f"{body.nom} ({often})"


def decisions(scope: Scope) -> list[tuple[str, dt.date | None]]:
    """Return the decisions that found the scheme (deliberation, order of the prefect), and their day where known."""
    programme = scope.study.programme
    events = programme.governance.evenements if programme else ()
    return [(event.nom, event.date.end) for event in events if event.kind == DECISION]


def order_day(scope: Scope) -> str:
    """Return the day of the order of the prefect that sets the scheme, or a blank."""
    days = [day for name, day in decisions(scope) if day and fold(name).startswith("arrete")]
    return date(days[0]) if days else blank("date de l'arrêté préfectoral")


def decision_sentences(scope: Scope) -> Texts:
    """Say which decisions found the scheme and carry a day."""
    known = [f"{name} du {date(day)}" for name, day in decisions(scope) if day]
    return (f"Décisions de référence{NBSP}: {semicolons(known)}.",) if known else ()


def duration(scope: Scope) -> tuple[str, str]:
    """Return the duration of the territorial convention in words, and its last day or a blank."""
    own = own_convention(scope)
    years = count(scope.study.scheme.convention.duree_ans, "an")
    if own is None:
        return years, blank("date de fin de la convention")
    told = count(int(own.duree_ans), "an") if own.duree_ans else f"{years} ({blank('durée à confirmer')})"
    return told, date(own.validite.end) if own.validite.end else blank("date de fin de la convention")
