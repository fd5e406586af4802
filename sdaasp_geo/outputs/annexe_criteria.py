"""Part 4 of an annex: criteria of deficit other than thresholds of time, and what another threshold would change."""

from __future__ import annotations

import pandas as pd

from sdaasp_geo.analysis.deficits import NOT_MEASURED
from sdaasp_geo.criteria import WEEK, YES_NO, Criterion, criteria_in_force, read_criteria, unit_of
from sdaasp_geo.french import NARROW_NBSP, NBSP, count, listing, number, percent, threshold
from sdaasp_geo.outputs.annexe_model import Table, Texts
from sdaasp_geo.outputs.annexe_scope import INSIDE, MANY, NONE, OUTSIDE, WHOLE, Row, Scope, people

_SENSITIVITY = ("population_beyond", "population_to_check", "population_not_measured", "share_beyond")
_TIMES = "temps"
_LARGEST = 5
"""Communes that are named among many."""


def criteria_of(scope: Scope) -> dict[str, Criterion]:
    """Return the criteria in force at the edition, by code, as the scheme gives them."""
    scheme = scope.study.scheme
    sheet = read_criteria(scheme.path(scheme.fichiers.criteres) if scheme.fichiers.criteres else None)
    found = criteria_in_force(sheet, scope.study.rules, date=scheme.edition)
    return {criterion.code: criterion for criterion in found}


def criteria_table(scope: Scope) -> Table:
    """Return the communes and inhabitants that satisfy each criterion, thresholds of time apart."""
    labels = criteria_of(scope) if scope.diagnosis else {}
    rows = []
    for code, group in scope.measured_criteria_rows:
        if (group["kind"] != _TIMES).all():
            label = labels[code].label if code in labels else code
            rows.append((label, *_counts(group[group["own"]]), *_shares(scope, group)))
    return Table(
        title="Critères autres que le temps",
        header=(
            *("Critère", "Satisfait", "Non satisfait", "À vérifier", "Non mesuré"),
            *("EPCI entier", "Partie dans le dépt", "Partie hors du dépt", "Tout le dépt"),
        ),
        rows=tuple(rows),
        note=(
            f"Communes de l'EPCI, avec leurs habitants entre parenthèses. «{NBSP}À vérifier{NBSP}»{NBSP}: communes, "
            "déjà comptées, dont la réponse peut changer dans la bande d'erreur ou quand des horaires sont inconnus. "
            f"Quatre dernières colonnes{NBSP}: part des habitants mesurés dont la commune satisfait le critère. "
            f"Références en partie 8.{_idle(scope, labels)}"
        ),
    )


def measured_criteria(scope: Scope) -> list[Criterion]:
    """Return the criteria that are measured in the EPCI, thresholds of time apart."""
    labels = criteria_of(scope) if scope.diagnosis else {}
    known = [labels[code] for code, _ in scope.measured_criteria_rows if code in labels]
    return [criterion for criterion in known if criterion.kind != _TIMES]


def criterion_threshold(criterion: Criterion) -> str:
    """Write the threshold of a criterion with its unit.

    Examples
    --------
    >>> from sdaasp_geo.criteria import read_criteria
    >>> known = {criterion.code: criterion for criterion in read_criteria().criterion}
    >>> criterion_threshold(known["france-services-choix-30"]).replace(NBSP, " ")
    '2 lieux'
    """
    unit = unit_of(criterion)
    if unit == YES_NO:
        return "oui"
    if unit == "part":
        return percent(criterion.threshold)
    digits = 0 if criterion.threshold.is_integer() else 1
    if criterion.measure == WEEK:
        unit = "h par semaine"
    return f"{number(criterion.threshold, digits=digits)}{NBSP}{unit}"


def _counts(rows: pd.DataFrame) -> Texts:
    missing = rows["class"] == NOT_MEASURED
    masks = (rows["met"], ~rows["met"] & ~missing, rows["to_check"], missing)
    return tuple(_some_communes(rows[mask]) for mask in masks)


def _some_communes(rows: pd.DataFrame) -> str:
    if rows.empty:
        return "0"
    return f"{number(len(rows))} ({number(rows['population'].sum())})"


def _shares(scope: Scope, rows: pd.DataFrame) -> Texts:
    own = rows["own"]
    masks = [own, own & rows["inside"], own & ~rows["inside"], rows["inside"]]
    texts = [percent(share_met(rows[mask])) for mask in masks]
    return tuple(texts) if scope.straddles else (texts[0], NONE, NONE, texts[3])


def share_met(rows: pd.DataFrame) -> float:
    """Return the share of the inhabitants measured whose commune satisfies a criterion; NaN without any."""
    measured = rows[rows["class"] != NOT_MEASURED]
    total = float(measured["population"].sum())
    return float(measured.loc[measured["met"], "population"].sum()) / total if total else float("nan")


