"""Contracts of the layers: a layer that breaks one is refused, with every fault."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from sdaasp_geo.errors import InputError
from sdaasp_geo.layers.contracts import COMMUNES, EPCI, SERVICE_POINTS, check_layer
from sdaasp_geo.study import Study


def communes(study: Study) -> pd.DataFrame:
    return study.communes.head(5).reset_index(drop=True).copy()


def test_real_layers_satisfy_their_contracts(study_65: Study, study_04: Study) -> None:
    for study in (study_65, study_04):
        check_layer(study.communes, COMMUNES)
        check_layer(study.epci, EPCI)
        check_layer(study.points, SERVICE_POINTS)
        assert study.communes.geometry.isna().sum() == 0
        assert study.epci.geometry.isna().sum() == 0


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("code", "4001"),
        ("code", "2C001"),
        ("name", ""),
        ("departement", "6"),
        ("epci", "20006930"),
        ("population", -1),
        ("vintage", 2023),
    ],
)
def test_one_wrong_value_is_located(study_65: Study, column: str, value: Any) -> None:  # noqa: ANN401
    layer = communes(study_65)
    layer.loc[3, column] = value
    with pytest.raises(InputError) as caught:
        check_layer(layer, COMMUNES)
    faults = caught.value.faults
    assert faults[0].file == "couche communes"
    if column != "vintage":
        assert [(fault.row, fault.column, fault.value) for fault in faults] == [(4, column, str(value))]
    else:
        assert all("un seul millésime" in fault.expected for fault in faults)


def test_a_repeated_code_and_a_missing_epci_are_told_together(study_65: Study) -> None:
    layer = communes(study_65)
    layer.loc[1, "code"] = layer.loc[0, "code"]
    layer.loc[2, "epci"] = None
    with pytest.raises(InputError) as caught:
        check_layer(layer, COMMUNES)
    text = str(caught.value)
    assert layer.loc[0, "code"] in text
    assert "epci ou motif" in text


def test_an_epci_that_does_not_add_up_is_refused(study_65: Study) -> None:
    layer = study_65.epci.copy()
    layer.loc[6, "population_inside"] += 1
    with pytest.raises(InputError, match=r"entier = dedans \+ dehors"):
        check_layer(layer, EPCI)


def test_a_repeated_place_and_service_is_refused(study_65: Study) -> None:
    layer = study_65.points.head(4).reset_index(drop=True).copy()
    layer.loc[1, "id"] = layer.loc[0, "id"]
    with pytest.raises(InputError):
        check_layer(layer, SERVICE_POINTS)
