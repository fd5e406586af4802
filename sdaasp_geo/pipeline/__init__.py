"""Where the stages meet: sources → layers → travel → analysis → outputs."""

from __future__ import annotations

from sdaasp_geo.pipeline.comparison import COMPARISON_STEPS, compare, compare_editions
from sdaasp_geo.pipeline.diagnosis import diagnose
from sdaasp_geo.pipeline.measurement import measure
from sdaasp_geo.pipeline.preparation import prepare
from sdaasp_geo.pipeline.production import ANNEX_STEPS, BUILD_STEPS, annexe, build, init
from sdaasp_geo.pipeline.roads import ROAD_STEPS, build_roads, describe_roads, fetch_roads
from sdaasp_geo.pipeline.siting import SITING_STEPS, Question, choose_sites, sites

__all__ = [
    "ANNEX_STEPS",
    "BUILD_STEPS",
    "COMPARISON_STEPS",
    "ROAD_STEPS",
    "SITING_STEPS",
    "Question",
    "annexe",
    "build",
    "build_roads",
    "choose_sites",
    "compare",
    "compare_editions",
    "describe_roads",
    "diagnose",
    "fetch_roads",
    "init",
    "measure",
    "prepare",
    "sites",
]
