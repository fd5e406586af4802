"""Figures of one vintage on the communes, EPCI and PETR of another, totals conserved.

In a notebook, the inhabitants and the minutes of 2019 on the perimeters of 2026::

    from sdaasp_geo.analysis.lifecycle import epci_members
    from sdaasp_geo.analysis.restatement import restate, restate_territories
    from sdaasp_geo.layers.vintages import passage_table
    from sdaasp_geo.sources import france

    after = france.read_membership(2026)
    passage = passage_table(france.read_membership(2019), after, france.read_moves())
    communes = restate(figures, passage, sums=["population"], means={"time_min": "population"})
    epci = restate_territories(figures, passage, epci_members(after), sums=["population"])

The passage may go back in time. Put `sdaasp_geo.analysis.lifecycle.break_flag` beside a series that is not restated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from sdaasp_geo.analysis.coverage import NO_TERRITORY
from sdaasp_geo.errors import Fault, InputError
from sdaasp_geo.french import count

SHARED = "réparti au prorata de la population"


def restate(
    values: pd.DataFrame, passage: pd.DataFrame, *, sums: Sequence[str] = (), means: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """Restate figures by commune on the communes of another vintage.

    A sum (inhabitants, places, kilometres) is added over merged communes; that of a commune with several successors is
    shared in proportion to their population (`passage_table`) and flagged. Whole numbers stay whole (largest
    remainder) and their total is the same to the unit; decimals keep theirs to rounding. A mean is weighted again:
    ``sum(w * x) / sum(w)`` over the merged communes where it is known, ``w`` being shared like a sum.

    Parameters
    ----------
    values : DataFrame
        One row per commune of the vintage of departure, or of some of them: ``code`` and the figures.
    passage : DataFrame
        From `passage_table`.
    sums : sequence of str
        Columns that add up.
    means : mapping, optional
        Columns that are means or shares, each with the column of its weight.

    Returns
    -------
    DataFrame
        One row per commune of the vintage of arrival that has a value, sorted: ``code``, the sums (int64 where they
        were, NaN where one is missing), the means (NaN where nothing is known or nobody counts), ``estimated`` (bool)
        and ``reason`` (French: shared, or merged communes without value; empty otherwise).

    Raises
    ------
    InputError
        When a commune is not of the vintage of departure, or is there twice.
    """
    members = passage[["code_after"]].drop_duplicates().assign(territory=lambda table: table["code_after"])
    table = _gather(values, passage, members, sums=sums, means=means or {})
    return table.rename(columns={"territory": "code"}).drop(columns="communes")


def restate_territories(
    values: pd.DataFrame,
    passage: pd.DataFrame,
    members: pd.DataFrame,
    *,
    sums: Sequence[str] = (),
    means: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Restate figures by commune of one vintage on the EPCI, PETR… of another.

    Parameters
    ----------
    values, passage, sums, means
        As for `restate`.
    members : DataFrame
        ``territory, code`` at the vintage of arrival (`epci_members`, `petr_communes`); a commune may be in several.

    Returns
    -------
    DataFrame
        One row per territory with a value, sorted: ``territory, communes`` (of the vintage of arrival, with a value),
        the figures, ``estimated`` (a commune was shared between this territory and another), ``reason``. The communes
        of no territory are in ``aucun``, so that the totals are those of departure where territories do not overlap.
    """
    homes = members[["territory", "code"]].rename(columns={"code": "code_after"}).drop_duplicates()
    left = passage.loc[~passage["code_after"].isin(homes["code_after"]), ["code_after"]].drop_duplicates()
    every = pd.concat([homes, left.assign(territory=NO_TERRITORY)], ignore_index=True)
    return _gather(values, passage, every, sums=sums, means=means or {})


def _gather(
    values: pd.DataFrame,
    passage: pd.DataFrame,
    members: pd.DataFrame,
    *,
    sums: Sequence[str],
    means: Mapping[str, str],
) -> pd.DataFrame:
    _refuse_foreign(values["code"], passage)
    weights = {f"weight of {column}": values[weight] for column, weight in means.items()}
    figures = values[["code", *dict.fromkeys([*sums, *means])]].assign(**weights)
    pairs = passage.merge(figures.rename(columns={"code": "code_before"}), on="code_before")
    pairs = pairs.assign(**{column: _share(pairs, column) for column in [*sums, *weights]})
    rows = pairs.merge(members, on="code_after")
    keys = rows["territory"]
    table = pd.DataFrame({"communes": rows.groupby(keys)["code_after"].nunique()})
    for column in sums:
        hole = rows[column].isna().groupby(keys).any()
        added = rows[column].groupby(keys).sum()
        table[column] = added.mask(hole) if hole.any() else added
    for column in means:
        table[column] = _mean(rows, column)
    table["estimated"] = _cut(rows).reindex(table.index, fill_value=False)
    absent = passage[~passage["code_before"].isin(values["code"])].merge(members, on="code_after")
    missing = absent.groupby("territory")["code_before"].nunique().reindex(table.index, fill_value=0)
    table["reason"] = [_reason(cut=cut, absent=lacks) for cut, lacks in zip(table["estimated"], missing, strict=True)]
    return table.rename_axis("territory").reset_index()


def _refuse_foreign(codes: pd.Series, passage: pd.DataFrame) -> None:
    wrong = ~codes.isin(passage["code_before"]) | codes.duplicated()
    expected, remedy = "une commune du millésime de départ, une seule fois", "Vérifiez le millésime, puis relancez."
    rows = [(row, code) for row, (code, out) in enumerate(zip(codes, wrong, strict=True), start=2) if out]
    if rows:
        raise InputError([Fault("valeurs", row, "code", str(code), expected, remedy) for row, code in rows])


def _share(pairs: pd.DataFrame, column: str) -> pd.Series:
    """Share the value of each former commune between its successors: exact for whole numbers, to rounding otherwise."""
    value, weight, total, groups = pairs[column], pairs["weight"], pairs["weight_total"], pairs["code_before"]
    if pd.api.types.is_integer_dtype(value) and not value.isna().any():
        value = value.astype("int64")
        share = value * weight // total
        left = value - share.groupby(groups).transform("sum")
        rank = (-(value * weight % total)).groupby(groups).rank(method="first")
        return share + (rank <= left).astype("int64")
    value = value.astype("float64")
    last = ~groups.duplicated(keep="last")
    share = value * (weight / total)
    others = share.mask(last, 0.0).groupby(groups).transform("sum")
    return share.mask(last & pairs["estimated"], value - others)


def _mean(rows: pd.DataFrame, column: str) -> pd.Series:
    """Weighted mean by territory where it is known; a commune alone in its own row keeps its figure as it is."""
    keys = rows["territory"]
    known = rows[column].notna()
    weight = rows[f"weight of {column}"].astype("float64").where(known, 0.0)
    total = weight.groupby(keys).sum()
    mean = (rows[column].where(known, 0.0) * weight).groupby(keys).sum() / total.where(total > 0)
    alone = rows[(keys == rows["code_after"]) & ~keys.duplicated(keep=False)].set_index("territory")[column]
    return alone.astype("float64").reindex(mean.index).fillna(mean)


def _cut(rows: pd.DataFrame) -> pd.Series:
    """Say in which territories a former commune is only in part."""
    shared = rows[rows["estimated"]].groupby(["territory", "code_before"])
    part = shared["weight"].sum() < shared["weight_total"].first()
    return part.groupby("territory").any()


def _reason(*, cut: bool, absent: int) -> str:
    words = [SHARED] if cut else []
    if absent:
        words.append(f"{count(absent, 'commune')} de départ sans valeur")
    return " ; ".join(words)
