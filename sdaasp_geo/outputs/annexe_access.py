"""Parts 3 and 4 of an annex: times, thresholds, places used, communes beyond a threshold, zones déficitaires."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from sdaasp_geo.analysis.access import weighted_figures
from sdaasp_geo.analysis.deficits import SERVED, classes_of
from sdaasp_geo.french import NBSP, count, listing, minutes, number, percent, threshold
from sdaasp_geo.outputs.annexe_model import Table
from sdaasp_geo.outputs.annexe_scope import INSIDE, NONE, PART_LABELS, WHOLE, Row, Scope, band, people
from sdaasp_geo.travel.engine import REACHED

_DECILES = ("d1_min", "d5_min", "d9_min", "d9_d1")


def times_table(scope: Scope) -> Table:
    """Return the times of each service: mean, median, P90, maximum, second nearest, share gone elsewhere."""
    rows = []
    for service in scope.services:
        label, limits = scope.service(service).label, scope.thresholds(service)
        for part in scope.parts:
            summary = scope.summary(service, part)
            if summary is not None:
                rows.append(
                    (
                        f"{label}{NBSP}– {PART_LABELS[part]}",
                        *_times(summary, limits),
                        second_median(scope, service, part),
                    )
                )
        reference = scope.summary(service, INSIDE, departement=True)
        if reference is not None:
            rows.append(
                (
                    f"{label}{NBSP}– {scope.departement_label}",
                    *_times(reference, limits),
                    _departement_second(scope, service),
                )
            )
    return Table(
        title="Temps d'accès au lieu permanent le plus proche, en minutes",
        header=(
            *("Service et territoire", "Moyenne", "Médiane", "90 % des habitants", "Maximum"),
            *("Plus proche dans un autre département", "Second lieu, médiane"),
        ),
        rows=tuple(rows),
        note=(
            "Temps de la mairie de chaque commune au lieu, pondérés par la population. «\u00a090\u202f% "
            "des habitants\u00a0»\u00a0: "
            "temps que neuf habitants sur dix ne dépassent pas. Maximum\u00a0: commune habitée la plus éloignée. "
            f"Méthode\u00a0: {scope.measures.method.label}."
        ),
    )


def deciles_table(scope: Scope) -> Table:
    """Return the deciles of the times, and their ratio, beside the département."""
    rows = [
        (label, *(number(row[name], digits=1) for name in _DECILES))
        for service in scope.shared_services
        for label, part, departement in scope.sides(scope.service(service).label)
        for row in _deciles(scope, service, part, departement=departement)
    ]
    return Table(
        title="Répartition des temps d'accès, en minutes",
        header=("Service et territoire", "D1", "D5 (médiane)", "D9", "Rapport D9/D1"),
        rows=tuple(rows),
        note=(
            f"Déciles pondérés par la population{NBSP}: un habitant sur dix est à D1 minutes au plus, un sur deux à "
            "D5, neuf sur dix à D9. Plus le rapport D9/D1 est grand, plus l'accès est inégal."
        ),
    )


def _deciles(scope: Scope, service: str, part: str, *, departement: bool = False) -> list[Row]:
    return scope.found("distribution", part, departement=departement, service=service)


def inequality_sentences(scope: Scope) -> tuple[str, ...]:
    """Say how unequal times are in the EPCI and in the département, and what is due to differences between EPCI."""
    texts = []
    for service in scope.shared_services:
        own = _inequality(scope, service)
        reference = _inequality(scope, service, departement=True)
        if own is None or reference is None or math.isnan(own["theil"]) or math.isnan(reference["share_between"]):
            continue
        texts.append(
            f"{scope.service(service).label}{NBSP}: l'indice d'inégalité des temps (Theil, nul quand tous sont égaux) "
            f"est de {number(own['theil'], digits=2)} dans l'EPCI et de {number(reference['theil'], digits=2)} dans le "
            f"département, où {percent(reference['share_between'])} tiennent aux écarts entre EPCI."
        )
    return tuple(texts)


def _inequality(scope: Scope, service: str, *, departement: bool = False) -> Row | None:
    part = INSIDE if departement else WHOLE
    rows = scope.found("inequality", part, departement=departement, service=service)
    return rows[0] if rows else None


def diagnosis_figures(scope: Scope) -> dict[str, float]:
    """Return the raw deciles and inequalities, named ``service.part.figure``."""
    found: dict[str, float] = {}
    for service in scope.shared_services:
        for part in scope.parts:
            for row in _deciles(scope, service, part):
                found |= {f"{service}.{part}.{name}": float(row[name]) for name in _DECILES}
        own = _inequality(scope, service)
        if own is not None:
            found[f"{service}.{WHOLE}.theil"] = float(own["theil"])
    return found


def second_median(scope: Scope, service: str, part: str) -> str:
    """Return the weighted median of the time to the second nearest place."""
    rows = _part(scope.of_service(service), part)
    return number(weighted(rows["second_time_min"], rows["population"], "median_min"), digits=1)


def _departement_second(scope: Scope, service: str) -> str:
    communes = scope.study.communes
    population = communes.loc[communes["inside"]].set_index("code")["population"]
    access = scope.measures.access
    rows = access[(access["service"] == service) & access["code"].isin(set(population.index))]
    return number(weighted(rows["second_time_min"], rows["code"].map(population), "median_min"), digits=1)


def thresholds_table(scope: Scope) -> Table:
    """Return inhabitants and shares within each threshold, by part, beside the département."""
    rows = []
    for service in scope.services:
        for rule in scope.rules(service):
            label = f"{scope.service(service).label}, {threshold(rule.threshold_min)} au plus"
            for part in scope.parts:
                rows += _threshold_row(f"{label}{NBSP}– {PART_LABELS[part]}", scope.coverage(service, part, rule.code))
            by_cell = scope.cell_coverage(service, WHOLE, rule.code)
            rows += _threshold_row(f"{label}{NBSP}– {PART_LABELS[WHOLE]}, par carreaux habités", by_cell)
            reference = scope.coverage(service, INSIDE, rule.code, departement=True)
            rows += _threshold_row(f"{label}{NBSP}– {scope.departement_label}", reference)
    return Table(
        title="Habitants à portée de chaque seuil",
        header=(
            "Service, seuil et territoire",
            "Habitants à portée",
            "Part",
            "Habitants au-delà",
            "À vérifier",
            "Non mesurés",
        ),
        rows=tuple(rows),
        note=(
            "La part porte sur les habitants mesurés. «\u00a0À vérifier\u00a0»\u00a0: habitants, déjà "
            "comptés à portée ou au-delà, "
            "dont la commune a le seuil dans sa bande d'erreur."
        ),
        empty="Aucun seuil n'est fixé par le schéma pour les services mesurés.",
    )


def places_table(scope: Scope) -> Table:
    """Return the places that are the nearest for at least one commune, with the inhabitants concerned."""
    rows = []
    access = scope.of_service(scope.main)
    reached = access[access["reason"] == REACHED]
    for (_, name), group in reached.groupby(["place", "place_name"], sort=True):
        first = group.iloc[0]
        where = "dans l'EPCI" if first["place_epci"] == scope.siren else scope.epci_name(first["place_epci"])
        rows.append(
            (
                group["population"].sum(),
                (
                    f"{name}",
                    f"{first['place_commune']} ({first['place_departement']})",
                    where,
                    number(len(group)),
                    number(group["population"].sum()),
                ),
            )
        )
    rows.sort(key=lambda pair: (-pair[0], pair[1]))
    return Table(
        title=f"{scope.service(scope.main).label}{NBSP}: lieux les plus proches des habitants de l'EPCI",
        header=("Lieu", "Commune", "EPCI du lieu", "Communes dont il est le plus proche", "Habitants"),
        rows=tuple(row for _, row in rows),
        note="Le plus proche est cherché sans s'arrêter à la limite de l'EPCI ni à celle du département.",
        empty="Aucun lieu de ce service n'est à portée.",
    )


def weighted(times: pd.Series, population: pd.Series, figure: str) -> float:
    """Return one figure (``mean_min``, ``median_min``…) of times weighted by inhabitants; NaN without any."""
    table = pd.DataFrame({"group": "", "time_min": times, "population": population})
    return float(weighted_figures(table, ["group"])[figure].iloc[0]) if len(table) else float("nan")


def flagged(scope: Scope, service: str) -> pd.DataFrame:
    """Return the communes of the EPCI beyond a threshold of a service, to check, or not measured."""
    rows = scope.of_service(service)
    chosen = rows[(rows["class"] != SERVED) | rows["to_check"]]
    order = chosen["time_min"].fillna(float("inf"))
    return chosen.assign(order=-order).sort_values(["order", "code"])


def deficits_table(scope: Scope) -> Table:
    """Return the communes beyond a threshold or to check, the farthest first, each with its sentence."""
    rows = []
    for service in scope.services:
        rules = scope.rules(service)
        if not rules:
            continue
        labels = classes_of(rules)
        limits = scope.thresholds(service)
        rows += [_deficit_row(row, labels, limits) for row in flagged(scope, service).to_dict("records")]
    return Table(
        title="Communes au-delà d'un seuil ou à vérifier",
        header=("Commune", "Habitants", "Minutes (bande)", "Lieu le plus proche", "Classe", "Explication"),
        rows=tuple(rows),
        note=(
            "De la plus éloignée à la plus proche. La bande entre parenthèses est celle de l'erreur de "
            "l'estimation\u00a0: "
            "une commune est à vérifier quand un seuil y est compris."
        ),
        empty="Toutes les communes de l'EPCI sont dans les seuils du schéma et aucune n'est à vérifier.",
    )


def zones_table(scope: Scope) -> Table:
    """Return the zones déficitaires that touch the EPCI."""
    rows = []
    for row in own_zones(scope):
        sirens = str(row["epci"]).split()
        names = [scope.epci_name(siren) for siren in sirens]
        label = scope.service(str(row["service"])).label
        rows.append(
            (
                f"{label}, plus de {minutes(row['threshold_min'])}",
                f"{row['names']}",
                people(row["population"]),
                people(row["population_inside"]),
                minutes(row["max_min"], digits=1, beside=(row["threshold_min"],)),
                ", ".join(names),
            )
        )
    return Table(
        title="Zones déficitaires qui touchent l'EPCI",
        header=(
            "Seuil dépassé",
            "Communes contiguës",
            "Population",
            "Dont dans le département",
            "Temps le plus long",
            "EPCI concernés",
        ),
        rows=tuple(rows),
        note=(
            "Une zone réunit les communes contiguës au-delà d'un même seuil, quel que soit leur EPCI ou leur "
            "département."
        ),
        empty="Aucune zone déficitaire ne touche l'EPCI.",
    )


def own_zones(scope: Scope) -> list[Row]:
    """Return the zones that touch the EPCI, by rising threshold."""
    zones = pd.DataFrame(scope.measures.zones.drop(columns="geometry"))
    mine = [scope.siren in str(sirens).split() for sirens in zones["epci"]]
    return zones[mine].to_dict("records") if len(zones) else []


def deficits_text(scope: Scope) -> tuple[str, ...]:
    """Sum up, service by service, the communes beyond a threshold and those to check."""
    texts = []
    for service in scope.services:
        rules, names = scope.rules(service), scope.service(service)
        if not rules:
            texts.append(f"{names.label}{NBSP}: le schéma ne fixe pas de seuil, aucune commune n'est classée.")
            continue
        rows = scope.of_service(service)
        parts = []
        for code, label in list(classes_of(rules).items())[1:]:
            group = rows[rows["class"] == code]
            if len(group):
                parts.append(
                    f"{count(len(group), 'commune')} de classe «{NBSP}{label}{NBSP}» "
                    f"({people(group['population'].sum())})"
                )
        check = rows[rows["to_check"]]
        found = listing(parts) or "aucune commune au-delà d'un seuil"
        doubt = (
            f"{count(len(check), 'commune')} à vérifier ({people(check['population'].sum())})"
            if len(check)
            else "aucune à vérifier"
        )
        texts.append(f"{names.label}{NBSP}: {found}\u202f; {doubt}.")
    return tuple(texts)


def _part(rows: pd.DataFrame, part: str) -> pd.DataFrame:
    if part == WHOLE:
        return rows
    return rows[rows["inside"] == (part == INSIDE)]


def _times(summary: Row, limits: Sequence[float]) -> tuple[str, ...]:
    columns = ("mean_min", "median_min", "p90_min", "max_min")
    times = [number(summary[column], digits=1, beside=limits) for column in columns]
    return (*times, percent(summary["nearest_elsewhere_share"]))


def _threshold_row(label: str, row: Row | None) -> list[tuple[str, ...]]:
    if row is None:
        return []
    columns = ("population_beyond", "population_to_check", "population_not_measured")
    counts = [number(row[column]) for column in columns]
    return [(label, number(row["population_within"]), percent(row["share_within"]), *counts)]


def _deficit_row(row: Row, labels: dict[str, str], limits: Sequence[float]) -> tuple[str, ...]:
    name = str(row["name"])
    sentence = str(row["sentence"]).removeprefix(f"{name}{NBSP}: ")
    label = labels[row["class"]] + (", à vérifier" if row["to_check"] else "")
    place = NONE if row["reason"] != REACHED else f"{row['place_commune']} ({row['place_departement']})"
    time = band(row, beside=limits)
    return name, number(row["population"]), time, place, label, sentence[0].upper() + sentence[1:]
