"""Access from inhabited cells: totals that reconcile, the run that publishes them, and what changes for people."""

from __future__ import annotations

import json
from pathlib import Path

import geopandas as gpd
import msgspec
import numpy as np
import pandas as pd
import pytest

from sdaasp_geo import build, measure, prepare, read_scheme
from sdaasp_geo.scheme import Scheme
from sdaasp_geo.study import Measures, Study

STEP_M = 1000


@pytest.fixture(scope="module")
def scheme(study_65: Study, tmp_path_factory: pytest.TempPathFactory) -> Scheme:
    """Write a grid of one kilometre, one cell in five inhabited, and a scheme that names it."""
    studied = study_65.communes[study_65.communes["studied"]].to_crs("EPSG:3035")
    west, south, east, north = (int(bound // STEP_M) * STEP_M for bound in studied.total_bounds)
    x, y = np.meshgrid(np.arange(west, east, STEP_M), np.arange(south, north, STEP_M))
    chosen = (x // STEP_M * 7 + y // STEP_M * 3) % 5 == 0
    x, y = x[chosen], y[chosen]
    inside = gpd.points_from_xy(x + STEP_M / 2, y + STEP_M / 2, crs="EPSG:3035").within(studied.union_all())
    ids = [f"CRS3035RES1000mN{north_}E{east_}" for east_, north_ in zip(x[inside], y[inside], strict=True)]
    people = 1 + (x[inside] // STEP_M * 13 + y[inside] // STEP_M * 29) % 97 + 0.5
    path = tmp_path_factory.mktemp("cells") / "carreaux.csv"
    pd.DataFrame({"idcar_1km": ids, "ind": people}).to_csv(path, index=False)
    base = read_scheme("hautes-pyrenees")
    files = msgspec.structs.replace(base.fichiers, carreaux=str(path))
    return msgspec.structs.replace(base, fichiers=files)


@pytest.fixture(scope="module")
def measured(scheme: Scheme) -> tuple[Study, Measures]:
    study = prepare(scheme)
    return study, measure(study)


def test_cells_hold_the_legal_population_of_every_commune(measured: tuple[Study, Measures]) -> None:
    study, _ = measured
    assert study.cells is not None
    studied = study.communes[study.communes["studied"]].set_index("code")["population"]
    held = study.cells.groupby("code")["population"].sum()
    assert held.reindex(studied.index).tolist() == studied.tolist()


def test_totals_are_those_of_the_communes(measured: tuple[Study, Measures]) -> None:
    _, measures = measured
    assert measures.cell_coverage is not None
    keys = ["level", "territory", "part", "rule"]
    tables = (measures.coverage, measures.cell_coverage)
    whole, by_cell = (table.set_index(keys)["population"].sort_index() for table in tables)
    pd.testing.assert_series_equal(whole, by_cell)
    parts = ["population_within", "population_beyond", "population_not_measured"]
    assert measures.cell_coverage[parts].sum(axis="columns").tolist() == measures.cell_coverage["population"].tolist()


def test_every_cell_and_service_has_a_row(measured: tuple[Study, Measures]) -> None:
    study, measures = measured
    assert study.cells is not None
    assert measures.cells is not None
    assert len(measures.cells) == len(study.cells) * len(study.scheme.mesure.services)
    assert not measures.cells.duplicated(["cell", "service"]).any()
    reached = measures.cells["reason"] == "atteint"
    assert reached.all()
    assert (measures.cells["time_min"] <= measures.cells["inside_time_min"]).all()
    assert (measures.cells["time_min"] <= measures.cells["second_time_min"]).all()
    assert (measures.cells["place"] != measures.cells["second_place"]).all()
    assert (measures.cells["saved_min"] >= 0).all()


def test_a_commune_without_cell_is_measured_from_its_mairie(measured: tuple[Study, Measures]) -> None:
    study, measures = measured
    assert study.cells is not None
    assert measures.cells is not None
    alone = study.cells.loc[study.cells["cell"].str.startswith("commune:"), ["cell", "code"]]
    assert len(alone) > 0
    cells = measures.cells.merge(alone, on=["cell", "code"])
    communes = measures.access.merge(alone, on="code")
    both = cells.merge(communes, on=["code", "service"], suffixes=("", "_mairie"))
    assert len(both) == len(cells)
    assert both["time_min"].tolist() == both["time_min_mairie"].tolist()
    assert both["place"].tolist() == both["place_mairie"].tolist()


def test_the_run_publishes_cells(scheme: Scheme, tmp_path: Path) -> None:
    build(scheme, tmp_path / "run")
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text(encoding="utf-8"))
    cells = pd.read_parquet(tmp_path / "run" / "tables" / "carreaux.parquet")
    assert manifest["counts"]["cells"] == len(cells)
    assert "carreaux.csv" in [entry["name"] for entry in manifest["inputs"]]
    assert (tmp_path / "run" / "tables" / "couverture_carreaux.csv").is_file()
    layer = gpd.read_file(tmp_path / "run" / "layers.gpkg", layer="carreaux")
    assert len(layer) == len(cells)
    annexe = next((tmp_path / "run" / "annexes").glob("*adour-madiran*.html")).read_text(encoding="utf-8")
    assert "par carreaux habités" in annexe
