"""Part 6 of an annex: the draft of articles 2 to 4 of the territorial convention, from the figures."""

from __future__ import annotations

import math

import pandas as pd

from sdaasp_geo.analysis.deficits import NOT_MEASURED, SERVED
from sdaasp_geo.french import NBSP, count, listing, minutes, number, percent
from sdaasp_geo.outputs.annexe_access import border_figures, flagged
from sdaasp_geo.outputs.annexe_hours import opens_on_saturday
from sdaasp_geo.outputs.annexe_identity import MAIRIE, census_shares
from sdaasp_geo.outputs.annexe_model import Texts, blank
from sdaasp_geo.outputs.annexe_scope import (
    INSIDE,
    WHOLE,
    Scope,
    capitalised,
    full_name,
    people,
    semicolons,
    singular,
    some,
    subject_name,
)

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
    density = scope.members["population"].sum() / scope.members["area_km2"].sum()
    reference = communes["population"].sum() / communes["area_km2"].sum()
    share = int(epci["population_inside"]) / max(int(communes["population"].sum()), 1)
    name = subject_name(str(epci["name"]), str(epci["kind"]))
    return (
        f"{name} réunit {count(int(epci['communes']), 'commune')} et {people(epci['population'])} au {scope.vintage}. "
        f"Ses habitants du département représentent {percent(share)} de la population départementale. La densité y est de "
        f"{number(density, digits=1)}{NBSP}habitants au kilomètre carré, contre {number(reference, digits=1)} dans le département."
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
        "Les habitants ont recours aux services des deux côtés de cette limite\u202f; les chiffres sont donc donnés pour l'EPCI "
        "entier, puis de part et d'autre."
    )


