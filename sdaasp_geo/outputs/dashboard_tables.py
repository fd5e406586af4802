"""Tables of the dashboard page, as French texts: counts, late actions, euros, what is due, indicators."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from sdaasp_geo import french
from sdaasp_geo.analysis.followup import DECLARED, OVERDUE, RECEIVED, SHOWN_STATUSES
from sdaasp_geo.analysis.governance_indicators import (
    COMMITTEE,
    DEPARTEMENT,
    ELECTED,
    INTERLOCUTORS,
    MEASURED,
    MEETINGS,
    NOT_SAID,
    PARTICIPATION,
    REPRESENTATIVES,
    TECHNICAL,
)
from sdaasp_geo.french import NARROW_NBSP, NBSP
from sdaasp_geo.outputs.dashboard_gantt import short_date
from sdaasp_geo.outputs.dashboard_model import NO_VALUE, Dashboard
from sdaasp_geo.outputs.escape import plain_text

BLANKS = (NOT_SAID, NO_VALUE)
"""Cells that are shown as empty ones."""

MANY = 200
"""Rows beyond which a list of actions opens on demand."""

_STATES = (ELECTED, TECHNICAL, INTERLOCUTORS, COMMITTEE, REPRESENTATIVES)
_WORDS = {
    ELECTED: {1.0: "désigné", 0.0: "aucun"},
    TECHNICAL: {1.0: "désigné", 0.0: "aucun"},
    COMMITTEE: {1.0: "mise en place", 0.0: "aucune"},
}
Texts = tuple[str, ...]


@dataclass(frozen=True)
class Shown:
    """A table of the page: its id, title, caption and cells; the first cell of a row is its heading.

    Attributes
    ----------
    numbers : frozenset of int
        Columns of figures, from 0.
    empty : str
        What is said where there is no row.
    folded : bool
        Whether it opens on demand.
    """

    key: str
    title: str
    header: Texts
    rows: tuple[Texts, ...]
    caption: str
    empty: str = ""
    numbers: frozenset[int] = frozenset()
    folded: bool = False


def count_tables(board: Dashboard) -> list[Shown]:
    """Return the counts by status, orientation, EPCI and lead."""
    number = len(board.stand)
    known, unknown, unsaid = board.distinct
    actions = french.count(number, "action")
    where = (
        f"Une action compte dans chaque EPCI où elle s'applique. {actions}{NBSP}= {known} dans au moins un EPCI + "
        f"{unknown} de territoire non reconnu + {unsaid} de territoire non dit."
    )
    parts = [
        (
            "orientations",
            "Par orientation",
            "Orientation",
            board.by_orientation,
            f"Chaque action compte une fois{NBSP}: {actions}.",
        ),
        ("territoires", "Par territoire (EPCI)", "EPCI", board.by_territory, where),
        (
            "porteurs",
            "Par porteur",
            "Porteur",
            board.by_lead,
            "Une action qui a plusieurs porteurs compte pour chacun.",
        ),
    ]
    tables = [_statuses(board)]
    header = (*(status.capitalize() for status in SHOWN_STATUSES), "Total", "Échéance dépassée")
    for key, title, first, counts, caption in parts:
        columns = ["label", *SHOWN_STATUSES, "total", "overdue"]
        rows = tuple(
            (_capital(label), *map(str, values))
            for label, *values in counts[columns].itertuples(index=False, name=None)
        )
        tables.append(Shown(key, title, (first, *header), rows, caption, "Aucune ligne.", _from(1, len(columns))))
    return tables


def _capital(label: str) -> str:
    text = plain_text(label)
    return text[:1].upper() + text[1:]


def _from(first: int, last: int) -> frozenset[int]:
    return frozenset(range(first, last))


def _statuses(board: Dashboard) -> Shown:
    total = max(len(board.stand), 1)
    pairs = board.statuses[["status", "actions"]].itertuples(index=False, name=None)
    rows = [(status.capitalize(), str(number), french.percent(number / total, digits=0)) for status, number in pairs]
    rows.append(("Total", str(len(board.stand)), french.percent(float(len(board.stand) > 0), digits=0)))
    caption = f"Chaque action compte une fois. «{NBSP}Non renseigné{NBSP}»{NBSP}: personne n'a dit où elle en est."
    return Shown("statuts", "Par statut", ("Statut", "Actions", "Part"), tuple(rows), caption, numbers=_from(1, 3))


def late_tables(board: Dashboard) -> list[Shown]:
    """Return the two kinds of late actions, apart."""
    day = french.date(board.day)
    texts = {
        DECLARED: ("retards-declares", f"Déclarées «{NBSP}en retard{NBSP}»", "Le statut de l'action le dit."),
        OVERDUE: (
            "echeances-depassees",
            "Échéance dépassée",
            f"La date de fin est avant le {day}, et l'action n'est ni réalisée ni abandonnée.",
        ),
    }
    header = ("Action", "Statut", "Fin prévue", "Dates écrites", "Jours de dépassement", "Dans les deux listes")
    tables = []
    for kind, (key, title, caption) in texts.items():
        own = board.late[board.late["kind"] == kind]
        rows = tuple(
            (
                _action(row["code"], row["title"]),
                row["status"],
                _date(row["end"], NOT_SAID),
                plain_text(row["words"]) or NOT_SAID,
                "–" if pd.isna(row["days_overdue"]) else french.number(int(row["days_overdue"])),
                "oui" if row["both"] else "non",
            )
            for row in own.to_dict("records")
        )
        tables.append(
            Shown(
                key,
                f"{title}{NBSP}: {len(rows)}",
                header,
                rows,
                caption,
                f"Aucune action au {day}.",
                frozenset({4}),
                len(rows) > MANY,
            )
        )
    return tables


def _action(code: str, title: str) -> str:
    return f"{plain_text(code)} {plain_text(title)}"


def _date(day: pd.Timestamp, missing: str) -> str:
    return missing if pd.isna(day) else short_date(day.date())


def budget_table(board: Dashboard) -> Shown:
    """Return the euros planned and spent by year."""
    rows = tuple(
        (
            "Sans année" if pd.isna(row["year"]) else str(row["year"]),
            _euros(row["planned_eur"]),
            str(row["planned_actions"]),
            _euros(row["spent_eur"]),
            str(row["spent_actions"]),
        )
        for row in board.budgets.to_dict("records")
    )
    silent = french.count(board.silent, "action")
    caption = f"Montants tels que les actions les donnent\u202f; {silent} sans aucun montant."
    if len(board.unread):
        listed = ", ".join(
            f"{plain_text(code)} («{NBSP}{plain_text(words)}{NBSP}»)"
            for code, words in board.unread.itertuples(index=False)
        )
        caption += f" Non lus{NBSP}: {listed}."
    header = ("Année", "Prévu", "Actions qui le disent", "Dépensé", "Actions qui le disent")
    return Shown("budgets", "Budgets", header, rows, caption, "Aucune action ne donne de montant.", _from(1, 5))


def _euros(value: float) -> str:
    return (
        NOT_SAID if pd.isna(value) else f"{french.number(value, digits=0 if float(value).is_integer() else 2)}{NBSP}€"
    )


def due_tables(board: Dashboard) -> list[Shown]:
    """Return the deadlines of the governance, and what each lead owes."""
    rows = tuple(
        (
            plain_text(row["what"]),
            plain_text(row["words"]) or NOT_SAID,
            _date(row["deadline"], NOT_SAID),
            row["state"],
            plain_text(row["to_whom"]) or NOT_SAID,
            plain_text(" ; ".join(part for part in (row["concerned"], row["remarks"]) if part)) or "–",
        )
        for row in board.due.to_dict("records")
    )
    header = ("Quoi", "Échéance écrite", "Date", "État", "À qui", "Qui, et remarques")
    caption = f"Échéances que la gouvernance inscrit\u202f; état au {french.date(board.day)}."
    listed = Shown(
        "echeances", "Échéances du schéma", header, rows, caption, "La gouvernance n'inscrit aucune échéance."
    )
    return [listed, _reports(board)]


def _reports(board: Dashboard) -> Shown:
    rows = []
    for (what, lead), own in board.reports.groupby(["what", "lead"], sort=False):
        waiting = own[own["state"] != RECEIVED]
        referents = dict.fromkeys(part for cell in own["referents"] for part in cell.split(" ; ") if part)
        first = own.iloc[0]
        rows.append(
            (
                plain_text(lead) or "porteur non renseigné",
                plain_text(" ; ".join(referents)) or NOT_SAID,
                plain_text(what),
                plain_text(first["to_whom"]) or NOT_SAID,
                _date(first["deadline"], plain_text(first["words"]) or NOT_SAID),
                f"{len(own) - len(waiting)} sur {len(own)}",
                plain_text(", ".join(waiting["code"])) or "aucune",
            )
        )
    header = ("Porteur", "Référents", "Quoi", "À qui", "Avant le", "Synthèses reçues", "Actions attendues")
    return Shown(
        "syntheses",
        "Synthèses dues par chaque porteur",
        header,
        tuple(rows),
        "Une synthèse est reçue quand le dernier bilan date de l'année qui s'achève à l'échéance, ou d'après.",
        f"Aucune synthèse annuelle n'est inscrite dans la gouvernance{NBSP}: échéance et destinataire non renseignés.",
        frozenset({5}),
    )


def due_sentence(board: Dashboard) -> str:
    """Say in one sentence what is due, before when, to whom."""
    own = board.due[board.due["synthesis"]]
    if own.empty:
        return "La gouvernance n'inscrit aucune synthèse annuelle à rendre par les porteurs."
    texts = []
    for row in own.to_dict("records"):
        words = plain_text(row["words"])
        when = NOT_SAID if not words else f"«{NBSP}{words}{NBSP}»"
        exact = "" if pd.isna(row["deadline"]) else f", soit le {french.date(row['deadline'].date())} ({row['state']})"
        to_whom = plain_text(row["to_whom"]) or NOT_SAID
        texts.append(f"{plain_text(row['what'])}{NBSP}: échéance {when}{exact}{NARROW_NBSP}; à qui{NBSP}: {to_whom}.")
    return " ".join(texts)


def asked_table(board: Dashboard) -> Shown:
    """Return the indicators of the actions, as written, with the value of those that something measures."""
    rows = tuple(
        (_action(code, title), plain_text(item), plain_text(value))
        for code, title, item, value in board.asked[["code", "title", "item", "value"]].itertuples(
            index=False, name=None
        )
    )
    without = len(board.stand) - board.asked["code"].nunique()
    caption = f"Tels que les actions les écrivent\u202f; {french.count(without, 'action')} sans indicateur."
    header = ("Action", "Indicateur", "Valeur")
    title = f"Indicateurs des actions{NBSP}: {len(rows)}"
    return Shown(
        "indicateurs-actions", title, header, rows, caption, "Aucune action n'écrit d'indicateur.", folded=True
    )


def governance_tables(board: Dashboard) -> list[Shown]:
    """Return the indicators of governance: by EPCI, by EPCI and year, and the meetings of the bodies."""
    return [_by_epci(board), _by_year(board), _bodies(board)]


def _by_epci(board: Dashboard) -> Shown:
    header = ("EPCI", "Élu référent", "Technicien référent", "Interlocuteurs", "Instance locale", "Représentants")
    rows = tuple(
        (plain_text(epci), *(_state_text(own[indicator]) for indicator in _STATES))
        for (epci, _), own in _by_key(board, _STATES).items()
    )
    caption = f"Une cellule vide de la gouvernance est «{NBSP}non renseigné{NBSP}», jamais zéro."
    return Shown("gouvernance-epci", "Interlocuteurs et instances locales", header, rows, caption, "Aucun EPCI.")


def _by_key(board: Dashboard, indicators: Sequence[str]) -> dict[tuple[str, str], dict[str, dict[str, object]]]:
    """Return the rows of some indicators by EPCI and year (empty: none), in the order of the table."""
    found: dict[tuple[str, str], dict[str, dict[str, object]]] = {}
    for row in board.indicators[board.indicators["indicator"].isin(indicators)].to_dict("records"):
        year = "" if pd.isna(row["year"]) else str(row["year"])
        found.setdefault((row["epci"], year), {})[row["indicator"]] = row
    return found


def _state_text(row: dict[str, object]) -> str:
    """Write a state: words for one thing, a figure and what it lacks for several."""
    if row["status"] != MEASURED:
        return NOT_SAID
    value, reason = float(str(row["value"])), str(row["reason"])
    if row["level"] == DEPARTEMENT:
        return f"{french.number(value)} ({reason})"
    words = _WORDS.get(str(row["indicator"]), {}).get(value) or f"{french.number(value)} sur 2"
    return f"{words} ({plain_text(reason)})" if reason else words


def _by_year(board: Dashboard) -> Shown:
    header = ("EPCI", "Année", "Réunions de l'instance locale", "Minimum demandé", "Instances départementales")
    rows = tuple(
        (
            plain_text(epci),
            year or "–",
            _year_text(own.get(MEETINGS)),
            _least(own.get(MEETINGS)),
            _year_text(own.get(PARTICIPATION)),
        )
        for (epci, year), own in _by_key(board, (MEETINGS, PARTICIPATION)).items()
    )
    caption = (
        f"Réunions consignées dans la gouvernance\u202f; instances départementales{NBSP}: réunions où l'EPCI était "
        "représenté, d'après les listes de participants."
    )
    return Shown("gouvernance-annees", "Réunions et participation, par année", header, rows, caption, "Aucun EPCI.")


def _least(row: dict[str, object] | None) -> str:
    """Write the meetings asked a year; the département asks none of itself."""
    if row is None or row["level"] == DEPARTEMENT:
        return "–"
    return NOT_SAID if pd.isna(row["minimum"]) else french.number(float(str(row["minimum"])))


def _year_text(row: dict[str, object] | None) -> str:
    if row is None or row["status"] != MEASURED:
        return NOT_SAID
    reason = plain_text(row["reason"])
    return french.number(float(str(row["value"]))) + (f" ({reason})" if reason else "")


def _bodies(board: Dashboard) -> Shown:
    rows = tuple(
        (
            plain_text(row["body"]),
            "–" if pd.isna(row["year"]) else str(row["year"]),
            NOT_SAID if pd.isna(row["held"]) else str(row["held"]) + (f" ({row['reason']})" if row["reason"] else ""),
            NOT_SAID if pd.isna(row["minimum"]) else french.number(row["minimum"]),
            NOT_SAID if pd.isna(row["maximum"]) else french.number(row["maximum"]),
        )
        for row in board.bodies.to_dict("records")
    )
    header = ("Instance", "Année", "Réunions tenues", "Minimum par an", "Maximum par an")
    caption = "Réunions consignées dans la gouvernance, et nombre que le schéma demande."
    return Shown("instances", "Réunions des instances", header, rows, caption, "Aucune instance.")
