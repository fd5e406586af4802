"""Tables of a plan (actions, governance) from a CSV, XLSX or ODS whose headers vary; no cell is lost.

A header may be the name of a field, its title or a synonym of its Table Schema; it may take two rows (a merged group
such as « Budget prévu » above the years) and stand below title lines. What stands in an unknown column goes to
``reste``, with its header.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import pandas as pd

from sdaasp_geo.action_plan import ORIGIN, Field
from sdaasp_geo.errors import Fault, InputError
from sdaasp_geo.french import NBSP, count
from sdaasp_geo.sources.labels import Label, Labels
from sdaasp_geo.sources.workbooks import Sheet, read_workbook

_HEAD = 30
"""Rows among which the header is sought."""

_LEAST = 2
_REST = "reste"


@dataclass(frozen=True)
class _Header:
    end: int
    start: int
    names: list[str]
    labels: list[Label | None]

    @property
    def score(self) -> tuple[int, int]:
        """Distinct fields and columns by year; of two equal headers, the one of fewer rows."""
        known = [label for label in self.labels if label]
        return len({label.field for label in known}) + sum(bool(label.year) for label in known), self.start - self.end


def read_plan_table(path: Path, fields: Sequence[Field], *, keys: Sequence[str]) -> tuple[pd.DataFrame, list[str]]:
    """Read every sheet of a file that holds a table of the plan.

    Parameters
    ----------
    path : Path
        CSV (UTF-8 or cp1252, any usual separator), XLSX or ODS.
    fields : sequence of Field
        Columns of the Table Schema.
    keys : sequence of str
        Fields of which a header must name at least one.

    Returns
    -------
    DataFrame
        Those columns, all text, and ``origine`` (file and sheet); the index is the row that a spreadsheet shows. Lists
        keep their separators; a column per year becomes « 2018 : value » lines of its field.
    list of str
        Notes in French: columns and sheets not recognised, lines above the header.

    Raises
    ------
    InputError
        Another format, a damaged, hostile or empty file, no header, or cells beyond the header: all together.
    """
    labels = Labels(fields)
    tables, notes, faults = [], [], []
    passed = []
    for sheet in read_workbook(path):
        header = _header(sheet.rows, labels, keys)
        origin = f"{path.name}, feuille «{NBSP}{sheet.name}{NBSP}»" if sheet.name else path.name
        if header is None:
            passed.append(origin)
            continue
        faults += _overflow(sheet, header, origin)
        tables.append(_table(sheet.rows, header, fields, origin))
        notes += _notes(sheet.rows, header, origin)
    if not tables:
        titles = ", ".join(field.title for field in fields[: _LEAST + 1])
        expected = f"une ligne d'en-têtes ({titles}…)"
        remedy = "Reprenez les en-têtes du modèle."
        raise InputError([Fault(path.name, None, "", "", expected, remedy)])
    if faults:
        raise InputError(faults)
    notes += [f"{origin}{NBSP}: aucun en-tête reconnu, feuille non lue." for origin in passed]
    return pd.concat(tables), notes


def _header(rows: list[list[str]], labels: Labels, keys: Sequence[str]) -> _Header | None:
    """Return the best header: most fields, then fewest rows, then the highest in the sheet."""
    best: _Header | None = None
    for at in range(min(_HEAD, len(rows))):
        for candidate in (_one_row(rows, at, labels), _two_rows(rows, at, labels)):
            fields = {label.field for label in candidate.labels if label}
            enough = len(fields) >= _LEAST and bool(fields & set(keys))
            if enough and (best is None or candidate.score > best.score):
                best = candidate
    return best


def _one_row(rows: list[list[str]], at: int, labels: Labels) -> _Header:
    return _Header(at + 1, at, rows[at], [labels.match(name) if name else None for name in rows[at]])


def _two_rows(rows: list[list[str]], at: int, labels: Labels) -> _Header:
    """Read a group above its columns: « Budget prévu » above « 2018 » and « 2019 » names both."""
    if at + 1 >= len(rows):
        return _one_row(rows, at, labels)
    own, below = rows[at], rows[at + 1]
    groups = list(accumulate(own, _group))
    names, found, read = [], [], 0
    for cell, group, sub in zip(own, groups, below, strict=True):
        name = " ".join(word for word in ((group, sub) if sub and sub != group else (cell,)) if word)
        label = next((label for choice in (name, sub) if sub and (label := labels.match(choice))), None)
        read += label is not None
        names.append(name)
        found.append(label or (labels.match(cell) if cell else None))
    if 2 * read < sum(bool(sub) for sub in below):  # the row below is one of data
        return _one_row(rows, at, labels)
    return _Header(at + 2, at, names, found)


def _group(left: str, cell: str) -> str:
    return cell or left


def _overflow(sheet: Sheet, header: _Header, origin: str) -> list[Fault]:
    """Find the cells of a CSV that stand beyond its header: a separator too many has shifted the row."""
    if sheet.name:
        return []
    width = max((at + 1 for at, name in enumerate(header.names) if name), default=0)
    remedy = "Vérifiez les séparateurs et les guillemets."
    return [
        Fault(origin, number, "", next(cell for cell in row[width:] if cell), f"{width} cellules", remedy)
        for number, row in enumerate(sheet.rows[header.end :], start=header.end + 1)
        if any(row[width:])
    ]


def _table(rows: list[list[str]], header: _Header, fields: Sequence[Field], origin: str) -> pd.DataFrame:
    body = [(number, row) for number, row in enumerate(rows[header.end :], start=header.end + 1) if any(row)]
    records = [_record(row, header) for _, row in body]
    index = pd.Index([number for number, _ in body], name="row", dtype="int64")
    columns = [field.name for field in fields]
    table = pd.DataFrame({name: [record.get(name, "") for record in records] for name in columns}, index=index)
    return table.astype("str").assign(**{ORIGIN: origin})


def _record(row: list[str], header: _Header) -> dict[str, str]:
    record: dict[str, str] = {}
    for at, (cell, label) in enumerate(zip(row, header.labels, strict=True)):
        if not cell:
            continue
        if label is None:
            name = header.names[at] or f"Colonne {at + 1}"
            field, value = _REST, f"{name}{NBSP}: {cell}"
        else:
            field, value = label.field, f"{label.year}{NBSP}: {cell}" if label.year else cell
        record[field] = f"{record[field]}\n{value}" if field in record else value
    return record


def _notes(rows: list[list[str]], header: _Header, origin: str) -> list[str]:
    notes = []
    unknown = [name for name, label in zip(header.names, header.labels, strict=True) if name and label is None]
    if unknown:
        kept = count(len(unknown), "colonne non reconnue, gardée", "colonnes non reconnues, gardées")
        notes.append(f"{origin}{NBSP}: {kept} dans «{NBSP}reste{NBSP}» ({', '.join(unknown)}).")
    above = " ".join(cell for row in rows[: header.start] for cell in dict.fromkeys(row) if cell)
    if above:
        notes.append(f"{origin}{NBSP}: lu au-dessus des en-têtes{NBSP}: {above}")
    return notes
