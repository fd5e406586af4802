"""The annex of each convention: the same facts in HTML and in DOCX, from the measures, whatever the names."""

from __future__ import annotations

import dataclasses
import datetime as dt
import io
import re
import shutil
import subprocess
import zipfile
from functools import cache
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest
from annexe_formats import ALT, docx_lines, docx_of, picture
from docx import Document
from docx.document import Document as DocumentType
from docx.oxml.ns import qn
from lxml import etree
from lxml import html as lxml_html  # type: ignore[import-untyped]

from sdaasp_geo import pipeline
from sdaasp_geo.errors import NameNotResolvedError
from sdaasp_geo.french import NBSP, number, percent
from sdaasp_geo.outputs.annexe import annexe_facts
from sdaasp_geo.outputs.annexe_docx import render_docx
from sdaasp_geo.outputs.annexe_hours import french_hours, opens_on_saturday, parse_hours, weekly_hours
from sdaasp_geo.outputs.annexe_html import render_html
from sdaasp_geo.outputs.annexe_identity import town_halls
from sdaasp_geo.outputs.annexe_model import AnnexeFacts, clean, segments, texts_of
from sdaasp_geo.scheme import read_scheme
from sdaasp_geo.sources import france
from sdaasp_geo.study import Measures, Study

ADOUR_MADIRAN, GAVES, VERDON = "200072106", "200070811", "200068625"
SCHEMES = ("hautes-pyrenees", "alpes-de-haute-provence")
HOSTILE = 'CC Adour & Madiran <b>"x"</b> {{ 7*7 }} {% set a = 1 %}'


@cache
def measured(scheme: str) -> tuple[Study, Measures]:
    study = pipeline.prepare(read_scheme(scheme))
    measures = pipeline.measure(study)
    return study, dataclasses.replace(measures, diagnosis=pipeline.diagnose(study, measures))


@cache
def census() -> pd.DataFrame:
    return france.read_census()


def facts_of(scheme: str, siren: str) -> AnnexeFacts:
    study, measures = measured(scheme)
    return annexe_facts(study, measures, siren=siren, census=census())


def signatories(scheme: str) -> list[str]:
    epci = measured(scheme)[0].epci
    return [str(siren) for siren in epci.loc[epci["role"] == "signataire", "siren"]]


def html_of(facts: AnnexeFacts) -> str:
    return render_html(facts, map_png=picture(), alt=ALT)


def html_tables(page: str) -> list[list[list[str]]]:
    tree = lxml_html.fromstring(page)
    return [
        [[cell.text_content() for cell in row.xpath("./th|./td")] for row in table.xpath(".//tr")]
        for table in tree.xpath("//table")
    ]


def docx_tables(document: DocumentType) -> list[list[list[str]]]:
    """Return the cells of every table, the content controls included."""
    return [
        [["".join(node.text or "" for node in cell._tc.iter(qn("w:t"))) for cell in row.cells] for row in table.rows]  # noqa: SLF001 - controls are not in the API
        for table in document.tables
    ]


def docx_text(document: DocumentType) -> str:
    return "\n".join(
        "".join(node.text or "" for node in p.iter(qn("w:t"))) for p in document.element.body.iter(qn("w:p"))
    )


@pytest.mark.parametrize("siren", [ADOUR_MADIRAN, GAVES])
def test_html_and_docx_hold_the_same_tables_and_texts(siren: str) -> None:
    facts = facts_of("hautes-pyrenees", siren)
    page, document = html_of(facts), docx_of(facts)
    expected = [[list(table.header), *map(list, table.rows)] for table in facts.tables.values() if table.rows]
    assert html_tables(page) == expected
    captioned = [table for table in docx_tables(document) if table[0] in [rows[0] for rows in expected]]
    assert captioned == expected
    shown, written = lxml_html.fromstring(page).text_content(), docx_text(document)
    for texts in facts.texts.values():
        for text in texts:
            assert text in shown
            assert text in written
    for table in facts.tables.values():
        said = f"Tableau {table.number} – {table.title}" if table.rows else table.empty
        assert said in shown
        assert said in written


