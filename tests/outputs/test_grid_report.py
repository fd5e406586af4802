"""The report of a checked grid: every finding at its cell, in the page and in the copy; hostile text stays text."""

from __future__ import annotations

import io
from typing import Any

import openpyxl
import pandas as pd
import pytest
from lxml import html as lxml_html  # type: ignore[import-untyped]

from sdaasp_geo.outputs.grid_merged import merge_page
from sdaasp_geo.outputs.grid_page import MOST_ROWS, Page, Section, render_page, section
from sdaasp_geo.outputs.grid_report import FINDINGS, TO_LOOK, TO_MEND, Checked, check_page
from sdaasp_geo.outputs.grid_workbook import CELL_LIMIT, render_marked_copy, render_text_sheets, tab_name

HOSTILE = '<img src=x onerror=alert(1)> & "{{ 7*7 }}"'
FORMULA = '=HYPERLINK("http://x","y")'
ROWS = [["Titre", "", ""], ["id", "nom", "date_maj"], ["a", FORMULA, "hier"], ["b", HOSTILE, "2026-01-01"]]
POSITIONS = {"id": 0, "nom": 1, "date_maj": 2}
TITLES = {"id": "Identifiant", "nom": "Nom du lieu", "date_maj": "Date"}


def findings(*rows: tuple[str, str, int | None, str, str]) -> pd.DataFrame:
    full = [(level, kind, row, column, value, "attendu", "Faites.") for level, kind, row, column, value in rows]
    return pd.DataFrame(full, columns=FINDINGS).astype({"row": "Int64"})


FOUND = findings(
    (TO_MEND, "défaut", 2, "licence", ""),
    (TO_MEND, "défaut", 3, "date_maj", "hier"),
    (TO_LOOK, "cellule qui ressemble à une formule", 3, "nom", FORMULA),
    (TO_LOOK, "information ancienne", 3, "date_maj", HOSTILE),
)
CHECKED = Checked("a.csv", "Lieux", ROWS, 2, POSITIONS, 2, FOUND, notes=(HOSTILE,))


def copy(found: pd.DataFrame = FOUND, rows: list[list[str]] = ROWS) -> Any:  # noqa: ANN401 - openpyxl has no types
    told = found.assign(cell=[CHECKED.cell(*pair) for pair in found[["row", "column"]].to_numpy()], title="x")
    content = render_marked_copy(rows, told, positions=POSITIONS, header_row=2, sheet="Lieux")
    return openpyxl.load_workbook(io.BytesIO(content))


def test_findings_are_counted_and_named_by_their_cell() -> None:
    assert (CHECKED.faults, CHECKED.doubts) == (2, 2)
    assert CHECKED.cell(3, "date_maj") == "C3"
    assert CHECKED.cell(2, "licence") == "ligne 2"
    assert CHECKED.cell(pd.NA, "") == "fichier"
    assert len(CHECKED.lines(most=1)) == 2


def test_the_page_shows_every_finding_and_runs_nothing() -> None:
    text = render_page(check_page(CHECKED, TITLES, copy="a-a-corriger.xlsx"))
    page = lxml_html.fromstring(text)
    assert "default-src 'none'" in page.xpath("//meta[@http-equiv]/@content")[0]
    assert page.xpath("//img | //script | //@onerror") == []
    assert "http://" not in "".join(page.xpath("//@href | //@src"))
    cells = [cell.text_content() for cell in page.xpath("//th[@scope='row']")]
    assert cells.count("C3") == 2
    assert {"ligne 2", "B3"} <= set(cells)
    assert HOSTILE in page.text_content()
    assert len(page.xpath("//table")) == len(page.xpath("//caption"))
    assert "2 défauts" in text.replace("\u00a0", " ")


def test_a_right_file_says_so() -> None:
    right = Checked("a.csv", "", ROWS, 2, POSITIONS, 2, findings())
    text = render_page(check_page(right, TITLES, copy="x.xlsx"))
    assert "conforme" in text
    assert 'class="verdict bad"' not in text


