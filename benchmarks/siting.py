"""New sites: time and gap to the optimum, against spopt (pulp, HiGHS) where it is installed; ratios from one process.

Run with ``python benchmarks/siting.py [SECONDS]``: spopt is stopped after so many seconds of solving (60 by default),
and is asked the p-median of the small size only (a million variables otherwise). Points are seeded, in a square of
100 km, half of the sets around towns; minutes are 2 + 1.2 per km, populations log-normal. Prints Markdown tables.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable

import numpy as np
import pandas as pd

from sdaasp_geo.analysis.siting import Siting, cover_all, cover_most, shorten_times

SIZES = ((100, 500, 10), (500, 2000, 20))
THRESHOLDS, CAP = (14.0, 20.0), 60.0
SEEDS = (1, 2)


def instance(sites: int, demands: int, *, towns: bool, seed: int, existing: int) -> tuple[np.ndarray, np.ndarray]:
    """Return minutes (demand × candidate, then existing sites) and populations."""
    rng = np.random.default_rng(seed)
    homes = rng.random((demands, 2)) * 100
    if towns:
        homes = rng.random((30, 2))[rng.integers(0, 30, demands)] * 100 + rng.normal(0, 6, (demands, 2))
    population = np.maximum(1, rng.lognormal(5.5, 1.3, demands)).astype("int64")
    places = homes[rng.choice(demands, sites + existing, replace=False)]
    apart = np.hypot(*(homes[:, None] - places[None, :]).transpose(2, 0, 1))
    return np.round(apart * 1.2 + 2, 6), population


def ask(problem: Callable[..., Siting], minutes: np.ndarray, population: np.ndarray, **options: object) -> Siting:
    """Ask the package from tables, as a user does."""
    demands, places = minutes.shape
    existing = int(options.pop("existing", 0))  # type: ignore[call-overload]
    codes = np.array([f"c{row:05}" for row in range(demands)])
    names = np.array([f"p{column:05}" for column in range(places)])
    pairs = pd.DataFrame(
        {"code": np.repeat(codes, places), "place": np.tile(names, demands), "time_min": minutes.ravel()}
    )
    demand = pd.DataFrame({"code": codes, "population": population})
    sites = pd.DataFrame({"place": names})
    start = time.perf_counter()
    found = problem(
        demand,
        pairs,
        candidates=sites.iloc[: places - existing],
        existing=sites.iloc[places - existing :],
        cap_min=CAP,
        **options,
    )
    found.sites.attrs["seconds"] = time.perf_counter() - start
    return found


def spopt_answer(
    name: str, minutes: np.ndarray, population: np.ndarray, *, count: int, threshold: float, limit: float
) -> tuple[float, float]:
    """Return the objective that spopt finds (NaN when none) and its seconds, building included."""
    import pulp  # noqa: PLC0415 - optional
    from spopt.locate import LSCP, MCLP, PMedian  # noqa: PLC0415

    start = time.perf_counter()
    if name == "cover_most":
        model = MCLP.from_cost_matrix(minutes, population, service_radius=threshold, p_facilities=count)
    elif name == "shorten_times":
        model = PMedian.from_cost_matrix(minutes, population, p_facilities=count)
    else:
        model = LSCP.from_cost_matrix(minutes[(minutes <= threshold).any(axis=1)], service_radius=threshold)
    try:
        model.solve(pulp.HiGHS(msg=False, timeLimit=limit), results=False)
    except RuntimeError:
        return np.nan, time.perf_counter() - start
    seconds = time.perf_counter() - start
    opened = [site for site, variable in enumerate(model.fac_vars) if (variable.value() or 0) > 0.5]  # noqa: PLR2004
    if not opened:
        return np.nan, seconds
    nearest = minutes[:, opened].min(axis=1)
    if name == "cover_most":
        return float(population[nearest <= threshold].sum()), seconds
    if name == "shorten_times":
        return float(np.minimum(nearest, CAP) @ population / population.sum()), seconds
    return float(len(opened)), seconds


def compare(limit: float) -> None:
    """Measure both, without existing sites (the hard case)."""
    print("| sites × demand, p | problem | objective, proof | seconds | spopt | seconds | ratio |")
    print("|---|---|---|---|---|---|---|")
    for sites, demands, count in SIZES:
        minutes, population = instance(sites, demands, towns=False, seed=1, existing=0)
        for problem, threshold in ((cover_most, 14.0), (shorten_times, 20.0), (cover_all, 20.0)):
            options = {"threshold_min": threshold} | ({} if problem is cover_all else {"count": count})
            found = ask(problem, minutes, population, **options)
            seconds = found.sites.attrs["seconds"]
            name = problem.__name__
            row = f"| {sites} × {demands}, {count} | {name} {threshold:g} | {found.proof.objective:,.2f}, "
            row += f"{found.proof.sentence} | {seconds:.2f} |"
            if name == "shorten_times" and demands > SIZES[0][1]:
                print(row, "not asked | | |", flush=True)
                continue
            other, taken = spopt_answer(name, minutes, population, count=count, threshold=threshold, limit=limit)
            print(row, f"{other:,.2f} | {taken:.1f} | {taken / seconds:.0f} × |", flush=True)


def survey() -> None:
    """Measure time and gap of the package at the large size, with and without existing sites."""
    sites, demands, count = SIZES[-1]
    print(f"\n| {sites} × {demands}, p = {count} | existing | worst seconds | worst gap | optimal |")
    print("|---|---|---|---|---|")
    for problem, threshold in (
        *((cover_most, limit) for limit in THRESHOLDS),
        (shorten_times, 20.0),
        (cover_all, 20.0),
    ):
        for existing in (0, 30):
            results = []
            for seed, towns in ((seed, towns) for seed in SEEDS for towns in (False, True)):
                minutes, population = instance(sites, demands, towns=towns, seed=seed, existing=existing)
                options = {"threshold_min": threshold, "existing": existing}
                found = ask(
                    problem, minutes, population, **options, **({} if problem is cover_all else {"count": count})
                )
                results.append((found.sites.attrs["seconds"], found.proof.gap))
            slowest, widest = (max(column) for column in zip(*results, strict=True))
            proven = sum(gap == 0 for _, gap in results)
            row = f"| {problem.__name__} {threshold:g} | {existing} | {slowest:.1f} | {widest:.2%} |"
            print(row, f"{proven} of {len(results)} |", flush=True)


def main() -> None:
    """Measure."""
    warnings.filterwarnings("ignore", module="spopt|pulp")
    limit = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    survey()
    try:
        import spopt  # noqa: F401, PLC0415 - optional
    except ImportError:
        print("\nspopt is not installed: pip install spopt highspy")
        return
    print()
    compare(limit)


if __name__ == "__main__":
    main()
