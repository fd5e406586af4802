"""Contours as users hold them: every format and CRS is read alike; what is wrong is refused with its remedy."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import struct
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import shapely

from sdaasp_geo.errors import Fault, InputError
from sdaasp_geo.layers.communes import apply_vintage
from sdaasp_geo.layers.geometry_checks import FLAT, Limits, check_contours
from sdaasp_geo.layers.scope import keep_wanted
from sdaasp_geo.outputs.manifest import repaired_contours
from sdaasp_geo.pipeline import prepare
from sdaasp_geo.scheme import read_scheme
from sdaasp_geo.sources import france
from sdaasp_geo.sources.boundaries import filtered_records, layer_schemas, read_boundaries
from sdaasp_geo.study import Study

HERE = france.find_departement("65")
THERE = france.find_departement("04")
LAMBERT = "EPSG:2154"
BOXES = {code: departement.bounds for code, departement in france.read_departements().items()}
LIMITS = Limits(area_share=0.01, join_m=1.0)


def contours(departement: str, *, rows: int = 6) -> gpd.GeoDataFrame:
    """Real communes of a département as a user would hold them."""
    units = france.read_contours({departement})
    layer = apply_vintage(units, france.read_contour_links(), vintage=2024).head(rows)
    names = france.read_membership(2024).set_index("code")["name"]
    return gpd.GeoDataFrame({"code": layer["code"], "nom": layer["code"].map(names)}, geometry=layer.geometry)


SAMPLE = contours("65")


def read(path: Path, departement: france.Departement = HERE, **options: str) -> tuple[gpd.GeoDataFrame, list[str]]:
    wanted = {departement.code, *departement.neighbours}
    kept, _ = keep_wanted(read_boundaries(path, **options), wanted, straight_line=True)
    found = check_contours(kept, crs=departement.crs, boxes=BOXES, limits=LIMITS, file=path.name)
    return found.table, list(found.notes)


def faults_of(path: Path, departement: france.Departement = HERE, **options: str) -> tuple[Fault, ...]:
    with pytest.raises(InputError) as caught:
        read(path, departement, **options)
    assert caught.value.faults
    assert all(fault.file == path.name and fault.remedy for fault in caught.value.faults)
    return caught.value.faults


def write(frame: gpd.GeoDataFrame, path: Path) -> Path:
    """Write a layer in the format of its suffix; a .zip holds a Shapefile."""
    if path.suffix in {".parquet", ".geoparquet"}:
        frame.to_parquet(path)
    elif path.suffix == ".zip":
        shape = path.with_suffix(".shp")
        write(frame, shape)
        zipped(path, shape, ("shp", "shx", "dbf", "prj", "cpg"))
    else:
        pyogrio.write_dataframe(frame, path, driver="GeoJSON" if "json" in path.suffix else None)
    return path


def zipped(path: Path, shape: Path, suffixes: Iterable[str], *, folder: str = "") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for suffix in suffixes:
            archive.write(shape.with_suffix(f".{suffix}"), f"{folder}{shape.stem}.{suffix}")
    return path


def apart_m(found: gpd.GeoDataFrame, expected: gpd.GeoDataFrame) -> float:
    """Largest distance between two outlines, over all rows."""
    pairs = zip(found.geometry, expected.geometry, strict=True)
    return max(shapely.hausdorff_distance(one.boundary, other.boundary) for one, other in pairs)


@pytest.mark.parametrize("suffix", [".gpkg", ".shp", ".zip", ".geojson", ".json", ".parquet", ".geoparquet"])
def test_every_format_gives_the_same_layer(suffix: str, tmp_path: Path) -> None:
    given = SAMPLE.to_crs("EPSG:4326") if "json" in suffix else SAMPLE
    found, warnings = read(write(given, tmp_path / f"communes{suffix}"))
    assert warnings == []
    assert list(found.columns) == ["code", "name", "geometry"]
    assert found["code"].tolist() == SAMPLE["code"].tolist()
    assert found["name"].tolist() == SAMPLE["nom"].tolist()
    assert list(found.index) == list(range(2, 8))
    assert found.crs == LAMBERT
    assert apart_m(found, SAMPLE) < 0.05


@pytest.mark.parametrize("crs", [4326, 2154, 3857, 27572, 4258, 3943, 32630])
@pytest.mark.parametrize("suffix", [".gpkg", ".shp", ".parquet"])
def test_every_crs_is_brought_to_the_legal_one(crs: int, suffix: str, tmp_path: Path) -> None:
    found, _ = read(write(SAMPLE.to_crs(crs), tmp_path / f"communes{suffix}"))
    assert found.crs == LAMBERT
    assert apart_m(found, SAMPLE) < 5  # 27572 rests on another datum: metres, where no grid is installed
    assert found.geometry.area.tolist() == pytest.approx(SAMPLE.geometry.area.tolist(), rel=1e-3)


def test_overseas_contours_come_to_their_own_crs(tmp_path: Path) -> None:
    reunion = france.find_departement("974")
    found, _ = read(write(contours("974").to_crs(4326), tmp_path / "communes.gpkg"), reunion)
    assert found.crs == "EPSG:2975"


def accents(path: Path, encoding: str, *, declared: bool) -> Path:
    """Write a Shapefile whose attributes are in an encoding, declared or not."""
    names = ["Évreux-sur-Neste", "Bœuf", "Cadéac", "Ancizan", "Ère", "L'Île"]
    pyogrio.write_dataframe(SAMPLE.assign(nom=names), path, encoding=encoding)
    if not declared:
        path.with_suffix(".cpg").unlink(missing_ok=True)
        content = bytearray(path.with_suffix(".dbf").read_bytes())
        content[29] = 0
        path.with_suffix(".dbf").write_bytes(bytes(content))
    assert "É".encode(encoding) in path.with_suffix(".dbf").read_bytes()
    return path


@pytest.mark.parametrize("declared", [True, False])
@pytest.mark.parametrize("encoding", ["UTF-8", "CP1252"])
def test_accents_of_a_shapefile(encoding: str, tmp_path: Path, *, declared: bool) -> None:
    path = accents(tmp_path / "communes.shp", encoding, declared=declared)
    expected = ["Évreux-sur-Neste", "Bœuf", "Cadéac", "Ancizan", "Ère", "L'Île"]
    assert read(path)[0]["name"].tolist() == expected
    suffixes = ("shp", "shx", "dbf", "prj") if not declared else ("shp", "shx", "dbf", "prj", "cpg")
    archive = zipped(tmp_path / "communes.zip", path, suffixes)
    assert read(archive)[0]["name"].tolist() == expected


def test_the_shapefile_in_a_folder_of_the_archive_is_read_beside_other_files(tmp_path: Path) -> None:
    path = write(SAMPLE, tmp_path / "communes.shp")
    archive = zipped(tmp_path / "livraison.zip", path, ("shp", "shx", "dbf", "prj", "cpg"), folder="donnees 2024/")
    with zipfile.ZipFile(archive, "a") as opened:
        opened.writestr("lisez-moi.txt", "Contours")
        opened.writestr("autre.vrt", "<OGRVRTDataSource/>")
    assert read(archive)[0]["code"].tolist() == SAMPLE["code"].tolist()
    assert list(layer_schemas(archive)) == ["communes"]


@pytest.mark.parametrize("kind", ["int64", "float64", "text"])
def test_lost_leading_zeros_are_refused_and_every_row_named(kind: str, tmp_path: Path) -> None:
    frame = contours("04")
    lost = frame["code"].astype("int64")
    frame["code"] = lost.astype("str") if kind == "text" else lost.astype(kind)
    faults = faults_of(write(frame, tmp_path / "communes.gpkg"), THERE)
    assert [(fault.row, fault.column, fault.value) for fault in faults] == [
        (row, "code", str(code)) for row, code in enumerate(lost, start=2)
    ]
    assert all("zéro de tête" in fault.remedy for fault in faults)


def test_codes_given_as_numbers_are_read_where_no_zero_is_lost(tmp_path: Path) -> None:
    frame = SAMPLE.assign(code=SAMPLE["code"].astype("float64"))
    assert read(write(frame, tmp_path / "communes.gpkg"))[0]["code"].tolist() == SAMPLE["code"].tolist()


def test_codes_that_are_no_codes_are_refused_all_together(tmp_path: Path) -> None:
    frame = SAMPLE.assign(code=["65001", "4001", "2E004", None, "650011", "65001"])
    faults = faults_of(write(frame, tmp_path / "communes.gpkg"))
    assert {(fault.row, fault.value) for fault in faults} == {
        (3, "4001"),
        (4, "2E004"),
        (5, ""),
        (6, "650011"),
    }
    assert [fault.row for fault in faults if "zéro de tête" in fault.remedy] == [3]


@pytest.mark.parametrize("suffix", [".shp", ".gpkg", ".zip", ".parquet"])
def test_a_missing_crs_is_refused(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"communes{suffix}"
    if suffix in {".shp", ".zip"}:
        shape = write(SAMPLE, tmp_path / "communes.shp")
        shape.with_suffix(".prj").unlink()
        if suffix == ".zip":
            zipped(path, shape, ("shp", "shx", "dbf", "cpg"))
    elif suffix == ".parquet":
        SAMPLE.set_crs(None, allow_override=True).to_parquet(path)
    else:
        with pytest.warns(UserWarning, match="crs"):
            pyogrio.write_dataframe(SAMPLE.set_crs(None, allow_override=True), path)
    (fault,) = faults_of(path)
    assert "CRS" in fault.expected
    assert ".prj" in fault.remedy


def test_swapped_longitude_and_latitude_are_refused(tmp_path: Path) -> None:
    degrees = SAMPLE.to_crs(4326)
    swapped = degrees.set_geometry(shapely.transform(degrees.geometry.array, lambda xy: xy[:, ::-1])).set_crs(4326)
    (fault,) = faults_of(write(swapped, tmp_path / "communes.geojson"))
    assert "inversées" in fault.remedy


@pytest.mark.parametrize("crs", [4326, 3857, 2975])
def test_a_crs_that_is_not_that_of_the_coordinates_is_refused(crs: int, tmp_path: Path) -> None:
    mislabelled = SAMPLE.set_crs(crs, allow_override=True)
    (fault,) = faults_of(write(mislabelled, tmp_path / "communes.gpkg"))
    assert fault.column == "geometry"
    assert "CRS" in fault.remedy


def test_another_departement_is_refused(tmp_path: Path) -> None:
    (fault,) = faults_of(write(contours("04"), tmp_path / "communes.gpkg"), HERE)
    assert "départements utiles" in fault.expected


def test_a_small_loop_is_repaired_counted_and_keeps_the_contour(tmp_path: Path) -> None:
    x, y = 460_000, 6_240_000
    loop = [(x + 1000, y + 1000), (x + 995, y + 1010), (x + 1005, y + 1010), (x + 1000, y + 1000)]
    bow = shapely.Polygon([(x, y), (x + 1000, y), *loop, (x, y + 1000)])
    shapes = [bow, *SAMPLE.geometry.iloc[1:]]
    found, warnings = read(write(SAMPLE.set_geometry(shapes, crs=LAMBERT), tmp_path / "communes.gpkg"))
    assert found.is_valid.all()
    assert found.geometry.iloc[0].area == pytest.approx(1_000_050)
    assert set(found.geometry.geom_type) <= {"Polygon", "MultiPolygon"}
    (warning,) = warnings
    assert warning.startswith("1\N{NO-BREAK SPACE}contour réparé")
    assert SAMPLE["code"].iloc[0] in warning
    assert apart_m(found.iloc[1:], SAMPLE.iloc[1:]) < 0.01


def test_a_bow_tie_and_a_contour_that_repair_leaves_without_surface_are_refused(tmp_path: Path) -> None:
    x, y = 460_000, 6_240_000
    flat = shapely.Polygon([(x, y), (x + 1000, y), (x + 500, y), (x, y)])
    bow = shapely.Polygon([(x, y), (x + 1000, y + 1000), (x + 1000, y), (x, y + 1000)])
    shapes = [*SAMPLE.geometry.iloc[:4], bow, flat]
    crossed, void = faults_of(write(SAMPLE.set_geometry(shapes, crs=LAMBERT), tmp_path / "communes.gpkg"))
    assert (crossed.row, void.row) == (6, 7)
    assert "50,0\N{NO-BREAK SPACE}ha après" in crossed.value
    assert SAMPLE["code"].iloc[5] in void.value
    assert "sans surface" in void.value


def in_geopackage(folder: Path, shape: bytes, *, kind: str) -> Path:
    """Write the sample, its first geometry replaced by bytes (WKB) that the writer does not make."""
    path = write(SAMPLE, folder / "communes.gpkg")
    with contextlib.closing(sqlite3.connect(path)) as editor:
        for (name,) in editor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            editor.execute(f'DROP TRIGGER "{name}"')
        header = b"GP\0\x01" + struct.pack("<i", 2154)
        editor.execute("UPDATE communes SET geom = ? WHERE fid = 1", (header + shape,))
        editor.execute("UPDATE gpkg_geometry_columns SET geometry_type_name = ?", (kind,))
        editor.commit()
    return path


def test_curves_are_read_as_chords_of_four_degrees(tmp_path: Path) -> None:
    angles = np.linspace(0, 2 * np.pi, 5)
    x, y = SAMPLE.geometry.iloc[0].representative_point().coords[0]
    circle = b"".join(struct.pack("<dd", x + 1000 * np.cos(a), y + 1000 * np.sin(a)) for a in angles)
    curve = struct.pack("<BII", 1, 10, 1) + struct.pack("<BII", 1, 8, 5) + circle
    shape = read_boundaries(in_geopackage(tmp_path, curve, kind="CURVEPOLYGON")).geometry.iloc[0]
    assert shape.geom_type == "Polygon"
    assert shape.is_valid
    away_m = 1000 - shapely.distance(shapely.Point(x, y), shape.exterior)
    assert 0 < away_m <= 1000 * (1 - np.cos(np.radians(2))) * 1.001


def test_an_unclosed_ring_is_refused(tmp_path: Path) -> None:
    content = json.loads(SAMPLE.to_crs(4326).to_json())
    ring = content["features"][1]["geometry"]["coordinates"][0]
    (ring[0] if isinstance(ring[0][0], list) else ring).pop()
    path = tmp_path / "communes.geojson"
    path.write_text(json.dumps(content))
    faults_of(path)


def test_empty_missing_and_linear_geometries_are_refused_together(tmp_path: Path) -> None:
    line = shapely.LineString([(460_000, 6_240_000), (461_000, 6_240_000)])
    shapes = [*SAMPLE.geometry.iloc[:3], None, shapely.Polygon(), line]
    faults = faults_of(write(SAMPLE.set_geometry(shapes, crs=LAMBERT), tmp_path / "communes.gpkg"))
    assert [(fault.row, fault.column) for fault in faults] == [(5, "geometry"), (6, "geometry"), (7, "geometry")]


def test_faults_of_codes_geometry_and_crs_are_told_all_together(tmp_path: Path) -> None:
    frame = SAMPLE.assign(code=["4001", *SAMPLE["code"].iloc[1:5], SAMPLE["code"].iloc[1]])
    frame = frame.set_geometry([*SAMPLE.geometry.iloc[:5], None], crs=LAMBERT)
    shape = write(frame, tmp_path / "communes.shp")
    shape.with_suffix(".prj").unlink()
    found = {(fault.row, fault.column) for fault in faults_of(shape)}
    assert found == {(2, "code"), (7, "geometry"), (None, "")}


@pytest.mark.parametrize(
    ("rename", "options"),
    [
        ({"code": "INSEE_COM", "nom": "NOM_COM"}, {}),
        ({"code": "CODGEO", "nom": "LIBGEO"}, {}),
        ({"code": "dep_com", "nom": "etiquette"}, {"code_field": "DEP_COM", "name_field": "etiquette"}),
    ],
)
def test_usual_names_of_fields_and_those_declared(
    rename: dict[str, str], options: dict[str, str], tmp_path: Path
) -> None:
    path = write(SAMPLE.rename(columns=rename), tmp_path / "communes.gpkg")
    assert read(path, **options)[0]["code"].tolist() == SAMPLE["code"].tolist()


def test_a_field_that_is_not_there_is_told_with_those_that_are(tmp_path: Path) -> None:
    path = write(SAMPLE.rename(columns={"code": "zzz"}), tmp_path / "communes.gpkg")
    (fault,) = faults_of(path)
    assert "communes_code" in fault.remedy
    assert "zzz" in fault.remedy
    (fault,) = faults_of(path, code_field="ailleurs")
    assert "ailleurs" in fault.expected


def test_several_layers_need_communes_couche(tmp_path: Path) -> None:
    path = tmp_path / "tout.gpkg"
    pyogrio.write_dataframe(SAMPLE, path, layer="communes")
    pyogrio.write_dataframe(SAMPLE.head(2), path, layer="autres")
    (fault,) = faults_of(path)
    assert "communes_couche" in fault.remedy
    assert "communes" in fault.remedy
    assert "autres" in fault.remedy
    assert len(read(path, layer="autres")[0]) == 2
    assert faults_of(path, layer="rien")[0].value == "rien"


def test_geojson_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    path = write(SAMPLE.to_crs(4326), tmp_path / "communes.geojson")
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert read(path)[0]["name"].tolist() == SAMPLE["nom"].tolist()


def test_schemas_and_filtered_records_are_read_without_loading(tmp_path: Path) -> None:
    path = tmp_path / "tout.gpkg"
    pyogrio.write_dataframe(SAMPLE, path, layer="communes")
    pyogrio.write_dataframe(SAMPLE.assign(rang=range(6)).head(2), path, layer="autres")
    schemas = layer_schemas(path)
    assert set(schemas) == {"communes", "autres"}
    assert set(schemas["communes"]["properties"]) == {"code", "nom"}
    assert set(schemas["autres"]["properties"]) == {"code", "nom", "rang"}
    assert "Polygon" in schemas["communes"]["geometry"]
    west, south, east, north = SAMPLE.geometry.iloc[[3]].total_bounds
    box = ((west + east) / 2, (south + north) / 2, (west + east) / 2 + 1, (south + north) / 2 + 1)
    expected = SAMPLE[SAMPLE.intersects(shapely.box(*box))]
    records = filtered_records(path, bbox=box, layer="communes")
    assert SAMPLE["code"].iloc[3] in {record["code"] for record in records}
    assert {record["code"] for record in records} >= set(expected["code"])
    assert filtered_records(path, bbox=(0, 0, 1, 1), layer="communes") == []


def test_records_of_a_geoparquet_are_not_read_one_by_one(tmp_path: Path) -> None:
    path = write(SAMPLE, tmp_path / "communes.parquet")
    schema = layer_schemas(path)["communes"]
    assert list(schema["properties"]) == ["code", "nom"]
    assert "Polygon" in schema["geometry"]
    with pytest.raises(InputError, match="GeoPackage"):
        filtered_records(path, bbox=(0, 0, 1, 1))


def test_the_real_contours_of_2018_are_read_and_streamed(shared: Callable[[str], Path]) -> None:
    path = shared("boundaries_2018/communes_2018_65_04_et_voisins.gpkg")
    (schema,) = layer_schemas(path).values()
    assert {"code", "nom"} <= set(schema["properties"])
    found, warnings = read(path)
    assert warnings == []
    assert (found["code"].str[:2] == "65").sum() == 470
    assert (read_boundaries(path)["code"].str[:2] == "04").sum() == 198
    point = filtered_records(path, bbox=(0.075, 43.23, 0.076, 43.231))
    assert "Tarbes" in {record["nom"] for record in point}
    assert len(point) < 10


def scheme_with(tmp_path: Path, file: Path, *, services: str = "embarque:services/france_services.csv") -> Path:
    folder = tmp_path / "essai"
    folder.mkdir()
    (folder / "scheme.toml").write_text(
        'nom = "Essai"\ndepartement = "65"\nedition = 2026-11-22\n\n'
        "[millesimes]\nconvention = 2018\nmesure = 2024\n\n"
        '[mesure]\nservices = ["france-services"]\nregles = ["france-services-20"]\n\n'
        f'[fichiers]\nservices = ["{services}"]\ncommunes = "{file.name}"\n',
        encoding="utf-8",
    )
    file.rename(folder / file.name)
    return folder


def test_a_scheme_with_contours_of_the_user_gives_the_same_layers(tmp_path: Path, study_65: Study) -> None:
    units = france.read_contours(set(study_65.communes["departement"]))
    layer = apply_vintage(units, france.read_contour_links(), vintage=2024)
    path = tmp_path / "contours.gpkg"
    pyogrio.write_dataframe(layer.assign(nom=layer["code"]).to_crs(4258), path)
    study = prepare(read_scheme(str(scheme_with(tmp_path, path))))
    assert study.communes["code"].tolist() == study_65.communes["code"].tolist()
    assert study.communes["name"].tolist() == study_65.communes["name"].tolist()
    areas = study_65.communes["area_km2"].tolist()
    assert study.communes["area_km2"].tolist() == pytest.approx(areas, rel=1e-6)
    assert study.epci["siren"].tolist() == study_65.epci["siren"].tolist()
    assert study.petr["petr"].tolist() == study_65.petr["petr"].tolist()
    assert path.name in [name for name, _ in study.inputs]
    assert study.repairs is not None
    assert study.repairs.empty


def test_repairs_of_the_contours_of_a_scheme_are_in_its_warnings_and_counts(tmp_path: Path) -> None:
    layer = contours("65", rows=500)
    shapes = layer.geometry.to_numpy().copy()
    shapes[9] = shapely.force_3d(shapes[9], 100.0)
    path = tmp_path / "contours.gpkg"
    pyogrio.write_dataframe(layer.set_geometry(shapes, crs=LAMBERT), path)
    study = prepare(read_scheme(str(scheme_with(tmp_path, path))))
    assert study.repairs is not None
    assert study.repairs["code"].tolist() == [layer["code"].iloc[9]]
    (said,) = [warning for warning in study.warnings if "contour réparé" in warning]
    assert layer["code"].iloc[9] in said
    assert repaired_contours(study) == {"contours": {FLAT: 1}}


def test_contours_of_another_vintage_are_refused_and_the_merged_commune_named(
    tmp_path: Path, shared: Callable[[str], Path]
) -> None:
    past = gpd.read_file(shared("boundaries_2018/communes_2018_65_04_et_voisins.gpkg"), where="dep = '65'")
    path = tmp_path / "contours.gpkg"
    pyogrio.write_dataframe(past, path)
    with pytest.raises(InputError) as caught:
        prepare(read_scheme(str(scheme_with(tmp_path, path))))
    assert [fault.value for fault in caught.value.faults] == ["65122"]
    assert "2024" in caught.value.faults[0].expected
