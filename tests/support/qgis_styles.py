"""What QGIS makes of a GeoPackage and its styles, as JSON; run by the interpreter that has PyQGIS, without the package.

``python3 qgis_styles.py layers.gpkg``: layers as they open, then every style of ``layer_styles`` as QML and as SLD.
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from qgis.core import (  # type: ignore[import-not-found]
    QgsApplication,
    QgsMapRendererCustomPainterJob,
    QgsMapSettings,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QSize  # type: ignore[import-not-found]
from qgis.PyQt.QtGui import QColor, QImage, QPainter  # type: ignore[import-not-found]
from qgis.PyQt.QtXml import QDomDocument  # type: ignore[import-not-found]

WIDE, HIGH = 200, 200
MANY = 12
"""Pixels of one colour that make it a class, not a seam between two."""


def opened(path: Path, name: str) -> Any:  # noqa: ANN401 - QGIS has no types
    """Open a layer as a project does: its default style comes with it."""
    return QgsVectorLayer(f"{path}|layername={name}", name, "ogr")


def described(layer: Any, *, where: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return how a layer is drawn, and the colours that it shows."""
    renderer = layer.renderer()
    rules = renderer.rootRule().children() if renderer.type() == "RuleRenderer" else []
    label = layer.labeling().settings().fieldName if layer.labelsEnabled() else ""
    faults = [rule.filter().parserErrorString() for rule in rules if rule.filter() and rule.filter().hasParserError()]
    colours, errors = drawn(layer, where=where)
    return {
        "valid": layer.isValid(),
        "renderer": renderer.type(),
        "rules": [rule.label() for rule in rules],
        "symbols": [[one.layerType() for one in rule.symbol().symbolLayers()] for rule in rules],
        "label": label,
        "faults": faults + errors,
        "colours": colours,
    }


def drawn(layer: Any, *, where: Any) -> tuple[list[str], list[str]]:  # noqa: ANN401
    """Draw a layer alone, small; return the colours that fill it and the errors."""
    settings = QgsMapSettings()
    settings.setLayers([layer])
    settings.setDestinationCrs(layer.crs())
    settings.setOutputSize(QSize(WIDE, HIGH))
    settings.setBackgroundColor(QColor("white"))
    settings.setExtent(where)
    settings.setFlag(QgsMapSettings.Antialiasing, False)  # noqa: FBT003 - Qt's own call
    settings.setFlag(QgsMapSettings.DrawLabeling, False)  # noqa: FBT003
    image = QImage(WIDE, HIGH, QImage.Format_RGB32)
    image.fill(QColor("white"))
    painter = QPainter(image)
    job = QgsMapRendererCustomPainterJob(settings, painter)
    job.renderSynchronously()
    painter.end()
    content = image.constBits()
    content.setsize(image.sizeInBytes())
    found = Counter(memoryview(bytes(content)).cast("I"))
    colours = sorted(f"#{pixel & 0xFFFFFF:06x}" for pixel, many in found.items() if many >= MANY)
    return colours, [error.message for error in job.errors()]


def styled(path: Path, row: tuple[str, str, str, str], folder: Path, *, where: Any) -> dict[str, Any]:  # noqa: ANN401
    """Give a layer one of its styles, as QML then as SLD."""
    table, name, qml, sld = row
    document = QDomDocument()
    document.setContent(qml)
    layer = opened(path, table)
    taken, message = layer.importNamedStyle(document)
    as_qml = described(layer, where=where)
    file = folder / "style.sld"
    file.write_text(sld, encoding="utf-8")
    layer = opened(path, table)
    said, done = layer.loadSldStyle(str(file))
    as_sld = described(layer, where=where)
    return {
        "table": table,
        "name": name,
        "qml": as_qml | {"done": taken, "message": message},
        "sld": as_sld | {"done": done, "message": said},
    }


def main(path: Path) -> None:
    """Print what QGIS makes of the file."""
    application = QgsApplication([], False)  # noqa: FBT003 - Qt's own call
    application.initQgis()
    said: list[str] = []
    application.messageLog().messageReceived.connect(lambda *words: said.append(str(words[0])))
    base = sqlite3.connect(path)
    names = [name for (name,) in base.execute("SELECT table_name FROM gpkg_contents WHERE data_type = 'features'")]
    rows = base.execute("SELECT f_table_name, styleName, styleQML, styleSLD FROM layer_styles").fetchall()
    base.close()
    where = opened(path, "departement").extent()
    with tempfile.TemporaryDirectory() as folder:
        answer = {
            "layers": {name: described(opened(path, name), where=where) for name in names},
            "styles": [styled(path, row, Path(folder), where=where) for row in rows],
            "said": said,
        }
    print(json.dumps(answer))  # noqa: T201 - its answer
    sys.stdout.flush()
    os._exit(0)  # QGIS may crash while it unloads


main(Path(sys.argv[1]))
