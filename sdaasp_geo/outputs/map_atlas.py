"""The maps of a scheme: its themes, one page each, and the page that leads to them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup

from sdaasp_geo.french import NBSP, count
from sdaasp_geo.outputs import web_map_text
from sdaasp_geo.outputs.escape import plain_text
from sdaasp_geo.outputs.headline import sources_line
from sdaasp_geo.outputs.map_access import access_theme
from sdaasp_geo.outputs.map_border import border_theme, competence_theme
from sdaasp_geo.outputs.map_criteria import criteria_theme
from sdaasp_geo.outputs.map_data import picture_alt
from sdaasp_geo.outputs.map_model import Theme
from sdaasp_geo.outputs.map_presence import presence_theme
from sdaasp_geo.outputs.map_programme import actions_theme, governance_theme
from sdaasp_geo.outputs.map_svg import draw_svg
from sdaasp_geo.outputs.page_templates import page_template
from sdaasp_geo.outputs.web_map import policy, render_theme
from sdaasp_geo.outputs.web_map_layers import Shapes, display_shapes
from sdaasp_geo.study import Measures, Study

ATLAS = "atlas.html"


def map_themes(study: Study, measures: Measures) -> list[Theme]:
    """Return the themes that the study allows, in reading order: access always, the others where they are measured."""
    diagnosis, programme = measures.diagnosis, study.programme
    found: list[Theme | None] = [access_theme(study, measures)]
    if diagnosis is not None:
        makers = (criteria_theme, presence_theme, border_theme, competence_theme)
        found += [make(study, diagnosis) for make in makers]
    if programme is not None:
        found += [governance_theme(study, programme), actions_theme(study, programme)]
    return [theme for theme in found if theme is not None]


def render_atlas(
    themes: Sequence[Theme], study: Study, measures: Measures, *, shapes: Shapes | None = None, home: str = ""
) -> str:
    """Write the page that leads to the maps of the themes; it runs no script and loads nothing.

    Parameters
    ----------
    themes : sequence of Theme
        `map_themes`; the page of each is beside this one, under ``<code>.html``.
    shapes : Shapes, optional
        `display_shapes` of the same study.
    home : str
        Address of the home page of the run; no link when it is empty.
    """
    shapes = shapes or display_shapes(study, measures)
    codes = list(web_map_text.studied_communes(study)["code"])
    css = (Path(__file__).resolve().parent / "templates" / "map.atlas.css").read_text(encoding="utf-8")
    cards = [
        {
            "href": f"{theme.code}.html",
            "label": theme.label,
            "note": theme.note,
            "count": count(len(theme.views), "carte"),
            "views": " ; ".join(dict.fromkeys(view.group or view.label for view in theme.views)),
            "picture": _picture(shapes, theme, codes),
        }
        for theme in themes
    ]
    return page_template("map.atlas.html.j2").render(
        policy=policy([], [css]),
        css=Markup(css),  # noqa: S704 - a file of the package
        title=plain_text(f"Atlas{NBSP}: {study.departement_name}"),
        subtitle=plain_text(f"{study.scheme.nom} — {web_map_text.edition_text(study)}."),
        cards=cards,
        home=home,
        sources=sources_line(study),
        nbsp=NBSP,
    )


def _picture(shapes: Shapes, theme: Theme, codes: list[str]) -> Markup:
    view = theme.views[0]
    alt = picture_alt(theme, view)
    return Markup(draw_svg(shapes.sketch, theme, view, codes=codes, alt=alt, small=True))  # noqa: S704 - it escapes


def write_maps(
    study: Study, measures: Measures, folder: Path, *, home: str = "../index.html", base_map: bool = False
) -> list[dict[str, str]]:
    """Write the maps of a run and their atlas in an existing folder.

    Returns
    -------
    list of dict
        ``href`` (relative to the parent of the folder), ``label`` and ``note`` of each page, the atlas first.
    """
    themes = map_themes(study, measures)
    shapes = display_shapes(study, measures)
    atlas = render_atlas(themes, study, measures, shapes=shapes, home=home)
    (folder / ATLAS).write_text(atlas, encoding="utf-8")
    for theme in themes:
        page = render_theme(theme, study, measures, shapes=shapes, atlas=ATLAS, base_map=base_map)
        (folder / f"{theme.code}.html").write_text(page, encoding="utf-8")
    first = {"href": f"{folder.name}/{ATLAS}", "label": "Atlas", "note": "Toutes les cartes, par thème."}
    rest = [{"href": f"{folder.name}/{theme.code}.html", "label": theme.label, "note": theme.note} for theme in themes]
    return [first, *rest]
