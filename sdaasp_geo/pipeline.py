"""Where the stages meet: sources → layers → travel → analysis → outputs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import pandas as pd

from sdaasp_geo.analysis import access as access_figures
from sdaasp_geo.analysis import coverage, deficits, zones
from sdaasp_geo.embedded import embedded_path
from sdaasp_geo.errors import Fault, InputError
from sdaasp_geo.french import NBSP, count, listing
from sdaasp_geo.layers import adjacency, communes, contracts, names, services, territories
from sdaasp_geo.parameters import (
    Parameters,
    Rule,
    number_setting,
    read_parameters,
    rules_of,
    service_names,
    words_setting,
)
from sdaasp_geo.scheme import Scheme, input_files
from sdaasp_geo.sources import boundaries, france, minutes
from sdaasp_geo.sources import services as service_files
from sdaasp_geo.study import Measures, Study
from sdaasp_geo.travel import matrix_file, straight_line
from sdaasp_geo.travel.engine import Engine

Report = Callable[[str], None]
MAIRIE = "mairie"
STRAIGHT_LINE = "travel/straight_line.toml"


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
    rules = rules_of(parameters, codes=scheme.mesure.regles, date=scheme.edition)
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
    points = _points(scheme, parameters, layer, departement.code)
    evolution, notes = _evolution(scheme, membership, set(epci["siren"]))
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
        warnings=tuple([*warnings, *notes, *_differences_notes(differences), *_convention_notes(layer, epci)]),
        inputs=tuple([*input_files(scheme), *_embedded_inputs(departement.zone)]),
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
    members = _levels(study, studied)
    rows = [(service, level) for service in study.scheme.mesure.services for level in members]
    tables = [_cover(study, access, members[level], service, level) for service, level in rows]
    for service in study.scheme.mesure.services:
        _reconcile(study, tables, rows, service)
    found = [
        zones.deficit_zones(studied, access[access["service"] == service], study.borders, rules)
        for service, rules in _rules_by_service(study).items()
    ]
    return Measures(
        access=access,
        coverage=pd.concat([table for table, _ in tables if len(table)] or [tables[0][0]], ignore_index=True),
        summary=pd.concat([summary for _, summary in tables], ignore_index=True),
        zones=gpd.GeoDataFrame(pd.concat([layer for layer, _ in found], ignore_index=True), crs=study.communes.crs)
        if found
        else zones.deficit_zones(studied, access, study.borders, [])[0],
        zone_members=pd.concat([members for _, members in found], ignore_index=True) if found else pd.DataFrame(),
        method=method,
    )


def _rules_by_service(study: Study) -> dict[str, list[Rule]]:
    grouped = {
        service: [rule for rule in study.rules if rule.service == service] for service in study.scheme.mesure.services
    }
    return {service: rules for service, rules in grouped.items() if rules}


def _signatories(scheme: Scheme, membership: pd.DataFrame, epci_names: pd.DataFrame) -> list[str]:
    """Return the SIREN of the EPCI that sign, from names or codes; none is guessed."""
    if not scheme.convention.signataires:
        return territories.majority_epci(membership, departement=scheme.departement)
    present = membership.loc[membership["departement"] == scheme.departement, "epci"].dropna().unique()
    candidates = epci_names[epci_names["siren"].isin(present)].reset_index(drop=True)
    matches, failures = names.resolve_names(scheme.convention.signataires, candidates)
    remedy = "Reprenez l'un des noms proposés, ou donnez le SIREN."
    faults = [
        Fault("scheme.toml", None, "convention.signataires", error.name, f"un EPCI ({' ; '.join(error.candidates)})", remedy)
        for error in failures
    ]
    if faults:
        raise InputError(faults)
    return sorted({match.code for match in matches})


def _communes(
    scheme: Scheme, departement: france.Departement, membership: pd.DataFrame, members: pd.DataFrame
) -> tuple[gpd.GeoDataFrame, list[str]]:
    """Build the layer of communes of the département and around it; tell what is studied."""
    reaching = set(membership.loc[membership["departement"] == departement.code, "epci"].dropna())
    studied = set(membership.loc[membership["epci"].isin(reaching), "code"]) | set(members["code"])
    studied |= set(membership.loc[membership["departement"] == departement.code, "code"])
    around = set(membership.loc[membership["code"].isin(studied), "departement"]) | set(departement.neighbours)
    wanted = {code for code in around | {departement.code} if code in france.read_departements()}
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
    return layer, [*warnings, *_layer_notes(layer)]


def _shapes(
    scheme: Scheme, departement: france.Departement, wanted: set[str]
) -> tuple[gpd.GeoDataFrame, list[str]]:
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
    return table[["code", "geometry"]].reset_index(drop=True), warnings


def _points(scheme: Scheme, parameters: Parameters, layer: gpd.GeoDataFrame, departement: str) -> gpd.GeoDataFrame:
    """Read, locate and check the service points within reach of the studied communes."""
    read = [service_files.read_services(scheme.path(name)) for name in scheme.fichiers.services]
    given = {service for table in read for service in table["service"]}
    if MAIRIE in scheme.mesure.services and MAIRIE not in given:
        mairies = france.read_mairies(set(layer["departement"]))
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
    return points[services.within_reach(points, studied, reach_km=reach_km)].reset_index(drop=True)


def _engine(scheme: Scheme, parameters: Parameters) -> Engine:
    if scheme.mesure.moteur == "matrice":
        path = scheme.path(scheme.fichiers.minutes)
        return matrix_file.matrix_engine(minutes.read_minutes(path), name=path.name)
    calibration = embedded_path(STRAIGHT_LINE).read_text(encoding="utf-8")
    return straight_line.straight_line_engine(calibration, coverage=number_setting(parameters, "bande-erreur"))


def _explained(
    study: Study, studied: gpd.GeoDataFrame, table: pd.DataFrame, method: object, rules: list[Rule]
) -> pd.DataFrame:
    classes = deficits.classify(table, rules)
    service = service_names(study.parameters, str(table["service"].iloc[0]))
    sentences = deficits.explain(
        table, classes, studied.set_index("code")["name"], rules=rules, service=service, method=method
    )
    return pd.concat([table, classes.drop(columns=["code", "service"]), sentences.rename("sentence")], axis="columns")


def _levels(study: Study, studied: gpd.GeoDataFrame) -> dict[str, pd.DataFrame]:
    """Return, by level, the territory of each commune that counts at that level."""
    columns = ["code", "population", "inside", "departement"]
    base = pd.DataFrame(studied[["epci", *columns]])
    own = base[base["inside"]]
    with_epci = base[base["epci"].isin(set(study.epci["siren"])) | base["inside"]]
    in_petr = study.petr_members[["petr", "code"]].merge(base, on="code")
    outside = own[~own["code"].isin(set(in_petr["code"]))].assign(petr=coverage.NO_TERRITORY)
    petr = pd.concat([in_petr, outside], ignore_index=True)
    return {
        "commune": base.assign(territory=base["code"])[["territory", *columns]],
        "epci": with_epci.assign(territory=with_epci["epci"].fillna(coverage.NO_TERRITORY))[["territory", *columns]],
        "petr": petr.rename(columns={"petr": "territory"})[["territory", *columns]],
        "departement": own.assign(territory=study.scheme.departement)[["territory", *columns]],
    }


def _cover(
    study: Study, access: pd.DataFrame, members: pd.DataFrame, service: str, level: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    own = access[access["service"] == service]
    rules = [rule for rule in study.rules if rule.service == service]
    if members.empty:
        members = members.astype({"inside": "bool"})
    return coverage.cover(members, own, rules, level=level), coverage.summarise(members, own, level=level)


def _reconcile(study: Study, tables: list[tuple[pd.DataFrame, pd.DataFrame]], rows: list[tuple[str, str]], service: str) -> None:
    by_level = {level: table for (table, _), (own, level) in zip(tables, rows, strict=True) if own == service}
    if by_level["departement"].empty:
        return
    coverage.reconcile(by_level["commune"], by_level["departement"])
    coverage.reconcile(by_level["epci"], by_level["departement"])
    if not study.petr_members["code"].duplicated().any():
        coverage.reconcile(by_level["petr"], by_level["departement"])


def _evolution(scheme: Scheme, membership: pd.DataFrame, sirens: set[str]) -> tuple[pd.DataFrame, list[str]]:
    """Compare the perimeters of the convention's vintage with those of the measure."""
    wanted = scheme.millesimes.convention
    closest = min(france.vintages(), key=lambda year: (abs(year - wanted), year))
    notes = []
    if closest != wanted:
        notes.append(
            f"Les périmètres de {wanted} ne sont pas embarqués{NBSP}: ceux du 1er janvier {closest} en tiennent lieu "
            "pour les EPCI ; les changements de communes intervenus entre les deux sont listés."
        )
    before = france.read_membership(closest).set_index("code")
    after = membership.set_index("code")
    local = set(before.index[before["epci"].isin(sirens)]) | set(after.index[after["epci"].isin(sirens)])
    rows = []
    for code in sorted(local):
        old, new = before["epci"].get(code), after["epci"].get(code)
        if pd.isna(old) != pd.isna(new) or (not pd.isna(old) and old != new):
            name = after["name"].get(code) or before["name"].get(code)
            rows.append({"code": code, "name": name, "change": "changement d'EPCI", "before": old, "after": new})
    moves = france.read_moves()
    recent = moves[(moves["vintage"] > wanted) & (moves["vintage"] <= scheme.millesimes.mesure)]
    local_moves = recent[recent["code_before"].isin(local) | recent["code_after"].isin(local)]
    rows += [
        {"code": move.code_before, "name": move.name_before, "change": move.kind, "before": move.code_before, "after": move.code_after}
        for move in local_moves.itertuples(index=False)
    ]
    return pd.DataFrame(rows, columns=["code", "name", "change", "before", "after"]), notes


