"""New sites: where they would serve most, with the proof."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterEnum,
    QgsProcessingParameterNumber,
    QgsProcessingParameterString,
)

from ..command import command_words
from ..texts import tr
from .base import SdaaspAlgorithm
from .parameters import ROADS, file_parameter, scheme_of, scheme_parameters

SERVICE, COUNT, THRESHOLD, AIM = "SERVICE", "NOMBRE", "SEUIL", "BUT"
AIMS = ("couvrir", "rapprocher", "tout-couvrir")


class Implantation(SdaaspAlgorithm):
    """``sdaasp sites SCHEMA``."""

    CODE = "implantation"
    GROUP = "diagnostic"
    LAYERS = ("departement", "epci", "communes_avant_apres", "fermetures", "lieux_proposes")
    PAGES = {"PAGE": "index.html", "CARTE": "carte.html"}  # noqa: RUF012 - declared ClassVar in the base

    def title(self) -> str:
        """Return the title."""
        return tr("Implantation de nouveaux lieux")

    def help(self) -> str:
        """Return the help."""
        return tr(
            "Propose où ouvrir de nouveaux lieux d'un service, parmi les communes, avec la preuve que le choix est le "
            "meilleur (ou de combien il s'en approche), et dit ce que coûterait la fermeture de chaque lieu "
            "existant.\n\n"
            "Trois buts : couvrir le plus d'habitants dans le seuil, rapprocher (raccourcir le temps moyen), ou tout "
            "couvrir avec le moins de lieux possible (le nombre de lieux ne sert alors pas)."
        )

    def inputs(self) -> list[QgsProcessingParameterDefinition]:
        """Return the scheme and the question."""
        whole = QgsProcessingParameterNumber.Integer
        decimal = QgsProcessingParameterNumber.Double
        aims = [
            tr("Couvrir le plus d'habitants"),
            tr("Rapprocher : raccourcir le temps moyen"),
            tr("Tout couvrir, avec le moins de lieux"),
        ]
        return [
            *scheme_parameters(),
            QgsProcessingParameterString(SERVICE, tr("Service (code)"), defaultValue="france-services"),
            QgsProcessingParameterNumber(COUNT, tr("Lieux nouveaux, au plus"), whole, defaultValue=3, minValue=1),
            QgsProcessingParameterNumber(THRESHOLD, tr("Seuil (minutes)"), decimal, defaultValue=20, minValue=0),
            QgsProcessingParameterEnum(AIM, tr("But"), options=aims, defaultValue=0),
            file_parameter(ROADS, tr("Réseau routier (.osm.pbf, .gpkg, .shp)")),
        ]

    def words(self, parameters: dict[str, Any], context: QgsProcessingContext, target: str) -> list[str]:
        """Return the command."""
        options = {
            "--out": target,
            "--service": self.parameterAsString(parameters, SERVICE, context),
            "--count": self.parameterAsInt(parameters, COUNT, context),
            "--threshold": self.parameterAsDouble(parameters, THRESHOLD, context),
            "--aim": AIMS[self.parameterAsEnum(parameters, AIM, context)],
            "--roads": self.parameterAsString(parameters, ROADS, context),
        }
        return command_words("sites", scheme_of(self, parameters, context), options=options)
