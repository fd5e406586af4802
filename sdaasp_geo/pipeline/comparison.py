"""Two editions of a scheme: what changed, and how much supply, population, perimeter and source each explain."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sdaasp_geo import __version__
from sdaasp_geo.analysis import lifecycle
from sdaasp_geo.analysis.change import FACTORS, MEAN, SHARE, WITHIN, State, explain_change, indicator, round_effects
from sdaasp_geo.errors import SchemeError
from sdaasp_geo.french import NBSP, count, listing, threshold
from sdaasp_geo.layers.scope import departement_of
from sdaasp_geo.outputs import publish
from sdaasp_geo.outputs.comparison import sentence, write_comparison
from sdaasp_geo.parameters import service_names
from sdaasp_geo.pipeline.editions import (
    CORRECTED,
    SOURCE,
    SUPPLY,
    Editions,
    Measured,
    changed_factors,
    changed_places,
    measured_once,
    prepare_editions,
)
from sdaasp_geo.pipeline.ground import stacked
from sdaasp_geo.pipeline.reporting import Report, quiet
from sdaasp_geo.scheme import Scheme
from sdaasp_geo.sources import france
from sdaasp_geo.study import Comparison

COMPARISON_STEPS = 11
"""Steps that `compare` reports for two services."""

WORDS = {"supply": SUPPLY, "population": "population", "perimeter": "périmètre", "source": SOURCE}
"""Factors of change, in French."""

DIGITS = {WITHIN: 0, MEAN: 2}
"""Decimals kept by the rounded effects: inhabitants, minutes."""

_LEVELS = ("departement", "epci", "petr")
_SIDES = ("d'avant", "d'après")
_NAMED = 5
_BEFORE = dict.fromkeys(FACTORS, 0)


def compare(
    before: Scheme, after: Scheme, folder: Path, *, report: Report = quiet, cache: Path | None = None
) -> Comparison:
    """Compare two editions and write the explained change in a folder, complete or not at all.

    Parameters
    ----------
    before, after : Scheme
        Two editions of the scheme of one département.
    folder : Path
        Absent, empty, or an earlier run, which is replaced.
    report, cache
        See `measure`.

    Raises
    ------
    SdaaspError
        Any error of `compare_editions`, or of the folder; nothing is left behind.
    """
    publish.check_replaceable(folder)
    found = compare_editions(before, after, report=report, cache=cache)
    report("Tableaux")
    with publish.published(folder) as beside:
        write_comparison(found, beside, version=__version__)
    return found


def compare_editions(before: Scheme, after: Scheme, *, report: Report = quiet, cache: Path | None = None) -> Comparison:
    """Split what changed between two editions into effects of supply, population, perimeter and source.

    The indicators are the inhabitants within the threshold of each rule of either edition, and the mean minutes
    weighted by inhabitants, for every service that both measure, by département, EPCI and PETR. The figures before and
    after are those that each edition publishes. Mixed states are measured too (`analysis.change.explain_change`):

    - *supply*: the permanent places of an edition;
    - *population*: the legal populations of an edition, restated on the communes of the other by the passage table;
    - *perimeter*: the communes, EPCI and PETR of an edition, and its points of reference;
    - *source*: the engine of an edition, and where its list puts the places that both lists have in the same commune.

    Raises
    ------
    SchemeError
        When the editions are of two départements, or measure no service in common.
    InputError
        Faults of the inputs; communes of a matrix of minutes that are not of the vintage of its edition.
    """
    services = _check(before, after)
    editions = prepare_editions(before, after, report=report, cache=cache)
    vintages = (before.millesimes.mesure, after.millesimes.mesure)
    report("Vie des périmètres")
    events = _lifecycle(vintages, before.departement)
    found = []
    for service in services:
        report(f"Comparaison{NBSP}: {service_names(editions.studies[1].parameters, service).plural}")
        found.append(_compare_service(editions, service))
    figures = _with_breaks(stacked(own["figures"] for own in found), events, vintages, before.departement)
    return Comparison(
        before=editions.studies[0],
        after=editions.studies[1],
        methods=found[0]["methods"],
        services=services,
        figures=figures.assign(sentence=[sentence(row) for row in figures.to_dict("records")]),
        **{table: stacked(own[table] for own in found) for table in ("effects", "communes", "places")},
        lifecycle=events,
        notes=(*_notes(editions, services), *(note for own in found for note in own["notes"])),
    )


def _compare_service(editions: Editions, service: str) -> dict[str, Any]:
    measured = measured_once(editions, service)
    after = changed_factors(editions, service)
    effects, figures = _explained(editions, measured, service, after)
    return {
        "effects": effects,
        "figures": figures,
        "communes": _communes(editions, measured, service, after),
        "places": changed_places(editions, service),
        "notes": _service_notes(editions, measured, service, after),
        "methods": tuple(measured(*_mixture(state)).method for state in (_BEFORE, after)),
    }


def _mixture(state: State) -> tuple[int, int, int, int]:
    """Return the factors of a state in the order that `measured_once` takes them."""
    return state["supply"], state["population"], state["perimeter"], state["source"]


def _check(before: Scheme, after: Scheme) -> tuple[str, ...]:
    """Return the services that both editions measure; refuse two départements, or no service in common."""
    faults = []
    if before.departement != after.departement:
        faults.append(f"les deux éditions ne sont pas du même département ({before.departement}, {after.departement})")
    services = tuple(service for service in after.mesure.services if service in before.mesure.services)
    if not services:
        asked = " ; ".join(", ".join(scheme.mesure.services) for scheme in (before, after))
        faults.append(f"elles ne mesurent aucun service en commun ({asked})")
    if faults:
        message = f"Comparaison impossible{NBSP}: {' et '.join(faults)}."
        raise SchemeError(message)
    return services


def _evaluation(
    editions: Editions, measured: Measured, *, level: str, figure: str, threshold_min: float | None
) -> Callable[[State], pd.Series]:
    """Make the function that computes an indicator of a mixture, by territory of a level."""

    def evaluate(state: State) -> pd.Series:
        population, perimeter = state["population"], state["perimeter"]
        given = {
            **state,
            "population": editions.populations[population, perimeter],
            "perimeter": editions.members[perimeter][level],
        }
        return indicator(
            given,
            measure=lambda supply, source: measured(supply, population, perimeter, source).minutes,
            figure=figure,
            threshold_min=threshold_min,
        )

    return evaluate


def _explained(
    editions: Editions, measured: Measured, service: str, after: dict[str, int]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the effects and the figures of a service, for every level and indicator."""
    limits = sorted(
        {rule.threshold_min for study in editions.studies for rule in study.rules if rule.service == service}
    )
    asked: list[tuple[str, float | None]] = [*((WITHIN, limit) for limit in limits), (MEAN, None)]
    effects, figures = [], []
    for level, (figure, limit) in itertools.product(_LEVELS, asked):
        options: dict[str, Any] = {"level": level, "threshold_min": limit}
        evaluate = _evaluation(editions, measured, figure=figure, **options)
        absent = 0.0 if figure == WITHIN else np.nan
        table = explain_change(_BEFORE, after, evaluate, absent=absent)
        table["rounded"] = _rounded(table, digits=DIGITS[figure])
        marked = {"service": service, "indicator": figure, "threshold_min": np.nan if limit is None else limit}
        wide = _wide(table)
        constant = evaluate({**_BEFORE, "perimeter": after["perimeter"]})
        wide.insert(2, "constant_value", wide["territory"].map(constant).fillna(absent))
        share = _evaluation(editions, measured, figure=SHARE, **options)
        for column, state in (("before_share", _BEFORE), ("after_share", after)):
            wide[column] = np.nan if limit is None else wide["territory"].map(share(state))
        effects.append(_first(table.assign(level=level, **marked), ["level", "territory", *marked]))
        figures.append(_first(wide.assign(level=level, **marked), ["level", "territory", *marked]))
    named = stacked(effects).rename(columns={"effect": "factor", "value": "effect", "rounded": "effect_rounded"})
    return named.assign(factor=named["factor"].map(WORDS)), stacked(figures)


