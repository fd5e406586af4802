"""The whole run: interactive maps, annexes, tables, layers."""

from __future__ import annotations

from typing import Any

from qgis.core import QgsProcessingContext, QgsProcessingParameterDefinition

from ..command import command_words
from ..texts import tr
from .base import SdaaspAlgorithm
from .parameters import ROADS, file_parameter, scheme_of, scheme_parameters


class Carte(SdaaspAlgorithm):
    """``sdaasp build SCHEMA``."""

    CODE = "carte"
    GROUP = "documents"
    LAYERS = (
        "departement",
        "epci_voisins",
        "petr",
        "epci",
        "communes",
        "carreaux",
        "zones",
        "points_services",
        "actions",
        "actions_epci",
    )
    PAGES = {  # noqa: RUF012 - declared ClassVar in the base
        "PAGE": "index.html",
        "CARTE": "maps/carte.html",
        "ATLAS": "maps/atlas.html",
    }
    STYLE = "Accès"

    def title(self) -> str:
        """Return the title."""
        return tr("Carte et résultat complet")

    def help(self) -> str:
        """Return the help."""
        return tr(
            "Calcule tout : cartes interactives (elles s'ouvrent dans un navigateur, sans réseau), atlas, annexes des "
            "conventions, fiches de négociation, tableaux et couches avec leurs styles.\n\n"
            "Compter une minute environ pour un département ; davantage avec un réseau routier."
        )

    def inputs(self) -> list[QgsProcessingParameterDefinition]:
        """Return the scheme and the road network."""
        return [*scheme_parameters(), file_parameter(ROADS, tr("Réseau routier (.osm.pbf, .gpkg, .shp)"))]

    def words(self, parameters: dict[str, Any], context: QgsProcessingContext, target: str) -> list[str]:
        """Return the command."""
        options = {"--out": target, "--roads": self.parameterAsString(parameters, ROADS, context)}
        return command_words("build", scheme_of(self, parameters, context), options=options)
