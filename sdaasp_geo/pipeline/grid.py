"""The common grid between operators: check a file, join files. Templates are in `pipeline.grid_template`."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from pathlib import Path

import geopandas as gpd
import pandas as pd

from sdaasp_geo import __version__
from sdaasp_geo.action_plan import Field
from sdaasp_geo.errors import Fault, InputError, OutputError
from sdaasp_geo.french import NBSP
from sdaasp_geo.layers import communes, grid_checks, grid_merge
from sdaasp_geo.layers.scope import departement_of
from sdaasp_geo.outputs import publish
from sdaasp_geo.outputs.grid_merged import write_merge
from sdaasp_geo.outputs.grid_report import FINDINGS, TO_LOOK, TO_MEND, Checked, write_check
from sdaasp_geo.outputs.manifest import MANIFEST, is_run, sha256
from sdaasp_geo.parameters import read_parameters
from sdaasp_geo.pipeline.reporting import Report, quiet
from sdaasp_geo.sources import france
from sdaasp_geo.sources.french_hours import read_week_text
from sdaasp_geo.sources.grid_files import GridFile, read_grid_file
from sdaasp_geo.sources.grid_schema import grid_columns, grid_faults, known_services, numbers, optional_columns
from sdaasp_geo.sources.hours import CONVERTED

CHECK_STEPS = 4
"""Steps that `check_grid` reports."""

MERGE_STEPS = 3
"""Steps that `merge_grid_files` reports."""

_FAULT = "défaut"


def check_grid(path: Path, *, report_folder: Path, edition: dt.date | None = None, report: Report = quiet) -> Checked:
    """Check a filled common grid, and write a report that says how to mend it.

    Parameters
    ----------
    path : Path
        CSV, TSV, XLSX or ODS.
    report_folder : Path
        Where to write ``rapport.html``, the marked copy of the file and ``manifest.json``, complete or not at all.
    edition : date, optional
        Day from which dates are judged.
    report : callable
        Called with the French name of each step.

    Returns
    -------
    Checked
        Every fault and every doubt; the report is written even when there are faults.

    Raises
    ------
    OutputError
        When the folder cannot be written, or would lose work (`check_untouched`). Faults of the file are never raised.
    """
    check_untouched(report_folder, inputs=[path])
    report("Lecture du fichier")
    try:
        grid = read_grid_file(path)
    except InputError as error:
        checked = _unread(path, error)
    else:
        report("Contrôle des cellules")
        faults = [*grid.faults, *grid_faults(grid.table, file=path.name)]
        report("Communes, positions et horaires")
        checked = _checked(grid, faults, _warnings(grid.table, edition))
    report("Rapport")
    with publish.published(report_folder) as beside:
        write_check(checked, all_columns(), beside, inputs=describe_files([path]), version=__version__)
    return checked


def merge_grid_files(paths: Sequence[Path], folder: Path, *, report: Report = quiet) -> grid_merge.Merge:
    """Join common grids of several operators or dates, and write the grid with its trail.

    Parameters
    ----------
    paths : sequence of Path
        Valid grids (`check_grid`); of two rows of one date, that of the file given first prevails.
    folder : Path
        Where to write, complete or not at all.
    report : callable
        Called with the French name of each step.

    Raises
    ------
    InputError
        Every fault of every file, together; a file given twice; a file that lies in ``folder``; a joined grid given
        with one of the files it was made from.
    OutputError
        When the folder cannot be written.
    """
    check_untouched(folder, inputs=[])
    report("Lecture et contrôle des fichiers")
    faults = _circular(paths, folder)
    grids: dict[str, pd.DataFrame] = {}
    for name, path in _named(paths).items():
        try:
            grid = read_grid_file(path)
        except InputError as error:
            faults += error.faults
            continue
        faults += [*grid.faults, *grid_faults(grid.table, file=name)]
        grids[name] = grid.table
    if faults:
        raise InputError(faults)
    report("Fusion")
    merged = grid_merge.merge_grids({name: _plain_degrees(table) for name, table in grids.items()})
    report("Tableaux")
    tables = {
        "grid": _in_order(merged.grid),
        "history": merged.history,
        "conflicts": merged.conflicts,
        "doubles": merged.doubles,
        "origins": merged.origins,
    }
    with publish.published(folder) as beside:
        write_merge(tables, all_columns(), beside, inputs=describe_files(paths), version=__version__)
    return merged


def check_untouched(folder: Path, *, inputs: Sequence[Path]) -> None:
    """Refuse to replace a folder that holds an input, or a workbook that someone has filled since it was written.

    Raises
    ------
    OutputError
        In these cases, and when the folder holds something else than a run.
    """
    publish.check_replaceable(folder)
    inside = [path.name for path in inputs if path.resolve().is_relative_to(folder.resolve())]
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8")) if is_run(folder) else {}
    written = {folder / str(made.get("name")): made.get("sha256") for made in manifest.get("outputs", [])}
    changed = [path.name for path, hashed in written.items() if path.is_file() and sha256(path) != hashed]
    if inside or changed:
        names = ", ".join([*inside, *changed])
        message = f"{folder} contient votre travail ({names}){NBSP}: rien n'a été écrit. Choisissez un autre dossier."
        raise OutputError(message)


def all_columns() -> tuple[Field, ...]:
    """Return the columns of the grid, then the optional ones."""
    return (*grid_columns(), *optional_columns())


def service_labels() -> dict[str, str]:
    """Return the known codes of services with their names: those of the schema, then those of the parameters."""
    measured = {service.code: service.label for service in read_parameters().service}
    return {**measured, **known_services()}


def describe_files(paths: Sequence[Path]) -> list[dict[str, object]]:
    """Return the name, the SHA-256 and the size of files, in order."""
    return [{"name": path.name, "sha256": sha256(path), "bytes": path.stat().st_size} for path in paths]


def _named(paths: Sequence[Path]) -> dict[str, Path]:
    """Name each file, with its folder where two have one name."""
    names = [path.name for path in paths]
    return {(name if names.count(name) == 1 else str(path)): path for name, path in zip(names, paths, strict=True)}


def _circular(paths: Sequence[Path], folder: Path) -> list[Fault]:
    """Find the files given twice, those that the output would replace, and those already in a joined grid."""
    hashes = [sha256(path) for path in paths]
    faults = []
    for at, (path, own) in enumerate(zip(paths, hashes, strict=True)):
        if own in hashes[:at]:
            same = paths[hashes.index(own)].name
            faults.append(Fault(path.name, None, "", same, "un autre contenu", "Donnez chaque fichier une seule fois."))
        if path.resolve().is_relative_to(folder.resolve()):
            remedy = "Choisissez un autre dossier de résultat, ou déplacez le fichier."
            faults.append(Fault(path.name, None, "", str(folder), "un fichier hors du dossier du résultat", remedy))
        made_from = _made_from(path, own)
        faults += [
            Fault(path.name, None, "", other.name, "une fusion sans les fichiers dont elle vient", _REMOVE)
            for other, hashed in zip(paths, hashes, strict=True)
            if hashed != own and hashed in made_from
        ]
    return faults


_REMOVE = f"Retirez ce fichier{NBSP}: la fusion le contient déjà."


def _made_from(path: Path, own: str) -> set[str]:
    """Return the SHA-256 of the files that a joined grid was made from, as the manifest beside it says."""
    if not is_run(path.parent):
        return set()
    manifest = json.loads((path.parent / MANIFEST).read_text(encoding="utf-8"))
    if own not in {output.get("sha256") for output in manifest.get("outputs", [])}:
        return set()
    return {str(given.get("sha256")) for given in manifest.get("inputs", [])}


def _plain_degrees(table: pd.DataFrame) -> pd.DataFrame:
    """Write degrees one way, so that « 6,20 » and « 6.2 » are no change."""
    return table.assign(
        **{
            name: ["" if pd.isna(value) else repr(float(value)) for value in numbers(table[name])]
            for name in ("lon", "lat")
        }
    )


def _in_order(grid: pd.DataFrame) -> pd.DataFrame:
    return grid[[field.name for field in all_columns() if field.name in grid.columns]]


def _unread(path: Path, error: InputError) -> Checked:
    return Checked(
        file=path.name,
        sheet="",
        rows=[],
        header_row=1,
        positions={},
        places=0,
        findings=_findings(error.faults, pd.DataFrame(columns=grid_checks.COLUMNS)),
        notes=("Le fichier n'a pas pu être lu.",),
    )


def _checked(grid: GridFile, faults: Sequence[Fault], warnings: pd.DataFrame) -> Checked:
    return Checked(
        file=grid.name,
        sheet=grid.sheet,
        rows=grid.rows,
        header_row=grid.header_row,
        positions=grid.positions,
        places=len(grid.table),
        findings=_findings(faults, warnings),
        notes=grid.notes,
    )


def _findings(faults: Sequence[Fault], warnings: pd.DataFrame) -> pd.DataFrame:
    """Join faults and doubts; a cell at fault is not doubted again."""
    wrong = {(fault.row, fault.column) for fault in faults}
    order = {field.name: at for at, field in enumerate(all_columns())}
    rows = [
        (TO_MEND, _FAULT, fault.row, fault.column, fault.value, fault.expected, fault.remedy)
        for fault in sorted(faults, key=lambda fault: (fault.row or 0, order.get(fault.column, -1)))
    ]
    rows += [
        (TO_LOOK, *row)
        for row in warnings[grid_checks.COLUMNS].itertuples(index=False, name=None)
        if (row[1], row[2]) not in wrong
    ]
    return pd.DataFrame(rows, columns=FINDINGS).astype({"row": "Int64"})


def _warnings(table: pd.DataFrame, edition: dt.date | None) -> pd.DataFrame:
    vintage = france.vintages()[-1]
    known = grid_checks.Known(
        communes=france.read_membership(vintage)[["code", "name"]],
        moves=france.read_moves(),
        services=list(service_labels()),
    )
    texts = table["horaires_bruts"] if "horaires_bruts" in table else pd.Series(dtype="str")
    weeks = {text: read_week_text(text) for text in dict.fromkeys(texts) if text}
    proposed = {text: week.hours for text, week in weeks.items() if week.status == CONVERTED}
    return grid_checks.grid_warnings(
        table, known=known, proposed_hours=proposed, distances_m=_distances(table, vintage), edition=edition
    )


def _distances(table: pd.DataFrame, vintage: int) -> pd.Series:
    """Measure how far each located row is from its commune."""
    if not {"lon", "lat", "code_commune"} <= set(table.columns):
        return pd.Series(dtype="float64")
    lon, lat = numbers(table["lon"]), numbers(table["lat"])
    known = france.read_departements()
    wanted = {departement_of(code) for code in table.loc[lon.notna(), "code_commune"]} & set(known)
    links = france.read_contour_links()
    shapes: list[gpd.GeoDataFrame] = []
    for zone in sorted({known[code].zone for code in wanted}):
        contours = france.read_contours({code for code in wanted if known[code].zone == zone})
        shapes.append(communes.apply_vintage(contours, links, vintage=vintage))
    boxes = [departement.bounds for departement in known.values()]
    return grid_checks.distances_to_commune(lon, lat, table["code_commune"], shapes, boxes=boxes)
