"""Extracts changed inside: the mutator itself, and what the reader refuses before a library reads it."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from fuzz_extracts import BOMBS, extracts, fields_of, frames_of, inside, message, packed, sound_roads

from sdaasp_geo.errors import InputError
from sdaasp_geo.road_speeds import read_road_parameters
from sdaasp_geo.sources.osm_roads import read_osm_roads

osmium = pytest.importorskip("osmium")
SPEEDS = read_road_parameters()


def test_frames_and_fields_are_written_as_they_were_read() -> None:
    for extract in extracts():
        frames = frames_of(extract)
        assert [kind for kind, _ in frames] == [b"OSMHeader", b"OSMData", b"OSMData", b"OSMData"]
        assert all(message(fields_of(content)) == content for _, content in frames)
        assert frames_of(b"".join(map(packed, frames))) == frames


def test_changes_keep_the_frames_and_change_what_they_hold() -> None:
    rng = random.Random(1)  # noqa: S311 - repeatable, not secret
    (seed, *_) = extracts()
    changed = [inside(rng, seed, [seed]) for _ in range(50)]
    assert all(len(frames_of(extract)) == len(frames_of(seed)) for extract in changed)
    assert sum(frames_of(extract) != frames_of(seed) for extract in changed) >= 40


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_blob_that_swells_is_refused_at_once(bomb: Callable[[], bytes], tmp_path: Path) -> None:
    path = tmp_path / "a.osm.pbf"
    head, *others = frames_of(extracts()[0])
    path.write_bytes(packed(head) + packed((b"OSMData", bomb())) + b"".join(map(packed, others)))
    assert path.stat().st_size < 200_000
    start = time.perf_counter()
    with pytest.raises(InputError, match="un extrait OpenStreetMap complet"):
        read_osm_roads(path, speeds=SPEEDS)
    assert time.perf_counter() - start < 5


@pytest.mark.parametrize("packing", ["zlib", "lz4", "none"])
def test_extracts_are_read_however_they_are_packed(packing: str, tmp_path: Path) -> None:
    path = tmp_path / "a.osm.pbf"
    with osmium.SimpleWriter(osmium.io.File(str(path), f"pbf,pbf_compression={packing}")) as writer:
        for number in (1, 2):
            writer.add_node(SimpleNamespace(id=number, location=(number / 100, 43.0), tags={}, version=1))
        writer.add_way(SimpleNamespace(id=1, nodes=[1, 2], tags={"highway": "primary"}, version=1))
    assert len(read_osm_roads(path, speeds=SPEEDS)[0]) == 1


@pytest.mark.parametrize(("number", "read"), [(-1, False), (2**35, True), (2**35 + 1, False), (2**62, False)])
def test_ids_are_those_of_openstreetmap(number: int, read: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a parameter
    path = tmp_path / "a.osm.pbf"
    with osmium.SimpleWriter(str(path)) as writer:
        for place, node in enumerate(sorted((1, number))):
            writer.add_node(SimpleNamespace(id=node, location=(place / 100, 43.0), tags={}, version=1))
        writer.add_way(SimpleNamespace(id=1, nodes=[1, number], tags={"highway": "primary"}, version=1))
    if read:
        assert set(read_osm_roads(path, speeds=SPEEDS)[0].iloc[0][["from_node", "to_node"]]) == {1, number}
    else:
        with pytest.raises(InputError, match="un extrait OpenStreetMap complet"):
            read_osm_roads(path, speeds=SPEEDS)


@pytest.mark.parametrize(("place", "read"), [((180.0, 90.0), True), ((180.1, 43.0), False), ((0.0, -90.1), False)])
def test_roads_stay_on_the_earth(place: tuple[float, float], read: bool, tmp_path: Path) -> None:  # noqa: FBT001
    path = tmp_path / "a.osm.pbf"
    with osmium.SimpleWriter(str(path)) as writer:
        for number, where in enumerate([(0.0, 43.0), place], start=1):
            writer.add_node(SimpleNamespace(id=number, location=where, tags={}, version=1))
        writer.add_way(SimpleNamespace(id=1, nodes=[1, 2], tags={"highway": "primary"}, version=1))
    for bounds in (None, (-1.0, 42.0, 1.0, 44.0)):
        if read:
            assert len(sound_roads(read_osm_roads(path, speeds=SPEEDS, bounds=bounds)[0])) == 1
        else:
            with pytest.raises(InputError):
                read_osm_roads(path, speeds=SPEEDS, bounds=bounds)
