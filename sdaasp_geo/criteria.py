"""Criteria of deficit: what is asked of a commune, from when to when, and who says so; read from dated tables."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Literal

import msgspec

from sdaasp_geo.errors import SchemeError
from sdaasp_geo.french import NBSP
from sdaasp_geo.parameters import Rule
from sdaasp_geo.toml_files import read_toml

OTHER_THEME = "autres"
MEAN_TIME, NUMBER, SHARE = "temps-moyen", "nombre", "part"
WEEK, EVENING, SATURDAY = "heures-semaine", "soir", "samedi"
_MEASURES = {
    "temps": ("",),
    "choix": ("",),
    "presence": (WEEK, EVENING, SATURDAY),
    "panier": (MEAN_TIME, NUMBER, SHARE),
}
YES_NO = "oui ou non"
_KIND_UNITS = {"temps": "min", "choix": "lieux"}
_MEASURE_UNITS = {
    WEEK: "heures par semaine",
    EVENING: YES_NO,
    SATURDAY: YES_NO,
    MEAN_TIME: "min",
    NUMBER: "services",
    SHARE: "part",
}


class Theme(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A theme of the diagnosis: its code, its French label, and the services it holds."""

    code: str
    label: str
    services: tuple[str, ...] = ()


class Criterion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is asked of a commune, during a period.

    Attributes
    ----------
    code, theme, label : str
        Identifier, code of the theme, and what the criterion asks, in French.
    kind : str
        ``temps``, ``choix``, ``presence``, ``panier`` or ``indicateur``.
    threshold : float
        In the unit of the kind; a value equal to it satisfies the criterion.
    beyond, beyond_label : str
        Class (code, French label) of the communes that do not satisfy it.
    valid_from, valid_to : dt.date
        First and last day of validity; no last day where it still holds.
    reference, reference_url : str
        Who says so.
    services : tuple of str
        Codes of the common grid: one for a time, a choice or a presence, several for a basket.
    measure : str
        What is compared: see ``criteria.toml``.
    limit_min : float or None
        Minutes within which places, hours or services count.
    unit : str
        Unit of an indicator.
    composition : str
        ``partielle`` when the list of a basket is not published in full.
    """

    code: str
    theme: str
    kind: Literal["temps", "choix", "presence", "panier", "indicateur"]
    label: str
    threshold: float
    beyond: str
    beyond_label: str
    valid_from: dt.date
    reference: str
    services: tuple[str, ...] = ()
    measure: str = ""
    limit_min: float | None = None
    valid_to: dt.date | None = None
    reference_url: str = ""
    unit: str = ""
    composition: Literal["complete", "partielle"] = "complete"


class Criteria(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Themes and criteria of a file, with its version and the thresholds of the table of sensitivity (minutes)."""

    version: str = ""
    sensitivity_min: tuple[float, ...] = ()
    theme: tuple[Theme, ...] = ()
    service_label: dict[str, str] = {}
    criterion: tuple[Criterion, ...] = ()


def at_most(criterion: Criterion) -> bool:
    """Tell whether the value must be at most the threshold (times), or at least (all else)."""
    return criterion.kind == "temps" or criterion.measure == MEAN_TIME


def unit_of(criterion: Criterion) -> str:
    """Return the unit of a criterion's value and threshold."""
    return criterion.unit or _KIND_UNITS.get(criterion.kind) or _MEASURE_UNITS.get(criterion.measure, "")


def read_criteria(path: Path | None = None) -> Criteria:
    """Read the criteria of the package, completed or replaced, code by code, by those of a file.

    Parameters
    ----------
    path : Path, optional
        A TOML file of the form of ``criteria.toml``.

    Raises
    ------
    SchemeError
        When the file cannot be read as criteria, or its criteria contradict themselves: all faults together.
    """
    embedded = _decode(Path(__file__).with_suffix(".toml"))
    if path is None:
        return embedded
    own = _decode(path)
    replaced = {criterion.code for criterion in own.criterion}
    kept = [criterion for criterion in embedded.criterion if criterion.code not in replaced]
    themes = {theme.code: theme for theme in (*embedded.theme, *own.theme)}
    merged = Criteria(
        version=" + ".join(version for version in (embedded.version, own.version) if version),
        sensitivity_min=own.sensitivity_min or embedded.sensitivity_min,
        theme=tuple(themes.values()),
        service_label=embedded.service_label | own.service_label,
        criterion=(*kept, *own.criterion),
    )
    faults = list(_faults(merged))
    if faults:
        message = f"Critères contradictoires dans {path.name}{NBSP}: {' ; '.join(faults)}."
        raise SchemeError(message)
    return merged


