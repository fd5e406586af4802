"""What the dashboard (tableau de bord) says, before any layout: the tables of a scheme's follow-up on a day."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import pandas as pd

from sdaasp_geo import french
from sdaasp_geo.action_plan import ACTION, ORIENTATION
from sdaasp_geo.analysis.followup import (
    budget_totals,
    count_by_status,
    count_statuses,
    deadlines,
    due_reports,
    followed,
    groups_by_lead,
    groups_by_orientation,
    groups_by_territory,
    late_actions,
    objective_names,
)
from sdaasp_geo.analysis.governance_indicators import (
    DEPARTEMENT,
    MEASURED,
    body_meetings,
    governance_indicators,
    indicator_of,
)
from sdaasp_geo.errors import OutputError
from sdaasp_geo.french import NBSP
from sdaasp_geo.layers.action_items import items
from sdaasp_geo.layers.territories import SIGNS
from sdaasp_geo.outputs.escape import plain_text
from sdaasp_geo.outputs.headline import sources_line
from sdaasp_geo.study import Programme, Study

NO_VALUE = "valeur non renseignée"
"""What is said of an indicator without a figure."""


@dataclass(frozen=True)
class Dashboard:
    """The tables of the dashboard; columns are those of `analysis.followup` and `analysis.governance_indicators`.

    Attributes
    ----------
    title, scheme, reference, sources : str
        Texts that head and close the page.
    edition, day : date
        Edition of the scheme, and day of reference.
    stand : DataFrame
        `followed`, with the texts of each action: ``orientation_label, objective_label, territories`` (EPCI, or why
        none), ``territory_keys, leads, lead_keys`` (keys parted by spaces).
    statuses, by_orientation, by_territory, by_lead, late : DataFrame
        Counts, and late actions.
    distinct : tuple of int
        Actions in at least one EPCI, of a territory not recognised, of no territory: they add up to all.
    budgets, unread : DataFrame
        Euros by year; words that are no amount. ``silent``: number of actions without any amount.
    due, reports : DataFrame
        Deadlines of the governance; yearly syntheses by action and lead.
    indicators, bodies : DataFrame
        Indicators of governance; meetings of the bodies.
    asked : DataFrame
        Indicators of the actions as written: ``code, title, rank, item, value``.
    notes : tuple of str
        What the reader must know.
    """

    title: str
    scheme: str
    reference: str
    sources: str
    edition: dt.date
    day: dt.date
    stand: pd.DataFrame
    statuses: pd.DataFrame
    by_orientation: pd.DataFrame
    by_territory: pd.DataFrame
    by_lead: pd.DataFrame
    late: pd.DataFrame
    distinct: tuple[int, int, int]
    budgets: pd.DataFrame
    unread: pd.DataFrame
    silent: int
    due: pd.DataFrame
    reports: pd.DataFrame
    indicators: pd.DataFrame
    bodies: pd.DataFrame
    asked: pd.DataFrame
    notes: tuple[str, ...]


def build_dashboard(study: Study, *, day: dt.date | None = None) -> Dashboard:
    """Gather the tables of the dashboard.

    Parameters
    ----------
    study : Study
        With a programme.
    day : date, optional
        Day of reference; the edition of the scheme by default.

    Raises
    ------
    OutputError
        When the scheme gives neither actions nor governance.
    """
    programme = study.programme
    if programme is None:
        message = f"Le schéma ne donne ni actions ni gouvernance{NBSP}: pas de tableau de bord."
        raise OutputError(message)
    day = day or study.scheme.edition
    actions = programme.actions
    stand = followed(actions, day=day)
    orientations = groups_by_orientation(actions)
    territories = groups_by_territory(actions, programme.territories, programme.reach, study.epci)
    leads = groups_by_lead(actions)
    budgets, unread, silent = budget_totals(actions)
    due = deadlines(programme.bodies, day=day)
    indicators = governance_indicators(programme.bodies, programme.territories, study.epci)
    return Dashboard(
        title=f"Tableau de bord du schéma{NBSP}: {plain_text(study.departement_name)}",
        scheme=plain_text(study.scheme.nom),
        reference=plain_text(study.scheme.reference),
        sources=sources_line(study),
        edition=study.scheme.edition,
        day=day,
        stand=_with_texts(stand, study, programme, territories, leads),
        statuses=count_by_status(stand),
        by_orientation=_named_orientations(count_statuses(stand, orientations)),
        by_territory=_named_territories(count_statuses(stand, territories), study),
        by_lead=count_statuses(stand, leads),
        late=late_actions(stand),
        distinct=_distinct(territories),
        budgets=budgets,
        unread=unread,
        silent=silent,
        due=due,
        reports=due_reports(actions, due),
        indicators=indicators,
        bodies=body_meetings(programme.bodies, programme.territories),
        asked=_asked(programme, indicators),
        notes=tuple(plain_text(note) for note in programme.notes),
    )


def _named_orientations(counts: pd.DataFrame) -> pd.DataFrame:
    labels = [
        f"{code}. {label}" if code else label for code, label in zip(counts["group"], counts["label"], strict=True)
    ]
    return counts.assign(label=labels)


def _named_territories(counts: pd.DataFrame, study: Study) -> pd.DataFrame:
    apart = set(study.epci.loc[study.epci["role"] != SIGNS, "siren"])
    pairs = zip(counts["group"], counts["label"], strict=True)
    return counts.assign(label=[f"{label} (sans convention ici)" if key in apart else label for key, label in pairs])


def _distinct(territories: pd.DataFrame) -> tuple[int, int, int]:
    own = territories[territories["code"] != ""]
    unknown, unsaid = (set(own.loc[own["group"] == key, "code"]) for key in ("non-reconnu", "non-dit"))
    return own["code"].nunique() - len(unknown) - len(unsaid), len(unknown), len(unsaid)


def _with_texts(
    stand: pd.DataFrame, study: Study, programme: Programme, territories: pd.DataFrame, leads: pd.DataFrame
) -> pd.DataFrame:
    """Put beside each action the words and the keys by which the page shows it and finds it."""
    actions = programme.actions
    orientations = actions[actions["niveau"] == ORIENTATION].set_index("code")["titre"].to_dict()
    objectives = objective_names(actions)
    signing = set(study.epci.loc[study.epci["role"] == SIGNS, "siren"])
    where, who = _by_action(territories), _by_action(leads)
    told = [_territory_text(where.get(code, []), signing) for code in stand["code"]]
    return stand.assign(
        orientation_label=[_entitled(code, orientations) for code in stand["orientation"]],
        objective_label=[_entitled(code, objectives) for code in stand["objective"]],
        territories=told,
        territory_keys=[" ".join(key for key, _ in where.get(code, [])) for code in stand["code"]],
        leads=[" ; ".join(plain_text(label) for _, label in who.get(code, [])) for code in stand["code"]],
        lead_keys=[" ".join(key or "non-renseigne" for key, _ in who.get(code, [])) for code in stand["code"]],
    )


def _by_action(groups: pd.DataFrame) -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {}
    for code, key, label in groups[["code", "group", "label"]].itertuples(index=False):
        found.setdefault(code, []).append((key, label))
    return found


def _territory_text(own: list[tuple[str, str]], signing: set[str]) -> str:
    keys = {key for key, _ in own}
    if keys == signing and len(signing) > 1:
        return f"tous les EPCI signataires ({len(signing)})"
    return " ; ".join(plain_text(label) for _, label in own)


def _entitled(code: str, titles: dict[str, str]) -> str:
    return f"{plain_text(code)}. {plain_text(titles[code])}" if code in titles else ""


def _asked(programme: Programme, indicators: pd.DataFrame) -> pd.DataFrame:
    """List the indicators of the actions as written; those that the governance table measures have a value."""
    actions = programme.actions[programme.actions["niveau"] == ACTION]
    titles = dict(zip(actions["code"], actions["titre"], strict=True))
    listed = items(actions, "indicateurs")
    known = {words: _measured(indicator_of(words), indicators) for words in listed["item"].unique()}
    return listed.assign(
        title=listed["code"].map(titles), value=listed["item"].map(lambda words: known[words] or NO_VALUE)
    )[["code", "title", "rank", "item", "value"]]


def _measured(indicator: str, indicators: pd.DataFrame) -> str:
    own = indicators[(indicators["level"] == DEPARTEMENT) & (indicators["indicator"] == indicator)]
    own = own[own["status"] == MEASURED]
    return " ; ".join(
        f"{'' if pd.isna(year) else f'{year}{NBSP}: '}{french.number(value)} ({reason})"
        for year, value, reason in zip(own["year"], own["value"], own["reason"], strict=True)
    )
