"""What a yearly report proposes for the year after, and what the Conférence must decide."""

from __future__ import annotations

from sdaasp_geo.analysis import yearly
from sdaasp_geo.french import NBSP, count, listing
from sdaasp_geo.outputs.annexe_model import blank
from sdaasp_geo.outputs.yearly_model import (
    INTEGER,
    Cell,
    Column,
    Part,
    Row,
    Shown,
    Year,
    action_dates,
    action_name,
    lead_name,
    written_reason,
)

_TITLES = {
    yearly.LAUNCH: "Actions qui commencent",
    yearly.CONTINUE: "Actions qui se poursuivent",
    yearly.DECIDE: "Actions à décider",
    yearly.COMPLETE: "Actions dont l'état reste à préciser",
    yearly.LATER_ON: "Actions prévues plus tard",
}
_MANY_PLACES = 12


def programme_part(year: Year) -> Part:
    """Gather the proposals for the year after: each action of the plan is in one of them, or needs no follow-up."""
    tables = [_proposed(year, proposal) for proposal in _TITLES]
    closed = year.actions.loc[year.actions["proposal"] == yearly.NOTHING, "code"]
    texts = [
        "Propositions tirées des statuts et des dates du plan\u202f; la Conférence décide. "
        f"{count(len(closed), 'action')} sans suite à donner (réalisées, abandonnées ou reprises)"
        + (f"{NBSP}: {', '.join(closed)}." if len(closed) else ".")
    ]
    kept = tuple(table for table in tables if table.rows)
    title = f"Propositions pour le programme {year.year + 1}"
    return Part("programme", title, tuple(texts), (), (*kept, _to_complete(year), *_deficits(year)))


def _proposed(year: Year, proposal: str) -> Shown:
    own = year.actions[year.actions["proposal"] == proposal]
    deciding = proposal == yearly.DECIDE
    header = (
        Column("Action", width=3.6),
        Column("Porteur", width=1.7),
        Column("Dates", width=1.8),
        *((Column("Situation", width=1.8), Column("Raison écrite", width=2.2)) if deciding else ()),
        Column("Décision", width=1.8),
    )
    decision = blank("décision")
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            action_name(row),
            lead_name(row),
            action_dates(row),
            *((row["situation"], written_reason(row)) if deciding else ()),
            decision,
        )
        for row in own.to_dict("records")
    )
    title = f"{_TITLES[proposal]}{NBSP}: {count(len(rows), 'action')}"
    return Shown(f"proposition-{proposal.replace(' ', '-').replace('é', 'e')}", title, header, rows)


def _to_complete(year: Year) -> Shown:
    own = year.actions[year.actions["lacks"].map(len) > 0]
    rows = tuple((action_name(row), row["situation"], listing(row["lacks"])) for row in own.to_dict("records"))
    header = (Column("Action", width=4), Column("Situation", width=2), Column("Manque", width=2))
    return Shown(
        "a-completer",
        f"Actions à compléter{NBSP}: {count(len(rows), 'action')}",
        header,
        rows,
        f"Début ou fin{NBSP}: aucune date lue dans le plan, même si des mots l'évoquent.",
        "Toutes les actions à suivre ont un porteur, des dates, un statut et un territoire.",
    )


def _deficits(year: Year) -> tuple[Shown, ...]:
    if year.deficits is None:
        return ()
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (*(str(row[name]) for name in ("territory_name", "theme", "criterion", "state")), int(row["population"]))
        for row in year.deficits.to_dict("records")
    )
    header = (
        Column("Territoire", width=2.4),
        Column("Thème", width=1.6),
        Column("Critère", width=3),
        Column("Réponse", width=1.4),
        Column("Habitants", INTEGER),
    )
    note = f"Réponse suspendue{NBSP}: seules des actions abandonnées, bloquées ou en pause y répondent."
    empty = "Chaque déficit mesuré a au moins une action."
    return (Shown("deficits", "Déficits sans action", header, rows, note, empty),)


def decisions_part(year: Year) -> Part:
    """List what the Conférence decides, and what the plan and the governance leave open."""
    sizes = year.actions["proposal"].value_counts()
    launched = count(int(sizes.get(yearly.LAUNCH, 0)), "action")
    continued = int(sizes.get(yearly.CONTINUE, 0))
    items = [
        f"Arrêter le programme {year.year + 1}{NBSP}: {launched} à lancer, {continued} à poursuivre.",
    ]
    deciding = year.actions[year.actions["proposal"] == yearly.DECIDE]
    if len(deciding):
        codes = ", ".join(deciding["code"])
        what = "poursuivre, modifier, reporter ou abandonner"
        items.append(f"Pour {count(len(deciding), 'action')}, {what}{NBSP}: {codes}.")
    items += _requests(year)
    if year.deficits is not None and len(year.deficits):
        many = count(len(year.deficits), "déficit", "déficits")
        items.append(f"Répondre ou non à {many} sans action, par territoire et critère (voir le programme).")
    return Part("decisions", "Décisions à prendre", (), tuple(items), (_open_table(year),))


def _requests(year: Year) -> list[str]:
    """Return what is asked of partners and bodies."""
    items = []
    lacking = year.actions[year.actions["lacks"].map(len) > 0]
    if len(lacking):
        items.append(f"Compléter {count(len(lacking), 'action')}{NBSP}: {', '.join(lacking['code'])}.")
    owing = year.leads[year.leads["missing"] > 0]
    if len(owing):
        told = listing([_owed(row) for row in owing.to_dict("records")])
        items.append(f"Obtenir les contributions manquantes{NBSP}: {told}.")
    short = year.meetings[year.meetings["state"].isin([yearly.SHORT, yearly.NO_MEETING])]
    if len(short):
        told = listing([f"{row['nom']} ({_held(row)})" for row in short.to_dict("records")])
        items.append(f"Tenir les réunions prévues{NBSP}: {told}.")
    return items


def _held(row: Row) -> str:
    return f"{row['held'] or 'aucune consignée'} sur {int(row['expected'])}"


def _owed(row: Row) -> str:
    return f"{row['lead'] or 'porteur non renseigné'} ({', '.join(row['missing_codes'])})"


def _open_table(year: Year) -> Shown:
    rows = tuple((decision.document, decision.what, _places(decision.places)) for decision in year.programme.decisions)
    header = (Column("Où", width=1.6), Column("Ce qui manque ou reste à confirmer", width=3), Column("Pour", width=4))
    title = "Ce que le plan et la gouvernance laissent ouvert"
    return Shown("ouvert", title, header, rows, "", "Le plan et la gouvernance ne laissent rien ouvert.")


def _places(places: tuple[str, ...]) -> str:
    if len(places) > _MANY_PLACES:
        return f"{', '.join(places[:_MANY_PLACES])}… ({len(places)} en tout)"
    return ", ".join(places)
