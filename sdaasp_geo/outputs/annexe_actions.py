"""Part 6 of an annex: orientations of the scheme beside the figures, and the actions that follow from them."""

from __future__ import annotations

import math

from sdaasp_geo.french import NBSP, count, listing, number, percent, threshold
from sdaasp_geo.outputs import annexe_plan
from sdaasp_geo.outputs.annexe_access import flagged
from sdaasp_geo.outputs.annexe_hours import opens_on_saturday
from sdaasp_geo.outputs.annexe_identity import MAIRIE, census_shares, main_points, place_rate, places_of
from sdaasp_geo.outputs.annexe_model import Texts, blank
from sdaasp_geo.outputs.annexe_scope import WHOLE, Scope, capitalised, people, semicolons, singular, some

_ELSEWHERE = f"listées en partie{NBSP}2"


def orientation_rows(scope: Scope) -> tuple[Texts, ...]:
    """Draft « Des orientations adaptées »: each orientation, what the figures show, and the decision left blank."""
    decision = blank("choix de l'EPCI")
    orientations = annexe_plan.planned_orientations(scope)
    if orientations:
        return tuple((text, _shown(scope, text), decision) for text in orientations)
    themes = ("présence des services", "accès aux services", "services pour tous", "gouvernance locale")
    return tuple(
        (blank(f"orientation du schéma sur le thème «{NBSP}{theme}{NBSP}»"), _evidence(scope, theme), decision)
        for theme in themes
    )


def _shown(scope: Scope, orientation: str) -> str:
    return " ".join(text for text in (_evidence(scope, orientation), annexe_plan.answering(scope, orientation)) if text)


def _evidence(scope: Scope, orientation: str) -> str:
    """Return what the figures say of an orientation, from the words of its title."""
    words = orientation.lower()
    if "santé" in words or "éducation" in words:
        return f"Non mesuré dans cette édition (voir partie{NBSP}7)."
    if "présence" in words:
        return _presence_evidence(scope)
    if "accès" in words or "accessib" in words:
        return _access_evidence(scope)
    if "pour tous" in words or "public" in words:
        return _ages_evidence(scope)
    if "gouvernance" in words or "suivi" in words:
        where = f"en parties{NBSP}3 et{NBSP}4"
        return f"Représentants à désigner (article{NBSP}3)\u202f; chiffres de référence du suivi {where}."
    return "Aucun chiffre de cette édition ne s'y rapporte."


def _presence_evidence(scope: Scope) -> str:
    permanent, partial = main_points(scope, permanent=True), main_points(scope, permanent=False)
    service = scope.service(scope.main)
    text = f"{count(len(permanent), singular(service), service.plural)} en accueil permanent"
    if len(partial):
        text += f" et {count(len(partial), 'présence partielle', 'présences partielles')}"
    return f"{text}\u202f; {number(place_rate(scope), digits=1)} pour 10\u202f000{NBSP}habitants."


def _access_evidence(scope: Scope) -> str:
    texts = []
    for rule in scope.rules(scope.main):
        row = scope.coverage(scope.main, WHOLE, rule.code)
        if row is not None:
            texts.append(
                f"{people(row['population_beyond'])} à plus de {threshold(rule.threshold_min)}, "
                f"{people(row['population_to_check'])} à vérifier"
            )
    return capitalised(f"{semicolons(texts)}.") if texts else "Aucun seuil n'est fixé."


def _ages_evidence(scope: Scope) -> str:
    shares = census_shares(scope)
    if math.isnan(shares["age_65_plus"]):
        return "Âges non mesurés."
    return (
        f"{percent(shares['age_65_plus'])} d'habitants de 65 ans ou plus et {percent(shares['age_0_19'])} "
        "de moins de 20 ans. "
        "Mobilité et usages numériques non mesurés."
    )


def action_rows(scope: Scope) -> tuple[Texts, ...]:
    """Draft « Une première série d'actions »: proposals that follow from the figures, with their reason."""
    found = [*_coverage_actions(scope), *_offer_actions(scope), *_border_actions(scope), *_standing_actions()]
    leads = ", ".join([blank("pilote"), blank("partenaires"), blank("calendrier")])
    return tuple((str(rank), *texts, leads) for rank, texts in enumerate(found, start=1))


