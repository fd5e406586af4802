"""The private copy of a layer: whole transactions only, nothing left beside the user's file, nothing read twice."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import geopandas as gpd
import pyogrio
import pyproj
import pyproj.network
import pytest
import shapely
from hostile_layers import declare

from sdaasp_geo.errors import InputError
from sdaasp_geo.sources import limits, vector_gates
from sdaasp_geo.sources.boundaries import layer_schemas, read_boundaries
from sdaasp_geo.sources.service_layers import read_service_layer
from sdaasp_geo.sources.vector_crs import check_declared, check_usable
from sdaasp_geo.sources.vector_files import checked, load_layer, optional_fiona, read_checked

ROWS = 2000


def places(path: Path) -> Path:
    points = gpd.points_from_xy([0.1] * ROWS, [43.1] * ROWS)
    pyogrio.write_dataframe(gpd.GeoDataFrame({"nom": ["avant" * 20] * ROWS}, geometry=points, crs=4326), path)
    return path


def names(path: Path) -> set[str]:
    return set(load_layer(path, layer="", setting="x", fiona=optional_fiona())["nom"].str[:5])


def around(path: Path) -> list[tuple[str, int]]:
    return sorted((one.name, one.stat().st_size) for one in path.parent.iterdir())


@contextmanager
def editor(path: Path, *, mode: str) -> Iterator[sqlite3.Connection]:
    """Open a GeoPackage as a program that changes it would."""
    with closing(sqlite3.connect(path, isolation_level=None)) as base:
        base.execute(f"PRAGMA journal_mode = {mode}")
        for (name,) in base.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            base.execute(f'DROP TRIGGER "{name}"')
        yield base


def refused(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        names(path)
    (fault,) = caught.value.faults
    assert fault.file == path.name
    return fault.remedy


def test_a_geopackage_half_written_is_refused(tmp_path: Path) -> None:
    path = places(tmp_path / "a.gpkg")
    with editor(path, mode="DELETE") as base:
        base.execute("PRAGMA cache_size = 10")
        base.execute("BEGIN")
        base.execute("UPDATE a SET nom = 'apres' || nom WHERE fid > 100")
        for end in ("", "-journal"):
            shutil.copyfile(f"{path}{end}", tmp_path / f"arrete.gpkg{end}")
        base.execute("ROLLBACK")
    broken = tmp_path / "arrete.gpkg"
    linked = tmp_path / "lien.gpkg"
    linked.symlink_to(broken)
    before = around(broken)
    assert "Fermez le programme" in refused(broken)
    assert "Fermez le programme" in refused(linked)
    assert around(broken) == before
    with closing(sqlite3.connect(broken)) as base:
        base.execute("SELECT count(*) FROM a").fetchone()
    assert names(broken) == {"avant"}


def test_a_journal_that_is_over_keeps_nothing_from_being_read(tmp_path: Path) -> None:
    path = places(tmp_path / "a.gpkg")
    with editor(path, mode="PERSIST") as base:
        base.execute("UPDATE a SET nom = 'apres'")
    assert (tmp_path / "a.gpkg-journal").stat().st_size
    assert names(path) == {"apres"}


def test_a_locked_geopackage_is_refused_and_does_not_hang(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vector_gates, "_WAIT_S", 0.05)
    path = places(tmp_path / "a.gpkg")
    with editor(path, mode="DELETE") as base:
        base.execute("BEGIN EXCLUSIVE")
        assert "Fermez le programme" in refused(path)
        base.execute("ROLLBACK")
        base.execute("BEGIN IMMEDIATE")
        assert names(path) == {"avant"}
        base.execute("ROLLBACK")


def test_what_waits_beside_a_geopackage_is_read_through_a_link_too(tmp_path: Path) -> None:
    path = places(tmp_path / "a.gpkg")
    linked = tmp_path / "ailleurs" / "lien.gpkg"
    linked.parent.mkdir()
    linked.symlink_to(path)
    with editor(path, mode="WAL") as base:
        base.execute("UPDATE a SET nom = 'apres'")
        assert (tmp_path / "a.gpkg-wal").stat().st_size
        assert names(path) == names(linked) == {"apres"}


def test_what_waits_beside_a_geopackage_has_a_limit_of_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = places(tmp_path / "a.gpkg")
    with editor(path, mode="WAL") as base:
        base.execute("PRAGMA wal_autocheckpoint = 0")
        for word in ("un", "deux", "trois", "avant"):
            base.execute("UPDATE a SET nom = ? || nom", (word,))
        assert path.stat().st_size < 1_000_000 < (tmp_path / "a.gpkg-wal").stat().st_size
        monkeypatch.setenv(limits.OVERRIDE, "1")
        assert limits.OVERRIDE in refused(path)


def test_reading_a_geopackage_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = places(tmp_path / "a.gpkg")
    with editor(path, mode="WAL") as base:
        base.execute("UPDATE a SET nom = 'apres'")
    assert path.read_bytes()[18:20] == b"\x02\x02"
    before = path.read_bytes()
    assert names(path) == {"apres"}
    assert [one.name for one in tmp_path.iterdir()] == ["a.gpkg"]
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"\0" * 100, b"\0" * 84 + b"\x10" * 3000])
def test_what_is_no_sqlite_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    path.write_bytes(b"SQLite format 3\x00" + content)
    assert "GeoPackage" in refused(path)


def test_a_geoparquet_is_read_from_its_copy(tmp_path: Path) -> None:
    path = tmp_path / "données #1.parquet"
    points = gpd.points_from_xy([0.1], [43.1])
    gpd.GeoDataFrame({"nom": ["avant"]}, geometry=points, crs=4326).to_parquet(path)
    assert list(layer_schemas(path)) == ["données #1"]
    with checked(path, fiona=None) as source:
        assert tmp_path not in source.path.parents
        path.write_bytes(b"PAR1")
        frame = read_checked(source, layer="", setting="x")
    assert frame["nom"].tolist() == ["avant"]
    with pytest.raises(InputError, match="données #1"):
        load_layer(path, layer="", setting="x", fiona=None)


CODES = ["EPSG:4326", "EPSG:2154", "EPSG:3857", "EPSG:27572", "EPSG:4171", "EPSG:9794", "EPSG:5698", "EPSG:3946"]


@pytest.mark.parametrize("code", [*CODES, "EPSG:5490", "EPSG:2972", "EPSG:2975", "EPSG:4471", "IGNF:RGF93LAMB93"])
def test_published_coordinate_systems_are_accepted(code: str) -> None:
    crs = pyproj.CRS.from_user_input(code)
    for declared in (None, code, crs.to_wkt(), crs.to_wkt("WKT1_GDAL"), crs.to_json_dict()):
        check_declared(declared, file="a.gpkg")
    check_usable(crs, file="a.gpkg")


def test_proj_may_not_use_the_network_once_a_layer_is_read(tmp_path: Path) -> None:
    pyproj.network.set_network_enabled(active=True)  # type: ignore[attr-defined]
    assert names(places(tmp_path / "a.gpkg")) == {"avant"}
    assert not pyproj.network.is_network_enabled()  # type: ignore[attr-defined]


SEVEN = 'PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433]]'


def test_seven_figures_towards_wgs_84_are_accepted(tmp_path: Path) -> None:
    path = places(tmp_path / "a.gpkg")
    declare(path, f'GEOGCS["x",DATUM["d",SPHEROID["s",6378249.2,293.46],TOWGS84[-168,-60,320,0,0,0,0]],{SEVEN}')
    moved = read_service_layer(path)
    assert set(moved["lat"]) != {"43.1000000"}
    assert moved["lat"].astype("float").to_numpy() == pytest.approx(43.1, abs=0.01)


@pytest.mark.parametrize("suffix", [".gpkg", ".parquet"])
def test_a_coordinate_system_without_place_on_the_earth_is_refused(suffix: str, tmp_path: Path) -> None:
    text = 'LOCAL_CS["chantier",UNIT["metre",1],AXIS["x",EAST],AXIS["y",NORTH]]'
    path = tmp_path / f"a{suffix}"
    frame = gpd.GeoDataFrame({"nom": ["a"]}, geometry=[shapely.Point(0, 0)], crs=4326)
    if suffix == ".gpkg":
        pyogrio.write_dataframe(frame, path)
        declare(path, text)
    else:
        frame.set_crs(text, allow_override=True).to_parquet(path)
    assert "EPSG" in refused(path)


def test_columns_of_bytes_of_a_geoparquet_are_text_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "contours.parquet"
    frame = gpd.GeoDataFrame({"code": [b"65440"], "nom": ["Tarbes"]}, geometry=[shapely.box(0, 0, 1, 1)], crs=2154)
    frame.to_parquet(path)
    assert read_boundaries(path)["code"].tolist() == ["65440"]
    frame.assign(nom=[b"\xff"]).to_parquet(path)
    with pytest.raises(InputError) as caught:
        read_boundaries(path)
    assert [(fault.column, fault.expected) for fault in caught.value.faults] == [("nom", "du texte en UTF-8")]


def test_numbers_of_rows_that_lie_reserve_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "lieux.gpkg"
    frame = gpd.GeoDataFrame({"id": ["a"]}, geometry=[shapely.Point(0, 0)], crs=2154)
    frame.to_file(path, layer="lieux")
    with closing(sqlite3.connect(path)) as base:
        base.execute("UPDATE gpkg_ogr_contents SET feature_count = 60000000000000")
        base.commit()
    assert read_service_layer(path)["id"].tolist() == ["a"]
