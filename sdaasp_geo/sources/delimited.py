"""Delimited text files as people hold them: UTF-8 or cp1252, comma, semicolon or tab; everything is text."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pandas as pd

from sdaasp_geo.errors import Fault, InputError
from sdaasp_geo.sources.limits import read_content

_SEPARATORS = ",;\t|"


def decode(content: bytes, *, file: str) -> str:
    """Decode text, strictly, as UTF-8 (with or without its mark), then as cp1252.

    Raises
    ------
    InputError
        When it is neither.
    """
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    remedy = "Enregistrez le fichier en CSV UTF-8."
    raise InputError([Fault(file, None, "", "", "un texte en UTF-8 ou Windows-1252", remedy)])


def read_delimited(path: Path) -> pd.DataFrame:
    """Read a delimited file as text; nothing is guessed as a number, a date or a missing value.

    Returns
    -------
    DataFrame
        One column per header, all ``str``; the index is the row number a spreadsheet shows (header = 1).

    Raises
    ------
    InputError
        Empty file, repeated or empty headers, rows longer or shorter than the header: all together.
    """
    text = decode(read_content(path), file=path.name)
    header_line = text.split("\n", 1)[0]
    separator = max(_SEPARATORS, key=header_line.count)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    except csv.Error as error:
        remedy = "Un guillemet ouvert n'est sans doute pas refermé."
        raise InputError([Fault(path.name, None, "", "", "un fichier CSV lisible", remedy)]) from error
    if not rows:
        remedy = "Donnez un fichier qui commence par une ligne d'en-têtes."
        raise InputError([Fault(path.name, None, "", "", "au moins une ligne", remedy)])
    header = [name.strip() for name in rows[0]]
    body = [(number, row) for number, row in enumerate(rows[1:], start=2) if any(cell.strip() for cell in row)]
    _check_shape(path.name, header, body)
    index = pd.Index([number for number, _ in body], name="row")
    cells = [[cell.strip() for cell in row] for _, row in body]
    return pd.DataFrame(cells, columns=header, index=index, dtype="str")


def _check_shape(file: str, header: list[str], body: list[tuple[int, list[str]]]) -> None:
    faults = [
        Fault(file, 1, name, name, "un en-tête unique et non vide", "Renommez la colonne.")
        for position, name in enumerate(header)
        if not name or name in header[:position]
    ]
    faults += [
        Fault(file, number, "", str(len(row)), f"{len(header)} cellules", "Vérifiez les séparateurs et les guillemets.")
        for number, row in body
        if len(row) != len(header)
    ]
    if faults:
        raise InputError(faults)
