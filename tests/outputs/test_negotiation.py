"""Negotiation sheets: one per neighbour, the same figures in page and workbook, the same bytes, hostile names inert."""

from __future__ import annotations

import dataclasses
import re
import shutil
import subprocess
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import geopandas as gpd
import openpyxl
import pandas as pd
import pytest
from lxml import html as lxml_html  # type: ignore[import-untyped]

from sdaasp_geo.analysis.access import service_places
from sdaasp_geo.analysis.competence import FROM_RULE, competent_access
from sdaasp_geo.analysis.negotiation import (
    FROM_NEIGHBOUR,
    TO_NEIGHBOUR,
    negotiation_rows,
    negotiation_sentences,
    negotiation_totals,
)
from sdaasp_geo.embedded import embedded_path
from sdaasp_geo.french import NARROW_NBSP, NBSP, number, threshold
from sdaasp_geo.outputs.negotiation import NegotiationLink, neighbours_of, write_negotiations
from sdaasp_geo.parameters import number_setting
from sdaasp_geo.study import Measures, Study
from sdaasp_geo.travel.pairs import pairs_within
from sdaasp_geo.travel.straight_line import straight_line_engine

COMMINGES, NAY, ADOUR_MADIRAN, BEYOND = "200072643", "246401756", "200072106", "200073146"
AROUND = ["31", "32", "64", "65"]
NETWORK = "réseau"
NO_AREA = pd.DataFrame(columns=["operateur", "code_commune", "guichet", "area_reason"], dtype="str")
TABS = {"vos-habitants": "Vos habitants", "nos-habitants": "Nos habitants"}
HOSTILE = '<img src=x onerror=alert(1)> & "{{ 7*7 }}" {% set a = 1 %}\x0b\u202e</td>'
SHOWN = '<img src=x onerror=alert(1)> & "{{ 7*7 }}" {% set a = 1 %}</td>'
FORMULA = '=HYPERLINK("http://x","y")'

Tables = dict[str, pd.DataFrame]


def summed(study: Study, rows: pd.DataFrame, labels: dict[str, str]) -> Tables:
    totals = negotiation_totals(rows)
    names = dict(zip(study.neighbours["siren"], study.neighbours["name"], strict=True))
    least = number_setting(study.parameters, "gain-negociation-min")
    sentences = negotiation_sentences(totals, names=names, labels=labels, least_gain_min=least)
    return {"rows": rows, "totals": totals, "sentences": sentences}


def negotiate(study: Study, sites: pd.DataFrame, *, service: str, label: str, areas: pd.DataFrame = NO_AREA) -> Tables:
    """Negotiate one service between the Hautes-Pyrénées and their neighbours."""
    around = study.communes[study.communes["departement"].isin(AROUND)]
    homes = pd.DataFrame(around.drop(columns="geometry")).reset_index(drop=True)
    model = embedded_path("travel/straight_line.toml").read_text(encoding="utf-8")
    pairs = pairs_within(straight_line_engine(model, coverage=0.9), homes, sites, limit_min=60.0)
    table = competent_access(homes, sites, pairs, areas, service=service)
    least = number_setting(study.parameters, "gain-negociation-min")
    ours = set(homes.loc[homes["inside"], "code"])
    rows = negotiation_rows(table, homes, study.borders, ours=ours, least_gain_min=least)
    return summed(study, rows, {service: label})


@pytest.fixture(scope="module")
def france_services(study_65: Study) -> Tables:
    surroundings = pd.DataFrame(study_65.communes[["code", "population", "area_km2"]])
    sites = service_places(study_65.points, surroundings, service="france-services").assign(operateur=NETWORK)
    return negotiate(study_65, sites, service="france-services", label="France services")


def write(
    study: Study, measures: Measures, tables: Tables, folder: Path, names: dict[str, str] | None = None
) -> dict[str, NegotiationLink]:
    links = write_negotiations(study, measures.method, **tables, names=names or {}, folder=folder)
    return {link.siren: link for link in links}


