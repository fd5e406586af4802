"""The tagged PDF of an annex: what it says, its structure, its bytes; and the same figures in every format."""

from __future__ import annotations

import dataclasses
import datetime as dt
import io
import itertools
from collections import Counter
from itertools import pairwise
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from annexe_formats import ALT, facts_of, pdf_of, pdf_text, picture, shown_by_each, squeezed, structure, told
from hostile_files import words_beyond
from pypdf import PdfReader, PdfWriter

from sdaasp_geo.french import NBSP, number, percent
from sdaasp_geo.outputs import annexe_pdf
from sdaasp_geo.outputs.annexe_layout import PARTS, WIDTH_CM, blocks
from sdaasp_geo.outputs.annexe_model import AnnexeFacts
from sdaasp_geo.outputs.annexe_pdf import render_pdf
from sdaasp_geo.outputs.diagnosis_tables import diagnosis_tables
from sdaasp_geo.outputs.tables import build_tables, describe_column, write_tables
from sdaasp_geo.sources import france
from sdaasp_geo.study import Diagnosis, Measures, Study

ADOUR_MADIRAN = "200072106"
HOSTILE = '#panic() $x$ *b* `r` <img src=x> {{ 7*7 }} \\ @ref "q" // c /* d'
MARKUP = (
    '#read("/etc/passwd")',
    '#import "/etc/passwd": *',
    '#include "/etc/passwd"',
    '#eval("1+41")',
    '#image(read("main.typ"))',
    "#{1+41} #(1+41) #let x = 1",
    "$x^2$ et $ sum x $",
    "*gras* _penché_ `code` ```typ #x```",
    "@ref <label> #ref(<label>)",
    "\\ fin de ligne \\u{41}",
    "// commentaire",
    "/* commentaire */",
    "= Titre",
    "- point",
    "+ rang",
    "/ Terme: sens",
    "https://hostile.invalid/x",
    "~ --- ... -?",
)
"""What typst would read, run, draw or hide if a text were markup."""
LETTERS = 10_000
GREEK = "αβγδεζηθικλμνξπρ"


@pytest.fixture(scope="module")
def facts(study_65: Study, measures_65: Measures, diagnosis_65: Diagnosis) -> AnnexeFacts:
    return facts_of(study_65, measures_65, diagnosis_65, ADOUR_MADIRAN, france.read_census())


@pytest.fixture(scope="module")
def reader(facts: AnnexeFacts) -> PdfReader:
    return pdf_of(facts)


def test_every_text_and_cell_is_in_the_three_formats(facts: AnnexeFacts) -> None:
    for form, shown in shown_by_each(facts).items():
        missing = [text for text in told(facts) if text not in shown]
        assert not missing, (form, missing[:3])


def test_rows_are_whole_in_the_pdf(facts: AnnexeFacts, reader: PdfReader) -> None:
    shown = pdf_text(reader)
    for key, table in facts.tables.items():
        for row in table.rows:
            assert squeezed("".join(row)) in shown, (key, row)


def test_the_layout_shows_every_table_and_text_once(facts: AnnexeFacts) -> None:
    tables, texts = ([block.key for block in blocks(kind)] for kind in ("table", "texts"))
    assert sorted(tables) == sorted(facts.tables)
    headings = {block.key for block in blocks("heading") if block.key} | {block.key for block in blocks("picture")}
    assert sorted([*texts, *headings]) == sorted(facts.texts)
    for block in blocks("table"):
        assert sum(block.widths) == pytest.approx(WIDTH_CM), block.key
        assert len(block.widths) == len(facts.tables[block.key].header), block.key


