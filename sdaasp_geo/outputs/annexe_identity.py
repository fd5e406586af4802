"""Parts 1 and 2 of an annex: identity card of the EPCI, population, neighbours, services present."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from sdaasp_geo.french import NBSP, count, listing, number, percent
from sdaasp_geo.layers.territories import SIGNS
from sdaasp_geo.outputs.annexe_hours import french_hours, weekly_hours
from sdaasp_geo.outputs.annexe_model import Table
from sdaasp_geo.outputs.annexe_scope import NONE, Row, Scope, filled, kind_label, people, semicolons

FORMATS = {
    "fixe": "fixe",
    "antenne": "antenne",
    "multisite": "multisite",
    "itinerant": "itinérant",
    "rendez-vous": "sur rendez-vous",
}
MAIRIE = "mairie"
_CENSUS = (
    ("Population de 2021", "pop_2021", ""),
    ("0 à 19 ans", "age_0_19", "pop_2021"),
    ("20 à 64 ans", "age_20_64", "pop_2021"),
    ("65 ans et plus", "age_65_plus", "pop_2021"),
    ("Logements", "logements", ""),
    ("Résidences principales", "residences_principales", "logements"),
    ("Résidences secondaires et occasionnelles", "residences_secondaires", "logements"),
    ("Logements vacants", "logements_vacants", "logements"),
)


def identity_table(scope: Scope) -> Table:
    """Return the identity card: who the EPCI is, and under which vintage it is described."""
    epci = scope.epci
    role = "signataire de la convention territoriale" if epci["role"] == SIGNS else str(epci["role"])
    years = sorted({int(year) for year in scope.members["population_year"].dropna() if year})
    rows = [
        ("Dénomination", str(epci["name"])),
        ("Numéro SIREN", _spaced(scope.siren)),
        ("Nature juridique", kind_label(str(epci["kind"]))),
        ("Qualité au titre du schéma", role[0].upper() + role[1:]),
        ("Départements", _departements(scope)),
        ("Pays ou PETR", _petr(scope)),
        ("Périmètre décrit", f"{count(int(epci['communes']), 'commune')} au {scope.vintage}"),
        ("Population légale", f"millésime {listing([str(year) for year in years]) or 'non connu'} (INSEE)"),
    ]
    return Table(title="Carte d'identité de l'EPCI", header=("Rubrique", "Valeur"), rows=tuple(rows))


def perimeter_table(scope: Scope) -> Table:
    """Return communes, inhabitants, area and density: whole, inside, outside, and the département."""
    study, members = scope.study, scope.members
    own = pd.DataFrame(study.communes[["inside", "population", "area_km2"]])
    frames = [members, members[members["inside"]], members[~members["inside"]], own[own["inside"]]]
    columns = [_perimeter_column(frame) for frame in frames]
    labels = ("Communes", "Population légale", "Superficie", "Densité")
    share = [NONE if frame.empty else percent(_share(frame, frames[0])) for frame in frames[:3]]
    rows = [(label, *(column[rank] for column in columns)) for rank, label in enumerate(labels)]
    rows.insert(2, ("Part de la population de l'EPCI", *share, NONE))
    return Table(
        title="Périmètre, dans et hors du département",
        header=("Indicateur", "EPCI entier", "Dans le département", "Hors du département", scope.departement_label),
        rows=tuple(rows),
        note=f"Périmètre au {scope.vintage}. Une colonne sans objet porte un tiret.",
    )


def census_table(scope: Scope) -> Table:
    """Return ages and dwellings of the whole EPCI, beside the département."""
    own, whole, missing = census_sums(scope)
    inside = set(scope.study.communes.loc[scope.study.communes["inside"], "code"])
    reference = scope.census[scope.census["code"].isin(inside)].sum(numeric_only=True)
    rows = []
    for label, column, base in _CENSUS:
        share = percent(_ratio(own, column, base)) if base else NONE
        other = percent(_ratio(reference, column, base)) if base else NONE
        rows.append((label, number(own.get(column, float("nan"))), share, other))
    note = "Source\u00a0: INSEE, recensement de la population de 2021 (EPCI entier). Licence Ouverte 2.0."
    if missing:
        note += f" {count(missing, 'commune')} sur {number(whole)} sans donnée de recensement, hors du total."
    return Table(
        title="Âges et logements en 2021",
        header=("Indicateur", "EPCI entier", "Part", f"Part, {scope.departement_label}"),
        rows=() if missing == whole else tuple(rows),
        note=note.replace(" :", f"{NBSP}:"),
        empty="Âges et logements non mesurés\u00a0: aucune commune de l'EPCI n'a de donnée de recensement.".replace(
            " :", f"{NBSP}:"
        ),
    )


def census_sums(scope: Scope) -> tuple[pd.Series, int, int]:
    """Return census sums of the EPCI, its number of communes, and how many have no census row."""
    codes = set(scope.members["code"])
    rows = scope.census[scope.census["code"].isin(codes)]
    return rows.sum(numeric_only=True), len(codes), len(codes) - rows["code"].nunique()


def census_shares(scope: Scope) -> dict[str, float]:
    """Return shares of the census: the EPCI's, and the département's under ``departement_…``."""
    own, _, _ = census_sums(scope)
    inside = set(scope.study.communes.loc[scope.study.communes["inside"], "code"])
    reference = scope.census[scope.census["code"].isin(inside)].sum(numeric_only=True)
    shares = {column: _ratio(own, column, base) for _, column, base in _CENSUS if base}
    return shares | {f"departement_{column}": _ratio(reference, column, base) for _, column, base in _CENSUS if base}


def neighbours_table(scope: Scope) -> Table:
    """Return the EPCI that touch this one, with the shared border."""
    known = scope.study.communes.set_index("code")
    borders = scope.study.borders
    left, right = borders["left"].map(known["epci"]), borders["right"].map(known["epci"])
    touching = borders[(left == scope.siren) != (right == scope.siren)]
    outer = touching["right"].where(left[touching.index] == scope.siren, touching["left"])
    table = pd.DataFrame({"code": outer, "border_km": touching["border_km"]})
    table["epci"] = filled(pd.DataFrame({"epci": table["code"].map(known["epci"])}))["epci"]
    rows = []
    for siren, group in table.groupby("epci"):
        codes = sorted({str(code) for code in known.loc[known["epci"] == siren, "departement"]}) if siren else []
        name = scope.epci_name(siren or None)
        remark = _neighbour_remark(scope, str(siren))
        touched = count(group["code"].nunique(), "commune")
        rows.append(
            (name, ", ".join(codes) or NONE, f"{number(group['border_km'].sum(), digits=1)}{NBSP}km", touched, remark)
        )
    return Table(
        title="EPCI limitrophes",
        header=("EPCI", "Départements", "Limite commune", "Communes au contact", "Situation"),
        rows=tuple(sorted(rows)),
        note="Longueurs mesurées sur les contours généralisés du schéma.",
        empty="Aucun EPCI n'a de limite commune avec celui-ci dans les contours chargés.",
    )


def services_table(scope: Scope, *, permanent: bool) -> Table:
    """Return the inventory of the places of the EPCI, mairies apart: permanent ones, or the others."""
    points = scope.points
    chosen = points[(points["permanent"] == permanent) & (points["service"] != MAIRIE)]
    rows = [_service_row(row) for row in chosen.to_dict("records")]
    if permanent:
        title, empty = (
            "Lieux d'accueil permanent",
            "Aucun lieu d'accueil permanent n'est recensé dans l'EPCI (mairies à part).",
        )
    else:
        title = "Présence partielle (itinérant, multisite, rendez-vous)"
        empty = "Aucune présence partielle (itinérante, multisite ou sur rendez-vous) n'est recensée dans l'EPCI."
    return Table(
        title=title,
        header=("Lieu et adresse", "Commune", "Opérateur", "Format", "Horaires", "Source et date"),
        rows=tuple(rows),
        note=""
        if permanent
        else "Une présence partielle ne compte pas comme accueil permanent dans les temps d'accès.",
        empty=empty,
    )


def main_points(scope: Scope, *, permanent: bool) -> pd.DataFrame:
    """Return the places of the main service in the EPCI: permanent ones, or the others."""
    points = scope.points
    return points[(points["service"] == scope.main) & (points["permanent"] == permanent)]


def places_of(points: pd.DataFrame) -> list[str]:
    """Return the communes of some places, sorted."""
    return sorted(set(points["commune"]))


def place_rate(scope: Scope) -> float:
    """Return the permanent places of the main service for 10,000 inhabitants of the EPCI."""
    return 10_000 * len(main_points(scope, permanent=True)) / max(int(scope.epci["population"]), 1)


def departement_rate(scope: Scope) -> float:
    """Return the permanent places of the main service for 10,000 inhabitants of the département."""
    points, communes = scope.study.points, scope.study.communes
    inside = points["inside"] & points["permanent"] & (points["service"] == scope.main)
    return 10_000 * int(inside.sum()) / max(int(communes.loc[communes["inside"], "population"].sum()), 1)


def mairies_text(scope: Scope) -> tuple[str, ...]:
    """Count the mairies of the EPCI and those whose hours are published; empty when not measured."""
    if MAIRIE not in scope.services:
        return ()
    points = scope.points
    mairies = points[points["service"] == MAIRIE]
    known = int((mairies["horaires"] != "").sum())
    hours = (
        "toutes avec des horaires publiés"
        if known == len(mairies)
        else f"dont {number(known)} avec des horaires publiés"
    )
    return (
        (
            f"L'EPCI compte par ailleurs {count(len(mairies), 'mairie')}, {hours}. "
            "Leurs horaires figurent, commune par commune, dans le relevé placé en fin d'annexe."
        ),
    )


def communes_table(scope: Scope) -> Table:
    """Return the list of every commune: inhabitants, nearest place of the main service, hours of the mairie."""
    main = scope.of_service(scope.main).set_index("code").to_dict("index")
    points, limits = scope.points, scope.thresholds(scope.main)
    mairies = town_halls(points)
    hours = {
        code: french_hours(row["horaires"], row["horaires_bruts"]) for code, row in mairies.to_dict("index").items()
    }
    rows = [
        (
            f"{row['name']} ({row['code']})",
            number(row["population"]),
            *_nearest(main.get(row["code"]), limits),
            hours.get(str(row["code"]), "horaires non publiés"),
        )
        for row in scope.members.to_dict("records")
    ]
    sources = sorted(
        {f"{source}, {day_label(day)}" for source, day in zip(mairies["source"], mairies["date_maj"], strict=True)}
    )
    service = scope.service(scope.main)
    return Table(
        title=f"Relevé par commune{NBSP}: population, {service.label} et mairie",
        header=(
            "Commune (code)",
            "Habitants",
            "Minutes",
            f"{service.label}{NBSP}: lieu le plus proche",
            "Horaires de la mairie",
        ),
        rows=tuple(rows),
        note=f"Horaires des mairies{NBSP}: {semicolons(sources) or 'non chargés'}.",
    )


def town_halls(points: pd.DataFrame) -> pd.DataFrame:
    """Return one mairie for each commune, indexed by code: its own before those of the communes that it absorbed."""
    mairies = points[points["service"] == MAIRIE]
    own = mairies["id"] == "mairie-" + mairies["code_commune"]
    return pd.concat([mairies[own], mairies[~own]]).drop_duplicates("code_commune").set_index("code_commune")


def _perimeter_column(frame: pd.DataFrame) -> tuple[str, ...]:
    if frame.empty:
        return (NONE,) * 4
    people_count, area = int(frame["population"].sum()), float(frame["area_km2"].sum())
    density = f"{number(density_km2(frame), digits=1)}{NBSP}hab./km²" if area else "non mesuré"
    return number(len(frame)), people(people_count), f"{number(area)}{NBSP}km²", density


def density_km2(frame: pd.DataFrame) -> float:
    """Return inhabitants per square kilometre of some communes; NaN without area."""
    area = float(frame["area_km2"].sum())
    return float(frame["population"].sum()) / area if area else float("nan")


def _share(frame: pd.DataFrame, whole: pd.DataFrame) -> float:
    total = whole["population"].sum()
    return float(frame["population"].sum() / total) if total else float("nan")


def _ratio(sums: pd.Series, column: str, base: str) -> float:
    total = float(sums.get(base, 0))
    return float(sums.get(column, float("nan"))) / total if total else float("nan")


def _spaced(siren: str) -> str:
    return NBSP.join(siren[start : start + 3] for start in range(0, len(siren), 3))


def _departements(scope: Scope) -> str:
    others = [code for code in str(scope.epci["departements"]).split() if code != scope.departement]
    own = scope.departement_label if int(scope.epci["communes_inside"]) else ""
    return listing([text for text in (own, *others) if text])


def _petr(scope: Scope) -> str:
    members = scope.study.petr_members
    own = members[members["code"].isin(set(scope.members["code"]))]
    texts = []
    for name, group in own.groupby("petr_name"):
        part = "" if len(group) == len(scope.members) else f" (pour {count(len(group), 'commune')})"
        texts.append(f"{name}{part}")
    return f"{listing(texts) or 'aucun PETR connu'} au {scope.vintage}"


def _neighbour_remark(scope: Scope, siren: str) -> str:
    if not siren:
        return "communes hors de tout EPCI"
    roles = dict(zip(scope.study.epci["siren"], scope.study.epci["role"], strict=True))
    if roles.get(siren) == SIGNS:
        return "signataire du schéma"
    communes = scope.study.communes
    inside = communes.loc[(communes["epci"] == siren) & communes["inside"], "name"]
    if len(inside):
        noun = "commune" if len(inside) == 1 else "communes"
        return f"autre département{NBSP}; sans convention ici, avec {noun} {listing(sorted(inside))}"
    return "autre département"


def _service_row(row: Row) -> tuple[str, ...]:
    place = str(row["nom"])
    if row["adresse"]:
        place += f"{NBSP}– {row['adresse']}"
    if row["position_reason"]:
        place += f" ({row['position_reason']})"
    hours = french_hours(row["horaires"], row["horaires_bruts"])
    total = weekly_hours(row["horaires"])
    if total == total:  # noqa: PLR0124 - NaN where hours are unknown
        hours += f" ({number(total, digits=1).removesuffix(',0')}{NBSP}h par semaine)"
    kind = FORMATS.get(row["format"], str(row["format"]))
    source = f"{row['source']}\u202f; état au {day_label(row['date_maj'])}"
    return place, str(row["commune"]), row["operateur"] or "non précisé", kind, hours, source


def _nearest(row: Row | None, limits: Sequence[float]) -> tuple[str, str]:
    if row is None or pd.isna(row["time_min"]):
        return "non mesuré", NONE
    return number(row["time_min"], digits=1, beside=limits), f"{row['place_commune']} ({row['place_departement']})"


def day_label(text: str) -> str:
    """Write an ISO date as dd/mm/yyyy; another text is kept."""
    pieces = str(text).split("-")
    return "/".join(reversed(pieces)) if len(pieces) == 3 else str(text)  # noqa: PLR2004 - an ISO date
