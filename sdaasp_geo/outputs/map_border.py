"""Maps of borders: where the nearest place is, what it saves, and what the competent counter costs."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sdaasp_geo.analysis.border import NOT_REACHED, OTHER_DEPARTEMENT, OTHER_EPCI, OWN_EPCI
from sdaasp_geo.french import NBSP
from sdaasp_geo.outputs.escape import plain_text, safe_file_stem
from sdaasp_geo.outputs.map_ground import by_commune, commune_theme, minutes_or, place_or_none, texts
from sdaasp_geo.outputs.map_model import Theme, View, at_most_classes, at_most_ranks, named_classes, no_checks
from sdaasp_geo.parameters import service_names, words_setting
from sdaasp_geo.study import Diagnosis, Study

SAVED_MIN = (0.0, 5.0, 10.0, 20.0)
"""Bounds of the classes of minutes won outside the EPCI."""

_BORDER_METHOD = (
    f"L'offre n'a pas de frontière{NBSP}: le lieu le plus proche est cherché dans tous les départements à portée. "
    f"Minutes gagnées{NBSP}: temps jusqu'au plus proche de l'EPCI, moins temps jusqu'au plus proche."
)
_PENALTY_METHOD = (
    f"Pénalité{NBSP}: temps jusqu'au guichet compétent, moins temps jusqu'au guichet le plus proche du même opérateur. "
    "Sans zone fournie par l'opérateur, le guichet compétent est supposé le plus proche du département de la commune."
)
_SIDES = {OWN_EPCI: "Dans l'EPCI", OTHER_EPCI: "Dans un autre EPCI", OTHER_DEPARTEMENT: "Dans un autre département"}


def border_theme(study: Study, diagnosis: Diagnosis) -> Theme | None:
    """Return the theme of borders: side of the nearest place and minutes won, by service; None without any."""
    if diagnosis.border.empty:
        return None
    views = []
    for (service, operator), own in diagnosis.border.groupby(["service", "operator"], sort=False):
        views += _border_views(study, diagnosis, by_commune(study, own), service=str(service), operator=str(operator))
    return commune_theme(
        study,
        views,
        code="frontiere",
        title=f"Frontières et voisins{NBSP}: {study.departement_name}",
        label="Frontières et voisins",
        note="Lieu le plus proche dans l'EPCI, dans un autre EPCI ou dans un autre département\u202f; minutes gagnées.",
        choice="Service et question",
        method=(_BORDER_METHOD,),
    )


def _border_views(study: Study, diagnosis: Diagnosis, rows: pd.DataFrame, *, service: str, operator: str) -> list[View]:
    names = service_names(study.parameters, service)
    whose = "" if operator == "tous" else f", {operator}"
    sides = named_classes(tuple(_SIDES.values()), missing="Non mesuré")
    order = {side: rank for rank, side in enumerate(_SIDES)}
    ranks = rows["side"].map(order).fillna(len(order)).to_numpy(dtype=np.int64)
    saved = rows["saved_epci_min"].to_numpy(dtype=np.float64)
    wins = at_most_classes(SAVED_MIN, none="Aucune", missing="Non mesuré")
    won = at_most_ranks(saved, SAVED_MIN)
    terms, cells, sentences = _border_texts(diagnosis, rows)
    checks = no_checks(len(rows))
    given = [
        ("cote", "Où est le lieu le plus proche", "Où est le lieu le plus proche", sides, ranks),
        ("gain", "Minutes gagnées hors de l'EPCI", "Minutes gagnées en sortant de l'EPCI", wins, won),
    ]
    return [
        View(
            code=safe_file_stem(service, f"{operator} {code}"),
            label=label,
            group=plain_text(f"{names.label[:1].upper()}{names.label[1:]}{whose}"),
            title=plain_text(f"{title} ({names.label}{whose})"),
            classes=classes,
            ranks=found,
            checks=checks,
            terms=("Classe", *terms),
            cells=(texts(classes[rank].name for rank in found), *cells),
            brief=texts(classes[rank].name for rank in found),
            sentences=sentences,
            services=(service,),
        )
        for code, label, title, classes, found in given
    ]


def _border_texts(
    diagnosis: Diagnosis, rows: pd.DataFrame
) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...], tuple[str, ...]]:
    names = diagnosis.epci_names
    hosts = [names.get(siren, siren) if isinstance(siren, str) else "aucun" for siren in rows["place_epci"]]
    records = rows.to_dict("records")
    terms = ("Lieu le plus proche", "EPCI de ce lieu", "Temps", "Plus proche dans l'EPCI", "Minutes gagnées")
    inside = [
        f"{place_or_none(row['own_epci_place_commune'])}, {minutes_or(row['own_epci_time_min'], '')}"
        if not pd.isna(row["own_epci_time_min"])
        else plain_text(row["own_epci_reason"])
        for row in records
    ]
    cells = (
        texts(place_or_none(row["place_commune"], row["place_departement"]) for row in records),
        texts(hosts),
        texts(minutes_or(row["time_min"], row["reason"]) for row in records),
        texts(inside),
        texts(minutes_or(row["saved_epci_min"], row["own_epci_reason"]) for row in records),
    )
    return terms, cells, texts(_border_sentence(row, host) for row, host in zip(records, hosts, strict=True))


def _border_sentence(row: dict[object, object], host: str) -> str:
    if row["side"] not in _SIDES:
        return (
            f"Aucun lieu à portée{NBSP}: {plain_text(row['reason'])}." if row["side"] == NOT_REACHED else "Non mesuré."
        )
    where = f"{_SIDES[str(row['side'])].lower()}" + ("" if row["side"] == OWN_EPCI else f" ({host})")
    return f"Le lieu le plus proche est {where}, à {row['place_commune']} ({row['place_departement']})."


def competence_theme(study: Study, diagnosis: Diagnosis) -> Theme | None:
    """Return the theme of competent counters: penalty of each operator; None where no service has such counters."""
    if diagnosis.competence.empty:
        return None
    bounds = [float(bound) for bound in words_setting(study.parameters, "classes-penalite")]
    views = [
        _penalty_view(study, by_commune(study, own), service=str(service), operator=str(operator), bounds=bounds)
        for (service, operator), own in diagnosis.competence.groupby(["service", "operator"], sort=False)
    ]
    return commune_theme(
        study,
        views,
        code="penalite",
        title=f"Guichets compétents et pénalité administrative{NBSP}: {study.departement_name}",
        label="Guichets compétents et pénalité administrative",
        note="Minutes de plus pour aller au guichet compétent qu'au plus proche.",
        choice="Service et opérateur",
        method=(_PENALTY_METHOD,),
    )


def _penalty_view(study: Study, rows: pd.DataFrame, *, service: str, operator: str, bounds: list[float]) -> View:
    names = service_names(study.parameters, service)
    penalty = rows["penalty_min"].to_numpy(dtype=np.float64)
    classes = at_most_classes(bounds, none="Aucune", missing="Non mesurée")
    ranks = at_most_ranks(penalty, bounds)
    records = rows.to_dict("records")
    named = texts(classes[rank].name for rank in ranks)
    label = f"{names.label[:1].upper()}{names.label[1:]} – {operator}"
    return View(
        code=safe_file_stem(service, operator),
        label=plain_text(label),
        title=plain_text(f"Pénalité administrative ({names.label}, {operator})"),
        classes=classes,
        ranks=ranks,
        checks=no_checks(len(rows)),
        terms=("Pénalité", "Classe", "Guichet compétent", "Guichet le plus proche", "Compétence"),
        cells=(
            texts(minutes_or(row["penalty_min"], row["penalty_reason"]) for row in records),
            named,
            texts(_counter(row, "competent") for row in records),
            texts(_counter(row, "nearest") for row in records),
            texts(rows["assignment"]),
        ),
        brief=texts(minutes_or(value, "non mesurée") for value in penalty),
        sentences=texts(_penalty_sentence(row) for row in records),
        services=(service,),
    )


def _counter(row: dict[object, object], prefix: str) -> str:
    place = row[f"{prefix}_place_commune"]
    if pd.isna(place):
        return plain_text(row[f"{prefix}_reason"]) or "non mesuré"
    where = place_or_none(place, row[f"{prefix}_place_departement"])
    return f"{where}, {minutes_or(float(str(row[f'{prefix}_time_min'])), '')}"


def _penalty_sentence(row: dict[object, object]) -> str:
    if pd.isna(row["penalty_min"]):
        return f"Pénalité non mesurée{NBSP}: {plain_text(row['penalty_reason']) or 'commune hors de la mesure'}."
    if row["penalty_min"] == 0:
        return "Le guichet compétent est aussi le plus proche."
    more = minutes_or(float(str(row["penalty_min"])), "")
    return f"Le guichet compétent ({row['competent_place_commune']}) est à {more} de plus que le plus proche."
