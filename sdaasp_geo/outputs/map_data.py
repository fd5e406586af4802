"""What the page of a theme holds for its script and for readers without one: data, legend, table of all views."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np

from sdaasp_geo.french import NBSP, count, threshold
from sdaasp_geo.outputs import palette
from sdaasp_geo.outputs.map_codec import Phrases, ceil_tenths, encode_numbers
from sdaasp_geo.outputs.map_model import COMMUNE, NOT_COUNTED, MapClass, Theme, View
from sdaasp_geo.outputs.web_map_text import studied_communes
from sdaasp_geo.study import Study

_TENTHS = 10


@dataclass(frozen=True)
class LegendLine:
    """A line of the legend: the class, and the rows and inhabitants it counts, in French."""

    entry: MapClass
    counts: str


@dataclass(frozen=True)
class Choice:
    """An entry of the list of views: its code, its label, and the heading under which it stands."""

    code: str
    label: str
    group: str


def page_data(theme: Theme, study: Study, places: list[list[str]]) -> str:
    """Return the data of the page as JSON without any character that HTML reads.

    Parameters
    ----------
    places : list of list of str
        Texts of the cards of places, in the order of the map.
    """
    communes = studied_communes(study)
    names = [f"{row.name} ({row.departement})" for row in communes[["name", "departement"]].itertuples(index=False)]
    return inert_json(page_content(theme, list(communes["code"]), names, places))


def page_content(theme: Theme, codes: list[str], names: list[str], places: list[list[str]]) -> dict[str, object]:
    """Return what the page of a theme holds, its texts as numbers of phrases (`map_codec.Phrases`).

    Parameters
    ----------
    codes, names : list of str
        Of the communes drawn, in the order of ``theme.rows``.
    places : list of list of str
        Texts of the cards of places.
    """
    phrases = Phrases()
    content: dict[str, object] = {
        "codes": " ".join(codes),
        "communes": phrases.column(names),
        "names": phrases.column(theme.names),
        "rows": encode_numbers(theme.rows),
        "counted": encode_numbers(theme.counted),
        "nouns": _nouns(theme),
        "headers": [_first_header(theme), *(header for header, _ in theme.identity)],
        "identity": [phrases.column(column) for _, column in theme.identity],
        "views": [_view_data(view, phrases) for view in theme.views],
        "two": palette.class_colours(2),
        "missing": palette.NOT_MEASURED_COLOUR,
        "plain": theme.level == COMMUNE,
        "places": [phrases.column(card) for card in places],
    }
    content["columns"] = phrases.columns()
    content["words"], content["phrases"] = phrases.dictionary()
    return content


def inert_json(content: dict[str, object]) -> str:
    """Write JSON without any character that HTML reads."""
    encoded = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return encoded.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _nouns(theme: Theme) -> list[str]:
    """Return singular and plural of a row, and what follows the inhabitants."""
    if theme.level == COMMUNE:
        return ["commune", "communes", theme.counted_where]
    return ["EPCI", "EPCI", ", EPCI entiers"]


def _first_header(theme: Theme) -> str:
    return "Commune" if theme.level == COMMUNE else "EPCI"


def _view_data(view: View, phrases: Phrases) -> dict[str, object]:
    data: dict[str, object] = {
        "code": view.code,
        "title": view.title,
        "note": view.note,
        "classes": [[entry.label, entry.span, entry.colour, int(entry.hatched)] for entry in view.classes],
        "ranks": "".join(str(rank) for rank in view.ranks),
        "checks": "".join(str(int(check)) for check in view.checks),
        "terms": list(view.terms),
        "cells": [phrases.shared(column) for column in view.cells],
        "sentences": phrases.shared(view.sentences),
        "services": list(view.services),
    }
    if view.times is not None:
        times = view.times
        data["times"] = [
            encode_numbers(ceil_tenths(values)) for values in (times.time_min, times.low_min, times.high_min)
        ]
        data["thresholds"] = [[round(value * _TENTHS), threshold(value)] for value in times.thresholds]
        data["scheme"] = view.scheme_thresholds
    return data


def legend_lines(theme: Theme, view: View) -> list[LegendLine]:
    """Count rows and inhabitants of each class; a hatched class without any row is left out."""
    counted = np.asarray(theme.counted, dtype=np.int64)
    singular, plural, after = _nouns(theme)
    lines = []
    for rank, entry in enumerate(view.classes):
        own = view.ranks == rank
        if entry.hatched and not own.any():
            continue
        inside = own & (counted != NOT_COUNTED)
        people = count(int(counted[inside].sum()), "habitant")
        lines.append(LegendLine(entry, f"{count(int(inside.sum()), singular, plural)}, {people}{after}"))
    return lines


def choices(theme: Theme) -> list[tuple[str, list[Choice]]]:
    """Return the views by heading, in order; an empty heading has no group."""
    groups: dict[str, list[Choice]] = {}
    for view in theme.views:
        groups.setdefault(view.group, []).append(Choice(view.code, view.label, view.group))
    return list(groups.items())


def static_table(theme: Theme) -> tuple[list[str], list[list[str]]]:
    """Return the header and the rows of the table of all views, which stands where no script runs."""
    header = [_first_header(theme), *(name for name, _ in theme.identity), *(_header(view) for view in theme.views)]
    columns = [theme.names, *(column for _, column in theme.identity), *(view.brief for view in theme.views)]
    return header, [list(row) for row in zip(*columns, strict=True)]


def _header(view: View) -> str:
    return f"{view.label} ({view.group})" if view.group and not view.title.startswith(view.label) else view.label


def picture_alt(theme: Theme, view: View) -> str:
    """Describe the map of a view in one sentence, for those who cannot see it."""
    said = [f"{line.entry.name}{NBSP}: {line.counts}" for line in legend_lines(theme, view)]
    return f"{view.title}. {' ; '.join(said)}."