def test_tables_are_tables_and_the_picture_is_told(facts: AnnexeFacts, reader: PdfReader) -> None:
    elements = list(structure(reader))
    kinds = Counter(str(element["/S"]) for element in elements)
    tables = [table for table in facts.tables.values() if table.rows]
    assert kinds["/Table"] == kinds["/THead"] == len(tables)
    assert kinds["/TR"] == sum(1 + len(table.rows) for table in tables)
    assert kinds["/TH"] == sum(len(table.header) for table in tables)
    assert kinds["/TD"] == sum(len(table.header) * len(table.rows) for table in tables)
    scopes = {
        str(part["/Scope"]) for each in elements if each["/S"] == "/TH" for part in each["/A"] if "/Scope" in part
    }
    assert scopes == {"/Column"}
    assert [element["/Alt"] for element in elements if element["/S"] == "/Figure"] == [ALT]


def test_headings_do_not_skip_a_level_and_lead_the_outline(facts: AnnexeFacts, reader: PdfReader) -> None:
    levels = [
        int(str(element["/S"])[2]) for element in structure(reader) if str(element["/S"]) in {"/H1", "/H2", "/H3"}
    ]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    outline = [str(entry.title) for entry in reader.outline if not isinstance(entry, list)]
    assert outline == [part.title for part in PARTS]
    shown = squeezed(reader.pages[0].extract_text())
    assert all(squeezed(part.title) in shown for part in PARTS), "the table of contents"
    assert facts.texts["titre_2_3"][0]


def test_the_document_says_what_it_is(facts: AnnexeFacts, reader: PdfReader) -> None:
    root = reader.trailer["/Root"]
    assert root["/Lang"] == "fr-FR"
    assert root["/MarkInfo"]["/Marked"] == True  # noqa: E712 - a PDF boolean
    assert root["/ViewerPreferences"]["/DisplayDocTitle"] == True  # noqa: E712 - idem
    information = reader.metadata
    assert information
    assert information.title == f"{facts.title} – {facts.epci}"
    assert information.creation_date
    assert information.creation_date.date() == dt.date.fromisoformat(facts.edition)
    assert b"pdfuaid:part" in root["/Metadata"].get_data()
    last = len(reader.pages)
    assert 10 <= last <= 16
    for rank, page in enumerate(reader.pages, start=1):
        assert squeezed(f"Page {rank} sur {last}") in squeezed(page.extract_text())
        assert [round(float(side) / 72 * 25.4) for side in page.mediabox[2:]] == [210, 297]


def test_fonts_are_embedded(reader: PdfReader) -> None:
    fonts = [font.get_object() for page in reader.pages for font in page["/Resources"]["/Font"].values()]
    for font in fonts:
        descriptor = font["/DescendantFonts"][0]["/FontDescriptor"]
        assert {"/FontFile2", "/FontFile3"} & set(descriptor), font["/BaseFont"]
        assert "/ToUnicode" in font


def test_the_same_facts_give_the_same_bytes(facts: AnnexeFacts) -> None:
    first, second = (render_pdf(facts, map_png=picture(), alt=ALT) for _ in range(2))
    assert first == second


def test_hostile_texts_are_never_markup(facts: AnnexeFacts) -> None:
    tables = {
        **facts.tables,
        "identite": dataclasses.replace(facts.tables["identite"], rows=((HOSTILE, "\U000f1234"),)),
    }
    texts = {**facts.texts, "chapeau": (HOSTILE,)}
    hostile = dataclasses.replace(facts, epci=HOSTILE, subtitle=HOSTILE, running=HOSTILE, tables=tables, texts=texts)
    reader = pdf_of(hostile)
    assert pdf_text(reader).count(squeezed(HOSTILE)) >= 3 + len(reader.pages)
    assert reader.metadata
    assert reader.metadata.title == f"{facts.title} – {HOSTILE}"


