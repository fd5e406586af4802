"""The site of a run: its home page, a page per EPCI, the data dictionary, what is left to decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
from markupsafe import Markup
from slugify import slugify

from sdaasp_geo import french
from sdaasp_geo.analysis.coverage import PARTS
from sdaasp_geo.french import NBSP
from sdaasp_geo.outputs.epci_pages import write_epci_pages
from sdaasp_geo.outputs.escape import plain_text
from sdaasp_geo.outputs.headline import headline_figures, headline_rules, sources_line
from sdaasp_geo.outputs.manifest import warnings_of
from sdaasp_geo.outputs.page_shell import SHARE_PICTURE, render_page
from sdaasp_geo.outputs.share_picture import draw_share_picture
from sdaasp_geo.outputs.site_model import (
    CHANGES,
    DATA,
    DECISIONS,
    INDEX,
    NO_CHANGES,
    AnnexeLink,
    Contents,
    annexe_files,
    convention_files,
    epci_page,
    territories,
)
from sdaasp_geo.outputs.tables import Table, describe_column
from sdaasp_geo.parameters import Rule, service_names
from sdaasp_geo.study import Decision, Measures, Study

__all__ = ["AnnexeLink", "Contents", "render_data", "render_decisions", "render_home", "write_site"]


def write_site(study: Study, measures: Measures, contents: Contents, folder: Path) -> None:
    """Write the pages that lead to the rest of a run, in its folder, once everything else is there.

    Writes ``index.html``, ``epci/<siren>/index.html``, ``tables/index.html``, ``a-decider.html`` and the picture shown
    with a shared address. All links are relative.
    """
    (folder / INDEX).write_text(render_home(study, measures, contents), encoding="utf-8")
    (folder / DECISIONS).write_text(render_decisions(study, contents.decisions), encoding="utf-8")
    (folder / SHARE_PICTURE).write_bytes(draw_share_picture(study, measures))
    write_epci_pages(study, measures, contents, folder)
    (folder / DATA).parent.mkdir(parents=True, exist_ok=True)
    (folder / DATA).write_text(render_data(study, contents.tables), encoding="utf-8")


def render_home(study: Study, measures: Measures, contents: Contents) -> str:
    """Render the home page."""
    rules = headline_rules(study)
    names = service_names(study.parameters, rules[0].service).label if rules else ""
    covered = f"part des habitants à portée de {names}" if rules else "sans seuil"
    place = f"{study.departement_name} ({study.scheme.departement}), {study.region_name}"
    warnings = [plain_text(warning) for warning in warnings_of(study, measures)]
    files = _files(penalty=measures.diagnosis is not None and len(measures.diagnosis.competence) > 0)
    return render_page(
        "index.html.j2",
        title=study.scheme.nom,
        description=f"{place}{NBSP}: accès aux services au public, cartes, conventions, annexes et tableaux.",
        heading=plain_text(study.scheme.nom),
        subtitle=f"{place}. Édition du {french.date(study.scheme.edition)}.",
        figures=headline_figures(study, measures),
        parts=_parts(contents, warnings=warnings),
        maps=contents.maps,
        caption=f"Une convention et son annexe par intercommunalité signataire. Population municipale au 1er janvier "
        f"{study.scheme.millesimes.mesure}, communes hors du département comprises{NBSP}; {covered}.",
        rules=[f"≤{NBSP}{french.threshold(rule.threshold_min)}" for rule in rules],
        territories=[_territory(row, measures, contents, rules) for row in territories(study)],
        framework=next((file["href"] for file in convention_files(contents, "")), ""),
        plan=contents.plan,
        negotiations=contents.negotiations,
        decided=f"{french.count(len(contents.decisions), 'point')} à trancher ou à remplir avant signature.",
        decisions=decided_documents(study, contents.decisions),
        decisions_page=DECISIONS,
        changes=Markup(CHANGES if contents.changes else NO_CHANGES),  # noqa: S704 - two constants
        files=files,
        warnings=warnings,
        method=measures.method.description,
        references=[
            f"{rule.label}{NBSP}: {rule.reference} (depuis le {french.date(rule.valid_from)})." for rule in study.rules
        ],
        sources=sources_line(study),
        nbsp=NBSP,
    )


def _parts(contents: Contents, *, warnings: Sequence[str]) -> list[tuple[str, str]]:
    """Return the anchors and names of the parts of the home page."""
    parts = [
        ("cartes", "Cartes", True),
        ("territoires", "Conventions et annexes", True),
        ("schema", "Actions et gouvernance", bool(contents.plan)),
        ("negociations", "Négociations", bool(contents.negotiations)),
        ("a-decider", "À décider", True),
        ("changements", "Changements", True),
        ("donnees", "Données", True),
        ("a-savoir", "À savoir", bool(warnings)),
        ("methode", "Méthode", True),
    ]
    return [(key, name) for key, name, shown in parts if shown]


def _territory(
    row: Mapping[str, object], measures: Measures, contents: Contents, rules: Sequence[Rule]
) -> dict[str, object]:
    siren, name = str(row["siren"]), plain_text(row["name"])
    own = measures.coverage
    own = own[(own["level"] == "epci") & (own["territory"] == siren) & (own["part"] == PARTS[0])]
    shares: pd.Series = own.set_index("rule")["share_within"]
    return {
        "name": name,
        "page": epci_page(siren),
        "signs": row["signs"],
        "communes": french.number(int(str(row["communes"]))),
        "population": french.number(int(str(row["population"]))),
        "shares": [french.percent(float(shares[rule.code])) for rule in rules],
        "annexe": annexe_files(contents, siren),
        "convention": convention_files(contents, siren),
    }


def _files(*, penalty: bool) -> list[dict[str, str]]:
    map_ = {"href": "maps/penalite.png", "label": "Carte de la pénalité administrative", "note": " (PNG)"}
    return [
        {"href": DATA, "label": "Tous les tableaux et leur dictionnaire", "note": " (CSV, Parquet)"},
        {"href": "tables/sdaasp.xlsx", "label": "Classeur de tous les tableaux", "note": " (XLSX)"},
        {"href": "layers.gpkg", "label": "Couches géographiques pour QGIS", "note": " (GeoPackage)"},
        *([map_] if penalty else []),
        {"href": "manifest.json", "label": "Entrées, paramètres et méthode de ce calcul", "note": " (JSON)"},
    ]


def decided_documents(study: Study, decisions: Sequence[Decision]) -> list[dict[str, object]]:
    """Group what is left to decide by document: ``key`` (anchor), ``name``, ``size`` and ``points``."""
    signing = {str(row["name"]) for row in territories(study) if row["signs"]}
    grouped: dict[str, list[dict[str, str]]] = {}
    for decision in decisions:
        what, places = plain_text(decision.what), ", ".join(plain_text(place) for place in decision.places)
        if len(signing) > 1 and set(decision.places) == signing:
            places = f"les {french.count(len(signing), 'intercommunalité')} signataires"
        grouped.setdefault(decision.document, []).append({"what": f"{what[:1].upper()}{what[1:]}", "places": places})
    return [
        {"key": slugify(name), "name": plain_text(name), "size": french.count(len(points), "point"), "points": points}
        for name, points in grouped.items()
    ]


def render_decisions(study: Study, decisions: Sequence[Decision]) -> str:
    """Render the page of what people must still decide before signing, by document."""
    return render_page(
        "a_decider.html.j2",
        title=f"Ce qui reste à décider{NBSP}: {study.departement_name}",
        description="Ce qui reste à trancher ou à remplir avant de signer les conventions et leurs annexes.",
        root="./",
        heading="Ce qui reste à décider",
        subtitle=f"{plain_text(study.scheme.nom)}. Édition du {french.date(study.scheme.edition)}.",
        documents=decided_documents(study, decisions),
        sources=sources_line(study),
        nbsp=NBSP,
    )


def render_data(study: Study, tables: Sequence[Table]) -> str:
    """Render the page of the tables to download, with the meaning of every column."""
    return render_page(
        "donnees.html.j2",
        title=f"Données et dictionnaire{NBSP}: {study.departement_name}",
        description="Tableaux à télécharger (CSV, Parquet, XLSX), et le sens de chaque colonne.",
        root="../",
        heading="Données et dictionnaire",
        subtitle=f"{plain_text(study.scheme.nom)}. Édition du {french.date(study.scheme.edition)}.",
        tables=[_shown_table(table) for table in tables],
        sources=sources_line(study),
        nbsp=NBSP,
    )


def _shown_table(table: Table) -> dict[str, object]:
    formats = ("csv", "parquet") if table.in_csv else ("parquet",)
    return {
        "name": table.name,
        "title": table.title,
        "size": french.count(len(table.rows), "ligne"),
        "files": [f"{table.name}.{name}" for name in formats],
        "columns": [describe_column(table.name, column) for column in table.rows.columns],
    }
