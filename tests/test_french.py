"""French typography."""

from __future__ import annotations

import datetime as dt
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdaasp_geo import french
from sdaasp_geo.french import NARROW_NBSP, NBSP
from sdaasp_geo.outputs.layer_model import catalogue_entry, grid_columns
from sdaasp_geo.outputs.tables import describe_column


@given(st.integers(min_value=-(10**12), max_value=10**12))
def test_thousands_are_apart_by_threes_and_nothing_is_lost(value: int) -> None:
    text = french.number(value)
    head, *groups = text.lstrip("-").split(NARROW_NBSP)
    assert int(text.replace(NARROW_NBSP, "")) == value
    assert 1 <= len(head) <= 3
    assert all(len(group) == 3 for group in groups)


@given(st.floats(min_value=-1e9, max_value=1e9), st.integers(min_value=1, max_value=4))
def test_decimals_follow_a_comma(value: float, digits: int) -> None:
    text = french.number(value, digits=digits)
    assert len(text.split(",")[1]) == digits
    assert "." not in text
    assert float(text.replace(NARROW_NBSP, "").replace(",", ".")) == pytest.approx(round(value, digits))


@given(st.integers(0, 9_000_000), st.integers(1, 180), st.integers(0, 1))
def test_a_figure_shows_on_which_side_of_a_threshold_it_lies(thousandths: int, limit: int, digits: int) -> None:
    value = thousandths / 1000
    text = french.number(value, digits=digits, beside=(float(limit),))
    shown = float(text.replace(NARROW_NBSP, "").replace(",", "."))
    assert (shown > limit, shown == limit) == (value > limit, value == limit)
    assert shown == pytest.approx(value, abs=0.5 * 10**-digits)
    if abs(value - limit) > 0.5:
        assert text == french.number(value, digits=digits)


def test_decimals_beside_a_threshold() -> None:
    assert french.minutes(4.98, digits=1, beside=(5,)) == f"4,98{NBSP}min"
    assert french.minutes(5.0, digits=1, beside=(5,)) == f"5,0{NBSP}min"
    assert french.minutes(20.04, digits=1, beside=(20, 30)) == f"20,04{NBSP}min"
    assert french.minutes(29.96, digits=1, beside=(20, 30)) == f"29,96{NBSP}min"
    assert french.minutes(4.98, digits=1) == f"5,0{NBSP}min"
    assert french.minutes(math.nan, beside=(5,)) == "non mesuré"
    assert french.number(math.nextafter(5, 0), digits=1, beside=(5,)) == "5,000000"


def test_zero_has_no_sign() -> None:
    assert french.number(-0.4) == "0"
    assert french.number(-0.04, digits=1) == "0,0"


@pytest.mark.parametrize("write", [french.number, french.percent, french.minutes])
def test_what_was_not_measured_is_said(write: object) -> None:
    assert callable(write)
    assert write(math.nan) == "non mesuré"


def test_units_do_not_leave_their_number() -> None:
    assert french.minutes(12.4) == f"12{NBSP}min"
    assert french.minutes(12.44, digits=1) == f"12,4{NBSP}min"
    assert french.percent(0.5) == f"50,0{NARROW_NBSP}%"
    assert french.percent(1, digits=0) == f"100{NARROW_NBSP}%"


@pytest.mark.parametrize(
    ("quantity", "text"),
    [(0, "0 commune"), (1, "1 commune"), (2, "2 communes"), (-1, "-1 commune"), (1234, "1_234 communes")],
)
def test_the_plural_starts_at_two(quantity: int, text: str) -> None:
    assert french.count(quantity, "commune").replace(NBSP, " ").replace(NARROW_NBSP, "_") == text


def test_irregular_plural() -> None:
    assert french.count(1, "lieu", "lieux") == f"1{NBSP}lieu"
    assert french.count(2, "lieu", "lieux") == f"2{NBSP}lieux"


@pytest.mark.parametrize(
    ("words", "text"), [([], ""), (["a"], "a"), (["a", "b"], "a et b"), (["a", "b", "c"], "a, b et c")]
)
def test_lists(words: list[str], text: str) -> None:
    assert french.listing(words) == text


def test_every_month_is_named() -> None:
    names = [french.date(dt.date(2024, month, 2)).split(NBSP)[1] for month in range(1, 13)]
    assert names[1] == "février"
    assert names[7] == "août"
    assert names[11] == "décembre"
    assert len(set(names)) == 12
    assert french.date(dt.date(2026, 3, 1)) == f"1er{NBSP}mars{NBSP}2026"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Estaing", "d'Estaing"),
        ("Évreux", "d'Évreux"),
        ("Ossun", "d'Ossun"),
        ("Yvetot", "d'Yvetot"),
        ("Lourdes", "de Lourdes"),
        ("Le Brusquet", "du Brusquet"),
        ("Les Mées", "des Mées"),
        ("La Javie", "de La Javie"),
        ("L'Escale", "de L'Escale"),
    ],
)
def test_de_before_a_name(name: str, text: str) -> None:
    assert french.of(name) == text


@given(st.lists(st.text(alphabet="aàâbcéèêzÉÀZ' -", min_size=1, max_size=8)))
def test_an_index_does_not_depend_on_the_order_given(names: list[str]) -> None:
    assert french.in_order(names) == french.in_order(reversed(names))
    assert sorted(french.in_order(names)) == sorted(names)


@given(st.text(" :;?!»«.,aé\n"))
def test_a_double_sign_is_never_left_alone_and_nothing_else_changes(text: str) -> None:
    told = french.spaced(text)
    assert not re.search(r"\S [:;?!»](\s|$)|« ", told)
    assert told.replace(NBSP, " ").replace(NARROW_NBSP, " ") == text
    assert french.spaced(told) == told


def test_what_describes_columns_and_layers_is_spaced() -> None:
    told = [describe_column("actions", "code")["meaning"], *(column.meaning for column in grid_columns().values())]
    told += [str(catalogue_entry(name)["abstract"]) for name in ("petr", "epci")]
    assert any(NBSP in text for text in told)
    assert not any(re.search(r" [:;?!»](\s|$)|« ", text) for text in told)
