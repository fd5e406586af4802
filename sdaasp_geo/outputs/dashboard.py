"""The dashboard of a scheme (tableau de bord): one page that makes no request, and its workbook."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd
from markupsafe import Markup

from sdaasp_geo import french
from sdaasp_geo.analysis.followup import DATED, DATINGS, DECLARED, OVERDUE, RECEIVED, SHOWN_STATUSES
from sdaasp_geo.french import NBSP
from sdaasp_geo.outputs.dashboard_gantt import (
    HEIGHT,
    WIDTH,
    Axis,
    calendar_axis,
    calendar_bars,
    day_path,
    grid_path,
    short_date,
)
from sdaasp_geo.outputs.dashboard_model import Dashboard, build_dashboard
from sdaasp_geo.outputs.dashboard_tables import (
    BLANKS,
    asked_table,
    budget_table,
    count_tables,
    due_sentence,
    due_tables,
    governance_tables,
    late_tables,
)
from sdaasp_geo.outputs.dashboard_workbook import render_dashboard_workbook
from sdaasp_geo.outputs.escape import inline_script, plain_text
from sdaasp_geo.outputs.governance_map import draw_governance_map, governance_alt
from sdaasp_geo.outputs.headline import Figure
from sdaasp_geo.outputs.page_templates import page_template
from sdaasp_geo.study import Study

PAGE, WORKBOOK, MAP = "tableau-de-bord.html", "tableau-de-bord.xlsx", "gouvernance.png"
"""Files that `write_dashboard` leaves."""

FICTIONAL = "exemple fictif"
_TEMPLATES = Path(__file__).resolve().parent / "templates"
_PARTS = (
    ("comptes", "Où en est le plan"),
    ("retards", "Retards"),
    ("dus", "Ce qui est dû"),
    ("liste", "Actions"),
    ("calendrier", "Calendrier"),
    ("indicateurs", "Indicateurs"),
    ("euros", "Budgets"),
    ("savoir", "À savoir"),
)
_LATE_KEYS = {"declare": DECLARED, "depasse": OVERDUE, "un-des-deux": "l'un ou l'autre"}
_PNG_HEIGHT = slice(20, 24)


def write_dashboard(study: Study, folder: Path, *, day: dt.date | None = None) -> list[dict[str, str]]:
    """Write the dashboard: the page, the workbook, the map of governance.

    Parameters
    ----------
    study : Study
        With a programme.
    folder : Path
        Where to write; made where it does not exist.
    day : date, optional
        Day of reference; the edition of the scheme by default.

    Returns
    -------
    list of dict
        ``href`` (relative to the parent of ``folder``), ``label``, ``note``: what an index page links to.
    """
    board = build_dashboard(study, day=day)
    picture = draw_governance_map(study, board.indicators)
    alt = governance_alt(study, board.indicators)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / PAGE).write_text(render_dashboard(board, map_png=picture, alt=alt), encoding="utf-8")
    (folder / WORKBOOK).write_bytes(render_dashboard_workbook(board))
    links = [
        {"href": f"{folder.name}/{PAGE}", "label": "Tableau de bord du schéma", "note": ""},
        {"href": f"{folder.name}/{WORKBOOK}", "label": "Classeur du tableau de bord", "note": " (XLSX)"},
    ]
    if picture is not None:
        (folder / MAP).write_bytes(picture)
        links.append({"href": f"{folder.name}/{MAP}", "label": "Carte de la gouvernance locale", "note": " (PNG)"})
    return links


def render_dashboard(board: Dashboard, *, map_png: bytes | None = None, alt: str = "") -> str:
    """Write the dashboard as one self-contained HTML page.

    Scripts, styles and the map are inlined; the content security policy lets only those run. Every action is in the
    page; the script hides those that the filters leave out, and, beyond 200, those that were not asked for.

    Parameters
    ----------
    board : Dashboard
        What it says (`dashboard_model.build_dashboard`).
    map_png, alt : bytes, str
        Map of governance and its words (`governance_map`).
    """
    axis = calendar_axis(board.stand, day=board.day)
    dated, undated = calendar_bars(board.stand, axis)
    css, script = _style(axis), inline_script(_read("tableau-de-bord.js"))
    return page_template("tableau-de-bord.html.j2").render(
        board=board,
        policy=_policy(script, css),
        css=_trusted(css),
        script=_trusted(script),
        fictional=FICTIONAL in f"{board.scheme} {board.reference}".lower(),
        day=french.date(board.day),
        edition=french.date(board.edition),
        parts=_PARTS,
        figures=_figures(board),
        options=_options(board),
        actions=_rows(board),
        statuses=SHOWN_STATUSES,
        dated=dated,
        undated=undated,
        width=WIDTH,
        height=HEIGHT,
        ticks=axis.ticks,
        grid=grid_path(axis),
        today=day_path(axis),
        map=base64.b64encode(map_png).decode("ascii") if map_png else "",
        map_height=int.from_bytes(map_png[_PNG_HEIGHT], "big") if map_png else 0,
        alt=plain_text(alt),
        blanks=BLANKS,
        totals=("Total", "Département"),
        workbook=WORKBOOK,
        method=_method(board),
        nbsp=NBSP,
        **_tables(board),
    )


def _tables(board: Dashboard) -> dict[str, object]:
    return {
        "counts": count_tables(board),
        "late": late_tables(board),
        "due": due_tables(board),
        "due_sentence": due_sentence(board),
        "asked": asked_table(board),
        "governance": governance_tables(board),
        "budget": budget_table(board),
    }


def _read(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")


def _trusted(text: str) -> Markup:
    """Mark a text of the package as needing no escape."""
    return Markup(text)  # noqa: S704 - files of the package and figures, no data


def _style(axis: Axis) -> str:
    """Return the style of the page, with the places of the years (an attribute would need a looser policy)."""
    ticks = "".join(f".t{rank} {{ left: {place:.2f}%; }}\n" for rank, (_, place) in enumerate(axis.ticks))
    return f"{_read('page.css')}{_read('tableau-de-bord.css')}{ticks}"


def _policy(script: str, css: str) -> str:
    """Return the content security policy: nothing is loaded, and only this script and this style count."""
    allowed = [
        base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii") for text in (script, css)
    ]
    return (
        f"default-src 'none'; script-src 'sha256-{allowed[0]}'; style-src 'sha256-{allowed[1]}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _figures(board: Dashboard) -> list[Figure]:
    """Return the figures that matter: actions, declared late, overdue, and syntheses still due."""
    number, silent = len(board.stand), int((board.stand["status"] == SHOWN_STATUSES[-1]).sum())
    late, over = int(board.stand["declared_late"].sum()), int(board.stand["overdue"].sum())
    awaited = int((board.reports["state"] != RECEIVED).sum())
    known = "" if not silent else f", dont {silent} sans statut renseigné"
    return [
        Figure(french.number(number), f"{'actions' if number > 1 else 'action'} au plan{known}"),
        Figure(french.number(late), f"au statut «{NBSP}en retard{NBSP}»"),
        Figure(french.number(over), "à l'échéance dépassée, ni réalisées ni abandonnées"),
        Figure(french.number(awaited), f"synthèses attendues des porteurs, sur {len(board.reports)}"),
    ]


def _options(board: Dashboard) -> Mapping[str, list[tuple[str, str]]]:
    """Return the choices of each filter, with how many actions each has."""
    return {
        "statut": _choices(board.statuses[["status", "status", "actions"]]),
        "orientation": _choices(board.by_orientation[["group", "label", "total"]]),
        "epci": _choices(board.by_territory[["group", "label", "total"]]),
        "porteur": _choices(board.by_lead[["group", "label", "total"]]),
        "retard": _late_choices(board.stand),
        "dates": [(kind, f"{kind} ({int((board.stand['dating'] == kind).sum())})") for kind in DATINGS],
    }


def _choices(rows: pd.DataFrame) -> list[tuple[str, str]]:
    return [
        (plain_text(key) or "non-renseigne", f"{plain_text(label)} ({number})")
        for key, label, number in rows.itertuples(index=False, name=None)
    ]


def _late_choices(stand: pd.DataFrame) -> list[tuple[str, str]]:
    declared, overdue = stand["declared_late"], stand["overdue"]
    numbers = (int(declared.sum()), int(overdue.sum()), int((declared | overdue).sum()))
    return [(key, f"{label} ({number})") for (key, label), number in zip(_LATE_KEYS.items(), numbers, strict=True)]


def _rows(board: Dashboard) -> list[dict[str, object]]:
    """Return the actions as the list of the page shows them, in the order of the plan."""
    ranks = {status: rank for rank, status in enumerate(SHOWN_STATUSES)}
    return [
        {
            "code": plain_text(row["code"]),
            "title": plain_text(row["title"]),
            "merged": plain_text(row["merged_into"]),
            "status": row["status"],
            "rank": ranks[row["status"]],
            "overdue": row["overdue"],
            "orientation": row["orientation_label"],
            "orientation_key": plain_text(row["orientation"]) or "non-renseigne",
            "objective": row["objective_label"],
            "territories": row["territories"],
            "territory_keys": row["territory_keys"],
            "leads": row["leads"],
            "lead_keys": row["lead_keys"],
            "progress": "non dit"
            if pd.isna(row["progress_pct"])
            else french.percent(row["progress_pct"] / 100, digits=0),
            "words": plain_text(row["words"]),
            "dating": row["dating"],
            "note": row["dates_reason"] if row["dating"] != DATED else "",
            "late_keys": " ".join(_late_of(row["declared_late"], row["overdue"])),
            "report": "non renseigné" if pd.isna(row["last_report"]) else short_date(row["last_report"].date()),
        }
        for row in board.stand.to_dict("records")
    ]


def _late_of(declared: object, overdue: object) -> Iterable[str]:
    kinds = [key for key, late in zip(_LATE_KEYS, (declared, overdue), strict=False) if late]
    return [*kinds, *(["un-des-deux"] if kinds else [])]


def _method(board: Dashboard) -> str:
    return (
        f"Une échéance est dépassée quand le dernier jour de l'action est avant le {french.date(board.day)}{NBSP}: une "
        "action qui finit ce jour-là ne l'est pas. Les dates sont lues dans les mots de la fiche, qui restent écrits à "
        f"côté\u202f; ce que personne n'a dit est «{NBSP}non renseigné{NBSP}», et compte comme tel."
    )
