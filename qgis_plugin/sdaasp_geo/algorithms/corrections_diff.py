"""What was corrected in QGIS, as a validated change file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingOutputNumber,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterString,
    QgsProviderRegistry,
    QgsVectorLayer,
)

from ..command import command_words
from ..protocol import Result
from ..texts import tr
from .base import SdaaspAlgorithm
from .parameters import day_of, day_parameter, file_parameter, scheme_of, scheme_parameters

EDITED, DATE, REASON, FILE, CHANGES = "COUCHES", "DATE", "MOTIF", "FICHIER", "CHANGEMENTS"


class CorrectionsDiff(SdaaspAlgorithm):
    """``sdaasp corrections diff SCHEMA``."""

    CODE = "corrections_diff"
    GROUP = "donnees"

    def title(self) -> str:
        """Return the title."""
        return tr("Corrections : fichier de corrections")

    def help(self) -> str:
        """Return the help."""
        return tr(
            "Compare les couches corrigées à ce qui avait été exporté et écrit un fichier de corrections (CSV) : "
            "objet, "
            "champ, ancienne et nouvelle valeur, motif, date. Tout est contrôlé ; les défauts sont listés ensemble, et "
            "rien n'est écrit s'il y en a.\n\n"
            "Le fichier se donne ensuite aux traitements (paramètre Fichier de corrections), ou se nomme dans "
            'scheme.toml : corrections = ["corrections.csv"].'
        )

    def inputs(self) -> list[QgsProcessingParameterDefinition]:
        """Return the scheme, the layers, day and reason."""
        return [
            *scheme_parameters(),
            file_parameter(EDITED, tr("Couches corrigées (GeoPackage)"), extension="gpkg", optional=False),
            day_parameter(DATE, tr("Date des corrections"), optional=False),
            QgsProcessingParameterString(REASON, tr("Motif, là où le champ motif est vide"), optional=True),
        ]

    def initAlgorithm(self, config: dict | None = None) -> None:  # noqa: N802 - named by QGIS
        """Declare parameters and outputs."""
        super().initAlgorithm(config)
        self.addOutput(QgsProcessingOutputNumber(CHANGES, tr("Nombre de changements")))

    def destination(self) -> QgsProcessingParameterDefinition:
        """Return where the change file is written."""
        return QgsProcessingParameterFileDestination(FILE, tr("Fichier de corrections"), "CSV (*.csv)")

    def prepareAlgorithm(  # noqa: N802 - named by QGIS
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> bool:
        """Refuse layers whose edits are not saved yet: they would be lost to the comparison."""
        edited = self.parameterAsString(parameters, EDITED, context)
        unsaved = unsaved_layers(context, edited)
        if unsaved:
            text = tr("Des modifications ne sont pas enregistrées dans : {names}. Enregistrez-les, puis recommencez.")
            raise QgsProcessingException(text.format(names=", ".join(unsaved)))
        return super().prepareAlgorithm(parameters, context, feedback)

    def words(self, parameters: dict[str, Any], context: QgsProcessingContext, target: str) -> list[str]:
        """Return the command."""
        options = {
            "--edited": self.parameterAsString(parameters, EDITED, context),
            "--out": target,
            "--date": day_of(self, parameters, context, DATE),
            "--motif": self.parameterAsString(parameters, REASON, context),
        }
        return command_words("corrections", "diff", scheme_of(self, parameters, context), options=options)

    def outputs(self, result: Result, feedback: QgsProcessingFeedback) -> dict[str, Any]:
        """Return the number of changes."""
        changes = int(result.values.get("changes", 0))
        feedback.pushInfo(tr("Changements : {count}").format(count=changes))
        return {**super().outputs(result, feedback), CHANGES: changes}


def unsaved_layers(context: QgsProcessingContext, path: str) -> list[str]:
    """Return the names of the layers of the project that come from a file and hold edits that are not saved."""
    if context.project() is None:
        return []
    registry = QgsProviderRegistry.instance()
    wanted = Path(path).resolve()
    found = []
    for layer in context.project().mapLayers().values():
        if not isinstance(layer, QgsVectorLayer) or not layer.isModified():
            continue
        origin = registry.decodeUri(layer.providerType(), layer.source()).get("path", "")
        if origin and Path(origin).resolve() == wanted:
            found.append(layer.name())
    return sorted(found)
