"""The conventions: what the scheme tells, blanks for the rest, the figures of the annex, whatever the names."""

from __future__ import annotations

import dataclasses
import datetime as dt
import io
import re
import shutil
import subprocess
import zipfile
from functools import cache
from pathlib import Path

import docx
import msgspec
import pandas as pd
import pytest
from docx.document import Document as DocumentType
from docx.oxml.ns import qn

from sdaasp_geo import pipeline
from sdaasp_geo.action_plan import Action, Convention, Event, Governance, Period, Signatory, TerritoryName
from sdaasp_geo.french import NBSP
from sdaasp_geo.layers.periods import read_period
from sdaasp_geo.outputs.annexe import annexe_facts
from sdaasp_geo.outputs.annexe_model import Table, blank
from sdaasp_geo.outputs.convention_commitments import commitments
from sdaasp_geo.outputs.convention_docx import render_convention
from sdaasp_geo.outputs.convention_framework import framework_document
from sdaasp_geo.outputs.convention_model import Document, Grid, Heading, visible_texts
from sdaasp_geo.outputs.convention_plan import plan_rows
from sdaasp_geo.outputs.convention_texts import COUNCIL, OWN, STATE, day_of, decided, parties_of, party_kind
from sdaasp_geo.outputs.conventions import blanks, convention_decisions, convention_documents, write_conventions
from sdaasp_geo.scheme import read_scheme
from sdaasp_geo.sources import france
from sdaasp_geo.study import Measures, Programme, Study

SCHEMES = ("hautes-pyrenees", "alpes-de-haute-provence", "exemple-fictif")
ADOUR_MADIRAN, TARBES, DURANCE = "200072106", "200069300", "200034700"
HOSTILE = '=cmd|"/c calc"!A1 <b>x</b> & {{ 7*7 }} \u202e]]>'
CONTROL = "a\x00\x0b\u2028b"


@cache
def census() -> pd.DataFrame:
    return france.read_census()


@cache
def measured(scheme: str) -> tuple[Study, Measures]:
    study = pipeline.prepare(read_scheme(scheme))
    # the fictional scheme is measured as the real one of its département: same perimeters, services and thresholds
    return study, measured("hautes-pyrenees")[1] if scheme == "exemple-fictif" else pipeline.measure(study)


@cache
def documents(scheme: str) -> list[Document]:
    return convention_documents(*measured(scheme), census=census())


def framework(scheme: str) -> Document:
    return documents(scheme)[0]


def territorial(scheme: str, siren: str) -> Document:
    return next(document for document in documents(scheme) if document.siren == siren)


def opened(document: Document) -> DocumentType:
    return docx.Document(io.BytesIO(render_convention(document)))


def written(document: DocumentType) -> list[str]:
    """Return the texts of the body, paragraph by paragraph, in the order of the page."""
    body = document.element.body
    return ["".join(node.text or "" for node in p.iter(qn("w:t"))) for p in body.iter(qn("w:p"))]


def text_of(document: Document) -> str:
    return "\n".join(visible_texts(document)).replace(NBSP, " ").replace("\u202f", " ")


def tables_of(document: Document) -> dict[str, Table]:
    return {block.table.title: block.table for block in document.blocks if isinstance(block, Grid)}


def headings(document: Document) -> list[str]:
    return [block.text for block in document.blocks if isinstance(block, Heading)]


