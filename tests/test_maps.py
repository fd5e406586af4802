"""The published maps are those that the code of today makes."""

from __future__ import annotations

from pathlib import Path

import pytest

from sdaasp_geo import embedded_schemes
from sdaasp_geo.outputs.web_map import render_map
from sdaasp_geo.study import Measures, Study

MAPS = Path(__file__).resolve().parent.parent / "maps"


def test_one_map_per_scheme() -> None:
    assert sorted(path.stem for path in MAPS.glob("*.html")) == embedded_schemes()


@pytest.mark.parametrize(("name", "number"), [("hautes-pyrenees", "65"), ("alpes-de-haute-provence", "04")])
def test_published_map_is_current(name: str, number: str, request: pytest.FixtureRequest) -> None:
    study: Study = request.getfixturevalue(f"study_{number}")
    measures: Measures = request.getfixturevalue(f"measures_{number}")
    published = (MAPS / f"{name}.html").read_text(encoding="utf-8")
    assert published == render_map(study, measures), "run scripts/build_maps.py"
