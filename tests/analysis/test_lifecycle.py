"""Life cycle of perimeters: events that rebuild the later vintage exactly, on invented lists and on all of France."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdaasp_geo.analysis import lifecycle as life
from sdaasp_geo.analysis.lifecycle import apply_events, break_flag, epci_members, lifecycle, petr_communes
from sdaasp_geo.errors import InputError
from sdaasp_geo.sources import france

NBSP = "\N{NO-BREAK SPACE}"
YEARS = tuple(range(2019, 2027))
CA_TARBES, VAL_D_ARROS = "200069300", "200070803"
BIGORRE = {"coeur-de-bigorre", "lourdes-vallees-des-gaves", "plaines-et-vallees-de-bigorre"}
MOVES = ["vintage", "kind", "code_before", "name_before", "code_after", "name_after", "note"]

membership = cache(france.read_membership)
epci_names = cache(france.read_epci_names)


@cache
def france_events(start: int, end: int) -> pd.DataFrame:
    return lifecycle(
        membership(start),
        membership(end),
        france.read_moves(),
        epci_names=(epci_names(start), epci_names(end)),
        petr=france.read_petr(),
    )


def in_departement(start: int, end: int, code: str) -> pd.DataFrame:
    return lifecycle(
        membership(start),
        membership(end),
        france.read_moves(),
        epci_names=(epci_names(start), epci_names(end)),
        petr=france.read_petr(),
        departements=[code],
    )


def rows(events: pd.DataFrame, **wanted: str) -> pd.DataFrame:
    for column, value in wanted.items():
        events = events[events[column] == value]
    return events


@pytest.mark.parametrize(("start", "end"), [*pairwise(YEARS), (2019, 2026)])
def test_events_applied_to_a_vintage_give_the_next_exactly(start: int, end: int) -> None:
    before, after, events = membership(start), membership(end), france_events(start, end)
    rebuilt = apply_events(before, epci_members(before), events, level="epci")
    expected = after[["code", "name", "epci"]].rename(columns={"epci": "territory"}).sort_values("code")
    pd.testing.assert_frame_equal(rebuilt, expected.reset_index(drop=True), check_dtype=False)
    petr = france.read_petr()
    old, new = (petr_communes(petr, membership(year), date=f"{year}-01-01") for year in (start, end))
    rebuilt = apply_events(before, old, events, level="petr").dropna(subset=["territory"])
    ordered = rebuilt[["territory", "code"]].sort_values(["territory", "code"], ignore_index=True)
    pd.testing.assert_frame_equal(ordered, new, check_dtype=False)


@pytest.mark.parametrize(("start", "end"), list(pairwise(YEARS)))
def test_epci_created_ended_and_renamed_give_the_next_list(start: int, end: int) -> None:
    events = rows(france_events(start, end), level="epci")
    names = epci_names(start).set_index("siren")["name"].to_dict()
    ends = events[events["event"].isin([life.ENDED, life.ABSORBED, life.REPLACED])]
    for siren in ends["territory"]:
        del names[siren]
    for row in events[events["event"].isin([life.CREATED, life.RENAMED])].itertuples():
        if row.event == life.CREATED:
            assert row.territory not in names
        else:
            assert names[row.territory] == row.before
        names[row.territory] = row.name
    assert names == epci_names(end).set_index("siren")["name"].to_dict()


def test_gains_and_losses_mirror_each_other_where_everyone_is_in_one_epci() -> None:
    events = rows(france_events(2019, 2026), level="epci")
    gained, lost = rows(events, event=life.GAINED), rows(events, event=life.LOST)
    keys = ["code", "code_after", "before", "after", "population"]
    assert sorted(gained[keys].itertuples(index=False)) == sorted(lost[keys].itertuples(index=False))
    assert (gained["territory"] == gained["after"]).all()
    assert (lost["territory"] == lost["before"]).all()


def test_every_event_says_its_source_and_nobody_appears_from_nowhere() -> None:
    events = france_events(2019, 2026)
    assert (events["source"] != "").all()
    assert events["source"].notna().all()
    assert set(events["event"]) <= set(life.EVENTS)
    assert not set(events["event"]) & {life.APPEARED, life.DISAPPEARED}
    assert events["population"].dtype == "int64"
    assert (events["population"] >= 0).all()


def test_communes_nouvelles_of_several_departements() -> None:
    events = rows(france_events(2019, 2026), level="commune", event=life.MERGED)
    for territory, name, codes in (
        ("21452", "Neuilly-Crimolois", {"21213", "21452"}),
        ("16233", "Mosnac-Saint-Simeux", {"16233", "16351"}),
        ("01138", "Culoz-Béon", {"01039", "01138"}),
        ("02054", "Bazoches-et-Saint-Thibaut", {"02054", "02695"}),
    ):
        own = rows(events, territory=territory)
        assert set(own["code"]) == codes
        assert set(own["name"]) == {name}
        old = membership(2019).set_index("code")["population"]
        assert own["population"].tolist() == old[sorted(codes)].tolist()


def test_four_communes_of_cantal_are_established_again_in_2025() -> None:
    events = in_departement(2024, 2025, "15")
    split = rows(events, level="commune", event=life.SPLIT)
    assert dict(zip(split["territory"], split["name"], strict=True)) == {
        "15031": "Celles",
        "15035": "Chalinargues",
        "15047": "Chavagnac",
        "15141": "Neussargues-Moissac",
        "15171": "Sainte-Anastasie",
    }
    assert set(split["code"]) == {"15141"}
    assert set(split["commune"]) == {"Neussargues en Pinatelle"}
    assert rows(events, territory="15141", event=life.RENAMED)["after"].tolist() == ["Neussargues-Moissac"]
    assert rows(events, level="epci").empty


def test_a_code_that_went_and_came_back_leaves_no_event() -> None:
    assert rows(in_departement(2020, 2022, "27"), event=life.RECODED)["code_after"].tolist() == ["27058"]
    assert rows(in_departement(2020, 2026, "27"), event=life.RECODED).empty


def test_epci_of_2022_that_were_split_or_merged() -> None:
    events = rows(france_events(2021, 2022), level="epci")
    vosges = rows(events, territory="200071157", event=life.ENDED)
    assert vosges["after"].tolist() == ["200096634 200096642"]
    agen = rows(events, territory="200096956", event=life.CREATED)
    assert agen["before"].tolist() == ["200035459 200036572"]
    assert rows(events, territory="200036572")["event"].tolist()[0] == life.ABSORBED
    lost = rows(events, territory="200071157", event=life.LOST)
    assert lost["population"].sum() == membership(2021).query("epci == '200071157'")["population"].sum()


def test_the_petr_of_bigorre_take_the_place_of_two_in_2024() -> None:
    events = in_departement(2023, 2024, "65")
    petr = rows(events, level="petr")
    petr = petr[petr["territory"].isin(BIGORRE)]
    wholes = petr[~petr["event"].isin([life.GAINED, life.LOST])]
    assert dict(zip(wholes["territory"], wholes["event"], strict=True)) == {
        "coeur-de-bigorre": life.ABSORBED,
        "lourdes-vallees-des-gaves": life.ABSORBED,
        "plaines-et-vallees-de-bigorre": life.CREATED,
    }
    assert set(wholes["after"]) == {"plaines-et-vallees-de-bigorre"}
    created = rows(petr, event=life.CREATED).iloc[0]
    assert created["before"] == "coeur-de-bigorre lourdes-vallees-des-gaves"
    assert created["name"] == "PETR Plaines et Vallées de Bigorre"
    own = membership(2024)["epci"].isin([CA_TARBES, "200070811", "246500482"])
    assert created["population"] == membership(2024).loc[own, "population"].sum()
    assert (rows(petr, event=life.GAINED)["territory"] == "plaines-et-vallees-de-bigorre").sum() == own.sum()
    assert created["source"].startswith("BANATIC 2024 (DGCL)")
    assert "date de création non établie" in created["source"]
    adour = rows(events, territory="val-d-adour")
    assert set(adour["event"]) == {life.GAINED}
    assert set(adour["code"].str[:2]) == {"64"}
    assert rows(events, level="epci").query("event in ['commune gagnée', 'commune perdue']").empty


def test_barbazan_dessus_does_not_move_in_the_list_kept_and_does_in_the_second_source() -> None:
    kept = in_departement(2019, 2026, "65")
    assert kept[(kept["code"] == "65063") & (kept["level"] == "epci")].empty
    before, second = membership(2025), france.read_second_membership().set_index("code")["epci"]
    after = membership(2026)
    after = after.assign(epci=after["code"].map(second))
    events = lifecycle(before, after, france.read_moves(), departements=["65"])
    moved = events[(events["level"] == "epci") & events["event"].isin([life.GAINED, life.LOST])]
    assert moved[["territory", "event", "code", "commune", "before", "after"]].to_numpy().tolist() == [
        [CA_TARBES, life.GAINED, "65063", "Barbazan-Dessus", VAL_D_ARROS, CA_TARBES],
        [VAL_D_ARROS, life.LOST, "65063", "Barbazan-Dessus", VAL_D_ARROS, CA_TARBES],
    ]
    population = before.set_index("code")["population"]["65063"]
    assert moved["population"].tolist() == [population, population]


def test_a_departement_has_what_concerns_it_and_its_epci_whole() -> None:
    everything = france_events(2019, 2026)
    own = in_departement(2019, 2026, "65")
    assert 0 < len(own) < len(everything)
    assert len(own.merge(everything)) == len(own)
    assert "64293" in set(own["code"])  # Labatut-Figuières, in Adour Madiran, renamed outside the département


def test_vintages_out_of_order_are_refused() -> None:
    with pytest.raises(InputError, match="dans l'ordre"):
        lifecycle(membership(2020), membership(2019), france.read_moves())
    with pytest.raises(InputError, match="dans l'ordre"):
        lifecycle(membership(2020), membership(2020), france.read_moves())


def communes(epci: dict[str, str | None], *, vintage: int, population: int = 10) -> pd.DataFrame:
    table = pd.DataFrame({"code": list(epci), "epci": pd.Series(list(epci.values()), dtype="str")})
    return table.assign(name="Commune " + table["code"], departement="01", population=population, vintage=vintage)


def test_a_merger_across_two_epci_moves_the_land_of_the_one_that_goes() -> None:
    before = communes({"01001": "A", "01002": "B", "01003": "A"}, vintage=2020)
    after = communes({"01001": "A", "01003": "A"}, vintage=2021)
    moves = pd.DataFrame([(2021, "fusion", "01002", "x", "01001", "y", "arrêté")], columns=MOVES)
    events = lifecycle(before, after, moves)
    assert events[["territory", "event", "code", "code_after"]].to_numpy().tolist() == [
        ["01001", "fusion", "01001", "01001"],
        ["01001", "fusion", "01002", "01001"],
        ["A", "commune gagnée", "01002", "01001"],
        ["B", "fusion dans un autre", "", ""],
        ["B", "commune perdue", "01002", "01001"],
    ]
    assert events["source"].tolist()[1] == "arrêté"


def test_a_new_siren_on_the_same_perimeter_is_a_replacement() -> None:
    before = communes({"01001": "A", "01002": "A"}, vintage=2020)
    after = communes({"01001": "B", "01002": "B"}, vintage=2021)
    events = lifecycle(before, after, pd.DataFrame(columns=MOVES))
    wholes = events[events["code"] == ""]
    assert wholes[["territory", "event", "before", "after"]].to_numpy().tolist() == [
        ["A", life.REPLACED, "A", "B"],
        ["B", life.CREATED, "A", "B"],
    ]


def test_what_moves_do_not_explain_is_said() -> None:
    before = communes({"01001": "A", "01002": "A"}, vintage=2020)
    after = communes({"01001": "A", "01009": "A"}, vintage=2021)
    events = lifecycle(before, after, pd.DataFrame(columns=MOVES))
    found = rows(events, level="commune")[["territory", "event", "population"]].to_numpy().tolist()
    assert found == [["01002", life.DISAPPEARED, 10], ["01009", life.APPEARED, 10]]
    rebuilt = apply_events(before, epci_members(before), events, level="epci")
    assert rebuilt[["code", "territory"]].to_numpy().tolist() == [["01001", "A"], ["01009", "A"]]


HOMES = st.sampled_from(["A", "B", "C", None])


@settings(max_examples=12)  # each builds several small tables, twice
@given(
    homes=st.lists(st.tuples(HOMES, HOMES), min_size=1, max_size=8),
    kinds=st.lists(st.sampled_from(["", "fusion", "retablissement", "changement_de_code", "lost"]), max_size=8),
    order=st.randoms(use_true_random=False),
)
def test_events_rebuild_any_invented_list(
    homes: list[tuple[str | None, str | None]], kinds: list[str], order: object
) -> None:
    old = {f"0100{rank}": pair[0] for rank, pair in enumerate(homes, start=1)}
    new = {f"0100{rank}": pair[1] for rank, pair in enumerate(homes, start=1)}
    moves = []
    for rank, kind in enumerate(kinds[: len(homes) - 1], start=2):
        code, born = f"0100{rank}", f"0110{rank}"
        if kind == "fusion":
            del new[code]
            moves.append((2021, kind, code, "", "01001", "", ""))
        elif kind in {"retablissement", "changement_de_code"}:
            new[born] = homes[rank - 1][1]
            if kind == "changement_de_code":
                del new[code]
            moves.append((2021, kind, code, "", born, "", ""))
        elif kind == "lost":
            del new[code]
    before, after = communes(old, vintage=2020), communes(new, vintage=2021, population=7)
    table = pd.DataFrame(moves, columns=MOVES)
    events = lifecycle(before, after, table)
    rebuilt = apply_events(before, epci_members(before), events, level="epci")
    expected = after[["code", "name", "epci"]].rename(columns={"epci": "territory"})
    expected = expected.sort_values("code", ignore_index=True)
    pd.testing.assert_frame_equal(rebuilt, expected, check_dtype=False)
    seed = order.randint(0, 100)  # type: ignore[attr-defined]
    shuffled = [part.sample(frac=1, random_state=seed) for part in (before, after, table)]
    pd.testing.assert_frame_equal(lifecycle(*shuffled), events)


def test_breaks_in_a_series_are_flagged_with_their_reason() -> None:
    steps = pd.concat([france_events(2022, 2023), france_events(2023, 2024), france_events(2024, 2025)])
    series = pd.DataFrame(
        {
            "territory": ["val-d-adour", "val-d-adour", "val-d-adour", "15141", "15141", CA_TARBES, CA_TARBES],
            "vintage": [2025, 2022, 2023, 2024, 2025, 2022, 2025],
            "minutes": range(7),
        },
        index=list("abcdefg"),
    )
    flagged = break_flag(series, steps)
    assert flagged["perimeter_break"].tolist() == [True, False, False, False, True, False, False]
    assert flagged.index.tolist() == series.index.tolist()
    assert flagged["minutes"].tolist() == list(range(7))
    assert flagged["break_reason"].tolist()[4] == f"rétablissement (1{NBSP}commune{NBSP}: Neussargues en Pinatelle)"
    adour = flagged["break_reason"].tolist()[0]
    assert adour.startswith(f"commune gagnée (73{NBSP}communes{NBSP}: ")
    assert adour.endswith("…)")
    assert (flagged["perimeter_break"] == (flagged["break_reason"] != "")).all()


def test_a_change_between_two_distant_points_is_a_break_and_a_new_name_is_not() -> None:
    events = pd.DataFrame(
        [("A", life.GAINED, "01001", "Ampuis", 2020, 2021), ("B", life.RENAMED, "", "", 2020, 2021)],
        columns=["territory", "event", "code", "commune", "vintage_before", "vintage_after"],
    )
    series = pd.DataFrame({"territory": ["A", "A", "B", "B"], "vintage": [2019, 2024, 2020, 2021]})
    assert break_flag(series, events)["perimeter_break"].tolist() == [False, True, False, False]
    early = series.assign(vintage=[2018, 2020, 2018, 2020])
    assert not break_flag(early, events)["perimeter_break"].any()
    assert not break_flag(series, events.iloc[:0])["perimeter_break"].any()
