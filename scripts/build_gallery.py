"""Screenshots of what a run leaves, at three widths, in ``docs/gallery/``, and the page that shows them.

``python scripts/build_gallery.py [RUN]``: RUN is the folder of a run; without it, the embedded example is built. Needs
Chromium. Pictures have few colours and no date: the same pages give nearly the same bytes, whatever the day.
"""

from __future__ import annotations

import base64
import io
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "support"))

from browser import Browser, chromium  # noqa: E402 - the browser that the tests drive

from sdaasp_geo import build, read_scheme  # noqa: E402

GALLERY = ROOT / "docs" / "gallery"
SCHEME = "exemple-fictif"
WIDTHS_PX = {320: 720, 768: 1024, 1440: 900}
COLOURS = 64
MOST_BYTES = 150_000
DRAWN_S = 2.0
TITLE = "# Gallery\n\n"
TEXT = """Pages of the embedded example (`exemple-fictif`, invented), as Chromium shows them at 320, 768 and 1440 px.
`python scripts/build_gallery.py` makes this page and its pictures again; look at them after a change.
"""


class Shown(NamedTuple):
    """A page to show: short name, title, and where a run leaves it (the first file that matches)."""

    name: str
    title: str
    patterns: tuple[str, ...]


PAGES = (
    Shown("index", "Home page of a run", ("index.html",)),
    Shown("atlas", "Atlas", ("maps/atlas.html",)),
    Shown("map", "Access map", ("maps/carte.html",)),
    Shown("border", "Map of the border", ("maps/frontiere.html",)),
    Shown("dashboard", "Dashboard of the scheme", ("plan/tableau-de-bord.html",)),
    Shown("gaps", "Deficits and actions face to face", ("plan/ecarts.html",)),
    Shown("annex", "Annex of a convention", ("annexes/*.html",)),
    Shown("negotiation", "Negotiation sheet with a neighbour", ("negociations/*.html",)),
)


def find_page(run: Path, shown: Shown) -> Path | None:
    """Return the page of a run, or None where the run has none."""
    found = (path for pattern in shown.patterns for path in sorted(run.glob(pattern)))
    return next(found, None)


def screenshot(browser: Browser, page: Path, *, width_px: int, height_px: int) -> bytes:
    """Return the top of a page as a PNG of few colours."""
    browser.resize(width_px, height_px)
    browser.open(page.as_uri())
    browser.value(f"new Promise(done => setTimeout(done, {1000 * DRAWN_S}))")
    return reduced(base64.b64decode(browser.call("Page.captureScreenshot", format="png")["data"]))


def reduced(content: bytes) -> bytes:
    """Return a picture with few colours, and half the size where it would still be too heavy."""
    picture = Image.open(io.BytesIO(content)).convert("RGB")
    for part in (1, 2):
        size = (picture.width // part, picture.height // part)
        small = picture.resize(size, Image.Resampling.LANCZOS) if part > 1 else picture
        stream = io.BytesIO()
        small.quantize(COLOURS, dither=Image.Dither.NONE).save(stream, format="PNG", optimize=True)
        if stream.tell() <= MOST_BYTES:
            break
    return stream.getvalue()


@contextmanager
def a_run(arguments: list[str]) -> Iterator[Path]:
    """Give the folder of the run that is asked for, or build the example beside."""
    if arguments:
        yield Path(arguments[0])
        return
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        build(read_scheme(SCHEME), run, report=print)
        yield run


QGIS = """## QGIS

The balance of the borders of the Hautes-Pyrénées in QGIS 3.22, the toolbox of the plugin on the right
(`scripts/build_qgis_screenshot.py`, see [docs/qgis.md](qgis.md)).

![QGIS with the layers of the border of the Hautes-Pyrénées, and the algorithms of the plugin](gallery/qgis.png)
"""


def main(arguments: list[str]) -> int:
    """Write the pictures and the page."""
    GALLERY.mkdir(exist_ok=True)
    parts = [TITLE + TEXT]
    kept = set()
    with a_run(arguments) as run, tempfile.TemporaryDirectory() as folder, chromium(Path(folder)) as browser:
        for shown in PAGES:
            page = find_page(run, shown)
            if page is None:
                print(f"{shown.name}: not in this run")
                continue
            parts.append(f"## {shown.title}\n")
            for width_px, height_px in WIDTHS_PX.items():
                path = GALLERY / f"{shown.name}-{width_px}.png"
                path.write_bytes(screenshot(browser, page.resolve(), width_px=width_px, height_px=height_px))
                kept.add(path.name)
                print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")
                parts.append(f"![{shown.title}, {width_px} px wide](gallery/{path.name})\n")
    for stale in GALLERY.glob("*.png"):
        if stale.name not in {*kept, "qgis.png"}:  # made by build_qgis_screenshot.py
            stale.unlink()
    parts.append(QGIS)
    (ROOT / "docs" / "gallery.md").write_text("\n".join(parts), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