def _layer_notes(layer: gpd.GeoDataFrame) -> list[str]:
    notes = []
    missing = layer.loc[layer["studied"] & (layer["contour_reason"] != ""), "name"]
    if len(missing):
        notes.append(f"Communes sans contour, mesurées mais non dessinées{NBSP}: {listing(sorted(missing))}.")
    unpopulated = layer.loc[layer["studied"] & (layer["population_reason"] != ""), "name"]
    if len(unpopulated):
        notes.append(f"Communes sans population légale, comptées pour zéro habitant{NBSP}: {listing(sorted(unpopulated))}.")
    torn = communes.coverage_faults(layer)
    if torn:
        shown = listing(torn[:5])
        notes.append(
            f"{count(len(torn), 'contour')} de communes ne se raccordent pas à leurs voisins ({shown}…){NBSP}: "
            "longueurs de frontière et zones contiguës sont incomplètes à cet endroit."
        )
    return notes


def _differences_notes(differences: pd.DataFrame) -> list[str]:
    return [
        f"Différence de périmètre{NBSP}: {row.name_} ({row.code}) appartient à {row.epci_name or 'aucun EPCI'} dans la "
        f"source retenue, et à {row.epci_second_name or 'un autre EPCI'} dans la liste de {row.second_vintage} de la "
        "source des contours. La source retenue n'est pas modifiée."
        for row in differences.fillna("").rename(columns={"name": "name_"}).itertuples(index=False)
    ]


