"""What only computes and draws, kept from a first run: a campaign on the writing stage then goes on at its own pace."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

_DRAWN = {
    "folder": "face convention_documents answers_tables diagnosis_tables plan_tables headline_figures draw_penalty_map",
    "static_map": "draw_departement_map draw_epci_map alt_text",
    "annexe": "annexe_facts",
    "annexe_html": "render_html",
    "annexe_docx": "render_docx",
    "annexe_pdf": "render_pdf",
    "tables": "build_tables",
    "geopackage": "build_layers",
    "map_atlas": "map_themes display_shapes render_atlas render_theme",
    "conventions": "render_convention",
    "answers": "render_answers",
    "negotiation": "render_page render_workbook",
    "site": "render_home render_decisions draw_share_picture render_data",
    "epci_pages": "render_epci",
}


def remember_drawings() -> list[list[int]]:
    """Make what only computes and draws answer at once after a first run; return the turns, to set back to zero."""
    turns = []
    for name, functions in _DRAWN.items():
        module = importlib.import_module(f"sdaasp_geo.outputs.{name}")
        for function in functions.split():
            turn = [0]
            setattr(module, function, _remembered(getattr(module, function), turn))
            turns.append(turn)
    tables = importlib.import_module("sdaasp_geo.outputs.tables")
    draw, kept = tables._write_workbook, []  # noqa: SLF001 - the slowest writing; its bytes are written again

    def workbook(listed: list[Any], path: Path, **options: Any) -> Path:  # noqa: ANN401
        if not kept:
            kept.append(draw(listed, path, **options).read_bytes())
        path.write_bytes(kept[0])
        return path

    tables._write_workbook = workbook  # noqa: SLF001
    return turns


def _remembered(function: Callable[..., Any], turn: list[int]) -> Callable[..., Any]:
    made: list[Any] = []

    def answer(*given: Any, **options: Any) -> Any:  # noqa: ANN401
        if turn[0] == len(made):
            made.append(function(*given, **options))
        turn[0] += 1
        return made[turn[0] - 1]

    return answer
