"""The template: lists, comments and text cells; a prefilled one is read again as it was."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd

from sdaasp_geo.layers.grid_checks import gap_words, gaps
from sdaasp_geo.outputs.grid_template import LISTS, MARK, NOTICE, PLACES, Choices, render_template
from sdaasp_geo.sources.grid_files import read_grid_file
from sdaasp_geo.sources.grid_schema import examples, grid_columns, grid_faults, optional_columns

FIELDS = (*grid_columns(), *optional_columns())
CHOICES = Choices(services=(("caf", "CAF"), ("msa", "MSA")), communes=(("04070", "Digne-les-Bains"),))
FORMULA = "=1+1"


def book(content: bytes) -> Any:  # noqa: ANN401 - openpyxl has no types
    return openpyxl.load_workbook(io.BytesIO(content))


def test_the_empty_template_has_titles_comments_lists_and_text_cells() -> None:
    made = book(render_template(FIELDS, examples(), CHOICES))
    assert made.sheetnames == [PLACES, NOTICE, LISTS]
    sheet = made[PLACES]
    assert [cell.value for cell in sheet[1]] == [field.title for field in FIELDS]
    assert all(cell.comment.text.startswith(("Obligatoire", "Facultatif")) for cell in sheet[1])
    assert sheet.freeze_panes == "C2"
    assert {column.number_format for column in sheet.column_dimensions.values()} == {"@"}
    lists = {
        str(rule.sqref).split(":")[0]: (rule.formula1, rule.errorStyle)
        for rule in sheet.data_validations.dataValidation
    }
    assert len(lists) == 5
    assert lists["D2"][1] == "information"
    assert lists["E2"][1] in (None, "stop")


def test_lists_hold_the_values_of_the_schema() -> None:
    made = book(render_template(FIELDS, examples(), CHOICES))
    columns = {column[0].value: [cell.value for cell in column[1:] if cell.value] for column in made[LISTS].columns}
    for field in FIELDS:
        if "enum" in field.constraints:
            assert columns[f"Liste\u00a0: {field.title}"] == field.constraints["enum"]
    assert columns["Liste\u00a0: Communes"] == ["04070"]
    for rule in made[PLACES].data_validations.dataValidation:
        letter, last = rule.formula1.removeprefix(f"{LISTS}!$").split(":$")[0][0], int(rule.formula1.rsplit("$", 1)[1])
        assert made[LISTS][f"{letter}{last}"].value
        assert made[LISTS][f"{letter}{last + 1}"].value is None


def test_the_notice_describes_every_column() -> None:
    made = book(render_template(FIELDS, examples(), CHOICES, title="Grille"))
    cells = {cell.value for row in made[NOTICE].iter_rows() for cell in row}
    assert {field.title for field in FIELDS} | {field.name for field in FIELDS} | {"Grille"} <= cells


def test_an_empty_template_is_read_as_an_empty_grid(tmp_path: Path) -> None:
    path = tmp_path / "m.xlsx"
    path.write_bytes(render_template(FIELDS, examples(), CHOICES))
    grid = read_grid_file(path)
    assert (grid.sheet, grid.faults, len(grid.table)) == (PLACES, (), 0)


def test_a_prefilled_template_is_read_as_it_was_written(tmp_path: Path) -> None:
    row = {field.name: examples()[field.name] for field in FIELDS if field.name != "reste"}
    rows = pd.DataFrame(
        [{**row, "nom": FORMULA, "contact": "", "reste": ""}, {**row, "id": "b", "reste": ""}], dtype="str"
    )
    marks = gaps(rows)
    path = tmp_path / "m.xlsx"
    content = render_template(FIELDS, examples(), CHOICES, rows=rows, marks=marks, to_verify=gap_words(marks))
    path.write_bytes(content)
    sheet = book(content)[PLACES]
    assert (sheet["A1"].value, sheet["A2"].value, sheet["A3"].value) == (MARK, "Contact", None)
    assert [cell.coordinate for line in sheet for cell in line if cell.data_type == "f"] == []
    grid = read_grid_file(path)
    assert (grid.faults, grid.notes) == ((), ())
    pd.testing.assert_frame_equal(grid.table.reset_index(drop=True), rows[grid.table.columns], check_names=False)
    assert grid_faults(grid.table, file="m.xlsx") == []
    assert content == render_template(FIELDS, examples(), CHOICES, rows=rows, marks=marks, to_verify=gap_words(marks))
