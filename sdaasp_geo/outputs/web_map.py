"""The interactive map of a theme: one HTML file that makes no request, with its legend, its table and its sources."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from markupsafe import Markup

from sdaasp_geo.french import NBSP, count
from sdaasp_geo.outputs import palette, web_map_text
from sdaasp_geo.outputs.escape import inline_script, plain_text
from sdaasp_geo.outputs.headline import headline_figures
from sdaasp_geo.outputs.map_access import access_theme
from sdaasp_geo.outputs.map_data import choices, legend_lines, page_data, picture_alt, static_table
from sdaasp_geo.outputs.map_model import COMMUNE, Theme
from sdaasp_geo.outputs.map_svg import draw_svg
from sdaasp_geo.outputs.page_templates import page_template
from sdaasp_geo.outputs.web_map_layers import (
    BASE_MAP_HOST,
    BASE_MAP_NAME,
    Shapes,
    build_folium_map,
    display_shapes,
    drawn_points,
    folium_script,
    shown_points,
)
from sdaasp_geo.study import Measures, Study

_HERE = Path(__file__).resolve().parent
_TEMPLATES = _HERE / "templates"
_VENDOR = _HERE / "vendor"
_PLAIN_CSS = ".folium-map, .nord, .croix { display: none; } details { display: block; }"
_TO_TICK = "à cocher dans les couches"
HATCH = "M-2 12 12-2M-2 24 24-2M8 24 36-4M20 24 46-2M32 24 48 8"


def render_map(study: Study, measures: Measures, *, title: str | None = None, base_map: bool = False) -> str:
    """Write the map of access of a scheme as one self-contained HTML page: `render_theme` of `access_theme`."""
    theme = access_theme(study, measures, title=title)
    return render_theme(theme, study, measures, base_map=base_map)


def render_theme(
    theme: Theme,
    study: Study,
    measures: Measures,
    *,
    shapes: Shapes | None = None,
    atlas: str = "",
    base_map: bool = False,
) -> str:
    """Write the map of a theme as one self-contained HTML page.

    Nothing leaves the page: scripts, styles and images are inlined, there is no base map, and the content security
    policy lets only those scripts and styles act. The same study gives the same text.

    Parameters
    ----------
    theme : Theme
        `map_atlas.map_themes`, or a theme of one's own.
    study : Study
        Layers (`pipeline.prepare`), in any projected CRS in metres.
    measures : Measures
        Access, zones and coverage (`pipeline.measure`).
    shapes : Shapes, optional
        `display_shapes` of the same study, when several themes are drawn.
    atlas : str
        Address of the page that lists the maps; no link when it is empty.
    base_map : bool
        Put the Plan IGN under the communes. The page then asks the Géoplateforme for pictures, says so, and its policy
        allows that host only.

    Returns
    -------
    str
        HTML, UTF-8, in French. Shapes are generalised at 80 m and given in EPSG:4326.
    """
    shapes = shapes or display_shapes(study, measures)
    services = _services(theme, study)
    canvas, names = build_folium_map(study, measures, shapes, services=services, base_map=base_map)
    start = f"sdaasp.start({names['map']}, [{names['order']}], {names['communes']}, {names['places']});"
    leaflet = inline_script(_read(_VENDOR / "leaflet.js"))
    script = inline_script("\n".join([*map(_template, _SCRIPTS), folium_script(canvas), start, ""]))
    css = f"{_read(_VENDOR / 'leaflet.css')}\n{_read(_TEMPLATES / 'map.css')}"
    cards = web_map_text.point_texts(shown_points(study, measures, services), main=study.scheme.mesure.services[0])
    codes = list(web_map_text.studied_communes(study)["code"])
    picture = draw_svg(shapes.sketch, theme, theme.views[0], codes=codes, alt=picture_alt(theme, theme.views[0]))
    return page_template("map.html.j2").render(
        policy=policy([leaflet, script], [css, _PLAIN_CSS], images=BASE_MAP_HOST if base_map else ""),
        css=_trusted(css),
        plain_css=_trusted(_PLAIN_CSS),
        leaflet_js=_trusted(leaflet),
        script=_trusted(script),
        data=_trusted(inline_script(page_data(theme, study, cards))),
        picture=_trusted(picture),
        map_id=names["map"],
        atlas=atlas,
        base_map=_base_map_text() if base_map else "",
        silence=_SILENCE[base_map],
        hatch=HATCH,
        nbsp=NBSP,
        **_words(theme, study, measures, services=services),
    )


def _services(theme: Theme, study: Study) -> tuple[str, ...]:
    """Return the services whose places the map holds: by commune, the main one where the views name none."""
    return theme.main_services or (study.scheme.mesure.services[:1] if theme.level == COMMUNE else ())


_SILENCE = {
    False: f"Cette page est complète{NBSP}: elle ne demande rien au réseau.",
    True: f"Hors le fond de carte, cette page est complète{NBSP}: elle ne demande rien d'autre au réseau.",
}


def _base_map_text() -> str:
    return (
        f"{BASE_MAP_NAME}, demandé à {BASE_MAP_HOST.removeprefix('https://')} à chaque affichage{NBSP}: ce serveur "
        "voit l'adresse de l'ordinateur et l'endroit regardé. Classes translucides, plus pâles que la légende. Sans "
        "réseau, le fond manque et le reste demeure. IGN, Licence Ouverte 2.0."
    )


_SCRIPTS = ("map.tools.js", "map.js", "map.shapes.js")


def _template(name: str) -> str:
    return _read(_TEMPLATES / name)


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _trusted(text: str) -> Markup:
    """Mark a text of the package, or one made of encoded data (`inline_script`), as needing no escape."""
    return Markup(text)  # noqa: S704 - files of the package, and scripts whose data went through tojson


def policy(scripts: Sequence[str], styles: Sequence[str], *, images: str = "") -> str:
    """Return the content security policy: nothing is loaded (but images of a host), only these texts act."""
    own = f" {images}" if images else ""
    return (
        f"default-src 'none'; script-src {_digests(scripts)}; style-src {_digests(styles)}; img-src data:{own}; "
        "base-uri 'none'; form-action 'none'"
    )


def _digests(elements: Sequence[str]) -> str:
    digests = (base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii") for text in elements)
    return " ".join(f"'sha256-{digest}'" for digest in digests) or "'none'"


def _words(theme: Theme, study: Study, measures: Measures, *, services: Sequence[str]) -> Mapping[str, object]:
    """Return the texts of the page."""
    view = theme.views[0]
    per_commune = theme.level == COMMUNE
    header, rows = static_table(theme)
    studied = f"Communes étudiées{NBSP}: celles du département, et celles des EPCI et des PETR qui en débordent."
    reference = study.scheme.reference or study.scheme.nom
    is_access = theme.views[0].times is not None
    return {
        "title": plain_text(theme.title),
        "subtitle": plain_text(
            f"{study.scheme.nom} — {web_map_text.edition_text(study)}. {web_map_text.vintage_text(study)}."
        ),
        "figures": [(found.value, found.label) for found in headline_figures(study, measures)] if is_access else [],
        "estimate": plain_text(_estimate(measures)) if per_commune else "",
        "choice": theme.choice,
        "choices": choices(theme),
        "caption": f"Contours généralisés{NBSP}: IGN, INSEE, DGCL.",
        "help": _HELP.replace(" :", f"{NBSP}:"),
        "legend_title": view.title,
        "legend": legend_lines(theme, view),
        "view_note": view.note,
        "some_to_check": bool(view.checks.any()),
        "marks": _marks(study, measures, services),
        "zones": web_map_text.zone_rows(study, measures) if is_access else [],
        "header": header,
        "rows": rows,
        "nouns": "communes" if per_commune else "EPCI",
        "table_caption": plain_text(studied if per_commune else f"EPCI du périmètre{NBSP}: {study.departement_name}."),
        "method": theme.method,
        "notes": web_map_text.notes(study),
        "sources": web_map_text.source_lines(study, measures),
        "reference": plain_text(f"Document de référence{NBSP}: {reference}"),
    }


_HELP = (
    "Cliquez sur une commune ou sur un lieu pour ouvrir sa fiche. Au clavier\u00a0: les flèches déplacent la carte, + "
    "et - l'agrandissent ou la réduisent, Entrée ouvre la commune au centre. L'adresse de la page garde la vue choisie."
)


def _estimate(measures: Measures) -> str:
    if not measures.method.estimate:
        return ""
    return f"Les temps sont obtenus par la méthode «{NBSP}{measures.method.label}{NBSP}», non sur un réseau routier."


def _marks(study: Study, measures: Measures, services: Sequence[str]) -> list[dict[str, str]]:
    """Return the symbols of the legend that are not classes; those that the map does not show are left out."""
    points = [drawn_points(study, measures, service) for service in services[:1]]
    permanent = sum(int(own["permanent"].sum()) for own in points)
    main = study.scheme.mesure.services[0]
    has_zones = len(measures.zones) and bool((measures.zones["service"] == main).any())
    given = [
        (permanent, "disc", "6", "", "", "Accueil permanent", f"{count(permanent, 'lieu', 'lieux')}, seuls à compter"),
        (
            sum(map(len, points)) - permanent,
            "diamond",
            "",
            "",
            "",
            "Présence partielle",
            "itinérant, multisite\u00a0: ne compte pas".replace(" :", f"{NBSP}:"),
        ),
        (1, "line", "1.8", palette.INK, "", "EPCI", ""),
        (1, "line", "3", palette.DEPARTEMENT_COLOUR, "10 5", "Département", ""),
        (len(study.neighbours), "area", "", palette.NEIGHBOUR_COLOUR, "", "EPCI voisins", ""),
        (len(study.petr), "line", "3", palette.PETR_COLOUR, "2 6", "PETR", _TO_TICK),
        (has_zones, "line", "4", palette.ZONE_COLOUR, "", "Zones déficitaires", _TO_TICK),
    ]
    keys = ("kind", "width", "colour", "dash", "text", "note")
    shown = [dict(zip(keys, rest, strict=True)) for present, *rest in given if present]
    return [{**mark, "layer": mark["text"] if mark["note"] == _TO_TICK else ""} for mark in shown]
