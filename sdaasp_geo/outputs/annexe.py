"""The facts of the territorial annex of one EPCI: formatted French texts, tables, and the figures behind them."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from sdaasp_geo import french
from sdaasp_geo.french import NBSP, listing
from sdaasp_geo.outputs import (
    annexe_access,
    annexe_actions,
    annexe_answers,
    annexe_border,
    annexe_criteria,
    annexe_draft,
    annexe_identity,
    annexe_items,
    annexe_method,
    annexe_needs,
    annexe_perimeter,
    annexe_plan,
    annexe_presence,
)
from sdaasp_geo.outputs.annexe_model import AnnexeFacts, Table, Texts, cleaned
from sdaasp_geo.outputs.annexe_needs import Line
from sdaasp_geo.outputs.annexe_scope import Scope, full_name, make_scope
from sdaasp_geo.outputs.answers_model import Facing, face
from sdaasp_geo.study import Measures, Study

__all__ = ["AnnexeFacts", "Table", "annexe_facts"]

_TIMES = ("mean_min", "median_min", "p90_min", "max_min", "nearest_elsewhere_share")
_COVER = (
    "population",
    "population_within",
    "population_beyond",
    "population_to_check",
    "population_not_measured",
    "share_within",
)


def annexe_facts(
    study: Study, measures: Measures, *, siren: str, census: pd.DataFrame, facing: Facing | None = None
) -> AnnexeFacts:
    """Gather everything that the annex of an EPCI says.

    Parameters
    ----------
    study, measures : Study, Measures
        The checked layers and the figures; distances in the legal CRS of the layers, times in minutes.
    siren : str
        The EPCI.
    census : DataFrame
        ``code, pop_2021, age_0_19, age_20_64, age_65_plus, logements, residences_principales,
        residences_secondaires, logements_vacants`` (INSEE, census of 2021); perhaps the legal population of five years
        before, ``population_before, population_before_year``.
    facing : Facing, optional
        Deficits and actions face to face (`answers_model.face`); made from the study unless given.

    Returns
    -------
    AnnexeFacts
        Texts and tables, identical for every format.

    Raises
    ------
    NameNotResolvedError
        When the EPCI is not in the study.
    """
    scope = make_scope(study, measures, siren=siren, census=census)
    name = str(scope.epci["name"])
    edition = study.scheme.edition
    faced = facing or face(study, measures)
    lines = annexe_needs.profile(scope)
    texts = {**_texts(scope), "ecarts": annexe_answers.answers_sentences(scope, faced)}
    facts = AnnexeFacts(
        siren=siren,
        epci=name,
        title="Annexe territoriale à la convention de mise en œuvre du schéma",
        subtitle=full_name(name, str(scope.epci["kind"])),
        running=f"Annexe territoriale{NBSP}– {name}{NBSP}– édition du {french.date(edition)}",
        edition=edition.isoformat(),
        identification=_identification(scope),
        texts=texts,
        tables=annexe_items.with_items(_tables(scope, faced, lines), texts, scope),
        figures={
            **_figures(scope),
            **annexe_needs.figures(scope, lines),
            **annexe_answers.answers_figures(scope, faced),
        },
    )
    return cleaned(facts)


def _identification(scope: Scope) -> tuple[tuple[str, str], ...]:
    scheme = scope.study.scheme
    return (
        ("EPCI", str(scope.epci["name"])),
        ("Département", scope.departement_label),
        ("Schéma", scheme.nom),
        ("Référence", scheme.reference or scheme.nom),
        ("Édition", french.date(scheme.edition)),
    )


def _texts(scope: Scope) -> dict[str, Texts]:
    services = listing([scope.service(code).plural for code in scope.services])
    method = scope.measures.method
    caution = " Les temps sont des estimations, données avec leur bande d'erreur." if method.estimate else ""
    return {
        "chapeau": (
            (
                "Cette annexe accompagne la convention territoriale de l'EPCI. Elle décrit le territoire, les "
                "services qui y sont "
                f"présents et leur accès ({services}), puis propose une rédaction des articles 2 à 4.{caution}"
            ),
        ),
        "perimetre": (*annexe_perimeter.perimeter_notes(scope), *annexe_perimeter.lifecycle_sentences(scope)),
        "services": annexe_identity.mairies_text(scope),
        "acces": annexe_border.border_sentences(scope),
        "inegalites": annexe_access.inequality_sentences(scope),
        "offre": annexe_presence.supply_sentences(scope),
        "negociation": annexe_border.negotiation_sentences(scope),
        "criteres": annexe_criteria.criteria_sentences(scope),
        "deficits": annexe_access.deficits_text(scope),
        "carte": (
            (
                f"Carte de l'EPCI{NBSP}: périmètre, lieux d'accueil et classes d'accès. Édition du "
                f"{french.date(scope.study.scheme.edition)}. "
                f"Temps{NBSP}: {method.label}. Sources{NBSP}: partie{NBSP}8."
            ),
        ),
        **annexe_draft.articles(scope),
        "methode": annexe_method.method_texts(scope),
        "avertissements": annexe_method.warnings_of(scope),
    }


def _tables(scope: Scope, facing: Facing, lines: Sequence[Line]) -> dict[str, Table]:
    """Return the tables in the order of the document."""
    return {
        "identite": annexe_identity.identity_table(scope),
        "perimetre": annexe_identity.perimeter_table(scope),
        "recensement": annexe_identity.census_table(scope),
        "profil": annexe_needs.profile_table(scope, lines),
        "limitrophes": annexe_identity.neighbours_table(scope),
        "formats": annexe_needs.formats_table(scope),
        "services": annexe_identity.services_table(scope, permanent=True),
        "partiel": annexe_identity.services_table(scope, permanent=False),
        **_access_tables(scope),
        **_answers_table(scope, facing),
        "orientations": Table(
            title="Orientations du schéma et constats du territoire",
            header=("Orientation du schéma", "Ce que montrent les chiffres", "Déclinaison retenue"),
            rows=annexe_actions.orientation_rows(scope),
        ),
        "plan": annexe_plan.plan_table(scope),
        "actions": Table(
            title="Propositions d'actions",
            header=(
                "N°",
                "Proposition",
                "Constat qui la motive",
                "Communes ou territoires",
                "Pilote, partenaires, calendrier",
            ),
            rows=annexe_actions.action_rows(scope),
        ),
        "representants": Table(
            title="Représentants de l'EPCI",
            header=("Instance", "Rôle", "Titulaire", "Suppléant"),
            rows=annexe_plan.representatives_rows(scope),
        ),
        annexe_items.KEY: annexe_items.stand_in(),
        "regles": annexe_method.rules_table(scope),
        "sources": annexe_method.sources_table(scope),
        "communes": annexe_identity.communes_table(scope),
    }


def _answers_table(scope: Scope, facing: Facing) -> dict[str, Table]:
    """Return the table of deficits, actions and operators, where the scheme gives a plan."""
    tables = annexe_answers.answers_tables(scope, facing)
    return {"ecarts": tables["ecarts"]}


def _access_tables(scope: Scope) -> dict[str, Table]:
    """Return the tables of parts 3 and 4, in order."""
    return {
        "temps": annexe_access.times_table(scope),
        "deciles": annexe_access.deciles_table(scope),
        "seuils": annexe_access.thresholds_table(scope),
        "choix": annexe_presence.choice_table(scope),
        "heures": annexe_presence.hours_table(scope),
        "frontieres": annexe_border.balance_table(scope),
        "echanges": annexe_border.exchanges_table(scope),
        "guichets": annexe_border.penalty_table(scope),
        "lieux": annexe_access.places_table(scope),
        "deficits": annexe_access.deficits_table(scope),
        "zones": annexe_access.zones_table(scope),
        "criteres": annexe_criteria.criteria_table(scope),
        "sensibilite": annexe_criteria.sensitivity_table(scope),
    }


def _figures(scope: Scope) -> dict[str, float]:
    """Return the raw figures, named ``service.part.figure`` where they depend on them."""
    epci = scope.epci
    names = ("communes", "communes_inside", "communes_outside", "population", "population_inside", "population_outside")
    figures = {name: float(epci[name]) for name in names}
    for service in scope.services:
        for part in scope.parts:
            summary = scope.summary(service, part) or {}
            figures |= {f"{service}.{part}.{key}": float(summary[key]) for key in _TIMES if key in summary}
            for rule in scope.rules(service):
                row = scope.coverage(service, part, rule.code) or {}
                figures |= {f"{rule.code}.{part}.{key}": float(row[key]) for key in _COVER if key in row}
    parts = (annexe_access.diagnosis_figures, annexe_presence.figures, annexe_border.figures, annexe_criteria.figures)
    for more in parts:
        figures |= more(scope)
    return figures
