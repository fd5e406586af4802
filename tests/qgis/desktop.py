"""Run in the Python of QGIS: what a window would do, without one. The last line printed is JSON.

``desktop.py load ALGORITHM K=V…``   runs it in a project and loads its layers, as the toolbox does
``desktop.py cancel ALGORITHM K=V…`` stops it at its second step, as the button does
``desktop.py model ALGORITHM OUTPUT K=V…`` runs it in a model that takes a point on the surface of a layer it gives
``desktop.py copy ALGORITHM``         copies for the package a layer that holds a bow-tie, and stops a copy
``desktop.py first FILE``            tells the key and the position of the first point of service to correct
``desktop.py move FILE KEY X Y``     moves a point of service, as an edit session does, and saves it
``desktop.py unsaved FILE``          compares layers while one of them holds an edit that is not saved
"""

# ruff: noqa: T201 - it answers on its standard output

from __future__ import annotations

import json
import os
import sys
import time
from importlib import import_module

sys.path[:0] = ["/usr/share/qgis/python/plugins", "/usr/share/qgis/python"]

from qgis.analysis import QgsNativeAlgorithms  # noqa: E402 - found once the path is set
from qgis.core import (  # noqa: E402
    QgsApplication,
    QgsFeature,
    QgsFeatureRequest,
    QgsGeometry,
    QgsLayerTreeGroup,
    QgsPointXY,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingModelAlgorithm,
    QgsProcessingModelChildAlgorithm,
    QgsProcessingModelChildParameterSource,
    QgsProcessingModelOutput,
    QgsProject,
    QgsVectorLayer,
)

application = QgsApplication([], False)  # noqa: FBT003 - QGIS takes it by position
QgsApplication.setPrefixPath("/usr", True)  # noqa: FBT003
application.initQgis()

from processing.core.Processing import Processing  # noqa: E402 - it needs the application
from processing.gui.Postprocessing import handleAlgorithmResults  # noqa: E402


class Heard(QgsProcessingFeedback):
    """Keeps what is said; cancels at the second step where it is asked to."""

    def __init__(self, *, cancels: bool = False) -> None:
        super().__init__(False)  # noqa: FBT003 - QGIS takes it by position
        self.cancels, self.steps, self.progress, self.said = cancels, [], [], []
        self.progressChanged.connect(self.progress.append)

    def setProgressText(self, text: str) -> None:  # noqa: N802
        """Keep a step."""
        self.steps.append(text)
        if self.cancels and len(self.steps) > 1:
            self.cancel()

    def pushInfo(self, text: str) -> None:  # noqa: N802
        """Keep a line."""
        self.said.append(text)

    pushWarning = pushInfo  # noqa: N815

    def reportError(self, text: str, fatalError: bool = False) -> None:  # noqa: FBT001, FBT002, N802, N803, ARG002
        """Keep an error."""
        self.said.append(text)


def tree(node: QgsLayerTreeGroup) -> list:
    """Return the layers of a project: groups as [title, children], layers as dictionaries."""
    found = []
    for child in node.children():
        if hasattr(child, "layer") and child.layer() is not None:
            layer = child.layer()
            about = {"name": layer.name(), "style": layer.styleManager().currentStyle(), "valid": layer.isValid()}
            about |= {"styles": sorted(layer.styleManager().styles()), "rows": layer.featureCount()}
            found.append({**about, "renderer": layer.renderer().type() if layer.renderer() else ""})
        else:
            found.append([child.name(), tree(child)])
    return found


def run(name: str, parameters: dict, *, cancels: bool = False, times: int = 1) -> dict:
    """Run an algorithm in the project, then do what the toolbox does."""
    said: dict = {}
    for _ in range(times):
        algorithm = QgsApplication.processingRegistry().createAlgorithmById(f"sdaasp:{name}")
        context, feedback = QgsProcessingContext(), Heard(cancels=cancels)
        context.setProject(QgsProject.instance())
        begun = time.monotonic()
        try:
            results, success = algorithm.run(parameters, context, feedback)
        except QgsProcessingException as error:
            results, success = {"error": str(error)}, False
        said = {"results": results, "success": success, "steps": feedback.steps, "progress": feedback.progress}
        said |= {"said": feedback.said, "seconds": time.monotonic() - begun}
        if success:
            said["loaded"] = handleAlgorithmResults(algorithm, context, feedback, parameters=parameters)
    return {**said, "tree": tree(QgsProject.instance().layerTreeRoot())}


