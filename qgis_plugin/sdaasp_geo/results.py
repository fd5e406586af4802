"""Layers of a run in the project: in a group of their own, in order, with all the styles of their GeoPackage."""

from __future__ import annotations

from pathlib import Path

from qgis.core import (
    QgsLayerTreeGroup,
    QgsMapLayer,
    QgsMapLayerStyle,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingLayerPostProcessorInterface,
    QgsProject,
)

from .protocol import Layer, Result

PLACED = "sdaasp_geo/placed"
"""Property of what was placed in the layer tree."""


def source(result: Result, layer: Layer) -> str:
    """Return the address of a layer, as QGIS writes it."""
    return f"{Path(result.folder) / layer.file}|layername={layer.name}"


class RunGroup:
    """The group of one run; it is made when its first layer comes, at the top of the project.

    Layers come in any order: each has a rank, and the highest is drawn on top.
    """

    def __init__(self, title: str) -> None:
        self.title = title
        self.placed: list[int] = []
        self.node: QgsLayerTreeGroup | None = None

    def place(self, layer: QgsMapLayer, rank: int, project: QgsProject) -> None:
        """Move a layer of the project into the group; one that an earlier run placed stays where it is.

        QGIS puts a new layer beside the selected one, which may be in the group already: only what was placed counts.
        A layer without any node would leave the project: the new node comes before the old one goes.
        """
        root = project.layerTreeRoot()
        before = root.findLayer(layer.id())
        if before is None or before.customProperty(PLACED):
            return
        if self.node is None:
            self.node = root.insertGroup(0, self._free_title(root))
        after = before.clone()
        after.setCustomProperty(PLACED, True)  # noqa: FBT003 - QGIS takes it by position
        above = sum(other > rank for other in self.placed)
        children = self.node.children()
        rows = [row for row, child in enumerate(children) if child.customProperty(PLACED)]
        self.node.insertChildNode(rows[above] if above < len(rows) else len(children), after)
        before.parent().removeChildNode(before)
        self.placed.append(rank)

    def _free_title(self, root: QgsLayerTreeGroup) -> str:
        number, title = 1, self.title
        while root.findGroup(title) is not None:
            number += 1
            title = f"{self.title} ({number})"
        return title


class Placement(QgsProcessingLayerPostProcessorInterface):
    """What is done to a layer once QGIS has loaded it: its styles, its place."""

    def __init__(self, group: RunGroup, rank: int, style: str) -> None:
        super().__init__()
        self.group, self.rank, self.style = group, rank, style

    def postProcessLayer(  # noqa: N802 - named by QGIS
        self,
        layer: QgsMapLayer,
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,  # noqa: ARG002 - given by QGIS
    ) -> None:
        """Give the layer its styles and place it; a layer already in the project reads its new file."""
        layer.reload()
        add_styles(layer, shown=self.style)
        self.group.place(layer, self.rank, context.project())


def add_styles(layer: QgsMapLayer, *, shown: str) -> None:
    """Add the styles of the GeoPackage to those of the layer (menu « Styles »), and show one of them.

    The default one is already loaded, without its name: the same one with its name takes its place, or the one to show.
    """
    count, identifiers, names, _, _ = layer.listStylesInDatabase()
    manager = layer.styleManager()
    for identifier, name in list(zip(identifiers, names))[: max(count, 0)]:
        text, _ = layer.getStyleFromDatabase(identifier)
        if text and name not in manager.styles():
            manager.addStyle(name, QgsMapLayerStyle(text))
    first = manager.currentStyle()
    if count > 0 and first not in names:  # where one of ours is already shown, the user chose it
        manager.setCurrentStyle(shown if shown in names else names[0])
        manager.removeStyle(first)
