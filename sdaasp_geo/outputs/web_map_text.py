"""What the page of the interactive map says in words: legend, table, figures, sources and method."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from sdaasp_geo.analysis.deficits import NOT_MEASURED
from sdaasp_geo.french import NARROW_NBSP, NBSP, count, date, listing, minutes, number, threshold
from sdaasp_geo.outputs import palette
from sdaasp_geo.outputs.annexe_hours import french_hours
from sdaasp_geo.outputs.escape import plain_text
from sdaasp_geo.parameters import Rule, service_names, words_setting
from sdaasp_geo.study import Measures, Study
from sdaasp_geo.travel.engine import REACHED, Method

_DETAIL = re.compile(r"\s*(?:\([^()]*\d[^()]*\)\s*$|[;:].*|\s\d+(?:\.\d+)+)")
"""What a source says of one row (identifier, version, remark): left out of the list of sources."""

FORMATS = {
    "fixe": "accueil fixe",
    "antenne": "antenne",
    "itinerant": "itinérant",
    "multisite": "multisite",
    "rendez-vous": "sur rendez-vous",
}
"""Formats of the common grid, as a reader names them."""


@dataclass(frozen=True)
class LegendRow:
    """A class of the legend with the communes of the département that it counts."""

    entry: palette.LegendEntry
    communes: str
    inhabitants: str


def main_rules(study: Study) -> list[Rule]:
    """Return the rules of the main service."""
    return [rule for rule in study.rules if rule.service == study.scheme.mesure.services[0]]


def joined_access(study: Study, measures: Measures, service: str) -> pd.DataFrame:
    """Join the studied communes with their access to one service; sorted by name, then code."""
    access = measures.access[measures.access["service"] == service]
    return studied_communes(study).merge(access, on="code")


def studied_communes(study: Study) -> pd.DataFrame:
    """Return the studied communes and the names of their EPCI; sorted by name, then code.

    Returns
    -------
    DataFrame
        ``code, name, departement, inside, epci, epci_reason, population, population_reason, contour_reason,
        epci_name`` (the reason where there is no EPCI).
    """
    columns = [
        *("code", "name", "departement", "inside", "epci", "epci_reason"),
        *("population", "population_reason", "contour_reason"),
    ]
    communes = pd.DataFrame(study.communes.loc[study.communes["studied"], columns])
    epci_names = pd.concat([study.epci[["siren", "name"]], study.neighbours[["siren", "name"]]])
    names = epci_names.drop_duplicates("siren").set_index("siren")["name"]
    communes["epci_name"] = communes["epci"].map(names).fillna(communes["epci"]).fillna(communes["epci_reason"])
    return communes.sort_values(["name", "code"], key=lambda column: column.map(sort_key), ignore_index=True)


def sort_key(name: str) -> str:
    """Return a key that sorts French names without regard to accents and case."""
    folded = name.translate(str.maketrans("ÀÂÄÇÉÈÊËÎÏÔÖÙÛÜŸàâäçéèêëîïôöùûüÿ", "AAACEEEEIIOOUUUYaaaceeeeiioouuuy"))
    return folded.casefold().replace("œ", "oe").replace("æ", "ae")


def legend_rows(study: Study, measures: Measures) -> list[LegendRow]:
    """Count the communes and the inhabitants of the département in each class; « Non mesuré » only if there is one."""
    joined = joined_access(study, measures, study.scheme.mesure.services[0])
    rows = []
    for entry in palette.legend_entries(main_rules(study)):
        own = joined[joined["class"] == entry.code]
        if entry.code == NOT_MEASURED and own.empty:
            continue
        inside = own[own["inside"]]
        inhabitants = count(int(inside["population"].sum()), "habitant")
        rows.append(LegendRow(entry, count(len(inside), "commune"), inhabitants))
    return rows


def time_text(row: dict[str, object], method: Method, *, prefix: str = "") -> str:
    """Write a time and, for an estimate, its error band; the reason where nothing was measured."""
    if row[f"{prefix}reason"] != REACHED:
        return plain_text(row[f"{prefix}reason"])
    time, low, high = (float(str(row[f"{prefix}{name}"])) for name in ("time_min", "low_min", "high_min"))
    if not method.estimate:
        return minutes(time)
    return f"environ{NBSP}{minutes(time)} (de{NBSP}{number(low)} à{NBSP}{number(high)})"


def place_text(row: dict[str, object], prefix: str = "") -> str:
    """Write the commune of the nearest place."""
    if row[f"{prefix}reason"] != REACHED:
        return "aucun"
    return f"{row[f'{prefix}place_commune']} ({row[f'{prefix}place_departement']})"


def second_text(row: dict[str, object]) -> str:
    """Write the commune of the second nearest place, and its time."""
    if row["second_reason"] != REACHED:
        return "aucun"
    return f"{place_text(row, 'second_')}, {minutes(float(str(row['second_time_min'])))}"


def point_texts(shown: Sequence[tuple[str, bool, pd.DataFrame]], *, main: str) -> list[list[str]]:
    """Return the texts of the cards of places, in the order of the map: name, then terms and texts by turns.

    Parameters
    ----------
    shown : sequence of (service, permanent, points)
        `web_map_layers.shown_points`.
    main : str
        Main service: its cards are detailed, the others give the name alone.
    """
    cards = []
    for service, _permanent, points in shown:
        for row in points.to_dict("records"):
            pairs = _point_pairs(row) if service == main else []
            cards.append([plain_text(text) for text in (row["nom"], *(part for pair in pairs for part in pair))])
    return cards


def _point_pairs(row: dict[str, object]) -> list[tuple[str, object]]:
    pairs = [
        ("Commune", f"{row['commune']} ({row['departement']})"),
        ("Format", FORMATS.get(str(row["format"]), row["format"])),
        ("Adresse", row["adresse"]),
        ("Horaires", french_hours(plain_text(row["horaires"]), plain_text(row["horaires_bruts"]))),
        ("Position", row["position_reason"]),
        ("Source", row["source"]),
    ]
    return [(term, text) for term, text in pairs if plain_text(text)]


def zone_rows(study: Study, measures: Measures) -> list[dict[str, str]]:
    """Return the zones déficitaires of the main service, the largest population first."""
    zones = measures.zones
    if zones.empty:
        return []
    own = zones[zones["service"] == study.scheme.mesure.services[0]]
    names = dict(zip(study.epci["siren"], study.epci["name"], strict=True))
    ordered = own.sort_values(["threshold_min", "population", "zone"], ascending=[False, False, True])
    return [
        {
            "threshold": f"plus de {threshold(row.threshold_min)}",
            "communes": plain_text(row.names),
            "number": number(row.communes),
            "population": number(row.population),
            "epci": plain_text(listing([str(names.get(siren, siren)) for siren in row.epci.split()])),
            "max": minutes(row.max_min),
        }
        for row in ordered.itertuples(index=False)
    ]


def vintage_text(study: Study) -> str:
    """Say the vintage of the perimeters and of the populations."""
    year = study.scheme.millesimes.mesure
    reference = study.communes.loc[
        study.communes["studied"] & (study.communes["population_reason"] == ""), "population_year"
    ]
    known = sorted({int(value) for value in reference.dropna()})
    census = (
        f"{NARROW_NBSP}; populations légales de référence {listing([str(value) for value in known])}" if known else ""
    )
    return f"Périmètres au 1er{NBSP}janvier{NBSP}{year}{census}"


def source_lines(study: Study, measures: Measures) -> list[str]:
    """Return the sources of what is drawn and measured, with their producers, vintages and licences."""
    year = study.scheme.millesimes.mesure
    own_file = study.scheme.fichiers.communes
    if own_file:
        name = own_file.rsplit("/", maxsplit=1)[-1]
        contours = f"Contours des communes{NBSP}: fichier «{NBSP}{name}{NBSP}» fourni par l'utilisateur"
    else:
        contours = (
            f"Contours des communes{NBSP}: IGN, généralisés, ramenés au découpage de {year} (Licence Ouverte 2.0)"
        )
    lines = [
        contours,
        f"Communes, EPCI et populations légales{NBSP}: INSEE et DGCL, {year} (Licence Ouverte 2.0)",
    ]
    for service in study.scheme.mesure.services:
        own = study.points[study.points["service"] == service]
        lines += place_sources(own, label=service_names(study.parameters, service).label)
    lines.append(f"Temps d'accès{NBSP}: {measures.method.label}. {measures.method.source}")
    return [plain_text(line) for line in lines]


def place_sources(points: pd.DataFrame, *, label: str) -> list[str]:
    """Return the sources of places (``source, licence``), each once, without what they say of a row."""
    given = points[["source", "licence"]].drop_duplicates()
    named = {(_DETAIL.sub("", plain_text(row.source)), row.licence) for row in given.itertuples(index=False)}
    return [f"{label}{NBSP}: {source} ({licence})" for source, licence in sorted(named)]


def method_lines(study: Study, measures: Measures) -> list[str]:
    """Return the paragraphs of the method: engine, estimate, thresholds, permanent formats, generalisation."""
    rules = main_rules(study)
    formats = listing([f"«{NBSP}{name}{NBSP}»" for name in words_setting(study.parameters, "formats-permanents")])
    lines = [measures.method.description]
    if measures.method.estimate:
        lines.append(
            f"Une commune dont la bande d'erreur contient un seuil est «{NBSP}à vérifier{NBSP}»{NBSP}: "
            "elle est ponctuée sur la carte."
        )
    lines += [f"{rule.label}{NBSP}: {rule.reference}." for rule in rules]
    lines.append(
        f"Le temps va de la mairie de la commune au lieu permanent le plus proche (formats {formats}), dans tous les "
        "départements à portée\u202f; les présences partielles sont dessinées mais ne comptent pas."
    )
    lines.append("Les contours sont généralisés pour l'affichage\u00a0: les surfaces et les limites ne font pas foi.")
    return [plain_text(line) for line in lines]


def notes(study: Study) -> list[str]:
    """Return what the reader must know: warnings of the study, and what could not be drawn."""
    lines = [*study.warnings]
    lost = int((study.points["service"].isin(study.scheme.mesure.services) & study.points.geometry.isna()).sum())
    if lost:
        lines.append(f"{count(lost, 'point de service', 'points de service')} sans position, non dessinés.")
    return [plain_text(line) for line in lines]


def edition_text(study: Study) -> str:
    """Say the date of the edition."""
    return f"Édition du {date(study.scheme.edition)}"
