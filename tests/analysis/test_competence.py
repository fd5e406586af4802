"""Competent counters: areas first, then the assumption by département; the penalty and who bears it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdaasp_geo.analysis.competence import (
    COUNTER_NOT_REACHED,
    COUNTER_UNKNOWN,
    COUNTERS_NOT_REACHED,
    FROM_AREA,
    FROM_RULE,
    NO_COUNTER,
    NOT_MEASURED_LABEL,
    competent_access,
    penalty_distribution,
    penalty_summary,
)
from sdaasp_geo.analysis.coverage import PARTS
from sdaasp_geo.embedded import embedded_path
from sdaasp_geo.french import NBSP
from sdaasp_geo.layers.areas import NO_PERMANENT_COUNTER
from sdaasp_geo.study import Study
from sdaasp_geo.travel.nearest import NO_PLACE
from sdaasp_geo.travel.pairs import pairs_within
from sdaasp_geo.travel.straight_line import straight_line_engine

HOMES = [("65001", "65"), ("65002", "65"), ("64001", "64"), ("64002", "64")]


def origins(populations: Sequence[int] = (1, 2, 4, 8)) -> pd.DataFrame:
    codes, departements = zip(*HOMES, strict=True)
    table = pd.DataFrame({"code": codes, "name": codes, "epci": "200000001", "departement": departements})
    return table.assign(inside=table["departement"] == "65", population=list(populations))


def places(where: dict[str, tuple[int, str]]) -> pd.DataFrame:
    """Counters: name → (commune, operator)."""
    columns = ["id", "nom", "commune", "code_commune", "epci", "departement", "operateur"]
    rows = [
        (name, f"Guichet {name}", f"Ville {name}", HOMES[home][0], "200000001", HOMES[home][1], operator)
        for name, (home, operator) in where.items()
    ]
    return pd.DataFrame(rows, columns=columns).astype("str")


def pairs(times: dict[tuple[int, str], float]) -> pd.DataFrame:
    rows = [(HOMES[home][0], place, float(time)) for (home, place), time in times.items()]
    table = pd.DataFrame(rows, columns=["code", "place", "time_min"]).astype({"code": "str", "place": "str"})
    return table.assign(low_min=table["time_min"], high_min=table["time_min"])


def areas(*rows: tuple[str, str, str] | tuple[str, str, str, str]) -> pd.DataFrame:
    complete = [(*row, "")[:4] for row in rows]
    return pd.DataFrame(complete, columns=["operateur", "code_commune", "guichet", "area_reason"]).astype("str")


WHERE = {"a": (0, "CAF"), "b": (2, "CAF"), "c": (1, "CAF"), "m": (0, "MSA")}
TIMES = {(0, "a"): 15, (0, "b"): 5, (0, "c"): 15, (1, "a"): 9, (2, "b"): 3, (2, "a"): 1, (3, "a"): 7, (1, "m"): 2}


def competence(
    *rows: tuple[str, str, str] | tuple[str, str, str, str],
    times: dict[tuple[int, str], float] | None = None,
    where: dict[str, tuple[int, str]] | None = None,
) -> pd.DataFrame:
    sites, minutes = places(WHERE if where is None else where), pairs(TIMES if times is None else times)
    table = competent_access(origins(), sites, minutes, areas(*rows), service="caf")
    return table.set_index(["code", "operator"])


def test_without_area_the_nearest_counter_of_the_own_departement_is_assumed() -> None:
    table = competence()
    first = table.loc[("65001", "CAF")]
    assert first["assignment"] == FROM_RULE
    assert first["assignment"].startswith(f"hypothèse{NBSP}:")
    assert first[["competent_place", "competent_time_min", "nearest_place", "nearest_time_min"]].tolist() == [
        *("a", 15.0),
        *("b", 5.0),
    ]
    assert first[["penalty_min", "penalty_reason"]].tolist() == [10.0, ""]
    assert table.loc[("64001", "CAF"), ["competent_place", "penalty_min"]].tolist() == ["b", 2.0]


def test_an_area_replaces_the_assumption() -> None:
    row = competence(("CAF", "65001", "b")).loc[("65001", "CAF")]
    assert row[["assignment", "competent_place", "penalty_min"]].tolist() == [FROM_AREA, "b", 0.0]
    far = competence(("CAF", "64001", "a"), ("MSA", "64001", "b")).loc[("64001", "CAF")]
    assert far[["assignment", "competent_place", "competent_place_departement"]].tolist() == [FROM_AREA, "a", "65"]
    assert far["penalty_min"] == 0.0


def test_why_a_penalty_is_not_measured() -> None:
    table = competence(("CAF", "65001", "zz"), ("CAF", "65002", "b"), ("CAF", "64001", "bus", NO_PERMANENT_COUNTER))
    assert table["penalty_reason"].to_dict() == {
        ("65001", "CAF"): COUNTER_UNKNOWN,
        ("65001", "MSA"): COUNTERS_NOT_REACHED,
        ("65002", "CAF"): COUNTER_NOT_REACHED,
        ("65002", "MSA"): "",
        ("64001", "CAF"): NO_PERMANENT_COUNTER,
        ("64001", "MSA"): NO_COUNTER,
        ("64002", "CAF"): COUNTERS_NOT_REACHED,
        ("64002", "MSA"): NO_COUNTER,
    }
    assert (table["penalty_min"].isna() == (table["penalty_reason"] != "")).all()
    assert table.loc[("65002", "CAF"), ["competent_place", "competent_place_commune"]].tolist() == ["b", "Ville b"]
    assert math.isnan(table.loc[("65002", "CAF"), "competent_time_min"])
    assert table.loc[("65002", "CAF"), "nearest_place"] == "a"
    assert pd.isna(table.loc[("65001", "CAF"), "competent_place"])


def test_a_counter_of_another_operator_is_not_competent() -> None:
    row = competence(("CAF", "65002", "m")).loc[("65002", "CAF")]
    assert row[["assignment", "competent_reason"]].tolist() == [FROM_AREA, COUNTER_UNKNOWN]


def test_an_operator_without_any_counter_is_said() -> None:
    table = competent_access(
        origins(), places(WHERE), pairs(TIMES), areas(), service="caf", operators=["Nouveau", "MSA"]
    )
    assert table["operator"].tolist() == ["MSA", "Nouveau"] * 4
    assert set(table.loc[table["operator"] == "Nouveau", "nearest_reason"]) == {NO_PLACE}
    assert set(table.loc[table["operator"] == "Nouveau", "penalty_reason"]) == {NO_COUNTER}


def test_without_places_there_is_no_operator_and_no_row() -> None:
    assert competence(where={}, times={}).empty


def test_a_commune_assigned_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="not unique"):
        competence(("CAF", "65001", "a"), ("CAF", "65001", "b"))


def members(populations: Sequence[int] = (1, 2, 4, 8)) -> pd.DataFrame:
    return origins(populations).assign(territory="t")


def test_the_summary_of_an_example() -> None:
    rows = penalty_summary(competence().reset_index(), members(), level="epci").set_index(["operator", "part"])
    assert rows.loc[("CAF", PARTS[0]), ["communes", "population", "population_not_measured"]].tolist() == [4, 15, 8]
    assert rows.loc[("CAF", PARTS[0]), ["population_assumed", "population_penalised"]].tolist() == [15, 1 + 4]
    assert rows.loc[("CAF", PARTS[0]), "mean_min"] == pytest.approx((10 * 1 + 0 * 2 + 2 * 4) / 7)
    assert rows.loc[("CAF", PARTS[0]), ["median_min", "p90_min", "max_min"]].tolist() == [2.0, 10.0, 10.0]
    assert rows.loc[("MSA", PARTS[2]), "population_not_measured"] == 12
    assert math.isnan(rows.loc[("MSA", PARTS[2]), "mean_min"])


def test_a_member_without_row_is_counted_as_not_measured() -> None:
    table = competence().reset_index()
    rows = penalty_summary(table[table["code"] != "65001"], members(), level="epci").set_index(["operator", "part"])
    assert rows.loc[("CAF", PARTS[0]), ["population", "population_not_measured"]].tolist() == [15, 9]


@pytest.mark.parametrize(
    ("penalty", "expected"),
    [
        (0.0, "aucune"),
        (0.001, "jusqu'à 5 min"),
        (5.0, "jusqu'à 5 min"),
        (math.nextafter(5.0, 6.0), "plus de 5 min, 10 min au plus"),
        (10.0, "plus de 5 min, 10 min au plus"),
        (10.1, "plus de 10 min"),
        (math.nan, NOT_MEASURED_LABEL),
    ],
)
def test_a_penalty_equal_to_a_bound_is_in_the_class_that_it_closes(penalty: float, expected: str) -> None:
    table = competence().reset_index().query("operator == 'CAF'").assign(penalty_min=penalty)
    rows = penalty_distribution(table, members(), bounds=[10, 0, 5], level="epci")
    whole = rows[rows["part"] == PARTS[0]]
    assert [label.replace(NBSP, " ") for label in whole["penalty_class"]] == [
        *("aucune", "jusqu'à 5 min", "plus de 5 min, 10 min au plus", "plus de 10 min", "non mesurée"),
    ]
    found = whole.loc[whole["population"] > 0, ["penalty_class", "population", "share"]].to_numpy().tolist()
    assert [[label.replace(NBSP, " "), *rest] for label, *rest in found] == [[expected, 15, 1.0]]


def test_first_and_last_classes_without_zero() -> None:
    table = competence().reset_index()
    rows = penalty_distribution(table, members(), bounds=[7.5], level="epci").head(3)
    assert [label.replace(NBSP, " ") for label in rows["penalty_class"]] == [
        *("7,5 min au plus", "plus de 7,5 min", "non mesurée"),
    ]
    assert rows["class_up_to_min"].fillna(-1).tolist() == [7.5, -1, -1]
    assert rows["class_above_min"].fillna(-1).tolist() == [-1, 7.5, -1]


def test_a_difference_of_times_reaches_its_exact_value() -> None:
    row = competence(times={(0, "a"): 10.2, (0, "b"): 5.2}).loc[("65001", "CAF")]
    assert 10.2 - 5.2 < 5.0
    assert row["penalty_min"] == 5.0


WHERES = st.dictionaries(
    st.sampled_from("abcdef"), st.tuples(st.integers(0, 3), st.sampled_from(["CAF", "MSA", ""])), max_size=5
)
DRAWN = st.dictionaries(st.tuples(st.integers(0, 3), st.sampled_from("abcdef")), st.integers(0, 12), max_size=20)
AREAS = st.dictionaries(
    st.tuples(st.sampled_from(["CAF", "MSA"]), st.sampled_from([code for code, _ in HOMES])),
    st.sampled_from("abcdefz"),
    max_size=5,
)
POPULATIONS = st.lists(st.integers(0, 99), min_size=4, max_size=4)


def drawn(
    where: dict[str, tuple[int, str]], times: dict[tuple[int, str], int], given_areas: dict[tuple[str, str], str]
) -> pd.DataFrame:
    rows = areas(*((*key, counter) for key, counter in given_areas.items()))
    return competent_access(origins(), places(where), pairs(times), rows, service="caf")


@given(WHERES, DRAWN, AREAS)
def test_counters_are_those_found_by_hand(
    where: dict[str, tuple[int, str]], times: dict[tuple[int, str], int], given_areas: dict[tuple[str, str], str]
) -> None:
    table = drawn(where, times, given_areas)
    operators = sorted({operator for _, operator in where.values()})
    assert table[["code", "operator"]].to_numpy().tolist() == [[code, op] for code, _ in HOMES for op in operators]
    for position, row in enumerate(table.to_dict("records")):
        home = position // len(operators)
        own = {name: place for name, (place, operator) in where.items() if operator == row["operator"]}
        reached = sorted((times[home, name], name) for name in own if (home, name) in times)
        inside = [pair for pair in reached if HOMES[own[pair[1]]][1] == row["departement"]]
        assert row["nearest_place"] == reached[0][1] if reached else pd.isna(row["nearest_place"])
        chosen = given_areas.get((row["operator"], row["code"]))
        expected = chosen or (inside[0][1] if inside else None)
        assert (row["assignment"] == FROM_AREA) == (chosen is not None)
        known = expected in own
        assert row["competent_place"] == expected if known else pd.isna(row["competent_place"])
        if known and (home, expected) in times:
            assert row["penalty_min"] == times[home, str(expected)] - reached[0][0] >= 0
            assert row["penalty_reason"] == ""
        else:
            assert math.isnan(row["penalty_min"])
            assert row["penalty_reason"]


@settings(max_examples=15)
@given(WHERES, DRAWN, AREAS, POPULATIONS)
def test_inhabitants_are_conserved(
    where: dict[str, tuple[int, str]],
    times: dict[tuple[int, str], int],
    given_areas: dict[tuple[str, str], str],
    populations: list[int],
) -> None:
    table = drawn(where, times, given_areas)
    own = members(populations)
    summary = penalty_summary(table, own, level="epci")
    classes = penalty_distribution(table, own, bounds=[0, 5], level="epci")
    by = ["operator", "part"]
    sums = classes.groupby(by)[["communes", "population"]].sum()
    pd.testing.assert_frame_equal(sums, summary.set_index(by)[["communes", "population"]].sort_index())
    unmeasured = classes[classes["penalty_class"] == NOT_MEASURED_LABEL].set_index(by)["population"].sort_index()
    assert unmeasured.tolist() == summary.set_index(by)["population_not_measured"].sort_index().tolist()
    whole, sides = summary["part"] == PARTS[0], summary["part"] != PARTS[0]
    counts = [column for column in summary if column.startswith(("communes", "population"))]
    pd.testing.assert_frame_equal(
        summary[whole].groupby("operator")[counts].sum(), summary[sides].groupby("operator")[counts].sum()
    )
    shares = classes.groupby(by)["share"].sum(min_count=1).dropna()
    assert shares.tolist() == pytest.approx([1.0] * len(shares))


@settings(max_examples=15)
@given(WHERES, DRAWN, AREAS, st.permutations(range(4)))
def test_the_order_of_rows_never_matters(
    where: dict[str, tuple[int, str]],
    times: dict[tuple[int, str], int],
    given_areas: dict[tuple[str, str], str],
    order: list[int],
) -> None:
    rows = areas(*((*key, counter) for key, counter in given_areas.items()))
    tables = origins(), places(where), pairs(times), rows
    copies = [table.copy(deep=True) for table in tables]
    straight = competent_access(*tables, service="caf")
    turned = competent_access(tables[0].iloc[order], *(table.iloc[::-1] for table in tables[1:]), service="caf")
    keys = ["code", "operator"]
    pd.testing.assert_frame_equal(
        straight.sort_values(keys, ignore_index=True), turned.sort_values(keys, ignore_index=True)
    )
    for before, after in zip(copies, tables, strict=True):
        pd.testing.assert_frame_equal(before, after)


@settings(max_examples=15)
@given(WHERES, DRAWN, st.integers(0, 3), st.lists(st.integers(0, 12), min_size=4, max_size=4))
def test_adding_a_counter_never_lengthens_a_time(
    where: dict[str, tuple[int, str]], times: dict[tuple[int, str], int], home: int, more: list[int]
) -> None:
    before = drawn({**where, "x": (0, "CAF")}, times, {})
    added = times | {(start, "z"): time for start, time in enumerate(more)}
    after = drawn({**where, "x": (0, "CAF"), "z": (home, "CAF")}, added, {})
    for column in ("competent_time_min", "nearest_time_min"):
        assert (after[column].fillna(math.inf) <= before[column].fillna(math.inf)).all()


def real_competence(study: Study, counters: gpd.GeoDataFrame, given_areas: pd.DataFrame) -> pd.DataFrame:
    """Counters of the CAF in February 2016, seen from the communes of the 64 and the 65."""
    communes = study.communes
    homes = pd.DataFrame(communes[communes["departement"].isin(["64", "65"])].drop(columns="geometry"))
    known = communes.set_index("code")
    code = counters["codeinsee"]
    located = counters.to_crs(communes.crs).geometry
    sites = pd.DataFrame(
        {
            "id": counters["id"],
            "nom": counters["nom"],
            "commune": code.map(known["name"]),
            "code_commune": code,
            "epci": code.map(known["epci"]),
            "departement": counters["dep"],
            "operateur": "CAF",
            "x": located.x,
            "y": located.y,
            "commune_population": code.map(known["population"]),
            "commune_area_km2": code.map(known["area_km2"]),
        }
    ).reset_index(drop=True)
    model = embedded_path("travel/straight_line.toml").read_text(encoding="utf-8")
    engine = straight_line_engine(model, coverage=0.9)
    minutes = pairs_within(engine, homes.reset_index(drop=True), sites, limit_min=120.0)
    return competent_access(homes, sites, minutes, given_areas, service="caf")


def test_the_caf_of_65_and_64(study_65: Study, shared: Callable[[str], Path]) -> None:
    path = shared("annuaire_dila_2016/annuaire_services_locaux_2016_65_04_voisins.gpkg")
    counters = gpd.read_file(path, where="type = 'caf' AND dep IN ('64', '65')")
    assert len(counters) == 21
    table = real_competence(study_65, counters, areas()).set_index("code")
    assert (table["competent_place_departement"] == table["departement"]).all()
    assert (table["penalty_min"] >= 0).all()
    valley = table.loc[["65018", "65176"]]  # Arbéost and Ferrières, behind the Soulor pass, of the Pays de Nay
    assert valley["nearest_place_commune"].tolist() == ["Nay", "Nay"]
    assert set(valley["competent_place_departement"]) == {"65"}
    assert (valley["penalty_min"] > 0).all()
    moved = areas(("CAF", "65018", "caf-64417-01"), ("CAF", "65176", "caf-64417-01"))
    after = real_competence(study_65, counters, moved).set_index("code")
    assert after.loc[["65018", "65176"], "penalty_min"].tolist() == [0.0, 0.0]
    rest = table.index.difference(["65018", "65176"])
    pd.testing.assert_frame_equal(after.loc[rest], table.loc[rest])


def test_a_counter_whose_time_is_not_known_is_not_out_of_reach() -> None:
    """By area, by rule and nearest: the reason is that of the pair, and the others keep theirs."""
    sites = places({"a": (0, "CAF"), "b": (2, "CAF")})
    times = pairs({(0, "a"): 1.0, (1, "b"): 4.0, (2, "b"): 1.0})
    gaps = pd.DataFrame(
        [("65002", "a", "hors réseau"), ("64002", "a", "non mesuré"), ("64002", "b", "hors réseau")],
        columns=["code", "place", "reason"],
    )
    given = areas(("CAF", "65002", "a"), ("CAF", "64001", "a"))
    table = competent_access(origins(), sites, times, given, service="caf", gaps=gaps).set_index("code")
    assert table["competent_reason"].tolist() == ["atteint", "hors réseau", COUNTER_NOT_REACHED, "hors réseau"]
    assert table["nearest_reason"].tolist() == ["atteint", "atteint", "atteint", "non mesuré"]
    assert table["penalty_reason"].tolist() == ["", "hors réseau", COUNTER_NOT_REACHED, "hors réseau"]
