"""What a person corrects in QGIS: an editable GeoPackage, and the change file that comes of it."""

from __future__ import annotations

import re
from pathlib import Path

import geopandas as gpd
import pandas as pd

from sdaasp_geo import disk
from sdaasp_geo.errors import OutputError
from sdaasp_geo.french import NARROW_NBSP, NBSP
from sdaasp_geo.outputs import geopackage
from sdaasp_geo.outputs.layer_model import (
    NONE,
    POINT,
    POLYGON,
    Column,
    LayerStyle,
    MapLayer,
    grid_columns,
    typed_rows,
    with_geometry,
)
from sdaasp_geo.outputs.layer_styles import layer_styles
from sdaasp_geo.outputs.palette import MUTED
from sdaasp_geo.outputs.publish import published_file
from sdaasp_geo.outputs.style_model import Fill, Labels, StyleRule, StyleSpec
from sdaasp_geo.outputs.style_qml import render_qml
from sdaasp_geo.outputs.style_sld import render_sld
from sdaasp_geo.study import Study

_POINTS, _COUNTERS, _ORIGIN = "points_services", "communes_guichets", "origine_{}"
_COLUMNS = {
    "identifiant": Column("identifiant", "Identifiant", "", f"Ne pas modifier{NARROW_NBSP}; vide pour un point ajouté"),
    "motif": Column("motif", "Motif de la correction", "", "Pourquoi cet objet est corrigé"),
    "operateur": Column("operateur", "Opérateur", "", "Ne pas modifier"),
    "code_commune": Column("code_commune", "Code commune", "", "Ne pas modifier"),
    "commune": Column("commune", "Commune", "", "Ne pas modifier"),
    "epci": Column("epci", "EPCI", "", f"SIREN, ne pas modifier{NBSP}: le périmètre est officiel"),
    "epci_nom": Column("epci_nom", "Nom de l'EPCI", "", "Ne pas modifier"),
    "guichet": Column(
        "guichet",
        "Guichet compétent",
        "",
        f"Identifiant du lieu{NARROW_NBSP}; vide{NBSP}: supposé par le département",
    ),
}
_FARTHEST = 150_000
_CELL_START = re.compile(r"^(?=\W)|[;\t\n\r]\s*(?=[^\w\s;])")


def write_export(study: Study, path: Path, *, points: pd.DataFrame, counters: pd.DataFrame, fields: list[str]) -> Path:
    """Write what a person may correct, in the legal CRS of the territory; the same study gives the same bytes.

    Parameters
    ----------
    study : Study
        The layers: positions of the points, contours of the communes.
    path : Path
        The GeoPackage to write; it must not exist.
    points, counters : DataFrame
        As texts, by identifier (`layers.corrections`).
    fields : list of str
        Columns of the grid to show, position apart.

    Raises
    ------
    OutputError
        When the file exists (it may hold corrections), or cannot be written.
    """
    with disk.errors_said(path):
        taken = path.exists()
    if taken:
        message = (
            f"{path} existe et contient peut-être des corrections{NBSP}: rien n'a été écrit. Choisissez un autre nom."
        )
        raise OutputError(message)
    geometry = study.points.set_axis(
        pd.Index(study.points["id"] + "/" + study.points["service"]), axis="index"
    ).geometry.reindex(points.index)
    drawn = gpd.GeoDataFrame(points[fields].assign(motif=""), geometry=geometry).reset_index(names="identifiant")
    contours = study.communes.set_index("code").geometry
    labels = dict(zip([*study.epci["siren"], *study.neighbours["siren"]], _names(study), strict=True))
    named = counters.assign(epci_nom=counters["epci"].map(labels).fillna(""), motif="")
    areas = gpd.GeoDataFrame(
        named[["operateur", "code_commune", "commune", "epci", "epci_nom", "guichet", "motif"]],
        geometry=gpd.GeoSeries(counters["code_commune"].map(contours), crs=study.communes.crs),
    ).reset_index(names="identifiant")
    layers = [
        _layer(_COUNTERS, "Guichet compétent de chaque commune", POLYGON, areas, study),
        _layer(_POINTS, "Points de service à corriger", POINT, drawn, study),
        _layer(_ORIGIN.format(_POINTS), "Points de service exportés", NONE, points.reset_index(), study),
        _layer(_ORIGIN.format(_COUNTERS), "Guichets exportés", NONE, counters.reset_index(), study),
    ]
    with published_file(path) as beside:
        geopackage.write_geopackage(layers, beside)
    return path


def _names(study: Study) -> list[str]:
    return [*study.epci["name"], *study.neighbours["name"]]


def _layer(name: str, title: str, kind: str, rows: pd.DataFrame, study: Study) -> MapLayer:
    table = with_geometry(rows, kind=kind) if isinstance(rows, gpd.GeoDataFrame) else rows
    known = {**grid_columns(), **_COLUMNS} if name == _COUNTERS else {**_COLUMNS, **grid_columns()}
    columns = [str(column) for column in rows.columns if column != "geometry"]
    layer = MapLayer(
        name=name,
        title=f"{title} ({study.departement_name})",
        abstract="Export de sdaasp corrections export",
        geometry=kind,
        key=("identifiant",),
        rows=typed_rows(table).reset_index(drop=True),
        columns=tuple(known.get(column, Column(column, column)) for column in columns),
    )
    styles = layer_styles(layer, study) if name == _POINTS else (_outline(layer),) if name == _COUNTERS else ()
    return MapLayer(**{**vars(layer), "styles": styles})


def _outline(layer: MapLayer) -> LayerStyle:
    spec = StyleSpec(
        "Guichets",
        "Communes et leur guichet compétent",
        (StyleRule("Commune", Fill(outline=MUTED, outline_mm=0.2)),),
        labels=Labels("guichet", 8, MUTED, farthest=_FARTHEST),
        tip="commune",
    )
    return LayerStyle(spec.name, spec.description, render_qml(spec, layer.columns), render_sld(layer.name, spec))


def write_changes(changes: pd.DataFrame, path: Path) -> Path:
    """Write a change file (UTF-8 with mark, comma, CRLF); its texts are read back as they were, formulas stay texts.

    Raises
    ------
    OutputError
        When the file exists and is no change file, or cannot be written.
    """
    with disk.errors_said(path):
        foreign = path.exists() and not _starts_with(path, ",".join(changes.columns))
    if foreign:
        message = (
            f"{path} existe et n'est pas un fichier de corrections{NBSP}: rien n'a été écrit. Choisissez un autre nom."
        )
        raise OutputError(message)
    with published_file(path) as beside:
        changes.map(guarded).to_csv(beside, index=False, encoding="utf-8-sig", lineterminator="\r\n")
    return path


def _starts_with(path: Path, header: str) -> bool:
    """Tell whether what stands at a path is a file whose first line holds a header; no more than that is read."""
    if not path.is_file():
        return False
    with path.open(encoding="utf-8-sig", errors="replace") as source:
        return source.readline(len(header)) == header


def guarded(value: str) -> str:
    r"""Return a text that no spreadsheet takes for a formula, and that `sources.corrections` gives back as it was.

    An apostrophe goes before a first character that is neither letter nor digit, at the beginning and after a
    semicolon, a tab or a line break (where a French spreadsheet cuts a cell): whatever hides a formula is behind it.

    Examples
    --------
    >>> guarded("=1+1"), guarded("'Tarbes'"), guarded("a; =1+1"), guarded("Tarbes; Lourdes")
    ("'=1+1", "''Tarbes'", "a; '=1+1", 'Tarbes; Lourdes')
    """
    return _CELL_START.sub(r"\g<0>'", value)
