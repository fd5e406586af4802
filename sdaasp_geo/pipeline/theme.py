"""One theme of a scheme: what it needs is measured, and no more; its layers and its tables are written."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import pandas as pd

from sdaasp_geo import __version__
from sdaasp_geo.outputs import publish
from sdaasp_geo.outputs.theme_folder import Written, write_theme_folder
from sdaasp_geo.pipeline.borders import epci_names, measure_borders
from sdaasp_geo.pipeline.diagnosis import criteria_classes, perimeter_life, place_counts, weekly_presence
from sdaasp_geo.pipeline.ground import lay_ground
from sdaasp_geo.pipeline.measurement import measure
from sdaasp_geo.pipeline.preparation import prepare
from sdaasp_geo.pipeline.reporting import Report, quiet
from sdaasp_geo.scheme import Scheme
from sdaasp_geo.study import Diagnosis, Measures, Study
from sdaasp_geo.travel.engine import Method

_PREPARE, _MEASURE, _GROUND, _WRITE = 4, 1, 1, 1
_UNMEASURED = Method(
    code="sans-mesure",
    label="aucun temps mesuré",
    estimate=False,
    description="Ce résultat ne porte que sur les périmètres.",
    source="sans objet",
)


def theme_steps(scheme: Scheme, theme: str) -> int:
    """Return how many steps `write_theme` reports; a bar needs a total, not an exact one."""
    measured = _MEASURE + len(scheme.mesure.services)
    more = {"perimetres": 0, "acces": measured, "deficits": measured + _GROUND + 2, "frontiere": measured + _GROUND + 1}
    return _PREPARE + more[theme] + _WRITE


def write_theme(
    scheme: Scheme, theme: str, folder: Path, *, report: Report = quiet, cache: Path | None = None
) -> Written:
    """Measure what a theme needs and write its folder, complete or not at all.

    Parameters
    ----------
    scheme : Scheme
        The scheme.
    theme : str
        ``perimetres``, ``acces``, ``deficits`` or ``frontiere``.
    folder : Path
        Absent, empty, or an earlier run, which is replaced.
    report, cache
        See `measure`.

    Raises
    ------
    SdaaspError
        Any error of the inputs, of the scheme or of the folder; nothing is left behind.
    """
    publish.check_replaceable(folder)
    study = prepare(scheme, report=report)
    measures = _MEASURES[theme](study, report, cache)
    report("Couches et tableaux")
    with publish.published(folder) as beside:
        return write_theme_folder(study, measures, theme, beside, version=__version__)


def _perimeters(study: Study, _report: Report, _cache: Path | None) -> Measures:
    """Measure nothing: what became of the perimeters is read."""
    none = gpd.GeoDataFrame(geometry=gpd.GeoSeries([], crs=study.communes.crs))
    access = pd.DataFrame(columns=["service", "code", "reason"], dtype="str")
    measures = Measures(access, pd.DataFrame(), pd.DataFrame(), none, pd.DataFrame(), _UNMEASURED)
    return dataclasses.replace(measures, diagnosis=_diagnosis(study, lifecycle=perimeter_life(study)))


def _access(study: Study, report: Report, cache: Path | None) -> Measures:
    return measure(study, report=report, cache=cache)


def _deficits(study: Study, report: Report, cache: Path | None) -> Measures:
    measures = measure(study, report=report, cache=cache)
    report("Trajets à portée")
    ground = lay_ground(study, measures, report=report, cache=cache)
    report("Présence hebdomadaire")
    weekly, unread = weekly_presence(ground)
    report("Critères")
    found, told = criteria_classes(ground, place_counts(ground), weekly)
    diagnosis = _diagnosis(study, criteria=found, reachable=weekly["reachable"], notes=(*unread, *told))
    return dataclasses.replace(measures, diagnosis=diagnosis)


def _border(study: Study, report: Report, cache: Path | None) -> Measures:
    measures = measure(study, report=report, cache=cache)
    report("Trajets à portée")
    ground = lay_ground(study, measures, report=report, cache=cache)
    report("Frontières et guichets compétents")
    tables, notes = measure_borders(ground)
    return dataclasses.replace(measures, diagnosis=_diagnosis(study, **tables, notes=tuple(notes)))


_MEASURES: dict[str, Callable[[Study, Report, Path | None], Measures]] = {
    "perimetres": _perimeters,
    "acces": _access,
    "deficits": _deficits,
    "frontiere": _border,
}


def _diagnosis(study: Study, **measured: pd.DataFrame | tuple[str, ...]) -> Diagnosis:
    """Return a diagnosis that holds only what was measured; the rest is empty."""
    fields = {field.name for field in dataclasses.fields(Diagnosis)} - {"epci_names", "notes"}
    empty: dict[str, pd.DataFrame] = {name: pd.DataFrame() for name in fields}
    return Diagnosis(**{**empty, "epci_names": epci_names(study), "notes": (), **measured})
