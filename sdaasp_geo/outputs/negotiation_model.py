"""What a negotiation sheet says, before any layout: one neighbouring EPCI, both directions, typed figures."""

from __future__ import annotations

import math
from collections import Counter as Tally
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from sdaasp_geo import french
from sdaasp_geo.analysis.competence import FROM_AREA, FROM_RULE
from sdaasp_geo.analysis.coverage import NO_TERRITORY
from sdaasp_geo.analysis.negotiation import FROM_NEIGHBOUR, TO_NEIGHBOUR
from sdaasp_geo.french import NARROW_NBSP, NBSP
from sdaasp_geo.outputs import negotiation_method
from sdaasp_geo.outputs.annexe_scope import NONE, full_name
from sdaasp_geo.outputs.escape import plain_text
from sdaasp_geo.parameters import number_setting, service_names
from sdaasp_geo.study import Study
from sdaasp_geo.travel.engine import REACHED, Method

DIGITS = 1
"""Decimals of minutes and kilometres: those that the page shows are those that the workbook holds."""

_TITLES = {FROM_NEIGHBOUR: "Vos habitants mieux servis chez nous", TO_NEIGHBOUR: "Nos habitants mieux servis chez vous"}
_ASSIGNMENTS = {FROM_AREA: "Zone de l'opérateur", FROM_RULE: "Hypothèse"}


@dataclass(frozen=True)
class Desk:
    """A counter (*guichet*): its name, its commune with the code of the département, and the minutes to it.

    ``time_min`` is None where it is not known, and ``reason`` says why.
    """

    name: str
    commune: str
    time_min: float | None
    reason: str


@dataclass(frozen=True)
class Case:
    """A commune × operator: who lives there, the counter competent today, the nearest one, and what moving would win.

    ``border_km`` is shared with the other party; ``gain_min`` is None where it is not known; ``remark`` says why it is
    not, or why the case is not listed. Figures are rounded to `DIGITS`, a gain less where that would make it cross the
    least gain of a negotiation.
    """

    commune: str
    code: str
    departement: str
    epci: str
    population: int
    border_km: float
    service: str
    assignment: str
    competent: Desk
    nearest: Desk
    gain_min: float | None
    listed: bool
    remark: str


@dataclass(frozen=True)
class Total:
    """A direction × service: communes and inhabitants that touch the other party and that are listed, minutes won."""

    direction: str
    service: str
    communes_border: int
    population_border: int
    communes_listed: int
    population_listed: int
    communes_not_measured: int
    gain_mean_min: float | None
    gain_max_min: float | None


@dataclass(frozen=True)
class Direction:
    """One of the two directions: its title, what is said of it, and its cases (the listed ones first)."""

    key: str
    title: str
    border: str
    nothing: str
    others: str
    cases: tuple[Case, ...]

    @property
    def listed(self) -> tuple[Case, ...]:
        """Cases worth a negotiation."""
        return tuple(case for case in self.cases if case.listed)


@dataclass(frozen=True)
class Sheet:
    """A negotiation sheet, the same whatever the format; every text of the data is on one line and inert.

    Attributes
    ----------
    siren, epci : str
        Code and full name of the neighbouring EPCI.
    title, subtitle, edition : str
        Title of the document; ISO date of the edition.
    identification : tuple of (str, str)
        Labels and values under the title.
    introduction, sentences : tuple of str
        What the sheet is; one sentence per service and operator.
    totals, directions : tuple
        Figures by direction and service; then the communes, the neighbour's first.
    method, missing : tuple of str
        How it was made, and what it does not say.
    sources : tuple of tuple of str
        Data, producer, vintage, licence.
    """

    siren: str
    epci: str
    title: str
    subtitle: str
    edition: str
    identification: tuple[tuple[str, str], ...]
    introduction: tuple[str, ...]
    sentences: tuple[str, ...]
    totals: tuple[Total, ...]
    directions: tuple[Direction, ...]
    method: tuple[str, ...]
    missing: tuple[str, ...]
    sources: tuple[tuple[str, ...], ...]


