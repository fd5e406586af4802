"""Files made to harm: no reader reads another file, calls an address or fills the memory; each says what to do."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pandas as pd
import pyogrio
import pytest
from hostile_layers import (
    HIDDEN,
    archives,
    geopackages,
    hostile_systems,
    linked_shapefile,
    misplaced,
    office_files,
    related_files,
    secret,
    texts,
)

from sdaasp_geo.errors import InputError, SdaaspError
from sdaasp_geo.local_paths import not_local
from sdaasp_geo.road_speeds import read_road_parameters
from sdaasp_geo.sources import limits, vector_files
from sdaasp_geo.sources.action_sheets import read_action_sheets
from sdaasp_geo.sources.action_tables import read_action_table
from sdaasp_geo.sources.apl import read_apl
from sdaasp_geo.sources.boundaries import filtered_records, layer_schemas, read_boundaries
from sdaasp_geo.sources.cells import read_cells
from sdaasp_geo.sources.delimited import read_delimited
from sdaasp_geo.sources.minutes import read_minutes
from sdaasp_geo.sources.osm_roads import read_osm_roads
from sdaasp_geo.sources.road_layers import find_mapping, read_mappings
from sdaasp_geo.sources.services import read_offer
from sdaasp_geo.sources.vector_files import load_layer, optional_fiona

FRANCE = (-6.0, 41.0, 10.0, 52.0)
SUFFIXES = (".geojson", ".json", ".gpkg", ".shp", ".zip", ".parquet")


@pytest.fixture(scope="module")
def calls() -> Iterator[tuple[str, list[bytes]]]:
    """Address of a socket that listens on loopback, and what it was asked."""
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def listen() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    asked.append(connection.recv(200))
                    connection.sendall(b"HTTP/1.0 404 Not Found\r\n\r\n")

        threading.Thread(target=listen, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/", asked


@pytest.fixture
def sentinel(tmp_path: Path) -> Iterator[tuple[str, list[str]]]:
    """Path of a file, and how often it was opened: a named pipe, whose other end waits for a reader."""
    if not hasattr(os, "mkfifo"):
        pytest.skip("no named pipes here: whether PROJ opens another file was not looked at")
    path = tmp_path / "grid.gsb"
    os.mkfifo(path)
    opened: list[str] = []
    over = threading.Event()

    def wait() -> None:
        while not over.is_set():
            with path.open("wb"):
                opened.append(path.name)
            over.wait(0.05)

    waiting = threading.Thread(target=wait, daemon=True)
    waiting.start()
    yield str(path), opened
    over.set()
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK)):
        waiting.join(5)


def with_network(code: str, arguments: list[str]) -> str:
    """Return what a program of its own prints, PROJ allowed to use the network; this one listens meanwhile."""
    support = Path(__file__).resolve().parent.parent / "support"
    python = [sys.executable, "-W", "ignore", "-c", code, *arguments]
    known = os.environ | {"PROJ_NETWORK": "ON", "PYTHONPATH": str(support), "PYTHONIOENCODING": "utf-8"}
    said = subprocess.run(python, check=True, capture_output=True, encoding="utf-8", timeout=120, env=known)  # noqa: S603
    return said.stdout


def answers(path: Path, *, fiona: object) -> list[str]:
    """Return everything that the readers of layers say of a file, errors included."""
    said = []
    readers = [
        lambda: load_layer(path, layer="", setting="x", fiona=fiona).to_csv(),
        lambda: load_layer(path, layer="z", setting="x", fiona=fiona).to_csv(),
        lambda: read_boundaries(path).to_csv(),
        lambda: repr(layer_schemas(path)),
        lambda: str(filtered_records(path, bbox=(-180, -90, 180, 90))),
    ]
    for read in readers:
        try:
            said.append(read())
        except SdaaspError as error:
            said.append(str(error))
    return said


def hostile(folder: Path, address: str) -> list[Path]:
    """Write every hostile layer; texts take every name that a layer may have."""
    paths = [*geopackages(folder, address), *archives(folder, address), linked_shapefile(folder)]
    for number, content in enumerate(texts(folder, address).values()):
        for suffix in SUFFIXES:
            paths.append(folder / f"text{number}{suffix}")
            paths[-1].write_text(content, encoding="utf-8")
    return paths


@pytest.mark.parametrize("fiona", ["with fiona", "without fiona"])
def test_a_hostile_layer_reads_no_other_file_and_calls_nothing(
    fiona: str, tmp_path: Path, calls: tuple[str, list[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, asked = calls
    gate = optional_fiona() if fiona == "with fiona" else None
    monkeypatch.setattr("sdaasp_geo.sources.boundaries._fiona", lambda: gate)
    secret(tmp_path)
    paths = hostile(tmp_path, address)
    assert len(paths) > 100
    leaks = [path.name for path in paths if any(HIDDEN in text for text in answers(path, fiona=gate))]
    assert leaks == []
    assert asked == []


READ_ALL = """
import sys
from pathlib import Path
from sdaasp_geo.errors import InputError
from sdaasp_geo.sources.boundaries import filtered_records, layer_schemas, read_boundaries
from sdaasp_geo.sources.service_layers import read_service_layer
from sdaasp_geo.sources.vector_files import load_layer, optional_fiona

