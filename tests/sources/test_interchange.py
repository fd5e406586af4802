"""Foreign formats are recognised by what they hold; and the table of types is sound."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from sdaasp_geo.errors import InputError
from sdaasp_geo.french import NARROW_NBSP, NBSP
from sdaasp_geo.sources.grid_rows import COLUMNS
from sdaasp_geo.sources.interchange import convert_foreign, read_foreign
from sdaasp_geo.sources.service_types import bpe_types, dila_type, label_key, read_service_types
from sdaasp_geo.sources.services import grid_fields

SERVICE = re.compile(r"[a-z0-9-]+")


def test_the_columns_are_those_of_the_grid_in_order() -> None:
    assert list(COLUMNS) == [field["name"] for field in grid_fields()]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("grille.csv", ",".join(COLUMNS)),
        ("vide.csv", ""),
        ("autre.csv", "a;b\n1;2\n"),
        ("liste-fs-20240801.csv", "id_fs,lib_fs,insee_com,format_fs,type_fs\n"),
        ("autre.json", json.dumps([{"a": 1}])),
        ("autre.json", json.dumps({"type": "FeatureCollection", "features": []})),
        ("autre.json", "pas du JSON"),
        ("autre.json", "[" * 100_000),
        ("autre.parquet", "PAR1"),
        ("autre.docx", "PK"),
    ],
)
def test_other_files_are_not_taken(tmp_path: Path, name: str, content: str) -> None:
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    assert read_foreign(path) is None


def test_the_grid_in_parquet_is_not_taken(tmp_path: Path) -> None:
    path = tmp_path / "grille.parquet"
    pd.DataFrame(columns=list(COLUMNS)).to_parquet(path)
    assert read_foreign(path) is None


@pytest.mark.parametrize("content", [b"DEPCOM;TYPEQU;LAMBERT_X\n\xff\xfe\n", b'DEPCOM;TYPEQU;LAMBERT_X\n"65440;A206\n'])
def test_a_damaged_bpe_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bpe24.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match="Insee"):
        read_foreign(path)


def test_notes_count_every_line(shared: Callable[[str], Path]) -> None:
    read = read_foreign(shared("annuaire_dila_2016/annuaire-65.sjson"))
    assert read is not None
    first, second = (note.replace(NBSP, " ").replace(NARROW_NBSP, " ") for note in read[1])
    assert first == (
        "DILA, annuaire des services publics locaux : 647 lignes lues, 637 converties en 661 lignes de la grille "
        "commune."
    )
    assert second.startswith("10 lignes non converties : ")
    assert sum(int(number) for number in re.findall(r"\((\d+)\)", second)) == 10


def test_the_same_file_gives_the_same_table(shared: Callable[[str], Path]) -> None:
    path = shared("annuaire_dila_2016/annuaire-04.sjson")
    first, second = convert_foreign(path), convert_foreign(path)
    assert first is not None
    assert second is not None
    pd.testing.assert_frame_equal(first.table, second.table)
    pd.testing.assert_frame_equal(first.left, second.left)


def test_the_table_of_types_is_sound() -> None:
    table = read_service_types()
    years = {catalogue.vintage for catalogue in table.bpe.catalogue}
    codes = [kind.code for kind in table.bpe.type]
    assert len(codes) == len(set(codes))
    for kind in table.bpe.type:
        assert re.fullmatch(r"[A-G]\d{3}", kind.code)
        assert kind.seen
        assert set(kind.seen) <= years
        assert kind.services
    for entry in table.dila.type:
        assert bool(entry.services) != bool(entry.left), entry.code
    services = {service for kind in (*table.bpe.type, *table.dila.type) for service in kind.services}
    assert all(SERVICE.fullmatch(service) for service in services)


@pytest.mark.parametrize("vintage", [2007, 2013, 2016, 2019, 2021, 2024, 2026])
def test_a_label_stands_for_one_service_in_every_vintage(vintage: int) -> None:
    kinds, _ = bpe_types(vintage)
    for kind in set(kinds.values()):
        assert kinds[label_key(kind.label)].services == kind.services


YEARS = (2007, 2013, 2014, 2018, 2019, 2020, 2023, 2024, 2026)


@pytest.mark.parametrize(
    ("code", "vintages"),
    [
        ("A116", [2007, 2013, 2014, 2018]),
        ("A127", [2014, 2018, 2019, 2020, 2023]),
        ("A128", [2020, 2023, 2024, 2026]),
        ("A206", list(YEARS)),
        ("C101", [2007, 2013, 2014, 2018, 2019, 2020, 2023]),
        ("C108", [2020, 2023, 2024, 2026]),
    ],
)
def test_a_code_is_converted_only_in_the_vintages_that_may_have_it(code: str, vintages: list[int]) -> None:
    assert [year for year in YEARS if code in bpe_types(year)[0]] == vintages


def test_the_types_of_2013_are_those_of_the_dictionary_of_insee(shared: Callable[[str], Path]) -> None:
    content = shared("bpe_2013/bpe13_varmod_ensemble.dbf").read_bytes()
    size = int.from_bytes(content[8:10], "little"), int.from_bytes(content[10:12], "little")
    records = [content[start : start + size[1]].decode("cp850") for start in range(size[0], len(content) - 1, size[1])]
    published = {record[17:32].strip(): record[32:].strip() for record in records if record[1:17].strip() == "TYPEQU"}
    kinds, _ = bpe_types(2013)
    assert len(published) > 170
    for kind in read_service_types().bpe.type:
        assert (kind.code in published) == (2013 in kind.seen), kind.code
        if kind.code in published:
            assert kinds[label_key(published[kind.code])].services == kind.services


def test_types_of_the_directory() -> None:
    assert dila_type("caf", "Caf").services == ("caf",)
    assert dila_type("maison_arret", "").left == "établissement pénitentiaire"
    assert dila_type("inconnu", "").left
