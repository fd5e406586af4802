"""The error tree, and how faults are told."""

from __future__ import annotations

import inspect

import pytest

from sdaasp_geo import errors
from sdaasp_geo.errors import Fault, InputError, NameNotResolvedError, SdaaspError

KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, Exception)]


def fault(row: int | None = 3, column: str = "code_commune", value: str = "4001") -> Fault:
    return Fault("lieux.csv", row, column, value, "un code de 5 caractères", "Gardez le zéro.")


def test_every_error_has_one_root_and_is_drawn_in_the_docstring() -> None:
    assert len(KINDS) == 7
    for kind in KINDS:
        assert issubclass(kind, SdaaspError)
        assert kind.__name__ in str(errors.__doc__)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            fault(),
            (
                "lieux.csv, ligne 3, colonne «_code_commune_»_: «_4001_» trouvé, attendu_: un code de 5 caractères. "
                "Gardez le zéro."
            ),
        ),
        (fault(None, "", ""), "lieux.csv, attendu_: un code de 5 caractères. Gardez le zéro."),
        (
            fault(2, "", "7"),
            "lieux.csv, ligne 2_: «_7_» trouvé, attendu_: un code de 5 caractères. Gardez le zéro.",
        ),
    ],
)
def test_a_fault_is_one_french_line_with_its_place(given: Fault, expected: str) -> None:
    assert str(given).replace("\N{NO-BREAK SPACE}", "_") == expected


def test_faults_are_told_together() -> None:
    error = InputError([fault(row) for row in range(2, 5)])
    lines = str(error).splitlines()
    assert lines[0] == "3\N{NO-BREAK SPACE}défauts dans les données\N{NO-BREAK SPACE}:"
    assert lines[1:] == [f"- {fault(row)}" for row in range(2, 5)]
    assert str(InputError([fault()])).startswith("1\N{NO-BREAK SPACE}défaut dans")


def test_faults_beyond_fifty_are_counted_and_all_kept() -> None:
    error = InputError([fault(row) for row in range(120)])
    lines = str(error).splitlines()
    assert len(error.faults) == 120
    assert len(lines) == 1 + 50 + 1
    assert lines[0].startswith("120\N{NO-BREAK SPACE}défauts")
    assert lines[-1] == "- … et 70\N{NO-BREAK SPACE}autres défauts"


def test_an_unresolved_name_gives_its_candidates() -> None:
    error = NameNotResolvedError("Val d'Adour", ["CC Adour Madiran (200072106)"])
    assert error.candidates == ("CC Adour Madiran (200072106)",)
    assert "Val d'Adour" in str(error)
    assert "CC Adour Madiran (200072106)" in str(error)
    assert "aucun nom proche" in str(NameNotResolvedError("x", []))
