"""Hours of the directories in JSON: three shapes, one week."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sdaasp_geo.sources.french_words import SCHOOL_HOLIDAYS, UNKNOWN_TEXT
from sdaasp_geo.sources.hours import CONDITIONAL, CONVERTED, NOT_PUBLISHED, OVERLAP, UNREAD
from sdaasp_geo.sources.json_hours import UNKNOWN_SHAPE, read_json_hours

WEEK = "Mo-Tu 09:00-12:00,14:00-17:00; Fr 09:00-12:00"


def plage(first: str, last: str, *times: str, commentaire: str = "") -> dict[str, str]:
    both = [*times, "", "", "", ""][:4]
    names = ("valeur_heure_debut_1", "valeur_heure_fin_1", "valeur_heure_debut_2", "valeur_heure_fin_2")
    return {
        "nom_jour_debut": first,
        "nom_jour_fin": last,
        **dict(zip(names, both, strict=True)),
        "commentaire": commentaire,
    }


MORNING, AFTERNOON = ("09:00:00", "12:00:00"), ("14:00:00", "17:00:00")
SHAPES: list[list[Any]] = [
    [plage("Lundi", "Mardi", *MORNING, *AFTERNOON), plage("Vendredi", "Vendredi", *MORNING)],
    [
        {"du": "lundi", "au": "mardi", "heures": [{"de": "09:00:00", "a": "12:00:00"}, {"de": "14:00", "a": "17:00"}]},
        {"du": "vendredi", "au": "vendredi", "heures": [{"de": "09:00:00", "a": "12:00:00"}]},
    ],
    [["lundi", "mardi", [MORNING, AFTERNOON]], ["vendredi", "vendredi", [MORNING]]],
]


@pytest.mark.parametrize("published", SHAPES)
def test_three_shapes_of_one_week(published: list[Any]) -> None:
    week = read_json_hours(json.dumps(published))
    assert (week.hours, week.full, week.status) == (WEEK, WEEK, CONVERTED)
    assert read_json_hours(json.dumps(published[::-1])) == week


def test_a_range_without_last_day_is_one_day() -> None:
    assert read_json_hours(json.dumps([plage("Jeudi", "", *MORNING)])).hours == "Th 09:00-12:00"


@pytest.mark.parametrize("published", ["", "[]", "  "])
def test_nothing_published(published: str) -> None:
    assert read_json_hours(published).status == NOT_PUBLISHED


@pytest.mark.parametrize(
    ("comment", "full"),
    [
        ("Sur rendez-vous.", 'Mo 09:00-12:00 unknown "sur rendez-vous"'),
        ("Semaines paires", "week 02-52/2 Mo 09:00-12:00"),
        ("semaine impaire", "week 01-53/2 Mo 09:00-12:00"),
    ],
)
def test_comments_that_are_a_condition(comment: str, full: str) -> None:
    week = read_json_hours(json.dumps([plage("Lundi", "Lundi", *MORNING, commentaire=comment)]))
    assert (week.hours, week.full, week.status) == ("", full, CONDITIONAL)


@pytest.mark.parametrize(
    ("published", "reason"),
    [
        ("pas du JSON", UNKNOWN_SHAPE),
        ('{"lundi": "9h"}', UNKNOWN_SHAPE),
        ('["lundi"]', UNKNOWN_SHAPE),
        ("[1]", UNKNOWN_SHAPE),
        ('[{"jour": "lundi"}]', UNKNOWN_SHAPE),
        (json.dumps([plage("Lundi", "Lundi", *MORNING, commentaire="Fermé hors vacances")]), SCHOOL_HOLIDAYS),
        (json.dumps([plage("Lundi", "Lundi", *MORNING, commentaire="Accueil restreint")]), UNKNOWN_TEXT),
        (json.dumps([plage("Mardi", "Lundi", *MORNING)]), UNKNOWN_TEXT),
        (json.dumps([plage("Lundi", "?", *MORNING)]), UNKNOWN_TEXT),
        (json.dumps([plage("Lundi", "Lundi")]), UNKNOWN_TEXT),
        (json.dumps([plage("Lundi", "Lundi", "09:00:30", "12:00:00")]), UNKNOWN_TEXT),
        (json.dumps([plage("Lundi", "Lundi", "09:00:00")]), UNKNOWN_TEXT),
        (json.dumps([plage("Lundi", "Lundi", "13:30:00", "13:30:00")]), OVERLAP),
        (json.dumps([plage("Lundi", "Mardi", *MORNING), plage("Mardi", "Mardi", "11:00:00", "13:00:00")]), OVERLAP),
    ],
)
def test_what_is_not_sound_is_not_read(published: str, reason: str) -> None:
    week = read_json_hours(published)
    assert (week.hours, week.full, week.status) == ("", "", UNREAD)
    assert [why for _, why in week.faults] == [reason]
