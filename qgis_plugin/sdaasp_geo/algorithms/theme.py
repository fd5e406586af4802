"""Base of the algorithms that give one theme of the diagnosis: ``sdaasp theme``."""

from __future__ import annotations

from typing import Any

from qgis.core import QgsProcessingContext, QgsProcessingParameterDefinition

from ..command import command_words
from .base import SdaaspAlgorithm
from .parameters import data_options, data_parameters, scheme_of, scheme_parameters


class ThemeAlgorithm(SdaaspAlgorithm):
    """One theme: its code is that of the algorithm."""

    GROUP = "diagnostic"

    def inputs(self) -> list[QgsProcessingParameterDefinition]:
        """Return the scheme and what may replace its data."""
        return [*scheme_parameters(), *data_parameters()]

    def words(self, parameters: dict[str, Any], context: QgsProcessingContext, target: str) -> list[str]:
        """Return the command."""
        data = data_options(self, parameters, context, stopped=self.stopped)
        options = {"--theme": self.CODE, "--out": target, **data}
        return command_words("theme", scheme_of(self, parameters, context), options=options)