def test_figures_are_those_of_the_measures() -> None:
    facts = facts_of("hautes-pyrenees", ADOUR_MADIRAN)
    _, measures = measured("hautes-pyrenees")
    summary = measures.summary[(measures.summary["level"] == "epci") & (measures.summary["territory"] == ADOUR_MADIRAN)]
    services = summary[summary["service"] == "france-services"].set_index("part")
    rows = {row[0]: row[1:] for row in facts.tables["temps"].rows}
    for part, label in (("entier", "EPCI entier"), ("dans le département", "Dans le département")):
        times = [
            number(services.loc[part, name], digits=1) for name in ("mean_min", "median_min", "p90_min", "max_min")
        ]
        share = percent(services.loc[part, "nearest_elsewhere_share"])
        assert list(rows[f"France services\u00a0– {label}"][:5]) == [*times, share]
        assert facts.figures[f"france-services.{part}.mean_min"] == services.loc[part, "mean_min"]
    cover = measures.coverage[
        (measures.coverage["territory"] == ADOUR_MADIRAN) & (measures.coverage["part"] == "entier")
    ]
    within = cover.set_index("rule")["population_within"]
    thresholds = {row[0]: row[1] for row in facts.tables["seuils"].rows}
    assert thresholds["France services, 20\u00a0min au plus\u00a0– EPCI entier"] == number(within["france-services-20"])


def test_a_straddling_epci_adds_up() -> None:
    figures = facts_of("hautes-pyrenees", ADOUR_MADIRAN).figures
    assert (figures["communes"], figures["communes_inside"], figures["communes_outside"]) == (72, 61, 11)
    assert figures["population"] == figures["population_inside"] + figures["population_outside"]
    parts = [
        figures[f"france-services-20.{part}.population_within"]
        for part in ("dans le département", "hors du département")
    ]
    assert figures["france-services-20.entier.population_within"] == sum(parts)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_signatory_renders(scheme: str) -> None:
    sirens = signatories(scheme)
    assert len(sirens) == {"hautes-pyrenees": 9, "alpes-de-haute-provence": 8}[scheme]
    for siren in sirens:
        facts = facts_of(scheme, siren)
        page, document = html_of(facts), docx_of(facts)
        assert facts.epci in lxml_html.fromstring(page).text_content()
        text = docx_text(document)
        assert facts.epci in text
        for wrong in ("nan", "None", "{{", "{%", "inf "):
            assert not re.search(rf"(?<![\wéè]){re.escape(wrong)}(?![\wéè])", text), (siren, wrong)
        assert len(facts.tables["communes"].rows) == facts.figures["communes"]


def test_unknown_epci_is_refused_with_the_known_ones() -> None:
    with pytest.raises(NameNotResolvedError, match="CC Adour Madiran"):
        facts_of("hautes-pyrenees", "999999999")


def hostile_facts() -> AnnexeFacts:
    study, measures = measured("hautes-pyrenees")
    epci, communes, points = study.epci.copy(), study.communes.copy(), study.points.copy()
    epci.loc[epci["siren"] == ADOUR_MADIRAN, "name"] = HOSTILE
    own = communes.index[communes["epci"] == ADOUR_MADIRAN]
    names = [
        "{{ 7*7 }}",
        "{% for x in y %}",
        "a\x0b\x00b\u2028c",
        "]]><script>alert(1)</script>",
        "=1+1",
        "[à compléter",
        "${x}",
    ]
    communes.loc[own[: len(names)], "name"] = names
    points.loc[points["epci"] == ADOUR_MADIRAN, "nom"] = (
        "<img src=x onerror=alert(1)> & {{ cycler.__init__.__globals__ }}"
    )
    changed = dataclasses.replace(study, epci=epci, communes=communes, points=points)
    return annexe_facts(changed, measures, siren=ADOUR_MADIRAN, census=census())


def test_hostile_names_stay_literal() -> None:
    facts = hostile_facts()
    page, document = html_of(facts), docx_of(facts)
    shown, written = lxml_html.fromstring(page).text_content(), docx_text(document)
    place = "<img src=x onerror=alert(1)> & {{ cycler.__init__.__globals__ }}"
    for text in (HOSTILE, "{{ 7*7 }}", "{% for x in y %}", "a b c", "]]><script>alert(1)</script>", place):
        assert text in shown, text
        assert text in written, text
    assert "<script" not in page
    assert "<img src=x" not in page
    assert [row[0] for row in facts.tables["communes"].rows if row[0].startswith("49")] == []
    assert document.core_properties.title.endswith(HOSTILE)
    assert lxml_html.fromstring(page).xpath("//img/@alt") == [ALT]


