"""New sites on a real département: the tables agree with each other, and bad questions are refused in French."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from sdaasp_geo import read_scheme
from sdaasp_geo.errors import OutputError, SchemeError
from sdaasp_geo.outputs.siting import siting_tables
from sdaasp_geo.outputs.siting_layers import siting_layers
from sdaasp_geo.outputs.tables import describe_column
from sdaasp_geo.pipeline import Question, choose_sites, sites
from sdaasp_geo.study import NewSites, Study

SERVICE = "france-services"


@pytest.fixture
def found(sites_65: NewSites) -> NewSites:
    return sites_65


def test_gains_add_up_by_territory(found: NewSites) -> None:
    chosen = found.siting.sites
    assert len(chosen) == 3
    assert found.siting.proof.sentence == "optimal"
    epci = found.gains[found.gains["level"] == "epci"].groupby("place")["gain_population"].sum()
    assert epci[chosen["place"]].tolist() == chosen["gain_population"].tolist()
    before = found.coverage[found.coverage["level"] == "epci"]["before_population"].sum()
    after = found.coverage[found.coverage["level"] == "epci"]["after_population"].sum()
    assert after - before == chosen["gain_population"].sum()


def test_the_departement_is_its_legal_population(found: NewSites, study_65: Study) -> None:
    whole = found.coverage[found.coverage["level"] == "departement"].iloc[0]
    assert whole["population"] == study_65.communes.loc[study_65.communes["inside"], "population"].sum()


def test_a_laxer_threshold_never_serves_fewer(study_65: Study, found: NewSites) -> None:
    laxer = choose_sites(study_65, Question(service=SERVICE, count=3, threshold_min=20))
    assert laxer.siting.proof.objective >= found.siting.proof.objective


def test_every_column_is_described(study_65: Study, found: NewSites) -> None:
    undescribed = {
        (table.name, column)
        for table in siting_tables(study_65, found)
        for column in table.rows.columns
        if not describe_column(table.name, column)["meaning"]
    }
    assert undescribed == set()


def test_the_layers_hold_the_tables(study_65: Study, found: NewSites) -> None:
    layers = {layer.name: layer for layer in siting_layers(study_65, found)}
    assert list(layers) == ["departement", "epci", "communes_avant_apres", "fermetures", "lieux_proposes"]
    tables = {table.name: table.rows for table in siting_tables(study_65, found)}
    for name in ("communes_avant_apres", "fermetures", "lieux_proposes"):
        rows = layers[name].rows
        assert len(rows) == len(tables[name])
        assert not rows.geometry.is_empty.any()
        assert not rows.geometry.isna().any()
        assert layers[name].epsg == 2154
    proposed = layers["lieux_proposes"].rows
    communes = study_65.communes.set_index("code").geometry
    for row in proposed.itertuples():
        assert communes[row.lieu.removeprefix("commune:")].covers(row.geom)
    changed = layers["communes_avant_apres"].rows
    within = changed["dans_le_seuil_apres"] & ~changed["dans_le_seuil_avant"]
    assert changed.loc[within, "population"].sum() == proposed["habitants_gagnes"].sum()


@pytest.mark.parametrize("aim", ["couvrir", "rapprocher", "tout-couvrir"])
def test_a_run_writes_page_tables_and_manifest(aim: str, tmp_path: Path) -> None:
    question = Question(service=SERVICE, count=2, threshold_min=20, aim=aim)
    sites(read_scheme("hautes-pyrenees"), tmp_path / "one", question)
    sites(read_scheme("hautes-pyrenees"), tmp_path / "two", question)
    assert (tmp_path / "one" / "layers.gpkg").read_bytes() == (tmp_path / "two" / "layers.gpkg").read_bytes()
    manifest = (tmp_path / "one" / "manifest.json").read_bytes()
    assert manifest == (tmp_path / "two" / "manifest.json").read_bytes()
    content = json.loads(manifest)
    assert content["question"] == {
        "service": SERVICE,
        "aim": aim,
        "count": 2,
        "threshold_min": 20,
        "cap_min": 60,
    }
    assert content["answer"]["gap"] == 0
    assert "Où implanter" in (tmp_path / "one" / "index.html").read_text(encoding="utf-8")
    closures = pd.read_parquet(tmp_path / "one" / "tables" / "fermetures.parquet")
    assert (closures["habitants_les_plus_proches"] >= closures["habitants_sans_autre"]).all()


def test_a_bad_question_is_refused_at_once(study_65: Study) -> None:
    with pytest.raises(SchemeError) as refused:
        choose_sites(study_65, Question(service="piscine", count=0, threshold_min=0, aim="fermer"))
    message = str(refused.value)
    assert "piscine" in message
    assert "fermer" in message
    assert "au moins 1" in message
    assert "positif" in message


def test_a_folder_of_something_else_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "photo.png").write_bytes(b"x")
    with pytest.raises(OutputError):
        sites(read_scheme("hautes-pyrenees"), tmp_path, Question(service=SERVICE, count=1, threshold_min=20))
