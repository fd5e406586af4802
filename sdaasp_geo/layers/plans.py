"""From the checked layers of actions and of governance to the structures of `action_plan`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pandas as pd

from sdaasp_geo.action_plan import (
    ACTION,
    AMENDMENT,
    BODY,
    COMMITMENT,
    CONVENTION,
    COUNT,
    DEADLINE,
    DECISION,
    LOCAL,
    MEETING,
    OBJECTIVE,
    ORIENTATION,
    SIGNATORY,
    Action,
    ActionPlan,
    Amendment,
    Body,
    Convention,
    Event,
    Governance,
    LocalGovernance,
    Objective,
    Orientation,
    Period,
    Signatory,
    TerritoryName,
    items_of,
)
from sdaasp_geo.layers.action_items import COMMA_COLUMNS, budget_of, calendar_of, territories_of
from sdaasp_geo.layers.periods import read_period, span_of

_LISTS = ("public", "porteurs", "partenaires", "lieux", "financements", "indicateurs", "scenarios", "priorites")
_FOLLOWED = ("financeurs", "referents", "etapes")
_TEXTS = ("code", "titre", "description", "liens_schemas", "statut", "bilan", "blocage")
_NOTED = ("remarques", "reste", "source", "date_maj")


def plan_of(layer: pd.DataFrame) -> ActionPlan:
    """Return the plan that a layer of actions (`actions.build_actions`) describes, in its order."""
    return ActionPlan(
        orientations=tuple(
            Orientation(code=row["code"], titre=row["titre"], source=row["source"])
            for row in _rows(layer, "niveau", ORIENTATION)
        ),
        objectifs=tuple(
            Objective(code=row["code"], titre=row["titre"], orientation=row["orientation_code"], source=row["source"])
            for row in _rows(layer, "niveau", OBJECTIVE)
        ),
        actions=tuple(_action(row) for row in _rows(layer, "niveau", ACTION)),
    )


def _rows(layer: pd.DataFrame, column: str, kind: str) -> Iterator[dict[str, Any]]:
    yield from layer[layer[column] == kind].to_dict("records")


def _action(row: dict[str, Any]) -> Action:
    given: dict[str, Any] = {name: row[name] for name in (*_TEXTS, *_NOTED)}
    given |= {name: items_of(row[name], commas=name in COMMA_COLUMNS) for name in (*_LISTS, *_FOLLOWED)}
    budget, _ = budget_of(row["budget_prevu_eur"], row["budget_depense_eur"])
    return Action(
        **given,
        orientation=row["orientation_code"],
        objectif=row["objectif_code"],
        objectif_texte=row["objectif"],
        calendrier=calendar_of(row["calendrier"]),
        territoires=territories_of(row["territoires"], row["territoires_codes"]),
        avancement_pct=_known(row["progress_pct"]),
        debut_fin=span_of(read_period(row["debut"]), read_period(row["fin"])),
        budget=budget,
        dernier_bilan=read_period(row["dernier_bilan"]),
        fusionnee_dans=row["merged_into"],
    )


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def governance_of(layer: pd.DataFrame) -> Governance:
    """Return the governance that a layer (`governance.build_governance`) describes, in its order."""
    return Governance(
        instances=tuple(_body(row) for row in _rows(layer, "type", BODY)),
        epci=tuple(_local(row) for row in _rows(layer, "type", LOCAL)),
        conventions=tuple(_convention(row, layer) for row in _rows(layer, "type", CONVENTION)),
        evenements=tuple(_event(row) for kind in (MEETING, DEADLINE, DECISION) for row in _rows(layer, "type", kind)),
        effectifs={row["code"]: row["number"] for row in _rows(layer, "type", COUNT) if not math.isnan(row["number"])},
    )


def _body(row: dict[str, Any]) -> Body:
    return Body(
        code=row["code"],
        nom=row["nom"],
        categorie=row["categorie"],
        animation=items_of(row["animation"]),
        composition=items_of(row["composition"]),
        frequence=row["frequence"],
        reunions_min=_known(row["meetings_min"]),
        reunions_max=_known(row["meetings_max"]),
        missions=items_of(row["missions"]),
        territoires=territories_of(row["territoires"], row["territoires_codes"]),
        source=row["source"],
    )


def _local(row: dict[str, Any]) -> LocalGovernance:
    own = territories_of(row["territoires"] or row["nom"], row["territoires_codes"])
    return LocalGovernance(
        code=row["code"],
        territoire=own[0] if len(own) == 1 else TerritoryName(row["nom"]),
        elu_referent=row["elu_referent"],
        technicien_referent=row["technicien_referent"],
        comite=row["comite"],
        reunions_min=_known(row["meetings_min"]),
        representant_conference=row["representant_conference"],
        representant_comite_technique=row["representant_comite_technique"],
        source=row["source"],
    )


def _convention(row: dict[str, Any], layer: pd.DataFrame) -> Convention:
    own = layer[(layer["convention"] == row["code"]) & (layer["type"] != CONVENTION)]
    parties = tuple(
        Signatory(
            code=party["code"],
            nom=party["nom"],
            categorie=party["categorie"],
            territoires=territories_of(party["territoires"], party["territoires_codes"]),
        )
        for party in _rows(own, "type", SIGNATORY)
    )
    amendments = tuple(
        Amendment(
            code=change["code"], nom=change["nom"], date=read_period(change["date"]), remarques=change["remarques"]
        )
        for change in _rows(own, "type", AMENDMENT)
    )
    return Convention(
        code=row["code"],
        nom=row["nom"],
        categorie=row["categorie"],
        territoires=territories_of(row["territoires"], row["territoires_codes"]),
        date=read_period(row["date"]),
        validite=Period(
            words=" – ".join(text for text in (row["debut"], row["fin"]) if text),
            start=None if pd.isna(row["start"]) else row["start"].date(),
            end=None if pd.isna(row["end"]) else row["end"].date(),
            reason=row["dates_reason"],
        ),
        duree_ans=_known(row["years"]),
        perimetre=None if math.isnan(row["perimeter_year"]) else int(row["perimeter_year"]),
        signataires=parties or tuple(Signatory(code="", nom=name) for name in items_of(row["composition"])),
        engagements=tuple((item["code"], item["nom"]) for item in _rows(own, "type", COMMITMENT)),
        avenants=amendments,
        remarques=row["remarques"],
        source=row["source"],
    )


def _event(row: dict[str, Any]) -> Event:
    return Event(
        kind=row["type"],
        **{name: row[name] for name in ("code", "nom", "instance", "convention", "remarques", "source")},
        date=read_period(row["date"]),
        participants=items_of(row["participants"], commas=True),
        territoires=territories_of(row["territoires"], row["territoires_codes"]),
    )
