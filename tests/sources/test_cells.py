"""Inhabited cells: the identifier alone gives the square; every form and format reads alike; faults come together."""

from __future__ import annotations

import math
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from sdaasp_geo.errors import Fault, InputError
from sdaasp_geo.french import NBSP
from sdaasp_geo.sources.cells import read_cells

LAMBERT, DEGREES = "EPSG:2154", "EPSG:4326"
FRANCE_M = (0.0, 6_000_000.0, 1_300_000.0, 7_200_000.0)
FRANCE_DEG = (-6.0, 41.0, 10.0, 52.0)
WORLD = (-180.0, -90.0, 180.0, 90.0)
TARBES = "CRS3035RES200mN2289400E3515400"
EAST_OF_TARBES = "CRS3035RES200mN2289400E3515600"


def write(
    path: Path, cells: list[str], people: list[object], *, names: tuple[str, str] = ("idcar_200m", "ind")
) -> Path:
    """Write a table of cells in the format of the suffix, with columns that nobody asked for."""
    table = pd.DataFrame({"lcog_geo": "65440", names[0]: cells, "men": 1.5, names[1]: people})
    if path.suffix == ".csv":
        table.to_csv(path, index=False)
    elif path.suffix == ".parquet":
        table.to_parquet(path)
    else:
        away = gpd.GeoDataFrame(table, geometry=[shapely.Point(0, 0)] * len(table), crs=DEGREES)
        pyogrio.write_dataframe(away, path)
    return path


def read(
    path: Path, *, bounds: tuple[float, float, float, float] = FRANCE_M, crs: str = LAMBERT, layer: str = ""
) -> gpd.GeoDataFrame:
    return read_cells(path, bounds=bounds, crs=crs, layer=layer)[0]


def faults_of(
    path: Path, *, bounds: tuple[float, float, float, float] = FRANCE_M, layer: str = ""
) -> tuple[Fault, ...]:
    with pytest.raises(InputError) as caught:
        read(path, bounds=bounds, layer=layer)
    assert all(fault.file == path.name and fault.remedy and fault.expected for fault in caught.value.faults)
    return caught.value.faults


def to_laea(lon: float, lat: float) -> tuple[float, float]:
    """East and north in EPSG:3035, by the formulas of Snyder (1987, p. 187), without pyproj."""
    a, flat = 6378137.0, 1 / 298.257222101
    e2 = flat * (2 - flat)
    e = math.sqrt(e2)

    def q(phi: float) -> float:
        s = math.sin(phi)
        return (1 - e2) * (s / (1 - e2 * s * s) - math.log((1 - e * s) / (1 + e * s)) / (2 * e))

    phi, lam, phi0, lam0 = (math.radians(angle) for angle in (lat, lon, 52.0, 10.0))
    beta, beta0 = (math.asin(q(angle) / q(math.pi / 2)) for angle in (phi, phi0))
    radius = a * math.sqrt(q(math.pi / 2) / 2)
    m0 = math.cos(phi0) / math.sqrt(1 - e2 * math.sin(phi0) ** 2)
    d = a * m0 / (radius * math.cos(beta0))
    cosine = math.cos(beta) * math.cos(lam - lam0)
    b = radius * math.sqrt(2 / (1 + math.sin(beta0) * math.sin(beta) + math.cos(beta0) * cosine))
    east = b * d * math.cos(beta) * math.sin(lam - lam0)
    north = b / d * (math.cos(beta0) * math.sin(beta) - math.sin(beta0) * cosine)
    return east + 4_321_000, north + 3_210_000


def test_the_square_is_the_one_insee_draws(tmp_path: Path) -> None:
    """The northernmost published cell of 2019, near Bray-Dunes: its corners as published, in degrees."""
    path = write(tmp_path / "carreaux.csv", ["CRS3035RES200mN3132800E3798000"], [2])
    (square,) = read(path, bounds=FRANCE_DEG, crs=DEGREES).geometry
    published = [
        (2.524193632636162, 51.065504342939775),
        (2.523903681650588, 51.067291291861004),
        (2.526744393387108, 51.06747482981823),
        (2.527034236159092, 51.065687872752164),
    ]
    assert shapely.Polygon(published).normalize().equals_exact(square.normalize(), tolerance=1e-8)


