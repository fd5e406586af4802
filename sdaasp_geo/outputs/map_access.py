"""The map of access: time to the nearest permanent place of each measured service; the reader chooses the threshold."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sdaasp_geo.analysis.deficits import NOT_MEASURED
from sdaasp_geo.french import NBSP, listing, threshold
from sdaasp_geo.outputs import palette, web_map_text
from sdaasp_geo.outputs.map_ground import after_name, commune_theme, texts
from sdaasp_geo.outputs.map_model import MapClass, Theme, Times, View, at_most_classes, at_most_ranks, missing_class
from sdaasp_geo.parameters import Rule, Service, service_names
from sdaasp_geo.study import Measures, Study
from sdaasp_geo.travel.engine import REACHED, Method

THRESHOLDS_MIN = (5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 45.0, 60.0)
"""Thresholds that the reader may choose, beside those of the scheme."""

BREAKS_MIN = (5.0, 10.0, 20.0, 30.0)
"""Bounds of the classes of a service without threshold: round, so that two editions compare."""

_EXACT = 10


def access_theme(study: Study, measures: Measures, *, title: str | None = None) -> Theme:
    """Return the theme of access: a view per measured service, the main one first.

    Parameters
    ----------
    title : str, optional
        Title of the page; by default the main service and the département.
    """
    main = service_names(study.parameters, study.scheme.mesure.services[0]).plural
    return commune_theme(
        study,
        [_view(study, measures, service) for service in study.scheme.mesure.services],
        code="carte",
        title=title or f"Accès aux {main}{NBSP}: {study.departement_name}",
        label="Accès aux services",
        note="Temps jusqu'au lieu permanent le plus proche\u202f; service et seuil au choix.",
        choice="Service",
        method=web_map_text.method_lines(study, measures),
    )


def _view(study: Study, measures: Measures, service: str) -> View:
    return access_view(
        web_map_text.joined_access(study, measures, service),
        names=service_names(study.parameters, service),
        rules=[rule for rule in study.rules if rule.service == service],
        method=measures.method,
    )


def access_view(table: pd.DataFrame, *, names: Service, rules: list[Rule], method: Method, second: bool = True) -> View:
    """Return the view of one service.

    Parameters
    ----------
    table : DataFrame
        Communes in order, with their access (`analysis.access`), class and sentence.
    names : Service
        Names of the service.
    rules : list of Rule
        Its rules; without any, classes are by round bounds.
    method : Method
        How times were obtained.
    second : bool
        Say the second nearest place.
    """
    times = {name: table[name].to_numpy(dtype=np.float64) for name in ("time_min", "low_min", "high_min")}
    measured = (table["reason"] == REACHED).to_numpy()
    times = {name: np.where(measured, values, np.nan) for name, values in times.items()}
    classes, ranks = _classes(table, times["time_min"], rules)
    rows = table.to_dict("records")
    time = [web_map_text.time_text(row, method) for row in rows]
    named = [classes[rank].name for rank in ranks]
    checks = table["to_check"].to_numpy(dtype=bool)
    columns = {
        "Temps": texts(time),
        "Lieu le plus proche": texts(web_map_text.place_text(row) for row in rows),
        "Deuxième lieu": texts(web_map_text.second_text(row) for row in rows) if second else (),
        "Classe": texts(named),
        "À vérifier": tuple("oui" if check else "non" for check in checks),
    }
    shown = {term: cells for term, cells in columns.items() if second or term != "Deuxième lieu"}
    return View(
        code=names.code,
        label=names.plural[:1].upper() + names.plural[1:],
        title=f"Temps jusqu'au lieu permanent le plus proche ({names.label})",
        classes=classes,
        ranks=ranks,
        checks=checks,
        terms=tuple(shown),
        cells=tuple(shown.values()),
        brief=texts(
            f"{at} – {name}{', à vérifier' if check else ''}"
            for at, name, check in zip(time, named, checks, strict=True)
        ),
        sentences=texts(after_name(row["sentence"], row["name"]) for row in rows),
        note="",
        services=(names.code,),
        times=Times(**times, thresholds=_thresholds(rules)),
        scheme_thresholds=_said(rules),
    )


def _classes(table: pd.DataFrame, times: np.ndarray, rules: list[Rule]) -> tuple[tuple[MapClass, ...], np.ndarray]:
    """Return the classes of the rules; without any, classes of time by round bounds."""
    if not rules:
        return at_most_classes(BREAKS_MIN, none=""), at_most_ranks(times, BREAKS_MIN)
    entries = palette.legend_entries(rules)
    ranks = {entry.code: rank for rank, entry in enumerate(entries)}
    plain = [MapClass(entry.label, entry.span, entry.colour) for entry in entries if entry.code != NOT_MEASURED]
    return (*plain, missing_class()), table["class"].map(ranks).to_numpy(dtype=np.int64)


def _thresholds(rules: list[Rule]) -> tuple[float, ...]:
    """Return the thresholds of the list: tenths of a minute at the finest, which the page compares exactly."""
    own = {rule.threshold_min for rule in rules if (rule.threshold_min * _EXACT).is_integer()}
    return tuple(sorted({*THRESHOLDS_MIN, *own}))


def _said(rules: list[Rule]) -> str:
    if not rules:
        return "Par tranche de temps"
    limits = listing([threshold(value) for value in sorted({rule.threshold_min for rule in rules})])
    return f"Ceux du schéma{NBSP}: {limits}"
