"""Part 3 of an annex: who is served across a border, by whom, at what gain, and the counters that are competent."""

from __future__ import annotations

import math

import pandas as pd

from sdaasp_geo.analysis.border import ALL_OPERATORS, border_exchanges
from sdaasp_geo.analysis.coverage import NO_TERRITORY
from sdaasp_geo.french import NBSP, count, listing, minutes, number, percent, threshold
from sdaasp_geo.outputs.annexe_access import weighted
from sdaasp_geo.outputs.annexe_model import Table, Texts
from sdaasp_geo.outputs.annexe_scope import MANY, NONE, WHOLE, Row, Scope, people
from sdaasp_geo.parameters import number_setting, words_setting
from sdaasp_geo.study import Diagnosis
from sdaasp_geo.travel.engine import REACHED

_BALANCE = (
    *("population_own_epci", "population_other_epci", "population_other_departement", "population_not_reached"),
    *("population_own_epci_other_departement", "population_only_outside_epci", "saved_epci_min"),
    "population_served_from_outside",
)
_PENALTY = ("population_penalised", "population_assumed", "population_not_measured", "mean_min", "p90_min", "max_min")
_MOST = MANY


def border_sentences(scope: Scope) -> tuple[str, ...]:
    """Say how many inhabitants cross a border to reach the main service, and the minutes they save."""
    figures = border_figures(scope)
    service = scope.service(scope.main)
    if not figures["population"]:
        return ()
    away, total = figures["other_epci"], figures["population"]
    subject = service.nearest[0].upper() + service.nearest[1:]
    if not away:
        return (f"{subject} est dans l'EPCI pour tous les habitants mesurés.",)
    farther = figures["other_departement"]
    beyond = f", et dans un autre département pour {people(farther)} ({percent(farther / total)})" if farther else ""
    texts = [f"{subject} est dans un autre EPCI pour {people(away)} ({percent(away / total)}){beyond}."]
    if figures["crossing"]:
        saved = ""
        if not math.isnan(figures["saved_min"]):
            gain = minutes(figures["saved_min"], digits=1)
            saved = f" Ils y gagnent en moyenne {gain} par rapport au lieu le plus proche du département."
        crossing = number(figures["crossing"])
        texts.append(
            f"Parmi les habitants du département, {crossing} ont leur lieu le plus proche hors de celui-ci.{saved}"
        )
    return tuple(texts)


def border_figures(scope: Scope) -> dict[str, float]:
    """Return inhabitants whose nearest place of the main service is elsewhere, and minutes saved."""
    access = scope.of_service(scope.main)
    reached = access[access["reason"] == REACHED]
    population = reached["population"]
    elsewhere = reached["place_departement"] != reached["departement"]
    crossing = reached[reached["inside"] & elsewhere & (population > 0)]
    return {
        "population": float(population.sum()),
        "other_epci": float(population[reached["place_epci"] != scope.siren].sum()),
        "other_departement": float(population[elsewhere].sum()),
        "crossing": float(crossing["population"].sum()),
        "saved_min": weighted(crossing["saved_min"], crossing["population"], "mean_min"),
    }


def balance_table(scope: Scope) -> Table:
    """Return the inhabitants served in their EPCI, in another, in another département, and those who come."""
    rows = []
    for service in scope.shared_services:
        rows += [
            (label, *_balance_cells(row))
            for label, part, departement in scope.sides(scope.service(service).label)
            for row in _balance(scope, service, part, departement=departement)
        ]
    return Table(
        title=f"De part et d'autre des limites{NBSP}: où est le lieu le plus proche des habitants",
        header=(
            *("Service et territoire", "Dans leur EPCI", "Autre EPCI, même département"),
            *("Autre EPCI, autre département", "Non atteint", "Minutes gagnées", "Habitants venus d'ailleurs"),
        ),
        rows=tuple(rows),
        note=(
            f"En nombre d'habitants. Minutes gagnées{NBSP}: moyenne de ceux qui vont dans un autre EPCI, par rapport "
            f"au lieu le plus proche du leur. Venus d'ailleurs{NBSP}: habitants d'autres territoires (EPCI du "
            "département et leurs voisins) dont le lieu le plus proche est ici."
            + (f" Entre parenthèses{NBSP}: lieu de leur EPCI, dans un autre département." if scope.straddles else "")
        ),
    )


def _balance(scope: Scope, service: str, part: str, *, departement: bool = False) -> list[Row]:
    return scope.found("balance", part, departement=departement, service=service, operator=ALL_OPERATORS)


def _balance_cells(row: Row) -> Texts:
    own = number(row["population_own_epci"])
    if row["population_own_epci_other_departement"]:
        own += f" ({number(row['population_own_epci_other_departement'])})"
    counts = [number(row[name]) for name in _BALANCE[1:4]]
    won = NONE if math.isnan(row["saved_epci_min"]) else number(row["saved_epci_min"], digits=1)
    if row["population_only_outside_epci"]:
        won += f" ({number(row['population_only_outside_epci'])} sans lieu à portée dans l'EPCI)"
    return own, *counts, won, number(row["population_served_from_outside"])