def test_markup_is_shown_as_it_is_and_reads_nothing(facts: AnnexeFacts, reader: PdfReader) -> None:
    table = facts.tables["identite"]
    cells = dataclasses.replace(table, rows=tuple((text, text) for text in MARKUP))
    texts = {**facts.texts, "chapeau": MARKUP, "perimetre": MARKUP}
    found = pdf_of(dataclasses.replace(facts, tables={**facts.tables, "identite": cells}, texts=texts))
    shown = pdf_text(found)
    assert [text for text in MARKUP if shown.count(squeezed(text)) < 4] == []
    assert "root:" not in shown
    assert [entry.title for entry in found.outline if not isinstance(entry, list)] == [part.title for part in PARTS]
    links = [note.get_object() for page in found.pages for note in page.get("/Annots", ())]
    assert not [link for link in links if "/URI" in link.get("/A", {})]
    assert reader.pages


def test_words_of_ten_thousand_letters_stay_on_the_page(facts: AnnexeFacts, tmp_path: Path) -> None:
    units = [letter + rest for letter, rest in zip(GREEK, itertools.cycle(("", "", "-1/", NBSP)), strict=False)]
    words = (unit * (LETTERS // len(unit)) for unit in units)
    tables = dict(facts.tables)
    for key, column in (("identite", 0), ("formats", 6), ("services", 2)):
        cells = [*tables[key].rows[0]]
        cells[column] = next(words)
        tables[key] = dataclasses.replace(tables[key], rows=(tuple(cells), *tables[key].rows[1:]))
    first = tables["deciles"]
    header = (next(words), *first.header[1:])
    tables["deciles"] = dataclasses.replace(first, title=next(words), note=next(words), header=header)
    tables["lieux"] = dataclasses.replace(tables["lieux"], rows=(), empty=next(words))
    texts = {key: (next(words),) for key in ("chapeau", "titre_2_3", "carte", "signature", "methode", "avertissements")}
    subtitle, identification = next(words), ((next(words), next(words)),)
    long = dataclasses.replace(
        facts,
        subtitle=subtitle,
        running=facts.running + "W" * LETTERS,
        identification=identification,
        tables=tables,
        texts={**facts.texts, **texts},
    )
    assert next(words, None) is None
    path = tmp_path / "long.pdf"
    path.write_bytes(render_pdf(long, map_png=picture(), alt=ALT))
    beyond, shown = words_beyond(path)
    assert beyond == []
    assert {unit: shown.count(unit[0]) for unit in units if shown.count(unit[0]) < LETTERS // len(unit)} == {}


def test_a_long_address_is_copied_without_marks(facts: AnnexeFacts, tmp_path: Path) -> None:
    address = f"https://exemple.fr/{'abcdefghij' * 35}"
    table = facts.tables["formats"]
    rows = (("Lieu", *(address for _ in table.header[1:])), *table.rows[1:])
    tables = {**facts.tables, "formats": dataclasses.replace(table, rows=rows)}
    long = dataclasses.replace(facts, tables=tables, texts={**facts.texts, "chapeau": (address,)})
    path = tmp_path / "address.pdf"
    path.write_bytes(render_pdf(long, map_png=picture(), alt=ALT))
    beyond, shown = words_beyond(path)
    assert beyond == []
    assert not {"\u200b", "\u00ad"} & set(shown)
    assert address in pdf_text(PdfReader(path))


def test_usual_texts_are_laid_out_without_cuts(facts: AnnexeFacts, monkeypatch: pytest.MonkeyPatch) -> None:
    first = render_pdf(facts, map_png=picture(), alt=ALT)
    monkeypatch.setattr(annexe_pdf, "_overflows", lambda *_args, **_options: False)
    assert render_pdf(facts, map_png=picture(), alt=ALT) == first


def test_figures_are_those_of_the_workbook(
    facts: AnnexeFacts, study_65: Study, measures_65: Measures, diagnosis_65: Diagnosis, tmp_path: Path
) -> None:
    measures = dataclasses.replace(measures_65, diagnosis=diagnosis_65)
    wanted = {"couverture", "synthese", "presence", "choix", "deciles", "sensibilite"}
    published = [*build_tables(study_65, measures), *diagnosis_tables(study_65, measures)]
    write_tables([table for table in published if table.name in wanted], tmp_path, edition=study_65.scheme.edition)
    book = openpyxl.load_workbook(tmp_path / "sdaasp.xlsx")
    shown = shown_by_each(facts)

    def sheet(name: str) -> pd.DataFrame:
        lines = list(book[name].iter_rows(values_only=True))
        table = pd.DataFrame(lines[1:], columns=[str(label) for label in lines[0]])
        own = table[table[_label(name, "territory")] == ADOUR_MADIRAN]
        return own[own[_label(name, "part")] == "entier"]

    checked = 0
    for name, column, key, write in _FIGURES:
        for row in sheet(name).to_dict("records"):
            known = key(lambda field, row=row, name=name: row[_heading(row, name, field)])
            if known not in facts.figures:
                continue
            value = row[_heading(row, name, column)]
            assert value == pytest.approx(facts.figures[known]), (name, column)
            written = squeezed(write(value))
            assert all(written in text for text in shown.values()), (name, column, written)
            checked += 1
    assert checked >= 30


def _label(table: str, column: str) -> str:
    return describe_column(table, column)["label"]


def _heading(row: dict[str, object], table: str, column: str) -> str:
    """Return the heading of a column in the workbook: its label, perhaps with a unit."""
    label = _label(table, column)
    return next(each for each in row if each == label or each.startswith(f"{label} ("))


def _minutes(value: float) -> str:
    return number(value, digits=1)


_DECILES = ("d1_min", "d5_min", "d9_min")
_FIGURES = (
    ("synthese", "mean_min", lambda of: f"{of('service')}.entier.mean_min", _minutes),
    ("synthese", "median_min", lambda of: f"{of('service')}.entier.median_min", _minutes),
    ("synthese", "p90_min", lambda of: f"{of('service')}.entier.p90_min", _minutes),
    ("synthese", "max_min", lambda of: f"{of('service')}.entier.max_min", _minutes),
    ("couverture", "population_within", lambda of: f"{of('rule')}.entier.population_within", number),
    ("couverture", "share_within", lambda of: f"{of('rule')}.entier.share_within", percent),
    ("couverture", "population_to_check", lambda of: f"{of('rule')}.entier.population_to_check", number),
    ("presence", "mean_hours", lambda of: f"{of('service')}.{of('limit_min'):g}.entier.mean_hours", _minutes),
    ("presence", "share_saturday", lambda of: f"{of('service')}.{of('limit_min'):g}.entier.share_saturday", percent),
    (
        *("choix", "share"),
        *(lambda of: f"{of('service')}.{of('limit_min'):g}.entier.choice_{of('at_least')}.share", percent),
    ),
    *(("deciles", each, lambda of, each=each: f"{of('service')}.entier.{each}", _minutes) for each in _DECILES),
    (
        *("sensibilite", "population_beyond"),
        *(lambda of: f"{of('service')}.beyond_{of('threshold_min'):g}.entier.population_beyond", number),
    ),
)
"""Table, column of the workbook, key of the same figure in the annex, and how the annex writes it."""


def test_a_validator_finds_no_fault_of_pdf_ua(facts: AnnexeFacts) -> None:
    validator = pytest.importorskip("page", reason="page-validation is not installed: PDF/UA-1 was not validated")
    content = render_pdf(facts, map_png=picture(), alt=ALT)
    report = validator.validate_pdf_bytes(content, profile="ua1")
    assert [(fault.rule_id, fault.message) for fault in report.failures] == []
    assert report.is_compliant
    assert report.rules.total > 100
    mute = PdfWriter(clone_from=io.BytesIO(content))
    del mute.root_object["/Lang"]
    spoilt = io.BytesIO()
    mute.write(spoilt)
    assert not validator.validate_pdf_bytes(spoilt.getvalue(), profile="ua1").is_compliant
