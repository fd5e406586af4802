"""The report of a checked grid: a page and a copy of the file with what to mend, for people who do not program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from xlsxwriter.utility import xl_col_to_name

from sdaasp_geo.action_plan import Field
from sdaasp_geo.french import NBSP, count, listing, number
from sdaasp_geo.outputs.escape import plain_text, safe_file_stem
from sdaasp_geo.outputs.grid_page import FOOTER, Page, Section, figure, render_page, section
from sdaasp_geo.outputs.grid_workbook import render_marked_copy
from sdaasp_geo.outputs.manifest import write_manifest

PAGE = "rapport.html"
TO_MEND, TO_LOOK = "à corriger", "à vérifier"
FINDINGS = ["level", "kind", "row", "column", "value", "expected", "remedy"]
_HEADER = ("Cellule", "Colonne", "Valeur trouvée", "Attendu", "Que faire")


@dataclass(frozen=True)
class Checked:
    """A file that was checked.

    Attributes
    ----------
    file, sheet : str
        Its name, and that of its sheet (empty for a text file).
    rows : sequence of sequence of str
        Every row of the sheet; empty when the file could not be read.
    header_row : int
        Row of the headers, from 1.
    positions : mapping
        Field to column, from 0.
    places : int
        Rows of data.
    findings : DataFrame
        ``level`` (`TO_MEND` or `TO_LOOK`), ``kind, row`` (missing when about the whole file), ``column, value,
        expected, remedy``.
    notes : sequence of str
        What the reader must know, in French.
    """

    file: str
    sheet: str
    rows: Sequence[Sequence[str]]
    header_row: int
    positions: Mapping[str, int]
    places: int
    findings: pd.DataFrame
    notes: Sequence[str] = ()

    @property
    def faults(self) -> int:
        """How many findings must be mended."""
        return int((self.findings["level"] == TO_MEND).sum())

    @property
    def doubts(self) -> int:
        """How many findings should be looked at."""
        return len(self.findings) - self.faults

    def fault_objects(self) -> list[dict[str, str | int | None]]:
        """Return what must be mended as objects: ``file, row, column, value, expected, remedy`` (`errors.Fault`)."""
        wrong = self.findings[self.findings["level"] == TO_MEND]
        rows = [None if pd.isna(row) else int(row) for row in wrong["row"]]
        cells = wrong[["column", "value", "expected", "remedy"]].astype("str").to_dict("records")
        return [{"file": self.file, "row": row, **cell} for row, cell in zip(rows, cells, strict=True)]

    def lines(self, *, most: int) -> list[str]:
        """Return the first faults as French lines, and how many others there are."""
        wrong = self.findings[self.findings["level"] == TO_MEND]
        lines = [
            f"{self.cell(row['row'], row['column'])} ({row['column'] or 'fichier'}){NBSP}: {row['remedy']}"
            for row in wrong.head(most).to_dict("records")
        ]
        return [*lines, f"… et {count(len(wrong) - most, 'autre')}"] if len(wrong) > most else lines

    def cell(self, row: object, column: str) -> str:
        """Return the address of a cell as a spreadsheet writes it, or what stands for it."""
        if row is None or pd.isna(row):
            return "fichier"
        if column not in self.positions:
            return f"ligne {int(row)}"  # type: ignore[call-overload]
        return f"{xl_col_to_name(self.positions[column])}{int(row)}"  # type: ignore[call-overload]


def write_check(
    checked: Checked, fields: Sequence[Field], folder: Path, *, inputs: Sequence[Mapping[str, object]], version: str
) -> None:
    """Write the page, the copy and the manifest in an existing empty folder.

    Parameters
    ----------
    checked : Checked
        The file and what was found.
    fields : sequence of Field
        Columns of the grid, for their titles.
    folder : Path
        Where to write.
    inputs : sequence of mapping
        Name, SHA-256 and size of the file.
    version : str
        Version of the package.
    """
    titles = {field.name: field.title for field in fields}
    copy = f"{safe_file_stem('', Path(checked.file).stem)}-a-corriger.xlsx"
    cells = [checked.cell(row, column) for row, column in checked.findings[["row", "column"]].to_numpy()]
    content = render_marked_copy(
        checked.rows,
        checked.findings.assign(cell=cells, title=[titles.get(name, name) for name in checked.findings["column"]]),
        positions=checked.positions,
        header_row=checked.header_row,
        sheet=checked.sheet,
    )
    (folder / copy).write_bytes(content)
    (folder / PAGE).write_text(render_page(check_page(checked, titles, copy=copy)), encoding="utf-8")
    kinds = checked.findings.groupby(["level", "kind"]).size()
    manifest = {
        "schema": "sdaasp_geo/manifest/1",
        "version": version,
        "inputs": list(inputs),
        "counts": {
            "rows": checked.places,
            "faults": checked.faults,
            "warnings": checked.doubts,
            "kinds": {f"{level}: {kind}": int(size) for (level, kind), size in kinds.items()},
        },
        "notes": list(checked.notes),
    }
    write_manifest(manifest, folder)


def check_page(checked: Checked, titles: Mapping[str, str], *, copy: str) -> Page:
    """Say what is wrong in a file, what is suspicious, and how to mend it."""
    findings = checked.findings
    wrong = findings[findings["level"] == TO_MEND]
    verdict = "Le fichier est conforme à la grille commune."
    if checked.faults:
        verdict = f"{count(checked.faults, 'défaut')} à corriger avant que le fichier puisse être lu."
    first = (
        f"Ouvrez la copie du fichier{NBSP}: sa première feuille mène à chaque cellule colorée, dont le commentaire dit "
    )
    intro = [f"{first}quoi faire. Corrigez, enregistrez, puis refaites le contrôle.", *checked.notes]
    return Page(
        title=f"Contrôle de la grille commune{NBSP}: {plain_text(checked.file)}",
        subtitle=f"Feuille «{NBSP}{plain_text(checked.sheet)}{NBSP}»" if checked.sheet else "Fichier texte",
        figures=(
            figure(checked.places, "ligne lue", "lignes lues"),
            figure(checked.faults, "défaut à corriger", "défauts à corriger"),
            (number(checked.doubts), "à vérifier (le fichier reste valide)"),
        ),
        footer=FOOTER,
        verdict=verdict,
        bad=bool(checked.faults),
        intro=tuple(plain_text(text) for text in intro),
        links=((copy, "Copie du fichier, défauts signalés (XLSX)"),),
        sections=(
            *_by_column(wrong, titles),
            _findings(
                checked, wrong, titles, title="À corriger", note="Une ligne par défaut, dans l'ordre du fichier."
            ),
            *_doubts(checked, findings[findings["level"] == TO_LOOK], titles),
        ),
    )


def _by_column(wrong: pd.DataFrame, titles: Mapping[str, str]) -> list[Section]:
    """Sum up the faults by column, where there are several."""
    if len(wrong) < 2:  # noqa: PLR2004 - one fault needs no summary
        return []
    counts = wrong.groupby("column", sort=False)["row"].agg(["size", list])
    rows = [
        (titles.get(str(name), str(name)) or "Fichier", number(size), _rows_named(rows))
        for name, size, rows in counts.sort_values("size", ascending=False, kind="stable").itertuples()
    ]
    header = ("Colonne", "Défauts", "Lignes du fichier")
    return [section("Défauts par colonne", header, rows, note="Les colonnes qui ont le plus de défauts d'abord.")]


def _rows_named(rows: Sequence[object], *, most: int = 12) -> str:
    known = [str(int(row)) for row in dict.fromkeys(rows) if not pd.isna(row)]  # type: ignore[call-overload]
    if len(known) > most:
        return f"{', '.join(known[:most])} et {count(len(known) - most, 'autre')}"
    return listing(known)


def _findings(checked: Checked, rows: pd.DataFrame, titles: Mapping[str, str], *, title: str, note: str) -> Section:
    shown = [
        (
            checked.cell(row["row"], row["column"]),
            titles.get(row["column"], row["column"]),
            *(row[name] for name in ("value", "expected", "remedy")),
        )
        for row in rows.to_dict("records")
    ]
    return section(title, _HEADER, shown, note=note, empty="Aucun défaut.", values=("Valeur trouvée",))


def _doubts(checked: Checked, doubts: pd.DataFrame, titles: Mapping[str, str]) -> list[Section]:
    """Show what is suspicious, by kind."""
    note = f"À vérifier{NBSP}: le fichier reste valide."
    return [
        _findings(checked, group, titles, title=str(kind).capitalize(), note=note)
        for kind, group in doubts.groupby("kind", sort=True)
    ]
