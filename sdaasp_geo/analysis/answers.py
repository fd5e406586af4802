"""Deficits and actions face to face: what has an answer, what has none, and who is involved, by EPCI and theme."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sdaasp_geo.action_plan import ACTION, ActionPlan
from sdaasp_geo.analysis.coverage import NO_TERRITORY
from sdaasp_geo.analysis.deficits import NOT_MEASURED as CLASS_NOT_MEASURED
from sdaasp_geo.analysis.deficits import SERVED
from sdaasp_geo.analysis.reach import NOT_KNOWN, NOT_SAID
from sdaasp_geo.french import NBSP
from sdaasp_geo.layers.names import DEPARTEMENT
from sdaasp_geo.priorities import Priorities, Priority, priority_index, priority_key

WITH, SUSPENDED, WITHOUT = "avec action", "réponse suspendue", "sans action"
NO_DEFICIT, NOT_MEASURED = "sans déficit mesuré", "non mesuré"
GAP_STATES = (WITHOUT, SUSPENDED, WITH, NO_DEFICIT, NOT_MEASURED)
"""States of a criterion in a territory, the most pressing first; the first three are those of a deficit."""

WITH_DEFICIT, NOT_TIED, NO_PRIORITY = "avec déficit", "priorité non reliée", "sans priorité"
NO_PLACE = "territoire non reconnu"
ACTION_STATES = (WITH_DEFICIT, NO_DEFICIT, NOT_TIED, NO_PRIORITY, NO_PLACE)
"""States of an action in a territory; that of an action as a whole is the first that it has somewhere."""

IDLE_STATUSES = ("abandonnée", "bloquée", "en pause")
"""Statuses of an action that answers nothing for the time being."""

NO_CRITERION = "aucun critère ne mesure ce thème"
NOTHING_MEASURED = "rien de ce qu'elle vise n'y est mesuré"
SATISFIED = "les critères mesurés y sont satisfaits"
SEPARATOR = " | "
"""Between the codes of a cell, as in the tables that people fill."""

_ANSWERS = {WITH: "answered", SUSPENDED: "suspended", WITHOUT: "unanswered"}
_KEYS = ["territory", "theme", "criterion"]


@dataclass(frozen=True)
class Answers:
    """What deficits and actions say of each other.

    Attributes
    ----------
    gaps : DataFrame
        One row per territory × criterion, and per territory × theme that an action aims at and nothing measures
        (empty ``criterion``): ``level, territory, theme, criterion, state`` (`GAP_STATES`; of the département, the
        most pressing of its parts), ``communes, population, communes_deficit, population_deficit``, then the same
        two inside the département (``…_deficit_inside``) and by state of the answer in the commune's EPCI
        (``…_answered, …_suspended, …_unanswered``: they add up to the deficit), ``communes_not_measured,
        population_not_measured, communes_to_check, actions, actions_suspended`` (codes), ``reason``.
    cells : DataFrame
        One row per territory × theme: ``level, territory, theme, state, criteria, criteria_without,
        criteria_suspended, criteria_with, criteria_satisfied, criteria_not_measured`` (numbers that add up to
        ``criteria``), ``communes_deficit, population_deficit`` (each commune once), ``actions, actions_suspended``.
    actions : DataFrame
        One row per action × EPCI that it reaches, and one for an action whose territories, or some of them, stand
        for nothing known (empty ``territory``): ``action, title, status, territory, via, state`` (`ACTION_STATES`),
        ``reason, priorities, not_tied`` (as written), ``themes, criteria_deficit`` (codes), ``merged_into``.
    links : DataFrame
        One row per action × territory × criterion or theme tied: ``action, status, territory, via, priority,
        criterion, theme, active, deficit, measured``.
    priorities : DataFrame
        One row per writing of a priority in the plan: ``priority, tied, criteria, themes, actions, reference,
        remark``.
    """

    gaps: pd.DataFrame
    cells: pd.DataFrame
    actions: pd.DataFrame
    links: pd.DataFrame
    priorities: pd.DataFrame


def confront(
    plan: ActionPlan,
    reach: pd.DataFrame,
    territories: pd.DataFrame,
    *,
    priorities: Priorities,
    found: pd.DataFrame,
    communes: pd.DataFrame,
    known: Mapping[str, str],
    departement: str,
) -> Answers:
    """Set the deficits of each EPCI against the actions that reach it.

    An action answers a deficit when it reaches the EPCI and one of its priorities is tied to the criterion, or to its
    theme. A deficit that only abandoned, blocked or paused actions answer is `SUSPENDED`.

    Parameters
    ----------
    plan, reach, territories : ActionPlan, DataFrame, DataFrame
        The scheme (`study.Programme`).
    priorities : Priorities
        What stands for what.
    found : DataFrame
        Commune × criterion (`analysis.criteria`): ``code, criterion, theme, class, to_check, reason``; a pair that is
        missing was not measured.
    communes : DataFrame
        The communes studied: ``code, epci`` (missing: none), ``inside, population``.
    known : mapping
        Theme of every criterion that exists, in force or not, by code.
    departement : str
        Code of the département.
    """
    index = priority_index(priorities)
    measured = _measured(found)
    ties = _ties(plan, index, measured, known)
    places = communes.assign(territory=communes["epci"].fillna(NO_TERRITORY).astype("str"))
    everywhere = _everywhere(reach, territories, places)
    links = _links(ties, everywhere)
    rows = _commune_rows(found, places, _targets_in(ties, measured))
    rows["answer"] = _answer(rows, links)
    gaps = _gaps(rows, links, departement=departement)
    state = gaps[gaps["level"] == "epci"].set_index(_KEYS)["state"]
    of_link = pd.Series(
        pd.MultiIndex.from_frame(links[_KEYS]).map(state.to_dict().get), index=links.index, dtype="object"
    )
    links["deficit"] = of_link.isin(list(_ANSWERS))
    links["measured"] = of_link.notna() & (of_link != NOT_MEASURED)
    return Answers(
        gaps=gaps,
        cells=_cells(gaps, rows, links, departement=departement),
        actions=_actions(plan, ties, links, everywhere=everywhere, territories=territories),
        links=links,
        priorities=_priorities(ties, index),
    )


def _measured(found: pd.DataFrame) -> dict[str, str]:
    """Return the theme of each criterion that was applied, in order."""
    pairs = found.drop_duplicates("criterion")
    return dict(zip(pairs["criterion"], pairs["theme"], strict=True))


def _ties(
    plan: ActionPlan, index: Mapping[str, Priority], measured: Mapping[str, str], known: Mapping[str, str]
) -> pd.DataFrame:
    """List what each priority of each action is tied to: one row, without theme, where it is tied to nothing."""
    rows = []
    for action in plan.actions:
        for words in dict.fromkeys(action.priorites):
            priority = index.get(priority_key(words))
            targets = [("", "")] if priority is None else _targets(priority, measured, known)
            rows += [(action.code, action.statut, words, priority is not None, *target) for target in targets]
    columns = ["action", "status", "priority", "tied", "criterion", "theme"]
    return pd.DataFrame(rows, columns=columns, dtype="str" if not rows else None).astype({"tied": "bool"})


def _targets(priority: Priority, measured: Mapping[str, str], known: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the criteria applied that a priority stands for, with their themes; bare themes where there is none."""
    found = [(code, measured[code]) for code in priority.criteria if code in measured]
    for theme in priority.themes:
        found += [(code, theme) for code, own in measured.items() if own == theme] or [("", theme)]
    bare = [("", known[code]) for code in priority.criteria if code in known]
    return list(dict.fromkeys(found or bare or [("", "")]))