@dataclasses.dataclass(frozen=True)
class Written:
    root: Path
    links: dict[str, NegotiationLink]

    def page(self, siren: str) -> Any:  # noqa: ANN401 - lxml has no types
        return lxml_html.fromstring(self.text(siren))

    def text(self, siren: str) -> str:
        return (self.root / self.links[siren].html).read_text(encoding="utf-8")

    def book(self, siren: str) -> Any:  # noqa: ANN401 - openpyxl has no types
        return openpyxl.load_workbook(self.root / self.links[siren].xlsx)


@pytest.fixture(scope="module")
def written(
    study_65: Study, measures_65: Measures, france_services: Tables, tmp_path_factory: pytest.TempPathFactory
) -> Written:
    root = tmp_path_factory.mktemp("run")
    names = {BEYOND: "CC Cagire Garonne Salat"}
    return Written(root, write(study_65, measures_65, france_services, root / "negociations", names))


def shown_rows(page: Any, table: str) -> list[list[str]]:  # noqa: ANN401 - idem
    """Return the cells of the body of a table; what stands on two lines of a cell is apart by a bar."""
    return [
        ["|".join(part.strip() for part in cell.itertext() if part.strip()) for cell in row.xpath("./th|./td")]
        for row in page.xpath(f"//table[@id='{table}']/tbody/tr")
    ]


def tab_rows(book: Any, tab: str, *, header: int = 1) -> list[dict[str, Any]]:  # noqa: ANN401 - idem
    lines = list(book[tab].iter_rows(min_row=header, values_only=True))
    return [dict(zip(lines[0], line, strict=True)) for line in lines[1:] if line[1] is not None]


def test_each_neighbour_has_its_sheet_and_signatories_none(written: Written, study_65: Study) -> None:
    expected = set(study_65.neighbours["siren"]) | {"200067262", BEYOND, "243200425"}
    assert set(written.links) == expected
    assert ADOUR_MADIRAN not in written.links
    link = written.links[COMMINGES]
    assert (link.html, link.xlsx) == tuple(
        f"negociations/200072643-cc-coeur-et-coteaux-du-comminges.{kind}" for kind in ("html", "xlsx")
    )
    assert link.epci == "Communauté de communes Coeur et Coteaux du Comminges"
    files = {path.relative_to(written.root).as_posix() for path in written.root.rglob("*.*")}
    assert files == {name for link in written.links.values() for name in (link.html, link.xlsx)}
    assert written.links["243200425"].html == "negociations/243200425.html"


def test_figures_are_those_of_the_analysis(written: Written, france_services: Tables) -> None:
    rows = france_services["rows"]
    for siren, link in written.links.items():
        own = rows[(rows["neighbour"] == siren) & rows["listed"]]
        book, page = written.book(siren), written.page(siren)
        for key, way in (("vos-habitants", FROM_NEIGHBOUR), ("nos-habitants", TO_NEIGHBOUR)):
            listed = own[own["direction"] == way].set_index("code")
            kept = [row for row in tab_rows(book, TABS[key]) if row["À négocier"] == "oui"]
            assert [row["Code commune"] for row in kept] == list(
                listed.sort_values("gain_min", ascending=False).index
            ), siren
            for row in kept:
                true = listed.loc[row["Code commune"]]
                assert row["Habitants"] == true["population"]
                assert row["Temps actuel (min)"] == round(true["competent_time_min"], 1)
                assert row["Temps possible (min)"] == round(true["nearest_time_min"], 1)
                assert row["Minutes gagnées"] == round(true["gain_min"], 1)
                assert row["Guichet compétent aujourd'hui"] == true["competent_place_name"]
                assert row["Guichet le plus proche"] == true["nearest_place_name"]
                assert row["Attribution"] == "Hypothèse"
            assert len(shown_rows(page, f"tableau-{key}")) == len(listed)
        ways = own.groupby("direction")["code"].nunique()
        assert (link.communes_in, link.communes_out) == (ways.get(FROM_NEIGHBOUR, 0), ways.get(TO_NEIGHBOUR, 0))


