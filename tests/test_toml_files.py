"""Files of settings: what is wrong is told in French, with its place, whatever the libraries say in English."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from sdaasp_geo.errors import SchemeError
from sdaasp_geo.french import NBSP
from sdaasp_geo.toml_files import MOST_BYTES, read_toml

ENGLISH = re.compile(r"\b(at|line|column|end|document|expected|got|object|unknown|missing|field|value|invalid)\b")


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A section."""

    number: int
    share: float = 0.0


class Whole(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file."""

    nom: str
    partie: Part = Part(1)
    suite: tuple[Part, ...] = ()
    table: dict[str, Part] = {}


def cause(folder: Path, text: bytes) -> str:
    path = folder / "essai.toml"
    path.write_bytes(text)
    with pytest.raises(SchemeError) as caught:
        read_toml(path, kind=Whole, fault="essai.toml n'est pas valide", remedy="Reprenez-le.")
    told = str(caught.value)
    assert told.startswith(f"essai.toml n'est pas valide{NBSP}: ")
    assert told.endswith(". Reprenez-le.")
    assert not ENGLISH.search(told.lower())
    return told.removeprefix(f"essai.toml n'est pas valide{NBSP}: ").removesuffix(". Reprenez-le.").replace(NBSP, " ")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("code = 1", "la clé « code » n'existe pas"),
        ("nom = 'a'\n[partie]\nnumber = 1\ncode = 1", "la clé « code » n'existe pas (dans « partie »)"),
        ("[partie]\nnumber = 1", "il manque la clé « nom »"),
        ("nom = 'a'\n[table.x]\nshare = 1.0", "il manque la clé « number » (dans « table.… »)"),
        ("nom = 1", "« nom » doit être un texte entre guillemets, et non un nombre entier"),
        (
            "nom = 'a'\n[[suite]]\nnumber = 1\n[[suite]]\nnumber = '1'",
            "« suite n° 2.number » doit être un nombre entier, et non un texte entre guillemets",
        ),
        ("nom = 'abc\n", "un texte n'est pas fermé : il manque un guillemet"),
        ('nom = "abc\n', "un texte n'est pas fermé : il manque un guillemet (ligne 1, colonne 11)"),
        ("nom = abc\n", "la valeur n'est pas comprise : un texte se met entre guillemets (ligne 1, colonne 7)"),
        ("nom = 'a' b = 2", "il n'y a qu'une clé et sa valeur par ligne (ligne 1, colonne 11)"),
        ("\nnom 'a'\n", "il manque le signe = après la clé (ligne 2, colonne 5)"),
        ("nom = 'a'\nnom = 'b'\n#", "une clé est donnée deux fois (ligne 2, colonne 10)"),
        ("[partie]\n[partie]\n", "une section est donnée deux fois (ligne 2, colonne 8)"),
        ('nom = "C:\\dossier"', "la barre oblique inverse se double entre guillemets (ligne 1, colonne"),
        ("é = 1", "la ligne n'est pas comprise : écrivez clé = valeur, ou [section] (ligne 1, colonne 1)"),
        ("nom = [1,", "la valeur n'est pas comprise : un texte se met entre guillemets (à la fin du fichier)"),
        (f"nom = {'9' * 5000}", "le fichier n'est pas du TOML valide"),
        ("nom = " + "[" * 5000, "des listes ou des sections sont trop imbriquées"),
        ('"co\\u202ede" = 1', "la clé « code » n'existe pas"),
    ],
)
def test_what_is_wrong_is_told_in_french_with_its_place(text: str, told: str, tmp_path: Path) -> None:
    assert cause(tmp_path, text.encode()).startswith(told)


def test_what_cannot_be_read_is_told_in_french(tmp_path: Path) -> None:
    assert cause(tmp_path, b"nom = 'a'\n# caf\xe9\n") == "le fichier n'est pas en UTF-8 (ligne 2)"
    assert cause(tmp_path, b"#" * (MOST_BYTES + 1)) == "plus de 10 Mo"
    for path, told in ((tmp_path / "rien.toml", "introuvable"), (tmp_path, "un dossier est à la place du fichier")):
        with pytest.raises(SchemeError, match=told):
            read_toml(path, kind=Whole, fault="F", remedy="R.")


@pytest.mark.parametrize(
    "said",
    ["Some new words of a library", "Some new words - at `$.nom`", "New words (at line 3, column 4)"],
)
def test_words_that_are_new_keep_no_english(said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in (msgspec.ValidationError, msgspec.DecodeError):

        def refuse(*_: object, kind: type[Exception] = kind, **__: object) -> None:
            raise kind(said)

        monkeypatch.setattr(msgspec.toml, "decode", refuse)
        assert "ords" not in cause(tmp_path, b"")
