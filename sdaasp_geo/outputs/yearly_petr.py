"""The page of each PETR for its Journée des services, and that of the communes of no PETR: nothing disappears."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import pandas as pd

from sdaasp_geo import french
from sdaasp_geo.action_plan import MEETING
from sdaasp_geo.analysis import yearly
from sdaasp_geo.analysis.coverage import NO_TERRITORY, PARTS
from sdaasp_geo.analysis.governance_indicators import meetings
from sdaasp_geo.french import NBSP, count, listing
from sdaasp_geo.outputs.annexe_model import blank
from sdaasp_geo.outputs.headline import Figure, headline_rules, sources_line
from sdaasp_geo.outputs.yearly_figures import NO_BEFORE, access_table, change_sentences, method_sentence
from sdaasp_geo.outputs.yearly_model import (
    SHARE,
    Cell,
    Column,
    Document,
    Part,
    Shown,
    Year,
    action_dates,
    action_name,
    label_of,
    lead_name,
    shown,
    tidied,
)
from sdaasp_geo.parameters import service_names

OUTSIDE_STEM = "hors-petr"
_TOWN_HALL = "mairie"
_CLOSED = (yearly.DONE_BEFORE, yearly.DROPPED, yearly.MERGED)


@dataclass(frozen=True)
class Place:
    """The territory of a page.

    Attributes
    ----------
    code, name : str
        Of the PETR; `NO_TERRITORY` for the communes of the département that are in none.
    communes : frozenset of str
        Its communes, in every département for a PETR.
    """

    code: str
    name: str
    communes: frozenset[str]


def places_of(year: Year) -> list[Place]:
    """List the territories: each PETR, then the communes of the département that are in none."""
    study = year.study
    members = study.petr_members
    found = [
        Place(row["petr"], row["name"], frozenset(members.loc[members["petr"] == row["petr"], "code"]))
        for row in study.petr.to_dict("records")
    ]
    inside = study.communes.loc[study.communes["inside"], "code"]
    left = frozenset(inside) - frozenset(members["code"])
    if left:
        found.append(Place(NO_TERRITORY, "Communes hors de tout PETR", left))
    return found


def day_document(year: Year, place: Place) -> Document:
    """Gather what the page of a Journée des services says.

    Parameters
    ----------
    year : Year
        The scheme and its tables of the year.
    place : Place
        From `places_of`.

    Returns
    -------
    Document
        One or two pages of A4: territory, services, access, actions that reach it, what changed, questions.
    """
    communes = year.study.communes
    own = communes[communes["code"].isin(place.communes)]
    parts = (
        _territory(year, place, own),
        _services(year, place),
        Part(
            "acces",
            "Temps d'accès",
            (method_sentence(year),),
            tables=(access_table(year, level="petr", territory=place.code),),
        ),
        _actions(year, own),
        _changes(year, place, own),
        _questions(year, place, own),
    )
    return tidied(
        Document(
            title=f"Journée des services au public {year.year}",
            subtitle=f"{place.name}. {year.study.scheme.nom}.",
            label=label_of(year.study),
            edition=year.study.scheme.edition.isoformat(),
            figures=_headlines(year, place, own),
            parts=parts,
            notes=(),
            sources=sources_line(year.study),
        )
    )


def _headlines(year: Year, place: Place, own: pd.DataFrame) -> tuple[Figure, ...]:
    figures = [
        Figure(french.number(int(own["population"].fillna(0).sum())), f"habitants dans {count(len(own), 'commune')}")
    ]
    rules = headline_rules(year.study)[:1]
    coverage = year.measures.coverage
    for rule in rules:
        rows = coverage[
            (coverage["level"] == "petr")
            & (coverage["territory"] == place.code)
            & (coverage["part"] == PARTS[0])
            & (coverage["rule"] == rule.code)
        ]
        label = service_names(year.study.parameters, rule.service).label
        figures += [
            Figure(shown(share, SHARE), f"à {french.threshold(rule.threshold_min)} au plus ({label})")
            for share in rows["share_within"]
        ]
    reaching = year.actions[year.actions["code"].isin(_reach(year, own)["code"])]
    underway = int((reaching["group"] == "En cours").sum())
    noun = "actions" if len(reaching) > 1 else "action"
    return (*figures, Figure(str(len(reaching)), f"{noun} du schéma, dont {underway} en cours"))


def _territory(year: Year, place: Place, own: pd.DataFrame) -> Part:
    """Name the EPCI of the territory, with the part of each that it holds."""
    holders = own["epci"].fillna("").value_counts()
    known = dict(zip(year.study.epci["siren"], year.study.epci["name"], strict=True))
    known |= dict(zip(year.study.neighbours["siren"], year.study.neighbours["name"], strict=True))
    sizes = dict(zip(year.study.epci["siren"], year.study.epci["communes"], strict=True))
    items = []
    for siren, size in sorted(holders.items(), key=lambda pair: str(known.get(str(pair[0]), ""))):
        name = known.get(str(siren), f"EPCI {siren}" if siren else "communes sans EPCI")
        whole = sizes.get(siren)
        part = f"{size} de ses {whole} communes" if whole and whole != size else count(int(size), "commune")
        named = own.loc[own["epci"].fillna("") == siren, "name"]
        few = f"{NBSP}: {listing(french.in_order(named))}" if len(named) <= 3 else ""  # noqa: PLR2004 - named when few
        items.append(f"{name}, {part}{few}.")
    outside = own[~own["inside"]]
    if len(outside):
        people = french.number(int(outside["population"].fillna(0).sum()))
        items.append(f"Hors du département{NBSP}: {count(len(outside), 'commune')}, {people} habitants.")
    return Part("territoire", place.name, (), tuple(items))


def _services(year: Year, place: Place) -> Part:
    """List the places of the measured services; town halls, one in each commune, are counted."""
    points = year.study.points
    own = points[points["code_commune"].isin(place.communes)]
    listed = own[own["service"].isin(year.study.scheme.mesure.services) & (own["service"] != _TOWN_HALL)]
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            service_names(year.study.parameters, row["service"]).label,
            row["commune"],
            row["nom"],
            "permanent" if row["permanent"] else row["format"] or "non permanent",
        )
        for row in listed.sort_values(["service", "commune", "nom"], kind="stable").to_dict("records")
    )
    others = own[~own.index.isin(listed.index)]["service"].value_counts().sort_index()
    texts = [
        f"{service_names(year.study.parameters, str(service)).label}{NBSP}: {count(int(size), 'lieu', 'lieux')}."
        for service, size in others.items()
    ]
    header = (Column("Service", width=1.4), Column("Commune", width=1.8), Column("Lieu", width=4), Column("Présence"))
    table = Shown("services", f"{count(len(rows), 'lieu', 'lieux')} d'accueil", header, rows, "", "Aucun lieu connu.")
    return Part("services", "Services présents", tuple(texts), (), (table,))


def _reach(year: Year, own: pd.DataFrame) -> pd.DataFrame:
    """Return the ways by which actions reach the EPCI of a territory, the closest of each action."""
    reach = year.programme.reach
    here = reach[reach["siren"].isin(set(own["epci"].dropna()))]
    rank = here["level"].map({"epci": 0, "commune": 1, "petr": 2}).fillna(3)
    return here.assign(_rank=rank).sort_values(["code", "_rank"], kind="stable").drop_duplicates("code")


def _actions(year: Year, own: pd.DataFrame) -> Part:
    via = _reach(year, own).set_index("code")["via"]
    reaching = year.actions[year.actions["code"].isin(via.index)]
    followed = reaching[~reaching["situation"].isin(_CLOSED)]
    names = dict(zip(year.study.epci["siren"], year.study.epci["name"], strict=True))
    reach = year.programme.reach
    here = reach[reach["siren"].isin(set(own["epci"].dropna())) & (reach["level"] == "epci")]
    told = here.groupby("code")["siren"].agg(lambda sirens: listing([names.get(one, one) for one in sirens]))
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            action_name(row),
            lead_name(row),
            row["situation"],
            action_dates(row),
            str(told.get(row["code"], via[row["code"]])) if via[row["code"]] == "EPCI nommé" else via[row["code"]],
        )
        for row in followed.to_dict("records")
    )
    header = (
        Column("Action", width=3.6),
        Column("Porteur", width=1.5),
        Column("Situation", width=1.6),
        Column("Dates", width=1.6),
        Column("Pour", width=1.8),
    )
    closed = reaching.loc[reaching["situation"].isin(_CLOSED), "code"]
    left = f"Non reprises ici (réalisées avant, abandonnées ou reprises){NBSP}: {', '.join(closed)}."
    note = left if len(closed) else ""
    empty = "Aucune action du plan ne nomme ce territoire."
    table = Shown("actions", f"{count(len(rows), 'action')} à suivre", header, rows, note, empty)
    return Part("actions", "Actions du schéma sur le territoire", (), (), (table,))


def _changes(year: Year, place: Place, own: pd.DataFrame) -> Part:
    """Say what changed: actions done in the year, places that opened or closed, access explained."""
    reaching = year.actions[year.actions["code"].isin(_reach(year, own)["code"])]
    done = reaching[reaching["situation"] == yearly.DONE]
    items = [f"Action réalisée en {year.year}{NBSP}: {action_name(row)}." for row in done.to_dict("records")]
    if year.comparison is None:
        return Part("changements", "Ce qui a changé", (NO_BEFORE,), tuple(items))
    items += _changed_places(year, own["name"], set(own["departement"]))
    items += change_sentences(year, level="petr", territory=place.code)
    return Part("changements", "Ce qui a changé", (), tuple(items))


def _changed_places(year: Year, communes: Collection[str], departements: Collection[str]) -> list[str]:
    if year.comparison is None:
        return []
    places = year.comparison.places
    here = places[places["place_commune"].isin(set(communes)) & places["place_departement"].isin(set(departements))]
    return [
        f"{row['place_name']} ({row['place_commune']}){NBSP}: {row['place_change']}." for row in here.to_dict("records")
    ]


def _questions(year: Year, place: Place, own: pd.DataFrame) -> Part:
    """Ask the inhabitants about what the figures and the plan show of their territory."""
    items = [
        "Quel service vous manque le plus, et où vous rendez-vous aujourd'hui pour l'obtenir\u202f?",
        "Les jours et les heures d'ouverture vous conviennent-ils\u202f?",
        *_access_questions(year, own),
        *_action_questions(year, own),
        "Comment vous y rendez-vous, et que faites-vous quand vous ne pouvez pas conduire\u202f?",
        "Avez-vous manqué d'aide, cette année, pour une démarche en ligne\u202f?",
    ]
    held = _held(year, place)
    day = listing(held) if held else blank("date et lieu")
    texts = (f"Journée de {year.year}{NBSP}: {day}. Besoins nouveaux{NBSP}: {blank('notes')}.",)
    return Part("questions", "Questions aux habitants", texts, tuple(item.replace(" ?", f"{NBSP}?") for item in items))


def _held(year: Year, place: Place) -> list[str]:
    """Return the dates, as written, of the meetings of the year that name this territory."""
    named = year.programme.territories
    here = named[
        (named["table"] == "gouvernance")
        & (named["kind"] == MEETING)
        & (named["territory_code"] == place.code)
        & (named["reason"] == "")
    ]
    listed = meetings(year.programme.bodies, named)
    own = listed[listed["code"].isin(set(here["code"])) & (listed["year"] == year.year).fillna(value=False)]
    return list(own["words"])


def _access_questions(year: Year, own: pd.DataFrame) -> list[str]:
    """Ask the communes that are beyond a threshold, or may be."""
    access = year.measures.access
    far = access[access["code"].isin(own["code"]) & ((access["rule"] != "") | access["to_check"])]
    questions = []
    for service in dict.fromkeys(far["service"]):
        codes = far.loc[far["service"] == service, "code"]
        names = french.in_order(own.loc[own["code"].isin(codes), "name"])
        label = service_names(year.study.parameters, str(service)).label
        told = ", ".join(names[:6]) + (f"… ({count(len(names), 'commune')})" if len(names) > 6 else "")  # noqa: PLR2004
        questions.append(f"Le temps estimé vers le lieu le plus proche ({label}) est-il le vôtre{NBSP}: {told} ?")
    return questions


def _action_questions(year: Year, own: pd.DataFrame) -> list[str]:
    reaching = year.actions[year.actions["code"].isin(_reach(year, own)["code"])]
    hard = list(reaching.loc[reaching["group"] == yearly.HARD, "code"])
    questions = []
    if hard:
        told = f"Les actions {listing(hard)} n'avancent" if len(hard) > 1 else f"L'action {hard[0]} n'avance"
        questions.append(f"{told} pas comme prévu{NBSP}: que faut-il en faire\u202f?")
    following = reaching.loc[reaching["proposal"] == yearly.LAUNCH, "code"]
    if len(following):
        told = f"Parmi les actions qui commencent en {year.year + 1} ({', '.join(following)})"
        questions.append(f"{told}, laquelle est la plus utile\u202f?")
    return questions
