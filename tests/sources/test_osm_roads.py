"""Roads of OpenStreetMap: what is for cars, in which direction, how fast; cut at junctions; nothing lost unsaid."""

from __future__ import annotations

import datetime as dt
import math
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pytest

from sdaasp_geo.errors import InputError
from sdaasp_geo.road_speeds import RoadParameters, read_road_parameters
from sdaasp_geo.sources import osm_tags
from sdaasp_geo.sources.osm_roads import read_osm_roads
from sdaasp_geo.sources.osm_tags import CarWay, blocks_cars, car_way, duration_min, limit_kmh, rules_of
from sdaasp_geo.sources.roads import COLUMNS, RoadReport

osmium = pytest.importorskip("osmium")

SPEEDS = read_road_parameters()
RULES = rules_of(SPEEDS)
PLACES = {
    1: (0.000, 43.0),
    2: (0.010, 43.0),
    3: (0.020, 43.0),
    4: (0.030, 43.0),
    5: (0.010, 43.01),
    6: (0.010, 43.02),
    7: (0.020, 43.01),
}
KM_PER_001_DEGREE = 0.8154
"""One hundredth of a degree of longitude at 43° north, in kilometres."""

Places = Mapping[int, tuple[float, float]]
Way = tuple[Sequence[int], dict[str, str]]


def extract(
    tmp_path: Path,
    ways: Sequence[Way],
    *,
    places: Places = PLACES,
    tags: Mapping[int, dict[str, str]] | None = None,
    relations: Sequence[dict[str, str]] = (),
    name: str = "essai.osm.pbf",
) -> Path:
    """Write an extract of a few nodes and ways."""
    path = tmp_path / name
    path.unlink(missing_ok=True)
    header = osmium.io.Header()
    header.set("osmosis_replication_timestamp", "2026-01-05T20:21:08Z")
    with osmium.SimpleWriter(str(path), header=header) as writer:
        for node, place in places.items():
            writer.add_node(SimpleNamespace(id=node, location=place, tags=(tags or {}).get(node, {}), version=1))
        for number, (refs, way_tags) in enumerate(ways, start=1):
            writer.add_way(SimpleNamespace(id=number, nodes=list(refs), tags=way_tags, version=1))
        for number, relation in enumerate(relations, start=1):
            writer.add_relation(SimpleNamespace(id=number, members=[("w", 1, "from")], tags=relation, version=1))
    return path


def read(path: Path, *, speeds: RoadParameters = SPEEDS) -> tuple[gpd.GeoDataFrame, RoadReport]:
    return read_osm_roads(path, speeds=speeds)


def refused(path: Path, match: str, **options: object) -> None:
    with pytest.raises(InputError, match=match) as caught:
        read_osm_roads(path, speeds=SPEEDS, **options)  # type: ignore[arg-type]
    assert all(fault.file == path.name and fault.remedy for fault in caught.value.faults)


def way(**tags: str) -> CarWay | str:
    return car_way({key.replace("__", ":"): value for key, value in tags.items()}, RULES, Counter())


def directions(**tags: str) -> str:
    found = way(highway="primary", **tags)
    if isinstance(found, str):
        return found
    return "".join(sign for sign, kmh in (("+", found.forward_kmh), ("-", found.backward_kmh)) if not math.isnan(kmh))


def forward_kmh(**tags: str) -> float:
    found = way(**tags)
    assert isinstance(found, CarWay)
    return found.forward_kmh


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({}, "+-"),
        ({"oneway": "yes"}, "+"),
        ({"oneway": "1"}, "+"),
        ({"oneway": "-1"}, "-"),
        ({"oneway": "no"}, "+-"),
        ({"oneway": "alternating"}, "+-"),
        ({"oneway": "reversible"}, "oneway=reversible"),
        ({"oneway": "peut-être"}, "+-"),
        ({"junction": "roundabout"}, "+"),
        ({"junction": "roundabout", "oneway": "no"}, "+-"),
        ({"oneway": "yes", "oneway__motor_vehicle": "no"}, "+-"),
        ({"motor_vehicle__forward": "no"}, "-"),
        ({"vehicle__backward": "private"}, "+"),
        ({"oneway": "yes", "motor_vehicle__forward": "no"}, "aucun sens ouvert"),
    ],
)
def test_directions(tags: dict[str, str], expected: str) -> None:
    assert directions(**tags) == expected


