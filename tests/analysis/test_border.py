"""The border: nearest inside and outside, who leaves and who comes; every count adds up and has its mirror."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdaasp_geo.analysis.access import measure_access
from sdaasp_geo.analysis.border import (
    DEPARTEMENT_OUT_OF_REACH,
    EPCI_OUT_OF_REACH,
    NO_PLACE_IN_DEPARTEMENT,
    NO_PLACE_IN_EPCI,
    NOT_REACHED,
    OTHER_DEPARTEMENT,
    OTHER_EPCI,
    OUT_OF_REACH,
    OWN_EPCI,
    border_access,
    border_balance,
    border_exchanges,
    border_pairs,
    reconcile_balance,
)
from sdaasp_geo.analysis.coverage import PARTS
from sdaasp_geo.analysis.levels import LEVELS, territory_members
from sdaasp_geo.embedded import embedded_path
from sdaasp_geo.errors import ReconciliationError
from sdaasp_geo.layers.communes import NO_EPCI
from sdaasp_geo.study import Study
from sdaasp_geo.travel.nearest import NO_PLACE
from sdaasp_geo.travel.pairs import pairs_within
from sdaasp_geo.travel.straight_line import straight_line_engine

SIDES = ["population_own_epci", "population_other_epci", "population_other_departement", "population_not_reached"]
A, B, C = "200000001", "200000002", "200000003"
# Six communes: EPCI A lies in the 65 and the 64, B in the 65, C in the 64; one commune of the 65 is in no EPCI.
HOMES = [("65001", A, "65"), ("65002", A, "65"), ("65003", B, "65"), ("65004", None, "65"), ("64001", A, "64")]
HOMES += [("64002", C, "64")]


def origins(populations: Sequence[int] = (1, 2, 4, 8, 16, 32), *, departement: str = "65") -> pd.DataFrame:
    codes, epci, owners = zip(*HOMES, strict=True)
    table = pd.DataFrame({"code": codes, "name": codes, "epci": epci, "departement": owners})
    table = table.astype({"code": "str", "epci": "str"})
    return table.assign(inside=table["departement"] == departement, population=list(populations))


def places(where: dict[str, int], operators: Sequence[str] = ("",) * 9) -> pd.DataFrame:
    rows = [
        {"id": name, "nom": f"Lieu {name}", "commune": f"Ville {name}", "code_commune": HOMES[home][0]}
        | {"epci": HOMES[home][1], "departement": HOMES[home][2], "operateur": operator}
        for (name, home), operator in zip(where.items(), operators, strict=False)
    ]
    columns = ["id", "nom", "commune", "code_commune", "epci", "departement", "operateur"]
    return pd.DataFrame(rows, columns=columns).astype("str")


def pairs(times: dict[tuple[int, str], float]) -> pd.DataFrame:
    rows = [(HOMES[home][0], place, float(time)) for (home, place), time in times.items()]
    table = pd.DataFrame(rows, columns=["code", "place", "time_min"]).astype({"code": "str", "place": "str"})
    return table.assign(low_min=table["time_min"] * 0.9, high_min=table["time_min"] * 1.1)


def access(times: dict[tuple[int, str], float], where: dict[str, int]) -> pd.DataFrame:
    return border_access(origins(), places(where), pairs(times), service="caf").set_index("code")


def members(*, level: str = "epci", departement: str = "65") -> pd.DataFrame:
    table = origins(departement=departement)
    territory = {"epci": table["epci"].fillna(table["code"]), "commune": table["code"]}
    return table.assign(territory=territory.get(level, table["departement"]))


WHERE = {"a": 0, "b": 2, "c": 5, "d": 3, "e": 4}
TIMES = {(0, "a"): 20, (0, "b"): 12, (0, "c"): 5, (1, "e"): 3, (1, "a"): 9, (2, "a"): 7, (3, "d"): 0, (5, "a"): 30}


def test_where_the_nearest_is_and_what_it_saves() -> None:
    table = access(TIMES, WHERE)
    assert table["side"].to_dict() == {
        "65001": OTHER_DEPARTEMENT,
        "65002": OWN_EPCI,
        "65003": OTHER_EPCI,
        "65004": OWN_EPCI,
        "64001": NOT_REACHED,
        "64002": OTHER_DEPARTEMENT,
    }
    first = table.loc["65001"]
    assert first[["place", "own_epci_place", "own_departement_place"]].tolist() == ["c", "a", "b"]
    assert first[["time_min", "saved_epci_min", "saved_departement_min"]].tolist() == [5.0, 15.0, 7.0]
    assert first[["place_name", "place_commune", "place_commune_code"]].tolist() == ["Lieu c", "Ville c", "64002"]
    assert first[["place_epci", "place_departement"]].tolist() == [C, "64"]
    assert first[["low_min", "high_min"]].tolist() == pytest.approx([4.5, 5.5])


def test_the_own_epci_may_be_across_the_departement() -> None:
    second = access(TIMES, WHERE).loc["65002"]
    assert second[["place", "side", "own_departement_place"]].tolist() == ["e", OWN_EPCI, "a"]
    assert second["other_departement"]
    assert second[["saved_epci_min", "saved_departement_min"]].tolist() == [0.0, 6.0]


def test_why_there_is_no_nearest_inside() -> None:
    table = access(TIMES, {name: home for name, home in WHERE.items() if name != "e"})
    assert table["own_epci_reason"].to_dict() == {
        "65001": "atteint",
        "65002": "atteint",
        "65003": EPCI_OUT_OF_REACH,
        "65004": "atteint",
        "64001": EPCI_OUT_OF_REACH,
        "64002": EPCI_OUT_OF_REACH,
    }
    assert table["own_departement_reason"].tolist()[2:] == ["atteint", "atteint", *[DEPARTEMENT_OUT_OF_REACH] * 2]
    assert table.loc["64001", "reason"] == OUT_OF_REACH
    alone = access({(3, "a"): 3, (5, "a"): 9}, {"a": 0})
    assert alone.loc["65004", ["side", "own_epci_reason"]].tolist() == [OTHER_EPCI, NO_EPCI]
    assert alone.loc["64002", "own_epci_reason"] == NO_PLACE_IN_EPCI
    assert alone.loc["64002", "own_departement_reason"] == NO_PLACE_IN_DEPARTEMENT
    assert math.isnan(alone.loc["64002", "saved_departement_min"])


def test_a_service_without_place_is_said_for_every_commune() -> None:
    table = access({}, {})
    assert set(table["reason"]) == {NO_PLACE}
    assert set(table["side"]) == {NOT_REACHED}
    assert table[["time_min", "saved_epci_min", "own_departement_time_min"]].isna().all(axis=None)
    balance = border_balance(table.reset_index(), members(), level="epci")
    assert balance["population_not_reached"].equals(balance["population"])


def test_ties_go_to_the_lowest_identifier() -> None:
    assert access({(0, "b"): 5, (0, "a"): 5, (0, "c"): 5}, {"c": 0, "b": 2, "a": 5}).loc["65001", "place"] == "a"


def test_one_operator_is_the_same_as_its_places_alone() -> None:
    table = places(WHERE, ["CAF", "MSA", "MSA", "CAF", "CAF"])
    one = border_access(origins(), table, pairs(TIMES), service="caf", operator="MSA")
    alone = border_access(origins(), table[table["operateur"] == "MSA"], pairs(TIMES), service="caf")
    assert set(one["operator"]) == {"MSA"}
    assert one.loc[0, ["place", "place_operator"]].tolist() == ["c", "MSA"]
    pd.testing.assert_frame_equal(one.drop(columns="operator"), alone.drop(columns="operator"))


@pytest.mark.parametrize("table", ["origins", "places"])
def test_repeated_identifiers_are_refused(table: str) -> None:
    homes, sites = origins(), places(WHERE)
    if table == "origins":
        homes = pd.concat([homes, homes.head(1)])
    else:
        sites = pd.concat([sites, sites.head(1)])
    with pytest.raises(ValueError, match="repeated identifiers"):
        border_access(homes, sites, pairs(TIMES), service="caf")


def test_the_balance_of_an_example() -> None:
    table = border_access(origins(), places(WHERE), pairs(TIMES), service="caf")
    rows = border_balance(table, members(), level="epci").set_index(["territory", "part"])
    whole = rows.loc[(A, PARTS[0])]
    assert whole[["communes", "population", *SIDES]].tolist() == [3, 19, 2, 0, 1, 16]
    assert whole["population_own_epci_other_departement"] == 2
    assert whole[["population_saved_epci", "saved_epci_min"]].tolist() == [1, 15.0]
    assert whole[["population_saved_departement", "saved_departement_min"]].tolist() == [3, (7 + 2 * 6) / 3]
    assert whole["population_served_from_outside"] == 4 + 32
    assert rows.loc[(A, PARTS[1]), ["population", "population_served_from_outside"]].tolist() == [3, 36]
    assert rows.loc[(A, PARTS[2]), ["population", "population_served_from_outside"]].tolist() == [16, 0]
    assert rows.loc[(B, PARTS[0]), ["population_other_epci", "population_only_outside_epci"]].tolist() == [4, 4]
    assert math.isnan(rows.loc[(B, PARTS[0]), "saved_epci_min"])
    assert rows.loc[(C, PARTS[0]), "population_served_from_outside"] == 1


def test_a_member_without_access_is_counted_as_not_reached() -> None:
    table = border_access(origins().head(3), places(WHERE), pairs(TIMES), service="caf")
    rows = border_balance(table, members(), level="epci").set_index(["territory", "part"])
    assert rows.loc[(C, PARTS[0]), ["population", "population_not_reached"]].tolist() == [32, 32]


def test_two_services_are_not_added_together() -> None:
    table = border_access(origins(), places(WHERE), pairs(TIMES), service="caf")
    with pytest.raises(ValueError, match="one service"):
        border_balance(pd.concat([table, table.assign(service="msa")]), members(), level="epci")


def test_the_pairs_of_an_example() -> None:
    table = border_access(origins(), places(WHERE), pairs(TIMES), service="caf")
    rows = border_pairs(table, level="epci").set_index(["home", "host"])
    assert rows["population"].to_dict() == {(A, C): 1, (B, A): 4, (C, A): 32}
    assert rows.loc[(A, C), ["population_inside", "population_outside", "saved_min"]].tolist() == [1, 0, 15.0]
    assert rows.loc[(C, A), ["communes_inside", "communes_outside"]].tolist() == [0, 1]
    assert math.isnan(rows.loc[(B, A), "saved_min"])
    by_departement = border_pairs(table, level="departement").set_index(["home", "host"])
    assert by_departement["population"].to_dict() == {("64", "65"): 32, ("65", "64"): 3}
    assert by_departement.loc[("65", "64"), "saved_min"] == (7 + 2 * 6) / 3


def test_one_side_of_the_exchange() -> None:
    table = border_access(origins(), places(WHERE), pairs(TIMES), service="caf")
    rows = border_exchanges(border_pairs(table, level="epci"), territory=A).set_index("neighbour")
    assert rows.index.tolist() == [B, C]
    assert rows[["population_out", "population_in", "population_net"]].to_numpy().tolist() == [[0, 4, 4], [1, 32, 31]]
    assert rows.loc[C, ["communes_out", "communes_in", "saved_out_min"]].tolist() == [1, 1, 15.0]


POPULATIONS = st.lists(st.integers(0, 99), min_size=6, max_size=6)
LAYOUT = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 5), max_size=6)
DRAWN = st.dictionaries(st.tuples(st.integers(0, 5), st.sampled_from("abcdefgh")), st.integers(0, 12), max_size=30)


def nearest_by_hand(home: int, times: dict[tuple[int, str], int], where: dict[str, int], column: int) -> str | None:
    """The lowest (time, identifier) among the places that share a column (-1: any) with the origin."""
    own = HOMES[home]

    def shares(place: str) -> bool:
        host = HOMES[where[place]]
        return column < 0 or (own[column] or own[0]) == (host[column] or host[0])

    found = [(time, place) for (start, place), time in times.items() if start == home and place in where]
    return min([pair for pair in found if shares(pair[1])], default=(0, None))[1]


@given(DRAWN, LAYOUT)
def test_nearest_places_are_those_found_by_hand(times: dict[tuple[int, str], int], where: dict[str, int]) -> None:
    table = border_access(origins(), places(where), pairs(times), service="caf")
    for prefix, column in (("", -1), ("own_epci_", 1), ("own_departement_", 2)):
        expected = [nearest_by_hand(home, times, where, column) for home in range(6)]
        assert [None if pd.isna(place) else place for place in table[f"{prefix}place"]] == expected
        minutes = [times[home, place] if place else -1 for home, place in zip(range(6), expected, strict=True)]
        assert table[f"{prefix}time_min"].fillna(-1).tolist() == minutes
    assert (table[["saved_epci_min", "saved_departement_min"]].fillna(0) >= 0).all(axis=None)


@settings(max_examples=15)
@given(DRAWN, LAYOUT, POPULATIONS)
def test_inhabitants_are_conserved(
    times: dict[tuple[int, str], int], where: dict[str, int], populations: list[int]
) -> None:
    homes = origins(populations)
    table = border_access(homes, places(where), pairs(times), service="caf")
    leaving = {"epci": table["side"].isin([OTHER_EPCI, OTHER_DEPARTEMENT]), "departement": table["other_departement"]}
    for level in ("epci", "departement"):
        own = members(level=level).assign(population=populations)
        balance = border_balance(table, own, level=level)
        assert balance[SIDES].sum(axis=1).equals(balance["population"])
        whole = balance[balance["part"] == PARTS[0]]
        parts = balance[balance["part"] != PARTS[0]]
        counts = [column for column in balance if column.startswith(("communes", "population"))]
        assert whole[counts].sum().equals(parts[counts].sum())
        assert whole["population"].sum() == sum(populations)
        left = homes["population"].where(leaving[level], 0).sum()
        assert whole["population_served_from_outside"].sum() == left
        flows = border_pairs(table, level=level)
        assert flows["population"].sum() == left
        assert (flows["population"] == flows["population_inside"] + flows["population_outside"]).all()
        assert (flows["communes"] == flows["communes_inside"] + flows["communes_outside"]).all()
    reconcile_balance(
        border_balance(table, members(level="commune").assign(population=populations), level="commune"),
        border_balance(table, own[own["inside"]], level="departement"),
    )


@settings(max_examples=15)
@given(DRAWN, LAYOUT, st.permutations(range(6)))
def test_seen_from_the_neighbour_the_figures_are_mirrored(
    times: dict[tuple[int, str], int], where: dict[str, int], order: list[int]
) -> None:
    ours = border_access(origins(departement="65"), places(where), pairs(times), service="caf")
    theirs = origins(departement="64").iloc[order].reset_index(drop=True)
    theirs = border_access(theirs, places(where).iloc[::-1], pairs(times).iloc[::-1], service="caf")
    for level, here, there in (("epci", A, C), ("epci", B, A), ("departement", "65", "64")):
        mine = border_exchanges(border_pairs(ours, level=level), territory=here)
        yours = border_exchanges(border_pairs(theirs, level=level), territory=there)
        swap = {"territory": "neighbour", "neighbour": "territory"}
        for name in ("communes", "population", "population_saved", "saved"):
            tail = "_min" if name == "saved" else ""
            swap |= {f"{name}_out{tail}": f"{name}_in{tail}", f"{name}_in{tail}": f"{name}_out{tail}"}
        turned = yours.rename(columns=swap).assign(population_net=-yours["population_net"])[mine.columns]
        pd.testing.assert_frame_equal(
            mine[mine["neighbour"] == there].reset_index(drop=True),
            turned[turned["territory"] == here].reset_index(drop=True),
        )


@given(DRAWN, LAYOUT, st.integers(0, 5), st.lists(st.integers(0, 12), min_size=6, max_size=6))
def test_adding_a_place_never_lengthens_a_time(
    times: dict[tuple[int, str], int], where: dict[str, int], home: int, more: list[int]
) -> None:
    before = border_access(origins(), places(where), pairs(times), service="caf")
    added = times | {(start, "z"): time for start, time in enumerate(more)}
    after = border_access(origins(), places(where | {"z": home}), pairs(added), service="caf")
    for column in ("time_min", "own_epci_time_min", "own_departement_time_min"):
        assert (after[column] <= before[column].fillna(math.inf)).where(before[column].notna(), other=True).all()
    assert (after["side"] != NOT_REACHED).all()


@settings(max_examples=15)
@given(DRAWN, LAYOUT, st.permutations(range(6)))
def test_the_order_of_rows_never_matters(
    times: dict[tuple[int, str], int], where: dict[str, int], order: list[int]
) -> None:
    tables = origins(), places(where), pairs(times)
    copies = [table.copy(deep=True) for table in tables]
    table = border_access(*tables, service="caf")
    turned = border_access(
        tables[0].iloc[order].reset_index(drop=True), tables[1].iloc[::-1], tables[2].iloc[::-1], service="caf"
    )
    pd.testing.assert_frame_equal(table, turned.set_index("code").loc[table["code"]].reset_index()[table.columns])
    own = members()
    pd.testing.assert_frame_equal(
        border_balance(table, own, level="epci"), border_balance(turned, own.iloc[order[::-1]], level="epci")
    )
    for level in ("epci", "departement"):
        pd.testing.assert_frame_equal(border_pairs(table, level=level), border_pairs(turned, level=level))
    for before, after in zip(copies, tables, strict=True):
        pd.testing.assert_frame_equal(before, after)


def test_totals_that_do_not_add_up_are_refused() -> None:
    table = border_access(origins(), places(WHERE), pairs(TIMES), service="caf")
    own = members(level="departement")
    fine = border_balance(table, members(level="commune"), level="commune")
    coarse = border_balance(table, own[own["inside"]], level="departement")
    reconcile_balance(fine, coarse)
    for column in ("population_own_epci", "population_not_reached", "communes"):
        with pytest.raises(ReconciliationError, match="commune"):
            reconcile_balance(fine, coarse.assign(**{column: coarse[column] + 1}))
    with pytest.raises(ReconciliationError):
        reconcile_balance(fine[fine["territory"] != "65003"], coarse)


# The Hautes-Pyrénées and the Pyrénées-Atlantiques, minutes by the calibrated straight line.

ENGINE_FILE = "travel/straight_line.toml"
NAY, ADOUR_MADIRAN, TARBES, NORD_EST_BEARN = "246401756", "200072106", "200069300", "200067296"


def real_places(study: Study) -> pd.DataFrame:
    points = study.points
    points = points[(points["service"] == "france-services") & points["permanent"] & points.geometry.notna()]
    known = study.communes.set_index("code")
    return pd.DataFrame(points.drop(columns="geometry")).assign(
        x=points.geometry.x,
        y=points.geometry.y,
        commune_population=points["code_commune"].map(known["population"]),
        commune_area_km2=points["code_commune"].map(known["area_km2"]),
    )


def real_access(study: Study, homes: pd.DataFrame, *, limit_min: float = 300.0) -> pd.DataFrame:
    engine = straight_line_engine(embedded_path(ENGINE_FILE).read_text(encoding="utf-8"), coverage=0.9)
    sites = real_places(study)
    found = pairs_within(engine, homes.reset_index(drop=True), sites.reset_index(drop=True), limit_min=limit_min)
    return border_access(homes, sites, found, service="france-services")


def real_origins(study: Study) -> pd.DataFrame:
    return pd.DataFrame(study.communes.drop(columns="geometry"))


def test_65_agrees_with_the_access_of_the_study(study_65: Study) -> None:
    studied = study_65.communes[study_65.communes["studied"]].reset_index(drop=True)
    table = real_access(study_65, real_origins(study_65).query("studied").reset_index(drop=True))
    surroundings = pd.DataFrame(study_65.communes[["code", "population", "area_km2"]])
    engine = straight_line_engine(embedded_path(ENGINE_FILE).read_text(encoding="utf-8"), coverage=0.9)
    expected, _ = measure_access(
        studied, study_65.points, service="france-services", engine=engine, surroundings=surroundings
    )
    assert table["place"].tolist() == expected["place"].tolist()
    assert table["time_min"].tolist() == expected["time_min"].tolist()
    own = (table["departement"] == "65").to_numpy()
    assert table.loc[own, "own_departement_place"].tolist() == expected.loc[own, "inside_place"].tolist()
    assert table.loc[own, "saved_departement_min"].tolist() == pytest.approx(expected.loc[own, "saved_min"].tolist())


def test_every_level_of_65_adds_up(study_65: Study) -> None:
    homes = real_origins(study_65)
    table = real_access(study_65, homes, limit_min=90.0)
    own = territory_members(
        homes[homes["studied"]], study_65.petr_members, epci=set(study_65.epci["siren"]), departement="65"
    )
    balances = {level: border_balance(table, own[level], level=level) for level in LEVELS}
    for level in LEVELS[:-1]:
        if not own[level]["code"].duplicated().any():
            reconcile_balance(balances[level], balances["departement"])
    whole = balances["departement"].iloc[0]
    assert whole[["communes", "population", "population_not_reached"]].tolist() == [469, 230_956, 0]
    straddling = balances["epci"].set_index(["territory", "part"]).loc[ADOUR_MADIRAN]
    assert straddling["communes"].tolist() == [72, 61, 11]
    assert straddling.loc[PARTS[0], "population"] == straddling.loc[list(PARTS[1:]), "population"].sum()
    come = straddling["population_served_from_outside"]
    assert come.iloc[0] == come.iloc[1:].sum() > 0


def test_tarbes_and_the_nord_est_bearn_are_mirrored(study_65: Study) -> None:
    homes = real_origins(study_65).query("departement in ['64', '65']").reset_index(drop=True)
    sides = {code: homes[homes["departement"] == code].reset_index(drop=True) for code in ("65", "64")}
    apart = pd.concat([real_access(study_65, own, limit_min=90.0) for own in sides.values()])
    whole = homes.assign(inside=homes["departement"] == "64").iloc[::-1].reset_index(drop=True)
    seen_from_64 = real_access(study_65, whole, limit_min=90.0)
    for level, here, there in (("departement", "65", "64"), ("epci", TARBES, NORD_EST_BEARN)):
        mine = border_exchanges(border_pairs(apart, level=level), territory=here).set_index("neighbour").loc[there]
        yours = border_exchanges(border_pairs(seen_from_64, level=level), territory=there)
        yours = yours.set_index("neighbour").loc[here]
        assert min(mine["population_out"], mine["population_in"]) > 0
        for way, other in (("out", "in"), ("in", "out")):
            for name in ("communes", "population", "population_saved"):
                assert mine[f"{name}_{way}"] == yours[f"{name}_{other}"]
            assert mine[f"saved_{way}_min"] == pytest.approx(yours[f"saved_{other}_min"])


def test_the_two_communes_of_65_in_the_pays_de_nay(study_65: Study) -> None:
    table = real_access(study_65, real_origins(study_65).query("studied").reset_index(drop=True)).set_index("name")
    both = table.loc[["Arbéost", "Ferrières"]]
    assert both["epci"].tolist() == [NAY, NAY]
    assert both["own_epci_place_commune"].tolist() == ["Nay", "Nay"]
    assert (both["saved_departement_min"] == 0).all()
    assert (both["side"] == OTHER_EPCI).all()


def test_a_pair_that_was_not_measured_is_not_out_of_reach() -> None:
    """Seen from the second commune: nothing measured; from the third: only the place of its own EPCI is not."""
    where, times = {"p": 0, "q": 2}, {(0, "p"): 1.0, (2, "p"): 9.0}
    gaps = pd.DataFrame(
        [
            (HOMES[1][0], "p", "hors réseau"),
            (HOMES[1][0], "q", "non mesuré"),
            (HOMES[2][0], "q", "non mesuré"),
            (HOMES[0][0], "q", "hors réseau"),
        ],
        columns=["code", "place", "reason"],
    ).astype("category")
    table = border_access(origins(), places(where), pairs(times), service="caf", gaps=gaps).set_index("code")
    silent = access(times, where)
    own = [name for name in table.columns if not name.endswith("reason")]
    pd.testing.assert_frame_equal(table[own], silent[own])
    assert table["reason"].tolist()[:3] == ["atteint", "non mesuré", "atteint"]
    assert silent["reason"].tolist()[1] == OUT_OF_REACH
    third = HOMES[2][0]
    assert table.loc[third, "own_epci_reason"] == "non mesuré"
    assert table["reason"].tolist()[3:] == silent["reason"].tolist()[3:]
