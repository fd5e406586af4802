"""Stops of buses from a file: a fictional round, and every fault a typed table has."""

from __future__ import annotations

from pathlib import Path

import pytest

from sdaasp_geo.errors import Fault, InputError
from sdaasp_geo.sources.stops import STOP_COLUMNS, read_stops

HEADER = "id;vehicule;nom;code_commune;lon;lat;horaires;source;date_maj"
ROWS = [
    "bus-1;fs-0001;Place du marché;65031;0,36;42.90;Tu 09:00-12:00;Essai;2026-01-31",
    "bus-2;fs-0001;Salle des fêtes;65017;;;week 02-52/2 We 14:00-16:30;Essai;2026-01-31",
    "bus-3;fs-0001;Mairie;04001;6.1;44.0;;Essai;2026-01-31",
]


def write(tmp_path: Path, *rows: str, header: str = HEADER, encoding: str = "utf-8") -> Path:
    path = tmp_path / "haltes.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding=encoding)
    return path


def faults_of(path: Path) -> tuple[Fault, ...]:
    with pytest.raises(InputError) as caught:
        read_stops(path)
    return caught.value.faults


def places_of(path: Path) -> list[tuple[int | None, str, str]]:
    return [(fault.row, fault.column, fault.value) for fault in faults_of(path)]


def test_columns_are_kept_in_order_with_numbers_for_positions(tmp_path: Path) -> None:
    first, second, third = (f"x;{row}" for row in ROWS)
    table = read_stops(write(tmp_path, first, second, "", third, header=f"note;{HEADER}"))
    assert tuple(table.columns) == STOP_COLUMNS
    assert table.index.tolist() == [2, 3, 5]
    assert table["code_commune"].tolist() == ["65031", "65017", "04001"]
    assert table["horaires"].tolist() == ["Tu 09:00-12:00", "week 02-52/2 We 14:00-16:30", ""]
    assert table.loc[[2, 5], ["lon", "lat"]].to_numpy().tolist() == [[0.36, 42.9], [6.1, 44.0]]
    assert table.loc[3, ["lon", "lat"]].isna().all()
    assert {str(table[name].dtype) for name in ("lon", "lat")} == {"float64"}


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_usual_files_are_read(separator: str, encoding: str, tmp_path: Path) -> None:
    header, row = HEADER.replace(";", separator), ROWS[0].replace(",", ".").replace(";", separator)
    assert read_stops(write(tmp_path, row, header=header, encoding=encoding))["nom"].tolist() == ["Place du marché"]


def test_every_fault_is_located(tmp_path: Path) -> None:
    faulty = [
        "bus-1;fs-0001;Marché;65031;0.36;42.90;Tu 09:00-12:00;Essai;2026-01-31",
        "bus-1;fs 0001;Marché;4001;x;95;mardi 9h-12h;Essai;2026-02-30",
        ";;;;;;;;",
        "bus-4;fs-0001;Marché;65031;0.36;;Tu 09:00-12:61;;01/02/2026",
        "bus-5;fs-0001;Marché;65031;42.90;0.36;;Essai;2026-01-31",
        "bus-6;;Marché;65031;inf;42.9;;Essai;",
    ]
    assert places_of(write(tmp_path, *faulty)) == [
        (3, "code_commune", "4001"),
        (3, "date_maj", "2026-02-30"),
        (3, "horaires", "mardi 9h-12h"),
        (3, "id", "bus-1"),
        (3, "lat", "95"),
        (3, "lon", "x"),
        (3, "vehicule", "fs 0001"),
        (5, "date_maj", "01/02/2026"),
        (5, "horaires", "Tu 09:00-12:61"),
        (5, "lat", ""),
        (5, "source", ""),
        (6, "lon", "42.90"),
        (7, "date_maj", ""),
        (7, "lon", "inf"),
        (7, "vehicule", ""),
    ]


def test_each_fault_says_what_to_do(tmp_path: Path) -> None:
    faults = faults_of(write(tmp_path, *[ROWS[0], ROWS[0].replace("65031", "4001").replace("Tu", "Mardi")]))
    remedies = {fault.column: fault.remedy for fault in faults}
    assert "zéro de tête" in remedies["code_commune"]
    assert "tous ses créneaux dans la même cellule" in remedies["id"]
    assert "Tu 09:00-12:00" in remedies["horaires"]


def test_missing_columns_are_all_named(tmp_path: Path) -> None:
    path = write(tmp_path, "a;b", header="id;vehicle")
    assert [fault.column for fault in faults_of(path)] == list(STOP_COLUMNS[1:])


def test_a_header_alone_is_an_empty_table(tmp_path: Path) -> None:
    table = read_stops(write(tmp_path))
    assert table.empty
    assert tuple(table.columns) == STOP_COLUMNS
