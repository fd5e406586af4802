"""Where actions apply: by name, commune, PETR or département; nothing reaches beyond what is written."""

from __future__ import annotations

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from sdaasp_geo.analysis.reach import NOT_KNOWN, NOT_SAID, action_reach, unreached

COMMUNES = pd.DataFrame({"code": ["65001", "65002", "65003", "64001"], "epci": ["A", "A", "B", "C"]})
EPCI = pd.DataFrame({"siren": ["A", "B", "C"], "role": ["signataire", "signataire", "sans convention"]})
PETR = pd.DataFrame({"petr": ["pays", "pays"], "code": ["65003", "64001"]})
KINDS = {"epci": ["A", "B", "C", "Z"], "commune": ["65001", "65003", "99999"], "petr": ["pays", "autre"]}
COLUMNS = ["kind", "code", "rank", "words", "territory_kind", "territory_code", "territory_name", "reason"]


def named(*rows: tuple[str, int, str, str, str]) -> pd.DataFrame:
    """Rows of an action: code, rank, kind and code of the territory, reason."""
    return pd.DataFrame(
        [("action", code, rank, "mots", kind, place, place, reason) for code, rank, kind, place, reason in rows],
        columns=COLUMNS,
    )


def reached(*rows: tuple[str, int, str, str, str]) -> list[tuple[str, ...]]:
    found = action_reach(named(*rows), COMMUNES, EPCI, PETR)
    return list(found.itertuples(index=False, name=None))


def test_each_kind_of_territory_reaches_its_epci() -> None:
    assert reached(("1", 1, "epci", "C", "")) == [("1", "C", "EPCI nommé", "epci")]
    assert reached(("1", 1, "commune", "65003", "")) == [("1", "B", "commune de 65003", "commune")]
    assert [row[1] for row in reached(("1", 1, "petr", "pays", ""))] == ["B", "C"]


def test_the_whole_departement_stands_for_the_epci_that_sign() -> None:
    assert [row[1:3] for row in reached(("1", 1, "departement", "65", ""))] == [
        ("A", "tout le département"),
        ("B", "tout le département"),
    ]


def test_every_epci_is_not_an_epci_named() -> None:
    rows = reached(("1", 1, "epci", "A", ""), ("1", 1, "epci", "B", ""))
    assert [row[2] for row in rows] == ["tous les EPCI", "tous les EPCI"]


def test_the_closest_way_is_kept() -> None:
    rows = reached(("1", 1, "departement", "65", ""), ("1", 2, "petr", "pays", ""), ("1", 3, "epci", "B", ""))
    assert [(row[1], row[3]) for row in rows] == [("A", "departement"), ("B", "epci"), ("C", "petr")]


def test_what_is_not_known_reaches_nothing_and_says_so() -> None:
    rows = named(("1", 1, "epci", "A", "à confirmer"), ("2", 1, "epci", "Z", ""), ("3", 1, "epci", "A", ""))
    reach = action_reach(rows, COMMUNES, EPCI, PETR)
    assert list(reach["code"]) == ["3"]
    actions = pd.DataFrame({"niveau": ["orientation", *["action"] * 4], "code": ["1", "1", "2", "3", "4"]})
    left = unreached(actions, rows, reach)
    assert list(left.itertuples(index=False, name=None)) == [("1", NOT_KNOWN), ("2", NOT_KNOWN), ("4", NOT_SAID)]


PLACES = st.sampled_from([(kind, code) for kind, codes in KINDS.items() for code in codes] + [("departement", "65")])


@given(st.lists(st.tuples(st.sampled_from("123"), PLACES, st.sampled_from(["", "ambigu"])), max_size=12))
def test_every_action_reaches_something_or_is_listed(rows: list[tuple[str, tuple[str, str], str]]) -> None:
    table = named(*((code, rank, kind, place, why) for rank, (code, (kind, place), why) in enumerate(rows, start=1)))
    reach = action_reach(table, COMMUNES, EPCI, PETR)
    actions = pd.DataFrame({"niveau": "action", "code": list("1234")})
    left = unreached(actions, table, reach)
    assert sorted([*reach["code"].unique(), *left["code"]]) == list("1234")
    assert not reach.duplicated(["code", "siren"]).any()
    assert set(reach["siren"]) <= set(EPCI["siren"])
