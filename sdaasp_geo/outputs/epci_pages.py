"""A page per EPCI at a permanent address: its figures, its documents, its communes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

from sdaasp_geo import french
from sdaasp_geo.analysis.coverage import PARTS
from sdaasp_geo.analysis.deficits import classes_of
from sdaasp_geo.french import NBSP
from sdaasp_geo.outputs import answers, dashboard
from sdaasp_geo.outputs.escape import plain_text
from sdaasp_geo.outputs.headline import Figure, headline_rules, sources_line
from sdaasp_geo.outputs.page_shell import render_page
from sdaasp_geo.outputs.site_model import Contents, annexe_files, convention_files, epci_page, territories
from sdaasp_geo.outputs.web_map_text import joined_access, time_text
from sdaasp_geo.parameters import service_names
from sdaasp_geo.study import Measures, Study
from sdaasp_geo.travel.engine import REACHED

ROOT = "../../"

_ANCHORS = {dashboard.PAGE: "#epci={siren}", answers.FILE: "#epci-{siren}"}
"""Pages of the scheme that open on one EPCI, with the fragment that says which."""

_FRAME_PX = (640, 420)
_FIGURE_COLUMNS = ("Population", "Temps")


def write_epci_pages(study: Study, measures: Measures, contents: Contents, folder: Path) -> list[Path]:
    """Write ``epci/<siren>/index.html`` for each EPCI that has a commune in the département.

    Returns
    -------
    list of Path
        The pages, by name of EPCI.
    """
    written = []
    for row in territories(study):
        path = folder / epci_page(str(row["siren"]))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(render_epci(study, measures, contents, row), encoding="utf-8")
        written.append(path)
    return written


def render_epci(study: Study, measures: Measures, contents: Contents, row: Mapping[str, object]) -> str:
    """Render the page of one EPCI, a row of `site_model.territories`; all its links are relative."""
    siren, name = str(row["siren"]), plain_text(row["name"])
    header, coverage = _coverage(study, measures, row)
    service = headline_rules(study)[0].service if headline_rules(study) else study.scheme.mesure.services[0]
    label = service_names(study.parameters, service).label
    signs = "" if row["signs"] else " Ne signe pas de convention dans ce département."
    return render_page(
        "epci.html.j2",
        title=f"{name}{NBSP}: accès aux services au public",
        description=f"{name}{NBSP}: chiffres d'accès, carte, annexe et convention.",
        root=ROOT,
        heading=name,
        subtitle=f"SIREN {siren}. {plain_text(study.scheme.nom)}, édition du {french.date(study.scheme.edition)}."
        f"{signs}",
        figures=_figures(study, measures, row),
        links=_links(study, contents, siren),
        coverage_header=header,
        coverage=coverage,
        coverage_caption="Habitants à portée, et leur part des habitants mesurés. "
        f"«{NBSP}Entier{NBSP}» compte aussi les communes d'autres départements."
        if row["communes_outside"]
        else "Habitants à portée, et leur part des habitants mesurés.",
        negotiations=_negotiations(measures, contents, siren),
        communes_header=("Commune", "Population", f"Lieu le plus proche ({label})", "Temps", "Classe"),
        figures_columns=_FIGURE_COLUMNS,
        communes=_communes(study, measures, siren, service=service),
        communes_caption=f"Accès de chaque commune ({label}). Temps{NBSP}: {measures.method.label}.",
        method=measures.method.description,
        sources=sources_line(study),
        nbsp=NBSP,
    )


def _figures(study: Study, measures: Measures, row: Mapping[str, object]) -> list[Figure]:
    outside = int(str(row["communes_outside"]))
    where = f", dont {outside} hors du département" if outside else ""
    communes = french.count(int(str(row["communes"])), "commune")
    figures = [Figure(french.number(int(str(row["population"]))), f"habitants, {communes}{where}")]
    own = measures.coverage
    own = own[(own["level"] == "epci") & (own["territory"] == row["siren"]) & (own["part"] == PARTS[0])]
    shares = own.set_index("rule")["share_within"]
    rules = headline_rules(study)
    for rule in dict.fromkeys((rules[0], rules[-1])) if rules else ():
        label = service_names(study.parameters, rule.service).label
        what = f"des habitants mesurés à {french.threshold(rule.threshold_min)} au plus ({label})"
        figures.append(Figure(french.percent(float(shares[rule.code])), what))
    return figures


def map_fragment(study: Study, siren: str) -> str:
    """Return the fragment that centres a map on an EPCI, ``#carte=zoom/lat/lon``; empty where it has no contour.

    The zoom is the largest whole one at which the EPCI fits in 640 × 420 pixels of the Web Mercator grid (256 pixels
    for the world at zoom 0).
    """
    shapes = study.epci.loc[study.epci["siren"] == siren].geometry.dropna()
    if shapes.empty:
        return ""
    west, south, east, north = shapes.to_crs("EPSG:4326").total_bounds
    lat, lon = (south + north) / 2, (west + east) / 2
    high = (north - south) / math.cos(math.radians(lat))
    zoom = min(
        math.log2(pixels * 360 / 256 / span) for pixels, span in zip(_FRAME_PX, (east - west, high), strict=True)
    )
    return f"#carte={math.floor(zoom)}/{lat:.4f}/{lon:.4f}"


def _links(study: Study, contents: Contents, siren: str) -> list[dict[str, str]]:
    """Return the documents of an EPCI: ``href`` from its page, ``label``, ``note``."""
    links = [("Carte, centrée sur cette intercommunalité", contents.epci_map + map_fragment(study, siren), "")]
    links += [(f"Annexe de la convention, {file['label']}", file["href"], "") for file in annexe_files(contents, siren)]
    links += [
        (f"Convention territoriale, {file['label']}", file["href"], "") for file in convention_files(contents, siren)
    ]
    for page in contents.plan:
        fragment = _ANCHORS.get(page["href"].rsplit("/", 1)[-1])
        if fragment:
            links.append((page["label"], page["href"] + fragment.format(siren=siren), page["note"]))
    return [{"label": label, "href": f"{ROOT}{href}", "note": note} for label, href, note in links]


def _coverage(
    study: Study, measures: Measures, row: Mapping[str, object]
) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the header and the rows of the inhabitants within each threshold, on each side of the border."""
    parts = PARTS if row["communes_outside"] else PARTS[:1]
    own = measures.coverage[(measures.coverage["level"] == "epci") & (measures.coverage["territory"] == row["siren"])]
    known = {(line["rule"], line["part"]): line for line in own.to_dict("records")}
    rows = []
    for rule in study.rules:
        label = service_names(study.parameters, rule.service).label
        cells = [_within(known.get((rule.code, part))) for part in parts]
        rows.append((f"{label}, {french.threshold(rule.threshold_min)} au plus", *cells))
    names = [part.capitalize() for part in parts] if len(parts) > 1 else ["Habitants à portée"]
    return ("Service et seuil", *names), rows


