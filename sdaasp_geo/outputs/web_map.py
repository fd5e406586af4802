"""The interactive map of a scheme: one HTML file that makes no request, with its legend, its table and its sources."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

import jinja2
from markupsafe import Markup

from sdaasp_geo.analysis.deficits import NOT_MEASURED
from sdaasp_geo.french import NBSP, count
from sdaasp_geo.outputs import palette, web_map_text
from sdaasp_geo.outputs.escape import inline_script, plain_text
from sdaasp_geo.outputs.headline import headline_figures
from sdaasp_geo.outputs.web_map_layers import (
    build_folium_map,
    display_shapes,
    drawn_points,
    folium_script,
    shown_points,
)
from sdaasp_geo.parameters import service_names
from sdaasp_geo.study import Measures, Study

_HERE = Path(__file__).resolve().parent
_TEMPLATES = _HERE / "templates"
_VENDOR = _HERE / "vendor"


def render_map(study: Study, measures: Measures, *, title: str | None = None) -> str:
    """Write the interactive map of a scheme as one self-contained HTML page.

    Nothing leaves the page: scripts, styles and images are inlined, there is no base map, and the content security
    policy lets only those scripts run. The same study gives the same text.

    Parameters
    ----------
    study : Study
        Layers (`pipeline.prepare`), in any projected CRS in metres.
    measures : Measures
        Access, zones and coverage (`pipeline.measure`); classes are those of the scheme's main service.
    title : str, optional
        Title of the page; by default the service and the département.

    Returns
    -------
    str
        HTML, UTF-8, in French. Shapes are generalised at 80 m and given in EPSG:4326.
    """
    canvas, names = build_folium_map(study, measures, display_shapes(study, measures))
    start = f"sdaasp.start({names['map']}, [{names['order']}], {names['communes']});"
    leaflet = inline_script(_read(_VENDOR / "leaflet.js"))
    script = inline_script(f"{_read(_TEMPLATES / 'map.js')}\n{folium_script(canvas)}\n{start}\n")
    loader = jinja2.FileSystemLoader(_TEMPLATES)
    environment = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)
    return environment.get_template("map.html.j2").render(
        policy=_policy([leaflet, script]),
        leaflet_css=_trusted(_read(_VENDOR / "leaflet.css")),
        css=_trusted(_read(_TEMPLATES / "map.css")),
        leaflet_js=_trusted(leaflet),
        script=_trusted(script),
        lieux=_trusted(_places(study, measures)),
        map_id=names["map"],
        nbsp=NBSP,
        **_words(study, measures, title=title),
    )


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _trusted(text: str) -> Markup:
    """Mark a text of the package, or one made of encoded data (`inline_script`), as needing no escape."""
    return Markup(text)  # noqa: S704 - files of the package, and scripts whose data went through tojson


def _places(study: Study, measures: Measures) -> str:
    """Return the texts of the places as JSON that may stand in a data block of the page."""
    texts = web_map_text.point_texts(shown_points(study, measures), main=study.scheme.mesure.services[0])
    encoded = json.dumps(texts, ensure_ascii=False, separators=(",", ":"))
    return inline_script(encoded.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))


def _policy(scripts: list[str]) -> str:
    """Return the content security policy: nothing is loaded, and only these scripts run."""
    digests = (base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii") for script in scripts)
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _words(study: Study, measures: Measures, *, title: str | None) -> dict[str, object]:
    """Return the texts of the page."""
    service = study.scheme.mesure.services[0]
    label = service_names(study.parameters, service).plural
    heading = title or f"Accès aux {label}{NBSP}: {study.departement_name}"
    rows = web_map_text.commune_rows(study, measures)
    studied = f"Communes étudiées{NBSP}: celles du département, et celles des EPCI et des PETR qui en débordent."
    reference = study.scheme.reference or study.scheme.nom
    return {
        "title": plain_text(heading),
        "subtitle": plain_text(
            f"{study.scheme.nom} — {web_map_text.edition_text(study)}. {web_map_text.vintage_text(study)}."
        ),
        "figures": [(figure.value, figure.label) for figure in headline_figures(study, measures)],
        "estimate": plain_text(_estimate(measures)),
        "caption": (
            "Cliquez sur une commune ou sur un lieu pour ouvrir sa fiche. Contours généralisés, sans fond de carte. "
            "IGN, INSEE, DGCL."
        ),
        "legend_title": plain_text(
            f"Temps jusqu'au lieu permanent le plus proche ({service_names(study.parameters, service).label})"
        ),
        "legend": _legend(study, measures),
        "some_to_check": bool(measures.access.loc[measures.access["service"] == service, "to_check"].any()),
        "marks": _marks(study, measures),
        "zones": web_map_text.zone_rows(study, measures),
        "rows": rows,
        "table_caption": plain_text(f"{studied} Service{NBSP}: {label}."),
        "method": web_map_text.method_lines(study, measures),
        "notes": web_map_text.notes(study),
        "sources": web_map_text.source_lines(study, measures),
        "reference": plain_text(f"Document de référence{NBSP}: {reference}"),
    }


def _estimate(measures: Measures) -> str:
    if not measures.method.estimate:
        return ""
    return f"Les temps sont obtenus par la méthode «{NBSP}{measures.method.label}{NBSP}», non sur un réseau routier."


def _legend(study: Study, measures: Measures) -> list[dict[str, object]]:
    return [
        {
            "colour": row.entry.colour,
            "label": plain_text(row.entry.label),
            "span": row.entry.span,
            "counts": f"{row.communes}, {row.inhabitants} dans le département",
            "hatched": row.entry.code == NOT_MEASURED,
        }
        for row in web_map_text.legend_rows(study, measures)
    ]


def _marks(study: Study, measures: Measures) -> list[dict[str, str]]:
    """Return the symbols of the legend that are not classes; those that the map does not show are left out."""
    service = study.scheme.mesure.services[0]
    points = drawn_points(study, measures, service)
    permanent = int(points["permanent"].sum())
    has_zones = len(measures.zones) and bool((measures.zones["service"] == service).any())
    given = [
        (permanent, "disc", "6", "", "", "Accueil permanent", f"{count(permanent, 'lieu', 'lieux')}, seuls à compter"),
        (
            len(points) - permanent,
            "diamond",
            "",
            "",
            "",
            "Présence partielle",
            "itinérant, multisite : ne compte pas".replace(" :", f"{NBSP}:"),
        ),
        (1, "line", "1.8", palette.INK, "", "EPCI", ""),
        (1, "line", "3", palette.DEPARTEMENT_COLOUR, "10 5", "Département", ""),
        (len(study.neighbours), "area", "", palette.NEIGHBOUR_COLOUR, "", "EPCI voisins", ""),
        (len(study.petr), "line", "3", palette.PETR_COLOUR, "2 6", "PETR", "à cocher dans les couches"),
        (has_zones, "line", "4", palette.ZONE_COLOUR, "", "Zones déficitaires", "à cocher dans les couches"),
    ]
    keys = ("kind", "width", "colour", "dash", "text", "note")
    return [dict(zip(keys, rest, strict=True)) for present, *rest in given if present]