def test_page_and_workbook_hold_the_same_figures(written: Written) -> None:
    page, book = written.page(COMMINGES), written.book(COMMINGES)
    for key, tab in TABS.items():
        kept = [row for row in tab_rows(book, tab) if row["À négocier"] == "oui"]
        assert len(kept) == {"vos-habitants": 17, "nos-habitants": 10}[key]
        expected = []
        for row in kept:
            commune = f"{row['Commune']} ({row['Département']})"
            commune += "" if key == "vos-habitants" else f"|{row['Intercommunalité de la commune']}"
            competent = "|".join((row["Guichet compétent aujourd'hui"], row["Commune du guichet compétent"]))
            nearest = "|".join((row["Guichet le plus proche"], row["Commune du plus proche"]))
            expected.append(
                [
                    *(commune, number(row["Habitants"]), number(row["Limite partagée (km)"], digits=1)),
                    *(row["Service (opérateur)"], competent, row["Attribution"]),
                    *(number(row["Temps actuel (min)"], digits=1), nearest),
                    *(number(row["Temps possible (min)"], digits=1), number(row["Minutes gagnées"], digits=1)),
                ]
            )
        assert shown_rows(page, f"tableau-{key}") == expected
    totals = [list(line) for line in book["Synthèse"].iter_rows(min_row=5, max_row=6, values_only=True)]
    texts = [[*line[:2], *map(number, line[2:7]), *(number(value, digits=1) for value in line[7:])] for line in totals]
    assert shown_rows(page, "totaux") == texts
    assert totals[0][2:] == [10, 5906, 17, 11190, 0, 13.2, 20.3]


def test_totals_and_sentences_are_in_both(written: Written, france_services: Tables) -> None:
    for siren in written.links:
        shown = written.page(siren).text_content()
        cells = {cell for line in written.book(siren)["Synthèse"].iter_rows(values_only=True) for cell in line}
        sentences = france_services["sentences"]
        for sentence in sentences.loc[sentences["neighbour"] == siren, "sentence"]:
            assert sentence in shown
            assert sentence in cells


def test_every_case_is_in_the_workbook(written: Written, france_services: Tables) -> None:
    rows = france_services["rows"]
    for siren in written.links:
        book = written.book(siren)
        found = [row for tab in TABS.values() for row in tab_rows(book, tab)]
        own = rows[rows["neighbour"] == siren]
        assert sorted(row["Code commune"] for row in found) == sorted(own["code"])
        assert all(row["Remarque"] for row in found if row["À négocier"] == "non")
    remarks = {row["Remarque"] for row in tab_rows(written.book(COMMINGES), "Vos habitants")}
    least = f"gain de moins de 5{NBSP}min"
    assert remarks == {None, least, "le guichet le plus proche n'est pas de l'autre côté"}
    others = (
        f"13{NBSP}cas examinés et non retenus (une commune et un service), dans le classeur joint{NBSP}: {least} (8)"
    )
    assert others in written.page(COMMINGES).text_content()


def test_a_commune_that_was_not_measured_is_kept_with_its_reason(
    study_65: Study, measures_65: Measures, france_services: Tables, tmp_path: Path
) -> None:
    rows = france_services["rows"].copy()
    gone = (rows["neighbour"] == COMMINGES) & (rows["code"] == "31078")
    texts = [name for name in rows if name.startswith(("competent_", "nearest_p", "nearest_r")) or name == "assignment"]
    rows.loc[gone, [*texts, "nearest_time_min", "gain_min"]] = float("nan")
    rows.loc[gone, "gain_reason"] = "non mesuré"
    found = Written(tmp_path, write(study_65, measures_65, {**france_services, "rows": rows}, tmp_path / "n"))
    (row,) = (row for row in tab_rows(found.book(COMMINGES), "Vos habitants") if row["Commune"] == "Boudrac")
    shown = [row[name] for name in ("Habitants", "Attribution", "Temps actuel (min)", "Remarque", "À négocier")]
    assert shown == [150, "Non connue", None, "non mesuré", "non"]
    assert "non mesuré (1)" in found.page(COMMINGES).text_content()