def _coverage_actions(scope: Scope) -> list[tuple[str, str, str]]:
    actions = []
    rows = flagged(scope, scope.main)
    label = scope.service(scope.main).label
    for rule in reversed(scope.rules(scope.main)):
        group = rows[rows["rule"] == rule.code]
        if len(group):
            actions.append(
                (
                    (
                        f"Étudier une présence {label} plus proche (antenne, permanence ou tournée) pour les "
                        "communes de classe "
                        f"«{NBSP}{rule.beyond_label}{NBSP}»."
                    ),
                    f"{people(group['population'].sum())} à plus de {threshold(rule.threshold_min)}.",
                    some(list(group["name"])),
                )
            )
    check = rows[rows["to_check"]]
    if len(check):
        actions.append(
            (
                "Vérifier les temps de trajet des communes proches d'un seuil avant de les classer.",
                f"{people(check['population'].sum())} dans une commune dont la bande d'erreur contient un seuil.",
                some(list(check["name"])),
            )
        )
    return actions


def _offer_actions(scope: Scope) -> list[tuple[str, str, str]]:
    actions = []
    partial = main_points(scope, permanent=False)
    if len(partial):
        actions.append(
            (
                (
                    "Consolider la présence partielle\u00a0: fixer et publier les arrêts, jours et horaires, "
                    "et examiner son passage en accueil permanent."
                ),
                (
                    f"{count(len(partial), 'présence partielle', 'présences partielles')} non "
                    f"comptée{'s' if len(partial) > 1 else ''} dans les temps d'accès."
                ),
                some(places_of(partial), where=_ELSEWHERE),
            )
        )
    points = scope.points
    silent = points[(points["horaires"] == "") & (points["service"] != MAIRIE)]
    if len(silent):
        actions.append(
            (
                "Compléter les horaires d'ouverture manquants dans la grille commune d'information.",
                f"{count(len(silent), 'lieu', 'lieux')} sans horaires exploitables.",
                some(places_of(silent), where=_ELSEWHERE),
            )
        )
    return [*actions, *_saturday_actions(scope)]


def _saturday_actions(scope: Scope) -> list[tuple[str, str, str]]:
    permanent = main_points(scope, permanent=True)
    saturday = any(opens_on_saturday(str(hours)) for hours in permanent["horaires"])
    if scope.main == MAIRIE or permanent.empty or saturday:
        return []
    return [
        (
            "Examiner une ouverture le samedi ou en soirée dans l'un des lieux d'accueil.",
            "Aucun accueil permanent n'ouvre le samedi d'après les horaires publiés.",
            some(places_of(permanent), where=_ELSEWHERE),
        )
    ]


def _border_actions(scope: Scope) -> list[tuple[str, str, str]]:
    access = scope.of_service(scope.main)
    away = access[access["place_epci"].notna() & (access["place_epci"] != scope.siren)]
    actions = []
    if len(away):
        hosts = away.groupby("place_epci")["population"].sum().sort_values(ascending=False, kind="stable")
        actions.append(
            (
                (
                    "Convenir avec les EPCI voisins de l'accueil des habitants qui s'y rendent (information, "
                    "horaires, moyens)."
                ),
                f"{people(away['population'].sum())} ont leur lieu le plus proche dans un autre EPCI.",
                listing([scope.epci_name(siren) for siren in hosts.index]),
            )
        )
    different = scope.study.differences
    mine = different[different["code"].isin(set(scope.members["code"])) | (different["epci_second"] == scope.siren)]
    if len(mine):
        actions.append(
            (
                "Arrêter le périmètre de référence de la convention.",
                "Deux sources donnent un EPCI différent.",
                listing(sorted(mine["name"])),
            )
        )
    return actions


def _standing_actions() -> list[tuple[str, str, str]]:
    return [
        (
            (
                "Désigner un élu et un technicien référents et réunir l'instance locale de suivi, au moins "
                "deux fois par an."
            ),
            f"Participation de l'EPCI à la gouvernance du schéma (article{NBSP}3).",
            "EPCI entier",
        ),
        (
            (
                "Transmettre chaque année l'état d'avancement des actions et la mise à jour de la grille "
                "commune d'information."
            ),
            "Les chiffres de cette annexe sont datés\u202f; le suivi demande une mise à jour annuelle.",
            "EPCI entier",
        ),
    ]
