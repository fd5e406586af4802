"""The scheme itself: orientations, objectives and actions; bodies, conventions and what is due; their vocabulary.

Words are French because they are those of the sheets, of the published Table Schemas (``data/schemes/*.schema.json``)
and of the cells that people fill: one name from the document to the structure.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from functools import cache
from typing import Any

import msgspec

from sdaasp_geo.embedded import embedded_path

ORIENTATION, OBJECTIVE, ACTION = "orientation", "objectif", "action"
LEVELS = (ORIENTATION, OBJECTIVE, ACTION)
"""Levels of a plan, from the top."""

STATUSES = (
    "à venir",
    "en cours",
    "réalisée",
    "en pause",
    "abandonnée",
    "bloquée",
    "en retard",
    "à discuter",
)
"""States of an action; an empty text means that nobody said."""

BODY, LOCAL, CONVENTION, SIGNATORY, COMMITMENT = "instance", "epci", "convention", "signataire", "engagement"
AMENDMENT, MEETING, DEADLINE, DECISION, COUNT = "avenant", "reunion", "echeance", "decision", "effectif"
KINDS = (BODY, LOCAL, CONVENTION, SIGNATORY, COMMITMENT, AMENDMENT, MEETING, DEADLINE, DECISION, COUNT)
"""Kinds of rows of a governance table."""

TO_RESOLVE = "nom à résoudre en code"
"""Reason of a territory that is still in words."""

ORIGIN = "origine"
"""Column that readers add: the file, and the sheet, a row comes from."""

_BULLETS = r"\-\u2013\u2014\u2212\u2043\u2022\u25cf\u25aa\u25a0\u25e6\u25cb\u2023\u00b7\u2219*"
_ARROWS = r"\u27a2\u27a4\u25ba\u25b6\u2713\u2714\u2192\u2756\uf0a7\uf0b7\uf0d8\uf0fc"
_MARK = re.compile(rf"^\s*(?:[{_BULLETS}{_ARROWS}]+(?=\s|[^\W\d_]|$)|o(?=\s))\s*")
_HARD = re.compile(r"\s\|\s|;(?=\s|$)")
_COMMA = re.compile(r",(?![^(]*\))(?=\s)")


class Field(msgspec.Struct, frozen=True):
    """A column of a published Table Schema, with the other words that people write for it and for its values."""

    name: str
    title: str
    type: str
    description: str
    constraints: dict[str, Any] = {}
    synonymes: tuple[str, ...] = ()
    synonymes_valeurs: dict[str, tuple[str, ...]] = {}


class _Schema(msgspec.Struct, frozen=True):
    fields: tuple[Field, ...]


@cache
def action_fields() -> tuple[Field, ...]:
    """Return the columns of a table of actions, in order (``data/schemes/actions.schema.json``)."""
    return _read("schemes/actions.schema.json")


@cache
def governance_fields() -> tuple[Field, ...]:
    """Return the columns of a table of governance, in order (``data/schemes/governance.schema.json``)."""
    return _read("schemes/governance.schema.json")


def _read(name: str) -> tuple[Field, ...]:
    return msgspec.json.decode(embedded_path(name).read_bytes(), type=_Schema).fields


def fold(text: str) -> str:
    """Return the words of a text in small letters without accents, one space apart.

    Examples
    --------
    >>> fold("  Mise en ŒUVRE : l'Échéancier ")
    'mise en oeuvre l echeancier'
    """
    lower = text.casefold().replace("œ", "oe").replace("æ", "ae")
    plain = "".join(letter for letter in unicodedata.normalize("NFKD", lower) if not unicodedata.combining(letter))
    return " ".join(re.findall(r"[^\W_]+", plain))


def value_of(words: str, field: Field) -> str | None:
    """Return the value of a list that words stand for, gender and accents aside; None where they stand for none.

    Parameters
    ----------
    words : str
        What the cell says, such as « Terminé » for « réalisée ».
    field : Field
        A column with a list of values (``constraints.enum``) and their synonyms.
    """
    spelled = {_neutral(other): value for value, others in field.synonymes_valeurs.items() for other in others}
    return (spelled | {_neutral(value): value for value in field.constraints["enum"]}).get(_neutral(words))


def _neutral(words: str) -> str:
    return " ".join(re.sub(r"(?<=.{3})e{0,2}s?$", "", word) for word in fold(words).split())


def unmarked(line: str) -> tuple[str, str]:
    r"""Part a line from its bullet: the mark (empty where there is none) and the text.

    Examples
    --------
    >>> unmarked("  • . Rencontre"), unmarked("- Etat"), unmarked("o\tMairie"), unmarked("-12 %")
    (('•', 'Rencontre'), ('-', 'Etat'), ('o', 'Mairie'), ('', '-12 %'))
    """
    found = _MARK.match(line)
    if found is None:
        return "", line.strip()
    rest = line[found.end() :]
    return found.group().strip(), re.sub(r"^\.\s+", "", rest).strip()


def items_of(text: str, *, commas: bool = False) -> tuple[str, ...]:
    r"""Cut a cell into its items: lines, bullets, ``|`` or ``;`` part them; a line that goes on is joined again.

    Parameters
    ----------
    text : str
        The cell, or the lines of a sheet.
    commas : bool
        Whether commas outside brackets part items too (names of territories, priorities): then, where there is one,
        ends of lines are only those of the page.

    Examples
    --------
    >>> items_of("- Etat\n- Conseil\n  départemental"), items_of("CAF | MSA")
    (('Etat', 'Conseil départemental'), ('CAF', 'MSA'))
    >>> items_of("Tarbes, Lourdes", commas=True)
    ('Tarbes', 'Lourdes')
    """
    pieces = [piece for part in _HARD.split(text) for piece in _joined(part, commas=commas)]
    if commas:
        pieces = [part for piece in pieces for part in _COMMA.split(piece)]
    return tuple(piece for piece in (" ".join(piece.split()) for piece in pieces) if piece)


def _joined(text: str, *, commas: bool) -> list[str]:
    """Cut lines; one without a bullet goes on with the one above where others have bullets, or in a small letter."""
    lines = [unmarked(line) for line in text.split("\n")]
    open_ended = any(mark for mark, _ in lines) or (commas and _COMMA.search(text) is not None)
    pieces: list[str] = []
    for mark, line in lines:
        if pieces and line and not mark and (open_ended or line[:1].islower()):
            pieces[-1] = f"{pieces[-1]} {line}"
        else:
            pieces.append(line)
    return pieces


class Period(msgspec.Struct, frozen=True):
    """A date or a period as people write it, and its days where the words leave no doubt.

    Attributes
    ----------
    words : str
        As written.
    start, end : dt.date or None
        First and last day.
    reason : str
        Why a bound is missing or to confirm; empty when both are sure.
    """

    words: str = ""
    start: dt.date | None = None
    end: dt.date | None = None
    reason: str = ""


class Step(msgspec.Struct, frozen=True):
    """What a calendar plans for a period."""

    period: Period
    steps: tuple[str, ...] = ()


class YearBudget(msgspec.Struct, frozen=True):
    """Euros planned and spent in a year; ``year`` is None for an amount without year, an amount None when unsaid."""

    year: int | None
    planned_eur: float | None = None
    spent_eur: float | None = None


class TerritoryName(msgspec.Struct, frozen=True):
    """A territory as written, its code once resolved, and the reason while it is not."""

    words: str
    code: str = ""
    reason: str = TO_RESOLVE


class Orientation(msgspec.Struct, frozen=True):
    """An orientation of the scheme."""

    code: str
    titre: str
    source: str = ""


class Objective(msgspec.Struct, frozen=True):
    """An operational objective; ``orientation`` is the code of its orientation, empty where nothing says it."""

    code: str
    titre: str
    orientation: str = ""
    source: str = ""


class Action(msgspec.Struct, frozen=True):
    """An action: the fields of its sheet, then those of its follow-up.

    Attributes
    ----------
    code, titre : str
        Identifiers.
    orientation, objectif : str
        Codes of the orientation and of the objective, empty where nothing ties the action to them.
    objectif_texte : str
        The objective as the sheet words it.
    avancement_pct : float or None
        From 0 to 100.
    debut_fin : Period
        From the first to the last day of the action.
    fusionnee_dans : str
        Code of the action that takes this one over.
    reste : str
        What the reader recognised as no field.
    """

    code: str
    titre: str
    orientation: str = ""
    objectif: str = ""
    objectif_texte: str = ""
    description: str = ""
    public: tuple[str, ...] = ()
    porteurs: tuple[str, ...] = ()
    partenaires: tuple[str, ...] = ()
    calendrier: tuple[Step, ...] = ()
    lieux: tuple[str, ...] = ()
    financements: tuple[str, ...] = ()
    liens_schemas: str = ""
    indicateurs: tuple[str, ...] = ()
    scenarios: tuple[str, ...] = ()
    territoires: tuple[TerritoryName, ...] = ()
    priorites: tuple[str, ...] = ()
    statut: str = ""
    avancement_pct: float | None = None
    debut_fin: Period = Period()
    budget: tuple[YearBudget, ...] = ()
    financeurs: tuple[str, ...] = ()
    referents: tuple[str, ...] = ()
    etapes: tuple[str, ...] = ()
    dernier_bilan: Period = Period()
    bilan: str = ""
    blocage: str = ""
    fusionnee_dans: str = ""
    remarques: str = ""
    reste: str = ""
    source: str = ""
    date_maj: str = ""


class ActionPlan(msgspec.Struct, frozen=True):
    """A plan: orientations › objectives › actions, each tied to the one above by its code."""

    orientations: tuple[Orientation, ...] = ()
    objectifs: tuple[Objective, ...] = ()
    actions: tuple[Action, ...] = ()


class Body(msgspec.Struct, frozen=True):
    """A body of governance; meetings a year are None where nothing says them."""

    code: str
    nom: str
    categorie: str = ""
    animation: tuple[str, ...] = ()
    composition: tuple[str, ...] = ()
    frequence: str = ""
    reunions_min: float | None = None
    reunions_max: float | None = None
    missions: tuple[str, ...] = ()
    territoires: tuple[TerritoryName, ...] = ()
    source: str = ""


class LocalGovernance(msgspec.Struct, frozen=True):
    """The governance of one EPCI: referents, committee, representatives; empty: still to be named."""

    code: str
    territoire: TerritoryName
    elu_referent: str = ""
    technicien_referent: str = ""
    comite: str = ""
    reunions_min: float | None = None
    representant_conference: str = ""
    representant_comite_technique: str = ""
    source: str = ""


class Signatory(msgspec.Struct, frozen=True):
    """A party to a convention."""

    code: str
    nom: str
    categorie: str = ""
    territoires: tuple[TerritoryName, ...] = ()


class Amendment(msgspec.Struct, frozen=True):
    """An amendment (avenant) to a convention."""

    code: str
    nom: str
    date: Period = Period()
    remarques: str = ""


class Convention(msgspec.Struct, frozen=True):
    """A convention: its parties, its dates, the vintage of its perimeter, its commitments and amendments."""

    code: str
    nom: str
    categorie: str = ""
    territoires: tuple[TerritoryName, ...] = ()
    date: Period = Period()
    validite: Period = Period()
    duree_ans: float | None = None
    perimetre: int | None = None
    signataires: tuple[Signatory, ...] = ()
    engagements: tuple[tuple[str, str], ...] = ()
    avenants: tuple[Amendment, ...] = ()
    remarques: str = ""
    source: str = ""


class Event(msgspec.Struct, frozen=True):
    """A meeting, a deadline or a decision; ``instance`` and ``convention`` are codes."""

    kind: str
    code: str
    nom: str
    date: Period = Period()
    instance: str = ""
    convention: str = ""
    participants: tuple[str, ...] = ()
    territoires: tuple[TerritoryName, ...] = ()
    remarques: str = ""
    source: str = ""


class Governance(msgspec.Struct, frozen=True):
    """Who decides, who signs, what is due; ``effectifs`` are the numbers that a document announces, by code."""

    instances: tuple[Body, ...] = ()
    epci: tuple[LocalGovernance, ...] = ()
    conventions: tuple[Convention, ...] = ()
    evenements: tuple[Event, ...] = ()
    effectifs: dict[str, float] = {}
