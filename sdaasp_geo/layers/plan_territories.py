"""Territories that the rows of a plan or of a governance name: as written, as codes, or why they count nowhere."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping

import msgspec
import pandas as pd

from sdaasp_geo.action_plan import ACTION, CONVENTION, LOCAL, SIGNATORY, ActionPlan, Governance, TerritoryName
from sdaasp_geo.layers.action_items import OUTSIDE, territories
from sdaasp_geo.layers.gazetteer import Gazetteer
from sdaasp_geo.layers.mentions import ALL_OF, KNOWN
from sdaasp_geo.layers.names import EPCI, KINDS
from sdaasp_geo.layers.territory_names import resolve_territories

COLUMNS = (
    *("table", "kind", "code", "rank", "words", "territory_kind", "territory_code", "territory_name"),
    *("status", "note", "candidates", "reason"),
)
_KIND_OF_ALL = {label: kind for kind, label in ALL_OF.items()}


def plan_territories(
    layer: pd.DataFrame,
    gazetteer: Gazetteer,
    *,
    table: str,
    departement: str,
    vintage: int,
    signatories: Collection[str],
    known: Collection[str],
) -> pd.DataFrame:
    """List the territories of every row of a layer, and resolve them to codes.

    Parameters
    ----------
    layer : DataFrame
        From `actions.build_actions` or `governance.build_governance`.
    gazetteer : Gazetteer
        `gazetteer.build_gazetteer`.
    table : str
        Name of the layer, for the first column.
    departement, vintage, signatories
        See `territory_names.resolve_territories`.
    known : collection of str
        Codes of the scheme: its département, its communes, the EPCI and PETR that have a commune in it.

    Returns
    -------
    DataFrame
        ``COLUMNS``: one row per mention and per code it stands for (« chaque EPCI » has as many rows as EPCI); a
        mention that is not *reconnu* has one row without code. ``reason`` is empty for what counts, else the note of
        the reading, or that the territory lies outside the scheme.
    """
    kind = "niveau" if "niveau" in layer else "type"
    listed = territories(_with_own_names(layer, kind)).reset_index(drop=True)
    texts = listed["territory_code"].where(listed["territory_code"] != "", listed["words"])
    own = listed[kind] == LOCAL
    sources = listed.to_dict("records")
    rows = []
    for mask, kinds in ((own, (EPCI,)), (~own, KINDS)):
        wanted = texts[mask]
        read = resolve_territories(
            list(wanted), gazetteer, departement=departement, vintage=vintage, signatories=signatories, kinds=kinds
        )
        rows += [
            (sources[wanted.index[mention["position"]]], mention, code, name)
            for mention in read.to_dict("records")
            for code, name in _codes(mention)
        ]
    found = pd.DataFrame([_row(table, kind, *row) for row in rows], columns=list(COLUMNS), dtype="object")
    found = found.astype(dict.fromkeys(COLUMNS, "str") | {"rank": "int64"})
    outside = (found["territory_code"] != "") & ~found["territory_code"].isin(set(known))
    found["reason"] = found["reason"].mask(outside, OUTSIDE)
    return found.sort_values(["table", "kind", "code", "rank"], kind="stable").reset_index(drop=True)


def _with_own_names(layer: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Take the name of a row of the governance of an EPCI for its territory, where it gives no other."""
    if kind == "niveau":
        return layer
    bare = (layer["type"] == LOCAL) & (layer["territoires"] == "") & (layer["territoires_codes"] == "")
    return layer.assign(territoires=layer["territoires"].mask(bare, layer["nom"]))


def _codes(mention: Mapping[str, object]) -> list[tuple[str, str]]:
    codes, names = str(mention["codes"]).split(), str(mention["names"]).split(" ; ")
    return list(zip(codes, names, strict=True)) if codes else [("", "")]


def _row(
    table: str, kind: str, source: Mapping[Hashable, object], mention: Mapping[str, object], code: str, name: str
) -> tuple[object, ...]:
    read = str(mention["kind"])
    reason = "" if mention["status"] == KNOWN else str(mention["note"] or mention["status"])
    told = (_KIND_OF_ALL.get(read, read), code, name, mention["status"], mention["note"], mention["candidates"])
    return (table, source[kind], source["code"], source["rank"], source["words"] or mention["text"], *told, reason)


def plan_with_codes(plan: ActionPlan, listed: pd.DataFrame) -> ActionPlan:
    """Return the plan with the codes of its territories, from `plan_territories`."""
    named = _names(listed, (ACTION,))
    actions = tuple(
        msgspec.structs.replace(action, territoires=named.get((ACTION, action.code), action.territoires))
        for action in plan.actions
    )
    return msgspec.structs.replace(plan, actions=actions)


def governance_with_codes(governance: Governance, listed: pd.DataFrame) -> Governance:
    """Return the governance with the codes of its territories, from `plan_territories`."""
    named = _names(listed, tuple(listed["kind"].unique()))
    local = []
    for own in governance.epci:
        found = named.get((LOCAL, own.code), ())
        local.append(msgspec.structs.replace(own, territoire=found[0]) if len(found) == 1 else own)
    conventions = tuple(
        msgspec.structs.replace(
            convention,
            territoires=named.get((CONVENTION, convention.code), convention.territoires),
            signataires=tuple(
                msgspec.structs.replace(party, territoires=named.get((SIGNATORY, party.code), party.territoires))
                for party in convention.signataires
            ),
        )
        for convention in governance.conventions
    )
    bodies = tuple(
        msgspec.structs.replace(body, territoires=named.get(("instance", body.code), body.territoires))
        for body in governance.instances
    )
    events = tuple(
        msgspec.structs.replace(event, territoires=named.get((event.kind, event.code), event.territoires))
        for event in governance.evenements
    )
    return msgspec.structs.replace(
        governance, epci=tuple(local), conventions=conventions, instances=bodies, evenements=events
    )


def _names(listed: pd.DataFrame, kinds: Collection[str]) -> dict[tuple[str, str], tuple[TerritoryName, ...]]:
    own = listed[listed["kind"].isin(kinds)]
    found: dict[tuple[str, str], list[TerritoryName]] = {}
    for row in own.itertuples(index=False):
        found.setdefault((row.kind, row.code), []).append(TerritoryName(row.words, row.territory_code, row.reason))
    return {key: tuple(names) for key, names in found.items()}
