"""Rules and settings: read from dated tables, replaced code by code."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from sdaasp_geo.errors import SchemeError
from sdaasp_geo.parameters import (
    number_setting,
    read_parameters,
    rules_of,
    service_names,
    setting,
    words_setting,
)

EDITION = dt.date(2026, 11, 22)

OWN_RULE = """
[[rule]]
code = "{code}"
service = "{service}"
threshold_min = {threshold}
beyond = "loin"
beyond_label = "Loin"
label = "Règle du département"
valid_from = 2020-01-01
reference = "Délibération du 1er janvier 2020"
"""


def own(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "parametres.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_embedded_rules_are_20_and_30_minutes_for_france_services() -> None:
    rules = rules_of(
        read_parameters(),
        codes=["france-services-30", "france-services-20"],
        services=["france-services"],
        date=EDITION,
    )
    assert [(rule.code, rule.threshold_min) for rule in rules] == [
        ("france-services-20", 20.0),
        ("france-services-30", 30.0),
    ]
    assert all(rule.service == "france-services" for rule in rules)


def test_every_rule_and_setting_says_where_it_comes_from() -> None:
    parameters = read_parameters()
    codes = [entry.code for entry in (*parameters.rule, *parameters.setting)]
    assert len(codes) == len(set(codes))
    for entry in (*parameters.rule, *parameters.setting):
        assert len(entry.reference) > 20
        assert entry.valid_from <= EDITION


def test_the_file_of_the_departement_replaces_by_code_and_adds(tmp_path: Path) -> None:
    text = OWN_RULE.format(code="france-services-20", service="france-services", threshold=15.0)
    text += OWN_RULE.format(code="caf-25", service="caf", threshold=25.0)
    text += (
        '[[setting]]\ncode = "portee-offre-km"\nvalue = 80.0\nunit = "km"\nvalid_from = 2020-01-01\nreference = "x"\n'
    )
    parameters = read_parameters(own(tmp_path, text))
    thresholds = {rule.code: rule.threshold_min for rule in parameters.rule}
    assert thresholds["france-services-20"] == 15.0
    assert thresholds["caf-25"] == 25.0
    assert thresholds["france-services-30"] == 30.0
    assert len(parameters.rule) == len(read_parameters().rule) + 1
    assert number_setting(parameters, "portee-offre-km") == 80.0
    assert number_setting(read_parameters(), "portee-offre-km") == 60.0


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (OWN_RULE.format(code="a", service="caf", threshold='"vingt"'), "threshold_min"),
        (OWN_RULE.format(code="a", service="caf", threshold=20).replace("beyond_label", "libelle"), "libelle"),
        ('[[rule]]\ncode = "a"\n', "service"),
        ('[[regle]]\ncode = "a"\n', "regle"),
        ("[[rule]\n", "parametres.toml"),
    ],
)
def test_a_wrong_file_names_its_key(tmp_path: Path, text: str, key: str) -> None:
    with pytest.raises(SchemeError, match=key):
        read_parameters(own(tmp_path, text))


def test_a_file_that_is_not_text_or_is_absent_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SchemeError, match=r"absent\.toml"):
        read_parameters(tmp_path / "absent.toml")
    path = tmp_path / "cp1252.toml"
    path.write_bytes('a = "é"'.encode("cp1252"))
    with pytest.raises(SchemeError, match=r"cp1252\.toml"):
        read_parameters(path)


def test_an_unknown_rule_is_named_with_those_available() -> None:
    with pytest.raises(SchemeError, match=r"france-services-25.*france-services-30"):
        rules_of(read_parameters(), codes=["france-services-25"], services=["france-services"], date=EDITION)


@pytest.mark.parametrize(("day", "valid"), [(dt.date(2019, 6, 30), False), (dt.date(2019, 7, 1), True)])
def test_a_rule_holds_from_its_first_day(day: dt.date, *, valid: bool) -> None:
    if valid:
        assert (
            len(rules_of(read_parameters(), codes=["france-services-30"], services=["france-services"], date=day)) == 1
        )
    else:
        with pytest.raises(SchemeError, match=r"2019-06-30.*france-services-30"):
            rules_of(read_parameters(), codes=["france-services-30"], services=["france-services"], date=day)


def test_settings_have_a_type() -> None:
    parameters = read_parameters()
    assert words_setting(parameters, "formats-permanents") == ("fixe", "antenne")
    assert number_setting(parameters, "bande-erreur") == 0.9
    with pytest.raises(SchemeError, match="formats-permanents"):
        number_setting(parameters, "formats-permanents")
    with pytest.raises(SchemeError, match="bande-erreur"):
        words_setting(parameters, "bande-erreur")
    with pytest.raises(SchemeError, match="inconnu"):
        setting(parameters, "inconnu")


def test_a_service_without_names_is_called_by_its_code() -> None:
    parameters = read_parameters()
    assert service_names(parameters, "mairie").nearest == "la mairie la plus proche"
    assert service_names(parameters, "france-travail").label == "France travail"
    assert "France travail" in service_names(parameters, "france-travail").nearest


def test_a_rule_for_a_service_that_is_not_measured_is_refused() -> None:
    with pytest.raises(SchemeError, match="n'est pas mesuré"):
        rules_of(read_parameters(), codes=["mairie-15"], services=["france-services"], date=EDITION)


@pytest.mark.parametrize(("day", "valid"), [(dt.date(2023, 12, 31), True), (dt.date(2024, 1, 1), False)])
def test_a_rule_holds_until_its_last_day(tmp_path: Path, day: dt.date, *, valid: bool) -> None:
    text = OWN_RULE.format(code="caf-25", service="caf", threshold=25.0) + "valid_to = 2023-12-31\n"
    parameters = read_parameters(own(tmp_path, text))
    if valid:
        assert len(rules_of(parameters, codes=["caf-25"], services=["caf"], date=day)) == 1
    else:
        with pytest.raises(SchemeError, match=r"plus en vigueur.*2024-01-01.*caf-25"):
            rules_of(parameters, codes=["caf-25"], services=["caf"], date=day)


def versions(tmp_path: Path, *periods: tuple[float, str, str]) -> Path:
    """Write versions of one rule: threshold, first day, and last day where there is one."""
    text = ""
    for threshold, start, end in periods:
        rule = OWN_RULE.format(code="caf-30", service="caf", threshold=threshold)
        text += rule.replace("valid_from = 2020-01-01", f"valid_from = {start}") + (
            f"valid_to = {end}\n" if end else ""
        )
    return own(tmp_path, text)


@pytest.mark.parametrize(
    ("day", "threshold"),
    [(dt.date(2016, 1, 1), 30.0), (dt.date(2025, 12, 31), 30.0), (dt.date(2026, 1, 1), 25.0), (EDITION, 25.0)],
)
def test_the_version_of_a_rule_in_force_is_chosen_by_date(tmp_path: Path, day: dt.date, threshold: float) -> None:
    path = versions(tmp_path, (25.0, "2026-01-01", ""), (30.0, "2016-01-01", "2025-12-31"))
    rules = rules_of(read_parameters(path), codes=["caf-30", "caf-30"], services=["caf"], date=day)
    assert [rule.threshold_min for rule in rules] == [threshold]


@pytest.mark.parametrize(
    ("day", "word"), [(dt.date(2015, 12, 31), "non encore"), (dt.date(2021, 6, 1), "ne sont plus")]
)
def test_no_version_of_a_rule_holds_before_the_first_nor_between_two(tmp_path: Path, day: dt.date, word: str) -> None:
    path = versions(tmp_path, (30.0, "2016-01-01", "2020-12-31"), (25.0, "2022-01-01", ""))
    with pytest.raises(SchemeError, match=f"{word}.*{day.isoformat()}.*caf-30"):
        rules_of(read_parameters(path), codes=["caf-30"], services=["caf"], date=day)


def test_own_versions_replace_the_embedded_rule_all_together(tmp_path: Path) -> None:
    rule = OWN_RULE.format(code="france-services-20", service="france-services", threshold=15.0)
    parameters = read_parameters(own(tmp_path, rule))  # valid from 2020: the embedded one, from 2019, is gone
    with pytest.raises(SchemeError, match="non encore"):
        rules_of(parameters, codes=["france-services-20"], services=["france-services"], date=dt.date(2019, 12, 31))


def test_parameters_that_contradict_themselves_are_refused_together(tmp_path: Path) -> None:
    path = versions(tmp_path, (30.0, "2016-01-01", "2026-01-01"), (25.0, "2026-01-01", "2025-01-01"))
    setting_ = '[[setting]]\ncode = "portee-offre-km"\nvalue = 80.0\nunit = "km"\nvalid_from = 2020-01-01\n'
    service = '[[service]]\ncode = "caf"\nlabel = "Caf"\nnearest = "la Caf"\nplural = "Caf"\n'
    text = path.read_text(encoding="utf-8") + 2 * (setting_ + 'reference = "x"\n') + 3 * service
    expected = (
        r"portee-offre-km, paramètre donné 2 fois.*caf, service donné 3 fois.*caf-30, fin de validité.*"
        r"caf-30, deux versions valables le 2026-01-01"
    )
    with pytest.raises(SchemeError, match=expected):
        read_parameters(own(tmp_path, text))
