"""Minutes by road in Andorra: nearest services, isochrones, and what a straight line misses.

A script in the percent format; ``scripts/build_notebooks.py`` makes the notebook of it.
"""
# ruff: noqa: INP001

# %% [markdown]
# # Minutes by road in Andorra
#
# A country of mountains on one OpenStreetMap extract: the road graph, the nearest services, isochrones, one trip, and
# a comparison with the calibrated straight line that serves where no network is at hand. Nothing is downloaded.
#
# The extract is found by the variable `SDAASP_ROADS_EXTRACT`, or under `../shared/data/roads` beside the checkout.
# Roads © the contributors of OpenStreetMap, ODbL.

# %%
# ruff: noqa: T201
import os
from pathlib import Path

import geopandas as gpd
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import shapely
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from sdaasp_geo.embedded import embedded_path
from sdaasp_geo.road_speeds import read_road_parameters, road_setting
from sdaasp_geo.sources.osm_roads import read_osm_roads
from sdaasp_geo.travel.engine import REACHED
from sdaasp_geo.travel.isochrones import isochrones, reached, reached_lines, road_times
from sdaasp_geo.travel.nearest import nearest_places
from sdaasp_geo.travel.road_engine import road_engine
from sdaasp_geo.travel.road_graph import build_road_graph, edge_lines, graph_summary
from sdaasp_geo.travel.snapping import road_access, snap_index
from sdaasp_geo.travel.straight_line import straight_line_engine
from sdaasp_geo.travel.trips import find_trip

NAME = "shared/data/roads/andorra_worldkg.osm.pbf"
stated = os.environ.get("SDAASP_ROADS_EXTRACT")
candidates = [Path(stated)] if stated else [Path("..") / NAME, Path("../..") / NAME]
extract = next((path for path in candidates if path.is_file()), None)
if extract is None:
    message = "No extract of Andorra here: set SDAASP_ROADS_EXTRACT to an .osm.pbf file. Nothing was computed."
    raise SystemExit(message)

# %% [markdown]
# ## The graph
#
# Ways open to cars are cut at junctions, given one speed per direction (class of road, caps of surface and roundabouts,
# legal limit), and joined again where nothing is to choose. Andorra has no French legal CRS; Lambert-93 holds there,
# with the same scale error as in the Pyrenees.

# %%
parameters = read_road_parameters()
table, report = read_osm_roads(extract, speeds=parameters)
graph = build_road_graph(table, crs="EPSG:2154", source=f"{extract.name}, {report.data_date}")
print(pd.Series(graph_summary(graph)).round(1).to_string())
print("\nWays left out, by reason:")
print(pd.Series(report.left_out).head(6).to_string())

# %% [markdown]
# ## Origins and services
#
# **The service points are illustrative**: they stand in the centres of real parishes but are not the addresses of real
# services. Origins are the seven parishes and a grid of one point per square kilometre; populations and areas of
# parishes (rounded) are only used by the straight line, which needs a density.

# %%
PARISHES = pd.DataFrame(
    [
        ("Andorra la Vella", 1.5218, 42.5063, 22_600, 12.0),
        ("Canillo", 1.5989, 42.5666, 4_300, 121.0),
        ("Encamp", 1.5826, 42.5346, 11_800, 74.0),
        ("Escaldes-Engordany", 1.5341, 42.5089, 14_600, 47.0),
        ("La Massana", 1.5148, 42.5450, 10_000, 65.0),
        ("Ordino", 1.5333, 42.5562, 4_900, 89.0),
        ("Sant Julià de Lòria", 1.4913, 42.4637, 9_300, 60.0),
    ],
    columns=["code", "lon", "lat", "population", "area_km2"],
)
SERVICES = {
    "hospital": ["Escaldes-Engordany"],
    "pharmacy": ["Andorra la Vella", "Encamp", "La Massana", "Sant Julià de Lòria"],
    "post office": ["Andorra la Vella", "Canillo", "Ordino"],
}

centres = gpd.GeoSeries.from_xy(PARISHES["lon"], PARISHES["lat"], crs="EPSG:4326").to_crs(graph.crs)
parishes = PARISHES.assign(ref_x=centres.x, ref_y=centres.y, parish=PARISHES["code"])


def near_parish(xy: np.ndarray) -> np.ndarray:
    """Return the row of the parish whose centre is the nearest."""
    return np.argmin(np.hypot(*(xy[:, None] - parishes[["ref_x", "ref_y"]].to_numpy()).transpose(2, 0, 1)), axis=1)


low, high = graph.node_xy.min(axis=0), graph.node_xy.max(axis=0)
x, y = (axis.ravel() for axis in np.meshgrid(np.arange(low[0], high[0], 1000), np.arange(low[1], high[1], 1000)))
grid = parishes.iloc[near_parish(np.column_stack([x, y]))].reset_index(drop=True)
grid = grid.assign(code=[f"cell {number}" for number in range(len(grid))], ref_x=x, ref_y=y)
origins = pd.concat([parishes, grid], ignore_index=True)

