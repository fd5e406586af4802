"""Last part of the pipeline: the output folder, one annexe, a new scheme folder."""

from __future__ import annotations

import dataclasses
import datetime as dt
from pathlib import Path

from sdaasp_geo import __version__
from sdaasp_geo.action_plan import action_fields, governance_fields
from sdaasp_geo.layers import names, territories
from sdaasp_geo.outputs import publish
from sdaasp_geo.outputs.folder import STEPS, Run, write_annexe, write_run
from sdaasp_geo.outputs.scheme_folder import ACTIONS, GOVERNANCE, GRID, write_scheme_folder
from sdaasp_geo.pipeline.database import check_destination, send_layers
from sdaasp_geo.pipeline.diagnosis import diagnose
from sdaasp_geo.pipeline.measurement import measure
from sdaasp_geo.pipeline.needs import census_with_history
from sdaasp_geo.pipeline.preparation import prepare
from sdaasp_geo.pipeline.reporting import Report, quiet
from sdaasp_geo.scheme import Scheme, embedded_schemes, read_scheme
from sdaasp_geo.sources import france
from sdaasp_geo.sources import services as service_files
from sdaasp_geo.study import Measures, Study

BUILD_STEPS = 10 + STEPS
"""Steps that `build` reports for two services; a bar needs a total, not an exact one."""

ANNEX_STEPS = 11
"""Steps that `annexe` reports for two services."""


def build(
    scheme: Scheme, folder: Path, *, report: Report = quiet, cache: Path | None = None, to: str | None = None
) -> Run:
    """Do the whole job: check, measure, and write the output folder, complete or not at all.

    Parameters
    ----------
    scheme : Scheme
        The scheme.
    folder : Path
        Absent, empty, or an earlier run, which is replaced.
    report, cache
        See `measure`.
    to : str, optional
        Address of a PostGIS base that the layers are also written to; where it refuses them, nothing is published.

    Raises
    ------
    SdaaspError
        Any error of the inputs, of the scheme, of the folder or of the base; nothing is left behind.
    """
    publish.check_replaceable(folder)
    if to is not None:
        check_destination(scheme, to)
    study = prepare(scheme, report=report)
    measures = _diagnosed(study, report=report, cache=cache)
    census = census_with_history(scheme.millesimes.mesure)
    with publish.published(folder) as beside:
        run = write_run(study, measures, census, beside, version=__version__, report=report)
        return run if to is None else dataclasses.replace(run, sent=send_layers(study, measures, to))


def annexe(scheme: Scheme, epci: str, folder: Path, *, report: Report = quiet, cache: Path | None = None) -> list[Path]:
    """Write the annex of one EPCI, given by its SIREN or its name.

    Raises
    ------
    NameNotResolvedError
        No signing EPCI, or several, by that name.
    """
    study = prepare(scheme, report=report)
    signing = study.epci[study.epci["role"] == territories.SIGNS].reset_index(drop=True)
    siren = names.resolve_name(epci, signing).code
    measures = _diagnosed(study, report=report, cache=cache)
    report("Annexe de la convention")
    census = census_with_history(study.scheme.millesimes.mesure)
    with publish.added(folder / "annexes") as beside:
        link = write_annexe(study, measures, census, beside, siren=siren)
    return [folder / link.html, folder / link.docx, folder / link.pdf]


def _diagnosed(study: Study, *, report: Report, cache: Path | None) -> Measures:
    """Measure all that outputs show."""
    measures = measure(study, report=report, cache=cache)
    return dataclasses.replace(measures, diagnosis=diagnose(study, measures, report=report, cache=cache))


def init(folder: Path, departement: str, *, vintage: int | None = None, edition: dt.date | None = None) -> list[Path]:
    """Write a ready scheme folder for a département of France.

    Parameters
    ----------
    folder : Path
        Absent or empty.
    departement : str
        Code of the département.
    vintage : int, optional
        Vintage of perimeters and populations; by default that of the embedded schemes.
    edition : date, optional
        Date printed on the outputs; by default that of the embedded schemes.

    Raises
    ------
    SdaaspError
        Unknown département or vintage, folder that is not empty.
    """
    known = france.find_departement(departement)
    model = read_scheme(embedded_schemes()[0])
    year = vintage or model.millesimes.mesure
    membership, epci_names = france.read_membership(year), france.read_epci_names(year)
    labels = epci_names.set_index("siren")["name"]
    signing = territories.majority_epci(membership, departement=known.code)
    return write_scheme_folder(
        folder,
        code=known.code,
        name=known.name,
        vintage=year,
        edition=edition or model.edition,
        signatories=[(siren, labels[siren]) for siren in signing],
        columns={
            GRID: [field["name"] for field in service_files.grid_fields()],
            ACTIONS: [field.name for field in action_fields()],
            GOVERNANCE: [field.name for field in governance_fields()],
        },
    )