def exchanges_table(scope: Scope) -> Table:
    """Return the EPCI with which inhabitants are exchanged, the most first, and what there is to negotiate."""
    diagnosis = scope.diagnosis
    found = _exchanges(scope, diagnosis) if diagnosis else pd.DataFrame()
    cases = _cases(scope, diagnosis) if diagnosis else pd.DataFrame()
    rows = []
    for row in found.head(_MOST).to_dict("records"):
        label = scope.epci_name(None if row["neighbour"] == NO_TERRITORY else row["neighbour"])
        if len(scope.shared_services) > 1:
            label += f"{NBSP}– {scope.service(str(row['service'])).label}"
        rows.append((label, *_way(row, "out"), *_way(row, "in"), _to_negotiate(scope, cases, row)))
    rest = found.iloc[_MOST:]
    note = (
        f"Minutes gagnées{NBSP}: en moyenne, par rapport au lieu le plus proche du territoire d'origine. À "
        f"négocier{NBSP}: communes qui gagneraient {_least(scope)} ou plus si leur guichet compétent devenait leur "
        "guichet le plus proche, chez l'autre."
    )
    if len(rest):
        more = people(rest["population_out"].sum() + rest["population_in"].sum())
        note += f" {count(len(rest), 'autre échange', 'autres échanges')} ({more}) dans le classeur."
    return Table(
        title="Échanges d'habitants avec les autres EPCI et zones d'intervention à négocier",
        header=(
            *("Autre EPCI", "Habitants d'ici servis là-bas", "Minutes gagnées"),
            *("Habitants de là-bas servis ici", "Minutes gagnées", "À négocier"),
        ),
        rows=tuple(rows),
        note=note,
        empty="Aucun habitant n'est échangé avec un autre EPCI pour les services mesurés."
        if diagnosis and scope.shared_services
        else "",
    )


def _least(scope: Scope) -> str:
    return threshold(number_setting(scope.study.parameters, "gain-negociation-min"))


def _exchanges(scope: Scope, diagnosis: Diagnosis) -> pd.DataFrame:
    """Return the exchanges of the EPCI, the most inhabitants first."""
    pairs = diagnosis.exchanges
    if pairs.empty:
        return pairs
    pairs = pairs[(pairs["level"] == "epci") & (pairs["operator"] == ALL_OPERATORS)]
    table = border_exchanges(pairs, territory=scope.siren)
    total = table["population_out"] + table["population_in"]
    order = table.assign(order=-total, service=pd.Categorical(table["service"], categories=scope.services))
    return order.sort_values(["service", "order", "neighbour"], ignore_index=True)


def _way(row: Row, way: str) -> Texts:
    size, won = row[f"population_{way}"], row[f"saved_{way}_min"]
    return number(size), NONE if math.isnan(won) else number(won, digits=1)


def _cases(scope: Scope, diagnosis: Diagnosis) -> pd.DataFrame:
    """Return commune × operator of the EPCI, or served by it, that would win by moving to their nearest counter."""
    table = diagnosis.competence
    if table.empty:
        return table
    table = table.assign(
        home=table["epci"].fillna(NO_TERRITORY).astype("str"),
        host=table["nearest_place_epci"].fillna(NO_TERRITORY).astype("str"),
    )
    ours = (table["home"] == scope.siren) | (table["host"] == scope.siren)
    least = number_setting(scope.study.parameters, "gain-negociation-min")
    worth = table["penalty_min"].isna() | (table["penalty_min"] >= least)
    return table[ours & worth & (table["nearest_reason"] == REACHED)]


def _to_negotiate(scope: Scope, cases: pd.DataFrame, row: Row) -> str:
    """Say how many communes of both sides would win, and how much."""
    if cases.empty:
        return NONE
    own = cases[cases["service"] == row["service"]]
    ways = (("d'ici", scope.siren, row["neighbour"]), ("de là-bas", row["neighbour"], scope.siren))
    texts = [
        f"{count(len(group), 'commune')} {whose} ({_gain(group)})"
        for whose, home, host in ways
        if len(group := own[(own["home"] == home) & (own["host"] == host)])
    ]
    return listing(texts) or NONE


def _gain(cases: pd.DataFrame) -> str:
    """Write the inhabitants of some cases and what they would win."""
    known = cases[cases["penalty_min"].notna()]
    who = people(cases["population"].sum())
    if known.empty:
        return f"{who}, gain non connu"
    won = minutes(weighted(known["penalty_min"], known["population"], "mean_min"), digits=1)
    return f"{who}, {won} en moyenne"


