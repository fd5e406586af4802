"""Deficits: communes beyond the thresholds, the zones they form, criteria."""

from __future__ import annotations

from ..texts import tr
from .theme import ThemeAlgorithm


class Deficits(ThemeAlgorithm):
    """``sdaasp theme SCHEMA --theme deficits``."""

    CODE = "deficits"
    LAYERS = ("departement", "epci", "communes", "zones", "points_services")
    STYLE = "Accès"

    def title(self) -> str:
        """Return the title."""
        return tr("Déficits et zones")

    def help(self) -> str:
        """Return the help."""
        return tr(
            "Communes au-delà des seuils d'accès du schéma, zones déficitaires qu'elles forment (groupes de communes "
            "contiguës, avec leurs habitants), et critères : choix entre plusieurs lieux, heures d'ouverture, soir, "
            "samedi.\n\n"
            "Un temps égal au seuil y satisfait. Les autres critères sont dans le menu Styles de la couche des "
            "communes."
        )
