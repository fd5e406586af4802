"""The dashboard: every action in it, counts that reconcile, filters by keyboard, no network, inert, the same twice."""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import hashlib
import html
import io
import re
import time
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from browser import LOCAL, Browser, chromium

from sdaasp_geo.action_plan import ORIGIN, action_fields
from sdaasp_geo.analysis.followup import SHOWN_STATUSES, UNDATED, VAGUE
from sdaasp_geo.errors import OutputError
from sdaasp_geo.layers.actions import build_actions
from sdaasp_geo.outputs.dashboard import PAGE, WORKBOOK, render_dashboard, write_dashboard
from sdaasp_geo.outputs.dashboard_gantt import WIDTH, calendar_axis, calendar_bars
from sdaasp_geo.outputs.dashboard_model import NO_VALUE, Dashboard, build_dashboard
from sdaasp_geo.outputs.dashboard_workbook import render_dashboard_workbook
from sdaasp_geo.pipeline import prepare
from sdaasp_geo.scheme import read_scheme
from sdaasp_geo.study import Programme, Study

HOSTILE = "<img src=x onerror=alert(1)></script>`${alert(1)}`{{ 7*7 }}'\"\\"
DAY = dt.date(2019, 6, 15)
NAMES = [field.name for field in action_fields()]


@pytest.fixture(scope="module")
def fictional() -> Study:
    return prepare(read_scheme("exemple-fictif"))


@pytest.fixture(scope="module")
def board(fictional: Study) -> Dashboard:
    return build_dashboard(fictional, day=DAY)


@pytest.fixture(scope="module")
def page(board: Dashboard) -> str:
    return render_dashboard(board)


def table_of(page: str, key: str) -> str:
    start = page.index(f'<table id="{key}"')
    return page[start : page.index("</table>", start)]


def cells_of(page: str, key: str) -> list[list[str]]:
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", table_of(page, key), flags=re.DOTALL)[1:]
    return [
        [html.unescape(re.sub(r"<[^>]*>", "", cell)) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)]
        for row in rows
    ]


def with_actions(study: Study, *rows: dict[str, str]) -> Study:
    filled = [dict.fromkeys(NAMES, "") | {"titre": "Titre"} | row for row in rows]
    table = pd.DataFrame(filled, columns=NAMES, dtype="str").assign(**{ORIGIN: "plan.csv"})
    programme = programme_of(study)
    own = dataclasses.replace(
        programme,
        actions=build_actions(table)[0],
        territories=programme.territories[programme.territories["table"] != "actions"],
        reach=programme.reach.head(0),
    )
    return dataclasses.replace(study, programme=own)


def programme_of(study: Study) -> Programme:
    assert study.programme is not None
    return study.programme


def test_every_action_is_listed_and_drawn_once(board: Dashboard, page: str) -> None:
    codes = board.stand["code"].tolist()
    assert re.findall(r'<tr data-c="([^"]+)" data-s=', table_of(page, "actions")) == codes
    assert sorted(re.findall(r'<tr data-c="([^"]+)">', table_of(page, "calendrier-table"))) == sorted(codes)
    assert len(codes) == 33


def test_counts_reconcile_with_the_plan(board: Dashboard, page: str) -> None:
    assert [int(cells[1]) for cells in cells_of(page, "statuts")] == [6, 10, 6, 2, 2, 2, 3, 2, 0, 33]
    assert sum(int(cells[-2]) for cells in cells_of(page, "orientations")) == 33
    assert sum(board.distinct) == 33
    for counts in (board.by_orientation, board.by_territory, board.by_lead):
        assert (counts[list(SHOWN_STATUSES)].sum(axis=1) == counts["total"]).all()


def test_an_action_without_territory_lead_or_orientation_is_counted(fictional: Study) -> None:
    found = build_dashboard(with_actions(fictional, {"code": "1"}, {"code": "2", "statut": "en cours"}), day=DAY)
    assert found.distinct == (0, 0, 2)
    assert found.by_territory.set_index("group")["total"].to_dict()["non-dit"] == 2
    assert found.by_lead[["group", "total"]].to_numpy().tolist() == [["", 2]]
    assert found.by_orientation[["label", "total"]].to_numpy().tolist() == [["non renseigné", 2]]
    text = render_dashboard(found)
    assert 'data-e="non-dit" data-p="non-renseigne"' in text
    assert "2 de territoire non dit" in text