def test_a_gain_just_below_the_threshold_does_not_seem_to_reach_it(
    study_65: Study, measures_65: Measures, france_services: Tables, tmp_path: Path
) -> None:
    rows = france_services["rows"].copy()
    listed = rows.index[(rows["neighbour"] == COMMINGES) & (rows["direction"] == FROM_NEIGHBOUR) & rows["listed"]]
    below, equal, above = listed[:3]
    rows.loc[below, ["gain_min", "listed"]] = [4.98, False]
    rows.loc[equal, "gain_min"], rows.loc[above, "gain_min"] = 5.0, 5.004
    found = Written(tmp_path, write(study_65, measures_65, {**france_services, "rows": rows}, tmp_path / "n"))
    by_code = {row["Code commune"]: row for row in tab_rows(found.book(COMMINGES), "Vos habitants")}
    gains = [by_code[rows.loc[one, "code"]]["Minutes gagnées"] for one in (below, equal, above)]
    assert gains == [4.98, 5.0, 5.004]
    assert by_code[rows.loc[below, "code"]]["Remarque"] == f"gain de moins de 5{NBSP}min"
    shown = {row[0].split(" (")[0]: row[-1] for row in shown_rows(found.page(COMMINGES), "tableau-vos-habitants")}
    assert shown[rows.loc[above, "name"]] == "5,004"
    assert shown[rows.loc[equal, "name"]] == "5,0"
    assert rows.loc[below, "name"] not in shown


def test_nothing_to_win_is_said_in_one_sentence(written: Written, study_65: Study) -> None:
    page, book = written.page(NAY), written.book(NAY)
    least = threshold(number_setting(study_65.parameters, "gain-negociation-min"))
    said = [
        f"Aucune de vos communes ne gagnerait au moins {least} avec un guichet de notre département.",
        f"Aucune de nos communes ne gagnerait au moins {least} avec un guichet de votre intercommunalité.",
    ]
    assert [node.text_content() for node in page.xpath("//p[@class='rien']")] == said
    assert [table.get("id") for table in page.xpath("//table")] == ["totaux", "tableau-sources"]
    assert set(said) <= {cell for (cell, *_) in book["Synthèse"].iter_rows(values_only=True)}
    text = page.text_content()
    assert "Arbéost et Ferrières sont à la fois dans notre département et membres de votre intercommunalité" in text
    assert "Nos communes qui touchent votre intercommunalité (5" in text


def test_the_method_and_what_is_missing_are_said(written: Written, measures_65: Measures) -> None:
    page, book = written.page(COMMINGES).text_content(), written.book(COMMINGES)
    method = {line[1] for line in book["Méthode"].iter_rows(min_row=2, values_only=True)}
    for start in ("Guichet compétent", "Minutes gagnées", "Gain retenu", "Temps", "Bande d'erreur", "Trajets"):
        text = next(text for text in method if text.startswith(f"{start}{NBSP}: "))
        assert text in page
    for said in (
        "Aucune zone d'intervention d'opérateur n'a été fournie pour ces communes",
        "à valider par le département.",
        measures_65.method.description.replace(" ;", f"{NARROW_NBSP};"),
        f"1er{NBSP}janvier{NBSP}2024",
        f"22{NBSP}novembre{NBSP}2026",
        "Licence Ouverte 2.0",
        f"7{NBSP}lieux sans accueil permanent (formats{NBSP}: multisite), non comptés (départements 31 et 65).",
        "ANCT, liste des France services au 1er août 2024",
    ):
        assert said in page
        assert any(said in text for text in method), said


def test_road_times_are_not_called_estimates(
    study_65: Study, measures_65: Measures, france_services: Tables, tmp_path: Path
) -> None:
    method = dataclasses.replace(measures_65.method, estimate=False, label="réseau routier", description="Mesurés.")
    measures = dataclasses.replace(measures_65, method=method)
    page = Written(tmp_path, write(study_65, measures, france_services, tmp_path / "n")).page(NAY).text_content()
    assert f"Temps{NBSP}: réseau routier. Mesurés." in page
    assert "Bande d'erreur" not in page
    assert "estimation" not in page


