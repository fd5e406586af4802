"""What the algorithms share: parameters of a scheme, running the package, handing over its layers and files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from qgis.core import (
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingOutputHtml,
    QgsProcessingOutputVectorLayer,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterFolderDestination,
)
from qgis.PyQt.QtGui import QIcon

from ..protocol import Failure, Layer, Result, Step, drawing_order, read_line
from ..results import Placement, RunGroup, source
from ..runner import Stopped, package_command, run
from ..settings import HERE, ready_interpreter
from ..texts import tr
from .parameters import SCHEME, scheme_name, scheme_of, scheme_parameters

FOLDER, LOAD = "DOSSIER", "CHARGER"
ORIGIN = "origine"
"""Tables of the corrections whose name begins so serve the package only: they are never shown."""

_NOTES = 40


class SdaaspAlgorithm(QgsProcessingAlgorithm):
    """Base of the algorithms: each says its texts, parameters and words; the package does the rest.

    Attributes
    ----------
    CODE : str
        Name of the algorithm (``sdaasp:CODE``).
    GROUP : str
        Code of its group; `group` gives its title.
    LAYERS, PAGES : tuple of str
        Layers that it may give, and pages as ``NAME=path in the folder``: they are its outputs, in models too.
    STYLE : str
        Style of the layer of communes, where it has one by that name.
    stopped : callable
        Whether the user asked to stop the run.
    """

    CODE: ClassVar[str] = ""
    GROUP: ClassVar[str] = ""
    LAYERS: ClassVar[tuple[str, ...]] = ()
    PAGES: ClassVar[dict[str, str]] = {}
    STYLE: ClassVar[str] = ""
    stopped: Callable[[], bool]

    def title(self) -> str:
        """Return the title, in the language of QGIS."""
        raise NotImplementedError

    def help(self) -> str:
        """Return the help, in the language of QGIS."""
        raise NotImplementedError

    def inputs(self) -> list[QgsProcessingParameterDefinition]:
        """Return the parameters but the destination."""
        return scheme_parameters()

    def destination(self) -> QgsProcessingParameterDefinition:
        """Return where the run is written."""
        return QgsProcessingParameterFolderDestination(FOLDER, tr("Dossier du résultat"))

    def words(self, parameters: dict[str, Any], context: QgsProcessingContext, target: str) -> list[str]:
        """Return the command of the package."""
        raise NotImplementedError

    def run_title(self, parameters: dict[str, Any], context: QgsProcessingContext) -> str:
        """Return the name of the group of layers."""
        return f"{self.title()} – {scheme_name(self, parameters, context)}"

    # ------------------------------------------------------------------ what QGIS asks

    def createInstance(self) -> SdaaspAlgorithm:  # noqa: N802 - named by QGIS
        """Make another one."""
        return type(self)()

    def name(self) -> str:
        """Return the code."""
        return self.CODE

    def displayName(self) -> str:  # noqa: N802 - named by QGIS
        """Return the title."""
        return self.title()

    def groupId(self) -> str:  # noqa: N802 - named by QGIS
        """Return the code of the group."""
        return self.GROUP

    def group(self) -> str:
        """Return the title of the group."""
        return group_titles()[self.GROUP]

    def icon(self) -> QIcon:
        """Return the icon."""
        return QIcon(str(HERE / "icon.svg"))

    def shortHelpString(self) -> str:  # noqa: N802 - named by QGIS
        """Return the help."""
        return self.help()

    def initAlgorithm(self, config: dict | None = None) -> None:  # noqa: N802, ARG002 - named and called by QGIS
        """Declare parameters and outputs."""
        for parameter in self.inputs():
            self.addParameter(parameter)
        if self.LAYERS:
            label = tr("Charger les couches dans le projet")
            self.addParameter(QgsProcessingParameterBoolean(LOAD, label, defaultValue=True))
        self.addParameter(self.destination())
        for layer in self.LAYERS:
            self.addOutput(QgsProcessingOutputVectorLayer(layer.upper(), tr("Couche {name}").format(name=layer)))
        for page, path in self.PAGES.items():
            self.addOutput(QgsProcessingOutputHtml(page, tr("Page {name}").format(name=path)))

    def checkParameterValues(  # noqa: N802 - named by QGIS
        self, parameters: dict[str, Any], context: QgsProcessingContext
    ) -> tuple[bool, str]:
        """Refuse a run without scheme before it begins."""
        needed = self.parameterDefinition(SCHEME) is not None
        if needed and not scheme_of(self, parameters, context):
            return False, tr("Donnez le nom d'un schéma embarqué, ou le dossier d'un schéma.")
        valid, why = super().checkParameterValues(parameters, context)
        return bool(valid), str(why)

    def processAlgorithm(  # noqa: N802 - named by QGIS
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        """Run the package and hand over what it leaves."""
        self.stopped = feedback.isCanceled
        python, _ = ready_interpreter()
        name = self.destination().name()
        target = self.parameterAsString(parameters, name, context)
        result = run_package(package_command(python, self.words(parameters, context, target)), feedback)
        outputs = self.outputs(result, feedback)
        if self.LAYERS and self.parameterAsBoolean(parameters, LOAD, context):
            self.load(result, context, title=self.run_title(parameters, context))
        return {name: target, **outputs}

    # ------------------------------------------------------------------ what a run leaves

    def outputs(self, result: Result, feedback: QgsProcessingFeedback) -> dict[str, Any]:
        """Return layers and pages, and tell files and warnings."""
        feedback.pushInfo(tr("Écrit dans {folder} :").format(folder=result.folder))
        for name in result.files:
            feedback.pushInfo(f"  {name}")
        for warning in result.warnings:
            feedback.pushWarning(tr("À savoir : {warning}").format(warning=warning))
        found = {layer.name.upper(): source(result, layer) for layer in shown(result)}
        written = set(result.files)
        pages = {page: str(Path(result.folder) / path) for page, path in self.PAGES.items() if path in written}
        return {**found, **pages}

    def load(self, result: Result, context: QgsProcessingContext, *, title: str) -> None:
        """Have QGIS load the layers at the end, in a group; tables without geometry come last."""
        if context.project() is None:
            return
        group = RunGroup(title)
        for rank, layer in enumerate(drawing_order(shown(result))):
            short = layer.title.rsplit(" (", 1)[0]
            details = QgsProcessingContext.LayerDetails(short, context.project(), layer.name.upper())
            placement = Placement(group, rank, self.STYLE if layer.name == "communes" else "")
            self.provider().placements.append(placement)
            details.forceName = True  # the title, whatever the user prefers for files
            details.setPostProcessor(placement)
            context.addLayerToLoadOnCompletion(source(result, layer), details)


def shown(result: Result) -> list[Layer]:
    """Return the layers that people look at."""
    return [layer for layer in result.layers if not layer.name.startswith(ORIGIN)]


def group_titles() -> dict[str, str]:
    """Return the titles of the groups of algorithms, by code."""
    return {
        "diagnostic": tr("Diagnostic"),
        "documents": tr("Cartes et documents"),
        "donnees": tr("Données et corrections"),
        "reglages": tr("Réglages"),
    }


def run_package(command: list[str], feedback: QgsProcessingFeedback) -> Result:
    """Run the package, show its steps, and return its result.

    Raises
    ------
    QgsProcessingException
        The user stopped it, or it failed: the message holds every fault with its remedy.
    """
    ends: list[Result | Failure] = []
    notes: list[str] = []

    def on_line(line: str) -> None:
        said = read_line(line)
        if isinstance(said, Step):
            feedback.setProgress(said.percent)
            feedback.setProgressText(said.label)
        elif said is None:
            notes.append(line)
        else:
            ends.append(said)

    try:
        code = run(command, on_line=on_line, on_note=notes.append, stopped=feedback.isCanceled)
    except Stopped as stop:
        raise QgsProcessingException(tr("Arrêté : rien n'a été écrit.")) from stop
    except OSError as error:
        text = tr("{python} ne démarre pas : {error}. Choisissez un autre interpréteur.")
        raise QgsProcessingException(text.format(python=command[0], error=error)) from error
    end = ends[-1] if ends else None
    if isinstance(end, Result):
        feedback.setProgress(100)
        return end
    if isinstance(end, Failure):
        raise QgsProcessingException(end.message)
    told = "\n".join(notes[-_NOTES:])
    text = tr("Le moteur de calcul s'est arrêté sans réponse (code {code}) :")
    raise QgsProcessingException("\n".join([text.format(code=code), told]))
