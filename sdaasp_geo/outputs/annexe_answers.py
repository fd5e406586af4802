"""Part 6 of an annex: deficits, the actions of the scheme that answer them, and the operators involved."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from sdaasp_geo.analysis.answers import GAP_STATES, NO_DEFICIT, NOT_MEASURED, SUSPENDED, WITH, WITH_DEFICIT, WITHOUT
from sdaasp_geo.analysis.involved import HOLDER, LEAD, PARTNER
from sdaasp_geo.french import NARROW_NBSP, NBSP, count, listing, number
from sdaasp_geo.outputs.annexe_model import Table, Texts, blank
from sdaasp_geo.outputs.annexe_scope import MANY, NONE, Scope, capitalised, semicolons
from sdaasp_geo.outputs.answers_model import NO_STATUS, Facing
from sdaasp_geo.outputs.answers_sheets import codes_of
from sdaasp_geo.outputs.escape import plain_text

_DEFICITS = (WITHOUT, SUSPENDED, WITH)
_NO_PLAN = f"Les documents remis ne donnent pas de plan d'actions{NBSP}: écarts et actions ne sont pas confrontés."

Row = Mapping[Hashable, Any]


def answers_tables(scope: Scope, facing: Facing) -> dict[str, Table]:
    """Return the tables of this part: ``ecarts`` (criteria × actions × operators) and ``ecarts_actions`` (actions).

    Parameters
    ----------
    scope : Scope
        The EPCI.
    facing : Facing
        Of the same study (`answers_model.face`).
    """
    return {"ecarts": _gaps_table(scope, facing), "ecarts_actions": _actions_table(scope, facing)}


def answers_sentences(scope: Scope, facing: Facing) -> Texts:
    """Return how many deficits of the EPCI have an answer, and which have none."""
    if scope.study.programme is None:
        return ()
    gaps = _own(facing.answers.gaps, scope)
    by_state = {state: gaps[gaps["state"] == state] for state in GAP_STATES}
    total = sum(len(by_state[state]) for state in _DEFICITS)
    if not total:
        return ("Aucun déficit n'est mesuré dans l'EPCI sur les critères appliqués.",)
    parts = [f"{number(len(by_state[state]))}{NBSP}{state}" for state in reversed(_DEFICITS) if len(by_state[state])]
    said = [f"{capitalised(count(total, 'critère'))} en déficit dans l'EPCI{NBSP}: {listing(parts)}."]
    for state, what in ((WITHOUT, "Sans action du schéma"), (SUSPENDED, "Réponse suspendue")):
        names = [f"«{NBSP}{facing.criterion(code)}{NBSP}»" for code in by_state[state]["criterion"]]
        if names:
            said.append(f"{what}{NBSP}: {listing(names)}.")
    return tuple(said)


def answers_figures(scope: Scope, facing: Facing) -> dict[str, float]:
    """Return the number of criteria in each state, under keys such as ``ecarts.sans action``."""
    sizes = _own(facing.answers.gaps, scope)["state"].value_counts()
    return {f"ecarts.{state}": float(sizes.get(state, 0)) for state in GAP_STATES}


def _own(table: pd.DataFrame, scope: Scope) -> pd.DataFrame:
    return table[table["territory"] == scope.siren]


def _gaps_table(scope: Scope, facing: Facing) -> Table:
    """Return a row for each deficit, and for each criterion or theme that an action aims at and nothing measures."""
    gaps = _own(facing.answers.gaps, scope)
    aimed = (gaps["actions"] != "") | (gaps["actions_suspended"] != "")
    shown = gaps[gaps["state"].isin(_DEFICITS) | (aimed & (gaps["state"] == NOT_MEASURED))]
    rank = shown["state"].map({state: at for at, state in enumerate(GAP_STATES)})
    ordered = shown.assign(_rank=rank).sort_values("_rank", kind="stable").to_dict("records")
    planned = scope.study.programme is not None
    return Table(
        title="Écarts, actions du schéma et opérateurs",
        header=(
            *("Thème et critère", "Communes en déficit (habitants)", "État", "Actions qui le visent"),
            *("Pilotes et partenaires", "Opérateurs des lieux"),
        ),
        rows=tuple(_gap_row(scope, facing, row) for row in ordered) if planned else (),
        note=(
            "Une action répond à un écart quand elle atteint l'EPCI et qu'une de ses priorités du diagnostic est "
            f"reliée au critère ou à son thème. «{NBSP}Réponse suspendue{NBSP}»{NBSP}: seules des actions "
            "abandonnées, bloquées ou en pause le visent. Communes de l'EPCI entier."
            f"{_others(facing, gaps[~gaps.index.isin(shown.index)])}{_announced(facing)}"
        ),
        empty="Aucun déficit mesuré, aucune action reliée à un critère." if planned else _NO_PLAN,
    )


def _others(facing: Facing, rest: pd.DataFrame) -> str:
    """Say which criteria are not in the table."""
    said = ""
    for state, what in ((NO_DEFICIT, "Sans déficit mesuré"), (NOT_MEASURED, "Non mesurés, sans action")):
        own = rest[rest["state"] == state]
        names = [
            facing.criterion(code) or facing.theme(theme)
            for code, theme in zip(own["criterion"], own["theme"], strict=True)
        ]
        if names:
            said += f" {what}{NBSP}: {semicolons(names)}."
    return said


def _announced(facing: Facing) -> str:
    """Say that a document announces more actions than were read."""
    if facing.announced is None:
        return ""
    read, verb = len(facing.actions), "sont lues" if len(facing.actions) > 1 else "est lue"
    return f" Le schéma annonce {count(facing.announced, 'action')}{NARROW_NBSP}; {number(read)} {verb} ici."


def _gap_row(scope: Scope, facing: Facing, row: Row) -> Texts:
    codes = [*codes_of(row["actions"]), *codes_of(row["actions_suspended"])]
    theme, criterion = facing.theme(row["theme"]), facing.criterion(row["criterion"])
    lacking = NONE
    if row["state"] != NOT_MEASURED:
        lacking = number(row["communes_deficit"])
        lacking += f" ({number(row['population_deficit'])})" if row["communes_deficit"] else ""
    state = row["state"] + ("" if criterion else f" ({plain_text(row['reason'])})")
    return (
        f"{theme}{NBSP}: {criterion}" if criterion else theme,
        lacking,
        capitalised(state),
        semicolons([facing.action(code) for code in codes[:MANY]]) + _more(len(codes)) if codes else "Aucune",
        _people(facing, codes[:MANY]) if codes else blank("pilote et partenaires"),
        _holders(scope, facing, row["theme"]),
    )


def _more(size: int) -> str:
    return f" et {count(size - MANY, 'autre action', 'autres actions')}" if size > MANY else ""


def _people(facing: Facing, codes: list[str]) -> str:
    """Write the leads and the partners of some actions."""
    actions = [facing.actions[code] for code in codes]
    leads = dict.fromkeys(plain_text(name) for action in actions for name in action.porteurs)
    partners = dict.fromkeys(plain_text(name) for action in actions for name in action.partenaires)
    head = f"{capitalised(LEAD)}s" if len(leads) > 1 else capitalised(LEAD)
    parts = [f"{head}{NBSP}: {', '.join(leads) or blank(LEAD)}"]
    if partners:
        parts.append(f"{PARTNER}s{NBSP}: {', '.join(partners)}")
    return semicolons(parts)


def _holders(scope: Scope, facing: Facing, theme: str) -> str:
    table = _own(facing.operators, scope)
    own = table[(table["role"] == HOLDER) & (table["theme"] == theme)]
    names = [
        f"{plain_text(row['operator'])} ({count(row['places'], 'lieu', 'lieux')})" for row in own.to_dict("records")
    ]
    return ", ".join(names) or NONE


def _actions_table(scope: Scope, facing: Facing) -> Table:
    """Return a row for each action that reaches the EPCI."""
    rows = _own(facing.answers.actions, scope).to_dict("records")
    return Table(
        title="Actions du schéma qui s'appliquent à l'EPCI",
        header=(
            "Action",
            "Statut",
            "Comment elle atteint l'EPCI",
            "Priorités du diagnostic",
            "Écart auquel elle répond",
        ),
        rows=tuple(
            (
                f"{plain_text(row['action'])} – {plain_text(row['title'])}",
                plain_text(row["status"]) or capitalised(NO_STATUS),
                capitalised(plain_text(row["via"])),
                plain_text(", ".join(codes_of(row["priorities"]))) or blank("priorité du diagnostic"),
                _aim(facing, row),
            )
            for row in rows
        ),
        note="Plan d'actions du schéma, tel qu'il a été remis.",
        empty="Aucune action du plan remis ne nomme un territoire qui atteint l'EPCI." if facing.actions else _NO_PLAN,
    )


def _aim(facing: Facing, row: Row) -> str:
    if row["state"] == WITH_DEFICIT:
        return semicolons([facing.criterion(code) for code in codes_of(row["criteria_deficit"])])
    reason = plain_text(row["reason"]) or plain_text(row["not_tied"].replace(" | ", ", "))
    return capitalised(row["state"]) + (f" ({reason})" if reason else "")
