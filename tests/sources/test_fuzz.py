"""A sample of the campaign of changed files (``tests/campaigns/fuzz.py``), and every case that it has found."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from hostile_readers import targets

from sdaasp_geo.cli import app
from sdaasp_geo.errors import SdaaspError

HERE = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(HERE / "campaigns"))
from fuzz import _hung as hung  # noqa: E402
from fuzz import campaign, defect  # noqa: E402 - a script beside the tests

TARGETS = targets()
FOUND = sorted(path for path in (HERE / "corpus").glob("*/*") if path.is_file())


@pytest.mark.parametrize("path", FOUND, ids=[f"{path.parent.name}-{path.name}" for path in FOUND])
def test_a_case_once_found_is_answered_or_refused_with_a_remedy(path: Path, tmp_path: Path) -> None:
    signal.signal(signal.SIGALRM, hung)
    assert defect(TARGETS[path.parent.name], path.read_bytes(), tmp_path)[1] == ""


def test_the_corpus_holds_the_cases_of_several_readers() -> None:
    assert len(FOUND) >= 15
    assert len({path.parent.name for path in FOUND}) >= 8


@pytest.mark.parametrize("reader", TARGETS)
def test_the_good_file_of_each_reader_is_accepted(reader: str, tmp_path: Path) -> None:
    target = TARGETS[reader]
    for seed in target.seeds:
        answers = defect(target, seed, tmp_path)
        assert answers == ("accepted", "")


@pytest.mark.parametrize("reader", TARGETS)
def test_a_sample_of_changed_files(reader: str) -> None:
    result = campaign(reader, TARGETS[reader], inputs=6, seed=7)
    assert result["defects"] == []


@pytest.mark.parametrize(
    ("key", "name", "content"),
    [
        ("services", "lieux.csv", b"\x81\x8d\xff"),
        ("communes", "communes.geojson", b'{"type": "gdal_streamed_alg", "command_line": "gdal info x"}'),
        ("actions", "actions.docx", b"PK\x03\x04"),
    ],
)
def test_a_run_on_a_refused_file_leaves_no_output(key: str, name: str, content: bytes, tmp_path: Path) -> None:
    scheme, out = tmp_path / "schema", tmp_path / "sortie"
    scheme.mkdir()
    (scheme / name).write_bytes(content)
    written = f'["{name}"]' if key in ("services", "actions") else f'"{name}"'
    services = '["embarque:services/mairies.parquet"]'
    files = f"{key} = {written}" + ("" if key == "services" else f"\nservices = {services}")
    (scheme / "scheme.toml").write_text(
        f'nom = "Essai"\ndepartement = "65"\nedition = 2026-11-22\n[millesimes]\nconvention = 2018\nmesure = 2024\n'
        f'[mesure]\nservices = ["mairie"]\nregles = []\n[fichiers]\n{files}\n',
        encoding="utf-8",
    )
    result = CliRunner().invoke(app, ["build", str(scheme), "--out", str(out)])
    assert isinstance(result.exception, SdaaspError)
    assert name in str(result.exception)
    assert not out.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["schema"]
