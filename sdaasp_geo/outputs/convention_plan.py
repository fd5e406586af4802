"""The plan as the framework convention lists it: its orientations, its actions."""

from __future__ import annotations

from collections.abc import Iterable

from sdaasp_geo.action_plan import Action, ActionPlan, Step
from sdaasp_geo.french import NBSP, count, listing
from sdaasp_geo.outputs.annexe_model import Texts, blank
from sdaasp_geo.outputs.annexe_scope import semicolons
from sdaasp_geo.study import Programme

PLAN_HEADER = ("Action", "Pilote", "Partenaires", "Calendrier", "État")
NOT_SAID = "non renseigné"
_OBJECTIVES = ("objectif", "objectifs")


def plan_rows(actions: Iterable[Action]) -> tuple[Texts, ...]:
    """Return one row per action: code and title, lead, partners, calendar, status."""
    return tuple(
        (
            f"{action.code}{NBSP}– {action.titre}",
            listing(action.porteurs) or blank("pilote"),
            listing(action.partenaires) or NOT_SAID,
            _calendar(action),
            _state(action),
        )
        for action in actions
    )


def _state(action: Action) -> str:
    return f"reprise par l'action{NBSP}{action.fusionnee_dans}" if action.fusionnee_dans else action.statut or NOT_SAID


def _calendar(action: Action) -> str:
    return semicolons([_step(step) for step in action.calendrier]) or action.debut_fin.words or NOT_SAID


def _step(step: Step) -> str:
    words, steps = step.period.words, listing(step.steps)
    return f"{words}{NBSP}: {steps}" if words and steps else words or steps


def orientation_rows(programme: Programme) -> tuple[Texts, ...]:
    """Return one row per orientation: code, title, what the plan describes under it, remark of its row."""
    plan, table = programme.plan, programme.actions
    remarks = table.loc[table["niveau"] == "orientation"].set_index("code")["remarques"].to_dict()
    return tuple(
        (item.code, item.titre, _described(plan, item.code), str(remarks.get(item.code, "")) or "–")
        for item in plan.orientations
    )


def unattached(programme: Programme) -> str:
    """Count what the plan describes under no orientation; empty when there is none."""
    text = _described(programme.plan, "")
    return "" if text == NOT_SAID else f"Sans orientation dite{NBSP}: {text}."


def _described(plan: ActionPlan, orientation: str) -> str:
    held = {item.code: item.orientation for item in plan.objectifs}
    objectives = sum(own == orientation for own in held.values())
    actions = sum((action.orientation or held.get(action.objectif, "")) == orientation for action in plan.actions)
    texts = [count(objectives, *_OBJECTIVES)] * bool(objectives) + [count(actions, "action")] * bool(actions)
    return listing(texts) or NOT_SAID
