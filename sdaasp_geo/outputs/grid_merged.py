"""What joining grids leaves: the grid, who changed what and when, conflicts, probable doubles, a page, a manifest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from sdaasp_geo.action_plan import Field
from sdaasp_geo.french import NBSP, count, number
from sdaasp_geo.outputs.escape import plain_text, safe_cell
from sdaasp_geo.outputs.grid_page import FOOTER, Page, Section, figure, render_page, section
from sdaasp_geo.outputs.grid_workbook import render_text_sheets
from sdaasp_geo.outputs.manifest import write_manifest

GRID, HISTORY, CONFLICTS, DOUBLES = "grille.csv", "historique.csv", "conflits.csv", "doublons-probables.csv"
WORKBOOK, PAGE = "grille.xlsx", "index.html"
_OPEN = "à trancher"
_NUMBERS = ("lon", "lat")
_TITLES = {
    "colonne": "Colonne",
    "avant": "Avant",
    "apres": "Après",
    "nature": "Nature",
    "retenu": "Valeur retenue",
    "fichier": "Fichier",
    "ligne": "Ligne",
    "valeur_1": "Valeur retenue à cette date",
    "valeur_2": "Valeur écartée",
    "fichier_2": "Autre fichier",
    "operateur_2": "Opérateur de la valeur écartée",
    "ligne_2": "Ligne de la valeur écartée",
    "etat": "État",
    "id_1": "Identifiant 1",
    "nom_1": "Nom 1",
    "fichier_1": "Fichier",
    "id_2": "Identifiant 2",
    "nom_2": "Nom 2",
    "ressemblance": "Ressemblance des noms (sur 100)",
    "distance_m": "Distance (m)",
    "raison": "Raison",
    "lignes": "Lignes",
    "seules": "Lignes que ce fichier est seul à donner",
}


def write_merge(
    tables: Mapping[str, pd.DataFrame],
    fields: Sequence[Field],
    folder: Path,
    *,
    inputs: Sequence[Mapping[str, object]],
    version: str,
) -> None:
    """Write the joined grid and its trail in an existing empty folder.

    Parameters
    ----------
    tables : mapping
        ``grid, history, conflicts, doubles, origins`` (`layers.grid_merge.Merge`).
    fields : sequence of Field
        Columns of the grid, optional ones included.
    folder : Path
        Where to write.
    inputs : sequence of mapping
        Name, SHA-256 and size of each file, in the order given.
    version : str
        Version of the package.
    """
    titles = {**_TITLES, **{field.name: field.title for field in fields}}
    named = (("grid", GRID), ("history", HISTORY), ("conflicts", CONFLICTS), ("doubles", DOUBLES))
    for key, name in named:
        write_csv(tables[key], folder / name)
    sheets = ("Lieux", "Historique", "Conflits", "Doublons probables")
    workbook = {tab: tables[key] for tab, (key, _) in zip(sheets, named, strict=True)}
    (folder / WORKBOOK).write_bytes(render_text_sheets(workbook, titles=titles))
    (folder / PAGE).write_text(render_page(merge_page(tables, titles)), encoding="utf-8")
    counts = {key: len(tables[key]) for key, _ in named}
    manifest = {
        "schema": "sdaasp_geo/manifest/1",
        "version": version,
        "inputs": list(inputs),
        "counts": {
            **counts,
            "conflicts_open": _open(tables["conflicts"]),
            "rows_read": int(tables["origins"]["lignes"].sum()),
        },
    }
    write_manifest(manifest, folder)


def _open(conflicts: pd.DataFrame) -> int:
    return int((conflicts["etat"] == _OPEN).sum())


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write a table as CSV (UTF-8 with mark, comma); a text that a spreadsheet would compute is kept a text."""
    guarded = table.apply(
        lambda column: (
            column if column.name in _NUMBERS else column.map(safe_cell)
        )  # a longitude may begin with a minus
    )
    guarded.to_csv(path, index=False, encoding="utf-8-sig", lineterminator="\n", float_format="%.1f")


