"""Delimited files as people hold them: text stays text, and rows are numbered as a spreadsheet shows them."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sdaasp_geo.errors import Fault, InputError
from sdaasp_geo.sources.delimited import decode, read_delimited


def write(tmp_path: Path, content: str | bytes, *, encoding: str = "utf-8") -> Path:
    path = tmp_path / "table.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path


def faults_of(path: Path) -> tuple[Fault, ...]:
    with pytest.raises(InputError) as caught:
        read_delimited(path)
    return caught.value.faults


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_encodings_separators_and_newlines(encoding: str, separator: str, newline: str, tmp_path: Path) -> None:
    rows = ["code,nom", "04001,Évreux", "2A004,Bœuf"]
    text = newline.join(rows).replace(",", separator) + newline
    table = read_delimited(write(tmp_path, text, encoding=encoding))
    assert table.to_dict("list") == {"code": ["04001", "2A004"], "nom": ["Évreux", "Bœuf"]}
    assert list(table.index) == [2, 3]


def test_nothing_is_guessed(tmp_path: Path) -> None:
    table = read_delimited(write(tmp_path, "a,b,c,d\n04001,2E004,NA,\nnan,1.0,2024-01-01,null\n"))
    assert table.to_numpy().tolist() == [["04001", "2E004", "NA", ""], ["nan", "1.0", "2024-01-01", "null"]]


def test_quotes_hold_separators_quotes_and_new_lines(tmp_path: Path) -> None:
    table = read_delimited(write(tmp_path, 'a;b\n"x;y";"dit ""oui"""\n"deux\nlignes";z\n'))
    assert table.to_numpy().tolist() == [["x;y", 'dit "oui"'], ["deux\nlignes", "z"]]


def test_blank_lines_are_passed_over_and_still_numbered(tmp_path: Path) -> None:
    table = read_delimited(write(tmp_path, "a,b\n\n1,2\n,\n  ,  \n3,4\n\n"))
    assert table["a"].tolist() == ["1", "3"]
    assert list(table.index) == [3, 6]


def test_spaces_around_cells_and_headers_are_dropped(tmp_path: Path) -> None:
    table = read_delimited(write(tmp_path, " a , b\n 1 ,2  \n"))
    assert table.to_dict("list") == {"a": ["1"], "b": ["2"]}


def test_ragged_rows_and_repeated_or_empty_headers_are_told_together(tmp_path: Path) -> None:
    faults = faults_of(write(tmp_path, "a,b,a,\n1,2,3,4\n1,2\n\n1,2,3,4,5\n"))
    assert [(fault.row, fault.column, fault.value) for fault in faults] == [
        (1, "a", "a"),
        (1, "", ""),
        (3, "", "2"),
        (5, "", "5"),
    ]
    assert faults[2].expected == "4 cellules"


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (fault,) = faults_of(write(tmp_path, ""))
    assert "en-têtes" in fault.remedy


def test_a_header_alone_is_a_table_without_rows(tmp_path: Path) -> None:
    table = read_delimited(write(tmp_path, "a;b;c\n"))
    assert table.empty
    assert list(table.columns) == ["a", "b", "c"]


def test_a_quote_that_is_not_closed_is_refused(tmp_path: Path) -> None:
    (fault,) = faults_of(write(tmp_path, 'a,b\n"ouvert' + "x" * 200_000))
    assert "guillemet" in fault.remedy


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (fault,) = faults_of(write(tmp_path, b"a,b\n\x81\x8d,1\n"))
    assert "UTF-8" in fault.remedy


def test_utf8_is_tried_before_cp1252() -> None:
    assert decode("é".encode(), file="x") == "é"
    assert decode("é".encode("cp1252"), file="x") == "é"
    assert decode(b"\xef\xbb\xbfa", file="x") == "a"


CELLS = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\r\0", exclude_categories=["Cs"]), max_size=8)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(CELLS, CELLS), max_size=6), separator=st.sampled_from(",;\t"))
def test_what_a_writer_writes_is_read_back(rows: list[tuple[str, str]], separator: str, tmp_path: Path) -> None:
    stream = io.StringIO(newline="")
    csv.writer(stream, delimiter=separator, quoting=csv.QUOTE_ALL).writerows([("a", "b"), *rows])
    table = read_delimited(write(tmp_path, stream.getvalue()))
    expected = [[cell.strip() for cell in row] for row in rows if any(cell.strip() for cell in row)]
    assert table.to_numpy().tolist() == expected