@pytest.mark.parametrize(
    ("cell", "size"),
    [(TARBES, 200), ("CRS3035RES1000mN2289000E3515000", 1000), ("CRS3035RES32000mN2272000E3488000", 32000)],
)
def test_corners_are_those_of_the_identifier_by_hand(cell: str, size: int, tmp_path: Path) -> None:
    table = read(write(tmp_path / "c.csv", [cell], [1]), bounds=FRANCE_DEG, crs=DEGREES)
    north, east = (int(part) for part in cell.split("mN")[1].split("E"))
    corners = np.array([to_laea(*corner) for corner in table.geometry[0].exterior.coords])
    assert np.allclose(corners.min(axis=0), (east, north), atol=1e-3)
    assert np.allclose(corners.max(axis=0), (east + size, north + size), atol=1e-3)
    centre = to_laea(table["x"][0], table["y"][0])
    assert centre == pytest.approx((east + size / 2, north + size / 2), abs=1e-3)


def test_squares_keep_their_area_within_a_percent_in_the_legal_projection(tmp_path: Path) -> None:
    table = read(write(tmp_path / "c.csv", [TARBES], [3.5]))
    assert table.crs == LAMBERT
    assert table.geometry.area[0] == pytest.approx(40_000, rel=0.01)
    assert table.geometry[0].contains(shapely.Point(table["x"][0], table["y"][0]))
    assert table["population_source"].tolist() == [3.5]


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ("200mN22894E35154", TARBES),
        ("1kmN2289E3515", "CRS3035RES1000mN2289000E3515000"),
        ("1000mN2289E3515", "CRS3035RES1000mN2289000E3515000"),
        ("32kmN2272E3488", "CRS3035RES32000mN2272000E3488000"),
        ("LAEA200M_N11447E17577", TARBES),
        ("UTM40S200M_N38171E01797", "CRS2975RES200mN7634200E0359400"),
        ("CRS2975RES200mN7634200E359400", "CRS2975RES200mN7634200E0359400"),
    ],
)
def test_every_form_of_identifier_gives_the_same_square(other: str, same: str, tmp_path: Path) -> None:
    one, two = (
        read(write(tmp_path / f"{place}.csv", [cell], [1]), bounds=WORLD, crs=DEGREES)
        for place, cell in enumerate((other, same))
    )
    assert one["cell"].tolist() == [other]
    assert one.geometry[0].equals_exact(two.geometry[0], tolerance=0)
    assert (one["x"][0], one["y"][0]) == (two["x"][0], two["y"][0])


@pytest.mark.parametrize(
    ("cell", "crs", "lon", "lat"),
    [
        ("CRS2975RES200mN7634200E0359400", "EPSG:2975", 55.6447, -21.3880),
        ("CRS4559RES200mN1592600E0728800", "EPSG:5490", -60.8780, 14.3971),
        ("CRS5490RES200mN1592600E728800", "EPSG:5490", -60.8780, 14.3971),
    ],
)
def test_overseas_grids_lie_where_they_should(cell: str, crs: str, lon: float, lat: float, tmp_path: Path) -> None:
    path = write(tmp_path / "c.csv", [cell], [1])
    table = read(path, bounds=WORLD, crs=DEGREES)
    assert (table["x"][0], table["y"][0]) == pytest.approx((lon, lat), abs=1e-3)
    legal = read(path, bounds=(-1e7, -1e7, 1e7, 1e7), crs=crs)
    assert legal.geometry.area[0] == pytest.approx(40_000, rel=1e-4)