for path in map(Path, sys.argv[2:]):
    fiona = optional_fiona() if sys.argv[1] == "with fiona" else None
    for read in (
        read_service_layer,
        read_boundaries,
        lambda path: load_layer(path, layer="", setting="x", fiona=fiona).to_crs("EPSG:2154"),
    ):
        try:
            read(path)
            print("read", path)
        except InputError as error:
            (fault,) = error.faults
            print("refused", fault.file == path.name, "système de coordonnées" in str(error), fault.remedy != "")
    for read in (layer_schemas, lambda path: filtered_records(path, bbox=(-180, -90, 180, 90))):
        try:
            read(path)
        except InputError:
            pass
"""


@pytest.mark.parametrize("fiona", ["with fiona", "without fiona"])
def test_a_coordinate_system_reads_no_other_file_and_calls_nothing(
    fiona: str, tmp_path: Path, calls: tuple[str, list[bytes]], sentinel: tuple[str, list[str]]
) -> None:
    address, asked = calls
    grid, opened = sentinel
    paths = [*misplaced(tmp_path / "file", grid), *misplaced(tmp_path / "network", f"{address}g.gsb")]
    assert len(paths) == 2 * (7 + 6 + 14)
    said = with_network(READ_ALL, [fiona, *map(str, paths)]).splitlines()
    assert set(said) == {"refused True True True"}
    assert len(said) == 3 * len(paths)
    assert opened == []
    assert asked == []


@pytest.mark.parametrize("kind", ["text", "section", "identifier", "bound", "derived", "method"])
def test_the_threats_of_coordinate_systems_are_real(
    kind: str, calls: tuple[str, list[bytes]], sentinel: tuple[str, list[str]]
) -> None:
    """Without the gates, PROJ opens the file and calls the address: the test above can fail."""
    address, asked = calls
    grid, opened = sentinel
    convert = (
        "import pyproj, sys\nfor text in sys.argv[1:]:\n try: pyproj.Transformer.from_crs(text, 4326).transform(1, 1)"
    )
    texts = [hostile_systems(source)[kind] for source in (grid, f"{address}g.gsb")]
    if kind == "identifier":  # what pyogrio makes of it
        texts = [f"EPSG:a +init={source}:a" for source in (grid, f"{address}g.gsb")]
    with_network(f"{convert}\n except pyproj.exceptions.ProjError: pass", texts)
    assert opened
    assert asked
    asked.clear()


def test_the_threats_are_real(tmp_path: Path, calls: tuple[str, list[bytes]]) -> None:
    """Without the gates, GDAL reads the other file and calls the address: the test above can fail."""
    address, asked = calls
    secret(tmp_path)
    contents = texts(tmp_path, address)
    path = tmp_path / "a.geojson"
    path.write_text(contents["vrt"], encoding="utf-8")
    assert HIDDEN in pyogrio.read_dataframe(path).to_csv()
    path.write_text(contents["crs by link"], encoding="utf-8")
    pyogrio.read_info(path)
    assert asked
    asked.clear()


def test_a_file_that_changes_after_the_gates_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret(tmp_path)
    path = linked_shapefile(tmp_path).with_name("a.geojson")
    path.write_text(texts(tmp_path, "http://127.0.0.1:9/")["crs by link"].replace('"link"', '"x"'), encoding="utf-8")
    good = tmp_path / "good.geojson"
    good.write_text('{"type": "FeatureCollection", "features": []}', encoding="utf-8")
    opened: list[str] = []

    def swap(source: object, **_options: object) -> None:
        opened.append(str(getattr(source, "path", "")))
        good.write_text(texts(tmp_path, "")["vrt"], encoding="utf-8")

    monkeypatch.setattr(vector_files, "read_checked", swap)
    load_layer(good, layer="", setting="x", fiona=None)
    assert opened
    assert str(tmp_path) not in opened[0]


def test_office_files_with_entities_are_refused(tmp_path: Path, calls: tuple[str, list[bytes]]) -> None:
    address, asked = calls
    secret(tmp_path)
    paths = office_files(tmp_path, address)
    assert len(paths) == 9
    for path in paths:
        read = read_action_sheets if path.suffix in (".docx", ".odt") else read_action_table
        with pytest.raises(InputError) as caught:
            read(path)
        assert HIDDEN not in str(caught.value)
        if path.suffix == ".xlsx":
            with pytest.raises(InputError):
                read_apl(path)
    assert asked == []


def test_relations_to_addresses_are_not_followed(tmp_path: Path, calls: tuple[str, list[bytes]]) -> None:
    address, asked = calls
    table, document = related_files(tmp_path, address)
    assert len(read_action_table(table)[0]) == 1
    assert len(read_action_sheets(document)) == 1
    assert asked == []


READERS = {
    "layer": (partial(load_layer, layer="", setting="x", fiona=optional_fiona()), ".gpkg"),
    "services": (read_offer, ".csv"),
    "cells": (lambda path: read_cells(path, bounds=FRANCE, crs="EPSG:2154"), ".csv"),
    "minutes": (read_minutes, ".csv"),
    "minutes in Parquet": (read_minutes, ".parquet"),
    "plan": (read_action_table, ".xlsx"),
    "sheets": (read_action_sheets, ".txt"),
    "roads": (lambda path: find_mapping(path, mappings=read_mappings()), ".shp"),
    "extract": (lambda path: read_osm_roads(path, speeds=read_road_parameters()), ".osm.pbf"),
    "apl": (read_apl, ".csv"),
}
ELSEWHERE = [
    *("/vsicurl/http://127.0.0.1:9/a", "/vsizip//vsicurl/http://127.0.0.1:9/a.zip/a", "/vsimem/a", "/vsis3/b/a"),
    *(
        "http://127.0.0.1:9/a",
        "https://example.org/a",
        "file:///etc/a",
        "s3://b/a",
        "//server/share/a",
        "\\\\server\\a",
    ),
    *(
        "PG:dbname=a",
        "MYSQL:a",
        "WFS:http://127.0.0.1:9/a",
        "CSV:/etc/a",
        "GeoJSON:/etc/a",
        "WMS:a",
        "<OGRVRTDataSource>",
    ),
]


@pytest.mark.parametrize("name", ELSEWHERE)
def test_what_is_not_a_local_path_is_refused_by_name(name: str) -> None:
    assert not_local(name)
    for read, suffix in READERS.values():
        with pytest.raises(InputError, match=r"rien n'est lu sur le réseau") as caught:
            read(Path(f"{name}{suffix}"))
        assert len(caught.value.faults) == 1


@pytest.mark.parametrize(
    "name",
    ["a.csv", "../a.csv", "./x/a.csv", "/srv/a.csv", "C:\\sig\\a.gpkg", "c:/a", "12:30.csv", "éà (2).csv", "vsi.csv"],
)
def test_local_paths_are_accepted(name: str) -> None:
    assert not_local(name) == ""


def test_an_address_joined_to_a_folder_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="adresse"):
        read_delimited(tmp_path / "http://127.0.0.1:9/a.csv")


def test_a_path_that_leaves_the_folder_is_the_users_choice(tmp_path: Path) -> None:
    (tmp_path / "schema").mkdir()
    (tmp_path / "a.csv").write_text("a;b\n1;2\n", encoding="utf-8")
    assert read_delimited(tmp_path / "schema" / ".." / "a.csv").to_numpy().tolist() == [["1", "2"]]


@pytest.mark.parametrize("reader", READERS)
def test_every_reader_has_a_limit_of_size_with_one_override(
    reader: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, suffix = READERS[reader]
    path = tmp_path / f"a{suffix}"
    path.write_bytes(b"x" * 1_000_001)
    monkeypatch.setenv(limits.OVERRIDE, "1")
    with pytest.raises(InputError, match=limits.OVERRIDE):
        read(path)
    monkeypatch.setenv(limits.OVERRIDE, "2")
    with pytest.raises(InputError) as caught:
        read(path)
    assert limits.OVERRIDE not in str(caught.value)
    monkeypatch.setenv(limits.OVERRIDE, "beaucoup")
    with pytest.raises(InputError, match="nombre de mégaoctets"):
        read(path)


@pytest.mark.parametrize("reader", READERS)
def test_every_reader_refuses_a_folder_and_an_absent_file(reader: str, tmp_path: Path) -> None:
    read, suffix = READERS[reader]
    folder = tmp_path / f"a{suffix}"
    with pytest.raises(InputError, match="existant"):
        read(folder)
    folder.mkdir()
    with pytest.raises(InputError, match="existant"):
        read(folder)


@pytest.mark.parametrize("suffix", [".xlsx", ".ods", ".docx", ".odt", ".zip"])
def test_every_archive_that_unpacks_into_too_much_is_refused(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"bombe{suffix}"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("content.xml", b" " * 60_000_000)
    readers = {".zip": READERS["layer"][0], ".docx": read_action_sheets, ".odt": read_action_sheets}
    with pytest.raises(InputError):
        readers.get(suffix, read_action_table)(path)
    if suffix == ".xlsx":
        with pytest.raises(InputError):
            read_apl(path)


def test_a_small_parquet_of_many_rows_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.parquet"
    table = pd.DataFrame({"origin": ["65001"] * 100_000, "destination": "x", "minutes": 1.0})
    table.to_parquet(path)
    assert path.stat().st_size < 10_000
    monkeypatch.setattr(limits, "MOST_VALUES", 299_999)
    with pytest.raises(InputError, match=limits.OVERRIDE):
        read_minutes(path)


def test_what_qgis_has_not_yet_written_into_a_geopackage_is_read(tmp_path: Path) -> None:
    path = secret(tmp_path)
    with closing(sqlite3.connect(path)) as editor:
        editor.execute("PRAGMA journal_mode = WAL")
        triggers = editor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for (name,) in triggers:
            editor.execute(f'DROP TRIGGER "{name}"')
        editor.execute("UPDATE secret SET nom = 'corrigé'")
        editor.commit()
        assert (tmp_path / "secret.gpkg-wal").stat().st_size
        frame = load_layer(path, layer="", setting="x", fiona=optional_fiona())
    assert frame["nom"].tolist() == ["corrigé"]
