"""Vintages of communes: which vintage a table is of, the passage from one to another, and joins that never mix two.

In a notebook::

    from sdaasp_geo.layers import vintages
    from sdaasp_geo.sources import france

    reference = pd.concat([france.read_membership(year) for year in france.vintages()])
    vintages.detect_vintage(table["code"], reference)  # (2019, 2020, 2021, …)
    vintages.require_vintage(table, reference, vintage=2024)  # raises, with the communes at fault
    joined = vintages.join_checked(table, other, reference)  # refuses two vintages
    passage = vintages.passage_table(france.read_membership(2019), france.read_membership(2026), france.read_moves())

Codes of communes are those of the official geographic code (INSEE, *Code officiel géographique*), which has one list
for each 1 January. A code says nothing of the extent of its commune (65092 is larger since 2019): where a table holds a
column ``vintage``, it is believed before its codes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Literal

import pandas as pd

from sdaasp_geo.errors import Fault, InputError
from sdaasp_geo.french import NBSP, listing

RECODED, RENAMED, SPLIT = "changement_de_code", "changement_de_nom", "retablissement"
_PAIR = ["code_before", "code_after"]


def detect_vintage(codes: Iterable[str], reference: pd.DataFrame, *, complete: bool = False) -> tuple[int, ...]:
    """Return the vintages whose list of communes holds every code.

    Parameters
    ----------
    codes : iterable of str
        Codes of communes.
    reference : DataFrame
        Communes of every known vintage, stacked: ``code, departement, vintage``.
    complete : bool
        True when the codes are *all* the communes of the départements they are in: a vintage then also has to have
        no other commune there, which tells apart vintages between which communes merged under the code of one of them.

    Returns
    -------
    tuple of int
        Oldest first; empty when no vintage holds them all, which is what a mixture looks like.
    """
    wanted = sorted(set(codes))
    held = reference[reference["code"].isin(wanted)]
    counts = held.drop_duplicates(["vintage", "code"])["vintage"].value_counts()
    fitting = sorted(int(year) for year in reference["vintage"].unique() if counts.get(year, 0) == len(wanted))
    if not complete:
        return tuple(fitting)
    return tuple(year for year in fitting if _communes_around(held, reference, year) == len(wanted))


def _communes_around(held: pd.DataFrame, reference: pd.DataFrame, year: int) -> int:
    """Count the communes of one vintage in the départements of those that are held."""
    departements = held.loc[held["vintage"] == year, "departement"].unique()
    own = reference[(reference["vintage"] == year) & reference["departement"].isin(list(departements))]
    return int(own["code"].nunique())


def require_vintage(
    table: pd.DataFrame,
    reference: pd.DataFrame,
    *,
    vintage: int,
    code: str = "code",
    name: str = "table",
    moves: pd.DataFrame | None = None,
) -> None:
    """Check that every commune of a table is of one vintage.

    Parameters
    ----------
    table : DataFrame
        A column of codes of communes, and a column ``vintage`` where it is known.
    reference : DataFrame
        Communes of every known vintage, stacked: ``code, departement, vintage``.
    vintage : int
        The vintage wanted.
    code : str
        Column of the codes.
    name : str
        Name of the table (of its file), for the message.
    moves : DataFrame, optional
        Changes of communes, to say what became of a code: ``vintage, kind, code_before, code_after, name_after``.

    Raises
    ------
    InputError
        One fault for each commune that does not exist in that vintage, with the vintages it fits (rows are numbered
        as in a spreadsheet: the header is row 1); one more for each other vintage that the table declares.
    """
    faults = [
        _declared_fault(int(year), vintage, name=name)
        for year in sorted(set(table.get("vintage", pd.Series(dtype="int64")).dropna()) - {vintage})
    ]
    known = set(reference.loc[reference["vintage"] == vintage, "code"])
    faults += _code_faults(table[code], known, reference, vintage=vintage, name=name, column=code, moves=moves)
    if faults:
        raise InputError(faults)


def join_checked(
    left: pd.DataFrame,
    right: pd.DataFrame,
    reference: pd.DataFrame,
    *,
    on: str = "code",
    how: Literal["left", "right", "inner", "outer"] = "left",
    names: tuple[str, str] = ("première table", "seconde table"),
    moves: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Join two tables of communes, and refuse to join two vintages.

    Parameters
    ----------
    left, right : DataFrame
        A column ``on`` of codes; ``right`` has one row per commune. Where a column ``vintage`` is there it counts;
        else the vintage is that which the codes fit.
    reference : DataFrame
        Communes of every known vintage, stacked: ``code, departement, vintage``.
    on, how
        As in `pandas.merge`; by default no row of ``left`` is lost.
    names : tuple of str
        Names of the two tables, for the message.
    moves : DataFrame, optional
        See `require_vintage`.

    Returns
    -------
    DataFrame
        The joined table, with at most one column ``vintage``.

    Raises
    ------
    InputError
        When no vintage fits both tables: the list of the communes at fault (those that the vintage which fits most
        codes does not have) with the vintages they fit. Or when a row of ``right`` is a second one, or has no code.
    """
    candidates = [_vintages_of(table, reference, on) for table in (left, right)]
    if not set(candidates[0]) & set(candidates[1]):
        chosen = _closest(left, right, candidates, reference, on)
        faults: list[Fault] = []
        for table, name in zip((left, right), names, strict=True):
            try:
                require_vintage(table, reference, vintage=chosen, code=on, name=name, moves=moves)
            except InputError as error:
                faults += error.faults
        raise InputError(faults)
    _refuse_twice(right[on], name=names[1], column=on)
    if "vintage" in left and "vintage" in right:
        right = right.drop(columns="vintage")
    return left.merge(right, on=on, how=how)


