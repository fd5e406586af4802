"""Thematic maps, before any drawing: classes on their bounds, figures of the tables, compact texts read back."""

from __future__ import annotations

import dataclasses
import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from map_page import read_numbers, read_phrases

from sdaasp_geo import pipeline
from sdaasp_geo.analysis.governance_indicators import INTERLOCUTORS, MEASURED, governance_indicators
from sdaasp_geo.french import NBSP, number
from sdaasp_geo.outputs.map_access import access_theme
from sdaasp_geo.outputs.map_atlas import map_themes
from sdaasp_geo.outputs.map_border import SAVED_MIN, border_theme, competence_theme
from sdaasp_geo.outputs.map_codec import Phrases, ceil_tenths, encode_numbers
from sdaasp_geo.outputs.map_criteria import criteria_theme
from sdaasp_geo.outputs.map_data import legend_lines, static_table
from sdaasp_geo.outputs.map_model import EPCI, Theme, at_least_classes, at_least_ranks, at_most_classes, at_most_ranks
from sdaasp_geo.outputs.map_presence import HOURS, presence_theme
from sdaasp_geo.outputs.map_programme import actions_theme, governance_theme
from sdaasp_geo.outputs.map_siting import render_siting_map, siting_theme
from sdaasp_geo.outputs.web_map_text import studied_communes
from sdaasp_geo.pipeline.siting import Question, choose_sites
from sdaasp_geo.scheme import read_scheme
from sdaasp_geo.study import Diagnosis, Measures, Study


@pytest.fixture(scope="module")
def themes(study_65: Study, measures_65: Measures, diagnosis_65: Diagnosis) -> dict[str, Theme]:
    measures = dataclasses.replace(measures_65, diagnosis=diagnosis_65)
    return {theme.code: theme for theme in map_themes(study_65, measures)}


@pytest.fixture(scope="module")
def fictional() -> Study:
    return pipeline.prepare(read_scheme("exemple-fictif"))


def _around(bounds: tuple[float, ...]) -> list[float]:
    return sorted({edge for bound in bounds for edge in (bound, *(math.nextafter(bound, to) for to in (-1e9, 1e9)))})


def test_a_time_equal_to_a_bound_is_in_the_class_that_says_so() -> None:
    classes = at_most_classes(SAVED_MIN, none="Aucune")
    found = dict(zip(_around(SAVED_MIN), at_most_ranks(np.array(_around(SAVED_MIN)), SAVED_MIN), strict=True))
    for rank, bound in enumerate(SAVED_MIN):
        assert found[bound] == rank
        assert found[math.nextafter(bound, math.inf)] == rank + 1
    assert [entry.name.replace(NBSP, " ") for entry in classes] == [
        *("Aucune", "5 min au plus", "plus de 5 min, jusqu'à 10 min", "plus de 10 min, jusqu'à 20 min"),
        *("plus de 20 min", "Non mesuré"),
    ]
    assert at_most_ranks(np.array([math.nan]), SAVED_MIN)[0] == len(classes) - 1


def test_classes_are_those_of_mapclassify_on_every_bound() -> None:
    mapclassify = pytest.importorskip("mapclassify", reason="mapclassify is not installed: classes were not compared")
    values = np.array([*_around(SAVED_MIN), 3.0, 500.0])
    theirs = mapclassify.UserDefined(values, bins=[*SAVED_MIN, 1000.0]).yb
    assert at_most_ranks(values, SAVED_MIN).tolist() == theirs.tolist()


def test_hours_equal_to_a_bound_reach_it() -> None:
    classes = at_least_classes(HOURS, unit=lambda value: f"{number(value)} h", none="Aucune heure")
    assert [entry.name for entry in classes[:-1]] == [
        *("35 h et plus", "de 24 à moins de 35 h", "de 12 à moins de 24 h", "moins de 12 h", "Aucune heure"),
    ]
    for rank, bound in enumerate(HOURS):
        assert at_least_ranks(np.array([bound, math.nextafter(bound, 0)]), HOURS).tolist() == [rank, rank + 1]
    assert at_least_ranks(np.array([0.0, 0.01, math.nan]), HOURS).tolist() == [4, 3, 5]
    whole = at_least_classes((10.0, 5.0, 2.0), unit=lambda value: f"{value:g} actions", none="Aucune", whole=True)
    assert [entry.name for entry in whole[:-2]] == [
        "10 actions et plus",
        "de 5 à 9 actions",
        "de 2 à 4 actions",
        "1 actions",
    ]


