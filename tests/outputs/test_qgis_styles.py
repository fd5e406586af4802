"""Layers and styles in a real QGIS: what opens, how it is drawn, in QML and in SLD."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from sdaasp_geo.outputs import palette
from sdaasp_geo.outputs.geopackage import build_layers, write_geopackage
from sdaasp_geo.outputs.layer_model import MapLayer
from sdaasp_geo.outputs.siting_layers import siting_layers
from sdaasp_geo.study import Diagnosis, Measures, NewSites, Study

PYTHON = Path("/usr/bin/python3")
"""PyQGIS belongs to the interpreter of the system."""

SCRIPT = Path(__file__).resolve().parent.parent / "support" / "qgis_styles.py"


def run_python(*words: str, home: Path) -> subprocess.CompletedProcess[str]:
    home.chmod(0o700)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    own = {"QT_QPA_PLATFORM": "offscreen", "HOME": str(home), "XDG_RUNTIME_DIR": str(home)}
    return subprocess.run(  # noqa: S603 - fixed words
        [str(PYTHON), *words], capture_output=True, text=True, check=False, timeout=120, env=kept | own
    )


@pytest.fixture(scope="module")
def layers(study_65: Study, measures_65: Measures, diagnosis_65: Diagnosis, sites_65: NewSites) -> list[MapLayer]:
    """Layers of a run, then those that only a question about new sites has."""
    run = build_layers(study_65, dataclasses.replace(measures_65, diagnosis=diagnosis_65))
    names = {layer.name for layer in run}
    return [*run, *(layer for layer in siting_layers(study_65, sites_65) if layer.name not in names)]


@pytest.fixture(scope="module")
def seen(layers: list[MapLayer], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What QGIS says of the layers."""
    home = tmp_path_factory.mktemp("qgis")
    if not PYTHON.is_file() or run_python("-c", "import qgis.core", home=home).returncode:
        pytest.skip("QGIS (python3-qgis) is not installed: styles were checked as text only")
    path = write_geopackage([layer for layer in layers if layer.geometry], home / "layers.gpkg")
    done = run_python(str(SCRIPT), str(path), home=home)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_every_layer_opens_with_its_first_style(seen: dict[str, Any], layers: list[MapLayer]) -> None:
    assert seen["said"] == []
    assert set(seen["layers"]) == {layer.name for layer in layers if layer.geometry}
    first = {(one["table"], one["name"]): one["qml"] for one in seen["styles"]}
    for layer in layers:
        if layer.geometry:
            opened = seen["layers"][layer.name]
            wanted = first[layer.name, layer.styles[0].name]
            assert opened["valid"], layer.name
            assert opened["faults"] == [], layer.name
            assert (opened["renderer"], opened["rules"], opened["label"]) == (
                "RuleRenderer",
                wanted["rules"],
                wanted["label"],
            )


def test_every_style_loads_without_a_word(seen: dict[str, Any], layers: list[MapLayer]) -> None:
    assert [(one["table"], one["name"]) for one in seen["styles"]] == [
        (layer.name, style.name) for layer in layers for style in layer.styles
    ]
    for style in seen["styles"]:
        for kind in ("qml", "sld"):
            found = style[kind]
            assert (found["done"], found["message"], found["faults"]) == (True, "", []), (style["name"], kind)
            assert len(found["colours"]) > 1, f"{style['name']}, {kind}: nothing is drawn"


def test_labels_are_the_names(seen: dict[str, Any]) -> None:
    labels = {name: layer["label"] for name, layer in seen["layers"].items()}
    named = dict.fromkeys(("epci_voisins", "petr", "epci", "communes"), "nom")
    sites = {"communes_avant_apres": "commune", "fermetures": "lieu_nom", "lieux_proposes": "lieu_commune"}
    assert labels == {"departement": "", "zones": "", "points_services": "", **named, **sites}


def test_hatches_are_those_of_the_legend(seen: dict[str, Any]) -> None:
    communes = seen["layers"]["communes"]
    symbols = dict(zip(communes["rules"], communes["symbols"], strict=True))
    assert symbols["Non mesuré"] == ["SimpleFill", "LinePatternFill"]
    assert symbols["À vérifier (la bande d'erreur contient un seuil)"] == ["PointPatternFill"]
    assert seen["layers"]["zones"]["symbols"] == [["SimpleFill", "LinePatternFill"]]


def test_qgis_draws_the_same_classes_from_both_formats(seen: dict[str, Any]) -> None:
    (access,) = (one for one in seen["styles"] if one["name"] == "Accès")
    served = palette.class_colours(3)[0]
    for style in seen["styles"]:
        if style["table"] == "communes":
            assert set(style["qml"]["colours"]) & set(style["sld"]["colours"]) - {"#ffffff", "#000000"}, style["name"]
    for kind in ("qml", "sld"):
        assert {served, palette.NEIGHBOUR_COLOUR} <= set(access[kind]["colours"]), kind
