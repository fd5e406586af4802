"""The layers of a run in one GeoPackage, in the legal CRS of the territory, that QGIS opens ready to read.

Beside the layers, the file holds: ``layer_styles``, the styles as QGIS keeps them; the metadata extension, with an ISO
19139 record for each layer; the schema extension, with the French label and meaning of each column.
"""

from __future__ import annotations

import dataclasses
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyogrio
from pyogrio.errors import DataLayerError, DataSourceError, FeatureError

from sdaasp_geo.criteria import Criterion, criteria_in_force, read_criteria
from sdaasp_geo.errors import OutputError
from sdaasp_geo.french import NBSP
from sdaasp_geo.outputs.layer_metadata import Record, describe_record, render_metadata
from sdaasp_geo.outputs.layer_model import (
    GEOMETRY,
    NONE,
    POINT,
    POLYGON,
    Column,
    MapLayer,
    catalogue_entry,
    grid_columns,
    typed_rows,
    with_geometry,
)
from sdaasp_geo.outputs.layer_styles import criterion_column, layer_styles
from sdaasp_geo.outputs.plan_tables import plan_tables
from sdaasp_geo.outputs.publish import published_file
from sdaasp_geo.outputs.tables import describe_column
from sdaasp_geo.study import Measures, Study

_ACCESS = ["time_min", "low_min", "high_min", "place_name", "place_commune", "class", "to_check", "sentence"]
_WEEKLY = ["limit_min", "open_hours", "evening", "saturday"]
_BORDER = ["side", "saved_epci_min", "saved_departement_min"]
_COMPETENT = ["competent_place_name", "assignment", "penalty_min"]
_TABLES = ("actions", "actions_epci")
_TIMES = "temps"
_COUNTERS = (24, 92)  # file format of SQLite: the change counter, and the one for which the version is valid
_POINTS = "points_services"
_VERSION = "1.2"
"""The latest that QGIS 3.22 reads without a warning."""

_DATE = "1970-01-01T00:00:00.000Z"
_ISO = "http://www.isotc211.org/2005/gmd"
_EXTENSIONS = (
    ("gpkg_metadata", "gpkg_metadata", "http://www.geopackage.org/spec120/#extension_metadata"),
    ("gpkg_metadata_reference", "gpkg_metadata", "http://www.geopackage.org/spec120/#extension_metadata"),
    ("gpkg_data_columns", "gpkg_schema", "http://www.geopackage.org/spec120/#extension_schema"),
    ("gpkg_data_column_constraints", "gpkg_schema", "http://www.geopackage.org/spec120/#extension_schema"),
)
_STATEMENTS = """
CREATE TABLE gpkg_metadata (
  id INTEGER CONSTRAINT m_pk PRIMARY KEY ASC NOT NULL, md_scope TEXT NOT NULL DEFAULT 'dataset',
  md_standard_uri TEXT NOT NULL, mime_type TEXT NOT NULL DEFAULT 'text/xml', metadata TEXT NOT NULL DEFAULT '');
CREATE TABLE gpkg_metadata_reference (
  reference_scope TEXT NOT NULL, table_name TEXT, column_name TEXT, row_id_value INTEGER,
  timestamp DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')),
  md_file_id INTEGER NOT NULL, md_parent_id INTEGER,
  CONSTRAINT crmr_mfi_fk FOREIGN KEY (md_file_id) REFERENCES gpkg_metadata(id),
  CONSTRAINT crmr_mpi_fk FOREIGN KEY (md_parent_id) REFERENCES gpkg_metadata(id));
CREATE TABLE gpkg_data_columns (
  table_name TEXT NOT NULL, column_name TEXT NOT NULL, name TEXT, title TEXT, description TEXT, mime_type TEXT,
  constraint_name TEXT, CONSTRAINT pk_gdc PRIMARY KEY (table_name, column_name),
  CONSTRAINT gdc_tn UNIQUE (table_name, name));
CREATE TABLE gpkg_data_column_constraints (
  constraint_name TEXT NOT NULL, constraint_type TEXT NOT NULL, value TEXT, min NUMERIC, min_is_inclusive BOOLEAN,
  max NUMERIC, max_is_inclusive BOOLEAN, description TEXT,
  CONSTRAINT gdcc_ntv UNIQUE (constraint_name, constraint_type, value));
CREATE TABLE layer_styles (
  id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, f_table_catalog TEXT(256), f_table_schema TEXT(256),
  f_table_name TEXT(256), f_geometry_column TEXT(256), styleName TEXT(30), styleQML TEXT, styleSLD TEXT,
  useAsDefault BOOLEAN, description TEXT, owner TEXT(30), ui TEXT(30), update_time DATETIME DEFAULT CURRENT_TIMESTAMP);
CREATE TABLE IF NOT EXISTS gpkg_extensions (
  table_name TEXT, column_name TEXT, extension_name TEXT NOT NULL, definition TEXT NOT NULL, scope TEXT NOT NULL,
  CONSTRAINT ge_tce UNIQUE (table_name, column_name, extension_name));
"""


