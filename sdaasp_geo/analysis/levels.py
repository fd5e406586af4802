"""The levels of territory (commune, EPCI, PETR, département): who counts where, and totals that reconcile."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import pandas as pd

from sdaasp_geo.analysis.coverage import NO_TERRITORY, cover, reconcile, summarise
from sdaasp_geo.parameters import Rule

LEVELS = ("commune", "epci", "petr", "departement")
_COLUMNS = ["territory", "code", "population", "inside", "departement"]


def territory_members(
    studied: pd.DataFrame, petr_members: pd.DataFrame, *, epci: Collection[str], departement: str
) -> dict[str, pd.DataFrame]:
    """Say, by level, which territory each commune counts for.

    Parameters
    ----------
    studied : DataFrame
        Studied communes: ``code, epci, population, inside, departement``.
    petr_members : DataFrame
        ``petr, code``.
    epci : collection of str
        SIREN of the EPCI that have a commune in the département; they count whole.
    departement : str
        Code of the département.

    Returns
    -------
    dict
        By level, ``territory, code, population, inside, departement``. A commune of the département that is in no
        EPCI, or in no PETR, counts for ``aucun``, so that each level adds up to the département.
    """
    base = pd.DataFrame(studied[["code", "epci", "population", "inside", "departement"]])
    own = base[base["inside"]]
    in_epci = base[base["epci"].isin(list(epci)) | base["inside"]]
    in_petr = petr_members[["petr", "code"]].merge(base, on="code").rename(columns={"petr": "territory"})
    in_none = own[~own["code"].isin(in_petr["code"])].assign(territory=NO_TERRITORY)
    members = {
        "commune": base.assign(territory=base["code"]),
        "epci": in_epci.assign(territory=in_epci["epci"].fillna(NO_TERRITORY)),
        "petr": pd.concat([in_petr, in_none], ignore_index=True),
        "departement": own.assign(territory=departement),
    }
    return {level: table[_COLUMNS].reset_index(drop=True) for level, table in members.items()}


def cover_levels(
    members: Mapping[str, pd.DataFrame], access: pd.DataFrame, rules: Sequence[Rule]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Measure coverage and times of one service at every level, and check that levels add up.

    PETR may overlap by law; they are reconciled when they do not.

    Parameters
    ----------
    members : mapping
        Members by level (`territory_members`).
    access : DataFrame
        Access to one service.
    rules : sequence of Rule
        Rules of that service.

    Returns
    -------
    coverage, summary : DataFrame
        See `coverage.cover` and `coverage.summarise`; all levels together.

    Raises
    ------
    ReconciliationError
        When totals do not add up.
    """
    covered = {level: cover(table, access, rules, level=level) for level, table in members.items()}
    summaries = [summarise(table, access, level=level) for level, table in members.items()]
    if rules:
        partitions = [level for level in LEVELS[:-1] if not members[level]["code"].duplicated().any()]
        for level in partitions:
            reconcile(covered[level], covered["departement"])
    return pd.concat(list(covered.values()), ignore_index=True), pd.concat(summaries, ignore_index=True)