rows = [(service, parish) for service, where in SERVICES.items() for parish in where]
places = pd.DataFrame(rows, columns=["service", "code_commune"]).merge(
    parishes.rename(columns={"ref_x": "x", "ref_y": "y", "population": "commune_population"}),
    left_on="code_commune",
    right_on="code",
    how="left",
    validate="many_to_one",
)
places = places.rename(columns={"area_km2": "commune_area_km2"})
places = places.assign(id=places["service"] + ", " + places["code_commune"], x=places["x"] + 150, y=places["y"] - 100)

# %% [markdown]
# ## Nearest services
#
# Walking to the road counts; a point more than a kilometre from any road is *hors réseau*, and is said, never a zero.

# %%
cap_m, walking_kmh = road_setting(parameters, "rattachement-max-m"), road_setting(parameters, "marche-kmh")
engine = road_engine(graph, cap_m=cap_m, walking_kmh=walking_kmh)
by_road = engine(origins, places)
print("Pairs of an origin and a place, by reason:")
print(pd.Series(by_road.reason.ravel()).value_counts().to_string())

nearest = {service: nearest_places(by_road, among=(places["service"] == service).to_numpy()) for service in SERVICES}
summary = pd.DataFrame({service: found["time_min"].to_numpy() for service, found in nearest.items()})
summary = summary.iloc[: len(parishes)].set_index(parishes["code"]).round(1)
print("\nMinutes from the parishes to the nearest of each service:")
print(summary.to_string())

# %% [markdown]
# ## Isochrones
#
# Who reaches the hospital within 10, 20 and 30 minutes? Roads are cut at the point where the time runs out; the areas
# contain the junctions that are reached and no other, and leave out the mountains between valleys.

# %%
LIMITS_MIN = [10, 20, 30]
COLOURS = ["#00224e", "#7c7b78", "#fee838"]
hospital = places[places["service"] == "hospital"]
access = road_access(graph, hospital[["x", "y"]], cap_m=cap_m, walking_kmh=walking_kmh)
times = road_times(graph, access)
areas = gpd.GeoSeries(isochrones(graph, times, LIMITS_MIN), index=LIMITS_MIN, crs=graph.crs)

figure, axes = plt.subplots(figsize=(8, 7))
for limit, colour in zip(reversed(LIMITS_MIN), reversed(COLOURS), strict=True):
    areas.loc[[limit]].plot(ax=axes, color=colour, linewidth=0)
gpd.GeoSeries(edge_lines(graph)).plot(ax=axes, color="#b0b0b0", linewidth=0.4)
gpd.GeoSeries(reached_lines(graph, reached(times, LIMITS_MIN[-1] * 60_000))).plot(ax=axes, color="white", linewidth=0.3)
axes.plot(hospital["x"], hospital["y"], "P", color="white", markeredgecolor="black", markersize=11)
for parish in parishes.itertuples():
    side = "right" if parish.code in {"Andorra la Vella", "La Massana"} else "left"
    shift = (-8, -12) if side == "right" else (8, 4)
    label = {"fontsize": 8, "ha": side, "xytext": shift, "textcoords": "offset points"}
    halo = {"boxstyle": "round,pad=0.1", "facecolor": "white", "edgecolor": "none", "alpha": 0.75}
    axes.annotate(parish.code, (parish.ref_x, parish.ref_y), **label, bbox=halo)
keys = [Patch(color=colour) for colour in COLOURS] + [Line2D([], [], color="#b0b0b0", linewidth=0.8)]
axes.legend(keys, [f"≤ {limit} min" for limit in LIMITS_MIN] + ["road beyond 30 min"], loc="lower right")
axes.set_title("Time by car to the hospital (illustrative point)")
axes.set_axis_off()

inside = {limit: shapely.contains_xy(area, *graph.node_xy.T) for limit, area in areas.items()}
print(
    pd.DataFrame(
        {
            "area_km2": (areas.area / 1e6).round(1),
            "holes": [sum(len(part.interiors) for part in area.geoms) for area in areas],
            "junctions_inside": [int(found.sum()) for found in inside.values()],
            "junctions_reached": [int((times.node_ms <= limit * 60_000).sum()) for limit in LIMITS_MIN],
        },
    ).to_string()
)

# %% [markdown]
# ## One trip
#
# From Ordino to Canillo: neighbours on the map, with a ridge between them that the road goes round or under.

# %%
index = snap_index(graph)
centre = parishes.set_index("code")[["ref_x", "ref_y"]]


def trip_between(start: np.ndarray, end: np.ndarray) -> dict[str, float]:
    """Return the kilometres and minutes of a trip, door to door."""
    trip = find_trip(graph, tuple(start), tuple(end), cap_m=cap_m, walking_kmh=walking_kmh, index=index)
    straight_km = float(np.hypot(*(end - start))) / 1000
    return {"straight_km": straight_km, "road_km": trip.length_m / 1000, "road_min": trip.time_min}


