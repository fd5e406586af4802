"""Files that try to make a reader of layers read another file or call an address, by the name they take."""

from __future__ import annotations

import json
import shutil
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path
from typing import Any

import geopandas as gpd
import pyarrow.parquet as pq
import pyogrio
import pyproj
import shapely

HIDDEN = "65999-SECRET"
"""What stands in the other file, and must never come out."""

BOX = shapely.box(0.1, 43.1, 0.2, 43.2)
POINT = {"type": "Feature", "properties": {"code": "65001", "nom": "A"}, "geometry": shapely.geometry.mapping(BOX)}
_ENTITY = f'<!DOCTYPE x [<!ENTITY a SYSTEM "%s"><!ENTITY b "{HIDDEN}">]>'


def secret(folder: Path) -> Path:
    """Write the file that nothing may read: a layer, and its text beside it."""
    path = folder / "secret.gpkg"
    pyogrio.write_dataframe(gpd.GeoDataFrame({"code": [HIDDEN], "nom": [HIDDEN]}, geometry=[BOX], crs=4326), path)
    (folder / "secret.csv").write_text(f"code,nom\n{HIDDEN},{HIDDEN}\n", encoding="utf-8")
    return path


def _vrt(source: str, layer: str) -> str:
    inner = f"<OGRVRTLayer name='{layer}'><SrcDataSource>{source}</SrcDataSource></OGRVRTLayer>"
    return f"<OGRVRTDataSource>{inner}</OGRVRTDataSource>"


def _collection(**more: Any) -> str:  # noqa: ANN401 - JSON
    return json.dumps({"type": "FeatureCollection", **more, "features": [POINT]})


def texts(folder: Path, address: str) -> dict[str, str]:
    """Return hostile contents by what they are; each is given every name that a layer may have."""
    other = folder / "secret.gpkg"
    command = {"type": "gdal_streamed_alg", "command_line": f"gdal vector pipeline ! read {other} ! limit 1"}
    remote = command | {"command_line": f"gdal vector pipeline ! read /vsicurl/{address}a.gpkg ! limit 1"}
    link = {"type": "link", "properties": {"href": f"{address}crs", "type": "proj4"}}
    return {
        "vrt": _vrt(str(other), "secret"),
        "vrt over the network": _vrt(f"/vsicurl/{address}a.gpkg", "secret"),
        "vrt of a table": _vrt(str(folder / "secret.csv"), "secret"),
        "commands": json.dumps(command),
        "commands with a key given twice": json.dumps(command)[:-1] + ', "type": "FeatureCollection", "features": []}',
        "commands over the network": json.dumps(remote)[:-1] + ', "type": "FeatureCollection", "features": []}',
        "crs by link": _collection(crs=link),
        "crs by link, key given twice": _collection(crs=None)[:-1] + f', "crs": {json.dumps(link)}}}',
        "crs by address": _collection(crs={"type": "name", "properties": {"name": f"{address}crs"}}),
        "crs by grid": _collection(crs={"type": "name", "properties": {"name": f"+proj=longlat +nadgrids={address}g"}}),
        "JSON-FG": _collection(conformsTo=["[ogc-json-fg-1-0.1:core]"], coordRefSys=f"{address}crs"),
        "Esri JSON": json.dumps({"geometryType": "esriGeometryPoint", "features": [], "url": address}),
        "TopoJSON": json.dumps({"type": "Topology", "objects": {}, "arcs": [], "href": f"/vsicurl/{address}"}),
        "KML": f"{_ENTITY % other.as_uri()}<kml><NetworkLink><href>{address}k.kml</href></NetworkLink></kml>",
        "GPX": f'{_ENTITY % f"{address}x.dtd"}<gpx><wpt lat="1" lon="1"><name>&a;</name></wpt></gpx>',
        "GML": f'{_ENTITY % f"{address}x.dtd"}<gml:FeatureCollection xmlns:gml="urn:g">&a;</gml:FeatureCollection>',
        "WFS": f"<OGRWFSDataSource><URL>{address}wfs</URL></OGRWFSDataSource>",
    }


