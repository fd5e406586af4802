"""The yearly report in its formats: the same facts, every action once, hostile texts inert, one page per PETR."""

from __future__ import annotations

import dataclasses
import io
from collections import Counter

import docx
import openpyxl
import pandas as pd
import pytest
from lxml import html as lxml_html  # type: ignore[import-untyped]

from sdaasp_geo import read_scheme
from sdaasp_geo.analysis import yearly
from sdaasp_geo.french import NARROW_NBSP, NBSP
from sdaasp_geo.outputs.annexe_model import segments
from sdaasp_geo.outputs.yearly_docx import render_docx
from sdaasp_geo.outputs.yearly_html import render_day, render_report
from sdaasp_geo.outputs.yearly_model import TEXT, Document, Shown, Year, shown
from sdaasp_geo.outputs.yearly_petr import day_document, places_of
from sdaasp_geo.outputs.yearly_report import report_document
from sdaasp_geo.outputs.yearly_workbook import render_workbook
from sdaasp_geo.pipeline import measure, prepare
from sdaasp_geo.pipeline.yearly import facts_of_year, programme_of
from sdaasp_geo.study import Measures, Study

HOSTILE = '=1+1<script>alert(1)</script> & {{ 7*7 }} "x"\x07\nfin'
SHOWN_HOSTILE = '=1+1<script>alert(1)</script> & {{ 7*7 }} "x" fin'


def year_of(study: Study, measures: Measures, year: int = 2019) -> Year:
    return facts_of_year(study, measures, programme_of(study), year=year)


@pytest.fixture(scope="module")
def fictional() -> Year:
    """Year 2019 of the fictional scheme."""
    study = prepare(read_scheme("exemple-fictif"))
    return year_of(study, measure(study))


@pytest.fixture(scope="module")
def document(fictional: Year) -> Document:
    """Return what the report of 2019 says."""
    return report_document(fictional)


@pytest.fixture(scope="module")
def real_65(study_65: Study, measures_65: Measures) -> Year:
    """Year 2019 of the Hautes-Pyrénées, which tell a single action."""
    return year_of(study_65, measures_65)


@pytest.fixture(scope="module")
def hostile(fictional: Year) -> Year:
    """Return the fictional year with a hostile title, lead and reason."""
    changed = fictional.actions.assign(titre=HOSTILE, porteurs=HOSTILE, blocage=HOSTILE)
    return dataclasses.replace(fictional, actions=changed)


def tables_of(document: Document) -> dict[str, Shown]:
    """Return the tables of a document that have rows."""
    return {table.key: table for part in document.parts for table in part.tables if table.rows}


def texts_of(table: Shown) -> list[list[str]]:
    """Return the cells of a table, header included, as every format shows them."""
    rows = [[shown(cell, column.kind) for cell, column in zip(row, table.header, strict=True)] for row in table.rows]
    return [[column.label for column in table.header], *rows]


def html_tables(page: str) -> dict[str, list[list[str]]]:
    tree = lxml_html.fromstring(page)
    return {
        table.get("id").removeprefix("tableau-"): [
            [cell.text_content() for cell in row.xpath("th|td")] for row in table.iter("tr")
        ]
        for table in tree.iter("table")
    }


def test_every_action_is_in_one_row_of_one_table(fictional: Year, document: Document) -> None:
    own = [table for key, table in tables_of(document).items() if key.startswith("actions-")]
    codes = Counter(str(row[0]).split(".")[0] for table in own for row in table.rows)
    assert codes == Counter(fictional.actions["code"])
    whole = tables_of(document)["situations"].rows
    assert sum(int(str(row[2])) for row in whole[:-1]) == whole[-1][2] == len(fictional.actions) == 33


def test_every_action_is_proposed_once_or_needs_no_follow_up(fictional: Year, document: Document) -> None:
    own = [table for key, table in tables_of(document).items() if key.startswith("proposition-")]
    proposed = Counter(str(row[0]).split(".")[0] for table in own for row in table.rows)
    closed = fictional.actions.loc[fictional.actions["proposal"] == yearly.NOTHING, "code"]
    assert proposed + Counter(closed) == Counter(fictional.actions["code"])
    part = next(part for part in document.parts if part.key == "programme")
    assert all(code in part.texts[0] for code in closed)


def test_totals_are_the_sum_of_their_rows(document: Document) -> None:
    for key in ("orientations", "budget", "situations"):
        *rows, total = tables_of(document)[key].rows
        for rank, value in enumerate(total):
            if isinstance(value, int | float):
                numbers = [row[rank] for row in rows if isinstance(row[rank], int | float)]
                assert sum(float(number or 0) for number in numbers) == pytest.approx(value)


