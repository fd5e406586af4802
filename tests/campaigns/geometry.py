"""Random defects in the real contours of a département: each is repaired, refused with its place, or told.

``python tests/campaigns/geometry.py --size 10000 --departement 65 --seed 1``: each trial takes a commune and those
around it, spoils it with one defect of `geometry_defects`, at a random place and of a random size, and checks the rest:

- refused: every fault has the file, what was found, what was expected and a remedy, and one names the commune;
- repaired: the contours are valid, join, and differ from the true ones by no more than the limits allow;
- told: the contours are valid, join, and a note says the place;
- harmless: the repaired contours are the true ones to a square decimetre, and nothing had to be said;
- anything else is SILENT, and a defect that ends elsewhere than it may is WRONG; either fails the campaign.

It prints a table by defect.
"""

from __future__ import annotations

import argparse
import collections
import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))

from geometry_defects import DEFECTS, REFUSED, REPAIRED, TOLD, Defect

from sdaasp_geo.errors import InputError
from sdaasp_geo.layers.communes import apply_vintage
from sdaasp_geo.layers.geometry_checks import CRACK, DETACHED, DIFFERENT, HOLE, Contours, Limits, check_contours
from sdaasp_geo.sources import france

HARMLESS, SILENT, WRONG = "harmless", "SILENT", "WRONG"
LIMITS = Limits(area_share=0.01, join_m=1.0, reference_share=0.3)
VINTAGE = 2024


def real_contours(departement: str) -> gpd.GeoDataFrame:
    """Return the contours of a département as a file would give them: ``code, name``, geometry; first row 2."""
    units = apply_vintage(france.read_contours({departement}), france.read_contour_links(), vintage=VINTAGE)
    names = france.read_membership(VINTAGE).set_index("code")["name"]
    units = units.assign(code=units["code"].astype("str"), name=units["code"].map(names).astype("str"))
    return units[["code", "name", "geometry"]].set_axis(pd.RangeIndex(2, len(units) + 2), axis="index")


def around(table: gpd.GeoDataFrame, at: int) -> tuple[gpd.GeoDataFrame, int]:
    """Return a commune and those that touch it, and its position among them."""
    near = np.sort(table.sindex.query(table.geometry.iloc[at], predicate="intersects"))
    return table.iloc[near], int(np.flatnonzero(near == at)[0])


def outcome(truth: gpd.GeoDataFrame, at: int, defect: Defect, rng: np.random.Generator) -> tuple[str, str]:
    """Spoil one commune, and return what becomes of it and what was said."""
    spoilt = defect(truth, at, rng)
    try:
        found = check(spoilt, truth)
    except InputError as error:
        complete = all(fault.file and fault.expected and fault.remedy for fault in error.faults)
        named = any(truth["code"].iloc[at] in fault.value or fault.row is None for fault in error.faults)
        return (REFUSED if complete and named else SILENT), str(error)
    return _of_contours(found, truth, check(truth, truth)), " ".join(found.notes)


def check(table: gpd.GeoDataFrame, truth: gpd.GeoDataFrame) -> Contours:
    """Check contours beside the true ones."""
    boxes = {code: departement.bounds for code, departement in france.read_departements().items()}
    return check_contours(table, crs=str(truth.crs), boxes=boxes, limits=LIMITS, file="contours.gpkg", reference=truth)


def _of_contours(found: Contours, truth: gpd.GeoDataFrame, sound: Contours) -> str:
    """Classify contours that were not refused; what the sound ones made say (an excerpt has holes) does not count."""
    shapes = found.table.geometry.to_numpy()
    if not (shapely.is_valid(shapes).all() and shapely.coverage_is_valid(shapes)):
        return SILENT
    already = set(sound.repairs[["code", "repair"]].itertuples(index=False, name=None))
    kinds = {
        kind for code, kind in found.repairs[["code", "repair"]].itertuples(index=False) if (code, kind) not in already
    }
    if kinds & {CRACK, DETACHED, DIFFERENT, HOLE}:
        return TOLD
    true = truth.set_index("code").geometry.loc[found.table["code"]].to_numpy()
    apart_m2 = shapely.area(shapely.symmetric_difference(shapes, true))
    if not kinds:
        return HARMLESS if (apart_m2 < 0.01).all() else SILENT
    most_m2 = 2 * LIMITS.join_m * shapely.length(true) + LIMITS.area_share * shapely.area(true)
    return REPAIRED if (apart_m2 <= most_m2).all() else SILENT


def campaign(*, size: int, departement: str, seed: int) -> dict[str, collections.Counter[str]]:
    """Run ``size`` trials, the defects in turn; return how many came out as what, by defect."""
    rng = np.random.default_rng(seed)
    table = real_contours(departement)
    names = list(DEFECTS)
    counts: dict[str, collections.Counter[str]] = {name: collections.Counter() for name in names}
    for trial in range(size):
        name = names[trial % len(names)]
        defect, allowed = DEFECTS[name]
        truth, at = around(table, int(rng.integers(len(table))))
        if len(truth) == 1:
            continue
        result, said = outcome(truth, at, defect, rng)
        if result not in allowed | {HARMLESS, SILENT}:
            result = WRONG
        if result in {SILENT, WRONG}:
            print(f"{result}: trial {trial}, {name}, {truth['code'].iloc[at]}: {said[:400]}", file=sys.stderr)
        counts[name][result] += 1
    return counts


def main() -> int:
    """Run the campaign and print its table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=10_000)
    parser.add_argument("--departement", default="65")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    counts = campaign(size=options.size, departement=options.departement, seed=options.seed)
    columns = [REPAIRED, REFUSED, TOLD, HARMLESS, SILENT, WRONG]
    table = pd.DataFrame(counts).T.reindex(columns=columns).fillna(0).astype("int64")
    table.loc["all"] = table.sum()
    print(table.to_string())
    return int(table.loc["all", [SILENT, WRONG]].sum() > 0)


if __name__ == "__main__":
    sys.exit(main())
