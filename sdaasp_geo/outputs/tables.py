"""Tables for people and machines: CSV and Parquet of each, one workbook of all, and their dictionary."""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import xlsxwriter

from sdaasp_geo.action_plan import action_fields, governance_fields
from sdaasp_geo.analysis.lifecycle import MERGED, RECODED, RENAMED, SPLIT
from sdaasp_geo.french import spaced
from sdaasp_geo.outputs.escape import csv_cell, visible_text
from sdaasp_geo.outputs.layer_model import grid_columns
from sdaasp_geo.study import Measures, Study

_WORKBOOK = "sdaasp.xlsx"
_WIDEST = 60
_HEADER_HEIGHT = 48  # points: three lines of a wrapped label
_INTEGER, _DECIMAL, _DATE = "#,##0", "#,##0.0", "dd/mm/yyyy"
_SHARES = ("share_within", "nearest_elsewhere_share", "share", "share_beyond", "share_between", "cumulative_share")
_DICTIONARIES = ("columns.toml", "columns_diagnosis.toml", "columns_plan.toml", "columns_answers.toml")
_CSV_FORMATS = {"float_format": "%.4f", "date_format": "%Y-%m-%d"}
_PUBLISHED = {"actions": action_fields, "gouvernance": governance_fields}
"""Tables whose columns are those of a published Table Schema."""

_GRID = "points_services"
"""Table whose columns are those of the common grid, and a few more."""

_CHANGES = {
    "fusion": MERGED,
    "retablissement": SPLIT,
    "changement_de_code": RECODED,
    "changement_de_nom": RENAMED,
}
"""Codes of the changes of communes and of EPCI, in words; another is already in words."""

_PREFIXES = {
    "second_": ("second_", "deuxième lieu le plus proche"),
    "inside_": ("dedans_", "lieu le plus proche dans le département"),
    "own_epci_": ("propre_epci_", "lieu le plus proche dans l'EPCI de la commune"),
    "own_departement_": ("propre_departement_", "lieu le plus proche dans le département de la commune"),
    "competent_": ("competent_", "guichet compétent"),
    "nearest_": ("plus_proche_", "guichet le plus proche du même opérateur"),
}
"""Prefix of internal columns: prefix of the published names, and what it speaks of, in French."""


@dataclass(frozen=True)
class Table:
    """A table to publish: file name, French title, and rows under internal column names.

    A long table stays out of the workbook, and the longest is in Parquet only: a spreadsheet is no place for them.
    """

    name: str
    title: str
    rows: pd.DataFrame
    in_workbook: bool = True
    in_csv: bool = True


@cache
def _dictionary() -> dict[str, dict[str, str]]:
    texts = [Path(__file__).with_name(name).read_text(encoding="utf-8") for name in _DICTIONARIES]
    return {key: given for text in texts for key, given in tomllib.loads(spaced(text)).items()}


def describe_column(table: str, column: str) -> dict[str, str]:
    """Return the published name, French label, unit and meaning of a column of a table."""
    for field in _PUBLISHED[table]() if table in _PUBLISHED else ():
        if field.name == column:
            return {"name": column, "label": field.title, "unit": "", "meaning": spaced(field.description)}
    if table == _GRID and column in grid_columns():
        shown = grid_columns()[column]
        return {"name": shown.name, "label": shown.label, "unit": shown.unit, "meaning": shown.meaning}
    known = _dictionary()
    for prefix in _PREFIXES:
        rest = column.removeprefix(prefix)
        if column.startswith(prefix) and (rest == "reason" or rest.startswith(("time_", "low_", "high_", "place"))):
            return _prefixed(known[rest], prefix)
    given = known.get(f"{table}.{column}") or known.get(column) or {"name": column, "label": column, "meaning": ""}
    return {"unit": "", **given}


def _prefixed(given: dict[str, str], prefix: str) -> dict[str, str]:
    start, words = _PREFIXES[prefix]
    return {
        "name": start + given["name"],
        "label": f"{given['label']} ({words})",
        "unit": given.get("unit", ""),
        "meaning": f"{given['meaning']}, pour le {words}",
    }


