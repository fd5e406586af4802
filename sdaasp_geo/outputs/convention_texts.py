"""What the governance of a scheme says for its conventions: parties, dates, decisions, numbers; blanks for the rest."""

from __future__ import annotations

from sdaasp_geo import french
from sdaasp_geo.action_plan import DECISION, Convention, Event, Governance, Period, fold
from sdaasp_geo.french import NARROW_NBSP, NBSP
from sdaasp_geo.layers.territories import SIGNS
from sdaasp_geo.outputs.annexe_model import Texts, blank
from sdaasp_geo.outputs.annexe_scope import full_name
from sdaasp_geo.outputs.convention_model import FRAMEWORK, Block, Paragraph, note, source_note
from sdaasp_geo.study import Study

LAW = (
    f"Vu l'article{NBSP}26 de la loi n°{NBSP}95-115 du 4{NBSP}février{NBSP}1995, dans sa rédaction issue de l'article"
    f"{NBSP}98 de la loi n°{NBSP}2015-991 du 7{NBSP}août{NBSP}2015 (loi NOTRe){NARROW_NBSP};"
)
DECREE = (
    f"Vu le décret n°{NBSP}2016-402 du 4{NBSP}avril{NBSP}2016 relatif au schéma départemental d'amélioration de "
    f"l'accessibilité des services au public{NARROW_NBSP};"
)
STATE, COUNCIL, OWN = "etat", "departement", "epci"
"""The three parties of a territorial convention."""

_STANDARD = ("EPCI", "Département", "Préfecture")
_STATE_WORDS, _COUNCIL_WORDS = ("prefecture", "prefet", "etat"), ("departement", "conseil departemental")
_FIGURES = {
    "orientations": ("orientation", "orientations"),
    "objectifs": ("objectif opérationnel", "objectifs opérationnels"),
    "actions": ("action", "actions"),
}


def governance_of(study: Study) -> Governance:
    """Return the governance of the study, empty where the scheme gives none."""
    return study.programme.governance if study.programme else Governance()


def asked(what: str) -> str:
    """Write a blank whatever the words: brackets of the data become parentheses."""
    return blank(what.replace("[", "(").replace("]", ")"))


def framework_of(governance: Governance) -> Convention | None:
    """Return the framework convention, where the governance has one."""
    return next((found for found in governance.conventions if fold(found.categorie) == FRAMEWORK), None)


def signing_epci(study: Study) -> list[tuple[str, str]]:
    """Return the SIREN and the full name of the EPCI that sign, in the order of a French index."""
    rows = study.epci.loc[study.epci["role"] == SIGNS, ["siren", "name", "kind"]].astype("str")
    named = {full_name(name, kind): siren for siren, name, kind in rows.itertuples(index=False)}
    return [(named[name], name) for name in french.in_order(named)]


def day_of(period: Period, what: str) -> str:
    """Write a day with its article, such as « le 30 mars 2018 »; what is missing of it is a blank.

    Parameters
    ----------
    period : Period
        As read; a month or a year is written as it is, and its day left blank.
    what : str
        What the day is, for the blank.
    """
    if period.start is not None and period.start == period.end:
        return f"le {french.date(period.start)}"
    if period.words:
        return f"le {asked(f'{what}, notée «{NBSP}{period.words}{NBSP}»')}"
    return f"le {asked(what)}"


def decision_of(governance: Governance, word: str, siren: str = "") -> Event | None:
    """Return the first decision whose code or name begins one of its words with ``word``.

    Parameters
    ----------
    governance : Governance
        The rows.
    word : str
        Folded, such as ``deliber`` or ``arrete``.
    siren : str
        The EPCI that decides; empty: a decision that names no EPCI.
    """
    for event in governance.evenements:
        if event.kind != DECISION or not any(
            part.startswith(word) for part in fold(f"{event.code} {event.nom}").split()
        ):
            continue
        codes = {name.code for name in event.territoires}
        if (siren in codes) if siren else not event.territoires:
            return event
    return None


