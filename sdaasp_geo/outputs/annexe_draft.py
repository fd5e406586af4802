"""Part 6 of an annex: the draft of articles 2 to 4 of the territorial convention, from the figures."""

from __future__ import annotations

import math

import pandas as pd

from sdaasp_geo.analysis.deficits import NOT_MEASURED, SERVED
from sdaasp_geo.french import NBSP, count, listing, minutes, number, percent, threshold
from sdaasp_geo.outputs import annexe_plan
from sdaasp_geo.outputs.annexe_access import flagged
from sdaasp_geo.outputs.annexe_border import border_figures
from sdaasp_geo.outputs.annexe_hours import opens_on_saturday
from sdaasp_geo.outputs.annexe_identity import (
    census_shares,
    density_km2,
    departement_rate,
    main_points,
    place_rate,
    places_of,
)
from sdaasp_geo.outputs.annexe_model import Texts, blank
from sdaasp_geo.outputs.annexe_scope import (
    INSIDE,
    MANY,
    WHOLE,
    Scope,
    full_name,
    people,
    singular,
    some,
    subject_name,
)
from sdaasp_geo.parameters import Service

_CLOSE_SHARE = 0.01


def realities(scope: Scope) -> Texts:
    """Draft « Des réalités spécifiques au territoire »."""
    texts = [
        _territory(scope),
        _straddling(scope),
        _people(scope),
        _offer(scope),
        _access(scope),
        _beyond(scope),
        _border(scope),
    ]
    texts.append(blank("projets et équilibres du territoire que les chiffres ne disent pas"))
    return tuple(text for text in texts if text)


def _territory(scope: Scope) -> str:
    epci, study = scope.epci, scope.study
    communes = study.communes[study.communes["inside"]]
    density, reference = density_km2(scope.members), density_km2(pd.DataFrame(communes))
    share = int(epci["population_inside"]) / max(int(communes["population"].sum()), 1)
    name = subject_name(str(epci["name"]), str(epci["kind"]))
    people_label = "Ses habitants du département représentent" if scope.straddles else "Ses habitants représentent"
    return (
        f"{name} réunit {count(int(epci['communes']), 'commune')} et {people(epci['population'])} au {scope.vintage}. "
        f"{people_label} {percent(share)} de la population du département. La densité y est de "
        f"{number(density, digits=1)}{NBSP}habitants au kilomètre carré, contre "
        f"{number(reference, digits=1)} dans le département."
    )


def _straddling(scope: Scope) -> str:
    if not scope.straddles:
        return ""
    epci = scope.epci
    others = [code for code in str(epci["departements"]).split() if code != scope.departement]
    noun = "du département" if len(others) == 1 else "des départements"
    return (
        f"Son périmètre dépasse la limite du département{NBSP}: {count(int(epci['communes_inside']), 'commune')} "
        f"({people(epci['population_inside'])}) s'y trouvent, {count(int(epci['communes_outside']), 'commune')} "
        f"({people(epci['population_outside'])}) relèvent {noun} {listing(others)}. "
        "Les habitants ont recours aux services des deux côtés de cette limite\u202f; les chiffres sont "
        "donc donnés pour l'EPCI "
        "entier, puis de part et d'autre."
    )


def _people(scope: Scope) -> str:
    shares = census_shares(scope)
    if math.isnan(shares["age_65_plus"]):
        return ""
    old, young, second = shares["age_65_plus"], shares["age_0_19"], shares["residences_secondaires"]
    return (
        f"Au recensement de 2021, {percent(old)} des habitants ont 65 ans ou plus, part "
        f"{_compared(old, shares['departement_age_65_plus'])} "
        f"et {percent(young)} ont moins de 20 ans (département{NBSP}: {percent(shares['departement_age_0_19'])}). "
        f"Les résidences secondaires et occasionnelles forment {percent(second)} des logements "
        f"(département{NBSP}: {percent(shares['departement_residences_secondaires'])})."
    )


def _compared(own: float, reference: float) -> str:
    if math.isnan(reference):
        return "sans comparaison départementale disponible,"
    if abs(own - reference) < _CLOSE_SHARE:
        return f"proche de celle du département ({percent(reference)}),"
    word = "supérieure" if own > reference else "inférieure"
    return f"{word} à celle du département ({percent(reference)}),"