def test_areas_are_told_from_assumptions(study_65: Study, measures_65: Measures, tmp_path: Path) -> None:
    surroundings = pd.DataFrame(study_65.communes[["code", "population", "area_km2"]])
    sites = service_places(study_65.points, surroundings, service="france-services").assign(operateur=NETWORK)
    areas = pd.DataFrame(
        [(NETWORK, "31158", "fs-2386", ""), (NETWORK, "31390", "fs-9999", "guichet inconnu des points de service")],
        columns=["operateur", "code_commune", "guichet", "area_reason"],
    )
    tables = negotiate(study_65, sites, service="france-services", label="France services", areas=areas)
    found = Written(tmp_path, write(study_65, measures_65, tables, tmp_path / "n"))
    rows = {row["Code commune"]: row for row in tab_rows(found.book(COMMINGES), "Vos habitants")}
    assert rows["31158"]["Attribution"] == "Zone de l'opérateur"
    assert rows["31158"]["Guichet compétent aujourd'hui"].endswith("Bagnères-de-Luchon")
    assert rows["31158"]["Minutes gagnées"] > 20
    unknown = rows["31390"]
    assert (unknown["Temps actuel (min)"], unknown["Minutes gagnées"], unknown["À négocier"]) == (None, None, "oui")
    assert unknown["Remarque"] == "guichet inconnu des points de service"
    page = found.page(COMMINGES)
    line = next(row for row in shown_rows(page, "tableau-vos-habitants") if row[0].startswith("Montréjeau"))
    assert (line[4], line[6], line[-1]) == ("–|guichet inconnu des points de service", "–", "–")
    text = page.text_content()
    size = len(tables["rows"][tables["rows"]["neighbour"] == COMMINGES])
    assert f"Zone d'intervention non fournie pour {size - 2}{NBSP}cas sur {size}{NBSP}:" in text
    assert f"1{NBSP}gain non connu{NBSP}: la raison est dans le tableau." in text
    assert "Zones d'intervention des opérateurs" in text
    assert next(row for row in shown_rows(page, "totaux"))[6] == "1"


def test_the_page_is_accessible_and_asks_nothing_of_the_network(written: Written) -> None:
    for siren in (COMMINGES, NAY):
        page = written.page(siren)
        assert page.get("lang") == "fr"
        assert page.xpath("//meta[@http-equiv='Content-Security-Policy']/@content") == [
            "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
        ]
        assert not page.xpath("//script|//link|//@src|//*[starts-with(name(), 'on')]")
        assert page.xpath("//@href") == [Path(written.links[siren].xlsx).name]
        for table in page.xpath("//table"):
            assert table.xpath("./caption")
            assert len(table.xpath("./thead/tr/th[@scope='col']")) == len(table.xpath("./tbody/tr[1]/*"))
            assert all(row.xpath("./th[@scope='row']") for row in table.xpath("./tbody/tr"))
        levels = [int(node.tag[1]) for node in page.xpath("//h1|//h2|//h3")]
        assert levels.count(1) == 1
        assert levels[0] == 1
        assert all(after - before <= 1 for before, after in pairwise(levels))
        targets = page.xpath("//@aria-labelledby")
        assert all(page.xpath(f"//*[@id='{target}']") for target in targets)
        assert "@page { size: A4 landscape" in written.text(siren)


def test_french_spaces_are_no_break(written: Written) -> None:
    for siren in written.links:
        page = written.page(siren)
        for style in page.xpath("//style"):
            style.getparent().remove(style)
        cells = [cell for tab in written.book(siren) for line in tab.iter_rows(values_only=True) for cell in line]
        for text in (page.xpath("//main")[0].text_content(), *(cell for cell in cells if isinstance(cell, str))):
            assert not re.search(r" [:;!?»%]|« |[0-9] (min|km|habitants?|communes?)\b", text), siren
            assert not re.search(r"(?<!\w)(nan|None|NaT|inf)(?!\w)", text), siren
    assert f"{NARROW_NBSP};" in written.page(COMMINGES).xpath("//div[@class='bref']")[0].text_content()


