"""The map of a region or of France: one self-contained HTML file, whose data is compressed and unpacked by the page."""

from __future__ import annotations

import base64
import dataclasses
import gzip
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from markupsafe import Markup

from sdaasp_geo.french import NBSP, count
from sdaasp_geo.outputs import palette
from sdaasp_geo.outputs.escape import inline_script, plain_text
from sdaasp_geo.outputs.map_codec import encode_line
from sdaasp_geo.outputs.map_data import choices, inert_json, legend_lines, page_content, picture_alt
from sdaasp_geo.outputs.map_model import EPCI, Theme
from sdaasp_geo.outputs.map_svg import draw_svg
from sdaasp_geo.outputs.overview_arcs import arc_levels, encode_arcs
from sdaasp_geo.outputs.overview_model import Overview
from sdaasp_geo.outputs.overview_shapes import Layers, display_arcs, draw_sketch, generalise, territory_label
from sdaasp_geo.outputs.overview_theme import departement_table, headline, overview_theme, subtitle
from sdaasp_geo.outputs.page_templates import TEMPLATES, page_template
from sdaasp_geo.outputs.web_map import HATCH, policy
from sdaasp_geo.parameters import service_names

_VENDOR = Path(__file__).resolve().parent / "vendor"
_SCRIPTS = ("map.tools.js", "map.js", "map.country.js")
_PLAIN_CSS = ".interactif { display: none; }"
_MAP_ID = "carte"
_MOST_PLACES = 5_000
_CAPTION = f"Contours généralisés{NBSP}: IGN, INSEE, DGCL. Sur la carte dessinée, chaque cartouche a son échelle."
_HELP = (
    f"Cliquez sur une commune pour ouvrir sa fiche. Au clavier{NBSP}: les flèches déplacent la carte, + et - "
    "l'agrandissent ou la réduisent, Entrée ouvre la commune au centre. L'adresse de la page garde la vue choisie."
)


def render_overview(overview: Overview, *, downloads: Sequence[tuple[str, str]] = ()) -> str:
    """Write the map of an overview.

    Nothing leaves the page, as for `web_map.render_theme`. The same overview gives the same text with the same zlib.

    Parameters
    ----------
    downloads : sequence of (address, label)
        Files that stand beside the page.
    """
    theme = overview_theme(overview)
    layers = generalise(overview)
    leaflet = inline_script((_VENDOR / "leaflet.js").read_text(encoding="utf-8"))
    script = inline_script("\n".join((TEMPLATES / name).read_text(encoding="utf-8") for name in _SCRIPTS))
    css = "\n".join(
        path.read_text(encoding="utf-8")
        for path in (_VENDOR / "leaflet.css", TEMPLATES / "map.css", TEMPLATES / "overview.css")
    )
    return page_template("overview.html.j2").render(
        policy=policy([leaflet, script], [css, _PLAIN_CSS]),
        css=_trusted(css),
        plain_css=_trusted(_PLAIN_CSS),
        leaflet_js=_trusted(leaflet),
        script=_trusted(script),
        data=_trusted(packed_data(overview, theme, layers)),
        picture=_trusted(_picture(overview, theme, layers)),
        map_id=_MAP_ID,
        atlas="",
        base_map="",
        silence=f"Cette page est complète{NBSP}: elle ne demande rien au réseau.",
        hatch=HATCH,
        nbsp=NBSP,
        downloads=downloads,
        **_words(overview, theme),
    )


def _words(overview: Overview, theme: Theme) -> dict[str, object]:
    """Return the texts of the page."""
    view = theme.views[0]
    header, rows = departement_table(overview)
    departements = overview.communes.drop_duplicates("departement")
    return {
        "title": plain_text(theme.title),
        "subtitle": plain_text(subtitle(overview)),
        "figures": headline(overview),
        "estimate": plain_text(
            f"Les temps sont obtenus par la méthode «{NBSP}{overview.method.label}{NBSP}», non sur un réseau routier."
        ),
        "choice": theme.choice,
        "choices": choices(theme),
        "whole": "Tous",
        "areas": [f"{row.departement_name} ({row.departement})" for row in departements.itertuples(index=False)],
        "caption": _CAPTION,
        "help": _HELP,
        "legend_title": view.title,
        "legend": legend_lines(theme, view),
        "view_note": view.note,
        "some_to_check": bool(view.checks.any()),
        "marks": _marks(overview),
        "zones": [],
        "header": header,
        "rows": rows,
        "table_caption": "Habitants des communes qui ont le lieu le plus proche dans chaque seuil.",
        "method": theme.method,
        "notes": overview.notes,
        "sources": _sources(overview),
        "reference": f"Seuils et conventions de mesure{NBSP}: paramètres de sdaasp_geo, dans le manifeste.",
    }


