"""The territorial convention of one EPCI: who signs, what for, its articles, its perimeter."""

from __future__ import annotations

import pandas as pd

from sdaasp_geo import french
from sdaasp_geo.action_plan import Convention, Period, fold
from sdaasp_geo.french import NARROW_NBSP, NBSP, count, number
from sdaasp_geo.outputs.annexe_actions import action_rows, orientation_rows
from sdaasp_geo.outputs.annexe_draft import articles
from sdaasp_geo.outputs.annexe_model import Table, Texts, blank
from sdaasp_geo.outputs.annexe_perimeter import perimeter_notes
from sdaasp_geo.outputs.annexe_plan import duration, local_governance, own_convention, plan_table, representatives_rows
from sdaasp_geo.outputs.annexe_scope import Scope, full_name, make_scope, people, subject_name
from sdaasp_geo.outputs.convention_model import (
    TERRITORIAL,
    Block,
    Document,
    Grid,
    Heading,
    Paragraph,
    Signatures,
    bullets,
    finished,
    note,
    paragraphs,
)
from sdaasp_geo.outputs.convention_texts import (
    COUNCIL,
    OWN,
    STATE,
    amendments,
    announced,
    day_of,
    decided,
    framework_of,
    governance_of,
    orientations_of,
    parties_of,
    party_kind,
    strategies,
    visas,
)
from sdaasp_geo.outputs.escape import safe_file_stem
from sdaasp_geo.study import Measures, Study

_TITLE = "Convention territoriale de mise en œuvre du schéma"
_SPECIFIC = "specifique"
"""Word of the commitments that have conventions of their own: they are not those of every party."""

_AUTHORISED = {
    STATE: "représentant de l'État dans le département",
    COUNCIL: blank("délibération du Département qui autorise la signature"),
}
_SIGNER = {
    STATE: blank("nom et qualité du signataire pour l'État"),
    COUNCIL: blank("nom et qualité du signataire pour le Département"),
    OWN: blank("nom et qualité du signataire pour l'EPCI"),
}
_PARTS_OF_ANNEX = (
    "Ce constat et les deux tableaux qui suivent reprennent l'annexe territoriale, avec les mêmes chiffres. Les "
    f"«{NBSP}parties{NBSP}» qu'ils citent sont celles de cette annexe. Les numéros 3.1 à 3.3 sont ceux du modèle de "
    "convention du schéma, auxquels l'annexe renvoie."
)


def territorial_document(study: Study, measures: Measures, *, siren: str, census: pd.DataFrame) -> Document:
    """Write the territorial convention of an EPCI.

    Parameters
    ----------
    study, measures, siren, census
        See `annexe.annexe_facts`, whose texts articles 3.1 to 3.3 repeat.

    Raises
    ------
    NameNotResolvedError
        When the EPCI is not in the study.
    """
    scope = make_scope(study, measures, siren=siren, census=census)
    own = own_convention(scope)
    name, title = str(scope.epci["name"]), (own.nom if own else "") or _TITLE
    return finished(
        Document(
            kind=TERRITORIAL,
            siren=siren,
            party=name,
            stem=f"convention-{safe_file_stem(siren, name)}",
            title=title,
            subtitle=_full(scope),
            running=f"{title}{NBSP}– {name}",
            footing=study.scheme.nom,
            edition=study.scheme.edition.isoformat(),
            identification=_identification(scope, own),
            blocks=tuple(_blocks(scope, own)),
        )
    )


def _full(scope: Scope) -> str:
    return full_name(str(scope.epci["name"]), str(scope.epci["kind"]))


def _of_epci(scope: Scope) -> str:
    """Write « de la communauté de communes … »."""
    subject = subject_name(str(scope.epci["name"]), str(scope.epci["kind"]))
    return f"de {subject[0].lower()}{subject[1:]}"


def _identification(scope: Scope, own: Convention | None) -> tuple[tuple[str, str], ...]:
    scheme = scope.study.scheme
    return (
        ("EPCI", f"{_full(scope)}, SIREN{NBSP}{scope.siren}"),
        ("Département", scope.departement_label),
        ("Schéma", scheme.nom),
        ("Référence", (own.source if own else "") or scheme.reference or scheme.nom),
        ("Périmètre", _perimeter_year(scope, own)),
        ("Édition", french.date(scheme.edition)),
    )


def _perimeter_year(scope: Scope, own: Convention | None) -> str:
    signed = own.perimetre if own else None
    measured = f"liste et chiffres au {scope.vintage}"
    return f"au 1er{NBSP}janvier{NBSP}{signed} pour la convention{NARROW_NBSP}; {measured}" if signed else measured


