"""Part 3 of an annex: how many hours a service is open within reach, in the evening, on Saturday, and what choice."""

from __future__ import annotations

import math
from collections.abc import Iterator

from sdaasp_geo.french import NBSP, listing, number, percent, threshold
from sdaasp_geo.outputs.annexe_access import weighted
from sdaasp_geo.outputs.annexe_model import Table, Texts
from sdaasp_geo.outputs.annexe_scope import Row, Scope
from sdaasp_geo.parameters import number_setting

_HOURS = (
    *("mean_hours", "median_hours", "population_evening", "population_evening_unknown", "share_evening"),
    *("population_saturday", "population_saturday_unknown", "share_saturday"),
)
_CHOICES = (1, 2, 3)


def hours_table(scope: Scope) -> Table:
    """Return reachable hours a week, and who has a place open in the evening and on Saturday."""
    rows = [
        (label, *_hours_cells(row))
        for service, limit_min in _hours_limits(scope)
        for label, part, departement in scope.sides(_within(scope, service, limit_min))
        for row in _hours(scope, service, limit_min, part, departement=departement)
    ]
    return Table(
        title="Heures d'accès et ouverture en soirée ou le samedi",
        header=(
            *("Service, délai et territoire", "Heures par semaine, moyenne", "Heures par semaine, médiane"),
            *(
                "Habitants avec ouverture en soirée",
                "Avec ouverture le samedi",
                "Horaires inconnus (soir\u202f; samedi)",
            ),
        ),
        rows=tuple(rows),
        note=(
            f"Heures par semaine{NBSP}: pendant lesquelles au moins un lieu est ouvert dans le délai (minimum quand "
            f"les horaires d'un lieu sont inconnus). Soirée{NBSP}: après {clock(_evening_h(scope))}, au moins un jour "
            "par semaine. Les parts portent sur les habitants pour qui la réponse est connue\u202f; les autres sont "
            "comptés en dernière colonne. Une présence itinérante ou multisite ne compte qu'à ses arrêts connus."
        ),
    )


def _within(scope: Scope, service: str, limit_min: float) -> str:
    return f"{scope.service(service).label}, {threshold(limit_min)} au plus"


def _evening_h(scope: Scope) -> float:
    return number_setting(scope.study.parameters, "soir-min")


def clock(hours: float) -> str:
    """Write an hour of the day.

    Examples
    --------
    >>> clock(17.5).replace(NBSP, " "), clock(18.0).replace(NBSP, " ")
    ('17 h 30', '18 h')
    """
    hour, minute = divmod(round(60 * hours), 60)
    return f"{hour}{NBSP}h{NBSP}{minute:02d}" if minute else f"{hour}{NBSP}h"


def _hours_limits(scope: Scope) -> Iterator[tuple[str, float]]:
    """Return the services and limits that are shown: all of them, the first one only where a service is communal."""
    for service in scope.services:
        limits = scope.limits("presence", service)
        for limit_min in limits if service in scope.shared_services else limits[:1]:
            yield service, limit_min


def _hours(scope: Scope, service: str, limit_min: float, part: str, *, departement: bool = False) -> list[Row]:
    keys = {"service": service, "limit_min": limit_min}
    return scope.found("presence", part, departement=departement, **keys)


def _hours_cells(row: Row) -> Texts:
    hours = [number(row[name], digits=1) for name in ("mean_hours", "median_hours")]
    shares = [percent(row[name]) for name in ("share_evening", "share_saturday")]
    unknown = [number(row[f"population_{moment}_unknown"]) for moment in ("evening", "saturday")]
    return *hours, *shares, "\u202f; ".join(unknown)


def choice_table(scope: Scope) -> Table:
    """Return the inhabitants who have one, two, three places within each limit."""
    rows = []
    for service in scope.shared_services:
        for limit_min in _choice_limits(scope, service):
            for label, part, departement in scope.sides(_within(scope, service, limit_min)):
                found = _choices(scope, service, limit_min, part, departement=departement)
                if found:
                    shares = [percent(row["share"]) for row in found]
                    rows.append((label, *shares, number(found[0]["population_not_measured"])))
    return Table(
        title=f"Choix entre plusieurs lieux{NBSP}: part des habitants",
        header=("Service, délai et territoire", "Un lieu au moins", "Deux au moins", "Trois au moins", "Non mesurés"),
        rows=tuple(rows),
        note="Lieux d'accueil permanent à portée, quel que soit leur EPCI ou leur département.",
    )


def _choice_limits(scope: Scope, service: str) -> list[float]:
    return scope.limits("choice", service)


def _choices(scope: Scope, service: str, limit_min: float, part: str, *, departement: bool = False) -> list[Row]:
    """Return the rows of one, two and three places; none where one of them is missing."""
    keys = {"service": service, "limit_min": limit_min}
    found = scope.found("choice", part, departement=departement, **keys)
    by_number = {int(row["at_least"]): row for row in found}
    return [by_number[least] for least in _CHOICES] if set(_CHOICES) <= set(by_number) else []


def supply_sentences(scope: Scope) -> Texts:
    """Say the hours of service for 1,000 inhabitants who share them, in the EPCI and in the département."""
    if scope.diagnosis is None or scope.diagnosis.catchment.empty:
        return ()
    basin = threshold(number_setting(scope.study.parameters, "bassin-min"))
    texts = []
    for service in scope.shared_services:
        own, reference = supply(scope, service), supply(scope, service, departement=True)
        if not math.isnan(own):
            texts.append(
                f"{number(own, digits=1)} pour {scope.service(service).label} (département{NBSP}: "
                f"{number(reference, digits=1)})"
            )
    if not texts:
        return ()
    said = (
        f"Heures d'ouverture par semaine pour 1\u202f000{NBSP}habitants, quand chaque lieu se partage entre tous ceux "
        f"qui peuvent s'y rendre en {basin}{NBSP}: {listing(texts)}."
    )
    return (said,)


def supply(scope: Scope, service: str, *, departement: bool = False) -> float:
    """Return hours a week for 1,000 inhabitants within the basin: mean weighted by inhabitants, NaN without any."""
    if scope.diagnosis is None or scope.diagnosis.catchment.empty:
        return float("nan")
    communes = scope.study.communes
    chosen = communes[communes["inside"] if departement else communes["epci"] == scope.siren]
    table = scope.diagnosis.catchment
    rows = table[table["service"] == service].merge(chosen[["code", "population"]], on="code")
    return weighted(rows["hours_per_1000"], rows["population"], "mean_min")


def figures(scope: Scope) -> dict[str, float]:
    """Return the raw figures of this part, named ``service.limit.part.figure``."""
    found: dict[str, float] = {}
    for part in scope.parts:
        for service, limit_min in _hours_limits(scope):
            key = f"{service}.{limit_min:g}.{part}"
            for row in _hours(scope, service, limit_min, part):
                found |= {f"{key}.{name}": float(row[name]) for name in _HOURS}
        for service in scope.shared_services:
            for limit_min in _choice_limits(scope, service):
                for row in _choices(scope, service, limit_min, part):
                    key = f"{service}.{limit_min:g}.{part}.choice_{row['at_least']}"
                    found |= {
                        f"{key}.population_with": float(row["population_with"]),
                        f"{key}.share": float(row["share"]),
                    }
    if scope.diagnosis:
        found |= {f"{service}.supply_hours_per_1000": supply(scope, service) for service in scope.shared_services}
    return found
