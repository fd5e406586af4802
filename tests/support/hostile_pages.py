"""Pages of a hostile study in Chromium: what ran, what was asked for, what the page became."""

from __future__ import annotations

import html
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from browser import LOCAL, Browser
from hostile_text import CALL, HOST, SCRIPTS

WIDTH_PX = 320
HOOK = f"""
if (window === window.top) window.__hits = [];
const hit = (what) => {{ try {{ window.top.__hits.push(what); }} catch {{ parent.postMessage(what, '*'); }} }};
Object.defineProperty(window, '{CALL}', {{value: hit}});
for (const name of ['alert', 'confirm', 'prompt', 'open', 'eval', 'print']) window[name] = () => hit(name);
let leaflet;
Object.defineProperty(window, 'L', {{
  get: () => leaflet,
  set(given) {{
    leaflet = given;
    if (given.Map) given.Map.addInitHook(function () {{ (window.__maps ??= []).push(this); }});
  }},
}});
"""
USED = """
void (async () => {
  const pause = () => new Promise((done) => setTimeout(done, 0));
  let since = performance.now();
  const rest = async () => {
    if (performance.now() - since > 1000) { await pause(); since = performance.now(); }
  };
  document.querySelectorAll('details').forEach((part) => (part.open = true));
  const at = (id) => document.getElementById(id);
  const names = [...document.querySelectorAll('#noms option')].map((option) => option.value);
  for (const name of names.slice(0, LIMIT)) {
    at('commune').value = name;
    at('recherche').requestSubmit();
    await rest();
  }
  for (const choice of document.querySelectorAll('select')) {
    for (const option of [...choice.options].slice(0, LIMIT)) {
      choice.value = option.value;
      choice.dispatchEvent(new Event('change', {bubbles: true}));
      await rest();
    }
  }
  for (const input of document.querySelectorAll('input')) {
    if (input.type === 'checkbox' || input.type === 'radio') { input.click(); await pause(); }
  }
  for (const field of document.querySelectorAll('input[type=search], input[type=text]')) {
    field.value = 'a';
    field.dispatchEvent(new Event('input', {bubbles: true}));
  }
  let cards = 0;
  for (const map of window.__maps || []) {
    const layers = [];
    map.eachLayer((layer) => layers.push(layer));
    for (const layer of layers.filter((one) => one.getPopup && one.getPopup()).slice(0, LIMIT)) {
      layer.openTooltip(); layer.openPopup(); cards += 1;
      await rest();
    }
  }
  for (const node of document.querySelectorAll('[onfocus], [tabindex], a[href], summary, button')) node.focus();
  for (let turn = 0; turn < 20; turn += 1) await pause();
  return cards;
})().then((cards) => (window.__used = cards), (error) => (window.__used = String(error)))
"""
"""Uses all that a page offers, then says how many cards opened; on an overloaded machine it answers in between."""
FOREIGN = """
(() => {
  const odd = [];
  for (const node of document.querySelectorAll('*')) {
    for (const {name, value} of node.attributes) {
      if (name.startsWith('on')) odd.push(`${node.tagName} ${name}`);
      const plain = value.replace(/[\\u0000-\\u0020]/g, '').toLowerCase();
      if (['href', 'src', 'action', 'formaction', 'xlink:href', 'data'].includes(name)
          && /^(javascript|vbscript|data:text|file):/.test(plain)) odd.push(`${node.tagName} ${name} ${value}`);
      if (value.includes('hostile.invalid') && ['href', 'src', 'style', 'action'].includes(name))
        odd.push(`${node.tagName} ${name} ${value}`);
    }
  }
  const foreign = 'base, iframe, object, embed, math, meta[http-equiv=refresh], link[rel=stylesheet][href]';
  odd.push(...[...document.querySelectorAll(foreign)]
    .map((node) => node.outerHTML.slice(0, 200)));
  return odd;
})()
"""
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
CONTEXTS = (
    "<div>{}</div><p tabindex=0><img src=nowhere.png></p>",
    "<title>{}</title>",
    "<textarea>{}</textarea>",
    "<!-- {} -->",
    "<svg><![CDATA[{}]]></svg>",
    '<input value="{}">',
    "<input value='{}'>",
    "<input value={}>",
    '<script>x = "{quoted}";</script>',
    "<script>x = '{quoted}';</script>",
    "<script>x = `{}`;</script>",
    '<iframe src="{}"></iframe>',
    "<iframe src='{}'></iframe>",
    "<textarea id=t>{}</textarea><p id=p></p><script>p.innerHTML = t.value</script>",
    "<textarea id=t>{}</textarea><p id=p></p><script>p.innerHTML = t.value; p.innerHTML = p.textContent</script>",
    "<template id=t>{}</template><p id=p></p><script>p.innerHTML = t.innerHTML; p.innerHTML = p.innerHTML</script>",
    "<script>const run = {raw}; run.replace(/{{(.*?)}}/, (_, code) => (0, Function)(`return ${code}`)())</script>",
)
"""Pages that escape nothing, or badly: where each vector runs, so that a run of none elsewhere says something."""


