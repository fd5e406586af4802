"""Filled grids as operators send them: any separator, encoding or format, headers by name or title; nothing is lost."""

from __future__ import annotations

import csv
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape

import openpyxl
import pandas as pd
import pytest

from sdaasp_geo.errors import InputError
from sdaasp_geo.outputs import grid_template
from sdaasp_geo.sources.grid_files import MARK, read_grid_file
from sdaasp_geo.sources.grid_schema import (
    examples,
    grid_columns,
    grid_faults,
    known_services,
    optional_columns,
)
from sdaasp_geo.sources.services import read_services

NAMES = [field.name for field in grid_columns()]
TITLES = [field.title for field in grid_columns()]
GOOD = examples()
ROW = [GOOD[name] for name in NAMES]


def write_csv(path: Path, rows: Sequence[Sequence[str]], *, separator: str = ",", encoding: str = "utf-8") -> Path:
    with path.open("w", encoding=encoding, newline="") as stream:
        csv.writer(stream, delimiter=separator).writerows(rows)
    return path


def write_xlsx(path: Path, sheets: dict[str, Sequence[Sequence[object]]]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    book.save(path)
    return path


def write_ods(path: Path, rows: Sequence[Sequence[str]]) -> Path:
    spaces = "".join(f' xmlns:{key}="urn:{key}"' for key in ("office", "table", "text"))
    cells = [
        "".join(f"<table:table-cell><text:p>{escape(cell)}</text:p></table:table-cell>" for cell in row) for row in rows
    ]
    body = "".join(f"<table:table-row>{row}</table:table-row>" for row in cells)
    content = f'<office:document-content{spaces}><table:table table:name="Lieux">{body}</table:table>'
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("content.xml", content + "</office:document-content>")
    return path


def test_the_examples_of_the_schema_are_a_valid_row(tmp_path: Path) -> None:
    grid = read_grid_file(write_csv(tmp_path / "a.csv", [NAMES, ROW]))
    assert grid.faults == ()
    assert grid_faults(grid.table, file="a.csv") == []
    assert set(GOOD) == set(NAMES) | {field.name for field in optional_columns()}
    assert GOOD["service"] in known_services()


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
@pytest.mark.parametrize("header", [NAMES, TITLES, [title.upper() for title in TITLES]])
def test_text_files_are_read_alike(separator: str, encoding: str, header: list[str], tmp_path: Path) -> None:
    path = tmp_path / ("a.tsv" if separator == "\t" else "a.csv")
    grid = read_grid_file(write_csv(path, [header, ROW], separator=separator, encoding=encoding))
    assert grid.table.loc[2].tolist() == ROW
    assert grid.table.columns.tolist() == NAMES
    assert (grid.header_row, grid.faults, grid.notes) == (1, (), ())


def test_headers_without_accents_and_by_synonym_are_known(tmp_path: Path) -> None:
    header = [*TITLES]
    header[2], header[6], header[10] = "Operateur", "Code INSEE", "precision de la position"
    assert read_grid_file(write_csv(tmp_path / "a.csv", [header, ROW])).faults == ()


def test_titles_above_the_header_keep_row_numbers(tmp_path: Path) -> None:
    rows = [["Points d'accueil", *[""] * 17], [""] * 18, TITLES, ROW, [""] * 18, ROW]
    grid = read_grid_file(write_csv(tmp_path / "a.csv", rows, separator=";"))
    assert grid.header_row == 3
    assert grid.table.index.tolist() == [4, 6]


def test_a_workbook_keeps_positions_and_merged_titles(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "a.xlsx", {"Aide": [["Lisez-moi"]], "Mes lieux": [["Liste 2026"], TITLES, ROW]})
    book = openpyxl.load_workbook(path)
    book["Mes lieux"].merge_cells("A1:R1")
    book.save(path)
    grid = read_grid_file(path)
    assert (grid.sheet, grid.header_row, grid.faults) == ("Mes lieux", 2, ())
    assert grid.table.loc[3].tolist() == ROW
    assert read_services(path)["id"].tolist() == [GOOD["id"]]


def test_an_ods_is_read(tmp_path: Path) -> None:
    grid = read_grid_file(write_ods(tmp_path / "a.ods", [TITLES, ROW]))
    assert grid.table.loc[2].tolist() == ROW


def test_numbers_of_a_workbook_become_text_and_a_lost_zero_is_proposed(tmp_path: Path) -> None:
    row: list[object] = [*ROW]
    row[6], row[8], row[9] = 4070, 6.2356, 44.0925
    grid = read_grid_file(write_xlsx(tmp_path / "a.xlsx", {"Lieux": [TITLES, row]}))
    assert grid.table.loc[2, ["code_commune", "lon", "lat"]].tolist() == ["4070", "6.2356", "44.0925"]
    (fault,) = grid_faults(grid.table, file="a.xlsx")
    assert "04070" in fault.remedy


def test_columns_beside_the_grid_go_to_reste_and_the_mark_is_left_out(tmp_path: Path) -> None:
    grid = read_grid_file(write_csv(tmp_path / "a.csv", [[MARK, *NAMES, "Remarque"], ["Contact", *ROW, "au fond"]]))
    assert grid.table.loc[2, "reste"].split("\n") == ["Remarque\u00a0: au fond"]
    assert len(grid.notes) == 1
    assert grid_template.MARK == MARK


def test_optional_columns_are_read_and_may_be_absent(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", [[*NAMES, "Coût"], [*ROW, "Gratuit"]])
    assert read_grid_file(path).table.loc[2, "cout"] == "Gratuit"
    assert "cout" not in read_grid_file(write_csv(tmp_path / "b.csv", [NAMES, ROW])).table


def test_missing_repeated_and_overflowing_columns_are_all_faults(tmp_path: Path) -> None:
    header = [*NAMES[:-2], "Nom du lieu"]
    grid = read_grid_file(write_csv(tmp_path / "a.csv", [header, [*ROW[:-2], "autre", "trop"]]))
    assert sorted(fault.column for fault in grid.faults) == ["", "Nom du lieu", "date_maj", "licence"]


def test_two_tables_in_a_workbook_are_a_fault(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "a.xlsx", {"Nord": [TITLES, ROW], "Sud": [TITLES, ROW]})
    assert [fault.value for fault in read_grid_file(path).faults] == ["Sud"]
    with pytest.raises(InputError):
        read_services(path)


@pytest.mark.parametrize("content", ["", "a,b\n1,2\n", "\n\n"])
def test_a_file_without_the_header_is_refused(content: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError):
        read_grid_file(path)


def test_a_header_alone_is_an_empty_grid(tmp_path: Path) -> None:
    grid = read_grid_file(write_csv(tmp_path / "a.csv", [NAMES]))
    assert grid.table.empty
    assert grid.faults == ()


def test_a_guarded_cell_is_read_bare(tmp_path: Path) -> None:
    row = [*ROW]
    row[1], row[14] = "'=1+1", "'+33 4 92;\n'+33 4 93"
    table = read_grid_file(write_csv(tmp_path / "a.csv", [NAMES, row])).table
    assert table.loc[2, ["nom", "contact"]].tolist() == ["=1+1", "+33 4 92;\n+33 4 93"]


@pytest.mark.parametrize(
    ("column", "value", "proposal"),
    [
        ("code_commune", "4070", "04070"),
        ("code_commune", "2a004", "2A004"),
        ("date_maj", "22/11/2026", "2026-11-22"),
        ("date_maj", "1.2.2026", "2026-02-01"),
        ("format", "Itinérant", "itinerant"),
        ("format", "permanent", "fixe"),
        ("accessibilite", "oui", "accessible"),
        ("precision_position", "adrese", "adresse"),
        ("service", "France Services", "france-services"),
        ("id", "CAF Digne n° 1", "caf-digne-n-1"),
        ("horaires", "lundi au vendredi 9h-12h", "Mo-Fr 09:00-12:00"),
        ("lon", "6,2356°", "6.2356"),
    ],
)
def test_a_remedy_proposes_what_to_write(column: str, value: str, proposal: str) -> None:
    table = pd.DataFrame([{**{name: GOOD[name] for name in NAMES}, column: value}], index=[2], dtype="str")
    (fault,) = grid_faults(table, file="a")
    assert f"«\u00a0{proposal}\u00a0»" in fault.remedy
    mended = table.assign(**{column: proposal})
    assert grid_faults(mended, file="a") == []


@pytest.mark.parametrize(
    ("column", "value"), [("date_maj", "31/02/2026"), ("horaires", "sur place"), ("lon", "6° W"), ("code_commune", "x")]
)
def test_nothing_is_proposed_that_cannot_be_told(column: str, value: str) -> None:
    table = pd.DataFrame([{**{name: GOOD[name] for name in NAMES}, column: value}], index=[2], dtype="str")
    (fault,) = grid_faults(table, file="a")
    assert re.search("Sans doute", fault.remedy) is None