def geopackages(folder: Path, address: str) -> list[Path]:
    """Write GeoPackages whose schema reaches out of them."""
    table = folder / "secret.csv"
    modules = {
        "text": f"VirtualText(''{table}'', UTF-8, 1, POINT, DOUBLEQUOTE, '','')",
        "shape": f"VirtualShape(''{folder / 'secret'}'', UTF-8, 4326)",
        "ogr": f"VirtualOGR(''{folder / 'secret.gpkg'}'')",
        "network": f"VirtualOGR(''/vsicurl/{address}a.gpkg'')",
    }
    entry = "INSERT INTO sqlite_master VALUES ('{kind}', 'z', 'z', 0, '{sql}')"
    schemas = {name: (entry, "table", f"CREATE VIRTUAL TABLE z USING {module}") for name, module in modules.items()}
    schemas["index"] = (entry, "index", schemas["text"][2])
    schemas["comment"] = (entry, "table", schemas["text"][2].replace("CREATE ", "CREATE /* TABLE */ "))
    pixel = f"gdal_get_pixel_value(''/vsicurl/{address}r.tif'', 1, ''georef'', 1, 1)"
    schemas["view"] = (entry, "view", f"CREATE VIEW z AS SELECT 1 AS fid, {pixel} AS code")
    schemas["computed"] = (entry, "table", "CREATE TABLE z (fid INTEGER PRIMARY KEY, c TEXT AS (hex(zeroblob(9))))")
    paths = []
    for name, (statement, kind, sql) in schemas.items():
        path = folder / f"{name}.gpkg"
        pyogrio.write_dataframe(
            gpd.GeoDataFrame({"code": ["65001"], "nom": ["A"]}, geometry=[BOX], crs=4326), path, layer="a"
        )
        with closing(sqlite3.connect(path)) as database, database:
            database.execute("PRAGMA writable_schema = 1")
            if name == "computed":
                database.execute(sql)
            else:
                database.execute(statement.format(kind=kind, sql=sql))
            database.execute("INSERT INTO gpkg_contents (table_name, data_type, srs_id) VALUES ('z', 'attributes', 0)")
        paths.append(path)
    return paths


def hostile_systems(grid: str) -> dict[str, str]:
    """Return coordinate systems in WKT that make PROJ open a file or an address."""
    datum = '"x",DATUM["d",{}["s",6378137,298]]'
    degrees = 'CS[ellipsoidal,2],AXIS["latitude",north],AXIS["longitude",east],ANGLEUNIT["degree",0.0174532925199433]'
    old = f'GEOGCS[{datum.format("SPHEROID")},PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433],%s]'
    plain = f"GEOGCRS[{datum.format('ELLIPSOID')},{degrees}]"
    base = f"BASEGEOGCRS[{datum.format('ELLIPSOID')}]"
    wgs = 'DATUM["World Geodetic System 1984",ELLIPSOID["WGS 84",6378137,298.257223563]]'
    earth = f'GEOGCRS["WGS 84",{wgs},{degrees},ID["EPSG",4326]]'
    table = f'METHOD["NTv2",ID["EPSG",9615]],PARAMETERFILE["Latitude and longitude difference file","{grid}"]'
    metres = 'CS[Cartesian,2],AXIS["(E)",east],AXIS["(N)",north],LENGTHUNIT["metre",1]'
    return {
        "text": old % f'EXTENSION["PROJ4","+proj=longlat +ellps=GRS80 +nadgrids={grid} +no_defs"]',
        "section": old % f'EXTENSION["PROJ4","+init={grid}:a"]',
        "identifier": old % f'AUTHORITY["EPSG","a +init={grid}:a"]',
        "bound": f'BOUNDCRS[SOURCECRS[{plain}],TARGETCRS[{earth}],ABRIDGEDTRANSFORMATION["z",{table}]]',
        "derived": f'GEOGCRS["y",{base},DERIVINGCONVERSION["z",{table}],{degrees}]',
        "method": f'PROJCRS["y",{base},CONVERSION["z",METHOD["PROJ hgridshift grids={grid}"]],{metres}]',
    }


