"""The framework convention: every partner of the scheme, its purpose, its life; commitments are in their own module."""

from __future__ import annotations

from sdaasp_geo import french
from sdaasp_geo.action_plan import Convention, Period, fold
from sdaasp_geo.french import NARROW_NBSP, NBSP, count, number
from sdaasp_geo.layers.territories import SIGNS
from sdaasp_geo.outputs.annexe_model import Table, blank
from sdaasp_geo.outputs.annexe_scope import full_name
from sdaasp_geo.outputs.convention_commitments import commitments
from sdaasp_geo.outputs.convention_model import (
    FRAMEWORK,
    Block,
    Document,
    Grid,
    Heading,
    Paragraph,
    Signatures,
    bullets,
    finished,
    note,
)
from sdaasp_geo.outputs.convention_plan import PLAN_HEADER, orientation_rows, plan_rows, unattached
from sdaasp_geo.outputs.convention_texts import (
    amendments,
    announced,
    asked,
    day_of,
    decided,
    framework_of,
    governance_of,
    orientations_of,
    signing_epci,
    strategies,
    visas,
)
from sdaasp_geo.outputs.escape import safe_file_stem
from sdaasp_geo.study import Study

_TITLE = "Convention-cadre de mise en œuvre du schéma"
_CATEGORIES = {
    "etat": "État",
    "departement": "Département",
    "region": "Région",
    "epci": "Intercommunalités (EPCI)",
    "petr": "Pays et pôles d'équilibre territorial et rural (PETR)",
    "elus": "Associations d'élus",
    "operateur": "Organismes prestataires de services",
    "consulaire": "Organismes consulaires",
    "autre": "Autres signataires",
}
_LEGAL_YEARS = 6

Parties = dict[str, list[str]]


def framework_document(study: Study) -> Document:
    """Write the framework convention of a scheme; without governance, the same document with its blanks."""
    own = framework_of(governance_of(study))
    title = (own.nom if own else "") or _TITLE
    parties = _parties(study, own)
    return finished(
        Document(
            kind=FRAMEWORK,
            siren="",
            party=study.departement_name,
            stem=f"convention-cadre-{safe_file_stem(study.scheme.departement, study.departement_name)}",
            title=title,
            subtitle=f"{study.departement_name} ({study.scheme.departement})",
            running=f"{title}{NBSP}– {study.departement_name}",
            footing=study.scheme.nom,
            edition=study.scheme.edition.isoformat(),
            identification=(
                ("Département", f"{study.departement_name} ({study.scheme.departement})"),
                ("Schéma", study.scheme.nom),
                ("Référence", (own.source if own else "") or study.scheme.reference or study.scheme.nom),
                ("Édition", french.date(study.scheme.edition)),
            ),
            blocks=(
                *_listed(parties),
                *_preamble(study),
                *_purpose(study),
                *commitments(study, own),
                *_life(study, own),
                *_signatures(own, parties),
                *_perimeter(study, own),
                *_plan(study),
            ),
        )
    )


def _parties(study: Study, own: Convention | None) -> Parties:
    """Return the parties by the label of their category, in the order of the labels."""
    if own is None or not any(party.categorie for party in own.signataires):
        return _standard(study, [party.nom for party in own.signataires] if own else [])
    found: Parties = {}
    for party in own.signataires:
        label = _CATEGORIES.get(fold(party.categorie), party.categorie or _CATEGORIES["autre"])
        found.setdefault(label, []).append(party.nom)
    if _CATEGORIES["epci"] not in found:
        found[_CATEGORIES["epci"]] = [name for _, name in signing_epci(study)]
    ranks = {label: rank for rank, label in enumerate(_CATEGORIES.values())}
    return dict(sorted(found.items(), key=lambda item: (ranks.get(item[0], len(ranks)), item[0])))


def _standard(study: Study, named: list[str]) -> Parties:
    """Return those who sign by law, the EPCI of the scheme, the names given without category, and blanks."""
    where = study.departement_name
    parties = {
        _CATEGORIES["etat"]: [f"Préfecture ({where})", blank("services et agences de l'État qui signent")],
        _CATEGORIES["departement"]: [f"Département ({where})"],
        _CATEGORIES["region"]: [asked(f"signature de la Région{NBSP}{study.region_name}, à confirmer")],
        _CATEGORIES["epci"]: [name for _, name in signing_epci(study)],
        _CATEGORIES["petr"]: [blank("PETR qui signent")],
        _CATEGORIES["elus"]: [blank("associations d'élus qui signent")],
        _CATEGORIES["operateur"]: [blank("opérateurs de services qui signent")],
        _CATEGORIES["consulaire"]: [blank("organismes consulaires qui signent")],
    }
    return parties | ({_CATEGORIES["autre"]: named} if named else {})


def _listed(parties: Parties) -> list[Block]:
    blocks: list[Block] = [Heading("Parties")]
    for label, names in parties.items():
        blocks += [Heading(label, level=3), *bullets(names)]
    return blocks


