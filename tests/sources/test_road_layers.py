"""Roads of BD TOPO and ROUTE 500: columns read through a mapping, nothing dropped unsaid, bad layers refused."""

from __future__ import annotations

import csv
import datetime as dt
import math
import re
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely

from sdaasp_geo.errors import Fault, InputError, SchemeError
from sdaasp_geo.french import NBSP
from sdaasp_geo.road_speeds import read_road_parameters, speeds_kmh
from sdaasp_geo.sources.road_layers import LayerMapping, find_mapping, read_mappings, read_road_layer
from sdaasp_geo.sources.roads import COLUMNS, RoadReport

SPEEDS = read_road_parameters()
MAPPINGS = read_mappings()
X, Y = 450_000.0, 6_230_000.0
"""A place near Tarbes, EPSG:2154."""


def line(*places: tuple[float, float]) -> shapely.LineString:
    return shapely.LineString([(X + 100 * east, Y + 100 * north, 300.0) for east, north in places])


def bdtopo(*sections: dict[str, object]) -> gpd.GeoDataFrame:
    """Sections of BD TOPO, one above the other, 100 m long unless they say otherwise."""
    usual: dict[str, object] = {
        "nature": "Route à 1 chaussée",
        "importance": "4",
        "sens_de_circulation": "Double sens",
        "vitesse_moyenne_vl": 40.0,
        "acces_vehicule_leger": "Libre",
        "etat_de_l_objet": "En service",
        "nom_collaboratif_gauche": None,
        "cpx_numero": None,
        "date_modification": "2022-03-16 10:00:00",
    }
    rows = [usual | {"geometry": line((0, row), (1, row))} | section for row, section in enumerate(sections)]
    return gpd.GeoDataFrame(pd.DataFrame(rows), geometry="geometry", crs="EPSG:2154")


def route500(*sections: dict[str, object]) -> gpd.GeoDataFrame:
    usual: dict[str, object] = {"VOCATION": "Liaison locale", "SENS": "Double sens", "ACCES": "Libre", "ETAT": "Revêtu"}
    rows = [usual | {"NUM_ROUTE": "D817", "geometry": line((0, row), (1, row))} | s for row, s in enumerate(sections)]
    return gpd.GeoDataFrame(pd.DataFrame(rows), geometry="geometry", crs="EPSG:2154")


def write(frame: gpd.GeoDataFrame, path: Path, *, layer: str | None = None) -> Path:
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    else:
        pyogrio.write_dataframe(frame, path, layer=layer)
    return path


def read(frame: gpd.GeoDataFrame, tmp_path: Path, *, mapping: str = "bdtopo") -> tuple[gpd.GeoDataFrame, RoadReport]:
    path = write(frame, tmp_path / f"routes{len(list(tmp_path.iterdir()))}.gpkg")
    return read_road_layer(path, mapping=MAPPINGS[mapping], speeds=SPEEDS)


def faults_of(path: Path, *, mapping: str = "bdtopo", **options: object) -> tuple[Fault, ...]:
    with pytest.raises(InputError) as caught:
        read_road_layer(path, mapping=MAPPINGS[mapping], speeds=SPEEDS, **options)  # type: ignore[arg-type]
    assert all(fault.file == path.name and fault.remedy for fault in caught.value.faults)
    return caught.value.faults


def signs(table: gpd.GeoDataFrame) -> list[str]:
    pairs = zip(table.forward_kmh.notna(), table.backward_kmh.notna(), strict=True)
    return [f"{'+' if forward else ''}{'-' if backward else ''}" for forward, backward in pairs]


def test_mappings_are_dated_sourced_and_lead_to_known_classes() -> None:
    assert list(MAPPINGS) == ["bdtopo", "route500"]
    for mapping in MAPPINGS.values():
        assert mapping.valid_from <= dt.date(2026, 11, 22)
        assert "IGN" in mapping.reference
        assert {rule.road_class for rule in mapping.classes} <= set(speeds_kmh(SPEEDS))


