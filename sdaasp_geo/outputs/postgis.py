"""The layers of a run in PostGIS, and back: one schema for each edition of a scheme, written in one transaction.

The schema also holds ``couches`` (the layers, with their ISO 19139 record) and ``dictionnaire`` (their columns), from
which the layers are read back. Styles go where QGIS looks for them, the table ``layer_styles`` of the base.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd
import shapely

from sdaasp_geo.errors import OutputError
from sdaasp_geo.french import NBSP
from sdaasp_geo.outputs.layer_model import GEOMETRY, Column, LayerStyle, MapLayer, typed_rows
from sdaasp_geo.outputs.postgis_base import (
    CATALOGUE,
    OWNER,
    exists,
    prepare,
    safe_address,
    statement,
    styles_schema,
    transaction,
)

if TYPE_CHECKING:
    import psycopg

_DICTIONARY, _STYLES = "dictionnaire", "layer_styles"
_NUMBER = "ligne"
_STYLE_DATE = "1970-01-01"  # the oldest: a style that someone makes the default one prevails over ours
_TYPES = {"bool": "boolean", "boolean": "boolean", "int64": "bigint", "Int64": "bigint", "float64": "double precision"}
_READ_TYPES = {"boolean": "boolean", "bigint": "Int64", "double precision": "float64", "text": "str"}
_CREATE_LAYERS = (
    "position integer NOT NULL, nom text PRIMARY KEY, titre text NOT NULL, resume text NOT NULL, "
    "geometrie text NOT NULL, epsg integer NOT NULL, cle text[] NOT NULL, metadonnees text NOT NULL"
)
_CREATE_DICTIONARY = (
    "couche text NOT NULL, position integer NOT NULL, colonne text NOT NULL, libelle text NOT NULL, "
    "unite text NOT NULL, sens text NOT NULL, PRIMARY KEY (couche, colonne)"
)
_CREATE_STYLES = (
    "id serial PRIMARY KEY, f_table_catalog varchar, f_table_schema varchar, f_table_name varchar, "
    "f_geometry_column varchar, stylename text, styleqml xml, stylesld xml, useasdefault boolean, description text, "
    "owner varchar(63) DEFAULT CURRENT_USER, ui xml, update_time timestamp DEFAULT CURRENT_TIMESTAMP, type varchar"
)


@dataclass(frozen=True)
class Written:
    """What was written: address without user nor password, schema, rows by layer, and whether QGIS finds the styles."""

    address: str
    schema: str
    rows: dict[str, int]
    styles_found: bool


def check_base(url: str, *, schema: str) -> str:
    """Check, before a long computation, that the base answers, has PostGIS, and lets the schema be written.

    Returns
    -------
    str
        The address, without user nor password.

    Raises
    ------
    OutputError
        With what to do.
    """
    with transaction(url, schema=schema) as base:
        prepare(base, schema)
        base.rollback()
    return safe_address(url)


def write_postgis(layers: Sequence[MapLayer], url: str, *, schema: str) -> Written:
    """Write layers in a schema, in one transaction: all is there, or nothing changed.

    An earlier run in the same schema is replaced; the rights given on the schema stay, and so does what others put
    in it. If something depends on an earlier table (a view), nothing is replaced and the error says so.

    Parameters
    ----------
    layers : sequence of MapLayer
        Layers and tables; geometry in a CRS with an EPSG code.
    url : str
        ``postgresql://user:password@host:port/base``.
    schema : str
        Lower-case letters, digits and underscores.

    Raises
    ------
    OutputError
        Unreadable address, base that does not answer, without PostGIS or without rights; schema that is not a run.
    """
    with transaction(url, schema=schema) as base:
        prepare(base, schema)
        _drop_former(base, schema)
        for layer in layers:
            _write_layer(base, schema, layer)
        _write_catalogue(base, schema, layers)
        found = _write_styles(base, schema, layers)
        base.commit()
    return Written(safe_address(url), schema, {layer.name: len(layer.rows) for layer in layers}, found)


def read_postgis(url: str, schema: str) -> list[MapLayer]:
    """Read back the layers that `write_postgis` wrote, with their titles, columns, styles and records.

    Raises
    ------
    OutputError
        Base that does not answer, or schema that holds no run.
    """
    with transaction(url, schema=schema) as base:
        if not exists(base, schema, CATALOGUE):
            message = f"Le schéma «{NBSP}{schema}{NBSP}» n'existe pas ou ne contient pas un résultat de sdaasp."
            raise OutputError(message)
        query = "SELECT nom, titre, resume, geometrie, epsg, cle, metadonnees FROM {} ORDER BY position"
        rows = base.execute(statement(query, (schema, CATALOGUE))).fetchall()
        styles = _read_styles(base, schema)
        layers = [_read_layer(base, schema, *row, styles=styles.get(row[0], ())) for row in rows]
        base.rollback()
    return layers


def _drop_former(base: psycopg.Connection[Any], schema: str) -> None:
    """Drop the tables of the earlier run, all together, unless something else depends on them."""
    if not exists(base, schema, CATALOGUE):
        return
    names = [row[0] for row in base.execute(statement("SELECT nom FROM {}", (schema, CATALOGUE))).fetchall()]
    for name in (*names, CATALOGUE, _DICTIONARY):
        base.execute(statement("DROP TABLE IF EXISTS {} RESTRICT", (schema, name)))


def _write_layer(base: psycopg.Connection[Any], schema: str, layer: MapLayer) -> None:
    from psycopg import sql  # noqa: PLC0415 - an optional dependency

    table, rows = sql.Identifier(schema, layer.name), layer.rows
    given = [sql.SQL("{} {}").format(sql.Identifier(one.name), sql.SQL(_type(rows[one.name]))) for one in layer.columns]
    if layer.geometry:
        shape = sql.SQL(f"{{}} geometry({layer.geometry}, {layer.epsg})")
        given.append(shape.format(sql.Identifier(GEOMETRY)))
    if layer.key:
        given.append(sql.SQL("PRIMARY KEY ({})").format(sql.SQL(", ").join(map(sql.Identifier, layer.key))))
    else:
        number = sql.SQL("{} bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY")
        given.insert(0, number.format(sql.Identifier(_NUMBER)))
    base.execute(sql.SQL("CREATE TABLE {} ({})").format(table, sql.SQL(", ").join(given)))
    named = sql.SQL(", ").join(map(sql.Identifier, rows.columns))
    with base.cursor() as cursor, cursor.copy(sql.SQL("COPY {} ({}) FROM STDIN").format(table, named)) as copy:
        for row in _values(layer):
            copy.write_row(row)
    if layer.geometry:
        base.execute(
            statement(
                "CREATE INDEX {} ON {} USING gist ({})", f"{layer.name}_{GEOMETRY}", (schema, layer.name), GEOMETRY
            )
        )
    base.execute(sql.SQL("COMMENT ON TABLE {} IS {}").format(table, sql.Literal(f"{layer.title}. {layer.abstract}")))
    for one in layer.columns:
        column = sql.Identifier(schema, layer.name, one.name)
        base.execute(sql.SQL("COMMENT ON COLUMN {} IS {}").format(column, sql.Literal(one.comment)))
    base.execute(sql.SQL("ANALYZE {}").format(table))


def _type(values: pd.Series) -> str:
    if pd.api.types.is_datetime64_any_dtype(values):
        return "timestamp"
    return _TYPES.get(str(values.dtype), "text")


def _values(layer: MapLayer) -> Iterator[tuple[object, ...]]:
    """Give the rows as the base takes them: missing values as NULL, geometry as EWKB, no null character in texts."""
    columns = []
    for name in layer.rows.columns:
        values = layer.rows[name]
        if name == GEOMETRY:
            shapes = shapely.set_srid(values.to_numpy(), layer.epsg)
            columns.append(shapely.to_wkb(shapes, hex=True, include_srid=True).tolist())
        else:
            plain = values.astype(object).where(values.notna(), None).tolist()
            columns.append([one.replace("\0", "") if isinstance(one, str) else one for one in plain])
    yield from zip(*columns, strict=True)


def _write_catalogue(base: psycopg.Connection[Any], schema: str, layers: Sequence[MapLayer]) -> None:
    base.execute(statement(f"CREATE TABLE {{}} ({_CREATE_LAYERS})", (schema, CATALOGUE)))
    base.execute(statement("COMMENT ON TABLE {} IS 'Couches du schéma et leur fiche ISO 19139'", (schema, CATALOGUE)))
    base.execute(statement(f"CREATE TABLE {{}} ({_CREATE_DICTIONARY})", (schema, _DICTIONARY)))
    base.execute(statement("COMMENT ON TABLE {} IS 'Dictionnaire des données'", (schema, _DICTIONARY)))
    with base.cursor() as cursor:
        cursor.executemany(
            statement("INSERT INTO {} VALUES (%s, %s, %s, %s, %s, %s, %s, %s)", (schema, CATALOGUE)),
            [
                (rank, one.name, one.title, one.abstract, one.geometry, one.epsg, list(one.key), one.metadata)
                for rank, one in enumerate(layers)
            ],
        )
        cursor.executemany(
            statement("INSERT INTO {} VALUES (%s, %s, %s, %s, %s, %s)", (schema, _DICTIONARY)),
            [
                (layer.name, rank, one.name, one.label, one.unit, one.meaning)
                for layer in layers
                for rank, one in enumerate(layer.columns)
            ],
        )


def _write_styles(base: psycopg.Connection[Any], schema: str, layers: Sequence[MapLayer]) -> bool:
    """Write styles where QGIS looks for them; where that is forbidden, beside the layers. Tell which."""
    found = styles_schema(base)
    if found is None:
        allowed = base.execute("SELECT has_schema_privilege('public', 'CREATE')").fetchone()
        home = "public" if allowed and allowed[0] else schema
        base.execute(statement(f"CREATE TABLE IF NOT EXISTS {{}} ({_CREATE_STYLES})", (home, _STYLES)))
    else:
        home = found
    table = (home, _STYLES)
    base.execute(statement("DELETE FROM {} WHERE f_table_schema = %s AND owner = %s", table), (schema, OWNER))
    insert = statement(
        "INSERT INTO {} (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, stylename, styleqml, "
        "stylesld, useasdefault, description, owner, update_time) VALUES (current_database(), %s, %s, %s, %s, "
        "XMLPARSE(DOCUMENT %s), XMLPARSE(DOCUMENT %s), %s, %s, %s, %s)",
        table,
    )
    listed = [
        (
            schema,
            one.name,
            GEOMETRY,
            style.name,
            style.qml,
            style.sld,
            rank == 0,
            style.description,
            OWNER,
            _STYLE_DATE,
        )
        for one in layers
        for rank, style in enumerate(one.styles)
    ]
    with base.cursor() as cursor:
        cursor.executemany(insert, listed)
    return home != schema


def _read_styles(base: psycopg.Connection[Any], schema: str) -> dict[str, tuple[LayerStyle, ...]]:
    home = schema if exists(base, schema, _STYLES) else styles_schema(base)
    if home is None:
        return {}
    query = (
        "SELECT f_table_name, stylename, description, styleqml::text, stylesld::text FROM {} "
        "WHERE f_table_schema = %s AND owner = %s ORDER BY id"
    )
    styles: dict[str, tuple[LayerStyle, ...]] = {}
    for name, *fields in base.execute(statement(query, (home, _STYLES)), (schema, OWNER)).fetchall():
        styles[name] = (*styles.get(name, ()), LayerStyle(*fields))
    return styles


def _read_layer(  # noqa: PLR0913, PLR0917 - the columns of the catalogue
    base: psycopg.Connection[Any],
    schema: str,
    name: str,
    title: str,
    abstract: str,
    geometry: str,
    epsg: int,
    key: list[str],
    metadata: str,
    *,
    styles: tuple[LayerStyle, ...],
) -> MapLayer:
    query = "SELECT colonne, libelle, unite, sens FROM {} WHERE couche = %s ORDER BY position"
    columns = tuple(Column(*row) for row in base.execute(statement(query, (schema, _DICTIONARY)), (name,)).fetchall())
    return MapLayer(
        name=name,
        title=title,
        abstract=abstract,
        geometry=geometry,
        key=tuple(key),
        rows=_read_rows(base, schema, name, columns, epsg),
        columns=columns,
        styles=styles,
        metadata=metadata,
    )


def _read_rows(
    base: psycopg.Connection[Any], schema: str, name: str, columns: Sequence[Column], epsg: int
) -> pd.DataFrame:
    """Read a table in the order it was written, with the types it had."""
    from psycopg import sql  # noqa: PLC0415 - an optional dependency

    kinds = dict(
        base.execute(
            "SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = %s AND table_name = %s",
            (schema, name),
        ).fetchall()
    )
    names = [one.name for one in columns]
    listed = [statement("{}", one) for one in names]
    asked = [*listed, statement("ST_AsBinary({})", GEOMETRY)] if epsg else listed
    table = statement("FROM {} ORDER BY ctid", (schema, name))
    found = base.execute(sql.SQL("SELECT {} {}").format(sql.SQL(", ").join(asked), table)).fetchall()
    values = list(zip(*found, strict=True)) if found else [() for _ in range(len(names) + bool(epsg))]
    rows = pd.DataFrame(
        {
            one: pd.Series(list(given), dtype=_READ_TYPES.get(kinds[one], "datetime64[ms]"))
            for one, given in zip(names, values, strict=False)
        }
    )
    typed = typed_rows(rows)
    if not epsg:
        return typed
    shapes = gpd.GeoSeries(shapely.from_wkb(list(values[-1])), index=typed.index, crs=epsg)
    return gpd.GeoDataFrame(typed.assign(**{GEOMETRY: shapes}), geometry=GEOMETRY, crs=epsg)