def _offer(scope: Scope) -> str:
    service = scope.service(scope.main)
    permanent, partial = main_points(scope, permanent=True), main_points(scope, permanent=False)
    if permanent.empty:
        text = f"Aucun lieu du type «{NBSP}{singular(service)}{NBSP}» n'assure d'accueil permanent dans l'EPCI."
    else:
        noun = (
            f"{_only(service)} {singular(service)}"
            if len(permanent) == 1
            else f"{number(len(permanent))}{NBSP}{service.plural}"
        )
        rate = place_rate(scope)
        text = (
            f"L'EPCI compte {noun} en accueil permanent{_where(permanent)}, soit {number(rate, digits=1)} pour "
            f"10\u202f000{NBSP}habitants (département{NBSP}: {number(departement_rate(scope), digits=1)})."
        )
        saturday = sum(opens_on_saturday(str(hours)) for hours in permanent["horaires"])
        text += _saturday(saturday, len(permanent))
    if len(partial):
        noun = count(len(partial), "présence partielle", "présences partielles")
        adds, enters = ("ajoute", "entre") if len(partial) == 1 else ("ajoutent", "entrent")
        text += f" S'y {adds} {noun}{_where(partial)}, qui n'{enters} pas dans les temps d'accès."
    return text


def _where(points: pd.DataFrame) -> str:
    """Name the communes of some places when they are few."""
    places = places_of(points)
    return f", à {listing(places)}" if len(places) <= MANY else ""


def _only(service: Service) -> str:
    """Write « un seul » in the gender of a service, which its « nearest » form shows."""
    return "une seule" if service.nearest.endswith("la plus proche") else "un seul"


def _saturday(opened: int, total: int) -> str:
    """Say how many permanent places open on Saturday."""
    if total == 1:
        return (
            " Ce lieu ouvre le samedi." if opened else " Ce lieu n'ouvre pas le samedi, d'après les horaires publiés."
        )
    if opened == 0:
        return " Aucun de ces lieux n'ouvre le samedi, d'après les horaires publiés."
    if opened == total:
        return " Tous ces lieux ouvrent le samedi."
    if opened == 1:
        return " Un seul de ces lieux ouvre le samedi."
    return f" Parmi ces lieux, {number(opened)} sur {number(total)} ouvrent le samedi."


def _access(scope: Scope) -> str:
    summary = scope.summary(scope.main, WHOLE)
    service = scope.service(scope.main)
    if summary is None or math.isnan(summary["mean_min"]):
        return f"L'accès au service «{NBSP}{service.label}{NBSP}» n'a pas pu être mesuré."
    limits = scope.thresholds(scope.main)
    mean, median, p90, most = (
        minutes(summary[name], digits=1, beside=limits) for name in ("mean_min", "median_min", "p90_min", "max_min")
    )
    about = "environ " if scope.measures.method.estimate else ""
    text = (
        f"Rapporté à la population, le trajet vers {service.nearest} demande "
        f"{about}{mean} en moyenne\u202f; la moitié des habitants y accède en {median} au plus, neuf sur dix en {p90} "
        f"au plus, et la commune la plus éloignée est à {most}."
    )
    for rule in scope.rules(scope.main):
        own = scope.coverage(scope.main, WHOLE, rule.code)
        reference = scope.coverage(scope.main, INSIDE, rule.code, departement=True)
        if own is None:
            continue
        compared = f" (département{NBSP}: {percent(reference['share_within'])})" if reference else ""
        share = (
            f"{percent(own['share_within'])} des habitants"
            if own["population_beyond"]
            else "tous les habitants mesurés"
        )
        text += f" Le seuil de {threshold(rule.threshold_min)} est respecté pour {share}{compared}."
    return text


def _beyond(scope: Scope) -> str:
    rows = flagged(scope, scope.main)
    if rows.empty:
        return "Aucune commune n'est au-delà d'un seuil ni à vérifier."
    beyond = rows[~rows["class"].isin([SERVED, NOT_MEASURED])]
    unknown = rows[rows["class"] == NOT_MEASURED]
    texts = []
    if len(beyond):
        noun = "Une commune est" if len(beyond) == 1 else f"{count(len(beyond), 'commune')} sont"
        concerned = people(beyond["population"].sum())
        texts.append(f"{noun} au-delà d'un seuil{NBSP}: {some(list(beyond['name']))}, soit {concerned}.")
    texts += _doubtful(rows[rows["to_check"] & (rows["class"] == SERVED)])
    if len(unknown):
        texts.append(f"L'accès n'a pas été mesuré pour {some(list(unknown['name']))}.")
    return " ".join(texts)