def _blocks(scope: Scope, own: Convention | None) -> list[Block]:
    return [
        *_parties(scope, own),
        *_preamble(scope),
        *_purpose(scope),
        *_commitments(scope),
        *_representatives(scope),
        *_duration(scope, own),
        *_amendments(scope, own),
        *_signatures(scope, own),
        *_perimeter(scope, own),
        *_annexe(scope),
    ]


def _parties(scope: Scope, own: Convention | None) -> list[Block]:
    rows = tuple((name, _SIGNER[party_kind(name)], _authority(scope, name)) for name in _names(scope, own))
    table = Table("Parties à la convention", ("Partie", "Représentée par", "Habilitation"), rows)
    return [Heading("Parties"), Grid(table, (6.4, 5.8, 5.2))]


def _names(scope: Scope, own: Convention | None) -> list[str]:
    return parties_of(own, epci=_full(scope), departement=scope.study.departement_name)


def _authority(scope: Scope, name: str) -> str:
    kind = party_kind(name)
    if kind in _AUTHORISED:
        return _AUTHORISED[kind]
    day = decided(governance_of(scope.study), "deliber", "date de la délibération de l'EPCI", scope.siren)
    return f"délibération du conseil communautaire, {day}"


def _preamble(scope: Scope) -> list[Block]:
    governance = governance_of(scope.study)
    framework = framework_of(governance)
    signed = day_of(framework.date if framework else Period(), "date de signature de la convention-cadre")
    texts = [
        *visas(governance),
        f"Vu la convention-cadre conclue entre les partenaires du schéma, signée {signed}{NARROW_NBSP};",
        strategies(),
        (
            f"Considérant l'annexe territoriale, qui décrit les services du territoire et leur accès, dans son "
            f"édition du {french.date(scope.study.scheme.edition)}{NARROW_NBSP};"
        ),
    ]
    return [Heading("Préambule"), *bullets(texts), Paragraph("les parties conviennent de ce qui suit.")]


def _purpose(scope: Scope) -> list[Block]:
    study = scope.study
    framework = framework_of(governance_of(study))
    titles = [title for _, title in framework.engagements] if framework else []
    titles = titles or list(study.scheme.convention.engagements)
    titles = [title for title in titles if _SPECIFIC not in fold(title)] or [
        blank("engagements de la convention-cadre")
    ]
    return [
        Heading("Article 1 – Objet"),
        Paragraph(
            f"La convention applique le schéma au territoire {_of_epci(scope)}. Elle lie les parties sur les "
            "orientations du schéma et sur une première série d'actions."
        ),
        Paragraph(f"Les orientations du schéma sont les suivantes{NBSP}:"),
        *bullets(orientations_of(study)),
        *announced(study),
        Paragraph(
            f"Les parties rappellent les engagements de la convention-cadre, qui valent sur ce territoire{NBSP}:"
        ),
        *bullets(titles),
    ]


def _commitments(scope: Scope) -> list[Block]:
    texts = articles(scope)
    return [
        Heading("Article 2 – Engagements propres au territoire"),
        Paragraph(
            "Aux engagements généraux s'ajoutent ceux de cet article, qui tiennent compte des réalités du "
            "territoire, de ses projets et de la concertation."
        ),
        Paragraph(_PARTS_OF_ANNEX, kind="note"),
        Heading("3.1. Des réalités spécifiques au territoire", level=2),
        *paragraphs(texts["article_2_1"]),
        Heading("3.2. Des orientations adaptées à ces spécificités et aux projets du territoire", level=2),
        *paragraphs(texts["article_2_2"]),
        Grid(
            Table(
                "Orientations du schéma et constats du territoire",
                ("Orientation du schéma", "Ce que montrent les chiffres", "Déclinaison retenue"),
                orientation_rows(scope),
            ),
            (5.6, 6.6, 5.2),
        ),
        Heading(texts["titre_2_3"][0], level=2),
        *_actions(scope, texts),
    ]


def _actions(scope: Scope, texts: dict[str, Texts]) -> list[Block]:
    proposed = Table(
        "Propositions d'actions",
        ("N°", "Proposition", "Constat qui la motive", "Communes ou territoires", "Pilote, partenaires, calendrier"),
        action_rows(scope),
    )
    return [
        *paragraphs(texts["article_2_3"]),
        Grid(plan_table(scope), (1.4, 5.6, 3.0, 4.0, 3.4)),
        Paragraph(
            "Les propositions suivantes sont déduites des constats. Aucune n'engage les parties avant qu'elles n'en "
            "aient arrêté le pilote, les partenaires et le calendrier."
        ),
        Grid(proposed, (0.8, 4.9, 4.2, 3.7, 3.8)),
        *paragraphs(texts["article_2_3_fin"]),
    ]


