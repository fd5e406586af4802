"""The GeoPackage: valid, the same bytes each time, and holding what QGIS needs to open it ready to read."""

from __future__ import annotations

import dataclasses
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyogrio
import pytest

from sdaasp_geo.outputs.geopackage import build_layers, write_geopackage
from sdaasp_geo.outputs.layer_model import MapLayer, typed_rows
from sdaasp_geo.study import Diagnosis, Measures, Study

SPATIAL = ["departement", "epci_voisins", "petr", "epci", "communes", "zones", "points_services"]


@pytest.fixture(scope="module")
def layers(study_65: Study, measures_65: Measures, diagnosis_65: Diagnosis) -> list[MapLayer]:
    return build_layers(study_65, dataclasses.replace(measures_65, diagnosis=diagnosis_65))


@pytest.fixture(scope="module")
def path(layers: list[MapLayer], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_geopackage(layers, tmp_path_factory.mktemp("gpkg") / "layers.gpkg")


@pytest.fixture
def base(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        yield connection


def test_the_same_layers_give_the_same_bytes(layers: list[MapLayer], path: Path, tmp_path: Path) -> None:
    assert write_geopackage(layers, tmp_path / "again.gpkg").read_bytes() == path.read_bytes()


def test_the_file_is_whole(base: sqlite3.Connection) -> None:
    assert base.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert base.execute("PRAGMA foreign_key_check").fetchall() == []
    assert base.execute("PRAGMA application_id").fetchone() == (0x47504B47,)
    tables = {row[0] for row in base.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert {row[0] for row in base.execute("SELECT table_name FROM gpkg_contents")} <= tables
    assert {row[0] for row in base.execute("SELECT table_name FROM gpkg_extensions WHERE table_name != ''")} <= tables


def test_layers_are_read_back_with_their_types_in_the_legal_crs(path: Path, layers: list[MapLayer]) -> None:
    kinds = dict(pyogrio.list_layers(path).tolist())
    assert [name for name in kinds if kinds[name]] == SPATIAL
    assert {kinds[name] for name in SPATIAL} == {"MultiPolygon", "Point"}
    for layer in layers:
        read = pyogrio.read_dataframe(path, layer=layer.name)
        assert len(read) == len(layer.rows)
        assert [name for name in read.columns if name != "geometry"] == [one.name for one in layer.columns]
        if layer.geometry:
            assert read.crs.to_epsg() == 2154
            assert read.geometry.geom_equals(layer.rows.geometry).all()
    zones = gpd.read_file(path, layer="zones")
    assert zones["seuil_min"].tolist() == [20.0] * len(zones)
    assert zones["population"].dtype.kind == "i"


def test_an_empty_layer_keeps_its_geometry_type(study_04: Study, measures_04: Measures, tmp_path: Path) -> None:
    """The Alpes-de-Haute-Provence have no PETR."""
    path = write_geopackage(build_layers(study_04, measures_04), tmp_path / "layers.gpkg")
    assert dict(pyogrio.list_layers(path).tolist())["petr"] == "MultiPolygon"
    assert pyogrio.read_info(path, layer="petr")["features"] == 0


def test_styles_are_where_qgis_looks_for_them(base: sqlite3.Connection, layers: list[MapLayer]) -> None:
    """QGIS reads the default style by table and geometry column, from a table that OGR lists."""
    query = (
        "SELECT styleQML FROM layer_styles WHERE f_table_schema = '' AND f_table_name = ? AND f_geometry_column = ? "
        "ORDER BY CASE WHEN useAsDefault THEN 1 ELSE 2 END, update_time DESC LIMIT 1"
    )
    for layer in layers:
        if layer.geometry:
            column = base.execute(
                "SELECT column_name FROM gpkg_geometry_columns WHERE table_name = ?", (layer.name,)
            ).fetchone()[0]
            assert base.execute(query, (layer.name, column)).fetchone() == (layer.styles[0].qml,)
    columns = [row[1] for row in base.execute("PRAGMA table_info(layer_styles)")]
    assert columns == [
        *("id", "f_table_catalog", "f_table_schema", "f_table_name", "f_geometry_column", "styleName", "styleQML"),
        *("styleSLD", "useAsDefault", "description", "owner", "ui", "update_time"),
    ]
    defaults = base.execute("SELECT f_table_name, sum(useAsDefault) FROM layer_styles GROUP BY 1").fetchall()
    assert {count for _, count in defaults} == {1}
    listed = base.execute("SELECT data_type FROM gpkg_contents WHERE table_name = 'layer_styles'").fetchone()
    assert listed == ("attributes",)


def test_each_layer_has_its_record_its_title_and_its_column_labels(
    base: sqlite3.Connection, layers: list[MapLayer]
) -> None:
    records = dict(
        base.execute(
            "SELECT table_name, metadata FROM gpkg_metadata JOIN gpkg_metadata_reference ON md_file_id = id "
            "WHERE reference_scope = 'table' AND md_standard_uri = 'http://www.isotc211.org/2005/gmd'"
        ).fetchall()
    )
    assert records == {layer.name: layer.metadata for layer in layers}
    titles = dict(base.execute("SELECT table_name, identifier FROM gpkg_contents").fetchall())
    assert titles["communes"] == "Accès des communes aux services au public (Hautes-Pyrénées)"
    for layer in layers:
        rows = base.execute("SELECT column_name, title FROM gpkg_data_columns WHERE table_name = ?", (layer.name,))
        assert dict(rows.fetchall()) == {one.name: one.label for one in layer.columns}
    extensions = {row[0] for row in base.execute("SELECT extension_name FROM gpkg_extensions")}
    assert {"gpkg_metadata", "gpkg_schema", "gpkg_rtree_index"} <= extensions


def test_nothing_tells_when_the_file_was_written(base: sqlite3.Connection) -> None:
    dates = base.execute("SELECT DISTINCT last_change FROM gpkg_contents").fetchall()
    dates += base.execute("SELECT DISTINCT update_time FROM layer_styles").fetchall()
    dates += base.execute("SELECT DISTINCT timestamp FROM gpkg_metadata_reference").fetchall()
    assert set(dates) == {("1970-01-01T00:00:00.000Z",)}


def test_keys_identify_rows_and_no_column_lacks_a_label(layers: list[MapLayer]) -> None:
    for layer in layers:
        if layer.key:
            assert not layer.rows.duplicated(list(layer.key)).any(), layer.name
            assert layer.rows[list(layer.key)].notna().all().all()
        assert [one.name for one in layer.columns if one.label == one.name and not one.meaning] == [], layer.name


def test_mixed_objects_find_their_type_and_the_table_given_is_not_changed() -> None:
    given = pd.DataFrame(
        {
            "oui": pd.Series([True, None], dtype=object),
            "entier": pd.Series([1, 2], dtype=object),
            "troue": pd.Series([1, None], dtype=object),
            "decimal": pd.Series([1, 2.5], dtype=object),
            "texte": pd.Series(["a", None], dtype=object),
            "melange": pd.Series(["a", 1], dtype=object),
            "vide": pd.Series([None, None], dtype=object),
        }
    )
    before = given.copy()
    types = {name: str(kind) for name, kind in typed_rows(given).dtypes.items()}
    assert types == {
        "oui": "boolean",
        "entier": "int64",
        "troue": "Int64",
        "decimal": "float64",
        "texte": "str",
        "melange": "str",
        "vide": "str",
    }
    pd.testing.assert_frame_equal(given, before)
