"""Maps of the scheme itself, by EPCI: local governance, and actions."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sdaasp_geo.action_plan import ACTION
from sdaasp_geo.analysis.governance_indicators import (
    COMMITTEE,
    ELECTED,
    INDICATORS,
    INTERLOCUTORS,
    MEASURED,
    REPRESENTATIVES,
    TECHNICAL,
    governance_indicators,
)
from sdaasp_geo.french import NBSP, count, number
from sdaasp_geo.layers.territories import SIGNS
from sdaasp_geo.outputs.answers_model import NO_STATUS
from sdaasp_geo.outputs.escape import plain_text, safe_file_stem
from sdaasp_geo.outputs.map_ground import NO, YES, epci_theme, texts
from sdaasp_geo.outputs.map_model import (
    MapClass,
    Ranks,
    Theme,
    View,
    at_least_classes,
    at_least_ranks,
    named_classes,
    no_checks,
)
from sdaasp_geo.study import Programme, Study

NOT_SAID = "Non renseigné"
NO_CONVENTION = "Sans convention ici"
COUNTS = (10.0, 5.0, 2.0)
"""Bounds of the classes of numbers of actions."""

_PEOPLE = ("2 personnes ou plus", "1 personne", "Aucune")
_YES_NO = (YES, NO)
_METHOD = (
    f"Ce que le tableau de gouvernance ne dit pas est «{NBSP}non renseigné{NBSP}», jamais zéro. Zéro est ce qu'il dit "
    f"(«{NBSP}aucun{NBSP}», «{NBSP}à désigner{NBSP}»)."
)


def governance_theme(study: Study, programme: Programme) -> Theme | None:
    """Return the theme of local governance, a view per indicator; None where the scheme has no governance."""
    if programme.bodies.empty:
        return None
    indicators = governance_indicators(programme.bodies, programme.territories, study.epci)
    own = indicators[(indicators["level"] == "epci") & (indicators["siren"] != "")]
    states = (INTERLOCUTORS, ELECTED, TECHNICAL, COMMITTEE, REPRESENTATIVES)
    tables = {code: own[own["indicator"] == code].drop_duplicates("siren").set_index("siren") for code in states}
    told = tuple(_told(study, tables[code]) for code in states)
    terms = tuple(INDICATORS[code][0] for code in states)
    views = []
    for code in states:
        labels = _PEOPLE if code in (INTERLOCUTORS, REPRESENTATIVES) else _YES_NO
        ranks = _governance_ranks(study, tables[code], people=labels is _PEOPLE)
        classes = named_classes(labels, missing=NOT_SAID)
        named = texts(classes[rank].name for rank in ranks)
        views.append(
            View(
                code=code.replace("_", "-"),
                label=INDICATORS[code][0],
                title=INDICATORS[code][0],
                classes=classes,
                ranks=ranks,
                checks=no_checks(len(ranks)),
                terms=("Classe", *terms),
                cells=(named, *told),
                brief=named,
                sentences=texts(f"{INDICATORS[code][0]}{NBSP}: {name.lower()}." for name in named),
            )
        )
    return epci_theme(
        study,
        views,
        code="gouvernance",
        title=f"Gouvernance locale{NBSP}: {study.departement_name}",
        label="Gouvernance locale",
        note="Référents, interlocuteurs et instance locale de chaque EPCI.",
        choice="Indicateur",
        method=(_METHOD,),
    )


def _governance_ranks(study: Study, table: pd.DataFrame, *, people: bool) -> Ranks:
    rows = table.reindex(study.epci["siren"])
    values = rows["value"].where(rows["status"] == MEASURED).to_numpy(dtype=np.float64)
    best = 2 if people else 1
    return np.where(np.isnan(values), best + 1, best - np.minimum(np.nan_to_num(values), best)).astype(np.int64)


def _told(study: Study, table: pd.DataFrame) -> tuple[str, ...]:
    rows = table.reindex(study.epci["siren"])
    return texts(
        number(value) if status == MEASURED else NOT_SAID.lower()
        for value, status in zip(rows["value"], rows["status"], strict=True)
    )


def actions_theme(study: Study, programme: Programme) -> Theme | None:
    """Return the theme of actions: how many reach each EPCI, by status, then each action; None without any."""
    actions = programme.actions[programme.actions["niveau"] == ACTION]
    if actions.empty:
        return None
    reached = programme.reach.merge(actions[["code", "titre", "statut"]], on="code").drop_duplicates(["code", "siren"])
    reached = reached.assign(statut=[plain_text(status) or NO_STATUS for status in reached["statut"]])
    lists = _lists(study, reached)
    statuses = [status for status in dict.fromkeys(reached["statut"]) if len(set(reached["statut"])) > 1]
    whole = _count_view(study, reached, lists, code="toutes", label="Nombre d'actions", group="")
    by_status = [
        _count_view(study, reached[reached["statut"] == status], lists, code=status, label=status, group="Par statut")
        for status in sorted(statuses)
    ]
    each = [_action_view(study, row, reached, lists) for row in actions.to_dict("records")]
    silent = len(set(actions["code"]) - set(reached["code"]))
    lost = f" {count(silent, 'action')} sans territoire reconnu." if silent else ""
    return epci_theme(
        study,
        [whole, *by_status, *each],
        code="actions",
        title=f"Actions par territoire{NBSP}: {study.departement_name}",
        label="Actions par territoire",
        note="Actions du schéma qui concernent chaque EPCI, par statut et une à une.",
        choice="Actions",
        method=(f"Une action concerne un EPCI quand elle le nomme, ou nomme son PETR ou le département.{lost}",),
    )


def _lists(study: Study, reached: pd.DataFrame) -> tuple[str, ...]:
    own = {
        siren: " ; ".join(
            f"{row.code} {row.titre} ({row.statut})"
            for row in rows[["code", "titre", "statut"]].itertuples(index=False)
        )
        for siren, rows in reached.groupby("siren")
    }
    return texts(own.get(siren, "aucune") for siren in study.epci["siren"])


def _count_view(
    study: Study, reached: pd.DataFrame, lists: tuple[str, ...], *, code: str, label: str, group: str
) -> View:
    numbers = reached.groupby("siren")["code"].nunique().reindex(study.epci["siren"], fill_value=0)
    values = numbers.to_numpy(dtype=np.float64)
    classes = at_least_classes(COUNTS, unit=_actions, none="Aucune action", missing=NO_CONVENTION, whole=True)
    apart = (study.epci["role"] != SIGNS).to_numpy(dtype=bool) & (values == 0)
    ranks = np.where(apart, len(classes) - 1, at_least_ranks(values, COUNTS))
    return _view(
        code=safe_file_stem("statut", code),
        label=plain_text(label[:1].upper() + label[1:]),
        title=plain_text("Nombre d'actions" if not group else f"Nombre d'actions{NBSP}: {label}"),
        group=group,
        classes=classes,
        ranks=ranks,
        lists=lists,
        said=[count(int(value), "action") for value in values],
    )


def _action_view(study: Study, row: dict[str, object], reached: pd.DataFrame, lists: tuple[str, ...]) -> View:
    own = reached[reached["code"] == row["code"]].set_index("siren")["via"]
    via = [own.get(siren, "") for siren in study.epci["siren"]]
    ranks = np.array([0 if siren in own.index else 1 for siren in study.epci["siren"]], dtype=np.int64)
    classes = named_classes(("EPCI concerné", "EPCI non concerné"))
    status = plain_text(row["statut"]) or NO_STATUS
    return _view(
        code=safe_file_stem("action", row["code"]),
        label=plain_text(f"{row['code']} {row['titre']}"),
        title=plain_text(f"{row['code']} {row['titre']} ({status})"),
        group="Une action",
        classes=classes,
        ranks=ranks,
        lists=lists,
        said=[f"concerné ({way})" if rank == 0 else "non concerné" for rank, way in zip(ranks, via, strict=True)],
    )


def _view(
    *,
    code: str,
    label: str,
    title: str,
    group: str,
    classes: tuple[MapClass, ...],
    ranks: Ranks,
    lists: tuple[str, ...],
    said: list[str],
) -> View:
    named = texts(classes[rank].name for rank in ranks)
    return View(
        code=code,
        label=label,
        group=group,
        title=title,
        classes=classes,
        ranks=ranks,
        checks=no_checks(len(ranks)),
        terms=("Classe", "Valeur", "Actions de cet EPCI"),
        cells=(named, texts(said), lists),
        brief=texts(said),
        sentences=texts(f"{title}{NBSP}: {text}." for text in said),
    )


def _actions(value: float) -> str:
    return count(int(value), "action")
