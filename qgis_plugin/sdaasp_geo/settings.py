"""Where the package is: the interpreter that the user chose, and what it answers about itself."""

from __future__ import annotations

import os
from configparser import ConfigParser
from pathlib import Path

from qgis.core import QgsApplication, QgsProcessingException, QgsSettings

from .installation import python_of
from .protocol import read_about, version_fault
from .runner import ask, package_command
from .texts import tr

KEY = "sdaasp_geo/python"
VARIABLE = "SDAASP_PYTHON"
"""An interpreter named by this variable prevails over the settings (tests, scripts)."""

HERE = Path(__file__).resolve().parent
WHEELS = HERE / "wheels"


def own_environment() -> Path:
    """Return the folder of the environment that the plugin makes: in the profile, so that an update leaves it."""
    return Path(QgsApplication.qgisSettingsDirPath()) / "sdaasp_geo" / "python"


def interpreter() -> str:
    """Return the interpreter to run: the variable, the settings, or the plugin's own; empty for none."""
    chosen = os.environ.get(VARIABLE) or QgsSettings().value(KEY, "", type=str)
    if chosen:
        return chosen
    own = python_of(own_environment())
    return str(own) if own.exists() else ""


def choose_interpreter(path: str) -> None:
    """Remember the interpreter."""
    QgsSettings().setValue(KEY, path)


def plugin_version() -> str:
    """Return the version that ``metadata.txt`` tells."""
    metadata = ConfigParser(interpolation=None)
    metadata.read(HERE / "metadata.txt", encoding="utf-8")
    return metadata["general"]["version"]


def describe(python: str) -> tuple[dict, str]:
    """Ask an interpreter about the package: what it answers, and what prevents its use (empty for nothing)."""
    if not python:
        fault = tr(
            "Aucun interpréteur Python n'est choisi pour SDAASP. Lancez « Installer le moteur de calcul » (boîte à "
            "outils de traitements, SDAASP › Réglages), ou choisissez-en un dans Préférences › Options › SDAASP."
        )
        return {}, fault
    if not Path(python).is_file():
        fault = tr("L'interpréteur {python} n'existe pas. Choisissez-en un dans Préférences › Options › SDAASP.")
        return {}, fault.format(python=python)
    about = read_about(ask(package_command(python, ["about", "--json"])))
    return about or {}, version_fault(about, plugin_version=plugin_version())


def ready_interpreter() -> tuple[str, dict]:
    """Return the interpreter and what its package says of itself.

    Raises
    ------
    QgsProcessingException
        There is none, or its package does not go with this plugin; the remedy is said.
    """
    python = interpreter()
    about, fault = describe(python)
    if fault:
        raise QgsProcessingException(fault)
    return python, about