def criteria_sentences(scope: Scope) -> Texts:
    """Name the communes that fail the most criteria, thresholds included."""
    labels, found = criteria_of(scope) if scope.diagnosis else {}, scope.measured_criteria_rows
    if not found:
        return ()
    table = pd.concat([rows[rows["own"] & (rows["class"] != NOT_MEASURED)] for _, rows in found])
    failed = table[~table["met"]]
    if failed.empty:
        return (f"Toutes les communes mesurées satisfont les {number(len(found))}{NBSP}critères.",)
    size = failed.groupby("code")["criterion"].size()
    most = int(size.max())
    chosen = failed[failed["code"].isin(size.index[size == most])]
    worst = chosen.drop_duplicates("code").sort_values(["population", "code"], ascending=[False, True])
    who = "Commune qui manque" if len(worst) == 1 else "Communes qui manquent"
    which = [code for code, _ in found if code in set(chosen["criterion"])]
    described = listing([f"«{NBSP}{labels[code].label if code in labels else code}{NBSP}»" for code in which])
    among = "parmi " if len(which) > most else ""
    said = (
        f"{who} le plus de critères, seuils de temps compris{NBSP}: {_named(worst, among=len(table['code'].unique()))} "
        f"({people(worst['population'].sum())})\u202f; {count(most, 'critère manqué', 'critères manqués')} sur "
        f"{number(len(found))}{NBSP}: {among}{described}."
    )
    return (said,)


def _named(communes: pd.DataFrame, *, among: int) -> str:
    """Name communes when they are few; count them, and name the largest, when they are many but not all."""
    if len(communes) <= MANY:
        return listing(list(communes["name"]))
    if len(communes) == among:
        return f"les {count(among, 'commune')}"
    return f"{count(len(communes), 'commune')}, dont {listing(list(communes['name'].head(_LARGEST)))}"


def _idle(scope: Scope, labels: dict[str, Criterion]) -> str:
    """Say which criteria are measured nowhere in the EPCI."""
    known = {code for code, _ in scope.measured_criteria_rows}
    idle = [criterion.label for code, criterion in labels.items() if code not in known]
    return f" Critères non mesurés, faute de données{NBSP}: {f'{NARROW_NBSP}; '.join(idle)}." if idle else ""


def sensitivity_table(scope: Scope) -> Table:
    """Return the communes and inhabitants beyond each of the thresholds tried."""
    rows = []
    for service in scope.shared_services:
        for threshold_min in _thresholds(scope, service):
            found = [_beyond(scope, service, threshold_min, part) for part in (WHOLE, INSIDE, OUTSIDE)]
            reference = _beyond(scope, service, threshold_min, INSIDE, departement=True)
            label = f"{scope.service(service).label}, plus de {threshold(threshold_min)}"
            rows.append(
                (label, *_beyond_cells(scope, found), percent(reference["share_beyond"]) if reference else NONE)
            )
    return Table(
        title=f"Ce que changerait un autre seuil{NBSP}: habitants au-delà",
        header=(
            *("Service et seuil", "Communes", "Habitants", "Part", "À vérifier", "Non mesurés"),
            *("Partie dans le dépt", "Partie hors du dépt", "Part, tout le dépt"),
        ),
        rows=tuple(rows),
        note=(
            "Seuils essayés pour juger de la solidité du classement\u202f; ceux qui s'appliquent sont en partie 8. "
            f"«{NBSP}À vérifier{NBSP}»{NBSP}: habitants dont la commune a ce seuil dans sa bande d'erreur."
        ),
    )


def _thresholds(scope: Scope, service: str) -> list[float]:
    return scope.limits("sensitivity", service, "threshold_min")


def _beyond(scope: Scope, service: str, threshold_min: float, part: str, *, departement: bool = False) -> Row | None:
    keys = {"service": service, "threshold_min": threshold_min}
    rows = scope.found("sensitivity", part, departement=departement, **keys)
    return rows[0] if rows else None


def _beyond_cells(scope: Scope, found: list[Row | None]) -> Texts:
    whole, *sides = found
    if whole is None:
        return (NONE,) * 7
    counts = [number(whole[name]) for name in ("communes_beyond", "population_beyond")]
    doubts = [number(whole[name]) for name in ("population_to_check", "population_not_measured")]
    parts = [number(row["population_beyond"]) if row and scope.straddles else NONE for row in sides]
    return *counts, percent(whole["share_beyond"]), *doubts, *parts


def figures(scope: Scope) -> dict[str, float]:
    """Return the raw figures of this part, named ``beyond-threshold.service.part.figure`` and ``criterion.figure``."""
    found: dict[str, float] = {}
    for service in scope.shared_services:
        for threshold_min in _thresholds(scope, service):
            for part in scope.parts:
                row = _beyond(scope, service, threshold_min, part) or {}
                key = f"{service}.beyond_{threshold_min:g}.{part}"
                found |= {f"{key}.{name}": float(row[name]) for name in _SENSITIVITY if name in row}
    for code, rows in scope.measured_criteria_rows:
        own = rows[rows["own"]]
        counted = own["population"].where(own["met"], 0).sum()
        found |= {f"{code}.population_met": float(counted), f"{code}.share_met": share_met(own)}
        found[f"{code}.departement.share_met"] = share_met(rows[rows["inside"]])
    return found