def decided(governance: Governance, word: str, what: str, siren: str = "") -> str:
    """Write the day of a decision, or a blank."""
    event = decision_of(governance, word, siren)
    return day_of(event.date if event else Period(), what)


def party_kind(name: str) -> str:
    """Tell whether a party is the State, the département or another one, from its name."""
    words = fold(name)
    if words.startswith(_STATE_WORDS):
        return STATE
    return COUNCIL if words.startswith(_COUNCIL_WORDS) else OWN


def parties_of(convention: Convention | None, *, epci: str, departement: str) -> list[str]:
    """Return the names of the parties to a territorial convention: those of its row, else the standard three."""
    given = [party.nom for party in convention.signataires] if convention else []
    names = given or list(_STANDARD)
    bare = {"departement", "conseil departemental", "prefecture", "etat"}
    full = [f"{name} ({departement})" if fold(name) in bare else name for name in names]
    return [epci if fold(name) in {"epci", "chaque epci", fold(epci)} else name for name in full]


def visas(governance: Governance) -> list[str]:
    """Write what both conventions rest on: the law, the decree, and the decisions that fixed the scheme."""
    council = decided(governance, "deliber", "date de la délibération de l'assemblée départementale")
    order = decided(governance, "arrete", "date de l'arrêté préfectoral")
    return [
        LAW,
        DECREE,
        f"Vu le schéma adopté par l'assemblée départementale {council}{NARROW_NBSP};",
        f"Vu l'arrêté préfectoral qui fixe le schéma, pris {order}{NARROW_NBSP};",
    ]


def strategies() -> str:
    """Say what the scheme is tied to: no table of the scheme tells it, so it is a blank."""
    return (
        "Considérant que le schéma s'articule avec les projets de l'État, de la Région, du Département et des "
        f"intercommunalités{NBSP}: {blank('projets de territoire, schémas et contrats concernés')}{NARROW_NBSP};"
    )


def announced(study: Study) -> list[Block]:
    """Say the numbers of the plan as the document announces them, beside what the tables of the scheme describe."""
    numbers = governance_of(study).effectifs
    told = [
        french.count(int(numbers[code]), *words) if code in numbers else blank(f"nombre d'{words[1]}")
        for code, words in _FIGURES.items()
    ]
    text = f"Le document du schéma annonce {french.listing(told)}"
    starts = [(code.removeprefix("actions-"), number) for code, number in numbers.items() if _is_start(code)]
    if starts:
        text += ", dont " + french.listing([f"{french.number(number)} dès {year}" for year, number in starts])
    blocks: list[Block] = [Paragraph(f"{text}.")]
    if study.programme:
        plan = study.programme.plan
        sizes = (len(plan.orientations), len(plan.objectifs), len(plan.actions))
        counted = [french.count(size, *words) for size, words in zip(sizes, _FIGURES.values(), strict=True)]
        blocks.append(note(f"Décrits à ce jour dans les tables du schéma{NBSP}: {french.listing(counted)}."))
    return blocks + source_note(study.scheme.reference)


def _is_start(code: str) -> bool:
    return code.startswith("actions-") and code.removeprefix("actions-").isdigit()


def orientations_of(study: Study) -> Texts:
    """Return the orientations of the scheme: of its plan, else of its description; one blank where neither says."""
    plan = study.programme.plan if study.programme else None
    if plan and plan.orientations:
        return tuple(item.titre for item in plan.orientations)
    return study.scheme.convention.orientations or (blank("orientations du schéma"),)


def amendments(convention: Convention | None) -> list[str]:
    """Tell the amendments already made."""
    texts = []
    for change in convention.avenants if convention else ():
        day = day_of(change.date, f"date de {change.nom}")
        texts.append(f"{change.nom}, {day}" + (f"{NBSP}: {change.remarques}" if change.remarques else ""))
    return texts
