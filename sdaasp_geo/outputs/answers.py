"""The page of deficits and actions face to face: matrix, what has no answer, what answers nothing, who is involved."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sdaasp_geo import french
from sdaasp_geo.analysis.answers import NOT_MEASURED
from sdaasp_geo.analysis.involved import ROLES
from sdaasp_geo.french import NBSP, count, number
from sdaasp_geo.outputs.answers_model import Facing, face
from sdaasp_geo.outputs.answers_sheets import (
    LEGEND,
    Cell,
    Row,
    Sheet,
    State,
    actions_cell,
    anchor,
    codes_of,
    few,
    lists,
    matrix,
    records,
    territory_label,
)
from sdaasp_geo.outputs.answers_tables import facing_tables
from sdaasp_geo.outputs.answers_texts import METHOD, figures_of, notes_of
from sdaasp_geo.outputs.escape import plain_text
from sdaasp_geo.outputs.headline import sources_line
from sdaasp_geo.outputs.page_templates import page_template
from sdaasp_geo.outputs.tables import Table
from sdaasp_geo.study import Measures, Study

FILE = "ecarts.html"


def answers_tables(study: Study, measures: Measures, *, facing: Facing | None = None) -> list[Table]:
    """Gather the tables of deficits and actions to publish; none where the scheme gives no plan."""
    return facing_tables(facing or face(study, measures)) if study.programme else []


def write_answers(
    study: Study, measures: Measures, folder: Path, *, facing: Facing | None = None
) -> list[dict[str, str]]:
    """Write the page in a folder, made where it is missing; nothing is written where the scheme gives no plan.

    Returns
    -------
    list of dict
        ``href`` (relative to the parent of ``folder``), ``label``, ``note``: what an index page links to.
    """
    if study.programme is None:
        return []
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE).write_text(render_answers(study, measures, facing=facing), encoding="utf-8")
    label = "Écarts et actions, par intercommunalité et par thème"
    return [{"href": f"{folder.name}/{FILE}", "label": label, "note": ""}]


def render_answers(study: Study, measures: Measures, *, facing: Facing | None = None) -> str:
    """Render the page; it loads nothing from elsewhere. Deficits and actions are set face to face unless given."""
    facing = facing or face(study, measures)
    return page_template("ecarts.html.j2").render(
        title=f"Écarts et actions{NBSP}: {plain_text(study.departement_name)}",
        subtitle=f"{plain_text(study.scheme.nom)}. Édition du {french.date(study.scheme.edition)}.",
        figures=figures_of(facing),
        notes=[*notes_of(facing, study), *_programme_notes(study)],
        states=[State(*given) for given in LEGEND.values()],
        matrix=matrix(facing),
        lists=lists(facing),
        territories=[_territory(facing, code) for code in facing.territories],
        method=METHOD,
        sources=sources_line(study),
    )


def _programme_notes(study: Study) -> list[str]:
    return [] if study.programme else [f"Ce schéma ne donne pas de plan d'actions{NBSP}: aucun déficit n'a de réponse."]


@dataclass(frozen=True)
class Territory:
    """One EPCI, or the département: its criteria, its actions that aim at nothing measured, who is involved."""

    key: str
    name: str
    gaps: Sheet
    operators: Sheet


def _territory(facing: Facing, code: str) -> Territory:
    name = territory_label(facing, code)
    gaps = facing.answers.gaps[facing.answers.gaps["territory"] == code]
    rows = tuple(
        (
            Cell((facing.theme(row["theme"]),)),
            Cell((facing.criterion(row["criterion"]) or "aucun critère",)),
            Cell((plain_text(row["reason"]),) if row["state"] == NOT_MEASURED else (), State(*LEGEND[row["state"]])),
            _size(row, "communes"),
            _size(row, "population"),
            actions_cell(facing, row),
        )
        for row in records(gaps)
    )
    header = ("Thème", "Critère", "État", "Communes en déficit", "Leurs habitants", "Actions qui le visent")
    note = f"{name}{NBSP}: chaque critère appliqué, et chaque thème que vise une action."
    return Territory(anchor(facing, code), name, Sheet(name, note, header, rows), _operators(facing, code))


def _size(row: Row, what: str) -> Cell:
    if row["state"] == NOT_MEASURED:
        return Cell(("–",), figure=True)
    lines = [number(row[f"{what}_deficit"])]
    if row[f"{what}_not_measured"]:
        lines.append(count(row[f"{what}_not_measured"], "non mesuré"))
    return Cell(tuple(lines), figure=True)


def _operators(facing: Facing, code: str) -> Sheet:
    table = facing.operators[facing.operators["territory"] == code]
    rows = []
    for theme, own in table.groupby("theme", sort=False):
        cells = [Cell(tuple(_operator(row) for row in records(own[own["role"] == role])) or ("–",)) for role in ROLES]
        rows.append((Cell((facing.theme(str(theme)),)), *cells))
    note = "Pilotes et partenaires des actions, tels qu'écrits dans le plan\u202f; opérateurs des lieux mesurés."
    header = ("Thème", "Pilotes", "Partenaires", "Opérateurs de lieux")
    return Sheet("Opérateurs concernés", note, header, tuple(rows), "Aucun opérateur connu.")


def _operator(row: Row) -> str:
    name = plain_text(row["operator"])
    if row["places"]:
        services = ", ".join(codes_of(row["services"]))
        return f"{name}{NBSP}: {count(row['places'], 'lieu', 'lieux')} ({services})"
    return f"{name} ({few(codes_of(row['actions']))})"