def with_governance(study: Study, governance: Governance) -> Study:
    assert study.programme is not None
    return dataclasses.replace(study, programme=dataclasses.replace(study.programme, governance=governance))


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_party_that_signs_has_its_convention_and_blanks_are_those_of_the_file(scheme: str) -> None:
    found = documents(scheme)
    assert [document.kind for document in found] == ["cadre"] + ["territoriale"] * (len(found) - 1)
    assert len(found) == {"hautes-pyrenees": 10, "alpes-de-haute-provence": 9, "exemple-fictif": 10}[scheme]
    assert len({document.stem for document in found}) == len(found)
    for document in found:
        body = opened(document)
        lines = written(body)
        asked = re.findall(r"\[à\scompléter\s: ([^\]]*)\]", "\n".join(lines))
        assert tuple(asked) == blanks(document)
        assert asked
        styled = [
            run for run in body.element.body.iter(qn("w:r")) if run.find(f"{qn('w:rPr')}/{qn('w:rStyle')}") is not None
        ]
        assert len(styled) == len(asked)
        for wrong in ("nan", "None", "{{", "{%"):
            assert not re.search(rf"(?<![\wéè]){re.escape(wrong)}(?![\wéè])", "\n".join(lines)), (document.stem, wrong)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_articles_3_1_to_3_3_are_those_of_the_annex(scheme: str) -> None:
    study, measures = measured(scheme)
    for document in documents(scheme)[1:3]:
        facts = annexe_facts(study, measures, siren=document.siren, census=census())
        texts = list(visible_texts(document))
        at = texts.index("3.1. Des réalités spécifiques au territoire")
        realities = facts.texts["article_2_1"]
        assert tuple(texts[at + 1 : at + 1 + len(realities)]) == realities
        own, annexed = tables_of(document), {table.title: table for table in facts.tables.values()}
        shared = set(own) & set(annexed)
        assert shared >= {"Orientations du schéma et constats du territoire", "Propositions d'actions"}
        assert shared >= {"Actions du schéma qui s'appliquent au territoire", "Représentants de l'EPCI"}
        for title in shared:
            assert (own[title].header, own[title].rows) == (annexed[title].header, annexed[title].rows)
        assert facts.texts["titre_2_3"][0] in texts


def test_the_framework_convention_of_65_says_what_the_document_says() -> None:
    document = framework("hautes-pyrenees")
    text = text_of(document)
    assert "annonce 5 orientations, 17 objectifs opérationnels et 33 actions, dont 13 dès 2018." in text
    assert "Décrits à ce jour dans les tables du schéma : 5 orientations, 1 objectif opérationnel et 1 action." in text
    assert len(tables_of(document)["Orientations du schéma"].rows) == 5
    bodies = tables_of(document)["Instances de gouvernance"].rows
    assert [row[0] for row in bodies] == [
        "Conférence départementale des services au public",
        "Journées des services au public dans les territoires",
        "Comité technique",
        "Groupes de travail thématiques",
        "Équipe opérationnelle",
    ]
    assert all("compléter" not in cell for row in bodies for cell in row)
    due = tables_of(document)["Ce qui est dû, et quand"].rows
    assert due[0][1:3] == ("Avant le 30 juin de chaque année", "Préfet et Président du Conseil départemental")
    titles = headings(document)
    assert [title.split(".")[1] for title in titles if title.startswith("2.")] == list("1234567")
    assert "objectif 16" in text
    assert "action 29" in text
    assert "soit 6 ans à compter de l'arrêté préfectoral qui le fixe" in text
    assert "durée à confirmer" not in text
    assert "adopté par l'assemblée départementale le 30 mars 2018" in text
    assert "pris le [à compléter : date de l'arrêté préfectoral]" in text


def test_the_parties_of_65_are_listed_by_category_and_sign() -> None:
    study, _ = measured("hautes-pyrenees")
    assert study.programme is not None
    parties = study.programme.governance.conventions[0].signataires
    assert len(parties) == 34
    document = framework("hautes-pyrenees")
    texts = list(visible_texts(document))
    for party in parties:
        assert texts.count(party.nom) == 2, party.nom
    labels = [title for title in headings(document) if title in texts[: texts.index("Préambule")]]
    assert labels == [
        "Parties",
        "État",
        "Département",
        "Région",
        "Intercommunalités (EPCI)",
        "Pays et pôles d'équilibre territorial et rural (PETR)",
        "Associations d'élus",
        "Organismes prestataires de services",
        "Organismes consulaires",
        "Autres signataires",
    ]
    assert blanks(document).count("nom et qualité du signataire") == 34


def test_the_framework_convention_of_04_exists_with_its_blanks() -> None:
    document = framework("alpes-de-haute-provence")
    asked = set(blanks(document))
    assert {
        "nombre d'objectifs opérationnels",
        "orientations du schéma",
        "engagements à confirmer ou à remplacer",
        "durée à confirmer",
        "opérateurs de services qui signent",
        "date limite de la synthèse annuelle",
        "date de la délibération de l'assemblée départementale",
    } <= asked
    text = text_of(document)
    assert "1-B-2 – Adapter une gouvernance locale" in text
    assert "Communauté de communes Jabron-Lure-Vançon-Durance" in text
    assert "30 juin" not in text
    assert [row[2] for row in tables_of(document)["Ce qui est dû, et quand"].rows[1:]] == ["Chaque EPCI"] * 3


