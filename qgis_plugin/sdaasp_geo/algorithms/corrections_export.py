"""Layers to correct in QGIS: places of service, and the counter of each commune."""

from __future__ import annotations

from typing import Any

from qgis.core import QgsProcessingContext, QgsProcessingParameterDefinition, QgsProcessingParameterFileDestination

from ..command import command_words
from ..texts import tr
from .base import SdaaspAlgorithm
from .parameters import scheme_of

FILE = "FICHIER"


class CorrectionsExport(SdaaspAlgorithm):
    """``sdaasp corrections export SCHEMA``."""

    CODE = "corrections_export"
    GROUP = "donnees"
    LAYERS = ("communes_guichets", "points_services")

    def title(self) -> str:
        """Return the title."""
        return tr("Corrections : couches à corriger")

    def help(self) -> str:
        """Return the help."""
        return tr(
            "Écrit un GeoPackage à corriger dans QGIS : déplacer, modifier, supprimer ou ajouter un point de service ; "
            "choisir le guichet compétent d'une commune (champ guichet). Le champ motif dit pourquoi. Le champ "
            "identifiant ne se modifie pas ; il reste vide pour un point ajouté.\n\n"
            "Ensuite : enregistrer les couches, puis « Corrections : fichier de corrections »."
        )

    def destination(self) -> QgsProcessingParameterDefinition:
        """Return where the layers are written."""
        return QgsProcessingParameterFileDestination(FILE, tr("Couches à corriger"), "GeoPackage (*.gpkg)")

    def words(self, parameters: dict[str, Any], context: QgsProcessingContext, target: str) -> list[str]:
        """Return the command."""
        scheme = scheme_of(self, parameters, context)
        return command_words("corrections", "export", scheme, options={"--out": target})
