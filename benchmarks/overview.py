"""Maps of a region and of France: time to measure and to write, weight, time to drawn in Chromium.

    python benchmarks/overview.py liste-fs-20240801.csv DOSSIER

France services of the list of the ANCT and the embedded mairies. « Drawn » is the mark that the page sets when
communes, legend and card are ready, from the start of navigation, the median of three; « redraw » is what a move of the
map costs.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "support"))

from browser import Browser, chromium

from sdaasp_geo.pipeline.overview import PAGE, overview

SERVICES = ("france-services", "mairie")
ROUNDS = 3
DRAWN = "(performance.getEntriesByName('carte')[0] || {}).startTime || 0"
REDRAW = "(() => { const start = performance.now(); sdaasp.redraw(); return performance.now() - start; })()"


def drawn_ms(browser: Browser, page: Path) -> tuple[float, float]:
    """Open a page; return when it was drawn, and what drawing the map again takes."""
    browser.resize(1440, 900)
    browser.open(page.as_uri())
    while not browser.value(DRAWN):
        time.sleep(0.05)
    return browser.value(DRAWN), browser.value(REDRAW)


def main() -> None:
    """Measure a region, then France."""
    listed, folder = Path(sys.argv[1]), Path(sys.argv[2])
    print("| territory | communes | made | page | drawn | redraw |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile, chromium(Path(profile)) as browser:
        for region in ("76", None):
            out, start = folder / (region or "france"), time.perf_counter()
            measured = overview(out, services=SERVICES, region=region, files=[listed])
            made, weight = time.perf_counter() - start, (out / PAGE).stat().st_size / 1e6
            found = [drawn_ms(browser, out / PAGE) for _ in range(ROUNDS)]
            drawn, redraw = (statistics.median(times) / 1000 for times in zip(*found, strict=True))
            print(
                f"| {measured.name} | {len(measured.communes)} | {made:.0f} s | {weight:.2f} MB | {drawn:.2f} s | "
                f"{redraw:.2f} s |",
                flush=True,
            )


if __name__ == "__main__":
    main()