def _decode(path: Path) -> Criteria:
    fault = f"Critères illisibles dans {path.name}"
    return read_toml(path, kind=Criteria, fault=fault, remedy="Reprenez la forme de criteria.toml.")


def _faults(criteria: Criteria) -> Iterator[str]:
    themes = {theme.code for theme in criteria.theme}
    for criterion in criteria.criterion:
        if criterion.theme not in themes:
            yield f"{criterion.code}, thème «{NBSP}{criterion.theme}{NBSP}» inconnu"
        yield from (f"{criterion.code}, {fault}" for fault in _contradictions(criterion))
    ordered = sorted(criteria.criterion, key=lambda criterion: (criterion.code, criterion.valid_from))
    for first, second in pairwise(ordered):
        if first.code == second.code and (first.valid_to is None or first.valid_to >= second.valid_from):
            yield f"{first.code}, deux versions valables le {second.valid_from.isoformat()}"


def _contradictions(criterion: Criterion) -> Iterator[str]:
    measures = _MEASURES.get(criterion.kind, (criterion.measure,))
    if criterion.measure not in measures or (criterion.kind == "indicateur" and not criterion.measure):
        yield f"mesure «{NBSP}{criterion.measure}{NBSP}» impossible ({criterion.kind})"
    if criterion.kind == "panier" and not criterion.services:
        yield "panier sans service"
    if criterion.kind in ("temps", "choix", "presence") and len(criterion.services) != 1:
        yield "un seul service attendu"
    within = criterion.kind in ("choix", "presence") or criterion.measure in (NUMBER, SHARE)
    if within and criterion.limit_min is None:
        yield "limit_min attendu"
    if unit_of(criterion) == YES_NO and criterion.threshold != 1:
        yield "seuil de 1 attendu (oui)"
    if criterion.valid_to is not None and criterion.valid_to < criterion.valid_from:
        yield "fin de validité avant le début"


def criteria_on(criteria: Criteria, *, date: dt.date, codes: Sequence[str] | None = None) -> tuple[Criterion, ...]:
    """Choose the criteria in force on a date, in the order of the file (or of ``codes``).

    Raises
    ------
    SchemeError
        When a code is unknown, or has no version in force on that date.
    """
    current = {
        criterion.code: criterion
        for criterion in criteria.criterion
        if criterion.valid_from <= date and (criterion.valid_to is None or date <= criterion.valid_to)
    }
    if codes is None:
        return tuple(current.values())
    known = {criterion.code for criterion in criteria.criterion}
    unknown = sorted(set(codes) - known)
    if unknown:
        available = ", ".join(sorted(known))
        message = f"Critères inconnus{NBSP}: {', '.join(unknown)}. Critères disponibles{NBSP}: {available}."
        raise SchemeError(message)
    idle = sorted(set(codes) - set(current))
    if idle:
        message = f"Critères qui ne sont pas en vigueur le {date.isoformat()}{NBSP}: {', '.join(idle)}."
        raise SchemeError(message)
    return tuple(current[code] for code in dict.fromkeys(codes))


def criteria_in_force(criteria: Criteria, rules: Sequence[Rule], *, date: dt.date) -> tuple[Criterion, ...]:
    """Return all that is asked of communes on a date: the rules of a run, then the criteria in force.

    Raises
    ------
    SchemeError
        When criteria in force have the code of a rule of the run: each commune would be counted twice.
    """
    current = criteria_on(criteria, date=date)
    twice = sorted({rule.code for rule in rules} & {criterion.code for criterion in current})
    if twice:
        message = (
            f"Critères qui portent le code d'une règle{NBSP}: {', '.join(twice)}. Changez la règle dans "
            "fichiers.parametres, ou donnez un autre code au critère."
        )
        raise SchemeError(message)
    return (*criteria_from_rules(criteria, rules), *current)


def criteria_from_rules(criteria: Criteria, rules: Sequence[Rule]) -> tuple[Criterion, ...]:
    """Return rules as criteria of the kind ``temps``, with the theme that holds their service."""
    theme_of = {service: theme.code for theme in criteria.theme for service in theme.services}
    return tuple(
        Criterion(
            code=rule.code,
            theme=theme_of.get(rule.service, OTHER_THEME),
            kind="temps",
            label=rule.label,
            threshold=rule.threshold_min,
            beyond=rule.beyond,
            beyond_label=rule.beyond_label,
            valid_from=rule.valid_from,
            valid_to=rule.valid_to,
            reference=rule.reference,
            services=(rule.service,),
            reference_url=rule.reference_url,
        )
        for rule in rules
    )
