"""Fixtures shared by the tests: the two studies, built once, and the real data that only a workshop holds."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings
from shared_runs import SharedRun, shared_run

from sdaasp_geo.pipeline import Question, choose_sites, diagnose, measure, prepare
from sdaasp_geo.scheme import read_scheme
from sdaasp_geo.study import Diagnosis, Measures, NewSites, Study

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT / ".." / "shared" / "data"

settings.register_profile("project", deadline=None, derandomize=True, max_examples=40)
settings.load_profile("project")


@pytest.fixture(scope="session")
def study_65() -> Study:
    """Layers of the Hautes-Pyrénées."""
    return prepare(read_scheme("hautes-pyrenees"))


@pytest.fixture(scope="session")
def measures_65(study_65: Study) -> Measures:
    """Measures on the Hautes-Pyrénées."""
    return measure(study_65)


@pytest.fixture(scope="session")
def diagnosis_65(study_65: Study, measures_65: Measures) -> Diagnosis:
    """Diagnosis of the Hautes-Pyrénées."""
    return diagnose(study_65, measures_65)


@pytest.fixture(scope="session")
def sites_65(study_65: Study) -> NewSites:
    """Three new France services within 15 minutes in the Hautes-Pyrénées."""
    return choose_sites(study_65, Question(service="france-services", count=3, threshold_min=15))


@pytest.fixture(scope="session")
def study_04() -> Study:
    """Layers of the Alpes-de-Haute-Provence."""
    return prepare(read_scheme("alpes-de-haute-provence"))


@pytest.fixture(scope="session")
def measures_04(study_04: Study) -> Measures:
    """Measures on the Alpes-de-Haute-Provence."""
    return measure(study_04)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], SharedRun]:
    """Run of an embedded scheme, to be read only: built once, also when several workers share the tests."""
    own = tmp_path_factory.getbasetemp()
    base = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    return lambda scheme: shared_run(scheme, base)


@pytest.fixture(scope="session")
def shared() -> Callable[[str], Path]:
    """Path of a file of the shared real data; the test is skipped where it is not at hand."""

    def find(name: str) -> Path:
        path = SHARED / name
        if not path.is_file():
            pytest.skip(f"the shared data file {name} is not at hand (expected in ../shared/data)")
        return path

    return find