trip = find_trip(
    graph, tuple(centre.loc["Ordino"]), tuple(centre.loc["Canillo"]), cap_m=cap_m, walking_kmh=walking_kmh, index=index
)
crow_km = np.hypot(*(centre.loc["Canillo"] - centre.loc["Ordino"])) / 1000
print(f"{trip.time_min:.1f} min, {trip.length_m / 1000:.1f} km by road, {crow_km:.1f} km as the crow flies")
for step in sorted(trip.steps, key=lambda step: -step.length_m)[:5]:
    print(f"  {step.length_m / 1000:5.1f} km  {step.road_name or '(no name)'} ({step.road_class})")

# %% [markdown]
# ## Against the calibrated straight line
#
# The straight line was fitted on trips of Occitanie: it knows distance and density, neither roads nor relief. It does
# not walk to the road either: points of the grid far from any road are therefore shown apart.

# %%
text = embedded_path("travel/straight_line.toml").read_text(encoding="utf-8")
as_the_crow_flies = straight_line_engine(text, coverage=0.9)(origins, places)
both = (by_road.reason == REACHED) & (as_the_crow_flies.reason == REACHED)
row, column = np.nonzero(both)
pairs = pd.DataFrame(
    {
        "origin": origins["code"].to_numpy()[row],
        "from_parish": row < len(parishes),
        "snap_m": by_road.origin_road["snap_m"].to_numpy()[row],
        "road_min": by_road.time_min[both],
        "line_min": as_the_crow_flies.time_min[both],
        "low_min": as_the_crow_flies.low_min[both],
        "high_min": as_the_crow_flies.high_min[both],
    }
)


def compared(pairs: pd.DataFrame) -> pd.Series:
    """Sum up how the straight line compares with the road."""
    within = pairs["road_min"].between(pairs["low_min"], pairs["high_min"])
    return pd.Series(
        {
            "pairs": len(pairs),
            "median of road / line": (pairs["road_min"] / pairs["line_min"]).median(),
            "mean absolute difference, min": (pairs["road_min"] - pairs["line_min"]).abs().mean(),
            "median difference, min": (pairs["road_min"] - pairs["line_min"]).median(),
            "within the 90 % band": within.mean(),
            "other side of 20 min": ((pairs["road_min"] <= 20) != (pairs["line_min"] <= 20)).mean(),  # noqa: PLR2004
        }
    )


NEAR_M = 100
on_grid, near = ~pairs["from_parish"], pairs["snap_m"] <= NEAR_M
comparison = {
    "parishes": compared(pairs[pairs["from_parish"]]),
    f"grid, ≤ {NEAR_M} m from a road": compared(pairs[on_grid & near]),
    "whole grid": compared(pairs[on_grid]),
}
print(pd.DataFrame(comparison).round(2).to_string())

# %% [markdown]
# What explains the difference? A trip takes *kilometres of road / speed*. The kilometres are those of the straight
# line times a **detour**; in Andorra it is the relief that bends roads (valleys, hairpins, passes). The table cuts
# trips from points near a road by detour; the correlations say how much of the ratio goes with detour and with speed.

# %%
candidates = np.flatnonzero(near)
chosen = np.random.default_rng(65).choice(candidates, size=min(400, len(candidates)), replace=False)
origin_xy, place_xy = origins[["ref_x", "ref_y"]].to_numpy(), places[["x", "y"]].to_numpy()
sample = pd.DataFrame([trip_between(origin_xy[row[one]], place_xy[column[one]]) for one in chosen])
sample["line_min"] = pairs["line_min"].to_numpy()[chosen]
sample = sample[(sample["straight_km"] > 1) & (sample["road_km"] > 0)]
sample["detour"] = sample["road_km"] / sample["straight_km"]
sample["speed_kmh"] = sample["road_km"] / sample["road_min"] * 60
sample["ratio"] = sample["road_min"] / sample["line_min"]
classes = pd.cut(sample["detour"], [0, 1.3, 1.6, 2.0, np.inf], labels=["< 1.3", "1.3–1.6", "1.6–2", "> 2"])
by_detour = sample.groupby(classes, observed=True)
medians = by_detour[["ratio", "speed_kmh"]].median().round(2)
print(medians.assign(trips=by_detour.size(), mean_km=by_detour["road_km"].mean().round(1)).to_string())
logs = np.log(sample[["ratio", "detour", "speed_kmh"]])
print("\nCorrelation of log(road / line):", logs.corr()["ratio"].drop("ratio").round(2).to_dict())

figure, axes = plt.subplots(figsize=(6.5, 6))
dots = axes.scatter(sample["line_min"], sample["road_min"], c=sample["detour"], s=14, cmap="cividis", vmin=1, vmax=2.5)
end = float(sample[["line_min", "road_min"]].max().max())
axes.plot([0, end], [0, end], color="black", linewidth=0.8)
axes.set_xlabel("calibrated straight line, minutes")
axes.set_ylabel("road graph, minutes")
figure.colorbar(dots, label="detour: km by road / km straight", extend="max")
axes.set_title("Above the line: the straight line is too short")

# %% [markdown]
# Where roads are straight the straight line is even a little long; the more they wind, the shorter it falls, while the
# speed hardly changes: the ratio follows the detour. Relief is what an estimate without network cannot see. Points far
# from a road add their walk, which the straight line leaves out. A road graph replaces it where an extract is at hand.