def build_tables(study: Study, measures: Measures) -> list[Table]:
    """Gather the tables to publish, in reading order."""
    communes, epci = study.communes, study.epci
    names = communes.set_index("code")[["name", "epci", "departement", "population"]].rename(
        columns={"name": "commune_name"}
    )
    labels = epci_labels(study)
    access = names.join(measures.access.set_index("code"), how="right").rename_axis("code").reset_index()
    access.insert(3, "epci_name", access["epci"].map(labels))
    return [
        Table("acces", "Accès de chaque commune aux services", access),
        Table("couverture", "Habitants dans chaque seuil, par territoire", with_names(study, measures.coverage)),
        Table("synthese", "Temps d'accès par territoire", with_names(study, measures.summary)),
        Table("zones", "Zones déficitaires", _plain(measures.zones)),
        Table("zones_communes", "Communes des zones déficitaires", measures.zone_members),
        Table("communes", "Communes étudiées et voisines", _plain(communes)),
        Table("epci", "Intercommunalités ayant une commune dans le département", _plain(epci)),
        Table("petr", "Pôles d'équilibre territoriaux et ruraux", _plain(study.petr)),
        Table(
            "petr_communes", "Communes des PETR", study.petr_members[["petr", "petr_name", "code", "name", "inside"]]
        ),
        Table("voisins", "Intercommunalités des départements voisins", _plain(study.neighbours)),
        Table(_GRID, "Points de service", _plain(study.points)),
        Table("differences_perimetre", "Différences de périmètre entre deux sources", study.differences),
        Table("evolution_perimetre", "Évolution des périmètres depuis la convention", _in_words(study.evolution)),
        *([Table("corrections", "Corrections appliquées", study.corrections)] if study.corrections is not None else []),
        *_cell_tables(study, measures),
    ]


def _cell_tables(study: Study, measures: Measures) -> list[Table]:
    """Gather what was measured from inhabited cells, where the scheme gives some."""
    if study.cells is None or measures.cells is None:
        return []
    counted = [
        ("couverture_carreaux", "Habitants dans chaque seuil, comptés par carreaux", measures.cell_coverage),
        ("synthese_carreaux", "Temps d'accès par territoire, depuis les carreaux", measures.cell_summary),
    ]
    return [
        Table("carreaux", "Carreaux habités", _plain(study.cells), in_workbook=False),
        Table("acces_carreaux", "Accès de chaque carreau habité aux services", measures.cells, in_workbook=False),
        *(Table(name, title, with_names(study, table)) for name, title, table in counted if table is not None),
    ]


def epci_labels(study: Study) -> dict[str, str]:
    """Return the names of the EPCI of the département and of its neighbours, by SIREN."""
    both = pd.concat([study.epci[["siren", "name"]], study.neighbours[["siren", "name"]]])
    return dict(zip(both["siren"], both["name"], strict=True))


def with_names(study: Study, table: pd.DataFrame) -> pd.DataFrame:
    """Put the name of each territory beside its code."""
    if "territory" not in table.columns:
        return table
    names = {
        **dict(zip(study.communes["code"], study.communes["name"], strict=True)),
        **epci_labels(study),
        **dict(zip(study.petr["petr"], study.petr["name"], strict=True)),
        study.scheme.departement: study.departement_name,
    }
    named = table.copy()
    named.insert(2, "territory_name", named["territory"].map(names).fillna(named["territory"]))
    return named


def _in_words(evolution: pd.DataFrame) -> pd.DataFrame:
    return evolution.assign(change=evolution["change"].replace(_CHANGES))


