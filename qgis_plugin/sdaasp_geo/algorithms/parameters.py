"""Parameters that the algorithms share: a scheme, what replaces its data, layers exported for the package."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from qgis.core import (
    QgsFeatureRequest,
    QgsProcessing,
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeatureSource,
    QgsProcessingParameterDateTime,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterFile,
    QgsProcessingParameterString,
    QgsProcessingUtils,
    QgsVectorFileWriter,
)

from ..command import scheme_word
from ..texts import tr

SCHEME, SCHEME_FOLDER = "SCHEMA", "DOSSIER_SCHEMA"
SERVICES, COMMUNES_FILE, CORRECTIONS, ROADS = "SERVICES", "CONTOURS", "CORRECTIONS", "RESEAU"


def scheme_parameters() -> list[QgsProcessingParameterDefinition]:
    """Return the two ways to give a scheme."""
    return [
        QgsProcessingParameterString(
            SCHEME, tr("Schéma embarqué (nom)"), defaultValue="hautes-pyrenees", optional=True
        ),
        file_parameter(
            SCHEME_FOLDER,
            tr("Ou dossier d'un schéma (il contient scheme.toml)"),
            behavior=QgsProcessingParameterFile.Folder,
        ),
    ]


def data_parameters() -> list[QgsProcessingParameterDefinition]:
    """Return what may replace the data of the scheme."""
    return [
        QgsProcessingParameterFeatureSource(
            SERVICES,
            tr("Points de service (à la place de ceux du schéma)"),
            [QgsProcessing.TypeVectorPoint],
            optional=True,
        ),
        QgsProcessingParameterFeatureSource(
            COMMUNES_FILE,
            tr("Contours des communes (à la place de ceux du schéma)"),
            [QgsProcessing.TypeVectorPolygon],
            optional=True,
        ),
        file_parameter(CORRECTIONS, tr("Fichier de corrections"), extension="csv"),
    ]


def file_parameter(
    name: str,
    label: str,
    *,
    behavior: QgsProcessingParameterFile.Behavior = QgsProcessingParameterFile.File,
    extension: str = "",
    optional: bool = True,
) -> QgsProcessingParameterFile:
    """Return a parameter that takes a file, or a folder."""
    parameter = QgsProcessingParameterFile(name, label, behavior=behavior, extension=extension, optional=optional)
    if not extension:  # the default filter refuses names without a dot: python3
        parameter.setFileFilter("")
    return parameter


def day_parameter(name: str, label: str, *, optional: bool = True) -> QgsProcessingParameterDateTime:
    """Return a parameter that takes a day."""
    return QgsProcessingParameterDateTime(name, label, QgsProcessingParameterDateTime.Date, optional=optional)


def day_of(
    algorithm: QgsProcessingAlgorithm, parameters: dict[str, Any], context: QgsProcessingContext, name: str
) -> str:
    """Return a day as the package takes it (AAAA-MM-JJ); empty for none."""
    return str(algorithm.parameterAsDateTime(parameters, name, context).date().toString("yyyy-MM-dd"))


def scheme_of(algorithm: QgsProcessingAlgorithm, parameters: dict[str, Any], context: QgsProcessingContext) -> str:
    """Return the scheme, as the package takes it; empty for none."""
    code = algorithm.parameterAsString(parameters, SCHEME, context)
    return scheme_word(code, algorithm.parameterAsString(parameters, SCHEME_FOLDER, context))


def scheme_name(algorithm: QgsProcessingAlgorithm, parameters: dict[str, Any], context: QgsProcessingContext) -> str:
    """Return a short name of the scheme, to title the layers of its run."""
    return Path(scheme_of(algorithm, parameters, context)).name


def data_options(
    algorithm: QgsProcessingAlgorithm,
    parameters: dict[str, Any],
    context: QgsProcessingContext,
    *,
    stopped: Callable[[], bool],
) -> dict[str, Any]:
    """Return the options that replace data of the scheme; layers are exported for the package."""
    return {
        "--services": exported(algorithm, parameters, context, SERVICES, stopped=stopped),
        "--communes": exported(algorithm, parameters, context, COMMUNES_FILE, stopped=stopped),
        "--corrections": algorithm.parameterAsString(parameters, CORRECTIONS, context),
    }


def exported(
    algorithm: QgsProcessingAlgorithm,
    parameters: dict[str, Any],
    context: QgsProcessingContext,
    name: str,
    *,
    stopped: Callable[[], bool],
) -> str:
    """Write a layer of QGIS (its selection, where only that is asked) to a GeoPackage; empty where none is given.

    Geometries that are not valid are written too, whatever QGIS would do with them: the package judges them all.
    """
    layer = algorithm.parameterAsSource(parameters, name, context)
    if layer is None:
        return ""
    path = QgsProcessingUtils.generateTempFilename(f"{name.lower()}.gpkg")
    options = QgsVectorFileWriter.SaveVectorOptions()
    options.driverName, options.layerName = "GPKG", name.lower()
    fields = layer.fields()
    fid = fields.lookupField("fid")
    if fid >= 0:  # the key of a GeoPackage: it numbers its rows itself
        fields.remove(fid)
    writer = QgsVectorFileWriter.create(
        path, fields, layer.wkbType(), layer.sourceCrs(), context.transformContext(), options
    )
    for feature in layer.getFeatures(QgsFeatureRequest(), QgsProcessingFeatureSource.FlagSkipGeometryValidityChecks):
        if stopped():
            raise QgsProcessingException(tr("Arrêté : rien n'a été écrit."))
        if fid >= 0:
            feature.deleteAttribute(fid)
        if not writer.addFeature(feature):
            break
    failure = writer.errorMessage()
    del writer  # the file is complete once the writer is gone
    if failure:
        text = tr("La couche ne peut pas être copiée pour le moteur de calcul : {failure}.")
        raise QgsProcessingException(text.format(failure=failure))
    return path
