"""The template of the common grid, empty or prefilled: lists, comments, text cells that keep their zeros."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import xlsxwriter

from sdaasp_geo.action_plan import Field
from sdaasp_geo.french import NBSP
from sdaasp_geo.outputs.grid_workbook import CREATED, OPTIONS, row_height, styles_of, write_text

MARK = "À vérifier"
"""Header of the column that says what to verify; readers leave it out."""

PLACES, NOTICE, LISTS = "Lieux", "Notice", "Listes"
_LEAST_ROWS, _SPARE_ROWS = 2000, 500
_WIDTHS = {"nom": 34, "adresse": 38, "horaires": 44, "horaires_bruts": 36, "source": 30, "commune": 24, "operateur": 26}
_WIDTH, _MARK_WIDTH = 17, 34
_HEADER_HEIGHT = 34
_NOTE = {"author": "sdaasp", "x_scale": 2.4, "y_scale": 1.6, "font_size": 9}
_A4 = 9
_STEPS = (
    f"Une ligne par lieu et par service{NBSP}: un lieu qui rend trois services prend trois lignes, même identifiant.",
    f"En-têtes foncés{NBSP}: cellules à remplir toujours. Clairs{NBSP}: dès que possible. Chacun a un commentaire.",
    f"Les cellules sont au format texte, pour que 04070 garde son zéro. Dates{NBSP}: AAAA-MM-JJ, comme 2026-01-15.",
    f"Horaires{NBSP}: Mo Tu We Th Fr Sa Su pour lundi à dimanche, comme Mo-Fr 09:00-12:00,14:00-17:00.",
    f"Ou bien{NBSP}: en français dans «{NBSP}Horaires tels que publiés{NBSP}»\u202f; le contrôle proposera la forme.",
    "Contact de l'institution seulement, jamais d'une personne.",
    f"Après une correction, mettez à jour la date de la ligne{NBSP}: à la fusion, la plus récente l'emporte.",
    "Une cellule vide n'efface rien.",
    f"Pour vérifier le fichier{NBSP}: sdaasp grid check FICHIER --out DOSSIER.",
)


@dataclass(frozen=True)
class Choices:
    """What the lists of the template offer.

    Attributes
    ----------
    services, communes : sequence of (code, name)
        Both stay open: another code can be written.
    """

    services: Sequence[tuple[str, str]]
    communes: Sequence[tuple[str, str]] = ()


def render_template(
    fields: Sequence[Field],
    examples: Mapping[str, str],
    choices: Choices,
    *,
    rows: pd.DataFrame | None = None,
    marks: pd.DataFrame | None = None,
    to_verify: pd.Series | None = None,
    title: str = "Grille d'information commune",
) -> bytes:
    """Write the template of the common grid.

    Parameters
    ----------
    fields : sequence of Field
        Columns, in order.
    examples : mapping
        Example of each column.
    choices : Choices
        Codes of services, and communes of the département where there is one.
    rows : DataFrame, optional
        Values to prefill, all text, under the names of the columns.
    marks : DataFrame of bool, optional
        Cells of ``rows`` to colour.
    to_verify : Series of str, optional
        What is to verify in each row, in a first column that the reader leaves out.
    title : str
        Title of the notice.

    Returns
    -------
    bytes
        XLSX: ``Lieux``, ``Notice``, ``Listes``.
    """
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, OPTIONS) as book:
        book.set_properties({"title": title[:255], "created": CREATED})
        styles = styles_of(book)
        places, notice, lists = (book.add_worksheet(name) for name in (PLACES, NOTICE, LISTS))
        ranges = _write_lists(lists, styles, fields, choices)
        _write_notice(notice, styles, fields, examples, title=title)
        first = 0 if to_verify is None else 1
        last = max(_LEAST_ROWS, _SPARE_ROWS + (0 if rows is None else len(rows)))
        _write_headers(places, styles, fields, examples, first=first)
        for at, field in enumerate(fields, start=first):
            if field.name in ranges:
                places.data_validation(1, at, last, at, ranges[field.name])
        if rows is not None:
            _write_rows(places, styles, fields, rows, marks, first=first)
        if to_verify is not None:
            _write_marks(places, styles, to_verify)
        places.freeze_panes(1, first + 2)
        places.ignore_errors({"number_stored_as_text": "A1:XFD1048576"})
        if rows is not None and len(rows):
            places.autofilter(0, 0, len(rows), first + len(fields) - 1)
    return content.getvalue()


def _write_headers(
    sheet: Any,  # noqa: ANN401 - xlsxwriter has no types
    styles: Mapping[str, Any],
    fields: Sequence[Field],
    examples: Mapping[str, str],
    *,
    first: int,
) -> None:
    for at, field in enumerate(fields, start=first):
        required = bool(field.constraints.get("required"))
        sheet.set_column(at, at, _WIDTHS.get(field.name, _WIDTH), styles["text"])
        sheet.write_string(0, at, field.title, styles["header" if required else "optional"])
        note = (
            f"{'Obligatoire' if required else 'Facultatif'}. {field.description}\nExemple{NBSP}: {examples[field.name]}"
        )
        sheet.write_comment(0, at, note, _NOTE)
    sheet.set_row(0, _HEADER_HEIGHT)
    sheet.set_landscape()
    sheet.set_paper(_A4)
    sheet.repeat_rows(0)


def _write_rows(
    sheet: Any,  # noqa: ANN401 - xlsxwriter has no types
    styles: Mapping[str, Any],
    fields: Sequence[Field],
    rows: pd.DataFrame,
    marks: pd.DataFrame | None,
    *,
    first: int,
) -> None:
    for at, field in enumerate(fields, start=first):
        values = rows[field.name].tolist() if field.name in rows else [""] * len(rows)
        asked = marks[field.name].tolist() if marks is not None and field.name in marks else [False] * len(rows)
        for line, (value, to_look) in enumerate(zip(values, asked, strict=True), start=1):
            if value or to_look:
                write_text(sheet, line, at, value, styles["à vérifier" if to_look else "text"])


def _write_marks(sheet: Any, styles: Mapping[str, Any], to_verify: pd.Series) -> None:  # noqa: ANN401
    sheet.set_column(0, 0, _MARK_WIDTH, styles["wrapped"])
    sheet.write_string(0, 0, MARK, styles["optional"])
    note = "Ce qui manque ou doit être confirmé. Corrigez dans les autres colonnes\u202f; celle-ci n'est pas lue."
    sheet.write_comment(0, 0, note, _NOTE)
    for line, value in enumerate(to_verify.tolist(), start=1):
        if value:
            sheet.write_string(line, 0, value, styles["à vérifier"])


def _write_lists(
    sheet: Any,  # noqa: ANN401 - xlsxwriter has no types
    styles: Mapping[str, Any],
    fields: Sequence[Field],
    choices: Choices,
) -> dict[str, dict[str, Any]]:
    """Write the lists, and return the validation of each column that has one."""
    lists: list[tuple[str, str, Sequence[str], Sequence[str] | None]] = [
        (field.name, field.title, field.constraints["enum"], None) for field in fields if "enum" in field.constraints
    ]
    for name, words, pairs in (
        ("service", "Services", choices.services),
        ("code_commune", "Communes", choices.communes),
    ):
        if pairs:
            lists.append((name, words, [code for code, _ in pairs], [label for _, label in pairs]))
    ranges = {}
    at = 0
    for name, title, values, labels in lists:
        letter = _letter(at)
        open_list = labels is not None
        ranges[name] = {
            "validate": "list",
            "source": f"={LISTS}!${letter}$2:${letter}${len(values) + 1}",
            "error_type": "information" if open_list else "stop",
            "error_title": "Hors de la liste",
            "error_message": f"Les valeurs connues sont dans la feuille «{NBSP}{LISTS}{NBSP}».",
        }
        for shift, (head, column) in enumerate(((f"Liste{NBSP}: {title}", values), ("Libellé", labels or ()))):
            if not column:
                continue
            sheet.set_column(at, at, 20 if shift == 0 else 44, styles["text"])
            sheet.write_string(0, at, head, styles["header"])
            for line, value in enumerate(column, start=1):
                write_text(sheet, line, at, value, styles["text"])
            at += 1
    sheet.freeze_panes(1, 0)
    sheet.ignore_errors({"number_stored_as_text": "A1:XFD1048576"})
    return ranges


def _letter(column: int) -> str:
    return chr(ord("A") + column)


def _write_notice(
    sheet: Any,  # noqa: ANN401 - xlsxwriter has no types
    styles: Mapping[str, Any],
    fields: Sequence[Field],
    examples: Mapping[str, str],
    *,
    title: str,
) -> None:
    widths = (38, 20, 12, 78, 44)
    for column, width in enumerate(widths):
        sheet.set_column(column, column, width)
    sheet.write_string(0, 0, title, styles["title"])
    line = 2
    for number, step in enumerate(_STEPS, start=1):
        sheet.merge_range(line, 0, line, 4, "", styles["wrapped"])
        sheet.write_string(line, 0, f"{number}. {step}", styles["wrapped"])
        line += 1
    line += 1
    for column, label in enumerate(("En-tête", "Nom technique", "À remplir", "Ce qu'on y met", "Exemple")):
        sheet.write_string(line, column, label, styles["header"])
    for field in fields:
        line += 1
        required = "toujours" if field.constraints.get("required") else "si connu"
        texts = (field.title, field.name, required, field.description, examples[field.name])
        sheet.set_row(line, row_height(texts, widths))
        for column, text in enumerate(texts):
            write_text(sheet, line, column, text, styles["wrapped"])
    sheet.set_landscape()
    sheet.set_paper(_A4)
    sheet.fit_to_pages(1, 0)