def make_sheet(
    study: Study,
    method: Method,
    *,
    siren: str,
    rows: pd.DataFrame,
    totals: pd.DataFrame,
    sentences: pd.DataFrame,
    names: Mapping[str, str],
) -> Sheet:
    """Gather what the sheet of one neighbouring EPCI says.

    Parameters
    ----------
    study, method : Study, Method
        The checked layers, and how times were obtained.
    siren : str
        The neighbouring EPCI.
    rows, totals, sentences : DataFrame
        `analysis.negotiation`, of every neighbour: only the rows of this one are read.
    names : mapping
        Names of EPCI by SIREN.

    Returns
    -------
    Sheet
        Minutes and kilometres rounded to `DIGITS`.
    """
    own, summed, said = (table[table["neighbour"] == siren] for table in (rows, totals, sentences))
    least = french.threshold(number_setting(study.parameters, "gain-negociation-min"))
    epci, home = _full_name(siren, names), _home(study)
    directions = tuple(_direction(study, own, names, key=key, least=least) for key in _TITLES)
    return Sheet(
        siren=plain_text(siren),
        epci=epci,
        title="Fiche de négociation des zones d'intervention des opérateurs",
        subtitle=f"{home}{NBSP}– {epci}",
        edition=study.scheme.edition.isoformat(),
        identification=_identification(study, method, own, siren=siren, epci=epci, least=least),
        introduction=_introduction(study, siren=siren, epci=epci, home=home),
        sentences=tuple(plain_text(sentence) for sentence in said["sentence"]),
        totals=tuple(_total(study, row) for key in _TITLES for row in _records(summed[summed["direction"] == key])),
        directions=directions,
        method=negotiation_method.method_texts(study, method),
        missing=negotiation_method.missing_texts(study, own, siren=siren, name=names.get(siren, "")),
        sources=negotiation_method.source_rows(study, method, own),
    )


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]


def _home(study: Study) -> str:
    return plain_text(f"{study.departement_name} ({study.scheme.departement})")


def _full_name(siren: str, names: Mapping[str, str]) -> str:
    name = plain_text(names.get(siren, ""))
    return full_name(name, name.split(" ")[0]) if name else f"EPCI{NBSP}{plain_text(siren)}"


def _identification(
    study: Study, method: Method, rows: pd.DataFrame, *, siren: str, epci: str, least: str
) -> tuple[tuple[str, str], ...]:
    scheme = study.scheme
    shared = rows[rows["direction"] == TO_NEIGHBOUR].drop_duplicates("code")["border_km"].sum()
    border = f"{french.number(shared, digits=DIGITS)}{NBSP}km" if shared else "aucune"
    return (
        ("Département", _home(study)),
        ("Intercommunalité voisine", f"{epci} (SIREN{NBSP}{plain_text(siren)})"),
        ("Schéma", plain_text(scheme.nom)),
        ("Édition", french.date(scheme.edition)),
        ("Périmètres et populations", f"1er{NBSP}janvier{NBSP}{scheme.millesimes.mesure}"),
        ("Temps", f"{method.label}{' (estimation)' if method.estimate else ''}"),
        ("Limite partagée", border),
        ("Gain retenu", f"{least} au moins"),
    )


def _introduction(study: Study, *, siren: str, epci: str, home: str) -> tuple[str, ...]:
    texts = [
        (
            "Cette fiche compare, pour chaque commune proche de notre limite, le guichet dont elle relève aujourd'hui "
            "et le guichet le plus proche du même opérateur. Elle sert à préparer un échange sur les zones "
            "d'intervention des opérateurs, dans les deux sens. C'est un document de travail."
        ),
        (
            f"«{NBSP}Nous{NBSP}» et «{NBSP}ici{NBSP}» désignent le département{NBSP}: {home}. «{NBSP}Vous{NBSP}» et "
            f"«{NBSP}le voisin{NBSP}» désignent l'intercommunalité{NBSP}: {epci}."
        ),
    ]
    inside = study.communes[study.communes["inside"] & (study.communes["epci"] == siren)]
    if len(inside):
        both = french.listing(french.in_order(plain_text(name) for name in inside["name"]))
        are, counted = ("est", "comptée") if len(inside) == 1 else ("sont", "comptées")
        member = "membre" if len(inside) == 1 else "membres"
        texts.append(
            f"{both} {are} à la fois dans notre département et {member} de votre intercommunalité{NBSP}: "
            f"{counted} ici avec «{NBSP}nos{NBSP}» communes."
        )
    return tuple(texts)