def build_layers(study: Study, measures: Measures, *, only: Collection[str] = ()) -> list[MapLayer]:
    """Gather the layers to publish, from the widest territories to the points, then the tables of the plan.

    Parameters
    ----------
    study, measures : Study, Measures
        The layers and what was measured; a layer has no column of what was not.
    only : collection of str
        Names of the layers wanted; empty: all.

    Returns
    -------
    list of MapLayer
        Titled, typed, with their styles and their ISO 19139 record; geometry in the legal CRS (metres).
    """
    main = study.scheme.mesure.services[0]
    criteria = _criteria(study, measures)
    record = describe_record(study, measures)
    spatial: list[tuple[str, str, gpd.GeoDataFrame]] = [
        ("departement", POLYGON, study.departement),
        ("epci_voisins", POLYGON, study.neighbours),
        ("petr", POLYGON, study.petr),
        ("epci", POLYGON, study.epci),
        ("communes", POLYGON, _communes(study, measures, main, criteria)),
        ("zones", POLYGON, measures.zones),
        *([("carreaux", POLYGON, _cells(study.cells, measures, main))] if study.cells is not None else []),
        (_POINTS, POINT, study.points),
    ]
    plan = {table.name: table.rows for table in plan_tables(study)}
    listed = [*spatial, *((name, NONE, plan[name]) for name in _TABLES if name in plan)]
    wanted = [one for one in listed if not only or one[0] in only]
    layers = [titled_layer(name, rows, study, kind=kind, criteria=criteria) for name, kind, rows in wanted]
    return [_finished(layer, study, criteria, record) for layer in layers]


def titled_layer(
    name: str, rows: pd.DataFrame, study: Study, *, kind: str, criteria: Sequence[Criterion] = ()
) -> MapLayer:
    """Give a layer its published names, its types and its titles; it has neither style nor record yet.

    Parameters
    ----------
    name : str
        Its name in `layers.toml`, and in the dictionary of columns.
    rows : GeoDataFrame or DataFrame
        Columns under the names of the code; geometry in the legal CRS.
    study : Study
        The département that the titles name.
    kind : str
        ``MultiPolygon``, ``Point``, or empty for a table.
    criteria : sequence of Criterion
        Those whose class is a column.
    """
    entry = catalogue_entry(name)
    given = {column: _described(name, str(column), criteria) for column in rows.columns if column != "geometry"}
    published = rows.rename(columns={column: described.name for column, described in given.items()})
    if isinstance(published, gpd.GeoDataFrame):
        published = with_geometry(published, kind=kind)
    return MapLayer(
        name=name,
        title=entry["title"].format(departement=study.departement_name),
        abstract=entry["abstract"],
        geometry=kind,
        key=tuple(entry["key"]),
        rows=typed_rows(published).reset_index(drop=True),
        columns=tuple(given.values()),
    )


def _described(table: str, column: str, criteria: Sequence[Criterion]) -> Column:
    for criterion in criteria:
        if column == criterion_column(criterion):
            meaning = f"Classe de la commune pour ce critère\u00a0: desservie, {criterion.beyond} ou non-mesure"
            return Column(column, criterion.label, "", meaning)
    if table == _POINTS and column in grid_columns():
        return grid_columns()[column]
    return Column(**describe_column(table, column))


def _finished(layer: MapLayer, study: Study, criteria: Sequence[Criterion], record: Record) -> MapLayer:
    styles = layer_styles(layer, study, criteria)
    return dataclasses.replace(layer, styles=styles, metadata=render_metadata(layer, record))


