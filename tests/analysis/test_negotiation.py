"""What to negotiate with each neighbour: both directions, the mirror, equality with the least gain, French."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdaasp_geo.analysis.competence import COUNTERS_NOT_REACHED, FROM_RULE, NO_COUNTER, competent_access
from sdaasp_geo.analysis.negotiation import (
    ELSEWHERE,
    FROM_NEIGHBOUR,
    TO_NEIGHBOUR,
    negotiation_rows,
    negotiation_sentences,
    negotiation_totals,
)
from sdaasp_geo.embedded import embedded_path
from sdaasp_geo.french import NARROW_NBSP, NBSP
from sdaasp_geo.study import Study
from sdaasp_geo.travel.engine import NOT_MEASURED
from sdaasp_geo.travel.pairs import pairs_within
from sdaasp_geo.travel.straight_line import straight_line_engine

A, B, C, D = "200000001", "200000002", "200000003", "200000004"
# A and B in the 65, C and D in the 64; A also has a commune in the 64.
HOMES = [("65001", A, "65"), ("65002", A, "65"), ("65003", B, "65"), ("64001", A, "64"), ("64002", C, "64")]
HOMES += [("64003", D, "64")]
TOUCHING = {(0, 3): 2.0, (0, 4): 3.0, (1, 2): 9.0, (2, 4): 4.0, (4, 5): 8.0, (1, 4): 0.5}
IN_65 = {code for code, _, departement in HOMES if departement == "65"}
NO_AREA = pd.DataFrame(columns=["operateur", "code_commune", "guichet", "area_reason"], dtype="str")


def communes(populations: Sequence[int] = (1, 2, 4, 8, 16, 32)) -> pd.DataFrame:
    codes, epci, departements = zip(*HOMES, strict=True)
    table = pd.DataFrame({"code": codes, "name": codes, "epci": epci, "departement": departements})
    return table.assign(inside=table["departement"] == "65", population=list(populations))


def borders() -> pd.DataFrame:
    rows = [(*sorted((HOMES[one][0], HOMES[two][0])), length) for (one, two), length in TOUCHING.items()]
    return pd.DataFrame(rows, columns=["left", "right", "border_km"]).sort_values(["left", "right"], ignore_index=True)


def competence(
    times: dict[tuple[int, str], float], where: dict[str, int], *, populations: Sequence[int] = (1, 2, 4, 8, 16, 32)
) -> pd.DataFrame:
    columns = ["id", "nom", "commune", "code_commune", "epci", "departement", "operateur"]
    sites = [(name, f"Guichet {name}", f"Ville {name}", *HOMES[home], "CAF") for name, home in where.items()]
    rows = [(HOMES[home][0], place, float(time)) for (home, place), time in times.items()]
    pairs = pd.DataFrame(rows, columns=["code", "place", "time_min"]).astype({"code": "str", "place": "str"})
    pairs = pairs.assign(low_min=pairs["time_min"], high_min=pairs["time_min"])
    places = pd.DataFrame(sites, columns=columns).astype("str")
    return competent_access(communes(populations), places, pairs, NO_AREA, service="caf", operators=["CAF"])


WHERE = {"a": 1, "c": 4}
TIMES = {(0, "a"): 20, (0, "c"): 8, (1, "a"): 1, (1, "c"): 30, (2, "c"): 6, (3, "a"): 5, (3, "c"): 10, (4, "c"): 0}
TIMES |= {(5, "a"): 12, (5, "c"): 17}


def rows_of(table: pd.DataFrame, *, ours: set[str] | None = None, least_gain_min: float = 5.0) -> pd.DataFrame:
    home = IN_65 if ours is None else ours
    return negotiation_rows(table, communes(), borders(), ours=home, least_gain_min=least_gain_min)


def test_both_directions_of_an_example() -> None:
    rows = rows_of(competence(TIMES, WHERE)).set_index(["neighbour", "code"])
    found = rows[["direction", "border_km", "nearest_there", "listed"]].to_dict("index")
    expected = {
        (A, "65001"): (TO_NEIGHBOUR, 2.0, False, False),
        (A, "64001"): (FROM_NEIGHBOUR, 2.0, True, True),
        (C, "65001"): (TO_NEIGHBOUR, 3.0, True, True),
        (C, "65002"): (TO_NEIGHBOUR, 0.5, False, False),
        (C, "65003"): (TO_NEIGHBOUR, 4.0, True, True),
        (C, "64002"): (FROM_NEIGHBOUR, 7.5, False, False),
        (D, "64003"): (FROM_NEIGHBOUR, 0.0, True, True),
    }
    assert {key: tuple(row.values()) for key, row in found.items()} == expected
    won = rows.loc[(C, "65001")]
    assert won[["gain_min", "gain_reason", "assignment"]].tolist() == [12.0, "", FROM_RULE]
    assert won[["competent_place", "competent_time_min", "nearest_place", "nearest_time_min"]].tolist() == [
        *("a", 20.0),
        *("c", 8.0),
    ]
    assert rows.loc[(A, "64001"), "gain_min"] == 5.0
    assert rows.loc[(A, "65001"), "gain_reason"] == ELSEWHERE


def test_a_competent_counter_out_of_reach_is_listed_and_said() -> None:
    row = rows_of(competence(TIMES, WHERE)).set_index(["neighbour", "code"]).loc[(C, "65003")]
    assert row["listed"]
    assert math.isnan(row["gain_min"])
    assert row["gain_reason"] == COUNTERS_NOT_REACHED
    alone = rows_of(competence({(2, "c"): 6}, {"c": 4})).set_index(["neighbour", "code"])
    assert alone.loc[(C, "65003"), "gain_reason"] == NO_COUNTER
    assert alone.loc[(C, "65001"), "gain_reason"] == "aucun lieu à portée"


@pytest.mark.parametrize(("least", "listed"), [(4.9, True), (5.0, True), (math.nextafter(5.0, 6.0), False)])
def test_a_gain_equal_to_the_least_one_is_listed(least: float, listed: bool) -> None:  # noqa: FBT001 - a fact
    rows = rows_of(competence(TIMES, WHERE), least_gain_min=least).set_index(["neighbour", "code"])
    assert rows.loc[(D, "64003"), "listed"] == listed
    assert rows.loc[(D, "64003"), "nearest_there"]


def test_a_border_commune_that_was_not_measured_is_kept() -> None:
    table = competence(TIMES, WHERE)
    rows = rows_of(table[table["code"] != "64002"]).set_index(["neighbour", "code"])
    assert rows.loc[(C, "64002"), ["gain_reason", "population", "listed"]].tolist() == [NOT_MEASURED, 16, False]


def test_the_totals_of_an_example() -> None:
    totals = negotiation_totals(rows_of(competence(TIMES, WHERE))).set_index(["neighbour", "direction"])
    out = totals.loc[(C, TO_NEIGHBOUR)]
    assert out[["communes_border", "population_border", "communes_there", "population_there"]].tolist() == [3, 7, 2, 5]
    assert out[["communes_listed", "population_listed", "communes_not_measured"]].tolist() == [2, 5, 1]
    assert out[["gain_person_min", "gain_mean_min", "gain_max_min"]].tolist() == [12.0, 12.0, 12.0]
    back = totals.loc[(C, FROM_NEIGHBOUR)]
    assert back[["communes_border", "communes_listed"]].tolist() == [1, 0]
    assert math.isnan(back["gain_mean_min"])
    assert totals.loc[(D, FROM_NEIGHBOUR), ["communes_border", "gain_person_min"]].tolist() == [0, 5 * 32]


def sentences(table: pd.DataFrame, *, label: str = "Allocations familiales", operator: str = "CAF") -> dict[str, str]:
    totals = negotiation_totals(rows_of(table)).assign(operator=operator)
    names = {A: "CC Alpha", C: "CC Gamma"}
    written = negotiation_sentences(totals, names=names, labels={"caf": label}, least_gain_min=5.0)
    spaced = written["sentence"].str.replace(NBSP, "_").str.replace(NARROW_NBSP, "_")
    return dict(zip(written["neighbour"], spaced, strict=True))


def test_one_sentence_says_both_directions() -> None:
    assert sentences(competence(TIMES, WHERE)) == {
        A: "CC Alpha, Allocations familiales (CAF)_: aucune commune d'ici ne gagnerait au moins 5_min avec un guichet "
        "du voisin_; 1_commune du voisin (8_habitants) gagnerait 5_min en moyenne à relever d'un guichet d'ici.",
        C: "CC Gamma, Allocations familiales (CAF)_: 2_communes d'ici (5_habitants) gagneraient 12_min en moyenne à "
        "relever d'un guichet du voisin, dont 1 sans temps connu vers le guichet compétent_; aucune commune du voisin "
        "ne gagnerait au moins 5_min avec un guichet d'ici.",
        D: "200000004, Allocations familiales (CAF)_: aucune commune d'ici ne gagnerait au moins 5_min avec un guichet "
        "du voisin_; 1_commune du voisin (32_habitants) gagnerait 5_min en moyenne à relever d'un guichet d'ici.",
    }


def test_a_sentence_where_no_gain_is_known() -> None:
    text = sentences(competence({(2, "c"): 6}, {"c": 4}), label="Caf")[C]
    assert text.startswith(
        "CC Gamma, Caf_: 1_commune d'ici (4_habitants) a pour guichet le plus proche un guichet du voisin, sans temps "
        "connu vers le guichet compétent_;"
    )


def test_a_sentence_where_there_is_nothing_to_negotiate() -> None:
    assert sentences(competence({}, WHERE))[C] == (
        "CC Gamma, Allocations familiales (CAF)_: aucune commune, d'ici ou du voisin, ne gagnerait au moins 5_min avec "
        "un guichet de l'autre côté."
    )


def test_a_sentence_where_nobody_lives() -> None:
    table = competence(TIMES, WHERE)
    rows = rows_of(table).assign(population=0)
    written = negotiation_sentences(negotiation_totals(rows), names={}, labels={}, least_gain_min=5.0)
    text = written.set_index("neighbour")["sentence"][D]
    assert f"(0{NBSP}habitant) gagnerait jusqu'à 5{NBSP}min à relever" in text


WHERES = st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 5), max_size=5)
DRAWN = st.dictionaries(st.tuples(st.integers(0, 5), st.sampled_from("abcdef")), st.integers(0, 30), max_size=30)
LEAST = st.sampled_from([0.0, 5.0, 10.0])


@settings(max_examples=15)
@given(DRAWN, WHERES, LEAST)
def test_the_neighbour_sees_the_mirror(times: dict[tuple[int, str], int], where: dict[str, int], least: float) -> None:
    table = competence(times, where)
    members = {epci: {code for code, own, _ in HOMES if own == epci} for epci in (A, B, C, D)}
    swap = {TO_NEIGHBOUR: FROM_NEIGHBOUR, FROM_NEIGHBOUR: TO_NEIGHBOUR}
    for one, two in ((A, C), (B, C), (C, D)):
        mine = rows_of(table, ours=members[one], least_gain_min=least).query("neighbour == @two")
        yours = rows_of(table, ours=members[two], least_gain_min=least).query("neighbour == @one")
        turned = yours.assign(direction=yours["direction"].map(swap), neighbour=two)
        keys = ["direction", "code"]
        pd.testing.assert_frame_equal(
            mine.sort_values(keys, ignore_index=True), turned.sort_values(keys, ignore_index=True), check_dtype=False
        )


@settings(max_examples=15)
@given(DRAWN, WHERES, st.permutations(range(6)))
def test_gains_add_up_once_and_order_never_matters(
    times: dict[tuple[int, str], int], where: dict[str, int], order: list[int]
) -> None:
    table = competence(times, where)
    rows = rows_of(table, least_gain_min=0.0)
    assert not rows.loc[rows["nearest_there"], ["code", "operator"]].duplicated().any()
    own, host = table["code"].isin(IN_65), table["nearest_place_commune_code"].isin(IN_65)
    crossing = table[(table["nearest_reason"] == "atteint") & (own != host)]
    assert sorted(rows.loc[rows["nearest_there"], "code"]) == sorted(crossing["code"])
    totals = negotiation_totals(rows)
    won = (crossing["penalty_min"].fillna(0) * crossing["population"]).sum()
    assert totals["gain_person_min"].sum() == pytest.approx(won)
    assert totals["population_there"].sum() == crossing["population"].sum()
    tables = table.iloc[order], communes().iloc[order[::-1]], borders().iloc[order]
    copies = [given_table.copy(deep=True) for given_table in tables]
    turned = negotiation_rows(*tables, ours=sorted(IN_65), least_gain_min=0.0)
    pd.testing.assert_frame_equal(rows, turned)
    pd.testing.assert_frame_equal(totals, negotiation_totals(turned.iloc[::-1]))
    for before, after in zip(copies, tables, strict=True):
        pd.testing.assert_frame_equal(before, after)


def test_the_caf_of_65_and_its_neighbours(study_65: Study, shared: Callable[[str], Path]) -> None:
    path = shared("annuaire_dila_2016/annuaire_services_locaux_2016_65_04_voisins.gpkg")
    counters = gpd.read_file(path, where="type = 'caf' AND dep IN ('31', '32', '64', '65')")
    layer = study_65.communes
    known = layer.set_index("code")
    counters = counters[counters["codeinsee"].isin(known.index)].to_crs(layer.crs).reset_index(drop=True)
    code = counters["codeinsee"]
    sites = pd.DataFrame({"id": counters["id"], "nom": counters["nom"], "code_commune": code, "operateur": "CAF"})
    sites = sites.assign(
        commune=code.map(known["name"]),
        epci=code.map(known["epci"]),
        departement=code.map(known["departement"]),
        x=counters.geometry.x,
        y=counters.geometry.y,
        commune_population=code.map(known["population"]),
        commune_area_km2=code.map(known["area_km2"]),
    )
    homes = pd.DataFrame(layer[layer["departement"].isin(["31", "32", "64", "65"])].drop(columns="geometry"))
    homes = homes.reset_index(drop=True)
    model = embedded_path("travel/straight_line.toml").read_text(encoding="utf-8")
    pairs = pairs_within(straight_line_engine(model, coverage=0.9), homes, sites, limit_min=120.0)
    table = competent_access(homes, sites, pairs, NO_AREA, service="caf")
    ours = set(homes.loc[homes["inside"], "code"])
    rows = negotiation_rows(table, homes, study_65.borders, ours=ours, least_gain_min=5.0)
    edge = study_65.borders
    across = edge[edge["left"].isin(ours) != edge["right"].isin(ours)]
    per_commune = rows.drop_duplicates(["neighbour", "code"])
    ours_on_edge = per_commune[per_commune["direction"] == TO_NEIGHBOUR]
    inner = across["left"].where(across["left"].isin(ours), across["right"])
    assert set(ours_on_edge.loc[ours_on_edge["border_km"] > 0, "code"]) == set(inner)
    assert ours_on_edge["border_km"].sum() == pytest.approx(across["border_km"].sum())
    assert set(study_65.neighbours["siren"]) <= set(rows["neighbour"])
    nay = rows[(rows["neighbour"] == "246401756") & rows["nearest_there"]].set_index("name")
    assert {"Arbéost", "Ferrières"} <= set(nay.index)
    assert set(nay.loc[["Arbéost", "Ferrières"], "direction"]) == {TO_NEIGHBOUR}
    assert (rows.loc[rows["nearest_there"], "gain_min"] > 0).all()
