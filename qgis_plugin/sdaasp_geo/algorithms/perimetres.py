"""Perimeters: communes, EPCI, PETR, neighbours."""

from __future__ import annotations

from ..texts import tr
from .theme import ThemeAlgorithm


class Perimetres(ThemeAlgorithm):
    """``sdaasp theme SCHEMA --theme perimetres``."""

    CODE = "perimetres"
    LAYERS = ("departement", "epci_voisins", "petr", "epci", "communes")

    def title(self) -> str:
        """Return the title."""
        return tr("Périmètres : EPCI, PETR, limitrophes")

    def help(self) -> str:
        """Return the help."""
        return tr(
            "Communes, intercommunalités (EPCI), pôles d'équilibre (PETR) et EPCI voisins du département d'un schéma. "
            "Chaque EPCI et chaque PETR a trois chiffres : entier, dans le département, hors du département.\n\n"
            "Le dossier du résultat reçoit layers.gpkg (couches et styles) et tables/ (CSV : communes, epci, petr, "
            "voisins, différences et évolutions de périmètre)."
        )
