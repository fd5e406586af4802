"""The scheme itself: its plan of actions and its governance, read, joined, checked, their territories resolved."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import cache
from pathlib import Path

import pandas as pd

from sdaasp_geo.action_plan import ACTION, Field, action_fields, governance_fields
from sdaasp_geo.analysis.reach import action_reach
from sdaasp_geo.layers import findings, services, territories
from sdaasp_geo.layers.actions import build_actions
from sdaasp_geo.layers.gazetteer import Gazetteer, build_gazetteer
from sdaasp_geo.layers.governance import build_governance
from sdaasp_geo.layers.names import COMMUNE
from sdaasp_geo.layers.plan_checks import CONTRADICTION_COLUMNS, merge_tables
from sdaasp_geo.layers.plan_territories import governance_with_codes, plan_territories, plan_with_codes
from sdaasp_geo.layers.plans import governance_of, plan_of
from sdaasp_geo.pipeline.decisions import plan_decisions
from sdaasp_geo.scheme import Scheme
from sdaasp_geo.sources import france
from sdaasp_geo.sources.action_sheets import read_action_sheets
from sdaasp_geo.sources.action_tables import read_action_table
from sdaasp_geo.sources.delimited import read_delimited
from sdaasp_geo.sources.governance_tables import read_governance_table
from sdaasp_geo.study import Programme

ACTIONS, GOVERNANCE = "actions", "gouvernance"
_WORDS = (".docx", ".odt", ".txt", ".md")
_DIFFERING = ["table", "kind", "code", *CONTRADICTION_COLUMNS]


def read_programme(
    scheme: Scheme, *, communes: pd.DataFrame, epci: pd.DataFrame, petr_members: pd.DataFrame
) -> Programme | None:
    """Read the plan of actions and the governance of a scheme, and say where each action applies.

    Parameters
    ----------
    scheme : Scheme
        The scheme; None is returned where it names neither.
    communes, epci, petr_members : DataFrame
        Layers of the study, at the vintage of the measure.

    Raises
    ------
    InputError
        Faults of the files, together by file: unreadable, or that the checks of `layers.actions` and
        `layers.governance` refuse.
    """
    files = scheme.fichiers
    if not (files.actions or files.gouvernance):
        return None
    planned, action_notes, differing = _layer(scheme, files.actions, ACTIONS)
    bodies, body_notes, other = _layer(scheme, files.gouvernance, GOVERNANCE)
    vintage = findings.closest_vintage(scheme.millesimes.convention, france.vintages())
    members = _members(scheme, vintage)
    named = _territories(scheme, (planned, bodies), vintage, members, communes, epci, petr_members)
    of_actions, of_bodies = (named[named["table"] == table] for table in (ACTIONS, GOVERNANCE))
    current = of_actions.assign(territory_code=_current(scheme, of_actions, communes))
    contradictions = pd.concat([differing, other], ignore_index=True)
    governance = governance_with_codes(governance_of(bodies), of_bodies)
    return Programme(
        plan=plan_with_codes(plan_of(planned), of_actions),
        governance=governance,
        actions=planned,
        bodies=bodies,
        territories=named,
        reach=action_reach(current, communes, epci, _in_study(scheme, members, communes)),
        contradictions=contradictions,
        notes=(*action_notes, *body_notes),
        decisions=plan_decisions(planned, bodies, named, contradictions),
    )


def _layer(scheme: Scheme, names: Sequence[str], table: str) -> tuple[pd.DataFrame, list[str], pd.DataFrame]:
    """Read the files of a table, join them and check the result; say what was not recognised, and what differs."""
    reader, fields, keys, default, build = _TABLES[table]
    read = [reader(scheme.path(name)) for name in names]
    notes = [note for _, told in read for note in told]
    joined, differing = merge_tables([rows for rows, _ in read], fields(), keys=keys, default=default)
    layer, told = build(joined)
    found = differing.rename(columns={keys[0]: "kind"}).assign(table=table)
    return layer, [*notes, *(told if names else [])], found[_DIFFERING]


def _read_actions(path: Path) -> tuple[pd.DataFrame, list[str]]:
    return (read_action_sheets(path), []) if path.suffix.lower() in _WORDS else read_action_table(path)


_Reader = Callable[[Path], tuple[pd.DataFrame, list[str]]]
_Builder = Callable[[pd.DataFrame], tuple[pd.DataFrame, list[str]]]
_TABLES: dict[str, tuple[_Reader, Callable[[], tuple[Field, ...]], tuple[str, str], str, _Builder]] = {
    ACTIONS: (_read_actions, action_fields, ("niveau", "code"), ACTION, build_actions),
    GOVERNANCE: (read_governance_table, governance_fields, ("type", "code"), "", build_governance),
}


def _members(scheme: Scheme, vintage: int) -> pd.DataFrame:
    """Return the communes of each PETR on 1 January of the vintage of the names."""
    membership = france.read_membership(vintage)
    date = f"{vintage}-01-01"
    return territories.petr_members(france.read_petr(), membership, date=date, departement=scheme.departement)


def _territories(
    scheme: Scheme,
    layers: tuple[pd.DataFrame, pd.DataFrame],
    vintage: int,
    members: pd.DataFrame,
    communes: pd.DataFrame,
    epci: pd.DataFrame,
    petr_members: pd.DataFrame,
) -> pd.DataFrame:
    """Resolve the territories of both layers, as named at the vintage of the convention."""
    gazetteer = _gazetteer(scheme)
    before = france.read_membership(vintage)
    known = {
        scheme.departement,
        *before.loc[before["departement"] == scheme.departement, "code"],
        *communes.loc[communes["inside"], "code"],
        *epci["siren"],
        *members["petr"],
        *petr_members["petr"],
    }
    signing = list(epci.loc[epci["role"] == territories.SIGNS, "siren"])
    found = [
        plan_territories(
            layer,
            gazetteer,
            table=table,
            departement=scheme.departement,
            vintage=vintage,
            signatories=signing,
            known=known,
        )
        for table, layer in zip((ACTIONS, GOVERNANCE), layers, strict=True)
    ]
    return pd.concat(found, ignore_index=True)


def _gazetteer(scheme: Scheme) -> Gazetteer:
    """Return the gazetteer of France, with the other names of the scheme where it gives some."""
    if not scheme.fichiers.noms:
        return _france_gazetteer()
    given = read_delimited(scheme.path(scheme.fichiers.noms)).rename(columns={"type": "kind", "nom": "name"})
    return _build_gazetteer(other_names=given)


@cache
def _france_gazetteer() -> Gazetteer:
    return _build_gazetteer(other_names=None)


def _build_gazetteer(*, other_names: pd.DataFrame | None) -> Gazetteer:
    years = france.vintages()
    return build_gazetteer(
        communes=pd.concat([france.read_membership(year) for year in years], ignore_index=True),
        epci=france.read_epci_name_history(),
        petr=france.read_petr(),
        departements={code: known.name for code, known in france.read_departements().items()},
        moves=france.read_moves(),
        other_names=other_names,
    )


def _current(scheme: Scheme, named: pd.DataFrame, communes: pd.DataFrame) -> pd.Series:
    """Bring the codes of communes to the vintage of the measure."""
    codes = _moved(scheme, named["territory_code"], set(communes["code"]))
    return codes.where(named["territory_kind"] == COMMUNE, named["territory_code"])


def _in_study(scheme: Scheme, members: pd.DataFrame, communes: pd.DataFrame) -> pd.DataFrame:
    """Bring the communes of PETR to the vintage of the measure."""
    return members.assign(code=_moved(scheme, members["code"], set(communes["code"])))[["petr", "code"]]


def _moved(scheme: Scheme, codes: pd.Series, known: Collection[str]) -> pd.Series:
    vintage = scheme.millesimes.mesure
    return services.current_codes(codes, france.read_moves(), set(known), vintage=vintage)