def test_the_two_kinds_of_late_actions_stand_apart(page: str) -> None:
    declared, overdue = cells_of(page, "retards-declares"), cells_of(page, "echeances-depassees")
    assert [cells[0][:3] for cells in declared] == ["F09", "F18", "F30"]
    assert [(cells[0][:3], cells[4], cells[5]) for cells in overdue] == [("F30", "76", "oui")]


def test_the_calendar_holds_vague_open_and_missing_dates(fictional: Study) -> None:
    rows = [
        {"code": "day", "debut": "15/06/2019", "fin": "15/06/2019"},
        {"code": "vague", "debut": "fin 2018", "fin": "fin 2019"},
        {"code": "open", "debut": "dès 2018"},
        {"code": "until", "fin": "30/06/2020"},
        {"code": "none", "debut": "à définir"},
        {"code": "silent"},
    ]
    found = build_dashboard(with_actions(fictional, *rows), day=DAY)
    axis = calendar_axis(found.stand, day=DAY)
    assert (axis.first, axis.last) == (dt.date(2018, 1, 1), dt.date(2020, 12, 31))
    dated, undated = calendar_bars(found.stand, axis)
    assert [bar.code for bar in dated] == ["vague", "open", "day", "until"]
    assert [bar.code for bar in undated] == ["none", "silent"]
    by_code = {bar.code: bar for bar in dated}
    assert [code for code, bar in by_code.items() if bar.vague] == ["vague"]
    assert [code for code, bar in by_code.items() if bar.dashed] == ["open", "until"]
    assert by_code["open"].dashed.endswith(f"H{WIDTH}")
    assert undated[0].note == "aucune date reconnue"
    assert set(found.stand["dating"]) >= {VAGUE, UNDATED}
    text = table_of(render_dashboard(found), "calendrier-table")
    assert text.index("Sans date") < text.index("à définir")
    assert text.count('<span class="vide">sans date</span>') == 2


def test_bars_lie_on_real_days(fictional: Study) -> None:
    row = {"code": "1", "debut": "01/07/2019", "fin": "31/12/2019"}
    found = build_dashboard(with_actions(fictional, row), day=DAY)
    axis = calendar_axis(found.stand, day=DAY)
    (bar,), _ = calendar_bars(found.stand, axis)
    start = round(1000 * 181 / 365, 1)  # 181 days from 1 January to 1 July
    assert bar.solid == f"M{start} 10h{round(1000 - start, 1)}v12h-{round(1000 - start, 1)}z"
    assert axis.day == round(1000 * 165 / 365, 1)


def test_what_is_due_names_the_day_the_lead_and_to_whom(page: str) -> None:
    rows = {cells[0]: cells for cells in cells_of(page, "syntheses")}
    lead = rows["Conseil départemental"]
    assert lead[1:] == [
        "Chef de projet",
        "Synthèse annuelle (exemple fictif)",
        "Préfet ; Président du Conseil départemental",
        "30/06/2019",
        "4 sur 7",
        "F16, F19, F24",
    ]


def test_the_yearly_deadline_of_the_real_scheme_is_a_day(study_65: Study) -> None:
    text = html.unescape(render_dashboard(build_dashboard(study_65)))
    assert "« Avant le 30 juin de chaque année », soit le 30 juin 2027" in text.replace("\u00a0", " ")
    assert cells_of(text, "syntheses")[0][0] == "Chaque PETR"
    assert {cell for cells in cells_of(text, "gouvernance-epci") for cell in cells[1:]} >= {"non renseigné"}


def test_what_the_sheet_asks_stays_without_value(study_04: Study) -> None:
    found = build_dashboard(study_04)
    assert found.asked["value"].tolist() == [NO_VALUE] * 4
    text = render_dashboard(found)
    assert "Aucune synthèse annuelle n&#39;est inscrite" in text
    assert "Exemple fictif." not in text


def test_an_indicator_of_governance_gets_its_figure(fictional: Study) -> None:
    row = {"code": "1", "indicateurs": "Nombre d'interlocuteurs identifiés | Personnes reçues"}
    found = build_dashboard(with_actions(fictional, row))
    assert found.asked["value"].tolist() == ["13 (7\u00a0EPCI renseignés sur 9)", NO_VALUE]


def test_the_fictional_scheme_says_so(page: str, board: Dashboard) -> None:
    assert "<strong>Exemple fictif.</strong>" in page
    book = openpyxl.load_workbook(io.BytesIO(render_dashboard_workbook(board)))
    assert "Exemple fictif" in book["Synthèse"]["A2"].value


def test_a_scheme_without_programme_is_refused(fictional: Study) -> None:
    with pytest.raises(OutputError):
        build_dashboard(dataclasses.replace(fictional, programme=None))