def test_a_motorway_is_one_way_unless_it_says_otherwise() -> None:
    found = way(highway="motorway")
    assert isinstance(found, CarWay)
    assert math.isnan(found.backward_kmh)
    both = way(highway="motorway", oneway="no")
    assert isinstance(both, CarWay)
    assert both.backward_kmh == both.forward_kmh == 90.0


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({"access": "private"}, "access=private"),
        ({"access": "no"}, "access=no"),
        ({"access": "no", "motor_vehicle": "yes"}, "+-"),
        ({"access": "yes", "vehicle": "no"}, "vehicle=no"),
        ({"motorcar": "yes", "motor_vehicle": "no"}, "+-"),
        ({"motor_vehicle": "agricultural;forestry"}, "motor_vehicle=agricultural"),
        ({"motor_vehicle": "agricultural;destination"}, "+-"),
        ({"access": "destination"}, "+-"),
        ({"access": "customers"}, "+-"),
        ({"access": "mystery"}, "+-"),
        ({"area": "yes"}, "area=yes"),
        ({"smoothness": "impassable"}, "smoothness=impassable"),
        ({"service": "emergency_access"}, "service=emergency_access"),
    ],
)
def test_access(tags: dict[str, str], expected: str) -> None:
    assert directions(**tags) == expected


@pytest.mark.parametrize("road_class", ["footway", "path", "steps", "construction", "track", "pedestrian"])
def test_what_is_not_for_cars_is_named_by_its_class(road_class: str) -> None:
    assert way(highway=road_class) == road_class


def test_a_track_or_a_pedestrian_street_that_admits_cars_is_slow() -> None:
    for road_class in ("track", "pedestrian"):
        assert forward_kmh(highway=road_class, motor_vehicle="destination") == 10.0


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({}, 65.0),
        ({"maxspeed": "50"}, 40.0),
        ({"maxspeed": "30 mph"}, 0.8 * 48.28032),
        ({"maxspeed": "FR:urban"}, 40.0),
        ({"maxspeed": "FR:rural"}, 64.0),
        ({"maxspeed": "IT:rural"}, 65.0),
        ({"maxspeed": "FR:zone30"}, 24.0),
        ({"maxspeed": "50;30"}, 24.0),
        ({"maxspeed": "130"}, 65.0),
        ({"maxspeed": "none"}, 65.0),
        ({"maxspeed": "signals"}, 65.0),
        ({"maxspeed": "0"}, 65.0),
        ({"maxspeed": "-30"}, 65.0),
        ({"maxspeed:forward": "30", "maxspeed": "50"}, 24.0),
        ({"maxspeed:backward": "30"}, 65.0),
        ({"source:maxspeed": "FR:urban"}, 40.0),
        ({"surface": "gravel"}, 40.0),
        ({"surface": "asphalt"}, 65.0),
        ({"surface": "gravel", "smoothness": "very_bad"}, 20.0),
        ({"tracktype": "grade3"}, 30.0),
        ({"junction": "roundabout"}, 25.0),
        ({"surface": "sand", "maxspeed": "50"}, 20.0),
    ],
)
def test_the_lowest_of_class_caps_and_limit_holds(tags: dict[str, str], expected: float) -> None:
    found = car_way({"highway": "primary", **tags}, RULES, Counter())
    assert isinstance(found, CarWay)
    assert found.forward_kmh == pytest.approx(expected)


@pytest.mark.parametrize(
    ("value", "expected"), [("walk", 5.0), ("12.5", 12.5), ("", None), ("fast", None), ("FR:x", None)]
)
def test_limits_that_cannot_be_read_are_none(value: str, expected: float | None) -> None:
    assert limit_kmh(value, RULES) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [("00:20", 20.0), ("1:30", 90.0), ("00:10:30", 10.5), ("45", 45.0), ("PT1H5M", 65.0), ("PT30S", 0.5)],
)
def test_durations(value: str, expected: float) -> None:
    assert duration_min(value) == expected


