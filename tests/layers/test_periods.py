"""Dates in words: kept, read where they leave no doubt, and a reason otherwise."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdaasp_geo.french import MONTHS, date
from sdaasp_geo.layers.periods import (
    APART,
    NO_DATE,
    NO_END,
    NO_START,
    NO_SUCH_DAY,
    ONLY_YEAR,
    REVERSED,
    WHOLE_SCHEME,
    WINTER,
    read_period,
    span_of,
)


@pytest.mark.parametrize(
    ("words", "start", "end"),
    [
        ("2018", "2018-01-01", "2018-12-31"),
        ("En 2017 :", "2017-01-01", "2017-12-31"),
        ("courant 2018", "2018-01-01", "2018-12-31"),
        ("printemps 2018", "2018-03-01", "2018-05-31"),
        ("l’été 2017", "2017-06-01", "2017-08-31"),
        ("Rentrée 2018", "2018-09-01", "2018-09-30"),
        ("hiver 2018-2019", "2018-12-01", "2019-02-28"),
        ("hiver 2019-2020", "2019-12-01", "2020-02-29"),
        ("année scolaire 2018-2019", "2018-09-01", "2019-08-31"),
        ("2e semestre 2019", "2019-07-01", "2019-12-31"),
        ("2ème semestre 2019", "2019-07-01", "2019-12-31"),
        ("second semestre 2019", "2019-07-01", "2019-12-31"),
        ("S1 2019", "2019-01-01", "2019-06-30"),
        ("1er trimestre 2020", "2020-01-01", "2020-03-31"),
        ("T3 2020", "2020-07-01", "2020-09-30"),
        ("février 2020", "2020-02-01", "2020-02-29"),
        ("06/2018", "2018-06-01", "2018-06-30"),
        ("2018-06", "2018-06-01", "2018-06-30"),
        ("30/06/2018", "2018-06-30", "2018-06-30"),
        ("30.06.2018", "2018-06-30", "2018-06-30"),
        ("2018-06-30 00:00:00", "2018-06-30", "2018-06-30"),
        ("le 1er janvier 2019", "2019-01-01", "2019-01-01"),
        ("2018-2020", "2018-01-01", "2020-12-31"),
        ("2018 – 2020", "2018-01-01", "2020-12-31"),
        ("2018/2019", "2018-01-01", "2019-12-31"),
        ("de 2018 à 2020", "2018-01-01", "2020-12-31"),
        ("entre 2018 et 2020", "2018-01-01", "2020-12-31"),
        ("2018, 2019 et 2020", "2018-01-01", "2020-12-31"),
        ("juin et juillet 2018", "2018-06-01", "2018-07-31"),
        ("de mars à juin 2018", "2018-03-01", "2018-06-30"),
        ("printemps-été 2018", "2018-03-01", "2018-08-31"),
        ("du 01/03 au 30/06/2018", "2018-03-01", "2018-06-30"),
        ("1er semestre 2018 à 2e semestre 2019", "2018-01-01", "2019-12-31"),
        ("du 3 au 5 avril 2019", "2019-04-03", "2019-04-05"),
        ("du 1er au 15 mars 2018", "2018-03-01", "2018-03-15"),
        ("2-10 mars 2018", "2018-03-02", "2018-03-10"),
        ("du 2 au 4/05/2019", "2019-05-02", "2019-05-04"),
        ("entre le 2 et le 20 juin 2018", "2018-06-02", "2018-06-20"),
        ("2 et 3 mars 2018", "2018-03-02", "2018-03-03"),
        ("31 mars et 1er avril 2018", "2018-03-31", "2018-04-01"),
        ("de mars au 30 juin 2018", "2018-03-01", "2018-06-30"),
        ("3-6/2018", "2018-03-01", "2018-06-30"),
        ("06-2018", "2018-06-01", "2018-06-30"),
        ("10/2018-12/2018", "2018-10-01", "2018-12-31"),
    ],
)
def test_words_that_leave_no_doubt(words: str, start: str, end: str) -> None:
    period = read_period(words)
    assert (str(period.start), str(period.end), period.reason) == (start, end, "")
    assert period.words == words


@pytest.mark.parametrize(
    ("words", "start", "end", "reason"),
    [
        ("dès 2017", "2017-01-01", None, NO_END),
        ("à partir de septembre 2018", "2018-09-01", None, NO_END),
        ("après 2018", "2019-01-01", None, NO_END),
        ("avant 2020", None, "2019-12-31", NO_START),
        ("Avant le 30 juin 2018", None, "2018-06-30", NO_START),
        ("jusqu'en 2020", None, "2020-12-31", NO_START),
        ("d'ici 2020", None, "2020-12-31", ONLY_YEAR),
        ("fin 2018", "2018-01-01", "2018-12-31", ONLY_YEAR),
        ("mi-2018", "2018-01-01", "2018-12-31", ONLY_YEAR),
        ("Tout au long du schéma", None, None, WHOLE_SCHEME),
        ("hiver 2018", None, None, WINTER),
        ("30 février 2018", None, None, NO_SUCH_DAY),
        ("13/2018", None, None, NO_SUCH_DAY),
        ("2018 et 2020", None, None, APART),
        ("2020-2018", None, None, REVERSED),
        ("du 28 au 3 mars 2018", None, None, REVERSED),
        ("2 et 5 mars 2018", None, None, APART),
        ("du 30 au 31 février 2018", None, None, NO_SUCH_DAY),
        ("du 3 à juin 2018", None, None, NO_DATE),
        ("du 1er au 6/2018", None, None, NO_DATE),
        ("du 3 au 5 avril", None, None, NO_DATE),
        ("30/06/18", None, None, NO_DATE),
        ("à définir", None, None, NO_DATE),
        ("9 mois", None, None, NO_DATE),
        ("5e trimestre 2018", None, None, NO_DATE),
        ("=A1", None, None, NO_DATE),
        ("", None, None, ""),
    ],
)
def test_the_others_have_a_reason(words: str, start: str | None, end: str | None, reason: str) -> None:
    period = read_period(words)
    shown = tuple(None if day is None else day.isoformat() for day in (period.start, period.end))
    assert (*shown, period.reason) == (start, end, reason)


@given(st.dates(dt.date(1900, 1, 1), dt.date(2099, 12, 31)))
def test_a_day_is_read_in_each_of_its_forms(day: dt.date) -> None:
    forms = (day.isoformat(), f"{day:%d/%m/%Y}", date(day), f"{day.day} {MONTHS[day.month - 1]} {day.year}")
    assert {(period.start, period.end, period.reason) for period in map(read_period, forms)} == {(day, day, "")}


@given(st.dates(dt.date(1900, 1, 1), dt.date(2099, 12, 31)), st.integers(1, 31))
def test_a_bare_day_is_of_the_month_of_the_last_one(last: dt.date, day: int) -> None:
    first = last.replace(day=min(day, last.day))
    forms = (
        f"du {first.day} au {date(last)}",
        f"entre le {first.day} et le {date(last)}",
        f"{first.day}-{last.day} {MONTHS[last.month - 1]} {last.year}",
        f"du {first.day} au {last:%d/%m/%Y}",
    )
    assert {(period.start, period.end, period.reason) for period in map(read_period, forms)} == {(first, last, "")}


@given(st.text(max_size=30))
def test_any_words_are_kept_with_dates_or_a_reason(words: str) -> None:
    period = read_period(words)
    assert period.words == words
    assert (period.start is not None and period.end is not None) or bool(period.reason) == bool(words.strip())
    assert period.start is None or period.end is None or period.start <= period.end


@pytest.mark.parametrize(
    ("first", "last", "start", "end", "reason"),
    [
        ("printemps 2018", "2020", "2018-03-01", "2020-12-31", ""),
        ("2018", "2018", "2018-01-01", "2018-12-31", ""),
        ("2018-2020", "", "2018-01-01", "2020-12-31", ""),
        ("de mars à juin 2018", "", "2018-03-01", "2018-06-30", ""),
        ("2018", "", "2018-01-01", None, NO_END),
        ("dès 2018", "2020", "2018-01-01", "2020-12-31", ""),
        ("", "2020", None, "2020-12-31", NO_START),
        ("à définir", "2020", None, "2020-12-31", NO_DATE),
        ("2018", "à définir", "2018-01-01", None, NO_DATE),
        ("fin 2018", "2020", "2018-01-01", "2020-12-31", ONLY_YEAR),
        ("2020", "2018", None, None, REVERSED),
        ("", "", None, None, ""),
    ],
)
def test_a_start_and_an_end_make_a_period(
    first: str, last: str, start: str | None, end: str | None, reason: str
) -> None:
    period = span_of(read_period(first), read_period(last))
    shown = tuple(None if day is None else day.isoformat() for day in (period.start, period.end))
    assert (*shown, period.reason) == (start, end, reason)
