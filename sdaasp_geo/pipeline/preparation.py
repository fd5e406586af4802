"""First part of the pipeline: read, build and check the layers of a scheme."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pandas as pd

from sdaasp_geo.embedded import embedded_path
from sdaasp_geo.errors import Fault, InputError
from sdaasp_geo.layers import (
    adjacency,
    cells,
    communes,
    contracts,
    findings,
    geometry_checks,
    names,
    scope,
    services,
    territories,
)
from sdaasp_geo.parameters import Parameters, Rule, number_setting, read_parameters, rules_of
from sdaasp_geo.pipeline.corrections import apply_corrections
from sdaasp_geo.pipeline.offer import read_offer
from sdaasp_geo.pipeline.programme import read_programme
from sdaasp_geo.pipeline.reporting import Report, quiet
from sdaasp_geo.scheme import STRAIGHT_LINE, Scheme, input_files
from sdaasp_geo.sources import boundaries, france
from sdaasp_geo.sources import cells as cell_files
from sdaasp_geo.study import Study


def prepare(scheme: Scheme, *, report: Report = quiet) -> Study:
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
    parameters, rules = _parameters(scheme)
    departement = france.find_departement(scheme.departement)
    vintage = scheme.millesimes.mesure
    membership = france.read_membership(vintage)
    epci_names = france.read_epci_names(vintage)
    first_day = f"{vintage}-01-01"
    members = territories.petr_members(france.read_petr(), membership, date=first_day, departement=departement.code)
    signatories = _signatories(scheme, membership, epci_names)
    layer, repairs, warnings = _communes(scheme, parameters, departement, membership, members)
    report("Intercommunalités, pays et voisins")
    borders = adjacency.shared_borders(layer)
    epci = territories.build_epci(layer, membership, epci_names, departement=departement.code, signatories=signatories)
    neighbours = territories.build_neighbours(layer, membership, epci_names, borders, signatories=signatories)
    contracts.check_layer(epci, contracts.EPCI)
    differences = _differences(membership, epci, epci_names)
    evolution, notes = _evolution(scheme, membership, sirens=set(epci["siren"]))
    report("Points de service")
    offered, stops, told_offer = read_offer(scheme, parameters, layer, departement=departement.code)
    corrected = apply_corrections(scheme, parameters, layer, offered, stops)
    points = corrected.points
    inhabited, told = _cells(scheme, layer)
    report("Plan d'actions et gouvernance")
    programme = read_programme(scheme, communes=layer, epci=epci, petr_members=members)
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
            *(*warnings, *notes, *findings.difference_notes(differences), *findings.convention_notes(layer, epci)),
            *(*findings.point_notes(points), *services.place_notes(points, layer), *told_offer, *corrected.notes),
            *(*findings.absent_services(points, scheme.mesure.services), *told),
            *(programme.notes if programme else ()),
        ),
        inputs=(*input_files(scheme), *_embedded_inputs(departement.zone)),
        cells=inhabited,
        stops=stops,
        programme=programme,
        corrections=corrected.changes,
        repairs=repairs,
    )


def _parameters(scheme: Scheme) -> tuple[Parameters, tuple[Rule, ...]]:
    """Read the parameters of the scheme and choose its rules."""
    own = scheme.fichiers.parametres
    parameters = read_parameters(scheme.path(own) if own else None)
    measured = scheme.mesure
    return parameters, rules_of(parameters, codes=measured.regles, services=measured.services, date=scheme.edition)


def _differences(membership: pd.DataFrame, epci: pd.DataFrame, epci_names: pd.DataFrame) -> pd.DataFrame:
    """Compare the members of the EPCI in the two embedded sources."""
    members = membership[membership["epci"].isin(set(epci["siren"]))]
    return territories.membership_differences(members, france.read_second_membership(), epci_names)


def _evolution(scheme: Scheme, membership: pd.DataFrame, *, sirens: set[str]) -> tuple[pd.DataFrame, list[str]]:
    """Compare the perimeters of the convention, or the closest embedded ones, with those of the measure."""
    wanted = scheme.millesimes.convention
    closest = findings.closest_vintage(wanted, france.vintages())
    changes = findings.perimeter_changes(
        france.read_membership(closest),
        membership,
        france.read_moves(),
        sirens=sirens,
        convention=wanted,
        measure=scheme.millesimes.mesure,
    )
    return changes, findings.vintage_notes(wanted, closest)


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
    scheme: Scheme,
    parameters: Parameters,
    departement: france.Departement,
    membership: pd.DataFrame,
    members: pd.DataFrame,
) -> tuple[gpd.GeoDataFrame, pd.DataFrame | None, list[str]]:
    """Build the layer of communes of the département and around it; tell what is studied, and what was repaired."""
    studied = scope.studied_codes(membership, members, departement=departement.code)
    around = {code: known.neighbours for code, known in france.read_departements().items()}
    wanted = scope.departements_around(membership, studied, around)
    local = membership[membership["departement"].isin(wanted)]
    links, vintage = france.read_contour_links(), scheme.millesimes.mesure
    shapes = communes.apply_vintage(france.read_contours(wanted), links, vintage=vintage)
    repairs: pd.DataFrame | None = None
    warnings: list[str] = []
    if scheme.fichiers.communes:
        shapes, repairs, warnings = _own_shapes(scheme, parameters, departement, local, wanted, reference=shapes)
    layer = communes.build_communes(
        shapes, local, france.read_mairies(wanted), departement=departement.code, vintage=scheme.millesimes.mesure
    )
    layer.insert(4, "studied", layer["code"].isin(studied))
    contracts.check_layer(layer, contracts.COMMUNES)
    straight_line = scheme.mesure.moteur == STRAIGHT_LINE
    return layer, repairs, [*warnings, *findings.layer_notes(layer, straight_line=straight_line)]


def _own_shapes(
    scheme: Scheme,
    parameters: Parameters,
    departement: france.Departement,
    local: pd.DataFrame,
    wanted: set[str],
    *,
    reference: gpd.GeoDataFrame,
) -> tuple[gpd.GeoDataFrame, pd.DataFrame, list[str]]:
    """Read, check and repair the contours that the scheme gives; tell what was passed over and repaired."""
    files = scheme.fichiers
    path = scheme.path(files.communes)
    raw = boundaries.read_boundaries(
        path, layer=files.communes_couche, code_field=files.communes_code, name_field=files.communes_nom
    )
    kept, notes = scope.keep_wanted(raw, wanted, straight_line=scheme.mesure.moteur == STRAIGHT_LINE)
    foreign = set(communes.unmatched_shapes(kept, local))
    if foreign:
        remedy = f"Donnez les contours du millésime {scheme.millesimes.mesure}, ou changez millesimes.mesure."
        expected = f"des communes de {scheme.millesimes.mesure}"
        rows = kept.loc[kept["code"].isin(foreign), "code"]
        raise InputError([Fault(path.name, int(row), "code", code, expected, remedy) for row, code in rows.items()])
    limits = geometry_checks.Limits(
        area_share=number_setting(parameters, "contour-ecart-surface"),
        join_m=number_setting(parameters, "contour-raccord-m"),
        reference_share=number_setting(parameters, "contour-ecart-reference"),
        other_share=number_setting(parameters, "contour-part-autre"),
        own_share=number_setting(parameters, "contour-part-propre"),
    )
    boxes = {code: known.bounds for code, known in france.read_departements().items()}
    found = geometry_checks.check_contours(
        kept, crs=departement.crs, boxes=boxes, limits=limits, file=path.name, reference=reference
    )
    return found.table[["code", "geometry"]], found.repairs, [*found.notes, *notes]


def _cells(scheme: Scheme, layer: gpd.GeoDataFrame) -> tuple[gpd.GeoDataFrame | None, list[str]]:
    """Read the inhabited cells, where the scheme names some, and give them to the studied communes."""
    if not scheme.fichiers.carreaux:
        return None, []
    west, south, east, north = (float(bound) for bound in layer[layer["studied"]].total_bounds)
    found, notes = cell_files.read_cells(
        scheme.path(scheme.fichiers.carreaux), bounds=(west, south, east, north), crs=str(layer.crs)
    )
    inhabited, told = cells.build_cells(found, layer)
    contracts.check_layer(inhabited, contracts.CELLS)
    return inhabited, [*notes, *told]


def _embedded_inputs(zone: str) -> list[tuple[str, Path]]:
    inputs = [
        *(f"boundaries/{name}" for name in ("communes.parquet", "epci.parquet", "petr.csv", "anciens_noms_epci.csv")),
        *(
            f"boundaries/{name}"
            for name in ("contour_commune.csv", "mouvements.csv", "departements.csv", "epci_second_source.parquet")
        ),
        f"boundaries/contours_{zone}.parquet",
        *("services/mairies.parquet", "population/recensement_2021.parquet", "travel/straight_line.toml"),
    ]
    return [(f"embarque:{name}", embedded_path(name)) for name in inputs]