def test_the_territorial_convention_of_04_has_the_duration_to_confirm() -> None:
    document = territorial("alpes-de-haute-provence", DURANCE)
    assert document.title == "Convention SDAASP EPCI / Préfecture / Département"
    text = text_of(document)
    assert "conclue pour 2 ans ([à compléter : durée à confirmer])" in text
    assert "Elle se réunit au moins 2 fois par an." in text
    assert [row[0] for row in tables_of(document)["Actions du schéma qui s'appliquent au territoire"].rows] == ["1-B-2"]
    assert [row[0] for row in tables_of(document)["Parties à la convention"].rows] == [
        "Communauté d'agglomération Durance-Lubéron-Verdon Agglomération",
        "Préfecture (Alpes-de-Haute-Provence)",
        "Département (Alpes-de-Haute-Provence)",
    ]


def test_dates_names_and_amendments_of_the_fictional_scheme_fill_the_blanks() -> None:
    document = territorial("exemple-fictif", TARBES)
    text = text_of(document)
    for told in (
        "signée le 15 juin 2018",
        "Elle prend effet le 2 juillet 2018. Elle s'achève le 1er juillet 2020.",
        "Avenant n° 1 (exemple fictif) : une action ajoutée, le 3 juin 2019",
        "Commission des services",
        ", le 2 juillet 2018, en 3 exemplaires originaux",
    ):
        assert told in text, told
    rows = tables_of(document)["Représentants de l'EPCI"].rows
    assert [row[2] for row in rows] == [
        "Président",
        "Chargé de mission",
        "Vice-président chargé des services",
        "Chargé de mission",
    ]
    assert "exemple fictif" in "".join(p.text for p in opened(document).sections[0].header.paragraphs)
    assert len(tables_of(framework("exemple-fictif"))["Actions décrites dans les tables du schéma"].rows) == 33


def test_the_perimeter_is_listed_with_its_year() -> None:
    document = territorial("hautes-pyrenees", ADOUR_MADIRAN)
    assert len(tables_of(document)["Communes de l'EPCI"].rows) == 72
    text = text_of(document)
    assert "72 communes et 23 955 habitants au 1er janvier 2024" in text
    assert "établie sur le périmètre du 1er janvier 2018" in text
    assert "application de la convention hors du département" in blanks(document)
    assert "application de la convention hors du département" not in blanks(territorial("hautes-pyrenees", TARBES))
    assert "annexe-200072106-cc-adour-madiran.docx" in text


def test_a_scheme_without_programme_has_its_conventions() -> None:
    study, measures = measured("hautes-pyrenees")
    found = convention_documents(dataclasses.replace(study, programme=None), measures, census=census())
    assert len(found) == 10
    assert "instances du schéma" in blanks(found[0])
    assert "Améliorer l'accès aux services" in set(visible_texts(found[0]))
    assert "date de signature de la convention-cadre" in blanks(found[1])
    for document in found:
        assert opened(document).core_properties.language == "fr-FR"


def test_the_file_is_a_real_document_in_french() -> None:
    document = opened(territorial("hautes-pyrenees", ADOUR_MADIRAN))
    styles = {paragraph.style.name for paragraph in document.paragraphs if paragraph.style}
    assert styles >= {"Title", "Subtitle", "Heading 1", "Heading 2", "Caption", "List Bullet", "Normal"}
    assert document.styles.element.find(f".//{qn('w:docDefaults')}//{qn('w:lang')}").get(qn("w:val")) == "fr-FR"
    section = document.sections[0]
    footer = section.footer._element  # noqa: SLF001 - fields are not in the API
    assert [node.get(qn("w:instr")).strip() for node in footer.iter(qn("w:fldSimple"))] == ["PAGE", "NUMPAGES"]
    assert "".join(node.text or "" for node in footer.iter(qn("w:t"))).endswith("Page 1 sur 1")
    running = section.header.paragraphs[0].text.replace(NBSP, " ")
    assert running == (
        "Convention territoriale de mise en œuvre du schéma – CC Adour Madiran\tÉdition du 22 novembre 2026"
    )
    tables = [table for table in document.tables if table.rows[0]._tr.xpath("./w:trPr/w:tblHeader")]  # noqa: SLF001 - idem
    assert len(tables) == 6
    for table in document.tables:
        assert all(row._tr.xpath("./w:trPr/w:cantSplit") for row in table.rows)  # noqa: SLF001 - idem
    numbers = [p.text for p in document.paragraphs if p.style and p.style.name == "Caption"]
    assert len(numbers) == 6
    assert document.core_properties.modified.date() == dt.date(2026, 11, 22)


