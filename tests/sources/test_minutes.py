"""A matrix of minutes from a file of the user."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sdaasp_geo.errors import Fault, InputError
from sdaasp_geo.sources.minutes import read_minutes


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "minutes.csv"
    path.write_text(text, encoding="utf-8")
    return path


def faults_of(path: Path) -> tuple[Fault, ...]:
    with pytest.raises(InputError) as caught:
        read_minutes(path)
    return caught.value.faults


def test_semicolons_decimal_commas_and_blanks(tmp_path: Path) -> None:
    table = read_minutes(write(tmp_path, "origine;lieu;minutes\n65001;fs-1;12,5\n65001;fs-2;\n04001;fs-1;0\n"))
    assert list(table.columns) == ["origin", "destination", "minutes"]
    assert table["origin"].tolist() == ["65001", "65001", "04001"]
    np.testing.assert_array_equal(table["minutes"], [12.5, np.nan, 0.0])


@pytest.mark.parametrize(
    "header", ["origin,destination,minutes", "from_id,to_id,travel_time", "code_origine,code_destination,duree_min"]
)
def test_usual_headers(header: str, tmp_path: Path) -> None:
    assert read_minutes(write(tmp_path, f"{header}\n65001,a,3\n"))["minutes"].tolist() == [3.0]


def test_parquet_with_missing_times(tmp_path: Path) -> None:
    path = tmp_path / "minutes.parquet"
    given = pd.DataFrame({"origin": ["65001", "2A004"], "destination": ["a", "b"], "minutes": [4.25, np.nan]})
    given.to_parquet(path)
    table = read_minutes(path)
    np.testing.assert_array_equal(table["minutes"], [4.25, np.nan])
    assert table["origin"].tolist() == ["65001", "2A004"]


def test_parquet_and_csv_are_read_alike(tmp_path: Path) -> None:
    given = pd.DataFrame({"origin": ["65001", "65002"], "destination": ["65001", "x"], "minutes": [0.0, 17.3]})
    given.to_parquet(tmp_path / "m.parquet")
    given.to_csv(tmp_path / "m.csv", index=False)
    pd.testing.assert_frame_equal(
        read_minutes(tmp_path / "m.parquet"),
        read_minutes(tmp_path / "m.csv"),
        check_index_type=False,
        check_names=False,
    )


def test_every_fault_is_located(tmp_path: Path) -> None:
    rows = ["65001,a,-1", "65001,b,vite", "65001,c,inf", "65001,d,3", "65001,d,4", "4001,a,3", "65002,e,1e3"]
    faults = faults_of(write(tmp_path, "origin,destination,minutes\n" + "\n".join(rows)))
    assert [(fault.row, fault.column, fault.value) for fault in faults] == [
        (2, "minutes", "-1"),
        (3, "minutes", "vite"),
        (4, "minutes", "inf"),
        (6, "destination", "d"),
        (7, "origin", "4001"),
    ]
    assert "zéro de tête" in faults[-1].remedy


def test_origins_given_as_numbers_are_refused_where_a_zero_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "minutes.parquet"
    pd.DataFrame({"origin": [4001, 65001], "destination": ["a", "a"], "minutes": [1, 2]}).to_parquet(path)
    assert [(fault.row, fault.column, fault.value) for fault in faults_of(path)] == [(2, "origin", "4001")]


def test_missing_columns_are_all_named(tmp_path: Path) -> None:
    faults = faults_of(write(tmp_path, "depart,arrivee,minutes\n65001,a,3\n"))
    assert [fault.column for fault in faults] == ["origin", "destination"]


def test_a_broken_parquet_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "minutes.parquet"
    path.write_bytes(b"PAR1xxxx")
    assert "Parquet" in faults_of(path)[0].expected


def test_bytes_are_text_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "minutes.parquet"
    pd.DataFrame({"origin": [b"65001"], "destination": ["a"], "minutes": [1.0]}).to_parquet(path)
    assert read_minutes(path)["origin"].tolist() == ["65001"]
    kinds = (pa.large_binary(), pa.binary(5), pa.binary_view(), pa.dictionary(pa.int32(), pa.binary()))
    for kind in kinds:
        codes = pa.array([b"65001"], pa.binary()).cast(kind) if "view" in str(kind) else pa.array([b"65001"], kind)
        pq.write_table(pa.table({"origin": codes, "destination": ["a"], "minutes": [1.0]}), path)
        assert read_minutes(path)["origin"].tolist() == ["65001"]
    pd.DataFrame({"origin": [b"\xff"], "destination": [b"\xfe"], "minutes": [1.0]}).to_parquet(path)
    assert [(fault.column, fault.expected) for fault in faults_of(path)] == [
        ("origin", "du texte en UTF-8"),
        ("destination", "du texte en UTF-8"),
    ]


def test_a_header_alone_is_an_empty_matrix(tmp_path: Path) -> None:
    assert read_minutes(write(tmp_path, "origin,destination,minutes\n")).empty
