"""The folder of an overview: its map, its tables, and how it was made."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pandas as pd

from sdaasp_geo.french import NARROW_NBSP, NBSP
from sdaasp_geo.outputs.escape import csv_cell
from sdaasp_geo.outputs.manifest import write_manifest
from sdaasp_geo.outputs.overview_model import Overview
from sdaasp_geo.outputs.overview_page import render_overview
from sdaasp_geo.outputs.overview_theme import departement_table

PAGE, COMMUNES, DEPARTEMENTS = "carte.html", "communes.csv", "departements.csv"
_LICENCE = f"Licence Ouverte 2.0 (IGN, INSEE, DGCL, DILA){NARROW_NBSP}; lieux{NBSP}: voir les fichiers"
_COLUMNS = {
    "code": "code_commune",
    "name": "commune",
    "departement": "departement",
    "departement_name": "nom_departement",
    "region_name": "region",
    "epci": "epci",
    "epci_name": "nom_epci",
    "population": "population",
    "population_reason": "population_motif",
    "contour_reason": "contour_motif",
    "ref_source": "point_de_depart",
    "service": "service",
    "time_min": "temps_min",
    "low_min": "temps_bas_min",
    "high_min": "temps_haut_min",
    "reason": "motif",
    "place": "lieu",
    "place_name": "nom_lieu",
    "place_commune": "commune_lieu",
    "place_departement": "departement_lieu",
    "class": "classe",
    "to_check": "a_verifier",
}


def write_overview(overview: Overview, folder: Path, *, version: str) -> None:
    """Write the map, the tables and the manifest of an overview in an existing folder."""
    downloads = [(COMMUNES, "communes.csv, une ligne par commune et par service"), (DEPARTEMENTS, "departements.csv")]
    (folder / PAGE).write_text(render_overview(overview, downloads=downloads), encoding="utf-8")
    _write_csv(communes_table(overview), folder / COMMUNES)
    header, rows = departement_table(overview)
    _write_csv(pd.DataFrame(rows, columns=header), folder / DEPARTEMENTS)
    write_manifest(overview_manifest(overview, version=version), folder)


def communes_table(overview: Overview) -> pd.DataFrame:
    """Return every commune and service, under published names; minutes are unrounded."""
    table = overview.access.merge(overview.communes, on="code", validate="many_to_one")
    return table[list(_COLUMNS)].rename(columns=_COLUMNS).assign(a_verifier=table["to_check"].map(_YES_NO))


_YES_NO = {True: "oui", False: "non"}


def _write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write UTF-8 with its mark; a text that a spreadsheet would compute is kept a text."""
    text = [name for name in table.columns if not pd.api.types.is_numeric_dtype(table[name])]
    guarded = table.assign(**{name: table[name].map(csv_cell) for name in text})
    guarded.to_csv(path, index=False, encoding="utf-8-sig", lineterminator="\n", float_format="%.4f")


def overview_manifest(overview: Overview, *, version: str) -> dict[str, object]:
    """Describe how an overview was made; nothing depends on the clock nor on the machine."""
    method = overview.method
    reasons = overview.access.groupby(["service", "reason"]).size()
    return {
        "schema": "sdaasp_geo/manifest/1",
        "version": version,
        "overview": {"code": overview.code, "name": overview.name, "edition": overview.edition.isoformat()},
        "vintages": {"mesure": overview.vintage},
        "method": {
            "code": method.code,
            "label": method.label,
            "estimate": method.estimate,
            "description": method.description,
            "source": method.source,
        },
        "services": list(overview.services),
        "rules": [msgspec.to_builtins(rule) for rule in overview.rules],
        "settings": [msgspec.to_builtins(setting) for setting in overview.parameters.setting],
        "licence": _LICENCE,
        "inputs": list(overview.inputs),
        "counts": {
            "communes": len(overview.communes),
            "without_contour": int((overview.communes["contour_reason"] != "").sum()),
            "departements": int(overview.communes["departement"].nunique()),
            "places": {service: len(table) for service, table in overview.places.items()},
            "access": {f"{service}: {reason}": int(size) for (service, reason), size in reasons.items()},
        },
        "warnings": list(overview.notes),
    }
