"""What the page of an overview says: its views by commune, and its table by département."""

from __future__ import annotations

import dataclasses

import pandas as pd

from sdaasp_geo.analysis.access import weighted_figures
from sdaasp_geo.french import NARROW_NBSP, NBSP, count, date, listing, minutes, number, percent, threshold
from sdaasp_geo.outputs.map_access import access_view
from sdaasp_geo.outputs.map_ground import texts
from sdaasp_geo.outputs.map_model import COMMUNE, Theme, View
from sdaasp_geo.outputs.overview_model import FRANCE, Overview
from sdaasp_geo.parameters import service_names
from sdaasp_geo.travel.engine import REACHED


def overview_theme(overview: Overview) -> Theme:
    """Return the theme of an overview: a view by service, in the order that was asked for."""
    communes = overview.communes
    names = texts(
        f"{row.name} ({row.departement})" for row in communes[["name", "departement"]].itertuples(index=False)
    )
    people = ["non connue" if row.population_reason else number(row.population) for row in communes.itertuples()]
    main = service_names(overview.parameters, overview.services[0]).plural
    views = [_access_view(overview, service) for service in overview.services]
    return Theme(
        code="carte",
        title=f"Accès aux {main}{NBSP}: {overview.name}",
        label="Accès aux services",
        note=f"Temps jusqu'au lieu permanent le plus proche{NARROW_NBSP}; service et seuil au choix.",
        choice="Service",
        level=COMMUNE,
        names=names,
        identity=(("EPCI", texts(communes["epci_name"])), ("Habitants", texts(people))),
        counted=tuple(int(people) for people in communes["population"]),
        rows=tuple(range(len(communes))),
        views=tuple(views),
        method=_method(overview),
        main_services=overview.services,
        counted_where=" en France" if overview.code == FRANCE else " dans la région",
    )


def _access_view(overview: Overview, service: str) -> View:
    """Return the view of one service; its thresholds are the national ones, not those of a scheme."""
    view = access_view(
        service_rows(overview, service),
        names=service_names(overview.parameters, service),
        rules=[rule for rule in overview.rules if rule.service == service],
        method=overview.method,
        second=False,
    )
    said = view.scheme_thresholds.replace("Ceux du schéma", "Seuils de référence")
    return dataclasses.replace(view, scheme_thresholds=said)


def service_rows(overview: Overview, service: str) -> pd.DataFrame:
    """Join the communes, in order, with their access to one service."""
    own = overview.access[overview.access["service"] == service]
    return overview.communes.merge(own, on="code", validate="one_to_one")


def departement_table(overview: Overview) -> tuple[list[str], list[list[str]]]:
    """Return the header and the rows of the table by département, then the whole: shares of inhabitants and times."""
    header = ["Département", "Communes", "Habitants"]
    columns: list[pd.Series] = []
    everyone = [overview.communes, overview.communes.assign(departement="", departement_name=overview.name)]
    both = pd.concat(everyone, ignore_index=True)
    groups = both.groupby("departement", sort=False)
    columns += [groups.size().map(number), groups["population"].sum().map(number)]
    for service in overview.services:
        own = overview.access[overview.access["service"] == service].set_index("code")
        table = both.assign(**{name: both["code"].map(own[name]) for name in ("time_min", "reason")})
        label = service_names(overview.parameters, service).label
        for limit in sorted({rule.threshold_min for rule in overview.rules if rule.service == service}):
            header.append(f"{label}{NBSP}: habitants à {threshold(limit)} au plus")
            columns.append(_share(table, table["time_min"] <= limit).map(share_text))
        header += [f"{label}{NBSP}: temps médian", f"{label}{NBSP}: communes non mesurées"]
        columns.append(weighted_figures(table, ["departement"])["median_min"].map(minutes))
        columns.append((table["reason"] != REACHED).groupby(table["departement"], sort=False).sum().map(number))
    names = groups["departement_name"].first()
    said = {code: f"{name} ({code})" if code else f"Ensemble{NBSP}: {name}" for code, name in names.items()}
    return header, [[said[code], *(column[code] for column in columns)] for code in names.index]


def share_text(share: float) -> str:
    """Write a share; a part of it is never said to be the whole.

    Examples
    --------
    >>> share_text(0.99999).replace(NARROW_NBSP, " ")
    'plus de 99,9 %'
    """
    nearly = _NEARLY <= share < 1
    return f"plus de {percent(_ALMOST)}" if nearly else percent(share)


_ALMOST, _NEARLY = 0.999, 0.9995


def _share(table: pd.DataFrame, within: pd.Series) -> pd.Series:
    people = table["population"].groupby(table["departement"], sort=False).sum()
    return table["population"].where(within, 0).groupby(table["departement"], sort=False).sum() / people


def headline(overview: Overview) -> list[tuple[str, str]]:
    """Return the figures at the head of the page: shares of inhabitants within each threshold of the first service."""
    service = overview.services[0]
    table = service_rows(overview, service)
    plural, whole = service_names(overview.parameters, service).plural, table["population"].sum()
    figures = []
    for limit in sorted({rule.threshold_min for rule in overview.rules if rule.service == service}):
        share = table["population"].where(table["time_min"] <= limit, 0).sum() / whole
        figures.append((share_text(share), f"des habitants à {threshold(limit)} au plus des {plural}"))
    return figures


def subtitle(overview: Overview) -> str:
    """Say what is covered, the date of the edition and the vintage."""
    communes = overview.communes
    years = sorted({int(year) for year in communes["population_year"].dropna()})
    return (
        f"{count(len(communes), 'commune')} de {count(communes['departement'].nunique(), 'département')} — Édition du "
        f"{date(overview.edition)}. Périmètres au 1er{NBSP}janvier{NBSP}{overview.vintage}{NARROW_NBSP}; populations "
        f"légales de référence {listing([str(year) for year in years])}."
    )


def _method(overview: Overview) -> tuple[str, ...]:
    """Return the paragraphs of the method."""
    doubt = (
        f"Une commune dont la bande d'erreur contient un seuil est «{NBSP}à vérifier{NBSP}»{NBSP}: "
        "elle est ponctuée sur la carte."
    )
    reach = (
        "Le temps va de la mairie de la commune au lieu permanent le plus proche, dans la région et dans les "
        "départements voisins\u202f; itinérants et multisites ne comptent pas. D'une île à une autre d'un même "
        f"département, la mer n'est pas vue{NBSP}: le temps y est trop court."
    )
    drawn = f"Les contours sont généralisés pour l'affichage{NBSP}: les surfaces et les limites ne font pas foi."
    rules = (f"{rule.label}{NBSP}: {rule.reference}." for rule in overview.rules)
    said = [overview.method.description, doubt, *rules, reach, drawn]
    return texts(line.replace(" ;", f"{NARROW_NBSP};") for line in said)