def test_a_section_of_bd_topo(tmp_path: Path) -> None:
    table, report = read(bdtopo({"nom_collaboratif_gauche": "RTE DE LOURDES"}, {"cpx_numero": "D921A"}), tmp_path)
    assert list(table.columns) == [*COLUMNS, "geometry"]
    assert table["name"].tolist() == ["RTE DE LOURDES", "D921A"]
    assert table.road_class.tolist() == ["tertiary", "tertiary"]
    assert table.forward_kmh.tolist() == table.backward_kmh.tolist() == [40.0, 40.0]
    assert table.duration_min.isna().all()
    assert table.length_m.tolist() == pytest.approx([100.0, 100.0], abs=0.1)
    assert not shapely.has_z(table.geometry.to_numpy()).any()
    assert table.crs == "EPSG:2154"
    assert report.data_date == dt.date(2022, 3, 16)
    assert (report.records, report.kept, report.left_out, report.noticed) == (2, 2, {}, {})


@pytest.mark.parametrize(
    ("nature", "importance", "road_class"),
    [
        ("Type autoroutier", "1", "motorway"),
        ("Bretelle", "3", "motorway_link"),
        ("Route à 2 chaussées", "2", "trunk"),
        ("Route à 2 chaussées", "4", "tertiary"),
        ("Route à 1 chaussée", "1", "primary"),
        ("Route à 1 chaussée", "3", "secondary"),
        ("Route à 1 chaussée", "5", "unclassified"),
        ("Route à 1 chaussée", "6", "service"),
        ("Route à 1 chaussée", None, "service"),
        ("route a 1 chaussee", "3", "secondary"),
        ("Route empierrée", "6", "track"),
    ],
)
def test_nature_and_importance_give_the_class(
    tmp_path: Path, nature: str, importance: str | None, road_class: str
) -> None:
    table, _ = read(bdtopo({"nature": nature, "importance": importance, "vitesse_moyenne_vl": None}), tmp_path)
    assert table.road_class.tolist() == [road_class]
    assert table.forward_kmh.tolist() == [speeds_kmh(SPEEDS)[road_class]]


def test_directions(tmp_path: Path) -> None:
    words = ["Double sens", "Sens direct", "Sens inverse", "Sans objet", None, "Sens caché"]
    table, report = read(bdtopo(*({"sens_de_circulation": word} for word in words)), tmp_path)
    assert signs(table) == ["+-", "+", "-", "+-", "+-", "+-"]
    assert report.noticed == {"sens de circulation inconnu, double sens gardé": 2}


def test_what_is_left_out_is_counted_by_reason(tmp_path: Path) -> None:
    table, report = read(
        bdtopo(
            {},
            {"nature": "Sentier"},
            {"nature": "Sentier"},
            {"nature": "Téléphérique"},
            {"nature": None},
            {"acces_vehicule_leger": "Restreint aux ayants droit"},
            {"acces_vehicule_leger": "A péage"},
            {"etat_de_l_objet": "En construction"},
            {"geometry": None},
            {"geometry": shapely.Point(X, Y)},
            {"geometry": line((0, 0), (0, 0))},
        ),
        tmp_path,
    )
    assert len(table) == 2
    assert report.left_out == {
        "géométrie vide ou qui n'est pas une ligne": 2,
        "nature=Sentier": 2,
        "acces_vehicule_leger=Restreint aux ayants droit": 1,
        "etat_de_l_objet=En construction": 1,
        f"nature inconnue{NBSP}: Téléphérique": 1,
        f"nature inconnue{NBSP}: vide": 1,
        "section sans longueur": 1,
    }
    assert report.records == report.kept + sum(report.left_out.values()) == 11


def test_a_mean_speed_of_zero_or_none_leaves_that_of_the_class(tmp_path: Path) -> None:
    table, report = read(bdtopo(*({"vitesse_moyenne_vl": kmh} for kmh in (58.0, 0.0, None))), tmp_path)
    assert table.forward_kmh.tolist() == [58.0, 40.0, 40.0]
    assert list(report.noticed.values()) == [2]


def test_seasonal_closures_are_counted(tmp_path: Path) -> None:
    _, report = read(bdtopo({"periode_de_fermeture": "novembre à mai"}, {"periode_de_fermeture": None}), tmp_path)
    assert report.noticed == {"fermeture saisonnière non appliquée": 1}