@pytest.mark.parametrize(
    "names",
    [
        ("Idcar_200m", "Ind"),
        ("IdINSPIRE", "Ind"),
        ("idINSPIRE", "ind_c"),
        ("Id_carr1km", "Ind"),
        ("idcar_nat", "ind"),
        ("ID_CARR_N", "IND"),
        ("idcar_1km", "Population"),
    ],
)
def test_published_names_of_columns_are_known(names: tuple[str, str], tmp_path: Path) -> None:
    assert len(read(write(tmp_path / "c.csv", [TARBES], [1], names=names))) == 1


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".gpkg", ".geojson", ".shp"])
def test_every_format_gives_the_same_cells(suffix: str, tmp_path: Path) -> None:
    path = write(tmp_path / f"carreaux{suffix}", [EAST_OF_TARBES, TARBES], [7.5, 12])
    found = read(path)
    assert found["cell"].tolist() == [TARBES, EAST_OF_TARBES]
    assert found["population_source"].tolist() == [12.0, 7.5]
    assert found.columns.tolist() == ["cell", "population_source", "x", "y", "geometry"]
    assert found["x"][1] - found["x"][0] == pytest.approx(200, rel=0.01)


def test_the_finest_identifier_of_a_file_of_200_m_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "carreaux_200m_met.csv"
    path.write_text(
        "idcar_nat,idcar_1km,idcar_200m,i_est_200,lcog_geo,ind\n"
        f'CRS3035RES2000mN2288000E3514000,CRS3035RES1000mN2289000E3515000,{TARBES},0,"65440,65013",41.5\n'
    )
    assert read(path)[["cell", "population_source"]].to_numpy().tolist() == [[TARBES, 41.5]]