def _criteria(study: Study, measures: Measures) -> list[Criterion]:
    """Return the criteria, thresholds of time apart, that are measured somewhere."""
    diagnosis, scheme = measures.diagnosis, study.scheme
    if diagnosis is None or not len(diagnosis.criteria):
        return []
    sheet = read_criteria(scheme.path(scheme.fichiers.criteres) if scheme.fichiers.criteres else None)
    known = criteria_in_force(sheet, study.rules, date=scheme.edition)
    measured = set(diagnosis.criteria.loc[diagnosis.criteria["satisfied"].notna(), "criterion"])
    by_code = {criterion.code: criterion for criterion in known if criterion.kind != _TIMES}
    return [criterion for code, criterion in by_code.items() if code in measured]


def _communes(study: Study, measures: Measures, service: str, criteria: Sequence[Criterion]) -> gpd.GeoDataFrame:
    """Join the communes with their access to a service, and with the diagnosis where there is one."""
    if not len(measures.access):
        return study.communes
    access = measures.access.loc[measures.access["service"] == service, ["code", *_ACCESS]]
    joined = _with_diagnosis(access, measures, service)
    if measures.diagnosis is not None and criteria:
        wide = measures.diagnosis.criteria.pivot_table(
            index="code", columns="criterion", values="class", aggfunc="first"
        )
        names = {criterion.code: criterion_column(criterion) for criterion in criteria}
        joined = joined.merge(wide[list(names)].rename(columns=names), left_on="code", right_index=True, how="left")
    return study.communes.merge(joined, on="code", how="left")


def _with_diagnosis(access: pd.DataFrame, measures: Measures, service: str) -> pd.DataFrame:
    """Add where the nearest place is, the competent counter and the weekly presence, where they were measured."""
    diagnosis = measures.diagnosis
    if diagnosis is None:
        return access
    joined = access
    if len(diagnosis.reachable):
        if service not in set(diagnosis.reachable["service"]):
            return access
        weekly = diagnosis.reachable[diagnosis.reachable["service"] == service]
        weekly = weekly.loc[weekly["limit_min"] == weekly["limit_min"].min(), ["code", *_WEEKLY]]
        joined = access.merge(weekly, on="code", how="left")
    if len(diagnosis.border):
        whole = diagnosis.border[(diagnosis.border["service"] == service) & (diagnosis.border["operator"] == "tous")]
        joined = joined.merge(whole[["code", *_BORDER]], on="code", how="left")
        own = diagnosis.competence[diagnosis.competence["service"] == service]
        worst = own.sort_values("penalty_min", ascending=False, kind="stable").drop_duplicates("code")
        joined = joined.merge(worst[["code", *_COMPETENT]], on="code", how="left")
    return joined


def _cells(cells: gpd.GeoDataFrame, measures: Measures, service: str) -> gpd.GeoDataFrame:
    """Return the inhabited cells with their access to one service."""
    if measures.cells is None:
        return cells
    columns = ["cell", "time_min", "low_min", "high_min", "reason", "place_name", "place_commune"]
    access = measures.cells.loc[measures.cells["service"] == service, columns]
    return cells.merge(access, on="cell", how="left")


def write_geopackage(layers: Iterable[MapLayer], path: Path) -> Path:
    """Write layers in one GeoPackage; the same layers give the same bytes.

    Parameters
    ----------
    layers : iterable of MapLayer
        Layers and tables, in the order of the file.
    path : Path
        The file, replaced if it exists, only when the new one is whole.

    Raises
    ------
    OutputError
        When it cannot be written, or a program has the former one open; that one is then as it was.
    """
    listed = list(layers)
    _check_free(path)
    with published_file(path) as beside, _errors_said(path):
        for layer in listed:
            geometry = {"geometry_type": layer.geometry}
            pyogrio.write_dataframe(
                layer.rows,
                beside,
                layer=layer.name,
                driver="GPKG",
                append=beside.exists(),
                dataset_options=None if beside.exists() else {"VERSION": _VERSION},
                layer_options={"IDENTIFIER": layer.title, "DESCRIPTION": layer.abstract},
                **(geometry if layer.geometry else {}),
            )
        _complete(listed, beside)
        _check_whole(listed, beside)
        _fix_counters(beside)
    return path


