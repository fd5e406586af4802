"""The indicators of a yearly report: access and what explains its change, governance of the year."""

from __future__ import annotations

import pandas as pd

from sdaasp_geo import french
from sdaasp_geo.analysis.change import FACTORS, MEAN, WITHIN
from sdaasp_geo.analysis.coverage import NO_TERRITORY, PARTS
from sdaasp_geo.analysis.governance_indicators import (
    COMMITTEE,
    ELECTED,
    INTERLOCUTORS,
    MEETINGS,
    PARTICIPATION,
    REPRESENTATIVES,
    TECHNICAL,
)
from sdaasp_geo.french import NBSP
from sdaasp_geo.outputs.headline import headline_rules
from sdaasp_geo.outputs.tables import with_names
from sdaasp_geo.outputs.yearly_model import (
    CHANGE,
    CHANGE_MIN,
    INTEGER,
    MINUTES,
    SHARE,
    UNSAID,
    Cell,
    Column,
    Part,
    Row,
    Shown,
    Year,
    known,
)
from sdaasp_geo.parameters import service_names
from sdaasp_geo.study import Comparison

NO_BEFORE = (
    "Aucune édition précédente n'est donnée à comparer\u00a0: ce qui a changé n'est pas calculé "
    "(sdaasp report … --before SCHEMA)."
).replace(" :", f"{NBSP}:")
_EFFECTS = ("Offre", "Population", "Périmètre", "Source")
_GOVERNED = {
    ELECTED: ("Élu référent", 0.8),
    TECHNICAL: ("Technicien référent", 1.1),
    INTERLOCUTORS: ("Interlocuteurs", 1.4),
    COMMITTEE: ("Instance locale", 0.95),
    MEETINGS: ("Réunions locales", 1.0),
    PARTICIPATION: ("Réunions suivies", 1.0),
    REPRESENTATIVES: ("Représentants", 1.45),
}
"""Short labels of the indicators of governance, and the width of their columns."""

_NOWHERE = {"petr": "Hors de tout PETR", "epci": "Hors de tout EPCI"}


def figures_part(year: Year) -> Part:
    """Gather the indicators: access today, or before and after with its explanation; governance where it is given."""
    changed = year.comparison
    tables = [access_table(year, level="departement", territory=year.study.scheme.departement)]
    texts = [method_sentence(year)]
    items: tuple[str, ...] = ()
    if changed is None:
        texts.append(NO_BEFORE)
    else:
        texts.append(_editions(changed))
        items = change_sentences(year, level="departement", territory=year.study.scheme.departement)
        tables += [*_departement_changes(changed), _epci_changes(year, changed)]
    if year.governance is not None:
        tables.append(_governance(year, year.governance))
    return Part("indicateurs", "Indicateurs", tuple(texts), items, tuple(tables))


def method_sentence(year: Year) -> str:
    """Say how times were obtained."""
    method = year.measures.method
    return f"Temps{NBSP}: {method.label}. {method.description}"


def _editions(changed: Comparison) -> str:
    told = [
        f"{study.scheme.nom}, édition du {french.date(study.scheme.edition)} (périmètres et populations de "
        f"{study.scheme.millesimes.mesure})"
        for study in (changed.before, changed.after)
    ]
    return (
        f"Avant{NBSP}: {told[0]}. Après{NBSP}: {told[1]}. La variation est partagée entre quatre causes, qui "
        f"s'ajoutent{NBSP}: l'offre (lieux ouverts, fermés ou déplacés), la population, le périmètre, et la source "
        "(mesure des temps, position corrigée d'un lieu), qui n'est pas un changement du terrain."
    )


def _label(year: Year, service: str) -> str:
    return service_names(year.study.parameters, service).label


def change_sentences(year: Year, *, level: str, territory: str) -> tuple[str, ...]:
    """Return the explained changes of a territory, in words; none where nothing is compared."""
    if year.comparison is None:
        return ()
    figures = year.comparison.figures
    own = figures[(figures["level"] == level) & (figures["territory"] == territory)]
    told = [f"{_label(year, row['service'])}, {row['sentence']}." for row in own.to_dict("records")]
    reasons = dict.fromkeys(own.loc[own["perimeter_break"], "break_reason"])
    return (*told, *(f"Périmètre changé, les deux éditions ne forment pas une série{NBSP}: {why}." for why in reasons))


