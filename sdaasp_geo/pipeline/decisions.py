"""What people must still decide or confirm: in the plan, in the governance, and in the documents of a run."""

from __future__ import annotations

import pandas as pd

from sdaasp_geo.action_plan import ACTION, BODY, CONVENTION, COUNT, DECISION, LOCAL, MEETING, OBJECTIVE, ORIENTATION
from sdaasp_geo.french import NBSP
from sdaasp_geo.study import Decision

PLAN, GOVERNANCE = "Plan d'actions", "Gouvernance"
_ACTION_BLANKS = {
    "orientation ou objectif opérationnel": "parent_reason",
    "porteur": "porteurs",
    "partenaires": "partenaires",
    "calendrier": "calendrier",
    "territoires": "territoires",
    "financements": "financements",
    "indicateurs de suivi": "indicateurs",
    "priorités du diagnostic": "priorites",
    "statut": "statut",
}
_COUNTED = {
    "orientations": (ORIENTATION, "orientations annoncées", "décrite"),
    "objectifs": (OBJECTIVE, "objectifs opérationnels annoncés", "décrit"),
    "actions": (ACTION, "actions annoncées", "décrite"),
}
"""Number announced, the level it counts, and how both are said."""

_LOCAL_BLANKS = {
    "élu référent": "elu_referent",
    "référent technique": "technicien_referent",
    "comité local": "comite",
    "représentant à la Conférence ou au comité de pilotage": "representant_conference",
    "représentant au Comité technique": "representant_comite_technique",
}


def plan_decisions(
    actions: pd.DataFrame, bodies: pd.DataFrame, named: pd.DataFrame, contradictions: pd.DataFrame
) -> tuple[Decision, ...]:
    """List what the plan and the governance leave open.

    Parameters
    ----------
    actions, bodies : DataFrame
        The two layers.
    named : DataFrame
        Their territories (`layers.plan_territories`).
    contradictions : DataFrame
        Cells that two files give differently.

    Returns
    -------
    tuple of Decision
        One for each thing that is missing, with the rows concerned; then one for each name and each contradiction.
    """
    return (
        *_announced(actions, bodies),
        *_parents(actions),
        *_empty(actions[actions["niveau"] == ACTION], _ACTION_BLANKS, PLAN, "code"),
        *_unread(actions),
        *_empty(bodies[bodies["type"] == LOCAL], _LOCAL_BLANKS, GOVERNANCE, "nom"),
        *_undated(bodies),
        *_names(named),
        *_differences(contradictions),
    )


def _announced(actions: pd.DataFrame, bodies: pd.DataFrame) -> list[Decision]:
    """Compare the numbers that a document announces with what the plan holds."""
    numbers = bodies.loc[bodies["type"] == COUNT].set_index("code")["number"]
    found = []
    for code, (level, told, held) in _COUNTED.items():
        announced, described = numbers.get(code), int((actions["niveau"] == level).sum())
        if announced is not None and not pd.isna(announced) and announced != described:
            found.append(Decision(PLAN, f"{announced:.0f} {told}, {described} {held}{'s' if described > 1 else ''}"))
    return found


def _parents(actions: pd.DataFrame) -> list[Decision]:
    rows = actions[(actions["niveau"] == OBJECTIVE) & (actions["parent_reason"] != "")]
    return [Decision(PLAN, "orientation de l'objectif", tuple(rows["code"]))] if len(rows) else []


def _empty(rows: pd.DataFrame, blanks: dict[str, str], document: str, by: str) -> list[Decision]:
    found = []
    for what, column in blanks.items():
        lacking = rows[(rows[column] != "") if column.endswith("_reason") else (rows[column] == "")]
        if len(lacking):
            found.append(Decision(document, what, tuple(lacking[by])))
    return found


def _unread(actions: pd.DataFrame) -> list[Decision]:
    """List what was written but not understood: dates, progress, text of no field."""
    rows = actions[actions["niveau"] == ACTION]
    told = {
        "dates à préciser": (rows["dates_reason"] != "") & ((rows["debut"] != "") | (rows["fin"] != "")),
        "avancement à corriger": rows["progress_reason"] != "",
        "texte non rangé à relire": rows["reste"] != "",
    }
    return [Decision(PLAN, what, tuple(rows.loc[wrong, "code"])) for what, wrong in told.items() if wrong.any()]


def _undated(bodies: pd.DataFrame) -> list[Decision]:
    told = {
        (CONVENTION, "date de signature de la convention"): "day",
        (CONVENTION, "date de fin de la convention"): "end",
        (DECISION, "date de la décision"): "day",
        (MEETING, "date de la réunion"): "day",
    }
    found = []
    for (kind, what), column in told.items():
        rows = bodies[(bodies["type"] == kind) & bodies[column].isna()]
        if len(rows):
            found.append(Decision(GOVERNANCE, what, tuple(rows["nom"] + _of(rows))))
    silent = bodies[(bodies["type"] == BODY) & (bodies["frequence"] == "") & bodies["meetings_min"].isna()]
    return [*found, *([Decision(GOVERNANCE, "fréquence des réunions", tuple(silent["nom"]))] if len(silent) else [])]


def _of(rows: pd.DataFrame) -> pd.Series:
    """Say which territory a row is about, where several rows have one name."""
    repeated = rows["nom"].duplicated(keep=False) & (rows["territoires"] != "")
    return (" – " + rows["territoires"]).where(repeated, "").astype("str")


def _names(named: pd.DataFrame) -> list[Decision]:
    rows = named[named["reason"] != ""]
    found = []
    for (table, words), group in rows.groupby(["table", "words"], sort=False):
        document = PLAN if table == "actions" else GOVERNANCE
        first = group.iloc[0]
        proposed = f" ({first['candidates']}{NBSP}?)" if first["candidates"] else ""
        label = words or "nom vide"
        found.append(
            Decision(
                document, f"territoire «{NBSP}{label}{NBSP}»{NBSP}: {first['reason']}{proposed}", tuple(group["code"])
            )
        )
    return found


def _differences(contradictions: pd.DataFrame) -> list[Decision]:
    return [
        Decision(
            PLAN if row.table == "actions" else GOVERNANCE,
            f"{row.column}{NBSP}: «{NBSP}{row.value}{NBSP}» ({row.origin}) ou «{NBSP}{row.other_value}{NBSP}» "
            f"({row.other_origin})",
            (row.code,),
        )
        for row in contradictions.itertuples(index=False)
    ]
