"""Makes the interpreter that computes: a virtual environment with the wheel that lies beside the plugin."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from qgis.core import (
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingOutputString,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterFile,
)
from qgis.PyQt.QtGui import QIcon

from .. import settings
from ..installation import (
    find_python,
    is_of_qgis,
    pip_command,
    python_of,
    read_wheels,
    refusal,
    replaced,
    venv_command,
)
from ..runner import Stopped, run
from ..texts import tr
from .base import group_titles
from .parameters import file_parameter

BASE, FETCH, WHEELS, PYTHON, VERSION = "PYTHON_BASE", "TELECHARGER", "PAQUETS", "PYTHON", "VERSION"


class Moteur(QgsProcessingAlgorithm):
    """The only algorithm that does not run the package: it installs it."""

    def createInstance(self) -> Moteur:  # noqa: N802 - named by QGIS
        """Make another one."""
        return Moteur()

    def name(self) -> str:
        """Return the code."""
        return "moteur"

    def displayName(self) -> str:  # noqa: N802 - named by QGIS
        """Return the title."""
        return tr("Installer le moteur de calcul")

    def groupId(self) -> str:  # noqa: N802 - named by QGIS
        """Return the code of the group."""
        return "reglages"

    def group(self) -> str:
        """Return the title of the group."""
        return group_titles()["reglages"]

    def icon(self) -> QIcon:
        """Return the icon."""
        return QIcon(str(settings.HERE / "icon.svg"))

    def shortHelpString(self) -> str:  # noqa: N802 - named by QGIS
        """Return the help, with what would be fetched."""
        wheels = read_wheels(settings.WHEELS)
        fetched = ", ".join(wheels.missing) or tr("rien")
        text = tr(
            "Crée un environnement Python à part, dans le profil de QGIS, et y installe le paquet sdaasp_geo qui "
            "accompagne l'extension. Il faut un Python 3.11 ou plus récent : celui de QGIS n'est jamais modifié ; il "
            "ne sert de base que s'il n'y en a pas d'autre. L'environnement précédent ne disparaît que lorsque le "
            "nouveau est prêt.\n\nDossier : {folder}\nSerait téléchargé par pip, si vous l'autorisez : {fetched}."
        )
        return text.format(folder=settings.own_environment(), fetched=fetched)

    def initAlgorithm(self, config: dict | None = None) -> None:  # noqa: N802, ARG002 - named and called by QGIS
        """Declare parameters and outputs."""
        folder = QgsProcessingParameterFile.Folder
        label = tr("Autoriser le téléchargement des paquets qui manquent")
        self.addParameter(QgsProcessingParameterBoolean(FETCH, label, defaultValue=False))
        self.addParameter(file_parameter(BASE, tr("Python de base (par défaut : le premier qui convient)")))
        self.addParameter(
            file_parameter(WHEELS, tr("Dossier des fichiers .whl (par défaut : celui de l'extension)"), behavior=folder)
        )
        self.addOutput(QgsProcessingOutputString(PYTHON, tr("Interpréteur")))
        self.addOutput(QgsProcessingOutputString(VERSION, tr("Version du paquet")))

    def processAlgorithm(  # noqa: N802 - named by QGIS
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        """Make the environment, install, check, and choose it in the settings."""
        chosen = self.parameterAsString(parameters, WHEELS, context)
        wheels = read_wheels(Path(chosen) if chosen else settings.WHEELS)
        fetch = self.parameterAsBoolean(parameters, FETCH, context)
        python = find_python(self.parameterAsString(parameters, BASE, context))
        refused = refusal(wheels, python, fetch=fetch)
        if refused:
            raise QgsProcessingException(refused)
        feedback.pushInfo(base_told(python))
        own, version = install(python, pip=lambda own: pip_command(own, wheels, fetch=fetch), feedback=feedback)
        settings.choose_interpreter(own)
        return {PYTHON: own, VERSION: version}


def base_told(python: str) -> str:
    """Say which Python the environment is made from."""
    if is_of_qgis(python):
        text = tr("Python de base : {python}, celui de QGIS. Il n'est pas modifié.")
    else:
        text = tr("Python de base : {python}.")
    return text.format(python=python)


def install(python: str, *, pip: Callable[[str], list[str]], feedback: QgsProcessingFeedback) -> tuple[str, str]:
    """Make the environment in the place of the former one; return its interpreter and the version of its package.

    Raises
    ------
    QgsProcessingException
        It failed, or the user stopped it: the former environment is in place again.
    """
    environment = settings.own_environment()
    own = str(python_of(environment))
    try:
        with replaced(environment, works=lambda: not settings.describe(own)[1]):
            follow(tr("Création de l'environnement"), venv_command(python, environment), feedback, percent=5)
            follow(tr("Installation du paquet"), pip(own), feedback, percent=30)
            feedback.setProgress(95)
            about, fault = settings.describe(own)
            if fault:
                raise QgsProcessingException(fault)
    except OSError as error:
        text = tr(
            "L'environnement {folder} ne peut pas être remplacé : {error}. Fermez les calculs en cours et relancez."
        )
        raise QgsProcessingException(text.format(folder=environment, error=error)) from error
    return own, str(about["version"])


def follow(label: str, command: list[str], feedback: QgsProcessingFeedback, *, percent: float) -> None:
    """Run a step of the installation, its output shown.

    Raises
    ------
    QgsProcessingException
        It failed, or the user stopped it.
    """
    feedback.setProgress(percent)
    feedback.setProgressText(label)
    try:
        code = run(
            command, on_line=feedback.pushConsoleInfo, on_note=feedback.pushConsoleInfo, stopped=feedback.isCanceled
        )
    except Stopped as stop:
        text = tr("Arrêté : rien n'a changé, l'environnement précédent reste en place s'il y en avait un.")
        raise QgsProcessingException(text) from stop
    except OSError as error:
        raise QgsProcessingException(str(error)) from error
    if code:
        text = tr(
            "{label} : échec (code {code}). Le détail est au-dessus ; corrigez-le, puis relancez. L'environnement "
            "précédent reste en place, s'il y en avait un."
        )
        raise QgsProcessingException(text.format(label=label, code=code))
