"""Texts of the plugin: written in French, translated where QGIS speaks another language. Without QGIS at import."""

from __future__ import annotations

NBSP = "\u00a0"
"""No-break space: before a colon, inside « guillemets »."""

CONTEXT = "SDAASP"
"""Context of the translation files (``i18n/sdaasp_geo_*.ts``)."""


def tr(text: str) -> str:
    """Return a text in the language of QGIS; the French one where there is no translation, or no QGIS.

    The plain spaces of French typography in the source (« x », ``:``) become no-break ones.
    """
    try:
        from qgis.PyQt.QtCore import QCoreApplication  # noqa: PLC0415 - only where QGIS is
    except ImportError:
        return typeset(text)
    return typeset(str(QCoreApplication.translate(CONTEXT, text)))


def typeset(text: str) -> str:
    """Put the no-break spaces that French asks for."""
    text = text.replace("« ", f"«{NBSP}").replace(" »", f"{NBSP}»")
    for mark in ":;?!›":
        text = text.replace(f" {mark}", f"{NBSP}{mark}")
    return text