def passage_table(before: pd.DataFrame, after: pd.DataFrame, moves: pd.DataFrame) -> pd.DataFrame:
    """Say what each commune of one vintage is in another: INSEE's *table de passage*, net of what came and went.

    Moves are chained year after year. A merger and a change of code end the former code; a re-establishment keeps it.
    A commune with several successors is shared between them **in proportion to their population in the vintage of
    arrival** (equally where nobody lives): the only rule that needs no other data, exact for inhabitants of that
    vintage and an estimate for anything else, hence the flag. Going back in time, mergers are shared and splits added.

    Parameters
    ----------
    before, after : DataFrame
        Communes of the vintages of departure and of arrival: ``code, population, vintage``. Either may be the older.
    moves : DataFrame
        Changes of communes: ``vintage`` (of the list in which they show), ``kind, code_before, code_after``.

    Returns
    -------
    DataFrame
        One row per commune × successor, sorted: ``code_before, code_after, weight, weight_total`` (int64: the share of
        the successor is ``weight / weight_total``, 1/1 when it is alone), ``estimated`` (several successors). A commune
        that the moves do not explain is in no row.
    """
    start, end = single_vintage(before), single_vintage(after)
    old, new = (before, after) if start <= end else (after, before)
    recent = moves[(moves["vintage"] > min(start, end)) & (moves["vintage"] <= max(start, end))]
    chain = pd.DataFrame({"first": old["code"], "last": old["code"]})
    for _, year in recent.sort_values("vintage").groupby("vintage"):
        chain = chain.merge(_year_steps(year), left_on="last", right_on="code_before", how="left")
        chain["last"] = chain["code_after"].fillna(chain["last"])
        chain = chain[["first", "last"]].drop_duplicates()
    chain = chain[pd.Index(new["code"]).get_indexer(chain["last"]) >= 0]
    pairs = chain.set_axis(_PAIR if start <= end else _PAIR[::-1], axis="columns")
    return _weighted(pairs[_PAIR].sort_values(_PAIR, ignore_index=True), after)


def _year_steps(year: pd.DataFrame) -> pd.DataFrame:
    """Return the pairs of one year: those of the moves, and the commune that a re-establishment leaves smaller."""
    real = year[year["kind"] != RENAMED]
    kept = real.loc[real["kind"] == SPLIT, ["code_before"]].assign(code_after=lambda table: table["code_before"])
    return pd.concat([real[_PAIR], kept]).drop_duplicates()