def test_an_empty_plan_still_gives_a_page(fictional: Study) -> None:
    found = build_dashboard(with_actions(fictional), day=DAY)
    assert "Le plan n'a aucune action." in render_dashboard(found)
    assert openpyxl.load_workbook(io.BytesIO(render_dashboard_workbook(found)))["Actions"]["A2"].value


def test_nothing_is_loaded_and_only_our_script_and_style_count(page: str) -> None:
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', page)
    script, style = (re.search(rf"<{tag}>(.*?)</{tag}>", page, flags=re.DOTALL) for tag in ("script", "style"))
    assert policy is not None
    assert script is not None
    assert style is not None
    for text in (script.group(1), style.group(1)):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in html.unescape(policy.group(1))
    assert "unsafe" not in policy.group(1)
    targets = re.findall(r"""(?:src|href)\s*=\s*["']([^"']+)""", page)
    assert all(target.startswith(("#", "data:image/png;base64,")) or target == WORKBOOK for target in targets)
    assert not re.search(r"\son\w+=|\sstyle=", page[page.index("<body>") :])


def test_files_are_the_same_twice(fictional: Study, tmp_path: Path) -> None:
    links = write_dashboard(fictional, tmp_path / "a" / "plan", day=DAY)
    write_dashboard(fictional, tmp_path / "b" / "plan", day=DAY)
    assert [link["href"] for link in links] == [f"plan/{PAGE}", f"plan/{WORKBOOK}", "plan/gouvernance.png"]
    for link in links:
        assert (tmp_path / "a" / link["href"]).read_bytes() == (tmp_path / "b" / link["href"]).read_bytes()


def test_the_workbook_holds_dates_as_dates_and_no_formula(fictional: Study) -> None:
    rows = [
        {"code": "=1+1", "titre": "=HYPERLINK(1)", "debut": "2018", "fin": "31/12/2019", "porteurs": "+33 | @ici"},
        {"code": "2", "budget_prevu_eur": "2018 : =2+2", "statut": "à discuter"},
    ]
    book = openpyxl.load_workbook(
        io.BytesIO(render_dashboard_workbook(build_dashboard(with_actions(fictional, *rows))))
    )
    sheet = book["Actions"]
    header = [cell.value for cell in sheet[1]]
    assert sheet["A2"].value == "=1+1"
    assert sheet.cell(2, header.index("Fin") + 1).value == dt.datetime(2019, 12, 31)  # noqa: DTZ001 - a day in a cell
    assert all(cell.data_type != "f" for tab in book for row in tab.iter_rows() for cell in row)
    assert sheet.freeze_panes == "C2"
    assert sheet.auto_filter.ref is not None
    assert book["Montants non lus"]["B2"].value == "2018 : =2+2"
    assert {tab.title for tab in book} >= {"Synthèse", "Calendrier", "Par EPCI", "En retard", "Synthèses dues"}


def test_hostile_texts_stay_texts(fictional: Study) -> None:
    names = ("titre", "description", "porteurs", "indicateurs", "referents", "debut", "budget_prevu_eur")
    found = build_dashboard(with_actions(fictional, {"code": HOSTILE, **dict.fromkeys(names, HOSTILE)}))
    text = render_dashboard(found, alt=HOSTILE)
    assert "<img src=x" not in text
    assert text.count("</script>") == 1
    assert html.unescape(re.sub(r"<[^>]*>", "", text)).count(HOSTILE) > 3


def test_ten_thousand_actions_are_rendered_in_linear_time(fictional: Study) -> None:
    def rendered(number: int) -> tuple[float, str]:
        rows = [
            {"code": str(rank), "statut": "en cours", "debut": "2018", "fin": "2019", "porteurs": f"P{rank % 20}"}
            for rank in range(number)
        ]
        study = with_actions(fictional, *rows)
        start = time.perf_counter()
        text = render_dashboard(build_dashboard(study, day=DAY))
        return time.perf_counter() - start, text

    small, _ = rendered(1000)
    large, text = rendered(10_000)
    assert text.count('<tr data-c="') == 20_000
    assert large < 30
    assert large < 40 * small + 1  # linear work is 10 times as long; quadratic work 100 times


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    with chromium(tmp_path) as found:
        yield found


SHOWN = "[...document.querySelectorAll('#actions tbody tr:not([hidden])')].map(row => row.dataset.c)"
BARS = "[...document.querySelectorAll('#calendrier-table tr[data-c]:not([hidden])')].map(row => row.dataset.c).sort()"


