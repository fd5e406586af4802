"""The layer of actions: orientations, objectives and actions, tied by their codes, checked, with their dates read."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from sdaasp_geo.action_plan import ACTION, LEVELS, OBJECTIVE, ORIENTATION, ORIGIN, Field, Period, action_fields, fold
from sdaasp_geo.errors import Fault, InputError
from sdaasp_geo.french import NBSP, count
from sdaasp_geo.layers.periods import REVERSED, read_period, span_of
from sdaasp_geo.layers.plan_checks import (
    code_faults,
    faults_where,
    french_number,
    repeated_faults,
    required_faults,
    settle,
)

NO_OBJECTIVE = "objectif non renseigné"
UNKNOWN_OBJECTIVE = "objectif absent du plan"
NO_ORIENTATION = "orientation non renseignée"
UNKNOWN_ORIENTATION = "orientation absente du plan"
OTHER_ORIENTATION = "orientation différente de celle de l'objectif"
OUT_OF_RANGE = "avancement hors de 0 à 100"
_KEYS = ("niveau", "code")
_WORDS_OF = {ORIENTATION: ("orientation", "axe"), OBJECTIVE: ("objectif", "objectif operationnel")}
_DAY = "datetime64[s]"


def build_actions(table: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Check the rows of a plan and read what they hold.

    Parameters
    ----------
    table : DataFrame
        The columns of ``actions.schema.json`` and ``origine``, all text, from `sources.action_tables` or
        `sources.action_sheets`, joined where there are several (`plan_checks.merge_tables`); the index is the row.

    Returns
    -------
    DataFrame
        The same rows, in order of level, then of the file. ``niveau`` and ``statut`` hold values of their lists (an
        empty status: nobody said); every other column stays as written, and beside it stand:

        - ``orientation_code, objectif_code`` : codes of the rows above, empty where ``parent_reason`` says why;
        - ``progress_pct`` : float, NaN where ``progress_reason`` says why, or where nothing is written;
        - ``start, end`` : datetime64[s], first and last day of the action; ``dates_reason``: why one is missing or to
          confirm (`periods`);
        - ``last_report`` : datetime64[s], day (or last day) of ``dernier_bilan``;
        - ``merged_into`` : code of the action that takes this one over in the end, through every merger.
    list of str
        Notes in French: how many rows of each level, and how many lack what.

    Raises
    ------
    InputError
        All together: empty code or title, code given twice in a level, level or status out of its list, end before
        start, codes of territories that are none, merger into an action that does not exist, or in a circle.
    """
    level, level_faults = settle(table, _field("niveau"), default=ACTION)
    status, status_faults = settle(table, _field("statut"))
    rows = table.assign(niveau=level, statut=status)
    periods = [
        span_of(read_period(start), read_period(end)) for start, end in zip(rows["debut"], rows["fin"], strict=True)
    ]
    reversed_dates = pd.Series([period.reason == REVERSED for period in periods], index=rows.index, dtype="bool")
    actions = rows[rows["niveau"] == ACTION]
    target, merger_faults = _mergers(actions)
    remedy = "Donnez un code à chaque ligne d'un même niveau, et une seule ligne par code."
    faults = [
        *level_faults,
        *status_faults,
        *required_faults(rows, ["code", "titre"]),
        *repeated_faults(rows, _KEYS, remedy),
        *faults_where(rows, reversed_dates, "fin", "une fin après le début", "Vérifiez les deux dates."),
        *code_faults(rows),
        *merger_faults,
    ]
    if faults:
        raise InputError(sorted(faults, key=lambda fault: (fault.file, fault.row or 0, fault.column)))
    layer = _ordered(_with_parents(_with_figures(rows, periods)))
    merged = layer["code"].map(lambda code: target.get(code, "")).astype("str")
    layer["merged_into"] = merged.where(layer["niveau"] == ACTION, "")
    return layer, _notes(layer)


def _field(name: str) -> Field:
    return next(field for field in action_fields() if field.name == name)


def _with_figures(rows: pd.DataFrame, periods: list[Period]) -> pd.DataFrame:
    read = {text: french_number(text) for text in rows["avancement_pct"].unique()}
    value = rows["avancement_pct"].map(lambda text: read[text][0]).astype("float64")
    reason = rows["avancement_pct"].map(lambda text: read[text][1]).astype("str")
    beyond = value.notna() & ~value.between(0, 100)
    reports = [read_period(text).end for text in rows["dernier_bilan"]]
    return rows.assign(
        progress_pct=value.mask(beyond),
        progress_reason=reason.mask(beyond, OUT_OF_RANGE),
        start=pd.array([period.start for period in periods], dtype=_DAY),
        end=pd.array([period.end for period in periods], dtype=_DAY),
        dates_reason=pd.array([period.reason for period in periods], dtype="str"),
        last_report=pd.array(reports, dtype=_DAY),
    )