def _direction(study: Study, rows: pd.DataFrame, names: Mapping[str, str], *, key: str, least: str) -> Direction:
    own = rows[rows["direction"] == key]
    order = own.assign(unlisted=~own["listed"].astype(bool), gain=-own["gain_min"])
    order = order.sort_values(["unlisted", "service", "operator", "gain", "code"])
    cases = tuple(_case(study, row, names, least=least) for row in _records(order))
    yours = key == FROM_NEIGHBOUR
    whose, host = ("vos", "de notre département") if yours else ("nos", "de votre intercommunalité")
    return Direction(
        key="vos-habitants" if yours else "nos-habitants",
        title=_TITLES[key],
        border=_border(own, yours=yours),
        nothing=f"Aucune de {whose} communes ne gagnerait au moins {least} avec un guichet {host}.",
        others=_others([case.remark for case in cases if not case.listed]),
        cases=cases,
    )


def _border(rows: pd.DataFrame, *, yours: bool) -> str:
    """Name the communes that touch the other party."""
    touching = rows[rows["border_km"] > 0].drop_duplicates("code")
    whose, other = ("Vos", "notre département") if yours else ("Nos", "votre intercommunalité")
    if touching.empty:
        return f"Aucune de {whose.lower()} communes ne touche {other}."
    names = french.listing(french.in_order(plain_text(name) for name in touching["name"]))
    people = french.count(int(touching["population"].fillna(0).sum()), "habitant")
    size = french.count(len(touching), "commune")
    return f"{whose} communes qui touchent {other} ({size}, {people}){NBSP}: {names}."


def _others(remarks: list[str]) -> str:
    """Count the cases that are not listed, by reason."""
    if not remarks:
        return ""
    reasons = [f"{remark} ({size})" for remark, size in sorted(Tally(remarks).items())]
    size = french.count(len(remarks), "cas examiné et non retenu", "cas examinés et non retenus")
    return f"{size} (une commune et un service), dans le classeur joint{NBSP}: {f'{NARROW_NBSP}; '.join(reasons)}."


def _case(study: Study, row: Mapping[str, Any], names: Mapping[str, str], *, least: str) -> Case:
    epci = row["epci"]
    known = isinstance(epci, str) and epci != NO_TERRITORY
    small = "" if row["listed"] else f"gain de moins de {least}"
    limit = number_setting(study.parameters, "gain-negociation-min")
    return Case(
        commune=plain_text(row["name"]),
        code=plain_text(row["code"]),
        departement=plain_text(row["departement"]),
        epci=plain_text(names.get(epci, epci)) if known else "aucune",
        population=0 if pd.isna(row["population"]) else int(row["population"]),
        border_km=round(float(row["border_km"]), DIGITS),
        service=_service(study, row["service"], row["operator"]),
        assignment=_ASSIGNMENTS.get(row["assignment"], "Non connue"),
        competent=_desk(row, "competent_"),
        nearest=_desk(row, "nearest_"),
        gain_min=_figure(row["gain_min"], beside=limit),
        listed=bool(row["listed"]),
        remark=plain_text(row["gain_reason"]) or small,
    )


def _service(study: Study, service: str, operator: str) -> str:
    """Write a service and its operator, as the sentences do."""
    label, who = plain_text(service_names(study.parameters, service).label), plain_text(operator)
    return label if who.casefold() in ("", label.casefold()) else f"{label} ({who})"


def _desk(row: Mapping[str, Any], prefix: str) -> Desk:
    commune, departement = (plain_text(row[f"{prefix}place_{part}"]) for part in ("commune", "departement"))
    reason = plain_text(row[f"{prefix}reason"])
    return Desk(
        name=plain_text(row[f"{prefix}place_name"]) or NONE,
        commune=f"{commune} ({departement})" if commune and departement else commune,
        time_min=_figure(row[f"{prefix}time_min"]),
        reason="" if reason == REACHED else reason,
    )


def _total(study: Study, row: Mapping[str, Any]) -> Total:
    whole = ("communes_border", "population_border", "communes_listed", "population_listed", "communes_not_measured")
    return Total(
        direction=_TITLES[row["direction"]],
        service=_service(study, row["service"], row["operator"]),
        **{name: int(row[name]) for name in whole},
        gain_mean_min=_figure(row["gain_mean_min"]),
        gain_max_min=_figure(row["gain_max_min"]),
    )


def _figure(value: float, *, beside: float = math.inf) -> float | None:
    """Round a figure, not so much that it would cross a threshold; None where it is not known."""
    if math.isnan(value):
        return None
    return round(float(value), french.decimals(float(value), digits=DIGITS, beside=(beside,)))
