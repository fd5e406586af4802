"""The folder of two editions compared: a page, its tables and its manifest."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from sdaasp_geo import french
from sdaasp_geo.analysis.change import FACTORS, MEAN, WITHIN
from sdaasp_geo.analysis.coverage import NO_TERRITORY
from sdaasp_geo.french import NBSP
from sdaasp_geo.outputs.escape import plain_text
from sdaasp_geo.outputs.headline import Figure, sources_line
from sdaasp_geo.outputs.manifest import describe_run, write_manifest
from sdaasp_geo.outputs.page_templates import page_template
from sdaasp_geo.outputs.tables import Table, with_names, write_tables
from sdaasp_geo.parameters import service_names
from sdaasp_geo.study import Comparison

_MINUS = "\N{MINUS SIGN}"
_DIGITS = {WITHIN: 0, MEAN: 2}
_FACTORS = dict(zip(FACTORS, ("offre", "population", "périmètre", "source"), strict=True))
_FEW = 20
_LEVELS = {"epci": "Par intercommunalité", "petr": "Par pôle territorial (PETR)"}
_NOWHERE = {"epci": "Hors de tout EPCI", "petr": "Hors de tout PETR"}

Row = Mapping[Hashable, Any]


@dataclass(frozen=True)
class _Shown:
    """A table of the page, formatted: each column with its class (``n`` for figures, empty for words)."""

    title: str
    note: str
    header: tuple[tuple[str, str], ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class _Section:
    """The tables of a level: the first one open, the others to unfold."""

    title: str
    tables: tuple[_Shown, ...]


def sentence(row: Row) -> str:
    """Explain one figure in a sentence, such as « +1 240 habitants à 20 min : offre +1 240, population 0, … ».

    Parameters
    ----------
    row : mapping
        A row of `Comparison.figures`: ``indicator, threshold_min, change_value`` and the four effects, rounded.
    """
    if pd.isna(row["change_value"]):
        return f"Variation non mesurée{NBSP}: le territoire ou ses temps manquent dans une édition."
    figure = row["indicator"]
    people = figure == WITHIN
    unit = _people(row["change_value"]) if people else f"{NBSP}min"
    where = f" à {french.threshold(row['threshold_min'])}" if people else " en moyenne"
    shares = ", ".join(f"{word}{NBSP}{_signed(row[f'{name}_effect'], figure)}" for name, word in _FACTORS.items())
    return f"{_signed(row['change_value'], figure)}{unit}{where}{NBSP}: {shares}"


def _people(quantity: float) -> str:
    return f"{NBSP}habitant" if abs(quantity) < 2 else f"{NBSP}habitants"  # noqa: PLR2004 - the French plural starts at 2


def _signed(value: float, figure: str) -> str:
    """Write a change with its sign: none for zero, a real minus."""
    if pd.isna(value):
        return "–"
    digits = _DIGITS[figure]
    if round(value, digits) == 0:
        return "0"
    return f"{'+' if value > 0 else _MINUS}{french.number(abs(value), digits=digits)}"


def _plain(value: float, figure: str) -> str:
    return "–" if pd.isna(value) else french.number(value, digits=_DIGITS[figure])


def write_comparison(found: Comparison, folder: Path, *, version: str) -> None:
    """Write the page, the tables and the manifest of a comparison in an existing empty folder."""
    write_tables(comparison_tables(found), folder / "tables", edition=found.after.scheme.edition)
    (folder / "index.html").write_text(render_comparison(found), encoding="utf-8")
    runs = [
        describe_run(study, method, version=version)
        for study, method in zip((found.before, found.after), found.methods, strict=True)
    ]
    changed = found.places.groupby(["service", "place_change"]).size()
    whole = found.figures[found.figures["level"] == "departement"]
    manifest = {
        "schema": runs[1]["schema"],
        "version": version,
        "question": {"kind": "comparison", "services": list(found.services)},
        "answer": [f"{row['service']}{NBSP}: {row['sentence']}" for row in whole.to_dict("records")],
        "before": runs[0],
        "after": runs[1],
        "counts": {
            "places": {f"{service}: {change}": int(size) for (service, change), size in changed.items()},
            "perimeter_events": len(found.lifecycle),
            "territories_broken": int(found.figures.loc[found.figures["perimeter_break"], "territory"].nunique()),
        },
        "warnings": list(found.notes),
    }
    write_manifest(manifest, folder)


def comparison_tables(found: Comparison) -> list[Table]:
    """Gather the tables of a comparison, in reading order; that of perimeters only where they are of two vintages."""
    tables = [
        Table("comparaison", "Chaque chiffre avant et après, expliqué", _named(found, found.figures)),
        Table("effets", "Effet de chaque facteur, exact et arrondi", _named(found, found.effects)),
        Table("communes_comparees", "Chaque commune dans les deux éditions", found.communes),
        Table("lieux_compares", "Lieux ouverts, fermés ou déplacés", found.places),
        Table("vie_perimetres", "Vie des périmètres entre les deux millésimes", found.lifecycle),
    ]
    return [table for table in tables if len(table.rows.columns)]


def _named(found: Comparison, table: pd.DataFrame) -> pd.DataFrame:
    """Put the name of each territory beside its code: that of the edition after, else of the one before."""
    named = with_names(found.after, table)
    former = with_names(found.before, table)["territory_name"]
    return named.assign(
        territory_name=former.where(named["territory_name"] == table["territory"], named["territory_name"])
    )


def render_comparison(found: Comparison) -> str:
    """Render the page of a comparison; it loads nothing from elsewhere."""
    figures = _named(found, found.figures)
    whole = figures[figures["level"] == "departement"].to_dict("records")
    return page_template("comparaison.html.j2").render(
        title=f"Ce qui a changé{NBSP}: {plain_text(found.after.departement_name)}",
        subtitle=_subtitle(found),
        figures=_headlines(found, whole),
        sentences=[(_label(found, row["service"]), row["sentence"]) for row in whole],
        whole=_shown_whole(found, whole),
        sections=_sections(found, figures),
        places=_shown_places(found),
        breaks=_breaks(figures),
        notes=found.notes,
        method=_method(found),
        sources=sources_line(found.after),
    )


def _label(found: Comparison, service: str) -> str:
    return service_names(found.after.parameters, service).label


def _subtitle(found: Comparison) -> str:
    told = [
        f"{plain_text(study.scheme.nom)}, édition du {french.date(study.scheme.edition)} "
        f"(périmètres et populations de {study.scheme.millesimes.mesure})"
        for study in (found.before, found.after)
    ]
    return f"De{NBSP}: {told[0]}. À{NBSP}: {told[1]}."


def _headlines(found: Comparison, whole: list[dict[Hashable, Any]]) -> list[Figure]:
    """Return the figures before and after of the main service that has rules, for the département."""
    ruled = [row["service"] for row in whole if row["indicator"] == WITHIN]
    own = [row for row in whole if row["service"] == (ruled or [found.services[0]])[0]]
    label = _label(found, own[0]["service"])
    figures = []
    for row in own:
        if row["indicator"] == WITHIN:
            value = f"{french.percent(row['before_share'])} → {french.percent(row['after_share'])}"
            what = f"des habitants du département à {french.threshold(row['threshold_min'])} au plus ({label})"
        else:
            value = f"{_plain(row['before_value'], MEAN)} → {_plain(row['after_value'], MEAN)}{NBSP}min"
            what = f"en moyenne, pondérée par la population ({label})"
        figures.append(Figure(value, what))
    return figures


def _indicator(found: Comparison, row: Row) -> str:
    label = _label(found, row["service"])
    if row["indicator"] == MEAN:
        return f"{label}{NBSP}: temps moyen (min)"
    return f"{label}{NBSP}: habitants à {french.threshold(row['threshold_min'])} au plus"


_EFFECTS = tuple((word.capitalize(), "n") for word in _FACTORS.values())


def _effects(row: Row) -> tuple[str, ...]:
    figure = row["indicator"]
    return (
        _signed(row["change_value"], figure),
        *(_signed(row[f"{name}_effect"], figure) for name in _FACTORS),
    )


def _shown_whole(found: Comparison, whole: list[dict[Hashable, Any]]) -> _Shown:
    rows = [
        (
            _indicator(found, row),
            _plain(row["before_value"], row["indicator"]),
            _plain(row["after_value"], row["indicator"]),
            *_effects(row),
        )
        for row in whole
    ]
    header = (("Indicateur", ""), ("Avant", "n"), ("Après", "n"), ("Variation", "n"), *_EFFECTS)
    note = "Les quatre effets s'ajoutent à la variation. Chaque chiffre est arrondi à part, sauf eux."
    return _Shown("Le département", note, header, tuple(rows))


def _sections(found: Comparison, figures: pd.DataFrame) -> list[_Section]:
    """Return the tables of EPCI and PETR for each indicator; a level without any territory has no section."""
    sections = []
    for level, title in _LEVELS.items():
        own = figures[figures["level"] == level]
        if set(own["territory"]) <= {NO_TERRITORY}:
            continue
        kinds = own[["service", "indicator", "threshold_min"]].drop_duplicates().to_dict("records")
        tables = tuple(_shown_level(found, own, kind, level=level) for kind in kinds)
        sections.append(_Section(title, tables))
    return sections


def _shown_level(found: Comparison, own: pd.DataFrame, kind: dict[Hashable, Any], *, level: str) -> _Shown:
    same = (own["service"] == kind["service"]) & (own["indicator"] == kind["indicator"])
    same &= own["threshold_min"].fillna(0) == (0 if pd.isna(kind["threshold_min"]) else kind["threshold_min"])
    records = {
        _NOWHERE[level] if row["territory"] == NO_TERRITORY else plain_text(row["territory_name"]): row
        for row in own[same].to_dict("records")
    }
    names = french.in_order(records)
    names.sort(key=lambda name: records[name]["territory"] == NO_TERRITORY)
    rows = [_level_row(name, records[name]) for name in names]
    constant = ("Avant, périmètre d'après", "n")
    header = (("Territoire", ""), ("Avant", "n"), constant, ("Après", "n"), ("Variation", "n"), *_EFFECTS)
    note = (
        f"Territoires entiers, y compris hors du département. «{NBSP}Rupture{NBSP}»{NBSP}: le périmètre a changé, voir "
        "plus bas."
    )
    return _Shown(_indicator(found, kind), note, (*header, ("Série", "")), tuple(rows))


def _level_row(name: str, row: Row) -> tuple[str, ...]:
    values = (_plain(row[f"{state}_value"], row["indicator"]) for state in ("before", "constant", "after"))
    return (name, *values, *_effects(row), "rupture" if row["perimeter_break"] else "continue")


def _shown_places(found: Comparison) -> _Shown:
    rows = [
        (
            plain_text(row["place_name"]),
            f"{plain_text(row['place_commune'])} ({plain_text(row['place_departement'])})",
            _label(found, row["service"]),
            row["place_change"],
            row["factor"],
        )
        for row in found.places.head(_FEW).to_dict("records")
    ]
    header = (("Lieu", ""), ("Commune", ""), ("Service", ""), ("Changement", ""), ("Compté en", ""))
    total = french.count(len(found.places), "lieu permanent", "lieux permanents")
    note = f"{total} à portée, de tout département, reconnus à leur identifiant."
    if len(found.places) > _FEW:
        note += f" Les {_FEW} premiers{NBSP}; tableau complet dans le classeur."
    return _Shown("Lieux ouverts, fermés ou déplacés", note, header, tuple(rows))


def _breaks(figures: pd.DataFrame) -> list[tuple[str, str]]:
    """Return the territories whose perimeter changed, with what changed."""
    broken = figures[figures["perimeter_break"]].drop_duplicates("territory")
    told = dict(zip(broken["territory_name"].map(plain_text), broken["break_reason"].map(plain_text), strict=True))
    return [(name, told[name]) for name in french.in_order(told)]


def _method(found: Comparison) -> tuple[str, ...]:
    first, last = found.methods
    times = f"Temps{NBSP}: {last.label}. {last.description}"
    if first.code != last.code or first.source != last.source:
        times = f"Temps d'avant{NBSP}: {first.label}. {first.description} Temps d'après{NBSP}: {last.label}. "
        times += last.description
    return (
        (
            f"L'effet d'un facteur est sa valeur de Shapley{NBSP}: la variation qu'il produit en passant d'une édition "
            "à l'autre, en moyenne de tous les ordres dans lesquels les facteurs peuvent changer. Les effets "
            "s'ajoutent exactement, aucun ordre n'est préféré, et un facteur qui n'a pas changé n'en a aucun "
            "(A. F. Shorrocks, Journal of Economic Inequality, 2013, doi:10.1007/s10888-011-9214-z)."
        ),
        (
            f"Offre{NBSP}: lieux permanents ouverts, fermés ou déplacés. Population{NBSP}: populations légales. "
            f"Périmètre{NBSP}: communes, EPCI et PETR de chaque millésime. Source{NBSP}: moteur des temps, et position "
            "corrigée d'un lieu resté dans sa commune\u202f; c'est un changement de la mesure, non du terrain. Une "
            "liste tenue autrement (autre producteur, autre définition) se lit comme un changement d'offre."
        ),
        times,
        f"Source des temps{NBSP}: {' ; '.join(dict.fromkeys((first.source, last.source)))}.",
    )
