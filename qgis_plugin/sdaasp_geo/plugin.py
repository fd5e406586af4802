"""The plugin: it registers the provider, its translations, an options page and two menu entries."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qgis.core import QgsApplication
from qgis.PyQt.QtCore import QCoreApplication, QTranslator
from qgis.PyQt.QtGui import QIcon
from qgis.PyQt.QtWidgets import QAction

from .provider import ICON, SdaaspProvider
from .texts import tr

if TYPE_CHECKING:
    from qgis.gui import QgisInterface

    from .options_page import SdaaspOptionsFactory

I18N = Path(__file__).resolve().parent / "i18n"
MENU = "SDAASP"


class SdaaspPlugin:
    """What QGIS starts and stops.

    Parameters
    ----------
    iface : QgisInterface or None
        None in ``qgis_process``, which only calls `initProcessing`.
    """

    def __init__(self, iface: QgisInterface | None) -> None:
        self.iface: Any = iface
        self.provider: SdaaspProvider | None = None
        self.actions: list[QAction] = []
        self.page: SdaaspOptionsFactory | None = None
        self.translator = QTranslator()
        if self.translator.load(str(I18N / f"sdaasp_geo_{language()}.qm")):
            QCoreApplication.installTranslator(self.translator)

    def initProcessing(self) -> None:  # noqa: N802 - named by QGIS
        """Register the provider."""
        self.provider = SdaaspProvider()
        QgsApplication.processingRegistry().addProvider(self.provider)

    def initGui(self) -> None:  # noqa: N802 - named by QGIS
        """Register the provider, the options page and the menu."""
        from .options_page import SdaaspOptionsFactory as Factory  # noqa: PLC0415 - windows, absent from qgis_process

        self.initProcessing()
        self.page = Factory()
        self.iface.registerOptionsWidgetFactory(self.page)
        self._add_action(tr("Installer le moteur de calcul…"), self.install)
        self._add_action(tr("Réglages…"), self.open_options)

    def _add_action(self, text: str, call: Callable[[], None]) -> None:
        action = QAction(QIcon(str(ICON)), text, self.iface.mainWindow())
        action.triggered.connect(call)
        self.iface.addPluginToMenu(MENU, action)
        self.actions.append(action)

    def install(self) -> None:
        """Open the algorithm that makes the environment."""
        import processing  # noqa: PLC0415 - a plugin of QGIS, loaded after this one

        processing.execAlgorithmDialog("sdaasp:moteur")

    def open_options(self) -> None:
        """Open the options page."""
        self.iface.showOptionsDialog(self.iface.mainWindow(), "sdaasp_geo")

    def unload(self) -> None:
        """Undo all that was registered."""
        for action in self.actions:
            self.iface.removePluginMenu(MENU, action)
        if self.page is not None:
            self.iface.unregisterOptionsWidgetFactory(self.page)
        if self.provider is not None:
            QgsApplication.processingRegistry().removeProvider(self.provider)
        QCoreApplication.removeTranslator(self.translator)


def language() -> str:
    """Return the two letters of the language of QGIS."""
    return str(QgsApplication.locale())[:2]
