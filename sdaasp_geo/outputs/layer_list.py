"""The layers of a GeoPackage, read with SQLite alone: quick, and the same for whoever opens the file."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

_QUERY = """
SELECT c.table_name, c.identifier, coalesce(g.geometry_type_name, '')
FROM gpkg_contents c LEFT JOIN gpkg_geometry_columns g ON g.table_name = c.table_name
WHERE c.table_name != 'layer_styles' ORDER BY c.rowid
"""
_KINDS = {"MULTIPOLYGON": "MultiPolygon", "POLYGON": "Polygon", "POINT": "Point", "": ""}


def list_layers(path: Path, *, name: str) -> list[dict[str, str]]:
    """Return the layers and tables of a GeoPackage, in the order of the file.

    Parameters
    ----------
    path : Path
        The file.
    name : str
        What to call it in the answer.

    Returns
    -------
    list of dict
        ``file, name, title, geometry`` (``MultiPolygon``, ``Point``, or empty for a table).
    """
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as base:
        found = base.execute(_QUERY).fetchall()
    return [
        {"file": name, "name": table, "title": title or table, "geometry": _KINDS.get(kind, kind)}
        for table, title, kind in found
    ]
