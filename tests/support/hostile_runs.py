"""Every output of a hostile study: the run, the yearly report, new sites, a comparison, a checked grid, the rest."""

from __future__ import annotations

import csv
import dataclasses
import datetime as dt
from collections.abc import Iterable
from pathlib import Path

import pandas as pd
from hostile_text import Pairs
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from sdaasp_geo import read_scheme
from sdaasp_geo.outputs.comparison import write_comparison
from sdaasp_geo.outputs.folder import write_run
from sdaasp_geo.outputs.national_figures import Line, read_communes, read_figures
from sdaasp_geo.outputs.national_report import Report, write_report
from sdaasp_geo.outputs.national_report import write_measures as write_times
from sdaasp_geo.outputs.notebook import map_html, table_html
from sdaasp_geo.outputs.share_picture import share_figure
from sdaasp_geo.outputs.siting import write_siting
from sdaasp_geo.outputs.theme_folder import LAYERS, write_theme_folder
from sdaasp_geo.outputs.yearly import write_yearly
from sdaasp_geo.pipeline import Question, choose_sites, compare_editions, diagnose, measure
from sdaasp_geo.pipeline.corrections import export_corrections
from sdaasp_geo.pipeline.grid import check_grid, merge_grid_files
from sdaasp_geo.pipeline.needs import census_with_history
from sdaasp_geo.pipeline.overview import overview
from sdaasp_geo.pipeline.reporting import quiet
from sdaasp_geo.pipeline.site import publish_site
from sdaasp_geo.pipeline.yearly import facts_of_year, programme_of
from sdaasp_geo.sources.grid_schema import examples, grid_columns
from sdaasp_geo.study import Measures, Study

YEAR = 2019
GRID_TEXTS = ("nom", "operateur", "adresse", "commune", "horaires_bruts", "contact", "source", "licence")
VERSION = "1.0"


def measured(study: Study, pairs: Pairs) -> Measures:
    """Measure a hostile study; names of EPCI that come from France are hostile too."""
    first = measure(study)
    diagnosis = diagnose(study, first)
    names = sorted({*study.neighbours["siren"], *study.epci["siren"]})
    given = dict(zip(names, pairs.give("epci_names", len(names)), strict=True))
    epci_names = diagnosis.epci_names | given
    sentences = pairs.frame("negotiation_sentences", diagnosis.negotiation_sentences, ["sentence"])
    told = {"epci_names": epci_names, "negotiation_sentences": sentences}
    return dataclasses.replace(first, diagnosis=dataclasses.replace(diagnosis, **told))


def write_main(study: Study, measures: Measures, folder: Path) -> Path:
    """Write the run."""
    folder.mkdir(parents=True)
    write_run(
        study, measures, census_with_history(study.scheme.millesimes.mesure), folder, version=VERSION, report=quiet
    )
    return folder


def write_year(study: Study, measures: Measures, folder: Path) -> Path:
    """Write the yearly report, and the page of each Journée des services."""
    folder.mkdir(parents=True)
    write_yearly(facts_of_year(study, measures, programme_of(study), year=YEAR), folder, version=VERSION)
    return folder


def write_sites(study: Study, folder: Path) -> Path:
    """Write where new sites would go."""
    folder.mkdir(parents=True)
    found = choose_sites(study, Question(service="france-services", count=2, threshold_min=15))
    write_siting(study, found, folder, version=VERSION)
    return folder


def write_themes(study: Study, measures: Measures, folder: Path) -> Path:
    """Write each theme alone, the export for corrections, and what a notebook shows."""
    for theme in LAYERS:
        own = folder / theme
        own.mkdir(parents=True)
        write_theme_folder(study, measures, theme, own, version=VERSION)
    export_corrections(study, folder / "corrections.gpkg")
    name = study.scheme.nom
    layer = study.communes[study.communes["inside"]].assign(figure=1.0)
    shown = map_html(layer, "figure", title=name, breaks=(1.0,), unit=name, points=study.points)
    table = table_html(study.points[["nom", "adresse"]], {"nom": name, "adresse": "Adresse"})
    page = f'<!DOCTYPE html><html lang="fr"><meta charset="utf-8"><title>x</title>{shown}<div>{table}</div></html>'
    (folder / "carnet.html").write_text(page, encoding="utf-8")
    return folder