def test_a_hostile_template_is_sandboxed(tmp_path: Path) -> None:
    template = tmp_path / "modele.docx"
    document = Document()
    document.add_paragraph("{{ facts.__class__.__mro__[1].__subclasses__() }}")
    document.save(str(template))
    with pytest.raises(Exception, match="unsafe"):
        render_docx(facts_of("hautes-pyrenees", GAVES), map_png=picture(), alt=ALT, template=template)


def test_a_template_of_the_departement_is_used(tmp_path: Path) -> None:
    template = tmp_path / "modele.docx"
    document = Document()
    document.add_paragraph("Chez nous : {{ facts.subtitle }}")
    document.save(str(template))
    content = render_docx(facts_of("hautes-pyrenees", GAVES), map_png=picture(), alt=ALT, template=template)
    assert "Chez nous : Communauté de communes Pyrénées Vallées des Gaves" in docx_text(Document(io.BytesIO(content)))


def test_two_renders_have_the_same_bytes() -> None:
    first, second = (facts_of("hautes-pyrenees", GAVES) for _ in range(2))
    assert first == second
    assert html_of(first) == html_of(second)
    contents = [render_docx(facts, map_png=picture(), alt=ALT) for facts in (first, second)]
    assert contents[0] == contents[1]
    with zipfile.ZipFile(io.BytesIO(contents[0])) as archive:
        assert {entry.date_time[:3] for entry in archive.infolist()} == {(2026, 11, 22)}


def test_the_document_is_a_real_word_document() -> None:
    document = docx_of(facts_of("hautes-pyrenees", GAVES))
    styles = {paragraph.style.name for paragraph in document.paragraphs if paragraph.style}
    assert {"Title", "Subtitle", "Heading 1", "Heading 2", "Heading 3", "Caption", "Encadré"} <= styles
    captioned = [table for table in document.tables if len(table.rows) > 1 and table.rows[0].cells[0].text != "EPCI"]
    assert len(captioned) >= 12
    for table in captioned:
        assert table.rows[0]._tr.xpath("./w:trPr/w:tblHeader")  # noqa: SLF001 - not in the API
        assert all(row._tr.xpath("./w:trPr/w:cantSplit") for row in table.rows)  # noqa: SLF001 - idem
        assert table.style
        assert table.style.name == "Tableau annexe"
    section = document.sections[0]
    assert section.page_width
    assert section.page_height
    assert (round(section.page_width.mm), round(section.page_height.mm)) == (210, 297)
    fields = [node.text.strip() for node in section.footer._element.iter(qn("w:instrText"))]  # noqa: SLF001 - idem
    assert fields == ["PAGE", "NUMPAGES"]
    assert document.styles.element.find(f".//{qn('w:docDefaults')}//{qn('w:lang')}").get(qn("w:val")) == "fr-FR"
    pictures = list(document.element.body.iter(qn("wp:docPr")))
    assert [(picture.get("id"), picture.get("descr")) for picture in pictures] == [("1", ALT)]
    assert document.core_properties.modified.date() == dt.date(2026, 11, 22)


def test_the_page_asks_nothing_of_the_network_and_is_structured() -> None:
    page = html_of(facts_of("hautes-pyrenees", GAVES))
    tree = lxml_html.fromstring(page)
    assert tree.get("lang") == "fr"
    assert tree.xpath("//meta[@http-equiv='Content-Security-Policy']/@content") == [
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
    ]
    assert all(source.startswith("data:") for source in tree.xpath("//@src"))
    assert not tree.xpath("//script|//link")
    assert {address.removeprefix("#") for address in tree.xpath("//@href")} == set(tree.xpath("//section//h2/@id"))
    assert all(table.xpath("./caption") and table.xpath(".//th[@scope='col']") for table in tree.xpath("//table"))
    levels = [int(node.tag[1]) for node in tree.xpath("//h1|//h2|//h3|//h4")]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_deficits_and_their_absence_are_said() -> None:
    verdon, gaves = facts_of("alpes-de-haute-provence", VERDON), facts_of("hautes-pyrenees", GAVES)
    study, measures = measured("alpes-de-haute-provence")
    members = set(study.communes.loc[study.communes["epci"] == VERDON, "code"])
    access = measures.access[measures.access["code"].isin(members) & (measures.access["service"] == "france-services")]
    flagged = access[(access["class"] != "desservie") | access["to_check"]]
    assert len(verdon.tables["deficits"].rows) == len(flagged)
    assert "Aucune zone déficitaire ne touche l'EPCI." in (gaves.tables["zones"].empty, html_of(gaves))


