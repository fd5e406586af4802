"""The map of governance: one class an EPCI, « non renseigné » apart from none, the same bytes twice, told in words."""

from __future__ import annotations

import pandas as pd

from sdaasp_geo.analysis.governance_indicators import COMMITTEE, INTERLOCUTORS, governance_indicators
from sdaasp_geo.outputs.governance_map import CLASSES, draw_governance_map, governance_alt, governance_classes
from sdaasp_geo.study import Study


def indicators(study: Study) -> pd.DataFrame:
    assert study.programme is not None
    return governance_indicators(study.programme.bodies, study.programme.territories, study.epci)


def filled(study: Study, values: dict[str, float], *, indicator: str = INTERLOCUTORS) -> pd.DataFrame:
    table = indicators(study)
    rows = (table["indicator"] == indicator) & table["siren"].isin(set(values))
    table.loc[rows, "value"] = table.loc[rows, "siren"].map(values)
    table.loc[rows, "status"] = "mesuré"
    return table


def test_zero_one_two_and_unsaid_are_four_classes(study_65: Study) -> None:
    table = filled(study_65, {"200069300": 2.0, "200070787": 1.0, "200070795": 0.0})
    found = governance_classes(table)
    assert found[["200069300", "200070787", "200070795", "200070803"]].tolist() == list(CLASSES)
    assert len(found) == 9


def test_the_same_bytes_twice_and_other_bytes_for_other_facts(study_65: Study) -> None:
    once = draw_governance_map(study_65, indicators(study_65))
    assert once is not None
    assert once.startswith(b"\x89PNG")
    assert once == draw_governance_map(study_65, indicators(study_65))
    drawn = [filled(study_65, {"200069300": value}) for value in (0.0, 1.0, 2.0)]
    drawn.append(filled(study_65, {"200069300": 1.0}, indicator=COMMITTEE))
    assert len({once, *(draw_governance_map(study_65, table) for table in drawn)}) == 5


def test_nothing_to_draw_gives_nothing(study_65: Study) -> None:
    assert draw_governance_map(study_65, indicators(study_65).head(0)) is None


def test_words_say_what_the_map_shows_and_no_zero_where_nothing_is_said(study_65: Study) -> None:
    text = governance_alt(study_65, indicators(study_65))
    assert "non renseignée, 9\u00a0EPCI" in text
    assert "mise en place" not in text
    told = governance_alt(study_65, filled(study_65, {"200069300": 1.0}))
    assert "1 interlocuteur\u00a0: CA Tarbes-Lourdes-Pyrénées ;" in told
