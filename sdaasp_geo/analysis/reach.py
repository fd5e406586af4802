"""Where each action applies: from the territories that it names to the EPCI of the study."""

from __future__ import annotations

import pandas as pd

from sdaasp_geo.action_plan import ACTION
from sdaasp_geo.layers.names import COMMUNE, DEPARTEMENT, EPCI, PETR
from sdaasp_geo.layers.territories import SIGNS

NOT_SAID = "territoire non dit"
NOT_KNOWN = "territoire non reconnu"
EVERY_EPCI = "tous les EPCI"
_RANK = {EPCI: 0, COMMUNE: 1, PETR: 2, DEPARTEMENT: 3}


def action_reach(
    named: pd.DataFrame, communes: pd.DataFrame, epci: pd.DataFrame, petr_members: pd.DataFrame
) -> pd.DataFrame:
    """List the EPCI where each action applies.

    An EPCI is reached when it is named, when a commune of it is, when a PETR that holds one of its communes is, or,
    for those that sign, when the département is.

    Parameters
    ----------
    named : DataFrame
        Territories of the actions (`layers.plan_territories`); rows with a ``reason`` reach nothing.
    communes : DataFrame
        ``code, epci`` of the study; codes of the territories named are brought to its vintage first.
    epci : DataFrame
        ``siren, name, role``; ``role`` is ``signataire`` for those that the whole département stands for.
    petr_members : DataFrame
        ``petr, code``: communes of each PETR at the vintage of the names.

    Returns
    -------
    DataFrame
        One row per action × EPCI, the closest way first where there are several: ``code`` (of the action),
        ``siren``, ``via`` (in French), ``level`` (kind of the territory named); sorted by action, then EPCI.
    """
    sure = named[(named["kind"] == ACTION) & (named["reason"] == "") & (named["territory_code"] != "")]
    holder = communes.dropna(subset=["epci"]).set_index("code")["epci"]
    in_petr = petr_members.assign(siren=petr_members["code"].map(holder)).dropna(subset=["siren"])
    by_petr = in_petr.groupby("petr")["siren"].agg(lambda sirens: sorted(set(sirens))).to_dict()
    signing = sorted(epci.loc[epci["role"] == SIGNS, "siren"])
    studied = set(epci["siren"])
    mentions = sure.groupby(["code", "rank"]).size()
    rows = []
    for row in sure.itertuples(index=False):
        reached = {
            EPCI: [row.territory_code],
            COMMUNE: [holder.get(row.territory_code, "")],
            PETR: by_petr.get(row.territory_code, []),
            DEPARTEMENT: signing,
        }[row.territory_kind]
        via = _VIA[row.territory_kind].format(name=row.territory_name)
        if row.territory_kind == EPCI and mentions[row.code, row.rank] > 1:
            via = EVERY_EPCI
        rows += [(row.code, siren, via, row.territory_kind) for siren in reached if siren in studied]
    table = pd.DataFrame(rows, columns=["code", "siren", "via", "level"], dtype="str")
    closest = table.assign(_rank=table["level"].map(_RANK)).sort_values(
        ["code", "siren", "_rank"], kind="stable", ignore_index=True
    )
    return closest.drop_duplicates(["code", "siren"], ignore_index=True).drop(columns="_rank")


_VIA = {
    EPCI: "EPCI nommé",
    COMMUNE: "commune de {name}",
    PETR: "{name}",
    DEPARTEMENT: "tout le département",
}


def unreached(actions: pd.DataFrame, named: pd.DataFrame, reach: pd.DataFrame) -> pd.DataFrame:
    """List the actions that apply in no EPCI of the study, and why.

    Parameters
    ----------
    actions : DataFrame
        The layer of actions.
    named, reach : DataFrame
        See `action_reach`.

    Returns
    -------
    DataFrame
        ``code, reason``: `NOT_SAID` where no territory is written, `NOT_KNOWN` otherwise; in the order of the plan.
    """
    own = actions.loc[actions["niveau"] == ACTION, "code"]
    left = own[~own.isin(set(reach["code"]))]
    said = set(named.loc[(named["kind"] == ACTION) & (named["words"] != ""), "code"])
    reasons = [NOT_KNOWN if code in said else NOT_SAID for code in left]
    return pd.DataFrame({"code": list(left), "reason": reasons}, dtype="str")