@pytest.mark.parametrize("value", ["", "00:00", "20 min", "-5", "PT", "1:75"])
def test_durations_that_cannot_be_read_are_missing(value: str) -> None:
    assert math.isnan(duration_min(value))


def test_a_ferry_carries_cars_only_when_it_says_so() -> None:
    assert way(route="ferry") == osm_tags.NO_DECLARED_CARS
    assert way(route="ferry", motor_vehicle="no") == "motor_vehicle=no"
    assert way(route="hiking") == "route=hiking"
    found = way(route="ferry", motor_vehicle="yes", duration="00:20", name="Bac")
    assert isinstance(found, CarWay)
    assert (found.road_class, found.name, found.duration_min) == ("ferry", "Bac", 20.0)


def test_what_is_seen_and_not_applied_is_counted() -> None:
    noticed: Counter[str] = Counter()
    for tags in (
        {"motor_vehicle:conditional": "no @ (Nov-May)"},
        {"maxspeed": "variable"},
        {"access": "mystery"},
        {"oneway": "alternating"},
        {"oneway": "peut-être"},
    ):
        car_way({"highway": "primary", **tags}, RULES, noticed)
    car_way({"route": "ferry", "motor_vehicle": "yes", "duration": "long"}, RULES, noticed)
    assert set(noticed.values()) <= {0, 1}
    assert {label for label, number in noticed.items() if number} == {
        osm_tags.CONDITIONAL,
        osm_tags.UNREADABLE_LIMIT,
        osm_tags.UNKNOWN_ACCESS,
        osm_tags.ALTERNATING,
        osm_tags.UNKNOWN_ONEWAY,
        osm_tags.UNREADABLE_DURATION,
    }


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({"barrier": "bollard"}, True),
        ({"barrier": "bollard", "bollard": "rising"}, False),
        ({"barrier": "bollard", "motor_vehicle": "yes"}, False),
        ({"barrier": "gate"}, False),
        ({"barrier": "gate", "access": "private"}, True),
        ({"barrier": "toll_booth"}, False),
    ],
)
def test_barriers(tags: dict[str, str], *, expected: bool) -> None:
    assert blocks_cars(tags) is expected


def test_ways_are_cut_where_they_meet(tmp_path: Path) -> None:
    roads = [([1, 2, 3, 4], {"highway": "primary", "name": "Avenue"}), ([5, 2], {"highway": "tertiary", "ref": "D 8"})]
    table, report = read(extract(tmp_path, [*roads, ([6, 3], {"highway": "footway"})]))
    assert list(table.columns) == [*COLUMNS, "geometry"]
    assert table[["from_node", "to_node"]].to_numpy().tolist() == [[1, 2], [2, 4], [5, 2]]
    assert table["name"].tolist() == ["Avenue", "Avenue", "D 8"]
    assert (table.length_m / 1000).round(3).tolist()[:2] == pytest.approx(
        [KM_PER_001_DEGREE, 2 * KM_PER_001_DEGREE], abs=2e-3
    )
    assert [len(line.coords) for line in table.geometry] == [2, 3, 2]
    assert list(table.geometry[2].coords) == [PLACES[5], PLACES[2]]
    assert table.duration_min.isna().all()
    assert table.crs.to_epsg() == 4326
    assert {str(table[name].dtype) for name in ("from_node", "to_node")} == {"int64"}
    assert report == RoadReport("essai.osm.pbf", dt.date(2026, 1, 5), 3, 2, {"footway": 1}, {})


def test_loops_and_parallel_ways_are_kept(tmp_path: Path) -> None:
    streets = [([1, 2, 5, 1], {"highway": "residential"}), ([1, 2], {"highway": "service"})]
    table, _ = read(extract(tmp_path, streets))
    assert table[["from_node", "to_node"]].to_numpy().tolist() == [[1, 2], [1, 2], [2, 1]]
    alone, _ = read(extract(tmp_path, [([3, 4, 7, 3], {"highway": "residential"})]))
    assert alone[["from_node", "to_node"]].to_numpy().tolist() == [[3, 3]]


