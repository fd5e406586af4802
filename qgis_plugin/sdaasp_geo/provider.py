"""The Processing provider « SDAASP »."""

from __future__ import annotations

from pathlib import Path

from qgis.core import QgsProcessingLayerPostProcessorInterface, QgsProcessingProvider
from qgis.PyQt.QtGui import QIcon

from .algorithms import ALGORITHMS
from .texts import tr

ICON = Path(__file__).resolve().parent / "icon.svg"


class SdaaspProvider(QgsProcessingProvider):
    """All the algorithms of the plugin.

    Attributes
    ----------
    placements : list
        What is still to be done to layers that QGIS loads: it keeps no reference to them itself.
    """

    def __init__(self) -> None:
        super().__init__()
        self.placements: list[QgsProcessingLayerPostProcessorInterface] = []

    def id(self) -> str:
        """Return the prefix of the algorithms."""
        return "sdaasp"

    def name(self) -> str:
        """Return the name in the toolbox."""
        return "SDAASP"

    def longName(self) -> str:  # noqa: N802 - named by QGIS
        """Return the name in full."""
        return tr("SDAASP : accès des habitants aux services au public")

    def icon(self) -> QIcon:
        """Return the icon."""
        return QIcon(str(ICON))

    def loadAlgorithms(self) -> None:  # noqa: N802 - named by QGIS
        """Make the algorithms."""
        for algorithm in ALGORITHMS:
            self.addAlgorithm(algorithm())
