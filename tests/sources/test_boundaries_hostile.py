"""Files that are not what their name says: disguised, cut, packed to harm; none is read, none reads another."""

from __future__ import annotations

import json
import struct
import zipfile
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyogrio
import pytest
import shapely

from sdaasp_geo.errors import Fault, InputError
from sdaasp_geo.sources import boundaries
from sdaasp_geo.sources.boundaries import filtered_records, layer_schemas, read_boundaries

SAMPLE = gpd.GeoDataFrame(
    {"code": ["65001"], "nom": ["A"]},
    geometry=[shapely.MultiPolygon([shapely.box(460_000, 6_240_000, 461_000, 6_241_000)])],
    crs="EPSG:2154",
)


def read(path: Path) -> gpd.GeoDataFrame:
    return read_boundaries(path)


def faults_of(path: Path) -> tuple[Fault, ...]:
    with pytest.raises(InputError) as caught:
        read(path)
    assert caught.value.faults
    assert all(fault.file == path.name and fault.remedy for fault in caught.value.faults)
    return caught.value.faults


def write(frame: gpd.GeoDataFrame, path: Path) -> Path:
    pyogrio.write_dataframe(frame, path)
    return path


def hostile(tmp_path: Path) -> dict[str, str]:
    secret = write(SAMPLE.to_crs(4326), tmp_path / "secret.gpkg")
    layer = f"<OGRVRTLayer name='secret'><SrcDataSource>{secret}</SrcDataSource></OGRVRTLayer>"
    command = {"type": "gdal_streamed_alg", "command_line": f"gdal vector pipeline ! read {secret} ! limit 1"}
    hidden = json.dumps(command)[:-1] + ', "type": "FeatureCollection", "features": []}'
    return {
        "vrt": f"<OGRVRTDataSource>{layer}</OGRVRTDataSource>",
        "commands": json.dumps(command),
        "hidden commands": hidden,
        "topology": '{"type": "Topology", "objects": {}}',
        "list": "[1, 2]",
        "text": "code,nom\n65001,X\n",
        "cut": '{"type": "FeatureCollection", "features": [',
        "deep": "[" * 100_000,
        "empty": "",
    }


@pytest.mark.parametrize("suffix", [".geojson", ".json", ".gpkg", ".shp", ".zip", ".parquet"])
@pytest.mark.parametrize("content", ["vrt", "commands", "hidden commands"])
def test_a_disguised_file_reads_no_other(content: str, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"communes{suffix}"
    path.write_text(hostile(tmp_path)[content], encoding="utf-8")
    faults_of(path)
    with pytest.raises(InputError):
        layer_schemas(path)
    with pytest.raises(InputError):
        filtered_records(path, bbox=(-180, -90, 180, 90))


@pytest.mark.parametrize("content", ["topology", "list", "text", "cut", "deep", "empty"])
def test_what_is_not_geojson_is_refused(content: str, tmp_path: Path) -> None:
    path = tmp_path / "communes.geojson"
    path.write_text(hostile(tmp_path)[content], encoding="utf-8")
    (fault,) = faults_of(path)
    assert "GeoPackage" in fault.remedy


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("communes.zip", b"PK\x03\x04" + b"0" * 100),
        ("communes.parquet", b"PAR1" + b"0" * 100),
        ("communes.gpkg", b"SQLite format 3\x00" + b"0" * 100),
        ("communes.shp", struct.pack(">i", 9994) + b"0" * 100),
        ("communes.kml", b"<kml/>"),
        ("communes", b""),
    ],
)
def test_truncated_and_unknown_files_are_refused(name: str, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    faults_of(path)


def test_a_table_without_geometry_is_not_geoparquet(tmp_path: Path) -> None:
    path = tmp_path / "communes.parquet"
    pd.DataFrame({"code": ["65001"], "nom": ["A"]}).to_parquet(path)
    (fault,) = faults_of(path)
    assert "GeoParquet" in fault.expected


def test_an_absent_file_is_refused(tmp_path: Path) -> None:
    for suffix in (".gpkg", ".parquet", ".zip"):
        assert faults_of(tmp_path / f"absent{suffix}")[0].expected == "un fichier existant"


def archive_of(path: Path, entries: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return path


def test_a_zip_bomb_is_refused_before_it_is_opened(tmp_path: Path) -> None:
    path = archive_of(tmp_path / "bombe.zip", {"a.shp": b"\0" * 30_000_000})
    assert path.stat().st_size < 100_000
    (fault,) = faults_of(path)
    assert "30000000 octets" in fault.value


@pytest.mark.parametrize("name", ["../a.shp", "b/../../a.shp", "/etc/a.shp", "..\\a.shp", "\\a.shp"])
def test_a_path_that_climbs_out_of_the_archive_is_refused(name: str, tmp_path: Path) -> None:
    path = archive_of(tmp_path / "chemins.zip", {name: b"\x00\x00\x27\x0a", "a.dbf": b"x"})
    faults = faults_of(path)
    assert [fault.value for fault in faults] == [name]


@pytest.mark.parametrize("names", [["a.shp", "b.shp"], ["a.gpkg"], ["a.SHP", "sous/b.shp"]])
def test_an_archive_holds_one_shapefile(names: list[str], tmp_path: Path) -> None:
    path = archive_of(tmp_path / "deux.zip", dict.fromkeys(names, b"\x00\x00\x27\x0a"))
    assert [fault.expected for fault in faults_of(path)] == ["un seul fichier .shp"]


def test_without_fiona_files_are_still_read_and_disguises_still_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boundaries, "_fiona", lambda: None)
    path = write(SAMPLE, tmp_path / "communes.gpkg")
    assert read(path)["code"].tolist() == SAMPLE["code"].tolist()
    assert layer_schemas(path) == {"communes": {"geometry": "MultiPolygon"}}
    with pytest.raises(InputError, match="fiona"):
        filtered_records(path, bbox=(0, 0, 1, 1))
    for content in ("vrt", "commands", "hidden commands"):
        disguised = tmp_path / "disguised.geojson"
        disguised.write_text(hostile(tmp_path)[content], encoding="utf-8")
        faults_of(disguised)