def test_a_roundabout_and_an_unpaved_road_are_capped(tmp_path: Path) -> None:
    around, _ = read(bdtopo({"nature": "Rond-point", "vitesse_moyenne_vl": None}), tmp_path)
    assert around.forward_kmh.tolist() == [25.0]
    table, _ = read(
        route500({}, {"VOCATION": "Liaison principale", "ETAT": "Non revêtu"}, {"VOCATION": "Type autoroutier"}),
        tmp_path,
        mapping="route500",
    )
    assert table.road_class.tolist() == ["tertiary", "primary", "motorway"]
    assert table.forward_kmh.tolist() == [40.0, 40.0, 90.0]


def test_a_ferry_has_a_duration(tmp_path: Path) -> None:
    table, _ = read(bdtopo({"nature": "Bac ou liaison maritime", "vitesse_moyenne_vl": None}), tmp_path)
    assert table.road_class.tolist() == ["ferry"]
    assert table.duration_min.tolist() == pytest.approx([0.1 / 5 * 60], abs=0.01)


def test_route_500_reads_with_its_own_words(tmp_path: Path) -> None:
    words = ["Double sens", "Sens unique", "Sens inverse"]
    table, report = read(
        route500(*({"SENS": word} for word in words), {"ETAT": "En construction"}), tmp_path, mapping="route500"
    )
    assert signs(table) == ["+-", "+", "-"]
    assert table["name"].tolist() == ["D817"] * 3
    assert report.left_out == {"ETAT=En construction": 1}
    assert report.data_date is None


def test_ends_at_the_same_decimetre_are_one_node(tmp_path: Path) -> None:
    near = shapely.LineString([(X + 100.03, Y + 0.02), (X + 200, Y)])
    far = shapely.LineString([(X + 200.3, Y), (X + 300, Y)])
    table, _ = read(bdtopo({}, {"geometry": near}, {"geometry": far}), tmp_path)
    nodes = np.unique(table[["from_node", "to_node"]].to_numpy())
    assert len(nodes) == 5
    assert table.to_node[0] == table.from_node[1]
    assert table.to_node[1] != table.from_node[2]


def test_parts_of_a_multiline_are_sections(tmp_path: Path) -> None:
    both = shapely.MultiLineString([line((0, 0), (1, 0)), line((2, 0), (3, 0))])
    table, report = read(bdtopo({"geometry": both}, {}), tmp_path)
    assert len(table) == 3
    assert (report.records, report.kept) == (2, 2)


@pytest.mark.parametrize("suffix", [".gpkg", ".shp", ".parquet"])
def test_formats_and_crs_give_the_same_roads(tmp_path: Path, suffix: str) -> None:
    short = {
        "sens_de_circulation": "SENS",
        "vitesse_moyenne_vl": "VIT_MOY_VL",
        "acces_vehicule_leger": "ACCES_VL",
        "etat_de_l_objet": "ETAT",
        "nom_collaboratif_gauche": "NOM_COLL_G",
        "cpx_numero": "NUMERO",
        "date_modification": "DATE_MAJ",
    }
    frame = bdtopo({"cpx_numero": "D8"}, {"sens_de_circulation": "Sens inverse"}).rename(columns=short)
    expected, _ = read(frame, tmp_path)
    path = write(frame, tmp_path / f"routes{suffix}")
    table, _ = read_road_layer(path, mapping=MAPPINGS["bdtopo"], speeds=SPEEDS)
    pd.testing.assert_frame_equal(pd.DataFrame(table), pd.DataFrame(expected))
    world, _ = read(frame.to_crs("EPSG:4326"), tmp_path)
    mercator, _ = read(frame.to_crs("EPSG:3857"), tmp_path)
    for other in (world, mercator):
        assert other.length_m.tolist() == pytest.approx(expected.length_m.tolist(), abs=0.01)
        assert len(np.unique(other[["from_node", "to_node"]].to_numpy())) == 4


def test_names_cut_by_a_shapefile_are_known(tmp_path: Path) -> None:
    frame = bdtopo({"sens_de_circulation": "Sens inverse", "vitesse_moyenne_vl": 33.0}, {"acces_vehicule_leger": "x"})
    table, _ = read(frame.rename(columns={name: name[:10] for name in frame.columns}), tmp_path)
    assert signs(table) == ["-", "+-"]
    assert table.backward_kmh.tolist() == [33.0, 40.0]