def test_semicolons_decimal_commas_marks_and_blank_lines(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    text = f'Idcar_200m;Ind;libellé\r\n"{TARBES}";"12,5";été\r\n\r\n{EAST_OF_TARBES}; 3 ;\r\n  \r\n;;\r\n'
    for encoding in ("utf-8-sig", "cp1252"):
        path.write_bytes(text.encode(encoding))
        assert read(path)["population_source"].tolist() == [12.5, 3.0]


def test_rows_are_numbered_as_a_spreadsheet_does(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_text(f"ind;idcar_200m\n1;{TARBES}\n\n-2;{EAST_OF_TARBES}\n   \n3;ailleurs\n")
    assert [(fault.row, fault.column, fault.value) for fault in faults_of(path)] == [
        (6, "idcar_200m", "ailleurs"),
        (4, "ind", "-2"),
    ]


def test_cells_out_of_the_bounds_are_counted_with_their_people(tmp_path: Path) -> None:
    path = write(tmp_path / "c.csv", [TARBES, EAST_OF_TARBES, "CRS3035RES200mN3132800E3798000"], [10, 20, 1234.4])
    x, y = 462579.7419322953, 6241551.92987501  # of the centre of TARBES, by cs2cs
    found, notes = read_cells(path, bounds=(x - 1, y - 1, x + 1, y + 1), crs=LAMBERT)
    assert found["cell"].tolist() == [TARBES]
    assert (found["x"][0], found["y"][0]) == pytest.approx((x, y), abs=1e-3)
    assert len(notes) == 1
    assert notes[0].startswith(f"2{NBSP}carreaux du fichier (1\u202f254{NBSP}habitants) hors de l'emprise")
    assert read_cells(path, bounds=FRANCE_M, crs=LAMBERT)[1] == []


def test_a_centre_on_the_bounds_is_kept(tmp_path: Path) -> None:
    path = write(tmp_path / "c.csv", [TARBES], [10])
    x, y = read(path)[["x", "y"]].to_numpy()[0]
    assert len(read(path, bounds=(x, y, x, y))) == 1


def test_a_file_of_another_place_is_refused(tmp_path: Path) -> None:
    (fault,) = faults_of(write(tmp_path / "c.csv", ["CRS2975RES200mN7634200E0359400"], [1]))
    assert fault.expected == "au moins un carreau dans l'emprise du territoire"
    (fault,) = faults_of(write(tmp_path / "d.csv", [TARBES], [1]), bounds=FRANCE_DEG)
    assert fault.value == TARBES


@pytest.mark.parametrize(
    "cell",
    [
        "",
        "65440",
        "=1+1",
        f"{TARBES}\n=1+1",
        f"{TARBES}<script>",
        "CRS3035RES200mN2289400",
        "CRS3035RES200mN2289401E3515400",
        "CRS3035RES300mN2289600E3515400",
        "CRS3035RES100mN2289400E3515400",
        "CRS4326RES200mN2289400E3515400",
        "CRS3857RES200mN2289400E3515400",
        "CRS3035RES200mN-2289400E3515400",
        "CRS3035RES200mN\u0662\u0662\u0668\u0669\u0664\u0660\u0660E3515400",
        "CRS3035RES200mN99999999999999999999E3515400",
        "crs3035res200mn2289400e3515400",
        "1kmN2289E3515.5",
        "300mN22894E35154",
    ],
)
def test_an_identifier_that_cannot_be_read_is_located(cell: str, tmp_path: Path) -> None:
    path = write(tmp_path / "c.parquet", [TARBES, cell], [1, 1])
    (fault,) = faults_of(path)
    assert (fault.row, fault.column, fault.value) == (3, "idcar_200m", cell)
    assert TARBES[:12] in fault.expected


def test_bytes_that_are_no_text_are_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "c.parquet"
    cells = pa.array([b"\xff"]).dictionary_encode()
    pq.write_table(pa.table({"idcar_200m": cells, "ind": [1.0]}), path)
    assert {fault.column for fault in faults_of(path)} == {"idcar_200m"}


@pytest.mark.parametrize("people", ["", "-0,5", "nan", "inf", "1e9", "douze", "1 234", "1,2,3", "0x10", "1_0", "True"])
def test_a_population_that_is_not_one_is_located(people: str, tmp_path: Path) -> None:
    path = write(tmp_path / "c.parquet", [TARBES, EAST_OF_TARBES], ["0", people])
    (fault,) = faults_of(path)
    assert (fault.row, fault.column, fault.value) == (3, "ind", people)


@pytest.mark.parametrize("people", [[1.0, float("nan")], [1.0, None], [1.0, float("inf")], [1, -1], [True, False]])
def test_numbers_that_are_no_population_are_refused_too(people: list[object], tmp_path: Path) -> None:
    assert {fault.column for fault in faults_of(write(tmp_path / "c.parquet", [TARBES, EAST_OF_TARBES], people))} == {
        "ind"
    }


def test_columns_of_another_kind_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.parquet"
    pq.write_table(pa.table({"idcar_200m": [[TARBES]], "ind": [{"a": 1}]}), path)
    assert [fault.column for fault in faults_of(path)] == ["idcar_200m", "ind"]


def test_a_repeated_square_is_refused_even_written_otherwise(tmp_path: Path) -> None:
    path = write(tmp_path / "c.csv", [TARBES, EAST_OF_TARBES, "200mN22894E35154"], [1, 1, 1])
    (fault,) = faults_of(path)
    assert (fault.row, fault.expected) == (4, "un carreau unique")


def test_natural_levels_may_mix_but_not_overlap(tmp_path: Path) -> None:
    beside = "CRS3035RES1000mN2289000E3516000"
    assert len(read(write(tmp_path / "a.csv", [TARBES, EAST_OF_TARBES, beside], [1, 1, 1]))) == 3
    above = "CRS3035RES32000mN2272000E3488000"
    faults = faults_of(write(tmp_path / "b.csv", [TARBES, beside, above], [1, 1, 1]))
    assert [fault.row for fault in faults] == [2, 3]
    assert {fault.expected for fault in faults} == {"un carreau qui n'en recouvre pas un autre"}


def test_all_faults_come_together(tmp_path: Path) -> None:
    path = write(tmp_path / "c.csv", [TARBES, TARBES, "x", "CRS3035RES1000mN2289000E3515000"], [1, -1, 1, "beaucoup"])
    assert [(fault.row, fault.column) for fault in faults_of(path)] == [
        (4, "idcar_200m"),
        (3, "idcar_200m"),
        (2, "idcar_200m"),
        (3, "ind"),
        (5, "ind"),
    ]


def test_faults_without_end_are_counted(tmp_path: Path) -> None:
    path = write(tmp_path / "c.csv", [f"x{place}" for place in range(5000)], [1] * 5000)
    faults = faults_of(path)
    assert len(faults) == 101
    assert faults[-1].value == f"4\u202f900{NBSP}autres lignes"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "identifiant"),
        ("idcar_200m;ind\n", "au moins un carreau"),
        ("idcar_200m;ind\n\n;\n", "au moins un carreau"),
        ("code;nom\n65440;Tarbes\n", "population"),
        ("ind,IND,idcar_200m\n1,1,x\n", "population"),
        (f"idcar_200m,ind\n{TARBES}\n{TARBES},1\n", "2 cellules"),
        (f'idcar_200m,ind\n"{TARBES},1\n', "au moins un carreau|fichier CSV lisible|2 cellules"),
    ],
)
def test_a_file_that_is_no_table_of_cells_is_refused(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_text(text)
    assert any(word in fault.expected for fault in faults_of(path) for word in said.split("|"))


def test_missing_columns_are_told_together(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_text("code;nom\n65440;Tarbes\n")
    faults = faults_of(path)
    assert len(faults) == 2
    assert all("code, nom" in fault.remedy for fault in faults)


def test_disguised_and_absent_files_are_refused(tmp_path: Path) -> None:
    for name, content in (("c.parquet", b"PAR1 not"), ("c.gpkg", b"idcar_200m"), ("c.xlsx", b"PK\x03\x04")):
        path = tmp_path / name
        path.write_bytes(content)
        faults_of(path)
    faults_of(tmp_path / "absent.csv")
    (tmp_path / "binary.csv").write_bytes(b"idcar_200m;ind\n\xff\xfe\x81;1\n")
    faults_of(tmp_path / "binary.csv")


def test_one_layer_of_several_must_be_named(tmp_path: Path) -> None:
    path = tmp_path / "c.gpkg"
    frame = gpd.GeoDataFrame({"idcar_200m": [TARBES], "ind": [1]}, geometry=[shapely.Point(0, 0)], crs=DEGREES)
    for layer in ("met", "reun"):
        pyogrio.write_dataframe(frame, path, layer=layer)
    (fault,) = faults_of(path)
    assert "met, reun" in fault.remedy
    assert len(read(path, layer="met")) == 1
    faults_of(path, layer="mart")


@given(
    corners=st.sets(st.tuples(st.integers(10_200, 15_600), st.integers(16_100, 21_200)), min_size=1, max_size=30),
    data=st.data(),
)
def test_whatever_the_order_cells_and_people_are_kept_or_counted(
    corners: set[tuple[int, int]], data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    cells = data.draw(
        st.permutations([f"CRS3035RES200mN{north * 200}E{east * 200}" for north, east in sorted(corners)])
    )
    people = data.draw(st.lists(st.integers(0, 9999), min_size=len(cells), max_size=len(cells)))
    path = write(tmp_path_factory.mktemp("cells") / "c.csv", cells, people)
    box = (300_000.0, 6_100_000.0, 900_000.0, 6_800_000.0)
    whole, none = read_cells(path, bounds=(-1e7, -1e7, 1e8, 1e8), crs=LAMBERT)
    assert none == []
    assert dict(zip(whole["cell"], whole["population_source"], strict=True)) == dict(zip(cells, people, strict=True))
    assert whole["cell"].is_monotonic_increasing
    within = whole["x"].between(box[0], box[2]) & whole["y"].between(box[1], box[3])
    if within.any():
        kept, notes = read_cells(path, bounds=box, crs=LAMBERT)
        assert kept["cell"].tolist() == whole.loc[within, "cell"].tolist()
        assert bool(notes) == (not within.all())
