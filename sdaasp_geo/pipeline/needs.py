"""What the census says of each commune, and its population five years before, for the annexes."""

from __future__ import annotations

import pandas as pd

from sdaasp_geo.analysis.restatement import restate
from sdaasp_geo.layers.vintages import passage_table
from sdaasp_geo.sources import france

_YEARS = 5


def census_with_history(vintage: int) -> pd.DataFrame:
    """Return the census, and the legal population of the vintage five years before on the communes of this one.

    Parameters
    ----------
    vintage : int
        Vintage of the communes that are measured.

    Returns
    -------
    DataFrame
        `france.read_census`, with ``population_before`` (inhabitants, Float64, missing where a commune of then was
        shared between several) and ``population_before_year`` (Int64, missing where communes that merged have several);
        without them where that vintage is not embedded.
    """
    census, before = france.read_census(), vintage - _YEARS
    if not {before, vintage} <= set(france.vintages()):
        return census
    start = france.read_membership(before).astype({"population": "int64", "population_year": "Int64"})
    passage = passage_table(start, france.read_membership(vintage), france.read_moves())
    values = start.loc[start["code"].isin(passage["code_before"]), ["code", "population"]]
    earlier = restate(values, passage, sums=["population"])
    of_each = passage.assign(year=passage["code_before"].map(start.set_index("code")["population_year"]))
    years = of_each.groupby("code_after")["year"].agg(["min", "max"])
    kept = earlier[~earlier["estimated"]]
    kept = kept.assign(population_before_year=kept["code"].map(years.loc[years["min"] == years["max"], "min"]))
    kept = kept.rename(columns={"population": "population_before"}).astype({"population_before": "Float64"})
    return census.merge(kept[["code", "population_before", "population_before_year"]], on="code", how="left")