def test_the_layer_is_chosen_by_its_name_or_asked_for(tmp_path: Path) -> None:
    path = write(bdtopo({}), tmp_path / "bdtopo.gpkg", layer="troncon_de_route")
    write(bdtopo({}, {}), path, layer="autre")
    mapping = find_mapping(path, mappings=MAPPINGS)
    assert mapping.code == "bdtopo"
    assert len(read_road_layer(path, mapping=mapping, speeds=SPEEDS)[0]) == 1
    assert len(read_road_layer(path, mapping=mapping, speeds=SPEEDS, layer="autre")[0]) == 2
    (fault,) = faults_of(path, layer="absente")
    assert "routes_couche" in fault.remedy


def test_a_layer_is_recognised_by_its_columns(tmp_path: Path) -> None:
    assert find_mapping(write(route500({}), tmp_path / "r.shp"), mappings=MAPPINGS).code == "route500"
    assert find_mapping(write(bdtopo({}), tmp_path / "b.parquet"), mappings=MAPPINGS).code == "bdtopo"
    unknown = write(bdtopo({}).rename(columns={"nature": "genre"}), tmp_path / "x.gpkg")
    with pytest.raises(InputError, match=r"BD TOPO.*ROUTE 500"):
        find_mapping(unknown, mappings=MAPPINGS)
    (fault,) = faults_of(unknown)
    assert "nature" in fault.expected
    assert "genre" not in fault.expected


def test_wrong_speeds_are_located(tmp_path: Path) -> None:
    path = write(bdtopo({}, {"vitesse_moyenne_vl": -30.0}, {"vitesse_moyenne_vl": math.inf}), tmp_path / "v.gpkg")
    assert [(fault.row, fault.column, fault.value) for fault in faults_of(path)] == [
        (3, "vitesse_moyenne_vl", "-30.0"),
        (4, "vitesse_moyenne_vl", "inf"),
    ]
    words = write(bdtopo({"vitesse_moyenne_vl": "vite"}, {"vitesse_moyenne_vl": "50"}), tmp_path / "mots.gpkg")
    assert [(fault.row, fault.value) for fault in faults_of(words)] == [(2, "vite")]


def test_a_layer_without_line_without_crs_or_without_road_is_refused(tmp_path: Path) -> None:
    points = write(bdtopo({"geometry": shapely.Point(X, Y)}), tmp_path / "points.gpkg")
    assert faults_of(points)[0].expected == "des lignes"
    bare = write(bdtopo({})[["nature", "geometry"]], tmp_path / "nu.shp")
    bare.with_suffix(".prj").unlink()
    assert "CRS" in faults_of(bare)[0].expected
    paths = write(bdtopo({"nature": "Sentier"}), tmp_path / "sentiers.gpkg")
    assert "nature=Sentier" in faults_of(paths)[0].remedy


def test_a_wrong_crs_or_another_territory_is_refused(tmp_path: Path) -> None:
    frame = bdtopo({})
    mislabelled = frame.set_crs("EPSG:4326", allow_override=True)
    assert "ailleurs" in faults_of(write(mislabelled, tmp_path / "metres.gpkg"))[0].remedy
    degrees = frame.to_crs("EPSG:4326").set_crs("EPSG:2154", allow_override=True)
    assert "ailleurs" in faults_of(write(degrees, tmp_path / "degres.gpkg"))[0].remedy
    here = write(frame, tmp_path / "ici.gpkg")
    tarbes, manosque = (-0.3, 42.6, 0.7, 43.7), (5.5, 43.6, 7.0, 44.7)
    assert len(read_road_layer(here, mapping=MAPPINGS["bdtopo"], speeds=SPEEDS, bounds=tarbes)[0]) == 1
    assert "ailleurs" in faults_of(here, bounds=manosque)[0].remedy


def test_a_disguised_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "routes.gpkg"
    path.write_text("<OGRVRTDataSource/>", encoding="utf-8")
    assert "GPKG" in faults_of(path)[0].expected
    with pytest.raises(InputError):
        find_mapping(path, mappings=MAPPINGS)


