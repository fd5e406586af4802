"""The map of weekly presence: hours a week within reach, and openings in the evening, on Saturday and on Sunday."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd

from sdaasp_geo.french import NBSP, number, threshold
from sdaasp_geo.outputs.escape import plain_text
from sdaasp_geo.outputs.map_ground import NO, YES, by_commune, commune_theme, texts
from sdaasp_geo.outputs.map_model import Theme, View, at_least_classes, at_least_ranks, named_classes, no_checks
from sdaasp_geo.parameters import service_names
from sdaasp_geo.study import Diagnosis, Study

HOURS = (35.0, 24.0, 12.0)
"""Bounds of the classes of hours a week: a full week of work, the 24 hours of the criterion, half of them."""

_MOMENTS = {
    "evening": ("soir", "en soirée"),
    "saturday": ("samedi", "le samedi"),
    "sunday": ("dimanche", "le dimanche"),
}
_PARTLY = "horaires inconnus pour une partie des lieux"
_METHOD = (
    "Heures de la semaine où au moins un lieu à portée est ouvert\u00a0: celles de lieux ouverts en même temps "
    "comptent une fois. Où des horaires sont inconnus, les heures sont un minimum, et la commune est ponctuée."
)


def presence_theme(study: Study, diagnosis: Diagnosis) -> Theme | None:
    """Return the theme of weekly presence; None where no opening hours were measured."""
    if diagnosis.reachable.empty:
        return None
    views = []
    for (service, limit), own in diagnosis.reachable.groupby(["service", "limit_min"], sort=False):
        views += list(_views(study, by_commune(study, own), service=str(service), limit_min=float(limit)))
    return commune_theme(
        study,
        views,
        code="presence",
        title=f"Présence hebdomadaire des services{NBSP}: {study.departement_name}",
        label="Présence hebdomadaire",
        note="Heures d'ouverture par semaine à portée, en soirée, le samedi et le dimanche.",
        choice="Service, délai et moment",
        method=(_METHOD,),
    )


def _views(study: Study, rows: pd.DataFrame, *, service: str, limit_min: float) -> Iterator[View]:
    """Make a view of the hours a week, then one of each moment; they share their texts."""
    names = service_names(study.parameters, service)
    reach = f"{names.label}, à {threshold(limit_min)} au plus"
    stem = f"{service}-{limit_min:g}"
    hours = rows["open_hours"].to_numpy(dtype=np.float64)
    told = _terms(rows)
    ranks = at_least_ranks(hours, HOURS)
    classes = at_least_classes(HOURS, unit=_hours, none="Aucune heure")
    first = View(
        code=f"{stem}-heures",
        label="Heures par semaine",
        group=plain_text(reach[:1].upper() + reach[1:]),
        title=f"Heures d'ouverture par semaine ({reach})",
        classes=classes,
        ranks=ranks,
        checks=(rows["reason"] == _PARTLY).to_numpy(dtype=bool) & ~np.isnan(hours),
        terms=("Classe", *told),
        cells=(texts(classes[rank].name for rank in ranks), *told.values()),
        brief=told["Heures par semaine"],
        sentences=_sentences(rows, reach),
        services=(service,),
    )
    yield first
    for column, (code, words) in _MOMENTS.items():
        answers = rows[column].astype("boolean")
        yes_no = named_classes((f"Ouvert {words}", f"Fermé {words}"))
        said = (~answers.fillna(value=True)).astype("int64").where(answers.notna(), 2).to_numpy(dtype="int64")
        yield replace(
            first,
            code=f"{stem}-{code}",
            label=f"Ouverture {words}",
            title=f"Au moins un lieu ouvert {words} ({reach})",
            classes=yes_no,
            ranks=said,
            checks=no_checks(len(rows)),
            cells=(texts(yes_no[rank].name for rank in said), *told.values()),
            brief=texts((YES, NO, "Non mesuré")[rank] for rank in said),
        )


def _terms(rows: pd.DataFrame) -> dict[str, tuple[str, ...]]:
    shown = [
        "non mesuré" if pd.isna(hours) else f"{_hours(hours)}{' au moins' if reason == _PARTLY else ''}"
        for hours, reason in zip(rows["open_hours"], rows["reason"], strict=True)
    ]
    places = ["non mesuré" if pd.isna(value) else number(value) for value in rows["places"]]
    return {"Heures par semaine": texts(shown), "Lieux à portée": texts(places)}


def _sentences(rows: pd.DataFrame, reach: str) -> tuple[str, ...]:
    said = []
    for row in rows.to_dict("records"):
        if pd.isna(row["open_hours"]):
            said.append(
                f"Heures non mesurées ({reach}){NBSP}: {plain_text(row['reason']) or 'commune hors de la mesure'}."
            )
            continue
        moments = [words for column, (_, words) in _MOMENTS.items() if not pd.isna(row[column]) and bool(row[column])]
        also = f" Ouverture {', '.join(moments)}." if moments else ""
        least = "au moins " if row["reason"] == _PARTLY else ""
        said.append(f"Un lieu est ouvert {least}{_hours(row['open_hours'])} par semaine ({reach}).{also}")
    return texts(said)


def _hours(value: float) -> str:
    return f"{number(value, digits=0 if float(value).is_integer() else 1)}{NBSP}h"