def test_html_and_docx_say_the_same(document: Document) -> None:
    page = render_report(document)
    word = docx.Document(io.BytesIO(render_docx(document)))
    expected = {key: texts_of(table) for key, table in tables_of(document).items()}
    assert html_tables(page) == expected
    written = [[[cell.text for cell in row.cells] for row in table.rows] for table in word.tables]
    assert written == list(expected.values())
    paragraphs = [paragraph.text for paragraph in word.paragraphs]
    content = lxml_html.fromstring(page).text_content()
    for text in (
        *(text for part in document.parts for text in (part.title, *part.texts, *part.items)),
        *(f"{figure.value} {figure.label}" for figure in document.figures),
        *document.notes,
        document.sources,
    ):
        assert text in content
        assert any(text in paragraph for paragraph in paragraphs), text


def test_the_workbook_holds_the_numbers_as_numbers(document: Document) -> None:
    book = openpyxl.load_workbook(io.BytesIO(render_workbook(document)))
    tables = tables_of(document)
    assert book.sheetnames == ["Lire", *tables]
    for key, table in tables.items():
        rows = list(book[key].iter_rows(values_only=True))
        assert rows[0] == tuple(column.label for column in table.header)
        for written, row in zip(rows[1:], table.rows, strict=True):
            assert [cell if isinstance(cell, str | None) else pytest.approx(cell) for cell in row] == list(written)
        assert book[key].freeze_panes == "B2"


def test_the_same_facts_give_the_same_bytes(document: Document) -> None:
    assert render_docx(document) == render_docx(document)
    assert render_workbook(document) == render_workbook(document)


def test_hostile_texts_are_inert(hostile: Year) -> None:
    document = report_document(hostile)
    days = [render_day(day_document(hostile, place)) for place in places_of(hostile)]
    for page in (render_report(document), *days):
        assert not list(lxml_html.fromstring(page).iter("script"))
    assert any(SHOWN_HOSTILE in lxml_html.fromstring(page).text_content() for page in days)
    book = openpyxl.load_workbook(io.BytesIO(render_workbook(document)))
    cells = [cell for tab in book for row in tab.iter_rows() for cell in row]
    assert all(cell.data_type in "sn" for cell in cells)
    assert any(cell.value == SHOWN_HOSTILE for cell in cells)
    word = docx.Document(io.BytesIO(render_docx(document)))
    assert any(SHOWN_HOSTILE in cell.text for cell in word.tables[2].columns[0].cells)


def test_pages_load_nothing_and_have_captions(fictional: Year, document: Document) -> None:
    pages = [render_report(document), *(render_day(day_document(fictional, place)) for place in places_of(fictional))]
    for page in pages:
        tree = lxml_html.fromstring(page)
        assert not tree.xpath("//script|//link|//img|//iframe|//*[@src]|//a[starts-with(@href, 'http')]")
        assert "default-src 'none'" in tree.xpath("//meta[@http-equiv]/@content")[0]
        assert not [name for element in tree.iter() for name in element.attrib if name.startswith("on")]
        assert all(table.find("caption") is not None for table in tree.iter("table"))
        assert all(cell.get("scope") for cell in tree.iter("th"))
        ids = tree.xpath("//@id")
        assert len(ids) == len(set(ids))
        assert all(cut[1:] in ids for cut in tree.xpath("//a[starts-with(@href, '#')]/@href"))


def test_the_label_of_a_fictional_scheme_is_everywhere(fictional: Year, real_65: Year) -> None:
    for year, label in ((fictional, "Exemple fictif"), (real_65, "")):
        documents = [report_document(year), *(day_document(year, place) for place in places_of(year))]
        assert {document.label for document in documents} == {label}
    page = lxml_html.fromstring(render_report(report_document(fictional)))
    assert page.xpath("//p[@class='label']")[0].text_content() == "Exemple fictif"
    assert not lxml_html.fromstring(render_report(report_document(real_65))).xpath("//p[@class='label']")


def test_what_the_real_scheme_does_not_tell_stays_blank(real_65: Year) -> None:
    document = report_document(real_65)
    tables = tables_of(document)
    assert [row[:3] for row in tables["actions-a-preciser"].rows] == [
        ("29. Journée annuelle des services au public dans chaque PETR", "Chaque PETR", yearly.UNSAID)
    ]
    assert document.figures[0].value == "0"
    assert "budget" not in tables
    held = {str(row[0]): row[1:3] for row in tables["reunions"].rows}
    assert held["Conférence départementale des services au public"] == (None, 1.0)
    assert held["Journées des services au public dans les territoires"] == (None, 5.0)
    assert all(cell is None for row in tables["gouvernance"].rows for cell in row[1:])
    decision = tables["proposition-completer"].rows[0][-1]
    assert [piece.blank for piece in segments(str(decision))] == [True]