@given(st.floats(0, 200, allow_nan=False), st.integers(1, 900))
def test_the_page_compares_with_a_threshold_as_the_package_does(time: float, tenths: int) -> None:
    near = [time, tenths / 10, math.nextafter(tenths / 10, 0), math.nextafter(tenths / 10, 1e9)]
    for value, whole in zip(near, ceil_tenths(np.array(near)), strict=True):
        assert (whole <= tenths) == (value <= tenths / 10)


@given(st.lists(st.integers(-(2**30), 2**30 - 1)))
def test_numbers_are_read_back(values: list[int]) -> None:
    assert read_numbers(encode_numbers(values)) == values


@given(st.lists(st.text(st.characters(blacklist_categories=("Cs",)), max_size=30), min_size=1))
def test_phrases_are_read_back(texts: list[str]) -> None:
    phrases = Phrases()
    column = phrases.column(texts)
    said = read_phrases(*phrases.dictionary())
    assert [said[rank] for rank in read_numbers(column)] == texts


def test_every_theme_is_there_and_sound(themes: dict[str, Theme], study_65: Study) -> None:
    expected = ["carte", "deficits", "presence", "frontiere", "penalite", "gouvernance", "actions"]
    assert list(themes) == expected
    for theme in themes.values():
        assert len({view.code for view in theme.views}) == len(theme.views)
        assert len(theme.rows) == study_65.communes["studied"].sum()
        assert max(theme.rows) == len(theme.names) - 1
        header, rows = static_table(theme)
        assert len(rows) == len(theme.names)
        assert {len(row) for row in rows} == {len(header)}
        assert "nan" not in {cell for row in rows for cell in row}
        for view in theme.views:
            plain = [entry for entry in view.classes if not entry.hatched]
            assert 1 < len(plain) <= 5, (theme.code, view.code)
            assert view.classes[len(plain) :] == tuple(entry for entry in view.classes if entry.hatched)
            assert len({entry.colour for entry in view.classes}) == len(view.classes)
            sizes = {len(column) for column in (view.ranks, view.checks, view.brief, view.sentences, *view.cells)}
            assert sizes == {len(theme.names)}
            assert 0 <= view.ranks.min() <= view.ranks.max() < len(view.classes)
            assert "nan" not in {cell for column in view.cells for cell in column}


def test_a_study_without_diagnosis_nor_programme_has_its_map_of_access(study_65: Study, measures_65: Measures) -> None:
    found = map_themes(dataclasses.replace(study_65, programme=None), measures_65)
    assert [theme.code for theme in found] == ["carte"]


def test_access_counts_are_those_of_the_measures(study_65: Study, measures_65: Measures) -> None:
    theme = access_theme(study_65, measures_65)
    communes = studied_communes(study_65).set_index("code")
    for view in theme.views:
        own = measures_65.access[measures_65.access["service"] == view.code].set_index("code").reindex(communes.index)
        assert view.checks.tolist() == own["to_check"].tolist()
        for line, entry in zip(legend_lines(theme, view), view.classes, strict=False):
            times = own.loc[(view.ranks == view.classes.index(entry)) & communes["inside"], "time_min"]
            people = communes.loc[times.index, "population"].sum()
            assert line.counts.startswith(f"{number(len(times))}{NBSP}commune")
            assert f"{number(people)}{NBSP}habitant" in line.counts
    mairie = theme.views[1]
    assert mairie.scheme_thresholds == "Par tranche de temps"
    assert mairie.times is not None
    assert mairie.ranks.tolist() == at_most_ranks(mairie.times.time_min, (5, 10, 20, 30)).tolist()
    assert {20.0, 30.0} <= set(theme.views[0].times.thresholds if theme.views[0].times else ())


def test_criteria_are_those_of_the_diagnosis(study_65: Study, diagnosis_65: Diagnosis) -> None:
    theme = criteria_theme(study_65, diagnosis_65)
    assert theme is not None
    codes = studied_communes(study_65)["code"]
    for view in theme.views:
        own = diagnosis_65.criteria[diagnosis_65.criteria["criterion"] == view.code].set_index("code").reindex(codes)
        expected = (~own["satisfied"]).astype("Int64").fillna(2).tolist()
        assert view.ranks.tolist() == expected
    assert {view.code for view in theme.views} == set(diagnosis_65.criteria["criterion"])
    evening = next(view for view in theme.views if view.code == "france-services-soir-20")
    assert (evening.group, evening.classes[1].label) == ("Services au public", "Sans ouverture le soir")