def _weighted(pairs: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    population = pairs["code_after"].map(after.set_index("code")["population"]).fillna(0).astype("int64")
    groups = pairs["code_before"]
    size = groups.groupby(groups).transform("size")
    empty = population.groupby(groups).transform("sum") == 0
    weight = population.where(~empty, 1).where(size > 1, 1)
    total = weight.groupby(groups).transform("sum")
    return pairs.assign(weight=weight, weight_total=total, estimated=size > 1)


def single_vintage(table: pd.DataFrame) -> int:
    """Return the one vintage of a table of communes.

    Raises
    ------
    InputError
        When its column ``vintage`` holds several, or none.
    """
    found = sorted({int(year) for year in table["vintage"].dropna()})
    if len(found) != 1:
        several = listing([str(year) for year in found])
        raise InputError([Fault("communes", None, "vintage", several, "un seul millésime", _SEPARATE)])
    return found[0]


_SEPARATE = "Séparez les millésimes, puis relancez."


def _vintages_of(table: pd.DataFrame, reference: pd.DataFrame, code: str) -> tuple[int, ...]:
    compatible = detect_vintage(table[code].dropna(), reference)
    if "vintage" not in table:
        return compatible
    declared = {int(year) for year in table["vintage"].dropna()}
    return tuple(year for year in compatible if not declared or declared == {year})


def _closest(
    left: pd.DataFrame, right: pd.DataFrame, candidates: Sequence[tuple[int, ...]], reference: pd.DataFrame, code: str
) -> int:
    """Return the vintage to hold the tables to: one that fits a table, else the commonest; the latest of equals."""
    codes = pd.concat([left[code], right[code]]).drop_duplicates()
    fitting = reference[reference["code"].isin(codes)].groupby("vintage").size()
    choice = set(candidates[0]) or set(candidates[1]) or {int(year) for year in reference["vintage"].unique()}
    return max(choice, key=lambda year: (int(fitting.get(year, 0)), year))


def _refuse_twice(codes: pd.Series, *, name: str, column: str) -> None:
    twice = (codes.duplicated() | codes.isna()).to_numpy()
    if twice.any():
        remedy = "Gardez une ligne par commune, puis relancez."
        rows = [(row, code) for row, (code, again) in enumerate(zip(codes, twice, strict=True), start=2) if again]
        raise InputError(
            [
                Fault(name, row, column, "" if pd.isna(code) else str(code), "une ligne par commune", remedy)
                for row, code in rows
            ]
        )


def _declared_fault(year: int, vintage: int, *, name: str) -> Fault:
    expected = f"millésime {vintage}"
    return Fault(name, None, "vintage", str(year), expected, f"Ramenez la table au millésime {vintage}, puis relancez.")


def _code_faults(
    codes: pd.Series,
    known: Collection[str],
    reference: pd.DataFrame,
    *,
    vintage: int,
    name: str,
    column: str,
    moves: pd.DataFrame | None,
) -> list[Fault]:
    foreign = (codes.notna() & ~codes.isin(list(known))).to_numpy()
    rows = [(row, str(code)) for row, (code, out) in enumerate(zip(codes, foreign, strict=True), start=2) if out]
    wrong = {code for _, code in rows}
    years = reference[reference["code"].isin(wrong)].groupby("code")["vintage"].agg(lambda own: sorted(set(own)))
    expected = f"une commune du millésime {vintage}"
    return [
        Fault(name, row, column, code, expected, _remedy(code, years.get(code, []), vintage, moves))
        for row, code in rows
    ]


def _remedy(code: str, years: Sequence[int], vintage: int, moves: pd.DataFrame | None) -> str:
    fits = f"Ce code est {_spans(years)}" if len(years) else "Ce code n'est dans aucun millésime connu"
    became = "" if moves is None else _became(code, moves)
    return f"{fits}{became}{NBSP}: ramenez la table au millésime {vintage}, puis relancez."


def _became(code: str, moves: pd.DataFrame) -> str:
    own = moves[(moves["code_before"] == code) & (moves["code_after"] != code)].sort_values(["vintage", "code_after"])
    words = [f"{row.code_after} {row.name_after} au millésime {row.vintage}" for row in own.itertuples(index=False)]
    return f" (devenu {listing(words)})" if words else ""


def _spans(years: Sequence[int]) -> str:
    """Write years in French, runs together: ``des millésimes 2019 à 2021 et 2024``."""
    runs: list[list[int]] = []
    for year in years:
        if runs and year == runs[-1][-1] + 1:
            runs[-1].append(year)
        else:
            runs.append([year])
    words = [str(run[0]) if len(run) == 1 else f"{run[0]} à {run[-1]}" for run in runs]
    return f"{'du millésime' if len(years) == 1 else 'des millésimes'} {listing(words)}"
