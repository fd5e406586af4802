"""What the outputs on deficits and actions say in words: figures that matter, notes, method."""

from __future__ import annotations

from sdaasp_geo.analysis.answers import (
    GAP_STATES,
    NO_PRIORITY,
    SUSPENDED,
    WITH,
    WITH_DEFICIT,
    WITHOUT,
    action_states,
)
from sdaasp_geo.french import NARROW_NBSP, NBSP, count, number
from sdaasp_geo.outputs.answers_model import Facing
from sdaasp_geo.outputs.escape import plain_text
from sdaasp_geo.outputs.headline import Figure
from sdaasp_geo.study import Study

METHOD = (
    (
        f"Un déficit est un critère que des communes d'un EPCI ne satisfont pas{NBSP}: règles de temps, choix, heures "
        "d'ouverture, paniers, indicateurs. Une action y répond quand elle atteint l'EPCI (par son nom, une commune, "
        "un PETR, ou tout le département pour les signataires) et qu'une de ses priorités du diagnostic est reliée au "
        "critère ou à son thème."
    ),
    (
        "La table des priorités est celle du produit, complétée par celle du schéma. Les mots sont comparés entiers, "
        f"aux accents, majuscules, pluriels et au mot «{NBSP}Critère{NBSP}» près{NARROW_NBSP}; rien n'est deviné."
    ),
    (
        f"«{NBSP}Réponse suspendue{NBSP}»{NBSP}: toutes les actions qui répondent au déficit sont abandonnées, "
        "bloquées ou en pause. Une action sans statut compte comme en cours. Une action sur une seule commune compte "
        f"pour son EPCI{NARROW_NBSP}; le tableau des réponses dit comment chaque action l'atteint."
    ),
    (
        f"Un thème qu'aucun critère ne mesure est «{NBSP}non mesuré{NBSP}»{NBSP}: une action qui le vise n'est pas "
        "inutile, rien ne permet de la confronter à un chiffre."
    ),
)


def deficits_by_state(facing: Facing, *, unsigned: bool = True) -> dict[str, int]:
    """Return the number of deficits (EPCI × criterion) in each state of answer, EPCI without convention or not."""
    gaps = facing.answers.gaps
    own = gaps[(gaps["level"] == "epci") & (gaps["communes_deficit"] > 0)]
    own = own if unsigned else own[~own["territory"].isin(facing.unsigned)]
    sizes = own["state"].value_counts()
    return {state: int(sizes.get(state, 0)) for state in GAP_STATES if state in (WITH, SUSPENDED, WITHOUT)}


def figures_of(facing: Facing) -> list[Figure]:
    """Return the figures that head the page."""
    sizes = deficits_by_state(facing)
    states = action_states(facing.answers)
    answering = int((states["state"] == WITH_DEFICIT).sum())
    total = count(sum(sizes.values()), "déficit")
    beside = sizes[WITHOUT] - deficits_by_state(facing, unsigned=False)[WITHOUT]
    aside = f"{NARROW_NBSP}; {number(beside)} dans un EPCI sans convention" if beside else ""
    free = int((~facing.answers.priorities["tied"]).sum())
    return [
        Figure(number(sizes[WITHOUT]), f"sans action, sur {total} (EPCI × critère){aside}"),
        Figure(number(sizes[SUSPENDED]), "à réponse suspendue (actions abandonnées, bloquées ou en pause)"),
        Figure(number(sizes[WITH]), "avec une action au moins"),
        Figure(f"{number(answering)} sur {number(len(states))}", "actions qui répondent à un déficit mesuré"),
        Figure(number(free), "priorité à relier" if free < 2 else "priorités à relier"),  # noqa: PLR2004 - French plural
    ]


def notes_of(facing: Facing, study: Study) -> list[str]:
    """Return what the reader must know before he trusts a cell."""
    notes = []
    read = len(facing.actions)
    if facing.announced is not None:
        notes.append(
            f"Le schéma annonce {count(facing.announced, 'action')}{NARROW_NBSP}; {number(read)} "
            f"{'sont lues' if read > 1 else 'est lue'} ici. Un déficit «{NBSP}sans action{NBSP}» peut être visé par "
            "une action que les documents remis ne donnent pas."
        )
    silent = int((action_states(facing.answers)["state"] == NO_PRIORITY).sum())
    if silent:
        notes.append(
            f"{count(silent, 'action')} sans priorité du diagnostic{NBSP}: rien ne dit à quel déficit "
            f"{'elles répondent' if silent > 1 else 'elle répond'}."
        )
    unsigned = [facing.territories[code] for code in facing.unsigned if code in facing.territories]
    if unsigned:
        names = ", ".join(unsigned)
        notes.append(
            f"Sans convention dans ce département{NBSP}: {names}. Une action sur tout le département ne s'y étend pas."
        )
    if study.scheme.fichiers.priorites:
        notes.append(f"Table des priorités du schéma{NBSP}: {plain_text(study.scheme.fichiers.priorites)}.")
    return notes
