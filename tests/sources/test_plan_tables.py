"""Tables of actions and of governance: CSV, XLSX, ODS; headers vary, cells are text, nothing is lost."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import zipfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape

import openpyxl
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sdaasp_geo.action_plan import action_fields, governance_fields
from sdaasp_geo.errors import Fault, InputError
from sdaasp_geo.sources.action_tables import read_action_table
from sdaasp_geo.sources.governance_tables import read_governance_table
from sdaasp_geo.sources.workbooks import read_workbook

Rows = Sequence[Sequence[str]]
NAMES = [field.name for field in action_fields()]
BASIC: Rows = [["Code", "Intitulé", "Statut", "Porteur(s)"], ["1", "Un", "en cours", "CAF"], ["2", "Deux", "", "MSA"]]


def csv_file(folder: Path, rows: Rows, *, separator: str = ";", encoding: str = "utf-8") -> Path:
    path = folder / "plan.csv"
    text = io.StringIO()
    csv.writer(text, delimiter=separator, lineterminator="\r\n").writerows(rows)
    path.write_bytes(text.getvalue().encode(encoding))
    return path


def xlsx_file(folder: Path, rows: Rows, *, merged: Sequence[str] = ()) -> Path:
    path = folder / "plan.xlsx"
    book = openpyxl.Workbook()
    sheet = book.active
    for row in rows:
        sheet.append(list(row))
    for area in merged:
        sheet.merge_cells(area)
    book.save(path)
    return path


def ods_file(folder: Path, body: str, *, name: str = "Feuille1") -> Path:
    path = folder / "plan.ods"
    spaces = "".join(f' xmlns:{key}="urn:{key}"' for key in ("office", "table", "text"))
    content = f'<office:document-content{spaces}><table:table table:name="{name}">{body}</table:table>'
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("content.xml", content + "</office:document-content>")
    return path


def ods_rows(rows: Rows) -> str:
    def cell(text: str) -> str:
        return (
            f"<table:table-cell><text:p>{escape(text)}</text:p></table:table-cell>" if text else "<table:table-cell/>"
        )

    return "".join(f"<table:table-row>{''.join(map(cell, row))}</table:table-row>" for row in rows)


def files(folder: Path, rows: Rows) -> list[Path]:
    return [csv_file(folder, rows), xlsx_file(folder, rows), ods_file(folder, ods_rows(rows))]


def faults_of(path: Path) -> tuple[Fault, ...]:
    with pytest.raises(InputError) as caught:
        read_action_table(path)
    return caught.value.faults


def test_the_three_formats_give_the_same_table(tmp_path: Path) -> None:
    tables = [read_action_table(path)[0].drop(columns="origine") for path in files(tmp_path, BASIC)]
    for table in tables:
        pd.testing.assert_frame_equal(table, tables[0])
    assert tables[0].columns.tolist() == NAMES
    assert tables[0].index.tolist() == [2, 3]
    assert tables[0]["titre"].tolist() == ["Un", "Deux"]
    assert tables[0]["porteurs"].tolist() == ["CAF", "MSA"]


@pytest.mark.parametrize("separator", [";", ",", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_usual_csv_files(separator: str, encoding: str, tmp_path: Path) -> None:
    rows = [*BASIC, ["3", "Trois, avec des virgules, et un retour\nà la ligne", "réalisée", "Élus, agents"]]
    table, notes = read_action_table(csv_file(tmp_path, rows, separator=separator, encoding=encoding))
    assert table["porteurs"].tolist() == ["CAF", "MSA", "Élus, agents"]
    assert table["titre"].iloc[2].endswith("\nà la ligne")
    assert notes == []


@pytest.mark.parametrize("names", [NAMES, [field.title for field in action_fields()], [x.upper() for x in NAMES]])
def test_headers_may_be_names_or_titles(names: list[str], tmp_path: Path) -> None:
    values = [f"valeur {name}" for name in NAMES]
    table, _ = read_action_table(csv_file(tmp_path, [names, values]))
    assert table[NAMES].iloc[0].tolist() == values


@pytest.mark.parametrize("field", [*action_fields(), *governance_fields()], ids=lambda field: field.name)
def test_every_synonym_is_known(field: object, tmp_path: Path) -> None:
    own = field in action_fields()
    read = read_action_table if own else read_governance_table
    name, keys = field.name, ("code", "titre") if own else ("type", "nom")  # type: ignore[attr-defined]
    for synonym in (field.title, *field.synonymes):  # type: ignore[attr-defined]
        others = [key for key in keys if key != name]
        table, _ = read(csv_file(tmp_path, [[synonym, *others], ["ici", *others]]))
        assert table[name].tolist() == ["ici"], synonym


MERGED: Rows = [
    ["Plan d'actions du schéma", "", "", "", "", "", ""],
    ["Code", "Titre", "Budget prévu", "", "", "Suivi", ""],
    ["", "", "2018", "2019", "2020", "Statut", "Budget dépensé 2018"],
    ["1", "Un", "1000,50", "", "300", "en cours", "2"],
]


def test_headers_on_two_rows_below_a_title(tmp_path: Path) -> None:
    merged = ("A1:G1", "A2:A3", "B2:B3", "C2:E2", "F2:G2")
    paths = [*files(tmp_path, MERGED)[::2], xlsx_file(tmp_path, MERGED, merged=merged)]
    for path in paths:
        table, notes = read_action_table(path)
        (row,) = table.to_dict("records")
        assert row["budget_prevu_eur"].replace("\u00a0", " ") == "2018 : 1000,50\n2020 : 300"
        assert row["budget_depense_eur"].replace("\u00a0", " ") == "2018 : 2"
        assert (row["code"], row["titre"], row["statut"]) == ("1", "Un", "en cours")
        assert table.index.tolist() == [4]
        assert notes[0].endswith("Plan d'actions du schéma")


def test_a_row_of_data_is_not_taken_for_a_second_header(tmp_path: Path) -> None:
    rows = [["Code", "Titre", "Colonne libre"], ["1", "Un", "Statut"], ["2", "Deux", "Contact"]]
    for path in files(tmp_path, rows):
        assert read_action_table(path)[0]["reste"].str.split("\u00a0: ").tolist() == [
            ["Colonne libre", "Statut"],
            ["Colonne libre", "Contact"],
        ]


def test_cells_merged_downwards_are_those_of_each_row(tmp_path: Path) -> None:
    rows = [["Orientation", "Code", "Titre"], ["Accès", "1", "Un"], ["", "2", "Deux"], ["Santé", "3", "Trois"]]
    assert read_action_table(xlsx_file(tmp_path, rows, merged=("A2:A3",)))[0]["orientation"].tolist() == [
        "Accès",
        "Accès",
        "Santé",
    ]
    body = ods_rows(rows).replace(
        "<table:table-cell><text:p>Accès", '<table:table-cell table:number-rows-spanned="2"><text:p>Accès'
    )
    assert read_action_table(ods_file(tmp_path, body))[0]["orientation"].tolist() == ["Accès", "Accès", "Santé"]


def test_unknown_columns_are_kept_and_told(tmp_path: Path) -> None:
    rows = [["Code", "Titre", "Élue de secteur", ""], ["1", "Un", "oui", "sans en-tête"]]
    table, notes = read_action_table(xlsx_file(tmp_path, rows))
    assert table["reste"].iloc[0].replace("\u00a0", " ") == "Élue de secteur : oui\nColonne 4 : sans en-tête"
    assert len(notes) == 1
    assert "Élue de secteur" in notes[0]


def test_two_columns_of_one_field_are_joined(tmp_path: Path) -> None:
    rows = [["Code", "Titre", "Partenaires", "Partenaires associés"], ["1", "Un", "CAF", "MSA"]]
    assert read_action_table(csv_file(tmp_path, rows))[0]["partenaires"].tolist() == ["CAF\nMSA"]


@pytest.mark.parametrize("cell", ["=1+1", '=HYPERLINK("http://x")', "=== Titre ===", "+33", "-", "@nom", "NA", "04001"])
def test_cells_stay_text(cell: str, tmp_path: Path) -> None:
    for path in files(tmp_path, [["Code", "Titre", "Statut"], ["1", cell, ""], ["2", "Deux", "en cours"]]):
        assert read_action_table(path)[0]["titre"].tolist() == [cell, "Deux"], path.suffix


def test_a_formula_gives_the_value_that_is_shown(tmp_path: Path) -> None:
    path = xlsx_file(tmp_path, [["Code", "Titre"], ["1", "=CONCATENATE(A1,A2)"]])
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name).decode() for name in archive.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    parts[sheet] = re.sub(
        r'<c r="B2"[^>]*><f>([^<]*)</f><v ?/?>(?:</v>)?', r'<c r="B2" t="str"><f>\1</f><v>Un</v>', parts[sheet]
    )
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    assert read_action_table(path)[0]["titre"].tolist() == ["Un"]


def test_numbers_dates_and_percentages_are_read_as_shown(tmp_path: Path) -> None:
    path = tmp_path / "plan.xlsx"
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["Code", "Titre", "Avancement", "Début", "Budget prévu"])
    sheet.append([29, "Un", 0.5, dt.date(2018, 6, 30), 1234.5])
    sheet["C2"].number_format = "0%"
    book.save(path)
    (row,) = read_action_table(path)[0].to_dict("records")
    assert (row["code"], row["avancement_pct"], row["debut"], row["budget_prevu_eur"]) == (
        "29",
        "50 %",
        "2018-06-30",
        "1234.5",
    )
    body = (
        ods_rows([["Code", "Titre", "Début"]])
        + "<table:table-row><table:table-cell office:value-type='float' office:value='29'><text:p>29</text:p>"
        "</table:table-cell><table:table-cell><text:p>Un<text:s/>et<text:line-break/>deux</text:p></table:table-cell>"
        "<table:table-cell office:value-type='date' office:date-value='2018-06-30T00:00:00'><text:p>30 juin</text:p>"
        "</table:table-cell></table:table-row>"
    )
    (row,) = read_action_table(ods_file(tmp_path, body))[0].to_dict("records")
    assert (row["code"], row["titre"], row["debut"]) == ("29", "Un et\ndeux", "2018-06-30")


def test_every_sheet_with_a_header_is_read_the_others_are_told(tmp_path: Path) -> None:
    path = xlsx_file(tmp_path, BASIC)
    book = openpyxl.load_workbook(path)
    book.active.title = "Axe 1"
    for title, rows in (("Axe 2", [["Titre", "Code"], ["Trois", "3"]]), ("Listes", [["en cours"], ["réalisée"]])):
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    book.create_sheet("Vide")
    book.save(path)
    table, notes = read_action_table(path)
    assert table["code"].tolist() == ["1", "2", "3"]
    assert table["origine"].str.replace("\u00a0", " ").tolist() == [
        "plan.xlsx, feuille « Axe 1 »",
        "plan.xlsx, feuille « Axe 1 »",
        "plan.xlsx, feuille « Axe 2 »",
    ]
    assert len(notes) == 1
    assert "Listes" in notes[0]


def test_a_header_alone_is_an_empty_table(tmp_path: Path) -> None:
    for path in files(tmp_path, [["Code", "Titre", "Statut"]]):
        table, _ = read_action_table(path)
        assert table.empty
        assert table.columns.tolist() == [*NAMES, "origine"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", b""),
        ("a.csv", b"\n;;\n"),
        ("a.csv", "Nom;Prénom\nA;B\n".encode()),
        ("a.csv", b'Code;Titre\n1;"ouvert\n'),
        ("a.xls", b"\xd0\xcf\x11\xe0"),
        ("a.xlsx", b"\xd0\xcf\x11\xe0"),
        ("a.ods", b"PK\x03\x04"),
    ],
)
def test_what_is_no_table_is_told(name: str, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    (fault,) = faults_of(path)
    assert fault.file == name
    assert fault.expected
    assert fault.remedy


def test_an_empty_workbook_is_told(tmp_path: Path) -> None:
    for path in (xlsx_file(tmp_path, []), ods_file(tmp_path, "")):
        (fault,) = faults_of(path)
        assert "vide" in fault.expected


def test_cells_beyond_the_header_of_a_csv_are_faults(tmp_path: Path) -> None:
    path = tmp_path / "plan.csv"
    path.write_text("Code;Titre;Statut\n1;Un;en cours\n2;Deux;en cours;trop\n3;Trois;;\n", encoding="utf-8")
    (fault,) = faults_of(path)
    assert (fault.row, fault.value) == (3, "trop")


def test_repetitions_that_make_an_impossible_sheet_are_refused(tmp_path: Path) -> None:
    row = ods_rows([["Code", "Titre"]])
    bomb = row + row.replace("<table:table-row>", '<table:table-row table:number-rows-repeated="900000000">')
    wide = row.replace("<table:table-cell>", '<table:table-cell table:number-columns-repeated="900000000">')
    for body in (bomb, wide):
        (fault,) = faults_of(ods_file(tmp_path, body))
        assert fault.file == "plan.ods"
    end = row + '<table:table-row table:number-rows-repeated="1048575"><table:table-cell/></table:table-row>'
    assert read_action_table(ods_file(tmp_path, end))[0].empty


def test_a_document_type_in_any_part_is_refused(tmp_path: Path) -> None:
    path = xlsx_file(tmp_path, BASIC)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("xl/extra.xml", '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>')
    (fault,) = faults_of(path)
    assert fault.expected == "un classeur XLSX"


@example([["", "", "|\n1", "|"], ["", "", "|\n1", "|"]])
@given(st.lists(st.lists(st.text("abcé '=+;,|\"\n12", max_size=8), min_size=4, max_size=4), min_size=1, max_size=5))
def test_no_cell_is_lost(tmp_path_factory: pytest.TempPathFactory, cells: list[list[str]]) -> None:
    folder = tmp_path_factory.mktemp("table")
    rows = [["Code", "Titre", "Partenaires", "Ma colonne"], *cells]
    words = Counter(word for row in cells for cell in row for word in cell.split())
    for path in files(folder, rows):
        table, _ = read_action_table(path)
        text = " ".join(table.drop(columns="origine").to_numpy().ravel()).replace("Ma colonne\u00a0:", "")
        assert Counter(text.split()) == words, path.suffix


def test_ten_thousand_actions(tmp_path: Path) -> None:
    header = [field.title for field in action_fields()]
    rows = [header, *([f"texte {name} {row}" for name in NAMES] for row in range(10_000))]
    path = csv_file(tmp_path, rows)
    assert [len(sheet.rows) for sheet in read_workbook(path)] == [10_001]
    assert len(read_action_table(path)[0]) == 10_000


def test_governance_has_its_own_table(tmp_path: Path) -> None:
    rows = [["Type", "Code", "Nom", "Élu référent", "Comité local"], ["EPCI", "a", "CC A", "Vice-président", ""]]
    table, notes = read_governance_table(csv_file(tmp_path, rows))
    assert table["elu_referent"].tolist() == ["Vice-président"]
    assert table.columns.tolist() == [*(field.name for field in governance_fields()), "origine"]
    assert notes == []