def _convention_notes(layer: gpd.GeoDataFrame, epci: gpd.GeoDataFrame) -> list[str]:
    notes = []
    for row in epci[epci["role"] != territories.SIGNS].itertuples(index=False):
        inside = layer.loc[layer["inside"] & (layer["epci"] == row.siren), "name"]
        notes.append(
            f"{count(len(inside), 'commune')} sans convention dans ce département{NBSP}: {listing(sorted(inside))} "
            f"({row.name}, {row.departements})."
        )
    alone = layer.loc[layer["inside"] & layer["epci"].isna(), "name"]
    if len(alone):
        notes.append(f"Communes hors de tout EPCI, sans convention{NBSP}: {listing(sorted(alone))}.")
    return notes


def _embedded_inputs(zone: str) -> list[tuple[str, Path]]:
    inputs = [
        *(f"boundaries/{name}" for name in ("communes.parquet", "epci.parquet", "petr.csv", "contour_commune.csv")),
        *(f"boundaries/{name}" for name in ("mouvements.csv", "departements.csv", "epci_second_source.parquet")),
        f"boundaries/contours_{zone}.parquet",
        *("services/mairies.parquet", "population/recensement_2021.parquet", STRAIGHT_LINE),
    ]
    return [(f"embarque:{name}", embedded_path(name)) for name in inputs]