def _first(table: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    return table[[*columns, *(column for column in table.columns if column not in columns)]]


def _rounded(table: pd.DataFrame, *, digits: int) -> pd.Series:
    """Round effects so that they add up, and so that exchanging the editions changes every sign."""
    sign = np.sign(table["value"].round(9)).replace(0.0, np.nan).groupby(table["territory"]).transform("first")
    sign = sign.fillna(1.0)
    return round_effects(table.assign(value=table["value"] * sign), digits=digits)["value"] * sign + 0.0


def _wide(table: pd.DataFrame) -> pd.DataFrame:
    """Return one row per territory: values, rounded change, rounded effects."""
    values = table.drop_duplicates("territory").set_index("territory")[["before", "after"]]
    values = values.set_axis(["before_value", "after_value"], axis="columns")
    effects = table.pivot_table(index="territory", columns="effect", values="rounded", dropna=False)[list(FACTORS)]
    values["change_value"] = effects.sum(axis="columns", skipna=False).round(6) + 0.0
    return values.join(effects.add_suffix("_effect")).reset_index()


def _communes(editions: Editions, measured: Measured, service: str, after: dict[str, int]) -> pd.DataFrame:
    """Return each studied commune of the edition after: population and minutes of both editions, restated on it."""
    layer = editions.studies[1].communes
    own = pd.DataFrame(layer.loc[layer["studied"], ["code", "name", "epci", "departement", "inside"]])
    people = [editions.populations[edition, 1].set_index("code") for edition in (0, 1)]
    times = [
        measured(*_mixture(state)).minutes.set_index("code")["time_min"]
        for state in ({**_BEFORE, "perimeter": after["perimeter"]}, after)
    ]
    return own.rename(columns={"name": "commune_name"}).assign(
        service=service,
        population_before=own["code"].map(people[0]["population"]),
        population_after=own["code"].map(people[1]["population"]),
        population_estimated=own["code"].map(people[0]["estimated"]).astype("bool"),
        before_min=own["code"].map(times[0]),
        after_min=own["code"].map(times[1]),
    )


def _lifecycle(vintages: tuple[int, int], departement: str) -> pd.DataFrame:
    """List what happened to the perimeters between the two vintages, the older first; nothing where they are one."""
    older, later = sorted(vintages)
    if older == later:
        return pd.DataFrame()
    return lifecycle.lifecycle(
        france.read_membership(older),
        france.read_membership(later),
        france.read_moves(),
        epci_names=(france.read_epci_names(older), france.read_epci_names(later)),
        petr=france.read_petr(),
        departements=[departement],
    )


def _with_breaks(
    figures: pd.DataFrame, events: pd.DataFrame, vintages: tuple[int, int], departement: str
) -> pd.DataFrame:
    """Flag the territories whose perimeter changed between the two vintages, and say how."""
    if events.empty:
        return figures.assign(perimeter_break=False, break_reason="")
    territories = figures["territory"].drop_duplicates()
    series = stacked(pd.DataFrame({"territory": territories, "vintage": year}) for year in vintages)
    marked = lifecycle.break_flag(series, stacked([events, _across_departements(events, departement)]))
    found = marked[marked["vintage"] == max(vintages)].set_index("territory")
    return figures.assign(
        perimeter_break=figures["territory"].map(found["perimeter_break"]).astype("bool"),
        break_reason=figures["territory"].map(found["break_reason"]),
    )


def _across_departements(events: pd.DataFrame, departement: str) -> pd.DataFrame:
    """Return the communes that the département gained or lost, as events of the département."""
    own = events[(events["level"] == lifecycle.COMMUNE) & (events["code"] != "") & (events["code_after"] != "")]
    was, now = (own[column].map(departement_of) == departement for column in ("code", "code_after"))
    event = pd.Series(np.where(now, lifecycle.GAINED, lifecycle.LOST), index=own.index)
    return own.assign(territory=departement, event=event)[was != now]


def _notes(editions: Editions, services: Sequence[str]) -> list[str]:
    """Say in French what the reader of a comparison must know, whatever the service."""
    one, other = (study.scheme for study in editions.studies)
    notes = []
    years = (one.millesimes.mesure, other.millesimes.mesure)
    if years[0] != years[1]:
        notes.append(
            f"Périmètres et populations au 1er janvier {years[0]} avant, {years[1]} après{NBSP}: dans les états "
            "intermédiaires, chaque population est ramenée aux communes de l'autre millésime par la table de passage."
        )
        studied = editions.studies[1].communes.set_index("code")["studied"]
        people = editions.populations[0, 1].set_index("code")
        shared = int((people["estimated"] & studied).sum())
        if shared:
            notes.append(
                f"{count(shared, 'commune')} dont la population d'avant est répartie au prorata de celle d'après, "
                "faute de mieux."
            )
    alone = sorted(set(one.mesure.services) ^ set(other.mesure.services))
    if alone:
        notes.append(f"Services mesurés par une seule édition, non comparés{NBSP}: {listing(alone)}.")
    rules = [{(rule.service, rule.threshold_min) for rule in study.rules} for study in editions.studies]
    notes += [
        f"Le seuil de {threshold(limit)} ({service}) n'est que d'une édition{NBSP}; il est appliqué aux deux."
        for service, limit in sorted(rules[0] ^ rules[1])
        if service in services
    ]
    if any(study.cells is not None for study in editions.studies):
        notes.append("La comparaison part des communes, non des carreaux habités.")
    return notes


def _service_notes(editions: Editions, measured: Measured, service: str, after: dict[str, int]) -> list[str]:
    """Say what is not known of a service: positions that changed, pairs and communes that were not measured."""
    label = service_names(editions.studies[1].parameters, service).label
    notes = []
    corrected = int((changed_places(editions, service)["place_change"] == CORRECTED).sum())
    if corrected:
        many = count(corrected, "lieu a", "lieux ont")
        notes.append(f"{label}{NBSP}: {many} une autre position dans la même commune, ce qui compte en source.")
    mixtures = ((0, {**after, "supply": 1, "source": 0}), (1, {**_BEFORE, "supply": 0, "source": after["source"]}))
    for side, state in mixtures if after["source"] else ():
        reach = measured(*_mixture(state))
        own = measured(*_mixture((_BEFORE, after)[side]))
        blind = [place for place in reach.unmeasured if place not in own.unmeasured]
        if blind:
            more = "…" if len(blind) > _NAMED else ""
            many = count(len(blind), "lieu", "lieux")
            notes.append(
                f"{label}{NBSP}: la source de l'édition {_SIDES[side]} ne donne aucun temps vers {many} de l'autre "
                f"({', '.join(blind[:_NAMED])}{more}){NBSP}; leur effet est partagé entre offre et source."
            )
    for when, state in zip(_SIDES, (_BEFORE, after), strict=True):
        table = measured(*_mixture(state)).minutes
        missing = int(table["time_min"].isna().sum())
        if missing:
            notes.append(
                f"{label}{NBSP}: {count(missing, 'commune')} sans temps dans l'édition {when}, hors des moyennes."
            )
    return notes
