"""Hostile texts are inert in HTML, in scripts, in spreadsheets and in file names."""

from __future__ import annotations

import html
import re

import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdaasp_geo.outputs.escape import (
    NO_NAME,
    csv_cell,
    html_text,
    inline_script,
    plain_text,
    safe_cell,
    safe_file_stem,
)

HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    "`${alert(1)}`",
    "\"><svg onload='alert(1)'>",
    "{{ 7*7 }} {% raw %} {# #}",
    "=cmd|' /C calc'!A0",
    "../../etc/passwd",
    "Tarbes\u202e56\u202c\u200b\x00",
    "&lt;b&gt;",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_html_text_leaves_nothing_that_html_or_a_template_would_read(text: str) -> None:
    escaped = html_text(text)
    assert not set(escaped) & set("<>\"'`${}\\")
    assert html.unescape(escaped) == plain_text(text)
    assert jinja2.Environment(autoescape=False).from_string(escaped).render() == escaped  # noqa: S701 - the hostile case


@given(st.text())
def test_html_text_is_read_back_as_the_plain_text(text: str) -> None:
    assert html.unescape(html_text(text)) == plain_text(text)


@given(st.text())
def test_plain_text_is_one_line_without_controls_and_stable(text: str) -> None:
    plain = plain_text(text)
    assert len(plain.splitlines()) <= 1
    assert plain_text(plain) == plain
    plain.encode("utf-8")


def test_plain_text_keeps_french_typography_and_empties_the_missing() -> None:
    assert plain_text("12\u00a0% de l’Adour\u202f; œuvre") == "12\u00a0% de l’Adour\u202f; œuvre"
    assert [plain_text(value) for value in (None, float("nan"), 3)] == ["", "", "3"]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(1)", "\t", "\n", " =1", "\uff1d1", "\u00a0=1"])
def test_a_text_that_begins_like_a_formula_is_guarded(text: str) -> None:
    assert safe_cell(text) == f"'{text}"


@given(st.text(st.sampled_from("=+-@; \t\n\ra0é\uff1d'\"\u200b") | st.characters()))
def test_no_piece_of_a_cell_is_a_formula_wherever_it_is_cut(text: str) -> None:
    pieces = re.split("[;\t\n]", str(csv_cell(text)))
    assert not any(re.match(r"\s*(?:[=+@\uff1d\uff0b\uff20]|-\S)", piece) for piece in pieces)


@pytest.mark.parametrize("value", ["Tarbes", "L'Isle", "", "1 = 1", 3, -3.5, None, True])
def test_other_values_are_left_as_they_are(value: object) -> None:
    assert safe_cell(value) is value


@pytest.mark.parametrize(
    ("code", "name", "stem"),
    [
        ("200069300", "CA Tarbes-Lourdes-Pyrénées", "200069300-ca-tarbes-lourdes-pyrenees"),
        ("200072106", "../../etc/passwd", "200072106-etc-passwd"),
        ("200072106", "…", "200072106"),
        ("", "CON", f"{NO_NAME}-con"),
        ("", "\u202e", NO_NAME),
    ],
)
def test_file_stems_are_codes_and_slugs(code: str, name: str, stem: str) -> None:
    assert safe_file_stem(code, name) == stem


@given(st.text(), st.text())
def test_a_file_stem_is_never_a_path(code: str, name: str) -> None:
    stem = safe_file_stem(code, name)
    assert stem
    assert set(stem) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert len(stem) < 150


@pytest.mark.parametrize("text", ["a</script>", "a</SCRIPT >", "<!-- a", "<script>"])
def test_a_script_that_would_leave_its_element_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must not contain"):
        inline_script(text)


def test_a_script_keeps_its_text_with_unix_line_ends() -> None:
    assert inline_script("a < b;\r\nc > d;") == "a < b;\nc > d;"
