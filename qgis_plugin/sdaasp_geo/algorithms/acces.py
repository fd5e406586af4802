"""Access to services: minutes from each commune to the nearest place."""

from __future__ import annotations

from ..texts import tr
from .theme import ThemeAlgorithm


class Acces(ThemeAlgorithm):
    """``sdaasp theme SCHEMA --theme acces``."""

    CODE = "acces"
    LAYERS = ("departement", "epci", "communes", "points_services", "carreaux")
    STYLE = "Accès"

    def title(self) -> str:
        """Return the title."""
        return tr("Accès aux services")

    def help(self) -> str:
        """Return the help."""
        return tr(
            "Minutes en voiture de chaque commune au lieu le plus proche, pour chaque service que le schéma mesure, de "
            "part et d'autre des limites du département ; couverture par EPCI, PETR et département.\n\n"
            "Sans réseau routier, les temps sont une estimation, avec une bande d'erreur : une commune dont la bande "
            "contient le seuil est « à vérifier ».\n\n"
            "Les points de service d'une couche de QGIS peuvent remplacer ceux du schéma : elle a les colonnes de la "
            "grille commune, sa géométrie donne la position."
        )
