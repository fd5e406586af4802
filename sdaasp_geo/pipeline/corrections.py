"""Corrections from end to end: what may be edited is exported, what was edited is compared, changes are applied."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import pandas as pd

from sdaasp_geo import disk
from sdaasp_geo.errors import Fault, InputError, OutputError
from sdaasp_geo.french import NARROW_NBSP, NBSP, count
from sdaasp_geo.layers import correction_checks, corrections, findings, services
from sdaasp_geo.layers.correction_checks import Known
from sdaasp_geo.layers.corrections import Edited
from sdaasp_geo.outputs.corrections import write_changes, write_export
from sdaasp_geo.parameters import Parameters, number_setting, words_setting
from sdaasp_geo.pipeline.areas import by_network, declared_areas
from sdaasp_geo.pipeline.reporting import Report, quiet
from sdaasp_geo.scheme import Scheme
from sdaasp_geo.sources import corrections as correction_files
from sdaasp_geo.sources import grid_schema
from sdaasp_geo.study import Study

EXPORT_STEPS = 5
DIFFERENCE_STEPS = 6
_PLACE = ("lon", "lat")


@dataclass(frozen=True)
class Applied:
    """What corrections make: the service points, every change applied (None without file), and what to know."""

    points: gpd.GeoDataFrame
    changes: pd.DataFrame | None
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Difference:
    """A change file: where it is, how many changes it holds, and what the reader must know."""

    path: Path
    changes: int
    notes: tuple[str, ...]


def apply_corrections(
    scheme: Scheme,
    parameters: Parameters,
    layer: gpd.GeoDataFrame,
    points: gpd.GeoDataFrame,
    stops: gpd.GeoDataFrame | None,
) -> Applied:
    """Apply the change files of a scheme to its service points; those of counters are checked, and kept for later.

    Parameters
    ----------
    scheme, parameters : Scheme, Parameters
        The scheme.
    layer : GeoDataFrame
        Layer of communes.
    points, stops : GeoDataFrame
        Service points within reach, and stops.

    Raises
    ------
    InputError
        A change that cannot be applied: all those of a file, together.
    """
    if not scheme.fichiers.corrections:
        return Applied(points, None, ())
    declared = declared_areas(scheme, layer, by_network(points, parameters), parameters)
    read, notes, current = [], [], points
    for name in scheme.fichiers.corrections:
        path = scheme.path(name)
        changes = correction_files.read_changes(path)
        current, told = _checked(scheme, parameters, layer, current, stops, declared, changes, file=path.name)
        declared = corrections.apply_to_areas(declared, changes)
        read.append(changes.assign(fichier=path.name))
        notes += [f"{path.name}{NBSP}: {count(len(changes), 'correction appliquée', 'corrections appliquées')}.", *told]
    return Applied(current, pd.concat(read, ignore_index=True), tuple(notes))


def _checked(
    scheme: Scheme,
    parameters: Parameters,
    layer: gpd.GeoDataFrame,
    points: gpd.GeoDataFrame,
    stops: gpd.GeoDataFrame | None,
    declared: pd.DataFrame,
    changes: pd.DataFrame,
    *,
    file: str,
) -> tuple[gpd.GeoDataFrame, list[str]]:
    """Check changes against what they change, apply them to the points, check what that makes."""
    texts = corrections.point_texts(points, _fields(points))
    columns = [name for name in points.columns if name in {*_fields(points), *_PLACE}]
    table = corrections.apply_to_grid(pd.DataFrame(points[columns]), correction_checks.applicable(changes, texts))
    formats = words_setting(parameters, "formats-permanents")
    made = services.build_service_points(table, layer, permanent_formats=formats, departement=scheme.departement)
    vehicles = set() if stops is None else set(stops["vehicle"].dropna())
    reach_km = number_setting(parameters, "portee-offre-km")
    near = services.within_reach(made, layer[layer["studied"]], reach_km=reach_km) | made["id"].isin(vehicles)
    kept = made[near].reset_index(drop=True)
    known = Known(
        communes=layer,
        services={*grid_schema.known_services(), *scheme.mesure.services, *points["service"]},
        counters=_counters(kept, parameters),
        vehicles=vehicles,
    )
    operators = _operators(scheme, parameters, by_network(points, parameters))
    counters = corrections.counter_texts(layer, declared, operators)
    faults = correction_checks.change_faults(changes, points=texts, counters=counters, known=known, file=file)
    faults += _grid_faults(table, changes, file=file)
    if faults:
        raise InputError(sorted(faults, key=lambda fault: (fault.row or 0, fault.column)))
    return kept, [*findings.reach_notes(made[~near], reach_km=reach_km), *_elsewhere(made, changes, layer)]


def _fields(points: pd.DataFrame) -> list[str]:
    """Return the columns of the grid that the points have, position apart."""
    known = [field["name"] for field in grid_schema.grid_fields()]
    optional = [field.name for field in grid_schema.optional_columns()]
    return [name for name in (*known, *optional) if name in points.columns and name not in _PLACE]


def _operators(scheme: Scheme, parameters: Parameters, network: pd.DataFrame) -> set[str]:
    """Return the operators whose counters are measured."""
    communal = set(words_setting(parameters, "services-communaux"))
    measured = set(scheme.mesure.services) - communal
    return set(network.loc[network["service"].isin(measured), "operateur"]) - {""}


def _counters(points: gpd.GeoDataFrame, parameters: Parameters) -> set[tuple[str, str]]:
    """Return what may be a competent counter, once the changes are made: operator and place."""
    network = by_network(points, parameters)
    open_ = network[network["permanent"] & network.geometry.notna()]
    return set(zip(open_["operateur"], open_["id"], strict=True))


def _grid_faults(table: pd.DataFrame, changes: pd.DataFrame, *, file: str) -> list[Fault]:
    """Check the changed rows against the common grid; a fault is told at the row of the change that makes it."""
    own = changes[(changes["objet"] == corrections.POINT) & (changes["champ"] != corrections.EXISTENCE)]
    rows = {(key, field): int(row) for row, key, field in zip(own.index, own["identifiant"], own["champ"], strict=True)}
    added = changes[(changes["champ"] == corrections.EXISTENCE) & (changes["nouveau"] == corrections.PRESENT)]
    whole = {key: int(row) for row, key in zip(added.index, added["identifiant"], strict=True)}
    keys = table["id"] + "/" + table["service"]
    touched = table[keys.isin({key for key, _ in rows} | set(whole))]
    if touched.empty:
        return []
    placed = {name: touched[name].map("{:.7f}".format).where(touched[name].notna(), "") for name in _PLACE}
    text = touched.apply(corrections.text_of).assign(**placed)
    faults = []
    for fault in grid_schema.grid_faults(text, file=file):
        key = str(keys[fault.row])
        field = corrections.POSITION if fault.column in _PLACE else fault.column
        row = rows.get((key, field), whole.get(key))
        if row is not None:
            faults.append(Fault(file, row or None, fault.column, fault.value, fault.expected, fault.remedy))
    return faults


def _elsewhere(points: pd.DataFrame, changes: pd.DataFrame, layer: gpd.GeoDataFrame) -> list[str]:
    """Say which points were moved into another commune than the one they declare."""
    moved = changes[changes["champ"] == corrections.POSITION]
    codes = corrections.communes_at(moved["nouveau"], layer)
    declared = (
        pd.DataFrame(points)
        .set_axis(pd.Index(points["id"] + "/" + points["service"]), axis="index")["code_commune"]
        .reindex(moved["identifiant"])
    )
    names = layer.set_index("code")["name"]
    return [
        f"{key} est maintenant dans la commune {names[code]}, et en déclare une autre{NBSP}: {names.get(own, own)}."
        for key, code, own in zip(moved["identifiant"], codes, declared, strict=True)
        if code and own != code
    ]


def export_corrections(study: Study, path: Path, *, report: Report = quiet) -> Path:
    """Write the service points and the competent counters of a study as a GeoPackage that a person may edit.

    Raises
    ------
    OutputError
        When the file exists, or cannot be written.
    """
    points, counters = _texts(study)
    report("Couches à corriger")
    fields = _fields(study.points)
    return write_export(study, path, points=points, counters=counters, fields=fields)


def diff_corrections(
    study: Study, edited: Path, path: Path, *, date: dt.date, motive: str = "", report: Report = quiet
) -> Difference:
    """Compare an edited export with the study, check every change, and write the change file.

    Parameters
    ----------
    study : Study
        The scheme of the export, as it is today (`prepare`).
    edited : Path
        The GeoPackage that came back.
    path : Path
        The change file to write.
    date : date
        Day of the corrections.
    motive : str
        Reason, where an object gives none.

    Raises
    ------
    InputError
        An unreadable export, a change that cannot be applied: all faults, together; nothing is written.
    OutputError
        When ``path`` is one of the correction files that the scheme uses, or cannot be written.
    """
    _check_unused(study.scheme, path)
    report("Fichier corrigé")
    tables = correction_files.read_edited(edited)
    current_points, current_counters = _texts(study)
    report("Comparaison et contrôle")
    fields = _fields(study.points)
    told = {"file": edited.name, "date": date.isoformat(), "motive": motive}
    back, faults = _edited_points(tables, fields, study, date=date.isoformat(), file=edited.name)
    counted, more = _edited_rows(tables[correction_files.COUNTERS], list(current_counters.columns), file=edited.name)
    base = {name: _origin(tables, name) for name in (correction_files.POINTS, correction_files.COUNTERS)}
    moved, conflicts = corrections.compare(
        corrections.POINT, base=base[correction_files.POINTS], edited=back, current=current_points, **told
    )
    assigned, others = corrections.compare(
        corrections.COMMUNE, base=base[correction_files.COUNTERS], edited=counted, current=current_counters, **told
    )
    changes = pd.concat([moved, assigned])
    faults = [*faults, *more, *conflicts, *others]
    notes = _verified(study, changes, faults, file=edited.name)
    return Difference(write_changes(changes, path), len(changes), tuple(notes))


def _check_unused(scheme: Scheme, path: Path) -> None:
    """Refuse to write over a correction file that the scheme uses: an export starts from it, and does not repeat it."""
    with disk.errors_said(path):
        used = path.exists() and any(path.samefile(scheme.path(name)) for name in scheme.fichiers.corrections)
    if used:
        message = (
            f"{path} contient des corrections que le schéma applique{NBSP}: elles seraient perdues. Rien n'est écrit. "
            "Choisissez un autre nom, puis ajoutez-le à la liste corrections de scheme.toml, après ceux qui y sont."
        )
        raise OutputError(message)


def _verified(study: Study, changes: pd.DataFrame, faults: Iterable[Fault], *, file: str) -> list[str]:
    """Check changes as `apply_corrections` will, with the faults already found."""
    found = list(faults)
    declared = corrections.apply_to_areas(
        declared_areas(study.scheme, study.communes, by_network(study.points, study.parameters), study.parameters),
        study.corrections,
    )
    notes: list[str] = []
    try:
        _, notes = _checked(
            study.scheme, study.parameters, study.communes, study.points, study.stops, declared, changes, file=file
        )
    except InputError as error:
        found += error.faults
    if found:
        raise InputError(sorted(set(found), key=lambda fault: (fault.row or 0, fault.column, fault.value)))
    return notes


def _texts(study: Study) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the service points and the competent counters of a study, as texts."""
    network = by_network(study.points, study.parameters)
    declared = declared_areas(study.scheme, study.communes, network, study.parameters)
    areas = corrections.apply_to_areas(declared, study.corrections)
    operators = _operators(study.scheme, study.parameters, network)
    return (
        corrections.point_texts(study.points, _fields(study.points)),
        corrections.counter_texts(study.communes, areas, operators),
    )


