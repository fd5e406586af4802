"""Checks a filled common grid."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingOutputBoolean,
    QgsProcessingOutputNumber,
    QgsProcessingParameterDefinition,
)

from ..command import command_words
from ..protocol import Result
from ..texts import tr
from .base import SdaaspAlgorithm
from .parameters import day_of, day_parameter, file_parameter

FILE, EDITION = "GRILLE", "EDITION"
CONFORMING, FAULTS = "CONFORME", "DEFAUTS"


class ControleGrille(SdaaspAlgorithm):
    """``sdaasp grid check FICHIER``."""

    CODE = "controle_grille"
    GROUP = "donnees"
    PAGES = {"PAGE": "rapport.html"}  # noqa: RUF012 - declared ClassVar in the base

    def title(self) -> str:
        """Return the title."""
        return tr("Contrôle de la grille commune")

    def help(self) -> str:
        """Return the help."""
        return tr(
            "Contrôle un fichier de services rempli par un opérateur (CSV, XLSX, ODS) et écrit un rapport : chaque "
            "défaut "
            "avec sa ligne, sa colonne et le remède, et une copie du fichier à corriger, où il est en couleur.\n\n"
            "Un fichier qui a des défauts n'est pas une erreur : CONFORME est alors faux, et DEFAUTS les compte."
        )

    def inputs(self) -> list[QgsProcessingParameterDefinition]:
        """Return the file and the day."""
        return [
            file_parameter(FILE, tr("Fichier rempli (CSV, XLSX, ODS)"), optional=False),
            day_parameter(EDITION, tr("Jour auquel les dates sont jugées (par défaut : la plus récente)")),
        ]

    def initAlgorithm(self, config: dict | None = None) -> None:  # noqa: N802 - named by QGIS
        """Declare parameters and outputs."""
        super().initAlgorithm(config)
        self.addOutput(QgsProcessingOutputBoolean(CONFORMING, tr("Le fichier est conforme")))
        self.addOutput(QgsProcessingOutputNumber(FAULTS, tr("Nombre de défauts")))

    def words(self, parameters: dict[str, Any], context: QgsProcessingContext, target: str) -> list[str]:
        """Return the command."""
        options = {"--out": target, "--edition": day_of(self, parameters, context, EDITION)}
        return command_words("grid", "check", self.parameterAsString(parameters, FILE, context), options=options)

    def outputs(self, result: Result, feedback: QgsProcessingFeedback) -> dict[str, Any]:
        """Tell the faults, and return the report and their number."""
        for fault in result.faults:
            feedback.reportError(fault)
        conforming = bool(result.values.get("conforme", not result.faults))
        return {**super().outputs(result, feedback), CONFORMING: conforming, FAULTS: len(result.faults)}