def _preamble(study: Study) -> list[Block]:
    texts = [
        *visas(governance_of(study)),
        strategies(),
        (
            "Considérant que l'accès aux services dépend d'acteurs nombreux, et que le plan d'actions demande à "
            f"chacun des moyens, des informations et une présence dans le suivi{NARROW_NBSP};"
        ),
    ]
    return [Heading("Préambule"), *bullets(texts), Paragraph("les parties conviennent de ce qui suit.")]


def _purpose(study: Study) -> list[Block]:
    told: list[Block] = [*bullets(orientations_of(study))]
    if study.programme and study.programme.plan.orientations:
        table = Table(
            "Orientations du schéma",
            ("N°", "Orientation", "Décrit dans les tables", "Remarque"),
            orientation_rows(study.programme),
            note=unattached(study.programme),
        )
        told = [Grid(table, (1.0, 7.4, 4.2, 4.8))]
    return [
        Heading("Article 1 – Objet"),
        Paragraph(
            "La convention-cadre réunit les partenaires du schéma et fixe ce que chacun s'engage à faire pour que "
            "son plan d'actions soit réalisé. Une convention territoriale la précise avec chaque EPCI."
        ),
        *announced(study),
        *told,
    ]


def _life(study: Study, own: Convention | None) -> list[Block]:
    return [
        *_duration(study, own),
        Heading("Article 4 – Avenants"),
        Paragraph(
            "La convention est modifiée par avenant écrit. Les parties en décident dans l'instance départementale."
        ),
        *bullets(amendments(own)),
        Heading("Article 5 – Suivi"),
        Paragraph(
            "Le suivi s'appuie sur un tableau de bord des actions (état, calendrier, moyens, indicateurs), mis à jour "
            "à partir des synthèses annuelles de l'article 2.2 et présenté chaque année avec le bilan."
        ),
        Heading("Article 6 – Retrait d'un signataire"),
        Paragraph(
            "Les documents du schéma ne disent rien du retrait d'un signataire. Les parties en fixent les conditions"
            f"{NBSP}: {blank('forme et préavis du retrait')}, {blank('sort des engagements en cours')}."
        ),
    ]


def _duration(study: Study, own: Convention | None) -> list[Block]:
    years = own.duree_ans if own else None
    doubt = "" if years else f" ({blank('durée à confirmer')})"
    span = own.validite if own else Period()
    order = decided(governance_of(study), "arrete", "date de l'arrêté préfectoral")
    start = f"le {french.date(span.start)}" if span.start else "à la signature des parties"
    end = f"le {french.date(span.end)}" if span.end else f"le {blank('date de fin de la convention')}"
    return [
        Heading("Article 3 – Durée"),
        Paragraph(
            f"La convention dure autant que le schéma, soit {count(int(years or _LEGAL_YEARS), 'an')}{doubt} à compter "
            f"de l'arrêté préfectoral qui le fixe, pris {order}. Elle prend effet {start} et s'achève {end}."
        ),
    ]


def _signatures(own: Convention | None, parties: Parties) -> list[Block]:
    signed = day_of(own.date if own else Period(), "date de signature de la convention-cadre")
    names = [name for group in parties.values() for name in group]
    boxes = tuple((name, blank("nom et qualité du signataire"), "Date et signature") for name in names)
    return [
        Heading("Signatures"),
        Paragraph(
            f"Fait à {blank('lieu de signature')}, {signed}, en {number(2)} exemplaires originaux, l'un pour le "
            "Département et l'autre pour le préfet. Chaque signataire en reçoit une copie."
        ),
        Signatures(boxes, columns=2),
    ]


def _perimeter(study: Study, own: Convention | None) -> list[Block]:
    rows = tuple(
        (
            full_name(str(row["name"]), str(row["kind"])),
            str(row["siren"]),
            number(row["communes"]),
            number(row["communes_outside"]),
            number(row["population"]),
        )
        for row in study.epci[study.epci["role"] == SIGNS].drop(columns="geometry").to_dict("records")
    )
    year = (own.perimetre if own else None) or study.scheme.millesimes.convention
    header = ("EPCI", "SIREN", "Communes", "dont hors du département", "Habitants")
    table = Table(
        "EPCI signataires",
        header,
        tuple(sorted(rows)),
        note=f"Communes et habitants au 1er{NBSP}janvier{NBSP}{study.scheme.millesimes.mesure}.",
        empty="Aucun EPCI signataire n'est connu.",
    )
    return [
        Heading("Annexe 1 – Périmètre", new_page=True),
        Paragraph(f"La convention est établie sur le périmètre des EPCI au 1er{NBSP}janvier{NBSP}{year}."),
        Grid(table, (7.6, 2.6, 2.2, 2.6, 2.4), right=(2, 3, 4)),
    ]


def _plan(study: Study) -> list[Block]:
    table = Table(
        "Actions décrites dans les tables du schéma",
        PLAN_HEADER,
        plan_rows(study.programme.plan.actions if study.programme else ()),
        empty="Les tables du schéma ne décrivent aucune action.",
    )
    return [
        Heading("Annexe 2 – Plan d'actions"),
        note("Seules les actions décrites dans les tables du schéma figurent ici."),
        Grid(table, (4.8, 2.8, 3.0, 4.8, 2.0)),
    ]