def test_a_barrier_separates_its_sides(tmp_path: Path) -> None:
    path = extract(tmp_path, [([1, 2, 3], {"highway": "residential"})], tags={2: {"barrier": "bollard"}})
    table, report = read(path)
    keys = table[["from_node", "to_node"]].to_numpy()
    assert len(table) == 2
    assert len(np.unique(keys)) == 4
    assert (keys < 0).sum() == 2
    assert list(report.noticed.values()) == [1]
    assert "obstacle" in next(iter(report.noticed))


def test_a_ferry_shares_its_time_by_length_and_waits_once(tmp_path: Path) -> None:
    crossing = {"route": "ferry", "motor_vehicle": "yes", "duration": "00:30"}
    path = extract(tmp_path, [([1, 2, 4], crossing), ([2, 5], {"highway": "service"})])
    table, _ = read(path)
    ferry = table[table.road_class == "ferry"]
    assert ferry.duration_min.tolist() == pytest.approx([10.0, 20.0])
    own = tmp_path / "vitesses.toml"
    own.write_text(
        '[[setting]]\ncode = "bac-attente-min"\nvalue = 15.0\nunit = "minutes"\n'
        'valid_from = 2026-01-01\nreference = "Horaire du bac"\n',
        encoding="utf-8",
    )
    waiting, _ = read(path, speeds=read_road_parameters(own))
    assert waiting.duration_min.sum() == pytest.approx(45.0)
    plain, _ = read(extract(tmp_path, [([1, 2], {"route": "ferry", "motorcar": "yes"})]))
    assert plain.duration_min.tolist() == pytest.approx([KM_PER_001_DEGREE / 5 * 60], abs=0.05)


def test_two_nodes_at_one_place_are_one_where_a_way_ends(tmp_path: Path) -> None:
    places = {**PLACES, 12: PLACES[2], 13: PLACES[3]}
    path = extract(
        tmp_path,
        [
            ([1, 2, 3, 4], {"highway": "primary"}),
            ([5, 12], {"highway": "tertiary"}),
            ([6, 13, 7], {"highway": "service"}),
        ],
        places=places,
    )
    table, report = read(path)
    assert table[["from_node", "to_node"]].to_numpy().tolist() == [[1, 2], [2, 4], [5, 2], [6, 7]]
    assert [(label.split(" ")[1], number) for label, number in report.noticed.items()] == [("superposé", 1)]


def test_a_vertex_repeated_or_absent_is_mended_and_counted(tmp_path: Path) -> None:
    roads = [
        ([1, 1, 2, 99, 3, 4, 4], {"highway": "primary"}),
        ([5, 98], {"highway": "primary"}),
        ([6, 6], {"highway": "road"}),
    ]
    table, report = read(extract(tmp_path, roads))
    assert table[["from_node", "to_node"]].to_numpy().tolist() == [[1, 2], [3, 4]]
    assert (report.records, report.kept, report.left_out) == (3, 1, {"voie sans longueur": 2})
    assert list(report.noticed.values()) == [2]


def test_turn_restrictions_are_counted(tmp_path: Path) -> None:
    turn = {"type": "restriction", "restriction": "no_left_turn"}
    _, report = read(
        extract(tmp_path, [([1, 2], {"highway": "primary"})], relations=[turn, {"type": "route", "route": "bus"}])
    )
    assert report.noticed == {"interdiction de tourner non appliquée": 1}


def test_nodes_and_ways_given_twice_count_once(tmp_path: Path) -> None:
    path = tmp_path / "double.osm.pbf"
    with osmium.SimpleWriter(str(path)) as writer:
        for node, place in (*PLACES.items(), *PLACES.items()):
            writer.add_node(SimpleNamespace(id=node, location=place, tags={}, version=1))
        for _ in range(2):
            writer.add_way(SimpleNamespace(id=1, nodes=[1, 2, 3], tags={"highway": "primary"}, version=1))
    table, report = read(path)
    assert table[["from_node", "to_node"]].to_numpy().tolist() == [[1, 3]]
    assert report.data_date is None
    assert list(report.noticed.values()) == [1 + 3]


