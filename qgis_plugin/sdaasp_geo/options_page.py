"""Options › SDAASP: which interpreter computes, whether it is ready, and a button that makes one."""

from __future__ import annotations

from qgis.gui import QgsFileWidget, QgsOptionsPageWidget, QgsOptionsWidgetFactory
from qgis.PyQt.QtGui import QIcon
from qgis.PyQt.QtWidgets import QFormLayout, QHBoxLayout, QLabel, QPushButton, QWidget

from . import settings
from .provider import ICON
from .texts import tr


class SdaaspOptionsFactory(QgsOptionsWidgetFactory):
    """Makes the page."""

    def __init__(self) -> None:
        super().__init__()
        self.setTitle("SDAASP")

    def icon(self) -> QIcon:
        """Return the icon of the page."""
        return QIcon(str(ICON))

    def createWidget(self, parent: QWidget) -> SdaaspOptionsPage:  # noqa: N802 - named by QGIS
        """Make the page."""
        return SdaaspOptionsPage(parent)


class SdaaspOptionsPage(QgsOptionsPageWidget):
    """The page."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("sdaasp_geo")
        self.python = QgsFileWidget()
        self.python.setFilePath(settings.interpreter())
        self.state = QLabel()
        self.state.setWordWrap(True)
        check = QPushButton(tr("Vérifier"))
        check.clicked.connect(self.check)
        install = QPushButton(tr("Installer le moteur de calcul…"))
        install.clicked.connect(self.install)
        buttons = QHBoxLayout()
        for button in (check, install):
            buttons.addWidget(button)
        buttons.addStretch()
        layout = QFormLayout(self)
        explanation = QLabel(
            tr(
                "Les calculs se font dans un interpréteur Python à part, qui a le paquet sdaasp_geo : rien n'est "
                "installé dans celui de QGIS."
            )
        )
        explanation.setWordWrap(True)
        layout.addRow(explanation)
        layout.addRow(tr("Interpréteur Python"), self.python)
        layout.addRow("", buttons)
        layout.addRow("", self.state)

    def check(self) -> None:
        """Say whether the interpreter is ready."""
        about, fault = settings.describe(self.python.filePath())
        ready = tr("Prêt : sdaasp_geo {version}, Python {python}.")
        self.state.setText(fault or ready.format(version=about.get("version"), python=about.get("python")))

    def install(self) -> None:
        """Open the algorithm that makes the environment, then show what it made."""
        import processing  # noqa: PLC0415 - a plugin of QGIS, loaded after this one

        processing.execAlgorithmDialog("sdaasp:moteur")
        self.python.setFilePath(settings.interpreter())
        self.check()

    def apply(self) -> None:
        """Remember the choice."""
        settings.choose_interpreter(self.python.filePath())
