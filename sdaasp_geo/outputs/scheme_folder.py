"""A ready scheme folder for any département: ``scheme.toml`` and empty tables to fill."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from sdaasp_geo.errors import OutputError
from sdaasp_geo.french import NBSP
from sdaasp_geo.outputs.publish import published

GRID, ACTIONS, GOVERNANCE = "services.csv", "actions.csv", "governance.csv"


def write_scheme_folder(
    folder: Path,
    *,
    code: str,
    name: str,
    vintage: int,
    edition: dt.date,
    signatories: Sequence[tuple[str, str]],
    columns: Mapping[str, Sequence[str]],
) -> list[Path]:
    """Write a scheme folder.

    Parameters
    ----------
    folder : Path
        Absent or empty.
    code, name : str
        The département.
    vintage : int
        Vintage of the perimeters and populations.
    edition : dt.date
        Date printed on the outputs.
    signatories : sequence of (siren, name)
        EPCI that sign: those with most of their population in the département, to be confirmed.
    columns : mapping
        File name → columns of its published schema: the common grid, the plan of actions, the governance.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    OutputError
        When the folder is not empty.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        message = f"{folder} n'est pas vide{NBSP}: rien n'a été écrit. Choisissez un autre dossier."
        raise OutputError(message)
    text = _scheme_text(code=code, name=name, vintage=vintage, edition=edition, signatories=signatories)
    files = {"scheme.toml": text} | {name: _header(names) for name, names in columns.items()}
    with published(folder) as beside:
        for file, content in files.items():
            (beside / file).write_text(content, encoding="utf-8")
    return [folder / file for file in files]


def _header(columns: Sequence[str]) -> str:
    header = io.StringIO()
    csv.writer(header, lineterminator="\n").writerow(columns)
    return header.getvalue()


def _scheme_text(
    *, code: str, name: str, vintage: int, edition: dt.date, signatories: Sequence[tuple[str, str]]
) -> str:
    listed = "\n".join(f'  "{siren}", # {" ".join(label.split())}' for siren, label in signatories)
    return f"""# Schéma d'accessibilité des services au public. Tout se modifie ; sdaasp check dit ce qui ne va pas.
nom = {_quoted(f"Schéma départemental d'amélioration de l'accessibilité des services au public ({name})")}
departement = {_quoted(code)}
edition = {edition.isoformat()}
reference = ""

[millesimes]
convention = {vintage} # périmètres de la signature
mesure = {vintage}     # périmètres et populations de la mesure

[mesure]
# Le premier service est le principal : la carte le montre d'abord. Remplissez {GRID} avant d'ajouter d'autres services.
services = ["mairie", "france-services"]
regles = ["mairie-15", "france-services-20", "france-services-30"]
moteur = "ligne-droite" # ou "matrice", avec fichiers.minutes, ou "routes"

[fichiers]
# Lieux et services : la grille commune (une ligne par lieu et par service), ou la liste des France services telle que
# l'ANCT la publie (liste-fs-AAAAMMJJ.csv). Les mairies sont embarquées.
services = ["{GRID}"]
# Une fois remplis : le plan d'actions (tableaux, ou fiches DOCX, ODT, texte) et la gouvernance.
# actions = ["{ACTIONS}"]
# gouvernance = ["{GOVERNANCE}"]
# routes = ["languedoc-roussillon.osm.pbf"] # extrait OpenStreetMap, BD TOPO ou ROUTE 500, pour le moteur « routes »
# carreaux = "carreaux_200m.csv" # population carroyée de l'INSEE : les temps sont aussi mesurés depuis les carreaux

[convention]
duree_ans = 2
periode = ""
# EPCI dont la majorité de la population habite le département : à confirmer.
signataires = [
{listed}
]
orientations = []
engagements = []
"""


def _quoted(text: str) -> str:
    """Return a TOML basic string (the escapes of JSON are those of TOML)."""
    return json.dumps(text, ensure_ascii=False)