def _with_parents(rows: pd.DataFrame) -> pd.DataFrame:
    """Tie objectives to orientations and actions to both, by code or by title; what is not tied has a reason."""
    codes = {level: _spellings(rows[rows["niveau"] == level], level) for level in (ORIENTATION, OBJECTIVE)}
    stated = {
        "orientation": rows["orientation"].map(lambda text: codes[ORIENTATION].get(_first(text), "")).astype("str"),
        "objectif": rows["objectif"].map(lambda text: codes[OBJECTIVE].get(_first(text), "")).astype("str"),
    }
    is_action, is_objective = rows["niveau"] == ACTION, rows["niveau"] == OBJECTIVE
    above = dict(zip(rows.loc[is_objective, "code"], stated["orientation"][is_objective], strict=True))
    objective = stated["objectif"].where(is_action, "")
    inherited = objective.map(lambda code: above.get(code, "")).astype("str")
    own = stated["orientation"].where(is_action | is_objective, "")
    reasons = {
        OTHER_ORIENTATION: is_action & (own != "") & (inherited != "") & (own != inherited),
        NO_OBJECTIVE: is_action & (rows["objectif"] == ""),
        UNKNOWN_OBJECTIVE: is_action & (objective == ""),
        UNKNOWN_ORIENTATION: (is_action | is_objective) & (rows["orientation"] != "") & (own == ""),
        NO_ORIENTATION: is_objective & (own == ""),
    }
    return rows.assign(
        orientation_code=own.where(own != "", inherited),
        objectif_code=objective,
        parent_reason=pd.array(np.select(list(reasons.values()), list(reasons), ""), dtype="str"),
    )


def _first(text: str) -> str:
    return fold(text.split("\n", 1)[0])


def _spellings(rows: pd.DataFrame, level: str) -> dict[str, str]:
    """Return what a row of a level may be called: code, title, both, « objectif 16 »; what names two names none."""
    found: dict[str, set[str]] = {}
    for code, title in zip(rows["code"], rows["titre"], strict=True):
        names = [code, title, f"{code} {title}"]
        names += [
            f"{word} {rank}{name}" for word in _WORDS_OF[level] for rank in ("", "n ") for name in (code, names[2])
        ]
        for name in names:
            found.setdefault(fold(name), set()).add(code)
    return {name: next(iter(codes)) for name, codes in found.items() if len(codes) == 1 and name}


def _mergers(actions: pd.DataFrame) -> tuple[Mapping[str, str], list[Fault]]:
    """Follow mergers to their end; find those into an unknown action, and those that come back to where they start."""
    known = {fold(code): code for code in actions["code"]}
    into = {
        fold(code): fold(target)
        for code, target in zip(actions["code"], actions["fusionnee_dans"], strict=True)
        if target and code
    }
    unknown = (actions["fusionnee_dans"] != "") & ~actions["fusionnee_dans"].map(fold).isin(set(known))
    remedy = "Donnez le code d'une action du plan, ou videz la cellule."
    faults = faults_where(actions, unknown, "fusionnee_dans", "le code d'une action du plan", remedy)
    ends, circles = _followed(into)
    what = "Gardez une action qui n'est fusionnée dans aucune autre."
    for row, origin, code in zip(actions.index, actions[ORIGIN], actions["code"], strict=True):
        if fold(code) in circles:
            circle = " → ".join(known[step] for step in circles[fold(code)])
            faults.append(Fault(str(origin), int(row), "fusionnee_dans", circle, "des fusions qui aboutissent", what))
    return {known[start]: known.get(end, "") for start, end in ends.items()}, faults


def _followed(into: Mapping[str, str]) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Follow links to their end; return the end of each, and, of those that lie on a circle, the circle."""
    ends: dict[str, str] = {}
    circles: dict[str, list[str]] = {}
    for start in into:
        path: dict[str, None] = {}
        step = start
        while step in into and step not in path and step not in ends and step not in circles:
            path[step] = None
            step = into[step]
        if step in path:
            steps = list(path)
            around = steps[steps.index(step) :]
            circles |= {name: [*around[at:], *around[: at + 1]] for at, name in enumerate(around)}
        ends |= {name: ends.get(step, step) for name in path if name not in circles}
    return ends, circles


def _ordered(rows: pd.DataFrame) -> pd.DataFrame:
    rank = rows["niveau"].map({level: at for at, level in enumerate(LEVELS)})
    return rows.assign(_rank=rank).sort_values("_rank", kind="stable").drop(columns="_rank")


def _notes(layer: pd.DataFrame) -> list[str]:
    sizes = layer["niveau"].value_counts()
    levels = [count(int(sizes.get(level, 0)), level) for level in LEVELS]
    notes = [f"Plan d'actions{NBSP}: {', '.join(levels)}."]
    actions = layer[layer["niveau"] == ACTION]
    empty = {
        "sans statut": actions["statut"] == "",
        "sans porteur": actions["porteurs"] == "",
        "sans territoire": actions["territoires"] == "",
        "sans indicateur": actions["indicateurs"] == "",
        "avec du texte non rangé": actions["reste"] != "",
    }
    notes += [
        f"Plan d'actions{NBSP}: {count(int(wrong.sum()), 'action')} {what}."
        for what, wrong in empty.items()
        if wrong.any()
    ]
    for column, what in (("parent_reason", "ligne"), ("dates_reason", "action"), ("progress_reason", "action")):
        reasons = layer.loc[layer[column] != "", column].value_counts().sort_index()
        notes += [f"Plan d'actions{NBSP}: {count(int(size), what)}, {reason}." for reason, size in reasons.items()]
    return notes