def _doubtful(check: pd.DataFrame) -> list[str]:
    """Say how many served communes an error could put beyond a threshold."""
    if check.empty:
        return []
    who = people(check["population"].sum())
    if len(check) == 1:
        return [
            (
                f"{check['name'].iloc[0]} ({who}) est dans les seuils sans que l'erreur de l'estimation permette de "
                f"l'affirmer{NBSP}: son temps de trajet est à vérifier avant toute décision."
            )
        ]
    return [
        (
            f"{count(len(check), 'commune')} ({who}) sont dans les seuils sans que l'erreur de l'estimation "
            "permette de "
            f"l'affirmer{NBSP}: leur temps de trajet est à vérifier avant toute décision."
        )
    ]


def _border(scope: Scope) -> str:
    figures = border_figures(scope)
    if not figures["population"] or not figures["other_epci"]:
        return ""
    text = (
        f"Pour {people(figures['other_epci'])} ({percent(figures['other_epci'] / figures['population'])}), "
        f"{scope.service(scope.main).nearest} se trouve dans un autre EPCI"
    )
    if figures["other_departement"]:
        text += f"\u202f; pour {number(figures['other_departement'])} d'entre eux, dans un autre département"
    return f"{text}. L'organisation de l'accueil dépend donc aussi des territoires voisins."


_SIGNATORIES_DECIDE = (
    "L'État, le Département et l'EPCI précisent ci-après, pour ce territoire, les engagements généraux du schéma. Les "
    "constats sont tirés des parties 1 à 5\u202f; les passages entre crochets sont laissés à la décision "
    "des signataires. Les numéros 3.1 à 3.3 sont ceux du modèle de convention du schéma."
)
_EPCI_CHOOSES = (
    "En regard de chaque orientation du schéma figure ce que montrent les chiffres du territoire. Le choix de la "
    "déclinaison appartient à l'EPCI et à ses partenaires."
)
_PROPOSALS = (
    "Les propositions ci-dessous sont déduites des constats de cette annexe. Aucune n'engage les "
    "signataires tant que son pilote, ses partenaires et son calendrier n'ont pas été arrêtés."
)


def articles(scope: Scope) -> dict[str, Texts]:
    """Return the paragraphs of articles 2 to 4."""
    convention = scope.study.scheme.convention
    name = full_name(str(scope.epci["name"]), str(scope.epci["kind"]))
    period = convention.periode.replace(" - ", f"{NBSP}–{NBSP}") or blank("période")
    years, end = annexe_plan.duration(scope)
    duration = (
        f"La convention prend effet à sa signature par les parties. Elle est conclue pour {years} à "
        f"compter du {annexe_plan.order_day(scope)}, date de l'arrêté préfectoral qui fixe le schéma, et prend fin le "
        f"{end}."
    )
    revision = (
        f"Les chiffres de la présente annexe décrivent le périmètre au {scope.vintage}\u202f; ils peuvent être "
        "remplacés, par voie d'avenant, par ceux d'une édition ultérieure."
    )
    return {
        "article_2": (_SIGNATORIES_DECIDE,),
        "article_2_1": realities(scope),
        "article_2_2": (_EPCI_CHOOSES,),
        "titre_2_3": (f"3.3. Une première série d'actions pour la période {period}",),
        "article_2_3": annexe_plan.plan_sentences(scope),
        "article_2_3_propositions": (_PROPOSALS,),
        "article_2_3_fin": (blank("autres actions retenues par l'EPCI, ou actions écartées et motif"),),
        "article_3": (
            *annexe_plan.governance_sentences(scope),
            f"Pour prendre part au suivi du schéma, l'EPCI ({name}) désigne les personnes suivantes.",
        ),
        "article_4": (*annexe_plan.decision_sentences(scope), duration, revision),
        "signature": (f"Fait à {blank('lieu de signature')}, le {blank('date de signature')}, en trois exemplaires.",),
    }
