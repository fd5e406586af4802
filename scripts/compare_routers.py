"""Compare the road engine with OSRM and Valhalla on the same pairs of points; by hand, where the extra « routers » is.

``python scripts/compare_routers.py EXTRACT.osm.pbf…`` prints, for each extract, the table of ``docs/routers.md``:
ratios and differences of times, and the pairs that differ most with the roads that we take. Points are places on roads
of our graph, drawn in proportion to length, so that walking is nothing; a pair counts when every router puts both ends
within a metre.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from sdaasp_geo.road_speeds import read_road_parameters, road_setting
from sdaasp_geo.sources.osm_roads import read_osm_roads
from sdaasp_geo.travel.engine import REACHED, Engine, TimeMatrix
from sdaasp_geo.travel.osrm_engine import osrm_engine
from sdaasp_geo.travel.road_engine import road_engine
from sdaasp_geo.travel.road_graph import RoadGraph, build_road_graph, edge_lines
from sdaasp_geo.travel.snapping import NO_STOP
from sdaasp_geo.travel.trips import find_trip
from sdaasp_geo.travel.valhalla_engine import valhalla_engine

SEED = 65
CRS = "EPSG:2154"
NEAR_M = 1.0
SHORTEST_MIN = 2.0
PAIRS = (
    ("ours", "OSRM MLD"),
    ("ours", "Valhalla"),
    ("Valhalla", "OSRM MLD"),
    ("OSRM CH", "OSRM MLD"),
)


def main() -> None:
    """Compare on every extract named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("extracts", nargs="+", type=Path)
    parser.add_argument("--points", type=int, default=200, help="origins; as many places are drawn")
    parser.add_argument("--crs", default=CRS, help="metric CRS; Lambert-93 holds around France")
    parser.add_argument("--outliers", type=int, default=10)
    options = parser.parse_args()
    for extract in options.extracts:
        compare(extract, crs=options.crs, points=options.points, outliers=options.outliers)


def compare(extract: Path, *, crs: str, points: int, outliers: int) -> None:
    """Print the comparison on one extract."""
    parameters = read_road_parameters()
    table, report = read_osm_roads(extract, speeds=parameters)
    graph = build_road_graph(table, crs=crs)
    origins, places = drawn(graph, points, seed=SEED), drawn(graph, points, seed=SEED + 1, prefix="p")
    with tempfile.TemporaryDirectory() as folder:
        made = engines(extract, graph, crs=crs, folder=Path(folder))
        measured = {name: engine(origins, places) for name, engine in made.items()}
    alike, times = same_ends(measured)
    print(f"\n== {extract.name}, data of {report.data_date}, {points} × {points} pairs, {alike.mean():.0%} comparable")
    for name, matrix in measured.items():
        print(f"{name}: {pd.Series(matrix.reason.ravel()).value_counts().to_dict()}")
    print(pd.DataFrame({f"{a} / {b}": ratios(times[a], times[b]) for a, b in PAIRS}).round(2).to_string())
    for other in ("OSRM MLD", "Valhalla"):
        print(f"\nLargest differences, ours against {other}:")
        print(largest(graph, origins, places, times, alike=alike, other=other, count=outliers).to_string())


def engines(extract: Path, graph: RoadGraph, *, crs: str, folder: Path) -> Mapping[str, Engine]:
    """Make the four engines, with the same cap and walk."""
    parameters = read_road_parameters()
    options = {
        "cap_m": road_setting(parameters, "rattachement-max-m"),
        "walking_kmh": road_setting(parameters, "marche-kmh"),
    }
    router = {"folder": folder, "crs": crs, **options}
    return {
        "ours": road_engine(graph, **options),
        "OSRM MLD": osrm_engine([extract], algorithm="mld", **router),
        "OSRM CH": osrm_engine([extract], algorithm="ch", **router),
        "Valhalla": valhalla_engine([extract], **router),
    }