def _plain(layer: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(layer.drop(columns="geometry"))


def write_tables(tables: list[Table], folder: Path, *, edition: dt.date) -> list[Path]:
    """Write every table as CSV (UTF-8 with mark, comma, decimal point) and Parquet, and all in one workbook.

    A text that a spreadsheet would take for a formula is written so that it stays text.

    Returns
    -------
    list of Path
        The files written, the dictionary included.
    """
    folder.mkdir(parents=True, exist_ok=True)
    everything = [*tables, Table("dictionnaire", "Dictionnaire des données", _dictionary_rows(tables))]
    written = []
    for table in everything:
        published = published_rows(table)
        path = folder / f"{table.name}.parquet"
        published.to_parquet(path, index=False, compression="zstd")
        written.append(path)
        if not table.in_csv:
            continue
        written.append(write_csv(table, folder))
    return [
        *written,
        _write_workbook([table for table in everything if table.in_workbook], folder / _WORKBOOK, edition=edition),
    ]


def write_csv(table: Table, folder: Path) -> Path:
    """Write one table as CSV (UTF-8 with mark, comma, decimal point); a text that looks like a formula stays text."""
    path = folder / f"{table.name}.csv"
    published = published_rows(table)
    guarded = published.apply(lambda column: column.map(csv_cell) if column.dtype in ("object", "str") else column)
    guarded.to_csv(
        path, index=False, encoding="utf-8-sig", lineterminator="\n", float_format="%.4f", date_format="%Y-%m-%d"
    )
    return path


def published_rows(table: Table) -> pd.DataFrame:
    """Return a table under its published column names."""
    return table.rows.rename(columns={column: describe_column(table.name, column)["name"] for column in table.rows})


def _dictionary_rows(tables: list[Table]) -> pd.DataFrame:
    rows = [
        {
            "table": table.name,
            "colonne": given["name"],
            "libelle": given["label"],
            "unite": given["unit"],
            "sens": given["meaning"],
        }
        for table in tables
        for given in (describe_column(table.name, column) for column in table.rows.columns)
    ]
    return pd.DataFrame(rows, dtype="str")


def _write_workbook(tables: list[Table], path: Path, *, edition: dt.date) -> Path:
    options = {"strings_to_formulas": False, "strings_to_urls": False, "nan_inf_to_errors": False, "in_memory": True}
    with xlsxwriter.Workbook(str(path), options) as book:
        book.set_properties({"created": dt.datetime.combine(edition, dt.time())})
        formats = {
            "header": book.add_format(
                {"bold": True, "text_wrap": True, "valign": "top", "bg_color": "#E8ECF2", "border": 1}
            ),
            "int": book.add_format({"num_format": _INTEGER}),
            "float": book.add_format({"num_format": _DECIMAL}),
            "share": book.add_format({"num_format": "0.0%"}),
            "date": book.add_format({"num_format": _DATE}),
        }
        for table in tables:
            _write_sheet(book, formats, table)
    return path


def _write_sheet(book: Any, formats: dict[str, Any], table: Table) -> None:  # noqa: ANN401 - xlsxwriter has no types
    sheet = book.add_worksheet(table.name[:31])
    rows = table.rows
    for position, column in enumerate(rows.columns):
        given = describe_column(table.name, column)
        label = f"{given['label']} ({given['unit']})" if given["unit"] and column not in _SHARES else given["label"]
        sheet.write_string(0, position, label, formats["header"])
        kind = _kind(rows[column], column)
        longest = max([len(label) // 2, *(len(str(value)) for value in rows[column].head(200))], default=8)
        sheet.set_column(position, position, min(_WIDEST, max(10, longest + 2)))
        for line, value in _cells(rows[column]):
            _write_cell(sheet, line, position, value, formats.get(kind))
    sheet.set_row(0, _HEADER_HEIGHT)
    sheet.freeze_panes(1, 0)
    sheet.set_landscape()
    sheet.repeat_rows(0)
    if len(rows):
        sheet.autofilter(0, 0, len(rows), len(rows.columns) - 1)


def _kind(values: pd.Series, column: str) -> str:
    if column in _SHARES:
        return "share"
    if pd.api.types.is_datetime64_any_dtype(values):
        return "date"
    if pd.api.types.is_bool_dtype(values) or not pd.api.types.is_numeric_dtype(values):
        return "text"
    return "int" if pd.api.types.is_integer_dtype(values) and column not in {"vintage", "population_year"} else "float"


def _cells(values: pd.Series) -> Iterator[tuple[int, object]]:
    for line, value in enumerate(values.tolist(), start=1):
        if not pd.isna(value):
            yield line, value


def _write_cell(sheet: Any, line: int, position: int, value: object, style: Any) -> None:  # noqa: ANN401
    if isinstance(value, bool):
        sheet.write_string(line, position, "oui" if value else "non")
    elif isinstance(value, int | float):
        sheet.write_number(line, position, value, style)
    elif isinstance(value, dt.datetime):
        sheet.write_datetime(line, position, value, style)
    else:
        sheet.write_string(line, position, visible_text(str(value)))
