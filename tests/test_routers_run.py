"""A whole run by a router: the engine is used and said in every output, and the times agree with the road engine's."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from scipy.spatial import Delaunay

from sdaasp_geo import measure, prepare, read_scheme
from sdaasp_geo.cli import app
from sdaasp_geo.errors import InputError, SchemeError
from sdaasp_geo.scheme import SCHEME_FILE, find_scheme, with_roads
from sdaasp_geo.study import Study

osmium = pytest.importorskip("osmium", reason="osmium is not installed (extra « roads »)")
MODULES = {"osrm": "osrm", "valhalla": "valhalla"}
NAMES = {"osrm": "OSRM", "valhalla": "Valhalla"}


@pytest.fixture(params=sorted(MODULES))
def router(request: pytest.FixtureRequest) -> str:
    name = str(request.param)
    if importlib.util.find_spec(MODULES[name]) is None:
        pytest.skip(f"{NAMES[name]} is not installed (extra « routers », Python ≥ 3.12)")
    return name


@pytest.fixture(scope="module")
def extract(study_65: Study, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write an extract whose roads join neighbouring mairies in straight lines."""
    communes = study_65.communes[study_65.communes["ref_x"].notna()]
    xy = communes[["ref_x", "ref_y"]].to_numpy()
    pairs = np.unique(np.sort(Delaunay(xy).simplices[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1), axis=0)
    pairs = pairs[np.hypot(*(xy[pairs[:, 0]] - xy[pairs[:, 1]]).T) < 30_000]
    degrees = _degrees(xy, str(communes.crs))
    path = tmp_path_factory.mktemp("roads") / "mairies.osm.pbf"
    with osmium.SimpleWriter(str(path)) as writer:
        for number, point in enumerate(degrees.tolist(), start=1):
            writer.add_node(osmium.osm.mutable.Node(id=number, location=tuple(point)))
        for number, (one, other) in enumerate(pairs.tolist(), start=1):
            nodes = [one + 1, other + 1]
            writer.add_way(osmium.osm.mutable.Way(id=number, nodes=nodes, tags={"highway": "secondary"}))
    return path


def _degrees(xy: np.ndarray, crs: str) -> np.ndarray:
    import pyproj  # noqa: PLC0415 - only here

    return np.column_stack(pyproj.Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(*xy.T))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the scheme of 65 with one service only: routers are slow."""
    text = (find_scheme("hautes-pyrenees") / SCHEME_FILE).read_text(encoding="utf-8")
    text = text.replace('actions = ["actions.csv"]\ngouvernance = ["governance.csv"]\n', "")
    both = 'services = ["france-services", "mairie"]'
    assert text.count(both) == 1
    folder = tmp_path_factory.mktemp("scheme")
    (folder / SCHEME_FILE).write_text(text.replace(both, 'services = ["france-services"]'), encoding="utf-8")
    return folder


def test_every_output_names_the_router(router: str, extract: Path, folder: Path, tmp_path: Path) -> None:
    arguments = ["build", str(folder), "--roads", str(extract), "--engine", router]
    done = CliRunner().invoke(
        app, [*arguments, "--out", str(tmp_path / "65"), "--cache", str(tmp_path / "cache"), "-q"]
    )
    assert done.exception is None
    assert done.output == ""
    manifest = json.loads((tmp_path / "65" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["method"]["code"] == router
    assert manifest["method"]["estimate"] is False
    assert "OpenStreetMap, extrait mairies.osm.pbf" in manifest["method"]["source"]
    assert "ODbL" in manifest["method"]["source"]
    pages = [tmp_path / "65" / "index.html", tmp_path / "65" / "maps" / "carte.html"]
    for page in [*pages, *sorted((tmp_path / "65" / "annexes").glob("*.html"))]:
        assert NAMES[router] in page.read_text(encoding="utf-8"), page.name


def test_times_agree_with_the_road_engine(router: str, extract: Path, folder: Path, tmp_path: Path) -> None:
    scheme = read_scheme(str(folder))
    ours, theirs = (
        measure(prepare(with_roads(scheme, extract, engine=engine)), cache=tmp_path).access
        for engine in ("routes", router)
    )
    assert set(theirs["reason"]) == {"atteint"}
    assert (theirs["snap_m"] < 1).all()
    both = ours.merge(theirs, on=["code", "service"], suffixes=("", "_router"), validate="one_to_one")
    assert len(both) == len(ours)
    ratio = (both["time_min"] / both["time_min_router"])[both["time_min"] > 5]
    assert 0.7 < ratio.median() < 1.3
    assert ratio.between(0.5, 1.6).all()


def test_an_extract_of_another_place_is_refused_before_anything_is_built(
    router: str, extract: Path, tmp_path: Path
) -> None:
    study = prepare(with_roads(read_scheme("alpes-de-haute-provence"), extract, engine=router))
    with pytest.raises(InputError):
        measure(study, cache=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_engine_without_roads_is_refused() -> None:
    scheme = read_scheme("hautes-pyrenees")
    for engine in MODULES:
        with pytest.raises(SchemeError, match=r"fichiers\.routes"):
            with_roads(scheme, engine=engine)
    with pytest.raises(SchemeError, match="ligne-droite, matrice, routes, osrm ou valhalla"):
        with_roads(scheme, engine="avion")
