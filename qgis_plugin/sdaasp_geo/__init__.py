"""Plugin of QGIS: the tool ``sdaasp_geo`` as a Processing provider; the computing is done by another interpreter."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qgis.gui import QgisInterface

    from .plugin import SdaaspPlugin


def classFactory(iface: QgisInterface | None) -> SdaaspPlugin:  # noqa: N802 - the name that QGIS calls
    """Return the plugin; QGIS calls this, with its interface (None in ``qgis_process``)."""
    from .plugin import SdaaspPlugin as Plugin  # noqa: PLC0415 - so that the parts without QGIS can be imported without it

    return Plugin(iface)
