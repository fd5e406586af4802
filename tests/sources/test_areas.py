"""Operator areas from a file of an operator."""

from __future__ import annotations

from pathlib import Path

import pytest

from sdaasp_geo.errors import Fault, InputError
from sdaasp_geo.sources.areas import AREA_COLUMNS, read_areas

HEADER = "operateur;code_commune;guichet;source;date_maj"


def write(tmp_path: Path, text: str, *, encoding: str = "utf-8") -> Path:
    path = tmp_path / "zones.csv"
    path.write_text(text, encoding=encoding)
    return path


def faults_of(path: Path) -> tuple[Fault, ...]:
    with pytest.raises(InputError) as caught:
        read_areas(path)
    return caught.value.faults


def test_columns_are_kept_in_order_as_text(tmp_path: Path) -> None:
    table = read_areas(
        write(tmp_path, f"note;{HEADER}\nx;CAF;04001;caf-1;Arrêté;2026-01-31\n\ny;CAF;2A004;1;CAF;2026-02-28\n")
    )
    assert tuple(table.columns) == AREA_COLUMNS
    assert table["code_commune"].tolist() == ["04001", "2A004"]
    assert table["guichet"].tolist() == ["caf-1", "1"]
    assert table.index.tolist() == [2, 4]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_usual_files_are_read(separator: str, encoding: str, tmp_path: Path) -> None:
    text = f"{HEADER}\nSécurité sociale;65001;cpam-1;Décision;2026-01-01\n".replace(";", separator)
    assert read_areas(write(tmp_path, text, encoding=encoding))["operateur"].tolist() == ["Sécurité sociale"]


def test_every_fault_is_located(tmp_path: Path) -> None:
    rows = [
        "CAF;65001;caf-1;CAF;2026-01-01",
        "CAF;65001;caf-2;CAF;2026-01-01",
        "CAF;4001;caf-1;CAF;2026-02-30",
        "MSA;65001;msa-1;MSA;01/02/2026",
        ";65002;;;",
        "CAF;65003;caf-1;CAF;2026-1-1",
    ]
    faults = faults_of(write(tmp_path, "\n".join([HEADER, *rows])))
    assert [(fault.row, fault.column, fault.value) for fault in faults] == [
        (3, "code_commune", "65001"),
        (4, "code_commune", "4001"),
        (4, "date_maj", "2026-02-30"),
        (5, "date_maj", "01/02/2026"),
        (6, "date_maj", ""),
        (6, "guichet", ""),
        (6, "operateur", ""),
        (6, "source", ""),
        (7, "date_maj", "2026-1-1"),
    ]
    assert "zéro de tête" in faults[1].remedy


def test_a_row_repeated_as_it_is_is_refused_too(tmp_path: Path) -> None:
    row = "CAF;65001;caf-1;CAF;2026-01-01"
    assert [fault.row for fault in faults_of(write(tmp_path, f"{HEADER}\n{row}\n{row}\n"))] == [3]


def test_missing_columns_are_all_named(tmp_path: Path) -> None:
    faults = faults_of(write(tmp_path, "operateur;commune;guichet\nCAF;65001;caf-1\n"))
    assert [fault.column for fault in faults] == ["code_commune", "source", "date_maj"]


def test_a_header_alone_is_an_empty_table(tmp_path: Path) -> None:
    assert read_areas(write(tmp_path, f"{HEADER}\n")).empty
