"""Where the stages meet: sources → layers → travel → analysis → outputs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import pandas as pd

from sdaasp_geo import __version__
from sdaasp_geo.analysis import access as access_figures
from sdaasp_geo.analysis import deficits, levels, zones
from sdaasp_geo.embedded import embedded_path
from sdaasp_geo.errors import Fault, InputError
from sdaasp_geo.french import NBSP
from sdaasp_geo.layers import adjacency, communes, contracts, findings, names, scope, services, territories
from sdaasp_geo.outputs import publish
from sdaasp_geo.outputs.folder import STEPS, Run, write_annexe, write_run
from sdaasp_geo.outputs.scheme_folder import write_scheme_folder
from sdaasp_geo.parameters import (
    Parameters,
    Rule,
    number_setting,
    read_parameters,
    rules_of,
    service_names,
    words_setting,
)
from sdaasp_geo.scheme import Scheme, embedded_schemes, input_files, read_scheme
from sdaasp_geo.sources import boundaries, france, minutes
from sdaasp_geo.sources import services as service_files
from sdaasp_geo.study import Measures, Study
from sdaasp_geo.travel import matrix_file, straight_line
from sdaasp_geo.travel.engine import Engine, Method

Report = Callable[[str], None]
MAIRIE = "mairie"
STRAIGHT_LINE = "travel/straight_line.toml"

BUILD_STEPS = 6 + STEPS
"""Steps that `build` reports for two services; a bar needs a total, not an exact one."""

ANNEX_STEPS = 7
"""Steps that `annexe` reports for two services."""


def _quiet(_message: str) -> None:
    """Report nothing."""


def prepare(scheme: Scheme, *, report: Report = _quiet) -> Study:
    """Read and check the layers of a scheme.

    Parameters
    ----------
    scheme : Scheme
        The scheme (`scheme.read_scheme`).
    report : callable
        Called with the French name of each step as it begins.

    Returns
    -------
    Study
        Layers whose contracts hold.

    Raises
    ------
    InputError
        Faults of the inputs, together.
    SchemeError
        A vintage, a rule or a département that does not exist.
    """
    report("Paramètres et périmètres")
    parameters = read_parameters(scheme.path(scheme.fichiers.parametres) if scheme.fichiers.parametres else None)
    rules = rules_of(parameters, codes=scheme.mesure.regles, services=scheme.mesure.services, date=scheme.edition)
    departement = france.find_departement(scheme.departement)
    vintage = scheme.millesimes.mesure
    membership = france.read_membership(vintage)
    epci_names = france.read_epci_names(vintage)
    members = territories.petr_members(
        france.read_petr(), membership, date=f"{vintage}-01-01", departement=departement.code
    )
    signatories = _signatories(scheme, membership, epci_names)
    layer, warnings = _communes(scheme, departement, membership, members)
    report("Intercommunalités, pays et voisins")
    borders = adjacency.shared_borders(layer)
    epci = territories.build_epci(layer, membership, epci_names, departement=departement.code, signatories=signatories)
    neighbours = territories.build_neighbours(layer, membership, epci_names, borders, signatories=signatories)
    contracts.check_layer(epci, contracts.EPCI)
    differences = territories.membership_differences(
        membership[membership["epci"].isin(set(epci["siren"]))], france.read_second_membership(), epci_names
    )
    report("Points de service")
    points, far = _points(scheme, parameters, layer, departement.code)
    closest = findings.closest_vintage(scheme.millesimes.convention, france.vintages())
    evolution = findings.perimeter_changes(
        france.read_membership(closest),
        membership,
        france.read_moves(),
        sirens=set(epci["siren"]),
        convention=scheme.millesimes.convention,
        measure=vintage,
    )
    return Study(
        scheme=scheme,
        parameters=parameters,
        rules=rules,
        departement_name=departement.name,
        region_name=departement.region_name,
        communes=layer,
        departement=territories.build_departement(layer, name=departement.name),
        epci=epci,
        petr=territories.build_petr(layer, members),
        petr_members=members,
        neighbours=neighbours,
        points=points,
        borders=borders,
        differences=differences,
        evolution=evolution,
        warnings=(
            *warnings,
            *findings.vintage_notes(scheme.millesimes.convention, closest),
            *findings.difference_notes(differences),
            *findings.convention_notes(layer, epci),
            *findings.point_notes(points),
            *far,
            *findings.absent_services(points, scheme.mesure.services),
        ),
        inputs=(*input_files(scheme), *_embedded_inputs(departement.zone)),
    )


def measure(study: Study, *, report: Report = _quiet) -> Measures:
    """Measure access, coverage and deficits on a study.

    Returns
    -------
    Measures
        Every studied commune × service has a row, reached or not; totals were reconciled.
    """
    engine = _engine(study.scheme, study.parameters)
    studied = study.communes[study.communes["studied"]].reset_index(drop=True)
    surroundings = pd.DataFrame(study.communes[["code", "population", "area_km2"]])
    parts = []
    for service in study.scheme.mesure.services:
        label = service_names(study.parameters, service).plural
        report(f"Temps d'accès{NBSP}: {label}")
        table, method = access_figures.measure_access(
            studied, study.points, service=service, engine=engine, surroundings=surroundings
        )
        rules = [rule for rule in study.rules if rule.service == service]
        parts.append(_explained(study, studied, table, method, rules))
    report("Couverture et déficits")
    access = pd.concat(parts, ignore_index=True)
    members = levels.territory_members(
        studied, study.petr_members, epci=set(study.epci["siren"]), departement=study.scheme.departement
    )
    covered, found = [], []
    for service in study.scheme.mesure.services:
        own = access[access["service"] == service]
        rules = [rule for rule in study.rules if rule.service == service]
        covered.append(levels.cover_levels(members, own, rules))
        found.append(zones.deficit_zones(studied, own, study.borders, rules))
    return Measures(
        access=access,
        coverage=pd.concat([table for table, _ in covered], ignore_index=True),
        summary=pd.concat([table for _, table in covered], ignore_index=True),
        zones=gpd.GeoDataFrame(pd.concat([layer for layer, _ in found], ignore_index=True), crs=studied.crs),
        zone_members=pd.concat([codes for _, codes in found], ignore_index=True),
        method=method,
    )


def build(scheme: Scheme, folder: Path, *, report: Report = _quiet) -> Run:
    """Do the whole job: check, measure, and write the output folder, complete or not at all.

    Parameters
    ----------
    scheme : Scheme
        The scheme.
    folder : Path
        Absent, empty, or an earlier run, which is replaced.

    Raises
    ------
    SdaaspError
        Any error of the inputs, of the scheme or of the folder; nothing is left behind.
    """
    publish.check_replaceable(folder)
    study = prepare(scheme, report=report)
    measures = measure(study, report=report)
    with publish.published(folder) as beside:
        return write_run(study, measures, france.read_census(), beside, version=__version__, report=report)


def annexe(scheme: Scheme, epci: str, folder: Path, *, report: Report = _quiet) -> list[Path]:
    """Write the annex of one EPCI, given by its SIREN or its name.

    Raises
    ------
    NameNotResolvedError
        No signing EPCI, or several, by that name.
    """
    study = prepare(scheme, report=report)
    signing = study.epci[study.epci["role"] == territories.SIGNS].reset_index(drop=True)
    siren = names.resolve_name(epci, signing).code
    measures = measure(study, report=report)
    report("Annexe de la convention")
    link = write_annexe(study, measures, france.read_census(), folder / "annexes", siren=siren)
    return [folder / link.html, folder / link.docx]


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
        grid_columns=[field["name"] for field in service_files.grid_fields()],
    )


def _signatories(scheme: Scheme, membership: pd.DataFrame, epci_names: pd.DataFrame) -> list[str]:
    """Return the SIREN of the EPCI that sign, from names or codes; none is guessed."""
    if not scheme.convention.signataires:
        return territories.majority_epci(membership, departement=scheme.departement)
    present = membership.loc[membership["departement"] == scheme.departement, "epci"].dropna().unique()
    candidates = epci_names[epci_names["siren"].isin(present)].reset_index(drop=True)
    matches, failures = names.resolve_names(scheme.convention.signataires, candidates)
    remedy = "Reprenez l'un des noms proposés, ou donnez le SIREN."
    faults = [
        Fault(
            "scheme.toml",
            None,
            "convention.signataires",
            error.name,
            f"un EPCI ({' ; '.join(error.candidates)})",
            remedy,
        )
        for error in failures
    ]
    if faults:
        raise InputError(faults)
    return sorted({match.code for match in matches})


def _communes(
    scheme: Scheme, departement: france.Departement, membership: pd.DataFrame, members: pd.DataFrame
) -> tuple[gpd.GeoDataFrame, list[str]]:
    """Build the layer of communes of the département and around it; tell what is studied."""
    studied = scope.studied_codes(membership, members, departement=departement.code)
    around = {code: known.neighbours for code, known in france.read_departements().items()}
    wanted = scope.departements_around(membership, studied, around)
    local = membership[membership["departement"].isin(wanted)]
    shapes, warnings = _shapes(scheme, departement, wanted)
    foreign = communes.unmatched_shapes(shapes, local)
    if foreign and scheme.fichiers.communes:
        remedy = f"Donnez les contours du millésime {scheme.millesimes.mesure}, ou changez millesimes.mesure."
        expected = f"des communes de {scheme.millesimes.mesure}"
        raise InputError([Fault(scheme.fichiers.communes, None, "code", code, expected, remedy) for code in foreign])
    layer = communes.build_communes(
        shapes, local, france.read_mairies(wanted), departement=departement.code, vintage=scheme.millesimes.mesure
    )
    layer.insert(4, "studied", layer["code"].isin(studied))
    contracts.check_layer(layer, contracts.COMMUNES)
    return layer, [*warnings, *findings.layer_notes(layer)]


def _shapes(scheme: Scheme, departement: france.Departement, wanted: set[str]) -> tuple[gpd.GeoDataFrame, list[str]]:
    files = scheme.fichiers
    if not files.communes:
        contours = france.read_contours(wanted)
        links = france.read_contour_links()
        return communes.apply_vintage(contours, links, vintage=scheme.millesimes.mesure), []
    table, warnings = boundaries.read_boundaries(
        scheme.path(files.communes),
        crs=departement.crs,
        bounds=departement.bounds,
        layer=files.communes_couche,
        code_field=files.communes_code,
        name_field=files.communes_nom,
    )
    shapes, notes = scope.keep_wanted(table[["code", "geometry"]], wanted)
    return shapes, [*warnings, *notes]


def _points(
    scheme: Scheme, parameters: Parameters, layer: gpd.GeoDataFrame, departement: str
) -> tuple[gpd.GeoDataFrame, list[str]]:
    """Read, locate and check the service points; keep those within reach of the studied communes, count the rest."""
    read = [service_files.read_services(scheme.path(name)) for name in scheme.fichiers.services]
    given = {service for table in read for service in table["service"]}
    if MAIRIE in scheme.mesure.services and MAIRIE not in given:
        mairies = france.read_mairies(set(layer["departement"]))
        trusted = mairies["precision_position"] == communes.TRUSTED
        mairies = mairies.assign(lon=mairies["lon"].where(trusted), lat=mairies["lat"].where(trusted))
        read.append(mairies[mairies["code_commune"].isin(set(layer["code"]))])
    fields = [field["name"] for field in service_files.grid_fields()]
    grid = pd.concat(read, ignore_index=True) if read else pd.DataFrame(columns=fields)
    vintage = scheme.millesimes.mesure
    current = services.current_codes(grid["code_commune"], france.read_moves(), set(layer["code"]), vintage=vintage)
    points = services.build_service_points(
        grid.assign(code_commune=current),
        layer,
        permanent_formats=words_setting(parameters, "formats-permanents"),
        departement=departement,
    )
    contracts.check_layer(points, contracts.SERVICE_POINTS)
    reach_km = number_setting(parameters, "portee-offre-km")
    studied = layer[layer["studied"]]
    near = services.within_reach(points, studied, reach_km=reach_km)
    return points[near].reset_index(drop=True), findings.reach_notes(
        points[~near & points["service"].isin(given)], reach_km=reach_km
    )


def _engine(scheme: Scheme, parameters: Parameters) -> Engine:
    if scheme.mesure.moteur == "matrice":
        path = scheme.path(scheme.fichiers.minutes)
        return matrix_file.matrix_engine(minutes.read_minutes(path), name=path.name)
    calibration = embedded_path(STRAIGHT_LINE).read_text(encoding="utf-8")
    return straight_line.straight_line_engine(calibration, coverage=number_setting(parameters, "bande-erreur"))


def _explained(
    study: Study, studied: gpd.GeoDataFrame, table: pd.DataFrame, method: Method, rules: list[Rule]
) -> pd.DataFrame:
    classes = deficits.classify(table, rules)
    service = service_names(study.parameters, str(table["service"].iloc[0]))
    sentences = deficits.explain(
        table, classes, studied.set_index("code")["name"], rules=rules, service=service, method=method
    )
    return pd.concat([table, classes.drop(columns=["code", "service"]), sentences.rename("sentence")], axis="columns")


def _embedded_inputs(zone: str) -> list[tuple[str, Path]]:
    inputs = [
        *(f"boundaries/{name}" for name in ("communes.parquet", "epci.parquet", "petr.csv", "contour_commune.csv")),
        *(f"boundaries/{name}" for name in ("mouvements.csv", "departements.csv", "epci_second_source.parquet")),
        f"boundaries/contours_{zone}.parquet",
        *("services/mairies.parquet", "population/recensement_2021.parquet", STRAIGHT_LINE),
    ]
    return [(f"embarque:{name}", embedded_path(name)) for name in inputs]