def test_an_obstacle_that_nobody_wrote_is_a_blank(document: Document) -> None:
    rows = {str(row[0])[:3]: row[-1] for row in tables_of(document)["actions-en-difficulte"].rows}
    assert rows["F04"] == "Attente d'un accord de financement."
    assert rows["F09"] == f"[à{NBSP}compléter{NBSP}: raison]"


def test_the_pages_hold_every_commune_and_every_epci(fictional: Year) -> None:
    places = places_of(fictional)
    inside = set(fictional.study.communes.loc[fictional.study.communes["inside"], "code"])
    assert inside <= frozenset().union(*(place.communes for place in places))
    assert places[-1].communes.isdisjoint(frozenset().union(*(place.communes for place in places[:-1])))
    assert len(places) == len(fictional.study.petr) + 1
    said = " ".join(item for place in places for item in day_document(fictional, place).parts[0].items)
    concerned = set(fictional.study.communes.loc[fictional.study.communes["inside"], "epci"].dropna())
    names = fictional.study.epci.loc[fictional.study.epci["siren"].isin(concerned), "name"]
    assert all(name in said for name in names)


def test_the_page_of_a_petr_lists_the_actions_that_reach_it(fictional: Year) -> None:
    place = next(place for place in places_of(fictional) if place.code == "nestes")
    document = day_document(fictional, place)
    rows = tables_of(document)["actions"].rows
    codes = {str(row[0]).split(".")[0] for row in rows}
    epci = set(fictional.study.communes.loc[fictional.study.communes["code"].isin(place.communes), "epci"].dropna())
    reach = fictional.programme.reach
    reaching = set(reach.loc[reach["siren"].isin(epci), "code"])
    over = (yearly.DONE_BEFORE, yearly.DROPPED, yearly.MERGED)
    closed = set(fictional.actions.loc[fictional.actions["situation"].isin(over), "code"])
    assert codes == reaching - closed
    assert all(code in tables_of(document)["actions"].note for code in reaching & closed)
    questions = document.parts[-1]
    assert questions.texts[0].startswith(f"Journée de 2019{NBSP}: avril 2019.")


def test_access_figures_of_a_petr_are_the_measured_ones(fictional: Year) -> None:
    coverage, summary = fictional.measures.coverage, fictional.measures.summary
    for place in places_of(fictional):
        rows = tables_of(day_document(fictional, place))["acces"].rows
        own = coverage[(coverage["level"] == "petr") & (coverage["territory"] == place.code)]
        whole = own[own["part"] == "entier"].sort_values("threshold_min")
        shares = [row[2] for row in rows if row[1] == "entier" and row[2] is not None]
        assert shares == whole["share_within"].tolist()
        times = summary[(summary["level"] == "petr") & (summary["territory"] == place.code)]
        means = [row[5] for row in rows if row[1] == "entier" and row[5] is not None]
        assert means == times.loc[times["part"] == "entier", "mean_min"].tolist()


def test_deficits_without_an_action_are_listed(fictional: Year, document: Document) -> None:
    assert fictional.deficits is not None
    rows = tables_of(document)["deficits"].rows
    assert [row[0] for row in rows] == fictional.deficits["territory_name"].tolist()
    assert sum(int(str(row[4])) for row in rows) == fictional.deficits["population"].sum()


def test_a_plan_without_any_action_says_so(fictional: Year) -> None:
    empty = dataclasses.replace(
        fictional,
        actions=fictional.actions.iloc[:0],
        budget=fictional.budget.iloc[:0],
        leads=fictional.leads.iloc[:0],
        meetings=fictional.meetings.iloc[:0],
        deficits=pd.DataFrame(columns=["territory_name", "theme", "criterion", "state", "population"]),
    )
    content = lxml_html.fromstring(render_report(report_document(empty))).text_content()
    for text in ("Aucune contribution ne manque.", "ne nomme aucune instance", "Aucune action ne dit de montant"):
        assert text in content


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (None, "int", "–"),
        (float("nan"), "eur", "–"),
        ("=1", TEXT, "=1"),
        (1234.5, "eur", f"1{NARROW_NBSP}234,50"),
        (1.0, "share", f"100{NARROW_NBSP}%"),
        (0.997, "share", f"99,7{NARROW_NBSP}%"),
        (-1234.0, "change", f"\N{MINUS SIGN}1{NARROW_NBSP}234"),
        (0.0, "change", "0"),
        (0.004, "change-min", "0,00"),
        (0.25, "change-min", "+0,25"),
        (8.46, "min", "8,5"),
    ],
)
def test_how_cells_are_written(value: str | float | None, kind: str, text: str) -> None:
    assert shown(value, kind) == text
