"""Pages of the runs of 65 and 04 in a real Chromium: accessible, silent, light, usable by keyboard and on a phone."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from browser import LOCAL, Browser, chromium
from shared_runs import SharedRun

from sdaasp_geo.pipeline.site import publish_site

AXE = Path(__file__).resolve().parent / "vendor" / "axe.min.js"
TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "RGAAv4")
SCHEMES = {"65": "hautes-pyrenees", "04": "alpes-de-haute-provence"}
MAPS_MOST, PAGES_MOST = 800_000, 1_000_000
STOPS_MOST = 12
WIDTHS = (320, 1280)
ALIKE = {"annexes": 2, "negociations": 2, "epci": 2}
"""Folders whose pages come from one template: how many of them Chromium opens (all are read)."""

VIOLATIONS = (
    f"axe.run(document, {{runOnly: {{type: 'tag', values: {json.dumps(TAGS)}}}, resultTypes: ['violations']}})"
    ".then(found => found.violations.map(rule => "
    "`${rule.id}: ${rule.nodes.length} × ${rule.nodes[0].html.slice(0, 200)}`))"
)
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
MAIN = "document.querySelectorAll('main').length"
WHERE = (
    "(() => { const here = document.activeElement, main = document.querySelector('main'); return "
    "[here === document.body ? '' : here.tagName, main.contains(here), here.getAttribute('href') || '']; })()"
)
UNREACHABLE = (
    "[...document.querySelectorAll('a[href], button, input, select, textarea, summary')].filter(node => "
    "node.tabIndex < 0 && !node.closest('[hidden]') && !node.disabled).map(node => node.outerHTML.slice(0, 120))"
)
POSITIVE = "[...document.querySelectorAll('[tabindex]')].filter(node => node.tabIndex > 0).length"
SCROLLING = (
    "[...document.querySelectorAll('*')].filter(node => node.scrollWidth > node.clientWidth + 1 && "
    "['auto', 'scroll'].includes(getComputedStyle(node).overflowX) && node.tabIndex < 0 && "
    "!node.querySelector('a[href], button, input')).map(node => node.outerHTML.slice(0, 120))"
)


@pytest.fixture(scope="session")
def runs(built: Callable[[str], SharedRun]) -> dict[str, Path]:
    """The runs of the two départements."""
    return {number: built(name).folder for number, name in SCHEMES.items()}


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("chromium")) as found:
        yield found


def pages_of(run: Path) -> list[Path]:
    return sorted(run.rglob("*.html"))


def opened(run: Path) -> list[Path]:
    """Pages that Chromium opens: all, but the first and the heaviest ones of those of one template."""
    chosen = []
    for path in pages_of(run):
        folder = path.relative_to(run).parts[0]
        alike = sorted((run / folder).rglob("*.html"), key=lambda page: -page.stat().st_size)
        if folder not in ALIKE or path in alike[: ALIKE[folder]]:
            chosen.append(path)
    return chosen


def named(run: Path, path: Path) -> str:
    return f"{run.name}/{path.relative_to(run).as_posix()}"


@pytest.mark.parametrize("number", SCHEMES)
def test_every_page_says_what_it_is(runs: dict[str, Path], number: str) -> None:
    titles: dict[str, str] = {}
    for path in pages_of(runs[number]):
        name, text = named(runs[number], path), path.read_text(encoding="utf-8")
        assert '<html lang="fr"' in text[:200], name
        (title,) = re.findall(r"<title>(.*?)</title>", re.sub(r"<svg.*?</svg>", "", text, flags=re.DOTALL))
        assert title.strip(), name
        assert title not in titles, f"{name} and {titles[title]} have one title"
        titles[title] = name


@pytest.mark.parametrize("number", SCHEMES)
def test_every_page_has_a_strict_policy(runs: dict[str, Path], number: str) -> None:
    for path in pages_of(runs[number]):
        name, text = named(runs[number], path), path.read_text(encoding="utf-8")
        (policy,) = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]+)"', text)
        given = dict(part.strip().partition(" ")[::2] for part in html.unescape(policy).split(";") if part.strip())
        assert given["default-src"] == "'none'", name
        assert "unsafe" not in given.get("script-src", ""), name
        assert "eval" not in policy, name
        assert not re.search(r"https?:|\*", policy), name
        assert given["base-uri"] == given["form-action"] == "'none'", name


@pytest.mark.parametrize("number", SCHEMES)
def test_every_page_is_light(runs: dict[str, Path], number: str) -> None:
    for path in pages_of(runs[number]):
        most = MAPS_MOST if path.parent.name == "maps" else PAGES_MOST
        assert path.stat().st_size <= most, f"{named(runs[number], path)}: {path.stat().st_size} bytes"


@pytest.mark.parametrize("number", SCHEMES)
def test_every_link_leads_somewhere_in_the_run(runs: dict[str, Path], number: str) -> None:
    run = runs[number]
    anchors: dict[Path, set[str]] = {}
    for path in pages_of(run):
        for found in re.findall(r'<a\s[^>]*?href="([^"]*)"', path.read_text(encoding="utf-8")):
            link = urlsplit(html.unescape(found))
            if link.scheme in {"http", "https", "mailto"}:
                continue
            assert not link.scheme, f"{named(run, path)}: {found}"
            assert not link.netloc, f"{named(run, path)}: {found}"
            target = (path.parent / unquote(link.path)).resolve() if link.path else path
            assert target.is_relative_to(run), f"{named(run, path)}: {found} leaves the run"
            assert target.is_file(), f"{named(run, path)}: {found} leads nowhere"
            if link.fragment and "=" not in link.fragment:
                text = target.read_text(encoding="utf-8")
                known = anchors.setdefault(target, set(re.findall(r'\sid="([^"]+)"', text)))
                assert unquote(link.fragment) in known, f"{named(run, path)}: no anchor {found}"


@pytest.mark.parametrize("number", SCHEMES)
def test_the_home_page_leads_to_every_page(runs: dict[str, Path], number: str) -> None:
    run = runs[number]
    seen, waiting = set(), [run / "index.html"]
    while waiting:
        path = waiting.pop()
        if path in seen or path.suffix != ".html":
            continue
        seen.add(path)
        links = re.findall(r'<a\s[^>]*?href="([^"#]+)', path.read_text(encoding="utf-8"))
        waiting += [(path.parent / unquote(html.unescape(link))).resolve() for link in links if ":" not in link]
    assert {named(run, path) for path in pages_of(run)} == {named(run, path) for path in seen}


def test_a_run_becomes_a_site_with_an_address_for_each_page(runs: dict[str, Path], tmp_path: Path) -> None:
    copied = publish_site(runs["65"], tmp_path / "site", base_url="https://exemple.fr/65/")
    assert copied.left_out == ()
    assert len(copied.pages) == len(pages_of(runs["65"]))
    for page in copied.pages:
        text = (tmp_path / "site" / page).read_text(encoding="utf-8")
        place = f"https://exemple.fr/65/{page.removesuffix('index.html')}"
        assert text.count(f'<link rel="canonical" href="{place}">') == 1, page
        assert text.count('<meta property="og:image" content="https://exemple.fr/65/partage.png">') == 1, page


def test_chromium_sees_the_faults_of_a_bad_page(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "bad.html"
    wide = '<div style="width: 900px">large</div>'
    wide += '<div style="overflow-x: auto; width: 99px"><pre>a very long line that scrolls</pre></div>'
    path.write_text(
        f'<main><img src="http://127.0.0.1:9/x.png"><a href="#" tabindex="-1">a</a>{wide}', encoding="utf-8"
    )
    browser.resize(WIDTHS[0])
    browser.open(path.as_uri())
    browser.value(f"{AXE.read_text(encoding='utf-8')};0")
    assert {fault.split(":")[0] for fault in browser.value(VIOLATIONS)} >= {"image-alt", "html-has-lang"}
    assert [url for url in browser.asked() if not url.startswith(LOCAL)] == ["http://127.0.0.1:9/x.png"]
    assert browser.complaints() != []
    assert browser.value(OVERFLOW) > 0
    assert len(browser.value(UNREACHABLE)) == 1
    assert len(browser.value(SCROLLING)) == 1


@pytest.mark.parametrize("number", SCHEMES)
def test_no_page_breaks_a_rule_of_wcag_or_rgaa(runs: dict[str, Path], browser: Browser, number: str) -> None:
    engine = AXE.read_text(encoding="utf-8")
    faults = {}
    for path in opened(runs[number]):
        browser.resize(WIDTHS[-1])
        browser.open(path.as_uri())
        browser.value(f"{engine};0")
        found = browser.value(VIOLATIONS)
        if found:
            faults[named(runs[number], path)] = found
    assert faults == {}


@pytest.mark.parametrize("number", SCHEMES)
def test_no_page_asks_the_network_nor_complains(runs: dict[str, Path], browser: Browser, number: str) -> None:
    run = runs[number]
    for path in opened(run):
        browser.open(path.as_uri())
        browser.value("new Promise(end => setTimeout(end, 200))")
        assert browser.asked()[:1] == [path.as_uri()], named(run, path)
        assert [url for url in browser.asked() if not url.startswith(LOCAL)] == [], named(run, path)
        assert [url for url in browser.asked()[1:] if url.startswith("file:")] == [], named(run, path)
        assert browser.complaints() == [], named(run, path)


@pytest.mark.parametrize("number", SCHEMES)
def test_no_page_overflows_on_a_phone(runs: dict[str, Path], browser: Browser, number: str) -> None:
    run = runs[number]
    for path in opened(run):
        browser.resize(WIDTHS[0], 640)
        browser.open(path.as_uri())
        assert browser.value(OVERFLOW) <= 0, named(run, path)
        assert browser.value(SCROLLING) == [], f"{named(run, path)}: scrolls, but not by keyboard"
        browser.resize(WIDTHS[1])
        assert browser.value(OVERFLOW) <= 0, named(run, path)


@pytest.mark.parametrize("number", SCHEMES)
def test_the_keyboard_soon_reaches_the_content(runs: dict[str, Path], browser: Browser, number: str) -> None:
    run = runs[number]
    browser.resize(WIDTHS[1])
    for path in opened(run):
        name = named(run, path)
        browser.open(path.as_uri())
        assert browser.value(MAIN) == 1, name
        assert browser.value(UNREACHABLE) == [], name
        assert browser.value(POSITIVE) == 0, name
        stops = []
        for _ in range(STOPS_MOST + 1):
            browser.press("Tab")
            stops.append(browser.value(WHERE))
            if stops[-1][1] or not stops[-1][0]:
                break
        assert stops[-1][1] or not stops[-1][0], f"{name}: {len(stops)} stops before the content"
        assert all(before != after or before[0] != "A" for before, after in pairwise(stops)), f"{name}: a trap"
        if len(stops) > 1:
            check_skip_link(browser, path, name, first=stops[0])


def check_skip_link(browser: Browser, path: Path, name: str, *, first: list[str]) -> None:
    """The first stop leads past the header: the stop after it is in the content."""
    assert first[0] == "A", name
    assert first[2].startswith("#"), f"{name}: the first stop is no skip link"
    browser.open(path.as_uri())
    browser.press("Tab")
    seen = browser.value(
        "(() => { const box = document.activeElement.getBoundingClientRect(); return box.right > 0; })()"
    )
    assert seen, f"{name}: the skip link stays hidden"
    browser.press("Enter", text="\r")
    browser.value("new Promise(end => setTimeout(end, 50))")
    browser.press("Tab")
    tag, inside, _ = browser.value(WHERE)
    assert inside or not tag, f"{name}: the skip link does not reach the content"
