"""The folder of a question about new sites: a page, a map, layers, tables and the manifest."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from sdaasp_geo import french
from sdaasp_geo.french import NBSP
from sdaasp_geo.outputs import geopackage
from sdaasp_geo.outputs.escape import plain_text
from sdaasp_geo.outputs.headline import Figure, sources_line
from sdaasp_geo.outputs.manifest import describe_run, write_manifest
from sdaasp_geo.outputs.map_siting import render_siting_map
from sdaasp_geo.outputs.page_templates import page_template
from sdaasp_geo.outputs.siting_layers import siting_layers
from sdaasp_geo.outputs.tables import Table, epci_labels, with_names, write_tables
from sdaasp_geo.parameters import service_names
from sdaasp_geo.study import NewSites, Study

MAP = "carte.html"
AIMS = {
    "couvrir": "amener le plus d'habitants dans le seuil",
    "rapprocher": "raccourcir le temps moyen",
    "tout-couvrir": "amener dans le seuil, avec le moins de lieux, tous ceux qui peuvent l'être",
}
"""What each aim asks, in French."""

_FEW = 10


@dataclass(frozen=True)
class _Shown:
    """A table of the page, formatted."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str
    empty: str


def write_siting(study: Study, found: NewSites, folder: Path, *, version: str) -> None:
    """Write the page, the layers, the tables and the manifest of new sites in an existing empty folder."""
    write_tables(siting_tables(study, found), folder / "tables", edition=study.scheme.edition)
    geopackage.write_geopackage(siting_layers(study, found), folder / "layers.gpkg")
    (folder / "index.html").write_text(render_siting(study, found), encoding="utf-8")
    (folder / MAP).write_text(render_siting_map(study, found), encoding="utf-8")
    proof = found.siting.proof
    question = {
        "service": found.service,
        "aim": found.aim,
        "count": found.count,
        "threshold_min": found.siting.threshold_min,
        "cap_min": found.siting.cap_min,
    }
    answer = {"objective": proof.objective, "bound": proof.bound, "gap": proof.gap, "proof": proof.sentence}
    manifest = describe_run(study, found.method, version=version) | {"question": question, "answer": answer}
    write_manifest(manifest, folder)


def siting_tables(study: Study, found: NewSites) -> list[Table]:
    """Gather the tables of new sites, in reading order."""
    names = study.communes.set_index("code")["name"]
    demand = found.siting.demand.copy()
    demand.insert(1, "commune_name", demand["code"].map(names))
    return [
        Table("lieux_proposes", "Lieux proposés, par gain décroissant", found.siting.sites),
        Table("gains_territoires", "Gain de chaque lieu, par territoire", with_names(study, found.gains)),
        Table("avant_apres", "Chaque territoire avant et après", with_names(study, found.coverage)),
        Table("communes_avant_apres", "Chaque commune avant et après", demand),
        Table("candidats", "Communes candidates", found.siting.candidates),
        Table("fermetures", "Ce que perd le territoire si un lieu ferme", found.closures),
        Table("fermetures_territoires", "Ce que perd chaque territoire", with_names(study, found.closure_losses)),
    ]


def render_siting(study: Study, found: NewSites) -> str:
    """Render the page of new sites; it loads nothing from elsewhere."""
    label = service_names(study.parameters, found.service).label
    limit = french.threshold(found.siting.threshold_min)
    return page_template("implantation.html.j2").render(
        title=f"Où implanter{NBSP}: {label}",
        subtitle=f"{plain_text(study.scheme.nom)}. But{NBSP}: {AIMS[found.aim]} ({limit}).",
        figures=_figures(found),
        proof=_proof(found),
        map=MAP,
        tables=(_sites_shown(study, found), _gains_shown(study, found), _closures_shown(study, found)),
        method=_method(found),
        sources=sources_line(study),
    )


def _figures(found: NewSites) -> list[Figure]:
    whole = found.coverage[found.coverage["level"] == "departement"].iloc[0]
    limit = french.threshold(found.siting.threshold_min)
    before, after = (french.percent(float(whole[f"{when}_share"])) for when in ("before", "after"))
    mean = f"{french.number(float(whole['before_mean_min']), digits=1)} → "
    mean += french.minutes(float(whole["after_mean_min"]), digits=1)
    gain = int(found.siting.sites["gain_population"].sum())
    return [
        Figure(
            french.count(len(found.siting.sites), "lieu proposé", "lieux proposés"), "parmi les communes du département"
        ),
        Figure(f"{before} → {after}", f"des habitants du département à {limit} au plus"),
        Figure(mean, f"en moyenne\u202f; {french.count(gain, 'habitant')} de plus dans le seuil, EPCI entiers"),
    ]