def access_table(year: Year, *, level: str, territory: str) -> Shown:
    """Return the access figures of a territory: shares within each threshold, then mean minutes."""
    coverage, summary = year.measures.coverage, year.measures.summary
    own = coverage[(coverage["level"] == level) & (coverage["territory"] == territory)]
    rules = {rule.code: rule.threshold_min for rule in year.study.rules}
    rows: list[tuple[Cell, ...]] = [
        (
            f"{_label(year, row['service'])}{NBSP}: à {french.threshold(rules[row['rule']])} au plus",
            row["part"],
            known(row["share_within"]),
            known(row["population_within"]),
            known(row["population_to_check"]),
            None,
        )
        for row in _parts(own).to_dict("records")
    ]
    times = summary[(summary["level"] == level) & (summary["territory"] == territory)]
    rows += [
        (f"{_label(year, row['service'])}{NBSP}: temps moyen", row["part"], None, None, None, known(row["mean_min"]))
        for row in _parts(times).to_dict("records")
    ]
    header = (
        Column("Indicateur", width=3.4),
        Column("Part du territoire", width=1.8),
        Column("Part des habitants", SHARE, 1.1),
        Column("Habitants", INTEGER, 1.1),
        Column("À vérifier", INTEGER),
        Column("Minutes", MINUTES, 0.9),
    )
    note = (
        f"«{NBSP}À vérifier{NBSP}»{NBSP}: habitants d'une commune dont la bande d'erreur contient le seuil. "
        f"Populations et périmètres de {year.study.scheme.millesimes.mesure}."
    )
    return Shown("acces", "Accès aux services", header, tuple(rows), note, "Aucun service n'est mesuré.")


def _parts(rows: pd.DataFrame) -> pd.DataFrame:
    """Keep the whole territory, and its side in the département where it has another side too."""
    if (rows["part"] == PARTS[2]).any():
        return rows[rows["part"] != PARTS[2]]
    return rows[rows["part"] == PARTS[0]]


def _departement_changes(changed: Comparison) -> list[Shown]:
    own = changed.figures[changed.figures["level"] == "departement"]
    named = {
        WITHIN: ("variation-habitants", "Habitants dans le seuil, dans le département", CHANGE, INTEGER),
        MEAN: ("variation-minutes", "Temps moyen, dans le département (minutes)", CHANGE_MIN, MINUTES),
    }
    tables = []
    for figure, (key, title, change, plain) in named.items():
        rows = tuple(
            (_indicator(changed, row), *_values(row)) for row in own[own["indicator"] == figure].to_dict("records")
        )
        tables.append(Shown(key, title, _change_header("Indicateur", change, plain), rows, "", "Aucun indicateur."))
    return tables


def _indicator(changed: Comparison, row: Row) -> str:
    label = service_names(changed.after.parameters, row["service"]).label
    return label if row["indicator"] == MEAN else f"{label}, à {french.threshold(row['threshold_min'])} au plus"


def _values(row: Row) -> tuple[Cell, ...]:
    names = ("before_value", "after_value", "change_value", *(f"{name}_effect" for name in FACTORS))
    return tuple(known(row[name]) for name in names)


def _change_header(first: str, change: str, plain: str) -> tuple[Column, ...]:
    return (
        Column(first, width=2.4),
        *(Column(label, plain, 0.9) for label in ("Avant", "Après")),
        *(Column(label, change, 1.15) for label in ("Variation", *_EFFECTS)),
    )


def _epci_changes(year: Year, changed: Comparison) -> Shown:
    """Return the change of the first threshold, by EPCI, then by PETR."""
    rules = [rule for rule in headline_rules(year.study) if rule.service in changed.services]
    header = _change_header("Territoire", CHANGE, INTEGER)
    key, empty = "variation-territoires", "Aucun seuil n'est commun aux deux éditions."
    if not rules:
        return Shown(key, "Habitants dans le seuil, par territoire", header, (), "", empty)
    rule = rules[0]
    figures = changed.figures
    own = figures[
        figures["level"].isin(["epci", "petr"])
        & (figures["service"] == rule.service)
        & (figures["indicator"] == WITHIN)
        & (figures["threshold_min"] == rule.threshold_min)
    ]
    rows = tuple((_territory(row), *_values(row)) for row in _named(changed, own).to_dict("records"))
    title = f"Habitants à {french.threshold(rule.threshold_min)} au plus ({_label(year, rule.service)}), par territoire"
    note = "Territoires entiers, y compris hors du département. Les autres seuils sont dans sdaasp compare."
    return Shown(key, title, header, rows, note, empty)


def _named(changed: Comparison, table: pd.DataFrame) -> pd.DataFrame:
    """Name the territories as the edition after does, or as the one before for those that are no more."""
    named, former = (with_names(study, table) for study in (changed.after, changed.before))
    unknown = named["territory_name"] == named["territory"]
    return named.assign(territory_name=named["territory_name"].mask(unknown, former["territory_name"]))


def _territory(row: Row) -> str:
    name = _NOWHERE[row["level"]] if row["territory"] == NO_TERRITORY else str(row["territory_name"])
    return f"{name} (périmètre changé)" if row["perimeter_break"] else name


def _governance(year: Year, table: pd.DataFrame) -> Shown:
    header = (Column("Territoire", width=2.4), *(Column(label, INTEGER, width) for label, width in _GOVERNED.values()))
    rows = tuple(
        (str(row["territory_name"]), *(known(row[code]) for code in _GOVERNED)) for row in table.to_dict("records")
    )
    texts = (
        f"«{NBSP}{UNSAID}{NBSP}»{NBSP}: non renseigné.",
        f"Les réunions sont celles de {year.year}, le reste est l'état que décrit la gouvernance.",
        f"Réunions suivies{NBSP}: celles du département dont la liste des participants nomme l'EPCI.",
    )
    note = " ".join(texts)
    return Shown("gouvernance", f"Gouvernance locale en {year.year}", header, rows, note, "Aucun territoire ne signe.")