def _targets_in(ties: pd.DataFrame, measured: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return what gaps are about: every criterion applied, and every theme that an action aims at without any."""
    themes = dict.fromkeys(theme for theme in ties["theme"] if theme and theme not in set(measured.values()))
    return [*measured.items(), *(("", theme) for theme in themes)]


def _everywhere(reach: pd.DataFrame, territories: pd.DataFrame, places: pd.DataFrame) -> pd.DataFrame:
    """Return the territories that each action reaches; one on the whole département reaches communes without EPCI."""
    table = reach.rename(columns={"code": "action", "siren": "territory"})[["action", "territory", "via"]]
    if NO_TERRITORY not in set(places["territory"]):
        return table
    whole = territories[(territories["kind"] == ACTION) & (territories["reason"] == "")]
    codes = whole.loc[whole["territory_kind"] == DEPARTEMENT, "code"].drop_duplicates()
    more = pd.DataFrame({"action": codes, "territory": NO_TERRITORY, "via": "tout le département"})
    return pd.concat([table, more], ignore_index=True)


def _links(ties: pd.DataFrame, everywhere: pd.DataFrame) -> pd.DataFrame:
    tied = ties[ties["tied"]].drop(columns="tied").merge(everywhere, on="action")
    return tied.assign(active=~tied["status"].isin(IDLE_STATUSES))


def _commune_rows(found: pd.DataFrame, places: pd.DataFrame, targets: Sequence[tuple[str, str]]) -> pd.DataFrame:
    """Return one row per commune × target, measured or not."""
    table = pd.DataFrame(targets, columns=["criterion", "theme"], dtype="str")
    table["_rank"] = np.arange(len(table))
    place = places[["code", "territory", "inside", "population"]]
    rows = place.merge(table, how="cross").merge(
        found[["code", "criterion", "class", "to_check", "reason"]], how="left", on=["code", "criterion"]
    )
    given = rows["class"].fillna(CLASS_NOT_MEASURED)
    return rows.assign(
        missing=given == CLASS_NOT_MEASURED,
        lacking=~given.isin([SERVED, CLASS_NOT_MEASURED]),
        to_check=rows["to_check"].eq(other=True),
        reason=rows["reason"].fillna(NOT_MEASURED).where(rows["criterion"] != "", NO_CRITERION),
    )


def _answer(rows: pd.DataFrame, links: pd.DataFrame) -> np.ndarray:
    """Return how the actions of its territory answer each target."""
    pairs = pd.MultiIndex.from_frame(rows[_KEYS])
    active, idle = (pd.MultiIndex.from_frame(links.loc[mask, _KEYS]) for mask in (links["active"], ~links["active"]))
    return np.select([pairs.isin(active), pairs.isin(idle)], [WITH, SUSPENDED], WITHOUT)


def _gaps(rows: pd.DataFrame, links: pd.DataFrame, *, departement: str) -> pd.DataFrame:
    """Count communes and inhabitants by territory and target."""
    lacking = rows["lacking"]
    masks = {
        "": pd.Series(data=True, index=rows.index),
        "_deficit": lacking,
        "_deficit_inside": lacking & rows["inside"],
        **{f"_{name}": lacking & (rows["answer"] == state) for state, name in _ANSWERS.items()},
        "_not_measured": rows["missing"],
    }
    wide = rows[[*_KEYS, "_rank", "inside", "reason"]].copy()
    for name, mask in masks.items():
        wide[f"communes{name}"] = mask.astype("int64")
        wide[f"population{name}"] = rows["population"].where(mask, 0).astype("int64")
    wide["communes_to_check"] = rows["to_check"].astype("int64")
    numbers = [name for name in wide.columns if name.startswith(("communes", "population"))]
    steps = {**dict.fromkeys(numbers, "sum"), "reason": "first"}
    whole = wide[wide["inside"]].assign(territory=departement)
    tables = []
    for level, table, own in (("epci", wide, links), ("departement", whole, links.assign(territory=departement))):
        counted = table.groupby(["territory", "_rank", "theme", "criterion"], as_index=False).agg(steps)
        counted.insert(0, "level", level)
        tables.append(counted.assign(**_codes(own, counted, _KEYS)))
    gaps = pd.concat(tables, ignore_index=True).drop(columns="_rank")
    gaps.insert(4, "state", _state(gaps))
    return gaps.assign(reason=gaps["reason"].where(gaps["state"] == NOT_MEASURED, "").astype("str"))


def _state(gaps: pd.DataFrame) -> np.ndarray:
    """Return the state of each count: that of its most pressing part."""
    tests = [gaps[f"communes_{_ANSWERS[state]}"] > 0 for state in (WITHOUT, SUSPENDED, WITH)]
    tests.append(gaps["communes_not_measured"] == gaps["communes"])
    return np.select(tests, [WITHOUT, SUSPENDED, WITH, NOT_MEASURED], NO_DEFICIT)


def _codes(links: pd.DataFrame, rows: pd.DataFrame, keys: list[str]) -> dict[str, pd.Series]:
    """Return the codes of the actions of each row: those that go on, and those that answer nothing for now."""
    masks = {"actions": links["active"], "actions_suspended": ~links["active"]}
    return {name: _listed(links[mask], "action", rows, keys) for name, mask in masks.items()}


def _listed(table: pd.DataFrame, column: str, rows: pd.DataFrame, keys: list[str]) -> pd.Series:
    """Return, for each row, the values that a table holds for its keys, as one cell."""
    found: dict[tuple[str, ...], dict[str, None]] = {}
    for key, value in zip(_tuples(table, keys), table[column], strict=True):
        found.setdefault(key, {})[value] = None
    return pd.Series([_joined(found.get(key, ())) for key in _tuples(rows, keys)], index=rows.index, dtype="str")


def _tuples(table: pd.DataFrame, keys: list[str]) -> Iterator[tuple[str, ...]]:
    return zip(*(table[key] for key in keys), strict=True)


def _joined(words: Iterable[str]) -> str:
    return SEPARATOR.join(dict.fromkeys(words))


def _cells(gaps: pd.DataFrame, rows: pd.DataFrame, links: pd.DataFrame, *, departement: str) -> pd.DataFrame:
    """Gather the criteria of a theme: how many in each state, and the communes that lack one at least."""
    keys = ["level", "territory", "theme"]
    names = dict(zip(GAP_STATES, ("without", "suspended", "with", "satisfied", "not_measured"), strict=True))
    rank = {state: at for at, state in enumerate(GAP_STATES)}
    real = gaps["criterion"] != ""
    wide = gaps[keys].assign(
        _rank=gaps["state"].map(rank),
        criteria=real.astype("int64"),
        **{f"criteria_{name}": (real & (gaps["state"] == state)).astype("int64") for state, name in names.items()},
    )
    cells = wide.groupby(keys, sort=False, as_index=False).agg(
        {name: "min" if name == "_rank" else "sum" for name in wide.columns if name not in keys}
    )
    cells.insert(3, "state", cells.pop("_rank").map(dict(enumerate(GAP_STATES))))
    once = rows[rows["lacking"]].drop_duplicates(["code", "theme"])
    both = pd.concat([once, once[once["inside"]].assign(territory=departement)])
    by_theme = ["territory", "theme"]
    keys_of, cell_keys = list(_tuples(both, by_theme)), list(_tuples(cells, by_theme))
    size, people = Counter(keys_of), Counter[tuple[str, ...]]()
    for key, population in zip(keys_of, both["population"], strict=True):
        people[key] += int(population)
    return cells.assign(
        communes_deficit=pd.array([size[key] for key in cell_keys], dtype="int64"),
        population_deficit=pd.array([people[key] for key in cell_keys], dtype="int64"),
        **_codes(pd.concat([links, links.assign(territory=departement)]), cells, by_theme),
    )


def _actions(
    plan: ActionPlan, ties: pd.DataFrame, links: pd.DataFrame, *, everywhere: pd.DataFrame, territories: pd.DataFrame
) -> pd.DataFrame:
    """Return each action in each territory that it reaches, and what it names that stands for nothing known."""
    base = pd.DataFrame(
        [(one.code, one.titre, one.statut, _joined(one.priorites), one.fusionnee_dans) for one in plan.actions],
        columns=["action", "title", "status", "priorities", "merged_into"],
        dtype="str",
    )
    base["not_tied"] = _listed(ties[~ties["tied"]], "priority", base, ["action"])
    nowhere = _nowhere(base["action"], everywhere, territories)
    rows = base.merge(pd.concat([everywhere.assign(place_reason=""), nowhere], ignore_index=True), on="action")
    pairs = ["action", "territory"]
    rows["themes"] = _listed(links[links["theme"] != ""], "theme", rows, pairs)
    rows["criteria_deficit"] = _listed(links[links["deficit"]], "criterion", rows, pairs)
    tests = [
        rows["territory"] == "",
        rows["priorities"] == "",
        ~rows["action"].isin(set(ties.loc[ties["tied"], "action"])),
        rows["criteria_deficit"] != "",
    ]
    rows["state"] = np.select(tests, [NO_PLACE, NO_PRIORITY, NOT_TIED, WITH_DEFICIT], NO_DEFICIT)
    seen = set(_tuples(links[links["measured"]], pairs))
    why = [SATISFIED if pair in seen else NOTHING_MEASURED for pair in _tuples(rows, pairs)]
    rows["reason"] = rows["place_reason"].where(rows["state"] != NO_DEFICIT, pd.Series(why, rows.index, dtype="str"))
    order = ["action", "title", "status", "territory", "via", "state", "reason", "priorities", "not_tied"]
    return rows[[*order, "themes", "criteria_deficit", "merged_into"]]


def _nowhere(codes: pd.Series, everywhere: pd.DataFrame, territories: pd.DataFrame) -> pd.DataFrame:
    """List the actions that reach nothing, or that name, among others, a territory that stands for nothing known."""
    own = territories[(territories["kind"] == ACTION) & (territories["words"] != "")]
    unknown = own[own["reason"] != ""].drop_duplicates(["code", "words"])
    names = dict(zip(codes, _listed(unknown, "words", pd.DataFrame({"code": codes}), ["code"]), strict=True))
    said, reached = set(own["code"]), set(everywhere["action"])
    rows = []
    for code in codes:
        if names[code]:
            rows.append((code, "", "", f"{NOT_KNOWN}{NBSP}: {names[code]}"))
        elif code not in reached:
            rows.append((code, "", "", NOT_KNOWN if code in said else NOT_SAID))
    return pd.DataFrame(rows, columns=["action", "territory", "via", "place_reason"], dtype="str")


def _priorities(ties: pd.DataFrame, index: Mapping[str, Priority]) -> pd.DataFrame:
    """Return each writing of a priority in the plan, and what it is tied to."""
    rows = []
    for words, own in ties.groupby("priority", sort=False):
        priority = index.get(priority_key(str(words)))
        tied = ("", "", "", "")
        if priority is not None:
            tied = (_joined(priority.criteria), _joined(priority.themes), priority.reference, priority.remark)
        criteria, themes, reference, remark = tied
        rows.append((words, priority is not None, criteria, themes, _joined(own["action"]), reference, remark))
    columns = ["priority", "tied", "criteria", "themes", "actions", "reference", "remark"]
    return pd.DataFrame(rows, columns=columns).astype({"tied": "bool"})


def action_states(answers: Answers) -> pd.DataFrame:
    """Return one row per action: ``action, title, status, state`` (the first of `ACTION_STATES` that it has)."""
    rank = {state: at for at, state in enumerate(ACTION_STATES)}
    rows = answers.actions.assign(_rank=answers.actions["state"].map(rank))
    best = rows.groupby("action", sort=False)["_rank"].min().map(dict(enumerate(ACTION_STATES)))
    once = rows.drop_duplicates("action")[["action", "title", "status"]]
    return once.assign(state=once["action"].map(best).astype("str")).reset_index(drop=True)
