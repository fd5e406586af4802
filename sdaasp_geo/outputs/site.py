"""``index.html``: the page that leads to the map, the annexes, the tables and the layers of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import jinja2
import pandas as pd

from sdaasp_geo import french
from sdaasp_geo.analysis.coverage import PARTS
from sdaasp_geo.french import NBSP
from sdaasp_geo.outputs.conventions import ConventionLink
from sdaasp_geo.outputs.escape import plain_text
from sdaasp_geo.outputs.headline import headline_figures, headline_rules, sources_line
from sdaasp_geo.outputs.manifest import warnings_of
from sdaasp_geo.outputs.negotiation import NegotiationLink
from sdaasp_geo.parameters import Rule, service_names
from sdaasp_geo.study import Measures, Study


@dataclass(frozen=True)
class AnnexeLink:
    """The files of one annex, and what they leave to fill in."""

    siren: str
    html: str
    docx: str
    blanks: tuple[str, ...] = ()


def render_index(
    study: Study,
    measures: Measures,
    *,
    map_href: str,
    annexes: Sequence[AnnexeLink],
    conventions: Sequence[ConventionLink] = (),
    plan: Sequence[Mapping[str, str]] = (),
    negotiations: Sequence[NegotiationLink] = (),
) -> str:
    """Render the index page; it loads nothing from elsewhere.

    Parameters
    ----------
    map_href : str
        Relative address of the map.
    annexes : sequence of AnnexeLink
        Relative addresses of the annexes.
    conventions : sequence of ConventionLink
        Relative addresses of the conventions, framework and territorial.
    plan : sequence of mapping
        ``href, label, note`` of the pages of the scheme itself.
    negotiations : sequence of NegotiationLink
        Sheets for the neighbouring EPCI.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("sdaasp_geo.outputs"), autoescape=True, undefined=jinja2.StrictUndefined
    )
    rules = headline_rules(study)
    own = {link.siren: link.docx for link in conventions if link.siren}
    names = service_names(study.parameters, rules[0].service).label if rules else ""
    return environment.get_template("index.html.j2").render(
        title=plain_text(study.scheme.nom),
        subtitle=f"{study.departement_name} ({study.scheme.departement}), {study.region_name}. Édition du "
        f"{french.date(study.scheme.edition)}.",
        figures=headline_figures(study, measures),
        map=map_href,
        vintage=study.scheme.millesimes.mesure,
        coverage_caption=f"part des habitants à portée de {names}" if rules else "sans seuil",
        rules=[f"≤{NBSP}{french.threshold(rule.threshold_min)}" for rule in rules],
        annexes=[
            {**_annexe_row(study, measures, link, rules), "convention": own.get(link.siren, "")} for link in annexes
        ],
        framework=next((link.docx for link in conventions if not link.siren), ""),
        plan=plan,
        negotiations=negotiations,
        files=_files(penalty=measures.diagnosis is not None and len(measures.diagnosis.competence) > 0),
        warnings=[plain_text(warning) for warning in warnings_of(study, measures)],
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


def _files(*, penalty: bool) -> list[dict[str, str]]:
    map_ = {"href": "maps/penalite.png", "label": "Carte de la pénalité administrative", "note": " (PNG)"}
    return [
        *([map_] if penalty else []),
        {"href": "tables/sdaasp.xlsx", "label": "Classeur de tous les tableaux", "note": " (XLSX)"},
        {"href": "tables/acces.csv", "label": "Accès commune par commune", "note": " (CSV ; aussi en Parquet)"},
        {"href": "tables/a_decider.csv", "label": "Ce qui reste à décider avant signature", "note": " (CSV)"},
        {"href": "tables/couverture.csv", "label": "Habitants dans chaque seuil, par territoire", "note": " (CSV)"},
        {
            "href": "tables/criteres.csv",
            "label": "Critères de déficit, par commune",
            "note": " (CSV ; aussi en Parquet)",
        },
        {"href": "tables/frontiere_bilan.csv", "label": "Bilan de frontière, par territoire", "note": " (CSV)"},
        {"href": "tables/dictionnaire.csv", "label": "Dictionnaire des données", "note": " (CSV)"},
        {"href": "layers.gpkg", "label": "Couches géographiques pour QGIS", "note": " (GeoPackage)"},
        {"href": "manifest.json", "label": "Entrées, paramètres et méthode de ce calcul", "note": " (JSON)"},
    ]
