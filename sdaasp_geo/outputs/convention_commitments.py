"""Article 2 of the framework convention: each commitment of the partners, with the bodies and what is due."""

from __future__ import annotations

from collections.abc import Callable

from sdaasp_geo import french
from sdaasp_geo.action_plan import DEADLINE, Body, Convention, Event, fold
from sdaasp_geo.french import NARROW_NBSP, NBSP
from sdaasp_geo.outputs.annexe_model import Table, Texts, blank
from sdaasp_geo.outputs.annexe_scope import semicolons
from sdaasp_geo.outputs.convention_model import Block, Grid, Heading, Paragraph, bullets, paragraphs
from sdaasp_geo.outputs.convention_texts import asked, governance_of
from sdaasp_geo.study import Study

_MODEL = (
    "Inscrire le schéma dans la stratégie de chacun et y consacrer des moyens",
    "Rendre compte chaque année de l'avancement des actions",
    "Prendre part aux instances de gouvernance",
    "Faire connaître le schéma",
    "Associer les usagers",
    "Tenir une veille commune sur les services",
    "Engagements spécifiques",
)
"""Titles proposed where the scheme gives none: the subjects of articles 2.1 to 2.7 of the model."""

_DIMENSIONS = (
    "le temps d'accès",
    "la disponibilité et les horaires",
    "le coût",
    "la qualité",
    "le choix",
    "l'information",
    "l'image",
)


def commitments(study: Study, own: Convention | None) -> list[Block]:
    """Write article 2: one section per commitment of the scheme, numbered as it numbers them.

    A section is developed from the subject of its title; one on another subject is left to be written.
    """
    titled = _titles(study, own)
    blocks: list[Block] = [Heading("Article 2 – Engagements des parties")]
    if not titled:
        titled = [(f"2.{rank}", title) for rank, title in enumerate(_MODEL, start=1)]
        text = "Les tables du schéma ne donnent pas ses engagements. Ceux qui suivent sont proposés par le modèle"
        blocks.append(Paragraph(f"{text}{NBSP}: {blank('engagements à confirmer ou à remplacer')}."))
    for code, title in titled:
        blocks.append(Heading(f"{code}. {title}", level=2))
        blocks += _developed(title)(study)
    return blocks


def _titles(study: Study, own: Convention | None) -> list[tuple[str, str]]:
    given = list(own.engagements) if own else []
    titles = [title for _, title in given] or list(study.scheme.convention.engagements)
    codes = [code for code, _ in given]
    if codes and all(code.startswith("2.") for code in codes):
        return given
    return [(f"2.{rank}", title) for rank, title in enumerate(titles, start=1)]


def _developed(title: str) -> Callable[[Study], list[Block]]:
    """Return what develops a commitment, from the words of its title."""
    words = fold(title)
    for keys, writer in _SUBJECTS:
        if any(key in words for key in keys):
            return writer
    return lambda _: [Paragraph(asked(f"contenu de l'engagement «{NBSP}{title}{NBSP}»"))]


def _strategy(_: Study) -> list[Block]:
    return paragraphs(
        (
            (
                "Chaque partie reprend les orientations du schéma dans sa propre stratégie, pour son domaine ou pour "
                "son territoire."
            ),
            (
                "Elle réserve aux actions dont elle a la charge les agents, les moyens techniques et les crédits "
                f"nécessaires, et dit chaque année ce qu'elle y a consacré{NBSP}: {blank('moyens prévus par partie')}."
            ),
        )
    )


def _account(study: Study) -> list[Block]:
    events = [event for event in governance_of(study).evenements if event.kind == DEADLINE]
    rows = [_due(event) for event in events]
    if not any("synthese" in fold(event.nom) for event in events):
        told = (blank("date limite de la synthèse annuelle"), blank("destinataires de la synthèse annuelle"))
        rows.insert(0, ("Synthèse annuelle des actions", *told, "–"))
    table = Table(
        "Ce qui est dû, et quand", ("Objet", "Échéance", "Destinataires ou intéressés", "Précision"), tuple(rows)
    )
    return [
        Paragraph(
            "La partie qui pilote une action en tient l'état d'avancement. Elle transmet chaque année, au plus tard à "
            "l'échéance du tableau, une synthèse de ce qui est réalisé ou en cours."
        ),
        Paragraph(f"Ces contributions forment le bilan annuel présenté à l'instance départementale{_assembly(study)}."),
        Grid(table, (6.2, 4.2, 3.6, 3.4)),
    ]


def _assembly(study: Study) -> str:
    """Name the body of the département in brackets, where the scheme has one."""
    bodies = governance_of(study).instances
    return next((f" ({body.nom})" for body in bodies if fold(body.categorie) == "departementale"), "")


def _due(event: Event) -> Texts:
    date = event.date
    if date.start is not None and date.start == date.end and not fold(date.words).startswith(("avant", "jusqu")):
        when = french.date(date.start)
    else:
        when = date.words or asked(f"échéance{NBSP}– {event.nom}")
    names = event.participants or tuple(dict.fromkeys(name.words for name in event.territoires))
    told = french.listing(names) or asked(f"destinataires{NBSP}– {event.nom}")
    return event.nom, when, told, event.remarques or "–"