def test_presence_is_that_of_the_diagnosis(study_65: Study, diagnosis_65: Diagnosis) -> None:
    theme = presence_theme(study_65, diagnosis_65)
    assert theme is not None
    codes = studied_communes(study_65)["code"]
    views = {view.code: view for view in theme.views}
    own = diagnosis_65.reachable
    own = own[(own["service"] == "france-services") & (own["limit_min"] == 20)].set_index("code").reindex(codes)
    hours = views["france-services-20-heures"]
    assert (hours.ranks == 0).tolist() == (own["open_hours"] >= 35).tolist()
    saturday = views["france-services-20-samedi"]
    assert (saturday.ranks == 0).tolist() == own["saturday"].fillna(value=False).astype(bool).tolist()
    assert (saturday.ranks == 2).tolist() == own["saturday"].isna().tolist()


def test_the_neighbour_is_named_where_the_nearest_place_is(study_65: Study, diagnosis_65: Diagnosis) -> None:
    theme = border_theme(study_65, diagnosis_65)
    assert theme is not None
    side, saved = theme.views
    codes = studied_communes(study_65)["code"]
    own = diagnosis_65.border[diagnosis_65.border["service"] == "france-services"].set_index("code").reindex(codes)
    words = {"propre EPCI": 0, "autre EPCI": 1, "autre département": 2}
    assert side.ranks.tolist() == own["side"].map(words).tolist()
    hosts = side.cells[side.terms.index("EPCI de ce lieu")]
    assert list(hosts) == [diagnosis_65.epci_names[siren] for siren in own["place_epci"]]
    away = np.flatnonzero(side.ranks == 2)
    assert len(away) > 30
    assert all(f"dans un autre département ({hosts[row]})" in side.sentences[row] for row in away)
    assert (saved.ranks == 0).tolist() == (own["saved_epci_min"] == 0).tolist()


def test_the_penalty_is_that_of_the_diagnosis(study_65: Study, diagnosis_65: Diagnosis) -> None:
    theme = competence_theme(study_65, diagnosis_65)
    assert theme is not None
    codes = studied_communes(study_65)["code"]
    own = diagnosis_65.competence.set_index("code")["penalty_min"].reindex(codes)
    edges = [-math.inf, 0, 5, 10, 20, math.inf]
    for rank, (low, high) in enumerate(pairwise(edges)):
        assert (theme.views[0].ranks == rank).tolist() == ((own > low) & (own <= high)).tolist()


def test_governance_and_actions_by_epci(fictional: Study) -> None:
    programme = fictional.programme
    assert programme is not None
    governance, actions = governance_theme(fictional, programme), actions_theme(fictional, programme)
    assert governance is not None
    assert actions is not None
    indicators = governance_indicators(programme.bodies, programme.territories, fictional.epci)
    own = indicators[(indicators["indicator"] == INTERLOCUTORS) & (indicators["status"] == MEASURED)].set_index("siren")
    ranks = dict(zip(fictional.epci["siren"], governance.views[0].ranks, strict=True))
    expected = {siren: 2 - own["value"][siren] if siren in own.index else 3 for siren in ranks}
    assert ranks == expected
    reach = programme.reach.drop_duplicates(["code", "siren"])
    numbers = reach.groupby("siren")["code"].size()
    assert actions.level == EPCI
    said = dict(zip(fictional.epci["siren"], actions.views[0].brief, strict=True))
    assert all(text.startswith(f"{numbers.get(siren, 0)}{NBSP}action") for siren, text in said.items())
    one = next(view for view in actions.views if view.code.startswith("action-"))
    concerned = set(reach.loc[reach["code"] == one.label.split(" ")[0], "siren"])
    assert {siren for siren, rank in zip(fictional.epci["siren"], one.ranks, strict=True) if rank == 0} == concerned


def test_new_sites_before_and_after(study_65: Study) -> None:
    found = choose_sites(study_65, Question(service="france-services", count=2, threshold_min=15.0))
    effect, before, after = siting_theme(study_65, found).views
    demand = found.siting.demand.set_index("code").reindex(studied_communes(study_65)["code"])
    won = (~demand["within_before"].astype("boolean")) & demand["within_after"].astype("boolean")
    assert won.sum() > 0
    assert (effect.ranks == 1).tolist() == won.fillna(value=False).tolist()
    assert (after.ranks <= before.ranks).all()
    page = render_siting_map(study_65, found)
    assert len(page.encode("utf-8")) < 800_000
    assert "<title>Lieux proposés, avant et après (France services)" in page
    assert all(name in page for name in found.siting.sites["place_name"])