def model(name: str, output: str, parameters: dict) -> dict:
    """Run the algorithm as a step of a model, and count what the next step makes of one of its layers."""
    built = QgsProcessingModelAlgorithm("modèle", "essais")
    built.initAlgorithm()
    first = QgsProcessingModelChildAlgorithm(f"sdaasp:{name}")
    first.setChildId("premier")
    for key, value in parameters.items():
        first.addParameterSources(key, [QgsProcessingModelChildParameterSource.fromStaticValue(value)])
    built.addChildAlgorithm(first)
    second = QgsProcessingModelChildAlgorithm("native:pointonsurface")
    second.setChildId("second")
    second.addParameterSources("INPUT", [QgsProcessingModelChildParameterSource.fromChildOutput("premier", output)])
    final = QgsProcessingModelOutput("POINTS", "POINTS")
    final.setChildId("second")
    final.setChildOutputName("OUTPUT")
    second.setModelOutputs({"POINTS": final})
    built.addChildAlgorithm(second)
    context = QgsProcessingContext()
    results, success = built.run({"second:POINTS": "memory:"}, context, Heard())
    layer = context.takeResultLayer(results["second:POINTS"])
    return {"success": success, "rows": layer.featureCount()}


def copy(name: str) -> dict:
    """Copy a layer that holds a bow-tie, under each of the ways of QGIS with those, then stop one."""
    layer = QgsVectorLayer("Polygon?crs=EPSG:2154&field=code:string", "communes", "memory")
    for shape in ("POLYGON((0 0,10 10,10 0,0 10,0 0))", "POLYGON((20 0,30 0,30 10,20 0))"):
        feature = QgsFeature(layer.fields())
        feature.setGeometry(QgsGeometry.fromWkt(shape))
        layer.dataProvider().addFeature(feature)
    QgsProject.instance().addMapLayer(layer)
    exported = import_module("sdaasp_geo.algorithms.parameters").exported
    checks = {
        "none": QgsFeatureRequest.GeometryNoCheck,
        "skip": QgsFeatureRequest.GeometrySkipInvalid,
        "abort": QgsFeatureRequest.GeometryAbortOnInvalid,
    }
    rows, stopped = {}, ""
    for key, check in checks.items():
        algorithm = QgsApplication.processingRegistry().createAlgorithmById(f"sdaasp:{name}")
        context = QgsProcessingContext()
        context.setProject(QgsProject.instance())
        context.setInvalidGeometryCheck(check)
        given = algorithm, {"CONTOURS": layer.id()}, context, "CONTOURS"
        rows[key] = QgsVectorLayer(exported(*given, stopped=lambda: False), "copy", "ogr").featureCount()
        try:
            exported(*given, stopped=lambda: True)
        except QgsProcessingException as error:
            stopped = str(error)
    return {"rows": rows, "stopped": stopped}


def first(path: str) -> list:
    """Return the key and the position of the first point of service to correct."""
    layer = QgsVectorLayer(f"{path}|layername=points_services", "points", "ogr")
    feature = next(each for each in layer.getFeatures() if not each.geometry().isNull())
    point = feature.geometry().asPoint()
    return [feature["identifiant"], point.x(), point.y()]


def unsaved(path: str) -> dict:
    """Compare layers of the project while one of them holds an edit that is not saved."""
    layer = QgsVectorLayer(f"{path}|layername=points_services", "points", "ogr")
    QgsProject.instance().addMapLayer(layer)
    layer.startEditing()
    layer.deleteFeature(next(layer.getFeatures()).id())
    said = run("corrections_diff", {"COUCHES": path, "DATE": "2026-01-15", "FICHIER": f"{path}.csv"})
    layer.rollBack()
    return said


def move(path: str, key: str, x: str, y: str) -> dict:
    """Move a point of service of the layers to correct."""
    layer = QgsVectorLayer(f"{path}|layername=points_services", "points", "ogr")
    feature = next(each for each in layer.getFeatures() if each["identifiant"] == key)
    layer.startEditing()
    layer.changeGeometry(feature.id(), QgsGeometry.fromPointXY(QgsPointXY(float(x), float(y))))
    return {"saved": layer.commitChanges(), "errors": layer.commitErrors()}


def main(words: list[str]) -> dict | list:
    """Do what is asked."""
    Processing.initialize()
    registry = QgsApplication.processingRegistry()
    if registry.providerById("native") is None:
        registry.addProvider(QgsNativeAlgorithms(registry))
    sys.path.insert(0, os.environ["QGIS_PLUGINPATH"])
    plugin = import_module("sdaasp_geo").classFactory(None)
    plugin.initProcessing()
    parameters = dict(word.split("=", 1) for word in words if "=" in word)
    verb, name, *rest = words
    if verb == "copy":
        return copy(name)
    if verb == "first":
        return first(name)
    if verb == "unsaved":
        return unsaved(name)
    if verb == "move":
        return move(name, *rest)
    if verb == "model":
        return model(name, rest[0], parameters)
    return run(name, parameters, cancels=verb == "cancel", times=int(parameters.pop("TIMES", 1)))


print("\n" + json.dumps(main(sys.argv[1:]), default=str), flush=True)
QgsProject.instance().clear()
application.exitQgis()