def misplaced(folder: Path, grid: str) -> list[Path]:
    """Write layers whose coordinate system names a file or an address: GeoPackage, Shapefile and GeoParquet."""
    folder.mkdir()
    frame = gpd.GeoDataFrame({"code": ["65001"], "nom": ["A"]}, geometry=[shapely.Point(0.1, 43.1)], crs=4326)
    written: dict[str, Any] = dict(hostile_systems(grid))
    for name, text in written.items():
        pyogrio.write_dataframe(frame, folder / f"{name}.gpkg", layer="a")
        declare(folder / f"{name}.gpkg", text)
        pyogrio.write_dataframe(frame, folder / f"{name}.shp")
        (folder / f"{name}.prj").write_text(text, encoding="utf-8")
    shutil.copyfile(folder / "bound.gpkg", folder / "renamed.gpkg")
    with closing(sqlite3.connect(folder / "renamed.gpkg")) as database, database:
        for old, new in (("gpkg_spatial_ref_sys", "x"), ("x", "GPKG_Spatial_Ref_Sys")):
            database.execute(f"ALTER TABLE {old} RENAME TO {new}")
    described = {
        f"{name} described": pyproj.CRS.from_wkt(text).to_json_dict()
        for name, text in written.items()
        if name != "identifier"
    }
    texts = {"proj": f"+proj=longlat +nadgrids={grid}", "init": f"+init={grid}:a", "object": {"init": f"{grid}:a"}}
    for name, declared in (written | described | texts).items():
        frame.to_parquet(folder / f"{name}.parquet")
        table = pq.read_table(folder / f"{name}.parquet")
        notes = json.loads(table.schema.metadata[b"geo"])
        notes["columns"]["geometry"]["crs"] = declared
        pq.write_table(table.replace_schema_metadata({b"geo": json.dumps(notes)}), folder / f"{name}.parquet")
    return [path for path in sorted(folder.iterdir()) if path.suffix in (".gpkg", ".shp", ".parquet")]


def declare(path: Path, text: str) -> None:
    """Give a GeoPackage of one layer another coordinate system."""
    with closing(sqlite3.connect(path)) as database, database:
        row = ("x", 77777, "NONE", 77777, text, "x")
        database.execute("INSERT INTO gpkg_spatial_ref_sys VALUES (?, ?, ?, ?, ?, ?)", row)
        for table in ("gpkg_contents", "gpkg_geometry_columns"):
            database.execute(f"UPDATE {table} SET srs_id = 77777")  # noqa: S608 - two fixed names


def archives(folder: Path, address: str) -> list[Path]:
    """Write archives that hold something else than a Shapefile, or lead out of themselves."""
    shape = folder / "good"
    shape.mkdir()
    frame = gpd.GeoDataFrame({"code": ["65001"], "nom": ["A"]}, geometry=[BOX], crs=4326)
    pyogrio.write_dataframe(frame, shape / "a.shp")
    good = {path.name: path.read_bytes() for path in shape.iterdir()}
    link = zipfile.ZipInfo("a.dbf")
    link.external_attr = 0o120777 << 16
    grid = 'GEOGCS["x",DATUM["d",SPHEROID["s",6378137,298]],PRIMEM["G",0],UNIT["degree",0.0174],EXTENSION["PROJ4",'
    nested = folder / "inner.zip"
    _pack(nested, good)
    contents: dict[str, dict[str | zipfile.ZipInfo, bytes]] = {
        "vrt": {"a.shp": _vrt(str(folder / "secret.gpkg"), "secret").encode()},
        "vrt beside": good | {"a.vrt": _vrt(str(folder / "secret.gpkg"), "secret").encode()},
        "link": {k: v for k, v in good.items() if k != "a.dbf"} | {link: str(folder / "secret.csv").encode()},
        "nested": {"inner.zip": nested.read_bytes(), "a.shp": b"PK\x03\x04"},
        "projection": good | {"a.prj": f'{grid}"+proj=longlat +nadgrids={address}g.gsb"]]'.encode()},
        "climbs": good | {"../secret.csv": b"x"},
    }
    paths = []
    for name, entries in contents.items():
        path = folder / f"{name}.zip"
        _pack(path, entries)
        paths.append(path)
    return paths


