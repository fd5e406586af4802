"""The algorithms of the provider, one module each."""

from __future__ import annotations

from .acces import Acces
from .annexe import Annexe
from .carte import Carte
from .controle_grille import ControleGrille
from .corrections_diff import CorrectionsDiff
from .corrections_export import CorrectionsExport
from .deficits import Deficits
from .frontiere import Frontiere
from .implantation import Implantation
from .moteur import Moteur
from .perimetres import Perimetres

ALGORITHMS = (
    Perimetres,
    Acces,
    Deficits,
    Frontiere,
    Implantation,
    Annexe,
    Carte,
    ControleGrille,
    CorrectionsExport,
    CorrectionsDiff,
    Moteur,
)