def test_blanks_are_left_to_those_who_decide() -> None:
    facts = facts_of("hautes-pyrenees", GAVES)
    page = lxml_html.fromstring(html_of(facts))
    marks = [mark.text for mark in page.xpath("//mark")]
    assert marks.count("[à\u00a0compléter\u00a0: pilote]") == len(facts.tables["actions"].rows)
    assert all(len(segments(row[2])) == 1 and segments(row[2])[0].blank for row in facts.tables["orientations"].rows)
    assert facts.texts["titre_2_3"][0].endswith("2018\u00a0–\u00a02020")


def test_partial_presence_is_apart_and_never_permanent() -> None:
    facts = facts_of("hautes-pyrenees", GAVES)
    assert len(facts.tables["services"].rows) == 2
    assert len(facts.tables["partiel"].rows) == 4
    assert {row[3] for row in facts.tables["partiel"].rows} == {"multisite"}
    assert [row[4] for row in facts.tables["partiel"].rows].count("horaires non publiés") == 1


@pytest.mark.parametrize(
    ("hours", "published", "expected"),
    [
        ("Mo-Fr 09:00-12:00,14:00-17:30", "", "lundi à vendredi : 9 h à 12 h, 14 h à 17 h 30"),
        ("Tu 09:00-12:00; Th 09:00-12:00", "", "mardi et jeudi : 9 h à 12 h"),
        (
            "Mo 08:00-12:00; Tu-We 08:00-12:00; Sa 09:00-11:00",
            "",
            "lundi à mercredi : 8 h à 12 h ; samedi : 9 h à 11 h",
        ),
        ("", "lundi ou mardi", "horaires publiés : « lundi ou mardi »"),
        ("24/7", "", "horaires publiés : « 24/7 »"),
        ("", "", "horaires non publiés"),
    ],
)
def test_hours_are_readable(hours: str, published: str, expected: str) -> None:
    assert re.sub("[\u00a0\u202f]", " ", french_hours(hours, published)) == expected


def test_hours_are_counted() -> None:
    assert weekly_hours("Mo-Fr 09:00-12:00,14:00-17:00; Sa 09:00-12:00") == pytest.approx(33)
    assert opens_on_saturday("Mo-Fr 09:00-12:00; Sa 09:00-12:00")
    assert not opens_on_saturday("Mo-Fr 09:00-12:00")
    assert parse_hours("Fr-Mo 10:00-11:00") == dict.fromkeys((0, 4, 5, 6), ((600, 660),))
    assert parse_hours("Mo-Fr-Sa 09:00-12:00") is None


def test_texts_are_cleaned() -> None:
    assert clean("a\x00\x1f\r\nb\ud800c\ufffe") == "a b c "


def test_the_table_of_contents_has_its_entries_before_any_update() -> None:
    facts = facts_of("hautes-pyrenees", GAVES)
    document = docx_of(facts)
    entries = [p for p in document.paragraphs if p.style and p.style.name.startswith("toc ")]
    marks = {node.get(qn("w:name")) for node in document.element.body.iter(qn("w:bookmarkStart"))}
    headings = [p for p in document.paragraphs if p.style and p.style.name in ("Heading 1", "Heading 2")]
    *entries, hint = entries
    assert [p.text for p in entries] == [p.text for p in headings]
    assert hint.text.startswith(f"Pour afficher les pages{NBSP}: clic droit")
    links = [link for p in entries for link in p._p.iter(qn("w:hyperlink"))]  # noqa: SLF001 - not in the API
    assert len(links) == len(entries)
    assert {link.get(qn("w:anchor")) for link in links} == marks
    instructions = [node.text.strip() for node in document.element.body.iter(qn("w:instrText"))]
    assert instructions[0] == 'TOC \\o "1-2" \\h \\z \\u'
    marks = [node.get(qn("w:fldCharType")) for node in document.element.body.iter(qn("w:fldChar"))]
    assert marks[:3] == ["begin", "separate", "end"]
    assert hint._p.find(f".//{qn('w:fldChar')}") is not None  # noqa: SLF001 - the field ends with its last line
    assert document.element.body.find(f".//*[@{qn('w:dirty')}]") is None
    assert document.settings.element.find(qn("w:updateFields")) is None


