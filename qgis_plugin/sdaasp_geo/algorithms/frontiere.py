"""Balance of the border: who is nearer to a place beyond it, and what the administrative border costs."""

from __future__ import annotations

from ..texts import tr
from .theme import ThemeAlgorithm


class Frontiere(ThemeAlgorithm):
    """``sdaasp theme SCHEMA --theme frontiere``."""

    CODE = "frontiere"
    LAYERS = ("departement", "epci_voisins", "epci", "communes", "points_services")
    STYLE = "Frontière"

    def title(self) -> str:
        """Return the title."""
        return tr("Bilan de frontière")

    def help(self) -> str:
        """Return the help."""
        return tr(
            "De quel côté de la limite du département est le lieu le plus proche, combien d'habitants gagnent à la "
            "passer, et de combien la compétence des guichets allonge leur trajet (pénalité administrative) ; bilan à "
            "négocier avec chaque EPCI voisin.\n\n"
            "La pénalité administrative est dans le menu Styles de la couche des communes."
        )