def test_a_mapping_of_the_departement_is_added(tmp_path: Path) -> None:
    own = tmp_path / "correspondance.toml"
    own.write_text(
        """
[[layer]]
code = "sig65"
label = "Routes du département"
valid_from = 2026-01-01
reference = "Service des routes"
layers = ["voies"]
columns = { kind = ["type"], speed = ["vitesse"] }
classes = [{ kinds = ["RD"], road_class = "secondary" }, { kinds = ["VC"], road_class = "vicinale" }]
direction = {}
""",
        encoding="utf-8",
    )
    mappings = read_mappings(own)
    assert list(mappings) == ["bdtopo", "route500", "sig65"]
    roads = gpd.GeoDataFrame({"type": ["RD"]}, geometry=[line((0, 0), (1, 0))], crs="EPSG:2154")
    path = write(roads, tmp_path / "voies.gpkg")
    mapping = find_mapping(path, mappings=mappings)
    table, _ = read_road_layer(path, mapping=mapping, speeds=SPEEDS)
    assert (mapping.code, table.forward_kmh.tolist()) == ("sig65", [55.0])
    lanes = write(roads.assign(type="VC"), tmp_path / "vc.gpkg")
    with pytest.raises(SchemeError, match="vicinale"):
        read_road_layer(lanes, mapping=mapping, speeds=SPEEDS)


@pytest.mark.parametrize(
    ("columns", "direction", "word"),
    [
        ('{ genre = ["type"] }', "{}", "genre"),
        ('{ speed = ["v"] }', "{}", "kind"),
        ('{ kind = ["t"] }', '{ "1" = "avant" }', "avant"),
        ("3", "{}", "correspondance"),
    ],
)
def test_a_wrong_mapping_is_refused(tmp_path: Path, columns: str, direction: str, word: str) -> None:
    path = tmp_path / "correspondance.toml"
    path.write_text(
        f'[[layer]]\ncode = "x"\nlabel = "x"\nvalid_from = 2026-01-01\nreference = "x"\nlayers = []\nclasses = []\n'
        f"columns = {columns}\ndirection = {direction}\n",
        encoding="utf-8",
    )
    with pytest.raises(SchemeError, match=word):
        read_mappings(path)


def marseille(path: Path) -> gpd.GeoDataFrame:
    """Sections of BD TOPO of Marseille 10e, from the rows of a database dump."""
    text = path.read_text(encoding="utf-8")
    definition = text[text.index("CREATE TABLE") : text.index(");")]
    names = re.findall(r"^    (\w+) ", definition, re.MULTILINE)
    head = "INSERT INTO troncon_de_route VALUES ("
    rows = [row.removeprefix(head)[:-2] for row in text.splitlines() if row.startswith(head)]
    values = csv.reader(rows, quotechar="'", skipinitialspace=True)
    table = pd.DataFrame(values, columns=names).replace("NULL", None)
    table["vitesse_moyenne_vl"] = table["vitesse_moyenne_vl"].astype("float64")
    lines = gpd.GeoSeries.from_wkb(table["geom"])
    return gpd.GeoDataFrame(table.drop(columns=["geom", "fid"]), geometry=lines.array, crs="EPSG:2154")


def test_real_sections_of_bd_topo(tmp_path: Path, shared: Callable[[str], Path]) -> None:
    frame = marseille(shared("roads/troncon_route_marseille10_bdtopo.sql"))
    path = write(frame, tmp_path / "bdtopo.gpkg", layer="troncon_de_route")
    mapping: LayerMapping = find_mapping(path, mappings=MAPPINGS)
    table, report = read_road_layer(path, mapping=mapping, speeds=SPEEDS, bounds=(5.3, 43.2, 5.6, 43.4))
    assert (report.records, report.kept, report.data_date) == (2936, 2045, dt.date(2022, 3, 16))
    assert report.left_out["acces_vehicule_leger=Restreint aux ayants droit"] == 372
    assert sum(report.left_out.values()) == 2936 - 2045
    assert len(table) == 2045
    assert table.length_m.sum() == pytest.approx(table.geometry.length.sum(), rel=1e-3)
    by_class = (table.groupby("road_class").length_m.sum() / 1000).round(1).to_dict()
    assert by_class["motorway"] == pytest.approx(9.5, abs=0.1)
    assert by_class["unclassified"] == pytest.approx(81.6, abs=0.1)
    assert table.forward_kmh[table.road_class == "motorway"].min() == 95.0
    assert len(np.unique(table[["from_node", "to_node"]].to_numpy())) == 1747
    assert not (table.forward_kmh.isna() & table.backward_kmh.isna()).any()