def _origin(tables: dict[str, pd.DataFrame], layer: str) -> pd.DataFrame:
    return pd.DataFrame(tables[correction_files.ORIGIN.format(layer)]).set_index("identifiant")


def _edited_points(
    tables: dict[str, pd.DataFrame], fields: list[str], study: Study, *, date: str, file: str
) -> tuple[Edited, list[Fault]]:
    layer = tables[correction_files.POINTS]
    shown = corrections.degrees(gpd.GeoSeries(layer.geometry, crs=layer.crs))
    texts = pd.DataFrame(layer.drop(columns="geometry")).assign(
        **{corrections.POSITION: shown, corrections.SHOWN: shown}
    )
    known = [name for name in fields if name in texts.columns]
    edited, faults = _edited_rows(texts, [*known, corrections.POSITION, corrections.SHOWN], file=file)
    added = corrections.completed(edited.added, study.communes, date=date) if len(edited.added) else edited.added
    return Edited(edited.texts, added, edited.row, edited.motive), faults


def _edited_rows(table: pd.DataFrame, columns: list[str], *, file: str) -> tuple[Edited, list[Fault]]:
    """Split edited rows into those that were exported and those that are new; refuse identifiers given twice."""
    texts = pd.DataFrame({name: corrections.text_of(table[name]) for name in columns})
    named = table["identifiant"].astype("str").str.strip()
    new = named == ""
    if set(corrections.KEY) <= set(columns):
        named = named.mask(new, texts["id"] + "/" + texts["service"])
    twice = named.duplicated(keep=False)
    remedy = f"Videz l'identifiant d'un point ajouté{NARROW_NBSP}; donnez-lui un id et un service."
    faults = [
        Fault(file, int(row), "identifiant", str(named[row]), "un identifiant unique", remedy)
        for row in table.index[twice & new]
    ]
    faults += [
        Fault(file, int(row), "identifiant", str(named[row]), "un identifiant unique", remedy)
        for row in table.index[named.duplicated() & ~new]
    ]
    good = ~(named.duplicated() | (twice & new))
    keyed = texts.set_axis(pd.Index(named, name="identifiant"), axis="index")
    motive = corrections.text_of(table["motif"]) if "motif" in table.columns else pd.Series("", index=table.index)
    rows = dict(zip(named[good], (int(row) for row in table.index[good]), strict=True))
    motives = dict(zip(named[good], motive[good], strict=True))
    return Edited(keyed[(good & ~new).to_numpy()], keyed[(good & new).to_numpy()], rows, motives), faults
