"""The official APL: the published layout, as a workbook and as text, its vintages, faults and what does not match."""

from __future__ import annotations

import math
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from openpyxl import Workbook

from sdaasp_geo.errors import Fault, InputError
from sdaasp_geo.french import NBSP
from sdaasp_geo.sources.apl import NO_VALUE, NOT_IN_FILE, match_apl, read_apl

UNIT = "En nombre de consultations/visites accessibles par habitant standardisé"
GENERAL, YOUNGER = "APL aux médecins généralistes", "APL aux médecins généralistes de 65 ans et moins"
HEADER = [
    *(
        "Code commune INSEE",
        "Commune",
        GENERAL,
        f"{YOUNGER} ",
        "Population standardisée 2021 pour la médecine générale",
    ),
    "Population totale 2021",
]
Row = list[object]
ROWS: list[Row] = [
    ["65001", "Adast", 2.5, 2.0, 300.5, 310],
    ["04070", "Digne-les-Bains", 3.25, 3, 15000, 16000],
    ["2A004", "Ajaccio", None, None, 500, 520],
    ["75101", "Paris 1er Arrondissement", 6, 5, 1000, 900],
]


def lines(year: int, rows: list[Row]) -> list[Row]:
    """Lay a sheet out as it is published: titles and notes, headers on line 9, units, communes, notes."""
    title: list[Row] = [
        [f"Indicateur d'accessibilité potentielle localisée (APL) {year} aux médecins généralistes"],
        [],
        [f"Millésime : {year}"],
        ["Sources : SNIIR-AM, Cnam, populations de l'Insee"],
        ["Champ : France hors Mayotte."],
        [],
        [],
        [],
    ]
    units: Row = [None, None, UNIT, UNIT, "En nombre d'habitants standardisés", "En nombre d'habitants"]
    return [*title, HEADER, units, *rows, ["Total", None, 4, 4, 1, 1]]


def workbook(tmp_path: Path, rows: list[Row] | None = None) -> Path:
    book = Workbook()
    book.active.title = "Paramètres"
    book.active.append(["Lisez-moi"])
    for year in (2022, 2023):
        sheet = book.create_sheet(f"APL {year}")
        given = ROWS if rows is None else rows
        shifted = [[*row[:2], None if row[2] is None else row[2] + (year - 2023), *row[3:]] for row in given]  # type: ignore[operator]
        for line in lines(year, shifted):
            sheet.append(line)
    path = tmp_path / "Indicateur APL.xlsx"
    book.save(path)
    return path


def text(tmp_path: Path, rows: list[Row], *, name: str = "apl.csv") -> Path:
    path = tmp_path / name
    written = [";".join("" if cell is None else str(cell) for cell in line) for line in lines(2023, rows)]
    path.write_text("\n".join(written), encoding="utf-8")
    return path


def faults_of(path: Path, *, vintage: int | None = None) -> tuple[Fault, ...]:
    with pytest.raises(InputError) as caught:
        read_apl(path, vintage=vintage)
    return caught.value.faults


def test_the_published_workbook(tmp_path: Path) -> None:
    apl = read_apl(workbook(tmp_path))
    assert apl.vintage == 2023
    assert list(apl.table.columns) == ["code", "commune", "indicator", "value", "unit", "population", "reason"]
    assert apl.table["indicator"].unique().tolist() == [GENERAL, YOUNGER]
    own = apl.table[apl.table["indicator"] == GENERAL].set_index("code")
    assert own.index.tolist() == ["65001", "04070", "2A004", "75101"]
    assert own["value"].tolist()[:2] == [2.5, 3.25]
    assert own["population"].tolist()[:2] == [300.5, 15000]
    assert own["unit"].unique().tolist() == [UNIT]
    assert math.isnan(own.loc["2A004", "value"])
    assert own["reason"].tolist() == ["", "", NO_VALUE, ""]
    assert own.loc["04070", "commune"] == "Digne-les-Bains"