def test_the_workbook_is_typed_frozen_and_without_formula(written: Written) -> None:
    book = written.book(COMMINGES)
    assert book.sheetnames == ["Synthèse", "Vos habitants", "Nos habitants", "Méthode"]
    assert [tab.freeze_panes for tab in book] == ["A5", "B2", "B2", "A2"]
    for tab in book:
        assert (tab.page_setup.orientation, int(tab.page_setup.paperSize)) == ("landscape", 9)
        assert all(cell.data_type != "f" for line in tab.iter_rows() for cell in line)
    for tab in TABS.values():
        header = [cell.value for cell in book[tab][1]]
        assert all(cell.alignment.wrap_text for cell in book[tab][1])
        assert book[tab].row_dimensions[1].height >= 3 * 15
        assert book[tab].print_title_rows == "$1:$1"
        numeric = {"Habitants", "Limite partagée (km)", "Temps actuel (min)", "Temps possible (min)", "Minutes gagnées"}
        for row in tab_rows(book, tab):
            assert {name for name, value in row.items() if isinstance(value, int | float)} >= numeric - {
                "Minutes gagnées"
            }
            assert all(isinstance(row[name], str) for name in set(header) - numeric - {"Remarque"})
            assert re.fullmatch(r"\d{5}", row["Code commune"])


def test_two_runs_have_the_same_bytes_and_order_never_matters(
    study_65: Study, measures_65: Measures, france_services: Tables, tmp_path: Path
) -> None:
    turned = {name: table.iloc[::-1] for name, table in france_services.items() if name != "totals"}
    turned["totals"] = france_services["totals"]
    copies = {name: table.copy(deep=True) for name, table in france_services.items()}
    first = write(study_65, measures_65, france_services, tmp_path / "a" / "n")
    second = write(study_65, measures_65, turned, tmp_path / "b" / "n")
    assert first == second
    for link in first.values():
        for name in (link.html, link.xlsx):
            assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name
    for name, table in france_services.items():
        pd.testing.assert_frame_equal(table, copies[name])


def hostile(study: Study, tables: Tables) -> tuple[Study, Tables, dict[str, str]]:
    rows = tables["rows"].copy()
    own = rows["neighbour"] == COMMINGES
    rows.loc[own & (rows["code"] == "31158"), ["name", "nearest_place_name"]] = HOSTILE
    rows.loc[own & (rows["code"] == "31390"), ["name", "competent_place_name"]] = FORMULA
    rows.loc[own, "operator"] = "</style><script>alert(1)</script>"
    neighbours = study.neighbours.copy()
    neighbours.loc[neighbours["siren"] == COMMINGES, "name"] = HOSTILE
    changed = dataclasses.replace(study, neighbours=neighbours, departement_name="<b>Hautes</b>")
    return changed, summed(changed, rows, {"france-services": "France services"}), {COMMINGES: HOSTILE}


def test_hostile_names_stay_literal(
    study_65: Study, measures_65: Measures, france_services: Tables, tmp_path: Path
) -> None:
    study, tables, names = hostile(study_65, france_services)
    links = write(study, measures_65, tables, tmp_path / "n", names)
    found = Written(tmp_path, links)
    page, text, book = found.page(COMMINGES), found.text(COMMINGES), found.book(COMMINGES)
    assert "<script" not in text
    assert "<img" not in text
    assert "\u202e" not in text
    assert not page.xpath("//script|//img|//b")
    assert page.xpath("//h1/following-sibling::p")[0].text == f"<b>Hautes</b> (65){NBSP}– {SHOWN}"
    rows = shown_rows(page, "tableau-vos-habitants")
    assert {row[0] for row in rows} >= {f"{SHOWN} (31)", f"{FORMULA} (31)"}
    cells = {row["Commune"]: row for row in tab_rows(book, "Vos habitants")}
    assert cells[SHOWN]["Guichet le plus proche"] == SHOWN
    assert cells[FORMULA]["Guichet compétent aujourd'hui"] == FORMULA
    assert all(
        cell.data_type != "f" and cell.hyperlink is None for tab in book for line in tab.iter_rows() for cell in line
    )
    assert Path(links[COMMINGES].html).parent.name == "n"
    assert re.fullmatch(r"n/200072643-[a-z0-9-]+\.html", links[COMMINGES].html)


