"""PostGIS: on a real server, the layers go in whole and come back the same; a refusal changes nothing."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator
from pathlib import Path

import geopandas as gpd
import pandas as pd
import postgres
import pytest
from click.testing import CliRunner
from geopandas.testing import assert_geodataframe_equal
from hypothesis import given
from hypothesis import strategies as st
from shapely import Point

from sdaasp_geo.cli_database import database
from sdaasp_geo.errors import OutputError
from sdaasp_geo.outputs.geopackage import build_layers, write_geopackage
from sdaasp_geo.outputs.layer_model import Column, MapLayer
from sdaasp_geo.outputs.postgis import check_base, read_postgis, write_postgis
from sdaasp_geo.outputs.postgis_base import safe_address, schema_name
from sdaasp_geo.study import Diagnosis, Measures, Study

psycopg = pytest.importorskip("psycopg", reason="the extra « postgis » is not installed")
SCHEMA = "sdaasp_hautes_pyrenees_2026_11_22"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with postgres.server() as address:
        yield address


@pytest.fixture(scope="module")
def layers(study_65: Study, measures_65: Measures, diagnosis_65: Diagnosis) -> list[MapLayer]:
    return build_layers(study_65, dataclasses.replace(measures_65, diagnosis=diagnosis_65))


@pytest.fixture(scope="module")
def small() -> MapLayer:
    """Two points, with every type, what is missing, and text that is not a name."""
    rows = gpd.GeoDataFrame(
        {
            "id": ["1", "2"],
            "texte": pd.Series(["'; DROP TABLE x; --\t\\N\n", None], dtype="str"),
            "oui": pd.Series([True, None], dtype="boolean"),
            "nombre": pd.Series([2**40, None], dtype="Int64"),
            "part": [0.1, float("nan")],
            "jour": pd.to_datetime(pd.Series(["2026-11-22", None])).astype("datetime64[ms]"),
        },
        geometry=gpd.GeoSeries([Point(1, 2), None], name="geom", crs=2154),
    ).rename_geometry("geom")
    columns = tuple(Column(name, f"Le « {name} »", "min", "l'essai") for name in rows.columns if name != "geom")
    return MapLayer("essai", "Essai", "Deux points", "Point", ("id",), rows, columns)


def ask(url: str, query: str, *values: object) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as base:
        return base.execute(query, values).fetchall()


def order(url: str, statement: str) -> None:
    with psycopg.connect(url) as base:
        base.execute(statement)


def test_layers_come_back_as_they_went(url: str, layers: list[MapLayer], study_65: Study, tmp_path: Path) -> None:
    assert schema_name(study_65.scheme) == SCHEMA
    for _run in range(2):  # the second replaces the first
        written = write_postgis(layers, url, schema=SCHEMA)
    assert written.rows == {layer.name: len(layer.rows) for layer in layers}
    assert written.styles_found
    back = read_postgis(url, SCHEMA)
    for sent, read in zip(layers, back, strict=True):
        same = assert_geodataframe_equal if sent.geometry else pd.testing.assert_frame_equal
        same(sent.rows, read.rows)
        for field in dataclasses.fields(MapLayer):
            if field.name != "rows":
                assert getattr(sent, field.name) == getattr(read, field.name), (sent.name, field.name)
    direct = write_geopackage(layers, tmp_path / "direct.gpkg").read_bytes()
    assert write_geopackage(back, tmp_path / "back.gpkg").read_bytes() == direct


def test_tables_have_keys_indexes_crs_and_comments(url: str, layers: list[MapLayer]) -> None:
    write_postgis(layers, url, schema=SCHEMA)
    for layer in layers:
        table = f"{SCHEMA}.{layer.name}"
        kinds = ask(url, "SELECT type, srid FROM geometry_columns WHERE f_table_name = %s", layer.name)
        indexes = ask(
            url, "SELECT indexdef FROM pg_indexes WHERE tablename = %s AND indexdef LIKE '%%gist%%'", layer.name
        )
        keys = ask(url, "SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'p'", table)
        assert kinds == ([(layer.geometry.upper(), 2154)] if layer.geometry else [])
        assert len(indexes) == bool(layer.geometry)
        assert len(keys) == 1
        assert ask(url, "SELECT obj_description(%s::regclass)", table) == [(f"{layer.title}. {layer.abstract}",)]
        found = ask(
            url,
            "SELECT attname, col_description(attrelid, attnum) FROM pg_attribute "
            "WHERE attrelid = %s::regclass AND attnum > 0 AND attname NOT IN ('geom', 'ligne')",
            table,
        )
        assert found == [(one.name, one.comment) for one in layer.columns]
    time = next(one for one in layers if one.name == "communes").columns
    comment = next(one.comment for one in time if one.name == "temps_min")
    assert "(min)" in comment


def test_styles_are_where_qgis_looks_for_them(url: str, layers: list[MapLayer]) -> None:
    write_postgis(layers, url, schema=SCHEMA)
    query = (
        "SELECT stylename FROM layer_styles WHERE f_table_catalog = current_database() AND f_table_schema = %s "
        "AND f_table_name = %s AND f_geometry_column = 'geom' AND useasdefault"
    )
    assert ask(url, query, SCHEMA, "communes") == [("Accès",)]
    with psycopg.connect(url) as base:
        mine = "INSERT INTO layer_styles (f_table_schema, f_table_name, stylename) VALUES (%s, 'epci', 'le mien')"
        base.execute(mine, (SCHEMA,))
    write_postgis(layers, url, schema=SCHEMA)
    kept = ask(url, "SELECT stylename FROM layer_styles WHERE f_table_name = 'epci' ORDER BY id")
    assert set(kept) == {("Contours",), ("le mien",)}


def test_every_type_and_hostile_text_come_back(url: str, small: MapLayer) -> None:
    write_postgis([small], url, schema="sdaasp_types")
    read = read_postgis(url, "sdaasp_types")[0]
    assert_geodataframe_equal(read.rows, small.rows)
    assert read.columns == small.columns


def test_a_failure_leaves_the_earlier_run(url: str, small: MapLayer) -> None:
    write_postgis([small], url, schema="sdaasp_echec")
    twice = dataclasses.replace(small, name="double", rows=pd.concat([small.rows, small.rows]))
    with pytest.raises(OutputError, match="rien n'y a été changé"):
        write_postgis([dataclasses.replace(small, title="Autre"), twice], url, schema="sdaasp_echec")
    assert [layer.title for layer in read_postgis(url, "sdaasp_echec")] == ["Essai"]
    assert ask(url, "SELECT to_regclass('sdaasp_echec.double')") == [(None,)]


def test_rights_and_tables_of_others_survive_and_a_view_stops_the_replacement(url: str, small: MapLayer) -> None:
    write_postgis([small], url, schema="sdaasp_droits")
    order(url, "CREATE ROLE lecteur; GRANT USAGE ON SCHEMA sdaasp_droits TO lecteur")
    order(url, "ALTER DEFAULT PRIVILEGES IN SCHEMA sdaasp_droits GRANT SELECT ON TABLES TO lecteur")
    order(url, "CREATE TABLE sdaasp_droits.a_moi (x int)")
    write_postgis([small], url, schema="sdaasp_droits")
    readable = "SELECT has_schema_privilege('lecteur', 'sdaasp_droits', 'USAGE'), "
    assert ask(url, readable + "has_table_privilege('lecteur', 'sdaasp_droits.essai', 'SELECT')") == [(True, True)]
    assert ask(url, "SELECT count(*) FROM sdaasp_droits.a_moi") == [(0,)]
    order(url, "CREATE VIEW sdaasp_droits.vue AS SELECT * FROM sdaasp_droits.essai")
    with pytest.raises(OutputError, match="dépendent des tables du schéma sdaasp_droits"):
        write_postgis([small], url, schema="sdaasp_droits")
    assert ask(url, "SELECT count(*) FROM sdaasp_droits.vue") == [(2,)]


def test_a_schema_of_others_is_not_touched(url: str, small: MapLayer) -> None:
    order(url, "CREATE SCHEMA cadastre; CREATE TABLE cadastre.parcelles (x int)")
    for act in (lambda: check_base(url, schema="cadastre"), lambda: write_postgis([small], url, schema="cadastre")):
        with pytest.raises(OutputError, match="n'est pas un résultat de sdaasp"):
            act()
    assert ask(url, "SELECT tablename FROM pg_tables WHERE schemaname = 'cadastre'") == [("parcelles",)]
    with pytest.raises(OutputError, match="ne contient pas un résultat"):
        read_postgis(url, "cadastre")


def test_who_may_not_write_is_told_so(url: str, small: MapLayer) -> None:
    order(url, "CREATE ROLE visiteur LOGIN PASSWORD 'visite'; REVOKE CREATE ON DATABASE postgres FROM PUBLIC")
    visitor = url.replace(f"{postgres.USER}:{postgres.PASSWORD}", "visiteur:visite")
    with pytest.raises(OutputError, match="n'a pas le droit d'écrire"):
        write_postgis([small], visitor, schema="sdaasp_visite")


def test_without_rights_on_public_styles_stay_beside_the_layers(url: str, layers: list[MapLayer]) -> None:
    with psycopg.connect(url, autocommit=True) as base:
        base.execute("CREATE DATABASE sig")
        base.execute("CREATE ROLE geomaticien LOGIN PASSWORD 'carte'")
        base.execute("GRANT CREATE ON DATABASE sig TO geomaticien")
    owner = url.replace("/postgres?", "/sig?")
    own = owner.replace(f"{postgres.USER}:{postgres.PASSWORD}", "geomaticien:carte")
    with pytest.raises(OutputError, match="CREATE EXTENSION postgis"):
        check_base(own, schema=SCHEMA)
    order(owner, "CREATE EXTENSION postgis")
    assert check_base(own, schema=SCHEMA).endswith("/sig")
    epci = [layer for layer in layers if layer.name == "epci"]
    for _run in range(2):
        assert not write_postgis(epci, own, schema=SCHEMA).styles_found
    assert read_postgis(own, SCHEMA)[0].styles == epci[0].styles


def test_a_password_is_never_said(url: str, small: MapLayer) -> None:
    wrong = url.replace(postgres.PASSWORD, "s3cret-faux")
    unreadable = "postgresql://moi:s3cret/avec@arobase@nulle-part.invalid/sig"
    bad_port = "postgresql://moi:s3cret@localhost:port/sig"
    option = "postgresql://localhost/sig?password=s3cret&sslmode=s3cret"
    for address in (wrong, unreadable, bad_port, option, "mysql://moi:s3cret@serveur/sig"):
        with pytest.raises(OutputError) as caught:
            write_postgis([small], address, schema="sdaasp_secret")
        shown = str(caught.value) + repr(caught.value.__cause__)
        assert "s3cret" not in shown
        assert "arobase" not in shown


@given(st.text(min_size=1, max_size=12))
def test_no_password_shows_in_an_address(secret: str) -> None:
    """Whatever the characters, written as they are: the address shows the server and the base, or nothing."""
    shown = safe_address(f"postgresql://moi:XX{secret}XX@serveur:5433/sig")
    assert shown in {"", "serveur:5433/sig"}


@pytest.mark.parametrize("name", ["public", "pg_catalog", "Majuscule", "a b", 'x"; DROP', "", "x" * 64, "tiger"])
def test_a_schema_name_is_checked_before_anything(name: str, small: MapLayer) -> None:
    with pytest.raises(OutputError, match="n'est pas un nom de schéma"):
        write_postgis([small], "postgresql://nulle-part.invalid/sig", schema=name)


def test_without_the_extra_the_error_says_what_to_install(small: MapLayer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(OutputError, match=r"pip install 'sdaasp_geo\[postgis\]'"):
        write_postgis([small], "postgresql://serveur/sig", schema="sdaasp_essai")


def test_the_command_brings_layers_back_once(url: str, layers: list[MapLayer], tmp_path: Path) -> None:
    write_postgis(layers, url, schema=SCHEMA)
    arguments = ["fetch", url, "--schema", SCHEMA, "--out", str(tmp_path / "sig.gpkg")]
    done = CliRunner().invoke(database, arguments)
    assert done.exit_code == 0, done.output
    assert len(gpd.read_file(tmp_path / "sig.gpkg", layer="communes")) == 2902
    again = CliRunner().invoke(database, arguments)
    assert isinstance(again.exception, OutputError)
    assert "rien n'a été écrit" in str(again.exception)