def grid_file(path: Path, pairs: Pairs, *, code: str = "90010", commune: str = "Belfort", start: str = "p") -> Path:
    """Write a common grid whose texts are hostile, one text a row."""
    good = {field.name: examples()[field.name] for field in grid_columns()}
    place = {"code_commune": code, "commune": commune, "lon": "", "lat": "", "precision_position": "inconnue"}
    rows = pd.DataFrame([good | place | {"id": f"{start}{rank}"} for rank in range(len(pairs.texts))])
    rows = pairs.frame("grid", rows, GRID_TEXTS)
    rows["nom"] = [f"{text} n{rank}" for rank, text in enumerate(rows["nom"])]
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, quoting=csv.QUOTE_ALL).writerows([list(rows.columns), *rows.to_numpy().tolist()])
    return path


def write_grids(folder: Path, pairs: Pairs) -> Path:
    """Write the report of a checked grid, and two grids joined; the files have hostile names."""
    folder.mkdir(parents=True)
    given = folder.parent / "grilles"
    given.mkdir()
    first = grid_file(given / "=cmd <img src=x onerror=__ran(1)> {{7*7}}.csv", pairs)
    second = grid_file(given / "'; DROP TABLE x; -- \u202egnp.csv", pairs, start="q")
    check_grid(first, report_folder=folder / "controle", edition=dt.date(2026, 11, 22))
    merge_grid_files([first, second], folder / "fusion")
    return folder


def write_overviews(folder: Path, pairs: Pairs, *, region: str = "94") -> Path:
    """Write the map of a region with hostile places."""
    places = grid_file(folder.parent / "lieux.csv", pairs, code="2A004", commune="Ajaccio")
    service = examples()["service"]
    overview(folder, services=(service, "mairie"), region=region, files=[places])
    return folder


def write_compared(study: Study, folder: Path, pairs: Pairs) -> Path:
    """Write a comparison of two editions of a hostile study."""
    own = Path(study.scheme.folder)
    scheme = read_scheme(str(own))
    found = compare_editions(scheme, scheme)
    places = pd.DataFrame([dict.fromkeys(found.places.columns, "1")] * len(pairs.texts))
    kinds = {"service": "mairie", "place_change": "opened"}
    places = places.assign(**{name: kind for name, kind in kinds.items() if name in places})
    texts = [name for name in ("place_name", "place_commune") if name in places]
    folder.mkdir(parents=True)
    hostile = dataclasses.replace(
        found,
        before=study,
        after=study,
        figures=pairs.frame("comparison", found.figures, ["sentence", "break_reason"]),
        places=pairs.frame("comparison.places", places, texts),
        notes=tuple(pairs.give("comparison.notes", 2)),
    )
    write_comparison(hostile, folder, version=VERSION)
    return folder


def write_published(run: Path, folder: Path) -> Path:
    """Publish a run as a site."""
    publish_site(run, folder, base_url="https://exemple.fr/sdaasp/")
    return folder


def write_national(run: Path, folder: Path, pairs: Pairs) -> Path:
    """Write the report of a national run whose names, reasons and rules are hostile, and its table of times."""
    folder.mkdir(parents=True)
    figures = read_figures(run, read_communes(run))
    rules = dict.fromkeys(pairs.give("national.rules", 3), next(iter(figures.rules.values())))
    own = dataclasses.replace(figures, rules=rules)
    size = len(pairs.texts)
    names, reasons = pairs.give("national.names", size), pairs.give("national.reasons", size)
    lines = [
        Line(f"{rank:02}", name, "" if done else reason, YEAR, own if done else None)
        for rank, (name, reason) in enumerate(zip(names, reasons, strict=True))
        for done in (False, True)
    ]
    write_report(Report(VERSION, lines, {"90": (1, 1)}, twice=("90010",)), folder)
    write_times([{"code": line.code, "etat": line.reason or line.name} for line in lines], folder / "mesures.csv")
    return folder


def texts_beyond(study: Study, measures: Measures) -> list[str]:
    """Return the texts that leave the picture of shared links, or that are drawn as mathematics."""
    figure = share_figure(study, measures)
    FigureCanvasAgg(figure).draw()
    west, south, east, north = figure.bbox.extents
    found = []
    for text in figure.findobj(Text):
        box = text.get_window_extent()
        inside = west <= box.x0 and box.x1 <= east and south <= box.y0 and box.y1 <= north
        if text.get_text() and (not inside or ("$" in text.get_text() and text.get_parse_math())):
            found.append(text.get_text()[:80])
    return found


def pages_of(folders: Iterable[Path]) -> list[Path]:
    """Return the pages of some folders."""
    return [page for folder in folders for page in sorted(folder.rglob("*.html"))]
