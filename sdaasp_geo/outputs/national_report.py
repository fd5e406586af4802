"""The report of a national run: a line for each département and the totals, as a page, a table and JSON.

Always the same bytes: nothing in it depends on when, where or in how many processes the départements were built. Times
and memory are printed (`write_measures` keeps them apart), and a département that was already there reads as one built.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from sdaasp_geo import french
from sdaasp_geo.errors import OutputError
from sdaasp_geo.french import NBSP
from sdaasp_geo.outputs.escape import csv_cell, plain_text, visible_text
from sdaasp_geo.outputs.national_figures import Figures, Line, Within, add_up
from sdaasp_geo.outputs.page_shell import policy
from sdaasp_geo.outputs.page_templates import TEMPLATES, page_template

PAGE, TABLE, DATA = "rapport.html", "rapport.csv", "rapport.json"
DONE, FAILED = "fait", "échec"
_SCHEMA = "sdaasp_geo/national/1"
_TITLE = "Schémas départementaux de France"
_COLUMNS = {
    "code": "code",
    "name": "nom",
    "state": "etat",
    "reason": "motif",
    "vintage": "millesime",
    "communes": "communes",
    "population": "habitants",
    "epci": "epci_signataires",
    "points": "points_de_service",
    "warnings": "a_savoir",
    "decisions": "a_decider",
}
_SIDES = {"within": "dans_seuil", "beyond": "hors_seuil", "not_measured": "non_mesures"}
_COUNTS = tuple(_COLUMNS)[5:]


@dataclass(frozen=True)
class Report:
    """A national run as it is published.

    Attributes
    ----------
    version : str
        Version of the package.
    lines : sequence of Line
        The départements that were asked for, by code.
    expected : Mapping
        Code of the département → its communes and their population, from the legal populations of its vintage.
    twice : sequence of str
        Communes counted in two départements, which only schemes of two vintages can do.
    """

    version: str
    lines: Sequence[Line]
    expected: Mapping[str, tuple[int, int]]
    twice: Sequence[str] = ()

    @property
    def failed(self) -> list[Line]:
        """Départements without result."""
        return [line for line in self.lines if line.figures is None]

    @property
    def communes(self) -> int:
        """Communes of the départements that were asked for."""
        return sum(communes for communes, _ in self.expected.values())

    @property
    def population(self) -> int:
        """Inhabitants of the départements that were asked for."""
        return sum(population for _, population in self.expected.values())


def check_folder(folder: Path) -> None:
    """Refuse to replace a report that is not ours.

    Raises
    ------
    OutputError
        When the folder is a file, or has a file of one of our names that is not a report.
    """
    if folder.exists() and not folder.is_dir():
        message = f"{folder} est un fichier{NBSP}: rien n'a été écrit. Choisissez un autre dossier."
        raise OutputError(message)
    present = [name for name in (PAGE, TABLE, DATA) if (folder / name).exists()]
    if present and not _is_report(folder / DATA):
        message = (
            f"{folder} contient {french.listing(present)}, qui ne vient pas de sdaasp build --all{NBSP}: rien n'a été "
            "écrit. Choisissez un autre dossier."
        )
        raise OutputError(message)


def _is_report(path: Path) -> bool:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and content.get("schema") == _SCHEMA


def write_report(report: Report, folder: Path) -> list[str]:
    """Write the report as a page, a table and JSON; return the names of the files."""
    total = add_up(report.lines)
    texts = {PAGE: _page(report, total), TABLE: _table(report, total), DATA: _data(report, total)}
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8-sig" if name == TABLE else "utf-8", newline="")
    return sorted(texts)


def _data(report: Report, total: Figures) -> str:
    content = {
        "schema": _SCHEMA,
        "version": report.version,
        "departements": [
            {
                "code": line.code,
                "name": visible_text(line.name),
                "state": _state(line),
                "reason": visible_text(line.reason),
                "vintage": line.vintage,
                "manifest_sha256": line.manifest,
                **({} if line.figures is None else dataclasses.asdict(line.figures)),
            }
            for line in report.lines
        ],
        "total": dataclasses.asdict(total),
        "reconciliation": {
            "communes_asked": report.communes,
            "population_asked": report.population,
            "communes_missing": report.communes - total.communes,
            "population_missing": report.population - total.population,
            "communes_counted_twice": list(report.twice),
        },
    }
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def _table(report: Report, total: Figures) -> str:
    rules = list(total.rules)
    header = [*_COLUMNS.values(), *(f"{rule}:{side}" for rule in rules for side in _SIDES.values())]
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(csv_cell(name) for name in header)
    for line in report.lines:
        own: list[Any] = [line.code, plain_text(line.name), _state(line), plain_text(line.reason), line.vintage]
        rows.writerow(csv_cell(value) for value in (*own, *_values(line.figures, rules)))
    rows.writerow(("total", "", "", "", "", *_values(total, rules)))
    return out.getvalue()


def _values(figures: Figures | None, rules: Sequence[str]) -> list[int | str]:
    """List the figures of a line, blank where there is none."""
    if figures is None:
        return [""] * (len(_COUNTS) + len(rules) * len(_SIDES))
    people = [figures.rules.get(rule) for rule in rules]
    counts = [int(getattr(figures, name)) for name in _COUNTS]
    return [*counts, *("" if own is None else int(getattr(own, side)) for own in people for side in _SIDES)]


def _page(report: Report, total: Figures) -> str:
    css = (TEMPLATES / "page.css").read_text(encoding="utf-8")
    done = len(report.lines) - len(report.failed)
    heads = [
        (f"{done} / {len(report.lines)}", "départements faits"),
        (french.number(total.communes), f"communes sur {french.number(report.communes)}"),
        (french.number(total.population), f"habitants sur {french.number(report.population)}"),
    ]
    return page_template("rapport.html.j2").render(
        title=_TITLE,
        subtitle=_sentence(report, total),
        figures=heads,
        failures=[(line.code, plain_text(line.name), plain_text(line.reason)) for line in report.failed],
        rules=[plain_text(rule) for rule in total.rules],
        rows=[_row(line, total.rules) for line in report.lines],
        total=[*_shown(total), *(_share(total.rules[rule]) for rule in total.rules)],
        css=Markup(css),  # noqa: S704 - our own file
        policy=policy(css),
        files=(TABLE, DATA),
        nbsp=NBSP,
    )


def _row(line: Line, rules: Mapping[str, Within]) -> dict[str, object]:
    figures = line.figures
    shown = [""] * (len(_COUNTS) + len(rules)) if figures is None else _shown(figures)
    if figures is not None:
        shown += [_share(figures.rules[rule]) if rule in figures.rules else "" for rule in rules]
    href = "" if figures is None else f"{line.code}/index.html"
    return {"code": line.code, "name": plain_text(line.name), "state": _state(line), "href": href, "values": shown}


def _shown(figures: Figures) -> list[str]:
    return [french.number(getattr(figures, name)) for name in _COUNTS]


def _share(people: Within) -> str:
    """Write the share of the inhabitants measured that are within a threshold."""
    measured = people.within + people.beyond
    return french.percent(people.within / measured) if measured else "non mesuré"


def _sentence(report: Report, total: Figures) -> str:
    """Say whether the totals are those of the départements that were asked for."""
    said = f"Le total est la somme des départements{NBSP}: chaque commune compte une fois."
    if report.twice:
        twice = french.count(len(report.twice), "commune compte", "communes comptent")
        said = f"Les millésimes diffèrent{NBSP}: {twice} deux fois dans le total."
    if report.failed:
        communes, population = report.communes - total.communes, report.population - total.population
        said += (
            f" Il manque {french.count(len(report.failed), 'département')}, soit {french.count(communes, 'commune')} "
            f"et {french.count(population, 'habitant')}."
        )
    return said


def _state(line: Line) -> str:
    return DONE if line.figures is not None else FAILED


def write_measures(rows: Sequence[Mapping[str, object]], path: Path) -> None:
    """Write times and memory, which change at every run, as a table apart from the report."""
    out = io.StringIO()
    table = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    table.writeheader()
    table.writerows({key: csv_cell(value) for key, value in row.items()} for row in rows)
    path.write_text(out.getvalue(), encoding="utf-8-sig", newline="")