def _people(scope: Scope) -> str:
    shares = census_shares(scope)
    if math.isnan(shares["age_65_plus"]):
        return ""
    old, young, second = shares["age_65_plus"], shares["age_0_19"], shares["residences_secondaires"]
    return (
        f"Au recensement de 2021, {percent(old)} des habitants ont 65 ans ou plus, part {_compared(old, shares['departement_age_65_plus'])} "
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


def main_points(scope: Scope, *, permanent: bool) -> pd.DataFrame:
    """Return the places of the main service in the EPCI: permanent ones, or the others."""
    points = scope.points()
    return points[(points["service"] == scope.main) & (points["permanent"] == permanent)]


def _offer(scope: Scope) -> str:
    service = scope.service(scope.main)
    permanent, partial = main_points(scope, permanent=True), main_points(scope, permanent=False)
    if permanent.empty:
        text = f"Aucun lieu du type «{NBSP}{singular(service)}{NBSP}» n'assure d'accueil permanent dans l'EPCI."
    else:
        noun = (
            f"un seul {singular(service)}" if len(permanent) == 1 else f"{number(len(permanent))}{NBSP}{service.plural}"
        )
        rate = 10_000 * len(permanent) / max(int(scope.epci["population"]), 1)
        text = (
            f"L'EPCI compte {noun} en accueil permanent, à {listing(_places(permanent))}, soit {number(rate, digits=1)} pour "
            f"10\u202f000{NBSP}habitants (département{NBSP}: {number(departement_rate(scope), digits=1)})."
        )
        saturday = sum(opens_on_saturday(str(hours or "")) for hours in permanent["horaires"].fillna(""))
        text += _saturday(saturday, len(permanent))
    if len(partial):
        noun = "présence partielle" if len(partial) == 1 else "présences partielles"
        text += (
            f" S'y {'ajoute' if len(partial) == 1 else 'ajoutent'} {number(len(partial))} {noun} (à {listing(_places(partial))}), "
            "dont les jours et horaires ne permettent pas un accueil permanent et qui n'entrent pas dans les temps d'accès."
        )
    return text


def _saturday(opened: int, total: int) -> str:
    """Say how many permanent places open on Saturday."""
    if total == 1:
        return " Il ouvre le samedi." if opened else " Il n'ouvre pas le samedi, d'après les horaires publiés."
    if opened == 0:
        return " Aucun n'ouvre le samedi, d'après les horaires publiés."
    if opened == total:
        return " Tous ouvrent le samedi."
    if opened == 1:
        return " Un seul ouvre le samedi."
    return f" {number(opened)} sur {number(total)} ouvrent le samedi."


def departement_rate(scope: Scope) -> float:
    """Return the permanent places of the main service for 10,000 inhabitants of the département."""
    points, communes = scope.study.points, scope.study.communes
    inside = points["inside"] & points["permanent"] & (points["service"] == scope.main)
    return 10_000 * int(inside.sum()) / max(int(communes.loc[communes["inside"], "population"].sum()), 1)


def _places(points: pd.DataFrame) -> list[str]:
    return sorted(set(points["commune"]))


def _access(scope: Scope) -> str:
    summary = scope.summary(scope.main, WHOLE)
    service = scope.service(scope.main)
    if summary is None or math.isnan(summary["mean_min"]):
        return f"L'accès au service «{NBSP}{service.label}{NBSP}» n'a pas pu être mesuré."
    about = "environ " if scope.measures.method.estimate else ""
    text = (
        f"Rapporté à la population, le trajet vers {service.nearest} demande {about}{minutes(summary['mean_min'], digits=1)} en "
        f"moyenne\u202f; la moitié des habitants y accède en {minutes(summary['median_min'], digits=1)} au plus, neuf sur dix en "
        f"{minutes(summary['p90_min'], digits=1)} au plus, et la commune la plus éloignée est à "
        f"{minutes(summary['max_min'], digits=1)}."
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
        text += f" Le seuil de {minutes(rule.threshold_min)} est respecté pour {share}{compared}."
    return text


def _beyond(scope: Scope) -> str:
    rows = flagged(scope, scope.main)
    beyond = rows[~rows["class"].isin([SERVED, NOT_MEASURED])]
    check = rows[rows["to_check"] & (rows["class"] == SERVED)]
    if rows.empty:
        return "Aucune commune n'est au-delà d'un seuil ni à vérifier."
    texts = []
    if len(beyond):
        noun = "Une commune est" if len(beyond) == 1 else f"{count(len(beyond), 'commune')} sont"
        texts.append(
            f"{noun} au-delà d'un seuil{NBSP}: {some(list(beyond['name']))}, soit {people(beyond['population'].sum())}."
        )
    if len(check):
        noun = (
            "Une commune est dans les seuils"
            if len(check) == 1
            else f"{count(len(check), 'commune')} sont dans les seuils"
        )
        texts.append(
            f"{noun} sans que l'erreur de l'estimation permette de l'affirmer ({people(check['population'].sum())}){NBSP}: "
            "leur temps de trajet est à vérifier avant toute décision."
            if len(check) > 1
            else f"{noun} sans que l'erreur de l'estimation permette de l'affirmer ({listing(list(check['name']))}){NBSP}: "
            "son temps de trajet est à vérifier avant toute décision."
        )
    unknown = rows[rows["class"] == NOT_MEASURED]
    if len(unknown):
        texts.append(f"L'accès n'a pas été mesuré pour {some(list(unknown['name']))}.")
    return " ".join(texts)


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


def orientation_rows(scope: Scope) -> tuple[Texts, ...]:
    """Draft « Des orientations adaptées »: each orientation, what the figures show, and the decision left blank."""
    decision = blank("choix de l'EPCI")
    orientations = scope.study.scheme.convention.orientations
    if orientations:
        return tuple((text, _evidence(scope, text), decision) for text in orientations)
    themes = ("présence des services", "accès aux services", "services pour tous", "gouvernance locale")
    return tuple(
        (blank(f"orientation du schéma sur le thème «{NBSP}{theme}{NBSP}»"), _evidence(scope, theme), decision)
        for theme in themes
    )


def _evidence(scope: Scope, orientation: str) -> str:
    """Return what the figures say of an orientation, from the words of its title."""
    words = orientation.lower()
    if "santé" in words or "éducation" in words:
        return "Non mesuré dans cette édition (voir partie 7)."
    if "présence" in words:
        return _presence_evidence(scope)
    if "accès" in words or "accessib" in words:
        return _access_evidence(scope)
    if "pour tous" in words or "public" in words:
        return _ages_evidence(scope)
    if "gouvernance" in words or "suivi" in words:
        return "Représentants à désigner (article 3)\u202f; chiffres de référence du suivi en parties 3 et 4."
    return "Aucun chiffre de cette édition ne s'y rapporte."


def _presence_evidence(scope: Scope) -> str:
    permanent, partial = main_points(scope, permanent=True), main_points(scope, permanent=False)
    service = scope.service(scope.main)
    text = f"{count(len(permanent), singular(service), service.plural)} en accueil permanent"
    if len(partial):
        text += f" et {count(len(partial), 'présence partielle', 'présences partielles')}"
    return f"{text}\u202f; {number(10_000 * len(permanent) / max(int(scope.epci['population']), 1), digits=1)} pour 10\u202f000{NBSP}habitants."


def _access_evidence(scope: Scope) -> str:
    texts = []
    for rule in scope.rules(scope.main):
        row = scope.coverage(scope.main, WHOLE, rule.code)
        if row is not None:
            texts.append(
                f"{people(row['population_beyond'])} à plus de {minutes(rule.threshold_min)}, "
                f"{people(row['population_to_check'])} à vérifier"
            )
    return capitalised(f"{semicolons(texts)}.") if texts else "Aucun seuil n'est fixé."


def _ages_evidence(scope: Scope) -> str:
    shares = census_shares(scope)
    if math.isnan(shares["age_65_plus"]):
        return "Âges non mesurés."
    return (
        f"{percent(shares['age_65_plus'])} d'habitants de 65 ans ou plus et {percent(shares['age_0_19'])} de moins de 20 ans. "
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
                    f"Étudier une présence {label} plus proche (antenne, permanence ou tournée) pour les communes de classe "
                    f"«{NBSP}{rule.beyond_label}{NBSP}».",
                    f"{people(group['population'].sum())} à plus de {minutes(rule.threshold_min)}.",
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
                "Consolider la présence partielle\u00a0: fixer et publier les arrêts, jours et horaires, et examiner son passage en accueil permanent.",
                f"{count(len(partial), 'présence partielle', 'présences partielles')} non comptée{'s' if len(partial) > 1 else ''} dans les temps d'accès.",
                listing(_places(partial)),
            )
        )
    points = scope.points()
    silent = points[(points["horaires"].fillna("") == "") & (points["service"] != MAIRIE)]
    if len(silent):
        actions.append(
            (
                "Compléter les horaires d'ouverture manquants dans la grille commune d'information.",
                f"{count(len(silent), 'lieu', 'lieux')} sans horaires exploitables.",
                listing(_places(silent)),
            )
        )
    permanent = main_points(scope, permanent=True)
    if len(permanent) and not any(opens_on_saturday(str(hours)) for hours in permanent["horaires"].fillna("")):
        actions.append(
            (
                "Examiner une ouverture le samedi ou en soirée dans l'un des lieux d'accueil.",
                "Aucun accueil permanent n'ouvre le samedi d'après les horaires publiés.",
                listing(_places(permanent)),
            )
        )
    return actions


def _border_actions(scope: Scope) -> list[tuple[str, str, str]]:
    access = scope.of_service(scope.main)
    away = access[access["place_epci"].notna() & (access["place_epci"] != scope.siren)]
    actions = []
    if len(away):
        hosts = away.groupby("place_epci")["population"].sum().sort_values(ascending=False, kind="stable")
        actions.append(
            (
                "Convenir avec les EPCI voisins de l'accueil des habitants qui s'y rendent (information, horaires, moyens).",
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
            "Désigner un élu et un technicien référents et réunir l'instance locale de suivi, au moins deux fois par an.",
            "Participation de l'EPCI à la gouvernance du schéma (article 3).",
            "EPCI entier",
        ),
        (
            "Transmettre chaque année l'état d'avancement des actions et la mise à jour de la grille commune d'information.",
            "Les chiffres de cette annexe sont datés\u202f; le suivi demande une mise à jour annuelle.",
            "EPCI entier",
        ),
    ]


def representatives_rows() -> tuple[Texts, ...]:
    """Return the seats of article 3, with blanks for the names."""
    seats = (
        ("Conférence ou comité de pilotage du schéma", "Représentant de l'EPCI"),
        ("Comité technique du schéma", "Représentant de l'EPCI"),
        ("Gouvernance locale de l'EPCI", "Élu référent"),
        ("Gouvernance locale de l'EPCI", "Référent technique"),
    )
    return tuple((place, role, blank("nom et fonction"), blank("suppléant")) for place, role in seats)


def articles(scope: Scope) -> dict[str, Texts]:
    """Return the paragraphs of articles 2 to 4."""
    convention = scope.study.scheme.convention
    name = full_name(str(scope.epci["name"]), str(scope.epci["kind"]))
    period = convention.periode.replace(" - ", f"{NBSP}–{NBSP}") or blank("période")
    years = count(convention.duree_ans, "an")
    return {
        "article_2": (
            "L'État, le Département et l'EPCI précisent ci-après, pour ce territoire, les engagements généraux du schéma. Les "
            "constats sont tirés des parties 1 à 5\u202f; les passages entre crochets sont laissés à la décision des signataires.",
        ),
        "article_2_1": realities(scope),
        "article_2_2": (
            "En regard de chaque orientation du schéma figure ce que montrent les chiffres du territoire. Le choix de la "
            "déclinaison appartient à l'EPCI et à ses partenaires.",
        ),
        "titre_2_3": (f"3.3. Une première série d'actions pour la période {period}",),
        "article_2_3": (
            "Les actions qui suivent sont des propositions, déduites des constats de cette annexe. Aucune n'engage les "
            "signataires tant que son pilote, ses partenaires et son calendrier n'ont pas été arrêtés.",
        ),
        "article_2_3_fin": (blank("autres actions retenues par l'EPCI, ou actions écartées et motif"),),
        "article_3": (f"Pour prendre part au suivi du schéma, l'EPCI ({name}) désigne les personnes suivantes.",),
        "article_4": (
            f"La convention prend effet à sa signature par les parties. Elle est conclue pour {years} à compter du "
            f"{blank('date')}, date de l'arrêté préfectoral qui fixe le schéma, et prend fin le {blank('date')}.",
            f"Les chiffres de la présente annexe décrivent le périmètre au {scope.vintage}\u202f; ils peuvent être remplacés, par "
            "voie d'avenant, par ceux d'une édition ultérieure.",
        ),
        "signature": (f"Fait à {blank('lieu')}, le {blank('date')}, en trois exemplaires.",),
    }
