"""Every page of finished runs in Chromium: rules of WCAG and RGAA, silence, width on a phone, keyboard.

``python tests/campaigns/pages.py RUN...``: RUN is the folder of a run. `tests/test_pages.py` opens only two pages of
each repeated template; this opens all, and prints the faults and how many pages it looked at. It ends with an error
when it found one.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS), str(TESTS / "support")]

from browser import LOCAL, Browser, chromium  # noqa: E402 - the browser that the tests drive
from test_pages import AXE, OVERFLOW, POSITIVE, SCROLLING, UNREACHABLE, VIOLATIONS, WIDTHS, pages_of  # noqa: E402


def faults_of(browser: Browser, path: Path, *, engine: str) -> Iterator[str]:
    """Yield what is wrong in a page, in words."""
    browser.resize(WIDTHS[-1])
    browser.open(path.as_uri())
    yield from (f"complaint: {event['params']}" for event in browser.complaints())
    yield from (f"asks {url}" for url in browser.asked()[1:] if not url.startswith(LOCAL) or url.startswith("file:"))
    browser.value(f"{engine};0")
    yield from browser.value(VIOLATIONS)
    yield from (f"out of reach of the keyboard: {node}" for node in browser.value(UNREACHABLE))
    if browser.value(POSITIVE):
        yield "an order of tabulation of its own"
    browser.resize(WIDTHS[0], 640)
    if browser.value(OVERFLOW) > 0:
        yield f"wider than {WIDTHS[0]} px"
    yield from (f"scrolls, but not by keyboard: {node}" for node in browser.value(SCROLLING))
    yield from (f"at {WIDTHS[0]} px, {fault}" for fault in browser.value(VIOLATIONS))


def main(runs: list[Path]) -> int:
    """Look at every page of the runs; return the number of faults."""
    engine = AXE.read_text(encoding="utf-8")
    found = looked = 0
    with tempfile.TemporaryDirectory() as profile, chromium(Path(profile)) as browser:
        for run in runs:
            for path in pages_of(run.resolve()):
                looked += 1
                for fault in faults_of(browser, path, engine=engine):
                    found += 1
                    print(f"{run.name}/{path.relative_to(run.resolve())}: {fault}")
    print(f"{looked} pages, {found} faults")
    return found


if __name__ == "__main__":
    sys.exit(min(main([Path(run) for run in sys.argv[1:]]), 1))
