"""Files that others publish, brought to the common grid: what was converted, what was not and why."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import pandas as pd

from sdaasp_geo import __version__
from sdaasp_geo.errors import Fault, InputError
from sdaasp_geo.french import NBSP, count
from sdaasp_geo.layers.scope import departement_of
from sdaasp_geo.outputs import publish
from sdaasp_geo.outputs.grid_merged import GRID, write_csv
from sdaasp_geo.outputs.manifest import write_manifest
from sdaasp_geo.pipeline.grid import check_untouched, describe_files
from sdaasp_geo.sources.anct import anct_to_grid, is_anct_list
from sdaasp_geo.sources.delimited import read_delimited
from sdaasp_geo.sources.interchange import conversion_notes, convert_foreign

LEFT = "non-converties.csv"
ELSEWHERE = "hors des départements demandés"
_TEXT = (".csv", ".txt", ".tsv")


def convert_grid(path: Path, folder: Path, *, departements: Collection[str] = ()) -> list[str]:
    """Convert a file of a known foreign format, and write the grid, the lines left and how it was made.

    Parameters
    ----------
    path : Path
        Places of médiation numérique, BPE of INSEE, directory of DILA, or list of France services.
    folder : Path
        Where to write, complete or not at all.
    departements : collection of str
        Only these; empty: all.

    Returns
    -------
    list of str
        In French: what was read, converted, left and lost.

    Raises
    ------
    InputError
        Another format, or a damaged file.
    OutputError
        When the folder cannot be written.
    """
    check_untouched(folder, inputs=[path])
    table, left, notes = _converted(path, departements)
    with publish.published(folder) as beside:
        write_csv(table, beside / GRID)
        write_csv(left, beside / LEFT)
        manifest = {
            "schema": "sdaasp_geo/manifest/1",
            "version": __version__,
            "inputs": describe_files([path]),
            "counts": {"rows": len(table), "left": len(left)},
            "notes": notes,
        }
        write_manifest(manifest, beside)
    return notes


def _converted(path: Path, departements: Collection[str]) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    conversion = convert_foreign(path, departements=departements)
    if conversion is not None:
        return conversion.table, conversion.left, conversion_notes(conversion)
    raw = read_delimited(path) if path.suffix.lower() in _TEXT else pd.DataFrame()
    if not is_anct_list(raw.columns):
        remedy = f"Pour un fichier déjà à la grille commune, lancez «{NBSP}sdaasp grid check{NBSP}»."
        expected = "un format connu (médiation numérique, BPE, annuaire de la DILA, liste des France services)"
        raise InputError([Fault(path.name, None, "", "", expected, remedy)])
    table = anct_to_grid(raw, file=path.name)
    wanted = table["code_commune"].map(departement_of).isin(set(departements)) | (not departements)
    left = table.loc[~wanted, ["id", "nom", "code_commune"]].assign(reason=ELSEWHERE).rename_axis("row").reset_index()
    notes = [f"Liste des France services{NBSP}: {count(len(raw), 'ligne lue', 'lignes lues')}."]
    if len(left):
        notes.append(f"{count(len(left), 'ligne laissée', 'lignes laissées')}{NBSP}: {ELSEWHERE}.")
    return table[wanted], left, notes
