"""``index.html``: the page that leads to the map, the annexes, the tables and the layers of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import jinja2
import pandas as pd

from sdaasp_geo import french
from sdaasp_geo.analysis.coverage import PARTS
from sdaasp_geo.french import NBSP
from sdaasp_geo.outputs.escape import plain_text
from sdaasp_geo.parameters import Rule, service_names
from sdaasp_geo.study import Measures, Study

SOURCES = (
    "Sources{nbsp}: IGN (contours), INSEE (codes, populations légales, recensement), DGCL (intercommunalités), ANCT "
    "(espaces France services), DILA (mairies), Licence Ouverte 2.0. Populations et périmètres au 1er janvier {vintage}. "
    "Édition du {edition}."
)


@dataclass(frozen=True)
class Figure:
    """A figure that matters: its value and what it is, in French."""

    value: str
    label: str


@dataclass(frozen=True)
class AnnexeLink:
    """The files of one annex."""

    siren: str
    html: str
    docx: str


def headline_figures(study: Study, measures: Measures) -> list[Figure]:
    """Return the three figures that matter, for the main service that has rules.

    Share of inhabitants within the first threshold, share within the last one (mean time where there is only one),
    communes beyond or to check.
    """
    rules = headline_rules(study)
    if not rules:
        return [Figure(french.number(int(study.departement["communes"].iloc[0])), "communes du département")]
    names = service_names(study.parameters, rules[0].service)
    own = measures.coverage
    own = own[(own["level"] == "departement") & (own["part"] == PARTS[0])].set_index("rule")
    figures = [
        Figure(
            french.percent(own["share_within"][rule.code]),
            f"des habitants à {french.minutes(rule.threshold_min)} au plus ({names.label})",
        )
        for rule in dict.fromkeys((rules[0], rules[-1]))
    ]
    if len(figures) == 1:
        times = measures.summary[(measures.summary["level"] == "departement") & (measures.summary["part"] == PARTS[0])]
        mean = times.set_index("service")["mean_min"][rules[0].service]
        figures.append(Figure(french.minutes(mean, digits=1), f"en moyenne, pondérée par la population ({names.label})"))
    access = measures.access[measures.access["service"] == rules[0].service].set_index("code")
    inside = study.communes.loc[study.communes["inside"], ["code", "population"]].set_index("code")
    beyond = (access["rule"] != "").reindex(inside.index) | access["to_check"].reindex(inside.index)
    people = french.count(int(inside["population"][beyond].sum()), "habitant")
    label = f"au-delà d'un seuil ou à vérifier ({people})"
    return [*figures, Figure(french.count(int(beyond.sum()), "commune"), label)]


def headline_rules(study: Study) -> list[Rule]:
    """Return the rules of the first service that has some, by rising threshold."""
    for service in study.scheme.mesure.services:
        rules = [rule for rule in study.rules if rule.service == service]
        if rules:
            return rules
    return []


def sources_line(study: Study) -> str:
    """Return the line of sources, vintages and edition that every page carries."""
    edition = french.date(study.scheme.edition)
    return SOURCES.format(nbsp=NBSP, vintage=study.scheme.millesimes.mesure, edition=edition)


def render_index(study: Study, measures: Measures, *, map_href: str, annexes: Sequence[AnnexeLink]) -> str:
    """Render the index page; it loads nothing from elsewhere.

    Parameters
    ----------
    map_href : str
        Relative address of the map.
    annexes : sequence of AnnexeLink
        Relative addresses of the annexes.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("sdaasp_geo.outputs"), autoescape=True, undefined=jinja2.StrictUndefined
    )
    rules = headline_rules(study)
    names = service_names(study.parameters, rules[0].service).label if rules else ""
    return environment.get_template("index.html.j2").render(
        title=plain_text(study.scheme.nom),
        subtitle=f"{study.departement_name} ({study.scheme.departement}), {study.region_name}. Édition du "
        f"{french.date(study.scheme.edition)}.",
        figures=headline_figures(study, measures),
        map=map_href,
        vintage=study.scheme.millesimes.mesure,
        coverage_caption=f"part des habitants à portée de {names}" if rules else "sans seuil",
        rules=[f"≤{NBSP}{french.minutes(rule.threshold_min)}" for rule in rules],
        annexes=[_annexe_row(study, measures, link, rules) for link in annexes],
        files=_files(),
        warnings=[plain_text(warning) for warning in study.warnings],
        method=measures.method.description,
        references=[
            f"{rule.label}{NBSP}: {rule.reference} (depuis le {french.date(rule.valid_from)})." for rule in study.rules
        ],
        sources=sources_line(study),
    )


def _annexe_row(study: Study, measures: Measures, link: AnnexeLink, rules: Sequence[Rule]) -> dict[str, object]:
    epci = study.epci.set_index("siren").loc[link.siren]
    own = measures.coverage
    own = own[(own["level"] == "epci") & (own["territory"] == link.siren) & (own["part"] == PARTS[0])]
    shares: pd.Series = own.set_index("rule")["share_within"]
    return {
        "name": plain_text(epci["name"]),
        "communes": french.number(int(epci["communes"])),
        "population": french.number(int(epci["population"])),
        "shares": [french.percent(float(shares[rule.code])) for rule in rules],
        "html": link.html,
        "docx": link.docx,
    }


def _files() -> list[dict[str, str]]:
    return [
        {"href": "tables/sdaasp.xlsx", "label": "Classeur de tous les tableaux", "note": " (XLSX)"},
        {"href": "tables/acces.csv", "label": "Accès commune par commune", "note": " (CSV ; aussi en Parquet)"},
        {"href": "tables/couverture.csv", "label": "Habitants dans chaque seuil, par territoire", "note": " (CSV)"},
        {"href": "tables/dictionnaire.csv", "label": "Dictionnaire des données", "note": " (CSV)"},
        {"href": "layers.gpkg", "label": "Couches géographiques pour QGIS", "note": " (GeoPackage)"},
        {"href": "manifest.json", "label": "Entrées, paramètres et méthode de ce calcul", "note": " (JSON)"},
    ]
