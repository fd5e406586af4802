"""Choice: distinct places and operators within a limit, and who has several."""

from __future__ import annotations

import math

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from sdaasp_geo.analysis.choice import choice_coverage, count_within

PLACES = pd.DataFrame({"id": ["p1", "p2", "p3", "p4"], "operateur": ["La Poste", "La Poste", "", "MSA"]})
ACCESS = pd.DataFrame(
    {
        "code": ["65001", "65002", "65003", "65004"],
        "service": "msap",
        "reason": ["atteint", "inaccessible", "non mesuré", "hors réseau"],
    }
)


def pairs(rows: list[tuple[str, str, float]], *, spread: float = 0.0) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["code", "place", "time_min"]).astype({"code": "str", "place": "str"})
    return table.assign(low_min=table["time_min"] * (1 - spread), high_min=table["time_min"] * (1 + spread))


def test_places_and_operators_are_counted_once() -> None:
    given_pairs = pairs(
        [
            ("65001", "p1", 5.0),
            ("65001", "p2", 20.0),
            ("65001", "p3", 20.1),
            ("65001", "p4", 30.0),
            ("64001", "p1", 1.0),
        ]
    )
    table = count_within(pd.concat([given_pairs, given_pairs]), ACCESS, PLACES, limits=[20.0, 30.0])
    own = table[table["code"] == "65001"].set_index("limit_min")
    assert own["places"].tolist() == [2, 4]
    assert own["operators"].tolist() == [1, 2]
    assert table[table["code"] == "65002"]["places"].tolist() == [0, 0]
    assert table[table["code"].isin(["65003", "65004"])][["places", "operators"]].isna().all(axis=None)


def test_the_band_gives_what_is_sure_and_what_is_possible() -> None:
    table = count_within(
        pairs([("65001", "p1", 10.0), ("65001", "p2", 19.0), ("65001", "p3", 22.0)], spread=0.2),
        ACCESS,
        PLACES,
        limits=[20.0],
    )
    assert table.iloc[0][["places", "places_low", "places_high"]].tolist() == [2, 1, 3]


def test_no_pairs_at_all() -> None:
    table = count_within(pairs([]), ACCESS, PLACES, limits=[20.0])
    assert table["places"].tolist()[:2] == [0, 0]


MEMBERS = pd.DataFrame(
    {
        "territory": "t",
        "code": ["65001", "65002", "65003", "65004"],
        "population": [100, 50, 30, 7],
        "inside": [True, True, False, True],
    }
)


def test_share_of_inhabitants_with_a_choice() -> None:
    counts = count_within(pairs([("65001", "p1", 5.0), ("65001", "p2", 9.0)]), ACCESS, PLACES, limits=[20.0])
    table = choice_coverage(MEMBERS, counts, level="epci")
    whole = table[table["part"] == "entier"].set_index("at_least")
    assert whole["population_with"].tolist() == [100, 100, 0]
    assert whole["share"].tolist() == [100 / 150, 100 / 150, 0]
    assert whole["population_not_measured"].tolist() == [37, 37, 37]
    outside = table[table["part"] == "hors du département"]
    assert outside["share"].isna().all()
    assert outside["population"].tolist() == [30, 30, 30]


@given(
    st.lists(
        st.tuples(st.sampled_from(["65001", "65002"]), st.sampled_from(["p1", "p2", "p3", "p4"]), st.floats(0, 60)),
        max_size=8,
        unique_by=lambda row: row[:2],
    ),
    st.floats(0, 60),
    st.floats(0, 30),
)
def test_counts_agree_with_a_loop_and_more_time_never_takes_a_choice_away(
    rows: list[tuple[str, str, float]], limit: float, more: float
) -> None:
    table = count_within(pairs(rows, spread=0.1), ACCESS, PLACES, limits=[limit, limit + more])
    operator = PLACES.set_index("id")["operateur"]
    short, long = table.iloc[:4], table.iloc[4:].reset_index(drop=True)
    for row in short.iloc[:2].itertuples():
        within = {place for code, place, time in rows if code == row.code and time <= limit}
        assert row.places == len(within)
        assert row.operators == len({operator[place] for place in within} - {""})
        assert row.places_low <= row.places <= row.places_high
        assert row.operators <= row.places
    assert (long["places"] >= short["places"])[:2].all()
    shares = choice_coverage(MEMBERS, table, level="epci")
    few = shares[shares["limit_min"] == limit].dropna()
    assert few.groupby("part")["share"].apply(lambda share: share.is_monotonic_decreasing).all()
    assert all(math.isnan(share) or 0 <= share <= 1 for share in shares["share"])