def _bodies(study: Study) -> list[Block]:
    rows = tuple(_body(body) for body in governance_of(study).instances)
    header = ("Instance", "Animation", "Composition", "Fréquence", "Missions")
    empty = (
        tuple(blank(what) for what in ("instances du schéma", "animation", "composition", "fréquence", "missions")),
    )
    return [
        Paragraph(
            "Chaque partie siège dans les instances qui la concernent, y apporte ses informations et désigne un "
            f"référent du schéma{NBSP}: {blank('référent de chaque partie')}."
        ),
        Grid(Table("Instances de gouvernance", header, rows or empty), (3.2, 3.2, 3.6, 2.8, 4.6)),
        Paragraph(
            "L'instance départementale arrête le bilan et le programme de l'année, tire les conséquences de "
            "l'évolution des services et peut engager la révision du schéma."
        ),
    ]


def _body(body: Body) -> Texts:
    lists = {"animation": body.animation, "composition": body.composition, "missions": body.missions}
    told = {what: semicolons(items) or asked(f"{what}{NBSP}– {body.nom}") for what, items in lists.items()}
    pace = body.frequence or asked(f"fréquence{NBSP}– {body.nom}")
    return body.nom, told["animation"], told["composition"], pace, told["missions"]


def _publicity(study: Study) -> list[Block]:
    return paragraphs(
        (
            (
                "Chaque partie informe le public des actions qu'elle pilote et relaie les actions de communication "
                "décidées en commun."
            ),
            _linked(study, ("information", "communi", "connaitre")),
        )
    )


def _users(study: Study) -> list[Block]:
    return paragraphs(
        (
            (
                "Chaque partie invite ses usagers à dire ce qui leur manque et à proposer des améliorations. Elle "
                "contribue aux rencontres que le schéma organise dans les territoires et y appelle les habitants."
            ),
            _linked(study, ("journee", "usager", "habitant")),
        )
    )


def _linked(study: Study, keys: tuple[str, ...]) -> str:
    """Name the objectives and actions of the plan whose title holds one of some folded words."""
    if study.programme is None:
        return f"Objectifs et actions concernés{NBSP}: {blank('objectifs et actions du plan')}."
    plan = study.programme.plan
    titled = [("objectif", item.code, item.titre) for item in plan.objectifs]
    titled += [("action", item.code, item.titre) for item in plan.actions]
    found = [
        f"{kind}{NBSP}{code} («{NBSP}{title}{NBSP}»)"
        for kind, code, title in titled
        if any(word.startswith(keys) for word in fold(title).split())
    ]
    return f"Objectifs et actions concernés{NBSP}: {french.listing(found) or blank('objectifs et actions du plan')}."


def _watch(_: Study) -> list[Block]:
    return [
        Paragraph(
            "Les parties construisent ensemble une grille commune d'information et la tiennent à jour, pour que les "
            "bases départementales décrivent les services tels qu'ils sont. La grille renseigne, pour chaque service"
            f"{NBSP}: {french.listing(_DIMENSIONS)}. Ce que personne ne mesure y est dit «{NBSP}non mesuré{NBSP}»."
        ),
        Paragraph("Chaque partie y joint ce que ses enquêtes de satisfaction lui apprennent des usagers."),
        Paragraph(f"Des conventions particulières fixent{NBSP}:"),
        *bullets(
            (
                f"les données transmises{NBSP}: {blank('liste des données de la grille')}{NARROW_NBSP};",
                f"le rythme de la mise à jour{NBSP}: {blank('fréquence de mise à jour de la grille')}{NARROW_NBSP};",
                f"le format d'échange{NBSP}: {blank('format de la grille')}{NARROW_NBSP};",
                f"les conditions d'emploi et de diffusion{NBSP}: {blank('règles de gestion et de communication')}.",
            )
        ),
    ]


def _specific(study: Study) -> list[Block]:
    programme = study.programme
    linked = len(programme.plan.actions) if programme else 0
    told = "l'annexe 2 liste celles que les tables décrivent" if linked else blank("actions et parties concernées")
    return paragraphs(
        (
            (
                "Selon ses compétences, une partie peut se charger d'actions particulières du schéma"
                f"{NARROW_NBSP}; une convention dédiée en fixe alors le contenu, les moyens et le calendrier. Actions"
                f"{NBSP}: {told}."
            ),
        )
    )


_SUBJECTS: tuple[tuple[tuple[str, ...], Callable[[Study], list[Block]]], ...] = (
    (("specifique", "particulier"), _specific),
    (("rendre compte", "avancement", "bilan"), _account),
    (("instance", "gouvernance"), _bodies),
    (("communiquer", "connaitre", "information du public"), _publicity),
    (("usager", "habitant"), _users),
    (("veille", "grille"), _watch),
    (("strategie", "ressources", "moyens"), _strategy),
)
