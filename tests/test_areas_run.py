"""Areas of operators from a file of a scheme, to the services that they settle: networks keep apart."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import geopandas as gpd
import msgspec
import pandas as pd
import pytest

from sdaasp_geo.analysis.competence import FROM_AREA, FROM_RULE, competent_access
from sdaasp_geo.errors import InputError
from sdaasp_geo.pipeline.areas import areas_for, competent_areas
from sdaasp_geo.study import Study

FS, MSAP = "france-services", "msap"
HOME, OTHER = "65440", "65059"


@pytest.fixture(scope="module")
def two_networks(study_65: Study) -> Study:
    """Add to the points an MSAP, a place of both networks, and a post office where the post has a France services."""
    points = study_65.points
    model = points[points["id"] == "fs-0392"]
    new = [("ms-1", MSAP, "Mairie"), ("deux", FS, "Mairie"), ("deux", MSAP, "Mairie")]
    new += [("poste", FS, "La Poste"), ("poste", "poste", "La Poste")]
    rows = [model.assign(id=id_, service=service, operateur=who) for id_, service, who in new]
    return dataclasses.replace(study_65, points=gpd.GeoDataFrame(pd.concat([points, *rows], ignore_index=True)))


def with_areas(study: Study, tmp_path: Path, *rows: tuple[str, str, str]) -> Study:
    path = tmp_path / "zones.csv"
    lines = ["operateur;code_commune;guichet;source;date_maj"]
    lines += [f"{who};{code};{counter};essai;2026-01-01" for who, code, counter in rows]
    path.write_text("\n".join(lines), encoding="utf-8")
    files = msgspec.structs.replace(study.scheme.fichiers, secteurs=str(path))
    return dataclasses.replace(study, scheme=msgspec.structs.replace(study.scheme, fichiers=files))


def settled(study: Study, service: str) -> list[list[str]]:
    given, _ = competent_areas(study)
    table = areas_for(given, study, service)
    assert (table["area_reason"] == "").all()
    own = table[table["operateur"].isin(["réseau", "La Poste"])]
    return own[["operateur", "code_commune", "guichet"]].to_numpy().tolist()


def test_counters_of_two_networks_are_competent_for_one_commune(two_networks: Study, tmp_path: Path) -> None:
    study = with_areas(two_networks, tmp_path, ("Pays", HOME, "fs-0392"), ("Mairie", HOME, "ms-1"))
    assert settled(study, FS) == [["réseau", HOME, "fs-0392"]]
    assert settled(study, MSAP) == [["réseau", HOME, "ms-1"]]


def test_a_counter_of_two_networks_is_competent_in_both(two_networks: Study, tmp_path: Path) -> None:
    study = with_areas(two_networks, tmp_path, ("Mairie", HOME, "deux"))
    assert [settled(study, service) for service in (FS, MSAP)] == [[["réseau", HOME, "deux"]]] * 2


def test_a_counter_of_a_network_stays_that_of_its_operator_for_its_other_services(
    two_networks: Study, tmp_path: Path
) -> None:
    study = with_areas(two_networks, tmp_path, ("La Poste", HOME, "poste"))
    assert settled(study, FS) == [["réseau", HOME, "poste"]]
    assert settled(study, "poste") == [["La Poste", HOME, "poste"]]


def test_two_counters_of_one_network_are_refused(two_networks: Study, tmp_path: Path) -> None:
    study = with_areas(two_networks, tmp_path, ("A", HOME, "fs-0392"), ("B", OTHER, "deux"), ("B", HOME, "deux"))
    with pytest.raises(InputError, match="d'un même réseau") as caught:
        competent_areas(study)
    assert [(fault.row, fault.value) for fault in caught.value.faults] == [(4, HOME)]


def test_an_area_of_one_network_leaves_the_other_to_the_rule(two_networks: Study, tmp_path: Path) -> None:
    study = with_areas(two_networks, tmp_path, ("Pays", HOME, "fs-0392"))
    given, _ = competent_areas(study)
    communes = study.communes[study.communes["code"] == HOME]
    for service, counter, assignment in ((FS, "fs-0392", FROM_AREA), (MSAP, "ms-1", FROM_RULE)):
        points = study.points[(study.points["service"] == service) & (study.points["id"] == counter)]
        pairs = pd.DataFrame(
            {"code": [HOME], "place": [counter], "time_min": [5.0], "low_min": [4.0], "high_min": [6.0]}
        )
        found = competent_access(
            communes, points.assign(operateur="réseau"), pairs, areas_for(given, study, service), service=service
        )
        assert found[["assignment", "competent_reason", "penalty_min"]].to_numpy().tolist() == [
            [assignment, "atteint", 0.0]
        ]
