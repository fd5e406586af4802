"""The tables of the page of deficits and actions: cells with their state, matrix, lists; every action is in one."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from sdaasp_geo import french
from sdaasp_geo.analysis.answers import (
    NO_DEFICIT,
    NO_PLACE,
    NOT_MEASURED,
    SEPARATOR,
    SUSPENDED,
    WITH,
    WITH_DEFICIT,
    WITHOUT,
    action_states,
)
from sdaasp_geo.french import NBSP, count, number
from sdaasp_geo.outputs.answers_model import NO_STATUS, Facing
from sdaasp_geo.outputs.escape import plain_text

LEGEND = {
    WITHOUT: ("sans", "✗", "Sans action", "déficit qu'aucune action du plan ne vise ici"),
    SUSPENDED: (
        "suspendue",
        "‖",
        "Réponse suspendue",
        "visé seulement par des actions abandonnées, bloquées ou en pause",
    ),
    WITH: ("avec", "✓", "Avec action", "visé par une action au moins"),
    NO_DEFICIT: ("aucun", "○", "Sans déficit mesuré", "les critères mesurés y sont satisfaits"),
    NOT_MEASURED: ("inconnu", "?", "Non mesuré", "aucun critère du thème n'y est mesuré"),
}
"""State: name of its class, sign, label, meaning. Signs and patterns tell them apart without colour."""

_SHOWN = 25
"""Actions that a cell names before counting the others."""

Row = Mapping[Hashable, Any]


@dataclass(frozen=True)
class State:
    """A state as the page shows it."""

    key: str
    sign: str
    label: str
    meaning: str


@dataclass(frozen=True)
class Cell:
    """A cell of a table: its lines, its state where it has one, its address in the page where it leads somewhere."""

    lines: tuple[str, ...]
    state: State | None = None
    href: str = ""
    figure: bool = False


@dataclass(frozen=True)
class Sheet:
    """A table of the page; ``empty`` is said instead when it has no row."""

    title: str
    note: str
    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    empty: str = ""
    key: str = ""


def anchor(facing: Facing, code: str) -> str:
    """Return the address of a territory in the page."""
    return "departement" if code == facing.departement else f"epci-{code}"


def territory_label(facing: Facing, code: str) -> str:
    """Return the name of a territory, and whether it has no convention here."""
    name = facing.territories.get(code, code)
    return f"{name} (sans convention)" if code in facing.unsigned else name


def matrix(facing: Facing) -> Sheet:
    """Return a row per EPCI and one for the département, a column per theme."""
    cells = {(row["territory"], row["theme"]): row for row in records(facing.answers.cells)}
    themes = list(dict.fromkeys(facing.answers.cells["theme"]))
    rows = []
    for code in facing.territories:
        head = Cell((territory_label(facing, code),), href=anchor(facing, code))
        rows.append((head, *(_theme_cell(cells[code, theme]) for theme in themes)))
    return Sheet(
        title="La matrice",
        note=(
            "Une ligne par intercommunalité, une colonne par thème. Une case porte l'état le plus pressant de ses "
            "critères\u202f; son détail est plus bas. Communes et habitants en déficit sur un critère au moins, EPCI "
            "entier (dans le département pour la dernière ligne)."
        ),
        header=("Intercommunalité", *(facing.theme(theme) for theme in themes)),
        rows=tuple(rows),
    )


def _theme_cell(row: Row) -> Cell:
    """Write a cell: criteria by state where there are deficits, the size of the deficit, the actions that aim at it."""
    lines = []
    lacking = [(row["criteria_without"], "sans action"), (row["criteria_suspended"], "à réponse suspendue")]
    lacking.append((row["criteria_with"], "avec action"))
    total = sum(size for size, _ in lacking)
    if total:
        parts = [f"{size} {label}" for size, label in lacking if size]
        detail = f"{NBSP}: {', '.join(parts)}" if len(parts) > 1 else ""
        lines.append(f"{count(total, 'critère')} en déficit sur {row['criteria']}{detail}")
        lines += [count(row["communes_deficit"], "commune"), count(row["population_deficit"], "habitant")]
    idle = set(codes_of(row["actions_suspended"]))
    size = len(idle | set(codes_of(row["actions"])))
    if size:
        lines.append(count(size, "action") + (f", dont {len(idle)} en suspens" if idle else ""))
    return Cell(tuple(lines), state=State(*LEGEND[row["state"]]))


def lists(facing: Facing) -> list[Sheet]:
    """Return the lists that follow the matrix: deficits without answer, actions, territories and priorities to mend."""
    gaps = facing.answers.gaps
    own = gaps[gaps["level"] == "epci"].sort_values(["population_deficit"], ascending=False, kind="stable")
    return [
        _gap_list(facing, own, WITHOUT),
        _gap_list(facing, own, SUSPENDED),
        *_action_lists(facing),
        *_place_list(facing),
        *_priority_lists(facing),
    ]


def _gap_list(facing: Facing, gaps: pd.DataFrame, state: str) -> Sheet:
    title, note, empty = {
        WITHOUT: (
            "Déficits sans action",
            "Par nombre d'habitants. Aucune action qui atteint cet EPCI n'a de priorité reliée au critère.",
            "Aucun déficit mesuré n'est sans action.",
        ),
        SUSPENDED: (
            "Déficits à réponse suspendue",
            "Seules des actions abandonnées, bloquées ou en pause les visent.",
            "Aucune réponse n'est suspendue.",
        ),
    }[state]
    rows = tuple(
        (
            Cell((territory_label(facing, row["territory"]),), href=anchor(facing, row["territory"])),
            Cell((facing.theme(row["theme"]),)),
            Cell((facing.criterion(row["criterion"]),)),
            Cell((number(row["communes_deficit"]),), figure=True),
            Cell((number(row["population_deficit"]),), figure=True),
            *([actions_cell(facing, row)] if state == SUSPENDED else []),
        )
        for row in records(gaps[gaps["state"] == state])
    )
    header = ("Intercommunalité", "Thème", "Critère", "Communes", "Habitants")
    key = LEGEND[state][0]
    return Sheet(title, note, (*header, "Actions") if state == SUSPENDED else header, rows, empty, key)


def _action_lists(facing: Facing) -> list[Sheet]:
    """Return the actions that answer no deficit, then those that answer one: every action is in one of them."""
    states = action_states(facing.answers)
    places = dict(iter(facing.answers.actions.groupby("action", sort=False)))
    sheets = []
    for title, note, empty, key, mask in (
        (
            "Actions sans déficit",
            "Actions qui ne répondent à aucun déficit mesuré, et pourquoi.",
            "Chaque action répond à un déficit mesuré.",
            "actions-sans",
            states["state"] != WITH_DEFICIT,
        ),
        (
            "Actions avec déficit",
            "Actions dont une priorité est reliée à un déficit mesuré dans un EPCI qu'elles atteignent.",
            "Aucune action ne répond à un déficit mesuré.",
            "actions-avec",
            states["state"] == WITH_DEFICIT,
        ),
    ):
        rows = tuple(_action_row(facing, row, places[row["action"]]) for row in records(states[mask]))
        header = ("Action", "Statut", "État", "Pourquoi", "Priorités du diagnostic", "Territoires")
        sheets.append(Sheet(title, note, header, rows, empty, key))
    return sheets


def _action_row(facing: Facing, row: Row, places: pd.DataFrame) -> tuple[Cell, ...]:
    own = places[places["state"] == row["state"]]
    why = [plain_text(reason) for reason in dict.fromkeys(own["reason"]) if reason]
    if row["state"] == WITH_DEFICIT:
        codes = dict.fromkeys(code for cell in own["criteria_deficit"] for code in codes_of(cell))
        why = [f"répond à «{NBSP}{facing.criterion(code)}{NBSP}»" for code in codes]
    names = [facing.territories.get(code, code) for code in own["territory"] if code]
    merged = plain_text(places["merged_into"].iloc[0])
    title = f"{plain_text(row['action'])} – {plain_text(row['title'])}"
    return (
        Cell((title, *([f"Reprise par {merged}"] if merged else []))),
        Cell((plain_text(row["status"]) or NO_STATUS,)),
        Cell((row["state"],)),
        Cell(tuple(why) or ("–",)),
        Cell(tuple(plain_text(words) for words in codes_of(places["priorities"].iloc[0])) or ("–",)),
        Cell((_among(names, facing),) if names else ("–",)),
    )


def _among(names: Sequence[str], facing: Facing) -> str:
    """Name the EPCI that an action reaches; all those that sign are said in one word."""
    signing = {name for code, name in facing.territories.items() if code not in (*facing.unsigned, facing.departement)}
    return "tous les EPCI signataires" if set(names) == signing else french.listing(french.in_order(names))


def _place_list(facing: Facing) -> list[Sheet]:
    rows = records(facing.answers.actions[facing.answers.actions["state"] == NO_PLACE])
    cells = tuple((Cell((facing.action(row["action"]),)), Cell((plain_text(row["reason"]),))) for row in rows)
    note = "Ces territoires ne sont comptés nulle part tant qu'ils ne sont pas précisés dans le plan."
    return [Sheet("Territoires à préciser", note, ("Action", "Territoire"), cells, key="territoires")] if cells else []


def _priority_lists(facing: Facing) -> list[Sheet]:
    table = facing.answers.priorities
    free, tied = table[~table["tied"]], table[table["tied"]]
    to_tie = tuple(
        (Cell((plain_text(row["priority"]),)), Cell((few(codes_of(row["actions"])),))) for row in records(free)
    )
    known = tuple(
        (
            Cell((plain_text(row["priority"]),)),
            Cell(_tied_to(facing, row)),
            Cell((plain_text(row["reference"]), *([plain_text(row["remark"])] if row["remark"] else []))),
            Cell((few(codes_of(row["actions"])),)),
        )
        for row in records(tied)
    )
    how = (
        "Ces mots ne sont dans aucune table. Reliez-les dans un fichier CSV (colonnes priorite, critere, theme, "
        "remarque), nommé par la clé priorites de scheme.toml."
    )
    return [
        Sheet(
            "Priorités à relier",
            how,
            ("Priorité", "Actions"),
            to_tie,
            "Aucune priorité du plan n'est à relier.",
            "relier",
        ),
        Sheet(
            "Priorités reliées",
            "À confirmer par le département\u00a0: la table se complète ou se remplace de même.",
            ("Priorité", "Critères et thèmes", "Référence", "Actions"),
            known,
            "Aucune priorité du plan n'est reliée.",
            "reliees",
        ),
    ]


def _tied_to(facing: Facing, row: Row) -> tuple[str, ...]:
    """Write what a priority is tied to; a criterion that is not applied here is said."""
    criteria = codes_of(row["criteria"])
    lines = [facing.criteria[code] for code in criteria if code in facing.criteria]
    idle = [code for code in criteria if code not in facing.criteria]
    lines += [f"thème «{NBSP}{facing.theme(code)}{NBSP}»" for code in codes_of(row["themes"])]
    return (*lines, *([f"non appliqués ici{NBSP}: {', '.join(idle)}"] if idle else []))


def actions_cell(facing: Facing, row: Row) -> Cell:
    """Write the actions of a row with their status, those in abeyance last."""
    codes = [*codes_of(row["actions"]), *codes_of(row["actions_suspended"])]
    lines = [facing.action(code) for code in codes[:_SHOWN]]
    if len(codes) > _SHOWN:
        lines.append(f"et {count(len(codes) - _SHOWN, 'autre action', 'autres actions')}")
    return Cell(tuple(lines) or ("–",))


def few(codes: Sequence[str]) -> str:
    """Write codes, the first ones where they are many."""
    text = ", ".join(plain_text(code) for code in codes[:_SHOWN])
    return text if len(codes) <= _SHOWN else f"{text} et {count(len(codes) - _SHOWN, 'autre')}"


def codes_of(cell: str) -> list[str]:
    """Return the codes that a cell holds."""
    return [code for code in cell.split(SEPARATOR) if code]


def records(table: pd.DataFrame) -> Iterable[Row]:
    """Return the rows of a table."""
    rows: list[Row] = table.to_dict("records")
    return rows
