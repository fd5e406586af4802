"""The tables of the diagnosis, under their published names, in reading order."""

from __future__ import annotations

import pandas as pd

from sdaasp_geo.outputs.tables import Table, with_names
from sdaasp_geo.study import Diagnosis, Measures, Study

_BY_TERRITORY = (
    ("frontiere_bilan", "Bilan de frontière, par territoire", "balance"),
    ("penalite", "Pénalité administrative, par territoire", "penalty"),
    ("penalite_classes", "Habitants par classe de pénalité", "penalty_classes"),
    ("presence", "Présence hebdomadaire, par territoire", "presence"),
    ("choix", "Habitants qui ont le choix entre plusieurs lieux", "choice"),
    ("sensibilite", "Habitants au-delà de chaque seuil", "sensitivity"),
    ("deciles", "Déciles des temps, par territoire", "distribution"),
    ("inegalites", "Inégalités des temps, par territoire", "inequality"),
    ("dimensions", "Les sept dimensions de l'accessibilité", "dimensions"),
    ("inegalites_epci", "Apport de chaque EPCI aux inégalités", "contributions"),
)
_BY_COMMUNE = (
    ("frontiere_acces", "Plus proche lieu partout, dans l'EPCI et dans le département", "border", True),
    ("guichets", "Guichet compétent et guichet le plus proche", "competence", True),
    ("heures_acces", "Heures d'accès par semaine, par commune", "reachable", True),
    ("choix_communes", "Nombre de lieux dans le délai, par commune", "counts", True),
    ("criteres", "Critères de déficit, par commune", "criteria", True),
    ("bassins", "Offre partagée entre les habitants à portée", "catchment", True),
    ("trajets", "Temps entre communes et lieux à portée", "pairs", False),
)
_OTHERS = (
    ("frontiere_paires", "Habitants servis ailleurs, par couple de territoires", "exchanges", True),
    ("negociation", "Communes à négocier avec les EPCI voisins", "negotiation", True),
    ("negociation_bilan", "Bilan de la négociation, par EPCI voisin", "negotiation_totals", True),
    ("negociation_phrases", "Ce qu'il y a à négocier, en une phrase", "negotiation_sentences", True),
    ("ouverture", "Lieux et horaires retenus", "opening", False),
    ("plages_ouverture", "Plages d'ouverture de la semaine", "intervals", False),
    ("courbe_semaine", "Part des habitants qui ont un lieu ouvert, heure par heure", "curve", False),
    ("bassins_lieux", "Habitants à portée de chaque lieu", "catchment_places", False),
    ("vie_perimetres", "Vie des périmètres entre la convention et la mesure", "lifecycle", True),
)


def diagnosis_tables(study: Study, measures: Measures) -> list[Table]:
    """Gather the tables of the diagnosis, where there is one; the longest stay out of the workbook."""
    diagnosis = measures.diagnosis
    if diagnosis is None:
        return []
    names = study.communes.set_index("code")["name"]
    tables = [Table(name, title, with_names(study, _plain(diagnosis, field))) for name, title, field in _BY_TERRITORY]
    for name, title, field, in_workbook in _BY_COMMUNE:
        rows = _named(_plain(diagnosis, field), names)
        tables.append(Table(name, title, rows, in_workbook=in_workbook, in_csv=field != "pairs"))
    for name, title, field, in_workbook in _OTHERS:
        tables.append(Table(name, title, _plain(diagnosis, field), in_workbook=in_workbook))
    return [table for table in tables if len(table.rows.columns)]


def _plain(diagnosis: Diagnosis, field: str) -> pd.DataFrame:
    table = getattr(diagnosis, field)
    return pd.DataFrame(table)


def _named(table: pd.DataFrame, names: pd.Series) -> pd.DataFrame:
    """Put the name of the commune beside its code."""
    if "code" not in table.columns:
        return table
    named = table.drop(columns="name", errors="ignore")
    named.insert(list(named.columns).index("code") + 1, "commune_name", named["code"].map(names))
    return named