def _pack(path: Path, entries: Any) -> None:  # noqa: ANN401 - names, or entries with their mode
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)


def linked_shapefile(folder: Path) -> Path:
    """Write a Shapefile whose attributes are a link to those of a layer of another folder."""
    other, own = folder / "private", folder / "own"
    for place, code in ((other, HIDDEN), (own, "65001")):
        place.mkdir()
        frame = gpd.GeoDataFrame({"code": [code], "nom": [code]}, geometry=[BOX], crs=4326)
        pyogrio.write_dataframe(frame, place / "a.shp")
    (own / "a.dbf").unlink()
    (own / "a.dbf").symlink_to(other / "a.dbf")
    return own / "a.shp"


def office_files(folder: Path, address: str) -> list[Path]:
    """Write workbooks and documents with entities, relations to addresses, and a bomb."""
    from docx import Document  # noqa: PLC0415 - heavy
    from openpyxl import Workbook  # noqa: PLC0415 - heavy

    book, text = folder / "a.xlsx", folder / "a.docx"
    plain = Workbook()
    plain.active.append(["Code", "Intitulé", "Statut"])
    plain.active.append(["1", "Un", "en cours"])
    plain.save(book)
    document = Document()
    document.add_paragraph("Objectif opérationnel : un")
    document.save(text)
    xxe = (_ENTITY % f"{address}x.dtd").encode()
    local = (_ENTITY % (folder / "secret.csv").as_uri()).encode()
    laughs = (
        b"<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'>"
        + b"".join(f"<!ENTITY a{n} '{'&a' + str(n - 1) * (n > 1) + ';'}{'&a;' * 9}'>".encode() for n in range(1, 30))
        + b"]>"
    )
    changes = [
        (book, "xl/worksheets/sheet1.xml", xxe), (book, "xl/sharedStrings.xml", local),
        (book, "xl/workbook.xml", laughs),
        (book, "[Content_Types].xml", xxe), (text, "word/document.xml", local), (text, "word/document.xml", laughs),
        (text, "word/header1.xml", xxe),
    ]  # fmt: skip
    paths = []
    for number, (path, part, head) in enumerate(changes):
        paths.append(folder / f"entities{number}{path.suffix}")
        _rewrite(path, paths[-1], part, head)
    for suffix in (".ods", ".odt"):
        paths.append(folder / f"entities{suffix}")
        _pack(paths[-1], {"content.xml": local + b"<x>&a;</x>"})
    return paths


def _rewrite(path: Path, target: Path, part: str, head: bytes) -> None:
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    body = parts.get(part, b"<x/>").split(b"?>", 1)[-1]
    _pack(target, parts | {part: head + body})


def related_files(folder: Path, address: str) -> list[Path]:
    """Write good files whose relations name addresses: they are read, and the addresses are not called."""
    office_files(folder, address)
    paths = []
    for name, rels in (("a.xlsx", "xl/_rels/workbook.xml.rels"), ("a.docx", "word/_rels/document.xml.rels")):
        with zipfile.ZipFile(folder / name) as archive:
            parts = {entry: archive.read(entry) for entry in archive.namelist()}
        kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/attachedTemplate"
        more = f'<Relationship Id="rX" Type="{kind}" Target="{address}t.dotm" TargetMode="External"/></Relationships>'
        paths.append(folder / f"related{Path(name).suffix}")
        _pack(paths[-1], parts | {rels: parts[rels].replace(b"</Relationships>", more.encode())})
    return paths


def copy_as(path: Path, target: Path) -> Path:
    """Give a file another name."""
    shutil.copyfile(path, target)
    return target
