"""Write your own source: an operator's list brought to the common grid, checked, and measured.

A script in the percent format; ``scripts/build_notebooks.py`` makes the notebook of it.
"""
# ruff: noqa: INP001

# %% [markdown]
# # Write your own source
#
# A health insurance fund sends its list of counters as its software writes it: semicolons, decimal commas, codes that
# lost their zero, hours in words. This notebook writes the reader that brings it to the *grille d'information
# commune*, and measures with it. **The list is invented.**
#
# Two rules: **nothing disappears** (a line is converted, or left with its reason) and **nothing is guessed** (what is
# not understood is kept as published).

# %%
# ruff: noqa: S101, T201
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pandas as pd

from sdaasp_geo import InputError, measure, prepare, read_scheme
from sdaasp_geo.outputs.notebook import map_html, progress, table_html
from sdaasp_geo.sources import grid_rows
from sdaasp_geo.sources.delimited import read_delimited
from sdaasp_geo.sources.french_hours import read_week_text
from sdaasp_geo.sources.hours import CONVERTED
from sdaasp_geo.sources.services import read_services

PUBLISHED = """\
N°;Agence;INSEE;X;Y;Jours d'ouverture;Maj
1;CPAM Digne;4070;6,2356;44,0926;lundi au vendredi 8h30-12h, 13h30-17h;02/05/2024
2;CPAM Manosque;4112;5,7861;43,8283;lundi au jeudi 9h-12h;02/05/2024
3;Bus de la caisse;4120;;;un mardi sur deux, selon affichage;02/05/2024
4;Permanence du Verdon;;6,51;43,85;mercredi 9h-12h;02/05/2024
5;CPAM Sisteron;4209;44,1949;5,9446;lundi au vendredi 9h-12h;02/05/2024
"""
folder = Path(tempfile.mkdtemp())
(folder / "caisse.csv").write_text(PUBLISHED, encoding="utf-8")
raw = read_delimited(folder / "caisse.csv")
table_html(raw)

# %% [markdown]
# ## The reader
#
# One function per line, and the parts that all readers share: `commune_code` puts the leading zero back, `place`
# refuses coordinates that are absent or exchanged, `iso_date` reads dates, `read_week_text` converts hours when it
# reads them whole.

# %%
SOURCE, LICENCE = "liste des accueils de la caisse (inventée)", "Licence Ouverte 2.0"


def to_row(line: dict[str, str], remarks: Counter[str]) -> dict[str, str]:
    """Bring a line of the list to the columns of the common grid."""
    code = grid_rows.commune_code(line["INSEE"])
    spot = grid_rows.place(line["X"], line["Y"], code)
    week = read_week_text(line["Jours d'ouverture"])
    if spot.remark:
        remarks[f"lieux {spot.remark}"] += 1
    if week.status != CONVERTED:
        remarks["lieux aux horaires gardés tels que publiés"] += 1
    return {
        "id": grid_rows.grid_id("caisse", line["N°"]),
        "nom": line["Agence"],
        "operateur": "Caisse (exemple)",
        "service": "cpam",
        "format": grid_rows.said_format(line["Agence"]) or "fixe",
        "adresse": "",
        "code_commune": code,
        "commune": grid_rows.commune_names().get(code, ""),
        "lon": spot.lon,
        "lat": spot.lat,
        "precision_position": spot.precision,
        "horaires": week.hours if week.status == CONVERTED else "",
        "horaires_bruts": line["Jours d'ouverture"],
        "accessibilite": "inconnue",
        "contact": "",
        "source": SOURCE,
        "date_maj": grid_rows.iso_date(line["Maj"]),
        "licence": LICENCE,
    }


def caisse_to_grid(table: pd.DataFrame) -> grid_rows.Conversion:
    """Bring the whole list to the common grid; a line without commune is left, with its reason."""
    remarks: Counter[str] = Counter()
    left: list[grid_rows.Left] = []

    def rows() -> Iterator[tuple[int, dict[str, str]]]:
        for number, line in zip(table.index, table.to_dict("records"), strict=True):
            row = to_row(line, remarks)
            if row["code_commune"]:
                yield int(number), row
            else:
                left.append(grid_rows.Left(int(number), row["id"], row["nom"], "cpam", "", grid_rows.NO_CODE))

    converted = list(rows())
    return grid_rows.convert("liste de la caisse", len(table), converted, left, remarks)


conversion = caisse_to_grid(raw)
assert conversion.lines == len(conversion.table) + len(conversion.left)
table_html(conversion.table[["id", "nom", "format", "code_commune", "commune", "lon", "lat", "horaires"]])

# %% [markdown]
# What was left, and what was lost in the lines that are converted:

# %%
print(dict(conversion.remarks))
table_html(conversion.left)

# %% [markdown]
# ## The check
#
# `read_services` checks every cell against the Table Schema. All faults come together, with the row, the value, what
# was expected and the remedy. Break a cell to see one.

# %%
conversion.table.to_csv(folder / "caisse_grille.csv", index=False)
grid = read_services(folder / "caisse_grille.csv")
broken = conversion.table.assign(code_commune=["4070", *conversion.table["code_commune"][1:]])
broken.to_csv(folder / "broken.csv", index=False)
try:
    read_services(folder / "broken.csv")
except InputError as error:
    print(error)

# %% [markdown]
# ## The measure
#
# A scheme names the file and the service; nothing else changes. (`sdaasp init` writes such a folder.)

# %%
scheme = read_scheme("alpes-de-haute-provence")
scheme = msgspec.structs.replace(
    scheme,
    mesure=msgspec.structs.replace(scheme.mesure, services=("cpam", "mairie"), regles=()),
    fichiers=msgspec.structs.replace(scheme.fichiers, services=(str(folder / "caisse_grille.csv"),)),
)
with progress("Accueils de la caisse", total=7) as report:
    study = prepare(scheme, report=report)
    measures = measure(study, report=report)

# %%
access = measures.access[measures.access["service"] == "cpam"]
layer = study.communes[study.communes["inside"]].merge(access[["code", "time_min"]], on="code")
map_html(
    layer,
    "time_min",
    title="Minutes jusqu'à l'accueil de la caisse le plus proche (liste inventée, estimation)",
    breaks=(15, 30, 45),
    unit="min",
    points=study.points[study.points["service"] == "cpam"],
)

# %% [markdown]
# ## To keep it in the package
#
# A module of `sdaasp_geo/sources/` holds `is_…` (does this table come from there?) and `…_to_grid`;
# `sources/interchange.py` tries it; a test reads a small invented file and asserts what is left and why.
# *How to add a source*, in the documentation, goes through it.
