"""Data that routers prepare: kept by content, cited by name."""

from __future__ import annotations

from pathlib import Path

from sdaasp_geo.travel.router_data import prepared


def test_kept_data_cites_the_files_that_are_given(tmp_path: Path) -> None:
    extracts = [tmp_path / name for name in ("a.osm.pbf", "b.osm.pbf")]
    told: list[str] = []

    def describe() -> str:
        told.append("lu")
        return "extrait {0} du 2026-01-01"

    def build(extract: Path, home: Path) -> None:
        (home / "graphe").write_bytes(extract.read_bytes())

    for extract in extracts:
        extract.write_bytes(b"roads")
    found = [
        prepared(tmp_path / "cache", router="Essai", extracts=[extract], keyed={}, describe=describe, build=build)
        for extract in extracts
    ]
    assert [source for _, source in found] == ["extrait a.osm.pbf du 2026-01-01", "extrait b.osm.pbf du 2026-01-01"]
    assert found[0][0] == found[1][0]
    assert told == ["lu"]
