"""Loading one département and its neighbours, against reading the whole of France and keeping the same rows.

Run with ``python benchmarks/load_departement.py [CODE]``. Prints both medians and their ratio, from one process.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable

import geopandas as gpd

from sdaasp_geo.embedded import embedded_path
from sdaasp_geo.sources import france

ROUNDS = 5


def median_seconds(task: Callable[[], object]) -> float:
    """Time a task several times, after one run that is not counted."""
    task()
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        task()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def main() -> None:
    """Measure both ways."""
    code = sys.argv[1] if len(sys.argv) > 1 else "65"
    departement = france.find_departement(code)
    wanted = sorted({code, *departement.neighbours})

    def by_row_group() -> object:
        return france.read_contours(wanted), france.read_membership(2024)

    def whole_then_filter() -> object:
        whole = gpd.read_parquet(embedded_path(f"boundaries/contours_{departement.zone}.parquet"))
        return whole[whole["departement"].isin(wanted)], france.read_membership(2024)

    ours, whole = median_seconds(by_row_group), median_seconds(whole_then_filter)
    print(f"{code} and its neighbours ({', '.join(wanted)}), contours and communes of one vintage")
    print(f"row groups         {ours:8.3f} s")
    print(f"whole, then filter {whole:8.3f} s")
    print(f"ratio              {whole / ours:8.1f}")


if __name__ == "__main__":
    main()
