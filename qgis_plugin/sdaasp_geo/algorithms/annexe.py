"""The annex of a convention, for one EPCI."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingOutputFile,
    QgsProcessingOutputHtml,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterString,
)

from ..command import command_words
from ..protocol import Result
from ..texts import tr
from .base import SdaaspAlgorithm
from .parameters import scheme_of, scheme_parameters

EPCI = "EPCI"


class Annexe(SdaaspAlgorithm):
    """``sdaasp annex SCHEMA --epci …``."""

    CODE = "annexe"
    GROUP = "documents"

    def title(self) -> str:
        """Return the title."""
        return tr("Annexe d'une convention")

    def help(self) -> str:
        """Return the help."""
        return tr(
            "Écrit l'annexe de la convention d'une intercommunalité signataire, en HTML, DOCX et PDF : les mêmes "
            "chiffres dans les trois.\n\n"
            "L'intercommunalité est donnée par son SIREN ou son nom ; un nom qui désigne plusieurs EPCI est refusé, "
            "avec "
            "les plus proches. En lot, une ligne par SIREN de la couche epci."
        )

    def inputs(self) -> list[QgsProcessingParameterDefinition]:
        """Return the scheme and the EPCI."""
        return [*scheme_parameters(), QgsProcessingParameterString(EPCI, tr("Intercommunalité (SIREN ou nom)"))]

    def initAlgorithm(self, config: dict | None = None) -> None:  # noqa: N802 - named by QGIS
        """Declare parameters and outputs."""
        super().initAlgorithm(config)
        self.addOutput(QgsProcessingOutputHtml("HTML", tr("Annexe (HTML)")))
        self.addOutput(QgsProcessingOutputFile("DOCX", tr("Annexe (DOCX)")))
        self.addOutput(QgsProcessingOutputFile("PDF", tr("Annexe (PDF)")))

    def words(self, parameters: dict[str, Any], context: QgsProcessingContext, target: str) -> list[str]:
        """Return the command."""
        options = {"--epci": self.parameterAsString(parameters, EPCI, context), "--out": target}
        return command_words("annex", scheme_of(self, parameters, context), options=options)

    def outputs(self, result: Result, feedback: QgsProcessingFeedback) -> dict[str, Any]:
        """Return the three files."""
        written = {Path(name).suffix.removeprefix(".").upper(): name for name in result.files}
        files = {kind: str(Path(result.folder) / name) for kind, name in written.items()}
        return {**super().outputs(result, feedback), **files}