def naive(context: str, text: str) -> str:
    """Put a text in a page as a careless program would."""
    raw = text.replace("\x00", "").replace("\u202e", "").replace("\u200b", "")
    quoted = raw.replace('"', '\\"').replace("'", "\\'")
    page = context.replace("{quoted}", quoted).replace("{raw}", json.dumps(raw)).replace("{}", raw)
    focus = "<script>document.querySelectorAll('[onfocus]').forEach((node) => node.focus())</script>"
    return f"<!DOCTYPE html><meta charset=utf-8>{page}{focus}"


def watched(browser: Browser) -> None:
    """Make every page of a browser count what runs in it; its own policy is off: escaping alone must hold."""
    browser.call("Page.setBypassCSP", enabled=True)
    browser.call("Page.addScriptToEvaluateOnNewDocument", source=HOOK)
    browser.call("Network.setBlockedURLs", urls=["*hostile.invalid*"])


PATIENCE_S = 300.0
"""How long a browser on an overloaded machine may take to run, to lay out or to be quiet."""
POLL_S = 0.02

SETTLED_S = 5.0
"""How long the scripts of a page may take to follow a change of width."""


def unescaped_runs(browser: Browser, folder: Path, *, every: int = 1) -> set[int]:
    """Return the vectors (one of ``every``) that run, or ask for something, in pages that escape nothing."""
    found: set[int] = set()
    path = folder / "unescaped.html"
    for number, text in list(enumerate(SCRIPTS, start=1))[::every]:
        frames = "".join(f'<iframe srcdoc="{html.escape(naive(context, text))}"></iframe>' for context in CONTEXTS)
        path.write_text(f"<!DOCTYPE html><meta charset=utf-8><body>{frames}", encoding="utf-8")
        browser.call("Page.navigate", url="about:blank")
        browser.events.clear()
        browser.call("Page.navigate", url=path.as_uri())
        last = time.monotonic() + PATIENCE_S
        while time.monotonic() < last:
            time.sleep(POLL_S)
            asked = any(f"{HOST}/{number}/" in url for url in browser.asked())
            if asked or number in browser.value("window.__hits || []"):
                found.add(number)
                break
    return found


def looked_at(browser: Browser, path: Path, *, limit: int = 40, narrow: bool = True) -> dict[str, Any]:
    """Open a page, use all that it offers, and tell what ran, what was asked for, and what does not belong to it.

    What the browser says comes late where the machine is slow: the page is left before it is read, and what concerns
    the page before is not counted in this one.
    """
    browser.resize(1280)
    _open(browser, path.as_uri())
    browser.value(USED.replace("LIMIT", str(limit)))
    cards = _awaited(browser, "window.__used ?? null", lambda used: used is not None)
    assert isinstance(cards, int), (path, cards)
    found: dict[str, Any] = {"cards": cards}
    found["foreign"] = browser.value(FOREIGN)
    if narrow:
        found["wider_px"] = _overflow(browser)
    found["hits"] = browser.value("window.__hits")
    browser.call("Page.navigate", url="about:blank")
    browser.value("new Promise((done) => setTimeout(done, 0))")
    said = browser.events = _own_events(browser.events, path.as_uri())
    asked = browser.asked()[1:]
    found["asked"] = [url for url in asked if url.startswith("file:") or not url.startswith(LOCAL)]
    found["said"] = [json.dumps(event["params"])[:400] for event in browser.complaints()]
    found["dialogs"] = [event for event in said if event.get("method") == "Page.javascriptDialogOpening"]
    return found


def _own_events(events: list[dict[str, Any]], url: str) -> list[dict[str, Any]]:
    """Return what was said since a page was asked for: its request is the first event."""
    for rank, event in enumerate(events):
        if event.get("method") == "Network.requestWillBeSent" and event["params"]["request"]["url"] == url:
            return events[rank:]
    message = f"Chromium said nothing of {url}"
    raise AssertionError(message)


def _open(browser: Browser, url: str) -> None:
    """Go to a page and wait until it is loaded; a question asked while another page gives way to it is asked again."""
    browser.call("Page.navigate", url="about:blank")
    browser.events.clear()
    browser.call("Page.navigate", url=url)
    here = f"document.readyState === 'complete' && location.href === {json.dumps(url)}"
    _awaited(browser, here, bool, leaving=True)


def _awaited(browser: Browser, expression: str, ends: Callable[[Any], bool], *, leaving: bool = False) -> Any:  # noqa: ANN401
    """Ask a page again and again until an answer is the one awaited, and return it."""
    last = time.monotonic() + PATIENCE_S
    while True:
        answer = browser.ask(expression).get("result", {}).get("value") if leaving else browser.value(expression)
        if ends(answer):
            return answer
        assert time.monotonic() < last, f"{expression}: {answer!r} after {PATIENCE_S} s"
        time.sleep(POLL_S)


def _overflow(browser: Browser) -> int:
    """Return how much wider a page is than a narrow screen, in pixels, once it is laid out for it."""
    browser.resize(WIDTH_PX, 640)
    _awaited(browser, "window.innerWidth", lambda width: width == WIDTH_PX)
    settled = time.monotonic() + SETTLED_S
    while (wider := int(browser.value(OVERFLOW))) > 0 and time.monotonic() < settled:
        time.sleep(POLL_S)
    return wider
