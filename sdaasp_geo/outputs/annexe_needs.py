"""Parts 1 and 2 of an annex: the EPCI compared with its département (100), and its places by format."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import pandas as pd

from sdaasp_geo.french import NBSP, number, percent, threshold
from sdaasp_geo.outputs.annexe_identity import FORMATS, census_shares, density_km2, departement_rate, place_rate
from sdaasp_geo.outputs.annexe_model import Table
from sdaasp_geo.outputs.annexe_presence import supply
from sdaasp_geo.outputs.annexe_scope import INSIDE, NONE, PART_LABELS, WHOLE, Scope

BEFORE, BEFORE_YEAR = "population_before", "population_before_year"
"""Columns that the census may hold: legal population some years before, on the communes of today, and its year."""

_SHARES = (
    ("age_65_plus", "Habitants de 65 ans et plus"),
    ("age_0_19", "Habitants de moins de 20 ans"),
    ("residences_secondaires", "Résidences secondaires et occasionnelles"),
    ("logements_vacants", "Logements vacants"),
)
_PER_10_000 = f"pour 10\u202f000{NBSP}habitants"


class Line(NamedTuple):
    """A line of the profile: key of its figures, label, the EPCI, the département, and whether it is a share."""

    key: str
    label: str
    own: float
    reference: float
    share: bool
    comparable: bool = True


def profile(scope: Scope) -> tuple[Line, ...]:
    """Return the lines of the profile: the EPCI, the département."""
    return tuple(_lines(scope))


def profile_table(scope: Scope, lines: Sequence[Line]) -> Table:
    """Return the figures of the EPCI beside those of the département, and what they are when these are 100."""
    rows = [
        (line.label, _written(line.own, share=line.share), _written(line.reference, share=line.share), _index(line))
        for line in lines
    ]
    return Table(
        title=f"Profil de l'EPCI, comparé au département{NBSP}(100)",
        header=("Indicateur", "EPCI entier", scope.departement_label, f"Indice (département{NBSP}={NBSP}100)"),
        rows=tuple(rows),
        note=(
            f"Indice{NBSP}: valeur de l'EPCI quand celle du département vaut 100. Recensement de 2021 pour les âges et "
            "les logements\u202f; le reste vient des parties 1 et 3. Un taux d'évolution n'a pas d'indice."
        ),
    )


def _lines(scope: Scope) -> Iterator[Line]:
    communes = scope.study.communes
    inside = pd.DataFrame(communes[communes["inside"]])
    yield Line("densite", "Habitants au km²", density_km2(scope.members), density_km2(inside), share=False)
    change = population_change(scope)
    if change is not None:
        yield change
    shares = census_shares(scope)
    for column, label in _SHARES:
        if not math.isnan(shares[column]):
            yield Line(column, label, shares[column], shares[f"departement_{column}"], share=True)
    label = f"{scope.service(scope.main).label}{NBSP}: accueils permanents {_PER_10_000}"
    yield Line("lieux_10000", label, place_rate(scope), departement_rate(scope), share=False)
    yield from _access_lines(scope)


def _access_lines(scope: Scope) -> Iterator[Line]:
    for service in scope.shared_services:
        label = scope.service(service).label
        own, reference = scope.summary(service, WHOLE), scope.summary(service, INSIDE, departement=True)
        if own and reference:
            times = (float(own["mean_min"]), float(reference["mean_min"]))
            yield Line(f"{service}.temps", f"{label}{NBSP}: minutes, en moyenne", *times, share=False)
        for rule in scope.rules(service):
            here = scope.coverage(service, WHOLE, rule.code)
            there = scope.coverage(service, INSIDE, rule.code, departement=True)
            if here and there:
                words = f"{label}{NBSP}: habitants à {threshold(rule.threshold_min)} au plus"
                values = (float(here["share_within"]), float(there["share_within"]))
                yield Line(f"{rule.code}.part", words, *values, share=True)
        hours = (supply(scope, service), supply(scope, service, departement=True))
        if not math.isnan(hours[0]):
            words = f"{label}{NBSP}: heures d'ouverture par semaine pour 1\u202f000{NBSP}habitants"
            yield Line(f"{service}.heures_1000", words, *hours, share=False)


def population_change(scope: Scope) -> Line | None:
    """Return the change of the legal population; None where the census holds no earlier one for every commune."""
    census = scope.census
    if BEFORE not in census:
        return None
    communes = scope.study.communes
    table = communes[["code", "epci", "inside", "population", "population_year"]].merge(
        census[["code", BEFORE, BEFORE_YEAR]], on="code"
    )
    own, inside = table[table["epci"] == scope.siren], table[table["inside"]]
    if len(own) < len(scope.members) or own[[BEFORE, BEFORE_YEAR, "population"]].isna().to_numpy().any():
        return None
    years = own[[BEFORE_YEAR, "population_year"]].astype("int64").drop_duplicates()
    if len(years) != 1:
        return None
    first, last = years.iloc[0]
    label = f"Évolution de la population légale, {first}{NBSP}à{NBSP}{last}"
    return Line("evolution", label, _growth(own), _growth(inside), share=True, comparable=False)


def _growth(table: pd.DataFrame) -> float:
    """Return the relative change of the population of some communes; NaN where one has no earlier population."""
    before = table[BEFORE]
    return math.nan if before.isna().any() or not before.sum() else float(table["population"].sum() / before.sum() - 1)


def _written(value: float, *, share: bool) -> str:
    return percent(value) if share else number(value, digits=1)


def _index(line: Line) -> str:
    if not line.comparable or not line.reference or math.isnan(line.own) or math.isnan(line.reference):
        return NONE
    return number(100 * line.own / line.reference)


def formats_table(scope: Scope) -> Table:
    """Return the places of each shared service by format, in the EPCI and in the département."""
    rows = [
        (f"{scope.service(service).label}{NBSP}– {label}", *(number(size) for size in sizes))
        for service in scope.shared_services
        for label, sizes in _formats(scope, service)
    ]
    return Table(
        title="Lieux par format",
        header=("Service et territoire", *(label.capitalize() for label in FORMATS.values()), "Total"),
        rows=tuple(rows),
        note="Lieux situés dans le territoire. Un autre format que ceux des colonnes ne compte que dans le total.",
    )


def _formats(scope: Scope, service: str) -> list[tuple[str, list[int]]]:
    """Return the sizes of each format, then the total: in the EPCI, in its parts, in the département."""
    points = scope.study.points
    points = points[points["service"] == service]
    own = points["epci"] == scope.siren
    masks = [(PART_LABELS[WHOLE], own)]
    if scope.straddles:
        masks += [
            (PART_LABELS[part], own & (points["inside"] == (part == INSIDE))) for part in scope.parts if part != WHOLE
        ]
    masks.append((scope.departement_label, points["inside"].astype(bool)))
    found = []
    for label, mask in masks:
        sizes = points.loc[mask, "format"].value_counts()
        found.append((label, [*(int(sizes.get(code, 0)) for code in FORMATS), int(mask.sum())]))
    return found


def figures(scope: Scope, lines: Sequence[Line]) -> dict[str, float]:
    """Return the raw figures of this part: ``profil.line`` and ``profil.line.departement``, formats."""
    found: dict[str, float] = {}
    for line in lines:
        found |= {f"profil.{line.key}": line.own, f"profil.{line.key}.departement": line.reference}
    for service in scope.shared_services:
        sizes = _formats(scope, service)[0][1]
        found |= {f"{service}.lieux.{code}": float(size) for code, size in zip(FORMATS, sizes, strict=False)}
    return found