def test_a_vintage_is_chosen_or_the_latest(tmp_path: Path) -> None:
    apl = read_apl(workbook(tmp_path), vintage=2022)
    assert (apl.vintage, apl.table["value"].iloc[0]) == (2022, 1.5)
    fault = faults_of(workbook(tmp_path), vintage=2020)[0]
    assert (fault.value, fault.expected) == ("2022, 2023", "le millésime 2020")


def test_the_source_and_every_other_line_are_kept(tmp_path: Path) -> None:
    apl = read_apl(workbook(tmp_path))
    assert apl.source.replace(NBSP, "_") == (
        "DREES, Indicateur APL.xlsx, feuille «_APL 2023_», Sources : SNIIR-AM, Cnam, populations de l'Insee"
    )
    assert "Total 4 4 1 1" in apl.notes
    assert "Champ : France hors Mayotte." in apl.notes


def test_text_and_workbook_are_read_alike(tmp_path: Path) -> None:
    given, written = read_apl(workbook(tmp_path)), read_apl(text(tmp_path, ROWS))
    pd.testing.assert_frame_equal(given.table, written.table)
    assert given.notes == written.notes
    commas = [["65001", "Adast", "2,5", "2", "1 300,5", "310"], ["65002", "X", "nd", "", "", ""]]
    table = read_apl(text(tmp_path, commas)).table
    assert table.loc[0, ["value", "population"]].tolist() == [2.5, 1300.5]
    assert table.loc[1, "reason"].replace(NBSP, "_") == f"{NO_VALUE}_: nd"


def test_a_bare_csv_takes_its_vintage_from_its_name(tmp_path: Path) -> None:
    path = tmp_path / "apl_2021.csv"
    path.write_text("Code commune,Commune,APL aux sages-femmes\n65001,Adast,14.2\n", encoding="utf-8")
    apl = read_apl(path)
    assert apl.vintage == 2021
    assert apl.table[["indicator", "value", "unit"]].iloc[0].tolist() == ["APL aux sages-femmes", 14.2, ""]
    assert apl.table["population"].isna().all()
    unnamed = path.rename(tmp_path / "apl.csv")
    assert faults_of(unnamed)[0].expected == "un millésime"


def test_faults_come_all_together_and_located(tmp_path: Path) -> None:
    rows: list[Row] = [
        ["65001", "Adast", 2.5, 2.0, 300, 310],
        ["4070", "Digne-les-Bains", 3.25, 3, 15000, 16000],
        ["65001", "Adast", 2.5, 2.0, 300, 310],
        ["65002", "Adé", -1, 2.0, 300, 310],
    ]
    for path in (workbook(tmp_path, rows), text(tmp_path, rows)):
        found = [(fault.row, fault.column, fault.value) for fault in faults_of(path)]
        assert found == [(12, "code commune", "4070"), (13, "code commune", "65001"), (14, GENERAL, "-1")]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("apl.ods", b"PK\x03\x04"),
        ("apl.xlsx", b"Code commune;APL aux infirmiers\n"),
        ("apl-2023.csv", b"code;valeur\n65001;2\n"),
        ("apl-2023.csv", b""),
    ],
)
def test_another_file_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert "DREES" in faults_of(path)[0].remedy


def test_a_bomb_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "apl.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b" " * 5_000_000)
    assert faults_of(path)[0].expected == "un classeur XLSX"


def test_communes_are_matched_by_code_and_what_does_not_match_is_said(tmp_path: Path) -> None:
    matched, unmatched = match_apl(read_apl(workbook(tmp_path)), pd.Index(["65001", "65999", "2A004"]))
    own = matched[matched["indicator"] == GENERAL].set_index("code")
    assert own.index.tolist() == ["65001", "65999", "2A004"]
    assert own["reason"].tolist() == ["", NOT_IN_FILE, NO_VALUE]
    assert own["value"].tolist()[0] == 2.5
    assert own["vintage"].tolist() == [2023] * 3
    assert own["unit"].unique().tolist() == [UNIT]
    assert unmatched["code"].tolist() == ["04070", "75101"]
