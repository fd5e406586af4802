"""A scheme: what it names exists, and a mistake is told with its key."""

from __future__ import annotations

from pathlib import Path

import pytest

from sdaasp_geo.errors import InputError, SchemeError
from sdaasp_geo.pipeline import prepare
from sdaasp_geo.scheme import embedded_schemes, find_scheme, input_files, read_scheme, with_files

MINIMAL = """
nom = "Essai"
departement = "65"
edition = 2026-11-22

[millesimes]
convention = 2018
mesure = 2024

[mesure]
services = ["mairie"]
regles = []
"""


def write(folder: Path, text: str) -> str:
    folder.mkdir(exist_ok=True)
    (folder / "scheme.toml").write_text(text, encoding="utf-8")
    return str(folder)


def test_the_two_embedded_schemes_are_read_and_their_files_exist() -> None:
    assert embedded_schemes() == ["alpes-de-haute-provence", "hautes-pyrenees"]
    for name in embedded_schemes():
        scheme = read_scheme(name)
        assert scheme.code == name
        assert all(path.is_file() for _, path in input_files(scheme))
    assert len(read_scheme("hautes-pyrenees").convention.signataires) == 9
    assert len(read_scheme("alpes-de-haute-provence").convention.signataires) == 8


def test_a_scheme_is_a_folder_or_its_file(tmp_path: Path) -> None:
    folder = write(tmp_path / "essai", MINIMAL)
    scheme = read_scheme(folder)
    assert scheme == read_scheme(str(Path(folder) / "scheme.toml"))
    assert (scheme.code, scheme.departement, scheme.mesure.moteur) == ("essai", "65", "ligne-droite")
    assert scheme.path("a.csv") == Path(scheme.folder) / "a.csv"
    assert scheme.path("embarque:services/mairies.parquet").is_file()


def test_an_unknown_scheme_gives_those_that_exist(tmp_path: Path) -> None:
    with pytest.raises(SchemeError, match=r"hautes-pyrénées.*alpes-de-haute-provence, hautes-pyrenees"):
        find_scheme("hautes-pyrénées")
    with pytest.raises(SchemeError, match="introuvable"):
        find_scheme(str(tmp_path))


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('departement = "65"', "departement = 65", "departement"),
        ("edition = 2026-11-22", 'edition = "22/11/2026"', "edition"),
        ("mesure = 2024", 'mesure = "2024"', r"millesimes\.mesure"),
        ('services = ["mairie"]', 'services = "mairie"', r"mesure\.services"),
        ("regles = []", "regle = []", "regle"),
        ('nom = "Essai"', "", "nom"),
        ("[millesimes]", "[millesime]", "millesime"),
        ('nom = "Essai"', 'nom = "Essai', "scheme.toml"),
    ],
)
def test_a_mistake_is_told_with_its_key(tmp_path: Path, old: str, new: str, key: str) -> None:
    with pytest.raises(SchemeError, match=key):
        read_scheme(write(tmp_path / "essai", MINIMAL.replace(old, new)))


def test_missing_files_engine_and_services_are_told_together(tmp_path: Path) -> None:
    text = MINIMAL.replace('["mairie"]', "[]") + 'moteur = "fusée"\n'
    text += '[fichiers]\nservices = ["lieux.csv", "embarque:services/rien.csv"]\nparametres = "p.toml"\n'
    with pytest.raises(SchemeError) as caught:
        read_scheme(write(tmp_path / "essai", text))
    for word in ("lieux.csv", "embarque:services/rien.csv", "p.toml", "fusée", "mesure.services est vide"):
        assert word in str(caught.value)


def test_the_matrix_engine_asks_for_its_file(tmp_path: Path) -> None:
    with pytest.raises(SchemeError, match=r"fichiers\.minutes"):
        read_scheme(write(tmp_path / "essai", MINIMAL + 'moteur = "matrice"\n'))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"65"', '"6"', "Département.*6.*inconnu"),
        ('"65"', '"2a"', "Vouliez-vous dire.*2A"),
        ("mesure = 2024", "mesure = 2018", "Millésime 2018 absent.*2019.*2026"),
        ("regles = []", 'regles = ["mairie-5"]', "mairie-5"),
    ],
)
def test_what_does_not_exist_is_refused_when_prepared(tmp_path: Path, old: str, new: str, message: str) -> None:
    scheme = read_scheme(write(tmp_path / "essai", MINIMAL.replace(old, new)))
    with pytest.raises(SchemeError, match=message):
        prepare(scheme)


def test_signatories_that_are_not_recognised_are_refused_together(tmp_path: Path) -> None:
    names = '["CC Adour Madiran", "CC du Pays", "Val d\'Adour"]'
    scheme = read_scheme(write(tmp_path / "essai", f"{MINIMAL}\n[convention]\nsignataires = {names}\n"))
    with pytest.raises(InputError) as caught:
        prepare(scheme)
    assert [fault.value for fault in caught.value.faults] == ["CC du Pays", "Val d'Adour"]
    assert "CC du Pays de Trie et du Magnoac (200070795)" in caught.value.faults[0].expected
    assert "CC Adour Madiran (200072106)" in caught.value.faults[1].expected


def test_without_names_the_signatories_are_those_with_most_of_their_population_there(tmp_path: Path) -> None:
    study = prepare(read_scheme(write(tmp_path / "essai", MINIMAL)))
    signing = study.epci[study.epci["role"] == "signataire"]
    assert len(signing) == 9
    assert "246401756" not in set(signing["siren"])


def test_what_is_read_with_a_file_is_an_input(tmp_path: Path) -> None:
    for name in ("contours.shp", "contours.DBF", "contours.shx", "contours.qmd", "autres.dbf", "lieux.gpkg"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "lieux.gpkg-wal").write_bytes(b"")
    scheme = with_files(
        read_scheme("hautes-pyrenees"), services=[tmp_path / "lieux.gpkg"], communes=tmp_path / "contours.shp"
    )
    beside = [name for name, path in input_files(scheme) if path.parent == tmp_path]
    assert beside == ["lieux.gpkg", "contours.shp", "contours.DBF", "contours.shx"]
    (tmp_path / "lieux.gpkg-wal").write_bytes(b"edits that SQLite has not put in the file yet")
    assert ("lieux.gpkg-wal", tmp_path / "lieux.gpkg-wal") in input_files(scheme)