def _representatives(scope: Scope) -> list[Block]:
    local = local_governance(scope)
    table = Table(
        "Représentants de l'EPCI", ("Instance", "Rôle", "Titulaire", "Suppléant"), representatives_rows(scope)
    )
    committee = (local.comite if local else "") or blank("nom du comité local de suivi")
    meetings = local.reunions_min if local else None
    pace = (
        f"au moins {count(int(meetings), 'fois', 'fois')} par an"
        if meetings
        else f"à la fréquence suivante{NBSP}: {blank('nombre de réunions du comité local par an')}"
    )
    return [
        Heading("Article 3 – Représentants de l'EPCI dans la gouvernance du schéma"),
        Paragraph("L'EPCI prend part au suivi du schéma par les personnes suivantes."),
        Grid(table, (5.4, 3.8, 4.5, 3.7)),
        Paragraph(f"Son instance locale est la suivante{NBSP}: {committee}. Elle se réunit {pace}."),
    ]


def _duration(scope: Scope, own: Convention | None) -> list[Block]:
    years, end = duration(scope)
    span = own.validite if own else Period()
    order = decided(governance_of(scope.study), "arrete", "date de l'arrêté préfectoral")
    start = (
        f"Elle prend effet le {french.date(span.start)}"
        if span.start
        else f"Elle prend effet à la signature des parties{NARROW_NBSP}; sa durée court de l'arrêté préfectoral qui "
        f"fixe le schéma, pris {order}"
    )
    return [
        Heading("Article 4 – Durée de la convention"),
        Paragraph(
            "La convention suit l'exécution du schéma et doit permettre d'engager sans attendre les premières "
            f"actions. Elle est conclue pour {years}. {start}. Elle s'achève le {end}."
        ),
    ]


def _amendments(scope: Scope, own: Convention | None) -> list[Block]:
    made = amendments(own)
    told: list[Block] = [Paragraph(f"Avenants conclus{NBSP}:"), *bullets(made)] if made else []
    return [
        Heading("Article 5 – Avenants"),
        Paragraph(
            "Les parties modifient la convention par avenant écrit et signé de toutes. Un changement de périmètre, ou "
            f"une nouvelle édition des chiffres (ceux-ci sont au {scope.vintage}), peut en être l'objet."
        ),
        *told,
    ]


def _signatures(scope: Scope, own: Convention | None) -> list[Block]:
    signed = day_of(own.date if own else Period(), "date de signature")
    names = _names(scope, own)
    return [
        Heading("Signatures"),
        Paragraph(
            f"Fait à {blank('lieu de signature')}, {signed}, en {number(len(names))} exemplaires originaux, un pour "
            f"chaque partie{NBSP}: {french.listing(names)}."
        ),
        Signatures(tuple((name, "Nom, qualité et signature") for name in names), columns=3),
    ]


def _perimeter(scope: Scope, own: Convention | None) -> list[Block]:
    rows = tuple(
        (str(row["name"]), str(row["code"]), str(row["departement"]), number(row["population"]))
        for row in scope.members.to_dict("records")
    )
    signed = own.perimetre if own else scope.study.scheme.millesimes.convention
    texts = [
        (
            f"Le territoire {_of_epci(scope)} réunit {count(len(rows), 'commune')} et "
            f"{people(scope.epci['population'])} au {scope.vintage}, date de la liste ci-dessous. La convention est "
            f"établie sur le périmètre du 1er{NBSP}janvier{NBSP}{signed or blank('année du périmètre')}."
        )
    ]
    if scope.straddles:
        texts.append(
            f"{count(int(scope.epci['communes_outside']), 'commune')} se trouvent hors du département. Pour ces "
            f"communes, les parties conviennent de ce qui suit{NBSP}: "
            f"{blank('application de la convention hors du département')}."
        )
    table = Table("Communes de l'EPCI", ("Commune", "Code", "Département", "Habitants"), rows)
    return [
        Heading("Annexe 1 – Périmètre", new_page=True),
        *paragraphs(texts),
        *[note(text) for text in perimeter_notes(scope)],
        Grid(table, (8.4, 3.0, 3.0, 3.0), right=(3,)),
    ]


def _annexe(scope: Scope) -> list[Block]:
    name = str(scope.epci["name"])
    return [
        Heading("Annexe 2 – Annexe territoriale"),
        Paragraph(
            f"L'annexe territoriale {_of_epci(scope)}, édition du {french.date(scope.study.scheme.edition)}, est "
            f"jointe à la convention (fichier annexe-{safe_file_stem(scope.siren, name)}.docx). Elle en fait partie."
        ),
    ]
