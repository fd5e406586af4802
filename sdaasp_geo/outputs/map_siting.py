"""The map of new sites: times before, times after, and what each commune wins."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sdaasp_geo.french import NBSP, threshold
from sdaasp_geo.outputs.map_ground import by_commune, commune_theme, minutes_or, texts
from sdaasp_geo.outputs.map_model import MapClass, Theme, View, at_most_classes, at_most_ranks, named_classes, no_checks
from sdaasp_geo.outputs.web_map import render_theme
from sdaasp_geo.parameters import service_names
from sdaasp_geo.study import Measures, NewSites, Study

_TERMS = ("Classe", "Temps avant", "Temps après", "Lieu proposé")
_OUT = "non atteint, ou hors de la demande étudiée"
CHANGES = ("Déjà dans le seuil", "Gagnée par un lieu proposé", "Au-delà du seuil")
"""What becomes of a commune, best first."""


def render_siting_map(study: Study, found: NewSites) -> str:
    """Write the map of new sites as one self-contained HTML page (`web_map.render_theme`), without any measure."""
    return render_theme(siting_theme(study, found), study, no_measures(study, found))


def no_measures(study: Study, found: NewSites) -> Measures:
    """Return measures that hold nothing but the method: places of the studied communes are drawn, and no other."""
    access = pd.DataFrame(columns=["code", "service", "place", "second_place"], dtype="str")
    nothing = pd.DataFrame()
    return Measures(access, nothing, nothing, study.epci.head(0), nothing, found.method)


def time_bounds(found: NewSites) -> list[float]:
    """Return the bounds of the classes of time, in minutes: the threshold is one of them."""
    return sorted({10.0, 20.0, 30.0, float(found.siting.threshold_min)})


def siting_theme(study: Study, found: NewSites) -> Theme:
    """Return the theme of new sites: what changes against the threshold, then times before and after."""
    rows = by_commune(study, found.siting.demand)
    service = service_names(study.parameters, found.service)
    limit = found.siting.threshold_min
    bounds = time_bounds(found)
    places = found.siting.sites.set_index("rank")["place_name"]
    rank = pd.to_numeric(rows["rank"], errors="coerce")
    new = [f"{int(value)}. {places[int(value)]}" if pd.notna(value) else "aucun" for value in rank]
    told = (
        texts(minutes_or(value, _OUT) for value in rows["before_min"]),
        texts(minutes_or(value, _OUT) for value in rows["after_min"]),
        texts(new),
    )
    change = named_classes(CHANGES)
    times = at_most_classes(bounds, none="", missing="Non atteint ou hors demande")
    views = [_view("effet", f"Effet sur le seuil de {threshold(limit)}", change, _effect(rows), told)]
    for code, label, column in (("avant", "Temps avant", "before_min"), ("apres", "Temps après", "after_min")):
        ranks = at_most_ranks(rows[column].to_numpy(dtype=np.float64), bounds)
        views.append(_view(code, label, times, ranks, told))
    names = "".join(f" {row.rank}. {row.place_name}." for row in found.siting.sites.itertuples(index=False))
    return commune_theme(
        study,
        views,
        code="implantation",
        title=f"Lieux proposés, avant et après ({service.label}){NBSP}: {study.departement_name}",
        label="Lieux proposés, avant et après",
        note="Ce que changent les lieux proposés, commune par commune.",
        choice="Carte",
        method=(
            f"Lieux proposés{NBSP}:{names or ' aucun.'}",
            f"Une proposition n'est pas une décision{NBSP}: ni locaux, ni agents, ni coûts ne sont connus ici.",
            found.method.description,
        ),
    )


def _effect(rows: pd.DataFrame) -> np.ndarray:
    known = rows["within_after"].notna()
    before = rows["within_before"].astype("boolean").fillna(value=False).to_numpy(dtype=bool)
    after = rows["within_after"].astype("boolean").fillna(value=False).to_numpy(dtype=bool)
    ranks = np.where(before, 0, np.where(after, 1, 2))
    return np.where(known.to_numpy(dtype=bool), ranks, len(CHANGES)).astype(np.int64)


def _view(
    code: str, label: str, classes: tuple[MapClass, ...], ranks: np.ndarray, told: tuple[tuple[str, ...], ...]
) -> View:
    named = texts(classes[rank].name for rank in ranks)
    before, after, new = told
    return View(
        code=code,
        label=label,
        title=label,
        classes=classes,
        ranks=ranks,
        checks=no_checks(len(ranks)),
        terms=_TERMS,
        cells=(named, *told),
        brief=named,
        sentences=texts(
            f"Avant{NBSP}: {was} ; après{NBSP}: {becomes} (lieu proposé le plus proche{NBSP}: {place})."
            for was, becomes, place in zip(before, after, new, strict=True)
        ),
    )