def test_two_runs_write_the_same_bytes(tmp_path: Path) -> None:
    study, measures = measured("hautes-pyrenees")
    written = convention_documents(study, measures, census=census())
    one, two = (write_conventions(written, tmp_path / name / "conventions") for name in "ab")
    assert [link.docx for link in one] == [link.docx for link in two]
    for link in one:
        assert link.docx.startswith("conventions/convention-")
        contents = [(tmp_path / name / link.docx).read_bytes() for name in "ab"]
        assert contents[0] == contents[1]
        with zipfile.ZipFile(io.BytesIO(contents[0])) as archive:
            assert {entry.date_time[:3] for entry in archive.infolist()} == {(2026, 11, 22)}
    assert [link.blanks for link in one] == [blanks(document) for document in documents("hautes-pyrenees")]


def test_blanks_are_gathered_by_what_they_ask() -> None:
    decisions = convention_decisions(documents("hautes-pyrenees"))
    keys = [(decision.document, decision.what) for decision in decisions]
    assert len(keys) == len(set(keys))
    places = {(decision.document, decision.what): decision.places for decision in decisions}
    assert places["Convention-cadre", "lieu de signature"] == ("Hautes-Pyrénées",)
    assert len(places["Conventions territoriales", "lieu de signature"]) == 9


@cache
def hostile() -> list[Document]:
    study, measures = measured("hautes-pyrenees")
    programme = study.programme
    assert isinstance(programme, Programme)
    epci, communes = study.epci.copy(), study.communes.copy()
    epci.loc[epci["siren"] == ADOUR_MADIRAN, "name"] = HOSTILE
    communes.loc[communes["epci"] == ADOUR_MADIRAN, "name"] = CONTROL
    parties = (
        Signatory("x", f"{HOSTILE}{CONTROL}\ud800", "=catégorie"),
        Signatory("y", "[à compléter : piège", "élus"),
    )
    conventions = (msgspec.structs.replace(programme.governance.conventions[0], signataires=parties),)
    changed = msgspec.structs.replace(programme.governance, conventions=conventions)
    plan = msgspec.structs.replace(
        programme.plan, actions=(Action(code="=1", titre=HOSTILE, porteurs=("<i>", "\x07")),)
    )
    ours = dataclasses.replace(programme, governance=changed, plan=plan)
    changed_study = dataclasses.replace(study, epci=epci, communes=communes, programme=ours)
    found = convention_documents(changed_study, measures, census=census())
    return [found[0], next(document for document in found if document.siren == ADOUR_MADIRAN)]


def test_hostile_names_stay_text() -> None:
    for document in hostile():
        lines = written(opened(document))
        text = "\n".join(lines)
        shown = HOSTILE.replace("\u202e", "")
        assert shown in text
        assert "\u202e" not in text
        assert re.fullmatch(r"[a-z0-9-]+", document.stem)
        asked = [mark for line in lines for mark in re.findall(r"\[à\scompléter[^\]]*\]", line)]
        assert len(asked) == len(blanks(document))
        fields = [node.get(qn("w:instr")) for node in opened(document).element.body.iter(qn("w:fldSimple"))]
        assert {field.split()[0] for field in fields} == {"SEQ"}


def test_ten_thousand_actions_are_all_listed() -> None:
    study, _ = measured("hautes-pyrenees")
    assert study.programme is not None
    actions = tuple(Action(code=f"A{rank}", titre="Même titre", statut="en cours") for rank in range(10_000))
    programme = dataclasses.replace(
        study.programme, plan=msgspec.structs.replace(study.programme.plan, actions=actions)
    )
    document = framework_document(dataclasses.replace(study, programme=programme))
    rows = tables_of(document)["Actions décrites dans les tables du schéma"].rows
    assert [row[0] for row in rows] == [f"A{rank}{NBSP}– Même titre" for rank in range(10_000)]
    assert written(opened(document)).count("en cours") == 10_000


