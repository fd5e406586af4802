"""The layer of governance: bodies, EPCI, conventions and what hangs on them."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from sdaasp_geo.action_plan import ORIGIN, governance_fields
from sdaasp_geo.errors import InputError
from sdaasp_geo.layers.action_items import territories
from sdaasp_geo.layers.governance import END_FROM_DURATION, build_governance
from sdaasp_geo.layers.plans import governance_of

NAMES = [field.name for field in governance_fields()]
FRAME = {"type": "convention", "code": "cadre", "nom": "Cadre", "duree_ans": "6"}


def table(*rows: dict[str, str]) -> pd.DataFrame:
    filled = [dict.fromkeys(NAMES, "") | {"nom": "Nom"} | row for row in rows]
    index = pd.Index(range(2, len(rows) + 2), name="row", dtype="int64")
    return pd.DataFrame(filled, index=index, columns=NAMES, dtype="str").assign(**{ORIGIN: "gouvernance.csv"})


def test_every_fault_is_told_together() -> None:
    rows = (
        {"type": "instance", "code": "a", "reunions_min": "3", "reunions_max": "2"},
        {"type": "instance", "code": "A"},
        {"type": "comète", "code": "b"},
        {"type": "", "code": "c", "nom": ""},
        {"type": "signataire", "code": "d", "convention": "inconnue"},
        {"type": "avenant", "code": "e"},
        {"type": "reunion", "code": "f", "instance": "z"},
        {"type": "convention", "code": "g", "duree_ans": "six", "perimetre": "-1", "debut": "2020", "fin": "2018"},
    )
    with pytest.raises(InputError) as caught:
        build_governance(table(*rows))
    assert [(fault.row, fault.column, fault.value) for fault in caught.value.faults] == [
        (2, "reunions_max", "2"),
        (3, "code", "A"),
        (4, "type", "comète"),
        (5, "nom", ""),
        (5, "type", ""),
        (6, "convention", "inconnue"),
        (7, "convention", ""),
        (8, "instance", "z"),
        (9, "duree_ans", "six"),
        (9, "fin", "2018"),
        (9, "perimetre", "-1"),
    ]


@pytest.mark.parametrize(
    ("start", "end", "years", "expected", "reason"),
    [
        ("15 juin 2018", "", "6", dt.date(2024, 6, 14), END_FROM_DURATION),
        ("29/02/2020", "", "1", dt.date(2021, 2, 28), END_FROM_DURATION),
        ("29/02/2020", "", "4 ans", dt.date(2024, 2, 29), END_FROM_DURATION),
        ("1er janvier 2018", "31 décembre 2019", "6", dt.date(2019, 12, 31), ""),
        ("", "", "6", None, ""),
        ("1er janvier 2018", "", "", None, "fin non précisée"),
        ("1er janvier 2018", "", "2,5", None, "fin non précisée"),
    ],
)
def test_a_convention_ends_the_day_before_its_anniversary(
    start: str, end: str, years: str, expected: dt.date | None, reason: str
) -> None:
    layer, _ = build_governance(table({**FRAME, "debut": start, "fin": end, "duree_ans": years}))
    (convention,) = governance_of(layer).conventions
    assert convention.validite.end == expected
    assert convention.validite.reason == reason


def test_what_hangs_on_a_convention_is_gathered() -> None:
    layer, notes = build_governance(
        table(
            {**FRAME, "perimetre": "2018", "date": "15 juin 2018"},
            {"type": "Signataire", "code": "caf", "nom": "CAF", "convention": "CADRE", "categorie": "opérateur"},
            {"type": "engagement", "code": "2.1", "nom": "Inscrire", "convention": "cadre"},
            {"type": "avenant", "code": "1", "nom": "Avenant", "convention": "cadre", "date": "2019"},
            {"type": "convention", "code": "t", "nom": "Territoriale", "composition": "EPCI | Département"},
        )
    )
    frame, local = governance_of(layer).conventions
    assert (frame.perimetre, frame.duree_ans, frame.date.end) == (2018, 6.0, dt.date(2018, 6, 15))
    assert [party.nom for party in frame.signataires] == ["CAF"]
    assert frame.engagements == (("2.1", "Inscrire"),)
    assert [change.date.words for change in frame.avenants] == ["2019"]
    assert [party.nom for party in local.signataires] == ["EPCI", "Département"]
    assert [note.replace("\u00a0", " ") for note in notes] == [
        "Gouvernance : 2 conventions, 1 signataire, 1 engagement, 1 avenant.",
        "Gouvernance : 1 convention sans date de signature.",
    ]


def test_bodies_epci_meetings_and_numbers() -> None:
    layer, notes = build_governance(
        table(
            {
                "type": "réunion",
                "code": "r",
                "instance": "conference",
                "date": "20/06/2019",
                "participants": "CC A, CC B",
            },
            {"type": "instance", "code": "conference", "reunions_min": "1", "missions": "Bilan | Programme"},
            {"type": "epci", "code": "a", "nom": "CC A", "elu_referent": "Présidente"},
            {"type": "epci", "code": "b", "nom": "CC B", "territoires": "CC B", "territoires_codes": "200070795"},
            {"type": "échéance", "code": "s", "date": "Avant le 30 juin de chaque année"},
            {"type": "effectif", "code": "actions", "nombre": "33"},
        )
    )
    governance = governance_of(layer)
    (body,) = governance.instances
    assert (body.reunions_min, body.reunions_max, body.missions) == (1.0, None, ("Bilan", "Programme"))
    assert [own.territoire.words for own in governance.epci] == ["CC A", "CC B"]
    assert governance.epci[1].territoire.code == "200070795"
    meeting, deadline = governance.evenements
    assert (meeting.instance, meeting.date.start, meeting.participants) == (
        "conference",
        dt.date(2019, 6, 20),
        ("CC A", "CC B"),
    )
    assert (deadline.date.start, deadline.date.reason != "") == (None, True)
    assert governance.effectifs == {"actions": 33.0}
    assert "Gouvernance\u00a0: 1\u00a0EPCI sans élu référent." in notes
    assert layer["day"].notna().sum() == 1
    assert territories(layer)["type"].tolist() == ["epci"]


def test_an_empty_table_is_an_empty_governance() -> None:
    layer, notes = build_governance(table())
    assert layer.empty
    assert notes == []
    assert governance_of(layer).conventions == ()
