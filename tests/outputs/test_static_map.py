"""The printed maps: size, weight, colours of the legend, the same bytes twice, hostile names, words for the blind."""

from __future__ import annotations

import dataclasses
import io
from itertools import pairwise

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

from sdaasp_geo import pipeline
from sdaasp_geo.analysis.deficits import NOT_MEASURED
from sdaasp_geo.outputs.palette import legend_entries
from sdaasp_geo.outputs.static_map import alt_text, draw_departement_map, draw_epci_map
from sdaasp_geo.scheme import read_scheme
from sdaasp_geo.study import Measures, Study

ADOUR_MADIRAN = "200072106"
HOSTILE = "$\\frac{x$ <img src=x> \u202e{{ 7*7 }} \U0001f4a5\x00`"


@pytest.fixture(scope="module")
def case() -> tuple[Study, Measures]:
    study = pipeline.prepare(read_scheme("hautes-pyrenees"))
    return study, pipeline.measure(study)


def _open(picture: bytes) -> Image.Image:
    return Image.open(io.BytesIO(picture))


def _colours(picture: bytes) -> set[str]:
    pixels = np.asarray(_open(picture).convert("RGB")).reshape(-1, 3)
    return {f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in np.unique(pixels, axis=0)}


def _pixels(picture: bytes, colour: str) -> int:
    wanted = [int(colour[start : start + 2], 16) for start in (1, 3, 5)]
    return int((np.asarray(_open(picture).convert("RGB")) == wanted).all(axis=2).sum())


def test_every_epci_has_a_map_that_fits_the_annex(case: tuple[Study, Measures]) -> None:
    study, measures = case
    for siren in study.epci["siren"]:
        picture = draw_epci_map(study, measures, siren=siren)
        image = _open(picture)
        assert image.width == 1133
        assert image.height < 25 / 2.54 * 180
        assert round(image.info["dpi"][0]) == 180
        assert "Software" not in image.info
        assert len(picture) < 400_000


def test_the_same_study_gives_the_same_bytes(case: tuple[Study, Measures]) -> None:
    first = draw_epci_map(*case, siren=ADOUR_MADIRAN)
    assert draw_epci_map(*case, siren=ADOUR_MADIRAN) == first
    assert draw_departement_map(*case) == draw_departement_map(*case)


def test_drawing_leaves_matplotlib_as_it_was(case: tuple[Study, Measures]) -> None:
    before = dict(mpl.rcParams)
    draw_epci_map(*case, siren=ADOUR_MADIRAN)
    assert dict(mpl.rcParams) == before


def test_class_colours_are_exactly_those_of_the_legend(case: tuple[Study, Measures]) -> None:
    study, measures = case
    wanted = {entry.colour for entry in legend_entries(study.rules) if entry.code != NOT_MEASURED}
    assert wanted <= _colours(draw_departement_map(study, measures))


def test_classes_keep_their_order_in_grey(case: tuple[Study, Measures]) -> None:
    study, _ = case
    entries = [entry for entry in legend_entries(study.rules) if entry.code != NOT_MEASURED]
    grey = [Image.new("RGB", (1, 1), entry.colour).convert("L").getpixel((0, 0)) for entry in entries]
    assert len(grey) == 3
    assert all(before - after >= 40 for before, after in pairwise(grey)), grey
    assert len({entry.hatch for entry in entries}) == len(entries), "and each class has its own hatch"


def test_an_unmeasured_commune_is_drawn_apart(case: tuple[Study, Measures]) -> None:
    study, measures = case
    access = measures.access.copy()
    access.loc[access["code"] == "65304", "class"] = NOT_MEASURED
    colour = next(entry.colour for entry in legend_entries(study.rules) if entry.code == NOT_MEASURED)
    whole = draw_epci_map(study, measures, siren=ADOUR_MADIRAN)
    part = draw_epci_map(study, dataclasses.replace(measures, access=access), siren=ADOUR_MADIRAN)
    assert _pixels(part, colour) > 1000 + 10 * _pixels(whole, colour)


def test_hostile_names_are_drawn_as_text(case: tuple[Study, Measures]) -> None:
    study, measures = case
    hostile = dataclasses.replace(
        study,
        communes=study.communes.assign(name=HOSTILE),
        epci=study.epci.assign(name=HOSTILE),
        points=study.points.assign(commune=HOSTILE),
    )
    assert _open(draw_epci_map(hostile, measures, siren=ADOUR_MADIRAN)).format == "PNG"
    assert "\x00" not in alt_text(hostile, measures, siren=ADOUR_MADIRAN)


def test_a_study_without_points_is_drawn(case: tuple[Study, Measures]) -> None:
    study, measures = case
    empty = dataclasses.replace(study, points=study.points.head(0))
    assert _open(draw_epci_map(empty, measures, siren=ADOUR_MADIRAN)).format == "PNG"
    assert "Aucun accueil permanent" in alt_text(empty, measures, siren=ADOUR_MADIRAN)


def test_alt_text_counts_the_communes_of_both_sides(case: tuple[Study, Measures]) -> None:
    text = alt_text(*case, siren=ADOUR_MADIRAN)
    assert text.startswith(
        "Carte de l'accès aux espaces France services dans l'EPCI CC Adour Madiran\u00a0: 72\u00a0communes"
    )
    assert "dont 11 hors du département" in text
    assert "Maubourguet" in text


def test_an_unknown_epci_is_refused(case: tuple[Study, Measures]) -> None:
    with pytest.raises(KeyError):
        draw_epci_map(*case, siren="000000000")
