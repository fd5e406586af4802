"""Run inside QGIS by ``build_qgis_screenshot.py``: one algorithm of the plugin, then a picture of the window."""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path

import processing
from qgis.core import QgsApplication, QgsMapLayer, QgsProject, QgsRectangle
from qgis.PyQt.QtCore import QModelIndex, QTimer
from qgis.PyQt.QtGui import QColor
from qgis.PyQt.QtWidgets import QDockWidget, QToolBar, QTreeView
from qgis.utils import iface

WIDTH_PX, HEIGHT_PX = 1440, 900
PANELS = {"Layers": 420, "ProcessingToolbox": 330}
TOOLBARS = {"mMapNavToolBar", "mAttributesToolBar"}
LEGENDS_OPEN = {"communes"}
MARGIN = 1.12
SETTLE_MS = 2500


def arrange() -> None:
    """Leave the panels that matter, and the toolbox open at the plugin."""
    window = iface.mainWindow()
    window.resize(WIDTH_PX, HEIGHT_PX)
    for dock in window.findChildren(QDockWidget):
        dock.setVisible(dock.objectName() in PANELS)
        if dock.objectName() in PANELS:
            dock.setFixedWidth(PANELS[dock.objectName()])
    for bar in window.findChildren(QToolBar):
        bar.setVisible(bar.objectName() in TOOLBARS)
    toolbox = window.findChild(QDockWidget, "ProcessingToolbox")
    tree = toolbox.findChild(QTreeView)
    tree.collapseAll()
    model = tree.model()
    for row in range(model.rowCount()):
        index = model.index(row, 0)
        if "SDAASP" in str(index.data()):
            tree.expandRecursively(index)
            tree.scrollTo(index, QTreeView.PositionAtTop)


def show_layers(hidden: set[str]) -> None:
    """Open the legend that matters and hide what would hide the rest; no layer is selected."""
    iface.mapCanvas().setCanvasColor(QColor("#ffffff"))
    for node in QgsProject.instance().layerTreeRoot().findLayers():
        name = layer_name(node.layer())
        node.setExpanded(name in LEGENDS_OPEN)
        node.setItemVisibilityChecked(name not in hidden)
    iface.layerTreeView().setCurrentIndex(QModelIndex())


def zoom() -> None:
    """Zoom on the département, once QGIS has shown all."""
    canvas = iface.mapCanvas()
    for layer in QgsProject.instance().mapLayers().values():
        if layer_name(layer) == "departement":
            extent = QgsRectangle(layer.extent())
            extent.scale(MARGIN)
            canvas.setExtent(extent)
    canvas.refresh()
    QTimer.singleShot(SETTLE_MS, shoot)


def layer_name(layer: QgsMapLayer) -> str:
    """Return the name of a layer in its GeoPackage."""
    return layer.source().rsplit("layername=", 1)[-1]


def shoot() -> None:
    """Save the picture and leave, whatever the project would ask."""
    iface.mapCanvas().waitWhileRendering()
    QgsApplication.processEvents()
    saved = iface.mainWindow().grab().save(os.environ["SDAASP_PICTURE"])
    os._exit(0 if saved else 1)


def main() -> None:
    """Run, arrange, and take the picture once everything is drawn."""
    try:
        algorithm, folder = os.environ["SDAASP_ALGORITHM"], str(Path(os.environ["SDAASP_FOLDER"]))
        processing.runAndLoadResults(algorithm, {"SCHEMA": os.environ["SDAASP_SCHEME"], "DOSSIER": folder})
        arrange()
        show_layers(set(os.environ.get("SDAASP_HIDDEN", "").split(",")))
    except Exception:  # noqa: BLE001 - a window that stays open would never tell
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
    QTimer.singleShot(SETTLE_MS, zoom)


QTimer.singleShot(SETTLE_MS, main)
