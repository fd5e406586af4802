"""A filled common grid as operators send it: CSV, TSV, XLSX or ODS, headers by name or by French title."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from sdaasp_geo.action_plan import fold
from sdaasp_geo.errors import Fault, InputError
from sdaasp_geo.french import NBSP
from sdaasp_geo.sources.grid_schema import grid_columns, missing_columns, optional_columns
from sdaasp_geo.sources.labels import Labels
from sdaasp_geo.sources.workbooks import Sheet, read_workbook

MARK = "À vérifier"
"""Header of the column that correction files add; it is not information of the operator and is not read."""

_FORMULA = tuple("=+-@\uff1d\uff0b\uff0d\uff20")
_INNER_GUARD = re.compile(r"([;\t\n]\s*)'(?=[=+@\uff1d\uff0b\uff20]|-\S)")
_HEAD = 30
_LEAST = 4
_REST = "reste"


@dataclass(frozen=True)
class GridFile:
    """A common grid as it stands in a file.

    Attributes
    ----------
    name, sheet : str
        The file, and its sheet (empty for a text file).
    rows : list of list of str
        Every row of the sheet, the first one being row 1.
    header_row : int
        Row of the headers, from 1.
    positions : dict
        Column of each field, from 0.
    table : DataFrame
        The recognised columns in the order of the grid, all text, then the optional ones that are there; the index is
        the row that a spreadsheet shows. What stands in other columns is in ``reste``, after its header.
    faults : tuple of Fault
        Missing and repeated columns, cells beyond the header, a second table.
    notes : tuple of str
        What was read without being asked for, in French.
    """

    name: str
    sheet: str
    rows: list[list[str]]
    header_row: int
    positions: dict[str, int]
    table: pd.DataFrame
    faults: tuple[Fault, ...]
    notes: tuple[str, ...]


def read_grid_file(path: Path) -> GridFile:
    """Read a filled common grid as text; cells are not checked (`grid_schema.grid_faults`).

    The header is the row, among the first thirty, that names most columns, by name, title or synonym, whatever accents
    and capitals; titles above it are left out. Of several sheets the one that names most columns is read.

    Raises
    ------
    InputError
        Another format, a damaged, hostile or empty file, or no row of headers.
    """
    labels = Labels((*grid_columns(), *optional_columns()))
    found = [(sheet, at) for sheet in read_workbook(path) if (at := _header(sheet, labels)) is not None]
    if not found:
        titles = ", ".join(field.title for field in grid_columns()[:_LEAST])
        expected = f"une ligne d'en-têtes ({titles}…)"
        remedy = "Reprenez les en-têtes du modèle de la grille commune (sdaasp grid template)."
        raise InputError([Fault(path.name, None, "", "", expected, remedy)])
    sheet, at = max(found, key=lambda pair: len(set(_names(pair[0].rows[pair[1]], labels))))
    others = [other for other, _ in found if other is not sheet]
    return _grid_file(path.name, sheet, at, labels, others)


def _names(row: list[str], labels: Labels) -> list[str]:
    """Return the field of each cell of a header, empty where it names none."""
    matches = [labels.match(cell) if cell else None for cell in row]
    return [match.field if match else "" for match in matches]


def _header(sheet: Sheet, labels: Labels) -> int | None:
    scores = [len(set(_names(row, labels)) - {""}) for row in sheet.rows[:_HEAD]]
    best = max(scores, default=0)
    return scores.index(best) if best >= _LEAST else None


def _grid_file(name: str, sheet: Sheet, at: int, labels: Labels, others: list[Sheet]) -> GridFile:
    header = sheet.rows[at]
    named = _names(header, labels)
    positions: dict[str, int] = {}
    repeated = []
    for column, field in enumerate(named):
        if field and positions.setdefault(field, column) != column:
            repeated.append(column)
    body = [(number, row) for number, row in enumerate(sheet.rows[at + 1 :], start=at + 2) if any(row)]
    unknown = [i for i, field in enumerate(named) if not field and fold(header[i]) != fold(MARK)]
    table = _table(body, header, positions, unknown)
    faults = [
        *missing_columns(table.columns, file=name, row=at + 1),
        *_shape_faults(name, header, body, repeated, sheet=sheet.name),
        *_second_tables(name, others),
    ]
    extra = [header[i] for i in unknown if header[i]]
    notes = (
        [f"Colonnes hors de la grille, gardées dans «{NBSP}reste{NBSP}»{NBSP}: {', '.join(extra)}."] if extra else []
    )
    return GridFile(name, sheet.name, sheet.rows, at + 1, positions, table, tuple(faults), tuple(notes))


def _table(
    body: list[tuple[int, list[str]]], header: list[str], positions: dict[str, int], unknown: list[int]
) -> pd.DataFrame:
    index = pd.Index([number for number, _ in body], name="row", dtype="int64")
    order = [field.name for field in (*grid_columns(), *optional_columns()) if field.name in positions]
    cells = {name: [_bare(row[positions[name]]) for _, row in body] for name in order}
    rests = [_rest(row, header, unknown) for _, row in body]
    if any(rests):
        own = cells.get(_REST, [""] * len(rests))
        cells[_REST] = ["\n".join(part for part in parts if part) for parts in zip(own, rests, strict=True)]
    return pd.DataFrame(cells, index=index, dtype="str")


def _bare(cell: str) -> str:
    """Return a cell without the apostrophes that keep a spreadsheet from computing it (`outputs.escape.safe_cell`)."""
    inner = _INNER_GUARD.sub(r"\1", cell)
    return inner[1:] if inner.startswith("'") and inner[1:].lstrip().startswith(_FORMULA) else inner


def _rest(row: list[str], header: list[str], unknown: list[int]) -> str:
    return "\n".join(f"{header[i] or f'Colonne {i + 1}'}{NBSP}: {row[i]}" for i in unknown if row[i])


def _shape_faults(
    name: str, header: list[str], body: list[tuple[int, list[str]]], repeated: list[int], *, sheet: str
) -> list[Fault]:
    remedy = "Gardez une seule de ces colonnes."
    faults = [
        Fault(name, None, header[i], header[i], "une seule colonne de ce sens", remedy) for i in dict.fromkeys(repeated)
    ]
    width = max((i + 1 for i, cell in enumerate(header) if cell), default=0)
    if not sheet:
        faults += [
            Fault(
                name,
                number,
                "",
                next(cell for cell in row[width:] if cell),
                f"{width} cellules",
                "Vérifiez les séparateurs et les guillemets.",
            )
            for number, row in body
            if any(row[width:])
        ]
    return faults


def _second_tables(name: str, others: list[Sheet]) -> list[Fault]:
    remedy = "Gardez un seul tableau par fichier, ou donnez chaque feuille dans son fichier."
    return [Fault(name, None, "", sheet.name, "une seule feuille de lieux", remedy) for sheet in others]