def drawn(graph: RoadGraph, count: int, *, seed: int, prefix: str = "") -> pd.DataFrame:
    """Draw places on roads of the main network where a car may stop, in proportion to length."""
    rng = np.random.default_rng(seed)
    forbidden = [number for number, name in enumerate(graph.classes) if name in NO_STOP]
    main = (graph.component[graph.edge_tail] == 0) & (graph.component[graph.edge_head] == 0)
    weight = np.where(main & ~np.isin(graph.edge_class, forbidden), graph.edge_length_m, 0)
    edge = rng.choice(len(weight), size=count, p=weight / weight.sum())
    on_road = shapely.line_interpolate_point(edge_lines(graph, edge), rng.uniform(0, 1, count), normalized=True)
    x, y = shapely.get_coordinates(on_road).T
    code = [f"{prefix}{number}" for number in range(count)]
    return pd.DataFrame({"code": code, "id": code, "ref_x": x, "ref_y": y, "x": x, "y": y, "edge": edge})


def same_ends(measured: Mapping[str, TimeMatrix]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Say which pairs every engine reaches from the same two places on the road, and give their minutes."""
    reached = np.all([matrix.reason == REACHED for matrix in measured.values()], axis=0)
    near = [
        (matrix.origin_road["snap_m"].to_numpy() <= NEAR_M)[:, None]
        & (matrix.place_road["snap_m"].to_numpy() <= NEAR_M)
        for matrix in measured.values()
    ]
    alike = reached & np.all(near, axis=0) & (measured["ours"].time_min >= SHORTEST_MIN)
    return alike, {name: np.where(alike, matrix.time_min, np.nan) for name, matrix in measured.items()}


def ratios(one: np.ndarray, other: np.ndarray) -> pd.Series:
    """Sum up the ratio of two engines and their differences in minutes, over comparable pairs."""
    kept = np.isfinite(one) & np.isfinite(other)
    ratio, apart = one[kept] / other[kept], one[kept] - other[kept]
    p5, median, p95 = np.percentile(ratio, [5, 50, 95])
    return pd.Series(
        {
            "pairs": kept.sum(),
            "P5": p5,
            "median": median,
            "P95": p95,
            "mean abs. difference, min": np.abs(apart).mean(),
            "largest difference, min": np.abs(apart).max(),
        }
    )


def largest(
    graph: RoadGraph,
    origins: pd.DataFrame,
    places: pd.DataFrame,
    times: Mapping[str, np.ndarray],
    *,
    alike: np.ndarray,
    other: str,
    count: int,
) -> pd.DataFrame:
    """List the pairs that differ most (at most one per origin and per place), with the roads that our trip takes."""
    apart = np.where(alike, np.abs(np.log(times["ours"] / times[other])), -1)
    rows: list[dict[str, object]] = []
    seen: set[str] = set()
    for flat in np.argsort(-apart, axis=None, kind="stable"):
        i, j = np.unravel_index(flat, apart.shape)
        start, end = origins.iloc[i], places.iloc[j]
        if len(rows) == count or apart[i, j] < 0:
            break
        if {start["code"], end["code"]} & seen:
            continue
        seen |= {start["code"], end["code"]}
        trip = find_trip(graph, (start["x"], start["y"]), (end["x"], end["y"]), cap_m=1000, walking_kmh=5)
        places_ll = gpd.GeoSeries.from_xy([start["x"], end["x"]], [start["y"], end["y"]], crs=graph.crs).to_crs(4326)
        main = sorted(trip.steps, key=lambda step: -step.length_m)[:3]
        rows.append(
            {name: round(float(matrix[i, j]), 1) for name, matrix in times.items()}
            | {
                "our km": round(trip.length_m / 1000, 1),
                "from": f"{places_ll.y[0]:.5f},{places_ll.x[0]:.5f}",
                "to": f"{places_ll.y[1]:.5f},{places_ll.x[1]:.5f}",
                "roads": "; ".join(f"{s.road_name or '-'} ({s.road_class}, {s.length_m / 1000:.1f} km)" for s in main),
            }
        )
    return pd.DataFrame(rows)


if __name__ == "__main__":
    main()