def test_an_action_says_its_state_or_that_nobody_said_it() -> None:
    rows = plan_rows(
        [Action(code="1", titre="Un"), Action(code="2", titre="Deux", fusionnee_dans="1", statut="en cours")]
    )
    assert rows[0] == (f"1{NBSP}– Un", blank("pilote"), "non renseigné", "non renseigné", "non renseigné")
    assert rows[1][-1] == f"reprise par l'action{NBSP}1"


def test_a_day_is_written_only_when_it_is_sure() -> None:
    assert day_of(read_period("30 mars 2018"), "date") == f"le 30{NBSP}mars{NBSP}2018"
    assert day_of(read_period("janvier 2019"), "date de signature") == (
        f"le [à{NBSP}compléter{NBSP}: date de signature, notée «{NBSP}janvier 2019{NBSP}»]"
    )
    assert day_of(read_period("à définir ]"), "date").count("]") == 1
    assert day_of(Period(), "date de signature") == f"le {blank('date de signature')}"


def test_a_decision_is_that_of_the_one_who_decides() -> None:
    own = Event(
        "decision", "d1", "Délibération de l'EPCI", read_period("3 mai 2018"), territoires=(TerritoryName("X", "1"),)
    )
    all_of = Event("decision", "d2", "Délibération de l'assemblée", read_period("30 mars 2018"))
    governance = Governance(evenements=(own, all_of))
    assert decided(governance, "deliber", "date") == f"le 30{NBSP}mars{NBSP}2018"
    assert decided(governance, "deliber", "date", "1") == f"le 3{NBSP}mai{NBSP}2018"
    assert decided(governance, "deliber", "date", "2") == f"le {blank('date')}"
    assert decided(governance, "arrete", "date") == f"le {blank('date')}"


def test_parties_have_their_full_names() -> None:
    convention = Convention(
        "c", "Convention", signataires=(Signatory("", "EPCI"), Signatory("", "Préfecture de l'Ain"))
    )
    assert parties_of(convention, epci="CC X", departement="Ain") == ["CC X", "Préfecture de l'Ain"]
    assert parties_of(None, epci="CC X", departement="Ain") == ["CC X", "Département (Ain)", "Préfecture (Ain)"]
    names = ("Préfecture de l'Ain", "État", "Département de l'Ain", "Conseil départemental", "CC X")
    assert [party_kind(name) for name in names] == [STATE, STATE, COUNCIL, COUNCIL, OWN]


def test_a_commitment_on_another_subject_is_left_to_be_written() -> None:
    study, _ = measured("exemple-fictif")
    own = Convention("cadre", "Cadre", categorie="cadre", engagements=(("E1", "Planter des arbres"),))
    blocks = commitments(with_governance(study, Governance(conventions=(own,))), own)
    texts = [getattr(block, "text", "") for block in blocks]
    assert texts[1] == "2.1. Planter des arbres"
    assert texts[2] == blank(f"contenu de l'engagement «{NBSP}Planter des arbres{NBSP}»")


@pytest.mark.skipif(
    shutil.which("soffice") is None, reason="LibreOffice (soffice) is not installed: the DOCX was not opened"
)
def test_libreoffice_opens_the_conventions(tmp_path: Path) -> None:
    found = [framework("hautes-pyrenees"), territorial("alpes-de-haute-provence", DURANCE)]
    found += hostile()[:1]
    paths = [tmp_path / f"{rank}.docx" for rank in range(len(found))]
    for path, document in zip(paths, found, strict=True):
        path.write_bytes(render_convention(document))
    profile = f"-env:UserInstallation=file://{tmp_path}/profile"
    command = ["soffice", profile, "--headless", "--convert-to", "pdf", "--outdir", str(tmp_path), *map(str, paths)]
    subprocess.run(command, check=True, capture_output=True, timeout=180)  # noqa: S603 - fixed command
    for path in paths:
        pages = path.with_suffix(".pdf").read_bytes()
        assert pages.startswith(b"%PDF")
        assert len(pages) > 30_000