def test_the_copy_keeps_places_colours_cells_and_links_to_them() -> None:
    book = copy()
    assert book.sheetnames == ["À corriger", "Lieux"]
    sheet = book["Lieux"]
    assert [[cell.value or "" for cell in row] for row in sheet.iter_rows()] == ROWS
    assert sheet["C3"].fill.fgColor.rgb != sheet["C4"].fill.fgColor.rgb
    assert sheet["C3"].comment.text.count("Faites.") == 2
    assert sheet["B3"].comment.text.startswith("À vérifier")
    assert sheet.freeze_panes == "C3"
    links = {cell.coordinate: cell.hyperlink.location for cell in book["À corriger"]["A"] if cell.hyperlink}
    assert links == {"A2": "'Lieux'!A2", "A3": "'Lieux'!C3", "A4": "'Lieux'!B3", "A5": "'Lieux'!C3"}


def test_nothing_in_the_copy_is_a_formula() -> None:
    book = copy()
    assert [cell.coordinate for sheet in book for row in sheet for cell in row if cell.data_type == "f"] == []
    assert book["Lieux"]["B3"].value == FORMULA


def test_the_copy_of_a_file_that_was_not_read_has_its_faults() -> None:
    book = copy(findings((TO_MEND, "défaut", None, "", "")), rows=[])
    assert book["À corriger"]["A2"].value == "fichier"


def test_a_text_that_no_cell_can_hold_is_cut_and_says_so() -> None:
    book = copy(findings(), rows=[*ROWS[:2], ["a", "x" * (CELL_LIMIT + 1), ""]])
    assert book["Lieux"]["B3"].value.endswith("(coupé)")


@pytest.mark.parametrize(
    ("name", "tab"),
    [("", "Lieux"), ("À corriger", "Lieux"), ("a[b]:c*d?e/f\\g", "a b c d e f g"), ("x" * 40, "x" * 31)],
)
def test_tabs_bear_names_that_a_workbook_allows(name: str, tab: str) -> None:
    assert tab_name(name) == tab


def test_the_same_findings_give_the_same_bytes() -> None:
    told = FOUND.assign(cell="A1", title="x")
    one, two = (render_marked_copy(ROWS, told, positions=POSITIONS, header_row=2) for _ in range(2))
    assert one == two


def test_a_long_table_says_how_many_rows_it_leaves_to_the_workbook() -> None:
    made = section("T", ["A"], [("x",)] * (MOST_ROWS + 2), note="Note.")
    assert isinstance(made, Section)
    assert len(made.rows) == MOST_ROWS
    assert "2\u00a0autres lignes" in made.note
    assert "2\u00a0autres lignes" in render_page(Page("t", "s", (), "f", sections=(made,)))


def test_sheets_of_text_keep_numbers_and_texts_apart() -> None:
    content = render_text_sheets({"T": pd.DataFrame({"a": [FORMULA, "04070"], "b": [1.5, float("nan")]})}, titles={})
    sheet = openpyxl.load_workbook(io.BytesIO(content))["T"]
    assert [[cell.value for cell in row] for row in sheet.iter_rows(min_row=2)] == [[FORMULA, 1.5], ["04070", None]]
    assert sheet["A2"].data_type == "s"


def test_the_page_of_a_merge_counts_open_conflicts() -> None:
    conflict = dict.fromkeys(("id", "service", "colonne", "date_maj", "fichier", "fichier_2"), "x")
    conflict |= {"valeur_1": HOSTILE, "valeur_2": "b", "etat": "à trancher"}
    tables = {
        "grid": pd.DataFrame({"id": ["x"]}),
        "history": pd.DataFrame(
            columns=["id", "service", "colonne", "date_maj", "avant", "apres", "nature", "fichier", "operateur"]
        ),
        "conflicts": pd.DataFrame([conflict]),
        "doubles": pd.DataFrame(
            columns=["id_1", "nom_1", "fichier_1", "id_2", "nom_2", "fichier_2", "service", "raison"]
        ),
        "origins": pd.DataFrame([("x", 1, 1)], columns=["fichier", "lignes", "seules"]),
    }
    titles = dict.fromkeys(("avant", "apres", "valeur_1", "valeur_2"), "V")
    page = merge_page(tables, titles)
    assert page.bad
    assert lxml_html.fromstring(render_page(page)).xpath("//img") == []
