"""The file of the road graph: the same graph back, the same bytes, and every damage seen."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

from sdaasp_geo import disk
from sdaasp_geo.errors import TravelError
from sdaasp_geo.travel import road_file
from sdaasp_geo.travel.road_file import (
    SUFFIX,
    cached_road_graph,
    load_road_graph,
    road_fingerprint,
    save_road_graph,
    with_names,
)
from sdaasp_geo.travel.road_graph import RoadGraph, build_road_graph

CRS = "EPSG:2154"


def network(*, kmh: float = 60.0, fingerprint: str | None = None) -> RoadGraph:
    """Return a road along a line, with a branch at each node."""
    ends = [(0, 1), (1, 2), (2, 3), (1, 11), (2, 12)]
    xy = {node: (700_000.0 + 1000 * (node % 10), 6_500_000.0 + 1000 * (node // 10)) for pair in ends for node in pair}
    sections = gpd.GeoDataFrame(
        {
            "from_node": [tail for tail, _ in ends],
            "to_node": [head for _, head in ends],
            "road_class": "tertiary",
            "name": ["", "Rue de l'Église", "", "Œuvre «à part»", ""],
            "forward_kmh": kmh,
            "backward_kmh": [kmh, math.nan, kmh, kmh, kmh],
            "duration_min": math.nan,
            "length_m": 1000.0,
        },
        geometry=[shapely.LineString([xy[tail], xy[head]]) for tail, head in ends],
        crs=CRS,
    )
    return build_road_graph(sections, crs=CRS, source="essai, janvier 2026", fingerprint=fingerprint)


def assert_same(one: RoadGraph, other: RoadGraph) -> None:
    for field in one.__dataclass_fields__:
        a, b = getattr(one, field), getattr(other, field)
        if isinstance(a, np.ndarray):
            assert a.dtype == b.dtype, field
            assert np.array_equal(a, b), field
        else:
            assert a == b, field


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / f"graphe{SUFFIX}"
    save_road_graph(network(), path)
    return path


@pytest.mark.parametrize("verify", [True, False])
def test_the_same_graph_comes_back_read_only(saved: Path, *, verify: bool) -> None:
    graph = network()
    back = load_road_graph(saved, fingerprint=graph.fingerprint, verify=verify)
    assert_same(back, graph)
    assert not back.weight_ms.flags.writeable
    assert back.node_xy.flags.aligned
    base = back.edge_xy
    while isinstance(base.base, np.ndarray):
        base = base.base
    assert isinstance(base, np.memmap)


def test_the_same_graph_gives_the_same_bytes(saved: Path, tmp_path: Path) -> None:
    again = tmp_path / "autre" / f"graphe{SUFFIX}"
    save_road_graph(load_road_graph(saved), again)
    assert again.read_bytes() == saved.read_bytes()


def test_every_truncation_is_seen(saved: Path) -> None:
    whole = saved.read_bytes()
    for size in {0, 1, 7, 19, 20, 64, len(whole) // 2, *range(21, len(whole), 97), len(whole) - 1}:
        saved.write_bytes(whole[:size])
        with pytest.raises(TravelError, match=r"tronqué|vide"):
            load_road_graph(saved, verify=False)
    saved.write_bytes(whole + b"\0")
    with pytest.raises(TravelError, match="allongé"):
        load_road_graph(saved)


def test_every_changed_byte_that_matters_is_seen(saved: Path) -> None:
    graph, whole = network(), saved.read_bytes()
    for at in range(0, len(whole), 5):
        saved.write_bytes(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
        try:
            back = load_road_graph(saved, fingerprint=graph.fingerprint)
        except TravelError:
            continue
        assert_same(back, graph)  # the byte was padding between two arrays
        assert whole[at] == 0


def test_another_file_another_version_another_fingerprint(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TravelError, match="périmé"):
        load_road_graph(saved, fingerprint="0" * 64)
    monkeypatch.setattr(road_file, "BUILD_VERSION", road_file.BUILD_VERSION + 1)
    with pytest.raises(TravelError, match="d'une autre version"):
        load_road_graph(saved)
    monkeypatch.setattr(road_file, "FORMAT_VERSION", road_file.FORMAT_VERSION + 1)
    with pytest.raises(TravelError, match="d'une autre version"):
        load_road_graph(saved)
    saved.write_bytes(b"PK\x03\x04" + bytes(100))
    with pytest.raises(TravelError, match="d'une autre nature"):
        load_road_graph(saved)
    with pytest.raises(TravelError, match="illisible"):
        load_road_graph(saved.with_name("absent"))


def test_a_build_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / f"graphe{SUFFIX}"
    save_road_graph(network(), path)
    before = path.read_bytes()

    def killed(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(disk.os, "fsync", killed)
    with pytest.raises(KeyboardInterrupt):
        save_road_graph(network(kmh=50.0), path)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    assert path.read_bytes() == before


def test_what_a_killed_build_left_is_cleaned(tmp_path: Path) -> None:
    path = tmp_path / f"graphe{SUFFIX}"
    (tmp_path / f".{path.name}.partiel").mkdir()
    (tmp_path / f".{path.name}.partiel" / path.name).write_bytes(b"half")
    save_road_graph(network(), path)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_a_folder_that_is_a_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "dossier").write_text("")
    with pytest.raises(TravelError, match="n'a pas pu être enregistré"):
        save_road_graph(network(), tmp_path / "dossier" / f"graphe{SUFFIX}")


def test_the_cache_builds_once_and_rebuilds_what_is_damaged(tmp_path: Path) -> None:
    built: list[str] = []

    def build() -> RoadGraph:
        built.append("")
        return network()

    key = "ab" * 32
    graph, why = cached_road_graph(tmp_path, fingerprint=key, build=build)
    assert graph.fingerprint == key
    assert "pas encore été préparé" in why
    del graph
    graph, why = cached_road_graph(tmp_path, fingerprint=key, build=build)
    assert (len(built), why) == (1, "")
    del graph
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-4])
    graph, why = cached_road_graph(tmp_path, fingerprint=key, build=build)
    assert "tronqué" in why
    assert len(built) == 2
    assert_same(graph, replace(network(), fingerprint=key))


def test_the_fingerprint_follows_content_and_parameters(tmp_path: Path) -> None:
    one, other = tmp_path / "a.osm.pbf", tmp_path / "b.osm.pbf"
    one.write_bytes(b"roads")
    other.write_bytes(b"roads")
    key = road_fingerprint(one, {"crs": CRS, "speeds": {"track": 10.0, "primary": 60.0}})
    assert len(key) == 64
    assert road_fingerprint(other, {"speeds": {"primary": 60.0, "track": 10.0}, "crs": CRS}) == key
    assert road_fingerprint(one, {"crs": CRS, "speeds": {"track": 11.0, "primary": 60.0}}) != key
    other.write_bytes(b"Roads")
    assert road_fingerprint(other, {"crs": CRS, "speeds": {"track": 10.0, "primary": 60.0}}) != key


def test_names_are_put_in_what_is_kept_without_them() -> None:
    extracts = [Path("ailleurs") / "a {1}.osm.pbf", Path("b.osm.pbf")]
    assert with_names("extrait {0} ; extrait {1}", extracts) == "extrait a {1}.osm.pbf ; extrait b.osm.pbf"
    assert with_names("essai", extracts) == "essai"
