"""The folder of a yearly report: the report in three formats, a page for each Journée des services, the manifest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sdaasp_geo.analysis import yearly
from sdaasp_geo.analysis.coverage import NO_TERRITORY
from sdaasp_geo.french import NBSP
from sdaasp_geo.outputs.escape import safe_file_stem
from sdaasp_geo.outputs.manifest import describe_run, warnings_of, write_manifest
from sdaasp_geo.outputs.yearly_docx import render_docx
from sdaasp_geo.outputs.yearly_html import render_day, render_report
from sdaasp_geo.outputs.yearly_model import Document, Year
from sdaasp_geo.outputs.yearly_petr import OUTSIDE_STEM, Place, day_document, places_of
from sdaasp_geo.outputs.yearly_report import report_document
from sdaasp_geo.outputs.yearly_workbook import render_workbook

REPORT, WORD, WORKBOOK, DAYS = "bilan.html", "bilan.docx", "bilan.xlsx", "journees"


def write_yearly(year: Year, folder: Path, *, version: str) -> Document:
    """Write a yearly report and the pages of the Journées des services in an existing empty folder.

    Returns
    -------
    Document
        The report that was written.
    """
    report = report_document(year)
    days = write_days(year, folder / DAYS)
    files = (
        (WORD, "Bilan à modifier (DOCX)"),
        (WORKBOOK, "Tableaux du bilan (XLSX)"),
        *((f"{DAYS}/{name}", f"Journée des services{NBSP}: {label}") for name, label in days),
    )
    (folder / REPORT).write_text(render_report(report, files=files), encoding="utf-8")
    (folder / WORD).write_bytes(render_docx(report))
    (folder / WORKBOOK).write_bytes(render_workbook(report))
    write_manifest(_manifest(year, report, version=version), folder)
    return report


def write_days(year: Year, folder: Path) -> list[tuple[str, str]]:
    """Write the page of each Journée des services; return the name of its file and its territory."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for place in places_of(year):
        name = f"{_stem(place)}.html"
        (folder / name).write_text(render_day(day_document(year, place)), encoding="utf-8")
        written.append((name, place.name))
    return written


def _stem(place: Place) -> str:
    return OUTSIDE_STEM if place.code == NO_TERRITORY else safe_file_stem(place.code, "")


def _manifest(year: Year, report: Document, *, version: str) -> dict[str, Any]:
    run = describe_run(year.study, year.measures.method, version=version)
    compared = {}
    if year.comparison is not None:
        compared["before"] = describe_run(year.comparison.before, year.comparison.methods[0], version=version)
    counted = yearly.count_situations(year.actions)
    return {
        **run,
        "question": {"kind": "yearly_report", "year": year.year},
        **compared,
        "counts": {
            "actions": len(year.actions),
            "situations": dict(zip(counted["situation"], map(int, counted["actions"]), strict=True)),
            "contributions_missing": int((year.actions["contribution"] == yearly.MISSING).sum()),
        },
        "answer": [f"{figure.value} {figure.label}" for figure in report.figures],
        "warnings": list(dict.fromkeys((*warnings_of(year.study, year.measures), *report.notes))),
        "undecided": [
            f"{decision.document}{NBSP}: {decision.what}"
            + (f" ({', '.join(decision.places)})" if decision.places else "")
            for decision in year.programme.decisions
        ],
    }
