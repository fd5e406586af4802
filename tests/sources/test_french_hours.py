"""French hours: what is read is exact, what is not read is listed with its reason."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import opening_hours
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdaasp_geo.sources.delimited import read_delimited
from sdaasp_geo.sources.french_hours import count_faults, read_week, read_week_text, read_weeks, unread_values
from sdaasp_geo.sources.french_words import (
    FRENCH_DAYS,
    NO_STOPS,
    SCHOOL_HOLIDAYS,
    SILENT_DAY,
    UNCLEAR_DAYS,
    UNCLEAR_SCOPE,
    UNKNOWN_TEXT,
    UNPAIRED_TIMES,
    UNSTATED_SEASON,
    UNSTATED_WEEKS,
)
from sdaasp_geo.sources.hours import (
    APPOINTMENT_WITHOUT_TIME,
    BLANK_SLOT,
    CONDITIONAL,
    CONVERTED,
    DAYS,
    NOT_PUBLISHED,
    OVERLAP,
    UNREAD,
)

COLUMNS = ["h_lundi", "h_mardi", "h_mercredi", "h_jeudi", "h_vendredi", "h_samedi"]
WEDNESDAY = 2
BOTH = "We 09:00-12:00,14:00-17:30"


@pytest.mark.parametrize(
    "text",
    [
        "09:00 - 12:00 / 14:00 - 17:30",
        " 9:00\u00a0- 12:00 /\u00a014:00 – 17:30 ",
        "9h-12h et 14h-17h30",
        "9H00 à 12H00, 14H00 à 17H30",
        "de 9h à midi puis de 14 h à 17 h 30",
        "9-12h / 14-17h30",
        "9: 12:00 / 14: 17:30",
        "9:00 -12: 14:00 - 17:30",
        "9:00/12:00 -14:/17:30",
        "09:00 12:00 / 14:00 17:30",
        "9:00 - 12:00-14:00 - 17:30",
        "9:00-12:00 / 14:00:17:30",
        "9:00 - 12 :00 / 14:00 - 17 : 30",
        "14:00 - 17:30 / 9:00 - 12:00",
        "matin : 9h-12h, après-midi : 14h-17h30",
        "09:00 - 12:00 / 09:00 - 12:00 / 14:00 - 17:30",
    ],
)
def test_the_same_day_written_in_many_ways(text: str) -> None:
    week = read_week({WEDNESDAY: text})
    assert (week.hours, week.full, week.status, week.remarks) == (BOTH, BOTH, CONVERTED, ())


@pytest.mark.parametrize(
    ("text", "hours", "full"),
    [
        ("9h-12h / Sur RDV : 14h-17h", "We 09:00-12:00", 'We 14:00-17:00 unknown "sur rendez-vous", We 09:00-12:00'),
        ("9h-12h (sur RDV 14h-17h)", "We 09:00-12:00", 'We 14:00-17:00 unknown "sur rendez-vous", We 09:00-12:00'),
        (
            "9h-12h, 14h-17h sur rendez-vous",
            "We 09:00-12:00",
            'We 14:00-17:00 unknown "sur rendez-vous", We 09:00-12:00',
        ),
        (
            "Sur RDV : 9h-12h / Sans RDV : 14h-17h",
            "We 14:00-17:00",
            'We 09:00-12:00 unknown "sur rendez-vous", We 14:00-17:00',
        ),
        ("Sur R.D.V. : 9h-12h / 14h-17h", "", 'We 09:00-12:00,14:00-17:00 unknown "sur rendez-vous"'),
        ("9h-12h / Semaines paires : 14h-16h30", "We 09:00-12:00", "week 02-52/2 We 14:00-16:30, We 09:00-12:00"),
        ("9h-12h (semaines impaires) / 14h-18h", "We 14:00-18:00", "week 01-53/2 We 09:00-12:00, We 14:00-18:00"),
        ("Semaines paires : 10h-12h // Semaines impaires : fermé", "", "week 02-52/2 We 10:00-12:00"),
        ("1er mercredi du mois : 9h-12h // 3ème mercredi du mois : 9h-11h", "", "We[1] 09:00-12:00, We[3] 09:00-11:00"),
        ("2ème et 4ème mercredis du mois : 9h-12h", "", "We[2,4] 09:00-12:00"),
        ("Dernier mercredi du mois : 9h-12h", "", "We[-1] 09:00-12:00"),
        ("Sept. - Juin : 14h-17h // Été : 10h-12h", "", "Jul-Aug We 10:00-12:00, Sep-Jun We 14:00-17:00"),
    ],
)
def test_conditions_are_kept_apart_from_what_is_open_every_week(text: str, hours: str, full: str) -> None:
    week = read_week({WEDNESDAY: text})
    assert (week.hours, week.full, week.status) == (hours, full, CONDITIONAL)
    opening_hours.OpeningHours(week.full)


@pytest.mark.parametrize(
    "text", ["9h-12h / Sur RDV : après-midi", "9h-12h et sur RDV l'après-midi", "9h-12h / Après-midi sur RDV"]
)
def test_an_appointment_without_time_is_remarked(text: str) -> None:
    week = read_week({WEDNESDAY: text})
    assert (week.full, week.status, week.remarks) == ("We 09:00-12:00", CONDITIONAL, (APPOINTMENT_WITHOUT_TIME,))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Si besoin", UNKNOWN_TEXT),
        ("09:00 - 12:00 / 113:30 - 18:30", UNKNOWN_TEXT),
        ("8:30 - 12:30 / 13:30 - 16::30", UNKNOWN_TEXT),
        ("8:30 - 12:00 / 13/30 - 17:00", UNKNOWN_TEXT),
        ("8:30-12- / 14:00 - 17:30", UNKNOWN_TEXT),
        ("Certains services : 9:00 - 12:00", UNKNOWN_TEXT),
        ("9h-12h / fermé", UNKNOWN_TEXT),
        ("9h-12h)", UNKNOWN_TEXT),
        ("jeudi 9h-12h", UNKNOWN_TEXT),
        ("9h30 - 12h75", UNPAIRED_TIMES),
        ("9h - 25h", UNPAIRED_TIMES),
        ("9h - 12h - 14h", UNPAIRED_TIMES),
        ("9h, 12h", UNPAIRED_TIMES),
        ("12:00 09:00", UNPAIRED_TIMES),
        ("Sur RDV : 9h-12h // 14h-17h", UNCLEAR_SCOPE),
        ("1 samedi sur 2 : 9h-12h", UNSTATED_WEEKS),
        ("1er samedi du mois : 9h-12h", UNSTATED_WEEKS),
        ("Excepté dernier samedi du mois : 9h-12h", UNSTATED_WEEKS),
        ("Hors vacances scolaires : 9h-12h", SCHOOL_HOLIDAYS),
        ("Été : 9h-12h", UNSTATED_SEASON),
        ("Selon planning bus", NO_STOPS),
        ("9:00 - 12:00 / Itinérance : 14:00 - 17:00", NO_STOPS),
        ("sans RDV", SILENT_DAY),
        ("()", SILENT_DAY),
        ("9h-12h / Semaines impaires : fermé", UNCLEAR_SCOPE),
        ("Semaines impaires : fermé", UNCLEAR_SCOPE),
        ("12:00 - 09:00", OVERLAP),
        ("09:00 - 09:00", OVERLAP),
        ("09:00 - 12:00 / 11:59 - 14:00", OVERLAP),
    ],
)
def test_what_would_have_to_be_guessed_is_not_read(text: str, reason: str) -> None:
    week = read_week({0: "9h-12h", WEDNESDAY: text})
    assert week.status == UNREAD
    assert week.faults == ((text, reason),)
    assert (week.hours, week.full) == ("", "")


@pytest.mark.parametrize("closed", ["", "-", " - ", "/", "fermé", "Espace fermé ce jour", "Fermeture"])
def test_a_closed_day_says_nothing_of_the_others(closed: str) -> None:
    assert read_week({0: "9h-12h", WEDNESDAY: closed}).hours == "Mo 09:00-12:00"


@pytest.mark.parametrize("text", ["Horaires non communiqués", "non renseigné", "NC", ""])
def test_hours_that_are_not_published_are_not_unread(text: str) -> None:
    assert read_week(dict.fromkeys(range(6), text)).status == NOT_PUBLISHED
    partly = read_week({0: "9h-12h", 1: text})
    assert partly.status == (CONVERTED if not text else UNREAD)


def test_an_empty_field_of_the_form_is_not_a_day_of_24_hours() -> None:
    week = read_week({0: "00:00 - 00:00 / 09:00 - 12:00", 1: "00:00 - 00:00"})
    assert (week.hours, week.status, week.remarks) == ("Mo 09:00-12:00", CONVERTED, (BLANK_SLOT,))


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("Du lundi au vendredi de 9h à 12h et de 14h à 17h30", "Mo-Fr 09:00-12:00,14:00-17:30"),
        ("lun. mar. : 9h-12h", None),
        ("Lundi, mardi et jeudi : 9h-12h ; samedi : 10h-12h", "Mo-Tu 09:00-12:00; Th 09:00-12:00; Sa 10:00-12:00"),
        ("lun-ven 9:00-12:00", "Mo-Fr 09:00-12:00"),
        ("lundi-mardi 09:00-12:00, 14:00-17:00 ; jeudi 09:00-12:00", "Mo-Tu 09:00-12:00,14:00-17:00; Th 09:00-12:00"),
        ("Du lundi au vendredi 9h-12h, fermé le mercredi", "Mo-Tu 09:00-12:00; Th-Fr 09:00-12:00"),
        ("Fermé le lundi. Mardi au vendredi 9h-12h", "Tu-Fr 09:00-12:00"),
        ("Lundi 9h-12h, mardi fermé, mercredi 9h-12h", "Mo 09:00-12:00; We 09:00-12:00"),
        ("9h-12h du lundi au vendredi", "Mo-Fr 09:00-12:00"),
        ("9h-12h du lundi au vendredi, 14h-17h le mardi", None),
        ("Tous les jours 9h-midi", "Mo-Su 09:00-12:00"),
        ("Tous les jours sauf le dimanche 9h-12h", None),
        ("Lundi et mardi matin", None),
        ("vendredi au lundi 9h-12h", None),
        ("Lundi 9h-12h, lundi 11h-13h", None),
        ("lundi-? 14:00-16:00 ; jeudi 10:00-12:00", None),
        ("Ouvert aux heures de bureau", None),
        ("9h-12h", None),
    ],
)
def test_a_week_in_one_text(text: str, hours: str | None) -> None:
    week = read_week_text(text)
    assert week.hours == (hours or "")
    assert week.status == (UNREAD if hours is None else CONVERTED)
    assert [value for value, _ in week.faults] == ([text] if hours is None else [])


def test_a_rank_in_the_month_names_its_day() -> None:
    week = read_week_text("Mardi 9h-12h ; 1er et 3ème samedis du mois : 9h-12h")
    assert week.full == "Sa[1,3] 09:00-12:00, Tu 09:00-12:00"


def test_an_empty_week_is_not_published() -> None:
    assert read_week_text(" ").status == NOT_PUBLISHED
    assert read_week_text("Horaires non communiqués").status == NOT_PUBLISHED


TIMES = st.sets(st.integers(0, 1439), min_size=2, max_size=6).map(lambda found: sorted(found)[: len(found) // 2 * 2])
STYLES = st.sampled_from([("{:02d}:{:02d}", " - ", " / "), ("{}h{:02d}", "-", " et "), ("{} h {:02d}", " à ", ", ")])


@given(st.dictionaries(st.integers(0, 6), TIMES, min_size=1), STYLES)
def test_regular_hours_survive_every_style(week: dict[int, list[int]], style: tuple[str, str, str]) -> None:
    clock, dash, joint = style
    written, expected = {}, {}
    for day, minutes in week.items():
        pairs = list(zip(minutes[::2], minutes[1::2], strict=True))
        written[day] = joint.join(dash.join(clock.format(*divmod(m, 60)) for m in pair) for pair in pairs)
        expected[day] = " / ".join(" - ".join("{:02d}:{:02d}".format(*divmod(m, 60)) for m in pair) for pair in pairs)
    assert read_week(written) == read_week(expected)
    assert read_week(written).status == CONVERTED


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Lundi ; mardi ; jeudi 9h-12h", SILENT_DAY),
        ("Lundi, mardi. Jeudi 9h-12h", SILENT_DAY),
        ("lundi, mardi, et jeudi 9h-12h", SILENT_DAY),
        ("lundi 9h à 12h. mardi. jeudi 14h-16h", SILENT_DAY),
        ("lundi sans RDV ; mardi 9h-12h", SILENT_DAY),
        ("mercredi, 1er samedi du mois 9h-12h", SILENT_DAY),
        ("Tous les jours, samedi 9h-12h", SILENT_DAY),
        ("Lundi : - Mardi : 9h-12h", SILENT_DAY),
        ("Lundi : / Mardi : 9h-12h", SILENT_DAY),
        ("lundi-mercredi-vendredi 9h-12h", UNCLEAR_DAYS),
        ("lundi, mardi-jeudi-samedi : 9h-12h", UNCLEAR_DAYS),
        ("Du lundi au mercredi au vendredi 9h-12h", UNCLEAR_DAYS),
        ("Lundi au samedi 9h-12h ; 1er samedi du mois fermé", UNCLEAR_SCOPE),
        ("Fermé le 1er samedi du mois. Lundi au samedi 9h-12h", UNCLEAR_SCOPE),
    ],
)
def test_no_day_of_a_week_is_dropped_or_invented(text: str, reason: str) -> None:
    week = read_week_text(text)
    assert (week.status, week.faults) == (UNREAD, ((text, reason),))


@pytest.mark.parametrize(
    ("text", "full"),
    [
        ("lundi-mardi, jeudi-vendredi 9h-12h", "Mo-Tu 09:00-12:00; Th-Fr 09:00-12:00"),
        ("lundi, mercredi-vendredi : 9h-12h", "Mo 09:00-12:00; We-Fr 09:00-12:00"),
        ("Lundi/mardi/jeudi : 9h-12h", "Mo-Tu 09:00-12:00; Th 09:00-12:00"),
        ("9h-12h le 1er samedi du mois", "Sa[1] 09:00-12:00"),
    ],
)
def test_lists_and_ranges_of_days_that_leave_no_doubt(text: str, full: str) -> None:
    assert read_week_text(text).full == full


@given(
    st.lists(st.sampled_from(range(7)), min_size=1, unique=True).map(sorted),
    st.lists(st.sampled_from([", ", " et ", "/", " + ", " ; ", ". ", " ", ", et ", " : ", " // "]), min_size=6),
)
def test_a_list_of_days_gives_these_days_or_nothing(days: list[int], joints: list[str]) -> None:
    parts = zip([FRENCH_DAYS[day] for day in days], [*joints[: len(days) - 1], " "], strict=True)
    week = read_week_text("".join(map("".join, parts)) + "9h-12h")
    told = {CONVERTED: [f"{DAYS[day]} 09:00-12:00" for day in days], UNREAD: []}[week.status]
    assert read_osm_days(week.hours) == told


def read_osm_days(hours: str) -> list[str]:
    """Write each day of weekly hours on its own."""
    found = []
    for rule in filter(None, hours.split("; ")):
        named, times = rule.split(" ")
        first, last = DAYS.index(named[:2]), DAYS.index(named[-2:])
        found += [f"{DAYS[day]} {times}" for day in range(first, last + 1)]
    return found


@given(st.text(alphabet="0129:h-/ àetfermésurRDV()1eusamdi", max_size=30))
def test_no_text_is_lost(text: str) -> None:
    """Any text is converted to a text that the library reads, or is unread with itself as the fault."""
    for week in (read_week({0: text}), read_week_text(text)):
        assert (week.status == UNREAD) == bool(week.faults)
        assert all(value == text for value, _ in week.faults)
        if week.full:
            opening_hours.OpeningHours(week.full)


def test_unread_values_are_counted_by_value_and_reason() -> None:
    table = pd.DataFrame([["Si besoin", ""], ["9h-12h", "Si besoin"], ["11h-10h", "9h-12h"]], columns=["a", "b"])
    counted = unread_values(table, ["a", "b"])
    assert counted.to_dict("records") == [
        {"value": "Si besoin", "reason": UNKNOWN_TEXT, "count": 2},
        {"value": "11h-10h", "reason": OVERLAP, "count": 1},
    ]
    read = read_weeks(table, ["a", "b"])
    assert read["status"].tolist() == [UNREAD, UNREAD, UNREAD]
    assert count_faults([]).empty


def test_the_list_of_2024(shared: Callable[[str], Path]) -> None:
    table = read_delimited(shared("france_services/liste-fs-20240801.csv"))
    read = read_weeks(table, COLUMNS)
    assert read["status"].value_counts().to_dict() == {CONVERTED: 2777, NOT_PUBLISHED: 48, UNREAD: 20}
    assert (read["remarks"] == BLANK_SLOT).sum() == 29
    assert (read["hours"] == read["full"]).all()
    itinerant = table["format_fs"].isin(["Multisites", "Bus_équivalent", "Itinérante"])
    assert itinerant.sum() == 337
    assert read.loc[itinerant, "status"].value_counts().to_dict() == {CONVERTED: 311, NOT_PUBLISHED: 19, UNREAD: 7}
    assert set(unread_values(table, COLUMNS)["reason"]) == {OVERLAP}


def test_the_list_of_october_2020(shared: Callable[[str], Path]) -> None:
    features = json.loads(shared("france_services/france_services_2020-10-12_0584fe1.geojson").read_text("utf-8"))
    table = pd.DataFrame([feature["properties"] for feature in features["features"]])[COLUMNS].fillna("")
    read = read_weeks(table, COLUMNS)
    counts = read["status"].value_counts().to_dict()
    assert counts == {CONVERTED: 745, NOT_PUBLISHED: 103, CONDITIONAL: 37, UNREAD: 23}
    for text in set(read["full"]) - {""}:
        opening_hours.OpeningHours(text)
    listed = unread_values(table, COLUMNS)
    assert listed["count"].is_monotonic_decreasing
    assert listed["value"].is_unique
    assert set(listed["value"]) <= set(table.to_numpy().ravel())
