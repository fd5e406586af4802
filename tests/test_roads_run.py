"""A whole run on a road network: the engine is used, exact, and said in every output."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.spatial import Delaunay

from sdaasp_geo import build, measure, pipeline, prepare, read_scheme
from sdaasp_geo.errors import InputError, SchemeError
from sdaasp_geo.outputs.headline import headline_figures
from sdaasp_geo.pipeline import roads
from sdaasp_geo.scheme import with_roads
from sdaasp_geo.sources import road_layers
from sdaasp_geo.study import Measures, Study

osmium = pytest.importorskip("osmium", reason="osmium is not installed (extra « roads »)")


@pytest.fixture(scope="module")
def extract(study_65: Study, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write an extract whose roads join neighbouring mairies in straight lines: a known network of the real country."""
    communes = study_65.communes[study_65.communes["ref_x"].notna()]
    xy = communes[["ref_x", "ref_y"]].to_numpy()
    pairs = np.sort(Delaunay(xy).simplices[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
    pairs = np.unique(pairs, axis=0)
    pairs = pairs[np.hypot(*(xy[pairs[:, 0]] - xy[pairs[:, 1]]).T) < 30_000]
    points = communes.set_geometry(
        pd.Series(communes.geometry.representative_point(), index=communes.index), crs=communes.crs
    )
    degrees = points.set_geometry(_points(xy, str(communes.crs))).to_crs("EPSG:4326").geometry
    path = tmp_path_factory.mktemp("roads") / "mairies.osm.pbf"
    writer = osmium.SimpleWriter(str(path))
    for number, point in enumerate(degrees, start=1):
        writer.add_node(osmium.osm.mutable.Node(id=number, location=(point.x, point.y)))
    for number, (one, other) in enumerate(pairs, start=1):
        nodes = [int(one) + 1, int(other) + 1]
        writer.add_way(osmium.osm.mutable.Way(id=number, nodes=nodes, tags={"highway": "secondary"}))
    writer.close()
    return path


def _points(xy: np.ndarray, crs: str) -> object:
    import geopandas as gpd  # noqa: PLC0415 - only here

    return gpd.GeoSeries(gpd.points_from_xy(xy[:, 0], xy[:, 1]), crs=crs).to_numpy()


@pytest.fixture(scope="module")
def measured(extract: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Study, Measures]:
    study = prepare(with_roads(read_scheme("hautes-pyrenees"), extract))
    return study, measure(study, cache=tmp_path_factory.mktemp("cache"))


def test_every_commune_is_reached_by_road(measured: tuple[Study, Measures]) -> None:
    _, measures = measured
    assert measures.method.code == "routes"
    assert measures.method.estimate is False
    assert set(measures.access["reason"]) == {"atteint"}
    assert not measures.access["to_check"].any()
    assert (measures.access["snap_m"] < 1).all()
    assert set(measures.access["road_class"]) == {"secondary"}


def test_a_road_is_never_shorter_than_the_straight_line(measured: tuple[Study, Measures]) -> None:
    study, measures = measured
    own = measures.access[measures.access["service"] == "france-services"].merge(study.communes, on="code")
    places = study.points.drop_duplicates("id").set_index("id").geometry
    chosen = places.reindex(own["place"])
    straight_km = np.hypot(own["ref_x"] - chosen.x.to_numpy(), own["ref_y"] - chosen.y.to_numpy()) / 1000
    fastest_kmh = 130.0
    assert (own["time_min"] >= straight_km / fastest_kmh * 60 - 1e-6).all()


def test_nearest_inside_is_never_nearer(measured: tuple[Study, Measures]) -> None:
    _, measures = measured
    saved = measures.access["saved_min"].dropna()
    assert len(saved) > 0
    assert (saved >= 0).all()


def test_the_run_says_so_in_every_output(extract: Path, measured: tuple[Study, Measures], tmp_path: Path) -> None:
    scheme = with_roads(read_scheme("hautes-pyrenees"), extract)
    run = build(scheme, tmp_path / "65", cache=tmp_path / "cache")
    assert run.estimate is False
    manifest = json.loads((tmp_path / "65" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["method"]["code"] == "routes"
    assert "OpenStreetMap" in manifest["method"]["source"]
    assert "mairies.osm.pbf" in [entry["name"] for entry in manifest["inputs"]]
    assert str(extract.parent) not in (tmp_path / "65" / "manifest.json").read_text(encoding="utf-8")
    pages = [tmp_path / "65" / "index.html", tmp_path / "65" / "maps" / "carte.html"]
    for page in [*pages, *sorted((tmp_path / "65" / "annexes").glob("*.html"))]:
        text = page.read_text(encoding="utf-8")
        assert "réseau routier" in text, page.name
        assert "bande d&#39;erreur contient" not in text, page.name
    published = pd.read_parquet(tmp_path / "65" / "tables" / "acces.parquet").set_index(["code_commune", "service"])
    again = measured[1].access.set_index(["code", "service"])["time_min"].reindex(published.index)
    assert published["temps_min"].tolist() == again.tolist()


def test_an_extract_of_another_place_is_refused(extract: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError):
        pipeline.build_roads([extract], departement="974", cache=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == []


def test_a_missing_extract_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SchemeError, match="introuvable"):
        with_roads(read_scheme("hautes-pyrenees"), tmp_path / "absent.osm.pbf")


def test_a_kept_graph_cites_the_file_that_is_given(extract: Path, tmp_path: Path) -> None:
    other = tmp_path / "autre.osm.pbf"
    shutil.copy(extract, other)
    built = {
        cache: [pipeline.build_roads([path], departement="65", cache=tmp_path / cache) for path in paths]
        for cache, paths in {"a": [extract, other], "b": [other]}.items()
    }
    assert [bool(done.why_built) for done in built["a"]] == [True, False]
    sources = [done.graph.source for done in built["a"]]
    assert [name in source for name, source in zip([extract.name, other.name], sources, strict=True)] == [True, True]
    assert sources[1] == built["b"][0].graph.source  # whatever was kept before


def test_a_graph_is_built_again_by_other_readers(
    extract: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def why() -> bool:
        return bool(pipeline.build_roads([extract], departement="65", cache=tmp_path).why_built)

    assert [why(), why()] == [True, False]
    mappings = road_layers.read_mappings()
    fewer = dict(list(mappings.items())[1:])
    monkeypatch.setattr(road_layers, "read_mappings", lambda: fewer)
    assert [why(), why()] == [True, False]
    monkeypatch.setattr(roads, "READER_VERSION", roads.READER_VERSION + 1)
    assert [why(), why()] == [True, False]


def test_the_graph_is_kept(extract: Path, tmp_path: Path) -> None:
    first = pipeline.build_roads([extract], departement="65", cache=tmp_path)
    second = pipeline.build_roads([extract], departement="65", cache=tmp_path)
    assert first.why_built
    assert second.why_built == ""
    assert second.graph.fingerprint == first.graph.fingerprint
    assert [path.suffix for path in tmp_path.iterdir()] != []


def test_what_is_not_measured_is_said_in_the_headline(study_65: Study, measures_65: Measures) -> None:
    import dataclasses  # noqa: PLC0415 - only here

    coverage = measures_65.coverage.copy()
    coverage["population_not_measured"] = 12_000
    figures = headline_figures(study_65, dataclasses.replace(measures_65, coverage=coverage))
    assert "12\u202f000\u00a0habitants non mesurés" in figures[0].label


def test_two_halves_make_the_same_network(extract: Path, tmp_path: Path) -> None:
    whole = pipeline.build_roads([extract], departement="65", cache=tmp_path)
    twice = pipeline.build_roads([extract, extract], departement="65", cache=tmp_path)
    assert twice.summary["length_km"] == whole.summary["length_km"]
    assert twice.graph.fingerprint != whole.graph.fingerprint