def written(study: Study, folder: Path) -> str:
    write_dashboard(study, folder / "plan", day=DAY)
    return (folder / "plan" / PAGE).as_uri()


def test_the_address_filters_the_page(fictional: Study, browser: Browser, tmp_path: Path) -> None:
    url = written(fictional, tmp_path)
    browser.open(url)
    assert len(browser.value(SHOWN)) == 33
    assert browser.value("document.getElementById('compte').textContent") == "33 actions sur 33"
    browser.open(f"{url}#statut=en+retard&epci=246500482")
    assert browser.value(SHOWN) == browser.value(BARS) == ["F18", "F30"]
    assert browser.value("document.getElementById('compte').textContent") == "2 actions sur 33"
    assert browser.value("document.getElementById('f-epci').selectedOptions[0].textContent").startswith(
        "CC de la Haute"
    )
    browser.open(f"{url}#retard=depasse")
    assert browser.value(SHOWN) == ["F30"]
    browser.open(f"{url}#dates=sans+date")
    assert browser.value(SHOWN) == ["F14", "F28"]
    browser.open(f"{url}#q=SANTE+maison")
    assert browser.value(SHOWN) == ["F22"]
    browser.open(f"{url}#porteur=inconnu&statut=fus%C3%A9e")
    assert len(browser.value(SHOWN)) == 33
    browser.open(f"{url}#calendrier")
    assert len(browser.value(SHOWN)) == 33
    assert browser.complaints() == []


def test_the_keyboard_is_enough(fictional: Study, browser: Browser, tmp_path: Path) -> None:
    browser.open(written(fictional, tmp_path))
    for _ in range(60):
        browser.press("Tab")
        if browser.value("document.activeElement.id") == "f-statut":
            break
    browser.press("KeyB", text="b")
    assert browser.value(SHOWN) == ["F04", "F22"]
    assert browser.value("decodeURIComponent(location.hash)") == "#statut=bloquée"
    for _ in range(6):
        browser.press("Tab")
    assert browser.value("document.activeElement.id") == "f-q"
    for letter in "sante":
        browser.press(f"Key{letter.upper()}", text=letter)
    assert browser.value(SHOWN) == ["F22"]
    assert browser.value("document.getElementById('compte').textContent") == "1 action sur 33"
    assert browser.value("document.getElementById('compte').getAttribute('aria-live')") == "polite"
    browser.press("Enter", text="\r")
    assert browser.value("location.protocol") == "file:"
    browser.press("Tab")
    browser.press("Enter", text="\r")
    time.sleep(0.3)
    assert len(browser.value(SHOWN)) == 33
    assert browser.value("location.hash") == ""
    assert browser.complaints() == []


def test_without_scripts_everything_is_shown(fictional: Study, browser: Browser, tmp_path: Path) -> None:
    url = written(fictional, tmp_path)
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    browser.open(f"{url}#statut=en+retard")
    assert len(browser.value(SHOWN)) == len(browser.value(BARS)) == 33
    assert browser.value("document.getElementById('filtres').hidden") is True


def test_the_page_asks_nothing_of_the_network_and_fits_a_phone(
    fictional: Study, browser: Browser, tmp_path: Path
) -> None:
    browser.resize(320, 640)
    browser.open(written(fictional, tmp_path))
    assert browser.value("document.documentElement.scrollWidth") <= 320
    assert browser.asked()
    assert all(url.startswith(LOCAL) for url in browser.asked())
    assert browser.complaints() == []


def test_ten_thousand_actions_stay_usable(fictional: Study, browser: Browser, tmp_path: Path) -> None:
    rows = [{"code": str(n), "statut": "bloquée" if n % 100 else "réalisée", "debut": "2018"} for n in range(10_000)]
    path = tmp_path / PAGE
    path.write_text(render_dashboard(build_dashboard(with_actions(fictional, *rows), day=DAY)), encoding="utf-8")
    browser.open(f"{path.as_uri()}#statut=r%C3%A9alis%C3%A9e")
    assert len(browser.value(SHOWN)) == 100
    assert browser.value("document.getElementById('compte').textContent") == "100 actions sur 10000"
    change = "(() => { const start = performance.now(); const field = document.getElementById('f-statut'); "
    change += "field.value = ''; field.dispatchEvent(new Event('input', {bubbles: true})); "
    change += "document.body.offsetHeight; return performance.now() - start; })()"
    assert browser.value(change) < 3000
    assert len(browser.value(SHOWN)) == 200
    assert browser.value("document.getElementById('plus').hidden") is False
    browser.value("document.getElementById('plus').click()")
    assert len(browser.value(SHOWN)) == 400
