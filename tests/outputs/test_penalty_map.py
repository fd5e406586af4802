"""The map of the penalty: classes of the parameters, bounds included, every commune in one, the same bytes twice."""

from __future__ import annotations

import dataclasses

import pandas as pd

from sdaasp_geo.outputs.penalty_map import draw_penalty_map, penalty_classes
from sdaasp_geo.study import Diagnosis, Study

SERVICE = "france-services"
LABELS = ["Aucune", "0 à 5\u00a0min", "5 à 10\u00a0min", "10 à 20\u00a0min", "Plus de 20\u00a0min", "Non mesurée"]


def test_a_penalty_equal_to_a_bound_is_in_the_class_that_it_closes(study_65: Study, diagnosis_65: Diagnosis) -> None:
    values = [0.0, 0.1, 5.0, 5.1, 10.0, 20.0, 20.1, float("nan")]
    table = pd.DataFrame({"service": SERVICE, "code": [f"{i:05d}" for i in range(len(values))], "penalty_min": values})
    found = penalty_classes(study_65, dataclasses.replace(diagnosis_65, competence=table), service=SERVICE)
    assert found.cat.categories.tolist() == LABELS
    assert [LABELS.index(label) for label in found] == [0, 1, 1, 2, 2, 3, 4, 5]


def test_every_studied_commune_has_the_class_of_its_penalty(study_65: Study, diagnosis_65: Diagnosis) -> None:
    found = penalty_classes(study_65, diagnosis_65, service=SERVICE)
    studied = study_65.communes.loc[study_65.communes["studied"], "code"]
    assert set(studied) <= set(found.index)
    none = diagnosis_65.competence.groupby("code")["penalty_min"].max() == 0
    assert (found[none[none].index] == "Aucune").all()


def test_the_same_bytes_twice_and_nothing_without_counters(study_65: Study, diagnosis_65: Diagnosis) -> None:
    once = draw_penalty_map(study_65, diagnosis_65)
    assert once is not None
    assert once.startswith(b"\x89PNG")
    assert once == draw_penalty_map(study_65, diagnosis_65)
    assert draw_penalty_map(study_65, dataclasses.replace(diagnosis_65, competence=pd.DataFrame())) is None
