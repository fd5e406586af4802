"""Thresholds and conventions of measure: read from dated tables, never written in code."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import msgspec

from sdaasp_geo.errors import SchemeError
from sdaasp_geo.french import NBSP
from sdaasp_geo.toml_files import read_toml


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A threshold on the time to the nearest place of a service.

    Attributes
    ----------
    code, service : str
        Identifiers; the service is a code of the common grid.
    threshold_min : float
        Minutes; a time ``<=`` the threshold satisfies the rule.
    beyond, beyond_label : str
        Class (code, French label) of the communes that do not satisfy it.
    label, reference, reference_url : str
        What the rule says, and where it comes from.
    valid_from, valid_to : dt.date
        First and last day of validity, both included; no last day where the rule still holds. A code may have
        several versions that do not overlap.
    """

    code: str
    service: str
    threshold_min: float
    beyond: str
    beyond_label: str
    label: str
    valid_from: dt.date
    reference: str
    reference_url: str = ""
    valid_to: dt.date | None = None


class Setting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A convention of measure: a value, its unit, the date it holds from and its source."""

    code: str
    value: float | list[str]
    unit: str
    valid_from: dt.date
    reference: str


class Service(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A service's names in French: ``label``, ``nearest`` (« la mairie la plus proche ») and ``plural``."""

    code: str
    label: str
    nearest: str
    plural: str


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All rules and settings of a run."""

    rule: tuple[Rule, ...] = ()
    setting: tuple[Setting, ...] = ()
    service: tuple[Service, ...] = ()


def read_parameters(path: Path | None = None) -> Parameters:
    """Read the parameters of the package, completed or replaced, code by code, by those of a file.

    Parameters
    ----------
    path : Path, optional
        A TOML file of the same form; its rules replace those of the same code, all versions together.

    Raises
    ------
    SchemeError
        When the file cannot be read as parameters (the message names the key), or contradicts itself: a setting or a
        service given twice, versions of a rule that overlap or end before they begin; all faults together.
    """
    embedded = _decode(Path(__file__).with_suffix(".toml"))
    if path is None:
        return embedded
    own = _decode(path)
    faults = list(_faults(own))
    if faults:
        message = f"Paramètres contradictoires dans {path.name}{NBSP}: {' ; '.join(faults)}."
        raise SchemeError(message)
    replaced = {rule.code for rule in own.rule}
    kept = [rule for rule in embedded.rule if rule.code not in replaced]
    settings = {setting.code: setting for setting in (*embedded.setting, *own.setting)}
    services = {service.code: service for service in (*embedded.service, *own.service)}
    return Parameters(rule=(*kept, *own.rule), setting=tuple(settings.values()), service=tuple(services.values()))


def _decode(path: Path) -> Parameters:
    fault = f"Paramètres illisibles dans {path.name}"
    return read_toml(path, kind=Parameters, fault=fault, remedy="Reprenez la forme de parameters.toml.")


def _faults(own: Parameters) -> Iterator[str]:
    for noun, entries in (("paramètre", own.setting), ("service", own.service)):
        counts = Counter(entry.code for entry in entries)
        yield from (f"{code}, {noun} donné {size} fois" for code, size in counts.items() if size > 1)
    for rule in own.rule:
        if rule.valid_to is not None and rule.valid_to < rule.valid_from:
            yield f"{rule.code}, fin de validité avant le début"
    for first, second in pairwise(sorted(own.rule, key=lambda rule: (rule.code, rule.valid_from))):
        if first.code == second.code and (first.valid_to is None or first.valid_to >= second.valid_from):
            yield f"{first.code}, deux versions valables le {second.valid_from.isoformat()}"


def rules_of(
    parameters: Parameters, *, codes: Sequence[str], services: Sequence[str], date: dt.date
) -> tuple[Rule, ...]:
    """Choose rules by code, in the version in force on a date, ordered by service and rising threshold.

    Raises
    ------
    SchemeError
        When a code is unknown, not yet or no longer valid on ``date``, or its service is not in ``services``.
    """
    wanted, known = list(dict.fromkeys(codes)), {rule.code for rule in parameters.rule}
    unknown = sorted(set(wanted) - known)
    if unknown:
        message = f"Règles inconnues{NBSP}: {', '.join(unknown)}. Règles disponibles{NBSP}: {', '.join(sorted(known))}."
        raise SchemeError(message)
    current = {rule.code: rule for rule in parameters.rule if _in_force(rule, date)}
    begun = {rule.code for rule in parameters.rule if rule.valid_from <= date}
    early = [code for code in wanted if code not in begun]
    if early:
        message = f"Règles non encore en vigueur à la date de l'édition ({date.isoformat()}){NBSP}: {', '.join(early)}."
        raise SchemeError(message)
    ended = [code for code in wanted if code not in current]
    if ended:
        message = (
            f"Règles qui ne sont plus en vigueur à la date de l'édition ({date.isoformat()}){NBSP}: {', '.join(ended)}."
        )
        raise SchemeError(message)
    chosen = [current[code] for code in wanted]
    idle = [rule.code for rule in chosen if rule.service not in services]
    if idle:
        message = f"Règles dont le service n'est pas mesuré{NBSP}: {', '.join(idle)}. Ajoutez-le à mesure.services."
        raise SchemeError(message)
    return tuple(sorted(chosen, key=lambda rule: (rule.service, rule.threshold_min, rule.code)))


def _in_force(rule: Rule, date: dt.date) -> bool:
    return rule.valid_from <= date and (rule.valid_to is None or date <= rule.valid_to)


def service_names(parameters: Parameters, code: str) -> Service:
    """Return the names of a service; a service without names is called by its code."""
    for service in parameters.service:
        if service.code == code:
            return service
    label = code.replace("-", " ").capitalize()
    return Service(
        code=code,
        label=label,
        nearest=f"le lieu «{NBSP}{label}{NBSP}» le plus proche",
        plural=f"lieux «{NBSP}{label}{NBSP}»",
    )


def setting(parameters: Parameters, code: str) -> Setting:
    """Return one setting by its code.

    Raises
    ------
    SchemeError
        When it does not exist.
    """
    for candidate in parameters.setting:
        if candidate.code == code:
            return candidate
    message = f"Paramètre «{NBSP}{code}{NBSP}» absent. Ajoutez-le au fichier des paramètres."
    raise SchemeError(message)


def number_setting(parameters: Parameters, code: str) -> float:
    """Return a setting that is a number.

    Raises
    ------
    SchemeError
        When it does not exist or is not a number.
    """
    value = setting(parameters, code).value
    if isinstance(value, list):
        message = f"Le paramètre «{NBSP}{code}{NBSP}» doit être un nombre."
        raise SchemeError(message)
    return value


def words_setting(parameters: Parameters, code: str) -> tuple[str, ...]:
    """Return a setting that is a list of words.

    Raises
    ------
    SchemeError
        When it does not exist or is not a list.
    """
    value = setting(parameters, code).value
    if not isinstance(value, list):
        message = f"Le paramètre «{NBSP}{code}{NBSP}» doit être une liste de mots."
        raise SchemeError(message)
    return tuple(value)