def _check_free(path: Path) -> None:
    """Refuse to write where a journal of SQLite stands: it would be played on the new file, and spoil it."""
    journals = [name for end in ("-journal", "-wal") if (name := path.with_name(f"{path.name}{end}")).exists()]
    if journals:
        message = (
            f"{path} est ouvert dans un autre programme (QGIS…), ou l'a été par un programme interrompu{NBSP}: rien "
            f"n'a été écrit. Fermez ce programme, ou donnez un autre nom. Sans lui, ouvrez le fichier dans QGIS "
            f"puis fermez-le{NBSP}: {journals[0].name} disparaît."
        )
        raise OutputError(message)


@contextmanager
def _errors_said(path: Path) -> Iterator[None]:
    """Turn the errors of GDAL and SQLite into ours, in French."""
    try:
        yield
    except (sqlite3.Error, DataSourceError, DataLayerError, FeatureError) as error:
        message = (
            f"Impossible d'écrire {path}{NBSP}: le disque est plein, ou l'écriture a été interrompue "
            f"(cause{NBSP}: {error}). Libérez de la place ou choisissez un autre dossier, puis relancez."
        )
        raise OutputError(message) from error


def _check_whole(layers: Sequence[MapLayer], path: Path) -> None:
    """Read the file back: GDAL may close a file without a word when the disk is full."""
    with closing(sqlite3.connect(path)) as base:
        faults = [row[0] for row in base.execute("PRAGMA quick_check") if row[0] != "ok"]
        for layer in layers:
            (found,) = base.execute(f'SELECT count(*) FROM "{layer.name}"').fetchone()  # noqa: S608 - our own name
            if found != len(layer.rows):
                faults.append(f"{layer.name}{NBSP}: {found} lignes sur {len(layer.rows)}")
    if faults:
        raise sqlite3.DatabaseError(" ; ".join(faults))


def _fix_counters(path: Path) -> None:
    """Set the change counter of the header: GDAL makes one transaction more or less from one time to the next."""
    with path.open("r+b") as file:
        for place in _COUNTERS:
            file.seek(place)
            file.write((1).to_bytes(4, "big"))


def _complete(layers: Sequence[MapLayer], path: Path) -> None:
    """Add styles, records and labels, fix dates, then rewrite the file whole: no trace of when or how it grew."""
    with closing(sqlite3.connect(path)) as base:
        base.executescript(_STATEMENTS)
        base.executemany(
            "INSERT INTO gpkg_extensions VALUES (?, NULL, ?, ?, 'read-write')",
            [(table, name, definition) for table, name, definition in _EXTENSIONS],
        )
        base.execute(
            "INSERT INTO gpkg_contents (table_name, data_type, identifier, description, last_change, srs_id) "
            "VALUES ('layer_styles', 'attributes', 'layer_styles', 'Styles de QGIS', ?, 0)",
            (_DATE,),
        )
        _add_records(base, layers)
        _add_columns(base, layers)
        _add_styles(base, layers)
        base.execute("UPDATE gpkg_contents SET last_change = ?", (_DATE,))
        base.commit()
        base.execute("VACUUM")


def _add_records(base: sqlite3.Connection, layers: Sequence[MapLayer]) -> None:
    recorded = [layer for layer in layers if layer.metadata]
    for number, layer in enumerate(recorded, start=1):
        base.execute(
            "INSERT INTO gpkg_metadata VALUES (?, 'dataset', ?, 'text/xml', ?)", (number, _ISO, layer.metadata)
        )
        base.execute(
            "INSERT INTO gpkg_metadata_reference VALUES ('table', ?, NULL, NULL, ?, ?, NULL)",
            (layer.name, _DATE, number),
        )


def _add_columns(base: sqlite3.Connection, layers: Sequence[MapLayer]) -> None:
    base.executemany(
        "INSERT INTO gpkg_data_columns VALUES (?, ?, NULL, ?, ?, NULL, NULL)",
        [(layer.name, one.name, one.label, one.comment) for layer in layers for one in layer.columns],
    )


def _add_styles(base: sqlite3.Connection, layers: Sequence[MapLayer]) -> None:
    base.executemany(
        "INSERT INTO layer_styles VALUES (NULL, '', '', ?, ?, ?, ?, ?, ?, ?, '', NULL, ?)",
        [
            (layer.name, GEOMETRY, style.name, style.qml, style.sld, int(rank == 0), style.description, _DATE)
            for layer in layers
            for rank, style in enumerate(layer.styles)
        ],
    )