def test_without_rows_nothing_is_written(study_65: Study, measures_65: Measures, tmp_path: Path) -> None:
    empty = {name: pd.DataFrame() for name in ("rows", "totals", "sentences")}
    assert write(study_65, measures_65, empty, tmp_path / "n") == {}
    assert not (tmp_path / "n").exists()


def test_a_neighbour_that_touches_without_any_case_is_told_so(
    study_65: Study, measures_65: Measures, france_services: Tables, tmp_path: Path
) -> None:
    tables = {name: table[table["neighbour"] != NAY] for name, table in france_services.items()}
    assert NAY in neighbours_of(study_65, tables["rows"])
    found = Written(tmp_path, write(study_65, measures_65, tables, tmp_path / "n"))
    page, book = found.page(NAY), found.book(NAY)
    assert len(page.xpath("//p[@class='rien']")) == 2
    assert [table.get("id") for table in page.xpath("//table")] == ["tableau-sources"]
    assert book["Vos habitants"]["A2"].value == page.xpath("//p[@class='rien']")[0].text


def test_the_caf_of_65_and_the_pays_de_nay(
    study_65: Study, measures_65: Measures, shared: Callable[[str], Path], tmp_path: Path
) -> None:
    path = shared("annuaire_dila_2016/annuaire_services_locaux_2016_65_04_voisins.gpkg")
    counters = gpd.read_file(path, where="type = 'caf' AND dep IN ('31', '32', '64', '65')")
    known = study_65.communes.set_index("code")
    counters = counters[counters["codeinsee"].isin(known.index)].to_crs(known.crs).reset_index(drop=True)
    code = counters["codeinsee"]
    sites = pd.DataFrame({"id": counters["id"], "nom": counters["nom"], "code_commune": code, "operateur": "CAF"})
    sites = sites.assign(
        commune=code.map(known["name"]),
        epci=code.map(known["epci"]),
        departement=code.map(known["departement"]),
        x=counters.geometry.x,
        y=counters.geometry.y,
        commune_population=code.map(known["population"]),
        commune_area_km2=code.map(known["area_km2"]),
    )
    tables = negotiate(study_65, sites, service="caf", label="Allocations familiales")
    assert (tables["rows"]["assignment"] == FROM_RULE).all()
    found = Written(tmp_path, write(study_65, measures_65, tables, tmp_path / "n"))
    ours = {row["Commune"]: row for row in tab_rows(found.book(NAY), "Nos habitants")}
    assert {"Arbéost", "Ferrières"} <= set(ours)
    assert {ours[name]["Intercommunalité de la commune"] for name in ("Arbéost", "Ferrières")} == {"CC Pays de Nay"}
    true = tables["rows"].set_index(["neighbour", "code"]).loc[(NAY, ours["Ferrières"]["Code commune"])]
    assert ours["Ferrières"]["Minutes gagnées"] == round(true["gain_min"], 1)
    assert "hors de la grille commune du schéma" in found.page(NAY).text_content()


@pytest.mark.skipif(
    shutil.which("soffice") is None, reason="LibreOffice (soffice) is not installed: the XLSX was not opened"
)
def test_libreoffice_opens_the_workbook(
    study_65: Study, measures_65: Measures, france_services: Tables, tmp_path: Path
) -> None:
    study, tables, names = hostile(study_65, france_services)
    source = tmp_path / write(study, measures_65, tables, tmp_path / "n", names)[COMMINGES].xlsx
    profile = f"-env:UserInstallation=file://{tmp_path}/profile"
    command = ["soffice", profile, "--headless", "--convert-to", "pdf", "--outdir", str(tmp_path), str(source)]
    subprocess.run(command, check=True, capture_output=True, timeout=180)  # noqa: S603 - fixed command
    pages = source.with_suffix(".pdf").name
    assert (tmp_path / pages).read_bytes().startswith(b"%PDF")
