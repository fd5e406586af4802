"""What the package says on its standard output: JSON lines, and who it is. Without QGIS."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .texts import NBSP, tr

PROTOCOL = 1
"""Version of the exchanges that this plugin knows; ``sdaasp about --json`` tells that of the package."""

_OTHERS = "- … et "
"""How the last line of a message begins that counts the faults it does not list."""

_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co"})
"""Letters that the package leaves out of its messages: those that a terminal obeys, or that reorder what follows."""

DRAWN = (
    "communes",
    "communes_guichets",
    "communes_avant_apres",
    "carreaux",
    "epci_voisins",
    "epci",
    "petr",
    "departement",
    "zones",
    "points_services",
    "fermetures",
    "lieux_proposes",
)
"""Layers from the bottom of the map to its top: filled ones under contours, contours under points."""


@dataclass(frozen=True)
class Step:
    """A step of the run begins: its rank (from 1), how many are expected, its French label."""

    rank: int
    total: int
    label: str

    @property
    def percent(self) -> float:
        """Part of the run that is done, 0 to 100."""
        return 100.0 * (self.rank - 1) / max(self.total, self.rank)


@dataclass(frozen=True)
class Layer:
    """A layer of a GeoPackage that the run wrote; ``geometry`` is empty for a table."""

    file: str
    name: str
    title: str
    geometry: str


def drawing_order(layers: Iterable[Layer]) -> list[Layer]:
    """Return layers from the bottom to the top: tables, then those of `DRAWN`, then others as they came."""

    def rank(layer: Layer) -> int:
        if not layer.geometry:
            return -1
        return DRAWN.index(layer.name) if layer.name in DRAWN else len(DRAWN)

    return sorted(layers, key=rank)


@dataclass(frozen=True)
class Result:
    """What a run left: its folder, files relative to it, layers in drawing order (widest first), French warnings.

    ``faults`` has a line for each fault of a file that was only checked; ``values`` holds the other keys as they came.
    """

    folder: str
    files: tuple[str, ...]
    layers: tuple[Layer, ...]
    warnings: tuple[str, ...]
    faults: tuple[str, ...]
    values: dict[str, Any]


@dataclass(frozen=True)
class Failure:
    """Why a run gave nothing: the whole French message, faults and remedies included."""

    message: str


def read_line(line: str) -> Step | Result | Failure | None:
    """Read one line of the package; None where it is not one of ours (a library that prints)."""
    try:
        said = json.loads(line)
    except ValueError:
        return None
    if not isinstance(said, dict):
        return None
    if "step" in said:
        return Step(int(said["step"]), int(said.get("steps", 0)), str(said.get("label", "")))
    if isinstance(said.get("result"), dict):
        return _result(said["result"])
    if isinstance(said.get("error"), dict):
        return _failure(said["error"])
    return None


def _result(said: dict[str, Any]) -> Result:
    layers = [
        Layer(str(each["file"]), str(each["name"]), str(each.get("title") or each["name"]), str(each["geometry"]))
        for each in said.get("layers", ())
    ]
    return Result(
        folder=str(said.get("folder", "")),
        files=tuple(str(name) for name in said.get("files", ())),
        layers=tuple(layers),
        warnings=tuple(str(text) for text in said.get("warnings", ())),
        faults=tuple(fault_line(fault) for fault in said.get("faults", ())),
        values={key: value for key, value in said.items() if isinstance(value, (bool, int, float, str))},
    )


def _failure(said: dict[str, Any]) -> Failure:
    """Return the message with every fault: the package lists the first ones, and counts the others on its last line."""
    lines = str(said.get("message", "")).split("\n")
    told = {line.strip() for line in lines}
    untold = [line for line in (f"- {fault_line(fault)}" for fault in said.get("faults", ())) if line not in told]
    if untold and lines[-1].startswith(_OTHERS):
        lines.pop()
    return Failure("\n".join([*lines, *untold]).strip())


def fault_line(fault: dict[str, Any]) -> str:
    """Write a fault as the package does: one French line, its remedy last."""
    line = str(fault.get("file", ""))
    if fault.get("row") is not None:
        line += f", ligne {fault['row']}"
    if fault.get("column"):
        line += f", colonne «{NBSP}{fault['column']}{NBSP}»"
    if fault.get("value"):
        line += f"{NBSP}: «{NBSP}{fault['value']}{NBSP}» trouvé"
    line += f", attendu{NBSP}: {fault.get('expected', '')}. {fault.get('remedy', '')}"
    return "".join(letter for letter in line if unicodedata.category(letter) not in _UNSEEN).strip()


def read_about(text: str) -> dict[str, Any] | None:
    """Read the answer of ``about --json``; None where it is no such answer (no package, or too old)."""
    for line in text.splitlines():
        try:
            said = json.loads(line)
        except ValueError:
            continue
        if isinstance(said, dict) and "protocol" in said:
            return said
    return None


def version_fault(about: dict[str, Any] | None, *, plugin_version: str) -> str:
    """Say why plugin and package do not go together, with the remedy; empty where they do.

    The protocol decides: packages that speak the same one serve, whatever their version.
    """
    remedy = tr(
        "Lancez « Installer le moteur de calcul » (extension SDAASP {version}), ou choisissez un autre interpréteur "
        "Python dans Préférences › Options › SDAASP."
    ).format(version=plugin_version)
    if about is None:
        what = tr("L'interpréteur choisi n'a pas le paquet sdaasp_geo, ou en a une version trop ancienne.")
        return f"{what} {remedy}"
    found = about.get("protocol")
    if found == PROTOCOL:
        return ""
    if isinstance(found, int) and found > PROTOCOL:
        what = tr(
            "Le paquet sdaasp_geo {found} est plus récent que l'extension {version} (protocole {theirs}, {ours} "
            "attendu). Mettez l'extension à jour."
        )
        remedy = ""
    else:
        what = tr(
            "Le paquet sdaasp_geo {found} est plus ancien que l'extension {version} (protocole {theirs}, {ours} "
            "attendu)."
        )
    text = what.format(found=about.get("version", "?"), version=plugin_version, theirs=found, ours=PROTOCOL)
    return f"{text} {remedy}".strip()