def test_bad_files_are_refused_with_their_remedy(tmp_path: Path) -> None:
    refused(tmp_path / "absent.osm.pbf", "existant")
    text = tmp_path / "texte.osm.pbf"
    text.write_text("<osm></osm>", encoding="utf-8")
    refused(text, r"\.osm\.pbf")
    refused(extract(tmp_path, [([1, 2], {"highway": "footway"})]), "au moins une route")
    refused(extract(tmp_path, []), "au moins une route")
    refused(extract(tmp_path, [([8, 9], {"highway": "primary"})]), "au moins une route")


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    whole = extract(tmp_path, [([1, 2], {"highway": "primary"})]).read_bytes()
    for size in (len(whole) - 1, len(whole) // 2, 70):
        path = tmp_path / "court.osm.pbf"
        path.write_bytes(whole[:size])
        refused(path, "tronqué")


def test_an_extract_of_elsewhere_is_refused(tmp_path: Path) -> None:
    path = extract(tmp_path, [([1, 2], {"highway": "primary"})])
    assert len(read_osm_roads(path, speeds=SPEEDS, bounds=(-0.3, 42.6, 0.7, 43.7))[0]) == 1
    refused(path, "ailleurs", bounds=(5.0, 43.0, 7.0, 45.0))


def test_a_history_is_refused(tmp_path: Path) -> None:
    written = tmp_path / "histoire.osh.pbf"
    header = osmium.io.Header()
    header.has_multiple_object_versions = True
    with osmium.SimpleWriter(str(written), header=header) as writer:
        writer.add_node(SimpleNamespace(id=1, location=(0.0, 43.0), version=1))
    path = written.rename(tmp_path / "histoire.osm.pbf")
    refused(path, "une seule version")


def test_without_pyosmium_the_remedy_is_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = extract(tmp_path, [([1, 2], {"highway": "primary"})])
    monkeypatch.setitem(__import__("sys").modules, "osmium", None)
    refused(path, "pip install osmium")


@pytest.mark.parametrize(
    ("name", "day", "kept", "km", "one_way", "nodes"),
    [
        ("andorra_worldkg", dt.date(2021, 6, 22), 2533, 509.7, 0.167, 3484),
        ("andorra_graphhopper", dt.date(2013, 5, 28), 1167, 413.5, 0.107, 1726),
        ("liechtenstein_valhalla", dt.date(2015, 7, 27), 2403, 428.0, 0.017, 3501),
        ("monaco_osrm", dt.date(2016, 3, 5), 1702, 345.1, 0.267, 2265),
    ],
)
def test_real_extracts(
    shared: Callable[[str], Path], name: str, day: dt.date, kept: int, km: float, one_way: float, nodes: int
) -> None:
    start = time.perf_counter()
    table, report = read(shared(f"roads/{name}.osm.pbf"))
    assert time.perf_counter() - start < 20
    assert (report.data_date, report.kept) == (day, kept)
    assert report.records == report.kept + sum(report.left_out.values())
    assert table.length_m.sum() / 1000 == pytest.approx(km, abs=0.1)
    closed = table.forward_kmh.isna() | table.backward_kmh.isna()
    assert table.length_m[closed].sum() / table.length_m.sum() == pytest.approx(one_way, abs=0.001)
    ends = table[["from_node", "to_node"]].to_numpy()
    assert len(np.unique(ends)) == nodes
    assert not (table.forward_kmh.isna() & table.backward_kmh.isna()).any()
    assert table.geometry.is_valid.all()
    by_key = [tuple(row) for row in table[["from_node", "to_node", "length_m"]].to_numpy()]
    assert by_key == sorted(by_key)
    again, _ = read(shared(f"roads/{name}.osm.pbf"))
    assert again.equals(table)
