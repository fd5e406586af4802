"""The yearly report for the Conférence départementale: what it says, part by part."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from sdaasp_geo import french
from sdaasp_geo.action_plan import ORIENTATION
from sdaasp_geo.analysis import yearly
from sdaasp_geo.analysis.reach import unreached
from sdaasp_geo.french import NBSP, count
from sdaasp_geo.outputs.headline import Figure, sources_line
from sdaasp_geo.outputs.yearly_figures import figures_part
from sdaasp_geo.outputs.yearly_model import (
    EUROS,
    INTEGER,
    SHARE,
    UNSAID,
    Cell,
    Column,
    Document,
    Part,
    Row,
    Shown,
    Year,
    action_dates,
    action_name,
    euros,
    known,
    label_of,
    lead_name,
    names_of,
    tidied,
    written_reason,
)
from sdaasp_geo.outputs.yearly_programme import decisions_part, programme_part

_GROUP_NOTES = {
    "Réalisées": "Une action compte dans l'année de sa fin ou, faute de fin lue, de son dernier bilan.",
    yearly.HARD: "En retard, bloquées, en pause, ou que leurs dates disent dépassées.",
}
_DONE_WORDS = ("action réalisée dans l'année", "actions réalisées dans l'année")


def report_document(year: Year) -> Document:
    """Gather what the yearly report says.

    Parameters
    ----------
    year : Year
        The scheme and its tables of the year.

    Returns
    -------
    Document
        Every action of the plan is in one row of one table of the part « actions ».
    """
    scheme = year.study.scheme
    parts = (
        _brief(year),
        _actions(year),
        _contributions(year),
        figures_part(year),
        _meetings(year),
        _budget(year),
        programme_part(year),
        decisions_part(year),
    )
    return tidied(
        Document(
            title=f"Bilan annuel {year.year}",
            subtitle=f"{scheme.nom}. Document préparé pour la Conférence départementale. Édition du "
            f"{french.date(scheme.edition)}.",
            label=label_of(year.study),
            edition=scheme.edition.isoformat(),
            figures=_headlines(year),
            parts=parts,
            notes=_notes(year),
            sources=sources_line(year.study),
        )
    )


def _size(year: Year, column: str, value: str) -> int:
    return int((year.actions[column] == value).sum())


def _headlines(year: Year) -> tuple[Figure, ...]:
    whole = len(year.actions)
    done, underway = _size(year, "situation", yearly.DONE), _size(year, "group", "En cours")
    hard, missing = _size(year, "group", yearly.HARD), _size(year, "contribution", yearly.MISSING)
    figures = [
        Figure(str(done), f"{_DONE_WORDS[done > 1]}, sur {count(whole, 'action')} du plan"),
        Figure(str(underway), "en cours dans l'année"),
        Figure(str(hard), "en difficulté (en retard, bloquées, en pause)"),
        Figure(str(missing), "contribution manquante" if missing < 2 else "contributions manquantes"),  # noqa: PLR2004
    ]
    spent = year.budget["spent_eur"].sum(min_count=1)
    if not pd.isna(spent):
        figures.append(Figure(euros(spent), f"dépensés en {year.year}, d'après les actions qui le disent"))
    return tuple(figures)


def _brief(year: Year) -> Part:
    counted = yearly.count_situations(year.actions)
    rows = [
        *((str(row["group"]), str(row["situation"]), int(row["actions"])) for row in counted.to_dict("records")),
        ("Ensemble", "", int(counted["actions"].sum())),
    ]
    situations = Shown(
        "situations",
        "Les actions par situation",
        (Column("Groupe", width=1.5), Column("Situation", width=4), Column("Actions", INTEGER)),
        tuple(row for row in rows if row[2]),
        "Chaque action du plan a une situation et une seule\u202f; celles qu'aucune action n'a ne sont pas montrées.",
        "Le plan n'a aucune action.",
        total=True,
    )
    return Part("bref", "L'année en bref", _sentences(year), (), (situations, _by_orientation(year)))


def _sentences(year: Year) -> tuple[str, ...]:
    unsaid = _size(year, "situation", yearly.UNSAID)
    source = (
        f"Les faits de l'année {year.year} viennent du plan d'actions et de la gouvernance du schéma, tels qu'ils sont "
        "remplis. Ce qu'aucun fichier ne dit reste en blanc."
    )
    texts = [source]
    if unsaid:
        texts.append(f"Le statut de {count(unsaid, 'action')} n'est pas renseigné.")
    return tuple(texts)


def _by_orientation(year: Year) -> Shown:
    titles = names_of(year.programme, ORIENTATION)
    counted = yearly.count_by_orientation(year.actions, list(titles))
    groups = [*yearly.GROUPS, "actions"]
    rows: list[tuple[Cell, ...]] = [
        (_orientation(row["orientation"], titles), *(int(row[group]) for group in groups))
        for row in counted.to_dict("records")
    ]
    rows.append(("Ensemble", *(int(counted[group].sum()) for group in groups)))
    header = (Column("Orientation", width=3.2), *(Column(group.capitalize(), INTEGER) for group in groups))
    return Shown("orientations", "Les actions par orientation", header, tuple(rows), total=True)


def _orientation(code: str, titles: Mapping[str, str]) -> str:
    return f"{code}. {titles[code]}" if code else "Orientation non dite"


def _actions(year: Year) -> Part:
    tables = tuple(_group(year, group) for group in yearly.GROUPS)
    return Part("actions", "Les actions, une à une", tables=tuple(table for table in tables if table.rows))


def _group(year: Year, group: str) -> Shown:
    own = year.actions[year.actions["group"] == group]
    order = {situation: rank for rank, situation in enumerate(yearly.GROUPS[group])}
    own = own.assign(_rank=own["situation"].map(order)).sort_values("_rank", kind="stable")
    header = (
        Column("Action", width=3.2),
        Column("Porteur", width=2.05),
        Column("Situation", width=1.8),
        Column("Dates", width=1.7),
        Column("Avancement", SHARE, 1.65),
        Column("Dernier bilan", width=1.5),
        Column("Raison écrite" if group == yearly.HARD else "Ce qui est écrit", width=2),
    )
    rows = tuple(_action_row(row) for row in own.to_dict("records"))
    note = _GROUP_NOTES.get(group, "")
    return Shown(f"actions-{french_key(group)}", f"{group}{NBSP}: {count(len(rows), 'action')}", header, rows, note)


def french_key(group: str) -> str:
    """Return the identifier of a group of actions, in plain letters."""
    return {"Réalisées": "realisees", yearly.HARD: "en-difficulte", "Arrêtées": "arretees"}.get(
        group, {"À venir": "a-venir", "À préciser": "a-preciser"}.get(group, "en-cours")
    )


def _action_row(row: Row) -> tuple[Cell, ...]:
    progress = known(row["progress_pct"])
    return (
        action_name(row),
        lead_name(row),
        row["situation"],
        action_dates(row),
        None if progress is None else progress / 100,
        row["dernier_bilan"] or UNSAID,
        written_reason(row),
    )


def _contributions(year: Year) -> Part:
    owing = year.leads[year.leads["missing"] > 0]
    rows = [
        (
            row["lead"] or "Porteur non renseigné",
            int(row["missing"]),
            ", ".join(f"{code} ({why})" for code, why in zip(row["missing_codes"], row["reasons"], strict=True)),
            int(row["received"]),
            int(row["actions"]),
        )
        for row in owing.to_dict("records")
    ]
    header = (
        Column("Partenaire", width=2.2),
        Column("Manquantes", INTEGER),
        Column("Actions concernées", width=3.5),
        Column("Reçues", INTEGER, 0.8),
        Column("Actions portées", INTEGER, 0.9),
    )
    sizes = {state: _size(year, "contribution", state) for state in (yearly.RECEIVED, yearly.NOT_DUE, yearly.MISSING)}
    text = (
        f"Une contribution est reçue quand le dernier bilan de l'action est daté de {year.year} ou d'après. "
        f"{count(sizes[yearly.RECEIVED], 'reçue')}, {count(sizes[yearly.MISSING], 'manquante')}, "
        f"{sizes[yearly.NOT_DUE]}{NBSP}sans objet (action à venir, à discuter, arrêtée, ou réalisée avant l'année)."
    )
    shown = Shown(
        "contributions",
        "Contributions manquantes par partenaire",
        header,
        tuple(rows),
        "Une action à plusieurs porteurs compte pour chacun.",
        "Aucune contribution ne manque.",
    )
    return Part("contributions", "Contributions des partenaires", (text,), (), (shown,))


def _meetings(year: Year) -> Part:
    rows = tuple(
        (
            row["nom"],
            int(row["held"]) or None,
            known(row["expected"]),
            row["state"],
            ", ".join(row["dates"]) or UNSAID,
            int(row["undated"]),
        )
        for row in year.meetings.to_dict("records")
    )
    header = (
        Column("Instance", width=3),
        Column("Tenues", INTEGER),
        Column("Prévues au moins", INTEGER),
        Column("État", width=1.5),
        Column("Dates", width=2.5),
        Column("Sans date lue", INTEGER),
    )
    note = "Seules comptent les réunions consignées. Une instance locale est attendue dans chacun de ses territoires."
    empty = "La gouvernance du schéma ne nomme aucune instance."
    table = Shown("reunions", f"Réunions tenues en {year.year}", header, rows, note, empty)
    return Part("reunions", "Réunions des instances", tables=(table,))


def _budget(year: Year) -> Part:
    table = year.budget
    names = {row["code"]: action_name(row) for row in year.actions.to_dict("records")}
    own = table[table[["planned_eur", "spent_eur"]].notna().any(axis="columns")]
    rows: list[tuple[Cell, ...]] = [
        (names[row["code"]], known(row["planned_eur"]), known(row["spent_eur"])) for row in own.to_dict("records")
    ]
    if rows:
        rows.append(("Ensemble", *(known(own[column].sum(min_count=1)) for column in ("planned_eur", "spent_eur"))))
    header = (Column("Action", width=5), Column("Prévu (€)", EUROS, 1.2), Column("Dépensé (€)", EUROS, 1.2))
    shown = Shown(
        "budget",
        f"Budget de {year.year} par action",
        header,
        tuple(rows),
        f"«{NBSP}{UNSAID}{NBSP}»{NBSP}: montant non dit, compté dans aucun total.",
        f"Aucune action ne dit de montant pour {year.year}.",
        total=True,
    )
    return Part("budget", "Budget", (), _budget_items(year, own), (shown,))


def _budget_items(year: Year, own: pd.DataFrame) -> tuple[str, ...]:
    """Say what the totals leave out."""
    table = year.budget
    silent = own[own["planned_eur"].notna() & own["spent_eur"].isna()]
    undated = table[table[["undated_planned_eur", "undated_spent_eur"]].notna().any(axis="columns")]
    unread = table[table["unread"] != ""]
    items = []
    if len(silent):
        codes = ", ".join(silent["code"])
        items.append(
            f"{count(len(silent), 'action a', 'actions ont')} un budget prévu et aucune dépense dite ({codes})."
        )
    if len(undated):
        sums = " ; ".join(
            f"{row['code']}{NBSP}: {_pair(row['undated_planned_eur'], row['undated_spent_eur'])}"
            for row in undated.to_dict("records")
        )
        items.append(f"Montants sans année, hors des totaux{NBSP}: {sums}.")
    items += [
        f"Montant non lu pour l'action {row['code']}{NBSP}: «{NBSP}{row['unread']}{NBSP}»."
        for row in unread.to_dict("records")
    ]
    return tuple(items)


def _pair(planned: float, spent: float) -> str:
    said = [(planned, "prévus"), (spent, "dépensés")]
    return ", ".join(f"{euros(amount)} {word}" for amount, word in said if not pd.isna(amount))


def _notes(year: Year) -> tuple[str, ...]:
    """Return what the reader must know: actions that reach no EPCI, notes of the plan, of the comparison."""
    programme = year.programme
    nowhere = unreached(programme.actions, programme.territories, programme.reach)
    notes = [
        f"{count(len(own), 'action')}, {reason}{NBSP}: sur aucune page de Journée ({', '.join(own['code'])})."
        for reason, own in nowhere.groupby("reason")
    ]
    return (*notes, *programme.notes, *(year.comparison.notes if year.comparison else ()))
