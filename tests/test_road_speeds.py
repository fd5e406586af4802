"""Speeds by class of road: dated, sourced, replaced by those of the département, never zero."""

from __future__ import annotations

import datetime as dt
import math
from pathlib import Path

import pytest

from sdaasp_geo.errors import SchemeError
from sdaasp_geo.road_speeds import (
    cap_keys,
    caps_kmh,
    limits_kmh,
    read_road_parameters,
    road_setting,
    speeds_kmh,
)

DATED = 'unit = "km/h"\nvalid_from = 2026-01-01\nreference = "Comptages du département, 2025"\n'


def own(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "vitesses.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_every_figure_has_a_unit_a_date_and_a_source() -> None:
    parameters = read_road_parameters()
    entries = (*parameters.speed, *parameters.cap, *parameters.limit, *parameters.setting)
    assert len(entries) > 50
    for entry in entries:
        assert entry.unit
        assert len(entry.reference) > 15
        assert entry.valid_from <= dt.date(2026, 11, 22)


def test_faster_classes_are_faster_and_links_slower_than_their_road() -> None:
    speeds = speeds_kmh(read_road_parameters())
    ranked = ["motorway", "trunk", "primary", "secondary", "tertiary", "unclassified", "service", "ferry"]
    assert [speeds[name] for name in ranked] == sorted((speeds[name] for name in ranked), reverse=True)
    for name in ("motorway", "trunk", "primary", "secondary", "tertiary"):
        assert speeds[f"{name}_link"] < speeds[name]
    assert speeds["motorway"] == 90.0


def test_caps_limits_and_settings_are_read_by_name() -> None:
    parameters = read_road_parameters()
    assert cap_keys(parameters) == ("surface", "tracktype", "smoothness", "junction")
    assert caps_kmh(parameters, "junction") == {"roundabout": 25.0, "circular": 25.0}
    assert caps_kmh(parameters, "surface")["gravel"] == 40.0
    assert limits_kmh(parameters)["fr:rural"] == 80.0
    assert road_setting(parameters, "part-vitesse-limite") == 0.8
    assert road_setting(parameters, "marche-kmh") == 5.0
    assert road_setting(parameters, "rattachement-max-m") == 1000.0
    with pytest.raises(SchemeError, match="inconnu"):
        road_setting(parameters, "inconnu")


def test_the_file_of_the_departement_replaces_and_adds(tmp_path: Path) -> None:
    text = f'[[speed]]\nroad_class = "tertiary"\nlabel = "Route tertiaire"\nkmh = 48.0\n{DATED}'
    text += f'[[cap]]\nkey = "surface"\nvalues = ["gravel"]\nkmh = 30.0\n{DATED}'
    text += f'[[limit]]\nname = "fr:rural"\nkmh = 90.0\n{DATED}'
    text += f'[[setting]]\ncode = "rattachement-max-m"\nvalue = 500.0\n{DATED}'
    parameters = read_road_parameters(own(tmp_path, text))
    embedded = read_road_parameters()
    assert speeds_kmh(parameters) == speeds_kmh(embedded) | {"tertiary": 48.0}
    assert caps_kmh(parameters, "surface") == caps_kmh(embedded, "surface") | {"gravel": 30.0}
    assert limits_kmh(parameters)["fr:rural"] == 90.0
    assert road_setting(parameters, "rattachement-max-m") == 500.0


@pytest.mark.parametrize("kmh", [0.0, -50.0, math.nan, math.inf])
def test_speeds_are_above_zero(tmp_path: Path, kmh: float) -> None:
    for head in (
        '[[speed]]\nroad_class = "tertiary"\nlabel = "x"\n',
        '[[cap]]\nkey = "surface"\nvalues = ["tertiary"]\n',
        '[[limit]]\nname = "tertiary"\n',
    ):
        with pytest.raises(SchemeError, match=r"vitesses\.toml.*tertiary.*supérieur à zéro"):
            read_road_parameters(own(tmp_path, f"{head}kmh = {kmh}\n{DATED}"))


def test_a_setting_may_be_zero_but_not_less(tmp_path: Path) -> None:
    text = '[[setting]]\ncode = "bac-attente-min"\nvalue = {}\n' + DATED
    assert road_setting(read_road_parameters(own(tmp_path, text.format(0.0))), "bac-attente-min") == 0.0
    with pytest.raises(SchemeError, match="bac-attente-min"):
        read_road_parameters(own(tmp_path, text.format(-1.0)))


@pytest.mark.parametrize(
    "text", ["[[speed]\n", '[[speed]]\nroad_class = "x"\n', "[[vitesse]]\nkmh = 3\n", f"[[limit]]\nkm = 3.0\n{DATED}"]
)
def test_a_wrong_file_is_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(SchemeError, match=r"vitesses\.toml"):
        read_road_parameters(own(tmp_path, text))


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SchemeError, match=r"absent\.toml"):
        read_road_parameters(tmp_path / "absent.toml")