def _within(line: Mapping[object, object] | None) -> str:
    if line is None or line["population"] == 0:
        return "–"
    share = float(str(line["share_within"]))
    return f"{french.number(int(str(line['population_within'])))} ({french.percent(share)})"


def _negotiations(measures: Measures, contents: Contents, siren: str) -> list[dict[str, str]]:
    """Return the sheets of the neighbours with which this EPCI has something to negotiate, or a border."""
    if measures.diagnosis is None or measures.diagnosis.negotiation.empty:
        return []
    rows = measures.diagnosis.negotiation
    concerned = set(rows.loc[(rows["epci"] == siren) | (rows["nearest_place_epci"] == siren), "neighbour"])
    return [
        {"name": plain_text(sheet.epci), "html": f"{ROOT}{sheet.html}", "xlsx": f"{ROOT}{sheet.xlsx}"}
        for sheet in contents.negotiations
        if sheet.siren in concerned
    ]


def _communes(study: Study, measures: Measures, siren: str, *, service: str) -> list[dict[str, str]]:
    access = joined_access(study, measures, service)
    labels = classes_of([rule for rule in study.rules if rule.service == service])
    rows = []
    for line in access[access["epci"] == siren].to_dict("records"):
        row = {str(key): value for key, value in line.items()}
        where = "" if row["inside"] else f" ({row['departement']})"
        rows.append(
            {
                "name": f"{plain_text(row['name'])}{where}",
                "population": french.number(float(row["population"])),
                "place": _place(row),
                "time": time_text(row, measures.method),
                "label": f"{labels.get(row['class'], row['class'])}{', à vérifier' if row['to_check'] else ''}",
            }
        )
    return rows


def _place(row: Mapping[str, object]) -> str:
    """Write the commune of the nearest place, and its département."""
    if row["reason"] != REACHED:
        return "aucun"
    return f"{plain_text(row['place_commune'])} ({plain_text(row['place_departement'])})"