def _proof(found: NewSites) -> str:
    if found.siting.proof.sentence == "optimal":
        return f"Preuve{NBSP}: aucun autre choix ne fait mieux."
    return f"Preuve{NBSP}: ce choix est {found.siting.proof.sentence}."


def _sites_shown(study: Study, found: NewSites) -> _Shown:
    labels = epci_labels(study)
    rows = [
        (
            f"{row['rank']}. {plain_text(row['place_name'])}",
            plain_text(labels.get(row["place_epci"], "")),
            french.number(row["gain_population"]),
            french.percent(row["cumulative_share"]),
            french.number(row["mean_min"], digits=1),
        )
        for row in found.siting.sites.to_dict("records")
    ]
    return _Shown(
        "Lieux proposés",
        ("Rang et commune", "Intercommunalité", "Habitants gagnés", "Part cumulée", "Temps moyen (min)"),
        tuple(rows),
        "Gain de chaque lieu une fois ouverts ceux qui le précèdent\u202f; département et EPCI signataires, entiers.",
        "Aucun lieu nouveau n'apporterait quoi que ce soit.",
    )


def _gains_shown(study: Study, found: NewSites) -> _Shown:
    own = with_names(study, found.gains[found.gains["level"] == "epci"])
    names = found.siting.sites.set_index("place")["place_name"]
    rows = [
        (
            plain_text(row["territory_name"]),
            plain_text(names[row["place"]]),
            french.number(row["gain_population"]),
            french.number(row["changed_population"]),
            french.number(row["gain_min"], digits=1),
        )
        for row in own.to_dict("records")
    ]
    return _Shown(
        "Gain par intercommunalité",
        ("Intercommunalité", "Lieu", "Habitants gagnés", "Habitants rapprochés", "Gain moyen (min)"),
        tuple(rows),
        "Ce que chaque lieu change dans chaque EPCI, donc pour chaque convention.",
        "Aucune intercommunalité n'y gagne.",
    )


def _closures_shown(study: Study, found: NewSites) -> _Shown:
    labels = epci_labels(study)
    worst = found.closures[found.closures["nearest_population"] > 0].head(_FEW)
    rows = [
        (
            f"{plain_text(row['place_name'])} ({plain_text(row['place_commune'])})",
            plain_text(labels.get(row["place_epci"], "")),
            french.number(row["nearest_population"]),
            french.number(row["residual_population"]),
            _minutes(row["nearest_lost_min"]),
        )
        for row in worst.to_dict("records")
    ]
    return _Shown(
        "Si un lieu existant ferme",
        ("Lieu", "Intercommunalité", "Dont il est le plus proche", "Sans autre dans le seuil", "Minutes perdues"),
        tuple(rows),
        f"Les {_FEW} fermetures qui coûtent le plus, chacune seule. Tableau complet dans le classeur.",
        "Aucun lieu existant n'est le plus proche d'une commune étudiée.",
    )


def _minutes(value: float) -> str:
    return "–" if pd.isna(value) else french.number(value, digits=1)


def _method(found: NewSites) -> tuple[str, ...]:
    cap = french.minutes(found.siting.cap_min)
    many = french.count(len(found.closures), "lieu permanent", "lieux permanents")
    return (
        f"Temps{NBSP}: {found.method.label}. {found.method.description}",
        (
            f"Demande{NBSP}: population légale du département et des EPCI signataires, entiers, au point de référence "
            "des communes. "
            f"Candidats{NBSP}: point de référence des communes du département. Restent ouverts{NBSP}: {many} à portée, "
            "de tout département. Un temps égal au seuil y satisfait\u202f; "
            f"au-delà de {cap}, un lieu est hors de portée et compte pour cette durée dans les moyennes."
        ),
        f"Une proposition n'est pas une décision{NBSP}: ni locaux, ni agents, ni coûts ne sont connus ici.",
        f"Source des temps{NBSP}: {found.method.source}.",
    )