def test_short_tables_stay_on_one_page() -> None:
    tables = docx_of(facts_of("hautes-pyrenees", GAVES)).tables
    kept = [[_kept(row) for row in table._tbl.findall(qn("w:tr"))] for table in tables]  # noqa: SLF001 - not in the API
    assert all(all(rows[:-1]) and not rows[-1] for rows in kept if 1 < len(rows) <= 10)
    assert any(len(rows) > 10 and not all(rows[:-1]) for rows in kept)


def _kept(row: etree._Element) -> bool:
    paragraphs = list(row.iter(qn("w:p")))
    return all(one.find(f"{qn('w:pPr')}/{qn('w:keepNext')}") is not None for one in paragraphs)


def test_blanks_are_content_controls_that_say_what_is_asked() -> None:
    facts = facts_of("hautes-pyrenees", GAVES)
    controls = list(docx_of(facts).element.body.iter(qn("w:sdt")))
    expected = [piece.text for text in texts_of(facts) for piece in segments(text) if piece.blank]
    written = ["".join(node.text for node in control.iter(qn("w:t"))) for control in controls]
    assert sorted(written) == sorted(expected)
    assert all(control.find(f".//{qn('w:rStyle')}") is not None for control in controls)
    asked = {control.find(f".//{qn('w:alias')}").get(qn("w:val")) for control in controls}
    assert {"pilote", "date de signature", "lieu de signature"} <= asked


def converted(source: Path, kind: str, folder: Path) -> Path:
    """Open a document with LibreOffice and save it."""
    profile = f"-env:UserInstallation=file://{folder.parent}/profile"
    command = ["soffice", profile, "--headless", "--convert-to", kind, "--outdir", str(folder), str(source)]
    subprocess.run(command, check=True, capture_output=True, timeout=180)  # noqa: S603 - fixed command
    return folder / f"{source.stem}.{kind.split(':', maxsplit=1)[0]}"


@pytest.mark.skipif(
    shutil.which("soffice") is None, reason="LibreOffice (soffice) is not installed: the DOCX was not opened"
)
def test_libreoffice_opens_and_saves_the_document_without_loss(tmp_path: Path) -> None:
    source = tmp_path / "annexe.docx"
    source.write_bytes(render_docx(hostile_facts(), map_png=picture(), alt=ALT))
    before = Document(str(source))
    text = converted(source, "odt", tmp_path / "odt")
    for saved in (
        converted(source, "docx:MS Word 2007 XML", tmp_path / "docx"),
        converted(text, "docx:MS Word 2007 XML", tmp_path / "again"),
    ):
        after = Document(str(saved))
        assert docx_lines(after) == docx_lines(before)
        assert docx_tables(after) == docx_tables(before)
        for tag in ("w:tblHeader", "w:cantSplit", "w:bookmarkStart"):
            assert marks(after, tag) == marks(before, tag), tag
        assert marks(after, "w:sdt") == marks(before, "w:sdt") + 1, "the blanks, and the table of contents"
        assert [picture_.get("descr") for picture_ in after.element.body.iter(qn("wp:docPr"))] == [ALT]
        highlighted = [run for run in after.element.body.iter(qn("w:rStyle")) if "ompl" in run.get(qn("w:val"))]
        assert len(highlighted) >= marks(before, "w:sdt")
    with zipfile.ZipFile(text) as archive:
        content = archive.read("content.xml").decode()
    assert content.count("<loext:content-control ") + content.count("<loext:content-control>") == marks(before, "w:sdt")


def marks(document: DocumentType, tag: str) -> int:
    """Count the elements of one kind in the body of a document."""
    return len(list(document.element.body.iter(qn(tag))))


def test_the_mairie_of_a_commune_is_its_own_before_that_of_a_former_commune() -> None:
    points = pd.DataFrame(
        {
            "id": ["mairie-01039", "mairie-01138", "mairie-02077", "fs-1"],
            "service": ["mairie", "mairie", "mairie", "france-services"],
            "code_commune": ["01138", "01138", "02564", "02564"],
        }
    )
    assert town_halls(points)["id"].to_dict() == {"01138": "mairie-01138", "02564": "mairie-02077"}


def test_places_too_far_to_matter_are_not_told_in_the_annex_of_an_epci() -> None:
    assert any("hors du calcul" in text for text in measured(SCHEMES[0])[0].warnings)
    assert not any("hors du calcul" in text for text in texts_of(facts_of(SCHEMES[0], ADOUR_MADIRAN)))
