"""Floating catchments: sparse products against pysal ``access``, on seeded points, in one run.

``access`` is no dependency of the package: ``python -m pip install access`` first, in an environment to throw away.

    python benchmarks/catchment.py [communes] [places]
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from sdaasp_geo.analysis.catchment import Decay, floating_catchment, reach_of, whole, zones

ROUNDS = 5
LIMIT = 30.0
NEAR_PLACES = 7.6  # mean number of places within the limit: 265,000 pairs for 35,000 communes
BOUNDS, WEIGHTS = (10.0, 20.0, 30.0), (1.0, 0.68, 0.22)


def median_seconds(task: Callable[[], object]) -> float:
    """Time a task several times, after one run that is not counted."""
    task()
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        task()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def synthetic(communes: int, places: int) -> tuple[pd.DataFrame, pd.Series, pd.Series]:
    """Return seeded pairs within the limit, population by commune and weekly hours by place."""
    random = np.random.default_rng(65)
    side = np.sqrt(places * np.pi * LIMIT**2 / NEAR_PLACES)  # a minute is a unit of length
    origins, sites = random.uniform(0, side, (communes, 2)), random.uniform(0, side, (places, 2))
    near = cKDTree(origins).sparse_distance_matrix(cKDTree(sites), LIMIT, output_type="coo_matrix")
    codes = np.array([f"{number:05d}" for number in range(communes)])
    ids = np.array([f"fs-{number:04d}" for number in range(places)])
    pairs = pd.DataFrame({"code": codes[near.row], "place": ids[near.col], "time_min": near.data})
    pairs = pairs.astype({"code": "str", "place": "str"}).sort_values(["code", "place"], ignore_index=True)
    population = pd.Series(np.ceil(random.lognormal(6, 1.3, communes)), index=pd.Index(codes, dtype="str"))
    hours = pd.Series(random.uniform(10, 40, places), index=pd.Index(ids, dtype="str"))
    return pairs, population, hours


def with_access(
    pairs: pd.DataFrame, population: pd.Series, hours: pd.Series, *, enhanced: bool
) -> Callable[[], pd.Series]:
    """Return the same question, asked to pysal ``access``."""
    from access import fca, weights  # noqa: PLC0415 - no dependency: only this benchmark asks for it

    demand = population.rename("demand").rename_axis("code").to_frame()
    supply = hours.rename("supply").rename_axis("place").to_frame()
    names = {
        "max_cost": LIMIT,
        "demand_index": "code",
        "demand_name": "demand",
        "supply_index": "place",
        "supply_name": "supply",
        "cost_origin": "code",
        "cost_dest": "place",
        "cost_name": "time_min",
    }
    weigh = weights.step_fn(dict(zip(BOUNDS, WEIGHTS, strict=True))) if enhanced else None
    return lambda: fca.two_stage_fca(demand, supply, pairs, weight_fn=weigh, **names)


def numbered(pairs: pd.DataFrame, population: pd.Series, hours: pd.Series) -> tuple[pd.DataFrame, pd.Series, pd.Series]:
    """Return the same tables with whole numbers as identifiers, which ``access`` merges much faster."""
    code, place = population.index.get_indexer(pairs["code"]), hours.index.get_indexer(pairs["place"])
    return pairs.assign(code=code, place=place), population.reset_index(drop=True), hours.reset_index(drop=True)


def main() -> None:
    """Measure both ways, and check that they agree."""
    communes = int(sys.argv[1]) if len(sys.argv) > 1 else 35_000
    places = int(sys.argv[2]) if len(sys.argv) > 2 else 2_800  # noqa: PLR2004 - second word of the command
    pairs, population, hours = synthetic(communes, places)
    print(f"{communes} communes, {places} places, {len(pairs)} pairs within {LIMIT:.0f} min; medians of {ROUNDS}")
    reach = reach_of(pairs, codes=population.index, places=hours.index)
    tabling = median_seconds(lambda: reach_of(pairs, codes=population.index, places=hours.index))
    print(f"sparse table from the pairs, once  {tabling:8.4f} s")
    decays: dict[str, Decay] = {"2SFCA": whole(LIMIT), "E2SFCA": zones(BOUNDS, WEIGHTS)}
    for name, decay in decays.items():
        ours, _ = floating_catchment(reach, demand=population, supply=hours, decay=decay)
        product = median_seconds(lambda: floating_catchment(reach, demand=population, supply=hours, decay=decay))  # noqa: B023 - called at once
        print(f"{name:7s} product                    {product:8.4f} s")
        tables = {"text": (pairs, population, hours), "whole numbers": numbered(pairs, population, hours)}
        for kind, given in tables.items():
            theirs = with_access(*given, enhanced=name == "E2SFCA")
            np.testing.assert_allclose(ours["supply_per_head"], theirs().reindex(given[1].index).fillna(0.0))
            slow = median_seconds(theirs)
            print(f"  access, {kind:13s} as identifiers {slow:8.4f} s, ratio {slow / product:6.1f}", end="")
            print(f" ({slow / (product + tabling):.1f} with the table); same figures")


if __name__ == "__main__":
    main()