def merge_page(tables: Mapping[str, pd.DataFrame], titles: Mapping[str, str]) -> Page:
    """Say what joining the files gave: rows, changes, conflicts, probable doubles."""
    grid, history, conflicts, doubles = (tables[key] for key in ("grid", "history", "conflicts", "doubles"))
    files = len(tables["origins"])
    waiting = _open(conflicts)
    verdict = f"Aucun conflit{NBSP}: les fichiers ne se contredisent pas à la même date."
    if waiting:
        verdict = (
            f"{count(waiting, 'conflit')} à trancher{NBSP}: des fichiers de même date ne disent pas la même chose."
        )
    return Page(
        title="Fusion de grilles communes",
        subtitle=f"{count(files, 'fichier')}, dans l'ordre donné",
        figures=(
            figure(len(grid), "ligne dans la grille fusionnée", "lignes dans la grille fusionnée"),
            figure(len(history), "changement dans l'historique", "changements dans l'historique"),
            figure(waiting, "conflit à trancher", "conflits à trancher"),
            figure(len(doubles), "doublon probable, gardé", "doublons probables, gardés"),
        ),
        footer=FOOTER,
        verdict=verdict,
        bad=bool(waiting),
        intro=_INTRO,
        links=(
            (WORKBOOK, "Classeur de tous ces tableaux (XLSX)"),
            *((name, f"{label} (CSV)") for name, label in _FILES),
            ("manifest.json", "Fichiers d'entrée et empreintes (JSON)"),
        ),
        sections=(
            _files(tables["origins"]),
            _shown(conflicts, titles, "Conflits", _CONFLICT_COLUMNS, "Aucun conflit."),
            _shown(doubles, titles, "Doublons probables", _DOUBLE_COLUMNS, "Aucun doublon probable."),
            _shown(history, titles, "Historique", _HISTORY_COLUMNS, "Aucun changement."),
        ),
    )


_INTRO = (
    "La ligne la plus récente l'emporte, cellule par cellule\u202f; une cellule vide n'efface rien.",
    "À date égale, le fichier donné en premier l'emporte, et la différence est un conflit.",
    f"Rien n'est retiré{NBSP}: toute ligne est dans la grille, toute valeur écartée dans l'historique ou les conflits.",
)
_FILES = ((GRID, "Grille"), (HISTORY, "Historique"), (CONFLICTS, "Conflits"), (DOUBLES, "Doublons probables"))
_CONFLICT_COLUMNS = ("id", "service", "colonne", "date_maj", "valeur_1", "fichier", "valeur_2", "fichier_2", "etat")
_DOUBLE_COLUMNS = ("id_1", "nom_1", "fichier_1", "id_2", "nom_2", "fichier_2", "service", "raison")
_HISTORY_COLUMNS = ("id", "service", "colonne", "date_maj", "avant", "apres", "nature", "fichier", "operateur")
_NOTES = {
    "Conflits": "À date égale, la valeur du fichier donné en premier est retenue.",
    "Doublons probables": f"Même service, même commune, noms proches ou moins de 100{NBSP}m{NBSP}: jamais fusionnés.",
    "Historique": "Qui (fichier et opérateur), quand (date de mise à jour), quoi (colonne), avant et après.",
}


def _files(origins: pd.DataFrame) -> Section:
    rows = [(row.fichier, number(row.lignes), number(row.seules)) for row in origins.itertuples()]
    header = ("Fichier", "Lignes", "Lignes qu'il est seul à donner")
    return section("Fichiers", header, rows, note="Dans l'ordre donné.", empty="Aucun fichier.")


def _shown(table: pd.DataFrame, titles: Mapping[str, str], title: str, columns: Sequence[str], empty: str) -> Section:
    named = table[list(columns)].copy()
    if "colonne" in named:
        named["colonne"] = named["colonne"].map(lambda name: titles.get(name, name))
    rows = [tuple(plain_text(value) for value in row) for row in named.to_numpy()]
    header = [titles.get(name, name) for name in columns]
    values = [titles[name] for name in ("avant", "apres", "valeur_1", "valeur_2")]
    return section(title, header, rows, note=_NOTES[title], empty=empty, values=values)
