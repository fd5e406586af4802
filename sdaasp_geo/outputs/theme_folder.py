"""The folder of one theme: its layers in a GeoPackage, its tables as CSV, and the manifest."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sdaasp_geo.outputs import geopackage, palette, tables
from sdaasp_geo.outputs.diagnosis_tables import diagnosis_tables
from sdaasp_geo.outputs.layer_model import LayerStyle, MapLayer
from sdaasp_geo.outputs.manifest import build_theme_manifest, warnings_of, write_manifest
from sdaasp_geo.outputs.style_model import Fill, Labels, StyleRule, StyleSpec
from sdaasp_geo.outputs.style_qml import render_qml
from sdaasp_geo.outputs.style_sld import render_sld
from sdaasp_geo.study import Measures, Study

LAYERS = {
    "perimetres": ("departement", "epci_voisins", "petr", "epci", "communes"),
    "acces": ("departement", "epci", "communes", "carreaux", "points_services"),
    "deficits": ("departement", "epci", "communes", "zones", "points_services"),
    "frontiere": ("departement", "epci_voisins", "epci", "communes", "points_services"),
}
"""Layers of each theme."""

TABLES = {
    "perimetres": (
        *("communes", "epci", "petr", "petr_communes", "voisins"),
        *("differences_perimetre", "evolution_perimetre", "vie_perimetres"),
    ),
    "acces": (
        *("acces", "couverture", "synthese", "points_services"),
        *("carreaux", "acces_carreaux", "couverture_carreaux", "synthese_carreaux"),
    ),
    "deficits": ("acces", "zones", "zones_communes", "criteres"),
    "frontiere": (
        *("voisins", "frontiere_acces", "frontiere_bilan", "frontiere_paires", "guichets", "penalite"),
        *("penalite_classes", "negociation", "negociation_bilan", "negociation_phrases", "points_services"),
    ),
}
"""Tables of each theme; those that the scheme cannot give are absent."""

_ALWAYS = "corrections"
_FIRST_STYLE = {"frontiere": "Frontière"}
_LABELS_FARTHEST = 150_000


@dataclass(frozen=True)
class Written:
    """What a theme wrote: files (relative to the folder), and what the reader must know."""

    files: tuple[str, ...]
    warnings: tuple[str, ...]


def write_theme_folder(study: Study, measures: Measures, theme: str, folder: Path, *, version: str) -> Written:
    """Write the layers and the tables of a theme, in an existing empty folder.

    The tables are those of a whole run, byte for byte.

    Parameters
    ----------
    study, measures : Study, Measures
        The layers and what was measured; a theme needs a part of it (`pipeline.theme`).
    theme : str
        A key of `LAYERS`.
    folder : Path
        Where to write.
    version : str
        Version of the package, for the manifest.
    """
    layers = [_dressed(layer, theme) for layer in geopackage.build_layers(study, measures, only=LAYERS[theme])]
    geopackage.write_geopackage(layers, folder / "layers.gpkg")
    (folder / "tables").mkdir()
    published = _tables(study, measures, theme)
    for table in published:
        tables.write_csv(table, folder / "tables")
    rows = {
        **{f"layers.gpkg: {layer.name}": len(layer.rows) for layer in layers},
        **{f"tables/{table.name}.csv": len(table.rows) for table in published},
    }
    write_manifest(build_theme_manifest(study, measures, theme=theme, version=version, rows=rows), folder)
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return Written(tuple(files), warnings_of(study, measures))


def _tables(study: Study, measures: Measures, theme: str) -> list[tables.Table]:
    wanted = {*TABLES[theme], _ALWAYS}
    return [
        table
        for table in (*tables.build_tables(study, measures), *diagnosis_tables(study, measures))
        if table.name in wanted and table.in_csv
    ]


def _dressed(layer: MapLayer, theme: str) -> MapLayer:
    """Open a layer on the style of the theme; communes without figures show their outline and name."""
    if layer.name != "communes":
        return layer
    styles = layer.styles or (_outline(layer),)
    first = _FIRST_STYLE.get(theme, styles[0].name)
    return dataclasses.replace(layer, styles=_starting_with(styles, first))


def _starting_with(styles: Sequence[LayerStyle], name: str) -> tuple[LayerStyle, ...]:
    return tuple(sorted(styles, key=lambda style: style.name != name))


def _outline(layer: MapLayer) -> LayerStyle:
    spec = StyleSpec(
        "Contours",
        "Contours et noms des communes",
        (StyleRule("Commune", Fill(outline=palette.MUTED, outline_mm=0.15)),),
        labels=Labels("nom", 8, palette.INK, farthest=_LABELS_FARTHEST),
    )
    return LayerStyle(spec.name, spec.description, render_qml(spec, layer.columns), render_sld(layer.name, spec))