def negotiation_sentences(scope: Scope) -> Texts:
    """Say what moving the areas of operators would win, and on which assumption."""
    if scope.diagnosis is None or scope.diagnosis.competence.empty:
        return ()
    cases = _cases(scope, scope.diagnosis)
    out = cases[(cases["home"] == scope.siren) & (cases["host"] != scope.siren)]
    come = cases[cases["home"] != scope.siren]
    within = cases[(cases["home"] == scope.siren) & (cases["host"] == scope.siren)]
    told = (
        (out, "de l'EPCI", f"un guichet {_neighbours(scope, out['host'])}"),
        (come, _neighbours(scope, come["home"]), "un guichet de l'EPCI"),
        (within, "de l'EPCI", "un autre guichet de l'EPCI que celui qui est compétent ou supposé l'être"),
    )
    texts = [
        f"{count(len(group), f'commune {whose}', f'communes {whose}')} ({_gain(group)}) "
        f"{'gagnerait' if len(group) == 1 else 'gagneraient'} {_least(scope)} ou plus à relever d'{counter}."
        for group, whose, counter in told
        if len(group)
    ]
    nothing = (
        f"Aucune commune, d'ici ou d'un voisin, ne gagnerait {_least(scope)} ou plus à changer de guichet compétent."
    )
    return tuple(texts) or (nothing,)


def _neighbours(scope: Scope, sirens: pd.Series) -> str:
    """Write « du voisin » or « des voisins », and their names in order."""
    names = sorted({scope.epci_name(None if siren == NO_TERRITORY else siren) for siren in sirens})
    return f"{'du voisin' if len(names) == 1 else 'des voisins'} {listing(names)}"


def penalty_table(scope: Scope) -> Table:
    """Return the administrative penalty: minutes lost because the competent counter is not the nearest."""
    rows = [
        (label, *_penalty_cells(row))
        for service, operator in _counters(scope)
        for label, part, departement in scope.sides(_counter_label(scope, service, operator))
        for row in _penalties(scope, service, operator, part, departement=departement)
    ]
    return Table(
        title=f"Guichet compétent et guichet le plus proche{NBSP}: pénalité administrative",
        header=(
            *("Service et territoire", "Habitants pénalisés", "Part", "Pénalité moyenne", "90 % des habitants"),
            *("Maximum", "Guichet supposé", "Non mesurés"),
        ),
        rows=tuple(rows),
        note=_penalty_note(scope),
    )


def _penalty_note(scope: Scope) -> str:
    """Define the penalty, and say that it is an assumption where no area was given."""
    note = (
        f"Pénalité{NBSP}: minutes jusqu'au guichet compétent, moins minutes jusqu'au guichet le plus proche du même "
        f"opérateur\u202f; moyenne de tous les habitants. Guichet supposé{NBSP}: habitants dont la zone d'intervention "
        "de l'opérateur n'est pas connue\u202f; par hypothèse, leur guichet compétent est le plus proche de leur "
        "département, à confirmer avec chaque opérateur."
    )
    shared = set(words_setting(scope.study.parameters, "services-en-reseau")) & set(scope.shared_services)
    if shared:
        label = listing([scope.service(service).label for service in scope.shared_services if service in shared])
        note += (
            f" {label}{NBSP}: réseau dont tout lieu accueille tout public\u202f; la pénalité y est ce que coûterait "
            "une organisation fermée au département."
        )
    return note


def _counters(scope: Scope) -> list[tuple[str, str]]:
    """Return the services and their operators that have a penalty in the EPCI."""
    found = [row for service in scope.shared_services for row in _penalties(scope, service, None, WHOLE)]
    return [(str(row["service"]), str(row["operator"])) for row in found]


def _penalties(scope: Scope, service: str, operator: str | None, part: str, *, departement: bool = False) -> list[Row]:
    keys = {"service": service} if operator is None else {"service": service, "operator": operator}
    return scope.found("penalty", part, departement=departement, **keys)


def _counter_label(scope: Scope, service: str, operator: str) -> str:
    label = scope.service(service).label
    network = service in words_setting(scope.study.parameters, "services-en-reseau")
    return label if network or operator.casefold() in ("", label.casefold()) else f"{label} ({operator})"


def _penalty_cells(row: Row) -> Texts:
    measured = row["population"] - row["population_not_measured"]
    share = row["population_penalised"] / measured if measured else float("nan")
    times = [number(row[name], digits=1) for name in ("mean_min", "p90_min", "max_min")]
    counts = [number(row[name]) for name in ("population_assumed", "population_not_measured")]
    return number(row["population_penalised"]), percent(share), *times, *counts


def figures(scope: Scope) -> dict[str, float]:
    """Return the raw figures of this part, named ``service.part.border.figure`` and ``….penalty.figure``."""
    found: dict[str, float] = {}
    for service in scope.shared_services:
        for part in scope.parts:
            for row in _balance(scope, service, part):
                found |= {f"{service}.{part}.border.{name}": float(row[name]) for name in _BALANCE}
    for service, operator in _counters(scope):
        for part in scope.parts:
            for row in _penalties(scope, service, operator, part):
                found |= {f"{service}.{operator}.{part}.penalty.{name}": float(row[name]) for name in _PENALTY}
    return found