def _trusted(text: str) -> Markup:
    """Mark a text of the package, or one made of encoded data, as needing no escape."""
    return Markup(text)  # noqa: S704 - files of the package, escaped SVG, and Base64


def packed_data(overview: Overview, theme: Theme, layers: Layers) -> str:
    """Return the data of the page: JSON, compressed, as Base64."""
    communes = overview.communes
    arcs, step = display_arcs(overview, layers)
    lines, rings = encode_arcs(arcs)
    content = page_content(theme, list(communes["code"]), list(theme.names), [])
    for same in ("names", "rows"):  # rows are the communes, in order
        content.pop(same)
    content |= {
        "arcs": lines,
        "rings": rings,
        "levels": arc_levels(arcs, [communes["epci"].fillna("").tolist(), communes["departement"].tolist()]),
        "step": step,
        "areas": _ranges(communes, "departement", communes.drop_duplicates("departement")["departement_name"].tolist()),
        "territories": _ranges(
            communes, "territory", [territory_label(overview, code) for code in overview.shapes], codes=False
        ),
        "spots": {
            service: encode_line(np.round(table[["lon", "lat"]].to_numpy(dtype=np.float64), 4))
            for service, table in overview.places.items()
            if len(table) <= _MOST_PLACES
        },
    }
    packed = gzip.compress(inert_json(content).encode("utf-8"), compresslevel=9, mtime=0)
    return base64.b64encode(packed).decode("ascii")


def _ranges(communes: pd.DataFrame, column: str, labels: list[str], *, codes: bool = True) -> list[list[object]]:
    """Return the rows of each group, that stand together: code, label, first row and number of rows."""
    groups = communes.groupby(column, sort=False).indices
    found: list[list[object]] = []
    for (code, rows), label in zip(groups.items(), labels, strict=True):
        own = [plain_text(label), int(rows[0]), len(rows)]
        found.append([str(code), *own] if codes else own)
    return found


def _picture(overview: Overview, theme: Theme, layers: Layers) -> str:
    """Draw the first view: one shape by class, and the outlines of the départements."""
    view = theme.views[0]
    sketch = draw_sketch(overview, layers, view.ranks)
    ranks = np.arange(len(view.classes), dtype=np.int64)
    classes = dataclasses.replace(theme, level=EPCI, rows=tuple(range(len(ranks))))
    return draw_svg(
        sketch,
        classes,
        dataclasses.replace(view, ranks=ranks),
        codes=[str(rank) for rank in ranks],
        alt=picture_alt(theme, view),
    )


def _marks(overview: Overview) -> list[dict[str, str]]:
    """Return the symbols of the legend that are not classes."""
    service = overview.services[0]
    places = len(overview.places[service])
    shown = "dessinés de près" if places <= _MOST_PLACES else "trop nombreux pour être dessinés"
    label = service_names(overview.parameters, service).plural
    given = [
        ("disc", "6", "", f"Accueil permanent ({label})", f"{count(places, 'lieu', 'lieux')}, {shown}"),
        ("line", "2.5", palette.INK, "Département", ""),
        ("line", "1", palette.INK, "EPCI", "de près seulement"),
    ]
    keys = ("kind", "width", "colour", "text", "note")
    return [{**dict(zip(keys, mark, strict=True)), "dash": "", "layer": ""} for mark in given]


def _sources(overview: Overview) -> list[str]:
    year = overview.vintage
    return [
        f"Contours des communes{NBSP}: IGN, généralisés, ramenés au découpage de {year} (Licence Ouverte 2.0)",
        f"Communes, EPCI et populations légales{NBSP}: INSEE et DGCL, {year} (Licence Ouverte 2.0)",
        *overview.sources,
        f"Temps d'accès{NBSP}: {overview.method.label}. {plain_text(overview.method.source)}",
    ]
