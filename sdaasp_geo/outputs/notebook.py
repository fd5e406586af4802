"""What a notebook shows of a study: a table in French, a map, the steps of a long computation.

Everything is plain HTML and inline SVG that asks nothing of the network: what geopandas shows by itself
(`GeoDataFrame.explore`) and the widgets of progress bars load scripts from elsewhere once the notebook is exported.
Outside a notebook the same functions return text, and steps are lines on the standard error.
"""

from __future__ import annotations

import hashlib
import itertools
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from sdaasp_geo.french import NBSP, count, number
from sdaasp_geo.outputs import palette
from sdaasp_geo.outputs.escape import html_text

NOT_MEASURED = "non mesuré ou hors du calcul"
_ROWS = 12
_CELL = "padding:.25em .6em;border-bottom:1px solid #d0d0cc;"
_OTHERS = "autres lignes"
_MAX_CLASSES = 5
_MARK_PX = 4


class Html(str):
    """HTML that a notebook shows; anywhere else, a text."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        return str(self)


def table_html(
    table: pd.DataFrame, headings: Mapping[str, str] | None = None, *, rows: int = _ROWS, digits: int = 1
) -> Html:
    """Show the first rows of a table in French: decimal commas, thousands apart, « oui » and « non ».

    Parameters
    ----------
    table : DataFrame
        Any table or layer; the geometry is left out, and every text is escaped.
    headings : mapping, optional
        Columns to show, in order, and their headings; by default all, under their names.
    rows : int
        Rows shown; what remains is counted under the table.
    digits : int
        Decimals of numbers that are not whole.

    Examples
    --------
    >>> import pandas as pd
    >>> shown = table_html(pd.DataFrame({"nom": ["<Tarbes>"], "temps_min": [1234.5]}))
    >>> "&lt;Tarbes&gt;" in shown, "1\u202f234,5" in shown
    (True, True)
    """
    own = headings or {column: column for column in table.columns if column != "geometry"}
    numeric = {column: _is_number(table[column]) for column in own}
    head = "".join(_cell("th", html_text(label), right=numeric[column]) for column, label in own.items())
    body = []
    for values in table[list(own)].head(rows).itertuples(index=False, name=None):
        cells = zip(own, values, strict=True)
        body.append("".join(_cell("td", _in_words(one, digits), right=numeric[column]) for column, one in cells))
    lines = "".join(f"<tr>{cells}</tr>" for cells in body)
    left = len(table) - rows
    more = f"<p>… {count(left, 'autre ligne', _OTHERS)}</p>" if left > 0 else ""
    shown = f'<table style="border-collapse:collapse"><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>'
    return Html(f'<div style="overflow-x:auto" tabindex="0">{shown}</div>{more}')


def map_html(
    layer: gpd.GeoDataFrame,
    column: str,
    *,
    title: str,
    breaks: Sequence[float] = (),
    labels: Mapping[str, str] | None = None,
    unit: str = "",
    points: gpd.GeoDataFrame | None = None,
    width_px: int = 640,
) -> Html:
    """Draw a layer of polygons coloured by one column, as an inline SVG with its legend.

    Parameters
    ----------
    layer : GeoDataFrame
        Polygons in a projected CRS; ``name``, where present, is told when the pointer stays on a shape.
    column : str
        What colours them: numbers with ``breaks``, or codes with ``labels``. A missing value is *non mesuré*.
    title : str
        Title, which also tells of the picture to those who cannot see it.
    breaks : sequence of float
        Upper bounds of the classes, rising; the last class has none. A value equal to a bound is under it.
    labels : mapping, optional
        Label of each code, best first.
    unit : str
        Unit of the numbers, for the legend.
    points : GeoDataFrame, optional
        Places, drawn as marks.
    width_px : int
        Width of the drawing; one pixel is also the tolerance to which shapes are simplified.

    Raises
    ------
    ValueError
        Neither or both of ``breaks`` and ``labels``, or more than five classes.
    """
    classes = list(labels.values()) if labels else _intervals(breaks, unit)
    if bool(labels) == bool(breaks) or len(classes) > _MAX_CLASSES:
        message = f"give breaks or labels, for at most {_MAX_CLASSES} classes"
        raise ValueError(message)
    kept = layer[layer.geometry.notna()]
    west, south, east, north = kept.total_bounds
    pixel = (east - west) / width_px
    height_px = math.ceil((north - south) / pixel)
    ranks = _ranks(kept[column], breaks, labels)
    colours = [*palette.class_colours(len(classes)), palette.NOT_MEASURED_COLOUR]
    shapes = shapely.coverage_simplify(kept.geometry.to_numpy(), pixel)
    names = kept["name"] if "name" in kept else pd.Series("", index=kept.index)
    body = "".join(
        f'<path d="{_path(shape, west, north, pixel)}" fill="{colours[rank]}">'
        f"<title>{_told(name, value)}</title></path>"
        for shape, rank, name, value in zip(shapes, ranks, names, kept[column], strict=True)
    )
    body += _marks(points, west, north, pixel, (width_px, height_px))
    mark = hashlib.sha256(f"{title}{body}".encode()).hexdigest()[:8]
    svg = (
        f'<svg viewBox="0 0 {width_px} {height_px}" width="{width_px}" role="img" aria-labelledby="t{mark}" '
        f'style="max-width:100%;height:auto" stroke="#ffffff" stroke-width="0.4"><title id="t{mark}">'
        f"{html_text(title)}</title>{body}</svg>"
    )
    caption = f"<figcaption><strong>{html_text(title)}</strong>{_legend(classes, colours, ranks)}</figcaption>"
    return Html(f'<figure style="margin:0;overflow-wrap:anywhere">{svg}{caption}</figure>')


@contextmanager
def progress(title: str, *, total: int) -> Iterator[Callable[[str], None]]:
    """Give a function that shows each step: a bar in a notebook, lines on the standard error elsewhere.

    Parameters
    ----------
    title : str
        What is computed.
    total : int
        Steps expected; one more does no harm.
    """
    done: list[str] = []
    bar = _bar()

    def report(step: str) -> None:
        done.append(step)
        if bar is None:
            print(f"{title}{NBSP}: {step}", file=sys.stderr)  # noqa: T201 - progress is a line on the standard error
        else:
            bar(_bar_html(title, step, len(done) - 1, total))

    yield report
    if bar is not None:
        bar(_bar_html(title, count(len(done), "étape"), total, total))


def _bar() -> Callable[[Html], None] | None:
    """Return what replaces a bar in the notebook that runs this, or None outside a notebook."""
    if "ipykernel" not in sys.modules:
        return None
    from IPython.display import display  # noqa: PLC0415 - a notebook has it; the package does not ask for it

    handle = display(Html(""), display_id=True)  # type: ignore[no-untyped-call]
    return None if handle is None else handle.update


def _bar_html(title: str, step: str, done: int, total: int) -> Html:
    text = html_text(f"{title}{NBSP}: {step}")
    return Html(
        f'<progress max="{total}" value="{min(done, total)}" aria-label="{html_text(title)}"></progress> {text}'
    )


def _cell(tag: str, text: str, *, right: bool) -> str:
    return f'<{tag} style="{_CELL}text-align:{"right" if right else "left"}">{text}</{tag}>'


def _is_number(values: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)


def _in_words(value: object, digits: int) -> str:
    if value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if isinstance(value, bool | np.bool_):
        return "oui" if value else "non"
    if isinstance(value, int | float | np.integer | np.floating):
        return number(float(value), digits=0 if float(value).is_integer() else digits)
    return html_text(value)


def _told(name: object, value: object) -> str:
    text = _in_words(value, 1)
    return f"{html_text(name)}{NBSP}: {text}" if name else text


def _intervals(breaks: Sequence[float], unit: str) -> list[str]:
    def said(value: float) -> str:
        text = number(value, digits=0 if float(value).is_integer() else 1)
        return f"{text}{NBSP}{unit}" if unit else text

    if not breaks:
        return []
    between = [f"plus de {said(low)} à {said(high)}" for low, high in itertools.pairwise(breaks)]
    return [f"{said(breaks[0])} au plus", *between, f"plus de {said(breaks[-1])}"]


def _ranks(values: pd.Series, breaks: Sequence[float], labels: Mapping[str, str] | None) -> npt.NDArray[np.intp]:
    """Return the class of each value; -1, the last colour, for what was not measured."""
    if labels:
        return np.asarray(pd.Index(list(labels)).get_indexer(values))
    numbers = values.to_numpy(dtype=np.float64)
    return np.where(np.isnan(numbers), -1, np.searchsorted(np.asarray(breaks, dtype=np.float64), numbers))


def _path(shape: shapely.Geometry, west: float, north: float, pixel: float) -> str:
    parts = []
    for polygon in shapely.get_parts(shape):
        for ring in shapely.get_rings(polygon):
            spots = np.round((shapely.get_coordinates(ring)[:-1] - (west, north)) / (pixel, -pixel), 1)
            parts.append("M" + " ".join(f"{x:g},{y:g}" for x, y in spots) + "Z")
    return "".join(parts)


def _marks(points: gpd.GeoDataFrame | None, west: float, north: float, pixel: float, size: tuple[int, int]) -> str:
    if points is None:
        return ""
    located = points[points.geometry.notna() & ~points.geometry.is_empty]
    across = (located.geometry.x - west) / pixel
    down = (north - located.geometry.y) / pixel
    seen = across.between(0, size[0]) & down.between(0, size[1])
    names = located["nom"] if "nom" in located else pd.Series("", index=located.index)
    return "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{_MARK_PX}" fill="#ffffff" stroke="{palette.INK}" stroke-width="1.5">'
        f"<title>{html_text(name)}</title></circle>"
        for x, y, name in zip(across[seen], down[seen], names[seen], strict=True)
    )


def _legend(classes: Sequence[str], colours: Sequence[str], ranks: npt.NDArray[np.intp]) -> str:
    entries = [(label, colours[rank], int((ranks == rank).sum())) for rank, label in enumerate(classes)]
    missing = int((ranks < 0).sum())
    if missing:
        entries.append((NOT_MEASURED, colours[-1], missing))
    items = "".join(
        f'<li><span style="display:inline-block;width:1.2em;height:.8em;border:1px solid #77776f;background:{colour}">'
        f"</span> {html_text(label)} ({number(held)})</li>"
        for label, colour, held in entries
    )
    return f'<ul style="list-style:none;padding:0">{items}</ul>'
